//! The network of the board: IPv4 over its Ethernet controller, and UDP sockets as the transports
//! of module, time client and agents. It can be waited for.

use core::time::Duration;

use farpost::time::{Clock, Instant};
use farpost::transport::Address;
use smoltcp::iface::{Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};
use static_cell::{ConstStaticCell, StaticCell};

use crate::device::clock::BoardClock;
use crate::device::ethernet::{self, DATAGRAM, Way, room};
use crate::device::settings;
use crate::mps2::Board;
#[cfg(feature = "agents")]
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
    /// The port of the controller on the host.
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
            (self.controller, "controller"),
        ];
        ports.iter().find(|(port, _)| *port == 0).map(|(_, name)| *name)
    }
}

impl AsRef<Self> for Ports {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Which socket.
#[derive(Clone, Copy)]
pub enum Port {
    Mams,
    Aams,
    Time,
    #[cfg(feature = "agents")]
    Controller,
}

/// How many there are.
pub const SOCKETS: usize = if cfg!(feature = "agents") { 4 } else { 3 };

/// The longest sleep: short enough for the clock to see its timer begin anew.
const DOZE: Duration = Duration::from_secs(10);

room!(mams_socket: MAMS_HEADS, MAMS_OCTETS, 16 datagrams, 3_072 octets);
room!(aams_socket: AAMS_HEADS, AAMS_OCTETS, 8 datagrams, 3_072 octets);
room!(time_socket: TIME_HEADS, TIME_OCTETS, 2 datagrams, 128 octets);
#[cfg(feature = "agents")]
room!(controller_socket: CONTROLLER_HEADS, CONTROLLER_OCTETS, 4 datagrams, 640 octets);

static TAKEN: ConstStaticCell<[u8; DATAGRAM]> = ConstStaticCell::new([0; DATAGRAM]);

/// The board with its interface and its sockets.
pub struct Network {
    board: Board,
    clock: &'static BoardClock,
    pub interface: Interface,
    pub sockets: SocketSet<'static>,
    handles: [SocketHandle; SOCKETS],
    taken: &'static mut [u8; DATAGRAM],
}

impl Network {
    /// The network of the board, with a socket at each of the ports and at that of the time
    /// server. `room` is for [`SOCKETS`] sockets at least. It can be made once. `None` where a
    /// port is 0.
    pub fn start(
        mut board: Board,
        (clock, seed): (&'static BoardClock, u64),
        (ports, time): (&Ports, u16),
        room: &'static mut [SocketStorage<'static>],
    ) -> Option<Self> {
        let interface = ethernet::start(&mut board.ethernet, clock.link_time(), seed);
        let mut sockets = SocketSet::new(room);
        let mut open = |mut socket: Socket<'static>, port: u16| {
            socket.bind(port).ok()?;
            Some(sockets.add(socket))
        };
        let handles = [
            open(mams_socket(), ports.mams)?,
            open(aams_socket(), ports.aams)?,
            open(time_socket(), time)?,
            #[cfg(feature = "agents")]
            open(controller_socket(), ports.controller)?,
        ];
        Some(Self { board, clock, interface, sockets, handles, taken: TAKEN.take() })
    }

    /// Moves frames between the controller and the sockets.
    pub fn poll(&mut self) {
        let now = self.clock.link_time();
        self.interface.poll(now, &mut self.board.ethernet, &mut self.sockets);
    }

    /// Sleeps until a frame arrives, the network has something to do, or `at_most` of real time
    /// is over.
    pub fn wait(&mut self, at_most: Duration) {
        let delay = self.interface.poll_delay(self.clock.link_time(), &self.sockets);
        let delay = delay.map_or(at_most, |delay| Duration::from_micros(delay.total_micros()));
        self.board.wait(at_most.min(delay));
    }

    /// The same, with `next` by the board's clock, if anything is due.
    pub fn rest(&mut self, next: Option<Instant>) {
        let idle =
            next.map_or(DOZE, |next| self.clock.real(next.since(self.clock.now().monotonic)));
        self.wait(idle.min(DOZE));
    }

    /// The next datagram at a port, and the way back.
    pub fn receive(&mut self, port: Port) -> Option<(Address, &[u8], Way<'_>)> {
        let Self { sockets, handles, taken, .. } = self;
        ethernet::receive(sockets.get_mut(handles[port as usize]), &mut taken[..])
    }

    /// The way out from a port.
    pub fn way(&mut self, port: Port) -> Way<'_> {
        Way(self.sockets.get_mut(self.handles[port as usize]))
    }

    /// The controller, which counts.
    #[cfg(feature = "agents")]
    pub const fn ethernet(&self) -> &Lan9118 {
        &self.board.ethernet
    }
}
