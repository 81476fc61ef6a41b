//! Digital signatures of MPDUs (735.1-B-1 4.1.4, 4.1.5, 5.1.4).
//!
//! ```text
//! | nonce, 4 | signature of nonce and name | signature of the whole MPDU, if bound |
//! ```
//!
//! The first two are the standard's signature: four ASCII characters, and what the
//! private key makes of them and a well-known string. It covers nothing of what the
//! MPDU says; who has seen one can put it on any other. The third is this project's
//! ([`Binding`]): a signature over header, time tag, nonce and supplementary data.
//! Peers that do not ask for it do not look at it.

use super::frame::{Frame, Room};
use super::signer::Signer;
use super::{Authenticator, Inauthentic, Random, Receiver, SignatureScheme, Unsigned, voice};
use crate::ams::mib::{Binding, Mib};
use crate::ams::pdu::{Mpdu, Sender};
use crate::time::Now;
use crate::wire::{TimeCode, TimeCodeId, TimeTag};

/// Octets of the nonce, which is in clear.
const NONCE_LEN: usize = 4;

/// What the text of a bound signature begins with. No nonce of this project's is like
/// it, so that neither signature can be taken for the other.
const LABEL: &[u8] = b"\xffMPDU";

/// The digital signatures of 5.1.4, made by a scheme.
#[derive(Clone, Copy, Debug)]
pub struct DigitalSignatures<'s> {
    scheme: &'s dyn SignatureScheme,
    random: &'s dyn Random,
}

impl<'s> DigitalSignatures<'s> {
    /// Signatures of `scheme` with nonces from `random`.
    #[must_use]
    pub const fn new(scheme: &'s dyn SignatureScheme, random: &'s dyn Random) -> Self {
        Self { scheme, random }
    }

    /// Octets of a signature, nonce included.
    fn total_len(&self, binding: Binding) -> usize {
        let one = self.scheme.signature_len();
        let bound = if binding == Binding::Off { 0 } else { one };
        NONCE_LEN.saturating_add(one).saturating_add(bound)
    }

    fn nonce(&self) -> Result<[u8; NONCE_LEN], Unsigned> {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| Unsigned::NoRandom)?;
        // One of 64 printable characters in a row.
        Ok(nonce.map(|octet| b'0'.wrapping_add(octet & 0x3f)))
    }

    fn judge_signature(
        &self,
        signer: &Signer<'_>,
        binding: Binding,
        frame: &Frame<'_>,
    ) -> Result<(), Inauthentic> {
        if frame.signature.is_empty() {
            return Err(Inauthentic::Missing);
        }
        let one = self.scheme.signature_len();
        let (nonce, rest) =
            frame.signature.split_at_checked(NONCE_LEN).ok_or(Inauthentic::Wrong)?;
        let (proof, bond) = rest.split_at_checked(one).ok_or(Inauthentic::Wrong)?;
        // One signature, or two: nothing else is of this scheme.
        if !bond.is_empty() && bond.len() != one {
            return Err(Inauthentic::Wrong);
        }
        let text = [nonce, signer.name.as_bytes()];
        if !self.scheme.verify(signer.public_key, &text, proof) {
            return Err(Inauthentic::Wrong);
        }
        if binding != Binding::Required {
            return Ok(());
        }
        let text = [LABEL, frame.head, nonce, frame.supplement];
        let bound = self.scheme.verify(signer.public_key, &text, bond);
        if bound { Ok(()) } else { Err(Inauthentic::Unbound) }
    }
}

impl Authenticator for DigitalSignatures<'_> {
    fn signature_len(&self, mib: &Mib<'_>, sender: Sender) -> usize {
        match Signer::of(mib, sender) {
            Some(signer) if !signer.private_key.is_empty() => {
                self.total_len(mib.signatures.binding)
            }
            _ => 0,
        }
    }

    fn sign(&self, mib: &Mib<'_>, buffer: &mut [u8], length: usize) -> Result<usize, Unsigned> {
        let frame = buffer.get(..length).and_then(Frame::of).ok_or(Unsigned::NoSpace)?;
        let signer = Signer::of(mib, frame.sender()).filter(|it| !it.private_key.is_empty());
        let Some(signer) = signer else { return Ok(length) };
        let binding = mib.signatures.binding;
        let nonce = self.nonce()?;
        let mut room = Room::make(buffer, length, self.total_len(binding))?;
        let parts = room.parts().ok_or(Unsigned::NoSpace)?;
        let unusable = |_| Unsigned::KeyUnusable;

        let (to, rest) = parts.signature.split_first_chunk_mut().ok_or(Unsigned::NoSpace)?;
        *to = nonce;
        let one = self.scheme.signature_len();
        let (proof, bond) = rest.split_at_mut_checked(one).ok_or(Unsigned::NoSpace)?;
        let text = [&nonce[..], signer.name.as_bytes()];
        self.scheme.sign(&signer.private_key, &text, proof).map_err(unusable)?;
        if binding != Binding::Off {
            let text = [LABEL, parts.head, &nonce, parts.supplement];
            self.scheme.sign(&signer.private_key, &text, bond).map_err(unusable)?;
        }
        Ok(room.finish())
    }

    fn judge(
        &self,
        mib: &Mib<'_>,
        now: &Now,
        receiver: Receiver,
        octets: &[u8],
    ) -> Result<(), Inauthentic> {
        // What is ill-formed is for the machine to tell. It reads the MPDU once more:
        // to be given what has been read would cost those code that are lent nobody.
        let Ok(mpdu) = &Mpdu::parse(octets) else { return Ok(()) };
        voice::check(mib, receiver, mpdu)?;
        let signer = Signer::of(mib, mpdu.sender()).filter(|it| !it.public_key.is_empty());
        let Some(signer) = signer else { return Ok(()) };
        let policy = &mib.signatures;
        let frame = Frame::of(octets).ok_or(Inauthentic::Wrong)?;
        self.judge_signature(&signer, policy.binding, &frame)?;
        if policy.binding == Binding::Required && !policy.freshness.is_zero() {
            let time = TimeCode::new(now.utc, mib.tai_minus_utc);
            return judge_age(time, &mpdu.time_tag(), policy.freshness.as_secs());
        }
        Ok(())
    }
}

/// Whether `tag` is within so many seconds of `now`. Both count whole seconds.
fn judge_age(now: TimeCode, tag: &TimeTag<'_>, seconds: u64) -> Result<(), Inauthentic> {
    // What counts from another epoch, or has fewer octets, cannot be compared.
    if tag.id() != TimeCodeId::Ccsds || tag.coarse_octets() < 4 {
        return Err(Inauthentic::Stale);
    }
    let sent = u32::try_from(tag.coarse() & 0xffff_ffff).unwrap_or_default();
    let apart = now.seconds.wrapping_sub(sent);
    let apart = u64::from(apart.min(apart.wrapping_neg()));
    if apart <= seconds { Ok(()) } else { Err(Inauthentic::Stale) }
}
