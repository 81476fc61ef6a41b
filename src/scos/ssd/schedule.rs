//! The schedule of a device: what is left of its recipes.

use serde::{Deserialize, Serialize};

use super::Scan;
use crate::machine::count;
use crate::scos::coding::coded;
use crate::scos::messages::{ScheduleEntry, ScheduleMark};
use crate::scos::{ActorId, RequestId, ScanId};
use crate::storage::{Row, Slot, Table};
use crate::time::Utc;

/// A recipe of a device's schedule, with its next occurrence.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct SsdRecipe {
    entry: ScheduleEntry,
    /// The first occurrence that has neither begun nor been reported.
    next: u16,
    /// Whether the store has it as it is.
    #[serde(skip)]
    pub(super) kept: bool,
}

impl Row for SsdRecipe {
    type Key = (ActorId, RequestId);

    fn key(&self) -> Self::Key {
        (self.entry.actor, self.entry.request)
    }
}

impl SsdRecipe {
    /// Whether a recipe that was kept is one that a schedule can have.
    pub(super) const fn is_sound(&self) -> bool {
        self.entry.series.is_sound() && self.next < self.entry.series.occurrences()
    }

    fn start(&self) -> Utc {
        self.entry.series.start_of(self.next)
    }

    fn scan(&self) -> Scan {
        let ScheduleEntry { actor, request, series, parameters } = self.entry;
        Scan {
            id: ScanId { actor, request, occurrence: self.next },
            start: series.start_of(self.next),
            end: series.end_of(self.next),
            parameters,
        }
    }
}

/// The recipes with occurrences left, and how far the SSM's changes are applied.
#[derive(Debug)]
pub(super) struct Schedule<'s> {
    recipes: Table<'s, SsdRecipe>,
    mark: ScheduleMark,
}

impl<'s> Schedule<'s> {
    pub(super) fn new(slots: &'s mut [Slot<SsdRecipe>]) -> Self {
        Self { recipes: Table::new(slots), mark: ScheduleMark::default() }
    }

    /// A run of an SSM has taken over. If it is another one, drops the recipes whose
    /// next occurrence begins at or after `guarded`, and of the others all but that
    /// one. Gives those that go to `gone`, and returns how many they are.
    pub(super) fn begin_epoch(
        &mut self,
        epoch: u32,
        guarded: Utc,
        gone: &mut dyn FnMut(ActorId, RequestId),
    ) -> u64 {
        if self.mark.epoch == epoch {
            return 0;
        }
        self.mark = ScheduleMark { epoch, version: 0 };
        for recipe in self.recipes.iter_mut() {
            // The occurrences from here on would have been the next to go.
            recipe.entry.series.repeats = recipe.next;
            recipe.kept = false;
        }
        let mut dropped = 0;
        loop {
            let open = self.recipes.iter().find(|recipe| recipe.start() >= guarded);
            let Some((actor, request)) = open.map(Row::key) else { break };
            self.recipes.remove((actor, request));
            gone(actor, request);
            count(&mut dropped);
        }
        dropped
    }

    /// Adds or replaces a recipe from occurrence `next` on. Returns whether there
    /// was room.
    pub(super) fn add(&mut self, entry: &ScheduleEntry, next: u16, version: u32) -> bool {
        let recipe = SsdRecipe { entry: *entry, next, kept: false };
        if next >= entry.series.occurrences() {
            self.recipes.remove(recipe.key());
        } else if self.recipes.insert(recipe).is_err() {
            return false;
        }
        self.mark.version = version;
        true
    }

    /// Drops what is left of a recipe.
    pub(super) fn remove(&mut self, actor: ActorId, request: RequestId, version: u32) {
        self.recipes.remove((actor, request));
        self.mark.version = version;
    }

    /// Takes up a recipe that was kept. Returns whether it is one and there was room.
    pub(super) fn restore(&mut self, recipe: SsdRecipe) -> bool {
        let kept = SsdRecipe { kept: true, ..recipe };
        self.recipes.insert(kept).is_ok()
    }

    /// What was kept of the changes applied.
    pub(super) const fn set_mark(&mut self, mark: ScheduleMark) {
        self.mark = mark;
    }

    /// An occurrence was begun, and the recipe may not say so yet.
    pub(super) fn begun(&mut self, scan: ScanId) {
        let key = (scan.actor, scan.request);
        let Some(recipe) = self.recipes.get_mut(key) else { return };
        let next = recipe.next.max(scan.occurrence.saturating_add(1));
        recipe.kept &= recipe.next == next;
        recipe.next = next;
        if next >= recipe.entry.series.occurrences() {
            self.recipes.remove(key);
        }
    }

    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut SsdRecipe> {
        self.recipes.iter_mut()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &SsdRecipe> {
        self.recipes.iter()
    }

    pub(super) fn has(&self, actor: ActorId, request: RequestId) -> bool {
        self.recipes.contains((actor, request))
    }

    /// Takes the earliest occurrence whose slot has begun at `utc`.
    pub(super) fn take_due(&mut self, utc: Utc) -> Option<Scan> {
        let (_, key) = self.first().filter(|(start, _)| *start <= utc)?;
        let recipe = self.recipes.get_mut(key)?;
        let scan = recipe.scan();
        recipe.next = recipe.next.saturating_add(1);
        recipe.kept = false;
        if recipe.next >= recipe.entry.series.occurrences() {
            self.recipes.remove(key);
        }
        Some(scan)
    }

    /// When the next slot begins.
    pub(super) fn next_start(&self) -> Option<Utc> {
        self.first().map(|(start, _)| start)
    }

    /// When the next slot begins, and of which recipe it is.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn first(&self) -> Option<(Utc, (ActorId, RequestId))> {
        let mut first = None;
        for recipe in self.recipes.iter() {
            let start = recipe.start();
            if first.is_none_or(|(earliest, _)| start < earliest) {
                first = Some((start, recipe.key()));
            }
        }
        first
    }

    /// The next occurrence of a recipe; 0 when there is none.
    pub(super) fn next_of(&self, actor: ActorId, request: RequestId) -> u16 {
        self.recipes.get((actor, request)).map_or(0, |recipe| recipe.next)
    }

    pub(super) const fn mark(&self) -> ScheduleMark {
        self.mark
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ScheduleEntry, u16)> {
        self.recipes.iter().map(|recipe| (&recipe.entry, recipe.next))
    }

    /// How many recipes there can be.
    pub(super) fn capacity(&self) -> u16 {
        u16::try_from(self.recipes.capacity()).unwrap_or(u16::MAX)
    }
}

coded! {
    struct SsdRecipe (kept = false): entry, next;
}
