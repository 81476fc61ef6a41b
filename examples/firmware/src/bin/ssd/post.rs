//! The post: an SSD whose messages an AMS module carries.

use core::fmt::Write as _;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use embedded_io::Write;
use farpost::ams::ids::{ContinuumNumber, RoleNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Mib, Role, ServiceMode, Subject, TransportService, Unit, Venture};
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory};
use farpost::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
use farpost::ams::service::{Indication, ServiceUser};
use farpost::scos::carriage::{Carriage, Carrier, Station, manager, source};
use farpost::scos::metadata::{
    Analyser, Antenna, Environment, HardwareSpec, Host, Receiver, Surroundings,
};
use farpost::scos::ssd::{Ssd, SsdConfig, SsdRecipe, SsdStorage};
use farpost::scos::{Backoff, DeviceMetadata, Section, StoredReport, Summary};
use farpost::storage::Slot;
use farpost::time::{Instant, Now, earliest};
use heapless::String;
use static_cell::{ConstStaticCell, StaticCell};

use core::time::Duration;

use crate::mps2::uart::Uart;
use crate::network::{Network, Port, SERVICE};
use crate::radio::Samples;
use crate::sensor::FrontEnd;
use crate::settings::Settings;
use crate::spectrum::SUMMARY;
use crate::stack::Painted;

const CARRIAGE: Carriage = Carriage::DEFAULT;
const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(1);
const VENTURE: VentureNumber = VentureNumber(1);

/// The venture, in flash. The ground side has the same in its MIB.
static SENSING: [Venture<'static>; 1] = [Venture {
    units: &[Unit { resync_period: 12, ..Unit::ROOT }],
    roles: &[
        Role::new(RoleNumber::RAMS_GATEWAY, "RAMS"),
        Role::new(CARRIAGE.device.role, "ssd"),
        Role::new(CARRIAGE.manager.role, "ssm"),
        Role::new(CARRIAGE.actor.role, "actor"),
    ],
    subjects: &[
        Subject {
            senders: &[CARRIAGE.device.role],
            ..Subject::new(CARRIAGE.device.subject, "from-ssd")
        },
        Subject {
            senders: &[CARRIAGE.manager.role],
            ..Subject::new(CARRIAGE.manager.subject, "from-ssm")
        },
        Subject {
            senders: &[CARRIAGE.actor.role],
            ..Subject::new(CARRIAGE.actor.subject, "from-actor")
        },
    ],
    ..Venture::new(VENTURE, "sensing", "farpost")
}];

/// Room for 8 peers with 24 rules, 4 own rules, no queries, MPDUs of 512 octets, and
/// the longest SCOS message.
type Memory = ModuleMemory<8, 24, 4, 0, 512, 1_172>;
type Name = String<24>;

/// The storage of the machines. Each is a static of its own: what is zero at first needs
/// no copy in flash.
static MODULE: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static RECIPES: ConstStaticCell<[Slot<SsdRecipe>; 16]> =
    ConstStaticCell::new([const { Slot::EMPTY }; 16]);
static REPORTS: ConstStaticCell<[Slot<StoredReport>; 8]> =
    ConstStaticCell::new([const { Slot::EMPTY }; 8]);
static SUMMARIES: ConstStaticCell<[Summary; 8]> =
    ConstStaticCell::new([const { Summary::EMPTY }; 8]);
static METADATA: ConstStaticCell<[u8; DeviceMetadata::OCTETS]> =
    ConstStaticCell::new([0; DeviceMetadata::OCTETS]);

