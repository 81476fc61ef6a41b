//! A module on a bench: virtual time, a transport that writes down what it is
//! given, and MPDUs as others would send them.

use core::time::Duration;
use std::boxed::Box;
use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, ModuleNumber, Priority,
    RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use crate::ams::mib::{Mib, Role, Subject, Unit, Venture};
use crate::ams::module::{Membership, Module, ModuleIdentity, ModuleMemory, RuleKind};
use crate::ams::pdu::{
    AamsHeader, AssertionValues, CancellationValues, ContactSummaryValues, Content, DeliveryPoint,
    DeliveryVectorValues, EndpointName, MessageType, Mpdu, MpduHeader, MpduType, RefusalReason,
    Sender,
};
use crate::ams::service::{Delivery, Fault, Indication};
use crate::crypto::SecretKey;
use crate::time::{ClockQuality, Instant, Now, Utc};
use crate::transport::{Address, SendError, Transport};
use crate::wire::{Encode, NoSpace, TimeCode, Writer};

/// The local continuum of every test.
pub(super) const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(7);

const UNITS: &[Unit<'static>] = &[
    Unit::ROOT,
    Unit::new(UnitNumber(1), "post"),
    Unit::new(UnitNumber(2), "post.mast"),
    Unit::new(UnitNumber(3), "depot"),
];

const ROLES: &[Role<'static>] = &[
    Role::new(RoleNumber(2), "sensor"),
    Role::new(RoleNumber(3), "reader"),
    Role::new(RoleNumber(4), "keeper"),
];

const SUBJECTS: &[Subject<'static>] = &[
    Subject::new(SubjectNumber(1), "open"),
    Subject { senders: &[RoleNumber(3)], ..Subject::new(SubjectNumber(20), "sent by readers") },
    Subject { receivers: &[RoleNumber(3)], ..Subject::new(SubjectNumber(21), "got by readers") },
    Subject { symmetric_key: SecretKey(b"key"), ..Subject::new(SubjectNumber(30), "encrypted") },
    Subject { marshal: "f", unmarshal: "g", ..Subject::new(SubjectNumber(31), "marshalled") },
];

const VENTURE: Venture<'static> = Venture {
    units: UNITS,
    roles: ROLES,
    subjects: SUBJECTS,
    ..Venture::new(VentureNumber(1), "watch", "tests")
};

/// Two locations of the configuration server and the nominal timers: N1 and N2
/// are 5 s, N4 is 20 s, N6 is 3.
pub(super) const MIB: Mib<'static> =
    Mib { config_servers: &["cs1", "cs2"], ventures: &[VENTURE], ..Mib::new(CONTINUUM, "test") };

/// The vectors of the module under test.
pub(super) const VECTORS: &[DeliveryVectorValues<'static>] = &[
    DeliveryVectorValues {
        number: 1,
        points: &[DeliveryPoint { service: "udp", endpoint: "me1" }],
    },
    DeliveryVectorValues {
        number: 2,
        points: &[DeliveryPoint { service: "tcp", endpoint: "me2" }],
    },
];

/// Who is under test: a sensor in unit 1 at `me`.
pub(super) fn identity() -> ModuleIdentity<'static> {
    ModuleIdentity {
        venture: VentureNumber(1),
        unit: UnitNumber(1),
        role: RoleNumber(2),
        contact: ContactSummaryValues {
            endpoint: EndpointName::new("me").unwrap(),
            delivery_vectors: VECTORS,
        },
        first_query: 100,
    }
}

/// What was handed to the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Datagram {
    /// `cs1`, or `tcp:you2` for another service than UDP.
    pub(super) to: String,
    pub(super) flow_label: u8,
    pub(super) octets: Vec<u8>,
}

/// Writes down what it is given, or refuses it. Names that begin with `?` cannot
/// be resolved; services are `udp` and `tcp`.
#[derive(Debug, Default)]
pub(super) struct Wire {
    pub(super) sent: Vec<Datagram>,
    /// What becomes of every datagram.
    pub(super) refuses: Option<SendError>,
    /// To whom nothing can be sent.
    pub(super) busy: BTreeSet<String>,
    /// The longest datagram that is taken.
    pub(super) longest: Option<usize>,
}

