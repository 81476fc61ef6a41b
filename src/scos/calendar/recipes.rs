//! The recipes of a scheduler: found by Actor and number, and device by device, in a
//! few steps however many there are.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::grant::Grant;
use super::request::{ActorId, RequestId, ScanRequest};
use super::scheduler::DevicePlan;
use crate::storage::{Full, Slot};
use crate::time::Week;

/// A scan recipe: a request and the slots it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Recipe {
    /// What was asked for; where any of several devices was, the device is the one it got.
    pub request: ScanRequest,
    /// What was granted and not taken back since.
    pub grant: Grant,
    /// The priority its Actor had.
    pub priority: u8,
    /// The minutes of occurrences that were rejected, in the week of the first occurrence
    /// and in the one after: they do not count for the quota.
    pub given_back: [u16; 2],
}

impl Recipe {
    /// Who asked and under which number: what it is found by.
    #[must_use]
    pub const fn key(&self) -> (ActorId, RequestId) {
        (self.request.actor, self.request.request)
    }

    /// The minutes that count for the quota in `week`.
    #[must_use]
    pub fn charged_in(&self, week: Week) -> u16 {
        let first = self.grant.week();
        let [this, next] = self.given_back;
        let given_back = if week == first {
            this
        } else if week == first.next() {
            next
        } else {
            0
        };
        self.grant.minutes_in(week).saturating_sub(given_back)
    }
}

/// The place of a row among the rows; [`NONE`] for none.
type Link = u32;

const NONE: Link = Link::MAX;

/// Room for one recipe.
#[derive(Clone, Copy)]
pub struct RecipeRow {
    recipe: Option<Recipe>,
    /// The first recipe whose key leads to this row, and then the next of the same; of a
    /// row without recipe, the next that is free.
    head: Link,
    next: Link,
    /// The recipes of the same device that were added after and before it.
    newer: Link,
    older: Link,
}

impl RecipeRow {
    const EMPTY: Self = Self { recipe: None, head: NONE, next: NONE, newer: NONE, older: NONE };
}

impl fmt::Debug for RecipeRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recipe.fmt(f)
    }
}

/// The recipe a device's recipes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First(Link);

impl First {
    pub(super) const NONE: Self = Self(NONE);
}

/// All recipes.
pub(super) struct Recipes<'s> {
    rows: &'s mut [Slot<RecipeRow>],
    length: usize,
    /// The first of the rows that were used and are free.
    free: Link,
    /// Rows from here on were never used.
    fresh: Link,
}

impl<'s> Recipes<'s> {
    /// No recipes; whatever the rows held is forgotten.
    pub(super) fn new(rows: &'s mut [Slot<RecipeRow>]) -> Self {
        for row in rows.iter_mut() {
            row.put(RecipeRow::EMPTY);
        }
        Self { rows, length: 0, free: NONE, fresh: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.length
    }

    pub(super) const fn capacity(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn get(&self, actor: ActorId, request: RequestId) -> Option<&Recipe> {
        self.row(self.find((actor, request))?)?.recipe.as_ref()
    }

    pub(super) fn get_mut(&mut self, actor: ActorId, request: RequestId) -> Option<&mut Recipe> {
        let place = self.find((actor, request))?;
        self.row_mut(place)?.recipe.as_mut()
    }

    /// All recipes, in no order that means anything.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Recipe> + Clone {
        self.rows.iter().filter_map(|slot| slot.row()?.recipe.as_ref())
    }

    /// The recipes of a device, the last added first.
    pub(super) fn of_device(&self, first: First) -> impl Iterator<Item = &Recipe> + Clone {
        let mut place = first.0;
        // A row is met once; a list that never ended would end so.
        (0..self.length).map_while(move |_| {
            let row = self.row(place)?;
            place = row.older;
            row.recipe.as_ref()
        })
    }

    /// Adds a recipe whose key is new, of a device there is.
    pub(super) fn insert(
        &mut self,
        recipe: Recipe,
        devices: &mut [DevicePlan],
    ) -> Result<(), Full<()>> {
        let bucket = self.bucket(recipe.key());
        let place = if self.free == NONE { self.fresh } else { self.free };
        let free = self.row(place).ok_or(Full(()))?.next;
        let device = devices.get_mut(usize::from(recipe.request.device.0)).ok_or(Full(()))?;
        if self.free == NONE {
            self.fresh = self.fresh.saturating_add(1);
        } else {
            self.free = free;
        }
        let older = core::mem::replace(&mut device.first, First(place)).0;
        if let Some(row) = self.row_mut(older) {
            row.newer = place;
        }
        let mut next = NONE;
        if let Some(row) = self.row_mut(bucket) {
            next = core::mem::replace(&mut row.head, place);
        }
        if let Some(row) = self.row_mut(place) {
            (row.recipe, row.next, row.newer, row.older) = (Some(recipe), next, NONE, older);
        }
        self.length = self.length.saturating_add(1);
        Ok(())
    }

    /// Takes a recipe out.
    pub(super) fn remove(
        &mut self,
        (actor, request): (ActorId, RequestId),
        devices: &mut [DevicePlan],
    ) -> Option<Recipe> {
        let key = (actor, request);
        let place = self.find(key)?;
        let bucket = self.bucket(key);
        let row = *self.row(place)?;
        let recipe = row.recipe?;
        let head = self.row_mut(bucket)?;
        if head.head == place {
            head.head = row.next;
        } else {
            let mut before = head.head;
            while let Some(other) = self.row_mut(before) {
                if other.next == place {
                    other.next = row.next;
                    break;
                }
                before = other.next;
            }
        }
        match self.row_mut(row.newer) {
            Some(newer) => newer.older = row.older,
            None => {
                let device = usize::from(recipe.request.device.0);
                if let Some(device) = devices.get_mut(device) {
                    device.first = First(row.older);
                }
            }
        }
        if let Some(older) = self.row_mut(row.older) {
            older.newer = row.newer;
        }
        let free = core::mem::replace(&mut self.free, place);
        if let Some(row) = self.row_mut(place) {
            (row.recipe, row.next, row.newer, row.older) = (None, free, NONE, NONE);
        }
        self.length = self.length.saturating_sub(1);
        Some(recipe)
    }

    /// Takes out the recipes for which `keep` is false. Returns how many went.
    pub(super) fn retain(
        &mut self,
        devices: &mut [DevicePlan],
        keep: impl Fn(&Recipe) -> bool,
    ) -> usize {
        let before = self.length;
        for place in 0..self.fresh {
            let recipe = self.row(place).and_then(|row| row.recipe.as_ref());
            if let Some(key) = recipe.filter(|recipe| !keep(recipe)).map(Recipe::key) {
                self.remove(key, devices);
            }
        }
        before.saturating_sub(self.length)
    }

    fn row(&self, place: Link) -> Option<&RecipeRow> {
        self.rows.get(usize::try_from(place).ok()?)?.row()
    }

    fn row_mut(&mut self, place: Link) -> Option<&mut RecipeRow> {
        self.rows.get_mut(usize::try_from(place).ok()?)?.row_mut()
    }

    fn find(&self, key: (ActorId, RequestId)) -> Option<Link> {
        let mut place = self.row(self.bucket(key))?.head;
        while let Some(row) = self.row(place) {
            if row.recipe.is_some_and(|recipe| recipe.key() == key) {
                return Some(place);
            }
            place = row.next;
        }
        None
    }

    /// The row a key leads to.
    fn bucket(&self, (ActorId(actor), RequestId(request)): (ActorId, RequestId)) -> Link {
        let key = u64::from(actor).wrapping_shl(32) | u64::from(request);
        let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let rows = u64::try_from(self.rows.len()).unwrap_or(u64::MAX);
        let bucket = (mixed ^ mixed.wrapping_shr(32)).checked_rem(rows).unwrap_or(0);
        Link::try_from(bucket).unwrap_or(NONE)
    }
}

impl fmt::Debug for Recipes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scos::testing::SCAN;
    use crate::scos::{DeviceIndex, Series, When};
    use crate::time::Utc;
    use proptest::prelude::*;
    use std::collections::BTreeMap;
    use std::vec::Vec;

