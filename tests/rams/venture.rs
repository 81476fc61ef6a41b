//! A venture in several continua, and who ought to get which message.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerStorage};
use farpost::ams::gateway::{Block, Gateway, GatewayConfig, GatewayStorage};
use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleKey, RoleNumber, SubjectNumber, UnitNumber,
    VentureNumber,
};
use farpost::ams::mib::{self, Mib, RamsNetwork, RemoteMessageSpace, Role, Timers, Unit};
use farpost::ams::module::{
    Membership, Module, ModuleIdentity, ModuleMemory, RuleKind, RuleRequest,
};
use farpost::ams::pdu::{
    ContactSummaryValues, ControlCode, DeliveryPoint, DeliveryVectorValues, EndpointName, Envelope,
};
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarStorage};
use farpost::ams::service::{Delivery, Indication, Message};
use farpost::storage::Slot;
use farpost::time::{Instant, Now};
use farpost::transport::{Address, SendError, Transport};

use super::network::{Network, Node, NodeId, Weather, name};

/// Modules of each continuum, besides the gateway.
const MODULES: u16 = 3;
/// Nodes of each continuum: server, registrar, gateway, modules.
const NODES: u16 = 3 + MODULES;
/// Where MPDUs, messages and RPDUs arrive.
const MAMS: u8 = 0;
const AAMS: u8 = 1;
pub(crate) const RAMS: u8 = 2;

const VENTURE: VentureNumber = VentureNumber(1);
const ROLES: [RoleNumber; 3] = [RoleNumber(2), RoleNumber(3), RoleNumber(4)];
const SUBJECTS: i16 = 3;
/// What everybody invites everybody to.
const PRIVATE: SubjectNumber = SubjectNumber(9);
const UNITS: &[Unit<'static>] = &[
    Unit { resync_period: 2, ..Unit::ROOT },
    Unit::new(UnitNumber(1), "post"),
    Unit::new(UnitNumber(2), "post.mast"),
];
const NAMES: &[Role<'static>] =
    &[Role::new(ROLES[0], "a"), Role::new(ROLES[1], "b"), Role::new(ROLES[2], "c")];

/// N5 is 6 s.
const TIMERS: Timers = Timers {
    n1: Duration::from_secs(1),
    n2: Duration::from_secs(1),
    n3: Duration::from_secs(1),
    n6: 3,
};

/// How continua are joined.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    seed: u64,
    continua: u16,
    kind: RamsNetwork,
    channels: BTreeSet<(u16, u16)>,
}

impl Plan {
    pub(crate) fn line(seed: u64, continua: u16, kind: RamsNetwork) -> Self {
        let channels = (1..continua).map(|one| (one - 1, one)).collect();
        Self { seed, continua, kind, channels }
    }

    pub(crate) fn mesh(seed: u64, continua: u16) -> Self {
        let pairs = (0..continua).flat_map(|one| (0..one).map(move |other| (other, one)));
        Self { seed, continua, kind: RamsNetwork::Mesh, channels: pairs.collect() }
    }

    pub(crate) fn tree(seed: u64, continua: u16) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let channels = (1..continua).map(|one| (random.u16(0..one), one)).collect();
        Self { seed, continua, kind: RamsNetwork::Tree, channels }
    }

    fn joined(&self, one: u16, other: u16) -> bool {
        self.channels.contains(&(one.min(other), one.max(other)))
    }
}

