//! Writing: records are appended, and segments begun.

use embedded_storage::nor_flash::NorFlash;

use super::entry::{Entry, FIRST, Kind, Place, Segment, UNIT};
use super::medium::Look;
use super::{FlashRow, FlashStore};
use crate::store::StoreError;

/// In how many segments a record is tried to be written.
const TRIES: u32 = 3;

/// Units of an offset in a segment.
fn units(offset: u32) -> u16 {
    u16::try_from(offset / UNIT).unwrap_or(u16::MAX)
}

/// The segment that is written to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) number: u32,
    /// The oldest segment that counts.
    pub(super) oldest: u32,
    /// Where the last entry ends.
    pub(super) end: u32,
    /// Where the next one goes: what lies between may have been written to.
    pub(super) next: u32,
    /// What stands at the end is known to be whole.
    pub(super) marked: bool,
}

impl Head {
    pub(super) const fn is_marked(&self) -> bool {
        self.marked
    }

    const fn gap(&self) -> u32 {
        self.next.saturating_sub(self.end) / UNIT
    }
}

impl<F: NorFlash> FlashStore<'_, F> {
    /// Where an address is: its segment is the last that was begun there.
    pub(super) fn place(&self, address: u32) -> Place {
        let newest = self.head.map_or(0, |head| head.number);
        let start = self.medium.address(Place { segment: 0, offset: 0 });
        let within = address.saturating_sub(start);
        let position = within.checked_div(self.medium.segment()).unwrap_or(0);
        let offset = within.checked_rem(self.medium.segment()).unwrap_or(0);
        let after = self.medium.position(newest).saturating_add(self.medium.segments());
        let back = self.medium.position(after.saturating_sub(position));
        Place { segment: newest.saturating_sub(back), offset }
    }

    pub(super) const fn marked(&mut self) {
        if let Some(head) = &mut self.head {
            head.marked = true;
        }
    }

    /// Appends an entry. Returns its address.
    pub(super) fn append(&mut self, mut entry: Entry, value: &[u8]) -> Result<u32, StoreError> {
        let octets = self.medium.entry(entry.length);
        let mut failures = 0_u32;
        // Some segment that counts has room for the longest record once what does not count is
        // left behind; a round finds it.
        for _ in 0..self.medium.segments().saturating_mul(2) {
            let room = self.medium.segment().saturating_sub(octets);
            let fits = |head: &Head| head.next <= room && head.gap() <= u16::MAX.into();
            let Some(head) = self.head.filter(fits) else {
                self.advance(false)?;
                continue;
            };
            entry.gap = u16::try_from(head.gap()).unwrap_or(u16::MAX);
            let place = Place { segment: head.number, offset: head.next };
            let written = self.medium.append(place, &entry, value);
            let end = head.next.saturating_add(octets);
            if written.is_ok() {
                self.head = Some(Head { end, next: end, marked: false, ..head });
                return Ok(self.medium.address(place));
            }
            // What is here already stays; more is not tried.
            self.head = Some(Head { next: self.medium.segment(), ..head });
            self.failed();
            failures = failures.saturating_add(1);
            if failures >= TRIES {
                return Err(StoreError::Failed);
            }
        }
        Err(StoreError::Full)
    }

    fn failed(&mut self) {
        self.stats.failed = self.stats.failed.saturating_add(1);
    }

    /// Begins a segment. Where there are as many as may be, or `leave` says so, what counts
    /// of the oldest one goes there, and that one does not count any more.
    pub(super) fn advance(&mut self, leave: bool) -> Result<(), StoreError> {
        let segments = self.medium.segments();
        let Some(head) = self.head else { return self.begin_first() };
        let first = head.number.checked_add(1).ok_or(StoreError::Failed)?;
        for number in first..head.oldest.saturating_add(segments) {
            let count = number.saturating_sub(head.oldest).saturating_add(1);
            let leave = leave || count > self.segments_used();
            if self.begin(&head, number, leave).is_ok() {
                return Ok(());
            }
            self.failed();
        }
        Err(StoreError::Failed)
    }

    /// The first segment there ever is goes where nothing is at all.
    fn begin_first(&mut self) -> Result<(), StoreError> {
        let segments = self.medium.segments();
        for number in segments..segments.saturating_mul(2) {
            if !self.medium.is_blank(number, 0)? {
                continue;
            }
            let segment = Segment {
                number,
                oldest: number,
                previous: 0,
                previous_end: 0,
                begun: units(FIRST),
                lost: 0,
            };
            if self.medium.begin(&segment).is_ok() {
                self.began(number, number, FIRST);
                return Ok(());
            }
            self.failed();
        }
        Err(StoreError::Failed)
    }

    fn began(&mut self, number: u32, oldest: u32, end: u32) {
        self.head = Some(Head { number, oldest, end, next: end, marked: true });
    }

    fn begin(&mut self, head: &Head, number: u32, leave: bool) -> Result<(), StoreError> {
        self.medium.erase(number)?;
        self.stats.erased = self.stats.erased.saturating_add(1);
        let (mut oldest, mut end) = (head.oldest, FIRST);
        if leave {
            end = self.copy_oldest(head, number)?;
            let newer = head.oldest.saturating_add(1)..=head.number;
            oldest = newer.into_iter().find(|at| self.medium.find(*at).is_some()).unwrap_or(number);
        }
        let unknown = self.lost.saturating_sub(self.leave.map_or(0, |(_, known)| known));
        self.medium.begin(&Segment {
            number,
            oldest,
            previous: head.number,
            previous_end: units(head.end),
            begun: units(end),
            lost: u16::try_from(unknown).unwrap_or(u16::MAX),
        })?;
        if leave {
            self.move_rows(head, number);
        }
        self.began(number, oldest, end);
        Ok(())
    }

    /// The addresses of a segment.
    fn addresses(&self, number: u32) -> core::ops::Range<u32> {
        let start = self.medium.address(Place { segment: number, offset: 0 });
        start..start.saturating_add(self.medium.segment())
    }

    /// Copies what counts of the oldest segment into the new one. Returns where it ends.
    fn copy_oldest(&mut self, head: &Head, number: u32) -> Result<u32, StoreError> {
        let from = self.addresses(head.oldest);
        let (mut offset, mut at) = (FIRST, 0_usize);
        while let Some(row) = self.index.at(at).copied() {
            if !from.contains(&row.address) {
                at = at.saturating_add(1);
                continue;
            }
            let place = self.place(row.address);
            let entry = match self.medium.look(place)? {
                Look::Entry(entry) if entry.key == row.key && entry.kind == Kind::Put => entry,
                _ => {
                    self.forget(row.key);
                    self.damaged(1);
                    continue;
                }
            };
            self.medium.copy(
                place,
                Place { segment: number, offset },
                &Entry { gap: 0, ..entry },
            )?;
            self.stats.copied = self.stats.copied.saturating_add(1);
            offset = offset.saturating_add(row.octets());
            at = at.saturating_add(1);
        }
        Ok(offset)
    }

    /// Their copies count now.
    fn move_rows(&mut self, head: &Head, number: u32) {
        let from = self.addresses(head.oldest);
        let mut to = self.medium.address(Place { segment: number, offset: FIRST });
        for row in self.index.iter_mut().filter(|row| from.contains(&row.address)) {
            row.address = to;
            to = to.saturating_add(FlashRow::octets(row));
        }
    }

    /// What was damaged is known to be known: it is moved away from, a segment at a time.
    pub(super) fn leave_damage(&mut self) {
        let Some(head) = self.head else { return };
        if self.leave.is_none() && self.told > 0 {
            self.leave = Some((head.number, self.told));
        }
        let Some((last, known)) = self.leave else { return };
        // Where it fails it is tried the next time.
        let _ = self.advance(true);
        if self.head.is_some_and(|head| head.oldest > last) {
            self.lost = self.lost.saturating_sub(known);
            (self.told, self.leave) = (0, None);
        }
    }
}
