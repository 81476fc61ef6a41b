//! What a request may ask for beside slots, and what the policy makes of it.

use super::*;
use crate::scos::calendar::{Policy, RefusalReason, Reserve};
use crate::scos::messages::{
    ActorPolicyAck, Alternative, Devices, Granted, PolicyOutcome, Refused, SetActorPolicy,
};
use crate::scos::{ActorPolicy, DeviceIndex};

const OTHER: u8 = 8;
const MANAGER: u8 = 40;

/// Asks and returns the answer.
fn answer<R>(
    bench: &mut Bench,
    seconds: u64,
    request: &ScanRequest<'_>,
    judge: impl FnOnce(Result<Granted<'_>, Refused<'_>>) -> R,
) -> R {
    let from = if request.actor == ActorId(7) { ACTOR } else { OTHER };
    let sent = bench.receive(seconds, from, &Message::ScanRequest(*request));
    match messages(&sent)[..] {
        [Message::Granted(granted)] => judge(Ok(granted)),
        [Message::Refused(refused)] => judge(Err(refused)),
        ref other => panic!("{other:?}"),
    }
}

/// A device of the first run says what it can do.
fn advertise_from(bench: &mut Bench, from: u8, revision: u32, recipes: u16) {
    for section in [ANALYSER, ANTENNA, sensor(recipes)] {
        let said = Message::Advertise(Advertise { boot: 1, revision, section });
        bench.receive(0, from, &said);
    }
}

/// Adds `mast-2`, which can do what `mast-1` can.
fn second_device(bench: &mut Bench) {
    let request = Associate {
        request: Association::New,
        device: "mast-2",
        public_key: b"mast-2",
        boot: 1,
        sequence: 1,
        schedule: ScheduleMark::default(),
        proof: None,
    };
    bench.receive(0, 2, &Message::Associate(request));
    advertise_from(bench, 2, 1, 16);
}

fn state(bench: &Bench) -> std::string::String {
    let ssm = &bench.ssm;
    std::format!("{:?}", (&ssm.registry, &ssm.scheduler, &ssm.bookings, &ssm.actors, &ssm.outbox))
}

#[test]
fn a_refusal_says_where_it_would_have_been_granted() {
    let mut bench = Bench::new();
    second_device(&mut bench);
    assert_eq!(bench.refusal(0, &request(1, 100, 0)), None);
    let place = |device, start| Some(Alternative { device, start: MONDAY + start });
    let alternative = |bench: &mut Bench, request: &ScanRequest<'_>, expected| {
        answer(bench, 0, request, |answer| assert_eq!(answer.unwrap_err().alternative, expected));
    };
    let taken = request(2, 101, 0);
    alternative(&mut bench, &taken, place("mast-1", 102));
    // The same again, though by now that is taken.
    assert_eq!(bench.refusal(0, &request(3, 102, 0)), None);
    alternative(&mut bench, &taken, place("mast-1", 102));
    // Of several devices it is the best of all.
    let second = ScanRequest { devices: Devices::One("mast-2"), ..request(4, 100, 0) };
    assert_eq!(bench.refusal(0, &second), None);
    let both = Devices::any_of(&["mast-1", "mast-2"]).unwrap();
    let either = ScanRequest { devices: both, ..request(5, 101, 0) };
    alternative(&mut bench, &either, place("mast-2", 102));
    // However short the shift that was allowed.
    let when = When::Nearest { max_shift_minutes: Some(0) };
    let near = ScanRequest { when, devices: Devices::Any, ..request(6, 101, 0) };
    alternative(&mut bench, &near, place("mast-2", 102));
    // In the past, and where the week ends.
    alternative(&mut bench, &request(7, -10_000, 0), place("mast-1", 1));
    alternative(&mut bench, &request(8, 10_079, 0), place("mast-1", 10_078));
    // Where time is not in the way there is none.
    let nonsense =
        ScanRequest { series: Series { minutes: 0, ..taken.series }, ..request(9, 5, 0) };
    alternative(&mut bench, &nonsense, None);
}

