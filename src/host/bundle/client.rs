//! The conversation with a daemon, without sockets or clock: what to ask next, and
//! what its answers mean.
//!
//! | state | event | does |
//! |---|---|---|
//! | away | its back-off is over | wants a connection |
//! | connecting | connected | asks for the node, registers the endpoint |
//! | connecting | 10 s pass, the connection fails | away |
//! | joining | the endpoint is registered | joined |
//! | joined | bundles are listed | the back-off begins anew |
//! | joining, joined | an answer that is none, or a refusal of what every application may ask | away |
//! | joining, joined | the connection ends, or 30 s pass without the answer | away |
//! | joined | an RPDU is to be sent | asks the daemon to take a bundle, until it has |
//! | joined | every [`POLL`] | asks for the bundles there are; fetches each, and has the daemon delete it once it was taken |
//!
//! The bundles that the daemon has not confirmed stay here while it is away, and are
//! the same bundles when they are offered again: who gets one twice knows it. It confirms
//! a bundle a moment before it has stored it; so one that it confirmed less than
//! [`SETTLE`] before the connection ended is offered again, too.
//!
//! A bundle is fetched from the daemon's store, where it stays until the gateway has
//! taken it: so one that arrived while either of them was restarted is not lost. The
//! daemon also keeps a copy for the endpoint in a queue, which loses what it gives if the
//! connection ends then; the queue is emptied of copies alone, as far as that can
//! be told.

use std::borrow::ToOwned;
use std::collections::{HashMap, HashSet, VecDeque};
use std::format;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use super::codec::{self, NotTaken};
use super::eid::EndpointId;
use super::fault::{BundleStats, DaemonFault, bump};
use super::http::{self, Answer, AnswerFault, Reader};
use super::seen::Seen;
use crate::time::{Instant, Now};
use crate::transport::SendError;

/// How often the daemon is asked for bundles; less often where its answer takes long.
const POLL: Duration = Duration::from_millis(250);
/// Asking for bundles is to take one part in so many of the time.
const POLL_SHARE: u32 = 20;
/// The back-off after the first failure, doubled by each further one, and at the most.
const FIRST_RETRY: Duration = Duration::from_millis(250);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// How long a connection may take to be made, and an answer to come.
const CONNECT_TIME: Duration = Duration::from_secs(10);
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// Bundles, and octets of them before the last, that may wait for the daemon's
/// confirmation.
const MOST_UNCONFIRMED: usize = 64;
const MOST_UNCONFIRMED_OCTETS: usize = 1 << 20;
/// How long after its confirmation a bundle may not be stored yet.
const SETTLE: Duration = Duration::from_secs(2);
/// Bundles that may wait here to be taken by the gateway.
const MOST_ARRIVED: usize = 64;
/// How many bundles are known when they come again.
const REMEMBERED: usize = 16_384;
/// How often a bundle is fetched at the most when the connection ends each time.
const ATTEMPTS: u8 = 3;
/// How often the daemon's own queue is emptied when there is nothing to receive.
const SWEEP: Duration = Duration::from_secs(60);

/// Whether there is a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaemonState {
    /// There is no connection to it, or one that is being made.
    Away,
    /// It is being asked to register the endpoint.
    Joining,
    /// It takes bundles, and gives those for the endpoint.
    Joined,
}

/// An RPDU that has arrived.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The endpoint it came from, as text.
    pub source: String,
    /// Its octets.
    pub rpdu: Vec<u8>,
    /// What the daemon calls the bundle.
    name: String,
}

/// A bundle that the daemon has not confirmed.
#[derive(Debug)]
struct Unconfirmed {
    bundle: Vec<u8>,
    expires_at: Instant,
    /// When the daemon confirmed it.
    confirmed_at: Option<Instant>,
}

/// What the daemon was asked.
#[derive(Clone, Debug)]
enum Asked {
    /// Which node it is.
    Node,
    /// To register the endpoint.
    Register,
    /// To take a bundle.
    Insert,
    /// Which bundles from or for the endpoint there are.
    List,
    /// For a bundle of this name.
    Fetch(String),
    /// To delete it.
    Delete(String),
    /// For the next of its queue, which is all that it forgets by itself.
    Next,
}

#[derive(Debug)]
enum State {
    Away { until: Instant },
    Connecting { since: Instant },
    Connected(Connected),
}

#[derive(Debug, Default)]
struct Connected {
    asked: Option<(Asked, Instant)>,
    is_known: bool,
    is_registered: bool,
    reader: Reader,
    /// What is to be written to the connection.
    out: Vec<u8>,
}

