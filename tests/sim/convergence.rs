//! In the end everybody in a cell of twenty modules knows everything.

use std::time::Duration;

use bumpalo::Bump;
use farpost::ams::mib::Introduction;
use farpost::ams::pdu::{Mpdu, MpduType};

use super::continuum::{Continuum, Layout};
use super::network::{NodeId, Weather};
use super::scenario::Dice;

/// The modules of the cell; the configuration server is node 0, the registrar 1.
const MODULES: u16 = 20;
const SERVER: NodeId = 0;
const REGISTRAR: NodeId = 1;

/// 20 % of datagrams are lost, 10 % arrive twice, and any may overtake another
/// that was sent half a second before.
const FOUL: Weather =
    Weather { loss: 200, duplication: 100, refusal: 20, jitter: Duration::from_millis(500) };

const MINUTE: Duration = Duration::from_secs(60);

fn cell(arena: &Bump, seed: u64, introduction: Introduction) -> Continuum<'_> {
    // Shown when the test fails, wherever that is.
    println!("seed {seed}, {introduction:?}");
    let mut cell = Continuum::new(arena, seed, Layout::cell(MODULES, introduction), FOUL);
    cell.start_all();
    cell
}

/// For `span`, modules assert, cancel, issue messages, crash, leave and come back
/// at random.
fn live(cell: &mut Continuum<'_>, span: Duration) {
    let end = cell.network.now().monotonic.after(span);
    while cell.network.now().monotonic < end {
        let pause = cell.network.random().u64(10..500);
        cell.network.run(Duration::from_millis(pause));
        let nodes = cell.modules();
        let random = cell.network.random();
        let node = random.u16(nodes);
        let action = Dice(random).of_a_module(node);
        let down = cell.network.node(node).is_none();
        if down { cell.revive(node) } else { cell.perform(&action).unwrap() }
    }
    cell.modules().for_each(|node| cell.revive(node));
}

/// A cell that lives for five minutes in foul weather. Prints how long it took to
/// agree while the weather stayed foul, and after it cleared up. Returns how often
/// modules were declared dead, and how many messages were delivered.
fn story(seed: u64, introduction: Introduction) -> (u32, u32) {
    let arena = Bump::new();
    let mut cell = cell(&arena, seed, introduction);
    cell.network.run(MINUTE);
    live(&mut cell, 5 * MINUTE);
    // Even with the losses there comes a moment at which all are right.
    let foul = cell.settle(60 * MINUTE).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    live(&mut cell, MINUTE);
    cell.network.weather = Weather::FAIR;
    let fair = cell.settle(3 * MINUTE).unwrap_or_else(|why| panic!("seed {seed}, fair: {why}"));
    for _ in 0..10 {
        cell.network.run(MINUTE / 4);
        let wrong = cell.disagreement();
        assert_eq!(wrong, None, "seed {seed}: they agreed, and do no more");
    }
    cell.examine().unwrap();
    assert_eq!(cell.network.broken(), None);
    let (deaths, delivered) = cell.tally();
    println!("agreed after {foul:?}, then {fair:?}; {deaths} deaths, {delivered} messages");
    (deaths, delivered)
}

fn converges(introduction: Introduction) {
    let (mut deaths, mut delivered) = (0, 0);
    for seed in 1..=10 {
        let (died, got) = story(seed, introduction);
        deaths += died;
        delivered += got;
    }
    assert!(deaths > 0, "nobody was declared dead by mistake: the weather was too fair");
    assert!(delivered > 10 * u32::from(MODULES), "hardly any messages: {delivered}");
}

#[test]
fn a_cell_converges_when_modules_introduce_themselves() {
    converges(Introduction::ByModules);
}

#[test]
fn a_cell_converges_when_the_registrar_introduces_modules() {
    converges(Introduction::ByRegistrar);
}

#[test]
fn a_cell_converges_after_its_registrar_and_its_server_were_restarted() {
    for seed in 1..=4 {
        let arena = Bump::new();
        let mut cell = cell(&arena, seed, Introduction::ByModules);
        cell.network.run(2 * MINUTE);
        cell.restart(REGISTRAR, Duration::from_secs(20));
        live(&mut cell, MINUTE);
        cell.restart(SERVER, 2 * MINUTE);
        live(&mut cell, MINUTE);
        cell.network.weather = Weather::FAIR;
        cell.settle(10 * MINUTE).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

#[test]
fn a_cell_converges_after_a_part_of_it_was_cut_off() {
    for seed in 1..=4 {
        let arena = Bump::new();
        let mut cell = cell(&arena, seed, Introduction::ByModules);
        cell.network.run(2 * MINUTE);
        cell.network.cut_off(10..16);
        live(&mut cell, 2 * MINUTE);
        cell.network.cut_off([]);
        cell.network.weather = Weather::FAIR;
        cell.settle(10 * MINUTE).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

/// What stands for all that happened in a short story.
fn history(seed: u64) -> u64 {
    let arena = Bump::new();
    let mut cell = cell(&arena, seed, Introduction::ByModules);
    cell.network.run(2 * MINUTE);
    live(&mut cell, MINUTE);
    assert!(cell.network.posted() > 1_000);
    cell.network.history()
}

#[test]
fn a_seed_replays_exactly() {
    let first = history(42);
    assert_eq!(first, history(42));
    assert_ne!(first, history(43));
}

/// A cell in fair weather that is never resynchronised.
fn fair_cell(arena: &Bump) -> Continuum<'_> {
    let layout = Layout { resync_period: 0, ..Layout::cell(MODULES, Introduction::ByModules) };
    let mut cell = Continuum::new(arena, 1, layout, Weather::FAIR);
    cell.start_all();
    cell.settle(2 * MINUTE).unwrap();
    cell
}

#[test]
fn whoever_was_declared_dead_is_told_at_its_next_heartbeat() {
    let arena = Bump::new();
    let mut cell = fair_cell(&arena);
    // What it sends is lost, and so is the news of its death.
    let dead = |octets: &[u8]| {
        Mpdu::parse(octets).is_ok_and(|mpdu| mpdu.mpdu_type() == MpduType::YOU_ARE_DEAD)
    };
    cell.network.censor = Some(Box::new(move |from, _, octets| from == 5 || dead(octets)));
    // N6 and a half periods of N4, and one more for the phase.
    cell.network.run(Duration::from_secs(90));
    assert_eq!(cell.tally().0, 0);
    cell.network.censor = None;
    cell.network.run(Duration::from_millis(20_100));
    assert_eq!(cell.tally().0, 1);
    assert_eq!(cell.members().find(|(_, member)| member.deaths > 0).map(|(node, _)| node), Some(5));
    cell.settle(Duration::from_secs(5)).unwrap();
}

#[test]
fn whom_the_registrar_takes_for_dead_all_forget_at_once() {
    let arena = Bump::new();
    let mut cell = fair_cell(&arena);
    let gone = cell.members().find(|(node, _)| *node == 5).and_then(|(_, it)| it.module.id());
    cell.network.crash(5);
    // N6 and a half periods of N4, one more for the phase, and the way there.
    cell.network.run(Duration::from_millis(90_100));
    for (node, member) in cell.members() {
        assert!(member.module.peers().all(|peer| Some(peer.id()) != gone), "node {node}");
    }
}
