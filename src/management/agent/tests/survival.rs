//! What survives a loss of power.

use super::*;
use crate::store::RecordKey;
use crate::store::disk::Disk;
use core::slice;
use proptest::prelude::*;

fn uint(n: u32) -> Vec<u8> {
    lit(Value::Uint(n))
}

/// An agent over a disk; power is lost when it has acted, and comes back.
pub(super) fn run(disk: &Disk, now: Now, act: impl FnOnce(&mut Post)) {
    let memory: &'static mut Memory = Box::leak(Box::default());
    let agent = Agent::new(config(), memory.storage()).with_store(disk.lend()).unwrap();
    let mut post = Post::of(agent, now);
    act(&mut post);
    disk.revive(u64::MAX);
}

/// The first call of an agent over a disk that is told something else than before.
fn changed(disk: &Disk, config: AgentConfig<'static>, act: impl FnOnce(&mut Post)) {
    let memory: &'static mut Memory = Box::leak(Box::default());
    let agent = Agent::new(config, memory.storage()).with_store(disk.lend()).unwrap();
    let (board, net) = (Board::default(), Net::default());
    let mut post = Post { agent, board, net, now: start(), time: 600_000_000 };
    post.tick();
    act(&mut post);
    disk.revive(u64::MAX);
}

/// All that is defined, as it is described to its owner.
fn described(post: &mut Post) -> Vec<String> {
    post.told();
    let tables: Vec<_> = (1..5).map(|index| id(1, Collection::TBLT, index)).collect();
    post.perform(0, &[gen_tbls(&tables, &[])]);
    let mut all = post.told_to('A');
    let rules = [user(TypeCode::TBR, "R"), user(TypeCode::SBR, "S")];
    for (control, id) in [(13, &rules[0]), (13, &rules[1]), (4, &rptt("T")), (9, &mac("M"))] {
        post.group(0, &[message(&[del(control, slice::from_ref(id))])]);
        all.extend(post.told_to('A'));
    }
    all
}

fn define(post: &mut Post) {
    post.group(
        0,
        &[message_for(&["A"], &[add_var("V", TypeCode::UINT, &[edd(0), uint(1), oper(1)])])],
    );
    post.perform(0, &[add_rptt("T", &[var("V"), edd(2)]), add_macro("M", &[note()])]);
    post.perform(0, &[add_tbr("R", 60, 60, 3, &[mac("M")])]);
    post.perform(0, &[add_sbr("S", &above(0, 9), 0, 2, &[mac("M")])]);
}

#[test]
fn definitions_and_rules_are_there_after_a_restart() {
    let mut before = Vec::new();
    let disk = Disk::default();
    run(&disk, start(), |post| {
        define(post);
        before = described(post);
    });
    let later = start().after(Duration::from_secs(90));
    let restarted = Now { monotonic: Instant::from_micros(1), ..later };
    run(&disk, restarted, |post| {
        assert!(post.agent.restored().is_whole());
        assert_eq!(post.agent.restored().definitions, 5);
        assert_eq!(described(post), before);
        // Still nobody but A may have V.
        post.refused(1, &[gen_rpts(&[rptt("T")], &[])], Refusal::NotPermitted);
        post.told();
        post.perform(0, &[gen_rpts(&[rptt("T")], &[])]);
        assert_eq!(post.told_to('A'), ["T(6,a board)"]);
        // The first of R's times was over while there was no power; two are left.
        assert!(post.board.done.is_empty());
        post.pass(Duration::from_secs(29));
        assert!(post.board.done.is_empty());
        post.pass(Duration::from_secs(600));
        assert_eq!(post.board.done.len(), 2);
    });
}

/// Rules that were started without a clock start anew, and a variable is as it was stored.
#[test]
fn without_a_clock_rules_start_anew_after_a_restart() {
    let unset = Now { quality: ClockQuality::Unset, ..start() };
    let disk = Disk::default();
    run(&disk, unset, |post| {
        post.perform(0, &[add_tbr("R", 10, 10, 0, &[note()])]);
        post.perform(0, &[add_var("V", TypeCode::UINT, &[uint(1)])]);
        let stored = expr(TypeCode::UINT, &[uint(7)]);
        post.perform(0, &[own(14, &[p(&var("V")), pexpr(&stored)])]);
        post.pass(Duration::from_secs(15));
        assert_eq!(post.board.done.len(), 1);
    });
    let later = unset.after(Duration::from_secs(1_000));
    run(&disk, later, |post| {
        assert_eq!((post.board.done.len(), post.agent.stats().missed), (1, 0));
        post.perform(0, &[gen_rpts(&[var("V")], &[])]);
        assert_eq!(post.told_to('A'), ["V(7)"]);
        post.pass(Duration::from_secs(10));
        assert_eq!(post.board.done.len(), 2);
    });
}

