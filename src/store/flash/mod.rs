//! A store in flash: a log of records that goes round and round over its sectors.
//!
//! It works over any [`NorFlash`]: the flash a microcontroller has inside, or a chip
//! beside it. It writes no word twice between two erasures that it can know of, so that flash
//! with error correction takes it, and wears all sectors alike.
//!
//! # How it is laid out
//!
//! The region is divided into *segments*: a sector each, or as many as make 4,096 octets.
//! Segments are numbered as they are begun, and stand at their number modulo how many there
//! are. Records are appended to the newest one, the head of the record first and then the
//! value, each with a CRC-32; forgetting one is a record too.
//!
//! | segment | what it is |
//! |---|---|
//! | head | the newest: records are appended |
//! | down to the oldest | they count: the last record under a key is the one there is |
//! | the others, at least one | they do not, whatever they hold |
//!
//! When the head is full the next segment is erased, what still counts of the oldest is
//! copied into it, and then its own head is written, in one step: the new segment counts,
//! and the oldest does not any more. Until then all is as it was.
//!
//! # What is promised
//!
//! - What [`Store::put`] and [`Store::remove`] return from is durable at once, in order.
//!   Power may be lost in any write or erasure.
//! - A record that is damaged is counted, and no older one is given in its place, unless
//!   the octets that say under which key it was are what is damaged. Damage is told at each
//!   start until the machine has kept something after it was told; then what is left is
//!   moved away from it, a segment at each [`Store::sync`].
//! - Everything that is written is read again. A segment that cannot be erased or written is
//!   passed over, and tried again on the next round; as many as [`FlashConfig::spares`] may
//!   be so at a time. With more than that the store only reads.
//! - Segments are erased in turn: no two differ by more than one in how often, and one more
//!   for each loss of power while one was erased.
//! - At the least a quarter of the segments that count is room to move in: a record of
//!   `n` octets costs at the most `4 n` octets of erasures on average.
//!
//! One call takes at the most the time to erase a segment and to write it again, unless
//! the store is nearly full of records or segments fail: then a few of these.
//!
//! Where power is lost in the first write after a start, or in the first of a sector, so
//! early that all its words still read as erased, they are written once more: nothing shows
//! that it was begun.
//!
//! # Memory
//!
//! The store is some 100 octets beside the flash driver, and is lent a table with a row of
//! 16 octets for each record. Without one every question, whether a record still counts,
//! would be a search of the whole log: a start would take minutes where it takes
//! milliseconds. Its calls take up to 1.7 kB of stack.

mod entry;
mod log;
mod medium;
mod mount;

use core::fmt;
use core::num::NonZeroU8;
use core::ops::Range;

use embedded_storage::nor_flash::NorFlash;

use self::entry::{Entry, FIRST, Kind, UNIT, VALUE_MAX};
use self::log::Head;
use self::medium::{Look, Medium};
use super::{Loaded, RECORD_MAX, RecordKey, Store, StoreError};
use crate::storage::{Row, Slot, Table};

/// What of a flash a store has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashConfig {
    /// The region, as addresses of the flash driver: it begins with a sector. What is left
    /// over at its end is not used.
    pub region: Range<u32>,
    /// How many segments may fail at a time. They are not used for records.
    pub spares: u16,
}

/// Why there is no store in a flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum OpenError {
    /// Words have more than 32 octets, or are not a power of two.
    Word,
    /// Sectors are longer than 256 KiB, or not whole words.
    Sector,
    /// The region does not begin with a sector, or is not all in the flash.
    Region,
    /// The region has too few segments.
    TooSmall {
        /// So many it has.
        have: u16,
        /// So many it takes.
        need: u16,
    },
    /// What is there cannot be used: [`StoreError::Foreign`] when it is something else, or
    /// a store divided otherwise; [`StoreError::Full`] when there are more records than rows
    /// for them.
    Store(StoreError),
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word => f.write_str("the words of the flash are no power of two up to 32 octets"),
            Self::Sector => f.write_str("the sectors of the flash are too long, or no whole words"),
            Self::Region => f.write_str("the region is not of whole sectors of the flash"),
            Self::TooSmall { have, need } => {
                write!(f, "the region has {have} segments, and it takes {need}")
            }
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for OpenError {}

/// Where a record is: a row of the table that a store is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FlashRow {
    key: RecordKey,
    units: NonZeroU8,
    address: u32,
}

impl FlashRow {
    fn octets(&self) -> u32 {
        u32::from(self.units.get()).saturating_mul(UNIT)
    }
}

impl Row for FlashRow {
    type Key = RecordKey;

    fn key(&self) -> RecordKey {
        self.key
    }
}

/// What a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct FlashStats {
    /// Segments erased.
    pub erased: u32,
    /// Records copied out of the way.
    pub copied: u32,
    /// Writes and erasures that failed.
    pub failed: u32,
    /// Records found damaged.
    pub damaged: u32,
}

/// A store in flash.
pub struct FlashStore<'s, F> {
    medium: Medium<F>,
    index: Table<'s, FlashRow>,
    /// The segment that records are appended to; none while nothing was ever kept.
    head: Option<Head>,
    /// Segments that are not used for records.
    spares: u32,
    /// Octets of the records there are.
    live: u32,
    /// Damaged records that are not forgotten yet.
    lost: u32,
    /// How many of them somebody was told of.
    told: u32,
    /// How many of them are known to be known: what is damaged up to this segment is
    /// moved away from.
    leave: Option<(u32, u32)>,
    stats: FlashStats,
}

