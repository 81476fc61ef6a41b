//! What a device is made of: class A, facts that hold for the life of a part
//! (7.1.1 to 7.1.6).

use serde::{Deserialize, Serialize};

use crate::scos::coding::coded;
use crate::scos::{Detector, Window};

/// What is told of any part. Texts have at most 32 octets; an empty one is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardwareSpec<'a> {
    /// What tells it from others of its model, such as a serial number.
    pub id: &'a str,
    /// Its model.
    pub model: &'a str,
    /// Its version, or that of its firmware.
    pub version: &'a str,
    /// What it is, in words.
    pub description: &'a str,
}

/// A range of frequencies, in hertz; the lower not above the higher.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrequencyRange {
    /// The lowest.
    pub low_hz: u64,
    /// The highest.
    pub high_hz: u64,
}

/// The device as a whole (7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sensor<'a> {
    /// The device.
    #[serde(borrow)]
    pub spec: HardwareSpec<'a>,
    /// What senses.
    pub kind: SensorKind,
    /// How many antennas it has.
    pub antennas: u8,
    /// Whether there is a calibration source.
    pub calibration_source: bool,
    /// Whether there is an RF switch.
    pub rf_switch: bool,
    /// Whether there is an RF filter.
    pub rf_filter: bool,
    /// Whether there is a low-noise amplifier.
    pub low_noise_amplifier: bool,
    /// Whether it moves.
    pub mobile: bool,
    /// How many recipes its schedule holds, at least 1.
    pub recipes: u16,
    /// The longest slot it serves, in minutes, at least 1; `None` for any.
    pub minutes_max: Option<u16>,
}

/// What senses (7.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum SensorKind {
    /// A software-defined radio.
    #[default]
    Sdr,
    /// A spectrum analyser off the shelf.
    Cots,
}

/// An antenna (7.1.2). Where it points is a
/// [`AntennaPointing`](super::AntennaPointing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Antenna<'a> {
    /// Its number, 0 to 15.
    pub index: u8,
    /// The antenna.
    #[serde(borrow)]
    pub spec: HardwareSpec<'a>,
    /// Its type, such as `discone`, at most 32 octets; empty for unknown.
    pub kind: &'a str,
    /// What it receives.
    pub frequency: Option<FrequencyRange>,
    /// Its gain, in tenths of a dBi.
    pub gain_tenth_dbi: Option<i16>,
    /// Its polarisation.
    pub polarization: Option<Polarization>,
    /// How far the other polarisation is below, in tenths of a decibel.
    pub cross_polar_tenth_db: Option<u16>,
    /// Its height above ground, in centimetres.
    pub height_cm: Option<i32>,
    /// The width of its beam in the horizon, in tenths of a degree, at most 3,600.
    pub horizontal_beamwidth_tenth_deg: Option<u16>,
    /// The same upright.
    pub vertical_beamwidth_tenth_deg: Option<u16>,
    /// The voltage standing wave ratio, in hundredths, at least 100.
    pub vswr_hundredths: Option<u16>,
    /// The loss of its cable, in tenths of a decibel.
    pub cable_loss_tenth_db: Option<u16>,
    /// Where it can be pointed; `None` where it is fixed.
    pub steering: Option<Steering>,
}

/// The polarisation of an antenna.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Polarization {
    /// Upright.
    Vertical,
    /// Level.
    Horizontal,
    /// At 45 degrees.
    Slant,
    /// Left-hand circular.
    LeftCircular,
    /// Right-hand circular.
    RightCircular,
    /// Two at right angles.
    Dual,
}

/// Where an antenna can be pointed, in tenths of a degree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Steering {
    /// The first azimuth, 0 to 3,599.
    pub azimuth_from_tenth_deg: u16,
    /// The last azimuth, clockwise from the first, 0 to 3,599.
    pub azimuth_to_tenth_deg: u16,
    /// The least elevation, -900 to 900.
    pub elevation_min_tenth_deg: i16,
    /// The greatest elevation, not below the least, to 900.
    pub elevation_max_tenth_deg: i16,
}

/// The RF front-end, or preselector (7.1.3). Its parts are sections of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrontEnd<'a> {
    /// The front-end.
    #[serde(borrow)]
    pub spec: HardwareSpec<'a>,
}

/// A calibration source of the front-end (7.1.3, 7.1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibrationSource<'a> {
    /// Its number, 0 to 15.
    pub index: u8,
    /// The source.
    #[serde(borrow)]
    pub spec: HardwareSpec<'a>,
    /// Its type, such as `noise diode`, at most 32 octets; empty for unknown.
    pub kind: &'a str,
    /// Its excess noise ratio, in hundredths of a decibel.
    pub excess_noise_hundredth_db: Option<i16>,
}

