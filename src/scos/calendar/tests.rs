//! The scheduler: each refusal, and random lives against one that looks at one
//! minute at a time.

use super::*;
use crate::scos::ScanParameters;
use crate::storage::Slot;
use crate::time::{Utc, Week};
use std::vec::Vec;

/// 2026-11-23, a Monday.
const MONDAY: i64 = 1_795_392_000 / 60;

fn at(minute: i64) -> Utc {
    Utc::from_unix_minute(MONDAY + minute)
}

const PARAMETERS: ScanParameters = ScanParameters {
    center_hz: 100_000_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 1_000,
    transforms: 16,
    detector: crate::scos::Detector::Mean,
    window: crate::scos::Window::Hann,
    gain_db: 20,
    settings: None,
};

/// One occurrence of five minutes at Monday 10:00.
const REQUEST: ScanRequest = ScanRequest {
    actor: ActorId(1),
    request: RequestId(1),
    device: DeviceIndex(0),
    start: Utc::from_unix_minute(MONDAY + 600),
    minutes: 5,
    when: When::Exact,
    repeats: 0,
    offset_minutes: 0,
    across_weeks: false,
    parameters: PARAMETERS,
};

const NEAREST: When = When::Nearest { max_shift_minutes: None };

/// Runs `test` with a scheduler of two devices and eight recipes.
fn with_scheduler(policy: Policy, test: impl FnOnce(&mut Scheduler<'_>)) {
    let mut devices = [DevicePlan::EMPTY, DevicePlan::EMPTY];
    let mut slots = [const { Slot::EMPTY }; 8];
    let mut scheduler = Scheduler::new(policy, &mut devices, &mut slots);
    test(&mut scheduler);
    assert!(scheduler.is_consistent());
}

fn refused(scheduler: &mut Scheduler<'_>, request: ScanRequest) -> (RefusalReason, Option<Utc>) {
    let before: Vec<_> = scheduler.recipes().copied().collect();
    let refusal = scheduler.request(at(0), &request).unwrap_err();
    assert!(scheduler.recipes().eq(&before), "a refusal changes nothing");
    (refusal.reason, refusal.first_conflict)
}

#[test]
fn what_is_granted_is_taken_until_it_is_cancelled() {
    with_scheduler(Policy::OPEN, |scheduler| {
        let repeated = ScanRequest { repeats: 2, offset_minutes: 60, ..REQUEST };
        let grant = scheduler.request(at(0), &repeated).unwrap();
        assert!(grant.starts().eq([at(600), at(660), at(720)]));
        assert_eq!(scheduler.minutes_of(ActorId(1), grant.week(), DeviceIndex(0)), 15);
        let other = ScanRequest { request: RequestId(2), start: at(716), ..REQUEST };
        assert_eq!(refused(scheduler, other), (RefusalReason::Conflict, Some(at(720))));
        assert!(scheduler.request(at(0), &ScanRequest { device: DeviceIndex(1), ..other }).is_ok());
        let cancelled = scheduler.cancel(at(0), ActorId(1), RequestId(1)).unwrap();
        assert_eq!((cancelled.request, cancelled.grant), (repeated, grant));
        let again = scheduler.cancel(at(0), ActorId(1), RequestId(1));
        assert_eq!(again, Err(CancelError::UnknownRequest));
        assert!(scheduler.request(at(0), &ScanRequest { request: RequestId(3), ..other }).is_ok());
    });
}

#[test]
fn what_has_no_form_is_refused_by_name() {
    with_scheduler(Policy::OPEN, |scheduler| {
        let of = |request| refused(scheduler, request).0;
        let cases = [
            (ScanRequest { minutes: 0, ..REQUEST }, RefusalReason::ZeroMinutes),
            (ScanRequest { minutes: 10_081, ..REQUEST }, RefusalReason::TooLong),
            (
                ScanRequest { repeats: 1, offset_minutes: 4, ..REQUEST },
                RefusalReason::OverlapsItself,
            ),
            (
                ScanRequest { repeats: 7, offset_minutes: 1_440, ..REQUEST },
                RefusalReason::CrossesWeek,
            ),
            (ScanRequest { start: at(10_076), ..REQUEST }, RefusalReason::CrossesWeek),
            (ScanRequest { start: at(-1), ..REQUEST }, RefusalReason::InThePast),
            (ScanRequest { start: at(-1), when: NEAREST, ..REQUEST }, RefusalReason::InThePast),
            (ScanRequest { start: at(2 * 10_080), ..REQUEST }, RefusalReason::BeyondWindow),
            (ScanRequest { device: DeviceIndex(2), ..REQUEST }, RefusalReason::UnknownDevice),
            (
                ScanRequest { start: Utc::from_unix_seconds(MONDAY * 60 + 36_001), ..REQUEST },
                RefusalReason::NotOnAMinute,
            ),
            (
                ScanRequest { start: Utc::from_unix_micros(i64::MAX), ..REQUEST },
                RefusalReason::NotOnAMinute,
            ),
            (
                ScanRequest { start: Utc::from_unix_minute(i64::MAX / 60_000_000), ..REQUEST },
                RefusalReason::BeyondWindow,
            ),
        ];
        assert_eq!(cases.map(|(request, _)| request).map(of), cases.map(|(_, reason)| reason));
    });
}

#[test]
fn every_reason_has_its_own_name() {
    for (at, reason) in RefusalReason::ALL.iter().enumerate() {
        assert!(RefusalReason::ALL[at + 1..].iter().all(|other| other.name() != reason.name()));
    }
}

#[test]
fn the_same_number_is_the_same_request() {
    with_scheduler(Policy::OPEN, |scheduler| {
        let grant = scheduler.request(at(0), &REQUEST);
        assert_eq!(scheduler.request(at(0), &REQUEST), grant);
        // Also once it has begun.
        assert_eq!(scheduler.request(at(700), &REQUEST), grant);
        let other = ScanRequest { minutes: 6, ..REQUEST };
        assert_eq!(refused(scheduler, other), (RefusalReason::RequestIdReused, None));
        // Another Actor numbers its own requests.
        let other = ScanRequest { actor: ActorId(2), start: at(800), ..REQUEST };
        assert!(scheduler.request(at(0), &other).is_ok());
    });
}

#[test]
fn nearest_time_moves_the_whole_pattern_and_never_before_now() {
    with_scheduler(Policy::OPEN, |scheduler| {
        let now = Utc::from_unix_seconds(MONDAY * 60 + 1);
        let nearest = ScanRequest { when: NEAREST, start: at(0), ..REQUEST };
        let grant = scheduler.request(now, &nearest).unwrap();
        assert!(grant.starts().eq([at(1)]), "the minute of now has begun");
        let last = ScanRequest { request: RequestId(2), start: at(10_079), ..nearest };
        assert!(scheduler.request(now, &last).unwrap().starts().eq([at(10_075)]));
        // Free 2 minutes before and 2 after: the earlier.
        let taken = ScanRequest { request: RequestId(3), start: at(100), minutes: 3, ..REQUEST };
        scheduler.request(now, &taken).unwrap();
        let tie = ScanRequest { request: RequestId(4), start: at(101), minutes: 1, ..nearest };
        assert!(scheduler.request(now, &tie).unwrap().starts().eq([at(99)]));
        let near = When::Nearest { max_shift_minutes: Some(1) };
        let too_far = ScanRequest { request: RequestId(5), when: near, ..tie };
        assert_eq!(refused(scheduler, too_far), (RefusalReason::NoFit, Some(at(101))));
    });
}

#[test]
fn an_actor_has_its_minutes_and_not_one_more() {
    with_scheduler(Policy { quota_minutes: Some(10), ..Policy::OPEN }, |scheduler| {
        let six = ScanRequest { minutes: 6, ..REQUEST };
        scheduler.request(at(0), &six).unwrap();
        let other = ScanRequest { request: RequestId(2), start: at(0), ..REQUEST };
        assert_eq!(refused(scheduler, other), (RefusalReason::OverQuota, None));
        assert!(scheduler.request(at(0), &ScanRequest { minutes: 4, ..other }).is_ok());
        // Another week, device or Actor has its own.
        let next = ScanRequest { request: RequestId(3), start: at(10_080), ..REQUEST };
        assert!(scheduler.request(at(0), &next).is_ok());
        let device = ScanRequest { request: RequestId(4), device: DeviceIndex(1), ..other };
        assert!(scheduler.request(at(0), &device).is_ok());
        assert!(
            scheduler
                .request(at(0), &ScanRequest { actor: ActorId(2), start: at(20), ..other })
                .is_ok()
        );
        // Cancelling gives minutes back.
        scheduler.cancel(at(0), ActorId(1), RequestId(1)).unwrap();
        assert!(
            scheduler
                .request(at(0), &ScanRequest { request: RequestId(5), start: at(50), ..six })
                .is_ok()
        );
    });
}

#[test]
fn the_reserve_is_for_short_scans() {
    let policy = Policy { short_minutes: 5, reserve_per_hour: 10, ..Policy::OPEN };
    with_scheduler(policy, |scheduler| {
        let long = ScanRequest { minutes: 6, start: at(645), ..REQUEST };
        assert_eq!(refused(scheduler, long), (RefusalReason::ReservedForShort, Some(at(650))));
        assert!(scheduler.request(at(0), &ScanRequest { start: at(650), ..REQUEST }).is_ok());
        let near = ScanRequest { request: RequestId(2), when: NEAREST, ..long };
        assert!(scheduler.request(at(0), &near).unwrap().starts().eq([at(644)]));
        let whole = ScanRequest { request: RequestId(3), minutes: 51, start: at(700), ..near };
        let why = refused(scheduler, whole);
        assert_eq!(why, (RefusalReason::ReservedForShort, Some(at(710))));
    });
}

#[test]
fn a_full_table_refuses() {
    with_scheduler(Policy::OPEN, |scheduler| {
        for nth in 0..8 {
            let start = at(600 + 10 * i64::from(nth));
            let request = ScanRequest { request: RequestId(nth), start, ..REQUEST };
            scheduler.request(at(0), &request).unwrap();
        }
        let more = ScanRequest { request: RequestId(8), start: at(0), ..REQUEST };
        assert_eq!(refused(scheduler, more), (RefusalReason::TableFull, None));
        assert!(scheduler.plan(DeviceIndex(0), Week::of_minute(MONDAY).0).unwrap().is_free(0));
    });
}

#[test]
fn what_has_begun_cannot_be_cancelled() {
    with_scheduler(Policy::OPEN, |scheduler| {
        let repeated = ScanRequest { repeats: 3, offset_minutes: 60, ..REQUEST };
        scheduler.request(at(0), &repeated).unwrap();
        scheduler.cancel(at(661), ActorId(1), RequestId(1)).unwrap();
        let left = scheduler.recipe(ActorId(1), RequestId(1)).unwrap();
        assert!(left.grant.starts().eq([at(600), at(660)]));
        let again = scheduler.cancel(at(661), ActorId(1), RequestId(1));
        assert_eq!(again, Err(CancelError::AlreadyBegun));
        assert_eq!(scheduler.minutes_of(ActorId(1), left_week(scheduler), DeviceIndex(0)), 10);
    });
}

fn left_week(scheduler: &Scheduler<'_>) -> Week {
    scheduler.recipe(ActorId(1), RequestId(1)).unwrap().grant.week()
}

#[test]
fn next_week_becomes_this_week_and_nothing_is_lost() {
    with_scheduler(Policy { lead_minutes: 2, ..Policy::OPEN }, |scheduler| {
        let next = ScanRequest { start: at(10_080 + 600), ..REQUEST };
        let grant = scheduler.request(at(0), &next).unwrap();
        scheduler.request(at(0), &ScanRequest { request: RequestId(2), ..REQUEST }).unwrap();
        scheduler.advance(at(10_080));
        assert_eq!(scheduler.week(), grant.week());
        assert!(!scheduler.plan(DeviceIndex(0), grant.week()).unwrap().is_free(600));
        // The recipe of last week is kept until it is forgotten.
        assert_eq!(scheduler.recipes().count(), 2);
        assert_eq!(scheduler.forget(ActorId(1), RequestId(1)), None, "its week is not over");
        assert!(scheduler.forget(ActorId(1), RequestId(2)).is_some());
        // A clock that jumps a year and back does no harm.
        scheduler.advance(at(53 * 10_080));
        scheduler.advance(at(10_080));
        assert!(!scheduler.plan(DeviceIndex(0), grant.week()).unwrap().is_free(600));
        let soon = ScanRequest { request: RequestId(3), start: at(10_081), ..REQUEST };
        let refusal = scheduler.request(at(10_080), &soon).unwrap_err();
        assert_eq!(refusal.reason, RefusalReason::InThePast, "the lead of the policy");
    });
}

#[test]
fn a_recipe_is_restored_where_it_was() {
    let mut kept = None;
    with_scheduler(Policy::OPEN, |scheduler| {
        scheduler.request(at(0), &REQUEST).unwrap();
        kept = scheduler.recipe(ActorId(1), RequestId(1)).copied();
    });
    let kept = kept.unwrap();
    with_scheduler(Policy::OPEN, |scheduler| {
        scheduler.advance(at(0));
        scheduler.restore(&kept).unwrap();
        assert_eq!(scheduler.request(at(0), &REQUEST), Ok(kept.grant));
        let mut twice = kept;
        twice.request.request = RequestId(2);
        assert_eq!(scheduler.restore(&twice).unwrap_err().reason, RefusalReason::Conflict);
    });
}

const ACROSS: ScanRequest = ScanRequest { across_weeks: true, ..REQUEST };

#[test]
fn a_pattern_may_lie_in_both_weeks_when_asked() {
    with_scheduler(Policy { quota_minutes: Some(8), ..Policy::OPEN }, |scheduler| {
        let sunday = at(10_077);
        let asked = ScanRequest { start: sunday, ..REQUEST };
        assert_eq!(refused(scheduler, asked), (RefusalReason::CrossesWeek, None));
        // Three minutes in this week, two in the next.
        let asked = ScanRequest { across_weeks: true, ..asked };
        let grant = scheduler.request(at(0), &asked).unwrap();
        assert!(grant.starts().eq([sunday]));
        let (this, next) = (grant.week(), grant.last_week());
        assert_eq!(next, this.next());
        let minutes = |scheduler: &Scheduler<'_>, week| {
            scheduler.minutes_of(ActorId(1), week, DeviceIndex(0))
        };
        assert_eq!((minutes(scheduler, this), minutes(scheduler, next)), (3, 2));
        // All of it or nothing: the second of these is taken.
        let twice = ScanRequest {
            request: RequestId(2),
            start: at(10_074),
            minutes: 1,
            repeats: 1,
            offset_minutes: 7,
            ..ACROSS
        };
        assert_eq!(refused(scheduler, twice), (RefusalReason::Conflict, Some(at(10_081))));
        // Quota is counted in each week: five more in this one, six in the next.
        let many = |start, minutes| ScanRequest {
            request: RequestId(3),
            start: at(start),
            minutes,
            ..ACROSS
        };
        assert_eq!(refused(scheduler, many(600, 6)), (RefusalReason::OverQuota, None));
        assert_eq!(refused(scheduler, many(11_000, 7)), (RefusalReason::OverQuota, None));
        assert!(scheduler.request(at(0), &many(11_000, 6)).is_ok());
        // Longer than one week, and not longer than both.
        let daily = ScanRequest {
            actor: ActorId(2),
            minutes: 1,
            start: at(0),
            repeats: 13,
            offset_minutes: 1_440,
            ..ACROSS
        };
        let daily = ScanRequest { when: NEAREST, ..daily };
        let other = ScanRequest { across_weeks: false, ..daily };
        assert_eq!(refused(scheduler, other), (RefusalReason::CrossesWeek, None));
        let weeks = |grant: Grant| [grant.minutes_in(this), grant.minutes_in(next)];
        assert_eq!(weeks(scheduler.request(at(0), &daily).unwrap()), [7, 7]);
        // The week turns, and what is left of it is where it was.
        scheduler.advance(at(10_080));
        assert!(!scheduler.plan(DeviceIndex(0), next).unwrap().is_free(1));
        assert!(scheduler.plan(DeviceIndex(0), next).unwrap().is_free(3));
        assert_eq!(scheduler.forget(ActorId(1), RequestId(1)), None, "it ends in this week");
        scheduler.advance(at(2 * 10_080));
        assert!(scheduler.forget(ActorId(1), RequestId(1)).is_some());
    });
}

