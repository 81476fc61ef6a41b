//! A sensing post in a network: a configuration server, a registrar, and modules
//! that carry an SSM, two SSDs and an Actor.

use std::collections::BTreeMap;
use std::time::Duration;

use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::ids::{ContinuumNumber, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Mib, Role, ServiceMode, Subject, Unit, Venture};
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory};
use farpost::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::ams::service::Indication;
use farpost::scos::actor::{Actor, ActorConfig, ActorUser, Question};
use farpost::scos::calendar::{DevicePlan, Policy};
use farpost::scos::carriage::{Carriage, Carrier, Station, manager, source};
use farpost::scos::messages::{
    Granted, InventoryItem, Outcome, Refusal, Refused, Rejection, Report,
};
use farpost::scos::metadata::{Analyser, Antenna, Environment, Host, Receiver, Surroundings};
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{Ssm, SsmConfig, SsmStorage};
use farpost::scos::{
    ActorId, Backoff, DeviceConfig, DeviceMetadata, RequestId, ScanId, Section, Summary,
};
use farpost::storage::Slot;
use farpost::time::{Instant, Now, earliest};
use farpost::transport::{Address, Transport};

use super::network::{Network, Node, NodeId, Weather, name};

pub(crate) const DEVICES: [&str; 2] = ["mast-1", "mast-2"];

/// The configuration server is node 0, as the MIB says.
const REGISTRAR: NodeId = 1;
pub(crate) const SSM: NodeId = 2;
const FIRST_SSD: NodeId = 3;
pub(crate) const ACTOR: NodeId = 5;
/// Where MPDUs and where messages arrive.
const MAMS: u8 = 0;
const AAMS: u8 = 1;

const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(7);
const CARRIAGE: Carriage = Carriage::DEFAULT;

const VENTURE: Venture<'static> = Venture {
    units: &[Unit { resync_period: 2, ..Unit::ROOT }],
    roles: &[
        Role::new(CARRIAGE.device.role, "ssd"),
        Role::new(CARRIAGE.manager.role, "ssm"),
        Role::new(CARRIAGE.actor.role, "actor"),
    ],
    subjects: &[
        subject(CARRIAGE.device.subject, "from-ssd", &[CARRIAGE.device.role]),
        subject(CARRIAGE.manager.subject, "from-ssm", &[CARRIAGE.manager.role]),
        subject(CARRIAGE.actor.subject, "from-actor", &[CARRIAGE.actor.role]),
    ],
    ..Venture::new(VentureNumber(1), "sensing", "tests")
};

const MIB: Mib<'static> =
    Mib { config_servers: &["0:0"], ventures: &[VENTURE], ..Mib::new(CONTINUUM, "test") };

const fn subject(
    number: SubjectNumber,
    name: &'static str,
    senders: &'static [farpost::ams::ids::RoleNumber],
) -> Subject<'static> {
    Subject { senders, ..Subject::new(number, name) }
}

/// A front-end that takes half a minute for each scan.
#[derive(Default)]
pub(crate) struct Front {
    running: Option<(Instant, ScanId)>,
}

impl Sensor for Front {
    fn begin(&mut self, now: Now, scan: &Scan) -> Result<(), Rejection> {
        assert!(scan.start <= now.utc && now.utc < scan.end);
        self.running = Some((now.monotonic.after(Duration::from_secs(30)), scan.id));
        Ok(())
    }

    fn stop(&mut self, _: Now, _: &Scan) {
        self.running = None;
    }
}

/// What the Actor was told.
#[derive(Default)]
pub(crate) struct Told {
    /// How many reports each request is owed.
    pub(crate) granted: BTreeMap<RequestId, u16>,
    pub(crate) refused: BTreeMap<RequestId, Refusal>,
    pub(crate) reports: BTreeMap<ScanId, Outcome>,
    /// The devices of copies of the inventory, and how many copies are whole.
    pub(crate) devices: Vec<String>,
    pub(crate) copies: usize,
}

impl ActorUser for Told {
    fn granted(&mut self, _: Now, granted: &Granted<'_>) {
        let owed = granted.series.occurrences();
        assert!(self.granted.insert(granted.request, owed).is_none(), "granted twice");
    }

    fn refused(&mut self, _: Now, refused: &Refused<'_>) {
        assert!(self.refused.insert(refused.request, refused.reason).is_none(), "refused twice");
    }

    fn report(&mut self, _: Now, report: &Report<'_>) {
        assert_eq!(report.outcome == Outcome::Complete, report.spectrum == SPECTRUM);
        let before = self.reports.insert(report.scan, report.outcome);
        assert_eq!(before, None, "{:?} is reported twice", report.scan);
    }

