//! A message that is read can be written, and is then read as the same.
#![no_main]

use farpost::scos::messages::{MESSAGE_MAX, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(message) = Message::parse(octets) else { return };
    let mut buffer = [0; MESSAGE_MAX];
    let again = message.encode(&mut buffer).expect("there is room for any message");
    assert_eq!(Message::parse(again), Ok(message));
    // postcard reads numbers longer than they need be, and writes them shortest.
    assert!(again.len() <= octets.len());
    if again.len() == octets.len() {
        assert_eq!(again, octets);
    }
});
