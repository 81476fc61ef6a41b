//! 4.2.2, 4.2.4 and 4.2.5: finding the registrar and being registered.

use core::time::Duration;

use super::harness::*;
use crate::ams::ids::RoleNumber;
use crate::ams::mib::{Mib, Policy};
use crate::ams::module::{Membership, ModuleIdentity};
use crate::ams::pdu::RefusalReason;
use crate::ams::service::{Fault, Indication};
use crate::transport::SendError;

fn fault(fault: Fault) -> Indication {
    Indication::Fault(fault)
}

#[test]
fn clause_4_2_2_locations_are_asked_in_turn_until_one_answers() {
    let mut bench = Bench::asking();
    assert_eq!(bench.told(), ["cs1 registrar_query 100 me"]);
    bench.tick(4_999);
    assert!(bench.told().is_empty());
    bench.tick(5_000);
    assert_eq!(bench.told(), ["cs2 registrar_query 101 me"]);
    assert_eq!(bench.indications(), [fault(Fault::ConfigServerSilent)]);
    bench.run(15_000);
    assert_eq!(bench.told(), ["cs1 registrar_query 102 me", "cs2 registrar_query 103 me"]);
    bench.hear_from("cs2", &cell_spec(103, 1, "reg"));
    assert_eq!(bench.told(), ["reg module_registration 104 me 2"]);
}

#[test]
fn clause_4_2_2_1_the_last_known_location_is_asked_first() {
    let mut bench = Bench::asking();
    bench.tick(5_000);
    bench.forget();
    bench.hear_from("cs2", &registrar_unknown(101));
    bench.run(10_000);
    assert_eq!(bench.told(), ["cs2 registrar_query 102 me"]);
}

#[test]
fn clause_4_2_2_2_4_a_refused_query_fails_after_n1_like_a_lost_one() {
    let mut bench = Bench::new();
    bench.wire.refuses = Some(SendError::Busy);
    bench.register().unwrap();
    bench.wire.refuses = None;
    bench.run(5_000);
    assert_eq!(bench.told(), ["cs2 registrar_query 101 me"]);
}

#[test]
fn clause_4_2_4_2_3_only_the_answer_to_the_open_question_locates_the_registrar() {
    let mut bench = Bench::asking();
    bench.forget();
    bench.hear_from("cs1", &cell_spec(99, 1, "old"));
    bench.hear_from("cs1", &cell_spec(0, 1, "unasked"));
    bench.hear_from("cs1", &registrar_unknown(99));
    assert_eq!(bench.module.meta_stats().stale, 3);
    bench.hear_from("cs1", &cell_spec(100, 3, "another"));
    assert_eq!(bench.module.meta_stats().not_ours, 1);
    assert!(bench.told().is_empty());
    bench.hear_from("cs1", &cell_spec(100, 1, "reg"));
    assert_eq!(bench.told(), ["reg module_registration 101 me 2"]);
    bench.hear_from("cs1", &cell_spec(100, 1, "twice"));
    assert_eq!(bench.module.meta_stats().stale, 4);
    assert!(bench.told().is_empty());
}

#[test]
fn clause_4_2_4_2_4_an_unknown_registrar_is_a_fault_and_is_asked_for_again_after_n1() {
    let mut bench = Bench::asking();
    bench.forget();
    bench.tick(1_000);
    bench.hear_from("cs1", &registrar_unknown(100));
    assert_eq!(bench.indications(), [fault(Fault::RegistrarUnknown)]);
    bench.tick(5_999);
    assert!(bench.told().is_empty());
    bench.tick(6_000);
    assert_eq!(bench.told(), ["cs1 registrar_query 101 me"]);
}

#[test]
fn clause_4_2_4_2_3_a_registrar_that_cannot_be_reached_is_asked_for_again() {
    let mut bench = Bench::asking();
    bench.forget();
    bench.hear_from("cs1", &cell_spec(100, 1, "?"));
    assert_eq!(bench.module.meta_stats().unresolved, 1);
    bench.run(5_000);
    assert_eq!(bench.told(), ["cs1 registrar_query 101 me"]);
}

