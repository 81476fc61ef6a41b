//! What happens, told as it happens and added up at the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::rc::Rc;

use farpost::ams::gateway::{Gateway, StoreStats};
use farpost::host::sensing::Summary;
use farpost::scos::actor::{ActorUser, Question};
use farpost::scos::messages::{Granted, InventoryItem, Outcome, Refused, Report};
use farpost::scos::ssm::{DeviceEvent, SsmUser};
use farpost::scos::{RequestId, Series, Suspicion};
use farpost::time::{Now, Utc};
use farpost::transport::Address;
use serde_json::json;

use super::script::{ACTORS, DEVICES, Plan};

/// The journal as its writers share it.
pub(crate) type SharedJournal = Rc<RefCell<Journal>>;

/// A request and what became of it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) plan: Plan,
    /// The slots, once granted.
    pub(crate) series: Option<Series>,
    refused: bool,
    pub(crate) reports: Vec<Kept>,
}

/// A report that was received.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) start: Utc,
    pub(crate) outcome: Outcome,
    pub(crate) spectrum: Option<Summary>,
}

/// What a gateway stored while its link was away.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored {
    pub(crate) kept: u32,
    delivered: u32,
    /// Messages it could not forward or deliver, or still has.
    lost: u32,
}

impl Stored {
    pub(crate) fn of(gateway: &Gateway<'_>) -> Self {
        let StoreStats { kept, delivered, refused, .. } = *gateway.store_stats();
        let stats = gateway.stats();
        let lost = [refused, stats.too_long, stats.no_conduit, stats.not_invited];
        let lost = lost.into_iter().sum::<u32>() + stats.not_delivered + (kept - delivered);
        Self { kept, delivered, lost }
    }
}

/// All that is told.
#[derive(Debug)]
pub(crate) struct Journal {
    pub(crate) entries: BTreeMap<(usize, RequestId), Entry>,
    reports: BufWriter<File>,
    write_error: Option<io::Error>,
    inventory: [usize; ACTORS.len()],
    /// How often a device has told what it can do.
    advertised: usize,
    unanswered: usize,
    progress: bool,
}

impl Journal {
    pub(crate) fn create(out: &Path) -> io::Result<SharedJournal> {
        Ok(Rc::new(RefCell::new(Self {
            entries: BTreeMap::new(),
            reports: BufWriter::new(File::create(out.join("reports.jsonl"))?),
            write_error: None,
            inventory: [0; ACTORS.len()],
            advertised: 0,
            unanswered: 0,
            progress: io::stderr().is_terminal(),
        })))
    }

    /// Tells a line of the timeline.
    pub(crate) fn tell(&self, now: Now, who: &str, what: &str) {
        if self.progress {
            eprint!("\r\x1b[K");
        }
        let time = now.utc.to_string();
        println!("{}  {who:<8} {what}", time.get(11..19).unwrap_or(&time));
    }

    /// Shows how far it has come, on a terminal.
    pub(crate) fn show_progress(&self, now: Now) {
        if !self.progress {
            return;
        }
        let (owed, got) = (self.owed(), self.received());
        let done = (30 * got).checked_div(owed).unwrap_or(0);
        let time = now.utc.to_string();
        eprint!(
            "\r\x1b[K{}  [{}{}] {got} of {owed} reports",
            time.get(11..19).unwrap_or(&time),
            "#".repeat(done),
            ".".repeat(30_usize.saturating_sub(done)),
        );
    }

    pub(crate) fn asked(&mut self, now: Now, actor: usize, request: RequestId, plan: Plan) {
        let what = format!("asks for {} from {} [{}]", plan.about, plan.device, request.0);
        self.tell(now, name(actor), &what);
        let entry = Entry { plan, series: None, refused: false, reports: Vec::new() };
        self.entries.insert((actor, request), entry);
    }

    /// Whether every device can be asked for scans, and nothing asked is unanswered.
    pub(crate) fn is_ready(&self) -> bool {
        self.advertised >= DEVICES.len() && self.is_answered()
    }

    fn is_answered(&self) -> bool {
        self.entries.values().all(|entry| entry.refused || entry.series.is_some())
    }

    /// Whether everything asked for is answered and reported.
    pub(crate) fn is_complete(&self) -> bool {
        !self.entries.is_empty()
            && self.is_answered()
            && self.received() == self.owed()
            && self.inventory.iter().all(|devices| *devices > 0)
    }

    fn owed(&self) -> usize {
        let granted = self.entries.values().filter_map(|entry| entry.series);
        granted.map(|series| usize::from(series.occurrences())).sum()
    }

    fn received(&self) -> usize {
        self.entries.values().map(|entry| entry.reports.len()).sum()
    }

