//! Scan requests and cancellations.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::bookings::{Booked, Booking, State};
use super::journal::{self, actor_key};
use super::{Ssm, SsmUser, slots};
use crate::scos::association::{AddressRecord, RegisteredDevice};
use crate::scos::link::count;
use crate::scos::messages::{
    Cancel, Cancelled, Granted, MESSAGE_MAX, Message, Refusal, Refused, ScanRequest,
};
use crate::scos::retry::Retry;
use crate::scos::series::Progress;
use crate::scos::{ActorId, DeviceIndex, RequestId, Series};
use crate::storage::Row;
use crate::time::{ClockQuality, Instant, Now};
use crate::transport::{Address, Transport};

/// Room for an Actor that has asked for something.
#[derive(Clone, Copy, Debug)]
pub struct KnownActor {
    actor: ActorId,
    /// Where it was when it asked last; its reports go there.
    pub(super) address: Address,
    /// It waits for no answer to requests below; the highest it has said.
    floor: RequestId,
    /// Whether the store has it as it is.
    pub(super) kept: bool,
}

/// What is kept of an Actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ActorRecord<'a> {
    actor: ActorId,
    #[serde(borrow)]
    address: AddressRecord<'a>,
    floor: RequestId,
}

impl KnownActor {
    pub(super) fn record(&self) -> ActorRecord<'_> {
        let address = AddressRecord::of(&self.address);
        ActorRecord { actor: self.actor, address, floor: self.floor }
    }

    pub(super) fn restored(record: &ActorRecord<'_>) -> Self {
        let (actor, address) = (record.actor, record.address.address());
        Self { actor, address, floor: record.floor, kept: true }
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
    Refused(Refusal, Option<i64>),
    Busy,
}

impl From<Refusal> for Unbooked {
    fn from(reason: Refusal) -> Self {
        Self::Refused(reason, None)
    }
}

