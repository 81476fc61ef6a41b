//! What a device says about itself: the metadata of SSM functional specification
//! 7.1, in sections that are advertised, kept and copied one by one.
//!
//! | no. | section | clause | class | how many |
//! |---|---|---|---|---|
//! | 0 | [`Analyser`] | 7.1.5 | A | one, required |
//! | 1 | [`Antenna`] | 7.1.2 | A | up to 16 |
//! | 2 | [`AntennaPointing`] | 7.1.2 | B | one an antenna |
//! | 3 | [`FrontEnd`] | 7.1.3 | A | one |
//! | 4 | [`CalibrationSource`] | 7.1.3, 7.1.4 | A | up to 16 |
//! | 5 | [`Amplifier`] | 7.1.3 | A | up to 16 |
//! | 6 | [`Filter`] | 7.1.3 | A | up to 16 |
//! | 7 | [`RfPath`] | 7.1.3 | A | up to 16 |
//! | 8 | [`Calibration`] | 7.1.4 | A | up to 16 |
//! | 9 | [`Host`] | 7.1.6 | A | one |
//! | 10 | [`HostStatus`] | 7.1.6 | B | one |
//! | 11 | [`FrontEndStatus`] | 7.1.3 | B | one |
//! | 12 | [`PowerStatus`] | 7.1.1 | B | one |
//! | 13 | [`Environment`] | environmental | B | one |
//! | 14 | [`Location`] | environmental | B | one |
//! | 15 | [`ClockStatus`] | 7.1.6 | B | one, kept by the SSD |
//! | 16 | settings, as [`ScanParameters`] | 7.1.5 | B, C | one |
//! | 17 | [`Sensor`] | 7.1.1 | A | one, required |
//!
//! Class A are facts that hold for the life of a part, class B is how things are
//! now, class C is about a measurement and comes with its report. They are
//! advertised in this order, [`Sensor`] when all others are acknowledged: that it
//! is there says that the rest is.
//!
//! Fixed-point integers, not floats, so that values compare and no target needs a
//! floating-point unit. What is not known is `None`, or an empty text.

mod capability;
mod check;
mod hardware;
mod shape;
mod status;
mod store;
#[cfg(test)]
mod tests;

pub use capability::Limit;
pub use check::{TEXT_MAX, Unsound};
pub use hardware::{
    Amplifier, Analyser, Antenna, Calibration, CalibrationSource, Detectors, Filter,
    FrequencyRange, FrontEnd, HardwareSpec, Host, LevelRange, Polarization, Receiver, RfPath,
    Sensor, SensorKind, Steering, Windows,
};
pub use status::{
    AntennaPointing, ClockStatus, DiskStatus, Environment, FrontEndStatus, HostStatus, Location,
    PowerStatus, Surroundings,
};
pub use store::{DeviceMetadata, Metadata, SectionError, Sections, SectionsBuffer};
pub(crate) use store::{KeptSection, Store};

use serde::{Deserialize, Serialize};

use super::ScanParameters;
use super::coding::coded;
use super::decoding::Decoder;
use super::encoding::encode;

/// The greatest number of a part of which there are several.
pub const INDEX_MAX: u8 = 15;

/// Octets of the longest section.
pub const SECTION_MAX: usize = 256;

