//! Whatever is accepted goes there and back, deviations included.

use farpost::wire::checksum;
use proptest::prelude::*;
use serde_json::Value;

use super::{Field, Kind, Object};

/// The captures, without their checksums, so that changes are not refused for them.
fn captures() -> Vec<(Kind, Vec<u8>)> {
    let all: Vec<Value> =
        serde_json::from_str(include_str!("../../../../tests/vectors/ams.json")).unwrap();
    let capture = |vector: &Value| {
        let kind = Kind::named(vector["kind"].as_str().unwrap()).unwrap();
        let hex = vector["hex"].as_str().unwrap();
        let mut octets = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        let flag = match kind {
            Kind::Mams => Some((0, 0x20)),
            Kind::Aams => Some((2, 0x80)),
            Kind::Rams | Kind::Amp(_) | Kind::Southbound(_) => None,
        };
        if let Some((at, bit)) = flag {
            assert_ne!(octets[at] & bit, 0);
            octets[at] &= !bit;
            octets.truncate(octets.len() - 2);
        }
        (kind, octets)
    };
    let mut captures: Vec<_> = all.iter().map(capture).collect();
    let amp: Vec<Value> =
        serde_json::from_str(include_str!("../../../../tests/vectors/amp.json")).unwrap();
    captures.extend(amp.iter().map(|vector| {
        let hex = vector["hex"].as_str().unwrap();
        (Kind::Amp(None), data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap())
    }));
    captures
}

/// Dissects and assembles; `None` when the octets are refused.
fn there_and_back(kind: Kind, octets: &[u8]) -> Option<(Object, Vec<u8>)> {
    let object = kind.dissect(octets).ok()?;
    let (named, again) = kind.assemble(&Field::top(&Value::Object(object.clone()))).unwrap();
    assert_eq!(named, kind);
    Some((object, again))
}

#[test]
fn an_enclosed_message_keeps_its_checksum_or_its_lack_of_one() {
    let mut message = vec![0x0a, 0, 0x80, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 1, b'x'];
    let without = [&[4, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 17], &message[..]].concat();
    message.extend_from_slice(&checksum(&message).to_be_bytes());
    let with = [&[4, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 19], &message[..]].concat();
    for (octets, stated) in [(without, false), (with, true)] {
        let (mut object, again) = there_and_back(Kind::Rams, &octets).unwrap();
        assert_eq!(again, octets);
        assert_eq!(object["content"].get("checksum").is_some(), stated);
        // Without a word about deviations, all that is known counts.
        object.shift_remove("deviations").unwrap();
        let value = Value::Object(object);
        assert_eq!(Kind::Rams.assemble(&Field::top(&value)).unwrap(), (Kind::Rams, octets));
    }
}

#[test]
fn an_announcement_to_all_continua_is_an_envelope_on_the_own_pseudo_subject() {
    let envelope = [
        &[6, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 17][..],
        &[0x06, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 1, b'x'],
    ]
    .concat();
    let head = [0x01, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 29];
    let (object, _) = there_and_back(Kind::Aams, &[&head, &envelope[..]].concat()).unwrap();
    assert_eq!(object["enclosed_envelope"]["content"]["application_data"], "78");
    assert!(!object.contains_key("enclosed_aams_message"));
    // What is neither is application data and no more.
    let (object, _) = there_and_back(Kind::Aams, &[&head[..15], b"\x01x"].concat()).unwrap();
    assert!(!object.keys().any(|name| name.starts_with("enclosed")));
}

proptest! {
    #[test]
    fn what_is_accepted_is_assembled_again(
        (kind, octets) in proptest::sample::select(captures()),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4))
    {
        let mut octets = octets;
        for (index, value) in changes {
            *index.get_mut(&mut octets) = value;
        }
        if let Some((_, again)) = there_and_back(kind, &octets) {
            prop_assert_eq!(again, octets);
        }
    }
}
