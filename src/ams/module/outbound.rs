//! Messages out: publish, send, query, reply, announce (735.1-B-1 4.3.1, 4.3.2,
//! 4.3.4 to 4.3.7).

use core::time::Duration;

use super::handling::prepare;
use super::rows::{Peer, PendingQuery, Rule, RuleKey, RuleKind};
use super::{Module, bump, domain_includes};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleKey, Priority, RoleNumber, SubjectNumber,
};
use crate::ams::pdu::{AamsHeader, MessageType};
use crate::ams::service::{Fault, Indication, Message, ServiceUser};
use crate::time::Now;
use crate::transport::Transport;

/// What became of the copies of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fanout {
    /// Copies transmitted.
    pub sent: u32,
    /// Copies that could not be; each was indicated as a fault.
    pub failed: u32,
}

impl Module<'_> {
    /// `Publish.request`: one copy to every module that subscribes to messages on
    /// the subject from this one (3.1.9, 4.3.2).
    ///
    /// # Errors
    /// A [`Fault`] that says why the message was not issued at all. What fails for
    /// one receiver is indicated to `user` and counted.
    pub fn publish(
        &mut self,
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        self.spread(message, RuleKind::Subscription, None, transport, user)
    }

    /// `Announce.request`: one copy to every module in `domain` that invites
    /// messages on the subject from this one (3.1.13, 4.3.7).
    ///
    /// # Errors
    /// A [`Fault`] that says why the message was not issued at all. What fails for
    /// one receiver is indicated to `user` and counted; so is
    /// [`Fault::RemoteContinuum`] when the domain has other continua in it, which
    /// are not reached.
    pub fn announce(
        &mut self,
        domain: Domain,
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        self.require_local_or_all(domain.continuum)?;
        let fanout = self.spread(message, RuleKind::Invitation, Some(domain), transport, user)?;
        if domain.continuum == ContinuumNumber::ALL && !self.mib.continua.is_empty() {
            // Those of other continua get none (4.3.7.1.2.2): there is no gateway at hand.
            user.indicate(Indication::Fault(Fault::RemoteContinuum));
        }
        Ok(fanout)
    }

    /// `Send.request`: a message to one module (3.1.10, 4.3.4).
    ///
    /// # Errors
    /// A [`Fault`] that says why it was not sent.
    pub fn send(
        &mut self,
        (continuum, to): (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.require_local(continuum)?;
        self.send_private(MessageType::Unary, to, message, transport)
    }

    /// `Query.request`: a message to one module that asks for a reply in the same
    /// context (3.1.11, 4.3.5). Nothing is suspended. With a `term`, the context
    /// is pending until the reply comes or the term is over, which is the fault
    /// [`Fault::QueryTimedOut`].
    ///
    /// # Errors
    /// A [`Fault`] that says why it was not sent.
    pub fn query(
        &mut self,
        now: Now,
        (continuum, to): (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        term: Option<Duration>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.require_local(continuum)?;
        let context = message.context;
        if context == ContextNumber::NONE {
            return Err(Fault::ContextZero);
        }
        if self.queries.contains(context) {
            return Err(Fault::ContextPending);
        }
        if let Some(term) = term {
            let until = now.monotonic.after(term);
            self.queries.insert(PendingQuery { context, until }).map_err(|_| Fault::TableFull)?;
        }
        let sent = self.send_private(MessageType::Query, to, message, transport);
        if sent.is_err() {
            self.queries.remove(context);
        }
        sent
    }

    /// `Reply.request`: answers a message in its context (3.1.12, 4.3.6).
    ///
    /// # Errors
    /// A [`Fault`] that says why it was not sent.
    pub fn reply(
        &mut self,
        (continuum, to): (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.require_local(continuum)?;
        if message.context == ContextNumber::NONE {
            return Err(Fault::ContextZero);
        }
        self.send_private(MessageType::Reply, to, message, transport)
    }

    fn send_private(
        &mut self,
        message_type: MessageType,
        to: ModuleKey,
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let id = self.require_sender(message.subject)?;
        let Some(peer) = self.peers.get(to) else {
            return Err(Fault::UnknownDestination);
        };
        if self.venture.is_some_and(|venture| !venture.may_receive(peer.role, message.subject)) {
            return Err(Fault::DestinationNotAuthorised);
        }
        let rule = [message.subject, SubjectNumber::ALL]
            .into_iter()
            .find_map(|subject| {
                let first = RuleKey { module: to, ..RuleKey::first(RuleKind::Invitation, subject) };
                self.rules
                    .iter_from(first)
                    .take_while(|rule| same_receiver(rule, &first))
                    .filter(|rule| rule.covers_us)
                    .last()
            })
            .ok_or(Fault::NotInvited)?;
        let header = AamsHeader {
            message_type,
            priority: Priority::DEFAULT,
            flow_label: 0,
            continuum: self.mib.continuum.number,
            source: id,
            context: message.context,
            subject: message.subject,
        };
        let message =
            &prepare(&mut self.handling, self.venture, &mut self.stats, &header, message)?;
        let mut copy = Copies::new(header, message, self.mib.checksums, self.message)?;
        let sent = copy.transmit(peer, rule, transport);
        bump(if sent.is_ok() { &mut self.stats.sent } else { &mut self.stats.not_sent });
        sent
    }

    /// One copy to every authorised receiver with a rule of `kind` that covers
    /// this module, and in `domain` if there is one.
    fn spread(
        &mut self,
        message: &Message<'_>,
        kind: RuleKind,
        domain: Option<Domain>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let source = self.require_sender(message.subject)?;
        let header = AamsHeader {
            message_type: MessageType::Unary,
            priority: Priority::DEFAULT,
            flow_label: 0,
            continuum: self.mib.continuum.number,
            source,
            context: message.context,
            subject: message.subject,
        };
        let message =
            &prepare(&mut self.handling, self.venture, &mut self.stats, &header, message)?;
        let mut copies = Copies::new(header, message, self.mib.checksums, self.message)?;
        let mut fanout = Fanout::default();
        let receivers = Receivers {
            specific: RuleRun::new(&self.rules, kind, message.subject),
            general: RuleRun::new(&self.rules, kind, SubjectNumber::ALL),
        };
        for rule in receivers {
            let Some(peer) = self.peers.get(rule.key.module) else {
                continue;
            };
            let may = self.venture.is_none_or(|v| v.may_receive(peer.role, message.subject));
            let in_domain = domain.is_none_or(|domain| {
                let place = (peer.key.unit, Some(peer.role));
                domain_includes(self.venture, self.mib, &domain, place)
            });
            if !may || !in_domain {
                continue;
            }
            match copies.transmit(peer, rule, transport) {
                Ok(()) => bump(&mut fanout.sent),
                Err(fault) => {
                    bump(&mut fanout.failed);
                    user.indicate(Indication::Fault(fault));
                }
            }
        }
        self.stats.sent = self.stats.sent.saturating_add(fanout.sent);
        self.stats.not_sent = self.stats.not_sent.saturating_add(fanout.failed);
        Ok(fanout)
    }

    /// The module may send on the subject; who it is.
    fn require_sender(&self, subject: SubjectNumber) -> Result<ModuleKey, Fault> {
        let id = self.require_member()?;
        if !subject.is_application() && id.role != RoleNumber::RAMS_GATEWAY {
            return Err(Fault::SubjectNotApplication);
        }
        if self.venture.is_some_and(|venture| !venture.may_send(id.role, subject)) {
            return Err(Fault::NotAuthorisedSender);
        }
        Ok(id.key())
    }

    fn require_local(&self, continuum: ContinuumNumber) -> Result<(), Fault> {
        if continuum == self.mib.continuum.number { Ok(()) } else { Err(Fault::RemoteContinuum) }
    }

    fn require_local_or_all(&self, continuum: ContinuumNumber) -> Result<(), Fault> {
        if continuum == ContinuumNumber::ALL { Ok(()) } else { self.require_local(continuum) }
    }
}

/// The copies of one message. They differ in priority and flow label alone, so
/// the message is encoded once and its first two octets are exchanged.
struct Copies<'b> {
    octets: &'b mut [u8],
    length: usize,
    checksum: bool,
    priority: Option<Priority>,
    flow_label: Option<u8>,
}

impl<'b> Copies<'b> {
    fn new(
        header: AamsHeader,
        message: &Message<'_>,
        checksum: bool,
        octets: &'b mut [u8],
    ) -> Result<Self, Fault> {
        let length =
            header.encode(message.data, checksum, octets).map_err(|_| Fault::DataTooLong)?.len();
        let Message { priority, flow_label, .. } = *message;
        Ok(Self { octets, length, checksum, priority, flow_label })
    }

    /// Transmits the copy for `peer`, whose `rule` says by which delivery vector
    /// and, unless the message overrides it, with which priority and flow label
    /// (4.3.1.1).
    fn transmit(
        &mut self,
        peer: &Peer,
        rule: &Rule,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let Some(point) = peer.delivery_point(rule.delivery_vector) else {
            return Err(Fault::NoDeliveryPoint(peer.key));
        };
        let flow_label = self.flow_label.unwrap_or(rule.flow_label);
        self.label(self.priority.unwrap_or(rule.priority), flow_label);
        let octets = self.octets.get(..self.length).unwrap_or_default();
        transport
            .send(point, flow_label, octets)
            .map_err(|why| Fault::NotTransmitted(peer.key, why))
    }

    /// Sets priority and flow label, and makes the checksum follow: it is a sum,
    /// and they are one word of it.
    fn label(&mut self, priority: Priority, flow_label: u8) {
        let Some([first, second, rest @ ..]) = self.octets.get_mut(..self.length) else {
            return;
        };
        let old = u16::from_be_bytes([*first, *second]);
        *first = (*first & 0xf0) | priority.get();
        *second = flow_label;
        let new = u16::from_be_bytes([*first, *second]);
        if let (true, Some([high, low])) = (self.checksum, rest.last_chunk_mut::<2>()) {
            let sum = u16::from_be_bytes([*high, *low]);
            [*high, *low] = sum.wrapping_sub(old).wrapping_add(new).to_be_bytes();
        }
    }
}

fn same_receiver(rule: &Rule, key: &RuleKey) -> bool {
    rule.key.subject == key.subject && rule.key.kind == key.kind && rule.key.module == key.module
}

/// The rules of one kind on one subject that cover this module: for each
/// receiver the last, in the order of receivers.
struct RuleRun<'t, I: Iterator<Item = &'t Rule>> {
    rules: core::iter::Peekable<I>,
}

impl<'t> RuleRun<'t, core::iter::Empty<&'t Rule>> {
    fn new(
        rules: &'t crate::storage::Table<'_, Rule>,
        kind: RuleKind,
        subject: SubjectNumber,
    ) -> RuleRun<'t, impl Iterator<Item = &'t Rule>> {
        let first = RuleKey::first(kind, subject);
        let rules = rules
            .iter_from(first)
            .take_while(move |rule| rule.key.subject == subject && rule.key.kind == kind)
            .filter(|rule| rule.covers_us)
            .peekable();
        RuleRun { rules }
    }
}

