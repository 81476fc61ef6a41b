//! A cell in which everybody signs, and what it says on some subjects is secret.

use std::vec::Vec;

use super::network::Cell;
use super::{
    KEEPER, PLAIN, READER, SECRET, SECRET_TURNED, SENSOR, TURNED, VENTURE, bound, keyless, leak,
    mib, mixed_up, mpdu, registrar, sender, sign,
};
use crate::ams::ids::SubjectNumber;
use crate::ams::mib::{Mib, Subject, Venture};
use crate::ams::module::{Membership, RuleRequest};
use crate::ams::pdu::{Aams, Mpdu, MpduType};
use crate::ams::security::ContentFault;
use crate::ams::service::{Fault, Indication, Message};
use crate::crypto::SecretKey;

/// Two members, a sensor and a reader, who subscribes to all that is said.
fn two(mib: &'static Mib<'static>) -> Cell {
    let mut cell = Cell::new(mib);
    cell.join(mib, "s", SENSOR);
    cell.join(mib, "r", READER);
    cell.run(75_000);
    for subject in [SECRET, TURNED, SECRET_TURNED, PLAIN] {
        cell.with(1, |module, now, transport, _| {
            module.subscribe(now, &RuleRequest::new(subject), transport).unwrap();
        });
    }
    cell.run(80_000);
    cell
}

fn publish(cell: &mut Cell, subject: SubjectNumber, data: &[u8]) -> Result<u32, Fault> {
    let sent = cell.with(0, |module, _, transport, heard| {
        module.publish(&Message::new(subject, data), transport, &mut |it| heard.push(it))
    });
    cell.run(cell.now.monotonic.as_micros() / 1_000 + 1);
    sent.map(|fanout| fanout.sent)
}

fn is_member(cell: &Cell, member: usize) -> bool {
    matches!(cell.members[member].module.membership(), Membership::Member(_))
}

#[test]
fn clause_2_3_8_a_cell_registers_subscribes_and_publishes_signed_and_encrypted() {
    for mib in [&*leak(mib()), leak(bound(2))] {
        let mut cell = two(mib);
        for subject in [SECRET, TURNED, SECRET_TURNED, PLAIN] {
            assert_eq!(publish(&mut cell, subject, b"21.5 degrees"), Ok(1));
        }
        assert_eq!(
            cell.members[1].got,
            Vec::from([(); 4]).iter().map(|()| Ok(b"21.5 degrees".to_vec())).collect::<Vec<_>>()
        );
        for datagram in &cell.wire {
            if datagram.to.ends_with('/') {
                let message = Aams::parse(&datagram.octets).unwrap();
                let clear = datagram.octets.windows(7).any(|it| it == b"degrees");
                assert_eq!(clear, message.subject() == PLAIN);
            } else {
                assert!(!Mpdu::parse(&datagram.octets).unwrap().signature().is_empty());
            }
        }
        let registrar = cell.registrar.as_ref().unwrap().stats();
        for stats in [registrar, cell.server.stats(), cell.members[0].module.meta_stats()] {
            assert_eq!((stats.signature_missing, stats.signature_wrong, stats.usurped), (0, 0, 0));
        }
    }
}

#[test]
fn clause_4_2_8_2_d_a_signed_cell_reconnects_to_a_registrar_that_was_restarted() {
    let mib = leak(mib());
    let mut cell = two(mib);
    cell.registrar = None;
    cell.run(200_000);
    cell.start_registrar(mib);
    cell.run(400_000);
    let members: Vec<_> = cell.registrar.as_ref().unwrap().members().map(|it| it.role()).collect();
    assert_eq!(members, [SENSOR, READER]);
    assert!(is_member(&cell, 0) && is_member(&cell, 1));
    assert_eq!(publish(&mut cell, SECRET, b"again"), Ok(1));
    assert_eq!(cell.members[1].got, [Ok(b"again".to_vec())]);
}

#[test]
fn clause_4_2_7_6_the_obituary_of_a_signed_module_is_signed_by_its_registrar() {
    let mut cell = two(leak(mib()));
    assert_eq!(cell.members[0].module.peers().count(), 1);
    cell.members.pop();
    cell.run(300_000);
    assert_eq!(cell.members[0].module.peers().count(), 0);
    let obituary = |octets: &[u8]| {
        let mpdu = Mpdu::parse(octets).unwrap();
        mpdu.mpdu_type() == MpduType::I_AM_STOPPING && mpdu.sender() == registrar(1)
    };
    let sent = cell.wire.iter().filter(|it| it.to == "s" && obituary(&it.octets)).count();
    assert_eq!(sent, 1);
}

