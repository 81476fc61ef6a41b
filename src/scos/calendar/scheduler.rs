//! The calendar of an SSM: recipes on many devices, this week and next.

use core::fmt;

use super::grant::{Grant, first_taken};
use super::policy::{Policy, Reserve};
use super::recipes::{First, Recipe, RecipeRow, Recipes};
use super::request::{
    ActorId, CancelError, DeviceIndex, Refusal, RefusalReason, RequestId, ScanRequest,
};
use super::search::{Placement, Terms, conflict};
use super::week::WeekPlan;
use crate::scos::Series;
use crate::storage::Slot;
use crate::time::{Utc, Week};

/// The two weeks of one device: 2,552 octets on boards, 2,872 with the feature `std`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DevicePlan {
    this: WeekPlan,
    next: WeekPlan,
    /// What of it is kept for short scans, where that is not what the policy says.
    pub(super) reserve: Option<Reserve>,
    /// The recipes of it, of any week.
    pub(super) first: First,
}

impl DevicePlan {
    /// A device with nothing to do.
    pub const EMPTY: Self =
        Self { this: WeekPlan::EMPTY, next: WeekPlan::EMPTY, reserve: None, first: First::NONE };

    /// The weeks, this one first.
    pub(super) const fn weeks(&self) -> [&WeekPlan; 2] {
        [&self.this, &self.next]
    }

    pub(super) fn book(&mut self, this: Week, grant: &Grant) {
        grant.parts_in(this).for_each(|part| self.this.book(&part));
        grant.parts_in(this.next()).for_each(|part| self.next.book(&part));
    }

    pub(super) fn cancel(&mut self, this: Week, grant: &Grant) {
        grant.parts_in(this).for_each(|part| self.this.cancel(&part));
        grant.parts_in(this.next()).for_each(|part| self.next.cancel(&part));
    }

    /// The first minute of `grant` that is taken.
    pub(super) fn first_taken(&self, this: Week, grant: &Grant) -> Option<i64> {
        first_taken(&self.this, this, grant).or_else(|| first_taken(&self.next, this.next(), grant))
    }

    /// How many minutes of both weeks are taken.
    pub(super) fn taken_minutes(&self) -> u16 {
        let free = self.this.free_minutes().saturating_add(self.next.free_minutes());
        20_160_u16.saturating_sub(free)
    }
}

impl Default for DevicePlan {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The scheduler of an SSM.
///
/// The recipes are the truth. The week plans are what follows from them, computed
/// anew whenever the week changes, in whichever direction the clock moved, and so
/// a clock that was wrong for a while does no lasting harm.
///
/// - A week is a window, not a template: nothing recurs in the week after.
/// - Every occurrence of a request is in the week that holds its start, unless it asks for
///   both ([`ScanRequest::across_weeks`]). Starts are granted in this week and the next.
/// - Nothing is granted that starts before the next whole minute from now on, plus
///   the lead of the policy.
/// - A request is granted whole or refused, and a refusal changes nothing.
/// - A request that was granted before gets the same answer again.
/// - Nearest Time is the least shift of the whole pattern, the earlier of two. A
///   start too late for the pattern to end within its weeks, or in the past, is
///   moved like any other.
/// - The reserve keeps long scans out. Under Nearest Time a short scan takes the nearest
///   free slots, reserved or not, or those of the reserve first ([`Policy::reserve_first`]).
/// - Quota is judged in each week for itself; a pattern that may lie in both weeks, where it
///   would be.
/// - Of several devices it is the one with the least shift, of these the one with the fewest
///   minutes taken in both weeks, of these the first.
/// - One that replaces another takes its place in one step, or the other stays as it is.
/// - With preemption, what finds no place otherwise takes that of recipes of lower priority.
///
/// Capacity: as many devices and recipes as the storage has room for; a recipe too
/// many is refused with [`RefusalReason::TableFull`]. What a call costs depends on the
/// recipes of the devices that are asked for and not on all of them, but for a quota over
/// all devices.
pub struct Scheduler<'s> {
    pub(super) policy: Policy,
    /// The week that `this` is of in every device.
    pub(super) week: Week,
    pub(super) devices: &'s mut [DevicePlan],
    pub(super) recipes: Recipes<'s>,
}

impl<'s> Scheduler<'s> {
    /// A scheduler without recipes; whatever the storage held is forgotten.
    #[must_use]
    pub fn new(
        policy: Policy,
        devices: &'s mut [DevicePlan],
        recipes: &'s mut [Slot<RecipeRow>],
    ) -> Self {
        devices.fill(DevicePlan::EMPTY);
        Self { policy, week: Week::default(), devices, recipes: Recipes::new(recipes) }
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
        let placement = self.find(now, request, &Terms::OPEN)?;
        self.book(&placement, &mut |_, _| {})?;
        Ok(placement.grant())
    }

