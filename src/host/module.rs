//! An AMS module on a host: its sockets, its storage and its application.

use std::boxed::Box;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use bumpalo::Bump;
use mio::{Registry, Token};

pub use super::binding::BindOptions;
use super::driver::Entity;
use super::inbox::Inbox;
use super::net::{MAX_RECEIVED, NameStyle, TcpReceiver, TcpSender, UdpEndpoint, endpoint_name};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleKey, RoleNumber, SubjectNumber, UnitNumber,
    VentureNumber,
};
use crate::ams::mib::{ChangeRefused, Mib};
use crate::ams::module::{Fanout, Module, ModuleIdentity, ModuleStorage, RuleRequest};
use crate::ams::pdu::{
    ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName, MAX_APPLICATION_DATA,
};
use crate::ams::security::{Authenticator, ContentHandler};
use crate::ams::service::{Delivery, Fault, Indication, Message};
use crate::storage::Slot;
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, Refused, SendError, Transport};

/// The sockets of a module: one for MPDUs, and a delivery point for each of the
/// two service modes a host has.
#[derive(Debug)]
pub struct ModuleSockets {
    pub(super) mams: UdpEndpoint,
    aams: UdpEndpoint,
    /// Messages are received at `aams`, and not only sent from it.
    udp_offered: bool,
    tcp_in: Option<TcpReceiver>,
    pub(super) tcp_out: TcpSender,
}

impl ModuleSockets {
    /// Binds them at `ip`, the MAMS socket at `mams_port`, the others at ports the
    /// system chooses; port 0 lets the system choose that one too.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(ip: IpAddr, mams_port: u16) -> io::Result<Self> {
        let any = SocketAddr::new(ip, 0);
        let mams = UdpEndpoint::bind(SocketAddr::new(ip, mams_port))?;
        Ok(Self::of(mams, (UdpEndpoint::bind(any)?, true), Some(TcpReceiver::bind(any)?)))
    }

    /// These sockets. That for messages over UDP may be there to send alone.
    pub(super) fn of(
        mams: UdpEndpoint,
        (aams, udp_offered): (UdpEndpoint, bool),
        tcp_in: Option<TcpReceiver>,
    ) -> Self {
        Self { mams, aams, udp_offered, tcp_in, tcp_out: TcpSender::default() }
    }

    /// The contact summary that leads to them: delivery vector 1 is UDP, best
    /// effort in the order of arrival; 2 is TCP, assured in the order of transmission.
    #[must_use]
    pub fn contact<'a>(
        &self,
        arena: &'a Bump,
        style: NameStyle,
    ) -> Option<ContactSummaryValues<'a>> {
        let name = |socket| &*arena.alloc_str(&endpoint_name(socket, style));
        let vector = |number, service, socket| {
            let points =
                arena.alloc_slice_copy(&[DeliveryPoint { service, endpoint: name(socket) }]);
            DeliveryVectorValues { number, points }
        };
        let udp = self.udp_offered.then(|| vector(1, "udp", self.aams.local()));
        let tcp = self.tcp_in.as_ref().map(|tcp| vector(2, "tcp", tcp.local()));
        let vectors: Vec<_> = udp.into_iter().chain(tcp).collect();
        let delivery_vectors = arena.alloc_slice_copy(&vectors);
        let endpoint = EndpointName::new(name(self.mams.local())).ok()?;
        Some(ContactSummaryValues { endpoint, delivery_vectors })
    }

    /// Where MPDUs are received.
    #[must_use]
    pub const fn mams(&self) -> SocketAddr {
        self.mams.local()
    }

    /// Has `registry` tell when something arrives.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.mams.register(registry, token)?;
        self.aams.register(registry, token)?;
        match &mut self.tcp_in {
            Some(tcp) => tcp.register(registry, token),
            None => Ok(()),
        }
    }

    /// Takes in messages that have arrived, as many as wait at a time. False when
    /// there are none.
    pub(super) fn collect(&mut self, inbox: &mut Inbox, buffer: &mut [u8]) -> bool {
        inbox.clear();
        while !inbox.is_full()
            && let Some((_, datagrams)) = self.aams.receive(buffer)
        {
            for octets in datagrams {
                inbox.add(octets, None);
            }
        }
        if let Some(tcp) = &mut self.tcp_in {
            while !inbox.is_full()
                && let Some((from, octets)) = tcp.receive()
            {
                inbox.add(&octets, Some(from));
            }
        }
        !inbox.is_empty()
    }
}

