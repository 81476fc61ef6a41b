//! Messages out: publish, send, query, reply, announce (735.1-B-1 4.3.1, 4.3.2,
//! 4.3.4 to 4.3.7).

use core::time::Duration;

use super::copies::{Copies, Dispatch};
use super::handling::{prepare, transmitted};
use super::{Module, PendingQuery, RuleKind, bump};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, RoleNumber, SubjectNumber,
};
use crate::ams::pdu::{AamsFront, AamsHeader, MessageType};
use crate::ams::routing::{Label, Places, Space};
use crate::ams::service::{Fault, Indication, Message, ServiceUser};
use crate::time::Now;
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
        let publication = self.require_publisher(message.subject)?;
        if publication.1.is_plain() {
            self.spread_run(publication, (message, size), transport, user)
        } else {
            self.spread_each(publication, (message, size), transport, user)
        }
    }

    /// The modules that a message published on `subject` now would go to, in the
    /// order of unit and module number.
    pub fn subscribers(&self, subject: SubjectNumber) -> impl Iterator<Item = ModuleId> {
        let places = self.rules.prepared(subject);
        let places = places.unwrap_or_else(|| self.rules.places(RuleKind::Subscription, subject));
        let space = Space { mib: self.mib, venture: self.venture, members: &self.peers };
        space.addressees(&self.rules, subject, (places, None)).map(|(peer, _)| peer.id())
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
        let source = self.require_sender(message.subject)?;
        let (local, all) = (self.mib.continuum.number, ContinuumNumber::ALL);
        if domain.continuum != local && domain.continuum != all {
            self.announce_far(source, domain, message, transport)?;
            return Ok(Fanout::default());
        }
        let places = self.rules.places(RuleKind::Invitation, message.subject);
        let plain = self.is_plain(message.subject);
        let audience = Audience::Of(Wanted { places, domain: Some(domain), plain });
        let fanout = self.spread_one((source, audience), message, transport, user)?;
        if domain.continuum == all && self.has_others() {
            // Theirs besides (4.3.7.1.2.2).
            if let Err(fault) = self.announce_far(source, domain, message, transport) {
                user.indicate(Indication::Fault(fault));
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
        let correspondence = self.require_correspondent(to, message.subject)?;
        self.send_private(MessageType::Unary, correspondence, message, transport)
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
        let correspondence = self.require_correspondent(to, message.subject)?;
        let context = message.context;
        if context == ContextNumber::NONE {
            return Err(Fault::ContextZero);
        }
        if self.queries.contains(context) {
            return Err(Fault::ContextPending);
        }
        if term != Some(Duration::ZERO) {
            let until = term.map(|term| now.monotonic.after(term));
            self.queries.insert(PendingQuery { context, until }).map_err(|_| Fault::TableFull)?;
        }
        let sent = self.send_private(MessageType::Query, correspondence, message, transport);
        if sent.is_err() {
            self.queries.remove(context);
        }
        sent
    }

    /// Gives up the query that is pending in `context`: no fault tells that it timed
    /// out, and the context may be used again. False when none is pending.
    pub fn abandon_query(&mut self, context: ContextNumber) -> bool {
        self.queries.remove(context).is_some()
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
        let correspondence = self.require_correspondent(to, message.subject)?;
        if message.context == ContextNumber::NONE {
            return Err(Fault::ContextZero);
        }
        self.send_private(MessageType::Reply, correspondence, message, transport)
    }

    fn send_private(
        &mut self,
        message_type: MessageType,
        (source, to): (ModuleKey, Correspondent),
        message: &Message<'_>,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let place = match to {
            Correspondent::Here(place) => place,
            Correspondent::Far(continuum, to) => {
                return self.send_far((source, message_type), (continuum, to), message, transport);
            }
        };
        let peer = self.peers.at(place).ok_or(Fault::UnknownDestination)?;
        let rule = u16::try_from(place)
            .ok()
            .and_then(|place| self.rules.winning(RuleKind::Invitation, message.subject, place))
            .ok_or(Fault::NotInvited)?;
        let label = Label::of(rule.label(), message);
        let header = header(message_type, self.mib.continuum.number, source, message, label);
        let Self { handler, venture, stats, .. } = self;
        let data = transmitted(handler, *venture, &header, message, stats)?;
        let mut copies = Copies::of_one(&header, message, data, self.mib.checksums, self.message)?;
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
        let Self { handler, venture, stats, .. } = self;
        let data = if audience.is_plain() {
            Ok(message.data)
        } else {
            prepare(handler, *venture, &header, message.data, stats)
        };
        let checksums = self.mib.checksums;
        let fanout = data
            .and_then(|data| Copies::of_one(&header, message, data, checksums, buffer))
            .map(|mut copies| {
                let (copies, subject) = (&mut copies, message.subject);
                if cfg!(feature = "std") {
                    self.spread(copies, subject, audience, transport, user)
                } else {
                    self.spread_singly(copies, subject, audience, transport, user)
                }
            });
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
                    total.add(self.spread(&mut copies, message.subject, audience, transport, user));
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
        publication: (ModuleKey, Audience),
        (message, size): (&Message<'_>, usize),
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Result<Fanout, Fault> {
        let mut total = None::<Fanout>;
        for data in message.data.chunks(size.max(1)) {
            let message = Message { data, ..*message };
            match (self.spread_one(publication, &message, transport, user), &mut total) {
                (Ok(first), None) => total = Some(first),
                (Err(fault), None) => return Err(fault),
                (Ok(more), Some(total)) => total.add(more),
                (Err(fault), Some(total)) => {
                    bump(&mut total.failed);
                    user.indicate(Indication::Fault(fault));
                }
            }
        }
        Ok(total.unwrap_or_default())
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
                let space = Space { mib: self.mib, venture: self.venture, members: &self.peers };
                let mut whole = wanted.plain && wanted.domain.is_none();
                self.batch.clear();
                let audience = (wanted.places, wanted.domain);
                space.addressees(&self.rules, subject, audience).for_each(|(peer, rule)| {
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
                });
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

    /// The same to one receiver after another, as the radio of a board sends in any case:
    /// that is all of the code it needs for it.
    fn spread_singly(
        &mut self,
        copies: &mut Copies<'_>,
        subject: SubjectNumber,
        audience: Audience,
        transport: &mut dyn Transport,
        user: &mut dyn ServiceUser,
    ) -> Fanout {
        let wanted = match audience {
            Audience::Of(wanted) => wanted,
            Audience::AsLast => {
                let places = self.rules.places(RuleKind::Subscription, subject);
                Wanted { places, domain: None, plain: true }
            }
        };
        let space = Space { mib: self.mib, venture: self.venture, members: &self.peers };
        let mut fanout = Fanout::default();
        for (peer, rule) in space.addressees(&self.rules, subject, (wanted.places, wanted.domain)) {
            match copies.send(peer, rule, transport) {
                Ok(()) => bump(&mut fanout.sent),
                Err(fault) => {
                    bump(&mut fanout.failed);
                    user.indicate(Indication::Fault(fault));
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

    /// Who publishes on `subject`, if this module may, and to whom.
    fn require_publisher(
        &mut self,
        subject: SubjectNumber,
    ) -> Result<(ModuleKey, Audience), Fault> {
        // What is prepared, this module may do, and the data go as they are.
        if cfg!(feature = "std") && self.batch.is_complete(subject, self.rules.version()) {
            return Ok((self.require_member()?.key(), Audience::AsLast));
        }
        let (source, places, plain) = match self.rules.prepared(subject) {
            Some(places) => (self.require_member()?.key(), places, true),
            None if self.is_plain(subject) => {
                (self.require_sender(subject)?, self.rules.prepare(subject), true)
            }
            None => {
                let places = self.rules.places(RuleKind::Subscription, subject);
                (self.require_sender(subject)?, places, false)
            }
        };
        Ok((source, Audience::Of(Wanted { places, domain: None, plain })))
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
    pub(super) fn require_sender(&self, subject: SubjectNumber) -> Result<ModuleKey, Fault> {
        let id = self.require_member()?;
        if !subject.is_application() && id.role != RoleNumber::RAMS_GATEWAY {
            return Err(Fault::SubjectNotApplication);
        }
        if self.venture.is_some_and(|venture| !venture.may_send(id.role, subject)) {
            return Err(Fault::NotAuthorisedSender);
        }
        Ok(id.key())
    }

    /// The module may send on the subject, and the destination receive (4.3.4.1.1);
    /// who it is, and where the destination is. The role of one in another continuum
    /// is not known.
    fn require_correspondent(
        &self,
        (continuum, to): (ContinuumNumber, ModuleKey),
        subject: SubjectNumber,
    ) -> Result<(ModuleKey, Correspondent), Fault> {
        let source = self.require_sender(subject)?;
        if continuum != self.mib.continuum.number {
            return Ok((source, Correspondent::Far(continuum, to)));
        }
        let place = self.peers.place(to).ok_or(Fault::UnknownDestination)?;
        let peer = self.peers.at(place).ok_or(Fault::UnknownDestination)?;
        if self.venture.is_some_and(|venture| !venture.may_receive(peer.role, subject)) {
            return Err(Fault::DestinationNotAuthorised);
        }
        Ok((source, Correspondent::Here(place)))
    }

    /// Whether the MIB has other continua.
    fn has_others(&self) -> bool {
        let remote = self.venture.map_or(&[][..], |venture| venture.remote);
        !self.mib.continua.is_empty() || !remote.is_empty()
    }
}

/// Whom a private message is for.
#[derive(Clone, Copy)]
enum Correspondent {
    /// The module at this place among the peers.
    Here(usize),
    /// A module of another continuum.
    Far(ContinuumNumber, ModuleKey),
}

/// To whom a message goes.
#[derive(Clone, Copy)]
enum Audience {
    /// Those in the batch: the subscribers it was last published to.
    AsLast,
    Of(Wanted),
}

impl Audience {
    /// Whether the data go as they are.
    const fn is_plain(&self) -> bool {
        match self {
            Self::AsLast => true,
            Self::Of(wanted) => wanted.plain,
        }
    }
}

/// The modules with rules at these places, in this domain.
#[derive(Clone, Copy)]
struct Wanted {
    places: Places,
    /// `None` when the request names no domain: it is a publication.
    domain: Option<Domain>,
    /// Whether the data go as they are. If not, what is prepared is of no use.
    plain: bool,
}

pub(super) fn header(
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
