//! The control flows of the architecture's figures (8.2).

use super::*;
use core::slice;

const SECOND: Duration = Duration::from_secs(1);

/// Figure 2: `PROD(1s, EDD1)` at two agents.
#[test]
fn figure_2_serialized_management() {
    for level in [5, 7] {
        let mut post = Post::new(config());
        post.board.level = Some(level);
        post.perform(0, &[add_tbr("P", 0, 1, 0, &[gen_rpts(&[edd(0)], &["A"])])]);
        let expected = std::format!("4002/0({level})");
        assert!(post.told().is_empty());
        post.tick();
        assert_eq!(post.told_to('A'), slice::from_ref(&expected));
        for _ in 0..3 {
            post.pass(SECOND);
            assert_eq!(post.told_to('A'), slice::from_ref(&expected));
        }
        assert_eq!(post.agent.stats().missed, 0);
    }
}

/// Figure 3: definitions with access control lists, one of them for all.
#[test]
fn figure_3_multiplexed_management() {
    let mut post = Post::new(config());
    let twice = |index| [edd(index), lit(Value::Uint(2)), oper(13)];
    let prod =
        |rule: &str, of: &str, to: &str| add_tbr(rule, 1, 1, 0, &[gen_rpts(&[var(of)], &[to])]);
    (post.board.level, post.board.temperature) = (Some(5), 20);
    // (1), (2)
    post.group(0, &[message_for(&["A"], &[add_var("V1", TypeCode::UINT, &twice(0))])]);
    post.group(1, &[message_for(&["B"], &[add_var("V2", TypeCode::UINT, &twice(1))])]);
    post.perform(0, &[prod("P1", "V1", "A")]);
    post.perform(1, &[prod("P2", "V2", "B")]);
    // (3)
    post.pass(SECOND);
    let told = post.told();
    assert_eq!(told[&'A'], ["V1(10)"]);
    assert_eq!(told[&'B'], ["V2(40)"]);
    // (4)
    post.refused(1, &[prod("P3", "V1", "B")], Refusal::NotPermitted);
    let told = post.told();
    assert_eq!(told[&'B'], ["nack(600000000,0,0,5)"]);
    assert!(!told.contains_key(&'A'));
    // Nor can it be had by way of another definition, or by whoever may have it himself
    // on behalf of others.
    post.refused(1, &[add_var("V9", TypeCode::UINT, &[var("V1")])], Refusal::NotPermitted);
    post.refused(0, &[gen_rpts(&[var("V1")], &["A", "B"])], Refusal::NotPermitted);
    post.perform(0, &[add_var("V8", TypeCode::UINT, &[var("V1")])]);
    post.refused(1, &[gen_rpts(&[var("V8")], &[])], Refusal::NotPermitted);
    // (5), (6), (7)
    post.perform(0, &[add_var("V3", TypeCode::UINT, &[edd(0), lit(Value::Uint(3)), oper(13)])]);
    post.perform(0, &[prod("P4", "V3", "A")]);
    post.perform(1, &[prod("P5", "V3", "B")]);
    post.told();
    post.pass(SECOND);
    let mut told = post.told();
    told.values_mut().for_each(|all| all.sort());
    assert_eq!(told[&'A'], ["V1(10)", "V3(15)"]);
    assert_eq!(told[&'B'], ["V2(40)", "V3(15)"]);
}

/// Figure 4: Manager B is on the node of Agent B; what it has of other agents it gives
/// its own agent as data, which fuses them for Manager A.
#[test]
fn figure_4_data_fusion() {
    let (mut b, mut c) = (Post::new(config()), Post::new(config()));
    (b.board.level, b.board.temperature) = (Some(5), 0);
    c.board.level = Some(7);
    // (1) Manager A is told V0 when there are both.
    let both = [edd(0), edd(1), oper(40)];
    let sum = [edd(0), edd(1), oper(1)];
    b.group(0, &[message_for(&["A"], &[add_var("V0", TypeCode::UINT, &sum)])]);
    let state = expr(TypeCode::BOOL, &both);
    b.perform(0, &[add_sbr("F", &state, 0, 1, &[gen_rpts(&[var("V0")], &["A"])])]);
    // (2) Manager B asks the agents, its own among them.
    b.perform(1, &[add_tbr("P", 1, 1, 0, &[gen_rpts(&[edd(0)], &["B"])])]);
    c.perform(1, &[add_tbr("P", 1, 1, 0, &[gen_rpts(&[edd(0)], &["B"])])]);
    // (3)
    b.pass(SECOND);
    c.pass(SECOND);
    let told = b.told();
    assert_eq!(told[&'B'], ["4002/0(5)"]);
    assert!(!told.contains_key(&'A'));
    assert_eq!(c.told_to('B'), ["4002/0(7)"]);
    // What Agent C has reported is data of node B from now on.
    b.board.temperature = 7;
    // (4)
    b.pass(SECOND);
    assert_eq!(b.told()[&'A'], ["V0(12)"]);
}
