//! PDUs as JSON objects, both ways. The names are those of the source texts.
//!
//! | kind | PDU | file |
//! |---|---|---|
//! | `mams` | MPDU (735.1-B-1 5.1) | `mams.rs`, `time_tag.rs`, `supplement.rs` |
//! | `aams` | AAMS message (735.1-B-1 5.2) | `aams.rs` |
//! | `rams` | RAMS envelope (735.1-B-1 5.3) | `rams.rs` |
//! | `amp` | AMP message group, message or object (draft-birrane-dtn-amp-08) | `amp/` |
//! | `southbound` | any message of the southbound interface | `southbound.rs`, `times.rs`, `number.rs` |
//!
//! Each file has `dissect`, which says all there is in the octets, and
//! `assemble`, which makes the octets from what is not derived from something
//! else: it does not look at names of codes, counts, lengths, checksums, or
//! what an AAMS message encloses.

mod aams;
mod amp;
mod fault;
mod field;
mod mams;
mod number;
mod rams;
mod southbound;
mod supplement;
mod time_tag;
mod times;

#[cfg(test)]
mod tests;

use data_encoding::HEXLOWER;
use farpost::ams::pdu::Deviations;
use farpost::southbound::schema::MessageType;
use serde_json::{Map, Value};

use amp::Shape;
pub(crate) use fault::Fault;
pub(crate) use field::{Field, FieldFault};

/// A JSON object; its members keep their order.
pub(crate) type Object = Map<String, Value>;

/// The kinds of PDU the tool knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Mams,
    Aams,
    Rams,
    /// What it is, where that is said.
    Amp(Option<Shape>),
    Southbound(MessageType),
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Mams,
        Self::Aams,
        Self::Rams,
        Self::Amp(None),
        Self::Southbound(southbound::DEFAULT),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        if let Some(shape) = name.strip_prefix("amp:") {
            return Shape::named(shape).map(|shape| Self::Amp(Some(shape)));
        }
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mams => "mams",
            Self::Aams => "aams",
            Self::Rams => "rams",
            Self::Amp(_) => "amp",
            Self::Southbound(_) => "southbound",
        }
    }

    /// What stands in front of the octets on a line: the name, and which message it is
    /// where there are many.
    pub(crate) fn prefix(self) -> String {
        match self {
            Self::Amp(Some(shape)) => shape.name().to_owned(),
            Self::Southbound(message) if message != southbound::DEFAULT => {
                format!("{} {}", self.name(), message.name())
            }
            _ => self.name().to_owned(),
        }
    }

    /// The same kind for the message `name`; `None` where there is none of that name.
    pub(crate) fn of_message(self, name: &str) -> Option<Self> {
        match self {
            Self::Southbound(_) => MessageType::named(name).map(Self::Southbound),
            _ => None,
        }
    }

    /// The names of all kinds, for people.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// What a PDU of this kind says, `deviations` last.
    pub(crate) fn dissect(self, octets: &[u8]) -> Result<Object, Fault> {
        match self {
            Self::Mams => mams::dissect(octets),
            Self::Aams => aams::dissect(octets),
            Self::Rams => rams::dissect(octets),
            Self::Amp(shape) => amp::dissect(octets, shape),
            Self::Southbound(message) => southbound::dissect(message, octets),
        }
    }

    /// The octets of a PDU of this kind that says `object`, and the kind that
    /// [`Kind::prefix`] is to tell for [`Kind::dissect`] to say the same. What that would
    /// refuse is refused.
    pub(crate) fn assemble(self, object: &Field<'_>) -> Result<(Self, Vec<u8>), FieldFault> {
        let (mut kind, mut named) = (self, self);
        let octets = match self {
            Self::Mams => mams::assemble(object)?,
            Self::Aams => aams::assemble(object, aams::Tail::Checksum)?,
            Self::Rams => rams::assemble(object)?,
            Self::Amp(_) => {
                let (shape, octets) = amp::assemble(object)?;
                kind = Self::Amp(Some(shape));
                if Shape::of(&octets) != Some(shape) {
                    named = kind;
                }
                octets
            }
            Self::Southbound(message) => southbound::assemble(message, object)?,
        };
        match kind.dissect(&octets) {
            Ok(_) => Ok((named, octets)),
            Err(fault) => Err(object.fault(format!("this would be ill-formed: {fault}"))),
        }
    }
}

/// The members of a `json!` object.
fn members(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn hexadecimal(octets: &[u8]) -> Value {
    Value::String(HEXLOWER.encode(octets))
}

fn names(deviations: Deviations) -> Value {
    deviations.iter().map(|deviation| deviation.name()).collect()
}