    /// Books what [`Scheduler::find`] found, before anything else is booked. `displaced` is
    /// told of each recipe that gives way, as it was, and how many of its occurrences stay.
    ///
    /// # Errors
    /// [`RefusalReason::TableFull`] when there is no room for the recipe, and
    /// [`RefusalReason::RequestIdReused`] when its number has one; nothing has changed then.
    pub fn book(
        &mut self,
        placement: &Placement,
        displaced: &mut dyn FnMut(&Recipe, u16),
    ) -> Result<(), Refusal> {
        let recipe = placement.recipe();
        let (actor, request) = recipe.key();
        if self.recipe(actor, request).is_some() {
            return Err(RefusalReason::RequestIdReused.into());
        }
        if !self.has_room_for(placement) {
            return Err(RefusalReason::TableFull.into());
        }
        if let Some((old, keep)) = placement.replaced() {
            self.cut((actor, old), keep);
        }
        while let Some((key, keep)) = self.in_the_way(placement) {
            if let Some(was) = self.cut(key, keep) {
                displaced(&was, keep);
            }
        }
        self.recipes
            .insert(recipe, self.devices)
            .map_err(|_| Refusal::from(RefusalReason::TableFull))?;
        if let Some(plan) = self.devices.get_mut(usize::from(recipe.request.device.0)) {
            plan.book(self.week, &recipe.grant);
        }
        Ok(())
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
        let recipe = self.recipe(actor, request).ok_or(CancelError::UnknownRequest)?;
        let begun = recipe.grant.series.started_before(now);
        if begun >= recipe.grant.series.occurrences() {
            return Err(CancelError::AlreadyBegun);
        }
        self.cut((actor, request), begun).ok_or(CancelError::UnknownRequest)
    }

