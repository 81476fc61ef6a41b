//! Any octets are refused or are an MPDU that, written again, has the same octets.
#![no_main]

use farpost::ams::pdu::{Mpdu, MpduHeader};
use farpost::wire::TimeCode;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(mpdu) = Mpdu::parse(octets) else { return };
    let header = MpduHeader {
        sender: mpdu.sender(),
        // The time tag that is written is the one received.
        time: TimeCode { seconds: 0 },
        signature: mpdu.signature(),
        checksum: mpdu.checksum_flag(),
    };
    let content = mpdu.content();
    assert_eq!(content.mpdu_type(), mpdu.mpdu_type());
    let mut buffer = vec![0; octets.len()];
    let again = header
        .encode_raw(mpdu.mpdu_type(), content.reference(), &content, &mpdu.time_tag(), &mut buffer)
        .expect("what was read fits where it was");
    assert_eq!(again, octets);
});
