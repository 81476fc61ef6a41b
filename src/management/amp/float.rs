//! Floats of 16, 32 and 64 bits, the shortest that loses nothing (8.1), by their bits:
//! a board without a unit for them need not link one.

use super::cbor::{Head, SIMPLE};
use super::rule::{AmpRule, Malformed, fault};
use crate::wire::{NoSpace, Reader, Writer};

/// Bits of the exponent and of the fraction.
struct Format {
    exponent: u32,
    fraction: u32,
}

const HALF: Format = Format { exponent: 5, fraction: 10 };
const SINGLE: Format = Format { exponent: 8, fraction: 23 };
const DOUBLE: Format = Format { exponent: 11, fraction: 52 };

/// The one form of what is not a number.
const NAN: u64 = 0x7e00;

impl Format {
    /// `double` in this format, where nothing is lost.
    fn narrow(&self, double: u64) -> Option<u64> {
        let negative = double.wrapping_shr(63);
        let exponent = double.wrapping_shr(DOUBLE.fraction) & 0x7ff;
        let fraction = double & 0x000f_ffff_ffff_ffff;
        let sign = negative.wrapping_shl(self.exponent.wrapping_add(self.fraction));
        let all = 1_u64.wrapping_shl(self.exponent).wrapping_sub(1);
        let bias = i64::try_from(all.wrapping_shr(1)).ok()?;
        let less = DOUBLE.fraction.wrapping_sub(self.fraction);
        match (exponent, fraction) {
            (0, 0) => return Some(sign),
            (0x7ff, 0) => return Some(sign | all.wrapping_shl(self.fraction)),
            (0 | 0x7ff, _) => return None,
            _ => {}
        }
        let power = i64::try_from(exponent).ok()?.wrapping_sub(1023);
        let biased = power.wrapping_add(bias);
        // A number below the normal ones loses as many digits as it is below them.
        let (whole, lost) = if biased >= 1 {
            (fraction, less)
        } else {
            let below = u32::try_from(1_i64.wrapping_sub(biased)).ok()?;
            (fraction | 1_u64.wrapping_shl(DOUBLE.fraction), less.saturating_add(below))
        };
        let exponent = u64::try_from(biased.max(0)).ok()?;
        if exponent >= all || lost > DOUBLE.fraction || whole.trailing_zeros() < lost {
            return None;
        }
        Some(sign | exponent.wrapping_shl(self.fraction) | whole.wrapping_shr(lost))
    }

    /// `bits` of this format as a double.
    fn widen(&self, bits: u64) -> u64 {
        let all = 1_u64.wrapping_shl(self.exponent).wrapping_sub(1);
        let sign = bits.wrapping_shr(self.exponent.wrapping_add(self.fraction)).wrapping_shl(63);
        let exponent = bits.wrapping_shr(self.fraction) & all;
        let fraction = bits & 1_u64.wrapping_shl(self.fraction).wrapping_sub(1);
        let more = DOUBLE.fraction.wrapping_sub(self.fraction);
        let bias = 1023_u64.wrapping_sub(all.wrapping_shr(1));
        let (exponent, fraction) = if exponent == all {
            (0x7ff, fraction.wrapping_shl(more))
        } else if exponent > 0 {
            (exponent.wrapping_add(bias), fraction.wrapping_shl(more))
        } else if fraction == 0 {
            (0, 0)
        } else {
            // Moved up until its first digit is the one that is not written.
            let up = fraction.leading_zeros().wrapping_sub(11);
            let above = u64::from(up.wrapping_sub(more));
            (bias.wrapping_add(1).wrapping_sub(above), fraction.wrapping_shl(up))
        };
        sign | exponent.wrapping_shl(DOUBLE.fraction) | fraction & 0x000f_ffff_ffff_ffff
    }
}

/// The bits of a double as a single, where nothing is lost.
pub(super) fn single(double: u64) -> Option<u32> {
    u32::try_from(SINGLE.narrow(double)?).ok()
}

/// A single as a double.
pub(in crate::management) fn widened(single: f32) -> f64 {
    f64::from_bits(double(single.to_bits()))
}

/// The bits of a single as a double.
pub(super) fn double(single: u32) -> u64 {
    SINGLE.widen(single.into())
}

