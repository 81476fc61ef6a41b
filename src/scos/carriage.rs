//! How SCOS messages ride in AAMS: the only file here that names `ams`.
//!
//! Each kind of station registers in a role of its own and sends on a subject of
//! its own, so that the subject catalog of the MIB can say who may send to whom:
//!
//! | station | role | sends on | invites |
//! |---|---|---|---|
//! | SSD | `device.role` | `device.subject` | `manager.subject` from `manager.role` |
//! | SSM | `manager.role` | `manager.subject` | `device.subject` from `device.role`, `actor.subject` from `actor.role` |
//! | Actor | `actor.role` | `actor.subject` | `manager.subject` from `manager.role` |
//!
//! A SCOS message is the application data of one private AAMS message, whole. To
//! a machine, modules are addresses; [`manager()`] is whoever is the SSM, which is
//! an announcement to its role.
//!
//! Stations may be in several continua ([`Continua`]), such as Actors in that of an
//! operations centre and the others in the field. Addresses tell the continuum, and
//! RAMS gateways carry what is for another one; what their links are away for waits
//! there.

use crate::ams::carriage;
use crate::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber};
use crate::ams::mib::ServiceMode;
use crate::ams::module::{Module, RuleRequest};
use crate::ams::service::{Message, Received};
use crate::transport::{Address, SendError, Transport};

pub use crate::ams::carriage::Party;

/// The service number of addresses that are modules.
const MODULE: u8 = 0x53;

/// The address of whoever is the SSM.
#[must_use]
pub fn manager() -> Address {
    Address::new(MODULE, &[])
}

/// The address of the module that sent a message.
#[must_use]
pub fn source(message: &Received<'_>) -> Address {
    carriage::source(MODULE, message)
}

/// Whether an address is one of modules, or [`manager()`], and not of another transport.
#[must_use]
pub const fn is_module(address: &Address) -> bool {
    address.service() == MODULE
}

/// A kind of station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Station {
    /// An SSD.
    Device,
    /// An SSM.
    Manager,
    /// An Actor.
    Actor,
}

/// The numbers SCOS goes by in a venture. They are the same all over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Carriage {
    /// Of SSDs.
    pub device: Party,
    /// Of the SSM.
    pub manager: Party,
    /// Of Actors.
    pub actor: Party,
}

/// The continua the stations of a network are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Continua {
    /// That of the SSM.
    pub manager: ContinuumNumber,
    /// That of SSDs; [`ContinuumNumber::ALL`] if they may be in any.
    pub devices: ContinuumNumber,
    /// That of Actors; [`ContinuumNumber::ALL`] if they may be in any.
    pub actors: ContinuumNumber,
}

/// All stations are in one continuum.
impl From<ContinuumNumber> for Continua {
    fn from(continuum: ContinuumNumber) -> Self {
        Self { manager: continuum, devices: continuum, actors: continuum }
    }
}

impl Carriage {
    /// Roles 2, 3 and 4, and subjects 1, 2 and 3, for SSDs, the SSM and Actors.
    pub const DEFAULT: Self = Self {
        device: Party { role: RoleNumber(2), subject: SubjectNumber(1) },
        manager: Party { role: RoleNumber(3), subject: SubjectNumber(2) },
        actor: Party { role: RoleNumber(4), subject: SubjectNumber(3) },
    };

    /// The role and the subject of a kind of station.
    #[must_use]
    pub const fn party(&self, station: Station) -> Party {
        match station {
            Station::Device => self.device,
            Station::Manager => self.manager,
            Station::Actor => self.actor,
        }
    }

    /// What a station invites once it is registered, from stations in `continua`,
    /// delivered in `mode`.
    pub fn invitations<C: Into<Continua>>(
        &self,
        station: Station,
        continua: C,
        mode: ServiceMode,
    ) -> impl Iterator<Item = RuleRequest> + use<C> {
        let Continua { manager, devices, actors } = continua.into();
        let parties = match station {
            Station::Device | Station::Actor => [Some((self.manager, manager)), None],
            Station::Manager => [Some((self.device, devices)), Some((self.actor, actors))],
        };
        let parties = parties.into_iter().flatten();
        parties.map(move |(party, continuum)| party.invitation(continuum, mode))
    }

