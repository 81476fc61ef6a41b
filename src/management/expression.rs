//! Expressions: proven when they are defined, so that nothing but their numbers can go
//! wrong when they are calculated (7.5).
//!
//! An expression is a collection of identifiers in postfix order. It is gone through
//! twice in the same way: once with the classes of its operands, when something is defined,
//! and with their numbers whenever its value is wanted.

use heapless::Vec;

use super::amp::{Ari, Collection, Expr, Nickname, TypeCode};
use super::definitions::Proof;
use super::number::{Class, NoResult, Number, Operator};
use super::refusal::Refusal;

/// Values an expression may have on its stack.
pub const STACK: usize = 8;

/// Why an expression that was proven has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NoValue {
    /// An operator has no result.
    NoResult(NoResult),
    /// A value is older than it may be.
    Stale,
    /// The application does not have a value.
    Unavailable,
    /// The application gave a value of another type than its ADM says.
    OtherType,
    /// The expression is not what was proven. This does not happen.
    Unproven,
}

impl From<NoResult> for NoValue {
    fn from(why: NoResult) -> Self {
        Self::NoResult(why)
    }
}

/// The operator that an identifier names, of the AMP agent ADM.
fn operator(ari: &Ari<'_>) -> Option<Operator> {
    let id = ari.object_id()?;
    if id.nickname != Nickname::new(1, Collection::OPER) {
        return None;
    }
    Operator::of_index(u8::try_from(id.index).ok()?)
}

/// Whether a number of a class goes into a type.
pub(crate) fn goes_into(class: Class, kind: TypeCode) -> bool {
    match Class::of(kind) {
        Some(Class::Truth) => class == Class::Truth,
        Some(Class::Integer) => class != Class::Real,
        Some(Class::Real) => class != Class::Truth,
        None => false,
    }
}

/// Shows that an expression has a value, whatever those of its operands are.
pub(crate) fn prove(
    expression: &Expr<'_>,
    operand: &mut dyn FnMut(&Ari<'_>) -> Result<(Class, Proof), Refusal>,
) -> Result<Proof, Refusal> {
    let mut stack = Vec::<Class, STACK>::new();
    let mut proof = Proof::EMPTY;
    for item in &expression.items() {
        let class = if item.object() == TypeCode::OPER {
            let operator = operator(&item).ok_or(Refusal::Unknown)?;
            let second = stack.pop().ok_or(Refusal::Operands)?;
            let first = match operator.operands() {
                1 => second,
                _ => stack.pop().ok_or(Refusal::Operands)?,
            };
            proof.weight = proof.weight.saturating_add(1);
            operator.result(first, second).ok_or(Refusal::Types)?
        } else {
            let (class, part) = operand(&item)?;
            proof.add(&part);
            class
        };
        stack.push(class).map_err(|_| Refusal::Operands)?;
    }
    match stack.as_slice() {
        [class] if goes_into(*class, expression.code()) => Ok(proof),
        [_] => Err(Refusal::Types),
        _ => Err(Refusal::Operands),
    }
}

/// The value of an expression.
pub(crate) fn evaluate(
    expression: &Expr<'_>,
    operand: &mut dyn FnMut(&Ari<'_>) -> Result<Number, NoValue>,
) -> Result<Number, NoValue> {
    let mut stack = Vec::<Number, STACK>::new();
    for item in &expression.items() {
        let number = if item.object() == TypeCode::OPER {
            let operator = operator(&item).ok_or(NoValue::Unproven)?;
            let second = stack.pop().ok_or(NoValue::Unproven)?;
            let first = match operator.operands() {
                1 => second,
                _ => stack.pop().ok_or(NoValue::Unproven)?,
            };
            operator.apply(first, second)?
        } else {
            operand(&item)?
        };
        stack.push(number).map_err(|_| NoValue::Unproven)?;
    }
    let [number] = stack.as_slice() else { return Err(NoValue::Unproven) };
    as_type(*number, expression.code())
}

/// The number as its type has it.
pub(crate) fn as_type(number: Number, kind: TypeCode) -> Result<Number, NoValue> {
    let value = number.value(kind)?;
    Number::of(&value).ok_or(NoValue::Unproven)
}
