//! A RAMS gateway on a host: its sockets as a module, its storage, and the
//! [carriages](super::rams) that take RPDUs to its neighbours.

use std::boxed::Box;
use std::collections::VecDeque;
use std::format;
use std::io;
use std::time::Duration;
use std::vec;
use std::vec::Vec;

use bumpalo::Bump;
use mio::{Registry, Token};

use super::driver::Entity;
use super::inbox::Inbox;
use super::module::{Capacity, FLUSH_PERIOD, MOST_STRANGERS, ModuleSockets, identity, storage};
use super::net::{MAX_RECEIVED, NameStyle};
use super::rams::{Arrivals, Carriages, RamsCarriage};
use crate::ams::gateway::{Block, Gateway, GatewayConfig, GatewayStorage, NeighbourSet};
use crate::ams::ids::{RoleNumber, UnitNumber, VentureNumber};
use crate::ams::mib::{ChangeRefused, Mib, RemoteMessageSpace};
use crate::ams::pdu::{Envelope, MAX_APPLICATION_DATA};
use crate::ams::security::{Authenticator, ChannelHandler};
use crate::ams::service::{Fault, Indication};
use crate::storage::Slot;
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, SendError, Transport};

/// Octets of an RPDU with the longest message.
const LONGEST_RPDU: usize = MAX_APPLICATION_DATA + 28;
/// Octets of nonce and tag, at the most.
const SEAL: usize = 64;

/// How much a gateway on a host has room for.
#[derive(Clone, Copy, Debug)]
pub struct GatewayCapacity {
    /// As a module. It gets an own rule for each petition besides.
    pub module: Capacity,
    /// Subscription specifications that are wanted across continua.
    pub petitions: usize,
    /// Messages that wait for a channel.
    pub messages: usize,
    /// Octets of messages that wait, rounded up to blocks of 60 for each message.
    pub octets: usize,
}

impl Default for GatewayCapacity {
    /// Room for 4,096 messages of 16 MiB in all, and for 1,024 petitions.
    fn default() -> Self {
        Self { module: Capacity::default(), petitions: 1_024, messages: 4_096, octets: 1 << 24 }
    }
}

/// What a gateway on a host is told besides its MIB.
#[derive(Clone, Copy, Debug)]
pub struct GatewaySetup {
    /// The venture it serves.
    pub venture: VentureNumber,
    /// The unit in whose cell it registers.
    pub unit: UnitNumber,
    /// How it writes endpoint names.
    pub style: NameStyle,
    /// Its times.
    pub config: GatewayConfig,
    /// Its room.
    pub capacity: GatewayCapacity,
}

/// Who watches a gateway.
pub trait GatewayUser {
    /// The gateway, as a module, indicates something. When it was declared dead it
    /// has begun to register again.
    fn indicated(&mut self, now: Now, gateway: &Gateway<'_>, indication: Indication) {
        let _ = (now, gateway, indication);
    }

    /// A message of its message space was discarded.
    fn discarded(&mut self, now: Now, fault: Fault) {
        let _ = (now, fault);
    }

    /// Something may have changed: told after every MPDU and every petition, and once
    /// in each turn.
    fn changed(&mut self, now: Now, gateway: &Gateway<'_>) {
        let _ = (now, gateway);
    }
}

/// Nobody watches.
impl GatewayUser for () {}

/// A gateway with its sockets and carriages, for a driver to run. When it is
/// declared dead it registers again.
#[derive(Debug)]
pub struct GatewayHost<'s, U> {
    /// Who watches it.
    pub user: U,
    gateway: Gateway<'s>,
    mib: &'s Mib<'s>,
    venture: VentureNumber,
    sockets: ModuleSockets,
    carriages: Carriages,
    indications: VecDeque<Indication>,
    inbox: Inbox,
    arrivals: Arrivals,
    buffer: Box<[u8]>,
    /// RPDUs were left for the next run.
    more: bool,
    /// From when on RPDUs are taken, while it is a member of its message space.
    listens_from: Option<Instant>,
    last_run: Instant,
}

