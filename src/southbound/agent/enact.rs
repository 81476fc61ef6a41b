//! Time, and what the device is to be told.

use super::pace::Attempts;
use super::{Agent, Change, ClockPolicy, Device, Event};
use crate::machine::count;
use crate::southbound::messages::CreateEntry;
use crate::southbound::schedule::{Moment, Step};
use crate::time::{Instant, Now};

/// What the device was told.
#[derive(Debug)]
pub(super) struct Enactment {
    /// What it did not do is tried again then.
    retry: Option<Attempts>,
}

impl Enactment {
    pub(super) const NEW: Self = Self { retry: None };
}

impl Agent<'_> {
    /// Plays the schedule up to now.
    pub(super) fn play(&mut self, now: Now, device: &mut dyn Device) {
        self.seen = now;
        if now.quality >= self.config.enact_from {
            self.advance(now, device);
        }
        self.enact(now, device);
        while let Some(id) = self.schedule.next_untold() {
            count(&mut self.stats.unsupported);
            device.event(now, Event::Unsupported { id });
        }
        self.schedule.fold();
    }

    /// What was to come by now is due.
    fn advance(&mut self, now: Now, device: &mut dyn Device) {
        let mut to = Moment::of(now.utc);
        let due = self.schedule.now;
        let back = if due == Moment::EARLIEST { core::time::Duration::ZERO } else { due.since(to) };
        let is_behind = back > self.config.max_backstep;
        if is_behind && !self.is_behind {
            count(&mut self.stats.clock_steps);
            device.event(now, Event::ClockStep(back));
            if self.config.on_backstep == ClockPolicy::Renew {
                self.renew();
            }
        }
        self.is_behind = is_behind;
        if !(is_behind && self.config.on_backstep == ClockPolicy::Replay) {
            to = to.max(due);
        }
        while self.schedule.advance(to, self.config.drive_intermediate) {
            self.enact(now, device);
        }
    }

    /// Tells the device what there is to tell.
    fn enact(&mut self, now: Now, device: &mut dyn Device) {
        let is_due = self.enactment.retry.is_some_and(|retry| retry.is_due(now.monotonic));
        if !self.schedule.unsettled && !is_due {
            return;
        }
        self.schedule.unsettled = false;
        self.schedule.forgive();
        let mut failed = false;
        while let Some(step) = self.schedule.next_step() {
            let schedule = &mut self.schedule;
            if let Step::Apply(place) = step
                && schedule.has_already(place)
            {
                schedule.done(step);
                continue;
            }
            let row = schedule.rows.at(step.place());
            let Some((row, key)) = row.and_then(|row| schedule.key(row).map(|key| (row, key)))
            else {
                break;
            };
            let outcome = match step {
                Step::Remove(_) => device.remove(now, &key),
                Step::Apply(_) => {
                    let Ok(request) = CreateEntry::parse(schedule.change(row)) else { break };
                    let (time, id) = (row.time, schedule.id(row));
                    device.apply(now, &Change { key, time, id, request })
                }
            };
            if outcome.is_ok() {
                count(&mut self.stats.enacted);
                schedule.done(step);
            } else {
                count(&mut self.stats.enact_failures);
                schedule.failed(step);
                failed = true;
            }
        }
        self.enactment.retry = match self.config.enact_retry.filter(|_| failed) {
            Some(pace) => {
                let mut retry = self.enactment.retry.unwrap_or(Attempts::NEW);
                retry.fail(now.monotonic, &pace, self.config.random);
                Some(retry)
            }
            None => None,
        };
    }

    /// When something becomes due, or is tried again.
    pub(super) fn play_due(&self) -> Instant {
        let due = self.enactment.retry.map_or(Instant::MAX, |retry| retry.due);
        match self.schedule.next_due() {
            Some(time) if self.seen.quality >= self.config.enact_from => {
                let micros = time.utc().unix_micros().saturating_sub(self.seen.utc.unix_micros());
                let wait = u64::try_from(micros).unwrap_or(0);
                let entry = self.seen.monotonic.as_micros().saturating_add(wait);
                due.min(Instant::from_micros(entry))
            }
            _ => due,
        }
    }
}
