//! What waits for a channel that is away: messages in borrowed blocks, in the
//! order of their priorities.

use core::time::Duration;

use super::neighbours::NeighbourSet;
use crate::ams::ids::Priority;
use crate::ams::meta::bump;
use crate::storage::{Row, Slot, Table};
use crate::time::Instant;

const PAYLOAD: usize = Block::PAYLOAD;

/// Room for 60 octets of a message that waits; 64 octets.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    octets: [u8; PAYLOAD],
    /// The block with the octets behind, or the next free one. One that does not
    /// exist ends the chain.
    next: u32,
}

impl Block {
    /// Octets of a message in one block.
    pub const PAYLOAD: usize = 60;
    /// A block with nothing in it.
    pub const EMPTY: Self = Self { octets: [0; PAYLOAD], next: u32::MAX };
}

/// A message that waits. 40 octets a slot.
#[derive(Clone, Copy, Debug)]
pub struct Parcel {
    key: ParcelKey,
    to: NeighbourSet,
    since: Instant,
    first: u32,
    length: u32,
}

impl Parcel {
    /// How many blocks it is in.
    fn blocks(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX).div_ceil(PAYLOAD)
    }
}

/// Urgency first, then age: a priority, and a number that grows.
pub(super) type ParcelKey = (Priority, u32);

impl Row for Parcel {
    type Key = ParcelKey;

    fn key(&self) -> ParcelKey {
        self.key
    }
}

/// What became of messages that had to wait. Counters stop at their greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStats {
    /// Taken in.
    pub kept: u32,
    /// Handed to the last neighbour they were for.
    pub delivered: u32,
    /// Dropped for messages that are more urgent, or newer and as urgent.
    pub displaced: u32,
    /// Not taken in: without the room of messages that are more urgent there is not
    /// enough, or the store is too small for the message.
    pub refused: u32,
    /// Dropped because the channel cannot carry them, or their neighbour is none any more.
    pub withdrawn: u32,
    /// Dropped because they grew too old.
    pub expired: u32,
    /// The most octets that ever waited, in whole blocks.
    pub most_octets: u32,
}

/// Messages that wait for their channels.
///
/// When there is no room, the least urgent message gives way, and of those the
/// oldest, until there is. A newcomer is refused that would need the room of one
/// that is more urgent; nothing gives way then.
#[derive(Debug)]
pub(super) struct Store<'s> {
    parcels: Table<'s, Parcel>,
    blocks: &'s mut [Block],
    free: u32,
    blocks_used: u32,
    last_number: u32,
    /// No message has waited since before this; `None` when none waits.
    oldest: Option<Instant>,
    pub(super) stats: StoreStats,
}

impl<'s> Store<'s> {
    pub(super) fn new(parcels: &'s mut [Slot<Parcel>], blocks: &'s mut [Block]) -> Self {
        for (next, block) in (1..).zip(blocks.iter_mut()) {
            block.next = next;
        }
        Self {
            parcels: Table::new(parcels),
            blocks,
            free: 0,
            blocks_used: 0,
            last_number: 0,
            oldest: None,
            stats: StoreStats::default(),
        }
    }

    /// Keeps `octets` for the neighbours in `to`. False when it is refused.
    pub(super) fn keep(
        &mut self,
        to: NeighbourSet,
        priority: Priority,
        now: Instant,
        octets: &[u8],
    ) -> bool {
        let needed = octets.len().div_ceil(PAYLOAD);
        let length = u32::try_from(octets.len()).ok().filter(|_| self.can_hold(needed, priority));
        let Some(length) = length else {
            bump(&mut self.stats.refused);
            return false;
        };
        while self.is_full_for(needed) {
            let Some(least) = self.least_urgent() else { break };
            self.remove(least);
            bump(&mut self.stats.displaced);
        }
        self.last_number = self.last_number.wrapping_add(1);
        let key = (priority, self.last_number);
        let first = self.write(octets);
        bump(&mut self.stats.kept);
        self.stats.most_octets = self.stats.most_octets.max(self.octets());
        self.oldest = self.oldest.or(Some(now));
        self.parcels.insert(Parcel { key, to, since: now, first, length }).is_ok()
    }

    /// The next message for `neighbour`: the most urgent, and of those the oldest.
    pub(super) fn next_for(&self, neighbour: NeighbourSet) -> Option<ParcelKey> {
        self.parcels.iter().find(|parcel| parcel.to.contains(neighbour)).map(Row::key)
    }

