//! Scan requests of an Actor and their answers.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::scos::{ActorId, Limit, RequestId, ScanParameters, Series};

/// Whether a scan may be at another time than asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum When {
    /// At the time asked for or not at all.
    #[default]
    Exact,
    /// At the nearest time that is free; the earlier of two.
    Nearest {
        /// The longest shift either way, in minutes; `None` for any.
        max_shift: Option<u16>,
    },
}

/// Actor to SSM: a request for a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanRequest<'a> {
    /// The Actor.
    pub actor: ActorId,
    /// The number of the request. The same number with the same content is the
    /// same request, however often it arrives.
    pub request: RequestId,
    /// The least number the Actor still waits for an answer to. Of settled
    /// requests below it the SSM need remember nothing.
    pub floor: RequestId,
    /// The device ID, 1 to 32 octets.
    pub device: &'a str,
    /// The slots asked for.
    pub series: Series,
    /// Whether they may be shifted.
    pub when: When,
    /// What to measure.
    pub parameters: ScanParameters,
}

/// Actor to SSM: the occurrences that have not begun are to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The Actor.
    pub actor: ActorId,
    /// The number of the scan request.
    pub request: RequestId,
    /// As in [`ScanRequest::floor`].
    pub floor: RequestId,
}

/// SSM to Actor: the scan is booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted<'a> {
    /// The Actor.
    pub actor: ActorId,
    /// The number of the request.
    pub request: RequestId,
    /// The device, echoed.
    pub device: &'a str,
    /// The slots booked; the start may be another than asked for.
    pub series: Series,
    /// The parameters, echoed.
    pub parameters: ScanParameters,
}

/// SSM to Actor: the scan is not booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The Actor.
    pub actor: ActorId,
    /// The number of the request.
    pub request: RequestId,
    /// Why.
    pub reason: Refusal,
    /// The first slot that stood in the way, in minutes since 1970-01-01T00:00Z.
    pub first_conflict: Option<i64>,
}

/// SSM to Actor: the scan is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// The Actor.
    pub actor: ActorId,
    /// The number of the request.
    pub request: RequestId,
    /// How many occurrences, counted from the first, had begun or were about to.
    /// They are performed and reported; no report is owed for the others.
    pub keep: u16,
}

/// Why a scan is not booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// A slot is taken.
    Conflict,
    /// A slot is kept for short scans.
    Reserved,
    /// It would begin in the past, or too soon for the SSD to hear of it.
    Past,
    /// It lies beyond the weeks that are held.
    BeyondHorizon,
    /// The last occurrence would end in another week than the first begins in.
    CrossesWeek,
    /// The minutes are 0 or more than a week.
    Minutes,
    /// The offset is less than the minutes.
    OverlapsItself,
    /// No shift within the limit is free.
    NoneNear,
    /// The Actor would have more minutes of the week than it may.
    Quota,
    /// No device has this ID.
    UnknownDevice,
    /// The device is not associated, or has not said yet what it can do.
    Offline,
    /// The device cannot do it.
    OutOfCapability(Limit),
    /// The device holds no more recipes.
    ScheduleFull,
    /// The SSM does not know the time.
    Clock,
    /// The number was used for another request.
    NumberReused,
    /// The number is below the floor and the SSM has forgotten it.
    Forgotten,
    /// The SSM has no room now. This is no answer: the Actor asks again.
    Busy,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "conflict",
            Self::Reserved => "reserved",
            Self::Past => "past",
            Self::BeyondHorizon => "beyond_horizon",
            Self::CrossesWeek => "crosses_week",
            Self::Minutes => "minutes",
            Self::OverlapsItself => "overlaps_itself",
            Self::NoneNear => "none_near",
            Self::Quota => "quota",
            Self::UnknownDevice => "unknown_device",
            Self::Offline => "offline",
            Self::OutOfCapability(limit) => return write!(f, "out_of_capability: {limit}"),
            Self::ScheduleFull => "schedule_full",
            Self::Clock => "clock",
            Self::NumberReused => "number_reused",
            Self::Forgotten => "forgotten",
            Self::Busy => "busy",
        })
    }
}
