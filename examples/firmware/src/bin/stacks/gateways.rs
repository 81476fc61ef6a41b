//! Two message spaces in two continua, and the gateways between them.

use core::time::Duration;

use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerMemory};
use farpost::ams::gateway::{
    Block, Gateway, GatewayConfig, GatewayStorage, Neighbour, Parcel, Petition,
};
use farpost::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{
    Continuum, Mib, Policy, RemoteMessageSpace, Role, ServiceMode, Subject, TransportService, Unit,
    Venture,
};
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory, RuleRequest};
use farpost::ams::pdu::{ContactSummaryValues, DeliveryPoint, DeliveryVectorValues, EndpointName};
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarMemory};
use farpost::ams::service::Message;
use farpost::storage::Slot;
use farpost::time::{Instant, Now};
use farpost::transport::{Address, SendError, Transport};
use heapless::{Deque, Vec};
use static_cell::ConstStaticCell;

use crate::deepest::Deepest;
use crate::quiet;

const READING: SubjectNumber = SubjectNumber(1);
const READERS: RoleNumber = RoleNumber(2);
const VENTURE: VentureNumber = VentureNumber(1);

/// What is in each space; an endpoint is one of these and the number of the space.
const SERVER: u8 = b's';
const REGISTRAR: u8 = b'r';
const GATEWAY: u8 = b'g';
const FORWARDED: u8 = b'f';
const MODULE: u8 = b'm';
const DELIVERED: u8 = b'd';

/// What differs between both spaces.
struct Place {
    mib: Mib<'static>,
    registrar: &'static str,
    gateway: &'static str,
    forwarded: &'static [DeliveryVectorValues<'static>],
    module: &'static str,
    delivered: &'static [DeliveryVectorValues<'static>],
}

macro_rules! place {
    ($own:literal $name:literal, $other:literal $far:literal,
     $server:literal $registrar:literal $gateway:literal $forwarded:literal
     $module:literal $delivered:literal, $neighbour:literal) => {
        Place {
            mib: Mib {
                primary_transport: "queue",
                config_servers: &[$server],
                transports: &[TransportService { name: "queue", mode: ServiceMode::BEST_EFFORT }],
                continua: &[Continuum {
                    number: ContinuumNumber::from_bits($other),
                    name: $far,
                    neighbour: true,
                    description: "",
                }],
                ventures: &[Venture {
                    units: &[Unit::ROOT],
                    roles: &[
                        Role::new(RoleNumber::RAMS_GATEWAY, "RAMS"),
                        Role::new(READERS, "reader"),
                    ],
                    subjects: &[Subject::new(READING, "millivolts")],
                    remote: &[RemoteMessageSpace::new(
                        ContinuumNumber::from_bits($other),
                        $neighbour,
                    )],
                    ..Venture::new(VENTURE, "sensing", "example")
                }],
                // There was no earlier registrar whose modules would come back.
                policy: Policy { census: Some(Duration::ZERO), ..Policy::NOMINAL },
                ..Mib::new(ContinuumNumber::from_bits($own), $name)
            },
            registrar: $registrar,
            gateway: $gateway,
            forwarded: &[DeliveryVectorValues {
                number: 1,
                points: &[DeliveryPoint { service: "queue", endpoint: $forwarded }],
            }],
            module: $module,
            delivered: &[DeliveryVectorValues {
                number: 1,
                points: &[DeliveryPoint { service: "queue", endpoint: $delivered }],
            }],
        }
    };
}

static PLACES: [Place; 2] = [
    place!(1 "near", 2 "far", "s1" "r1" "g1" "f1" "m1" "d1", "queue@g2"),
    place!(2 "far", 1 "near", "s2" "r2" "g2" "f2" "m2" "d2", "queue@g1"),
];

/// Storage of what is in a space.
struct Room {
    server: ConfigServerMemory<1>,
    registrar: RegistrarMemory<4, 0, 4, 8, 256>,
    gateway: ModuleMemory<2, 8, 8, 0, 256, 256>,
    neighbours: [Slot<Neighbour>; 1],
    petitions: [Slot<Petition>; 8],
    parcels: [Slot<Parcel>; 4],
    blocks: [Block; 16],
    rpdu: [u8; 256],
    module: ModuleMemory<2, 8, 2, 0, 256, 160>,
}

impl Room {
    const EMPTY: Self = Self {
        server: ConfigServerMemory::new(),
        registrar: RegistrarMemory::new(),
        gateway: ModuleMemory::new(),
        neighbours: [Slot::EMPTY; 1],
        petitions: [const { Slot::EMPTY }; 8],
        parcels: [const { Slot::EMPTY }; 4],
        blocks: [Block::EMPTY; 16],
        rpdu: [0; 256],
        module: ModuleMemory::new(),
    };
}

static ROOMS: ConstStaticCell<[Room; 2]> = ConstStaticCell::new([const { Room::EMPTY }; 2]);
static LETTERS: ConstStaticCell<Deque<Letter, 16>> = ConstStaticCell::new(Deque::new());

/// A datagram on its way.
struct Letter {
    from: Address,
    to: Address,
    octets: Vec<u8, 320>,
}

/// The links, as an endpoint has them.
struct Wire<'w>(&'w mut Deque<Letter, 16>, [u8; 2]);

impl Transport for Wire<'_> {
    fn resolve(&mut self, _service: &str, endpoint: &str) -> Option<Address> {
        Some(Address::new(0, endpoint.as_bytes()))
    }

    fn send(&mut self, to: &Address, _flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let octets = Vec::from_slice(octets).map_err(|_| SendError::TooLong)?;
        let letter = Letter { from: Address::new(0, &self.1), to: *to, octets };
        self.0.push_back(letter).map_err(|_| SendError::Busy)
    }
}

