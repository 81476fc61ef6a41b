mod journal;
mod metadata;

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::scos::calendar::RefusalReason;
use crate::scos::messages::{
    Advertise, Advertised, Associate, Association, Cancel, Change, Cursor, Devices,
    InventoryRequest, Outcome, Refusal, Rejection, ScheduleAck, ScheduleChange, ScheduleMark,
};
use crate::scos::testing::{
    ANALYSER, ANTENNA, KINDS, MONDAY, SCAN, SSM_CONFIG, Wire, address, at, messages, octets, parts,
    sensor, ssm,
};
use crate::scos::{ActorId, Limit, RequestId, ScanId, ScanParameters, ScanSettings, Series, When};

mod reports;
mod requests;

const DEVICE: u8 = 1;
const ACTOR: u8 = 7;

/// An SSM, and what its user was told.
struct Bench {
    ssm: Ssm<'static>,
    wire: Wire,
    notes: Notes,
    sequence: u32,
    boot: u32,
}

#[derive(Default)]
struct Notes {
    events: Vec<DeviceEvent>,
    said: Vec<&'static str>,
    intruders: usize,
    reports: Vec<(u16, Outcome)>,
}

impl SsmUser for Notes {
    fn device(&mut self, _now: Now, _device: &str, event: DeviceEvent) {
        self.events.push(event);
    }

    fn advertised(&mut self, _now: Now, _device: &str, section: &Section<'_>) {
        self.said.push(section.key().kind.name());
    }

    fn intruder(&mut self, _now: Now, _device: &str, _from: &Address, _why: Suspicion) {
        self.intruders += 1;
    }

    fn report(&mut self, _now: Now, report: &Report<'_>) {
        self.reports.push((report.scan.occurrence, report.outcome));
    }
}

type Sent = Vec<(Address, Vec<u8>)>;

impl Bench {
    fn empty(ssm: Ssm<'static>) -> Self {
        Self { ssm, wire: Wire::default(), notes: Notes::default(), sequence: 0, boot: 1 }
    }

    /// An SSM with one device that is there and has said what it can do.
    fn new() -> Self {
        Self::with(ssm(SSM_CONFIG, 16, 3, 4))
    }

    fn with(ssm: Ssm<'static>) -> Self {
        let mut bench = Self::empty(ssm);
        bench.associate(0, Association::New, 1);
        bench.advertise(0, 1, 16);
        bench
    }

    /// The device says what it can do, from this revision on.
    fn advertise(&mut self, seconds: u64, revision: u32, recipes: u16) {
        for (revision, section) in (revision..).zip([ANALYSER, ANTENNA, sensor(recipes)]) {
            let answer = self.say(seconds, revision, section);
            assert_eq!(answer, Some(Advertised { revision, section: section.key(), full: false }));
        }
    }

