//! A gateway on a bench: neighbours and modules that do as the tests say.

use std::boxed::Box;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use crate::ams::gateway::*;
use crate::ams::ids::{
    ContextNumber, ModuleKey, Priority, SubjectNumber, UnitNumber, VentureNumber,
};
use crate::ams::mib::{Continuum, RemoteMessageSpace, Role, Subject, Unit, Venture};
use crate::ams::module::ModuleMemory;
use crate::ams::pdu::{
    Aams, AamsHeader, AssertionValues, ContactSummaryValues, Content, ControlCode, DeliveryPoint,
    DeliveryVectorValues, Enclosure, Envelope, MessageType, Mpdu, MpduType,
};
use crate::ams::script::{Script, address, at, contact, endpoint, id, mpdu, sender, summary};
use crate::wire::Octets;

pub(super) const LOCAL: ContinuumNumber = ContinuumNumber::from_bits(2);

/// Two neighbours, `n1` and `n3`, and behind one of them continuum 4.
pub(super) const REMOTE: &[RemoteMessageSpace<'static>] = &[
    RemoteMessageSpace::new(ContinuumNumber::from_bits(1), "udp@n1"),
    RemoteMessageSpace::new(ContinuumNumber::from_bits(3), "udp@n3"),
    RemoteMessageSpace {
        neighbour: false,
        ..RemoteMessageSpace::new(ContinuumNumber::from_bits(4), "udp@n4")
    },
];

pub(super) const CONTINUA: &[Continuum<'static>] =
    &[far(1, "one"), far(3, "three"), far(4, "four")];

pub(super) const fn far(number: u16, name: &str) -> Continuum<'_> {
    let number = ContinuumNumber::from_bits(number);
    Continuum { number, name, neighbour: true, description: "" }
}

pub(super) const fn mib(network: RamsNetwork) -> Mib<'static> {
    const MESH: Venture<'static> = Venture {
        units: &[Unit::ROOT, Unit::new(UnitNumber(1), "post"), Unit::new(UnitNumber(2), "depot")],
        roles: &[Role::new(RoleNumber(2), "sensor"), Role::new(RoleNumber(3), "reader")],
        subjects: &[Subject {
            senders: &[RoleNumber(3)],
            ..Subject::new(SubjectNumber(20), "sent by readers")
        }],
        remote: REMOTE,
        ..Venture::new(VentureNumber(1), "watch", "tests")
    };
    const TREE: Venture<'static> = Venture { network: RamsNetwork::Tree, ..MESH };
    let ventures: &[Venture<'static>] = match network {
        RamsNetwork::Mesh => &[MESH],
        RamsNetwork::Tree => &[TREE],
    };
    Mib { config_servers: &["cs"], continua: CONTINUA, ventures, ..Mib::new(LOCAL, "test") }
}

pub(super) const MESH: Mib<'static> = mib(RamsNetwork::Mesh);
pub(super) const MESH_VENTURE: &Venture<'static> = match MESH.ventures {
    [venture] => venture,
    _ => panic!("there is one"),
};
pub(super) const TREE: Mib<'static> = mib(RamsNetwork::Tree);

/// How much a gateway has room for.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    pub(super) neighbours: usize,
    pub(super) petitions: usize,
    pub(super) parcels: usize,
    pub(super) blocks: usize,
    pub(super) rpdu: usize,
}

impl Sizes {
    pub(super) const USUAL: Self =
        Self { neighbours: 4, petitions: 16, parcels: 4, blocks: 16, rpdu: 400 };
}

/// A gateway that is a member, under number 1, and what it sends.
pub(super) struct Bench {
    pub(super) gateway: Gateway<'static>,
    pub(super) wire: Script,
    pub(super) seconds: u64,
    /// The number of its last question.
    pub(super) asked: u32,
}

impl Bench {
    /// As it starts.
    pub(super) fn outside(mib: &'static Mib<'static>) -> Self {
        Self::with_store(mib, 4, 16)
    }

    pub(super) fn with_store(mib: &'static Mib<'static>, parcels: usize, blocks: usize) -> Self {
        Self::sized(mib, GatewayConfig::default(), Sizes { parcels, blocks, ..Sizes::USUAL })
    }

    pub(super) fn sized(mib: &'static Mib<'static>, config: GatewayConfig, sizes: Sizes) -> Self {
        let memory = Box::leak(Box::new(ModuleMemory::<8, 32, 16, 4, 800, 400>::new()));
        let point: &'static _ =
            Box::leak(Box::new([DeliveryPoint { service: "udp", endpoint: "gwa" }]));
        let vector: &'static _ =
            Box::leak(Box::new([DeliveryVectorValues { number: 1, points: point }]));
        let identity = ModuleIdentity {
            venture: VentureNumber(1),
            unit: UnitNumber::ROOT,
            role: RoleNumber::RAMS_GATEWAY,
            contact: ContactSummaryValues { endpoint: endpoint("gw"), delivery_vectors: vector },
            first_query: 1,
        };
        let storage = GatewayStorage {
            module: memory.storage(),
            neighbours: vec![Slot::EMPTY; sizes.neighbours].leak(),
            petitions: vec![Slot::EMPTY; sizes.petitions].leak(),
            parcels: vec![Slot::EMPTY; sizes.parcels].leak(),
            blocks: vec![Block::EMPTY; sizes.blocks].leak(),
            rpdu: vec![0; sizes.rpdu].leak(),
        };
        let gateway = Gateway::new(mib, identity, config, storage);
        Self { gateway, wire: Script::default(), seconds: 0, asked: 0 }
    }

