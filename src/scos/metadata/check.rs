//! The ranges of what metadata say.

use core::fmt;

/// The longest text in metadata, in octets.
pub const TEXT_MAX: usize = 32;

/// What of a section is out of its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unsound {
    /// A text has more than 32 octets.
    Text,
    /// A number of a part is above 15.
    Index,
    /// The lower frequency of a range is above the higher.
    Frequency,
    /// The widest band is of 0 Hz.
    Bandwidth,
    /// The narrowest bin is of 0 Hz.
    Resolution,
    /// The least gain is above the greatest.
    Gain,
    /// The least reference level is above the greatest.
    ReferenceLevel,
    /// An angle is beyond its circle.
    Angle,
    /// A standing wave ratio is below 1.
    StandingWaveRatio,
    /// A fraction is above 1.
    Fraction,
    /// A temperature is below absolute zero or above 1,000 degrees.
    Temperature,
    /// A converter has no bits, or more than 64.
    Bits,
    /// A set names what there is not.
    Set,
    /// A latitude or longitude is not on the globe.
    Location,
    /// A schedule holds no recipe.
    Recipes,
    /// The longest slot is of no minutes.
    Minutes,
}

impl fmt::Display for Unsound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text of more than 32 octets",
            Self::Index => "a number of a part above 15",
            Self::Frequency => "a range of frequencies that ends before it begins",
            Self::Bandwidth => "no bandwidth",
            Self::Resolution => "no resolution",
            Self::Gain => "a range of gains that ends before it begins",
            Self::ReferenceLevel => "a range of reference levels that ends before it begins",
            Self::Angle => "an angle beyond its circle",
            Self::StandingWaveRatio => "a standing wave ratio below 1",
            Self::Fraction => "a fraction above 1",
            Self::Temperature => "a temperature below absolute zero or above 1,000 degrees",
            Self::Bits => "a converter of no bits or more than 64",
            Self::Set => "a detector or window there is not",
            Self::Location => "a place that is not on the globe",
            Self::Recipes => "a schedule without room for a recipe",
            Self::Minutes => "a longest slot of no minutes",
        })
    }
}

impl core::error::Error for Unsound {}
