//! What of an SSM survives: what it wrote before it said so.
//!
//! | record | one for each | written before |
//! |---|---|---|
//! | run | SSM | devices are told its number |
//! | device | device that was there once | its schedule has a version |
//! | Actor | Actor that has asked, or that something is set for | its requests, and settings of it, are answered |
//! | usage | what an Actor has had | with what changes it |
//! | report | report no Actor has acknowledged | the device's is acknowledged, or it is sent |
//! | request | request and its answer, or what it takes of the calendar | it is answered |
//!
//! Where the store fails, requests are answered busy, reports are not acknowledged,
//! and nothing is handed out: all is as if it had not come yet, and it is tried again.

use serde::{Deserialize, Serialize};

use super::bookings::{Booking, State};
use super::requests::{ActorRecord, KnownActor, changed, fnv1a};
use super::{Restored, Ssm};
use crate::scos::association::{DeviceRecord, RegisteredDevice, Registry};
use crate::scos::calendar::{self, Recipe, RefusalReason, Scheduler};
use crate::scos::coding::coded;
use crate::scos::messages::{Report, Usage};
use crate::scos::records::{Found, Keeper, RecordFault, kind, open};
use crate::scos::series::Mark;
use crate::scos::{ActorId, RequestId, ScanId};
use crate::storage::Row;
use crate::store::{RecordKey, Store, StoreError};
use crate::time::{Instant, Now, Week};

/// The record of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RunRecord {
    epoch: u32,
}

/// The record of a request: what became of it, and what it takes of the calendar.
/// One may outlast the other. The device goes by its ID: its number may be another
/// when the SSM starts again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct RequestRecord<'a> {
    device: &'a str,
    booking: Option<Booking>,
    recipe: Option<Recipe>,
}

const RUN: RecordKey = RecordKey::of(kind::SSM, 0, 0, 0);

/// By its ID, for the number of a device may be another when the SSM starts again.
fn device_key(device: &str) -> RecordKey {
    let [a, b, c, d, e, f, g, h] = fnv1a(device.as_bytes()).to_be_bytes();
    let halves = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
    RecordKey::of(kind::SSM_DEVICE, halves.0, halves.1, 0)
}

pub(super) const fn actor_key(actor: ActorId) -> RecordKey {
    RecordKey::of(kind::SSM_ACTOR, actor.0, 0, 0)
}

const fn usage_key(actor: ActorId) -> RecordKey {
    RecordKey::of(kind::SSM_USAGE, actor.0, 0, 0)
}

pub(super) const fn report_key(scan: ScanId) -> RecordKey {
    RecordKey::of(kind::SSM_REPORT, scan.actor.0, scan.request.0, scan.occurrence)
}

const fn request_key(actor: ActorId, request: RequestId) -> RecordKey {
    RecordKey::of(kind::SSM_REQUEST, actor.0, request.0, 0)
}

/// Whose sums are to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UsageOwed {
    None,
    Of(ActorId),
    All,
}

impl UsageOwed {
    pub(super) fn note(&mut self, actor: ActorId) {
        *self = match self {
            Self::None => Self::Of(actor),
            Self::Of(other) if *other == actor => Self::Of(actor),
            Self::Of(_) | Self::All => Self::All,
        };
    }

    fn is_of(self, actor: ActorId) -> bool {
        self == Self::All || self == Self::Of(actor)
    }
}

/// Devices and the run come first: what else there is refers to devices.
const PASSES: u8 = 2;

