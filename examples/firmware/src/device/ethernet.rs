//! What both boards have of IPv4 over Ethernet, by smoltcp: the interface, and UDP sockets as
//! transports.

use core::net::Ipv4Addr;

use farpost::transport::{Address, SendError, Transport};
use smoltcp::iface::{Config, Interface};
use smoltcp::socket::udp::{SendError as UdpSendError, Socket};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr, IpEndpoint};

use crate::device::settings::number;
use crate::mps2::lan9118::Lan9118;

/// The addresses of the board and of the host, as QEMU's user network has them.
const BOARD: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
pub const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
const HARDWARE: EthernetAddress = EthernetAddress([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]);

/// The number of the service in addresses.
const UDP: u8 = 1;

/// The service's name in a MIB.
pub const SERVICE: &str = "udp";

/// Octets of the longest datagram that is sent.
pub const DATAGRAM: usize = 1_472;

/// Starts the controller, and an interface over it with the board's address.
pub fn start(device: &mut Lan9118, now: Instant, seed: u64) -> Interface {
    device.start(HARDWARE);
    let mut config = Config::new(HARDWARE.into());
    config.random_seed = seed;
    let mut interface = Interface::new(config, device, now);
    interface.update_ip_addrs(|addresses| {
        let own = IpCidr::new(IpAddress::Ipv4(BOARD), 24);
        // There is room for one at least.
        let _ = addresses.push(own);
    });
    interface
}

// Room for datagrams each way: their heads, and their octets. Two statics a socket, for
// the octets are zero at first and need no copy in flash.
macro_rules! room {
    ($name:ident: $heads:ident, $octets:ident, $count:literal datagrams, $length:literal octets) => {
        static $heads: StaticCell<[[PacketMetadata; $count]; 2]> = StaticCell::new();
        static $octets: ConstStaticCell<[[u8; $length]; 2]> =
            ConstStaticCell::new([[0; $length]; 2]);
        fn $name() -> Socket<'static> {
            let heads = $heads.init_with(|| [[PacketMetadata::EMPTY; $count]; 2]);
            let ([rx_heads, tx_heads], [rx, tx]) = (heads, $octets.take());
            Socket::new(
                PacketBuffer::new(&mut rx_heads[..], &mut rx[..]),
                PacketBuffer::new(&mut tx_heads[..], &mut tx[..]),
            )
        }
    };
}
pub(crate) use room;

/// The next datagram of a socket, and the way back. Ones that are too long are dropped.
pub fn receive<'n>(
    socket: &'n mut Socket<'static>,
    taken: &'n mut [u8],
) -> Option<(Address, &'n [u8], Way<'n>)> {
    loop {
        if !socket.can_recv() {
            return None;
        }
        if let Ok((length, about)) = socket.recv_slice(taken) {
            let from = address(about.endpoint)?;
            return Some((from, taken.get(..length)?, Way(socket)));
        }
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

/// An address of IPv4 and a port, as `10.0.2.2:7` is. The whole of what the service's annex
/// allows (`farpost::ams::endpoint`) has names and IPv6 too, which this board cannot reach.
fn parse(endpoint: &str) -> Option<(Ipv4Addr, u16)> {
    let (mut octets, mut rest) = ([0; 4], endpoint.as_bytes());
    for (octet, end) in octets.iter_mut().zip(*b"...:") {
        let length = rest.iter().position(|character| *character == end)?;
        let (digits, behind) = rest.split_at_checked(length)?;
        *octet = u8::try_from(number(digits)?).ok()?;
        rest = behind.get(1..)?;
    }
    Some((octets.into(), u16::try_from(number(rest)?).ok()?))
}

/// The way out from a port.
pub struct Way<'n>(pub &'n mut Socket<'static>);

impl Transport for Way<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        let (ip, port) = parse(endpoint).filter(|_| service == SERVICE)?;
        // What names itself by the host's loopback is reached through the host.
        Some(of(if ip.is_loopback() { HOST } else { ip }, port))
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
        self.0.send_slice(octets, to).map_err(|why| match why {
            UdpSendError::BufferFull => SendError::Busy,
            UdpSendError::Unaddressable => SendError::Unreachable,
        })
    }
}