#[test]
fn clause_4_2_5_2_the_role_is_one_a_module_can_have() {
    for (role, verdict) in [
        (0, Err(Fault::InvalidRole)),
        (1, Ok(())),
        (2, Ok(())),
        (5, Err(Fault::InvalidRole)),
        (255, Err(Fault::InvalidRole)),
    ] {
        let identity = ModuleIdentity { role: RoleNumber(role), ..identity() };
        let mut bench = Bench::of(&MIB, identity);
        assert_eq!(bench.register(), verdict, "role {role}");
        let expected = if verdict.is_ok() { Membership::Joining } else { Membership::Outside };
        assert_eq!(bench.module.membership(), expected);
        assert_eq!(bench.wire.sent.is_empty(), verdict.is_err());
    }
}

#[test]
fn clause_4_2_5_2_the_cell_is_in_the_mib() {
    let elsewhere = ModuleIdentity { unit: crate::ams::ids::UnitNumber(9), ..identity() };
    assert_eq!(Bench::of(&MIB, elsewhere).register(), Err(Fault::InvalidUnit));
    let nowhere = ModuleIdentity { venture: crate::ams::ids::VentureNumber(2), ..identity() };
    assert_eq!(Bench::of(&MIB, nowhere).register(), Err(Fault::InvalidUnit));
}

#[test]
fn clause_3_1_3_3_a_module_registers_once() {
    assert_eq!(Bench::asking().register(), Err(Fault::AlreadyRegistered));
    assert_eq!(Bench::member().register(), Err(Fault::AlreadyRegistered));
}

#[test]
fn clause_4_2_5_5_4_a_rejection_is_a_fault_and_the_registration_is_repeated_after_n2() {
    let mut bench = Bench::joining();
    bench.tick(1_000);
    bench.hear(&rejection(101, RefusalReason::CENSUS_IN_PROGRESS));
    assert_eq!(bench.indications(), [fault(Fault::Rejected(RefusalReason::CENSUS_IN_PROGRESS))]);
    bench.tick(5_999);
    assert!(bench.told().is_empty());
    bench.tick(6_000);
    assert_eq!(bench.told(), ["reg module_registration 102 me 2"]);
    bench.hear(&rejection(101, RefusalReason::CELL_IS_FULL));
    assert_eq!(bench.module.meta_stats().stale, 1);
    assert!(bench.indications().is_empty());
}

#[test]
fn clause_4_2_5_5_5_a_heartbeats_begin() {
    let mut bench = Bench::joining();
    bench.hear(&you_are_in(101, 9));
    assert_eq!(bench.number(), Some(9));
    let told = bench.told();
    assert!(told.contains(&"reg heartbeat 9".into()), "{told:?}");
    bench.run(20_000);
    assert_eq!(bench.told(), ["reg heartbeat 9"]);
}

#[test]
fn clause_4_2_5_5_5_b_the_gateway_is_invited() {
    let mut bench = Bench::joining();
    bench.hear(&you_are_in(101, 9));
    assert_eq!(bench.told_but_beats(), ["reg invite 2/1.9 -7 7.0.1 v1 p8 f0"]);
    assert_eq!(bench.indications()[0], Indication::Registered(crate::ams::ids::ModuleNumber(9)));
    assert_eq!(bench.module.own_rules().count(), 1);
}

#[test]
fn clause_4_2_5_5_5_b_the_gateway_is_invited_by_the_vector_there_is() {
    let contact = crate::ams::pdu::ContactSummaryValues {
        delivery_vectors: &VECTORS[1..],
        ..identity().contact
    };
    let mut bench = Bench::of(&MIB, ModuleIdentity { contact, ..identity() });
    bench.register().unwrap();
    bench.hear_from("cs1", &cell_spec(100, 1, "reg"));
    bench.forget();
    bench.hear(&you_are_in(101, 9));
    assert_eq!(bench.told_but_beats(), ["reg invite 2/1.9 -7 7.0.1 v2 p8 f0"]);
}

