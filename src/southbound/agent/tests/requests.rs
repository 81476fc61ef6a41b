//! Each kind of request, in and out of order.

use std::string::ToString;
use std::vec::Vec;

use core::time::Duration;

use super::bench::{
    Bench, Do, ROOM, Room, START, at, config, delete, encode, finalize, set, unset,
};
use crate::southbound::agent::{AckPolicy, AgentConfig, GapPolicy};
use crate::southbound::messages::Duration as GpsTime;
use crate::southbound::messages::{
    BeamValues, ConfigurationChangeValues, CreateEntryValues, DeleteModemConfigurationValues,
    FinalizeValues, RequestValues, SetModemConfigurationValues, SetRouteValues, SetSrPolicyValues,
    StatusCode, Timestamp, UpdateBeamValues,
};

const OK: StatusCode = StatusCode::OK;
const INVALID: StatusCode = StatusCode::INVALID_ARGUMENT;
const REFUSED: StatusCode = StatusCode::FAILED_PRECONDITION;
const NO_ROOM: StatusCode = StatusCode::RESOURCE_EXHAUSTED;

/// A request to create an entry with these times.
fn timed(bench: &Bench, seqno: u64, time: Option<Timestamp>, gps: Option<GpsTime>) -> Vec<u8> {
    let token = bench.token();
    let route = SetRouteValues { from: "", to: "192.0.2.1/32", dev: "", via: "198.51.100.1" };
    let create = CreateEntryValues {
        schedule_manipulation_token: &token,
        seqno,
        id: "timed",
        time,
        time_gpst: gps,
        change: Some(ConfigurationChangeValues::SetRoute(&route)),
    };
    encode(bench.request_id, RequestValues::CreateEntry(&create))
}

#[test]
fn a_token_that_differs_is_refused_before_anything_else() {
    let mut bench = Bench::open();
    for token in ["", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"] {
        for seqno in [0, 1, 2, 1_000] {
            let octets = set(1, 0, 1, 1).encode(token, seqno, 7);
            assert_eq!(bench.give(&octets), [(7, REFUSED.0)]);
        }
    }
    assert_eq!(bench.agent.stats().wrong_token, 8);
    assert_eq!(bench.agent.next_seqno(), 1);
    bench.ask(1, set(1, 0, 1, 1), OK);
    assert_eq!(bench.routes(), [(1, 1)].into());
}

#[test]
fn a_request_of_no_known_kind_is_unimplemented() {
    let mut bench = Bench::open();
    // Request 5, and a field 9 that holds nothing.
    assert_eq!(bench.give(&[0x08, 5, 0x4a, 0]), [(5, StatusCode::UNIMPLEMENTED.0)]);
    assert_eq!(bench.give(&[0x08, 6]), [(6, StatusCode::UNIMPLEMENTED.0)]);
    assert_eq!(bench.agent.stats().unknown_requests, 2);
}

#[test]
fn a_request_without_a_number_is_invalid_and_not_executed() {
    let mut bench = Bench::open();
    bench.ask(0, set(1, 0, 1, 1), INVALID);
    assert!(bench.ids().is_empty());
    assert_eq!(bench.agent.next_seqno(), 1);
}

#[test]
fn what_is_no_message_is_answered_where_its_request_is_known_and_ends_the_stream_where_not() {
    let mut bench = Bench::open();
    assert_eq!(bench.give(&[0x08, 9, 0x12, 200]), [(9, INVALID.0)]);
    assert!(bench.way.closed.is_empty());
    assert_eq!(bench.give(&[0x12, 200]), []);
    assert_eq!(bench.way.closed.len(), 1);
    assert_eq!(bench.agent.stats().malformed, 2);
    assert_eq!(bench.agent.stats().streams_ended, 1);
}

#[test]
fn requests_are_executed_in_order_and_answered_when_they_are() {
    let mut bench = Bench::open();
    assert_eq!(bench.send(3, delete(1)), []);
    assert_eq!(bench.send(2, set(2, 0, 2, 2)), []);
    assert_eq!(bench.agent.waiting(), 2);
    assert_eq!(bench.send(1, set(1, 0, 1, 1)), [(3, 0), (2, 0), (1, 0)]);
    assert_eq!(bench.ids(), ["e2"]);
    assert_eq!(bench.agent.next_seqno(), 4);
    assert_eq!(bench.agent.stats().buffered, 2);
}

