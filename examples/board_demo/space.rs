//! What both grounds have, on loopback: the message space that the board is a member of, with
//! its configuration server and its registrar, a time server, and who manages the board and writes
//! its schedule.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use bumpalo::Bump;
use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::ids::{ContinuumNumber, RoleNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Mib, Policy as MibPolicy, Role, Subject, Unit, Venture};
use farpost::ams::pdu::EndpointName;
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::host::clock::VirtualClock;
use farpost::host::driver::{Entity, MachineHost};
use farpost::host::module::{Application, Capacity, ModuleHost, ModuleSockets};
use farpost::host::net::{NameStyle, UdpEndpoint};
use farpost::scos::carriage::Carriage;
use farpost::time::Now;

use super::agreed::space::{BOARD, DESK, LEVELS};
use super::desk::Desk;
use super::schedule::Scheduler;
use super::stations::slots;
use super::time_server::TimeServer;

const VENTURE: VentureNumber = VentureNumber(1);
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The space, and its parts that are not stations of SCOS.
pub(crate) struct Space<'a> {
    pub(crate) mib: &'a Mib<'a>,
    server: MachineHost<ConfigServer<'a>>,
    registrar: MachineHost<Registrar<'a>>,
    time: TimeServer,
    desk: Desk<'a>,
    schedule: Scheduler<'a>,
    /// What the board is told of all this.
    pub(crate) words: Vec<String>,
}

impl<'a> Space<'a> {
    pub(crate) fn new(arena: &'a Bump, clock: VirtualClock) -> Result<Self, Box<dyn Error>> {
        let any = SocketAddr::new(LOCAL, 0);
        let server_socket = UdpEndpoint::bind(any)?;
        let registrar_socket = UdpEndpoint::bind(any)?;
        let server_port = server_socket.local().port();
        let mib = make_mib(arena, &server_socket)?;
        let time = TimeServer::bind(clock)?;
        let (desk, schedule) = (Desk::new(arena, mib)?, Scheduler::bind(arena)?);
        let words = vec![
            format!("server={server_port}"),
            format!("time={}", time.port()?),
            format!("controller={}", schedule.port()),
        ];
        Ok(Self {
            mib,
            server: MachineHost::new(make_server(arena, mib), server_socket),
            registrar: make_registrar(arena, mib, registrar_socket)?,
            time,
            desk,
            schedule,
            words,
        })
    }

    /// What a driver is to run.
    pub(crate) fn entities(&mut self) -> [&mut dyn Entity; 5] {
        let Self { server, registrar, time, desk, schedule, .. } = self;
        [server, registrar, time, desk, schedule]
    }

    /// Has the manager's module register.
    pub(crate) fn begin(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        self.desk.begin(now)
    }

    /// Whether the rule is defined and the schedule is known.
    pub(crate) fn is_ready(&self) -> bool {
        self.desk.is_ready() && self.schedule.is_ready()
    }

    /// Asks the board how it is in the end.
    pub(crate) fn close(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        self.desk.ask(now)
    }

    /// Whether it has told.
    pub(crate) fn is_closed(&self) -> bool {
        self.desk.told() > 1 && self.schedule.has_metrics()
    }

    /// Prints what became of rule and schedule. True if that is right.
    pub(crate) fn summarise(&self) -> bool {
        let managed = self.desk.summarise();
        self.schedule.summarise() && managed
    }
}

/// A module in a role, with sockets of its own. The board has UDP alone.
pub(crate) fn seat<'a, A: Application>(
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    role: RoleNumber,
    application: A,
) -> io::Result<ModuleHost<'a, A>> {
    let capacity = Capacity { peers: 8, rules: 32, own: 8, queries: 1 };
    let place = (VENTURE, UnitNumber::ROOT, role);
    let sockets = ModuleSockets::bind(LOCAL, 0)?;
    ModuleHost::new(arena, mib, place, (sockets, NameStyle::Address), capacity, application)
}

/// The MIB: one continuum, one venture, a role for each kind of module and a subject for each
/// kind of message. The board has the same in its firmware.
fn make_mib<'a>(arena: &'a Bump, server: &UdpEndpoint) -> Result<&'a Mib<'a>, Box<dyn Error>> {
    let Carriage { device, manager, actor } = Carriage::DEFAULT;
    let server: &str = arena.alloc_str(&server.local().to_string());
    let gateway = (RoleNumber::RAMS_GATEWAY, "RAMS");
    let roles = [
        gateway,
        (device.role, "ssd"),
        (manager.role, "ssm"),
        (actor.role, "actor"),
        (DESK.role, "desk"),
    ];
    let roles = roles.map(|(role, name)| Role::new(role, name));
    let senders = [
        (device.subject, "from-ssd", device.role),
        (manager.subject, "from-ssm", manager.role),
        (actor.subject, "from-actor", actor.role),
        (BOARD.subject, "from-agent", BOARD.role),
        (DESK.subject, "from-desk", DESK.role),
        (LEVELS, "levels", BOARD.role),
    ];
    let subjects = senders.map(|(subject, name, sender)| Subject {
        senders: arena.alloc_slice_copy(&[sender]),
        ..Subject::new(subject, name)
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

fn octets(arena: &Bump, count: usize) -> &mut [u8] {
    arena.alloc_slice_fill_copy(count, 0)
}
