use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::scos::messages::{
    Advertised, Associated, Association, AssociationRefusal, AssociationRefused,
};
use crate::scos::metadata::{
    ClockStatus, Environment, Filter, FrontEndStatus, HardwareSpec, SectionError, SectionKey,
    SectionKind, Unsound,
};
use crate::scos::testing::{KINDS, MONDAY, SCAN, Wire, address, at, messages, octets, parts, ssd};
use crate::scos::{ActorId, RequestId, Series};

/// A sensor that writes down what it is told, and refuses when told to.
#[derive(Default)]
struct Notes {
    begun: Vec<Scan>,
    stopped: Vec<Scan>,
    events: Vec<AssociationEvent>,
    refuse: Option<Rejection>,
}

impl Sensor for Notes {
    fn begin(&mut self, _now: Now, scan: &Scan) -> Result<(), Rejection> {
        self.begun.push(*scan);
        self.refuse.map_or(Ok(()), Err)
    }

    fn stop(&mut self, _now: Now, scan: &Scan) {
        self.stopped.push(*scan);
    }

    fn association(&mut self, _now: Now, event: AssociationEvent) {
        self.events.push(event);
    }
}

struct Bench {
    ssd: Ssd<'static>,
    wire: Wire,
    notes: Notes,
}

impl Bench {
    /// A device that is associated at second 0, with nothing to say.
    fn new() -> Self {
        let mut bench = Self {
            ssd: ssd("mast-1", address(0), 1),
            wire: Wire::default(),
            notes: Notes::default(),
        };
        bench.tick(0);
        bench.receive(0, &associated(1, 9));
        bench.wire.take();
        for _ in 0..2 {
            bench.tick(0);
            bench.take_sections(0);
        }
        bench
    }

    /// Acknowledges the sections that were sent, as an SSM would. Returns their keys.
    fn take_sections(&mut self, seconds: u64) -> Vec<SectionKey> {
        let sent = self.wire.take();
        let said = messages(&sent).into_iter().filter_map(|message| match message {
            Message::Advertise(said) => Some((said.revision, said.section.key())),
            _ => None,
        });
        let said: Vec<_> = said.collect();
        for &(revision, section) in &said {
            let answer = Advertised { revision, section, full: false };
            self.receive(seconds, &Message::Advertised(answer));
        }
        said.into_iter().map(|(_, section)| section).collect()
    }

    fn receive(&mut self, seconds: u64, message: &Message<'_>) {
        self.receive_from(seconds, 0, message);
    }

    fn receive_from(&mut self, seconds: u64, from: u8, message: &Message<'_>) {
        let octets = octets(message);
        self.ssd.receive(at(seconds), &address(from), &octets, &mut self.wire, &mut self.notes);
    }

    fn tick(&mut self, seconds: u64) {
        self.ssd.tick(at(seconds), &mut self.wire, &mut self.notes);
    }

    /// Applies changes and returns the acknowledgements.
    fn change(&mut self, seconds: u64, changes: &[(u32, u32, Change)]) -> Vec<(u32, bool)> {
        self.wire.take();
        for &(base, version, change) in changes {
            let change = ScheduleChange { epoch: 9, base, version, change };
            self.receive(seconds, &Message::ScheduleChange(change));
        }
        let sent = self.wire.take();
        let acks = messages(&sent).into_iter().map(|message| match message {
            Message::ScheduleAck(ack) => (ack.version, ack.full),
            other => panic!("{other:?}"),
        });
        acks.collect()
    }

    /// The reports sent at a second.
    fn reports(&mut self, seconds: u64) -> Vec<(u16, Outcome, u32)> {
        self.wire.take();
        self.tick(seconds);
        let sent = self.wire.take();
        let reports = messages(&sent).into_iter().filter_map(|message| match message {
            Message::Report(report) => {
                Some((report.scan.occurrence, report.outcome, report.time_to_complete_ms))
            }
            _ => None,
        });
        reports.collect()
    }
}

fn associated(sequence: u32, epoch: u32) -> Message<'static> {
    Message::Associated(Associated {
        device: "mast-1",
        sequence,
        state: Association::New,
        max_ttl_s: 90_000,
        remaining_ttl_s: 90_000,
        epoch,
    })
}