    /// Whether a station takes this message as one of SCOS.
    #[must_use]
    pub fn is_for(&self, station: Station, message: &Received<'_>) -> bool {
        let subject = message.subject;
        match station {
            Station::Device | Station::Actor => subject == self.manager.subject,
            Station::Manager => subject == self.device.subject || subject == self.actor.subject,
        }
    }
}

/// A transport whose addresses are modules: it sends SCOS messages as private
/// AAMS messages of a module.
///
/// A message to a module that is not known, or does not invite it yet, is
/// refused as [`SendError::Busy`]: SCOS machines offer again what matters. So is one
/// to another continuum while no gateway is known; what a gateway has got is sent,
/// whether its module is there or not.
#[derive(Debug)]
pub struct Carrier<'c, 's, T> {
    /// The module that sends.
    pub module: &'c mut Module<'s>,
    /// The transport below it.
    pub transport: T,
    /// The subject it sends on.
    pub subject: SubjectNumber,
    /// The SSM's role.
    pub manager: RoleNumber,
    /// The continuum the SSM is in.
    pub continuum: ContinuumNumber,
}

impl<T: Transport> Transport for Carrier<'_, '_, T> {
    fn resolve(&mut self, _service: &str, _endpoint: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let message =
            Message { flow_label: Some(flow_label), ..Message::new(self.subject, octets) };
        if *to == manager() {
            let to = (self.continuum, self.manager);
            return carriage::announce(self.module, to, &message, &mut self.transport);
        }
        let to = carriage::module(MODULE, to).ok_or(SendError::Unreachable)?;
        carriage::send(self.module, to, &message, &mut self.transport)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::{ContextNumber, ModuleKey, ModuleNumber, Priority, UnitNumber};
    use std::vec::Vec;

    #[test]
    fn the_source_of_a_message_is_an_address() {
        let key = ModuleKey { unit: UnitNumber(0x0102), module: ModuleNumber(7) };
        let message = Received {
            continuum: ContinuumNumber::new(9).unwrap(),
            source: key,
            subject: SubjectNumber(1),
            priority: Priority::DEFAULT,
            flow_label: 0,
            context: ContextNumber::NONE,
            data: &[],
        };
        assert_eq!(carriage::module(MODULE, &source(&message)), Some((message.continuum, key)));
        assert_eq!(carriage::module(MODULE, &manager()), None);
    }

    #[test]
    fn stations_invite_those_who_speak_to_them_from_where_they_are() {
        let plan = Carriage::DEFAULT;
        let [field, centre] = [1, 2].map(ContinuumNumber::from_bits);
        let continua = Continua { actors: centre, ..field.into() };
        let from = |station| -> Vec<_> {
            let invitations = plan.invitations(station, continua, ServiceMode::ASSURED);
            invitations.map(|request| (request.subject, request.domain.continuum)).collect()
        };
        assert_eq!(from(Station::Device), [(plan.manager.subject, field)]);
        assert_eq!(from(Station::Actor), [(plan.manager.subject, field)]);
        let expected = [(plan.device.subject, field), (plan.actor.subject, centre)];
        assert_eq!(from(Station::Manager), expected);
    }

    #[test]
    fn stations_invite_those_who_speak_to_them() {
        let plan = Carriage::DEFAULT;
        let continuum = ContinuumNumber::new(1).unwrap();
        let invited = |station| -> Vec<_> {
            plan.invitations(station, continuum, ServiceMode::ASSURED)
                .map(|request| (request.subject, request.domain.role))
                .collect()
        };
        let manager = (plan.manager.subject, plan.manager.role);
        assert_eq!(invited(Station::Device), [manager]);
        assert_eq!(invited(Station::Actor), [manager]);
        assert_eq!(
            invited(Station::Manager),
            [(plan.device.subject, plan.device.role), (plan.actor.subject, plan.actor.role)]
        );
    }
}
