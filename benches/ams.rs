//! Instructions of the AMS codec and of publishing, counted by callgrind: exact
//! and repeatable.
//!
//! `cargo install gungraun-runner --version 0.20.0`, then
//! `cargo bench --bench ams`. A count above the limit of its bench fails the run;
//! the limits are the tables below and nowhere else.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    unused_qualifications,
    unreachable_pub,
    reason = "a benchmark, and what its macros make"
)]

use std::hint::black_box;

use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, ModuleNumber, Priority,
    RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Mib, ServiceMode, Subject, TransportService, Unit, Venture};
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory};
use farpost::ams::pdu::{
    Aams, AamsHeader, AssertionValues, ContactSummaryValues, Content, DeliveryPoint,
    DeliveryVectorValues, EndpointName, MessageType, ModuleStatusHead, Mpdu, MpduHeader, MpduType,
    Sender,
};
use farpost::ams::service::{Indication, Message};
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, SendError, Transport};
use farpost::wire::{Encode, NoSpace, TimeCode, Writer};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};

fn limit(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

const SUBJECT: SubjectNumber = SubjectNumber(1);
const UNIT: UnitNumber = UnitNumber(3);
const ROLE: RoleNumber = RoleNumber(7);
const NOW: Now = Now {
    monotonic: Instant::ZERO,
    utc: Utc::from_unix_seconds(1_795_305_600),
    quality: ClockQuality::FreeRunning,
};

/// Storage that outlives the measurement, so that dropping it is not counted.
fn leaked<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

// --- AAMS -----------------------------------------------------------------------

fn header() -> AamsHeader {
    AamsHeader {
        message_type: MessageType::Unary,
        priority: Priority::DEFAULT,
        flow_label: 0,
        continuum: ContinuumNumber::new(1).unwrap(),
        source: ModuleKey { unit: UNIT, module: ModuleNumber(4) },
        context: ContextNumber::NONE,
        subject: SUBJECT,
    }
}

fn data(length: usize) -> &'static [u8] {
    leaked((0..length).map(|i| i as u8).collect::<Vec<u8>>())
}

fn message(length: usize) -> &'static [u8] {
    header().encode(data(length), true, leaked([0; 1_100])).unwrap()
}

fn to_encode(length: usize) -> (AamsHeader, &'static [u8], &'static mut [u8]) {
    (header(), data(length), leaked([0; 1_100]))
}

// A datagram in, every field of the header and the place of the data out.
#[library_benchmark]
#[bench::octets_0(args = (0), setup = message, config = limit(118))]
#[bench::octets_100(args = (100), setup = message, config = limit(197))]
#[bench::octets_1000(args = (1_000), setup = message, config = limit(630))]
fn aams_parse(octets: &[u8]) -> usize {
    let message = Aams::parse(black_box(octets)).unwrap();
    black_box(message).data().len()
}

#[library_benchmark]
#[bench::octets_0(args = (0), setup = to_encode, config = limit(110))]
#[bench::octets_100(args = (100), setup = to_encode, config = limit(217))]
#[bench::octets_1000(args = (1_000), setup = to_encode, config = limit(757))]
fn aams_encode((header, data, buffer): (AamsHeader, &'static [u8], &'static mut [u8])) -> usize {
    header.encode(black_box(data), true, buffer).unwrap().len()
}

// --- MPDUs ----------------------------------------------------------------------

/// The status of `modules` modules, each with one delivery vector of one delivery
/// point, ten subscriptions and five invitations.
struct Status {
    modules: u8,
    endpoint: EndpointName<'static>,
}

impl Encode for Status {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let points = [DeliveryPoint { service: "udp", endpoint: "10.0.10.17:4202" }];
        let delivery_vectors = [DeliveryVectorValues { number: 1, points: &points }];
        let contact =
            ContactSummaryValues { endpoint: self.endpoint, delivery_vectors: &delivery_vectors };
        to.u32(u32::from(self.modules))?;
        for number in 1..=self.modules {
            let id = ModuleId { role: ROLE, unit: UNIT, module: ModuleNumber(number) };
            ModuleStatusHead(id).encode(to)?;
            contact.encode(to)?;
            for rules in [10_u16, 5] {
                to.u16(rules)?;
                for rule in 0..rules {
                    assertion(rule as i16).encode(to)?;
                }
            }
        }
        Ok(())
    }
}

