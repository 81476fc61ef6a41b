//! What of an agent survives a loss of power.
//!
//! | record | one for each | written before |
//! |---|---|---|
//! | schedule | agent: token, sequence numbers, up to when it is final | anything is answered, `Reset` is called, hello is said |
//! | entry | entry, request that was answered before its turn, and change that the device is still to clear; in parts of 1,164 octets | what it came with is answered |
//!
//! Entries are put and removed before the record of the schedule, and what waited is
//! removed after it. So after a loss of power entries may be there whose request was not
//! answered, which then wait for it to come again, and nothing that was answered is
//! missing. Entries bear the number of their schedule: those of one before are of no
//! account.

use core::fmt;

use heapless::Vec;

use super::Agent;
use super::pace::Attempts;
use super::token::Token;
use crate::machine::count;
use crate::southbound::schedule::{Moment, Operation, Phase, Schedule, ScheduleRow, flag};
use crate::store::{CRC, RECORD_MAX, RecordKey, Store, StoreError};
use crate::time::{Instant, Now};
use crate::wire::{NoSpace, Reader, Writer};

/// The version of the records here.
const VERSION: u8 = 1;

const SCHEDULE: u8 = 0x40;
const ENTRY: u8 = 0x41;

const SCHEDULE_KEY: RecordKey = RecordKey::of(SCHEDULE, 0, 0, 0);

/// Octets of an entry that are in one record.
const PART: usize = 1_164;

/// How many records of no account are removed at a time.
const SWEEP: usize = 16;

/// What an agent found in its store when it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Restored {
    /// Entries it goes on with.
    pub entries: u32,
    /// Records and entries that are damaged, incomplete, or of another version or machine.
    /// With any of these the schedule is reset.
    pub doubtful: u32,
    /// Entries for which there is no room. The same.
    pub no_room: u32,
    /// Whether the schedule goes on under its token.
    pub resumed: bool,
}

/// The store of an agent, if it has one.
pub(super) struct Journal<'s> {
    store: Option<&'s mut (dyn Store + Send)>,
    /// The schedule is to be reset: the controller is to know a new token.
    pub(super) renewing: bool,
    /// The number of the schedule.
    generation: u32,
    owed: bool,
    retry: Attempts,
    failures: u64,
    restored: Restored,
}

impl Journal<'_> {
    /// Nothing is kept, and the schedule is to be reset as after any start.
    pub(super) const NONE: Self = Self {
        store: None,
        renewing: true,
        generation: 0,
        owed: false,
        retry: Attempts::NEW,
        failures: 0,
        restored: Restored { entries: 0, doubtful: 0, no_room: 0, resumed: false },
    };

    /// Something is to be kept.
    pub(super) const fn changed(&mut self) {
        self.owed = true;
    }

    /// Whether all is kept that is to be.
    pub(super) const fn is_clean(&self) -> bool {
        self.store.is_none() || !self.owed
    }

    pub(super) fn due(&self) -> Option<Instant> {
        (!self.is_clean()).then_some(self.retry.due)
    }

    /// A schedule begins: entries of the one before are of no account any more.
    pub(super) const fn begin(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        (self.renewing, self.owed) = (false, true);
    }
}

/// What the record of a schedule says.
#[derive(Clone, Copy, Debug)]
struct ScheduleRecord {
    renewing: bool,
    generation: u32,
    token: Token,
    next: u64,
    done: u64,
    finalized: Moment,
    floor: Moment,
}

/// What is before the octets of an entry.
#[derive(Clone, Copy, Debug)]
struct EntryRecord {
    generation: u32,
    phase: Phase,
    operation: Operation,
    orphan: bool,
    time: Moment,
    seqno: u64,
    /// Octets of ID and change, in all parts.
    length: u32,
    id_length: u16,
}

fn u64_of(reader: &mut Reader<'_>) -> Option<u64> {
    reader.array().ok().map(|octets| u64::from_be_bytes(*octets))
}

fn moment_of(reader: &mut Reader<'_>) -> Option<Moment> {
    let seconds = u64_of(reader)?.cast_signed();
    Some(Moment::raw(seconds, reader.u32().ok()?))
}

fn put_moment(to: &mut Writer<'_>, moment: Moment) -> Result<(), NoSpace> {
    to.array(&moment.seconds().to_be_bytes())?;
    to.u32(moment.nanos())
}

