//! Numbers of expressions, and what the operators of the AMP agent ADM do with them.

use core::cmp::Ordering;

use super::amp::{TypeCode, Value};

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
            Value::Real32(number) => Self::Real(number.into()),
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
    pub fn truth(self) -> bool {
        match self {
            Self::Truth(truth) => truth,
            Self::Whole(number) => number != 0,
            Self::Large(_) => true,
            Self::Real(number) => number != 0.0,
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

    fn natural(self) -> Result<u64, NoResult> {
        match self {
            Self::Large(number) => Ok(number),
            other => other.whole()?.try_into().map_err(|_| NoResult::Overflow),
        }
    }

    #[allow(clippy::as_conversions, reason = "to the nearest real number; there is no other way")]
    fn real(self) -> f64 {
        match self {
            Self::Truth(truth) => truth.into(),
            Self::Whole(number) => number as f64,
            Self::Large(number) => number as f64,
            Self::Real(number) => number,
        }
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Real(_), _) | (_, Self::Real(_)) => self.real().partial_cmp(&other.real()),
            (Self::Large(a), Self::Large(b)) => Some(a.cmp(&b)),
            (Self::Large(_), _) => Some(Ordering::Greater),
            (_, Self::Large(_)) => Some(Ordering::Less),
            (a, b) => Some(a.whole().ok()?.cmp(&b.whole().ok()?)),
        }
    }
}

#[allow(clippy::as_conversions, reason = "to the nearest real number; there is no other way")]
fn single(number: f64) -> Result<f32, NoResult> {
    let nearest = number as f32;
    if nearest.is_finite() { Ok(nearest) } else { Err(NoResult::Overflow) }
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
        let operation = match self.0 / 6 {
            0 => Arithmetic::Plus,
            1 => Arithmetic::Minus,
            2 => Arithmetic::Times,
            3 => Arithmetic::Over,
            4 => Arithmetic::Remainder,
            5 => Arithmetic::Power,
            _ => return None,
        };
        Some((operation, *family))
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
        let order = || first.compare(second);
        let truth = match self.0 {
            40 => first.truth() && second.truth(),
            41 => first.truth() || second.truth(),
            Self::LOG_NOT => !first.truth(),
            44 => order().is_some_and(Ordering::is_lt),
            45 => order().is_some_and(Ordering::is_gt),
            46 => order().is_some_and(Ordering::is_le),
            47 => order().is_some_and(Ordering::is_ge),
            48 => order() != Some(Ordering::Equal),
            49 => order() == Some(Ordering::Equal),
            Self::ABS => {
                return Ok(match first {
                    Number::Whole(number) => Number::unsigned(number.unsigned_abs()),
                    other => other,
                });
            }
            _ => return bits(self.0, first, second).map(Number::unsigned),
        };
        Ok(Number::Truth(truth))
    }
}

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
    let zero = !second.truth();
    if zero && matches!(operation, Arithmetic::Over | Arithmetic::Remainder) {
        return Err(NoResult::DivisionByZero);
    }
    let exponent = || u32::try_from(second.natural()?).map_err(|_| NoResult::Overflow);
    macro_rules! checked {
        ($a:expr, $b:expr) => {{
            let (a, b) = ($a, $b);
            match operation {
                Arithmetic::Plus => a.checked_add(b),
                Arithmetic::Minus => a.checked_sub(b),
                Arithmetic::Times => a.checked_mul(b),
                Arithmetic::Over => a.checked_div(b),
                Arithmetic::Remainder => a.checked_rem(b),
                Arithmetic::Power => a.checked_pow(exponent()?),
            }
        }};
    }
    let result = match family {
        TypeCode::INT | TypeCode::VAST => {
            checked!(first.whole()?, second.whole()?).map(Number::Whole)
        }
        TypeCode::UINT | TypeCode::UVAST => {
            checked!(first.natural()?, second.natural()?).map(Number::unsigned)
        }
        _ => real(operation, first.real(), second.real()).map(Number::Real),
    };
    let result = result.ok_or(NoResult::Overflow)?;
    // What a narrow type does not have has overflowed; a REAL32 is rounded to one.
    let value = result.value(family)?;
    Number::of(&value).ok_or(NoResult::Overflow)
}

#[allow(
    clippy::arithmetic_side_effects,
    reason = "of real numbers: what is not finite is no result"
)]
fn real(operation: Arithmetic, a: f64, b: f64) -> Option<f64> {
    let result = match operation {
        Arithmetic::Plus => a + b,
        Arithmetic::Minus => a - b,
        Arithmetic::Times => a * b,
        Arithmetic::Over => a / b,
        Arithmetic::Remainder => a % b,
        Arithmetic::Power => power(a, b)?,
    };
    result.is_finite().then_some(result)
}

/// `base` to an integer; other powers need a library that boards do not have.
#[allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "of real numbers, and `as` saturates"
)]
fn power(base: f64, exponent: f64) -> Option<f64> {
    let times = exponent as i32;
    if f64::from(times) != exponent {
        return None;
    }
    let mut left = times.unsigned_abs();
    let (mut result, mut square) = (1.0, base);
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
        }
        square *= square;
        left >>= 1;
    }
    Some(if times < 0 { 1.0 / result } else { result })
}
