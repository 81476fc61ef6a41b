//! What an SSM answers to an Actor's requests, and the reports that come of them.

use super::{Actor, ActorRequest, ActorUser, Asked};
use crate::machine::count;
use crate::scos::RequestId;
use crate::scos::messages::{Cancelled, Granted, Refusal, Refused, Report};
use crate::scos::series::Mark;
use crate::time::Now;

impl Actor<'_> {
    /// Takes a grant. Returns whether it was awaited.
    pub(super) fn granted(
        &mut self,
        now: Now,
        granted: &Granted<'_>,
        user: &mut dyn ActorUser,
    ) -> bool {
        if granted.dry_run {
            return self.tried(now, granted.request, Ok(granted), user);
        }
        let row = self.requests.get_mut(granted.request);
        let row = row.filter(|row| row.owed.is_none() && row.question != Some(Asked::DryRun));
        let Some(row) = row else { return false };
        let replaces = row.replaces;
        row.owed = Some(granted.series.occurrences());
        row.series = granted.series;
        if row.question == Some(Asked::Scan) {
            row.question = None;
        }
        count(&mut self.stats.granted);
        self.changed(granted.request);
        user.granted(now, granted);
        if let (Some(request), Some(keep)) = (replaces, granted.replaced) {
            self.replaced(now, request, keep, user);
        }
        true
    }

    /// What had not begun of a request is dropped, for another has taken its place.
    fn replaced(&mut self, now: Now, request: RequestId, keep: u16, user: &mut dyn ActorUser) {
        // Where it is being cancelled too, that will be answered.
        let row = self.requests.get_mut(request).filter(|row| row.question.is_none());
        let Some(row) = row else { return };
        row.owed = Some(keep);
        if row.is_settled() {
            self.requests.remove(request);
        }
        self.changed(request);
        count(&mut self.stats.cancelled);
        user.cancelled(now, &Cancelled { actor: self.config.actor, request, keep });
    }

    /// Takes the answer to a request that was only tried. Returns whether it was awaited.
    fn tried(
        &mut self,
        now: Now,
        request: RequestId,
        answer: Result<&Granted<'_>, &Refused<'_>>,
        user: &mut dyn ActorUser,
    ) -> bool {
        let trying = |row: &ActorRequest| row.question == Some(Asked::DryRun);
        if !self.requests.get(request).is_some_and(trying) {
            return false;
        }
        self.requests.remove(request);
        count(&mut self.stats.tried);
        user.tried(now, answer);
        true
    }

    /// Takes a refusal. Returns whether it was awaited.
    pub(super) fn refused(
        &mut self,
        now: Now,
        refused: &Refused<'_>,
        user: &mut dyn ActorUser,
    ) -> bool {
        let row = self.requests.get(refused.request);
        let Some(row) = row.filter(|row| row.question.is_some()) else { return false };
        if refused.reason == Refusal::Busy {
            count(&mut self.stats.busy);
            return true;
        }
        if row.question == Some(Asked::DryRun) {
            return self.tried(now, refused.request, Err(refused), user);
        }
        if row.owed.is_none() {
            count(&mut self.stats.refused);
        }
        self.requests.remove(refused.request);
        self.changed(refused.request);
        user.refused(now, refused);
        true
    }

    /// Takes the answer to a cancellation. Returns whether it was awaited.
    pub(super) fn cancelled(
        &mut self,
        now: Now,
        cancelled: &Cancelled,
        user: &mut dyn ActorUser,
    ) -> bool {
        let row = self.requests.get_mut(cancelled.request);
        let Some(row) = row.filter(|row| row.question == Some(Asked::Cancel)) else {
            return false;
        };
        row.question = None;
        if row.owed.is_none() {
            count(&mut self.stats.cancelled_unanswered);
        }
        row.owed = Some(cancelled.keep);
        if row.is_settled() {
            self.requests.remove(cancelled.request);
        }
        self.changed(cancelled.request);
        count(&mut self.stats.cancelled);
        user.cancelled(now, cancelled);
        true
    }

    /// Takes a report. Returns whether it is to be acknowledged.
    pub(super) fn report(
        &mut self,
        now: Now,
        report: &Report<'_>,
        user: &mut dyn ActorUser,
    ) -> bool {
        let Some(row) = self.requests.get_mut(report.scan.request) else {
            count(&mut self.stats.reports_repeated);
            return true;
        };
        let Some(owed) = row.owed else {
            count(&mut self.stats.reports_early);
            return false;
        };
        let occurrence = report.scan.occurrence;
        match row.progress.mark(occurrence) {
            _ if occurrence >= owed => count(&mut self.stats.reports_repeated),
            Mark::Settled => count(&mut self.stats.reports_repeated),
            Mark::Beyond => {
                count(&mut self.stats.reports_early);
                return false;
            }
            Mark::New => {
                row.progress.settle(occurrence);
                if row.is_settled() {
                    self.requests.remove(report.scan.request);
                }
                self.changed(report.scan.request);
                count(&mut self.stats.reports);
                user.report(now, report);
            }
        }
        true
    }
}
