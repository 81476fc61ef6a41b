//! The metadata of a recording (SigMF, "Metadata Format").

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use serde::Deserialize;

use super::{Datatype, RecordingError};
use crate::time::Utc;

/// What a `.sigmf-meta` file says of its samples, checked. Annotations and
/// extensions are not read.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// How samples are written.
    pub datatype: Datatype,
    /// Samples a second, greater than 0.
    pub sample_rate: f64,
    /// The name of the file with the samples, where it is not the usual one.
    pub dataset: Option<String>,
    /// At least one, in order of their first sample.
    pub segments: Vec<Segment>,
}

/// A capture segment: samples taken with the same settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Its first sample, counted from the first of the file.
    pub first: u64,
    /// The frequency at 0 Hz of its samples, in hertz.
    pub center_hz: Option<f64>,
    /// The time of its first sample.
    pub start: Option<Utc>,
    /// Whether its samples are known to have been limited at full scale.
    pub overload: bool,
}

impl Metadata {
    /// The most octets a metadata file may have.
    pub const MOST_OCTETS: u64 = 16 << 20;

    /// Reads the file `path`.
    ///
    /// # Errors
    ///
    /// What is wrong with the file; see [`Metadata::parse`].
    pub fn read(path: &Path) -> Result<Self, RecordingError> {
        let file = File::open(path).map_err(RecordingError::io(path))?;
        let mut text = String::new();
        file.take(Self::MOST_OCTETS + 1)
            .read_to_string(&mut text)
            .map_err(RecordingError::io(path))?;
        if text.len() as u64 > Self::MOST_OCTETS {
            let most = Self::MOST_OCTETS >> 20;
            let what = std::format!("metadata of more than {most} MiB is not read");
            return Err(RecordingError::content(path, what));
        }
        Self::parse(path, &text)
    }

    /// Parses and checks `text`, the content of the file `path`.
    ///
    /// # Errors
    ///
    /// Text that is not SigMF metadata, or describes samples that cannot be
    /// played: more than one channel, no samples at all, header octets between
    /// them, or no sample rate.
    pub fn parse(path: &Path, text: &str) -> Result<Self, RecordingError> {
        let document: Document = serde_json::from_str(text).map_err(RecordingError::json(path))?;
        document.check().map_err(|what| RecordingError::content(path, what))
    }
}

#[derive(Deserialize)]
struct Document {
    global: Global,
    captures: Vec<Capture>,
}

#[derive(Deserialize)]
struct Global {
    #[serde(rename = "core:version")]
    version: String,
    #[serde(rename = "core:datatype")]
    datatype: String,
    #[serde(rename = "core:sample_rate")]
    sample_rate: Option<f64>,
    #[serde(rename = "core:num_channels")]
    channels: Option<u64>,
    #[serde(rename = "core:offset", default)]
    offset: u64,
    #[serde(rename = "core:dataset")]
    dataset: Option<String>,
    #[serde(rename = "core:metadata_only", default)]
    metadata_only: bool,
    #[serde(rename = "core:trailing_bytes", default)]
    trailing_octets: u64,
}

#[derive(Deserialize)]
struct Capture {
    #[serde(rename = "core:sample_start")]
    sample_start: u64,
    #[serde(rename = "core:frequency")]
    frequency: Option<f64>,
    #[serde(rename = "core:datetime")]
    datetime: Option<String>,
    #[serde(rename = "core:header_bytes", default)]
    header_octets: u64,
    #[serde(rename = "ntia-sensor:overload", default)]
    overload: bool,
}

