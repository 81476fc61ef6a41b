//! What sections hold and within which ranges: a table, and the one walk that goes through
//! the octets of any section by it, without a value being made of them.

use super::check::Unsound;
use crate::scos::decoding::Decoder;

/// A field of a section, or something before fields, in an octet: what it is in the upper two
/// bits, and a number below.
#[derive(Clone, Copy)]
struct Field(u8);

impl Field {
    const MAYBE: u8 = 0x40;
    const GROUP: u8 = 0x80;

    /// A value is there.
    const fn one(rule: Rule) -> Self {
        Self(rule.number())
    }

    /// A flag tells whether a value is there.
    const fn maybe(rule: Rule) -> Self {
        Self(Self::MAYBE | rule.number())
    }

    /// A flag tells whether so many fields that follow are there.
    const fn group(count: u8) -> Self {
        Self(Self::GROUP | count)
    }
}

/// How a value stands in octets, and what has to hold of it.
struct Row {
    /// 0 for a text, of which the length counts; 1 for a flag; 8 for an octet; a number of
    /// so many bits otherwise.
    bits: u8,
    signed: bool,
    /// Whether it is not below the field before it.
    rising: bool,
    /// `i32::MIN` for any.
    low: i32,
    /// `i32::MAX` for any.
    high: i32,
    /// What is wrong where it is not so; `None` where it is no value of its kind then.
    or: Option<Unsound>,
}

/// Values of any size.
const ANY: Row =
    Row { bits: 0, signed: false, rising: false, low: i32::MIN, high: i32::MAX, or: None };

const fn unsigned(bits: u8) -> Row {
    Row { bits, ..ANY }
}

const fn signed(bits: u8) -> Row {
    Row { bits, signed: true, ..ANY }
}

/// The number of one of so many variants.
const fn variant(count: i32) -> Row {
    unsigned(32).within(0, count.saturating_sub(1), None)
}

impl Row {
    const fn within(self, low: i32, high: i32, or: Option<Unsound>) -> Self {
        Self { low, high, or, ..self }
    }

    const fn up_to(self, high: i32, or: Unsound) -> Self {
        self.within(i32::MIN, high, Some(or))
    }

    const fn at_least(self, low: i32, or: Unsound) -> Self {
        self.within(low, i32::MAX, Some(or))
    }

    const fn rising(self, or: Unsound) -> Self {
        Self { rising: true, or: Some(or), ..self }
    }

    /// Takes a value off the front.
    fn read(&self, from: &mut Decoder<'_>) -> i64 {
        match (self.bits, self.signed) {
            (0, _) => i64::try_from(from.text().len()).unwrap_or(i64::MAX),
            (1, _) => from.flag().into(),
            (8, false) => from.octet().into(),
            (8, true) => from.octet().cast_signed().into(),
            (bits, false) => from.varint(bits.into()).cast_signed(),
            (bits, true) => from.signed(bits.into()),
        }
    }

    /// Whether the value may follow the one before it.
    fn holds(&self, value: i64, before: i64) -> bool {
        // In the order of their kind.
        let rank = |value: i64| value.cast_unsigned() ^ (u64::from(self.signed) << 63);
        (self.low == i32::MIN || value >= self.low.into())
            && (self.high == i32::MAX || value <= self.high.into())
            && (!self.rising || rank(value) >= rank(before))
    }
}

macro_rules! rules {
    ($($name:ident $row:expr;)+) => {
        #[derive(Clone, Copy)]
        enum Rule {
            $($name,)+
        }

        impl Rule {
            /// Its place among all rules, below 64.
            #[allow(clippy::as_conversions, reason = "the number of a variant")]
            const fn number(self) -> u8 {
                self as u8
            }
        }

        /// The rules, in the order of their numbers.
        static ROWS: &[Row] = &[$($row,)+];
    };
}

rules! {
    Text ANY.up_to(32, Unsound::Text);
    Flag unsigned(1);
    U8 unsigned(8);
    U16 unsigned(16);
    U32 unsigned(32);
    U64 unsigned(64);
    I8 signed(8);
    I16 signed(16);
    I32 signed(32);
    I64 signed(64);
    Index unsigned(8).up_to(15, Unsound::Index);
    Frequency unsigned(64).rising(Unsound::Frequency);
    Bandwidth unsigned(32).at_least(1, Unsound::Bandwidth);
    Resolution unsigned(32).at_least(1, Unsound::Resolution);
    Gain signed(8).rising(Unsound::Gain);
    Level signed(16).rising(Unsound::ReferenceLevel);
    Detectors unsigned(8).up_to(0x3f, Unsound::Set);
    Windows unsigned(8).up_to(0x1f, Unsound::Set);
    Bits unsigned(8).within(1, 64, Some(Unsound::Bits));
    Width unsigned(16).up_to(3_600, Unsound::Angle);
    Azimuth unsigned(16).up_to(3_599, Unsound::Angle);
    Lowest signed(16).at_least(-900, Unsound::Angle);
    Highest signed(16).up_to(900, Unsound::Angle).rising(Unsound::Angle);
    Elevation signed(16).within(-900, 900, Some(Unsound::Angle));
    StandingWaves unsigned(16).at_least(100, Unsound::StandingWaveRatio);
    Fraction unsigned(16).up_to(1_000, Unsound::Fraction);
    Temperature signed(16).within(-2_731, 10_000, Some(Unsound::Temperature));
    Latitude signed(32).within(-900_000_000, 900_000_000, Some(Unsound::Location));
    Longitude signed(32).within(-1_800_000_000, 1_800_000_000, Some(Unsound::Location));
    Recipes unsigned(16).at_least(1, Unsound::Recipes);
    Minutes unsigned(16).at_least(1, Unsound::Minutes);
    Polarization variant(6);
    Surroundings variant(3);
    Clock variant(3);
    Detector variant(6);
    Window variant(5);
    Kind variant(2);
}

