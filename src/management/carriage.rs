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

use crate::ams::carriage;
use crate::ams::ids::{ContinuumNumber, ModuleKey, SubjectNumber};
use crate::ams::module::Module;
use crate::ams::service::{Message, Received};
use crate::transport::{Address, SendError, Transport};

pub use crate::ams::carriage::Party;

/// The service numbers of addresses that are managers, and modules.
const MANAGER: u8 = 0x4d;
const MODULE: u8 = 0x4e;

/// The service that [`Carrier`] resolves names of: the number of a manager's subject.
pub const SERVICE: &str = "ams";

/// The address of whoever sends on the subject of a manager.
#[must_use]
pub fn manager(subject: SubjectNumber) -> Address {
    Address::new(MANAGER, &subject.0.to_be_bytes())
}

/// The address of the module that sent a message.
#[must_use]
pub fn source(message: &Received<'_>) -> Address {
    carriage::source(MODULE, message)
}

/// The module behind an address; `None` for an address of another making.
#[must_use]
pub fn module(address: &Address) -> Option<(ContinuumNumber, ModuleKey)> {
    carriage::module(MODULE, address)
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
            return carriage::send(self.module, to, &message, &mut self.transport);
        }
        let mut parties = self.managers.iter();
        let party = parties.find(|party| manager(party.subject) == *to);
        let to = (self.continuum, party.ok_or(SendError::Unreachable)?.role);
        carriage::announce(self.module, to, &message, &mut self.transport)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::{ContextNumber, ModuleNumber, Priority, RoleNumber, UnitNumber};
    use crate::ams::mib::ServiceMode;

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
