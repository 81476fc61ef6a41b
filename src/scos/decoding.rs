//! Octets to values, as postcard decodes them.
//!
//! What fails is noted and told at the end, as in [`encoding`](super::encoding): till
//! then there are zeros and nothing. A length has up to 64 bits on every machine.

use core::fmt;

use serde::de::value::U32Deserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Unexpected,
    Visitor,
};

/// Takes a value off the front of `octets`: the value and the octets behind it, or
/// `None` where none of its kind is.
pub(crate) fn take<'de, T: Deserialize<'de>>(octets: &'de [u8]) -> Option<(T, &'de [u8])> {
    take_by(octets, |decoder| T::deserialize(decoder))
}

/// The same, of a value that `read` reads.
pub(crate) fn take_by<'de, T>(
    octets: &'de [u8],
    read: impl FnOnce(&mut Decoder<'de>) -> Result<T, Unread>,
) -> Option<(T, &'de [u8])> {
    let mut decoder = Decoder { rest: octets, faulty: false };
    let value = read(&mut decoder).ok()?;
    (!decoder.faulty).then_some((value, decoder.rest))
}

pub(crate) struct Decoder<'de> {
    rest: &'de [u8],
    /// Something has failed, and nothing read since means anything.
    faulty: bool,
}

/// What is no value of its kind. Nothing that serde derives for the kinds of values
/// here returns it: what fails in the decoder is noted there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unread;

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such value")
    }
}

impl de::StdError for Unread {}

/// Without the messages, which nobody would read.
impl de::Error for Unread {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }

    fn invalid_type(_unexpected: Unexpected<'_>, _expected: &dyn Expected) -> Self {
        Self
    }

    fn invalid_value(_unexpected: Unexpected<'_>, _expected: &dyn Expected) -> Self {
        Self
    }

    fn invalid_length(_length: usize, _expected: &dyn Expected) -> Self {
        Self
    }
}

impl<'de> Decoder<'de> {
    /// What is of no kind that is known.
    pub(crate) fn refuse<T>(&mut self) -> Result<T, Unread> {
        self.faulty = true;
        Err(Unread)
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn octet(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((&octet, rest)) => {
                self.rest = rest;
                octet
            }
            None => self.fail(),
        }
    }

    /// An octet that is 0 or 1.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn flag(&mut self) -> bool {
        match self.octet() {
            0 => false,
            1 => true,
            _ => self.fail(),
        }
    }

    /// A number of up to `bits` bits, seven an octet, the lowest first.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn varint(&mut self, bits: u32) -> u64 {
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
        self.fail()
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn varint_16(&mut self) -> u16 {
        u16::try_from(self.varint(16)).unwrap_or_default()
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn varint_32(&mut self) -> u32 {
        u32::try_from(self.varint(32)).unwrap_or_default()
    }

    /// As many octets as are told before them.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn octets(&mut self) -> &'de [u8] {
        let length = usize::try_from(self.varint(64)).unwrap_or(usize::MAX);
        match self.rest.split_at_checked(length) {
            Some((octets, rest)) => {
                self.rest = rest;
                octets
            }
            None => self.fail(),
        }
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn text(&mut self) -> &'de str {
        match core::str::from_utf8(self.octets()) {
            Ok(text) => text,
            Err(_) => self.fail(),
        }
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.rest.split_first_chunk() {
            Some((octets, rest)) => {
                self.rest = rest;
                *octets
            }
            None => {
                self.faulty = true;
                [0; N]
            }
        }
    }

    fn fail<T: Default>(&mut self) -> T {
        self.faulty = true;
        T::default()
    }
}

