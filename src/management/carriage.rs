//! How AMP rides in AAMS: the only file here that names `ams`.
//!
//! Agents register in one role, and each manager in one of its own; each role has a subject
//! that it sends on, so that the subject catalog of the MIB can say who may:
//!
//! | party | sends on | invites |
//! |---|---|---|
//! | agent | the subject of agents | the subject of each of its managers, from its role |
//! | manager | its own subject | the subject of agents, from their role |
//!
//! A message group is the application data of one private AAMS message, whole. To an agent
//! a manager is whoever sends on the subject of that manager ([`manager`]), and what is for
//! it is announced to its role: managers come and go as modules. To a manager agents are
//! modules ([`source`]).

use crate::ams::ids::{
    ContinuumNumber, Domain, ModuleKey, ModuleNumber, RoleNumber, SubjectNumber, UnitNumber,
};
use crate::ams::mib::ServiceMode;
use crate::ams::module::{Module, RuleRequest};
use crate::ams::service::{Fault, Indication, Message, Received};
use crate::transport::{Address, SendError, Transport};

/// The service numbers of addresses that are managers, and modules.
const MANAGER: u8 = 0x4d;
const MODULE: u8 = 0x4e;

/// The service that [`Carrier`] resolves names of: the number of a manager's subject.
pub const SERVICE: &str = "ams";

/// A role, and the subject it sends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Party {
    /// The role it registers in.
    pub role: RoleNumber,
    /// The subject it sends on, and nobody else.
    pub subject: SubjectNumber,
}

impl Party {
    /// What is invited to hear of it, from anywhere in a continuum, delivered in `mode`.
    #[must_use]
    pub const fn invitation(self, continuum: ContinuumNumber, mode: ServiceMode) -> RuleRequest {
        let domain = Domain { continuum, unit: UnitNumber::ROOT, role: self.role };
        RuleRequest { mode, domain, ..RuleRequest::new(self.subject) }
    }
}

/// The address of whoever sends on the subject of a manager.
#[must_use]
pub fn manager(subject: SubjectNumber) -> Address {
    Address::new(MANAGER, &subject.0.to_be_bytes())
}

/// The address of the module that sent a message.
#[must_use]
pub fn source(message: &Received<'_>) -> Address {
    let [a, b] = message.continuum.get().to_be_bytes();
    let [c, d] = message.source.unit.0.to_be_bytes();
    Address::new(MODULE, &[a, b, c, d, message.source.module.0])
}

/// The module behind an address; `None` for an address of another making.
#[must_use]
pub fn module(address: &Address) -> Option<(ContinuumNumber, ModuleKey)> {
    match (address.service(), address.octets()) {
        (MODULE, &[a, b, c, d, module]) => {
            let unit = UnitNumber(u16::from_be_bytes([c, d]));
            let key = ModuleKey { unit, module: ModuleNumber(module) };
            Some((ContinuumNumber::from_bits(u16::from_be_bytes([a, b])), key))
        }
        _ => None,
    }
}

/// A transport whose addresses are managers and modules: it sends groups as private AAMS
/// messages of a module.
///
/// A message to somebody who is not known, or does not invite it yet, is refused as
/// [`SendError::Busy`], and offered again.
#[derive(Debug)]
pub struct Carrier<'c, 's, T> {
    /// The module that sends.
    pub module: &'c mut Module<'s>,
    /// The transport below it.
    pub transport: T,
    /// The subject it sends on.
    pub subject: SubjectNumber,
    /// The managers of an agent.
    pub managers: &'c [Party],
    /// The continuum they are in.
    pub continuum: ContinuumNumber,
}

impl<T: Transport> Transport for Carrier<'_, '_, T> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        let subject = endpoint.parse().ok().map(SubjectNumber).filter(|_| service == SERVICE)?;
        self.managers.iter().any(|party| party.subject == subject).then(|| manager(subject))
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let message =
            Message { flow_label: Some(flow_label), ..Message::new(self.subject, octets) };
        if let Some(to) = module(to) {
            return self.module.send(to, &message, &mut self.transport).map_err(refusal);
        }
        let mut parties = self.managers.iter();
        let party = parties.find(|party| manager(party.subject) == *to);
        let role = party.ok_or(SendError::Unreachable)?.role;
        let domain = Domain { continuum: self.continuum, unit: UnitNumber::ROOT, role };
        let mut failure = None;
        let mut user = |indication| {
            if let Indication::Fault(fault) = indication {
                failure = Some(fault);
            }
        };
        let sent = self
            .module
            .announce(domain, &message, &mut self.transport, &mut user)
            .map_err(refusal)?
            .sent;
        let is_here = self.continuum == self.module.continuum();
        match (sent, failure) {
            (0, Some(fault)) => Err(refusal(fault)),
            (0, None) if is_here => Err(SendError::Busy),
            // A gateway has got what is for elsewhere.
            _ => Ok(()),
        }
    }
}

/// What a fault of the module means to a machine above it.
const fn refusal(fault: Fault) -> SendError {
    match fault {
        Fault::NotTransmitted(_, why) => why,
        Fault::DataTooLong => SendError::TooLong,
        Fault::NotAuthorisedSender | Fault::NoDeliveryPoint(_) => SendError::Unreachable,
        _ => SendError::Busy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::{ContextNumber, Priority};

    #[test]
    fn the_source_of_a_message_is_a_module_and_a_manager_is_none() {
        let key = ModuleKey { unit: UnitNumber(0x0102), module: ModuleNumber(7) };
        let message = Received {
            continuum: ContinuumNumber::new(9).unwrap(),
            source: key,
            subject: SubjectNumber(-3),
            priority: Priority::DEFAULT,
            flow_label: 0,
            context: ContextNumber::NONE,
            data: &[],
        };
        assert_eq!(module(&source(&message)), Some((message.continuum, key)));
        assert_eq!(module(&manager(message.subject)), None);
        assert_ne!(manager(SubjectNumber(-3)), manager(SubjectNumber(3)));
    }

    #[test]
    fn what_is_invited_is_the_subject_from_its_role() {
        let party = Party { role: RoleNumber(7), subject: SubjectNumber(4) };
        let continuum = ContinuumNumber::new(9).unwrap();
        let invited = party.invitation(continuum, ServiceMode::ASSURED);
        assert_eq!((invited.subject, invited.domain.role), (party.subject, party.role));
        assert_eq!((invited.domain.continuum, invited.mode), (continuum, ServiceMode::ASSURED));
    }
}
