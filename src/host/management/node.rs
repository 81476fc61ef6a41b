//! A node of the ION Admin ADM in a TOML file: what its agent says of the node is there, and
//! what its managers change is written there.
//!
//! ```toml
//! number = 2                          # without it there is no node yet: node_init makes it
//! version = "ION-OPEN-SOURCE 4.1.3"
//! clock_error = 1                     # seconds
//! clock_sync = true
//! consumption_rate = 125000           # octets a second; what is not known is left out
//! inbound_heap_limit = 30             # megabytes
//! ref_time = "2026-11-29T10:00:00Z"
//! time_delta = 0                      # seconds
//!
//! [[contact]]
//! start = "2026-11-29T10:00:00Z"
//! stop = "2026-11-29T11:00:00Z"
//! from = 2
//! to = 3
//! rate = 125000                       # octets a second
//! confidence = 1                      # 0 or 1
//!
//! [[range]]
//! start = "2026-11-29T10:00:00Z"
//! stop = "2026-11-29T11:00:00Z"
//! node = 2
//! other = 3
//! distance = 1                        # light seconds
//! ```
//!
//! Besides there are `congestion_alarm`, a text, `congestion_end`, in seconds,
//! `production_rate`, `config_file`, and the limits `inbound_file_system_limit`,
//! `outbound_heap_limit` and `outbound_file_system_limit`.
//!
//! The file may be edited while an agent runs: it is read again when it has changed. One
//! that cannot be used is told, and neither obeyed nor written over. What is written has no
//! comments.

use std::borrow::ToOwned;
use std::fmt;
use std::format;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::management::agent::Failed;
use crate::management::amp::{Epoch, TimeValue};
use crate::management::ion::{Contact, IonAdmin, IonControl, IonState, Range};
use crate::time::{Now, Utc};

/// Why a file is not that of a node, or a node did not do what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeError {
    file: PathBuf,
    problem: String,
}

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.problem)
    }
}

impl core::error::Error for NodeError {}

/// A time of the file, in whole seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(i64);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let time = Timestamp::from_second(self.0).map_err(serde::ser::Error::custom)?;
        to.collect_str(&time)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let time: Timestamp = text.parse().map_err(|_| {
            let problem = format!("`{text}` is no time such as \"2026-11-29T10:00:00Z\"");
            serde::de::Error::custom(problem)
        })?;
        Ok(Self(time.as_second()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptContact {
    start: Moment,
    stop: Moment,
    from: u32,
    to: u32,
    rate: u64,
    #[serde(default = "one")]
    confidence: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptRange {
    start: Moment,
    stop: Moment,
    node: u32,
    other: u32,
    distance: u32,
}

/// What is in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Kept {
    number: Option<u32>,
    config_file: Option<String>,
    version: String,
    clock_error: u32,
    clock_sync: bool,
    congestion_alarm: Option<String>,
    congestion_end: Option<u32>,
    consumption_rate: Option<u32>,
    production_rate: Option<u32>,
    inbound_heap_limit: Option<u32>,
    inbound_file_system_limit: Option<u32>,
    outbound_heap_limit: Option<u32>,
    outbound_file_system_limit: Option<u32>,
    ref_time: Option<Moment>,
    time_delta: i32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contact: Vec<KeptContact>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    range: Vec<KeptRange>,
}

const fn one() -> u64 {
    1
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            number: None,
            config_file: None,
            version: String::new(),
            clock_error: 1,
            clock_sync: false,
            congestion_alarm: None,
            congestion_end: None,
            consumption_rate: None,
            production_rate: None,
            inbound_heap_limit: None,
            inbound_file_system_limit: None,
            outbound_heap_limit: None,
            outbound_file_system_limit: None,
            ref_time: None,
            time_delta: 0,
            contact: Vec::new(),
            range: Vec::new(),
        }
    }
}

impl Kept {
    fn read(text: &str) -> Result<Self, String> {
        let kept: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if kept.number == Some(0) {
            return Err("no node has the number 0".to_string());
        }
        let spans = (kept.contact.iter().map(|one| ("contact", one.start, one.stop)))
            .chain(kept.range.iter().map(|one| ("range", one.start, one.stop)));
        for (what, start, stop) in spans {
            if start >= stop {
                return Err(format!("a {what} ends before it starts"));
            }
            if start.0 <= FIRST {
                return Err(format!("a {what} starts before 2017-09-10, which AMP cannot tell"));
            }
        }
        if kept.contact.iter().any(|one| one.confidence > 1) {
            return Err("the confidence of a contact is 0 or 1".to_string());
        }
        Ok(kept)
    }

