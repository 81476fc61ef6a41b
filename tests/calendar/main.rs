//! The scheduler lives as the reference does: random lives of calendars at every fill, with
//! cancels, modifications, quotas, reserves, priorities, weeks that turn and clocks that
//! step.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod reference;

use farpost::scos::calendar::{
    ActorId, ActorPolicy, Candidates, DeviceIndex, DevicePlan, Placement, Policy, QuotaScope,
    Recipe, RefusalReason, RequestId, Reserve, ScanRequest, Scheduler, Terms, When,
};
use farpost::scos::{Detector, ScanParameters, Window};
use farpost::storage::Slot;
use farpost::time::Utc;
use reference::{Ask, Booking, Reference, WEEK, week_of};

/// 2026-11-23, a Monday, in minutes since 1970.
const MONDAY: i64 = 29_923_200;

const SCAN: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 5_000,
    transforms: 32,
    detector: Detector::Mean,
    window: Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// How often something was seen over all lives: a check that never saw a thing proves
/// nothing of it.
#[derive(Debug, Default)]
struct Seen {
    granted: u64,
    across: u64,
    replaced: u64,
    displaced: u64,
    alternatives: u64,
    cancelled: u64,
    refused: std::collections::BTreeMap<&'static str, u64>,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.granted += other.granted;
        self.across += other.across;
        self.replaced += other.replaced;
        self.displaced += other.displaced;
        self.alternatives += other.alternatives;
        self.cancelled += other.cancelled;
        for (reason, times) in other.refused {
            *self.refused.entry(reason).or_default() += times;
        }
    }
}

struct Life<'s> {
    random: Random,
    reference: Reference,
    scheduler: Scheduler<'s>,
    now: Utc,
    devices: u16,
}

fn policy(random: &mut Random) -> Policy {
    Policy {
        quota_minutes: random.percent(40).then(|| random.below(6_000) as u32),
        quota_scope: random.pick(&[QuotaScope::Device, QuotaScope::AllDevices]),
        short_minutes: random.below(12) as u16,
        reserve_per_hour: if random.percent(50) { 0 } else { random.below(25) as u8 },
        reserve_first: random.percent(50),
        lead_minutes: random.below(3) as u16,
        preemption: random.percent(40),
    }
}

