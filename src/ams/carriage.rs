//! What other protocols ride on in AAMS: their messages are application data of private
//! messages, and their addresses are modules.
//!
//! Each of them has service numbers of its own for these addresses, so that one transport
//! does not take those of another.

use super::ids::{
    ContinuumNumber, Domain, ModuleKey, ModuleNumber, RoleNumber, SubjectNumber, UnitNumber,
};
use super::mib::ServiceMode;
use super::module::{Module, RuleRequest};
use super::service::{Fault, Indication, Message, Received};
use crate::transport::{Address, SendError, Transport};

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

/// The address, of this service number, of the module that sent a message.
pub(crate) fn source(service: u8, message: &Received<'_>) -> Address {
    let [a, b] = message.continuum.get().to_be_bytes();
    let [c, d] = message.source.unit.0.to_be_bytes();
    Address::new(service, &[a, b, c, d, message.source.module.0])
}

/// The module behind an address; `None` for an address of another making.
pub(crate) fn module(service: u8, address: &Address) -> Option<(ContinuumNumber, ModuleKey)> {
    match (address.service(), address.octets()) {
        (made, &[a, b, c, d, module]) if made == service => {
            let unit = UnitNumber(u16::from_be_bytes([c, d]));
            let key = ModuleKey { unit, module: ModuleNumber(module) };
            Some((ContinuumNumber::from_bits(u16::from_be_bytes([a, b])), key))
        }
        _ => None,
    }
}

/// Sends a message to a module.
///
/// # Errors
/// [`SendError::Busy`] when the module is not known, or does not invite it yet, and while there
/// is no gateway to its continuum.
pub(crate) fn send(
    sender: &mut Module<'_>,
    to: (ContinuumNumber, ModuleKey),
    message: &Message<'_>,
    transport: &mut dyn Transport,
) -> Result<(), SendError> {
    sender.send(to, message, transport).map_err(refusal)
}

/// Announces a message to whoever has a role in a continuum.
///
/// # Errors
/// As [`send`]; and [`SendError::Busy`] when nobody has it here.
pub(crate) fn announce(
    sender: &mut Module<'_>,
    (continuum, role): (ContinuumNumber, RoleNumber),
    message: &Message<'_>,
    transport: &mut dyn Transport,
) -> Result<(), SendError> {
    let domain = Domain { continuum, unit: UnitNumber::ROOT, role };
    let mut failure = None;
    let mut user = |indication| {
        if let Indication::Fault(fault) = indication {
            failure = Some(fault);
        }
    };
    let fanout = sender.announce(domain, message, transport, &mut user).map_err(refusal)?;
    match (fanout.sent, failure) {
        (0, Some(fault)) => Err(refusal(fault)),
        (0, None) if continuum == sender.continuum() => Err(SendError::Busy),
        // A gateway has got what is for elsewhere.
        _ => Ok(()),
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