#[test]
fn a_limited_rule_acts_no_more_often_than_it_may_across_restarts() {
    let disk = Disk::default();
    run(&disk, start(), |post| {
        post.perform(0, &[add_sbr("S", &above(0, 1), 0, 3, &[note()])]);
    });
    let mut done = 0;
    for second in 1..6 {
        let now = start().after(Duration::from_secs(second * 10));
        run(&disk, now, |post| {
            post.pass(Duration::from_secs(1));
            done += post.board.done.len();
        });
    }
    assert!((2..=3).contains(&done), "{done}");
}

#[test]
fn controls_that_wait_are_done_once_even_late() {
    let header = MessageHeader::new(Opcode::PERFORM_CONTROL);
    let disk = Disk::default();
    run(&disk, start(), |post| {
        post.group(0, &[message_with(header, 100, &[note()], &[])]);
    });
    let late = start().after(Duration::from_secs(1_000));
    run(&disk, late, |post| assert_eq!(post.board.done.len(), 1));
    run(&disk, late, |post| {
        assert_eq!((post.board.done.len(), post.agent.restored().definitions), (0, 0));
    });
}

/// Power is lost at every single write of a group: afterwards all of it holds, or none.
#[test]
fn a_group_is_atomic_when_power_is_lost() {
    let (mut old, mut new) = (0, 0);
    for (left, written) in (0..12).flat_map(|left| [(left, 0), (left, 1), (left, u64::MAX)]) {
        let disk = Disk::default();
        run(&disk, start(), |post| {
            post.perform(0, &[add_var("V", TypeCode::UINT, &[uint(1)])]);
        });
        run(&disk, start(), |post| {
            disk.die_at(left + 1);
            let all = [
                add_var("V", TypeCode::UINT, &[uint(2)]),
                add_var("W", TypeCode::UINT, &[var("V")]),
            ];
            post.group(0, &[message(&all)]);
            disk.revive(written);
        });
        run(&disk, start(), |post| {
            assert!(post.agent.restored().is_whole());
            let there = post.agent.defined(Kind::Variable);
            let of = if there == 2 { "W" } else { "V" };
            post.perform(0, &[gen_rpts(&[var(of)], &[])]);
            match there {
                1 => {
                    assert_eq!(post.told_to('A'), ["V(1)"]);
                    old += 1;
                }
                _ => {
                    assert_eq!(post.told_to('A'), ["W(2)"]);
                    new += 1;
                }
            }
        });
    }
    assert!(old >= 3 && new >= 3, "{old} {new}");
}

#[test]
fn a_store_that_fails_refuses_definitions_and_stops_no_rule() {
    let disk = Disk::default();
    run(&disk, start(), |post| {
        post.perform(0, &[add_sbr("S", &above(1, 1), 0, 2, &[note()])]);
    });
    disk.fail(true);
    run(&disk, start(), |post| {
        post.board.temperature = 9;
        post.pass(Duration::from_secs(1));
        assert_eq!(post.board.done.len(), 1);
    });
    let disk = Disk::default();
    run(&disk, start(), |post| {
        disk.fail(true);
        post.refused(0, &[add_var("V", TypeCode::UINT, &[uint(1)])], Refusal::Store);
        assert_eq!((post.agent.defined(Kind::Variable), post.agent.octets_taken()), (0, 0));
        assert_eq!(post.agent.stats().store_failures, 1);
        // It is tried again and again, and all that needs no store goes on.
        for n in 1..4 {
            post.pass(Duration::from_secs(1));
            post.told();
            post.perform(0, &[note(), gen_rpts(&[edd(0)], &[])]);
            assert_eq!(post.told_to('A'), ["4002/0(5)"]);
            assert_eq!(post.agent.stats().store_failures, 1 + n);
        }
    });
}

/// A program without the ADM of the board goes on with what does not name it, tells whoever has
/// defined what does, and keeps no more of it.
#[test]
fn what_names_what_is_not_there_any_more_is_lost_after_a_restart() {
    let disk = Disk::default();
    let clock = id(1, Collection::EDD, 13);
    run(&disk, start(), |post| {
        define(post);
        post.perform(0, &[add_macro("K", &[gen_rpts(slice::from_ref(&clock), &["A"])])]);
        post.perform(1, &[add_var("W", TypeCode::UINT, &[uint(4)])]);
        post.perform(1, &[add_rptt("X", &[var("W"), edd(1)])]);
    });
    changed(&disk, AgentConfig { adms: &[], ..config() }, |post| {
        let restored = *post.agent.restored();
        assert_eq!((restored.definitions, restored.unproven, restored.damaged), (2, 6, 0));
        assert!(!restored.is_whole());
        let told = post.told();
        let here = "register dtn://board/agent";
        let lost = ["lost(V,3)", "lost(T,3)", "lost(M,3)", "lost(R,3)", "lost(S,3)"];
        assert_eq!(told[&'A'], [&[here][..], &lost].concat());
        assert_eq!(told[&'B'], [here, "lost(X,3)"]);
        assert_eq!(post.agent.stats().lost, 6);
        assert_eq!(post.agent.defined(Kind::Macro) + post.agent.defined(Kind::Variable), 2);
        post.perform(0, &[mac("K")]);
        assert_eq!(post.told_to('A'), ["22/13(600000000)"]);
        post.pass(Duration::from_secs(1_000));
        assert!(post.board.done.is_empty());
    });
    run(&disk, start(), |post| {
        assert!(post.agent.restored().is_whole());
        assert_eq!(post.agent.restored().definitions, 2);
    });
}