/// The conversation with a daemon, without sockets or clock: [`BundleCarriage`] has it
/// over TCP. What it does when is told in a table at the top of its file.
///
/// [`BundleCarriage`]: super::BundleCarriage
#[derive(Debug)]
pub struct Client {
    own: EndpointId,
    host: String,
    lifetime: Duration,
    state: State,
    /// Failures since it was last joined.
    failures: u32,
    /// The sequence number of the next bundle.
    sequence: u64,
    unconfirmed: VecDeque<Unconfirmed>,
    /// Bundles that were confirmed lately.
    confirmed: VecDeque<Unconfirmed>,
    arrived: VecDeque<Arrived>,
    /// Names of bundles to fetch, and of those to have deleted.
    wanted: VecDeque<String>,
    done: VecDeque<String>,
    /// Names of all of these, and of those in `arrived`.
    held: HashSet<String>,
    /// Names of bundles that are not fetched any more, or how often they were.
    tried: HashMap<String, u8>,
    seen: Seen,
    /// Bundles in the daemon's queue that were fetched from its store.
    queued: usize,
    /// Whether the queue is to be emptied.
    sweeps: bool,
    sweep_at: Instant,
    poll_at: Instant,
    /// Whether it is the turn of what is to be sent.
    sends_next: bool,
    stats: BundleStats,
}

impl Client {
    /// A client for the endpoint `own` and the daemon at `host`. Bundles live for
    /// `lifetime`; the first has the sequence number `sequence`.
    #[must_use]
    pub fn new(own: EndpointId, host: String, lifetime: Duration, sequence: u64) -> Self {
        Self {
            own,
            host,
            lifetime,
            state: State::Away { until: Instant::ZERO },
            failures: 0,
            sequence,
            unconfirmed: VecDeque::new(),
            confirmed: VecDeque::new(),
            arrived: VecDeque::new(),
            wanted: VecDeque::new(),
            done: VecDeque::new(),
            held: HashSet::new(),
            tried: HashMap::new(),
            seen: Seen::new(REMEMBERED),
            queued: 0,
            sweeps: false,
            sweep_at: Instant::ZERO,
            poll_at: Instant::ZERO,
            sends_next: true,
            stats: BundleStats::default(),
        }
    }

    /// What became of bundles and the daemon.
    #[must_use]
    pub const fn stats(&self) -> &BundleStats {
        &self.stats
    }

    /// The endpoint RPDUs are received at.
    #[must_use]
    pub const fn own(&self) -> &EndpointId {
        &self.own
    }

    /// Whether there is a daemon.
    #[must_use]
    pub const fn state(&self) -> DaemonState {
        match &self.state {
            State::Connected(Connected { is_registered: true, .. }) => DaemonState::Joined,
            State::Connected(_) => DaemonState::Joining,
            _ => DaemonState::Away,
        }
    }

