//! Reports: one for each occurrence, from its device or in its place.

use core::time::Duration;

use super::bookings::Booked;
use super::journal::report_key;
use super::metadata::add_usage;
use super::{Ssm, SsmUser};
use crate::machine::count;
use crate::scos::association::RegisteredDevice;
use crate::scos::messages::{Outcome, Rejection, Report};
use crate::scos::series::Mark;
use crate::scos::{ActorId, DeviceIndex, ScanId};
use crate::time::{ClockQuality, Instant, Now};
use crate::transport::{Address, Transport};

impl Ssm<'_> {
    /// A device has reported.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn reported(
        &mut self,
        now: Now,
        from: &Address,
        index: DeviceIndex,
        report: &Report<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn SsmUser,
    ) {
        // One that is acknowledged is never sent again: it is kept first.
        if self.take(now, index, report, user) && self.keep(now.monotonic) {
            // Not taken: the device reports again.
            self.stats.link.say(from, &report.scan, transport);
        }
    }

    /// An Actor has a report.
    pub(super) fn report_acknowledged(&mut self, from: &Address, scan: ScanId) {
        if self.is_where(scan.actor, from) && self.outbox.remove(scan) {
            self.keeper.remove(report_key(scan));
            count(&mut self.stats.reports_acknowledged);
        } else {
            count(&mut self.stats.stray_acknowledgements);
        }
    }

    /// Settles the occurrences whose devices have not reported in time, as far as
    /// there is room for reports.
    pub(super) fn settle_overdue(&mut self, now: Now, user: &mut dyn SsmUser) {
        if !self.overdue.may_be_due(now) {
            return;
        }
        let grace = self.settings.grace;
        let mut next = Overdue::never(now);
        for booking in self.bookings.iter_mut() {
            let (actor, request) = (booking.actor, booking.request);
            let Some(booked) = booking.booked_mut() else { continue };
            let device = self.registry.get(booked.device);
            let waits = device.is_some_and(|device| device.patience > now.monotonic);
            let mut room = true;
            let mut settled = false;
            while let Some(index) = first_overdue(booked, now, grace).filter(|_| !waits) {
                let report = Report {
                    scan: ScanId { actor, request, occurrence: index },
                    start: booked.series.start_of(index).unix_minute(),
                    outcome: Outcome::Rejected(why_missing(booked, device, index)),
                    time_to_complete_ms: 0,
                    parameters: booked.parameters,
                    metadata: 0,
                    spectrum: &[],
                };
                room = self.outbox.insert(now.monotonic, &report).is_ok();
                if !room {
                    break;
                }
                booked.progress.settle(index);
                settled = true;
                self.keeper.changed();
                let start = booked.series.start_of(index);
                self.scheduler.give_back(actor, request, start);
                count(&mut self.stats.reports_issued);
                let (minutes, full) = (booked.series.minutes, &mut self.stats.usage_full);
                self.usage_owed.note(actor);
                add_usage(&mut self.usage, full, actor, |usage| usage.report(&report, minutes));
                user.report(now, &report);
            }
            if let Some(due) = overdue_at(booked, device, now, grace) {
                next.note(due);
            }
            if settled {
                booking.settled = now.monotonic;
                booking.kept = false;
            }
            if !room {
                break;
            }
        }
        self.overdue = next;
    }

    /// When the next occurrence is overdue. Without room for its report it is when
    /// one is acknowledged, and that is no matter of time.
    pub(super) fn next_overdue(&self) -> Option<Instant> {
        if self.last.quality == ClockQuality::Unset || !self.outbox.has_room() {
            return None;
        }
        self.overdue.next(self.last)
    }

    /// Gives up the reports that are kept for too long. It makes room for others,
    /// and so it comes before they are issued.
    pub(super) fn abandon(&mut self, now: Instant) {
        while let Some(scan) = self.outbox.remove_stale(now, self.settings.keep) {
            self.keeper.remove(report_key(scan));
            count(&mut self.stats.reports_abandoned);
        }
    }

    /// Sends the reports that are due to their Actors.
    pub(super) fn forward(&mut self, now: Instant, transport: &mut dyn Transport) {
        if self.outbox.next_due() <= now {
            self.follow_actors(transport);
        }
        let actors = &self.actors;
        let address = |actor: ActorId| actors.get(actor).and_then(|actor| actor.address);
        let (backoff, link) = (&self.settings.backoff, &mut self.stats.link);
        let sent = self.outbox.send_due(now, backoff, &address, link, transport);
        self.stats.reports_sent = self.stats.reports_sent.saturating_add(sent);
    }

    /// Settles an occurrence with the report of its device. Returns whether to
    /// acknowledge it.
    fn take(
        &mut self,
        now: Now,
        index: DeviceIndex,
        report: &Report<'_>,
        user: &mut dyn SsmUser,
    ) -> bool {
        let ScanId { actor, request, occurrence } = report.scan;
        let booking = self.bookings.get_mut(actor, request);
        let booked = booking.and_then(|booking| booking.booked_mut());
        let booked =
            booked.filter(|booked| booked.device == index && occurrence <= booked.series.repeats);
        let Some(booked) = booked else {
            count(&mut self.stats.reports_unknown);
            return true;
        };
        let (start, end) = (booked.series.start_of(occurrence), booked.series.end_of(occurrence));
        if report.start != start.unix_minute() {
            // Of a scan that was booked under this number by a run that is forgotten.
            count(&mut self.stats.reports_unknown);
            return true;
        }
        if occurrence >= booked.keep {
            count(&mut self.stats.reports_cancelled);
            return true;
        }
        match booked.progress.mark(occurrence) {
            Mark::Settled => {
                let late = now.utc >= end.after(self.settings.grace);
                count(if late {
                    &mut self.stats.reports_late
                } else {
                    &mut self.stats.reports_repeated
                });
                return true;
            }
            Mark::New if start > now.utc.after(self.settings.guard) => {
                count(&mut self.stats.reports_early);
                return false;
            }
            Mark::New if self.outbox.insert(now.monotonic, report).is_ok() => {}
            Mark::New | Mark::Beyond => {
                count(&mut self.stats.reports_put_off);
                return false;
            }
        }
        booked.progress.settle(occurrence);
        let minutes = booked.series.minutes;
        if let Some(booking) = self.bookings.get_mut(actor, request) {
            booking.settled = now.monotonic;
            booking.kept = false;
        }
        self.keeper.changed();
        if matches!(report.outcome, Outcome::Rejected(_)) {
            self.scheduler.give_back(actor, request, start);
        }
        count(&mut self.stats.reports);
        self.count_usage(actor, |usage| usage.report(report, minutes));
        user.report(now, report);
        true
    }
}

