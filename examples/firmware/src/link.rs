//! What a machine is lent where it is weighed: a link, a time and octets the compiler
//! knows nothing about.

use core::hint::black_box;

use farpost::ams::service::Indication;
use farpost::time::Now;
use farpost::transport::{Address, SendError, Transport};

/// A link that may do anything.
pub struct Link;

impl Transport for Link {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        black_box((service, endpoint));
        black_box(None)
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        black_box((to, flow_label, octets));
        black_box(Ok(()))
    }
}

/// A user of the AMS service.
#[allow(dead_code, reason = "machines of SCOS have users of their own")]
#[inline(never)]
pub fn user(indication: Indication) {
    black_box(indication);
}

/// Any time.
pub fn now() -> Now {
    black_box(Now::default())
}

/// A datagram of any kind, of up to 1,152 octets, and where it came from.
pub fn datagram() -> (Address, &'static [u8]) {
    let octets = black_box(&[0_u8; 1_152][..]);
    (Address::new(0, octets), octets)
}

/// Something the compiler cannot know whether it is there.
pub fn any<T>() -> Option<T> {
    black_box(None)
}
