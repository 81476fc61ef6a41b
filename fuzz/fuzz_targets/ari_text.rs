//! Any text is an identifier that AMP allows or is refused, and what is written of one is
//! read as the same octets.
#![no_main]

use farpost::host::ari::AriText;
use farpost::management::adm::{Adm, amp_agent::AMP_AGENT, ion_admin::ION_ADMIN};
use farpost::management::amp::{Ari, Profile};
use libfuzzer_sys::fuzz_target;

const ADMS: &[&Adm] = &[&AMP_AGENT, &ION_ADMIN];

fuzz_target!(|octets: &[u8]| {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    for profile in [Profile::Draft08, Profile::IonCompat] {
        let names = AriText::new(ADMS, profile);
        match names.parse(text) {
            Ok(octets) => {
                let ari = Ari::parse(&octets, profile).expect("it was found allowed");
                assert_eq!(names.parse(&names.write(&ari)), Ok(octets.clone()));
            }
            Err(fault) => assert!(fault.offset <= text.len() && !fault.expected.is_empty()),
        }
    }
});