impl Document {
    fn check(self) -> Result<Metadata, String> {
        let Self { global, captures } = self;
        let refuse = |name: &str, why: &str| Err(std::format!("{name} {why}"));
        if !matches!(global.version.trim_start_matches('v').split('.').next(), Some("0" | "1")) {
            return refuse("core:version", "is not of SigMF 0 or 1");
        }
        let Ok(datatype) = global.datatype.parse() else {
            return refuse("core:datatype", &std::format!("{:?} is not known", global.datatype));
        };
        let sample_rate = match global.sample_rate {
            Some(rate) if rate.is_finite() && rate > 0.0 => rate,
            Some(_) => return refuse("core:sample_rate", "is not greater than 0"),
            None => {
                return refuse(
                    "core:sample_rate",
                    "is missing, and samples have no time without it",
                );
            }
        };
        if global.channels.is_some_and(|channels| channels != 1) {
            return refuse("core:num_channels", "is not 1: only one channel can be played");
        }
        if global.metadata_only {
            return refuse("core:metadata_only", "is true: there are no samples");
        }
        if global.trailing_octets != 0 {
            return refuse("core:trailing_bytes", "is not 0: such datasets cannot be played");
        }
        if global.dataset.as_deref().is_some_and(|name| name.contains(['/', '\\']) || name == "..")
        {
            return refuse("core:dataset", "is not the name of a file in the same directory");
        }
        let segments = captures
            .into_iter()
            .enumerate()
            .map(|(index, capture)| {
                capture
                    .check(global.offset)
                    .map_err(|what| std::format!("captures[{index}]: {what}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if segments.is_empty() {
            return refuse("captures", "is empty: no sample has a frequency");
        }
        if segments.iter().zip(segments.iter().skip(1)).any(|(a, b)| a.first > b.first) {
            return refuse("captures", "are not in order of core:sample_start");
        }
        Ok(Metadata { datatype, sample_rate, dataset: global.dataset, segments })
    }
}

impl Capture {
    fn check(self, offset: u64) -> Result<Segment, String> {
        let Some(first) = self.sample_start.checked_sub(offset) else {
            return Err("core:sample_start is before core:offset".into());
        };
        if self.header_octets != 0 {
            return Err("core:header_bytes is not 0: such datasets cannot be played".into());
        }
        if self.frequency.is_some_and(|hz| !hz.is_finite() || hz.abs() > 1e12) {
            return Err("core:frequency is not within -1e12 to 1e12 Hz".into());
        }
        let start = match self.datetime {
            None => None,
            Some(text) => {
                let time: jiff::Timestamp = text
                    .parse()
                    .map_err(|_| std::format!("core:datetime {text:?} is not a time"))?;
                Some(Utc::from_unix_micros(time.as_microsecond()))
            }
        };
        Ok(Segment { first, center_hz: self.frequency, start, overload: self.overload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    const GOOD: &str = r#"{
        "global": {"core:version": "1.2.0", "core:datatype": "ci16_le",
            "core:sample_rate": 2400000, "core:num_channels": 1, "core:offset": 10,
            "core:extensions": [], "mine:field": {"a": 1}},
        "captures": [
            {"core:sample_start": 10, "core:frequency": 98.5e6, "core:datetime": "2026-11-23T10:00:00.25Z"},
            {"core:sample_start": 20, "ntia-sensor:overload": true}],
        "annotations": [{"core:sample_start": 0}]}"#;

    fn parse(text: &str) -> Result<Metadata, String> {
        Metadata::parse(Path::new("x.sigmf-meta"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn metadata_is_read() {
        let metadata = parse(GOOD).unwrap();
        assert_eq!(metadata.datatype.to_string(), "ci16_le");
        assert_eq!(metadata.sample_rate, 2.4e6);
        let [first, second] = metadata.segments.as_slice() else { panic!() };
        assert_eq!((first.first, first.center_hz, first.overload), (0, Some(98.5e6), false));
        assert_eq!(first.start, Some(Utc::from_unix_micros(1_795_428_000_250_000)));
        assert_eq!((second.first, second.start, second.overload), (10, None, true));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let cases = [
            ("\"1.2.0\"", "\"2.0.0\"", "core:version is not of SigMF 0 or 1"),
            ("ci16_le", "ci16", "core:datatype \"ci16\" is not known"),
            ("2400000", "0", "core:sample_rate is not greater than 0"),
            ("2400000", "null", "core:sample_rate is missing"),
            ("channels\": 1", "channels\": 2", "core:num_channels is not 1"),
            ("\"core:extensions\": []", "\"core:metadata_only\": true", "there are no samples"),
            (
                "\"core:extensions\": []",
                "\"core:trailing_bytes\": 3",
                "core:trailing_bytes is not 0",
            ),
            (
                "\"core:extensions\": []",
                "\"core:dataset\": \"../a\"",
                "core:dataset is not the name",
            ),
            ("98.5e6", "1e13", "captures[0]: core:frequency is not within"),
            (
                "2026-11-23T10:00:00.25Z",
                "noon",
                "captures[0]: core:datetime \"noon\" is not a time",
            ),
            ("start\": 20", "start\": 9", "captures[1]: core:sample_start is before core:offset"),
            ("start\": 10,", "start\": 30,", "captures are not in order"),
            (
                "\"ntia-sensor:overload\": true",
                "\"core:header_bytes\": 4",
                "captures[1]: core:header_bytes",
            ),
            ("\"captures\"", "\"capture\"", "missing field `captures`"),
            ("}],", "}", "line 8"),
        ];
        for (from, to, expected) in cases {
            assert!(GOOD.contains(from), "{from}");
            let error = parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(error.starts_with("x.sigmf-meta: "), "{error}");
            assert!(error.contains(expected), "{error} does not say {expected}");
        }
        let empty = r#"{"global": {"core:version": "1.0.0", "core:datatype": "cu8",
            "core:sample_rate": 1}, "captures": []}"#;
        assert!(parse(empty).unwrap_err().contains("captures is empty"));
    }

    proptest! {
        #[test]
        fn any_text_is_metadata_or_an_error(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn any_change_is_metadata_or_an_error(
            at in 0..GOOD.len(), length in 0_usize..20, put in ".{0,8}",
        ) {
            let end = (at + length).min(GOOD.len());
            let text = std::format!("{}{put}{}", &GOOD[..at], &GOOD[end..]);
            if let Ok(metadata) = parse(&text) {
                prop_assert!(metadata.sample_rate > 0.0 && !metadata.segments.is_empty());
            }
        }
    }
}
