//! 4.3: messages out and in.

mod private;

use core::time::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::harness::*;
use crate::ams::ids::{ContextNumber, ContinuumNumber, Domain, ModuleKey, Priority, SubjectNumber};
use crate::ams::mib::{Continuum, Mib};
use crate::ams::module::Fanout;
use crate::ams::pdu::{Aams, AssertionValues, MessageType, PduRule};
use crate::ams::service::{Delivery, Fault, Indication, Message};
use crate::transport::SendError;

const HERE: ContinuumNumber = CONTINUUM;

fn message(subject: i16) -> Message<'static> {
    Message::new(SubjectNumber(subject), b"data")
}

fn key(number: u8) -> ModuleKey {
    id(3, 1, number).key()
}

/// What a rule asks for besides its subject.
fn asked(subject: i16, vector: u8, priority: u8, flow_label: u8) -> AssertionValues {
    AssertionValues {
        delivery_vector: vector,
        priority: Priority::new(priority).unwrap(),
        flow_label,
        ..assertion(subject)
    }
}

impl Bench {
    fn publish(&mut self, message: &Message<'_>) -> Result<Fanout, Fault> {
        let heard = &mut self.heard;
        self.module.publish(message, &mut self.wire, &mut |event| heard.push(event))
    }

    fn announce(&mut self, domain: Domain, message: &Message<'_>) -> Result<Fanout, Fault> {
        let heard = &mut self.heard;
        self.module.announce(domain, message, &mut self.wire, &mut |event| heard.push(event))
    }

    fn send(
        &mut self,
        to: (ContinuumNumber, ModuleKey),
        message: &Message<'_>,
    ) -> Result<(), Fault> {
        self.module.send(to, message, &mut self.wire)
    }

    fn query(&mut self, message: &Message<'_>, term: Option<Duration>) -> Result<(), Fault> {
        self.module.query(self.now, (HERE, FIVE.key()), message, term, &mut self.wire)
    }

    fn reply(&mut self, message: &Message<'_>) -> Result<(), Fault> {
        self.module.reply((HERE, FIVE.key()), message, &mut self.wire)
    }

    /// The copies that were sent: receiver, type, subject, priority, flow label.
    fn copies(&mut self) -> Vec<String> {
        core::mem::take(&mut self.wire.sent)
            .iter()
            .map(|copy| {
                let message = Aams::parse(&copy.octets).unwrap();
                assert!(message.checksum().is_some() && message.deviations().is_empty());
                assert_eq!(message.flow_label(), copy.flow_label);
                assert_eq!((message.source_continuum(), message.source()), (HERE, key(9)));
                assert_eq!(message.data(), b"data");
                format!(
                    "{} {} {} p{} f{} c{}",
                    copy.to,
                    message.message_type().name(),
                    message.subject(),
                    message.priority().unwrap().get(),
                    message.flow_label(),
                    message.context()
                )
            })
            .collect()
    }

    /// A third module, 4/1.6 at `six`.
    fn with_six(mut self) -> Self {
        self.hear(&has_started(id(4, 1, 6), &contact("six")));
        self.forget();
        self
    }
}

#[test]
fn clause_4_3_1_1_1_without_a_delivery_point_transmission_is_impossible() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, asked(1, 3, 8, 0)));
    bench.hear(&invite(FIVE, asked(1, 3, 8, 0)));
    bench.forget();
    assert_eq!(bench.publish(&message(1)), Ok(Fanout { sent: 0, failed: 1 }));
    assert_eq!(bench.indications(), [Indication::Fault(Fault::NoDeliveryPoint(FIVE.key()))]);
    let sent = bench.send((HERE, FIVE.key()), &message(1));
    assert_eq!(sent, Err(Fault::NoDeliveryPoint(FIVE.key())));
    assert_eq!(bench.module.message_stats().not_sent, 2);
}

