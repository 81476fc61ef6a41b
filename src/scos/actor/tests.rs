use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::scos::ScanId;
use crate::scos::calendar::RefusalReason;
use crate::scos::messages::{Cursor, InventoryRequest, Outcome, Refusal, Usage, UsageRequest};
use crate::scos::testing::{
    KINDS, MONDAY, SCAN, Wire, actor, address, at, messages, octets, parts,
};

#[derive(Default)]
struct Notes {
    granted: Vec<RequestId>,
    refused: Vec<(RequestId, Refusal)>,
    cancelled: Vec<(RequestId, u16)>,
    tried: Vec<Result<RequestId, (RequestId, Refusal)>>,
    reports: Vec<u16>,
    unanswered: Vec<Question>,
    items: Vec<Cursor>,
    usage: Vec<ActorId>,
}

impl ActorUser for Notes {
    fn granted(&mut self, _now: Now, granted: &Granted<'_>) {
        self.granted.push(granted.request);
    }

    fn refused(&mut self, _now: Now, refused: &Refused<'_>) {
        self.refused.push((refused.request, refused.reason));
    }

    fn cancelled(&mut self, _now: Now, cancelled: &Cancelled) {
        self.cancelled.push((cancelled.request, cancelled.keep));
    }

    fn tried(&mut self, _now: Now, answer: Result<&Granted<'_>, &Refused<'_>>) {
        let answer = answer.map(|granted| granted.request);
        self.tried.push(answer.map_err(|refused| (refused.request, refused.reason)));
    }

    fn report(&mut self, _now: Now, report: &Report<'_>) {
        self.reports.push(report.scan.occurrence);
    }

    fn inventory(&mut self, _now: Now, item: &InventoryItem<'_>) {
        self.items.push(item.at);
    }

    fn usage(&mut self, _now: Now, item: &UsageItem) {
        self.usage.extend(item.usage.map(|usage| usage.actor));
    }

    fn unanswered(&mut self, _now: Now, question: Question) {
        self.unanswered.push(question);
    }
}

struct Bench {
    actor: Actor<'static>,
    wire: Wire,
    notes: Notes,
}

const SERIES: Series = Series { start: MONDAY + 60, minutes: 5, repeats: 2, offset: 10 };
const WISH: Wish<'static> = Wish {
    devices: Devices::One("mast-1"),
    series: SERIES,
    when: When::Exact,
    across_weeks: false,
    parameters: SCAN,
};
const FIRST: RequestId = RequestId(1);
const ID: ActorId = ActorId(7);

impl Bench {
    fn new() -> Self {
        Self { actor: actor(7, address(0)), wire: Wire::default(), notes: Notes::default() }
    }

    fn tick(&mut self, seconds: u64) -> Vec<(Address, Vec<u8>)> {
        self.wire.take();
        self.actor.tick(at(seconds), &mut self.wire, &mut self.notes);
        self.wire.take()
    }

    fn receive(&mut self, seconds: u64, message: &Message<'_>) -> usize {
        self.wire.take();
        let octets = octets(message);
        self.actor.receive(at(seconds), &address(9), &octets, &mut self.wire, &mut self.notes);
        self.wire.take().len()
    }
}

fn granted(request: RequestId) -> Message<'static> {
    let series = SERIES;
    Message::Granted(Granted {
        actor: ID,
        request,
        dry_run: false,
        replaced: None,
        device: "mast-1",
        series,
        parameters: SCAN,
    })
}

fn refused(request: RequestId, reason: Refusal) -> Message<'static> {
    Message::Refused(Refused {
        actor: ID,
        request,
        reason,
        first_conflict: None,
        alternative: None,
    })
}

fn cancelled(request: RequestId, keep: u16) -> Message<'static> {
    Message::Cancelled(Cancelled { actor: ID, request, keep })
}

fn report(request: RequestId, occurrence: u16) -> Message<'static> {
    Message::Report(Report {
        scan: ScanId { actor: ID, request, occurrence },
        start: MONDAY,
        outcome: Outcome::Complete,
        time_to_complete_ms: 1,
        parameters: SCAN,
        metadata: 3,
        spectrum: &[1],
    })
}

