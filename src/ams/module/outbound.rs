//! Messages out: publish, send, query, reply, announce (735.1-B-1 4.3.1, 4.3.2,
//! 4.3.4 to 4.3.7).

use core::time::Duration;

use super::copies::{Copies, Dispatch};
use super::handling::prepare;
use super::turn::indicate_fault;
use super::{Module, PendingQuery, RuleKind, bump};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, RoleNumber, SubjectNumber,
};
use crate::ams::pdu::{AamsFront, AamsHeader, EnvelopeHeader, MessageType};
use crate::ams::routing::{Label, Places, Space};
use crate::ams::service::{Fault, Indication, Message, ServiceUser};
use crate::time::{Instant, Now};
use crate::transport::Transport;

/// What became of the copies of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fanout {
    /// Copies transmitted.
    pub sent: u32,
    /// Copies that could not be; each was indicated as a fault.
    pub failed: u32,
}

impl Fanout {
    fn add(&mut self, more: Self) {
        self.sent = self.sent.saturating_add(more.sent);
        self.failed = self.failed.saturating_add(more.failed);
    }
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
        let letter = Letter::new(message, self.require_publisher(message.subject)?);
        if letter.wanted.plain {
            self.spread_run(&letter, size, transport, user)
        } else {
            self.spread_each(&letter, size, transport, user)
        }
    }

    /// The modules that a message published on `subject` now would go to, in the
    /// order of unit and module number.
    pub fn subscribers(&self, subject: SubjectNumber) -> impl Iterator<Item = ModuleId> {
        let places = self.rules.prepared(subject);
        let places = places.unwrap_or_else(|| self.rules.places(RuleKind::Subscription, subject));
        let space = Space { mib: self.mib, venture: self.venture, members: &self.peers };
        let wanted = Wanted { places, ..Wanted::LAST };
        space
            .addressees(&self.rules, subject, (wanted.places, wanted.domain))
            .map(|(peer, _)| peer.id())
    }

    /// `Announce.request`: one copy to every module in `domain` that invites
    /// messages on the subject from this one (3.1.13, 4.3.7).
    ///
    /// # Errors
    /// A [`Fault`] that says why the message was not issued at all. What fails for
    /// one receiver is indicated to `user` and counted; so is what keeps other
    /// continua from being reached, where the domain is of all continua and the MIB
    /// has others.
    pub fn announce(
        &mut self,
        domain: Domain,
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        self.require_sender(message.subject)?;
        let local = domain.continuum == self.mib.continuum.number;
        let near = local || domain.continuum == ContinuumNumber::ALL;
        let mut fanout = Fanout::default();
        if near {
            let places = self.rules.places(RuleKind::Invitation, message.subject);
            let plain = self.is_plain(message.subject);
            let wanted = Wanted { places, domain: Some(domain), plain, way: Way::Batches };
            fanout = self.spread_one(&Letter::new(message, wanted), transport, user)?;
        }
        // Those of other continua, or theirs besides (4.3.7.1.2.2).
        if !local && (!near || self.has_others()) {
            match self.announce_far(domain, message, transport) {
                Err(fault) if near => indicate_fault(user, fault),
                posted => posted?,
            }
        }
        Ok(fanout)
    }

    /// `Send.request`: a message to one module (3.1.10, 4.3.4).
    ///
    /// # Errors
    /// A [`Fault`] that says why it was not sent.
    pub fn send(
        &mut self,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.send_private(MessageType::Unary, to, message, transport)
    }

    /// `Query.request`: a message to one module that asks for a reply in the same
    /// context (3.1.11, 4.3.5). Nothing is suspended. The context is pending until
    /// the reply comes or the `term` is over, which is the fault
    /// [`Fault::QueryTimedOut`]. Without a term it is pending for as long as it
    /// takes (3.1.2.16), unless [`Module::abandon_query`] ends it. With a term of
    /// zero no reply is awaited, and nothing is pending.
    ///
    /// # Errors
    /// A [`Fault`] that says why it was not sent.
    pub fn query(
        &mut self,
        now: Now,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        term: Option<Duration>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let context = message.context;
        if self.queries.contains(context) {
            return Err(Fault::ContextPending);
        }
        if term != Some(Duration::ZERO) {
            let until = term.map_or(Instant::MAX, |term| now.monotonic.after(term));
            if !self.queries.insert(PendingQuery { context, until }) {
                return Err(Fault::TableFull);
            }
        }
        let sent = self.send_private(MessageType::Query, to, message, transport);
        if sent.is_err() {
            self.queries.remove(context);
        }
        sent
    }

    /// Gives up the query that is pending in `context`: no fault tells that it timed
    /// out, and the context may be used again. False when none is pending.
    pub fn abandon_query(&mut self, context: ContextNumber) -> bool {
        self.queries.remove(context)
    }

    /// `Reply.request`: answers a message in its context (3.1.12, 4.3.6).
    ///
    /// # Errors
    /// A [`Fault`] that says why it was not sent.
    pub fn reply(
        &mut self,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        self.send_private(MessageType::Reply, to, message, transport)
    }

    /// A message to one module, here or in another continuum, which may receive on the
    /// subject (4.3.4.1.1). The role of one in another continuum is not known.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn send_private(
        &mut self,
        message_type: MessageType,
        (continuum, to): (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let subject = message.subject;
        self.require_sender(subject)?;
        if message_type != MessageType::Unary && message.context == ContextNumber::NONE {
            return Err(Fault::ContextZero);
        }
        if continuum != self.mib.continuum.number {
            return self.send_far(message_type, (continuum, to), message, transport);
        }
        let place = self.peers.place(to);
        let Some(peer) = place.and_then(|place| self.peers.at(place)) else {
            return Err(Fault::UnknownDestination);
        };
        if self.venture.is_some_and(|venture| !venture.may_receive(peer.role, subject)) {
            return Err(Fault::DestinationNotAuthorised);
        }
        let place = place.and_then(|place| u16::try_from(place).ok());
        let places = self.rules.places_of(RuleKind::Invitation, subject, place);
        let plain = self.is_plain(subject);
        let wanted = Wanted { places, domain: None, plain, way: Way::Singly };
        self.send_one(&Letter { message_type, ..Letter::new(message, wanted) }, transport)
    }

    /// A message to one module, or to a gateway in an envelope.
    pub(super) fn send_one(
        &mut self,
        letter: &Letter<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        // There may be nobody to get it.
        let mut fault = match letter.envelope {
            Some(_) => Fault::RemoteContinuum,
            None => Fault::NotInvited,
        };
        let user = &mut |indication| {
            if let Indication::Fault(why) = indication {
                fault = why;
            }
        };
        let fanout = self.spread_one(letter, transport, user)?;
        if fanout.sent > 0 { Ok(()) } else { Err(fault) }
    }

    /// One copy to everybody who has to be found first.
    #[inline(never)]
    fn publish_anew(
        &mut self,
        message: &Message<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let wanted = self.require_publisher(message.subject)?;
        self.spread_one(&Letter::new(message, wanted), transport, user)
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
                (label, self.front(label))
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

    /// One copy to everybody a letter goes to.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn spread_one(
        &mut self,
        letter: &Letter<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let header = self.header(letter);
        let buffer = core::mem::take(&mut self.message);
        let Letter { message, envelope, wanted, .. } = *letter;
        let Self { handler, venture, stats, .. } = self;
        let data = if wanted.plain {
            Ok(message.data)
        } else {
            prepare(handler, *venture, &header, message.data, stats)
        };
        let checksums = self.mib.checksums;
        let fanout = data
            .and_then(|data| Copies::of_one(&header, envelope, (message, data), checksums, buffer))
            .map(|mut copies| {
                let (copies, subject) = (&mut copies, message.subject);
                if cfg!(feature = "std") && wanted.way != Way::Singly {
                    self.spread(copies, subject, wanted, transport, user)
                } else {
                    self.spread_singly(copies, subject, wanted, transport, user)
                }
            });
        self.message = buffer;
        fanout
    }

    /// The same for messages with `size` octets of the data each, in as few runs as
    /// the buffer allows.
    fn spread_run(
        &mut self,
        letter: &Letter<'_>,
        size: usize,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let header = self.header(letter);
        let buffer = core::mem::take(&mut self.message);
        let message = letter.message;
        let mut outcome = Ok(Fanout::default());
        let mut data = message.data;
        while let (Ok(total), false) = (&mut outcome, data.is_empty()) {
            let part = (&mut data, size.max(1));
            match Copies::of_run(&header, message, part, self.mib.checksums, buffer) {
                Ok(mut copies) => {
                    total.add(self.spread(
                        &mut copies,
                        message.subject,
                        letter.wanted,
                        transport,
                        user,
                    ));
                }
                // The first is the longest: nothing has been sent.
                Err(fault) => outcome = Err(fault),
            }
        }
        self.message = buffer;
        outcome
    }

    /// The same, one by one: each is encrypted or marshalled by itself, and then they
    /// may differ in size.
    fn spread_each(
        &mut self,
        letter: &Letter<'_>,
        size: usize,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let mut total = None::<Fanout>;
        for data in letter.message.data.chunks(size.max(1)) {
            let message = &Message { data, ..*letter.message };
            let letter = &Letter { message, ..*letter };
            match (self.spread_one(letter, transport, user), &mut total) {
                (Ok(first), None) => total = Some(first),
                (Err(fault), None) => return Err(fault),
                (Ok(more), Some(total)) => total.add(more),
                (Err(fault), Some(total)) => {
                    bump(&mut total.failed);
                    indicate_fault(user, fault);
                }
            }
        }
        Ok(total.unwrap_or_default())
    }

    /// Sends `copies` of messages on `subject` to those who want them, batch by batch.
    fn spread(
        &mut self,
        copies: &mut Copies<'_>,
        subject: SubjectNumber,
        wanted: Wanted,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Fanout {
        let fanout = Fanout::default();
        let mut dispatch = Dispatch { copies, peers: &self.peers, transport, user, fanout };
        if wanted.way != Way::LastBatch {
            let space = Space { mib: self.mib, venture: self.venture, members: &self.peers };
            let mut whole = wanted.plain && wanted.domain.is_none();
            self.batch.clear();
            space.addressees(&self.rules, subject, (wanted.places, wanted.domain)).for_each(
                |(peer, rule)| {
                    let Some(point) = peer.delivery_point(rule.delivery_vector) else {
                        dispatch.miss(peer.key);
                        whole = false;
                        return;
                    };
                    if !self.batch.add(rule, point) {
                        dispatch.send(&self.batch);
                        self.batch.clear();
                        self.batch.add(rule, point);
                        whole = false;
                    }
                },
            );
            if whole && self.id().is_some() {
                let front = self.front(self.batch.label());
                self.batch.complete((subject, self.rules.version()), front);
            }
        }
        dispatch.send(&self.batch);
        let fanout = dispatch.fanout;
        self.count(fanout);
        fanout
    }

    /// The same to one receiver after another, as the radio of a board sends in any case:
    /// that is all of the code it needs for it.
    fn spread_singly(
        &mut self,
        copies: &mut Copies<'_>,
        subject: SubjectNumber,
        wanted: Wanted,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Fanout {
        let space = Space { mib: self.mib, venture: self.venture, members: &self.peers };
        let mut fanout = Fanout::default();
        for (peer, rule) in space.addressees(&self.rules, subject, (wanted.places, wanted.domain)) {
            match copies.send(peer, rule, transport) {
                Ok(()) => bump(&mut fanout.sent),
                Err(fault) => {
                    bump(&mut fanout.failed);
                    indicate_fault(user, fault);
                }
            }
        }
        self.count(fanout);
        fanout
    }

    const fn count(&mut self, fanout: Fanout) {
        self.stats.sent = self.stats.sent.saturating_add(fanout.sent);
        self.stats.not_sent = self.stats.not_sent.saturating_add(fanout.failed);
    }

    /// To whom this module publishes on `subject`, if it may.
    fn require_publisher(&mut self, subject: SubjectNumber) -> Result<Wanted, Fault> {
        // What is complete or prepared, a member may do, and the data go as they are.
        if cfg!(feature = "std") && self.batch.is_complete(subject, self.rules.version()) {
            return Ok(Wanted::LAST);
        }
        let (places, plain) = if let Some(places) = self.rules.prepared(subject) {
            (places, true)
        } else {
            self.require_sender(subject)?;
            if self.is_plain(subject) {
                (self.rules.prepare(subject), true)
            } else {
                (self.rules.places(RuleKind::Subscription, subject), false)
            }
        };
        Ok(Wanted { places, domain: None, plain, way: Way::Batches })
    }

    /// How publications under this label begin.
    fn front(&self, label: Label) -> AamsFront {
        let message = &Message {
            priority: Some(label.priority),
            flow_label: Some(label.flow_label),
            ..Message::new(SubjectNumber::ALL, &[])
        };
        self.header(&Letter::new(message, Wanted::LAST)).front(self.mib.checksums)
    }

    /// The header of a message whose receivers may yet ask for another label.
    fn header(&self, letter: &Letter<'_>) -> AamsHeader {
        let message = letter.message;
        let Label { priority, flow_label } = Label::of(Label::DEFAULT, message);
        AamsHeader {
            message_type: letter.message_type,
            priority,
            flow_label,
            continuum: self.mib.continuum.number,
            source: self.known_as().key(),
            context: message.context,
            subject: message.subject,
        }
    }

    /// Whether the module may send on the subject.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn require_sender(&self, subject: SubjectNumber) -> Result<(), Fault> {
        let role = self.require_member()?.role;
        if !subject.is_application() && role != RoleNumber::RAMS_GATEWAY {
            return Err(Fault::SubjectNotApplication);
        }
        if self.venture.is_some_and(|venture| !venture.may_send(role, subject)) {
            return Err(Fault::NotAuthorisedSender);
        }
        Ok(())
    }

    /// Whether the MIB has other continua.
    fn has_others(&self) -> bool {
        let remote = self.venture.map_or(&[][..], |venture| venture.remote);
        !self.mib.continua.is_empty() || !remote.is_empty()
    }
}