impl Life<'_> {
    /// The minute that now is in.
    fn minute(&self) -> i64 {
        self.now.unix_minute()
    }

    fn week(&self) -> i64 {
        week_of(self.minute()) * WEEK - 4_320
    }

    fn request(&mut self) -> ScanRequest {
        let (week, minute) = (self.week(), self.minute());
        let random = &mut self.random;
        let minutes = match random.below(12) {
            0 => random.below(10_200) as u16,
            1..4 => random.below(200) as u16,
            _ => 1 + random.below(12) as u16,
        };
        let repeats = match random.below(8) {
            0 => random.below(900) as u16,
            1..4 => random.below(9) as u16,
            _ => 0,
        };
        let gap = random.pick(&[0, 0, 1, 5, 60, 600]) + random.below(4) as u16;
        let start = match random.below(10) {
            0 => minute + random.below(40_000) as i64 - 10_000,
            // Around the week's end, around the end of the calendar, and soon.
            1..4 => week + WEEK + random.below(300) as i64 - 200,
            4 => week + 2 * WEEK + random.below(60) as i64 - 50,
            5..7 => week + random.below(20_160) as i64,
            _ => minute + random.below(400) as i64 - 5,
        };
        let when = match random.below(5) {
            0 | 1 => When::Exact,
            2 => When::Nearest { max_shift_minutes: Some(random.below(500) as u16) },
            _ => When::Nearest { max_shift_minutes: None },
        };
        ScanRequest {
            actor: ActorId(random.below(3) as u32),
            request: RequestId(random.below(24) as u32),
            device: DeviceIndex(random.below(u64::from(self.devices) + 1) as u16),
            start: Utc::from_unix_micros(start * 60_000_000 + i64::from(random.percent(1))),
            minutes,
            when,
            repeats,
            offset_minutes: (minutes + gap).saturating_sub(u16::from(random.percent(3))),
            across_weeks: random.percent(40),
            parameters: SCAN,
        }
    }

    /// A long series that fills a share of a device at one stroke.
    fn filling(&mut self) -> ScanRequest {
        let minutes = 1 + self.random.below(10) as u16;
        let request = self.request();
        let start = Utc::from_unix_minute(self.minute() + 1 + self.random.below(10) as i64);
        ScanRequest {
            start,
            minutes,
            when: When::Nearest { max_shift_minutes: None },
            repeats: self.random.below(2_000) as u16,
            offset_minutes: 10,
            across_weeks: true,
            ..request
        }
    }

    /// Asks both, and compares the answers.
    fn ask(&mut self, request: &ScanRequest, seen: &mut Seen) {
        let (actor, number) = (request.actor, request.request);
        if let Some(known) = self.reference.booking(actor, number) {
            let answer = self.scheduler.request(self.now, request);
            let again = Booking { request: *request, ..known.clone() };
            if again == *known {
                assert_eq!(starts(&answer.unwrap()), known.starts);
            } else {
                assert_eq!(answer.unwrap_err().reason, RefusalReason::RequestIdReused);
            }
            return;
        }
        let devices: Vec<_> = match self.random.below(4) {
            0 => (0..self.devices).map(DeviceIndex).collect(),
            1 => (0..1 + self.random.below(3))
                .map(|_| DeviceIndex(self.random.below(u64::from(self.devices) + 1) as u16))
                .collect(),
            _ => vec![request.device],
        };
        let everywhere = |_: DeviceIndex| true;
        let replaces = self.random.percent(25).then(|| {
            let of = self.reference.bookings.iter().find(|other| other.request.actor == actor);
            match of {
                Some(other) if self.random.percent(80) => other.request.request,
                _ => RequestId(self.random.below(24) as u32),
            }
        });
        let ask = Ask {
            devices: &devices,
            actor: ActorPolicy {
                quota_minutes: self.random.percent(15).then(|| self.random.below(900) as u32),
                priority: self.random.below(3) as u8,
            },
            replaces,
            guarded: Utc::from_unix_micros(self.now.unix_micros() + 30_000_001),
        };
        let terms = Terms {
            devices: if (0..self.devices).map(DeviceIndex).eq(devices.iter().copied()) {
                Candidates::All(&everywhere)
            } else {
                Candidates::These(&devices)
            },
            actor: ask.actor,
            replaces: ask.replaces,
            guarded: ask.guarded,
        };
        self.scheduler.advance(self.now);
        // What is found twice is the same: looking for it changes nothing.
        let place = self.scheduler.find(self.now, request, &terms);
        assert_eq!(place, self.scheduler.find(self.now, request, &terms));
        let found = self.reference.find(self.now, request, &ask, true);
        match (&place, &found) {
            (Ok(place), Ok(found)) => {
                assert_eq!(starts(&place.grant()), found.booking.starts, "{request:?} {ask:?}");
                assert_eq!(place.device(), found.booking.request.device, "{request:?} {ask:?}");
                assert_eq!(place.displaces(), found.displaces);
                self.book(place, found, seen);
            }
            (Err(refusal), Err(reason)) => {
                assert_eq!(refusal.reason, *reason, "{request:?} {ask:?}");
                *seen.refused.entry(reason.name()).or_default() += 1;
                self.compare_alternatives(request, &terms, &ask, *reason, seen);
            }
            _ => panic!("{place:?}, not {found:?}: {request:?} {ask:?}"),
        }
    }

    fn book(&mut self, place: &Placement, found: &reference::Found, seen: &mut Seen) {
        if self.random.percent(10) {
            return; // It was only tried.
        }
        let mut gone = Vec::new();
        let booked = self.scheduler.book(place, &mut |was, _| gone.push(was.key()));
        gone.sort_unstable();
        let expected = self.reference.book(found);
        assert_eq!(booked.map(|()| gone.clone()).map_err(|refusal| refusal.reason), expected);
        if expected.is_ok() {
            seen.granted += 1;
            seen.replaced += u64::from(place.replaced().is_some());
            seen.displaced += gone.len() as u64;
            seen.across += u64::from(place.grant().week() != place.grant().last_week());
        }
    }

    /// Where a refused request would be granted is as near as it can be, and it is granted there.
    fn compare_alternatives(
        &mut self,
        request: &ScanRequest,
        terms: &Terms<'_>,
        ask: &Ask<'_>,
        reason: RefusalReason,
        seen: &mut Seen,
    ) {
        let place = self.scheduler.alternative(self.now, request, terms, reason);
        let matters = matches!(
            reason,
            RefusalReason::Conflict
                | RefusalReason::NoFit
                | RefusalReason::InThePast
                | RefusalReason::CrossesWeek
                | RefusalReason::OverQuota
                | RefusalReason::ReservedForShort
        );
        let nearest = self.reference.alternative(self.now, request, ask).filter(|_| matters);
        let wanted = request.start.unix_minute();
        let distance = place.map(|place| (place.grant().series.start - wanted).abs());
        assert_eq!(distance, nearest, "{request:?} {ask:?}");
        let Some(place) = place else { return };
        seen.alternatives += 1;
        let start = Utc::from_unix_minute(place.grant().series.start);
        let there = ScanRequest { start, when: When::Exact, ..*request };
        let devices = [place.device()];
        let terms = Terms { devices: Candidates::These(&devices), ..*terms };
        let granted = self.scheduler.find(self.now, &there, &terms).unwrap();
        assert_eq!((granted.grant(), granted.displaces()), (place.grant(), false));
    }

    fn some_key(&mut self) -> (ActorId, RequestId) {
        let count = self.reference.bookings.len() as u64;
        if count > 0 && self.random.percent(80) {
            let booking = &self.reference.bookings[self.random.below(count) as usize];
            return (booking.request.actor, booking.request.request);
        }
        (ActorId(self.random.below(3) as u32), RequestId(self.random.below(24) as u32))
    }

    /// One step of a life.
    fn step(&mut self, seen: &mut Seen) {
        match self.random.below(20) {
            0 | 1 => {
                let (actor, number) = self.some_key();
                let cancelled = self.scheduler.cancel(self.now, actor, number).map(drop);
                assert_eq!(cancelled, self.reference.cancel(self.now, (actor, number)));
                seen.cancelled += u64::from(cancelled.is_ok());
            }
            2 => {
                let (actor, number) = self.some_key();
                let booking = self.reference.booking(actor, number);
                let left = booking.and_then(|booking| {
                    let open = booking.starts.iter().filter(|at| !booking.rejected.contains(*at));
                    open.copied().next()
                });
                if let Some(start) = left {
                    self.reference.give_back((actor, number), start);
                    self.scheduler.give_back(actor, number, Utc::from_unix_minute(start));
                }
            }
            3 => {
                // The week turns, or the clock steps, forward or back.
                let by = match self.random.below(5) {
                    0 => WEEK,
                    1 => -WEEK,
                    2 => self.random.below(30_000) as i64 - 15_000,
                    _ => self.random.below(200) as i64,
                };
                let micros = by * 60_000_000 + self.random.below(60_000_000) as i64;
                self.now = Utc::from_unix_micros(self.now.unix_micros() + micros);
                self.scheduler.advance(self.now);
            }
            4 => {
                let this = week_of(self.minute());
                self.scheduler.advance(self.now);
                let (actor, number) = self.some_key();
                let over = |booking: &Booking| booking.last_week() < this;
                let is_over = self.reference.booking(actor, number).is_some_and(over);
                assert_eq!(self.scheduler.forget(actor, number).is_some(), is_over);
                let bookings = &mut self.reference.bookings;
                bookings.retain(|other| {
                    (other.request.actor, other.request.request) != (actor, number) || !is_over
                });
            }
            5 => {
                let request = self.filling();
                self.ask(&request, seen);
            }
            _ => {
                let request = self.request();
                self.ask(&request, seen);
            }
        }
        self.compare();
    }

    /// Both know the same, and the plans are what the recipes make them.
    fn compare(&self) {
        assert!(self.scheduler.is_consistent());
        let mut recipes: Vec<_> = self.scheduler.recipes().map(known).collect();
        let bookings = self.reference.bookings.iter();
        let mut expected: Vec<_> =
            bookings.map(|other| (other.request, other.starts.clone(), other.priority)).collect();
        let key = |of: &(ScanRequest, Vec<i64>, u8)| (of.0.actor, of.0.request);
        recipes.sort_unstable_by_key(key);
        expected.sort_unstable_by_key(key);
        assert_eq!(recipes, expected);
    }
}

