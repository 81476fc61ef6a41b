//! Messages out: publish, send, query, reply, announce (735.1-B-1 4.3.1, 4.3.2,
//! 4.3.4 to 4.3.7).

use core::time::Duration;

use super::copies::Copies;
use super::rows::{Peer, PendingQuery, Rule, RuleKind};
use super::rules::{Places, Rules};
use super::{Module, bump, domain_includes};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleKey, RoleNumber, SubjectNumber,
};
use crate::ams::mib::{Mib, Venture};
use crate::ams::pdu::{AamsHeader, MessageType};
use crate::ams::service::{Fault, Indication, Message, ServiceUser};
use crate::storage::Table;
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
        let (source, audience) = self.require_publisher(message.subject)?;
        self.spread(source, message, audience, transport, user)
    }

    /// `Publish.request` for several messages of equal size, which differ in their
    /// data alone: `message.data` holds the data of all of them, `size` octets each,
    /// at least 1; the last may have fewer.
    ///
    /// Each goes out as a message of its own, in order, as [`Module::publish`] sends
    /// it. But the transport is handed runs, as many messages as the buffer for
    /// messages holds, and may send a run at once ([`Transport::send_run`]).
    ///
    /// # Errors
    /// A [`Fault`] that says why no message was issued at all. When a receiver's
    /// transport takes a part of a run only, each message of the rest is indicated
    /// to `user` and counted as failed.
    pub fn publish_run(
        &mut self,
        message: &Message<'_>,
        size: usize,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let (source, audience) = self.require_publisher(message.subject)?;
        self.spread_run(source, (message, size), audience, transport, user)
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
        let source = self.require_sender(message.subject)?;
        let kind = RuleKind::Invitation;
        let places = self.rules.places(kind, message.subject);
        let audience = Audience { kind, places, domain: Some(domain) };
        let fanout = self.spread(source, message, audience, transport, user)?;
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
        let place = self.peers.place(to).ok_or(Fault::UnknownDestination)?;
        let peer = self.peers.at(place).ok_or(Fault::UnknownDestination)?;
        if self.venture.is_some_and(|venture| !venture.may_receive(peer.role, message.subject)) {
            return Err(Fault::DestinationNotAuthorised);
        }
        let rule = u16::try_from(place)
            .ok()
            .and_then(|place| self.rules.winning(RuleKind::Invitation, message.subject, place))
            .ok_or(Fault::NotInvited)?;
        let header = header(message_type, self.mib.continuum.number, id, message);
        let mut copies = Copies::of_one(&header, message, self.mib.checksums, self.message)?;
        let sent = copies.send(peer, rule, transport);
        bump(if sent.is_ok() { &mut self.stats.sent } else { &mut self.stats.not_sent });
        sent
    }

    /// One copy to everybody a message on this subject goes to.
    fn spread(
        &mut self,
        source: ModuleKey,
        message: &Message<'_>,
        audience: Audience,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let header = header(MessageType::Unary, self.mib.continuum.number, source, message);
        let mut copies = Copies::of_one(&header, message, self.mib.checksums, self.message)?;
        let mut fanout = Fanout::default();
        let space = Space { mib: self.mib, venture: self.venture, peers: &self.peers };
        for (peer, rule) in space.receivers(&self.rules, message.subject, audience) {
            match copies.send(peer, rule, transport) {
                Ok(()) => bump(&mut fanout.sent),
                Err(fault) => {
                    bump(&mut fanout.failed);
                    user.indicate(Indication::Fault(fault));
                }
            }
        }
        self.count(fanout);
        Ok(fanout)
    }

    /// As [`Module::spread`] for messages with `size` octets of the data each. Each
    /// receiver is sent them in as few runs as the buffer allows.
    fn spread_run(
        &mut self,
        source: ModuleKey,
        (message, size): (&Message<'_>, usize),
        audience: Audience,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let header = header(MessageType::Unary, self.mib.continuum.number, source, message);
        let space = Space { mib: self.mib, venture: self.venture, peers: &self.peers };
        let mut fanout = Fanout::default();
        let mut data = message.data;
        while !data.is_empty() {
            let part = (&mut data, size.max(1));
            let mut copies =
                Copies::of_run(&header, message, part, self.mib.checksums, self.message)?;
            let count = copies.count();
            for (peer, rule) in space.receivers(&self.rules, message.subject, audience) {
                let sent = match copies.send_run(peer, rule, transport) {
                    Ok(()) => count,
                    Err((sent, fault)) => {
                        for _ in sent..count {
                            bump(&mut fanout.failed);
                            user.indicate(Indication::Fault(fault));
                        }
                        sent
                    }
                };
                let sent = u32::try_from(sent).unwrap_or(u32::MAX);
                fanout.sent = fanout.sent.saturating_add(sent);
            }
        }
        self.count(fanout);
        Ok(fanout)
    }

    fn count(&mut self, fanout: Fanout) {
        self.stats.sent = self.stats.sent.saturating_add(fanout.sent);
        self.stats.not_sent = self.stats.not_sent.saturating_add(fanout.failed);
    }

    /// Who publishes on `subject`, if this module may, and to whom.
    fn require_publisher(
        &mut self,
        subject: SubjectNumber,
    ) -> Result<(ModuleKey, Audience), Fault> {
        let (source, places) = match self.rules.prepared(subject) {
            // That it may has been found out, and that the data go as they are.
            Some(places) => (self.require_member()?.key(), places),
            None => (self.require_sender(subject)?, self.rules.prepare(subject)),
        };
        Ok((source, Audience { kind: RuleKind::Subscription, places, domain: None }))
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

/// To whom a message goes: modules with rules of this kind, in this domain.
#[derive(Clone, Copy)]
struct Audience {
    kind: RuleKind,
    /// Where their rules begin.
    places: Places,
    /// `None` when the request names no domain.
    domain: Option<Domain>,
}

/// What it takes to know the modules that rules are of.
struct Space<'t, 's> {
    mib: &'t Mib<'s>,
    venture: Option<&'t Venture<'s>>,
    peers: &'t Table<'s, Peer>,
}

impl<'t> Space<'t, '_> {
    /// Every module a message on `subject` goes to, and the rule it goes by.
    fn receivers(
        &self,
        rules: &'t Rules<'_>,
        subject: SubjectNumber,
        audience: Audience,
    ) -> impl Iterator<Item = (&'t Peer, &'t Rule)> {
        let Audience { kind, places, domain } = audience;
        rules.receivers(kind, subject, places).filter_map(move |rule| {
            let peer = self.peers.at(usize::from(rule.peer))?;
            // A rule for all subjects was not judged by this one.
            let may = rule.subject == subject
                || self.venture.is_none_or(|venture| venture.may_receive(peer.role, subject));
            let place = (peer.key.unit, Some(peer.role));
            let concerned =
                domain.is_none_or(|domain| domain_includes(self.venture, self.mib, &domain, place));
            (may && concerned).then_some((peer, rule))
        })
    }
}

/// The header of a message, with the defaults for what rules may ask for.
fn header(
    message_type: MessageType,
    continuum: ContinuumNumber,
    source: ModuleKey,
    message: &Message<'_>,
) -> AamsHeader {
    AamsHeader {
        message_type,
        priority: message.priority.unwrap_or_default(),
        flow_label: message.flow_label.unwrap_or_default(),
        continuum,
        source,
        context: message.context,
        subject: message.subject,
    }
}
