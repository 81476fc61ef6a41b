//! Who is behind a link, where the link knows it.

use super::{ActorName, Ssm, SsmUser};
use crate::machine::count;
use crate::scos::ActorId;
use crate::scos::messages::{Message, Refusal, Refused};
use crate::time::Now;
use crate::transport::{Address, Transport};

/// The service in which the identities of links are names.
const BY_IDENTITY: &str = "psk";

impl Ssm<'_> {
    /// Whether a message is of an Actor by the link of somebody else. Requests are then
    /// refused, and nothing else comes of it.
    pub(super) fn is_usurped(
        &mut self,
        now: Now,
        from: &Address,
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn SsmUser,
    ) -> bool {
        let (actor, request) = match message {
            Message::ScanRequest(request) => (request.actor, Some(request.request)),
            Message::Cancel(cancel) => (cancel.actor, Some(cancel.request)),
            Message::InventoryRequest(request) => (request.actor, None),
            Message::UsageRequest(request) => (request.actor, None),
            _ => return false,
        };
        let Some(identity) = transport.peer(from).identity else { return false };
        let known = |name: &&ActorName<'_>| name.name == identity;
        if self.names.iter().find(known).is_some_and(|name| name.actor == actor) {
            return false;
        }
        count(&mut self.stats.usurped);
        user.usurper(now, actor, from);
        if let Some(request) = request {
            let reason = Refusal::NotAuthorised;
            let refused =
                Refused { actor, request, reason, first_conflict: None, alternative: None };
            self.stats.link.say(from, &refused, transport);
        }
        true
    }

    /// Finds where the Actors that are known by their links are now.
    pub(super) fn follow_actors(&mut self, transport: &mut dyn Transport) {
        for ActorName { name, actor } in self.names {
            if let Some(known) = self.actors.get_mut(*actor)
                && let Some(address) = transport.resolve(BY_IDENTITY, name)
            {
                known.address = Some(address);
            }
        }
    }

    /// The Actor whose reports go where this came from.
    pub(super) fn is_where(&self, actor: ActorId, from: &Address) -> bool {
        self.actors.get(actor).is_some_and(|known| known.address == Some(*from))
    }
}

#[cfg(test)]
mod tests;