fn status(modules: u8) -> Status {
    Status { modules, endpoint: EndpointName::new("10.0.10.17:4201").unwrap() }
}

fn assertion(subject: i16) -> AssertionValues {
    AssertionValues {
        subject: SubjectNumber(subject),
        domain: Domain::ALL,
        delivery_vector: 1,
        priority: Priority::DEFAULT,
        flow_label: 0,
    }
}

fn mpdu_header() -> MpduHeader<'static> {
    MpduHeader {
        sender: Sender { venture: VentureNumber(1), unit: UNIT, role: RoleNumber::ALL },
        time: TimeCode { seconds: 2_173_990_005 },
        signature: &[],
        checksum: true,
    }
}

fn module_status(modules: u8) -> &'static [u8] {
    encode_status(&mpdu_header(), &status(modules), leaked([0; 2_048]))
}

fn encode_status<'b>(header: &MpduHeader<'_>, status: &Status, buffer: &'b mut [u8]) -> &'b [u8] {
    let reference = ModuleId::cell(UNIT).reference();
    header.encode_raw(MpduType::MODULE_STATUS, reference, status, &header.time, buffer).unwrap()
}

fn heartbeat() -> &'static [u8] {
    let content = Content::Heartbeat { source: ModuleNumber(4) };
    mpdu_header().encode(&content, leaked([0; 64])).unwrap()
}

fn status_to_encode(modules: u8) -> (MpduHeader<'static>, Status, &'static mut [u8]) {
    (mpdu_header(), status(modules), leaked([0; 2_048]))
}

#[library_benchmark]
#[bench::heartbeat(args = (), setup = heartbeat, config = limit(423))]
#[bench::module_status_1(args = (1), setup = module_status, config = limit(1_486))]
#[bench::module_status_8(args = (8), setup = module_status, config = limit(8_354))]
fn mpdu_parse(octets: &[u8]) -> u32 {
    black_box(Mpdu::parse(black_box(octets)).unwrap()).reference()
}

// Parses, then reads every field of every module, delivery point and rule.
#[library_benchmark]
#[bench::module_status_1(args = (1), setup = module_status, config = limit(3_286))]
#[bench::module_status_8(args = (8), setup = module_status, config = limit(22_015))]
fn mpdu_read_all(octets: &[u8]) -> usize {
    let mpdu = Mpdu::parse(black_box(octets)).unwrap();
    let Content::ModuleStatus { modules, .. } = mpdu.content() else { return 0 };
    let mut fields = 0;
    for module in modules.iter() {
        black_box((module.id, module.contact.endpoint.as_str()));
        for vector in module.contact.delivery_vectors.iter() {
            black_box(vector.number());
            for point in vector.points() {
                black_box(point);
                fields += 1;
            }
        }
        let declaration = module.declaration;
        for rule in declaration.subscriptions.iter().chain(declaration.invitations.iter()) {
            black_box(rule.values());
            fields += 1;
        }
    }
    fields
}

#[library_benchmark]
#[bench::module_status_1(args = (1), setup = status_to_encode, config = limit(802))]
#[bench::module_status_8(args = (8), setup = status_to_encode, config = limit(4_518))]
fn mpdu_encode(
    (header, status, buffer): (MpduHeader<'static>, Status, &'static mut [u8]),
) -> usize {
    encode_status(&header, &status, buffer).len()
}

// --- Publishing -----------------------------------------------------------------

/// Takes everything and keeps nothing. Names resolve to themselves.
struct Null;

impl Transport for Null {
    fn resolve(&mut self, _service: &str, endpoint: &str) -> Option<Address> {
        Some(Address::new(0, endpoint.as_bytes()))
    }

