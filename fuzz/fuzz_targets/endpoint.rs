//! Any text is an endpoint of its service or is refused; what is a name is a
//! specification too, and an address says the same when it is written and read again.
#![no_main]

use std::net::SocketAddr;

use farpost::ams::endpoint::{Endpoint, EndpointFault, Host, HostPort};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    let (service, endpoint) = text.split_once('=').unwrap_or(("udp", text));
    let name = Endpoint::from_name(service, endpoint);
    let specification = Endpoint::from_specification(service, endpoint);
    match name {
        Ok(Endpoint::Fifo(_) | Endpoint::VxMq(_) | Endpoint::SmMq(_)) => {
            assert_eq!(specification, Err(EndpointFault::NotSpecified));
        }
        Ok(name) => assert_eq!(specification, Ok(name)),
        Err(fault) => assert!(!fault.remedy().is_empty()),
    }
    if let Ok(Endpoint::Udp(at) | Endpoint::Tcp(at)) = specification {
        let host = match at.host {
            Host::Address(ip) => {
                let written = SocketAddr::new(ip, at.port).to_string();
                assert_eq!(HostPort::parse(&written), Ok(at));
                return;
            }
            Host::Local => "@",
            Host::Name(name) => name,
        };
        let written = format!("{host}:{}", at.port);
        assert_eq!(HostPort::parse(&written), Ok(at));
    }
});
