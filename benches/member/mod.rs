//! A member of a message space that knows others, told of them by the MPDUs its
//! registrar would have sent.
#![allow(dead_code, reason = "each bench needs a part")]

use farpost::ams::ids::{
    ContinuumNumber, Domain, ModuleId, ModuleNumber, Priority, RoleNumber, SubjectNumber,
    UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Mib, ServiceMode, Subject, TransportService, Unit, Venture};
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory, RuleRequest};
use farpost::ams::pdu::{
    Assertion, AssertionValues, CellDescriptor, ContactSummaryValues, Content, DeliveryPoint,
    DeliveryVectorValues, EndpointName, Mpdu, MpduHeader, MpduType, Sender,
};
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, SendError, Transport};
use farpost::wire::{Encode, TimeCode, Writer};

pub const SUBJECT: SubjectNumber = SubjectNumber(1);
pub const UNIT: UnitNumber = UnitNumber(3);
pub const ROLE: RoleNumber = RoleNumber(7);
pub const NOW: Now = Now {
    monotonic: Instant::ZERO,
    utc: Utc::from_unix_seconds(1_795_305_600),
    quality: ClockQuality::FreeRunning,
};

const UNITS: &[Unit<'static>] = &[Unit::ROOT, Unit::new(UNIT, "cell")];
const SUBJECTS: &[Subject<'static>] = &[Subject::new(SUBJECT, "reading")];
const VENTURES: &[Venture<'static>] = &[Venture {
    units: UNITS,
    subjects: SUBJECTS,
    ..Venture::new(VentureNumber(1), "sensing", "bench")
}];
static MIB: Mib<'static> = Mib {
    config_servers: &["server"],
    transports: &[TransportService { name: "udp", mode: ServiceMode::BEST_EFFORT }],
    ventures: VENTURES,
    checksums: true,
    ..Mib::new(ContinuumNumber::from_bits(1), "bench")
};

/// Storage that outlives the measurement, so that dropping it is not counted.
pub fn leaked<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

pub fn data(length: usize) -> &'static [u8] {
    leaked((0..length).map(|i| i as u8).collect::<Vec<u8>>())
}

/// Takes everything and keeps nothing. Names resolve to themselves.
pub struct Null;

impl Transport for Null {
    fn resolve(&mut self, _service: &str, endpoint: &str) -> Option<Address> {
        Some(Address::new(0, endpoint.as_bytes()))
    }

    fn send(&mut self, to: &Address, _flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        std::hint::black_box((to, octets));
        Ok(())
    }
}

/// A member with this number in the cell, that knows nobody.
pub fn member(number: u8) -> &'static mut Module<'static> {
    let vectors = leaked([DeliveryVectorValues {
        number: 1,
        points: leaked([DeliveryPoint { service: "udp", endpoint: "own" }]),
    }]);
    let contact = ContactSummaryValues {
        endpoint: EndpointName::new("module").unwrap(),
        delivery_vectors: vectors,
    };
    let identity = ModuleIdentity {
        venture: VentureNumber(1),
        unit: UNIT,
        role: ROLE,
        contact,
        first_query: 1,
    };
    let memory = leaked(ModuleMemory::<1_024, 10_240, 8, 8, 512, 16_384>::new());
    let module = leaked(Module::new(&MIB, identity, memory.storage()));
    let mut link = Script { number, asked: Vec::new() };
    module.register(NOW, &mut link, &mut |_| ()).unwrap();
    while let Some(answer) = link.answer() {
        let from = Address::new(0, b"server");
        module.receive_mams(NOW, &from, &answer, &mut link, &mut |_| ());
    }
    assert!(module.id().is_some());
    module
}

/// `module` hears of another at `endpoint`.
pub fn meet(module: &mut Module<'_>, other: ModuleId, endpoint: &str, links: &mut dyn Transport) {
    let points = [DeliveryPoint { service: "udp", endpoint }];
    let contact = ContactSummaryValues {
        endpoint: EndpointName::new(endpoint).unwrap(),
        delivery_vectors: &[DeliveryVectorValues { number: 1, points: &points }],
    };
    let header = mpdu_header();
    let (kind, mut buffer) = (MpduType::MODULE_HAS_STARTED, [0; 256]);
    let octets =
        header.encode_raw(kind, other.reference(), &contact, &header.time, &mut buffer).unwrap();
    module.receive_mams(NOW, &Address::new(0, b"registrar"), octets, links, &mut |_| ());
}

/// The other module subscribes.
pub fn hear_subscription(module: &mut Module<'_>, other: ModuleId, rule: &AssertionValues) {
    let (mut rule_octets, mut buffer) = ([0; 9], [0; 64]);
    rule.encode(&mut Writer::new(&mut rule_octets)).unwrap();
    let content = Content::Subscribe { module: other, assertion: Assertion::new(&rule_octets) };
    let octets = mpdu_header().encode(&content, &mut buffer).unwrap();
    module.receive_mams(NOW, &Address::new(0, b"registrar"), octets, &mut Null, &mut |_| ());
}

/// `module` subscribes itself.
pub fn subscribe(module: &mut Module<'_>) {
    module.subscribe(NOW, &RuleRequest::new(SUBJECT), &mut Null).unwrap();
}

pub fn other(unit: u16, number: u8) -> ModuleId {
    ModuleId { role: ROLE, unit: UnitNumber(unit), module: ModuleNumber(number) }
}

/// Asks for messages on `subject` from everybody.
pub fn rule(subject: SubjectNumber) -> AssertionValues {
    AssertionValues {
        subject,
        domain: Domain::ALL,
        delivery_vector: 1,
        priority: Priority::DEFAULT,
        flow_label: 0,
    }
}

/// Plays the configuration server and the registrar for one registration.
struct Script {
    number: u8,
    asked: Vec<Vec<u8>>,
}

impl Script {
    fn answer(&mut self) -> Option<Vec<u8>> {
        let asked = self.asked.pop()?;
        let query = Mpdu::parse(&asked).unwrap();
        let echo = query.reference();
        let mut buffer = [0; 256];
        let (sender, content) = match query.content() {
            Content::RegistrarQuery { .. } => {
                let registrar = EndpointName::new("registrar").unwrap();
                let cell = CellDescriptor { unit: UNIT, registrar };
                (Sender::CONFIGURATION_SERVER, Content::CellSpec { echo, cell })
            }
            Content::ModuleRegistration { .. } => {
                let module = ModuleNumber(self.number);
                (mpdu_header().sender, Content::YouAreIn { echo, module })
            }
            _ => return self.answer(),
        };
        let header = MpduHeader { sender, ..mpdu_header() };
        Some(header.encode(&content, &mut buffer).unwrap().to_vec())
    }
}

impl Transport for Script {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        Null.resolve(service, endpoint)
    }

    fn send(&mut self, _to: &Address, _label: u8, octets: &[u8]) -> Result<(), SendError> {
        self.asked.push(octets.to_vec());
        Ok(())
    }
}

pub fn mpdu_header() -> MpduHeader<'static> {
    MpduHeader {
        sender: Sender { venture: VentureNumber(1), unit: UNIT, role: RoleNumber::ALL },
        time: TimeCode { seconds: 2_173_990_005 },
        signature: &[],
        checksum: true,
    }
}
