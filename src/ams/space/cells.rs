//! Several cells, and several ventures under one configuration server.

use super::*;
use crate::ams::ids::{ContinuumNumber, Domain, SubjectNumber};
use crate::ams::mib::{Introduction, Policy, Role, Subject, Unit, Venture};
use crate::ams::registrar::OtherRegistrar;
use core::time::Duration;

const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(1);
const ROLES: &[Role<'_>] = &[Role::new(RoleNumber(2), "two"), Role::new(RoleNumber(3), "three")];
const ONE: Venture<'_> = Venture {
    units: &[
        Unit::ROOT,
        Unit::new(UnitNumber(1), "orbiter"),
        Unit::new(UnitNumber(2), "orbiter.camera"),
        Unit::new(UnitNumber(3), "lander"),
    ],
    roles: ROLES,
    subjects: &[Subject::new(SubjectNumber(1), "one"), Subject::new(SubjectNumber(2), "two")],
    ..Venture::new(VentureNumber(1), "demo", "test")
};
const OTHER: Venture<'_> = Venture {
    units: &[Unit::ROOT, Unit::new(UnitNumber(1), "x")],
    roles: ROLES,
    ..Venture::new(VentureNumber(2), "other", "test")
};

const fn mib(introduction: Introduction) -> Mib<'static> {
    Mib {
        config_servers: &["cs0"],
        ventures: &[ONE, OTHER],
        policy: Policy { introduction, census: Some(Duration::ZERO), ..Policy::NOMINAL },
        ..Mib::new(CONTINUUM, "test")
    }
}

/// Two ventures, the first with four cells and a module in each, named for the cell.
fn space(introduction: Introduction) -> Space {
    let mut space = Space::new(mib(introduction));
    space.start_server(0);
    for (unit, name) in (0..4).zip(["r0", "r1", "r2", "r3"]) {
        space.start_registrar(name, 1, unit);
    }
    space.start_registrar("s0", 2, 0);
    space.start_registrar("s1", 2, 1);
    space.run(1);
    for (unit, name) in (0..4).zip(["root", "orbiter", "camera", "lander"]) {
        space.start_module(name, 1, unit, 2);
    }
    space.start_module("other0", 2, 0, 2);
    space.start_module("other1", 2, 1, 3);
    space.run(20);
    space
}

const fn domain(unit: u16, role: u8) -> Domain {
    Domain { continuum: CONTINUUM, unit: UnitNumber(unit), role: RoleNumber(role) }
}

const fn ask(subject: i16, unit: u16) -> RuleRequest {
    RuleRequest { domain: domain(unit, 0), ..RuleRequest::new(SubjectNumber(subject)) }
}

fn in_both_styles(test: impl Fn(Space)) {
    for introduction in [Introduction::ByModules, Introduction::ByRegistrar] {
        test(space(introduction));
    }
}

#[test]
fn clause_4_2_3_2_3_registrars_know_all_others_of_their_venture() {
    in_both_styles(|space| {
        let others = |name| {
            let others = space.registrars[name].registrars().map(OtherRegistrar::unit);
            others.map(|unit| unit.0).collect::<Vec<_>>()
        };
        assert_eq!(others("r0"), [1, 2, 3]);
        assert_eq!(others("r1"), [0, 2, 3]);
        assert_eq!(others("r2"), [0, 1, 3]);
        assert_eq!(others("r3"), [0, 1, 2]);
        assert_eq!(others("s0"), [1]);
        assert_eq!(others("s1"), [0]);
        assert_eq!(space.cells("cs0"), ["1.0", "1.1", "1.2", "1.3", "2.0", "2.1"]);
    });
}

#[test]
fn clause_2_3_2_several_ventures_share_a_configuration_server_and_nothing_else() {
    in_both_styles(|space| {
        let units = |name| space.peers(name).iter().map(|key| key.unit.0).collect::<Vec<_>>();
        assert_eq!(units("root"), [1, 2, 3]);
        assert_eq!(units("camera"), [0, 1, 3]);
        assert_eq!(units("other0"), [1]);
        assert_eq!(units("other1"), [0]);
        for machine in space.registrars.values() {
            assert_eq!(machine.stats().not_ours, 0);
        }
    });
}

#[test]
fn clause_4_2_10_4_a_subscription_over_a_unit_covers_those_its_name_begins() {
    in_both_styles(|mut space| {
        space.subscribe("lander", &ask(1, 1));
        space.run(1);
        assert_eq!(space.publish("orbiter", SubjectNumber(1)), ["lander"]);
        assert_eq!(space.publish("camera", SubjectNumber(1)), ["lander"]);
        assert!(space.publish("root", SubjectNumber(1)).is_empty());
        assert!(space.publish("camera", SubjectNumber(2)).is_empty());
        space.subscribe("root", &ask(0, 2));
        space.run(1);
        assert_eq!(space.publish("camera", SubjectNumber(2)), ["root"], "all subjects of a unit");
        assert!(space.publish("orbiter", SubjectNumber(2)).is_empty());
        assert_eq!(space.publish("camera", SubjectNumber(1)), ["root", "lander"]);
    });
}

#[test]
fn clause_4_2_12_4_an_invitation_over_a_unit_covers_those_its_name_begins() {
    in_both_styles(|mut space| {
        space.invite("lander", &ask(1, 1));
        space.invite("camera", &ask(1, 0));
        space.run(1);
        let everywhere = domain(0, 0);
        assert_eq!(space.announce("orbiter", SubjectNumber(1), everywhere), ["camera", "lander"]);
        assert_eq!(space.announce("root", SubjectNumber(1), everywhere), ["camera"]);
        assert_eq!(space.announce("orbiter", SubjectNumber(1), domain(1, 0)), ["camera"]);
        assert!(space.announce("root", SubjectNumber(1), domain(1, 3)).is_empty(), "no such role");
    });
}

#[test]
fn clause_4_2_11_4_of_two_rules_that_overlap_the_other_stays() {
    in_both_styles(|mut space| {
        space.subscribe("lander", &ask(1, 0));
        space.subscribe("lander", &ask(1, 1));
        space.subscribe("lander", &ask(0, 2));
        space.run(1);
        assert_eq!(space.publish("camera", SubjectNumber(1)), ["lander"], "one copy");
        space.unsubscribe("lander", SubjectNumber(1), domain(0, 0));
        space.run(1);
        assert!(space.publish("root", SubjectNumber(1)).is_empty());
        assert_eq!(space.publish("orbiter", SubjectNumber(1)), ["lander"]);
        space.unsubscribe("lander", SubjectNumber(1), domain(1, 0));
        space.run(1);
        assert!(space.publish("orbiter", SubjectNumber(1)).is_empty());
        assert_eq!(space.publish("camera", SubjectNumber(1)), ["lander"], "all subjects");
        space.unsubscribe("lander", SubjectNumber::ALL, domain(2, 0));
        space.run(1);
        assert!(space.publish("camera", SubjectNumber(1)).is_empty());
    });
}

#[test]
fn clause_4_2_6_3_what_leaves_one_cell_is_forgotten_in_all() {
    in_both_styles(|mut space| {
        let now = space.now();
        let out = space.net.out_of("camera");
        space.modules.get_mut("camera").unwrap().unregister(now, out).unwrap();
        space.run(1);
        for name in ["root", "orbiter", "lander"] {
            assert_eq!(space.peers(name).len(), 2);
        }
    });
}
