//! Endpoint identifiers of the Bundle Protocol (RFC 9171 4.2.5.1), as locations of
//! gateways have them.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::string::{String, ToString};
use std::vec::Vec;

use crate::host::rams::number;
use crate::transport::Address;

/// The endpoint of one application: `dtn://NODE/SERVICE` or `ipn:NODE.SERVICE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointId {
    id: bp7::EndpointID,
    text: String,
}

/// Why a text is not the endpoint identifier of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndpointIdFault {
    /// It begins with neither `dtn:` nor `ipn:`.
    Scheme,
    /// It has a character other than letters and digits of ASCII and `-._~/:`.
    Character,
    /// It is longer than [`EndpointId::LONGEST`].
    TooLong,
    /// It is not of the form its scheme has.
    Form,
    /// It names a node and no service of it.
    NoService,
    /// It names a group, which many may belong to.
    Group,
}

impl fmt::Display for EndpointIdFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "an endpoint begins with dtn: or ipn:",
            Self::Character => "letters, digits and -._~/: alone may stand in an endpoint",
            Self::TooLong => "an endpoint has 200 characters at the most",
            Self::Form => "an endpoint is dtn://NODE/SERVICE or ipn:NODE.SERVICE",
            Self::NoService => "this names a node, but no service of it",
            Self::Group => "this names a group, and a gateway is one",
        })
    }
}

impl std::error::Error for EndpointIdFault {}

impl EndpointId {
    /// Characters it has at the most.
    pub const LONGEST: usize = 200;