/// A recipe of two minutes from minute `start` on, every ten minutes.
fn add(request: u32, start: i64, repeats: u16, next: u16) -> Change {
    let series = Series { start: MONDAY + start, minutes: 2, repeats, offset: 10 };
    let (actor, request) = (ActorId(7), RequestId(request));
    Change::Add { entry: ScheduleEntry { actor, request, series, parameters: SCAN }, next }
}

fn scan(request: u32, occurrence: u16) -> ScanId {
    ScanId { actor: ActorId(7), request: RequestId(request), occurrence }
}

/// A device that has just been associated, with all to say.
fn arrived() -> Bench {
    let mut bench =
        Bench { ssd: ssd("mast-1", address(0), 1), wire: Wire::default(), notes: Notes::default() };
    bench.tick(0);
    bench.receive_from(0, 5, &associated(1, 9));
    bench.wire.take();
    bench
}

#[test]
fn it_associates_advertises_and_says_how_much_it_holds() {
    let mut bench = arrived();
    assert!(bench.ssd.is_associated());
    assert_eq!(bench.notes.events, [AssociationEvent::Associated]);
    let kinds = |sent: &[(Address, Vec<u8>)]| -> Vec<SectionKind> {
        let said = messages(sent).into_iter().map(|message| match message {
            Message::Advertise(said) => {
                assert_eq!(said.boot, 1);
                said.section.key().kind
            }
            other => panic!("{other:?}"),
        });
        said.collect()
    };
    use SectionKind::{Analyser, Antenna, Clock, Host, Location};
    let mut sent = Vec::new();
    for second in [0, 2, 6] {
        bench.tick(second);
        sent = bench.wire.take();
        assert!(sent.iter().all(|(to, _)| *to == address(5)));
        assert_eq!(kinds(&sent), [Analyser, Antenna, Host, Location, Clock], "but no sensor yet");
    }
    // What is acknowledged is not said again, and the sensor waits for the last.
    for (nth, message) in messages(&sent).iter().enumerate().skip(1) {
        let Message::Advertise(said) = message else { panic!() };
        let answer =
            Advertised { revision: said.revision, section: said.section.key(), full: nth == 1 };
        bench.receive_from(7, 5, &Message::Advertised(answer));
        bench.receive_from(7, 5, &Message::Advertised(answer));
    }
    assert_eq!((bench.ssd.stats().stale_answers, bench.ssd.stats().sections_refused), (4, 1));
    bench.tick(14);
    let sent = bench.wire.take();
    let [Message::Advertise(said)] = messages(&sent)[..] else { panic!("{sent:?}") };
    assert!(matches!(said.section, Section::Analyser(_)));
    let answer = Advertised { revision: said.revision, section: said.section.key(), full: false };
    bench.receive_from(14, 5, &Message::Advertised(answer));
    assert_eq!(bench.ssd.next_deadline(), Some(Instant::ZERO));
    bench.tick(14);
    let sent = bench.wire.take();
    let [Message::Advertise(said)] = messages(&sent)[..] else { panic!("{sent:?}") };
    assert_eq!(said.section, crate::scos::testing::sensor(16));
    let answer = Advertised { revision: said.revision, section: said.section.key(), full: false };
    bench.receive_from(14, 5, &Message::Advertised(answer));
    bench.tick(60);
    assert_eq!(bench.wire.take(), []);
}

#[test]
fn what_changes_is_said_again_and_nothing_else() {
    let mut bench = Bench::new();
    bench.tick(60);
    assert_eq!(bench.take_sections(60), []);
    // What it said before is no news.
    let weather = |weather| Section::Environment(Environment { weather, ..Environment::UNKNOWN });
    assert_eq!(bench.ssd.set_section(&weather("rain")), Ok(()));
    let revision = |bench: &Bench| bench.ssd.advertising.revision();
    let before = revision(&bench);
    assert_eq!(bench.ssd.set_section(&weather("rain")), Ok(()));
    assert_eq!(revision(&bench), before);
    bench.tick(61);
    let environment = SectionKey { kind: SectionKind::Environment, index: 0 };
    assert_eq!(bench.take_sections(61), [environment]);
    // The acknowledgement of what has changed since is stale.
    assert_eq!(bench.ssd.set_section(&weather("sun")), Ok(()));
    let late = Advertised { revision: before, section: environment, full: false };
    bench.receive(62, &Message::Advertised(late));
    bench.tick(62);
    assert_eq!(bench.take_sections(62), [environment]);
    // How many recipes there are is known to the storage alone.
    assert_eq!(bench.ssd.set_section(&crate::scos::testing::sensor(99)), Ok(()));
    assert_eq!(bench.ssd.metadata().sensor().unwrap().recipes, 16);
    // The clock is noticed by itself.
    let now = Now { quality: ClockQuality::FreeRunning, ..at(63) };
    bench.ssd.tick(now, &mut bench.wire, &mut bench.notes);
    let clock = SectionKey { kind: SectionKind::Clock, index: 0 };
    assert_eq!(bench.take_sections(63), [clock]);
    let said = bench.ssd.metadata().get(SectionKind::Clock, 0);
    assert_eq!(said, Some(Section::Clock(ClockStatus::FreeRunning)));
}

