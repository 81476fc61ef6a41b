//! AMP objects from what is said of them.
//!
//! Octets are put together part by part; whether they are what they are meant to be is
//! seen when they are read again.

use farpost::management::amp::{
    ArrayWriter, MessageHeader, Opcode, Quirks, TypeCode, Value as Amp,
};
use farpost::management::amp::{Literal, TnvValues, write_agent_id};
use farpost::wire::written;
use serde_json::Value;

use super::Shape;
use crate::json::{Field, FieldFault};

type Octets = Result<Vec<u8>, FieldFault>;

/// Ways in which the octets are to depart from the draft.
pub(super) fn quirks(object: &Field<'_>) -> Result<Quirks, FieldFault> {
    let mut quirks = Quirks::NONE;
    if let Some(deviations) = object.optional("deviations") {
        for deviation in deviations.elements()? {
            let quirk = Quirks::named(deviation.text()?);
            quirks = quirks | quirk.ok_or_else(|| deviation.expected("the name of a deviation"))?;
        }
    }
    Ok(quirks)
}

pub(super) fn shape(shape: Shape, field: &Field<'_>, quirks: Quirks) -> Octets {
    match shape {
        Shape::Group => group(field, quirks),
        Shape::Message => message(field, quirks),
        Shape::Ari => ari(field, quirks),
        Shape::Expr => expr(field, quirks),
        Shape::Tnvc => tnvc(field, quirks),
        Shape::Ac => ac(field, quirks),
        Shape::Tnv => tnv(field, quirks),
        Shape::Mac
        | Shape::Rptt
        | Shape::Var
        | Shape::Sbr
        | Shape::Tbr
        | Shape::Rpt
        | Shape::Tbl => object(shape.code(), field, quirks),
    }
}

fn scalar(value: &Amp<'_>, quirks: Quirks) -> Vec<u8> {
    written(|to| value.encode(to, quirks))
}

fn uint(number: usize) -> Vec<u8> {
    scalar(&Amp::Uvast(u64::try_from(number).unwrap_or(u64::MAX)), Quirks::NONE)
}

fn array(elements: &[Vec<u8>]) -> Vec<u8> {
    written(|to| {
        let mut array = ArrayWriter::new(to);
        for element in elements {
            array.element();
            to.octets(element)?;
        }
        array.finish(to)
    })
}

fn each(field: &Field<'_>, quirks: Quirks, make: fn(&Field<'_>, Quirks) -> Octets) -> Octets {
    let elements = field.elements()?;
    let elements: Result<Vec<_>, _> =
        elements.iter().map(|element| make(element, quirks)).collect();
    Ok(array(&elements?))
}

/// The elements of an array of so many.
fn elements<'a, const N: usize>(field: &Field<'a>) -> Result<[Field<'a>; N], FieldFault> {
    let elements = field.elements()?;
    elements.try_into().map_err(|_| field.expected(format!("an array of {N}")))
}

fn code(field: &Field<'_>) -> Result<TypeCode, FieldFault> {
    TypeCode::named(field.text()?).ok_or_else(|| field.expected("the name of a type"))
}

/// Octets that are mostly text.
fn text(field: &Field<'_>) -> Octets {
    match field.value() {
        Value::Object(_) => field.member("hex")?.octets(),
        _ => Ok(field.text()?.as_bytes().to_vec()),
    }
}

fn float(field: &Field<'_>) -> Result<f64, FieldFault> {
    let number = match field.value() {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    };
    number.ok_or_else(|| field.expected("a number"))
}