#[test]
fn clause_4_2_5_5_5_an_answer_to_another_question_is_stale() {
    let mut bench = Bench::joining();
    bench.hear(&you_are_in(100, 9));
    assert_eq!(bench.module.membership(), Membership::Joining);
    bench.hear(&you_are_in(101, 9));
    bench.hear(&you_are_in(101, 8));
    assert_eq!(bench.number(), Some(9));
    bench.hear(&rejection(101, RefusalReason::CELL_IS_FULL));
    assert_eq!(bench.number(), Some(9));
    assert_eq!(bench.module.meta_stats().stale, 1);
    assert_eq!(bench.module.meta_stats().inappropriate, 2);
}

#[test]
fn clause_4_2_5_5_5_who_had_the_number_before_is_forgotten() {
    let mut bench = Bench::joining();
    bench.hear(&starting(id(3, 1, 9), &contact("nine")));
    bench.hear(&subscribe(id(3, 1, 9), assertion(1)));
    assert_eq!(bench.peers(), ["3/1.9"]);
    bench.forget();
    bench.hear(&you_are_in(101, 9));
    assert!(bench.peers().is_empty());
    assert!(bench.rules().is_empty());
    assert_eq!(bench.told_but_beats(), ["reg invite 2/1.9 -7 7.0.1 v1 p8 f0"]);
}

#[test]
fn clause_4_2_5_5_6_a_silent_registrar_is_asked_again_with_the_same_number_then_located_anew() {
    let mut bench = Bench::joining();
    bench.run(5_000);
    assert_eq!(bench.told(), ["reg module_registration 101 me 2"]);
    assert_eq!(bench.indications(), [fault(Fault::RegistrarSilent)]);
    bench.run(10_000);
    assert_eq!(bench.told(), ["cs1 registrar_query 102 me"]);
    bench.hear_from("cs1", &cell_spec(102, 1, "reg2"));
    assert_eq!(bench.told(), ["reg2 module_registration 101 me 2"]);
}

#[test]
fn clause_4_2_5_5_6_a_late_answer_counts_while_the_registrar_is_located_anew() {
    let mut bench = Bench::joining();
    bench.run(10_000);
    bench.forget();
    bench.hear(&you_are_in(101, 9));
    assert_eq!(bench.number(), Some(9));
    let told = bench.told();
    assert_eq!(told, ["reg invite 2/1.9 -7 7.0.1 v1 p8 f0", "reg heartbeat 9"]);
    bench.run(29_999);
    assert!(bench.told().is_empty(), "nothing is sought any more");
}

#[test]
fn clause_4_2_5_5_8_a_starting_module_is_noted_and_told() {
    let mut bench = Bench::member();
    let six = contact_with("six", &[(3, &["dtn=x", "tcp=six2", "udp=six1"]), (4, &["dtn=y"])]);
    bench.hear(&starting(id(4, 1, 6), &six));
    assert_eq!(bench.told(), ["six I_am_here 2/1.9@me+0+1"]);
    assert_eq!(bench.indications(), [Indication::ModuleRegistered(id(4, 1, 6))]);
    let peer = *bench.module.peers().next().unwrap();
    assert_eq!(peer.delivery_point(3).unwrap().octets(), b"six2", "the first that can be used");
    assert_eq!(peer.delivery_point(4), None);
    assert_eq!(bench.module.meta_stats().unresolved, 1);
}

