//! When to try again what did not work.

use core::time::Duration;

use crate::crypto::Random;
use crate::time::Instant;

/// How the wait between attempts grows: by three fifths each time, from `first` up to
/// `limit`, and each time by up to a fifth more or less. It is of whole milliseconds, two at
/// least, and nine days at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The wait after the first attempt.
    pub first: Duration,
    /// The longest wait, before the fifth is added.
    pub limit: Duration,
}

impl Pace {
    /// One second, 1.6 times as long each time, at most two minutes: what gRPC prescribes.
    pub const NOMINAL: Self =
        Self { first: Duration::from_secs(1), limit: Duration::from_secs(120) };
}

impl Default for Pace {
    fn default() -> Self {
        Self::NOMINAL
    }
}

/// Attempts at something, and when the next one is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempts {
    /// Milliseconds waited last, or 0.
    wait: u32,
    pub(crate) due: Instant,
}

impl Attempts {
    /// The first is due at once.
    pub(crate) const NEW: Self = Self { wait: 0, due: Instant::ZERO };

    /// One failed.
    pub(crate) fn fail(&mut self, now: Instant, pace: &Pace, random: &dyn Random) {
        let first = millis(pace.first).max(2);
        let limit = millis(pace.limit).max(first);
        let grown = self.wait.saturating_mul(8).wrapping_div(5);
        self.wait = if grown == 0 { first } else { grown.min(limit) };
        // From four fifths to six fifths; in the middle where nothing is random.
        let mut octets = [128];
        let _ = random.fill(&mut octets);
        let [extra] = octets;
        let fifth = self.wait.wrapping_div(5);
        let wait = self.wait.saturating_sub(fifth);
        let wait = wait.saturating_add(fifth.saturating_mul(extra.into()) >> 7);
        let micros = u64::from(wait).saturating_mul(1_000);
        self.due = Instant::from_micros(now.as_micros().saturating_add(micros));
    }

    /// One worked: the wait after the next that fails is the first again.
    pub(crate) const fn succeed(&mut self) {
        self.wait = 0;
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }
}

/// Whole milliseconds, 49 days at most: 64 bits are not divided on a board for a wait.
fn millis(span: Duration) -> u32 {
    let seconds = u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    seconds.saturating_mul(1_000).saturating_add(span.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::NoRandom;

    #[derive(Debug)]
    struct Fixed(Option<u8>);

    impl Random for Fixed {
        fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
            octets.fill(self.0.ok_or(NoRandom)?);
            Ok(())
        }
    }

    fn waits(random: Fixed) -> std::vec::Vec<u128> {
        let (mut attempts, mut now) = (Attempts::NEW, Instant::ZERO);
        (0..13)
            .map(|_| {
                attempts.fail(now, &Pace::NOMINAL, &random);
                let wait = attempts.due.since(now);
                now = attempts.due;
                wait.as_millis()
            })
            .collect()
    }

    #[test]
    fn waits_grow_by_three_fifths_up_to_two_minutes_and_vary_by_a_fifth() {
        let middle = waits(Fixed(None));
        assert_eq!(middle[..4], [1_000, 1_600, 2_560, 4_096]);
        assert_eq!(middle[11..], [120_000, 120_000]);
        for (wait, (least, most)) in
            middle.iter().zip(waits(Fixed(Some(0))).iter().zip(waits(Fixed(Some(255)))))
        {
            assert_eq!(*least, wait - wait / 5);
            assert!(most > wait * 119 / 100 && most <= wait * 6 / 5, "{most} of {wait}");
        }
        let mut attempts = Attempts::NEW;
        attempts.fail(Instant::ZERO, &Pace::NOMINAL, &Fixed(None));
        attempts.fail(Instant::ZERO, &Pace::NOMINAL, &Fixed(None));
        attempts.succeed();
        attempts.fail(Instant::ZERO, &Pace::NOMINAL, &Fixed(None));
        assert_eq!(attempts.due, Instant::from_micros(1_000_000));
    }
}