    /// Registered; neighbours have not said anything.
    pub(super) fn new(mib: &'static Mib<'static>) -> Self {
        Self::outside(mib).join()
    }

    pub(super) fn join(self) -> Self {
        let mut bench = self;
        bench.gateway.register(bench.now(), &mut bench.wire, &mut ignore).unwrap();
        let mut bench = bench.admit();
        bench.rpdus();
        bench
    }

    /// It is being registered, and is admitted now.
    pub(super) fn admit(self) -> Self {
        let mut bench = self;
        bench.sent();
        bench.tick();
        bench.sent();
        let cell =
            crate::ams::pdu::CellDescriptor { unit: UnitNumber::ROOT, registrar: endpoint("rs") };
        let echo = bench.asked;
        bench.mams("cs", 0, &Content::CellSpec { echo, cell });
        bench.sent();
        let (echo, module) = (bench.asked, crate::ams::ids::ModuleNumber(1));
        bench.mams("rs", 0, &Content::YouAreIn { echo, module });
        assert_eq!(bench.gateway.module().id(), Some(id(1, 0, 1)));
        bench
    }

    /// What was sent since it was last asked. Of the module's questions the number is noted.
    fn sent(&mut self) -> Vec<(String, Vec<u8>)> {
        let sent = self.wire.take();
        for (_, octets) in &sent {
            if let Ok(mpdu) = Mpdu::parse(octets)
                && [MpduType::REGISTRAR_QUERY, MpduType::MODULE_REGISTRATION]
                    .contains(&mpdu.mpdu_type())
            {
                self.asked = mpdu.reference();
            }
        }
        sent
    }

    /// Registered, and both neighbours have declared themselves.
    pub(super) fn declared(mib: &'static Mib<'static>) -> Self {
        Self::declared_with(mib, 4, 16)
    }

    pub(super) fn declared_with(mib: &'static Mib<'static>, parcels: usize, blocks: usize) -> Self {
        Self::with_store(mib, parcels, blocks).join().be_declared_to()
    }

    /// Both neighbours declare themselves.
    pub(super) fn be_declared_to(self) -> Self {
        let mut bench = self;
        bench.petition("n1", 2, declaration(ContinuumNumber::from_bits(1)));
        bench.petition("n3", 2, declaration(ContinuumNumber::from_bits(3)));
        bench.pass(2);
        bench
    }

    pub(super) fn now(&self) -> Now {
        at(self.seconds)
    }

    pub(super) fn tick(&mut self) {
        let now = self.now();
        self.gateway.tick(now, &mut self.wire, &mut ignore);
    }

