//! What survives a loss of power: records under keys, in whatever a board or a host
//! has for it.
//!
//! A machine that is given a [`Store`] writes ahead: what it says to others that it
//! must know again is durable before it is said.

#[cfg(test)]
pub(crate) mod disk;
#[cfg(feature = "flash")]
pub mod flash;

use core::fmt;

#[cfg(any(
    feature = "flash",
    feature = "management",
    feature = "scos",
    feature = "southbound"
))]
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

/// The key of a record: an octet that says what it is of, and ten that say which.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RecordKey([u8; Self::OCTETS]);

impl RecordKey {
    /// Octets of a key.
    pub const OCTETS: usize = 11;

    /// The key with these octets.
    #[must_use]
    pub const fn new(octets: [u8; Self::OCTETS]) -> Self {
        Self(octets)
    }

    /// A key made of its parts, ordered as they are.
    #[cfg(any(feature = "scos", feature = "southbound"))]
    #[must_use]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) const fn of(kind: u8, first: u32, second: u32, third: u16) -> Self {
        let ([a, b, c, d], [e, f, g, h]) = (first.to_be_bytes(), second.to_be_bytes());
        let [i, j] = third.to_be_bytes();
        Self([kind, a, b, c, d, e, f, g, h, i, j])
    }

    /// What the record is of.
    #[must_use]
    pub const fn kind(&self) -> u8 {
        let [kind, ..] = self.0;
        kind
    }

    /// Its octets.
    #[must_use]
    pub const fn octets(&self) -> &[u8; Self::OCTETS] {
        &self.0
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// The checksum of what is kept, computed bit by bit: no table in flash.
#[cfg(any(feature = "flash", feature = "management", feature = "scos", feature = "southbound"))]
pub(crate) const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// The longest value of a record, in octets.
pub const RECORD_MAX: usize = 1_200;

/// Why a store did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum StoreError {
    /// There is no room for the record.
    Full,
    /// The medium failed; it may work again later.
    Failed,
    /// What is there is not a store, or one of another format.
    Foreign,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the store is full",
            Self::Failed => "the store failed",
            Self::Foreign => "the store is of another format",
        })
    }
}

impl core::error::Error for StoreError {}

/// What a [`Store`] has that it cannot give back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Loaded {
    /// Records, or places where records were, that are damaged. A write that was cut
    /// short by a loss of power is not: it was never durable.
    pub damaged: u32,
}

/// Where records are kept. A store belongs to one machine.
///
/// Records become durable in the order in which they were put and removed, and all
/// of them once [`Store::sync`] says so: after a loss of power those of the first
/// so many calls are there, whole, and no others. Who is asked and fails may have
/// done it all the same; the machine asks again.
pub trait Store {
    /// Gives each record once, the last that was put under its key, in any order.
    ///
    /// # Errors
    /// [`StoreError::Foreign`] or [`StoreError::Failed`]; what was given is then not
    /// all.
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError>;

    /// Keeps a value of at most [`RECORD_MAX`] octets under a key, in place of the one
    /// there was.
    ///
    /// # Errors
    /// [`StoreError::Full`] or [`StoreError::Failed`].
    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError>;

    /// Forgets the record under a key, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Failed`], or [`StoreError::Full`] where that takes room.
    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError>;

    /// Returns once all that was put and removed is durable.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; what of it is durable is then not known.
    fn sync(&mut self) -> Result<(), StoreError>;
}

impl<S: Store + ?Sized> Store for &mut S {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        (**self).load(each)
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        (**self).put(key, value)
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        (**self).remove(key)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        (**self).sync()
    }
}

#[cfg(all(test, feature = "scos"))]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_their_parts() {
        let key = RecordKey::of(3, 1, 2, 3);
        assert_eq!(key.octets(), &[3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 3]);
        assert_eq!(key.kind(), 3);
        assert!(RecordKey::of(3, 1, 2, 4) > key);
        assert!(RecordKey::of(3, 0, 9, 9) < key);
        assert!(RecordKey::of(4, 0, 0, 0) > key);
        assert_eq!(RecordKey::new(*key.octets()), key);
    }
}
