//! The calendar of an SSM: recipes on many devices, this week and next.

use core::fmt;

use super::fit::Search;
use super::pattern::{Pattern, Shape};
use super::policy::{Policy, Reserve};
use super::request::{
    ActorId, CancelError, DeviceIndex, Grant, Refusal, RefusalReason, RequestId, ScanRequest, When,
    time_of,
};
use super::week::WeekPlan;
use crate::storage::{Row, Slot, Table};
use crate::time::{Utc, Week};

/// The two weeks of one device: 2,848 octets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePlan {
    this: WeekPlan,
    next: WeekPlan,
}

impl DevicePlan {
    /// A device with nothing to do.
    pub const EMPTY: Self = Self { this: WeekPlan::EMPTY, next: WeekPlan::EMPTY };
}

impl Default for DevicePlan {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// A scan recipe: a request and the slots it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Recipe {
    /// What was asked for.
    pub request: ScanRequest,
    /// What was granted and not cancelled since.
    pub grant: Grant,
}

impl Row for Recipe {
    type Key = (ActorId, RequestId);

    fn key(&self) -> Self::Key {
        (self.request.actor, self.request.request)
    }
}

/// The scheduler of an SSM.
///
/// The recipes are the truth. The week plans are what follows from them, computed
/// anew whenever the week changes, in whichever direction the clock moved, and so
/// a clock that was wrong for a while does no lasting harm.
///
/// - A week is a window, not a template: nothing recurs in the week after.
/// - Every occurrence of a request is in the week that holds its start. What is
///   earlier than that week's end can be granted, in this week and the next.
/// - Nothing is granted that starts before the next whole minute from now on, plus
///   the lead of the policy.
/// - A request is granted whole or refused, and a refusal changes nothing.
/// - A request that was granted before gets the same answer again.
/// - Nearest Time is the least shift of the whole pattern, the earlier of two. A
///   start too late for the pattern to end within the week, or in the past, is
///   moved like any other.
/// - The reserve keeps long scans out and changes no answer to a short one: under
///   Nearest Time a short scan takes the nearest free slots, reserved or not.
///
/// Capacity: as many devices and recipes as the storage has room for; a recipe too
/// many is refused with [`RefusalReason::TableFull`].
pub struct Scheduler<'s> {
    policy: Policy,
    /// The week that `this` is of in every device.
    week: Week,
    devices: &'s mut [DevicePlan],
    recipes: Table<'s, Recipe>,
}

impl<'s> Scheduler<'s> {
    /// A scheduler without recipes; whatever the storage held is forgotten.
    #[must_use]
    pub fn new(
        policy: Policy,
        devices: &'s mut [DevicePlan],
        recipes: &'s mut [Slot<Recipe>],
    ) -> Self {
        devices.fill(DevicePlan::EMPTY);
        Self { policy, week: Week::default(), devices, recipes: Table::new(recipes) }
    }

    /// Grants a request slots, or says why not. It is judged in this order: number
    /// used before, form, device, week, quota, slots, room for the recipe.
    ///
    /// A number whose recipe was cancelled or forgotten is free again; where a
    /// part was cancelled, the same request is answered with what is left.
    ///
    /// # Errors
    /// [`Refusal`]; nothing has changed then.
    pub fn request(&mut self, now: Utc, request: &ScanRequest) -> Result<Grant, Refusal> {
        self.advance(now);
        if let Some(recipe) = self.recipe(request.actor, request.request) {
            return if recipe.request == *request {
                Ok(recipe.grant)
            } else {
                Err(RefusalReason::RequestIdReused.into())
            };
        }
        let grant = self.place(now, request)?;
        let recipe = Recipe { request: *request, grant };
        self.recipes.insert(recipe).map_err(|_| RefusalReason::TableFull)?;
        if let Some(plan) = self.plan_mut(request.device, grant.week) {
            plan.book(&grant.pattern);
        }
        Ok(grant)
    }

    /// Cancels the occurrences that have not begun and returns the recipe as it
    /// was. Where some have begun, the recipe stays with these.
    ///
    /// # Errors
    /// [`CancelError`]; nothing has changed then.
    pub fn cancel(
        &mut self,
        now: Utc,
        actor: ActorId,
        request: RequestId,
    ) -> Result<Recipe, CancelError> {
        self.advance(now);
        let was = *self.recipe(actor, request).ok_or(CancelError::UnknownRequest)?;
        let next = slot_in(was.grant.week, next_minute(now));
        let (begun, rest) = was.grant.pattern.split_before(next);
        let rest = rest.ok_or(CancelError::AlreadyBegun)?;
        match (begun, self.recipes.get_mut((actor, request))) {
            (Some(begun), Some(recipe)) => recipe.grant.pattern = begun,
            _ => drop(self.recipes.remove((actor, request))),
        }
        if let Some(plan) = self.plan_mut(was.request.device, was.grant.week) {
            plan.cancel(&rest);
        }
        Ok(was)
    }