impl<'s, U: GatewayUser> GatewayHost<'s, U> {
    /// A gateway whose storage is taken from `arena`. Of several carriages of one
    /// service the first is used.
    ///
    /// # Errors
    /// When a socket has an address that fits no endpoint name; and when two
    /// carriages have one service number, or one that is not theirs to have.
    pub fn new(
        arena: &'s Bump,
        mib: &'s Mib<'s>,
        setup: GatewaySetup,
        sockets: ModuleSockets,
        carriages: Carriages,
        user: U,
    ) -> io::Result<Self> {
        let mut numbers: Vec<_> = carriages.iter().map(|carriage| carriage.number()).collect();
        numbers.sort_unstable();
        numbers.insert(0, super::net::HIGHEST);
        if !numbers.is_sorted_by(|one, next| one < next) {
            let problem = format!("carriages have the service numbers {numbers:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let GatewaySetup { venture, unit, style, config, capacity } = setup;
        let place = (venture, unit, RoleNumber::RAMS_GATEWAY);
        let identity = identity(arena, place, (&sockets, style))?;
        let own = capacity.module.own.saturating_add(capacity.petitions);
        let blocks = capacity.octets.div_ceil(Block::PAYLOAD);
        let storage = GatewayStorage {
            module: storage(arena, Capacity { own, ..capacity.module }),
            neighbours: arena.alloc_slice_fill_with(NeighbourSet::CAPACITY, |_| Slot::EMPTY),
            petitions: arena.alloc_slice_fill_with(capacity.petitions, |_| Slot::EMPTY),
            parcels: arena.alloc_slice_fill_with(capacity.messages, |_| Slot::EMPTY),
            blocks: arena.alloc_slice_fill_copy(blocks, Block::EMPTY),
            rpdu: arena.alloc_slice_fill_copy(LONGEST_RPDU, 0),
        };
        Ok(Self {
            user,
            gateway: Gateway::new(mib, identity, config, storage),
            mib,
            venture,
            sockets,
            carriages,
            indications: VecDeque::new(),
            inbox: Inbox::default(),
            arrivals: Arrivals::default(),
            buffer: vec![0; MAX_RECEIVED].into_boxed_slice(),
            more: false,
            listens_from: None,
            last_run: Instant::ZERO,
        })
    }

    /// The same with [`Gateway::with_authenticator`].
    #[must_use]
    pub fn with_authenticator(self, authenticator: &'s dyn Authenticator) -> Self {
        Self { gateway: self.gateway.with_authenticator(authenticator), ..self }
    }

    /// The same with [`Gateway::with_channel_security`] and room for the longest message.
    #[must_use]
    pub fn with_channel_security(self, arena: &'s Bump, handler: &'s dyn ChannelHandler) -> Self {
        let opened = arena.alloc_slice_fill_copy(LONGEST_RPDU, 0);
        let sealed = arena.alloc_slice_fill_copy(LONGEST_RPDU.saturating_add(SEAL), 0);
        Self { gateway: self.gateway.with_channel_security(handler, sealed, opened), ..self }
    }

    /// Begins to take part; see [`Gateway::register`].
    ///
    /// # Errors
    /// As [`Gateway::register`].
    pub fn register(&mut self, now: Now) -> Result<(), Fault> {
        let (gateway, mut transport, indications, _) = self.parts(now);
        gateway.register(now, &mut transport, &mut |indication| indications.push_back(indication))
    }

    /// Retracts the gateway and unregisters it; see [`Gateway::unregister`].
    ///
    /// # Errors
    /// As [`Gateway::unregister`].
    pub fn unregister(&mut self, now: Now) -> Result<(), Fault> {
        let (gateway, mut transport, ..) = self.parts(now);
        gateway.unregister(now, &mut transport)
    }

    /// Goes by another MIB; see [`Gateway::change_mib`]. Names of neighbours are
    /// looked up anew.
    ///
    /// # Errors
    /// As [`Gateway::change_mib`].
    pub fn change_mib(&mut self, now: Now, mib: &'s Mib<'s>) -> Result<(), ChangeRefused> {
        let before = self.mib;
        self.mib = mib;
        let (gateway, mut transport, indications, _) = self.parts(now);
        let changed = gateway.change_mib(now, mib, &mut transport, &mut |indication| {
            indications.push_back(indication);
        });
        if changed.is_err() {
            self.mib = before;
        }
        changed
    }

    /// The machine.
    #[must_use]
    pub const fn gateway(&self) -> &Gateway<'s> {
        &self.gateway
    }

    /// The carriages.
    #[must_use]
    pub fn carriages(&self) -> &[Box<dyn RamsCarriage>] {
        &self.carriages
    }

    /// Neighbours in a MIB whose locations no carriage serves.
    pub fn unserved<'m>(
        &self,
        mib: &'m Mib<'m>,
    ) -> impl Iterator<Item = &'m RemoteMessageSpace<'m>> {
        neighbours(mib, self.venture).filter(|space| {
            let service = space.gateway.split_once('@').map(|(service, _)| service);
            !self.carriages.iter().any(|carriage| Some(carriage.service()) == service)
        })
    }

