//! Numbers of expressions, and what the operators of the AMP agent ADM do with them.

use core::cmp::Ordering;

use super::amp::{TypeCode, Value, widened};

/// Why an operator has no result. Nothing else can go wrong in an expression that was
/// taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NoResult {
    /// A division, or a remainder, by zero.
    DivisionByZero,
    /// The result, or an operand, is not in the range of the type.
    Overflow,
}

/// What kind of number a type holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Class {
    /// BOOL.
    Truth,
    /// BYTE, INT, UINT, VAST, UVAST, TV and TS.
    Integer,
    /// REAL32 and REAL64.
    Real,
}

impl Class {
    /// The class of a type; `None` for what is no number.
    #[must_use]
    pub const fn of(kind: TypeCode) -> Option<Self> {
        Some(match kind {
            TypeCode::BOOL => Self::Truth,
            TypeCode::REAL32 | TypeCode::REAL64 => Self::Real,
            TypeCode::BYTE
            | TypeCode::INT
            | TypeCode::UINT
            | TypeCode::VAST
            | TypeCode::UVAST
            | TypeCode::TV
            | TypeCode::TS => Self::Integer,
            _ => return None,
        })
    }
}

/// A number as it is calculated with. Integers are exact from -2^63 to 2^64 - 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Number {
    /// True or false.
    Truth(bool),
    /// An integer below 2^63.
    Whole(i64),
    /// An integer of 2^63 or more.
    Large(u64),
    /// A real number.
    Real(f64),
}

impl Number {
    /// The number of a value; `None` for what is no number.
    #[must_use]
    pub fn of(value: &Value<'_>) -> Option<Self> {
        Some(match *value {
            Value::Bool(truth) => Self::Truth(truth),
            Value::Byte(number) => Self::Whole(number.into()),
            Value::Int(number) => Self::Whole(number.into()),
            Value::Uint(number) => Self::Whole(number.into()),
            Value::Vast(number) => Self::Whole(number),
            Value::Uvast(number) | Value::Tv(number) | Value::Ts(number) => Self::unsigned(number),
            Value::Real32(number) => Self::Real(widened(number)),
            Value::Real64(number) => Self::Real(number),
            _ => return None,
        })
    }

    fn unsigned(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Large(number), Self::Whole)
    }

    /// Its class.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Truth(_) => Class::Truth,
            Self::Whole(_) | Self::Large(_) => Class::Integer,
            Self::Real(_) => Class::Real,
        }
    }

    /// Whether it counts as true: anything but zero.
    #[must_use]
    pub const fn truth(self) -> bool {
        match self {
            Self::Truth(truth) => truth,
            Self::Whole(number) => number != 0,
            Self::Large(_) => true,
            Self::Real(number) => number.to_bits() & !SIGN != 0,
        }
    }

    /// The value of a type that it is.
    ///
    /// # Errors
    /// [`NoResult::Overflow`] where the type does not have it.
    pub fn value(self, kind: TypeCode) -> Result<Value<'static>, NoResult> {
        let fits = |value| Ok(value);
        let range = |_| NoResult::Overflow;
        match kind {
            TypeCode::BOOL => Ok(Value::Bool(self.truth())),
            TypeCode::BYTE => self.whole()?.try_into().map_err(range).map(Value::Byte),
            TypeCode::INT => self.whole()?.try_into().map_err(range).map(Value::Int),
            TypeCode::UINT => self.whole()?.try_into().map_err(range).map(Value::Uint),
            TypeCode::VAST => self.whole().map(Value::Vast),
            TypeCode::UVAST => self.natural().map(Value::Uvast),
            TypeCode::TV => self.natural().map(Value::Tv),
            TypeCode::TS => self.natural().map(Value::Ts),
            TypeCode::REAL32 => single(self.real()).map(Value::Real32),
            TypeCode::REAL64 => fits(Value::Real64(self.real())),
            _ => Err(NoResult::Overflow),
        }
    }

    fn whole(self) -> Result<i64, NoResult> {
        match self {
            Self::Truth(truth) => Ok(truth.into()),
            Self::Whole(number) => Ok(number),
            Self::Large(_) | Self::Real(_) => Err(NoResult::Overflow),
        }
    }

    /// It as an integer that is not below zero.
    pub(crate) fn natural(self) -> Result<u64, NoResult> {
        match self.signed() {
            Some((false, number)) => Ok(number),
            _ => Err(NoResult::Overflow),
        }
    }

    /// An integer as whether it is below zero, and how far it is from it.
    const fn signed(self) -> Option<(bool, u64)> {
        match self {
            Self::Truth(true) => Some((false, 1)),
            Self::Truth(false) => Some((false, 0)),
            Self::Whole(number) => Some((number < 0, number.unsigned_abs())),
            Self::Large(number) => Some((false, number)),
            Self::Real(_) => None,
        }
    }

    #[allow(clippy::as_conversions, reason = "to the nearest real number; there is no other way")]
    fn real(self) -> f64 {
        let Self::Real(number) = self else {
            let (negative, number) = self.signed().unwrap_or_default();
            let sign = if negative { SIGN } else { 0 };
            return f64::from_bits((number as f64).to_bits() | sign);
        };
        number
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        match (self.signed(), other.signed()) {
            (Some((false, a)), Some((false, b))) => Some(a.cmp(&b)),
            (Some((true, a)), Some((true, b))) => Some(b.cmp(&a)),
            (Some((negative, _)), Some(_)) => Some(other_sign(negative)),
            _ => Some(rank(self.real())?.cmp(&rank(other.real())?)),
        }
    }
}

