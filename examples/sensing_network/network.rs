//! The network: entities, sockets, and the loop that runs them.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bumpalo::Bump;
use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Mib, Role, ServiceMode, Subject, Timers, Unit, Venture};
use farpost::ams::pdu::EndpointName;
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::host::clock::VirtualClock;
use farpost::host::driver::{Driver, Entity, MachineHost};
use farpost::host::module::{Capacity, ModuleHost, ModuleSockets};
use farpost::host::net::{NameStyle, UdpEndpoint};
use farpost::host::sensing::{Band, Capabilities, FrontEnd, Player, Recording, World};
use farpost::host::station::{
    ActorStation, DeviceStation, FrontEndSensor, ManagerStation, StationApplication,
};
use farpost::scos::actor::{Actor, ActorConfig};
use farpost::scos::calendar::{DevicePlan, Policy};
use farpost::scos::carriage::{Carriage, Station, manager};
use farpost::scos::metadata::{
    Analyser, Antenna, Environment, HardwareSpec, Host, Receiver, Surroundings,
};
use farpost::scos::ssd::{Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{Ssm, SsmConfig, SsmStorage};
use farpost::scos::{
    ActorId, Admission, Backoff, DeviceConfig, DeviceMetadata, RequestId, Section, Summary,
};
use farpost::storage::Slot;
use farpost::time::Now;

use super::journal::{Notes, SharedJournal, Watch};
use super::options::Options;
use super::script::{self, ACTORS, DEVICES, UNPLUGGED};

const VENTURE: VentureNumber = VentureNumber(1);
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

type Sensing = FrontEndSensor<Box<dyn FrontEnd + Send>>;
type DeviceHost<'a> =
    ModuleHost<'a, StationApplication<DeviceStation<'a, Box<dyn FrontEnd + Send>>>>;
type ManagerHost<'a> = ModuleHost<'a, StationApplication<ManagerStation<'a, Watch>>>;
type ActorHost<'a> = ModuleHost<'a, StationApplication<ActorStation<'a, Notes>>>;

/// All entities, and what runs them.
pub(crate) struct Network<'a> {
    arena: &'a Bump,
    options: &'a Options,
    journal: SharedJournal,
    world: Arc<World>,
    mib: &'a Mib<'a>,
    driver: Driver<VirtualClock>,
    server: MachineHost<ConfigServer<'a>>,
    registrar: MachineHost<Registrar<'a>>,
    manager: ManagerHost<'a>,
    /// `None` while it is unplugged.
    devices: [Option<DeviceHost<'a>>; DEVICES.len()],
    actors: [ActorHost<'a>; ACTORS.len()],
    /// How often an SSD has been plugged in.
    boots: u32,
    /// The centre and the width of the recorded band, if there is a recording.
    recorded: Option<(u64, u32)>,
    /// How many Actors have asked.
    asked: usize,
}

impl<'a> Network<'a> {
    pub(crate) fn new(
        arena: &'a Bump,
        options: &'a Options,
        journal: &SharedJournal,
    ) -> Result<Self, Box<dyn Error>> {
        let any = SocketAddr::new(LOCAL, 0);
        let server_socket = UdpEndpoint::bind(any)?;
        let registrar_socket = UdpEndpoint::bind(any)?;
        let mib = make_mib(arena, &server_socket)?;
        let registrar_name: &str = arena.alloc_str(&registrar_socket.local().to_string());

        let server = ConfigServer::new(
            mib,
            ConfigServerConfig::default(),
            ConfigServerStorage { cells: slots(arena, 4), buffer: octets(arena, 512) },
        );
        let endpoint = EndpointName::new(registrar_name)?;
        let config = RegistrarConfig::new(VENTURE, UnitNumber::ROOT, endpoint);
        let storage = RegistrarStorage {
            members: slots(arena, 16),
            registrars: slots(arena, 4),
            dossiers: slots(arena, 16),
            rules: slots(arena, 64),
            buffer: octets(arena, 4_400),
        };
        let registrar = Registrar::new(mib, config, storage);
        let watch = Watch(journal.clone());
        let manager = seat(
            arena,
            mib,
            Station::Manager,
            ManagerStation { ssm: make_ssm(arena), user: watch },
        )?;
        let actors = [
            seat(arena, mib, Station::Actor, make_actor(arena, 0, journal))?,
            seat(arena, mib, Station::Actor, make_actor(arena, 1, journal))?,
        ];
        let clock = VirtualClock::new(script::START, options.speed);
        let mut network = Self {
            arena,
            options,
            journal: journal.clone(),
            world: Arc::new(World::town(2026)),
            mib,
            driver: Driver::new(clock)?,
            server: MachineHost::new(server, server_socket),
            registrar: MachineHost::new(registrar, registrar_socket),
            manager,
            devices: [const { None }; DEVICES.len()],
            actors,
            boots: 0,
            recorded: options.recording.as_deref().map(recorded_band).transpose()?,
            asked: 0,
        };
        network.driver.add(&mut network.server)?;
        network.driver.add(&mut network.registrar)?;
        network.driver.add(&mut network.manager)?;
        for actor in &mut network.actors {
            network.driver.add(actor)?;
        }
        Ok(network)
    }

    /// Runs until all is reported (true) or the time is over (false).
    pub(crate) fn run(&mut self) -> Result<bool, Box<dyn Error>> {
        let start = self.driver_now();
        self.manager.service.register(start)?;
        for actor in &mut self.actors {
            actor.service.register(start)?;
        }
        for device in 0..DEVICES.len() {
            self.plug_in(device, start)?;
        }
        loop {
            let now = self.turn()?;
            let elapsed = now.utc.since(script::START);
            self.follow_script(now, elapsed)?;
            self.journal.borrow().show_progress(now);
            if self.journal.borrow().is_complete() {
                return Ok(true);
            }
            if elapsed > script::LIMIT {
                return Ok(false);
            }
        }
    }

    fn turn(&mut self) -> io::Result<Now> {
        let mut entities: Vec<&mut dyn Entity> =
            vec![&mut self.server, &mut self.registrar, &mut self.manager];
        for device in self.devices.iter_mut().flatten() {
            entities.push(device);
        }
        for actor in &mut self.actors {
            entities.push(actor);
        }
        self.driver.turn(&mut entities, Duration::from_millis(100))
    }

    /// Asks for scans when it is time, unplugs an SSD and plugs it in again.
    fn follow_script(&mut self, now: Now, elapsed: Duration) -> Result<(), Box<dyn Error>> {
        // One after the other: who asks first for a slot that two want is no matter
        // of chance.
        if self.asked < ACTORS.len()
            && elapsed >= script::ASK_AFTER
            && self.journal.borrow().is_ready()
        {
            self.ask(self.asked, now)?;
            self.asked += 1;
        }
        let (device, from, until) = UNPLUGGED;
        let plugged = self.devices.get(device).is_some_and(Option::is_some);
        if plugged && (from..until).contains(&elapsed) {
            if let Some(seat) = self.devices.get_mut(device) {
                *seat = None;
            }
            self.tell_device(now, device, "is unplugged");
        } else if !plugged && elapsed >= until {
            self.plug_in(device, now)?;
            self.tell_device(now, device, "is plugged in again");
        }
        Ok(())
    }

    fn tell_device(&self, now: Now, device: usize, what: &str) {
        let name = DEVICES.get(device).map_or("?", |(name, _)| name);
        self.journal.borrow().tell(now, name, what);
    }

    /// Has an Actor ask for all it wishes, and for the inventory.
    fn ask(&mut self, number: usize, now: Now) -> Result<(), Box<dyn Error>> {
        let Some(host) = self.actors.get_mut(number) else {
            return Ok(());
        };
        let actor = &mut host.application.machine.actor;
        actor.copy_inventory();
        for plan in script::wishes(number, self.recorded) {
            let request = actor.request(&plan.wish())?;
            self.journal.borrow_mut().asked(now, number, request, plan);
        }
        Ok(())
    }

    /// Switches an SSD on. It starts anew, whatever it was before.
    fn plug_in(&mut self, device: usize, now: Now) -> Result<(), Box<dyn Error>> {
        let Some(&(name, post)) = DEVICES.get(device) else {
            return Ok(());
        };
        self.boots += 1;
        let front_end: Box<dyn FrontEnd + Send> = match &self.options.recording {
            None => Box::new(Band::new(self.world.clone(), post)),
            Some(file) => Box::new(Player::new(Recording::open(file)?, 0.0)),
        };
        let ssd = make_ssd(self.arena, name, self.boots, front_end.as_ref());
        let station = DeviceStation { ssd, sensor: Sensing::new(front_end) };
        let mut host = seat(self.arena, self.mib, Station::Device, station)?;
        self.driver.add(&mut host)?;
        host.service.register(now)?;
        if let Some(seat) = self.devices.get_mut(device) {
            *seat = Some(host);
        }
        Ok(())
    }

    fn driver_now(&self) -> Now {
        use farpost::time::Clock;
        self.driver.clock().now()
    }
}

/// The centre and the width of the first band of a recording, in hertz.
fn recorded_band(file: &Path) -> Result<(u64, u32), Box<dyn Error>> {
    let player = Player::new(Recording::open(file)?, 0.0);
    let band = player.bands().next().ok_or("the recording does not tell its frequency")?;
    let widest = *player.capabilities().bandwidth_hz.end();
    Ok((band.start().midpoint(*band.end()), widest))
}

/// The MIB: one continuum, one venture, a role and a subject for each kind of
/// station.
fn make_mib<'a>(arena: &'a Bump, server: &UdpEndpoint) -> Result<&'a Mib<'a>, Box<dyn Error>> {
    let Carriage { device, manager, actor } = Carriage::DEFAULT;
    let roles = [(device, "ssd"), (manager, "ssm"), (actor, "actor")];
    let subjects = [(device, "from-ssd"), (manager, "from-ssm"), (actor, "from-actor")];
    let server: &str = arena.alloc_str(&server.local().to_string());
    let venture = Venture {
        units: arena.alloc_slice_copy(&[Unit { resync_period: 12, ..Unit::ROOT }]),
        roles: arena.alloc_slice_copy(&[
            Role::new(RoleNumber::RAMS_GATEWAY, "RAMS"),
            Role::new(roles[0].0.role, roles[0].1),
            Role::new(roles[1].0.role, roles[1].1),
            Role::new(roles[2].0.role, roles[2].1),
        ]),
        subjects: arena.alloc_slice_fill_iter(subjects.map(|(party, name)| Subject {
            senders: arena.alloc_slice_copy(&[party.role]),
            ..Subject::new(SubjectNumber(party.subject.0), name)
        })),
        ..Venture::new(VENTURE, "sensing", "farpost")
    };
    let mib = Mib {
        config_servers: arena.alloc_slice_copy(&[server]),
        ventures: arena.alloc_slice_copy(&[venture]),
        timers: Timers::NOMINAL,
        ..Mib::new(ContinuumNumber::new(1).ok_or("no continuum")?, "coast")
    };
    mib.validate()?;
    Ok(arena.alloc(mib))
}

/// A module for a station, with sockets of its own.
fn seat<'a, M: farpost::machine::Machine>(
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    station: Station,
    machine: M,
) -> io::Result<ModuleHost<'a, StationApplication<M>>> {
    let carriage = Carriage::DEFAULT;
    // Actors are sent their reports by TCP, the others by UDP.
    let mode = match station {
        Station::Actor => ServiceMode::ASSURED,
        Station::Device | Station::Manager => ServiceMode::BEST_EFFORT,
    };
    let application =
        StationApplication::new(machine, station, carriage, mib.continuum.number, mode);
    let capacity = Capacity { peers: 16, rules: 64, own: 8, queries: 1 };
    let place = (VENTURE, UnitNumber::ROOT, carriage.party(station).role);
    let sockets = ModuleSockets::bind(LOCAL, 0)?;
    ModuleHost::new(arena, mib, place, (sockets, NameStyle::Address), capacity, application)
}

