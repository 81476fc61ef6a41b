//! Whatever neighbours and modules say, a gateway says, subscribes to and forwards what a
//! naive model of who wants what would.
#![no_main]

#[path = "../../tests/rams/operations.rs"]
mod operations;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| operations::play(octets));