/// An amplifier of the front-end (7.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amplifier<'a> {
    /// Its number, 0 to 15.
    pub index: u8,
    /// The amplifier.
    #[serde(borrow)]
    pub spec: HardwareSpec<'a>,
    /// Its gain, in tenths of a decibel.
    pub gain_tenth_db: Option<i16>,
    /// Its noise figure, in tenths of a decibel.
    pub noise_figure_tenth_db: Option<u16>,
    /// The greatest power at its input, in tenths of a dBm.
    pub max_power_tenth_dbm: Option<i16>,
}

/// A filter of the front-end (7.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter<'a> {
    /// Its number, 0 to 15.
    pub index: u8,
    /// The filter.
    #[serde(borrow)]
    pub spec: HardwareSpec<'a>,
    /// Where it attenuates by 1 dB at most.
    pub passband: Option<FrequencyRange>,
    /// Outside of which it attenuates by 60 dB at least.
    pub stopband: Option<FrequencyRange>,
}

/// A way through the front-end (7.1.3); its parts by their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RfPath<'a> {
    /// Its number, 0 to 15.
    pub index: u8,
    /// Its name, at most 32 octets.
    pub id: &'a str,
    /// The antenna it begins at.
    pub antenna: Option<u8>,
    /// The calibration source it begins at.
    pub calibration_source: Option<u8>,
    /// The filter on it.
    pub filter: Option<u8>,
    /// The amplifier on it.
    pub amplifier: Option<u8>,
}

/// What a calibration has found, for a path and a frequency (7.1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration<'a> {
    /// Its number, 0 to 15.
    pub index: u8,
    /// The path; `None` for the analyser alone.
    pub rf_path: Option<u8>,
    /// The frequency it was made at, in hertz.
    pub frequency_hz: Option<u64>,
    /// When it was made, in seconds since 1970-01-01T00:00Z.
    pub time_s: Option<i64>,
    /// The gain, in hundredths of a decibel.
    pub gain_hundredth_db: Option<i16>,
    /// The noise figure, in hundredths of a decibel.
    pub noise_figure_hundredth_db: Option<u16>,
    /// The 1 dB compression point, in hundredths of a dBm.
    pub compression_point_hundredth_dbm: Option<i16>,
    /// The equivalent noise bandwidth, in hertz.
    pub noise_bandwidth_hz: Option<u32>,
    /// The mean power of noise in that bandwidth, in hundredths of a dBm.
    pub mean_noise_hundredth_dbm: Option<i16>,
    /// The point its figures refer to, at most 32 octets; empty for unknown.
    pub reference: &'a str,
    /// The temperature it was made at, in tenths of a degree Celsius.
    pub temperature_tenth_c: Option<i16>,
}

/// The signal analyser or SDR (7.1.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analyser<'a> {
    /// The analyser.
    #[serde(borrow)]
    pub spec: HardwareSpec<'a>,
    /// What it can be set to.
    pub receiver: Receiver,
    /// What its reference level can be set to; `None` where it has a gain alone.
    pub levels: Option<LevelRange>,
    /// Whether it can sweep.
    pub sweeps: bool,
    /// The detectors it has; `None` for all.
    pub detectors: Option<Detectors>,
    /// The windows it has; `None` for all.
    pub windows: Option<Windows>,
    /// Its noise figure, in tenths of a decibel.
    pub noise_figure_tenth_db: Option<u16>,
    /// The greatest power at its input, in tenths of a dBm.
    pub max_power_tenth_dbm: Option<i16>,
    /// Bits of its analogue-to-digital converter, 1 to 64.
    pub converter_bits: Option<u8>,
}

/// The range of a receiver, from antenna connector to transform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Receiver {
    /// The lowest frequency received, in hertz.
    pub frequency_low_hz: u64,
    /// The highest frequency received, in hertz, not below the lowest.
    pub frequency_high_hz: u64,
    /// The widest band received at once, in hertz, above 0.
    pub bandwidth_max_hz: u32,
    /// The narrowest bin computed, in hertz, above 0.
    pub resolution_min_hz: u32,
    /// The least gain, in decibels.
    pub gain_min_db: i8,
    /// The greatest gain, in decibels, not below the least.
    pub gain_max_db: i8,
}

/// What the reference level of an analyser can be set to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LevelRange {
    /// The least reference level, in tenths of a dBm.
    pub reference_min_tenth_dbm: i16,
    /// The greatest, not below the least.
    pub reference_max_tenth_dbm: i16,
    /// The greatest attenuation, in tenths of a decibel.
    pub attenuation_max_tenth_db: u16,
    /// Whether there is a preamplifier.
    pub preamplifier: bool,
}

/// Some detectors: bit 0 is [`Detector::Sample`], and so on in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Detectors(pub u8);

impl Detectors {
    /// Whether `detector` is one of them.
    #[must_use]
    pub fn contains(self, detector: Detector) -> bool {
        holds(self.0, Detector::ALL.iter().position(|other| *other == detector))
    }
}

/// Some windows: bit 0 is [`Window::Rectangular`], and so on in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Windows(pub u8);