#[test]
fn the_ssm_picks_the_device() {
    let mut bench = Bench::new();
    let device = |bench: &mut Bench, request: &ScanRequest<'_>| {
        answer(bench, 0, request, |answer| {
            answer.map(|granted| granted.device == "mast-2").map_err(|refused| refused.reason)
        })
    };
    let any = |number, start| ScanRequest { devices: Devices::Any, ..request(number, start, 0) };
    // mast-2 is not there yet.
    assert_eq!(device(&mut bench, &any(1, 100)), Ok(false));
    second_device(&mut bench);
    assert_eq!(device(&mut bench, &any(2, 200)), Ok(true), "the least booked");
    assert_eq!(device(&mut bench, &any(3, 300)), Ok(false), "the first of equals");
    let among = Devices::any_of(&["nowhere", "mast-3", "mast-2"]).unwrap();
    let among = ScanRequest { devices: among, ..request(4, 400, 0) };
    assert_eq!(device(&mut bench, &among), Ok(true), "the one that can");
    // The same again is the same device.
    assert_eq!(device(&mut bench, &any(2, 200)), Ok(true));
    // None can: the first says why.
    let none = Devices::any_of(&["mast-3", "nowhere"]).unwrap();
    let none = ScanRequest { devices: none, ..request(5, 500, 0) };
    assert_eq!(device(&mut bench, &none), Err(Refusal::Offline));
    let unable = ScanParameters { gain_db: 99, ..SCAN };
    let unable = ScanRequest { parameters: unable, ..any(6, 600) };
    assert_eq!(device(&mut bench, &unable), Err(Refusal::OutOfCapability(Limit::Gain)));
    // One that is full is passed over, and when all are it is said so.
    for (at, from) in [(7, DEVICE), (8, 2)] {
        advertise_from(&mut bench, from, 11, 2);
        let expected = if at == 7 { Ok(true) } else { Err(Refusal::ScheduleFull) };
        assert_eq!(device(&mut bench, &any(at, 700 + 10 * i64::from(at))), expected);
    }
    assert!(bench.ssm.scheduler().is_consistent());
    // Nobody is there.
    let mut bench = Bench::empty(ssm(SSM_CONFIG, 4, 2, 2));
    assert_eq!(device(&mut bench, &any(1, 100)), Err(Refusal::Offline));
}

#[test]
fn a_dry_run_leaves_nothing_behind() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(0, &request(1, 100, 0)), None);
    let before = state(&bench);
    let tried = |request: ScanRequest<'static>| ScanRequest { dry_run: true, ..request };
    answer(&mut bench, 0, &tried(request(2, 200, 1)), |answer| {
        let granted = answer.unwrap();
        assert!(granted.dry_run && granted.replaced.is_none());
        assert_eq!((granted.device, granted.series), ("mast-1", request(2, 200, 1).series));
    });
    answer(&mut bench, 0, &tried(request(2, 101, 0)), |answer| {
        let refused = answer.unwrap_err();
        assert_eq!(refused.reason, Refusal::Calendar(RefusalReason::Conflict));
        assert_eq!(refused.first_conflict, Some(MONDAY + 101));
        assert_eq!(refused.alternative.map(|place| place.start), Some(MONDAY + 102));
    });
    // In place of one that is booked, and under a number that is in use.
    let replacing = ScanRequest { replaces: Some(RequestId(1)), ..request(3, 101, 0) };
    answer(&mut bench, 0, &tried(replacing), |answer| {
        assert_eq!(answer.unwrap().replaced, Some(0))
    });
    answer(&mut bench, 0, &tried(request(1, 100, 0)), |answer| {
        assert_eq!(answer.unwrap_err().reason, Refusal::NumberReused);
    });
    assert_eq!(state(&bench), before);
    assert_eq!((bench.ssm.stats().dry_runs, bench.ssm.stats().granted), (4, 1));
    // The number is free, and the answer was true.
    assert_eq!(bench.refusal(0, &request(2, 200, 1)), None);
}

