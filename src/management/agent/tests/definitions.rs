//! What managers define, and what they cannot (4.1, 6.1, 7.1 to 7.3).

use super::*;
use proptest::prelude::*;

fn uint(n: u32) -> Vec<u8> {
    lit(Value::Uint(n))
}

fn report(post: &mut Post, of: Vec<u8>) -> Vec<String> {
    post.told();
    post.perform(0, &[gen_rpts(&[of], &["A"])]);
    post.told_to('A')
}

/// 4.1: `C = A + B`, `RPT = {A, B, C}`, `IF (X > 3) THEN RUN CMD(PARM)`.
#[test]
fn the_three_examples_of_configuration_services() {
    let mut post = Post::new(config());
    post.board.temperature = 20;
    post.perform(0, &[add_var("C", TypeCode::UINT, &[edd(0), edd(1), oper(1)])]);
    post.perform(0, &[add_rptt("RPT", &[edd(0), edd(1), var("C")])]);
    assert_eq!(report(&mut post, rptt("RPT")), ["RPT(5,20,25)"]);
    let command = ctrl(BOARD, 1, &[Value::Uint(9), Value::Str("hot")]);
    post.perform(0, &[add_sbr("S", &above(0, 3), 0, 1, &[command])]);
    post.tick();
    assert_eq!(post.board.done, ["1 [Uint(9), Str(\"hot\")]"]);
}

/// 7.1: a variable cannot come to refer to itself, by whatever way.
#[test]
fn variables_never_refer_to_themselves() {
    let mut post = Post::new(config());
    post.refused(0, &[add_var("V", TypeCode::UINT, &[var("V")])], Refusal::Unknown);
    post.perform(0, &[add_var("V", TypeCode::UINT, &[uint(1)])]);
    post.refused(0, &[add_var("V", TypeCode::UINT, &[var("V")])], Refusal::Circular);
    post.perform(0, &[add_var("W", TypeCode::UINT, &[var("V")])]);
    post.refused(0, &[add_var("V", TypeCode::UINT, &[var("W")])], Refusal::Referenced);
    // Not even something harmless takes its place while another is made of it.
    post.refused(0, &[add_var("V", TypeCode::UINT, &[uint(2)])], Refusal::Referenced);
    post.refused(0, &[del(1, &[var("V")])], Refusal::Referenced);
    post.perform(0, &[del(1, &[var("W"), var("V")])]);
    assert_eq!(post.agent.defined(Kind::Variable), 0);
    assert_eq!(post.agent.octets_taken(), 0);
}

/// 7.2.1: nor can a report template.
#[test]
fn report_templates_never_refer_to_themselves() {
    let mut post = Post::new(config());
    post.refused(0, &[add_rptt("T", &[rptt("T")])], Refusal::Unknown);
    post.perform(0, &[add_rptt("T", &[edd(0)]), add_rptt("U", &[rptt("T"), edd(1), rptt("T")])]);
    post.refused(0, &[add_rptt("T", &[rptt("U")])], Refusal::Referenced);
    assert_eq!(report(&mut post, rptt("U")), ["U(5,0,5)"]);
}

/// 7.3: nor can a macro, and macros nest to a depth that is known before.
#[test]
fn macros_never_refer_to_themselves_and_nest_to_a_limit() {
    let mut post = Post::new(config());
    post.refused(0, &[add_macro("M0", &[mac("M0")])], Refusal::Unknown);
    post.perform(0, &[add_macro("M0", &[note()])]);
    post.refused(0, &[add_macro("M0", &[mac("M0")])], Refusal::Circular);
    let names = ["M0", "M1", "M2", "M3", "M4", "M5"];
    for pair in names.windows(2) {
        let [below, above] = pair else { panic!() };
        if *above == "M5" {
            post.refused(0, &[add_macro(above, &[mac(below)])], Refusal::TooDeep);
        } else {
            post.perform(0, &[add_macro(above, &[mac(below), note()])]);
        }
    }
    // Four levels below it, as the draft wants at the least (amp-08, 8.4.4).
    post.perform(0, &[add_tbr("R", 60, 60, 0, &[mac("M4")])]);
    post.perform(0, &[mac("M4")]);
    assert_eq!(post.board.done.len(), 5);
}

/// Definitions that are small and run long are refused before they run.
#[test]
fn what_would_take_too_long_is_refused_when_it_is_defined() {
    let mut post = Post::new(config());
    post.perform(0, &[add_macro("M0", &vec![note(); 20])]);
    post.perform(0, &[add_macro("M1", &vec![mac("M0"); 10])]);
    post.refused(0, &[add_macro("M2", &vec![mac("M1"); 10])], Refusal::TooHeavy);
}

