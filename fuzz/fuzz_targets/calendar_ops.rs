//! The scheduler grants and refuses what a naive one does that looks at every
//! minute, whichever way the clock steps.
#![no_main]

use std::collections::BTreeMap;

use farpost::scos::calendar::{
    CancelError, DevicePlan, Policy, RefusalReason, ScanRequest, Scheduler,
};
use farpost::scos::{ActorId, DeviceIndex, RequestId, When};
use farpost::storage::Slot;
use farpost::time::Utc;
use farpost_fuzz::scos::SCAN;
use farpost_fuzz::{Result, Unstructured, u8};
use libfuzzer_sys::fuzz_target;

/// Monday, 2026-11-16T00:00Z, in minutes since 1970: the first of the weeks there
/// are. Minutes are counted from then.
const MONDAY: i64 = 29_913_120;
const WEEK: i64 = 10_080;
const WEEKS: i64 = 6;
const ROOM: usize = 6;
const DEVICES: u16 = 2;

type Key = (ActorId, RequestId);

/// What was asked for and the minutes it got.
struct Booking {
    request: ScanRequest,
    starts: Vec<i64>,
}

impl Booking {
    fn week(&self) -> i64 {
        self.starts[0].div_euclid(WEEK)
    }
}

/// The rules of the calendar, one minute at a time.
struct Naive {
    policy: Policy,
    bookings: BTreeMap<Key, Booking>,
}

impl Naive {
    fn taken(&self, device: DeviceIndex) -> Vec<bool> {
        let mut taken = vec![false; (WEEKS * WEEK) as usize];
        for Booking { request, starts } in self.bookings.values() {
            for start in starts.iter().filter(|_| request.device == device) {
                taken[*start as usize..][..usize::from(request.minutes)].fill(true);
            }
        }
        taken
    }

    fn request(
        &mut self,
        now: i64,
        request: &ScanRequest,
    ) -> std::result::Result<Vec<i64>, RefusalReason> {
        let key = (request.actor, request.request);
        if let Some(known) = self.bookings.get(&key) {
            let same = known.request == *request;
            return same.then(|| known.starts.clone()).ok_or(RefusalReason::RequestIdReused);
        }
        let first = self.place(now, request)?;
        if self.bookings.len() == ROOM {
            return Err(RefusalReason::TableFull);
        }
        let offset = i64::from(request.offset_minutes);
        let starts: Vec<_> =
            (0..=i64::from(request.repeats)).map(|nth| first + nth * offset).collect();
        self.bookings.insert(key, Booking { request: *request, starts: starts.clone() });
        Ok(starts)
    }

    /// Where the first occurrence would be.
    fn place(&self, now: i64, request: &ScanRequest) -> std::result::Result<i64, RefusalReason> {
        let (minutes, repeats) = (i64::from(request.minutes), i64::from(request.repeats));
        let offset = i64::from(request.offset_minutes);
        let span = repeats * offset + minutes;
        if minutes == 0 {
            return Err(RefusalReason::ZeroMinutes);
        }
        if minutes > WEEK {
            return Err(RefusalReason::TooLong);
        }
        if repeats > 0 && offset < minutes {
            return Err(RefusalReason::OverlapsItself);
        }
        if span > WEEK {
            return Err(RefusalReason::CrossesWeek);
        }
        if request.device.0 >= DEVICES {
            return Err(RefusalReason::UnknownDevice);
        }
        let wanted = request.start.unix_minute() - MONDAY;
        let (week, this) = (wanted.div_euclid(WEEK), minute(now).div_euclid(WEEK));
        if week < this {
            return Err(RefusalReason::InThePast);
        }
        if week > this + 1 {
            return Err(RefusalReason::BeyondWindow);
        }
        self.check_quota(request, week)?;
        let earliest = now + i64::from(self.policy.lead_minutes) * 60_000_000;
        let in_time = |first: i64| first * 60_000_000 >= earliest;
        let in_week = |first: i64| first >= week * WEEK && first + span <= (week + 1) * WEEK;
        let taken = self.taken(request.device);
        let is_long = request.minutes > self.policy.short_minutes;
        let reserve = i64::from(self.policy.reserve_per_hour.min(60));
        let is_free = |first: i64, regardless: bool| {
            (0..=repeats).map(|nth| first + nth * offset).all(|start| {
                (start..start + minutes).all(|minute| {
                    let reserved = !regardless && is_long && minute.rem_euclid(60) >= 60 - reserve;
                    !reserved && !taken[minute as usize]
                })
            })
        };
        match request.when {
            When::Exact if !in_time(wanted) => Err(RefusalReason::InThePast),
            When::Exact if !in_week(wanted) => Err(RefusalReason::CrossesWeek),
            When::Exact if !is_free(wanted, true) => Err(RefusalReason::Conflict),
            When::Exact if !is_free(wanted, false) => Err(RefusalReason::ReservedForShort),
            When::Exact => Ok(wanted),
            When::Nearest { max_shift_minutes } => {
                let most = max_shift_minutes.map_or(WEEK, i64::from).min(WEEK);
                let find = |regardless| {
                    (0..=most)
                        .flat_map(|shift| [wanted - shift, wanted + shift])
                        .filter(|first| in_time(*first) && in_week(*first))
                        .find(|first| is_free(*first, regardless))
                };
                find(false).ok_or_else(|| match find(true) {
                    Some(_) => RefusalReason::ReservedForShort,
                    None => RefusalReason::NoFit,
                })
            }
        }
    }