#[test]
fn what_came_before_its_turn_is_answered_at_once_where_it_is_to_be() {
    let mut bench =
        Bench::open_with(AgentConfig { acknowledge: AckPolicy::OnReceipt, ..config() }, ROOM);
    bench.ask(2, set(2, 0, 2, 2), OK);
    bench.ask(2, set(2, 0, 2, 2), OK);
    assert!(bench.ids().is_empty());
    bench.ask(1, set(1, 0, 1, 1), OK);
    assert_eq!(bench.ids(), ["e1", "e2"]);
}

#[test]
fn the_first_content_of_a_number_that_waits_stays_and_each_of_its_requests_is_answered() {
    let mut bench = Bench::open();
    assert_eq!(bench.send(2, set(2, 0, 2, 2)), []);
    assert_eq!(bench.send(2, set(2, 0, 2, 2)), [(1, 0), (2, 0)]);
    assert_eq!(bench.send(2, set(2, 0, 2, 9)), [(3, 0)]);
    assert_eq!(bench.agent.stats().repeated, 1);
    assert_eq!(bench.agent.stats().conflicts, 1);
    assert_eq!(bench.send(1, set(1, 0, 1, 1)), [(4, 0)]);
    assert_eq!(bench.routes(), [(1, 1), (2, 2)].into());
}

#[test]
fn what_is_too_far_before_its_turn_is_refused_at_once() {
    let mut bench = Bench::open_with(AgentConfig { window: 3, ..config() }, ROOM);
    assert_eq!(bench.send(3, set(3, 0, 3, 3)), []);
    bench.ask(4, set(4, 0, 4, 4), NO_ROOM);
    bench.ask(u64::MAX, set(5, 0, 4, 4), NO_ROOM);
    assert_eq!(bench.agent.stats().beyond_window, 2);
}

#[test]
fn requests_before_their_turn_leave_room_for_the_one_whose_turn_it_is() {
    let room = Room { rows: 16, octets: 400, ..ROOM };
    let mut bench = Bench::open_with(AgentConfig { reserve: 80, ..config() }, room);
    let refused: Vec<_> = (2_u8..9)
        .filter(|id| !bench.send(u64::from(*id), set(*id, 0, *id, *id)).is_empty())
        .collect();
    assert!(!refused.is_empty() && refused.len() < 7, "{refused:?}");
    assert_eq!(bench.agent.stats().no_room, refused.len() as u64);
    // Nothing that waits is lost, and the turn goes on.
    let answers = bench.send(1, set(1, 0, 1, 1));
    assert_eq!(answers.len(), 8 - refused.len());
    assert!(answers.iter().all(|answer| answer.1 == 0));
    assert_eq!(bench.agent.next_seqno(), u64::from(refused[0]));
}

#[test]
fn the_one_whose_turn_it_is_takes_the_room_of_the_last_that_waits() {
    let room = Room { rows: 6, ..ROOM };
    let mut bench = Bench::open_with(config(), room);
    for seqno in 1..=3 {
        bench.ask(seqno, set(seqno as u8, 5, 1, 1), OK);
    }
    // Two wait, and one row is left, which 4 takes.
    assert_eq!(bench.send(7, set(7, 5, 7, 7)), []);
    assert_eq!(bench.send(8, set(8, 5, 8, 8)), []);
    bench.ask(9, set(9, 5, 9, 9), NO_ROOM);
    bench.ask(4, set(4, 5, 4, 4), OK);
    assert_eq!(bench.send(5, set(5, 5, 5, 5)), [(5, NO_ROOM.0), (8, 0)]);
    assert_eq!(bench.send(6, set(6, 5, 6, 6)), [(4, NO_ROOM.0), (9, 0)]);
    assert_eq!(bench.agent.stats().evicted, 2);
    assert_eq!(bench.agent.next_seqno(), 7);
}