/// It was given to an association that the SSM has forgotten since, with all that was said.
#[test]
fn an_acknowledgement_from_before_an_association_is_stale() {
    let mut bench = Bench::new();
    let weather = Section::Environment(Environment { weather: "rain", ..Environment::UNKNOWN });
    assert_eq!(bench.ssd.set_section(&weather), Ok(()));
    let (section, revision) = (weather.key(), bench.ssd.advertising.revision());
    bench.tick(60);
    bench.receive(61, &Message::NotAssociated);
    bench.tick(61);
    bench.receive(61, &associated(2, 9));
    let late = Advertised { revision, section, full: false };
    bench.receive(62, &Message::Advertised(late));
    bench.wire.take();
    bench.tick(62);
    assert!(bench.take_sections(62).contains(&section));
    assert_eq!(bench.ssd.stats().stale_answers, 1);
}

#[test]
fn what_cannot_be_said_is_refused_and_what_was_said_stands() {
    let mut bench = Bench::new();
    let hot = FrontEndStatus { temperature_tenth_c: Some(20_000), ..FrontEndStatus::default() };
    let refused = bench.ssd.set_section(&Section::FrontEndStatus(hot));
    assert_eq!(refused, Err(SectionError::Unsound(Unsound::Temperature)));
    let filter = |index| {
        let id = "12345678901234567890123456789012";
        let spec = HardwareSpec { id, model: id, version: id, description: id };
        Section::Filter(Filter { index, spec, passband: None, stopband: None })
    };
    let mut kept = 0;
    while bench.ssd.set_section(&filter(kept)) == Ok(()) {
        kept += 1;
    }
    assert!((8..=15).contains(&kept), "{kept}");
    assert_eq!(bench.ssd.set_section(&filter(kept)), Err(SectionError::Full));
    assert_eq!(bench.ssd.set_section(&filter(0)), Ok(()));
    assert!(bench.ssd.metadata().is_complete());
    assert_eq!(bench.ssd.stats().sections_full, 0);
}

#[test]
fn the_report_tells_the_parameters_as_executed() {
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 1, 0))]);
    bench.tick(300);
    let could = ScanParameters { bandwidth_hz: 1_999_998, ..SCAN };
    assert_eq!(bench.ssd.executes(scan(9, 0), could), Err(ScanEndError::NotRunning));
    assert_eq!(bench.ssd.executes(scan(3, 0), could), Ok(()));
    bench.ssd.complete(at(310), scan(3, 0), &[1]).unwrap();
    bench.wire.take();
    bench.tick(310);
    let sent = bench.wire.take();
    let [Message::Report(report)] = messages(&sent)[..] else { panic!("{sent:?}") };
    assert_eq!((report.parameters, report.outcome), (could, Outcome::Complete));
    assert_eq!(report.metadata, bench.ssd.advertising.revision());
}

