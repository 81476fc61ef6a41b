use core::fmt;
use core::ops::Deref;

/// A key that nobody else is to see: what `Debug` writes of it is its length.
///
/// It is compared for tests and configuration alone; that is not in constant time.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct SecretKey<'k>(pub &'k [u8]);

impl SecretKey<'_> {
    /// There is no key.
    pub const NONE: Self = Self(&[]);
}

impl Deref for SecretKey<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl<'k> From<&'k [u8]> for SecretKey<'k> {
    fn from(octets: &'k [u8]) -> Self {
        Self(octets)
    }
}

impl fmt::Debug for SecretKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.len() {
            0 => f.write_str("none"),
            octets => write!(f, "{octets} octets"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn a_secret_key_is_not_written_out() {
        assert_eq!(format!("{:?}", SecretKey(b"abcd")), "4 octets");
        assert_eq!(format!("{:?}", SecretKey::NONE), "none");
    }
}
