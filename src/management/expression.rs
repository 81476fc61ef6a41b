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

/// Finds out what an operand is.
pub(crate) type Prove<'f> = dyn FnMut(&Ari<'_>, &mut Proof) -> Result<Class, Refusal> + 'f;

/// Shows that an expression has a value, whatever those of its operands are, and adds what it
/// is made of to the proof.
pub(crate) fn prove(
    expression: &Expr<'_>,
    proof: &mut Proof,
    operand: &mut Prove<'_>,
) -> Result<(), Refusal> {
    let mut stack = Vec::<Class, STACK>::new();
    proof.step();
    for item in &expression.items() {
        let class = if item.object() == TypeCode::OPER {
            let operator = operator(&item).ok_or(Refusal::Unknown)?;
            let second = stack.pop().ok_or(Refusal::Operands)?;
            let first = match operator.operands() {
                1 => second,
                _ => stack.pop().ok_or(Refusal::Operands)?,
            };
            proof.step();
            operator.result(first, second).ok_or(Refusal::Types)?
        } else {
            operand(&item, proof)?
        };
        stack.push(class).map_err(|_| Refusal::Operands)?;
    }
    match stack.as_slice() {
        [class] if goes_into(*class, expression.code()) => Ok(()),
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

#[cfg(test)]
mod tests {
    use super::super::amp::{Literal, ObjectId, Profile, Quirks, Value};
    use super::*;
    use crate::wire::Writer;
    use proptest::prelude::*;
    use std::vec::Vec;

    #[derive(Clone, Debug)]
    enum Part {
        Operand(u8),
        Operator(u8),
    }

    /// Operand `n` is EDD n: a truth value, an integer or a real number.
    const CLASSES: [Class; 3] = [Class::Truth, Class::Integer, Class::Real];

    fn encode(code: TypeCode, parts: &[Part]) -> Vec<u8> {
        let mut buffer = [0; 1024];
        let mut writer = Writer::new(&mut buffer);
        writer.u8(code.0).unwrap();
        // An array of at most 23.
        writer.u8(0x80 | u8::try_from(parts.len()).unwrap()).unwrap();
        for part in parts {
            let id = match *part {
                Part::Operand(n) => ObjectId::new(7, Collection::EDD, n),
                Part::Operator(n) => ObjectId::new(1, Collection::OPER, n),
            };
            id.ari().unwrap().encode(&mut writer, Quirks::NONE).unwrap();
        }
        writer.written().to_vec()
    }

    fn index(ari: &Ari<'_>) -> usize {
        usize::try_from(ari.object_id().unwrap().index).unwrap()
    }

    fn proven(octets: &[u8]) -> Result<(), Refusal> {
        let expression = Expr::parse(octets, Profile::Draft08).unwrap();
        prove(&expression, &mut Proof::EMPTY.clone(), &mut |ari, _| Ok(CLASSES[index(ari) % 3]))
    }

    fn part() -> impl Strategy<Value = Part> {
        prop_oneof![(0_u8..6).prop_map(Part::Operand), (0_u8..53).prop_map(Part::Operator)]
    }

    /// Postfix of a random tree, so that most of them are proven.
    fn tree() -> impl Strategy<Value = Vec<Part>> {
        let leaf = (0_u8..6).prop_map(|n| std::vec![Part::Operand(n)]);
        leaf.prop_recursive(3, 12, 2, |inner| {
            (inner.clone(), inner, 0_u8..52).prop_map(|(mut a, b, operator)| {
                if Operator::of_index(operator).unwrap().operands() == 2 {
                    a.extend(b);
                }
                a.push(Part::Operator(operator));
                a
            })
        })
    }

    fn number(class: Class) -> impl Strategy<Value = Number> {
        match class {
            Class::Truth => any::<bool>().prop_map(Number::Truth).boxed(),
            Class::Real => any::<f64>().prop_map(Number::Real).boxed(),
            Class::Integer => prop_oneof![
                any::<i64>().prop_map(Number::Whole),
                (-3_i64..70).prop_map(Number::Whole),
                (1_u64 << 63..).prop_map(Number::Large),
            ]
            .boxed(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// What is proven never fails but for the named results of its operators.
        #[test]
        fn a_proof_is_sound(parts in prop_oneof![proptest::collection::vec(part(), 0..12), tree()],
                            code in 16_u8..25,
                            values in (0..6_usize).map(|n| number(CLASSES[n % 3])).collect::<Vec<_>>())
        {
            let octets = encode(TypeCode(code), &parts);
            let expression = Expr::parse(&octets, Profile::Draft08).unwrap();
            let value = evaluate(&expression, &mut |ari| Ok(values[index(ari)]));
            if proven(&octets).is_ok() {
                match value {
                    Ok(number) => {
                        let class = Class::of(TypeCode(code)).unwrap();
                        prop_assert_eq!(number.class(), class);
                    }
                    Err(why) => prop_assert!(matches!(why, NoValue::NoResult(_)), "{:?}", why),
                }
            }
        }
    }

    #[test]
    fn operators_are_those_of_the_adm() {
        for (place, oper) in super::super::adm::amp_agent::AMP_AGENT.operators.iter().enumerate() {
            let place = u8::try_from(place).unwrap();
            let Some(operator) = Operator::of_index(place) else {
                assert_eq!(place, 52);
                continue;
            };
            assert_eq!(operator.operands(), oper.operands, "{place}");
            let takes = oper.takes.map_or(Class::Integer, |code| Class::of(code).unwrap());
            let gives = Class::of(oper.gives.unwrap()).unwrap();
            assert_eq!(operator.result(takes, takes), Some(gives), "{place}");
        }
    }

    #[test]
    fn operators_calculate() {
        let n = Number::Whole;
        let table: &[(u8, Number, Number, Result<Number, NoResult>)] = &[
            (0, n(2), n(-3), Ok(n(-1))),
            (0, n(i64::from(i32::MAX)), n(1), Err(NoResult::Overflow)),
            (1, n(-1), n(1), Err(NoResult::Overflow)),
            (2, n(i64::MAX), n(1), Err(NoResult::Overflow)),
            (3, n(i64::MAX), n(1), Ok(Number::Large(1 << 63))),
            (4, n(1), Number::Real(0.5), Ok(Number::Real(1.5))),
            (5, Number::Real(f64::MAX), Number::Real(f64::MAX), Err(NoResult::Overflow)),
            (9, n(1), n(2), Err(NoResult::Overflow)),
            (13, n(7), n(6), Ok(n(42))),
            (18, n(7), n(-2), Ok(n(-3))),
            (20, n(i64::MIN), n(-1), Err(NoResult::Overflow)),
            (19, n(7), n(0), Err(NoResult::DivisionByZero)),
            (23, Number::Real(1.0), Number::Real(0.0), Err(NoResult::DivisionByZero)),
            (26, n(-7), n(4), Ok(n(-3))),
            (29, Number::Real(7.5), n(2), Ok(Number::Real(1.5))),
            (30, n(-2), n(5), Ok(n(-32))),
            (30, n(2), n(-1), Err(NoResult::Overflow)),
            (33, n(2), n(63), Ok(Number::Large(1 << 63))),
            (35, n(2), n(-2), Ok(Number::Real(0.25))),
            (35, n(2), Number::Real(0.5), Err(NoResult::Overflow)),
            (36, n(12), n(10), Ok(n(8))),
            (37, n(12), n(10), Ok(n(14))),
            (38, n(12), n(10), Ok(n(6))),
            (39, n(0), n(0), Ok(Number::Large(u64::MAX))),
            (40, Number::Truth(true), n(0), Ok(Number::Truth(false))),
            (41, Number::Truth(false), n(2), Ok(Number::Truth(true))),
            (42, n(0), n(0), Ok(Number::Truth(true))),
            (43, n(i64::MIN), n(0), Ok(Number::Large(1 << 63))),
            (44, n(-1), Number::Large(1 << 63), Ok(Number::Truth(true))),
            (45, Number::Real(0.5), n(0), Ok(Number::Truth(true))),
            (46, n(2), n(2), Ok(Number::Truth(true))),
            (47, n(1), n(2), Ok(Number::Truth(false))),
            (48, Number::Real(f64::NAN), n(2), Ok(Number::Truth(true))),
            (49, n(2), Number::Real(2.0), Ok(Number::Truth(true))),
            (50, n(1), n(64), Ok(n(0))),
            (51, Number::Large(1 << 63), n(63), Ok(n(1))),
        ];
        for (operator, first, second, result) in table {
            let operator = Operator::of_index(*operator).unwrap();
            assert_eq!(operator.apply(*first, *second), *result, "{operator:?}");
        }
    }

    #[test]
    fn literals_are_operands() {
        let mut buffer = [0; 16];
        let mut writer = Writer::new(&mut buffer);
        writer.octets(&[TypeCode::UINT.0, 0x81]).unwrap();
        let literal = Literal::new(Value::Uint(4)).unwrap();
        literal.encode(&mut writer, Quirks::NONE).unwrap();
        let expression = Expr::parse(writer.written(), Profile::Draft08).unwrap();
        let value = evaluate(&expression, &mut |ari| {
            ari.literal().as_ref().and_then(Number::of).ok_or(NoValue::Unproven)
        });
        assert_eq!(value, Ok(Number::Whole(4)));
    }
}
