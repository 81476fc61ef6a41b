//! A network of machines on virtual time. Everything that is left to chance comes
//! from one seed.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use farpost::time::{ClockQuality, Instant, Now, Utc, earliest};
use farpost::transport::{Address, SendError, Transport};

/// Which of the nodes of a network.
pub(crate) type NodeId = u16;

/// Something that sends and receives datagrams: a machine and who uses it. An error
/// is a rule that is broken; the network keeps the first.
pub(crate) trait Node {
    /// Takes a datagram that arrived at `port`.
    fn receive(
        &mut self,
        now: Now,
        from: &Address,
        port: u8,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) -> Result<(), String>;

    /// Does whatever is due.
    fn tick(&mut self, now: Now, transport: &mut dyn Transport) -> Result<(), String>;

    /// When there is something to do next.
    fn next_deadline(&self) -> Option<Instant>;

    /// What a datagram at `port` is, for those who read a trace.
    fn describe(port: u8, octets: &[u8]) -> String;
}

/// What the network does to datagrams. Chances are in a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weather {
    /// The chance that a datagram is lost.
    pub(crate) loss: u16,
    /// The chance that it arrives twice.
    pub(crate) duplication: u16,
    /// The chance that the transport of the sender refuses it.
    pub(crate) refusal: u16,
    /// How much longer than another it may take on the same link: what is more
    /// than the time between the two reorders them.
    pub(crate) jitter: Duration,
}

impl Weather {
    /// Nothing goes wrong, and everything arrives in order.
    pub(crate) const FAIR: Self =
        Self { loss: 0, duplication: 0, refusal: 0, jitter: Duration::ZERO };
}

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    /// It was handed over, to arrive once or twice.
    Posted,
    /// It was handed over and lost.
    Lost,
    /// It arrived.
    Arrived,
    /// It arrived where nobody is.
    Missed,
}

/// Sees every datagram that a node posts, and says whether it is to be lost.
pub(crate) type Censor<'a> = Box<dyn FnMut(NodeId, u8, &[u8]) -> bool + 'a>;

/// A datagram on its way. The order is that of arrival, then of posting.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    at: Instant,
    number: u64,
    from: NodeId,
    to: NodeId,
    port: u8,
    octets: Rc<[u8]>,
}

/// A place for a node, whether one is there or not.
struct Berth<N> {
    node: Option<N>,
    /// When the node has something to do next.
    deadline: Option<Instant>,
    /// It is cut off from those for whom this is different.
    island: bool,
    /// How far its wall clock is off, in microseconds.
    offset: i64,
}

/// Nodes and the datagrams between them.
pub(crate) struct Network<'a, N> {
    pub(crate) weather: Weather,
    pub(crate) censor: Option<Censor<'a>>,
    /// What arrives at this port has come so much farther.
    pub(crate) far: Option<(u8, Duration)>,
    /// Prints everything that happens.
    pub(crate) trace: bool,
    berths: Vec<Berth<N>>,
    flights: BinaryHeap<Reverse<Flight>>,
    /// Every deadline a node has had; those that it still has are true.
    alarms: BinaryHeap<Reverse<(Instant, NodeId)>>,
    posts: Vec<(Address, Rc<[u8]>)>,
    posted: u64,
    now: Now,
    seed: u64,
    random: fastrand::Rng,
    broken: Option<String>,
    /// Stands for all that happened.
    history: DefaultHasher,
}

