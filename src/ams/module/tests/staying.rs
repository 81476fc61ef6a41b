//! 4.2.6 to 4.2.9: leaving, heartbeats, reconnection, resynchronisation.

use super::harness::*;
use crate::ams::ids::ModuleNumber;
use crate::ams::module::Membership;
use crate::ams::service::{Fault, Indication};
use crate::transport::SendError;

fn status(number: u8, name: &str, subscribed: &[i16], invited: &[i16]) -> Status {
    Status {
        id: id(3, 1, number),
        contact: contact(name),
        subscriptions: subscribed.iter().copied().map(assertion).collect(),
        invitations: invited.iter().copied().map(assertion).collect(),
    }
}

#[test]
fn clause_4_2_6_1_a_module_that_unregisters_says_so_and_ceases() {
    let mut bench = Bench::acquainted();
    let left = bench.module.unregister(bench.now, &mut bench.wire);
    assert_eq!(left, Ok(Indication::Unregistered(ModuleNumber(9))), "3.1.19.3");
    assert_eq!(bench.told(), ["reg I_am_stopping 2/1.9"]);
    assert_eq!(bench.module.membership(), Membership::Outside);
    assert!(bench.peers().is_empty());
    assert_eq!(bench.module.own_rules().count(), 0);
    assert_eq!(bench.module.next_deadline(), None);
    bench.tick(60_000);
    bench.hear(&starting(FIVE, &contact("five")));
    assert_eq!(bench.module.meta_stats().inappropriate, 1);
    assert!(bench.told().is_empty());
    let again = bench.module.unregister(bench.now, &mut bench.wire);
    assert_eq!(again, Err(Fault::NotRegistered));
}

#[test]
fn clause_4_2_6_1_a_module_without_a_number_leaves_in_silence() {
    let mut bench = Bench::joining();
    let left = bench.module.unregister(bench.now, &mut bench.wire);
    assert_eq!(left, Ok(Indication::Unregistered(ModuleNumber::NONE)));
    assert!(bench.told().is_empty());
    bench.hear(&you_are_in(101, 9));
    assert_eq!(bench.module.membership(), Membership::Outside);
}

#[test]
fn clause_4_2_6_1_it_may_register_anew() {
    let mut bench = Bench::acquainted();
    bench.module.unregister(bench.now, &mut bench.wire).unwrap();
    bench.forget();
    bench.register().unwrap();
    assert_eq!(bench.told(), ["cs1 registrar_query 102 me"]);
}

#[test]
fn clause_4_2_6_4_a_stopping_module_is_forgotten_with_its_rules() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, assertion(1)));
    bench.hear(&invite(FIVE, assertion(2)));
    bench.forget();
    bench.hear(&stopping(FIVE));
    assert!(bench.peers().is_empty() && bench.rules().is_empty());
    assert_eq!(
        bench.indications(),
        [
            Indication::ModuleUnregistered(FIVE),
            Indication::SubscriptionCancelled(FIVE, assertion(1).cancellation()),
            Indication::InvitationCancelled(FIVE, assertion(2).cancellation()),
        ]
    );
    bench.hear(&stopping(FIVE));
    assert_eq!(bench.module.meta_stats().unknown_module, 1);
}

#[test]
fn clause_4_2_6_4_the_obituary_of_a_former_module_leaves_its_successor() {
    let mut bench = Bench::acquainted();
    bench.hear(&stopping(id(4, 1, 5)));
    bench.hear(&subscribe(id(4, 1, 5), assertion(1)));
    bench.hear(&stopping(id(4, 1, 9)));
    assert_eq!(bench.peers(), ["3/1.5"]);
    assert!(bench.rules().is_empty());
    assert_eq!(bench.number(), Some(9));
    assert_eq!(bench.module.meta_stats().unknown_module, 3);
}

#[test]
fn clause_4_2_6_4_e_its_own_obituary_ends_it() {
    let mut bench = Bench::acquainted();
    bench.hear(&stopping(id(2, 1, 9)));
    assert_eq!(bench.module.membership(), Membership::Dead);
    assert_eq!(bench.indications(), [Indication::ModuleIsDead]);
    assert_eq!(bench.module.next_deadline(), None);
}

