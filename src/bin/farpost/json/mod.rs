//! PDUs as JSON objects, both ways. The names are those of the source texts.
//!
//! | kind | PDU | file |
//! |---|---|---|
//! | `mams` | MPDU (735.1-B-1 5.1) | `mams.rs`, `time_tag.rs`, `supplement.rs` |
//! | `aams` | AAMS message (735.1-B-1 5.2) | `aams.rs` |
//! | `rams` | RAMS envelope (735.1-B-1 5.3) | `rams.rs` |
//! | `southbound` | any message of the southbound interface | `southbound.rs`, `times.rs`, `number.rs` |
//!
//! Each file has `dissect`, which says all there is in the octets, and
//! `assemble`, which makes the octets from what is not derived from something
//! else: it does not look at names of codes, counts, lengths, checksums, or
//! what an AAMS message encloses.

mod aams;
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
    Southbound(MessageType),
}

impl Kind {
    pub(crate) const ALL: [Self; 4] =
        [Self::Mams, Self::Aams, Self::Rams, Self::Southbound(southbound::DEFAULT)];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mams => "mams",
            Self::Aams => "aams",
            Self::Rams => "rams",
            Self::Southbound(_) => "southbound",
        }
    }

    /// What stands in front of the octets on a line: the name, and which message it is
    /// where there are many.
    pub(crate) fn prefix(self) -> String {
        match self {
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
            Self::Southbound(message) => southbound::dissect(message, octets),
        }
    }

    /// The octets of a PDU of this kind that says `object`. What
    /// [`Kind::dissect`] would refuse is refused.
    pub(crate) fn assemble(self, object: &Field<'_>) -> Result<Vec<u8>, FieldFault> {
        let octets = match self {
            Self::Mams => mams::assemble(object)?,
            Self::Aams => aams::assemble(object, aams::Tail::Checksum)?,
            Self::Rams => rams::assemble(object)?,
            Self::Southbound(message) => southbound::assemble(message, object)?,
        };
        match self.dissect(&octets) {
            Ok(_) => Ok(octets),
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
