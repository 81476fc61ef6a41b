//! The machines of a venture, and what they run on.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::gateway::{Block, Gateway, GatewayConfig, GatewayStorage};
use farpost::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{self, Mib, RamsNetwork, RemoteMessageSpace, Role, Timers, Unit};
use farpost::ams::module::{Membership, Module, ModuleIdentity, ModuleMemory, ModuleStorage};
use farpost::ams::pdu::{
    ContactSummaryValues, ControlCode, DeliveryPoint, DeliveryVectorValues, EndpointName, Envelope,
};
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::ams::security::{Channel, ChannelHandler, ContentFault};
use farpost::ams::service::{Delivery, Indication, Message};
use farpost::crypto::SecretKey;
use farpost::storage::Slot;
use farpost::time::{Instant, Now};
use farpost::transport::{Address, SendError, Transport};

use super::network::{Node, NodeId, name};

/// Modules of each continuum, besides the gateway.
pub(crate) const MODULES: u16 = 3;
/// Nodes of each continuum: server, registrar, gateway, modules.
pub(crate) const NODES: u16 = 3 + MODULES;
/// Where MPDUs, messages and RPDUs arrive.
const MAMS: u8 = 0;
const AAMS: u8 = 1;
pub(crate) const RAMS: u8 = 2;

const VENTURE: VentureNumber = VentureNumber(1);
pub(crate) const ROLES: [RoleNumber; 3] = [RoleNumber(2), RoleNumber(3), RoleNumber(4)];
pub(crate) const SUBJECTS: i16 = 3;
/// What everybody invites everybody to.
pub(crate) const PRIVATE: SubjectNumber = SubjectNumber(9);
const UNITS: &[Unit<'static>] = &[
    Unit { resync_period: 2, ..Unit::ROOT },
    Unit::new(UnitNumber(1), "post"),
    Unit::new(UnitNumber(2), "post.mast"),
];
const NAMES: &[Role<'static>] =
    &[Role::new(ROLES[0], "a"), Role::new(ROLES[1], "b"), Role::new(ROLES[2], "c")];

/// N5 is 6 s.
const TIMERS: Timers = Timers {
    n1: Duration::from_secs(1),
    n2: Duration::from_secs(1),
    n3: Duration::from_secs(1),
    n6: 3,
};

/// How continua are joined.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) continua: u16,
    pub(crate) kind: RamsNetwork,
    pub(crate) channels: BTreeSet<(u16, u16)>,
}

impl Plan {
    pub(crate) fn line(seed: u64, continua: u16, kind: RamsNetwork) -> Self {
        let channels = (1..continua).map(|one| (one - 1, one)).collect();
        Self { seed, continua, kind, channels }
    }

    pub(crate) fn mesh(seed: u64, continua: u16) -> Self {
        let pairs = (0..continua).flat_map(|one| (0..one).map(move |other| (other, one)));
        Self { seed, continua, kind: RamsNetwork::Mesh, channels: pairs.collect() }
    }

    pub(crate) fn tree(seed: u64, continua: u16) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let channels = (1..continua).map(|one| (random.u16(0..one), one)).collect();
        Self { seed, continua, kind: RamsNetwork::Tree, channels }
    }

    pub(crate) fn joined(&self, one: u16, other: u16) -> bool {
        self.channels.contains(&(one.min(other), one.max(other)))
    }
}

