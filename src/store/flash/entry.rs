//! What stands in a segment: its head, and entries one after the other.
//!
//! All numbers are little-endian. A CRC-32 covers where the octets stand too, so that
//! none are taken for an entry that were written elsewhere, or at another time.

use crate::store::{CRC, RECORD_MAX, RecordKey};

/// Sizes and places are multiples of so many octets.
pub(super) const UNIT: u32 = 8;

/// Octets of the head of an entry, before they are rounded up to whole words.
pub(super) const ENTRY: usize = 24;

/// Octets of the head of a segment.
pub(super) const SEGMENT: usize = 32;

/// The longest word a flash may have, in octets.
pub(super) const WORD_MAX: usize = 32;

/// Where entries begin: the head of a segment stands there twice.
pub(super) const FIRST: u32 = 64;

/// Room for the longest value in whole words.
pub(super) const VALUE_MAX: usize = RECORD_MAX.next_multiple_of(WORD_MAX);

const MAGIC: [u8; 4] = *b"FPst";
const VERSION: u8 = 1;

/// The parts one after the other, and ones after them, as in erased flash.
fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut octets = [0xff; N];
    for (to, from) in octets.iter_mut().zip(parts.iter().copied().flatten()) {
        *to = *from;
    }
    octets
}

/// The checksum of a value, and of what it is the value of.
pub(super) fn value_sum(key: &RecordKey, value: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(key.octets());
    digest.update(value);
    digest.finalize()
}

/// Where an entry stands: the number of its segment, and octets from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) offset: u32,
}

/// What an entry does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Put,
    Remove,
    /// All that stands before it is whole.
    Mark,
}

impl Kind {
    /// Each differs from the others, and from erased flash, in several bits.
    const fn code(self) -> u8 {
        match self {
            Self::Put => 0x5a,
            Self::Remove => 0x33,
            Self::Mark => 0x0f,
        }
    }

    const fn of(code: u8) -> Option<Self> {
        match code {
            0x5a => Some(Self::Put),
            0x33 => Some(Self::Remove),
            0x0f => Some(Self::Mark),
            _ => None,
        }
    }
}

/// The head of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) key: RecordKey,
    /// Octets of the value.
    pub(super) length: u16,
    /// So many units before it are nothing: power was lost there, or a write failed.
    pub(super) gap: u16,
    /// The checksum of key and value.
    pub(super) sum: u32,
}

impl Entry {
    /// One with a value of so many octets.
    pub(super) fn new(kind: Kind, key: RecordKey, length: u16, value: &[u8]) -> Self {
        Self { kind, key, length, gap: 0, sum: value_sum(&key, value) }
    }

    fn checksum(place: Place, head: &[u8]) -> u32 {
        let mut digest = CRC.digest();
        digest.update(&place.segment.to_le_bytes());
        digest.update(&place.offset.to_le_bytes());
        digest.update(head);
        digest.finalize()
    }

    /// Its octets at a place, filled up to the longest word.
    pub(super) fn octets(&self, place: Place) -> [u8; WORD_MAX] {
        let head: [u8; 20] = joined(&[
            &[self.kind.code()],
            &self.gap.to_le_bytes(),
            &self.length.to_le_bytes(),
            self.key.octets(),
            &self.sum.to_le_bytes(),
        ]);
        joined(&[&head, &Self::checksum(place, &head).to_le_bytes()])
    }

    /// The entry these octets are at this place, if they are one.
    pub(super) fn read(octets: &[u8; WORD_MAX], place: Place) -> Option<Self> {
        let head: &[u8; ENTRY] = octets.first_chunk()?;
        let &[code, g0, g1, l0, l1, ref key @ .., s0, s1, s2, s3, c0, c1, c2, c3] = head;
        let kind = Kind::of(code)?;
        let (body, _) = head.split_last_chunk::<4>()?;
        if Self::checksum(place, body) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return None;
        }
        let length = u16::from_le_bytes([l0, l1]);
        (usize::from(length) <= RECORD_MAX).then_some(Self {
            kind,
            key: RecordKey::new(*key),
            length,
            gap: u16::from_le_bytes([g0, g1]),
            sum: u32::from_le_bytes([s0, s1, s2, s3]),
        })
    }
}

/// How a region of flash is divided. Another division is another format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Division {
    /// Octets of a word as written.
    pub(super) word: u8,
    /// How many segments there are.
    pub(super) segments: u16,
    /// Units of a segment.
    pub(super) units: u16,
}

/// The head of a segment. It is written once what stands in the segment from the
/// start is there: with it the segment begins to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its number, one higher each time a segment is begun. It stands at this number
    /// modulo the number of segments.
    pub(super) number: u32,
    /// The oldest segment that still counts.
    pub(super) oldest: u32,
    /// The one before it.
    pub(super) previous: u32,
    /// Units up to the end of the last entry of the one before it.
    pub(super) previous_end: u16,
    /// Units up to the end of what it began with.
    pub(super) begun: u16,
    /// Damaged records that are not to be found in the flash any more, of which nobody
    /// was told.
    pub(super) lost: u16,
}

