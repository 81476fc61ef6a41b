//! AAMS messages over TCP: two octets of length, most significant first, then the
//! message. Connections go one way, from the sender, who opens one at first use.

use std::borrow::ToOwned;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::string::String;
use std::vec::Vec;

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use super::{TCP, from_address, resolve_endpoint, to_address};
use crate::transport::{Address, SendError, Transport};

/// Counters of TCP delivery points. They stop at their greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpStats {
    /// Connections opened or accepted.
    pub connections: u32,
    /// Connections refused because there were too many.
    pub refused: u32,
    /// Connections that ended; whole messages were taken first.
    pub closed: u32,
    /// Messages that were accepted for sending and then lost with their connection.
    pub lost: u32,
}

/// Octets that may wait for one connection. What is past it is refused as busy.
const MAX_BACKLOG: usize = 1 << 20;
/// Connections on either side.
const MAX_CONNECTIONS: usize = 512;

/// The sending side: one connection to each delivery point, opened at first use.
#[derive(Debug, Default)]
pub struct TcpSender {
    connections: HashMap<SocketAddr, Outgoing>,
    names: HashMap<String, Option<Address>>,
    stats: TcpStats,
}

/// A connection that messages go out by.
#[derive(Debug)]
struct Outgoing {
    stream: TcpStream,
    connected: bool,
    backlog: VecDeque<u8>,
    /// The lengths of the frames in the backlog, to know what is lost with it.
    frames: VecDeque<usize>,
}

impl TcpSender {
    /// Sends what waits, as far as the connections take it.
    pub fn flush(&mut self) {
        let stats = &mut self.stats;
        self.connections.retain(|_, connection| {
            let alive = connection.flush().is_ok();
            if !alive {
                let lost = u32::try_from(connection.frames.len()).unwrap_or(u32::MAX);
                stats.lost = stats.lost.saturating_add(lost);
                stats.closed = stats.closed.saturating_add(1);
            }
            alive
        });
    }

    /// Whether something waits to be sent.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.connections.values().any(|connection| !connection.backlog.is_empty())
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &TcpStats {
        &self.stats
    }
}

impl Transport for TcpSender {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        if service != "tcp" {
            return None;
        }
        if let Some(&known) = self.names.get(endpoint) {
            return known;
        }
        let address = resolve_endpoint(endpoint).map(|socket| to_address(TCP, socket));
        if self.names.len() >= MAX_CONNECTIONS {
            self.names.clear();
        }
        self.names.insert(endpoint.to_owned(), address);
        address
    }

    fn send(&mut self, to: &Address, _flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let to = from_address(TCP, to).ok_or(SendError::Unreachable)?;
        let length = u16::try_from(octets.len()).map_err(|_| SendError::TooLong)?;
        if !self.connections.contains_key(&to) {
            if self.connections.len() >= MAX_CONNECTIONS {
                self.stats.refused = self.stats.refused.saturating_add(1);
                return Err(SendError::Busy);
            }
            let stream = TcpStream::connect(to).map_err(|_| SendError::Unreachable)?;
            // Messages are small and wait for nothing.
            let _ = stream.set_nodelay(true);
            self.stats.connections = self.stats.connections.saturating_add(1);
            let (backlog, frames) = (VecDeque::new(), VecDeque::new());
            self.connections.insert(to, Outgoing { stream, connected: false, backlog, frames });
        }
        let Some(connection) = self.connections.get_mut(&to) else {
            return Err(SendError::Unreachable);
        };
        if connection.backlog.len().saturating_add(octets.len()) > MAX_BACKLOG {
            return Err(SendError::Busy);
        }
        connection.backlog.extend(length.to_be_bytes());
        connection.backlog.extend(octets);
        connection.frames.push_back(octets.len().saturating_add(2));
        self.flush();
        if self.connections.contains_key(&to) { Ok(()) } else { Err(SendError::Unreachable) }
    }
}

