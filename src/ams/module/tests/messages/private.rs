//! 4.3.4 to 4.3.7: what each request is refused for, and what it sends.

use super::*;

const SECOND: Option<Duration> = Some(Duration::from_secs(1));
const SIX: ModuleKey = id(4, 1, 6).key();
const AWAY: ContinuumNumber = ContinuumNumber::from_bits(6);

/// A bench that knows 3/1.5, who invites subjects 1, 20 and 21, and 4/1.6, who
/// invites 21, on which it may not receive.
fn invited() -> Bench {
    let mut bench = Bench::acquainted().with_six();
    for subject in [1, 20, 21] {
        bench.hear(&invite(FIVE, assertion(subject)));
    }
    bench.hear(&invite(id(4, 1, 6), assertion(21)));
    bench.forget();
    bench
}

fn in_context(subject: i16, context: u32) -> Message<'static> {
    Message { context: ContextNumber(context), ..message(subject) }
}

/// All three kinds of private message, each in a context of its own.
fn each_kind(
    bench: &mut Bench,
    to: (ContinuumNumber, ModuleKey),
    subject: i16,
) -> [Result<(), Fault>; 3] {
    let (now, wire) = (bench.now, &mut bench.wire);
    let message = in_context(subject, 7);
    let sent = bench.module.send(to, &message, wire);
    let asked = bench.module.query(now, to, &message, SECOND, wire);
    bench.module.abandon_query(ContextNumber(7));
    [sent, asked, bench.module.reply(to, &message, wire)]
}

#[test]
fn clause_4_3_4_1_1_to_4_3_6_1_1_only_authorised_senders_send() {
    let mut bench = invited();
    // That is looked at first, whoever and wherever the destination is.
    for to in [(HERE, key(5)), (HERE, key(99)), (AWAY, key(5))] {
        assert_eq!(each_kind(&mut bench, to, 20), [Err(Fault::NotAuthorisedSender); 3]);
    }
    assert!(bench.copies().is_empty());
}

#[test]
fn clause_4_3_4_1_1_to_4_3_6_1_1_only_authorised_receivers_are_sent_to() {
    let mut bench = invited();
    let refused = [Err(Fault::DestinationNotAuthorised); 3];
    assert_eq!(each_kind(&mut bench, (HERE, SIX), 21), refused);
    assert!(bench.copies().is_empty());
    assert_eq!(each_kind(&mut bench, (HERE, key(5)), 21), [Ok(()); 3]);
}

#[test]
fn clause_4_3_4_1_2_to_4_3_6_1_2_other_continua_are_not_reached_without_a_gateway() {
    let mut bench = invited();
    assert_eq!(each_kind(&mut bench, (AWAY, key(5)), 1), [Err(Fault::RemoteContinuum); 3]);
    assert!(bench.copies().is_empty());
}

#[test]
fn clause_4_3_4_1_3_to_4_3_6_1_3_only_those_who_invite_are_sent_to() {
    let mut bench = invited();
    assert_eq!(each_kind(&mut bench, (HERE, SIX), 1), [Err(Fault::NotInvited); 3]);
    assert_eq!(each_kind(&mut bench, (HERE, key(77)), 1), [Err(Fault::UnknownDestination); 3]);
    // The domain of an invitation includes this module, or it does not count.
    bench.hear(&invite(id(4, 1, 6), AssertionValues { domain: domain(7, 3, 0), ..assertion(1) }));
    assert_eq!(each_kind(&mut bench, (HERE, SIX), 1), [Err(Fault::NotInvited); 3]);
    bench.hear(&invite(id(4, 1, 6), AssertionValues { domain: domain(7, 1, 2), ..assertion(1) }));
    assert_eq!(each_kind(&mut bench, (HERE, SIX), 1), [Ok(()); 3]);
}

#[test]
fn clause_4_3_4_1_3_to_4_3_6_1_3_an_invitation_on_all_subjects_is_one_on_each() {
    let mut bench = Bench::acquainted();
    let all = AssertionValues { domain: domain(7, 0, 0), ..asked(0, 2, 3, 4) };
    bench.hear(&invite(FIVE, all));
    bench.forget();
    assert_eq!(each_kind(&mut bench, (HERE, key(5)), 1), [Ok(()); 3]);
    assert_eq!(
        bench.copies(),
        ["tcp:five2 Unary 1 p3 f4 c7", "tcp:five2 Query 1 p3 f4 c7", "tcp:five2 Reply 1 p3 f4 c7"]
    );
    bench.announce(domain(7, 0, 0), &message(2)).unwrap();
    assert_eq!(bench.copies(), ["tcp:five2 Unary 2 p3 f4 c0"]);
    assert_eq!(bench.publish(&message(1)), Ok(Fanout { sent: 0, failed: 0 }), "none is subscribed");
}