/// One machine, and who uses it.
pub(crate) enum Entity {
    Server(Box<ConfigServer<'static>>),
    Registrar(Box<Registrar<'static>>),
    Gateway(Box<Post>),
    Module(Box<Member>),
}

/// A gateway, and what it was seen to send over its channels.
pub(crate) struct Post {
    gateway: Gateway<'static>,
    channels: Channels,
}

/// The channels of a gateway, and what is wrong with them. Chances are in a thousand.
struct Channels {
    /// Message after message: which, and to which node.
    crossed: Vec<(u32, NodeId)>,
    /// How many RPDUs were handed over.
    sent: u32,
    /// To whom nothing can be sent.
    away: BTreeSet<NodeId>,
    loss: u16,
    duplication: u16,
    random: fastrand::Rng,
}

impl Channels {
    fn new(seed: u64) -> Self {
        Self {
            crossed: Vec::new(),
            sent: 0,
            away: BTreeSet::new(),
            loss: 0,
            duplication: 0,
            random: fastrand::Rng::with_seed(seed),
        }
    }
}

/// A module, and how often what was delivered to it, by the context.
pub(crate) struct Member {
    module: Module<'static>,
    got: BTreeMap<u32, u32>,
    replies: BTreeMap<u32, u32>,
}

impl Member {
    /// A message arrives; queries are answered.
    fn take(&mut self, octets: &[u8], transport: &mut dyn Transport) {
        let Ok(delivery) = self.module.receive_aams(octets) else { return };
        let received = *delivery.message();
        let book = match delivery {
            Delivery::Reply(_) => &mut self.replies,
            Delivery::Message(_) | Delivery::Query(_) => &mut self.got,
        };
        *book.entry(received.context.0).or_default() += 1;
        if let Delivery::Query(_) = delivery {
            let reply = Message { context: received.context, ..Message::new(PRIVATE, b"reply") };
            let to = (received.continuum, received.source);
            self.module.reply(to, &reply, transport).unwrap();
        }
    }
}

impl Node for Entity {
    fn receive(
        &mut self,
        now: Now,
        from: &Address,
        port: u8,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) -> Result<(), String> {
        let user = &mut |_: Indication| {};
        match (self, port) {
            (Self::Server(server), _) => server.receive(now, from, octets, transport),
            (Self::Registrar(registrar), _) => registrar.receive(now, from, octets, transport),
            (Self::Module(member), MAMS) => {
                member.module.receive_mams(now, from, octets, transport, user);
                if member.module.membership() == Membership::Dead {
                    member.module.register(now, transport, user).unwrap();
                }
            }
            (Self::Module(member), _) => member.take(octets, transport),
            (Self::Gateway(post), port) => {
                let transport = &mut Line { channels: &mut post.channels, transport };
                match port {
                    MAMS => {
                        post.gateway.receive_mams(now, from, octets, transport, user);
                        if post.gateway.module().membership() == Membership::Dead {
                            post.gateway.register(now, transport, user).unwrap();
                        }
                    }
                    // That nobody asks for it any more is a possible answer.
                    AAMS => _ = post.gateway.receive_aams(now, octets, transport),
                    _ => {
                        // Gateways send their RPDUs from where they receive them.
                        let [high, low, _] = *from.octets() else { panic!("{from:?}") };
                        let from = Address::new(0, &[high, low, RAMS]);
                        post.gateway.receive_rams(now, &from, octets, transport);
                    }
                }
            }
        }
        Ok(())
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) -> Result<(), String> {
        let user = &mut |_: Indication| {};
        match self {
            Self::Server(server) => server.tick(now, transport),
            Self::Registrar(registrar) => registrar.tick(now, transport),
            Self::Module(member) => member.module.tick(now, transport, user),
            Self::Gateway(post) => {
                let transport = &mut Line { channels: &mut post.channels, transport };
                post.gateway.tick(now, transport, user);
            }
        }
        Ok(())
    }

    fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Server(server) => server.next_deadline(),
            Self::Registrar(registrar) => registrar.next_deadline(),
            Self::Module(member) => member.module.next_deadline(),
            Self::Gateway(post) => post.gateway.next_deadline(),
        }
    }

    fn describe(port: u8, octets: &[u8]) -> String {
        format!("{} octets for port {port}", octets.len())
    }
}

/// The transport of a gateway: what goes over its channels may fail to, and messages
/// that are published are written down.
struct Line<'a> {
    channels: &'a mut Channels,
    transport: &'a mut dyn Transport,
}

impl Transport for Line<'_> {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        self.transport.resolve(service, endpoint)
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let [high, low, RAMS] = *to.octets() else {
            return self.transport.send(to, flow_label, octets);
        };
        let node = NodeId::from_be_bytes([high, low]);
        let Channels { crossed, sent, away, loss, duplication, random } = &mut *self.channels;
        if away.contains(&node) {
            return Err(SendError::Busy);
        }
        if random.u16(0..1_000) < *loss {
            return Ok(());
        }
        self.transport.send(to, flow_label, octets)?;
        *sent += 1;
        let envelope = Envelope::parse(octets).unwrap();
        if envelope.header().control_code == ControlCode::PublishOnReception {
            crossed.push((envelope.content().unwrap().context().0, node));
        } else if random.u16(0..1_000) < *duplication {
            // Messages in RPDUs have no number to know a duplicate by.
            let _ = self.transport.send(to, flow_label, octets);
        }
        Ok(())
    }
}

