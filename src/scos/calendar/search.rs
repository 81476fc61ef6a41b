//! Where a request finds its place: on which device, and when.

use core::fmt;

use super::grant::Grant;
use super::pattern::Shape;
use super::policy::{ActorPolicy, QuotaScope, Reserve};
use super::recipes::Recipe;
use super::request::{ActorId, DeviceIndex, Refusal, RefusalReason, RequestId, ScanRequest, When};
use super::scheduler::{DevicePlan, Scheduler};
use super::week::Search;
use crate::time::{Utc, Week};

/// How far a short scan goes for the sake of the reserve, in minutes.
const RESERVE_REACH: u16 = 60;

/// What a request is judged by besides its content.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'t> {
    /// The devices it may be for.
    pub devices: Candidates<'t>,
    /// What is set for its Actor.
    pub actor: ActorPolicy,
    /// The request of the same Actor that it takes the place of.
    pub replaces: Option<RequestId>,
    /// Occurrences that start before are neither replaced nor displaced.
    pub guarded: Utc,
}

impl Terms<'_> {
    /// For the device of the request, with nothing set for the Actor and nothing to replace.
    pub const OPEN: Self = Self {
        devices: Candidates::Asked,
        actor: ActorPolicy { quota_minutes: None, priority: 0 },
        replaces: None,
        guarded: Utc::from_unix_micros(i64::MAX),
    };
}

/// The devices a request may be for.
#[derive(Clone, Copy)]
pub enum Candidates<'t> {
    /// That of the request.
    Asked,
    /// Any of these; the first of equals.
    These(&'t [DeviceIndex]),
    /// Any for which this is true; the first of equals.
    All(&'t dyn Fn(DeviceIndex) -> bool),
}

impl fmt::Debug for Candidates<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("Asked"),
            Self::These(devices) => f.debug_tuple("These").field(devices).finish(),
            Self::All(_) => f.write_str("All"),
        }
    }
}

/// A place for a request that can be booked, as long as nothing else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Placement {
    recipe: Recipe,
    replaced: Option<(RequestId, u16)>,
    displaces: bool,
    guarded: Utc,
}

impl Placement {
    /// The device.
    #[must_use]
    pub const fn device(&self) -> DeviceIndex {
        self.recipe.request.device
    }

    /// The slots.
    #[must_use]
    pub const fn grant(&self) -> Grant {
        self.recipe.grant
    }

    /// The number of the request it replaces, and how many occurrences of that stay.
    #[must_use]
    pub const fn replaced(&self) -> Option<(RequestId, u16)> {
        self.replaced
    }

    /// Whether recipes of lower priority give way to it.
    #[must_use]
    pub const fn displaces(&self) -> bool {
        self.displaces
    }

    pub(super) const fn recipe(&self) -> Recipe {
        self.recipe
    }
}

/// A request in the terms of the search.
#[derive(Clone, Copy)]
struct Wanted {
    /// The start asked for, and its week.
    minute: i64,
    week: Week,
    /// The earliest start there can be.
    earliest: i64,
    shape: Shape,
    when: When,
    across: bool,
    /// Whether to look in the reserve first, and to take from those of lower priority.
    as_policy: bool,
}

/// A recipe that is to be replaced.
#[derive(Clone, Copy)]
struct Replaced<'r> {
    recipe: &'r Recipe,
    keep: u16,
    kept: Option<Grant>,
    rest: Grant,
}

/// What decides between devices: less is better.
type Rank = (bool, u64, u16);

