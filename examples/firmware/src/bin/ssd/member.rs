//! The board's membership of its message space: an AMS module, which registers with the
//! registrar of its cell, again whenever it is not registered any more, and invites whom the
//! board hears.

use core::time::Duration;

use defmt::{info, warn};
use farpost::ams::carriage::Party;
use farpost::ams::ids::{ContinuumNumber, RoleNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Mib, Role, ServiceMode, Subject, TransportService, Unit, Venture};
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory};
use farpost::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
#[cfg(feature = "agents")]
use farpost::ams::service::Message;
use farpost::ams::service::{Indication, ServiceUser};
use farpost::scos::carriage::Carriage;
use farpost::time::{Instant, Now, earliest};
use heapless::String;
use static_cell::StaticCell;

#[cfg(feature = "agents")]
use crate::agents::agreed::space::{BOARD, DESK, LEVELS};
use crate::device::ethernet::SERVICE;
use crate::network::{Network, Port, Ports};

/// Roles and subjects of SCOS.
pub const CARRIAGE: Carriage = Carriage::DEFAULT;
/// Where the board is.
pub const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(1);
const VENTURE: VentureNumber = VentureNumber(1);

/// What a party alone sends on.
const fn subject(party: &'static Party, name: &'static str) -> Subject<'static> {
    Subject { senders: core::slice::from_ref(&party.role), ..Subject::new(party.subject, name) }
}

/// The venture, in flash. The ground side has the same in its MIB.
static SENSING: [Venture<'static>; 1] = [Venture {
    units: &[Unit { resync_period: 12, ..Unit::ROOT }],
    roles: &[
        Role::new(RoleNumber::RAMS_GATEWAY, "RAMS"),
        Role::new(CARRIAGE.device.role, "ssd"),
        Role::new(CARRIAGE.manager.role, "ssm"),
        Role::new(CARRIAGE.actor.role, "actor"),
        #[cfg(feature = "agents")]
        Role::new(DESK.role, "desk"),
    ],
    subjects: &[
        subject(&CARRIAGE.device, "from-ssd"),
        subject(&CARRIAGE.manager, "from-ssm"),
        subject(&CARRIAGE.actor, "from-actor"),
        #[cfg(feature = "agents")]
        subject(&BOARD, "from-agent"),
        #[cfg(feature = "agents")]
        subject(&DESK, "from-desk"),
        #[cfg(feature = "agents")]
        Subject { senders: &[BOARD.role], ..Subject::new(LEVELS, "levels") },
    ],
    ..Venture::new(VENTURE, "sensing", "farpost")
}];

/// Room for 8 peers with 24 rules, 4 own rules, no queries, MPDUs of 512 octets, and
/// the longest SCOS message.
type Memory = ModuleMemory<8, 24, 4, 0, 512, 1_172>;
type Name = String<24>;

static MODULE: StaticCell<Memory> = StaticCell::new();

/// What is known when the board has started: names, and what is made of them.
static NAMES: StaticCell<[Name; 3]> = StaticCell::new();
static SERVERS: StaticCell<[&str; 1]> = StaticCell::new();
static MIB: StaticCell<Mib<'static>> = StaticCell::new();
static POINTS: StaticCell<[DeliveryPoint<'static>; 1]> = StaticCell::new();
static VECTORS: StaticCell<[DeliveryVectorValues<'static>; 1]> = StaticCell::new();

/// How long others have to introduce themselves before the board speaks.
const SETTLE: Duration = Duration::from_secs(1);

/// The module of the board.
pub struct Member {
    pub module: Module<'static>,
    invited: &'static [Party],
    heard: Heard,
    /// Nothing is said before this; `None` while the module is not registered.
    settled_at: Option<Instant>,
}

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

impl Member {
    /// The module in its storage, in the role of sensing devices, which hears those that are
    /// `invited`. It can be made once. `None` if a name is too long.
    #[inline(never)]
    pub fn new(ports: &'static Ports, boot: u32, invited: &'static [Party]) -> Option<Self> {
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
            first_query: boot << 16,
        };
        Some(Self {
            module: Module::new(mib, identity, MODULE.init_with(Memory::new).storage()),
            invited,
            heard: Heard { registered: false, ended: true },
            settled_at: None,
        })
    }

    /// Takes the MPDUs that have arrived.
    pub fn receive(&mut self, now: Now, network: &mut Network) {
        while let Some((from, octets, mut way)) = network.receive(Port::Mams) {
            self.module.receive_mams(now, &from, octets, &mut way, &mut self.heard);
        }
    }

    /// Does what is due: registers where the module is not registered, and invites where it is.
    pub fn tick(&mut self, now: Now, network: &mut Network) {
        let way = &mut network.way(Port::Mams);
        self.module.tick(now, way, &mut self.heard);
        if core::mem::take(&mut self.heard.ended) {
            self.settled_at = None;
            if let Err(fault) = self.module.register(now, way, &mut self.heard) {
                warn!("not registered: {}", fault);
            }
        }
        if core::mem::take(&mut self.heard.registered) {
            for party in self.invited {
                let request = party.invitation(CONTINUUM, ServiceMode::BEST_EFFORT);
                if let Err(fault) = self.module.invite(now, &request, way) {
                    warn!("no invitation: {}", fault);
                }
            }
            self.settled_at = Some(now.monotonic.after(SETTLE));
        }
    }

    /// Whether the others have introduced themselves, as far as they have by now.
    pub fn is_settled(&self, now: Now) -> bool {
        self.settled_at.is_some_and(|at| now.monotonic >= at)
    }

    /// When it is next to be run even if nothing arrives; and when what it carries is, which
    /// wants to at `carried`.
    pub fn next_deadline(&self, now: Now, carried: Option<Instant>) -> Option<Instant> {
        if self.heard.registered || self.heard.ended {
            return Some(now.monotonic);
        }
        let carried = self.settled_at.and_then(|at| Some(carried?.max(at)));
        earliest(self.module.next_deadline(), carried)
    }

    /// A message for whoever subscribes to its subject; there may be nobody.
    #[cfg(feature = "agents")]
    pub fn publish(&mut self, message: &Message<'_>, network: &mut Network) {
        let way = &mut network.way(Port::Aams);
        if let Err(fault) = self.module.publish(message, way, &mut self.heard) {
            warn!("not published: {}", fault);
        }
    }
}

/// An endpoint by which the others reach a port of this board: the host forwards it.
fn name(port: u16) -> Option<Name> {
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