    /// The device says something of itself.
    fn say(&mut self, seconds: u64, revision: u32, section: Section<'_>) -> Option<Advertised> {
        let said = Advertise { boot: self.boot, revision, section };
        let sent = self.receive(seconds, DEVICE, &Message::Advertise(said));
        match messages(&sent)[..] {
            [Message::Advertised(answer)] => Some(answer),
            [] => None,
            ref other => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, seconds: u64, from: u8, message: &Message<'_>) -> Sent {
        self.wire.take();
        let (now, from, octets) = (at(seconds), address(from), octets(message));
        self.ssm.receive(now, &from, &octets, &mut self.wire, &mut self.notes);
        self.wire.take()
    }

    fn tick(&mut self, seconds: u64) -> Sent {
        self.wire.take();
        self.ssm.tick(at(seconds), &mut self.wire, &mut self.notes);
        self.wire.take()
    }

    fn associate(&mut self, seconds: u64, request: Association, boot: u32) -> Sent {
        self.sequence += 1;
        self.boot = boot;
        let request = Associate {
            request,
            device: "mast-1",
            public_key: b"mast-1",
            boot,
            sequence: self.sequence,
            schedule: ScheduleMark::default(),
            proof: None,
        };
        self.receive(seconds, DEVICE, &Message::Associate(request))
    }

    /// Asks and returns the refusal, if it is one.
    fn refusal(
        &mut self,
        seconds: u64,
        request: &ScanRequest<'_>,
    ) -> Option<(Refusal, Option<i64>)> {
        let sent = self.receive(seconds, ACTOR, &Message::ScanRequest(*request));
        match messages(&sent)[..] {
            [Message::Refused(refused)] => Some((refused.reason, refused.first_conflict)),
            [Message::Granted(_)] => None,
            ref other => panic!("{other:?}"),
        }
    }

    /// Takes the recipes off the SSM, as the device would.
    fn deliver(&mut self, seconds: u64) -> Vec<Change> {
        let sent = self.tick(seconds);
        let mut taken = Vec::new();
        for message in messages(&sent) {
            if let Message::ScheduleChange(ScheduleChange { epoch, version, change, .. }) = message
            {
                let ack = ScheduleAck { epoch, version, full: false };
                self.receive(seconds, DEVICE, &Message::ScheduleAck(ack));
                taken.push(change);
            }
        }
        taken
    }

    /// The device reports. Returns whether that is acknowledged.
    fn report(&mut self, seconds: u64, request: u32, occurrence: u16) -> bool {
        let report = self.made(request, occurrence);
        let sent = self.receive(seconds, DEVICE, &Message::Report(report));
        messages(&sent) == [Message::ReportAck(scan(request, occurrence))]
    }

    /// The report of an occurrence as its device makes it.
    fn made(&self, request: u32, occurrence: u16) -> Report<'static> {
        let booking = self.ssm.bookings.get(ActorId(7), RequestId(request));
        let booked = booking.and_then(Booking::booked);
        let start = booked.map_or(0, |booked| booked.series.start_of(occurrence).unix_minute());
        Report { start, ..report(request, occurrence) }
    }

    /// Reports on their way to the Actor, which acknowledges them.
    fn forwarded(&mut self, seconds: u64) -> Vec<(u16, Outcome)> {
        let sent = self.tick(seconds);
        let mut outcomes = Vec::new();
        for message in messages(&sent) {
            if let Message::Report(report) = message {
                outcomes.push((report.scan.occurrence, report.outcome));
                self.receive(seconds, ACTOR, &Message::ReportAck(report.scan));
            }
        }
        outcomes
    }
}

fn scan(request: u32, occurrence: u16) -> ScanId {
    ScanId { actor: ActorId(7), request: RequestId(request), occurrence }
}

fn report(request: u32, occurrence: u16) -> Report<'static> {
    Report {
        scan: scan(request, occurrence),
        start: 0,
        outcome: Outcome::Complete,
        time_to_complete_ms: 900,
        parameters: SCAN,
        metadata: 3,
        spectrum: b"spectrum",
    }
}

/// Two minutes from minute `start` on, and every ten minutes again.
fn request(number: u32, start: i64, repeats: u16) -> ScanRequest<'static> {
    ScanRequest {
        actor: ActorId(7),
        request: RequestId(number),
        floor: RequestId(1),
        replaces: None,
        dry_run: false,
        devices: Devices::One("mast-1"),
        across_weeks: false,
        series: Series { start: MONDAY + start, minutes: 2, repeats, offset: 10 },
        when: When::Exact,
        parameters: SCAN,
    }
}

fn cancel(number: u32) -> Message<'static> {
    let (actor, request, floor) = (ActorId(7), RequestId(number), RequestId(1));
    Message::Cancel(Cancel { actor, request, floor })
}

#[test]
fn a_scan_from_request_to_report() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(0, &request(1, 5, 1)), None);
    let [Change::Add { entry, next: 0 }] = bench.deliver(0)[..] else { panic!("not delivered") };
    assert_eq!((entry.series, entry.parameters), (request(1, 5, 1).series, SCAN));
    assert_eq!(bench.deliver(60), []);
    assert_eq!(bench.ssm.owed(), 2);
    for (start, occurrence) in [(300, 0), (900, 1)] {
        assert!(bench.report(start + 30, 1, occurrence));
        // Again, for the acknowledgement was lost.
        assert!(bench.report(start + 32, 1, occurrence));
        let complete = (occurrence, Outcome::Complete);
        assert_eq!(bench.forwarded(start + 33), [complete]);
        assert_eq!(bench.notes.reports.last(), Some(&complete));
        assert_eq!(bench.forwarded(start + 90), []);
        bench.associate(start + 100, Association::Refresh, 1);
    }
    assert_eq!((bench.ssm.owed(), bench.ssm.unacknowledged()), (0, 0));
    let stats = bench.ssm.stats();
    assert_eq!((stats.reports, stats.reports_repeated, stats.reports_issued), (2, 2, 0));
}

