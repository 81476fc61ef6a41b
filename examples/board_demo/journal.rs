//! What happens, told as it happens and added up at the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use farpost::host::sensing::Summary;
use farpost::scos::actor::{ActorUser, Question};
use farpost::scos::messages::{Granted, Outcome, Refused, Report};
use farpost::scos::ssm::{DeviceEvent, SsmUser};
use farpost::scos::{RequestId, ScanParameters};
use farpost::time::Now;

/// The journal as its writers share it.
pub(crate) type SharedJournal = Rc<RefCell<Journal>>;

/// A request and what became of it.
#[derive(Debug)]
struct Entry {
    /// Whether it is to be granted.
    possible: bool,
    /// How many occurrences were granted.
    granted: Option<u16>,
    refused: bool,
    /// Where the strongest signal is to be, in hertz.
    carrier_hz: u64,
    reports: Vec<Kept>,
}

#[derive(Debug)]
struct Kept {
    outcome: Outcome,
    /// How far from the carrier the strongest peak was, in bins.
    off_by: Option<u64>,
}

/// All that is told.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    entries: BTreeMap<RequestId, Entry>,
    /// How often the device has told what it can do to the SSM that runs.
    advertised: u32,
    unanswered: u32,
}

impl Journal {
    /// Tells a line of the timeline.
    pub(crate) fn tell(now: Now, who: &str, what: &str) {
        let time = now.utc.to_string();
        println!("{}  {who:<6} {what}", time.get(11..19).unwrap_or(&time));
    }

    /// Notes that something is asked for.
    pub(crate) fn asked(&mut self, now: Now, request: RequestId, ask: &super::script::Ask) {
        Self::tell(now, "actor", &format!("asks [{}] for {}", request.0, ask.about));
        let entry = Entry {
            possible: ask.possible,
            granted: None,
            refused: false,
            carrier_hz: ask.carrier_hz,
            reports: Vec::new(),
        };
        self.entries.insert(request, entry);
    }

    /// Another SSM has taken over, which knows nothing.
    pub(crate) const fn another_manager(&mut self) {
        self.advertised = 0;
    }

    /// Whether the device can be asked for scans, and all that was asked is reported.
    pub(crate) fn is_settled(&self) -> bool {
        let settled = |entry: &Entry| entry.refused || entry.granted == Some(entry.count());
        self.advertised > 0 && self.entries.values().all(settled)
    }

    /// Prints the sums. True when they are right.
    pub(crate) fn summarise(&self, finished: bool) -> bool {
        let entries = || self.entries.values();
        let granted = entries().filter(|entry| entry.granted.is_some()).count();
        let refused = entries().filter(|entry| entry.refused).count();
        let owed: usize = entries().filter_map(|entry| entry.granted).map(usize::from).sum();
        let reports: Vec<_> = entries().flat_map(|entry| &entry.reports).collect();
        let ended = |wanted: fn(Outcome) -> bool| {
            reports.iter().filter(|report| wanted(report.outcome)).count()
        };
        let complete = ended(|outcome| outcome == Outcome::Complete);
        let incomplete = ended(|outcome| outcome == Outcome::Incomplete);
        let rejected = ended(|outcome| matches!(outcome, Outcome::Rejected(_)));
        let found = reports.iter().filter(|report| report.off_by.is_some_and(|off| off <= 1));
        let found = found.count();
        println!();
        println!("requests    {} = {granted} granted + {refused} refused", self.entries.len());
        println!(
            "occurrences {owed} = {complete} complete + {incomplete} incomplete + {rejected} rejected"
        );
        println!(
            "reports     {} from the board, {found} with the signal where it is",
            reports.len()
        );
        let expected = entries().all(|entry| entry.possible == entry.granted.is_some());
        let mut right = true;
        for (holds, what) in [
            (finished, "not everything was answered and reported in time"),
            (expected, "a request was granted or refused against expectation"),
            (owed == reports.len() && owed > 0, "reports and occurrences do not add up"),
            (complete == owed, "not every scan is complete"),
            (found == owed, "a spectrum does not show its signal"),
            (self.unanswered == 0, "a question was not answered"),
        ] {
            if !holds {
                println!("WRONG: {what}");
                right = false;
            }
        }
        right
    }
}

impl Entry {
    fn count(&self) -> u16 {
        u16::try_from(self.reports.len()).unwrap_or(u16::MAX)
    }
}

/// How far `hz` is from `carrier_hz`, in bins of the transform that was asked for.
fn bins_between(hz: u64, carrier_hz: u64, parameters: &ScanParameters) -> u64 {
    let bins = parameters.bandwidth_hz.div_ceil(parameters.resolution_hz.max(1));
    let width = parameters.bandwidth_hz / bins.next_power_of_two();
    hz.abs_diff(carrier_hz).div_euclid(u64::from(width.max(1)))
}

/// The Actor's user: it writes in the journal.
#[derive(Debug)]
pub(crate) struct Notes(pub(crate) SharedJournal);

impl ActorUser for Notes {
    fn granted(&mut self, now: Now, granted: &Granted<'_>) {
        let occurrences = granted.series.occurrences();
        if let Some(entry) = self.0.borrow_mut().entries.get_mut(&granted.request) {
            entry.granted = Some(occurrences);
        }
        let what = format!("is granted [{}], {occurrences} times", granted.request.0);
        Journal::tell(now, "actor", &what);
    }

    fn refused(&mut self, now: Now, refused: &Refused<'_>) {
        if let Some(entry) = self.0.borrow_mut().entries.get_mut(&refused.request) {
            entry.refused = true;
        }
        let what = format!("is refused [{}]: {}", refused.request.0, refused.reason);
        Journal::tell(now, "actor", &what);
    }

    fn report(&mut self, now: Now, report: &Report<'_>) {
        let mut journal = self.0.borrow_mut();
        let Some(entry) = journal.entries.get_mut(&report.scan.request) else {
            return;
        };
        let summary = Summary::decode(report.spectrum);
        let peak = summary.as_ref().and_then(|summary| summary.peaks.first());
        let off_by = peak.map(|peak| bins_between(peak.hz, entry.carrier_hz, &report.parameters));
        entry.reports.push(Kept { outcome: report.outcome, off_by });
        let outcome = match report.outcome {
            Outcome::Complete => "complete".to_owned(),
            Outcome::Incomplete => "incomplete".to_owned(),
            Outcome::Rejected(reason) => format!("rejected: {reason}"),
        };
        let found = peak.map_or_else(String::new, |peak| {
            let (khz, dbm) = (peak.hz / 1_000, i32::from(peak.cdbm) / 100);
            format!(", {khz} kHz at {dbm} dBm")
        });
        let (request, occurrence) = (report.scan.request.0, report.scan.occurrence);
        let what = format!("has the report {request}.{occurrence}: {outcome}{found}");
        Journal::tell(now, "actor", &what);
    }

    fn unanswered(&mut self, now: Now, question: Question) {
        let mut journal = self.0.borrow_mut();
        journal.unanswered = journal.unanswered.saturating_add(1);
        Journal::tell(now, "actor", &format!("got no answer to {question:?}"));
    }
}

/// Who watches the SSM: it writes in the journal.
#[derive(Debug)]
pub(crate) struct Watch(pub(crate) SharedJournal);

impl SsmUser for Watch {
    fn device(&mut self, now: Now, device: &str, event: DeviceEvent) {
        let mut journal = self.0.borrow_mut();
        if event == DeviceEvent::Advertised {
            journal.advertised = journal.advertised.saturating_add(1);
        }
        Journal::tell(now, "ssm", &format!("{device} {event}"));
    }
}
