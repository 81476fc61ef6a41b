//! One SSM, many SSDs and a few Actors on virtual time, over links that lose, repeat
//! and reorder, while devices and Actors start anew and clocks go wrong: nothing is
//! booked twice, every occurrence is reported once, and the inventory is what is so.
//!
//! `FARPOST_DEVICES` is how many devices there are, 60 without it.
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

mod world;

use std::time::Instant;

use world::{Clocks, World};

/// Sunday, 2026-11-22T22:00Z, in minutes since 1970: a week ends soon.
const SUNDAY: i64 = 29_923_080;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

fn devices() -> usize {
    std::env::var("FARPOST_DEVICES").map_or(60, |text| text.parse().expect("a number"))
}

/// From Sunday evening on into the next week: hours of requests, with a tenth of the
/// devices and one Actor started anew, then as long as it takes until all is told.
fn fleet(seed: u64, devices: usize, loss: u64, clocks: Clocks) -> World {
    let began = Instant::now();
    let mut world = World::new(seed, devices, loss, SUNDAY, clocks);
    world.run(10 * MINUTE);
    for round in 0..16 {
        world.wish(devices / 4 + 1);
        world.run((round + 1) * 15 * MINUTE);
        for _ in 0..devices / 150 + 1 {
            world.restart_device();
        }
        if round == 9 {
            world.restart_actor();
        }
    }
    let end = 48 * HOUR;
    while !world.is_settled() && world.now() < end {
        world.run(world.now() + HOUR);
    }
    assert!(world.is_settled(), "seed {seed}: something is open for ever");
    world.copy_inventory();
    world.run(world.now() + 2 * HOUR);
    world.check();
    let (events, granted, reports) = world.sums();
    println!(
        "{devices} devices, seed {seed}: {events} events, {granted} scans granted, {reports} reports in {:.1} s",
        began.elapsed().as_secs_f64()
    );
    world
}

#[test]
fn a_fleet_over_bad_links_adds_up() {
    let devices = devices();
    let world = fleet(1, devices, 15, Clocks::Good);
    let (_, granted, reports) = world.sums();
    assert!(granted > devices && reports > 2 * devices, "{granted} granted, {reports} reports");
    let outcomes = world.outcomes();
    assert!(outcomes["complete"] > reports / 3, "{outcomes:?}");
    assert!(outcomes.len() == 3, "{outcomes:?}");
}

#[test]
fn a_week_ends_and_nothing_is_lost() {
    let world = fleet(2, 30, 0, Clocks::Good);
    assert!(world.in_next_week() > 0, "some scans are in the week after");
    assert_eq!(world.ssm.stats().link.malformed, 0);
}

/// A minute of 61 seconds at the end of Sunday: POSIX clocks repeat its last.
#[test]
fn a_leap_second_moves_no_slot() {
    let world = fleet(3, 30, 5, Clocks::Leap);
    assert!(world.across_midnight() > 0, "a scan runs as the second is repeated");
    let outcomes = world.outcomes();
    assert!(outcomes["complete"] > outcomes["rejected"], "{outcomes:?}");
}

/// Clocks of devices are stepped by up to five minutes either way, and lost for a while.
#[test]
fn clocks_that_step_lose_no_report() {
    let world = fleet(4, 30, 5, Clocks::Stepping);
    assert!(world.steps() > 10);
    let outcomes = world.outcomes();
    assert!(outcomes["rejected"] > 0, "{outcomes:?}");
}

#[test]
fn a_seed_gives_the_same_fleet_again() {
    let [a, b] = [fleet(5, 8, 20, Clocks::Stepping), fleet(5, 8, 20, Clocks::Stepping)];
    assert_eq!(a.ssm.stats(), b.ssm.stats());
    assert_eq!(a.sums(), b.sums());
}
