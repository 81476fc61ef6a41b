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
//! account. The record of the schedule says how many there are at least, so that one that
//! is lost is missed: before some are removed, it says fewer.
//!
//! A record is words of 64 bits and the octets of an entry behind them, big-endian, and the
//! CRC-32 of its key and all of it.
//!
//! | word | of a schedule | of an entry |
//! |---|---|---|
//! | 0 | version (8 bits), whether it is to be reset (8), least number of entries (16), number of the schedule (32) | version (8), phase, operation, and whether it is of the schedule before (8), octets of the ID (16), number of the schedule (32) |
//! | 1 | token | seconds of its time |
//! | 2 | token | nanoseconds (32), octets in all parts (32) |
//! | 3 | sequence number whose turn it is | its sequence number |
//! | 4 | those that are executed after it | |
//! | 5, 6 | seconds of the times up to which it is final, and folded | |
//! | 7 | their nanoseconds (32, 32) | |

use core::fmt;

use heapless::Vec;

use super::Agent;
use super::pace::Attempts;
use super::token::Token;
use crate::machine::count;
use crate::southbound::schedule::{Moment, Operation, Phase, Schedule, ScheduleRow, flag};
use crate::store::{CRC, RECORD_MAX, RecordKey, Store, StoreError};
use crate::time::{Instant, Now};
use crate::wire::Writer;

/// The version of the records here.
const VERSION: u8 = 2;

const SCHEDULE: u8 = 0x40;
const ENTRY: u8 = 0x41;

const SCHEDULE_KEY: RecordKey = RecordKey::of(SCHEDULE, 0, 0, 0);

/// Octets of an entry that are in one record.
const PART: usize = 1_164;

/// The words of a record, of an entry the first four.
type Words = [u64; 8];

