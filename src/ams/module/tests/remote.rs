//! Private messages to other continua (4.3.3): what the gateway gets.

use core::time::Duration;
use std::format;
use std::string::String;
use std::vec::Vec;

use super::harness::{Bench, CONTINUUM, contact, has_started, id, subscribe};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleKey, ModuleNumber, Priority, RoleNumber,
    SubjectNumber, UnitNumber,
};
use crate::ams::pdu::{Aams, AssertionValues, ControlCode, Envelope, MessageType};
use crate::ams::service::{Fault, Indication, Message};

const FAR: ContinuumNumber = ContinuumNumber::from_bits(6);

/// Continuum 6 is one of those that the gateway, module 8, subscribes for; 5 is not.
fn with_gateway() -> Bench {
    let mut bench = Bench::member();
    let gateway = id(1, 1, 8);
    bench.hear(&has_started(gateway, &contact("gw")));
    for continuum in [FAR, CONTINUUM] {
        let rule = AssertionValues {
            subject: continuum.pseudo_subject(),
            domain: Domain::ALL,
            delivery_vector: 1,
            priority: Priority::DEFAULT,
            flow_label: 0,
        };
        bench.hear(&subscribe(gateway, rule));
    }
    // A module that subscribes to everything has no use for envelopes.
    let curious = id(3, 1, 5);
    bench.hear(&has_started(curious, &contact("five")));
    let all = Domain { continuum: CONTINUUM, ..Domain::ALL };
    bench.hear(&subscribe(
        curious,
        AssertionValues {
            subject: SubjectNumber::ALL,
            domain: all,
            delivery_vector: 1,
            priority: Priority::DEFAULT,
            flow_label: 0,
        },
    ));
    bench.forget();
    bench
}

fn to(continuum: ContinuumNumber) -> (ContinuumNumber, ModuleKey) {
    (continuum, ModuleKey { unit: UnitNumber(3), module: ModuleNumber(9) })
}

fn letter(subject: i16, context: u32) -> Message<'static> {
    Message {
        context: ContextNumber(context),
        priority: Priority::new(4),
        ..Message::new(SubjectNumber(subject), b"hello")
    }
}

/// What went out: to whom, the message, the envelope in it, and the message in that.
fn sent(bench: &mut Bench) -> Vec<String> {
    let sent = core::mem::take(&mut bench.wire.sent);
    let lines = sent.into_iter().map(|datagram| {
        let outer = Aams::parse(&datagram.octets).unwrap();
        let envelope = Envelope::parse_enclosed(outer.data(), Aams::HEADER_LEN).unwrap();
        let header = envelope.header();
        let inner = envelope.content().unwrap();
        assert!(!inner.checksum_flag());
        assert_eq!(
            (outer.message_type(), outer.context()),
            (MessageType::Unary, ContextNumber::NONE)
        );
        assert_eq!((inner.source_continuum(), inner.source()), (CONTINUUM, outer.source()));
        assert_eq!(inner.data(), b"hello");
        format!(
            "{} {} | {} {}.{}>{} of {} on {} | {} {} p{} c{}",
            datagram.to,
            outer.subject(),
            header.control_code.bits(),
            header.continuum,
            header.unit,
            header.destination,
            header.source,
            header.subject,
            inner.message_type().name(),
            inner.subject(),
            inner.priority().unwrap().get(),
            inner.context(),
        )
    });
    lines.collect()
}

#[test]
fn clause_4_3_3_1_2_the_envelope_says_who_it_is_for() {
    let mut bench = with_gateway();
    assert_eq!(ControlCode::SendOnReception.bits(), 5);
    bench.module.send(to(FAR), &letter(1, 0), &mut bench.wire).unwrap();
    assert_eq!(sent(&mut bench), ["gw1 -6 | 5 6.3>9 of 2 on 1 | Unary 1 p4 c0"]);
    let (now, term) = (bench.now, Some(Duration::from_secs(9)));
    bench.module.query(now, to(FAR), &letter(1, 44), term, &mut bench.wire).unwrap();
    assert_eq!(sent(&mut bench), ["gw1 -6 | 5 6.3>9 of 2 on 1 | Query 1 p4 c44"]);
    bench.module.reply(to(FAR), &letter(1, 45), &mut bench.wire).unwrap();
    assert_eq!(sent(&mut bench), ["gw1 -6 | 5 6.3>9 of 2 on 1 | Reply 1 p4 c45"]);
    let domain = Domain { continuum: FAR, unit: UnitNumber(2), role: RoleNumber(4) };
    let user = &mut |indication: Indication| panic!("{indication:?}");
    bench.module.announce(domain, &letter(1, 0), &mut bench.wire, user).unwrap();
    assert_eq!(sent(&mut bench), ["gw1 -6 | 6 6.2>4 of 2 on 1 | Unary 1 p4 c0"]);
}

#[test]
fn clause_4_3_3_1_3_what_is_for_all_goes_by_the_own_pseudo_subject() {
    let mut bench = with_gateway();
    let domain =
        Domain { continuum: ContinuumNumber::ALL, unit: UnitNumber(2), role: RoleNumber(4) };
    bench.module.announce_far(domain, &letter(1, 0), &mut bench.wire).unwrap();
    assert_eq!(sent(&mut bench), ["gw1 -7 | 6 0.2>4 of 2 on 1 | Unary 1 p4 c0"]);
}

#[test]
fn clause_4_3_5_1_2_4_a_query_to_another_continuum_has_a_term_too() {
    let mut bench = with_gateway();
    let (now, term) = (bench.now, Some(Duration::from_secs(9)));
    bench.module.query(now, to(FAR), &letter(1, 44), term, &mut bench.wire).unwrap();
    let again = bench.module.query(now, to(FAR), &letter(1, 44), term, &mut bench.wire);
    assert_eq!(again, Err(Fault::ContextPending));
    bench.run(9_000);
    let timed_out = Indication::Fault(Fault::QueryTimedOut(ContextNumber(44)));
    assert!(bench.indications().contains(&timed_out));
}

#[test]
fn clause_4_3_3_1_without_a_gateway_for_it_nothing_is_sent() {
    let mut bench = with_gateway();
    let elsewhere = ContinuumNumber::from_bits(5);
    for continuum in [elsewhere, ContinuumNumber::ALL] {
        let sent = bench.module.send(to(continuum), &letter(1, 0), &mut bench.wire);
        assert_eq!(sent, Err(Fault::RemoteContinuum));
    }
    // Nor what the module may not send, or not in clear (4.3.3.1.1).
    let sent = bench.module.send(to(FAR), &letter(20, 0), &mut bench.wire);
    assert_eq!(sent, Err(Fault::NotAuthorisedSender));
    let sent = bench.module.send(to(FAR), &letter(30, 0), &mut bench.wire);
    assert_eq!(sent, Err(Fault::SubjectNotPlain));
    assert!(bench.wire.sent.is_empty());
}
