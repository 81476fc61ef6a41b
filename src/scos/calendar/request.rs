//! What an Actor asks of the calendar, and what it is answered.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::pattern::PatternError;
use crate::scos::ScanParameters;
use crate::time::Utc;

/// The number of an Actor at its SSM.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ActorId(pub u32);

/// The number an Actor gives a request. It is used once, as long as the recipe
/// lives: a second request of the same number is the first come again.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct RequestId(pub u32);

/// The place of a device (SSD) among the devices of a scheduler, from 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DeviceIndex(pub u16);

/// How the time of a request is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum When {
    /// Then or not at all.
    #[default]
    Exact,
    /// As near to it as possible.
    Nearest {
        /// How far from it at most, in minutes; `None` for any distance.
        max_shift_minutes: Option<u16>,
    },
}

/// A scan request: the schedule and what to scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ScanRequest {
    /// Who asks.
    pub actor: ActorId,
    /// The Actor's number for it.
    pub request: RequestId,
    /// The device that is to scan.
    pub device: DeviceIndex,
    /// The start of the first occurrence, a whole minute.
    #[serde(with = "micros")]
    pub start: Utc,
    /// Minutes of each occurrence, 1 to 10,080.
    pub minutes: u16,
    /// How `start` is meant.
    pub when: When,
    /// Occurrences after the first.
    pub repeats: u16,
    /// Minutes from the start of an occurrence to the start of the next, at least
    /// `minutes`. Ignored without repeats.
    pub offset_minutes: u16,
    /// Whether the pattern may lie in this week and the next, all of it or nothing.
    /// Otherwise it lies in the week of `start`, and what would cross its end is refused.
    pub across_weeks: bool,
    /// What to scan. The calendar keeps it and does not look into it.
    pub parameters: ScanParameters,
}

/// Times as microseconds since 1970.
mod micros {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::time::Utc;

    pub(super) fn serialize<S: Serializer>(time: &Utc, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(time.unix_micros())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Utc, D::Error> {
        i64::deserialize(from).map(Utc::from_unix_micros)
    }
}

/// Why a request was refused. The calendar is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum RefusalReason {
    /// Exact time: a slot is taken, see [`Refusal::first_conflict`].
    Conflict,
    /// Nearest time: it fits nowhere from now to the end of the week, or not
    /// within the greatest shift.
    NoFit,
    /// The start is before the earliest that can be granted, or its week is over.
    InThePast,
    /// An occurrence would be in the week after the one of the start, or after next week
    /// where the pattern may lie in both.
    CrossesWeek,
    /// The start is later than next week.
    BeyondWindow,
    /// An occurrence of no minutes.
    ZeroMinutes,
    /// An occurrence longer than a week.
    TooLong,
    /// The offset is less than the minutes of an occurrence.
    OverlapsItself,
    /// The Actor would have more minutes in a week than the policy allows it.
    OverQuota,
    /// All would be free, were it not kept for short scans.
    ReservedForShort,
    /// There is no such device.
    UnknownDevice,
    /// There is no room for another recipe.
    TableFull,
    /// The Actor already used this number, for a request with other content.
    RequestIdReused,
    /// The start is not a whole minute.
    NotOnAMinute,
    /// The request it is to replace is not booked.
    UnknownRequest,
    /// Every occurrence of the request it is to replace has begun.
    AlreadyBegun,
}

impl RefusalReason {
    /// Every reason.
    pub const ALL: [Self; 16] = [
        Self::Conflict,
        Self::NoFit,
        Self::InThePast,
        Self::CrossesWeek,
        Self::BeyondWindow,
        Self::ZeroMinutes,
        Self::TooLong,
        Self::OverlapsItself,
        Self::OverQuota,
        Self::ReservedForShort,
        Self::UnknownDevice,
        Self::TableFull,
        Self::RequestIdReused,
        Self::NotOnAMinute,
        Self::UnknownRequest,
        Self::AlreadyBegun,
    ];

    /// A name for machines that never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::NoFit => "no_fit",
            Self::InThePast => "in_the_past",
            Self::CrossesWeek => "crosses_week",
            Self::BeyondWindow => "beyond_window",
            Self::ZeroMinutes => "zero_minutes",
            Self::TooLong => "too_long",
            Self::OverlapsItself => "overlaps_itself",
            Self::OverQuota => "over_quota",
            Self::ReservedForShort => "reserved_for_short",
            Self::UnknownDevice => "unknown_device",
            Self::TableFull => "table_full",
            Self::RequestIdReused => "request_id_reused",
            Self::NotOnAMinute => "not_on_a_minute",
            Self::UnknownRequest => "unknown_request",
            Self::AlreadyBegun => "already_begun",
        }
    }
}

impl fmt::Display for RefusalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "a slot is taken",
            Self::NoFit => "it fits nowhere",
            Self::InThePast => "it would start in the past",
            Self::CrossesWeek => "it would go on in the next week",
            Self::BeyondWindow => "it is later than next week",
            Self::ZeroMinutes => "a scan takes at least one minute",
            Self::TooLong => "a scan takes at most a week",
            Self::OverlapsItself => "its occurrences overlap",
            Self::OverQuota => "the Actor has no more minutes in this week",
            Self::ReservedForShort => "the slots are kept for short scans",
            Self::UnknownDevice => "there is no such device",
            Self::TableFull => "there is no room for another recipe",
            Self::RequestIdReused => "the request number is used for something else",
            Self::NotOnAMinute => "the start is not a whole minute",
            Self::UnknownRequest => "the request it is to replace is not booked",
            Self::AlreadyBegun => "all of the request it is to replace has begun",
        })
    }
}

/// A request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Refusal {
    /// Why.
    pub reason: RefusalReason,
    /// The first slot in the way of the pattern at the time that was asked for:
    /// with [`RefusalReason::Conflict`] always, with [`RefusalReason::NoFit`] and
    /// [`RefusalReason::ReservedForShort`] where there is one.
    pub first_conflict: Option<Utc>,
}

impl From<RefusalReason> for Refusal {
    fn from(reason: RefusalReason) -> Self {
        Self { reason, first_conflict: None }
    }
}

impl From<PatternError> for Refusal {
    fn from(error: PatternError) -> Self {
        Self::from(match error {
            PatternError::ZeroMinutes => RefusalReason::ZeroMinutes,
            PatternError::TooLong => RefusalReason::TooLong,
            PatternError::OverlapsItself => RefusalReason::OverlapsItself,
            PatternError::CrossesWeek => RefusalReason::CrossesWeek,
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        match self.first_conflict {
            Some(slot) => write!(f, ", first at {slot}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Refusal {}

/// Why nothing was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CancelError {
    /// There is no recipe of this Actor and number.
    UnknownRequest,
    /// Every occurrence has begun.
    AlreadyBegun,
}

impl CancelError {
    /// A name for machines that never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownRequest => "unknown_request",
            Self::AlreadyBegun => "already_begun",
        }
    }
}

impl fmt::Display for CancelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownRequest => "there is no such request",
            Self::AlreadyBegun => "every occurrence has begun",
        })
    }
}

impl core::error::Error for CancelError {}
