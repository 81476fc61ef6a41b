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
    RoleNumber, SubjectNumber,
};
use farpost::ams::module::Module;
use farpost::ams::pdu::{
    Aams, AamsHeader, AssertionValues, ContactSummaryValues, Content, DeliveryPoint,
    DeliveryVectorValues, EndpointName, MessageType, ModuleStatusHead, Mpdu, MpduHeader, MpduType,
};
use farpost::ams::service::Message;
use farpost::wire::{Encode, NoSpace, Writer};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};

use member::{
    Null, ROLE, SUBJECT, UNIT, data, hear_subscription, leaked, meet, member, mpdu_header, other,
    rule,
};

mod member;

fn limit(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
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

fn message(length: usize) -> &'static [u8] {
    header().encode(data(length), true, leaked([0; 1_100])).unwrap()
}

fn to_encode(length: usize) -> (AamsHeader, &'static [u8], &'static mut [u8]) {
    (header(), data(length), leaked([0; 1_100]))
}

// A datagram in, every field of the header and the place of the data out.
#[library_benchmark]
#[bench::octets_0(args = (0), setup = message, config = limit(141))]
#[bench::octets_100(args = (100), setup = message, config = limit(179))]
#[bench::octets_1000(args = (1_000), setup = message, config = limit(391))]
fn aams_parse(octets: &[u8]) -> usize {
    let message = Aams::parse(black_box(octets)).unwrap();
    black_box(message).data().len()
}

#[library_benchmark]
#[bench::octets_0(args = (0), setup = to_encode, config = limit(135))]
#[bench::octets_100(args = (100), setup = to_encode, config = limit(191))]
#[bench::octets_1000(args = (1_000), setup = to_encode, config = limit(502))]
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
                for number in 0..rules {
                    rule(SubjectNumber(number as i16)).encode(to)?;
                }
            }
        }
        Ok(())
    }
}

fn status(modules: u8) -> Status {
    Status { modules, endpoint: EndpointName::new("10.0.10.17:4201").unwrap() }
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
#[bench::heartbeat(args = (), setup = heartbeat, config = limit(290))]
#[bench::module_status_1(args = (1), setup = module_status, config = limit(1_150))]
#[bench::module_status_8(args = (8), setup = module_status, config = limit(6_820))]
fn mpdu_parse(octets: &[u8]) -> u32 {
    black_box(Mpdu::parse(black_box(octets)).unwrap()).reference()
}

// Parses, then reads every field of every module, delivery point and rule.
#[library_benchmark]
#[bench::module_status_1(args = (1), setup = module_status, config = limit(2_840))]
#[bench::module_status_8(args = (8), setup = module_status, config = limit(19_200))]
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
#[bench::module_status_1(args = (1), setup = status_to_encode, config = limit(725))]
#[bench::module_status_8(args = (8), setup = status_to_encode, config = limit(3_870))]
fn mpdu_encode(
    (header, status, buffer): (MpduHeader<'static>, Status, &'static mut [u8]),
) -> usize {
    encode_status(&header, &status, buffer).len()
}

// --- Publishing -----------------------------------------------------------------

/// A module that knows a thousand others in four cells, which it has been told of
/// by the MPDUs of its registrar. Of `candidates` of them it knows a subscription
/// to `SUBJECT`, and every one asks for messages of this module that is in
/// `receivers`; all have others besides, `rules` in all.
fn publisher(
    (rules, candidates, receivers): (u16, u16, u16),
) -> (&'static mut Module<'static>, &'static [u8]) {
    let module = member(200);
    let others = rules.div_ceil(10).clamp(candidates, 1_000).max(1);
    let who = |index: u16| other(index / 250, (index % 250) as u8 + 1);
    for index in (0..others).filter(|index| who(*index) != other(UNIT.0, 200)) {
        meet(module, who(index), "peer", &mut Null);
    }
    let nobody = Domain { role: RoleNumber(99), ..Domain::ALL };
    let mut noted = 0;
    for index in
        (0..others).filter(|index| who(*index) != other(UNIT.0, 200)).take(candidates.into())
    {
        let domain = if noted * receivers / candidates != (noted + 1) * receivers / candidates {
            Domain::ALL
        } else {
            nobody
        };
        hear_subscription(module, who(index), &AssertionValues { domain, ..rule(SUBJECT) });
        noted += 1;
    }
    let mut subject = 2;
    while noted < rules {
        let index = noted % others;
        subject += i16::from(index == 0);
        if who(index) != other(UNIT.0, 200) {
            hear_subscription(module, who(index), &rule(SubjectNumber(subject)));
        }
        noted += 1;
    }
    // What is published again and again has been published before.
    let data = data(100);
    let fanout = module.publish(&Message::new(SUBJECT, data), &mut Null, &mut |_| ()).unwrap();
    assert_eq!(fanout.sent, u32::from(receivers));
    (module, data)
}

// Candidates on a subject, found and judged.
#[library_benchmark]
#[bench::of_10_rules(args = ((10, 2, 1)), setup = publisher, config = limit(100 + 22 * 2))]
#[bench::of_100_rules(args = ((100, 5, 2)), setup = publisher, config = limit(100 + 22 * 5))]
#[bench::of_1000_rules(args = ((1_000, 10, 4)), setup = publisher, config = limit(100 + 22 * 10))]
#[bench::of_10000_rules(args = ((10_000, 27, 10)), setup = publisher, config = limit(100 + 22 * 27))]
#[bench::one_of_10000(args = ((10_000, 1, 1)), setup = publisher, config = limit(100 + 22))]
#[bench::all_of_250(args = ((250, 250, 250)), setup = publisher, config = limit(100 + 22 * 250))]
fn find_subscribers((module, _): (&'static mut Module<'static>, &'static [u8])) -> usize {
    black_box(&*module).subscribers(black_box(SUBJECT)).count()
}

// One message of 100 octets, with checksum.
#[library_benchmark]
#[bench::to_1(args = ((1, 1, 1)), setup = publisher, config = limit(236))]
#[bench::to_10(args = ((10, 10, 10)), setup = publisher, config = limit(1_635))]
#[bench::to_100(args = ((100, 100, 100)), setup = publisher, config = limit(11_770))]
fn publish((module, data): (&'static mut Module<'static>, &'static [u8])) -> u32 {
    module.publish(&Message::new(SUBJECT, data), &mut Null, &mut |_| ()).unwrap().sent
}

library_benchmark_group!(
    name = ams,
    benchmarks = [
        aams_parse,
        aams_encode,
        mpdu_parse,
        mpdu_read_all,
        mpdu_encode,
        find_subscribers,
        publish
    ]
);
main!(library_benchmark_groups = ams);
