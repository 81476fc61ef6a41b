//! What a digital signature is made with.

use core::fmt;

/// An asymmetric scheme: what is made with a private key is judged with the public
/// key that belongs to it.
///
/// Texts come in parts, to be taken as one; so nobody has to put them together.
pub trait SignatureScheme: fmt::Debug {
    /// The octets of everything [`SignatureScheme::sign`] makes; at most 125, for a
    /// nonce and two of them have to fit in 255.
    fn signature_len(&self) -> usize;

    /// Whether `key` can be a public key.
    fn is_public_key(&self, key: &[u8]) -> bool;

    /// Whether `key` can be a private key.
    fn is_private_key(&self, key: &[u8]) -> bool;

    /// Signs `text` into `to`, which has [`SignatureScheme::signature_len`] octets.
    ///
    /// # Errors
    /// [`KeyUnusable`] when `private_key` is none.
    fn sign(&self, private_key: &[u8], text: &[&[u8]], to: &mut [u8]) -> Result<(), KeyUnusable>;

    /// Whether `signature` is what the owner of the private key that belongs to
    /// `public_key` makes of `text`.
    fn verify(&self, public_key: &[u8], text: &[&[u8]], signature: &[u8]) -> bool;
}

/// The octets are no key of the scheme or cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KeyUnusable;

impl fmt::Display for KeyUnusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key cannot be used")
    }
}

impl core::error::Error for KeyUnusable {}
