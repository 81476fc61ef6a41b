//! The side of an SSD or an Actor: one connection, made again whenever it is over.

use std::boxed::Box;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::string::{String, ToString};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use openssl::ssl::{Ssl, SslContext};

use super::connection::{Connection, End, Handshake, Read};
use super::host::Link;
use super::{TLS, TlsError, context};
use crate::host::net::resolve_endpoint;
use crate::host::secret::Psk;
use crate::machine::count;
use crate::scos::messages::MESSAGE_MAX;
use crate::time::Instant;
use crate::transport::{Address, Peer, SendError, Transport};

/// How a client goes about its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsClientOptions {
    /// How long connecting and the handshake may take.
    pub handshake: Duration,
    /// The wait before it connects again. It doubles with each failure, and is cut by up
    /// to a half so that not all clients come at once.
    pub first: Duration,
    /// The longest wait.
    pub limit: Duration,
    /// Any number, another for each client: it spreads the waits.
    pub seed: u64,
}

impl TlsClientOptions {
    /// 10 s for a handshake, and 1 to 60 s between attempts.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            handshake: Duration::from_secs(10),
            first: Duration::from_secs(1),
            limit: Duration::from_secs(60),
            seed,
        }
    }
}

/// Counters of a client. They stop at their greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsClientStats {
    /// Attempts to connect.
    pub attempts: u64,
    /// Names that could not be resolved.
    pub unresolved: u64,
    /// Connections that were not made.
    pub unconnected: u64,
    /// Handshakes done.
    pub handshakes: u64,
    /// Handshakes the server ended: it does not know the identity, or has another key.
    pub handshakes_refused: u64,
    /// Handshakes of a server that has not the key.
    pub wrong_servers: u64,
    /// Handshakes that took too long.
    pub handshakes_timed_out: u64,
    /// Connections that ended, announced or not.
    pub closed: u64,
    /// Connections closed because a record or a length was none.
    pub broken: u64,
    /// Messages received.
    pub received: u64,
    /// Messages sent, or taken to be sent.
    pub sent: u64,
    /// Messages refused: there is no connection, or too many wait for it.
    pub busy: u64,
}

/// A connection to a server with a pre-shared key.
///
/// The server is at one address, [`TlsClient::server`], whatever connection there is.
pub struct TlsClient {
    endpoint: String,
    context: SslContext,
    options: TlsClientOptions,
    poll: Poll,
    events: Events,
    state: State,
    /// Failures since the server was last heard.
    failures: u32,
    /// The state of the generator that spreads waits.
    dice: u64,
    news: bool,
    stats: TlsClientStats,
}

enum State {
    /// Not before then.
    Waiting(Instant),
    /// A thread asks the system for the address, and was asked for it then.
    Resolving(Receiver<Option<SocketAddr>>, Instant),
    /// It has to be up by then.
    Connecting(Box<Connection>, Instant),
    Up(Box<Connection>),
}

/// How often a thread that asks the system is asked whether it is done.
const ASK: Duration = Duration::from_millis(50);