impl Transport for Wire {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        match service {
            _ if endpoint.starts_with('?') => None,
            "udp" => Some(Address::new(0, endpoint.as_bytes())),
            "tcp" => Some(Address::new(1, endpoint.as_bytes())),
            _ => None,
        }
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        let to = name(to);
        if let Some(error) = self.refuses {
            return Err(error);
        }
        if self.busy.contains(&to) {
            return Err(SendError::Busy);
        }
        if self.longest.is_some_and(|longest| octets.len() > longest) {
            return Err(SendError::TooLong);
        }
        self.sent.push(Datagram { to, flow_label, octets: octets.to_vec() });
        Ok(())
    }
}

fn name(to: &Address) -> String {
    let endpoint = core::str::from_utf8(to.octets()).unwrap();
    if to.service() == 0 { endpoint.to_string() } else { format!("tcp:{endpoint}") }
}

/// The UDP address of an endpoint name.
pub(super) fn address(endpoint: &str) -> Address {
    Address::new(0, endpoint.as_bytes())
}

/// A module, its transport and its user.
pub(super) struct Bench {
    pub(super) module: Module<'static>,
    pub(super) wire: Wire,
    pub(super) heard: Vec<Indication>,
    pub(super) now: Now,
}

impl Bench {
    /// A module that takes no part, with room for 4 peers, 8 rules, 4 own rules
    /// and 2 queries.
    pub(super) fn new() -> Self {
        Self::of(&MIB, identity())
    }

    pub(super) fn of(mib: &'static Mib<'static>, identity: ModuleIdentity<'static>) -> Self {
        let memory = Box::leak(Box::new(ModuleMemory::<4, 8, 4, 2, 300, 120>::new()));
        Self {
            module: Module::new(mib, identity, memory.storage()),
            wire: Wire::default(),
            heard: Vec::new(),
            now: at(0),
        }
    }

    /// A module that has asked the first location where its registrar is.
    pub(super) fn asking() -> Self {
        let mut bench = Self::new();
        bench.register().unwrap();
        bench
    }

    /// A module that has asked its registrar, at `reg`, to be registered. The query
    /// number is 101.
    pub(super) fn joining() -> Self {
        let mut bench = Self::asking();
        bench.hear_from("cs1", &cell_spec(100, 1, "reg"));
        bench.forget();
        bench
    }

    /// A member: 2/1.9.
    pub(super) fn member() -> Self {
        let mut bench = Self::joining();
        bench.hear(&you_are_in(101, 9));
        bench.forget();
        bench
    }

    /// A member that knows a reader 3/1.5, at `five` with points `udp=five1` and
    /// `tcp=five2`.
    pub(super) fn acquainted() -> Self {
        let mut bench = Self::member();
        bench.hear(&has_started(FIVE, &contact("five")));
        bench.forget();
        bench
    }

    pub(super) fn register(&mut self) -> Result<(), Fault> {
        let heard = &mut self.heard;
        self.module.register(self.now, &mut self.wire, &mut |event| heard.push(event))
    }

    /// An MPDU comes from the registrar.
    pub(super) fn hear(&mut self, octets: &[u8]) {
        self.hear_from("reg", octets);
    }

    pub(super) fn hear_from(&mut self, from: &str, octets: &[u8]) {
        let heard = &mut self.heard;
        self.module.receive_mams(self.now, &address(from), octets, &mut self.wire, &mut |event| {
            heard.push(event);
        });
    }

