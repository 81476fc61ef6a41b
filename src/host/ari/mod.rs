//! Identifiers as text: `ari:/DTN/ION/ionadmin/Ctrl.node_clock_error_set(60)`.
//!
//! The form is that of draft-birrane-dtn-adm-03 5.1.5 where it has one. It does not say
//! what an object is, nor how values of several parts are written; the rest is ours.
//!
//! ```text
//! ari        = literal / object
//! literal    = "(" type ")" value                    of a primitive type: (UINT) 4
//! object     = "ari:/" [namespace "/"] kind "." name [parameters]
//! namespace  = that of an ADM / issuer ["/" tag] / "#" nickname
//! kind       = the collection of an ADM: Edd, Ctrl … / a type: EDD, CTRL …
//! name       = as the ADM has it / an index / what the issuer has given
//! parameters = "(" [value *("," value)] ")" / "(#" octets of the collection ")"
//! value      = ["(" type ")"] plain / ["(" type ")"] "<" name ">"
//! plain      = true / 4 / -1.5 / "text" / text / 0x0102 / ari
//!            / "[" [ari *("," ari)] "]"              AC
//!            / "(" type ")" "[" ari *("," ari) "]"   EXPR, in postfix order
//!            / "{" [value *("," value)] "}"          TNVC
//! ```
//!
//! The type of a value is told where the ADM does not say it, or says another. Times are seconds, as on
//! the wire. In names, issuers and tags an octet that is none of a word is `%` and two
//! hexadecimal digits. An object of several parts, and a collection that is not of
//! values with types, is its octets in hexadecimal.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;
use std::string::String;
use std::vec::Vec;

use crate::management::adm::{Adm, Definition, Field};
use crate::management::amp::{Ari, Collection, Profile, TypeCode, Value};

/// The names there are, and how octets are written.
#[derive(Clone, Copy, Debug)]
pub struct AriText<'a> {
    adms: &'a [&'static Adm],
    profile: Profile,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AriFault {
    /// Where, in octets from its beginning.
    pub offset: usize,
    /// What was expected there.
    pub expected: String,
}

impl fmt::Display for AriFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at octet {}", self.expected, self.offset)
    }
}

impl core::error::Error for AriFault {}

impl<'a> AriText<'a> {
    /// Texts with the names of these ADMs, and octets for such a peer.
    #[must_use]
    pub const fn new(adms: &'a [&'static Adm], profile: Profile) -> Self {
        Self { adms, profile }
    }

    /// The octets of the identifier that `text` is.
    ///
    /// # Errors
    /// [`AriFault`] where it is none, or one that AMP does not allow.
    pub fn parse(&self, text: &str) -> Result<Vec<u8>, AriFault> {
        read::ari(self, text)
    }

    /// The identifier as text, which is [read](Self::parse) as the same octets.
    #[must_use]
    pub fn write(&self, ari: &Ari<'_>) -> String {
        write::ari(self, ari)
    }

    fn adm(&self, namespace: &str) -> Option<&'static Adm> {
        self.adms.iter().copied().find(|adm| self::namespace(adm) == Some(namespace))
    }
}

/// What the objects of an ADM are named below: its second datum.
fn namespace(adm: &Adm) -> Option<&'static str> {
    match adm.object(Collection::MDAT, 1)? {
        Definition::Const(namespace) => match namespace.value {
            Value::Str(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The parameters that an object of an ADM has.
const fn fields(definition: Option<Definition>) -> &'static [Field] {
    match definition {
        Some(Definition::Ctrl(control)) => control.parameters,
        _ => &[],
    }
}

/// A letter of a name that stands for itself.
const fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.' | b':' | b'~' | b'@' | b'+')
}

/// What is a type in parentheses and more itself: a literal, an expression.
const fn begins_with_type(code: TypeCode) -> bool {
    matches!(code, TypeCode::ARI | TypeCode::EXPR)
}

/// Objects that are told by their identifiers.
const fn is_identifier(code: TypeCode) -> bool {
    matches!(
        code,
        TypeCode::CONST
            | TypeCode::CTRL
            | TypeCode::EDD
            | TypeCode::LIT
            | TypeCode::OPER
            | TypeCode::TBLT
    )
}
