//! Endpoints of the recognised transport services, as text (735.1-B-1 annex A).
//!
//! | service | service name | endpoint name | endpoint specification |
//! |---|---|---|---|
//! | TCP | `tcp` | `hostname:portnumber` | the same, or `@:portnumber` |
//! | UDP | `udp` | `hostname:portnumber` | the same, or `@:portnumber` |
//! | FIFO | `fifo` and the host's number | a path name | none: it is chosen |
//! | VxWorks message queue | `vxmq` and the host's number | a queue ID | none: it is chosen |
//! | VxWorks shared-memory queue | `smmq` and the bus's number | a queue ID | none: it is chosen |
//! | IP multicast | `ipm` | `0` | `0` |
//! | any other | whatever it is called | any text | any text |
//!
//! A *name* is what others are told; a *specification* is what a MIB or a user asks
//! for. The host of either may be a host name, an IPv4 address, an IPv6 address in
//! brackets, or one decimal number, which is how ION writes an IPv4 address. The
//! number of a host is its IPv4 address as a decimal number too.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::ids::{SubjectNumber, UnitNumber};

/// A transport service, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service<'a> {
    /// `tcp`.
    Tcp,
    /// `udp`.
    Udp,
    /// `fifo` and the IPv4 address of the host the FIFOs are on.
    Fifo(Ipv4Addr),
    /// `vxmq` and the IPv4 address of the host the message queues are on.
    VxMq(Ipv4Addr),
    /// `smmq` and the number of the bus whose processors share the memory.
    SmMq(u32),
    /// `ipm`.
    Ipm,
    /// One that annex A does not know.
    Other(&'a str),
}

impl<'a> Service<'a> {
    /// Reads the name of a transport service.
    ///
    /// # Errors
    /// [`EndpointFault::ServiceNumber`] where the number of a host or a bus should
    /// be and is not.
    pub fn parse(name: &'a str) -> Result<Self, EndpointFault> {
        let number = |digits: &str| decimal(digits).ok_or(EndpointFault::ServiceNumber);
        match name {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            "ipm" => Ok(Self::Ipm),
            _ => match name.split_at_checked(4) {
                Some(("fifo", digits)) => number(digits).map(Ipv4Addr::from_bits).map(Self::Fifo),
                Some(("vxmq", digits)) => number(digits).map(Ipv4Addr::from_bits).map(Self::VxMq),
                Some(("smmq", digits)) => number(digits).map(Self::SmMq),
                _ => Ok(Self::Other(name)),
            },
        }
    }
}

