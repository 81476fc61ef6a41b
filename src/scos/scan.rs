//! What a scan measures: the class B and C parameters of a scan request.

use serde::{Deserialize, Serialize};

use super::coding::coded;

/// How the powers of successive transforms become one figure a bin.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Detector {
    /// The power of the last transform alone.
    Sample,
    /// The mean power.
    #[default]
    Mean,
    /// The greatest power.
    Max,
    /// The least power.
    Min,
    /// The median power.
    Median,
    /// All of the above, one figure each: "M4S". Where there is room for one, it is
    /// the mean.
    M4s,
}

impl Detector {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] =
        [Self::Sample, Self::Mean, Self::Max, Self::Min, Self::Median, Self::M4s];

    /// A name for machines that never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sample => "sample",
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Min => "min",
            Self::Median => "median",
            Self::M4s => "m4s",
        }
    }
}

/// The window samples are weighted with before a transform.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Window {
    /// No weighting.
    Rectangular,
    /// Hann.
    Hann,
    /// Hamming.
    Hamming,
    /// Four-term Blackman-Harris.
    #[default]
    BlackmanHarris,
    /// Flat top.
    FlatTop,
}

impl Window {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::Rectangular, Self::Hann, Self::Hamming, Self::BlackmanHarris, Self::FlatTop];
}

/// The parameters of a scan: what to tune to and what to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScanParameters {
    /// The centre of the band, in hertz; of the first one where bands are swept.
    pub center_hz: u64,
    /// The width of the band, in hertz: complex samples a second.
    pub bandwidth_hz: u32,
    /// The width of a bin, in hertz; the transform is the least power of two of
    /// samples that resolves it.
    pub resolution_hz: u32,
    /// How many transforms the detector is applied to, at least 1.
    pub transforms: u16,
    /// How successive transforms become one figure a bin.
    pub detector: Detector,
    /// The window before each transform.
    pub window: Window,
    /// The gain of the front-end, in decibels. It does not matter where
    /// [`ScanSettings::level`] is set.
    pub gain_db: i8,
    /// What few scans ask for; `None` leaves all of it to the device.
    pub settings: Option<ScanSettings>,
}

/// What few scans ask for. The default asks for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScanSettings {
    /// Further bands, each as wide as the first.
    pub sweep: Option<Sweep>,
    /// The reference level and what comes with it, in place of a gain.
    pub level: Option<ReferenceLevel>,
    /// The RF path, by its number in the metadata.
    pub rf_path: Option<u8>,
    /// Where the antenna of the path is to point; antenna 0 where no path is asked
    /// for.
    pub pointing: Option<Pointing>,
    /// Samples left out after tuning, before the first transform.
    pub skip_samples: u32,
    /// Whether powers are to be corrected with the calibration of the device.
    pub calibrated: bool,
}

/// A sweep: centre frequencies from that of the parameters up to `stop_hz`,
/// `step_hz` apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sweep {
    /// No centre is above it, in hertz; not below the first.
    pub stop_hz: u64,
    /// From centre to centre, in hertz, above 0.
    pub step_hz: u32,
}

impl Sweep {
    /// The most bands of a sweep.
    pub const MOST_BANDS: u64 = 65_535;

    /// How many bands there are from `start_hz` on; `None` when it makes no sense or
    /// there are more than [`Sweep::MOST_BANDS`].
    #[must_use]
    pub fn bands(&self, start_hz: u64) -> Option<u64> {
        let span = self.stop_hz.checked_sub(start_hz)?;
        let bands = span.checked_div(self.step_hz.into())?.checked_add(1)?;
        (bands <= Self::MOST_BANDS).then_some(bands)
    }
}

/// What a signal analyser is set to where it has no gain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReferenceLevel {
    /// The reference level, in tenths of a dBm.
    pub reference_tenth_dbm: i16,
    /// The attenuation, in tenths of a decibel.
    pub attenuation_tenth_db: u16,
    /// Whether the preamplifier is on.
    pub preamplifier: bool,
}

/// Where an antenna points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Pointing {
    /// In tenths of a degree east of north, 0 to 3,599.
    pub azimuth_tenth_deg: u16,
    /// In tenths of a degree above the horizon, -900 to 900.
    pub elevation_tenth_deg: i16,
}

impl Pointing {
    pub(crate) const fn is_sound(&self) -> bool {
        self.azimuth_tenth_deg < 3_600 && self.elevation_tenth_deg.unsigned_abs() <= 900
    }
}

coded! {
    struct ScanParameters: center_hz, bandwidth_hz, resolution_hz, transforms, detector, window,
        gain_db, settings;
    struct ScanSettings: sweep, level, rf_path, pointing, skip_samples, calibrated;
    struct Sweep: stop_hz, step_hz;
    struct ReferenceLevel: reference_tenth_dbm, attenuation_tenth_db, preamplifier;
    struct Pointing: azimuth_tenth_deg, elevation_tenth_deg;
    enum Detector: 0 Sample, 1 Mean, 2 Max, 3 Min, 4 Median, 5 M4s; else Self::Mean;
    enum Window: 0 Rectangular, 1 Hann, 2 Hamming, 3 BlackmanHarris,
        4 FlatTop; else Self::BlackmanHarris;
}
