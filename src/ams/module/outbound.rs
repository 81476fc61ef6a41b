//! Messages out: publish, send, query, reply, announce (735.1-B-1 4.3.1, 4.3.2,
//! 4.3.4 to 4.3.7).

use core::time::Duration;

use super::copies::{Copies, Dispatch, Label};
use super::rows::{Peer, PendingQuery, Rule, RuleKind};
use super::rules::{Places, Rules};
use super::{Module, bump, domain_includes};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, RoleNumber, SubjectNumber,
};
use crate::ams::mib::{Mib, Venture};
use crate::ams::pdu::{AamsFront, AamsHeader, MessageType};
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
        // Boards are spared its code: the long way sends the same.
        if cfg!(feature = "std") && self.batch.is_complete(message.subject, self.rules.version()) {
            return self.publish_again(message, transport, user);
        }
        self.publish_anew(message, transport, user)
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
        let publication = self.require_publisher(message.subject)?;
        self.spread_run(publication, (message, size), transport, user)
    }

    /// The modules that a message published on `subject` now would go to, in the
    /// order of unit and module number.
    pub fn subscribers(&self, subject: SubjectNumber) -> impl Iterator<Item = ModuleId> {
        let places = self.rules.prepared(subject);
        let places = places.unwrap_or_else(|| self.rules.places(RuleKind::Subscription, subject));
        let space = Space { mib: self.mib, venture: self.venture, peers: &self.peers };
        let wanted = Wanted { places, domain: None };
        space.receivers(&self.rules, subject, wanted).map(|(peer, _)| peer.id())
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
        let places = self.rules.places(RuleKind::Invitation, message.subject);
        let audience = Audience::Of(Wanted { places, domain: Some(domain) });
        let fanout = self.spread_one((source, audience), message, transport, user)?;
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
        let label = Label::of(rule.label(), message);
        let header = header(message_type, self.mib.continuum.number, id, message, label);
        let mut copies = Copies::of_one(&header, message, self.mib.checksums, self.message)?;
        let sent = copies.send(peer, rule, transport);
        bump(if sent.is_ok() { &mut self.stats.sent } else { &mut self.stats.not_sent });
        sent
    }

    /// One copy to everybody who has to be found first.
    #[inline(never)]
    fn publish_anew(
        &mut self,
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let publication = self.require_publisher(message.subject)?;
        self.spread_one(publication, message, transport, user)
    }

    /// One copy to everybody in the batch: the short way of the next message on a
    /// subject. That this module may publish, and that the data go as they are, has
    /// been found out before.
    fn publish_again(
        &mut self,
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        // A batch is whole only while this module is a member: else it forgets all.
        let (label, front) = match (message.priority, message.flow_label) {
            (None, None) => (self.batch.label(), self.batch.front()),
            _ => {
                let label = Label::of(self.batch.label(), message);
                (label, self.front(self.require_member()?.key(), label))
            }
        };
        let about = (message.context, message.subject);
        let octets = front.encode(about, message.data, self.message);
        let octets = octets.map_err(|_| Fault::DataTooLong)?;
        let to = self.batch.receivers();
        let outcome = transport.send_run(to, label.flow_label, octets, octets.len());
        let fanout = match outcome {
            Ok(()) => {
                let sent = u32::try_from(to.len()).unwrap_or(u32::MAX);
                self.stats.sent = self.stats.sent.saturating_add(sent);
                return Ok(Fanout { sent, failed: 0 });
            }
            Err(refused) => {
                let copies = &mut Copies::encoded(label, octets);
                let (peers, fanout) = (&self.peers, Fanout::default());
                let dispatch = Dispatch { copies, peers, transport, user, fanout };
                dispatch.behind(&self.batch, refused)
            }
        };
        self.count(fanout);
        Ok(fanout)
    }

    /// One copy to everybody a message on this subject goes to.
    fn spread_one(
        &mut self,
        (source, audience): (ModuleKey, Audience),
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let header = self.unary(source, message);
        let buffer = core::mem::take(&mut self.message);
        let copies = Copies::of_one(&header, message, self.mib.checksums, buffer);
        let fanout = copies
            .map(|mut copies| self.spread(&mut copies, message.subject, audience, transport, user));
        self.message = buffer;
        fanout
    }

    /// The same for messages with `size` octets of the data each, in as few runs as
    /// the buffer allows.
    fn spread_run(
        &mut self,
        (source, audience): (ModuleKey, Audience),
        (message, size): (&Message<'_>, usize),
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let header = self.unary(source, message);
        let buffer = core::mem::take(&mut self.message);
        let mut outcome = Ok(Fanout::default());
        let mut data = message.data;
        while let (Ok(total), false) = (&mut outcome, data.is_empty()) {
            let part = (&mut data, size.max(1));
            match Copies::of_run(&header, message, part, self.mib.checksums, buffer) {
                Ok(mut copies) => {
                    let fanout =
                        self.spread(&mut copies, message.subject, audience, transport, user);
                    total.sent = total.sent.saturating_add(fanout.sent);
                    total.failed = total.failed.saturating_add(fanout.failed);
                }
                // The first is the longest: nothing has been sent.
                Err(fault) => outcome = Err(fault),
            }
        }
        self.message = buffer;
        outcome
    }

    /// Sends `copies` of messages on `subject` to an audience.
    fn spread(
        &mut self,
        copies: &mut Copies<'_>,
        subject: SubjectNumber,
        audience: Audience,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Fanout {
        let fanout = Fanout::default();
        let mut dispatch = Dispatch { copies, peers: &self.peers, transport, user, fanout };
        match audience {
            Audience::AsLast => dispatch.send(&self.batch),
            Audience::Of(wanted) => {
                let space = Space { mib: self.mib, venture: self.venture, peers: &self.peers };
                let mut whole = wanted.domain.is_none();
                self.batch.clear();
                for (peer, rule) in space.receivers(&self.rules, subject, wanted) {
                    let Some(point) = peer.delivery_point(rule.delivery_vector) else {
                        dispatch.miss(peer.key);
                        whole = false;
                        continue;
                    };
                    if !self.batch.add(rule, point) {
                        dispatch.send(&self.batch);
                        self.batch.clear();
                        self.batch.add(rule, point);
                        whole = false;
                    }
                }
                dispatch.send(&self.batch);
                if let (true, Some(id)) = (whole, self.id()) {
                    let front = self.front(id.key(), self.batch.label());
                    self.batch.complete((subject, self.rules.version()), front);
                }
            }
        }
        let fanout = dispatch.fanout;
        self.count(fanout);
        fanout
    }

    const fn count(&mut self, fanout: Fanout) {
        self.stats.sent = self.stats.sent.saturating_add(fanout.sent);
        self.stats.not_sent = self.stats.not_sent.saturating_add(fanout.failed);
    }

    /// Who publishes on `subject`, if this module may, and to whom.
    fn require_publisher(
        &mut self,
        subject: SubjectNumber,
    ) -> Result<(ModuleKey, Audience), Fault> {
        // What is prepared, this module may do, and the data go as they are.
        if self.batch.is_complete(subject, self.rules.version()) {
            return Ok((self.require_member()?.key(), Audience::AsLast));
        }
        let (source, places) = match self.rules.prepared(subject) {
            Some(places) => (self.require_member()?.key(), places),
            None => (self.require_sender(subject)?, self.rules.prepare(subject)),
        };
        Ok((source, Audience::Of(Wanted { places, domain: None })))
    }

    /// How publications under this label begin.
    fn front(&self, source: ModuleKey, label: Label) -> AamsFront {
        let message = Message::new(SubjectNumber::ALL, &[]);
        header(MessageType::Unary, self.mib.continuum.number, source, &message, label)
            .front(self.mib.checksums)
    }

    /// The header of a message whose receivers may yet ask for another label.
    fn unary(&self, source: ModuleKey, message: &Message<'_>) -> AamsHeader {
        let label = Label::of(Label::DEFAULT, message);
        header(MessageType::Unary, self.mib.continuum.number, source, message, label)
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
        if !self.is_plain(subject) {
            return Err(Fault::SubjectNotPlain);
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

/// To whom a message goes.
#[derive(Clone, Copy)]
enum Audience {
    /// Those in the batch: the subscribers it was last published to.
    AsLast,
    Of(Wanted),
}

/// The modules with rules at these places, in this domain.
#[derive(Clone, Copy)]
struct Wanted {
    places: Places,
    /// `None` when the request names no domain: it is a publication.
    domain: Option<Domain>,
}

/// What it takes to know the modules that rules are of.
#[derive(Clone, Copy)]
struct Space<'t, 's> {
    mib: &'t Mib<'s>,
    venture: Option<&'t Venture<'s>>,
    peers: &'t Table<'s, Peer>,
}

impl<'t, 's> Space<'t, 's> {
    /// Every module a message on `subject` goes to, and the rule it goes by.
    fn receivers(
        self,
        rules: &'t Rules<'_>,
        subject: SubjectNumber,
        Wanted { places, domain }: Wanted,
    ) -> impl Iterator<Item = (&'t Peer, &'t Rule)> + use<'t, 's> {
        rules.receivers(places).filter_map(move |rule| {
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

fn header(
    message_type: MessageType,
    continuum: ContinuumNumber,
    source: ModuleKey,
    message: &Message<'_>,
    Label { priority, flow_label }: Label,
) -> AamsHeader {
    AamsHeader {
        message_type,
        priority,
        flow_label,
        continuum,
        source,
        context: message.context,
        subject: message.subject,
    }
}
