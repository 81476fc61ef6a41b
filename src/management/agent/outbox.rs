//! Reports and tables on their way: made once, for as many managers as shall have them,
//! and kept until the transport has taken them.

use crate::management::arena::{Arena, Span};
use crate::storage::Slot;

/// A report or a table that is on its way, of 32 octets.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Outgoing {
    /// Managers that are to have it yet.
    to: u32,
    /// When it was made, as AMP tells time.
    pub(crate) time: u64,
    /// What makes it older or newer than others.
    number: u64,
    is_table: bool,
    /// How much of the octets is the template's identifier.
    head: u16,
    octets: Span,
}

/// What is to be sent.
#[derive(Debug)]
pub(crate) struct Parcel<'a> {
    pub(crate) time: u64,
    pub(crate) is_table: bool,
    /// The identifier of the template of a report.
    pub(crate) template: &'a [u8],
    /// Of a report, its values; or a whole table.
    pub(crate) body: &'a [u8],
}

/// Reports and tables on their way.
#[derive(Debug)]
pub(crate) struct Outbox<'s> {
    slots: &'s mut [Slot<Outgoing>],
    arena: Arena<'s>,
    next: u64,
    /// Reports that made room for newer ones.
    pub(crate) dropped: u64,
}

impl<'s> Outbox<'s> {
    pub(crate) fn new(slots: &'s mut [Slot<Outgoing>], octets: &'s mut [u8]) -> Self {
        slots.iter_mut().for_each(|slot| *slot = Slot::EMPTY);
        Self { slots, arena: Arena::new(octets), next: 0, dropped: 0 }
    }

    /// Takes a parcel for these managers. The oldest make room for it.
    pub(crate) fn put(&mut self, to: u32, parcel: &Parcel<'_>) {
        let octets = loop {
            let free = self.slots.iter().position(|slot| slot.row().is_none());
            let pushed = free
                .and_then(|at| Some((at, self.arena.push(&[parcel.template, parcel.body]).ok()?)));
            if pushed.is_some() {
                break pushed;
            }
            self.dropped = self.dropped.saturating_add(1);
            let oldest = self.rows().min_by_key(|(_, row)| row.number).map(|(at, _)| at);
            let Some(oldest) = oldest else { break None };
            self.remove(oldest);
        };
        let Some((at, octets)) = octets else { return };
        let head = u16::try_from(parcel.template.len()).unwrap_or(u16::MAX);
        let (time, is_table, number) = (parcel.time, parcel.is_table, self.next);
        self.next = self.next.saturating_add(1);
        if let Some(slot) = self.slots.get_mut(at) {
            slot.put(Outgoing { to, time, number, is_table, head, octets });
        }
    }

    /// What a manager is to have, tables or reports, the oldest first: the first that is
    /// newer than `after`, and its number.
    pub(crate) fn next_for(
        &self,
        manager: u32,
        is_table: bool,
        after: Option<u64>,
    ) -> Option<(u64, Parcel<'_>)> {
        let rows = self.rows().filter(|(_, row)| {
            let newer = after.is_none_or(|after| row.number > after);
            row.to & manager != 0 && row.is_table == is_table && newer
        });
        let (_, row) = rows.min_by_key(|(_, row)| row.number)?;
        let parcel = Parcel {
            time: row.time,
            is_table,
            template: self.arena.get(row.octets.part(0, row.head)),
            body: self.arena.get(row.octets.part(row.head, u16::MAX)),
        };
        Some((row.number, parcel))
    }

    /// A manager has what was made up to this number, tables or reports. Returns how many
    /// these are.
    pub(crate) fn taken(&mut self, manager: u32, is_table: bool, last: u64) -> u64 {
        let mut count = 0_u64;
        for at in 0..self.slots.len() {
            let Some(row) = self.slots.get_mut(at).and_then(Slot::row_mut) else { continue };
            if row.is_table == is_table && row.number <= last && row.to & manager != 0 {
                row.to &= !manager;
                count = count.saturating_add(1);
            }
            if row.to == 0 {
                self.remove(at);
            }
        }
        count
    }

    /// Managers that something is on its way to.
    pub(crate) fn wanted(&self) -> u32 {
        self.rows().fold(0, |all, (_, row)| all | row.to)
    }

    fn rows(&self) -> impl Iterator<Item = (usize, &Outgoing)> {
        let rows = self.slots.iter().enumerate();
        rows.filter_map(|(at, slot)| Some((at, slot.row()?)))
    }

    fn remove(&mut self, at: usize) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let Some(gone) = slot.row().copied() else { return };
        *slot = Slot::EMPTY;
        let rows = self.slots.iter_mut().filter_map(Slot::row_mut);
        self.arena.cut(gone.octets, rows.map(|row| &mut row.octets));
    }
}