/// What octets are that may be the head of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentRead {
    Segment(Segment),
    /// One of another version of this format, or of a store divided otherwise.
    Other,
    None,
}

impl Segment {
    pub(super) fn octets(&self, division: Division) -> [u8; SEGMENT] {
        let head: [u8; 28] = joined(&[
            &MAGIC,
            &[VERSION, division.word],
            &division.segments.to_le_bytes(),
            &division.units.to_le_bytes(),
            &self.lost.to_le_bytes(),
            &self.number.to_le_bytes(),
            &self.oldest.to_le_bytes(),
            &self.previous.to_le_bytes(),
            &self.previous_end.to_le_bytes(),
            &self.begun.to_le_bytes(),
        ]);
        joined(&[&head, &CRC.checksum(&head).to_le_bytes()])
    }

    pub(super) fn read(octets: &[u8; SEGMENT], division: Division) -> SegmentRead {
        let &[m0, m1, m2, m3, version, word, n0, n1, u0, u1, l0, l1, ref rest @ ..] = octets;
        let &[a0, a1, a2, a3, o0, o1, o2, o3, p0, p1, p2, p3, e0, e1, b0, b1, ref sum @ ..] = rest;
        let Some((head, _)) = octets.split_last_chunk::<4>() else { return SegmentRead::None };
        if [m0, m1, m2, m3] != MAGIC || CRC.checksum(head) != u32::from_le_bytes(*sum) {
            return SegmentRead::None;
        }
        let found = Division {
            word,
            segments: u16::from_le_bytes([n0, n1]),
            units: u16::from_le_bytes([u0, u1]),
        };
        if version != VERSION || found != division {
            return SegmentRead::Other;
        }
        SegmentRead::Segment(Self {
            number: u32::from_le_bytes([a0, a1, a2, a3]),
            oldest: u32::from_le_bytes([o0, o1, o2, o3]),
            previous: u32::from_le_bytes([p0, p1, p2, p3]),
            previous_end: u16::from_le_bytes([e0, e1]),
            begun: u16::from_le_bytes([b0, b1]),
            lost: u16::from_le_bytes([l0, l1]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DIVISION: Division = Division { word: 4, segments: 8, units: 512 };

    proptest! {
        #[test]
        fn an_entry_is_read_as_it_was_written_and_nowhere_else(
            key in any::<[u8; 11]>(), length in 0_u16..=1_200, gap: u16, sum: u32,
            segment: u32, offset: u32, bit in 0_usize..192,
        ) {
            let place = Place { segment, offset };
            for kind in [Kind::Put, Kind::Remove, Kind::Mark] {
                let entry = Entry { kind, key: RecordKey::new(key), length, gap, sum };
                let octets = entry.octets(place);
                prop_assert_eq!(&octets[ENTRY..], &[0xff; 8]);
                prop_assert_eq!(Entry::read(&octets, place), Some(entry));
                let elsewhere = Place { offset: offset ^ 8, ..place };
                prop_assert_eq!(Entry::read(&octets, elsewhere), None);
                let later = Place { segment: segment ^ 1, ..place };
                prop_assert_eq!(Entry::read(&octets, later), None);
                let mut flipped = octets;
                flipped[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(Entry::read(&flipped, place), None);
            }
        }

        #[test]
        fn the_head_of_a_segment_is_read_as_it_was_written(
            number: u32, oldest: u32, previous: u32, previous_end: u16, begun: u16, lost: u16,
            bit in 0_usize..256,
        ) {
            let segment = Segment { number, oldest, previous, previous_end, begun, lost };
            let octets = segment.octets(DIVISION);
            prop_assert_eq!(Segment::read(&octets, DIVISION), SegmentRead::Segment(segment));
            let other = Division { segments: 9, ..DIVISION };
            prop_assert_eq!(Segment::read(&octets, other), SegmentRead::Other);
            let mut flipped = octets;
            flipped[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Segment::read(&flipped, DIVISION), SegmentRead::None);
        }
    }

    #[test]
    fn erased_flash_is_neither() {
        assert_eq!(Entry::read(&[0xff; 32], Place { segment: 1, offset: 64 }), None);
        assert_eq!(Segment::read(&[0xff; 32], DIVISION), SegmentRead::None);
    }

    #[test]
    fn an_entry_that_says_it_is_longer_than_any_is_none() {
        let place = Place { segment: 1, offset: 64 };
        let key = RecordKey::new([7; 11]);
        let long = Entry { kind: Kind::Put, key, length: 1_201, gap: 0, sum: 0 };
        assert_eq!(Entry::read(&long.octets(place), place), None);
    }
}