    fn inventory(&mut self, _: Now, item: &InventoryItem<'_>) {
        self.devices.extend(item.device.map(|device| device.device.into()));
        self.copies += usize::from(item.next.is_none());
    }

    fn unanswered(&mut self, _: Now, question: Question) {
        panic!("{question:?} was not answered");
    }
}

const SPECTRUM: &[u8] = &[7; 1_024];

/// A SCOS machine and who uses it.
pub(crate) enum Machine {
    Manager(Ssm<'static>),
    Device(Ssd<'static>, Front),
    Actor(Actor<'static>, Told),
}

impl Machine {
    const fn station(&self) -> Station {
        match self {
            Self::Manager(_) => Station::Manager,
            Self::Device(..) => Station::Device,
            Self::Actor(..) => Station::Actor,
        }
    }

    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        match self {
            Self::Manager(ssm) => ssm.receive(now, from, octets, transport, &mut ()),
            Self::Device(ssd, front) => ssd.receive(now, from, octets, transport, front),
            Self::Actor(actor, told) => actor.receive(now, from, octets, transport, told),
        }
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        match self {
            Self::Manager(ssm) => ssm.tick(now, transport, &mut ()),
            Self::Device(ssd, front) => {
                if let Some((_, scan)) = front.running.take_if(|running| running.0 <= now.monotonic)
                {
                    ssd.complete(now, scan, SPECTRUM).unwrap();
                }
                ssd.tick(now, transport, front);
            }
            Self::Actor(actor, told) => actor.tick(now, transport, told),
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Manager(ssm) => ssm.next_deadline(),
            Self::Device(ssd, front) => {
                earliest(ssd.next_deadline(), front.running.map(|running| running.0))
            }
            Self::Actor(actor, _) => actor.next_deadline(),
        }
    }
}

/// A module and the machine whose messages it carries. It registers anew when it
/// is told that it is dead.
pub(crate) struct Seat {
    module: Module<'static>,
    pub(crate) machine: Machine,
    pub(crate) deaths: u32,
}

impl Seat {
    /// Does something to the module, and what its indications ask for.
    fn with_module(
        &mut self,
        now: Now,
        transport: &mut dyn Transport,
        act: impl FnOnce(&mut Module<'static>, &mut dyn Transport, &mut dyn FnMut(Indication)),
    ) {
        let mut indications = Vec::new();
        act(&mut self.module, transport, &mut |indication| indications.push(indication));
        for indication in indications {
            match indication {
                Indication::Registered(_) => {
                    let station = self.machine.station();
                    let mode = ServiceMode::BEST_EFFORT;
                    for request in CARRIAGE.invitations(station, CONTINUUM, mode) {
                        self.module.invite(now, &request, transport).unwrap();
                    }
                }
                Indication::ModuleIsDead => {
                    self.deaths += 1;
                    self.register(now, transport);
                }
                _ => {}
            }
        }
    }

    /// Lends the machine and a transport over the module.
    fn with_carrier(
        &mut self,
        transport: &mut dyn Transport,
        act: impl FnOnce(&mut Machine, &mut dyn Transport),
    ) {
        let subject = CARRIAGE.party(self.machine.station()).subject;
        let manager = CARRIAGE.manager.role;
        let module = &mut self.module;
        let mut carrier = Carrier { module, transport, subject, manager, continuum: CONTINUUM };
        act(&mut self.machine, &mut carrier);
    }

    fn register(&mut self, now: Now, transport: &mut dyn Transport) {
        self.with_module(now, transport, |module, transport, mut user| {
            module.register(now, transport, &mut user).unwrap();
        });
    }
}

/// What there is in the network.
pub(crate) enum Entity {
    Server(Box<ConfigServer<'static>>),
    Registrar(Box<Registrar<'static>>),
    Seat(Box<Seat>),
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
        match self {
            Self::Server(server) => server.receive(now, from, octets, transport),
            Self::Registrar(registrar) => registrar.receive(now, from, octets, transport),
            Self::Seat(seat) if port == MAMS => {
                seat.with_module(now, transport, |module, transport, mut user| {
                    module.receive_mams(now, from, octets, transport, &mut user);
                });
            }
            Self::Seat(seat) => {
                let Ok(delivery) = seat.module.receive_aams(octets) else { return Ok(()) };
                let message = delivery.message();
                assert!(CARRIAGE.is_for(seat.machine.station(), message));
                seat.with_carrier(transport, |machine, carrier| {
                    machine.receive(now, &source(message), message.data, carrier);
                });
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) -> Result<(), String> {
        match self {
            Self::Server(server) => server.tick(now, transport),
            Self::Registrar(registrar) => registrar.tick(now, transport),
            Self::Seat(seat) => {
                seat.with_module(now, transport, |module, transport, mut user| {
                    module.tick(now, transport, &mut user);
                });
                seat.with_carrier(transport, |machine, carrier| machine.tick(now, carrier));
            }
        }
        Ok(())
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Server(server) => server.next_deadline(),
            Self::Registrar(registrar) => registrar.next_deadline(),
            Self::Seat(seat) => earliest(seat.module.next_deadline(), seat.machine.next_deadline()),
        }
    }

    fn describe(port: u8, octets: &[u8]) -> String {
        format!("{} octets for port {port}", octets.len())
    }
}

/// One configuration server, registrar, SSM and Actor, and two SSDs.
pub(crate) struct Post {
    pub(crate) network: Network<'static, Entity>,
    lives: u32,
}

impl Post {
    /// All are there, and have just been switched on.
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        let mut post = Self { network: Network::new(seed, weather), lives: 0 };
        post.network.add(Entity::Server(Box::new(server())));
        post.network.add(Entity::Registrar(Box::new(registrar())));
        let machines = [
            Machine::Manager(ssm()),
            Machine::Device(ssd(0, 1), Front::default()),
            Machine::Device(ssd(1, 1), Front::default()),
            Machine::Actor(actor(), Told::default()),
        ];
        for (node, machine) in (SSM..).zip(machines) {
            let seat = post.seat(node, machine);
            assert_eq!(post.network.add(seat), node);
            post.start(node);
        }
        post
    }

    /// Switches a device off.
    pub(crate) fn unplug(&mut self, device: NodeId) {
        self.network.crash(ssd_node(device));
    }

    /// Switches a device on again, which remembers nothing but that it is another run.
    pub(crate) fn plug_in(&mut self, device: NodeId) {
        let machine = Machine::Device(ssd(device, self.lives), Front::default());
        let seat = self.seat(ssd_node(device), machine);
        self.network.restart(ssd_node(device), seat);
        self.start(ssd_node(device));
    }

    pub(crate) fn run_minutes(&mut self, minutes: u64) {
        self.network.run(Duration::from_secs(60 * minutes));
    }

    pub(crate) fn machine(&self, node: NodeId) -> &Machine {
        &self.station(node).machine
    }

    pub(crate) fn station(&self, node: NodeId) -> &Seat {
        match self.network.node(node) {
            Some(Entity::Seat(seat)) => seat,
            _ => panic!("node {node} is no station"),
        }
    }

    pub(crate) fn ssm(&self) -> &Ssm<'static> {
        let Machine::Manager(ssm) = self.machine(SSM) else { panic!("no SSM") };
        ssm
    }

    pub(crate) fn ssd(&self, device: NodeId) -> &Ssd<'static> {
        let Machine::Device(ssd, _) = self.machine(ssd_node(device)) else { panic!("no SSD") };
        ssd
    }

    pub(crate) fn told(&self) -> &Told {
        let Machine::Actor(_, told) = self.machine(ACTOR) else { panic!("no Actor") };
        told
    }

    /// Does something as the user of the Actor.
    pub(crate) fn at_actor<R>(&mut self, act: impl FnOnce(&mut Actor<'static>) -> R) -> R {
        let done = self.network.at(ACTOR, |entity, _, _| match entity {
            Entity::Seat(seat) => match &mut seat.machine {
                Machine::Actor(actor, _) => act(actor),
                _ => panic!("no Actor"),
            },
            _ => panic!("no station"),
        });
        done.unwrap()
    }

    fn start(&mut self, node: NodeId) {
        self.network.at(node, |entity, now, transport| {
            if let Entity::Seat(seat) = entity {
                seat.register(now, transport);
            }
        });
    }

    /// A module in the next of its lives, each with query numbers of its own.
    fn seat(&mut self, node: NodeId, machine: Machine) -> Entity {
        self.lives += 1;
        let point = DeliveryPoint { service: "udp", endpoint: name(node, AAMS).leak() };
        let identity = ModuleIdentity {
            venture: VENTURE.number,
            unit: UnitNumber::ROOT,
            role: CARRIAGE.party(machine.station()).role,
            contact: ContactSummaryValues {
                endpoint: EndpointName::new(name(node, MAMS).leak()).unwrap(),
                delivery_vectors: lend([DeliveryVectorValues { number: 1, points: lend([point]) }]),
            },
            first_query: self.lives * 10_000,
        };
        let memory = lend(ModuleMemory::<8, 32, 4, 1, 400, 1_200>::new());
        let module = Module::new(&MIB, identity, memory.storage());
        Entity::Seat(Box::new(Seat { module, machine, deaths: 0 }))
    }
}

/// The node of a device.
pub(crate) const fn ssd_node(device: NodeId) -> NodeId {
    FIRST_SSD + device
}

fn server() -> ConfigServer<'static> {
    let storage = ConfigServerStorage {
        cells: lend([const { Slot::EMPTY }; 2]),
        buffer: lend([0; ConfigServer::BUFFER_LEN]),
    };
    ConfigServer::new(&MIB, ConfigServerConfig::default(), storage)
}

fn registrar() -> Registrar<'static> {
    let endpoint = EndpointName::new(name(REGISTRAR, MAMS).leak()).unwrap();
    let config = RegistrarConfig::new(VENTURE.number, UnitNumber::ROOT, endpoint);
    let storage = RegistrarStorage {
        members: lend([const { Slot::EMPTY }; 8]),
        registrars: &mut [],
        dossiers: lend([const { Slot::EMPTY }; 8]),
        rules: lend([const { Slot::EMPTY }; 32]),
        buffer: lend([0; 4_200]),
    };
    Registrar::new(&MIB, config, storage)
}

const BACKOFF: Backoff = Backoff { first: Duration::from_secs(2), limit: Duration::from_secs(30) };

fn ssm() -> Ssm<'static> {
    let known = |device: &'static str| DeviceConfig { device, public_key: device.as_bytes() };
    let devices = DEVICES.map(known);
    let config = SsmConfig {
        max_ttl: Duration::from_secs(180),
        policy: Policy { lead_minutes: 1, ..Policy::OPEN },
        backoff: BACKOFF,
        ..SsmConfig::nominal(1, &devices)
    };
    let storage = SsmStorage {
        devices: lend([const { Slot::EMPTY }; 2]),
        plans: lend([DevicePlan::EMPTY; 2]),
        metadata: lend([const { DeviceMetadata::EMPTY }; 2]),
        recipes: lend([const { Slot::EMPTY }; 16]),
        bookings: lend([const { Slot::EMPTY }; 16]),
        actors: lend([const { Slot::EMPTY }; 2]),
        reports: lend([const { Slot::EMPTY }; 8]),
        summaries: lend([Summary::EMPTY; 8]),
        usage: lend([const { Slot::EMPTY }; 2]),
    };
    Ssm::new(config, storage)
}

