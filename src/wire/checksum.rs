//! The AMS checksum: the low-order 16 bits of the sum of all 16-bit words, an
//! odd length being padded with one zero octet (735.1-B-1 4.1.7).

/// The checksum of `octets` (735.1-B-1 4.1.7).
#[must_use]
pub fn checksum(octets: &[u8]) -> u16 {
    Checksum::new().with(octets).value()
}

/// A checksum over octets that are not contiguous.
///
/// Each part but the last must have an even length, which all fixed headers
/// and their concatenations have; an odd part is padded where it ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum(u16);

impl Checksum {
    /// The checksum of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(0)
    }

    /// Adds the words of `octets`.
    #[must_use]
    pub fn with(self, octets: &[u8]) -> Self {
        // This plain form is the one that vectorises; see benches.
        let (words, odd) = octets.as_chunks::<2>();
        let mut sum = self.0;
        for &word in words {
            sum = sum.wrapping_add(u16::from_be_bytes(word));
        }
        if let &[last] = odd {
            sum = sum.wrapping_add(u16::from_be_bytes([last, 0]));
        }
        Self(sum)
    }

    /// The sum so far.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_lengths_are_padded_with_zero() {
        assert_eq!(checksum(&[]), 0);
        assert_eq!(checksum(&[0x12]), 0x1200);
        assert_eq!(checksum(&[0xff, 0xff, 0x00, 0x02]), 1);
        assert_eq!(checksum(&[0xff, 0xff, 0x00, 0x02, 0x01]), 0x0101);
    }

    #[test]
    fn even_parts_sum_as_the_whole() {
        let octets: std::vec::Vec<u8> = (0..=254).collect();
        let (head, tail) = octets.split_at(16);
        assert_eq!(Checksum::new().with(head).with(tail).value(), checksum(&octets));
    }
}
