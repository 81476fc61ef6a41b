//! What messages are encrypted with.

use core::fmt;

use super::KeyUnusable;

/// A symmetric cipher that also tells whether what it decrypts has been altered.
///
/// It works where the octets stand. A subject's messages are encrypted with one,
/// and so may be what gateways exchange
/// ([`RemoteMessageSpace::symmetric_key`](crate::ams::mib::RemoteMessageSpace)).
pub trait Cipher: fmt::Debug {
    /// Octets of a nonce.
    fn nonce_len(&self) -> usize;

    /// Octets of a tag, by which alterations are told.
    fn tag_len(&self) -> usize;

    /// Whether `key` can be a key.
    fn is_key(&self, key: &[u8]) -> bool;

    /// Encrypts `content` and writes the tag over it and `associated`, data that are
    /// known to the receiver and not sent. `nonce` and `tag` have their lengths.
    ///
    /// # Errors
    /// [`KeyUnusable`] when `key` is none, or a length is wrong.
    fn seal(
        &self,
        key: &[u8],
        nonce: &[u8],
        associated: &[u8],
        content: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), KeyUnusable>;

    /// Decrypts `content`, if it and `associated` are what the tag was made over.
    ///
    /// # Errors
    /// Why not; what `content` then is, is of no use.
    fn open(
        &self,
        key: &[u8],
        nonce: &[u8],
        associated: &[u8],
        content: &mut [u8],
        tag: &[u8],
    ) -> Result<(), NotOpened>;
}

/// Why content was not decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NotOpened {
    /// The key is none of the cipher.
    KeyUnusable,
    /// It was made with another key or of other associated data, or was altered.
    NotAuthentic,
}

impl fmt::Display for NotOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyUnusable => "the key cannot be used",
            Self::NotAuthentic => "another key was used, or the content was altered",
        })
    }
}

impl core::error::Error for NotOpened {}

impl From<KeyUnusable> for NotOpened {
    fn from(_: KeyUnusable) -> Self {
        Self::KeyUnusable
    }
}
