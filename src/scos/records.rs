//! What machines keep in a store: a version octet, the value in postcard, and a
//! CRC-32 over key and value.

use core::fmt;

use heapless::Vec;

use super::decoding::{Decode, take};
use super::encoding::{Encode, encode};
use super::retry::{Backoff, Retry};
use crate::machine::count;
use crate::store::{CRC, RECORD_MAX, RecordKey, Store, StoreError};
use crate::time::Instant;

/// The version of the records here. Another is left alone.
pub(crate) const VERSION: u8 = 1;

/// What each record is of. The numbers of one machine mean nothing to another, so
/// that a store is not taken for that of another machine.
pub(crate) mod kind {
    pub(crate) const SSM: u8 = 0x10;
    pub(crate) const SSM_DEVICE: u8 = 0x11;
    pub(crate) const SSM_ACTOR: u8 = 0x12;
    pub(crate) const SSM_REPORT: u8 = 0x13;
    pub(crate) const SSM_REQUEST: u8 = 0x14;
    pub(crate) const SSM_USAGE: u8 = 0x15;
    pub(crate) const SSD: u8 = 0x20;
    pub(crate) const SSD_RECIPE: u8 = 0x21;
    pub(crate) const SSD_RUNNING: u8 = 0x22;
    pub(crate) const SSD_REPORT: u8 = 0x23;
    pub(crate) const ACTOR: u8 = 0x30;
    pub(crate) const ACTOR_REQUEST: u8 = 0x31;
}

/// Why octets are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum RecordFault {
    /// They are fewer than any record has.
    Short,
    /// The checksum says they are not what was written, or not under this key.
    Checksum,
    /// They are of a version that is not known here.
    Version(u8),
    /// They are of a kind this machine does not keep.
    Kind(u8),
    /// They are whole and no value of this version.
    Malformed,
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("the record is cut short"),
            Self::Checksum => f.write_str("the checksum of the record is wrong"),
            Self::Version(version) => {
                write!(f, "the record is of version {version}, and {VERSION} is known here")
            }
            Self::Kind(kind) => write!(f, "records of kind {kind:#04x} are of another machine"),
            Self::Malformed => f.write_str("the record has values out of their ranges"),
        }
    }
}

impl core::error::Error for RecordFault {}

/// What a machine found in its store when it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Restored {
    /// Records it goes on with.
    pub records: u32,
    /// Records that were damaged, and are lost.
    pub damaged: u32,
    /// Records of other versions or kinds, which are left alone, unless the machine keeps
    /// something under the same key. Who does not want that ends before the first call.
    pub unknown: u32,
    /// Why the last of the unknown ones is.
    pub fault: Option<RecordFault>,
    /// Records there was no room for in the tables.
    pub no_room: u32,
}

impl Restored {
    /// Whether nothing of what was kept is missing.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.damaged == 0 && self.unknown == 0 && self.no_room == 0
    }

    pub(crate) fn found(&mut self, found: Found) {
        let counter = match found {
            Found::Taken => &mut self.records,
            Found::NoRoom => &mut self.no_room,
            Found::Faulty(fault @ (RecordFault::Version(_) | RecordFault::Kind(_))) => {
                self.fault = Some(fault);
                &mut self.unknown
            }
            Found::Faulty(_) => &mut self.damaged,
        };
        *counter = counter.saturating_add(1);
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Taken,
    NoRoom,
    Faulty(RecordFault),
}

impl Found {
    const fn is_damaged(self) -> bool {
        let known = matches!(self, Self::Faulty(RecordFault::Version(_) | RecordFault::Kind(_)));
        matches!(self, Self::Faulty(_)) && !known
    }
}

/// How many damaged records are cleared away in one start.
const LOST: usize = 32;

impl From<bool> for Found {
    fn from(taken: bool) -> Self {
        if taken { Self::Taken } else { Self::NoRoom }
    }
}

