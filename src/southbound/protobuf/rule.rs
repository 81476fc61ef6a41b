//! The rules of the encoding that octets can break.

use crate::wire::Rule;

/// A rule of the Protocol Buffers encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ProtobufRule {
    /// A varint is cut short.
    VarintTruncated,
    /// A varint has more than 64 bits; the value is its tenth octet.
    VarintTooLong,
    /// A tag has more than 32 bits; the value is what is above them.
    TagTooLong,
    /// The number of a field is 0.
    FieldNumberZero,
    /// There is no such wire type.
    WireType,
    /// A value of 32 or 64 bits is cut short.
    FixedTruncated,
    /// A length-delimited value is cut short.
    LengthDelimitedTruncated,
    /// A group does not end.
    GroupTruncated,
    /// The end of a group that did not start: the value is its number, held against that of
    /// the group that is open, or 0.
    GroupEnd,
    /// Groups are nested deeper than is supported.
    GroupDepth,
    /// A string is not UTF-8; the value is the first octet that is wrong.
    Utf8,
}

impl Rule for ProtobufRule {
    fn name(self) -> &'static str {
        match self {
            Self::VarintTruncated => "varint_truncated",
            Self::VarintTooLong => "varint_too_long",
            Self::TagTooLong => "tag_too_long",
            Self::FieldNumberZero => "field_number_zero",
            Self::WireType => "wire_type",
            Self::FixedTruncated => "fixed_truncated",
            Self::LengthDelimitedTruncated => "length_delimited_truncated",
            Self::GroupTruncated => "group_truncated",
            Self::GroupEnd => "group_end",
            Self::GroupDepth => "group_depth",
            Self::Utf8 => "utf8",
        }
    }

    fn clause(self) -> &'static str {
        match self {
            Self::VarintTruncated | Self::VarintTooLong => "Protobuf Encoding, Base 128 Varints",
            Self::TagTooLong | Self::FieldNumberZero | Self::WireType => {
                "Protobuf Encoding, Message Structure"
            }
            Self::FixedTruncated => "Protobuf Encoding, Non-varint Numbers",
            Self::LengthDelimitedTruncated => "Protobuf Encoding, Length-Delimited Records",
            Self::GroupTruncated | Self::GroupEnd | Self::GroupDepth => "Protobuf Encoding, Groups",
            Self::Utf8 => "Protobuf proto3, Scalar Value Types",
        }
    }
}
