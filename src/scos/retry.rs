//! When to say something again that was not answered.

use core::time::Duration;

use crate::time::Instant;

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

    fn wait(&self, attempts: u8) -> Duration {
        let factor = 1_u64.checked_shl(attempts.into()).unwrap_or(u64::MAX);
        // In microseconds: multiplying a `Duration` has a way to a panic.
        let first = Instant::ZERO.after(self.first).as_micros();
        Duration::from_micros(first.saturating_mul(factor)).min(self.limit)
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
        self.due = now.after(backoff.wait(self.attempts));
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

/// A small generator of jitter (SplitMix64), seeded by the caller. It spreads
/// load and is no source of secrets.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A span from zero to `limit`.
    pub(crate) fn up_to(&mut self, limit: Duration) -> Duration {
        let span = Instant::ZERO.after(limit).as_micros().saturating_add(1);
        Duration::from_micros(self.next().checked_rem(span).unwrap_or(0))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
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
        let limit = Duration::from_micros(9);
        let seen: std::collections::BTreeSet<_> = (0..200).map(|_| jitter.up_to(limit)).collect();
        assert_eq!(seen.len(), 10);
        assert!(seen.iter().all(|span| *span <= limit));
    }
}
