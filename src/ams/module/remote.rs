//! Private messages to modules of other continua (735.1-B-1 4.3.3): a message in
//! an envelope in a message, which the gateway of the message space gets.

use super::noting::gateway_domain;
use super::outbound::{Letter, Wanted, Way};
use super::{Module, RuleKind};
use crate::ams::ids::{ContinuumNumber, Domain, ModuleKey, SubjectNumber};
use crate::ams::pdu::{ControlCode, EnvelopeHeader, MessageType};
use crate::ams::service::{Fault, Message};
use crate::transport::Transport;

impl Module<'_> {
    /// Sends a message to one module of another continuum.
    pub(super) fn send_far(
        &mut self,
        message_type: MessageType,
        (continuum, to): (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        if continuum == ContinuumNumber::ALL {
            return Err(Fault::RemoteContinuum);
        }
        let envelope = EnvelopeHeader {
            control_code: ControlCode::SendOnReception,
            continuum,
            unit: to.unit,
            source: self.identity.role.0,
            destination: to.module.0,
            subject: message.subject,
        };
        self.post(message_type, envelope, message, transport)
    }

    /// Announces a message to the modules of a domain in other continua, or in all others.
    pub(super) fn announce_far(
        &mut self,
        domain: Domain,
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let envelope = EnvelopeHeader {
            control_code: ControlCode::AnnounceOnReception,
            continuum: domain.continuum,
            unit: domain.unit,
            source: self.identity.role.0,
            destination: domain.role.0,
            subject: message.subject,
        };
        self.post(MessageType::Unary, envelope, message, transport)
    }

    /// Publishes the envelope with the message (4.3.3.1.3). It is the gateway's
    /// alone: modules that subscribe to all subjects have no use for it.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn post(
        &mut self,
        message_type: MessageType,
        envelope: EnvelopeHeader,
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let local = self.mib.continuum.number;
        let subject = pseudo_subject(envelope.continuum, local);
        let places = self.rules.places(RuleKind::Subscription, subject).specific_only();
        let (domain, plain) = (Some(gateway_domain(self)), self.is_plain(message.subject));
        let wanted = Wanted { places, domain, plain, way: Way::Singly };
        let envelope = Some(&envelope);
        self.send_one(&Letter { message_type, message, envelope, wanted }, transport)
    }
}

/// The subject that messages for a continuum, or all, are published on.
pub(super) const fn pseudo_subject(to: ContinuumNumber, local: ContinuumNumber) -> SubjectNumber {
    match to.get() {
        0 => local.pseudo_subject(),
        _ => to.pseudo_subject(),
    }
}