pub(super) fn ari(field: &Field<'_>, quirks: Quirks) -> Octets {
    if field.value().is_array() {
        return literal(field, quirks);
    }
    let object = code(&field.member("type")?)?;
    let nickname = field.optional("nn");
    let parameters = field.optional("parms");
    let issuer = field.optional("iss");
    let tag = field.optional("tag");
    let flag = |there, bit: u8| if there { bit } else { 0 };
    let mut octets = vec![
        object.0 & 0x0f
            | flag(nickname.is_some(), 0x80)
            | flag(parameters.is_some(), 0x40)
            | flag(issuer.is_some(), 0x20)
            | flag(tag.is_some(), 0x10),
    ];
    let name = field.member("name")?;
    let name = match &nickname {
        Some(nickname) => {
            let number = |field: &Field<'_>| field.integer(0, u64::MAX);
            octets.extend(scalar(&Amp::Uvast(number(nickname)?), Quirks::NONE));
            scalar(&Amp::Uvast(number(&name)?), Quirks::NONE)
        }
        None => text(&name)?,
    };
    octets.extend(scalar(&Amp::Bytes(&name), quirks));
    if let Some(parameters) = parameters {
        octets.extend(tnvc(&parameters, quirks)?);
    }
    for field in [issuer, tag].into_iter().flatten() {
        octets.extend(scalar(&Amp::Bytes(&text(&field)?), quirks));
    }
    Ok(octets)
}

fn literal(field: &Field<'_>, quirks: Quirks) -> Octets {
    let [lit, of, value] = elements(field)?;
    if lit.text()? != "LIT" {
        return Err(lit.expected("LIT"));
    }
    let code = code(&of)?;
    with_simple(code, &value, |simple| {
        let literal = Literal::new(simple).ok_or_else(|| of.expected("a primitive type"))?;
        Ok(written(|to| literal.encode(to, quirks)))
    })?
    .ok_or_else(|| of.expected("a primitive type"))?
}

/// Gives `make` the value, where it is of a type that is one item.
fn with_simple<T>(
    code: TypeCode,
    field: &Field<'_>,
    make: impl FnOnce(Amp<'_>) -> T,
) -> Result<Option<T>, FieldFault> {
    let octets;
    let value = match code {
        TypeCode::BOOL => match field.value() {
            Value::Bool(value) => Amp::Bool(*value),
            _ => return Err(field.expected("true or false")),
        },
        TypeCode::BYTE => Amp::Byte(field.u8()?),
        TypeCode::STR => Amp::Str(field.text()?),
        TypeCode::INT => Amp::Int(field.integer(i32::MIN, i32::MAX)?),
        TypeCode::UINT => Amp::Uint(field.u32()?),
        TypeCode::VAST => Amp::Vast(field.integer(i64::MIN, i64::MAX)?),
        TypeCode::UVAST => Amp::Uvast(field.integer(0, u64::MAX)?),
        TypeCode::TV => Amp::Tv(field.integer(0, u64::MAX)?),
        TypeCode::TS => Amp::Ts(field.integer(0, u64::MAX)?),
        TypeCode::REAL64 => Amp::Real64(float(field)?),
        TypeCode::REAL32 => {
            let wide = float(field)?;
            // No narrower than it is told: a float that is none of 32 bits is refused
            // when it is read again.
            return Ok(Some(make(narrow(wide))));
        }
        TypeCode::BYTESTR => {
            octets = field.octets()?;
            Amp::Bytes(&octets)
        }
        _ => return Ok(None),
    };
    Ok(Some(make(value)))
}

/// The nearest float of 32 bits.
fn narrow(value: f64) -> Amp<'static> {
    #[allow(clippy::as_conversions, reason = "rounds, and that is wanted")]
    Amp::Real32(value as f32)
}

fn ac(field: &Field<'_>, quirks: Quirks) -> Octets {
    each(field, quirks, ari)
}

fn expr(field: &Field<'_>, quirks: Quirks) -> Octets {
    let mut octets = vec![code(&field.member("type")?)?.0];
    octets.extend(ac(&field.member("rpn")?, quirks)?);
    Ok(octets)
}

/// The octets of a value of that type.
fn value(code: TypeCode, field: &Field<'_>, quirks: Quirks) -> Octets {
    match code {
        TypeCode::ARI => ari(field, quirks),
        TypeCode::AC => ac(field, quirks),
        TypeCode::EXPR => expr(field, quirks),
        TypeCode::TNVC => tnvc(field, quirks),
        code if code.is_object() => object(code, field, quirks),
        code => with_simple(code, field, |simple| scalar(&simple, quirks))?
            .ok_or_else(|| field.fault("is of no type that has values")),
    }
}

