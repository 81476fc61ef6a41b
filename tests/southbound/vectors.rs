//! The messages of `tests/vectors/southbound.json`: accepted or refused, and written again.

use farpost::southbound::protobuf::Message;
use farpost::southbound::schema::MessageType;
use serde_json::Value;

use crate::normal::normal;

pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) kind: MessageType,
    pub(crate) octets: Vec<u8>,
    pub(crate) accepted: bool,
    pub(crate) normal: Vec<u8>,
}

/// All but the frame of gRPC, which is around messages.
pub(crate) fn vectors() -> Vec<Vector> {
    let all: Vec<Value> = serde_json::from_str(include_str!("../vectors/southbound.json")).unwrap();
    let vector = |value: &Value| {
        let octets = unhex(value["hex"].as_str().unwrap());
        let normal = value.get("reserialized_hex").map(|hex| unhex(hex.as_str().unwrap()));
        Some(Vector {
            name: value["name"].as_str().unwrap().to_owned(),
            kind: MessageType::named(value["message"].as_str().unwrap())?,
            accepted: value["expect"] == "accept",
            normal: normal.unwrap_or_else(|| octets.clone()),
            octets,
        })
    };
    all.iter().filter_map(vector).collect()
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn every_known_message_is_accepted_or_refused_and_written_again() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 115);
    assert_eq!(vectors.iter().filter(|vector| !vector.accepted).count(), 15);
    for Vector { name, kind, octets, accepted, normal: expected } in &vectors {
        let message = Message::parse(*kind, octets);
        assert_eq!(message.is_ok(), *accepted, "{name}: {message:?}");
        let Ok(message) = message else { continue };
        assert_eq!(&normal(message), expected, "{name}");
        assert_eq!(message.contiguous(), Some(&octets[..]), "{name}");
    }
}
