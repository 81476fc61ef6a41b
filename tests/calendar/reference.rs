//! The rules of the calendar as a list of bookings and one minute at a time: slow, short,
//! and made of nothing the scheduler is made of. The fuzz target compares with it too.

use farpost::scos::calendar::{
    ActorId, ActorPolicy, CancelError, DeviceIndex, Policy, QuotaScope, RefusalReason, RequestId,
    ScanRequest, When,
};
use farpost::time::Utc;

/// Minutes of a week.
pub(crate) const WEEK: i64 = 10_080;

/// Monday, 1969-12-29: where week 0 begins, in minutes since 1970.
const ORIGIN: i64 = -4_320;

/// What was asked for and the minutes it got, since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Booking {
    pub(crate) request: ScanRequest,
    pub(crate) starts: Vec<i64>,
    pub(crate) priority: u8,
    /// The starts of occurrences that were rejected.
    pub(crate) rejected: Vec<i64>,
}

impl Booking {
    fn key(&self) -> (ActorId, RequestId) {
        (self.request.actor, self.request.request)
    }

    fn minutes(&self) -> i64 {
        self.request.minutes.into()
    }

    /// How many occurrences start before a time.
    fn before(&self, time: Utc) -> usize {
        self.starts.iter().filter(|start| Utc::from_unix_minute(**start) < time).count()
    }

    /// The week the last occurrence ends in.
    pub(crate) fn last_week(&self) -> i64 {
        week_of(self.starts[self.starts.len() - 1] + self.minutes() - 1)
    }
}

/// The terms of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) devices: &'a [DeviceIndex],
    pub(crate) actor: ActorPolicy,
    pub(crate) replaces: Option<RequestId>,
    pub(crate) guarded: Utc,
}

/// A place for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) booking: Booking,
    pub(crate) displaces: bool,
    pub(crate) replaced: Option<(RequestId, usize)>,
    pub(crate) shift: i64,
    guarded: Utc,
}

/// The calendar of some devices.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) policy: Policy,
    /// The last minutes of each hour that are kept, for each device.
    pub(crate) reserves: Vec<Option<u8>>,
    pub(crate) bookings: Vec<Booking>,
    pub(crate) room: usize,
}

/// Two weeks of one device, minute by minute, and from each minute on how many are free.
struct Window {
    base: i64,
    free: Vec<bool>,
}

struct Runs {
    base: i64,
    runs: Vec<u16>,
}

impl Runs {
    fn fits(&self, first: i64, minutes: i64, repeats: i64, offset: i64) -> bool {
        (0..=repeats).all(|nth| {
            let at = usize::try_from(first + nth * offset - self.base);
            at.ok().and_then(|at| self.runs.get(at)).is_some_and(|run| i64::from(*run) >= minutes)
        })
    }
}

impl Window {
    fn runs(&self, usable: impl Fn(i64) -> bool) -> Runs {
        let mut runs = vec![0; self.free.len()];
        let mut run = 0;
        for at in (0..self.free.len()).rev() {
            let minute = self.base + at as i64;
            run = if self.free[at] && usable(minute) { run + 1 } else { 0 };
            runs[at] = run;
        }
        Runs { base: self.base, runs }
    }

    fn taken_minutes(&self) -> usize {
        self.free.iter().filter(|free| !**free).count()
    }
}

pub(crate) fn week_of(minute: i64) -> i64 {
    (minute - ORIGIN).div_euclid(WEEK)
}

fn first_of(week: i64) -> i64 {
    week * WEEK + ORIGIN
}

