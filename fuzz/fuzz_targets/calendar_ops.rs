//! The scheduler grants, refuses, replaces and displaces what a naive one does that looks at
//! every minute, whichever way the clock steps.
#![no_main]

#[path = "../../tests/calendar/reference.rs"]
mod reference;

use farpost::scos::calendar::{
    ActorPolicy, Candidates, DevicePlan, Policy, QuotaScope, RefusalReason, Reserve, ScanRequest,
    Scheduler, Terms,
};
use farpost::scos::{ActorId, DeviceIndex, RequestId, When};
use farpost::storage::Slot;
use farpost::time::Utc;
use farpost_fuzz::scos::SCAN;
use farpost_fuzz::{Result, Unstructured, u8};
use libfuzzer_sys::fuzz_target;
use reference::{Ask, Booking, Reference, WEEK, week_of};

/// Monday, 2026-11-16T00:00Z, in minutes since 1970: the first of the weeks there
/// are. Minutes are counted from then.
const MONDAY: i64 = 29_913_120;
const WEEKS: i64 = 6;
const ROOM: usize = 6;
const DEVICES: u16 = 2;

type Key = (ActorId, RequestId);

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
        across_weeks: false,
        parameters: SCAN,
    })
}

struct Bench<'s> {
    reference: Reference,
    scheduler: Scheduler<'s>,
    /// Microseconds since [`MONDAY`].
    now: i64,
}

