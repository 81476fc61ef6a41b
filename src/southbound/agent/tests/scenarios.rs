//! Conversations as a controller for trials has them.

use std::vec::Vec;

use core::time::Duration;

use super::bench::{Bench, ROOM, config, delete, finalize, set, unset};
use crate::southbound::agent::{AgentConfig, LinkState, StreamPolicy};
use crate::southbound::messages::StatusCode;

const OK: StatusCode = StatusCode::OK;

#[test]
fn in_order() {
    let mut bench = Bench::open();
    assert_eq!(bench.way.hellos, [(bench.way.opened[0], "post".into())]);
    for seqno in 1..=20 {
        bench.ask(seqno, set(seqno as u8, seqno as i64, seqno as u8, 1), OK);
    }
    assert!(bench.routes().is_empty());
    for second in 1..=20 {
        bench.pass(Duration::from_secs(1));
        assert_eq!(bench.routes().len(), second);
    }
}

#[test]
fn out_of_order() {
    let mut bench = Bench::open();
    let mut answered: Vec<_> = Vec::new();
    for seqno in (1..=20).rev() {
        answered.extend(bench.send(seqno, set(seqno as u8, seqno as i64, seqno as u8, 1)));
    }
    // In the order of their numbers, which is from the last sent to the first.
    let expected: Vec<_> = (1..=20).rev().map(|id| (id, 0)).collect();
    assert_eq!(answered, expected);
    bench.pass(Duration::from_secs(20));
    assert_eq!(bench.routes().len(), 20);
}

#[test]
fn wrong_token() {
    let mut bench = Bench::open();
    let octets = set(1, 0, 1, 1).encode("another", 1, 1);
    assert_eq!(bench.give(&octets), [(1, StatusCode::FAILED_PRECONDITION.0)]);
    bench.ask(1, set(1, 0, 1, 1), OK);
}

#[test]
fn duplicate() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, 5, 1, 1), OK);
    bench.ask(1, set(1, 5, 1, 1), OK);
    bench.ask(2, set(1, 5, 1, 1), OK);
    assert_eq!(bench.ids(), ["e1"]);
    bench.pass(Duration::from_secs(5));
    assert_eq!(bench.board.steps.len(), 1);
}

#[test]
fn delete_missing() {
    let mut bench = Bench::open();
    bench.ask(1, delete(1), OK);
    bench.ask(2, set(1, 0, 1, 1), OK);
    assert_eq!(bench.routes(), [(1, 1)].into());
}

#[test]
fn finalize_and_go_on() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, 0, 1, 1), OK);
    bench.pass(Duration::from_secs(10));
    bench.ask(2, finalize(5), OK);
    bench.ask(3, set(2, 7, 1, 2), OK);
    assert_eq!(bench.routes(), [(1, 2)].into());
    bench.ask(4, delete(2), OK);
    assert_eq!(bench.routes(), [(1, 1)].into());
}

#[test]
fn past() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, -5, 1, 1), OK);
    // One before it changes nothing, and one between is replaced at once.
    bench.ask(2, set(2, -10, 1, 2), OK);
    bench.ask(3, unset(3, -7, 1), OK);
    assert_eq!(bench.routes(), [(1, 1)].into());
    assert_eq!(bench.board.steps, ["+Route  192.0.2.1/32"]);
    // Without the last one the route is deleted, without that too it is the first.
    bench.ask(4, delete(1), OK);
    assert!(bench.routes().is_empty());
    bench.ask(5, delete(3), OK);
    assert_eq!(bench.routes(), [(1, 2)].into());
    assert_eq!(
        bench.board.steps,
        ["+Route  192.0.2.1/32", "-Route  192.0.2.1/32", "+Route  192.0.2.1/32"]
    );
}

#[test]
fn same_instant() {
    let mut bench = Bench::open();
    bench.ask(1, set(9, 5, 1, 1), OK);
    bench.ask(2, set(1, 5, 1, 2), OK);
    bench.pass(Duration::from_secs(5));
    assert_eq!(bench.routes(), [(1, 2)].into());
    // One that is created anew has a new number, and is the last.
    bench.ask(3, delete(9), OK);
    bench.ask(4, set(9, 5, 1, 9), OK);
    assert_eq!(bench.routes(), [(1, 9)].into());
}