/// An endpoint, from its name or its specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// Of `tcp`.
    Tcp(HostPort<'a>),
    /// Of `udp`.
    Udp(HostPort<'a>),
    /// The path name of a FIFO.
    Fifo(&'a str),
    /// The ID of a message queue on one host.
    VxMq(&'a str),
    /// The ID of a message queue in shared memory.
    SmMq(&'a str),
    /// Of `ipm`: which group it is depends on the message, see [`IpMulticast::group`].
    Ipm,
    /// Of a service that annex A does not know.
    Other(&'a str),
}

impl<'a> Endpoint<'a> {
    /// Reads the name of an endpoint of the transport service called `service`.
    ///
    /// # Errors
    /// What is wrong with either. `@` and port 0 name nothing.
    pub fn from_name(service: &'a str, name: &'a str) -> Result<Self, EndpointFault> {
        let host_port = || match HostPort::parse(name)? {
            HostPort { host: Host::Local, .. } => Err(EndpointFault::LocalHost),
            HostPort { port: 0, .. } => Err(EndpointFault::PortZero),
            named => Ok(named),
        };
        match Service::parse(service)? {
            Service::Tcp => host_port().map(Self::Tcp),
            Service::Udp => host_port().map(Self::Udp),
            Service::Fifo(_) => token(name).map(Self::Fifo),
            Service::VxMq(_) => token(name).map(Self::VxMq),
            Service::SmMq(_) => token(name).map(Self::SmMq),
            Service::Ipm => multicast(name),
            Service::Other(_) => Ok(Self::Other(name)),
        }
    }

    /// Reads the specification of an endpoint of the transport service called
    /// `service`. Port 0 asks for any port.
    ///
    /// # Errors
    /// What is wrong with either; [`EndpointFault::NotSpecified`] where the
    /// endpoints of the service are chosen by the implementation.
    pub fn from_specification(service: &'a str, text: &'a str) -> Result<Self, EndpointFault> {
        match Service::parse(service)? {
            Service::Tcp => HostPort::parse(text).map(Self::Tcp),
            Service::Udp => HostPort::parse(text).map(Self::Udp),
            Service::Ipm => multicast(text),
            Service::Other(_) => Ok(Self::Other(text)),
            Service::Fifo(_) | Service::VxMq(_) | Service::SmMq(_) => {
                Err(EndpointFault::NotSpecified)
            }
        }
    }
}

/// `hostname:portnumber`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPort<'a> {
    /// The host.
    pub host: Host<'a>,
    /// The port; 0 for any.
    pub port: u16,
}

/// A host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    /// `@`: the local host, by its canonical name.
    Local,
    /// An address, or the decimal number of one.
    Address(IpAddr),
    /// A host name, which somebody has to look up.
    Name(&'a str),
}

impl<'a> HostPort<'a> {
    /// Reads `hostname:portnumber` or `@:portnumber`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &'a str) -> Result<Self, EndpointFault> {
        if let Ok(socket) = text.parse::<SocketAddr>() {
            return Ok(Self { host: Host::Address(socket.ip()), port: socket.port() });
        }
        let (host, port) = text.rsplit_once(':').ok_or(EndpointFault::NoPort)?;
        let host = Host::parse(host)?;
        let port = decimal(port).and_then(|port| u16::try_from(port).ok());
        Ok(Self { host, port: port.ok_or(EndpointFault::Port)? })
    }
}

impl<'a> Host<'a> {
    fn parse(text: &'a str) -> Result<Self, EndpointFault> {
        let numeric = text.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
        match text {
            "" => Err(EndpointFault::NoHost),
            "@" => Ok(Self::Local),
            // Those that are well-formed have been read with their port.
            _ if text.contains([':', '[', ']']) => Err(EndpointFault::Address),
            _ if numeric => match decimal(text).map(Ipv4Addr::from_bits) {
                Some(address) => Ok(Self::Address(address.into())),
                None => text.parse().map(Self::Address).map_err(|_| EndpointFault::Address),
            },
            _ if is_host_name(text) => Ok(Self::Name(text)),
            _ => Err(EndpointFault::HostName),
        }
    }
}

/// Labels of letters, digits, hyphens and underscores, a hyphen at neither end,
/// with dots between them and perhaps behind the last.
fn is_host_name(text: &str) -> bool {
    let inner = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
    text.strip_suffix('.').unwrap_or(text).split('.').all(|label| {
        let hyphen = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && label.len() <= 63 && !hyphen && label.bytes().all(inner)
    })
}

/// A number in decimal digits and nothing else, below 2³².
fn decimal(digits: &str) -> Option<u32> {
    let plain = digits.bytes().all(|octet| octet.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

fn token(name: &str) -> Result<&str, EndpointFault> {
    match name.bytes().all(|octet| octet.is_ascii_graphic()) {
        true if !name.is_empty() => Ok(name),
        _ => Err(EndpointFault::NoToken),
    }
}

fn multicast<'a>(text: &str) -> Result<Endpoint<'a>, EndpointFault> {
    if text == "0" { Ok(Endpoint::Ipm) } else { Err(EndpointFault::NotZero) }
}

/// What is wrong with the text of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EndpointFault {
    /// No colon separates a port from the host.
    NoPort,
    /// The port is not a number from 0 to 65535.
    Port,
    /// The port is 0, which names none.
    PortZero,
    /// There is no host.
    NoHost,
    /// The host is `@`, by which others know themselves.
    LocalHost,
    /// The host looks like an address and is none.
    Address,
    /// The host is no host name.
    HostName,
    /// The name of the service does not end in the number of a host or a bus.
    ServiceNumber,
    /// Endpoints of this service are chosen by the implementation.
    NotSpecified,
    /// The path or the queue is empty, or has a character that is not graphic ASCII.
    NoToken,
    /// The endpoint of `ipm` is `0`.
    NotZero,
}

impl EndpointFault {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NoPort => "add the port, such as `@:2357`",
            Self::Port => "give a port from 0 to 65535",
            Self::PortZero => "give a port above 0",
            Self::NoHost => "name the host, or write `@` for the local one",
            Self::LocalHost => "name the host",
            Self::Address => "write `192.0.2.1`, `[2001:db8::1]` or a decimal number below 2^32",
            Self::HostName => "use letters, digits and hyphens, with dots between",
            Self::ServiceNumber => "end it with a decimal number below 2^32",
            Self::NotSpecified => "leave it out",
            Self::NoToken => "use graphic ASCII",
            Self::NotZero => "write `0`",
        }
    }
}

impl fmt::Display for EndpointFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPort => "it has no port",
            Self::Port => "the port is no number from 0 to 65535",
            Self::PortZero => "port 0 names no port",
            Self::NoHost => "it has no host",
            Self::LocalHost => "`@` does not name a host to others",
            Self::Address => "the host is no address",
            Self::HostName => "the host is no host name",
            Self::ServiceNumber => "the service's name lacks the number of the host or the bus",
            Self::NotSpecified => "endpoints of this service are chosen, not specified",
            Self::NoToken => "it is no path or queue",
            Self::NotZero => "the only endpoint of IP multicast is `0`",
        })
    }
}