#[test]
fn a_booked_request_is_replaced_by_another() {
    let mut bench = Bench::with(ssm(SSM_CONFIG, 16, 3, 4));
    assert_eq!(bench.refusal(0, &request(1, 5, 3)), None);
    assert_eq!(bench.refusal(0, &request(2, 102, 0)), None);
    bench.deliver(0);
    let replace = |number, start, old| ScanRequest {
        replaces: Some(RequestId(old)),
        ..request(number, start, 0)
    };
    // The new one cannot be had, or there is no old one: nothing changes.
    for (new, reason) in [
        (replace(3, 101, 1), RefusalReason::Conflict),
        (replace(4, 200, 99), RefusalReason::UnknownRequest),
        (replace(5, 200, 3), RefusalReason::UnknownRequest),
    ] {
        let scheduler = std::format!("{:?}", bench.ssm.scheduler());
        assert_eq!(bench.refusal(1, &new).unwrap().0, Refusal::Calendar(reason));
        assert_eq!(std::format!("{:?}", bench.ssm.scheduler()), scheduler);
    }
    assert_eq!(bench.ssm.owed(), 5);
    // At 05:10 the first has begun and stays; the slots of the second are free for the new.
    bench.associate(290, Association::Refresh, 1);
    let new = replace(6, 16, 1);
    answer(&mut bench, 310, &new, |answer| assert_eq!(answer.unwrap().replaced, Some(1)));
    // The device drops first, then adds.
    let [Change::Add { entry: old, next: 0 }, Change::Add { entry, next: 0 }] =
        bench.deliver(310)[..]
    else {
        panic!("not delivered")
    };
    assert_eq!((old.request, old.series.repeats), (RequestId(1), 0));
    assert_eq!((entry.request, entry.series), (RequestId(6), new.series));
    assert_eq!(bench.ssm.owed(), 3);
    // Both are answered the same again; the old one is cancelled.
    answer(&mut bench, 320, &new, |answer| assert_eq!(answer.unwrap().replaced, Some(1)));
    let asked = bench.receive(320, ACTOR, &Message::ScanRequest(request(1, 5, 3)));
    let cancelled =
        Message::Cancelled(Cancelled { actor: ActorId(7), request: RequestId(1), keep: 1 });
    assert_eq!(messages(&asked), [cancelled]);
    // What is cancelled or begun cannot be replaced.
    let gone = Refusal::Calendar(RefusalReason::UnknownRequest);
    assert_eq!(bench.refusal(320, &replace(7, 300, 1)).unwrap().0, gone);
    bench.associate(560, Association::Refresh, 1);
    bench.associate(800, Association::Refresh, 1);
    let begun = Refusal::Calendar(RefusalReason::AlreadyBegun);
    assert_eq!(bench.refusal(970, &replace(8, 300, 6)).unwrap().0, begun);
    let stats = bench.ssm.stats();
    assert_eq!((stats.replaced, stats.cancelled), (1, 1));
    assert!(bench.ssm.scheduler().is_consistent());
}

#[test]
fn a_full_device_takes_another_in_place_of_one() {
    let mut bench = Bench::new();
    bench.advertise(0, 11, 1);
    assert_eq!(bench.refusal(0, &request(1, 50, 0)), None);
    bench.deliver(0);
    assert_eq!(bench.refusal(0, &request(2, 60, 0)).unwrap().0, Refusal::ScheduleFull);
    let new = ScanRequest { replaces: Some(RequestId(1)), ..request(3, 60, 0) };
    assert_eq!(bench.refusal(0, &new), None);
    let [Change::Remove { request: RequestId(1), .. }, Change::Add { .. }] = bench.deliver(0)[..]
    else {
        panic!("not delivered in this order")
    };
}

