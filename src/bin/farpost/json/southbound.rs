//! Messages of the southbound interface, by their schema: member names and the forms of
//! values are those of Protobuf's JSON.
//!
//! Besides, `unknown_fields` has the octets of what the schema does not know, times that
//! are out of range are objects, and a detail of a type that is not known keeps its octets.

use data_encoding::{BASE64, HEXLOWER};
use farpost::southbound::messages::{Duration, Timestamp};
use farpost::southbound::protobuf::{Encoder, Message, Value as Wire};
use farpost::southbound::schema::{FieldType, Kind, Label, MessageType};
use serde_json::Value;

use super::{Fault, Field, FieldFault, Object, number, times};

#[cfg(test)]
mod tests;

/// What a line is of that does not say.
pub(crate) const DEFAULT: MessageType = MessageType::FromController;

const UNKNOWN: &str = "unknown_fields";
const TYPE: &str = "@type";

pub(super) fn dissect(kind: MessageType, octets: &[u8]) -> Result<Object, Fault> {
    let json = describe(Message::parse(kind, octets)?)?;
    let again = encode(kind, &Field::top(&json));
    let mut object = Object::new();
    object.insert("message".into(), kind.name().into());
    object.insert("json".into(), json);
    object.insert("canonical".into(), again.is_ok_and(|again| again == octets).into());
    Ok(object)
}

pub(super) fn assemble(kind: MessageType, object: &Field<'_>) -> Result<Vec<u8>, FieldFault> {
    encode(kind, &object.member("json")?)
}

/// Fields with their names, in the order of their numbers.
fn fields(kind: MessageType) -> Vec<(&'static FieldType, &'static str)> {
    let names = kind.field_names().iter().copied();
    let mut fields: Vec<_> = kind.fields().iter().zip(names).collect();
    fields.sort_by_key(|(field, _)| field.number);
    fields
}

/// What a message says.
fn describe(message: Message<'_>) -> Result<Value, Fault> {
    let kind = message.kind();
    let mut octets = vec![0; message.len()];
    let all = message.copy_to(&mut octets);
    let octets = all.map_err(|error| Fault::new("no_space", error.to_string()))?;
    let message = Message::parse(kind, octets)?;
    let unknown: Vec<u8> = message
        .fields()
        .filter(|field| kind.known(field).is_none())
        .flat_map(|field| octets.get(field.start..field.end).unwrap_or_default())
        .copied()
        .collect();
    if unknown.is_empty()
        && let Some(value) = well_known(kind, octets)?
    {
        return Ok(value);
    }
    let mut object = Object::new();
    for (field, name) in fields(kind) {
        if let Some(value) = field_of(&message, *field)? {
            object.insert(name.into(), value);
        }
    }
    if !unknown.is_empty() {
        object.insert(UNKNOWN.into(), HEXLOWER.encode(&unknown).into());
    }
    Ok(Value::Object(object))
}

/// Messages that have a form of their own, where they are in order.
fn well_known(kind: MessageType, octets: &[u8]) -> Result<Option<Value>, Fault> {
    Ok(match kind {
        MessageType::Timestamp => times::timestamp(Timestamp::parse(octets)?),
        MessageType::Duration => times::duration(Duration::parse(octets)?),
        MessageType::Any => detail(octets)?,
        _ => None,
    })
}

/// What a detail says, where its type is known and its octets follow from what it says.
fn detail(all: &[u8]) -> Result<Option<Value>, Fault> {
    let message = Message::parse(MessageType::Any, all)?;
    let Some(Wire::Len(url)) = message.last(1) else { return Ok(None) };
    let octets = match message.last(2) {
        Some(Wire::Len(octets)) => octets,
        _ => &[],
    };
    let url = String::from_utf8_lossy(url);
    let Some(kind) = url.rsplit_once('/').and_then(|(_, name)| full_name(name)) else {
        return Ok(None);
    };
    let Ok(inner) = Message::parse(kind, octets) else { return Ok(None) };
    let json = describe(inner)?;
    let mut object = Object::new();
    object.insert(TYPE.into(), url.into());
    match json {
        Value::Object(mut members) => object.append(&mut members),
        value => {
            object.insert("value".into(), value);
        }
    }
    let json = Value::Object(object);
    let again = encode(MessageType::Any, &Field::top(&json));
    Ok(again.is_ok_and(|again| again == all).then_some(json))
}