/// One machine, and who uses it.
pub(crate) enum Entity {
    Server(Box<ConfigServer<'static>>),
    Registrar(Box<Registrar<'static>>),
    Gateway(Box<Post>),
    Module(Box<Member>),
}

impl Entity {
    /// The machine in this place of a continuum, in its `life`-th life of all.
    pub(crate) fn new(mib: &'static Mib<'static>, continuum: u16, offset: u16, life: u32) -> Self {
        let node = continuum * NODES + offset;
        let endpoint = EndpointName::new(name(node, MAMS).leak()).unwrap();
        let first_query = life * 10_000;
        match offset {
            0 => {
                let storage = ConfigServerStorage {
                    cells: lend([const { Slot::EMPTY }; 2]),
                    buffer: lend([0; ConfigServer::BUFFER_LEN]),
                };
                Self::Server(Box::new(ConfigServer::new(
                    mib,
                    ConfigServerConfig::default(),
                    storage,
                )))
            }
            1 => {
                let config = RegistrarConfig {
                    first_query,
                    ..RegistrarConfig::new(VENTURE, UnitNumber::ROOT, endpoint)
                };
                let storage = RegistrarStorage {
                    members: lend([const { Slot::EMPTY }; 16]),
                    registrars: &mut [],
                    dossiers: lend([const { Slot::EMPTY }; 16]),
                    rules: lend([const { Slot::EMPTY }; 300]),
                    buffer: lend([0; 4_200]),
                };
                Self::Registrar(Box::new(Registrar::new(mib, config, storage)))
            }
            _ => {
                let point = DeliveryPoint { service: "udp", endpoint: name(node, AAMS).leak() };
                let vector = DeliveryVectorValues { number: 1, points: lend([point]) };
                let identity = ModuleIdentity {
                    venture: VENTURE,
                    unit: UnitNumber::ROOT,
                    role: role(offset),
                    contact: ContactSummaryValues { endpoint, delivery_vectors: lend([vector]) },
                    first_query,
                };
                let memory = lend(ModuleMemory::<8, 300, 100, 4, 1_400, 200>::new());
                if offset == 2 {
                    return Self::Gateway(Box::new(Post {
                        gateway: gateway(mib, identity, memory.storage()),
                        channels: Channels::new(life.into()),
                    }));
                }
                let module = Module::new(mib, identity, memory.storage());
                Self::Module(Box::new(Member {
                    module,
                    got: BTreeMap::new(),
                    replies: BTreeMap::new(),
                }))
            }
        }
    }
}

/// A gateway, and what it was seen to send over its channels.
pub(crate) struct Post {
    pub(crate) gateway: Gateway<'static>,
    pub(crate) channels: Channels,
}

/// The channels of a gateway, and what is wrong with them. Chances are in a thousand.
pub(crate) struct Channels {
    /// Message after message: which, and to which node.
    pub(crate) crossed: Vec<(u32, NodeId)>,
    /// How many RPDUs were handed over.
    pub(crate) sent: u32,
    /// To whom nothing can be sent.
    pub(crate) away: BTreeSet<NodeId>,
    pub(crate) loss: u16,
    pub(crate) duplication: u16,
    pub(crate) random: fastrand::Rng,
}

impl Channels {
    fn new(seed: u64) -> Self {
        Self {
            crossed: Vec::new(),
            sent: 0,
            away: BTreeSet::new(),
            loss: 0,
            duplication: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }
}

/// A module, and how often what was delivered to it, by the context.
pub(crate) struct Member {
    pub(crate) module: Module<'static>,
    pub(crate) got: BTreeMap<u32, u32>,
    pub(crate) replies: BTreeMap<u32, u32>,
}

impl Member {
    /// A message arrives; queries are answered.
    fn take(&mut self, octets: &[u8], transport: &mut dyn Transport) {
        let Ok(delivery) = self.module.receive_aams(octets) else { return };
        let received = *delivery.message();
        let book = match delivery {
            Delivery::Reply(_) => &mut self.replies,
            Delivery::Message(_) | Delivery::Query(_) => &mut self.got,
        };
        *book.entry(received.context.0).or_default() += 1;
        if let Delivery::Query(_) = delivery {
            let reply = Message { context: received.context, ..Message::new(PRIVATE, b"reply") };
            let to = (received.continuum, received.source);
            self.module.reply(to, &reply, transport).unwrap();
        }
    }
}

impl Node for Entity {
    fn receive(
        &mut self,
        now: Now,
        from: &Address,
        port: u8,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) -> Result<(), String> {
        let user = &mut |_: Indication| {};
        match (self, port) {
            (Self::Server(server), _) => server.receive(now, from, octets, transport),
            (Self::Registrar(registrar), _) => registrar.receive(now, from, octets, transport),
            (Self::Module(member), MAMS) => {
                member.module.receive_mams(now, from, octets, transport, user);
                if member.module.membership() == Membership::Dead {
                    member.module.register(now, transport, user).unwrap();
                }
            }
            (Self::Module(member), _) => member.take(octets, transport),
            (Self::Gateway(post), port) => {
                let transport = &mut Line { channels: &mut post.channels, transport };
                match port {
                    MAMS => {
                        post.gateway.receive_mams(now, from, octets, transport, user);
                        if post.gateway.module().membership() == Membership::Dead {
                            post.gateway.register(now, transport, user).unwrap();
                        }
                    }
                    // That nobody asks for it any more is a possible answer.
                    AAMS => _ = post.gateway.receive_aams(now, octets, transport),
                    _ => {
                        // Gateways send their RPDUs from where they receive them.
                        let [high, low, _] = *from.octets() else { panic!("{from:?}") };
                        let from = Address::new(0, &[high, low, RAMS]);
                        post.gateway.receive_rams(now, &from, octets, transport);
                    }
                }
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) -> Result<(), String> {
        let user = &mut |_: Indication| {};
        match self {
            Self::Server(server) => server.tick(now, transport),
            Self::Registrar(registrar) => registrar.tick(now, transport),
            Self::Module(member) => member.module.tick(now, transport, user),
            Self::Gateway(post) => {
                let transport = &mut Line { channels: &mut post.channels, transport };
                post.gateway.tick(now, transport, user);
            }
        }
        Ok(())
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Server(server) => server.next_deadline(),
            Self::Registrar(registrar) => registrar.next_deadline(),
            Self::Module(member) => member.module.next_deadline(),
            Self::Gateway(post) => post.gateway.next_deadline(),
        }
    }

    fn describe(port: u8, octets: &[u8]) -> String {
        format!("{} octets for port {port}", octets.len())
    }
}

/// The transport of a gateway: what goes over its channels may fail to, and messages
/// that are published are written down.
struct Line<'a> {
    channels: &'a mut Channels,
    transport: &'a mut dyn Transport,
}

impl Transport for Line<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        self.transport.resolve(service, endpoint)
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let [high, low, RAMS] = *to.octets() else {
            return self.transport.send(to, flow_label, octets);
        };
        let node = NodeId::from_be_bytes([high, low]);
        let Channels { crossed, sent, away, loss, duplication, random } = &mut *self.channels;
        if away.contains(&node) {
            return Err(SendError::Busy);
        }
        if random.u16(0..1_000) < *loss {
            return Ok(());
        }
        self.transport.send(to, flow_label, octets)?;
        *sent += 1;
        let rpdu = octets.strip_prefix(&Marked::MARK[..]).map_or(octets, |it| &it[Channel::LEN..]);
        let envelope = Envelope::parse(rpdu).unwrap();
        if envelope.header().control_code == ControlCode::PublishOnReception {
            crossed.push((envelope.content().unwrap().context().0, node));
        } else if random.u16(0..1_000) < *duplication {
            // Messages in RPDUs have no number to know a duplicate by.
            let _ = self.transport.send(to, flow_label, octets);
        }
        Ok(())
    }
}

fn gateway(
    mib: &'static Mib<'static>,
    identity: ModuleIdentity<'static>,
    module: ModuleStorage<'static>,
) -> Gateway<'static> {
    let storage = GatewayStorage {
        module,
        neighbours: lend([const { Slot::EMPTY }; 12]),
        petitions: lend([const { Slot::EMPTY }; 200]),
        parcels: lend([const { Slot::EMPTY }; 100]),
        blocks: lend([Block::EMPTY; 200]),
        rpdu: lend([0; 200]),
    };
    let gateway = Gateway::new(mib, identity, GatewayConfig::default(), storage);
    gateway.with_channel_security(&Marked, lend([0; 220]), lend([0; 200]))
}