    /// Changes it; `None` where it is not to be so.
    fn change(&mut self, control: &IonControl<'_>, times: Times) -> Option<()> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_string());
        let set = |limit: &mut Option<u32>, to: Option<u32>| *limit = to.or(*limit);
        match *control {
            IonControl::Init(number, file) => {
                // There is a node already.
                if self.number.is_some() {
                    return None;
                }
                self.number = Some(number);
                self.config_file = file.map(str::to_string);
            }
            IonControl::ClockError(seconds) => self.clock_error = seconds,
            IonControl::ClockSync(synchronised) => self.clock_sync = synchronised,
            IonControl::CongestionAlarm(text) => self.congestion_alarm = given(text),
            IonControl::CongestionEnd(seconds) => self.congestion_end = seconds,
            IonControl::ConsumptionRate(rate) => self.consumption_rate = rate,
            IonControl::ProductionRate(rate) => self.production_rate = rate,
            IonControl::AddContact(Contact { start, stop, from, to, rate, confidence }) => {
                let (start, stop) = (times.moment(start), times.moment(stop));
                let new = KeptContact { start, stop, from, to, rate, confidence };
                let overlaps = |one: &KeptContact| {
                    (one.from, one.to) == (from, to) && one.start < stop && start < one.stop
                };
                if start >= stop || self.contact.iter().any(overlaps) {
                    return None;
                }
                self.contact.push(new);
                self.contact.sort_by_key(|one| (one.start, one.from, one.to));
            }
            IonControl::RemoveContact(start, from, to) => {
                let start = start.map(|start| times.moment(start));
                remove(&mut self.contact, |one| {
                    (one.from, one.to) == (from, to) && start.is_none_or(|at| at == one.start)
                })?;
            }
            IonControl::AddRange(Range { start, stop, node, other, distance }) => {
                let (start, stop) = (times.moment(start), times.moment(stop));
                let new = KeptRange { start, stop, node, other, distance };
                let overlaps = |one: &KeptRange| {
                    (one.node, one.other) == (node, other) && one.start < stop && start < one.stop
                };
                if start >= stop || self.range.iter().any(overlaps) {
                    return None;
                }
                self.range.push(new);
                self.range.sort_by_key(|one| (one.start, one.node, one.other));
            }
            IonControl::RemoveRange(start, node, other) => {
                let start = start.map(|start| times.moment(start));
                remove(&mut self.range, |one| {
                    (one.node, one.other) == (node, other) && start.is_none_or(|at| at == one.start)
                })?;
            }
            IonControl::InboundLimits(heap, files) => {
                set(&mut self.inbound_heap_limit, heap);
                set(&mut self.inbound_file_system_limit, files);
            }
            IonControl::OutboundLimits(heap, files) => {
                set(&mut self.outbound_heap_limit, heap);
                set(&mut self.outbound_file_system_limit, files);
            }
            IonControl::RefTime(time) => self.ref_time = Some(times.resolve(time)),
            IonControl::TimeDelta(seconds) => self.time_delta = seconds,
        }
        Some(())
    }
}

/// Removes what is `gone`; `None` where there is nothing of it.
fn remove<T>(all: &mut Vec<T>, gone: impl Fn(&T) -> bool) -> Option<()> {
    let before = all.len();
    all.retain(|one| !gone(one));
    (all.len() < before).then_some(())
}

/// 2017-09-09, where AMP has its relative times end.
const FIRST: i64 = 1_504_915_200;

/// What time values mean to the node.
#[derive(Clone, Copy)]
struct Times {
    epoch: Epoch,
    /// What relative times are after.
    reference: Moment,
}

impl Times {
    fn resolve(self, time: TimeValue) -> Moment {
        Moment(match time {
            TimeValue::At(utc) => utc.unix_seconds(),
            TimeValue::After(seconds) => self.reference.0.saturating_add(seconds.into()),
        })
    }

    fn moment(self, time: u64) -> Moment {
        self.resolve(self.epoch.time_value(time))
    }
}

/// A node in a file.
#[derive(Debug)]
pub struct NodeFile {
    file: PathBuf,
    epoch: Epoch,
    /// What was read or written last.
    text: String,
    kept: Kept,
    problem: Option<NodeError>,
}