#[test]
fn a_scan_may_lie_in_both_weeks() {
    let mut bench = Bench::new();
    let sunday = request(1, 10_079, 1);
    let crosses = Refusal::Calendar(RefusalReason::CrossesWeek);
    assert_eq!(bench.refusal(0, &sunday).unwrap().0, crosses);
    let both = ScanRequest { across_weeks: true, ..request(2, 10_079, 1) };
    assert_eq!(bench.refusal(0, &both), None);
    let [Change::Add { entry, .. }] = bench.deliver(0)[..] else { panic!("not delivered") };
    assert_eq!(entry.series, both.series);
    // Its recipe stays until the second week is over.
    let recipes = |bench: &Bench| bench.ssm.scheduler().recipes().count();
    bench.tick(10_080 * 60);
    assert_eq!(recipes(&bench), 1);
    bench.tick(2 * 10_080 * 60);
    assert_eq!(recipes(&bench), 0);
}

#[test]
fn the_policy_changes_while_it_runs() {
    let mut bench = Bench::new();
    let over = Some((Refusal::Calendar(RefusalReason::OverQuota), None));
    let policy = *bench.ssm.scheduler().policy();
    bench.ssm.set_policy(Policy { quota_minutes: Some(3), ..policy });
    assert_eq!(bench.refusal(0, &request(1, 50, 0)), None);
    assert_eq!(bench.refusal(0, &request(2, 60, 0)), over);
    // One Actor may more, and then less than it has: what is booked stays.
    let quota = |minutes| ActorPolicy { quota_minutes: Some(minutes), priority: 0 };
    bench.ssm.set_actor_policy(ActorId(7), quota(4)).unwrap();
    assert_eq!(bench.refusal(0, &request(3, 60, 0)), None);
    bench.ssm.set_actor_policy(ActorId(7), quota(0)).unwrap();
    assert_eq!(bench.refusal(0, &request(4, 70, 0)), over);
    assert_eq!(bench.ssm.owed(), 2);
    bench.ssm.set_actor_policy(ActorId(7), ActorPolicy::default()).unwrap();
    bench.ssm.set_policy(Policy { reserve_per_hour: 10, short_minutes: 1, ..policy });
    let reserved = Refusal::Calendar(RefusalReason::ReservedForShort);
    assert_eq!(bench.refusal(0, &request(5, 110, 0)).unwrap().0, reserved);
    // But not on this device.
    assert!(bench.ssm.set_reserve("mast-1", Some(Reserve::NONE)));
    assert!(!bench.ssm.set_reserve("nowhere", None));
    assert_eq!(bench.refusal(0, &request(6, 110, 0)), None);
    // An Actor something is set for is not forgotten for want of room, and others find none.
    let mut bench = Bench::with(ssm(SSM_CONFIG, 8, 1, 4));
    bench.ssm.set_actor_policy(ActorId(1), quota(9)).unwrap();
    assert!(bench.ssm.set_actor_policy(ActorId(2), quota(9)).is_err());
    assert_eq!(bench.refusal(0, &request(1, 50, 0)).unwrap().0, Refusal::Busy);
    assert!(bench.ssm.actor_policies().eq([(ActorId(1), quota(9), 0)]));
}