impl ScheduleRecord {
    fn write(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u8(self.renewing.into())?;
        to.u32(self.generation)?;
        to.array(&self.token.0)?;
        to.array(&self.next.to_be_bytes())?;
        to.array(&self.done.to_be_bytes())?;
        put_moment(to, self.finalized)?;
        put_moment(to, self.floor)
    }

    fn read(body: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        Some(Self {
            renewing: reader.u8().ok()? != 0,
            generation: reader.u32().ok()?,
            token: Token(*reader.array().ok()?),
            next: u64_of(&mut reader)?,
            done: u64_of(&mut reader)?,
            finalized: moment_of(&mut reader)?,
            floor: moment_of(&mut reader)?,
        })
    }
}

impl EntryRecord {
    fn write(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let phase = match self.phase {
            Phase::Scheduled => 0,
            Phase::Waiting => 1,
            Phase::Gone => 2,
        };
        to.u8(phase | self.operation.number() << 2 | u8::from(self.orphan) << 4)?;
        to.u32(self.generation)?;
        put_moment(to, self.time)?;
        to.array(&self.seqno.to_be_bytes())?;
        to.u32(self.length)?;
        to.u16(self.id_length)
    }

    /// Reads what is before the octets, and gives them too.
    fn read(body: &[u8]) -> Option<(Self, &[u8])> {
        let mut reader = Reader::new(body);
        let form = reader.u8().ok()?;
        let record = Self {
            phase: match form & 3 {
                0 => Phase::Scheduled,
                1 => Phase::Waiting,
                2 => Phase::Gone,
                _ => return None,
            },
            operation: Operation::of(form >> 2 & 3)?,
            orphan: form & 1 << 4 != 0,
            generation: reader.u32().ok()?,
            time: moment_of(&mut reader)?,
            seqno: u64_of(&mut reader)?,
            length: reader.u32().ok()?,
            id_length: reader.u16().ok()?,
        };
        Some((record, reader.rest()))
    }
}

fn checksum(key: &RecordKey, body: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(key.octets());
    digest.update(body);
    digest.finalize()
}

/// What is in a record, where it is whole and of this version.
fn open<'a>(key: &RecordKey, octets: &'a [u8]) -> Option<&'a [u8]> {
    let (body, &sum) = octets.split_last_chunk::<4>()?;
    let (&version, inner) = body.split_first()?;
    let whole = checksum(key, body) == u32::from_be_bytes(sum);
    (whole && version == VERSION).then_some(inner)
}

