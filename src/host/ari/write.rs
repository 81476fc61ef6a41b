//! Octets to text.

use core::fmt::Write;
use std::format;
use std::string::{String, ToString};

use super::{AriText, begins_with_type, fields, is_identifier, is_plain, namespace};
use crate::management::adm::{Field, find};
use crate::management::amp::{Ac, Ari, Collection, Name, Nickname, Tnvc, TypeCode, Value};

pub(super) fn ari(names: &AriText<'_>, ari: &Ari<'_>) -> String {
    if let Some(value) = ari.literal() {
        return format!("{}{}", told(value.code()), plain(names, &value));
    }
    let mut text = String::from("ari:/");
    let mut parameters: &[Field] = &[];
    match (ari.nickname(), ari.name()) {
        (Some(nickname), Name::Index(index)) => {
            let definition = ari.object_id().and_then(|id| find(names.adms, id));
            let known = definition.and_then(|definition| {
                let adm = *names
                    .adms
                    .iter()
                    .find(|adm| Some(adm.enumeration) == nickname.parts().map(|(adm, _)| adm))?;
                let name = definition.label().name()?;
                Some(format!("{}/{}.{name}", namespace(adm)?, kind(nickname)?))
            });
            parameters = fields(definition);
            let object = ari.object();
            let unknown = || format!("#{}/{object:?}.{index}", nickname.0);
            text.push_str(&known.unwrap_or_else(unknown));
        }
        (_, name) => {
            let Name::Octets(name) = name else { return text };
            let issuer = ari.issuer().map(escaped);
            let tag = ari.tag().map(escaped);
            let path = match (issuer, tag) {
                (Some(issuer), Some(tag)) => format!("{issuer}/{tag}/"),
                (Some(issuer), None) => format!("{issuer}/"),
                _ => String::new(),
            };
            // An issuer that is called like an ADM.
            let same = path.strip_suffix('/').is_some_and(|path| names.adm(path).is_some());
            let hidden = match path.as_bytes() {
                [first, ..] if same => format!("%{first:02x}{}", path.get(1..).unwrap_or_default()),
                _ => path,
            };
            text.push_str(&hidden);
            text.push_str(&format!("{:?}.{}", ari.object(), escaped(name)));
        }
    }
    if let Some(all) = ari.parameters() {
        text.push_str(&tnvc(names, '(', ')', parameters, &all));
    }
    text
}

fn kind(nickname: Nickname) -> Option<&'static str> {
    nickname.parts().and_then(|(_, collection): (u32, Collection)| collection.name())
}

fn told(code: TypeCode) -> String {
    format!("({code:?}) ")
}

fn escaped(octets: &[u8]) -> String {
    let mut text = String::new();
    for &octet in octets {
        if is_plain(octet) {
            text.push(char::from(octet));
        } else {
            // Writing to a string does not fail.
            let _ = write!(text, "%{octet:02x}");
        }
    }
    text
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn tnvc(names: &AriText<'_>, open: char, close: char, fields: &[Field], tnvc: &Tnvc<'_>) -> String {
    // A value of another type than an identifier or expression would look like one.
    let hidden = tnvc
        .values()
        .zip(fields)
        .any(|(value, field)| begins_with_type(field.code) && field.code != value.code());
    if hidden || !matches!(tnvc.flags(), 0 | 5) {
        return format!("{open}#{}{close}", hexadecimal(tnvc.octets()));
    }
    let mut text = open.to_string();
    for (index, value) in tnvc.values().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        let known = fields.get(index).map(|field| field.code);
        if known != Some(value.code()) {
            text.push_str(&told(value.code()));
        }
        text.push_str(&plain(names, &value));
    }
    text.push(close);
    text
}

fn ac(names: &AriText<'_>, ac: &Ac<'_>) -> String {
    let mut text = String::from("[");
    for (index, item) in ac.iter().enumerate() {
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&ari(names, &item));
    }
    text.push(']');
    text
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

fn plain(names: &AriText<'_>, value: &Value<'_>) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Byte(value) => value.to_string(),
        Value::Str(text) => quoted(text),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Vast(value) => value.to_string(),
        Value::Uvast(value) | Value::Tv(value) | Value::Ts(value) => value.to_string(),
        Value::Real32(value) => format!("{value:?}"),
        Value::Real64(value) => format!("{value:?}"),
        Value::Bytes(octets) => format!("0x{}", hexadecimal(octets)),
        Value::Ari(item) => ari(names, item),
        Value::Ac(items) => ac(names, items),
        Value::Expr(item) => format!("{}{}", told(item.code()), ac(names, &item.items())),
        Value::Tnvc(item) => tnvc(names, '{', '}', &[], item),
        Value::Tnv(item) => format!("0x{}", hexadecimal(item.octets())),
        Value::Object(item) => match Ari::parse(item.octets(), names.profile) {
            Ok(item) if is_identifier(value.code()) => ari(names, &item),
            _ => format!("0x{}", hexadecimal(item.octets())),
        },
    }
}