    /// Whether something it has taken is still to leave this host.
    #[must_use]
    pub fn is_sending(&self) -> bool {
        self.sockets.tcp_out.is_waiting()
            || self.carriages.iter().any(|carriage| carriage.is_sending())
    }

    /// The machine, what is lent to it, and where the messages wait.
    fn parts(
        &mut self,
        now: Now,
    ) -> (&mut Gateway<'s>, GatewayTransport<'_>, &mut VecDeque<Indication>, &mut U) {
        let Self { gateway, sockets, carriages, indications, mib, venture, user, .. } = self;
        let transport = GatewayTransport { now, sockets, carriages, mib, venture: *venture };
        (gateway, transport, indications, user)
    }

    fn indicate(&mut self, now: Now) {
        while let Some(indication) = self.indications.pop_front() {
            if indication == Indication::ModuleIsDead {
                // It was a member, so that nothing speaks against it.
                let _ = self.register(now);
            }
            self.user.indicated(now, &self.gateway, indication);
        }
    }

    /// Takes messages of the message space, but for those of modules that are not
    /// known, which are returned: their introduction may still be to be read.
    fn receive_aams(&mut self, now: Now) -> Vec<Vec<u8>> {
        let mut strangers: Vec<Vec<u8>> = Vec::new();
        let Self { gateway, sockets, carriages, inbox, buffer, mib, venture, user, .. } = self;
        while sockets.collect(inbox, buffer) {
            for octets in inbox.in_order() {
                if !gateway.module().knows_source(octets) && strangers.len() < MOST_STRANGERS {
                    strangers.push(octets.to_vec());
                    continue;
                }
                let mut transport =
                    GatewayTransport { now, sockets, carriages, mib, venture: *venture };
                if let Err(fault) = gateway.receive_aams(now, octets, &mut transport) {
                    user.discarded(now, fault);
                }
            }
        }
        strangers
    }

    fn receive_mams(&mut self, now: Now) {
        let Self { gateway, sockets, carriages, indications, buffer, mib, venture, user, .. } =
            self;
        while let Some((from, datagrams)) = sockets.mams.receive(buffer) {
            let mut transport =
                GatewayTransport { now, sockets, carriages, mib, venture: *venture };
            for octets in datagrams {
                gateway.receive_mams(now, &from, octets, &mut transport, &mut |indication| {
                    indications.push_back(indication);
                });
                user.changed(now, gateway);
            }
        }
    }

    fn receive_rams(&mut self, now: Now) {
        let Self { gateway, sockets, carriages, arrivals, mib, venture, user, .. } = self;
        arrivals.clear();
        let is_member = gateway.module().id().is_some();
        let listens_from = self.listens_from.filter(|_| is_member);
        self.listens_from = listens_from.or(is_member.then(|| now.monotonic.after(INTRODUCTIONS)));
        let listens = self.listens_from.is_some_and(|from| now.monotonic >= from);
        for carriage in carriages.iter_mut() {
            carriage.run(now);
            // It would not know whom a message is for.
            if listens {
                carriage.receive(now, arrivals);
            }
        }
        self.more = arrivals.is_full();
        for (from, octets) in arrivals.iter() {
            let mut transport =
                GatewayTransport { now, sockets, carriages, mib, venture: *venture };
            gateway.receive_rams(now, from, octets, &mut transport);
            // What is encrypted may be anything.
            if !Envelope::parse(octets).is_ok_and(|envelope| envelope.content().is_some()) {
                user.changed(now, gateway);
            }
        }
    }
}

