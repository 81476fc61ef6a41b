//! Any text is a MIB, which is then the same in TOML, or an error that points into
//! the text.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/mib/any_text.rs"]
mod any_text;

fuzz_target!(|octets: &[u8]| any_text::any_text(octets));
