//! Tables over storage the caller supplies: slots in, an ordered table out.
//! A table that is full gives the item back as a value, [`Full`].

use core::cmp::Ordering;
use core::fmt;

/// Room for one row. Make arrays of them: `[const { Slot::EMPTY }; 16]`.
#[derive(Clone, Copy, Debug)]
pub struct Slot<T>(Option<T>);

impl<T> Slot<T> {
    /// A slot with nothing in it.
    pub const EMPTY: Self = Self(None);

    /// The row, if there is one.
    pub(crate) const fn row(&self) -> Option<&T> {
        self.0.as_ref()
    }

    /// The row, to change it.
    #[cfg(any(feature = "management", feature = "scos"))]
    pub(crate) const fn row_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    /// Forgets the row, if there is one.
    pub(crate) fn clear(&mut self) {
        drop(self.0.take());
    }

    /// Puts a row here, whatever was.
    pub(crate) fn put(&mut self, row: T) {
        self.0 = Some(row);
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// There was no room for this item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full<T>(pub T);

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the table is full")
    }
}

impl<T: fmt::Debug> core::error::Error for Full<T> {}

/// A row that a [`Table`] can order.
pub trait Row {
    /// What a row is found by; no two rows of a table have the same.
    type Key: Ord + Copy;

    /// The key of this row. It must not change while the row is in a table.
    fn key(&self) -> Self::Key;
}

/// Rows in ascending order of their keys, in borrowed slots.
///
/// Looking up costs a binary search, inserting and removing a shift of the rows
/// behind.
pub struct Table<'s, T> {
    slots: &'s mut [Slot<T>],
    length: usize,
}

impl<'s, T: Row> Table<'s, T> {
    /// An empty table over `slots`; whatever they held is forgotten.
    #[must_use]
    pub fn new(slots: &'s mut [Slot<T>]) -> Self {
        Self { slots, length: 0 }
    }

    /// Adds `row`, replacing the row with the same key.
    ///
    /// # Errors
    /// [`Full`] with the row when its key is new and no slot is free.
    pub fn insert(&mut self, row: T) -> Result<&mut T, Full<T>> {
        let at = match self.search(&row.key()) {
            Ok(at) => at,
            // The last of what is not in use comes to `at`, and the rows behind give way.
            Err(at) if self.length < self.slots.len() => {
                self.length = self.length.wrapping_add(1);
                self.rotate(at, true);
                at
            }
            Err(_) => usize::MAX,
        };
        match self.slots.get_mut(at) {
            Some(slot) => Ok(slot.0.insert(row)),
            None => Err(Full(row)),
        }
    }

    /// Takes the row with this key out.
    pub fn remove(&mut self, key: T::Key) -> Option<T> {
        let at = self.search(&key).ok()?;
        self.rotate(at, false);
        self.length = self.length.wrapping_sub(1);
        self.slots.get_mut(self.length)?.0.take()
    }

    /// Moves the rows from `at` on by one place, and the one that has no place then to the
    /// other end.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn rotate(&mut self, at: usize, up: bool) {
        let rows = self.slots.get_mut(..self.length).and_then(|rows| rows.get_mut(at..));
        let Some((first, rest)) = rows.and_then(<[_]>::split_first_mut) else { return };
        let mut rest = rest.iter_mut();
        while let Some(slot) = if up { rest.next() } else { rest.next_back() } {
            core::mem::swap(first, slot);
        }
    }

    /// The row with this key, to change all of it but its key.
    pub fn get_mut(&mut self, key: T::Key) -> Option<&mut T> {
        let at = self.search(&key).ok()?;
        self.slots.get_mut(at)?.0.as_mut()
    }

    /// The row at a place, to change all of it but its key.
    #[cfg(feature = "southbound")]
    pub(crate) fn at_mut(&mut self, place: usize) -> Option<&mut T> {
        self.slots.get_mut(place)?.0.as_mut()
    }

    /// All rows in order, to change all of them but their keys.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        let rows = self.slots.get_mut(..self.length).unwrap_or_default();
        rows.iter_mut().filter_map(|slot| slot.0.as_mut())
    }

    /// Keeps the rows for which `keep` is true, in order. Returns how many went.
    pub fn retain(&mut self, mut keep: impl FnMut(&mut T) -> bool) -> usize {
        let before = self.length;
        let mut kept = 0_usize;
        for at in 0..before {
            let Some(mut row) = self.slots.get_mut(at).and_then(|slot| slot.0.take()) else {
                continue;
            };
            if keep(&mut row)
                && let Some(slot) = self.slots.get_mut(kept)
            {
                slot.0 = Some(row);
                kept = kept.saturating_add(1);
            }
        }
        self.length = kept;
        before.saturating_sub(kept)
    }

    /// Forgets all rows.
    pub const fn clear(&mut self) {
        self.length = 0;
    }

    /// The place of the row with this key: how many rows are before it.
    #[must_use]
    pub fn place(&self, key: T::Key) -> Option<usize> {
        self.search(&key).ok()
    }

    /// The row at a place.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<&T> {
        self.rows().get(place)?.0.as_ref()
    }

    /// The row with this key.
    #[must_use]
    pub fn get(&self, key: T::Key) -> Option<&T> {
        self.at(self.search(&key).ok()?)
    }

    /// Whether there is a row with this key.
    #[must_use]
    pub fn contains(&self, key: T::Key) -> bool {
        self.get(key).is_some()
    }

    /// All rows in ascending order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.rows().iter().filter_map(|slot| slot.0.as_ref())
    }

    /// The rows from the first whose key is not below `key`, in order.
    pub fn iter_from(&self, key: T::Key) -> impl Iterator<Item = &T> + Clone {
        let rows = self.rows().get(self.position(key)..).unwrap_or_default();
        rows.iter().filter_map(|slot| slot.0.as_ref())
    }

    /// How many rows there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many rows there can be.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// The slots that are taken, in order.
    pub(crate) fn rows(&self) -> &[Slot<T>] {
        self.slots.get(..self.length).unwrap_or_default()
    }

    /// How many rows have keys below `key`.
    pub(crate) fn position(&self, key: T::Key) -> usize {
        self.search(&key).unwrap_or_else(|at| at)
    }

    /// The place of the row with this key, or else the place it would have.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn search(&self, key: &T::Key) -> Result<usize, usize> {
        if cfg!(feature = "std") { self.search_quickly(key) } else { self.search_plainly(key) }
    }

    /// In the fewest instructions: keys are told apart once, not at every step.
    fn search_quickly(&self, key: &T::Key) -> Result<usize, usize> {
        let below = |slot: &Slot<T>| slot.0.as_ref().is_some_and(|row| row.key() < *key);
        let at = self.rows().partition_point(below);
        if self.at(at).is_some_and(|row| row.key() == *key) { Ok(at) } else { Err(at) }
    }

    /// In the least code: keys are compared in one place.
    fn search_plainly(&self, key: &T::Key) -> Result<usize, usize> {
        let (mut from, mut to) = (0, self.length);
        while from < to {
            let at = usize::midpoint(from, to);
            let Some(row) = self.at(at) else { break };
            match row.key().cmp(key) {
                Ordering::Less => from = at.wrapping_add(1),
                Ordering::Equal => return Ok(at),
                Ordering::Greater => to = at,
            }
        }
        Err(from)
    }
}