/// 7.1, 7.5: what a definition is made of is known, and of the right types.
#[test]
fn expressions_are_proven_when_they_are_defined() {
    let mut post = Post::new(config());
    let mut refused = |code, items: &[Vec<u8>], why| {
        post.refused(0, &[add_var("V", code, items)], why);
        assert_eq!(post.agent.octets_taken(), 0);
    };
    refused(TypeCode::UINT, &[], Refusal::Operands);
    refused(TypeCode::UINT, &[oper(1)], Refusal::Operands);
    refused(TypeCode::UINT, &[uint(1), oper(1)], Refusal::Operands);
    refused(TypeCode::UINT, &[uint(1), uint(2)], Refusal::Operands);
    refused(TypeCode::UINT, &vec![uint(1); 9], Refusal::Operands);
    refused(TypeCode::UINT, &[edd(9)], Refusal::Unknown);
    refused(TypeCode::UINT, &[var("X")], Refusal::Unknown);
    refused(TypeCode::UINT, &[uint(1), uint(2), oper(52)], Refusal::Unknown);
    // A text is no number, a real number no integer, and a truth value not added.
    refused(TypeCode::UINT, &[edd(2)], Refusal::Types);
    refused(TypeCode::UINT, &[edd(3)], Refusal::Types);
    refused(TypeCode::STR, &[edd(2)], Refusal::Types);
    refused(TypeCode::UINT, &[edd(3), uint(1), oper(1)], Refusal::Types);
    refused(TypeCode::UINT, &[lit(Value::Bool(true)), uint(1), oper(1)], Refusal::Types);
    refused(TypeCode::BOOL, &[uint(1)], Refusal::Types);
    // But an integer is a real number.
    post.perform(0, &[add_var("V", TypeCode::REAL64, &[edd(3), uint(1), oper(5)])]);
    post.board.ratio = 0.5;
    assert_eq!(report(&mut post, var("V")), ["V(1.5)"]);
}

/// 6.1: what is defined is made, listed, described and removed.
#[test]
fn definitions_are_listed_described_and_removed() {
    let mut post = Post::new(config());
    post.perform(0, &[add_var("V", TypeCode::UINT, &[edd(0), uint(2), oper(13)])]);
    post.perform(0, &[add_rptt("T", &[var("V"), edd(2)]), add_macro("M", &[note()])]);
    post.perform(0, &[add_tbr("R", 60, 10, 3, &[mac("M")])]);
    post.perform(0, &[add_sbr("S", &above(0, 9), 7, 2, &[mac("M")])]);
    let tables = |indices: &[u8]| {
        indices.iter().map(|index| id(1, Collection::TBLT, *index)).collect::<Vec<_>>()
    };
    post.perform(0, &[gen_tbls(&tables(&[0, 1, 2, 3, 4]), &[])]);
    assert_eq!(
        post.told_to('A'),
        ["27/0 (amp_agent)(board)", "27/1 (V)", "27/2 (T)", "27/3 (M)", "27/4 (R)(S)"]
    );
    post.perform(0, &[gen_tbls(&tables(&[5]), &[])]);
    assert_eq!(post.told_to('A'), ["27/5 (27/0)(27/1)(27/2)(27/3)(27/4)(27/5)(4007/0)"]);
    let (tbr, sbr) = (user(TypeCode::TBR, "R"), user(TypeCode::SBR, "S"));
    post.perform(0, &[del(4, &[rptt("T")]), del(9, &[mac("M")])]);
    assert_eq!(post.told_to('A'), ["21/4(T,V+4002/2)", "21/9(M,4001/2)"]);
    post.perform(0, &[del(13, &[tbr.clone(), sbr.clone()])]);
    assert_eq!(post.told_to('A'), ["21/13(R,600000060,10,3,M)", "21/13(S,600000000,3,7,2,M)"]);
    // Each is removed by its own control.
    post.refused(0, &[del(1, &[rptt("T")])], Refusal::Misplaced);
    post.refused(0, &[del(8, &[mac("M")])], Refusal::Referenced);
    post.perform(0, &[del(12, &[tbr, sbr]), del(8, &[mac("M")]), del(3, &[rptt("T")])]);
    post.perform(0, &[del(1, &[var("V")])]);
    assert_eq!(post.agent.octets_taken(), 0);
    post.refused(0, &[del(1, &[var("V")])], Refusal::Unknown);
}

