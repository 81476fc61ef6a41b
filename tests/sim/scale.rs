//! A message space of twenty cells and up to two thousand modules.

use std::env;
use std::time::{Duration, Instant};

use bumpalo::Bump;
use farpost::ams::ids::{SubjectNumber, UnitNumber, VentureNumber};
use farpost::ams::mib::{Introduction, Policy};
use farpost::ams::module::{RuleKind, RuleRequest};

use super::continuum::{Cell, Continuum, Layout};
use super::entity::Way;
use super::network::{NodeId, Weather};
use super::scenario::Action;

const CELLS: u16 = 20;
/// One module in so many subscribes to subject 1, and as many others publish on it.
const SHARE: usize = 20;

/// Between resynchronisations, in heartbeats of registrars and in time.
const RESYNC_PERIOD: u32 = 12;
const RESYNC: Duration = Duration::from_secs(120);

/// Modules a cell: `FARPOST_CELL`, which is 100 for the whole of it, or 5.
fn modules() -> u16 {
    env::var("FARPOST_CELL").map_or(5, |text| text.parse().expect("a number of modules"))
}

fn layout(introduction: Introduction) -> Layout {
    let modules = modules();
    let all = usize::from(modules * CELLS);
    let cell = |unit| Cell {
        venture: VentureNumber(1),
        unit: UnitNumber(unit),
        name: if unit == 0 { String::new() } else { format!("post {unit}") },
        modules,
    };
    // All modules tell all others of themselves at each resynchronisation.
    let policy = Policy { introduction, aggregation: Duration::from_secs(1), ..Policy::NOMINAL };
    Layout {
        cells: (0..CELLS).map(cell).collect(),
        policy,
        rules: all * 3,
        dossiers: all + 16,
        resync_period: RESYNC_PERIOD,
        watched: false,
        ..Layout::cell(0, introduction)
    }
}

/// Prints what has happened since `before`, and how long it took.
fn tell(space: &Continuum<'_>, what: &str, took: Duration, before: &mut (u64, Instant)) {
    let posted = space.network.posted();
    println!(
        "{what}: after {took:?} of virtual time, {} datagrams, {:.1?}",
        posted - before.0,
        before.1.elapsed()
    );
    *before = (posted, Instant::now());
}

fn grows(introduction: Introduction) {
    const LIMIT: Duration = Duration::from_secs(600);
    const LOOK: Duration = Duration::from_secs(10);
    let arena = Bump::new();
    let mut space = Continuum::new(&arena, 1, layout(introduction), Weather::FAIR);
    println!("{} modules in {CELLS} cells, {introduction:?}", space.modules().len());
    let mut before = (0, Instant::now());

    // Only registrars that have been told of all other cells introduce modules.
    space.network.run(RESYNC * 2);
    space.start_all();
    let took = space.settle_looking_every(LOOK, LIMIT).unwrap();
    tell(&space, "all have joined and agree", took, &mut before);

    let some: Vec<NodeId> = space.modules().step_by(SHARE).collect();
    for node in &some {
        let request = RuleRequest::new(SubjectNumber(1));
        space.perform(&Action::Assert(*node, RuleKind::Subscription, request)).unwrap();
    }
    space.network.run(Duration::from_secs(1));
    for node in &some {
        let number = space.next_letter();
        let written = space.member(node + 1, |member, now, transport| {
            member.write(now, Way::Publish, SubjectNumber(1), number, transport)
        });
        written.unwrap().unwrap();
    }
    space.network.run(Duration::from_secs(1));
    let delivered = usize::try_from(space.tally().1).unwrap();
    assert_eq!(delivered, some.len() * some.len(), "every message to every subscriber");
    tell(&space, "some subscribed and others published", Duration::from_secs(2), &mut before);

    let registrar = space.registrars().start;
    space.restart(registrar, Duration::from_secs(30));
    let took = space.settle_looking_every(LOOK, LIMIT).unwrap();
    tell(&space, "a registrar crashed and came back, and all agree", took, &mut before);
    assert_eq!(space.tally().0, 0, "nobody was declared dead");
    println!("{} octets of storage", arena.allocated_bytes());
}

#[test]
fn a_large_message_space_agrees_when_modules_introduce_themselves() {
    grows(Introduction::ByModules);
}

#[test]
fn a_large_message_space_agrees_when_registrars_introduce_modules() {
    grows(Introduction::ByRegistrar);
}