/// A restarted registrar may know a module by its number alone.
#[test]
fn clause_2_3_7_an_obituary_of_role_0_is_of_whoever_has_the_number() {
    let mut bench = Bench::acquainted();
    bench.hear(&stopping(id(0, 1, 5)));
    assert!(bench.peers().is_empty());
    bench.hear(&stopping(id(0, 1, 9)));
    assert_eq!(bench.module.membership(), Membership::Dead);
}

#[test]
fn clause_4_2_7_1_a_heartbeat_goes_out_every_n4() {
    let mut bench = Bench::member();
    for second in (0..100).step_by(10) {
        bench.run(second * 1_000);
        bench.hear(&heartbeat());
    }
    assert_eq!(bench.told(), ["reg heartbeat 9"; 4]);
}

#[test]
fn clause_4_2_7_1_a_refused_heartbeat_is_sent_soon() {
    let mut bench = Bench::member();
    bench.wire.refuses = Some(SendError::Busy);
    bench.run(20_050);
    assert!(bench.told().is_empty());
    bench.wire.refuses = None;
    bench.run(20_300);
    assert_eq!(bench.told(), ["reg heartbeat 9"]);
}

#[test]
fn clause_4_2_7_2_heartbeats_of_others_say_nothing_of_the_registrar() {
    let mut bench = Bench::member();
    bench.run(50_000);
    bench.forget();
    let stranger = mpdu(sender(3, 0), crate::ams::pdu::MpduType::HEARTBEAT, 0, &Octets(&[]));
    bench.hear(&stranger);
    assert_eq!(bench.module.meta_stats().not_ours, 1);
    bench.run(80_000);
    assert!(bench.told().iter().any(|line| line.starts_with("cs1 registrar_query")));
}

#[test]
fn clause_4_2_7_5_after_n6_periods_of_silence_the_registrar_is_unknown() {
    let mut bench = Bench::acquainted();
    bench.run(69_999);
    assert_eq!(bench.told(), ["reg heartbeat 9"; 3]);
    bench.run(70_000);
    assert_eq!(bench.told(), ["cs1 registrar_query 103 me"]);
    assert_eq!(bench.number(), Some(9), "it stays a member");
}

/// A registrar that was restarted lets its modules reconnect for a while only.
#[test]
fn clause_4_2_7_1_4_the_heartbeat_that_finds_no_registrar_is_due_at_once() {
    let mut bench = Bench::acquainted();
    bench.run(13_000);
    bench.hear(&heartbeat());
    bench.run(82_999);
    assert_eq!(bench.told(), ["reg heartbeat 9"; 4]);
    bench.run(83_000);
    assert_eq!(bench.told(), ["cs1 registrar_query 103 me"]);
    bench.hear_from("cs1", &registrar_unknown(103));
    bench.run(102_999);
    assert!(bench.told().is_empty(), "and the next N4 later");
    bench.run(103_000);
    assert_eq!(bench.told().len(), 1);
}

#[test]
fn clause_4_2_7_1_4_and_4_2_8_1_a_member_reconnects_with_a_census() {
    let mut bench = Bench::acquainted();
    bench.hear(&has_started(id(3, 2, 7), &contact("seven")));
    bench.run(70_000);
    bench.forget();
    bench.hear_from("cs1", &cell_spec(103, 1, "reg2"));
    assert_eq!(bench.told(), ["reg2 reconnect 102 2/1.9 of 9,5"], "its cell alone");
    bench.run(75_000);
    assert_eq!(bench.told(), ["reg2 reconnect 102 2/1.9 of 9,5"]);
    assert_eq!(bench.indications(), [Indication::Fault(Fault::RegistrarSilent)]);
}

#[test]
fn clause_4_2_8_1_a_where_no_registrar_is_known_it_waits_for_the_next_heartbeat() {
    let mut bench = Bench::member();
    bench.run(70_000);
    bench.forget();
    bench.hear_from("cs1", &registrar_unknown(103));
    assert_eq!(bench.indications(), [Indication::Fault(Fault::RegistrarUnknown)]);
    bench.run(89_999);
    assert!(bench.told().is_empty());
    bench.run(90_000);
    assert_eq!(bench.told(), ["cs1 registrar_query 105 me"]);
}

