//! The elements an ION MIB file is made of, whichever way it is written.

use std::borrow::Cow;
use std::format;
use std::vec::Vec;

use super::super::error::{MibError, Source};

/// How deep elements may be within one another. The format needs five levels.
pub(super) const DEPTH_LIMIT: usize = 16;

/// A declaration: a name, attributes, and the declarations within it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Element<'t> {
    pub(super) name: &'t str,
    pub(super) offset: usize,
    pub(super) attributes: Vec<Attribute<'t>>,
    pub(super) children: Vec<Self>,
}

/// `name=value`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attribute<'t> {
    pub(super) name: &'t str,
    pub(super) offset: usize,
    pub(super) value: Cow<'t, str>,
    pub(super) value_offset: usize,
}

impl<'t> Element<'t> {
    /// Checks that each attribute is one of `known` and there once.
    pub(super) fn check(&self, source: &Source<'_>, known: &[&str]) -> Result<(), MibError> {
        let mut attributes = self.attributes.as_slice();
        while let [others @ .., attribute] = attributes {
            attributes = others;
            let Attribute { name, offset, .. } = attribute;
            if !known.contains(name) {
                let problem = format!("there is no attribute `{name}`");
                let remedy = if known.is_empty() {
                    "leave it out: the element has none".into()
                } else {
                    format!("use {}", known.join(", "))
                };
                return Err(source.error(*offset, format!("`{}`", self.name), problem, remedy));
            }
            if others.iter().any(|other| other.name == *name) {
                let problem = format!("attribute `{name}` is given twice");
                let item = format!("`{}`", self.name);
                return Err(source.error(*offset, item, problem, "leave one of them out"));
            }
        }
        Ok(())
    }

    /// The attribute of this name.
    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute<'t>> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The attribute of this name, which must be there.
    pub(super) fn required(
        &self,
        source: &Source<'_>,
        name: &str,
    ) -> Result<&Attribute<'t>, MibError> {
        self.attribute(name).ok_or_else(|| {
            let problem = format!("attribute `{name}` is missing");
            let remedy = format!("add `{name}=…`");
            source.error(self.offset, format!("`{}`", self.name), problem, remedy)
        })
    }

    /// The number the attribute of this name gives; `range` is what `T` can be.
    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        source: &Source<'_>,
        name: &str,
        range: &str,
    ) -> Result<Option<T>, MibError> {
        let Some(attribute) = self.attribute(name) else { return Ok(None) };
        let number = attribute.value.parse().ok().and_then(|number: i64| T::try_from(number).ok());
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(self.refuse(source, attribute, format!("give {range}"))),
        }
    }

    /// The truth value the attribute of this name gives.
    pub(super) fn flag(&self, source: &Source<'_>, name: &str) -> Result<Option<bool>, MibError> {
        match self.attribute(name) {
            None => Ok(None),
            Some(attribute) => match attribute.value.as_ref() {
                "0" => Ok(Some(false)),
                "1" => Ok(Some(true)),
                _ => Err(self.refuse(source, attribute, "give 0 or 1")),
            },
        }
    }

    /// The error of a value that makes no sense.
    pub(super) fn refuse(
        &self,
        source: &Source<'_>,
        attribute: &Attribute<'_>,
        remedy: impl Into<std::string::String>,
    ) -> MibError {
        let item = format!("`{}` of `{}`", attribute.name, self.name);
        let problem = format!("it cannot be `{}`", attribute.value);
        source.error(attribute.value_offset, item, problem, remedy)
    }
}