/// A variable can be set, by whoever has defined it, while others are made of it.
#[test]
fn a_variable_is_stored_while_others_refer_to_it() {
    let mut post = Post::new(config());
    let store = |items: &[Vec<u8>]| own(14, &[p(&var("V")), pexpr(&expr(TypeCode::UINT, items))]);
    post.perform(0, &[add_var("V", TypeCode::UINT, &[uint(1)])]);
    post.perform(0, &[add_var("W", TypeCode::UINT, &[var("V"), uint(1), oper(1)])]);
    post.perform(0, &[store(&[edd(0), var("V"), oper(1)])]);
    post.board.level = Some(100);
    assert_eq!(report(&mut post, var("W")), ["W(7)"]);
    // Again and again it takes no more room.
    let taken = post.agent.octets_taken();
    (0..50).for_each(|_| post.perform(0, &[store(&[var("V"), uint(0), oper(1)])]));
    assert_eq!(post.agent.octets_taken(), taken);
    post.refused(1, &[store(&[uint(0)])], Refusal::NotPermitted);
    // What has no result changes nothing, and is counted by name.
    post.perform(0, &[store(&[uint(1), uint(0), oper(19)])]);
    assert_eq!(post.agent.stats().division_by_zero, 1);
    post.perform(0, &[store(&[uint(0), uint(1), oper(7)])]);
    assert_eq!(post.agent.stats().overflow, 1);
    assert_eq!(report(&mut post, var("W")), ["W(7)"]);
}

/// Names are the issuer's: who defines under one is that manager.
#[test]
fn issuers_define_for_themselves_and_owners_change_what_is_theirs() {
    let managers = Managers::only(2);
    let mut post = Post::new(AgentConfig { administrators: managers, ..config() });
    post.refused(1, &[add_var("A:V", TypeCode::UINT, &[uint(1)])], Refusal::NotPermitted);
    post.perform(0, &[add_var("A:V", TypeCode::UINT, &[uint(1)])]);
    post.perform(1, &[add_var("B:V", TypeCode::UINT, &[uint(2)])]);
    post.perform(1, &[add_var("V", TypeCode::UINT, &[uint(3)])]);
    assert_eq!(report(&mut post, var("A:V")), ["V(1)"]);
    assert_eq!(report(&mut post, var("B:V")), ["V(2)"]);
    post.refused(0, &[del(1, &[var("V")])], Refusal::NotPermitted);
    post.refused(0, &[add_var("V", TypeCode::UINT, &[uint(4)])], Refusal::NotPermitted);
    post.perform(2, &[del(1, &[var("V"), var("A:V")])]);
    // What an ADM has is not defined anew, and nor is a control a variable.
    let other = [own(0, &[p(&edd(0)), pexpr(&expr(TypeCode::UINT, &[uint(1)])), Value::Byte(20)])];
    post.refused(0, &other, Refusal::Identifier);
    let long = "N".repeat(60);
    post.refused(0, &[add_var(&long, TypeCode::UINT, &[uint(1)])], Refusal::Identifier);
}

/// A table that is full refuses by name, and loses nothing.
#[test]
fn full_is_a_refusal() {
    let mut post = Post::new(config());
    for n in 0..16 {
        post.perform(0, &[add_var(&std::format!("V{n}"), TypeCode::UINT, &[uint(n)])]);
    }
    post.refused(0, &[add_var("W", TypeCode::UINT, &[uint(1)])], Refusal::NoSlot);
    assert_eq!(post.agent.defined(Kind::Variable), 16);
    let memory: &'static mut AgentMemory<16, 39, 4, 256, 3, 512> = Box::leak(Box::default());
    let mut post = Post::of(Agent::new(config(), memory.storage()), start());
    post.perform(0, &[add_var("V", TypeCode::UINT, &[uint(1)])]);
    let large = add_var("W", TypeCode::UINT, &[edd(0), edd(1), oper(1), edd(0), oper(1)]);
    post.refused(0, &[large], Refusal::NoRoom);
    assert_eq!(report(&mut post, var("V")), ["V(1)"]);
}

