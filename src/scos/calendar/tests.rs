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
