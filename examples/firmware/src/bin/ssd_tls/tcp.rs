//! The links of the post: the network that every board has, and a TCP connection to the SSM
//! over it.

use farpost::time::Instant;
use heapless::String;
use smoltcp::iface::{SocketHandle, SocketStorage};
use smoltcp::socket::tcp;
use smoltcp::wire::IpEndpoint;
use static_cell::{ConstStaticCell, StaticCell};

use crate::device::clock::BoardClock;
use crate::device::ethernet::HOST;
use crate::device::settings;
use crate::guard::{HEAD, RECORD, content};
use crate::mps2::Board;
use crate::network::{Network, Ports, SOCKETS};

/// Where the SSM is, who the device is there, and where the network is.
#[derive(Default)]
pub struct Secured {
    /// The port of the SSM on the host.
    pub ssm: u16,
    /// The file of the keys on the host.
    pub keys: String<159>,
    ports: Ports,
}

impl settings::Link for Secured {
    fn note(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "ssm" => self.ssm = settings::port(value)?,
            "keys" => self.keys = String::try_from(value).ok()?,
            _ => self.ports.note(name, value)?,
        }
        Some(())
    }

    fn missing(&self) -> Option<&'static str> {
        match () {
            () if self.ssm == 0 => Some("ssm"),
            () if self.keys.is_empty() => Some("keys"),
            () => self.ports.missing(),
        }
    }
}

impl AsRef<Ports> for Secured {
    fn as_ref(&self) -> &Ports {
        &self.ports
    }
}

/// Octets that wait to be read: a record is read when it is there as a whole.
const RECEIVED: usize = RECORD + HEAD;
/// Octets that wait to be acknowledged: two of the longest messages.
const SENT: usize = 2_560;

/// How long the other end may be silent when it is asked whether it is there.
const SILENCE: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(60);
const KEEP_ALIVE: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(20);

/// The first of the ports that connections begin at; there are so many.
const PORTS: core::ops::Range<u16> = 49_152..65_535;

static RECEIVED_OCTETS: ConstStaticCell<[u8; RECEIVED]> = ConstStaticCell::new([0; RECEIVED]);
static SENT_OCTETS: ConstStaticCell<[u8; SENT]> = ConstStaticCell::new([0; SENT]);
static ROOM: StaticCell<[SocketStorage<'static>; SOCKETS + 1]> = StaticCell::new();

/// The connection is over, or never was; or what comes by it is not what may.
#[derive(Debug)]
pub struct Over;

/// The network, and the connection.
pub struct Links {
    pub network: Network,
    clock: &'static BoardClock,
    stream: SocketHandle,
    next_port: u16,
}

impl Links {
    /// The network of the board. It can be made once. `None` where a port is 0.
    pub fn start(
        board: Board,
        (clock, seed): (&'static BoardClock, u64),
        (link, time): (&Secured, u16),
    ) -> Option<Self> {
        let room = ROOM.init_with(|| [SocketStorage::EMPTY; SOCKETS + 1]);
        let mut network = Network::start(board, (clock, seed), (&link.ports, time), room)?;
        let mut stream = tcp::Socket::new(
            tcp::SocketBuffer::new(&mut RECEIVED_OCTETS.take()[..]),
            tcp::SocketBuffer::new(&mut SENT_OCTETS.take()[..]),
        );
        stream.set_timeout(Some(SILENCE));
        stream.set_keep_alive(Some(KEEP_ALIVE));
        // Messages are small and wait for nothing.
        stream.set_nagle_enabled(false);
        stream.set_ack_delay(None);
        let stream = network.sockets.add(stream);
        let spread = u16::try_from(seed % 8_192).unwrap_or(0);
        let next_port = PORTS.start + spread;
        Some(Self { network, clock, stream, next_port })
    }

    /// Real time, whatever the speed of the clock.
    pub fn real_time(&self) -> Instant {
        Instant::from_micros(self.clock.real_micros())
    }

    fn stream(&mut self) -> &mut tcp::Socket<'static> {
        self.network.sockets.get_mut(self.stream)
    }

    /// Begins a connection to a port of the host.
    pub fn connect(&mut self, port: u16) -> Result<(), Over> {
        let from = self.next_port;
        self.next_port = if PORTS.contains(&(from + 1)) { from + 1 } else { PORTS.start };
        let to = IpEndpoint::new(HOST.into(), port);
        let Network { interface, sockets, .. } = &mut self.network;
        let stream = sockets.get_mut::<tcp::Socket<'_>>(self.stream);
        stream.abort();
        stream.connect(interface.context(), to, from).map_err(|_| Over)
    }

    /// Whether the connection is made; [`Over`] if it will not be.
    pub fn is_connected(&mut self) -> Result<bool, Over> {
        let stream = self.stream();
        if stream.is_open() { Ok(stream.may_send()) } else { Err(Over) }
    }

    /// Gives the connection up.
    pub fn abort(&mut self) {
        self.stream().abort();
        self.network.poll();
    }

    /// Octets of the record that waits, with its head, and whether all of them are there; `None`
    /// while not even its head is. [`Over`] if none can come any more, or it is one that is not
    /// taken.
    pub fn record(&mut self) -> Result<Option<(usize, bool)>, Over> {
        let stream = self.stream();
        let mut head = [0; HEAD];
        let waiting = stream.recv_queue();
        if stream.peek_slice(&mut head).is_ok_and(|count| count == HEAD) {
            let length = HEAD + content(head).ok_or(Over)?;
            if waiting >= length || stream.may_recv() {
                return Ok(Some((length, waiting >= length)));
            }
        }
        if stream.may_recv() { Ok(None) } else { Err(Over) }
    }

    /// Whether a whole record waits, so that to read it is not to wait for it. [`Over`] as
    /// [`Links::record`].
    pub fn has_record(&mut self) -> Result<bool, Over> {
        Ok(self.record()?.is_some_and(|(_, whole)| whole))
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
