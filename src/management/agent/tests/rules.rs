//! Rules (7.4), and controls whose time has come.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn act(post: &Post) -> usize {
    post.board.done.len()
}

/// 7.4.2: due at `start + k * period`; what is late is done once, and what was missed
/// is counted.
#[test]
fn a_time_based_rule_does_not_drift_and_makes_up_for_nothing() {
    let mut post = Post::new(config());
    let begin = post.now.monotonic;
    post.perform(0, &[add_tbr("R", 10, 5, 0, &[note()])]);
    post.pass(Duration::from_millis(9_999));
    assert_eq!(act(&post), 0);
    post.pass(Duration::from_millis(1));
    assert_eq!(act(&post), 1);
    // Called late: 15, 20 and 25 have come.
    post.now = post.now.after(Duration::from_millis(17_300));
    post.tick();
    assert_eq!(act(&post), 2);
    assert_eq!(post.agent.stats().missed, 2);
    let next = post.agent.next_deadline().unwrap();
    assert_eq!(next, begin.after(Duration::from_secs(30)));
    // Extra ticks do nothing.
    (0..3).for_each(|_| post.tick());
    assert_eq!(act(&post), 2);
}

/// 7.4.2: a rule ends after its times, and its room is free.
#[test]
fn a_time_based_rule_ends_after_its_count() {
    let mut post = Post::new(config());
    post.perform(0, &[add_tbr("R", 0, 5, 3, &[note()])]);
    post.pass(60 * SECOND);
    assert_eq!(act(&post), 3);
    assert_eq!(post.agent.defined(Kind::TimeRule), 0);
    assert_eq!(post.agent.octets_taken(), 0);
    assert_eq!(post.agent.next_deadline(), None);
    // One that is found late ends with the last of its times.
    post.perform(0, &[add_tbr("R", 0, 5, 3, &[note()])]);
    post.now = post.now.after(60 * SECOND);
    post.tick();
    assert_eq!(act(&post), 4);
    assert_eq!((post.agent.stats().missed, post.agent.defined(Kind::TimeRule)), (2, 0));
    post.refused(0, &[add_tbr("R", 0, 0, 0, &[note()])], Refusal::Parameters);
}

/// A clock that is set moves absolute rules and no relative ones.
#[test]
fn a_clock_that_is_set_moves_only_what_is_told_by_it() {
    let mut post = Post::new(config());
    let ctrl = |n| ctrl(BOARD, 1, &[Value::Uint(n), Value::Str("")]);
    post.perform(0, &[add_tbr("R", 100, 100, 1, &[ctrl(1)])]);
    post.perform(0, &[add_tbr("S", 600_000_100, 100, 1, &[ctrl(2)])]);
    post.now.utc = Utc::from_unix_seconds(946_684_800 + 600_000_100);
    post.tick();
    assert_eq!(post.board.done, ["1 [Uint(2), Str(\"\")]"]);
    post.pass(100 * SECOND);
    assert_eq!(post.board.done.len(), 2);
}

/// Without a clock relative rules run, and absolute ones wait until there is one.
#[test]
fn without_a_clock_relative_rules_run() {
    let mut post = Post::new(config());
    post.now.quality = ClockQuality::Unset;
    post.perform(0, &[add_tbr("R", 0, 1, 0, &[gen_rpts(&[edd(0)], &[])])]);
    post.perform(0, &[add_tbr("S", 600_000_000, 1, 1, &[note()])]);
    post.pass(3 * SECOND);
    assert_eq!(post.told_to('A').len(), 4);
    assert_eq!(act(&post), 0);
    post.now.quality = ClockQuality::Synchronised;
    post.tick();
    assert_eq!(act(&post), 1);
}

/// 7.4.1: `IF (current_temp > maximum_temp) THEN turn_heater_off`, with values of all
/// kinds and a macro of controls of two applications.
#[test]
fn a_state_based_rule_acts_on_data_and_variables_with_macros_across_applications() {
    let mut post = Post::new(config());
    post.perform(0, &[add_var("MAX", TypeCode::UINT, &[lit(Value::Uint(50))])]);
    let off = ctrl(BOARD, 0, &[Value::Bool(false)]);
    post.perform(0, &[add_macro("OFF", &[off, gen_rpts(&[edd(1)], &["A"])])]);
    let hot = expr(TypeCode::BOOL, &[edd(1), var("MAX"), oper(45)]);
    post.perform(0, &[add_sbr("HOT", &hot, 0, 0, &[mac("OFF")])]);
    post.pass(5 * SECOND);
    assert_eq!(act(&post), 0);
    post.board.temperature = 51;
    post.pass(SECOND);
    assert_eq!(post.board.done, ["0 [Bool(false)]"]);
    assert_eq!(post.told_to('A'), ["4002/1(51)"]);
    post.board.temperature = 50;
    post.pass(5 * SECOND);
    assert_eq!(act(&post), 1);
}

/// 0 evaluations and 0 firings are without end; other numbers are ends.
#[test]
fn zero_is_unlimited_and_limits_are_kept() {
    let mut post = Post::new(config());
    post.perform(0, &[add_sbr("S", &above(0, 1), 0, 0, &[note()])]);
    post.pass(20 * SECOND);
    assert_eq!(act(&post), 21);
    post.perform(0, &[del(12, &[user(TypeCode::SBR, "S")])]);
    post.board.done.clear();
    post.perform(0, &[add_sbr("S", &above(0, 1), 0, 3, &[note()])]);
    post.pass(20 * SECOND);
    assert_eq!((act(&post), post.agent.defined(Kind::StateRule)), (3, 0));
    post.board.done.clear();
    post.perform(0, &[add_sbr("S", &above(0, 1_000), 4, 0, &[note()])]);
    post.pass(Duration::from_millis(2_500));
    assert_eq!((act(&post), post.agent.defined(Kind::StateRule)), (0, 1));
    post.pass(20 * SECOND);
    assert_eq!((act(&post), post.agent.defined(Kind::StateRule)), (0, 0));
}

