//! What a board keeps from its TLS, `examples/firmware/src/bin/ssd_tls/guard.rs`.
//!
//! One test alone: whether a handshake is over is a state of the board, which has one connection.
#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test may stop on anything"
)]

#[path = "../examples/firmware/src/bin/ssd_tls/guard.rs"]
mod guard;

use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{AeadInPlace, Buffer, Error, KeyInit};
use embedded_tls::TlsCipherSuite;

use guard::{Gcm, Guarded, RECORD, content, is_established, set_established};

const KEY: [u8; 16] = [7; 16];
const NONCE: [u8; 12] = [9; 12];

/// A record on its way through the cipher.
struct Octets(Vec<u8>);

impl AsRef<[u8]> for Octets {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsMut<[u8]> for Octets {
    fn as_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl Buffer for Octets {
    fn extend_from_slice(&mut self, other: &[u8]) -> Result<(), Error> {
        self.0.extend_from_slice(other);
        Ok(())
    }

    fn truncate(&mut self, length: usize) {
        self.0.truncate(length);
    }
}

/// What the board reads of a record that somebody with its key has encrypted.
fn read(plain: &[u8]) -> Option<Vec<u8>> {
    let mut record = Octets(plain.to_vec());
    let (key, nonce) = (KEY.into(), NONCE.into());
    Aes128Gcm::new(&key).encrypt_in_place(&nonce, b"head", &mut record).unwrap();
    Gcm::new(&key).decrypt_in_place(&nonce, b"head", &mut record).ok().map(|()| record.0)
}

/// The octets behind a record's head of this type and length, if it is taken.
fn taken(kind: u8, length: u16) -> Option<usize> {
    let [high, low] = length.to_be_bytes();
    content([kind, 3, 3, high, low])
}

#[test]
fn a_board_keeps_from_its_tls_what_would_stop_it() {
    let longest = u16::try_from(RECORD).unwrap();
    // TLS_AES_128_GCM_SHA256.
    assert_eq!(Guarded::CODE_POINT, 0x1301);

    // In the handshake: its messages, in clear and encrypted, and alerts.
    assert!(!is_established());
    for kind in [20, 21, 22] {
        assert_eq!((taken(kind, 0), taken(kind, 1)), (None, Some(1)), "{kind}");
    }
    assert_eq!((taken(23, 16), taken(23, 17)), (None, Some(17)));
    assert_eq!((taken(23, longest), taken(23, longest + 1)), (Some(RECORD), None));
    assert_eq!((taken(24, 40), taken(0, 40)), (None, None));
    for message in [8, 20, 11, 4] {
        let plain = [message, 0, 0, 0, 22];
        assert_eq!(read(&plain).unwrap(), plain);
    }
    // No content, not even its type: the board would stop.
    assert_eq!(read(&[]), None);
    assert_eq!(read(&[0; 40]), None);

    set_established(true);
    // Nothing in clear any more, whoever writes it.
    for kind in [20, 21, 22] {
        assert_eq!(taken(kind, 40), None, "{kind}");
    }
    assert_eq!(taken(23, 17), Some(17));
    // Messages of the handshake: the board would stop, but for a ticket.
    for message in (0..=u8::MAX).filter(|message| *message != 4) {
        assert_eq!(read(&[message, 0, 0, 0, 22]), None, "{message}");
        assert_eq!(read(&[message, 0, 0, 0, 22, 0, 0]), None, "{message}");
    }
    assert_eq!(read(&[22]), None);
    assert_eq!(read(&[]), None);
    // A ticket, and whatever may stand behind it, is no data.
    assert_eq!(read(&[4, 0, 0, 0, 22]).unwrap(), [23]);
    assert_eq!(read(&[4, 0, 0, 1, 9, 20, 0, 0, 0, 22, 0]).unwrap(), [23]);
    // Data and alerts go through as they are, with their padding.
    for kind in [21, 23] {
        let plain = [1, 0, kind, 0, 0];
        assert_eq!(read(&plain).unwrap(), plain);
        assert_eq!(read(&[kind]).unwrap(), [kind]);
    }
    assert_eq!(read(&[1, 0, 24]), None);
    set_established(false);
    assert!(read(&[8, 22]).is_some());
}
