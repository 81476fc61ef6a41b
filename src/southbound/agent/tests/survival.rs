//! Power is lost, and stores fail.

use std::collections::BTreeSet;
use std::vec::Vec;
use std::{format, vec};

use core::time::Duration;

use super::bench::{
    Bench, Board, Do, ROOM, Room, config, delete, finalize, random, set, storage, unset,
};
use super::model::Model;
use crate::southbound::agent::{AckPolicy, Agent, AgentConfig, LinkState, Restored, StreamPolicy};
use crate::southbound::messages::StatusCode;
use crate::store::RecordKey;
use crate::store::disk::Disk;

const OK: StatusCode = StatusCode::OK;

fn with_disk(config: AgentConfig<'static>, room: Room, disk: &Disk) -> Bench {
    Bench::of(Agent::new(config, storage(room)).unwrap().with_store(disk.lend()).unwrap())
}

fn resume() -> AgentConfig<'static> {
    AgentConfig { on_stream_end: StreamPolicy::Resume, random: random(), ..config() }
}

/// Another agent with the same store, clock and device.
fn restart(bench: &Bench, config: AgentConfig<'static>, disk: &Disk) -> Bench {
    let mut next = with_disk(config, ROOM, disk);
    next.now = bench.now;
    next.request_id = bench.request_id;
    next.way.resets = bench.way.resets.clone();
    next.board = Board { configured: bench.board.configured.clone(), ..Board::default() };
    next
}

#[test]
fn a_schedule_goes_on_under_its_token() {
    let (disk, config) = (Disk::default(), resume());
    let mut bench = with_disk(config, ROOM, &disk);
    bench.connect();
    bench.ask(1, set(1, 0, 1, 1), OK);
    bench.ask(2, set(2, 5, 1, 2), OK);
    bench.ask(3, set(3, 10, 2, 3), OK);
    bench.ask(4, finalize(-1), OK);
    let mut bench = restart(&bench, config, &disk);
    let whole = Restored { entries: 3, resumed: true, ..Restored::default() };
    assert_eq!(bench.restored(), whole);
    // It is played without a controller, and the device told all of it.
    bench.pass(Duration::from_secs(5));
    assert_eq!(bench.routes(), [(1, 2)].into());
    assert_eq!(bench.board.steps.len(), 2);
    bench.connect();
    assert_eq!(bench.way.resets.len(), 1);
    assert_eq!(bench.agent.link_state(), LinkState::Open);
    bench.ask(4, finalize(-1), OK);
    assert_eq!(bench.agent.stats().duplicates, 1);
    bench.ask(5, delete(3), OK);
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.routes(), [(1, 2)].into());
}

#[test]
fn a_schedule_that_was_to_be_reset_is_and_is_played_until_then() {
    let (disk, config) = (Disk::default(), AgentConfig { random: random(), ..config() });
    let mut bench = with_disk(config, ROOM, &disk);
    bench.connect();
    bench.ask(1, set(1, 5, 1, 1), OK);
    let token = bench.token();
    bench.close();
    let mut bench = restart(&bench, config, &disk);
    assert!(!bench.restored().resumed);
    assert_eq!(bench.restored().entries, 1);
    bench.pass(Duration::from_secs(5));
    assert_eq!(bench.routes(), [(1, 1)].into());
    bench.connect();
    assert_ne!(bench.token(), token);
    assert!(bench.ids().is_empty());
    // What the device is left with is known after another loss of power, until it is told.
    let mut bench = restart(&bench, config, &disk);
    assert_eq!(bench.restored().entries, 1);
    bench.connect();
    bench.ask(1, finalize(0), OK);
    assert!(bench.routes().is_empty());
    let bench = restart(&bench, config, &disk);
    assert_eq!(bench.restored(), Restored { resumed: true, ..Restored::default() });
}

