//! A gateway against a naive model: whatever neighbours and modules say in whatever order,
//! what it has told whom, what it subscribes to and where messages go are what sets
//! of who wants what come to.
//!
//! An operation is a few octets, so that the same is a property test here and a target of
//! the fuzzer (`gateway_model`), which includes this file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::ams::gateway::{Block, Gateway, GatewayConfig, GatewayStorage};
use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, ModuleNumber, Priority,
    RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Mib, RamsNetwork, RemoteMessageSpace, Role, Unit, Venture};
use farpost::ams::module::{ModuleIdentity, ModuleMemory, RuleKind};
use farpost::ams::pdu::{
    AamsHeader, Assertion, AssertionValues, Cancellation, CancellationValues, CellDescriptor,
    ContactSummary, ContactSummaryValues, Content, ControlCode, DeliveryPoint,
    DeliveryVectorValues, Enclosure, EndpointName, Envelope, EnvelopeHeader, MessageType, Mpdu,
    MpduHeader, Sender,
};
use farpost::ams::service::Indication;
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::{Address, SendError, Transport};
use farpost::wire::{Octets, TimeCode};

const VENTURE: VentureNumber = VentureNumber(1);
const LOCAL: u16 = 2;
/// Continua 1, 3 and 4 are neighbours; 5 and 6 are not.
const NEIGHBOURS: [u16; 3] = [1, 3, 4];
const MODULES: [u8; 3] = [5, 6, 7];

const fn continuum(number: u16) -> ContinuumNumber {
    ContinuumNumber::from_bits(number)
}

const REMOTE: &[RemoteMessageSpace<'static>] = &[
    RemoteMessageSpace::new(continuum(1), "udp@g1"),
    RemoteMessageSpace::new(continuum(3), "udp@g3"),
    RemoteMessageSpace::new(continuum(4), "udp@g4"),
];
const UNITS: &[Unit<'static>] =
    &[Unit::ROOT, Unit::new(UnitNumber(1), "post"), Unit::new(UnitNumber(2), "depot")];
const MESH_VENTURE: Venture<'static> = Venture {
    units: UNITS,
    roles: &[Role::new(RoleNumber(2), "a"), Role::new(RoleNumber(3), "b")],
    remote: REMOTE,
    ..Venture::new(VENTURE, "modelled", "tests")
};
const MESH: Mib<'static> =
    Mib { config_servers: &["s"], ventures: &[MESH_VENTURE], ..Mib::new(continuum(LOCAL), "test") };
const TREE: Mib<'static> =
    Mib { ventures: &[Venture { network: RamsNetwork::Tree, ..MESH_VENTURE }], ..MESH };

/// A subject and a domain.
type Specification = CancellationValues;

fn declaration(of: u16) -> Specification {
    Specification { subject: continuum(of).pseudo_subject(), domain: Domain::ALL }
}

/// The role and the unit of a module.
fn module(number: u8) -> ModuleId {
    let (role, unit) = match number {
        5 => (2, 0),
        6 => (3, 1),
        _ => (2, 2),
    };
    ModuleId { role: RoleNumber(role), unit: UnitNumber(unit), module: ModuleNumber(number) }
}

/// Who wants what, as sets.
#[derive(Default)]
struct Model {
    is_tree: bool,
    /// Who has asserted what, and when it did so last.
    wanted: BTreeMap<(u16, Specification), u64>,
    /// When neighbours, declared already, declared themselves again, and when what they
    /// have not asserted since is forgotten.
    sweeps: BTreeMap<u16, (u64, u64)>,
    /// Neighbours to whom it declares itself though they have not.
    greeted: BTreeSet<u16>,
    /// What modules subscribe to.
    subscribed: BTreeSet<(u8, Specification)>,
    present: BTreeSet<u8>,
    /// Neighbours that were declared and have retracted themselves, and when they are
    /// greeted again.
    retracted: BTreeMap<u16, u64>,
    /// Neighbours that have said that they have heard the declaration.
    acknowledged: BTreeSet<u16>,
}

impl Model {
    fn declared(&self) -> BTreeSet<u16> {
        let is = |one: &u16| self.wanted.contains_key(&(*one, declaration(*one)));
        NEIGHBOURS.into_iter().filter(is).collect()
    }

