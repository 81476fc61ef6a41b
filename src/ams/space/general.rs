//! 4.1, and what holds at any time.

use super::*;
use crate::ams::ids::ContinuumNumber;
use crate::ams::mib::{
    Introduction, Policy, Role, ServiceMode, Subject, TransportService, Unit, Venture,
};
use core::time::Duration;

const MIB: Mib<'_> = Mib {
    config_servers: &["cs0", "cs1"],
    ventures: &[Venture {
        units: &[Unit { resync_period: 3, ..Unit::ROOT }, Unit::new(UnitNumber(1), "a")],
        roles: &[Role::new(RoleNumber(2), "two")],
        subjects: &[Subject::new(SubjectNumber(1), "one")],
        ..Venture::new(VentureNumber(1), "demo", "test")
    }],
    policy: Policy {
        census: Some(Duration::ZERO),
        introduction: Introduction::ByRegistrar,
        aggregation: Duration::from_secs(1),
        takeover: 2,
        ..Policy::NOMINAL
    },
    ..Mib::new(ContinuumNumber::from_bits(1), "test")
};

/// Everybody there is, twice, after two minutes.
fn space(mib: Mib<'static>) -> Space {
    let mut space = Space::new(mib);
    space.start_server(0);
    space.start_server(1);
    space.start_registrar("r0", 1, 0);
    space.start_registrar("r1", 1, 1);
    space.run(1);
    space.start_module("a", 1, 0, 2);
    space.start_module("b", 1, 0, 2);
    space.start_module("x", 1, 1, 2);
    space.run(10);
    space.subscribe("a", &RuleRequest::new(SubjectNumber(1)));
    space.run(110);
    assert_all_know_all(&space);
    space
}

fn assert_all_know_all(space: &Space) {
    for name in ["a", "b", "x"] {
        assert_eq!(space.peers(name).len(), 2, "{name}");
    }
    for name in ["b", "x"] {
        let rules = space.modules[name].rules();
        let of_a = rules.filter(|(_, _, rule)| rule.subject == SubjectNumber(1));
        assert_eq!(of_a.count(), 1, "{name}");
    }
}

#[test]
fn clause_4_1_1_mpdus_go_by_the_primary_transport_service() {
    let space = space(Mib {
        primary_transport: "queue",
        transports: &[TransportService { name: "udp", mode: ServiceMode::BEST_EFFORT }],
        ..MIB
    });
    for (service, endpoint) in &space.net.resolved {
        let expected = if endpoint.ends_with(AAMS) { "udp" } else { "queue" };
        assert_eq!(service, expected, "{endpoint}");
    }
    for name in ["cs0", "r0", "r1", "a", "b", "x"] {
        let place = ("queue".into(), name.into());
        assert!(space.net.resolved.contains(&place), "{name} was found");
    }
}

#[test]
fn clause_4_1_7_checksums_are_an_option_of_the_mib() {
    for checksums in [true, false] {
        let space = space(Mib { checksums, ..MIB });
        let kinds: BTreeSet<_> =
            space.net.record.iter().map(|(_, octets)| octets[0] & 31).collect();
        assert!(kinds.len() > 10, "of all sorts: {kinds:?}");
        for (to, octets) in &space.net.record {
            let mpdu = Mpdu::parse(octets).unwrap();
            assert_eq!(mpdu.checksum_flag(), checksums, "to {to}: {octets:02x?}");
        }
    }
}

#[test]
fn extra_ticks_do_nothing_to_anybody() {
    let mut space = space(MIB);
    for _ in 0..100 {
        space.run(1);
        let before = (space.net.record.len(), space.next_deadline());
        space.tick();
        assert_eq!((space.net.record.len(), space.next_deadline()), before);
    }
}

#[test]
fn steps_of_the_wall_clock_disturb_nobody() {
    let mut space = space(MIB);
    let told: usize = space.indications.values().map(Vec::len).sum();
    // A leap second either way, an hour, and a clock that was never set.
    for shift in [1_000_000, -1_000_000, 3_600_000_000, -1_700_000_000_000_000] {
        space.utc_shift += shift;
        space.run(100);
        assert_all_know_all(&space);
    }
    let told_now: usize = space.indications.values().map(Vec::len).sum();
    assert_eq!(told_now, told, "nothing has happened");
    assert_eq!(space.server_state("cs0"), ConfigServerState::Running);
    assert_eq!(space.cells("cs0"), ["1.0", "1.1"]);
}

#[test]
fn clause_4_2_9_3_a_modules_of_other_cells_are_forgotten_too() {
    const UNITS: &[Unit<'_>] = &[
        Unit { resync_period: 3, ..Unit::ROOT },
        Unit { resync_period: 3, ..Unit::new(UnitNumber(1), "a") },
    ];
    let venture = Venture { units: UNITS, ..MIB.ventures[0] };
    let mut space = space(Mib { ventures: lend([venture]), ..MIB });
    // Nobody in the other cell hears that "b" leaves, until it is resynchronised.
    space.cut_off(&["r1", "x"]);
    let now = space.now();
    let out = space.net.out_of("b");
    space.modules.get_mut("b").unwrap().unregister(now, out).unwrap();
    space.run(1);
    space.cut_off(&[]);
    assert_eq!(space.peers("x").len(), 2);
    space.run(31);
    assert_eq!(space.peers("x").len(), 1);
}
