//! What an agent configures here: lines are printed, or a program is told.

use farpost::southbound::agent::{Change, Device, DeviceFault, Event};
use farpost::southbound::messages::CreateEntry;
use farpost::southbound::protobuf::Described;
use farpost::southbound::schedule::{ChangeKey, KeyKind, Moment};
use farpost::time::Now;
use serde_json::{Map, Value, json};

use super::program::Program;
use crate::ams::{Output, event};
use crate::json::Kind;

/// Tells of changes and whatever else happens, and has a program make changes if there is
/// one.
pub(super) struct Teller {
    pub(super) output: Output,
    program: Option<Program>,
}

impl Teller {
    pub(super) const fn new(output: Output, program: Option<Program>) -> Self {
        Self { output, program }
    }

    /// Makes a change, if there is a program for it, and prints it in any case.
    fn make(&mut self, mut line: Map<String, Value>) -> Result<(), DeviceFault> {
        let problem = match &self.program {
            Some(program) => program.run(&Value::Object(line.clone()).to_string()).err(),
            None => None,
        };
        let made = problem.is_none();
        if self.program.is_some() {
            line.insert("made".into(), made.into());
        }
        if let Some(problem) = problem {
            line.insert("message".into(), problem.into());
        }
        self.output.line(line);
        if made { Ok(()) } else { Err(DeviceFault) }
    }
}

impl Device for Teller {
    fn apply(&mut self, _now: Now, change: &Change<'_>) -> Result<(), DeviceFault> {
        let Change { key, time, id, request } = change;
        let mut line = event("apply", about(key));
        line.insert("entry".into(), (*id).into());
        line.insert("due".into(), text(*time).into());
        line.insert("change".into(), described(request));
        self.make(line)
    }

    fn remove(&mut self, _now: Now, key: &ChangeKey<'_>) -> Result<(), DeviceFault> {
        self.make(event("remove", about(key)))
    }

    fn event(&mut self, _now: Now, what: Event<'_>) {
        let line = match what {
            Event::Reset => event("reset", json!({})),
            Event::Connected => event("connected", json!({})),
            Event::Disconnected => event("disconnected", json!({})),
            Event::SeqGap { expected, have } => {
                event("gap", json!({"expected": expected, "have": have}))
            }
            Event::ScheduleFull { seqno } => event("schedule_full", json!({"seqno": seqno})),
            Event::ClockStep(back) => {
                event("clock_set_back", json!({"seconds": back.as_secs_f64()}))
            }
            Event::Unsupported { id } => event("unsupported", json!({"entry": id})),
            other => event("other", json!({"message": format!("{other:?}")})),
        };
        self.output.line(line);
    }
}

/// What a change is about. A route has `from` and `to`, anything else a name.
fn about(key: &ChangeKey<'_>) -> Value {
    let kind = match key.kind {
        KeyKind::Route => return json!({"kind": "route", "from": key.name, "to": key.to}),
        KeyKind::Modem => "modem",
        KeyKind::SrPolicy => "sr_policy",
        KeyKind::Beam => "beam",
        KeyKind::SrPath => "sr_path",
        KeyKind::IpRoute => "ip_route",
        _ => "other",
    };
    json!({"kind": kind, "name": key.name})
}

/// What is to be configured, in the form that `farpost dissect` prints.
fn described(request: &CreateEntry<'_>) -> Value {
    let message = request.raw();
    let mut octets = vec![0; message.len()];
    let dissected = message
        .copy_to(&mut octets)
        .ok()
        .and_then(|octets| Kind::Southbound(CreateEntry::TYPE).dissect(octets).ok());
    dissected.and_then(|mut object| object.remove("json")).unwrap_or_default()
}

/// An instant in UTC.
fn text(time: Moment) -> String {
    let nanos = i32::try_from(time.nanos()).unwrap_or_default();
    match jiff::Timestamp::new(time.seconds(), nanos) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{}s", time.seconds()),
    }
}
