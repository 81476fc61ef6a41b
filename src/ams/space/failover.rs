//! Fail-over of the configuration server (2.3.6, 4.2.1).

use super::*;
use crate::ams::ids::ContinuumNumber;
use crate::ams::mib::{Policy, Role, Unit, Venture};
use crate::ams::registrar::RegistrarState;
use core::time::Duration;

const VENTURE: Venture<'_> = Venture {
    units: &[Unit::ROOT, Unit::new(UnitNumber(1), "a")],
    roles: &[Role::new(RoleNumber(2), "two")],
    ..Venture::new(VentureNumber(1), "demo", "test")
};

/// Two *I_am_running* may be missing: a server takes over 130 s after the last, or
/// 140 s if it is at the third location.
const POLICY: Policy = Policy { census: Some(Duration::ZERO), takeover: 2, ..Policy::NOMINAL };

const fn mib(config_servers: &'static [&'static str]) -> Mib<'static> {
    Mib {
        config_servers,
        ventures: &[VENTURE],
        policy: POLICY,
        ..Mib::new(ContinuumNumber::from_bits(1), "test")
    }
}

/// All servers, two registrars and a module in each cell, 30 s after the start.
fn space(servers: &'static [&'static str]) -> Space {
    let mut space = Space::new(mib(servers));
    for location in 0..servers.len() {
        space.start_server(location);
    }
    space.start_registrar("r0", 1, 0);
    space.start_registrar("r1", 1, 1);
    space.start_module("m0", 1, 0, 2);
    space.start_module("m1", 1, 1, 2);
    space.run(30);
    assert_eq!(space.cells("cs0"), ["1.0", "1.1"]);
    space
}

fn all_noted(space: &Space) -> bool {
    space.registrars.values().all(|registrar| registrar.state() == RegistrarState::Noted)
}

#[test]
fn clause_4_2_1_2_without_the_policy_a_server_ceases_for_good() {
    let policy = Policy { takeover: 0, ..POLICY };
    let mut space = Space::new(Mib { policy, ..mib(&["cs0", "cs1"]) });
    space.start_server(0);
    space.start_server(1);
    space.run(1);
    assert_eq!(space.server_state("cs1"), ConfigServerState::Outranked);
    space.crash("cs0");
    space.run(3_600);
    assert_eq!(space.server_state("cs1"), ConfigServerState::Outranked);
}

#[test]
fn clause_2_3_6_a_server_that_stands_by_takes_over_and_gives_back() {
    let mut space = space(&["cs0", "cs1"]);
    assert_eq!(space.server_state("cs1"), ConfigServerState::StandingBy);
    space.crash("cs0");
    space.run(99);
    assert_eq!(space.server_state("cs1"), ConfigServerState::StandingBy);
    assert!(!all_noted(&space), "the registrars have found out by now, and nobody answers them");
    space.run(1);
    assert_eq!(space.server_state("cs1"), ConfigServerState::Running);
    space.run(20);
    assert!(all_noted(&space), "they have re-announced themselves");
    assert_eq!(space.cells("cs1"), ["1.0", "1.1"]);
    space.start_module("new", 1, 1, 2);
    space.run(20);
    assert_eq!(space.peers("new").len(), 2, "registration goes on");

    space.start_server(0);
    space.run(1);
    assert_eq!(space.server_state("cs1"), ConfigServerState::StandingBy);
    space.run(60);
    assert_eq!(space.cells("cs0"), ["1.0", "1.1"]);
    assert!(all_noted(&space));
    space.run(600);
    assert_eq!(space.server_state("cs1"), ConfigServerState::StandingBy, "it hears cs0 again");
    assert_eq!(space.servers["cs1"].counts().takeovers, 1);
    assert!(space.modules.values().all(|module| module.id().is_some()), "and nobody died of it");
}

#[test]
fn clause_2_3_6_of_three_servers_the_highest_that_lives_runs() {
    let mut space = space(&["cs0", "cs1", "cs2"]);
    space.crash("cs0");
    space.run(150);
    assert_eq!(space.server_state("cs1"), ConfigServerState::Running);
    assert_eq!(space.server_state("cs2"), ConfigServerState::StandingBy);
    assert_eq!(space.servers["cs2"].counts().takeovers, 0, "it heard cs1 in time");
    space.run(20);
    assert_eq!(space.cells("cs1"), ["1.0", "1.1"]);

    space.crash("cs1");
    space.run(200);
    assert_eq!(space.server_state("cs2"), ConfigServerState::Running);
    assert_eq!(space.cells("cs2"), ["1.0", "1.1"]);

    space.start_server(1);
    space.run(1);
    assert_eq!(space.server_state("cs2"), ConfigServerState::StandingBy);
    space.start_server(0);
    space.run(1);
    assert_eq!(space.server_state("cs1"), ConfigServerState::StandingBy);
    space.run(90);
    assert_eq!(space.cells("cs0"), ["1.0", "1.1"]);
    assert!(all_noted(&space));
}

#[test]
fn clause_2_3_6_after_a_partition_one_of_two_running_servers_ceases() {
    let mut space = space(&["cs0", "cs1"]);
    space.cut_off(&["cs1", "r1", "m1"]);
    space.run(300);
    assert_eq!(space.server_state("cs0"), ConfigServerState::Running);
    assert_eq!(space.server_state("cs1"), ConfigServerState::Running);
    assert_eq!(
        (space.cells("cs0"), space.cells("cs1")),
        (["1.0".into()].into(), ["1.1".into()].into())
    );
    space.cut_off(&[]);
    space.run(120);
    assert_eq!(space.server_state("cs1"), ConfigServerState::StandingBy);
    assert_eq!(space.cells("cs0"), ["1.0", "1.1"]);
    assert!(all_noted(&space));
    space.start_module("new", 1, 0, 2);
    space.run(10);
    assert_eq!(space.peers("new").len(), 2, "the cells have found one another again");
}
