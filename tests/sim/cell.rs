//! A cell of an AMS continuum in a network: a configuration server, a registrar,
//! and modules whose users do as they please.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, RoleNumber, SubjectNumber,
    UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Introduction, Mib, Policy, Role, Unit, Venture};
use farpost::ams::module::{
    Membership, Module, ModuleIdentity, ModuleMemory, RuleKind, RuleRequest,
};
use farpost::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::ams::service::{Indication, Message, Received};
use farpost::storage::Slot;
use farpost::time::{Instant, Now};
use farpost::transport::{Address, SendError, Transport};

use super::network::{Network, Node, NodeId, Weather, name};

/// The modules of a cell.
pub(crate) const MODULES: u16 = 20;

const SERVER: NodeId = 0;
const REGISTRAR: NodeId = 1;
const FIRST_MODULE: NodeId = 2;
/// Where MPDUs and where messages arrive.
const MAMS: u8 = 0;
const AAMS: u8 = 1;

const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(7);
const ROLES: [RoleNumber; 4] = [RoleNumber(2), RoleNumber(3), RoleNumber(4), RoleNumber(5)];

const VENTURE: Venture<'static> = Venture {
    units: &[Unit { resync_period: 2, ..Unit::ROOT }],
    roles: &[
        Role::new(ROLES[0], "a"),
        Role::new(ROLES[1], "b"),
        Role::new(ROLES[2], "c"),
        Role::new(ROLES[3], "d"),
    ],
    ..Venture::new(VentureNumber(1), "simulated", "tests")
};

const MIB: Mib<'static> =
    Mib { config_servers: &["0:0"], ventures: &[VENTURE], ..Mib::new(CONTINUUM, "test") };

/// A machine of AMS, and who uses it.
pub(crate) enum Entity {
    Server(ConfigServer<'static>),
    Registrar(Box<Registrar<'static>>),
    Member(Box<Member>),
}

/// A module and its user, who registers again when the module has died, and looks
/// at every message.
pub(crate) struct Member {
    pub(crate) module: Module<'static>,
    deaths: u32,
    delivered: u32,
}

impl Member {
    /// Takes note of what the module did, and goes on living.
    fn go_on(&mut self, now: Now, transport: &mut dyn Transport) {
        if self.module.membership() == Membership::Dead {
            self.deaths += 1;
            self.module.register(now, transport, &mut |_: Indication| {}).unwrap();
        }
    }

    /// A message was delivered: one of the rules of this module asks for it.
    fn accept(&mut self, received: &Received<'_>) {
        self.delivered += 1;
        let role = self
            .module
            .peers()
            .find(|peer| peer.id().key() == received.source)
            .map(|peer| peer.id().role);
        let asked_for = self.module.own_rules().any(|own| {
            let asked = own.assertion();
            let subject = asked.subject == SubjectNumber::ALL || asked.subject == received.subject;
            let Domain { continuum, unit, role: wanted } = asked.domain;
            subject
                && (continuum == ContinuumNumber::ALL || continuum == received.continuum)
                && (unit == UnitNumber::ROOT || unit == received.source.unit)
                && (wanted == RoleNumber::ALL || role.is_none_or(|role| role == wanted))
        });
        assert!(asked_for, "delivered outside every domain: {received:?} from role {role:?}");
        assert_ne!(Some(received.source), self.module.id().map(|id| id.key()), "it is its own");
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
    ) {
        match self {
            Self::Server(server) => server.receive(now, from, octets, transport),
            Self::Registrar(registrar) => registrar.receive(now, from, octets, transport),
            Self::Member(member) if port == MAMS => {
                member.module.receive_mams(now, from, octets, transport, &mut |_: Indication| {});
                member.go_on(now, transport);
            }
            Self::Member(member) => {
                if let Ok(delivery) = member.module.receive_aams(octets) {
                    member.accept(delivery.message());
                }
            }
        }
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        match self {
            Self::Server(server) => server.tick(now, transport),
            Self::Registrar(registrar) => registrar.tick(now, transport),
            Self::Member(member) => {
                member.module.tick(now, transport, &mut |_: Indication| {});
                member.go_on(now, transport);
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Server(server) => server.next_deadline(),
            Self::Registrar(registrar) => registrar.next_deadline(),
            Self::Member(member) => member.module.next_deadline(),
        }
    }
}

/// Sees to it that no more copies of a message go to an address than there are
/// modules the sender knows there: one, unless the module has been restarted and
/// its former life is not forgotten yet.
struct Copies<'a> {
    left: Vec<Address>,
    transport: &'a mut dyn Transport,
}

impl Transport for Copies<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        self.transport.resolve(service, endpoint)
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let place = self.left.iter().position(|point| point == to);
        self.left.swap_remove(place.expect("a second copy to the same module"));
        self.transport.send(to, flow_label, octets)
    }
}