#[test]
fn clause_4_3_1_1_2_a_failed_transmission_is_a_fault() {
    let mut bench = Bench::acquainted().with_six();
    bench.hear(&subscribe(FIVE, assertion(1)));
    bench.hear(&subscribe(id(4, 1, 6), assertion(1)));
    bench.forget();
    bench.wire.busy.insert("five1".into());
    assert_eq!(bench.publish(&message(1)), Ok(Fanout { sent: 1, failed: 1 }));
    let fault = Fault::NotTransmitted(FIVE.key(), SendError::Busy);
    assert_eq!(bench.indications(), [Indication::Fault(fault)]);
    assert_eq!(bench.copies(), ["six1 Unary 1 p8 f0 c0"]);
}

#[test]
fn clause_4_3_1_2_authorisation_is_by_role() {
    let mut bench = Bench::acquainted().with_six();
    for subject in [20, 21] {
        bench.hear(&subscribe(FIVE, assertion(subject)));
        bench.hear(&invite(FIVE, assertion(subject)));
        bench.hear(&subscribe(id(4, 1, 6), assertion(subject)));
        bench.hear(&invite(id(4, 1, 6), assertion(subject)));
    }
    bench.forget();
    assert_eq!(bench.publish(&message(20)), Err(Fault::NotAuthorisedSender));
    assert_eq!(bench.announce(Domain::ALL, &message(20)), Err(Fault::NotAuthorisedSender));
    assert_eq!(bench.send((HERE, key(5)), &message(20)), Err(Fault::NotAuthorisedSender));
    assert_eq!(bench.publish(&message(21)), Ok(Fanout { sent: 1, failed: 0 }));
    assert_eq!(bench.copies(), ["five1 Unary 21 p8 f0 c0"], "sixes may not receive it");
    assert_eq!(bench.send((HERE, key(6)), &message(21)), Err(Fault::DestinationNotAuthorised));
}

#[test]
fn clause_4_3_2_subscribers_get_one_copy_each_as_they_asked() {
    let mut bench = Bench::acquainted().with_six();
    bench.hear(&subscribe(FIVE, asked(1, 2, 3, 77)));
    bench.hear(&subscribe(id(4, 1, 6), assertion(1)));
    bench.hear(&subscribe(id(4, 1, 6), assertion(2)));
    bench.hear(&invite(id(4, 1, 6), assertion(1)));
    assert_eq!(bench.publish(&message(1)), Ok(Fanout { sent: 2, failed: 0 }));
    bench.forget();
    bench.publish(&message(1)).unwrap();
    assert_eq!(bench.copies(), ["tcp:five2 Unary 1 p3 f77 c0", "six1 Unary 1 p8 f0 c0"]);
    assert_eq!(bench.publish(&message(3)), Ok(Fanout::default()));
    assert_eq!(bench.module.message_stats().sent, 4);
}

#[test]
fn clause_3_1_9_the_message_overrides_priority_and_flow_label() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, asked(1, 1, 3, 77)));
    bench.forget();
    for (priority, flow_label, copy) in [
        (None, None, "five1 Unary 1 p3 f77 c0"),
        (Priority::new(15), None, "five1 Unary 1 p15 f77 c0"),
        (None, Some(0), "five1 Unary 1 p3 f0 c0"),
        (Priority::new(1), Some(255), "five1 Unary 1 p1 f255 c0"),
    ] {
        bench.publish(&Message { priority, flow_label, ..message(1) }).unwrap();
        assert_eq!(bench.copies(), [copy]);
    }
}

#[test]
fn clause_4_3_2_1_2_subject_0_is_every_subject() {
    let mut bench = Bench::acquainted().with_six();
    let all = AssertionValues { domain: domain(7, 0, 0), ..asked(0, 2, 5, 1) };
    bench.hear(&subscribe(FIVE, all));
    bench.hear(&subscribe(id(4, 1, 6), all));
    bench.hear(&subscribe(id(4, 1, 6), asked(1, 1, 9, 2)));
    bench.forget();
    bench.publish(&message(1)).unwrap();
    assert_eq!(bench.copies(), ["tcp:five2 Unary 1 p5 f1 c0", "six1 Unary 1 p9 f2 c0"]);
    bench.publish(&message(2)).unwrap();
    assert_eq!(bench.copies(), ["tcp:five2 Unary 2 p5 f1 c0", "tcp:six2 Unary 2 p5 f1 c0"]);
}