#[test]
fn a_request_is_repeated_until_it_is_answered() {
    let mut bench = Bench::new();
    assert_eq!(bench.actor.request(&WISH), Ok(FIRST));
    let asked = bench.tick(0);
    assert_eq!(asked[0].0, address(0));
    let [Message::ScanRequest(request)] = messages(&asked)[..] else { panic!("{asked:?}") };
    assert_eq!((request.actor, request.request, request.floor), (ID, FIRST, FIRST));
    assert_eq!(
        (request.devices, request.series, request.parameters),
        ("mast-1".into(), SERIES, SCAN)
    );
    assert_eq!(bench.tick(1), []);
    assert_eq!(bench.tick(2), asked);
    assert_eq!(bench.receive(3, &refused(FIRST, Refusal::Busy)), 0);
    assert_eq!(bench.tick(6)[0].1, asked[0].1);
    bench.receive(6, &granted(FIRST));
    bench.receive(6, &granted(FIRST));
    assert_eq!((bench.notes.granted.len(), bench.actor.stats().stray_answers), (1, 1));
    assert_eq!((bench.tick(99), bench.actor.next_deadline()), (std::vec![], None));
}

#[test]
fn the_ssm_is_asked_where_it_was_heard_until_it_is_silent() {
    let mut bench = Bench::new();
    bench.actor.request(&WISH).unwrap();
    bench.receive(0, &granted(FIRST));
    bench.actor.request(&WISH).unwrap();
    let places = [0, 2, 6, 14, 30].map(|second| bench.tick(second)[0].0);
    assert_eq!(places, [9, 9, 9, 0, 0].map(address));
}

#[test]
fn an_ssm_that_is_gone_from_where_it_was_heard_is_looked_for() {
    let mut bench = Bench::new();
    bench.actor.request(&WISH).unwrap();
    bench.receive(0, &granted(FIRST));
    bench.actor.request(&WISH).unwrap();
    bench.wire.busy = true;
    assert_eq!(bench.tick(0), []);
    bench.wire.busy = false;
    assert_eq!(bench.tick(2)[0].0, address(0));
}

#[test]
fn each_report_is_told_once_and_acknowledged_always() {
    let mut bench = Bench::new();
    bench.actor.request(&WISH).unwrap();
    bench.tick(0);
    // Before the grant it is left to come again.
    assert_eq!(bench.receive(1, &report(FIRST, 0)), 0);
    bench.receive(2, &granted(FIRST));
    for occurrence in [2, 2, 0, 0, 1, 1, 2, 0] {
        assert_eq!(bench.receive(3, &report(FIRST, occurrence)), 1);
    }
    assert_eq!(bench.notes.reports, [2, 0, 1]);
    assert_eq!(bench.actor.open_requests(), 0);
    let stats = bench.actor.stats();
    assert_eq!((stats.reports, stats.reports_repeated, stats.reports_early), (3, 5, 1));
}

#[test]
fn a_report_too_far_ahead_is_left_to_come_again() {
    let mut bench = Bench::new();
    bench.actor.request(&WISH).unwrap();
    let series = Series { repeats: 99, ..SERIES };
    let Message::Granted(grant) = granted(FIRST) else { panic!() };
    bench.receive(1, &Message::Granted(Granted { series, ..grant }));
    assert_eq!(bench.receive(2, &report(FIRST, 64)), 0);
    assert_eq!(bench.receive(2, &report(FIRST, 0)), 1);
    assert_eq!(bench.receive(2, &report(FIRST, 64)), 1);
    assert_eq!(bench.notes.reports, [0, 64]);
}

#[test]
fn a_refusal_settles_a_request() {
    let mut bench = Bench::new();
    bench.actor.request(&WISH).unwrap();
    let reason = Refusal::Calendar(RefusalReason::Conflict);
    bench.receive(1, &refused(FIRST, reason));
    bench.receive(1, &refused(FIRST, reason));
    assert_eq!(bench.notes.refused, [(FIRST, reason)]);
    assert_eq!(bench.actor.open_requests(), 0);
    assert_eq!(bench.actor.cancel(FIRST), Err(UnknownRequest));
    // The next number, and a floor that says the first is settled.
    assert_eq!(bench.actor.request(&WISH), Ok(RequestId(2)));
    let asked = bench.tick(2);
    let [Message::ScanRequest(request)] = messages(&asked)[..] else { panic!("{asked:?}") };
    assert_eq!(request.floor, RequestId(2));
}

