//! UDP over smoltcp: the transports of the AMS module and of the time client.

use farpost::transport::Address;
use smoltcp::iface::{Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};
use smoltcp::time::Instant;
use static_cell::{ConstStaticCell, StaticCell};

use crate::device::ethernet::{self, DATAGRAM, Way, room};
use crate::device::settings;
use crate::mps2::lan9118::Lan9118;

/// Where the network of the post is.
#[derive(Default)]
pub struct Ports {
    /// The port of the configuration server on the host.
    pub server: u16,
    /// The ports for MPDUs and messages: of the board, and of the host that forwards
    /// them to it.
    pub mams: u16,
    pub aams: u16,
    /// The ports of the manager and of the controller on the host.
    #[cfg(feature = "agents")]
    pub management: u16,
    #[cfg(feature = "agents")]
    pub controller: u16,
}

impl settings::Link for Ports {
    fn note(&mut self, name: &str, value: &str) -> Option<()> {
        let port = match name {
            "server" => &mut self.server,
            "mams" => &mut self.mams,
            "aams" => &mut self.aams,
            #[cfg(feature = "agents")]
            "management" => &mut self.management,
            #[cfg(feature = "agents")]
            "controller" => &mut self.controller,
            _ => return None,
        };
        *port = settings::port(value)?;
        Some(())
    }

    fn missing(&self) -> Option<&'static str> {
        let ports = [
            (self.server, "server"),
            (self.mams, "mams"),
            (self.aams, "aams"),
            #[cfg(feature = "agents")]
            (self.management, "management"),
            #[cfg(feature = "agents")]
            (self.controller, "controller"),
        ];
        ports.iter().find(|(port, _)| *port == 0).map(|(_, name)| *name)
    }
}

/// Which socket.
#[derive(Clone, Copy)]
pub enum Port {
    Mams,
    Aams,
    Time,
    #[cfg(feature = "agents")]
    Management,
    #[cfg(feature = "agents")]
    Controller,
}

const COUNT: usize = if cfg!(feature = "agents") { 5 } else { 3 };

room!(mams_socket: MAMS_HEADS, MAMS_OCTETS, 16 datagrams, 3_072 octets);
room!(aams_socket: AAMS_HEADS, AAMS_OCTETS, 8 datagrams, 3_072 octets);
room!(time_socket: TIME_HEADS, TIME_OCTETS, 2 datagrams, 128 octets);
#[cfg(feature = "agents")]
room!(management_socket: MANAGEMENT_HEADS, MANAGEMENT_OCTETS, 4 datagrams, 512 octets);
#[cfg(feature = "agents")]
room!(controller_socket: CONTROLLER_HEADS, CONTROLLER_OCTETS, 4 datagrams, 640 octets);

static SOCKETS: StaticCell<[SocketStorage<'static>; COUNT]> = StaticCell::new();

/// The interface and its sockets.
pub struct Network {
    interface: Interface,
    sockets: SocketSet<'static>,
    handles: [SocketHandle; COUNT],
    taken: [u8; DATAGRAM],
}

impl Network {
    /// The network over `device`, with a socket at each of the ports and at that of the time
    /// server. It can be made once. `None` where a port is 0.
    pub fn start(
        device: &mut Lan9118,
        now: Instant,
        seed: u64,
        ports: &Ports,
        time: u16,
    ) -> Option<Self> {
        let interface = ethernet::start(device, now, seed);
        let mut sockets =
            SocketSet::new(&mut SOCKETS.init_with(|| [SocketStorage::EMPTY; COUNT])[..]);
        let mut open = |mut socket: Socket<'static>, port: u16| {
            socket.bind(port).ok()?;
            Some(sockets.add(socket))
        };
        let handles = [
            open(mams_socket(), ports.mams)?,
            open(aams_socket(), ports.aams)?,
            open(time_socket(), time)?,
            #[cfg(feature = "agents")]
            open(management_socket(), ports.management)?,
            #[cfg(feature = "agents")]
            open(controller_socket(), ports.controller)?,
        ];
        Some(Self { interface, sockets, handles, taken: [0; DATAGRAM] })
    }

    /// Moves frames and datagrams between the device and the sockets.
    pub fn poll(&mut self, now: Instant, device: &mut Lan9118) {
        self.interface.poll(now, device, &mut self.sockets);
    }

    /// How soon, in microseconds, it is to be polled again even if nothing arrives.
    pub fn poll_delay(&mut self, now: Instant) -> Option<u64> {
        Some(self.interface.poll_delay(now, &self.sockets)?.total_micros())
    }

    /// The next datagram at a port, and the way back.
    pub fn receive(&mut self, port: Port) -> Option<(Address, &[u8], Way<'_>)> {
        let Self { sockets, handles, taken, .. } = self;
        ethernet::receive(sockets.get_mut(handles[port as usize]), taken)
    }

    /// The way out from a port.
    pub fn way(&mut self, port: Port) -> Way<'_> {
        Way(self.sockets.get_mut(self.handles[port as usize]))
    }
}