impl<'a, N: Node> Network<'a, N> {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            weather,
            censor: None,
            far: None,
            trace: false,
            berths: Vec::new(),
            flights: BinaryHeap::new(),
            alarms: BinaryHeap::new(),
            posts: Vec::new(),
            posted: 0,
            now: Now {
                monotonic: Instant::ZERO,
                utc: Utc::from_unix_seconds(1_795_392_000),
                quality: ClockQuality::Synchronised,
            },
            seed,
            random: fastrand::Rng::with_seed(seed),
            broken: None,
            history: DefaultHasher::new(),
        }
    }

    /// Adds a node, with the next number from 0.
    pub(crate) fn add(&mut self, node: N) -> NodeId {
        let id = NodeId::try_from(self.berths.len()).unwrap();
        self.berths.push(Berth { node: None, deadline: None, island: false, offset: 0 });
        self.restart(id, node);
        id
    }

    /// The node is there no more. What was on its way to it is missed.
    pub(crate) fn crash(&mut self, id: NodeId) {
        let berth = &mut self.berths[usize::from(id)];
        (berth.node, berth.deadline) = (None, None);
        self.tell(|| format!("{id} crashes"));
    }

    /// The node, or its successor, is there again.
    pub(crate) fn restart(&mut self, id: NodeId, node: N) {
        self.berths[usize::from(id)].node = Some(node);
        self.tell(|| format!("{id} starts"));
        self.set_alarm(id);
    }

    /// From now on nothing gets to or from these nodes but among themselves.
    pub(crate) fn cut_off(&mut self, island: impl IntoIterator<Item = NodeId>) {
        let island: BTreeSet<NodeId> = island.into_iter().collect();
        self.tell(|| format!("cut off: {island:?}"));
        for (id, berth) in (0..).zip(&mut self.berths) {
            berth.island = island.contains(&id);
        }
    }

    /// Steps the wall clock of a node; monotonic time goes on.
    pub(crate) fn step_clock(&mut self, id: NodeId, by: i64) {
        self.berths[usize::from(id)].offset += by * 1_000_000;
        self.tell(|| format!("{id}: the clock steps by {by} s"));
    }

    /// Does something at a node, if it is there.
    pub(crate) fn at<R>(
        &mut self,
        id: NodeId,
        act: impl FnOnce(&mut N, Now, &mut dyn Transport) -> R,
    ) -> Option<R> {
        let berth = &mut self.berths[usize::from(id)];
        let node = berth.node.as_mut()?;
        let utc = self.now.utc.unix_micros().saturating_add(berth.offset);
        let now = Now { utc: Utc::from_unix_micros(utc), ..self.now };
        let mut posts = std::mem::take(&mut self.posts);
        let mut outlet =
            Outlet { posts: &mut posts, refusal: self.weather.refusal, random: &mut self.random };
        let result = act(node, now, &mut outlet);
        for (to, octets) in posts.drain(..) {
            self.post(id, &to, octets);
        }
        self.posts = posts;
        self.set_alarm(id);
        Some(result)
    }

    /// Time passes, and what is due happens.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now.monotonic.after(span);
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.advance(next);
            self.step();
        }
        self.advance(end);
    }

    /// The first rule that was broken, with the time and the node.
    pub(crate) fn broken(&self) -> Option<&String> {
        self.broken.as_ref()
    }

    pub(crate) fn now(&self) -> Now {
        self.now
    }

    pub(crate) fn random(&mut self) -> &mut fastrand::Rng {
        &mut self.random
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&N> {
        self.berths[usize::from(id)].node.as_ref()
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeId, &N)> {
        (0..).zip(&self.berths).filter_map(|(id, berth)| Some((id, berth.node.as_ref()?)))
    }

    /// How many datagrams were posted.
    pub(crate) fn posted(&self) -> u64 {
        self.posted
    }

    /// A number that is the same for the same history alone.
    pub(crate) fn history(&self) -> u64 {
        self.history.finish()
    }

    fn next_event(&mut self) -> Option<Instant> {
        while let Some(&Reverse((at, id))) = self.alarms.peek() {
            if self.berths[usize::from(id)].deadline == Some(at) {
                break;
            }
            self.alarms.pop();
        }
        let alarm = self.alarms.peek().map(|Reverse((at, _))| *at);
        earliest(alarm, self.flights.peek().map(|Reverse(flight)| flight.at))
    }

    fn set_alarm(&mut self, id: NodeId) {
        let berth = &mut self.berths[usize::from(id)];
        let next = berth.node.as_ref().and_then(Node::next_deadline);
        if let Some(at) = next.filter(|_| next != berth.deadline) {
            self.alarms.push(Reverse((at, id)));
        }
        berth.deadline = next;
    }

    fn advance(&mut self, to: Instant) {
        self.now = self.now.after(to.since(self.now.monotonic));
    }

    /// Delivers what has arrived, then has every node do what is due.
    fn step(&mut self) {
        let now = self.now.monotonic;
        while self.flights.peek().is_some_and(|Reverse(flight)| flight.at <= now) {
            let Some(Reverse(flight)) = self.flights.pop() else { break };
            let Flight { from, to, port, octets, .. } = flight;
            let fate = if self.node(to).is_some() { Fate::Arrived } else { Fate::Missed };
            self.note(fate, from, (to, port), &octets);
            let taken = self.at(to, |node, now, transport| {
                node.receive(now, &address(from, 0), port, &octets, transport)
            });
            self.judge(to, taken);
        }
        while let Some(&Reverse((at, id))) = self.alarms.peek().filter(|alarm| alarm.0.0 <= now) {
            self.alarms.pop();
            if self.berths[usize::from(id)].deadline != Some(at) {
                continue;
            }
            let done = self.at(id, |node, now, transport| {
                node.tick(now, transport)?;
                match node.next_deadline() {
                    Some(next) if next <= now.monotonic => Err(format!("{next:?} is still due")),
                    _ => Ok(()),
                }
            });
            self.judge(id, done);
        }
    }

    fn judge(&mut self, id: NodeId, outcome: Option<Result<(), String>>) {
        if let (Some(Err(why)), None) = (outcome, &self.broken) {
            let at = Duration::from_micros(self.now.monotonic.as_micros());
            self.broken = Some(format!("node {id} at {at:?}: {why}"));
        }
    }

    fn post(&mut self, from: NodeId, to: &Address, octets: Rc<[u8]>) {
        let [high, low, port] = *to.octets() else { panic!("an address of nobody: {to:?}") };
        let to = NodeId::from_be_bytes([high, low]);
        let island = |id| self.berths[usize::from(id)].island;
        let cut = island(from) != island(to);
        let censored = self.censor.as_mut().is_some_and(|lost| lost(from, port, &octets));
        if self.chance(self.weather.loss) || cut || censored {
            return self.note(Fate::Lost, from, (to, port), &octets);
        }
        self.note(Fate::Posted, from, (to, port), &octets);
        if self.chance(self.weather.duplication) {
            self.dispatch(from, to, port, Rc::clone(&octets));
        }
        self.dispatch(from, to, port, octets);
    }

    fn dispatch(&mut self, from: NodeId, to: NodeId, port: u8, octets: Rc<[u8]>) {
        let jitter = u64::try_from(self.weather.jitter.as_micros()).unwrap();
        let far = self.far.filter(|(far, _)| *far == port).map_or(Duration::ZERO, |(_, far)| far);
        let jitter = Duration::from_micros(self.random.u64(0..=jitter));
        let delay = self.latency(from, to) + far + jitter;
        let at = self.now.monotonic.after(delay);
        self.posted += 1;
        self.flights.push(Reverse(Flight { at, number: self.posted, from, to, port, octets }));
    }

    /// 1 to 20 ms, the same for a link throughout.
    fn latency(&self, from: NodeId, to: NodeId) -> Duration {
        let mut hasher = DefaultHasher::new();
        (self.seed, from, to).hash(&mut hasher);
        Duration::from_millis(1 + hasher.finish() % 20)
    }

    fn chance(&mut self, in_a_thousand: u16) -> bool {
        self.random.u16(0..1_000) < in_a_thousand
    }

    fn note(&mut self, fate: Fate, from: NodeId, (to, port): (NodeId, u8), octets: &[u8]) {
        (self.now.monotonic, fate, from, to, port).hash(&mut self.history);
        self.history.write(octets);
        let what = || format!("{from} -> {to}: {} {fate:?}", N::describe(port, octets));
        self.tell(what);
    }

    fn tell(&self, what: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>14} {}", self.now.monotonic.as_micros(), what());
        }
    }
}

/// The name of a port of a node, which the transport resolves.
pub(crate) fn name(node: NodeId, port: u8) -> String {
    format!("{node}:{port}")
}

/// The address of a port of a node.
pub(crate) fn address(node: NodeId, port: u8) -> Address {
    let [high, low] = node.to_be_bytes();
    Address::new(0, &[high, low, port])
}

/// The transport of a node, for one call.
struct Outlet<'a> {
    posts: &'a mut Vec<(Address, Rc<[u8]>)>,
    refusal: u16,
    random: &'a mut fastrand::Rng,
}

impl Transport for Outlet<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        let (node, port) = endpoint.split_once(':')?;
        (service == "udp").then(|| Some(address(node.parse().ok()?, port.parse().ok()?)))?
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        if self.random.u16(0..1_000) < self.refusal {
            return Err(SendError::Busy);
        }
        // Copies that are sent in a row share their octets.
        let last = self.posts.last().map(|(_, last)| last).filter(|last| ***last == *octets);
        let octets = last.map_or_else(|| octets.into(), Rc::clone);
        self.posts.push((*to, octets));
        Ok(())
    }
}