/// A rule as whoever knows it sees it: who, which kind, subject and domain.
type Known = (ModuleKey, RuleKind, SubjectNumber, Domain);

/// A cell of [`MODULES`] modules.
pub(crate) struct Cell {
    pub(crate) network: Network<Entity>,
    introduction: Introduction,
    lives: u32,
    letters: u32,
}

impl Cell {
    pub(crate) fn new(seed: u64, introduction: Introduction, weather: Weather) -> Self {
        // Shown when the test fails, wherever that is.
        println!("seed {seed}, {introduction:?}, {weather:?}");
        let network = Network::new(seed, weather);
        let mut cell = Self { network, introduction, lives: 0, letters: 0 };
        cell.network.add(Entity::Server(server()));
        let registrar = cell.registrar();
        cell.network.add(registrar);
        for node in FIRST_MODULE..FIRST_MODULE + MODULES {
            let module = cell.module(node);
            assert_eq!(cell.network.add(module), node);
        }
        cell
    }

    /// For `span`, modules assert, cancel, issue messages, crash, leave and come
    /// back at random.
    pub(crate) fn live(&mut self, span: Duration) {
        let end = self.network.now().monotonic.after(span);
        while self.network.now().monotonic < end {
            let pause = self.network.random().u64(10..500);
            self.network.run(Duration::from_millis(pause));
            let node = self.network.random().u16(FIRST_MODULE..FIRST_MODULE + MODULES);
            self.something_at(node);
        }
        for node in FIRST_MODULE..FIRST_MODULE + MODULES {
            self.revive(node);
        }
    }

    /// Crashes the registrar; it comes back where it was after `pause`, without
    /// its memory.
    pub(crate) fn restart_registrar(&mut self, pause: Duration) {
        self.network.crash(REGISTRAR);
        self.network.run(pause);
        let registrar = self.registrar();
        self.network.restart(REGISTRAR, registrar);
    }

    /// The same of the configuration server.
    pub(crate) fn restart_server(&mut self, pause: Duration) {
        self.network.crash(SERVER);
        self.network.run(pause);
        self.network.restart(SERVER, Entity::Server(server()));
    }

    /// Runs until everyone agrees on everything, looking once a second; how long
    /// it took. After `limit` the disagreement is the error.
    pub(crate) fn settle(&mut self, limit: Duration) -> Result<Duration, String> {
        let start = self.network.now().monotonic;
        loop {
            let took = self.network.now().monotonic.since(start);
            match self.disagreement() {
                None => return Ok(took),
                Some(disagreement) if took >= limit => return Err(disagreement),
                Some(_) => self.network.run(Duration::from_secs(1)),
            }
        }
    }