impl<'s, F: NorFlash> FlashStore<'s, F> {
    /// Opens the store in a region of flash, with a row for each record there may be.
    ///
    /// Flash that is erased is a store without records. Whatever else is no store is left
    /// alone.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(
        flash: F,
        config: &FlashConfig,
        rows: &'s mut [Slot<FlashRow>],
    ) -> Result<Self, OpenError> {
        let mut store = Self {
            medium: Medium::new(flash, config)?,
            index: Table::new(rows),
            head: None,
            spares: config.spares.into(),
            live: 0,
            lost: 0,
            told: 0,
            leave: None,
            stats: FlashStats::default(),
        };
        store.mount()?;
        Ok(store)
    }

    /// Erases a region, whatever is there: what is opened in it then is a store without
    /// records. Where power is lost meanwhile it is to be done again.
    ///
    /// # Errors
    /// [`OpenError`]; with [`StoreError::Failed`] some of it may be erased.
    pub fn format(flash: F, config: &FlashConfig) -> Result<(), OpenError> {
        let mut medium = Medium::new(flash, config)?;
        for number in 0..medium.segments() {
            medium.erase(number)?;
        }
        Ok(())
    }

    /// Octets that records may take, each with its head: 24 and the value, both in whole
    /// words of the flash, and of at least 8.
    #[must_use]
    pub fn room(&self) -> u32 {
        // One segment is always free. Where all others had less room than the longest record
        // takes, nothing could be moved any more.
        let octets = self.medium.segment().saturating_sub(FIRST);
        let usable =
            octets.saturating_sub(self.medium.longest()).min(octets.saturating_sub(octets / 4));
        usable.saturating_mul(self.segments_used())
    }

    /// Octets that the records there are take.
    #[must_use]
    pub const fn used(&self) -> u32 {
        self.live
    }

    /// How many records there are.
    #[must_use]
    pub const fn records(&self) -> usize {
        self.index.len()
    }

    /// What it has done.
    #[must_use]
    pub const fn stats(&self) -> &FlashStats {
        &self.stats
    }

    /// How many segments count at the most.
    fn segments_used(&self) -> u32 {
        self.medium.segments().saturating_sub(1).saturating_sub(self.spares)
    }

    /// Notes where the record under a key is. Returns false where there is no row.
    fn note(&mut self, key: RecordKey, octets: u32, address: u32) -> bool {
        let units = u8::try_from(octets / UNIT).ok().and_then(NonZeroU8::new);
        let Some(units) = units else { return false };
        let was = self.index.get(key).map_or(0, FlashRow::octets);
        let noted = self.index.insert(FlashRow { key, units, address }).is_ok();
        if noted {
            self.live = self.live.saturating_sub(was).saturating_add(octets);
        }
        noted
    }

    fn forget(&mut self, key: RecordKey) {
        if let Some(row) = self.index.remove(key) {
            self.live = self.live.saturating_sub(row.octets());
        }
    }

    fn damaged(&mut self, records: u32) {
        self.lost = self.lost.saturating_add(records);
        self.stats.damaged = self.stats.damaged.saturating_add(records);
    }
}

impl<F: NorFlash> Store for FlashStore<'_, F> {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        let mut buffer = [0; VALUE_MAX];
        let mut at = 0_usize;
        while let Some(row) = self.index.at(at).copied() {
            let place = self.place(row.address);
            let value = match self.medium.look(place)? {
                Look::Entry(entry) if entry.key == row.key && entry.kind == Kind::Put => {
                    self.medium.value(place, &entry, &mut buffer)?
                }
                _ => None,
            };
            match value {
                Some(value) => {
                    each(&row.key, value);
                    at = at.saturating_add(1);
                }
                None => {
                    self.forget(row.key);
                    self.damaged(1);
                }
            }
        }
        self.told = self.lost;
        Ok(Loaded { damaged: self.lost })
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        let fits = |length: &u16| usize::from(*length) <= RECORD_MAX;
        let length = u16::try_from(value.len()).ok().filter(fits).ok_or(StoreError::Full)?;
        let octets = self.medium.entry(length);
        let was = self.index.get(*key).map(FlashRow::octets);
        let live = self.live.saturating_sub(was.unwrap_or(0)).saturating_add(octets);
        if live > self.room() || was.is_none() && self.index.len() >= self.index.capacity() {
            return Err(StoreError::Full);
        }
        let address = self.append(Entry::new(Kind::Put, *key, length, value), value)?;
        self.note(*key, octets, address);
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        if self.index.contains(*key) {
            self.append(Entry::new(Kind::Remove, *key, 0, &[]), &[])?;
            self.forget(*key);
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        if self.head.as_ref().is_some_and(|head| !head.is_marked()) {
            let nobody = RecordKey::new([0; RecordKey::OCTETS]);
            self.append(Entry::new(Kind::Mark, nobody, 0, &[]), &[])?;
            self.marked();
        }
        self.leave_damage();
        Ok(())
    }
}

impl<F> fmt::Debug for FlashStore<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlashStore")
            .field("head", &self.head)
            .field("records", &self.index.len())
            .field("live", &self.live)
            .field("lost", &self.lost)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
