//! Reports kept until their receiver has acknowledged them.

use core::time::Duration;

use super::link::LinkStats;
use super::messages::{Outcome, Report};
use super::retry::{Backoff, Retry};
use super::{ActorId, RequestId, ScanId, ScanParameters};
use crate::machine::count;
use crate::storage::{Full, Row, Slot, Table};
use crate::time::Instant;
use crate::transport::{Address, Transport};

/// A report that waits for its acknowledgement; its spectrum is in a [`Summary`].
#[derive(Clone, Copy, Debug)]
pub struct StoredReport {
    scan: ScanId,
    start: i64,
    outcome: Outcome,
    time_to_complete_ms: u32,
    parameters: ScanParameters,
    metadata: u32,
    /// Which cell holds the spectrum.
    cell: Option<usize>,
    stored: Instant,
    retry: Retry,
    /// Whether the store has it.
    kept: bool,
}

impl Row for StoredReport {
    type Key = ScanId;

    fn key(&self) -> ScanId {
        self.scan
    }
}

impl StoredReport {
    fn report<'a>(&self, cells: &'a [Summary]) -> Report<'a> {
        let cell = self.cell.and_then(|at| cells.get(at));
        Report {
            scan: self.scan,
            start: self.start,
            outcome: self.outcome,
            time_to_complete_ms: self.time_to_complete_ms,
            parameters: self.parameters,
            metadata: self.metadata,
            spectrum: cell.map(Summary::octets).unwrap_or_default(),
        }
    }
}

/// Room for the summary of one spectrum, 1,024 octets.
#[derive(Clone, Copy)]
pub struct Summary {
    taken: bool,
    length: usize,
    octets: [u8; Report::SPECTRUM_MAX],
}

impl Summary {
    /// Nothing in it.
    pub const EMPTY: Self = Self { taken: false, length: 0, octets: [0; Report::SPECTRUM_MAX] };

    fn fill(&mut self, octets: &[u8]) {
        self.taken = true;
        self.length = octets.len().min(self.octets.len());
        for (to, from) in self.octets.iter_mut().zip(octets) {
            *to = *from;
        }
    }

    fn octets(&self) -> &[u8] {
        self.octets.get(..self.length).unwrap_or_default()
    }
}

impl Default for Summary {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl core::fmt::Debug for Summary {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Summary").field("taken", &self.taken).field("length", &self.length).finish()
    }
}

/// The reports of a machine that are not acknowledged yet.
#[derive(Debug)]
pub(crate) struct Outbox<'s> {
    reports: Table<'s, StoredReport>,
    cells: &'s mut [Summary],
}

impl<'s> Outbox<'s> {
    pub(crate) fn new(reports: &'s mut [Slot<StoredReport>], cells: &'s mut [Summary]) -> Self {
        for cell in cells.iter_mut() {
            cell.taken = false;
        }
        Self { reports: Table::new(reports), cells }
    }

    /// Keeps a report. One of the same occurrence is kept as it is.
    pub(crate) fn insert(&mut self, now: Instant, report: &Report<'_>) -> Result<(), Full<()>> {
        if self.reports.contains(report.scan) {
            return Ok(());
        }
        let cell = if report.spectrum.is_empty() {
            None
        } else {
            Some(self.cells.iter().position(|cell| !cell.taken).ok_or(Full(()))?)
        };
        let row = StoredReport {
            scan: report.scan,
            start: report.start,
            outcome: report.outcome,
            time_to_complete_ms: report.time_to_complete_ms,
            parameters: report.parameters,
            metadata: report.metadata,
            cell,
            stored: now,
            retry: Retry::NOW,
            kept: false,
        };
        self.reports.insert(row).map_err(|_| Full(()))?;
        if let Some(cell) = cell.and_then(|at| self.cells.get_mut(at)) {
            cell.fill(report.spectrum);
        }
        Ok(())
    }

    /// Takes up a report that was kept. Returns whether there was room.
    pub(crate) fn restore(&mut self, report: &Report<'_>) -> bool {
        let restored = self.insert(Instant::ZERO, report).is_ok();
        if let Some(row) = self.reports.get_mut(report.scan) {
            row.kept = true;
        }
        restored
    }

