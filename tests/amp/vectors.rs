//! The captures of `vectors/amp.json`: objects as ION's own functions wrote them.

use farpost::management::amp::{Profile, Quirks};
use farpost::wire::Rule;
use serde_json::Value;

use crate::rewrite::again;

struct Vector {
    name: String,
    octets: Vec<u8>,
}

fn vectors() -> Vec<Vector> {
    let all: Vec<Value> = serde_json::from_str(include_str!("../vectors/amp.json")).unwrap();
    let vector = |value: &Value| Vector {
        name: value["name"].as_str().unwrap().to_owned(),
        octets: unhex(value["hex"].as_str().unwrap()),
    };
    assert_eq!(all.len(), 82);
    all.iter().map(vector).collect()
}

pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    assert_eq!(hex.len() % 2, 0);
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn every_capture_is_read_and_written_again() {
    for vector in vectors() {
        let (written, quirks) = again(&vector.name, &vector.octets, Profile::IonCompat)
            .unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(written, vector.octets, "{}", vector.name);
        let quirk = match vector.name.as_str() {
            "lit.bool.false" | "lit.bool.true" | "tnvc.bool" => Quirks::RAW_BOOL,
            "ari.ionadmin.ctrl.node_clock_sync_set" => Quirks::RAW_BOOL,
            "lit.byte.ff" => Quirks::RAW_BYTE,
            "lit.uvast.9223372036854775808" | "lit.uvast.18446744073709551615" => {
                Quirks::NEGATIVE_UVAST
            }
            "var.V1.expr" => Quirks::TNV_COUNT,
            "msg.register_agent" | "grp.register" | "grp.all" => Quirks::TEXT_AGENT_ID,
            _ => Quirks::NONE,
        };
        assert_eq!(quirks, quirk, "{}", vector.name);
        // What has no quirks is as the draft has it, and nothing else is.
        let strict = again(&vector.name, &vector.octets, Profile::Draft08);
        match strict {
            Ok((written, none)) => {
                assert!(quirk.is_empty() && none.is_empty(), "{}", vector.name);
                assert_eq!(written, vector.octets, "{}", vector.name);
            }
            Err(_) => assert!(!quirk.is_empty(), "{}", vector.name),
        }
    }
}

#[test]
fn every_capture_that_ends_early_is_refused() {
    for vector in vectors() {
        for length in 0..vector.octets.len() {
            for profile in [Profile::Draft08, Profile::IonCompat] {
                let cut = &vector.octets[..length];
                let error = again(&vector.name, cut, profile).unwrap_err();
                assert!(error.offset <= length, "{} {length} {error}", vector.name);
            }
        }
        let mut longer = vector.octets.clone();
        longer.push(0);
        let error = again(&vector.name, &longer, Profile::IonCompat).unwrap_err();
        assert_eq!((error.rule.name(), error.offset), ("amp_trailing", vector.octets.len()));
    }
}

#[test]
fn every_octet_of_a_capture_may_be_anything() {
    for vector in vectors() {
        for at in 0..vector.octets.len() {
            for octet in 0..=u8::MAX {
                let mut octets = vector.octets.clone();
                octets[at] = octet;
                if let Ok((written, quirks)) = again(&vector.name, &octets, Profile::Draft08) {
                    assert!(quirks.is_empty());
                    // Only the reserved bits of messages are not written again.
                    if !matches!(vector.name.split('.').next(), Some("msg" | "grp")) {
                        assert_eq!(written, octets, "{} {at} {octet}", vector.name);
                    }
                }
                if let Ok((written, quirks)) = again(&vector.name, &octets, Profile::IonCompat)
                    && quirks.is_empty()
                {
                    let (same, none) = again(&vector.name, &octets, Profile::Draft08).unwrap();
                    assert_eq!((same, none), (written, quirks), "{} {at} {octet}", vector.name);
                }
            }
        }
    }
}