#[test]
fn a_leap_second_belongs_to_the_minute_it_ends() {
    // 2016-12-31T23:59:60Z was one. POSIX time has no number for it: clocks repeat the second
    // before, or stand still. The day after is a Sunday; the week is not over.
    let midnight = 1_483_228_800;
    for second in [midnight - 2, midnight - 1] {
        assert_eq!(Utc::from_unix_seconds(second).unix_minute(), midnight / 60 - 1);
    }
    let week = |minute| Week::of_minute(minute).0;
    assert_eq!(week(midnight / 60 - 1), week(midnight / 60));
    with_scheduler(Policy::OPEN, |scheduler| {
        let first = Utc::from_unix_seconds(midnight);
        let request = ScanRequest { start: first, ..REQUEST };
        // The clock shows the last second of the day twice.
        for _ in 0..2 {
            let last = Utc::from_unix_seconds(midnight - 1);
            assert!(scheduler.request(last, &request).unwrap().starts().eq([first]));
        }
        // What starts with the day has begun after it, not before.
        let begun = |scheduler: &mut Scheduler<'_>, micros: i64| {
            let now = Utc::from_unix_micros(midnight * 1_000_000 + micros);
            scheduler.cancel(now, ActorId(1), RequestId(1))
        };
        assert_eq!(begun(scheduler, 1), Err(CancelError::AlreadyBegun));
        assert!(begun(scheduler, -1).is_ok());
    });
}

