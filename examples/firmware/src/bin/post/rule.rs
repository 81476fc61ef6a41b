//! What the managers would have the post do when nobody can be reached: one rule, as the
//! octets of a group of messages. A real post is sent it, or has it in flash.

use farpost::management::adm::amp_agent::{control, operator};
use farpost::management::amp::{
    Ac, Ari, AriValues, ArrayWriter, Collection, Expr, GroupWriter, Literal, MessageHeader, Name,
    ObjectId, Opcode, Profile, Quirks, TnvcValues, TypeCode, Value,
};
use farpost::wire::{NoSpace, Writer};

use crate::board::{FRONT_END, LEVEL, SET_GAIN};

/// The ADM of the agent itself.
const AGENT: u32 = 1;
const NONE: Quirks = Quirks::NONE;
const DRAFT: Profile = Profile::Draft08;

type Written = Result<(), NoSpace>;

/// `IF level > limit THEN set_gain(gain)`, from now on and as often as it is so. The level is
/// in dBFS, the gain in dB. `None` if `buffer` is too short.
pub fn quieter<'b>(limit: i32, gain: i32, time: u64, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let (mut action, mut state, mut name, mut rule) = ([0; 64], [0; 64], [0; 16], [0; 192]);
    let action = written(&mut action, |to| {
        collection(to, &[&|to| control_of(to, FRONT_END, SET_GAIN, &[Value::Int(gain)])])
    })?;
    let state = written(&mut state, |to| {
        to.u8(TypeCode::BOOL.0)?;
        collection(
            to,
            &[
                &|to| object(FRONT_END, Collection::EDD, LEVEL, to),
                &|to| Literal::new(Value::Int(limit)).map_or(Ok(()), |it| it.encode(to, NONE)),
                &|to| object(AGENT, Collection::OPER, operator::GREATER, to),
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
    let rule = written(&mut rule, |to| {
        collection(to, &[&|to| control_of(to, AGENT, control::ADD_SBR, &parameters)])
    })?;
    let controls = Ac::parse(rule, DRAFT).ok()?;
    written(buffer, |to| {
        let mut group = GroupWriter::new(to, time, NONE)?;
        let header = MessageHeader::new(Opcode::PERFORM_CONTROL);
        group.perform_control(to, header, 0, &controls)?;
        group.finish(to)
    })
}

fn written<'b>(
    buffer: &'b mut [u8],
    write: impl FnOnce(&mut Writer<'_>) -> Written,
) -> Option<&'b [u8]> {
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
    ObjectId::new(adm, collection, u8::try_from(index).ok()?).ari()
}

fn object(adm: u32, collection: Collection, index: u64, to: &mut Writer<'_>) -> Written {
    id(adm, collection, index).map_or(Ok(()), |id| id.encode(to, NONE))
}

fn control_of(to: &mut Writer<'_>, adm: u32, index: u64, with: &[Value<'_>]) -> Written {
    let Some(id) = id(adm, Collection::CTRL, index) else { return Ok(()) };
    AriValues { parameters: Some(TnvcValues::Typed(with)), ..id }.encode(to, NONE)
}