impl core::error::Error for EndpointFault {}

/// How the groups of IP multicast are made (annex A, `ipm`): a mask, low-order bits
/// of the unit number and low-order bits of the subject number, 32 bits in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpMulticast {
    /// The group address mask; of its bits the first [`IpMulticast::mask_length`]
    /// count.
    pub mask: Ipv4Addr,
    /// How many bits of the mask there are, 0 to 32.
    pub mask_length: u8,
    /// How many bits of the unit number there are, 0 to 16.
    pub unit_bits: u8,
    /// How many bits of the subject number there are, 0 to 16.
    pub subject_bits: u8,
    /// The UDP port of the traffic.
    pub port: u16,
}

impl IpMulticast {
    /// The address of the group for messages on `subject` in the domain of `unit`.
    #[must_use]
    pub fn group(&self, unit: UnitNumber, subject: SubjectNumber) -> Ipv4Addr {
        let subject = u32::from(subject.0.cast_unsigned()) & low_bits(self.subject_bits);
        let unit = u32::from(unit.0) & low_bits(self.unit_bits);
        let tail = self.unit_bits.saturating_add(self.subject_bits);
        let mask = self.mask.to_bits() & !low_bits(tail);
        Ipv4Addr::from_bits(mask | shifted(unit, self.subject_bits) | subject)
    }
}

/// The lowest `count` bits set.
fn low_bits(count: u8) -> u32 {
    !shifted(u32::MAX, count)
}