/// A section of the metadata of a device. The order of the variants is their number
/// on the wire, and that in which they are advertised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is what its type says")]
pub enum Section<'a> {
    Analyser(#[serde(borrow)] Analyser<'a>),
    Antenna(#[serde(borrow)] Antenna<'a>),
    AntennaPointing(AntennaPointing),
    FrontEnd(#[serde(borrow)] FrontEnd<'a>),
    CalibrationSource(#[serde(borrow)] CalibrationSource<'a>),
    Amplifier(#[serde(borrow)] Amplifier<'a>),
    Filter(#[serde(borrow)] Filter<'a>),
    RfPath(#[serde(borrow)] RfPath<'a>),
    Calibration(#[serde(borrow)] Calibration<'a>),
    Host(#[serde(borrow)] Host<'a>),
    HostStatus(HostStatus),
    FrontEndStatus(FrontEndStatus),
    PowerStatus(PowerStatus),
    Environment(#[serde(borrow)] Environment<'a>),
    Location(Location),
    Clock(ClockStatus),
    /// What the analyser was last set to, if the application cares to say.
    Settings(ScanParameters),
    Sensor(#[serde(borrow)] Sensor<'a>),
}

/// What a section is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is what the section of its name is about")]
pub enum SectionKind {
    Analyser,
    Antenna,
    AntennaPointing,
    FrontEnd,
    CalibrationSource,
    Amplifier,
    Filter,
    RfPath,
    Calibration,
    Host,
    HostStatus,
    FrontEndStatus,
    PowerStatus,
    Environment,
    Location,
    Clock,
    Settings,
    Sensor,
}

impl SectionKind {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 18] = [
        Self::Analyser,
        Self::Antenna,
        Self::AntennaPointing,
        Self::FrontEnd,
        Self::CalibrationSource,
        Self::Amplifier,
        Self::Filter,
        Self::RfPath,
        Self::Calibration,
        Self::Host,
        Self::HostStatus,
        Self::FrontEndStatus,
        Self::PowerStatus,
        Self::Environment,
        Self::Location,
        Self::Clock,
        Self::Settings,
        Self::Sensor,
    ];

    /// Whether it is class B: how things are now, which changes.
    #[must_use]
    pub const fn changes(self) -> bool {
        matches!(
            self,
            Self::AntennaPointing
                | Self::HostStatus
                | Self::FrontEndStatus
                | Self::PowerStatus
                | Self::Environment
                | Self::Location
                | Self::Clock
                | Self::Settings
        )
    }

    /// Whether a device may have several, each with an index.
    #[must_use]
    pub const fn is_one_of_several(self) -> bool {
        matches!(
            self,
            Self::Antenna
                | Self::AntennaPointing
                | Self::CalibrationSource
                | Self::Amplifier
                | Self::Filter
                | Self::RfPath
                | Self::Calibration
        )
    }

    /// A name for machines that never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Analyser => "analyser",
            Self::Antenna => "antenna",
            Self::AntennaPointing => "antenna_pointing",
            Self::FrontEnd => "front_end",
            Self::CalibrationSource => "calibration_source",
            Self::Amplifier => "amplifier",
            Self::Filter => "filter",
            Self::RfPath => "rf_path",
            Self::Calibration => "calibration",
            Self::Host => "host",
            Self::HostStatus => "host_status",
            Self::FrontEndStatus => "front_end_status",
            Self::PowerStatus => "power_status",
            Self::Environment => "environment",
            Self::Location => "location",
            Self::Clock => "clock",
            Self::Settings => "settings",
            Self::Sensor => "sensor",
        }
    }
}

/// What a section of a device is found by. The order is that of advertising.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SectionKey {
    /// What it is about.
    pub kind: SectionKind,
    /// Which of several, 0 where there is one.
    pub index: u8,
}

impl SectionKey {
    /// Before all others.
    pub const FIRST: Self = Self { kind: SectionKind::Analyser, index: 0 };
    /// The section that tells that the others are there.
    pub const SENSOR: Self = Self { kind: SectionKind::Sensor, index: 0 };
}

impl Section<'_> {
    /// What it is found by.
    #[must_use]
    pub const fn key(&self) -> SectionKey {
        use SectionKind as Kind;
        let (kind, index) = match self {
            Self::Analyser(_) => (Kind::Analyser, 0),
            Self::Antenna(antenna) => (Kind::Antenna, antenna.index),
            Self::AntennaPointing(pointing) => (Kind::AntennaPointing, pointing.index),
            Self::FrontEnd(_) => (Kind::FrontEnd, 0),
            Self::CalibrationSource(source) => (Kind::CalibrationSource, source.index),
            Self::Amplifier(amplifier) => (Kind::Amplifier, amplifier.index),
            Self::Filter(filter) => (Kind::Filter, filter.index),
            Self::RfPath(path) => (Kind::RfPath, path.index),
            Self::Calibration(calibration) => (Kind::Calibration, calibration.index),
            Self::Host(_) => (Kind::Host, 0),
            Self::HostStatus(_) => (Kind::HostStatus, 0),
            Self::FrontEndStatus(_) => (Kind::FrontEndStatus, 0),
            Self::PowerStatus(_) => (Kind::PowerStatus, 0),
            Self::Environment(_) => (Kind::Environment, 0),
            Self::Location(_) => (Kind::Location, 0),
            Self::Clock(_) => (Kind::Clock, 0),
            Self::Settings(_) => (Kind::Settings, 0),
            Self::Sensor(_) => (Kind::Sensor, 0),
        };
        SectionKey { kind, index }
    }

    /// Whether every value is in its range; a message with others is malformed.
    ///
    /// # Errors
    /// What is not.
    pub fn check(&self) -> Result<(), Unsound> {
        // Texts alone can make a section longer.
        let mut scratch = [0; SECTION_MAX];
        check_octets(encode(self, &mut scratch).map_err(|_| Unsound::Text)?)
    }
}

/// Whether every value of a section that was written is in its range.
fn check_octets(section: &[u8]) -> Result<(), Unsound> {
    shape::walk(&mut Decoder::new(section))
}

coded! {
    enum Section<'a>: 0 Analyser(s), 1 Antenna(s),
        2 AntennaPointing(s), 3 FrontEnd(s), 4 CalibrationSource(s), 5 Amplifier(s), 6 Filter(s),
        7 RfPath(s), 8 Calibration(s), 9 Host(s), 10 HostStatus(s), 11 FrontEndStatus(s),
        12 PowerStatus(s), 13 Environment(s), 14 Location(s), 15 Clock(s), 16 Settings(s),
        17 Sensor(s); else Self::Clock(ClockStatus::Unset);
    enum SectionKind: 0 Analyser, 1 Antenna, 2 AntennaPointing, 3 FrontEnd,
        4 CalibrationSource, 5 Amplifier, 6 Filter, 7 RfPath, 8 Calibration, 9 Host, 10 HostStatus,
        11 FrontEndStatus, 12 PowerStatus, 13 Environment, 14 Location, 15 Clock, 16 Settings,
        17 Sensor; else Self::Analyser;
    struct SectionKey: kind, index;
}
