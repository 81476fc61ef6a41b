//! What the machines tell, as JSON lines.

use farpost::host::sensing::Summary;
use farpost::host::tls::{TlsClient, TlsClientStats};
use farpost::scos::actor::{ActorUser, Question};
use farpost::scos::messages::{
    Alternative, Cancelled, Granted, InventoryItem, Outcome, Refused, Report, ScanRequest,
    UsageItem,
};
use farpost::scos::ssm::{DeviceEvent, SsmUser};
use farpost::scos::{ActorId, AssociationEvent, Section, Series, Suspicion};
use farpost::time::{Now, Utc};
use farpost::transport::Address;
use serde_json::{Map, Value, json};

use super::Told;
use super::export::Exporter;
use crate::ams::{event, object};

/// Tells of what an SSM or an Actor does.
pub(crate) struct Teller {
    pub(crate) told: Told,
    /// Where an Actor's reports are saved, if they are.
    pub(crate) exporter: Option<Exporter>,
    /// Whether a request was refused or not answered.
    pub(crate) failed: bool,
}

impl Teller {
    pub(crate) const fn new(told: Told) -> Self {
        Self { told, exporter: None, failed: false }
    }

    fn line(&self, name: &str, details: Value) {
        self.told.borrow_mut().line(event(name, details));
    }

    fn say_report(&self, report: &Report<'_>) {
        let reason = match report.outcome {
            Outcome::Rejected(reason) => Some(reason.name()),
            _ => None,
        };
        let scan = report.scan;
        let mut line = event(
            "report",
            json!({"actor": scan.actor.0, "request": scan.request.0,
                   "occurrence": scan.occurrence, "start": minute(report.start),
                   "outcome": report.outcome.name(), "reason": reason,
                   "time_to_complete_ms": report.time_to_complete_ms}),
        );
        line.extend(spectrum(report));
        self.told.borrow_mut().line(line);
    }
}

/// What a granted request is.
fn granted_members(granted: &Granted<'_>) -> Map<String, Value> {
    let mut members = object(json!({"actor": granted.actor.0, "request": granted.request.0,
                                    "device": granted.device}));
    members.extend(series(&granted.series));
    if let Some(keep) = granted.replaced {
        members.insert("replaced_keep".into(), keep.into());
    }
    members
}

/// What a refused request is.
fn refused_members(refused: &Refused<'_>) -> Map<String, Value> {
    let alternative = refused
        .alternative
        .map(|Alternative { device, start }| json!({"device": device, "start": minute(start)}));
    object(json!({"actor": refused.actor.0, "request": refused.request.0,
                  "reason": refused.reason.name(), "message": refused.reason.to_string(),
                  "first_conflict": refused.first_conflict.map(minute),
                  "alternative": alternative}))
}

fn cancelled_members(cancelled: &Cancelled) -> Value {
    let Cancelled { actor, request, keep } = cancelled;
    json!({"actor": actor.0, "request": request.0, "keep": keep})
}

/// What the spectrum of a report says in short, if it is one of the sensors here.
fn spectrum(report: &Report<'_>) -> Map<String, Value> {
    let Some(summary) = Summary::decode(report.spectrum) else {
        let octets = report.spectrum.len();
        return object(json!({"spectrum_octets": Some(octets).filter(|octets| *octets > 0)}));
    };
    let dbm = |cdbm: i16| f64::from(cdbm) / 100.0;
    let peaks: Vec<_> =
        summary.peaks.iter().map(|peak| json!({"hz": peak.hz, "dbm": dbm(peak.cdbm)})).collect();
    object(json!({"points": summary.points.len(),
                  "noise_floor_dbm": dbm(summary.noise_floor_cdbm),
                  "occupancy_percent": f64::from(summary.occupancy_permille) / 10.0,
                  "peaks": peaks, "overload": summary.overload}))
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
        let why = match why {
            Suspicion::Limited => "limited",
            Suspicion::OtherIdentity => "other_identity",
            Suspicion::UnknownDevice => "unknown_device",
            Suspicion::WrongKey => "wrong_key",
            Suspicion::StaleNonce => "stale_nonce",
            Suspicion::WrongProof => "wrong_proof",
            _ => "suspicious",
        };
        self.line("intruder", json!({"device": device, "why": why}));
    }

    fn usurper(&mut self, _now: Now, actor: ActorId, _from: &Address) {
        self.line("usurper", json!({"actor": actor.0}));
    }

    fn granted(&mut self, _now: Now, _request: &ScanRequest<'_>, granted: &Granted<'_>) {
        self.line("granted", Value::Object(granted_members(granted)));
    }

    fn refused(&mut self, _now: Now, _request: &ScanRequest<'_>, refused: &Refused<'_>) {
        self.line("refused", Value::Object(refused_members(refused)));
    }

    fn cancelled(&mut self, _now: Now, cancelled: &Cancelled) {
        self.line("cancelled", cancelled_members(cancelled));
    }

    fn displaced(&mut self, _now: Now, displaced: &Cancelled) {
        self.line("displaced", cancelled_members(displaced));
    }

    fn report(&mut self, _now: Now, report: &Report<'_>) {
        self.say_report(report);
    }
}

impl ActorUser for Teller {
    fn granted(&mut self, _now: Now, granted: &Granted<'_>) {
        self.line("granted", Value::Object(granted_members(granted)));
        if let Some(exporter) = &mut self.exporter {
            exporter.granted(granted);
        }
    }

