//! Any octets are a message to both decoders or to neither, and say the same to both; and so
//! does a message that is made of them.
#![no_main]

use farpost::southbound::messages::{ConfigurationChange, FromController, Request};
use farpost::southbound::protobuf::Message;
use farpost::southbound::schema::MessageType;
use libfuzzer_sys::fuzz_target;

#[path = "../../tests/southbound/model.rs"]
mod model;
#[path = "../../tests/southbound/normal.rs"]
mod normal;

fuzz_target!(|octets: &[u8]| {
    let Some((&first, octets)) = octets.split_first() else { return };
    let kind = MessageType::ALL[usize::from(first) % MessageType::ALL.len()];
    agree(kind, octets);
    agree(kind, &model::make(kind, &mut &octets[..], 0));
    requests(octets);
});

fn agree(kind: MessageType, octets: &[u8]) {
    let (ours, theirs) = (Message::parse(kind, octets), model::Node::decode(kind, octets));
    assert_eq!(ours.is_ok(), theirs.is_some());
    let (Ok(message), Some(node)) = (ours, theirs) else { return };
    let written = normal::normal(message);
    assert_eq!(written, node.encode());
    let again = Message::parse(kind, &written).expect("the normal form is a message");
    assert_eq!(normal::normal(again), written);
    let copy = normal::message_octets(&message);
    assert_eq!(copy, octets, "a message by itself is in one part");
}

/// What an agent does with a request: a change is kept as octets and read again.
fn requests(octets: &[u8]) {
    let Ok(message) = FromController::parse(octets) else { return };
    let Some(Request::CreateEntry(entry)) = message.request() else { return };
    let Some(change) = entry.change() else { return };
    let kept = normal::message_octets(&change.raw());
    let again = ConfigurationChange::parse(change.number(), &kept)
        .expect("it was well-formed before")
        .expect("it was known before");
    assert_eq!(normal::normal(again.raw()), normal::normal(change.raw()));
}