#[test]
fn a_scan_that_ends_in_its_slot_is_complete() {
    let mut bench = Bench::new();
    assert_eq!(bench.change(1, &[(0, 1, add(3, 5, 1, 0))]), [(1, false)]);
    assert_eq!(bench.ssd.next_deadline(), Some(at(300).monotonic));
    assert_eq!(bench.reports(299), []);
    assert_eq!(bench.reports(300), []);
    assert_eq!(bench.notes.begun.len(), 1);
    assert_eq!(bench.ssd.running().unwrap().id, scan(3, 0));
    assert_eq!(bench.ssd.next_deadline(), Some(at(420).monotonic));
    assert_eq!(bench.ssd.complete(at(341), scan(3, 1), b""), Err(ScanEndError::NotRunning));
    assert_eq!(bench.ssd.complete(at(341), scan(3, 0), &[0; 1_025]), Err(ScanEndError::TooLong));
    assert_eq!(bench.ssd.complete(at(341), scan(3, 0), b"spectrum"), Ok(()));
    assert_eq!(bench.ssd.complete(at(341), scan(3, 0), b"again"), Err(ScanEndError::NotRunning));
    assert_eq!(bench.reports(341), [(0, Outcome::Complete, 41_000)]);
    // Until it is acknowledged, with back-off.
    assert_eq!(bench.reports(342), []);
    assert_eq!(bench.reports(343), [(0, Outcome::Complete, 41_000)]);
    bench.receive(344, &Message::ReportAck(scan(3, 0)));
    bench.receive(344, &Message::ReportAck(scan(3, 0)));
    assert_eq!(bench.reports(347), []);
    assert_eq!(bench.ssd.unacknowledged(), 0);
    assert_eq!(bench.ssd.stats().stray_acknowledgements, 1);
    assert_eq!(bench.ssd.next_deadline(), Some(at(900).monotonic));
}

#[test]
fn a_scan_that_does_not_is_cut() {
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 0, 0))]);
    bench.tick(300);
    // The slot is over, though the machine has not been told yet.
    assert_eq!(bench.ssd.complete(at(421), scan(3, 0), b""), Err(ScanEndError::NotRunning));
    assert_eq!(bench.reports(421), [(0, Outcome::Incomplete, 121_000)]);
    assert_eq!(bench.notes.stopped.len(), 1);
    assert_eq!(bench.ssd.running(), None);
}

#[test]
fn every_rejection_of_a_device_has_its_reason() {
    let rejected = Outcome::Rejected;
    // The sensor refuses, or fails later.
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 0, 0)), (1, 2, add(4, 10, 0, 0))]);
    bench.notes.refuse = Some(Rejection::Unable);
    assert_eq!(bench.reports(300), [(0, rejected(Rejection::Unable), 0)]);
    bench.notes.refuse = None;
    bench.tick(600);
    assert_eq!(bench.ssd.fail(at(610), scan(4, 0), Rejection::Sensor), Ok(()));
    assert!(bench.reports(610).contains(&(0, rejected(Rejection::Sensor), 0)));
    // Too late, by more than the tolerance of five seconds.
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 0, 0)), (1, 2, add(4, 10, 0, 0))]);
    assert_eq!(bench.reports(306), [(0, rejected(Rejection::Missed), 0)]);
    bench.tick(605);
    assert_eq!(bench.notes.begun.len(), 1);
    // Another scan runs.
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 0, 0)), (1, 2, add(4, 6, 0, 0))]);
    bench.tick(300);
    assert_eq!(bench.reports(360), [(0, rejected(Rejection::Busy), 0)]);
    // The clock is not set.
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 0, 0))]);
    let now = Now { quality: ClockQuality::Unset, ..at(300) };
    bench.ssd.tick(now, &mut bench.wire, &mut bench.notes);
    assert_eq!(bench.notes.begun, []);
    assert_eq!(bench.reports(302), [(0, rejected(Rejection::Clock), 0)]);
}

#[test]
fn a_clock_that_is_stepped_back_repeats_nothing() {
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 3, 0))]);
    bench.tick(300);
    bench.ssd.complete(at(310), scan(3, 0), b"").unwrap();
    let back = Now { utc: at(299).utc, ..at(320) };
    bench.ssd.tick(back, &mut bench.wire, &mut bench.notes);
    let again = Now { utc: at(301).utc, ..at(322) };
    bench.ssd.tick(again, &mut bench.wire, &mut bench.notes);
    assert_eq!(bench.notes.begun.len(), 1);
    // Forward over two slots: both are missed, and the next is done.
    let forward = Now { utc: at(2_000).utc, ..at(330) };
    bench.ssd.tick(forward, &mut bench.wire, &mut bench.notes);
    assert_eq!(bench.ssd.stats().rejected, 2);
    assert_eq!(bench.ssd.schedule().map(|(_, next)| next).collect::<Vec<_>>(), [3]);
}

