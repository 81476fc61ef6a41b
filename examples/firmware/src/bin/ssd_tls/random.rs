//! Random octets as TLS takes them, from the same source as the agents' (`agents/random.rs`):
//! **a real board puts its own generator there**, one whose octets may be keys. A counter, a
//! clock or a number of the chip is none.

use farpost::crypto::Random;
use rand_core::{CryptoRng, Error, RngCore};
use semihosting::process;

use crate::agents::random;

/// The source.
pub struct Octets;

impl RngCore for Octets {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    /// Without random octets there are no keys: it ends rather than go on with any others.
    fn fill_bytes(&mut self, to: &mut [u8]) {
        if random::Octets.fill(to).is_err() {
            process::exit(3);
        }
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

impl CryptoRng for Octets {}

/// A number nobody can tell beforehand.
pub fn number() -> u64 {
    Octets.next_u64()
}
