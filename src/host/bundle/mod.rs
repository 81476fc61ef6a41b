//! RAMS over the Bundle Protocol, version 7 (735.1-B-1 2.3.10, 4.4, annex B; RFC 9171):
//! each RPDU is a bundle, and a daemon on this host, `dtnd` of dtn7, is the engine that
//! stores and forwards it. Feature `bundle`.
//!
//! What is kept where:
//!
//! | an RPDU | is kept by |
//! |---|---|
//! | while there is no daemon | the gateway, in the order of its priorities |
//! | while the daemon has not confirmed it | [`BundleCarriage`], 64 at the most |
//! | while there is no link | the daemon, for the lifetime of the bundle |
//! | on the other side, until its gateway has taken it | the daemon there |
//!
//! The Bundle Protocol promises neither order nor that a bundle comes once. Order
//! does not matter to RAMS. What comes again is known by its source, creation time and
//! sequence number, of the last 16,384 bundles since the gateway was started, and is
//! dropped.
//!
//! Version 7 has no class of service (version 6 had): the priority of a message orders
//! what waits in the gateway, and nothing after that.
//!
//! Who may give a daemon bundles may speak for any gateway: bundles are not
//! authenticated here, and a daemon's interface is for its own host only.

mod client;
mod codec;
mod eid;
mod fault;
mod http;
mod seen;

#[cfg(test)]
mod tests;

pub use client::{Arrived, Client, DaemonState};
pub use eid::{EndpointId, EndpointIdFault};
pub use fault::{BundleStats, DaemonFault};
pub use http::AnswerFault;

use std::borrow::ToOwned;
use std::cell::Cell;
use std::fmt;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::string::String;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use self::eid::Directory;
use super::net::resolve_endpoint;
use super::rams::{Arrivals, RamsCarriage, number};
use crate::ams::security::Random;
use crate::time::{Instant, Now};
use crate::transport::{Address, SendError};

/// Where a daemon is, unless something else is said.
pub const DEFAULT_DAEMON: &str = "http://127.0.0.1:3000";

/// Octets of the longest RPDU that is sent. Bundles must not be fragmented, so the links
/// of the network are to carry some 200 octets more.
const LONGEST: usize = 65_535;

/// Where the application interface of a daemon is: `http://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonUrl {
    authority: String,
}

/// That a text is not of the form `http://HOST:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotADaemonUrl;

impl fmt::Display for NotADaemonUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the interface of a bundle daemon is http://HOST:PORT")
    }
}

impl std::error::Error for NotADaemonUrl {}

impl DaemonUrl {
    /// The interface that `text` names. Hosts are looked up when they are needed.
    ///
    /// # Errors
    /// When it names none.
    pub fn parse(text: &str) -> Result<Self, NotADaemonUrl> {
        let authority = text.strip_prefix("http://").ok_or(NotADaemonUrl)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let place = crate::ams::endpoint::HostPort::parse(authority).map_err(|_| NotADaemonUrl)?;
        // `@` is a local host to AMS alone.
        if place.port == 0 || authority.starts_with('@') {
            return Err(NotADaemonUrl);
        }
        Ok(Self { authority: authority.to_owned() })
    }
}

/// The RAMS network service `bp`, with locations `bp@dtn://NODE/SERVICE` and
/// `bp@ipn:NODE.SERVICE`.
///
/// It never waits for the daemon: without one it refuses, and tries to reach one again
/// at growing intervals, 30 s at the most.
#[derive(Debug)]
pub struct BundleCarriage {
    client: Client,
    directory: Directory,
    daemon: DaemonUrl,
    connection: Option<Connection>,
    watched: Rc<Cell<(DaemonState, BundleStats)>>,
    registry: Option<(Registry, Token)>,
}

/// Tells how it goes with a carriage that a gateway has.
#[derive(Clone, Debug)]
pub struct BundleWatch {
    endpoint: String,
    watched: Rc<Cell<(DaemonState, BundleStats)>>,
}

impl BundleWatch {
    /// The endpoint RPDUs are received at.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// As [`BundleCarriage::state`].
    #[must_use]
    pub fn state(&self) -> DaemonState {
        self.watched.get().0
    }

    /// As [`BundleCarriage::stats`].
    #[must_use]
    pub fn stats(&self) -> BundleStats {
        self.watched.get().1
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    is_made: bool,
}

impl BundleCarriage {
    /// Carries RPDUs from and to `endpoint`, whose node `daemon` is. Bundles live for
    /// `lifetime`, at the most ten years.
    ///
    /// # Errors
    /// When the system has no random octets.
    pub fn new(endpoint: EndpointId, daemon: DaemonUrl, lifetime: Duration) -> io::Result<Self> {
        // The clock may be behind that of an earlier life: the number of the first
        // bundle is then not one that was given before.
        let mut octets = [0; 4];
        super::random::SystemRandom
            .fill(&mut octets)
            .map_err(|_| io::Error::other("the system has no random octets"))?;
        let sequence = u64::from(u32::from_be_bytes(octets));
        let lifetime = lifetime.min(Duration::from_secs(315_360_000));
        let client = Client::new(endpoint, daemon.authority.clone(), lifetime, sequence);
        Ok(Self {
            client,
            directory: Directory::default(),
            daemon,
            connection: None,
            watched: Rc::new(Cell::new((DaemonState::Away, BundleStats::default()))),
            registry: None,
        })
    }

