//! When to say something again that was not answered.

use core::time::Duration;

use crate::time::{Instant, micros_of};

/// How the wait between attempts grows: it doubles from `first` up to `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first attempt.
    pub first: Duration,
    /// The longest wait.
    pub limit: Duration,
}

impl Backoff {
    /// Two seconds, then twice as long each time, at most one minute.
    pub const NOMINAL: Self =
        Self { first: Duration::from_secs(2), limit: Duration::from_secs(60) };

    /// The wait after so many attempts before, in microseconds.
    fn wait(&self, attempts: u8) -> u64 {
        let (mut wait, limit) = (micros_of(self.first), micros_of(self.limit));
        for _ in 0..attempts {
            if wait >= limit {
                break;
            }
            wait = wait.saturating_add(wait);
        }
        wait.min(limit)
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::NOMINAL
    }
}

/// Something to be said until it is answered: due now, or waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    due: Instant,
    attempts: u8,
}

impl Retry {
    /// Due at once, never attempted.
    pub(crate) const NOW: Self = Self { due: Instant::ZERO, attempts: 0 };

    /// Not due, until it is made so.
    pub(crate) const NEVER: Self = Self { due: Instant::MAX, attempts: 0 };

    /// Due then, never attempted.
    pub(crate) const fn at(due: Instant) -> Self {
        Self { due, attempts: 0 }
    }

    pub(crate) fn is_never(&self) -> bool {
        *self == Self::NEVER
    }

    /// It was sent: the next attempt is due one wait later.
    pub(crate) fn sent(&mut self, now: Instant, backoff: &Backoff) {
        self.due = now.after_micros(backoff.wait(self.attempts));
        self.attempts = self.attempts.saturating_add(1);
    }

    /// It could not be sent: one first wait later, without counting as an attempt.
    pub(crate) fn refused(&mut self, now: Instant, backoff: &Backoff) {
        self.due = now.after(backoff.first);
    }

    /// It is due now, and the wait after it as long as it would have been.
    pub(crate) const fn hurry(&mut self) {
        self.due = Instant::ZERO;
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }

    pub(crate) const fn due(&self) -> Instant {
        self.due
    }

    pub(crate) const fn attempts(&self) -> u8 {
        self.attempts
    }
}

/// A small generator of jitter (a linear congruence, of which the upper half is used),
/// seeded by the caller. It spreads load and is no source of secrets.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from zero to `limit`, in steps of one to 2³², of 32 bits above that.
    pub(crate) fn up_to(&mut self, limit: u64) -> u64 {
        // A fraction of the span, for a remainder is a division.
        let (span, fraction) = (limit.saturating_add(1), self.next());
        let low = (span & u64::from(u32::MAX)).wrapping_mul(fraction) >> 32;
        (span >> 32).wrapping_mul(fraction).saturating_add(low)
    }

    /// 32 bits. Seeds next to one another give numbers far apart.
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit() {
        let mut retry = Retry::NOW;
        let mut now = Instant::ZERO;
        let mut waits = std::vec::Vec::new();
        for _ in 0..8 {
            assert!(retry.is_due(now));
            retry.sent(now, &Backoff::NOMINAL);
            waits.push(retry.due().since(now).as_secs());
            now = retry.due();
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(retry.attempts(), 8);
    }

    #[test]
    fn jitter_stays_within_its_limit_and_varies() {
        let mut jitter = Jitter::new(7);
        let limit = 9;
        let seen: std::collections::BTreeSet<_> = (0..200).map(|_| jitter.up_to(limit)).collect();
        assert_eq!(seen.len(), 10);
        assert!(seen.iter().all(|span| *span <= limit));
        let far = (0..200).map(|_| jitter.up_to(u64::MAX)).max();
        assert!(far > Some(u64::MAX / 2));
    }
}
