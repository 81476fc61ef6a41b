//! What of an SSD survives: its schedule, what was begun, and reports.
//!
//! | record | one for each | written before |
//! |---|---|---|
//! | run | SSD: number of the run, how far the schedule is | it associates; a change is acknowledged |
//! | recipe | recipe, with its next occurrence | a change is acknowledged; an occurrence begins |
//! | running | SSD: the scan that runs | it begins |
//! | report | report that is not acknowledged | it is sent, unless the store fails |
//!
//! A scan that ran when power was lost is reported rejected, restart.

use serde::{Deserialize, Serialize};

use super::{Restored, Scan, Ssd, SsdRecipe};
use crate::scos::coding::coded;
use crate::scos::messages::{Outcome, Rejection, Report, ScheduleMark};
use crate::scos::records::{Found, Keeper, RecordFault, kind, open};
use crate::scos::{ActorId, RequestId, ScanId, ScanParameters};
use crate::storage::Row;
use crate::store::{RecordKey, Store, StoreError};
use crate::time::{Instant, Now, Utc};

/// The record of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RunRecord {
    boot: u32,
    mark: ScheduleMark,
}

/// The record of the scan that runs. Its slot is of whole minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RunningRecord {
    id: ScanId,
    start: i64,
    end: i64,
    parameters: ScanParameters,
}

impl RunningRecord {
    const fn of(scan: &Scan) -> Self {
        let (start, end) = (scan.start.unix_minute(), scan.end.unix_minute());
        Self { id: scan.id, start, end, parameters: scan.parameters }
    }

    const fn scan(&self) -> Scan {
        let (start, end) = (Utc::from_unix_minute(self.start), Utc::from_unix_minute(self.end));
        Scan { id: self.id, start, end, parameters: self.parameters }
    }
}

const RUN: RecordKey = RecordKey::of(kind::SSD, 0, 0, 0);
const RUNNING: RecordKey = RecordKey::of(kind::SSD_RUNNING, 0, 0, 0);

pub(super) const fn recipe_key(actor: ActorId, request: RequestId) -> RecordKey {
    RecordKey::of(kind::SSD_RECIPE, actor.0, request.0, 0)
}

pub(super) const fn report_key(scan: ScanId) -> RecordKey {
    RecordKey::of(kind::SSD_REPORT, scan.actor.0, scan.request.0, scan.occurrence)
}

impl<'s> Ssd<'s> {
    /// Goes on where an SSD with this store ended, and keeps in it from now on what is
    /// to survive. To be called before anything else.
    ///
    /// The schedule is as it was, and worked through with or without an SSM; reports
    /// that were not acknowledged are sent. The number of the run is above that of the
    /// run before, whatever the configuration says. Where something of the store is lost
    /// the SSM is asked for the whole schedule, and what is left of it is worked through
    /// until it comes.
    ///
    /// What was found is [`Ssd::restored`].
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read at all.
    pub fn with_store(mut self, store: &'s mut (dyn Store + Send)) -> Result<Self, StoreError> {
        let mut run = None;
        let keeper = Keeper::load(store, 1, &mut |_, key, octets| {
            let found = match key.kind() {
                kind::SSD => open::<RunRecord>(key, octets).map(|record| {
                    run = Some(record);
                    true
                }),
                kind::SSD_RECIPE => open::<SsdRecipe>(key, octets).and_then(|recipe| {
                    if !recipe.is_sound() {
                        return Err(RecordFault::Malformed);
                    }
                    Ok(self.schedule.restore(recipe))
                }),
                kind::SSD_RUNNING => open::<RunningRecord>(key, octets).map(|running| {
                    self.interrupted = Some(running.scan());
                    true
                }),
                kind::SSD_REPORT => {
                    open::<Report<'_>>(key, octets).map(|report| self.outbox.restore(&report))
                }
                other => Err(RecordFault::Kind(other)),
            };
            Some(found.map_or_else(Found::Faulty, Found::from))
        })?;
        self.keeper = keeper;
        self.awake = false;
        if let Some(RunRecord { boot, mark }) = run {
            self.association.set_boot(boot.saturating_add(1).max(self.association.boot()));
            if self.keeper.restored().is_whole() {
                self.schedule.set_mark(mark);
                self.kept_mark = mark;
            }
        }
        let interrupted = self.interrupted.map(|scan| scan.id);
        for scan in self.outbox.scans().chain(interrupted) {
            self.schedule.begun(scan);
        }
        (self.run_kept, self.running_kept) = (false, false);
        self.keeper.changed();
        Ok(self)
    }