/// Puts a record that `write` writes.
fn put(
    store: &mut dyn Store,
    key: &RecordKey,
    write: &mut dyn FnMut(&mut Writer<'_>) -> Result<(), NoSpace>,
) -> bool {
    let mut buffer = [0; RECORD_MAX];
    let mut writer = Writer::new(&mut buffer);
    let written = writer.u8(VERSION).and_then(|()| write(&mut writer));
    let sum = checksum(key, writer.written());
    written.is_ok() && writer.u32(sum).is_ok() && store.put(key, writer.finish()).is_ok()
}

fn part_key(row: &ScheduleRow, part: usize) -> RecordKey {
    RecordKey::of(ENTRY, row.serial, 0, u16::try_from(part).unwrap_or(u16::MAX))
}

/// How many records a row has.
fn parts(schedule: &Schedule<'_>, row: &ScheduleRow) -> usize {
    schedule.part(row).len().div_ceil(PART).max(1)
}

impl<'s> Agent<'s> {
    /// Goes on where an agent with this store ended, and keeps in it from now on what is
    /// to survive. To be called before anything else.
    ///
    /// Where all that was kept is whole, and the schedule was not to be reset, it goes on
    /// under its token, and the stream is opened without a reset. Anything else is no
    /// schedule: it is reset, as by an agent without a store.
    ///
    /// The device is told all that is in force, and all that was cleared of what is not
    /// history, for it is not known what it still has.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read at all.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn with_store(mut self, store: &'s mut (dyn Store + Send)) -> Result<Self, StoreError> {
        let mut restored = Restored::default();
        let mut found = None;
        let (mut serial, mut generation) = (0, 0);
        let loaded = store.load(&mut |key, octets| {
            let body = open(key, octets);
            match (key.kind(), body) {
                (SCHEDULE, Some(body)) => found = ScheduleRecord::read(body),
                (ENTRY, Some(body)) if EntryRecord::read(body).is_some() => {
                    serial = serial_of(key).max(serial);
                    let of = EntryRecord::read(body).map_or(0, |(record, _)| record.generation);
                    generation = of.max(generation);
                }
                _ => count32(&mut restored.doubtful),
            }
        })?;
        restored.doubtful = restored.doubtful.saturating_add(loaded.damaged);
        if let Some(state) = found {
            self.load(&state, store, &mut restored)?;
            generation = state.generation.max(generation);
            restored.resumed = restored.doubtful == 0 && restored.no_room == 0;
        }
        self.schedule.number_from(serial.saturating_add(1));
        if let (Some(state), true) = (found, restored.resumed) {
            self.journal.renewing = state.renewing;
            restored.resumed = !state.renewing;
            self.journal.generation = state.generation;
            self.token = Some(state.token);
            (self.next, self.done) = (state.next, state.done);
            self.schedule.finalized = state.finalized;
            self.schedule.floor = state.floor;
            self.schedule.restart();
            for _ in self.schedule.rows.iter() {
                count32(&mut restored.entries);
            }
        } else {
            self.schedule.clear();
            self.journal.generation = generation.wrapping_add(2);
            restored.entries = 0;
        }
        self.sweep(store);
        self.journal.store = Some(store);
        self.journal.restored = restored;
        self.journal.owed = true;
        Ok(self)
    }

    /// Reads all entries.
    fn load(
        &mut self,
        state: &ScheduleRecord,
        store: &mut dyn Store,
        restored: &mut Restored,
    ) -> Result<(), StoreError> {
        let schedule = &mut self.schedule;
        for pass in 0..2 {
            store.load(&mut |key, octets| {
                let Some(body) = open(key, octets).filter(|_| key.kind() == ENTRY) else { return };
                let Some((record, octets)) = EntryRecord::read(body) else { return };
                let (serial, part) = (serial_of(key), part_of(key));
                if pass == 0 && part == 0 {
                    let next = state.generation.wrapping_add(1);
                    let is_of_next = state.renewing && record.generation == next;
                    if record.generation != state.generation && !is_of_next {
                        return;
                    }
                    // What waited and was executed is spent.
                    if record.phase == Phase::Waiting && is_executed(state, record.seqno) {
                        return;
                    }
                    if !schedule.begin_row(&record.row(serial), record.length) {
                        return count32(&mut restored.no_room);
                    }
                }
                if (pass == 0) == (part == 0) {
                    schedule.fill_row(serial, usize::from(part).saturating_mul(PART), octets);
                }
            })?;
        }
        // One that is not whole was never promised: where its request has its turn yet, it
        // comes again.
        let is_executed = |seqno| is_executed(state, seqno);
        let doubtful = schedule.finish_rows(&is_executed);
        restored.doubtful = restored.doubtful.saturating_add(doubtful);
        Ok(())
    }

    /// Removes records of no account.
    fn sweep(&self, store: &mut dyn Store) {
        loop {
            let mut stale = Vec::<RecordKey, SWEEP>::new();
            let loaded = store.load(&mut |key, _| {
                let serial = serial_of(key);
                if key.kind() == ENTRY && !self.schedule.rows.iter().any(|row| row.serial == serial)
                {
                    let _ = stale.push(*key);
                }
            });
            let done = stale.iter().all(|key| store.remove(key).is_ok());
            // What cannot be removed now is found again at the next start.
            if loaded.is_err() || !done || stale.len() < SWEEP {
                return;
            }
        }
    }

    /// What was found in the store.
    #[must_use]
    pub const fn restored(&self) -> &Restored {
        &self.journal.restored
    }

    /// Whether all that is to survive does. What the device was told while the store fails
    /// may be forgotten with power, and not be cleared then.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        self.journal.is_clean() && !self.schedule.changed
    }

    /// How often the store failed.
    #[must_use]
    pub const fn store_failures(&self) -> u64 {
        self.journal.failures
    }

    /// Makes durable all that has changed. What was to be promised and is not is
    /// withdrawn.
    pub(super) fn keep(&mut self, now: Now) {
        self.journal.owed |= core::mem::take(&mut self.schedule.changed);
        if self.journal.is_clean() {
            return;
        }
        if self.journal.retry.is_due(now.monotonic) {
            if self.put_all() {
                self.journal.owed = false;
                self.journal.retry = Attempts::NEW;
            } else {
                count(&mut self.journal.failures);
                self.journal.retry.fail(now.monotonic, &self.config.pace, self.config.random);
            }
        }
        if !self.journal.is_clean() {
            self.answers.withdraw();
        }
    }

    fn put_all(&mut self) -> bool {
        let Some(store) = self.journal.store.as_deref_mut() else { return true };
        let store: &mut dyn Store = store;
        let generation = self.journal.generation;
        let schedule = &mut self.schedule;
        for place in 0..schedule.rows.len() {
            let Some(&row) = schedule.rows.at(place).filter(|row| row.is(flag::UNKEPT)) else {
                continue;
            };
            let done = if row.is_spent() {
                row.is(flag::LATE) || remove(store, schedule, &row)
            } else if row.phase == Phase::Waiting && !row.is(flag::ANSWERED) {
                true
            } else {
                if let Some(row) = schedule.rows.at_mut(place) {
                    row.set(flag::STORED, true);
                }
                put_row(store, generation, schedule, &row)
            };
            if !done {
                return false;
            }
        }
        let record = ScheduleRecord {
            renewing: self.journal.renewing,
            generation,
            token: self.token.unwrap_or(Token([0; 16])),
            next: self.next,
            done: self.done,
            finalized: schedule.finalized,
            floor: schedule.floor,
        };
        if !put(store, &SCHEDULE_KEY, &mut |writer| record.write(writer)) {
            return false;
        }
        let is_late = |row: &&ScheduleRow| row.is_spent() && row.is(flag::LATE);
        let kept = schedule.rows.iter().filter(is_late).all(|row| remove(store, schedule, row))
            && store.sync().is_ok();
        if kept {
            schedule.all_kept();
        }
        kept
    }
}