/// Bits of a real number. It is looked at by them, for a board has no unit for numbers of 64
/// bits: what compares them would be linked for each comparison.
const SIGN: u64 = 1 << 63;
const INFINITE: u64 = 0x7ff << FRACTION;
const FRACTION: u32 = 52;
/// The written power of two of numbers whose last digit is 1.
const ONE: u64 = 1_075;

const fn other_sign(negative: bool) -> Ordering {
    if negative { Ordering::Less } else { Ordering::Greater }
}

/// A number that is in order as the real numbers are; none for what is not a number.
const fn rank(number: f64) -> Option<i64> {
    let bits = number.to_bits();
    if bits & !SIGN > INFINITE {
        return None;
    }
    let rank = bits.cast_signed();
    Some(if rank < 0 { i64::MIN.wrapping_sub(rank) } else { rank })
}

const fn is_finite(number: f64) -> bool {
    number.to_bits() & INFINITE != INFINITE
}

#[allow(clippy::as_conversions, reason = "to the nearest real number; there is no other way")]
fn single(number: f64) -> Result<f32, NoResult> {
    let nearest = number as f32;
    let infinite = nearest.to_bits() & 0x7f80_0000 == 0x7f80_0000;
    if infinite { Err(NoResult::Overflow) } else { Ok(nearest) }
}

/// The six arithmetic operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Arithmetic {
    Plus,
    Minus,
    Times,
    Over,
    Remainder,
    Power,
}

const OPERATIONS: [Arithmetic; 6] = [
    Arithmetic::Plus,
    Arithmetic::Minus,
    Arithmetic::Times,
    Arithmetic::Over,
    Arithmetic::Remainder,
    Arithmetic::Power,
];

/// An operator, by its index in the AMP agent ADM (nickname 24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Operator(u8);

const FAMILIES: [TypeCode; 6] = [
    TypeCode::INT,
    TypeCode::UINT,
    TypeCode::VAST,
    TypeCode::UVAST,
    TypeCode::REAL32,
    TypeCode::REAL64,
];

impl Operator {
    const BIT_NOT: u8 = 39;
    const LOG_NOT: u8 = 42;
    const ABS: u8 = 43;

    /// The operator with this index. `stor`, 52, is none: the control `store_var` does that.
    #[must_use]
    pub const fn of_index(index: u8) -> Option<Self> {
        if index < 52 { Some(Self(index)) } else { None }
    }

    /// Its index.
    #[must_use]
    pub const fn index(self) -> u8 {
        self.0
    }