/// Who encrypts RPDUs, so that who watches the channels can read them: a mark and the
/// channel, in front.
#[derive(Debug)]
struct Marked;

impl Marked {
    const MARK: [u8; 5] = *b"\xffmark";
}

impl ChannelHandler for Marked {
    fn seal(
        &self,
        key: &[u8],
        channel: &Channel,
        rpdu: &[u8],
        room: &mut [u8],
    ) -> Result<usize, ContentFault> {
        let all = [key, &channel.octets(), rpdu].concat();
        room.get_mut(..all.len()).ok_or(ContentFault::NoRoom)?.copy_from_slice(&all);
        Ok(all.len())
    }

    fn open(
        &self,
        key: &[u8],
        channel: &Channel,
        octets: &[u8],
        room: &mut [u8],
    ) -> Result<usize, ContentFault> {
        let front = [key, &channel.octets()].concat();
        let rpdu = octets.strip_prefix(&front[..]).ok_or(ContentFault::NotAuthentic)?;
        room.get_mut(..rpdu.len()).ok_or(ContentFault::NoRoom)?.copy_from_slice(rpdu);
        Ok(rpdu.len())
    }
}

pub(crate) fn mib(plan: &Plan, continuum: u16) -> &'static Mib<'static> {
    let remote: Vec<RemoteMessageSpace<'static>> = (0..plan.continua)
        .filter(|other| *other != continuum)
        .map(|other| {
            let gateway = format!("udp@{}", name(other * NODES + 2, RAMS)).leak();
            let neighbour = plan.joined(continuum, other);
            // In every other story some channels have keys.
            let keyed = plan.seed % 2 == 1 && !(continuum + other).is_multiple_of(3);
            let channel_key = SecretKey(if keyed { &Marked::MARK } else { &[] });
            let space = RemoteMessageSpace::new(number(other), gateway);
            RemoteMessageSpace { neighbour, channel_key, ..space }
        })
        .collect();
    let venture = mib::Venture {
        units: UNITS,
        roles: NAMES,
        network: plan.kind,
        remote: remote.leak(),
        ..mib::Venture::new(VENTURE, "simulated", "tests")
    };
    let server: &'static str = name(continuum * NODES, MAMS).leak();
    lend(Mib {
        config_servers: lend([server]),
        timers: TIMERS,
        ventures: lend([venture]),
        ..Mib::new(number(continuum), "test")
    })
}

/// The number of the continuum in this place.
pub(crate) fn number(continuum: u16) -> ContinuumNumber {
    ContinuumNumber::from_bits(continuum + 1)
}

/// The role of the module in this place of its continuum.
pub(crate) fn role(offset: u16) -> RoleNumber {
    ROLES[usize::from(offset) % ROLES.len()]
}

/// Storage for as long as the test runs.
fn lend<T>(storage: T) -> &'static mut T {
    Box::leak(Box::new(storage))
}