#[test]
fn every_refusal_has_its_reason() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(0, &request(1, 5, 2)), None);
    let calendar = Refusal::Calendar;
    let base = request(0, 100, 0);
    let parameters = ScanParameters { gain_db: 99, ..SCAN };
    let cases = [
        (
            ScanRequest { series: request(0, 16, 0).series, ..base },
            calendar(RefusalReason::Conflict),
        ),
        (request(0, 0, 0), calendar(RefusalReason::InThePast)),
        (request(0, 10_079, 0), calendar(RefusalReason::CrossesWeek)),
        (request(0, 30_000, 0), calendar(RefusalReason::BeyondWindow)),
        (
            ScanRequest { series: Series { minutes: 0, ..base.series }, ..base },
            calendar(RefusalReason::ZeroMinutes),
        ),
        (
            ScanRequest { series: Series { minutes: 10_081, ..base.series }, ..base },
            calendar(RefusalReason::TooLong),
        ),
        (
            ScanRequest { series: Series { repeats: 1, offset: 1, ..base.series }, ..base },
            calendar(RefusalReason::OverlapsItself),
        ),
        (ScanRequest { devices: Devices::One("nowhere"), ..base }, Refusal::UnknownDevice),
        (ScanRequest { devices: Devices::One("mast-2"), ..base }, Refusal::Offline),
        (ScanRequest { parameters, ..base }, Refusal::OutOfCapability(Limit::Gain)),
    ];
    for (number, (request, reason)) in (2..).zip(cases) {
        let request = ScanRequest { request: RequestId(number), ..request };
        let (refused, conflict) = bench.refusal(0, &request).unwrap();
        assert_eq!(refused, reason);
        let conflicts = reason == calendar(RefusalReason::Conflict);
        assert_eq!(conflict, conflicts.then_some(MONDAY + 16));
        // The same answer, whatever has become of the world since.
        assert_eq!(bench.refusal(60, &request), Some((refused, conflict)));
    }
    assert_eq!(bench.ssm.stats().refused, 10);
    assert_eq!(bench.ssm.stats().repeated, 10);
    assert_eq!(bench.ssm.scheduler().recipes().count(), 1);
    // Another request of a known number, and one that is forgotten.
    assert_eq!(bench.refusal(60, &request(1, 6, 2)).unwrap().0, Refusal::NumberReused);
    let later = ScanRequest { floor: RequestId(50), ..request(50, 200, 0) };
    assert_eq!(bench.refusal(60, &later), None);
    assert_eq!(bench.refusal(60, &request(30, 300, 0)).unwrap().0, Refusal::Forgotten);
    // The SSM does not know the time.
    let (mut wire, mut notes) = (Wire::default(), Notes::default());
    let now = Now { quality: ClockQuality::Unset, ..at(60) };
    let asked = octets(&Message::ScanRequest(request(60, 300, 0)));
    bench.ssm.receive(now, &address(ACTOR), &asked, &mut wire, &mut notes);
    let sent = wire.take();
    let [Message::Refused(refused)] = messages(&sent)[..] else { panic!() };
    assert_eq!(refused.reason, Refusal::Clock);
}

#[test]
fn the_schedule_of_a_device_may_be_full() {
    let mut bench = Bench::new();
    bench.advertise(0, 4, 2);
    assert_eq!(bench.refusal(0, &request(1, 5, 0)), None);
    assert_eq!(bench.refusal(0, &request(2, 15, 0)), None);
    assert_eq!(bench.refusal(0, &request(3, 25, 0)).unwrap().0, Refusal::ScheduleFull);
    // A recipe that is cancelled is held until the device knows.
    bench.deliver(0);
    bench.receive(1, ACTOR, &cancel(1));
    assert_eq!(bench.refusal(1, &request(4, 25, 0)).unwrap().0, Refusal::ScheduleFull);
    assert_eq!(bench.deliver(1).len(), 1);
    assert_eq!(bench.refusal(1, &request(5, 25, 0)), None);
}

