//! One field after the other: tag and value.

use super::{Malformed, ProtobufRule};
use crate::wire::{Reader, Short};

/// How deep unknown groups may be nested. Nobody has sent one for years.
pub const MAX_GROUPS: usize = 32;

/// The wire type of a field that is no group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Wire {
    /// Wire type 0.
    Varint,
    /// Wire type 1: 64 bits.
    I64,
    /// Wire type 2: length-delimited.
    Len,
    /// Wire type 5: 32 bits.
    I32,
}

impl Wire {
    /// The three bits of a tag.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Varint => 0,
            Self::I64 => 1,
            Self::Len => 2,
            Self::I32 => 5,
        }
    }
}

/// The value of a field, as it is on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A varint.
    Varint(u64),
    /// 64 bits, little-endian on the wire.
    I64(u64),
    /// As many octets as were told before them.
    Len(&'a [u8]),
    /// The fields of a group, without the tag that ends it.
    Group(&'a [u8]),
    /// 32 bits, little-endian on the wire.
    I32(u32),
}

impl Value<'_> {
    /// The wire type; none for groups, which no field here has.
    #[must_use]
    pub const fn wire(&self) -> Option<Wire> {
        match self {
            Self::Varint(_) => Some(Wire::Varint),
            Self::I64(_) => Some(Wire::I64),
            Self::Len(_) => Some(Wire::Len),
            Self::I32(_) => Some(Wire::I32),
            Self::Group(_) => None,
        }
    }
}

/// A field as it stands in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number, 1 to 536,870,911.
    pub number: u32,
    /// Its value.
    pub value: Value<'a>,
    /// Where its tag starts, in octets from the start of what is read.
    pub start: usize,
    /// Where its value ends.
    pub end: usize,
}

impl<'a> Field<'a> {
    /// The next field.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let start = reader.offset();
        let tag = tag(reader)?;
        let value = match tag & 7 {
            3 => Value::Group(group(reader, tag >> 3)?),
            4 => return Err(Malformed::new(ProtobufRule::GroupEnd, start, tag >> 3, 0)),
            bits => value(reader, bits, start)?,
        };
        Ok(Self { number: tag >> 3, value, start, end: reader.offset() })
    }

    /// Whether it has this number.
    pub(super) fn is(&self, number: u8) -> bool {
        self.number == u32::from(number)
    }

    /// Where the octets of a length-delimited value start.
    pub(super) const fn content(&self) -> usize {
        match self.value {
            Value::Len(octets) => self.end.saturating_sub(octets.len()),
            _ => self.end,
        }
    }
}

/// A value of wire type `wire`, as packed numbers have them.
pub(super) fn packed<'a>(reader: &mut Reader<'a>, wire: Wire) -> Result<Value<'a>, Malformed> {
    let start = reader.offset();
    value(reader, wire.bits(), start)
}

fn value<'a>(reader: &mut Reader<'a>, bits: u32, start: usize) -> Result<Value<'a>, Malformed> {
    let fixed = |short| Malformed::short(ProtobufRule::FixedTruncated, short);
    Ok(match bits {
        0 => Value::Varint(varint(reader)?),
        1 => Value::I64(u64::from_le_bytes(*reader.array().map_err(fixed)?)),
        2 => {
            let length = usize::try_from(varint(reader)?).unwrap_or(usize::MAX);
            let short =
                |short: Short| Malformed::short(ProtobufRule::LengthDelimitedTruncated, short);
            Value::Len(reader.take(length).map_err(short)?)
        }
        5 => Value::I32(u32::from_le_bytes(*reader.array().map_err(fixed)?)),
        bits => return Err(Malformed::new(ProtobufRule::WireType, start, bits, 5)),
    })
}

/// A tag whose field number is not 0.
fn tag(reader: &mut Reader<'_>) -> Result<u32, Malformed> {
    let start = reader.offset();
    let tag = varint(reader)?;
    let Ok(tag) = u32::try_from(tag) else {
        let above = u32::try_from(tag >> 32).unwrap_or(u32::MAX);
        return Err(Malformed::new(ProtobufRule::TagTooLong, start, above, 0));
    };
    if tag >> 3 == 0 {
        return Err(Malformed::new(ProtobufRule::FieldNumberZero, start, 0, 1));
    }
    Ok(tag)
}

fn varint(reader: &mut Reader<'_>) -> Result<u64, Malformed> {
    let mut value = 0_u64;
    for shift in (0..70_u32).step_by(7) {
        let at = reader.offset();
        let octet =
            reader.u8().map_err(|short| Malformed::short(ProtobufRule::VarintTruncated, short))?;
        // The tenth octet has room for one bit.
        if shift == 63 && octet > 1 {
            return Err(Malformed::new(ProtobufRule::VarintTooLong, at, octet.into(), 1));
        }
        value |= u64::from(octet & 0x7f).wrapping_shl(shift);
        if octet < 0x80 {
            break;
        }
    }
    Ok(value)
}

/// The fields of the group `number`, whose start has been read; the tag that ends it is
/// consumed too.
fn group<'a>(reader: &mut Reader<'a>, number: u32) -> Result<&'a [u8], Malformed> {
    let mut content = reader.clone();
    let start = reader.offset();
    let mut open = [number; MAX_GROUPS];
    let mut depth = 1_usize;
    loop {
        let at = reader.offset();
        if reader.is_empty() {
            return Err(Malformed::new(ProtobufRule::GroupTruncated, start, 1, 0));
        }
        let tag = tag(reader)?;
        match tag & 7 {
            3 => {
                let Some(room) = open.get_mut(depth) else {
                    let limit = u32::try_from(MAX_GROUPS).unwrap_or(u32::MAX);
                    return Err(Malformed::new(
                        ProtobufRule::GroupDepth,
                        at,
                        limit.saturating_add(1),
                        limit,
                    ));
                };
                *room = tag >> 3;
                depth = depth.saturating_add(1);
            }
            4 => {
                depth = depth.saturating_sub(1);
                let expected = open.get(depth).copied().unwrap_or_default();
                if tag >> 3 != expected {
                    return Err(Malformed::new(ProtobufRule::GroupEnd, at, tag >> 3, expected));
                }
                if depth == 0 {
                    let short = |short| Malformed::short(ProtobufRule::GroupTruncated, short);
                    return content.take(at.saturating_sub(start)).map_err(short);
                }
            }
            bits => {
                value(reader, bits, at)?;
            }
        }
    }
}