#[test]
fn clause_4_2_5_5_8_c_the_best_fit_of_each_vector_is_the_first_that_can_be_reached() {
    let mut bench = Bench::member();
    let vectors: [(u8, &[&str]); 5] = [
        (1, &["tcp=?unknown", "udp=six1"]),
        (2, &["udp=six2", "tcp=better"]),
        (3, &["shm=/six", "dtn=x"]),
        (4, &["shm=/six", "tcp=six4", "udp=no"]),
        (9, &["udp=six9"]),
    ];
    bench.hear(&starting(id(4, 1, 6), &contact_with("six", &vectors)));
    let peer = *bench.module.peers().next().unwrap();
    let point = |vector| peer.delivery_point(vector).map(|to| (to.service(), to.octets()));
    assert_eq!(point(1), Some((0, &b"six1"[..])), "the name before it cannot be resolved");
    assert_eq!(point(2), Some((0, &b"six2"[..])), "in the order of the vector, not of the MIB");
    assert_eq!(point(3), None, "this module has no such transport service");
    assert_eq!(point(4), Some((1, &b"six4"[..])));
    assert_eq!(point(9), Some((0, &b"six9"[..])), "a number is but a name");
    assert_eq!(bench.module.meta_stats().unresolved, 1, "that of vector 3 is noted");
}

#[test]
fn clause_4_2_5_5_8_d_a_refused_state_is_sent_at_a_later_tick() {
    let mut bench = Bench::member();
    bench.wire.busy.insert("five".into());
    bench.hear(&starting(FIVE, &contact("five")));
    bench.hear(&starting(id(3, 1, 6), &contact("six")));
    assert_eq!(bench.told_but_beats(), ["six I_am_here 2/1.9@me+0+1"]);
    bench.wire.busy.clear();
    bench.run(1_000);
    assert_eq!(bench.told_but_beats(), ["five I_am_here 2/1.9@me+0+1"]);
}

#[test]
fn clause_4_2_5_5_8_a_module_that_starts_again_is_told_again() {
    let mut bench = Bench::acquainted();
    bench.hear(&starting(FIVE, &contact("five")));
    assert_eq!(bench.told(), ["five I_am_here 2/1.9@me+0+1"]);
    assert!(bench.indications().is_empty(), "it is known already");
}

#[test]
fn clause_4_2_5_5_8_a_number_given_to_another_replaces_the_former_module() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, assertion(1)));
    bench.forget();
    bench.hear(&starting(id(4, 1, 5), &contact("other")));
    assert_eq!(bench.peers(), ["4/1.5"]);
    assert!(bench.rules().is_empty());
    let heard = bench.indications();
    assert_eq!(heard.first(), Some(&Indication::ModuleUnregistered(FIVE)));
    assert_eq!(heard.last(), Some(&Indication::ModuleRegistered(id(4, 1, 5))));
}

#[test]
fn clause_4_2_5_5_8_what_is_owed_while_joining_goes_out_on_admission() {
    let mut bench = Bench::joining();
    bench.hear(&starting(FIVE, &contact("five")));
    assert!(bench.told().is_empty(), "it has no number yet");
    bench.hear(&you_are_in(101, 9));
    assert!(bench.told().contains(&"five I_am_here 2/1.9@me+0+1".into()));
}

#[test]
fn clause_4_2_5_5_9_a_module_that_has_started_is_noted_and_not_told() {
    let mut bench = Bench::member();
    bench.hear(&has_started(FIVE, &contact("five")));
    assert_eq!(bench.peers(), ["3/1.5"]);
    assert_eq!(bench.indications(), [Indication::ModuleRegistered(FIVE)]);
    assert!(bench.told().is_empty());
    bench.hear(&has_started(id(2, 1, 9), &contact("me")));
    assert_eq!(bench.peers(), ["3/1.5"], "it does not note itself");
}

#[test]
fn clause_4_2_5_5_10_modules_and_their_rules_are_noted() {
    let mut bench = Bench::joining();
    let five = Status {
        id: FIVE,
        contact: contact("five"),
        subscriptions: std::vec![assertion(1), assertion(2)],
        invitations: std::vec![assertion(3)],
    };
    let six = Status { id: id(4, 2, 6), contact: contact("six"), ..five.clone() };
    bench.hear_from("five", &here(&[five, six]));
    assert_eq!(bench.peers(), ["3/1.5", "4/2.6"]);
    assert_eq!(bench.rules(), ["1.5 i3", "1.5 s1", "1.5 s2", "2.6 i3", "2.6 s1", "2.6 s2"]);
    let heard = bench.indications();
    assert_eq!(heard.len(), 8);
    assert_eq!(heard[1], Indication::SubscriptionAsserted(FIVE, assertion(1)));
    assert_eq!(heard[3], Indication::InvitationAsserted(FIVE, assertion(3)));
}