    /// Moves the window to the week of `now`. [`Scheduler::request`] and
    /// [`Scheduler::cancel`] do so by themselves; extra calls change nothing.
    pub fn advance(&mut self, now: Utc) {
        let (week, _) = Week::of_minute(now.unix_minute());
        if week != self.week {
            self.week = week;
            self.rebuild();
        }
    }

    /// Takes up a recipe that was granted before, such as one kept over a restart.
    ///
    /// # Errors
    /// As for a request, when its device is not there, its slots are taken, or there
    /// is no room. Policy and time are not asked again.
    pub fn restore(&mut self, recipe: &Recipe) -> Result<(), Refusal> {
        let Recipe { request, grant } = recipe;
        if self.recipe(request.actor, request.request).is_some() {
            return Err(RefusalReason::RequestIdReused.into());
        }
        if self.devices.get(usize::from(request.device.0)).is_none() {
            return Err(RefusalReason::UnknownDevice.into());
        }
        if let Some(plan) = self.plan(request.device, grant.week) {
            plan.exact(&grant.pattern).map_err(|slot| conflict(grant.week, slot))?;
        }
        self.recipes.insert(*recipe).map_err(|_| RefusalReason::TableFull)?;
        if let Some(plan) = self.plan_mut(request.device, grant.week) {
            plan.book(&grant.pattern);
        }
        Ok(())
    }

    /// Takes out a recipe whose week is over, once its reports are delivered.
    /// `None` when there is none or its week is not over.
    pub fn forget(&mut self, actor: ActorId, request: RequestId) -> Option<Recipe> {
        self.recipe(actor, request).filter(|recipe| recipe.grant.week < self.week)?;
        self.recipes.remove((actor, request))
    }

    /// Puts other rules in force for requests to come. What is booked stays.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// The rules in force.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// This week, as of the last call with a time.
    #[must_use]
    pub const fn week(&self) -> Week {
        self.week
    }

    /// How many devices there are.
    #[must_use]
    pub const fn devices(&self) -> usize {
        self.devices.len()
    }

    /// How many more recipes there is room for.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.recipes.capacity().saturating_sub(self.recipes.len())
    }

    /// What is taken on `device` in `week`, which is this or the next.
    #[must_use]
    pub fn plan(&self, device: DeviceIndex, week: Week) -> Option<&WeekPlan> {
        let plan = self.devices.get(usize::from(device.0))?;
        if week == self.week {
            Some(&plan.this)
        } else {
            (week == self.week.next()).then_some(&plan.next)
        }
    }

    /// The recipe of this Actor and number.
    #[must_use]
    pub fn recipe(&self, actor: ActorId, request: RequestId) -> Option<&Recipe> {
        self.recipes.get((actor, request))
    }

    /// All recipes, by Actor and number; of weeks that are over as well, until
    /// they are forgotten.
    pub fn recipes(&self) -> impl DoubleEndedIterator<Item = &Recipe> + Clone {
        self.recipes.iter()
    }

    /// The recipes of one device, by Actor and number.
    pub fn recipes_of(
        &self,
        device: DeviceIndex,
    ) -> impl DoubleEndedIterator<Item = &Recipe> + Clone {
        self.recipes().filter(move |recipe| recipe.request.device == device)
    }

    /// The recipes whose week is over, for [`Scheduler::forget`].
    pub fn finished(&self) -> impl Iterator<Item = &Recipe> + Clone {
        let week = self.week;
        self.recipes().filter(move |recipe| recipe.grant.week < week)
    }

    /// The minutes `actor` has booked in `week` on `device`.
    #[must_use]
    pub fn minutes_of(&self, actor: ActorId, week: Week, device: DeviceIndex) -> u16 {
        self.recipes
            .iter_from((actor, RequestId(0)))
            .take_while(|recipe| recipe.request.actor == actor)
            .filter(|recipe| recipe.grant.week == week && recipe.request.device == device)
            .fold(0, |sum, recipe| sum.saturating_add(recipe.grant.pattern.shape().total_minutes()))
    }

    /// Whether no two recipes overlap and every plan is what its recipes make it.
    /// It takes as long as booking all of them.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        (0_u16..).map(DeviceIndex).take(self.devices()).all(|device| {
            [self.week, self.week.next()].into_iter().all(|week| {
                let mut plan = WeekPlan::EMPTY;
                self.recipes_of(device).filter(|recipe| recipe.grant.week == week).all(|recipe| {
                    let free = plan.exact(&recipe.grant.pattern).is_ok();
                    plan.book(&recipe.grant.pattern);
                    free
                }) && self.plan(device, week) == Some(&plan)
            })
        })
    }

    /// The slots a request would get.
    fn place(&self, now: Utc, request: &ScanRequest) -> Result<Grant, Refusal> {
        let shape = Shape::new(request.minutes, request.repeats, request.offset_minutes)?;
        let minute = request.start.unix_minute();
        if Utc::from_unix_minute(minute) != request.start {
            return Err(RefusalReason::NotOnAMinute.into());
        }
        if usize::from(request.device.0) >= self.devices() {
            return Err(RefusalReason::UnknownDevice.into());
        }
        let (week, wanted) = Week::of_minute(minute);
        if week < self.week {
            return Err(RefusalReason::InThePast.into());
        }
        let plan = self.plan(request.device, week).ok_or(RefusalReason::BeyondWindow)?;
        self.check_quota(request, week, shape)?;
        let lead = i64::from(self.policy.lead_minutes);
        let earliest = slot_in(week, next_minute(now).saturating_add(lead));
        let reserve = self.policy.reserve_against(request.minutes);
        let pattern = match request.when {
            When::Exact if wanted < earliest => return Err(RefusalReason::InThePast.into()),
            When::Exact => exact(plan, week, Pattern::new(wanted, shape)?, reserve)?,
            When::Nearest { max_shift_minutes: max_shift } => {
                nearest(plan, week, shape, &Search { wanted, earliest, max_shift, reserve })?
            }
        };
        Ok(Grant { week, pattern })
    }

    fn check_quota(&self, request: &ScanRequest, week: Week, shape: Shape) -> Result<(), Refusal> {
        let Some(quota) = self.policy.quota_minutes else { return Ok(()) };
        let booked = self.minutes_of(request.actor, week, request.device);
        if booked.saturating_add(shape.total_minutes()) > quota {
            return Err(RefusalReason::OverQuota.into());
        }
        Ok(())
    }

    fn plan_mut(&mut self, device: DeviceIndex, week: Week) -> Option<&mut WeekPlan> {
        let plan = self.devices.get_mut(usize::from(device.0))?;
        if week == self.week {
            Some(&mut plan.this)
        } else {
            (week == self.week.next()).then_some(&mut plan.next)
        }
    }

    /// Computes every plan from the recipes.
    fn rebuild(&mut self) {
        self.devices.fill(DevicePlan::EMPTY);
        for Recipe { request, grant } in self.recipes.iter() {
            let Some(plan) = self.devices.get_mut(usize::from(request.device.0)) else { continue };
            if grant.week == self.week {
                plan.this.book(&grant.pattern);
            } else if grant.week == self.week.next() {
                plan.next.book(&grant.pattern);
            }
        }
    }
}

