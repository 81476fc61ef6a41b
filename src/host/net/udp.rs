//! A UDP socket as a transport.

use std::borrow::ToOwned;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::string::String;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

use super::{UDP, from_address, resolve_endpoint, to_address};
use crate::transport::{Address, SendError, Transport};

/// A bound UDP socket that never blocks.
#[derive(Debug)]
pub struct UdpEndpoint {
    socket: UdpSocket,
    local: SocketAddr,
    names: HashMap<String, Option<Address>>,
}

/// Names that are remembered; past it all are looked up anew.
const MAX_NAMES: usize = 4_096;

impl UdpEndpoint {
    /// Binds a socket; port 0 lets the system choose one.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(at: SocketAddr) -> io::Result<Self> {
        let socket = UdpSocket::bind(at)?;
        let local = socket.local_addr()?;
        Ok(Self { socket, local, names: HashMap::new() })
    }

    /// Has `registry` tell when datagrams arrive.
    ///
    /// # Errors
    /// What the system says.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.socket, token, Interest::READABLE)
    }

    /// Takes the next datagram, if one has arrived. What is longer than `buffer`
    /// is cut, as the system does it.
    pub fn receive<'b>(&mut self, buffer: &'b mut [u8]) -> Option<(Address, &'b [u8])> {
        // An error other than "nothing there" is the answer to an earlier send to a
        // closed port; what has arrived lies behind it.
        let mut patience = 0..64;
        let (length, from) = loop {
            match self.socket.recv_from(buffer) {
                Ok(datagram) => break datagram,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(_) => patience.next().map(drop)?,
            }
        };
        Some((to_address(UDP, from), buffer.get(..length)?))
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
        let to = from_address(UDP, to).ok_or(SendError::Unreachable)?;
        match self.socket.send_to(octets, to) {
            Ok(_) => Ok(()),
            Err(error) => Err(match error.kind() {
                io::ErrorKind::WouldBlock => SendError::Busy,
                // The answer to an earlier datagram; this one was not sent.
                io::ErrorKind::ConnectionRefused => SendError::Busy,
                _ if octets.len() > MAX_PAYLOAD => SendError::TooLong,
                _ => SendError::Unreachable,
            }),
        }
    }
}

/// The most octets a UDP datagram over IPv4 carries.
const MAX_PAYLOAD: usize = 65_507;

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn datagrams_arrive_with_their_origin() {
        let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let mut a = UdpEndpoint::bind(local).unwrap();
        let mut b = UdpEndpoint::bind(local).unwrap();
        let to = a.resolve("udp", &b.local().to_string()).unwrap();
        assert_eq!(a.resolve("tcp", "127.0.0.1:1"), None);
        a.send(&to, 0, b"hello").unwrap();
        let mut buffer = [0; 16];
        let received = (0..1_000_000)
            .find_map(|_| b.receive(&mut buffer).map(|(from, octets)| (from, octets.to_vec())));
        let (from, octets) = received.expect("loopback delivers");
        assert_eq!(octets, b"hello");
        assert_eq!(Some(from), b.resolve("udp", &a.local().to_string()));
        assert_eq!(a.send(&to, 0, &[0; 70_000]), Err(SendError::TooLong));
        assert_eq!(a.send(&Address::new(9, &[]), 0, b""), Err(SendError::Unreachable));
    }
}
