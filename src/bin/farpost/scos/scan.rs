//! What an Actor is asked to do, as JSON and as arguments.

use farpost::scos::actor::Wish;
use farpost::scos::{Detector, ScanParameters, Series, When, Window};
use farpost::time::Utc;
use serde::Deserialize;

/// One thing to do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Task {
    /// To ask for a scan.
    Scan(Box<Scan>),
    /// To cancel a request.
    Cancel(u32),
    /// To draw a copy of the inventory.
    Inventory(Everything),
}

/// The word `all`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Everything {
    All,
}

/// A scan, with values for what is not told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scan {
    device: String,
    /// A time, or `+N` for the N-th minute from now.
    start: String,
    #[serde(default = "one")]
    minutes: u16,
    #[serde(default)]
    repeats: u16,
    #[serde(default)]
    offset_minutes: u16,
    #[serde(default)]
    when: Time,
    max_shift_minutes: Option<u16>,
    #[serde(default = "center")]
    center_hz: u64,
    #[serde(default = "bandwidth")]
    bandwidth_hz: u32,
    #[serde(default = "resolution")]
    resolution_hz: u32,
    #[serde(default = "transforms")]
    transforms: u16,
    #[serde(default)]
    detector: Detector,
    #[serde(default)]
    window: Window,
    #[serde(default = "gain")]
    gain_db: i8,
}

/// How the time of a scan is meant.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Time {
    #[default]
    Exact,
    Nearest,
}

const fn one() -> u16 {
    1
}

const fn center() -> u64 {
    98_000_000
}

const fn bandwidth() -> u32 {
    2_000_000
}

const fn resolution() -> u32 {
    5_000
}

const fn transforms() -> u16 {
    32
}

const fn gain() -> i8 {
    20
}

impl Task {
    /// Reads a task that is JSON.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

impl Scan {
    /// What to ask for now.
    pub(crate) fn wish(&self, now: Utc) -> Result<Wish<'_>, String> {
        let start = match self.start.strip_prefix('+').map(str::parse::<i64>) {
            Some(Ok(minutes)) => now.unix_minute().saturating_add(minutes),
            Some(Err(error)) => return Err(format!("{:?}: {error}", self.start)),
            None => minute(&self.start)?,
        };
        Ok(Wish {
            device: &self.device,
            series: Series {
                start,
                minutes: self.minutes,
                repeats: self.repeats,
                offset: self.offset_minutes,
            },
            when: match self.when {
                Time::Exact => When::Exact,
                Time::Nearest => When::Nearest { max_shift_minutes: self.max_shift_minutes },
            },
            parameters: ScanParameters {
                center_hz: self.center_hz,
                bandwidth_hz: self.bandwidth_hz,
                resolution_hz: self.resolution_hz,
                transforms: self.transforms,
                detector: self.detector,
                window: self.window,
                gain_db: self.gain_db,
                settings: None,
            },
        })
    }
}

/// The minute of a time that is a whole one.
fn minute(text: &str) -> Result<i64, String> {
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|error| format!("{text:?} is no time such as 2026-11-23T10:00Z: {error}"))?;
    if time.as_second() % 60 != 0 || time.subsec_nanosecond() != 0 {
        return Err(format!("{text:?} is not a whole minute"));
    }
    Ok(time.as_second().div_euclid(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_has_values_for_what_is_not_told() {
        let text = r#"{"scan":{"device":"mast-1","start":"+5","minutes":2,"when":"nearest"}}"#;
        let Ok(Task::Scan(scan)) = Task::read(text) else { panic!("{text}") };
        let wish = scan.wish(Utc::from_unix_seconds(61)).unwrap();
        assert_eq!(wish.series, Series { start: 6, minutes: 2, repeats: 0, offset: 0 });
        assert_eq!(wish.when, When::Nearest { max_shift_minutes: None });
        assert_eq!(wish.parameters.center_hz, 98_000_000);
        assert!(matches!(Task::read(r#"{"cancel":3}"#), Ok(Task::Cancel(3))));
        assert!(matches!(Task::read(r#"{"inventory":"all"}"#), Ok(Task::Inventory(_))));
    }

    #[test]
    fn what_is_no_task_is_named() {
        assert!(Task::read(r#"{"scan":{"device":"a","start":"+1","colour":1}}"#).is_err());
        assert!(Task::read("{}").is_err());
        assert_eq!(minute("2026-11-23T10:00Z"), Ok(29_923_800));
        assert!(minute("2026-11-23T10:00:01Z").unwrap_err().contains("whole minute"));
        assert!(minute("soon").unwrap_err().contains("no time"));
    }
}
