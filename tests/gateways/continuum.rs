//! Whole continua in one thread, on a clock that runs fast.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant as RealInstant};

use bumpalo::Bump;
use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::gateway::{Gateway, GatewayConfig};
use farpost::ams::ids::{
    ContinuumNumber, ModuleKey, RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use farpost::ams::mib::{self, Mib, Policy, RemoteMessageSpace, Role, Subject, Timers, Venture};
use farpost::ams::module::{RuleKind, RuleRequest};
use farpost::ams::pdu::EndpointName;
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::ams::service::{Delivery, Fault, Indication, Message};
use farpost::host::clock::VirtualClock;
use farpost::host::driver::{Driver, Entity, MachineHost};
use farpost::host::gateway::{GatewayCapacity, GatewayHost, GatewaySetup};
use farpost::host::module::{Application, Capacity, ModuleHost, ModuleSockets, Service};
use farpost::host::net::{NameStyle, UdpEndpoint};
use farpost::host::rams::Carriages;
use farpost::storage::Slot;
use farpost::time::{Clock, Instant, Now, Utc};

pub(crate) const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub(crate) const VENTURE: VentureNumber = VentureNumber(1);
pub(crate) const SUBJECT: i16 = 4;
const READER: RoleNumber = RoleNumber(2);

const ROOM: Capacity = Capacity { peers: 8, rules: 64, own: 16, queries: 4 };
pub(crate) const CAPACITY: GatewayCapacity =
    GatewayCapacity { module: ROOM, petitions: 16, messages: 16, octets: 4_096 };

/// How long anything may take before a test has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// How a continuum is joined to others.
pub(crate) struct Plan {
    pub(crate) number: u16,
    pub(crate) neighbours: Vec<(u16, String)>,
    pub(crate) carriages: Carriages,
}

struct Seat<'a> {
    number: u16,
    server: MachineHost<ConfigServer<'a>>,
    registrar: MachineHost<Registrar<'a>>,
    gateway: GatewayHost<'a, ()>,
    module: ModuleHost<'a, Reader>,
}

/// What was received, and from which continuum. Queries are replied to.
#[derive(Default)]
struct Reader(RefCell<Vec<Got>>);

/// The number of a continuum and what came from there.
pub(crate) type Got = (u16, Vec<u8>);

impl Application for Reader {
    fn indicated(&mut self, _: Now, _: &mut Service<'_>, _: Indication) {}

    fn delivered(
        &mut self,
        _: Now,
        service: &mut Service<'_>,
        delivery: Result<Delivery<'_>, Fault>,
    ) {
        let delivery = delivery.unwrap();
        let message = *delivery.message();
        self.0.borrow_mut().push((message.continuum.get(), message.data.to_vec()));
        if let Delivery::Query(_) = delivery {
            let data = [b"reply to ", message.data].concat();
            let reply =
                Message { context: message.context, ..Message::new(message.subject, &data) };
            service.reply((message.continuum, message.source), &reply).unwrap();
        }
    }

    fn tick(&mut self, _: Now, _: &mut Service<'_>) {}

    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}

pub(crate) struct Continua<'a> {
    driver: Driver<VirtualClock>,
    seats: Vec<Seat<'a>>,
}

impl<'a> Continua<'a> {
    pub(crate) fn new(arena: &'a Bump, plans: Vec<Plan>) -> Self {
        Self::with_clock(arena, plans, VirtualClock::new(Utc::from_unix_seconds(1_795_305_600), 20))
    }

    pub(crate) fn with_clock(arena: &'a Bump, plans: Vec<Plan>, clock: VirtualClock) -> Self {
        let mut driver = Driver::new(clock).unwrap();
        let mut seats: Vec<_> = plans.into_iter().map(|plan| Seat::new(arena, plan)).collect();
        for seat in &mut seats {
            for entity in seat.entities() {
                driver.add(entity).unwrap();
            }
        }
        Self { driver, seats }
    }

    /// Everybody registers, and the gateways find one another.
    pub(crate) fn join(&mut self) {
        let now = self.driver.clock().now();
        for seat in &mut self.seats {
            seat.gateway.register(now).unwrap();
            seat.module.service.register(now).unwrap();
        }
        self.until("all are joined", |continua| {
            continua.seats.iter().all(|seat| {
                let gateway = seat.gateway.gateway();
                let neighbours = u32::try_from(gateway.neighbours().count()).unwrap();
                gateway.declared().len() == neighbours
                    && seat.hears_of(ContinuumNumber::from_bits(seat.number).pseudo_subject())
                    && gateway.module().rules().count() > 0
            })
        });
    }

    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let limit = RealInstant::now() + LIMIT;
        while !is_so(self) {
            assert!(RealInstant::now() < limit, "this did not come: {what}");
            let mut entities: Vec<&mut dyn Entity> = Vec::new();
            for seat in &mut self.seats {
                entities.extend(seat.entities());
            }
            self.driver.turn(&mut entities, Duration::from_millis(20)).unwrap();
        }
    }