    /// The first thing a member is wrong about: the truth is the registrar's
    /// membership and each module's own rules.
    pub(crate) fn disagreement(&self) -> Option<String> {
        let mut truth = BTreeMap::new();
        for (node, member) in self.members() {
            let Some(id) = member.module.id() else {
                return Some(format!("node {node} is {:?}", member.module.membership()));
            };
            let rules: BTreeSet<Known> = member
                .module
                .own_rules()
                .map(|own| {
                    let asked = own.assertion();
                    (id.key(), own.kind(), asked.subject, asked.domain)
                })
                .collect();
            if truth.insert(id, rules).is_some() {
                return Some(format!("two modules are {id:?}"));
            }
        }
        let Some(Entity::Registrar(registrar)) = self.network.node(REGISTRAR) else {
            return Some("there is no registrar".into());
        };
        let members: BTreeSet<ModuleId> = registrar
            .members()
            .map(|one| ModuleId { role: one.role(), unit: UnitNumber::ROOT, module: one.number() })
            .collect();
        if !members.iter().eq(truth.keys()) {
            return Some(format!("the registrar has {members:?}, there are {:?}", truth.keys()));
        }
        self.members().find_map(|(node, member)| wrong_about(node, member, &truth))
    }

    /// How often modules were told they were dead, and how many messages were
    /// delivered to modules that still live.
    pub(crate) fn tally(&self) -> (u32, u32) {
        self.members().fold((0, 0), |(deaths, delivered), (_, member)| {
            (deaths + member.deaths, delivered + member.delivered)
        })
    }

    fn members(&self) -> impl Iterator<Item = (NodeId, &Member)> {
        self.network.nodes().filter_map(|(id, node)| match node {
            Entity::Member(member) => Some((id, &**member)),
            _ => None,
        })
    }

    fn something_at(&mut self, node: NodeId) {
        if self.network.node(node).is_none() {
            return self.revive(node);
        }
        match self.network.random().u8(0..100) {
            0..2 => self.network.crash(node),
            2..3 => {
                self.member(node, |member, now, transport| {
                    let _ = member.module.unregister(now, transport);
                });
                self.network.crash(node);
            }
            3..60 => self.assert_or_cancel(node),
            _ => self.write(node),
        }
    }

    fn assert_or_cancel(&mut self, node: NodeId) {
        let random = self.network.random();
        let subject = SubjectNumber(random.i16(1..5));
        let any_role = random.bool();
        let role = if any_role { RoleNumber::ALL } else { ROLES[random.usize(0..ROLES.len())] };
        let continuum = if random.bool() { CONTINUUM } else { ContinuumNumber::ALL };
        let domain = Domain { continuum, unit: UnitNumber::ROOT, role };
        let request = RuleRequest { domain, ..RuleRequest::new(subject) };
        let what = random.u8(0..4);
        self.member(node, |member, now, transport| {
            // That it is redundant, or that the table is full, is a possible answer.
            let _ = match what {
                0 => member.module.subscribe(now, &request, transport),
                1 => member.module.invite(now, &request, transport),
                2 => member.module.unsubscribe(now, subject, domain, transport),
                _ => member.module.disinvite(now, subject, domain, transport),
            };
        });
    }

    /// Issues a message that there is no other like.
    fn write(&mut self, node: NodeId) {
        self.letters += 1;
        let data = self.letters.to_be_bytes();
        let context = ContextNumber(self.letters);
        let random = self.network.random();
        let subject = SubjectNumber(random.i16(1..5));
        let what = random.u8(0..4);
        let pick = random.usize(0..usize::from(MODULES));
        self.member(node, |member, now, transport| {
            let message = Message { context, ..Message::new(subject, &data) };
            let Some(to) = member.module.peers().nth(pick).map(|peer| peer.id().key()) else {
                return;
            };
            let to = (CONTINUUM, to);
            let user = &mut |_: Indication| {};
            let points = member.module.peers().filter_map(|peer| peer.delivery_point(1).copied());
            let transport = &mut Copies { left: points.collect(), transport };
            let module = &mut member.module;
            // That nobody asks for it is a possible answer.
            let _ = match what {
                0 => module.publish(&message, transport, user).map(drop),
                1 => module.announce(Domain::ALL, &message, transport, user).map(drop),
                2 => module.send(to, &message, transport),
                _ => module.query(now, to, &message, Some(Duration::from_secs(5)), transport),
            };
        });
    }

    fn member(&mut self, node: NodeId, act: impl FnOnce(&mut Member, Now, &mut dyn Transport)) {
        self.network.at(node, |entity, now, transport| {
            if let Entity::Member(member) = entity {
                act(member, now, transport);
            }
        });
    }

