//! Schedule-manipulation tokens.

use crate::crypto::Random;

/// A token: 122 random bits, in the form of a UUID (RFC 9562, version 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token(pub(super) [u8; 16]);

impl Token {
    pub(super) fn random(random: &dyn Random) -> Option<Self> {
        let mut octets = [0; 16];
        random.fill(&mut octets).ok()?;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = octets;
        let (g, i) = (g & 0x0f | 0x40, i & 0x3f | 0x80);
        Some(Self([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]))
    }

    /// The token of two words, and back.
    pub(super) fn of(high: u64, low: u64) -> Self {
        let mut octets = [0; 16];
        for (octet, from) in
            octets.iter_mut().zip(high.to_be_bytes().iter().chain(&low.to_be_bytes()))
        {
            *octet = *from;
        }
        Self(octets)
    }

    pub(super) const fn words(&self) -> (u64, u64) {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.0;
        (u64::from_be_bytes([a, b, c, d, e, f, g, h]), u64::from_be_bytes([i, j, k, l, m, n, o, p]))
    }

    /// As it is written.
    pub(super) fn text(&self) -> [u8; 36] {
        let mut text = [b'-'; 36];
        let mut at = 0_usize;
        for (number, octet) in self.0.iter().enumerate() {
            if matches!(number, 4 | 6 | 8 | 10) {
                at = at.saturating_add(1);
            }
            for digit in [octet >> 4, octet & 0x0f] {
                let letter = if digit < 10 { b'0' } else { b'a'.wrapping_sub(10) };
                if let Some(place) = text.get_mut(at) {
                    *place = letter.wrapping_add(digit);
                }
                at = at.saturating_add(1);
            }
        }
        text
    }

    /// Whether it is the one that is written so.
    pub(super) fn is(&self, text: &str) -> bool {
        text.as_bytes() == self.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_written_as_uuids() {
        let token = Token([
            0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x41, 0xd0, 0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e,
            0x6b, 0xf6,
        ]);
        let text = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6";
        assert_eq!(core::str::from_utf8(&token.text()), Ok(text));
        assert!(token.is(text));
        assert!(!token.is(""));
        assert!(!token.is("f81d4fae-7dec-41d0-a765-00a0c91e6bf7"));
    }
}