#[test]
fn clause_4_2_8_1_what_is_asserted_meanwhile_waits_for_the_reconnection() {
    let mut bench = Bench::member();
    bench.run(70_000);
    bench.hear_from("cs1", &cell_spec(103, 1, "reg2"));
    bench.forget();
    let request = crate::ams::module::RuleRequest::new(crate::ams::ids::SubjectNumber(1));
    bench.module.subscribe(bench.now, &request, &mut bench.wire).unwrap();
    bench.hear(&cell_status(1, &[9]));
    assert!(bench.told().is_empty());
    bench.hear_from("reg2", &reconnected(102));
    bench.run(70_001);
    assert_eq!(
        bench.told(),
        ["reg2 subscribe 2/1.9 1 0.0.0 v1 p8 f0", "reg2 module_status 2/1.9 2/1.9@me+1+1"]
    );
}

#[test]
fn clause_4_2_8_3_a_module_that_is_told_so_is_dead() {
    let mut bench = Bench::acquainted();
    bench.hear(&you_are_dead());
    assert_eq!(bench.module.membership(), Membership::Dead);
    assert_eq!(bench.indications(), [Indication::ModuleIsDead]);
    assert!(bench.peers().is_empty());
    bench.tick(100_000);
    assert!(bench.told().is_empty());
    bench.register().unwrap();
    assert_eq!(bench.module.membership(), Membership::Joining);
    bench.hear(&you_are_dead());
    assert_eq!(bench.module.membership(), Membership::Joining, "it is said of its former life");
}

#[test]
fn clause_4_2_8_4_a_reconnected_member_goes_on_as_before() {
    let mut bench = Bench::acquainted();
    bench.run(70_000);
    bench.hear_from("cs1", &cell_spec(103, 1, "reg2"));
    bench.hear_from("reg2", &reconnected(99));
    assert_eq!(bench.module.meta_stats().stale, 1);
    bench.hear_from("reg2", &reconnected(102));
    bench.forget();
    bench.run(139_999);
    assert_eq!(bench.told(), ["reg2 heartbeat 9"; 3], "heard of anew at 70 s");
    assert_eq!(bench.peers(), ["3/1.5"]);
}

#[test]
fn clause_4_2_9_3_a_modules_that_are_not_listed_are_forgotten() {
    let mut bench = Bench::acquainted();
    bench.hear(&has_started(id(3, 1, 6), &contact("six")));
    bench.hear(&has_started(id(3, 2, 7), &contact("seven")));
    bench.hear(&subscribe(FIVE, assertion(1)));
    bench.forget();
    bench.hear(&cell_status(1, &[6, 9]));
    assert_eq!(bench.peers(), ["3/1.6", "3/2.7"], "the other cell is not concerned");
    assert!(bench.rules().is_empty());
    assert_eq!(bench.indications()[0], Indication::ModuleUnregistered(FIVE));
}

#[test]
fn clause_4_2_9_3_b_the_own_status_is_returned_for_the_own_cell_alone() {
    let mut bench = Bench::member();
    bench.hear(&cell_status(2, &[]));
    assert!(bench.told().is_empty());
    bench.hear(&cell_status(1, &[9]));
    assert_eq!(bench.told(), ["reg module_status 2/1.9 2/1.9@me+0+1"]);
    bench.hear(&cell_status(1, &[8]));
    assert_eq!(bench.number(), Some(9), "an old list does not end it");
}

#[test]
fn clause_4_2_9_3_b_a_refused_status_is_sent_at_a_later_tick() {
    let mut bench = Bench::member();
    bench.wire.refuses = Some(SendError::Busy);
    bench.hear(&cell_status(1, &[9]));
    bench.wire.refuses = None;
    bench.run(1_000);
    assert_eq!(bench.told(), ["reg module_status 2/1.9 2/1.9@me+0+1"]);
}

