//! Which entries are in force, what of history is still needed, and what the device is
//! to be told.

use super::{
    ChangeKey, Created, NoRoom, Phase, Request, RowKey, Schedule, ScheduleRow, change, flag,
};
use super::{Moment, hash};
use crate::storage::Row;

/// What is to be done to the device next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Make the change of the row at this place.
    Apply(usize),
    /// Clear what the change of the row at this place is about.
    Remove(usize),
}

impl Step {
    pub(crate) const fn place(self) -> usize {
        match self {
            Self::Apply(place) | Self::Remove(place) => place,
        }
    }
}

impl Schedule<'_> {
    pub(crate) fn key(&self, row: &ScheduleRow) -> Option<ChangeKey<'_>> {
        change::describe(self.change(row)).map(|(key, _)| key)
    }

    /// Whether two rows are about the same.
    fn alike(&self, one: &ScheduleRow, other: &ScheduleRow) -> bool {
        one.key_hash == other.key_hash
            && one.is(flag::KEYED)
            && other.is(flag::KEYED)
            && (one.at == other.at || self.key(one) == self.key(other))
    }

    /// Finds out which entry is in force for what the row at `place` is about.
    fn settle(&mut self, place: usize) {
        let Some(&like) = self.rows.at(place) else { return };
        self.unsettled = true;
        let mut last = None;
        for (place, row) in self.rows.iter().enumerate() {
            if !row.is_due(self.now) {
                break;
            }
            if self.alike(row, &like) {
                last = Some(place);
            }
        }
        for place in 0..self.rows.len() {
            let Some(&row) = self.rows.at(place) else { return };
            if self.alike(&row, &like)
                && let Some(row) = self.rows.at_mut(place)
            {
                row.set(flag::IN_FORCE, Some(place) == last);
                row.set(flag::ORPHAN, false);
            }
        }
    }

    /// The time is `now`: entries become due, or are not due any more where it was set back.
    /// With `each`, only those of the first instant that is left become due, and true is
    /// returned where others are left.
    pub(crate) fn advance(&mut self, now: Moment, each: bool) -> bool {
        let now = now.max(self.floor);
        let (from, to) = (self.now.min(now), self.now.max(now));
        let each = each && now > self.now;
        let mut place = self.rows.position(RowKey::scheduled(from, u64::MAX));
        if !each {
            self.now = now;
        }
        let mut first = None;
        while let Some(time) = self.rows.at(place).filter(|row| row.is_due(to)).map(|row| row.time)
        {
            if each {
                if first.is_some_and(|first| first < time) {
                    return true;
                }
                first = Some(time);
                self.now = time;
            }
            self.settle(place);
            place = place.saturating_add(1);
        }
        self.now = now;
        false
    }

    /// When the next entry becomes due.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        let first = RowKey::scheduled(self.now, u64::MAX);
        let row = self.rows.at(self.rows.position(first))?;
        (row.phase == Phase::Scheduled).then_some(row.time)
    }

    /// Creates an entry.
    pub(crate) fn create(&mut self, request: &Request<'_>) -> Result<Created, NoRoom> {
        match self.judge(request.time, request.id, |schedule, row| schedule.says(row, request)) {
            Created::New => self.add(request, Phase::Scheduled)?,
            other => return Ok(other),
        }
        self.created(RowKey::scheduled(request.time, request.seqno));
        Ok(Created::New)
    }

    /// Creates the entry that a request which waits asks for.
    pub(crate) fn create_waiting(&mut self, row: &ScheduleRow) -> Created {
        let created = self.judge(row.time, self.id(row), |schedule, other| {
            other.time == row.time && schedule.change(other) == schedule.change(row)
        });
        if created == Created::New {
            self.turn(row.key(), Phase::Scheduled);
            self.created(RowKey::scheduled(row.time, row.seqno));
        } else {
            self.retire(row.key());
        }
        created
    }

    fn judge(
        &self,
        time: Moment,
        id: &str,
        same: impl FnOnce(&Self, &ScheduleRow) -> bool,
    ) -> Created {
        if time < self.finalized {
            return Created::Final;
        }
        match self.find(id) {
            None => Created::New,
            Some(row) if same(self, row) => Created::Repeated,
            Some(_) => Created::Conflict,
        }
    }

    fn created(&mut self, key: RowKey) {
        let now = self.now;
        self.changed = true;
        if let Some(row) = self.rows.get_mut(key) {
            row.set(flag::UNKEPT, true);
            if row.is_due(now)
                && let Some(place) = self.rows.place(key)
            {
                self.settle(place);
            }
        }
    }

    /// Deletes the entry with this ID. Whether there was one.
    pub(crate) fn delete(&mut self, id: &str) -> bool {
        let found = self.find(id).map(Row::key);
        self.delete_entry(found)
    }

    /// Deletes the entry that a request which waits names.
    pub(crate) fn delete_waiting(&mut self, row: &ScheduleRow) -> bool {
        let found = self.find(self.id(row)).map(Row::key);
        self.retire(row.key());
        self.delete_entry(found)
    }

    fn delete_entry(&mut self, key: Option<RowKey>) -> bool {
        let Some(row) = key.and_then(|key| self.rows.get(key)) else { return false };
        let was_due = row.is_due(self.now);
        let gone = self.turn_away(row.key());
        // What is in force without it is seen when it is not in the schedule any more.
        if was_due && let Some(place) = self.rows.place(gone) {
            self.settle(place);
        }
        self.release(gone);
        true
    }

    /// Takes a row out of the schedule. What the device has of it stays known.
    pub(crate) fn retire(&mut self, key: RowKey) {
        let gone = self.turn_away(key);
        self.release(gone);
    }

    fn turn_away(&mut self, key: RowKey) -> RowKey {
        let Some(row) = self.rows.get_mut(key) else { return key };
        let waited = row.phase == Phase::Waiting;
        row.flags &= flag::LASTING;
        row.flags |= flag::UNKEPT;
        row.set(flag::LATE, waited);
        row.presume_applied();
        let gone = RowKey::gone(row.serial);
        self.turn(key, Phase::Gone);
        self.changed = true;
        gone
    }

    /// Drops a row that is gone and nobody needs to know of any more.
    pub(crate) fn release(&mut self, key: RowKey) {
        if self.rows.get(key).is_some_and(|row| row.is_spent() && !row.is(flag::STORED)) {
            self.drop_row(key);
        }
    }

    /// Frees what cannot be seen of history: of what is finalized and was due, all but the
    /// last for each key.
    pub(crate) fn fold(&mut self) {
        let mut place = 0_usize;
        while let Some(&row) = self.rows.at(place)
            && row.is_due(self.now)
            && row.time < self.finalized
        {
            if !row.is(flag::FINAL | flag::SET) {
                if let Some(row) = self.rows.at_mut(place) {
                    row.set(flag::FINAL, true);
                }
                let earlier = self.rows.iter().take(place).find(|other| self.alike(other, &row));
                let earlier = earlier.map(Row::key);
                if let Some(key) = earlier {
                    self.retire(key);
                    place = place.saturating_sub(1);
                }
                // What clears is not needed once all is told that there is to tell of it.
                let is_told =
                    if row.is(flag::KEYED) { !row.is(flag::RESTORED) } else { row.is(flag::TOLD) };
                if !row.is(flag::SET) && is_told {
                    self.retire(row.key());
                    continue;
                }
            }
            place = place.saturating_add(1);
        }
        self.floor = self.floor.max(self.finalized.min(self.now));
    }

    /// What is to be told the device next, in the order of keys.
    pub(crate) fn next_step(&mut self) -> Option<Step> {
        let mut next: Option<(ChangeKey<'_>, Step)> = None;
        for (place, row) in self.rows.iter().enumerate() {
            let Some(step) = self.step(place, row) else { continue };
            let Some(key) = self.key(row) else { continue };
            if next.is_none_or(|(other, _)| key < other) {
                next = Some((key, step));
            }
        }
        next.map(|(_, step)| step)
    }

    fn step(&self, place: usize, row: &ScheduleRow) -> Option<Step> {
        if row.any(flag::FAILED | flag::ORPHAN) {
            return None;
        }
        if row.phase == Phase::Scheduled && row.is(flag::KEYED | flag::IN_FORCE) {
            if !row.is(flag::SET) {
                return row.is(flag::RESTORED).then_some(Step::Remove(place));
            }
            return (!row.is(flag::APPLIED)).then_some(Step::Apply(place));
        }
        if !row.is(flag::APPLIED) {
            return None;
        }
        let replaced = |other: &ScheduleRow| {
            other.phase == Phase::Scheduled
                && other.is(flag::IN_FORCE | flag::SET)
                && self.alike(other, row)
        };
        (!self.rows.iter().any(replaced)).then_some(Step::Remove(place))
    }

    /// Whether the device has just what the row at `place` sets, as far as is known.
    pub(crate) fn has_already(&self, place: usize) -> bool {
        let Some(row) = self.rows.at(place) else { return false };
        let mut same = false;
        for had in self.rows.iter() {
            if had.is(flag::APPLIED) && self.alike(had, row) {
                same = !had.is(flag::RESTORED) && self.change(had) == self.change(row);
            }
        }
        same
    }

    /// The device did a step.
    pub(crate) fn done(&mut self, step: Step) {
        let place = step.place();
        let Some(&like) = self.rows.at(place) else { return };
        self.changed = true;
        // Whatever it had for this before it has no more. Rows that are gone come last, so
        // that dropping them leaves the others where they are.
        for at in (0..self.rows.len()).rev() {
            let Some(&row) = self.rows.at(at) else { continue };
            if !self.alike(&row, &like) {
                continue;
            }
            if let Some(row) = self.rows.at_mut(at) {
                row.set(flag::RESTORED, false);
                row.set(flag::APPLIED, at == place && matches!(step, Step::Apply(_)));
                // One that is gone is not needed in the store either.
                row.set(flag::UNKEPT, row.phase == Phase::Gone || row.is(flag::UNKEPT));
            }
            self.release(row.key());
        }
    }

    /// The device did not do a step.
    pub(crate) fn failed(&mut self, step: Step) {
        if let Some(row) = self.rows.at_mut(step.place()) {
            row.set(flag::FAILED, true);
        }
    }

    /// What failed may be tried again. Whether anything had.
    pub(crate) fn forgive(&mut self) -> bool {
        let mut any = false;
        for row in self.rows.iter_mut() {
            any |= row.is(flag::FAILED);
            row.set(flag::FAILED, false);
        }
        any
    }

    /// The change at the device of the schedule before may go.
    pub(crate) fn abandon(&mut self) {
        for row in self.rows.iter_mut() {
            row.set(flag::ORPHAN, false);
        }
        self.unsettled = true;
    }

    /// An entry that is due and cannot be enacted, once each.
    pub(crate) fn next_untold(&mut self) -> Option<&str> {
        let place = self
            .rows
            .iter()
            .position(|row| row.is_due(self.now) && !row.any(flag::KEYED | flag::TOLD))?;
        self.rows.at_mut(place)?.set(flag::TOLD, true);
        self.rows.at(place).map(|row| self.id(row))
    }

    /// Goes on from the time that history is folded up to, after a restart.
    pub(crate) fn restart(&mut self) {
        self.now = Moment::EARLIEST;
        self.advance(self.floor, false);
        self.fold();
    }

    /// Whether an ID is the one of a request that waits.
    pub(crate) fn is_named(&self, row: &ScheduleRow, id: &str) -> bool {
        row.id_hash == hash(&[id.as_bytes()]) && self.id(row) == id
    }
}