fn make_ssm(arena: &Bump) -> Ssm<'_> {
    let devices = arena.alloc_slice_fill_iter(
        DEVICES.map(|(device, _)| DeviceConfig { device, public_key: device.as_bytes() }),
    );
    let config = SsmConfig {
        epoch: 1,
        devices,
        admission: Admission::Configured,
        max_ttl: Duration::from_secs(180),
        policy: Policy { quota_minutes: Some(60), ..Policy::OPEN },
        guard: Duration::from_secs(30),
        grace: Duration::from_secs(60),
        backoff: Backoff::NOMINAL,
        memory: Duration::from_secs(3_600),
        keep: Duration::from_secs(86_400),
        operator: None,
    };
    let storage = SsmStorage {
        devices: slots(arena, DEVICES.len()),
        plans: arena.alloc_slice_fill_with(DEVICES.len(), |_| DevicePlan::EMPTY),
        metadata: arena.alloc_slice_fill_with(DEVICES.len(), |_| DeviceMetadata::EMPTY),
        recipes: slots(arena, 64),
        bookings: slots(arena, 64),
        actors: slots(arena, 8),
        reports: slots(arena, 64),
        summaries: arena.alloc_slice_fill_with(64, |_| Summary::EMPTY),
        usage: slots(arena, 8),
    };
    Ssm::new(config, storage)
}

