//! What ION does differently, each by its name; and what it gets from us.

use farpost::management::amp::{
    Ac, AmpRule, Ari, Body, Collection, Group, GroupWriter, Literal, Message, ObjectId, Profile,
    Quirks, TnvcValues, TypeCode, Value,
};

use crate::any::made;
use crate::rewrite::again;
use crate::vectors::unhex;

/// Accepted of ION with that quirk alone, and refused otherwise.
fn is_quirk(what: &str, hex: &str, quirk: Quirks) {
    let octets = unhex(hex);
    let (written, quirks) = again(what, &octets, Profile::IonCompat).unwrap();
    assert_eq!((written, quirks), (octets.clone(), quirk), "{what} {hex}");
    assert!(again(what, &octets, Profile::Draft08).is_err(), "{what} {hex}");
}

fn literal(hex: &str, profile: Profile) -> Result<Value<'static>, AmpRule> {
    let octets = unhex(hex).leak();
    Ari::parse(octets, profile).map(|ari| ari.literal().unwrap()).map_err(|error| error.rule)
}

#[test]
fn a_raw_bool_is_read_and_never_sent() {
    for hex in ["0300", "0301"] {
        is_quirk("lit", hex, Quirks::RAW_BOOL);
    }
    assert_eq!(literal("0301", Profile::IonCompat), Ok(Value::Bool(true)));
    assert_eq!(literal("0302", Profile::IonCompat), Err(AmpRule::MajorType));
    for profile in [Profile::Draft08, Profile::IonCompat] {
        assert_eq!(literal("03f5", profile), Ok(Value::Bool(true)));
        let value = Literal::new(Value::Bool(true)).unwrap();
        assert_eq!(made(|to| value.encode(to, profile.sends())), [3, 0xf5]);
    }
}

#[test]
fn a_raw_byte_is_read_and_sent() {
    is_quirk("lit", "13ff", Quirks::RAW_BYTE);
    assert_eq!(literal("13ff", Profile::IonCompat), Ok(Value::Byte(255)));
    assert_eq!(literal("1318ff", Profile::Draft08), Ok(Value::Byte(255)));
    // The only octets that mean something else to ION: it takes 18 for the value.
    assert_eq!(literal("1318ff", Profile::IonCompat), Err(AmpRule::Trailing));
    let byte = |value, profile: Profile| {
        made(|to| Literal::new(Value::Byte(value)).unwrap().encode(to, profile.sends()))
    };
    assert_eq!(byte(255, Profile::IonCompat), [0x13, 0xff]);
    assert_eq!(byte(255, Profile::Draft08), [0x13, 0x18, 0xff]);
    assert_eq!(byte(23, Profile::IonCompat), byte(23, Profile::Draft08));
}

#[test]
fn a_negative_uvast_is_read_and_never_sent() {
    is_quirk("lit", "6320", Quirks::NEGATIVE_UVAST);
    is_quirk("lit", "633b7fffffffffffffff", Quirks::NEGATIVE_UVAST);
    is_quirk("tnv", "822020", Quirks::NEGATIVE_UVAST);
    is_quirk("tnv", "822120", Quirks::NEGATIVE_UVAST);
    assert_eq!(literal("6320", Profile::IonCompat), Ok(Value::Uvast(u64::MAX)));
    assert_eq!(literal("633b7fffffffffffffff", Profile::IonCompat), Ok(Value::Uvast(1 << 63)));
    // No 64 bits are these.
    assert_eq!(literal("633b8000000000000000", Profile::IonCompat), Err(AmpRule::OutOfRange));
    for profile in [Profile::Draft08, Profile::IonCompat] {
        assert_eq!(literal("631bffffffffffffffff", profile), Ok(Value::Uvast(u64::MAX)));
        let value = Literal::new(Value::Uvast(u64::MAX)).unwrap();
        assert_eq!(made(|to| value.encode(to, profile.sends())).len(), 10);
    }
    // A UINT is not one, whoever sends it.
    assert_eq!(literal("4320", Profile::IonCompat), Err(AmpRule::MajorType));
}

