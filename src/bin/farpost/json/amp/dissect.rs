//! What AMP objects say, as JSON.

use farpost::management::amp::{
    Ac, Ari, Body, Definition, Entry, Expr, Group, Message, Name, Object, Rpt, Tbl, Tnv, Tnvc,
    TypeCode, Value as Amp,
};
use serde_json::{Value, json};

use crate::json::{Object as Members, hexadecimal};

fn code(code: TypeCode) -> Value {
    code.name().map_or_else(|| code.0.into(), Value::from)
}

/// Octets that are mostly text.
fn text(octets: &[u8]) -> Value {
    match std::str::from_utf8(octets) {
        Ok(text) => text.into(),
        Err(_) => json!({ "hex": hexadecimal(octets) }),
    }
}

/// A float, and what JSON has no numbers for.
fn float(value: f64) -> Value {
    if value.is_finite() { value.into() } else { value.to_string().into() }
}

pub(super) fn ari(ari: &Ari<'_>) -> Value {
    if let Some(value) = ari.literal() {
        return json!(["LIT", code(value.code()), body(&value)]);
    }
    let mut object = Members::new();
    object.insert("type".into(), code(ari.object()));
    if let Some(nickname) = ari.nickname() {
        object.insert("nn".into(), nickname.0.into());
    }
    let name = match ari.name() {
        Name::Index(index) => index.into(),
        Name::Octets(name) => text(name),
    };
    object.insert("name".into(), name);
    if let Some(parameters) = ari.parameters() {
        object.insert("parms".into(), tnvc(&parameters));
    }
    if let Some(issuer) = ari.issuer() {
        object.insert("iss".into(), text(issuer));
    }
    if let Some(tag) = ari.tag() {
        object.insert("tag".into(), text(tag));
    }
    Value::Object(object)
}

pub(super) fn ac(ac: &Ac<'_>) -> Value {
    ac.iter().map(|item| ari(&item)).collect()
}

pub(super) fn expr(expr: &Expr<'_>) -> Value {
    json!({ "type": code(expr.code()), "rpn": ac(&expr.items()) })
}

/// The type and the value.
fn pair(value: &Amp<'_>) -> Value {
    json!([code(value.code()), body(value)])
}

fn body(value: &Amp<'_>) -> Value {
    match value {
        Amp::Bool(value) => (*value).into(),
        Amp::Byte(value) => (*value).into(),
        Amp::Str(value) => (*value).into(),
        Amp::Int(value) => (*value).into(),
        Amp::Uint(value) => (*value).into(),
        Amp::Vast(value) => (*value).into(),
        Amp::Uvast(value) | Amp::Tv(value) | Amp::Ts(value) => (*value).into(),
        Amp::Real32(value) => float(f64::from(*value)),
        Amp::Real64(value) => float(*value),
        Amp::Bytes(octets) => hexadecimal(octets),
        Amp::Ari(item) => ari(item),
        Amp::Ac(item) => ac(item),
        Amp::Expr(item) => expr(item),
        Amp::Tnv(item) => tnv(item),
        Amp::Tnvc(item) => tnvc(item),
        Amp::Object(item) => object(item),
    }
}

fn entry(entry: &Entry<'_>) -> Members {
    let mut object = Members::new();
    if let Some(of) = entry.code {
        object.insert("type".into(), code(of));
    }
    if let Some(name) = entry.name {
        object.insert("name".into(), name.into());
    }
    if let Some(value) = entry.value {
        object.insert("value".into(), pair(&value));
    }
    object
}

pub(super) fn tnv(tnv: &Tnv<'_>) -> Value {
    let said = tnv.entry();
    if let (None, Some(value)) = (said.name, said.value) {
        return json!([tnv.count(), code(value.code()), body(&value)]);
    }
    Value::Object(entry(&said))
}

pub(super) fn tnvc(tnvc: &Tnvc<'_>) -> Value {
    if matches!(tnvc.flags(), 0 | 5) {
        return tnvc.values().map(|value| pair(&value)).collect();
    }
    let items: Value = tnvc.iter().map(|item| Value::Object(entry(&item))).collect();
    json!({ "flags": tnvc.flags(), "items": items })
}

pub(super) fn object(object: &Object<'_>) -> Value {
    match object.definition() {
        Definition::Identifier(id) => ari(&id),
        Definition::Rpt(report) => rpt(&report),
        Definition::Tbl(table) => tbl(&table),
        Definition::Mac(mac) => {
            let (id, items) = mac.parts();
            json!([ari(&id), ac(&items)])
        }
        Definition::Rptt(template) => {
            let (id, items) = template.parts();
            json!([ari(&id), ac(&items)])
        }
        Definition::Var(variable) => {
            let (id, value) = variable.parts();
            json!([ari(&id), tnv(&value)])
        }
        Definition::Sbr(rule) => {
            let rule = rule.parts();
            json!([
                ari(&rule.id),
                rule.start,
                expr(&rule.condition),
                rule.evaluations,
                rule.firings,
                ac(&rule.action)
            ])
        }
        Definition::Tbr(rule) => {
            let rule = rule.parts();
            json!([ari(&rule.id), rule.start, rule.period, rule.firings, ac(&rule.action)])
        }
    }
}

fn rpt(report: &Rpt<'_>) -> Value {
    let parts = report.parts();
    json!([ari(&parts.template), parts.time, tnvc(&parts.entries)])
}

fn tbl(table: &Tbl<'_>) -> Value {
    let template = ari(&table.template());
    std::iter::once(template).chain(table.rows().map(|row| tnvc(&row))).collect()
}

pub(super) fn message(message: &Message<'_>) -> Value {
    let mut said = match message.body() {
        Body::RegisterAgent(id) => vec!["REG".into(), text(id)],
        Body::PerformControl(start, controls) => vec!["CTRL".into(), start.into(), ac(&controls)],
        Body::ReportSet(recipients, reports) => {
            vec!["RPT".into(), recipients.collect(), reports.map(|report| rpt(&report)).collect()]
        }
        Body::TableSet(recipients, tables) => {
            vec!["TBL".into(), recipients.collect(), tables.map(|table| tbl(&table)).collect()]
        }
    };
    let header = message.header();
    let mut flags = Members::new();
    if header.ack {
        flags.insert("ack".into(), true.into());
    }
    if header.nack {
        flags.insert("nack".into(), true.into());
    }
    if header.acl {
        flags.insert("acl".into(), hexadecimal(message.trailer()));
    }
    if message.reserved() != 0 {
        flags.insert("reserved2".into(), message.reserved().into());
    }
    if !flags.is_empty() {
        said.push(Value::Object(flags));
    }
    Value::Array(said)
}

pub(super) fn group(group: &Group<'_>) -> Value {
    let time = Value::from(group.time());
    std::iter::once(time).chain(group.messages().map(|inner| message(&inner))).collect()
}