/// Reads the bits of a double.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<u64, Malformed> {
    let head = Head::read(reader)?;
    let double = match head.first {
        0xf9 => HALF.widen(head.value),
        0xfa => SINGLE.widen(head.value),
        0xfb => head.value,
        _ => return Err(head.not(SIMPLE)),
    };
    let (first, value) = shortest(double);
    if (first, value) == (head.first, head.value) {
        Ok(double)
    } else {
        Err(fault(AmpRule::NotShortest, head.offset, head.first, first.into()))
    }
}

/// Writes the bits of a double.
pub(super) fn write(to: &mut Writer<'_>, double: u64) -> Result<(), NoSpace> {
    let (first, value) = shortest(double);
    to.u8(first)?;
    let octets = value.to_be_bytes();
    let length = match first {
        0xf9 => 2,
        0xfa => 4,
        _ => 8,
    };
    to.octets(octets.get(octets.len().saturating_sub(length)..).unwrap_or_default())
}

/// The first octet, and the bits behind it.
fn shortest(double: u64) -> (u8, u64) {
    let magnitude = double & 0x7fff_ffff_ffff_ffff;
    if magnitude > 0x7ff0_0000_0000_0000 {
        (0xf9, NAN)
    } else if let Some(half) = HALF.narrow(double) {
        (0xf9, half)
    } else if let Some(single) = SINGLE.narrow(double) {
        (0xfa, single)
    } else {
        (0xfb, double)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn halves_are_widened_and_narrowed() {
        let known = [
            (0x0001, 5.960_464_477_539_063e-8),
            (0x0400, 6.103_515_625e-5),
            (0x03ff, 6.097_555_160_522_461e-5),
            (0x3c00, 1.0),
            (0x3e00, 1.5),
            (0x7bff, 65_504.0),
            (0x7c00, f64::INFINITY),
            (0xc400, -4.0),
            (0x8000, -0.0),
        ];
        for (half, double) in known {
            assert_eq!(HALF.widen(half), double.to_bits());
            assert_eq!(HALF.narrow(double.to_bits()), Some(half));
        }
        for half in 0..=0xffff {
            let double = HALF.widen(half);
            if !f64::from_bits(double).is_nan() {
                assert_eq!(HALF.narrow(double), Some(half));
            }
        }
        assert_eq!(HALF.narrow(65_520_f64.to_bits()), None);
        assert_eq!(HALF.narrow(100_000_f64.to_bits()), None);
        assert_eq!(HALF.narrow(2.980_232_238_769_531_3e-8_f64.to_bits()), None);
    }

    fn any_double() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>(),
            any::<f32>().prop_map(f64::from),
            any::<u32>().prop_map(|bits| f64::from(f32::from_bits(bits))),
            any::<u64>().prop_map(f64::from_bits),
        ]
    }

    proptest! {
        #[test]
        fn singles_are_as_the_compiler_makes_them(bits in any::<u32>(), other in any_double()) {
            let value = f32::from_bits(bits);
            if !value.is_nan() {
                prop_assert_eq!(double(bits), f64::from(value).to_bits());
                prop_assert_eq!(single(double(bits)), Some(bits));
            }
            let narrowed = other as f32;
            let exact = f64::from(narrowed).to_bits() == other.to_bits() && !other.is_nan();
            prop_assert_eq!(single(other.to_bits()), exact.then_some(narrowed.to_bits()));
        }

        #[test]
        fn what_is_written_is_read(value in any_double()) {
            let mut buffer = [0; 9];
            let mut writer = Writer::new(&mut buffer);
            write(&mut writer, value.to_bits()).unwrap();
            let octets = writer.finish();
            let again = f64::from_bits(read(&mut Reader::new(octets)).unwrap());
            prop_assert!(again.to_bits() == value.to_bits() || again.is_nan() && value.is_nan());
        }
    }

    #[test]
    fn longer_forms_are_refused() {
        for octets in [
            &[0xfa, 0x3f, 0x80, 0, 0][..],
            &[0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0],
            &[0xfb, 0x40, 0xf8, 0x6a, 0, 0, 0, 0, 0],
            &[0xf9, 0x7e, 0x01],
        ] {
            let error = read(&mut Reader::new(octets)).unwrap_err();
            assert_eq!(error.rule, AmpRule::NotShortest);
        }
        assert_eq!(read(&mut Reader::new(&[0xf4])).unwrap_err().rule, AmpRule::MajorType);
    }
}
