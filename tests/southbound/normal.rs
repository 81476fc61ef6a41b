//! The normal form of a message: what it says, field by field in the order of their
//! numbers, and behind that what nobody knows, as it came.

use farpost::southbound::protobuf::{Encoder, Field, Message, Value, Wire};
use farpost::southbound::schema::{Kind, Label};

/// The octets that any message of the schema is written as.
pub(crate) fn normal(message: Message<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut fields: Vec<_> = message.kind().fields().iter().collect();
    fields.sort_by_key(|field| field.number);
    for field in fields {
        let number = field.number;
        match (field.label, field.kind) {
            (Label::Repeated, Kind::Message(kind)) => {
                for value in message.values(number) {
                    let Value::Len(inner) = value else { panic!("{value:?}") };
                    let inner = normal(Message::parse(kind, inner).unwrap());
                    write(&mut octets, |to| to.len(number, &inner));
                }
            }
            (Label::Repeated, kind) if kind.wire() != Wire::Len => {
                let mut all = Vec::new();
                for value in message.values(number) {
                    write(&mut all, |to| match value {
                        Value::Varint(value) => to.number(fit(kind, value)),
                        Value::I64(value) => to.raw(&value.to_le_bytes()),
                        other => panic!("{other:?}"),
                    });
                }
                if !all.is_empty() {
                    write(&mut octets, |to| to.len(number, &all));
                }
            }
            (Label::Repeated, _) => {
                for value in message.values(number) {
                    put(&mut octets, number, value);
                }
            }
            (_, Kind::Message(_)) => {
                if let Some(inner) = message.member(number) {
                    let inner = normal(inner);
                    write(&mut octets, |to| to.len(number, &inner));
                }
            }
            (label, kind) => {
                if label == Label::Oneof && message.set() != Some(number) {
                    continue;
                }
                let Some(value) = message.last(number) else { continue };
                let value = match value {
                    Value::Varint(value) => Value::Varint(fit(kind, value)),
                    other => other,
                };
                let nothing = matches!(value, Value::Varint(0) | Value::I64(0) | Value::I32(0))
                    || value == Value::Len(&[]);
                if label != Label::Implicit || !nothing {
                    put(&mut octets, number, value);
                }
            }
        }
    }
    let octets_of = message_octets(&message);
    let mut rest = Vec::new();
    for field in parse_fields(&octets_of) {
        if message.kind().known(&field).is_none() {
            rest.extend_from_slice(&octets_of[field.start..field.end]);
        }
    }
    octets.extend_from_slice(&rest);
    octets
}

/// The octets of a message, in one piece.
pub(crate) fn message_octets(message: &Message<'_>) -> Vec<u8> {
    let mut buffer = vec![0; message.len()];
    message.copy_to(&mut buffer).unwrap();
    buffer
}

fn parse_fields(octets: &[u8]) -> Vec<Field<'_>> {
    let empty = farpost::southbound::schema::MessageType::Empty;
    Message::parse(empty, octets).unwrap().fields().collect()
}

/// A varint as the field takes it: of 32 bits, if it has no more.
fn fit(kind: Kind, value: u64) -> u64 {
    let low = u32::try_from(value & 0xffff_ffff).unwrap();
    match kind {
        Kind::Int32 | Kind::Code(_) => i64::from(low.cast_signed()).cast_unsigned(),
        Kind::Uint32 => low.into(),
        _ => value,
    }
}

fn put(octets: &mut Vec<u8>, number: u8, value: Value<'_>) {
    write(octets, |to| match value {
        Value::Varint(value) => to.varint(number, value),
        Value::I64(value) => to.i64(number, value),
        Value::I32(value) => to.i32(number, value),
        Value::Len(octets) => to.len(number, octets),
        Value::Group(_) => panic!("no field is a group"),
    });
}

fn write(octets: &mut Vec<u8>, what: impl Fn(&mut Encoder<'_>)) {
    let mut count = Encoder::new(&mut []);
    what(&mut count);
    let start = octets.len();
    octets.resize(start + count.length(), 0);
    let mut encoder = Encoder::new(&mut octets[start..]);
    what(&mut encoder);
    encoder.finish().unwrap();
}