    /// Gives the minutes of an occurrence that was rejected back to its Actor's quota, once
    /// for each; its slots stay taken. Nothing happens when there is no such recipe.
    pub fn give_back(&mut self, actor: ActorId, request: RequestId, start: Utc) {
        let Some(recipe) = self.recipes.get_mut(actor, request) else { return };
        let minutes = recipe.grant.series.minutes;
        let week = recipe.grant.week();
        let series = Series { start: start.unix_minute(), minutes, ..Series::default() };
        let occurrence = Grant { series };
        let [this, next] = &mut recipe.given_back;
        *this = this.saturating_add(occurrence.minutes_in(week));
        *next = next.saturating_add(occurrence.minutes_in(week.next()));
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
    /// As for a request, when its device is not there, its slots are taken or none a
    /// calendar can hold, or there is no room. Policy and time are not asked again.
    pub fn restore(&mut self, recipe: &Recipe) -> Result<(), Refusal> {
        let Recipe { request, grant, .. } = recipe;
        if self.recipe(request.actor, request.request).is_some() {
            return Err(RefusalReason::RequestIdReused.into());
        }
        if !grant.is_sound() {
            return Err(RefusalReason::CrossesWeek.into());
        }
        let week = self.week;
        let plan = self.devices.get(usize::from(request.device.0));
        let plan = plan.ok_or(RefusalReason::UnknownDevice)?;
        if let Some(minute) = plan.first_taken(week, grant) {
            return Err(conflict(minute));
        }
        self.recipes
            .insert(*recipe, self.devices)
            .map_err(|_| Refusal::from(RefusalReason::TableFull))?;
        if let Some(plan) = self.devices.get_mut(usize::from(request.device.0)) {
            plan.book(week, grant);
        }
        Ok(())
    }

    /// Takes out a recipe whose weeks are over, once its reports are delivered.
    /// `None` when there is none or its weeks are not over.
    pub fn forget(&mut self, actor: ActorId, request: RequestId) -> Option<Recipe> {
        self.recipe(actor, request).filter(|recipe| recipe.grant.last_week() < self.week)?;
        self.recipes.remove((actor, request), self.devices)
    }

    /// Takes out all recipes whose weeks are over, this week's and those before `week`.
    /// Returns how many went.
    pub fn forget_before(&mut self, week: Week) -> usize {
        let week = week.min(self.week);
        self.recipes.retain(self.devices, |recipe| recipe.grant.last_week() >= week)
    }

    /// Puts other rules in force for requests to come. What is booked stays.
    pub const fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Keeps these minutes of each hour of a device for short scans, or with `None` those of
    /// the policy. What is booked stays. Returns whether there is such a device.
    pub fn set_reserve(&mut self, device: DeviceIndex, reserve: Option<Reserve>) -> bool {
        let Some(plan) = self.devices.get_mut(usize::from(device.0)) else { return false };
        plan.reserve = reserve;
        true
    }

    /// The minutes of each hour of `device` that are kept for short scans.
    #[must_use]
    pub fn reserve(&self, device: DeviceIndex) -> Reserve {
        let own = self.devices.get(usize::from(device.0)).and_then(|plan| plan.reserve);
        own.unwrap_or_else(|| Reserve::per_hour(self.policy.reserve_per_hour))
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

    /// Whether there is room for the recipe of a placement.
    #[must_use]
    pub fn has_room_for(&self, placement: &Placement) -> bool {
        self.room() > 0 || placement.replaced().is_some_and(|(_, keep)| keep == 0)
    }

    /// What is taken on `device` in `week`, which is this or the next.
    #[must_use]
    pub fn plan(&self, device: DeviceIndex, week: Week) -> Option<&WeekPlan> {
        let [this, next] = self.devices.get(usize::from(device.0))?.weeks();
        if week == self.week { Some(this) } else { (week == self.week.next()).then_some(next) }
    }

    /// The recipe of this Actor and number.
    #[must_use]
    pub fn recipe(&self, actor: ActorId, request: RequestId) -> Option<&Recipe> {
        self.recipes.get(actor, request)
    }

    /// All recipes, in no order that means anything; of weeks that are over as well, until
    /// they are forgotten.
    pub fn recipes(&self) -> impl DoubleEndedIterator<Item = &Recipe> + Clone {
        self.recipes.iter()
    }

    /// The recipes of one device, the one added last first.
    pub fn recipes_of(&self, device: DeviceIndex) -> impl Iterator<Item = &Recipe> + Clone {
        let first = self.devices.get(usize::from(device.0)).map_or(First::NONE, |plan| plan.first);
        self.recipes.of_device(first)
    }

    /// The minutes of `actor` in `week` on `device` that count for its quota.
    #[must_use]
    pub fn minutes_of(&self, actor: ActorId, week: Week, device: DeviceIndex) -> u32 {
        charged(self.recipes_of(device), actor, week)
    }

    /// The minutes of `actor` in `week` on all devices that count for its quota.
    #[must_use]
    pub fn minutes_of_all(&self, actor: ActorId, week: Week) -> u32 {
        charged(self.recipes(), actor, week)
    }

    /// Whether no two recipes overlap and every plan is what its recipes make it.
    /// It takes as long as booking all of them.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let listed = (0_u16..).map(DeviceIndex).take(self.devices()).map(|device| {
            let mut plan = DevicePlan::EMPTY;
            let mut count = 0_usize;
            let apart = self.recipes_of(device).all(|recipe| {
                let free = plan.first_taken(self.week, &recipe.grant).is_none();
                plan.book(self.week, &recipe.grant);
                count = count.saturating_add(1);
                free && recipe.request.device == device
            });
            let same = self.devices.get(usize::from(device.0)).is_some_and(|other| {
                let ([this, next], [this_too, next_too]) = (plan.weeks(), other.weeks());
                this == this_too && next == next_too
            });
            (apart && same).then_some(count)
        });
        let count = listed.sum::<Option<usize>>();
        count == Some(self.recipes.len()) && count == Some(self.recipes().count())
    }

    /// Takes what comes from occurrence `keep` on out of a recipe. Returns the recipe as it was.
    pub(in crate::scos) fn cut(&mut self, key: (ActorId, RequestId), keep: u16) -> Option<Recipe> {
        let recipe = self.recipes.get_mut(key.0, key.1)?;
        let was = *recipe;
        let (begun, rest) = was.grant.split_at(keep);
        match begun {
            Some(begun) => recipe.grant = begun,
            None => drop(self.recipes.remove(key, self.devices)),
        }
        let plan = self.devices.get_mut(usize::from(was.request.device.0));
        if let (Some(rest), Some(plan)) = (rest, plan) {
            plan.cancel(self.week, &rest);
        }
        Some(was)
    }

    /// Computes every plan from the recipes.
    fn rebuild(&mut self) {
        let week = self.week;
        for plan in self.devices.iter_mut() {
            (plan.this, plan.next) = (WeekPlan::EMPTY, WeekPlan::EMPTY);
        }
        for Recipe { request, grant, .. } in self.recipes.iter() {
            if let Some(plan) = self.devices.get_mut(usize::from(request.device.0)) {
                plan.book(week, grant);
            }
        }
    }
}

fn charged<'r>(recipes: impl Iterator<Item = &'r Recipe>, actor: ActorId, week: Week) -> u32 {
    let of_actor = recipes.filter(|recipe| recipe.request.actor == actor);
    of_actor.fold(0, |sum, recipe| sum.saturating_add(recipe.charged_in(week).into()))
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
