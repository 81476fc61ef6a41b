//! What is too long for the transport is split, or given up and a fault; it is not
//! offered for ever.

use super::harness::*;
use crate::ams::ids::{Domain, SubjectNumber};
use crate::ams::module::{Membership, RuleRequest};
use crate::ams::pdu::MpduType;
use crate::ams::service::{Fault, Indication};

fn too_long(kind: MpduType) -> Indication {
    Indication::Fault(Fault::MpduTooLong(kind))
}

/// A member with two rules besides the invitation of the gateway.
fn member() -> Bench {
    let mut bench = Bench::member();
    for subject in 1..=2 {
        let request = RuleRequest::new(SubjectNumber(subject));
        bench.module.subscribe(bench.now, &request, &mut bench.wire).unwrap();
    }
    bench.forget();
    bench
}

#[test]
fn clause_4_2_5_5_8_d_a_state_that_is_too_long_is_told_in_parts() {
    let mut bench = member();
    bench.wire.longest = Some(75);
    bench.hear(&starting(id(3, 1, 5), &contact("you")));
    let parts = bench.told();
    assert_eq!(parts, ["you I_am_here 2/1.9@me+2+0", "you I_am_here 2/1.9@me+0+1"]);
    assert!(bench.indications().contains(&Indication::ModuleRegistered(id(3, 1, 5))));
    bench.run(1_000);
    assert!(bench.told().is_empty());
}

#[test]
fn clause_4_2_5_5_8_d_a_state_without_end_is_given_up_and_a_fault() {
    let mut bench = member();
    bench.wire.longest = Some(40);
    bench.hear(&starting(id(3, 1, 5), &contact("you")));
    assert_eq!(bench.indications().last(), Some(&too_long(MpduType::I_AM_HERE)));
    assert_eq!(bench.module.meta_stats().too_long, 1);
    bench.forget();
    bench.run(10_000);
    assert!(bench.told().is_empty() && bench.indications().is_empty());
}

#[test]
fn clause_4_2_9_3_b_a_status_that_is_too_long_is_given_up_and_a_fault() {
    let mut bench = member();
    bench.wire.longest = Some(75);
    bench.hear(&cell_status(1, &[9]));
    assert_eq!(bench.indications(), [too_long(MpduType::MODULE_STATUS)]);
    bench.run(10_000);
    assert!(bench.told().is_empty());
}

#[test]
fn clause_4_2_10_1_2_b_a_rule_nobody_can_be_told_of_is_not_asserted() {
    let mut bench = member();
    bench.wire.longest = Some(20);
    let request = RuleRequest::new(SubjectNumber(9));
    let refused = bench.module.subscribe(bench.now, &request, &mut bench.wire);
    assert_eq!(refused, Err(Fault::MpduTooLong(MpduType::SUBSCRIBE)));
    assert!(bench.module.own_rules().all(|own| own.assertion().subject != SubjectNumber(9)));
    let subject = SubjectNumber(1);
    let refused = bench.module.unsubscribe(bench.now, subject, Domain::ALL, &mut bench.wire);
    assert_eq!(refused, Err(Fault::MpduTooLong(MpduType::UNSUBSCRIBE)));
    assert_eq!(bench.module.own_rules().count(), 2, "and one cancelled is none");
}

#[test]
fn clause_4_2_5_4_a_registration_that_is_too_long_is_a_fault() {
    let mut bench = Bench::new();
    bench.register().unwrap();
    bench.wire.longest = Some(20);
    bench.hear_from("cs1", &cell_spec(100, 1, "reg"));
    assert_eq!(bench.indications(), [too_long(MpduType::MODULE_REGISTRATION)]);
    assert_eq!(bench.module.membership(), Membership::Joining);
}

#[test]
fn clause_4_2_8_1_b_a_reconnection_that_is_too_long_is_a_fault() {
    let mut bench = member();
    bench.run(70_000);
    bench.forget();
    bench.wire.longest = Some(75);
    bench.hear_from("cs1", &cell_spec(103, 1, "reg"));
    assert_eq!(bench.indications(), [too_long(MpduType::RECONNECT)]);
    bench.run(75_000);
    let silent = Indication::Fault(Fault::RegistrarSilent);
    assert!(bench.indications().contains(&silent), "and it goes on trying");
}