impl<'t, I: Iterator<Item = &'t Rule>> RuleRun<'t, I> {
    fn receiver(&mut self) -> Option<ModuleKey> {
        self.rules.peek().map(|rule| rule.key.module)
    }

    /// The last rule of the next receiver.
    fn take(&mut self) -> Option<&'t Rule> {
        let mut last = self.rules.next()?;
        // Not `next_if`: it asserts something, and so has a panic path.
        while self.receiver() == Some(last.key.module) {
            last = self.rules.next()?;
        }
        Some(last)
    }
}

/// Every receiver once, with the rule that wins: rules for the subject before
/// rules for all subjects. Both runs are in the order of receivers.
struct Receivers<'t, S: Iterator<Item = &'t Rule>, G: Iterator<Item = &'t Rule>> {
    specific: RuleRun<'t, S>,
    general: RuleRun<'t, G>,
}

impl<'t, S: Iterator<Item = &'t Rule>, G: Iterator<Item = &'t Rule>> Iterator
    for Receivers<'t, S, G>
{
    type Item = &'t Rule;

    fn next(&mut self) -> Option<&'t Rule> {
        match (self.specific.receiver(), self.general.receiver()) {
            (Some(specific), Some(general)) if specific == general => {
                self.general.take();
                self.specific.take()
            }
            (Some(specific), Some(general)) if general < specific => self.general.take(),
            (Some(_), _) => self.specific.take(),
            (None, _) => self.general.take(),
        }
    }
}