#[test]
fn of_overlapping_rules_the_one_with_the_greatest_domain_wins() {
    let mut bench = Bench::acquainted();
    for (at, priority) in
        [(domain(0, 0, 0), 2), (domain(7, 0, 2), 3), (domain(7, 1, 0), 4), (domain(7, 3, 2), 5)]
    {
        bench.hear(&invite(FIVE, AssertionValues { domain: at, ..asked(1, 1, priority, 0) }));
        bench.hear(&subscribe(FIVE, AssertionValues { domain: at, ..asked(1, 1, priority, 0) }));
    }
    bench.forget();
    bench.publish(&message(1)).unwrap();
    bench.announce(domain(7, 0, 0), &message(1)).unwrap();
    bench.send((HERE, key(5)), &message(1)).unwrap();
    assert_eq!(bench.copies(), ["five1 Unary 1 p4 f0 c0"; 3], "unit 3 is not ours");
}

#[test]
fn clause_1_3_4_3_a_domain_is_continuum_unit_and_role() {
    for (at, covers) in [
        (domain(0, 0, 0), true),
        (domain(7, 0, 0), true),
        (domain(6, 0, 0), false),
        (domain(7, 1, 0), true),
        (domain(7, 2, 0), false),
        (domain(7, 3, 0), false),
        (domain(7, 1, 2), true),
        (domain(7, 1, 3), false),
    ] {
        let mut bench = Bench::acquainted();
        bench.hear(&subscribe(FIVE, AssertionValues { domain: at, ..assertion(1) }));
        bench.hear(&invite(FIVE, AssertionValues { domain: at, ..assertion(1) }));
        let fanout = bench.publish(&message(1)).unwrap();
        assert_eq!(fanout.sent, u32::from(covers), "{at:?}");
        let sent = bench.send((HERE, key(5)), &message(1));
        assert_eq!(sent, if covers { Ok(()) } else { Err(Fault::NotInvited) }, "{at:?}");
    }
}

#[test]
fn clause_4_3_4_a_message_goes_to_the_module_that_invites_it() {
    let mut bench = Bench::acquainted().with_six();
    bench.hear(&subscribe(id(4, 1, 6), assertion(1)));
    bench.hear(&invite(FIVE, asked(1, 2, 4, 9)));
    bench.send((HERE, key(5)), &message(1)).unwrap();
    assert_eq!(bench.copies(), ["tcp:five2 Unary 1 p4 f9 c0"]);
    assert_eq!(bench.send((HERE, key(6)), &message(1)), Err(Fault::NotInvited));
    assert_eq!(bench.send((HERE, key(7)), &message(1)), Err(Fault::UnknownDestination));
    assert_eq!(bench.send((HERE, key(5)), &message(2)), Err(Fault::NotInvited));
    let away = ContinuumNumber::from_bits(6);
    assert_eq!(bench.send((away, key(5)), &message(1)), Err(Fault::RemoteContinuum));
    for subject in [0, -7] {
        let sent = bench.send((HERE, key(5)), &message(subject));
        assert_eq!(sent, Err(Fault::SubjectNotApplication));
    }
}

#[test]
fn messages_need_a_member() {
    let mut bench = Bench::joining();
    assert_eq!(bench.publish(&message(1)), Err(Fault::NotRegistered));
    assert_eq!(bench.send((HERE, key(5)), &message(1)), Err(Fault::NotRegistered));
    let asked = Message { context: ContextNumber(1), ..message(1) };
    assert_eq!(bench.query(&asked, Some(Duration::from_secs(1))), Err(Fault::NotRegistered));
    assert_eq!(bench.module.receive_aams(&Letter::new(1, b"").octets()), Err(Fault::NotRegistered));
}

#[test]
fn what_does_not_fit_the_buffer_is_a_fault() {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, assertion(1)));
    bench.hear(&invite(FIVE, assertion(1)));
    bench.forget();
    let long = Message::new(SubjectNumber(1), &[0; 103]);
    assert_eq!(bench.publish(&long), Err(Fault::DataTooLong));
    assert_eq!(bench.send((HERE, key(5)), &long), Err(Fault::DataTooLong));
    let longest = Message::new(SubjectNumber(1), &[0; 102]);
    assert_eq!(bench.publish(&longest), Ok(Fanout { sent: 1, failed: 0 }));
}