/// A subscription as whoever keeps the books sees it.
type Asked = (NodeId, SubjectNumber, Domain);

/// A message: who published it, on what.
struct Letter {
    from: NodeId,
    subject: SubjectNumber,
    number: u32,
}

/// A query to one module, and an announcement to all.
struct Private {
    from: NodeId,
    to: NodeId,
    query: u32,
    announcement: u32,
}

/// A venture, and the truth about it.
pub(crate) struct Venture {
    pub(crate) network: Network<'static, Entity>,
    plan: Plan,
    mibs: Vec<&'static Mib<'static>>,
    letters: Vec<Letter>,
    private: Vec<Private>,
    last_letter: u32,
    lives: u32,
}

impl Venture {
    pub(crate) fn new(plan: Plan, weather: Weather) -> Self {
        let mibs = (0..plan.continua).map(|continuum| mib(&plan, continuum)).collect();
        let mut venture = Self {
            network: Network::new(plan.seed, weather),
            plan,
            mibs,
            letters: Vec::new(),
            private: Vec::new(),
            last_letter: 0,
            lives: 0,
        };
        for continuum in 0..venture.plan.continua {
            for offset in 0..NODES {
                let entity = venture.entity(continuum, offset);
                assert_eq!(venture.network.add(entity), continuum * NODES + offset);
            }
        }
        venture
    }

    /// Has everybody register.
    pub(crate) fn start(&mut self) {
        for node in 0..self.plan.continua * NODES {
            self.start_node(node);
        }
    }

    /// Every module subscribes to something, from everywhere.
    pub(crate) fn subscribe_everybody(&mut self) {
        for node in self.modules() {
            let subject = SubjectNumber(1 + i16::try_from(node).unwrap() % SUBJECTS);
            self.subscribe(node, subject, Domain::ALL);
        }
    }

    /// All subscriptions end.
    pub(crate) fn unsubscribe_everybody(&mut self) {
        for asked in self.asked() {
            self.unsubscribe(asked);
        }
    }

    /// A subscription is made or ended, at random.
    pub(crate) fn change_something(&mut self) {
        let seed = self.network.random().u64(..);
        self.change(seed);
    }

    /// A subscription is made or ended, which one comes from the seed.
    pub(crate) fn change(&mut self, seed: u64) {
        let (modules, asked) = (self.modules(), self.asked());
        let random = &mut fastrand::Rng::with_seed(seed);
        if random.u8(0..4) == 0 && !asked.is_empty() {
            let gone = random.usize(0..asked.len());
            return self.unsubscribe(*asked.iter().nth(gone).unwrap());
        }
        let node = modules[random.usize(0..modules.len())];
        let subject = SubjectNumber(random.i16(1..=SUBJECTS));
        let continuum = random.u16(0..=self.plan.continua);
        let unit = UnitNumber(random.u16(0..3));
        let role = if random.bool() { RoleNumber::ALL } else { ROLES[random.usize(0..3)] };
        let continuum = ContinuumNumber::from_bits(continuum);
        self.subscribe(node, subject, Domain { continuum, unit, role });
    }

    /// Every subscription that is in force, as the subscribers see it.
    fn asked(&self) -> BTreeSet<Asked> {
        let modules = self.network.nodes().filter_map(|(node, entity)| match entity {
            Entity::Module(member) => Some((node, &member.module)),
            _ => None,
        });
        modules
            .flat_map(|(node, module)| module.own_rules().map(move |rule| (node, rule)))
            .filter(|(_, rule)| rule.kind() == RuleKind::Subscription)
            .map(|(node, rule)| (node, rule.assertion().subject, rule.assertion().domain))
            .collect()
    }

    fn subscribe(&mut self, node: NodeId, subject: SubjectNumber, domain: Domain) {
        let request = RuleRequest { domain, ..RuleRequest::new(subject) };
        self.network.at(node, |entity, now, transport| {
            let Entity::Module(member) = entity else { panic!() };
            // That it is being registered anew is a possible answer.
            let _ = member.module.subscribe(now, &request, transport);
        });
    }

