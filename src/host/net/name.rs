//! Endpoint names of the `udp` and `tcp` services: `hostname:portnumber`
//! (735.1-B-1 annex A), where the host may also be an IP address, or a decimal
//! number as ION writes it.

use std::format;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::string::{String, ToString};

use crate::ams::endpoint::{Host, HostPort};
use crate::ams::mib::Profile;

/// How to write the host of an endpoint name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameStyle {
    /// `127.0.0.1:4711`.
    #[default]
    Address,
    /// `2130706433:4711`: the IPv4 address as one decimal number, which every
    /// part of ION reads. IPv6 addresses are written as addresses.
    Decimal,
}

impl From<Profile> for NameStyle {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Standard => Self::Address,
            Profile::Ion => Self::Decimal,
        }
    }
}

/// The endpoint name of a socket address.
#[must_use]
pub fn endpoint_name(socket: SocketAddr, style: NameStyle) -> String {
    match (socket.ip(), style) {
        (IpAddr::V4(ip), NameStyle::Decimal) => format!("{}:{}", ip.to_bits(), socket.port()),
        _ => socket.to_string(),
    }
}

/// The socket address of an endpoint name. `@` is the local host. A host name is
/// looked up by the system, which may take its time; addresses are not.
#[must_use]
pub fn resolve_endpoint(name: &str) -> Option<SocketAddr> {
    let HostPort { host, port } = HostPort::parse(name).ok()?;
    match host {
        Host::Local => Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        Host::Address(ip) => Some(SocketAddr::new(ip, port)),
        Host::Name(host) => (host, port).to_socket_addrs().ok()?.min_by_key(SocketAddr::is_ipv6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_host_is_read() {
        let local: SocketAddr = "127.0.0.1:4711".parse().unwrap();
        for name in ["127.0.0.1:4711", "2130706433:4711", "@:4711", "localhost:4711"] {
            assert_eq!(resolve_endpoint(name), Some(local), "{name}");
        }
        assert_eq!(resolve_endpoint("[::1]:5"), Some("[::1]:5".parse().unwrap()));
        for name in ["", "127.0.0.1", ":", "@:", "@:65536", "host name:1"] {
            assert_eq!(resolve_endpoint(name), None, "{name}");
        }
    }

    #[test]
    fn names_are_written_in_both_styles() {
        let local: SocketAddr = "127.0.0.1:4711".parse().unwrap();
        assert_eq!(endpoint_name(local, NameStyle::Address), "127.0.0.1:4711");
        assert_eq!(endpoint_name(local, NameStyle::Decimal), "2130706433:4711");
    }
}