    /// Who has asserted a petition.
    fn destinations(&self, what: Specification) -> BTreeSet<u16> {
        NEIGHBOURS.into_iter().filter(|one| self.wanted.contains_key(&(*one, what))).collect()
    }

    fn conduit(&self, to: u16) -> Option<u16> {
        let all = self.destinations(declaration(to));
        all.get(&to).or(all.first()).copied()
    }

    /// Every petition anybody has to do with.
    fn all(&self) -> BTreeSet<Specification> {
        let theirs = self.wanted.keys().map(|(_, what)| *what);
        let across = self.across().map(|(_, what)| *what);
        theirs.chain(across).chain([declaration(LOCAL)]).collect()
    }

    /// What modules subscribe to of other continua.
    fn across(&self) -> impl Iterator<Item = &(u8, Specification)> {
        let local = continuum(LOCAL);
        self.subscribed.iter().filter(move |(_, what)| what.domain.continuum != local)
    }

    /// What `neighbour` ought to have been told is wanted (4.4.3).
    fn asserted_to(&self, neighbour: u16) -> BTreeSet<Specification> {
        let declared = self.declared();
        let ought = |what: &Specification| {
            if *what == declaration(LOCAL) {
                return declared.contains(&neighbour) || self.greeted.contains(&neighbour);
            }
            let asked = match what.domain.continuum.get() {
                0 => declared.contains(&neighbour),
                LOCAL => false,
                other => self.conduit(other) == Some(neighbour),
            };
            let here = self.across().any(|(_, other)| other == what);
            let others = self.destinations(*what);
            let elsewhere = self.is_tree && others.iter().any(|other| *other != neighbour);
            asked && (here || elsewhere)
        };
        self.all().into_iter().filter(ought).collect()
    }

    /// What the gateway subscribes to in its message space (4.4.2.1.2, 4.4.6.4).
    fn own(&self) -> BTreeSet<Specification> {
        let near = |what: &Specification| [0, LOCAL].contains(&what.domain.continuum.get());
        let theirs = self.wanted.keys().map(|(_, what)| *what).filter(near);
        theirs.chain([declaration(LOCAL)]).collect()
    }

    /// Neighbours that want a message (4.4.9.3, 4.4.10.2.2).
    fn interested(&self, subject: i16, from: Source) -> BTreeSet<u16> {
        let wants = |(_, what): &&(u16, Specification)| satisfies(what, subject, from);
        self.wanted.keys().filter(wants).map(|(neighbour, _)| *neighbour).collect()
    }

    /// Modules that want a message from another continuum (4.4.10.2.3).
    fn subscribers(&self, subject: i16, from: Source) -> BTreeSet<u8> {
        let wants = |(_, what): &&(u8, Specification)| satisfies(what, subject, from);
        self.across().filter(wants).map(|(number, _)| *number).collect()
    }

    fn retract(&mut self, neighbour: u16, now: u64) {
        if self.declared().contains(&neighbour) {
            self.greeted.remove(&neighbour);
            self.retracted.insert(neighbour, now + 60);
        }
        self.wanted.retain(|(other, _), _| *other != neighbour);
        self.sweeps.remove(&neighbour);
        self.acknowledged.remove(&neighbour);
    }

    fn sweep(&mut self, now: u64) {
        let greeted = self.retracted.iter().filter(|(_, at)| **at <= now);
        self.greeted.extend(greeted.map(|(neighbour, _)| *neighbour));
        self.retracted.retain(|_, at| *at > now);
        let due: Vec<(u16, u64)> = self
            .sweeps
            .iter()
            .filter(|(_, (_, at))| *at <= now)
            .map(|(neighbour, (marked, _))| (*neighbour, *marked))
            .collect();
        for (neighbour, marked) in due {
            self.sweeps.remove(&neighbour);
            self.wanted.retain(|(other, _), last| *other != neighbour || *last >= marked);
        }
    }
}

/// Continuum, unit and role of who published something.
type Source = (u16, u16, u8);

fn satisfies(what: &Specification, subject: i16, (from, unit, role): Source) -> bool {
    let Domain { continuum, unit: outer, role: asked } = what.domain;
    what.subject.0 == subject
        && [0, from].contains(&continuum.get())
        && [0, unit].contains(&outer.0)
        && [0, role].contains(&asked.0)
}