#[test]
fn what_was_executed_is_never_executed_again() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, 0, 1, 1), OK);
    bench.ask(2, delete(1), OK);
    bench.ask(1, set(1, 0, 1, 1), OK);
    assert!(bench.ids().is_empty());
    assert!(bench.routes().is_empty());
    assert_eq!(bench.agent.stats().duplicates, 1);
}

#[test]
fn a_gap_is_told_once_and_waited_for() {
    let mut bench = Bench::open();
    assert_eq!(bench.send(3, set(3, 0, 3, 3)), []);
    bench.pass(Duration::from_secs(59));
    assert_eq!(bench.agent.stats().gaps, 0);
    bench.pass(Duration::from_secs(200));
    assert_eq!(bench.agent.stats().gaps, 1);
    assert_eq!(bench.board.events.last().unwrap(), "SeqGap { expected: 1, have: 3 }");
    assert_eq!(bench.send(1, set(1, 0, 1, 1)), [(2, 0)]);
    assert_eq!(bench.send(2, set(2, 0, 2, 2)), [(3, 0), (1, 0)]);
    // Another one is another one.
    assert_eq!(bench.send(5, set(5, 0, 5, 5)), []);
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.agent.stats().gaps, 2);
}

#[test]
fn a_gap_resets_the_schedule_where_it_is_to() {
    let mut bench = Bench::open_with(AgentConfig { on_gap: GapPolicy::Renew, ..config() }, ROOM);
    let token = bench.token();
    bench.send(2, set(2, 0, 2, 2));
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.way.closed.len(), 1);
    bench.pass(Duration::from_secs(2));
    bench.connect();
    assert_ne!(bench.token(), token);
    assert_eq!((bench.agent.next_seqno(), bench.agent.waiting()), (1, 0));
}

#[test]
fn the_same_entry_again_is_no_other_and_other_content_changes_nothing() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, 0, 1, 1), OK);
    bench.ask(2, set(1, 0, 1, 1), OK);
    bench.ask(3, set(1, 0, 1, 2), OK);
    bench.ask(4, set(1, 1, 1, 1), OK);
    assert_eq!(bench.agent.stats().repeated_entries, 1);
    assert_eq!(bench.agent.stats().immutable_conflicts, 2);
    assert_eq!(bench.routes(), [(1, 1)].into());
    assert_eq!(bench.agent.entries().next().unwrap().seqno, 1);
    // In order or not.
    assert_eq!(bench.send(6, set(1, 0, 1, 3)), []);
    assert_eq!(bench.send(5, set(2, 0, 2, 2)), [(6, 0), (5, 0)]);
    assert_eq!(bench.agent.stats().immutable_conflicts, 3);

    let mut strict = Bench::open_with(AgentConfig { strict: true, ..config() }, ROOM);
    strict.ask(1, set(1, 0, 1, 1), OK);
    strict.ask(2, set(1, 0, 1, 2), StatusCode::ALREADY_EXISTS);
    strict.ask(3, finalize(5), OK);
    strict.ask(4, finalize(4), REFUSED);
    strict.ask(5, finalize(5), OK);
}

#[test]
fn an_id_that_was_deleted_may_be_used_again() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, 0, 1, 1), OK);
    bench.ask(2, delete(1), OK);
    bench.ask(3, set(1, 0, 1, 2), OK);
    assert_eq!(bench.routes(), [(1, 2)].into());
    assert_eq!(bench.agent.entries().next().unwrap().seqno, 3);
}

#[test]
fn an_entry_without_a_time_or_out_of_range_is_invalid_and_its_number_is_spent() {
    let mut bench = Bench::open();
    let times = [
        None,
        Some(Timestamp { seconds: START, nanos: -1 }),
        Some(Timestamp { seconds: START, nanos: 1_000_000_000 }),
        Some(Timestamp { seconds: -62_135_596_801, nanos: 0 }),
        Some(Timestamp { seconds: 253_402_300_800, nanos: 0 }),
    ];
    for (seqno, time) in (1..).zip(times) {
        let octets = timed(&bench, seqno, time, None);
        assert_eq!(bench.give(&octets), [(1, INVALID.0)], "{time:?}");
        assert_eq!(bench.give(&octets), [(1, 0)], "it comes again without end");
    }
    assert_eq!(bench.agent.stats().invalid, 5);
    assert!(bench.ids().is_empty());
    // One before its turn is answered when it is.
    let octets = timed(&bench, 7, None, None);
    assert_eq!(bench.give(&octets), []);
    let octets = timed(&bench, 6, Some(at(0)), None);
    assert_eq!(bench.give(&octets), [(1, 0), (1, INVALID.0)]);
}