/// The way out for messages: UDP and TCP.
struct MessageTransport<'t> {
    udp: &'t mut UdpEndpoint,
    tcp: &'t mut TcpSender,
}

impl Transport for MessageTransport<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        self.udp.resolve(service, endpoint).or_else(|| self.tcp.resolve(service, endpoint))
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        match self.udp.send(to, flow_label, octets) {
            Err(SendError::Unreachable) => self.tcp.send(to, flow_label, octets),
            other => other,
        }
    }

    fn send_run(
        &mut self,
        to: &[Address],
        flow_label: u8,
        octets: &[u8],
        size: usize,
    ) -> Result<(), Refused> {
        let mut taken = 0_usize;
        let mut rest = to;
        // Receivers of one service at a time.
        while let Some(first) = rest.first() {
            let alike = rest.iter().take_while(|to| to.service() == first.service()).count();
            let (these, others) = rest.split_at_checked(alike).unwrap_or((rest, &[]));
            let service: &mut dyn Transport =
                if self.udp.reaches(first) { self.udp } else { self.tcp };
            service.send_run(these, flow_label, octets, size).map_err(|refused| Refused {
                taken: taken.saturating_add(refused.taken),
                ..refused
            })?;
            let run = octets.len().div_ceil(size.max(1));
            taken = taken.saturating_add(alike.saturating_mul(run));
            rest = others;
        }
        Ok(())
    }
}

/// The way out for MPDUs. Names of delivery points are resolved for messages.
struct MetaTransport<'t> {
    mams: &'t mut UdpEndpoint,
    tcp: &'t mut TcpSender,
}

impl Transport for MetaTransport<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        self.mams.resolve(service, endpoint).or_else(|| self.tcp.resolve(service, endpoint))
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        self.mams.send(to, flow_label, octets)
    }
}

/// How much of a message space a module on a host has room for.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Other modules.
    pub peers: usize,
    /// Subscriptions and invitations of other modules.
    pub rules: usize,
    /// Own subscriptions and invitations.
    pub own: usize,
    /// Pending queries.
    pub queries: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { peers: 1_024, rules: 8_192, own: 256, queries: 256 }
    }
}

/// The service a module on a host gives its application.
#[derive(Debug)]
pub struct Service<'s> {
    module: Module<'s>,
    sockets: ModuleSockets,
    indications: VecDeque<Indication>,
}

impl<'s> Service<'s> {
    /// `Register.request`; see [`Module::register`].
    ///
    /// # Errors
    /// As [`Module::register`].
    pub fn register(&mut self, now: Now) -> Result<(), Fault> {
        let Self { module, sockets, indications } = self;
        let mut transport = MetaTransport { mams: &mut sockets.mams, tcp: &mut sockets.tcp_out };
        module.register(now, &mut transport, &mut |indication| indications.push_back(indication))
    }

    /// `Unregister.request`; see [`Module::unregister`].
    ///
    /// # Errors
    /// As [`Module::unregister`].
    pub fn unregister(&mut self, now: Now) -> Result<(), Fault> {
        let left = self.module.unregister(now, &mut self.sockets.mams)?;
        self.indications.push_back(left);
        Ok(())
    }

    /// `Assert_subscription.request`; see [`Module::subscribe`].
    ///
    /// # Errors
    /// As [`Module::subscribe`].
    pub fn subscribe(&mut self, now: Now, request: &RuleRequest) -> Result<(), Fault> {
        self.module.subscribe(now, request, &mut self.sockets.mams)
    }