#[test]
fn clause_4_3_5_a_query_has_a_context_of_its_own() {
    let mut bench = Bench::acquainted();
    bench.hear(&invite(FIVE, assertion(1)));
    bench.forget();
    let term = Some(Duration::from_secs(10));
    assert_eq!(bench.query(&message(1), term), Err(Fault::ContextZero));
    let ask = |context| Message { context: ContextNumber(context), ..message(1) };
    bench.query(&ask(5), term).unwrap();
    assert_eq!(bench.copies(), ["five1 Query 1 p8 f0 c5"]);
    assert_eq!(bench.query(&ask(5), term), Err(Fault::ContextPending));
    assert_eq!(bench.query(&ask(5), None), Err(Fault::ContextPending));
    bench.query(&ask(6), term).unwrap();
    assert_eq!(bench.query(&ask(7), term), Err(Fault::TableFull));
    assert_eq!(bench.query(&ask(7), None), Err(Fault::TableFull));
    let uninvited = Message { subject: SubjectNumber(2), ..ask(8) };
    let unawaited = Some(Duration::ZERO);
    assert_eq!(bench.query(&uninvited, unawaited), Err(Fault::NotInvited));
}

#[test]
fn clause_4_3_5_1_2_4_2_b_a_query_times_out_once() {
    let mut bench = Bench::acquainted();
    bench.hear(&invite(FIVE, assertion(1)));
    bench.forget();
    let ask = Message { context: ContextNumber(5), ..message(1) };
    bench.query(&ask, Some(Duration::from_secs(2))).unwrap();
    assert_eq!(bench.module.next_deadline(), Some(at(2_000).monotonic));
    bench.run(1_999);
    assert!(bench.indications().is_empty());
    bench.run(10_000);
    let fault = Fault::QueryTimedOut(ContextNumber(5));
    assert_eq!(bench.indications(), [Indication::Fault(fault)]);
    bench.query(&ask, Some(Duration::from_secs(2))).unwrap();
}

#[test]
fn clause_4_3_5_1_2_4_2_a_reply_ends_the_wait() {
    let mut bench = Bench::acquainted();
    bench.hear(&invite(FIVE, assertion(1)));
    bench
        .module
        .invite(bench.now, &crate::ams::module::RuleRequest::new(SubjectNumber(2)), &mut bench.wire)
        .unwrap();
    bench.forget();
    let ask = Message { context: ContextNumber(5), ..message(1) };
    bench.query(&ask, Some(Duration::from_secs(2))).unwrap();
    let reply = Letter { message_type: MessageType::Reply, context: 5, ..Letter::new(2, b"yes") };
    let octets = reply.octets();
    let Ok(Delivery::Reply(received)) = bench.get(&octets) else { panic!("no reply") };
    assert_eq!((received.context, received.data), (ContextNumber(5), &b"yes"[..]));
    bench.run(10_000);
    assert!(bench.indications().is_empty());
}

#[test]
fn a_query_that_is_not_sent_is_not_pending() {
    let mut bench = Bench::acquainted();
    bench.hear(&invite(FIVE, assertion(1)));
    bench.forget();
    bench.wire.refuses = Some(SendError::Busy);
    let ask = Message { context: ContextNumber(5), ..message(1) };
    let fault = Fault::NotTransmitted(FIVE.key(), SendError::Busy);
    assert_eq!(bench.query(&ask, Some(Duration::from_secs(2))), Err(fault));
    bench.wire.refuses = None;
    assert_eq!(bench.query(&ask, Some(Duration::from_secs(2))), Ok(()));
}

#[test]
fn clause_4_3_6_a_reply_echoes_the_context() {
    let mut bench = Bench::acquainted();
    bench.hear(&invite(FIVE, assertion(1)));
    bench.forget();
    assert_eq!(bench.reply(&message(1)), Err(Fault::ContextZero));
    let answer = Message { context: ContextNumber(44), ..message(1) };
    bench.reply(&answer).unwrap();
    assert_eq!(bench.copies(), ["five1 Reply 1 p8 f0 c44"]);
    let uninvited = Message { subject: SubjectNumber(2), ..answer };
    assert_eq!(bench.reply(&uninvited), Err(Fault::NotInvited));
}

