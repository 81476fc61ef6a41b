//! Copies an Actor draws, a part at a time: of the inventory, and of what Actors
//! have had.

use super::{Actor, ActorUser, Question};
use crate::machine::count;
use crate::scos::ActorId;
use crate::scos::messages::{Cursor, InventoryItem, InventoryRequest, UsageItem, UsageRequest};
use crate::scos::retry::Retry;
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};

/// The copies of an Actor: those that are drawn, and the numbers of the last ones.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copies {
    inventory: Option<Copying<Cursor>>,
    usage: Option<Copying<ActorId>>,
    last_inventory: u32,
    last_usage: u32,
}

/// A copy on its way: where it is, and when to ask again.
#[derive(Clone, Copy, Debug)]
struct Copying<P> {
    at: P,
    retry: Retry,
}

impl<P> Copying<P> {
    const fn from(at: P) -> Self {
        Self { at, retry: Retry::NOW }
    }
}

impl Copies {
    /// When the next question is due; [`Instant::MAX`] when there is none.
    pub(super) fn due(&self) -> Instant {
        let inventory = self.inventory.as_ref().map(|copying| copying.retry.due());
        let usage = self.usage.as_ref().map(|copying| copying.retry.due());
        inventory.unwrap_or(Instant::MAX).min(usage.unwrap_or(Instant::MAX))
    }
}

impl Actor<'_> {
    /// Draws a copy of the inventory, from its start. One that is under way is given
    /// up. The request goes out at the next tick.
    pub const fn copy_inventory(&mut self) {
        self.copies.last_inventory = self.copies.last_inventory.wrapping_add(1);
        self.copies.inventory = Some(Copying::from(Cursor::START));
    }

    /// Asks what Actors have had: all, if this one is the operator, else itself. One
    /// that is under way is given up. The request goes out at the next tick.
    pub const fn copy_usage(&mut self) {
        self.copies.last_usage = self.copies.last_usage.wrapping_add(1);
        self.copies.usage = Some(Copying::from(ActorId(0)));
    }

    /// Takes a part. Returns whether it was awaited.
    pub(super) fn inventory(
        &mut self,
        now: Now,
        item: &InventoryItem<'_>,
        user: &mut dyn ActorUser,
    ) -> bool {
        let copying = self.copies.inventory.filter(|copying| copying.at == item.at);
        if item.copy != self.copies.last_inventory || copying.is_none() {
            return false;
        }
        // Only ever forward, or a copy might not end.
        self.copies.inventory = item.next.filter(|next| *next > item.at).map(Copying::from);
        user.inventory(now, item);
        true
    }

    /// As above.
    pub(super) fn usage(&mut self, now: Now, item: &UsageItem, user: &mut dyn ActorUser) -> bool {
        let copying = self.copies.usage.filter(|copying| copying.at == item.at);
        if item.copy != self.copies.last_usage || copying.is_none() {
            return false;
        }
        self.copies.usage = item.next.filter(|next| *next > item.at).map(Copying::from);
        user.usage(now, item);
        true
    }

    /// Asks for the parts that are due.
    pub(super) fn ask_for_copies(
        &mut self,
        now: Instant,
        place: &dyn Fn(&Retry) -> Address,
        transport: &mut dyn Transport,
    ) {
        let (actor, backoff) = (self.config.actor, self.config.backoff);
        let (copies, link) = (&mut self.copies, &mut self.stats.link);
        let note = |retry: &mut Retry, sent: bool| {
            if sent {
                retry.sent(now, &backoff);
            } else {
                retry.refused(now, &backoff);
            }
        };
        if let Some(copying) = copies.inventory.as_mut().filter(|it| it.retry.is_due(now)) {
            let request = InventoryRequest { actor, copy: copies.last_inventory, at: copying.at };
            let sent = link.say(&place(&copying.retry), &request, transport);
            note(&mut copying.retry, sent);
        }
        if let Some(copying) = copies.usage.as_mut().filter(|it| it.retry.is_due(now)) {
            let request = UsageRequest { actor, copy: copies.last_usage, at: copying.at };
            let sent = link.say(&place(&copying.retry), &request, transport);
            note(&mut copying.retry, sent);
        }
    }

    /// Gives up the copies that were asked for as often as configured.
    pub(super) fn give_up_copies(
        &mut self,
        now: Now,
        over: &dyn Fn(&Retry) -> bool,
        user: &mut dyn ActorUser,
    ) {
        let copies = &mut self.copies;
        let inventory = copies.inventory.take_if(|copying| over(&copying.retry));
        let usage = copies.usage.take_if(|copying| over(&copying.retry));
        let given_up = [inventory.map(|_| Question::Inventory), usage.map(|_| Question::Usage)];
        for question in given_up.into_iter().flatten() {
            count(&mut self.stats.unanswered);
            user.unanswered(now, question);
        }
    }
}
