//! Floating-point numbers in JSON, which has neither infinities nor what is no number.

use serde_json::{Number, Value};

use super::{Field, FieldFault};

/// A double; one that is no number says its bits, unless they are the usual ones.
pub(super) fn double(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() && value.to_bits() != f64::NAN.to_bits() => {
            format!("NaN:{:016x}", value.to_bits()).into()
        }
        None => special(value.is_nan(), value.is_sign_negative()).into(),
    }
}

/// A float, with no more digits than tell it from others.
pub(super) fn float(value: f32) -> Value {
    match value.to_string().parse().ok().and_then(Number::from_f64) {
        Some(number) => Value::Number(number),
        None if value.is_nan() && value.to_bits() != f32::NAN.to_bits() => {
            format!("NaN:{:08x}", value.to_bits()).into()
        }
        None => special(value.is_nan(), value.is_sign_negative()).into(),
    }
}

const fn special(nan: bool, negative: bool) -> &'static str {
    match (nan, negative) {
        (true, _) => "NaN",
        (_, true) => "-Infinity",
        _ => "Infinity",
    }
}

pub(super) fn parse_double(json: &Field<'_>) -> Result<f64, FieldFault> {
    match json.text() {
        Ok("NaN") => Ok(f64::NAN),
        Ok("Infinity") => Ok(f64::INFINITY),
        Ok("-Infinity") => Ok(f64::NEG_INFINITY),
        Ok(text) => text
            .strip_prefix("NaN:")
            .and_then(|bits| u64::from_str_radix(bits, 16).ok())
            .map(f64::from_bits)
            .filter(|value| value.is_nan())
            .ok_or_else(|| expected(json)),
        Err(_) => json.number().and_then(Number::as_f64).ok_or_else(|| expected(json)),
    }
}

pub(super) fn parse_float(json: &Field<'_>) -> Result<f32, FieldFault> {
    match json.text() {
        Ok("NaN") => Ok(f32::NAN),
        Ok("Infinity") => Ok(f32::INFINITY),
        Ok("-Infinity") => Ok(f32::NEG_INFINITY),
        Ok(text) => text
            .strip_prefix("NaN:")
            .and_then(|bits| u32::from_str_radix(bits, 16).ok())
            .map(f32::from_bits)
            .filter(|value| value.is_nan())
            .ok_or_else(|| expected(json)),
        Err(_) => json
            .number()
            .and_then(|number| number.to_string().parse::<f32>().ok())
            .filter(|value| value.is_finite())
            .ok_or_else(|| expected(json)),
    }
}

fn expected(json: &Field<'_>) -> FieldFault {
    json.expected("a number, \"Infinity\", \"-Infinity\" or \"NaN\"")
}
