//! Encrypting and marshalling, one test a clause of 4.3.1.3, 4.3.1.4 and 4.3.8.1.3.

use proptest::prelude::*;
use std::vec::Vec;

use super::{Counter, Dry, SECRET, SECRET_TURNED, SENSOR, SUBJECT_KEY, TURNED, leak, mib};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, ModuleKey, ModuleNumber, SubjectNumber, UnitNumber,
};
use crate::ams::mib::Subject;
use crate::ams::pdu::MessageType;
use crate::ams::script::unhex;
use crate::ams::security::{
    AesGcmSiv, ContentFault, ContentHandler, MarshalFault, MarshallingTable, Origin,
    SubjectSecurity,
};
use crate::crypto::SecretKey;

/// Turns data round. It refuses what begins with `!`, and overflows with `+`.
fn turn(data: &[u8], to: &mut [u8]) -> Result<usize, MarshalFault> {
    match data.first() {
        Some(b'!') => return Err(MarshalFault::Refused),
        Some(b'+') => return Ok(to.len() + 1),
        _ => {}
    }
    let to = to.get_mut(..data.len()).ok_or(MarshalFault::NoRoom)?;
    to.iter_mut().zip(data.iter().rev()).for_each(|(to, from)| *to = *from);
    Ok(data.len())
}

pub(super) const TURN: MarshallingTable<'static> = MarshallingTable(&[("turn", turn)]);

/// A handler with the cipher and the function, and so much room.
pub(super) fn handler(room: usize) -> SubjectSecurity<'static> {
    SubjectSecurity::new(std::vec![0; room].leak())
        .with_cipher(&AesGcmSiv, leak(Counter::default()))
        .with_marshalling(&TURN)
}

fn subject(number: SubjectNumber) -> &'static Subject<'static> {
    mib().ventures[0].subject(number).unwrap()
}

const ORIGIN: Origin = Origin {
    message_type: MessageType::Query,
    continuum: ContinuumNumber::from_bits(0x0102),
    source: ModuleKey { unit: UnitNumber(0x0304), module: ModuleNumber(5) },
    context: ContextNumber(0x0607_0809),
    subject: SubjectNumber(0x0a0b),
};

fn sealed(number: SubjectNumber, data: &[u8]) -> Vec<u8> {
    handler(128).prepare(subject(number), &ORIGIN, data).unwrap().to_vec()
}

fn restored(number: SubjectNumber, origin: &Origin, data: &[u8]) -> Result<Vec<u8>, ContentFault> {
    let mut room = [0; 256];
    handler(0).restore(subject(number), origin, data, &mut room).map(<[u8]>::to_vec)
}

#[test]
fn clause_4_3_1_4_data_are_encrypted_with_the_key_of_the_subject() {
    let octets = sealed(SECRET, b"attack at dawn");
    assert_eq!(octets.len(), 12 + 14 + 16);
    assert!(!octets.windows(4).any(|four| b"attack at dawn".windows(4).any(|it| it == four)));
    assert_eq!(restored(SECRET, &ORIGIN, &octets).unwrap(), b"attack at dawn");
}

/// Pinned: the same from every version of this crate.
#[test]
fn clause_4_3_1_4_the_octets_of_encrypted_data() {
    let golden = concat!(
        "000102030405060708090a0b",
        "e956b197c52c35d53f6c054af391",
        "8460d3648a168d46363ebb7862dd73ba"
    );
    assert_eq!(sealed(SECRET, b"attack at dawn"), unhex(golden));
}

#[test]
fn clause_4_3_1_3_data_are_marshalled_by_the_functions_of_the_subject() {
    assert_eq!(sealed(TURNED, b"abc"), b"cba");
    assert_eq!(restored(TURNED, &ORIGIN, b"cba").unwrap(), b"abc");
}

#[test]
fn clause_4_3_8_1_3_marshalled_first_and_encrypted_then_and_the_reverse() {
    let octets = sealed(SECRET_TURNED, b"abc");
    let key_alone = Subject { unmarshal: "", ..*subject(SECRET_TURNED) };
    let mut room = [0; 64];
    assert_eq!(handler(0).restore(&key_alone, &ORIGIN, &octets, &mut room), Ok(&b"cba"[..]));
    assert_eq!(restored(SECRET_TURNED, &ORIGIN, &octets).unwrap(), b"abc");
}

#[test]
fn clause_4_3_8_1_3_a_subject_may_be_marshalled_one_way_only() {
    let out = Subject { unmarshal: "", ..*subject(TURNED) };
    let into = Subject { marshal: "", ..*subject(TURNED) };
    assert_eq!(handler(8).prepare(&out, &ORIGIN, b"abc"), Ok(&b"cba"[..]));
    assert_eq!(handler(8).prepare(&into, &ORIGIN, b"abc"), Ok(&b"abc"[..]));
    assert_eq!(handler(0).restore(&out, &ORIGIN, b"cba", &mut [0; 8]), Ok(&b"cba"[..]));
    assert_eq!(handler(0).restore(&into, &ORIGIN, b"cba", &mut [0; 8]), Ok(&b"abc"[..]));
}

