//! How samples are written in a dataset (SigMF, "Dataset Format").

use std::fmt;
use std::str::FromStr;

use super::super::Complex32;

/// `core:datatype`: real or complex, the type of a number, the order of octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datatype {
    complex: bool,
    number: Number,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    F32,
    F64,
    I32,
    I16,
    I8,
    U32,
    U16,
    U8,
}

impl Number {
    const ALL: [(&'static str, Self); 8] = [
        ("f32", Self::F32),
        ("f64", Self::F64),
        ("i32", Self::I32),
        ("i16", Self::I16),
        ("i8", Self::I8),
        ("u32", Self::U32),
        ("u16", Self::U16),
        ("u8", Self::U8),
    ];

    const fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 => 1,
        }
    }
}

impl Datatype {
    /// `cf32_le`: what this crate writes.
    pub const CF32_LE: Self = Self { complex: true, number: Number::F32, big_endian: false };

    /// Whether samples are complex. A real recording holds the band from
    /// `core:frequency` to half the sample rate above it.
    #[must_use]
    pub const fn is_complex(self) -> bool {
        self.complex
    }

    /// Octets of one sample, 1 to 16.
    #[must_use]
    pub const fn size(self) -> usize {
        let parts = if self.complex { 2 } else { 1 };
        self.number.size() * parts
    }

    /// The sample that begins `octets`, full scale being 1; the imaginary part
    /// of a real one is 0. `None` when there are too few octets.
    #[must_use]
    pub fn sample(self, octets: &[u8]) -> Option<Complex32> {
        let size = self.number.size();
        let (re, rest) = octets.split_at_checked(size)?;
        let im = match self.complex {
            true => self.value(rest.get(..size)?)?,
            false => 0.0,
        };
        Some(Complex32::new(self.value(re)?, im))
    }

    /// Signed integers are divided by their greatest magnitude. Unsigned ones lie
    /// evenly around half of their range, so that the middle is not a step off.
    fn value(self, octets: &[u8]) -> Option<f32> {
        let mut ordered = [0; 8];
        let ordered = ordered.get_mut(..octets.len())?;
        ordered.copy_from_slice(octets);
        if self.big_endian {
            ordered.reverse();
        }
        let value = match self.number {
            Number::F32 => f32::from_le_bytes(ordered.try_into().ok()?),
            Number::F64 => f64::from_le_bytes(ordered.try_into().ok()?) as f32,
            Number::I32 => i32::from_le_bytes(ordered.try_into().ok()?) as f32 / 2_147_483_648.0,
            Number::I16 => f32::from(i16::from_le_bytes(ordered.try_into().ok()?)) / 32_768.0,
            Number::I8 => f32::from(i8::from_le_bytes(ordered.try_into().ok()?)) / 128.0,
            Number::U32 => {
                let value = f64::from(u32::from_le_bytes(ordered.try_into().ok()?));
                ((value - 2_147_483_647.5) / 2_147_483_648.0) as f32
            }
            Number::U16 => {
                (f32::from(u16::from_le_bytes(ordered.try_into().ok()?)) - 32_767.5) / 32_768.0
            }
            Number::U8 => (f32::from(u8::from_le_bytes(ordered.try_into().ok()?)) - 127.5) / 128.0,
        };
        Some(value)
    }
}

impl FromStr for Datatype {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (complex, rest) = match text.split_at_checked(1) {
            Some(("c", rest)) => (true, rest),
            Some(("r", rest)) => (false, rest),
            _ => return Err(()),
        };
        let (name, order) = match rest.split_once('_') {
            Some((name, order)) => (name, Some(order)),
            None => (rest, None),
        };
        let number = Number::ALL.iter().find(|(known, _)| *known == name).ok_or(())?.1;
        // The order must be told where there is one, and only there.
        let big_endian = match (number.size(), order) {
            (1, None) => false,
            (2.., Some("le")) => false,
            (2.., Some("be")) => true,
            _ => return Err(()),
        };
        Ok(Self { complex, number, big_endian })
    }
}

impl fmt::Display for Datatype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Number::ALL.iter().find(|(_, n)| *n == self.number).map_or("", |(name, _)| name);
        let order = match (self.number.size(), self.big_endian) {
            (1, _) => "",
            (_, false) => "_le",
            (_, true) => "_be",
        };
        write!(f, "{}{name}{order}", if self.complex { 'c' } else { 'r' })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    fn sample(datatype: &str, octets: &[u8]) -> (f32, f32) {
        let datatype: Datatype = datatype.parse().unwrap();
        assert_eq!(datatype.size(), octets.len());
        let sample = datatype.sample(octets).unwrap();
        (sample.re, sample.im)
    }

    #[test]
    fn samples_are_read_in_every_form() {
        assert_eq!(sample("cf32_le", &[0, 0, 0, 63, 0, 0, 128, 191]), (0.5, -1.0));
        assert_eq!(sample("cf32_be", &[63, 0, 0, 0, 191, 128, 0, 0]), (0.5, -1.0));
        assert_eq!(sample("rf32_le", &[0, 0, 0, 63]), (0.5, 0.0));
        assert_eq!(sample("rf64_be", &[63, 224, 0, 0, 0, 0, 0, 0]), (0.5, 0.0));
        assert_eq!(sample("ci16_le", &[0, 64, 0, 128]), (0.5, -1.0));
        assert_eq!(sample("ci16_be", &[64, 0, 128, 0]), (0.5, -1.0));
        assert_eq!(sample("ri16_le", &[0, 192]), (-0.5, 0.0));
        assert_eq!(sample("ci8", &[64, 128]), (0.5, -1.0));
        assert_eq!(sample("cu8", &[255, 0]), (127.5 / 128.0, -127.5 / 128.0));
        assert_eq!(
            sample("cu16_be", &[255, 255, 0, 0]),
            (32_767.5 / 32_768.0, -32_767.5 / 32_768.0)
        );
        assert_eq!(sample("ri32_be", &[192, 0, 0, 0]), (-0.5, 0.0));
        assert_eq!(sample("ru32_le", &[0, 0, 0, 192]).0, 0.5);
    }

    #[test]
    fn only_the_names_of_the_format_are_known() {
        for wrong in ["", "c", "cf32", "ci8_le", "xf32_le", "cf16_le", "cf32_me", "é", "ri16_"] {
            assert_eq!(wrong.parse::<Datatype>(), Err(()), "{wrong}");
        }
        for right in ["cf32_le", "ri16_be", "cu8", "ri8", "cf64_be"] {
            assert_eq!(right.parse::<Datatype>().unwrap().to_string(), right);
        }
    }

    proptest! {
        #[test]
        fn any_name_is_known_or_not(text in any::<std::string::String>()) {
            if let Ok(datatype) = text.parse::<Datatype>() {
                prop_assert_eq!(datatype.to_string(), text);
            }
        }
    }
}
