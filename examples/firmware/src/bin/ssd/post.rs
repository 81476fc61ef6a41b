//! The post: an SSD whose messages an AMS module carries.

use core::time::Duration;

use defmt::{info, warn};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use farpost::ams::ids::{ContinuumNumber, RoleNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Mib, Role, ServiceMode, Subject, TransportService, Unit, Venture};
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory};
use farpost::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
use farpost::ams::service::{Indication, ServiceUser};
use farpost::scos::carriage::{Carriage, Carrier, Station, manager, source};
use farpost::time::{Instant, Now, earliest};
use heapless::String;
use static_cell::StaticCell;

use crate::device::ethernet::SERVICE;
use crate::device::radio::Samples;
use crate::device::simulated::{Adc, Delay, Pin, Spi};
use crate::device::{Device, Identity, settings};
use crate::network::{Network, Port, Ports};

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
pub type Name = String<24>;

static MODULE: StaticCell<Memory> = StaticCell::new();

/// What is known when the board has started: names, and what is made of them.
static NAMES: StaticCell<[Name; 3]> = StaticCell::new();
static SERVERS: StaticCell<[&str; 1]> = StaticCell::new();
static MIB: StaticCell<Mib<'static>> = StaticCell::new();
static POINTS: StaticCell<[DeliveryPoint<'static>; 1]> = StaticCell::new();
static VECTORS: StaticCell<[DeliveryVectorValues<'static>; 1]> = StaticCell::new();

/// How long others have to introduce themselves before the device speaks.
const SETTLE: Duration = Duration::from_secs(1);

/// What the board is told.
pub type Settings = settings::Settings<Ports>;

/// The machines of the post.
pub struct Post<S, P, D, A> {
    module: Module<'static>,
    pub device: Device<S, P, D, A>,
    heard: Heard,
    /// The device does not speak before this; `None` while its module is not registered.
    settled_at: Option<Instant>,
}

/// The post with the front-end that QEMU has.
pub type Simulated = Post<Spi<'static>, Pin<'static>, Delay, Adc<'static>>;

/// What the module said that is to be acted upon.
struct Heard {
    registered: bool,
    ended: bool,
}

impl ServiceUser for Heard {
    fn indicate(&mut self, indication: Indication) {
        match indication {
            Indication::Registered(number) => {
                self.registered = true;
                info!("registered as module {}", number.0);
            }
            Indication::ModuleIsDead => {
                self.ended = true;
                warn!("declared dead");
            }
            Indication::Fault(fault) => {
                warn!("module: {}", fault);
            }
            _ => {}
        }
    }
}

/// Who the device of these settings is.
pub fn identity(settings: &'static Settings) -> Identity {
    let name = &settings.device;
    Identity {
        name,
        // Nobody asks it for a proof here.
        public_key: name.as_bytes(),
        signer: None,
        ssm: manager(),
        boot: settings.boot,
        seed: u64::from(settings.boot) << 16 | u64::from(settings.link.mams),
    }
}

impl<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples> Post<S, P, D, A> {
    /// The machines in their storage. It can be made once. `None` if a name is too long.
    #[inline(never)]
    pub fn new(settings: &'static Settings, device: Device<S, P, D, A>) -> Option<Self> {
        let ports = &settings.link;
        let [server, mams, aams] =
            NAMES.init([name(ports.server)?, name(ports.mams)?, name(ports.aams)?]);
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
        Some(Self {
            module: Module::new(mib, identity, MODULE.init_with(Memory::new).storage()),
            device,
            heard: Heard { registered: false, ended: true },
            settled_at: None,
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
                self.device.receive(now, &from, message.data, &mut carrier);
            }
        }
        self.module.tick(now, &mut network.way(Port::Mams), &mut self.heard);
        self.take_part(now, network);
        self.device.sense(now);
        if self.settled_at.is_some_and(|at| now.monotonic >= at) {
            let mut carrier = carrier(&mut self.module, network.way(Port::Aams));
            self.device.tick(now, &mut carrier);
        }
    }

    /// Registers where it is not registered, and invites the manager where it is.
    fn take_part(&mut self, now: Now, network: &mut Network) {
        if core::mem::take(&mut self.heard.ended) {
            self.settled_at = None;
            let way = &mut network.way(Port::Mams);
            if let Err(fault) = self.module.register(now, way, &mut self.heard) {
                warn!("not registered: {}", fault);
            }
        }
        if core::mem::take(&mut self.heard.registered) {
            let mode = ServiceMode::BEST_EFFORT;
            for request in CARRIAGE.invitations(Station::Device, CONTINUUM, mode) {
                let way = &mut network.way(Port::Mams);
                if let Err(fault) = self.module.invite(now, &request, way) {
                    warn!("no invitation: {}", fault);
                }
            }
            self.settled_at = Some(now.monotonic.after(SETTLE));
        }
    }

    /// When it is next to be run even if nothing arrives.
    pub fn next_deadline(&self, now: Now) -> Option<Instant> {
        if self.device.is_sensing() || self.heard.registered || self.heard.ended {
            return Some(now.monotonic);
        }
        let settled = self.settled_at;
        let ssd = settled.and_then(|at| Some(self.device.next_deadline()?.max(at)));
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
pub fn name(port: u16) -> Option<Name> {
    let mut name = Name::try_from("127.0.0.1:").ok()?;
    for place in [10_000, 1_000, 100, 10, 1] {
        // Noughts in front are left out; the last digit is not in front of any.
        if port >= place || place == 1 {
            let digit = char::from_digit(u32::from(port / place % 10), 10)?;
            name.push(digit).ok()?;
        }
    }
    Some(name)
}