    fn send(&mut self, to: &Address, _flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        black_box((to, octets));
        Ok(())
    }
}

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

/// A module that has been told of `receivers` subscribers to its subject, by the
/// MPDUs its registrar would have sent.
fn publisher(receivers: u8) -> (&'static mut Module<'static>, &'static [u8]) {
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
    let memory = leaked(ModuleMemory::<128, 1_024, 8, 8, 512, 1_100>::new());
    let module = leaked(Module::new(&MIB, identity, memory.storage()));
    let mut link = Script::default();
    let mut registered = false;
    let mut user = |indication| registered |= matches!(indication, Indication::Registered(_));
    module.register(NOW, &mut link, &mut user).unwrap();
    while let Some(answer) = link.answer() {
        let from = Address::new(0, b"server");
        module.receive_mams(NOW, &from, &answer, &mut link, &mut user);
    }
    for number in 1..=receivers {
        let mut buffer = [0; 256];
        for octets in [starting(number, &mut buffer).to_vec(), subscribing(number)] {
            let from = Address::new(0, b"registrar");
            module.receive_mams(NOW, &from, &octets, &mut Null, &mut user);
        }
    }
    assert!(registered);
    assert_eq!(module.rules().count(), usize::from(receivers));
    (module, data(100))
}

/// Plays the configuration server and the registrar for one registration.
#[derive(Default)]
struct Script(Vec<Vec<u8>>);

impl Script {
    fn answer(&mut self) -> Option<Vec<u8>> {
        let asked = self.0.pop()?;
        let query = Mpdu::parse(&asked).unwrap();
        let echo = query.reference();
        let mut buffer = [0; 256];
        let (sender, content) = match query.content() {
            Content::RegistrarQuery { .. } => {
                let cell = farpost::ams::pdu::CellDescriptor {
                    unit: UNIT,
                    registrar: EndpointName::new("registrar").unwrap(),
                };
                (Sender::CONFIGURATION_SERVER, Content::CellSpec { echo, cell })
            }
            Content::ModuleRegistration { .. } => {
                (mpdu_header().sender, Content::YouAreIn { echo, module: ModuleNumber(200) })
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
        self.0.push(octets.to_vec());
        Ok(())
    }
}

fn peer(number: u8) -> ModuleId {
    ModuleId { role: ROLE, unit: UNIT, module: ModuleNumber(number) }
}

fn starting(number: u8, buffer: &mut [u8]) -> &[u8] {
    let points = [DeliveryPoint { service: "udp", endpoint: "peer" }];
    let delivery_vectors = [DeliveryVectorValues { number: 1, points: &points }];
    let contact = ContactSummaryValues {
        endpoint: EndpointName::new("peer").unwrap(),
        delivery_vectors: &delivery_vectors,
    };
    let header = mpdu_header();
    let reference = peer(number).reference();
    header
        .encode_raw(MpduType::MODULE_HAS_STARTED, reference, &contact, &header.time, buffer)
        .unwrap()
}

fn subscribing(number: u8) -> Vec<u8> {
    let mut buffer = [0; 64];
    let octets = assertion(SUBJECT.0).octets();
    let content = Content::Subscribe {
        module: peer(number),
        assertion: farpost::ams::pdu::Assertion::new(&octets),
    };
    mpdu_header().encode(&content, &mut buffer).unwrap().to_vec()
}

// One message of 100 octets, with checksum.
#[library_benchmark]
#[bench::to_1(args = (1), setup = publisher, config = limit(645))]
#[bench::to_10(args = (10), setup = publisher, config = limit(3_330))]
#[bench::to_100(args = (100), setup = publisher, config = limit(33_700))]
fn publish((module, data): (&'static mut Module<'static>, &'static [u8])) -> u32 {
    module.publish(&Message::new(SUBJECT, data), &mut Null, &mut |_| ()).unwrap().sent
}

library_benchmark_group!(
    name = ams,
    benchmarks = [aams_parse, aams_encode, mpdu_parse, mpdu_read_all, mpdu_encode, publish]
);
main!(library_benchmark_groups = ams);
