//! In the end everybody knows everything.

use std::time::Duration;

use farpost::ams::mib::Introduction;

use super::cell::{Cell, MODULES};
use super::network::{Entry, Weather};

/// 20 % of datagrams are lost, 10 % arrive twice, and any may overtake another
/// that was sent half a second before.
const FOUL: Weather =
    Weather { loss: 200, duplication: 100, refusal: 20, jitter: Duration::from_millis(500) };

const MINUTE: Duration = Duration::from_secs(60);

/// A cell that lives for five minutes in foul weather. Returns how long it took
/// to agree while the weather stayed foul, and after it cleared up.
fn story(seed: u64, introduction: Introduction) -> (Cell, Duration, Duration) {
    let mut cell = Cell::new(seed, introduction, FOUL);
    cell.start_all();
    cell.network.run(MINUTE);
    cell.live(5 * MINUTE);
    // Even with the losses there comes a moment at which all are right.
    let foul = cell.settle(60 * MINUTE).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    cell.live(MINUTE);
    cell.network.weather = Weather::FAIR;
    let fair = cell.settle(3 * MINUTE).unwrap_or_else(|why| panic!("seed {seed}, fair: {why}"));
    for _ in 0..10 {
        cell.network.run(MINUTE / 4);
        let wrong = cell.disagreement();
        assert_eq!(wrong, None, "seed {seed}: they agreed, and do no more");
    }
    (cell, foul, fair)
}

fn converges(introduction: Introduction) {
    let (mut deaths, mut delivered) = (0, 0);
    for seed in 1..=10 {
        let (cell, foul, fair) = story(seed, introduction);
        let (died, got) = cell.tally();
        println!(
            "seed {seed}: agreed after {foul:?}, then {fair:?}; {died} deaths, {got} messages"
        );
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
        let mut cell = Cell::new(seed, Introduction::ByModules, FOUL);
        cell.start_all();
        cell.network.run(2 * MINUTE);
        cell.restart_registrar(Duration::from_secs(20));
        cell.live(MINUTE);
        cell.restart_server(2 * MINUTE);
        cell.live(MINUTE);
        cell.network.weather = Weather::FAIR;
        cell.settle(10 * MINUTE).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

#[test]
fn a_cell_converges_after_a_part_of_it_was_cut_off() {
    for seed in 1..=4 {
        let mut cell = Cell::new(seed, Introduction::ByModules, FOUL);
        cell.start_all();
        cell.network.run(2 * MINUTE);
        cell.network.cut_off(10..16);
        cell.live(2 * MINUTE);
        cell.network.cut_off([]);
        cell.network.weather = Weather::FAIR;
        cell.settle(10 * MINUTE).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    }
}

/// All that happened in a short story.
fn log(seed: u64) -> Vec<Entry> {
    let mut cell = Cell::new(seed, Introduction::ByModules, FOUL);
    cell.start_all();
    cell.network.run(2 * MINUTE);
    cell.live(MINUTE);
    cell.network.log
}

#[test]
fn a_seed_replays_exactly() {
    let first = log(42);
    assert!(first.len() > 1_000);
    assert_eq!(first, log(42));
    assert_ne!(first, log(43));
}