#[test]
fn clause_4_3_1_4_what_was_not_supplied_is_a_fault_both_ways() {
    let mut bare = SubjectSecurity::new(leak([0; 64]));
    let mut room = [0; 64];
    let sealed = sealed(SECRET, b"x");
    for (number, fault) in [(SECRET, ContentFault::NoCipher), (TURNED, ContentFault::NoFunction)] {
        assert_eq!(bare.prepare(subject(number), &ORIGIN, b"x"), Err(fault));
        assert_eq!(bare.restore(subject(number), &ORIGIN, &sealed, &mut room), Err(fault));
    }
    let unknown = Subject { marshal: "spin", unmarshal: "spin", ..*subject(TURNED) };
    let fault = Err(ContentFault::NoFunction);
    assert_eq!(handler(64).prepare(&unknown, &ORIGIN, b"x"), fault);
    assert_eq!(handler(64).restore(&unknown, &ORIGIN, b"x", &mut room), fault);
}

#[test]
fn clause_4_3_1_4_every_failure_is_a_fault_of_its_own() {
    let (secret, turned) = (subject(SECRET), subject(TURNED));
    let prepare = |handler: &mut SubjectSecurity<'_>, subject: &Subject<'_>, data: &[u8]| {
        handler.prepare(subject, &ORIGIN, data).map(<[u8]>::len)
    };
    let mut dry = SubjectSecurity::new(leak([0; 64])).with_cipher(&AesGcmSiv, &Dry);
    assert_eq!(prepare(&mut dry, secret, b"x"), Err(ContentFault::NoRandom));
    let odd = Subject { symmetric_key: SecretKey(b"odd"), ..*secret };
    assert_eq!(prepare(&mut handler(64), &odd, b"x"), Err(ContentFault::KeyUnusable));
    for room in 0..12 + 3 + 16 {
        assert_eq!(prepare(&mut handler(room), secret, b"abc"), Err(ContentFault::NoRoom));
    }
    assert_eq!(prepare(&mut handler(31), secret, b"abc"), Ok(31));
    assert_eq!(prepare(&mut handler(2), turned, b"abc"), Err(ContentFault::NoRoom));
    assert_eq!(prepare(&mut handler(8), turned, b"!"), Err(ContentFault::NotConverted));
    assert_eq!(prepare(&mut handler(8), turned, b"+"), Err(ContentFault::NotConverted));

    let restore = |subject: &Subject<'_>, data: &[u8], room: usize| {
        let mut room = std::vec![0; room];
        handler(0).restore(subject, &ORIGIN, data, &mut room).map(<[u8]>::len)
    };
    let octets = sealed(SECRET, b"abc");
    assert_eq!(restore(&odd, &octets, 64), Err(ContentFault::KeyUnusable));
    assert_eq!(restore(secret, &octets, 2), Err(ContentFault::NoRoom));
    assert_eq!(restore(secret, &octets, 3), Ok(3));
    assert_eq!(restore(secret, b"in clear", 64), Err(ContentFault::NotAuthentic));
    assert_eq!(restore(secret, &[7; 28], 64), Err(ContentFault::NotAuthentic));
    assert_eq!(restore(turned, b"abc", 2), Err(ContentFault::NoRoom));
    assert_eq!(restore(turned, b"!", 64), Err(ContentFault::NotConverted));
    assert_eq!(
        restore(subject(SECRET_TURNED), &sealed(SECRET, b"abc"), 5),
        Err(ContentFault::NoRoom)
    );
}

#[test]
fn clause_4_3_1_4_encrypted_data_are_bound_to_their_origin() {
    let octets = sealed(SECRET, b"abc");
    let ModuleKey { unit, module } = ORIGIN.source;
    for origin in [
        Origin { message_type: MessageType::Reply, ..ORIGIN },
        Origin { continuum: ContinuumNumber::from_bits(1), ..ORIGIN },
        Origin { source: ModuleKey { unit: UnitNumber(unit.0 + 1), module }, ..ORIGIN },
        Origin { source: ModuleKey { unit, module: ModuleNumber(SENSOR.0) }, ..ORIGIN },
        Origin { context: ContextNumber(1), ..ORIGIN },
        Origin { subject: SECRET, ..ORIGIN },
    ] {
        assert_eq!(restored(SECRET, &origin, &octets), Err(ContentFault::NotAuthentic));
    }
    assert_eq!(ORIGIN.octets(), unhex("010102030405060708090a0b")[..]);
}

#[test]
fn clause_4_3_1_4_the_same_data_are_not_encrypted_alike() {
    let mut handler = handler(64);
    let first = handler.prepare(subject(SECRET), &ORIGIN, b"abc").unwrap().to_vec();
    assert_ne!(handler.prepare(subject(SECRET), &ORIGIN, b"abc").unwrap(), first);
    let other_key = Subject { symmetric_key: SecretKey(&[8; 32]), ..*subject(SECRET) };
    assert_ne!(SUBJECT_KEY, [8; 32]);
    let opened = handler.restore(&other_key, &ORIGIN, &first, &mut [0; 64]).map(<[u8]>::len);
    assert_eq!(opened, Err(ContentFault::NotAuthentic));
}

proptest! {
    /// `turn` makes an exception of `!` and `+`.
    #[test]
    fn what_is_prepared_is_restored(data in prop::collection::vec(b'a'..=b'z', 0..90)) {
        for number in [SECRET, TURNED, SECRET_TURNED] {
            prop_assert_eq!(restored(number, &ORIGIN, &sealed(number, &data)), Ok(data.clone()));
        }
    }

    #[test]
    fn any_flipped_bit_of_encrypted_data_is_refused(
        data in prop::collection::vec(any::<u8>(), 0..90),
        which in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut octets = sealed(SECRET, &data);
        let which = which.index(octets.len());
        octets[which] ^= 1 << bit;
        prop_assert_eq!(restored(SECRET, &ORIGIN, &octets), Err(ContentFault::NotAuthentic));
    }
}