impl NodeFile {
    /// The node in `file`, whose agent counts time from `epoch`. An empty file is a node
    /// that is still to be made.
    ///
    /// # Errors
    /// [`NodeError`] when there is no such file, or it is none of a node.
    pub fn open(file: &Path, epoch: Epoch) -> Result<Self, NodeError> {
        let failed = |problem| NodeError { file: file.to_owned(), problem };
        let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        let kept = Kept::read(&text).map_err(failed)?;
        Ok(Self { file: file.to_owned(), epoch, text, kept, problem: None })
    }

    /// Which version of ION it is.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.kept.version
    }

    /// The number of the node, once there is one.
    #[must_use]
    pub const fn number(&self) -> Option<u32> {
        self.kept.number
    }

    /// What was wrong with the file since this was last asked, if anything.
    pub const fn take_problem(&mut self) -> Option<NodeError> {
        self.problem.take()
    }

    fn fail(&mut self, problem: String) -> Failed {
        self.problem = Some(NodeError { file: self.file.clone(), problem });
        Failed
    }

    /// Reads the file again if somebody has changed it.
    fn refresh(&mut self) -> Result<(), Failed> {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(error) => return Err(self.fail(error.to_string())),
        };
        if text == self.text {
            return Ok(());
        }
        self.kept = Kept::read(&text).map_err(|problem| self.fail(problem))?;
        self.text = text;
        Ok(())
    }

    /// Writes the file anew, so that there is always a whole one.
    fn write(&mut self, kept: Kept) -> Result<(), Failed> {
        // What could not be read again is not written.
        let text = toml::to_string(&kept).map_err(|error| error.to_string());
        let text = match text.and_then(|text| Kept::read(&text).map(|_| text)) {
            Ok(text) => text,
            Err(problem) => return Err(self.fail(problem)),
        };
        let mut name = self.file.file_name().unwrap_or_default().to_os_string();
        name.push(".new");
        let new = self.file.with_file_name(name);
        if let Err(error) = replace(&new, &self.file, &text) {
            return Err(self.fail(error.to_string()));
        }
        (self.kept, self.text) = (kept, text);
        Ok(())
    }

    fn seconds(&self, time: Moment) -> u64 {
        self.epoch.seconds(Utc::from_unix_seconds(time.0))
    }
}

/// Puts a file in place of another, which only its owner can read if that was so before.
fn replace(new: &Path, old: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(new)?;
    file.set_permissions(fs::metadata(old)?.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    fs::rename(new, old)
}

impl IonAdmin for NodeFile {
    fn state(&mut self) -> Option<IonState<'_>> {
        // A file that cannot be used is told; what was there before holds.
        let _ = self.refresh();
        let kept = &self.kept;
        Some(IonState {
            clock_error: kept.clock_error,
            clock_sync: kept.clock_sync,
            congestion_alarm_control: kept.congestion_alarm.is_some(),
            congestion_end_time_forecasts: kept.congestion_end,
            consumption_rate: kept.consumption_rate,
            production_rate: kept.production_rate,
            inbound_file_system_limit: kept.inbound_file_system_limit,
            inbound_heap_limit: kept.inbound_heap_limit,
            outbound_file_system_limit: kept.outbound_file_system_limit,
            outbound_heap_limit: kept.outbound_heap_limit,
            number: kept.number?,
            ref_time: kept.ref_time.map(|time| self.seconds(time)),
            time_delta: kept.time_delta,
            version: &kept.version,
        })
    }

    fn control(&mut self, now: Now, control: &IonControl<'_>) -> Result<(), Failed> {
        self.refresh()?;
        let reference = self.kept.ref_time.unwrap_or(Moment(now.utc.unix_seconds()));
        let mut kept = self.kept.clone();
        kept.change(control, Times { epoch: self.epoch, reference }).ok_or(Failed)?;
        self.write(kept)
    }

    fn contact(&mut self, place: u32) -> Option<Contact> {
        if place == 0 {
            let _ = self.refresh();
        }
        let one = self.kept.contact.get(usize::try_from(place).ok()?)?;
        let KeptContact { start, stop, from, to, rate, confidence } = *one;
        let (start, stop) = (self.seconds(start), self.seconds(stop));
        Some(Contact { start, stop, from, to, rate, confidence })
    }

    fn range(&mut self, place: u32) -> Option<Range> {
        if place == 0 {
            let _ = self.refresh();
        }
        let one = self.kept.range.get(usize::try_from(place).ok()?)?;
        let KeptRange { start, stop, node, other, distance } = *one;
        let (start, stop) = (self.seconds(start), self.seconds(stop));
        Some(Range { start, stop, node, other, distance })
    }
}