fn known(recipe: &Recipe) -> (ScanRequest, Vec<i64>, u8) {
    (recipe.request, starts(&recipe.grant), recipe.priority)
}

fn starts(grant: &farpost::scos::calendar::Grant) -> Vec<i64> {
    grant.starts().map(Utc::unix_minute).collect()
}

fn live(seed: u64, seen: &mut Seen) {
    let mut random = Random(seed);
    let policy = policy(&mut random);
    let devices = 1 + random.below(3) as u16;
    let room = 2 + random.below(14) as usize;
    let mut plans = vec![DevicePlan::EMPTY; devices.into()];
    let mut slots = vec![Slot::EMPTY; room];
    let mut scheduler = Scheduler::new(policy, &mut plans, &mut slots);
    let reserves: Vec<_> =
        (0..devices).map(|_| random.percent(30).then(|| random.below(61) as u8)).collect();
    for (device, kept) in (0..).zip(&reserves) {
        assert!(scheduler.set_reserve(DeviceIndex(device), kept.map(Reserve::per_hour)));
    }
    let reference = Reference { policy, reserves, bookings: Vec::new(), room };
    let ahead = random.pick(&[0, 3_000, WEEK - 120, WEEK - 3]) * 60_000_000;
    let now = Utc::from_unix_micros(MONDAY * 60_000_000 + ahead + random.below(90_000_000) as i64);
    let steps = 4 + random.below(14);
    let mut life = Life { random, reference, scheduler, now, devices };
    for _ in 0..steps {
        life.step(seen);
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// `FARPOST_SEQUENCES` lives from seed `FARPOST_SEQUENCE` on, shared among the processors.
#[test]
fn lives_as_one_minute_at_a_time() {
    let (count, first) = (number("FARPOST_SEQUENCES", 2_000), number("FARPOST_SEQUENCE", 0));
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let workers: Vec<_> = (0..threads)
        .map(|nth| std::thread::spawn(move || lives(first + nth, first + count, threads)))
        .collect();
    let mut seen = Seen::default();
    for worker in workers {
        seen.add(worker.join().unwrap());
    }
    println!("{count} sequences: {seen:?}");
    if count < 1_000 {
        return;
    }
    // How often each is to be seen at least, of a thousand sequences.
    for (what, times, least) in [
        ("granted", seen.granted, 1_000),
        ("across weeks", seen.across, 10),
        ("replaced", seen.replaced, 10),
        ("displaced", seen.displaced, 2),
        ("alternatives", seen.alternatives, 10),
        ("cancelled", seen.cancelled, 10),
    ] {
        assert!(times > count / 1_000 * least, "{what}: {times}");
    }
    for reason in RefusalReason::ALL {
        // These two are not of a search: of a number, and of room.
        let apart = [RefusalReason::RequestIdReused, RefusalReason::TableFull].contains(&reason);
        assert!(
            apart || seen.refused.contains_key(reason.name()),
            "{} was never seen",
            reason.name()
        );
    }
}

/// The lives of every `step`th seed.
fn lives(first: u64, end: u64, step: u64) -> Seen {
    let mut seen = Seen::default();
    for seed in (first..end).step_by(step as usize) {
        let lived =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| live(seed, &mut seen)));
        assert!(
            lived.is_ok(),
            "again: FARPOST_SEQUENCE={seed} FARPOST_SEQUENCES=1 cargo test --all-features --test calendar"
        );
    }
    seen
}
