//! The flash below a store: whole words, bounds, and a second look at what was written.

use embedded_storage::nor_flash::NorFlash;

use super::entry::{
    Division, ENTRY, Entry, Place, SEGMENT, Segment, SegmentRead, UNIT, VALUE_MAX, WORD_MAX,
    value_sum,
};
use super::{FlashConfig, OpenError};
use crate::store::{RECORD_MAX, StoreError};

/// A segment has at least so many octets, in as many sectors as that takes.
const SEGMENT_MIN: u32 = 4_096;

/// How often something is read before it cannot be.
const TRIES: usize = 3;

/// Octets that are written at a time: whole words, whatever a word is.
const CHUNK: usize = 256;

/// What is found where an entry may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Entry(Entry),
    /// The first word is as erased.
    Blank,
    Other,
}

pub(super) struct Medium<F> {
    flash: F,
    from: u32,
    segment: u32,
    segments: u32,
    /// Octets of a word: what is written and read is a multiple of it.
    word: u32,
    division: Division,
}

/// As the addresses of flash are counted.
pub(super) fn octets(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn is_blank(octets: &[u8]) -> bool {
    octets.iter().all(|octet| *octet == 0xff)
}

impl<F: NorFlash> Medium<F> {
    pub(super) fn new(flash: F, config: &FlashConfig) -> Result<Self, OpenError> {
        let (write, read) = (octets(F::WRITE_SIZE), octets(F::READ_SIZE));
        let word = write.max(read).max(UNIT);
        if !write.is_power_of_two() || !read.is_power_of_two() || word > octets(WORD_MAX) {
            return Err(OpenError::Word);
        }
        let sector = octets(F::ERASE_SIZE);
        let segment = SEGMENT_MIN.checked_next_multiple_of(sector).ok_or(OpenError::Sector)?;
        let units = u16::try_from(segment / UNIT).map_err(|_| OpenError::Sector)?;
        if !segment.is_multiple_of(word) {
            return Err(OpenError::Sector);
        }
        let (from, to) = (config.region.start, config.region.end);
        let within = from.is_multiple_of(sector) && to <= octets(flash.capacity());
        let length = to.checked_sub(from).filter(|_| within).ok_or(OpenError::Region)?;
        let segments = length.checked_div(segment).unwrap_or(0);
        let segments = u16::try_from(segments).unwrap_or(u16::MAX);
        let need = config.spares.saturating_add(2);
        if segments < need {
            return Err(OpenError::TooSmall { have: segments, need });
        }
        Ok(Self {
            flash,
            from,
            segment,
            segments: segments.into(),
            word,
            division: Division { word: u8::try_from(word).unwrap_or(0), segments, units },
        })
    }

    /// Octets of a segment.
    pub(super) const fn segment(&self) -> u32 {
        self.segment
    }

    /// How many segments there are.
    pub(super) const fn segments(&self) -> u32 {
        self.segments
    }

    /// Octets of a word.
    pub(super) const fn word(&self) -> u32 {
        self.word
    }

    fn whole_words(&self, octets: u32) -> u32 {
        octets.checked_next_multiple_of(self.word).unwrap_or(u32::MAX)
    }

    /// Octets of the head of an entry.
    pub(super) fn head(&self) -> u32 {
        self.whole_words(octets(ENTRY))
    }

    /// Octets of an entry with a value of so many.
    pub(super) fn entry(&self, length: u16) -> u32 {
        self.head().saturating_add(self.whole_words(length.into()))
    }

    /// Octets of the longest entry.
    pub(super) fn longest(&self) -> u32 {
        self.head().saturating_add(self.whole_words(octets(RECORD_MAX)))
    }

    /// Where a segment stands, among all.
    pub(super) fn position(&self, number: u32) -> u32 {
        number.checked_rem(self.segments).unwrap_or(0)
    }

    pub(super) fn address(&self, place: Place) -> u32 {
        let before = self.position(place.segment).saturating_mul(self.segment);
        self.from.saturating_add(before).saturating_add(place.offset)
    }

    fn read(&mut self, place: Place, to: &mut [u8]) -> Result<(), StoreError> {
        let address = self.address(place);
        for _ in 0..TRIES {
            if self.flash.read(address, to).is_ok() {
                return Ok(());
            }
        }
        Err(StoreError::Failed)
    }

    /// Writes up to [`CHUNK`] octets, and sees whether they are there.
    fn write(&mut self, place: Place, octets: &[u8]) -> Result<(), StoreError> {
        let address = self.address(place);
        self.flash.write(address, octets).map_err(|_| StoreError::Failed)?;
        let mut buffer = [0; CHUNK];
        let written = buffer.get_mut(..octets.len()).ok_or(StoreError::Failed)?;
        self.read(place, written)?;
        if written == octets { Ok(()) } else { Err(StoreError::Failed) }
    }

    pub(super) fn erase(&mut self, number: u32) -> Result<(), StoreError> {
        let start = self.address(Place { segment: number, offset: 0 });
        let end = start.saturating_add(self.segment);
        self.flash.erase(start, end).map_err(|_| StoreError::Failed)
    }

    /// Whether a place that cannot be read is the only one, or the flash has failed.
    fn unreadable(&mut self, number: u32) -> Result<(), StoreError> {
        self.segment_head(number).map(|_| ())
    }

    /// The head of the segment that stands where `number` would: the first of the two,
    /// or the other where that is damaged.
    pub(super) fn segment_head(&mut self, number: u32) -> Result<SegmentRead, StoreError> {
        let mut found = Err(StoreError::Failed);
        for offset in [0, octets(SEGMENT)] {
            let mut head = [0; SEGMENT];
            if self.read(Place { segment: number, offset }, &mut head).is_err() {
                continue;
            }
            found = Ok(Segment::read(&head, self.division));
            if found != Ok(SegmentRead::None) {
                break;
            }
        }
        found
    }

    /// The segment of this number, if it is there.
    pub(super) fn find(&mut self, number: u32) -> Option<Segment> {
        match self.segment_head(number) {
            Ok(SegmentRead::Segment(segment)) if segment.number == number => Some(segment),
            _ => None,
        }
    }

    /// Lets a segment count. It does once the first of its heads is there.
    pub(super) fn begin(&mut self, segment: &Segment) -> Result<(), StoreError> {
        let head = segment.octets(self.division);
        let place = |offset| Place { segment: segment.number, offset };
        let written = self.write(place(0), &head);
        // What has failed may have been done all the same.
        if written.is_err() && self.find(segment.number) != Some(*segment) {
            return written;
        }
        // It counts without the other one too.
        let _ = self.write(place(octets(SEGMENT)), &head);
        Ok(())
    }

    /// Whether all of a segment from an offset on is as erased.
    pub(super) fn is_blank(&mut self, number: u32, from: u32) -> Result<bool, StoreError> {
        let mut offset = from;
        while offset < self.segment {
            let mut chunk = [0; WORD_MAX];
            self.read(Place { segment: number, offset }, &mut chunk)?;
            if !is_blank(&chunk) {
                return Ok(false);
            }
            offset = offset.saturating_add(octets(WORD_MAX));
        }
        Ok(true)
    }

    /// What stands at a place, which is not at the very end of a segment.
    pub(super) fn look(&mut self, place: Place) -> Result<Look, StoreError> {
        let (mut head, length) = ([0xff; WORD_MAX], self.head());
        let read = usize::try_from(length).ok().and_then(|length| head.get_mut(..length));
        let Some(read) = read else { return Ok(Look::Other) };
        if self.read(place, read).is_err() {
            self.unreadable(place.segment)?;
            return Ok(Look::Other);
        }
        let word = usize::try_from(self.word).ok().and_then(|word| head.get(..word));
        if word.is_some_and(is_blank) {
            return Ok(Look::Blank);
        }
        Ok(match Entry::read(&head, place) {
            Some(entry) if self.end(place.offset, &entry) <= self.segment => Look::Entry(entry),
            _ => Look::Other,
        })
    }

    /// Where an entry ends that stands at an offset.
    pub(super) fn end(&self, offset: u32, entry: &Entry) -> u32 {
        offset.saturating_add(self.entry(entry.length))
    }

    fn value_place(&self, place: Place) -> Place {
        Place { offset: place.offset.saturating_add(self.head()), ..place }
    }

    /// The value of an entry, if it is whole.
    pub(super) fn value<'b>(
        &mut self,
        place: Place,
        entry: &Entry,
        buffer: &'b mut [u8; VALUE_MAX],
    ) -> Result<Option<&'b [u8]>, StoreError> {
        let words = usize::try_from(self.whole_words(entry.length.into())).unwrap_or(usize::MAX);
        let Some(words) = buffer.get_mut(..words) else { return Ok(None) };
        if self.read(self.value_place(place), words).is_err() {
            self.unreadable(place.segment)?;
            return Ok(None);
        }
        let value = buffer.get(..entry.length.into());
        Ok(value.filter(|value| value_sum(&entry.key, value) == entry.sum))
    }

    /// Writes an entry and its value.
    pub(super) fn append(
        &mut self,
        place: Place,
        entry: &Entry,
        value: &[u8],
    ) -> Result<(), StoreError> {
        self.write_head(place, entry)?;
        let mut at = self.value_place(place);
        for chunk in value.chunks(CHUNK) {
            let mut words = [0xff; CHUNK];
            let length = usize::try_from(self.whole_words(octets(chunk.len()))).unwrap_or(CHUNK);
            for (to, from) in words.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.write(at, words.get(..length).unwrap_or(&words))?;
            at.offset = at.offset.saturating_add(octets(CHUNK));
        }
        Ok(())
    }

    fn write_head(&mut self, place: Place, entry: &Entry) -> Result<(), StoreError> {
        let head = entry.octets(place);
        let length = usize::try_from(self.head()).unwrap_or(WORD_MAX);
        self.write(place, head.get(..length).unwrap_or(&head))
    }

    /// Writes an entry that stands at one place at another. Damage stays damage.
    pub(super) fn copy(&mut self, from: Place, to: Place, entry: &Entry) -> Result<(), StoreError> {
        self.write_head(to, entry)?;
        let (mut from, mut to) = (self.value_place(from), self.value_place(to));
        let mut left = self.whole_words(entry.length.into());
        while left > 0 {
            let length = left.min(octets(CHUNK));
            let mut words = [0; CHUNK];
            let chunk = usize::try_from(length).ok().and_then(|length| words.get_mut(..length));
            let chunk = chunk.ok_or(StoreError::Failed)?;
            if self.read(from, chunk).is_err() {
                self.unreadable(from.segment)?;
                chunk.fill(0);
            }
            self.write(to, chunk)?;
            from.offset = from.offset.saturating_add(length);
            to.offset = to.offset.saturating_add(length);
            left = left.saturating_sub(length);
        }
        Ok(())
    }
}