impl Reference {
    /// The place a request would get.
    pub(crate) fn find(
        &self,
        now: Utc,
        request: &ScanRequest,
        ask: &Ask<'_>,
        as_policy: bool,
    ) -> Result<Found, RefusalReason> {
        let (minutes, repeats) = (i64::from(request.minutes), i64::from(request.repeats));
        let offset = i64::from(request.offset_minutes);
        let span = if repeats == 0 { minutes } else { repeats * offset + minutes };
        if minutes == 0 {
            return Err(RefusalReason::ZeroMinutes);
        }
        if minutes > WEEK {
            return Err(RefusalReason::TooLong);
        }
        if repeats > 0 && offset < minutes {
            return Err(RefusalReason::OverlapsItself);
        }
        if span > if request.across_weeks { 2 * WEEK } else { WEEK } {
            return Err(RefusalReason::CrossesWeek);
        }
        if request.start.unix_micros().rem_euclid(60_000_000) != 0 {
            return Err(RefusalReason::NotOnAMinute);
        }
        let replaced = match ask.replaces {
            None => None,
            Some(number) => {
                let old = self.booking(request.actor, number);
                let old = old.ok_or(RefusalReason::UnknownRequest)?;
                let keep = old.before(ask.guarded);
                if keep == old.starts.len() {
                    return Err(RefusalReason::AlreadyBegun);
                }
                Some((old, keep))
            }
        };
        let mut best: Option<((bool, i64, usize), Found)> = None;
        let mut first_refusal = None;
        for device in ask.devices {
            match self.find_on(*device, now, request, ask, replaced, span, as_policy) {
                Ok((rank, found)) => {
                    if best.as_ref().is_none_or(|(other, _)| rank < *other) {
                        best = Some((rank, found));
                    }
                }
                Err(reason) => first_refusal = first_refusal.or(Some(reason)),
            }
        }
        let refusal = first_refusal.unwrap_or(RefusalReason::UnknownDevice);
        best.map(|(_, found)| found).ok_or(refusal)
    }

    #[allow(clippy::too_many_arguments, reason = "all of it is given")]
    fn find_on(
        &self,
        device: DeviceIndex,
        now: Utc,
        request: &ScanRequest,
        ask: &Ask<'_>,
        replaced: Option<(&Booking, usize)>,
        span: i64,
        as_policy: bool,
    ) -> Result<((bool, i64, usize), Found), RefusalReason> {
        if usize::from(device.0) >= self.reserves.len() {
            return Err(RefusalReason::UnknownDevice);
        }
        let wanted = request.start.unix_minute();
        let this = week_of(now.unix_minute());
        let week = week_of(wanted);
        if week < this {
            return Err(RefusalReason::InThePast);
        }
        if week > this + 1 {
            return Err(RefusalReason::BeyondWindow);
        }
        let minutes = i64::from(request.minutes);
        let occurrences = i64::from(request.repeats) + 1;
        let over = |week: i64, more: i64| {
            let quota = ask.actor.quota_minutes.or(self.policy.quota_minutes);
            let charged = self.charged(request.actor, device, week, replaced);
            more > 0 && quota.is_some_and(|quota| charged + more > quota.into())
        };
        if !request.across_weeks && over(week, minutes * occurrences) {
            return Err(RefusalReason::OverQuota);
        }
        let actual = self.window(device, this, None, None);
        let place = |window: &Window| {
            self.place(device, now, request, (this, week), span, window, as_policy)
        };
        let plain = place(&self.window(device, this, replaced, None));
        let preempts = as_policy && self.policy.preemption && ask.actor.priority > 0;
        let (first, displaces) = match plain {
            Ok(first) => (first, false),
            Err(reason) if preempts => {
                let weaker = Some((ask.actor.priority, ask.guarded));
                let cleared = self.window(device, this, replaced, weaker);
                (place(&cleared).map_err(|_| reason)?, true)
            }
            Err(reason) => return Err(reason),
        };
        let starts = starts_of(request, first);
        if request.across_weeks {
            for week in [this, this + 1] {
                if over(week, minutes_in(&starts, minutes, week)) {
                    return Err(RefusalReason::OverQuota);
                }
            }
        }
        let shift = (first - wanted).abs();
        let found = Found {
            booking: Booking {
                request: ScanRequest { device, ..*request },
                starts,
                priority: ask.actor.priority,
                rejected: Vec::new(),
            },
            displaces,
            replaced: replaced.map(|(old, keep)| (old.request.request, keep)),
            shift,
            guarded: ask.guarded,
        };
        Ok(((displaces, shift, actual.taken_minutes()), found))
    }

