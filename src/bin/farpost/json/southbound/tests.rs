//! Known messages as JSON, and any message there and back.

use farpost::southbound::schema::MessageType;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Field, UNKNOWN, assemble, dissect};

/// Makes messages, and decodes them a second time.
#[allow(
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]
#[path = "../../../../../tests/southbound/model.rs"]
mod model;

/// Known messages: what they are, and what is known of them.
fn vectors() -> Vec<(MessageType, Vec<u8>, Value)> {
    let all: Vec<Value> =
        serde_json::from_str(include_str!("../../../../../tests/vectors/southbound.json")).unwrap();
    all.into_iter()
        .filter_map(|vector| {
            let kind = MessageType::named(vector["message"].as_str().unwrap())?;
            Some((kind, unhex(&vector["hex"]), vector))
        })
        .collect()
}

fn unhex(hex: &Value) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(hex.as_str().unwrap().as_bytes()).unwrap()
}

fn again(kind: MessageType, object: Value) -> Result<Vec<u8>, String> {
    assemble(kind, &Field::top(&object)).map_err(|fault| fault.to_string())
}

fn encode(message: &str, json: Value) -> Result<Vec<u8>, String> {
    again(MessageType::named(message).unwrap(), json!({ "json": json }))
}

/// What a message says, as JSON.
fn said(message: &str, octets: &[u8]) -> Value {
    let kind = MessageType::named(message).unwrap();
    let object = dissect(kind, octets).unwrap();
    assert_eq!(encode(message, object["json"].clone()).as_deref(), Ok(octets));
    object["json"].clone()
}

#[test]
fn known_messages_say_what_they_should_and_are_assembled_again() {
    let (mut said, mut refused) = (0, 0);
    for (kind, octets, vector) in vectors() {
        let name = &vector["name"];
        if vector["expect"] == "reject" {
            assert!(dissect(kind, &octets).is_err(), "{name}");
            refused += 1;
            continue;
        }
        let mut object = dissect(kind, &octets).unwrap();
        assert_eq!(object["message"], vector["message"], "{name}");
        let normal = vector.get("reserialized_hex").map_or_else(|| octets.clone(), unhex);
        assert_eq!(object["canonical"], normal == octets, "{name}");
        assert!(normal == octets || vector["canonical"] == false, "{name}");
        let assembled = again(kind, Value::Object(object.clone()));
        assert_eq!(assembled, Ok(normal), "{name}");
        if let Value::Object(members) = &mut object["json"] {
            members.shift_remove(UNKNOWN);
        }
        if let Some(json) = vector.get("json") {
            assert_eq!(&object["json"], json, "{name}");
            said += 1;
        }
        // What is known is taken as it is.
        if let (Some(json), true) = (vector.get("json"), vector["canonical"] == true) {
            assert_eq!(again(kind, json!({ "json": json })), Ok(octets), "{name}");
        }
    }
    assert_eq!((said, refused), (91, 15));
}

#[test]
fn members_come_in_the_order_of_their_numbers() {
    let octets = [0x82, 1, 2, 8, 1, 0x2a, 2, 0x1a, 0, 0x1a, 1, b'x'];
    let object = dissect(MessageType::CreateEntry, &octets).unwrap();
    let json = r#"{"id":"x","set_route":{},"time_gpst":"1s"}"#;
    assert_eq!(object["json"].to_string(), json);
    assert_eq!(object["canonical"], false);
    let normal = [0x1a, 1, b'x', 0x2a, 0, 0x82, 1, 2, 8, 1];
    assert_eq!(again(MessageType::CreateEntry, Value::Object(object)), Ok(normal.to_vec()));
}