impl Outgoing {
    /// Sends what the connection takes now; an error when it has ended.
    fn flush(&mut self) -> io::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        if !self.connected {
            match self.stream.peer_addr() {
                Ok(_) => self.connected = true,
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        // The other side sends nothing: what can be read is the end.
        match self.stream.read(&mut [0; 1]) {
            Ok(0) => return Err(io::ErrorKind::ConnectionReset.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        while !self.backlog.is_empty() {
            match self.stream.write(self.backlog.as_slices().0) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.sent(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sent(&mut self, mut count: usize) {
        self.backlog.drain(..count);
        while let Some(frame) = self.frames.front_mut() {
            if *frame > count {
                *frame = frame.saturating_sub(count);
                return;
            }
            count = count.saturating_sub(*frame);
            self.frames.pop_front();
        }
    }
}

/// The receiving side: a delivery point.
#[derive(Debug)]
pub struct TcpReceiver {
    listener: TcpListener,
    local: SocketAddr,
    connections: Vec<Incoming>,
    stats: TcpStats,
    registry: Option<(Registry, Token)>,
}

/// A connection that messages come in by.
#[derive(Debug)]
struct Incoming {
    stream: TcpStream,
    from: SocketAddr,
    octets: Vec<u8>,
    ended: bool,
}

impl TcpReceiver {
    /// Binds a listener; port 0 lets the system choose one.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(at: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(at)?;
        let local = listener.local_addr()?;
        let stats = TcpStats::default();
        Ok(Self { listener, local, connections: Vec::new(), stats, registry: None })
    }

    /// Has `registry` tell when connections or octets arrive.
    ///
    /// # Errors
    /// What the system says.
    pub fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.listener, token, Interest::READABLE)?;
        self.registry = Some((registry.try_clone()?, token));
        Ok(())
    }

    /// Takes the next message that has arrived whole, if any.
    pub fn receive(&mut self) -> Option<(Address, Vec<u8>)> {
        self.accept();
        for connection in &mut self.connections {
            if let Some(message) = connection.take_message() {
                return Some((to_address(TCP, connection.from), message));
            }
        }
        let before = self.connections.len();
        self.connections.retain(|connection| !connection.ended);
        let ended = u32::try_from(before.saturating_sub(self.connections.len()));
        self.stats.closed = self.stats.closed.saturating_add(ended.unwrap_or(u32::MAX));
        None
    }

    /// Where it is bound.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &TcpStats {
        &self.stats
    }

    fn accept(&mut self) {
        while let Ok((mut stream, from)) = self.listener.accept() {
            if self.connections.len() >= MAX_CONNECTIONS {
                self.stats.refused = self.stats.refused.saturating_add(1);
                continue;
            }
            if let Some((registry, token)) = &self.registry
                && registry.register(&mut stream, *token, Interest::READABLE).is_err()
            {
                continue;
            }
            self.stats.connections = self.stats.connections.saturating_add(1);
            self.connections.push(Incoming { stream, from, octets: Vec::new(), ended: false });
        }
    }
}

impl Incoming {
    /// The next message, reading no further than it takes to have one.
    fn take_message(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some((&head, rest)) = self.octets.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes(head));
                if let Some(message) = rest.get(..length) {
                    let message = message.to_vec();
                    self.octets.drain(..length.saturating_add(2));
                    return Some(message);
                }
            }
            let mut buffer = [0; 16_384];
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    self.ended = true;
                    return None;
                }
                Ok(count) => self.octets.extend(buffer.iter().take(count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended |= error.kind() != io::ErrorKind::WouldBlock;
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;
    use std::vec;

    fn local() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    fn next(sender: &mut TcpSender, receiver: &mut TcpReceiver) -> Option<Vec<u8>> {
        (0..1_000_000).find_map(|_| {
            sender.flush();
            receiver.receive().map(|(_, octets)| octets)
        })
    }

    #[test]
    fn messages_of_every_size_arrive_in_order() {
        let mut receiver = TcpReceiver::bind(local()).unwrap();
        let mut sender = TcpSender::default();
        let to = sender.resolve("tcp", &receiver.local().to_string()).unwrap();
        let sizes = [0, 1, 18, 65_018, 300];
        for size in sizes {
            sender.send(&to, 0, &vec![7; size]).unwrap();
        }
        for size in sizes {
            assert_eq!(next(&mut sender, &mut receiver).map(|octets| octets.len()), Some(size));
        }
        assert!(!sender.is_waiting());
        assert_eq!((sender.stats().connections, sender.stats().lost), (1, 0));
        assert_eq!(sender.send(&to, 0, &vec![0; 65_536]), Err(SendError::TooLong));
    }

    #[test]
    fn what_is_lost_with_a_connection_is_counted() {
        let port = TcpReceiver::bind(local()).unwrap().local();
        let mut sender = TcpSender::default();
        let to = sender.resolve("tcp", &port.to_string()).unwrap();
        let refused_at_once = sender.send(&to, 0, b"nobody listens").is_err();
        for _ in 0..1_000_000 {
            sender.flush();
            if sender.stats().closed == 1 {
                break;
            }
        }
        assert_eq!((sender.stats().closed, sender.stats().lost), (1, 1));
        assert!(refused_at_once || !sender.is_waiting());
    }
}