    /// The first minute of the pattern.
    #[allow(clippy::too_many_arguments, reason = "all of it is given")]
    fn place(
        &self,
        device: DeviceIndex,
        now: Utc,
        request: &ScanRequest,
        (this, week): (i64, i64),
        span: i64,
        window: &Window,
        as_policy: bool,
    ) -> Result<i64, RefusalReason> {
        let (minutes, repeats) = (i64::from(request.minutes), i64::from(request.repeats));
        let offset = i64::from(request.offset_minutes);
        let wanted = request.start.unix_minute();
        let lead = i64::from(self.policy.lead_minutes) * 60_000_000;
        let in_time = |first: i64| first * 60_000_000 >= now.unix_micros() + lead;
        let weeks = if request.across_weeks { this..this + 2 } else { week..week + 1 };
        let in_weeks =
            |first: i64| first >= first_of(weeks.start) && first + span <= first_of(weeks.end);
        let kept = self.reserves[usize::from(device.0)];
        let kept = i64::from(kept.unwrap_or(self.policy.reserve_per_hour).min(60));
        let is_kept = |minute: i64| minute.rem_euclid(60) >= 60 - kept;
        let short = request.minutes <= self.policy.short_minutes;
        let any = window.runs(|_| true);
        let long = (!short && kept > 0).then(|| window.runs(|minute| !is_kept(minute)));
        let allowed = long.as_ref().unwrap_or(&any);
        let fits = |runs: &Runs, first: i64| runs.fits(first, minutes, repeats, offset);
        match request.when {
            When::Exact if !in_time(wanted) => Err(RefusalReason::InThePast),
            When::Exact if !in_weeks(wanted) => Err(RefusalReason::CrossesWeek),
            When::Exact if !fits(&any, wanted) => Err(RefusalReason::Conflict),
            When::Exact if !fits(allowed, wanted) => Err(RefusalReason::ReservedForShort),
            When::Exact => Ok(wanted),
            When::Nearest { max_shift_minutes } => {
                let most = max_shift_minutes.map_or(2 * WEEK, i64::from).min(2 * WEEK);
                let earliest = now.unix_micros() + lead + 59_999_999;
                let low = first_of(weeks.start).max(earliest.div_euclid(60_000_000));
                let high = first_of(weeks.end) - span;
                let find = |runs: &Runs, most: i64| {
                    for shift in 0..=most {
                        let (before, after) = (wanted - shift, wanted + shift);
                        if before < low && after > high {
                            return None;
                        }
                        let possible = |first: i64| (low..=high).contains(&first);
                        for first in [before, after] {
                            if possible(first) && fits(runs, first) {
                                return Some(first);
                            }
                        }
                    }
                    None
                };
                if short && kept > 0 && self.policy.reserve_first && as_policy {
                    let reserve = window.runs(is_kept);
                    if let Some(first) = find(&reserve, most.min(60)) {
                        return Ok(first);
                    }
                }
                find(allowed, most).ok_or_else(|| {
                    let reserved = !short && kept > 0 && find(&any, most).is_some();
                    if reserved { RefusalReason::ReservedForShort } else { RefusalReason::NoFit }
                })
            }
        }
    }

    /// How far the nearest start is that would be granted, whatever the request says of that.
    pub(crate) fn alternative(
        &self,
        now: Utc,
        request: &ScanRequest,
        ask: &Ask<'_>,
    ) -> Option<i64> {
        let wanted = request.start.unix_minute();
        let this = week_of(now.unix_minute());
        let in_week = |week: i64| {
            let start = wanted.clamp(first_of(week), first_of(week + 1) - 1);
            let when = When::Nearest { max_shift_minutes: None };
            let request = ScanRequest { start: Utc::from_unix_minute(start), when, ..*request };
            let found = self.find(now, &request, ask, false).ok()?;
            Some((found.booking.starts[0] - wanted).abs())
        };
        [in_week(this), in_week(this + 1)].into_iter().flatten().min()
    }