impl<T: Row + fmt::Debug> fmt::Debug for Table<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    impl Row for (u8, u32) {
        type Key = u8;

        fn key(&self) -> u8 {
            self.0
        }
    }

    #[derive(Clone, Debug)]
    enum Operation {
        Insert(u8, u32),
        Remove(u8),
        Change(u8, u32),
        RetainBelow(u32),
        Clear,
    }

    fn operation() -> impl Strategy<Value = Operation> {
        let key = 0_u8..12;
        prop_oneof![
            8 => (key.clone(), 0_u32..100).prop_map(|(k, v)| Operation::Insert(k, v)),
            4 => key.clone().prop_map(Operation::Remove),
            2 => (key, 0_u32..100).prop_map(|(k, v)| Operation::Change(k, v)),
            1 => (0_u32..100).prop_map(Operation::RetainBelow),
            1 => Just(Operation::Clear),
        ]
    }

    proptest! {
        #[test]
        fn behaves_as_a_map_with_a_limit(operations in proptest::collection::vec(operation(), 0..60),
                                         capacity in 0_usize..9)
        {
            let mut slots = std::vec![Slot::EMPTY; capacity];
            let mut table = Table::new(&mut slots);
            let mut model = BTreeMap::new();
            for operation in operations {
                match operation {
                    Operation::Insert(key, value) => {
                        let fits = model.len() < capacity || model.contains_key(&key);
                        match table.insert((key, value)) {
                            Ok(row) => prop_assert_eq!(*row, (key, value)),
                            Err(Full(row)) => prop_assert_eq!(row, (key, value)),
                        }
                        if fits {
                            model.insert(key, value);
                        }
                    }
                    Operation::Remove(key) => {
                        let gone = model.remove(&key).map(|value| (key, value));
                        prop_assert_eq!(table.remove(key), gone);
                    }
                    Operation::Change(key, value) => {
                        if let Some(row) = table.get_mut(key) {
                            row.1 = value;
                        }
                        model.entry(key).and_modify(|old| *old = value);
                    }
                    Operation::RetainBelow(limit) => {
                        let before = model.len();
                        model.retain(|_, value| *value < limit);
                        let gone = table.retain(|row| row.1 < limit);
                        prop_assert_eq!(gone, before - model.len());
                    }
                    Operation::Clear => {
                        table.clear();
                        model.clear();
                    }
                }
                let rows: Vec<_> = table.iter().copied().collect();
                let expected: Vec<_> = model.iter().map(|(k, v)| (*k, *v)).collect();
                prop_assert_eq!(&rows, &expected);
                prop_assert_eq!(table.len(), expected.len());
                for key in 0..12 {
                    // The way of hosts and that of boards.
                    prop_assert_eq!(table.search_quickly(&key), table.search_plainly(&key));
                    let place = expected.iter().position(|row| row.0 == key);
                    prop_assert_eq!(table.place(key), place);
                    let there = place.and_then(|place| table.at(place)).map(|row| row.0);
                    prop_assert_eq!(there, place.map(|_| key));
                    prop_assert_eq!(table.get(key).map(|row| row.1), model.get(&key).copied());
                    let from: Vec<_> = table.iter_from(key).map(|row| row.0).collect();
                    let range: Vec<_> = model.range(key..).map(|(k, _)| *k).collect();
                    prop_assert_eq!(from, range);
                }
            }
        }
    }
}
