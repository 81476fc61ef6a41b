//! The way to the controller, and the device.

use std::vec::Vec;

use core::time::Duration;

use super::bench::{Bench, ROOM, Room, config, delete, finalize, random, set, storage, unset};
use crate::southbound::agent::{Agent, AgentConfig, LinkState, StreamPolicy, TooSmall};
use crate::southbound::messages::StatusCode;

const OK: StatusCode = StatusCode::OK;

#[test]
fn reset_comes_before_the_stream_and_hello_before_all_else() {
    let mut bench = Bench::new();
    bench.tick();
    assert_eq!((bench.way.resets.len(), bench.way.opened.len()), (1, 0));
    let call = bench.way.resets[0].0;
    bench.reset_done(call, StatusCode::UNAVAILABLE);
    assert_eq!(bench.way.opened.len(), 0);
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.way.resets.len(), 2);
    // The answer to the first comes late.
    bench.reset_done(call, OK);
    assert_eq!(bench.agent.stats().stale_calls, 1);
    assert_eq!(bench.agent.link_state(), LinkState::Resetting);
    bench.connect();
    assert_eq!(bench.agent.link_state(), LinkState::Open);
    assert_eq!(bench.way.hellos.len(), 1);
    assert_eq!(bench.board.events, ["Reset", "Connected"]);
}

#[test]
fn a_call_without_an_answer_is_given_up() {
    let mut bench = Bench::new();
    bench.tick();
    bench.pass(Duration::from_secs(29));
    assert!(bench.way.closed.is_empty());
    bench.pass(Duration::from_secs(3));
    assert_eq!(bench.way.closed.len(), 1);
    assert_eq!(bench.way.resets.len(), 2);
    assert_eq!(bench.way.resets[0].1, bench.way.resets[1].1, "the token was never in use");
    bench.connect();
    bench.close();
    let mut attempts = bench.way.resets.len() + bench.way.opened.len();
    for _ in 0..3 {
        bench.pass(Duration::from_secs(200));
        let now = bench.way.resets.len() + bench.way.opened.len();
        assert!(now > attempts, "it gave up");
        attempts = now;
    }
}

#[test]
fn a_link_that_takes_nothing_is_tried_slower_and_slower() {
    let mut bench = Bench::new();
    bench.way.is_busy = true;
    bench.pass(Duration::from_secs(3_600));
    let failed = bench.agent.stats().failed_calls;
    // Some ten until two minutes, and then one in two minutes or so.
    assert!((30..=50).contains(&failed), "{failed}");
    bench.way.is_busy = false;
    bench.pass(Duration::from_secs(150));
    bench.connect();
}

#[test]
fn without_random_numbers_there_is_no_token() {
    let random = random();
    random.is_empty.set(true);
    let mut bench = Bench::with(AgentConfig { random, ..config() }, ROOM);
    bench.pass(Duration::from_secs(10));
    assert!(bench.way.resets.is_empty());
    assert!(bench.agent.stats().no_random > 1);
    random.is_empty.set(false);
    bench.pass(Duration::from_secs(20));
    assert_eq!(bench.way.resets.len(), 1);
}

#[test]
fn answers_the_link_does_not_take_are_sent_later() {
    let mut bench = Bench::open();
    bench.way.is_busy = true;
    for seqno in 1..=3 {
        assert_eq!(bench.send(seqno, set(seqno as u8, 0, seqno as u8, 1)), []);
    }
    bench.way.is_busy = false;
    bench.pass(Duration::from_millis(300));
    assert_eq!(bench.way.answers, [(1, 0), (2, 0), (3, 0)]);
}

#[test]
fn answers_without_room_end_the_stream_so_that_the_requests_come_again() {
    let resume = AgentConfig { on_stream_end: StreamPolicy::Resume, ..config() };
    let mut bench = Bench::open_with(resume, Room { answers: 2, ..ROOM });
    bench.way.is_busy = true;
    for seqno in 1..=3 {
        bench.send(seqno, set(seqno as u8, 0, seqno as u8, 1));
    }
    assert_eq!(bench.agent.stats().answers_lost, 1);
    assert_eq!(bench.way.closed.len(), 1);
    bench.way.is_busy = false;
    bench.pass(Duration::from_secs(10));
    bench.connect();
    for seqno in 1..=3 {
        bench.ask(seqno, set(seqno as u8, 0, seqno as u8, 1), OK);
    }
    assert_eq!(bench.ids().len(), 3);
    // More that wait than answers there is room for are executed as answers go out.
    for seqno in (5..=9).rev() {
        assert_eq!(bench.send(seqno, set(seqno as u8, 0, seqno as u8, 1)), []);
    }
    assert_eq!(bench.send(4, set(4, 0, 4, 1)).len(), 6);
}

