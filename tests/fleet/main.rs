//! One SSM, many SSDs and a few Actors on virtual time, over links that lose, repeat
//! and reorder, while devices and Actors start anew and clocks go wrong: nothing is
//! booked twice, every occurrence is reported once, and the inventory is what is so.
//!
//! Nodes lose power at any write of their stores, or have none and start over.
//!
//! `FARPOST_DEVICES` is how many devices there are, 60 without it, and `FARPOST_FLEETS` how many
//! fleets of the first two tests, 1 without it. `FARPOST_FLEET` is the seed of the first.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod check;
#[path = "../../src/store/disk.rs"]
mod disk;
mod net;
mod nodes;
mod world;

use std::time::Instant;

use world::{Clocks, Memory, World};

/// Sunday, 2026-11-22T22:00Z, in minutes since 1970: a week ends soon.
const SUNDAY: i64 = 29_923_080;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn devices() -> usize {
    number("FARPOST_DEVICES", 60) as usize
}

/// The seeds of so many fleets as are asked for.
fn seeds() -> std::ops::Range<u64> {
    let first = number("FARPOST_FLEET", 1);
    first..first + number("FARPOST_FLEETS", 1)
}

/// From Sunday evening on into the next week: hours of requests, while power is lost by a
/// tenth of the devices, by Actors and by the SSM, then as long as it takes until all is told.
fn fleet(seed: u64, devices: usize, loss: u64, clocks: Clocks, memory: Memory) -> World {
    let began = Instant::now();
    println!("seed {seed}, {memory:?}");
    let mut world = World::new(seed, devices, loss, SUNDAY, clocks, memory);
    world.run(10 * MINUTE);
    for round in 0..16 {
        world.wish(devices / 4 + 1);
        world.run((round + 1) * 15 * MINUTE);
        for _ in 0..devices / 150 + 1 {
            world.restart_device();
        }
        if round % 3 == 1 {
            world.restart_actor();
        }
        if round % if memory == Memory::Store { 3 } else { 5 } == 2 {
            world.restart_ssm();
        }
    }
    world.calm();
    let end = 48 * HOUR;
    while !world.is_settled() && world.now() < end {
        world.run(world.now() + HOUR);
    }
    assert!(world.is_settled(), "seed {seed}: something is open for ever");
    world.copy_inventory();
    world.check();
    let (events, granted, reports) = world.sums();
    println!(
        "{devices} devices, seed {seed}: {events} events, {granted} scans granted, {reports} reports, \
         power lost: {:?}, in {:.1} s",
        world.losses,
        began.elapsed().as_secs_f64()
    );
    assert!(world.losses.ssm >= 3 && world.losses.devices >= 10 && world.losses.actors >= 4);
    world
}

#[test]
fn a_fleet_over_bad_links_adds_up() {
    let devices = devices();
    for seed in seeds() {
        let world = fleet(seed, devices, 15, Clocks::Good, Memory::Store);
        let (_, granted, reports) = world.sums();
        assert!(granted > devices && reports > 2 * devices, "{granted} granted, {reports} reports");
        let outcomes = world.outcomes();
        assert!(outcomes["complete"] > reports / 3, "{outcomes:?}");
        assert!(outcomes.len() == 3, "{outcomes:?}");
    }
}

/// The SSM has no store, and starts over each time.
#[test]
fn a_fleet_whose_ssm_forgets_adds_up() {
    let devices = devices();
    for seed in seeds() {
        let world = fleet(seed, devices, 15, Clocks::Good, Memory::None);
        let (_, granted, reports) = world.sums();
        assert!(granted > devices && reports > devices / 2, "{granted} granted, {reports} reports");
        assert!(world.outcomes()["complete"] > reports / 4, "{:?}", world.outcomes());
    }
}

#[test]
fn a_week_ends_and_nothing_is_lost() {
    let world = fleet(2, 30, 0, Clocks::Good, Memory::Store);
    assert!(world.in_next_week() > 0, "some scans are in the week after");
    assert_eq!(world.ssm.stats().link.malformed, 0);
}

/// A minute of 61 seconds at the end of Sunday: POSIX clocks repeat its last.
#[test]
fn a_leap_second_moves_no_slot() {
    let world = fleet(3, 30, 5, Clocks::Leap, Memory::Store);
    assert!(world.across_midnight() > 0, "a scan runs as the second is repeated");
    let outcomes = world.outcomes();
    assert!(outcomes["complete"] > outcomes["rejected"], "{outcomes:?}");
}

/// Clocks of devices are stepped by up to five minutes either way, and lost for a while.
#[test]
fn clocks_that_step_lose_no_report() {
    let world = fleet(4, 30, 5, Clocks::Stepping, Memory::Store);
    assert!(world.steps() > 10);
    let outcomes = world.outcomes();
    assert!(outcomes["rejected"] > 0, "{outcomes:?}");
}

#[test]
fn a_seed_gives_the_same_fleet_again() {
    let [a, b] = [5, 5].map(|seed| fleet(seed, 12, 20, Clocks::Stepping, Memory::Store));
    assert_eq!(a.ssm.stats(), b.ssm.stats());
    assert_eq!(a.sums(), b.sums());
}
