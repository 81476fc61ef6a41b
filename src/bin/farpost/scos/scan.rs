//! What an Actor is asked to do, as JSON.

use farpost::scos::actor::Wish;
use farpost::scos::messages::{DEVICES_MAX, Devices};
use farpost::scos::{
    Detector, Pointing, RequestId, ScanParameters, ScanSettings, Series, Sweep, When, Window,
};
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
    /// To ask what Actors have had.
    Usage(Everything),
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
    device: Option<String>,
    devices: Option<Several>,
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
    #[serde(default)]
    across_weeks: bool,
    replaces: Option<u32>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default = "center")]
    center_hz: u64,
    #[serde(default = "bandwidth")]
    bandwidth_hz: u32,
    #[serde(default = "resolution")]
    resolution_hz: u32,
    #[serde(default = "transforms")]
    transforms: u16,
    #[serde(default)]
    detector: DetectorName,
    #[serde(default)]
    window: WindowName,
    #[serde(default = "gain")]
    gain_db: i8,
    rf_path: Option<u8>,
    pointing: Option<PointingLayout>,
    sweep: Option<SweepLayout>,
    #[serde(default)]
    skip_samples: u32,
    #[serde(default)]
    calibrated: bool,
}

/// Several devices.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Several {
    Any(AnyDevice),
    These(Vec<String>),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnyDevice {
    Any,
}

