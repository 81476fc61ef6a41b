//! A network of machines on virtual time. Everything that is left to chance comes
//! from one seed.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use farpost::time::{ClockQuality, Instant, Now, Utc, earliest};
use farpost::transport::{Address, SendError, Transport};

/// Which of the nodes of a network.
pub(crate) type NodeId = u16;

/// Something that sends and receives datagrams: a machine and who uses it.
pub(crate) trait Node {
    /// Takes a datagram that arrived at `port`.
    fn receive(
        &mut self,
        now: Now,
        from: &Address,
        port: u8,
        octets: &[u8],
        transport: &mut dyn Transport,
    );

    /// Does whatever is due.
    fn tick(&mut self, now: Now, transport: &mut dyn Transport);

    /// When there is something to do next.
    fn next_deadline(&self) -> Option<Instant>;
}

/// What the network does to datagrams. Chances are in a thousand.
#[derive(Clone, Copy, Debug)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was handed over, to arrive once or twice.
    Posted,
    /// It was handed over and lost.
    Lost,
    /// It arrived.
    Arrived,
    /// It arrived where nobody is.
    Missed,
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    pub(crate) fate: Fate,
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) port: u8,
    /// Stands for the octets.
    pub(crate) digest: u64,
}

/// A datagram on its way. The order is that of arrival, then of posting.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    at: Instant,
    number: u64,
    from: NodeId,
    to: NodeId,
    port: u8,
    octets: Vec<u8>,
}

/// Nodes and the datagrams between them.
pub(crate) struct Network<N> {
    pub(crate) weather: Weather,
    pub(crate) log: Vec<Entry>,
    nodes: Vec<Option<N>>,
    island: BTreeSet<NodeId>,
    flights: BinaryHeap<Reverse<Flight>>,
    posted: u64,
    now: Now,
    seed: u64,
    random: fastrand::Rng,
}

impl<N: Node> Network<N> {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        Self {
            weather,
            log: Vec::new(),
            nodes: Vec::new(),
            island: BTreeSet::new(),
            flights: BinaryHeap::new(),
            posted: 0,
            now: Now {
                monotonic: Instant::ZERO,
                utc: Utc::from_unix_seconds(1_795_392_000),
                quality: ClockQuality::Synchronised,
            },
            seed,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Adds a node, with the next number from 0.
    pub(crate) fn add(&mut self, node: N) -> NodeId {
        self.nodes.push(Some(node));
        NodeId::try_from(self.nodes.len() - 1).unwrap()
    }

    /// The node is there no more. What was on its way to it is missed.
    pub(crate) fn crash(&mut self, id: NodeId) {
        self.nodes[usize::from(id)] = None;
    }

    /// The node, or its successor, is there again.
    pub(crate) fn restart(&mut self, id: NodeId, node: N) {
        self.nodes[usize::from(id)] = Some(node);
    }

    /// From now on nothing gets to or from these nodes but among themselves.
    pub(crate) fn cut_off(&mut self, island: impl IntoIterator<Item = NodeId>) {
        self.island = island.into_iter().collect();
    }

    /// Does something at a node, if it is there.
    pub(crate) fn at<R>(
        &mut self,
        id: NodeId,
        act: impl FnOnce(&mut N, Now, &mut dyn Transport) -> R,
    ) -> Option<R> {
        let mut posts = Vec::new();
        let node = self.nodes[usize::from(id)].as_mut()?;
        let mut outlet =
            Outlet { posts: &mut posts, refusal: self.weather.refusal, random: &mut self.random };
        let result = act(node, self.now, &mut outlet);
        for (to, octets) in posts {
            self.post(id, to, octets);
        }
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

    pub(crate) fn now(&self) -> Now {
        self.now
    }

    pub(crate) fn random(&mut self) -> &mut fastrand::Rng {
        &mut self.random
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&N> {
        self.nodes[usize::from(id)].as_ref()
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = (NodeId, &N)> {
        (0..).zip(&self.nodes).filter_map(|(id, node)| Some((id, node.as_ref()?)))
    }

    fn next_event(&self) -> Option<Instant> {
        let arrival = self.flights.peek().map(|Reverse(flight)| flight.at);
        let deadlines = self.nodes().map(|(_, node)| node.next_deadline());
        deadlines.fold(arrival, earliest)
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
            let there = self.at(to, |node, now, transport| {
                node.receive(now, &address(from, 0), port, &octets, transport);
            });
            let fate = if there.is_some() { Fate::Arrived } else { Fate::Missed };
            self.note(fate, from, (to, port), &octets);
        }
        for id in 0..NodeId::try_from(self.nodes.len()).unwrap() {
            let due = self.node(id).and_then(Node::next_deadline).is_some_and(|next| next <= now);
            if due {
                self.at(id, |node, now, transport| {
                    node.tick(now, transport);
                    let next = node.next_deadline();
                    assert!(
                        next.is_none_or(|next| next > now.monotonic),
                        "node {id} is not done: {next:?} at {now:?}"
                    );
                });
            }
        }
    }

    fn post(&mut self, from: NodeId, to: Address, octets: Vec<u8>) {
        let [high, low, port] = *to.octets() else { panic!("an address of nobody: {to:?}") };
        let to = NodeId::from_be_bytes([high, low]);
        let cut = self.island.contains(&from) != self.island.contains(&to);
        if self.chance(self.weather.loss) || cut {
            return self.note(Fate::Lost, from, (to, port), &octets);
        }
        self.note(Fate::Posted, from, (to, port), &octets);
        if self.chance(self.weather.duplication) {
            self.dispatch(from, to, port, octets.clone());
        }
        self.dispatch(from, to, port, octets);
    }

    fn dispatch(&mut self, from: NodeId, to: NodeId, port: u8, octets: Vec<u8>) {
        let jitter = u64::try_from(self.weather.jitter.as_micros()).unwrap();
        let delay = self.latency(from, to) + Duration::from_micros(self.random.u64(0..=jitter));
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
        let at = self.now.monotonic;
        self.log.push(Entry { at, fate, from, to, port, digest: digest(octets) });
    }
}

/// The name of a port of a node, which the transport resolves.
pub(crate) fn name(node: NodeId, port: u8) -> String {
    format!("{node}:{port}")
}

fn address(node: NodeId, port: u8) -> Address {
    let [high, low] = node.to_be_bytes();
    Address::new(0, &[high, low, port])
}

fn digest(octets: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    octets.hash(&mut hasher);
    hasher.finish()
}

/// The transport of a node, for one call.
struct Outlet<'a> {
    posts: &'a mut Vec<(Address, Vec<u8>)>,
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
        self.posts.push((*to, octets.to_vec()));
        Ok(())
    }
}
