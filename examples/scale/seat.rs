//! The machines of a message space at their sockets.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bumpalo::Bump;
use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::ids::{RoleNumber, UnitNumber};
use farpost::ams::mib::Mib;
use farpost::ams::pdu::EndpointName;
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::ams::service::{Delivery, Fault, Indication};
use farpost::host::driver::{Entity, MachineHost};
use farpost::host::module::{Application, Capacity, ModuleHost, ModuleSockets, Service};
use farpost::host::net::{NameStyle, UdpEndpoint};
use farpost::storage::Slot;
use farpost::time::{Instant, Now};
use mio::{Registry, Token};

use super::space::VENTURE;

/// Where everything is.
pub(crate) const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Something of the message space, run by the driver.
pub(crate) enum Seat<'s> {
    Server(Box<MachineHost<ConfigServer<'s>>>),
    Registrar(Box<MachineHost<Registrar<'s>>>),
    Module(Box<ModuleHost<'s, Counter>>),
    /// It has crashed.
    Empty,
}

impl<'s> Seat<'s> {
    pub(crate) fn server(arena: &'s Bump, mib: &'s Mib<'s>, cells: usize, at: UdpEndpoint) -> Self {
        let storage = ConfigServerStorage {
            cells: slots(arena, cells),
            buffer: arena.alloc_slice_fill_copy(ConfigServer::BUFFER_LEN, 0),
        };
        let server = ConfigServer::new(mib, ConfigServerConfig::default(), storage);
        Self::Server(Box::new(MachineHost::new(server, at)))
    }

    pub(crate) fn registrar(
        arena: &'s Bump,
        mib: &'s Mib<'s>,
        (cells, modules): (usize, usize),
        unit: UnitNumber,
        at: UdpEndpoint,
    ) -> io::Result<Self> {
        let endpoint = EndpointName::new(arena.alloc_str(&at.local().to_string()))
            .map_err(|_| io::ErrorKind::AddrNotAvailable)?;
        let config = RegistrarConfig::new(VENTURE, unit, endpoint);
        let storage = RegistrarStorage {
            members: slots(arena, 255),
            registrars: slots(arena, cells),
            dossiers: slots(arena, modules + 16),
            rules: slots(arena, 2 * modules + 64),
            buffer: arena.alloc_slice_fill_copy(4_200, 0),
        };
        Ok(Self::Registrar(Box::new(MachineHost::new(Registrar::new(mib, config, storage), at))))
    }

    pub(crate) fn module(
        arena: &'s Bump,
        mib: &'s Mib<'s>,
        (modules, unit): (usize, UnitNumber),
        role: RoleNumber,
    ) -> io::Result<Self> {
        let capacity =
            Capacity { peers: modules + 16, rules: 2 * modules + 64, own: 8, queries: 8 };
        let sockets = ModuleSockets::bind(LOOPBACK, 0)?;
        let place = (VENTURE, unit, role);
        let style = (sockets, NameStyle::Address);
        let host = ModuleHost::new(arena, mib, place, style, capacity, Counter::default())?;
        Ok(Self::Module(Box::new(host)))
    }

    pub(crate) fn as_module(&self) -> Option<&ModuleHost<'s, Counter>> {
        match self {
            Self::Module(host) => Some(host),
            _ => None,
        }
    }

    pub(crate) fn as_module_mut(&mut self) -> Option<&mut ModuleHost<'s, Counter>> {
        match self {
            Self::Module(host) => Some(host),
            _ => None,
        }
    }

    pub(crate) fn as_registrar(&self) -> Option<&Registrar<'s>> {
        match self {
            Self::Registrar(host) => Some(&host.machine),
            _ => None,
        }
    }
}

impl Entity for Seat<'_> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match self {
            Self::Server(host) => host.register(registry, token),
            Self::Registrar(host) => host.register(registry, token),
            Self::Module(host) => host.register(registry, token),
            Self::Empty => Ok(()),
        }
    }

    fn run(&mut self, now: Now) {
        match self {
            Self::Server(host) => host.run(now),
            Self::Registrar(host) => host.run(now),
            Self::Module(host) => host.run(now),
            Self::Empty => {}
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Server(host) => host.next_deadline(),
            Self::Registrar(host) => host.next_deadline(),
            Self::Module(host) => host.next_deadline(),
            Self::Empty => None,
        }
    }
}

/// An application that counts what it gets.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) messages: u64,
    pub(crate) deaths: u64,
}

impl Application for Counter {
    fn indicated(&mut self, now: Now, service: &mut Service<'_>, indication: Indication) {
        if indication == Indication::ModuleIsDead {
            self.deaths += 1;
            // It was a member, so it may register.
            let _ = service.register(now);
        }
    }

    fn delivered(&mut self, _: Now, _: &mut Service<'_>, delivery: Result<Delivery<'_>, Fault>) {
        self.messages += u64::from(delivery.is_ok());
    }

    fn tick(&mut self, _: Now, _: &mut Service<'_>) {}

    fn next_deadline(&self) -> Option<Instant> {
        None
    }
}

/// A socket for a machine; port 0 lets the system choose one.
pub(crate) fn endpoint(port: u16) -> io::Result<UdpEndpoint> {
    UdpEndpoint::bind(SocketAddr::new(LOOPBACK, port))
}

fn slots<T>(arena: &Bump, number: usize) -> &mut [Slot<T>] {
    arena.alloc_slice_fill_with(number, |_| Slot::EMPTY)
}
