//! Random octets for tokens, which nobody may guess.
//!
//! QEMU's board has no source of them: they come from the host, by semihosting, which is for an
//! emulator alone. **A real board puts its own generator here**: the TRNG of the chip, behind
//! the health tests its manual asks for, or a generator seeded by it (SP 800-90).

use farpost::crypto::{NoRandom, Random};
use semihosting::experimental::random;

/// The source.
#[derive(Debug)]
pub struct Octets;

impl Random for Octets {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        random::fill_bytes(octets).map_err(|_| NoRandom)
    }
}