    /// How many operands it takes: one or two.
    #[must_use]
    pub const fn operands(self) -> u8 {
        if matches!(self.0, Self::BIT_NOT | Self::LOG_NOT | Self::ABS) { 1 } else { 2 }
    }

    fn arithmetic(self) -> Option<(Arithmetic, TypeCode)> {
        let family = FAMILIES.get(usize::from(self.0 % 6))?;
        let operation = OPERATIONS.get(usize::from(self.0 / 6))?;
        Some((*operation, *family))
    }

    /// The class of the result for operands of these classes; `None` where the operator
    /// does not take them. Of one operand, the second is to be the same as the first.
    #[must_use]
    pub fn result(self, first: Class, second: Class) -> Option<Class> {
        let either = |class| first == class || second == class;
        if let Some((_, family)) = self.arithmetic() {
            let class = Class::of(family)?;
            let taken = !either(Class::Truth) && (class == Class::Real || !either(Class::Real));
            return taken.then_some(class);
        }
        match self.0 {
            40..=42 => Some(Class::Truth),
            44..=49 => {
                ((first == Class::Truth) == (second == Class::Truth)).then_some(Class::Truth)
            }
            _ => (first == Class::Integer && second == Class::Integer).then_some(Class::Integer),
        }
    }

    /// Does it. Of one operand, the second is not looked at.
    ///
    /// # Errors
    /// [`NoResult`].
    pub fn apply(self, first: Number, second: Number) -> Result<Number, NoResult> {
        if let Some((operation, family)) = self.arithmetic() {
            return calculate(operation, family, first, second);
        }
        let truth = match self.0 {
            40 => first.truth() && second.truth(),
            41 => first.truth() || second.truth(),
            Self::LOG_NOT => !first.truth(),
            Self::ABS => {
                return Ok(match first {
                    Number::Whole(number) => Number::unsigned(number.unsigned_abs()),
                    other => other,
                });
            }
            44..=49 => {
                let order = match first.compare(second) {
                    Some(Ordering::Less) => LESS,
                    Some(Ordering::Equal) => EQUAL,
                    Some(Ordering::Greater) => GREATER,
                    None => UNORDERED,
                };
                let holds = ORDERS.get(usize::from(self.0.wrapping_sub(44)));
                holds.is_some_and(|holds| holds & order != 0)
            }
            _ => return bits(self.0, first, second).map(Number::unsigned),
        };
        Ok(Number::Truth(truth))
    }
}

/// How two numbers may stand to one another, a bit each.
const LESS: u8 = 1;
const EQUAL: u8 = 2;
const GREATER: u8 = 4;
const UNORDERED: u8 = 8;

/// For which of these the operators from 44 on hold.
const ORDERS: [u8; 6] =
    [LESS, GREATER, LESS | EQUAL, GREATER | EQUAL, LESS | GREATER | UNORDERED, EQUAL];

fn bits(operator: u8, first: Number, second: Number) -> Result<u64, NoResult> {
    let a = first.natural()?;
    if operator == Operator::BIT_NOT {
        return Ok(!a);
    }
    let b = second.natural()?;
    let shift = || u32::try_from(b).unwrap_or(u32::MAX);
    Ok(match operator {
        36 => a & b,
        37 => a | b,
        38 => a ^ b,
        // What is shifted out is gone, as ever with bits.
        50 => a.checked_shl(shift()).unwrap_or(0),
        _ => a.checked_shr(shift()).unwrap_or(0),
    })
}

/// An arithmetic operator in the type it is for.
fn calculate(
    operation: Arithmetic,
    family: TypeCode,
    first: Number,
    second: Number,
) -> Result<Number, NoResult> {
    if !second.truth() && matches!(operation, Arithmetic::Over | Arithmetic::Remainder) {
        return Err(NoResult::DivisionByZero);
    }
    let result = match family {
        TypeCode::REAL32 | TypeCode::REAL64 => {
            real(operation, first.real(), second).map(Number::Real)
        }
        _ => {
            // An operand is in the range of the wider type of its kind.
            for operand in [first, second] {
                match family {
                    TypeCode::INT | TypeCode::VAST => operand.whole().map(|_| ())?,
                    _ => operand.natural().map(|_| ())?,
                }
            }
            first.signed().zip(second.signed()).and_then(|(a, b)| integer(operation, a, b))
        }
    };
    let result = result.ok_or(NoResult::Overflow)?;
    // What a narrow type does not have has overflowed; a REAL32 is rounded to one.
    let value = result.value(family)?;
    Number::of(&value).ok_or(NoResult::Overflow)
}

