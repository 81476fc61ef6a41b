//! What is on the board: four machines, their storage, and the link between them.

use core::time::Duration;

use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerMemory};
use farpost::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Mib, Policy, Role, ServiceMode, Subject, TransportService, Unit, Venture};
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory};
use farpost::ams::pdu::{
    ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName, Malformed,
};
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarMemory};
use farpost::ams::service::{Delivery, Fault, Indication};
use farpost::time::{Instant, Now, earliest};
use farpost::transport::{Address, SendError, Transport};
use heapless::{Deque, Vec};
use static_cell::ConstStaticCell;

/// The subject of the meter's readings.
pub const READING: SubjectNumber = SubjectNumber(1);
/// Where the meter and the logger are on the link.
pub const METER: &str = "meter";
pub const LOGGER: &str = "logger";

/// And where the other two are.
pub const SERVER: &str = "server";
pub const REGISTRAR: &str = "registrar";
const VENTURE: VentureNumber = VentureNumber(1);
const POST: UnitNumber = UnitNumber(1);
const METERS: RoleNumber = RoleNumber(2);
const LOGGERS: RoleNumber = RoleNumber(3);

/// The MIB, in flash.
static MIB: Mib<'static> = Mib {
    primary_transport: "queue",
    config_servers: &[SERVER],
    transports: &[TransportService { name: "queue", mode: ServiceMode::BEST_EFFORT }],
    checksums: true,
    ventures: &[Venture {
        units: &[Unit::ROOT, Unit::new(POST, "post")],
        roles: &[Role::new(METERS, "meter"), Role::new(LOGGERS, "logger")],
        subjects: &[Subject { senders: &[METERS], ..Subject::new(READING, "millivolts") }],
        ..Venture::new(VENTURE, "sensing", "example")
    }],
    // There was no earlier registrar whose modules would come back.
    policy: Policy { census: Some(Duration::ZERO), ..Policy::NOMINAL },
    ..Mib::new(ContinuumNumber::from_bits(1), "board")
};

/// Room for 2 peers with 4 rules, 2 own rules, no queries, and PDUs of 160 octets.
type Memory = ModuleMemory<2, 4, 2, 0, 160, 160>;

static METER_MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static LOGGER_MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::new());
static SERVER_MEMORY: ConstStaticCell<ConfigServerMemory<1>> =
    ConstStaticCell::new(ConfigServerMemory::new());
static REGISTRAR_MEMORY: ConstStaticCell<RegistrarMemory<2, 0, 2, 0, 256>> =
    ConstStaticCell::new(RegistrarMemory::new());
static LETTERS: ConstStaticCell<Letters> = ConstStaticCell::new(Deque::new());

/// Four machines and a link.
pub struct Board {
    pub wire: Wire,
    pub meter: Module<'static>,
    pub logger: Module<'static>,
    pub server: ConfigServer<'static>,
    pub registrar: Registrar<'static>,
}

impl Board {
    /// The machines in their storage. It can be called once.
    pub fn new() -> Result<Self, Malformed> {
        let registrar = RegistrarConfig::new(VENTURE, POST, EndpointName::new(REGISTRAR)?);
        let server = ConfigServerConfig { location: 0 };
        Ok(Self {
            wire: Wire { from: address(SERVER), letters: LETTERS.take() },
            meter: Module::new(&MIB, identity(METER, METERS)?, METER_MEMORY.take().storage()),
            logger: Module::new(&MIB, identity(LOGGER, LOGGERS)?, LOGGER_MEMORY.take().storage()),
            server: ConfigServer::new(&MIB, server, SERVER_MEMORY.take().storage()),
            registrar: Registrar::new(&MIB, registrar, REGISTRAR_MEMORY.take().storage()),
        })
    }

    /// Does what is due and hands over what is on the link, until there is no more.
    pub fn run(
        &mut self,
        now: Now,
        tell: fn(&str, Indication),
        log: fn(Now, Result<Delivery<'_>, Fault>),
    ) {
        let meter = &mut |said| tell(METER, said);
        let logger = &mut |said| tell(LOGGER, said);
        self.server.tick(now, self.wire.of(SERVER));
        self.registrar.tick(now, self.wire.of(REGISTRAR));
        self.meter.tick(now, self.wire.of(METER), meter);
        self.logger.tick(now, self.wire.of(LOGGER), logger);
        while let Some(Letter { from, to, octets }) = self.wire.letters.pop_front() {
            if to == address(SERVER) {
                self.server.receive(now, &from, &octets, self.wire.of(SERVER));
            } else if to == address(REGISTRAR) {
                self.registrar.receive(now, &from, &octets, self.wire.of(REGISTRAR));
            } else if to == address(METER) {
                self.meter.receive_mams(now, &from, &octets, self.wire.of(METER), meter);
            } else if to == address(LOGGER) {
                self.logger.receive_mams(now, &from, &octets, self.wire.of(LOGGER), logger);
            } else {
                log(now, self.logger.receive_aams(&octets));
            }
        }
    }

    /// When it is next to be run.
    pub fn next_deadline(&self) -> Option<Instant> {
        let modules = earliest(self.meter.next_deadline(), self.logger.next_deadline());
        let others = earliest(self.server.next_deadline(), self.registrar.next_deadline());
        earliest(modules, others)
    }
}

/// How a module is known and reached: MPDUs at its name, messages at `messages`.
fn identity(name: &'static str, role: RoleNumber) -> Result<ModuleIdentity<'static>, Malformed> {
    const VECTORS: &[DeliveryVectorValues<'static>] = &[DeliveryVectorValues {
        number: 1,
        points: &[DeliveryPoint { service: "queue", endpoint: "messages" }],
    }];
    let contact =
        ContactSummaryValues { endpoint: EndpointName::new(name)?, delivery_vectors: VECTORS };
    Ok(ModuleIdentity { venture: VENTURE, unit: POST, role, contact, first_query: 1 })
}

/// The link: what is sent waits until its receiver is run.
pub struct Wire {
    /// Who is sending.
    from: Address,
    pub letters: &'static mut Letters,
}

type Letters = Deque<Letter, 8>;

/// A datagram on its way.
pub struct Letter {
    pub from: Address,
    pub to: Address,
    pub octets: Vec<u8, 256>,
}

impl Wire {
    /// The link as this endpoint has it.
    pub fn of(&mut self, endpoint: &str) -> &mut Self {
        self.from = address(endpoint);
        self
    }
}

impl Transport for Wire {
    fn resolve(&mut self, _service: &str, endpoint: &str) -> Option<Address> {
        Some(address(endpoint))
    }

    fn send(&mut self, to: &Address, _flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let octets = Vec::from_slice(octets).map_err(|_| SendError::TooLong)?;
        let letter = Letter { from: self.from, to: *to, octets };
        self.letters.push_back(letter).map_err(|_| SendError::Busy)
    }
}

/// On this link an endpoint's name is its address.
pub fn address(endpoint: &str) -> Address {
    Address::new(0, endpoint.as_bytes())
}
