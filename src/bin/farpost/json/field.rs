//! Reading JSON with the path at hand, so that a fault says which field.

use std::fmt;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::{Number, Value};

/// A value and how it is reached from the top.
#[derive(Clone, Debug)]
pub(crate) struct Field<'a> {
    path: String,
    value: &'a Value,
}

/// What is wrong with a field.
#[derive(Clone, Debug)]
pub(crate) struct FieldFault {
    path: String,
    problem: String,
}

impl<'a> Field<'a> {
    pub(crate) const fn top(value: &'a Value) -> Self {
        Self { path: String::new(), value }
    }

    pub(crate) const fn value(&self) -> &'a Value {
        self.value
    }

    /// The member `name` of an object.
    pub(crate) fn member(&self, name: &str) -> Result<Self, FieldFault> {
        let Value::Object(object) = self.value else {
            return Err(self.expected("an object"));
        };
        let path = self.path_to(name);
        match object.get(name) {
            Some(value) => Ok(Self { path, value }),
            None => Err(FieldFault { path, problem: "is missing".into() }),
        }
    }

    /// The member `name` of an object, where it is there and not null.
    pub(crate) fn optional(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self { path: self.path_to(name), value })
    }

    /// The elements of an array.
    pub(crate) fn elements(&self) -> Result<Vec<Self>, FieldFault> {
        let Value::Array(array) = self.value else {
            return Err(self.expected("an array"));
        };
        let element = |(index, value)| Self { path: format!("{}[{index}]", self.path), value };
        Ok(array.iter().enumerate().map(element).collect())
    }

    pub(crate) fn u8(&self) -> Result<u8, FieldFault> {
        self.integer(u8::MIN, u8::MAX)
    }

    pub(crate) fn u16(&self) -> Result<u16, FieldFault> {
        self.integer(u16::MIN, u16::MAX)
    }

    pub(crate) fn u32(&self) -> Result<u32, FieldFault> {
        self.integer(u32::MIN, u32::MAX)
    }

    pub(crate) fn i16(&self) -> Result<i16, FieldFault> {
        self.integer(i16::MIN, i16::MAX)
    }

    /// A bit.
    pub(crate) fn flag(&self) -> Result<bool, FieldFault> {
        self.integer(0_u8, 1).map(|bit| bit == 1)
    }

    /// An integer from `least` to `most`.
    pub(crate) fn integer<T>(&self, least: T, most: T) -> Result<T, FieldFault>
    where
        T: TryFrom<i128> + PartialOrd + fmt::Display,
    {
        let number = match self.value {
            Value::Number(number) => number.as_i128(),
            _ => None,
        };
        match number.and_then(|number| T::try_from(number).ok()) {
            Some(integer) if integer >= least && integer <= most => Ok(integer),
            _ => Err(self.expected(format!("an integer from {least} to {most}"))),
        }
    }

    /// An integer from `least` to `most`, as a number or as a string, which keeps its digits.
    pub(crate) fn long<T>(&self, least: T, most: T) -> Result<T, FieldFault>
    where
        T: TryFrom<i128> + PartialOrd + fmt::Display + std::str::FromStr,
    {
        match self.value.as_str() {
            Some(text) => text
                .parse()
                .map_err(|_| self.expected(format!("an integer from {least} to {most}"))),
            None => self.integer(least, most),
        }
    }

    /// A number, where it is one.
    pub(crate) fn number(&self) -> Option<&'a Number> {
        match self.value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The names of the members of an object.
    pub(crate) fn names(&self) -> Result<Vec<&'a str>, FieldFault> {
        match self.value {
            Value::Object(object) => Ok(object.keys().map(String::as_str).collect()),
            _ => Err(self.expected("an object")),
        }
    }

    pub(crate) fn text(&self) -> Result<&'a str, FieldFault> {
        self.value.as_str().ok_or_else(|| self.expected("a string"))
    }

    /// Octets in hexadecimal.
    pub(crate) fn octets(&self) -> Result<Vec<u8>, FieldFault> {
        self.value
            .as_str()
            .and_then(|text| HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok())
            .ok_or_else(|| self.expected("octets in hexadecimal"))
    }

    /// A fault of this field as a whole.
    pub(crate) fn fault(&self, problem: impl Into<String>) -> FieldFault {
        FieldFault { path: self.path.clone(), problem: problem.into() }
    }

    /// A fault of this field: it is not what was expected.
    pub(crate) fn expected(&self, what: impl fmt::Display) -> FieldFault {
        let mut found = self.value.to_string();
        if let Some((end, _)) = found.char_indices().nth(60) {
            found.truncate(end);
            found.push('…');
        }
        self.fault(format!("expected {what}, found {found}"))
    }

    fn path_to(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }
}

impl fmt::Display for FieldFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.problem),
            path => write!(f, "{path}: {}", self.problem),
        }
    }
}
