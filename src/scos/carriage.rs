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

use crate::ams::ids::{
    ContinuumNumber, Domain, ModuleKey, ModuleNumber, RoleNumber, SubjectNumber, UnitNumber,
};
use crate::ams::mib::ServiceMode;
use crate::ams::module::{Module, RuleRequest};
use crate::ams::service::{Fault, Indication, Message, Received};
use crate::transport::{Address, SendError, Transport};

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
    let [a, b] = message.continuum.get().to_be_bytes();
    let [c, d] = message.source.unit.0.to_be_bytes();
    Address::new(MODULE, &[a, b, c, d, message.source.module.0])
}

/// Whether an address is one of modules, or [`manager()`], and not of another transport.
#[must_use]
pub const fn is_module(address: &Address) -> bool {
    address.service() == MODULE
}

/// The module behind an address; `None` for an address of another making.
fn module(address: &Address) -> Option<(ContinuumNumber, ModuleKey)> {
    match (address.service(), address.octets()) {
        (MODULE, &[a, b, c, d, module]) => {
            let unit = UnitNumber(u16::from_be_bytes([c, d]));
            let key = ModuleKey { unit, module: ModuleNumber(module) };
            Some((ContinuumNumber::from_bits(u16::from_be_bytes([a, b])), key))
        }
        _ => None,
    }
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

/// The role of a kind of station and the subject it sends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Party {
    /// The role it registers in.
    pub role: RoleNumber,
    /// The subject it sends on.
    pub subject: SubjectNumber,
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
        parties.into_iter().flatten().map(move |(Party { role, subject }, continuum)| RuleRequest {
            mode,
            domain: Domain { continuum, unit: UnitNumber::ROOT, role },
            ..RuleRequest::new(subject)
        })
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
            let domain =
                Domain { continuum: self.continuum, unit: UnitNumber::ROOT, role: self.manager };
            let mut failure = None;
            let mut user = |indication| {
                if let Indication::Fault(fault) = indication {
                    failure = Some(fault);
                }
            };
            let fanout = self
                .module
                .announce(domain, &message, &mut self.transport, &mut user)
                .map_err(refusal)?;
            let is_here = self.continuum == self.module.continuum();
            return match (fanout.sent, failure) {
                (0, Some(fault)) => Err(refusal(fault)),
                (0, None) if is_here => Err(SendError::Busy),
                // The gateway has got what is for elsewhere.
                _ => Ok(()),
            };
        }
        let to = module(to).ok_or(SendError::Unreachable)?;
        self.module.send(to, &message, &mut self.transport).map_err(refusal)
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
        assert_eq!(module(&source(&message)), Some((message.continuum, key)));
        assert_eq!(module(&manager()), None);
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
