//! What nobody should have said: each has its prescribed answer, and does no harm.

use super::*;
use crate::ams::ids::{ContinuumNumber, ModuleNumber};
use crate::ams::mib::{Policy, Role, Subject, Unit, Venture};
use crate::ams::pdu::{Assertion, AssertionValues, Content, RefusalReason, Sender};
use crate::ams::registrar::RegistrarState;
use crate::ams::script::{contact, id, mpdu, sender, summary};
use core::time::Duration;

const MIB: Mib<'_> = Mib {
    config_servers: &["cs0", "cs1"],
    ventures: &[Venture {
        units: &[
            Unit { resync_period: 3, ..Unit::ROOT },
            Unit { resync_period: 3, ..Unit::new(UnitNumber(1), "a") },
        ],
        roles: &[Role::new(RoleNumber(2), "two"), Role::new(RoleNumber(3), "three")],
        subjects: &[Subject::new(SubjectNumber(1), "one")],
        ..Venture::new(VentureNumber(1), "demo", "test")
    }],
    policy: Policy { census: Some(Duration::ZERO), takeover: 2, ..Policy::NOMINAL },
    ..Mib::new(ContinuumNumber::from_bits(1), "test")
};

/// Two cells with a module in one and two in the other, 130 s after the start: nobody
/// can reconnect any more.
fn space() -> Space {
    let mut space = Space::new(MIB);
    space.start_server(0);
    space.start_registrar("r0", 1, 0);
    space.start_registrar("r1", 1, 1);
    space.run(1);
    space.start_module("a", 1, 0, 2);
    space.run(1);
    space.start_module("b", 1, 0, 2);
    space.start_module("x", 1, 1, 2);
    space.run(8);
    space.subscribe("a", &RuleRequest::new(SubjectNumber(1)));
    space.run(120);
    assert_unharmed(&space);
    space
}

/// All are there under their numbers, and know one another and the one rule.
fn assert_unharmed(space: &Space) {
    for (name, number) in [("a", 1), ("b", 2), ("x", 1)] {
        assert_eq!(space.membership(name), Membership::Member(ModuleNumber(number)), "{name}");
        assert_eq!(space.peers(name).len(), 2, "{name}");
    }
    for name in ["b", "x"] {
        let rules = space.modules[name].rules();
        assert_eq!(rules.filter(|(_, _, it)| it.subject.0 > 0).count(), 1, "{name}");
    }
}

#[test]
fn clause_4_2_3_2_2_a_second_registrar_is_rejected_and_the_first_goes_on() {
    let mut space = space();
    space.start_registrar("second", 1, 0);
    space.run(20);
    let reason = RefusalReason::DUPLICATE_REGISTRAR;
    assert_eq!(space.registrars["second"].state(), RegistrarState::Ceased(reason));
    assert_eq!(space.registrars["r0"].state(), RegistrarState::Noted);
    space.run(100);
    assert_unharmed(&space);
}

#[test]
fn clause_4_2_5_5_8_a_start_under_ones_own_number_is_not_believed() {
    let mut space = space();
    let contact = contact("impostor");
    for (role, kind) in [(2, true), (3, false)] {
        let (module, contact) = (id(role, 0, 1), summary(&contact));
        let content = if kind {
            Content::IAmStarting { module, contact }
        } else {
            Content::ModuleHasStarted { module, contact }
        };
        space.inject("a", &mpdu(sender(0, role), &content));
    }
    space.run(1);
    assert_unharmed(&space);
}

#[test]
fn clause_4_2_9_6_a_who_is_told_of_an_impostor_learns_the_truth_when_resynchronised() {
    let mut space = space();
    let contact = contact("impostor");
    let content = Content::IAmStarting { module: id(3, 0, 1), contact: summary(&contact) };
    space.inject("b", &mpdu(sender(0, 3), &content));
    assert!(space.modules["b"].peers().any(|peer| peer.id() == id(3, 0, 1)), "it is believed");
    space.run(31);
    assert_unharmed(&space);
}

#[test]
fn clause_4_2_7_6_who_beats_under_a_number_nobody_has_is_told_that_it_is_dead() {
    let mut space = space();
    space.tally(MpduType::YOU_ARE_DEAD);
    let content = Content::Heartbeat { source: ModuleNumber(77) };
    space.inject("r0", &mpdu(sender(0, 2), &content));
    assert_eq!(space.tally(MpduType::YOU_ARE_DEAD), 1);
    // And who beats under a member's number in another role.
    let content = Content::Heartbeat { source: ModuleNumber(1) };
    space.inject("r0", &mpdu(sender(0, 3), &content));
    assert_eq!(space.tally(MpduType::YOU_ARE_DEAD), 1);
    space.run(1);
    assert_unharmed(&space);
}

#[test]
fn clause_4_2_10_2_nobody_asserts_anything_in_the_name_of_another_role() {
    let mut space = space();
    let rule = AssertionValues {
        subject: SubjectNumber(1),
        domain: Domain::ALL,
        delivery_vector: 1,
        priority: Default::default(),
        flow_label: 0,
    };
    let octets = rule.octets();
    let assertion = Assertion::new(&octets);
    let before = space.registrars["r0"].stats().inappropriate;
    // The sender's role is not that of the module in the reference, then neither is.
    for (role, number) in [(3, 2), (2, 9)] {
        let content = Content::Subscribe { module: id(2, 0, number), assertion };
        space.inject("r0", &mpdu(sender(0, role), &content));
    }
    assert_eq!(space.registrars["r0"].stats().inappropriate, before + 1);
    assert_eq!(space.registrars["r0"].stats().unknown_module, 1);
    space.run(1);
    assert_unharmed(&space);
}

#[test]
fn what_configuration_servers_say_of_questions_not_asked_is_stale() {
    let mut space = space();
    let server = Sender::CONFIGURATION_SERVER;
    let reason = RefusalReason::NO_SUCH_UNIT;
    for content in [
        Content::RegistrarNoted { echo: 1 },
        Content::Rejection { echo: 1, reason },
        Content::RegistrarUnknown { echo: 1 },
    ] {
        for name in ["r0", "a"] {
            space.inject(name, &mpdu(server, &content));
        }
    }
    space.run(1);
    assert_eq!(space.registrars["r0"].state(), RegistrarState::Noted);
    assert_unharmed(&space);
}

#[test]
fn clause_4_2_1_2_a_spoofed_i_am_running_is_survived_where_servers_take_over() {
    let mut space = space();
    space.inject("cs0", &mpdu(Sender::CONFIGURATION_SERVER, &Content::IAmRunning));
    assert_eq!(space.server_state("cs0"), ConfigServerState::StandingBy);
    space.run(200);
    assert_eq!(space.server_state("cs0"), ConfigServerState::Running);
    assert_eq!(space.cells("cs0"), ["1.0", "1.1"]);
    assert_unharmed(&space);
}

/// All that was ever said to anybody is said again, in order.
#[test]
fn what_is_replayed_changes_nothing_in_the_end() {
    let mut space = space();
    let record = space.net.record.clone();
    assert!(record.len() > 100);
    for (to, octets) in &record {
        space.inject(to, octets);
    }
    space.run(100);
    assert_unharmed(&space);
    assert!(space.indications.values().flatten().all(|it| *it != Indication::ModuleIsDead));
}
