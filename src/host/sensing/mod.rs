//! Sensing: samples of a band become the figures a scan reports.
//!
//! A [`FrontEnd`] gives complex samples; [`Band`] is one that generates them,
//! [`Player`] one that plays a SigMF recording. [`measure`] turns samples into
//! a [`Spectrum`] as [`ScanParameters`] ask, and [`summarise`] makes a
//! [`Summary`] of it that fits a report.
//!
//! Full scale of a front-end is a sample of magnitude 1; what power that is at
//! the antenna, the front-end tells when it is tuned ([`Tuned`]).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "signal processing is floating point; counts are bounded when a scan is planned"
)]

mod band;
mod plan;
mod sigmf;
mod signal;
mod spectrum;
mod summary;
mod window;
mod world;

use std::boxed::Box;
use std::fmt;
use std::ops::RangeInclusive;

pub use band::{Band, Post};
pub use plan::{Plan, PlanError};
pub use rustfft::num_complex::Complex32;
pub use sigmf::{
    Datatype, Export, Metadata, Player, Recording, RecordingError, RecordingWriter, Segment,
    write_report, write_spectrum,
};
pub use spectrum::{Analyser, Peak, SenseError, Spectrum, measure};
pub(crate) use summary::max_hold;
pub use summary::{PeakSummary, Summary, summarise};
pub use window::equivalent_noise_bandwidth;
pub use world::{Emitter, Place, World};

use crate::scos::ScanParameters;
use crate::time::Utc;

/// A source of complex samples: a radio, a simulation, a recording.
pub trait FrontEnd {
    /// What it can be tuned to.
    fn capabilities(&self) -> Capabilities;

    /// Tunes to the band of `parameters` and starts a stream of samples at
    /// `start`: `bandwidth_hz` complex samples a second, `center_hz` at 0 Hz.
    ///
    /// # Errors
    ///
    /// What of the parameters is out of reach, or what is wrong with the source.
    fn tune(&mut self, parameters: &ScanParameters, start: Utc) -> Result<Tuned, FrontEndError>;

    /// Fills `into` with the next samples of the stream, without a gap.
    ///
    /// # Errors
    ///
    /// [`FrontEndError::NotTuned`] before the first successful `tune`, or what
    /// is wrong with the source.
    fn read(&mut self, into: &mut [Complex32]) -> Result<Level, FrontEndError>;
}

impl<F: FrontEnd + ?Sized> FrontEnd for Box<F> {
    fn capabilities(&self) -> Capabilities {
        (**self).capabilities()
    }

    fn tune(&mut self, parameters: &ScanParameters, start: Utc) -> Result<Tuned, FrontEndError> {
        (**self).tune(parameters, start)
    }

    fn read(&mut self, into: &mut [Complex32]) -> Result<Level, FrontEndError> {
        (**self).read(into)
    }
}

/// What a front-end can be tuned to. A band lies wholly within `frequency_hz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The lowest and the highest frequency of any band, in hertz.
    pub frequency_hz: RangeInclusive<u64>,
    /// The narrowest and the widest band, in hertz.
    pub bandwidth_hz: RangeInclusive<u32>,
    /// The least and the greatest gain, in decibels.
    pub gain_db: RangeInclusive<i8>,
}

impl Capabilities {
    /// Whether `parameters` are within reach.
    ///
    /// # Errors
    ///
    /// The first parameter that is not, with what was asked and what there is.
    pub fn check(&self, parameters: &ScanParameters) -> Result<(), FrontEndError> {
        let half = u64::from(parameters.bandwidth_hz.div_ceil(2));
        let low = parameters.center_hz.checked_sub(half);
        let high = parameters.center_hz.checked_add(half);
        let within = |edge: Option<u64>| edge.is_some_and(|f| self.frequency_hz.contains(&f));
        if !self.bandwidth_hz.contains(&parameters.bandwidth_hz) {
            Err(FrontEndError::Bandwidth {
                asked_hz: parameters.bandwidth_hz,
                range_hz: self.bandwidth_hz.clone(),
            })
        } else if !(within(low) && within(high)) {
            Err(FrontEndError::Frequency {
                center_hz: parameters.center_hz,
                bandwidth_hz: parameters.bandwidth_hz,
                range_hz: self.frequency_hz.clone(),
            })
        } else if let Some(what) = unknown(parameters) {
            Err(FrontEndError::Setting { what })
        } else if !self.gain_db.contains(&parameters.gain_db) {
            Err(FrontEndError::Gain {
                asked_db: parameters.gain_db,
                range_db: self.gain_db.clone(),
            })
        } else {
            Ok(())
        }
    }
}

/// What of the settings asked for no front-end here has.
fn unknown(parameters: &ScanParameters) -> Option<&'static str> {
    let settings = parameters.settings.unwrap_or_default();
    let asked = [
        (settings.sweep.is_some(), "a sweep"),
        (settings.level.is_some(), "a reference level"),
        (settings.rf_path.is_some(), "an RF path"),
        (settings.pointing.is_some(), "a direction"),
        (settings.calibrated, "a calibration"),
    ];
    asked.into_iter().find_map(|(asked, what)| asked.then_some(what))
}