    fn recipe(actor: u32, number: u32, device: u16, minutes: u16) -> Recipe {
        let request = ScanRequest {
            actor: ActorId(actor),
            request: RequestId(number),
            device: DeviceIndex(device),
            start: Utc::default(),
            minutes,
            when: When::Exact,
            repeats: 0,
            offset_minutes: 0,
            across_weeks: false,
            parameters: SCAN,
        };
        let series = Series { minutes, ..Series::default() };
        Recipe { request, grant: Grant { series }, priority: 0, given_back: [0; 2] }
    }

    proptest! {
        #[test]
        fn behave_as_a_map_with_a_list_for_each_device(
            capacity in 0_usize..9,
            operations in proptest::collection::vec((0_u8..8, 0_u32..3, 0_u32..6, 0_u16..2), 0..80))
        {
            let mut rows = std::vec![Slot::EMPTY; capacity];
            let mut devices = [DevicePlan::EMPTY, DevicePlan::EMPTY];
            let mut recipes = Recipes::new(&mut rows);
            let mut model = BTreeMap::<(u32, u32), Recipe>::new();
            for (minutes, (kind, actor, number, device)) in (1_u16..).zip(operations) {
                let key = (ActorId(actor), RequestId(number));
                match kind {
                    0..5 if !model.contains_key(&(actor, number)) => {
                        let recipe = recipe(actor, number, device, minutes);
                        let added = recipes.insert(recipe, &mut devices).is_ok();
                        prop_assert_eq!(added, model.len() < capacity);
                        if added {
                            model.insert((actor, number), recipe);
                        }
                    }
                    7 => {
                        let gone = recipes.retain(&mut devices, |recipe| recipe.request.actor.0 != actor);
                        let before = model.len();
                        model.retain(|key, _| key.0 != actor);
                        prop_assert_eq!(gone, before - model.len());
                    }
                    _ => prop_assert_eq!(
                        recipes.remove(key, &mut devices), model.remove(&(actor, number))),
                }
                prop_assert_eq!(recipes.len(), model.len());
                let mut all: Vec<_> = recipes.iter().copied().collect();
                all.sort_by_key(Recipe::key);
                prop_assert!(all.iter().eq(model.values()));
                for ((actor, number), recipe) in &model {
                    prop_assert_eq!(recipes.get(ActorId(*actor), RequestId(*number)), Some(recipe));
                }
                for (at, device) in (0..).zip(&devices) {
                    let mut of: Vec<_> = recipes.of_device(device.first).map(Recipe::key).collect();
                    of.sort_unstable();
                    let expected = model.values().filter(|recipe| recipe.request.device.0 == at);
                    prop_assert!(of.into_iter().eq(expected.map(Recipe::key)));
                }
            }
        }
    }
}
