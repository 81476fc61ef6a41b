//! Groups of messages: one step, or none (amp-08 9.2, 9.3), and who may what (4.4).

use super::*;
use core::slice;

fn uint(n: u32) -> Vec<u8> {
    lit(Value::Uint(n))
}

fn with(ack: bool, nack: bool, controls: &[Vec<u8>]) -> Vec<u8> {
    let header = MessageHeader { ack, nack, ..MessageHeader::new(Opcode::PERFORM_CONTROL) };
    message_with(header, 0, controls, &[])
}

/// amp-08 9.2: wherever in a group something is wrong, nothing of the group is done.
#[test]
fn a_group_is_atomic_at_every_failing_position() {
    let good = |n: usize| {
        let name = std::format!("V{n}");
        let mut all = vec![add_var(&name, TypeCode::UINT, &[uint(1)]), note()];
        all.push(gen_rpts(&[var(&name)], &[]));
        all
    };
    let bad = [
        (del(1, &[var("X")]), Refusal::Unknown),
        (gen_rpts(&[var("X")], &[]), Refusal::Unknown),
        (gen_rpts(&[edd(0)], &["nobody"]), Refusal::Receiver),
        (ctrl(BOARD, 7, &[]), Refusal::Unknown),
        (ctrl(77, 0, &[]), Refusal::Unknown),
        (add_var("BASE", TypeCode::UINT, &[uint(2)]), Refusal::Referenced),
    ];
    for (wrong, why) in &bad {
        for place in 0..=3 {
            for within in 0..=3 {
                let mut post = Post::new(config());
                post.perform(0, &[add_var("BASE", TypeCode::UINT, &[uint(1)])]);
                post.perform(0, &[add_rptt("T", &[var("BASE")])]);
                let taken = post.agent.octets_taken();
                let mut controls: Vec<_> = (0..=3).map(good).collect();
                controls[place].insert(within, wrong.clone());
                let messages: Vec<_> = controls.iter().map(|all| message(all)).collect();
                post.group(0, &messages);
                assert_eq!(post.agent.stats().last_refusal, Some(*why));
                let told = post.told_to('A');
                let reason = std::format!("nack(600000000,{place},{within},{})", why.code());
                assert_eq!(told, [reason]);
                assert_eq!(post.board.done.len(), 0);
                assert_eq!(post.agent.defined(Kind::Variable), 1);
                assert_eq!(post.agent.octets_taken(), taken);
                // And the same group without it is done.
                controls[place].remove(within);
                let messages: Vec<_> = controls.iter().map(|all| message(all)).collect();
                post.group(0, &messages);
                assert_eq!(post.board.done.len(), 4);
                assert_eq!(post.told_to('A'), ["V0(1)", "V1(1)", "V2(1)", "V3(1)"]);
            }
        }
    }
}

/// A group may define what it uses, and replace what it removes.
#[test]
fn definitions_of_a_group_build_on_each_other() {
    let mut post = Post::new(config());
    post.group(
        0,
        &[
            message(&[add_var("V", TypeCode::UINT, &[uint(1)])]),
            message(&[add_var("W", TypeCode::UINT, &[var("V")]), add_rptt("T", &[var("W")])]),
            message(&[add_macro("M", &[gen_rpts(&[rptt("T")], &["A"])]), mac("M")]),
        ],
    );
    assert_eq!(post.told_to('A'), ["T(1)"]);
    let all = [
        del(8, &[mac("M")]),
        del(3, &[rptt("T")]),
        del(1, &[var("W")]),
        add_var("V", TypeCode::UINT, &[uint(2)]),
        add_var("W", TypeCode::UINT, &[var("V"), uint(1), oper(1)]),
        gen_rpts(&[var("W")], &[]),
    ];
    post.perform(0, &all);
    assert_eq!(post.told_to('A'), ["W(3)"]);
    // What is defined and removed in one group was never there.
    let taken = post.agent.octets_taken();
    post.perform(0, &[add_var("X", TypeCode::UINT, &[uint(1)]), del(1, &[var("X")])]);
    assert_eq!(post.agent.octets_taken(), taken);
}

