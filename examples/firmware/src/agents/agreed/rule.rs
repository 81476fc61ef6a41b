//! Controls for the agent, as octets: the rule about the gain, and asking for a report.

use farpost::management::adm::amp_agent::{control, operator};
use farpost::management::amp::{
    Ac, Ari, AriValues, ArrayWriter, Collection, Expr, Literal, Name, Nickname, ObjectId, Profile,
    Quirks, Tnvc, TnvcValues, TypeCode, Value,
};
use farpost::wire::{NoSpace, Writer};

use super::adm::{FRONT_END, SET_GAIN, datum, report};

/// The name of the manager that hears of it.
pub(crate) const GROUND: &str = "ground";

/// The ADM of the agent itself.
const AGENT: u32 = 1;
const NONE: Quirks = Quirks::NONE;
const DRAFT: Profile = Profile::Draft08;

type Written = Result<(), NoSpace>;

/// `IF level > limit AND gain > least THEN set_gain(least), tell overload`, from now on and as
/// often as it is so. The level is in dBFS, the gain in dB. `None` if `buffer` is too short:
/// 192 octets are enough.
pub(crate) fn quieter(limit: i32, least: i32, buffer: &mut [u8]) -> Option<Ac<'_>> {
    let (mut action, mut state, mut name, mut tell) = ([0; 96], [0; 64], [0; 16], [0; 64]);
    let tell = telling(report::OVERLOAD, &mut tell)?;
    let action = written(&mut action, |to| {
        collection(
            to,
            &[&|to| control_of(to, FRONT_END, SET_GAIN.into(), &[Value::Int(least)]), &|to| {
                to.octets(tell)
            }],
        )
    })?;
    let datum =
        |to: &mut Writer<'_>, index: u8| object(to, FRONT_END, Collection::EDD, index.into());
    let number = |to: &mut Writer<'_>, value| {
        Literal::new(Value::Int(value)).map_or(Ok(()), |value| value.encode(to, NONE))
    };
    let operator = |to: &mut Writer<'_>, index: u64| object(to, AGENT, Collection::OPER, index);
    let state = written(&mut state, |to| {
        to.u8(TypeCode::BOOL.0)?;
        collection(
            to,
            &[
                &|to| datum(to, datum::LEVEL),
                &|to| number(to, limit),
                &|to| operator(to, operator::GREATER),
                &|to| datum(to, datum::GAIN),
                &|to| number(to, least),
                &|to| operator(to, operator::GREATER),
                &|to| operator(to, operator::AND),
            ],
        )
    })?;
    let name = written(&mut name, |to| {
        AriValues::new(TypeCode::SBR, Name::Octets(b"quieter")).encode(to, NONE)
    })?;
    let parameters = [
        Value::Ari(Ari::parse(name, DRAFT).ok()?),
        // From now on; looked at and acted upon without end.
        Value::Tv(0),
        Value::Expr(Expr::parse(state, DRAFT).ok()?),
        Value::Uvast(0),
        Value::Uvast(0),
        Value::Ac(Ac::parse(action, DRAFT).ok()?),
        Value::Str("the receiver is overloaded"),
    ];
    let rule = written(buffer, |to| {
        collection(to, &[&|to| own_control(to, control::ADD_SBR, &parameters)])
    })?;
    Ac::parse(rule, DRAFT).ok()
}

/// A report of the front-end's ADM, for the ground. `None` if `buffer` is too short: 64 octets
/// are enough.
pub(crate) fn ask(report: u8, buffer: &mut [u8]) -> Option<Ac<'_>> {
    let mut tell = [0; 64];
    let tell = telling(report, &mut tell)?;
    let controls = written(buffer, |to| collection(to, &[&|to| to.octets(tell)]))?;
    Ac::parse(controls, DRAFT).ok()
}

/// The control that makes a report.
fn telling(report: u8, buffer: &mut [u8]) -> Option<&[u8]> {
    let (mut reports, mut names) = ([0; 16], [0; 16]);
    let reports = written(&mut reports, |to| {
        collection(to, &[&|to| object(to, FRONT_END, Collection::RPTT, report.into())])
    })?;
    let names =
        written(&mut names, |to| TnvcValues::Typed(&[Value::Str(GROUND)]).encode(to, NONE))?;
    let parameters =
        [Value::Ac(Ac::parse(reports, DRAFT).ok()?), Value::Tnvc(Tnvc::parse(names, DRAFT).ok()?)];
    written(buffer, |to| own_control(to, control::GEN_RPTS, &parameters))
}

fn written(buffer: &mut [u8], write: impl FnOnce(&mut Writer<'_>) -> Written) -> Option<&[u8]> {
    let mut writer = Writer::new(buffer);
    write(&mut writer).ok()?;
    Some(writer.finish())
}

/// What a part of a collection is written by.
type Part<'p> = &'p dyn Fn(&mut Writer<'_>) -> Written;

fn collection(to: &mut Writer<'_>, parts: &[Part<'_>]) -> Written {
    let mut array = ArrayWriter::new(to);
    for part in parts {
        array.element();
        part(to)?;
    }
    array.finish(to)
}

fn id(adm: u32, collection: Collection, index: u64) -> Option<AriValues<'static>> {
    ObjectId { nickname: Nickname::new(adm, collection), index }.ari()
}

fn object(to: &mut Writer<'_>, adm: u32, collection: Collection, index: u64) -> Written {
    id(adm, collection, index).map_or(Ok(()), |id| id.encode(to, NONE))
}

fn own_control(to: &mut Writer<'_>, index: u64, with: &[Value<'_>]) -> Written {
    control_of(to, AGENT, index, with)
}

fn control_of(to: &mut Writer<'_>, adm: u32, index: u64, with: &[Value<'_>]) -> Written {
    let Some(id) = id(adm, Collection::CTRL, index) else { return Ok(()) };
    AriValues { parameters: Some(TnvcValues::Typed(with)), ..id }.encode(to, NONE)
}
