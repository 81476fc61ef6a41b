//! For the tests of machines: a transport that writes down what it is given, and
//! MPDUs as others would send them.

use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::ids::{ModuleId, ModuleNumber, RoleNumber, UnitNumber, VentureNumber};
use super::pdu::{
    ContactSummary, Content, EndpointName, ModuleStatus, ModuleStatusList, Mpdu, MpduHeader, Sender,
};
use crate::time::{ClockQuality, Instant, Now, Utc};
use crate::transport::{Address, SendError, Transport};
use crate::wire::TimeCode;

/// Writes down what it is given, or refuses it. Endpoint names are addresses,
/// but for those that begin with `?`, which cannot be resolved.
#[derive(Debug, Default)]
pub(crate) struct Script {
    sent: Vec<(String, Vec<u8>)>,
    /// What becomes of every datagram.
    pub(crate) refuses: Option<SendError>,
    /// To whom nothing can be sent.
    pub(crate) busy: BTreeSet<String>,
    /// The longest datagram that is taken.
    pub(crate) longest: Option<usize>,
}

impl Script {
    /// What was sent since it was last asked.
    pub(crate) fn take(&mut self) -> Vec<(String, Vec<u8>)> {
        core::mem::take(&mut self.sent)
    }

    /// Has it that these were sent last.
    pub(crate) fn put_back(&mut self, sent: Vec<(String, Vec<u8>)>) {
        self.sent = sent;
    }

    /// The same, each as `receiver type reference`; heartbeats left out.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let lines = self.take().into_iter().map(|(to, octets)| line(&to, &octets));
        lines.filter(|line| !line.contains(" heartbeat ")).collect()
    }

    /// The same, heartbeats only.
    pub(crate) fn beats(&mut self) -> Vec<String> {
        let lines = self.take().into_iter().map(|(to, octets)| line(&to, &octets));
        lines.filter(|line| line.contains(" heartbeat ")).collect()
    }
}

impl Transport for Script {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        (service == "udp" && !endpoint.starts_with('?')).then(|| address(endpoint))
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        if let Some(error) = self.refuses {
            return Err(error);
        }
        let to = String::from_utf8(to.octets().to_vec()).unwrap();
        if self.busy.contains(&to) {
            return Err(SendError::Busy);
        }
        if self.longest.is_some_and(|longest| octets.len() > longest) {
            return Err(SendError::TooLong);
        }
        self.sent.push((to, octets.to_vec()));
        Ok(())
    }
}

/// The address of an endpoint name.
pub(crate) fn address(endpoint: &str) -> Address {
    Address::new(0, endpoint.as_bytes())
}

/// `receiver type reference`, and what else matters.
fn line(to: &str, octets: &[u8]) -> String {
    let mpdu = Mpdu::parse(octets).unwrap();
    let more = match mpdu.content() {
        Content::Rejection { reason, .. } => format!(" {}", reason.0),
        Content::YouAreIn { module, .. } => format!(" {module}"),
        Content::CellSpec { cell, .. } => format!(" {} {}", cell.unit, cell.registrar),
        Content::AnnounceRegistrar { endpoint, .. } => format!(" {endpoint}"),
        Content::IAmHere { modules } => statuses(modules),
        Content::ModuleStatus { module, modules } if module.module == ModuleNumber::NONE => {
            statuses(modules)
        }
        Content::CellStatus { modules, .. } => {
            modules.iter().map(|number| format!(" {number}")).collect()
        }
        _ => String::new(),
    };
    let reference = match mpdu.reference() {
        small @ 0..256 => small.to_string(),
        id => text(ModuleId::from_reference(id)),
    };
    format!("{to} {} {reference}{more}", mpdu.mpdu_type().name().unwrap())
}

/// Each module with how many subscriptions and invitations it has.
fn statuses(modules: ModuleStatusList<'_>) -> String {
    let text = |status: ModuleStatus<'_>| {
        let rules = status.declaration;
        let (s, i) = (rules.subscriptions.len(), rules.invitations.len());
        format!(" {}+{s}+{i}", status.id.key())
    };
    modules.iter().map(text).collect()
}

/// `role/unit.module`.
fn text(id: ModuleId) -> String {
    format!("{}/{}", id.role, id.key())
}

/// `seconds` after the start of everything.
pub(crate) fn at(seconds: u64) -> Now {
    at_millis(seconds * 1_000)
}

/// `millis` after the start of everything.
pub(crate) fn at_millis(millis: u64) -> Now {
    Now {
        monotonic: Instant::from_micros(millis * 1_000),
        utc: Utc::from_unix_micros(1_795_392_000_000_000 + i64::try_from(millis).unwrap() * 1_000),
        quality: ClockQuality::Synchronised,
    }
}

/// Who sends, in venture 1.
pub(crate) const fn sender(unit: u16, role: u8) -> Sender {
    Sender { venture: VentureNumber(1), unit: UnitNumber(unit), role: RoleNumber(role) }
}

/// A module ID.
pub(crate) const fn id(role: u8, unit: u16, module: u8) -> ModuleId {
    ModuleId { role: RoleNumber(role), unit: UnitNumber(unit), module: ModuleNumber(module) }
}

/// The octets of an MPDU.
pub(crate) fn mpdu(sender: Sender, content: &Content<'_>) -> Vec<u8> {
    let time = TimeCode { seconds: 2_173_990_005 };
    let header = MpduHeader { sender, time, signature: &[], checksum: true };
    let mut buffer = [0; 4_200];
    header.encode(content, &mut buffer).unwrap().to_vec()
}

/// The endpoint name `text`.
pub(crate) fn endpoint(text: &str) -> EndpointName<'_> {
    EndpointName::new(text).unwrap()
}

/// The octets of a contact summary with one delivery vector.
pub(crate) fn contact(endpoint: &str) -> Vec<u8> {
    let name = format!("udp={endpoint}a");
    let mut octets = endpoint.as_bytes().to_vec();
    octets.extend([0, 1, 0x11]);
    octets.extend(name.as_bytes());
    octets.push(0);
    octets
}

/// A contact summary of these octets.
pub(crate) fn summary(octets: &[u8]) -> ContactSummary<'_> {
    ContactSummary::parse(octets).unwrap()
}

/// The octets of hexadecimal digits.
pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// Nothing random at hand.
#[cfg(feature = "aead")]
#[derive(Debug)]
pub(crate) struct Dry;

#[cfg(feature = "aead")]
impl crate::crypto::Random for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), crate::crypto::NoRandom> {
        Err(crate::crypto::NoRandom)
    }
}
