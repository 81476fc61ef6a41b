//! Heartbeats (735.1-B-1 4.2.7): when to send the next, and when the silence of
//! the other side means that it has terminated.

use core::time::Duration;

use crate::time::Instant;

/// The heartbeat cycle with one peer.
#[derive(Clone, Copy, Debug)]
pub(in crate::ams) struct Pulse {
    next_beat: Instant,
    silent_since: Instant,
}

impl Pulse {
    /// A cycle that commences now, with a first heartbeat due at once: an entity
    /// that has just restarted is heard of soonest that way.
    pub(in crate::ams) const fn commence(now: Instant) -> Self {
        Self { next_beat: now, silent_since: now }
    }

    /// A heartbeat has been received.
    pub(in crate::ams) const fn heard(&mut self, now: Instant) {
        self.silent_since = now;
    }

    /// Whether a heartbeat is to be sent now. If so, the next is due one period
    /// after this one was, so that a late tick does not make all others late;
    /// missed periods are not made up for.
    pub(in crate::ams) fn beat(&mut self, now: Instant, period: Duration) -> bool {
        let due = now >= self.next_beat;
        if due {
            let next = self.next_beat.after(period);
            self.next_beat = if next > now { next } else { now.after(period) };
        }
        due
    }

    /// Has the heartbeat sent again at `at`: it could not be sent now.
    pub(in crate::ams) const fn beat_again(&mut self, at: Instant) {
        self.next_beat = at;
    }

    /// Whether `limit` heartbeats (N6) are missing (4.2.7.2): as many periods have
    /// lapsed without one, and half a period more. Without that the last of them
    /// would have to arrive in no time.
    pub(in crate::ams) fn is_silent(&self, now: Instant, period: Duration, limit: u8) -> bool {
        now >= self.silent_at(period, limit)
    }

    /// When there is something to do next.
    pub(in crate::ams) fn deadline(&self, period: Duration, limit: u8) -> Instant {
        self.next_beat.min(self.silent_at(period, limit))
    }

    /// When the next heartbeat is due.
    pub(in crate::ams) const fn next_beat(&self) -> Instant {
        self.next_beat
    }

    /// Since when `limit` heartbeats (N6) are missing (4.2.7.2) if none comes.
    pub(in crate::ams) fn silent_at(&self, period: Duration, limit: u8) -> Instant {
        let halves = u32::from(limit).saturating_mul(2).saturating_add(1);
        self.silent_since.after_halves(period, halves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(20);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn beats_once_a_period_and_does_not_catch_up() {
        let mut pulse = Pulse::commence(at(0));
        assert!(pulse.beat(at(0), PERIOD));
        assert!(!pulse.beat(at(19), PERIOD));
        assert!(pulse.beat(at(70), PERIOD));
        assert!(!pulse.beat(at(70), PERIOD));
        pulse.beat_again(at(70));
        assert!(pulse.beat(at(70), PERIOD));
    }

    #[test]
    fn silence_is_imputed_when_n6_heartbeats_are_missing() {
        let mut pulse = Pulse::commence(at(0));
        assert!(!pulse.is_silent(at(69), PERIOD, 3));
        assert!(pulse.is_silent(at(70), PERIOD, 3));
        pulse.heard(at(59));
        assert!(!pulse.is_silent(at(128), PERIOD, 3));
        assert!(pulse.is_silent(at(129), PERIOD, 3));
    }
}
