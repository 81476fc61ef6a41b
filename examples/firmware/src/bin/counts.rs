//! Instructions of a Cortex-M4, counted by QEMU: with `-icount shift=6,sleep=off` an
//! instruction takes 64 ns of its time, and a tick of the timer 40 ns. They are not
//! cycles, and the same on every machine.
#![no_std]
#![no_main]

#[path = "../mps2/mod.rs"]
mod mps2;
#[path = "../panic.rs"]
mod panic;

use core::hint::black_box;

use cortex_m_rt::entry;
use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleId, ModuleKey, ModuleNumber, Priority,
    RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use farpost::ams::mib::{Mib, Role, Subject, Venture};
use farpost::ams::module::{ModuleMemory, StaticMember, StaticModule, StaticSpace};
use farpost::ams::pdu::{
    Aams, AamsHeader, AssertionValues, ContactSummaryValues, Content, DeliveryPoint,
    DeliveryVectorValues, EndpointName, MessageType, ModuleStatusHead, Mpdu, MpduHeader, MpduType,
    Sender,
};
use farpost::ams::service::{self, Indication};
use farpost::scos::calendar::{Pattern, Reserve, Search, Shape, WeekPlan};
use farpost::scos::messages::{Message, Outcome, Report};
use farpost::scos::{ActorId, Detector, RequestId, ScanId, ScanParameters, Window};
use farpost::transport::{Address, SendError, Transport};
use farpost::wire::{Encode, NoSpace, TimeCode, Writer};
use microfft::Complex32;
use semihosting::{println, process};

use mps2::Board;
use mps2::timer::Timer;

/// So often is each operation performed.
const TIMES: u64 = 64;
/// Nanoseconds of a tick and of an instruction.
const TICK: u64 = 40;
const INSTRUCTION: u64 = 64;

#[entry]
fn main() -> ! {
    // SAFETY: this is the only call.
    let (_, timer) = unsafe { Board::take() };
    timer.start();
    let counter = Counter { nothing: spent(&timer, || black_box(0_u32)), timer };
    messages(&counter);
    mpdus(&counter);
    publications(&counter);
    calendar(&counter);
    reports(&counter);
    transforms(&counter);
    process::exit(0)
}

struct Counter {
    timer: Timer,
    /// What counting itself takes.
    nothing: u64,
}

impl Counter {
    fn count<R>(&self, name: &str, run: impl FnMut() -> R) {
        let ticks = spent(&self.timer, run).saturating_sub(self.nothing);
        println!("{name}: {}", ticks * TICK / INSTRUCTION / TIMES);
    }
}

#[inline(never)]
fn spent<R>(timer: &Timer, mut run: impl FnMut() -> R) -> u64 {
    let start = timer.ticks();
    for _time in 0..TIMES {
        black_box(run());
    }
    timer.ticks() - start
}

fn messages(counter: &Counter) {
    let header = AamsHeader {
        message_type: MessageType::Unary,
        priority: Priority::DEFAULT,
        flow_label: 0,
        continuum: ContinuumNumber::from_bits(1),
        source: ModuleKey { unit: UnitNumber(1), module: ModuleNumber(4) },
        context: ContextNumber::NONE,
        subject: SubjectNumber(1),
    };
    let data = [0x5a; 1_000];
    let mut buffer = [0; 1_100];
    for length in [0, 100, 1_000] {
        let Some(data) = data.get(..length) else { continue };
        let octets = match header.encode(data, true, &mut buffer) {
            Ok(written) => written.len(),
            Err(_) => 0,
        };
        let mut copy = buffer;
        let Some(octets) = copy.get_mut(..octets) else { continue };
        match length {
            0 => counter.count("AMS message read, 0 octets", || read(octets)),
            100 => counter.count("AMS message read, 100 octets", || read(octets)),
            _ => counter.count("AMS message read, 1,000 octets", || read(octets)),
        }
        let mut write = || header.encode(black_box(data), true, &mut buffer).map(|w| w.len());
        match length {
            0 => counter.count("AMS message written, 0 octets", &mut write),
            100 => counter.count("AMS message written, 100 octets", &mut write),
            _ => counter.count("AMS message written, 1,000 octets", &mut write),
        }
    }
}