impl TlsClient {
    /// A client that will connect to `endpoint`, `host:port`, where `host` is a name or
    /// an address.
    ///
    /// # Errors
    /// What the system or the TLS library says, or [`TlsError::Identity`].
    pub fn new(
        endpoint: &str,
        identity: &str,
        key: &Psk,
        options: TlsClientOptions,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            endpoint: endpoint.to_string(),
            context: context::client(identity, key.clone())?,
            options,
            poll: Poll::new()?,
            events: Events::with_capacity(8),
            state: State::Waiting(Instant::ZERO),
            failures: 0,
            dice: options.seed,
            news: false,
            stats: TlsClientStats::default(),
        })
    }

    /// Where the server is, to the machine that uses this link.
    #[must_use]
    pub fn server() -> Address {
        Address::new(TLS, b"server")
    }

    /// Whether there is a connection.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &TlsClientStats {
        &self.stats
    }

    /// Ends the connection for now, and makes another.
    pub fn reconnect(&mut self, now: Instant) {
        if let State::Up(connection) = &mut self.state {
            connection.close();
        }
        self.state = State::Waiting(now);
    }

    /// Waits before the next attempt.
    fn fail(&mut self, now: Instant) {
        let doubled = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let wait = self.options.first.saturating_mul(doubled).min(self.options.limit);
        self.failures = self.failures.saturating_add(1).min(16);
        // SplitMix64.
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let half = wait.checked_div(2).unwrap_or_default();
        let share = u32::try_from(mixed >> 48).unwrap_or(0);
        let less = half.saturating_mul(share).checked_div(0x1_0000).unwrap_or_default();
        self.state = State::Waiting(now.after(wait.saturating_sub(less)));
    }

    /// Begins an attempt.
    fn begin(&mut self, now: Instant) {
        count(&mut self.stats.attempts);
        if let Ok(address) = self.endpoint.parse() {
            return self.connect(now, address);
        }
        let (to, from) = channel();
        let endpoint = self.endpoint.clone();
        // Asking the system may take its time. Nobody listens where it took too long.
        let ask = move || to.send(resolve_endpoint(&endpoint)).is_ok();
        if thread::Builder::new().spawn(ask).is_err() {
            count(&mut self.stats.unresolved);
            return self.fail(now);
        }
        self.state = State::Resolving(from, now);
    }

    fn resolve(&mut self, now: Instant) {
        let State::Resolving(from, asked) = &mut self.state else { return };
        match from.try_recv() {
            Ok(Some(address)) => self.connect(now, address),
            Err(TryRecvError::Empty) => *asked = now,
            Ok(None) | Err(TryRecvError::Disconnected) => {
                count(&mut self.stats.unresolved);
                self.fail(now);
            }
        }
    }

    fn connect(&mut self, now: Instant, address: SocketAddr) {
        match self.dial(address) {
            Ok(connection) => {
                let until = now.after(self.options.handshake);
                self.state = State::Connecting(Box::new(connection), until);
            }
            Err(_) => {
                count(&mut self.stats.unconnected);
                self.fail(now);
            }
        }
    }

    fn dial(&self, address: SocketAddr) -> io::Result<Connection> {
        let mut ssl = Ssl::new(&self.context)?;
        ssl.set_connect_state();
        let mut connection = Connection::new(ssl, TcpStream::connect(address)?)?;
        let (socket, interest) = (connection.socket(), Interest::READABLE | Interest::WRITABLE);
        self.poll.registry().register(socket, Token(0), interest)?;
        Ok(connection)
    }

    /// Goes on with the handshake, once the connection is made.
    fn shake_hands(&mut self, now: Instant) {
        let State::Connecting(connection, until) = &mut self.state else { return };
        let socket = connection.socket();
        let refused = !matches!(socket.take_error(), Ok(None));
        let made = socket.peer_addr().is_ok();
        let over = *until <= now;
        let counter = if refused {
            &mut self.stats.unconnected
        } else if over {
            &mut self.stats.handshakes_timed_out
        } else if !made {
            return;
        } else {
            match connection.shake_hands() {
                Ok(Handshake::Going) => return,
                Ok(Handshake::Done) => {
                    let state = std::mem::replace(&mut self.state, State::Waiting(now));
                    if let State::Connecting(connection, _) = state {
                        self.state = State::Up(connection);
                    }
                    self.news = true;
                    return count(&mut self.stats.handshakes);
                }
                Err(End::Cut | End::Closed | End::Alerted) => &mut self.stats.handshakes_refused,
                Err(End::WrongKey | End::Broken | End::BadLength) => &mut self.stats.wrong_servers,
            }
        };
        count(counter);
        self.fail(now);
    }

    fn ended(&mut self, now: Instant, end: End) {
        count(match end {
            End::Closed | End::Cut | End::Alerted => &mut self.stats.closed,
            End::WrongKey | End::Broken | End::BadLength => &mut self.stats.broken,
        });
        self.fail(now);
    }
}

impl Link for TlsClient {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.poll.as_raw_fd()), token, Interest::READABLE)
    }

    fn poll(&mut self, now: Instant) {
        // What it says is found out by trying.
        let _ = self.poll.poll(&mut self.events, Some(Duration::ZERO));
        match &mut self.state {
            State::Waiting(until) if *until <= now => self.begin(now),
            State::Waiting(_) => {}
            State::Resolving(..) => self.resolve(now),
            State::Connecting(..) => self.shake_hands(now),
            State::Up(connection) => {
                if let Err(end) = connection.flush() {
                    self.ended(now, end);
                }
            }
        }
    }

    fn receive(
        &mut self,
        now: Instant,
        buffer: &mut [u8; MESSAGE_MAX],
    ) -> Option<(Address, usize)> {
        let State::Up(connection) = &mut self.state else { return None };
        match connection.read(buffer) {
            Ok(Read::Message(length)) => {
                count(&mut self.stats.received);
                self.failures = 0;
                Some((Self::server(), length))
            }
            Ok(Read::Nothing) => None,
            Err(end) => {
                self.ended(now, end);
                None
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting(until) | State::Connecting(_, until) => Some(*until),
            State::Resolving(_, since) => Some(since.after(ASK)),
            State::Up(_) => None,
        }
    }

    fn takes_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }
}

impl Transport for TlsClient {
    /// The service `tls-psk` at the endpoint it was made for.
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        (service == "tls-psk" && endpoint == self.endpoint).then(Self::server)
    }

    fn send(&mut self, to: &Address, _flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        if *to != Self::server() {
            return Err(SendError::Unreachable);
        }
        let outcome = match &mut self.state {
            // Where it is over, reading tells how.
            State::Up(connection) => connection.send(octets).map_err(|why| match why {
                SendError::Unreachable => SendError::Busy,
                other => other,
            }),
            _ => Err(SendError::Busy),
        };
        match outcome {
            Ok(()) => count(&mut self.stats.sent),
            Err(_) => count(&mut self.stats.busy),
        }
        outcome
    }

    fn peer(&self, address: &Address) -> Peer<'_> {
        match &self.state {
            State::Up(connection) if *address == Self::server() => {
                Peer { binding: connection.binding(), ..Peer::default() }
            }
            _ => Peer::default(),
        }
    }
}

impl std::fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsClient")
            .field("endpoint", &self.endpoint)
            .field("is_up", &self.is_up())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
