//! The queries whose replies have not arrived.

use super::rows::PendingQuery;
use crate::ams::ids::ContextNumber;
use crate::storage::Slot;
use crate::time::Instant;

/// They are few, and in no order.
#[derive(Debug)]
pub(super) struct Queries<'s>(&'s mut [Slot<PendingQuery>]);

impl<'s> Queries<'s> {
    pub(super) fn new(slots: &'s mut [Slot<PendingQuery>]) -> Self {
        let mut queries = Self(slots);
        queries.clear();
        queries
    }

    pub(super) fn clear(&mut self) {
        self.0.iter_mut().for_each(|slot| slot.clear());
    }

    /// False when there is no room for it.
    pub(super) fn insert(&mut self, query: PendingQuery) -> bool {
        self.slot(None).map(|slot| slot.put(query)).is_some()
    }

    pub(super) fn contains(&mut self, context: ContextNumber) -> bool {
        self.slot(Some(context)).is_some()
    }

    /// False when none is pending in this context.
    pub(super) fn remove(&mut self, context: ContextNumber) -> bool {
        self.slot(Some(context)).map(Slot::clear).is_some()
    }

    /// The slot of the query in this context, or one that is free.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn slot(&mut self, context: Option<ContextNumber>) -> Option<&mut Slot<PendingQuery>> {
        self.0.iter_mut().find(|slot| slot.row().map(|query| query.context) == context)
    }

    /// The context of one that has timed out.
    pub(super) fn overdue(&self, now: Instant) -> Option<ContextNumber> {
        let overdue = self.iter().find(|query| query.until < Instant::MAX && now >= query.until);
        overdue.map(|query| query.context)
    }

    /// When the next one times out; [`Instant::MAX`] if none does.
    pub(super) fn next_deadline(&self) -> Instant {
        self.iter().fold(Instant::MAX, |next, query| next.min(query.until))
    }

    fn iter(&self) -> impl Iterator<Item = &PendingQuery> {
        self.0.iter().filter_map(Slot::row)
    }
}
