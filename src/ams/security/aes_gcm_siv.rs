//! AES-256-GCM-SIV (RFC 8452) as the cipher of messages.

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Nonce, Tag};

use super::{Cipher, KeyUnusable, NotOpened};

/// AES-256-GCM-SIV: keys of 32 octets, nonces of 12, tags of 16.
///
/// A board that restarts has no memory of the nonces it has used, and its source of
/// random octets may be worse than it is believed. With this cipher a nonce that
/// comes again tells no more than that the same message was sent again; with most
/// others it gives the key stream away.
#[derive(Clone, Copy, Debug, Default)]
pub struct AesGcmSiv;

impl AesGcmSiv {
    /// Octets of a key.
    pub const KEY_LEN: usize = 32;
    /// Octets of a nonce.
    pub const NONCE_LEN: usize = 12;
    /// Octets of a tag.
    pub const TAG_LEN: usize = 16;
}

impl Cipher for AesGcmSiv {
    fn nonce_len(&self) -> usize {
        Self::NONCE_LEN
    }

    fn tag_len(&self) -> usize {
        Self::TAG_LEN
    }

    fn is_key(&self, key: &[u8]) -> bool {
        key.len() == Self::KEY_LEN
    }

    fn seal(
        &self,
        key: &[u8],
        nonce: &[u8],
        associated: &[u8],
        content: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), KeyUnusable> {
        let (cipher, nonce) = parts(key, nonce)?;
        let tag: &mut [u8; Self::TAG_LEN] = tag.try_into().map_err(|_| KeyUnusable)?;
        let made = cipher.encrypt_inout_detached(nonce, associated, content.into());
        *tag = made.map_err(|_| KeyUnusable)?.into();
        Ok(())
    }

    fn open(
        &self,
        key: &[u8],
        nonce: &[u8],
        associated: &[u8],
        content: &mut [u8],
        tag: &[u8],
    ) -> Result<(), NotOpened> {
        let (cipher, nonce) = parts(key, nonce)?;
        let tag = <&Tag>::try_from(tag).map_err(|_| NotOpened::NotAuthentic)?;
        cipher
            .decrypt_inout_detached(nonce, associated, content.into(), tag)
            .map_err(|_| NotOpened::NotAuthentic)
    }
}

fn parts<'n>(key: &[u8], nonce: &'n [u8]) -> Result<(Aes256GcmSiv, &'n Nonce), KeyUnusable> {
    let cipher = Aes256GcmSiv::new_from_slice(key).map_err(|_| KeyUnusable)?;
    Ok((cipher, nonce.try_into().map_err(|_| KeyUnusable)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::script::unhex;

    /// RFC 8452 C.2: a plaintext of 8 octets with one octet of associated data.
    #[test]
    fn a_vector_of_rfc_8452() {
        let mut key = [0; 32];
        key[0] = 1;
        let mut nonce = [0; 12];
        nonce[0] = 3;
        let mut content = unhex("0200000000000000");
        let mut tag = [0; 16];
        AesGcmSiv.seal(&key, &nonce, &[1], &mut content, &mut tag).unwrap();
        assert_eq!(content, unhex("1de22967237a8132"));
        assert_eq!(tag, unhex("91213f267e3b452f02d01ae33e4ec854")[..]);
        AesGcmSiv.open(&key, &nonce, &[1], &mut content, &tag).unwrap();
        assert_eq!(content, unhex("0200000000000000"));
        let other = AesGcmSiv.open(&key, &nonce, &[2], &mut content, &tag);
        assert_eq!(other, Err(NotOpened::NotAuthentic));
    }

    #[test]
    fn lengths_that_are_wrong_are_refused() {
        assert!(AesGcmSiv.is_key(&[0; 32]) && !AesGcmSiv.is_key(&[0; 16]));
        let seal = |key: &[u8], nonce: &[u8], tag: &mut [u8]| {
            AesGcmSiv.seal(key, nonce, &[], &mut [0; 4], tag)
        };
        assert_eq!(seal(&[0; 31], &[0; 12], &mut [0; 16]), Err(KeyUnusable));
        assert_eq!(seal(&[0; 32], &[0; 11], &mut [0; 16]), Err(KeyUnusable));
        assert_eq!(seal(&[0; 32], &[0; 12], &mut [0; 15]), Err(KeyUnusable));
        let open = AesGcmSiv.open(&[0; 32], &[0; 12], &[], &mut [0; 4], &[0; 15]);
        assert_eq!(open, Err(NotOpened::NotAuthentic));
    }
}