#[test]
fn a_full_ssm_is_busy_and_forgets_what_is_settled() {
    let mut bench = Bench::with(ssm(SSM_CONFIG, 3, 1, 4));
    for number in 1..=3 {
        let nowhere = ScanRequest { devices: Devices::One("nowhere"), ..request(number, 50, 0) };
        assert_eq!(bench.refusal(0, &nowhere).unwrap().0, Refusal::UnknownDevice);
    }
    assert_eq!(bench.refusal(0, &request(4, 50, 0)).unwrap().0, Refusal::Busy);
    // Busy is no answer: the same request is granted when there is room.
    let floor = RequestId(2);
    assert_eq!(bench.refusal(0, &ScanRequest { floor, ..request(4, 50, 0) }), None);
    assert_eq!(bench.refusal(0, &request(5, 60, 0)).unwrap().0, Refusal::Busy);
    // Another Actor finds no room either, until what is settled is old.
    let other = ScanRequest { actor: ActorId(8), ..request(1, 70, 0) };
    assert_eq!(bench.refusal(0, &other).unwrap().0, Refusal::Busy);
    bench.associate(3_599, Association::New, 1);
    bench.advertise(3_599, 1, 16);
    assert_eq!(bench.refusal(3_600, &request(5, 70, 0)).unwrap().0, Refusal::Busy);
    assert_eq!(bench.refusal(3_601, &request(5, 70, 0)), None);
}

#[test]
fn cancelling_keeps_what_has_begun_or_is_about_to() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(0, &request(1, 5, 3)), None);
    bench.deliver(0);
    // At 14:30 the second, at 15:00, is within the guard time of 30 seconds.
    let sent = bench.receive(870, ACTOR, &cancel(1));
    let answer = messages(&sent)[0];
    assert_eq!(
        answer,
        Message::Cancelled(Cancelled { actor: ActorId(7), request: RequestId(1), keep: 2 })
    );
    let again = bench.receive(2_000, ACTOR, &cancel(1));
    assert_eq!(messages(&again), [answer]);
    let asked = bench.receive(2_000, ACTOR, &Message::ScanRequest(request(1, 5, 3)));
    assert_eq!(messages(&asked), [answer]);
    assert_eq!(bench.ssm.stats().cancelled, 1);
    // Its slots are free.
    assert!(bench.ssm.scheduler().is_consistent());
    assert_eq!(
        bench.ssm.scheduler().minutes_of(ActorId(7), bench.ssm.scheduler().week(), DeviceIndex(0)),
        4
    );
    // A report of what was cancelled is acknowledged and goes no further.
    bench.associate(2_000, Association::New, 1);
    assert!(bench.report(2_000, 1, 2));
    assert_eq!(bench.ssm.stats().reports_cancelled, 1);
    assert_eq!(bench.notes.reports, []);
}

#[test]
fn a_cancelled_recipe_is_shortened_or_removed_at_the_device() {
    let mut bench = Bench::new();
    bench.refusal(0, &request(1, 5, 3));
    bench.refusal(0, &request(2, 7, 3));
    assert_eq!(bench.deliver(0).len(), 2);
    bench.receive(290, ACTOR, &cancel(1));
    bench.receive(290, ACTOR, &cancel(2));
    let [Change::Add { entry, next: 0 }, Change::Remove { request, .. }] = bench.deliver(290)[..]
    else {
        panic!("not told")
    };
    assert_eq!((entry.request, entry.series.repeats), (RequestId(1), 0));
    assert_eq!(request, RequestId(2));
    assert_eq!(bench.ssm.owed(), 1);
}

#[test]
fn a_request_cancelled_before_it_came_is_never_booked() {
    let mut bench = Bench::new();
    let kept = Message::Cancelled(Cancelled { actor: ActorId(7), request: RequestId(1), keep: 0 });
    assert_eq!(messages(&bench.receive(0, ACTOR, &cancel(1))), [kept]);
    let late = bench.receive(1, ACTOR, &Message::ScanRequest(request(1, 5, 3)));
    assert_eq!(messages(&late), [kept]);
    assert_eq!(bench.ssm.scheduler().recipes().count(), 0);
    assert_eq!(bench.ssm.stats().withdrawn, 1);
}