    fn unsubscribe(&mut self, (node, subject, domain): Asked) {
        self.network.at(node, |entity, now, transport| {
            let Entity::Module(member) = entity else { panic!() };
            // So is that here.
            let _ = member.module.unsubscribe(now, subject, domain, transport);
        });
    }

    /// Every module publishes a message on every subject. How many there were.
    pub(crate) fn publish_everybody(&mut self) -> usize {
        for node in self.modules() {
            self.publish(node.into());
        }
        self.letters.len()
    }

    /// One module, of all, publishes a message on every subject.
    pub(crate) fn publish(&mut self, nth: usize) {
        let modules = self.modules();
        let node = modules[nth % modules.len()];
        for subject in (1..=SUBJECTS).map(SubjectNumber) {
            self.last_letter += 1;
            let number = self.last_letter;
            self.network.at(node, |entity, _, transport| {
                let Entity::Module(member) = entity else { panic!() };
                let message =
                    Message { context: ContextNumber(number), ..Message::new(subject, b"letter") };
                let user = &mut |indication: Indication| panic!("{indication:?}");
                // It may be being registered anew.
                let _ = member.module.publish(&message, transport, user);
            });
            self.letters.push(Letter { from: node, subject, number });
        }
    }

    /// Every module invites private messages from everywhere.
    pub(crate) fn invite_everybody(&mut self) {
        for node in self.modules() {
            self.network.at(node, |entity, now, transport| {
                let Entity::Module(member) = entity else { panic!() };
                member.module.invite(now, &RuleRequest::new(PRIVATE), transport).unwrap();
            });
        }
    }

    /// Every module announces a message to all the venture, and queries one module
    /// of another continuum, which answers.
    pub(crate) fn converse(&mut self) {
        let modules = self.modules();
        for node in modules.clone() {
            let far = modules.iter().copied().filter(|other| other / NODES != node / NODES);
            let far: Vec<NodeId> = far.collect();
            let to = far[self.network.random().usize(0..far.len())];
            let key = self.key(to);
            let (query, announcement) = (self.last_letter + 1, self.last_letter + 2);
            self.last_letter = announcement;
            self.network.at(node, |entity, now, transport| {
                let Entity::Module(member) = entity else { panic!() };
                let message = |number| Message {
                    context: ContextNumber(number),
                    ..Message::new(PRIVATE, b"private")
                };
                let (module, term) = (&mut member.module, Some(Duration::from_secs(30)));
                module.query(now, key, &message(query), term, transport).unwrap();
                let user = &mut |indication: Indication| panic!("{indication:?}");
                module.announce(Domain::ALL, &message(announcement), transport, user).unwrap();
            });
            self.private.push(Private { from: node, to, query, announcement });
        }
    }

    /// Every query reached whom it was for and the reply who asked, once, and every
    /// announcement everybody else, once.
    pub(crate) fn check_private(&self) {
        let times = |book: &BTreeMap<u32, u32>, number| book.get(&number).copied().unwrap_or(0);
        for Private { from, to, query, announcement } in &self.private {
            for (node, entity) in self.network.nodes() {
                let Entity::Module(member) = entity else { continue };
                let asked = times(&member.got, *query);
                assert_eq!(asked, u32::from(node == *to), "query {query} of {from} at {node}");
                let replied = times(&member.replies, *query);
                assert_eq!(replied, u32::from(node == *from), "reply {query} of {to} at {node}");
                let heard = times(&member.got, *announcement);
                let due = u32::from(node != *from);
                assert_eq!(heard, due, "announcement {announcement} of {from} at {node}");
            }
        }
    }

    /// Where a module is found.
    fn key(&self, node: NodeId) -> (ContinuumNumber, ModuleKey) {
        let Some(Entity::Module(member)) = self.network.node(node) else { panic!() };
        (number(node / NODES), member.module.id().unwrap().key())
    }

    /// Nothing is asked about the messages published so far, but whether one came back.
    pub(crate) fn forget_letters(&mut self) {
        self.letters.clear();
    }

