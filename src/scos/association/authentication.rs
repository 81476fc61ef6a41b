//! Who may associate, where the SSM asks devices to prove that they have their
//! private keys.
//!
//! | request | is answered |
//! |---|---|
//! | of whom has failed too often | refused |
//! | without a proof, or bound to a connection that has no value | [`Challenge`](crate::scos::messages::Challenge), whoever asks |
//! | of a device that is not the one the link is of | refused |
//! | of an unknown device, or with another key | refused |
//! | with a nonce that is not of this peer, or too old | refused |
//! | with a signature that is none | refused |
//! | otherwise | as the inventory has it |
//!
//! All refusals are one and the same, and after the same work: all is looked at before
//! anything is decided, and for a device that is unknown a signature is verified too.
//! Who is refused for having failed too often is spared that work, for it is the same
//! for devices that exist and those that do not.
//!
//! A challenge costs the SSM no memory: its nonce is a keyed hash of who asks, from
//! where and by which connection. The key is random, is changed every 30 s, and the
//! one before it is good as long again.

use core::fmt;
use core::hash::Hasher;
use core::time::Duration;

use siphasher::sip128::{Hasher128, SipHasher24};
use subtle::{Choice, ConstantTimeEq};

use super::registry::{Admission, Registry};
use crate::crypto::{Random, SignatureScheme};
use crate::scos::messages::{Associate, Binding, Nonce};
use crate::storage::{Row, Slot, Table};
use crate::time::{Instant, micros_of};
use crate::transport::{Address, Peer};

/// How long nonces are made with one key.
const KEY_LIFE: Duration = Duration::from_secs(30);

/// How often a device or a place may fail before it is refused unseen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AttemptLimit {
    /// So many failures at once, at least 1.
    pub failures: u8,
    /// One of them is forgotten each time so long has passed.
    pub forgiven_after: Duration,
}

impl AttemptLimit {
    /// Five, and one more each minute.
    pub const NOMINAL: Self = Self { failures: 5, forgiven_after: Duration::from_secs(60) };
}

/// What an SSM authenticates devices with.
#[derive(Debug)]
pub struct Authentication<'s> {
    /// The scheme of the devices' keys.
    pub scheme: &'s dyn SignatureScheme,
    /// Where nonces come from. It has to be fit for keys.
    pub random: &'s dyn Random,
    /// Room for those who have failed. Full, whoever has failed least is forgotten.
    pub attempts: &'s mut [Slot<Attempts>],
    /// How often one may fail.
    pub limit: AttemptLimit,
}

/// Room for the failures of one device ID or of one place.
#[derive(Clone, Copy, Debug)]
pub struct Attempts {
    /// A keyed hash of which it is.
    key: u64,
    failures: u8,
    /// Since when the failures are so many.
    since: Instant,
}

impl Row for Attempts {
    type Key = u64;

    fn key(&self) -> u64 {
        self.key
    }
}

/// What is to become of an association request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is from whom it says.
    Authentic,
    /// It is to be asked again, with this signed.
    Challenge(Nonce),
    /// It is refused; the peer is not told why.
    Refused(Suspicion),
    /// There are no random octets to make a nonce with: it is not answered.
    NoRandom,
}

impl Verdict {
    /// The verdict of an SSM that asks for no proofs: a device has no other's link.
    pub(crate) fn of_link(identity: Option<&str>, device: &str) -> Self {
        match identity {
            Some(identity) if identity != device => Self::Refused(Suspicion::OtherIdentity),
            _ => Self::Authentic,
        }
    }
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Suspicion {
    /// The device ID, or where it came from, has failed too often.
    Limited,
    /// The link is of somebody else.
    OtherIdentity,
    /// No device has this ID.
    UnknownDevice,
    /// The key is not the one on file.
    WrongKey,
    /// The nonce was not made for this peer on this connection, or is too old.
    StaleNonce,
    /// The signature is none of the key and the request.
    WrongProof,
}

/// The keys of nonces.
#[derive(Clone, Copy)]
struct Keys {
    current: [u8; 16],
    made: Instant,
    before: Option<[u8; 16]>,
}

/// Keys are nobody's to read.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("made", &self.made).finish_non_exhaustive()
    }
}

/// Judges association requests.
#[derive(Debug)]
pub(crate) struct Gate<'s> {
    scheme: &'s dyn SignatureScheme,
    random: &'s dyn Random,
    keys: Option<Keys>,
    /// The key of the hashes in `attempts`, so that nobody chooses which rows collide.
    salt: Option<[u8; 16]>,
    attempts: Table<'s, Attempts>,
    limit: AttemptLimit,
}

impl<'s> Gate<'s> {
    pub(crate) fn new(authentication: Authentication<'s>) -> Self {
        let Authentication { scheme, random, attempts, limit } = authentication;
        let limit = AttemptLimit { failures: limit.failures.max(1), ..limit };
        Self { scheme, random, keys: None, salt: None, attempts: Table::new(attempts), limit }
    }

