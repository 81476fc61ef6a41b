//! Whether a device can do what a scan asks for.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::{Analyser, LevelRange, Metadata, Receiver, Section, SectionKind, Steering};
use crate::scos::coding::coded;
use crate::scos::{Pointing, ReferenceLevel, ScanParameters, ScanSettings};

/// What a scan asks for that a device cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Limit {
    /// Part of a band lies outside what is received.
    Frequency,
    /// The band is empty or too wide.
    Bandwidth,
    /// The bins are too narrow, or wider than the band.
    Resolution,
    /// The gain cannot be set.
    Gain,
    /// No transform at all is asked for.
    Transforms,
    /// The detector is not there.
    Detector,
    /// The window is not there.
    Window,
    /// Bands cannot be swept, or not these.
    Sweep,
    /// The reference level cannot be set.
    ReferenceLevel,
    /// So much attenuation cannot be set.
    Attenuation,
    /// There is no preamplifier.
    Preamplifier,
    /// There is no such RF path.
    RfPath,
    /// The antenna cannot be pointed there.
    Pointing,
    /// There is no calibration, or none of this path.
    Calibration,
    /// Slots are served that are shorter.
    Duration,
}

impl Limit {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 15] = [
        Self::Frequency,
        Self::Bandwidth,
        Self::Resolution,
        Self::Gain,
        Self::Transforms,
        Self::Detector,
        Self::Window,
        Self::Sweep,
        Self::ReferenceLevel,
        Self::Attenuation,
        Self::Preamplifier,
        Self::RfPath,
        Self::Pointing,
        Self::Calibration,
        Self::Duration,
    ];

    /// A name for machines that never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frequency => "frequency",
            Self::Bandwidth => "bandwidth",
            Self::Resolution => "resolution",
            Self::Gain => "gain",
            Self::Transforms => "transforms",
            Self::Detector => "detector",
            Self::Window => "window",
            Self::Sweep => "sweep",
            Self::ReferenceLevel => "reference_level",
            Self::Attenuation => "attenuation",
            Self::Preamplifier => "preamplifier",
            Self::RfPath => "rf_path",
            Self::Pointing => "pointing",
            Self::Calibration => "calibration",
            Self::Duration => "duration",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const fn within(able: bool, or: Limit) -> Result<(), Limit> {
    if able { Ok(()) } else { Err(or) }
}

impl Metadata<'_> {
    /// Whether the device can do a scan of these parameters in slots of `minutes`.
    /// Whether the slot is long enough is the Actor's affair.
    ///
    /// # Errors
    /// The first [`Limit`] that is exceeded; [`Limit::Frequency`] where nothing is
    /// known of the analyser.
    pub fn check(&self, scan: &ScanParameters, minutes: u16) -> Result<(), Limit> {
        self.analyser().ok_or(Limit::Frequency)?.check_scan(scan)?;
        let longest = self.sensor().and_then(|sensor| sensor.minutes_max);
        within(longest.is_none_or(|longest| minutes <= longest), Limit::Duration)?;
        let Some(settings) = &scan.settings else { return Ok(()) };
        let antenna = match settings.rf_path {
            None => Some(0),
            Some(path) => match self.get(SectionKind::RfPath, path) {
                Some(Section::RfPath(path)) => path.antenna,
                _ => return Err(Limit::RfPath),
            },
        };
        if let Some(pointing) = settings.pointing {
            let antenna = antenna.and_then(|index| self.get(SectionKind::Antenna, index));
            let Some(Section::Antenna(antenna)) = antenna else { return Err(Limit::Pointing) };
            let reaches = antenna.steering.is_some_and(|steering| steering.reaches(pointing));
            within(reaches, Limit::Pointing)?;
        }
        within(!settings.calibrated || self.is_calibrated(settings.rf_path), Limit::Calibration)
    }

    /// Whether there is a calibration of this path, or any where no path is asked for.
    fn is_calibrated(&self, path: Option<u8>) -> bool {
        self.sections().any(|section| {
            matches!(section, Section::Calibration(calibration)
                if path.is_none() || calibration.rf_path == path)
        })
    }
}