    fn refused(&mut self, _now: Now, refused: &Refused<'_>) {
        self.failed = true;
        self.line("refused", Value::Object(refused_members(refused)));
    }

    fn tried(&mut self, _now: Now, answer: Result<&Granted<'_>, &Refused<'_>>) {
        let (result, mut members) = match answer {
            Ok(granted) => ("granted", granted_members(granted)),
            Err(refused) => ("refused", refused_members(refused)),
        };
        self.failed |= answer.is_err();
        members.insert("result".into(), result.into());
        self.line("tried", Value::Object(members));
    }

    fn cancelled(&mut self, _now: Now, cancelled: &Cancelled) {
        self.line("cancelled", cancelled_members(cancelled));
    }

    fn report(&mut self, _now: Now, report: &Report<'_>) {
        self.say_report(report);
        if let Some(exporter) = &mut self.exporter {
            exporter.report(report);
        }
    }

    fn inventory(&mut self, _now: Now, item: &InventoryItem<'_>) {
        if let Some(exporter) = &mut self.exporter {
            exporter.inventory(item);
            if exporter.is_quiet() {
                return;
            }
        }
        let device = item.device.map(|device| {
            let schedule: Vec<_> = device
                .schedule
                .iter()
                .map(|entry| {
                    let mut line =
                        object(json!({"actor": entry.actor.0, "request": entry.request.0}));
                    line.extend(series(&entry.series));
                    Value::Object(line)
                })
                .collect();
            let metadata: Vec<_> = device.metadata.iter().map(|one| section(&one)).collect();
            json!({"device": device.device, "ttl_s": device.remaining_ttl_s,
                   "metadata": metadata, "schedule": schedule})
        });
        self.line("inventory", json!({"device": device, "last": item.next.is_none()}));
    }

    fn usage(&mut self, _now: Now, item: &UsageItem) {
        let usage = item.usage.map(|usage| {
            json!({"actor": usage.actor.0, "granted_minutes": usage.granted_minutes,
                   "cancelled_minutes": usage.cancelled_minutes, "complete": usage.complete,
                   "incomplete": usage.incomplete, "rejected": usage.rejected,
                   "excess_permille": usage.excess_permille()})
        });
        self.line("usage", json!({"usage": usage, "last": item.next.is_none()}));
    }

    fn unanswered(&mut self, _now: Now, question: Question) {
        self.failed = true;
        let (what, request) = match question {
            Question::Scan(request) => ("scan", Some(request.0)),
            Question::DryRun(request) => ("dry_run", Some(request.0)),
            Question::Cancel(request) => ("cancel", Some(request.0)),
            Question::Usage => ("usage", None),
            _ => ("inventory", None),
        };
        self.line("unanswered", json!({"question": what, "request": request}));
    }
}

/// A section of the metadata of a device, under its name.
fn section(section: &Section<'_>) -> Value {
    let key = section.key();
    // A variant with its content: the content is what is told.
    let content = serde_json::to_value(section).ok();
    let content = content.and_then(|value| match value {
        Value::Object(members) => members.into_iter().next().map(|(_, content)| content),
        _ => None,
    });
    let mut members = Map::new();
    members.insert("section".into(), key.kind.name().into());
    match content {
        Some(Value::Object(content)) => {
            members.extend(content.into_iter().filter(|(_, value)| !value.is_null()));
        }
        other => members.extend(other.map(|other| ("content".to_owned(), other))),
    }
    Value::Object(members)
}

/// Tells of a device's association.
pub(super) fn association(told: &Told, event_of: AssociationEvent) {
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

/// Tells of a link that is up or not since it was last told, and why it does not come up.
pub(super) fn link_changed(
    told: &Told,
    link: &TlsClient,
    (was_up, before): &mut (bool, TlsClientStats),
) {
    let stats = *link.stats();
    let reasons = [
        (stats.handshakes_refused > before.handshakes_refused, "refused", REFUSED),
        (stats.wrong_servers > before.wrong_servers, "wrong_server", WRONG_SERVER),
        (stats.handshakes_timed_out > before.handshakes_timed_out, "timed_out", ""),
        (stats.unresolved > before.unresolved, "unresolved", "the name is not known"),
        (stats.unconnected > before.unconnected, "unconnected", "nobody listens there"),
    ];
    let is_up = link.is_up();
    if is_up && !*was_up {
        told.borrow_mut().line(event("link", json!({"state": "up"})));
    } else if !is_up && *was_up {
        told.borrow_mut().line(event("link", json!({"state": "down"})));
    }
    for (_, state, message) in reasons.into_iter().filter(|(is_new, ..)| *is_new) {
        let message = Some(message).filter(|message| !message.is_empty());
        told.borrow_mut().line(event("link", json!({"state": state, "message": message})));
    }
    (*was_up, *before) = (is_up, stats);
}

const REFUSED: &str = "the SSM has no such identity on its list, or another key of it";
const WRONG_SERVER: &str = "who listens there has not got the key";

fn series(series: &Series) -> Map<String, Value> {
    let offset = Some(series.offset).filter(|_| series.repeats > 0);
    object(json!({"start": minute(series.start), "minutes": series.minutes,
                  "repeats": series.repeats, "offset_minutes": offset}))
}

fn minute(minute: i64) -> String {
    Utc::from_unix_minute(minute).to_string()
}