impl Ssm<'_> {
    /// An Actor asks for a scan.
    pub(super) fn requested(
        &mut self,
        now: Now,
        from: &Address,
        request: &ScanRequest<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn SsmUser,
    ) {
        let reason = match self.decide(now, from, request, user) {
            Ok(()) if self.keep_answer(now) => {
                self.answer(from, request.actor, request.request, request.device, transport);
                return;
            }
            Ok(()) => Refusal::Busy,
            Err(reason) => reason,
        };
        self.refuse(from, request.actor, request.request, reason, transport);
    }

    /// An Actor drops a scan.
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
            Ok(()) if self.keep_answer(now) => self.answer(from, actor, request, "", transport),
            Ok(()) => self.refuse(from, actor, request, Refusal::Busy, transport),
            Err(reason) => self.refuse(from, actor, request, reason, transport),
        }
    }

    /// Makes an answer durable before it is given. Returns whether it is.
    fn keep_answer(&mut self, now: Now) -> bool {
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
        let (actor, request_id) = (request.actor, request.request);
        let state = match self.book(now, request) {
            Ok(booked) => {
                count(&mut self.stats.granted);
                let (series, parameters) = (booked.series, booked.parameters);
                self.count_usage(actor, |usage| {
                    usage.grant(series.occurrences(), series.minutes);
                });
                let device = request.device;
                user.granted(
                    now,
                    request,
                    &Granted { actor, request: request_id, device, series, parameters },
                );
                State::Booked(booked)
            }
            Err(Unbooked::Refused(reason, first_conflict)) => {
                count(&mut self.stats.refused);
                user.refused(
                    now,
                    request,
                    &Refused { actor, request: request_id, reason, first_conflict },
                );
                State::Refused { reason, first_conflict }
            }
            Err(Unbooked::Busy) => {
                count(&mut self.stats.busy);
                return Err(Refusal::Busy);
            }
        };
        self.bookings.insert(Booking {
            actor,
            request: request_id,
            fingerprint: Some(fingerprint),
            state,
            settled: now.monotonic,
            kept: false,
        });
        self.keeper.changed();
        Ok(())
    }

    /// Books a scan, if it can be.
    fn book(&mut self, now: Now, request: &ScanRequest<'_>) -> Result<Booked, Unbooked> {
        if now.quality == ClockQuality::Unset {
            return Err(Refusal::Clock.into());
        }
        let device = self.registry.by_id(request.device).ok_or(Refusal::UnknownDevice)?;
        if device.hail.is_some() {
            return Err(Unbooked::Busy);
        }
        self.check(device, request)?;
        let index = device.index();
        let start = slots::book(&mut self.scheduler, now.utc, index, request)?;
        let series = Series { start, ..request.series };
        Ok(Booked {
            device: index,
            series,
            parameters: request.parameters,
            keep: series.occurrences(),
            cancelled: false,
            progress: Progress::default(),
            resume: 0,
            version: self.changed(index),
        })
    }

    /// Whether a device is there, can do the scan and holds another recipe.
    fn check(&self, device: &RegisteredDevice, request: &ScanRequest<'_>) -> Result<(), Refusal> {
        let metadata = self.metadata_of(device.index());
        let sensor = metadata.sensor().filter(|_| device.is_there()).ok_or(Refusal::Offline)?;
        let (parameters, minutes) = (&request.parameters, request.series.minutes);
        metadata.check(parameters, minutes).map_err(Refusal::OutOfCapability)?;
        let held = self.bookings.held_by(device.index(), device.acknowledged);
        if held >= usize::from(sensor.recipes) {
            return Err(Refusal::ScheduleFull);
        }
        Ok(())
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
        let Some(booked) = booking.booked().filter(|booked| !booked.cancelled) else {
            count(&mut self.stats.repeated);
            return Ok(());
        };
        if now.quality == ClockQuality::Unset {
            count(&mut self.stats.busy);
            return Err(Refusal::Busy);
        }
        let device = booked.device;
        // What begins at the end of the guard time exactly is kept too.
        let guarded = now.utc.after(self.settings.guard.saturating_add(Duration::from_micros(1)));
        // When all has begun, or the week is over, there is nothing to free.
        let _ = self.scheduler.cancel(guarded, actor, request);
        let version = self.changed(device);
        let booking = self.bookings.get_mut(actor, request);
        if let Some(booking) = booking
            && let Some(booked) = booking.booked_mut()
        {
            let started = booked.series.started_before(guarded);
            booked.keep = started.max(booked.progress.end());
            booked.cancelled = true;
            booked.version = version;
            let (keep, minutes) = (booked.keep, booked.series.minutes);
            let dropped = booked.series.occurrences().saturating_sub(keep);
            booking.settled = now.monotonic;
            booking.kept = false;
            self.keeper.changed();
            self.count_usage(actor, |usage| usage.cancel(dropped, minutes));
            count(&mut self.stats.cancelled);
            user.cancelled(now, &Cancelled { actor, request, keep });
        }
        Ok(())
    }

    /// Takes down where an Actor is and what it waits for.
    fn know(&mut self, from: &Address, actor: ActorId, floor: RequestId) -> Result<(), Refusal> {
        if let Some(known) = self.actors.get_mut(actor) {
            if known.address != *from || floor > known.floor {
                known.kept = false;
                self.keeper.changed();
            }
            known.address = *from;
            known.floor = known.floor.max(floor);
            return Ok(());
        }
        if self.actors.len() >= self.actors.capacity() {
            let (bookings, outbox, keeper) = (&self.bookings, &self.outbox, &mut self.keeper);
            self.actors.retain(|known| {
                let needed = bookings.has_actor(known.actor) || outbox.has_actor(known.actor);
                if !needed {
                    keeper.remove(actor_key(known.actor));
                }
                needed
            });
        }
        let added = self.actors.insert(KnownActor { actor, address: *from, floor, kept: false });
        self.keeper.changed();
        added.map(|_| ()).map_err(|_| {
            count(&mut self.stats.busy);
            Refusal::Busy
        })
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

    /// A new version of a device's schedule, due to be sent.
    fn changed(&mut self, index: DeviceIndex) -> u32 {
        let Some(device) = self.registry.get_mut(index) else { return 0 };
        device.version = device.version.saturating_add(1);
        device.push = Retry::NOW;
        device.kept = false;
        device.version
    }

    /// Sends the answer to a request that has one. Not taken, the Actor asks again.
    fn answer(
        &mut self,
        to: &Address,
        actor: ActorId,
        request: RequestId,
        device: &str,
        transport: &mut dyn Transport,
    ) {
        let Some(booking) = self.bookings.get(actor, request) else { return };
        let registered = booking.booked().and_then(|booked| self.registry.get(booked.device));
        let answer = booking.answer(registered.map_or(device, RegisteredDevice::device));
        self.stats.link.send(to, &answer, transport);
    }

    fn refuse(
        &mut self,
        to: &Address,
        actor: ActorId,
        request: RequestId,
        reason: Refusal,
        transport: &mut dyn Transport,
    ) {
        let refused = Refused { actor, request, reason, first_conflict: None };
        self.stats.link.send(to, &Message::Refused(refused), transport);
    }
}

/// A number of the content of a request: FNV-1a over its octets without the floor,
/// which may differ from one repetition to the next.
fn fingerprint(request: &ScanRequest<'_>) -> u64 {
    let content = Message::ScanRequest(ScanRequest { floor: RequestId(0), ..*request });
    let mut scratch = [0; MESSAGE_MAX];
    fnv1a(content.encode(&mut scratch).unwrap_or_default())
}

/// FNV-1a.
pub(super) fn fnv1a(octets: &[u8]) -> u64 {
    octets.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