    /// `Cancel_subscription.request`; see [`Module::unsubscribe`].
    ///
    /// # Errors
    /// As [`Module::unsubscribe`].
    pub fn unsubscribe(
        &mut self,
        now: Now,
        subject: SubjectNumber,
        domain: Domain,
    ) -> Result<(), Fault> {
        self.module.unsubscribe(now, subject, domain, &mut self.sockets.mams)
    }

    /// `Assert_invitation.request`; see [`Module::invite`].
    ///
    /// # Errors
    /// As [`Module::invite`].
    pub fn invite(&mut self, now: Now, request: &RuleRequest) -> Result<(), Fault> {
        self.module.invite(now, request, &mut self.sockets.mams)
    }

    /// `Cancel_invitation.request`; see [`Module::disinvite`].
    ///
    /// # Errors
    /// As [`Module::disinvite`].
    pub fn disinvite(
        &mut self,
        now: Now,
        subject: SubjectNumber,
        domain: Domain,
    ) -> Result<(), Fault> {
        self.module.disinvite(now, subject, domain, &mut self.sockets.mams)
    }

    /// `Publish.request`; see [`Module::publish`].
    ///
    /// # Errors
    /// As [`Module::publish`].
    pub fn publish(&mut self, message: &Message<'_>) -> Result<Fanout, Fault> {
        let Self { module, sockets, indications } = self;
        let mut transport = messages(sockets);
        module.publish(message, &mut transport, &mut |fault| indications.push_back(fault))
    }

    /// `Publish.request` for messages of equal size; see [`Module::publish_run`].
    ///
    /// # Errors
    /// As [`Module::publish_run`].
    pub fn publish_run(&mut self, message: &Message<'_>, size: usize) -> Result<Fanout, Fault> {
        let Self { module, sockets, indications } = self;
        let mut transport = messages(sockets);
        module.publish_run(message, size, &mut transport, &mut |fault| indications.push_back(fault))
    }

    /// `Announce.request`; see [`Module::announce`].
    ///
    /// # Errors
    /// As [`Module::announce`].
    pub fn announce(&mut self, domain: Domain, message: &Message<'_>) -> Result<Fanout, Fault> {
        let Self { module, sockets, indications } = self;
        let mut transport = messages(sockets);
        module.announce(domain, message, &mut transport, &mut |fault| indications.push_back(fault))
    }

    /// `Send.request`; see [`Module::send`].
    ///
    /// # Errors
    /// As [`Module::send`].
    pub fn send(
        &mut self,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
    ) -> Result<(), Fault> {
        self.module.send(to, message, &mut messages(&mut self.sockets))
    }

    /// `Query.request`; see [`Module::query`].
    ///
    /// # Errors
    /// As [`Module::query`].
    pub fn query(
        &mut self,
        now: Now,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
        term: Option<Duration>,
    ) -> Result<(), Fault> {
        self.module.query(now, to, message, term, &mut messages(&mut self.sockets))
    }

    /// Gives up a pending query; see [`Module::abandon_query`].
    pub fn abandon_query(&mut self, context: ContextNumber) -> bool {
        self.module.abandon_query(context)
    }

    /// Goes by another MIB; see [`Module::change_mib`].
    ///
    /// # Errors
    /// As [`Module::change_mib`].
    pub fn change_mib(&mut self, mib: &'s Mib<'s>) -> Result<(), ChangeRefused> {
        let Self { module, indications, .. } = self;
        module.change_mib(mib, &mut |indication| indications.push_back(indication))
    }

    /// `Reply.request`; see [`Module::reply`].
    ///
    /// # Errors
    /// As [`Module::reply`].
    pub fn reply(
        &mut self,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
    ) -> Result<(), Fault> {
        self.module.reply(to, message, &mut messages(&mut self.sockets))
    }

    /// The module, and the transport for its messages, for those who carry a
    /// protocol of their own over it.
    pub fn parts(&mut self) -> (&mut Module<'s>, impl Transport + '_) {
        (&mut self.module, messages(&mut self.sockets))
    }