    /// The octets of a message, copied into `buffer`; `None` when there is no such
    /// message or it does not fit.
    pub(super) fn read<'b>(&self, key: ParcelKey, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let parcel = self.parcels.get(key)?;
        let length = usize::try_from(parcel.length).ok()?;
        let buffer = buffer.get_mut(..length)?;
        let mut at = parcel.first;
        for part in buffer.chunks_mut(PAYLOAD) {
            let block = self.block(at)?;
            part.copy_from_slice(block.octets.get(..part.len())?);
            at = block.next;
        }
        Some(buffer)
    }

    /// A message needs not wait for `neighbour` any more: it was `delivered`, or it
    /// never can be.
    pub(super) fn done(&mut self, key: ParcelKey, neighbour: NeighbourSet, delivered: bool) {
        let Some(parcel) = self.parcels.get_mut(key) else {
            return;
        };
        parcel.to.take(neighbour);
        if parcel.to.is_empty() {
            self.remove(key);
            bump(if delivered { &mut self.stats.delivered } else { &mut self.stats.withdrawn });
        }
    }

    /// Nothing is to be kept for `neighbour` any more.
    pub(super) fn withdraw(&mut self, neighbour: NeighbourSet) {
        while let Some(key) = self.next_for(neighbour) {
            self.done(key, neighbour, false);
        }
    }

    /// Drops the messages that have waited for `lifetime` or longer, if there may be any.
    pub(super) fn expire(&mut self, now: Instant, lifetime: Duration) {
        if self.deadline(lifetime).is_none_or(|at| now < at) {
            return;
        }
        let old = |parcel: &&Parcel| parcel.since.after(lifetime) <= now;
        loop {
            let key = self.parcels.iter().find(old).map(Row::key);
            let Some(key) = key else { break };
            self.remove(key);
            bump(&mut self.stats.expired);
        }
        self.oldest = self.parcels.iter().map(|parcel| parcel.since).min();
    }

    /// When to look for messages that are too old: not after the first is.
    pub(super) fn deadline(&self, lifetime: Duration) -> Option<Instant> {
        self.oldest.map(|since| since.after(lifetime))
    }

    /// How many messages wait.
    pub(super) const fn len(&self) -> usize {
        self.parcels.len()
    }

    /// Whether a message of this urgency that needs so many blocks has room, if all
    /// give way that may.
    fn can_hold(&self, needed: usize, priority: Priority) -> bool {
        let room = self.parcels.len() < self.parcels.capacity();
        if room && needed <= self.free_blocks() {
            return true;
        }
        let mut yielding = self.parcels.iter_from((priority, 0)).peekable();
        let parcel = room || yielding.peek().is_some();
        let blocks = yielding.map(Parcel::blocks).fold(self.free_blocks(), usize::saturating_add);
        parcel && needed <= blocks
    }

    fn is_full_for(&self, needed: usize) -> bool {
        self.parcels.len() >= self.parcels.capacity() || self.free_blocks() < needed
    }

    /// The octets they take, in whole blocks.
    fn octets(&self) -> u32 {
        let block = u32::try_from(size_of::<Block>()).unwrap_or(u32::MAX);
        self.blocks_used.saturating_mul(block)
    }

    /// The oldest of the least urgent messages.
    fn least_urgent(&self) -> Option<ParcelKey> {
        let (priority, _) = self.parcels.iter().next_back()?.key;
        self.parcels.iter_from((priority, 0)).next().map(Row::key)
    }

    fn free_blocks(&self) -> usize {
        let used = usize::try_from(self.blocks_used).unwrap_or(usize::MAX);
        self.blocks.len().saturating_sub(used)
    }

    /// Writes `octets` in free blocks, of which there are enough. Returns the first.
    fn write(&mut self, octets: &[u8]) -> u32 {
        let first = self.free;
        for part in octets.chunks(PAYLOAD) {
            let Some(block) = block_mut(self.blocks, self.free) else {
                break;
            };
            for (to, from) in block.octets.iter_mut().zip(part) {
                *to = *from;
            }
            self.free = block.next;
            self.blocks_used = self.blocks_used.saturating_add(1);
        }
        first
    }

    /// Takes a message out and frees its blocks.
    fn remove(&mut self, key: ParcelKey) {
        let Some(parcel) = self.parcels.remove(key) else {
            return;
        };
        if self.parcels.is_empty() {
            self.oldest = None;
        }
        let mut at = parcel.first;
        for _ in 0..parcel.blocks() {
            let Some(block) = block_mut(self.blocks, at) else {
                break;
            };
            let next = block.next;
            block.next = self.free;
            self.free = at;
            at = next;
            self.blocks_used = self.blocks_used.saturating_sub(1);
        }
    }

    fn block(&self, number: u32) -> Option<&Block> {
        self.blocks.get(usize::try_from(number).ok()?)
    }
}