    /// The endpoint RPDUs are received at.
    #[must_use]
    pub const fn endpoint(&self) -> &EndpointId {
        self.client.own()
    }

    /// Whether there is a daemon.
    #[must_use]
    pub const fn state(&self) -> DaemonState {
        self.client.state()
    }

    /// What became of bundles and the daemon.
    #[must_use]
    pub const fn stats(&self) -> &BundleStats {
        self.client.stats()
    }

    /// What tells how it goes after a gateway was given the carriage.
    #[must_use]
    pub fn watch(&self) -> BundleWatch {
        let endpoint = self.endpoint().as_str().to_owned();
        BundleWatch { endpoint, watched: Rc::clone(&self.watched) }
    }

    /// The endpoint of an address that [`RamsCarriage::resolve`] gave.
    #[must_use]
    pub fn endpoint_of(&self, address: &Address) -> Option<&EndpointId> {
        self.directory.endpoint(address)
    }

    /// Makes a connection if there is to be one, writes what is to be written, and
    /// reads what has arrived.
    fn exchange(&mut self, now: Now) {
        if self.client.wants_connection(now) {
            self.connection = None;
            self.client.connecting(now);
            match self.connect() {
                Ok(connection) => self.connection = Some(connection),
                Err(fault) => self.client.failed(now, fault),
            }
        }
        while let Some(connection) = &mut self.connection {
            match step(now, connection, &mut self.client) {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    self.client.failed(now, fault);
                    break;
                }
            }
        }
        if self.client.is_away() {
            self.connection = None;
        }
        self.watched.set((self.client.state(), *self.client.stats()));
    }

    fn connect(&self) -> Result<Connection, DaemonFault> {
        let to = resolve_endpoint(&self.daemon.authority).ok_or(DaemonFault::UnknownHost)?;
        let unreachable = |error: io::Error| DaemonFault::Unreachable(error.kind());
        let mut stream = TcpStream::connect(to).map_err(unreachable)?;
        if let Some((registry, token)) = &self.registry {
            let both = Interest::READABLE.add(Interest::WRITABLE);
            registry.register(&mut stream, *token, both).map_err(unreachable)?;
        }
        // Requests are answered one by one: none is to wait for more.
        let _ = stream.set_nodelay(true);
        Ok(Connection { stream, is_made: false })
    }
}

/// Takes a conversation one step further; false when it has to wait.
fn step(now: Now, connection: &mut Connection, client: &mut Client) -> Result<bool, DaemonFault> {
    let Connection { stream, is_made } = connection;
    if !*is_made {
        let unreachable = |error: io::Error| DaemonFault::Unreachable(error.kind());
        if let Some(error) = stream.take_error().map_err(unreachable)? {
            return Err(unreachable(error));
        }
        match stream.peer_addr() {
            Ok(_) => *is_made = true,
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(false),
            Err(error) => return Err(unreachable(error)),
        }
        client.connected(now);
    }
    if client.is_away() {
        return Ok(false);
    }
    let mut is_busy = false;
    while !client.output().is_empty() {
        match stream.write(client.output()) {
            Ok(count) => client.wrote(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(DaemonFault::Broken(error.kind())),
        }
        is_busy = true;
    }
    let mut buffer = [0; 16_384];
    match stream.read(&mut buffer) {
        Ok(0) => return Err(DaemonFault::Ended),
        Ok(count) => client.input(now, buffer.get(..count).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(is_busy),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) => return Err(DaemonFault::Broken(error.kind())),
    }
    Ok(true)
}

impl RamsCarriage for BundleCarriage {
    fn service(&self) -> &str {
        "bp"
    }

    fn number(&self) -> u8 {
        number::BUNDLE
    }

    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.registry = Some((registry.try_clone()?, token));
        Ok(())
    }

    fn resolve(&mut self, _now: Now, endpoint: &str) -> Option<Address> {
        self.directory.enter(EndpointId::parse(endpoint).ok()?)
    }

    fn send(&mut self, now: Now, to: &Address, octets: &[u8]) -> Result<(), SendError> {
        let to = self.directory.endpoint(to).ok_or(SendError::Unreachable)?;
        if octets.len() > LONGEST {
            return Err(SendError::TooLong);
        }
        self.client.send(now, to, octets)?;
        self.exchange(now);
        Ok(())
    }

    fn receive(&mut self, _now: Now, into: &mut Arrivals) {
        // Their bundles are deleted in the next turn, when the gateway has them.
        while !into.is_full() {
            let Some(arrived) = self.client.take() else { break };
            into.push(self.directory.address(&arrived.source), &arrived.rpdu);
        }
    }

    fn run(&mut self, now: Now) {
        self.client.run(now);
        self.exchange(now);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.client.next_deadline()
    }

    fn is_sending(&self) -> bool {
        self.client.unconfirmed() > 0
    }
}
