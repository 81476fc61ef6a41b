//! RAMS over the Bundle Protocol: real daemons on loopback, which are taken away and
//! come back. They are those of dtn7; without one installed these tests say so and do
//! nothing, but where `FARPOST_DTND` names one.
#![cfg(feature = "bundle")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod command;
#[path = "../gateways/continuum.rs"]
#[expect(dead_code, reason = "not all that a continuum can do is done here")]
mod continuum;
mod dtnd;

use std::time::{Duration, Instant as RealInstant};

use bumpalo::Bump;
use farpost::ams::ids::SubjectNumber;
use farpost::host::bundle::{BundleCarriage, DaemonState, EndpointId};
use farpost::host::clock::{SystemClock, VirtualClock, system_utc};
use farpost::host::rams::{Arrivals, RamsCarriage};
use farpost::time::Clock;

use continuum::{Continua, Got, Plan, SUBJECT};
use dtnd::Node;

const DAY: Duration = Duration::from_secs(86_400);

fn carriage(endpoint: &str, node: &Node) -> BundleCarriage {
    BundleCarriage::new(EndpointId::parse(endpoint).unwrap(), node.url(), DAY).unwrap()
}

/// Continuum 1 at a node with a name, continuum 2 at one with a number.
fn two_continua<'a>(arena: &'a Bump, nodes: &[Node; 2]) -> Continua<'a> {
    let endpoints = ["dtn://one/rams", "ipn:2.7"];
    let plan = |own: usize, other: usize| Plan {
        number: u16::try_from(own + 1).unwrap(),
        neighbours: vec![(u16::try_from(other + 1).unwrap(), format!("bp@{}", endpoints[other]))],
        carriages: vec![Box::new(carriage(endpoints[own], &nodes[own]))],
    };
    // Not much faster than real time, for that is what the daemons live in.
    let clock = VirtualClock::new(system_utc(), 4);
    Continua::with_clock(arena, vec![plan(0, 1), plan(1, 0)], clock)
}

/// What continuum `seat` has got, in the order of the data: bundles have none.
fn got(continua: &Continua<'_>, seat: usize) -> Vec<Got> {
    let mut got = continua.got(seat);
    got.sort();
    got
}

#[test]
fn messages_cross_by_bundles_and_wait_for_daemons_that_are_away() {
    let Some(program) = dtnd::program() else { return };
    let mut nodes = Node::pair(&program, ["one", "2"], "mem");
    let arena = Bump::new();
    let mut continua = two_continua(&arena, &nodes);
    // The second daemon comes late.
    nodes[0].start();
    continua.until("the first gateway has a module number", |continua| {
        continua.gateway(0).module().id().is_some() || continua.gateway(0).declared().is_empty()
    });
    nodes[1].start();
    continua.join();
    for seat in 0..2 {
        continua.subscribe(seat);
    }
    continua.until("petitions are told", |continua| {
        (0..2).all(|seat| {
            continua.gateway(seat).petitions().any(|petition| {
                petition.specification().subject == SubjectNumber(SUBJECT)
                    && !petition.destinations().is_empty()
                    && petition.owed().is_empty()
            })
        })
    });
    let mut sent: [Vec<Got>; 2] = Default::default();
    let publish = |continua: &mut Continua<'_>, sent: &mut [Vec<Got>; 2], what: &str, count| {
        for number in 0..count {
            for (seat, other) in [(0, 1), (1, 0)] {
                let data = format!("{what} {number:02}").into_bytes();
                continua.publish(seat, &data);
                sent[other].push((u16::try_from(seat + 1).unwrap(), data));
            }
        }
    };
    let all_there = |continua: &mut Continua<'_>, sent: &[Vec<Got>; 2], when: &str| {
        let mut expected = sent.clone();
        expected.iter_mut().for_each(|letters| letters.sort());
        // Its own messages a module does not get.
        continua.until(when, |continua| {
            (0..2).all(|seat| got(continua, seat).len() >= expected[seat].len())
        });
        (0..2).for_each(|seat| assert_eq!(got(continua, seat), expected[seat], "{when}"));
    };

    publish(&mut continua, &mut sent, "with both", 3);
    all_there(&mut continua, &sent, "with both daemons");

    // Without the second daemon there is no link either: what comes from continuum 1
    // waits in the first daemon, what comes from 2 in its gateway.
    nodes[1].kill();
    publish(&mut continua, &mut sent, "without the second", 10);
    continua.until("gateway 2 keeps its messages", |continua| continua.gateway(1).waiting() >= 9);
    continua.until("gateway 1 is rid of its", |continua| continua.gateway(0).waiting() == 0);
    assert_eq!(got(&continua, 0).len(), 3);
    nodes[1].start();
    all_there(&mut continua, &sent, "after the second daemon returned");

    // The same with the first, which is gone for as long as it takes to start.
    nodes[0].kill();
    publish(&mut continua, &mut sent, "during a restart", 5);
    nodes[0].start();
    all_there(&mut continua, &sent, "after the first daemon was restarted");

    // Nothing comes twice, however long one waits.
    let quiet = RealInstant::now() + Duration::from_secs(3);
    continua.until("three seconds are over", |_| RealInstant::now() >= quiet);
    all_there(&mut continua, &sent, "after a while");
    for seat in 0..2 {
        let stats = *continua.gateway(seat).stats();
        assert_eq!((stats.malformed, stats.strangers, stats.too_long), (0, 0, 0));
    }
}