/// A store with a schedule of three entries, one of them long.
fn kept() -> (Disk, AgentConfig<'static>) {
    let (disk, config) = (Disk::default(), resume());
    let mut bench = with_disk(config, ROOM, &disk);
    bench.connect();
    bench.ask(1, set(1, 50, 1, 1), OK);
    let text = "x".repeat(3_000);
    let octets = long(&bench.token(), 2, &text);
    assert_eq!(bench.give(&octets), [(1, 0)]);
    bench.ask(3, set(3, 50, 3, 3), OK);
    (disk, config)
}

fn long(token: &str, seqno: u64, text: &str) -> Vec<u8> {
    use crate::southbound::messages::{
        ConfigurationChangeValues, CreateEntryValues, RequestValues, SetRouteValues,
    };
    let route = SetRouteValues { from: text, to: "t", dev: "", via: "" };
    let create = CreateEntryValues {
        schedule_manipulation_token: token,
        seqno,
        id: "long",
        time: Some(super::bench::at(50)),
        time_gpst: None,
        change: Some(ConfigurationChangeValues::SetRoute(&route)),
    };
    super::bench::encode(1, RequestValues::CreateEntry(&create))
}

#[test]
fn what_is_doubtful_is_no_schedule_and_leaves_nothing_behind() {
    let (disk, config) = kept();
    let keys: Vec<RecordKey> = disk.state().durable.keys().copied().collect();
    assert_eq!(keys.len(), 6, "three parts of the long one, two others, and the schedule");
    for key in &keys {
        for how in 0..3 {
            let copy = Disk::default();
            copy.state().durable = disk.state().durable.clone();
            match how {
                0 => drop(copy.state().durable.remove(key)),
                1 => copy.state().durable.get_mut(key).unwrap()[20] ^= 4,
                _ => copy.state().durable.get_mut(key).unwrap().truncate(9),
            }
            let mut bench = with_disk(config, ROOM, &copy);
            let restored = bench.restored();
            assert!(!restored.resumed, "{key:?} {how}: {restored:?}");
            assert!(bench.ids().is_empty());
            bench.connect();
            assert_eq!(bench.way.resets.len(), 1);
            bench.ask(1, set(1, 50, 1, 1), OK);
            let bench = restart(&bench, config, &copy);
            let whole = Restored { entries: 1, resumed: true, ..Restored::default() };
            assert_eq!(bench.restored(), whole, "{key:?} {how}");
        }
    }
    // Where there is no room for it either.
    let bench = with_disk(config, Room { rows: 2, ..ROOM }, &disk);
    assert!(bench.restored().no_room > 0 && !bench.restored().resumed);
}

#[test]
fn long_entries_are_kept_in_parts() {
    let (disk, config) = kept();
    let mut bench = with_disk(config, ROOM, &disk);
    assert!(bench.restored().resumed);
    assert_eq!(bench.ids(), ["e1", "long", "e3"]);
    let long = bench.agent.entries().nth(1).unwrap();
    assert_eq!(long.key.unwrap().name, "x".repeat(3_000));
    bench.connect();
    bench.request_id = 9;
    assert_eq!(bench.way.resets.len(), 0);
}

#[test]
fn what_is_not_kept_is_not_promised() {
    let (disk, config) = (Disk::default(), resume());
    let mut bench = with_disk(config, ROOM, &disk);
    disk.state().failing = true;
    bench.pass(Duration::from_secs(60));
    assert!(bench.way.resets.is_empty(), "the token is not kept");
    disk.state().failing = false;
    bench.pass(Duration::from_secs(120));
    bench.connect();
    disk.state().failing = true;
    bench.ask(1, set(1, 0, 1, 1), StatusCode::UNAVAILABLE);
    bench.ask(1, set(1, 0, 1, 1), StatusCode::UNAVAILABLE);
    // What needs no store is answered as ever, and what is due is done.
    bench.ask(0, set(1, 0, 1, 1), StatusCode::INVALID_ARGUMENT);
    assert_eq!(bench.routes(), [(1, 1)].into());
    assert!(bench.agent.store_failures() > 0);
    disk.state().failing = false;
    bench.pass(Duration::from_secs(5));
    bench.ask(1, set(1, 0, 1, 1), OK);
    assert!(restart(&bench, config, &disk).restored().resumed);
}