#[test]
fn clause_4_2_9_6_a_a_conflicting_endpoint_or_role_ends_the_module_that_was_known() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, assertion(1)));
    bench.forget();
    bench.hear(&module_status(&[status(5, "moved", &[2], &[])]));
    assert_eq!(bench.rules(), ["1.5 s2"]);
    assert_eq!(
        bench.indications(),
        [
            Indication::ModuleUnregistered(FIVE),
            Indication::SubscriptionCancelled(FIVE, assertion(1).cancellation()),
            Indication::ModuleRegistered(FIVE),
            Indication::SubscriptionAsserted(FIVE, assertion(2)),
        ]
    );
    let other = Status { id: id(4, 1, 5), ..status(5, "moved", &[], &[]) };
    bench.hear(&module_status(&[other]));
    assert_eq!(bench.peers(), ["4/1.5"]);
}

#[test]
fn clause_4_2_9_6_b_an_unknown_module_is_noted() {
    let mut bench = Bench::member();
    bench.hear(&module_status(&[status(5, "five", &[1], &[2]), status(6, "six", &[], &[])]));
    assert_eq!(bench.peers(), ["3/1.5", "3/1.6"]);
    assert_eq!(bench.rules(), ["1.5 i2", "1.5 s1"]);
    bench.hear(&module_status(&[Status { id: id(2, 1, 9), ..status(9, "me", &[1], &[]) }]));
    assert_eq!(bench.peers().len(), 2, "it does not note itself");
}

#[test]
fn clause_4_2_9_6_c_to_f_the_rules_become_those_that_are_declared() {
    let mut bench = Bench::acquainted();
    for subject in [1, 2] {
        bench.hear(&subscribe(FIVE, assertion(subject)));
        bench.hear(&invite(FIVE, assertion(subject)));
    }
    bench.forget();
    bench.hear(&module_status(&[status(5, "five", &[2, 3], &[1, 4])]));
    assert_eq!(bench.rules(), ["1.5 i1", "1.5 i4", "1.5 s2", "1.5 s3"]);
    let heard = bench.indications();
    for expected in [
        Indication::SubscriptionCancelled(FIVE, assertion(1).cancellation()),
        Indication::InvitationCancelled(FIVE, assertion(2).cancellation()),
        Indication::SubscriptionAsserted(FIVE, assertion(3)),
        Indication::InvitationAsserted(FIVE, assertion(4)),
    ] {
        assert!(heard.contains(&expected), "{expected:?}");
    }
    assert_eq!(heard.len(), 4);
    bench.hear(&module_status(&[status(5, "five", &[2, 3], &[1, 4])]));
    assert!(bench.indications().is_empty(), "they agree already");
}

#[test]
fn extra_ticks_do_nothing() {
    for mut bench in [Bench::asking(), Bench::joining(), Bench::acquainted()] {
        bench.forget();
        for millis in [1, 2, 3, 50, 1_000] {
            let before = (bench.module.next_deadline(), *bench.module.meta_stats());
            bench.tick(millis);
            assert_eq!((bench.module.next_deadline(), *bench.module.meta_stats()), before);
            assert!(bench.told().is_empty() && bench.indications().is_empty());
        }
    }
}

#[test]
fn extra_ticks_do_not_offer_again_what_was_just_refused() {
    let mut bench = Bench::member();
    bench.wire.refuses = Some(SendError::Busy);
    bench.hear(&starting(FIVE, &contact("five")));
    let (due, refused) = (bench.module.next_deadline(), bench.module.meta_stats().refused);
    for millis in 1..250 {
        bench.tick(millis);
        assert_eq!(bench.module.next_deadline(), due);
        assert_eq!(bench.module.meta_stats().refused, refused);
    }
    bench.tick(250);
    assert_eq!(bench.module.meta_stats().refused, refused + 1);
}

#[test]
fn mpdus_of_other_ventures_are_discarded() {
    let mut bench = Bench::acquainted();
    let mut octets = you_are_dead();
    octets[1] = 2;
    let length = octets.len() - 2;
    let sum = crate::wire::checksum(&octets[..length]);
    octets[length..].copy_from_slice(&sum.to_be_bytes());
    bench.hear(&octets);
    assert_eq!(bench.number(), Some(9));
    assert_eq!(bench.module.meta_stats().not_ours, 1);
}