    /// Whether there is no connection, nor one being made.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        matches!(self.state, State::Away { .. })
    }

    /// Bundles that the daemon has not confirmed.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.unconfirmed.len()
    }

    /// Sends an RPDU: refused unless it can be offered to the daemon at once.
    ///
    /// # Errors
    /// [`SendError::Busy`].
    pub fn send(&mut self, now: Now, to: &EndpointId, rpdu: &[u8]) -> Result<(), SendError> {
        let octets: usize = self.unconfirmed.iter().map(|one| one.bundle.len()).sum();
        let is_full =
            self.unconfirmed.len() >= MOST_UNCONFIRMED || octets >= MOST_UNCONFIRMED_OCTETS;
        if is_full || self.state() != DaemonState::Joined {
            bump(&mut self.stats.busy);
            return Err(SendError::Busy);
        }
        let bundle = codec::encode(now, self.sequence, self.lifetime, (&self.own, to), rpdu);
        self.sequence = self.sequence.wrapping_add(1);
        let expires_at = now.monotonic.after(self.lifetime);
        self.unconfirmed.push_back(Unconfirmed { bundle, expires_at, confirmed_at: None });
        self.advance(now);
        Ok(())
    }

    /// The next RPDU that has arrived; the daemon is told to forget its bundle.
    pub fn take(&mut self) -> Option<Arrived> {
        let arrived = self.arrived.pop_front()?;
        self.done.push_back(arrived.name.clone());
        Some(arrived)
    }

    /// Whether a connection is to be made now.
    #[must_use]
    pub fn wants_connection(&self, now: Now) -> bool {
        matches!(self.state, State::Away { until } if now.monotonic >= until)
    }

    /// A connection is being made.
    pub fn connecting(&mut self, now: Now) {
        self.state = State::Connecting { since: now.monotonic };
    }

    /// It has been made.
    pub fn connected(&mut self, now: Now) {
        self.state = State::Connected(Connected::default());
        self.queued = 0;
        self.poll_at = now.monotonic;
        self.advance(now);
    }

    /// The connection has failed or is of no more use.
    pub fn failed(&mut self, now: Now, fault: DaemonFault) {
        if let State::Connected(connected) = &self.state {
            bump(&mut self.stats.lost);
            // Some daemons end the connection over a bundle that they cannot give.
            if let Some((Asked::Fetch(name), _)) = &connected.asked {
                let name = name.clone();
                self.held.remove(&name);
                let tries = self.tried.entry(name).or_default();
                *tries = tries.saturating_add(1);
                if *tries == ATTEMPTS {
                    bump(&mut self.stats.unreadable);
                }
            }
            if let Some((Asked::Delete(name), _)) = &connected.asked {
                self.done.push_front(name.clone());
            }
        }
        self.settle(now);
        while let Some(again) = self.confirmed.pop_back() {
            bump(&mut self.stats.repeated);
            self.unconfirmed.push_front(again);
        }
        self.stats.last_fault = Some(fault);
        let doubled = FIRST_RETRY.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(0));
        let wait = if self.failures > 16 { LAST_RETRY } else { doubled.min(LAST_RETRY) };
        self.failures = self.failures.saturating_add(1);
        self.state = State::Away { until: now.monotonic.after(wait) };
        self.sends_next = true;
    }

    /// What is to be written to the connection.
    #[must_use]
    pub fn output(&self) -> &[u8] {
        match &self.state {
            State::Connected(connected) => &connected.out,
            _ => &[],
        }
    }

    /// The first `count` octets of the output were written.
    pub fn wrote(&mut self, count: usize) {
        if let State::Connected(connected) = &mut self.state {
            connected.out.drain(..count.min(connected.out.len()));
        }
    }

    /// Takes what was read from the connection.
    pub fn input(&mut self, now: Now, octets: &[u8]) {
        let State::Connected(connected) = &mut self.state else { return };
        connected.reader.push(octets);
        loop {
            let State::Connected(connected) = &mut self.state else { return };
            let answer = match connected.reader.take() {
                Ok(Some(answer)) => answer,
                Ok(None) if connected.asked.is_none() && !connected.reader.is_empty() => {
                    return self.failed(now, DaemonFault::Nonsense(AnswerFault::Unasked));
                }
                Ok(None) => return,
                Err(fault) => return self.failed(now, DaemonFault::Nonsense(fault)),
            };
            let Some((asked, since)) = connected.asked.take() else {
                return self.failed(now, DaemonFault::Nonsense(AnswerFault::Unasked));
            };
            let is_last = answer.is_last;
            match self.answered(now, asked, since, answer) {
                Err(fault) => return self.failed(now, fault),
                Ok(()) if is_last => return self.failed(now, DaemonFault::Ended),
                Ok(()) => self.advance(now),
            }
        }
    }

    /// Does whatever is due.
    pub fn run(&mut self, now: Now) {
        if self.waits_until().is_some_and(|until| now.monotonic >= until) {
            self.failed(now, DaemonFault::Silent);
        }
        self.settle(now);
        self.advance(now);
    }

    /// When there is something to do though nothing arrives.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Away { until } => Some(*until),
            State::Connecting { .. } => self.waits_until(),
            State::Connected(connected) if connected.asked.is_some() => self.waits_until(),
            State::Connected(_) if !self.done.is_empty() => Some(Instant::ZERO),
            State::Connected(_) if self.arrived.len() >= MOST_ARRIVED => None,
            State::Connected(_) => Some(self.poll_at),
        }
    }

    /// Until when the daemon may keep silent.
    fn waits_until(&self) -> Option<Instant> {
        match &self.state {
            State::Away { .. } => None,
            State::Connecting { since } => Some(since.after(CONNECT_TIME)),
            State::Connected(connected) => {
                connected.asked.as_ref().map(|(_, since)| since.after(ANSWER_TIME))
            }
        }
    }

    /// Asks what is to be asked next, unless an answer is awaited.
    fn advance(&mut self, now: Now) {
        let State::Connected(connected) = &self.state else { return };
        if connected.asked.is_some() {
            return;
        }
        let next = match (connected.is_known, connected.is_registered) {
            (false, _) => Some(Asked::Node),
            (_, false) => Some(Asked::Register),
            _ if self.sends_next => self.next_out(now).or_else(|| self.next_in(now)),
            _ => self.next_in(now).or_else(|| self.next_out(now)),
        };
        let Some(asked) = next else { return };
        self.sends_next = !matches!(asked, Asked::Insert);
        let own = self.own.as_str();
        let target = match &asked {
            Asked::Node => "/status/nodeid".to_owned(),
            Asked::Register => format!("/register?{own}"),
            Asked::Insert => "/insert".to_owned(),
            Asked::List => format!("/status/bundles/filtered?addr={own}"),
            Asked::Fetch(name) => format!("/download?{name}"),
            Asked::Delete(name) => format!("/delete?{name}"),
            Asked::Next => format!("/endpoint?{own}"),
        };
        let first = self.unconfirmed.front().filter(|_| matches!(asked, Asked::Insert));
        if let State::Connected(connected) = &mut self.state {
            let body = first.map(|first| first.bundle.as_slice());
            http::write_request(&mut connected.out, &self.host, &target, body);
            connected.asked = Some((asked, now.monotonic));
        }
    }

    /// What is to be asked next of what is to be sent.
    fn next_out(&mut self, now: Now) -> Option<Asked> {
        while self.unconfirmed.front()?.expires_at <= now.monotonic {
            if self.unconfirmed.pop_front().is_some_and(|one| one.confirmed_at.is_none()) {
                bump(&mut self.stats.expired);
            }
        }
        Some(Asked::Insert)
    }

    /// Notes that the daemon has confirmed the first bundle.
    fn confirmed(&mut self, now: Now) {
        self.settle(now);
        let Some(mut first) = self.unconfirmed.pop_front() else { return };
        if first.confirmed_at.is_none() {
            bump(&mut self.stats.sent);
        }
        first.confirmed_at = Some(now.monotonic);
        self.confirmed.push_back(first);
        if self.confirmed.len() > MOST_UNCONFIRMED {
            self.confirmed.pop_front();
        }
    }

    /// Forgets the bundles that were confirmed long enough ago.
    fn settle(&mut self, now: Now) {
        let is_old =
            |one: &Unconfirmed| one.confirmed_at.is_none_or(|at| now.monotonic.since(at) >= SETTLE);
        while self.confirmed.front().is_some_and(is_old) {
            self.confirmed.pop_front();
        }
    }

    /// What is to be asked next of what is to be received.
    fn next_in(&mut self, now: Now) -> Option<Asked> {
        if let Some(name) = self.done.pop_front() {
            return Some(Asked::Delete(name));
        }
        if self.arrived.len() >= MOST_ARRIVED {
            return None;
        }
        if self.queued > 0 || self.sweeps {
            return Some(Asked::Next);
        }
        if let Some(name) = self.wanted.pop_front() {
            return Some(Asked::Fetch(name));
        }
        (now.monotonic >= self.poll_at).then_some(Asked::List)
    }

    /// Takes the answer to what was asked at `since`.
    fn answered(
        &mut self,
        now: Now,
        asked: Asked,
        since: Instant,
        Answer { status, body, .. }: Answer,
    ) -> Result<(), DaemonFault> {
        let is_good = (200..300).contains(&status);
        let State::Connected(connected) = &mut self.state else { return Ok(()) };
        match asked {
            Asked::Node if is_good => {
                let node = String::from_utf8_lossy(&body);
                if !self.own.is_of_node(node.trim()) {
                    return Err(DaemonFault::OtherNode);
                }
                connected.is_known = true;
            }
            Asked::Register if is_good => {
                connected.is_registered = true;
                bump(&mut self.stats.joined);
            }
            Asked::Insert if is_good => self.confirmed(now),
            // It cannot be taken, however often it is offered.
            Asked::Insert if matches!(status, 400 | 413 | 422) => {
                if self.unconfirmed.pop_front().is_some_and(|one| one.confirmed_at.is_none()) {
                    bump(&mut self.stats.rejected);
                }
                self.stats.last_fault = Some(DaemonFault::Refused(status));
            }
            Asked::List if is_good => {
                let names = serde_json::from_slice(&body).map_err(|_| DaemonFault::NoList)?;
                self.listed(now, names);
                self.failures = 0;
                let took = now.monotonic.since(since);
                let wait = took.saturating_mul(POLL_SHARE).clamp(POLL, LAST_RETRY);
                self.poll_at = now.monotonic.after(wait);
            }
            Asked::Fetch(name) if is_good => {
                self.arrive(name, &body);
                // There may be more since.
                self.poll_at = self.poll_at.min(now.monotonic.after(POLL));
            }
            // It has expired meanwhile.
            Asked::Fetch(name) if status == 404 => _ = self.held.remove(&name),
            Asked::Delete(name) if is_good || status == 404 => {
                self.held.remove(&name);
                self.queued = self.queued.saturating_add(1);
            }
            Asked::Next if is_good => self.next_of_queue(&body),
            // Somebody else unregistered the endpoint.
            Asked::Next if status == 404 => connected.is_registered = false,
            _ => return Err(DaemonFault::Refused(status)),
        }
        Ok(())
    }

    /// Takes the names of all bundles from or for the endpoint, and of some others.
    fn listed(&mut self, now: Now, names: Vec<String>) {
        let listed: HashSet<&str> = names.iter().map(String::as_str).collect();
        self.tried.retain(|name, _| listed.contains(name.as_str()));
        let mut is_idle = true;
        for name in names {
            let is_own = source_of(&name) == Some(self.own.as_str());
            let given_up = self.tried.get(&name).is_some_and(|tries| *tries >= ATTEMPTS);
            if is_own || given_up || self.held.contains(&name) {
                continue;
            }
            if !is_askable(&name) {
                bump(&mut self.stats.unreadable);
                self.tried.insert(name, u8::MAX);
                continue;
            }
            is_idle = false;
            self.held.insert(name.clone());
            if self.seen.contains(&name) {
                bump(&mut self.stats.duplicates);
                self.done.push_back(name);
            } else {
                self.wanted.push_back(name);
            }
        }
        if is_idle && self.held.is_empty() && now.monotonic >= self.sweep_at {
            self.sweep_at = now.monotonic.after(SWEEP);
            self.sweeps = true;
        }
    }

    /// Takes a bundle that the daemon has in its store as `name`.
    fn arrive(&mut self, name: String, octets: &[u8]) {
        match codec::decode(octets, &self.own) {
            Ok(received) if self.seen.note(&received.id) => {
                bump(&mut self.stats.received);
                let (source, rpdu) = (received.source, received.payload);
                self.arrived.push_back(Arrived { source, rpdu, name });
                return;
            }
            Ok(_) => bump(&mut self.stats.duplicates),
            // These are not the endpoint's to delete.
            Err(NotTaken::Elsewhere) => {
                self.held.remove(&name);
                self.tried.insert(name, u8::MAX);
                return;
            }
            Err(NotTaken::Malformed) => {
                bump(&mut self.stats.unreadable);
                self.held.remove(&name);
                self.tried.insert(name, u8::MAX);
                return;
            }
            Err(NotTaken::Fragment) => bump(&mut self.stats.fragments),
            Err(NotTaken::Administrative) => bump(&mut self.stats.records),
        }
        self.done.push_back(name);
    }

    /// Takes the first of the daemon's queue, where it keeps a copy of everything
    /// that arrives for the endpoint until it is asked.
    fn next_of_queue(&mut self, octets: &[u8]) {
        if octets == b"Nothing to receive" {
            (self.queued, self.sweeps) = (0, false);
            return;
        }
        match codec::decode(octets, &self.own) {
            Ok(received) if self.seen.contains(&received.id) => {
                self.queued = self.queued.saturating_sub(1);
            }
            Ok(received) => {
                // It came after the list was made.
                self.held.insert(received.id.clone());
                self.arrive(received.id, octets);
            }
            Err(NotTaken::Fragment) => bump(&mut self.stats.fragments),
            Err(NotTaken::Administrative) => bump(&mut self.stats.records),
            Err(_) => bump(&mut self.stats.unreadable),
        }
    }
}

/// The source in the name of a bundle, `SOURCE-TIME-SEQUENCE`.
fn source_of(name: &str) -> Option<&str> {
    let mut parts = name.rsplitn(3, '-');
    let numbers = [parts.next()?, parts.next()?];
    let all = numbers.iter().all(|part| part.bytes().all(|octet| octet.is_ascii_digit()));
    parts.next().filter(|_| all)
}

/// Whether a name may stand in the URI of a request as it is.
fn is_askable(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 1_024
        && name.bytes().all(|octet| octet.is_ascii_graphic() && !b"\"#<>".contains(&octet))
}
