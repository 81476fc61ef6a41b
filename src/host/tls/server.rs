//! The side of the SSM: a listener and its connections.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::string::String;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use openssl::ex_data::Index;
use openssl::ssl::{Ssl, SslContext};

use super::connection::{Connection, End, Handshake, Read};
use super::context::{self, Claim, Keys, is_identity};
use super::host::Link;
use super::{TLS, TLS_ORIGIN, TlsError};
use crate::crypto::Random;
use crate::host::net::to_address;
use crate::host::random::SystemRandom;
use crate::host::secret::Psk;
use crate::machine::count;
use crate::scos::messages::MESSAGE_MAX;
use crate::time::{Instant, earliest};
use crate::transport::{Address, Peer, SendError, Transport};

/// What a server allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsLimits {
    /// Connections whose handshake is done. Further ones are closed.
    pub connections: usize,
    /// Connections whose handshake is not done. With one more the oldest is closed.
    pub handshakes: usize,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// How long a connection may be silent: longer than any device or Actor is.
    pub silence: Duration,
}

impl Default for TlsLimits {
    /// 16,384 connections, 1,024 handshakes of 10 s, an hour of silence.
    fn default() -> Self {
        Self {
            connections: 16_384,
            handshakes: 1_024,
            handshake: Duration::from_secs(10),
            silence: Duration::from_secs(3_600),
        }
    }
}

/// Counters of a server. They stop at their greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsServerStats {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections the system did not give, for want of files or memory.
    pub accept_failed: u64,
    /// Handshakes done.
    pub handshakes: u64,
    /// Handshakes with an identity there is no key of.
    pub unknown_identities: u64,
    /// Handshakes with another key than that of the identity.
    pub wrong_keys: u64,
    /// Handshakes that were no TLS 1.3 with a pre-shared key.
    pub not_tls: u64,
    /// Handshakes that the peer broke off.
    pub handshakes_cut: u64,
    /// Handshakes that took too long.
    pub handshakes_timed_out: u64,
    /// Handshakes given up because there were too many.
    pub handshakes_displaced: u64,
    /// Connections closed because there were too many.
    pub refused: u64,
    /// Connections closed because their identity made another.
    pub superseded: u64,
    /// Connections closed because the key of their identity is another, or gone.
    pub revoked: u64,
    /// Connections closed because they were silent.
    pub silent: u64,
    /// Connections that ended as they should.
    pub closed: u64,
    /// Connections that ended within a message, or unannounced.
    pub cut: u64,
    /// Connections closed because a record was none.
    pub broken: u64,
    /// Connections closed because a length was none.
    pub bad_lengths: u64,
    /// Messages received.
    pub received: u64,
    /// Messages sent, or taken to be sent.
    pub sent: u64,
    /// Messages refused because too many wait for their connection.
    pub busy: u64,
    /// Messages to connections that are over.
    pub unreachable: u64,
}

/// A listener for TLS with pre-shared keys, and the connections it has.
///
/// It resolves the service `psk`: the identity of a key to where the connection is that
/// has it.
pub struct TlsServer {
    listener: TcpListener,
    local: SocketAddr,
    poll: Poll,
    events: Events,
    context: SslContext,
    claims: Index<Ssl, Claim>,
    keys: Keys,
    limits: TlsLimits,
    connections: HashMap<usize, Client>,
    /// Handshakes in the order in which they time out; those done are skipped.
    handshakes: VecDeque<(usize, Instant)>,
    shaking: usize,
    identities: HashMap<String, usize>,
    /// Connections that may have something to read, each once.
    ready: VecDeque<usize>,
    queued: HashSet<usize>,
    /// When to accept again what could not be accepted.
    accept_at: Option<Instant>,
    /// When to look for silent connections.
    sweep_at: Option<Instant>,
    /// Of this run alone, so that no address of another run is one of this.
    run: [u8; 8],
    next: usize,
    stats: TlsServerStats,
}

/// A connection and whose it is.
struct Client {
    connection: Connection,
    origin: Address,
    /// Known when the handshake is done.
    identity: String,
    heard: Instant,
}