/// One after the other, `?` for what a flag tells of and `[n]` for so many that it tells of.
macro_rules! shape {
    (@ [$($done:expr),*]) => { &[$($done),*] };
    (@ [$($done:expr),*] ? $rule:ident $($rest:tt)*) => {
        shape!(@ [$($done,)* Field::maybe(Rule::$rule)] $($rest)*)
    };
    (@ [$($done:expr),*] [$count:literal] $($rest:tt)*) => {
        shape!(@ [$($done,)* Field::group($count)] $($rest)*)
    };
    (@ [$($done:expr),*] $rule:ident $($rest:tt)*) => {
        shape!(@ [$($done,)* Field::one(Rule::$rule)] $($rest)*)
    };
    ($($rest:tt)*) => { shape!(@ [] $($rest)*) };
}

/// What the sections hold, in the order of their numbers.
static SHAPES: [&[Field]; 18] = [
    // Analyser: its range, its levels, what it has.
    shape!(Text Text Text Text U64 Frequency Bandwidth Resolution I8 Gain
        [4] I16 Level U16 Flag Flag ?Detectors ?Windows ?U16 ?I16 ?Bits),
    // Antenna
    shape!(Index Text Text Text Text Text [2] U64 Frequency ?I16 ?Polarization ?U16 ?I32 ?Width ?Width
        ?StandingWaves ?U16 [4] Azimuth Azimuth Lowest Highest),
    // AntennaPointing
    shape!(Index Azimuth Elevation),
    // FrontEnd
    shape!(Text Text Text Text),
    // CalibrationSource
    shape!(Index Text Text Text Text Text ?I16),
    // Amplifier
    shape!(Index Text Text Text Text ?I16 ?U16 ?I16),
    // Filter
    shape!(Index Text Text Text Text [2] U64 Frequency [2] U64 Frequency),
    // RfPath
    shape!(Index Text ?Index ?Index ?Index ?Index),
    // Calibration
    shape!(Index ?Index ?U64 ?I64 ?I16 ?U16 ?I16 ?U32 ?I16 Text ?Temperature),
    // Host
    shape!(Text Text Text Text Text Text Text),
    // HostStatus, with its disk
    shape!(?U16 ?Fraction ?U32 ?Fraction ?Fraction ?Temperature ?Flag ?I64 ?I64
        [8] Flag U8 Temperature Fraction Fraction U16 U32 U32),
    // FrontEndStatus
    shape!(?Temperature ?Temperature ?Temperature ?Fraction ?Flag ?Flag ?Flag ?Flag ?Flag),
    // PowerStatus
    shape!(?Flag ?Flag ?Flag ?Flag ?Flag ?Flag ?Flag ?Flag ?U32),
    // Environment
    shape!(?Surroundings ?Temperature ?Fraction Text Text),
    // Location
    shape!(Latitude Longitude I32),
    // Clock
    shape!(Clock),
    // Settings: what is asked of them is for `Metadata::check` to judge.
    shape!(U64 U32 U32 U16 Detector Window I8
        [13] [2] U64 U32 [3] I16 U16 Flag ?U8 [2] U16 I16 U32 Flag),
    // Sensor
    shape!(Text Text Text Text Kind U8 Flag Flag Flag Flag Flag Recipes ?Minutes),
];

/// Takes a section off the front, and tells what is wrong with it first. What is no section
/// the decoder tells.
#[cfg_attr(not(feature = "std"), inline(never))]
pub(super) fn walk(from: &mut Decoder<'_>) -> Result<(), Unsound> {
    let number = usize::try_from(from.varint_32()).unwrap_or(usize::MAX);
    let Some(shape) = SHAPES.get(number) else { return from.refuse(Ok(())) };
    let (mut sound, mut before, mut absent) = (Ok(()), 0, 0_u8);
    for &Field(field) in *shape {
        if absent > 0 {
            absent = absent.saturating_sub(1);
            continue;
        }
        let number = field & 0x3f;
        let there = field < Field::MAYBE || from.flag();
        if field >= Field::GROUP {
            absent = if there { 0 } else { number };
            continue;
        }
        let Some(row) = ROWS.get(usize::from(number)).filter(|_| there) else { continue };
        let value = row.read(from);
        if !row.holds(value, before) {
            match row.or {
                Some(unsound) => sound = sound.and(Err(unsound)),
                None => from.refuse(()),
            }
        }
        before = value;
    }
    sound
}
