//! Gateways on a host: continua on loopback, each with its configuration server,
//! registrar, gateway and a module, joined by UDP and by a carriage of the test.
#![cfg(feature = "std")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod continuum;
mod pipe;

use std::cell::Cell;

use bumpalo::Bump;
use farpost::ams::gateway::{GatewayConfig, NeighbourSet};
use farpost::ams::ids::{ContextNumber, SubjectNumber};
use farpost::ams::service::Message;
use farpost::host::gateway::{GatewayCapacity, GatewayHost, GatewaySetup};
use farpost::host::module::ModuleSockets;
use farpost::host::net::NameStyle;
use farpost::host::rams::{RamsCarriage, UdpCarriage};
use farpost::time::Now;

use continuum::{Continua, LOCAL, Plan, SUBJECT, VENTURE};
use pipe::Pipe;

/// Continuum 1 in the middle: 2 by UDP, 3 by the pipe, which are in its MIB each by
/// the location of its own service.
fn three(arena: &Bump) -> (Continua<'_>, Pipe) {
    let (continua, near, _) = three_and_the_far_end(arena);
    (continua, near)
}

fn three_and_the_far_end(arena: &Bump) -> (Continua<'_>, Pipe, Pipe) {
    let socket = || UdpCarriage::bind((LOCAL, 0).into()).unwrap();
    let (udp1, udp2) = (socket(), socket());
    let (pipe1, pipe3) = Pipe::pair();
    let at = |socket: &UdpCarriage| format!("udp@{}", socket.local());
    let (at1, at2) = (at(&udp1), at(&udp2));
    let (near, far) = (pipe1.clone(), pipe3.clone());
    let plans = vec![
        Plan {
            number: 1,
            neighbours: vec![(2, at2), (3, "pipe@far".into())],
            carriages: vec![Box::new(udp1), Box::new(pipe1)],
        },
        Plan { number: 2, neighbours: vec![(1, at1)], carriages: vec![Box::new(udp2)] },
        Plan {
            number: 3,
            neighbours: vec![(1, "pipe@near".into())],
            carriages: vec![Box::new(pipe3)],
        },
    ];
    (Continua::new(arena, plans), near, far)
}

#[test]
fn messages_cross_by_whatever_carriage_leads_to_the_neighbour() {
    let arena = Bump::new();
    let (mut continua, _) = three(&arena);
    continua.join();
    for to in 0..3 {
        continua.subscribe(to);
    }
    continua.until("petitions are told", |continua| {
        (0..3)
            .all(|one| continua.gateway(one).petitions().all(|petition| petition.owed().is_empty()))
            && continua.gateway(0).petitions().count() == 4
            && continua.gateway(1).petitions().count() == 3
            && continua.gateway(2).petitions().count() == 3
    });
    continua.publish(0, b"from one");
    continua.until("two and three have it", |continua| {
        (1..3).all(|to| continua.got(to).contains(&(1, b"from one".to_vec())))
    });
    continua.publish(1, b"from two");
    continua.publish(2, b"from three");
    continua.until("one has both", |continua| continua.got(0).len() == 2);
    // In a mesh a gateway does not pass on: 2 and 3 are no neighbours.
    assert_eq!(continua.got(1).len(), 1);
    assert_eq!(continua.got(2).len(), 1);

    // A query and its reply.
    let query = Message { context: ContextNumber(7), ..Message::new(SubjectNumber(SUBJECT), b"?") };
    continua.query(2, 1, &query);
    continua.until("the reply is there", |continua| {
        continua.got(2).contains(&(1, b"reply to ?".to_vec()))
    });
}

#[test]
fn what_a_carriage_refuses_waits_and_is_delivered() {
    let arena = Bump::new();
    let (mut continua, switch) = three(&arena);
    continua.join();
    continua.subscribe(2);
    continua.until("the petition is told", |continua| {
        continua.gateway(0).petitions().any(|petition| {
            petition.specification().subject == SubjectNumber(SUBJECT)
                && !petition.destinations().is_empty()
        })
    });
    switch.cut(true);
    for count in 0..5_u8 {
        continua.publish(0, &[count]);
    }
    continua.until("they wait", |continua| continua.gateway(0).waiting() == 5);
    switch.cut(false);
    continua.until("they are delivered", |continua| continua.got(2).len() == 5);
    let expected: Vec<_> = (0..5).map(|count| (1, vec![count])).collect();
    assert_eq!(continua.got(2), expected);
    let store = *continua.gateway(0).store_stats();
    assert_eq!((store.kept, store.delivered, store.displaced), (5, 5, 0));
}

#[test]
fn rpdus_wait_until_the_gateway_knows_its_message_space() {
    let arena = Bump::new();
    let (mut continua, _, mut far) = three_and_the_far_end(&arena);
    let to = far.resolve(Now::default(), "near").unwrap();
    far.send(Now::default(), &to, b"no RPDU").unwrap();
    let turns = Cell::new(0);
    continua.until("some turns are over", |_| turns.replace(turns.get() + 1) > 20);
    assert_eq!(continua.gateway(0).stats().received, 0);
    continua.join();
    continua.until("it is received", |continua| continua.gateway(0).stats().malformed == 1);
}

#[test]
fn a_gateway_that_leaves_is_no_neighbour_any_more() {
    let arena = Bump::new();
    let (mut continua, _) = three(&arena);
    continua.join();
    continua.unregister_gateway(1);
    continua.until("one has heard it", |continua| {
        continua.gateway(0).declared() == NeighbourSet::one(1)
    });
}

#[test]
fn carriages_have_numbers_of_their_own_and_neighbours_without_one_are_told() {
    let arena = Bump::new();
    let mib =
        continuum::mib(&arena, 1, "127.0.0.1:1", &[(2, "udp@127.0.0.1:9"), (3, "bp@ipn:3.1")]);
    let setup = GatewaySetup {
        venture: VENTURE,
        unit: farpost::ams::ids::UnitNumber::ROOT,
        style: NameStyle::Address,
        config: GatewayConfig::default(),
        capacity: GatewayCapacity { messages: 1, octets: 61, ..continuum::CAPACITY },
    };
    let udp = || Box::new(UdpCarriage::bind((LOCAL, 0).into()).unwrap());
    let sockets = || ModuleSockets::bind(LOCAL, 0).unwrap();
    let twice = GatewayHost::new(&arena, mib, setup, sockets(), vec![udp(), udp()], ());
    assert!(twice.unwrap_err().to_string().contains("[2, 3, 3]"));
    let once = GatewayHost::new(&arena, mib, setup, sockets(), vec![udp()], ()).unwrap();
    let unserved: Vec<_> = once.unserved(mib).map(|space| space.gateway).collect();
    assert_eq!(unserved, ["bp@ipn:3.1"]);
}