#[test]
fn cancelling_ends_in_what_is_kept() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.actor.request(&WISH).unwrap();
    }
    let [a, b, c] = [1, 2, 3].map(RequestId);
    bench.receive(1, &granted(a));
    for request in [a, b, c] {
        bench.actor.cancel(request).unwrap();
        bench.actor.cancel(request).unwrap();
    }
    let asked = bench.tick(2);
    assert!(messages(&asked).iter().all(|message| matches!(message, Message::Cancel(_))));
    assert_eq!(asked.len(), 3);
    bench.receive(3, &cancelled(a, 1));
    bench.receive(3, &cancelled(b, 0));
    // Granted after all, then cancelled.
    bench.receive(3, &granted(c));
    assert_eq!(bench.tick(4).len(), 1);
    bench.receive(5, &cancelled(c, 0));
    bench.receive(5, &cancelled(c, 0));
    assert_eq!(bench.notes.cancelled, [(a, 1), (b, 0), (c, 0)]);
    assert_eq!(bench.notes.granted, [a, c]);
    assert_eq!(bench.actor.open_requests(), 1);
    bench.receive(6, &report(a, 0));
    assert_eq!(bench.actor.open_requests(), 0);
    let stats = bench.actor.stats();
    assert_eq!((stats.granted, stats.cancelled, stats.cancelled_unanswered), (2, 3, 1));
    assert_eq!(stats.requests, stats.granted + stats.refused + stats.cancelled_unanswered);
}

#[test]
fn what_is_never_answered_is_a_named_fault() {
    let mut bench = Bench::new();
    bench.actor.request(&WISH).unwrap();
    bench.actor.request(&WISH).unwrap();
    bench.receive(0, &granted(RequestId(2)));
    bench.actor.cancel(RequestId(2)).unwrap();
    bench.actor.copy_inventory();
    bench.actor.copy_usage();
    let asked: usize = (0..1_000).map(|second| bench.tick(second).len()).sum();
    assert_eq!(asked, 4 * 20);
    let unanswered = [
        Question::Scan(FIRST),
        Question::Cancel(RequestId(2)),
        Question::Inventory,
        Question::Usage,
    ];
    assert_eq!(bench.notes.unanswered, unanswered);
    assert_eq!(bench.actor.next_deadline(), None);
    // What is known to be granted is still reported.
    assert_eq!(bench.actor.open_requests(), 1);
    assert_eq!(bench.receive(1_000, &report(RequestId(2), 0)), 1);
    assert_eq!(bench.notes.reports, [0]);
}

#[test]
fn the_inventory_is_copied_part_by_part() {
    let mut bench = Bench::new();
    bench.actor.copy_inventory();
    let places = [0, 1, 4].map(Cursor::of);
    for (index, at) in places.into_iter().enumerate() {
        let asked = bench.tick(index as u64);
        let expected = Message::InventoryRequest(InventoryRequest { actor: ID, copy: 1, at });
        assert_eq!(messages(&asked), [expected]);
        let next = places.get(index + 1).copied();
        let item = InventoryItem { actor: ID, copy: 1, at, device: None, next };
        bench.receive(index as u64, &Message::InventoryItem(InventoryItem { copy: 9, ..item }));
        bench.receive(index as u64, &Message::InventoryItem(item));
        bench.receive(index as u64, &Message::InventoryItem(item));
    }
    assert_eq!(bench.notes.items, places);
    assert_eq!((bench.tick(99), bench.actor.stats().stray_answers), (std::vec![], 6));
    // A copy that is led backwards ends.
    bench.actor.copy_inventory();
    let at = Cursor::default();
    let item = InventoryItem { actor: ID, copy: 2, at, device: None, next: Some(at) };
    bench.receive(100, &Message::InventoryItem(item));
    assert_eq!(bench.actor.next_deadline(), None);
}

