//! Macros with parameters, which their controls name (4.3).

use super::survival::run as restart;
use super::*;
use crate::management::amp::TnvValues;
use crate::store::disk::Disk;

type Field<'a> = (TypeCode, &'a str);

/// The identifier that defines a macro with parameters.
fn with(name: &str, fields: &[Field<'_>]) -> Vec<u8> {
    written(|to| {
        let mut values = AriValues::new(TypeCode::MAC, Name::Octets(name.as_bytes()));
        values.parameters = Some(TnvcValues::NamedTypes(fields));
        values.encode(to, NONE).unwrap();
    })
}

/// A macro, run with these.
fn run(name: &str, given: &[Value<'_>]) -> Vec<u8> {
    written(|to| {
        let mut values = AriValues::new(TypeCode::MAC, Name::Octets(name.as_bytes()));
        values.parameters = Some(TnvcValues::Typed(given));
        values.encode(to, NONE).unwrap();
    })
}

const fn named(code: TypeCode, name: &str) -> TnvValues<'_> {
    TnvValues { code, name: Some(name), value: None }
}

const fn told(value: Value<'_>) -> TnvValues<'_> {
    TnvValues { code: value.code(), name: None, value: Some(value) }
}

/// A control, or a macro, with parameters that are told or named.
fn mixed(of: &[u8], items: &[TnvValues<'_>]) -> Vec<u8> {
    let of = Ari::parse(of, Profile::Draft08).unwrap();
    written(|to| {
        let mut values = of.values();
        values.parameters = Some(TnvcValues::Mixed(items));
        values.encode(to, NONE).unwrap();
    })
}

fn define(name: &str, fields: &[Field<'_>], controls: &[Vec<u8>]) -> Vec<u8> {
    own(7, &[Value::Str(name), p(&with(name, fields)), pac(&ac(controls))])
}

/// `M(to, why)` sets the board to it, in its own words and in others.
fn set() -> Vec<u8> {
    let control = ctrl(BOARD, 1, &[]);
    let fields = [(TypeCode::STR, "why"), (TypeCode::UINT, "to")];
    let (to, why) = (named(TypeCode::UINT, "to"), named(TypeCode::STR, "why"));
    define(
        "M",
        &fields,
        &[mixed(&control, &[to, why]), mixed(&control, &[told(Value::Uint(1)), why]), note()],
    )
}

#[test]
fn parameters_of_macros_are_bound_by_name_when_they_are_run() {
    let mut post = Post::new(config());
    post.perform(0, &[set()]);
    post.perform(0, &[run("M", &[Value::Str("so"), Value::Uint(7)])]);
    let expected = [r#"1 [Uint(7), Str("so")]"#, r#"1 [Uint(1), Str("so")]"#, "2 []"];
    assert_eq!(core::mem::take(&mut post.board.done), expected);
    // What names data has its value when it is run; other numbers are taken as ever.
    let level = edd(0);
    post.perform(0, &[run("M", &[Value::Str("so"), p(&level)])]);
    assert_eq!(core::mem::take(&mut post.board.done)[0], r#"1 [Uint(5), Str("so")]"#);
    // A macro passes on what it is given, and a rule gives what it was told.
    let inner = mixed(&run("M", &[]), &[told(Value::Str("N")), named(TypeCode::INT, "n")]);
    post.perform(0, &[define("N", &[(TypeCode::INT, "n")], &[inner])]);
    post.perform(0, &[add_tbr("R", 1, 1, 1, &[run("N", &[Value::Int(9)])])]);
    post.pass(Duration::from_secs(2));
    assert_eq!(core::mem::take(&mut post.board.done)[0], r#"1 [Uint(9), Str("N")]"#);
    // What a parameter is, is known when it is run: a negative number is no UINT.
    post.perform(0, &[run("N", &[Value::Int(-9)])]);
    assert_eq!(post.board.done, [r#"1 [Uint(1), Str("N")]"#, "2 []"]);
    assert_eq!((post.agent.stats().controls_failed, post.agent.stats().overflow), (1, 1));
}

/// They are there after a restart, and described.
#[test]
fn parameters_of_macros_survive() {
    let disk = Disk::default();
    restart(&disk, start(), |post| post.perform(0, &[set()]));
    restart(&disk, start(), |post| {
        assert!(post.agent.restored().is_whole());
        post.perform(0, &[run("M", &[Value::Str("so"), Value::Uint(7)])]);
        assert_eq!(post.board.done[0], r#"1 [Uint(7), Str("so")]"#);
        post.perform(0, &[del(9, &[mac("M")])]);
        let told = post.told_to('A');
        assert!(told[0].starts_with("21/9(M,"), "{told:?}");
    });
}

#[test]
fn parameters_of_macros_are_proven_when_they_are_defined() {
    let mut post = Post::new(config());
    post.perform(0, &[set()]);
    let control = ctrl(BOARD, 1, &[]);
    let (to, why) = (named(TypeCode::UINT, "to"), named(TypeCode::STR, "why"));
    let (number, text) = ((TypeCode::UINT, "to"), (TypeCode::STR, "why"));
    let both = mixed(&control, &[to, why]);
    for (fields, item, refusal) in [
        // A name that is none of its own, and one that is of another type than it says.
        (&[number][..], &both, Refusal::Parameters),
        (&[(TypeCode::INT, "to"), text], &both, Refusal::Types),
        // One that the control does not take, and names that are not two.
        (&[number, text], &mixed(&control, &[why, to]), Refusal::Parameters),
        (&[number, number, text], &both, Refusal::Identifier),
        (&[number, text, (TypeCode::AC, "all")], &both, Refusal::Identifier),
    ] {
        post.refused(0, &[define("X", fields, core::slice::from_ref(item))], refusal);
    }
    // Nobody gives parameters to what is run by itself or is no macro.
    post.refused(0, core::slice::from_ref(&both), Refusal::Parameters);
    post.refused(0, &[add_tbr("R", 1, 1, 1, core::slice::from_ref(&both))], Refusal::Parameters);
    let id = with("V", &[number]);
    post.refused(0, &[own(2, &[p(&id), pac(&ac(&[edd(0)]))])], Refusal::Identifier);
    // It is run with as many as it has, of their types, or not at all.
    for given in [&[][..], &[Value::Str("so")], &[Value::Uint(7), Value::Str("so")]] {
        post.refused(0, &[run("M", given)], Refusal::Parameters);
        post.refused(0, &[add_tbr("R", 1, 1, 1, &[run("M", given)])], Refusal::Parameters);
    }
    post.refused(0, &[mac("M")], Refusal::Parameters);
    assert_eq!(post.agent.defined(Kind::Macro), 1);
    assert!(post.board.done.is_empty());
}