#[test]
fn a_clock_that_steps_moves_the_window_and_nothing_else() {
    with_scheduler(Policy::OPEN, |scheduler| {
        let next = ScanRequest { request: RequestId(2), start: at(10_080 + 600), ..REQUEST };
        scheduler.request(at(0), &REQUEST).unwrap();
        scheduler.request(at(0), &next).unwrap();
        let before: Vec<_> = scheduler.recipes().copied().collect();
        // Within the week, over its end, over both, and back before it.
        for minute in [700, 10_080, 30_000, -1, -10_081, 0] {
            scheduler.advance(at(minute));
            assert!(scheduler.is_consistent());
            assert!(scheduler.recipes().eq(&before));
        }
        // Nothing of it is given away.
        let other = ScanRequest { request: RequestId(3), ..REQUEST };
        assert_eq!(refused(scheduler, other), (RefusalReason::Conflict, Some(at(600))));
        // Set back, what had begun has not begun.
        assert_eq!(
            scheduler.cancel(at(601), ActorId(1), RequestId(1)),
            Err(CancelError::AlreadyBegun)
        );
        assert!(scheduler.cancel(at(599), ActorId(1), RequestId(1)).is_ok());
    });
}

/// The terms of a request in place of `number`, with a priority.
fn terms(replaces: Option<u32>, priority: u8) -> Terms<'static> {
    let actor = ActorPolicy { quota_minutes: None, priority };
    Terms { actor, replaces: replaces.map(RequestId), guarded: at(0), ..Terms::OPEN }
}