/// amp-08 9.3: a message that asks for it is answered, whatever became of it.
#[test]
fn messages_are_acknowledged_as_they_ask() {
    let mut post = Post::new(AgentConfig { report_refusals: false, ..config() });
    post.group(0, &[with(true, false, &[note()]), with(false, false, &[note()])]);
    assert_eq!(post.told_to('A'), ["ack(600000000,0)"]);
    post.group(0, &[with(false, true, &[note()])]);
    assert_eq!(post.told(), BTreeMap::new());
    let wrong = [note(), ctrl(BOARD, 7, &[])];
    post.group(0, &[with(true, false, &[note()]), with(false, true, &wrong)]);
    assert_eq!(post.told_to('A'), ["nack(600000000,1,1,3)"]);
    post.group(0, &[with(true, false, &wrong)]);
    assert_eq!(post.told(), BTreeMap::new());
    assert_eq!(post.board.done.len(), 3);
}

/// 6.1, 9.4: managers learn of the agent; until the transport takes it, it is tried.
#[test]
fn it_registers_with_each_manager_until_it_is_taken() {
    let memory: &'static mut Memory = Box::leak(Box::default());
    let every = Some(Duration::from_secs(3_600));
    let mut agent = Agent::new(AgentConfig { register_every: every, ..config() }, memory.storage());
    assert_eq!(agent.next_deadline(), Some(Instant::ZERO));
    let (mut net, mut board) = (Net::default(), Board::default());
    net.refuses = Some(SendError::Unreachable);
    agent.tick(start(), &mut net, &mut board);
    assert_eq!(agent.stats().send_refused, 3);
    let mut post = Post { agent, board, net, now: start(), time: 0 };
    post.pass(Duration::from_secs(10));
    post.net.refuses = None;
    post.pass(Duration::from_secs(2));
    let told = post.told();
    for manager in ['A', 'B', 'C'] {
        assert_eq!(told[&manager], ["register dtn://board/agent"]);
    }
    post.pass(Duration::from_secs(3_600));
    assert_eq!(post.told().len(), 3);
}

/// Octets that are no group, or none for an agent, are counted and nothing else.
#[test]
fn what_is_no_group_for_an_agent_is_counted() {
    let mut post = Post::new(config());
    for octets in [&b""[..], b"\x81\x00", b"\xff\xff", b"\x82\x00\x41\x07"] {
        post.agent.receive(post.now, &at(0), octets, &mut post.net, &mut post.board);
    }
    assert_eq!(post.agent.stats().malformed, 4);
    assert!(post.told().is_empty());
    let stranger = group(0, &[message(&[note()])]);
    post.agent.receive(post.now, &at(9), &stranger, &mut post.net, &mut post.board);
    assert_eq!(post.agent.stats().strangers, 1);
    let register = written(|to| {
        to.u8(0).unwrap();
        Value::Bytes(b"me").encode(to, NONE).unwrap();
    });
    post.group(0, &[message(&[note()]), register]);
    assert_eq!(post.agent.stats().last_refusal, Some(Refusal::Direction));
    assert!(post.board.done.is_empty());
}