#[test]
fn gps_time_is_eighteen_seconds_ahead_and_utc_wins() {
    // 2024-05-10T00:00:00Z is so many seconds of GPS time after its start.
    let gps = |offset: i64, nanos| GpsTime { seconds: START - 315_964_800 + 18 + offset, nanos };
    let mut bench = Bench::open();
    let octets = timed(&bench, 1, None, Some(gps(3, 0)));
    assert_eq!(bench.give(&octets), [(1, 0)]);
    let time = bench.agent.entries().next().unwrap().time;
    assert_eq!((time.seconds(), time.nanos()), (START + 3, 0));
    bench.ask(2, Do::Delete { id: 0 }, OK);
    // They agree.
    let octets = timed(&bench, 3, Some(at(3)), Some(gps(3, 0)));
    bench.give(&octets);
    assert_eq!(bench.agent.stats().times_differ, 0);
    assert_eq!(bench.agent.stats().repeated_entries, 1);
    let octets = timed(&bench, 4, Some(at(3)), Some(gps(3, 1)));
    bench.give(&octets);
    assert_eq!(bench.agent.stats().times_differ, 1);
    assert_eq!(bench.agent.stats().repeated_entries, 2);
    let octets = timed(&bench, 5, None, Some(GpsTime { seconds: 1, nanos: -1 }));
    assert_eq!(bench.give(&octets), [(bench.request_id, INVALID.0)]);
    // Up to GPS time is final too.
    let token = bench.token();
    let up_to = FinalizeValues {
        schedule_manipulation_token: &token,
        seqno: 6,
        up_to: None,
        up_to_gpst: Some(gps(9, 0)),
    };
    assert_eq!(bench.give(&encode(4, RequestValues::Finalize(&up_to))), [(4, 0)]);
    assert_eq!(bench.agent.finalized_up_to().seconds(), START + 9);
}

#[test]
fn leap_seconds_count_from_when_they_were() {
    use crate::southbound::agent::LEAP_SECONDS;
    for pair in LEAP_SECONDS.windows(2) {
        assert!(pair[0].from < pair[1].from && pair[0].ahead + 1 == pair[1].ahead);
    }
    let mut bench = Bench::open();
    // The last second of 2016 was 17 s behind, the first of 2017 is 18 s.
    let midnight = 1_483_228_800;
    for (seqno, (utc, ahead)) in (1..).zip([(midnight - 1, 17), (midnight, 18)]) {
        let gps = GpsTime { seconds: utc - 315_964_800 + ahead, nanos: 0 };
        let octets = timed(&bench, seqno, Some(Timestamp { seconds: utc, nanos: 0 }), Some(gps));
        bench.give(&octets);
    }
    assert_eq!(bench.agent.stats().times_differ, 0);
}

#[test]
fn a_change_of_no_known_kind_is_taken_and_told_when_its_time_comes() {
    let mut bench = Bench::open();
    let token = bench.token();
    let create = CreateEntryValues {
        schedule_manipulation_token: &token,
        seqno: 1,
        id: "strange",
        time: Some(at(10)),
        ..CreateEntryValues::default()
    };
    assert_eq!(bench.give(&encode(1, RequestValues::CreateEntry(&create))), [(1, 0)]);
    // Another of a field 30 that holds an octet.
    let mut inner = CreateEntryValues { seqno: 2, id: "future", ..create };
    inner.change = None;
    let mut octets = encode(2, RequestValues::CreateEntry(&inner));
    octets.extend([0xf2, 0x01, 1, 7]);
    let extra = 4;
    // The request is the second field: its length grows.
    octets[3] += extra;
    assert_eq!(bench.give(&octets), [(2, 0)]);
    assert_eq!(bench.ids(), ["strange", "future"]);
    assert_eq!(bench.agent.entries().nth(1).unwrap().change, [0xf2, 0x01, 1, 7]);
    assert_eq!(bench.agent.stats().unsupported, 0);
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.agent.stats().unsupported, 2);
    let told: Vec<_> =
        bench.board.events.iter().filter(|event| event.starts_with("Unsupported")).collect();
    assert_eq!(told, ["Unsupported { id: \"strange\" }", "Unsupported { id: \"future\" }"]);
    assert!(bench.board.steps.is_empty());
    bench.request_id = 3;
    bench.ask(3, finalize(11), OK);
    assert!(bench.ids().is_empty());
}