#[test]
fn a_request_is_replaced_in_one_step_or_stays() {
    with_scheduler(Policy { quota_minutes: Some(21), ..Policy::OPEN }, |scheduler| {
        let old = ScanRequest { repeats: 3, offset_minutes: 60, ..REQUEST };
        scheduler.request(at(0), &old).unwrap();
        let taken = ScanRequest { actor: ActorId(2), start: at(700), ..REQUEST };
        scheduler.request(at(0), &taken).unwrap();
        let before = std::format!("{scheduler:?}");
        let find = |scheduler: &Scheduler<'_>, request: &ScanRequest, replaces, now| {
            let terms = Terms { guarded: at(now), ..terms(Some(replaces), 0) };
            scheduler.find(at(now), request, &terms)
        };
        // It cannot be had: the old stands.
        let new = ScanRequest { request: RequestId(2), start: at(698), minutes: 4, ..old };
        let refusal = find(scheduler, &new, 1, 0).unwrap_err();
        assert_eq!(
            (refusal.reason, refusal.first_conflict),
            (RefusalReason::Conflict, Some(at(700)))
        );
        assert_eq!(find(scheduler, &new, 9, 0).unwrap_err().reason, RefusalReason::UnknownRequest);
        assert_eq!(find(scheduler, &new, 1, 781).unwrap_err().reason, RefusalReason::AlreadyBegun);
        assert_eq!(std::format!("{scheduler:?}"), before);
        // Its own slots and minutes are free for it, but not those that have begun.
        let new = ScanRequest { start: at(662), ..new };
        let place = find(scheduler, &new, 1, 601).unwrap();
        assert_eq!(place.replaced(), Some((RequestId(1), 1)));
        assert_eq!(scheduler.book(&place, &mut |_, _| {}), Ok(()));
        let kept = scheduler.recipe(ActorId(1), RequestId(1)).unwrap();
        assert!(kept.grant.starts().eq([at(600)]));
        assert!(place.grant().starts().eq([662, 722, 782, 842].map(at)));
        let week = place.grant().week();
        assert_eq!(scheduler.minutes_of(ActorId(1), week, DeviceIndex(0)), 5 + 16);
        // The same number again has its place already.
        assert_eq!(
            scheduler.book(&place, &mut |_, _| {}).unwrap_err().reason,
            RefusalReason::RequestIdReused
        );
    });
}