/// What becomes of a message: which type it is of, what it goes in, and who gets it.
#[derive(Clone, Copy)]
pub(super) struct Letter<'m> {
    pub(super) message: &'m Message<'m>,
    pub(super) message_type: MessageType,
    /// Of the envelope it goes in to another continuum.
    pub(super) envelope: Option<&'m EnvelopeHeader>,
    pub(super) wanted: Wanted,
}

impl<'m> Letter<'m> {
    /// A message that takes no part in an exchange.
    const fn new(message: &'m Message<'m>, wanted: Wanted) -> Self {
        Self { message, message_type: MessageType::Unary, envelope: None, wanted }
    }
}

/// The modules with rules at these places, in this domain.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) places: Places,
    /// `None` when the request names no domain.
    pub(super) domain: Option<Domain>,
    /// Whether the data go as they are. If not, what is prepared is of no use.
    pub(super) plain: bool,
    pub(super) way: Way,
}

impl Wanted {
    /// Those in the batch.
    const LAST: Self =
        Self { places: Places::NONE, domain: None, plain: true, way: Way::LastBatch };
}

/// How copies are handed over, where the transport takes several at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To those in the batch: the subscribers it was last published to.
    LastBatch,
    /// Batch by batch.
    Batches,
    /// One by one; the batch stays as it is.
    Singly,
}
