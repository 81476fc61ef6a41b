//! Reading what is there when a store is opened.

use embedded_storage::nor_flash::NorFlash;

use super::FlashStore;
use super::entry::{Entry, FIRST, Kind, Place, Segment, SegmentRead, UNIT, VALUE_MAX};
use super::log::Head;
use super::medium::Look;
use crate::store::StoreError;

/// What was found last in a segment, and whether it counts is not known yet: the next
/// entry says so.
#[derive(Clone, Copy, Debug, Default)]
struct Pending {
    entry: Option<(u32, Entry)>,
    /// Where octets begin, after it, that are no entry.
    other: Option<u32>,
}

/// How far a segment is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    /// Up to here it was whole.
    known: u32,
    /// Nothing is after here.
    limit: u32,
}

/// What a scan found of the end of a segment.
#[derive(Clone, Copy, Debug)]
struct Scanned {
    /// Where the last entry that counts ends.
    end: u32,
    /// Where the last octets end that are not as erased.
    written: u32,
    pending: Pending,
}

fn octets(units: u16) -> u32 {
    u32::from(units).saturating_mul(UNIT)
}

impl<F: NorFlash> FlashStore<'_, F> {
    /// Finds the segments that count, and in them the records there are.
    pub(super) fn mount(&mut self) -> Result<(), StoreError> {
        let Some(newest) = self.newest()? else { return self.check_unused() };
        let mut current: Option<Segment> = None;
        for number in newest.oldest..=newest.number {
            let Some(segment) = self.medium.find(number) else { continue };
            // What the next one does not name was given up, and its like stands in another.
            if let Some(before) = current.filter(|before| segment.previous >= before.number) {
                let whole = segment.previous == before.number;
                self.scan_closed(&before, whole.then_some(octets(segment.previous_end)))?;
            }
            let gone = match current {
                Some(before) => segment.previous > before.number,
                None => segment.previous >= newest.oldest,
            };
            if gone {
                // A whole segment is.
                self.damaged(1);
            }
            current = Some(segment);
        }
        self.damaged(newest.lost.into());
        self.scan_head(&newest)
    }

    /// The segment with the highest number.
    fn newest(&mut self) -> Result<Option<Segment>, StoreError> {
        let (mut newest, mut other, mut unread) = (None::<Segment>, false, 0_u32);
        for position in 0..self.medium.segments() {
            match self.medium.segment_head(position) {
                Ok(SegmentRead::Segment(segment)) => {
                    let here = self.medium.position(segment.number) == position;
                    let span = segment.number.checked_sub(segment.oldest);
                    let sound = here && span.is_some_and(|span| span < self.medium.segments());
                    if sound && newest.is_none_or(|newest| segment.number > newest.number) {
                        newest = Some(segment);
                    }
                }
                Ok(SegmentRead::Other) => other = true,
                Ok(SegmentRead::None) => {}
                Err(_) => unread = unread.saturating_add(1),
            }
        }
        match newest {
            None if unread >= self.medium.segments() => Err(StoreError::Failed),
            None if other => Err(StoreError::Foreign),
            newest => Ok(newest),
        }
    }

    /// Without a segment all must be as erased, but for the heads of first segments that
    /// power was lost over.
    fn check_unused(&mut self) -> Result<(), StoreError> {
        let mut whole = false;
        for position in 0..self.medium.segments() {
            if !self.medium.is_blank(position, FIRST)? {
                return Err(StoreError::Foreign);
            }
            whole |= self.medium.is_blank(position, 0).unwrap_or(false);
        }
        if whole { Ok(()) } else { Err(StoreError::Foreign) }
    }

    /// Reads a segment that was written to its end, which the next one tells.
    fn scan_closed(&mut self, segment: &Segment, end: Option<u32>) -> Result<(), StoreError> {
        let limit = end.unwrap_or(self.medium.segment()).min(self.medium.segment());
        let known = end.unwrap_or(octets(segment.begun));
        let scanned = self.scan(segment.number, Extent { known, limit })?;
        if end.is_none()
            && let Some((offset, entry)) = scanned.pending.entry
        {
            self.apply(Place { segment: segment.number, offset }, &entry)?;
        }
        Ok(())
    }

    /// Reads the newest segment. Its last entry counts if it is whole.
    fn scan_head(&mut self, segment: &Segment) -> Result<(), StoreError> {
        let (known, limit) = (octets(segment.begun), self.medium.segment());
        let mut scanned = self.scan(segment.number, Extent { known, limit })?;
        scanned.end = scanned.end.max(known);
        let (mut marked, mut whole) = (true, true);
        if let Some((offset, entry)) = scanned.pending.entry {
            let place = Place { segment: segment.number, offset };
            whole = self.medium.value(place, &entry, &mut [0; VALUE_MAX])?.is_some();
            if whole {
                self.apply(place, &entry)?;
                scanned.end = self.medium.end(offset, &entry);
                marked = entry.kind == Kind::Mark;
            }
        }
        // Power was lost in a write that left its traces here: the rest stays as it is. And one
        // that left none may have begun with the head of an entry.
        let next = if whole && scanned.written <= scanned.end {
            scanned.end.saturating_add(self.medium.head())
        } else {
            limit
        };
        let (number, oldest) = (segment.number, segment.oldest);
        self.head = Some(Head { number, oldest, end: scanned.end, next, marked });
        Ok(())
    }

    fn scan(&mut self, segment: u32, extent: Extent) -> Result<Scanned, StoreError> {
        let mut scanned = Scanned { end: FIRST, written: FIRST, pending: Pending::default() };
        let mut offset = FIRST;
        while offset.saturating_add(self.medium.head()) <= extent.limit {
            let place = Place { segment, offset };
            match self.medium.look(place)? {
                Look::Entry(entry) => {
                    let whole = offset.saturating_sub(octets(entry.gap));
                    self.settle(segment, &mut scanned, whole)?;
                    scanned.pending = Pending { entry: Some((offset, entry)), other: None };
                    offset = self.medium.end(offset, &entry);
                }
                look => {
                    let other = &mut scanned.pending.other;
                    *other = other.or(Some(offset));
                    offset = offset.saturating_add(self.medium.word());
                    if look != Look::Blank {
                        scanned.written = offset;
                    }
                }
            }
        }
        self.settle(segment, &mut scanned, extent.known)?;
        Ok(scanned)
    }

    /// What stands before an offset was whole once: entries count, and what is none is
    /// damage.
    fn settle(
        &mut self,
        segment: u32,
        scanned: &mut Scanned,
        before: u32,
    ) -> Result<(), StoreError> {
        let Pending { entry, other } = &mut scanned.pending;
        if let Some((offset, entry)) = entry.take_if(|(offset, _)| *offset < before) {
            scanned.end = self.medium.end(offset, &entry);
            self.apply(Place { segment, offset }, &entry)?;
        }
        if other.take_if(|other| *other < before).is_some() {
            self.damaged(1);
        }
        Ok(())
    }

    fn apply(&mut self, place: Place, entry: &Entry) -> Result<(), StoreError> {
        match entry.kind {
            Kind::Put => {
                let octets = self.medium.entry(entry.length);
                if !self.note(entry.key, octets, self.medium.address(place)) {
                    if self.lost == 0 {
                        return Err(StoreError::Full);
                    }
                    // What said that it is forgotten is what is damaged.
                    self.damaged(1);
                }
            }
            Kind::Remove => self.forget(entry.key),
            Kind::Mark => {}
        }
        Ok(())
    }
}