fn block_mut(blocks: &mut [Block], number: u32) -> Option<&mut Block> {
    blocks.get_mut(usize::try_from(number).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    #[derive(Clone, Debug)]
    enum Operation {
        Keep { to: u8, priority: u8, length: usize },
        Deliver { place: u8 },
        Expire { after: u64 },
    }

    fn operation() -> impl Strategy<Value = Operation> {
        prop_oneof![
            6 => (1_u8..8, 1_u8..5, 0_usize..200)
                .prop_map(|(to, priority, length)| Operation::Keep { to, priority, length }),
            4 => (0_u8..3).prop_map(|place| Operation::Deliver { place }),
            1 => (0_u64..20).prop_map(|after| Operation::Expire { after }),
        ]
    }

    /// A message of the model: urgency, number, destinations, age and octets.
    type Entry = (u8, u32, u8, u64, Vec<u8>);

    fn set(bits: u8) -> NeighbourSet {
        (0..8)
            .filter(|place| bits & (1 << place) != 0)
            .fold(NeighbourSet::EMPTY, |all, place| all.union(NeighbourSet::one(place)))
    }

    proptest! {
        #[test]
        fn waits_as_a_naive_list_would(operations in proptest::collection::vec(operation(), 0..80),
                                       parcels in 0_usize..6, blocks in 0_usize..12)
        {
            let (mut slots, mut storage) = (vec![Slot::EMPTY; parcels], vec![Block::EMPTY; blocks]);
            let mut store = Store::new(&mut slots, &mut storage);
            let mut model: Vec<Entry> = Vec::new();
            let mut lost = 0;
            for (time, operation) in (0_u64..).zip(operations) {
                let now = Instant::from_micros(time * 1_000_000);
                match operation {
                    Operation::Keep { to, priority, length } => {
                        let octets = vec![u8::try_from(time % 251).unwrap(); length];
                        let used = |model: &[Entry]| {
                            model.iter().map(|entry| entry.4.len().div_ceil(PAYLOAD)).sum::<usize>()
                        };
                        let need = length.div_ceil(PAYLOAD);
                        let full = |model: &[Entry]| {
                            model.len() >= parcels || used(model) + need > blocks
                        };
                        let urgent: Vec<Entry> =
                            model.iter().filter(|entry| entry.0 < priority).cloned().collect();
                        let fits = !full(&urgent);
                        if fits {
                            while full(&model) {
                                let worst = model.iter().map(|entry| entry.0).max().unwrap();
                                let oldest = model.iter().position(|entry| entry.0 == worst);
                                model.remove(oldest.unwrap());
                                lost += 1;
                            }
                            model.push((priority, u32::try_from(time).unwrap(), to, time, octets.clone()));
                        }
                        let kept = store.keep(set(to), Priority::new(priority).unwrap(), now, &octets);
                        prop_assert_eq!(kept, fits);
                    }
                    Operation::Deliver { place } => {
                        let next = model.iter().enumerate()
                            .filter(|(_, entry)| entry.2 & (1 << place) != 0)
                            .min_by_key(|(_, entry)| (entry.0, entry.1))
                            .map(|(at, _)| at);
                        let key = store.next_for(NeighbourSet::one(place));
                        prop_assert_eq!(key.is_some(), next.is_some());
                        if let (Some(key), Some(at)) = (key, next) {
                            let mut buffer = [0; 256];
                            prop_assert_eq!(store.read(key, &mut buffer).unwrap(), &model[at].4[..]);
                            store.done(key, NeighbourSet::one(place), true);
                            model[at].2 &= !(1 << place);
                            if model[at].2 == 0 {
                                model.remove(at);
                            }
                        }
                    }
                    Operation::Expire { after } => {
                        store.expire(now, Duration::from_secs(after));
                        model.retain(|entry| entry.3 + after > time);
                    }
                }
                let first = model.iter().map(|entry| Instant::from_micros(entry.3 * 1_000_000)).min();
                let deadline = store.deadline(Duration::ZERO);
                prop_assert_eq!(deadline.is_some(), first.is_some());
                prop_assert!(deadline <= first, "not after the first is too old");
                prop_assert_eq!(store.len(), model.len());
                prop_assert_eq!(store.stats.displaced, lost);
            }
        }
    }
}