fn among(devices: &[DeviceIndex]) -> Terms<'_> {
    Terms { devices: Candidates::These(devices), ..Terms::OPEN }
}

#[test]
fn any_of_several_devices_is_the_nearest_then_the_least_booked() {
    with_scheduler(Policy::OPEN, |scheduler| {
        let (first, second) = (DeviceIndex(0), DeviceIndex(1));
        let both = [first, second];
        let find = |scheduler: &Scheduler<'_>, request: &ScanRequest, terms: &Terms<'_>| {
            scheduler.find(at(0), request, terms).map(|place| place.device())
        };
        scheduler.advance(at(0));
        assert_eq!(find(scheduler, &REQUEST, &among(&both)), Ok(first));
        assert_eq!(find(scheduler, &REQUEST, &among(&[second, first])), Ok(second), "the first");
        let elsewhere = ScanRequest { request: RequestId(9), start: at(9_000), ..REQUEST };
        scheduler.request(at(0), &elsewhere).unwrap();
        assert_eq!(find(scheduler, &REQUEST, &among(&both)), Ok(second), "the least booked");
        let all = |_: DeviceIndex| true;
        let anywhere = Terms { devices: Candidates::All(&all), ..Terms::OPEN };
        assert_eq!(find(scheduler, &REQUEST, &anywhere), Ok(second));
        // The least shift goes before that.
        let taken = ScanRequest { request: RequestId(8), device: second, ..REQUEST };
        scheduler.request(at(0), &taken).unwrap();
        let nearest = ScanRequest { when: NEAREST, ..REQUEST };
        assert_eq!(find(scheduler, &nearest, &among(&both)), Ok(first));
        // Where none can, the first says why, and the best of all is the alternative.
        let taken = ScanRequest { request: RequestId(7), start: at(598), ..REQUEST };
        scheduler.request(at(0), &taken).unwrap();
        let refusal = scheduler.find(at(0), &REQUEST, &among(&both)).unwrap_err();
        assert_eq!(refusal.first_conflict, Some(at(600)));
        let other = scheduler.alternative(at(0), &REQUEST, &among(&both), refusal.reason).unwrap();
        assert_eq!((other.device(), other.grant().series.start), (first, MONDAY + 603));
        let none = among(&[]);
        let unknown = find(scheduler, &REQUEST, &none).unwrap_err();
        assert_eq!(unknown.reason, RefusalReason::UnknownDevice);
    });
}

