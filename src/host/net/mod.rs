//! Transport services over sockets: UDP for MPDUs and messages, TCP for assured
//! messages (735.1-B-1 annex A).

mod name;
#[cfg_attr(not(target_os = "linux"), path = "singly.rs")]
mod segments;
mod tcp;
mod udp;

pub use name::{NameStyle, endpoint_name, resolve_endpoint};
pub use tcp::{TcpReceiver, TcpSender, TcpStats};
pub use udp::{Datagrams, MAX_RECEIVED, UdpEndpoint};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::transport::Address;

/// The service numbers of host addresses.
pub(super) const UDP: u8 = 1;
const TCP: u8 = 2;
/// The highest of them.
pub(super) const HIGHEST: u8 = TCP;

/// A socket address as a transport address.
pub(super) fn to_address(service: u8, socket: SocketAddr) -> Address {
    let [high, low] = socket.port().to_be_bytes();
    match socket.ip() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            Address::new(service, &[a, b, c, d, high, low])
        }
        IpAddr::V6(ip) => {
            let mut octets = [0; Address::CAPACITY];
            let all = ip.octets().into_iter().chain([high, low]);
            octets.iter_mut().zip(all).for_each(|(to, from)| *to = from);
            Address::new(service, &octets)
        }
    }
}

/// Where a [`UdpEndpoint`] finds an address of its own; `None` for those of others.
#[must_use]
pub fn udp_socket(address: &Address) -> Option<SocketAddr> {
    from_address(UDP, address)
}

/// The socket address in a transport address of `service`.
pub(super) fn from_address(service: u8, address: &Address) -> Option<SocketAddr> {
    if address.service() != service {
        return None;
    }
    let (ip, &port) = address.octets().split_last_chunk::<2>()?;
    let ip = match (<[u8; 4]>::try_from(ip), <[u8; 16]>::try_from(ip)) {
        (Ok(ip), _) => IpAddr::V4(Ipv4Addr::from(ip)),
        (_, Ok(ip)) => IpAddr::V6(Ipv6Addr::from(ip)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_be_bytes(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_hold_socket_addresses() {
        for text in ["127.0.0.1:4711", "[2001:db8::1]:65535"] {
            let socket: SocketAddr = text.parse().unwrap();
            let address = to_address(UDP, socket);
            assert_eq!(from_address(UDP, &address), Some(socket));
            assert_eq!(from_address(TCP, &address), None);
        }
        assert_eq!(from_address(UDP, &Address::new(UDP, &[1, 2, 3])), None);
    }
}
