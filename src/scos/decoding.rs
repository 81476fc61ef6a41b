//! Octets to values, as postcard decodes them.
//!
//! What fails is noted and told at the end: till then there are zeros and nothing, and what
//! reads a message for a board is without branches. A length has up to 64 bits on every
//! machine.

/// What can be read; [`coded!`](super::coding) writes most of it.
pub(crate) trait Decode<'a>: Sized {
    /// Takes a value off the front, any one where there is none.
    fn read(from: &mut Decoder<'a>) -> Self;
}

/// Takes a value off the front of `octets`: the value and the octets behind it, or
/// `None` where none of its kind is.
pub(crate) fn take<'a, T: Decode<'a>>(octets: &'a [u8]) -> Option<(T, &'a [u8])> {
    let mut decoder = Decoder::new(octets);
    let value = T::read(&mut decoder);
    decoder.rest().map(|rest| (value, rest))
}

#[derive(Debug)]
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
    /// Something has failed, and nothing read since means anything.
    faulty: bool,
}

impl<'a> Decoder<'a> {
    pub(crate) const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets, faulty: false }
    }

    /// What is left of the octets; `None` when something has failed.
    pub(crate) const fn rest(&self) -> Option<&'a [u8]> {
        if self.faulty { None } else { Some(self.rest) }
    }

    /// This is no value of its kind; goes on with another.
    pub(crate) fn refuse<T>(&mut self, instead: T) -> T {
        self.faulty = true;
        instead
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn octet(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((&octet, rest)) => {
                self.rest = rest;
                octet
            }
            None => self.refuse(0),
        }
    }

    /// An octet that is 0 or 1.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn flag(&mut self) -> bool {
        match self.octet() {
            0 => false,
            1 => true,
            _ => self.refuse(false),
        }
    }

    /// A number of up to `bits` bits, seven an octet, the lowest first.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn varint(&mut self, bits: u32) -> u64 {
        let (mut value, mut shift) = (0_u64, 0_u32);
        while shift < bits {
            let octet = self.octet();
            let part = u64::from(octet & 0x7f);
            // What does not fit shows when it is shifted back.
            let left = bits.saturating_sub(shift);
            if left < 7 && part.wrapping_shr(left) != 0 {
                break;
            }
            value |= part.wrapping_shl(shift);
            if octet < 0x80 {
                return value;
            }
            shift = shift.saturating_add(7);
        }
        self.refuse(0)
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn varint_16(&mut self) -> u16 {
        u16::try_from(self.varint(16)).unwrap_or_default()
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn varint_32(&mut self) -> u32 {
        u32::try_from(self.varint(32)).unwrap_or_default()
    }

    /// A number whose sign is in the lowest bit.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn signed(&mut self, bits: u32) -> i64 {
        let value = self.varint(bits);
        (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
    }

    /// As many octets as are told before them.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn octets(&mut self) -> &'a [u8] {
        let length = usize::try_from(self.varint(64)).unwrap_or(usize::MAX);
        match self.rest.split_at_checked(length) {
            Some((octets, rest)) => {
                self.rest = rest;
                octets
            }
            None => self.refuse(&[]),
        }
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn text(&mut self) -> &'a str {
        match core::str::from_utf8(self.octets()) {
            Ok(text) => text,
            Err(_) => self.refuse(""),
        }
    }
}

/// What the decoder has a function for.
macro_rules! read {
    ($($kind:ty: $from:ident => $value:expr;)+) => {
        $(impl<'a> Decode<'a> for $kind {
            fn read($from: &mut Decoder<'a>) -> Self {
                $value
            }
        })+
    };
}

read! {
    bool: from => from.flag();
    u8: from => from.octet();
    u16: from => from.varint_16();
    u32: from => from.varint_32();
    u64: from => from.varint(64);
    i8: from => from.octet().cast_signed();
    i16: from => Self::try_from(from.signed(16)).unwrap_or_default();
    i32: from => Self::try_from(from.signed(32)).unwrap_or_default();
    i64: from => from.signed(64);
    &'a str: from => from.text();
    &'a [u8]: from => from.octets();
}