fn full_name(name: &str) -> Option<MessageType> {
    MessageType::named(name).filter(|kind| kind.name() == name)
}

/// What a message says in one of its fields, if anything.
fn field_of(message: &Message<'_>, field: FieldType) -> Result<Option<Value>, Fault> {
    let number = field.number;
    if field.label == Label::Repeated {
        let mut all = Vec::new();
        for value in message.values(number) {
            all.push(match (field.kind, value) {
                (Kind::Message(kind), Wire::Len(octets)) => {
                    describe(Message::parse(kind, octets)?)?
                }
                (kind, value) => scalar(kind, value),
            });
        }
        return Ok((!all.is_empty()).then_some(Value::Array(all)));
    }
    if let Kind::Message(_) = field.kind {
        return message.member(number).map(describe).transpose();
    }
    if field.label == Label::Oneof && message.set() != Some(number) {
        return Ok(None);
    }
    let Some(value) = message.last(number) else { return Ok(None) };
    let nothing = matches!(value, Wire::Varint(0) | Wire::I64(0) | Wire::I32(0) | Wire::Len([]));
    Ok((field.label != Label::Implicit || !nothing).then(|| scalar(field.kind, value)))
}

fn scalar(kind: Kind, value: Wire<'_>) -> Value {
    match value {
        Wire::Varint(value) => {
            let [a, b, c, d, ..] = value.to_le_bytes();
            let low = u32::from_le_bytes([a, b, c, d]);
            match kind {
                Kind::Int64 => value.cast_signed().to_string().into(),
                Kind::Int32 => low.cast_signed().into(),
                Kind::Uint32 => low.into(),
                Kind::Code(codes) => match codes.name(low.cast_signed()) {
                    Some(name) => name.into(),
                    None => low.cast_signed().into(),
                },
                _ => value.to_string().into(),
            }
        }
        Wire::I64(bits) => number::double(f64::from_bits(bits)),
        Wire::I32(bits) => number::float(f32::from_bits(bits)),
        Wire::Len(octets) | Wire::Group(octets) => match kind {
            Kind::String => String::from_utf8_lossy(octets).into(),
            _ => BASE64.encode(octets).into(),
        },
    }
}

/// The octets of a message that says `json`.
fn encode(kind: MessageType, json: &Field<'_>) -> Result<Vec<u8>, FieldFault> {
    match (kind, json.text()) {
        (MessageType::Timestamp, Ok(text)) => {
            let time = times::parse_timestamp(text).ok_or_else(|| {
                json.expected("a time from year 1 to 9999, as 2026-11-23T10:00:00.250Z")
            })?;
            return Ok(append(|to| message(to, &time)));
        }
        (MessageType::Duration, Ok(text)) => {
            let span = times::parse_duration(text)
                .ok_or_else(|| json.expected("seconds, at most 315576000000, as -1.500s"))?;
            return Ok(append(|to| message(to, &span)));
        }
        _ => {}
    }
    match json.optional(TYPE) {
        Some(url) if kind == MessageType::Any => encode_detail(json, &url),
        _ => encode_fields(kind, json, None),
    }
}

/// The octets of a message whose fields are members of `json`, beside one named `also`.
fn encode_fields(
    kind: MessageType,
    json: &Field<'_>,
    also: Option<&str>,
) -> Result<Vec<u8>, FieldFault> {
    let names = json.names()?;
    let fields = fields(kind);
    let known = |name: &str| {
        name == UNKNOWN || also == Some(name) || fields.iter().any(|(_, field)| *field == name)
    };
    if let Some(name) = names.into_iter().find(|name| !known(name)) {
        return Err(json.member(name)?.fault(format!("{} has no such field", kind.name())));
    }
    let mut octets = Vec::new();
    let mut member = None;
    for (field, name) in fields {
        let Some(json) = json.optional(name) else { continue };
        if field.label == Label::Oneof
            && let Some(other) = member.replace(name)
        {
            return Err(json.fault(format!("there is {other} already, and only one can be")));
        }
        put(&mut octets, *field, &json)?;
    }
    if let Some(unknown) = json.optional(UNKNOWN) {
        octets.extend(unknown.octets()?);
    }
    Ok(octets)
}

