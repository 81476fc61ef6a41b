//! The copy of the inventory an Actor draws, a part at a time.
//!
//! The Actor names where it is, the SSM answers with what is there and where to go
//! on. The SSM keeps nothing in between, a lost message is asked for again, and
//! no part depends on another.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::ScheduleEntry;
use crate::scos::coding::coded;
use crate::scos::decoding::take;
use crate::scos::encoding::encode;
use crate::scos::metadata::{SectionKey, Sections};
use crate::scos::{ActorId, RequestId};

/// A place in the inventory: a device, and where in what there is of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Cursor {
    /// The number of the device in the inventory.
    pub device: u16,
    /// Where to go on.
    pub place: Place,
}

/// A place in what there is of a device: first its metadata, then its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Place {
    /// The first section wanted, and all recipes.
    Section(SectionKey),
    /// The first recipe wanted, by Actor and request.
    Recipe(ActorId, RequestId),
}

impl Cursor {
    /// The start of the inventory.
    pub const START: Self = Self::of(0);

    /// The start of a device.
    #[must_use]
    pub const fn of(device: u16) -> Self {
        Self { device, place: Place::Section(SectionKey::FIRST) }
    }
}

impl Default for Cursor {
    fn default() -> Self {
        Self::START
    }
}

/// Actor to SSM: a request for the part of the inventory at or after a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryRequest {
    /// The Actor.
    pub actor: ActorId,
    /// The number of this copy.
    pub copy: u32,
    /// The place; the default is the start.
    pub at: Cursor,
}

/// SSM to Actor: a part of the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryItem<'a> {
    /// The Actor.
    pub actor: ActorId,
    /// The number of this copy, echoed.
    pub copy: u32,
    /// The place asked for, echoed.
    pub at: Cursor,
    /// The device there; `None` when no device is left.
    #[serde(borrow)]
    pub device: Option<InventoryDevice<'a>>,
    /// Where to go on; `None` when this is the last part.
    pub next: Option<Cursor>,
}

/// A device of the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryDevice<'a> {
    /// The device ID, 1 to 32 octets.
    pub device: &'a str,
    /// How long until the SSM takes it for gone, in seconds, rounded down.
    pub remaining_ttl_s: u32,
    /// A part of its metadata, in the order of their keys.
    #[serde(borrow)]
    pub metadata: Sections<'a>,
    /// A part of its schedule, in the order of Actors and requests.
    #[serde(borrow)]
    pub schedule: Entries<'a>,
}

/// Some recipes, in the octets they came in.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entries<'a>(&'a [u8]);

impl Entries<'_> {
    /// The recipes. It ends early at octets that are none, which a parsed message
    /// does not have.
    pub fn iter(&self) -> impl Iterator<Item = ScheduleEntry> + '_ {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let (entry, after) = take(rest)?;
            rest = after;
            Some(entry)
        })
    }

    /// Whether the octets are recipes and nothing else, and no more than there is
    /// room for in a message.
    pub(crate) fn is_sound(&self) -> bool {
        if self.0.len() > EntriesBuffer::OCTETS {
            return false;
        }
        let mut rest = self.0;
        while !rest.is_empty() {
            match take::<ScheduleEntry>(rest) {
                Some((entry, after)) if entry.series.is_sound() => rest = after,
                _ => return false,
            }
        }
        true
    }
}

impl fmt::Debug for Entries<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Room for some recipes in a message.
#[derive(Debug)]
pub struct EntriesBuffer {
    octets: [u8; Self::OCTETS],
    length: usize,
}

impl EntriesBuffer {
    /// Octets of room, enough for four recipes of any values.
    pub const OCTETS: usize = 448;

    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { octets: [0; Self::OCTETS], length: 0 }
    }

    /// Appends a recipe. Returns whether it fitted.
    pub fn push(&mut self, entry: &ScheduleEntry) -> bool {
        let Some(room) = self.octets.get_mut(self.length..) else { return false };
        let Ok(written) = encode(entry, room) else { return false };
        self.length = self.length.saturating_add(written.len());
        true
    }

    /// The recipes so far.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        Entries(self.octets.get(..self.length).unwrap_or_default())
    }
}

impl Default for EntriesBuffer {
    fn default() -> Self {
        Self::new()
    }
}

coded! {
    struct Cursor: device, place;
    enum Place: 0 Section(key), 1 Recipe(actor, request); else Self::Section(SectionKey::FIRST);
    struct InventoryRequest: actor, copy, at;
    struct InventoryItem<'a>: actor, copy, at, device, next;
    struct InventoryDevice<'a>: device, remaining_ttl_s, metadata, schedule;
    struct Entries<'a>: 0;
}
