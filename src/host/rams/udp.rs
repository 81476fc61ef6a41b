//! RPDUs over UDP, as ION has it: one RPDU is one datagram and nothing else.

use std::borrow::ToOwned;
use std::boxed::Box;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::string::String;
use std::time::Duration;
use std::vec;

use mio::{Registry, Token};

use super::{Arrivals, RamsCarriage, number};
use crate::host::net::{MAX_RECEIVED, UdpEndpoint, from_address, resolve_endpoint, to_address};
use crate::time::{Instant, Now};
use crate::transport::{Address, SendError, Transport};

/// The RAMS network service `udp`, with locations `udp@HOST:PORT`. The host may be
/// a name, an address, or an IPv4 address as one decimal number, as ION writes it.
///
/// UDP loses what it cannot deliver: the store of the gateway gets nothing but what
/// the local system refuses to send.
#[derive(Debug)]
pub struct UdpCarriage {
    socket: UdpEndpoint,
    buffer: Box<[u8]>,
    /// Names that could not be looked up, and when to try again.
    unknown: HashMap<String, Instant>,
}

/// How soon a name that was not known is looked up again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl UdpCarriage {
    /// Receives RPDUs at `at`, and sends them from there; port 0 lets the system
    /// choose one.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(at: SocketAddr) -> io::Result<Self> {
        let socket = UdpEndpoint::bind(at)?;
        let buffer = vec![0; MAX_RECEIVED].into_boxed_slice();
        Ok(Self { socket, buffer, unknown: HashMap::new() })
    }

    /// Where it is bound.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.socket.local()
    }

    /// The socket address of an address of this carriage.
    #[must_use]
    pub fn socket_of(address: &Address) -> Option<SocketAddr> {
        from_address(number::UDP, address)
    }
}

impl RamsCarriage for UdpCarriage {
    fn service(&self) -> &str {
        "udp"
    }

    fn number(&self) -> u8 {
        number::UDP
    }

    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket.register(registry, token)
    }

    fn resolve(&mut self, now: Now, endpoint: &str) -> Option<Address> {
        if self.unknown.get(endpoint).is_some_and(|again| now.monotonic < *again) {
            return None;
        }
        let found = resolve_endpoint(endpoint).filter(|socket| socket.port() != 0);
        match found {
            Some(_) => _ = self.unknown.remove(endpoint),
            None => {
                self.unknown.insert(endpoint.to_owned(), now.monotonic.after(LOOK_AGAIN));
            }
        }
        found.map(|socket| to_address(number::UDP, socket))
    }

    fn send(&mut self, _now: Now, to: &Address, octets: &[u8]) -> Result<(), SendError> {
        if to.service() != number::UDP {
            return Err(SendError::Unreachable);
        }
        self.socket.send(&Address::new(crate::host::net::UDP, to.octets()), 0, octets)
    }

    fn receive(&mut self, _now: Now, into: &mut Arrivals) {
        while !into.is_full() {
            let Some((from, datagrams)) = self.socket.receive(&mut self.buffer) else {
                return;
            };
            let from = Address::new(number::UDP, from.octets());
            datagrams.for_each(|octets| into.push(from, octets));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::ToString;
    use std::vec::Vec;

    use crate::time::{ClockQuality, Utc};

    fn at(monotonic: Instant) -> Now {
        Now { monotonic, utc: Utc::default(), quality: ClockQuality::Synchronised }
    }

    fn carriage() -> UdpCarriage {
        UdpCarriage::bind("127.0.0.1:0".parse().unwrap()).unwrap()
    }

    #[test]
    fn annex_b_rpdus_arrive_whole_from_where_they_are_answered() {
        let (mut one, mut other) = (carriage(), carriage());
        let port = other.local().port();
        let now = at(Instant::ZERO);
        for host in ["127.0.0.1", "2130706433", "localhost"] {
            let to = one.resolve(now, &format!("{host}:{port}")).unwrap();
            assert_eq!(to.service(), one.number());
            one.send(now, &to, host.as_bytes()).unwrap();
        }
        let mut arrivals = Arrivals::default();
        for _ in 0..1_000_000 {
            other.receive(now, &mut arrivals);
            if arrivals.iter().count() == 3 {
                break;
            }
        }
        let expected = other.resolve(now, &one.local().to_string()).unwrap();
        let all: Vec<_> = arrivals.iter().collect();
        let names = [&b"127.0.0.1"[..], b"2130706433", b"localhost"];
        assert_eq!(all, names.map(|name| (&expected, name)));
        assert_eq!(UdpCarriage::socket_of(&expected), Some(one.local()));
        assert_eq!(one.send(now, &expected, &[0; 70_000]), Err(SendError::TooLong));
        let elsewhere = Address::new(number::BUNDLE, expected.octets());
        assert_eq!(one.send(now, &elsewhere, b""), Err(SendError::Unreachable));
    }

    #[test]
    fn a_name_that_is_not_known_is_looked_up_again_later() {
        let mut carriage = carriage();
        let now = at(Instant::ZERO);
        for name in ["", "127.0.0.1", "127.0.0.1:0", "host name:1"] {
            assert_eq!(carriage.resolve(now, name), None, "{name}");
            assert!(carriage.unknown.contains_key(name));
        }
        carriage.unknown.insert("127.0.0.1:9".to_owned(), now.monotonic.after(LOOK_AGAIN));
        assert_eq!(carriage.resolve(now, "127.0.0.1:9"), None);
        let later = at(now.monotonic.after(LOOK_AGAIN));
        assert!(carriage.resolve(later, "127.0.0.1:9").is_some());
    }
}
