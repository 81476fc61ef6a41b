//! Time is a parameter. Machines see one [`Now`] a call: monotonic time for
//! deadlines, UTC for time tags and slots, and how far UTC can be trusted.
//!
//! A wall clock may step either way; monotonic time never does. There are no
//! operators here: arithmetic that saturates cannot panic.

use core::fmt;
use core::time::Duration;

/// A point in monotonic time: microseconds since some start that never changes
/// while the machine runs. 584,000 years long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(
    // No `NonZeroU64`, which would halve an `Option`: at opt-levels 1, s and z Rust 1.95 has
    // `None.map(|it| it.min(other))` differ from `None`.
    u64,
);

impl Instant {
    /// The start of monotonic time.
    pub const ZERO: Self = Self(0);
    /// Later than any deadline.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `micros` microseconds after the start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// `self + span`, at most [`Instant::MAX`].
    #[must_use]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(micros_of(span)))
    }

    /// So many halves of `span` later, or as late as can be.
    #[must_use]
    pub(crate) fn after_halves(self, span: Duration, count: u32) -> Self {
        let halves = micros_of(span).saturating_mul(u64::from(count));
        Self(self.0.saturating_add(halves >> 1))
    }

    /// The same by microseconds, of which no [`Duration`] needs to be made.
    #[cfg(feature = "scos")]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) const fn after_micros(self, span: u64) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// A deadline to be told: none where it is [`Instant::MAX`], the one that never comes.
    #[cfg(feature = "scos")]
    pub(crate) fn deadline(self) -> Option<Self> {
        (self < Self::MAX).then_some(self)
    }

    /// Whole milliseconds from `earlier` to `self`, or as many as can be told.
    #[cfg(feature = "scos")]
    pub(crate) fn millis_since(self, earlier: Self) -> u32 {
        let millis = quotient(self.0.saturating_sub(earlier.0), 1_000);
        u32::try_from(millis).unwrap_or(u32::MAX)
    }

    /// The time from `earlier` to `self`; zero when `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// The earlier of two optional deadlines.
#[must_use]
#[cfg_attr(not(feature = "std"), inline(never))]
pub fn earliest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Whole microseconds of `span`. Not `as_micros`: that is 128-bit arithmetic, dear on a
/// Cortex-M.
#[cfg_attr(not(feature = "std"), inline(never))]
pub(crate) fn micros_of(span: Duration) -> u64 {
    span.as_secs().saturating_mul(1_000_000).saturating_add(span.subsec_micros().into())
}

/// Whole seconds in `micros`, rounded down.
const fn seconds_of(micros: i64) -> i64 {
    // 1,000,000 is 64 times 15,625.
    rounded_down(micros >> 6, 15_625)
}

/// Whole minutes in `micros`, rounded down.
#[cfg_attr(not(feature = "std"), inline(never))]
const fn minutes_of(micros: i64) -> i64 {
    rounded_down(seconds_of(micros), 60)
}

/// A quotient, rounded down, that 45 bits hold.
const fn rounded_down(value: i64, divisor: u16) -> i64 {
    // So that what is divided is positive.
    const BIAS: i64 = 1 << 44;
    let [low, high] = divisor.to_le_bytes();
    let bias = i64::from_le_bytes([low, high, 0, 0, 0, 0, 0, 0]).wrapping_mul(BIAS);
    quotient(value.wrapping_add(bias).cast_unsigned(), divisor).cast_signed().wrapping_sub(BIAS)
}

