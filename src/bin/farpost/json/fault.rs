//! What is wrong with a PDU or the line it stands on, as members of an object.

use std::fmt;

use farpost::wire::{Malformed, Rule};
use serde_json::Value;

use super::Object;

/// A fault with a stable name and, where octets break a rule, the place.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    name: &'static str,
    broken: Option<Broken>,
    message: String,
}

/// The rule that is broken, and by what; see [`Malformed`].
#[derive(Clone, Copy, Debug)]
struct Broken {
    clause: &'static str,
    offset: usize,
    value: u32,
    against: u32,
}

impl Fault {
    /// A fault outside any PDU.
    pub(crate) fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, broken: None, message: message.into() }
    }

    /// Appends `error`, `clause`, `offset`, `value`, `against` and `message`. Where
    /// no PDU was read that could break a rule, there is no clause, the offset is 0,
    /// and `value` and `against` are left out.
    pub(crate) fn describe(self, object: &mut Object) {
        object.insert("error".into(), self.name.into());
        object.insert("clause".into(), self.broken.map(|broken| broken.clause).into());
        object.insert("offset".into(), self.broken.map_or(0, |broken| broken.offset).into());
        if let Some(Broken { value, against, .. }) = self.broken {
            object.insert("value".into(), value.into());
            object.insert("against".into(), against.into());
        }
        object.insert("message".into(), Value::String(self.message));
    }
}

impl<R: Rule> From<Malformed<R>> for Fault {
    fn from(malformed: Malformed<R>) -> Self {
        let Malformed { rule, offset, value, against } = malformed;
        let (name, clause) = (rule.name(), rule.clause());
        let words = name.replace('_', " ");
        let message = if name.ends_with("_truncated") {
            format!("{words}: {value} octets needed at octet {offset}, {against} left ({clause})")
        } else {
            format!("{words} at octet {offset}: {value} against {against} ({clause})")
        };
        Self { name, broken: Some(Broken { clause, offset, value, against }), message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
