//! Scan requests and cancellations.

use serde::{Deserialize, Serialize};

use super::bookings::{Answer, Booked, Booking, State, Turned};
use super::journal::{self, actor_key};
use super::metadata::add_usage;
use super::reports::overdue_at;
use super::{Ssm, SsmUser};
use crate::machine::count;
use crate::scos::association::{AddressRecord, Registry};
use crate::scos::calendar::{Placement, Recipe, RefusalReason};
use crate::scos::coding::coded;
use crate::scos::messages::{
    Cancel, Cancelled, Granted, MESSAGE_MAX, Outcome, Refusal, Refused, Rejection, Report,
    ScanRequest, encode_part,
};
use crate::scos::retry::Retry;
use crate::scos::series::{Mark, Progress};
use crate::scos::{ActorId, ActorPolicy, DeviceIndex, RequestId, ScanId, Series};
use crate::storage::Row;
use crate::time::{ClockQuality, Instant, Now};
use crate::transport::{Address, Transport};

/// Room for an Actor that has asked for something, or that something is set for.
#[derive(Clone, Copy, Debug)]
pub struct KnownActor {
    pub(super) actor: ActorId,
    /// Where it was when it asked last; its reports go there.
    pub(super) address: Option<Address>,
    /// It waits for no answer to requests below; the highest it has said.
    pub(super) floor: RequestId,
    /// What is set for it, and the version of the policy manager's last setting; 0 without.
    pub(super) policy: ActorPolicy,
    pub(super) version: u32,
    /// Whether the store has it as it is.
    pub(super) kept: bool,
}

/// What is kept of an Actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ActorRecord<'a> {
    actor: ActorId,
    #[serde(borrow)]
    address: Option<AddressRecord<'a>>,
    floor: RequestId,
    policy: ActorPolicy,
    version: u32,
}

impl KnownActor {
    pub(super) fn record(&self) -> ActorRecord<'_> {
        let Self { actor, ref address, floor, policy, version, .. } = *self;
        let address = address.as_ref().map(AddressRecord::of);
        ActorRecord { actor, address, floor, policy, version }
    }

    pub(super) fn restored(record: &ActorRecord<'_>) -> Self {
        let ActorRecord { actor, ref address, floor, policy, version } = *record;
        let address = address.as_ref().map(AddressRecord::address);
        Self { actor, address, floor, policy, version, kept: true }
    }
}

impl Row for KnownActor {
    type Key = ActorId;

    fn key(&self) -> ActorId {
        self.actor
    }
}

/// Why a request gets no booking: for good, or for now.
pub(super) enum Unbooked {
    Refused(Turned),
    Busy,
}

impl From<Refusal> for Unbooked {
    fn from(reason: Refusal) -> Self {
        Self::Refused(reason.into())
    }
}

