//! What the machines tell, as JSON lines.

use farpost::host::sensing::Summary;
use farpost::scos::actor::{ActorUser, Question};
use farpost::scos::messages::{
    Cancelled, Granted, InventoryItem, Outcome, Refused, Report, ScanRequest,
};
use farpost::scos::ssm::{DeviceEvent, SsmUser};
use farpost::scos::{ActorId, AssociationEvent, Series, Suspicion};
use farpost::time::{Now, Utc};
use farpost::transport::Address;
use serde_json::{Map, Value, json};

use super::Told;
use crate::ams::event;

/// Tells of what an SSM or an Actor does.
#[derive(Debug)]
pub(crate) struct Teller {
    pub(crate) told: Told,
    /// What an Actor has received since it was last looked at: spectra to be saved.
    pub(crate) spectra: Vec<(String, Vec<u8>)>,
    /// Whether a request was refused or not answered.
    pub(crate) failed: bool,
}

impl Teller {
    pub(crate) const fn new(told: Told) -> Self {
        Self { told, spectra: Vec::new(), failed: false }
    }

    fn line(&self, name: &str, details: Value) {
        self.told.borrow_mut().line(event(name, details));
    }

    fn say_granted(&self, granted: &Granted<'_>) {
        let mut line = event(
            "granted",
            json!({"actor": granted.actor.0, "request": granted.request.0,
                   "device": granted.device}),
        );
        line.extend(series(&granted.series));
        self.told.borrow_mut().line(line);
    }

    fn say_refused(&self, refused: &Refused) {
        let conflict = refused.first_conflict.map(|minute| time(Utc::from_unix_minute(minute)));
        self.line(
            "refused",
            json!({"actor": refused.actor.0, "request": refused.request.0,
                   "reason": refused.reason.name(), "message": refused.reason.to_string(),
                   "first_conflict": conflict}),
        );
    }

    fn say_cancelled(&self, cancelled: &Cancelled) {
        let Cancelled { actor, request, keep } = cancelled;
        self.line("cancelled", json!({"actor": actor.0, "request": request.0, "keep": keep}));
    }

    fn say_report(&self, report: &Report<'_>) {
        let reason = match report.outcome {
            Outcome::Rejected(reason) => Some(reason.name()),
            _ => None,
        };
        let scan = report.scan;
        self.line(
            "report",
            json!({"actor": scan.actor.0, "request": scan.request.0,
                   "occurrence": scan.occurrence,
                   "start": time(Utc::from_unix_minute(report.start)),
                   "outcome": report.outcome.name(), "reason": reason,
                   "time_to_complete_ms": report.time_to_complete_ms,
                   "spectrum_octets": report.spectrum.len()}),
        );
    }
}

impl SsmUser for Teller {
    fn device(&mut self, _now: Now, device: &str, event: DeviceEvent) {
        let state = match event {
            DeviceEvent::Associated => "associated",
            DeviceEvent::Restarted => "restarted",
            DeviceEvent::Advertised => "advertised",
            DeviceEvent::Disassociated => "disassociated",
            DeviceEvent::Expired => "expired",
            _ => "changed",
        };
        self.line("device", json!({"device": device, "state": state}));
    }

    fn intruder(&mut self, _now: Now, device: &str, _from: &Address, why: Suspicion) {
        self.line("intruder", json!({"device": device, "why": format!("{why:?}")}));
    }

    fn usurper(&mut self, _now: Now, actor: ActorId, _from: &Address) {
        self.line("usurper", json!({"actor": actor.0}));
    }

    fn granted(&mut self, _now: Now, _request: &ScanRequest<'_>, granted: &Granted<'_>) {
        self.say_granted(granted);
    }

    fn refused(&mut self, _now: Now, _request: &ScanRequest<'_>, refused: &Refused) {
        self.say_refused(refused);
    }

    fn cancelled(&mut self, _now: Now, cancelled: &Cancelled) {
        self.say_cancelled(cancelled);
    }

    fn report(&mut self, _now: Now, report: &Report<'_>) {
        self.say_report(report);
    }
}

impl ActorUser for Teller {
    fn granted(&mut self, _now: Now, granted: &Granted<'_>) {
        self.say_granted(granted);
    }

    fn refused(&mut self, _now: Now, refused: &Refused) {
        self.failed = true;
        self.say_refused(refused);
    }

    fn cancelled(&mut self, _now: Now, cancelled: &Cancelled) {
        self.say_cancelled(cancelled);
    }

    fn report(&mut self, _now: Now, report: &Report<'_>) {
        self.say_report(report);
        if !report.spectrum.is_empty() {
            let scan = report.scan;
            let name = format!("{}-{}-{}", scan.actor.0, scan.request.0, scan.occurrence);
            self.spectra.push((name, report.spectrum.to_vec()));
        }
    }

    fn inventory(&mut self, _now: Now, item: &InventoryItem<'_>) {
        let device = item.device.map(|device| {
            let schedule: Vec<_> = device
                .schedule
                .iter()
                .map(|entry| {
                    let mut line = Map::new();
                    line.insert("actor".into(), entry.actor.0.into());
                    line.insert("request".into(), entry.request.0.into());
                    line.extend(series(&entry.series));
                    Value::Object(line)
                })
                .collect();
            let metadata: Vec<_> =
                device.metadata.iter().map(|section| format!("{section:?}")).collect();
            json!({"device": device.device, "ttl_s": device.remaining_ttl_s,
                   "metadata": metadata, "schedule": schedule})
        });
        self.line("inventory", json!({"device": device, "last": item.next.is_none()}));
    }

    fn unanswered(&mut self, _now: Now, question: Question) {
        self.failed = true;
        let (what, request) = match question {
            Question::Scan(request) => ("scan", Some(request.0)),
            Question::Cancel(request) => ("cancel", Some(request.0)),
            _ => ("inventory", None),
        };
        self.line("unanswered", json!({"question": what, "request": request}));
    }
}

/// Tells of a device's association.
pub(crate) fn association(told: &Told, event_of: AssociationEvent) {
    let (state, reason) = match event_of {
        AssociationEvent::Associated => ("associated", None),
        AssociationEvent::Refused(reason) => ("refused", Some(format!("{reason:?}"))),
        AssociationEvent::Lost => ("lost", None),
        AssociationEvent::Left => ("left", None),
        AssociationEvent::CannotProve => ("cannot_prove", None),
        _ => ("changed", None),
    };
    told.borrow_mut().line(event("association", json!({"state": state, "reason": reason})));
}

/// A spectrum as text: a line for each point, frequency in hertz and power in dBm.
pub(crate) fn spectrum_text(octets: &[u8]) -> Option<String> {
    let summary = Summary::decode(octets)?;
    let powers: Vec<_> = summary.dbm().collect();
    Some(
        powers
            .iter()
            .enumerate()
            .fold("# point dBm\n".to_owned(), |text, (at, dbm)| format!("{text}{at} {dbm:.1}\n")),
    )
}

fn series(series: &Series) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("start".into(), time(Utc::from_unix_minute(series.start)).into());
    line.insert("minutes".into(), series.minutes.into());
    line.insert("repeats".into(), series.repeats.into());
    if series.repeats > 0 {
        line.insert("offset_minutes".into(), series.offset.into());
    }
    line
}

fn time(utc: Utc) -> String {
    utc.to_string()
}