    /// Decides on a request that came from `from`, by a link that knows `peer`.
    pub(crate) fn judge(
        &mut self,
        now: Instant,
        from: &Address,
        peer: &Peer<'_>,
        request: &Associate<'_>,
        registry: &Registry<'_>,
    ) -> Verdict {
        if !self.turn_keys(now) {
            return Verdict::NoRandom;
        }
        let (Some(keys), Some(salt)) = (self.keys, self.salt) else { return Verdict::NoRandom };
        let suspects = suspects(&salt, from, peer, request.device);
        let limited = suspects.iter().enumerate().any(|(nth, suspect)| {
            // Where a device is associated from, others do not lock it out.
            let excused = nth == 0 && registry.address_of(request.device) == Some(*from);
            suspect.is_some_and(|key| !excused && self.is_limited(now, key))
        });
        if limited {
            return Verdict::Refused(Suspicion::Limited);
        }
        let nonce = |key: &[u8; 16]| nonce(key, from, peer, request.device);
        let proof = request
            .proof
            .filter(|proof| proof.binding != Binding::Connection || peer.binding.is_some());
        let Some(proof) = proof else { return Verdict::Challenge(nonce(&keys.current)) };

        // From here on everything is looked at, whatever is found.
        let same_link = peer.identity.is_none_or(|identity| identity == request.device);
        let (stored, decoy) = registry.key_of(request.device);
        let open = stored.is_none() && registry.admission() == Admission::Open;
        let key = if open { request.public_key } else { stored.or(decoy).unwrap_or_default() };
        let same_key = key.ct_eq(request.public_key);
        let fresh = match proof.binding {
            Binding::Connection => Choice::from(1),
            Binding::Challenge(said) => {
                let before = keys.before.unwrap_or(keys.current);
                nonce(&keys.current).ct_eq(&said) | nonce(&before).ct_eq(&said)
            }
        };
        let binding = peer.binding.as_ref();
        let genuine = request.with_proof_text(&proof.binding, binding, |text| {
            self.scheme.verify(key, text, proof.signature)
        });
        let suspicion = if !same_link {
            Suspicion::OtherIdentity
        } else if stored.is_none() && !open {
            Suspicion::UnknownDevice
        } else if !bool::from(same_key) {
            Suspicion::WrongKey
        } else if !bool::from(fresh) {
            Suspicion::StaleNonce
        } else if genuine != Some(true) {
            Suspicion::WrongProof
        } else {
            return Verdict::Authentic;
        };
        for key in suspects.into_iter().flatten() {
            self.blame(now, key);
        }
        Verdict::Refused(suspicion)
    }

    /// Sees to it that the keys are young enough. Returns whether there are any.
    fn turn_keys(&mut self, now: Instant) -> bool {
        let is_younger = |keys: &Keys, life: Duration| now < keys.made.after(life);
        if self.salt.is_some() && self.keys.as_ref().is_some_and(|keys| is_younger(keys, KEY_LIFE))
        {
            return true;
        }
        let [mut current, mut salt] = [[0; 16]; 2];
        if self.random.fill(&mut current).is_err()
            || self.salt.is_none() && self.random.fill(&mut salt).is_err()
        {
            return false;
        }
        let lately = |keys: &Keys| is_younger(keys, KEY_LIFE.saturating_mul(2));
        let before = self.keys.filter(lately).map(|keys| keys.current);
        self.keys = Some(Keys { current, made: now, before });
        self.salt.get_or_insert(salt);
        true
    }

    fn is_limited(&self, now: Instant, key: u64) -> bool {
        let row = self.attempts.get(key);
        row.is_some_and(|row| self.failures(now, row) >= self.limit.failures)
    }

    /// How many failures are not forgiven yet.
    fn failures(&self, now: Instant, row: &Attempts) -> u8 {
        let each = micros_of(self.limit.forgiven_after).max(1);
        let mut passed = now.as_micros().saturating_sub(row.since.as_micros());
        let mut left = row.failures;
        // Steps, for a division is dear.
        while left > 0 && passed >= each {
            passed = passed.saturating_sub(each);
            left = left.saturating_sub(1);
        }
        left
    }

    /// One more failure.
    fn blame(&mut self, now: Instant, key: u64) {
        let before = self.attempts.get(key).copied();
        let left = before.map_or(0, |row| self.failures(now, &row));
        // The time that has passed towards the next one forgiven is not lost.
        let since = before.filter(|_| left > 0).map_or(now, |row| {
            let forgiven = row.failures.saturating_sub(left);
            row.since.after(self.limit.forgiven_after.saturating_mul(forgiven.into()))
        });
        let row = Attempts { key, failures: left.saturating_add(1), since };
        if before.is_none() && self.attempts.len() >= self.attempts.capacity() {
            let least = self.attempts.iter().min_by_key(|row| (self.failures(now, row), row.since));
            if let Some(least) = least.map(|row| row.key) {
                self.attempts.remove(least);
            }
        }
        // Without any room nobody is limited.
        let _ = self.attempts.insert(row);
    }
}

/// Whose failure it is: of a device ID, and of a place. Where the link knows who it is,
/// it is his alone: nobody locks out another, or all behind one address.
fn suspects(salt: &[u8; 16], from: &Address, peer: &Peer<'_>, device: &str) -> [Option<u64>; 2] {
    let key = |kind: u8, service: u8, octets: &[u8]| {
        let mut hasher = SipHasher24::new_with_key(salt);
        hasher.write(&[kind, service]);
        hasher.write(octets);
        hasher.finish128().h1
    };
    if let Some(identity) = peer.identity {
        return [Some(key(0, 0, identity.as_bytes())), None];
    }
    let place = peer.origin.as_ref().unwrap_or(from);
    [Some(key(1, 0, device.as_bytes())), Some(key(2, place.service(), place.octets()))]
}

/// What a device at this address, on this connection, is to sign.
fn nonce(key: &[u8; 16], from: &Address, peer: &Peer<'_>, device: &str) -> Nonce {
    let mut hasher = SipHasher24::new_with_key(key);
    let length = u8::try_from(from.octets().len()).unwrap_or(u8::MAX);
    hasher.write(&[from.service(), length]);
    hasher.write(from.octets());
    hasher.write(&[u8::from(peer.binding.is_some())]);
    hasher.write(&peer.binding.unwrap_or_default());
    hasher.write(device.as_bytes());
    hasher.finish128().as_bytes()
}

#[cfg(test)]
mod tests;
