//! Power is lost at every write there is, and at any.

#[cfg(feature = "flash")]
mod flash;

use super::*;

/// A conversation of half an hour: scans granted, refused, cancelled, executed and
/// reported, and a schedule that is worked through while the SSM is cut off.
fn converse(world: &mut World) {
    let wish = |device: &'static str, start, repeats| Wish {
        devices: device.into(),
        series: Series { start: MONDAY + start, minutes: 2, repeats, offset: 4 },
        when: When::Exact,
        across_weeks: false,
        parameters: SCAN,
    };
    world.run(60_000);
    let ask = |world: &mut World, wish: &Wish<'_>| {
        let asked = world.actors[0].0.request(wish);
        asked.unwrap()
    };
    ask(world, &wish(DEVICES[0], 3, 3));
    world.run(80_000);
    // A slot of it is taken.
    ask(world, &wish(DEVICES[0], 4, 0));
    world.actors.iter_mut().for_each(|(actor, _)| actor.copy_inventory());
    world.run(130_000);
    let dropped = ask(world, &wish(DEVICES[0], 9, 2));
    ask(world, &wish("nowhere", 9, 2));
    world.run(200_000);
    // It may be settled: the SSM may have said that it is in the past by now.
    let _ = world.actors[0].0.cancel(dropped);
    world.run(400_000);
    world.net.cut.insert(SSM);
    world.run(1_000_000);
    world.net.cut.remove(&SSM);
    world.run(1_800_000);
}

/// The same, with power lost at the `nth` operation of the store of a node.
fn with_loss(node: u8, nth: u64, written: u64) -> World {
    let mut world = World::new(nth, 0);
    world.written = written;
    world.disks[usize::from(node)].die_at(nth);
    world.restart();
    converse(&mut world);
    let mut hours = 0;
    while !world.settled() && hours < 10 {
        world.run(world.net.now + HOUR);
        hours += 1;
    }
    assert!(world.settled(), "node {node} at {nth}: requests are open for ever");
    world.check();
    world
}

/// Loses power at every operation of a node, with nothing of what was not durable or
/// with some of it. Returns how many operations there are.
fn lose_power_at_every_write(node: u8) -> u64 {
    let mut nth = 1;
    while with_loss(node, nth, nth % 3).losses > 0 {
        nth += 1;
    }
    nth - 1
}

#[test]
fn nothing_promised_is_lost_at_any_write_of_an_ssm() {
    let writes = lose_power_at_every_write(SSM);
    assert!(writes > 40, "{writes}");
}

#[test]
fn nothing_is_done_twice_at_any_write_of_an_ssd() {
    let writes = lose_power_at_every_write(1);
    assert!(writes > 40, "{writes}");
}

#[test]
fn nothing_is_left_open_at_any_write_of_an_actor() {
    let writes = lose_power_at_every_write(FIRST_ACTOR);
    assert!(writes > 20, "{writes}");
}

#[test]
fn the_schedule_is_worked_through_with_no_ssm_in_reach_and_reported_later() {
    let mut world = World::new(11, 0);
    converse(&mut world);
    world.check();
    let (_, told) = &world.actors[0];
    // Those of 00:07 on ended while the SSM was cut off, for longer than its patience.
    let outcomes = told.reports.iter().filter(|(scan, _)| scan.request == RequestId(1));
    assert_eq!(outcomes.count(), 4);
    assert!(world.ssds[0].0.stats().reports_acknowledged >= 4);
    assert_eq!(world.losses, 0);
    // Once more, and the device loses power while it is alone.
    let mut world = World::new(11, 0);
    converse_until_alone(&mut world);
    world.disks[1].die_at(1);
    world.net.cut.insert(SSM);
    world.run(1_000_000);
    assert_eq!(world.losses, 1);
    assert_eq!(world.ssds[0].0.restored().damaged, 0);
    assert!(world.ssds[0].0.unacknowledged() > 0, "reports wait for the SSM");
    let begun = world.ssds[0].1.begun.len();
    assert!(begun >= 3, "it went on by itself: {begun}");
    world.net.cut.remove(&SSM);
    world.run(1_800_000);
    assert_eq!(world.ssds[0].0.unacknowledged(), 0);
    let owed = 0..4;
    let told = &world.actors[0].1.reports;
    let actor = world.actors[0].0.id();
    for occurrence in owed {
        assert!(told.contains_key(&ScanId { actor, request: RequestId(1), occurrence }));
    }
}

/// A scan of four occurrences is handed out.
fn converse_until_alone(world: &mut World) {
    world.run(60_000);
    let series = Series { start: MONDAY + 3, minutes: 2, repeats: 3, offset: 4 };
    let wish = Wish {
        devices: DEVICES[0].into(),
        series,
        when: When::Exact,
        across_weeks: false,
        parameters: SCAN,
    };
    world.actors[0].0.request(&wish).unwrap();
    world.run(120_000);
}

#[test]
fn a_day_of_power_losses_adds_up() {
    for seed in 21..=22 {
        let mut world = World::new(seed, 10);
        world.run(60_000);
        while world.net.now < 20 * HOUR {
            let node = world.random.below(6) as usize;
            world.written = world.random.below(4);
            world.disks[node].die_at(1 + world.random.below(12));
            world.half_hour();
        }
        let end = world.net.now + 30 * HOUR;
        while !world.settled() && world.net.now < end {
            world.run(world.net.now + HOUR);
        }
        assert!(world.settled(), "seed {seed}: requests are open for ever");
        world.check();
        assert!(world.losses > 20, "seed {seed}: {}", world.losses);
        let reports = world.actors.iter().flat_map(|(_, told)| told.reports.values());
        let complete = reports.filter(|outcome| **outcome == Outcome::Complete).count();
        assert!(complete > 30, "seed {seed}: {complete}");
    }
}