/// The token of the listener; those of connections count from 1.
const LISTENER: Token = Token(0);
/// Connections accepted in one run.
const ACCEPTS: usize = 256;
/// How long to wait when the system gives no connections.
const RESPITE: Duration = Duration::from_secs(1);

impl TlsServer {
    /// Binds a listener; port 0 lets the system choose one. Nobody has a key yet.
    ///
    /// # Errors
    /// What the system or the TLS library says.
    pub fn bind(at: SocketAddr, limits: TlsLimits) -> Result<Self, TlsError> {
        let mut listener = TcpListener::bind(at)?;
        let local = listener.local_addr()?;
        let poll = Poll::new()?;
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
        let keys = Keys::new(RwLock::new(HashMap::new()));
        let (context, claims) = context::server(&keys)?;
        let mut run = [0; 8];
        SystemRandom.fill(&mut run).map_err(|_| io::Error::other("no random octets"))?;
        Ok(Self {
            listener,
            local,
            poll,
            events: Events::with_capacity(1_024),
            context,
            claims,
            keys,
            limits,
            connections: HashMap::new(),
            handshakes: VecDeque::new(),
            shaking: 0,
            identities: HashMap::new(),
            ready: VecDeque::new(),
            queued: HashSet::new(),
            accept_at: None,
            sweep_at: None,
            run,
            next: 1,
            stats: TlsServerStats::default(),
        })
    }