/// A message space.
struct Space {
    server: ConfigServer<'static>,
    registrar: Registrar<'static>,
    gateway: Gateway<'static>,
    module: Module<'static>,
}

impl Space {
    fn new(place: &'static Place, room: &'static mut Room) -> Option<Self> {
        let identity = |role, endpoint, vectors| {
            let endpoint = EndpointName::new(endpoint).ok()?;
            let contact = ContactSummaryValues { endpoint, delivery_vectors: vectors };
            let (venture, unit) = (VENTURE, UnitNumber::ROOT);
            Some(ModuleIdentity { venture, unit, role, contact, first_query: 1 })
        };
        let mib = &place.mib;
        let endpoint = EndpointName::new(place.registrar).ok()?;
        let registrar = RegistrarConfig::new(VENTURE, UnitNumber::ROOT, endpoint);
        let gateway = identity(RoleNumber::RAMS_GATEWAY, place.gateway, place.forwarded)?;
        let storage = GatewayStorage {
            module: room.gateway.storage(),
            neighbours: &mut room.neighbours,
            petitions: &mut room.petitions,
            parcels: &mut room.parcels,
            blocks: &mut room.blocks,
            rpdu: &mut room.rpdu,
        };
        let module = identity(READERS, place.module, place.delivered)?;
        Some(Self {
            server: ConfigServer::new(
                mib,
                ConfigServerConfig { location: 0 },
                room.server.storage(),
            ),
            registrar: Registrar::new(mib, registrar, room.registrar.storage()),
            gateway: Gateway::new(mib, gateway, GatewayConfig::default(), storage),
            module: Module::new(mib, module, room.module.storage()),
        })
    }
}

/// The module of each space publishes to that of the other for some minutes. Returns how many
/// messages have crossed.
pub fn live(depth: &mut Deepest) -> Option<u32> {
    let wire = LETTERS.take();
    let [near, far] = ROOMS.take();
    let [place, other] = &PLACES;
    let mut spaces = [Space::new(place, near)?, Space::new(other, far)?];
    let mut now = Now::default();
    let mut crossed = 0;
    turn(&mut spaces, now, wire, depth, &mut crossed);
    for (space, number) in spaces.iter_mut().zip(b'1'..) {
        let of = &mut Wire(wire, [GATEWAY, number]);
        let mut registered = Ok(());
        depth.of(|| registered = space.gateway.register(now, of, &mut quiet));
        registered.ok()?;
        space.module.register(now, &mut Wire(wire, [MODULE, number]), &mut quiet).ok()?;
    }
    turn(&mut spaces, now, wire, depth, &mut crossed);
    for (space, number) in spaces.iter_mut().zip(b'1'..) {
        let of = &mut Wire(wire, [MODULE, number]);
        space.module.subscribe(now, &RuleRequest::new(READING), of).ok()?;
    }
    while now.monotonic < Instant::ZERO.after(Duration::from_secs(300)) {
        turn(&mut spaces, now, wire, depth, &mut crossed);
        for (space, number) in spaces.iter_mut().zip(b'1'..) {
            let message = Message::new(READING, &[0x5a; 100]);
            let of = &mut Wire(wire, [MODULE, number]);
            space.module.publish(&message, of, &mut quiet).ok()?;
        }
        now = now.after(Duration::from_secs(5));
    }
    Some(crossed)
}

fn turn(
    spaces: &mut [Space; 2],
    now: Now,
    wire: &mut Deque<Letter, 16>,
    depth: &mut Deepest,
    crossed: &mut u32,
) {
    for (space, number) in spaces.iter_mut().zip(b'1'..) {
        space.server.tick(now, &mut Wire(wire, [SERVER, number]));
        space.registrar.tick(now, &mut Wire(wire, [REGISTRAR, number]));
        depth.of(|| space.gateway.tick(now, &mut Wire(wire, [GATEWAY, number]), &mut quiet));
        space.module.tick(now, &mut Wire(wire, [MODULE, number]), &mut quiet);
    }
    while let Some(Letter { from, to, octets }) = wire.pop_front() {
        let &[what, number] = to.octets() else { continue };
        let Some(space) = spaces.get_mut(usize::from(number.wrapping_sub(b'1'))) else { continue };
        // A gateway says what it has to say from one place.
        let speaker = if what == FORWARDED { GATEWAY } else { what };
        let of = &mut Wire(wire, [speaker, number]);
        match what {
            SERVER => space.server.receive(now, &from, &octets, of),
            REGISTRAR => space.registrar.receive(now, &from, &octets, of),
            GATEWAY if from.octets().starts_with(&[GATEWAY]) => {
                depth.of(|| space.gateway.receive_rams(now, &from, &octets, of));
            }
            GATEWAY => {
                depth.of(|| space.gateway.receive_mams(now, &from, &octets, of, &mut quiet));
            }
            FORWARDED => depth.of(|| {
                let _ = space.gateway.receive_aams(now, &octets, of);
            }),
            MODULE => space.module.receive_mams(now, &from, &octets, of, &mut quiet),
            DELIVERED => {
                let continuum = ContinuumNumber::from_bits(u16::from(number - b'0'));
                let message = space.module.receive_aams(&octets).ok();
                let far = message.filter(|message| message.message().continuum != continuum);
                *crossed += u32::from(far.is_some());
            }
            _ => {}
        }
    }
}
