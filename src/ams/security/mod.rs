//! Proving who sent an MPDU, and keeping and converting what messages say
//! (735.1-B-1 2.3.8, 2.3.9, 4.1.2 to 4.1.6, 4.3.1.3, 4.3.1.4, 4.3.8.1.3, 5.1.4).
//!
//! | about | clause | file | type |
//! |---|---|---|---|
//! | which key and which name an entity signs with | 5.1.4.2 to 5.1.4.4 | `signer.rs` | |
//! | which entity may say what | 4.2 | `voice.rs` | |
//! | MPDUs signed and judged | 4.1.4, 4.1.5, 5.1.4.1 | `signatures.rs` | [`DigitalSignatures`] |
//! | application data marshalled and encrypted | 4.3.1.3, 4.3.1.4, 4.3.8.1.3 | `content.rs` | [`SubjectSecurity`] |
//! | RPDUs between gateways encrypted | 8.2 | `channel.rs` | [`ChannelSecurity`] |
//! | keys of a MIB judged before it is used | 8 | `key_rules.rs` | [`KeyRules`] |
//! | Ed25519, feature `ed25519` | | `crypto/ed25519.rs` | `Ed25519` |
//! | AES-256-GCM-SIV, feature `aead` | | `aes_gcm_siv.rs` | `AesGcmSiv` |
//!
//! A machine is lent an [`Authenticator`], a module a [`ContentHandler`] too, and a gateway a
//! [`ChannelHandler`].
//! Machines that are lent none carry none of this code, sign nothing and ignore
//! signatures; messages that are to be encrypted or marshalled they refuse. Keys
//! are looked up in the MIB at each use.
//!
//! `docs/security.md` tells what all this defends against, and what not.

#[cfg(feature = "aead")]
mod aes_gcm_siv;
mod channel;
mod cipher;
mod content;
mod frame;
mod key_rules;
mod marshalling;
mod sealing;
mod signatures;
mod signer;
mod voice;

#[cfg(test)]
#[cfg(all(feature = "aead", feature = "ed25519"))]
mod tests;

use core::fmt;

use super::MetaStats;
use super::ids::VentureNumber;
use super::meta::bump;
use super::mib::{Mib, Subject, Venture};
use super::module::MessageStats;
use super::pdu::{Aams, AamsHeader, Sender};
use super::service::Fault;
use crate::time::Now;
use crate::transport::SendError;

#[cfg(feature = "aead")]
pub use aes_gcm_siv::AesGcmSiv;
pub use channel::{Channel, ChannelHandler, ChannelSecurity};
pub use cipher::{Cipher, NotOpened};
pub use content::{ContentFault, Origin, SubjectSecurity};
pub use key_rules::KeyRules;
pub use marshalling::{Convert, MarshalFault, Marshalling, MarshallingTable};
pub use signatures::DigitalSignatures;

#[cfg(feature = "ed25519")]
pub use crate::crypto::Ed25519;
pub use crate::crypto::{KeyUnusable, NoRandom, Random, SignatureScheme};