/// How the time of a scan is meant.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Time {
    #[default]
    Exact,
    Nearest,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum DetectorName {
    Sample,
    #[default]
    Mean,
    Max,
    Min,
    Median,
    M4s,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WindowName {
    Rectangular,
    Hann,
    Hamming,
    #[default]
    BlackmanHarris,
    FlatTop,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PointingLayout {
    azimuth_tenth_deg: u16,
    elevation_tenth_deg: i16,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SweepLayout {
    stop_hz: u64,
    step_hz: u32,
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
    /// The request it is to take the place of.
    pub(crate) fn replaces(&self) -> Option<RequestId> {
        self.replaces.map(RequestId)
    }

    /// Whether it is only tried.
    pub(crate) const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// What to ask for now.
    pub(crate) fn wish(&self, now: Utc) -> Result<Wish<'_>, String> {
        let start = match self.start.strip_prefix('+').map(str::parse::<u32>) {
            Some(Ok(minutes)) => now.unix_minute().saturating_add(minutes.into()),
            Some(Err(error)) => return Err(format!("{:?}: {error}", self.start)),
            None => minute(&self.start)?,
        };
        let series = Series {
            start,
            minutes: self.minutes,
            repeats: self.repeats,
            offset: self.offset_minutes,
        };
        Ok(Wish {
            devices: self.devices()?,
            series,
            when: match (self.when, self.max_shift_minutes) {
                (Time::Exact, None) => When::Exact,
                (Time::Exact, Some(_)) => {
                    return Err("max_shift_minutes is for \"when\":\"nearest\"".into());
                }
                (Time::Nearest, max_shift_minutes) => When::Nearest { max_shift_minutes },
            },
            across_weeks: self.across_weeks,
            parameters: self.parameters(),
        })
    }

    fn devices(&self) -> Result<Devices<'_>, String> {
        match (&self.device, &self.devices) {
            (Some(id), None) => Ok(Devices::One(id)),
            (None, Some(Several::Any(AnyDevice::Any))) => Ok(Devices::Any),
            (None, Some(Several::These(ids))) => {
                let ids: Vec<_> = ids.iter().map(String::as_str).collect();
                Devices::any_of(&ids).ok_or_else(|| format!("devices are 1 to {DEVICES_MAX}"))
            }
            _ => Err("say either device or devices".into()),
        }
    }

    fn parameters(&self) -> ScanParameters {
        let settings = ScanSettings {
            sweep: self.sweep.map(|SweepLayout { stop_hz, step_hz }| Sweep { stop_hz, step_hz }),
            rf_path: self.rf_path,
            pointing: self.pointing.map(|pointing| Pointing {
                azimuth_tenth_deg: pointing.azimuth_tenth_deg,
                elevation_tenth_deg: pointing.elevation_tenth_deg,
            }),
            skip_samples: self.skip_samples,
            calibrated: self.calibrated,
            ..ScanSettings::default()
        };
        ScanParameters {
            center_hz: self.center_hz,
            bandwidth_hz: self.bandwidth_hz,
            resolution_hz: self.resolution_hz,
            transforms: self.transforms,
            detector: match self.detector {
                DetectorName::Sample => Detector::Sample,
                DetectorName::Mean => Detector::Mean,
                DetectorName::Max => Detector::Max,
                DetectorName::Min => Detector::Min,
                DetectorName::Median => Detector::Median,
                DetectorName::M4s => Detector::M4s,
            },
            window: match self.window {
                WindowName::Rectangular => Window::Rectangular,
                WindowName::Hann => Window::Hann,
                WindowName::Hamming => Window::Hamming,
                WindowName::BlackmanHarris => Window::BlackmanHarris,
                WindowName::FlatTop => Window::FlatTop,
            },
            gain_db: self.gain_db,
            // What asks for nothing is not sent.
            settings: Some(settings).filter(|settings| *settings != ScanSettings::default()),
        }
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

    fn scan(members: &str) -> Scan {
        let text = format!("{{\"scan\":{{{members}}}}}");
        match Task::read(&text) {
            Ok(Task::Scan(scan)) => *scan,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_scan_has_values_for_what_is_not_told() {
        let told = scan(r#""device":"mast-1","start":"+5","minutes":2,"when":"nearest""#);
        let wish = told.wish(Utc::from_unix_seconds(61)).unwrap();
        assert_eq!(wish.devices, Devices::One("mast-1"));
        assert_eq!(wish.series, Series { start: 6, minutes: 2, repeats: 0, offset: 0 });
        assert_eq!(wish.when, When::Nearest { max_shift_minutes: None });
        assert_eq!((wish.parameters.center_hz, wish.parameters.settings), (98_000_000, None));
        assert!(!told.is_dry_run() && told.replaces().is_none() && !wish.across_weeks);
        assert!(matches!(Task::read(r#"{"cancel":3}"#), Ok(Task::Cancel(3))));
        assert!(matches!(Task::read(r#"{"inventory":"all"}"#), Ok(Task::Inventory(_))));
        assert!(matches!(Task::read(r#"{"usage":"all"}"#), Ok(Task::Usage(_))));
    }

    #[test]
    fn all_of_a_scan_can_be_told() {
        let told = scan(
            r#""devices":["a","b"],"start":"2026-11-23T10:00Z","detector":"m4s","window":"hann",
               "across_weeks":true,"replaces":7,"dry_run":true,"rf_path":2,
               "sweep":{"stop_hz":5,"step_hz":1}"#,
        );
        let wish = told.wish(Utc::from_unix_seconds(0)).unwrap();
        assert_eq!(wish.devices.ids().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((wish.series.start, wish.across_weeks), (29_923_800, true));
        assert_eq!((told.is_dry_run(), told.replaces()), (true, Some(RequestId(7))));
        assert_eq!(
            (wish.parameters.detector, wish.parameters.window),
            (Detector::M4s, Window::Hann)
        );
        let settings = wish.parameters.settings.unwrap();
        assert_eq!((settings.rf_path, settings.sweep.unwrap().stop_hz), (Some(2), 5));
        let any = scan(r#""devices":"any","start":"+1""#);
        assert_eq!(any.wish(Utc::from_unix_seconds(0)).unwrap().devices, Devices::Any);
    }

    #[test]
    fn what_is_no_task_is_named() {
        assert!(Task::read(r#"{"scan":{"device":"a","start":"+1","colour":1}}"#).is_err());
        assert!(Task::read("{}").is_err());
        let problem = |members| scan(members).wish(Utc::from_unix_seconds(0)).unwrap_err();
        assert!(problem(r#""start":"+1""#).contains("either"));
        assert!(problem(r#""device":"a","devices":"any","start":"+1""#).contains("either"));
        assert!(problem(r#""devices":[],"start":"+1""#).contains("1 to 8"));
        assert!(problem(r#""device":"a","start":"+1","max_shift_minutes":1"#).contains("nearest"));
        assert!(problem(r#""device":"a","start":"+-1""#).contains("invalid digit"));
        assert_eq!(minute("2026-11-23T10:00Z"), Ok(29_923_800));
        assert!(minute("2026-11-23T10:00:01Z").unwrap_err().contains("whole minute"));
        assert!(minute("soon").unwrap_err().contains("no time"));
    }
}