/// 4.4: which managers may apply which services, by ADM, collection and object.
#[test]
fn managers_do_and_have_what_they_may() {
    static ACCESS: &[Access] = &[
        Access { adm: BOARD, collection: Collection::CTRL, index: None, managers: Managers(0b011) },
        Access {
            adm: BOARD,
            collection: Collection::EDD,
            index: Some(1),
            managers: Managers(0b001),
        },
        Access { adm: BOARD, collection: Collection::TBLT, index: None, managers: Managers::NONE },
        Access { adm: 1, collection: Collection::CTRL, index: Some(10), managers: Managers(0b001) },
    ];
    let mut post = Post::new(AgentConfig { access: ACCESS, ..config() });
    // "Agent A2 only accepts configurations for Application Y from Managers M2 and M3."
    post.perform(0, &[note()]);
    post.perform(1, &[note()]);
    post.refused(2, &[note()], Refusal::NotPermitted);
    // "Agent A1 only sends reports for Protocol P1 to Manager M1."
    post.perform(0, &[gen_rpts(&[edd(1)], &["A"])]);
    post.refused(0, &[gen_rpts(&[edd(1)], &["A", "B"])], Refusal::NotPermitted);
    post.refused(1, &[gen_rpts(&[edd(1)], &[])], Refusal::NotPermitted);
    // Nor by way of definitions that all may have.
    post.perform(0, &[add_rptt("T", &[edd(0), edd(1)])]);
    post.refused(1, &[gen_rpts(&[rptt("T")], &[])], Refusal::NotPermitted);
    post.refused(1, &[add_rptt("U", &[rptt("T")])], Refusal::NotPermitted);
    // Nor by a parameter that has it.
    let leak = ctrl(BOARD, 1, &[p(&edd(1)), Value::Str("")]);
    post.refused(1, &[leak], Refusal::NotPermitted);
    let all = id(BOARD, Collection::TBLT, 0);
    post.refused(0, &[gen_tbls(&[all], &[])], Refusal::NotPermitted);
    // Defining is a control like any other.
    post.refused(1, &[add_tbr("R", 0, 1, 0, &[note()])], Refusal::NotPermitted);
    post.perform(0, &[add_tbr("R", 60, 60, 0, &[note()])]);
    // A macro is run with the permissions of whoever has it run.
    post.perform(0, &[add_macro("M", &[note()])]);
    post.refused(2, &[mac("M")], Refusal::NotPermitted);
}

/// What a manager may not have is not shown to it in tables either.
#[test]
fn tables_show_what_a_manager_may_have() {
    let mut post = Post::new(config());
    post.group(0, &[message_for(&["A"], &[add_var("V1", TypeCode::UINT, &[uint(1)])])]);
    post.group(1, &[message_for(&["C"], &[add_var("V2", TypeCode::UINT, &[uint(1)])])]);
    let variables = id(1, Collection::TBLT, 1);
    let mut shown = Vec::new();
    for place in 0..3 {
        post.perform(place, &[gen_tbls(slice::from_ref(&variables), &[])]);
        shown.extend(post.told().into_values().flatten());
    }
    assert_eq!(shown, ["27/1 (V1)", "27/1 (V2)", "27/1 (V2)"]);
    post.group(0, &[message_for(&["nobody"], &[note()])]);
    assert_eq!(post.agent.stats().last_refusal, Some(Refusal::Receiver));
}

/// The agent does not allocate, whatever it is told.
#[test]
fn nothing_is_allocated() {
    let mut post = Post::new(config());
    post.net.refuses = Some(SendError::Busy);
    let octets = group(
        0,
        &[
            message(&[add_var("V", TypeCode::UINT, &[edd(0), uint(2), oper(13)])]),
            message(&[add_rptt("T", &[var("V"), edd(2)]), gen_rpts(&[rptt("T")], &["A", "B"])]),
            message(&[add_sbr("S", &above(0, 1), 0, 0, &[gen_rpts(&[rptt("T")], &[])])]),
            message(&[own(14, &[p(&var("V")), pexpr(&expr(TypeCode::UINT, &[uint(1)]))])]),
        ],
    );
    let info = allocation_counter::measure(|| {
        post.agent.receive(post.now, &at(0), &octets, &mut post.net, &mut post.board);
        for _ in 0..5 {
            post.now = post.now.after(Duration::from_secs(1));
            post.agent.tick(post.now, &mut post.net, &mut post.board);
        }
    });
    assert_eq!(info.count_total, 0);
    assert_eq!(post.agent.stats().made, 6);
}
