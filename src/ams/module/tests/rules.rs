//! 4.2.10 to 4.2.13: subscriptions and invitations, own and others'.

use super::harness::*;
use crate::ams::ids::{Domain, Priority, SubjectNumber};
use crate::ams::mib::ServiceMode;
use crate::ams::module::RuleRequest;
use crate::ams::pdu::AssertionValues;
use crate::ams::service::{Fault, Indication};
use crate::transport::SendError;

fn ask(subject: i16) -> RuleRequest {
    RuleRequest::new(SubjectNumber(subject))
}

impl Bench {
    fn subscribe(&mut self, request: &RuleRequest) -> Result<(), Fault> {
        self.module.subscribe(self.now, request, &mut self.wire)
    }

    fn unsubscribe(&mut self, subject: i16) -> Result<(), Fault> {
        let subject = SubjectNumber(subject);
        self.module.unsubscribe(self.now, subject, Domain::ALL, &mut self.wire)
    }

    fn invite(&mut self, request: &RuleRequest) -> Result<(), Fault> {
        self.module.invite(self.now, request, &mut self.wire)
    }

    fn disinvite(&mut self, subject: i16) -> Result<(), Fault> {
        let subject = SubjectNumber(subject);
        self.module.disinvite(self.now, subject, Domain::ALL, &mut self.wire)
    }
}

#[test]
fn clause_4_2_10_1_1_only_authorised_receivers_subscribe_and_invite() {
    let mut bench = Bench::member();
    assert_eq!(bench.subscribe(&ask(21)), Err(Fault::NotAuthorisedReceiver));
    assert_eq!(bench.invite(&ask(21)), Err(Fault::NotAuthorisedReceiver));
    assert!(bench.told().is_empty());
    assert_eq!(bench.module.own_rules().count(), 1);
}

#[test]
fn clause_4_2_10_1_1_all_subjects_are_those_of_the_local_continuum() {
    let mut bench = Bench::member();
    for continuum in [0, 6] {
        let request = RuleRequest { domain: domain(continuum, 0, 0), ..ask(0) };
        assert_eq!(bench.subscribe(&request), Err(Fault::AllSubjectsElsewhere));
        assert_eq!(bench.invite(&request), Err(Fault::AllSubjectsElsewhere));
    }
    let request = RuleRequest { domain: domain(7, 0, 0), ..ask(0) };
    bench.subscribe(&request).unwrap();
    assert_eq!(bench.told(), ["reg subscribe 2/1.9 0 7.0.0 v1 p8 f0"]);
}

#[test]
fn clause_4_2_10_1_2_and_4_2_12_1_2_the_registrar_is_told() {
    let mut bench = Bench::member();
    bench.subscribe(&ask(1)).unwrap();
    let request = RuleRequest {
        mode: ServiceMode::ASSURED,
        domain: domain(7, 2, 3),
        priority: Priority::HIGHEST,
        flow_label: 200,
        ..ask(2)
    };
    bench.invite(&request).unwrap();
    assert_eq!(
        bench.told(),
        ["reg subscribe 2/1.9 1 0.0.0 v1 p8 f0", "reg invite 2/1.9 2 7.2.3 v2 p1 f200"]
    );
}

#[test]
fn asserting_again_changes_what_is_asked_for() {
    let mut bench = Bench::member();
    bench.subscribe(&ask(1)).unwrap();
    bench.subscribe(&RuleRequest { flow_label: 3, ..ask(1) }).unwrap();
    assert_eq!(
        bench.told(),
        ["reg subscribe 2/1.9 1 0.0.0 v1 p8 f0", "reg subscribe 2/1.9 1 0.0.0 v1 p8 f3"]
    );
    assert_eq!(bench.module.own_rules().count(), 2);
}

#[test]
fn rules_need_a_member_and_a_delivery_vector() {
    assert_eq!(Bench::joining().subscribe(&ask(1)), Err(Fault::NotRegistered));
    assert_eq!(Bench::joining().disinvite(1), Err(Fault::NotRegistered));
    let odd = ServiceMode {
        sequence: crate::ams::mib::Sequence::Transmission,
        diligence: crate::ams::mib::Diligence::BestEffort,
    };
    let request = RuleRequest { mode: odd, ..ask(1) };
    assert_eq!(Bench::member().subscribe(&request), Err(Fault::NoDeliveryVector));
}

#[test]
fn a_full_table_of_own_rules_is_a_fault() {
    let mut bench = Bench::member();
    for subject in 1..=3 {
        bench.subscribe(&ask(subject)).unwrap();
    }
    bench.forget();
    assert_eq!(bench.subscribe(&ask(4)), Err(Fault::TableFull));
    assert_eq!(bench.invite(&ask(1)), Err(Fault::TableFull));
    assert!(bench.told().is_empty());
    assert_eq!(bench.module.own_rules().count(), 4);
    bench.unsubscribe(2).unwrap();
    bench.subscribe(&ask(4)).unwrap();
}