impl Scheduler<'_> {
    /// The place a request would get. Nothing is booked. The week is that of the last
    /// [`Scheduler::advance`]; whether the number was used before is not looked at.
    ///
    /// # Errors
    /// [`Refusal`]; where several devices were asked for, that of the first.
    pub fn find(
        &self,
        now: Utc,
        request: &ScanRequest,
        terms: &Terms<'_>,
    ) -> Result<Placement, Refusal> {
        let wanted = self.wanted(now, request, true)?;
        self.best(request, terms, &wanted)
    }

    /// The place nearest to the start asked for that would be granted, whatever the request
    /// says of how far and how exactly, for one that was refused with `reason`. It displaces
    /// nothing. `None` where it is not time that is in the way, or there is none.
    #[must_use]
    pub fn alternative(
        &self,
        now: Utc,
        request: &ScanRequest,
        terms: &Terms<'_>,
        reason: RefusalReason,
    ) -> Option<Placement> {
        match reason {
            RefusalReason::Conflict
            | RefusalReason::NoFit
            | RefusalReason::InThePast
            | RefusalReason::CrossesWeek
            | RefusalReason::OverQuota
            | RefusalReason::ReservedForShort => {}
            _ => return None,
        }
        let asked = self.wanted(now, request, false).ok()?;
        let when = When::Nearest { max_shift_minutes: None };
        let in_week = |week: Week| {
            let first = week.first_minute();
            let minute = asked
                .minute
                .min(first.saturating_add(Week::MINUTES.into()).saturating_sub(1))
                .max(first);
            self.best(request, terms, &Wanted { minute, week, when, ..asked }).ok()
        };
        let found = [in_week(self.week), in_week(self.week.next())];
        let distance = |found: &Placement| found.grant().series.start.abs_diff(asked.minute);
        found.into_iter().flatten().min_by_key(distance)
    }

    /// The form of a request.
    fn wanted(&self, now: Utc, request: &ScanRequest, as_policy: bool) -> Result<Wanted, Refusal> {
        let across = request.across_weeks;
        let new = if across { Shape::wide } else { Shape::new };
        let shape = new(request.minutes, request.repeats, request.offset_minutes)?;
        let minute = request.start.unix_minute();
        if request.start.unix_micros().checked_rem_euclid(60_000_000) != Some(0) {
            return Err(RefusalReason::NotOnAMinute.into());
        }
        let earliest = next_minute(now).saturating_add(self.policy.lead_minutes.into());
        let (week, _) = Week::of_minute(minute);
        Ok(Wanted { minute, week, earliest, shape, when: request.when, across, as_policy })
    }

    /// The best place among the devices.
    fn best(
        &self,
        request: &ScanRequest,
        terms: &Terms<'_>,
        wanted: &Wanted,
    ) -> Result<Placement, Refusal> {
        let replaced = self.replaced(request.actor, terms)?;
        let of = |devices: &mut dyn Iterator<Item = DeviceIndex>| {
            let mut best: Option<(Rank, Placement)> = None;
            let mut refusal = None;
            for device in devices {
                match self.place_on(device, request, terms, wanted, replaced) {
                    Ok((rank, place)) => {
                        if best.as_ref().is_none_or(|best| rank < best.0) {
                            best = Some((rank, place));
                        }
                    }
                    Err(error) => {
                        refusal.get_or_insert(error);
                    }
                }
            }
            let none = || refusal.unwrap_or_else(|| RefusalReason::UnknownDevice.into());
            best.map(|best| best.1).ok_or_else(none)
        };
        match terms.devices {
            Candidates::Asked => of(&mut core::iter::once(request.device)),
            Candidates::These(devices) => of(&mut devices.iter().copied()),
            Candidates::All(usable) => {
                let all = (0_u16..=u16::MAX).take(self.devices.len()).map(DeviceIndex);
                of(&mut all.filter(|device| usable(*device)))
            }
        }
    }

    /// The recipe a request is to replace.
    fn replaced(&self, actor: ActorId, terms: &Terms<'_>) -> Result<Option<Replaced<'_>>, Refusal> {
        let Some(number) = terms.replaces else { return Ok(None) };
        let recipe = self.recipe(actor, number).ok_or(RefusalReason::UnknownRequest)?;
        let keep = recipe.grant.series.started_before(terms.guarded);
        let (kept, rest) = recipe.grant.split_at(keep);
        let rest = rest.ok_or(RefusalReason::AlreadyBegun)?;
        Ok(Some(Replaced { recipe, keep, kept, rest }))
    }

    fn place_on(
        &self,
        device: DeviceIndex,
        request: &ScanRequest,
        terms: &Terms<'_>,
        wanted: &Wanted,
        replaced: Option<Replaced<'_>>,
    ) -> Result<(Rank, Placement), Refusal> {
        let actual = self.devices.get(usize::from(device.0)).ok_or(RefusalReason::UnknownDevice)?;
        if wanted.week < self.week {
            return Err(RefusalReason::InThePast.into());
        }
        if wanted.week > self.week.next() {
            return Err(RefusalReason::BeyondWindow.into());
        }
        let actor = request.actor;
        let quota = terms.actor.quota_minutes.or(self.policy.quota_minutes);
        let check = |week, minutes: u16| match quota {
            Some(quota)
                if minutes > 0
                    && self
                        .charge(actor, week, device, replaced.as_ref())
                        .saturating_add(minutes.into())
                        > quota =>
            {
                Err(Refusal::from(RefusalReason::OverQuota))
            }
            _ => Ok(()),
        };
        if !wanted.across {
            check(wanted.week, wanted.shape.total_minutes())?;
        }
        let here = replaced.filter(|replaced| replaced.recipe.request.device == device);
        let (grant, displaces) = match here {
            Some(replaced) => self.place_instead(device, actual, terms, wanted, &replaced.rest)?,
            None => self.place_or_displace(device, actual, terms, wanted)?,
        };
        if wanted.across {
            for week in [self.week, self.week.next()] {
                check(week, grant.minutes_in(week))?;
            }
        }
        let shift = grant.series.start.abs_diff(wanted.minute);
        let placement = Placement {
            recipe: Recipe {
                request: ScanRequest { device, ..*request },
                grant,
                priority: terms.actor.priority,
                given_back: [0; 2],
            },
            replaced: replaced.map(|replaced| (replaced.recipe.request.request, replaced.keep)),
            displaces,
            guarded: terms.guarded,
        };
        Ok(((displaces, shift, actual.taken_minutes()), placement))
    }

    /// The slots on one device once `freed` is free, and whether others give way.
    // It has a plan on the stack that few requests need.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn place_instead(
        &self,
        device: DeviceIndex,
        plan: &DevicePlan,
        terms: &Terms<'_>,
        wanted: &Wanted,
        freed: &Grant,
    ) -> Result<(Grant, bool), Refusal> {
        let mut plan = plan.clone();
        plan.cancel(self.week, freed);
        self.place_or_displace(device, &plan, terms, wanted)
    }

    /// The slots on one device, and whether others give way.
    fn place_or_displace(
        &self,
        device: DeviceIndex,
        plan: &DevicePlan,
        terms: &Terms<'_>,
        wanted: &Wanted,
    ) -> Result<(Grant, bool), Refusal> {
        let preempts = wanted.as_policy && self.policy.preemption && terms.actor.priority > 0;
        match self.place(device, plan, wanted) {
            Ok(grant) => Ok((grant, false)),
            Err(refusal) if preempts => {
                let grant = self.place_displacing(device, plan, terms, wanted);
                grant.map(|grant| (grant, true)).ok_or(refusal)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The slots on one device once all who are weaker have given way.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn place_displacing(
        &self,
        device: DeviceIndex,
        plan: &DevicePlan,
        terms: &Terms<'_>,
        wanted: &Wanted,
    ) -> Option<Grant> {
        let mut plan = plan.clone();
        for (_, rest) in self.weaker(device, terms.actor.priority, terms.guarded) {
            plan.cancel(self.week, &rest);
        }
        self.place(device, &plan, wanted).ok()
    }

    /// The minutes that count for an Actor's quota, without what is to be replaced.
    fn charge(
        &self,
        actor: ActorId,
        week: Week,
        device: DeviceIndex,
        replaced: Option<&Replaced<'_>>,
    ) -> u32 {
        let all = self.policy.quota_scope == QuotaScope::AllDevices;
        let minutes = if all {
            self.minutes_of_all(actor, week)
        } else {
            self.minutes_of(actor, week, device)
        };
        let counts = |replaced: &&Replaced<'_>| all || replaced.recipe.request.device == device;
        let less = replaced.filter(counts).map_or(0, |replaced| {
            let kept = replaced.kept.map(|grant| Recipe { grant, ..*replaced.recipe });
            let stays = kept.map_or(0, |recipe| recipe.charged_in(week));
            replaced.recipe.charged_in(week).saturating_sub(stays)
        });
        minutes.saturating_sub(less.into())
    }

    /// The recipes of a device below `priority` that have occurrences from `guarded` on: how
    /// many come before these, and these.
    fn weaker(
        &self,
        device: DeviceIndex,
        priority: u8,
        guarded: Utc,
    ) -> impl Iterator<Item = ((&Recipe, u16), Grant)> {
        let recipes = self.recipes_of(device).filter(move |recipe| recipe.priority < priority);
        recipes.filter_map(move |recipe| {
            let keep = recipe.grant.series.started_before(guarded);
            Some(((recipe, keep), recipe.grant.split_at(keep).1?))
        })
    }

    /// A recipe that has to give way to a placement, and how many of its occurrences stay.
    pub(super) fn in_the_way(&self, placement: &Placement) -> Option<((ActorId, RequestId), u16)> {
        if !placement.displaces {
            return None;
        }
        let Recipe { request, grant, priority, .. } = placement.recipe;
        let mut its = DevicePlan::EMPTY;
        its.book(self.week, &grant);
        let mut weaker = self.weaker(request.device, priority, placement.guarded);
        let found = weaker.find(|(_, rest)| its.first_taken(self.week, rest).is_some());
        found.map(|((recipe, keep), _)| (recipe.key(), keep))
    }

    /// The slots on one device.
    fn place(
        &self,
        device: DeviceIndex,
        plan: &DevicePlan,
        wanted: &Wanted,
    ) -> Result<Grant, Refusal> {
        let reserve = self.reserve(device);
        let short = self.policy.is_short(wanted.shape.minutes());
        let against = if short { Reserve::NONE } else { reserve };
        match wanted.when {
            When::Exact => self.exact(plan, wanted, against),
            When::Nearest { max_shift_minutes: max_shift } => {
                if short && self.policy.reserve_first && wanted.as_policy && !reserve.is_none() {
                    let max_shift = Some(max_shift.unwrap_or(RESERVE_REACH).min(RESERVE_REACH));
                    let found = self.nearest(plan, wanted, max_shift, reserve.inverted());
                    if let Some(grant) = found {
                        return Ok(grant);
                    }
                }
                self.nearest(plan, wanted, max_shift, against).ok_or_else(|| {
                    let reserved = !against.is_none()
                        && self.nearest(plan, wanted, max_shift, Reserve::NONE).is_some();
                    self.nowhere(plan, wanted, against, reserved)
                })
            }
        }
    }

    /// The pattern as asked for, if it can be booked.
    fn exact(
        &self,
        plan: &DevicePlan,
        wanted: &Wanted,
        reserve: Reserve,
    ) -> Result<Grant, Refusal> {
        if wanted.minute < wanted.earliest {
            return Err(RefusalReason::InThePast.into());
        }
        let grant = self.as_asked(wanted).ok_or(RefusalReason::CrossesWeek)?;
        if let Some(minute) = plan.first_taken(self.week, &grant) {
            return Err(conflict(minute));
        }
        match first_reserved(&grant, reserve) {
            None => Ok(grant),
            Some(minute) => Err(Refusal {
                reason: RefusalReason::ReservedForShort,
                first_conflict: Some(Utc::from_unix_minute(minute)),
            }),
        }
    }

    /// The pattern where it is nearest to what is wanted.
    fn nearest(
        &self,
        plan: &DevicePlan,
        wanted: &Wanted,
        max_shift: Option<u16>,
        reserve: Reserve,
    ) -> Option<Grant> {
        let Wanted { shape, across, .. } = *wanted;
        let base = if across { self.week } else { wanted.week }.first_minute();
        let size = if across { Shape::TWO_WEEKS } else { Week::MINUTES };
        let slot = |minute: i64| {
            let ahead = minute.saturating_sub(base).min(size.into()).max(0);
            u16::try_from(ahead).unwrap_or(size)
        };
        let search = Search {
            wanted: slot(wanted.minute),
            earliest: slot(wanted.earliest),
            max_shift,
            reserve,
        };
        let [this, next] = plan.weeks();
        let start = if across {
            this.nearest_in_both(next, shape, &search)
        } else {
            let week = if wanted.week == self.week { this } else { next };
            week.nearest(shape, &search)
        };
        Some(Grant::new(base.saturating_add(start?.into()), shape))
    }

    /// Why there is no such place.
    fn nowhere(
        &self,
        plan: &DevicePlan,
        wanted: &Wanted,
        reserve: Reserve,
        reserved: bool,
    ) -> Refusal {
        let in_the_way = self.as_asked(wanted).and_then(|grant| {
            plan.first_taken(self.week, &grant).or_else(|| first_reserved(&grant, reserve))
        });
        Refusal {
            reason: if reserved { RefusalReason::ReservedForShort } else { RefusalReason::NoFit },
            first_conflict: in_the_way.map(Utc::from_unix_minute),
        }
    }

    /// The pattern at the start asked for, if it ends within the weeks it may lie in.
    fn as_asked(&self, wanted: &Wanted) -> Option<Grant> {
        let end = if wanted.across { self.week.next() } else { wanted.week }.next().first_minute();
        let last = wanted.minute.saturating_add(wanted.shape.span().into());
        (last <= end).then(|| Grant::new(wanted.minute, wanted.shape))
    }
}

pub(super) fn conflict(minute: i64) -> Refusal {
    Refusal { reason: RefusalReason::Conflict, first_conflict: Some(Utc::from_unix_minute(minute)) }
}

/// The first minute of `grant` that is reserved. Weeks begin on the hour.
fn first_reserved(grant: &Grant, reserve: Reserve) -> Option<i64> {
    if reserve.is_none() {
        return None;
    }
    grant.starts().find_map(|start| {
        let minute = start.unix_minute();
        let of_hour = u16::try_from(minute.rem_euclid(60)).unwrap_or(0);
        let first = reserve.first_within(of_hour, grant.series.minutes)?;
        Some(minute.saturating_add(i64::from(first)).saturating_sub(of_hour.into()))
    })
}

/// The first minute that begins at `now` or later.
fn next_minute(now: Utc) -> i64 {
    let minute = now.unix_minute();
    if Utc::from_unix_minute(minute) == now { minute } else { minute.saturating_add(1) }
}