    /// Prints the sums. True when they are right.
    pub(crate) fn summarise(&self, finished: bool, stored: &[Stored; 2], out: &Path) -> bool {
        let count = |wanted: fn(&Entry) -> bool| -> usize {
            self.entries.values().filter(|entry| wanted(entry)).count()
        };
        let ended = |wanted: fn(Outcome) -> bool| -> usize {
            let reports = self.entries.values().flat_map(|entry| &entry.reports);
            reports.filter(|report| wanted(report.outcome)).count()
        };
        let requests = self.entries.len();
        let granted = count(|entry| entry.series.is_some());
        let refused = count(|entry| entry.refused);
        let complete = ended(|outcome| outcome == Outcome::Complete);
        let incomplete = ended(|outcome| outcome == Outcome::Incomplete);
        let rejected = ended(|outcome| matches!(outcome, Outcome::Rejected(_)));
        let as_expected =
            self.entries.values().all(|entry| entry.plan.granted == entry.series.is_some());
        if self.progress {
            eprint!("\r\x1b[K");
        }
        println!();
        println!("requests     {requests:3} = {granted} granted + {refused} refused");
        println!(
            "occurrences  {:3} = {complete} complete + {incomplete} incomplete + {rejected} rejected",
            self.owed()
        );
        println!("reports      {:3}", self.received());
        let [field, centre] = stored;
        println!(
            "stored       {:3} = {} in the field + {} in the centre while the link was away, {} delivered",
            field.kept + centre.kept,
            field.kept,
            centre.kept,
            field.delivered + centre.delivered
        );
        println!("wrote {} and reports.jsonl beside it", out.join("network.svg").display());
        let too_long = self.entries.values().filter(|entry| entry.plan.too_long).count();
        let outcomes = complete > 0 && rejected > 0 && incomplete >= too_long;
        let sums = requests == granted + refused
            && self.owed() == self.received()
            && self.received() == complete + incomplete + rejected;
        let mut right = true;
        for (holds, what) in [
            (finished, "not everything was answered and reported in time"),
            (sums, "the sums are not right"),
            (as_expected, "a request was granted or refused against expectation"),
            (outcomes, "an outcome did not occur"),
            (self.unanswered == 0, "a question was not answered"),
            (stored.iter().all(|it| it.kept > 0), "a gateway had nothing to store"),
            (stored.iter().all(|it| it.lost == 0), "a gateway has lost a message"),
            (self.write_error.is_none(), "reports.jsonl could not be written"),
        ] {
            if !holds {
                println!("WRONG: {what}");
                right = false;
            }
        }
        right
    }

    fn report(&mut self, now: Now, actor: usize, report: &Report<'_>) {
        let Some(entry) = self.entries.get_mut(&(actor, report.scan.request)) else {
            return;
        };
        let spectrum = Summary::decode(report.spectrum);
        let start = Utc::from_unix_minute(report.start);
        let outcome = report.outcome;
        let device = entry.plan.device;
        entry.reports.push(Kept { start, outcome, spectrum: spectrum.clone() });
        let outcome = match outcome {
            Outcome::Complete => "complete".to_owned(),
            Outcome::Incomplete => "incomplete".to_owned(),
            Outcome::Rejected(reason) => format!("rejected: {reason}"),
        };
        let found = spectrum.as_ref().map_or_else(String::new, |summary| {
            let peak = summary.peaks.first().map_or_else(String::new, |peak| {
                let dbm = f64::from(peak.cdbm) / 100.0;
                format!(", strongest {:.3} MHz at {dbm:.0} dBm", megahertz(peak.hz))
            });
            format!(", {:.0} % in use{peak}", f64::from(summary.occupancy_permille) / 10.0)
        });
        let seconds = f64::from(report.time_to_complete_ms) / 1_000.0;
        let what = format!(
            "report {}.{} from {device}: {outcome} in {seconds:.1} s{found}",
            report.scan.request.0, report.scan.occurrence,
        );
        self.tell(now, name(actor), &what);
        self.write_line(now, actor, device, report, spectrum.as_ref());
    }