impl Windows {
    /// Whether `window` is one of them.
    #[must_use]
    pub fn contains(self, window: Window) -> bool {
        holds(self.0, Window::ALL.iter().position(|other| *other == window))
    }
}

fn holds(bits: u8, at: Option<usize>) -> bool {
    let at = at.and_then(|at| u32::try_from(at).ok());
    at.and_then(|at| bits.checked_shr(at)).is_some_and(|bits| bits & 1 == 1)
}

/// The computer behind the analyser (7.1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host<'a> {
    /// The computer.
    #[serde(borrow)]
    pub spec: HardwareSpec<'a>,
    /// Its name, at most 32 octets; empty for unknown.
    pub name: &'a str,
    /// Its operating system, the same.
    pub platform: &'a str,
    /// The name and version of the program that senses, the same.
    pub software: &'a str,
}

impl HardwareSpec<'_> {
    /// Nothing is known of the part.
    pub const UNKNOWN: Self = Self { id: "", model: "", version: "", description: "" };
}

impl Sensor<'_> {
    /// A radio of which nothing is known, with room for a recipe.
    pub const UNKNOWN: Self = Self {
        spec: HardwareSpec::UNKNOWN,
        kind: SensorKind::Sdr,
        antennas: 0,
        calibration_source: false,
        rf_switch: false,
        rf_filter: false,
        low_noise_amplifier: false,
        mobile: false,
        recipes: 1,
        minutes_max: None,
    };
}

impl Antenna<'_> {
    /// A fixed antenna of which nothing is known: number 0.
    pub const UNKNOWN: Self = Self {
        index: 0,
        spec: HardwareSpec::UNKNOWN,
        kind: "",
        frequency: None,
        gain_tenth_dbi: None,
        polarization: None,
        cross_polar_tenth_db: None,
        height_cm: None,
        horizontal_beamwidth_tenth_deg: None,
        vertical_beamwidth_tenth_deg: None,
        vswr_hundredths: None,
        cable_loss_tenth_db: None,
        steering: None,
    };
}

impl Analyser<'_> {
    /// An analyser of which nothing is known but what it can be set to.
    #[must_use]
    pub const fn new(receiver: Receiver) -> Self {
        Self {
            spec: HardwareSpec::UNKNOWN,
            receiver,
            levels: None,
            sweeps: false,
            detectors: None,
            windows: None,
            noise_figure_tenth_db: None,
            max_power_tenth_dbm: None,
            converter_bits: None,
        }
    }
}

impl Host<'_> {
    /// A computer of which nothing is known.
    pub const UNKNOWN: Self =
        Self { spec: HardwareSpec::UNKNOWN, name: "", platform: "", software: "" };
}

coded! {
    struct HardwareSpec<'a>: id, model, version, description;
    struct FrequencyRange: low_hz, high_hz;
    struct Sensor<'a>: spec, kind, antennas, calibration_source, rf_switch, rf_filter,
        low_noise_amplifier, mobile, recipes, minutes_max;
    enum SensorKind: 0 Sdr, 1 Cots; else Self::Sdr;
    struct Antenna<'a>: index, spec, kind, frequency, gain_tenth_dbi, polarization,
        cross_polar_tenth_db, height_cm, horizontal_beamwidth_tenth_deg,
        vertical_beamwidth_tenth_deg, vswr_hundredths, cable_loss_tenth_db, steering;
    enum Polarization: 0 Vertical, 1 Horizontal, 2 Slant, 3 LeftCircular,
        4 RightCircular, 5 Dual; else Self::Vertical;
    struct Steering: azimuth_from_tenth_deg, azimuth_to_tenth_deg, elevation_min_tenth_deg,
        elevation_max_tenth_deg;
    struct FrontEnd<'a>: spec;
    struct CalibrationSource<'a>: index, spec, kind, excess_noise_hundredth_db;
    struct Amplifier<'a>: index, spec, gain_tenth_db, noise_figure_tenth_db, max_power_tenth_dbm;
    struct Filter<'a>: index, spec, passband, stopband;
    struct RfPath<'a>: index, id, antenna, calibration_source, filter, amplifier;
    struct Calibration<'a>: index, rf_path, frequency_hz, time_s, gain_hundredth_db,
        noise_figure_hundredth_db, compression_point_hundredth_dbm, noise_bandwidth_hz,
        mean_noise_hundredth_dbm, reference, temperature_tenth_c;
    struct Analyser<'a>: spec, receiver, levels, sweeps, detectors, windows, noise_figure_tenth_db,
        max_power_tenth_dbm, converter_bits;
    struct Receiver: frequency_low_hz, frequency_high_hz, bandwidth_max_hz, resolution_min_hz,
        gain_min_db, gain_max_db;
    struct LevelRange: reference_min_tenth_dbm, reference_max_tenth_dbm, attenuation_max_tenth_db,
        preamplifier;
    struct Detectors: 0;
    struct Windows: 0;
    struct Host<'a>: spec, name, platform, software;
}