impl<U: GatewayUser> Entity for GatewayHost<'_, U> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.sockets.register(registry, token)?;
        self.carriages.iter_mut().try_for_each(|carriage| carriage.register(registry, token))
    }

    fn run(&mut self, now: Now) {
        let strangers = self.receive_aams(now);
        self.receive_mams(now);
        self.indicate(now);
        for octets in strangers {
            let (gateway, mut transport, _, user) = self.parts(now);
            if let Err(fault) = gateway.receive_aams(now, &octets, &mut transport) {
                user.discarded(now, fault);
            }
        }
        self.receive_rams(now);
        if self.gateway.next_deadline().is_some_and(|at| now.monotonic >= at) {
            let (gateway, mut transport, indications, _) = self.parts(now);
            gateway.tick(now, &mut transport, &mut |indication| indications.push_back(indication));
        }
        self.indicate(now);
        self.sockets.tcp_out.flush();
        self.user.changed(now, &self.gateway);
        self.last_run = now.monotonic;
    }

    fn next_deadline(&self) -> Option<Instant> {
        // What waits for a connection is offered again soon; nobody tells when.
        let flush = self.sockets.tcp_out.is_waiting().then(|| self.last_run.after(FLUSH_PERIOD));
        let listens = self.listens_from.filter(|from| *from > self.last_run);
        let flush = earliest(flush, listens);
        let left = (self.more || !self.indications.is_empty()).then_some(self.last_run);
        let carriages = self.carriages.iter().filter_map(|carriage| carriage.next_deadline()).min();
        earliest(earliest(flush, left), earliest(self.gateway.next_deadline(), carriages))
    }
}

/// How long after it has become a member RPDUs wait in their carriages: by then the modules
/// there are have told it what they subscribe to and invite.
const INTRODUCTIONS: Duration = Duration::from_secs(1);

fn neighbours<'m>(
    mib: &'m Mib<'m>,
    venture: VentureNumber,
) -> impl Iterator<Item = &'m RemoteMessageSpace<'m>> {
    let spaces = mib.venture(venture).map_or(&[][..], |venture| venture.remote);
    spaces.iter().filter(|space| space.neighbour)
}

/// The way out of a gateway: MPDUs and messages by the sockets of a module, RPDUs by
/// the carriages.
struct GatewayTransport<'t> {
    now: Now,
    sockets: &'t mut ModuleSockets,
    carriages: &'t mut [Box<dyn RamsCarriage>],
    mib: &'t Mib<'t>,
    venture: VentureNumber,
}

impl GatewayTransport<'_> {
    /// Whether this is where a neighbour is.
    fn is_location(&self, service: &str, endpoint: &str) -> bool {
        neighbours(self.mib, self.venture)
            .any(|space| space.gateway.split_once('@') == Some((service, endpoint)))
    }
}

impl Transport for GatewayTransport<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        if self.is_location(service, endpoint) {
            let mut carriages = self.carriages.iter_mut();
            let carriage = carriages.find(|carriage| carriage.service() == service)?;
            return carriage.resolve(self.now, endpoint);
        }
        let ModuleSockets { mams, tcp_out, .. } = &mut *self.sockets;
        mams.resolve(service, endpoint).or_else(|| tcp_out.resolve(service, endpoint))
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let mut carriages = self.carriages.iter_mut();
        if let Some(carriage) = carriages.find(|carriage| carriage.number() == to.service()) {
            return carriage.send(self.now, to, octets);
        }
        let ModuleSockets { mams, tcp_out, .. } = &mut *self.sockets;
        if mams.reaches(to) {
            mams.send(to, flow_label, octets)
        } else {
            tcp_out.send(to, flow_label, octets)
        }
    }
}
