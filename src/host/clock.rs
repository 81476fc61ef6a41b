//! Clocks of a host.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::time::{Clock, ClockQuality, Instant, Now, Utc};

/// A clock that a driver can wait by.
pub trait HostClock: Clock {
    /// How long in real time `span` of this clock's time takes.
    fn real(&self, span: Duration) -> Duration;
}

/// The clock of the system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: std::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { started: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now {
            monotonic: Instant::ZERO.after(self.started.elapsed()),
            utc: system_utc(),
            quality: ClockQuality::Synchronised,
        }
    }
}

impl HostClock for SystemClock {
    fn real(&self, span: Duration) -> Duration {
        span
    }
}

/// A clock that starts at a time of its own and runs a number of times as fast
/// as real time. Clones tell the same time.
#[derive(Clone, Copy, Debug)]
pub struct VirtualClock {
    started: std::time::Instant,
    start: Utc,
    speed: u32,
}

impl VirtualClock {
    /// A clock that stands at `start` now and runs `speed` times as fast as real
    /// time; a speed of 0 is taken as 1.
    #[must_use]
    pub fn new(start: Utc, speed: u32) -> Self {
        Self { started: std::time::Instant::now(), start, speed: speed.max(1) }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        let elapsed = self.started.elapsed().saturating_mul(self.speed);
        Now {
            monotonic: Instant::ZERO.after(elapsed),
            utc: self.start.after(elapsed),
            quality: ClockQuality::Synchronised,
        }
    }
}

impl HostClock for VirtualClock {
    fn real(&self, span: Duration) -> Duration {
        // Rounded up: who wakes early finds nothing due and waits again.
        span.checked_div(self.speed).unwrap_or(span).saturating_add(Duration::from_nanos(1))
    }
}

/// UTC as the system tells it.
#[must_use]
pub fn system_utc() -> Utc {
    let epoch = Utc::from_unix_seconds(0);
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => epoch.after(since),
        Err(before) => {
            let micros = i64::try_from(before.duration().as_micros()).unwrap_or(i64::MAX);
            Utc::from_unix_micros(micros.saturating_neg())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_clock_waits_its_share() {
        let clock = VirtualClock::new(Utc::from_unix_seconds(1_000), 60);
        assert!(clock.now().utc >= Utc::from_unix_seconds(1_000));
        let real = clock.real(Duration::from_secs(60));
        assert_eq!(real, Duration::from_secs(1) + Duration::from_nanos(1));
        assert_eq!(VirtualClock::new(Utc::default(), 0).real(Duration::ZERO).as_nanos(), 1);
    }
}