    /// A gateway ends, `politely` or not, and comes back without its memory.
    pub(crate) fn restart_gateway(&mut self, continuum: usize, politely: bool) {
        let node = NodeId::try_from(continuum).unwrap() % self.plan.continua * NODES + 2;
        if politely {
            self.network.at(node, |entity, now, transport| {
                let Entity::Gateway(post) = entity else { panic!() };
                post.gateway.unregister(now, transport).unwrap();
            });
        }
        self.network.crash(node);
        self.network.run(Duration::from_secs(20));
        let entity = self.entity(node / NODES, 2);
        self.network.restart(node, entity);
        self.start_node(node);
    }

    /// How many petitions there are besides declarations.
    pub(crate) fn petitions(&self) -> usize {
        self.posts()
            .flat_map(|(_, post)| post.gateway.petitions())
            .filter(|petition| petition.specification().subject.0 > 0)
            .count()
    }

    /// What is left of petitions when nobody wants anything.
    pub(crate) fn check_clean(&self) -> Result<(), String> {
        for (node, post) in self.posts() {
            let left = post.gateway.petitions().find(|one| one.specification().subject.0 > 0);
            if let Some(petition) = left {
                return Err(format!("gateway {node} has {petition:?}"));
            }
            let mut own = post.gateway.module().own_rules();
            if let Some(rule) = own.find(|rule| rule.assertion().subject.0 > 0) {
                return Err(format!("gateway {node} subscribes: {rule:?}"));
            }
            if post.gateway.waiting() > 0 {
                return Err(format!("{} messages wait at {node}", post.gateway.waiting()));
            }
        }
        Ok(())
    }

    /// How many RPDUs were handed over to channels.
    pub(crate) fn rpdus(&self) -> u32 {
        self.posts().map(|(_, post)| post.channels.sent).sum()
    }

    /// All channels lose and repeat so many of a thousand RPDUs from now on; of
    /// messages none is repeated.
    pub(crate) fn set_channels(&mut self, loss: u16, duplication: u16) {
        for continuum in 0..self.plan.continua {
            self.network.at(continuum * NODES + 2, |entity, _, _| {
                let Entity::Gateway(post) = entity else { panic!() };
                (post.channels.loss, post.channels.duplication) = (loss, duplication);
            });
        }
    }

    /// This of all channels, both ways, takes nothing, or does again.
    pub(crate) fn set_away(&mut self, channel: usize, away: bool) {
        let channels = &self.plan.channels;
        let (one, other) = *channels.iter().nth(channel % channels.len()).unwrap();
        for (here, there) in [(one, other), (other, one)] {
            self.network.at(here * NODES + 2, |entity, _, _| {
                let Entity::Gateway(post) = entity else { panic!() };
                let there = there * NODES + 2;
                let set = &mut post.channels.away;
                _ = if away { set.insert(there) } else { set.remove(&there) };
            });
        }
    }

    /// Every channel is there.
    pub(crate) fn all_back(&mut self) {
        for channel in 0..self.plan.channels.len() {
            self.set_away(channel, false);
        }
    }

    /// A module is gone without a word, and comes back without its memory.
    pub(crate) fn restart_module(&mut self, nth: usize) {
        let modules = self.modules();
        let node = modules[nth % modules.len()];
        self.network.crash(node);
        self.network.run(Duration::from_secs(10));
        let entity = self.entity(node / NODES, node % NODES);
        self.network.restart(node, entity);
        self.start_node(node);
    }

    /// How often messages crossed a channel.
    pub(crate) fn crossings(&self) -> usize {
        self.posts().map(|(_, post)| post.channels.crossed.len()).sum()
    }

    /// Every message was delivered once to each module that asks for it and to no
    /// other, crossed no channel twice, and came to no continuum without interest.
    pub(crate) fn check(&self) -> Result<(), String> {
        let asked = self.asked();
        for letter in &self.letters {
            let wanted: BTreeSet<NodeId> = asked
                .iter()
                .filter(|(node, subject, domain)| {
                    *node != letter.from
                        && *subject == letter.subject
                        && self.includes(domain, letter.from)
                })
                .map(|(node, ..)| *node)
                .collect();
            for (node, entity) in self.network.nodes() {
                let Entity::Module(member) = entity else { continue };
                let got = member.got.get(&letter.number).copied().unwrap_or(0);
                let due = u32::from(wanted.contains(&node));
                let Letter { from, subject, number } = letter;
                if got != due {
                    return Err(format!(
                        "letter {number} on {subject} from node {from} at node {node}: {got} of \
                         {due}{}",
                        self.describe()
                    ));
                }
            }
            self.check_crossings(letter, &wanted)?;
        }
        self.check_returns()
    }