/// A quotient, rounded down; 0 by 0. In digits of 16 bits, for the machines that divide 32
/// bits and have to link a routine for 64.
#[cfg_attr(not(feature = "std"), inline(never))]
const fn quotient(value: u64, divisor: u16) -> u64 {
    let [low, high] = divisor.to_le_bytes();
    let divisor = u32::from_le_bytes([low, high, 0, 0]);
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    let ([a, b], rest) = divide_digit(0, [a, b], divisor);
    let ([c, d], rest) = divide_digit(rest, [c, d], divisor);
    let ([e, f], rest) = divide_digit(rest, [e, f], divisor);
    let ([g, h], _) = divide_digit(rest, [g, h], divisor);
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The next digit of a quotient, and what is left.
const fn divide_digit(rest: u32, [high, low]: [u8; 2], divisor: u32) -> ([u8; 2], u32) {
    let [.., carried, carry] = rest.to_be_bytes();
    let part = u32::from_be_bytes([carried, carry, high, low]);
    let digit = match part.checked_div(divisor) {
        Some(digit) => digit,
        None => 0,
    };
    let [.., high, low] = digit.to_be_bytes();
    ([high, low], part.wrapping_sub(digit.wrapping_mul(divisor)))
}

/// A point in Coordinated Universal Time: microseconds since 1970-01-01, leap
/// seconds not counted (POSIX time). It spans 290,000 years either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Utc(i64);

impl Utc {
    /// The time `micros` microseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The time `seconds` seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// The start of the minute `minute` minutes after 1970-01-01T00:00:00Z.
    #[must_use]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub const fn from_unix_minute(minute: i64) -> Self {
        Self(minute.saturating_mul(60_000_000))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        if cfg!(target_pointer_width = "64") {
            self.0.div_euclid(1_000_000)
        } else {
            seconds_of(self.0)
        }
    }

    /// Whole minutes since 1970-01-01T00:00:00Z, rounded down. A leap second
    /// belongs to the minute it ends.
    #[must_use]
    pub const fn unix_minute(self) -> i64 {
        if cfg!(target_pointer_width = "64") {
            self.0.div_euclid(60_000_000)
        } else {
            minutes_of(self.0)
        }
    }

    /// `self + span`, saturating.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        let micros = i64::try_from(Instant::ZERO.after(span).as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// The time from `earlier` to `self`; zero when `earlier` is not earlier.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The microseconds from `earlier` to `self`; none when `earlier` is not earlier.
    #[cfg(feature = "scos")]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn micros_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// Year, month (1 to 12) and day (1 to 31) of the Gregorian calendar.
    #[must_use]
    pub const fn civil(self) -> (i64, u8, u8) {
        // Days from 0000-03-01, so that the leap day ends a year; every value
        // here is far inside its type, and the wrapping forms cannot panic.
        let days = self.0.div_euclid(86_400_000_000).wrapping_add(719_468);
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = of_era
            .wrapping_sub(of_era / 1_460)
            .wrapping_add(of_era / 36_524)
            .wrapping_sub(of_era / 146_096)
            / 365;
        let of_year = of_era.wrapping_sub(
            year_of_era
                .wrapping_mul(365)
                .wrapping_add(year_of_era / 4)
                .wrapping_sub(year_of_era / 100),
        );
        let shifted = of_year.wrapping_mul(5).wrapping_add(2) / 153;
        let day = of_year.wrapping_sub(shifted.wrapping_mul(153).wrapping_add(2) / 5);
        let month = if shifted < 10 { shifted.wrapping_add(3) } else { shifted.wrapping_sub(9) };
        let year = year_of_era.wrapping_add(era.wrapping_mul(400)).wrapping_add(if month <= 2 {
            1
        } else {
            0
        });
        let [day, ..] = day.wrapping_add(1).to_le_bytes();
        let [month, ..] = month.to_le_bytes();
        (year, month, day)
    }
}

/// ISO 8601 to the second: `2026-11-23T10:00:00Z`.
impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.civil();
        let second = self.unix_seconds().rem_euclid(86_400);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// A UTC week from Monday 00:00, numbered from the one that holds 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Week(pub i64);

impl Week {
    /// Minutes in a week.
    pub const MINUTES: u16 = 10_080;

    /// 1970-01-01 was a Thursday: its week began three days before.
    const OFFSET: i64 = 3 * 1_440;

    /// The week that holds the minute `unix_minute`, and the minute of that
    /// week, 0 to 10,079.
    #[must_use]
    pub const fn of_minute(unix_minute: i64) -> (Self, u16) {
        let minute = unix_minute.saturating_add(Self::OFFSET);
        let [low, high, ..] = minute.rem_euclid(10_080).to_le_bytes();
        (Self(minute.div_euclid(10_080)), u16::from_le_bytes([low, high]))
    }

