//! The schedule of an agent: entries in the order in which they are played, and the
//! configuration that follows from them.
//!
//! The configuration is a function of the entries and the time alone. For each key, which
//! is what a change is about, the last change that is due is in force: the last by
//! scheduled time, and of entries at the same instant by the sequence number of their
//! creation. In what order requests came does not matter, nor how often.
//!
//! | key | set by | cleared by |
//! |---|---|---|
//! | from and to of a route | `SetRoute` | `DeleteRoute` |
//! | ID of a modem | `SetModemConfiguration` | `DeleteModemConfiguration` |
//! | name of a segment-routing policy | `SetSrPolicy` | `DeleteSrPolicy` |
//! | ID of a beam | `UpdateBeam` | `DeleteBeam` |
//! | name of a path of a policy | `UpdateP2pSrTePolicyPath` | `DeleteP2pSrTePolicyPath` |
//! | name of an IP route | `UpdateIpRoute` | `DeleteIpRoute` |
//!
//! The last three are of the later interface. There an update is taken as the whole of
//! what it updates; which fields it means is for the device to read.
//!
//! History that is finalized needs no more than the last change for each key. It stays
//! where it is in the table, as the entries before all others, and is played like them:
//! so finalizing changes nothing, and what it frees is only what cannot be seen.

mod arena;
mod change;
mod replay;
mod row;
#[cfg(test)]
mod tests;

pub use change::{ChangeKey, KeyKind};
pub(crate) use replay::Step;
pub(crate) use row::{Operation, Phase, flag};
pub use row::{RowKey, ScheduleRow};

use core::cmp::Ordering;
use core::fmt;
use core::time::Duration;

use crate::southbound::protobuf::Message;
use crate::storage::{Row, Slot, Table};
use crate::time::Utc;
pub(crate) use arena::{Arena, Holder};

/// An instant to which something is scheduled: nanoseconds, of the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Moment {
    seconds: i64,
    nanos: u32,
}

/// As derived, and in one place: moments are compared everywhere.
impl Ord for Moment {
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn cmp(&self, other: &Self) -> Ordering {
        self.seconds.cmp(&other.seconds).then(self.nanos.cmp(&other.nanos))
    }
}

impl PartialOrd for Moment {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Moment {
    /// Before any other: nothing is scheduled to it.
    pub const EARLIEST: Self = Self { seconds: i64::MIN, nanos: 0 };

    /// So many seconds after 1970-01-01T00:00:00Z, leap seconds not counted, and so many
    /// nanoseconds. None for nanoseconds of a second and more, and for instants outside the
    /// years 1 to 9999.
    #[must_use]
    pub const fn new(seconds: i64, nanos: u32) -> Option<Self> {
        if nanos > 999_999_999 || seconds < -62_135_596_800 || seconds > 253_402_300_799 {
            return None;
        }
        Some(Self { seconds, nanos })
    }

    /// The instant a clock shows.
    #[must_use]
    pub const fn of(utc: Utc) -> Self {
        let seconds = utc.unix_seconds();
        let micros = utc.unix_micros().wrapping_sub(seconds.wrapping_mul(1_000_000));
        let [a, b, c, d, ..] = micros.to_le_bytes();
        Self { seconds, nanos: u32::from_le_bytes([a, b, c, d]).saturating_mul(1_000) }
    }

    /// The first instant of a clock that is not before this one.
    #[must_use]
    pub const fn utc(self) -> Utc {
        let [a, b, c, d] = self.nanos.div_ceil(1_000).to_le_bytes();
        let micros = i64::from_le_bytes([a, b, c, d, 0, 0, 0, 0]);
        Utc::from_unix_micros(self.seconds.saturating_mul(1_000_000).saturating_add(micros))
    }

    /// The time from `earlier` to here; zero when `earlier` is not earlier.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let seconds = self.seconds.saturating_sub(earlier.seconds);
        let (nanos, borrowed) = match self.nanos.checked_sub(earlier.nanos) {
            Some(nanos) => (nanos, 0),
            None => (self.nanos.saturating_add(1_000_000_000).saturating_sub(earlier.nanos), 1),
        };
        match u64::try_from(seconds.saturating_sub(borrowed)) {
            Ok(seconds) if nanos < 1_000_000_000 => Duration::new(seconds, nanos),
            _ => Duration::ZERO,
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds of the second.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// As it was kept, whatever it is.
    pub(crate) const fn raw(seconds: i64, nanos: u32) -> Self {
        Self { seconds, nanos }
    }
}

/// An entry of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Entry<'a> {
    /// Its ID.
    pub id: &'a str,
    /// When its change is to be made.
    pub time: Moment,
    /// The sequence number of the request that created it.
    pub seqno: u64,
    /// What its change is about; none when it is of a kind that is not known.
    pub key: Option<ChangeKey<'a>>,
    /// Whether its change is in force now.
    pub in_force: bool,
    /// Whether it is history that is kept only because it is in force.
    pub is_final: bool,
    /// The change, as the fields of a `CreateEntryRequest` that say it.
    pub change: &'a [u8],
}

/// A request as it is executed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) seqno: u64,
    pub(crate) request_id: i64,
    pub(crate) operation: Operation,
    /// When to make the change, or up to when the schedule is final.
    pub(crate) time: Moment,
    pub(crate) id: &'a str,
    /// The request that holds the change.
    pub(crate) body: Option<Message<'a>>,
}