#[test]
fn a_count_of_the_parts_of_a_value_is_read_and_never_sent() {
    // A variable that is an expression, as ION has it; then as the draft does.
    let expression = "108382188e4100430ac5181842182d00";
    is_quirk("var", &format!("2c425631424d318326{expression}"), Quirks::TNV_COUNT);
    let drafted = unhex(&format!("2c425631424d318226{expression}"));
    for profile in [Profile::Draft08, Profile::IonCompat] {
        assert_eq!(again("var", &drafted, profile).unwrap(), (drafted.clone(), Quirks::NONE));
    }
    // Values of one part are counted right by ION too.
    let error = again("tnv", &unhex("831404"), Profile::IonCompat).unwrap_err();
    assert_eq!(error.rule, AmpRule::TnvCount);
}

#[test]
fn a_text_agent_id_is_read_and_sent() {
    is_quirk("msg", "006769706e3a322e35", Quirks::TEXT_AGENT_ID);
    let register = |profile: Profile| {
        made(|to| {
            let mut group = GroupWriter::new(to, 0, profile.sends())?;
            group.register_agent(to, "ipn:2.5")?;
            group.finish(to)
        })
    };
    // As ION's agent sends it.
    assert_eq!(register(Profile::IonCompat), unhex("820049006769706e3a322e35"));
    let drafted = register(Profile::Draft08);
    assert_eq!(drafted, unhex("820049004769706e3a322e35"));
    for profile in [Profile::Draft08, Profile::IonCompat] {
        let group = Group::parse(&drafted, profile).unwrap();
        assert!(group.quirks().is_empty());
        let message: Message<'_> = group.messages().next().unwrap();
        assert!(matches!(message.body(), Body::RegisterAgent(b"ipn:2.5")));
    }
}

#[test]
fn the_same_object_is_known_with_and_without_parameters() {
    let bare = unhex("8518184117");
    let empty = unhex("c51818411700");
    let bare = Ari::parse(&bare, Profile::Draft08).unwrap();
    let empty = Ari::parse(&empty, Profile::Draft08).unwrap();
    assert_ne!(bare, empty);
    assert!(bare.same_object(&empty) && empty.same_object(&bare));
    assert_eq!(bare.object_id(), empty.object_id());
    assert_eq!(bare.object_id(), Some(ObjectId::new(1, Collection::OPER, 23)));
    // ION gives every operator parameters, of which there are none.
    let mut values = ObjectId::new(1, Collection::OPER, 23).ari().unwrap();
    values.parameters = Some(TnvcValues::Typed(&[]));
    assert_eq!(made(|to| values.encode(to, Quirks::NONE)), empty.octets());
    // An index in a collection of other objects is no object of the ADM.
    let edd = unhex("81164100");
    assert_eq!(Ari::parse(&edd, Profile::Draft08).unwrap().object_id(), None);
    let (one, other) = (unhex("4304"), unhex("4305"));
    let (one, other) = (Ari::parse(&one, Profile::Draft08), Ari::parse(&other, Profile::Draft08));
    assert!(!one.unwrap().same_object(&other.unwrap()));
}

#[test]
fn no_other_leniency_is_granted_to_ion() {
    // What ION itself would read, but nobody sends.
    for (what, hex) in [
        ("lit", "431817"),
        ("ac", "9f4304ff"),
        ("tnvc", "0500"),
        ("ari", "0c40"),
        ("lit", "d74304"),
        ("lit", "2362c328"),
    ] {
        assert!(again(what, &unhex(hex), Profile::IonCompat).is_err(), "{what} {hex}");
    }
    // ION never reads a REAL32 and is sent one all the same if it is asked for.
    assert_eq!(literal("73f93e00", Profile::IonCompat), Ok(Value::Real32(1.5)));
    let none: Vec<_> = Ac::parse(&[0x80], Profile::IonCompat).unwrap().iter().collect();
    assert!(none.is_empty());
    assert_eq!(TypeCode(40).name(), None);
}
