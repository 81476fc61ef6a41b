//! Random octets, fit for keys.
//!
//! QEMU's board has no source of them: each comes from the host, by semihosting, which is
//! for an emulator alone. **A real board puts its own generator here**, one whose octets
//! may be keys: the TRNG of the chip, behind the health tests its manual asks for, or a
//! generator seeded by it (SP 800-90). A counter, a clock or a number of the chip is none.

use rand_core::{CryptoRng, Error, RngCore};
use semihosting::experimental::random;
use semihosting::process;

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
        if random::fill_bytes(to).is_err() {
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
