//! Any text is an endpoint of an application or is refused, and what is written of one is
//! read as the same; the same with the URL of a daemon.
#![no_main]

use farpost::host::bundle::{DaemonUrl, EndpointId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    match EndpointId::parse(text) {
        Ok(endpoint) => {
            assert!(endpoint.as_str().len() <= EndpointId::LONGEST);
            assert!(endpoint.as_str().bytes().all(|octet| octet.is_ascii_graphic()));
            assert_eq!(EndpointId::parse(endpoint.as_str()), Ok(endpoint));
        }
        Err(fault) => assert!(!fault.to_string().is_empty()),
    }
    let _ = DaemonUrl::parse(text);
});
