//! How a device is now: class B, which changes.

use serde::{Deserialize, Serialize};

use crate::scos::Pointing;
use crate::scos::coding::coded;
use crate::time::ClockQuality;

/// Where an antenna points now (7.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AntennaPointing {
    /// The number of the antenna, 0 to 15.
    pub index: u8,
    /// Where.
    pub pointing: Pointing,
}

/// The front-end now (7.1.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FrontEndStatus {
    /// Its temperature, in tenths of a degree Celsius.
    pub temperature_tenth_c: Option<i16>,
    /// That of the noise diode, the same.
    pub noise_diode_tenth_c: Option<i16>,
    /// That of the low-noise amplifier, the same.
    pub amplifier_tenth_c: Option<i16>,
    /// The humidity in it, in thousandths.
    pub humidity_permille: Option<u16>,
    /// Whether its door is closed.
    pub door_closed: Option<bool>,
    /// Whether the noise diode has power.
    pub noise_diode_powered: Option<bool>,
    /// Whether the low-noise amplifier has power.
    pub amplifier_powered: Option<bool>,
    /// Whether the path from the antenna is on.
    pub antenna_path: Option<bool>,
    /// Whether the path from the noise diode is on.
    pub noise_diode_path: Option<bool>,
}

/// Power and climate of the station now (7.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PowerStatus {
    /// Whether the analyser has power.
    pub analyser_powered: Option<bool>,
    /// Whether the front-end has power.
    pub front_end_powered: Option<bool>,
    /// Whether the temperature is controlled.
    pub temperature_control: Option<bool>,
    /// Whether it is being heated.
    pub heating: Option<bool>,
    /// Whether it is being cooled.
    pub cooling: Option<bool>,
    /// Whether it runs on its battery.
    pub on_battery: Option<bool>,
    /// Whether the battery is low.
    pub battery_low: Option<bool>,
    /// Whether the battery is to be replaced.
    pub replace_battery: Option<bool>,
    /// The voltage supplied, in millivolts.
    pub supply_mv: Option<u32>,
}

/// The computer now (7.1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HostStatus {
    /// The mean clock of its processor, in megahertz.
    pub cpu_mean_clock_mhz: Option<u16>,
    /// How much of its processors the program takes, in thousandths of all of them.
    pub cpu_usage_permille: Option<u16>,
    /// The load of the last five minutes, in thousandths of all processors; it may
    /// be more than all.
    pub load_5m_permille: Option<u32>,
    /// How much of its memory is taken, in thousandths.
    pub memory_usage_permille: Option<u16>,
    /// How much of its disk is taken, in thousandths.
    pub disk_usage_permille: Option<u16>,
    /// The temperature of its processor, in tenths of a degree Celsius.
    pub cpu_tenth_c: Option<i16>,
    /// Whether the processor is too hot.
    pub cpu_overheating: Option<bool>,
    /// When the computer started, in seconds since 1970-01-01T00:00Z.
    pub started_s: Option<i64>,
    /// When the program started, the same.
    pub software_started_s: Option<i64>,
    /// Its solid-state disk.
    pub disk: Option<DiskStatus>,
}

/// What a solid-state disk says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DiskStatus {
    /// Whether it passed its own test.
    pub test_passed: bool,
    /// Its critical warnings, a bit each.
    pub critical_warning: u8,
    /// Its temperature, in tenths of a degree Celsius.
    pub temperature_tenth_c: i16,
    /// What is left of its spare, in thousandths.
    pub available_spare_permille: u16,
    /// Below which that is too little, in thousandths.
    pub spare_threshold_permille: u16,
    /// How much of its life is used, in thousandths; it may be more than all.
    pub used_permille: u16,
    /// How often it lost power.
    pub unsafe_shutdowns: u32,
    /// Errors of integrity.
    pub integrity_errors: u32,
}

/// What surrounds a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment<'a> {
    /// Where it stands.
    pub surroundings: Option<Surroundings>,
    /// The temperature, in tenths of a degree Celsius.
    pub temperature_tenth_c: Option<i16>,
    /// The humidity, in thousandths.
    pub humidity_permille: Option<u16>,
    /// The weather, at most 32 octets; empty for unknown.
    pub weather: &'a str,
    /// What else there is to say, the same.
    pub description: &'a str,
}

/// Where a device stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Surroundings {
    /// In a building.
    Indoor,
    /// In the open air, in a town.
    OutdoorUrban,
    /// In the open air, in the country.
    OutdoorRural,
}

/// A place on the WGS 84 ellipsoid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Location {
    /// Latitude, in 10⁻⁷ degrees north, -900,000,000 to 900,000,000.
    pub latitude_e7: i32,
    /// Longitude, in 10⁻⁷ degrees east, -1,800,000,000 to 1,800,000,000.
    pub longitude_e7: i32,
    /// Height above the ellipsoid, in centimetres.
    pub height_cm: i32,
}

/// How far the clock of a device can be trusted. The SSD keeps this section itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ClockStatus {
    /// It is not set: the SSD performs no scan.
    #[default]
    Unset,
    /// It was set once and runs by itself.
    FreeRunning,
    /// It follows a reference.
    Synchronised,
}

impl From<ClockQuality> for ClockStatus {
    fn from(quality: ClockQuality) -> Self {
        match quality {
            ClockQuality::Unset => Self::Unset,
            ClockQuality::FreeRunning => Self::FreeRunning,
            ClockQuality::Synchronised => Self::Synchronised,
        }
    }
}

impl Environment<'_> {
    /// Surroundings of which nothing is known.
    pub const UNKNOWN: Self = Self {
        surroundings: None,
        temperature_tenth_c: None,
        humidity_permille: None,
        weather: "",
        description: "",
    };
}

coded! {
    struct AntennaPointing: index, pointing;
    struct FrontEndStatus: temperature_tenth_c, noise_diode_tenth_c, amplifier_tenth_c,
        humidity_permille, door_closed, noise_diode_powered, amplifier_powered, antenna_path,
        noise_diode_path;
    struct PowerStatus: analyser_powered, front_end_powered, temperature_control, heating, cooling,
        on_battery, battery_low, replace_battery, supply_mv;
    struct HostStatus: cpu_mean_clock_mhz, cpu_usage_permille, load_5m_permille,
        memory_usage_permille, disk_usage_permille, cpu_tenth_c, cpu_overheating, started_s,
        software_started_s, disk;
    struct DiskStatus: test_passed, critical_warning, temperature_tenth_c,
        available_spare_permille, spare_threshold_permille, used_permille, unsafe_shutdowns,
        integrity_errors;
    struct Environment<'a>: surroundings, temperature_tenth_c, humidity_permille, weather,
        description;
    enum Surroundings: 0 Indoor, 1 OutdoorUrban, 2 OutdoorRural; else Self::Indoor;
    struct Location: latitude_e7, longitude_e7, height_cm;
    enum ClockStatus: 0 Unset, 1 FreeRunning, 2 Synchronised; else Self::Unset;
}
