//! Values to octets, as postcard encodes them.
//!
//! Octets become values in [`decoding`](super::decoding). Postcard's own code indexes
//! arrays, where the compiler cannot show that no panic can be reached, and returns at
//! each field that fails; here what fails is noted, and told at the end, so that what
//! serde derives for a board is without branches. Tests hold all of them to the same.

use core::fmt;

use serde::ser::{self, Serialize};

use crate::wire::{NoSpace, Writer};

/// Writes `value` to the front of `buffer` and returns the octets of it.
///
/// # Errors
/// [`NoSpace`] when it does not fit, or is a sequence that does not know its length.
pub(crate) fn encode<'b, T: Serialize + ?Sized>(
    value: &T,
    buffer: &'b mut [u8],
) -> Result<&'b mut [u8], NoSpace> {
    let have = buffer.len();
    let mut encoder = Encoder { to: Writer::new(buffer), fault: None };
    let written = value.serialize(&mut encoder).map_err(|Unwritten| UNKNOWN_LENGTH);
    let length = encoder.to.len();
    match encoder.fault {
        Some(fault) => Err(fault),
        None => written.and_then(|()| buffer.get_mut(..length).ok_or(NoSpace::new(length, have))),
    }
}

struct Encoder<'b> {
    to: Writer<'b>,
    /// The first thing that failed.
    fault: Option<NoSpace>,
}

/// A value of a kind that is not written. No field that serde derives returns it.
#[derive(Clone, Copy, Debug)]
struct Unwritten;

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UNKNOWN_LENGTH.fmt(f)
    }
}

impl ser::Error for Unwritten {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

impl ser::StdError for Unwritten {}

/// A length that is not known needs more room than there is.
const UNKNOWN_LENGTH: NoSpace = NoSpace::new(usize::MAX, 0);

type Written = Result<(), Unwritten>;

impl Encoder<'_> {
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn octet(&mut self, octet: u8) {
        let written = self.to.u8(octet);
        self.note(written);
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn octets(&mut self, octets: &[u8]) {
        let written = self.to.octets(octets);
        self.note(written);
    }

    fn note(&mut self, written: Result<(), NoSpace>) {
        if let (Err(fault), None) = (written, self.fault) {
            self.fault = Some(fault);
        }
    }

    /// Seven bits an octet, the lowest first; the top bit says that more follow.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.octet(low & 0x7f);
            }
            self.octet(low | 0x80);
        }
    }

    /// The same for what fits 32 bits, as most does.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn short_varint(&mut self, value: u32) {
        self.varint(value.into());
    }

    /// Zigzag: the sign goes to the lowest bit.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn signed(&mut self, value: i64) {
        self.varint(value.wrapping_shl(1).cast_unsigned() ^ value.wrapping_shr(63).cast_unsigned());
    }

    fn length(&mut self, length: usize) {
        self.varint(u64::try_from(length).unwrap_or(u64::MAX));
    }
}