fn read(octets: &[u8]) -> Option<(AamsHeader, usize)> {
    let message = Aams::parse(black_box(octets)).ok()?;
    Some((message.header()?, message.data().len()))
}

const POINTS: &[DeliveryVectorValues<'_>] = &[DeliveryVectorValues {
    number: 1,
    points: &[DeliveryPoint { service: "udp", endpoint: "10.0.10.17:4202" }],
}];
const RULE: AssertionValues = AssertionValues {
    subject: SubjectNumber(1),
    domain: Domain::ALL,
    delivery_vector: 1,
    priority: Priority::DEFAULT,
    flow_label: 0,
};

const fn module(number: u8) -> ModuleId {
    ModuleId { role: RoleNumber(2), unit: UnitNumber::ROOT, module: ModuleNumber(number) }
}

/// The status of a module with one delivery vector of one point, ten subscriptions and
/// five invitations.
struct Status(EndpointName<'static>);

impl Encode for Status {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u32(1)?;
        ModuleStatusHead(module(1)).encode(to)?;
        ContactSummaryValues { endpoint: self.0, delivery_vectors: POINTS }.encode(to)?;
        for rules in [10_u16, 5] {
            to.u16(rules)?;
            for subject in 1_i16.. {
                if subject.unsigned_abs() > rules {
                    break;
                }
                AssertionValues { subject: SubjectNumber(subject), ..RULE }.encode(to)?;
            }
        }
        Ok(())
    }
}

fn mpdus(counter: &Counter) {
    let Ok(endpoint) = EndpointName::new("10.0.10.17:4201") else { return };
    let sender =
        Sender { venture: VentureNumber(1), unit: UnitNumber::ROOT, role: RoleNumber::ALL };
    let time = TimeCode { seconds: 1 };
    let header = MpduHeader { sender, time, signature: &[], checksum: true };
    let (mut buffer, mut again) = ([0; 256], [0; 256]);
    let beat = Content::Heartbeat { source: ModuleNumber::NONE };
    let octets = header.encode(&beat, &mut buffer).unwrap_or_default();
    counter.count("heartbeat read", || Mpdu::parse(black_box(octets)).is_ok());
    counter.count("heartbeat written", || header.encode(black_box(&beat), &mut again).is_ok());
    let status = Status(endpoint);
    let (kind, reference) = (MpduType::MODULE_STATUS, module(1).reference());
    let octets = header.encode_raw(kind, reference, &status, &time, &mut buffer);
    let octets = octets.unwrap_or_default();
    counter.count("module_status of 1 module read", || Mpdu::parse(black_box(octets)).is_ok());
    counter.count("module_status of 1 module written", || {
        header.encode_raw(kind, reference, black_box(&status), &time, &mut again).is_ok()
    });
}

/// A link that takes everything.
struct Null;

impl Transport for Null {
    fn resolve(&mut self, _service: &str, endpoint: &str) -> Option<Address> {
        Some(Address::new(1, endpoint.as_bytes()))
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        black_box((to, flow_label, octets));
        Ok(())
    }
}

