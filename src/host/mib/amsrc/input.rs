//! What the values of attributes stand for.

use std::format;
use std::string::String;

use bumpalo::Bump;

use super::super::error::{MibError, Source};
use super::super::keys::{KeyStore, find};
use super::element::Element;
use crate::ams::ids::ContinuumNumber;

/// The port a configuration server has where none is given.
const CONFIG_SERVER_PORT: &str = "2357";

/// The text elements are from, the keys they name, and where the MIB is put.
#[derive(Clone, Copy)]
pub(super) struct Input<'s, 'b> {
    pub(super) arena: &'b Bump,
    pub(super) source: Source<'s>,
    pub(super) keys: &'s dyn KeyStore,
}

impl<'b> Input<'_, 'b> {
    /// Text that is kept.
    pub(super) fn keep(&self, text: &str) -> &'b str {
        self.arena.alloc_str(text)
    }

    /// The text of a required attribute.
    pub(super) fn name(&self, element: &Element<'_>, name: &str) -> Result<&'b str, MibError> {
        Ok(self.keep(&element.required(&self.source, name)?.value))
    }

    /// The text of an attribute.
    pub(super) fn text(&self, element: &Element<'_>, name: &str) -> Option<&'b str> {
        Some(self.keep(&element.attribute(name)?.value))
    }

    /// The number of an attribute; `range` is what `T` can be.
    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        element: &Element<'_>,
        name: &str,
        range: &str,
    ) -> Result<Option<T>, MibError> {
        element.number(&self.source, name, range)
    }

    /// The continuum an attribute gives the number of.
    pub(super) fn continuum(
        &self,
        element: &Element<'_>,
        name: &str,
    ) -> Result<ContinuumNumber, MibError> {
        let range = "1 to 32767";
        let attribute = element.required(&self.source, name)?;
        let number = self.number(element, name, range)?;
        number
            .and_then(ContinuumNumber::new)
            .filter(|number| *number != ContinuumNumber::ALL)
            .ok_or_else(|| element.refuse(&self.source, attribute, format!("give {range}")))
    }

    /// The octets of the key an attribute names.
    pub(super) fn key(
        &self,
        element: &Element<'_>,
        name: &str,
    ) -> Result<Option<&'b [u8]>, MibError> {
        let Some(attribute) = element.attribute(name) else { return Ok(None) };
        let octets = find(self.keys, &attribute.value, name != "pubkey").map_err(|refusal| {
            let item = format!("`{name}` of `{}`", element.name);
            self.source.key_error(attribute.value_offset, item, &attribute.value, refusal)
        })?;
        Ok(Some(self.arena.alloc_slice_copy(&octets)))
    }

    /// The RAMS network location an attribute gives.
    pub(super) fn gateway(
        &self,
        element: &Element<'_>,
        name: &str,
    ) -> Result<Option<&'b str>, MibError> {
        let Some(attribute) = element.attribute(name) else { return Ok(None) };
        match attribute.value.split_once('@') {
            Some(("bp" | "udp", location)) if !location.is_empty() => {
                Ok(Some(self.keep(&attribute.value)))
            }
            _ => {
                let remedy = "give `udp@HOST:PORT` or `bp@EID`";
                Err(element.refuse(&self.source, attribute, remedy))
            }
        }
    }

    /// The endpoint of a configuration server, with the host and the port that ION
    /// takes for granted.
    pub(super) fn config_server(&self, specification: &str) -> &'b str {
        self.endpoint(specification, CONFIG_SERVER_PORT)
    }

    /// An endpoint, with the host and the port that are taken for granted.
    pub(super) fn endpoint(&self, specification: &str, usual: &str) -> &'b str {
        let (host, port) = specification.split_once(':').unwrap_or((specification, ""));
        let host = if host.is_empty() { "@" } else { host };
        let port = if matches!(port, "" | "0") { usual } else { port };
        let endpoint: String = [host, ":", port].concat();
        self.keep(&endpoint)
    }

    /// The error of an element as a whole.
    pub(super) fn refuse(
        &self,
        element: &Element<'_>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> MibError {
        self.source.error(element.offset, format!("`{}`", element.name), problem, remedy)
    }

    /// Checks that nothing is within an element.
    pub(super) fn leaf(&self, element: &Element<'_>) -> Result<(), MibError> {
        match element.children.first() {
            None => Ok(()),
            Some(child) => {
                let problem = format!("it cannot be within `{}`", element.name);
                let remedy = format!("end `{}` before it", element.name);
                Err(self.refuse(child, problem, remedy))
            }
        }
    }
}