impl Request<'_> {
    /// Octets of ID and change.
    fn length(&self) -> usize {
        self.id.len().saturating_add(change::copy(self.body.as_ref(), &mut []))
    }
}

/// There is no room for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRoom;

/// What became of a request to create an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Created {
    New,
    /// It is there, just so.
    Repeated,
    /// Another is there under its ID.
    Conflict,
    /// It would change what is final.
    Final,
}

/// Entries, requests that wait for their turn, and their octets.
pub(crate) struct Schedule<'s> {
    pub(crate) rows: Table<'s, ScheduleRow>,
    arena: Arena<'s>,
    /// Nothing before it changes any more.
    pub(crate) finalized: Moment,
    /// What is scheduled up to here is due.
    pub(crate) now: Moment,
    /// Up to here history is folded: the time that is due never goes before it.
    pub(crate) floor: Moment,
    next_serial: u32,
    /// Whether anything has changed that is to be kept.
    pub(crate) changed: bool,
    /// Whether the device may have to be told something.
    pub(crate) unsettled: bool,
}

impl<'s> Schedule<'s> {
    pub(crate) fn new(rows: &'s mut [Slot<ScheduleRow>], octets: &'s mut [u8]) -> Self {
        Self {
            rows: Table::new(rows),
            arena: Arena::new(octets),
            finalized: Moment::EARLIEST,
            now: Moment::EARLIEST,
            floor: Moment::EARLIEST,
            next_serial: 0,
            changed: false,
            unsettled: false,
        }
    }

    /// Octets a request takes.
    pub(crate) fn cost(request: &Request<'_>) -> usize {
        Arena::cost(request.length())
    }

    /// Whether there is room for a part that costs so much, and for so many rows.
    pub(crate) const fn has_room(&self, cost: usize, rows: usize) -> bool {
        let free = self.rows.capacity().saturating_sub(self.rows.len());
        self.arena.room() >= cost && free >= rows
    }

    fn octets(&self, row: &ScheduleRow) -> (&[u8], &[u8]) {
        let octets = self.arena.get(Some(row.at).filter(|at| *at != ScheduleRow::NOWHERE));
        octets.split_at_checked(row.id_length.into()).unwrap_or((octets, &[]))
    }

    /// The ID of a row.
    pub(crate) fn id(&self, row: &ScheduleRow) -> &str {
        core::str::from_utf8(self.octets(row).0).unwrap_or_default()
    }

    /// The change of a row, as fields of a request.
    pub(crate) fn change(&self, row: &ScheduleRow) -> &[u8] {
        self.octets(row).1
    }

    /// ID and change, one behind the other.
    pub(crate) fn part(&self, row: &ScheduleRow) -> &[u8] {
        self.arena.get(Some(row.at).filter(|at| *at != ScheduleRow::NOWHERE))
    }