#[test]
fn clause_2_3_8_who_cannot_prove_it_takes_no_part() {
    let mut cell = Cell::new(leak(mib()));
    cell.join(leak(keyless()), "u", SENSOR);
    cell.join(leak(mixed_up()), "w", SENSOR);
    cell.run(140_000);
    assert!(!is_member(&cell, 0) && !is_member(&cell, 1));
    // A configuration server that knows roles by their keys does not even answer.
    let stats = cell.server.stats();
    assert!(stats.signature_missing > 0 && stats.signature_wrong > 0);
    assert_eq!(cell.registrar.as_ref().unwrap().members().count(), 0);
}

#[test]
fn clause_4_1_5_a_role_without_a_key_takes_part_unsigned() {
    let mib = leak(mib());
    let mut cell = two(mib);
    cell.join(mib, "k", KEEPER);
    cell.run(85_000);
    assert!(is_member(&cell, 2));
    cell.with(2, |module, now, transport, _| {
        module.subscribe(now, &RuleRequest::new(PLAIN), transport).unwrap();
    });
    cell.run(90_000);
    assert_eq!(publish(&mut cell, PLAIN, b"to two"), Ok(2));
}

#[test]
fn without_keys_nothing_is_different_on_the_wire() {
    let mut cell = two(leak(keyless()));
    assert_eq!(publish(&mut cell, PLAIN, b"x"), Ok(1));
    let mpdus = cell.wire.iter().filter(|it| !it.to.ends_with('/'));
    assert!(mpdus.clone().count() > 10);
    for datagram in mpdus {
        assert!(Mpdu::parse(&datagram.octets).unwrap().signature().is_empty());
    }
}

#[test]
fn bad_input_spoofed_mams_changes_nothing() {
    let mut cell = two(leak(mib()));
    let five = cell.members[1].module.id().unwrap();
    let peers = cell.members[0].module.peers().count();
    let rules = cell.members[0].module.rules().count();
    for octets in [
        mpdu(registrar(1), MpduType::YOU_ARE_DEAD, 0, &[]),
        mpdu(registrar(1), MpduType::I_AM_STOPPING, five.reference(), &[]),
        mpdu(registrar(1), MpduType::CELL_STATUS, 256, &[0]),
        sign(&mixed_up(), &mpdu(registrar(1), MpduType::YOU_ARE_DEAD, 0, &[])),
        sign(&mib(), &mpdu(sender(1, SENSOR), MpduType::I_AM_STOPPING, five.reference(), &[])),
        mpdu(sender(1, KEEPER), MpduType::I_AM_STOPPING, five.reference(), &[]),
    ] {
        cell.say("evil", "s", &octets);
        cell.say("evil", "reg", &octets);
    }
    assert!(is_member(&cell, 0) && is_member(&cell, 1));
    assert_eq!(cell.members[0].module.peers().count(), peers);
    assert_eq!(cell.members[0].module.rules().count(), rules);
    assert_eq!(cell.registrar.as_ref().unwrap().members().count(), 2);
    let stats = cell.members[0].module.meta_stats();
    assert_eq!((stats.signature_missing, stats.signature_wrong, stats.usurped), (3, 1, 2));
}

#[test]
fn bad_input_a_second_registrar_cannot_announce_itself() {
    let mut cell = two(leak(mib()));
    let announcement = mpdu(registrar(2), MpduType::ANNOUNCE_REGISTRAR, 9, b"evil\0");
    cell.say("evil", "cs", &announcement);
    cell.say("evil", "cs", &sign(&mixed_up(), &announcement));
    assert_eq!(cell.server.cells().count(), 1);
    assert_eq!(cell.server.stats().signature_missing, 1);
    assert_eq!(cell.server.stats().signature_wrong, 1);
    cell.say("good", "cs", &sign(&mib(), &announcement));
    assert_eq!(cell.server.cells().count(), 2);
}

#[test]
fn bad_input_a_replayed_mpdu_is_stale_where_the_mib_says_so() {
    let mut cell = two(leak(bound(2)));
    let departure = |cell: &mut Cell| {
        cell.with(1, |module, now, transport, _| module.unregister(now, transport).unwrap());
        cell.run(cell.now.monotonic.as_micros() / 1_000 + 1);
    };
    departure(&mut cell);
    let is_stop =
        |octets: &[u8]| Mpdu::parse(octets).unwrap().mpdu_type() == MpduType::I_AM_STOPPING;
    let seen = cell.wire.iter().rfind(|it| it.to == "reg" && is_stop(&it.octets)).unwrap();
    let replay = seen.octets.clone();
    cell.run(90_000);
    cell.say("evil", "reg", &replay);
    assert_eq!(cell.registrar.as_ref().unwrap().stats().signature_stale, 1);
}

