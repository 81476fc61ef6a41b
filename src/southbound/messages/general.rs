//! Messages that are not of this interface alone.

use super::define::{definitions, given, message, plain};
use crate::time::Utc;

definitions!();

plain! {
    /// A point in time (google.protobuf.Timestamp).
    Timestamp {
        /// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
        1 seconds: i64;
        /// Nanoseconds after that, 0 to 999,999,999.
        2 nanos: i32;
    }
}

impl Timestamp {
    /// 0001-01-01T00:00:00Z, before which there are none.
    pub const MIN_SECONDS: i64 = -62_135_596_800;
    /// 9999-12-31T23:59:59Z, after which there are none.
    pub const MAX_SECONDS: i64 = 253_402_300_799;

    /// Whether both numbers are within their ranges.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.seconds >= Self::MIN_SECONDS
            && self.seconds <= Self::MAX_SECONDS
            && self.nanos >= 0
            && self.nanos <= 999_999_999
    }

    /// The same time, rounded down to microseconds; `None` when it is out of range.
    #[must_use]
    pub fn utc(self) -> Option<Utc> {
        let micros = i64::from(self.nanos / 1_000);
        let all = self.seconds.checked_mul(1_000_000)?.checked_add(micros)?;
        self.is_valid().then_some(Utc::from_unix_micros(all))
    }
}

impl From<Utc> for Timestamp {
    /// Of any time; one beyond the year 9999 is not valid.
    fn from(utc: Utc) -> Self {
        let micros = i32::try_from(utc.unix_micros().rem_euclid(1_000_000)).unwrap_or_default();
        Self { seconds: utc.unix_seconds(), nanos: micros.saturating_mul(1_000) }
    }
}

plain! {
    /// A span of time, negative too (google.protobuf.Duration). Where it stands for a time,
    /// it is since 1980-01-06T00:00:00Z in GPS time, which has no leap seconds.
    Duration {
        /// Seconds, of at most 10,000 years either way.
        1 seconds: i64;
        /// Nanoseconds of the same sign, less than a second.
        2 nanos: i32;
    }
}

impl Duration {
    /// The most seconds either way.
    pub const MAX_SECONDS: i64 = 315_576_000_000;

    /// 1980-01-06T00:00:00Z in seconds since 1970-01-01T00:00:00Z.
    const GPS_EPOCH: i64 = 315_964_800;

    /// Whether both numbers are within their ranges and of one sign.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.seconds >= -Self::MAX_SECONDS
            && self.seconds <= Self::MAX_SECONDS
            && self.nanos >= -999_999_999
            && self.nanos <= 999_999_999
            && !(self.seconds > 0 && self.nanos < 0)
            && !(self.seconds < 0 && self.nanos > 0)
    }

    /// The time that is this span after the start of GPS time, rounded down to
    /// microseconds; `None` when the span is out of range. GPS time is `leap_seconds` ahead
    /// of UTC then: 18 since 2017-01-01.
    #[must_use]
    pub fn gps_time(self, leap_seconds: i32) -> Option<Utc> {
        let seconds = Self::GPS_EPOCH.saturating_sub(leap_seconds.into());
        let seconds = self.seconds.checked_add(seconds)?;
        let micros = i64::from(self.nanos.div_euclid(1_000));
        let all = seconds.checked_mul(1_000_000)?.checked_add(micros)?;
        self.is_valid().then_some(Utc::from_unix_micros(all))
    }
}

plain! {
    /// Nothing (google.protobuf.Empty): the answer to a reset and to metrics.
    Empty {}
}

message! {
    /// A message of a type that it names (google.protobuf.Any).
    Any / AnyValues {
        /// The type: its name after the last slash.
        1 type_url: &'a str;
        /// The octets of the message.
        2 value: &'a [u8];
    }
}

message! {
    /// Which fields of a message an update is about (FieldMask).
    FieldMask / FieldMaskValues {
        /// The fields; none are all.
        1 paths: Repeated<'a, &'a str> = &'a [&'a str];
    }
}
