//! Every rule is broken by some octets, and refused by name where they break it.

use farpost::management::amp::{Ac, AmpRule, Group, MAX_NESTING, Message, Profile, Tnvc};
use farpost::wire::Rule;

use crate::rewrite::again;
use crate::vectors::unhex;

/// What the octets are meant to be, the octets, the rule and where it is broken.
const BROKEN: &[(&str, &str, AmpRule, usize)] = &[
    ("ari", "", AmpRule::Truncated, 0),
    ("ari", "82188e41", AmpRule::Truncated, 4),
    ("lit", "4319ff", AmpRule::Truncated, 2),
    ("ari", "82188e410000", AmpRule::Trailing, 5),
    ("grp", "82004700416100ff", AmpRule::Truncated, 3),
    ("grp", "820043004161ff", AmpRule::Trailing, 6),
    ("grp", "820044004161ff", AmpRule::Trailing, 6),
    ("ac", "9f", AmpRule::Indefinite, 0),
    ("lit", "237fff", AmpRule::Indefinite, 1),
    ("ac", "c180", AmpRule::Tagged, 0),
    ("lit", "431c", AmpRule::HeadReserved, 1),
    ("lit", "431817", AmpRule::NotShortest, 1),
    ("lit", "431900ff", AmpRule::NotShortest, 1),
    ("lit", "431a0000ffff", AmpRule::NotShortest, 1),
    ("lit", "631b00000000ffffffff", AmpRule::NotShortest, 1),
    ("lit", "23780161", AmpRule::NotShortest, 1),
    ("lit", "83fa3f800000", AmpRule::NotShortest, 1),
    ("lit", "4320", AmpRule::MajorType, 1),
    ("lit", "3341", AmpRule::MajorType, 1),
    ("lit", "8304", AmpRule::MajorType, 1),
    ("lit", "0300", AmpRule::MajorType, 1),
    ("lit", "03f6", AmpRule::OutOfRange, 1),
    ("lit", "13190100", AmpRule::OutOfRange, 1),
    ("lit", "431b0000000100000000", AmpRule::OutOfRange, 1),
    ("lit", "331a80000000", AmpRule::OutOfRange, 1),
    ("lit", "333a80000000", AmpRule::OutOfRange, 1),
    ("lit", "531b8000000000000000", AmpRule::OutOfRange, 1),
    ("lit", "533b8000000000000000", AmpRule::OutOfRange, 1),
    ("ac", "9bffffffffffffffff", AmpRule::OutOfRange, 0),
    ("ac", "9affffffff", AmpRule::Truncated, 5),
    ("lit", "73fb400921f9f01b866e", AmpRule::TooPrecise, 1),
    ("lit", "236261ff", AmpRule::NotUtf8, 3),
    ("tnvc", "0101f6", AmpRule::NoNativeValue, 2),
    ("tnvc", "010180", AmpRule::NoNativeValue, 2),
    ("tnvc", "05020d1400", AmpRule::TypeUnknown, 2),
    ("tnvc", "040228140000", AmpRule::TypeUnknown, 2),
    ("tnv", "820d00", AmpRule::TypeUnknown, 1),
    ("tnv", "822200", AmpRule::TnvInTnv, 1),
    ("tnvc", "05021422", AmpRule::TnvInTnv, 3),
    ("tnv", "8014", AmpRule::TnvCount, 0),
    ("tnv", "831404", AmpRule::TnvCount, 0),
    ("tnv", "81946161", AmpRule::TnvCount, 0),
    ("tnvc", "09", AmpRule::TnvcFlags, 0),
    ("tnvc", "15", AmpRule::TnvcFlags, 0),
    ("tnvc", "0500", AmpRule::TnvcEmpty, 0),
    ("expr", "2080", AmpRule::ExpressionType, 0),
    ("lit", "9300", AmpRule::LiteralType, 0),
    ("ari", "0d4100", AmpRule::StructureType, 0),
    ("expr", "10818115410f", AmpRule::ObjectType, 2),
    ("msg", "02008182188e4100", AmpRule::ObjectType, 3),
    ("mac", "82188e410080", AmpRule::ObjectType, 0),
    ("tbl", "8182188e4100", AmpRule::ObjectType, 1),
    ("ari", "a71541004131", AmpRule::NicknameAndIssuer, 0),
    ("ari", "1741004131", AmpRule::TagWithoutIssuer, 0),
    ("ari", "2241004131", AmpRule::IssuerNotAllowed, 0),
    ("ari", "4c410000", AmpRule::ParametersNotAllowed, 0),
    ("ari", "0c40", AmpRule::NameEmpty, 1),
    ("ari", "82188e4120", AmpRule::NameNotIndex, 4),
    ("ari", "82188e421805", AmpRule::NameNotIndex, 4),
    ("ari", "82188e420000", AmpRule::NameNotIndex, 4),
    ("rpt", "8182188e4100", AmpRule::ReportCount, 0),
    ("tbl", "80", AmpRule::TableEmpty, 0),
    ("grp", "8100", AmpRule::GroupEmpty, 0),
    ("msg", "04", AmpRule::OpcodeReserved, 0),
    ("grp", "82004107", AmpRule::OpcodeReserved, 3),
    ("msg", "0180", AmpRule::SetEmpty, 1),
    ("msg", "0181616180", AmpRule::SetEmpty, 4),
    ("msg", "0381616180", AmpRule::SetEmpty, 4),
];