    fn revive(&mut self, node: NodeId) {
        if self.network.node(node).is_none() {
            let module = self.module(node);
            self.network.restart(node, module);
            self.start(node);
        }
    }

    /// Has all modules register.
    pub(crate) fn start_all(&mut self) {
        for node in FIRST_MODULE..FIRST_MODULE + MODULES {
            self.start(node);
        }
    }

    fn start(&mut self, node: NodeId) {
        self.member(node, |member, now, transport| {
            member.module.register(now, transport, &mut |_: Indication| {}).unwrap();
        });
    }

    /// A module in the next of its lives, each with query numbers of its own.
    fn module(&mut self, node: NodeId) -> Entity {
        self.lives += 1;
        let endpoint: &'static str = name(node, MAMS).leak();
        let point = DeliveryPoint { service: "udp", endpoint: name(node, AAMS).leak() };
        let identity = ModuleIdentity {
            venture: VENTURE.number,
            unit: UnitNumber::ROOT,
            role: ROLES[usize::from(node) % ROLES.len()],
            contact: ContactSummaryValues {
                endpoint: EndpointName::new(endpoint).unwrap(),
                delivery_vectors: lend([DeliveryVectorValues { number: 1, points: lend([point]) }]),
            },
            first_query: self.lives * 10_000,
        };
        let memory = Box::leak(Box::new(ModuleMemory::<32, 400, 12, 16, 400, 64>::new()));
        let module = Module::new(&MIB, identity, memory.storage());
        Entity::Member(Box::new(Member { module, deaths: 0, delivered: 0 }))
    }

    fn registrar(&mut self) -> Entity {
        self.lives += 1;
        let endpoint = EndpointName::new(name(REGISTRAR, MAMS).leak()).unwrap();
        let mib = lend(Mib {
            policy: Policy { introduction: self.introduction, ..Policy::NOMINAL },
            ..MIB
        });
        let config = RegistrarConfig {
            first_query: self.lives * 10_000,
            ..RegistrarConfig::new(VENTURE.number, UnitNumber::ROOT, endpoint)
        };
        let storage = RegistrarStorage {
            members: lend([const { Slot::EMPTY }; 32]),
            registrars: &mut [],
            dossiers: lend([const { Slot::EMPTY }; 32]),
            rules: lend([const { Slot::EMPTY }; 400]),
            buffer: lend([0; 4_200]),
        };
        Entity::Registrar(Box::new(Registrar::new(mib, config, storage)))
    }
}

fn server() -> ConfigServer<'static> {
    let storage = ConfigServerStorage {
        cells: lend([const { Slot::EMPTY }; 2]),
        buffer: lend([0; ConfigServer::BUFFER_LEN]),
    };
    ConfigServer::new(&MIB, ConfigServerConfig::default(), storage)
}

/// Storage for as long as the test runs.
fn lend<T>(storage: T) -> &'static mut T {
    Box::leak(Box::new(storage))
}

fn wrong_about(
    node: NodeId,
    member: &Member,
    truth: &BTreeMap<ModuleId, BTreeSet<Known>>,
) -> Option<String> {
    let me = member.module.id()?;
    let peers: BTreeSet<_> = member.module.peers().map(|peer| peer.id()).collect();
    let others: BTreeSet<_> = truth.keys().copied().filter(|id| *id != me).collect();
    if peers != others {
        let wrong: Vec<_> = peers.symmetric_difference(&others).collect();
        return Some(format!("node {node} is wrong about the members {wrong:?}"));
    }
    let known: BTreeSet<Known> = member
        .module
        .rules()
        .map(|(module, kind, rule)| (module, kind, rule.subject, rule.domain))
        .collect();
    let rules: BTreeSet<Known> =
        truth.iter().filter(|(id, _)| **id != me).flat_map(|(_, rules)| rules).copied().collect();
    let wrong: Vec<_> = known.symmetric_difference(&rules).collect();
    (!wrong.is_empty()).then(|| format!("node {node} is wrong about the rules {wrong:?}"))
}