impl fmt::Debug for Scheduler<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler")
            .field("policy", &self.policy)
            .field("week", &self.week)
            .field("devices", &self.devices())
            .field("recipes", &self.recipes)
            .finish()
    }
}

/// `pattern`, if it can be booked where it is.
fn exact(
    plan: &WeekPlan,
    week: Week,
    pattern: Pattern,
    reserve: Reserve,
) -> Result<Pattern, Refusal> {
    plan.exact(&pattern).map_err(|slot| conflict(week, slot))?;
    match first_reserved(&pattern, reserve) {
        None => Ok(pattern),
        Some(slot) => Err(Refusal {
            reason: RefusalReason::ReservedForShort,
            first_conflict: Some(time_of(week, slot)),
        }),
    }
}

/// `shape` where it is nearest to what is wanted.
fn nearest(plan: &WeekPlan, week: Week, shape: Shape, search: &Search) -> Result<Pattern, Refusal> {
    let found = plan.nearest(shape, search).and_then(|start| Pattern::new(start, shape).ok());
    found.ok_or_else(|| {
        let regardless = Search { reserve: Reserve::NONE, ..*search };
        let reserved = !search.reserve.is_none() && plan.nearest(shape, &regardless).is_some();
        let in_the_way = Pattern::new(search.wanted, shape).ok().and_then(|wanted| {
            plan.exact(&wanted).err().or_else(|| first_reserved(&wanted, search.reserve))
        });
        Refusal {
            reason: if reserved { RefusalReason::ReservedForShort } else { RefusalReason::NoFit },
            first_conflict: in_the_way.map(|slot| time_of(week, slot)),
        }
    })
}

fn first_reserved(pattern: &Pattern, reserve: Reserve) -> Option<u16> {
    let minutes = pattern.shape().minutes();
    pattern.starts().find_map(|start| reserve.first_within(start, minutes))
}

fn conflict(week: Week, slot: u16) -> Refusal {
    Refusal { reason: RefusalReason::Conflict, first_conflict: Some(time_of(week, slot)) }
}

/// The first minute that begins at `now` or later.
fn next_minute(now: Utc) -> i64 {
    let minute = now.unix_minute();
    if Utc::from_unix_minute(minute) == now { minute } else { minute.saturating_add(1) }
}

/// The slot of `week` that `minute` is, 0 when it is before and 10,080 when it is
/// after the week.
fn slot_in(week: Week, minute: i64) -> u16 {
    let ahead = minute.saturating_sub(week.first_minute()).clamp(0, Week::MINUTES.into());
    u16::try_from(ahead).unwrap_or(Week::MINUTES)
}