impl<'a, T: Decode<'a>> Decode<'a> for Option<T> {
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn read(from: &mut Decoder<'a>) -> Self {
        if from.flag() { Some(T::read(from)) } else { None }
    }
}

impl<'a, T: Decode<'a>, const N: usize> Decode<'a> for [T; N] {
    fn read(from: &mut Decoder<'a>) -> Self {
        core::array::from_fn(|_| T::read(from))
    }
}

impl<'a, A: Decode<'a>, B: Decode<'a>> Decode<'a> for (A, B) {
    fn read(from: &mut Decoder<'a>) -> Self {
        (A::read(from), B::read(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scos::messages::Message;
    use crate::scos::metadata::Section;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// What postcard makes of it.
    fn theirs<'de, T: serde::Deserialize<'de>>(octets: &'de [u8]) -> Option<(T, &'de [u8])> {
        postcard::take_from_bytes(octets).ok()
    }

    /// Octets that are often the ends of numbers, flags and short lengths.
    fn octets(length: usize) -> impl Strategy<Value = Vec<u8>> {
        let octet = prop_oneof![
            4 => 0_u8..4,
            2 => prop::sample::select(&[0x0f, 0x10, 0x7f, 0x80, 0x81, 0xff, b'a', 0xc3, 0xa9][..]),
            1 => any::<u8>(),
        ];
        prop::collection::vec(octet, 0..length)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn octets_are_decoded_as_by_postcard(octets in octets(64)) {
            prop_assert_eq!(take::<(bool, (u8, i8))>(&octets), theirs(&octets));
            prop_assert_eq!(take::<(u16, i16)>(&octets), theirs(&octets));
            prop_assert_eq!(take::<(u32, i32)>(&octets), theirs(&octets));
            prop_assert_eq!(take::<(u64, i64)>(&octets), theirs(&octets));
            prop_assert_eq!(take::<(&str, [u8; 3])>(&octets), theirs(&octets));
            prop_assert_eq!(take::<(Option<&[u8]>, Option<i64>)>(&octets), theirs(&octets));
            prop_assert_eq!(take::<[Option<u16>; 4]>(&octets), theirs(&octets));
        }

        #[test]
        fn messages_and_sections_are_decoded_as_by_postcard(octets in octets(160), first in 0_u8..24) {
            let octets = [&[first][..], &octets].concat();
            prop_assert_eq!(take::<Message<'_>>(&octets), theirs(&octets));
            prop_assert_eq!(take::<Section<'_>>(&octets), theirs(&octets));
        }
    }

    #[test]
    fn numbers_end_where_their_bits_do() {
        let longest = |last: u8, count: usize| [&std::vec![0x80; count - 1][..], &[last]].concat();
        for (last, fits) in [(0x03, true), (0x04, false), (0x83, false)] {
            let octets = longest(last, 3);
            assert_eq!(take::<u16>(&octets).is_some(), fits, "{octets:x?}");
            assert_eq!(take::<u16>(&octets), theirs(&octets));
        }
        for (last, fits) in [(0x0f, true), (0x10, false)] {
            assert_eq!(take::<u32>(&longest(last, 5)).is_some(), fits);
        }
        for (last, fits) in [(0x01, true), (0x02, false)] {
            assert_eq!(take::<u64>(&longest(last, 10)).is_some(), fits);
        }
    }

    #[test]
    fn octets_that_claim_to_be_endless_are_none() {
        let claimed = [[0xff; 9].as_slice(), &[0x01], &[7, 8]].concat();
        assert_eq!(take::<&[u8]>(&claimed), None);
        assert_eq!(take::<&[u8]>(&[2, 7, 8, 9]), Some((&[7, 8][..], &[9][..])));
    }
}