impl Ssm<'_> {
    /// An Actor asks for a scan.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn requested(
        &mut self,
        now: Now,
        from: &Address,
        request: &ScanRequest<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn SsmUser,
    ) {
        let (actor, number) = (request.actor, request.request);
        if request.dry_run {
            return self.tried(now, from, request, transport);
        }
        let reason = match self.decide(now, from, request, user) {
            Ok(()) if self.keep_answer(now) => return self.answer(from, actor, number, transport),
            Ok(()) => Refusal::Busy,
            Err(reason) => reason,
        };
        self.refuse(from, actor, number, reason, transport);
    }

    /// An Actor drops a scan.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn cancel(
        &mut self,
        now: Now,
        from: &Address,
        cancel: &Cancel,
        transport: &mut dyn Transport,
        user: &mut dyn SsmUser,
    ) {
        let (actor, request) = (cancel.actor, cancel.request);
        match self.drop_scan(now, from, cancel, user) {
            Ok(()) if self.keep_answer(now) => self.answer(from, actor, request, transport),
            Ok(()) => self.refuse(from, actor, request, Refusal::Busy, transport),
            Err(reason) => self.refuse(from, actor, request, reason, transport),
        }
    }

    /// Answers what a request would be answered, and keeps nothing of it.
    fn tried(
        &mut self,
        now: Now,
        from: &Address,
        request: &ScanRequest<'_>,
        transport: &mut dyn Transport,
    ) {
        count(&mut self.stats.dry_runs);
        let (actor, number) = (request.actor, request.request);
        let found = if self.bookings.get(actor, number).is_some() {
            Err(Refusal::NumberReused.into())
        } else {
            self.place(now, request)
        };
        let turned = match found {
            Ok(place) if self.scheduler.has_room_for(&place) => {
                let device = self.registry.get(place.device());
                let granted = Granted {
                    actor,
                    request: number,
                    dry_run: true,
                    replaced: request.replaces.and_then(|old| self.kept(now, actor, old)),
                    device: device.map_or("", |device| device.device()),
                    series: series(request, &place),
                    parameters: request.parameters,
                };
                // Not taken: the Actor asks again.
                self.stats.link.say(from, &granted, transport);
                return;
            }
            Err(Unbooked::Refused(turned)) => turned,
            Ok(_) | Err(Unbooked::Busy) => Refusal::Busy.into(),
        };
        let refused = turned.message(actor, number, &self.registry);
        self.stats.link.say(from, &refused, transport);
    }

    /// Makes an answer durable before it is given. Returns whether it is.
    pub(super) fn keep_answer(&mut self, now: Now) -> bool {
        let kept = self.keep(now.monotonic);
        if !kept {
            count(&mut self.stats.busy);
        }
        kept
    }

    /// Sees to it that there is an answer to a scan request.
    ///
    /// # Errors
    /// The reason for refusing it without remembering that.
    fn decide(
        &mut self,
        now: Now,
        from: &Address,
        request: &ScanRequest<'_>,
        user: &mut dyn SsmUser,
    ) -> Result<(), Refusal> {
        let fingerprint = fingerprint(request);
        self.know(from, request.actor, request.floor)?;
        if let Some(booking) = self.bookings.get(request.actor, request.request) {
            if booking.fingerprint.is_some_and(|known| known != fingerprint) {
                count(&mut self.stats.numbers_reused);
                return Err(Refusal::NumberReused);
            }
            count(&mut self.stats.repeated);
            return Ok(());
        }
        self.admit(now, request.actor, request.request)?;
        let placed = self.place(now, request);
        let (actor, number) = (request.actor, request.request);
        let state = match placed.and_then(|place| self.book(now, request, &place, user)) {
            Ok(booked) => State::Booked(booked),
            Err(Unbooked::Refused(turned)) => State::Refused(turned),
            Err(Unbooked::Busy) => {
                count(&mut self.stats.busy);
                return Err(Refusal::Busy);
            }
        };
        let fingerprint = Some(fingerprint);
        let settled = now.monotonic;
        if let State::Booked(booked) = &state
            && let Some(due) =
                overdue_at(booked, self.registry.get(booked.device), now, self.settings.grace)
        {
            self.overdue.note(due);
        }
        let booking = Booking { actor, request: number, fingerprint, state, settled, kept: false };
        match booking.answer(&self.registry) {
            Answer::Granted(granted) => {
                count(&mut self.stats.granted);
                let series = granted.series;
                self.usage_owed.note(actor);
                add_usage(&mut self.usage, &mut self.stats.usage_full, actor, |usage| {
                    usage.grant(series.occurrences(), series.minutes);
                });
                user.granted(now, request, &granted);
            }
            Answer::Refused(refused) => {
                count(&mut self.stats.refused);
                user.refused(now, request, &refused);
            }
            Answer::Cancelled(_) => {}
        }
        self.bookings.insert(booking);
        self.keeper.changed();
        // Those that had to give way learn it at once.
        self.settle_displaced(now, user);
        Ok(())
    }

    /// Books a scan where there is a place for it.
    fn book(
        &mut self,
        now: Now,
        request: &ScanRequest<'_>,
        place: &Placement,
        user: &mut dyn SsmUser,
    ) -> Result<Booked, Unbooked> {
        let Self { scheduler, bookings, registry, stats, displacing, keeper, .. } = self;
        let mut displaced = |was: &Recipe, keep: u16| {
            let (actor, number) = was.key();
            let Some(booking) = bookings.get_mut(actor, number) else {
                return journal::displaced(keeper, registry, was, keep);
            };
            booking.settled = now.monotonic;
            booking.kept = false;
            keeper.changed();
            let Some(booked) = booking.booked_mut() else { return };
            booked.displaced = keep;
            booked.version = changed(registry, booked.device);
            *displacing = true;
            count(&mut stats.displaced);
            user.displaced(now, &Cancelled { actor, request: number, keep });
        };
        match scheduler.book(place, &mut displaced) {
            Ok(()) => {}
            Err(refusal) if refusal.reason == RefusalReason::TableFull => {
                return Err(Unbooked::Busy);
            }
            Err(refusal) => return Err(Refusal::Calendar(refusal.reason).into()),
        }
        let replaced = request.replaces.and_then(|old| {
            count(&mut self.stats.replaced);
            Some((old, self.shorten(now, request.actor, old, user)?))
        });
        let series = series(request, place);
        Ok(Booked {
            device: place.device(),
            series,
            parameters: request.parameters,
            keep: series.occurrences(),
            cancelled: false,
            displaced: u16::MAX,
            replaced,
            progress: Progress::default(),
            resume: 0,
            version: changed(&mut self.registry, place.device()),
        })
    }

    /// Sees to it that there is an answer to a cancellation.
    ///
    /// # Errors
    /// The reason for refusing it without remembering that.
    fn drop_scan(
        &mut self,
        now: Now,
        from: &Address,
        cancel: &Cancel,
        user: &mut dyn SsmUser,
    ) -> Result<(), Refusal> {
        let (actor, request) = (cancel.actor, cancel.request);
        self.know(from, actor, cancel.floor)?;
        let Some(booking) = self.bookings.get(actor, request) else {
            self.admit(now, actor, request)?;
            self.bookings.insert(Booking {
                actor,
                request,
                fingerprint: None,
                state: State::Withdrawn,
                settled: now.monotonic,
                kept: false,
            });
            self.keeper.changed();
            count(&mut self.stats.withdrawn);
            user.cancelled(now, &Cancelled { actor, request, keep: 0 });
            return Ok(());
        };
        if booking.booked().is_none_or(|booked| booked.cancelled) {
            count(&mut self.stats.repeated);
            return Ok(());
        }
        if now.quality == ClockQuality::Unset {
            count(&mut self.stats.busy);
            return Err(Refusal::Busy);
        }
        // When all has begun, or the week is over, there is nothing to free.
        let _ = self.scheduler.cancel(self.guarded(now), actor, request);
        self.shorten(now, actor, request, user);
        Ok(())
    }

    /// Drops what has not begun of a booking whose slots are free again. Returns how many
    /// occurrences stay.
    fn shorten(
        &mut self,
        now: Now,
        actor: ActorId,
        request: RequestId,
        user: &mut dyn SsmUser,
    ) -> Option<u16> {
        let keep = self.kept(now, actor, request)?;
        let booking = self.bookings.get_mut(actor, request)?;
        booking.settled = now.monotonic;
        booking.kept = false;
        self.keeper.changed();
        let booked = booking.booked_mut()?;
        let (dropped, minutes) = (booked.keep.saturating_sub(keep), booked.series.minutes);
        booked.keep = keep;
        booked.cancelled = true;
        booked.version = changed(&mut self.registry, booked.device);
        self.count_usage(actor, |usage| usage.cancel(dropped, minutes));
        count(&mut self.stats.cancelled);
        user.cancelled(now, &Cancelled { actor, request, keep });
        Some(keep)
    }

    /// How many occurrences of a booking would stay if the rest were dropped now.
    fn kept(&self, now: Now, actor: ActorId, request: RequestId) -> Option<u16> {
        let booked = self.bookings.get(actor, request)?.booked()?;
        Some(booked.kept(self.guarded(now)))
    }

    /// Reports the occurrences that had to give way to others, as far as there is room for
    /// reports.
    pub(super) fn settle_displaced(&mut self, now: Now, user: &mut dyn SsmUser) {
        if !core::mem::take(&mut self.displacing) {
            return;
        }
        for booking in self.bookings.iter_mut() {
            let (actor, request) = (booking.actor, booking.request);
            let Some(booked) = booking.booked_mut() else { continue };
            let mut settled = false;
            for index in booked.displaced.max(booked.progress.next())..booked.keep {
                match booked.progress.mark(index) {
                    Mark::Settled => continue,
                    Mark::New if self.outbox.has_room() => {}
                    Mark::New | Mark::Beyond => {
                        self.displacing = true;
                        break;
                    }
                }
                let report = Report {
                    scan: ScanId { actor, request, occurrence: index },
                    start: booked.series.start_of(index).unix_minute(),
                    outcome: Outcome::Rejected(Rejection::Displaced),
                    time_to_complete_ms: 0,
                    parameters: booked.parameters,
                    metadata: 0,
                    spectrum: &[],
                };
                if self.outbox.insert(now.monotonic, &report).is_err() {
                    self.displacing = true;
                    break;
                }
                booked.progress.settle(index);
                settled = true;
                self.keeper.changed();
                self.usage_owed.note(actor);
                count(&mut self.stats.reports_issued);
                let (minutes, full) = (booked.series.minutes, &mut self.stats.usage_full);
                add_usage(&mut self.usage, full, actor, |usage| usage.report(&report, minutes));
                user.report(now, &report);
            }
            if settled {
                booking.settled = now.monotonic;
                booking.kept = false;
            }
        }
    }

    /// Takes down where an Actor is and what it waits for.
    fn know(&mut self, from: &Address, actor: ActorId, floor: RequestId) -> Result<(), Refusal> {
        let row = self.known(actor).ok_or(Refusal::Busy);
        if row.is_err() {
            count(&mut self.stats.busy);
        }
        let known = self.actors.get_mut(row?).ok_or(Refusal::Busy)?;
        if known.address != Some(*from) || floor > known.floor {
            known.kept = false;
            self.keeper.changed();
        }
        known.address = Some(*from);
        known.floor = known.floor.max(floor);
        Ok(())
    }

    /// Sees to it that an Actor has a row, if there is room for one.
    pub(super) fn known(&mut self, actor: ActorId) -> Option<ActorId> {
        if self.actors.contains(actor) {
            return Some(actor);
        }
        if self.actors.len() >= self.actors.capacity() {
            let (bookings, outbox, keeper) = (&self.bookings, &self.outbox, &mut self.keeper);
            self.actors.retain(|known| {
                let set = known.version > 0 || known.policy != ActorPolicy::default();
                let needed =
                    set || bookings.has_actor(known.actor) || outbox.has_actor(known.actor);
                if !needed {
                    keeper.remove(actor_key(known.actor));
                }
                needed
            });
        }
        let row = KnownActor {
            actor,
            address: None,
            floor: RequestId(0),
            policy: ActorPolicy::default(),
            version: 0,
            kept: false,
        };
        let row = self.actors.insert(row).ok()?.actor;
        self.keeper.changed();
        Some(row)
    }

    /// Makes room for a request that is not known.
    fn admit(&mut self, now: Now, actor: ActorId, request: RequestId) -> Result<(), Refusal> {
        if self.actors.get(actor).is_some_and(|known| request < known.floor) {
            count(&mut self.stats.forgotten);
            return Err(Refusal::Forgotten);
        }
        if self.bookings.is_full() && !self.keep(now.monotonic) {
            // What the floors let be forgotten is remembered until they are kept.
            count(&mut self.stats.busy);
            return Err(Refusal::Busy);
        }
        let actors = &self.actors;
        let floor = |actor: ActorId| actors.get(actor).map_or(RequestId(0), |known| known.floor);
        let memory = Instant::ZERO.after(self.settings.memory);
        let old = Instant::ZERO.after(now.monotonic.since(memory));
        let (registry, outbox, scheduler) = (&self.registry, &self.outbox, &self.scheduler);
        let keeper = &mut self.keeper;
        let mut gone = |booking: &Booking| journal::forget(keeper, scheduler, registry, booking);
        // Nothing is owed for it, and its device does not believe otherwise.
        let over = |booking: &Booking| {
            booking.open() == 0
                && outbox.of_request(booking.actor, booking.request).next().is_none()
                && booking.booked().is_none_or(|booked| {
                    let device = registry.get(booked.device);
                    let known = device.map_or(0, |device| device.acknowledged);
                    let end = booked.series.end_of(booked.series.repeats);
                    booking.change(known).is_none() || end <= now.utc
                })
        };
        if self.bookings.make_room(&over, &floor, old, &mut gone) {
            return Ok(());
        }
        count(&mut self.stats.busy);
        Err(Refusal::Busy)
    }

    /// Sends the answer to a request that has one. Not taken, the Actor asks again.
    fn answer(
        &mut self,
        to: &Address,
        actor: ActorId,
        request: RequestId,
        transport: &mut dyn Transport,
    ) {
        let Some(booking) = self.bookings.get(actor, request) else { return };
        let answer = booking.answer(&self.registry);
        self.stats.link.say(to, answer.part(), transport);
    }

    fn refuse(
        &mut self,
        to: &Address,
        actor: ActorId,
        request: RequestId,
        reason: Refusal,
        transport: &mut dyn Transport,
    ) {
        let refused = Refused { actor, request, reason, first_conflict: None, alternative: None };
        self.stats.link.say(to, &refused, transport);
    }
}

/// A new version of a device's schedule, due to be sent.
pub(super) fn changed(registry: &mut Registry<'_>, index: DeviceIndex) -> u32 {
    let Some(device) = registry.get_mut(index) else { return 0 };
    device.version = device.version.saturating_add(1);
    device.push = Retry::NOW;
    device.kept = false;
    device.version
}

/// The slots of a request at its place.
fn series(request: &ScanRequest<'_>, place: &Placement) -> Series {
    Series { start: place.grant().series.start, ..request.series }
}

/// A number of the content of a request: FNV-1a over its octets without the floor,
/// which may differ from one repetition to the next.
#[cfg_attr(not(feature = "std"), inline(never))]
fn fingerprint(request: &ScanRequest<'_>) -> u64 {
    let content = ScanRequest { floor: RequestId(0), ..*request };
    let mut scratch = [0; MESSAGE_MAX];
    fnv1a(encode_part(&content, &mut scratch).unwrap_or_default())
}

/// FNV-1a.
pub(super) fn fnv1a(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

coded! {
    struct ActorRecord<'a>: actor, address, floor, policy, version;
}