    /// The module.
    #[must_use]
    pub const fn module(&self) -> &Module<'s> {
        &self.module
    }

    /// Whether accepted messages still wait for their connections; who ends before
    /// they are sent loses them.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.sockets.tcp_out.is_waiting()
    }
}

fn messages(sockets: &mut ModuleSockets) -> MessageTransport<'_> {
    MessageTransport { udp: &mut sockets.aams, tcp: &mut sockets.tcp_out }
}

/// What an application on a host does with its module.
pub trait Application {
    /// The module indicates something other than a message.
    fn indicated(&mut self, now: Now, service: &mut Service<'_>, indication: Indication);

    /// A message was received, or discarded for a fault.
    fn delivered(
        &mut self,
        now: Now,
        service: &mut Service<'_>,
        delivery: Result<Delivery<'_>, Fault>,
    );

    /// Does whatever of its own is due.
    fn tick(&mut self, now: Now, service: &mut Service<'_>);

    /// When [`Application::tick`] is next to be called.
    fn next_deadline(&self) -> Option<Instant>;
}

/// A module with its sockets and its application, for a driver to run.
#[derive(Debug)]
pub struct ModuleHost<'s, A> {
    /// The application.
    pub application: A,
    /// The module's service.
    pub service: Service<'s>,
    inbox: Inbox,
    buffer: Box<[u8]>,
    /// Where messages are decrypted and un-marshalled; empty where they are not.
    room: Box<[u8]>,
    last_run: Instant,
}

impl<'s, A: Application> ModuleHost<'s, A> {
    /// A module in `role` of the cell of `unit` of `venture`. Its storage is taken
    /// from `arena`.
    ///
    /// # Errors
    /// When a socket has an address that fits no endpoint name.
    pub fn new(
        arena: &'s Bump,
        mib: &'s Mib<'s>,
        (venture, unit, role): (VentureNumber, UnitNumber, RoleNumber),
        (sockets, style): (ModuleSockets, NameStyle),
        capacity: Capacity,
        application: A,
    ) -> io::Result<Self> {
        let identity = identity(arena, (venture, unit, role), (&sockets, style))?;
        let module = Module::new(mib, identity, storage(arena, capacity));
        let service = Service { module, sockets, indications: VecDeque::new() };
        let buffer = vec![0; MAX_RECEIVED].into_boxed_slice();
        let inbox = Inbox::default();
        let room = Box::default();
        Ok(Self { application, service, inbox, buffer, room, last_run: Instant::ZERO })
    }

    /// The same with [`Module::with_authenticator`].
    #[must_use]
    pub fn with_authenticator(self, authenticator: &'s dyn Authenticator) -> Self {
        let module = self.service.module.with_authenticator(authenticator);
        Self { service: Service { module, ..self.service }, ..self }
    }

    /// The same with [`Module::with_content_handler`]. Messages of any length are
    /// decrypted, and un-marshalled to as much again.
    #[must_use]
    pub fn with_content_handler(self, handler: &'s mut dyn ContentHandler) -> Self {
        let module = self.service.module.with_content_handler(handler);
        let room = vec![0; MAX_APPLICATION_DATA.saturating_mul(2)].into_boxed_slice();
        Self { service: Service { module, ..self.service }, room, ..self }
    }

    fn indicate(&mut self, now: Now) {
        while let Some(indication) = self.service.indications.pop_front() {
            self.application.indicated(now, &mut self.service, indication);
        }
    }

    fn receive_mams(&mut self, now: Now) {
        let Service { module, sockets, indications } = &mut self.service;
        while let Some((from, datagrams)) = sockets.mams.receive(&mut self.buffer) {
            let mut transport =
                MetaTransport { mams: &mut sockets.mams, tcp: &mut sockets.tcp_out };
            for octets in datagrams {
                module.receive_mams(now, &from, octets, &mut transport, &mut |indication| {
                    indications.push_back(indication);
                });
            }
        }
    }

