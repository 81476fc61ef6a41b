//! Terminations that are imputed, and restarts (4.2.7, 4.2.8, 2.3.4, 2.3.5, 2.3.7).

use super::*;
use crate::ams::config_server::CellState;
use crate::ams::ids::{ContinuumNumber, ModuleNumber};
use crate::ams::mib::{Policy, Role, Unit, Venture};
use crate::ams::registrar::RegistrarState;

const MIB: Mib<'_> = Mib {
    config_servers: &["cs0"],
    ventures: &[Venture {
        units: &[Unit { resync_period: 3, ..Unit::ROOT }],
        roles: &[Role::new(RoleNumber(2), "two")],
        ..Venture::new(VentureNumber(1), "demo", "test")
    }],
    policy: Policy::NOMINAL,
    ..Mib::new(ContinuumNumber::from_bits(1), "test")
};

/// One cell with modules `a`, `b` and `c` of numbers 1 to 3, 90 s after the start.
fn space() -> Space {
    let mut space = Space::new(MIB);
    space.start_server(0);
    space.start_registrar("r", 1, 0);
    space.run(61);
    for name in ["a", "b", "c"] {
        space.start_module(name, 1, 0, 2);
        space.run(1);
    }
    space.run(26);
    assert_eq!(numbers(&space), [1, 2, 3]);
    space
}

fn numbers(space: &Space) -> Vec<u8> {
    space.registrars["r"].members().map(|member| member.number().0).collect()
}

fn member(number: u8) -> Membership {
    Membership::Member(ModuleNumber(number))
}

#[test]
fn clause_4_2_7_4_a_lost_registrar_wants_restarting_and_is_noted_elsewhere() {
    let mut space = space();
    space.crash("r");
    space.run(40);
    let state = space.servers["cs0"].cells().next().unwrap().state();
    assert!(matches!(state, CellState::Lost { .. }), "N6 periods of N3 have lapsed");
    assert_eq!(space.servers["cs0"].counts().registrars_lost, 1);
    space.start_registrar("elsewhere", 1, 0);
    space.run(1);
    assert_eq!(space.servers["cs0"].cells().next().unwrap().endpoint(), "elsewhere");
    space.run(60);
    assert_eq!(space.registrars["elsewhere"].members().count(), 3, "the modules have found it");
}

#[test]
fn clause_4_2_7_5_and_4_2_8_the_members_of_a_restarted_registrar_reconnect() {
    let mut space = space();
    space.crash("r");
    space.run(1);
    space.start_registrar("r", 1, 0);
    space.run(5);
    space.start_module("new", 1, 0, 2);
    space.run(5);
    assert_eq!(space.membership("new"), Membership::Joining, "the census is in progress");
    // "In the first N5 seconds after restart".
    space.run(60);
    assert_eq!(space.membership("new"), member(4), "the others were heard beating");
    space.run(20);
    assert_eq!(numbers(&space), [1, 2, 3, 4]);
    assert_eq!(space.registrars["r"].counts().registered, 1);
    for name in ["a", "b", "c", "new"] {
        assert_eq!(space.peers(name).len(), 3);
    }
    assert!(space.indications.values().flatten().all(|it| *it != Indication::ModuleIsDead));
}

#[test]
fn clause_2_3_7_who_crashed_while_there_was_no_registrar_gets_an_obituary() {
    let mut space = space();
    space.crash("r");
    space.crash("b");
    space.run(10);
    space.start_registrar("r", 1, 0);
    space.run(80);
    assert_eq!(numbers(&space), [1, 3]);
    assert_eq!(space.peers("a").len(), 1);
    assert_eq!(space.peers("c").len(), 1);
}

#[test]
fn clause_4_2_7_6_a_member_that_was_cut_off_is_told_that_it_is_dead() {
    let mut space = space();
    space.cut_off(&["b"]);
    space.run(80);
    assert_eq!(numbers(&space), [1, 3]);
    assert_eq!(space.peers("a").len(), 1, "the others have been told");
    assert_eq!(space.membership("b"), member(2), "it has not");
    space.cut_off(&[]);
    space.run(60);
    assert_eq!(space.membership("b"), Membership::Dead);
    assert_eq!(space.indications["b"].last(), Some(&Indication::ModuleIsDead));
    assert_eq!(space.peers("a").len(), 1);
}

#[test]
fn clause_4_2_7_1_2_a_registrar_initialises_again_when_the_server_is_lost() {
    let mut space = space();
    space.crash("cs0");
    space.run(40);
    assert_eq!(space.registrars["r"].state(), RegistrarState::Announcing);
    assert!(space.tally(MpduType::ANNOUNCE_REGISTRAR) > 1);
    assert_eq!(numbers(&space), [1, 2, 3], "the cell is served all the same");
    space.start_server(0);
    space.run(10);
    assert_eq!(space.registrars["r"].state(), RegistrarState::Noted);
    assert_eq!(space.registrars["r"].counts().config_servers_lost, 1);
    assert_eq!(numbers(&space), [1, 2, 3]);
}

#[test]
fn clause_4_2_9_resynchronisation_repairs_what_was_lost() {
    let mut space = space();
    // The obituary of one, and the subscription of another, reach nobody.
    space.cut_off(&["a"]);
    let now = space.now();
    let out = space.net.out_of("b");
    space.modules.get_mut("b").unwrap().unregister(now, out).unwrap();
    let all = RuleRequest::new(SubjectNumber(1));
    space.subscribe("c", &all);
    space.run(1);
    space.cut_off(&[]);
    assert_eq!(space.peers("a").len(), 2);
    space.run(31);
    assert_eq!(space.peers("a").len(), 1);
    let mut rules = space.modules["a"].rules();
    assert!(rules.any(|(_, _, rule)| rule.subject == SubjectNumber(1)));
}
