//! What is known of one request, from when it waits for its turn until nothing of it
//! is left.

use core::cmp::Ordering;

use super::Moment;
use super::arena::Holder;
use crate::storage::Row;

/// Where a row is. The order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// An entry of the schedule, or of the history that it is played from.
    Scheduled,
    /// A request that came before its turn.
    Waiting,
    /// Not in the schedule any more: the device is to be told, or the store.
    Gone,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    Delete,
    Finalize,
    /// It cannot be executed, whatever comes before it.
    Invalid,
}

impl Operation {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Create => 0,
            Self::Delete => 1,
            Self::Finalize => 2,
            Self::Invalid => 3,
        }
    }

    pub(crate) const fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Create),
            1 => Some(Self::Delete),
            2 => Some(Self::Finalize),
            3 => Some(Self::Invalid),
            _ => None,
        }
    }
}

/// What holds of a row.
pub(crate) mod flag {
    /// The change is of a kind that is known, and has a key.
    pub(crate) const KEYED: u16 = 1;
    /// It sets what its key names; without it the key is cleared.
    pub(crate) const SET: u16 = 1 << 1;
    /// Of all entries that are due it is the last for its key.
    pub(crate) const IN_FORCE: u16 = 1 << 2;
    /// It is what the device has for its key.
    pub(crate) const APPLIED: u16 = 1 << 3;
    /// It is history: it lies before what is finalized, and was due.
    pub(crate) const FINAL: u16 = 1 << 4;
    /// The device did not do it; it is not tried again for now.
    pub(crate) const FAILED: u16 = 1 << 5;
    /// Of the schedule before; the device keeps it until something replaces it.
    pub(crate) const ORPHAN: u16 = 1 << 6;
    /// It was read from the store, and whether the device has it is not known.
    pub(crate) const RESTORED: u16 = 1 << 7;
    /// The user was told that it cannot be enacted.
    pub(crate) const TOLD: u16 = 1 << 8;
    /// Something of it is in the store.
    pub(crate) const STORED: u16 = 1 << 9;
    /// It differs from what is in the store.
    pub(crate) const UNKEPT: u16 = 1 << 10;
    /// It was answered before its turn.
    pub(crate) const ANSWERED: u16 = 1 << 11;
    /// What is in the store of it is removed after it is known there that it is not needed.
    pub(crate) const LATE: u16 = 1 << 12;
    /// All of its octets are in the store.
    pub(crate) const WHOLE: u16 = 1 << 14;
    /// It is being read from the store.
    pub(crate) const LOADING: u16 = 1 << 13;

    /// What stays when it is taken out of the schedule.
    pub(crate) const LASTING: u16 = KEYED | SET | APPLIED | STORED | WHOLE | RESTORED;
}

/// Room for one request or entry.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleRow {
    pub(crate) time: Moment,
    pub(crate) seqno: u64,
    /// By what its answer is known; of one that waits.
    pub(crate) request_id: i64,
    /// Hashes of the key of the change, and of the ID.
    pub(crate) key_hash: u32,
    pub(crate) id_hash: u32,
    /// By what it is known in the store.
    pub(crate) serial: u32,
    /// Where ID and change are, one behind the other; `u32::MAX` for nowhere.
    pub(crate) at: u32,
    pub(crate) id_length: u16,
    pub(crate) flags: u16,
    pub(crate) phase: Phase,
    pub(crate) operation: Operation,
}

impl ScheduleRow {
    pub(crate) const NOWHERE: u32 = u32::MAX;

    /// The row of a request, without its octets.
    pub(crate) const fn new(
        operation: Operation,
        time: Moment,
        seqno: u64,
        id_length: u16,
    ) -> Self {
        Self {
            time,
            seqno,
            request_id: 0,
            key_hash: 0,
            id_hash: 0,
            serial: 0,
            at: Self::NOWHERE,
            id_length,
            flags: 0,
            phase: Phase::Gone,
            operation,
        }
    }

    /// What the device may have it is to be told to clear.
    pub(crate) const fn presume_applied(&mut self) {
        if self.is(flag::SET | flag::RESTORED) {
            self.set(flag::APPLIED, true);
        }
    }

    /// Whether nothing is needed of it but that the store forgets it.
    pub(crate) fn is_spent(&self) -> bool {
        self.phase == Phase::Gone && !self.is(flag::APPLIED)
    }

    pub(crate) const fn is(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }

    pub(crate) const fn any(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }

    pub(crate) const fn set(&mut self, flags: u16, on: bool) {
        if on {
            self.flags |= flags;
        } else {
            self.flags &= !flags;
        }
    }

    /// Whether it is an entry whose time has come.
    pub(crate) fn is_due(&self, now: Moment) -> bool {
        self.phase == Phase::Scheduled && self.time <= now
    }
}

/// Which row it is, in the order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowKey(Phase, Moment, u64, u32);

impl Ord for RowKey {
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn cmp(&self, other: &Self) -> Ordering {
        let Self(phase, time, seqno, serial) = self;
        let rest = || seqno.cmp(&other.2).then(serial.cmp(&other.3));
        phase.cmp(&other.0).then(time.cmp(&other.1)).then_with(rest)
    }
}

impl PartialOrd for RowKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl RowKey {
    pub(crate) const fn scheduled(time: Moment, seqno: u64) -> Self {
        Self(Phase::Scheduled, time, seqno, 0)
    }

    pub(crate) const fn waiting(seqno: u64) -> Self {
        Self(Phase::Waiting, Moment::EARLIEST, seqno, 0)
    }

    pub(crate) const fn gone(serial: u32) -> Self {
        Self(Phase::Gone, Moment::EARLIEST, 0, serial)
    }
}

impl Row for ScheduleRow {
    /// Entries are in the order in which they are played, requests in the order in which
    /// they are executed.
    type Key = RowKey;

    #[cfg_attr(not(feature = "std"), inline(never))]
    fn key(&self) -> RowKey {
        match self.phase {
            Phase::Scheduled => RowKey::scheduled(self.time, self.seqno),
            Phase::Waiting => RowKey::waiting(self.seqno),
            Phase::Gone => RowKey::gone(self.serial),
        }
    }
}

impl Holder for ScheduleRow {
    fn part(&self) -> Option<u32> {
        Some(self.at).filter(|at| *at != Self::NOWHERE)
    }

    fn moved(&mut self, to: u32) {
        self.at = to;
    }
}