/// The sign is in the lowest bit.
const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ (value & 1).cast_signed().wrapping_neg()
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = Unread;

    fn is_human_readable(&self) -> bool {
        false
    }

    /// Octets do not say what they are.
    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Unread> {
        Err(Unread)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_bool(self.flag())
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_i8(self.octet().cast_signed())
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let value = unzigzag(self.varint_16().into());
        visitor.visit_i16(i16::try_from(value).unwrap_or_default())
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let value = unzigzag(self.varint_32().into());
        visitor.visit_i32(i32::try_from(value).unwrap_or_default())
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_i64(unzigzag(self.varint(64)))
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u8(self.octet())
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u16(self.varint_16())
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u32(self.varint_32())
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_u64(self.varint(64))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_f32(f32::from_le_bytes(self.array()))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_f64(f64::from_le_bytes(self.array()))
    }

    /// A text of one character.
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let mut characters = self.text().chars();
        let character = match (characters.next(), characters.next()) {
            (Some(character), None) => character,
            _ => self.fail(),
        };
        visitor.visit_char(character)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_borrowed_str(self.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_borrowed_bytes(self.octets())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        if self.flag() { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let left = self.varint(64);
        visitor.visit_seq(Elements { decoder: self, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_seq(Fields(self))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_seq(Fields(self))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unread> {
        let left = self.varint(64);
        visitor.visit_map(Elements { decoder: self, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_seq(Fields(self))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_enum(Variants { decoder: self, count: variants.len() })
    }
}

/// The fields of a value: whoever takes them knows how many there are.
struct Fields<'a, 'de>(&'a mut Decoder<'de>);

impl<'de> de::SeqAccess<'de> for Fields<'_, 'de> {
    type Error = Unread;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unread> {
        seed.deserialize(&mut *self.0).map(Some)
    }
}

/// As many elements as were told.
struct Elements<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: u64,
}

impl Elements<'_, '_> {
    /// Whether there is another. Behind what failed there is none, whatever was told.
    fn next(&mut self) -> bool {
        let there = self.left > 0 && !self.decoder.faulty;
        self.left = self.left.saturating_sub(1);
        there
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Unread;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unread> {
        self.next().then(|| seed.deserialize(&mut *self.decoder)).transpose()
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = Unread;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Unread> {
        self.next().then(|| seed.deserialize(&mut *self.decoder)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Unread> {
        seed.deserialize(&mut *self.decoder)
    }
}

/// One of so many variants, by its number.
struct Variants<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    count: usize,
}

impl<'a, 'de> de::EnumAccess<'de> for Variants<'a, 'de> {
    type Error = Unread;
    type Variant = &'a mut Decoder<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Unread> {
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        let mut number = self.decoder.varint_32();
        if number >= count {
            self.decoder.faulty = true;
            number = 0;
        }
        let number: U32Deserializer<Unread> = number.into_deserializer();
        seed.deserialize(number).map(|variant| (variant, self.decoder))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Decoder<'de> {
    type Error = Unread;

    fn unit_variant(self) -> Result<(), Unread> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Unread> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_seq(Fields(self))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unread> {
        visitor.visit_seq(Fields(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scos::messages::Message;
    use crate::scos::metadata::Section;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::string::String;
    use std::vec::Vec;

    #[derive(Clone, Debug, PartialEq, serde::Deserialize)]
    enum Kind {
        Unit,
        New(u64),
        Tuple(i8, i16),
        Struct { a: i32, b: Option<i64> },
    }

    type Any<'a> = (
        (bool, u8, u16, u32, u64),
        (i8, i16, i32, i64),
        (&'a str, [u8; 3], ()),
        (Kind, Option<Kind>),
    );

    /// What postcard makes of it.
    fn theirs<'de, T: Deserialize<'de>>(octets: &'de [u8]) -> Option<(T, &'de [u8])> {
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
            prop_assert_eq!(take::<Any<'_>>(&octets), theirs(&octets));
            prop_assert_eq!(take::<Kind>(&octets), theirs(&octets));
            prop_assert_eq!(take::<(u16, i16)>(&octets), theirs(&octets));
            prop_assert_eq!(take::<(u32, i32)>(&octets), theirs(&octets));
            prop_assert_eq!(take::<(u64, i64)>(&octets), theirs(&octets));
            prop_assert_eq!(take::<(f32, f64)>(&octets).map(|((a, b), rest)| (a.to_bits(), b.to_bits(), rest)),
                theirs::<(f32, f64)>(&octets).map(|((a, b), rest)| (a.to_bits(), b.to_bits(), rest)));
            prop_assert_eq!(take::<Vec<Kind>>(&octets), theirs(&octets));
            prop_assert_eq!(take::<BTreeMap<u8, String>>(&octets), theirs(&octets));
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

    /// Versions of postcard differ about what follows the first.
    #[test]
    fn a_character_is_a_text_of_one() {
        assert_eq!(take(b"\x02\xc3\xa9!"), Some(('é', &b"!"[..])));
        for none in [&b"\0"[..], b"\x02ab", b"\x02\xc3", b"\x01\xc3"] {
            assert_eq!(take::<char>(none), None);
        }
    }

    #[test]
    fn a_sequence_that_claims_to_be_endless_ends_with_its_octets() {
        let claimed = [[0xff; 9].as_slice(), &[0x01], &[7, 8]].concat();
        assert_eq!(take::<Vec<u16>>(&claimed), None);
        assert_eq!(take::<Vec<u16>>(&[2, 7, 8, 9]), Some((std::vec![7, 8], &[9][..])));
    }
}