impl Bench<'_> {
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let now = utc(self.now);
        match u8(u)? % 8 {
            0 => {
                let (actor, request) = key(u)?;
                let cancelled = self.scheduler.cancel(now, actor, request).map(drop);
                assert_eq!(cancelled, self.reference.cancel(now, (actor, request)));
            }
            1 => {
                let (actor, request) = key(u)?;
                self.scheduler.advance(now);
                let this = week_of(now.unix_minute());
                let booking = self.reference.booking(actor, request);
                let over = booking.is_some_and(|booking| booking.last_week() < this);
                let recipe = self.scheduler.forget(actor, request);
                assert_eq!(recipe.is_some(), over);
                if let Some(recipe) = recipe {
                    if u8(u)? % 2 == 1 {
                        // It is taken up again where it was; its week is over.
                        self.scheduler.restore(&recipe).expect("nothing is in its way");
                        assert!(self.scheduler.forget(actor, request).is_some());
                    }
                    let key = (actor, request);
                    let of = |booking: &Booking| (booking.request.actor, booking.request.request);
                    self.reference.bookings.retain(|booking| of(booking) != key);
                }
            }
            2 => self.now = i64::from(u16(u)?) % ((WEEKS - 2) * WEEK) * 60_000_000,
            3 => {
                let later = self.now + i64::from(u.arbitrary::<u32>()?);
                self.now = later.min((WEEKS - 2) * WEEK * 60_000_000 - 1);
            }
            4 => {
                let request = request(u)?;
                self.ask(&request, 0, 0, 0)?;
            }
            5 | 6 => {
                let (flags, replaces, policy) = (u8(u)?, u8(u)?, u8(u)?);
                let request = ScanRequest { across_weeks: flags & 1 == 1, ..request(u)? };
                self.ask(&request, flags, replaces, policy)?;
            }
            _ => {
                let key = key(u)?;
                let booking = self.reference.booking(key.0, key.1);
                let open = booking.and_then(|booking| {
                    let starts = booking.starts.iter();
                    starts.copied().find(|start| !booking.rejected.contains(start))
                });
                if let Some(start) = open {
                    self.reference.give_back(key, start);
                    self.scheduler.give_back(key.0, key.1, Utc::from_unix_minute(start));
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, request: &ScanRequest, flags: u8, replaces: u8, policy: u8) -> Result<()> {
        let now = utc(self.now);
        if let Some(known) = self.reference.booking(request.actor, request.request) {
            let same = known.request == *request;
            let starts = same.then(|| known.starts.clone());
            let granted = self.scheduler.request(now, request);
            let granted = granted.map(|grant| grant.starts().map(Utc::unix_minute).collect());
            let reason = granted.map_err(|refusal| refusal.reason);
            assert_eq!(reason, starts.ok_or(RefusalReason::RequestIdReused));
            return Ok(());
        }
        let one = [request.device];
        let all = [DeviceIndex(0), DeviceIndex(1)];
        let ask = Ask {
            devices: if flags & 2 == 0 { &one } else { &all },
            actor: ActorPolicy {
                quota_minutes: (policy & 64 != 0).then_some(u32::from(policy % 64) * 16),
                priority: policy % 4,
            },
            replaces: (flags & 4 != 0).then_some(RequestId((replaces % 8).into())),
            guarded: utc(self.now + i64::from(flags / 64) * 60_000_000),
        };
        let any = |_: DeviceIndex| true;
        let devices = match flags & 10 {
            0 | 8 => Candidates::Asked,
            2 => Candidates::These(&all),
            _ => Candidates::All(&any),
        };
        let terms =
            Terms { devices, actor: ask.actor, replaces: ask.replaces, guarded: ask.guarded };
        self.scheduler.advance(now);
        let place = self.scheduler.find(now, request, &terms);
        let found = self.reference.find(now, request, &ask, true);
        match (place, found) {
            (Ok(place), Ok(found)) => {
                let starts: Vec<_> = place.grant().starts().map(Utc::unix_minute).collect();
                assert_eq!(starts, found.booking.starts, "{request:?}");
                assert_eq!(place.device(), found.booking.request.device);
                assert_eq!(place.displaces(), found.displaces);
                if flags & 16 != 0 {
                    return Ok(()); // It was only tried.
                }
                let mut gone = Vec::new();
                let booked = self.scheduler.book(&place, &mut |was, _| gone.push(was.key()));
                gone.sort_unstable();
                let booked = booked.map(|()| gone).map_err(|refusal| refusal.reason);
                assert_eq!(booked, self.reference.book(&found));
            }
            (Err(refusal), Err(reason)) => {
                assert_eq!(refusal.reason, reason, "{request:?}");
                let place = self.scheduler.alternative(now, request, &terms, reason);
                if let Some(place) = place {
                    let wanted = request.start.unix_minute();
                    let distance = (place.grant().series.start - wanted).abs();
                    assert_eq!(Some(distance), self.reference.alternative(now, request, &ask));
                }
            }
            (place, found) => panic!("{place:?}, not {found:?}: {request:?}"),
        }
        Ok(())
    }
}

fn run(u: &mut Unstructured<'_>) -> Result<()> {
    let flags = u8(u)?;
    let policy = Policy {
        quota_minutes: (flags % 2 == 1).then_some(u32::from(u16(u)? % 4_096)),
        quota_scope: if flags & 2 == 0 { QuotaScope::Device } else { QuotaScope::AllDevices },
        short_minutes: u16::from(u8(u)? % 16),
        reserve_per_hour: u8(u)? % 64,
        reserve_first: flags & 4 != 0,
        lead_minutes: u16::from(u8(u)? % 4),
        preemption: flags & 8 != 0,
    };
    let reserves = vec![None, (flags & 16 != 0).then_some(flags / 32 * 9)];
    let mut devices = [DevicePlan::EMPTY; DEVICES as usize];
    let mut slots = [const { Slot::EMPTY }; ROOM];
    let mut scheduler = Scheduler::new(policy, &mut devices, &mut slots);
    scheduler.set_reserve(DeviceIndex(1), reserves[1].map(Reserve::per_hour));
    let reference = Reference { policy, reserves, bookings: Vec::new(), room: ROOM };
    let mut bench = Bench { reference, scheduler, now: WEEK * 60_000_000 };
    while !u.is_empty() {
        bench.operate(u)?;
        assert!(bench.scheduler.is_consistent());
        let recipes = bench.scheduler.recipes().count();
        assert_eq!(recipes, bench.reference.bookings.len());
    }
    Ok(())
}

fuzz_target!(|octets: &[u8]| {
    // It ends where the octets do.
    let _ = run(&mut Unstructured::new(octets));
});