/// What is known when the board has started: names, and what is made of them.
static NAMES: StaticCell<[Name; 3]> = StaticCell::new();
static SERVERS: StaticCell<[&str; 1]> = StaticCell::new();
static MIB: StaticCell<Mib<'static>> = StaticCell::new();
static POINTS: StaticCell<[DeliveryPoint<'static>; 1]> = StaticCell::new();
static SECTIONS: StaticCell<[Section<'static>; 4]> = StaticCell::new();
static VECTORS: StaticCell<[DeliveryVectorValues<'static>; 1]> = StaticCell::new();

/// How long others have to introduce themselves before the device speaks.
const SETTLE: Duration = Duration::from_secs(1);

/// The machines of the post.
pub struct Post<F> {
    module: Module<'static>,
    ssd: Ssd<'static>,
    front_end: F,
    heard: Heard,
    /// The device does not speak before this; `None` while its module is not registered.
    settled_at: Option<Instant>,
    stack: Painted,
    log: Uart,
}

/// What the module said that is to be acted upon.
struct Heard {
    registered: bool,
    ended: bool,
    log: Uart,
}

impl ServiceUser for Heard {
    fn indicate(&mut self, indication: Indication) {
        match indication {
            Indication::Registered(number) => {
                self.registered = true;
                let _ = writeln!(self.log, "registered as module {number}");
            }
            Indication::ModuleIsDead => {
                self.ended = true;
                let _ = writeln!(self.log, "declared dead");
            }
            Indication::Fault(fault) => {
                let _ = writeln!(self.log, "module: {fault}");
            }
            _ => {}
        }
    }
}

impl<S, P, D, A> Post<FrontEnd<S, P, D, A>>
where
    S: SpiDevice,
    P: OutputPin,
    D: DelayNs,
    A: Samples,
{
    /// The machines in their storage. It can be made once. `None` if a name is too long.
    pub fn new(
        settings: &'static Settings,
        front_end: FrontEnd<S, P, D, A>,
        (stack, log): (Painted, Uart),
    ) -> Option<Self> {
        let [server, mams, aams] =
            NAMES.init([name(settings.server)?, name(settings.mams)?, name(settings.aams)?]);
        let mib = MIB.init(Mib {
            config_servers: SERVERS.init([server]),
            transports: &[TransportService { name: SERVICE, mode: ServiceMode::BEST_EFFORT }],
            ventures: &SENSING,
            ..Mib::new(CONTINUUM, "coast")
        });
        let points = POINTS.init([DeliveryPoint { service: SERVICE, endpoint: aams }]);
        let contact = ContactSummaryValues {
            endpoint: EndpointName::new(mams).ok()?,
            delivery_vectors: VECTORS.init([DeliveryVectorValues { number: 1, points }]),
        };
        let identity = ModuleIdentity {
            venture: VENTURE,
            unit: UnitNumber::ROOT,
            role: CARRIAGE.device.role,
            contact,
            // A new series for each start.
            first_query: settings.boot << 16,
        };
        let config = SsdConfig {
            device: &settings.device,
            public_key: settings.device.as_bytes(),
            metadata: SECTIONS.init(metadata(&settings.device)),
            ssm: manager(),
            boot: settings.boot,
            seed: u64::from(settings.boot) << 16 | u64::from(settings.mams),
            backoff: Backoff::NOMINAL,
            tolerance: Duration::from_secs(20),
            guard: Duration::from_secs(30),
        };
        let storage = SsdStorage {
            recipes: RECIPES.take(),
            reports: REPORTS.take(),
            summaries: SUMMARIES.take(),
            metadata: METADATA.take(),
        };
        Some(Self {
            module: Module::new(mib, identity, MODULE.take().storage()),
            ssd: Ssd::new(config, storage),
            front_end,
            heard: Heard { registered: false, ended: true, log },
            settled_at: None,
            stack,
            log,
        })
    }

    /// Takes what has arrived and does what is due.
    pub fn run(&mut self, now: Now, network: &mut Network) {
        // What introduces modules goes before what they sent.
        while let Some((from, octets, mut way)) = network.receive(Port::Mams) {
            self.module.receive_mams(now, &from, octets, &mut way, &mut self.heard);
        }
        while let Some((_, octets, way)) = network.receive(Port::Aams) {
            let Ok(delivery) = self.module.receive_aams(octets) else { continue };
            let message = *delivery.message();
            if CARRIAGE.is_for(Station::Device, &message) {
                let mut carrier = carrier(&mut self.module, way);
                let from = source(&message);
                self.ssd.receive(now, &from, message.data, &mut carrier, &mut self.front_end);
            }
        }
        self.module.tick(now, &mut network.way(Port::Mams), &mut self.heard);
        self.take_part(now, network);
        self.sense(now);
        if self.settled_at.is_some_and(|at| now.monotonic >= at) {
            let mut carrier = carrier(&mut self.module, network.way(Port::Aams));
            self.ssd.tick(now, &mut carrier, &mut self.front_end);
        }
    }

    /// Registers where it is not registered, and invites the manager where it is.
    fn take_part(&mut self, now: Now, network: &mut Network) {
        if core::mem::take(&mut self.heard.ended) {
            self.settled_at = None;
            let way = &mut network.way(Port::Mams);
            if let Err(fault) = self.module.register(now, way, &mut self.heard) {
                let _ = writeln!(self.log, "not registered: {fault}");
            }
        }
        if core::mem::take(&mut self.heard.registered) {
            let mode = ServiceMode::BEST_EFFORT;
            for request in CARRIAGE.invitations(Station::Device, CONTINUUM, mode) {
                let way = &mut network.way(Port::Mams);
                if let Err(fault) = self.module.invite(now, &request, way) {
                    let _ = writeln!(self.log, "no invitation: {fault}");
                }
            }
            self.settled_at = Some(now.monotonic.after(SETTLE));
        }
    }

    /// One step of the scan that runs, if one does.
    fn sense(&mut self, now: Now) {
        let mut buffer = [0; SUMMARY];
        let Some((scan, result)) = self.front_end.step(&mut buffer) else { return };
        let (request, occurrence) = (scan.request.0, scan.occurrence);
        let ended = match result {
            Ok(summary) => {
                let (octets, stack) = (summary.len(), self.stack.depth());
                let _ = writeln!(
                    self.log,
                    "scan {request}.{occurrence}: {octets} octets, stack {stack} below main"
                );
                // The gain is one of four, perhaps not the one that was asked for.
                self.ssd
                    .executes(scan, self.front_end.executed())
                    .and_then(|()| self.ssd.complete(now, scan, summary))
            }
            Err(reason) => self.ssd.fail(now, scan, reason),
        };
        // Its slot is over by now: that has been reported.
        if let Err(fault) = ended {
            let _ = writeln!(self.log, "scan {request}.{occurrence}: {fault}");
        }
    }

    /// When it is next to be run even if nothing arrives.
    pub fn next_deadline(&self, now: Now) -> Option<Instant> {
        if self.front_end.is_running() || self.heard.registered || self.heard.ended {
            return Some(now.monotonic);
        }
        let settled = self.settled_at;
        let ssd = settled.and_then(|at| Some(self.ssd.next_deadline()?.max(at)));
        earliest(self.module.next_deadline(), ssd)
    }
}

/// The carrier of the device's messages.
fn carrier<'c, 's, T>(module: &'c mut Module<'s>, transport: T) -> Carrier<'c, 's, T> {
    Carrier {
        module,
        transport,
        subject: CARRIAGE.device.subject,
        manager: CARRIAGE.manager.role,
        continuum: CONTINUUM,
    }
}

/// An endpoint by which the others reach a port of this board: the host forwards it.
fn name(port: u16) -> Option<Name> {
    let mut name = Name::new();
    write!(name, "127.0.0.1:{port}").ok()?;
    Some(name)
}

/// What the device says of itself.
fn metadata(name: &str) -> [Section<'_>; 4] {
    let receiver = Receiver {
        frequency_low_hz: 24_000_000,
        frequency_high_hz: 1_700_000_000,
        bandwidth_max_hz: 10_000_000,
        resolution_min_hz: 100,
        gain_min_db: 0,
        gain_max_db: 30,
    };
    [
        Section::Analyser(Analyser::new(receiver)),
        Section::Antenna(Antenna {
            spec: HardwareSpec { model: "D-130", ..HardwareSpec::UNKNOWN },
            kind: "discone",
            gain_tenth_dbi: Some(20),
            ..Antenna::UNKNOWN
        }),
        Section::Host(Host {
            spec: HardwareSpec { model: "mps2-an386", ..HardwareSpec::UNKNOWN },
            name,
            ..Host::UNKNOWN
        }),
        Section::Environment(Environment {
            surroundings: Some(Surroundings::OutdoorRural),
            ..Environment::UNKNOWN
        }),
    ]
}
