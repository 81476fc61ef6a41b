//! What of an Actor survives: its numbers, and the requests that are not settled.
//!
//! | record | one for each | written before |
//! |---|---|---|
//! | run | Actor: the number of its next request | a request goes out |
//! | request | request that is not settled, with what was reported | it goes out; a report is acknowledged |
//!
//! What the user is told is told before it is kept: what was told in the moment before
//! power was lost may be told again, and nothing is left out.

use serde::{Deserialize, Serialize};

use super::{Actor, ActorRequest, Asked, Restored, Wanted};
use crate::scos::coding::coded;
use crate::scos::messages::Devices;
use crate::scos::records::{Found, Keeper, RecordFault, kind, open};
use crate::scos::retry::Retry;
use crate::scos::series::Progress;
use crate::scos::{ActorId, RequestId, ScanParameters, Series, When};
use crate::store::{RecordKey, Store, StoreError};
use crate::time::Instant;

/// The record of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RunRecord {
    actor: ActorId,
    next: Option<RequestId>,
}

/// The record of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RequestRecord<'a> {
    #[serde(borrow)]
    devices: Devices<'a>,
    series: Series,
    when: When,
    across_weeks: bool,
    replaces: Option<RequestId>,
    parameters: ScanParameters,
    question: Option<Asked>,
    owed: Option<u16>,
    progress: Progress,
}

impl<'a> RequestRecord<'a> {
    fn of(row: &'a ActorRequest) -> Self {
        Self {
            devices: row.devices.devices(),
            series: row.series,
            when: row.when,
            across_weeks: row.across_weeks,
            replaces: row.replaces,
            parameters: row.parameters,
            question: row.question,
            owed: row.owed,
            progress: row.progress,
        }
    }

    fn row(&self, request: RequestId) -> Option<ActorRequest> {
        Some(ActorRequest {
            request,
            devices: Wanted::new(&self.devices)?,
            series: self.series,
            when: self.when,
            across_weeks: self.across_weeks,
            replaces: self.replaces,
            parameters: self.parameters,
            question: self.question,
            retry: Retry::NOW,
            owed: self.owed,
            progress: self.progress,
            kept: true,
        })
    }
}

const RUN: RecordKey = RecordKey::of(kind::ACTOR, 0, 0, 0);

pub(super) const fn request_key(request: RequestId) -> RecordKey {
    RecordKey::of(kind::ACTOR_REQUEST, request.0, 0, 0)
}

impl<'s> Actor<'s> {
    /// Goes on where an Actor with this store ended, and keeps in it from now on what is
    /// to survive. To be called before anything else.
    ///
    /// Requests that are not settled are asked again or go on to be reported, and the
    /// next has a number that was not used. What was found is [`Actor::restored`].
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read at all, and
    /// [`StoreError::Foreign`] when it is of an Actor with another number.
    pub fn with_store(mut self, store: &'s mut (dyn Store + Send)) -> Result<Self, StoreError> {
        let mut run = None;
        let keeper = Keeper::load(store, 1, &mut |_, key, octets| {
            let found = match key.kind() {
                kind::ACTOR => open::<RunRecord>(key, octets).map(|record| {
                    run = Some(record);
                    true
                }),
                kind::ACTOR_REQUEST => open::<RequestRecord<'_>>(key, octets).and_then(|record| {
                    let row = record.row(request_of(key)).ok_or(RecordFault::Malformed)?;
                    Ok(self.requests.insert(row).is_ok())
                }),
                other => Err(RecordFault::Kind(other)),
            };
            Some(found.map_or_else(Found::Faulty, Found::from))
        })?;
        if run.is_some_and(|run| run.actor != self.config.actor) {
            return Err(StoreError::Foreign);
        }
        self.keeper = keeper;
        let after_last = self.requests.iter().last().map(|row| row.request.0.checked_add(1));
        for next in run.map(|run| run.next).into_iter().chain(after_last.map(|n| n.map(RequestId)))
        {
            // No number left is the last of all.
            self.next_request = match (self.next_request, next) {
                (Some(a), Some(b)) => Some(a.max(b)),
                _ => None,
            };
        }
        self.run_kept = false;
        self.keeper.changed();
        Ok(self)
    }

    /// What was found in the store.
    #[must_use]
    pub const fn restored(&self) -> &Restored {
        self.keeper.restored()
    }

    /// How often the store failed.
    #[must_use]
    pub const fn store_failures(&self) -> u64 {
        self.keeper.failures()
    }

    /// Makes durable all that has changed. Returns whether all is.
    pub(super) fn keep(&mut self, now: Instant) -> bool {
        if !self.keeper.is_owed() {
            return true;
        }
        let kept = self.put_all() && self.keeper.sync();
        if kept {
            self.run_kept = true;
            self.requests.iter_mut().for_each(|row| row.kept = true);
        }
        self.keeper.attempted(now, kept, &self.config.backoff);
        kept
    }

    /// The same, but for the time after a failure.
    pub(super) fn keep_if_due(&mut self, now: Instant) -> bool {
        !self.keeper.is_owed() || self.keeper.is_due(now) && self.keep(now)
    }

    /// A request has changed or gone.
    pub(super) fn changed(&mut self, request: RequestId) {
        match self.requests.get_mut(request) {
            Some(row) => row.kept = false,
            None => self.keeper.remove(request_key(request)),
        }
        self.keeper.changed();
    }

    fn put_all(&mut self) -> bool {
        let keeper = &mut self.keeper;
        let run = RunRecord { actor: self.config.actor, next: self.next_request };
        if !self.run_kept && !keeper.put(RUN, &run) {
            return false;
        }
        // What is only tried is not kept. What is replaced comes before what replaces it.
        let tried = |row: &ActorRequest| row.question == Some(Asked::DryRun);
        let mut unkept = self.requests.iter().filter(|row| !row.kept && !tried(row));
        unkept.all(|row| keeper.put(request_key(row.request), &RequestRecord::of(row)))
    }
}

fn request_of(key: &RecordKey) -> RequestId {
    let [_, a, b, c, d, ..] = *key.octets();
    RequestId(u32::from_be_bytes([a, b, c, d]))
}

coded! {
    struct RunRecord: actor, next;
    struct RequestRecord<'a>: devices, series, when, across_weeks, replaces, parameters, question,
        owed, progress;
}