    /// Books what was found. Returns the keys of those that gave way, in order.
    pub(crate) fn book(
        &mut self,
        found: &Found,
    ) -> Result<Vec<(ActorId, RequestId)>, RefusalReason> {
        let actor = found.booking.request.actor;
        let frees = found.replaced.is_some_and(|(_, keep)| keep == 0);
        if self.bookings.len() == self.room && !frees {
            return Err(RefusalReason::TableFull);
        }
        if let Some((number, keep)) = found.replaced {
            self.cut((actor, number), keep);
        }
        let mut gone = Vec::new();
        if found.displaces {
            for other in self.bookings.clone() {
                let keep = other.before(found.guarded);
                let weaker = other.priority < found.booking.priority;
                let same = other.request.device == found.booking.request.device;
                let overlaps = other.starts[keep..].iter().any(|a| {
                    found
                        .booking
                        .starts
                        .iter()
                        .any(|b| *a < b + found.booking.minutes() && *b < a + other.minutes())
                });
                if weaker && same && overlaps {
                    self.cut(other.key(), keep);
                    gone.push(other.key());
                }
            }
        }
        self.bookings.push(found.booking.clone());
        gone.sort_unstable();
        Ok(gone)
    }

    /// Cancels what has not begun.
    pub(crate) fn cancel(
        &mut self,
        now: Utc,
        key: (ActorId, RequestId),
    ) -> Result<(), CancelError> {
        let booking = self.booking(key.0, key.1).ok_or(CancelError::UnknownRequest)?;
        let begun = booking.before(now);
        if begun == booking.starts.len() {
            return Err(CancelError::AlreadyBegun);
        }
        self.cut(key, begun);
        Ok(())
    }

    /// An occurrence is rejected.
    pub(crate) fn give_back(&mut self, (actor, request): (ActorId, RequestId), start: i64) {
        let of = |booking: &&mut Booking| booking.key() == (actor, request);
        if let Some(booking) = self.bookings.iter_mut().find(of) {
            booking.rejected.push(start);
        }
    }

    pub(crate) fn booking(&self, actor: ActorId, request: RequestId) -> Option<&Booking> {
        self.bookings.iter().find(|booking| booking.key() == (actor, request))
    }

    fn cut(&mut self, key: (ActorId, RequestId), keep: usize) {
        for booking in self.bookings.iter_mut().filter(|booking| booking.key() == key) {
            booking.starts.truncate(keep);
        }
        self.bookings.retain(|booking| !booking.starts.is_empty());
    }

    /// The minutes of an Actor in a week, without what is to be replaced.
    fn charged(
        &self,
        actor: ActorId,
        device: DeviceIndex,
        week: i64,
        replaced: Option<(&Booking, usize)>,
    ) -> i64 {
        let all = self.policy.quota_scope == QuotaScope::AllDevices;
        let counts = |other: &&Booking| {
            other.request.actor == actor && (all || other.request.device == device)
        };
        self.bookings
            .iter()
            .filter(counts)
            .map(|other| {
                let gone = replaced.filter(|(old, _)| old.key() == other.key());
                let keep = gone.map_or(other.starts.len(), |(_, keep)| keep);
                let minutes = other.minutes();
                let left = minutes_in(&other.starts[..keep], minutes, week)
                    - minutes_in(&other.rejected, minutes, week);
                left.max(0)
            })
            .sum()
    }

    fn window(
        &self,
        device: DeviceIndex,
        this: i64,
        replaced: Option<(&Booking, usize)>,
        weaker: Option<(u8, Utc)>,
    ) -> Window {
        let base = first_of(this);
        let mut free = vec![true; 2 * WEEK as usize];
        for other in self.bookings.iter().filter(|other| other.request.device == device) {
            let gone = replaced.filter(|(old, _)| old.key() == other.key());
            let mut keep = gone.map_or(other.starts.len(), |(_, keep)| keep);
            if let Some((priority, guarded)) = weaker
                && other.priority < priority
            {
                keep = keep.min(other.before(guarded));
            }
            for start in &other.starts[..keep] {
                for minute in *start..start + other.minutes() {
                    let at = usize::try_from(minute - base).ok();
                    if let Some(free) = at.and_then(|at| free.get_mut(at)) {
                        *free = false;
                    }
                }
            }
        }
        Window { base, free }
    }
}

fn starts_of(request: &ScanRequest, first: i64) -> Vec<i64> {
    let offset = i64::from(request.offset_minutes);
    (0..=i64::from(request.repeats)).map(|nth| first + nth * offset).collect()
}

fn minutes_in(starts: &[i64], minutes: i64, week: i64) -> i64 {
    let (first, end) = (first_of(week), first_of(week + 1));
    starts.iter().map(|start| ((start + minutes).min(end) - start.max(&first)).max(0)).sum()
}