#[test]
fn short_scans_fill_the_reserve_first() {
    let policy =
        Policy { short_minutes: 5, reserve_per_hour: 10, reserve_first: true, ..Policy::OPEN };
    with_scheduler(policy, |scheduler| {
        let short = |number, start| ScanRequest {
            request: RequestId(number),
            start: at(start),
            when: NEAREST,
            ..REQUEST
        };
        let starts = |scheduler: &mut Scheduler<'_>, request: ScanRequest| {
            scheduler.request(at(0), &request).unwrap().starts().next().unwrap()
        };
        assert_eq!(starts(scheduler, short(1, 600)), at(595));
        assert_eq!(starts(scheduler, short(2, 600)), at(590));
        // The reserve within an hour, and not farther than the longest shift.
        assert_eq!(starts(scheduler, short(3, 600)), at(650));
        let near = When::Nearest { max_shift_minutes: Some(3) };
        assert_eq!(starts(scheduler, ScanRequest { when: near, ..short(4, 600) }), at(600));
        assert_eq!(starts(scheduler, short(5, 600)), at(655));
        // Nothing of it is left within an hour: the nearest of all.
        assert_eq!(starts(scheduler, short(6, 600)), at(605));
        // Another device keeps other minutes.
        assert!(scheduler.set_reserve(DeviceIndex(1), Some(Reserve::of_minutes(0b1_1111))));
        assert!(!scheduler.set_reserve(DeviceIndex(2), None));
        let other = ScanRequest { device: DeviceIndex(1), ..short(7, 630) };
        assert_eq!(starts(scheduler, other), at(600));
        // Exactly is exactly.
        let exact = ScanRequest { when: When::Exact, ..short(8, 620) };
        assert_eq!(starts(scheduler, exact), at(620));
    });
}