impl Analyser<'_> {
    fn check_scan(&self, scan: &ScanParameters) -> Result<(), Limit> {
        let settings = scan.settings.unwrap_or_default();
        self.receiver.check_band(scan)?;
        self.check_sweep(scan, &settings)?;
        match (settings.level, self.levels) {
            (None, _) => self.receiver.check_gain(scan.gain_db)?,
            (Some(_), None) => return Err(Limit::ReferenceLevel),
            (Some(level), Some(range)) => range.check(&level)?,
        }
        within(scan.transforms > 0, Limit::Transforms)?;
        within(self.detectors.is_none_or(|some| some.contains(scan.detector)), Limit::Detector)?;
        within(self.windows.is_none_or(|some| some.contains(scan.window)), Limit::Window)
    }

    /// Whether the bands after the first can be received.
    fn check_sweep(&self, scan: &ScanParameters, settings: &ScanSettings) -> Result<(), Limit> {
        let Some(sweep) = settings.sweep else { return Ok(()) };
        within(self.sweeps && sweep.bands(scan.center_hz).is_some(), Limit::Sweep)?;
        self.receiver.check_band(&ScanParameters { center_hz: sweep.stop_hz, ..*scan })
    }
}

impl Receiver {
    fn check_band(&self, scan: &ScanParameters) -> Result<(), Limit> {
        let wide = scan.bandwidth_hz == 0 || scan.bandwidth_hz > self.bandwidth_max_hz;
        within(!wide, Limit::Bandwidth)?;
        // Half of an odd bandwidth is rounded up: the band lies wholly inside.
        let half = u64::from(scan.bandwidth_hz.div_ceil(2));
        let low = scan.center_hz.checked_sub(half);
        let high = scan.center_hz.saturating_add(half);
        let inside = low.is_some_and(|low| low >= self.frequency_low_hz);
        within(inside && high <= self.frequency_high_hz, Limit::Frequency)?;
        let bin = scan.resolution_hz;
        within(bin >= self.resolution_min_hz && bin <= scan.bandwidth_hz, Limit::Resolution)
    }

    const fn check_gain(&self, gain_db: i8) -> Result<(), Limit> {
        within(gain_db >= self.gain_min_db && gain_db <= self.gain_max_db, Limit::Gain)
    }
}

impl LevelRange {
    fn check(&self, level: &ReferenceLevel) -> Result<(), Limit> {
        let reference = level.reference_tenth_dbm;
        let reaches =
            (self.reference_min_tenth_dbm..=self.reference_max_tenth_dbm).contains(&reference);
        within(reaches, Limit::ReferenceLevel)?;
        let attenuation = level.attenuation_tenth_db;
        within(attenuation <= self.attenuation_max_tenth_db, Limit::Attenuation)?;
        within(self.preamplifier || !level.preamplifier, Limit::Preamplifier)
    }
}

impl Steering {
    /// Whether it reaches so far. Azimuths go clockwise and may pass north.
    fn reaches(&self, pointing: Pointing) -> bool {
        let (from, to) = (self.azimuth_from_tenth_deg, self.azimuth_to_tenth_deg);
        let azimuth = pointing.azimuth_tenth_deg;
        let across = if from <= to {
            (from..=to).contains(&azimuth)
        } else {
            azimuth >= from || azimuth <= to
        };
        let up = (self.elevation_min_tenth_deg..=self.elevation_max_tenth_deg)
            .contains(&pointing.elevation_tenth_deg);
        pointing.is_sound() && across && up
    }
}

coded! {
    enum Limit: 0 Frequency, 1 Bandwidth, 2 Resolution, 3 Gain, 4 Transforms,
        5 Detector, 6 Window, 7 Sweep, 8 ReferenceLevel, 9 Attenuation, 10 Preamplifier, 11 RfPath,
        12 Pointing, 13 Calibration, 14 Duration; else Self::Frequency;
}
