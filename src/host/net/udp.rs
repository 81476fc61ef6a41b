//! A UDP socket as a transport.

use std::borrow::ToOwned;
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::string::String;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use rustix::net::{SendFlags, sendto};

use super::segments::Segments;
use super::{UDP, from_address, resolve_endpoint, to_address};
use crate::transport::{Address, Refused, SendError, Transport};

/// A bound UDP socket that never blocks.
#[derive(Debug)]
pub struct UdpEndpoint {
    socket: UdpSocket,
    local: SocketAddr,
    names: HashMap<String, Option<Address>>,
    segments: Segments,
}

/// Names that are remembered; past it all are looked up anew.
const MAX_NAMES: usize = 4_096;

/// Room for all that is received at once.
pub const MAX_RECEIVED: usize = 65_536;

/// Datagrams that arrived from one source and were taken at once: of one size, but
/// for the last, which may be shorter. There is at least one.
#[derive(Clone, Debug)]
pub struct Datagrams<'b> {
    rest: Option<&'b [u8]>,
    size: usize,
}

impl<'b> Iterator for Datagrams<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<&'b [u8]> {
        let octets = self.rest.take()?;
        match octets.split_at_checked(self.size) {
            Some((next, rest)) if !rest.is_empty() && !next.is_empty() => {
                self.rest = Some(rest);
                Some(next)
            }
            _ => Some(octets),
        }
    }
}

impl UdpEndpoint {
    /// Binds a socket; port 0 lets the system choose one.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(at: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(at)?;
        let local = socket.local_addr()?;
        let segments = Segments::new(&socket);
        Ok(Self { socket, local, names: HashMap::new(), segments })
    }

    /// Has `registry` tell when datagrams arrive.
    ///
    /// # Errors
    /// What the system says.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Takes what has arrived next, if anything: a datagram, or several that the
    /// system has joined. What is longer than `buffer` is cut, as the system does
    /// it; [`MAX_RECEIVED`] octets are enough.
    pub fn receive<'b>(&mut self, buffer: &'b mut [u8]) -> Option<(Address, Datagrams<'b>)> {
        // An error other than "nothing there" is the answer to an earlier send to a
        // closed port; what has arrived lies behind it.
        let mut patience = 0..64;
        let (length, size, from) = loop {
            match self.segments.receive(&self.socket, buffer) {
                Ok(received) => break received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(_) => patience.next().map(drop)?,
            }
        };
        let rest = Some(buffer.get(..length)?);
        Some((to_address(UDP, from), Datagrams { rest, size }))
    }

    /// Whether `to` is an address of this service.
    pub(crate) const fn reaches(&self, to: &Address) -> bool {
        to.service() == UDP
    }

    /// Where it is bound.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }
}

impl Transport for UdpEndpoint {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        if service != "udp" {
            return None;
        }
        if let Some(&known) = self.names.get(endpoint) {
            return known;
        }
        let address = resolve_endpoint(endpoint).map(|socket| to_address(UDP, socket));
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
        }
        self.names.insert(endpoint.to_owned(), address);
        address
    }

    fn send(&mut self, to: &Address, _flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        send_to(&self.socket, to, octets)
    }

    fn send_run(
        &mut self,
        to: &[Address],
        _flow_label: u8,
        octets: &[u8],
        size: usize,
    ) -> Result<(), Refused> {
        if octets.len() <= size {
            for (taken, to) in to.iter().enumerate() {
                send_to(&self.socket, to, octets).map_err(|why| Refused { taken, why })?;
            }
            return Ok(());
        }
        let mut taken = 0;
        for to in to {
            self.send_many(to, octets, size.max(1), &mut taken)
                .map_err(|why| Refused { taken, why })?;
        }
        Ok(())
    }
}

impl UdpEndpoint {
    /// Sends a run to one address, as much at once as the system can; counts what
    /// is `taken`.
    fn send_many(
        &mut self,
        to: &Address,
        octets: &[u8],
        size: usize,
        taken: &mut usize,
    ) -> Result<(), SendError> {
        let socket = from_address(UDP, to).ok_or(SendError::Unreachable)?;
        for part in octets.chunks(size.saturating_mul(self.segments.most(size))) {
            let many = part.len() > size;
            let sent = many && {
                let sent = self.segments.send(&self.socket, socket, part, size);
                sent.map_err(|error| refusal(&error, size))?
            };
            if sent {
                *taken = taken.saturating_add(part.len().div_ceil(size));
                continue;
            }
            for datagram in part.chunks(size) {
                send_to(&self.socket, to, datagram)?;
                *taken = taken.saturating_add(1);
            }
        }
        Ok(())
    }
}