    /// Takes these keys in place of those before. Connections of identities whose key is
    /// another now, or none, are closed.
    ///
    /// # Errors
    /// [`TlsError::Identity`]; nothing is changed then.
    pub fn set_keys<'k>(
        &mut self,
        keys: impl IntoIterator<Item = (&'k str, &'k Psk)>,
    ) -> Result<(), TlsError> {
        let mut new = HashMap::new();
        for (identity, key) in keys {
            if !is_identity(identity) {
                return Err(TlsError::Identity);
            }
            new.insert(String::from(identity), key.clone());
        }
        let mut old = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let same = |identity: &String| {
            let octets =
                |keys: &HashMap<String, Psk>| keys.get(identity).map(|key| key.octets().to_vec());
            octets(&old) == octets(&new)
        };
        let gone: std::vec::Vec<usize> = self
            .identities
            .iter()
            .filter(|(identity, _)| !same(identity))
            .map(|(_, serial)| *serial)
            .collect();
        *old = new;
        drop(old);
        for serial in gone {
            count(&mut self.stats.revoked);
            self.close(serial);
        }
        Ok(())
    }

    /// Where it is bound.
    #[must_use]
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &TlsServerStats {
        &self.stats
    }

    /// Where the connection is that has the key of an identity.
    #[must_use]
    pub fn resolve_identity(&self, identity: &str) -> Option<Address> {
        self.identities.get(identity).map(|serial| self.address(*serial))
    }

    /// How many connections there are, and of how many the handshake is not done.
    #[must_use]
    pub fn connections(&self) -> (usize, usize) {
        (self.connections.len(), self.shaking)
    }

    fn accept(&mut self, now: Instant) {
        self.accept_at = None;
        for _ in 0..ACCEPTS {
            match self.listener.accept() {
                Ok((stream, from)) => {
                    count(&mut self.stats.accepted);
                    self.welcome(now, stream, from);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It was over before it was accepted.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => {
                    count(&mut self.stats.accept_failed);
                    self.accept_at = Some(now.after(RESPITE));
                    return;
                }
            }
        }
        self.accept_at = Some(now);
    }

    fn welcome(&mut self, now: Instant, stream: TcpStream, from: SocketAddr) {
        if self.connections.len().saturating_sub(self.shaking) >= self.limits.connections {
            return count(&mut self.stats.refused);
        }
        while self.shaking >= self.limits.handshakes.max(1) {
            let Some((oldest, _)) = self.handshakes.pop_front() else { break };
            if self.is_shaking(oldest) {
                count(&mut self.stats.handshakes_displaced);
                self.close(oldest);
            }
        }
        let serial = self.next;
        let origin = to_address(TLS_ORIGIN, SocketAddr::new(from.ip(), 0));
        let Ok(mut connection) = self.connect(stream) else {
            return count(&mut self.stats.accept_failed);
        };
        let (socket, interest) = (connection.socket(), Interest::READABLE | Interest::WRITABLE);
        if self.poll.registry().register(socket, Token(serial), interest).is_err() {
            return count(&mut self.stats.accept_failed);
        }
        self.next = self.next.wrapping_add(1).max(1);
        let client = Client { connection, origin, identity: String::new(), heard: now };
        self.connections.insert(serial, client);
        self.shaking = self.shaking.saturating_add(1);
        self.handshakes.push_back((serial, now.after(self.limits.handshake)));
        self.queue(serial);
    }

    fn connect(&self, stream: TcpStream) -> io::Result<Connection> {
        let mut ssl = Ssl::new(&self.context)?;
        ssl.set_accept_state();
        Connection::new(ssl, stream)
    }

    fn is_shaking(&self, serial: usize) -> bool {
        self.connections.get(&serial).is_some_and(|client| !client.connection.is_up())
    }

    fn queue(&mut self, serial: usize) {
        if self.queued.insert(serial) {
            self.ready.push_back(serial);
        }
    }

    /// Goes on with a handshake. Returns whether it is done.
    fn shake_hands(&mut self, now: Instant, serial: usize) -> bool {
        let Some(client) = self.connections.get_mut(&serial) else { return false };
        let outcome = client.connection.shake_hands();
        let claim = client.connection.ssl().ex_data(self.claims).cloned();
        match (outcome, claim) {
            (Ok(Handshake::Going), _) => false,
            (Ok(Handshake::Done), Some(claim)) if claim.known => {
                client.identity.clone_from(&claim.identity);
                client.heard = now;
                self.shaking = self.shaking.saturating_sub(1);
                count(&mut self.stats.handshakes);
                if let Some(before) = self.identities.insert(claim.identity, serial) {
                    count(&mut self.stats.superseded);
                    self.close(before);
                }
                true
            }
            (outcome, claim) => {
                let unknown = claim.as_ref().is_some_and(|claim| !claim.known);
                count(match outcome {
                    Err(End::WrongKey) if unknown => &mut self.stats.unknown_identities,
                    Err(End::WrongKey) => &mut self.stats.wrong_keys,
                    Err(End::Cut | End::Closed | End::Alerted) => &mut self.stats.handshakes_cut,
                    _ => &mut self.stats.not_tls,
                });
                self.close(serial);
                false
            }
        }
    }

    /// Forgets a connection.
    fn close(&mut self, serial: usize) {
        let Some(mut client) = self.connections.remove(&serial) else { return };
        if client.connection.is_up() {
            client.connection.close();
            // Another connection of this identity stays known by it.
            if self.identities.get(&client.identity) == Some(&serial) {
                self.identities.remove(&client.identity);
            }
        }
        if client.identity.is_empty() {
            self.shaking = self.shaking.saturating_sub(1);
        }
        // Closing the socket takes it out of the poll.
    }

    fn ended(&mut self, serial: usize, end: End) {
        count(match end {
            End::Closed => &mut self.stats.closed,
            End::Cut | End::Alerted => &mut self.stats.cut,
            End::WrongKey | End::Broken => &mut self.stats.broken,
            End::BadLength => &mut self.stats.bad_lengths,
        });
        self.close(serial);
    }

    /// Closes what takes too long.
    fn expire(&mut self, now: Instant) {
        while let Some(&(serial, _)) = self.handshakes.front().filter(|(_, until)| *until <= now) {
            self.handshakes.pop_front();
            if self.is_shaking(serial) {
                count(&mut self.stats.handshakes_timed_out);
                self.close(serial);
            }
        }
        if self.sweep_at.is_none_or(|at| at <= now) {
            let silence = self.limits.silence;
            let silent =
                self.connections.iter().filter(|(_, client)| client.heard.after(silence) <= now);
            let silent: std::vec::Vec<usize> = silent.map(|(serial, _)| *serial).collect();
            for serial in silent {
                count(&mut self.stats.silent);
                self.close(serial);
            }
            let eighth = silence.checked_div(8).unwrap_or_default().max(RESPITE);
            self.sweep_at = (!self.connections.is_empty()).then(|| now.after(eighth));
        }
    }

    fn address(&self, serial: usize) -> Address {
        let serial = u64::try_from(serial).unwrap_or(u64::MAX).to_be_bytes();
        let mut octets = [0; 16];
        let both = self.run.iter().chain(&serial);
        octets.iter_mut().zip(both).for_each(|(to, from)| *to = *from);
        Address::new(TLS, &octets)
    }

    /// The connection of an address, if it is one of this run.
    fn serial(&self, address: &Address) -> Option<usize> {
        let octets = address.octets_of::<16>(TLS)?;
        let (run, serial) = octets.split_first_chunk::<8>()?;
        if *run != self.run {
            return None;
        }
        usize::try_from(u64::from_be_bytes(*serial.first_chunk()?)).ok()
    }
}