#[test]
fn the_quota_may_be_over_all_devices() {
    let policy =
        Policy { quota_minutes: Some(10), quota_scope: QuotaScope::AllDevices, ..Policy::OPEN };
    with_scheduler(policy, |scheduler| {
        scheduler.request(at(0), &ScanRequest { minutes: 6, ..REQUEST }).unwrap();
        let other = ScanRequest { request: RequestId(2), device: DeviceIndex(1), ..REQUEST };
        assert_eq!(refused(scheduler, other), (RefusalReason::OverQuota, None));
        assert!(scheduler.request(at(0), &ScanRequest { minutes: 4, ..other }).is_ok());
        // What is set for one Actor goes before.
        let more = ScanRequest { request: RequestId(3), start: at(900), ..other };
        let set = |quota| Terms {
            actor: ActorPolicy { quota_minutes: Some(quota), priority: 0 },
            ..Terms::OPEN
        };
        assert!(scheduler.find(at(0), &more, &set(15)).is_ok());
        let refusal = scheduler.find(at(0), &more, &set(14)).unwrap_err();
        assert_eq!(refusal.reason, RefusalReason::OverQuota);
        // In next week there are minutes left, and that is the alternative.
        let place = scheduler.alternative(at(0), &more, &set(14), refusal.reason).unwrap();
        assert_eq!(place.grant().series.start, MONDAY + 10_080);
    });
}

#[test]
fn minutes_of_rejected_occurrences_are_given_back() {
    with_scheduler(Policy { quota_minutes: Some(10), ..Policy::OPEN }, |scheduler| {
        let twice = ScanRequest { repeats: 1, offset_minutes: 60, ..REQUEST };
        let week = scheduler.request(at(0), &twice).unwrap().week();
        let more = ScanRequest { request: RequestId(2), start: at(900), ..REQUEST };
        assert_eq!(refused(scheduler, more), (RefusalReason::OverQuota, None));
        scheduler.give_back(ActorId(1), RequestId(1), at(600));
        scheduler.give_back(ActorId(1), RequestId(9), at(600));
        assert_eq!(scheduler.minutes_of(ActorId(1), week, DeviceIndex(0)), 5);
        // The slots are not: they were occupied.
        let there = ScanRequest { request: RequestId(2), ..REQUEST };
        assert_eq!(refused(scheduler, there), (RefusalReason::Conflict, Some(at(600))));
        assert!(scheduler.request(at(700), &more).is_ok());
    });
}