    fn write_line(
        &mut self,
        now: Now,
        actor: usize,
        device: &str,
        report: &Report<'_>,
        spectrum: Option<&Summary>,
    ) {
        let parameters = &report.parameters;
        let (outcome, reason) = match report.outcome {
            Outcome::Complete => ("complete", None),
            Outcome::Incomplete => ("incomplete", None),
            Outcome::Rejected(reason) => ("rejected", Some(reason.to_string())),
        };
        let line = json!({
            "received": now.utc.to_string(),
            "actor": name(actor),
            "request": report.scan.request.0,
            "occurrence": report.scan.occurrence,
            "device": device,
            "start": Utc::from_unix_minute(report.start).to_string(),
            "outcome": outcome,
            "reason": reason,
            "time_to_complete_ms": report.time_to_complete_ms,
            "parameters": {
                "center_hz": parameters.center_hz,
                "bandwidth_hz": parameters.bandwidth_hz,
                "resolution_hz": parameters.resolution_hz,
                "transforms": parameters.transforms,
                "detector": format!("{:?}", parameters.detector).to_lowercase(),
                "window": format!("{:?}", parameters.window).to_lowercase(),
                "gain_db": parameters.gain_db,
            },
            "spectrum": spectrum.map(|summary| json!({
                "low_hz": summary.low_hz,
                "high_hz": summary.high_hz,
                "noise_floor_dbm": f64::from(summary.noise_floor_cdbm) / 100.0,
                "occupancy": f64::from(summary.occupancy_permille) / 1_000.0,
                "overload": summary.overload,
                "peaks": summary.peaks.iter().map(|peak| json!({
                    "hz": peak.hz,
                    "dbm": f64::from(peak.cdbm) / 100.0,
                })).collect::<Vec<_>>(),
                "dbm": summary.dbm().collect::<Vec<_>>(),
            })),
        });
        let written = writeln!(self.reports, "{line}").and_then(|()| self.reports.flush());
        self.write_error = self.write_error.take().or(written.err());
    }
}

#[allow(clippy::as_conversions, reason = "frequencies are far below 2^53")]
fn megahertz(hz: u64) -> f64 {
    hz as f64 / 1e6
}

fn name(actor: usize) -> &'static str {
    ACTORS.get(actor).copied().unwrap_or("?")
}

/// An Actor's user: it writes in the journal.
#[derive(Debug)]
pub(crate) struct Notes {
    pub(crate) actor: usize,
    pub(crate) journal: SharedJournal,
}

impl ActorUser for Notes {
    fn granted(&mut self, now: Now, granted: &Granted<'_>) {
        let mut journal = self.journal.borrow_mut();
        let series = granted.series;
        if let Some(entry) = journal.entries.get_mut(&(self.actor, granted.request)) {
            entry.series = Some(series);
        }
        let first = series.start_of(0).to_string();
        let times = match series.repeats {
            0 => String::new(),
            more => format!(" and {more} times more, every {} minutes", series.offset),
        };
        let what = format!(
            "is granted [{}]: {} for {} min{times}",
            granted.request.0,
            first.get(11..16).unwrap_or(&first),
            series.minutes
        );
        journal.tell(now, name(self.actor), &what);
    }

    fn refused(&mut self, now: Now, refused: &Refused<'_>) {
        let mut journal = self.journal.borrow_mut();
        if let Some(entry) = journal.entries.get_mut(&(self.actor, refused.request)) {
            entry.refused = true;
        }
        let conflict = refused.first_conflict.map_or_else(String::new, |minute| {
            let time = Utc::from_unix_minute(minute).to_string();
            format!(", first in the way {}", time.get(11..16).unwrap_or(&time))
        });
        let what = format!("is refused [{}]: {}{conflict}", refused.request.0, refused.reason);
        journal.tell(now, name(self.actor), &what);
    }

    fn report(&mut self, now: Now, report: &Report<'_>) {
        self.journal.borrow_mut().report(now, self.actor, report);
    }

    fn inventory(&mut self, now: Now, item: &InventoryItem<'_>) {
        let Some(device) = item.device else {
            return;
        };
        let mut journal = self.journal.borrow_mut();
        if let Some(devices) = journal.inventory.get_mut(self.actor) {
            *devices += 1;
        }
        let what =
            format!("sees {} in the inventory, TTL {} s", device.device, device.remaining_ttl_s);
        journal.tell(now, name(self.actor), &what);
    }

    fn unanswered(&mut self, now: Now, question: Question) {
        let mut journal = self.journal.borrow_mut();
        journal.unanswered += 1;
        journal.tell(now, name(self.actor), &format!("got no answer to {question:?}"));
    }
}

/// Who watches the SSM: it writes in the journal.
#[derive(Debug)]
pub(crate) struct Watch(pub(crate) SharedJournal);

impl SsmUser for Watch {
    fn device(&mut self, now: Now, device: &str, event: DeviceEvent) {
        let mut journal = self.0.borrow_mut();
        journal.advertised += usize::from(event == DeviceEvent::Advertised);
        journal.tell(now, "ssm", &format!("{device} {event}"));
    }

    fn intruder(&mut self, now: Now, device: &str, _from: &Address, _why: Suspicion) {
        self.0.borrow().tell(now, "ssm", &format!("turned {device} away"));
    }
}
