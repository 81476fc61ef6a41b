//! Protocol Buffers, as far as the southbound interface needs them: a zero-copy reader
//! and a writer into a lent buffer.
//!
//! | part of the encoding | file | types |
//! |---|---|---|
//! | tags, varints, fixed and length-delimited values, groups | `field.rs` | [`Field`], [`Value`], [`Wire`] |
//! | a message as received, merged where it comes in parts | `message.rs` | [`Message`], [`Fields`], [`Parts`] |
//! | fields of a type, single and repeated, packed or not | `types.rs` | [`Repeated`], [`View`], [`Element`] |
//! | a message to be sent | `encoder.rs` | [`Encoder`], [`Encode`] |
//! | what is ill-formed | `rule.rs` | [`ProtobufRule`] |
//!
//! Rules for receivers that a sender may count on, and that are kept here:
//!
//! - fields come in any order; of a field that should be there once the last one counts;
//! - a message that comes several times is merged from all of them, in order, as if their
//!   octets stood behind one another;
//! - of the members of a oneof the last one counts, and clears what came of the others;
//! - repeated numbers are taken packed and unpacked, and in a mix of both;
//! - a varint may be longer than it need be, of ten octets at the most; a 32-bit field
//!   takes its low 32 bits;
//! - a field that is not known, or has another wire type than it should, is no fault:
//!   it is an unknown field. Unknown groups are passed over, up to [`MAX_GROUPS`] deep.
//!
//! A string that is not UTF-8 is refused, as proto3 wants it. What is refused is refused
//! when a message is parsed; after that every view of it works, so getters cannot fail.

mod encoder;
mod field;
mod message;
mod rule;
mod types;

#[cfg(test)]
mod tests;

pub(crate) use encoder::count;
pub use encoder::{Encode, Encoder};
pub use field::{Field, MAX_GROUPS, Value, Wire};
pub use message::{Fields, MAX_PARTS_DEPTH, Message, Parts, Values};
pub use rule::ProtobufRule;
pub use types::{Described, Element, Plain, Repeated, View};
pub(crate) use types::{Get, Merge, Put, Typed};

/// What is ill-formed about a message.
pub type Malformed = crate::wire::Malformed<ProtobufRule>;