#[test]
fn a_higher_priority_displaces_what_is_to_come() {
    with_scheduler(Policy { preemption: true, ..Policy::OPEN }, |scheduler| {
        let weak = ScanRequest { repeats: 3, offset_minutes: 60, ..REQUEST };
        scheduler.request(at(0), &weak).unwrap();
        let strong = ScanRequest { actor: ActorId(2), start: at(661), ..REQUEST };
        let find = |scheduler: &Scheduler<'_>, request: &ScanRequest, priority, guarded| {
            let terms = Terms { guarded: at(guarded), ..terms(None, priority) };
            scheduler.find(at(0), request, &terms)
        };
        // Equals do not give way, nor does what is about to begin.
        let conflict = Some(at(661));
        assert_eq!(find(scheduler, &strong, 0, 0).unwrap_err().first_conflict, conflict);
        assert_eq!(find(scheduler, &strong, 2, 661).unwrap_err().first_conflict, conflict);
        // Where it fits otherwise, nothing has to.
        let near = ScanRequest { when: NEAREST, ..strong };
        assert!(!find(scheduler, &near, 2, 0).unwrap().displaces());
        let place = find(scheduler, &strong, 2, 601).unwrap();
        assert!(place.displaces());
        let mut gone = Vec::new();
        scheduler.book(&place, &mut |was, keep| gone.push((was.key(), keep))).unwrap();
        assert_eq!(gone, [((ActorId(1), RequestId(1)), 1)]);
        let left = scheduler.recipe(ActorId(1), RequestId(1)).unwrap();
        assert!(left.grant.starts().eq([at(600)]));
        // The policy that forbids it is asked again each time.
        scheduler.set_policy(Policy::OPEN);
        let stronger = ScanRequest { actor: ActorId(3), ..strong };
        let refusal = find(scheduler, &stronger, 9, 0).unwrap_err();
        assert_eq!(refusal.reason, RefusalReason::Conflict);
    });
}

#[test]
fn bad_requests_are_refused_by_name_and_change_nothing() {
    with_scheduler(Policy { quota_minutes: Some(600), ..Policy::OPEN }, |scheduler| {
        for nth in 0..8 {
            let start = at(600 + 10 * i64::from(nth));
            scheduler
                .request(at(0), &ScanRequest { request: RequestId(nth), start, ..REQUEST })
                .unwrap();
        }
        let new = ScanRequest { request: RequestId(20), ..REQUEST };
        let bad = [
            (ScanRequest { minutes: 0, ..new }, RefusalReason::ZeroMinutes),
            (ScanRequest { minutes: u16::MAX, ..new }, RefusalReason::TooLong),
            (
                ScanRequest { start: Utc::from_unix_micros(i64::MIN), ..new },
                RefusalReason::NotOnAMinute,
            ),
            (ScanRequest { start: Utc::from_unix_micros(1), ..new }, RefusalReason::NotOnAMinute),
            (ScanRequest { start: Utc::from_unix_micros(0), ..new }, RefusalReason::InThePast),
            (
                ScanRequest { start: Utc::from_unix_minute(-i64::MAX / 60_000_000), ..new },
                RefusalReason::InThePast,
            ),
            (ScanRequest { start: at(20_160), ..new }, RefusalReason::BeyondWindow),
            (ScanRequest { start: at(20_160), ..ACROSS }, RefusalReason::RequestIdReused),
            (
                ScanRequest { start: at(20_156), across_weeks: true, ..new },
                RefusalReason::CrossesWeek,
            ),
            (
                ScanRequest { repeats: u16::MAX, offset_minutes: u16::MAX, ..new },
                RefusalReason::CrossesWeek,
            ),
            (ScanRequest { repeats: 1, offset_minutes: 0, ..new }, RefusalReason::OverlapsItself),
            (ScanRequest { minutes: 601, start: at(2_000), ..new }, RefusalReason::OverQuota),
            (ScanRequest { device: DeviceIndex(u16::MAX), ..new }, RefusalReason::UnknownDevice),
            // A number used before, with other content.
            (ScanRequest { minutes: 4, ..REQUEST }, RefusalReason::RequestIdReused),
            (ScanRequest { start: at(605), ..new }, RefusalReason::TableFull),
        ];
        for across_weeks in [false, true] {
            for (request, reason) in bad {
                let across_weeks = across_weeks || request.across_weeks;
                // What is known is known by all of its content.
                let known = request.request == REQUEST.request;
                let request = if known { request } else { ScanRequest { across_weeks, ..request } };
                let before = std::format!("{scheduler:?}");
                assert_eq!(refused(scheduler, request).0, reason, "{request:?}");
                assert_eq!(std::format!("{scheduler:?}"), before);
                assert!(scheduler.is_consistent());
            }
        }
        // The same again is no bad input.
        assert!(scheduler.request(at(0), &ScanRequest { start: at(610), ..REQUEST }).is_ok());
    });
}
