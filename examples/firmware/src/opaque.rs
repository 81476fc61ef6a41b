//! What machines are weighed with: arguments the compiler knows nothing about, lent
//! and not copied, for copies would be weighed too.

use core::hint::black_box;

use farpost::ams::module::ModuleMemory;
use farpost::ams::service::Indication;
use farpost::transport::{Address, SendError, Transport};

/// What the compiler knows nothing about, as if it were in the statics of a board.
#[inline(never)]
pub fn lent<T>() -> &'static mut T {
    match black_box(None) {
        Some(lent) => lent,
        None => loop {},
    }
}

/// The storage of the modules that are weighed.
pub type Memory = ModuleMemory<4, 8, 4, 2, 256, 256>;

/// A link the compiler knows nothing about.
pub struct Link;

impl Transport for Link {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        black_box((service, endpoint));
        *lent()
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        black_box((to, flow_label, octets));
        *lent()
    }
}

/// A user the compiler knows nothing about.
#[inline(never)]
pub fn user(indication: Indication) {
    black_box(&indication);
}
