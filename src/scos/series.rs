//! When the occurrences of a scan are: a series of slots in UTC.

use serde::{Deserialize, Serialize};

use super::coding::coded;
use super::{ActorId, RequestId};
use crate::time::{Utc, Week};

/// The name of one occurrence of a scan, the unit that is executed and reported.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScanId {
    /// The Actor that asked for the scan.
    pub actor: ActorId,
    /// Its request.
    pub request: RequestId,
    /// Which occurrence: 0 is the first.
    pub occurrence: u16,
}

/// The slots of a request: `repeats + 1` occurrences of `minutes` minutes, the
/// first at `start`, each `offset` minutes after the one before, start to start.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Series {
    /// The first minute, in minutes since 1970-01-01T00:00Z.
    pub start: i64,
    /// How long an occurrence may take, in minutes, 1 to 10,080.
    pub minutes: u16,
    /// How many occurrences follow the first, at most 10,079.
    pub repeats: u16,
    /// Minutes from start to start, at least `minutes`; ignored without repeats.
    pub offset: u16,
}

impl Series {
    /// How many occurrences there are, 1 to 10,080.
    #[must_use]
    pub const fn occurrences(&self) -> u16 {
        self.repeats.saturating_add(1)
    }

    /// When occurrence `index` starts.
    #[must_use]
    pub fn start_of(&self, index: u16) -> Utc {
        Utc::from_unix_minute(self.first_minute_of(index))
    }

    /// When the slot of occurrence `index` is over.
    #[must_use]
    pub fn end_of(&self, index: u16) -> Utc {
        let first = self.first_minute_of(index);
        Utc::from_unix_minute(first.saturating_add(self.minutes.into()))
    }

    /// How many occurrences start before `time`.
    #[must_use]
    pub fn started_before(&self, time: Utc) -> u16 {
        let span = time.unix_micros().saturating_sub(self.start_of(0).unix_micros());
        if span <= 0 {
            return 0;
        }
        let offset = i64::from(self.offset).saturating_mul(60_000_000);
        // Rounded up: an occurrence that starts exactly at `time` does not count.
        let whole = span.saturating_sub(1).checked_div(offset).unwrap_or(0);
        u16::try_from(whole.saturating_add(1)).unwrap_or(u16::MAX).min(self.occurrences())
    }

    /// Whether the values are ones a grant can have: some minutes, within a week,
    /// and no occurrence overlaps the next.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.minutes >= 1
            && self.minutes <= Week::MINUTES
            && self.repeats < Week::MINUTES
            && (self.repeats == 0 || self.offset >= self.minutes)
    }

    fn first_minute_of(&self, index: u16) -> i64 {
        let shift = i64::from(index).saturating_mul(self.offset.into());
        self.start.saturating_add(shift)
    }
}

/// Which occurrences of a series are settled, exactly, in ten octets.
///
/// All below `next` are, and of the 64 from `next` on those whose bit is set.
/// Occurrences come in the order of time and a device does one at a time, so what
/// is out of order is what one link lost; past 64 the answer is [`Mark::Beyond`]
/// and the peer offers it again when the gap has closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    next: u16,
    ahead: u64,
}

/// What an occurrence is to a [`Progress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Not settled yet.
    New,
    /// Settled before.
    Settled,
    /// Too far ahead of what is not settled.
    Beyond,
}

impl Progress {
    /// Settles `index`, if it is [`Mark::New`].
    pub(crate) fn settle(&mut self, index: u16) {
        let Some(bit) = self.bit(index) else { return };
        self.ahead |= bit;
        let run = self.ahead.trailing_ones();
        self.next = self.next.saturating_add(u16::try_from(run).unwrap_or(u16::MAX));
        self.ahead = self.ahead.checked_shr(run).unwrap_or(0);
    }

    /// What `index` is.
    pub(crate) fn mark(&self, index: u16) -> Mark {
        if index < self.next {
            return Mark::Settled;
        }
        match self.bit(index) {
            Some(bit) if self.ahead & bit == 0 => Mark::New,
            Some(_) => Mark::Settled,
            None => Mark::Beyond,
        }
    }

