//! The system's random octets.

use crate::ams::security::{NoRandom, Random};

/// Random octets from the operating system, fit for keys.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        getrandom::fill(octets).map_err(|_| NoRandom)
    }
}