/// The type and the octets of a pair of type and value.
fn pair(field: &Field<'_>, quirks: Quirks) -> Result<(TypeCode, Vec<u8>), FieldFault> {
    let [of, body] = elements(field)?;
    let code = code(&of)?;
    Ok((code, value(code, &body, quirks)?))
}

fn tnvc(field: &Field<'_>, quirks: Quirks) -> Octets {
    let (flags, items) = if field.value().is_array() {
        (5, field.elements()?)
    } else {
        (field.member("flags")?.integer(1_u8, 8)?, field.member("items")?.elements()?)
    };
    if items.is_empty() {
        return Ok(vec![0]);
    }
    let mut octets = vec![flags];
    octets.extend(uint(items.len()));
    let (mut types, mut names, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for item in &items {
        if flags == 8 {
            values.extend(tnv(item, quirks)?);
            continue;
        }
        if flags & 2 != 0 {
            let name = item.member("name")?.text()?;
            names.extend(scalar(&Amp::Str(name), quirks));
        }
        if flags & 1 != 0 {
            let said = if flags == 5 && item.value().is_array() {
                item.clone()
            } else {
                item.member("value")?
            };
            let (code, octets) = pair(&said, quirks)?;
            types.push(code.0);
            values.extend(octets);
        } else if flags & 4 != 0 {
            types.push(code(&item.member("type")?)?.0);
        }
    }
    if flags & 4 != 0 {
        octets.extend(types);
    }
    octets.extend(names);
    octets.extend(values);
    Ok(octets)
}

fn tnv(field: &Field<'_>, quirks: Quirks) -> Octets {
    let (code, name, value) = if field.value().is_array() {
        let [_, of, body] = elements(field)?;
        let code = code(&of)?;
        (code, None, Some(value(code, &body, quirks)?))
    } else {
        let code = code(&field.member("type")?)?;
        let name = field.optional("name").map(|name| name.text()).transpose()?;
        let value = field.optional("value").map(|value| pair(&value, quirks)).transpose()?;
        (code, name, value.map(|(_, octets)| octets))
    };
    // An expression is counted as two by ION.
    let counted = code == TypeCode::EXPR && quirks.contains(Quirks::TNV_COUNT);
    let more = usize::from(value.is_some()) * if counted && name.is_none() { 2 } else { 1 };
    let head = TnvValues { code, name, value: None };
    let mut octets = written(|to| head.encode(to, quirks));
    if let Some(first) = octets.first_mut() {
        *first = first.wrapping_add(u8::try_from(more).unwrap_or(0));
    }
    octets.extend(value.unwrap_or_default());
    Ok(octets)
}

fn object(code: TypeCode, field: &Field<'_>, quirks: Quirks) -> Octets {
    let number = |field: &Field<'_>| with_simple(TypeCode::UINT, field, |it| scalar(&it, quirks));
    let time = |field: &Field<'_>| with_simple(TypeCode::TV, field, |it| scalar(&it, quirks));
    let mut parts = Vec::new();
    match code {
        TypeCode::MAC | TypeCode::RPTT => {
            let [id, items] = elements(field)?;
            parts.extend([ari(&id, quirks)?, ac(&items, quirks)?]);
        }
        TypeCode::VAR => {
            let [id, value] = elements(field)?;
            parts.extend([ari(&id, quirks)?, tnv(&value, quirks)?]);
        }
        TypeCode::SBR => {
            let [id, start, condition, evaluations, firings, action] = elements(field)?;
            parts.extend([ari(&id, quirks)?]);
            parts.extend(time(&start)?);
            parts.extend([expr(&condition, quirks)?]);
            parts.extend(number(&evaluations)?);
            parts.extend(number(&firings)?);
            parts.extend([ac(&action, quirks)?]);
        }
        TypeCode::TBR => {
            let [id, start, period, firings, action] = elements(field)?;
            parts.extend([ari(&id, quirks)?]);
            parts.extend(time(&start)?);
            parts.extend(number(&period)?);
            parts.extend(number(&firings)?);
            parts.extend([ac(&action, quirks)?]);
        }
        TypeCode::RPT => return rpt(field, quirks),
        TypeCode::TBL => return tbl(field, quirks),
        _ => return ari(field, quirks),
    }
    Ok(parts.concat())
}

fn rpt(field: &Field<'_>, quirks: Quirks) -> Octets {
    let [template, time, entries] = elements(field)?;
    let mut parts = vec![ari(&template, quirks)?];
    if !time.value().is_null() {
        parts.extend(with_simple(TypeCode::TS, &time, |time| scalar(&time, quirks))?);
    }
    parts.push(tnvc(&entries, quirks)?);
    Ok(array(&parts))
}

fn tbl(field: &Field<'_>, quirks: Quirks) -> Octets {
    let elements = field.elements()?;
    let Some((template, rows)) = elements.split_first() else {
        return Err(field.expected("a template and rows"));
    };
    let mut parts = vec![ari(template, quirks)?];
    for row in rows {
        parts.push(tnvc(row, quirks)?);
    }
    Ok(array(&parts))
}

fn name(field: &Field<'_>, quirks: Quirks) -> Octets {
    Ok(scalar(&Amp::Str(field.text()?), quirks))
}

fn message(field: &Field<'_>, quirks: Quirks) -> Octets {
    let elements = field.elements()?;
    let (Some(what), [_, rest @ ..]) = (elements.first(), elements.as_slice()) else {
        return Err(field.expected("a message"));
    };
    let opcode = match what.text()? {
        "REG" => Opcode::REGISTER_AGENT,
        "RPT" => Opcode::REPORT_SET,
        "CTRL" => Opcode::PERFORM_CONTROL,
        "TBL" => Opcode::TABLE_SET,
        _ => return Err(what.expected("REG, RPT, CTRL or TBL")),
    };
    let (body, flags) = match (opcode, rest) {
        (Opcode::REGISTER_AGENT, [id, flags @ ..]) => {
            let id = text(id)?;
            (written(|to| write_agent_id(to, &id, quirks)), flags)
        }
        (Opcode::PERFORM_CONTROL, [start, controls, flags @ ..]) => {
            let start = Amp::Tv(start.integer(0, u64::MAX)?);
            ([scalar(&start, quirks), ac(controls, quirks)?].concat(), flags)
        }
        (Opcode::REPORT_SET, [recipients, reports, flags @ ..]) => {
            ([each(recipients, quirks, name)?, each(reports, quirks, rpt)?].concat(), flags)
        }
        (Opcode::TABLE_SET, [recipients, tables, flags @ ..]) => {
            ([each(recipients, quirks, name)?, each(tables, quirks, tbl)?].concat(), flags)
        }
        _ => return Err(field.expected("a whole message")),
    };
    let mut header = MessageHeader::new(opcode);
    let (mut trailer, mut reserved) = (Vec::new(), 0);
    match flags {
        [] => {}
        [flags] => {
            header.ack = flagged(flags, "ack")?;
            header.nack = flagged(flags, "nack")?;
            if let Some(acl) = flags.optional("acl") {
                header.acl = true;
                trailer = acl.octets()?;
            }
            if let Some(bits) = flags.optional("reserved2") {
                reserved = bits.integer(0_u8, 3)?;
            }
        }
        [_, other, ..] => return Err(other.fault("is more than a message has")),
    }
    let first = header.octet() | reserved << 6;
    Ok([&[first][..], &body, &trailer].concat())
}

fn flagged(object: &Field<'_>, name: &str) -> Result<bool, FieldFault> {
    match object.optional(name) {
        None => Ok(false),
        Some(field) => field.value().as_bool().ok_or_else(|| field.expected("true or false")),
    }
}

fn group(field: &Field<'_>, quirks: Quirks) -> Octets {
    let elements = field.elements()?;
    let Some((time, messages)) = elements.split_first() else {
        return Err(field.expected("a time and messages"));
    };
    let mut parts = vec![scalar(&Amp::Ts(time.integer(0, u64::MAX)?), quirks)];
    for inner in messages {
        parts.push(scalar(&Amp::Bytes(&message(inner, quirks)?), quirks));
    }
    Ok(array(&parts))
}