/// Writes down what it is given, or refuses it.
#[derive(Default)]
struct Wire {
    sent: Vec<(String, Vec<u8>)>,
    busy: BTreeSet<String>,
}

impl Transport for Wire {
    fn resolve(&mut self, _: &str, endpoint: &str) -> Option<Address> {
        Some(Address::new(0, endpoint.as_bytes()))
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        let to = String::from_utf8(to.octets().to_vec()).unwrap();
        if self.busy.contains(&to) {
            return Err(SendError::Busy);
        }
        self.sent.push((to, octets.to_vec()));
        Ok(())
    }
}

/// The gateway, the model, and what neighbours and the registrar have been told.
struct Bench<'s> {
    gateway: Gateway<'s>,
    wire: Wire,
    now: Now,
    seconds: u64,
    model: Model,
    told: BTreeMap<u16, BTreeSet<Specification>>,
    /// When neighbours were last declared to.
    declared_to: BTreeMap<u16, u64>,
    /// Messages that went to neighbours and modules since it was last asked.
    messages: Vec<(String, Vec<u8>)>,
    asked: u32,
}

fn ignore(_: Indication) {}

impl Bench<'_> {
    fn mams(&mut self, from: &str, content: &Content<'_>) {
        let sender = Sender { venture: VENTURE, unit: UnitNumber::ROOT, role: RoleNumber::ALL };
        let time = TimeCode { seconds: 2_173_990_005 };
        let header = MpduHeader { sender, time, signature: &[], checksum: false };
        let mut buffer = [0; 300];
        let octets = header.encode(content, &mut buffer).unwrap();
        let from = Address::new(0, from.as_bytes());
        self.gateway.receive_mams(self.now, &from, octets, &mut self.wire, &mut ignore);
        self.note();
    }

    fn rams(&mut self, from: u16, header: &EnvelopeHeader, content: &[u8]) {
        let mut buffer = [0; 200];
        let octets = header.encode(&Octets(content), &mut buffer).unwrap();
        let from = Address::new(0, format!("g{from}").as_bytes());
        self.gateway.receive_rams(self.now, &from, octets, &mut self.wire);
        self.note();
    }

    /// Takes note of what was sent.
    fn note(&mut self) {
        for (to, octets) in std::mem::take(&mut self.wire.sent) {
            let Some(neighbour) = to.strip_prefix('g').and_then(|number| number.parse().ok())
            else {
                match Mpdu::parse(&octets).map(|mpdu| (mpdu.content(), mpdu.reference())) {
                    Ok((Content::RegistrarQuery { .. }, asked))
                    | Ok((Content::ModuleRegistration { .. }, asked)) => self.asked = asked,
                    _ if to.starts_with('m') => self.messages.push((to, octets)),
                    _ => {}
                }
                continue;
            };
            let envelope = Envelope::parse(&octets).unwrap();
            let EnvelopeHeader { control_code, continuum, unit, source, subject, .. } =
                envelope.header();
            let domain = Domain { continuum, unit, role: RoleNumber(source) };
            let what = Specification { subject, domain };
            let told = self.told.entry(neighbour).or_default();
            if what == declaration(LOCAL) {
                self.declared_to.insert(neighbour, self.seconds);
            }
            match control_code {
                ControlCode::PetitionAssertion => _ = told.insert(what),
                ControlCode::PetitionCancellation => _ = told.remove(&what),
                _ => self.messages.push((to, octets)),
            }
        }
    }

    /// Time passes; whatever is due is done when it is.
    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.seconds += 1;
            self.now = self.now.after(Duration::from_secs(1));
            self.mams("r", &Content::Heartbeat { source: ModuleNumber::NONE });
            self.gateway.tick(self.now, &mut self.wire, &mut ignore);
            self.note();
            self.model.sweep(self.seconds);
            let next = self.gateway.next_deadline();
            assert!(next.is_none_or(|next| next > self.now.monotonic), "a tick left something due");
        }
    }

    fn petition(&mut self, from: u16, what: Specification, asserted: bool) {
        let control_code = match asserted {
            true => ControlCode::PetitionAssertion,
            false => ControlCode::PetitionCancellation,
        };
        let header = EnvelopeHeader {
            control_code,
            continuum: what.domain.continuum,
            unit: what.domain.unit,
            source: what.domain.role.0,
            destination: 0,
            subject: what.subject,
        };
        let declares = what == declaration(from);
        let acknowledged = asserted && declares && self.model.acknowledged.remove(&from);
        let knows = acknowledged || self.declared_to.get(&from) == Some(&self.seconds);
        if declares && !(asserted && knows) {
            // Either it begins anew, or it has ended: it knows of nothing. Unless it says
            // that it does, or was told a moment ago: then it would declare itself again.
            self.told.remove(&from);
        }
        let model = &mut self.model;
        let declared = model.declared().contains(&from);
        let usable = what.subject.0 != 0 && what != declaration(LOCAL);
        match (asserted, declares) {
            (true, true) => {
                if declared {
                    model.sweeps.entry(from).or_insert((self.seconds, self.seconds + 150));
                }
                model.wanted.insert((from, what), self.seconds);
                model.retracted.remove(&from);
            }
            (true, false) if declared && usable => {
                _ = model.wanted.insert((from, what), self.seconds)
            }
            (false, true) => model.retract(from, self.seconds),
            (false, false) if what == declaration(LOCAL) => _ = model.acknowledged.insert(from),
            (false, false) => _ = model.wanted.remove(&(from, what)),
            _ => {}
        }
        self.rams(from, &header, &[]);
    }

    fn rule(&mut self, number: u8, what: Specification, subscribed: bool) {
        let module = module(number);
        if !self.model.present.contains(&number) {
            return;
        }
        let Specification { subject, domain } = what;
        let assertion = AssertionValues {
            subject,
            domain,
            delivery_vector: 1,
            priority: Priority::DEFAULT,
            flow_label: 0,
        };
        let (asserted, cancelled) = (assertion.octets(), what.octets());
        if subscribed {
            self.model.subscribed.insert((number, what));
            let assertion = Assertion::new(&asserted);
            self.mams("r", &Content::Subscribe { module, assertion });
        } else {
            self.model.subscribed.remove(&(number, what));
            let cancellation = Cancellation::new(&cancelled);
            self.mams("r", &Content::Unsubscribe { module, cancellation });
        }
    }

    /// A module comes, and lets the gateway send to it, or goes.
    fn appear(&mut self, number: u8) {
        let module = module(number);
        if self.model.present.remove(&number) {
            self.model.subscribed.retain(|(other, _)| *other != number);
            return self.mams("r", &Content::IAmStopping { module });
        }
        self.model.present.insert(number);
        let octets = format!("p{number}\0\x01\x11udp=m{number}\0").into_bytes();
        let contact = ContactSummary::parse(&octets).unwrap();
        self.mams("r", &Content::ModuleHasStarted { module, contact });
        let invitation = AssertionValues {
            subject: continuum(LOCAL).pseudo_subject(),
            domain: Domain { continuum: continuum(LOCAL), role: RoleNumber(1), ..Domain::ALL },
            delivery_vector: 1,
            priority: Priority::DEFAULT,
            flow_label: 0,
        };
        let octets = invitation.octets();
        self.mams("r", &Content::Invite { module, assertion: Assertion::new(&octets) });
    }

    /// A module here publishes: who gets it is who wants it.
    fn publish(&mut self, number: u8, subject: i16) {
        if !self.model.present.contains(&number) {
            return;
        }
        let ModuleId { role, unit, module } = module(number);
        let from = (LOCAL, unit.0, role.0);
        let due: BTreeSet<String> =
            self.model.interested(subject, from).iter().map(|one| format!("g{one}")).collect();
        let header = letter(LOCAL, ModuleKey { unit, module }, subject);
        let mut buffer = [0; 100];
        let octets = header.encode(b"here", true, &mut buffer).unwrap();
        self.messages.clear();
        let taken = self.gateway.receive_aams(self.now, octets, &mut self.wire);
        self.note();
        // It subscribes to just what is wanted, so it refuses what nobody wants.
        assert_eq!(taken.is_ok(), !due.is_empty(), "{subject} from {from:?}: {taken:?}");
        let messages = std::mem::take(&mut self.messages);
        let busy = |to: &String| self.wire.busy.contains(to);
        let due: Vec<_> = due.into_iter().filter(|to| !busy(to)).collect();
        let got: Vec<_> = messages.into_iter().map(|(to, _)| to).collect();
        assert!(got == due || self.gateway.waiting() > 0, "{got:?} is not {due:?}");
    }

    /// A neighbour forwards what was published in another continuum.
    fn arrive(&mut self, neighbour: u16, from: Source, subject: i16) {
        let (origin, unit, role) = from;
        let key = ModuleKey { unit: UnitNumber(unit), module: ModuleNumber(9) };
        let header = letter(origin, key, subject);
        let content = Enclosure::new(&header, b"far").unwrap();
        let mut buffer = [0; 100];
        let octets = content.write(&mut buffer).unwrap().to_vec();
        let envelope = EnvelopeHeader {
            control_code: ControlCode::PublishOnReception,
            continuum: ContinuumNumber::ALL,
            unit: UnitNumber::ROOT,
            source: role,
            destination: 0,
            subject: SubjectNumber(subject),
        };
        self.messages.clear();
        self.rams(neighbour, &envelope, &octets);
        let listens = self.model.declared().contains(&neighbour) && origin != LOCAL;
        let mut due = BTreeSet::new();
        if listens {
            let here = self.model.subscribers(subject, from);
            due.extend(here.iter().map(|number| format!("m{number}")));
            if self.model.is_tree {
                let on = self.model.interested(subject, from);
                due.extend(on.iter().filter(|on| **on != neighbour).map(|one| format!("g{one}")));
            }
        }
        due.retain(|to| !self.wire.busy.contains(to));
        let got: Vec<_> =
            std::mem::take(&mut self.messages).into_iter().map(|(to, _)| to).collect();
        let once: BTreeSet<_> = got.iter().cloned().collect();
        assert_eq!(once.len(), got.len(), "twice: {got:?}");
        assert!(once == due || self.gateway.waiting() > 0, "{got:?} is not {due:?}");
        let modules = |all: &BTreeSet<String>| -> BTreeSet<String> {
            all.iter().filter(|to| to.starts_with('m')).cloned().collect()
        };
        assert_eq!(modules(&once), modules(&due));
    }

    /// What it has said is what the sets come to.
    fn compare(&mut self) {
        let own: BTreeSet<_> = self
            .gateway
            .module()
            .own_rules()
            .filter(|rule| rule.kind() == RuleKind::Subscription)
            .map(|rule| rule.assertion().cancellation())
            .collect();
        assert_eq!(own, self.model.own(), "subscriptions");
        let declared: BTreeSet<u16> = self
            .gateway
            .neighbours()
            .filter(|one| self.gateway.declared().contains(one.set()))
            .map(|one| one.continuum().get())
            .collect();
        assert_eq!(declared, self.model.declared());
        for neighbour in NEIGHBOURS {
            if self.wire.busy.contains(&format!("g{neighbour}")) {
                continue;
            }
            let told = self.told.get(&neighbour).cloned().unwrap_or_default();
            assert_eq!(told, self.model.asserted_to(neighbour), "told to {neighbour}");
        }
    }
}