fn shifted(value: u32, by: u8) -> u32 {
    value.checked_shl(by.into()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> Host<'_> {
        Host::Address(text.parse().unwrap())
    }

    #[test]
    fn annex_a_tcp_and_udp_endpoints_are_host_and_port() {
        for (text, host, port) in [
            ("ground.example.org:2357", Host::Name("ground.example.org"), 2357),
            ("post_7:1", Host::Name("post_7"), 1),
            ("10gauge:1", Host::Name("10gauge"), 1),
            ("192.0.2.1:65535", address("192.0.2.1"), 65535),
            ("[2001:db8::1]:80", address("2001:db8::1"), 80),
            ("[::ffff:192.0.2.1]:80", address("::ffff:192.0.2.1"), 80),
            // As ION writes it.
            ("2130706433:4711", address("127.0.0.1"), 4711),
        ] {
            let parsed = HostPort { host, port };
            assert_eq!(Endpoint::from_name("tcp", text), Ok(Endpoint::Tcp(parsed)), "{text}");
            assert_eq!(Endpoint::from_name("udp", text), Ok(Endpoint::Udp(parsed)), "{text}");
            assert_eq!(Endpoint::from_specification("udp", text), Ok(Endpoint::Udp(parsed)));
        }
        let local = HostPort { host: Host::Local, port: 2357 };
        assert_eq!(Endpoint::from_specification("tcp", "@:2357"), Ok(Endpoint::Tcp(local)));
        assert_eq!(Endpoint::from_name("tcp", "@:2357"), Err(EndpointFault::LocalHost));
        let any = HostPort { host: Host::Local, port: 0 };
        assert_eq!(Endpoint::from_specification("udp", "@:0"), Ok(Endpoint::Udp(any)));
        assert_eq!(Endpoint::from_name("udp", "host:0"), Err(EndpointFault::PortZero));
    }

    #[test]
    fn what_is_no_host_or_no_port_is_named() {
        for (text, fault) in [
            ("", EndpointFault::NoPort),
            ("host", EndpointFault::NoPort),
            ("host:", EndpointFault::Port),
            ("host:65536", EndpointFault::Port),
            ("host:+1", EndpointFault::Port),
            ("host:udp", EndpointFault::Port),
            (":1", EndpointFault::NoHost),
            ("4294967296:1", EndpointFault::Address),
            ("256.0.0.1:1", EndpointFault::Address),
            ("1.2.3:1", EndpointFault::Address),
            ("::1:1", EndpointFault::Address),
            ("[::1:1", EndpointFault::Address),
            ("[:::]:1", EndpointFault::Address),
            ("two words:1", EndpointFault::HostName),
            ("-x:1", EndpointFault::HostName),
            ("x-.y:1", EndpointFault::HostName),
            ("x..y:1", EndpointFault::HostName),
        ] {
            assert_eq!(HostPort::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn annex_a_fifos_and_queues_have_the_number_of_a_host_or_bus() {
        let host = Ipv4Addr::LOCALHOST;
        assert_eq!(Service::parse("fifo2130706433"), Ok(Service::Fifo(host)));
        assert_eq!(Service::parse("vxmq2130706433"), Ok(Service::VxMq(host)));
        assert_eq!(Service::parse("smmq42"), Ok(Service::SmMq(42)));
        for name in ["fifo", "vxmq4294967296", "smmq-1", "fifo127.0.0.1"] {
            assert_eq!(Service::parse(name), Err(EndpointFault::ServiceNumber), "{name}");
        }
        assert_eq!(Endpoint::from_name("fifo1", "/tmp/f7"), Ok(Endpoint::Fifo("/tmp/f7")));
        assert_eq!(Endpoint::from_name("vxmq1", "7"), Ok(Endpoint::VxMq("7")));
        assert_eq!(Endpoint::from_name("smmq1", "0x3f"), Ok(Endpoint::SmMq("0x3f")));
        for service in ["fifo1", "vxmq1", "smmq1"] {
            for name in ["", "a b", "ä"] {
                assert_eq!(Endpoint::from_name(service, name), Err(EndpointFault::NoToken));
            }
            let specified = Endpoint::from_specification(service, "7");
            assert_eq!(specified, Err(EndpointFault::NotSpecified));
        }
    }

    #[test]
    fn annex_a_the_only_multicast_endpoint_is_zero() {
        assert_eq!(Endpoint::from_name("ipm", "0"), Ok(Endpoint::Ipm));
        assert_eq!(Endpoint::from_specification("ipm", "0"), Ok(Endpoint::Ipm));
        assert_eq!(Endpoint::from_name("ipm", "224.0.0.1"), Err(EndpointFault::NotZero));
    }

    #[test]
    fn services_annex_a_does_not_know_have_endpoints_of_their_own() {
        for service in ["dgr", "uart", "udp6", "fif"] {
            assert_eq!(Service::parse(service), Ok(Service::Other(service)));
            assert_eq!(Endpoint::from_name(service, "any: text"), Ok(Endpoint::Other("any: text")));
            assert_eq!(Endpoint::from_specification(service, ""), Ok(Endpoint::Other("")));
        }
    }

    #[test]
    fn annex_a_multicast_groups_are_mask_unit_and_subject() {
        let rule = IpMulticast {
            mask: Ipv4Addr::new(239, 192, 255, 255),
            mask_length: 16,
            unit_bits: 6,
            subject_bits: 10,
            port: 5_000,
        };
        let group = |unit, subject| rule.group(UnitNumber(unit), SubjectNumber(subject)).octets();
        assert_eq!(group(0, 1), [239, 192, 0, 1]);
        assert_eq!(group(1, 0), [239, 192, 4, 0]);
        assert_eq!(group(0x7f, 0x7fff), [239, 192, 0xff, 0xff], "low-order bits alone count");
        assert_eq!(group(0, -1), [239, 192, 0x03, 0xff]);
        let whole = IpMulticast { mask_length: 32, unit_bits: 0, subject_bits: 0, ..rule };
        assert_eq!(whole.group(UnitNumber(9), SubjectNumber(9)), rule.mask);
        let none = IpMulticast { mask_length: 0, unit_bits: 16, subject_bits: 16, ..rule };
        let all = none.group(UnitNumber(0x1234), SubjectNumber(0x5678));
        assert_eq!(all.octets(), [0x12, 0x34, 0x56, 0x78]);
    }

    proptest! {
        #[test]
        fn sockets_are_read_as_they_are_written(ip: IpAddr, port: u16) {
            let text = std::format!("{}", SocketAddr::new(ip, port));
            prop_assert_eq!(HostPort::parse(&text), Ok(HostPort { host: Host::Address(ip), port }));
        }

        #[test]
        fn any_text_is_an_endpoint_or_a_fault(service in ".{0,16}", text in ".{0,64}") {
            let known = ["tcp", "udp", "ipm", "fifo7", "vxmq7", "smmq7", &service];
            for service in known {
                let name = Endpoint::from_name(service, &text);
                if let Err(fault) = name {
                    prop_assert!(!fault.remedy().is_empty());
                }
                // Whatever is a name is a specification, where there are any.
                if !service.contains("mq") && !service.starts_with("fifo") && name.is_ok() {
                    prop_assert_eq!(Endpoint::from_specification(service, &text), name);
                }
            }
        }
    }
}