    /// A message comes.
    pub(super) fn get<'d>(&mut self, octets: &'d [u8]) -> Result<Delivery<'d>, Fault> {
        self.module.receive_aams(octets)
    }

    /// Time passes until `millis` after the start; there is one tick, at the end.
    pub(super) fn tick(&mut self, millis: u64) {
        self.now = at(millis);
        let heard = &mut self.heard;
        self.module.tick(self.now, &mut self.wire, &mut |event| heard.push(event));
        assert!(
            self.module.next_deadline().is_none_or(|next| next > self.now.monotonic),
            "the next deadline is past: {:?} at {:?}",
            self.module.next_deadline(),
            self.now
        );
    }

    /// Time passes until `millis` after the start, with a tick at each deadline.
    pub(super) fn run(&mut self, millis: u64) {
        let end = at(millis).monotonic;
        while let Some(next) = self.module.next_deadline().filter(|next| *next <= end) {
            self.tick(next.max(self.now.monotonic).as_micros().div_ceil(1_000));
        }
        self.now = at(millis);
    }

    /// What was sent since it was last asked, each MPDU as a line.
    pub(super) fn told(&mut self) -> Vec<String> {
        core::mem::take(&mut self.wire.sent).iter().map(line).collect()
    }

    /// The same without heartbeats.
    pub(super) fn told_but_beats(&mut self) -> Vec<String> {
        self.told().into_iter().filter(|line| !line.contains(" heartbeat")).collect()
    }

    pub(super) fn indications(&mut self) -> Vec<Indication> {
        core::mem::take(&mut self.heard)
    }

    pub(super) fn forget(&mut self) {
        self.wire.sent.clear();
        self.heard.clear();
    }

    pub(super) fn number(&self) -> Option<u8> {
        match self.module.membership() {
            Membership::Member(number) => Some(number.0),
            _ => None,
        }
    }

    /// The peers, each as `role/unit.module`.
    pub(super) fn peers(&self) -> Vec<String> {
        self.module.peers().map(|peer| text(peer.id())).collect()
    }

    /// The rules of others: module number, `s` or `i`, subject, domain.
    pub(super) fn rules(&self) -> Vec<String> {
        let mut rules: Vec<_> = self
            .module
            .rules()
            .map(|(module, kind, what)| format!("{} {}{}", module, letter(kind), what.subject))
            .collect();
        rules.sort();
        rules
    }
}

fn letter(kind: RuleKind) -> char {
    match kind {
        RuleKind::Subscription => 's',
        RuleKind::Invitation => 'i',
    }
}

/// `role/unit.module`.
pub(super) fn text(id: ModuleId) -> String {
    format!("{}/{}", id.role, id.key())
}

/// `receiver type reference`, and what else matters.
pub(super) fn line(datagram: &Datagram) -> String {
    let mpdu = Mpdu::parse(&datagram.octets).unwrap();
    assert!(mpdu.deviations().is_empty(), "{mpdu:?}");
    assert_eq!(mpdu.sender(), sender(1, 2));
    let what = match mpdu.content() {
        Content::Heartbeat { source } => format!("{source}"),
        Content::RegistrarQuery { query, endpoint } => format!("{query} {endpoint}"),
        Content::ModuleRegistration { query, contact } => {
            format!("{query} {} {}", contact.endpoint, contact.delivery_vectors.len())
        }
        Content::Subscribe { module, assertion } | Content::Invite { module, assertion } => {
            let AssertionValues { subject, domain, delivery_vector, priority, flow_label } =
                assertion.values();
            format!(
                "{} {subject} {}.{}.{} v{delivery_vector} p{} f{flow_label}",
                text(module),
                domain.continuum,
                domain.unit,
                domain.role,
                priority.get()
            )
        }
        Content::Unsubscribe { module, cancellation }
        | Content::Disinvite { module, cancellation } => {
            format!("{} {}", text(module), cancellation.subject())
        }
        Content::IAmStopping { module } => text(module),
        Content::IAmHere { modules } => statuses(&modules),
        Content::ModuleStatus { module, modules } => {
            format!("{} {}", text(module), statuses(&modules))
        }
        Content::Reconnect { query, reconnect } => {
            let numbers: Vec<_> =
                reconnect.modules().iter().map(|number| number.to_string()).collect();
            format!("{query} {} of {}", text(reconnect.status().id), numbers.join(","))
        }
        other => panic!("no module says {other:?}"),
    };
    format!("{} {} {what}", datagram.to, mpdu.mpdu_type().name().unwrap())
}

fn statuses(modules: &crate::ams::pdu::ModuleStatusList<'_>) -> String {
    let all: Vec<_> = modules
        .iter()
        .map(|status| {
            let (subscriptions, invitations) =
                (status.declaration.subscriptions.len(), status.declaration.invitations.len());
            let endpoint = status.contact.endpoint;
            format!("{}@{endpoint}+{subscriptions}+{invitations}", text(status.id))
        })
        .collect();
    all.join(" ")
}

/// `millis` after the start of everything.
pub(super) fn at(millis: u64) -> Now {
    let start = Now {
        monotonic: Instant::ZERO,
        utc: Utc::from_unix_seconds(1_795_392_000),
        quality: ClockQuality::Synchronised,
    };
    start.after(Duration::from_millis(millis))
}

