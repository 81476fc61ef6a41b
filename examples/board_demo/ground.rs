//! The ground side: configuration server, registrar, SSM and Actor, and who manages the board
//! and writes its schedule, on loopback.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bumpalo::Bump;
use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::ids::{ContinuumNumber, RoleNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Mib, Policy as MibPolicy, Role, ServiceMode, Subject, Unit, Venture};
use farpost::ams::pdu::EndpointName;
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::host::clock::VirtualClock;
use farpost::host::driver::{Driver, MachineHost};
use farpost::host::module::{Capacity, ModuleHost, ModuleSockets};
use farpost::host::net::{NameStyle, UdpEndpoint};
use farpost::host::station::{ActorStation, ManagerStation, StationApplication};
use farpost::machine::Machine;
use farpost::scos::actor::Actor;
use farpost::scos::carriage::{Carriage, Station, manager};
use farpost::time::{Clock, Now};

use super::desk::Desk;
use super::emulator::{Emulator, Firmware, free_ports};
use super::journal::{Journal, Notes, SharedJournal, Watch};
use super::options::Options;
use super::schedule::Scheduler;
use super::script::{self, DEVICE};
use super::stations::{self, slots};
use super::story::Stage;
use super::time_server::TimeServer;

const VENTURE: VentureNumber = VentureNumber(1);
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

type ManagerHost<'a> = ModuleHost<'a, StationApplication<ManagerStation<'a, Watch>>>;
type ActorHost<'a> = ModuleHost<'a, StationApplication<ActorStation<'a, Notes>>>;

/// All entities on this side, the board, and what runs them.
pub(crate) struct Ground<'a> {
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    journal: SharedJournal,
    driver: Driver<VirtualClock>,
    server: MachineHost<ConfigServer<'a>>,
    registrar: MachineHost<Registrar<'a>>,
    time: TimeServer,
    manager: ManagerHost<'a>,
    actor: ActorHost<'a>,
    desk: Desk<'a>,
    schedule: Scheduler<'a>,
    board: Emulator,
}

impl<'a> Ground<'a> {
    pub(crate) fn new(
        arena: &'a Bump,
        options: &Options,
        firmware: &Firmware,
        journal: &SharedJournal,
    ) -> Result<Self, Box<dyn Error>> {
        let any = SocketAddr::new(LOCAL, 0);
        let server_socket = UdpEndpoint::bind(any)?;
        let registrar_socket = UdpEndpoint::bind(any)?;
        let server_port = server_socket.local().port();
        let mib = make_mib(arena, &server_socket)?;
        let clock = VirtualClock::new(script::START, options.speed);
        let time = TimeServer::bind(clock)?;
        let (desk, schedule) = (Desk::bind(arena)?, Scheduler::bind(arena)?);
        let (mams, aams) = free_ports()?;
        let words = [
            format!("server={server_port}"),
            format!("time={}", time.port()?),
            format!("mams={mams}"),
            format!("aams={aams}"),
            format!("management={}", desk.port()),
            format!("controller={}", schedule.port()),
        ];
        let mut ground = Self {
            arena,
            mib,
            journal: journal.clone(),
            driver: Driver::new(clock)?,
            server: MachineHost::new(make_server(arena, mib), server_socket),
            registrar: make_registrar(arena, mib, registrar_socket)?,
            time,
            manager: make_manager(arena, mib, 1, journal)?,
            actor: make_actor(arena, mib, journal)?,
            desk,
            schedule,
            board: Emulator::start(options, firmware, &words, &[mams, aams])?,
        };
        ground.driver.add(&mut ground.server)?;
        ground.driver.add(&mut ground.registrar)?;
        ground.driver.add(&mut ground.time)?;
        ground.driver.add(&mut ground.manager)?;
        ground.driver.add(&mut ground.actor)?;
        ground.driver.add(&mut ground.desk)?;
        ground.driver.add(&mut ground.schedule)?;
        Ok(ground)
    }

    /// Prints what became of rule and schedule. True if that is right.
    pub(crate) fn summarise(&self) -> bool {
        let managed = self.desk.summarise();
        self.schedule.summarise() && managed
    }
}

impl<'a> Stage<'a> for Ground<'a> {
    fn begin(&mut self) -> Result<(), Box<dyn Error>> {
        let now = self.driver.clock().now();
        self.manager.service.register(now)?;
        self.actor.service.register(now)?;
        Ok(())
    }

    fn turn(&mut self) -> Result<Now, Box<dyn Error>> {
        let now = self.driver.turn(
            &mut [
                &mut self.server,
                &mut self.registrar,
                &mut self.time,
                &mut self.manager,
                &mut self.actor,
                &mut self.desk,
                &mut self.schedule,
            ],
            Duration::from_millis(50),
        )?;
        while let Some(line) = self.board.line()? {
            Journal::tell(now, "board", &line);
        }
        Ok(now)
    }

    fn actor(&mut self) -> &mut Actor<'a> {
        &mut self.actor.application.machine.actor
    }

    fn is_ready(&self) -> bool {
        self.desk.is_ready() && self.schedule.is_ready()
    }

    fn close(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        self.desk.ask(now)
    }

    fn is_closed(&self) -> bool {
        self.desk.told() > 1 && self.schedule.has_metrics()
    }

    fn restart_manager(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        self.manager = make_manager(self.arena, self.mib, 2, &self.journal)?;
        self.driver.add(&mut self.manager)?;
        self.manager.service.register(now)?;
        Ok(())
    }
}