#[test]
fn clause_4_3_7_inviters_in_the_domain_of_the_request_get_a_copy() {
    let mut bench = Bench::acquainted().with_six();
    bench.hear(&invite(FIVE, assertion(1)));
    bench.hear(&invite(id(4, 1, 6), asked(1, 2, 2, 2)));
    bench.forget();
    for (at, copies) in [
        (domain(0, 0, 0), &["five1 Unary 1 p8 f0 c0", "tcp:six2 Unary 1 p2 f2 c0"][..]),
        (domain(7, 1, 3), &["five1 Unary 1 p8 f0 c0"]),
        (domain(7, 1, 4), &["tcp:six2 Unary 1 p2 f2 c0"]),
        (domain(7, 3, 0), &[]),
    ] {
        bench.announce(at, &message(1)).unwrap();
        assert_eq!(bench.copies(), copies, "{at:?}");
    }
    let away = bench.announce(domain(6, 0, 0), &message(1));
    assert_eq!(away, Err(Fault::RemoteContinuum));
}

#[test]
fn clause_4_3_8_a_message_yields_the_indication_of_its_type() {
    let mut bench = Bench::acquainted();
    let request = crate::ams::module::RuleRequest::new(SubjectNumber(1));
    bench.module.subscribe(bench.now, &request, &mut bench.wire).unwrap();
    let octets = Letter { context: 3, ..Letter::new(1, b"hello") }.octets();
    let Ok(Delivery::Message(received)) = bench.get(&octets) else { panic!("no message") };
    assert_eq!(received.source, FIVE.key());
    assert_eq!(received.continuum, HERE);
    assert_eq!((received.subject, received.context), (SubjectNumber(1), ContextNumber(3)));
    assert_eq!((received.priority, received.flow_label), (Priority::DEFAULT, 0));
    assert_eq!(received.data, b"hello");
    let query = Letter { message_type: MessageType::Query, context: 3, ..Letter::new(1, b"") };
    assert!(matches!(bench.get(&query.octets()), Ok(Delivery::Query(_))));
    assert_eq!(bench.module.message_stats().delivered, 2);
}

#[test]
fn clause_4_3_1_3_and_4_3_1_4_nothing_goes_in_clear_that_is_to_be_protected() {
    let mut bench = Bench::acquainted();
    for subject in [30, 31] {
        let request = crate::ams::module::RuleRequest::new(SubjectNumber(subject));
        bench.module.subscribe(bench.now, &request, &mut bench.wire).unwrap();
        bench.hear(&subscribe(FIVE, assertion(subject)));
        bench.hear(&invite(FIVE, assertion(subject)));
        bench.forget();
        let letter = Letter::new(subject, b"in clear");
        assert_eq!(bench.get(&letter.octets()), Err(Fault::SubjectNotPlain));
        assert_eq!(bench.publish(&message(subject)), Err(Fault::SubjectNotPlain));
        assert_eq!(bench.send((HERE, FIVE.key()), &message(subject)), Err(Fault::SubjectNotPlain));
        assert!(bench.copies().is_empty());
    }
}

#[test]
fn clause_4_3_7_1_2_2_remote_continua_that_are_not_reached_are_a_fault() {
    const MIB_WITH_OTHERS: Mib<'static> = Mib {
        continua: &[Continuum {
            number: ContinuumNumber::from_bits(8),
            name: "far",
            neighbour: true,
            description: "",
        }],
        ..MIB
    };
    let mut bench = Bench::of(&MIB_WITH_OTHERS, identity());
    bench.register().unwrap();
    bench.hear_from("cs1", &cell_spec(100, 1, "reg"));
    bench.hear(&you_are_in(101, 9));
    bench.forget();
    bench.announce(domain(0, 0, 0), &message(1)).unwrap();
    assert_eq!(bench.indications(), [Indication::Fault(Fault::RemoteContinuum)]);
    bench.announce(domain(7, 0, 0), &message(1)).unwrap();
    assert_eq!(bench.indications(), []);
}