    /// The endpoint that `text` names.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, EndpointIdFault> {
        if text.len() > Self::LONGEST {
            return Err(EndpointIdFault::TooLong);
        }
        if !text.starts_with("dtn:") && !text.starts_with("ipn:") {
            return Err(EndpointIdFault::Scheme);
        }
        // It is a part of the URIs that the daemon is asked with.
        if !text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~/:".contains(&c)) {
            return Err(EndpointIdFault::Character);
        }
        let id = bp7::EndpointID::try_from(text).map_err(|_| EndpointIdFault::Form)?;
        if id.is_non_singleton() {
            return Err(EndpointIdFault::Group);
        }
        if id.service_name().is_none() {
            return Err(EndpointIdFault::NoService);
        }
        // Numbers of `ipn` may have been written with zeros before them.
        let text = id.to_string();
        Ok(Self { id, text })
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As the codec knows it.
    pub(super) const fn id(&self) -> &bp7::EndpointID {
        &self.id
    }

    /// Whether it is an endpoint of the node that `text` names.
    pub(super) fn is_of_node(&self, text: &str) -> bool {
        bp7::EndpointID::try_from(text).is_ok_and(|node| node.node_id() == self.id.node_id())
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Addresses for endpoints, which are longer than an [`Address`]: those that RPDUs
/// are sent to are numbered; any other is known by a hash of its text, so that no
/// stranger takes any room.
#[derive(Debug, Default)]
pub(super) struct Directory {
    known: Vec<EndpointId>,
    hashes: [RandomState; 2],
}

/// What an address begins with.
const NUMBERED: u8 = 0;
const HASHED: u8 = 1;

impl Directory {
    /// Endpoints that have a number at the most.
    const MOST: usize = 4_096;

    /// The address of an endpoint that RPDUs are to be sent to; none when there are
    /// too many of them.
    pub(super) fn enter(&mut self, endpoint: EndpointId) -> Option<Address> {
        if let Some(known) = self.numbered(endpoint.as_str()) {
            return Some(known);
        }
        if self.known.len() >= Self::MOST {
            return None;
        }
        self.known.push(endpoint);
        Self::of_number(self.known.len().checked_sub(1)?)
    }

    /// The address of an endpoint that a bundle came from.
    pub(super) fn address(&self, endpoint: &str) -> Address {
        self.numbered(endpoint).unwrap_or_else(|| {
            let mut octets = Vec::from([HASHED]);
            for hash in &self.hashes {
                octets.extend(hash.hash_one(endpoint).to_be_bytes());
            }
            Address::new(number::BUNDLE, &octets)
        })
    }

    /// The endpoint of an address that has a number.
    pub(super) fn endpoint(&self, address: &Address) -> Option<&EndpointId> {
        match address.octets() {
            [NUMBERED, high, low] if address.service() == number::BUNDLE => {
                self.known.get(usize::from(u16::from_be_bytes([*high, *low])))
            }
            _ => None,
        }
    }

    fn numbered(&self, endpoint: &str) -> Option<Address> {
        Self::of_number(self.known.iter().position(|known| known.as_str() == endpoint)?)
    }

    fn of_number(place: usize) -> Option<Address> {
        let [high, low] = u16::try_from(place).ok()?.to_be_bytes();
        Some(Address::new(number::BUNDLE, &[NUMBERED, high, low]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn endpoints_of_both_schemes_are_read() {
        for text in ["dtn://one/rams", "dtn://one.example/a/b", "ipn:2.7"] {
            let endpoint = EndpointId::parse(text).unwrap();
            assert_eq!(endpoint.as_str(), text);
        }
        assert_eq!(EndpointId::parse("ipn:02.07").unwrap().as_str(), "ipn:2.7");
        assert!(EndpointId::parse("dtn://one/rams").unwrap().is_of_node("dtn://one/"));
        assert!(EndpointId::parse("ipn:2.7").unwrap().is_of_node("ipn:2.0"));
        for other in ["dtn://two/", "ipn:1.0", "nonsense", ""] {
            assert!(!EndpointId::parse("dtn://one/rams").unwrap().is_of_node(other));
        }
    }

    #[test]
    fn what_is_no_endpoint_of_an_application_is_told() {
        let long = format!("dtn://one/{}", "x".repeat(200));
        for (text, fault) in [
            ("", EndpointIdFault::Scheme),
            ("http://one/rams", EndpointIdFault::Scheme),
            ("dtn://one/ra ms", EndpointIdFault::Character),
            ("dtn://one/r\r\nx", EndpointIdFault::Character),
            ("dtn://one/a&b", EndpointIdFault::Character),
            (&long, EndpointIdFault::TooLong),
            ("dtn:one/rams", EndpointIdFault::Form),
            ("ipn:1", EndpointIdFault::Form),
            ("ipn:1.x", EndpointIdFault::Form),
            ("ipn:0.7", EndpointIdFault::Form),
            ("dtn://one/", EndpointIdFault::NoService),
            ("dtn://one", EndpointIdFault::NoService),
            ("dtn:none", EndpointIdFault::NoService),
            ("ipn:1.0", EndpointIdFault::NoService),
            ("dtn://one/~all", EndpointIdFault::Group),
        ] {
            assert_eq!(EndpointId::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn every_endpoint_has_one_address_and_strangers_take_no_room() {
        let mut directory = Directory::default();
        let stranger = directory.address("dtn://two/rams");
        assert_eq!(stranger, directory.address("dtn://two/rams"));
        assert_ne!(stranger, directory.address("dtn://three/rams"));
        assert_eq!(directory.endpoint(&stranger), None);
        let two = EndpointId::parse("dtn://two/rams").unwrap();
        let address = directory.enter(two.clone()).unwrap();
        assert_eq!(directory.enter(two.clone()), Some(address));
        assert_eq!(directory.address("dtn://two/rams"), address);
        assert_eq!(directory.endpoint(&address), Some(&two));
        let elsewhere = Address::new(number::UDP, address.octets());
        assert_eq!(directory.endpoint(&elsewhere), None);
        for number in 1..Directory::MOST {
            let other = EndpointId::parse(&format!("ipn:{number}.1")).unwrap();
            assert!(directory.enter(other).is_some());
        }
        assert_eq!(directory.enter(EndpointId::parse("ipn:9.9").unwrap()), None);
    }
}