/// Reads a record.
pub(crate) fn open<'a, T: Decode<'a>>(key: &RecordKey, octets: &'a [u8]) -> Result<T, RecordFault> {
    let (body, &sum) = octets.split_last_chunk::<4>().ok_or(RecordFault::Short)?;
    if checksum(key, body) != u32::from_le_bytes(sum) {
        return Err(RecordFault::Checksum);
    }
    let (&version, body) = body.split_first().ok_or(RecordFault::Short)?;
    if version != VERSION {
        return Err(RecordFault::Version(version));
    }
    match take(body) {
        Some((value, [])) => Ok(value),
        _ => Err(RecordFault::Malformed),
    }
}

/// Writes a record to the front of `buffer`.
fn seal<'b>(
    key: &RecordKey,
    value: &dyn Encode,
    buffer: &'b mut [u8; RECORD_MAX],
) -> Option<&'b [u8]> {
    let (version, body) = buffer.split_first_mut()?;
    *version = VERSION;
    let length = encode(value, body).ok()?.len().saturating_add(1);
    let sum = checksum(key, buffer.get(..length)?);
    let end = length.saturating_add(4);
    *buffer.get_mut(length..end)?.first_chunk_mut()? = sum.to_le_bytes();
    buffer.get(..end)
}

fn checksum(key: &RecordKey, body: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(key.octets());
    digest.update(body);
    digest.finalize()
}

/// Makes something of a record in the pass that it is for.
type Reader<'r> = dyn FnMut(u8, &RecordKey, &[u8]) -> Option<Found> + 'r;

/// A machine's store, if it has one.
pub(crate) struct Keeper<'s> {
    store: Option<&'s mut (dyn Store + Send)>,
    restored: Restored,
    /// Since when something is to be kept that is not, and when to try again.
    owed: Option<Retry>,
    failures: u64,
}

impl<'s> Keeper<'s> {
    /// Nothing is kept.
    pub(crate) const NONE: Self = Self {
        store: None,
        restored: Restored { records: 0, damaged: 0, unknown: 0, fault: None, no_room: 0 },
        owed: None,
        failures: 0,
    };

    /// Gives each record of a store to `each`, several times over: what is of one kind
    /// may have to be known before what is of another. The number of the pass is given
    /// too, and what `each` makes of a record in the pass that it is for.
    pub(crate) fn load(
        store: &'s mut (dyn Store + Send),
        passes: u8,
        each: &mut Reader<'_>,
    ) -> Result<Self, StoreError> {
        let mut restored = Restored::default();
        let mut lost = Vec::<RecordKey, LOST>::new();
        for pass in 0..passes {
            let loaded = store.load(&mut |key, octets| {
                let Some(found) = each(pass, key, octets) else { return };
                restored.found(found);
                if found.is_damaged() {
                    // Those there is no room for are found again the next time.
                    let _ = lost.push(*key);
                }
            })?;
            if pass == 0 {
                restored.damaged = restored.damaged.saturating_add(loaded.damaged);
            }
        }
        let mut keeper = Self { store: Some(store), restored, owed: None, failures: 0 };
        for key in lost {
            keeper.remove(key);
        }
        Ok(keeper)
    }

    /// Whether anything is kept at all.
    pub(crate) const fn exists(&self) -> bool {
        self.store.is_some()
    }

    pub(crate) const fn restored(&self) -> &Restored {
        &self.restored
    }

    /// How often the store failed.
    pub(crate) const fn failures(&self) -> u64 {
        self.failures
    }

    /// Something has changed that is to be kept.
    pub(crate) const fn changed(&mut self) {
        if self.owed.is_none() {
            self.owed = Some(Retry::NOW);
        }
    }

    /// Whether there is something to be kept.
    pub(crate) const fn is_owed(&self) -> bool {
        self.store.is_some() && self.owed.is_some()
    }