#[test]
fn clause_4_3_8_1_1_senders_are_authorised_by_their_role() {
    let mut bench = Bench::acquainted().with_six();
    let request = crate::ams::module::RuleRequest::new(SubjectNumber(20));
    bench.module.subscribe(bench.now, &request, &mut bench.wire).unwrap();
    assert!(bench.get(&Letter::new(20, b"").octets()).is_ok());
    for number in [6, 7] {
        let letter = Letter { source: key(number), ..Letter::new(20, b"") };
        assert_eq!(bench.get(&letter.octets()), Err(Fault::SenderNotAuthorised(key(number))));
    }
    assert_eq!(bench.module.message_stats().not_authorised, 2);
}

#[test]
fn uninvited_messages_are_not_delivered() {
    let mut bench = Bench::acquainted();
    let readers = crate::ams::module::RuleRequest {
        domain: domain(7, 0, 4),
        ..crate::ams::module::RuleRequest::new(SubjectNumber(1))
    };
    bench.module.invite(bench.now, &readers, &mut bench.wire).unwrap();
    for subject in [1, 2, -7] {
        let got = bench.module.receive_aams(&Letter::new(subject, b"").octets()).err();
        assert_eq!(got, Some(Fault::Uninvited(FIVE.key())), "subject {subject}");
    }
    let unknown = Letter { source: key(8), ..Letter::new(1, b"") };
    assert!(bench.get(&unknown.octets()).is_ok(), "its introduction may be on the way");
    let foreign = Letter { continuum: ContinuumNumber::from_bits(6), ..Letter::new(1, b"") };
    let fault = Fault::ForeignContinuum(ContinuumNumber::from_bits(6));
    assert_eq!(bench.get(&foreign.octets()), Err(fault));
    let stats = bench.module.message_stats();
    assert_eq!((stats.uninvited, stats.inappropriate), (3, 1));
}

/// A bench that knows a gateway, 1/0.2.
fn with_gateway() -> Bench {
    let mut bench = Bench::member();
    bench.hear(&has_started(id(1, 0, 2), &contact("gate")));
    bench.forget();
    bench
}

/// A message in an envelope of the gateway's.
fn forwarded(inner: &[u8]) -> Vec<u8> {
    Letter { source: id(1, 0, 2).key(), ..Letter::new(-7, inner) }.octets()
}

#[test]
fn clause_4_3_8_1_2_the_message_in_a_gateways_message_is_delivered() {
    let away = ContinuumNumber::from_bits(6);
    let inner = Letter { continuum: away, source: key(77), ..Letter::new(12, b"far") }.octets();
    for mut bench in [with_gateway(), Bench::member()] {
        let octets = forwarded(&inner);
        let Ok(Delivery::Message(received)) = bench.get(&octets) else { panic!("no message") };
        assert_eq!((received.continuum, received.source), (away, key(77)));
        assert_eq!((received.subject, received.data), (SubjectNumber(12), &b"far"[..]));
    }
}

#[test]
fn clause_4_3_8_1_2_enclosures_may_be_as_ion_makes_them() {
    // Priority 0, and a checksum that is announced but not there.
    let inner = [0, 0, 0x80, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 1, b'x'];
    let mut bench = with_gateway();
    let octets = forwarded(&inner);
    let Ok(Delivery::Message(received)) = bench.get(&octets) else { panic!("no message") };
    assert_eq!((received.priority, received.data), (Priority::DEFAULT, &b"x"[..]));
    assert_eq!(bench.module.meta_stats().deviating, 1);
    let fault = bench.get(&forwarded(&inner[..10])).unwrap_err();
    let Fault::Malformed(malformed) = fault else { panic!("{fault:?}") };
    assert_eq!((malformed.rule, malformed.offset), (PduRule::AamsTruncated, 16));
    assert_eq!(bench.module.message_stats().malformed, 1);
}

#[test]
fn ill_formed_messages_are_counted() {
    let mut bench = Bench::acquainted();
    let mut octets = Letter::new(1, b"x").octets();
    octets[16] ^= 1;
    let Err(Fault::Malformed(malformed)) = bench.get(&octets) else { panic!("accepted") };
    assert_eq!(malformed.rule, PduRule::AamsChecksum);
    let stats = bench.module.message_stats();
    assert_eq!((stats.received, stats.malformed, stats.delivered), (1, 1, 0));
}