fn publications(counter: &Counter) {
    const MIB: Mib<'_> = Mib {
        checksums: true,
        ventures: &[Venture {
            roles: &[Role::new(RoleNumber(2), "any")],
            subjects: &[Subject::new(SubjectNumber(1), "reading")],
            ..Venture::new(VentureNumber(1), "power", "example")
        }],
        ..Mib::new(ContinuumNumber::from_bits(1), "board")
    };
    const fn receiver(number: u8) -> StaticMember<'static> {
        StaticMember {
            delivery_vectors: POINTS,
            subscriptions: &[RULE],
            ..StaticMember::new(module(number))
        }
    }
    const MEMBERS: &[StaticMember<'_>] = &[
        StaticMember::new(module(1)),
        receiver(2),
        receiver(3),
        receiver(4),
        receiver(5),
        receiver(6),
        receiver(7),
        receiver(8),
        receiver(9),
        receiver(10),
        receiver(11),
    ];
    let data = [0x5a; 100];
    let message = service::Message::new(SubjectNumber(1), &data);
    for receivers in [1, 10] {
        let Some(members) = MEMBERS.get(..=receivers) else { continue };
        let space = StaticSpace { venture: VentureNumber(1), members };
        let mut memory = ModuleMemory::<10, 10, 1, 0, 0, 128>::new();
        let storage = memory.storage();
        let made = StaticModule::new(&MIB, &space, module(1).key(), storage, &mut Null);
        let Ok(mut publisher) = made else { continue };
        let mut run = || {
            let user = &mut |_: Indication| {};
            publisher.publish(black_box(&message), &mut Null, user).map(|copies| copies.sent)
        };
        match receivers {
            1 => counter.count("published, 100 octets, 1 receiver", &mut run),
            _ => counter.count("published, 100 octets, 10 receivers", &mut run),
        }
    }
}

fn calendar(counter: &Counter) {
    let mut plan = WeekPlan::new();
    let (Ok(five), Ok(seven), Ok(day)) =
        (Shape::new(5, 0, 0), Shape::new(5, 6, 1_440), Shape::new(1_440, 0, 0))
    else {
        return;
    };
    let (Ok(at), Ok(daily)) = (Pattern::new(5_000, five), Pattern::new(600, seven)) else {
        return;
    };
    let search = Search { wanted: 0, earliest: 0, max_shift: None, reserve: Reserve::NONE };
    counter.count("calendar: exact, 5 minutes", || black_box(&plan).exact(&at));
    counter.count("calendar: exact, daily for a week", || black_box(&plan).exact(&daily));
    counter.count("calendar: nearest, 5 minutes", || black_box(&plan).nearest(five, &search));
    counter.count("calendar: nearest, a day", || black_box(&plan).nearest(day, &search));
    counter.count("calendar: booked and cancelled", || {
        plan.book(black_box(&at));
        plan.cancel(black_box(&at));
    });
    // The whole week is looked at where nothing is free.
    let Ok(all) = Shape::new(10_080, 0, 0).and_then(|week| Pattern::new(0, week)) else { return };
    plan.book(&all);
    counter
        .count("calendar: no 5 minutes in a full week", || black_box(&plan).nearest(five, &search));
    counter.count("calendar: no day in a full week", || black_box(&plan).nearest(day, &search));
    counter.count("calendar: no daily 5 minutes in a full week", || {
        black_box(&plan).nearest(seven, &search)
    });
}

fn reports(counter: &Counter) {
    let spectrum = [0x5a; 1_000];
    let parameters = ScanParameters {
        center_hz: 98_000_000,
        bandwidth_hz: 2_000_000,
        resolution_hz: 5_000,
        transforms: 32,
        detector: Detector::Mean,
        window: Window::BlackmanHarris,
        gain_db: 20,
        settings: None,
    };
    let report = Message::Report(Report {
        scan: ScanId { actor: ActorId(1), request: RequestId(1), occurrence: 0 },
        start: 29_923_800,
        outcome: Outcome::Complete,
        time_to_complete_ms: 20,
        parameters,
        metadata: 1,
        spectrum: &spectrum,
    });
    let mut buffer = [0; 1_152];
    let length = report.encode(&mut buffer).map_or(0, <[u8]>::len);
    let copy = buffer;
    let octets = copy.get(..length).unwrap_or_default();
    counter.count("SCOS report read, 1,000 octets", || Message::parse(black_box(octets)).is_ok());
    counter.count("SCOS report written, 1,000 octets", || {
        black_box(&report).encode(&mut buffer).is_ok()
    });
}

fn transforms(counter: &Counter) {
    let mut samples = [Complex32::new(0.5, -0.5); 512];
    counter.count("Fourier transform of 512 samples", || {
        microfft::complex::cfft_512(black_box(&mut samples)).len()
    });
}