#[test]
fn a_policy_manager_sets_what_holds_for_an_actor() {
    let mut bench = Bench::new();
    let quota = |minutes| ActorPolicy { quota_minutes: Some(minutes), priority: 1 };
    let set = |bench: &mut Bench, from, version, policy| {
        let actor = ActorId(7);
        let set = Message::SetActorPolicy(SetActorPolicy { version, actor, policy });
        let sent = bench.receive(0, from, &set);
        let [
            Message::ActorPolicyAck(ActorPolicyAck { actor: ActorId(7), version: echoed, outcome }),
        ] = messages(&sent)[..]
        else {
            panic!("{:?}", messages(&sent))
        };
        assert_eq!(echoed, version);
        outcome
    };
    // There is none yet, and others never are.
    assert_eq!(set(&mut bench, MANAGER, 1, quota(2)), PolicyOutcome::NotAuthorised);
    bench.ssm.set_policy_manager(Some(PolicyManager::Address(address(MANAGER))));
    assert_eq!(set(&mut bench, ACTOR, 1, quota(9_999)), PolicyOutcome::NotAuthorised);
    assert_eq!(bench.ssm.actor_policy(ActorId(7)), ActorPolicy::default());
    assert_eq!(set(&mut bench, MANAGER, 2, quota(2)), PolicyOutcome::Applied);
    assert_eq!(bench.refusal(0, &request(1, 50, 0)), None);
    let over = Some((Refusal::Calendar(RefusalReason::OverQuota), None));
    assert_eq!(bench.refusal(0, &request(2, 60, 0)), over);
    // Again, for the answer was lost; late; and another of the same number.
    assert_eq!(set(&mut bench, MANAGER, 2, quota(2)), PolicyOutcome::Applied);
    assert_eq!(set(&mut bench, MANAGER, 1, quota(50)), PolicyOutcome::Stale(2));
    assert_eq!(set(&mut bench, MANAGER, 2, quota(50)), PolicyOutcome::Stale(2));
    assert_eq!(bench.ssm.actor_policy(ActorId(7)), quota(2));
    assert_eq!(set(&mut bench, MANAGER, 3, ActorPolicy::default()), PolicyOutcome::Applied);
    assert_eq!(bench.refusal(0, &request(3, 60, 0)), None);
    let stats = bench.ssm.stats();
    assert_eq!((stats.policies, stats.policies_refused), (2, 2));
    // No room for another Actor.
    let mut bench = Bench::with(ssm(SSM_CONFIG, 8, 1, 4));
    bench.ssm.set_policy_manager(Some(PolicyManager::Address(address(MANAGER))));
    bench.ssm.set_actor_policy(ActorId(1), quota(9)).unwrap();
    assert_eq!(set(&mut bench, MANAGER, 1, quota(2)), PolicyOutcome::NoRoom);
}

/// Each occurrence that had to give way is reported once and at once, as far as there is
/// room; what had begun goes on.
#[test]
fn who_gives_way_learns_it_at_once() {
    let mut bench = Bench::with(ssm(SSM_CONFIG, 16, 3, 2));
    let policy = *bench.ssm.scheduler().policy();
    bench.ssm.set_policy(Policy { preemption: true, ..policy });
    let strong = ActorPolicy { quota_minutes: None, priority: 5 };
    bench.ssm.set_actor_policy(ActorId(8), strong).unwrap();
    assert_eq!(bench.refusal(0, &request(1, 5, 4)), None);
    bench.deliver(0);
    bench.associate(290, Association::Refresh, 1);
    // At 05:10 the first occurrence runs; the second is wanted.
    let wanted = ScanRequest { actor: ActorId(8), ..request(1, 15, 0) };
    answer(&mut bench, 310, &wanted, |answer| assert_eq!(answer.map(|_| ()), Ok(())));
    assert_eq!(bench.ssm.stats().displaced, 1);
    assert!(bench.ssm.scheduler().is_consistent());
    // The device keeps the first and drops the rest before it is sent the other.
    let [Change::Add { entry: old, .. }, Change::Add { entry: new, .. }] = bench.deliver(310)[..]
    else {
        panic!("not delivered")
    };
    assert_eq!((old.series.repeats, new.actor), (0, ActorId(8)));
    // There is room for two reports; the others follow when these are acknowledged.
    let displaced = |occurrence| (occurrence, Outcome::Rejected(Rejection::Displaced));
    assert_eq!(bench.notes.reports, [1, 2].map(displaced));
    assert_eq!(bench.forwarded(320), [1, 2].map(displaced));
    assert_eq!(bench.notes.reports, [1, 2, 3, 4].map(displaced));
    assert_eq!(bench.forwarded(330), [3, 4].map(displaced));
    // The first is reported by its device, and there is no other report of any.
    assert!(bench.report(420, 1, 0));
    assert!(bench.report(425, 1, 2), "acknowledged, and gone");
    assert_eq!(bench.forwarded(430), [(0, Outcome::Complete)]);
    assert_eq!(bench.notes.reports.len(), 5);
    assert_eq!(bench.ssm.owed(), 1, "what took its place");
    // The answer to the request that gave way stays what it was.
    assert_eq!(bench.refusal(430, &request(1, 5, 4)), None);
}