#[test]
fn each_kind_of_change_has_its_key() {
    use ConfigurationChangeValues as C;
    let mut bench = Bench::open();
    let token = bench.token();
    let beam = BeamValues { id: "b", ..BeamValues::default() };
    let changes = [
        C::SetModemConfiguration(&SetModemConfigurationValues {
            modem_id: "m",
            ..Default::default()
        }),
        C::SetSrPolicy(&SetSrPolicyValues { name: "p", ..Default::default() }),
        C::UpdateBeam(&UpdateBeamValues { beam: Some(beam), ..Default::default() }),
        C::SetRoute(&SetRouteValues { from: "f", to: "t", ..Default::default() }),
        C::DeleteModemConfiguration(&DeleteModemConfigurationValues { modem_id: "m" }),
    ];
    for (seqno, change) in (1_u64..).zip(changes) {
        let id = seqno.to_string();
        let create = CreateEntryValues {
            schedule_manipulation_token: &token,
            seqno,
            id: &id,
            time: Some(at(1)),
            change: Some(change),
            ..CreateEntryValues::default()
        };
        assert_eq!(bench.give(&encode(1, RequestValues::CreateEntry(&create))), [(1, 0)]);
    }
    // All at once and in the order of keys; the modem is not configured at all.
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.board.steps, ["+Route f t", "+SrPolicy p ", "+Beam b "]);
}

#[test]
fn what_is_final_is_not_changed() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, -10, 1, 1), OK);
    bench.ask(2, finalize(-5), OK);
    bench.ask(3, set(2, -6, 1, 2), REFUSED);
    bench.ask(4, delete(1), OK);
    assert_eq!(bench.routes(), [(1, 1)].into());
    assert_eq!(bench.agent.stats().final_entries, 1);
    assert_eq!(bench.agent.stats().delete_missing, 1);
    // It was answered once, and is spent.
    bench.ask(3, set(2, -6, 1, 2), OK);
    bench.ask(5, set(3, -5, 1, 3), OK);
    assert_eq!(bench.routes(), [(1, 3)].into());
}

#[test]
fn deleting_what_is_not_there_does_nothing() {
    let mut bench = Bench::open();
    bench.ask(1, delete(7), OK);
    assert_eq!(bench.agent.stats().delete_missing, 1);
    bench.ask(2, set(7, 10, 1, 1), OK);
    bench.ask(3, delete(7), OK);
    assert!(bench.ids().is_empty());
    bench.pass(Duration::from_secs(20));
    assert!(bench.board.steps.is_empty());
}

#[test]
fn finalizing_frees_what_cannot_be_seen_and_never_goes_back() {
    let mut bench = Bench::open();
    bench.ask(1, set(1, -30, 1, 1), OK);
    bench.ask(2, set(2, -20, 1, 2), OK);
    bench.ask(3, set(3, -15, 2, 3), OK);
    bench.ask(4, unset(4, -12, 2), OK);
    bench.ask(5, set(5, -5, 1, 5), OK);
    bench.ask(6, set(6, 60, 3, 6), OK);
    let before = bench.routes();
    bench.ask(7, finalize(-10), OK);
    // What is in force at -10 is kept, for the entry at -5 may still be deleted.
    assert_eq!(bench.ids(), ["e2", "e5", "e6"]);
    assert_eq!(bench.routes(), before);
    bench.ask(8, finalize(-10), OK);
    bench.ask(9, finalize(-11), OK);
    assert_eq!(bench.agent.stats().finalized_backwards, 1);
    assert_eq!(bench.agent.finalized_up_to().seconds(), START - 10);
    bench.ask(10, delete(5), OK);
    assert_eq!(bench.routes(), [(1, 2)].into());
    // What is frozen and yet to come is enacted when it is time, and folded then.
    bench.ask(11, finalize(100), OK);
    assert_eq!(bench.ids(), ["e2", "e6"]);
    bench.ask(12, delete(6), OK);
    bench.pass(Duration::from_secs(60));
    assert_eq!(bench.routes(), [(1, 2), (3, 6)].into());
    assert!(bench.agent.entries().all(|entry| entry.is_final));
}