    /// What gateways know, for a report.
    fn describe(&self) -> String {
        let mut text = String::new();
        for (node, post) in self.posts() {
            let module = post.gateway.module();
            let peers: Vec<_> = module.peers().map(|peer| peer.id().module.0).collect();
            let wanted: Vec<_> = module
                .rules()
                .filter(|(_, kind, rule)| *kind == RuleKind::Subscription && rule.subject.0 > 0)
                .map(|(key, _, rule)| format!("{key}: {rule:?}"))
                .collect();
            text += &format!("\ngateway {node} {:?} of {peers:?}\n", module.membership());
            text += &format!("  wanted here: {}\n", wanted.join("; "));
            for petition in post.gateway.petitions() {
                let places = |set: farpost::ams::gateway::NeighbourSet| {
                    let names = post.gateway.neighbours().filter(|one| set.contains(one.set()));
                    names.map(|one| one.continuum().get()).collect::<Vec<_>>()
                };
                text += &format!(
                    "  {:?}: told {:?}, asked by {:?}, owed {:?}\n",
                    petition.specification(),
                    places(petition.sources()),
                    places(petition.destinations()),
                    places(petition.owed())
                );
            }
        }
        text
    }

    /// No message ever crossed a channel twice, either way.
    pub(crate) fn check_returns(&self) -> Result<(), String> {
        let mut crossed = BTreeSet::new();
        for (node, post) in self.posts() {
            for (number, to) in &post.channels.crossed {
                if !crossed.insert((*number, node.min(*to), node.max(*to))) {
                    return Err(format!("letter {number} crossed {node} to {to} twice"));
                }
            }
        }
        Ok(())
    }

    fn check_crossings(&self, letter: &Letter, wanted: &BTreeSet<NodeId>) -> Result<(), String> {
        for (node, post) in self.posts() {
            let crossed =
                post.channels.crossed.iter().filter(|(number, _)| *number == letter.number);
            for (_, to) in crossed {
                let (here, there) = (node / NODES, to / NODES);
                let beyond = self.beyond(there, here);
                if !wanted.iter().any(|node| beyond.contains(&(node / NODES))) {
                    let number = letter.number;
                    return Err(format!("letter {number} went to {there}, where nobody wants it"));
                }
            }
        }
        Ok(())
    }

    /// The continua that are reached through `there` from `here`.
    fn beyond(&self, there: u16, here: u16) -> BTreeSet<u16> {
        let mut reached = BTreeSet::from([there]);
        let mut fresh = vec![there];
        while let (RamsNetwork::Tree, Some(one)) = (self.plan.kind, fresh.pop()) {
            for other in (0..self.plan.continua).filter(|other| *other != here) {
                if self.plan.joined(one, other) && reached.insert(other) {
                    fresh.push(other);
                }
            }
        }
        reached
    }

    fn includes(&self, domain: &Domain, node: NodeId) -> bool {
        let continuum = number(node / NODES);
        (domain.continuum == ContinuumNumber::ALL || domain.continuum == continuum)
            && (domain.role == RoleNumber::ALL || domain.role == role(node % NODES))
            // All are registered in the root cell, which no other unit contains.
            && domain.unit == UnitNumber::ROOT
    }

    fn modules(&self) -> Vec<NodeId> {
        (0..self.plan.continua * NODES).filter(|node| node % NODES >= 3).collect()
    }

    fn posts(&self) -> impl Iterator<Item = (NodeId, &Post)> {
        self.network.nodes().filter_map(|(node, entity)| match entity {
            Entity::Gateway(post) => Some((node, &**post)),
            _ => None,
        })
    }

    fn start_node(&mut self, node: NodeId) {
        self.network.at(node, |entity, now, transport| {
            let user = &mut |_: Indication| {};
            match entity {
                Entity::Module(member) => member.module.register(now, transport, user).unwrap(),
                Entity::Gateway(post) => post.gateway.register(now, transport, user).unwrap(),
                Entity::Server(_) | Entity::Registrar(_) => {}
            }
        });
    }