/// 7.1: how old a value is counts when the agent acts on it by itself.
#[test]
fn rules_do_not_act_on_stale_values() {
    let ages: &'static [MaxAge] = &[MaxAge { adm: BOARD, index: 0, seconds: 10 }];
    let mut post = Post::new(AgentConfig { max_ages: ages, ..config() });
    post.board.age = 11;
    post.perform(0, &[add_var("V", TypeCode::UINT, &[edd(0)])]);
    let state = expr(TypeCode::BOOL, &[var("V"), lit(Value::Uint(1)), oper(45)]);
    post.perform(0, &[add_sbr("S", &state, 0, 0, &[note()])]);
    post.pass(3 * SECOND);
    assert_eq!((act(&post), post.agent.stats().stale), (0, 4));
    // A report has it all the same.
    post.perform(0, &[gen_rpts(&[edd(0)], &[])]);
    assert_eq!(post.told_to('A'), ["4002/0(5)"]);
    post.board.age = 10;
    post.pass(SECOND);
    assert_eq!(act(&post), 1);
}

/// A predicate without a value is not true, and says why.
#[test]
fn a_predicate_without_a_value_is_not_true() {
    let mut post = Post::new(config());
    let state = expr(TypeCode::UINT, &[lit(Value::Uint(9)), edd(1), oper(19)]);
    post.perform(0, &[add_sbr("S", &state, 0, 0, &[note()])]);
    post.perform(0, &[add_sbr("T", &above(0, 1), 0, 0, &[note()])]);
    post.board.level = None;
    post.pass(2 * SECOND);
    assert_eq!(act(&post), 0);
    let stats = post.agent.stats();
    assert_eq!((stats.division_by_zero, stats.unavailable), (3, 3));
    post.board.temperature = 3;
    post.pass(SECOND);
    assert_eq!(act(&post), 1);
}

/// The action of a rule is all done or not at all, and its owner is told.
#[test]
fn an_action_that_cannot_be_done_is_not_begun() {
    let mut post = Post::new(config());
    post.perform(0, &[add_var("V", TypeCode::UINT, &[edd(0)])]);
    let remove = del(1, &[var("V")]);
    post.perform(0, &[add_tbr("R", 1, 1, 2, &[note(), remove])]);
    post.pass(SECOND);
    assert_eq!((act(&post), post.agent.defined(Kind::Variable)), (1, 0));
    post.pass(SECOND);
    assert_eq!((act(&post), post.agent.stats().actions_refused), (1, 1));
    assert_eq!(post.told_to('A'), ["rule(R,1,3)"]);
    assert_eq!(post.agent.defined(Kind::TimeRule), 0);
}

/// amp-08 9.6: controls with a start are run then.
#[test]
fn controls_wait_for_their_start() {
    let mut post = Post::new(config());
    let header = MessageHeader::new(Opcode::PERFORM_CONTROL);
    let later = |start, n| {
        let control = ctrl(BOARD, 1, &[Value::Uint(n), Value::Str("")]);
        message_with(header, start, &[control], &[])
    };
    // Relative, absolute, and an absolute one that is over.
    post.group(0, &[later(30, 1), later(600_000_020, 2), later(599_999_999, 3)]);
    assert_eq!(post.board.done, ["1 [Uint(3), Str(\"\")]"]);
    assert_eq!(post.agent.defined(Kind::Pending), 2);
    post.pass(20 * SECOND);
    assert_eq!(post.board.done[1..], ["1 [Uint(2), Str(\"\")]"]);
    post.pass(10 * SECOND);
    assert_eq!(post.board.done[2..], ["1 [Uint(1), Str(\"\")]"]);
    assert_eq!(post.agent.defined(Kind::Pending), 0);
    assert_eq!(post.agent.octets_taken(), 0);
    // What they refer to cannot be taken from under them.
    post.perform(0, &[add_macro("M", &[note()])]);
    post.group(0, &[message_with(header, 5, &[mac("M")], &[])]);
    post.refused(0, &[del(8, &[mac("M")])], Refusal::Referenced);
    let unknown = message_with(header, 5, &[mac("N")], &[]);
    post.group(0, &[unknown]);
    assert_eq!(post.agent.stats().last_refusal, Some(Refusal::Unknown));
}

/// 4.3, 6.1: with nobody in reach the post watches and acts; what it has to say waits, and
/// the oldest gives way.
#[test]
fn it_acts_by_rule_while_nobody_is_in_reach() {
    let mut post = Post::new(config());
    post.perform(0, &[add_sbr("HOT", &above(1, 50), 0, 0, &[note()])]);
    post.perform(0, &[add_tbr("P", 60, 60, 0, &[gen_rpts(&[edd(1)], &["A"])])]);
    post.net.refuses = Some(SendError::Busy);
    for minute in 1..=100 {
        post.board.temperature = minute;
        post.pass(60 * SECOND);
    }
    assert!(act(&post) > 2_000);
    assert!(post.net.sent.is_empty());
    assert_eq!(post.agent.dropped(), 84);
    post.net.refuses = None;
    post.pass(SECOND);
    // The newest sixteen, in one group, the oldest first, each with its time.
    assert_eq!(post.net.sent.len(), 1);
    let told = post.told_to('A');
    assert_eq!(told.len(), 16);
    assert_eq!(told[0], "@600005100 4002/1(85)");
    assert_eq!(told[15], "@600006000 4002/1(100)");
}