/// Integers by their signs and their distances from zero: so there is one arithmetic for
/// those with a sign and those without.
fn integer(operation: Arithmetic, first: (bool, u64), second: (bool, u64)) -> Option<Number> {
    let ((a_below, a), (b_below, b)) = (first, second);
    let (below, distance) = match operation {
        Arithmetic::Plus | Arithmetic::Minus => {
            let b_below = b_below != (operation == Arithmetic::Minus);
            match a.checked_sub(b) {
                _ if a_below == b_below => (a_below, a.checked_add(b)?),
                Some(more) => (a_below, more),
                None => (b_below, b.wrapping_sub(a)),
            }
        }
        Arithmetic::Times => (a_below != b_below, a.checked_mul(b)?),
        Arithmetic::Over => (a_below != b_below, a.checked_div(b)?),
        Arithmetic::Remainder => (a_below, a.checked_rem(b)?),
        Arithmetic::Power if b_below => return None,
        Arithmetic::Power => (a_below && b & 1 == 1, a.checked_pow(u32::try_from(b).ok()?)?),
    };
    if below {
        0_i64.checked_sub_unsigned(distance).map(Number::Whole)
    } else {
        Some(Number::unsigned(distance))
    }
}

#[allow(
    clippy::arithmetic_side_effects,
    reason = "of real numbers: what is not finite is no result"
)]
fn real(operation: Arithmetic, a: f64, second: Number) -> Option<f64> {
    let b = second.real();
    let result = match operation {
        Arithmetic::Plus => a + b,
        Arithmetic::Minus => a - b,
        Arithmetic::Times => a * b,
        Arithmetic::Over => a / b,
        Arithmetic::Remainder => remainder(a, b)?,
        Arithmetic::Power => power(a, second)?,
    };
    is_finite(result).then_some(result)
}

/// The digits of a positive number as an integer, and the power of two that they are to be
/// taken by, plus [`ONE`].
const fn parts(bits: u64) -> (u64, u64) {
    match bits.wrapping_shr(FRACTION) {
        0 => (bits, 1),
        power => (bits & !INFINITE | 1 << FRACTION, power),
    }
}

/// What is left of `a` divided by `b`, with the sign of `a`, exact. That of the compiler is
/// quicker, and 3,300 octets of a board's code.
fn remainder(a: f64, b: f64) -> Option<f64> {
    let (sign, left, by) = (a.to_bits() & SIGN, a.to_bits() & !SIGN, b.to_bits() & !SIGN);
    if left >= INFINITE || by > INFINITE || by == 0 {
        return None;
    }
    if left < by {
        return Some(a);
    }
    let ((digits, mut power), (by, mut least)) = (parts(left), parts(by));
    let mut digits = digits.checked_rem(by)?;
    while power > least {
        digits = digits.wrapping_shl(1);
        digits = digits.checked_sub(by).unwrap_or(digits);
        power = power.wrapping_sub(1);
    }
    if digits == 0 {
        return Some(f64::from_bits(sign));
    }
    while digits < 1 << FRACTION && least > 1 {
        digits = digits.wrapping_shl(1);
        least = least.wrapping_sub(1);
    }
    // The first digit is not written but adds one to the power.
    let power = least.wrapping_sub(1).wrapping_shl(FRACTION);
    Some(f64::from_bits(sign | power.wrapping_add(digits)))
}