    /// What was restored is as old as this run.
    pub(crate) fn date(&mut self, now: Instant) {
        for row in self.reports.iter_mut() {
            row.stored = now;
        }
    }

    /// Gives the reports the store does not have to `keep`. Returns whether it kept all.
    pub(crate) fn keep(&self, keep: &mut dyn FnMut(&Report<'_>) -> bool) -> bool {
        let mut unkept = self.reports.iter().filter(|row| !row.kept);
        unkept.all(|row| keep(&row.report(self.cells)))
    }

    /// The store has them all.
    pub(crate) fn all_kept(&mut self) {
        for row in self.reports.iter_mut() {
            row.kept = true;
        }
    }

    /// The names of all reports.
    pub(crate) fn scans(&self) -> impl Iterator<Item = ScanId> {
        self.reports.iter().map(|row| row.scan)
    }

    /// Forgets a report. Returns whether it was there.
    pub(crate) fn remove(&mut self, scan: ScanId) -> bool {
        let Some(row) = self.reports.remove(scan) else { return false };
        if let Some(cell) = row.cell.and_then(|at| self.cells.get_mut(at)) {
            cell.taken = false;
        }
        true
    }

    /// Forgets the oldest report and returns its name; the oldest with a spectrum
    /// when it is the cells that are full.
    pub(crate) fn remove_oldest(&mut self) -> Option<ScanId> {
        let rows_full = self.reports.len() >= self.reports.capacity();
        let candidates = self.reports.iter().filter(|row| rows_full || row.cell.is_some());
        let scan = candidates.min_by_key(|row| row.stored)?.scan;
        self.remove(scan).then_some(scan)
    }

    /// Forgets one report kept for `keep` or longer and returns its name.
    pub(crate) fn remove_stale(&mut self, now: Instant, keep: Duration) -> Option<ScanId> {
        let scan = self.reports.iter().find(|row| row.stored.after(keep) <= now)?.scan;
        self.remove(scan).then_some(scan)
    }

    /// All reports are due at once: their receiver can be reached again.
    pub(crate) fn hurry(&mut self) {
        for row in self.reports.iter_mut() {
            row.retry = Retry::NOW;
        }
    }

    /// Sends what is due to the address of its Actor's report.
    pub(crate) fn send_due(
        &mut self,
        now: Instant,
        backoff: &Backoff,
        address: &dyn Fn(ActorId) -> Option<Address>,
        link: &mut LinkStats,
        transport: &mut dyn Transport,
    ) -> u64 {
        let mut sent = 0;
        for row in self.reports.iter_mut().filter(|row| row.retry.is_due(now)) {
            let Some(to) = address(row.scan.actor) else {
                row.retry.refused(now, backoff);
                continue;
            };
            let report = row.report(self.cells);
            if link.say(&to, &report, transport) {
                row.retry.sent(now, backoff);
                count(&mut sent);
            } else {
                row.retry.refused(now, backoff);
            }
        }
        sent
    }

    /// When the next report is due.
    pub(crate) fn next_due(&self) -> Instant {
        self.reports.iter().map(|row| row.retry.due()).fold(Instant::MAX, Ord::min)
    }

    /// When the oldest report came; [`Instant::MAX`] when there is none.
    pub(crate) fn oldest(&self) -> Instant {
        self.reports.iter().map(|row| row.stored).fold(Instant::MAX, Ord::min)
    }

    /// Whether there is room for a report without spectrum.
    pub(crate) fn has_room(&self) -> bool {
        self.reports.len() < self.reports.capacity()
    }

    /// The names of the reports of a request, in order.
    pub(crate) fn of_request(
        &self,
        actor: ActorId,
        request: RequestId,
    ) -> impl Iterator<Item = ScanId> + '_ {
        let first = ScanId { actor, request, occurrence: 0 };
        let rows = self.reports.iter_from(first).map(|row| row.scan);
        rows.take_while(move |scan| scan.actor == actor && scan.request == request)
    }

    /// Whether a report of this Actor is kept.
    pub(crate) fn has_actor(&self, actor: ActorId) -> bool {
        let first = ScanId { actor, ..ScanId::default() };
        self.reports.iter_from(first).next().is_some_and(|row| row.scan.actor == actor)
    }

    pub(crate) const fn len(&self) -> usize {
        self.reports.len()
    }
}
