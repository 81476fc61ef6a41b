//! When a week is over: by the clock, and by every clock there was lately.

use core::time::Duration;

use super::Ssm;
use crate::time::{Instant, Now, Utc, Week};

/// A clock that was set forward may be set back within this time, and recipes are still
/// there: both weeks of the calendar.
const DOUBT: Duration = Duration::from_secs(14 * 86_400);

/// The slowest clock there was lately. UTC may step either way; a recipe is only forgotten
/// when its weeks are over by this one too, for its device has it and its slots must not be
/// given to another when the clock is set back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SlowClock {
    /// UTC less monotonic time in microseconds, and since when.
    offset: Option<(i64, Instant)>,
    /// The week recipes were last looked at for.
    swept: Week,
}

impl SlowClock {
    /// The time by the slowest clock.
    fn utc(&mut self, now: Now) -> Utc {
        let monotonic = i64::try_from(now.monotonic.as_micros()).unwrap_or(i64::MAX);
        let offset = now.utc.unix_micros().saturating_sub(monotonic);
        let slow = self
            .offset
            .filter(|(slow, since)| *slow < offset && now.monotonic < since.after(DOUBT));
        let (slow, _) = *self.offset.insert(slow.unwrap_or((offset, now.monotonic)));
        Utc::from_unix_micros(monotonic.saturating_add(slow))
    }
}

impl Ssm<'_> {
    /// Moves the calendars to the week of `now` and frees the recipes of weeks that are over:
    /// what is still owed for them is known by their bookings.
    pub(super) fn turn_week(&mut self, now: Now) {
        self.scheduler.advance(now.utc);
        let (week, _) = Week::of_minute(self.slow.utc(now).unix_minute());
        if week != self.slow.swept {
            self.slow.swept = week;
            self.forget_recipes_before(week);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::ClockQuality;

    #[test]
    fn a_clock_set_forward_is_doubted_for_two_weeks() {
        let mut slow = SlowClock::default();
        let day = 86_400;
        let mut at = |monotonic: u64, utc: i64| {
            let now = Now {
                monotonic: Instant::from_micros(monotonic * 1_000_000),
                utc: Utc::from_unix_seconds(utc),
                quality: ClockQuality::FreeRunning,
            };
            slow.utc(now).unix_seconds()
        };
        assert_eq!(at(10, 1_000), 1_000);
        assert_eq!(at(20, 1_010), 1_010);
        // A week forward, and back again.
        assert_eq!(at(30, 1_020 + 7 * day), 1_020);
        assert_eq!(at(40, 1_030), 1_030);
        // Back by an hour is believed at once.
        assert_eq!(at(50, 1_040 - 3_600), 1_040 - 3_600);
        // Forward for good, after two weeks.
        assert_eq!(at(60, 1_050), 1_050 - 3_600);
        let two_weeks = 14 * 86_400;
        assert_eq!(at(49 + two_weeks, 1_039 + 14 * day), 1_039 + 14 * day - 3_600);
        assert_eq!(at(50 + two_weeks, 1_040 + 14 * day), 1_040 + 14 * day);
    }
}
