//! What a scan measures: the class C parameters of a scan request.

use serde::{Deserialize, Serialize};

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

/// The parameters of a scan: what to tune to and what to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScanParameters {
    /// The centre of the band, in hertz.
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
    /// The gain of the front-end, in decibels.
    pub gain_db: i8,
}