#[test]
fn clause_4_3_1_4_messages_that_cannot_be_encrypted_are_not_issued() {
    let venture = mib().ventures[0];
    let odd = Subject { symmetric_key: SecretKey(b"odd"), ..venture.subjects[0] };
    let no_function = Subject { marshal: "spin", ..venture.subjects[1] };
    let subjects = leak([odd, no_function, venture.subjects[3]]);
    let mib = leak(Mib { ventures: leak([Venture { subjects, ..venture }]), ..mib() });
    let mut cell = two(mib);
    let refused = |why| Err(Fault::NotPrepared(why));
    let before = cell.wire.len();
    assert_eq!(publish(&mut cell, SECRET, b"x"), refused(ContentFault::KeyUnusable));
    assert_eq!(publish(&mut cell, TURNED, b"x"), refused(ContentFault::NoFunction));
    assert_eq!(publish(&mut cell, PLAIN, b"plain"), Ok(1));
    let said = cell.wire[before..].iter().filter(|it| it.to.ends_with('/')).count();
    assert_eq!(said, 1);
    assert_eq!(cell.members[0].module.message_stats().not_prepared, 2);
}

#[test]
fn clause_4_3_8_1_3_messages_that_cannot_be_decrypted_are_discarded() {
    let mut cell = two(leak(mib()));
    assert_eq!(publish(&mut cell, SECRET, b"x"), Ok(1));
    let sent = cell.wire.iter().rfind(|it| it.to == "r/").unwrap().octets.clone();
    // In clear, where it should not be; and altered, with a checksum that is right.
    let header = Aams::parse(&sent).unwrap().header().unwrap();
    let mut buffer = [0; 128];
    let clear = header.encode(b"in clear", true, &mut buffer).unwrap().to_vec();
    let mut data = Aams::parse(&sent).unwrap().data().to_vec();
    data[12] ^= 1;
    let altered = header.encode(&data, true, &mut buffer).unwrap().to_vec();
    cell.say("s", "r/", &clear);
    cell.say("s", "r/", &altered);
    let source = header.source;
    let fault = Fault::NotRestored(source, ContentFault::NotAuthentic);
    assert_eq!(cell.members[1].got, [Ok(b"x".to_vec()), Err(fault), Err(fault)]);
    let stats = cell.members[1].module.message_stats();
    assert_eq!((stats.not_restored, stats.delivered), (2, 1));
}

#[test]
fn clause_4_3_1_4_a_run_of_messages_is_encrypted_one_by_one() {
    let mut cell = two(leak(mib()));
    let sent = cell.with(0, |module, _, transport, heard| {
        let message = Message::new(SECRET_TURNED, b"aabbc");
        module.publish_run(&message, 2, transport, &mut |it| heard.push(it)).unwrap()
    });
    assert_eq!((sent.sent, sent.failed), (3, 0));
    cell.run(81_000);
    let expected = [b"aa".to_vec(), b"bb".to_vec(), b"c".to_vec()].map(Ok);
    assert_eq!(cell.members[1].got, expected);
    // A part that cannot be marshalled is a fault; the others went out.
    let sent = cell.with(0, |module, _, transport, heard| {
        let message = Message::new(SECRET_TURNED, b"dd!!ee");
        module.publish_run(&message, 2, transport, &mut |it| heard.push(it)).unwrap()
    });
    assert_eq!((sent.sent, sent.failed), (2, 1));
    let fault = Indication::Fault(Fault::NotPrepared(ContentFault::NotConverted));
    assert!(cell.members[0].heard.contains(&fault));
}

#[test]
fn clause_4_3_4_to_4_3_7_private_messages_are_encrypted_too() {
    let mut cell = two(leak(mib()));
    cell.with(1, |module, now, transport, _| {
        module.invite(now, &RuleRequest::new(SECRET), transport).unwrap();
    });
    cell.run(81_000);
    let to = (super::CONTINUUM, cell.members[1].module.id().unwrap().key());
    let domain = crate::ams::ids::Domain::ALL;
    cell.with(0, |module, now, transport, heard| {
        let message = Message::new(SECRET, b"private");
        let question = Message { context: crate::ams::ids::ContextNumber(5), ..message };
        module.send(to, &message, transport).unwrap();
        module.query(now, to, &question, None, transport).unwrap();
        module.reply(to, &question, transport).unwrap();
        module.announce(domain, &message, transport, &mut |it| heard.push(it)).unwrap();
    });
    cell.run(82_000);
    assert_eq!(cell.members[1].got, [(); 4].map(|()| Ok(b"private".to_vec())));
    let said = cell.wire.iter().filter(|it| it.to == "r/");
    assert!(said.clone().count() == 4);
    assert!(said.into_iter().all(|it| !it.octets.windows(7).any(|it| it == b"private")));
    assert_eq!(VENTURE.0, 1);
}