fn letter(origin: u16, source: ModuleKey, subject: i16) -> AamsHeader {
    AamsHeader {
        message_type: MessageType::Unary,
        priority: Priority::DEFAULT,
        flow_label: 0,
        continuum: continuum(origin),
        source,
        context: ContextNumber::NONE,
        subject: SubjectNumber(subject),
    }
}

/// Octet after octet; 0 when there are no more.
struct Reader<'o>(std::slice::Iter<'o, u8>);

impl Reader<'_> {
    fn below(&mut self, end: u8) -> u8 {
        self.0.next().copied().unwrap_or(0) % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        let end = u8::try_from(all.len()).unwrap();
        all[usize::from(self.below(end))]
    }

    fn domain(&mut self) -> Domain {
        Domain {
            continuum: continuum(self.of(&[0, 0, 1, 2, 3, 5])),
            unit: UnitNumber(self.of(&[0, 0, 1])),
            role: RoleNumber(self.of(&[0, 0, 2])),
        }
    }

    /// A petition of a neighbour.
    fn petition(&mut self) -> Specification {
        match self.below(8) {
            0 => declaration(u16::from(self.below(7))),
            1 => Specification { subject: SubjectNumber(0), domain: self.domain() },
            _ => self.subscription(),
        }
    }

    fn subscription(&mut self) -> Specification {
        Specification { subject: SubjectNumber(self.of(&[9, 9, 10])), domain: self.domain() }
    }
}