/// The MIB: one continuum, one venture, a role and a subject for each kind of
/// station. The board has the same in its firmware.
fn make_mib<'a>(arena: &'a Bump, server: &UdpEndpoint) -> Result<&'a Mib<'a>, Box<dyn Error>> {
    let Carriage { device, manager, actor } = Carriage::DEFAULT;
    let server: &str = arena.alloc_str(&server.local().to_string());
    let parties =
        [(device, "ssd", "from-ssd"), (manager, "ssm", "from-ssm"), (actor, "actor", "from-actor")];
    let gateway = Role::new(RoleNumber::RAMS_GATEWAY, "RAMS");
    let roles = parties.iter().map(|(party, role, _)| Role::new(party.role, role));
    let roles: Vec<_> = std::iter::once(gateway).chain(roles).collect();
    let subjects = parties.map(|(party, _, name)| Subject {
        senders: arena.alloc_slice_copy(&[party.role]),
        ..Subject::new(party.subject, name)
    });
    let venture = Venture {
        units: arena.alloc_slice_copy(&[Unit { resync_period: 12, ..Unit::ROOT }]),
        roles: arena.alloc_slice_copy(&roles),
        subjects: arena.alloc_slice_copy(&subjects),
        ..Venture::new(VENTURE, "sensing", "farpost")
    };
    let mib = Mib {
        config_servers: arena.alloc_slice_copy(&[server]),
        ventures: arena.alloc_slice_copy(&[venture]),
        // There was no earlier registrar whose modules would come back.
        policy: MibPolicy { census: Some(Duration::ZERO), ..MibPolicy::NOMINAL },
        ..Mib::new(ContinuumNumber::new(1).ok_or("no continuum")?, "coast")
    };
    mib.validate()?;
    Ok(arena.alloc(mib))
}

fn make_server<'a>(arena: &'a Bump, mib: &'a Mib<'a>) -> ConfigServer<'a> {
    let storage = ConfigServerStorage { cells: slots(arena, 2), buffer: octets(arena, 512) };
    ConfigServer::new(mib, ConfigServerConfig::default(), storage)
}

fn make_registrar<'a>(
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    socket: UdpEndpoint,
) -> Result<MachineHost<Registrar<'a>>, Box<dyn Error>> {
    let endpoint = EndpointName::new(arena.alloc_str(&socket.local().to_string()))?;
    let config = RegistrarConfig::new(VENTURE, UnitNumber::ROOT, endpoint);
    let storage = RegistrarStorage {
        members: slots(arena, 8),
        registrars: slots(arena, 1),
        dossiers: slots(arena, 8),
        rules: slots(arena, 32),
        // No datagram is longer than a frame: the board takes no fragments.
        buffer: octets(arena, 1_400),
    };
    Ok(MachineHost::new(Registrar::new(mib, config, storage), socket))
}

/// A module for a station, with sockets of its own. The board has UDP alone.
fn seat<'a, M: Machine>(
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    station: Station,
    machine: M,
) -> io::Result<ModuleHost<'a, StationApplication<M>>> {
    let carriage = Carriage::DEFAULT;
    let mode = ServiceMode::BEST_EFFORT;
    let application =
        StationApplication::new(machine, station, carriage, mib.continuum.number, mode);
    let capacity = Capacity { peers: 8, rules: 32, own: 8, queries: 1 };
    let place = (VENTURE, UnitNumber::ROOT, carriage.party(station).role);
    let sockets = ModuleSockets::bind(LOCAL, 0)?;
    ModuleHost::new(arena, mib, place, (sockets, NameStyle::Address), capacity, application)
}

fn make_manager<'a>(
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    epoch: u32,
    journal: &SharedJournal,
) -> io::Result<ManagerHost<'a>> {
    let ssm = stations::ssm(arena, epoch, DEVICE.as_bytes());
    let station = ManagerStation { ssm, user: Watch(journal.clone()) };
    seat(arena, mib, Station::Manager, station)
}

fn make_actor<'a>(
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    journal: &SharedJournal,
) -> io::Result<ActorHost<'a>> {
    let actor = stations::actor(arena, manager());
    seat(arena, mib, Station::Actor, ActorStation { actor, user: Notes(journal.clone()) })
}

fn octets(arena: &Bump, count: usize) -> &mut [u8] {
    arena.alloc_slice_fill_copy(count, 0)
}