impl<'s> Ssm<'s> {
    /// Goes on where an SSM with this store ended, and keeps in it from now on what is
    /// to survive. To be called before anything else.
    ///
    /// Bookings, the answers to requests, reports on their way and the versions of
    /// schedules are as they were. Devices are asked to associate again and say again
    /// what they can do; until they have, no later than a TTL from the first call,
    /// requests for them are answered busy and nothing of theirs is overdue. The number of the run stays what it was,
    /// so that devices keep their schedules, unless something of the store is lost:
    /// then it is another, and devices drop what this SSM knows nothing of.
    ///
    /// What was found is [`Ssm::restored`].
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read at all.
    pub fn with_store(mut self, store: &'s mut (dyn Store + Send)) -> Result<Self, StoreError> {
        let mut epoch = None;
        let keeper = Keeper::load(store, PASSES, &mut |pass, key, octets| {
            let found = match (pass, key.kind()) {
                (0, kind::SSM) => open::<RunRecord>(key, octets).map(|run| {
                    epoch = Some(run.epoch);
                    true
                }),
                (0, kind::SSM_DEVICE) => open::<DeviceRecord<'_>>(key, octets)
                    .map(|record| self.registry.restore(&record)),
                (0, kind::SSM_ACTOR) => open::<ActorRecord<'_>>(key, octets)
                    .map(|record| self.actors.insert(KnownActor::restored(&record)).is_ok()),
                (0, kind::SSM_USAGE) => {
                    open::<Usage>(key, octets).map(|usage| self.usage.insert(usage).is_ok())
                }
                (0, kind::SSM_REQUEST | kind::SSM_REPORT) => return None,
                (1, kind::SSM_REQUEST) => open::<RequestRecord<'_>>(key, octets)
                    .and_then(|record| self.restore_request(key, &record)),
                (1, kind::SSM_REPORT) => {
                    open::<Report<'_>>(key, octets).map(|report| self.outbox.restore(&report))
                }
                (0, other) => Err(RecordFault::Kind(other)),
                _ => return None,
            };
            Some(found.map_or_else(Found::Faulty, Found::from))
        })?;
        self.keeper = keeper;
        self.awake = false;
        // A report may have been written and the progress of its request not.
        for scan in self.outbox.scans() {
            let Some(booking) = self.bookings.get_mut(scan.actor, scan.request) else { continue };
            let Some(booked) = booking.booked_mut() else { continue };
            if booked.progress.mark(scan.occurrence) == Mark::New {
                booked.progress.settle(scan.occurrence);
                booking.kept = false;
            }
        }
        for booked in self.bookings.iter().filter_map(Booking::booked) {
            if let Some(device) = self.registry.get_mut(booked.device) {
                device.version = device.version.max(booked.version);
            }
        }
        self.finish_replacing();
        // Those that gave way may not all be reported so.
        self.displacing = true;
        self.settings.epoch = match epoch {
            Some(epoch) if self.keeper.restored().is_whole() => epoch,
            Some(epoch) => epoch.saturating_add(1).max(self.settings.epoch),
            None => self.settings.epoch,
        };
        self.run_kept = epoch == Some(self.settings.epoch);
        self.keeper.changed();
        Ok(self)
    }

    /// What was found in the store.
    #[must_use]
    pub const fn restored(&self) -> &Restored {
        self.keeper.restored()
    }

