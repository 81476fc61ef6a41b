//! Proving who sent an MPDU, and keeping and converting what messages say
//! (735.1-B-1 2.3.8, 2.3.9, 4.1.2 to 4.1.6, 4.3.1.3, 4.3.1.4, 4.3.8.1.3, 5.1.4).
//!
//! | about | clause | file | type |
//! |---|---|---|---|
//! | which key and which name an entity signs with | 5.1.4.2 to 5.1.4.4 | `signer.rs` | |
//! | which entity may say what | 4.2 | `voice.rs` | |
//! | MPDUs signed and judged | 4.1.4, 4.1.5, 5.1.4.1 | `signatures.rs` | [`DigitalSignatures`] |
//! | application data marshalled and encrypted | 4.3.1.3, 4.3.1.4, 4.3.8.1.3 | `content.rs` | [`SubjectSecurity`] |
//! | keys of a MIB judged before it is used | 8 | `key_rules.rs` | [`KeyRules`] |
//! | Ed25519, feature `ed25519` | | `ed25519.rs` | `Ed25519` |
//! | AES-256-GCM-SIV, feature `aead` | | `aes_gcm_siv.rs` | `AesGcmSiv` |
//!
//! A machine is lent an [`Authenticator`], and a module a [`ContentHandler`] too.
//! Machines that are lent none carry none of this code, sign nothing and ignore
//! signatures; messages that are to be encrypted or marshalled they refuse. Keys
//! are looked up in the MIB at each use.
//!
//! `docs/security.md` tells what all this defends against, and what not.

#[cfg(feature = "aead")]
mod aes_gcm_siv;
mod cipher;
mod content;
#[cfg(feature = "ed25519")]
mod ed25519;
mod frame;
mod key_rules;
mod marshalling;
mod random;
mod scheme;
mod signatures;
mod signer;
mod voice;

#[cfg(test)]
mod tests;

use core::fmt;

use super::ids::VentureNumber;
use super::mib::{Mib, Subject};
use super::pdu::Mpdu;
use crate::time::Now;

#[cfg(feature = "aead")]
pub use aes_gcm_siv::AesGcmSiv;
pub use cipher::{Cipher, NotOpened};
pub use content::{ContentFault, Origin, SubjectSecurity};
#[cfg(feature = "ed25519")]
pub use ed25519::Ed25519;
pub use key_rules::KeyRules;
pub use marshalling::{Convert, MarshalFault, Marshalling, MarshallingTable};
pub use random::{NoRandom, Random};
pub use scheme::{KeyUnusable, SignatureScheme};
pub use signatures::DigitalSignatures;

/// Who signs the MPDUs a machine sends, and judges those it receives.
pub trait Authenticator: fmt::Debug {
    /// The octets by which the signature of an MPDU of `sender` makes it longer.
    fn signature_len(&self, mib: &Mib<'_>, sender: super::pdu::Sender) -> usize;

    /// Signs, where it stands, the MPDU without a signature that is the first
    /// `length` octets of `buffer`. Returns its new length.
    ///
    /// # Errors
    /// [`Unsigned`] when it cannot be signed and must not be sent.
    fn sign(&self, mib: &Mib<'_>, buffer: &mut [u8], length: usize) -> Result<usize, Unsigned>;

    /// Whether the MPDU that `octets` are is authentic in the eyes of `receiver`.
    ///
    /// # Errors
    /// Why it is not; it is to be discarded and to change nothing (4.1.2).
    fn judge(
        &self,
        mib: &Mib<'_>,
        now: Now,
        receiver: Receiver,
        mpdu: &Mpdu<'_>,
        octets: &[u8],
    ) -> Result<(), Inauthentic>;
}

/// Who makes of application data what is transmitted, and the reverse.
pub trait ContentHandler: fmt::Debug {
    /// Marshals and encrypts `data` as `subject` asks for, in `room` (4.3.1.3,
    /// 4.3.1.4).
    ///
    /// # Errors
    /// [`ContentFault`] when it cannot be done; the message must not be sent.
    fn prepare<'b>(
        &self,
        subject: &Subject<'_>,
        origin: &Origin,
        data: &[u8],
        room: &'b mut [u8],
    ) -> Result<&'b [u8], ContentFault>;

    /// Decrypts and un-marshals `data` as `subject` asks for, in `room` (4.3.8.1.3).
    ///
    /// # Errors
    /// [`ContentFault`] when it cannot be done; the message must not be delivered.
    fn restore<'b>(
        &self,
        subject: &Subject<'_>,
        origin: &Origin,
        data: &[u8],
        room: &'b mut [u8],
    ) -> Result<&'b [u8], ContentFault>;
}

/// Who has received an MPDU: some types come from one entity to a module and from
/// another to a registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// A module of this venture.
    Module(VentureNumber),
    /// A registrar of this venture.
    Registrar(VentureNumber),
    /// A configuration server.
    ConfigServer,
}

/// Why an MPDU is not authentic (4.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Inauthentic {
    /// It has no signature, and its sender has a public key in the MIB.
    Missing,
    /// Its signature is not one of its sender: not made with the private key that
    /// belongs to the public key in the MIB, or of another name.
    Wrong,
    /// The entity that it says has sent it does not send such MPDUs, and the one
    /// that does has a public key in the MIB.
    Usurped,
    /// Its signature does not cover its content, or not any more: the MIB requires
    /// that ([`SignaturePolicy`](super::mib::SignaturePolicy)).
    Unbound,
    /// It was signed too long ago, or in the future.
    Stale,
}

/// Why an MPDU was not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unsigned {
    /// The buffer has no room for the signature, or it is longer than 255 octets.
    NoSpace,
    /// The private key in the MIB is none of the scheme.
    KeyUnusable,
    /// There are no random octets for the nonce.
    NoRandom,
}