/// Plays the operations that `octets` are.
///
/// # Panics
/// When the gateway does otherwise than the model.
pub(crate) fn play(octets: &[u8]) {
    let read = &mut Reader(octets.iter());
    let is_tree = read.below(2) == 1;
    let vectors = [DeliveryVectorValues {
        number: 1,
        points: &[DeliveryPoint { service: "udp", endpoint: "m1" }],
    }];
    let identity = ModuleIdentity {
        venture: VENTURE,
        unit: UnitNumber::ROOT,
        role: RoleNumber::RAMS_GATEWAY,
        contact: ContactSummaryValues {
            endpoint: EndpointName::new("p").unwrap(),
            delivery_vectors: &vectors,
        },
        first_query: 1,
    };
    // Room for all there can be: 3 pseudo-subjects and 2 subjects in 20 domains.
    let mut memory = Box::new(ModuleMemory::<4, 160, 80, 2, 800, 200>::new());
    let storage = GatewayStorage {
        module: memory.storage(),
        neighbours: &mut [const { Slot::EMPTY }; 3],
        petitions: &mut [const { Slot::EMPTY }; 80],
        parcels: &mut [const { Slot::EMPTY }; 8],
        blocks: &mut [Block::EMPTY; 16],
        rpdu: &mut [0; 200],
    };
    let mib = if is_tree { &TREE } else { &MESH };
    let gateway = Gateway::new(mib, identity, GatewayConfig::default(), storage);
    let mut bench = Bench {
        gateway,
        wire: Wire::default(),
        now: Now::default(),
        seconds: 0,
        model: Model { is_tree, greeted: BTreeSet::from(NEIGHBOURS), ..Model::default() },
        told: BTreeMap::new(),
        declared_to: BTreeMap::new(),
        messages: Vec::new(),
        asked: 0,
    };
    bench.gateway.register(bench.now, &mut bench.wire, &mut ignore).unwrap();
    bench.note();
    let echo = bench.asked;
    let registrar = EndpointName::new("r").unwrap();
    let cell = CellDescriptor { unit: UnitNumber::ROOT, registrar };
    bench.mams("s", &Content::CellSpec { echo, cell });
    let (echo, module) = (bench.asked, ModuleNumber(1));
    bench.mams("r", &Content::YouAreIn { echo, module });
    assert!(bench.gateway.module().id().is_some());
    while !read.0.as_slice().is_empty() {
        // So that no declaration is taken for a duplicate, and channels are offered what
        // they refused.
        bench.pass(2);
        match read.below(16) {
            0..4 => {
                let (from, what) = (read.of(&NEIGHBOURS), read.petition());
                bench.petition(from, what, true);
            }
            4 => {
                let (from, what) = (read.of(&NEIGHBOURS), read.petition());
                bench.petition(from, what, false);
            }
            5 | 6 => {
                let from = read.of(&NEIGHBOURS);
                bench.petition(from, declaration(from), true);
            }
            7 => {
                let from = read.of(&NEIGHBOURS);
                bench.petition(from, declaration(from), false);
            }
            8..10 => {
                let (number, what) = (read.of(&MODULES), read.subscription());
                bench.rule(number, what, true);
            }
            10 => {
                let (number, what) = (read.of(&MODULES), read.subscription());
                bench.rule(number, what, false);
            }
            11 => bench.appear(read.of(&MODULES)),
            12 => bench.publish(read.of(&MODULES), read.of(&[9, 10])),
            13 => {
                let from = (read.of(&[1, 3, 5, 6, LOCAL]), read.of(&[0, 1, 2]), read.of(&[2, 3]));
                bench.arrive(read.of(&NEIGHBOURS), from, read.of(&[9, 10]));
            }
            14 => {
                let name = format!("g{}", read.of(&NEIGHBOURS));
                if !bench.wire.busy.remove(&name) {
                    bench.wire.busy.insert(name);
                }
                bench.pass(1);
            }
            _ => bench.pass(u64::from(read.below(40)) * 5),
        }
        bench.compare();
    }
}

#[cfg(test)]
mod tests {
    use super::play;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_gateway_says_what_a_naive_model_would(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            play(&octets);
        }
    }
}
