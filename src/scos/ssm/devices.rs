//! Devices: their associations, and their schedules on the way to them.

use core::time::Duration;

use super::{DeviceEvent, Ssm, SsmUser};
use crate::machine::count;
use crate::scos::DeviceIndex;
use crate::scos::association::{Admitted, RegisteredDevice, Rejected, Suspicion, Verdict};
use crate::scos::messages::{
    Associate, Associated, Association, AssociationRefusal, AssociationRefused, Challenge,
    NotAssociated, ScheduleAck, ScheduleChange,
};
use crate::scos::retry::Retry;
use crate::time::{ClockQuality, Instant, Now};
use crate::transport::{Address, Transport};

/// Changes of a schedule sent before one is acknowledged.
const WINDOW: usize = 8;

impl Ssm<'_> {
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn associate(
        &mut self,
        now: Now,
        from: &Address,
        request: &Associate<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn SsmUser,
    ) {
        let (device, sequence) = (request.device, request.sequence);
        if !self.run_kept && !self.keep_if_due(now.monotonic) {
            // Unanswered, the device asks again.
            return;
        }
        let verdict = match &mut self.gate {
            Some(gate) => {
                let peer = transport.peer(from);
                gate.judge(now.monotonic, from, &peer, request, &self.registry)
            }
            None => Verdict::of_link(transport.peer(from).identity, device),
        };
        // What is not taken the device asks for again.
        match verdict {
            Verdict::Authentic => match self.registry.associate(now.monotonic, from, request) {
                Ok(admitted) => {
                    self.admitted(now, request, &admitted, user);
                    let answer = Associated {
                        device,
                        sequence,
                        state: admitted.state,
                        max_ttl_s: seconds(self.settings.max_ttl),
                        remaining_ttl_s: seconds(admitted.remaining),
                        epoch: self.settings.epoch,
                    };
                    self.stats.link.say(from, &answer, transport);
                }
                Err(Rejected::Stale) => count(&mut self.stats.stale_associations),
                Err(Rejected::Refused { reason: AssociationRefusal::InventoryFull, .. }) => {
                    count(&mut self.stats.inventory_full);
                    let reason = AssociationRefusal::InventoryFull;
                    let answer = AssociationRefused { device, sequence, reason };
                    self.stats.link.say(from, &answer, transport);
                }
                Err(Rejected::Refused { unknown, .. }) => {
                    let why = if unknown { Suspicion::UnknownDevice } else { Suspicion::WrongKey };
                    self.turn_away(now, from, request, why, transport, user);
                }
            },
            Verdict::Challenge(nonce) => {
                count(&mut self.stats.challenges);
                self.stats.link.say(from, &Challenge { device, sequence, nonce }, transport);
            }
            Verdict::Refused(why) => self.turn_away(now, from, request, why, transport, user),
            Verdict::NoRandom => count(&mut self.stats.challenges_unmade),
        }
    }

    /// Turns a device away, and counts why.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn turn_away(
        &mut self,
        now: Now,
        from: &Address,
        request: &Associate<'_>,
        why: Suspicion,
        transport: &mut dyn Transport,
        user: &mut dyn SsmUser,
    ) {
        count(match why {
            Suspicion::Limited => &mut self.stats.attempts_limited,
            Suspicion::OtherIdentity => &mut self.stats.other_identities,
            Suspicion::UnknownDevice => &mut self.stats.unknown_devices,
            Suspicion::WrongKey => &mut self.stats.wrong_keys,
            Suspicion::StaleNonce => &mut self.stats.stale_proofs,
            Suspicion::WrongProof => &mut self.stats.wrong_proofs,
        });
        user.intruder(now, request.device, from, why);
        let Associate { device, sequence, .. } = *request;
        let reason = AssociationRefusal::NotAuthorised;
        let answer = AssociationRefused { device, sequence, reason };
        self.stats.link.say(from, &answer, transport);
    }

    /// A device says how far its schedule is.
    pub(super) fn acknowledged(&mut self, index: DeviceIndex, ack: &ScheduleAck) {
        let device = self.registry.get_mut(index).filter(|device| {
            ack.epoch == self.settings.epoch
                && ack.version <= device.version
                && ack.version > device.acknowledged
        });
        let Some(device) = device else {
            return count(&mut self.stats.stale_acknowledgements);
        };
        device.acknowledged = ack.version;
        device.push = Retry::NOW;
        count(&mut self.stats.changes_acknowledged);
    }

    /// Takes the devices whose TTL is over out of the inventory.
    pub(super) fn expire(&mut self, now: Now, user: &mut dyn SsmUser) {
        while let Some(index) = self.registry.expire(now.monotonic) {
            self.keeper.changed();
            count(&mut self.stats.expiries);
            if let Some(device) = self.registry.get(index) {
                user.device(now, device.device(), DeviceEvent::Expired);
            }
        }
    }

    /// Sends what devices lack of their schedules, to those due.
    pub(super) fn push(&mut self, now: Instant, transport: &mut dyn Transport) {
        let lacks = |device: &&mut RegisteredDevice| {
            device.version > device.acknowledged && device.push.is_due(now)
        };
        for device in self.registry.iter_mut().filter(lacks) {
            let Some(to) = device.address() else { continue };
            let mut base = device.acknowledged;
            let mut refused = false;
            for _ in 0..WINDOW {
                if base >= device.version {
                    break;
                }
                let next = self.bookings.change_after(device.index(), base);
                let Some((version, change)) = next else { break };
                let epoch = self.settings.epoch;
                let change = ScheduleChange { epoch, base, version, change };
                if !self.stats.link.say(&to, &change, transport) {
                    refused = true;
                    break;
                }
                count(&mut self.stats.changes_sent);
                base = version;
            }
            if base != device.acknowledged {
                device.push.sent(now, &self.settings.backoff);
            } else if refused {
                device.push.refused(now, &self.settings.backoff);
            } else {
                // What it lacks is over. The next change makes it due again.
                device.push = Retry::NEVER;
            }
        }
    }

    /// Asks the devices that were there before the SSM started anew to associate.
    pub(super) fn hail(&mut self, now: Instant, transport: &mut dyn Transport) {
        for device in self.registry.iter_mut() {
            let Some(to) = device.hail.take_if(|_| device.patience > now) else {
                if device.hail.take().is_some() {
                    device.kept = false;
                    self.keeper.changed();
                }
                continue;
            };
            device.hail = Some(to);
            if device.push.is_due(now) {
                self.stats.link.say(&to, &NotAssociated, transport);
                device.push.sent(now, &self.settings.backoff);
            }
        }
    }

    /// When a device is next to be asked.
    pub(super) fn next_hail(&self) -> Instant {
        let hailed = self.registry.iter().filter(|device| device.hail.is_some());
        let due = hailed.map(|device| device.push.due().min(device.patience));
        due.fold(Instant::MAX, Ord::min)
    }

    /// When a device is next to be sent what it lacks.
    pub(super) fn next_push(&self) -> Instant {
        let lacking = self.registry.iter().filter(|device| {
            device.is_there() && device.version > device.acknowledged && !device.push.is_never()
        });
        lacking.map(|device| device.push.due()).fold(Instant::MAX, Ord::min)
    }

    /// A device is there, or has left.
    fn admitted(
        &mut self,
        now: Now,
        request: &Associate<'_>,
        admitted: &Admitted,
        user: &mut dyn SsmUser,
    ) {
        let mark = request.schedule;
        if admitted.restarted {
            count(&mut self.stats.restarts);
            // A device that knows its schedule knows what it has done, and reports.
            if mark.epoch != self.settings.epoch || mark.version == 0 {
                self.resume(now, admitted.index);
            }
        }
        self.keeper.changed();
        if let Some(device) = self.registry.get_mut(admitted.index)
            && device.hail.take().is_some()
        {
            // What happened meanwhile is on its way.
            device.patience = now.monotonic.after(self.settings.grace);
        }
        count(match admitted.state {
            Association::New => &mut self.stats.associations,
            Association::Refresh => &mut self.stats.refreshes,
            Association::Disassociate => &mut self.stats.disassociations,
        });
        if admitted.state == Association::New && !admitted.repeated {
            self.forget_metadata(admitted.index);
        }
        if admitted.state == Association::New
            && let Some(device) = self.registry.get_mut(admitted.index)
        {
            let known = mark.epoch == self.settings.epoch && mark.version <= device.version;
            device.acknowledged = if known { mark.version } else { 0 };
            device.push = Retry::NOW;
        }
        if admitted.departed {
            user.device(now, request.device, DeviceEvent::Disassociated);
        } else if admitted.restarted && admitted.state != Association::Disassociate {
            user.device(now, request.device, DeviceEvent::Restarted);
        } else if admitted.arrived {
            user.device(now, request.device, DeviceEvent::Associated);
        }
    }

    /// A device has started anew: what had begun by now is not for this run.
    fn resume(&mut self, now: Now, index: DeviceIndex) {
        if now.quality == ClockQuality::Unset {
            return;
        }
        self.overdue.note(now.monotonic);
        // An occurrence that begins this very moment has begun.
        let begun = now.utc.after(Duration::from_micros(1));
        for booking in self.bookings.iter_mut() {
            if let Some(booked) = booking.booked_mut().filter(|booked| booked.device == index) {
                booked.resume = booked.series.started_before(begun).min(booked.keep);
                booking.kept = false;
            }
        }
    }
}

/// Whole seconds, rounded down.
pub(super) fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_secs()).unwrap_or(u32::MAX)
}