#[test]
fn changes_are_sent_until_acknowledged_and_stack_up_in_order() {
    let mut bench = Bench::new();
    bench.refusal(0, &request(1, 5, 0));
    bench.refusal(0, &request(2, 15, 0));
    let versions = |sent: &Sent| {
        let changes = messages(sent).into_iter().map(|message| match message {
            Message::ScheduleChange(change) => (change.base, change.version),
            other => panic!("{other:?}"),
        });
        changes.collect::<Vec<_>>()
    };
    assert_eq!(versions(&bench.tick(0)), [(0, 1), (1, 2)]);
    assert_eq!(versions(&bench.tick(1)), []);
    assert_eq!(versions(&bench.tick(2)), [(0, 1), (1, 2)]);
    // The first is cancelled before it arrived: what lay between is no more.
    bench.receive(3, ACTOR, &cancel(1));
    assert_eq!(versions(&bench.tick(3)), [(0, 2), (2, 3)]);
    let ack = ScheduleAck { epoch: 9, version: 2, full: false };
    bench.receive(4, DEVICE, &Message::ScheduleAck(ack));
    bench.receive(4, DEVICE, &Message::ScheduleAck(ack));
    bench.receive(4, DEVICE, &Message::ScheduleAck(ScheduleAck { version: 99, ..ack }));
    bench.receive(4, DEVICE, &Message::ScheduleAck(ScheduleAck { epoch: 8, version: 3, ..ack }));
    assert_eq!(bench.ssm.stats().stale_acknowledgements, 3);
    assert_eq!(versions(&bench.tick(4)), [(2, 3)]);
    bench.wire.busy = true;
    assert_eq!(versions(&bench.tick(6)), []);
    bench.wire.busy = false;
    assert_eq!(versions(&bench.tick(8)), [(2, 3)]);
}

#[test]
fn a_number_whose_recipe_is_left_is_not_booked_again() {
    let mut bench = Bench::with(ssm(SSM_CONFIG, 2, 1, 4));
    assert_eq!(bench.refusal(0, &request(1, 5, 2)), None);
    bench.deliver(0);
    bench.associate(290, Association::Refresh, 1);
    // One occurrence of three is left in the calendar.
    bench.receive(310, ACTOR, &cancel(1));
    bench.deliver(310);
    assert!(bench.report(320, 1, 0));
    assert_eq!(bench.forwarded(320).len(), 1);
    // It is forgotten for want of room.
    for number in [2, 3] {
        let nowhere = ScanRequest { devices: Devices::One("nowhere"), ..request(number, 50, 0) };
        assert_eq!(bench.refusal(3_921, &nowhere).unwrap().0, Refusal::UnknownDevice);
    }
    bench.associate(3_925, Association::New, 1);
    bench.advertise(3_925, 1, 16);
    assert_eq!(bench.refusal(7_530, &request(1, 5, 2)).unwrap().0, Refusal::Forgotten);
    assert!(bench.ssm.scheduler().is_consistent());
}

#[test]
fn intruders_are_counted_apart_and_answered_alike() {
    let mut bench = Bench::new();
    let ask = |device, public_key| {
        Message::Associate(Associate {
            request: Association::New,
            device,
            public_key,
            boot: 1,
            sequence: 1,
            schedule: ScheduleMark::default(),
            proof: None,
        })
    };
    let wrong = bench.receive(1, 5, &ask("mast-2", b"mast-1"));
    let unknown = bench.receive(1, 5, &ask("mast-9", b"mast-1"));
    assert_eq!(wrong[0].1.len(), unknown[0].1.len());
    let stats = bench.ssm.stats();
    assert_eq!((stats.wrong_keys, stats.unknown_devices, bench.notes.intruders), (1, 1, 2));
    assert_eq!(bench.ssm.inventory(at(1)).count(), 1);
}

