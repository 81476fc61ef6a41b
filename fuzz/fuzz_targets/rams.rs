//! Any octets are refused or are an envelope that, unless it has reserved bits
//! set, has the same octets when it is written again.
#![no_main]

use farpost::ams::pdu::Envelope;
use farpost::wire::Octets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(envelope) = Envelope::parse(octets) else { return };
    if envelope.reserved() != (0, 0) {
        return;
    }
    let content = octets.get(Envelope::HEADER_LEN..).expect("the header is there");
    assert_eq!(envelope.content().is_some(), !content.is_empty());
    let mut buffer = vec![0; octets.len()];
    let again = envelope
        .header()
        .encode(&Octets(content), &mut buffer)
        .expect("what was read fits where it was");
    assert_eq!(again, octets);
});