/// Sends one datagram. This is the way of nearly every message: no more is done
/// than the call of the system needs.
fn send_to(socket: &UdpSocket, to: &Address, octets: &[u8]) -> Result<(), SendError> {
    let flags = SendFlags::empty();
    let sent = match (to.service(), to.octets()) {
        (UDP, &[a, b, c, d, high, low]) => {
            let port = u16::from_be_bytes([high, low]);
            sendto(socket, octets, flags, &SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))
        }
        _ => match from_address(UDP, to) {
            Some(to) => sendto(socket, octets, flags, &to),
            None => return Err(SendError::Unreachable),
        },
    };
    sent.map(drop).map_err(|error| refusal(&error.into(), octets.len()))
}

#[cold]
fn refusal(error: &io::Error, length: usize) -> SendError {
    match error.kind() {
        io::ErrorKind::WouldBlock => SendError::Busy,
        // The answer to an earlier datagram; this one was not sent.
        io::ErrorKind::ConnectionRefused => SendError::Busy,
        _ if length > MAX_PAYLOAD => SendError::TooLong,
        _ => SendError::Unreachable,
    }
}

/// The most octets a UDP datagram over IPv4 carries.
const MAX_PAYLOAD: usize = 65_507;

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec;
    use std::vec::Vec;

    fn pair() -> (UdpEndpoint, UdpEndpoint, Address) {
        let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut a = UdpEndpoint::bind(local).unwrap();
        let b = UdpEndpoint::bind(local).unwrap();
        let to = a.resolve("udp", &b.local().to_string()).unwrap();
        (a, b, to)
    }

    /// The next datagrams, as many as there are to be.
    fn arrivals(at: &mut UdpEndpoint, count: usize) -> Vec<Vec<u8>> {
        let mut buffer = vec![0; MAX_RECEIVED];
        let mut all = Vec::new();
        for _ in 0..1_000_000 {
            if let Some((_, datagrams)) = at.receive(&mut buffer) {
                all.extend(datagrams.map(<[u8]>::to_vec));
            }
            if all.len() >= count {
                break;
            }
        }
        all
    }

    #[test]
    fn datagrams_arrive_with_their_origin() {
        let (mut a, mut b, to) = pair();
        assert_eq!(a.resolve("tcp", "127.0.0.1:1"), None);
        a.send(&to, 0, b"hello").unwrap();
        let mut buffer = [0; 16];
        let received = (0..1_000_000).find_map(|_| {
            b.receive(&mut buffer).map(|(from, run)| (from, run.flatten().copied().collect()))
        });
        let (from, octets): (_, Vec<u8>) = received.unwrap();
        assert_eq!(octets, b"hello");
        assert_eq!(Some(from), b.resolve("udp", &a.local().to_string()));
        assert_eq!(a.send(&to, 0, &[0; 70_000]), Err(SendError::TooLong));
        assert_eq!(a.send(&Address::new(9, &[]), 0, b""), Err(SendError::Unreachable));
        a.send(&to, 0, b"").unwrap();
        assert_eq!(arrivals(&mut b, 1), [b""]);
    }

    #[test]
    fn the_datagrams_of_a_run_arrive_singly_and_in_order() {
        let octets: Vec<u8> = (0..=255).cycle().take(25_000).collect();
        for size in [118, 1_000, 24_999, 25_000] {
            let (mut a, mut b, to) = pair();
            let mut c = UdpEndpoint::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let other = a.resolve("udp", &c.local().to_string()).unwrap();
            a.send_run(&[to, other], 0, &octets, size).unwrap();
            let sent: Vec<_> = octets.chunks(size).map(<[u8]>::to_vec).collect();
            assert_eq!(arrivals(&mut b, sent.len()), sent, "{size} octets");
            assert_eq!(arrivals(&mut c, sent.len()), sent, "{size} octets");
        }
    }

    #[test]
    fn a_run_is_sent_singly_where_it_cannot_be_sent_at_once() {
        let (mut a, mut b, to) = pair();
        a.segments.disable();
        let octets: Vec<u8> = (0..100).collect();
        a.send_run(&[to], 0, &octets, 30).unwrap();
        let sent: Vec<_> = octets.chunks(30).map(<[u8]>::to_vec).collect();
        assert_eq!(arrivals(&mut b, 4), sent);
        // The first datagram is longer than any can be.
        let refused = a.send_run(&[to], 0, &vec![0; 70_001], 70_000);
        assert_eq!(refused, Err(Refused { taken: 0, why: SendError::TooLong }));
        let astray = a.send_run(&[to, Address::new(9, &[])], 0, &octets, 50);
        assert_eq!(astray, Err(Refused { taken: 2, why: SendError::Unreachable }));
    }
}