impl Link for TlsServer {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.poll.as_raw_fd()), token, Interest::READABLE)
    }

    fn poll(&mut self, now: Instant) {
        self.expire(now);
        if self.accept_at.is_some_and(|at| at <= now) {
            self.accept(now);
        }
        // A few times, so that connections without end do not keep messages waiting.
        for _ in 0..8 {
            if self.poll.poll(&mut self.events, Some(Duration::ZERO)).is_err() {
                return;
            }
            if self.events.is_empty() {
                return;
            }
            let (mut listener, mut writable) = (false, std::vec::Vec::new());
            let mut readable = std::vec::Vec::new();
            for event in &self.events {
                match event.token() {
                    LISTENER => listener = true,
                    Token(serial) => {
                        if event.is_writable() {
                            writable.push(serial);
                        }
                        readable.push(serial);
                    }
                }
            }
            for serial in writable {
                let client =
                    self.connections.get_mut(&serial).filter(|client| client.connection.is_up());
                if let Some(Err(end)) = client.map(|client| client.connection.flush()) {
                    self.ended(serial, end);
                }
            }
            for serial in readable {
                self.queue(serial);
            }
            if listener {
                self.accept(now);
            }
        }
    }

    fn receive(
        &mut self,
        now: Instant,
        buffer: &mut [u8; MESSAGE_MAX],
    ) -> Option<(Address, usize)> {
        while let Some(serial) = self.ready.pop_front() {
            self.queued.remove(&serial);
            if self.is_shaking(serial) && !self.shake_hands(now, serial) {
                continue;
            }
            let Some(client) = self.connections.get_mut(&serial) else { continue };
            match client.connection.read(buffer) {
                Ok(Read::Message(length)) => {
                    client.heard = now;
                    count(&mut self.stats.received);
                    // The next one when all others had their turn.
                    self.queue(serial);
                    return Some((self.address(serial), length));
                }
                Ok(Read::Nothing) => {}
                Err(end) => self.ended(serial, end),
            }
        }
        None
    }

    fn next_deadline(&self) -> Option<Instant> {
        let handshake = self.handshakes.front().map(|(_, until)| *until);
        earliest(earliest(handshake, self.sweep_at), self.accept_at)
    }

    fn takes_news(&mut self) -> bool {
        false
    }
}

impl Transport for TlsServer {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        if service == "psk" { self.resolve_identity(endpoint) } else { None }
    }

    fn send(&mut self, to: &Address, _flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let serial = self.serial(to).unwrap_or_default();
        let client = self.connections.get_mut(&serial).filter(|client| client.connection.is_up());
        let outcome =
            client.map_or(Err(SendError::Unreachable), |client| client.connection.send(octets));
        match outcome {
            Ok(()) => count(&mut self.stats.sent),
            Err(SendError::Busy) => count(&mut self.stats.busy),
            Err(_) => {
                count(&mut self.stats.unreachable);
                // Reading tells how it ended.
                self.queue(serial);
            }
        }
        outcome
    }

    fn peer(&self, address: &Address) -> Peer<'_> {
        let client = self.serial(address).and_then(|serial| self.connections.get(&serial));
        client.map_or_else(Peer::default, |client| Peer {
            identity: Some(&client.identity),
            binding: client.connection.binding(),
            origin: Some(client.origin),
        })
    }
}

impl std::fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsServer")
            .field("local", &self.local)
            .field("connections", &self.connections.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
