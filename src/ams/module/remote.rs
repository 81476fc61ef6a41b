//! Private messages to modules of other continua (735.1-B-1 4.3.3): a message in
//! an envelope in a message, which the gateway of the message space gets.

use super::copies::Copies;
use super::handling::transmitted;
use super::outbound::header;
use super::{Module, bump};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleKey, RoleNumber, SubjectNumber,
};
use crate::ams::pdu::{AamsHeader, ControlCode, EnvelopeHeader, MessageType};
use crate::ams::routing::{Label, RuleKind};
use crate::ams::service::{Fault, Message};
use crate::transport::Transport;

impl Module<'_> {
    /// Sends a message to one module of another continuum.
    pub(super) fn send_far(
        &mut self,
        (source, message_type): (ModuleKey, MessageType),
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
        self.post((source, message_type), envelope, message, transport)
    }

    /// Announces a message to the modules of a domain in other continua, or in all others.
    pub(super) fn announce_far(
        &mut self,
        source: ModuleKey,
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
        self.post((source, MessageType::Unary), envelope, message, transport)
    }

    /// Publishes the envelope with the message (4.3.3.1.3). It is the gateway's
    /// alone: modules that subscribe to all subjects have no use for it.
    fn post(
        &mut self,
        (source, message_type): (ModuleKey, MessageType),
        envelope: EnvelopeHeader,
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let local = self.mib.continuum.number;
        let subject = pseudo_subject(envelope.continuum, local);
        let label = Label::of(Label::DEFAULT, message);
        let enclosed = header(message_type, local, source, message, label);
        let outer = AamsHeader {
            message_type: MessageType::Unary,
            context: ContextNumber::NONE,
            subject,
            ..enclosed
        };
        let Self { handler, venture, stats, .. } = self;
        let data = transmitted(handler, *venture, &enclosed, message, stats)?;
        let (checksum, buffer) = (self.mib.checksums, &mut *self.message);
        let message = Message { data, ..*message };
        let mut copies =
            Copies::of_envelope(&outer, (&envelope, &enclosed), &message, checksum, buffer)?;
        let mut gateways = self.rules.on(RuleKind::Subscription, subject).filter_map(|rule| {
            let peer = self.peers.at(usize::from(rule.peer))?;
            (rule.applies() && peer.role == RoleNumber::RAMS_GATEWAY).then_some((peer, rule))
        });
        // No message space contains more than one (4.4.1).
        let (peer, rule) = gateways.next().ok_or(Fault::RemoteContinuum)?;
        let sent = copies.send(peer, rule, transport);
        bump(if sent.is_ok() { &mut self.stats.sent } else { &mut self.stats.not_sent });
        sent
    }
}

/// The subject that messages for a continuum, or all, are published on.
const fn pseudo_subject(to: ContinuumNumber, local: ContinuumNumber) -> SubjectNumber {
    match to.get() {
        0 => local.pseudo_subject(),
        _ => to.pseudo_subject(),
    }
}
