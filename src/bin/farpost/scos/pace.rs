//! Time that passes faster, for trials.

use std::str::FromStr;

use farpost::time::{Instant, Now, Utc};

/// How fast time passes, since a time that all who speak to one another agree on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    speed: u32,
    since: Utc,
}

impl Default for Pace {
    fn default() -> Self {
        Self { speed: 1, since: Utc::from_unix_seconds(0) }
    }
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('@').and_then(|(speed, since)| {
            Some((speed.parse().ok().filter(|speed| *speed > 0)?, since.parse().ok()?))
        });
        let (speed, since) = parts.ok_or("a pace is such as 60@1764000000")?;
        Ok(Self { speed, since: Utc::from_unix_seconds(since) })
    }
}

impl Pace {
    /// The time there is at a real time.
    pub(crate) fn now(&self, real: Now) -> Now {
        if self.speed == 1 {
            return real;
        }
        let monotonic = real.monotonic.as_micros().saturating_mul(self.speed.into());
        let utc = self.since.after(real.utc.since(self.since).saturating_mul(self.speed));
        Now { monotonic: Instant::from_micros(monotonic), utc, ..real }
    }

    /// The real time of an instant, rounded up.
    pub(crate) fn real(&self, instant: Instant) -> Instant {
        Instant::from_micros(instant.as_micros().div_ceil(self.speed.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farpost::time::ClockQuality;

    #[test]
    fn time_passes_faster_from_a_time_on() {
        let pace: Pace = "60@1000".parse().unwrap();
        let real = Now {
            monotonic: Instant::from_micros(5),
            utc: Utc::from_unix_seconds(1_002),
            quality: ClockQuality::Synchronised,
        };
        let now = pace.now(real);
        assert_eq!(now.monotonic, Instant::from_micros(300));
        assert_eq!(now.utc, Utc::from_unix_seconds(1_120));
        assert_eq!(pace.real(now.monotonic), real.monotonic);
        assert_eq!(pace.real(Instant::from_micros(301)), Instant::from_micros(6));
        assert_eq!(Pace::default().now(real), real);
        assert!("0@1".parse::<Pace>().is_err() && "60".parse::<Pace>().is_err());
    }
}