#[test]
fn clause_4_2_10_4_and_4_2_12_4_rules_of_others_are_noted() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, assertion(0)));
    bench.hear(&invite(FIVE, assertion(2)));
    assert_eq!(bench.rules(), ["1.5 i2", "1.5 s0"]);
    assert_eq!(
        bench.indications(),
        [
            Indication::SubscriptionAsserted(FIVE, assertion(0)),
            Indication::InvitationAsserted(FIVE, assertion(2)),
        ]
    );
    bench.hear(&subscribe(FIVE, assertion(0)));
    assert!(bench.indications().is_empty(), "a copy says nothing new");
}

#[test]
fn clause_4_2_10_4_rules_of_unknown_modules_are_counted() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(id(3, 1, 6), assertion(1)));
    bench.hear(&invite(id(3, 2, 5), assertion(1)));
    assert!(bench.rules().is_empty());
    assert_eq!(bench.module.meta_stats().unknown_module, 2);
}

#[test]
fn a_full_table_of_rules_is_counted_and_keeps_what_it_has() {
    let mut bench = Bench::acquainted();
    for subject in 1..=8 {
        bench.hear(&subscribe(FIVE, assertion(subject)));
    }
    let before = bench.rules();
    bench.forget();
    bench.hear(&subscribe(FIVE, assertion(9)));
    assert_eq!(bench.rules(), before);
    assert_eq!(bench.module.meta_stats().full, 1);
    assert!(bench.indications().is_empty());
    bench.hear(&subscribe(FIVE, AssertionValues { flow_label: 1, ..assertion(8) }));
    assert_eq!(bench.module.meta_stats().full, 1, "a known rule can change");
}

#[test]
fn clause_4_2_11_1_1_and_4_2_13_1_1_a_redundant_cancellation_is_a_fault() {
    let mut bench = Bench::member();
    assert_eq!(bench.unsubscribe(1), Err(Fault::RedundantCancellation));
    assert_eq!(bench.disinvite(1), Err(Fault::RedundantCancellation));
    bench.subscribe(&ask(1)).unwrap();
    assert_eq!(bench.disinvite(1), Err(Fault::RedundantCancellation), "a rule of the other kind");
    let elsewhere =
        bench.module.unsubscribe(bench.now, SubjectNumber(1), domain(7, 0, 0), &mut bench.wire);
    assert_eq!(elsewhere, Err(Fault::RedundantCancellation), "another domain");
}

#[test]
fn clause_4_2_11_1_1_all_subjects_do_not_make_exceptions() {
    let mut bench = Bench::member();
    bench.subscribe(&RuleRequest { domain: domain(7, 0, 0), ..ask(0) }).unwrap();
    let refused =
        bench.module.unsubscribe(bench.now, SubjectNumber(1), domain(7, 0, 0), &mut bench.wire);
    assert_eq!(refused, Err(Fault::RedundantCancellation));
}

#[test]
fn clause_4_2_11_1_2_and_4_2_13_1_2_the_registrar_is_told_of_cancellations() {
    let mut bench = Bench::member();
    bench.subscribe(&ask(1)).unwrap();
    bench.invite(&ask(1)).unwrap();
    bench.forget();
    bench.unsubscribe(1).unwrap();
    bench.disinvite(1).unwrap();
    assert_eq!(bench.told(), ["reg unsubscribe 2/1.9 1", "reg disinvite 2/1.9 1"]);
    assert_eq!(bench.module.own_rules().count(), 1);
    assert_eq!(bench.unsubscribe(1), Err(Fault::RedundantCancellation));
}

#[test]
fn clause_4_2_11_4_and_4_2_13_4_cancelled_rules_are_forgotten() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, assertion(1)));
    bench.hear(&invite(FIVE, assertion(1)));
    bench.forget();
    bench.hear(&unsubscribe(FIVE, assertion(1).cancellation()));
    assert_eq!(bench.rules(), ["1.5 i1"]);
    bench.hear(&disinvite(FIVE, assertion(1).cancellation()));
    assert!(bench.rules().is_empty());
    assert_eq!(
        bench.indications(),
        [
            Indication::SubscriptionCancelled(FIVE, assertion(1).cancellation()),
            Indication::InvitationCancelled(FIVE, assertion(1).cancellation()),
        ]
    );
    bench.hear(&unsubscribe(FIVE, assertion(1).cancellation()));
    assert_eq!(bench.module.meta_stats().stale, 1);
}

#[test]
fn what_is_refused_is_sent_by_a_later_tick_in_the_state_it_has_by_then() {
    let mut bench = Bench::member();
    bench.wire.refuses = Some(SendError::Busy);
    bench.subscribe(&ask(1)).unwrap();
    bench.subscribe(&ask(2)).unwrap();
    bench.unsubscribe(1).unwrap();
    assert_eq!(bench.module.own_rules().count(), 2);
    bench.wire.refuses = None;
    bench.run(1_000);
    assert_eq!(bench.told(), ["reg unsubscribe 2/1.9 1", "reg subscribe 2/1.9 2 0.0.0 v1 p8 f0"]);
    bench.run(10_000);
    assert!(bench.told().is_empty());
}