    /// The first occurrence that is not settled; at most the number of all.
    pub(crate) const fn next(&self) -> u16 {
        self.next
    }

    /// How many occurrences are settled.
    pub(crate) fn settled(&self) -> u16 {
        self.next.saturating_add(u16::try_from(self.ahead.count_ones()).unwrap_or(u16::MAX))
    }

    /// One more than the last occurrence that is settled; 0 when none is.
    pub(crate) fn end(&self) -> u16 {
        let width = u64::BITS.saturating_sub(self.ahead.leading_zeros());
        self.next.saturating_add(u16::try_from(width).unwrap_or(u16::MAX))
    }

    fn bit(&self, index: u16) -> Option<u64> {
        let distance = index.checked_sub(self.next)?;
        1_u64.checked_shl(distance.into())
    }
}

coded! {
    struct ScanId: actor, request, occurrence;
    struct Series: start, minutes, repeats, offset;
    struct Progress: next, ahead;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn occurrences_follow_start_to_start() {
        let series = Series { start: 100, minutes: 5, repeats: 2, offset: 60 };
        assert_eq!(series.occurrences(), 3);
        assert_eq!(series.start_of(2), Utc::from_unix_minute(220));
        assert_eq!(series.end_of(2), Utc::from_unix_minute(225));
        assert_eq!(series.started_before(Utc::from_unix_minute(100)), 0);
        assert_eq!(series.started_before(Utc::from_unix_micros(100 * 60_000_000 + 1)), 1);
        assert_eq!(series.started_before(Utc::from_unix_minute(160)), 1);
        assert_eq!(series.started_before(Utc::from_unix_minute(161)), 2);
        assert_eq!(series.started_before(Utc::from_unix_minute(9_999)), 3);
    }

    #[test]
    fn sound_series_do_not_overlap_themselves() {
        let series = Series { start: 0, minutes: 5, repeats: 0, offset: 0 };
        assert!(series.is_sound());
        assert!(!Series { repeats: 1, offset: 4, ..series }.is_sound());
        assert!(Series { repeats: 1, offset: 5, ..series }.is_sound());
        assert!(!Series { minutes: 0, ..series }.is_sound());
        assert!(!Series { minutes: 10_081, ..series }.is_sound());
    }

    proptest! {
        #[test]
        fn started_before_counts(start in -1_000_i64..1_000, minutes in 1_u16..10,
                                 repeats in 0_u16..20, slack in 0_u16..9, seconds in -99_999_i64..99_999) {
            let series = Series { start, minutes, repeats, offset: minutes + slack };
            let time = Utc::from_unix_seconds(seconds);
            let count = (0..=repeats).filter(|&index| series.start_of(index) < time).count();
            prop_assert_eq!(usize::from(series.started_before(time)), count);
        }

        /// Whatever the order, each occurrence is settled once, and a full window
        /// of 64 is the only thing that puts one off.
        #[test]
        fn progress_is_exact(order in proptest::collection::vec(0_u16..200, 0..600)) {
            let mut progress = Progress::default();
            let mut model = BTreeSet::new();
            for index in order {
                let gap = (0_u16..).find(|at| !model.contains(at)).unwrap();
                let expected = if model.contains(&index) {
                    Mark::Settled
                } else if index >= gap + 64 {
                    Mark::Beyond
                } else {
                    Mark::New
                };
                prop_assert_eq!(progress.mark(index), expected);
                if expected == Mark::New {
                    progress.settle(index);
                    model.insert(index);
                }
                let gap = (0_u16..).find(|at| !model.contains(at)).unwrap();
                prop_assert_eq!(progress.next(), gap);
                prop_assert_eq!(usize::from(progress.settled()), model.len());
                prop_assert_eq!(progress.end(), model.last().map_or(0, |last| last + 1));
            }
        }
    }
}