#[test]
fn unknown() {
    let mut bench = Bench::open();
    assert_eq!(bench.give(&[0x08, 3, 0x52, 0]), [(3, StatusCode::UNIMPLEMENTED.0)]);
    bench.ask(1, set(1, 0, 1, 1), OK);
}

#[test]
fn overflow() {
    let mut bench = Bench::open();
    let total = 200_u64;
    let request = |seqno: u64| set(seqno as u8, 1, seqno as u8, 1);
    let mut unanswered: Vec<u64> = Vec::new();
    let mut refused: Vec<u64> = Vec::new();
    let mut of = std::collections::BTreeMap::new();
    // 200 ahead of a gap, which is closed at last; what is refused is sent again.
    let mut to_send: Vec<u64> = (2..=total + 1).chain([1]).collect();
    let mut rounds = 0;
    while !to_send.is_empty() {
        rounds += 1;
        assert!(rounds < 50, "it does not come to an end");
        for seqno in core::mem::take(&mut to_send) {
            of.insert(bench.request_id, seqno);
            unanswered.push(seqno);
            // The entries that are there go, so that there is room for others.
            for (request_id, status) in bench.send(seqno, request(seqno)) {
                let seqno = of[&request_id];
                unanswered.retain(|other| *other != seqno);
                match StatusCode(status) {
                    StatusCode::OK => {}
                    StatusCode::RESOURCE_EXHAUSTED => refused.push(seqno),
                    other => panic!("{other:?}"),
                }
            }
        }
        if bench.agent.next_seqno() > 30 {
            break;
        }
        to_send.append(&mut refused);
    }
    // All that has room is executed, and nothing is lost on the way.
    let next = bench.agent.next_seqno();
    assert!(next > 60, "{next}");
    let stats = bench.agent.stats();
    assert_eq!(stats.created, next - 1);
    assert!(stats.beyond_window >= 137, "{}", stats.beyond_window);
    assert_eq!(bench.agent.waiting(), unanswered.len());
}

#[test]
fn reconnect() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, 100, 1, 1), OK);
    let first = bench.token();
    bench.close();
    // The schedule is played until the controller knows that it is no more.
    assert_eq!(bench.agent.link_state(), LinkState::Down);
    assert_eq!(bench.ids(), ["e1"]);
    bench.pass(Duration::from_secs(2));
    assert_eq!(bench.way.resets.len(), 2);
    assert_eq!(bench.ids(), ["e1"]);
    assert_eq!(bench.way.hellos.len(), 1, "no hello before the reset is done");
    bench.connect();
    assert_eq!(bench.way.hellos.len(), 2);
    assert_ne!(bench.token(), first);
    assert!(bench.ids().is_empty());
    // Requests under the old token are refused.
    let octets = set(1, 100, 1, 1).encode(&first, 2, 50);
    assert_eq!(bench.give(&octets), [(50, StatusCode::FAILED_PRECONDITION.0)]);
    bench.ask(1, set(1, 100, 1, 1), OK);
}

#[test]
fn reconnect_and_go_on() {
    let resume = AgentConfig { on_stream_end: StreamPolicy::Resume, ..config() };
    let mut bench = Bench::open_with(resume, ROOM);
    bench.ask(1, set(1, 100, 1, 1), OK);
    assert_eq!(bench.send(3, set(3, 100, 3, 3)), []);
    bench.close();
    bench.pass(Duration::from_secs(2));
    bench.connect();
    assert_eq!((bench.way.resets.len(), bench.way.hellos.len()), (1, 2));
    assert_eq!(bench.agent.next_seqno(), 2);
    // What was not answered comes again.
    let again = bench.request_id;
    assert_eq!(bench.send(3, set(3, 100, 3, 3)), []);
    assert_eq!(bench.send(2, set(2, 100, 2, 2)), [(again + 1, 0), (again, 0)]);
}