/// Who signs the MPDUs a machine sends, and judges those it receives.
pub trait Authenticator: fmt::Debug {
    /// The octets by which the signature of an MPDU of `sender` makes it longer.
    fn signature_len(&self, mib: &Mib<'_>, sender: Sender) -> usize;

    /// Signs, where it stands, the MPDU without a signature that is the first
    /// `length` octets of `buffer`. Returns its new length.
    ///
    /// # Errors
    /// [`Unsigned`] when it cannot be signed and must not be sent.
    fn sign(&self, mib: &Mib<'_>, buffer: &mut [u8], length: usize) -> Result<usize, Unsigned>;

    /// Whether the MPDU that `octets` are is authentic in the eyes of `receiver`. One
    /// that is ill-formed is for the machine to discard.
    ///
    /// # Errors
    /// Why it is not; it is to be discarded and to change nothing (4.1.2).
    fn judge(
        &self,
        mib: &Mib<'_>,
        now: &Now,
        receiver: Receiver,
        octets: &[u8],
    ) -> Result<(), Inauthentic>;

    /// [`Authenticator::sign`] as machines call it. What cannot be signed is counted,
    /// and is offered again like what a transport refuses.
    ///
    /// It is here, and not in the machines, so that those that are lent nobody do not
    /// carry it; so are the others of its kind.
    ///
    /// # Errors
    /// [`SendError::TooLong`] without room for it, [`SendError::Busy`] otherwise.
    fn sign_for(
        &self,
        party: &Party<'_>,
        buffer: &mut [u8],
        length: usize,
        stats: &mut MetaStats,
    ) -> Result<usize, SendError> {
        self.sign(party.mib, buffer, length).map_err(|why| match why {
            Unsigned::NoSpace => SendError::TooLong,
            Unsigned::KeyUnusable | Unsigned::NoRandom => {
                bump(&mut stats.unsigned);
                SendError::Busy
            }
        })
    }

    /// [`Authenticator::judge`] as machines call it: what is not authentic is counted.
    fn admits(&self, party: &Party<'_>, now: &Now, octets: &[u8], stats: &mut MetaStats) -> bool {
        let judged = self.judge(party.mib, now, party.receiver, octets);
        if let Err(why) = judged {
            bump(match why {
                Inauthentic::Missing => &mut stats.signature_missing,
                Inauthentic::Wrong => &mut stats.signature_wrong,
                Inauthentic::Usurped => &mut stats.usurped,
                Inauthentic::Unbound => &mut stats.signature_unbound,
                Inauthentic::Stale => &mut stats.signature_stale,
            });
        }
        judged.is_ok()
    }
}

/// Who makes of application data what is transmitted, and the reverse.
pub trait ContentHandler: fmt::Debug {
    /// Marshals and encrypts `data` as `subject` asks for (4.3.1.3, 4.3.1.4).
    ///
    /// # Errors
    /// [`ContentFault`] when it cannot be done; the message must not be sent.
    fn prepare(
        &mut self,
        subject: &Subject<'_>,
        origin: &Origin,
        data: &[u8],
    ) -> Result<&[u8], ContentFault>;

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

    /// [`ContentHandler::prepare`] as modules call it: what cannot be done is counted.
    ///
    /// # Errors
    /// [`Fault::NotPrepared`].
    fn prepare_for(
        &mut self,
        venture: Option<&Venture<'_>>,
        header: &AamsHeader,
        data: &[u8],
        stats: &mut MessageStats,
    ) -> Result<&[u8], Fault> {
        let subject = venture.and_then(|venture| venture.subject(header.subject));
        let subject = subject.ok_or(Fault::SubjectNotPlain)?;
        self.prepare(subject, &Origin::from(header), data).map_err(|why| {
            bump(&mut stats.not_prepared);
            Fault::NotPrepared(why)
        })
    }

    /// [`ContentHandler::restore`] as modules call it: what cannot be done is counted.
    ///
    /// # Errors
    /// [`Fault::NotRestored`].
    fn restore_for<'b>(
        &self,
        venture: Option<&Venture<'_>>,
        message: &Aams<'_>,
        room: &'b mut [u8],
        stats: &mut MessageStats,
    ) -> Result<&'b [u8], Fault> {
        let subject = venture.and_then(|venture| venture.subject(message.subject()));
        let subject = subject.ok_or(Fault::SubjectNotPlain)?;
        self.restore(subject, &Origin::from(message), message.data(), room).map_err(|why| {
            bump(&mut stats.not_restored);
            Fault::NotRestored(message.source(), why)
        })
    }
}

/// A machine in the eyes of its [`Authenticator`].
#[derive(Clone, Copy, Debug)]
pub struct Party<'s> {
    /// Its MIB, which has the keys.
    pub mib: &'s Mib<'s>,
    /// What it is.
    pub receiver: Receiver,
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