/// When an occurrence is overdue at the earliest, so that not all bookings are looked at
/// each time: exact when they were, and too early once that one is settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Overdue {
    due: Instant,
    /// UTC less monotonic time in microseconds, when it was said.
    offset: i64,
}

/// How far UTC may run ahead of monotonic time before all bookings are looked at again, in
/// microseconds: that much later than it could an occurrence may be settled.
const DRIFT: i64 = 1_000_000;

impl Overdue {
    /// Bookings have yet to be looked at.
    pub(super) const UNKNOWN: Self = Self { due: Instant::ZERO, offset: i64::MIN };

    fn never(now: Now) -> Self {
        Self { due: Instant::MAX, offset: offset(now) }
    }

    /// Something is due at this time.
    pub(super) fn note(&mut self, due: Instant) {
        self.due = self.due.min(due);
    }

    fn may_be_due(&self, now: Now) -> bool {
        self.due <= now.monotonic || offset(now).saturating_sub(self.offset) > DRIFT
    }

    fn next(&self, now: Now) -> Option<Instant> {
        let due = if self.may_be_due(now) { self.due.min(now.monotonic) } else { self.due };
        (due < Instant::MAX).then_some(due)
    }
}

fn offset(now: Now) -> i64 {
    let monotonic = i64::try_from(now.monotonic.as_micros()).unwrap_or(i64::MAX);
    now.utc.unix_micros().saturating_sub(monotonic)
}

/// When the first occurrence that is open is overdue.
pub(super) fn overdue_at(
    booked: &Booked,
    device: Option<&RegisteredDevice>,
    now: Now,
    grace: Duration,
) -> Option<Instant> {
    let index = booked.progress.next();
    let patience = device.map_or(Instant::ZERO, |device| device.patience);
    let utc =
        if index < booked.resume { now.utc } else { booked.series.end_of(index).after(grace) };
    let due = now.monotonic.after(utc.since(now.utc)).max(patience);
    (index < booked.keep).then_some(due)
}

/// The first occurrence that is open, if its report is overdue.
fn first_overdue(booked: &Booked, now: Now, grace: Duration) -> Option<u16> {
    let index = booked.progress.next();
    let over = index < booked.resume || booked.series.end_of(index).after(grace) <= now.utc;
    (index < booked.keep && over).then_some(index)
}

/// Why a device has not reported.
fn why_missing(booked: &Booked, device: Option<&RegisteredDevice>, index: u16) -> Rejection {
    match device {
        _ if index < booked.resume => Rejection::Restart,
        _ if index >= booked.displaced => Rejection::Displaced,
        Some(device) if !device.is_there() => Rejection::Offline,
        Some(device) if booked.version > device.acknowledged => Rejection::Undelivered,
        Some(_) => Rejection::NoReport,
        None => Rejection::Offline,
    }
}
