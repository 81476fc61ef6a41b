//! Any octets are refused or are an AAMS message that, unless it deviates, has
//! the same octets when it is written again.
#![no_main]

use farpost::ams::pdu::Aams;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let enclosed = Aams::parse_enclosed(octets, 12);
    let Ok(message) = Aams::parse(octets) else { return };
    assert_eq!(enclosed, Ok(message), "patience does not change what is well-formed");
    if !message.deviations().is_empty() {
        return;
    }
    let mut buffer = vec![0; octets.len()];
    let again = message
        .header()
        .expect("only an enclosed message has no priority")
        .encode(message.data(), message.checksum_flag(), &mut buffer)
        .expect("what was read fits where it was");
    assert_eq!(again, octets);
});