/// Whether all records of a row were removed, those it has.
fn remove(store: &mut dyn Store, schedule: &Schedule<'_>, row: &ScheduleRow) -> bool {
    // The first goes first: the others are nothing without it.
    !row.is(flag::STORED)
        || (0..parts(schedule, row)).all(|part| store.remove(&part_key(row, part)).is_ok())
}

/// Puts the records of a row. What changes of one that is there is in its first part.
fn put_row(
    store: &mut dyn Store,
    generation: u32,
    schedule: &Schedule<'_>,
    row: &ScheduleRow,
) -> bool {
    let octets = schedule.part(row);
    let record = EntryRecord {
        generation,
        phase: row.phase,
        operation: row.operation,
        orphan: row.is(flag::ORPHAN),
        time: row.time,
        seqno: row.seqno,
        length: u32::try_from(octets.len()).unwrap_or(u32::MAX),
        id_length: row.id_length,
    };
    let count = if row.is(flag::WHOLE) { 1 } else { parts(schedule, row) };
    (0..count).rev().all(|part| {
        let start = part.saturating_mul(PART);
        let end = start.saturating_add(PART).min(octets.len());
        let octets = octets.get(start..end).unwrap_or_default();
        put(store, &part_key(row, part), &mut |writer| {
            record.write(writer)?;
            writer.octets(octets)
        })
    })
}

impl EntryRecord {
    fn row(&self, serial: u32) -> ScheduleRow {
        let mut row = ScheduleRow::new(self.operation, self.time, self.seqno, self.id_length);
        row.phase = self.phase;
        row.serial = serial;
        row.set(flag::ORPHAN, self.orphan);
        row
    }
}

fn is_executed(state: &ScheduleRecord, seqno: u64) -> bool {
    let ahead = seqno.checked_sub(state.next);
    ahead.is_none_or(|ahead| ahead < 64 && state.done >> ahead & 1 != 0)
}

fn count32(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

const fn serial_of(key: &RecordKey) -> u32 {
    let [_, a, b, c, d, ..] = *key.octets();
    u32::from_be_bytes([a, b, c, d])
}

const fn part_of(key: &RecordKey) -> u16 {
    let [.., a, b] = *key.octets();
    u16::from_be_bytes([a, b])
}

impl fmt::Debug for Journal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("exists", &self.store.is_some())
            .field("renewing", &self.renewing)
            .field("owed", &self.owed)
            .field("restored", &self.restored)
            .finish_non_exhaustive()
    }
}