#[test]
fn messages_of_a_stream_that_is_over_are_not_taken() {
    let resume = AgentConfig { on_stream_end: StreamPolicy::Resume, ..config() };
    let mut bench = Bench::open_with(resume, ROOM);
    let old = bench.way.opened[0];
    bench.close();
    bench.pass(Duration::from_secs(2));
    bench.connect();
    let octets = set(1, 0, 1, 1).encode(&bench.token(), 1, 1);
    bench.agent.receive(bench.now, old, &octets, &mut bench.way, &mut bench.board);
    bench.agent.stream_closed(bench.now, old, &mut bench.way, &mut bench.board);
    bench.agent.stream_opened(bench.now, old, &mut bench.way, &mut bench.board);
    assert_eq!(bench.agent.stats().stale_calls, 3);
    assert!(bench.ids().is_empty());
    assert_eq!(bench.agent.link_state(), LinkState::Open);
}

#[test]
fn the_wait_is_short_again_after_a_stream_that_worked() {
    let resume = AgentConfig { on_stream_end: StreamPolicy::Resume, ..config() };
    let mut bench = Bench::open_with(resume, ROOM);
    let mut waits = Vec::new();
    for round in 0..5 {
        if round == 3 {
            bench.ask(1, set(1, 0, 1, 1), OK);
        }
        bench.close();
        let before = bench.now.monotonic;
        bench.now = bench.now.after(bench.agent.next_deadline().unwrap().since(before));
        waits.push(bench.now.monotonic.since(before).as_millis());
        bench.connect();
    }
    assert!(waits[0] < 1_200 && waits[1] > 1_200 && waits[2] > waits[1], "{waits:?}");
    assert!(waits[3] < 1_200, "{waits:?}");
}

#[test]
fn the_device_keeps_what_it_has_until_the_new_schedule_replaces_it_or_is_finalized() {
    let mut bench = Bench::open();
    for (seqno, route) in [(1, 1), (2, 2), (3, 3), (4, 4)] {
        bench.ask(seqno, set(route, 0, route, 1), OK);
    }
    bench.close();
    bench.pass(Duration::from_secs(2));
    bench.connect();
    assert!(bench.ids().is_empty());
    assert_eq!(bench.routes().len(), 4);
    bench.board.steps.clear();
    // The same is no step, another is one, and so is what is deleted.
    bench.ask(1, set(1, 0, 1, 1), OK);
    bench.ask(2, set(2, 0, 2, 9), OK);
    bench.ask(3, unset(3, 0, 3), OK);
    assert_eq!(bench.board.steps, ["+Route  192.0.2.2/32", "-Route  192.0.2.3/32"]);
    assert_eq!(bench.routes(), [(1, 1), (2, 9), (4, 1)].into());
    bench.ask(4, finalize(0), OK);
    assert_eq!(bench.routes(), [(1, 1), (2, 9)].into());
    // What is kept survives another reset before that.
    bench.close();
    bench.pass(Duration::from_secs(2));
    bench.connect();
    bench.close();
    bench.pass(Duration::from_secs(2));
    bench.connect();
    assert_eq!(bench.routes(), [(1, 1), (2, 9)].into());
    bench.ask(1, finalize(0), OK);
    assert!(bench.routes().is_empty());
}

#[test]
fn what_the_device_does_not_do_is_tried_again_with_back_off() {
    let mut bench = Bench::open();
    bench.board.fails = true;
    bench.ask(1, set(1, 0, 1, 1), OK);
    assert_eq!(bench.agent.stats().enact_failures, 1);
    bench.pass(Duration::from_secs(60));
    let failures = bench.agent.stats().enact_failures;
    assert!((5..=9).contains(&failures), "{failures}");
    bench.board.fails = false;
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.routes(), [(1, 1)].into());
    let steps = bench.board.steps.len();
    bench.pass(Duration::from_secs(600));
    assert_eq!(bench.board.steps.len(), steps);
    // What is not cleared is what the device still has.
    bench.board.fails = true;
    bench.ask(2, delete(1), OK);
    assert!(bench.ids().is_empty());
    assert_eq!(bench.routes(), [(1, 1)].into());
    bench.board.fails = false;
    bench.pass(Duration::from_secs(120));
    assert!(bench.routes().is_empty());
}

#[test]
fn without_a_retry_it_is_tried_again_when_something_changes() {
    let mut bench = Bench::open_with(AgentConfig { enact_retry: None, ..config() }, ROOM);
    bench.board.fails = true;
    bench.ask(1, set(1, 0, 1, 1), OK);
    bench.board.fails = false;
    bench.pass(Duration::from_secs(600));
    assert!(bench.routes().is_empty());
    bench.ask(2, set(2, 0, 2, 2), OK);
    assert_eq!(bench.routes(), [(1, 1), (2, 2)].into());
}

#[test]
fn storage_that_is_of_no_use_is_refused() {
    for room in [Room { rows: 1, ..ROOM }, Room { answers: 0, ..ROOM }] {
        assert_eq!(Agent::new(config(), storage(room)).err(), Some(TooSmall));
    }
    let mut short = storage(ROOM);
    short.buffer = &mut [];
    assert_eq!(Agent::new(config(), short).err(), Some(TooSmall));
}

#[test]
fn the_schedule_is_reset_when_the_application_says_so() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, 0, 1, 1), OK);
    let first = bench.token();
    bench.agent.renew();
    bench.tick();
    assert_eq!(bench.way.closed.len(), 1);
    bench.pass(Duration::from_secs(2));
    bench.connect();
    assert_ne!(bench.token(), first);
    assert_eq!(bench.agent.stats().resets, 2);
}