#[test]
fn the_inventory_holds_whom_is_there_with_their_schedules() {
    let mut bench = Bench::with(ssm(SSM_CONFIG, 32, 3, 4));
    bench.advertise(0, 4, 32);
    for number in 1..=24 {
        assert_eq!(bench.refusal(0, &request(number, 500 + i64::from(number) * 3, 0)), None);
    }
    let (mut at, mut seen, mut parts) = (Cursor::default(), Vec::new(), 0);
    let mut metadata = Vec::new();
    loop {
        let ask = InventoryRequest { actor: ActorId(7), copy: 3, at };
        let sent = bench.receive(100, ACTOR, &Message::InventoryRequest(ask));
        let [Message::InventoryItem(item)] = messages(&sent)[..] else { panic!() };
        assert_eq!((item.copy, item.at), (3, at));
        let device = item.device.unwrap();
        assert_eq!((device.device, device.remaining_ttl_s), ("mast-1", 200));
        metadata.extend(device.metadata.iter().map(|section| section.key()));
        seen.extend(device.schedule.iter().map(|entry| entry.request.0));
        parts += 1;
        let Some(next) = item.next else { break };
        assert!(next > at);
        at = next;
    }
    assert_eq!(seen, (1..=24).collect::<Vec<_>>());
    assert_eq!(metadata, [ANALYSER, ANTENNA, sensor(32)].map(|section| section.key()));
    assert!(parts > 1);
    // Exactly at the end of its TTL it is not there any more.
    bench.tick(299);
    assert_eq!(
        bench.ssm.inventory(self::at(299)).collect::<Vec<_>>(),
        [("mast-1", Duration::from_secs(1))]
    );
    assert_eq!(bench.ssm.registry.next_expiry(), Some(self::at(300).monotonic));
    bench.tick(300);
    let ask = InventoryRequest { actor: ActorId(7), copy: 4, at: Cursor::default() };
    let sent = bench.receive(300, ACTOR, &Message::InventoryRequest(ask));
    let [Message::InventoryItem(item)] = messages(&sent)[..] else { panic!() };
    assert_eq!((item.device, item.next), (None, None));
}

#[test]
fn weeks_that_are_over_free_their_recipes() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(0, &request(1, 10_070, 0)), None);
    assert_eq!(bench.refusal(0, &request(2, 10_090, 0)), None);
    let offline = (0, Outcome::Rejected(Rejection::Offline));
    assert_eq!(bench.forwarded(10_080 * 60 - 1), [offline]);
    assert_eq!(bench.ssm.scheduler().recipes().count(), 2);
    bench.tick(10_080 * 60);
    assert_eq!(bench.ssm.scheduler().recipes().count(), 1);
    assert!(bench.ssm.scheduler().is_consistent());
    // What is owed for a week that is over is owed all the same.
    assert_eq!(bench.forwarded(3 * 10_080 * 60), [offline]);
    assert_eq!(bench.ssm.scheduler().recipes().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Octets of any kind, and messages of any content from devices that are not
    /// there, change nothing but counters.
    #[test]
    fn strangers_change_nothing(noise in proptest::collection::vec(any::<u8>(), 0..80),
                                parts in parts(), kind in 0..KINDS) {
        let mut bench = Bench::new();
        bench.refusal(0, &request(1, 5, 2));
        let shape = |ssm: &Ssm<'_>| std::format!(
            "{:?}", (&ssm.registry, &ssm.scheduler, &ssm.bookings, &ssm.actors, &ssm.outbox));
        let before = shape(&bench.ssm);
        if Message::parse(&noise).is_err() {
            bench.ssm.receive(at(1), &address(DEVICE), &noise, &mut bench.wire, &mut bench.notes);
        }
        // Scan requests and cancellations are for anyone to make.
        if kind != 10 && kind != 11 {
            parts.with_message(kind, |message| bench.receive(1, 5, &message));
        }
        prop_assert_eq!(shape(&bench.ssm), before);
    }

    /// Messages of any content from devices and Actors that are there do not bring
    /// it down, and no slot is ever booked twice.
    #[test]
    fn nothing_brings_it_down(several in proptest::collection::vec((parts(), 0..KINDS), 1..20)) {
        let mut bench = Bench::new();
        bench.refusal(0, &request(1, 5, 2));
        for (second, (parts, kind)) in (1..).zip(&several) {
            for from in [DEVICE, ACTOR] {
                parts.with_message(*kind, |message| bench.receive(second * 100, from, &message));
            }
            bench.tick(second * 100);
            let _ = bench.ssm.next_deadline();
        }
        prop_assert!(bench.ssm.scheduler().is_consistent());
    }
}
