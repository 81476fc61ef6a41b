//! Ed25519 (RFC 8032) as the scheme of digital signatures.

use ed25519_dalek::ed25519::signature::{MultipartSigner, MultipartVerifier};
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};

use super::{KeyUnusable, SignatureScheme};

/// Ed25519: keys of 32 octets, signatures of 64.
///
/// 735.1-B-1 4.1.4 has the receiver decrypt what the sender encrypted, and compare
/// it with the text it was made from. Ed25519 answers the same question, whether
/// the private key made this of that text, without giving the text back; nothing is
/// lost, for the receiver knows it.
///
/// The private key is the seed of RFC 8032 5.1.5. Public keys of small order, for
/// which anybody can make signatures, are refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

impl Ed25519 {
    /// Octets of a public and of a private key.
    pub const KEY_LEN: usize = 32;
    /// Octets of a signature.
    pub const SIGNATURE_LEN: usize = 64;

    /// The public key that belongs to `private_key`.
    #[must_use]
    pub fn public_key(private_key: &[u8; Self::KEY_LEN]) -> [u8; Self::KEY_LEN] {
        SigningKey::from_bytes(private_key).verifying_key().to_bytes()
    }
}

impl SignatureScheme for Ed25519 {
    fn signature_len(&self) -> usize {
        Self::SIGNATURE_LEN
    }

    fn is_public_key(&self, key: &[u8]) -> bool {
        public(key).is_some()
    }

    fn is_private_key(&self, key: &[u8]) -> bool {
        key.len() == Self::KEY_LEN
    }

    fn sign(&self, private_key: &[u8], text: &[&[u8]], to: &mut [u8]) -> Result<(), KeyUnusable> {
        let seed = <&[u8; Self::KEY_LEN]>::try_from(private_key).map_err(|_| KeyUnusable)?;
        let to = to.first_chunk_mut().ok_or(KeyUnusable)?;
        let signature = SigningKey::from_bytes(seed).try_multipart_sign(text);
        *to = signature.map_err(|_| KeyUnusable)?.to_bytes();
        Ok(())
    }

    fn verify(&self, public_key: &[u8], text: &[&[u8]], signature: &[u8]) -> bool {
        let (Some(key), Ok(signature)) = (public(public_key), Signature::from_slice(signature))
        else {
            return false;
        };
        key.multipart_verify(text, &signature).is_ok()
    }
}

fn public(key: &[u8]) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(key.try_into().ok()?).ok()?;
    (!key.is_weak()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn unhex(text: &str) -> Vec<u8> {
        let octet = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(octet).collect()
    }

    /// RFC 8032 7.1, TEST 2: the parts of the crate are put together the right way.
    #[test]
    fn a_vector_of_rfc_8032_in_one_part_or_two() {
        let seed = unhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let public = unhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let expected = unhex(concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ));
        assert_eq!(Ed25519::public_key(&seed.clone().try_into().unwrap()), public[..]);
        let mut signature = [0; Ed25519::SIGNATURE_LEN];
        Ed25519.sign(&seed, &[&[], &[0x72]], &mut signature).unwrap();
        assert_eq!(signature, expected[..]);
        assert!(Ed25519.verify(&public, &[&[0x72], &[]], &signature));
        assert!(!Ed25519.verify(&public, &[&[0x73]], &signature));
        assert!(!Ed25519.verify(&seed, &[&[0x72]], &signature));
    }

    #[test]
    fn keys_have_their_length_and_are_points_of_large_order() {
        assert!(Ed25519.is_private_key(&[7; 32]) && !Ed25519.is_private_key(&[7; 31]));
        assert!(Ed25519.is_public_key(&Ed25519::public_key(&[7; 32])));
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert!(!Ed25519.is_public_key(&neutral), "of order 1");
        assert!(!Ed25519.is_public_key(&[2; 31]));
        assert_eq!(Ed25519.sign(&[7; 31], &[b"x"], &mut [0; 64]), Err(KeyUnusable));
    }
}