/// A rule ends although a macro describes it, and the macro is there after a restart.
#[test]
fn what_describes_a_rule_does_not_end_with_it() {
    let disk = Disk::default();
    run(&disk, start(), |post| {
        post.perform(0, &[add_tbr("R", 1, 1, 1, &[note()])]);
        post.perform(0, &[add_macro("M", &[del(13, &[user(TypeCode::TBR, "R")])])]);
        post.pass(Duration::from_secs(3));
        assert_eq!((post.board.done.len(), post.agent.defined(Kind::TimeRule)), (1, 0));
        post.refused(0, &[mac("M")], Refusal::Unknown);
    });
    run(&disk, start(), |post| {
        assert!(post.agent.restored().is_whole());
        assert_eq!(post.agent.defined(Kind::Macro), 1);
        post.refused(0, &[mac("M")], Refusal::Unknown);
    });
}

/// What an agent takes may be less than before, and a manager may be none any more.
#[test]
fn what_is_restored_is_held_to_the_limits_there_are() {
    let disk = Disk::default();
    let define = || {
        run(&disk, start(), |post| {
            let parts = [uint(1), uint(2), oper(1), uint(3), oper(1)];
            post.group(2, &[message(&[add_var("V", TypeCode::UINT, &parts)])]);
        });
    };
    for (config, why) in [
        (AgentConfig { budget: 3, ..config() }, Some(Refusal::TooHeavy)),
        (AgentConfig { managers: &MANAGERS[..2], ..config() }, Some(Refusal::NotPermitted)),
        (config(), None),
    ] {
        define();
        changed(&disk, config, |post| {
            assert_eq!(post.agent.stats().last_refusal, why);
            assert_eq!(post.agent.defined(Kind::Variable), u32::from(why.is_none()));
            assert_eq!(post.agent.stats().lost, u64::from(why.is_some()));
        });
    }
}

#[test]
fn damaged_and_foreign_records_are_counted_and_the_rest_is_used() {
    let disk = Disk::default();
    run(&disk, start(), |post| {
        post.perform(0, &[add_var("V", TypeCode::UINT, &[uint(1)])]);
        post.perform(0, &[add_var("W", TypeCode::UINT, &[uint(2)])]);
    });
    let mut state = disk.state();
    let key = *state.durable.keys().find(|key| key.octets()[..2] == [0x51, 1]).unwrap();
    state.durable.get_mut(&key).unwrap()[9] ^= 1;
    state.durable.insert(RecordKey::new([0x20; 11]), vec![1, 2, 3, 4, 5]);
    drop(state);
    run(&disk, start(), |post| {
        let restored = post.agent.restored();
        assert_eq!((restored.definitions, restored.damaged, restored.unknown), (1, 1, 1));
        post.perform(0, &[gen_rpts(&[var("V")], &[])]);
        assert_eq!(post.told_to('A'), ["V(1)"]);
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// What is defined after a restart is what was defined before.
    #[test]
    fn restored_is_as_before(operations in proptest::collection::vec((0_u8..5, 0_u8..4, any::<bool>()), 1..30)) {
        let mut before = Vec::new();
        let disk = Disk::default();
        run(&disk, start(), |post| {
            for (kind, n, delete) in operations {
                let name = std::format!("N{n}");
                let control = match (kind, delete) {
                    (0, false) => add_var(&name, TypeCode::UINT, &[uint(n.into()), edd(0), oper(1)]),
                    (1, false) => add_rptt(&name, &[var(&name), edd(0)]),
                    (2, false) => add_macro(&name, &[gen_rpts(&[rptt(&name)], &["A"])]),
                    (3, false) => add_tbr(&name, 100, 100, 0, &[mac(&name)]),
                    (_, false) => add_sbr(&name, &above(0, 50), 0, 0, &[mac(&name)]),
                    (0, true) => del(1, &[var(&name)]),
                    (1, true) => del(3, &[rptt(&name)]),
                    (2, true) => del(8, &[mac(&name)]),
                    (3, true) => del(12, &[user(TypeCode::TBR, &name)]),
                    (_, true) => del(12, &[user(TypeCode::SBR, &name)]),
                };
                post.group(0, &[message(&[control])]);
            }
            before = shape(post);
        });
        run(&disk, start(), |post| {
            assert!(post.agent.restored().is_whole());
            assert_eq!(shape(post), before);
        });
    }
}

/// All that is known of what is defined.
fn shape(post: &Post) -> Vec<String> {
    let definitions = &post.agent.definitions;
    let describe = |(slot, one): (u8, &crate::management::definitions::Definition)| {
        std::format!(
            "{slot} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            one.kind,
            one.owner,
            one.of,
            one.proof,
            definitions.id(one),
            definitions.body(one),
            definitions.action(one),
        )
    };
    definitions.iter().map(describe).collect()
}