fn ssd(device: NodeId, boot: u32) -> Ssd<'static> {
    let device = DEVICES[usize::from(device)];
    let config = SsdConfig {
        device,
        public_key: device.as_bytes(),
        metadata: METADATA,
        ssm: manager(),
        boot,
        seed: boot.into(),
        backoff: BACKOFF,
        tolerance: Duration::from_secs(5),
        guard: Duration::from_secs(30),
    };
    let storage = SsdStorage {
        recipes: lend([const { Slot::EMPTY }; 8]),
        reports: lend([const { Slot::EMPTY }; 8]),
        summaries: lend([Summary::EMPTY; 8]),
        metadata: lend([0; DeviceMetadata::OCTETS]),
    };
    Ssd::new(config, storage)
}

fn actor() -> Actor<'static> {
    let config = ActorConfig {
        actor: ActorId(5),
        ssm: manager(),
        first_request: RequestId(1),
        backoff: BACKOFF,
        attempts: 20,
    };
    Actor::new(config, lend([const { Slot::EMPTY }; 16]))
}

const METADATA: &[Section<'static>] = &[
    Section::Analyser(Analyser::new(Receiver {
        frequency_low_hz: 24_000_000,
        frequency_high_hz: 1_766_000_000,
        bandwidth_max_hz: 2_400_000,
        resolution_min_hz: 500,
        gain_min_db: 0,
        gain_max_db: 49,
    })),
    Section::Antenna(Antenna { kind: "discone", gain_tenth_dbi: Some(21), ..Antenna::UNKNOWN }),
    Section::Host(Host { name: "mast", ..Host::UNKNOWN }),
    Section::Environment(Environment {
        surroundings: Some(Surroundings::OutdoorRural),
        ..Environment::UNKNOWN
    }),
];

/// Storage for as long as the test runs.
fn lend<T>(storage: T) -> &'static mut T {
    Box::leak(Box::new(storage))
}