/// `base` to an integer; other powers need a library that boards do not have.
#[allow(clippy::arithmetic_side_effects, reason = "of real numbers")]
fn power(base: f64, exponent: Number) -> Option<f64> {
    let (below, mut left) = match exponent {
        Number::Real(number) => whole(number)?,
        other => other.signed()?,
    };
    let (mut result, mut square) = (1.0, base);
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
        }
        square *= square;
        left >>= 1;
    }
    Some(if below { 1.0 / result } else { result })
}

/// A real number that is an integer below 2^53: whether it is below zero, and how far.
fn whole(number: f64) -> Option<(bool, u64)> {
    let (digits, power) = parts(number.to_bits() & !SIGN);
    let below = number.to_bits() & SIGN != 0;
    let less = u32::try_from(ONE.checked_sub(power)?).ok()?;
    if digits == 0 {
        return Some((below, 0));
    }
    (digits.trailing_zeros() >= less).then_some((below, digits.wrapping_shr(less)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_real() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>(),
            any::<u64>().prop_map(f64::from_bits),
            (-1_000_i32..1_000).prop_map(f64::from),
            (0_u64..9).prop_map(f64::from_bits),
        ]
    }

    fn any_integer() -> impl Strategy<Value = i128> {
        prop_oneof![
            any::<i64>().prop_map(i128::from),
            any::<u64>().prop_map(i128::from),
            -9_i128..9,
            any::<i32>().prop_map(i128::from),
        ]
    }

    fn number(integer: i128) -> Number {
        i64::try_from(integer)
            .map_or_else(|_| Number::Large(u64::try_from(integer).unwrap()), Number::Whole)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn real_numbers_are_as_the_compiler_has_them(a in any_real(), b in any_real()) {
            let (first, second) = (Number::Real(a), Number::Real(b));
            prop_assert_eq!(first.compare(second), a.partial_cmp(&b));
            prop_assert_eq!(first.truth(), a != 0.0);
            prop_assert_eq!(is_finite(a), a.is_finite());
            let is_whole = a.trunc() == a && a.abs() < 9_007_199_254_740_992.0;
            let distance = is_whole.then_some((a.is_sign_negative(), a.abs() as u64));
            prop_assert_eq!(whole(a), distance);
            let left = a % b;
            let found = remainder(a, b);
            prop_assert_eq!(found.map(f64::to_bits), (!left.is_nan()).then_some(left.to_bits()));
        }

        /// Integers are added, subtracted, multiplied, divided and compared as wider ones are.
        #[test]
        fn integers_are_as_wider_ones(a in any_integer(), b in any_integer(), operator in 0_u8..30) {
            let (first, second) = (number(a), number(b));
            prop_assert_eq!(first.compare(second), Some(a.cmp(&b)));
            let family = FAMILIES[usize::from(operator % 6)];
            if Class::of(family) == Some(Class::Real) {
                return Ok(());
            }
            let wide = |code| match code {
                TypeCode::INT => (i32::MIN.into(), i32::MAX.into()),
                TypeCode::UINT => (0, u32::MAX.into()),
                TypeCode::VAST => (i64::MIN.into(), i64::MAX.into()),
                _ => (0, i128::from(u64::MAX)),
            };
            let operands = if matches!(family, TypeCode::INT | TypeCode::VAST) {
                wide(TypeCode::VAST)
            } else {
                wide(TypeCode::UVAST)
            };
            let taken = |integer| (operands.0..=operands.1).contains(&integer);
            let result = match operator / 6 {
                3 | 4 if b == 0 => Err(NoResult::DivisionByZero),
                _ if !taken(a) || !taken(b) => Err(NoResult::Overflow),
                0 => Ok(a + b),
                1 => Ok(a - b),
                2 => a.checked_mul(b).ok_or(NoResult::Overflow),
                3 => Ok(a / b),
                _ => Ok(a % b),
            };
            let (least, most) = wide(family);
            let result = result.and_then(|result| {
                let fits = (least..=most).contains(&result);
                if fits { Ok(number(result)) } else { Err(NoResult::Overflow) }
            });
            let operator = Operator::of_index(operator).unwrap();
            prop_assert_eq!(operator.apply(first, second), result);
        }
    }
}