/// Bundles live in the daemons' stores while daemons and gateways come and go.
#[test]
fn bundles_outlive_restarts_of_daemons_with_a_store_on_disk() {
    let Some(program) = dtnd::program() else { return };
    let mut nodes = Node::pair(&program, ["1", "2"], "sled");
    let clock = SystemClock::new();
    let limit = RealInstant::now() + Duration::from_secs(120);
    let waits = |what: &str| {
        assert!(RealInstant::now() < limit, "this did not come: {what}");
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut near = carriage("ipn:1.1", &nodes[0]);
    nodes[0].start();
    while near.state() != DaemonState::Joined {
        near.run(clock.now());
        waits("the carriage joins");
    }
    let to = near.resolve(clock.now(), "ipn:2.1").unwrap();
    let long = vec![b'x'; 65_028];
    let rpdus = [&b"first"[..], b"second", &long];
    for rpdu in rpdus {
        near.send(clock.now(), &to, rpdu).unwrap();
    }
    while near.is_sending() {
        near.run(clock.now());
        waits("the daemon takes them");
    }
    assert_eq!(near.stats().sent, 3);
    nodes[0].until("they are in its store", |node| node.stored("ipn:2.1") == 3);
    // Both the daemon and the gateway there end; the daemon returns, and finds its peer.
    drop(near);
    nodes[0].kill();
    nodes[0].start();
    nodes[1].start();
    nodes[1].until("they are in the store of the other", |node| node.stored("ipn:2.1") == 3);
    // There is nobody to receive them, and that daemon ends too.
    nodes[1].kill();
    nodes[1].start();
    let mut far = carriage("ipn:2.1", &nodes[1]);
    let from = far.resolve(clock.now(), "ipn:1.1").unwrap();
    let mut received: Vec<Vec<u8>> = Vec::new();
    let mut last = RealInstant::now();
    while received.len() < 3 || last.elapsed() < Duration::from_secs(2) {
        far.run(clock.now());
        let mut arrivals = Arrivals::default();
        far.receive(clock.now(), &mut arrivals);
        for (source, rpdu) in arrivals.iter() {
            assert_eq!(*source, from);
            received.push(rpdu.to_vec());
            last = RealInstant::now();
        }
        waits("everything arrives");
    }
    received.sort();
    assert_eq!(received, rpdus);
    assert_eq!((far.stats().received, far.stats().unreadable), (3, 0));
    nodes[1].until("it has forgotten them", |node| node.stored("ipn:2.1") == 0);
}