#[test]
fn a_full_table_of_modules_is_counted_and_keeps_what_it_has() {
    let mut bench = Bench::member();
    for number in 1..=4 {
        bench.hear(&has_started(id(3, 1, number), &contact("peer")));
    }
    let before = bench.peers();
    bench.hear(&starting(id(3, 1, 5), &contact("five")));
    bench.hear(&subscribe(id(3, 1, 5), assertion(1)));
    assert_eq!(bench.peers(), before);
    assert!(bench.rules().is_empty());
    assert_eq!(bench.module.meta_stats().full, 1);
    assert_eq!(bench.module.meta_stats().unknown_module, 1);
    assert!(bench.told().is_empty());
}

/// A module that hears new ones 50 ms after they start, and says so three times.
fn patient() -> Bench {
    const PATIENT: Mib<'static> = Mib {
        policy: Policy {
            introduction_delay: Duration::from_millis(50),
            introduction_repeats: 2,
            ..Policy::NOMINAL
        },
        ..MIB
    };
    let mut bench = Bench::of(&PATIENT, identity());
    bench.register().unwrap();
    bench.hear_from("cs1", &cell_spec(100, 1, "reg"));
    bench.hear(&you_are_in(101, 9));
    bench.forget();
    bench
}

#[test]
fn clause_4_2_5_5_8_d_a_new_module_is_left_alone_first_and_then_told_again() {
    let mut bench = patient();
    bench.tick(10);
    bench.hear(&starting(FIVE, &contact("five")));
    bench.run(59);
    assert!(bench.told_but_beats().is_empty());
    bench.run(60);
    assert_eq!(bench.told_but_beats(), ["five I_am_here 2/1.9@me+0+1"]);
    bench.run(300);
    assert_eq!(bench.told_but_beats(), ["five I_am_here 2/1.9@me+0+1"; 2]);
    bench.run(10_000);
    assert!(bench.told_but_beats().is_empty(), "told three times");
}

#[test]
fn clause_4_2_5_5_8_d_each_of_several_new_modules_is_left_alone() {
    let mut bench = patient();
    bench.tick(10);
    bench.hear(&starting(FIVE, &contact("five")));
    bench.tick(40);
    bench.hear(&starting(id(3, 1, 6), &contact("six")));
    bench.run(89);
    assert_eq!(bench.told_but_beats(), ["five I_am_here 2/1.9@me+0+1"]);
    bench.run(110);
    let told = bench.told_but_beats();
    assert_eq!(told, ["five I_am_here 2/1.9@me+0+1", "six I_am_here 2/1.9@me+0+1"]);
    bench.hear(&stopping(FIVE));
    bench.run(10_000);
    assert_eq!(bench.told_but_beats(), ["six I_am_here 2/1.9@me+0+1"; 2], "five is no more");
}

#[test]
fn clause_4_2_5_5_8_d_what_is_told_later_is_how_things_are_by_then() {
    let mut bench = patient();
    bench.hear(&starting(FIVE, &contact("five")));
    let request = crate::ams::module::RuleRequest::new(crate::ams::ids::SubjectNumber(1));
    bench.module.subscribe(bench.now, &request, &mut bench.wire).unwrap();
    bench.forget();
    bench.wire.refuses = Some(SendError::Busy);
    bench.run(60);
    bench.wire.refuses = None;
    bench.run(400);
    assert_eq!(bench.told_but_beats(), ["five I_am_here 2/1.9@me+1+1"; 3]);
}