    pub(crate) fn gateway(&self, seat: usize) -> &Gateway<'a> {
        self.seats.get(seat).unwrap().gateway.gateway()
    }

    pub(crate) fn unregister_gateway(&mut self, seat: usize) {
        let now = self.driver.clock().now();
        self.seats.get_mut(seat).unwrap().gateway.unregister(now).unwrap();
    }

    /// The module there subscribes to the subject and invites it, from everywhere.
    pub(crate) fn subscribe(&mut self, seat: usize) {
        let now = self.driver.clock().now();
        let service = &mut self.seats.get_mut(seat).unwrap().module.service;
        let request = RuleRequest::new(SubjectNumber(SUBJECT));
        service.subscribe(now, &request).unwrap();
        service.invite(now, &request).unwrap();
    }

    /// Publishes in continuum `seat`, once its gateway has subscribed.
    pub(crate) fn publish(&mut self, seat: usize, data: &[u8]) {
        self.until("the gateway subscribes", |continua| {
            continua.seats.get(seat).unwrap().hears_of(SubjectNumber(SUBJECT))
        });
        let service = &mut self.seats.get_mut(seat).unwrap().module.service;
        service.publish(&Message::new(SubjectNumber(SUBJECT), data)).unwrap();
    }

    /// The module of continuum `from` asks that of the continuum numbered `to`.
    pub(crate) fn query(&mut self, from: usize, to: u16, query: &Message<'_>) {
        let now = self.driver.clock().now();
        let modules = self.seats.iter().find(|seat| seat.number == to).unwrap();
        let key: ModuleKey = modules.module.service.module().id().unwrap().key();
        let to = (ContinuumNumber::from_bits(to), key);
        let service = &mut self.seats.get_mut(from).unwrap().module.service;
        service.query(now, to, query, None).unwrap();
    }

    pub(crate) fn got(&self, seat: usize) -> Vec<Got> {
        self.seats.get(seat).unwrap().module.application.0.borrow().clone()
    }
}

impl<'a> Seat<'a> {
    fn new(arena: &'a Bump, Plan { number, neighbours, carriages }: Plan) -> Self {
        let any = SocketAddr::new(LOCAL, 0);
        let (server, registrar) =
            (UdpEndpoint::bind(any).unwrap(), UdpEndpoint::bind(any).unwrap());
        let neighbours: Vec<_> =
            neighbours.iter().map(|(number, at)| (*number, at.as_str())).collect();
        let mib = mib(arena, number, &server.local().to_string(), &neighbours);
        let storage = ConfigServerStorage { cells: slots(arena, 2), buffer: octets(arena, 512) };
        let server_machine = ConfigServer::new(mib, ConfigServerConfig::default(), storage);
        let name = EndpointName::new(arena.alloc_str(&registrar.local().to_string())).unwrap();
        let storage = RegistrarStorage {
            members: slots(arena, 8),
            registrars: slots(arena, 2),
            dossiers: slots(arena, 8),
            rules: slots(arena, 64),
            buffer: octets(arena, 4_400),
        };
        let config = RegistrarConfig::new(VENTURE, UnitNumber::ROOT, name);
        let registrar_machine = Registrar::new(mib, config, storage);
        let sockets = || ModuleSockets::bind(LOCAL, 0).unwrap();
        let setup = GatewaySetup {
            venture: VENTURE,
            unit: UnitNumber::ROOT,
            style: NameStyle::Address,
            config: GatewayConfig::default(),
            capacity: CAPACITY,
        };
        let place = (VENTURE, UnitNumber::ROOT, READER);
        let seat = (sockets(), NameStyle::Address);
        Self {
            number,
            server: MachineHost::new(server_machine, server),
            registrar: MachineHost::new(registrar_machine, registrar),
            gateway: GatewayHost::new(arena, mib, setup, sockets(), carriages, ()).unwrap(),
            module: ModuleHost::new(arena, mib, place, seat, ROOM, Reader::default()).unwrap(),
        }
    }

    /// Whether the module knows that the gateway subscribes to this.
    fn hears_of(&self, subject: SubjectNumber) -> bool {
        let mut rules = self.module.service.module().rules();
        rules.any(|(_, kind, rule)| kind == RuleKind::Subscription && rule.subject == subject)
    }

    fn entities(&mut self) -> [&mut dyn Entity; 4] {
        [&mut self.server, &mut self.registrar, &mut self.gateway, &mut self.module]
    }
}

/// The MIB of a continuum.
pub(crate) fn mib<'a>(
    arena: &'a Bump,
    number: u16,
    server: &str,
    neighbours: &[(u16, &str)],
) -> &'a Mib<'a> {
    let continua = neighbours.iter().map(|(number, _)| mib::Continuum {
        number: ContinuumNumber::from_bits(*number),
        name: arena.alloc_str(&format!("c{number}")),
        neighbour: true,
        description: "",
    });
    let remote = neighbours.iter().map(|(number, at)| {
        RemoteMessageSpace::new(ContinuumNumber::from_bits(*number), arena.alloc_str(at))
    });
    let venture = Venture {
        roles: arena.alloc_slice_copy(&[Role::new(READER, "reader")]),
        subjects: arena.alloc_slice_copy(&[Subject::new(SubjectNumber(SUBJECT), "reading")]),
        remote: arena.alloc_slice_fill_iter(remote.collect::<Vec<_>>()),
        ..Venture::new(VENTURE, "watch", "tests")
    };
    let second = Duration::from_secs(1);
    let mib = Mib {
        config_servers: arena.alloc_slice_copy(&[&*arena.alloc_str(server)]),
        continua: arena.alloc_slice_fill_iter(continua.collect::<Vec<_>>()),
        ventures: arena.alloc_slice_copy(&[venture]),
        // Long enough for a machine that is busy: the clock runs fast.
        timers: Timers { n1: 5 * second, n2: 5 * second, n3: 2 * second, n6: 30 },
        policy: Policy { census: Some(Duration::ZERO), ..Policy::default() },
        ..Mib::new(ContinuumNumber::from_bits(number), "here")
    };
    mib.validate().unwrap();
    arena.alloc(mib)
}

fn slots<T>(arena: &Bump, count: usize) -> &mut [Slot<T>] {
    arena.alloc_slice_fill_with(count, |_| Slot::EMPTY)
}

fn octets(arena: &Bump, count: usize) -> &mut [u8] {
    arena.alloc_slice_fill_copy(count, 0)
}
