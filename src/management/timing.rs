//! When a rule is due: `start + k * period`, however late or seldom anybody looks.

use core::time::Duration;

use super::amp::{Epoch, TimeValue};
use crate::time::{ClockQuality, Instant, Now, Utc};

/// The time value of now: 0 while the clock was never set.
pub(crate) fn stamp(epoch: Epoch, now: Now) -> u64 {
    if now.quality == ClockQuality::Unset { 0 } else { epoch.seconds(now.utc) }
}

/// What a start is told on: a relative one passes with monotonic time, and no clock
/// that is set changes that; an absolute one is a time of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) enum Start {
    Monotonic(Instant),
    Clock(Utc),
}

impl Start {
    /// The start that a time value of a message means.
    pub(crate) fn of(time: TimeValue, now: Now) -> Self {
        match time {
            TimeValue::After(seconds) => {
                Self::Monotonic(now.monotonic.after(Duration::from_secs(seconds.into())))
            }
            TimeValue::At(utc) => Self::Clock(utc),
        }
    }

    /// Microseconds since the start, below zero before it; `None` where only a clock
    /// could tell that was never set.
    fn elapsed(self, now: Now) -> Option<i64> {
        let signed = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
        match self {
            Self::Monotonic(start) => {
                let (now, start) = (now.monotonic.as_micros(), start.as_micros());
                Some(signed(now).saturating_sub(signed(start)))
            }
            Self::Clock(_) if now.quality == ClockQuality::Unset => None,
            Self::Clock(start) => Some(now.utc.unix_micros().saturating_sub(start.unix_micros())),
        }
    }

    /// Whether it is known how long ago it was.
    pub(crate) fn is_known(self, now: Now) -> bool {
        self.elapsed(now).is_some()
    }

    /// The same start as a time of the clock, to be kept; `None` without a clock.
    pub(crate) fn utc(self, now: Now) -> Option<Utc> {
        match self {
            Self::Clock(start) => Some(start),
            Self::Monotonic(_) if now.quality == ClockQuality::Unset => None,
            Self::Monotonic(_) => {
                let elapsed = self.elapsed(now)?;
                Some(Utc::from_unix_micros(now.utc.unix_micros().saturating_sub(elapsed)))
            }
        }
    }
}

/// When something is done, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Timing {
    pub(crate) start: Start,
    /// Microseconds from one time to the next; 0 for what is done once.
    pub(crate) period: u64,
    /// The number of the next time, from 0.
    pub(crate) next: u64,
    /// When that is; `None` while there is no clock to tell.
    pub(crate) due: Option<Instant>,
}

impl Timing {
    pub(crate) const fn new(start: Start, period: u64) -> Self {
        Self { start, period, next: 0, due: None }
    }

    /// Takes all the times that have come and returns how many; the next is to come.
    pub(crate) fn take(&mut self, now: Now) -> u64 {
        let Some(elapsed) = self.start.elapsed(now).and_then(|micros| u64::try_from(micros).ok())
        else {
            return 0;
        };
        let come = elapsed.checked_div(self.period).unwrap_or(0).saturating_add(1);
        let taken = come.saturating_sub(self.next);
        self.next = self.next.max(come);
        taken
    }

    /// Tells when the next time is.
    pub(crate) fn look(&mut self, now: Now) {
        // Beyond the end of time there is no next time.
        let micros = self.next.checked_mul(self.period).and_then(|next| i64::try_from(next).ok());
        self.due = self.start.elapsed(now).zip(micros).map(|(elapsed, micros)| {
            let left = u64::try_from(micros.saturating_sub(elapsed)).unwrap_or(0);
            now.monotonic.after(Duration::from_micros(left))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(micros: u64) -> Now {
        Now {
            monotonic: Instant::from_micros(micros),
            utc: Utc::from_unix_micros(1_800_000_000_000_000 + micros as i64),
            quality: ClockQuality::Synchronised,
        }
    }

    #[test]
    fn an_absolute_start_waits_for_a_clock() {
        let now = at(5_000_000);
        let start = Start::of(TimeValue::After(10), now);
        assert_eq!(start, Start::Monotonic(Instant::from_micros(15_000_000)));
        let mut timing = Timing::new(Start::of(TimeValue::At(now.utc), now), 1_000_000);
        let unset = Now { quality: ClockQuality::Unset, ..now };
        assert_eq!(timing.take(unset), 0, "no clock, no absolute time");
        timing.look(unset);
        assert_eq!(timing.due, None);
        assert_eq!(timing.take(now), 1);
    }

    proptest! {
        /// However late it is looked at, the k-th time is `start + k * period`.
        #[test]
        fn times_do_not_drift(start in 0_u64..100_000_000, period in 1_u64..50_000_000,
                              looks in proptest::collection::vec(0_u64..90_000_000, 1..40))
        {
            let mut timing = Timing::new(Start::Monotonic(Instant::from_micros(start)), period);
            let (mut time, mut taken) = (0, 0);
            for look in looks {
                time += look;
                let now = at(time);
                taken += timing.take(now);
                let come = if time < start { 0 } else { (time - start) / period + 1 };
                prop_assert_eq!(taken, come);
                timing.look(now);
                prop_assert_eq!(timing.due, Some(Instant::from_micros(start + come * period)));
                prop_assert_eq!(timing.take(now), 0);
            }
        }
    }
}