impl ser::Serializer for &mut Encoder<'_> {
    type Ok = ();
    type Error = Unwritten;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    fn serialize_bool(self, value: bool) -> Written {
        self.octet(value.into());
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Written {
        self.octet(value.cast_unsigned());
        Ok(())
    }

    fn serialize_i16(self, value: i16) -> Written {
        self.signed(value.into());
        Ok(())
    }

    fn serialize_i32(self, value: i32) -> Written {
        self.signed(value.into());
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Written {
        self.signed(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Written {
        self.octet(value);
        Ok(())
    }

    fn serialize_u16(self, value: u16) -> Written {
        self.short_varint(value.into());
        Ok(())
    }

    fn serialize_u32(self, value: u32) -> Written {
        self.short_varint(value);
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Written {
        self.varint(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Written {
        self.octets(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Written {
        self.octets(&value.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Written {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        self.length(value.len());
        self.octets(value);
        Ok(())
    }

    fn serialize_none(self) -> Written {
        self.octet(0);
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        self.octet(1);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Written {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Written {
        self.short_varint(index);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Written {
        self.short_varint(index);
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self, Unwritten> {
        match length {
            Some(length) => self.length(length),
            None => self.note(Err(UNKNOWN_LENGTH)),
        }
        Ok(self)
    }

    fn serialize_tuple(self, _length: usize) -> Result<Self, Unwritten> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Unwritten> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self, Unwritten> {
        self.short_varint(index);
        Ok(self)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self, Unwritten> {
        self.serialize_seq(length)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Unwritten> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self, Unwritten> {
        self.serialize_tuple_variant(name, index, variant, length)
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, _value: &T) -> Written {
        // Its length goes before it and is not known.
        self.note(Err(UNKNOWN_LENGTH));
        Ok(())
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// What has parts is its parts, one after the other.
macro_rules! parts {
    ($($compound:ident: $part:ident $(($name:ty))?),+ $(,)?) => {
        $(impl ser::$compound for &mut Encoder<'_> {
            type Ok = ();
            type Error = Unwritten;

            fn $part<T: Serialize + ?Sized>(&mut self, $(_name: $name,)? value: &T) -> Written {
                value.serialize(&mut **self)
            }

            fn end(self) -> Written {
                Ok(())
            }
        })+
    };
}

parts! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
    SerializeStruct: serialize_field(&'static str),
    SerializeStructVariant: serialize_field(&'static str),
}

impl ser::SerializeMap for &mut Encoder<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Written {
        key.serialize(&mut **self)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(&mut **self)
    }

    fn end(self) -> Written {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Serialize;
    use std::collections::BTreeMap;
    use std::string::String;
    use std::vec::Vec;

    #[derive(Clone, Debug, Serialize)]
    enum Kind {
        Unit,
        New(u64),
        Tuple(i8, i16),
        Struct { a: i32, b: Option<i64> },
    }

    #[derive(Clone, Debug, Serialize)]
    struct Pair(u16, bool);

    #[derive(Clone, Debug, Serialize)]
    struct Any {
        kinds: Vec<Kind>,
        pair: Pair,
        text: String,
        letter: char,
        floats: (f32, f64),
        octet: u8,
        number: u32,
        map: BTreeMap<u8, String>,
        unit: (),
    }

    fn kinds() -> impl Strategy<Value = Kind> {
        prop_oneof![
            Just(Kind::Unit),
            any::<u64>().prop_map(Kind::New),
            any::<(i8, i16)>().prop_map(|(a, b)| Kind::Tuple(a, b)),
            any::<(i32, Option<i64>)>().prop_map(|(a, b)| Kind::Struct { a, b }),
        ]
    }

    proptest! {
        #[test]
        fn values_are_encoded_as_by_postcard(
            kinds in prop::collection::vec(kinds(), 0..5),
            (first, second, octet, number) in any::<(u16, bool, u8, u32)>(),
            (text, letter) in any::<(String, char)>(),
            floats in any::<(f32, f64)>(),
            map in any::<BTreeMap<u8, String>>(),
            room in 0_usize..64,
        ) {
            let pair = Pair(first, second);
            let any = Any { kinds, pair, text, letter, floats, octet, number, map, unit: () };
            let mut scratch = [0; 8_192];
            let expected = postcard::to_slice(&any, &mut scratch).unwrap();
            let mut buffer = std::vec![0; expected.len()];
            prop_assert_eq!(&*encode(&any, &mut buffer).unwrap(), &*expected);
            let mut short = std::vec![0; room.min(expected.len().saturating_sub(1))];
            prop_assert!(encode(&any, &mut short).is_err());
        }
    }

    #[test]
    fn the_ends_of_numbers_are_encoded_as_by_postcard() {
        let mut buffer = [0; 64];
        let ends = (i64::MIN, i64::MAX, u64::MAX, (i32::MIN, i16::MIN, i8::MIN), 127_u16, 128_u16);
        let mut scratch = [0; 64];
        let expected = postcard::to_slice(&ends, &mut scratch).unwrap();
        assert_eq!(encode(&ends, &mut buffer).unwrap(), expected);
    }
}