    fn entity(&mut self, continuum: u16, offset: u16) -> Entity {
        self.lives += 1;
        let mib = self.mibs[usize::from(continuum)];
        let node = continuum * NODES + offset;
        let endpoint = EndpointName::new(name(node, MAMS).leak()).unwrap();
        let first_query = self.lives * 10_000;
        match offset {
            0 => {
                let storage = ConfigServerStorage {
                    cells: lend([const { Slot::EMPTY }; 2]),
                    buffer: lend([0; ConfigServer::BUFFER_LEN]),
                };
                Entity::Server(Box::new(ConfigServer::new(
                    mib,
                    ConfigServerConfig::default(),
                    storage,
                )))
            }
            1 => {
                let config = RegistrarConfig {
                    first_query,
                    ..RegistrarConfig::new(VENTURE, UnitNumber::ROOT, endpoint)
                };
                let storage = RegistrarStorage {
                    members: lend([const { Slot::EMPTY }; 16]),
                    registrars: &mut [],
                    dossiers: lend([const { Slot::EMPTY }; 16]),
                    rules: lend([const { Slot::EMPTY }; 300]),
                    buffer: lend([0; 4_200]),
                };
                Entity::Registrar(Box::new(Registrar::new(mib, config, storage)))
            }
            _ => {
                let point = DeliveryPoint { service: "udp", endpoint: name(node, AAMS).leak() };
                let vector = DeliveryVectorValues { number: 1, points: lend([point]) };
                let identity = ModuleIdentity {
                    venture: VENTURE,
                    unit: UnitNumber::ROOT,
                    role: role(offset),
                    contact: ContactSummaryValues { endpoint, delivery_vectors: lend([vector]) },
                    first_query,
                };
                let memory = lend(ModuleMemory::<8, 300, 100, 4, 1_400, 200>::new());
                if offset == 2 {
                    return Entity::Gateway(Box::new(Post {
                        gateway: gateway(mib, identity, memory.storage()),
                        channels: Channels::new(self.lives.into()),
                    }));
                }
                let module = Module::new(mib, identity, memory.storage());
                Entity::Module(Box::new(Member {
                    module,
                    got: BTreeMap::new(),
                    replies: BTreeMap::new(),
                }))
            }
        }
    }
}

fn gateway(
    mib: &'static Mib<'static>,
    identity: ModuleIdentity<'static>,
    module: farpost::ams::module::ModuleStorage<'static>,
) -> Gateway<'static> {
    let storage = GatewayStorage {
        module,
        neighbours: lend([const { Slot::EMPTY }; 12]),
        petitions: lend([const { Slot::EMPTY }; 200]),
        parcels: lend([const { Slot::EMPTY }; 100]),
        blocks: lend([Block::EMPTY; 200]),
        rpdu: lend([0; 200]),
    };
    Gateway::new(mib, identity, GatewayConfig::default(), storage)
}

fn mib(plan: &Plan, continuum: u16) -> &'static Mib<'static> {
    let remote: Vec<RemoteMessageSpace<'static>> = (0..plan.continua)
        .filter(|other| *other != continuum)
        .map(|other| {
            let gateway = format!("udp@{}", name(other * NODES + 2, RAMS)).leak();
            let neighbour = plan.joined(continuum, other);
            RemoteMessageSpace { neighbour, ..RemoteMessageSpace::new(number(other), gateway) }
        })
        .collect();
    let venture = mib::Venture {
        units: UNITS,
        roles: NAMES,
        network: plan.kind,
        remote: remote.leak(),
        ..mib::Venture::new(VENTURE, "simulated", "tests")
    };
    let server: &'static str = name(continuum * NODES, MAMS).leak();
    lend(Mib {
        config_servers: lend([server]),
        timers: TIMERS,
        ventures: lend([venture]),
        ..Mib::new(number(continuum), "test")
    })
}

/// The number of the continuum in this place.
fn number(continuum: u16) -> ContinuumNumber {
    ContinuumNumber::from_bits(continuum + 1)
}

/// The role of the module in this place of its continuum.
fn role(offset: u16) -> RoleNumber {
    ROLES[usize::from(offset) % ROLES.len()]
}

/// Storage for as long as the test runs.
fn lend<T>(storage: T) -> &'static mut T {
    Box::leak(Box::new(storage))
}
