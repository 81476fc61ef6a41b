//! The heads of CBOR items (RFC 7049 2.1), in their shortest form and no other.
//!
//! An AMP object is octets with CBOR items among them, not a CBOR item, and most
//! readers of CBOR accept longer forms than they need; therefore this one.

use super::rule::{AmpRule, Malformed, fault};
use crate::wire::{NoSpace, Reader, Writer};

pub(super) const UNSIGNED: u8 = 0;
pub(super) const NEGATIVE: u8 = 1;
pub(super) const BYTES: u8 = 2;
pub(super) const TEXT: u8 = 3;
pub(super) const ARRAY: u8 = 4;
const TAG: u8 = 6;
pub(super) const SIMPLE: u8 = 7;

/// The octets of the simple values false and true.
pub(super) const FALSE: u8 = 0xf4;
pub(super) const TRUE: u8 = 0xf5;

/// The head of an item.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// Where it begins.
    pub(super) offset: usize,
    /// Its first octet.
    pub(super) first: u8,
    /// What stands in it.
    pub(super) value: u64,
}

impl Head {
    /// The next head, whatever its type.
    #[inline(never)]
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let short = |short| Malformed::short(AmpRule::Truncated, short);
        let offset = reader.offset();
        let first = reader.u8().map_err(short)?;
        let refused = |rule| Err(fault(rule, offset, first, 0));
        if first >> 5 == TAG {
            return refused(AmpRule::Tagged);
        }
        let (value, least): (u64, u64) = match first & 0x1f {
            small @ ..24 => (small.into(), 0),
            24 => (reader.u8().map_err(short)?.into(), 24),
            25 => (reader.u16().map_err(short)?.into(), 1 << 8),
            26 => (reader.u32().map_err(short)?.into(), 1 << 16),
            27 => (u64::from_be_bytes(*reader.array().map_err(short)?), 1 << 32),
            31 => return refused(AmpRule::Indefinite),
            _ => return refused(AmpRule::HeadReserved),
        };
        // Floats are of type 7, and as long as they have to be is another matter.
        if first >> 5 != SIMPLE && value < least {
            return refused(AmpRule::NotShortest);
        }
        Ok(Self { offset, first, value })
    }

    /// The next head, which is to be of `major`.
    pub(super) fn of(reader: &mut Reader<'_>, major: u8) -> Result<u64, Malformed> {
        let head = Self::read(reader)?;
        if head.major() == major { Ok(head.value) } else { Err(head.not(major)) }
    }

    pub(super) const fn major(self) -> u8 {
        self.first >> 5
    }

    /// It is not of `major`.
    pub(super) fn not(self, major: u8) -> Malformed {
        fault(AmpRule::MajorType, self.offset, self.first >> 5, major.into())
    }

    /// Its number is out of the range of its type, which has `bits`.
    pub(super) fn out_of_range(self, bits: u32) -> Malformed {
        fault(AmpRule::OutOfRange, self.offset, self.value, bits)
    }
}

/// A number of elements.
pub(super) fn count(reader: &mut Reader<'_>, major: u8) -> Result<u32, Malformed> {
    let offset = reader.offset();
    let count = Head::of(reader, major)?;
    u32::try_from(count).map_err(|_| fault(AmpRule::OutOfRange, offset, count, 32))
}

/// The octets of a byte or text string.
pub(super) fn string<'a>(reader: &mut Reader<'a>, major: u8) -> Result<&'a [u8], Malformed> {
    let length = Head::of(reader, major)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    reader.take(length).map_err(|short| Malformed::short(AmpRule::Truncated, short))
}

pub(super) fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    let octets = string(reader, TEXT)?;
    core::str::from_utf8(octets).map_err(|error| {
        let behind = octets.len().saturating_sub(error.valid_up_to());
        fault(AmpRule::NotUtf8, reader.offset().saturating_sub(behind), behind, 0)
    })
}

/// A head in its shortest form, and its length.
pub(super) fn head(major: u8, value: u64) -> ([u8; 9], usize) {
    let [_, rest @ ..] = &mut [0_u8; 9];
    *rest = value.to_be_bytes();
    let [a, b, c, d, e, f, g, h] = *rest;
    let first = major.wrapping_shl(5);
    match value {
        ..24 => ([first | h, 0, 0, 0, 0, 0, 0, 0, 0], 1),
        24..0x100 => ([first | 24, h, 0, 0, 0, 0, 0, 0, 0], 2),
        0x100..0x1_0000 => ([first | 25, g, h, 0, 0, 0, 0, 0, 0], 3),
        0x1_0000..0x1_0000_0000 => ([first | 26, e, f, g, h, 0, 0, 0, 0], 5),
        _ => ([first | 27, a, b, c, d, e, f, g, h], 9),
    }
}

#[inline(never)]
pub(super) fn write_head(to: &mut Writer<'_>, major: u8, value: u64) -> Result<(), NoSpace> {
    let (octets, length) = head(major, value);
    to.octets(octets.get(..length).unwrap_or_default())
}

/// Puts the head before what was written from `at` on.
pub(super) fn insert_head(
    to: &mut Writer<'_>,
    at: usize,
    major: u8,
    value: u64,
) -> Result<(), NoSpace> {
    let (octets, length) = head(major, value);
    to.insert(at, octets.get(..length).unwrap_or_default())
}

pub(super) fn write_string(to: &mut Writer<'_>, major: u8, octets: &[u8]) -> Result<(), NoSpace> {
    write_head(to, major, length(octets.len()))?;
    to.octets(octets)
}

pub(super) fn write_integer(to: &mut Writer<'_>, value: i64) -> Result<(), NoSpace> {
    match u64::try_from(value) {
        Ok(value) => write_head(to, UNSIGNED, value),
        Err(_) => write_head(to, NEGATIVE, (!value).unsigned_abs()),
    }
}

/// A length in memory as one on the wire.
pub(super) fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