/// What a front-end tells when it is tuned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tuned {
    /// The power at the antenna, in dBm, of a constant sample of magnitude 1.
    pub full_scale_dbm: f32,
}

/// How full the samples of one read were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// All samples are what they should be.
    Fine,
    /// Some samples were limited to full scale: powers are too low and there
    /// are false signals.
    Overload,
}

/// Why a front-end gives no samples.
#[derive(Debug)]
#[non_exhaustive]
pub enum FrontEndError {
    /// The band is not within the range of frequencies.
    Frequency {
        /// The centre asked for.
        center_hz: u64,
        /// The bandwidth asked for.
        bandwidth_hz: u32,
        /// What there is.
        range_hz: RangeInclusive<u64>,
    },
    /// The band is too narrow or too wide.
    Bandwidth {
        /// What was asked for.
        asked_hz: u32,
        /// What there is.
        range_hz: RangeInclusive<u32>,
    },
    /// The gain is too low or too high.
    Gain {
        /// What was asked for.
        asked_db: i8,
        /// What there is.
        range_db: RangeInclusive<i8>,
    },
    /// A setting is asked for that it does not have.
    Setting {
        /// What.
        what: &'static str,
    },
    /// Samples were asked of a front-end that was not tuned.
    NotTuned,
    /// The recording cannot be played.
    Recording(RecordingError),
}

impl fmt::Display for FrontEndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frequency { center_hz, bandwidth_hz, range_hz } => write!(
                f,
                "a band of {} MHz around {} MHz is not within {} to {} MHz",
                mega((*bandwidth_hz).into()),
                mega(*center_hz),
                mega(*range_hz.start()),
                mega(*range_hz.end())
            ),
            Self::Bandwidth { asked_hz, range_hz } => write!(
                f,
                "a bandwidth of {asked_hz} Hz is not within {} to {} Hz",
                range_hz.start(),
                range_hz.end()
            ),
            Self::Gain { asked_db, range_db } => write!(
                f,
                "a gain of {asked_db} dB is not within {} to {} dB",
                range_db.start(),
                range_db.end()
            ),
            Self::Setting { what } => write!(f, "{what} is asked for, which it does not have"),
            Self::NotTuned => f.write_str("the front-end was not tuned"),
            Self::Recording(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FrontEndError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Recording(error) => error.source(),
            _ => None,
        }
    }
}

impl From<RecordingError> for FrontEndError {
    fn from(error: RecordingError) -> Self {
        Self::Recording(error)
    }
}

fn mega(hz: u64) -> f64 {
    hz as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scos::{Detector, Pointing, ReferenceLevel, ScanSettings, Sweep, Window};
    use std::string::ToString;

    pub(crate) const PARAMETERS: ScanParameters = ScanParameters {
        center_hz: 98_000_000,
        bandwidth_hz: 1_000_000,
        resolution_hz: 10_000,
        transforms: 8,
        detector: Detector::Mean,
        window: Window::BlackmanHarris,
        gain_db: 20,
        settings: None,
    };

    #[test]
    fn a_band_must_lie_within_reach_with_both_edges() {
        let reach = Capabilities {
            frequency_hz: 97_500_000..=98_500_000,
            bandwidth_hz: 1_000..=2_000_000,
            gain_db: 0..=20,
        };
        assert!(reach.check(&PARAMETERS).is_ok());
        let harmless = ScanSettings { skip_samples: 9, ..ScanSettings::default() };
        let with = |settings| ScanParameters { settings: Some(settings), ..PARAMETERS };
        assert!(reach.check(&with(harmless)).is_ok());
        let asked = [
            (ScanSettings { sweep: Some(Sweep::default()), ..harmless }, "a sweep"),
            (
                ScanSettings { level: Some(ReferenceLevel::default()), ..harmless },
                "a reference level",
            ),
            (ScanSettings { rf_path: Some(0), ..harmless }, "an RF path"),
            (ScanSettings { pointing: Some(Pointing::default()), ..harmless }, "a direction"),
            (ScanSettings { calibrated: true, ..harmless }, "a calibration"),
        ];
        for (settings, what) in asked {
            let error = reach.check(&with(settings)).unwrap_err();
            assert_eq!(
                error.to_string(),
                std::format!("{what} is asked for, which it does not have")
            );
        }
        let text = |parameters| reach.check(&parameters).unwrap_err().to_string();
        assert_eq!(
            text(ScanParameters { center_hz: 98_000_001, ..PARAMETERS }),
            "a band of 1 MHz around 98.000001 MHz is not within 97.5 to 98.5 MHz"
        );
        assert!(text(ScanParameters { center_hz: u64::MAX, ..PARAMETERS }).contains("not within"));
        assert!(text(ScanParameters { center_hz: 0, ..PARAMETERS }).contains("not within"));
        assert_eq!(
            text(ScanParameters { bandwidth_hz: 999, ..PARAMETERS }),
            "a bandwidth of 999 Hz is not within 1000 to 2000000 Hz"
        );
        assert_eq!(
            text(ScanParameters { gain_db: 21, ..PARAMETERS }),
            "a gain of 21 dB is not within 0 to 20 dB"
        );
    }
}