#[test]
fn changes_apply_in_order_once() {
    let mut bench = Bench::new();
    let (a, b) = (add(3, 5, 0, 0), add(4, 10, 0, 0));
    let remove = Change::Remove { actor: ActorId(7), request: RequestId(3) };
    // Early, applied, repeated; then a gap that is none, for nothing lies in it.
    assert_eq!(bench.change(1, &[(1, 2, b)]), [(0, false)]);
    assert_eq!(
        bench.change(1, &[(0, 1, a), (1, 2, b), (0, 1, a)]),
        [(1, false), (2, false), (2, false)]
    );
    assert_eq!(bench.change(1, &[(1, 7, remove), (2, 5, a)]), [(7, false), (7, false)]);
    assert_eq!(bench.ssd.schedule().count(), 1);
    let stats = bench.ssd.stats();
    assert_eq!((stats.changes, stats.early_changes, stats.stale_changes), (3, 1, 2));
    // From elsewhere, or of another run of the SSM: nothing.
    let change = ScheduleChange { epoch: 9, base: 7, version: 8, change: a };
    bench.receive_from(1, 3, &Message::ScheduleChange(change));
    bench.receive(1, &Message::ScheduleChange(ScheduleChange { epoch: 8, ..change }));
    assert_eq!((bench.ssd.stats().strangers, bench.ssd.schedule().count()), (1, 1));
}

#[test]
fn a_full_schedule_puts_changes_off() {
    let mut bench = Bench::new();
    for at in 0..16 {
        let change = add(at, 30 + i64::from(at) * 3, 0, 0);
        assert_eq!(bench.change(1, &[(at, at + 1, change)]), [(at + 1, false)]);
    }
    let more = add(99, 5, 0, 0);
    assert_eq!(bench.change(1, &[(16, 17, more)]), [(16, true)]);
    assert_eq!(bench.ssd.stats().put_off, 1);
    let remove = Change::Remove { actor: ActorId(7), request: RequestId(0) };
    assert_eq!(bench.change(1, &[(16, 17, remove), (17, 18, more)]), [(17, false), (18, false)]);
}

#[test]
fn what_was_begun_is_not_begun_again_whatever_is_sent() {
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 2, 0))]);
    bench.tick(300);
    // The same recipe while its first occurrence runs, and when it is reported.
    bench.change(301, &[(1, 2, add(3, 5, 2, 0))]);
    bench.tick(301);
    bench.ssd.complete(at(302), scan(3, 0), b"").unwrap();
    bench.change(303, &[(2, 3, Change::Remove { actor: ActorId(7), request: RequestId(3) })]);
    bench.change(303, &[(3, 4, add(3, 5, 2, 0))]);
    bench.tick(303);
    assert_eq!(bench.notes.begun.len(), 1);
    assert_eq!(bench.ssd.schedule().map(|(_, next)| next).collect::<Vec<_>>(), [1]);
    // A shorter one ends the series early.
    bench.change(304, &[(4, 5, add(3, 5, 0, 0))]);
    assert_eq!(bench.ssd.schedule().count(), 0);
}

#[test]
fn another_run_of_the_ssm_replaces_the_schedule_but_for_what_is_about_to_begin() {
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 2, 0)), (1, 2, add(4, 20, 2, 0))]);
    bench.receive(280, &Message::NotAssociated);
    assert_eq!(bench.notes.events.last(), Some(&AssociationEvent::Lost));
    bench.wire.take();
    bench.tick(280);
    let sent = bench.wire.take();
    let [Message::Associate(asked)] = messages(&sent)[..] else { panic!("{sent:?}") };
    assert_eq!(asked.schedule, ScheduleMark { epoch: 9, version: 2 });
    bench.receive(281, &associated(asked.sequence, 10));
    let left: Vec<_> = bench.ssd.schedule().map(|(entry, next)| (entry.request.0, next)).collect();
    assert_eq!(left, [(3, 0)]);
    assert_eq!(bench.ssd.stats().recipes_dropped, 1);
    bench.tick(300);
    assert_eq!(bench.notes.begun.len(), 1);
    assert_eq!(bench.ssd.schedule().count(), 0);
}

#[test]
fn it_works_without_an_ssm_and_reports_later_and_drops_the_oldest() {
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 11, 0))]);
    bench.receive(2, &Message::NotAssociated);
    for occurrence in 0..12 {
        let start = 300 + u64::from(occurrence) * 600;
        assert_eq!(bench.reports(start), []);
        bench.ssd.complete(at(start + 5), scan(3, occurrence), b"xy").unwrap();
    }
    assert_eq!(bench.ssd.unacknowledged(), 8);
    assert_eq!(bench.ssd.stats().reports_dropped, 4);
    bench.tick(7_000);
    let sent = bench.wire.take();
    let Some(Message::Associate(asked)) = messages(&sent).last().copied() else { panic!() };
    bench.receive(7_000, &associated(asked.sequence, 9));
    let reported: Vec<u16> = bench.reports(7_000).iter().map(|report| report.0).collect();
    assert_eq!(reported, [4, 5, 6, 7, 8, 9, 10, 11]);
}