    /// All entries in the order in which they are played.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let scheduled = self.rows.iter().take_while(|row| row.phase == Phase::Scheduled);
        scheduled.map(|row| self.entry(row))
    }

    /// The entries in force that set something.
    pub(crate) fn configuration(&self) -> impl Iterator<Item = Entry<'_>> {
        self.rows
            .iter()
            .filter(|row| row.phase == Phase::Scheduled && row.is(flag::IN_FORCE | flag::SET))
            .map(|row| self.entry(row))
    }

    fn entry(&self, row: &ScheduleRow) -> Entry<'_> {
        let change = self.change(row);
        Entry {
            id: self.id(row),
            time: row.time,
            seqno: row.seqno,
            key: change::describe(change).map(|(key, _)| key),
            in_force: row.is(flag::IN_FORCE),
            is_final: row.is(flag::FINAL),
            change,
        }
    }

    /// The requests that wait, in the order of their sequence numbers.
    pub(crate) fn waiting(&self) -> impl DoubleEndedIterator<Item = &ScheduleRow> {
        let first = RowKey::waiting(0);
        let rows = self.rows.rows().get(self.rows.position(first)..).unwrap_or_default();
        let end =
            rows.partition_point(|slot| slot.row().is_some_and(|row| row.phase == Phase::Waiting));
        rows.get(..end).unwrap_or_default().iter().filter_map(Slot::row)
    }

    /// The request that waits under a sequence number.
    pub(crate) fn waits(&self, seqno: u64) -> Option<&ScheduleRow> {
        self.rows.get(RowKey::waiting(seqno))
    }

    pub(crate) fn waits_mut(&mut self, seqno: u64) -> Option<&mut ScheduleRow> {
        self.rows.get_mut(RowKey::waiting(seqno))
    }

    /// What an ID is told by from most others.
    pub(crate) fn id_hash(id: &str) -> u32 {
        hash(&[id.as_bytes()])
    }

    /// Where the entry with this ID is that may still be changed.
    fn find(&self, id: &str) -> Option<&ScheduleRow> {
        let hash = hash(&[id.as_bytes()]);
        self.rows
            .iter()
            .take_while(|row| row.phase == Phase::Scheduled)
            .find(|row| row.id_hash == hash && row.time >= self.finalized && self.id(row) == id)
    }

    /// Whether a row says just what a request says.
    pub(crate) fn says(&self, row: &ScheduleRow, request: &Request<'_>) -> bool {
        row.operation == request.operation
            && row.time == request.time
            && self.id(row) == request.id
            && change::is(request.body.as_ref(), self.change(row))
    }

    /// Adds a row for a request.
    pub(crate) fn add(&mut self, request: &Request<'_>, phase: Phase) -> Result<(), NoRoom> {
        let id = request.id.as_bytes();
        let id_length = u16::try_from(id.len()).map_err(|_| NoRoom)?;
        let mut at = ScheduleRow::NOWHERE;
        let length = request.length();
        if length > 0 {
            at = self.take(length)?;
            let part = self.arena.get_mut(at);
            part.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
            let change = part.get_mut(id.len()..).unwrap_or_default();
            change::copy(request.body.as_ref(), change);
        }
        let mut row = ScheduleRow::new(request.operation, request.time, request.seqno, id_length);
        (row.request_id, row.phase, row.at) = (request.request_id, phase, at);
        (row.serial, row.flags) = (self.next_serial, flag::UNKEPT);
        self.next_serial = self.next_serial.saturating_add(1);
        self.insert(row)
    }

    /// Takes a part of the octets, if a row is free too.
    fn take(&mut self, length: usize) -> Result<u32, NoRoom> {
        if self.rows.len() >= self.rows.capacity() || self.next_serial == u32::MAX {
            return Err(NoRoom);
        }
        self.arena.take(length, &mut self.rows).ok_or(NoRoom)
    }

    /// Adds a row whose part is filled.
    fn insert(&mut self, mut row: ScheduleRow) -> Result<(), NoRoom> {
        self.changed = true;
        let (id, change) = self.octets(&row);
        row.id_hash = hash(&[id]);
        if let Some((key, is_set)) = change::describe(change) {
            row.key_hash = key.hash();
            row.set(flag::KEYED, true);
            row.set(flag::SET, is_set);
        }
        let at = row.at;
        if self.rows.insert(row).is_err() {
            self.give_back(at);
            return Err(NoRoom);
        }
        Ok(())
    }

    fn give_back(&mut self, at: u32) {
        if at != ScheduleRow::NOWHERE {
            self.arena.give_back(at);
        }
    }

    /// Takes a row out, and frees its octets.
    pub(crate) fn drop_row(&mut self, key: RowKey) {
        if let Some(row) = self.rows.remove(key) {
            self.give_back(row.at);
        }
    }

    /// Moves a row to another phase.
    pub(crate) fn turn(&mut self, key: RowKey, phase: Phase) {
        if let Some(mut row) = self.rows.remove(key) {
            row.phase = phase;
            // There is room: one was taken out.
            let _ = self.rows.insert(row);
        }
    }

    /// Forgets everything but what the device has, which stays until it is replaced.
    pub(crate) fn renew(&mut self) {
        for place in (0..self.rows.len()).rev() {
            let Some(row) = self.rows.at_mut(place) else { continue };
            let key = row.key();
            row.presume_applied();
            let keep = if row.is(flag::APPLIED | flag::SET) { flag::ORPHAN } else { flag::LATE };
            row.flags &= flag::LASTING;
            row.set(flag::APPLIED, keep == flag::ORPHAN);
            row.set(keep | flag::UNKEPT, true);
            let gone = RowKey::gone(row.serial);
            self.turn(key, Phase::Gone);
            self.release(gone);
        }
        (self.finalized, self.floor) = (Moment::EARLIEST, Moment::EARLIEST);
        self.changed = true;
    }

    /// Forgets the requests that wait and were not answered.
    pub(crate) fn drop_unanswered(&mut self) {
        for place in (0..self.rows.len()).rev() {
            let Some(row) = self.rows.at(place) else { continue };
            if row.phase == Phase::Waiting && !row.is(flag::ANSWERED) {
                self.drop_row(row.key());
            }
        }
    }

    /// All that is to be kept is.
    pub(crate) fn all_kept(&mut self) {
        for place in (0..self.rows.len()).rev() {
            let Some(row) = self.rows.at_mut(place) else { continue };
            if row.is_spent() {
                let key = row.key();
                self.drop_row(key);
            } else if row.is(flag::STORED) {
                row.set(flag::UNKEPT, false);
                row.set(flag::WHOLE, true);
            }
        }
    }

    /// Begins to read a row from the store, which has so many octets.
    pub(crate) fn begin_row(&mut self, row: &ScheduleRow, length: u32) -> bool {
        let mut row = *row;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > 0 {
            let Ok(at) = self.take(length) else { return false };
            row.at = at;
        }
        // Until all of it is there, its phase is where its hash will be, and how much there
        // is of it where its answer will be known by.
        row.id_hash = match row.phase {
            Phase::Scheduled => 0,
            Phase::Waiting => 1,
            Phase::Gone => 2,
        };
        row.phase = Phase::Gone;
        row.set(flag::LOADING, true);
        let at = row.at;
        let inserted = self.rows.insert(row).is_ok();
        if !inserted {
            self.give_back(at);
        }
        inserted
    }

    /// Some octets of a row that is read from the store.
    pub(crate) fn fill_row(&mut self, serial: u32, from: usize, octets: &[u8]) {
        let Some(row) = self.rows.get_mut(RowKey::gone(serial)) else {
            return;
        };
        let filled = i64::try_from(octets.len()).unwrap_or(i64::MAX);
        row.request_id = row.request_id.saturating_add(filled);
        if row.at != ScheduleRow::NOWHERE {
            let room = self.arena.get_mut(row.at).get_mut(from..).unwrap_or_default();
            room.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
        }
    }

    /// All there was in the store is read. Returns how many rows are not whole although
    /// they have to be.
    pub(crate) fn finish_rows(&mut self, is_executed: &dyn Fn(u64) -> bool) -> u32 {
        let mut doubtful = 0_u32;
        loop {
            let next = self.rows.iter().find(|row| row.is(flag::LOADING)).copied();
            let Some(mut row) = next else { return doubtful };
            let whole = i64::try_from(self.part(&row).len()) == Ok(row.request_id);
            let _ = self.rows.remove(row.key());
            let phase = match row.id_hash {
                0 if is_executed(row.seqno) => Phase::Scheduled,
                0 | 1 => Phase::Waiting,
                _ => Phase::Gone,
            };
            (row.phase, row.request_id) = (phase, 0);
            let is_text = core::str::from_utf8(self.octets(&row).0).is_ok();
            if !whole || !is_text || self.rows.contains(row.key()) {
                if phase != Phase::Waiting {
                    doubtful = doubtful.saturating_add(1);
                }
                self.give_back(row.at);
                continue;
            }
            row.flags &= flag::ORPHAN;
            row.set(flag::STORED | flag::WHOLE, true);
            row.set(flag::RESTORED, phase != Phase::Waiting);
            row.set(flag::APPLIED, phase == Phase::Gone);
            row.set(flag::ANSWERED, phase == Phase::Waiting);
            // There is room: it was taken out.
            let _ = self.insert(row);
        }
    }

    /// The serial number of the next row is this or above.
    pub(crate) fn number_from(&mut self, serial: u32) {
        self.next_serial = self.next_serial.max(serial);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.arena.clear();
        (self.finalized, self.floor) = (Moment::EARLIEST, Moment::EARLIEST);
        self.now = Moment::EARLIEST;
    }
}

/// FNV-1a: what differs in it differs.
fn hash(parts: &[&[u8]]) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    for part in parts {
        // No octet of UTF-8 ends a part.
        for octet in part.iter().chain(&[0xff]) {
            hash = (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193);
        }
    }
    hash
}

impl fmt::Debug for Schedule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries()).finish()
    }
}