    /// Whether what is to be kept is to be tried now, and not after a failure.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.owed.is_some_and(|retry| retry.is_due(now))
    }

    /// When it is next to be tried; [`Instant::MAX`] when nothing is to be kept.
    pub(crate) fn due(&self) -> Instant {
        match self.owed {
            Some(retry) if self.exists() => retry.due(),
            _ => Instant::MAX,
        }
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn put(&mut self, key: RecordKey, value: &dyn Encode) -> bool {
        let Some(store) = &mut self.store else { return true };
        let mut buffer = [0; RECORD_MAX];
        let sealed = seal(&key, value, &mut buffer);
        let kept = sealed.is_some_and(|octets| store.put(&key, octets).is_ok());
        if !kept {
            count(&mut self.failures);
        }
        kept
    }

    /// Forgets a record. Where that fails it comes back when the machine starts again,
    /// which does no harm.
    pub(crate) fn remove(&mut self, key: RecordKey) {
        let Some(store) = &mut self.store else { return };
        if store.remove(&key).is_err() {
            count(&mut self.failures);
        }
        self.changed();
    }

    /// All that was put is durable, or none of it is to be relied on.
    pub(crate) fn sync(&mut self) -> bool {
        let Some(store) = &mut self.store else { return true };
        let kept = store.sync().is_ok();
        if !kept {
            count(&mut self.failures);
        }
        kept
    }

    /// Takes down how an attempt to keep everything went.
    pub(crate) fn attempted(&mut self, now: Instant, kept: bool, backoff: &Backoff) {
        if kept {
            self.owed = None;
        } else {
            let mut retry = self.owed.unwrap_or(Retry::NOW);
            retry.sent(now, backoff);
            self.owed = Some(retry);
        }
    }
}

impl fmt::Debug for Keeper<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("exists", &self.exists())
            .field("restored", &self.restored)
            .field("owed", &self.owed)
            .field("failures", &self.failures)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealed(key: &RecordKey, value: &(u32, &[u8])) -> std::vec::Vec<u8> {
        seal(key, value, &mut [0; RECORD_MAX]).unwrap().to_vec()
    }

    #[test]
    fn a_record_is_opened_as_it_was_sealed() {
        let key = RecordKey::of(kind::SSM, 1, 2, 3);
        let octets = sealed(&key, &(300, b"abc"));
        // Version, 300 and a length of 3 in postcard, CRC-32.
        assert_eq!(octets[..7], [1, 0xac, 0x02, 3, b'a', b'b', b'c']);
        assert_eq!(octets.len(), 11);
        assert_eq!(open::<(u32, &[u8])>(&key, &octets), Ok((300, &b"abc"[..])));
    }

    #[test]
    fn what_is_no_record_is_named() {
        let key = RecordKey::of(kind::SSM, 1, 2, 3);
        let octets = sealed(&key, &(300, b"abc"));
        fn fault(key: &RecordKey, octets: &[u8]) -> RecordFault {
            open::<(u32, &[u8])>(key, octets).unwrap_err()
        }
        assert_eq!(fault(&key, &octets[..3]), RecordFault::Short);
        assert_eq!(fault(&key, &octets[..10]), RecordFault::Checksum);
        assert_eq!(fault(&RecordKey::of(kind::SSM, 1, 2, 4), &octets), RecordFault::Checksum);
        let mut other = octets[..7].to_vec();
        other[0] = 9;
        other.extend(checksum(&key, &other).to_le_bytes());
        assert_eq!(fault(&key, &other), RecordFault::Version(9));
        assert_eq!(
            std::format!("{}", fault(&key, &other)),
            "the record is of version 9, and 1 is known here"
        );
        let mut long = octets[..7].to_vec();
        long.push(0);
        long.extend(checksum(&key, &long).to_le_bytes());
        assert_eq!(fault(&key, &long), RecordFault::Malformed);
    }

    proptest! {
        #[test]
        fn no_octets_but_those_sealed_are_a_record(value in any::<u32>(), body in proptest::collection::vec(any::<u8>(), 0..40),
                                                   at in any::<usize>(), flip in 1_u8..) {
            let key = RecordKey::of(kind::SSD, value, 0, 0);
            let mut octets = sealed(&key, &(value, &body));
            prop_assert_eq!(open::<(u32, &[u8])>(&key, &octets), Ok((value, &body[..])));
            let at = at % octets.len();
            octets[at] ^= flip;
            prop_assert_eq!(open::<(u32, &[u8])>(&key, &octets), Err(RecordFault::Checksum));
        }
    }
}
