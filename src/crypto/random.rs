//! Where random octets come from.

use core::fmt;

/// A source of random octets: a generator in hardware, or one that was seeded by
/// one. Boards keep its state behind a `Cell`; machines borrow it from many places.
pub trait Random: fmt::Debug {
    /// Fills `octets`.
    ///
    /// # Errors
    /// [`NoRandom`] when there are none yet, or no more.
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom>;
}

/// There are no random octets at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoRandom;

impl fmt::Display for NoRandom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there are no random octets at hand")
    }
}

impl core::error::Error for NoRandom {}