    /// The number of this run, as devices are told it.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.settings.epoch
    }

    /// How often the store failed.
    #[must_use]
    pub const fn store_failures(&self) -> u64 {
        self.keeper.failures()
    }

    /// The first call: what was restored is dated from now.
    pub(super) fn wake(&mut self, now: Now) {
        if self.awake {
            return;
        }
        self.awake = true;
        self.registry.await_devices(now.monotonic.after(self.settings.max_ttl));
        self.outbox.date(now.monotonic);
        for booking in self.bookings.iter_mut() {
            booking.settled = now.monotonic;
        }
    }

    /// Makes durable all that has changed. Returns whether all is.
    pub(super) fn keep(&mut self, now: Instant) -> bool {
        if !self.keeper.is_owed() {
            return true;
        }
        let kept = self.put_all() && self.keeper.sync();
        if kept {
            self.run_kept = true;
            self.usage_owed = UsageOwed::None;
            self.registry.iter_mut().for_each(|device| device.kept = true);
            self.actors.iter_mut().for_each(|actor| actor.kept = true);
            self.outbox.all_kept();
            self.bookings.iter_mut().for_each(|booking| booking.kept = true);
        }
        self.keeper.attempted(now, kept, &self.settings.backoff);
        kept
    }

    /// The same, but for the time after a failure.
    pub(super) fn keep_if_due(&mut self, now: Instant) -> bool {
        !self.keeper.is_owed() || self.keeper.is_due(now) && self.keep(now)
    }

    /// Takes the recipes whose weeks were over before `week` out of the calendar.
    pub(super) fn forget_recipes_before(&mut self, week: Week) {
        let before = week.min(self.scheduler.week());
        let over = self.scheduler.recipes().filter(|recipe| recipe.grant.last_week() < before);
        for (actor, request) in over.map(Recipe::key) {
            if self.bookings.get(actor, request).is_none() {
                self.keeper.remove(request_key(actor, request));
            }
        }
        self.scheduler.forget_before(week);
    }

    /// Puts what the store does not have. What a report settles is written after it.
    fn put_all(&mut self) -> bool {
        let keeper = &mut self.keeper;
        let run = RunRecord { epoch: self.settings.epoch };
        if !self.run_kept && !keeper.put(RUN, &run) {
            return false;
        }
        for device in self.registry.iter().filter(|device| !device.kept) {
            let Some(record) = device.record() else { continue };
            if !keeper.put(device_key(device.device()), &record) {
                return false;
            }
        }
        for actor in self.actors.iter().filter(|actor| !actor.kept) {
            if !keeper.put(actor_key(actor.key()), &actor.record()) {
                return false;
            }
        }
        for usage in self.usage.iter().filter(|usage| self.usage_owed.is_of(usage.actor)) {
            if !keeper.put(usage_key(usage.actor), usage) {
                return false;
            }
        }
        if !self.outbox.keep(&mut |report| keeper.put(report_key(report.scan), report)) {
            return false;
        }
        // Slots are free before others take them. But what is replaced is dropped last: the
        // one that replaces it says so.
        for turn in [Turn::Displaced, Turn::Other, Turn::Cancelled] {
            let due = |booking: &&Booking| !booking.kept && Turn::of(booking) == turn;
            for booking in self.bookings.iter().filter(due) {
                let (actor, request) = booking.key();
                let recipe = self.scheduler.recipe(actor, request);
                let index = booking.device().or(recipe.map(|recipe| recipe.request.device));
                let device = index.and_then(|index| self.registry.get(index));
                let record = RequestRecord {
                    device: device.map_or("", RegisteredDevice::device),
                    booking: Some(*booking),
                    recipe: recipe.copied(),
                };
                if !keeper.put(request_key(actor, request), &record) {
                    return false;
                }
            }
        }
        true
    }

    /// Drops what was replaced, where the last writes were not durable.
    fn finish_replacing(&mut self) {
        let mut after = None;
        loop {
            let replacing = self.bookings.iter().filter(|booking| Some(booking.key()) > after);
            let next = replacing.filter_map(|booking| {
                let (old, keep) = booking.booked()?.replaced?;
                Some((booking.key(), old, keep))
            });
            let Some((key, old, keep)) = next.min() else { return };
            after = Some(key);
            let (actor, _) = key;
            let Some(booking) = self.bookings.get_mut(actor, old) else { continue };
            let Some(booked) = booking.booked_mut().filter(|booked| !booked.cancelled) else {
                continue;
            };
            // Its sums were durable before.
            (booked.keep, booked.cancelled) = (keep, true);
            booked.version = changed(&mut self.registry, booked.device);
            booking.kept = false;
            self.scheduler.cut((actor, old), keep);
            // Nobody was told of it yet: it comes after what was dropped for it.
            let (_, request) = key;
            if let Some(booking) = self.bookings.get_mut(actor, request)
                && let Some(booked) = booking.booked_mut()
            {
                booked.version = changed(&mut self.registry, booked.device);
                booking.kept = false;
            }
        }
    }

    fn restore_request(
        &mut self,
        key: &RecordKey,
        record: &RequestRecord<'_>,
    ) -> Result<bool, RecordFault> {
        let (actor, request) = request_of(key);
        let names_device = record.recipe.is_some()
            || record.booking.is_some_and(|booking| booking.booked().is_some());
        let device = if names_device { self.registry.index_of(record.device) } else { None };
        if names_device && device.is_none() {
            return Ok(false);
        }
        let mut fits = true;
        if let Some(mut booking) = record.booking {
            if booking.key() != (actor, request) {
                return Err(RecordFault::Malformed);
            }
            if let (Some(booked), Some(device)) = (booking.booked_mut(), device) {
                if !booked.series.is_sound() || booked.keep > booked.series.occurrences() {
                    return Err(RecordFault::Malformed);
                }
                booked.device = device;
            }
            if let State::Refused(turned) = &mut booking.state {
                // Its number may be another, and it may not be known any more.
                let offered = self.registry.by_id(record.device).map(RegisteredDevice::index);
                turned.alternative =
                    turned.alternative.and_then(|(_, start)| Some((offered?, start)));
            }
            booking.kept = true;
            fits = self.bookings.restore(booking);
        }
        if let (Some(recipe), Some(device)) = (record.recipe, device) {
            if recipe.key() != (actor, request) {
                return Err(RecordFault::Malformed);
            }
            let asked = calendar::ScanRequest { device, ..recipe.request };
            match self.scheduler.restore(&Recipe { request: asked, ..recipe }) {
                Ok(()) => {}
                Err(refusal) if refusal.reason == RefusalReason::CrossesWeek => {
                    return Err(RecordFault::Malformed);
                }
                Err(_) => fits = false,
            }
        }
        Ok(fits)
    }
}