fn encode_detail(json: &Field<'_>, url: &Field<'_>) -> Result<Vec<u8>, FieldFault> {
    let name = url.text()?;
    let kind = name
        .rsplit_once('/')
        .and_then(|(_, name)| full_name(name))
        .ok_or_else(|| url.expected("the URL of a type that is known"))?;
    let inner = match kind {
        MessageType::Timestamp | MessageType::Duration => encode(kind, &json.member("value")?)?,
        _ => encode_fields(kind, json, Some(TYPE))?,
    };
    Ok(append(|to| {
        to.len(1, name.as_bytes());
        if !inner.is_empty() {
            to.len(2, &inner);
        }
    }))
}

/// Appends what one field says.
fn put(octets: &mut Vec<u8>, field: FieldType, json: &Field<'_>) -> Result<(), FieldFault> {
    let number = field.number;
    if field.label != Label::Repeated {
        let value = value(field.kind, json)?;
        if field.label != Label::Implicit || !value.is_nothing() {
            octets.extend(append(|to| value.put(number, to)));
        }
        return Ok(());
    }
    let values = json.elements()?;
    let values = values.iter().map(|json| value(field.kind, json));
    let values = values.collect::<Result<Vec<_>, _>>()?;
    if values.iter().any(|value| matches!(value, Given::Len(_))) {
        octets.extend(append(|to| values.iter().for_each(|value| value.put(number, to))));
    } else if !values.is_empty() {
        let packed = append(|to| values.iter().for_each(|value| value.pack(to)));
        octets.extend(append(|to| to.len(number, &packed)));
    }
    Ok(())
}

/// A value that is to be written.
enum Given {
    Varint(u64),
    I64(u64),
    I32(u32),
    Len(Vec<u8>),
}

impl Given {
    fn is_nothing(&self) -> bool {
        match self {
            Self::Varint(value) | Self::I64(value) => *value == 0,
            Self::I32(value) => *value == 0,
            Self::Len(octets) => octets.is_empty(),
        }
    }

    fn put(&self, number: u8, to: &mut Encoder<'_>) {
        match self {
            Self::Varint(value) => to.varint(number, *value),
            Self::I64(value) => to.i64(number, *value),
            Self::I32(value) => to.i32(number, *value),
            Self::Len(octets) => to.len(number, octets),
        }
    }

    fn pack(&self, to: &mut Encoder<'_>) {
        match self {
            Self::Varint(value) => to.number(*value),
            Self::I64(value) => to.raw(&value.to_le_bytes()),
            Self::I32(value) => to.raw(&value.to_le_bytes()),
            Self::Len(octets) => to.raw(octets),
        }
    }
}

fn value(kind: Kind, json: &Field<'_>) -> Result<Given, FieldFault> {
    let signed = |value: i64| Given::Varint(value.cast_unsigned());
    Ok(match kind {
        Kind::Int64 => signed(json.long(i64::MIN, i64::MAX)?),
        Kind::Uint64 => Given::Varint(json.long(u64::MIN, u64::MAX)?),
        Kind::Int32 => signed(json.long(i32::MIN, i32::MAX)?.into()),
        Kind::Uint32 => Given::Varint(json.long(u32::MIN, u32::MAX)?.into()),
        Kind::Code(codes) => match json.text() {
            Ok(name) => {
                let code = codes.code(name).ok_or_else(|| json.expected("the name of a code"))?;
                signed(code.into())
            }
            Err(_) => signed(json.long(i32::MIN, i32::MAX)?.into()),
        },
        Kind::Double => Given::I64(number::parse_double(json)?.to_bits()),
        Kind::Float => Given::I32(number::parse_float(json)?.to_bits()),
        Kind::String => Given::Len(json.text()?.into()),
        Kind::Bytes => Given::Len(
            BASE64
                .decode(json.text()?.as_bytes())
                .map_err(|_| json.expected("octets in Base64"))?,
        ),
        Kind::Message(kind) => Given::Len(encode(kind, json)?),
    })
}

/// The fields of a message of values.
fn message(to: &mut Encoder<'_>, message: &dyn farpost::southbound::protobuf::Encode) {
    (1..=2).for_each(|number| message.put(number, to));
}

/// What `write` writes.
fn append(write: impl Fn(&mut Encoder<'_>)) -> Vec<u8> {
    let mut count = Encoder::new(&mut []);
    write(&mut count);
    let mut octets = vec![0; count.length()];
    write(&mut Encoder::new(&mut octets));
    octets
}
