//! Octets of any number of rows in one lent slice.
//!
//! Each part has a head of eight octets: how long it is, and whose it is while parts are
//! moved together. They are moved when what is free would be enough and does not lie in
//! one piece.

use crate::storage::{Row, Table};

/// Octets of the head of a part.
const HEAD: usize = 8;

/// The owner of a part that is free.
const FREE: u32 = u32::MAX;

/// A row that may have a part.
pub(super) trait Holder {
    /// Where its part is, if it has one.
    fn part(&self) -> Option<u32>;

    /// Its part is there now.
    fn moved(&mut self, to: u32);
}

/// Parts of a lent slice.
pub(super) struct Arena<'s> {
    octets: &'s mut [u8],
    /// Where the last part ends.
    end: usize,
    /// Octets of parts before that are free, with their heads.
    free: usize,
}

/// Every place there is lies in a slice, and fits.
fn place(at: u32) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

impl<'s> Arena<'s> {
    /// All of it free.
    pub(super) const fn new(octets: &'s mut [u8]) -> Self {
        Self { octets, end: 0, free: 0 }
    }

    /// Octets that could be taken, heads and all.
    pub(super) const fn room(&self) -> usize {
        self.octets.len().saturating_sub(self.end).saturating_add(self.free)
    }

    /// Octets a part of so many takes.
    pub(super) const fn cost(length: usize) -> usize {
        length.saturating_add(HEAD)
    }

    /// Takes a part of so many octets, all zero or what was there before.
    pub(super) fn take<T: Row + Holder>(
        &mut self,
        length: usize,
        rows: &mut Table<'_, T>,
    ) -> Option<u32> {
        let cost = Self::cost(length);
        if cost > self.room() {
            return None;
        }
        if cost > self.octets.len().saturating_sub(self.end) {
            self.gather(rows);
        }
        let at = u32::try_from(self.end).ok()?;
        let head = u32::try_from(length).ok()?;
        let end = self.end.checked_add(cost)?;
        if end > self.octets.len() {
            return None;
        }
        self.end = end;
        self.write(place(at), head);
        self.write(place(at).saturating_add(4), 0);
        Some(at)
    }

    /// Gives a part back.
    pub(super) fn give_back(&mut self, at: u32) {
        let at = place(at);
        let cost = Self::cost(self.length(at));
        if at.saturating_add(cost) == self.end {
            self.end = at;
        } else {
            self.write(at.saturating_add(4), FREE);
            self.free = self.free.saturating_add(cost);
        }
    }

    /// Forgets all parts.
    pub(super) const fn clear(&mut self) {
        (self.end, self.free) = (0, 0);
    }

    /// The octets of a part.
    pub(super) fn get(&self, at: Option<u32>) -> &[u8] {
        let Some(at) = at.map(place) else { return &[] };
        let start = at.saturating_add(HEAD);
        self.octets.get(start..start.saturating_add(self.length(at))).unwrap_or_default()
    }

    /// The same, to fill them.
    pub(super) fn get_mut(&mut self, at: u32) -> &mut [u8] {
        let at = place(at);
        let start = at.saturating_add(HEAD);
        let end = start.saturating_add(self.length(at));
        self.octets.get_mut(start..end).unwrap_or_default()
    }

    /// Moves all parts together.
    fn gather<T: Row + Holder>(&mut self, rows: &mut Table<'_, T>) {
        // The heads say whose each part is, so that one walk is enough.
        for (number, row) in (0_u32..).zip(rows.iter()) {
            if let Some(at) = row.part() {
                self.write(place(at).saturating_add(4), number);
            }
        }
        let (mut from, mut to) = (0_usize, 0_usize);
        while from < self.end {
            let cost = Self::cost(self.length(from));
            let owner = self.read(from.saturating_add(4));
            if owner != FREE
                && let Some(row) = rows.at_mut(place(owner))
                && let Ok(at) = u32::try_from(to)
            {
                for step in 0..cost {
                    let octet = self.octets.get(from.saturating_add(step)).copied();
                    let room = self.octets.get_mut(to.saturating_add(step));
                    if let (Some(octet), Some(room)) = (octet, room) {
                        *room = octet;
                    }
                }
                row.moved(at);
                to = to.saturating_add(cost);
            }
            from = from.saturating_add(cost);
        }
        (self.end, self.free) = (to, 0);
    }

    fn length(&self, at: usize) -> usize {
        place(self.read(at))
    }

    fn read(&self, at: usize) -> u32 {
        let octets = self.octets.get(at..).and_then(<[u8]>::first_chunk);
        octets.map_or(0, |octets| u32::from_le_bytes(*octets))
    }

    fn write(&mut self, at: usize, value: u32) {
        if let Some(room) = self.octets.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *room = value.to_le_bytes();
        }
    }
}
