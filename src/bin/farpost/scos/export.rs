//! An Actor's reports as SigMF recordings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use farpost::host::sensing::{Export, write_report};
use farpost::scos::messages::{Granted, InventoryItem, Report};
use farpost::scos::metadata::{SectionKey, SectionsBuffer};
use farpost::scos::{RequestId, ScanId, ScanParameters, Section, Series};

/// Saves reports. A report of which it is not known yet where it was granted waits for
/// the inventory, which says so.
pub(crate) struct Exporter {
    directory: PathBuf,
    classification: String,
    actor: u32,
    granted: BTreeMap<RequestId, (String, Series)>,
    metadata: BTreeMap<String, BTreeMap<SectionKey, SectionsBuffer>>,
    waiting: Vec<Waiting>,
    /// Devices whose metadata were asked for.
    asked: BTreeSet<String>,
    looking: Looking,
    /// What was saved since it was last asked, and what could not be.
    outcomes: Vec<Result<(ScanId, PathBuf), String>>,
}

/// Whether a copy of the inventory is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looking {
    No,
    /// For the exporter alone: nobody else wants to hear of it.
    Quietly,
    Aloud,
}

/// Requests of which it is remembered where they were granted.
const REMEMBERED: usize = 4_096;

/// A report that waits.
struct Waiting {
    scan: ScanId,
    start: i64,
    outcome: farpost::scos::messages::Outcome,
    time_to_complete_ms: u32,
    parameters: ScanParameters,
    metadata: u32,
    spectrum: Vec<u8>,
}

impl Waiting {
    fn new(report: &Report<'_>) -> Self {
        Self {
            scan: report.scan,
            start: report.start,
            outcome: report.outcome,
            time_to_complete_ms: report.time_to_complete_ms,
            parameters: report.parameters,
            metadata: report.metadata,
            spectrum: report.spectrum.to_vec(),
        }
    }

    fn report(&self) -> Report<'_> {
        Report {
            scan: self.scan,
            start: self.start,
            outcome: self.outcome,
            time_to_complete_ms: self.time_to_complete_ms,
            parameters: self.parameters,
            metadata: self.metadata,
            spectrum: &self.spectrum,
        }
    }
}

impl Exporter {
    pub(super) const fn new(directory: PathBuf, classification: String, actor: u32) -> Self {
        Self {
            directory,
            classification,
            actor,
            granted: BTreeMap::new(),
            metadata: BTreeMap::new(),
            waiting: Vec::new(),
            asked: BTreeSet::new(),
            looking: Looking::No,
            outcomes: Vec::new(),
        }
    }

    /// Whether a copy of the inventory is to be drawn, where none is being drawn: it says
    /// where a report is from, and what its device says of itself.
    pub(super) fn looks(&mut self, is_copying: bool) -> bool {
        if is_copying {
            return false;
        }
        if self.looking != Looking::No {
            self.looking = Looking::No;
            self.settle();
        }
        let devices = self.granted.values().map(|(device, _)| device);
        let new: Vec<_> = devices.filter(|device| !self.asked.contains(*device)).collect();
        if new.is_empty() && self.waiting.is_empty() {
            return false;
        }
        self.asked.extend(new.into_iter().cloned());
        self.looking = Looking::Quietly;
        true
    }

    /// Somebody else wants to hear of the copy too.
    pub(super) const fn aloud(&mut self) {
        self.looking = Looking::Aloud;
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.looking == Looking::Quietly
    }

    /// Whether reports wait.
    pub(super) const fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn granted(&mut self, granted: &Granted<'_>) {
        self.granted.insert(granted.request, (granted.device.into(), granted.series));
        while self.granted.len() > REMEMBERED {
            self.granted.pop_first();
        }
    }

    pub(super) fn inventory(&mut self, item: &InventoryItem<'_>) {
        let Some(device) = &item.device else { return };
        let known = self.metadata.entry(device.device.into()).or_default();
        for section in device.metadata.iter() {
            let mut buffer = SectionsBuffer::new();
            if buffer.push(&section) {
                known.insert(section.key(), buffer);
            }
        }
        for entry in device.schedule.iter().filter(|entry| entry.actor.0 == self.actor) {
            let granted = (device.device.into(), entry.series);
            self.granted.entry(entry.request).or_insert(granted);
        }
    }

    /// Saves a report before it is acknowledged, or once it is known where it is from.
    pub(super) fn report(&mut self, report: &Report<'_>) {
        if report.spectrum.is_empty() {
            return;
        }
        if self.granted.contains_key(&report.scan.request) {
            self.save(report);
        } else {
            self.waiting.push(Waiting::new(report));
        }
    }

    /// The inventory is there: saves what waited for it. What it does not say either is
    /// saved without.
    fn settle(&mut self) {
        for waiting in std::mem::take(&mut self.waiting) {
            self.save(&waiting.report());
        }
    }

    /// What was saved since this was last called, and what could not be.
    pub(super) fn outcomes(&mut self) -> Vec<Result<(ScanId, PathBuf), String>> {
        std::mem::take(&mut self.outcomes)
    }

    fn save(&mut self, report: &Report<'_>) {
        let scan = report.scan;
        let single = Series { start: report.start, minutes: 1, repeats: 0, offset: 0 };
        let granted = self.granted.get(&scan.request);
        let (device, series) =
            granted.map_or(("", single), |(device, series)| (device.as_str(), *series));
        let known = self.metadata.get(device).into_iter().flat_map(BTreeMap::values);
        let metadata: Vec<Section<'_>> =
            known.flat_map(|buffer| buffer.sections().iter()).collect();
        let name = format!("{}-{}-{}", scan.actor.0, scan.request.0, scan.occurrence);
        let path = self.directory.join(name);
        let classification = &self.classification;
        let export = Export { device, report, series, metadata: &metadata, classification };
        let outcome = write_report(&path, &export).map_err(|error| error.to_string());
        self.outcomes.push(outcome.map(|()| (scan, path)));
    }
}