fn make_ssd<'a>(
    arena: &'a Bump,
    name: &'static str,
    boot: u32,
    front_end: &dyn FrontEnd,
) -> Ssd<'a> {
    let reach = front_end.capabilities();
    let config = SsdConfig {
        device: name,
        public_key: name.as_bytes(),
        metadata: arena.alloc_slice_copy(&metadata(name, &reach)),
        ssm: manager(),
        boot,
        seed: u64::from(boot),
        backoff: Backoff::NOMINAL,
        tolerance: Duration::from_secs(20),
        guard: Duration::from_secs(30),
    };
    let storage = SsdStorage {
        recipes: slots(arena, 16),
        reports: slots(arena, 32),
        summaries: arena.alloc_slice_fill_with(32, |_| Summary::EMPTY),
        metadata: octets(arena, DeviceMetadata::OCTETS),
    };
    Ssd::new(config, storage)
}

/// What a device says of itself.
fn metadata(name: &'static str, reach: &Capabilities) -> [Section<'static>; 4] {
    let receiver = Receiver {
        frequency_low_hz: *reach.frequency_hz.start(),
        frequency_high_hz: *reach.frequency_hz.end(),
        bandwidth_max_hz: *reach.bandwidth_hz.end(),
        resolution_min_hz: 10,
        gain_min_db: *reach.gain_db.start(),
        gain_max_db: *reach.gain_db.end(),
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
            spec: HardwareSpec { model: "simulated", ..HardwareSpec::UNKNOWN },
            name,
            ..Host::UNKNOWN
        }),
        Section::Environment(Environment {
            surroundings: Some(Surroundings::OutdoorRural),
            ..Environment::UNKNOWN
        }),
    ]
}

fn make_actor<'a>(
    arena: &'a Bump,
    number: usize,
    journal: &SharedJournal,
) -> ActorStation<'a, Notes> {
    let config = ActorConfig {
        actor: ActorId(u32::try_from(number).unwrap_or(0) + 1),
        ssm: manager(),
        first_request: RequestId(1),
        backoff: Backoff::NOMINAL,
        attempts: 10,
    };
    let actor = Actor::new(config, slots(arena, 32));
    ActorStation { actor, user: Notes { actor: number, journal: journal.clone() } }
}

fn slots<T>(arena: &Bump, count: usize) -> &mut [Slot<T>] {
    arena.alloc_slice_fill_with(count, |_| Slot::EMPTY)
}

fn octets(arena: &Bump, count: usize) -> &mut [u8] {
    arena.alloc_slice_fill_copy(count, 0)
}
