//! The policy while the SSM runs: set by its operator, and for one Actor by a policy
//! manager.

use super::Ssm;
use crate::machine::count;
use crate::scos::calendar::{Policy, Reserve};
use crate::scos::messages::{ActorPolicyAck, PolicyOutcome, SetActorPolicy};
use crate::scos::{ActorId, ActorPolicy};
use crate::storage::Full;
use crate::time::Now;
use crate::transport::{Address, Transport};

/// Who may set what holds for Actors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyManager<'c> {
    /// Whoever sends from this address, for links that nobody else can send from it on.
    Address(Address),
    /// Whoever proved this identity to the link ([`Transport::peer`]).
    Identity(&'c str),
}

impl<'s> Ssm<'s> {
    /// Puts other rules in force for requests to come. What is booked stays.
    pub const fn set_policy(&mut self, policy: Policy) {
        self.scheduler.set_policy(policy);
    }

    /// Sets what holds for one Actor, for requests to come. What is booked stays.
    ///
    /// # Errors
    /// [`Full`] when there is no room for another Actor.
    pub fn set_actor_policy(
        &mut self,
        actor: ActorId,
        policy: ActorPolicy,
    ) -> Result<(), Full<ActorPolicy>> {
        let known = self.known(actor).and_then(|actor| self.actors.get_mut(actor));
        let known = known.ok_or(Full(policy))?;
        if known.policy != policy {
            known.policy = policy;
            known.kept = false;
            self.keeper.changed();
        }
        Ok(())
    }

    /// What is set for an Actor.
    #[must_use]
    pub fn actor_policy(&self, actor: ActorId) -> ActorPolicy {
        self.actors.get(actor).map(|known| known.policy).unwrap_or_default()
    }

    /// What is set for Actors, and the version of the policy manager's last setting of each, 0
    /// where there was none: what is to be kept over a restart where there is no store.
    pub fn actor_policies(&self) -> impl Iterator<Item = (ActorId, ActorPolicy, u32)> {
        let set = self.actors.iter().map(|known| (known.actor, known.policy, known.version));
        set.filter(|(_, policy, version)| *version > 0 || *policy != ActorPolicy::default())
    }

    /// Takes up what was set for an Actor before a restart, with its version. With a store
    /// ([`Ssm::with_store`]) it is there already.
    ///
    /// # Errors
    /// [`Full`] when there is no room for another Actor.
    pub fn restore_actor_policy(
        &mut self,
        actor: ActorId,
        policy: ActorPolicy,
        version: u32,
    ) -> Result<(), Full<ActorPolicy>> {
        self.set_actor_policy(actor, policy)?;
        if let Some(known) = self.actors.get_mut(actor) {
            known.version = version;
            known.kept = false;
            self.keeper.changed();
        }
        Ok(())
    }

    /// Whose settings are taken. At first nobody's.
    pub const fn set_policy_manager(&mut self, manager: Option<PolicyManager<'s>>) {
        self.policy_manager = manager;
    }

    /// Keeps these minutes of each hour of a device for short scans, or with `None` those of
    /// the policy. Returns whether the device is known.
    pub fn set_reserve(&mut self, device: &str, reserve: Option<Reserve>) -> bool {
        let index = self.registry.by_id(device).map(|device| device.index());
        index.is_some_and(|index| self.scheduler.set_reserve(index, reserve))
    }

    /// A policy manager sets what holds for an Actor.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn policy_set(
        &mut self,
        now: Now,
        from: &Address,
        set: &SetActorPolicy,
        transport: &mut dyn Transport,
    ) {
        let SetActorPolicy { version, actor, policy } = *set;
        let known = self.actors.get(actor).map(|known| (known.version, known.policy));
        let is_manager = self.policy_manager.is_some_and(|manager| match manager {
            PolicyManager::Address(address) => address == *from,
            PolicyManager::Identity(name) => transport.peer(from).identity == Some(name),
        });
        let outcome = if !is_manager {
            count(&mut self.stats.policies_refused);
            PolicyOutcome::NotAuthorised
        } else {
            match known {
                // The same again: the answer was lost.
                Some((holds, same)) if holds == version && same == policy => PolicyOutcome::Applied,
                Some((holds, _)) if holds >= version => PolicyOutcome::Stale(holds),
                _ if self.restore_actor_policy(actor, policy, version).is_ok() => {
                    count(&mut self.stats.policies);
                    PolicyOutcome::Applied
                }
                _ => PolicyOutcome::NoRoom,
            }
        };
        if is_manager && !self.keep_answer(now) {
            // Unanswered, the policy manager asks again.
            return;
        }
        // Not taken: the same.
        let ack = ActorPolicyAck { actor, version, outcome };
        self.stats.link.say(from, &ack, transport);
    }
}