#[test]
fn every_rule_of_amp_is_broken_by_some_octets() {
    for (what, hex, rule, offset) in BROKEN {
        let error = again(what, &unhex(hex), Profile::Draft08)
            .expect_err(&format!("{what} {hex} {rule:?}"));
        assert_eq!((error.rule, error.offset), (*rule, *offset), "{what} {hex}");
        assert!(error.to_string().contains(rule.name()) && rule.clause().starts_with("amp-08 "));
    }
    for rule in AmpRule::ALL {
        let broken = BROKEN.iter().any(|(_, _, other, _)| other == rule);
        assert!(broken || *rule == AmpRule::TooDeep, "{rule:?}");
    }
}

/// An action in a control in an action …
fn actions(depth: usize) -> Vec<u8> {
    let mut octets: Vec<u8> = [0x81, 0xc1, 0x15, 0x41, 5, 5, 1, 0x25].repeat(depth);
    octets.push(0x80);
    octets
}

#[test]
fn what_lies_too_deep_is_refused_however_deep_it_is() {
    // Three sequences a control: the collection, what is behind its name, its parameters.
    let most = (MAX_NESTING - 1) / 3;
    assert!(Ac::parse(&actions(most), Profile::Draft08).is_ok());
    for depth in [most + 1, most + 2, 1_000, 100_000] {
        let error = Ac::parse(&actions(depth), Profile::Draft08).unwrap_err();
        assert_eq!(error.rule, AmpRule::TooDeep);
        assert!(error.offset <= 8 * (most + 1));
    }
    let collections = |depth| [[5, 1, 0x23].repeat(depth), vec![0]].concat();
    assert!(Tnvc::parse(&collections(MAX_NESTING), Profile::Draft08).is_ok());
    for depth in [MAX_NESTING + 1, 100_000] {
        let error = Tnvc::parse(&collections(depth), Profile::Draft08).unwrap_err();
        assert_eq!(error.rule, AmpRule::TooDeep);
    }
    // As wide as one likes.
    let wide = [&[0x9a, 0, 1, 0, 0][..], &[0x43, 4].repeat(65_536)].concat();
    assert_eq!(Ac::parse(&wide, Profile::Draft08).unwrap().iter().count(), 65_536);
}

#[test]
fn what_is_deep_is_iterated_to_its_end() {
    let octets = actions(7);
    let mut inner = Ac::parse(&octets, Profile::Draft08).unwrap();
    for _ in 0..7 {
        let control = inner.iter().next().unwrap();
        let parameters = control.parameters().unwrap();
        let Some(farpost::management::amp::Value::Ac(action)) = parameters.values().next() else {
            panic!("{parameters:?}");
        };
        inner = action;
    }
    assert!(inner.is_empty());
}

#[test]
fn one_bad_message_spoils_the_group() {
    let bad = unhex("830043004161460200818115410f");
    let error = Group::parse(&bad, Profile::Draft08).unwrap_err();
    assert_eq!((error.rule, error.offset), (AmpRule::Truncated, 13));
    let good = unhex("830043004161470200818115410f");
    let group = Group::parse(&good, Profile::Draft08).unwrap();
    assert_eq!(group.messages().count(), 2);
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] = 0xff;
        // Only the name of the agent may be anything.
        assert_eq!(Group::parse(&bad, Profile::Draft08).is_ok(), at == 5, "{at}");
    }
}

#[test]
fn reserved_bits_of_a_message_are_not_looked_at_and_a_list_is_kept() {
    let message = unhex("fa008043414c");
    let parsed = Message::parse(&message, Profile::Draft08).unwrap();
    assert_eq!(parsed.reserved(), 3);
    let header = parsed.header();
    assert!(header.ack && header.nack && header.acl);
    assert_eq!(parsed.trailer(), &message[3..]);
    let error = Message::parse(&unhex("1a008043414c"), Profile::Draft08).unwrap_err();
    assert_eq!((error.rule, error.offset), (AmpRule::Trailing, 3));
}