#[test]
fn a_refused_send_loses_nothing() {
    let mut bench = Bench::new();
    bench.change(1, &[(0, 1, add(3, 5, 0, 0))]);
    bench.tick(300);
    bench.ssd.complete(at(301), scan(3, 0), b"xy").unwrap();
    bench.wire.busy = true;
    assert_eq!(bench.reports(301), []);
    bench.wire.busy = false;
    assert_eq!(bench.ssd.next_deadline(), Some(at(303).monotonic));
    assert_eq!(bench.reports(303).len(), 1);
}

#[test]
fn a_refusal_is_told_and_asked_again() {
    let (mut wire, mut notes) = (Wire::default(), Notes::default());
    let mut ssd = ssd("mast-1", address(0), 1);
    ssd.tick(at(0), &mut wire, &mut notes);
    let reason = AssociationRefusal::NotAuthorised;
    for (sequence, told) in [(9, 0), (1, 1)] {
        let refused = AssociationRefused { device: "mast-1", sequence, reason };
        let octets = octets(&Message::AssociationRefused(refused));
        ssd.receive(at(0), &address(0), &octets, &mut wire, &mut notes);
        assert_eq!(notes.events.len(), told);
    }
    assert_eq!(ssd.next_deadline(), Some(at(2).monotonic));
}

#[test]
fn other_versions_get_a_notice_and_notices_get_nothing() {
    let mut bench = Bench::new();
    let mut send = |octets: &[u8]| {
        bench.ssd.receive(at(1), &address(4), octets, &mut bench.wire, &mut bench.notes);
        bench.wire.take()
    };
    assert_eq!(send(&[2, 0, 0]), [(address(4), std::vec![0, 1])]);
    assert_eq!(send(&[0, 2]), []);
    assert_eq!(send(&[1, 99]), []);
    let link = bench.ssd.stats().link;
    assert_eq!((link.other_version, link.version_notices, link.malformed), (1, 1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Octets of any kind, and messages of any content from anyone but the SSM,
    /// change nothing but counters. Who says that it is not associated has it ask, where
    /// an SSM is found.
    #[test]
    fn strangers_change_nothing(noise in proptest::collection::vec(any::<u8>(), 0..80),
                                parts in parts(), kind in 0..KINDS) {
        let mut bench = Bench::new();
        bench.change(1, &[(0, 1, add(3, 5, 2, 0)), (1, 2, add(4, 20, 2, 0))]);
        bench.tick(300);
        let shape = |bench: &Bench| {
            let schedule: Vec<_> = bench.ssd.schedule().map(|(e, n)| (*e, n)).collect();
            (schedule, bench.ssd.running().copied(), bench.ssd.unacknowledged(),
                bench.ssd.is_associated(), bench.ssd.next_deadline())
        };
        let before = shape(&bench);
        let mut noise = noise;
        for _ in 0..2 {
            bench.ssd.receive(at(300), &address(0), &noise, &mut bench.wire, &mut bench.notes);
            if let Some(first) = noise.first_mut() {
                *first = 1;
            }
        }
        // By chance it may be a message: of those, the SSM's are not strangers'.
        prop_assume!(Message::parse(&noise).is_err());
        let mut asks = false;
        parts.with_message(kind, |message| {
            asks = matches!(message, Message::NotAssociated);
            bench.receive_from(300, 3, &message);
        });
        let after = shape(&bench);
        if asks {
            prop_assert_eq!(after.4, Some(Instant::ZERO));
            prop_assert_eq!((after.0, after.1, after.2, after.3),
                            (before.0, before.1, before.2, before.3));
        } else {
            prop_assert_eq!(after, before);
        }
    }

    /// Messages of any content from the SSM itself do not bring it down.
    #[test]
    fn nothing_brings_it_down(several in proptest::collection::vec((parts(), 0..KINDS), 1..20)) {
        let mut bench = Bench::new();
        for (second, (parts, kind)) in (1..).zip(&several) {
            parts.with_message(*kind, |message| bench.receive(second * 100, &message));
            bench.tick(second * 100);
            let _ = bench.ssd.next_deadline();
        }
    }
}