    /// What was found in the store.
    #[must_use]
    pub const fn restored(&self) -> &Restored {
        self.keeper.restored()
    }

    /// The number of this run.
    #[must_use]
    pub const fn boot(&self) -> u32 {
        self.association.boot()
    }

    /// How often the store failed.
    #[must_use]
    pub const fn store_failures(&self) -> u64 {
        self.keeper.failures()
    }

    /// The first call: what was restored is dated from now, and the scan that ran is
    /// settled.
    pub(super) fn wake(&mut self, now: Now) {
        if self.awake {
            return;
        }
        self.awake = true;
        self.outbox.date(now.monotonic);
        if let Some(scan) = self.interrupted.take() {
            let outcome = Outcome::Rejected(Rejection::Restart);
            self.report(now, &scan, outcome, now.monotonic, &[]);
        }
    }

    /// Makes durable all that has changed. Returns whether all is.
    pub(super) fn keep(&mut self, now: Instant) -> bool {
        if !self.keeper.is_owed() {
            return true;
        }
        let kept = self.put_all() && self.keeper.sync();
        if kept {
            (self.run_kept, self.running_kept) = (true, true);
            self.kept_mark = self.schedule.mark();
            self.schedule.rows_mut().for_each(|recipe| recipe.kept = true);
            self.outbox.all_kept();
        }
        self.keeper.attempted(now, kept, &self.backoff);
        kept
    }

    /// The same, but for the time after a failure.
    pub(super) fn keep_if_due(&mut self, now: Instant) {
        if self.keeper.is_due(now) {
            self.keep(now);
        }
    }

    /// How far the schedule is, as others may know it: what is not kept may be lost.
    pub(super) const fn known_mark(&self) -> ScheduleMark {
        if self.keeper.exists() { self.kept_mark } else { self.schedule.mark() }
    }

    /// A recipe may have changed or gone, and with it how far the schedule is.
    pub(super) fn changed(&mut self, changed: bool, actor: ActorId, request: RequestId) -> bool {
        if changed {
            if !self.schedule.has(actor, request) {
                self.keeper.remove(recipe_key(actor, request));
            }
            self.run_kept &= self.kept_mark == self.schedule.mark();
            self.keeper.changed();
        }
        changed
    }

    /// Puts what the store does not have: what says that something was done before what
    /// says that nothing is left to do.
    fn put_all(&mut self) -> bool {
        let keeper = &mut self.keeper;
        if !self.outbox.keep(&mut |report| keeper.put(report_key(report.scan), report)) {
            return false;
        }
        match &self.running {
            _ if self.running_kept => {}
            Some(running) if !keeper.put(RUNNING, &RunningRecord::of(&running.scan)) => {
                return false;
            }
            Some(_) => {}
            None => keeper.remove(RUNNING),
        }
        for recipe in self.schedule.rows().filter(|recipe| !recipe.kept) {
            let (actor, request) = recipe.key();
            if !keeper.put(recipe_key(actor, request), recipe) {
                return false;
            }
        }
        let run = RunRecord { boot: self.association.boot(), mark: self.schedule.mark() };
        self.run_kept || keeper.put(RUN, &run)
    }
}

coded! {
    struct RunRecord: boot, mark;
    struct RunningRecord: id, start, end, parameters;
}