#[test]
fn clause_4_3_4_1_4_to_4_3_6_1_4_the_message_is_transmitted_as_its_type() {
    let mut bench = invited();
    assert_eq!(each_kind(&mut bench, (HERE, key(5)), 1), [Ok(()); 3]);
    assert_eq!(
        bench.copies(),
        ["five1 Unary 1 p8 f0 c7", "five1 Query 1 p8 f0 c7", "five1 Reply 1 p8 f0 c7"]
    );
}

#[test]
fn clause_4_3_5_1_1_a_query_has_a_context_that_no_other_has() {
    let mut bench = invited();
    assert_eq!(bench.query(&in_context(1, 0), SECOND), Err(Fault::ContextZero));
    bench.query(&in_context(1, 5), SECOND).unwrap();
    assert_eq!(bench.query(&in_context(1, 5), SECOND), Err(Fault::ContextPending));
    bench.query(&in_context(1, 6), SECOND).unwrap();
    bench.run(1_000);
    assert_eq!(bench.query(&in_context(1, 5), SECOND), Ok(()), "it timed out");
}

#[test]
fn clause_3_1_2_16_a_query_without_a_term_is_pending_until_its_reply() {
    let mut bench = invited();
    bench
        .module
        .invite(bench.now, &crate::ams::module::RuleRequest::new(SubjectNumber(1)), &mut bench.wire)
        .unwrap();
    bench.forget();
    bench.query(&in_context(1, 5), None).unwrap();
    bench.run(19_000);
    assert_eq!(bench.indications(), [], "it never times out");
    assert_eq!(bench.query(&in_context(1, 5), None), Err(Fault::ContextPending));
    let reply = Letter { message_type: MessageType::Reply, context: 5, ..Letter::new(1, b"") };
    assert!(matches!(bench.get(&reply.octets()), Ok(Delivery::Reply(_))));
    assert_eq!(bench.query(&in_context(1, 5), None), Ok(()));
    assert!(bench.module.abandon_query(ContextNumber(5)), "given up");
    assert!(!bench.module.abandon_query(ContextNumber(5)));
    assert_eq!(bench.query(&in_context(1, 5), None), Ok(()));
}

#[test]
fn clause_4_3_5_1_2_4_a_query_with_a_term_of_zero_awaits_no_reply() {
    let mut bench = invited();
    for _ in 0..5 {
        assert_eq!(bench.query(&in_context(1, 5), Some(Duration::ZERO)), Ok(()));
    }
    bench.run(19_000);
    assert_eq!(bench.indications(), []);
}

#[test]
fn clause_4_3_6_1_1_a_reply_has_a_context() {
    let mut bench = invited();
    assert_eq!(bench.reply(&message(1)), Err(Fault::ContextZero));
    assert_eq!(bench.reply(&in_context(1, 9)), Ok(()));
}

#[test]
fn clause_4_3_7_1_1_only_authorised_senders_announce() {
    let mut bench = invited();
    for continuum in [0, 7, 6] {
        let announced = bench.announce(domain(continuum, 0, 0), &message(20));
        assert_eq!(announced, Err(Fault::NotAuthorisedSender));
    }
    assert!(bench.copies().is_empty());
}

#[test]
fn clause_4_3_7_1_2_1_b_only_authorised_receivers_get_copies() {
    let mut bench = invited();
    let fanout = bench.announce(domain(7, 0, 0), &message(21));
    assert_eq!(fanout, Ok(Fanout { sent: 1, failed: 0 }), "role 4 may not receive");
    assert_eq!(bench.copies(), ["five1 Unary 21 p8 f0 c0"]);
}

#[test]
fn clause_4_3_2_1_1_only_authorised_senders_publish() {
    let mut bench = invited();
    bench.hear(&subscribe(FIVE, assertion(20)));
    bench.forget();
    assert_eq!(bench.publish(&message(20)), Err(Fault::NotAuthorisedSender));
    assert!(bench.copies().is_empty());
}

#[test]
fn clause_4_3_8_1_4_to_4_3_8_1_6_each_type_has_its_indication() {
    let mut bench = Bench::acquainted();
    let request = crate::ams::module::RuleRequest::new(SubjectNumber(1));
    bench.module.invite(bench.now, &request, &mut bench.wire).unwrap();
    let octets = |message_type| Letter { message_type, context: 3, ..Letter::new(1, b"") }.octets();
    let (reply, query) = (octets(MessageType::Reply), octets(MessageType::Query));
    assert!(matches!(bench.get(&reply), Ok(Delivery::Reply(_))), "also one nobody asked for");
    assert!(matches!(bench.get(&query), Ok(Delivery::Query(_))));
    assert!(matches!(bench.get(&octets(MessageType::Unary)), Ok(Delivery::Message(_))));
}
