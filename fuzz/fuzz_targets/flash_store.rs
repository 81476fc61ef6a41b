//! Lives of a store in flash, beside a map: see `tests/flash/operations.rs`.
#![no_main]

#[allow(dead_code, reason = "the tests need all of it")]
#[path = "../../tests/flash/nor.rs"]
mod nor;
#[allow(dead_code, reason = "the tests need all of it")]
#[path = "../../tests/flash/operations.rs"]
mod operations;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| operations::play(octets));
