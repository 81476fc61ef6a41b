//! The AMS checksum: the low-order 16 bits of the sum of all 16-bit words, an
//! odd length being padded with one zero octet (735.1-B-1 4.1.7).

/// The checksum of `octets` (735.1-B-1 4.1.7).
#[must_use]
pub fn checksum(octets: &[u8]) -> u16 {
    Checksum::new().with(octets).value()
}

/// Octets whose words the processors of hosts add in few steps.
pub(crate) const BLOCK: usize = 32;

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
        let Some((first, rest)) = octets.split_first() else {
            return self;
        };
        // Read from the second octet on, the least significant first: so each octet
        // has the weight it has in its word, and nothing is to be swapped. This
        // plain form is the one that vectorises; see benches.
        let (words, odd) = rest.as_chunks::<2>();
        let mut sum = self.0.wrapping_add(u16::from_be_bytes([*first, 0]));
        for &word in words {
            sum = sum.wrapping_add(u16::from_le_bytes(word));
        }
        if let &[last] = odd {
            sum = sum.wrapping_add(u16::from(last));
        }
        Self(sum)
    }

    /// Adds octets from the second of a word on, in whole blocks.
    #[inline]
    pub(crate) fn with_blocks_behind(self, first: u8, blocks: &[[u8; BLOCK]]) -> Self {
        let (words, _) = blocks.as_flattened().as_chunks::<2>();
        let mut sum = self.0.wrapping_add(u16::from_be_bytes([first, 0]));
        for &word in words {
            sum = sum.wrapping_add(u16::from_le_bytes(word));
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
    fn blocks_behind_an_octet_sum_as_the_whole() {
        let octets: std::vec::Vec<u8> = (0..=255).rev().chain(0..=64).collect();
        let (blocks, _) = octets[1..].as_chunks::<BLOCK>();
        for count in 0..=blocks.len() {
            let sum = Checksum::new().with_blocks_behind(octets[0], &blocks[..count]);
            assert_eq!(sum.value(), checksum(&octets[..=count * BLOCK]));
        }
    }

    #[test]
    fn every_octet_has_the_weight_of_its_place() {
        let octets: std::vec::Vec<u8> = (0..=255).rev().chain(0..=64).collect();
        for length in 0..octets.len() {
            let plain = octets[..length].chunks(2).fold(0_u16, |sum, word| {
                let low = word.get(1).copied().unwrap_or(0);
                sum.wrapping_add(u16::from_be_bytes([word[0], low]))
            });
            assert_eq!(checksum(&octets[..length]), plain);
        }
    }

    #[test]
    fn even_parts_sum_as_the_whole() {
        let octets: std::vec::Vec<u8> = (0..=254).collect();
        let (head, tail) = octets.split_at(16);
        assert_eq!(Checksum::new().with(head).with(tail).value(), checksum(&octets));
    }
}