#[test]
fn what_is_unknown_is_kept() {
    let octets = [0x08, 5, 0x9a, 6, 2, 0xff, 0xfe];
    assert_eq!(said("DeleteIpRoute", &octets), json!({ "unknown_fields": "08059a0602fffe" }));
    // A time that says more than a time is no text.
    let octets = [0x08, 1, 0x18, 7];
    assert_eq!(said("Timestamp", &octets), json!({ "seconds": "1", "unknown_fields": "1807" }));
    let octets = [0x08, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
    assert_eq!(said("Timestamp", &octets), json!({ "seconds": "1", "nanos": -1 }));
}

#[test]
fn details_of_a_type_that_is_known_say_what_they_hold() {
    let url = "type.googleapis.com/google.rpc.RetryInfo";
    let detail = |octets: &[u8]| {
        let mut any = [&[0x0a, u8::try_from(url.len()).unwrap()][..], url.as_bytes()].concat();
        any.extend([&[0x12, u8::try_from(octets.len()).unwrap()][..], octets].concat());
        any
    };
    let json = json!({ "@type": url, "retry_delay": "1s" });
    assert_eq!(said("Any", &detail(&[0x0a, 2, 8, 1])), json);
    // What would not come again keeps its octets.
    for octets in [&[0x0a, 3, 8, 0x81, 0][..], &[0x0a, 9], &[]] {
        let value = data_encoding::BASE64.encode(octets);
        let json = match octets {
            // An empty value would not be said at all.
            [] => json!({ "type_url": url }),
            _ => json!({ "type_url": url, "value": value }),
        };
        let object = dissect(MessageType::Any, &detail(octets)).unwrap();
        assert_eq!(object["json"], json);
        assert_eq!(object["canonical"], !octets.is_empty());
    }
    let time = json!({ "@type": "x/google.protobuf.Timestamp", "value": "1970-01-01T00:00:01Z" });
    let octets = encode("Any", time.clone()).unwrap();
    assert_eq!(said("Any", &octets), time);
}

#[test]
fn numbers_that_json_has_not_are_texts() {
    let double = |bits: u64| [&[0x11][..], &bits.to_le_bytes()].concat();
    let el = |bits| said("AzEl", &double(bits))["el_deg"].clone();
    assert_eq!(el(0.1_f64.to_bits()), json!(0.1));
    assert_eq!(el((-0.0_f64).to_bits()).to_string(), "-0.0");
    assert_eq!(el(f64::INFINITY.to_bits()), "Infinity");
    assert_eq!(el(f64::NEG_INFINITY.to_bits()), "-Infinity");
    assert_eq!(el(f64::NAN.to_bits()), "NaN");
    assert_eq!(el(0xfff0_0000_0000_0001), "NaN:fff0000000000001");
    assert_eq!(el(1), json!(5e-324));
    assert_eq!(el(f64::MAX.to_bits()), json!(f64::MAX));
    for wrong in ["nan", "NaN:", "NaN:1", "NaN:7ff0000000000000", "1"] {
        let message = encode("AzEl", json!({ "el_deg": wrong })).unwrap_err();
        assert!(message.starts_with("json.el_deg: expected a number"), "{message}");
    }
}

#[test]
fn times_and_spans_have_as_many_digits_as_they_need() {
    let time = |text: &str| encode("Timestamp", json!(text));
    for text in [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "1969-12-31T23:59:59.500Z",
        "1970-01-01T00:00:00Z",
        "2000-02-29T12:00:00.000001Z",
    ] {
        assert_eq!(said("Timestamp", &time(text).unwrap()), text);
    }
    for text in ["", "Z", "2026-02-29T00:00:00Z", "2026-02-28T00:00:00", "0000-12-31T23:59:59Z"] {
        let message = time(text).unwrap_err();
        assert!(message.starts_with("json: expected a time"), "{text}: {message}");
    }
    let span = |text: &str| encode("Duration", json!(text));
    for text in ["0s", "-1.500s", "-0.000000001s", "315576000000.999999999s", "1.000010s"] {
        assert_eq!(said("Duration", &span(text).unwrap()), text);
    }
    for text in ["", "s", "1", "-s", "--1s", "1.s2", "+1s", "1.0000000000s", "315576000001s", ".5s"]
    {
        let message = span(text).unwrap_err();
        assert!(message.starts_with("json: expected seconds"), "{text}: {message}");
    }
    assert_eq!(span("1.s"), span("1s"));
}

#[test]
fn what_cannot_be_assembled_says_which_field() {
    for (message, json, fault) in [
        (
            "SetRoute",
            json!({ "too": "x" }),
            "json.too: aalyria.spacetime.scheduling.v1alpha.SetRoute has no such field",
        ),
        ("SetRoute", json!({ "to": 1 }), "json.to: expected a string, found 1"),
        ("SetRoute", json!([]), "json: expected an object, found []"),
        (
            "SetRoute",
            json!({ "@type": "x" }),
            "json.@type: aalyria.spacetime.scheduling.v1alpha.SetRoute has no such field",
        ),
        (
            "Any",
            json!({ "@type": "x/y" }),
            "json.@type: expected the URL of a type that is known, found \"x/y\"",
        ),
        ("Any", json!({ "value": "?" }), "json.value: expected octets in Base64, found \"?\""),
        (
            "Status",
            json!({ "code": 2_147_483_648_u64 }),
            "json.code: expected an integer from -2147483648 to 2147483647, found 2147483648",
        ),
        (
            "DeleteEntryRequest",
            json!({ "seqno": "-1" }),
            "json.seqno: expected an integer from 0 to 18446744073709551615, found \"-1\"",
        ),
        (
            "CreateEntryRequest",
            json!({ "set_route": {}, "delete_route": {} }),
            "json.delete_route: there is set_route already, and only one can be",
        ),
        (
            "SetModemConfiguration",
            json!({ "beams": [{}, { "rx": { "mode": "FM" } }] }),
            "json.beams[1].rx.mode: expected the name of a code, found \"FM\"",
        ),
    ] {
        assert_eq!(encode(message, json).unwrap_err(), fault);
    }
    // What nobody needs to say may be null.
    assert_eq!(encode("SetRoute", json!({ "from": null, "to": "" })), Ok(vec![]));
    assert_eq!(encode("DeleteEntryRequest", json!({ "seqno": 7 })), Ok(vec![0x10, 7]));
    assert_eq!(again(MessageType::Empty, json!({})).unwrap_err(), "json: is missing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_message_goes_there_and_back_in_its_normal_form(
        kind in proptest::sample::select(MessageType::ALL),
        noise in proptest::collection::vec(any::<u8>(), 0..200))
    {
        let octets = model::make(kind, &mut &noise[..], 0);
        let Some(node) = model::Node::decode(kind, &octets) else {
            prop_assert!(dissect(kind, &octets).is_err());
            return Ok(());
        };
        let object = dissect(kind, &octets).unwrap();
        let normal = node.encode();
        prop_assert_eq!(&object["canonical"], normal == octets);
        // As text too.
        let text = Value::Object(object).to_string();
        let object: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(again(kind, object), Ok(normal));
    }
}
