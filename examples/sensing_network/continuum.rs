//! A continuum: its MIB, and what makes it one, the configuration server, the
//! registrar, and the gateway that leads to the other.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bumpalo::Bump;
use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::gateway::{Gateway, GatewayConfig};
use farpost::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{
    self, Mib, RemoteMessageSpace, Role, ServiceMode, Subject, Timers, Unit, Venture,
};
use farpost::ams::pdu::EndpointName;
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::host::driver::{Entity, MachineHost};
use farpost::host::gateway::{GatewayCapacity, GatewayHost, GatewaySetup, GatewayUser};
use farpost::host::module::{Capacity, ModuleHost, ModuleSockets};
use farpost::host::net::{NameStyle, UdpEndpoint};
use farpost::host::rams::{RamsCarriage, UdpCarriage};
use farpost::host::station::StationApplication;
use farpost::machine::Machine;
use farpost::scos::carriage::{Carriage, Continua, Station};
use farpost::storage::Slot;
use farpost::time::Now;

use super::journal::SharedJournal;
use super::link::FarLink;

const VENTURE: VentureNumber = VentureNumber(1);
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Where the SSDs and their manager are, and where the Actors are.
const FIELD: (ContinuumNumber, &str) = (ContinuumNumber::from_bits(1), "field");
const CENTRE: (ContinuumNumber, &str) = (ContinuumNumber::from_bits(2), "centre");
const CONTINUA: Continua = Continua { manager: FIELD.0, devices: FIELD.0, actors: CENTRE.0 };

/// What a module has room for here.
const ROOM: Capacity = Capacity { peers: 16, rules: 64, own: 8, queries: 1 };

/// A continuum.
pub(crate) struct Continuum<'a> {
    pub(crate) mib: &'a Mib<'a>,
    server: MachineHost<ConfigServer<'a>>,
    registrar: MachineHost<Registrar<'a>>,
    gateway: GatewayHost<'a, Watch>,
}

impl<'a> Continuum<'a> {
    /// The field and the centre, with the far link between them.
    pub(crate) fn both(
        arena: &'a Bump,
        journal: &SharedJournal,
    ) -> Result<[Self; 2], Box<dyn Error>> {
        let any = SocketAddr::new(LOCAL, 0);
        let (field, centre) = (UdpCarriage::bind(any)?, UdpCarriage::bind(any)?);
        let (to_field, to_centre) = (field.local(), centre.local());
        Ok([
            Self::new(arena, (FIELD, field), (CENTRE, to_centre), journal)?,
            Self::new(arena, (CENTRE, centre), (FIELD, to_field), journal)?,
        ])
    }

