//! What the messages ask of the calendar, in the terms of the calendar.

use heapless::Vec;

use super::Ssm;
use super::bookings::Turned;
use super::requests::Unbooked;
use crate::scos::DeviceIndex;
use crate::scos::association::RegisteredDevice;
use crate::scos::calendar::{self, Candidates, Placement, RefusalReason, Terms};
use crate::scos::messages::{DEVICES_MAX, Devices, Refusal, ScanRequest};
use crate::time::{ClockQuality, Now, Utc};

/// Of the devices that hold no more recipes, how many are passed over in the search for
/// any that does.
const FULL_MAX: usize = 16;

impl Ssm<'_> {
    /// The place a request would get. Nothing is booked.
    pub(super) fn place(
        &mut self,
        now: Now,
        request: &ScanRequest<'_>,
    ) -> Result<Placement, Unbooked> {
        if now.quality == ClockQuality::Unset {
            return Err(Refusal::Clock.into());
        }
        self.scheduler.advance(now.utc);
        // Its booking is forgotten and its recipe is not, as long as its week lasts. What
        // the calendar would answer is what is left of it, which is not what is asked.
        if self.scheduler.recipe(request.actor, request.request).is_some() {
            return Err(Refusal::Forgotten.into());
        }
        if let Some(old) = request.replaces {
            let booking = self.bookings.get(request.actor, old);
            let booked = booking.and_then(|booking| booking.booked());
            if booked.is_none_or(|booked| booked.cancelled) {
                return Err(Refusal::Calendar(RefusalReason::UnknownRequest).into());
            }
        }
        match self.place_on_some(now, request) {
            // What a device can do is not known again before it is there.
            Err(Unbooked::Refused(_)) if self.awaits_any(now, request) => Err(Unbooked::Busy),
            placed => placed,
        }
    }

    /// The place on a device that is named, or on any.
    fn place_on_some(&self, now: Now, request: &ScanRequest<'_>) -> Result<Placement, Unbooked> {
        match request.devices {
            Devices::Any => self.place_anywhere(now, request),
            Devices::One(_) | Devices::AnyOf(_) => {
                let mut devices = Vec::<DeviceIndex, DEVICES_MAX>::new();
                let mut refusal = Refusal::UnknownDevice;
                for (nth, id) in request.devices.ids().enumerate() {
                    match self.usable(id, request) {
                        // There are no more than fit.
                        Ok(device) => drop(devices.push(device)),
                        Err(reason) if nth == 0 => refusal = reason,
                        Err(_) => {}
                    }
                }
                if devices.is_empty() {
                    return Err(refusal.into());
                }
                self.place_on(now, request, Candidates::These(&devices))
            }
        }
    }

    /// Whether a device that would do was there before the SSM started anew, and is asked to
    /// associate or has yet to say again what it can do.
    fn awaits_any(&self, now: Now, request: &ScanRequest<'_>) -> bool {
        let awaited = |device: &RegisteredDevice| {
            let silent = self.metadata_of(device.index()).sensor().is_none();
            device.hail.is_some() || device.is_there() && silent && now.monotonic < device.patience
        };
        match request.devices {
            Devices::Any => self.registry.iter().any(awaited),
            Devices::One(_) | Devices::AnyOf(_) => {
                let mut named = request.devices.ids();
                named.any(|id| self.registry.by_id(id).is_some_and(awaited))
            }
        }
    }

    /// What begins before is neither cancelled, replaced nor displaced; what begins at the
    /// end of the guard time exactly is not either.
    pub(super) fn guarded(&self, now: Now) -> Utc {
        now.utc.after(self.settings.guard.saturating_add(core::time::Duration::from_micros(1)))
    }

    /// The place on the best of some devices.
    fn place_on(
        &self,
        now: Now,
        request: &ScanRequest<'_>,
        devices: Candidates<'_>,
    ) -> Result<Placement, Unbooked> {
        let terms = Terms {
            devices,
            actor: self.actor_policy(request.actor),
            replaces: request.replaces,
            guarded: self.guarded(now),
        };
        let asked = asked(request);
        self.scheduler.find(now.utc, &asked, &terms).map_err(|refusal| {
            let reason = refusal.reason;
            let place = self.scheduler.alternative(now.utc, &asked, &terms, reason);
            let place = place.filter(|place| self.holds_another(place.device(), request));
            Unbooked::Refused(Turned {
                reason: Refusal::Calendar(reason),
                first_conflict: refusal.first_conflict.map(Utc::unix_minute),
                alternative: place.map(|place| (place.device(), place.grant().series.start)),
            })
        })
    }

    /// The place on the best of all devices that are there and can do it.
    fn place_anywhere(&self, now: Now, request: &ScanRequest<'_>) -> Result<Placement, Unbooked> {
        let mut full = Vec::<DeviceIndex, FULL_MAX>::new();
        loop {
            let usable = |index| {
                let device = self.registry.get(index);
                !full.contains(&index)
                    && device.is_some_and(|device| self.can(device, request).is_ok())
            };
            let place = match self.place_on(now, request, Candidates::All(&usable)) {
                Ok(place) => place,
                Err(Unbooked::Refused(Turned {
                    reason: Refusal::Calendar(RefusalReason::UnknownDevice),
                    ..
                })) => return Err(self.none_usable(request, full.is_empty()).into()),
                Err(refusal) => return Err(refusal),
            };
            if self.holds_another(place.device(), request) {
                return Ok(place);
            }
            if full.push(place.device()).is_err() {
                return Err(Refusal::ScheduleFull.into());
            }
        }
    }

    /// Why no device is of use: what the first that is there lacks.
    fn none_usable(&self, request: &ScanRequest<'_>, have_room: bool) -> Refusal {
        if !have_room {
            return Refusal::ScheduleFull;
        }
        let mut there = self.registry.iter().filter(|device| device.is_there());
        let lacks = there.find_map(|device| self.can(device, request).err());
        lacks.unwrap_or(Refusal::Offline)
    }

    /// A device by its ID, if it is there, can do the scan and holds another recipe.
    fn usable(&self, id: &str, request: &ScanRequest<'_>) -> Result<DeviceIndex, Refusal> {
        let device = self.registry.by_id(id).ok_or(Refusal::UnknownDevice)?;
        self.can(device, request)?;
        if self.holds_another(device.index(), request) {
            Ok(device.index())
        } else {
            Err(Refusal::ScheduleFull)
        }
    }

    /// Whether a device is there and can do the scan.
    fn can(&self, device: &RegisteredDevice, request: &ScanRequest<'_>) -> Result<(), Refusal> {
        let metadata = self.metadata_of(device.index());
        metadata.sensor().filter(|_| device.is_there()).ok_or(Refusal::Offline)?;
        let (parameters, minutes) = (&request.parameters, request.series.minutes);
        metadata.check(parameters, minutes).map_err(Refusal::OutOfCapability)
    }

    /// Whether a device holds another recipe, beside those it has and those on their way.
    fn holds_another(&self, index: DeviceIndex, request: &ScanRequest<'_>) -> bool {
        let Some(device) = self.registry.get(index) else { return false };
        let most = self.metadata_of(index).sensor().map_or(0, |sensor| sensor.recipes);
        let held = self.bookings.held_by(index, device.acknowledged);
        // One that is replaced as a whole is dropped before the other is added.
        let gives_way = request.replaces.is_some_and(|old| {
            let recipe = self.scheduler.recipe(request.actor, old);
            let guarded = self.guarded(self.last);
            recipe.is_some_and(|recipe| {
                recipe.request.device == index && recipe.grant.series.started_before(guarded) == 0
            })
        });
        held < usize::from(most).saturating_add(usize::from(gives_way))
    }
}

/// A request as the calendar knows it. Which device it is for is said apart.
fn asked(request: &ScanRequest<'_>) -> calendar::ScanRequest {
    calendar::ScanRequest {
        actor: request.actor,
        request: request.request,
        device: DeviceIndex::default(),
        start: Utc::from_unix_minute(request.series.start),
        minutes: request.series.minutes,
        when: request.when,
        repeats: request.series.repeats,
        offset_minutes: request.series.offset,
        across_weeks: request.across_weeks,
        parameters: request.parameters,
    }
}