/// A clock that is set over the end of the week and back again.
#[test]
fn a_clock_set_forward_and_back_gives_nothing_away_twice() {
    let mut bench = Bench::new();
    assert_eq!(bench.refusal(0, &request(1, 600, 2)), None);
    bench.deliver(0);
    let minute = |seconds| Now { monotonic: at(seconds).monotonic, ..at(20_160 * 60) };
    for seconds in 10..20 {
        let now = minute(seconds);
        bench.ssm.tick(now, &mut bench.wire, &mut bench.notes);
    }
    assert_eq!(bench.ssm.scheduler().recipes().count(), 1, "its device has it");
    // Back: what was booked is booked.
    let taken = bench.refusal(30, &request(2, 611, 0)).unwrap();
    assert_eq!(taken, (Refusal::Calendar(RefusalReason::Conflict), Some(MONDAY + 611)));
    assert!(bench.ssm.scheduler().is_consistent());
    assert_eq!(bench.ssm.scheduler().recipes_of(DeviceIndex(0)).count(), 1);
}

/// A thousand devices, and requests for any of them.
#[test]
fn a_thousand_devices_are_served() {
    const DEVICES: usize = 1_000;
    const REQUESTS: usize = 200;
    let config = SsmConfig { admission: Admission::Open, devices: &[], ..SSM_CONFIG };
    let storage = SsmStorage {
        devices: crate::scos::testing::slots(DEVICES),
        plans: Vec::leak(std::vec![DevicePlan::EMPTY; DEVICES]),
        recipes: crate::scos::testing::slots(2 * DEVICES),
        bookings: crate::scos::testing::slots(2 * DEVICES),
        actors: crate::scos::testing::slots(2),
        reports: crate::scos::testing::slots(4),
        summaries: crate::scos::testing::summaries(4),
        metadata: Vec::leak(std::vec![DeviceMetadata::EMPTY; DEVICES]),
        usage: crate::scos::testing::slots(2),
    };
    let mut bench = Bench::empty(Ssm::new(config, storage));
    for number in 0..DEVICES as u16 {
        let name = std::format!("mast-{number}");
        let from = Address::new(2, &number.to_be_bytes());
        let request = Associate {
            request: Association::New,
            device: &name,
            public_key: b"key",
            boot: 1,
            sequence: 1,
            schedule: ScheduleMark::default(),
            proof: None,
        };
        let said = [ANALYSER, ANTENNA, sensor(4)]
            .map(|section| Message::Advertise(Advertise { boot: 1, revision: 1, section }));
        for message in [Message::Associate(request)].iter().chain(&said) {
            let octets = octets(message);
            bench.ssm.receive(at(0), &from, &octets, &mut bench.wire, &mut bench.notes);
        }
    }
    for number in 1..=REQUESTS as u32 {
        let any = ScanRequest { devices: Devices::Any, ..request(number, 100, 0) };
        assert_eq!(bench.refusal(0, &any), None);
    }
    // No device has two: it is the least booked that is taken, and no shift is needed.
    let scheduler = bench.ssm.scheduler();
    let booked = |device| scheduler.recipes_of(DeviceIndex(device)).count();
    let counts: Vec<_> = (0..DEVICES as u16).map(booked).collect();
    assert!(counts.iter().enumerate().all(|(at, count)| *count == usize::from(at < REQUESTS)));
    assert!(scheduler.is_consistent());
    assert_eq!(bench.tick(0).len(), REQUESTS, "each is sent its own");
}