#[test]
fn what_actors_have_had_is_copied_one_by_one() {
    let mut bench = Bench::new();
    bench.actor.copy_usage();
    let places = [0, 5, 9].map(ActorId);
    for (index, at) in places.into_iter().enumerate() {
        let asked = bench.tick(index as u64);
        let expected = Message::UsageRequest(UsageRequest { actor: ID, copy: 1, at });
        assert_eq!(messages(&asked), [expected]);
        let next = places.get(index + 1).copied();
        let item = UsageItem { actor: ID, copy: 1, at, usage: Some(Usage::new(at)), next };
        let stray = [
            UsageItem { copy: 9, ..item },
            UsageItem { at: ActorId(77), ..item },
            UsageItem { actor: ActorId(99), ..item },
        ];
        for stray in stray {
            bench.receive(index as u64, &Message::UsageItem(stray));
        }
        bench.receive(index as u64, &Message::UsageItem(item));
        bench.receive(index as u64, &Message::UsageItem(item));
    }
    assert_eq!(bench.notes.usage, places);
    assert_eq!((bench.tick(99), bench.actor.stats().stray_answers), (std::vec![], 9));
    // A copy that is led backwards ends.
    bench.actor.copy_usage();
    let at = ActorId(0);
    let item = UsageItem { actor: ID, copy: 2, at, usage: None, next: Some(at) };
    bench.receive(100, &Message::UsageItem(item));
    assert_eq!(bench.actor.next_deadline(), None);
}

#[test]
fn what_cannot_be_asked_is_refused_by_name() {
    let mut bench = Bench::new();
    for device in ["", "123456789012345678901234567890123"] {
        let wish = Wish { devices: device.into(), ..WISH };
        assert_eq!(bench.actor.request(&wish), Err(RequestError::DeviceId));
    }
    for _ in 0..64 {
        bench.actor.request(&WISH).unwrap();
    }
    assert_eq!(bench.actor.request(&WISH), Err(RequestError::Full));
    assert_eq!(bench.actor.stats().requests, 64);
    let config = ActorConfig { first_request: RequestId(u32::MAX), ..bench.actor.config };
    let mut last = Actor::new(config, crate::scos::testing::slots(2));
    assert_eq!(last.request(&WISH), Ok(RequestId(u32::MAX)));
    assert_eq!(last.request(&WISH), Err(RequestError::Numbers));
}

#[test]
fn a_refused_send_loses_nothing() {
    let mut bench = Bench::new();
    bench.actor.request(&WISH).unwrap();
    bench.wire.busy = true;
    assert_eq!(bench.tick(0), []);
    bench.wire.busy = false;
    assert_eq!(bench.actor.next_deadline(), Some(at(2).monotonic));
    assert_eq!(bench.tick(2).len(), 1);
}

#[test]
fn another_in_place_of_one_that_is_granted() {
    let mut bench = Bench::new();
    bench.actor.request(&WISH).unwrap();
    // Not before that is known, and not of one that is not there.
    for request in [FIRST, RequestId(9)] {
        assert_eq!(bench.actor.modify(request, &WISH), Err(RequestError::NotGranted));
        assert_eq!(bench.actor.dry_run(&WISH, Some(request)), Err(RequestError::NotGranted));
    }
    bench.receive(1, &granted(FIRST));
    let devices = Devices::any_of(&["mast-1", "mast-2"]).unwrap();
    let wish = Wish { devices, across_weeks: true, ..WISH };
    let second = RequestId(2);
    assert_eq!(bench.actor.modify(FIRST, &wish), Ok(second));
    let asked = bench.tick(2);
    let [Message::ScanRequest(request)] = messages(&asked)[..] else { panic!("{asked:?}") };
    assert_eq!((request.replaces, request.devices, request.dry_run), (Some(FIRST), devices, false));
    assert!(request.across_weeks);
    // Refused, the one stands.
    bench.receive(3, &refused(second, Refusal::Offline));
    assert_eq!((bench.notes.cancelled.len(), bench.actor.open_requests()), (0, 1));
    // Granted, what had not begun of it is dropped, and that is told once.
    let third = RequestId(3);
    assert_eq!(bench.actor.modify(FIRST, &wish), Ok(third));
    let Message::Granted(grant) = granted(third) else { panic!() };
    let grant = Message::Granted(Granted { replaced: Some(1), ..grant });
    bench.receive(4, &grant);
    bench.receive(4, &grant);
    assert_eq!(bench.notes.granted, [FIRST, third]);
    assert_eq!(bench.notes.cancelled, [(FIRST, 1)]);
    assert_eq!(bench.actor.open_requests(), 2);
    bench.receive(5, &report(FIRST, 0));
    assert_eq!(bench.actor.open_requests(), 1);
    let stats = bench.actor.stats();
    assert_eq!((stats.requests, stats.granted, stats.refused, stats.cancelled), (3, 2, 1, 1));
}

