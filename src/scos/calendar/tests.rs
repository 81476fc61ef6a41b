//! The scheduler: each refusal, and random lives against one that looks at one
//! minute at a time.

use super::*;
use crate::scos::ScanParameters;
use crate::storage::Slot;
use crate::time::{Utc, Week};
use proptest::prelude::*;
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
        assert_eq!(scheduler.minutes_of(ActorId(1), grant.week, DeviceIndex(0)), 15);
        let other = ScanRequest { request: RequestId(2), start: at(716), ..REQUEST };
        assert_eq!(refused(scheduler, other), (RefusalReason::Conflict, Some(at(720))));
        assert!(scheduler.request(at(0), &ScanRequest { device: DeviceIndex(1), ..other }).is_ok());
        let cancelled = scheduler.cancel(at(0), ActorId(1), RequestId(1)).unwrap();
        assert_eq!(cancelled, Recipe { request: repeated, grant });
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
    scheduler.recipe(ActorId(1), RequestId(1)).unwrap().grant.week
}

#[test]
fn next_week_becomes_this_week_and_nothing_is_lost() {
    with_scheduler(Policy { lead_minutes: 2, ..Policy::OPEN }, |scheduler| {
        let next = ScanRequest { start: at(10_080 + 600), ..REQUEST };
        let grant = scheduler.request(at(0), &next).unwrap();
        scheduler.request(at(0), &ScanRequest { request: RequestId(2), ..REQUEST }).unwrap();
        scheduler.advance(at(10_080));
        assert_eq!(scheduler.week(), grant.week);
        assert!(!scheduler.plan(DeviceIndex(0), grant.week).unwrap().is_free(600));
        // The recipe of last week is kept until it is forgotten.
        assert_eq!(scheduler.finished().count(), 1);
        assert_eq!(scheduler.forget(ActorId(1), RequestId(1)), None, "its week is not over");
        assert!(scheduler.forget(ActorId(1), RequestId(2)).is_some());
        // A clock that jumps a year and back does no harm.
        scheduler.advance(at(53 * 10_080));
        scheduler.advance(at(10_080));
        assert!(!scheduler.plan(DeviceIndex(0), grant.week).unwrap().is_free(600));
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

/// A booking of the naive scheduler: what was asked for and the minutes it got.
struct Booking {
    request: ScanRequest,
    starts: Vec<i64>,
}

/// The same rules, one minute at a time, minutes counted from `MONDAY`.
struct Naive {
    policy: Policy,
    bookings: Vec<Booking>,
    room: usize,
}

impl Naive {
    fn is_taken(&self, device: DeviceIndex) -> Vec<bool> {
        let mut taken = std::vec![false; 4 * 10_080];
        for booking in self.bookings.iter().filter(|booking| booking.request.device == device) {
            for start in &booking.starts {
                let start = usize::try_from(*start).unwrap();
                taken[start..start + usize::from(booking.request.minutes)].fill(true);
            }
        }
        taken
    }

    fn request(&mut self, now: Utc, request: ScanRequest) -> Result<Vec<i64>, RefusalReason> {
        let same = |booking: &&Booking| {
            (booking.request.actor, booking.request.request) == (request.actor, request.request)
        };
        if let Some(booking) = self.bookings.iter().find(same) {
            return if booking.request == request {
                Ok(booking.starts.clone())
            } else {
                Err(RefusalReason::RequestIdReused)
            };
        }
        let (minutes, offset) = (i64::from(request.minutes), i64::from(request.offset_minutes));
        let repeats = i64::from(request.repeats);
        if repeats > 0 && offset < minutes {
            return Err(RefusalReason::OverlapsItself);
        }
        let span = repeats * offset + minutes;
        if span > 10_080 {
            return Err(RefusalReason::CrossesWeek);
        }
        let wanted = request.start.unix_minute() - MONDAY;
        let this = (now.unix_minute() - MONDAY).div_euclid(10_080);
        let week = wanted.div_euclid(10_080);
        if week < this {
            return Err(RefusalReason::InThePast);
        }
        if week > this + 1 {
            return Err(RefusalReason::BeyondWindow);
        }
        let booked: i64 = (self.bookings.iter())
            .filter(|other| other.request.actor == request.actor)
            .filter(|other| other.request.device == request.device)
            .filter(|other| other.starts[0].div_euclid(10_080) == week)
            .map(|other| other.starts.len() as i64 * i64::from(other.request.minutes))
            .sum();
        if let Some(quota) = self.policy.quota_minutes
            && booked + (repeats + 1) * minutes > quota.into()
        {
            return Err(RefusalReason::OverQuota);
        }
        let taken = self.is_taken(request.device);
        let reserve = i64::from(self.policy.reserve_per_hour);
        let long = request.minutes > self.policy.short_minutes;
        let starts = |first: i64| (0..=repeats).map(move |nth| first + nth * offset);
        let slots_free = |first: i64, reserved: bool| {
            starts(first).flat_map(|start| start..start + minutes).all(|minute| {
                let reserved = reserved && long && minute.rem_euclid(60) >= 60 - reserve;
                !reserved && !taken[usize::try_from(minute).unwrap()]
            })
        };
        let now_in_micros = now.unix_micros() - MONDAY * 60_000_000;
        let possible = |first: i64| {
            first >= week * 10_080
                && first + span <= (week + 1) * 10_080
                && first * 60_000_000
                    >= now_in_micros + i64::from(self.policy.lead_minutes) * 60_000_000
        };
        let first = match request.when {
            When::Exact if wanted * 60_000_000 < now_in_micros => {
                return Err(RefusalReason::InThePast);
            }
            When::Exact if !possible(wanted) => return Err(RefusalReason::CrossesWeek),
            When::Exact if !slots_free(wanted, false) => return Err(RefusalReason::Conflict),
            When::Exact if !slots_free(wanted, true) => {
                return Err(RefusalReason::ReservedForShort);
            }
            When::Exact => wanted,
            When::Nearest { max_shift_minutes } => {
                let most = max_shift_minutes.map_or(10_080, i64::from);
                let near = (0..=most.min(10_080))
                    .flat_map(|shift| [wanted - shift, wanted + shift])
                    .filter(|first| possible(*first));
                let find = |reserved| near.clone().find(|first| slots_free(*first, reserved));
                match (find(true), find(false)) {
                    (Some(first), _) => first,
                    (None, Some(_)) => return Err(RefusalReason::ReservedForShort),
                    (None, None) => return Err(RefusalReason::NoFit),
                }
            }
        };
        if self.bookings.len() == self.room {
            return Err(RefusalReason::TableFull);
        }
        let starts: Vec<_> = starts(first).collect();
        self.bookings.push(Booking { request, starts: starts.clone() });
        Ok(starts)
    }

    fn cancel(&mut self, now: Utc, actor: ActorId, request: RequestId) -> Result<(), CancelError> {
        let at = (self.bookings.iter())
            .position(|other| (other.request.actor, other.request.request) == (actor, request))
            .ok_or(CancelError::UnknownRequest)?;
        let starts = &mut self.bookings[at].starts;
        let before = starts.len();
        starts.retain(|start| (start + MONDAY) * 60_000_000 < now.unix_micros());
        if starts.len() == before {
            return Err(CancelError::AlreadyBegun);
        }
        if starts.is_empty() {
            self.bookings.remove(at);
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Request(ScanRequest),
    Cancel(ActorId, RequestId),
    Wait(i64),
}

fn operation() -> impl Strategy<Value = Operation> {
    let minutes = prop_oneof![1_u16..12, 1_u16..12, 1_u16..200, 500_u16..5_000];
    let when = prop_oneof![
        Just(When::Exact),
        Just(NEAREST),
        Just(NEAREST),
        (0_u16..400).prop_map(|most| When::Nearest { max_shift_minutes: Some(most) }),
    ];
    let repeats = prop_oneof![Just(0_u16), Just(0), 1_u16..9, 1_u16..400];
    let start = prop_oneof![-300_i64..35_000, 0_i64..20_160, Just(10_078), Just(20_159)];
    let request = ((0_u32..3, 0_u32..30, 0_u16..2), (start, minutes, when, repeats, 0_u16..90))
        .prop_map(|((actor, number, device), (start, minutes, when, repeats, gap))| {
            Operation::Request(ScanRequest {
                actor: ActorId(actor),
                request: RequestId(number),
                device: DeviceIndex(device),
                start: at(start),
                minutes,
                when,
                repeats,
                offset_minutes: (minutes + gap).saturating_sub(3),
                parameters: PARAMETERS,
            })
        });
    prop_oneof![
        12 => request,
        3 => (0_u32..3, 0_u32..30)
            .prop_map(|(actor, number)| Operation::Cancel(ActorId(actor), RequestId(number))),
        1 => prop_oneof![0_i64..90_000_000, 0_i64..300_000_000_000].prop_map(Operation::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn lives_as_one_minute_at_a_time(
        operations in proptest::collection::vec(operation(), 1..80),
        room in prop_oneof![Just(60_usize), 3_usize..20],
        quota_minutes in prop_oneof![Just(None), (0_u16..4_000).prop_map(Some)],
        reserve_per_hour in prop_oneof![Just(0_u8), 1_u8..20],
        short_minutes in 0_u16..12,
    ) {
        let policy = Policy { quota_minutes, reserve_per_hour, short_minutes, lead_minutes: 0 };
        let mut naive = Naive { policy, bookings: Vec::new(), room };
        let mut devices = [DevicePlan::EMPTY, DevicePlan::EMPTY];
        let mut slots = std::vec![Slot::EMPTY; room];
        let mut scheduler = Scheduler::new(policy, &mut devices, &mut slots);
        let mut now = at(0);
        for operation in operations {
            match operation {
                Operation::Request(request) => {
                    let granted = scheduler.request(now, &request);
                    let starts = granted.map_err(|refusal| refusal.reason).map(|grant| {
                        grant.starts().map(|start| start.unix_minute() - MONDAY).collect()
                    });
                    prop_assert_eq!(starts, naive.request(now, request));
                }
                Operation::Cancel(actor, number) => {
                    let cancelled = scheduler.cancel(now, actor, number).map(|_| ());
                    prop_assert_eq!(cancelled, naive.cancel(now, actor, number));
                }
                Operation::Wait(micros) => {
                    now = Utc::from_unix_micros(now.unix_micros() + micros);
                    scheduler.advance(now);
                }
            }
            prop_assert!(scheduler.is_consistent());
        }
    }
}
