//! The network of the post: a UDP socket for the time server, and a TCP connection to the
//! SSM. It can be waited for, which TLS does in its handshake.

use core::time::Duration;

use farpost::time::Instant;
use farpost::transport::Address;
use heapless::String;
use smoltcp::iface::{Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::tcp;
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, Socket};
use smoltcp::wire::IpEndpoint;
use static_cell::{ConstStaticCell, StaticCell};

use crate::device::clock::BoardClock;
use crate::device::ethernet::{self, HOST, Way, room};
use crate::device::settings;
use crate::mps2::Board;

/// Where the SSM is, and who the device is there.
#[derive(Default)]
pub struct Secured {
    /// The port of the SSM on the host.
    pub ssm: u16,
    /// The file of the keys on the host.
    pub keys: String<159>,
}

impl settings::Link for Secured {
    fn note(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "ssm" => self.ssm = settings::port(value)?,
            "keys" => self.keys = String::try_from(value).ok()?,
            _ => return None,
        }
        Some(())
    }

    fn missing(&self) -> Option<&'static str> {
        match () {
            () if self.ssm == 0 => Some("ssm"),
            () if self.keys.is_empty() => Some("keys"),
            () => None,
        }
    }
}

/// Octets in front of what a TLS record holds, of which the last two are its length.
const RECORD_HEAD: usize = 5;
/// Octets of the longest record that is taken: what `max_fragment_length` allows, its type,
/// padding and tag, as RFC 6066 section 4 bounds them.
pub const RECORD: usize = 2_048 + 256;
/// Octets that wait to be read: a record is read when it is there as a whole.
const RECEIVED: usize = RECORD + RECORD_HEAD;
/// Octets that wait to be acknowledged: two of the longest messages.
const SENT: usize = 2_560;

/// How long the other end may be silent when it is asked whether it is there.
const SILENCE: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(60);
const KEEP_ALIVE: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(20);

/// The first of the ports that connections begin at; there are so many.
const PORTS: core::ops::Range<u16> = 49_152..65_535;

room!(time_socket: TIME_HEADS, TIME_OCTETS, 2 datagrams, 128 octets);

static RECEIVED_OCTETS: ConstStaticCell<[u8; RECEIVED]> = ConstStaticCell::new([0; RECEIVED]);
static SENT_OCTETS: ConstStaticCell<[u8; SENT]> = ConstStaticCell::new([0; SENT]);
static SOCKETS: StaticCell<[SocketStorage<'static>; 2]> = StaticCell::new();

/// The connection is over, or never was.
#[derive(Debug)]
pub struct Over;

/// The interface and its sockets.
pub struct Network {
    board: Board,
    clock: &'static BoardClock,
    interface: Interface,
    sockets: SocketSet<'static>,
    time: SocketHandle,
    stream: SocketHandle,
    next_port: u16,
    taken: [u8; 128],
}

impl Network {
    /// The network of the board, with a socket for the time server. It can be made once.
    /// `None` where its port is 0.
    pub fn start(
        mut board: Board,
        clock: &'static BoardClock,
        seed: u64,
        time: u16,
    ) -> Option<Self> {
        let interface = ethernet::start(&mut board.ethernet, clock.link_time(), seed);
        let mut sockets = SocketSet::new(&mut SOCKETS.init_with(|| [SocketStorage::EMPTY; 2])[..]);
        let mut socket = time_socket();
        socket.bind(time).ok()?;
        let time = sockets.add(socket);
        let mut stream = tcp::Socket::new(
            tcp::SocketBuffer::new(&mut RECEIVED_OCTETS.take()[..]),
            tcp::SocketBuffer::new(&mut SENT_OCTETS.take()[..]),
        );
        stream.set_timeout(Some(SILENCE));
        stream.set_keep_alive(Some(KEEP_ALIVE));
        // Messages are small and wait for nothing.
        stream.set_nagle_enabled(false);
        stream.set_ack_delay(None);
        let stream = sockets.add(stream);
        let spread = u16::try_from(seed % 8_192).unwrap_or(0);
        let next_port = PORTS.start + spread;
        Some(Self { board, clock, interface, sockets, time, stream, next_port, taken: [0; 128] })
    }

    /// Moves frames between the controller and the sockets.
    pub fn poll(&mut self) {
        let now = self.clock.link_time();
        self.interface.poll(now, &mut self.board.ethernet, &mut self.sockets);
    }

    /// Sleeps until a frame arrives, the network has something to do, or `at_most` is over.
    pub fn wait(&mut self, at_most: Duration) {
        let delay = self.interface.poll_delay(self.clock.link_time(), &self.sockets);
        let delay = delay.map_or(at_most, |delay| Duration::from_micros(delay.total_micros()));
        self.board.wait(at_most.min(delay));
    }

    /// Real time, whatever the speed of the clock.
    pub fn real_time(&self) -> Instant {
        Instant::from_micros(self.clock.real_micros())
    }

    /// The next datagram of the time server.
    pub fn receive_time(&mut self) -> Option<(Address, &[u8], Way<'_>)> {
        ethernet::receive(self.sockets.get_mut(self.time), &mut self.taken)
    }

    /// The way to the time server.
    pub fn time_way(&mut self) -> Way<'_> {
        Way(self.sockets.get_mut(self.time))
    }

    fn stream(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.stream)
    }

    /// Begins a connection to a port of the host.
    pub fn connect(&mut self, port: u16) -> Result<(), Over> {
        let from = self.next_port;
        self.next_port = if PORTS.contains(&(from + 1)) { from + 1 } else { PORTS.start };
        let to = IpEndpoint::new(HOST.into(), port);
        let stream = self.sockets.get_mut::<tcp::Socket<'_>>(self.stream);
        stream.abort();
        stream.connect(self.interface.context(), to, from).map_err(|_| Over)
    }

    /// Whether the connection is made; [`Over`] if it will not be.
    pub fn is_connected(&mut self) -> Result<bool, Over> {
        let stream = self.stream();
        if stream.is_open() { Ok(stream.may_send()) } else { Err(Over) }
    }

    /// Gives the connection up.
    pub fn abort(&mut self) {
        self.stream().abort();
        self.poll();
    }

    /// Whether a whole record waits, so that to read it is not to wait for it. [`Over`] if
    /// none can come any more, or one that is too long.
    pub fn has_record(&mut self) -> Result<bool, Over> {
        let stream = self.stream();
        let mut head = [0; RECORD_HEAD];
        let waiting = stream.recv_queue();
        if stream.peek_slice(&mut head).is_ok_and(|count| count == RECORD_HEAD) {
            let [.., high, low] = head;
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length > RECORD {
                return Err(Over);
            }
            if waiting >= RECORD_HEAD + length {
                return Ok(true);
            }
        }
        if stream.may_recv() { Ok(false) } else { Err(Over) }
    }

    /// Octets of those that wait, as many as fit.
    pub fn read(&mut self, to: &mut [u8]) -> Result<usize, Over> {
        let stream = self.stream();
        let count = stream.recv_slice(to).map_err(|_| Over)?;
        if count == 0 && !stream.may_recv() { Err(Over) } else { Ok(count) }
    }

    /// Takes octets to be sent, as many as there is room for.
    pub fn write(&mut self, octets: &[u8]) -> Result<usize, Over> {
        self.stream().send_slice(octets).map_err(|_| Over)
    }

    /// How many octets may be written without waiting.
    pub fn room(&mut self) -> usize {
        let stream = self.stream();
        stream.send_capacity().saturating_sub(stream.send_queue())
    }
}