/// 4.3: what a control needs is provided when it is run: values that are named, or
/// calculated, on the agent.
#[test]
fn parameters_are_bound_when_a_control_is_run() {
    let mut post = Post::new(config());
    let twice = expr(TypeCode::UINT, &[edd(0), uint(2), oper(13)]);
    let named = ctrl(BOARD, 1, &[p(&edd(1)), Value::Str("named")]);
    let calculated = ctrl(BOARD, 1, &[pexpr(&twice), Value::Str("calculated")]);
    let other = ctrl(BOARD, 1, &[Value::Uvast(3), Value::Str("other")]);
    post.perform(0, &[add_macro("M", &[named, calculated, other])]);
    (post.board.level, post.board.temperature) = (Some(50), 7);
    post.perform(0, &[mac("M")]);
    assert_eq!(
        post.board.done,
        [
            "1 [Uint(7), Str(\"named\")]",
            "1 [Uint(100), Str(\"calculated\")]",
            "1 [Uint(3), Str(\"other\")]"
        ]
    );
    // What has no value then is not done, and counted.
    post.board.level = None;
    post.perform(0, &[mac("M")]);
    assert_eq!((post.agent.stats().unavailable, post.agent.stats().controls_failed), (1, 1));
    // What never can be such a value is refused.
    let text = ctrl(BOARD, 1, &[p(&edd(2)), Value::Str("")]);
    post.refused(0, &[text], Refusal::Parameters);
    post.refused(0, &[ctrl(BOARD, 1, &[Value::Uint(1)])], Refusal::Parameters);
    post.refused(0, &[ctrl(BOARD, 0, &[Value::Uint(1)])], Refusal::Parameters);
    // Data with parameters are collected with them.
    let channel = written(|to| {
        let mut values = ObjectId::new(BOARD, Collection::EDD, 4).ari().unwrap();
        values.parameters = Some(TnvcValues::Typed(&[Value::Uint(6)]));
        values.encode(to, NONE).unwrap();
    });
    assert_eq!(report(&mut post, channel), ["4002/4(60)"]);
    post.refused(0, &[gen_rpts(&[edd(4)], &[])], Refusal::Parameters);
}

#[derive(Clone, Debug)]
enum Operation {
    Add(u8, Vec<u8>),
    Delete(u8),
}

proptest! {
    /// Whatever is defined and removed in whatever order, of variables, templates and
    /// macros: what there is can be run, and never goes round in circles.
    #[test]
    fn random_definitions_never_form_a_cycle(operations in proptest::collection::vec(prop_oneof![
        4 => (0_u8..6, proptest::collection::vec(0_u8..6, 1..4)).prop_map(|(n, parts)| Operation::Add(n, parts)),
        1 => (0_u8..6).prop_map(Operation::Delete),
    ], 1..40), of in 0_u8..3) {
        let mut post = Post::new(AgentConfig { report_refusals: false, ..config() });
        let name = |n: u8| std::format!("N{n}");
        for operation in operations {
            let control = match (operation, of) {
                (Operation::Add(n, parts), 0) => {
                    let mut items = Vec::new();
                    for (place, part) in parts.iter().enumerate() {
                        items.push(if *part == n { uint(1) } else { var(&name(*part)) });
                        if place > 0 {
                            items.push(oper(37));
                        }
                    }
                    items.extend([uint(1), oper(37)]);
                    add_var(&name(n), TypeCode::UVAST, &items)
                }
                (Operation::Add(n, parts), 1) => {
                    let parts: Vec<_> = parts.iter().map(|part| rptt(&name(*part))).collect();
                    add_rptt(&name(n), &[&[edd(0)], &parts[1..]].concat())
                }
                (Operation::Add(n, parts), _) => {
                    let parts: Vec<_> = parts.iter().map(|part| mac(&name(*part))).collect();
                    add_macro(&name(n), &[&[note()], &parts[1..]].concat())
                }
                (Operation::Delete(n), 0) => del(1, &[var(&name(n))]),
                (Operation::Delete(n), 1) => del(3, &[rptt(&name(n))]),
                (Operation::Delete(n), _) => del(8, &[mac(&name(n))]),
            };
            post.group(0, &[message(&[control])]);
            let levels: Vec<_> =
                post.agent.definitions.iter().map(|(slot, d)| (slot, d.proof)).collect();
            for (slot, proof) in &levels {
                prop_assert!(proof.level <= 4 && proof.weight <= 256);
                for (other, below) in &levels {
                    if proof.refs & crate::management::definitions::bit(*other) != 0 {
                        prop_assert!(below.level < proof.level && slot != other);
                    }
                }
                // No reference leads nowhere.
                let all = levels.iter().fold(0, |all, (slot, _)| all | crate::management::definitions::bit(*slot));
                prop_assert_eq!(proof.refs & !all, 0);
            }
        }
        for n in 0..6 {
            post.group(0, &[message(&[match of {
                0 => gen_rpts(&[var(&name(n))], &[]),
                1 => gen_rpts(&[rptt(&name(n))], &[]),
                _ => mac(&name(n)),
            }])]);
        }
        prop_assert_eq!(post.agent.stats().unproven, 0);
        prop_assert_eq!(post.agent.stats().not_made, 0);
    }
}
