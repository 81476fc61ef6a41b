//! What is kept from `embedded-tls`: records by which it would panic, or wait.
//!
//! Version 0.19 panics, once its handshake is over, at any message of the handshake but a session
//! ticket, also at one that is not encrypted, so that whoever can write into the connection could
//! stop the board; and at any time at an encrypted record without content, which takes the key.
//! After a session ticket it waits for another record. So records are looked at twice: at their
//! heads, before they are read ([`content`]), and as its cipher decrypts them ([`Guarded`]), for
//! what is in them cannot be seen before.
//!
//! This is what is known of it. That nothing else in it panics nobody has proved.

use core::sync::atomic::{AtomicBool, Ordering};

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::generic_array::typenum::Unsigned;
use aes_gcm::aead::{AeadCore, AeadInPlace, Buffer, Error, Key, KeyInit, KeySizeUser, Nonce, Tag};
use embedded_tls::{Aes128GcmSha256, TlsCipherSuite};

/// Octets in front of what a record holds.
pub(crate) const HEAD: usize = 5;
/// Octets of the longest record that is taken, without its head: what `max_fragment_length`
/// allows, its type, padding and tag, as RFC 6066 section 4 bounds them.
pub(crate) const RECORD: usize = 2_048 + 256;
/// Octets of a record's tag.
const TAG: usize = U16::USIZE;

/// Types of what records hold (RFC 8446 section 5.1).
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// The message of the handshake that a server may send when it is over.
const NEW_SESSION_TICKET: u8 = 4;

/// Whether the handshake is over: of the one connection there is. The cipher, which
/// `embedded-tls` makes anew for each record, has no other place to know it from.
static ESTABLISHED: AtomicBool = AtomicBool::new(false);

/// The handshake is over, or another connection begins.
pub(crate) fn set_established(established: bool) {
    ESTABLISHED.store(established, Ordering::Relaxed);
}

/// Whether the handshake is over.
pub(crate) fn is_established() -> bool {
    ESTABLISHED.load(Ordering::Relaxed)
}

/// Octets behind a head. `None` if the record is not taken: it is too long, or has no content,
/// or is not encrypted although all are by now.
pub(crate) fn content(head: [u8; HEAD]) -> Option<usize> {
    let [kind, _, _, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let least = match kind {
        // Its own type is content too.
        APPLICATION_DATA => TAG + 1,
        CHANGE_CIPHER_SPEC | ALERT | HANDSHAKE if !is_established() => 1,
        _ => return None,
    };
    (least..=RECORD).contains(&length).then_some(length)
}

/// TLS_AES_128_GCM_SHA256, with [`Gcm`] as its cipher.
pub(crate) struct Guarded;

impl TlsCipherSuite for Guarded {
    const CODE_POINT: u16 = Aes128GcmSha256::CODE_POINT;
    type Cipher = Gcm;
    type KeyLen = U16;
    type IvLen = U12;
    type Hash = <Aes128GcmSha256 as TlsCipherSuite>::Hash;
    type LabelBufferSize = <Aes128GcmSha256 as TlsCipherSuite>::LabelBufferSize;
}

/// AES-128-GCM that looks at what it has decrypted.
pub(crate) struct Gcm(Aes128Gcm);

impl KeySizeUser for Gcm {
    type KeySize = U16;
}

impl KeyInit for Gcm {
    fn new(key: &Key<Self>) -> Self {
        Self(Aes128Gcm::new(key))
    }
}

impl AeadCore for Gcm {
    type NonceSize = U12;
    type TagSize = U16;
    type CiphertextOverhead = <Aes128Gcm as AeadCore>::CiphertextOverhead;
}

impl AeadInPlace for Gcm {
    fn encrypt_in_place_detached(
        &self,
        nonce: &Nonce<Self>,
        associated: &[u8],
        octets: &mut [u8],
    ) -> Result<Tag<Self>, Error> {
        self.0.encrypt_in_place_detached(nonce, associated, octets)
    }

    fn decrypt_in_place_detached(
        &self,
        nonce: &Nonce<Self>,
        associated: &[u8],
        octets: &mut [u8],
        tag: &Tag<Self>,
    ) -> Result<(), Error> {
        self.0.decrypt_in_place_detached(nonce, associated, octets, tag)
    }

    fn decrypt_in_place(
        &self,
        nonce: &Nonce<Self>,
        associated: &[u8],
        record: &mut dyn Buffer,
    ) -> Result<(), Error> {
        self.0.decrypt_in_place(nonce, associated, record)?;
        admit(record, is_established())
    }
}

/// Refuses what is decrypted and not to be read. In place of a session ticket, of which there is
/// no use, there is no data.
fn admit(record: &mut dyn Buffer, established: bool) -> Result<(), Error> {
    // Its type is behind the content and before the padding, which is noughts.
    let octets = record.as_ref();
    let kind = octets.iter().rfind(|octet| **octet != 0).ok_or(Error)?;
    if !established {
        return Ok(());
    }
    match (*kind, octets.first()) {
        (APPLICATION_DATA | ALERT, _) => Ok(()),
        (HANDSHAKE, Some(&NEW_SESSION_TICKET)) => {
            record.truncate(1);
            record.as_mut().fill(APPLICATION_DATA);
            Ok(())
        }
        _ => Err(Error),
    }
}
