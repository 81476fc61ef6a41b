//! Clocks that step, stop and are not set.

use core::time::Duration;

use super::bench::{Bench, ROOM, config, delete, finalize, set, unset};
use crate::southbound::agent::{AgentConfig, ClockPolicy};
use crate::southbound::messages::StatusCode;
use crate::time::ClockQuality;

const OK: StatusCode = StatusCode::OK;

/// Routes at seconds 10, 20 and 30, and one that ends at 25.
fn day(config: AgentConfig<'static>) -> Bench {
    let mut bench = Bench::open_with(config, ROOM);
    bench.ask(1, set(1, 10, 1, 1), OK);
    bench.ask(2, set(2, 20, 2, 2), OK);
    bench.ask(3, unset(3, 25, 2), OK);
    bench.ask(4, set(4, 30, 1, 4), OK);
    bench
}

#[test]
fn a_clock_set_forward_goes_over_entries_at_once() {
    let mut bench = day(config());
    bench.set_clock(30);
    bench.tick();
    // Route 2 came and went.
    assert_eq!(bench.board.steps, ["+Route  192.0.2.1/32"]);
    assert_eq!(bench.routes(), [(1, 4)].into());
}

#[test]
fn or_through_what_was_in_between() {
    let mut bench = day(AgentConfig { drive_intermediate: true, ..config() });
    bench.set_clock(31);
    bench.tick();
    let (one, two) = ("+Route  192.0.2.1/32", "+Route  192.0.2.2/32");
    assert_eq!(bench.board.steps, [one, two, "-Route  192.0.2.2/32", one]);
    assert_eq!(bench.routes(), [(1, 4)].into());
    assert_eq!(bench.agent.next_deadline(), None);
}

#[test]
fn a_clock_set_back_undoes_nothing() {
    let mut bench = day(config());
    bench.pass(Duration::from_secs(22));
    bench.set_clock(18);
    bench.tick();
    assert_eq!(bench.agent.stats().clock_steps, 0, "that is a little");
    bench.set_clock(5);
    bench.tick();
    bench.tick();
    assert_eq!(bench.agent.stats().clock_steps, 1);
    assert_eq!(bench.board.events.last().unwrap(), "ClockStep(17s)");
    assert_eq!(bench.routes(), [(1, 1), (2, 2)].into());
    // It goes on when the clock has caught up.
    bench.pass(Duration::from_secs(19));
    assert_eq!(bench.routes().len(), 2);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.routes(), [(1, 1)].into());
}

#[test]
fn a_clock_set_back_is_followed_as_far_as_history_is_not_final() {
    let mut bench = day(AgentConfig { on_backstep: ClockPolicy::Replay, ..config() });
    bench.pass(Duration::from_secs(40));
    assert_eq!(bench.routes(), [(1, 4)].into());
    bench.set_clock(22);
    bench.tick();
    assert_eq!(bench.routes(), [(1, 1), (2, 2)].into());
    bench.set_clock(5);
    bench.tick();
    assert!(bench.routes().is_empty());
    bench.pass(Duration::from_secs(20));
    assert_eq!(bench.routes(), [(1, 1)].into());
    bench.ask(5, finalize(21), OK);
    bench.set_clock(5);
    bench.tick();
    // At 21, before route 2 is deleted.
    assert_eq!(bench.routes(), [(1, 1), (2, 2)].into());
    assert_eq!(bench.agent.finalized_up_to().seconds(), super::bench::START + 21);
    bench.ask(6, delete(3), OK);
    bench.pass(Duration::from_secs(30));
    assert_eq!(bench.routes(), [(1, 4), (2, 2)].into());
}

#[test]
fn a_clock_set_back_resets_the_schedule_where_it_is_to() {
    let mut bench = day(AgentConfig { on_backstep: ClockPolicy::Renew, ..config() });
    bench.pass(Duration::from_secs(40));
    bench.set_clock(5);
    bench.tick();
    assert_eq!(bench.way.closed.len(), 1);
    bench.pass(Duration::from_secs(2));
    bench.connect();
    assert_eq!(bench.agent.stats().resets, 2);
    assert_eq!(bench.agent.stats().clock_steps, 1);
    // The new schedule is played by the new clock.
    bench.ask(1, set(1, 10, 1, 7), OK);
    bench.ask(2, finalize(6), OK);
    assert!(bench.routes().is_empty());
    bench.pass(Duration::from_secs(3));
    assert_eq!(bench.routes(), [(1, 7)].into());
}

#[test]
fn with_a_clock_that_is_not_set_nothing_is_enacted() {
    let mut bench = day(config());
    bench.now.quality = ClockQuality::Unset;
    bench.set_clock(1_000);
    bench.pass(Duration::from_secs(100));
    assert!(bench.board.steps.is_empty());
    // Requests are taken all the same.
    bench.ask(5, set(5, 5, 5, 5), OK);
    assert!(bench.board.steps.is_empty());
    bench.now.quality = ClockQuality::FreeRunning;
    bench.set_clock(12);
    bench.tick();
    assert_eq!(bench.routes(), [(1, 1), (5, 5)].into());
}

#[test]
fn an_entry_is_enacted_at_its_nanosecond_and_not_before() {
    use super::bench::{START, encode};
    use crate::southbound::messages::{CreateEntryValues, RequestValues, Timestamp};
    let mut bench = Bench::open();
    let token = bench.token();
    let create = CreateEntryValues {
        schedule_manipulation_token: &token,
        seqno: 1,
        id: "fine",
        time: Some(Timestamp { seconds: START + 1, nanos: 500_000_001 }),
        ..CreateEntryValues::default()
    };
    bench.give(&encode(1, RequestValues::CreateEntry(&create)));
    bench.pass(Duration::from_micros(1_500_000));
    assert_eq!(bench.agent.stats().unsupported, 0);
    bench.pass(Duration::from_micros(1));
    assert_eq!(bench.agent.stats().unsupported, 1);
}
