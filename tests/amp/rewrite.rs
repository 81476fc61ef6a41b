//! Reads everything there is in an object and writes it again from what was read.
//! The fuzz target `amp` has this file too.

use farpost::management::amp::{
    Ac, Ari, ArrayWriter, Body, BytesWriter, Definition, Entry, Expr, Group, GroupWriter, Literal,
    Malformed, Message, MessageHeader, Object, Profile, Quirks, Rpt, Tbl, Tnv, TnvValues, Tnvc,
    TnvcValues, TypeCode, Value, write_agent_id, write_recipients,
};
use farpost::wire::{NoSpace, Writer};

type Written = Result<(), NoSpace>;

/// The octets that `write` makes, which are never more than `room`.
pub(crate) fn written(room: usize, write: impl FnOnce(&mut Writer<'_>) -> Written) -> Vec<u8> {
    let mut buffer = vec![0; room];
    let mut writer = Writer::new(&mut buffer);
    write(&mut writer).expect("what was read fits where it was");
    writer.finish().to_vec()
}

pub(crate) fn ari(ari: &Ari<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    if let Some(value) = ari.literal() {
        return Literal::new(value).expect("literals are primitive").encode(to, quirks);
    }
    let mut values = ari.values();
    let parameters =
        ari.parameters().map(|all| written(all.octets().len(), |to| tnvc(&all, to, quirks)));
    let profile = ari.profile();
    let parsed =
        parameters.as_deref().map(|all| Tnvc::parse(all, profile).expect("the same again"));
    values.parameters = parsed.map(TnvcValues::Encoded);
    values.encode(to, quirks)
}

pub(crate) fn ac(ac: &Ac<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    let mut array = ArrayWriter::new(to);
    for item in ac {
        array.element();
        ari(&item, to, quirks)?;
    }
    assert_eq!(array.len(), ac.len());
    array.finish(to)
}

pub(crate) fn expr(expr: &Expr<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    assert!(expr.code().is_primitive());
    let items = expr.items();
    let octets = written(items.octets().len(), |to| ac(&items, to, quirks));
    let items = Ac::parse(&octets, expr.profile()).expect("the same again");
    Expr::write(to, expr.code(), &items)
}

pub(crate) fn tnv(tnv: &Tnv<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    let Entry { code, name, value } = tnv.entry();
    TnvValues { code: code.expect("a TNV has a type"), name, value }.encode(to, quirks)
}

pub(crate) fn tnvc(tnvc: &Tnvc<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    let entries: Vec<Entry<'_>> = tnvc.iter().collect();
    assert_eq!(entries.len(), usize::try_from(tnvc.len()).expect("they were counted"));
    let values: Vec<Value<'_>> = tnvc.values().collect();
    for value in &values {
        let octets = written(4_096, |to| self::value(value, to, quirks));
        assert_eq!(octets, written(4_096, |to| value.encode(to, quirks)));
    }
    let names: Vec<&str> = entries.iter().filter_map(|entry| entry.name).collect();
    let types: Vec<TypeCode> = entries.iter().filter_map(|entry| entry.code).collect();
    let named: Vec<_> = names.iter().copied().zip(values.iter().copied()).collect();
    let typed: Vec<_> = types.iter().copied().zip(names.iter().copied()).collect();
    let mixed: Vec<_> = (entries.iter())
        .filter_map(|&Entry { code, name, value }| Some(TnvValues { code: code?, name, value }))
        .collect();
    let again = match tnvc.flags() {
        0 | 5 => TnvcValues::Typed(&values),
        1 => TnvcValues::Native(&values),
        2 => TnvcValues::Names(&names),
        3 => TnvcValues::NamedNative(&named),
        4 => TnvcValues::Types(&types),
        6 => TnvcValues::NamedTypes(&typed),
        7 => TnvcValues::Named(&named),
        _ => TnvcValues::Mixed(&mixed),
    };
    again.encode(to, quirks)
}

pub(crate) fn value(value: &Value<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    match value {
        Value::Ari(item) => ari(item, to, quirks),
        Value::Ac(item) => ac(item, to, quirks),
        Value::Expr(item) => expr(item, to, quirks),
        Value::Tnv(item) => tnv(item, to, quirks),
        Value::Tnvc(item) => tnvc(item, to, quirks),
        Value::Object(item) => object(item, to, quirks),
        simple => simple.encode(to, quirks),
    }
}

pub(crate) fn object(object: &Object<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    match object.definition() {
        Definition::Identifier(id) => ari(&id, to, quirks),
        Definition::Rpt(report) => rpt(&report, to, quirks),
        Definition::Tbl(table) => tbl(&table, to, quirks),
        Definition::Mac(mac) => {
            let (id, items) = mac.parts();
            ari(&id, to, quirks)?;
            ac(&items, to, quirks)
        }
        Definition::Rptt(template) => {
            let (id, items) = template.parts();
            ari(&id, to, quirks)?;
            ac(&items, to, quirks)
        }
        Definition::Var(variable) => {
            let (id, value) = variable.parts();
            ari(&id, to, quirks)?;
            tnv(&value, to, quirks)
        }
        Definition::Sbr(rule) => rule.parts().encode(to, quirks),
        Definition::Tbr(rule) => rule.parts().encode(to, quirks),
    }
}

pub(crate) fn rpt(report: &Rpt<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    let parts = report.parts();
    let mut entries = Rpt::begin(to, &parts.template, parts.time, quirks)?;
    if !matches!(parts.entries.flags(), 0 | 5) {
        return tnvc(&parts.entries, to, quirks);
    }
    for value in parts.entries.values() {
        entries.push(to, &value, quirks)?;
    }
    entries.finish(to)
}

pub(crate) fn tbl(table: &Tbl<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    let mut array = Tbl::begin(to, &table.template())?;
    for row in table.rows() {
        array.element();
        tnvc(&row, to, quirks)?;
    }
    array.finish(to)
}

pub(crate) fn body(message: &Message<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    match message.body() {
        Body::RegisterAgent(id) => write_agent_id(to, id, quirks)?,
        Body::PerformControl(start, controls) => {
            let start = Value::Tv(start);
            start.encode(to, quirks)?;
            ac(&controls, to, quirks)?;
        }
        Body::ReportSet(recipients, reports) => {
            write_recipients(to, recipients)?;
            let mut array = ArrayWriter::new(to);
            for report in reports {
                array.element();
                rpt(&report, to, quirks)?;
            }
            array.finish(to)?;
        }
        Body::TableSet(recipients, tables) => {
            write_recipients(to, recipients)?;
            let mut array = ArrayWriter::new(to);
            for table in tables {
                array.element();
                tbl(&table, to, quirks)?;
            }
            array.finish(to)?;
        }
    }
    to.octets(message.trailer())
}

/// All but the reserved bits of its header.
pub(crate) fn message(message: &Message<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    to.u8(message.header().octet())?;
    body(message, to, quirks)
}

/// All but the reserved bits of the headers of its messages.
pub(crate) fn group(group: &Group<'_>, to: &mut Writer<'_>, quirks: Quirks) -> Written {
    let mut writer = GroupWriter::new(to, group.time(), quirks)?;
    for message in group.messages() {
        let bytes: BytesWriter = writer.message(to, MessageHeader { ..message.header() })?;
        body(&message, to, quirks)?;
        bytes.finish(to)?;
    }
    assert!(!writer.is_empty());
    writer.finish(to)
}

/// Reads octets as what the name of a vector says they are, and writes them again.
pub(crate) fn again(
    name: &str,
    octets: &[u8],
    profile: Profile,
) -> Result<(Vec<u8>, Quirks), Malformed> {
    // ION's count of the parts of a value is more than it is again.
    let room = octets.len() + 16;
    let write = |write: &dyn Fn(&mut Writer<'_>) -> Result<(), NoSpace>| written(room, write);
    let definition = |code| {
        let object = Object::parse(octets, code, profile)?;
        let quirks = object.quirks();
        Ok((write(&|to| self::object(&object, to, quirks)), quirks))
    };
    Ok(match name.split('.').next().unwrap_or_default() {
        "ari" | "lit" => {
            let ari = Ari::parse(octets, profile)?;
            (write(&|to| self::ari(&ari, to, ari.quirks())), ari.quirks())
        }
        "ac" => {
            let ac = Ac::parse(octets, profile)?;
            (write(&|to| self::ac(&ac, to, ac.quirks())), ac.quirks())
        }
        "expr" => {
            let expr = Expr::parse(octets, profile)?;
            (write(&|to| self::expr(&expr, to, expr.quirks())), expr.quirks())
        }
        "tnv" => {
            let tnv = Tnv::parse(octets, profile)?;
            (write(&|to| self::tnv(&tnv, to, tnv.quirks())), tnv.quirks())
        }
        "tnvc" => {
            let tnvc = Tnvc::parse(octets, profile)?;
            (write(&|to| self::tnvc(&tnvc, to, tnvc.quirks())), tnvc.quirks())
        }
        "msg" => {
            let message = Message::parse(octets, profile)?;
            (write(&|to| self::message(&message, to, message.quirks())), message.quirks())
        }
        "grp" => {
            let group = Group::parse(octets, profile)?;
            (write(&|to| self::group(&group, to, group.quirks())), group.quirks())
        }
        "mac" => return definition(TypeCode::MAC),
        "rpt" => return definition(TypeCode::RPT),
        "rptt" => return definition(TypeCode::RPTT),
        "sbr" => return definition(TypeCode::SBR),
        "tbl" => return definition(TypeCode::TBL),
        "tbr" => return definition(TypeCode::TBR),
        "var" => return definition(TypeCode::VAR),
        other => panic!("{other}"),
    })
}