    fn new(
        arena: &'a Bump,
        (local, link): ((ContinuumNumber, &'static str), UdpCarriage),
        far: ((ContinuumNumber, &'static str), SocketAddr),
        journal: &SharedJournal,
    ) -> Result<Self, Box<dyn Error>> {
        let any = SocketAddr::new(LOCAL, 0);
        let (server_socket, registrar_socket) = (UdpEndpoint::bind(any)?, UdpEndpoint::bind(any)?);
        let mib = make_mib(arena, &server_socket, (local, link.local()), far)?;
        let storage = ConfigServerStorage { cells: slots(arena, 4), buffer: octets(arena, 512) };
        let server = ConfigServer::new(mib, ConfigServerConfig::default(), storage);
        let endpoint = EndpointName::new(arena.alloc_str(&registrar_socket.local().to_string()))?;
        let storage = RegistrarStorage {
            members: slots(arena, 16),
            registrars: slots(arena, 4),
            dossiers: slots(arena, 16),
            rules: slots(arena, 64),
            buffer: octets(arena, 4_400),
        };
        let config = RegistrarConfig::new(VENTURE, UnitNumber::ROOT, endpoint);
        let registrar = Registrar::new(mib, config, storage);
        let setup = GatewaySetup {
            venture: VENTURE,
            unit: UnitNumber::ROOT,
            style: NameStyle::Address,
            config: GatewayConfig::default(),
            capacity: GatewayCapacity { module: ROOM, petitions: 8, messages: 256, octets: 65_536 },
        };
        let user = Watch { name: local.1, journal: journal.clone(), declared: false };
        let sockets = ModuleSockets::bind(LOCAL, 0)?;
        let link: Box<dyn RamsCarriage> = Box::new(FarLink::new(link));
        Ok(Self {
            mib,
            server: MachineHost::new(server, server_socket),
            registrar: MachineHost::new(registrar, registrar_socket),
            gateway: GatewayHost::new(arena, mib, setup, sockets, vec![link], user)?,
        })
    }

    pub(crate) fn register(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        Ok(self.gateway.register(now)?)
    }

    pub(crate) fn entities(&mut self) -> [&mut dyn Entity; 3] {
        [&mut self.server, &mut self.registrar, &mut self.gateway]
    }

    pub(crate) const fn gateway(&self) -> &Gateway<'a> {
        self.gateway.gateway()
    }

    /// Whether the gateway of the other continuum is there.
    pub(crate) const fn is_joined(&self) -> bool {
        self.gateway.user.declared
    }

    /// A module for a station, with sockets of its own.
    pub(crate) fn seat<M: Machine>(
        &self,
        arena: &'a Bump,
        station: Station,
        machine: M,
    ) -> io::Result<ModuleHost<'a, StationApplication<M>>> {
        let carriage = Carriage::DEFAULT;
        // The SSM is sent reports by TCP, the others get what they get by UDP.
        let mode = match station {
            Station::Manager => ServiceMode::ASSURED,
            Station::Device | Station::Actor => ServiceMode::BEST_EFFORT,
        };
        let application = StationApplication::new(machine, station, carriage, CONTINUA, mode);
        let place = (VENTURE, UnitNumber::ROOT, carriage.party(station).role);
        let seat = (ModuleSockets::bind(LOCAL, 0)?, NameStyle::Address);
        ModuleHost::new(arena, self.mib, place, seat, ROOM, application)
    }
}

/// Tells when the gateway of the other continuum comes and goes.
struct Watch {
    name: &'static str,
    journal: SharedJournal,
    declared: bool,
}

impl GatewayUser for Watch {
    fn changed(&mut self, now: Now, gateway: &Gateway<'_>) {
        let declared = !gateway.declared().is_empty();
        if declared != self.declared {
            self.declared = declared;
            let what = if declared { "has met" } else { "has lost" };
            let what = format!("the gateway here {what} that of the other continuum");
            self.journal.borrow().tell(now, self.name, &what);
        }
    }
}

/// The MIB of a continuum: one venture, a role and a subject for each kind of station.
fn make_mib<'a>(
    arena: &'a Bump,
    server: &UdpEndpoint,
    ((number, name), link): ((ContinuumNumber, &'static str), SocketAddr),
    ((far, far_name), far_link): ((ContinuumNumber, &'static str), SocketAddr),
) -> Result<&'a Mib<'a>, Box<dyn Error>> {
    let Carriage { device, manager, actor } = Carriage::DEFAULT;
    let parties = [(device, "ssd"), (manager, "ssm"), (actor, "actor")];
    let roles = parties.map(|(party, name)| Role::new(party.role, name));
    let [device, manager, actor] = roles;
    let subjects = parties.map(|(party, name)| Subject {
        senders: arena.alloc_slice_copy(&[party.role]),
        ..Subject::new(SubjectNumber(party.subject.0), arena.alloc_str(&format!("from-{name}")))
    });
    let location = |socket: SocketAddr| &*arena.alloc_str(&format!("udp@{socket}"));
    let venture = Venture {
        units: arena.alloc_slice_copy(&[Unit { resync_period: 12, ..Unit::ROOT }]),
        roles: arena.alloc_slice_copy(&[
            Role::new(RoleNumber::RAMS_GATEWAY, "RAMS"),
            device,
            manager,
            actor,
        ]),
        subjects: arena.alloc_slice_copy(&subjects),
        gateway: location(link),
        remote: arena.alloc_slice_copy(&[RemoteMessageSpace::new(far, location(far_link))]),
        ..Venture::new(VENTURE, "sensing", "farpost")
    };
    let other = mib::Continuum { number: far, name: far_name, neighbour: true, description: "" };
    let server: &str = arena.alloc_str(&server.local().to_string());
    let mib = Mib {
        config_servers: arena.alloc_slice_copy(&[server]),
        continua: arena.alloc_slice_copy(&[other]),
        ventures: arena.alloc_slice_copy(&[venture]),
        timers: Timers::NOMINAL,
        ..Mib::new(number, name)
    };
    mib.validate()?;
    Ok(arena.alloc(mib))
}

pub(crate) fn slots<T>(arena: &Bump, count: usize) -> &mut [Slot<T>] {
    arena.alloc_slice_fill_with(count, |_| Slot::EMPTY)
}

pub(crate) fn octets(arena: &Bump, count: usize) -> &mut [u8] {
    arena.alloc_slice_fill_copy(count, 0)
}
