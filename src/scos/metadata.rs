//! What a device says about itself: the class A metadata of SSM functional
//! specification 7.1 and the situation of its host.
//!
//! Fixed-point integers, not floats, so that values compare and no target needs a
//! floating-point unit: angles on the ground in 10⁻⁷ degrees, bearings and
//! antenna gain in tenths.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::ScanParameters;

/// What a device can do, what it is and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities<'a> {
    /// What can be tuned and resolved (7.1.3, 7.1.5).
    pub receiver: Receiver,
    /// The antenna (7.1.2).
    #[serde(borrow)]
    pub antenna: Antenna<'a>,
    /// The computer behind the receiver (7.1.6).
    #[serde(borrow)]
    pub host: Host<'a>,
    /// Where it stands; `None` when it does not know or does not tell.
    pub location: Option<Location>,
    /// What surrounds it.
    pub environment: Environment,
    /// How many recipes its schedule holds, at least 1.
    pub recipes: u16,
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

/// The antenna (7.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Antenna<'a> {
    /// Its model, at most 32 octets.
    pub model: &'a str,
    /// Its type, such as `discone`, at most 32 octets.
    pub kind: &'a str,
    /// Its gain, in tenths of a dBi.
    pub gain_tenth_dbi: i16,
    /// Where it points, in tenths of a degree east of north, 0 to 3,599; `None`
    /// when it points nowhere in particular.
    pub azimuth_tenth_deg: Option<u16>,
}

/// The computer (7.1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host<'a> {
    /// Its name, at most 32 octets.
    pub name: &'a str,
    /// Its model, at most 32 octets.
    pub model: &'a str,
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

/// What surrounds a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Environment {
    /// It does not say.
    #[default]
    Unknown,
    /// A building.
    Indoor,
    /// Open air in a town.
    OutdoorUrban,
    /// Open air in the country.
    OutdoorRural,
}

/// What a scan asks for that a device cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Limit {
    /// Part of the band lies outside what is received.
    Frequency,
    /// The band is empty or too wide.
    Bandwidth,
    /// The bins are too narrow, or wider than the band.
    Resolution,
    /// The gain cannot be set.
    Gain,
    /// No transform at all is asked for.
    Transforms,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Frequency => "frequency",
            Self::Bandwidth => "bandwidth",
            Self::Resolution => "resolution",
            Self::Gain => "gain",
            Self::Transforms => "transforms",
        })
    }
}

impl Capabilities<'_> {
    /// The longest text, in octets.
    pub const TEXT_MAX: usize = 32;

    /// Whether every value is in its range; a message with others is malformed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let texts = [self.antenna.model, self.antenna.kind, self.host.name, self.host.model];
        texts.iter().all(|text| text.len() <= Self::TEXT_MAX)
            && self.receiver.is_sound()
            && self.antenna.azimuth_tenth_deg.is_none_or(|azimuth| azimuth < 3_600)
            && self.location.is_none_or(|location| location.is_sound())
            && self.recipes >= 1
    }
}

impl Receiver {
    /// Whether this receiver can do a scan of these parameters.
    ///
    /// # Errors
    /// The first [`Limit`] that is exceeded.
    pub fn check(&self, scan: &ScanParameters) -> Result<(), Limit> {
        if scan.bandwidth_hz == 0 || scan.bandwidth_hz > self.bandwidth_max_hz {
            return Err(Limit::Bandwidth);
        }
        // Half of an odd bandwidth is rounded up: the band lies wholly inside.
        let half = u64::from(scan.bandwidth_hz.div_ceil(2));
        let low = scan.center_hz.checked_sub(half);
        let high = scan.center_hz.saturating_add(half);
        if low.is_none_or(|low| low < self.frequency_low_hz) || high > self.frequency_high_hz {
            return Err(Limit::Frequency);
        }
        if scan.resolution_hz < self.resolution_min_hz || scan.resolution_hz > scan.bandwidth_hz {
            return Err(Limit::Resolution);
        }
        if scan.gain_db < self.gain_min_db || scan.gain_db > self.gain_max_db {
            return Err(Limit::Gain);
        }
        if scan.transforms == 0 {
            return Err(Limit::Transforms);
        }
        Ok(())
    }

    const fn is_sound(&self) -> bool {
        self.frequency_low_hz <= self.frequency_high_hz
            && self.bandwidth_max_hz > 0
            && self.resolution_min_hz > 0
            && self.gain_min_db <= self.gain_max_db
    }
}

impl Location {
    const fn is_sound(&self) -> bool {
        self.latitude_e7.unsigned_abs() <= 900_000_000
            && self.longitude_e7.unsigned_abs() <= 1_800_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVER: Receiver = Receiver {
        frequency_low_hz: 88_000_000,
        frequency_high_hz: 108_000_000,
        bandwidth_max_hz: 2_000_000,
        resolution_min_hz: 1_000,
        gain_min_db: 0,
        gain_max_db: 40,
    };

    const SCAN: ScanParameters = ScanParameters {
        center_hz: 89_000_000,
        bandwidth_hz: 2_000_000,
        resolution_hz: 1_000,
        transforms: 1,
        detector: super::super::Detector::Mean,
        window: super::super::Window::Hann,
        gain_db: 40,
    };

    #[test]
    fn the_edges_of_the_range_are_inside() {
        assert_eq!(RECEIVER.check(&SCAN), Ok(()));
        assert_eq!(RECEIVER.check(&ScanParameters { center_hz: 107_000_000, ..SCAN }), Ok(()));
        assert_eq!(RECEIVER.check(&ScanParameters { gain_db: 0, ..SCAN }), Ok(()));
    }

    #[test]
    fn each_limit_has_its_name() {
        let cases = [
            (ScanParameters { center_hz: 88_999_999, ..SCAN }, Limit::Frequency),
            (ScanParameters { center_hz: 107_000_001, ..SCAN }, Limit::Frequency),
            (ScanParameters { center_hz: 0, ..SCAN }, Limit::Frequency),
            (ScanParameters { center_hz: u64::MAX, ..SCAN }, Limit::Frequency),
            (ScanParameters { bandwidth_hz: 0, ..SCAN }, Limit::Bandwidth),
            (ScanParameters { bandwidth_hz: 2_000_001, ..SCAN }, Limit::Bandwidth),
            (ScanParameters { resolution_hz: 999, ..SCAN }, Limit::Resolution),
            (ScanParameters { resolution_hz: 2_000_001, ..SCAN }, Limit::Resolution),
            (ScanParameters { gain_db: 41, ..SCAN }, Limit::Gain),
            (ScanParameters { gain_db: -1, ..SCAN }, Limit::Gain),
            (ScanParameters { transforms: 0, ..SCAN }, Limit::Transforms),
        ];
        for (scan, limit) in cases {
            assert_eq!(RECEIVER.check(&scan), Err(limit), "{scan:?}");
        }
    }

    #[test]
    fn values_out_of_range_are_unsound() {
        let sound = Capabilities { receiver: RECEIVER, recipes: 1, ..Capabilities::default() };
        assert!(sound.is_sound());
        assert!(!Capabilities { recipes: 0, ..sound }.is_sound());
        let antenna = Antenna { azimuth_tenth_deg: Some(3_600), ..sound.antenna };
        assert!(!Capabilities { antenna, ..sound }.is_sound());
        let location = Some(Location { latitude_e7: i32::MIN, ..Location::default() });
        assert!(!Capabilities { location, ..sound }.is_sound());
        let host = Host { name: "123456789012345678901234567890123", model: "" };
        assert!(!Capabilities { host, ..sound }.is_sound());
    }
}