#[test]
fn what_is_only_tried_is_told_apart() {
    let mut bench = Bench::new();
    let wish = Wish { devices: Devices::Any, ..WISH };
    assert_eq!(bench.actor.dry_run(&wish, None), Ok(FIRST));
    assert_eq!(bench.actor.dry_run(&WISH, None), Ok(RequestId(2)));
    let asked = bench.tick(0);
    let [Message::ScanRequest(request), _] = messages(&asked)[..] else { panic!("{asked:?}") };
    assert!(request.dry_run && request.devices == Devices::Any);
    // A grant of something else is not for it.
    bench.receive(1, &granted(FIRST));
    assert_eq!(bench.actor.stats().stray_answers, 1);
    let Message::Granted(grant) = granted(FIRST) else { panic!() };
    let would = Message::Granted(Granted { dry_run: true, ..grant });
    bench.receive(2, &would);
    bench.receive(2, &would);
    bench.receive(2, &refused(RequestId(2), Refusal::Busy));
    bench.receive(2, &refused(RequestId(2), Refusal::Offline));
    assert_eq!(bench.notes.tried, [Ok(FIRST), Err((RequestId(2), Refusal::Offline))]);
    assert_eq!((bench.notes.granted.len(), bench.notes.refused.len()), (0, 0));
    // One that is cancelled is forgotten, and one that is not answered is said to be so.
    let [third, fourth] = [3, 4].map(RequestId);
    bench.actor.dry_run(&WISH, None).unwrap();
    bench.actor.dry_run(&WISH, None).unwrap();
    bench.actor.cancel(third).unwrap();
    for second in 10..1_000 {
        bench.tick(second);
    }
    assert_eq!(bench.notes.unanswered, [Question::DryRun(fourth)]);
    let stats = bench.actor.stats();
    assert_eq!(
        (stats.dry_runs, stats.tried, stats.requests, bench.actor.open_requests()),
        (4, 2, 0, 0)
    );
    // A real request is not settled by the answer to a trial.
    bench.actor.request(&WISH).unwrap();
    let fifth = Message::Granted(Granted { request: RequestId(5), dry_run: true, ..grant });
    bench.receive(1_001, &fifth);
    assert_eq!(bench.actor.open_requests(), 1);
    assert_eq!(bench.notes.granted.len(), 0);
}

proptest! {
    /// Octets of any kind, and messages for anyone else, change nothing but counters.
    #[test]
    fn strangers_change_nothing(noise in proptest::collection::vec(any::<u8>(), 0..80),
                                parts in parts(), kind in 0..KINDS) {
        let mut bench = Bench::new();
        bench.actor.request(&WISH).unwrap();
        bench.actor.request(&WISH).unwrap();
        bench.receive(0, &granted(FIRST));
        bench.actor.copy_inventory();
        bench.tick(0);
        let before = std::format!("{:?}", (&bench.actor.requests, &bench.actor.copies, &bench.actor.heard));
        if Message::parse(&noise).is_err() {
            bench.actor.receive(at(1), &address(0), &noise, &mut bench.wire, &mut bench.notes);
        }
        parts.with_message(kind, |message| bench.receive(1, &message));
        let after = std::format!("{:?}", (&bench.actor.requests, &bench.actor.copies, &bench.actor.heard));
        // One number in four thousand million is this Actor's.
        prop_assert_eq!(before, after);
        prop_assert!(bench.notes.reports.is_empty());
    }
}