    /// Delivers the messages that have arrived, the most urgent first, but for those
    /// of modules that are not known: their introduction may have arrived too, and be
    /// still to be read.
    fn receive_aams(&mut self, now: Now) -> Vec<Vec<u8>> {
        let mut strangers: Vec<Vec<u8>> = Vec::new();
        let Self { application, service, inbox, buffer, room, .. } = self;
        while service.sockets.collect(inbox, buffer) {
            for octets in inbox.in_order() {
                if service.module.knows_source(octets) || strangers.len() >= MOST_STRANGERS {
                    let delivery = service.module.receive_aams_in(octets, room);
                    application.delivered(now, service, delivery);
                } else {
                    strangers.push(octets.to_vec());
                }
            }
        }
        strangers
    }
}

impl<A: Application> Entity for ModuleHost<'_, A> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.service.sockets.register(registry, token)
    }

    fn run(&mut self, now: Now) {
        // Messages first: their senders may have said that they stop. Then what
        // introduces modules, and what they sent.
        let strangers = self.receive_aams(now);
        self.receive_mams(now);
        self.indicate(now);
        for octets in strangers {
            let delivery = self.service.module.receive_aams_in(&octets, &mut self.room);
            self.application.delivered(now, &mut self.service, delivery);
        }
        let due = |deadline: Option<Instant>| deadline.is_some_and(|at| now.monotonic >= at);
        if due(self.service.module.next_deadline()) {
            let Service { module, sockets, indications } = &mut self.service;
            let mut transport =
                MetaTransport { mams: &mut sockets.mams, tcp: &mut sockets.tcp_out };
            module.tick(now, &mut transport, &mut |indication| indications.push_back(indication));
        }
        self.indicate(now);
        if due(self.application.next_deadline()) {
            self.application.tick(now, &mut self.service);
        }
        self.service.sockets.tcp_out.flush();
        self.indicate(now);
        self.last_run = now.monotonic;
    }

    fn next_deadline(&self) -> Option<Instant> {
        // What waits for a connection is offered again soon; nobody tells when.
        let flush =
            self.service.sockets.tcp_out.is_waiting().then(|| self.last_run.after(FLUSH_PERIOD));
        // What a request of the application has led to is still to be told.
        let told = self.service.indications.is_empty();
        let untold = (!told).then_some(self.last_run);
        let own = earliest(self.service.module.next_deadline(), self.application.next_deadline());
        earliest(earliest(flush, untold), own)
    }
}

/// Who a module is that registers with these sockets.
pub(super) fn identity<'s>(
    arena: &'s Bump,
    (venture, unit, role): (VentureNumber, UnitNumber, RoleNumber),
    (sockets, style): (&ModuleSockets, NameStyle),
) -> io::Result<ModuleIdentity<'s>> {
    let contact = sockets.contact(arena, style).ok_or(io::ErrorKind::AddrNotAvailable)?;
    // A new series of query numbers for each life (5.1.3.1).
    let seconds = super::clock::system_utc().unix_seconds();
    let first_query = u32::try_from(seconds & 0x7fff_ffff).unwrap_or(1);
    Ok(ModuleIdentity { venture, unit, role, contact, first_query })
}

/// The storage of a module.
pub(super) fn storage(arena: &Bump, capacity: Capacity) -> ModuleStorage<'_> {
    ModuleStorage {
        peers: arena.alloc_slice_fill_with(capacity.peers, |_| Slot::EMPTY),
        rules: arena.alloc_slice_fill_with(capacity.rules, |_| Slot::EMPTY),
        own: arena.alloc_slice_fill_with(capacity.own, |_| Slot::EMPTY),
        queries: arena.alloc_slice_fill_with(capacity.queries, |_| Slot::EMPTY),
        mpdu: arena.alloc_slice_fill_copy(4_400, 0),
        message: arena.alloc_slice_fill_copy(MAX_APPLICATION_DATA.saturating_add(18), 0),
    }
}

/// How many messages of modules that are not known wait for their introduction.
pub(super) const MOST_STRANGERS: usize = 1_024;

/// How soon a connection that took no more is offered the rest.
pub(super) const FLUSH_PERIOD: Duration = Duration::from_millis(5);
