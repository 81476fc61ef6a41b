//! UDP over smoltcp: the transports of the AMS module and of the time client.

use core::net::{IpAddr, Ipv4Addr};

use farpost::ams::endpoint::{Host, HostPort};
use farpost::transport::{Address, SendError, Transport};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::udp::{PacketBuffer, PacketMetadata, SendError as UdpSendError, Socket};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};
use static_cell::ConstStaticCell;

use crate::mps2::lan9118::Lan9118;

/// The addresses of the board and of the host, as QEMU's user network has them.
const BOARD: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
const HARDWARE: EthernetAddress = EthernetAddress([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]);

/// The number of the service in addresses.
const UDP: u8 = 1;

/// The service's name in a MIB.
pub const SERVICE: &str = "udp";

/// Octets of the longest datagram that is taken.
pub const DATAGRAM: usize = 1_472;

/// Which socket.
#[derive(Clone, Copy)]
pub enum Port {
    Mams,
    Aams,
    Time,
}

// Room for datagrams each way: their heads, and their octets. Two statics a socket, for
// the octets are zero at first and need no copy in flash.
macro_rules! room {
    ($name:ident: $heads:ident, $octets:ident, $count:literal datagrams, $length:literal octets) => {
        static $heads: ConstStaticCell<[[PacketMetadata; $count]; 2]> =
            ConstStaticCell::new([[PacketMetadata::EMPTY; $count]; 2]);
        static $octets: ConstStaticCell<[[u8; $length]; 2]> =
            ConstStaticCell::new([[0; $length]; 2]);
        fn $name() -> Socket<'static> {
            let ([rx_heads, tx_heads], [rx, tx]) = ($heads.take(), $octets.take());
            Socket::new(
                PacketBuffer::new(&mut rx_heads[..], &mut rx[..]),
                PacketBuffer::new(&mut tx_heads[..], &mut tx[..]),
            )
        }
    };
}

room!(mams_socket: MAMS_HEADS, MAMS_OCTETS, 16 datagrams, 4_096 octets);
room!(aams_socket: AAMS_HEADS, AAMS_OCTETS, 8 datagrams, 4_096 octets);
room!(time_socket: TIME_HEADS, TIME_OCTETS, 2 datagrams, 128 octets);

static SOCKETS: ConstStaticCell<[SocketStorage<'static>; 3]> =
    ConstStaticCell::new([SocketStorage::EMPTY; 3]);

/// The interface and its sockets.
pub struct Network {
    interface: Interface,
    sockets: SocketSet<'static>,
    handles: [SocketHandle; 3],
    taken: [u8; DATAGRAM],
}

impl Network {
    /// The network over `device`, with a socket at each of the ports. It can be made
    /// once. `None` where a port is 0.
    pub fn start(
        device: &mut Lan9118,
        now: Instant,
        seed: u64,
        (mams, aams, time): (u16, u16, u16),
    ) -> Option<Self> {
        device.start(HARDWARE);
        let mut config = Config::new(HARDWARE.into());
        config.random_seed = seed;
        let mut interface = Interface::new(config, device, now);
        interface.update_ip_addrs(|addresses| {
            let own = IpCidr::new(IpAddress::Ipv4(BOARD), 24);
            // There is room for one at least.
            let _ = addresses.push(own);
        });
        let mut sockets = SocketSet::new(&mut SOCKETS.take()[..]);
        let mut open = |mut socket: Socket<'static>, port: u16| {
            socket.bind(port).ok()?;
            Some(sockets.add(socket))
        };
        let handles =
            [open(mams_socket(), mams)?, open(aams_socket(), aams)?, open(time_socket(), time)?];
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

    /// The next datagram at a port, and the way back. Ones that are too long are dropped.
    pub fn receive(&mut self, port: Port) -> Option<(Address, &[u8], Way<'_>)> {
        let Self { sockets, handles, taken, .. } = self;
        let socket: &mut Socket<'_> = sockets.get_mut(handles[port as usize]);
        loop {
            if !socket.can_recv() {
                return None;
            }
            if let Ok((length, about)) = socket.recv_slice(taken) {
                let from = address(about.endpoint)?;
                return Some((from, taken.get(..length)?, Way { socket }));
            }
        }
    }

    /// The way out from a port.
    pub fn way(&mut self, port: Port) -> Way<'_> {
        Way { socket: self.sockets.get_mut(self.handles[port as usize]) }
    }
}

/// The address of a port of the host.
pub fn host(port: u16) -> Address {
    of(HOST, port)
}

fn of(ip: Ipv4Addr, port: u16) -> Address {
    let ([a, b, c, d], [e, f]) = (ip.octets(), port.to_be_bytes());
    Address::new(UDP, &[a, b, c, d, e, f])
}

fn address(endpoint: IpEndpoint) -> Option<Address> {
    let IpAddress::Ipv4(ip) = endpoint.addr;
    Some(of(ip, endpoint.port))
}

/// The way out from a port.
pub struct Way<'n> {
    socket: &'n mut Socket<'static>,
}

impl Transport for Way<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        let HostPort { host, port } = HostPort::parse(endpoint).ok()?;
        match host {
            // What names itself by the host's loopback is reached through the host.
            Host::Address(IpAddr::V4(ip)) if service == SERVICE => {
                Some(of(if ip.is_loopback() { HOST } else { ip }, port))
            }
            _ => None,
        }
    }

    fn send(&mut self, to: &Address, _flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let (UDP, &[a, b, c, d, e, f]) = (to.service(), to.octets()) else {
            return Err(SendError::Unreachable);
        };
        if octets.len() > DATAGRAM {
            return Err(SendError::TooLong);
        }
        let ip = IpAddress::Ipv4(Ipv4Addr::new(a, b, c, d));
        let to = IpEndpoint::new(ip, u16::from_be_bytes([e, f]));
        self.socket.send_slice(octets, to).map_err(|why| match why {
            UdpSendError::BufferFull => SendError::Busy,
            UdpSendError::Unaddressable => SendError::Unreachable,
        })
    }
}