#[test]
fn records_of_another_machine_are_left_alone() {
    let (disk, config) = kept();
    let other = RecordKey::new([0x20; 11]);
    disk.state().durable.insert(other, vec![1, 2, 3]);
    let bench = with_disk(config, ROOM, &disk);
    assert_eq!((bench.restored().doubtful, bench.restored().resumed), (1, false));
    assert!(disk.state().durable.contains_key(&other));
}

/// A story in which everything happens that is kept.
fn story() -> Vec<Do> {
    vec![
        set(1, 0, 1, 1),
        set(2, 3, 1, 2),
        unset(3, 5, 1),
        delete(2),
        set(4, -5, 2, 4),
        finalize(-2),
        set(5, 4, 3, 5),
        set(6, 100, 4, 6),
        delete(1),
        finalize(6),
        delete(6),
        set(7, 7, 2, 7),
        set(6, 8, 2, 8),
        delete(7),
        finalize(9),
        set(8, 30, 5, 8),
    ]
}

/// A controller that sends again what was not answered OK, to an agent that loses power at
/// an operation of its store. Returns whether it did.
fn play(at: u64, written: u64, acknowledge: AckPolicy, forgets: bool) -> bool {
    let disk = Disk::default();
    let config = AgentConfig { acknowledge, ..resume() };
    let requests = story();
    // Some of them before their turn.
    let order: Vec<u64> = (1..=requests.len() as u64)
        .map(|seqno| {
            if seqno % 4 == 2 {
                seqno + 1
            } else if seqno % 4 == 3 {
                seqno - 1
            } else {
                seqno
            }
        })
        .collect();
    let mut bench = with_disk(config, ROOM, &disk);
    disk.die_at(at);
    let mut promised = BTreeSet::new();
    let mut died = false;
    'life: loop {
        bench.tick();
        if !disk.is_dead() {
            let resets = bench.way.resets.len();
            bench.connect();
            if bench.way.resets.len() > resets {
                promised.clear();
            }
        }
        let mut of = std::collections::BTreeMap::new();
        for _round in 0..4 {
            for seqno in &order {
                if disk.is_dead() {
                    // Power comes back to another agent, and perhaps to a device that has
                    // forgotten everything.
                    disk.revive(written);
                    let before = bench.way.resets.clone();
                    let mut next = restart(&bench, config, &disk);
                    if forgets {
                        next.board.configured.clear();
                    }
                    let restored = next.restored();
                    assert!(promised.is_empty() || restored.resumed, "{restored:?}");
                    next.way.resets = before;
                    (bench, died) = (next, true);
                    continue 'life;
                }
                if promised.contains(seqno) {
                    continue;
                }
                of.insert(bench.request_id, *seqno);
                for (request_id, status) in bench.send(*seqno, requests[*seqno as usize - 1]) {
                    if status == 0 || status == 9 {
                        promised.insert(of[&request_id]);
                    }
                }
                bench.pass(Duration::from_millis(300));
            }
        }
        if !disk.is_dead() {
            break;
        }
    }
    disk.spare();
    bench.pass(Duration::from_secs(60));
    let model = Model::of(&requests);
    assert_eq!(promised.len(), requests.len());
    assert_eq!(bench.agent.next_seqno(), requests.len() as u64 + 1);
    let second = bench.now.utc.unix_seconds() - super::bench::START;
    assert_eq!(bench.routes(), model.routes(second), "{:?}", bench.board.steps);
    // What is kept is what there is.
    let last = restart(&bench, config, &disk);
    let ids = |bench: &Bench| bench.ids().iter().map(|id| format!("{id} ")).collect::<Vec<_>>();
    assert_eq!(ids(&last), ids(&bench));
    died
}

#[test]
fn nothing_promised_is_lost_at_any_operation_of_the_store() {
    for acknowledge in [AckPolicy::OnExecute, AckPolicy::OnReceipt] {
        for written in [0, 1, u64::MAX] {
            for forgets in [false, true] {
                let mut at = 1;
                while play(at, written, acknowledge, forgets) {
                    at += 1;
                }
                assert!(at > 40, "only {at} operations");
            }
        }
    }
}