/// What a request takes of the calendar stays kept when its answer is forgotten.
pub(super) fn forget(
    keeper: &mut Keeper<'_>,
    scheduler: &Scheduler<'_>,
    registry: &Registry<'_>,
    booking: &Booking,
) {
    let (actor, request) = booking.key();
    let key = request_key(actor, request);
    let recipe = scheduler.recipe(actor, request);
    let device = recipe.and_then(|recipe| registry.get(recipe.request.device));
    let (Some(recipe), Some(device)) = (recipe, device) else { return keeper.remove(key) };
    let record = RequestRecord { device: device.device(), booking: None, recipe: Some(*recipe) };
    // Where it fails the answer is known again when the SSM starts again.
    keeper.put(key, &record);
    keeper.changed();
}

/// A recipe whose answer is forgotten gives way, but for its first `keep` occurrences.
pub(super) fn displaced(keeper: &mut Keeper<'_>, registry: &Registry<'_>, was: &Recipe, keep: u16) {
    let (actor, request) = was.key();
    let key = request_key(actor, request);
    let device = registry.get(was.request.device);
    let (Some(grant), Some(device)) = (was.grant.split_at(keep).0, device) else {
        return keeper.remove(key);
    };
    let recipe = Some(Recipe { grant, ..*was });
    // Where it fails its slots are taken twice when the SSM starts again, and given no third
    // time.
    keeper.put(key, &RequestRecord { device: device.device(), booking: None, recipe });
    keeper.changed();
}

/// When a request is written among those that have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Displaced,
    Other,
    Cancelled,
}

impl Turn {
    fn of(booking: &Booking) -> Self {
        match booking.booked() {
            Some(booked) if booked.cancelled => Self::Cancelled,
            Some(booked) if booked.displaced < booked.keep => Self::Displaced,
            _ => Self::Other,
        }
    }
}

fn request_of(key: &RecordKey) -> (ActorId, RequestId) {
    let [_, a, b, c, d, e, f, g, h, ..] = *key.octets();
    (ActorId(u32::from_be_bytes([a, b, c, d])), RequestId(u32::from_be_bytes([e, f, g, h])))
}

coded! {
    struct RunRecord: epoch;
    struct RequestRecord<'a>: device, booking, recipe;
}