pub(super) const fn id(role: u8, unit: u16, module: u8) -> ModuleId {
    ModuleId { role: RoleNumber(role), unit: UnitNumber(unit), module: ModuleNumber(module) }
}

/// A reader in the cell of the module under test.
pub(super) const FIVE: ModuleId = id(3, 1, 5);

pub(super) const fn sender(unit: u16, role: u8) -> Sender {
    Sender { venture: VentureNumber(1), unit: UnitNumber(unit), role: RoleNumber(role) }
}

pub(super) const fn domain(continuum: u16, unit: u16, role: u8) -> Domain {
    Domain {
        continuum: ContinuumNumber::from_bits(continuum),
        unit: UnitNumber(unit),
        role: RoleNumber(role),
    }
}

/// An assertion from all, by vector 1, with the defaults.
pub(super) const fn assertion(subject: i16) -> AssertionValues {
    AssertionValues {
        subject: SubjectNumber(subject),
        domain: Domain::ALL,
        delivery_vector: 1,
        priority: Priority::DEFAULT,
        flow_label: 0,
    }
}

/// The octets of a contact summary: `name`, vector 1 `udp=name1`, vector 2 `tcp=name2`.
pub(super) fn contact(name: &str) -> Vec<u8> {
    let (udp, tcp) = (format!("udp={name}1"), format!("tcp={name}2"));
    contact_with(name, &[(1, &[&udp]), (2, &[&tcp])])
}

/// The octets of a contact summary with these delivery vectors.
pub(super) fn contact_with(name: &str, vectors: &[(u8, &[&str])]) -> Vec<u8> {
    let mut octets = name.as_bytes().to_vec();
    octets.extend([0, u8::try_from(vectors.len()).unwrap()]);
    for (number, points) in vectors {
        octets.push(number << 4 | u8::try_from(points.len()).unwrap());
        octets.extend(points.join(",").as_bytes());
        octets.push(0);
    }
    octets
}

/// The status of a module.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) id: ModuleId,
    pub(super) contact: Vec<u8>,
    pub(super) subscriptions: Vec<AssertionValues>,
    pub(super) invitations: Vec<AssertionValues>,
}

impl Encode for Status {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u16(self.id.unit.0)?;
        to.octets(&[self.id.module.0, self.id.role.0])?;
        to.octets(&self.contact)?;
        for list in [&self.subscriptions, &self.invitations] {
            to.u16(u16::try_from(list.len()).unwrap())?;
            list.iter().try_for_each(|rule| rule.encode(to))?;
        }
        Ok(())
    }
}

struct Statuses<'a>(&'a [Status]);

impl Encode for Statuses<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u32(u32::try_from(self.0.len()).unwrap())?;
        self.0.iter().try_for_each(|status| status.encode(to))
    }
}

/// Any octets as supplementary data.
pub(super) struct Octets<'a>(pub(super) &'a [u8]);

impl Encode for Octets<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.octets(self.0)
    }
}

/// The octets of an MPDU.
pub(super) fn mpdu(sender: Sender, kind: MpduType, reference: u32, data: &dyn Encode) -> Vec<u8> {
    let time = TimeCode { seconds: 2_173_990_005 };
    let header = MpduHeader { sender, time, signature: &[], checksum: true };
    let mut buffer = [0; 4_200];
    header.encode_raw(kind, reference, data, &time, &mut buffer).unwrap().to_vec()
}

fn from_registrar(kind: MpduType, reference: u32, data: &[u8]) -> Vec<u8> {
    mpdu(sender(1, 0), kind, reference, &Octets(data))
}

fn from_server(kind: MpduType, reference: u32, data: &[u8]) -> Vec<u8> {
    mpdu(Sender::CONFIGURATION_SERVER, kind, reference, &Octets(data))
}

fn about(kind: MpduType, id: ModuleId, data: &dyn Encode) -> Vec<u8> {
    mpdu(sender(id.unit.0, id.role.0), kind, id.reference(), data)
}

pub(super) fn cell_spec(echo: u32, unit: u16, endpoint: &str) -> Vec<u8> {
    let mut data = unit.to_be_bytes().to_vec();
    data.extend(endpoint.as_bytes());
    data.push(0);
    from_server(MpduType::CELL_SPEC, echo, &data)
}