    /// The first minute of this week, in minutes since 1970-01-01T00:00Z.
    #[must_use]
    pub const fn first_minute(self) -> i64 {
        self.0.saturating_mul(10_080).saturating_sub(Self::OFFSET)
    }

    /// The week after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// How far a [`Utc`] can be trusted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ClockQuality {
    /// The clock was never set: UTC is a guess.
    #[default]
    Unset,
    /// The clock was set once and runs on its own since.
    FreeRunning,
    /// The clock follows a time source.
    Synchronised,
}

/// The time of a call: what a machine is told and all it knows about time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Now {
    /// Monotonic time, for deadlines.
    pub monotonic: Instant,
    /// UTC, for time tags, slots and schedules.
    pub utc: Utc,
    /// How far `utc` can be trusted.
    pub quality: ClockQuality,
}

impl Now {
    /// The same clock `span` later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self { monotonic: self.monotonic.after(span), utc: self.utc.after(span), ..self }
    }
}

/// What a board or a host implements to tell the time.
pub trait Clock {
    /// The time now. Monotonic time never decreases from call to call.
    fn now(&self) -> Now;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::ToString;

    #[test]
    fn weeks_begin_on_monday() {
        // 2026-11-23 is a Monday.
        let monday = 1_795_392_000 / 60;
        assert_eq!(Utc::from_unix_minute(monday).to_string(), "2026-11-23T00:00:00Z");
        let (week, slot) = Week::of_minute(monday);
        assert_eq!(slot, 0);
        assert_eq!(Week::of_minute(monday - 1), (Week(week.0 - 1), 10_079));
        assert_eq!(week.first_minute(), monday);
        assert_eq!(week.next().first_minute(), monday + 10_080);
    }

    #[test]
    fn days_before_1970_and_leap_days_have_their_names() {
        assert_eq!(Utc::from_unix_seconds(-1).to_string(), "1969-12-31T23:59:59Z");
        assert_eq!(Utc::from_unix_seconds(951_782_400).to_string(), "2000-02-29T00:00:00Z");
        assert_eq!(Utc::from_unix_seconds(4_107_542_399).to_string(), "2100-02-28T23:59:59Z");
        assert_eq!(Utc::from_unix_seconds(4_107_542_400).to_string(), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Instant::MAX.after(Duration::MAX), Instant::MAX);
        assert_eq!(Instant::ZERO.since(Instant::MAX), Duration::ZERO);
        assert_eq!(Utc::from_unix_seconds(i64::MAX).after(Duration::MAX).unix_micros(), i64::MAX);
    }

    #[test]
    fn seconds_are_rounded_down_at_the_ends_too() {
        for micros in [i64::MIN, i64::MIN + 1, -1_000_001, -1_000_000, -1, 0, 999_999, i64::MAX] {
            assert_eq!(seconds_of(micros), micros.div_euclid(1_000_000));
            assert_eq!(minutes_of(micros), micros.div_euclid(60_000_000));
        }
    }

    proptest! {
        #[test]
        fn time_needs_no_division_of_64_bits(micros in any::<i64>(), value in any::<u64>(), divisor in 1_u16..) {
            prop_assert_eq!(seconds_of(micros), micros.div_euclid(1_000_000));
            prop_assert_eq!(minutes_of(micros), micros.div_euclid(60_000_000));
            prop_assert_eq!(quotient(value, divisor), value / u64::from(divisor));
        }

        #[test]
        fn a_minute_is_in_its_week(minute in -1_000_000_000_i64..1_000_000_000) {
            let (week, slot) = Week::of_minute(minute);
            prop_assert_eq!(week.first_minute() + i64::from(slot), minute);
            prop_assert!(slot < Week::MINUTES);
        }

        #[test]
        fn any_time_prints(micros in any::<i64>()) {
            let _ = Utc::from_unix_micros(micros).to_string();
        }
    }
}