#[test]
fn finalizing_without_a_time_is_invalid_and_its_number_is_spent() {
    let mut bench = Bench::open();
    let token = bench.token();
    let nothing = FinalizeValues {
        schedule_manipulation_token: &token,
        seqno: 1,
        up_to: None,
        up_to_gpst: None,
    };
    let octets = encode(1, RequestValues::Finalize(&nothing));
    assert_eq!(bench.give(&octets), [(1, INVALID.0)]);
    assert_eq!(bench.agent.next_seqno(), 2);
}

#[test]
fn without_room_a_request_stays_its_turn_until_others_make_some() {
    let mut bench = Bench::open_with(config(), Room { rows: 4, ..ROOM });
    for id in 1..=4 {
        bench.ask(id, set(id as u8, 100, id as u8, 1), OK);
    }
    bench.ask(5, set(5, 100, 5, 5), NO_ROOM);
    bench.ask(5, set(5, 100, 5, 5), NO_ROOM);
    assert_eq!(bench.agent.next_seqno(), 5);
    // Of the same ID it may not overtake.
    bench.ask(6, delete(5), NO_ROOM);
    bench.ask(6, delete(2), OK);
    assert_eq!(bench.agent.stats().overtaken, 1);
    bench.ask(6, delete(2), OK);
    assert_eq!(bench.agent.stats().duplicates, 1);
    bench.ask(5, set(5, 100, 5, 5), OK);
    assert_eq!(bench.agent.next_seqno(), 7);
    assert_eq!(bench.ids(), ["e1", "e3", "e4", "e5"]);
    // Nor may what is final overtake an entry that would be.
    bench.ask(7, set(7, 50, 7, 7), NO_ROOM);
    bench.ask(8, finalize(51), NO_ROOM);
    bench.ask(8, finalize(50), OK);
    assert_eq!(bench.agent.finalized_up_to().seconds(), START + 50);
}

#[test]
fn a_schedule_that_stays_full_is_reset() {
    let mut bench = Bench::open_with(config(), Room { rows: 4, ..ROOM });
    for id in 1..=4 {
        bench.ask(id, set(id as u8, 100, id as u8, 1), OK);
    }
    bench.ask(5, set(5, 100, 5, 5), NO_ROOM);
    bench.pass(Duration::from_secs(29));
    bench.ask(5, set(5, 100, 5, 5), NO_ROOM);
    assert_eq!(bench.agent.stats().stalls, 0);
    bench.pass(Duration::from_secs(1));
    assert_eq!(bench.agent.stats().stalls, 1);
    assert!(bench.board.events.contains(&"ScheduleFull { seqno: 5 }".to_string()));
    let token = bench.token();
    bench.pass(Duration::from_secs(2));
    bench.connect();
    assert_ne!(bench.token(), token);
    assert!(bench.ids().is_empty());
}

#[test]
fn octets_of_what_is_gone_are_used_again() {
    // Room for some five entries; two hundred go through it.
    let mut bench = Bench::open_with(config(), Room { rows: 8, octets: 400, ..ROOM });
    bench.ask(1, set(0, 1_000, 250, 1), OK);
    let mut seqno = 2;
    for round in 1..=100_u8 {
        bench.ask(seqno, set(round, 500, round, round), OK);
        bench.ask(seqno + 1, set(round + 100, 400, round, round), OK);
        bench.ask(seqno + 2, delete(round), OK);
        bench.ask(seqno + 3, delete(round + 100), OK);
        seqno += 4;
    }
    assert_eq!(bench.ids(), ["e0"]);
    bench.pass(Duration::from_secs(1_000));
    assert_eq!(bench.routes(), [(250, 1)].into());
}