const ENTRY_WORDS: usize = 4;

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
    /// The record of the schedule that is in the store.
    kept: ScheduleRecord,
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
        kept: ScheduleRecord::NONE,
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

    pub(super) const fn due(&self) -> Instant {
        if self.is_clean() { Instant::MAX } else { self.retry.due }
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
    /// Entries there are at least.
    entries: u16,
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

/// A word of two halves.
const fn word(high: u32, low: u32) -> u64 {
    let ([a, b, c, d], [e, f, g, h]) = (high.to_be_bytes(), low.to_be_bytes());
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The halves of a word.
const fn halves(word: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = word.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

/// The first word of a record.
const fn head(form: u8, number: u16, generation: u32) -> u64 {
    let [high, low] = number.to_be_bytes();
    word(u32::from_be_bytes([VERSION, form, high, low]), generation)
}

/// What is in the first word of a record, besides its version.
const fn head_of(head: u64) -> (u8, u16, u32) {
    let (above, generation) = halves(head);
    let [_, form, high, low] = above.to_be_bytes();
    (form, u16::from_be_bytes([high, low]), generation)
}

impl ScheduleRecord {
    /// Of an empty schedule without a token.
    const NONE: Self = Self {
        renewing: true,
        entries: 0,
        generation: 0,
        token: Token([0; 16]),
        next: 1,
        done: 0,
        finalized: Moment::EARLIEST,
        floor: Moment::EARLIEST,
    };

    fn words(&self) -> Words {
        let form = if self.renewing { 1 } else { 0 };
        let (token, rest) = self.token.words();
        [
            head(form, self.entries, self.generation),
            token,
            rest,
            self.next,
            self.done,
            self.finalized.seconds().cast_unsigned(),
            self.floor.seconds().cast_unsigned(),
            word(self.finalized.nanos(), self.floor.nanos()),
        ]
    }

    fn of(words: &Words) -> Self {
        let [head, token, rest, next, done, finalized, floor, nanos] = *words;
        let (form, entries, generation) = head_of(head);
        let nanos = halves(nanos);
        Self {
            renewing: form != 0,
            entries,
            generation,
            token: Token::of(token, rest),
            next,
            done,
            finalized: Moment::raw(finalized.cast_signed(), nanos.0),
            floor: Moment::raw(floor.cast_signed(), nanos.1),
        }
    }

    /// Whether a request was executed.
    fn is_executed(&self, seqno: u64) -> bool {
        let ahead = seqno.checked_sub(self.next);
        ahead.is_none_or(|ahead| ahead < 64 && self.done >> ahead & 1 != 0)
    }
}

impl EntryRecord {
    fn words(&self) -> [u64; ENTRY_WORDS] {
        let phase = match self.phase {
            Phase::Scheduled => 0,
            Phase::Waiting => 1,
            Phase::Gone => 2,
        };
        let form = phase | self.operation.number() << 2 | if self.orphan { 1 << 4 } else { 0 };
        [
            head(form, self.id_length, self.generation),
            self.time.seconds().cast_unsigned(),
            word(self.time.nanos(), self.length),
            self.seqno,
        ]
    }

    fn of(words: &Words) -> Option<Self> {
        let [head, seconds, nanos_length, seqno, ..] = *words;
        let (form, id_length, generation) = head_of(head);
        let (nanos, length) = halves(nanos_length);
        let phase = match form & 3 {
            0 => Phase::Scheduled,
            1 => Phase::Waiting,
            2 => Phase::Gone,
            _ => return None,
        };
        Some(Self {
            generation,
            phase,
            operation: Operation::of(form >> 2 & 3)?,
            orphan: form & 1 << 4 != 0,
            time: Moment::raw(seconds.cast_signed(), nanos),
            seqno,
            length,
            id_length,
        })
    }

    fn row(&self, serial: u32) -> ScheduleRow {
        let mut row = ScheduleRow::new(self.operation, self.time, self.seqno, self.id_length);
        row.phase = self.phase;
        row.serial = serial;
        row.set(flag::ORPHAN, self.orphan);
        row
    }
}

fn checksum(key: &RecordKey, body: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(key.octets());
    digest.update(body);
    digest.finalize()
}

/// What a record says.
enum Record<'a> {
    Schedule(ScheduleRecord),
    Entry(EntryRecord, &'a [u8]),
}

/// What is in a record, where it is whole and of this version.
fn open<'a>(key: &RecordKey, octets: &'a [u8]) -> Option<Record<'a>> {
    let (mut rest, &sum) = octets.split_last_chunk::<4>()?;
    if checksum(key, rest) != u32::from_be_bytes(sum) || rest.first() != Some(&VERSION) {
        return None;
    }
    let count = if key.kind() == ENTRY { ENTRY_WORDS } else { Words::default().len() };
    let mut words = Words::default();
    for word in words.iter_mut().take(count) {
        let (octets, behind) = rest.split_first_chunk()?;
        (*word, rest) = (u64::from_be_bytes(*octets), behind);
    }
    match key.kind() {
        SCHEDULE => Some(Record::Schedule(ScheduleRecord::of(&words))),
        ENTRY => Some(Record::Entry(EntryRecord::of(&words)?, rest)),
        _ => None,
    }
}

/// Puts a record.
fn put(store: &mut dyn Store, key: &RecordKey, words: &[u64], octets: &[u8]) -> bool {
    let mut buffer = [0; RECORD_MAX];
    let mut writer = Writer::new(&mut buffer);
    let mut fits = true;
    for word in words {
        fits &= writer.array(&word.to_be_bytes()).is_ok();
    }
    fits &= writer.octets(octets).is_ok();
    let sum = checksum(key, writer.written());
    fits && writer.u32(sum).is_ok() && store.put(key, writer.finish()).is_ok()
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
        // What there is, then the first parts of entries, then the others.
        for pass in 0..3 {
            let schedule = &mut self.schedule;
            let loaded = store.load(&mut |key, octets| match open(key, octets) {
                None if pass == 0 => count32(&mut restored.doubtful),
                None => {}
                Some(Record::Schedule(state)) => {
                    generation = state.generation.max(generation);
                    found = Some(state);
                }
                Some(Record::Entry(entry, _)) if pass == 0 => {
                    serial = serial_of(key).max(serial);
                    generation = entry.generation.max(generation);
                }
                Some(Record::Entry(entry, octets)) => {
                    let (serial, part) = (serial_of(key), part_of(key));
                    let Some(state) = found.filter(|_| (pass == 1) == (part == 0)) else { return };
                    if pass == 1 {
                        if !is_of(&state, &entry) {
                            return;
                        }
                        if !schedule.begin_row(&entry.row(serial), entry.length) {
                            return count32(&mut restored.no_room);
                        }
                    }
                    schedule.fill_row(serial, usize::from(part).saturating_mul(PART), octets);
                }
            })?;
            if pass == 0 {
                restored.doubtful = restored.doubtful.saturating_add(loaded.damaged);
            }
        }
        if let Some(state) = found {
            // One that is not whole was never promised: where its request has its turn yet,
            // it comes again.
            let doubtful = self.schedule.finish_rows(&|seqno| state.is_executed(seqno));
            let entries = u32::try_from(self.schedule.rows.len()).unwrap_or(u32::MAX);
            let missing = u32::from(state.entries).saturating_sub(entries);
            let doubtful = doubtful.max(missing);
            restored.doubtful = restored.doubtful.saturating_add(doubtful);
            if restored.doubtful == 0 && restored.no_room == 0 {
                restored.resumed = !state.renewing;
                restored.entries = entries;
                self.go_on(&state);
            }
        }
        self.schedule.number_from(serial.saturating_add(1));
        if self.token.is_none() {
            self.schedule.clear();
            self.journal.generation = generation.wrapping_add(2);
        }
        self.sweep(store);
        self.journal.store = Some(store);
        self.journal.restored = restored;
        self.journal.owed = true;
        Ok(self)
    }

    /// Goes on with what was kept.
    fn go_on(&mut self, state: &ScheduleRecord) {
        self.journal.renewing = state.renewing;
        self.journal.generation = state.generation;
        self.journal.kept = *state;
        self.token = Some(state.token);
        (self.next, self.done) = (state.next, state.done);
        self.schedule.finalized = state.finalized;
        self.schedule.floor = state.floor;
        self.schedule.restart();
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
        // Before there are fewer entries than there are to be, fewer are to be.
        let mut fewer = self.journal.kept;
        for row in schedule.rows.iter() {
            if row.is_spent() && row.is(flag::STORED) && !row.is(flag::LATE) {
                fewer.entries = fewer.entries.saturating_sub(1);
            }
        }
        if fewer.entries < self.journal.kept.entries
            && !put(store, &SCHEDULE_KEY, &fewer.words(), &[])
        {
            return false;
        }
        let mut entries = 0_u16;
        for place in 0..schedule.rows.len() {
            let Some(row) = schedule.rows.at_mut(place) else { continue };
            if row.is_spent() {
                let row = *row;
                if !row.is(flag::LATE) && !remove(store, schedule, &row) {
                    return false;
                }
            } else if row.phase != Phase::Waiting || row.is(flag::ANSWERED) {
                entries = entries.saturating_add(1);
                row.set(flag::STORED, true);
                let row = *row;
                if row.is(flag::UNKEPT) && !put_row(store, generation, schedule, &row) {
                    return false;
                }
            }
        }
        let record = ScheduleRecord {
            renewing: self.journal.renewing,
            entries,
            generation,
            token: self.token.unwrap_or(Token([0; 16])),
            next: self.next,
            done: self.done,
            finalized: schedule.finalized,
            floor: schedule.floor,
        };
        if !put(store, &SCHEDULE_KEY, &record.words(), &[]) {
            return false;
        }
        self.journal.kept = record;
        let late = |row: &ScheduleRow| row.is_spent() && row.is(flag::LATE);
        let kept = schedule.rows.iter().all(|row| !late(row) || remove(store, schedule, row))
            && store.sync().is_ok();
        if kept {
            schedule.all_kept();
        }
        kept
    }
}

/// Whether an entry is one of a schedule, or of the one that it is to be reset to. What
/// waited and was executed is spent.
fn is_of(state: &ScheduleRecord, entry: &EntryRecord) -> bool {
    let next = state.generation.wrapping_add(1);
    let is_of_next = state.renewing && entry.generation == next;
    (entry.generation == state.generation || is_of_next)
        && !(entry.phase == Phase::Waiting && state.is_executed(entry.seqno))
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
    let words = record.words();
    let count = if row.is(flag::WHOLE) { 1 } else { parts(schedule, row) };
    (0..count).rev().all(|part| {
        let start = part.saturating_mul(PART);
        let end = start.saturating_add(PART).min(octets.len());
        let octets = octets.get(start..end).unwrap_or_default();
        put(store, &part_key(row, part), &words, octets)
    })
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