pub(super) fn registrar_unknown(echo: u32) -> Vec<u8> {
    from_server(MpduType::REGISTRAR_UNKNOWN, echo, &[])
}

pub(super) fn rejection(echo: u32, reason: RefusalReason) -> Vec<u8> {
    from_registrar(MpduType::REJECTION, echo, &[reason.0])
}

pub(super) fn you_are_in(echo: u32, number: u8) -> Vec<u8> {
    from_registrar(MpduType::YOU_ARE_IN, echo, &[number])
}

pub(super) fn heartbeat() -> Vec<u8> {
    from_registrar(MpduType::HEARTBEAT, 0, &[])
}

pub(super) fn reconnected(echo: u32) -> Vec<u8> {
    from_registrar(MpduType::RECONNECTED, echo, &[])
}

pub(super) fn you_are_dead() -> Vec<u8> {
    from_registrar(MpduType::YOU_ARE_DEAD, 0, &[])
}

pub(super) fn starting(id: ModuleId, contact: &[u8]) -> Vec<u8> {
    from_registrar(MpduType::I_AM_STARTING, id.reference(), contact)
}

pub(super) fn has_started(id: ModuleId, contact: &[u8]) -> Vec<u8> {
    from_registrar(MpduType::MODULE_HAS_STARTED, id.reference(), contact)
}

pub(super) fn here(modules: &[Status]) -> Vec<u8> {
    let sender = modules.first().map_or(sender(1, 0), |one| sender(one.id.unit.0, one.id.role.0));
    mpdu(sender, MpduType::I_AM_HERE, 0, &Statuses(modules))
}

pub(super) fn module_status(modules: &[Status]) -> Vec<u8> {
    about(MpduType::MODULE_STATUS, modules[0].id, &Statuses(modules))
}

pub(super) fn stopping(id: ModuleId) -> Vec<u8> {
    about(MpduType::I_AM_STOPPING, id, &Octets(&[]))
}

pub(super) fn subscribe(id: ModuleId, rule: AssertionValues) -> Vec<u8> {
    about(MpduType::SUBSCRIBE, id, &rule)
}

pub(super) fn unsubscribe(id: ModuleId, rule: CancellationValues) -> Vec<u8> {
    about(MpduType::UNSUBSCRIBE, id, &rule)
}

pub(super) fn invite(id: ModuleId, rule: AssertionValues) -> Vec<u8> {
    about(MpduType::INVITE, id, &rule)
}

pub(super) fn disinvite(id: ModuleId, rule: CancellationValues) -> Vec<u8> {
    about(MpduType::DISINVITE, id, &rule)
}

pub(super) fn cell_status(unit: u16, numbers: &[u8]) -> Vec<u8> {
    let mut data = std::vec![u8::try_from(numbers.len()).unwrap()];
    data.extend(numbers);
    mpdu(
        sender(unit, 0),
        MpduType::CELL_STATUS,
        ModuleId::cell(UnitNumber(unit)).reference(),
        &Octets(&data),
    )
}

/// A message with the values a test rarely cares for.
#[derive(Clone, Copy)]
pub(super) struct Letter<'d> {
    pub(super) message_type: MessageType,
    pub(super) continuum: ContinuumNumber,
    pub(super) source: ModuleKey,
    pub(super) context: u32,
    pub(super) subject: i16,
    pub(super) data: &'d [u8],
}

impl<'d> Letter<'d> {
    /// A unary message from 3/1.5.
    pub(super) const fn new(subject: i16, data: &'d [u8]) -> Self {
        Self {
            message_type: MessageType::Unary,
            continuum: CONTINUUM,
            source: FIVE.key(),
            context: 0,
            subject,
            data,
        }
    }

    pub(super) fn octets(&self) -> Vec<u8> {
        let header = AamsHeader {
            message_type: self.message_type,
            priority: Priority::DEFAULT,
            flow_label: 0,
            continuum: self.continuum,
            source: self.source,
            context: ContextNumber(self.context),
            subject: SubjectNumber(self.subject),
        };
        let mut buffer = std::vec![0; 18 + self.data.len()];
        header.encode(self.data, true, &mut buffer).unwrap().to_vec()
    }
}