    /// Time passes. What is sent meanwhile is not looked at.
    pub(super) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.seconds += 1;
            self.alive();
            self.tick();
        }
        self.wire.take();
    }

    /// The registrar is well.
    pub(super) fn alive(&mut self) {
        let heartbeat = Content::Heartbeat { source: crate::ams::ids::ModuleNumber::NONE };
        self.mams("rs", 0, &heartbeat);
    }

    pub(super) fn mams(&mut self, from: &str, role: u8, content: &Content<'_>) {
        let octets = mpdu(sender(0, role), content);
        let now = self.now();
        self.gateway.receive_mams(now, &address(from), &octets, &mut self.wire, &mut ignore);
    }

    /// A module `m<number>` of this role is there, and invites the gateway.
    pub(super) fn module(&mut self, role: u8, number: u8) {
        self.module_in(role, 0, number);
    }

    pub(super) fn module_in(&mut self, role: u8, unit: u16, number: u8) {
        let octets = contact(&format!("m{number}"));
        let module = id(role, unit, number);
        self.mams("rs", 0, &Content::ModuleHasStarted { module, contact: summary(&octets) });
        let gateways = Domain { continuum: LOCAL, unit: UnitNumber::ROOT, role: RoleNumber(1) };
        self.rule(MpduType::INVITE, module, LOCAL.pseudo_subject().0, gateways);
    }

    pub(super) fn rule(
        &mut self,
        kind: MpduType,
        module: crate::ams::ids::ModuleId,
        subject: i16,
        domain: Domain,
    ) {
        let values = AssertionValues {
            subject: SubjectNumber(subject),
            domain,
            delivery_vector: 1,
            priority: Priority::DEFAULT,
            flow_label: 0,
        };
        let octets = values.octets();
        let assertion = crate::ams::pdu::Assertion::new(&octets);
        let cancelled = values.cancellation().octets();
        let cancellation = crate::ams::pdu::Cancellation::new(&cancelled);
        self.mams(
            "rs",
            0,
            &match kind {
                MpduType::SUBSCRIBE => Content::Subscribe { module, assertion },
                MpduType::INVITE => Content::Invite { module, assertion },
                _ => Content::Unsubscribe { module, cancellation },
            },
        );
    }

    pub(super) fn petition(&mut self, from: &str, code: u8, specification: Specification) {
        let Specification { subject, domain } = specification;
        let header = EnvelopeHeader {
            control_code: ControlCode::from_bits(code).unwrap(),
            continuum: domain.continuum,
            unit: domain.unit,
            source: domain.role.0,
            destination: 0,
            subject,
        };
        self.rams(from, &header, &[]);
    }

    pub(super) fn rams(&mut self, from: &str, header: &EnvelopeHeader, content: &[u8]) {
        let mut buffer = [0; 400];
        let octets = header.encode(&Octets(content), &mut buffer).unwrap();
        let now = self.now();
        self.gateway.receive_rams(now, &address(from), octets, &mut self.wire);
    }

    /// A message of a module here arrives.
    pub(super) fn aams(&mut self, header: &AamsHeader, data: &[u8]) -> Result<(), Fault> {
        let mut buffer = [0; 400];
        let octets = header.encode(data, true, &mut buffer).unwrap();
        let now = self.now();
        self.gateway.receive_aams(now, octets, &mut self.wire)
    }

    /// The RPDUs sent: `to code subject continuum.unit.source>destination`, and of
    /// messages their data.
    pub(super) fn rpdus(&mut self) -> Vec<String> {
        let sent = self.sent().into_iter().filter(|(to, _)| to.starts_with('n'));
        sent.map(|(to, octets)| {
            let envelope = Envelope::parse(&octets).unwrap();
            let EnvelopeHeader { control_code, continuum, unit, source, destination, subject } =
                envelope.header();
            let code = control_code.bits();
            let data = envelope.content().map_or(String::new(), |content| {
                assert!(!content.checksum_flag(), "enclosures have no checksum");
                format!(" {}", core::str::from_utf8(content.data()).unwrap())
            });
            format!("{to} {code} {subject} {continuum}.{unit}.{source}>{destination}{data}")
        })
        .collect()
    }

    /// The messages sent to modules here: `to subject: subject of the enclosed data`.
    pub(super) fn messages(&mut self) -> Vec<String> {
        let sent = self.sent().into_iter().filter(|(to, _)| to.starts_with('m'));
        sent.filter(|(to, _)| to.ends_with('a'))
            .map(|(to, octets)| {
                let outer = Aams::parse(&octets).unwrap();
                let inner = Aams::parse_enclosed(outer.data(), 16).unwrap();
                let data = core::str::from_utf8(inner.data()).unwrap();
                format!("{to} {}: {} {data}", outer.subject(), inner.subject())
            })
            .collect()
    }

    /// What the registrar was told: `type subject`.
    pub(super) fn told(&mut self) -> Vec<String> {
        let sent = self.sent().into_iter().filter(|(to, _)| to == "rs");
        sent.filter_map(|(_, octets)| match Mpdu::parse(&octets).unwrap().content() {
            Content::Subscribe { assertion, .. } => {
                Some(format!("subscribe {}", assertion.subject()))
            }
            Content::Unsubscribe { cancellation, .. } => {
                Some(format!("unsubscribe {}", cancellation.subject()))
            }
            _ => None,
        })
        .collect()
    }
}

pub(super) fn ignore(_: Indication) {}

pub(super) const fn continuum(number: u16) -> ContinuumNumber {
    ContinuumNumber::from_bits(number)
}

/// All modules of a continuum, or of all.
pub(super) const fn all_of(number: u16) -> Domain {
    Domain { continuum: continuum(number), ..Domain::ALL }
}

pub(super) fn on(subject: i16, domain: Domain) -> Specification {
    Specification { subject: SubjectNumber(subject), domain }
}

/// The header of a message of module `number` of a continuum.
pub(super) fn letter(from: (u16, u8), subject: SubjectNumber) -> AamsHeader {
    AamsHeader {
        message_type: MessageType::Unary,
        priority: Priority::DEFAULT,
        flow_label: 0,
        continuum: continuum(from.0),
        source: ModuleKey { unit: UnitNumber::ROOT, module: crate::ams::ids::ModuleNumber(from.1) },
        context: ContextNumber(7),
        subject,
    }
}

/// The octets of a message as envelopes enclose it.
pub(super) fn enclosed(from: (u16, u8), subject: i16, data: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 400];
    let header = letter(from, SubjectNumber(subject));
    Enclosure::new(&header, data).unwrap().write(&mut buffer).unwrap().to_vec()
}

pub(super) fn envelope(code: u8, to: (u16, u16, u8), source: u8, subject: i16) -> EnvelopeHeader {
    EnvelopeHeader {
        control_code: ControlCode::from_bits(code).unwrap(),
        continuum: continuum(to.0),
        unit: UnitNumber(to.1),
        source,
        destination: to.2,
        subject: SubjectNumber(subject),
    }
}