    fn check_quota(
        &self,
        request: &ScanRequest,
        week: i64,
    ) -> std::result::Result<(), RefusalReason> {
        let same = |other: &&Booking| {
            (other.request.actor, other.request.device) == (request.actor, request.device)
                && other.week() == week
        };
        let total = |occurrences: usize, minutes: u16| occurrences * usize::from(minutes);
        let booked: usize = (self.bookings.values().filter(same))
            .map(|other| total(other.starts.len(), other.request.minutes))
            .sum();
        let more = total(usize::from(request.repeats) + 1, request.minutes);
        match self.policy.quota_minutes {
            Some(quota) if booked + more > quota.into() => Err(RefusalReason::OverQuota),
            _ => Ok(()),
        }
    }

    fn cancel(&mut self, now: i64, key: Key) -> std::result::Result<(), CancelError> {
        let booking = self.bookings.get_mut(&key).ok_or(CancelError::UnknownRequest)?;
        let begun = booking.starts.iter().filter(|start| **start * 60_000_000 < now).count();
        if begun == booking.starts.len() {
            return Err(CancelError::AlreadyBegun);
        }
        booking.starts.truncate(begun);
        if begun == 0 {
            self.bookings.remove(&key);
        }
        Ok(())
    }

    /// Takes out a booking whose week is over.
    fn forget(&mut self, now: i64, key: Key) -> bool {
        let this = minute(now).div_euclid(WEEK);
        let over = self.bookings.get(&key).is_some_and(|booking| booking.week() < this);
        over && self.bookings.remove(&key).is_some()
    }
}

fn minute(micros: i64) -> i64 {
    micros.div_euclid(60_000_000)
}

/// A time, in microseconds since [`MONDAY`].
fn utc(micros: i64) -> Utc {
    Utc::from_unix_micros(micros + MONDAY * 60_000_000)
}

fn u16(u: &mut Unstructured<'_>) -> Result<u16> {
    u.arbitrary()
}

fn key(u: &mut Unstructured<'_>) -> Result<Key> {
    let octet = u8(u)?;
    Ok((ActorId((octet % 2).into()), RequestId((octet / 2 % 8).into())))
}

/// A request for some minutes of this week, the next, or one that is neither.
fn request(u: &mut Unstructured<'_>) -> Result<ScanRequest> {
    let (actor, request) = key(u)?;
    let form = u8(u)?;
    let long = |value: u16, limit: u16| if form & 64 == 0 { value % limit } else { value };
    let minutes = long(u16(u)?, 90);
    Ok(ScanRequest {
        actor,
        request,
        device: DeviceIndex(u16::from(form % 32).saturating_sub(16) % 3),
        start: utc(i64::from(u16(u)?) % ((WEEKS - 1) * WEEK) * 60_000_000),
        minutes,
        when: match u16(u)? {
            0..0x4000 => When::Exact,
            0x4000..0x8000 => When::Nearest { max_shift_minutes: None },
            shift => When::Nearest { max_shift_minutes: Some(shift - 0x8000) },
        },
        repeats: if form & 32 == 0 { 0 } else { long(u16(u)?, 9) },
        offset_minutes: if form & 128 == 0 { minutes } else { u16(u)? },
        parameters: SCAN,
    })
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let policy = Policy {
        quota_minutes: (u8(u)? % 2 == 1).then_some(u16(u)? % 4_096),
        short_minutes: u16::from(u8(u)? % 16),
        reserve_per_hour: u8(u)? % 64,
        lead_minutes: u16::from(u8(u)? % 4),
    };
    let mut naive = Naive { policy, bookings: BTreeMap::new() };
    let mut devices = [DevicePlan::EMPTY; DEVICES as usize];
    let mut slots = [const { Slot::EMPTY }; ROOM];
    let mut scheduler = Scheduler::new(policy, &mut devices, &mut slots);
    let mut now = WEEK * 60_000_000;
    while !u.is_empty() {
        match u8(u)? % 8 {
            0 => {
                let (actor, request) = key(u)?;
                let cancelled = scheduler.cancel(utc(now), actor, request).map(drop);
                assert_eq!(cancelled, naive.cancel(now, (actor, request)));
            }
            1 => {
                let (actor, request) = key(u)?;
                scheduler.advance(utc(now));
                let recipe = scheduler.forget(actor, request);
                assert_eq!(recipe.is_some(), naive.forget(now, (actor, request)));
                if let Some(recipe) = recipe
                    && u8(u)? % 2 == 1
                {
                    // It is taken up again where it was; its week is over.
                    scheduler.restore(&recipe).expect("nothing is in its way");
                    assert!(scheduler.forget(actor, request).is_some());
                }
            }
            2 => now = i64::from(u16(u)?) % ((WEEKS - 2) * WEEK) * 60_000_000,
            3 => {
                now = (now + i64::from(u.arbitrary::<u32>()?))
                    .min((WEEKS - 2) * WEEK * 60_000_000 - 1)
            }
            _ => {
                let request = request(u)?;
                let granted = scheduler.request(utc(now), &request);
                let starts = granted.map_err(|refusal| refusal.reason).map(|grant| {
                    grant.starts().map(|start| start.unix_minute() - MONDAY).collect::<Vec<_>>()
                });
                assert_eq!(starts, naive.request(now, &request), "{request:?}");
            }
        }
        assert!(scheduler.is_consistent());
    }
    Ok(())
}

fuzz_target!(|octets: &[u8]| {
    // It ends where the octets do.
    let _ = run(&mut Unstructured::new(octets));
});
