//! Scan requests of an Actor and their answers.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::scos::calendar::RefusalReason;
use crate::scos::{ActorId, Limit, RequestId, ScanParameters, Series, When};

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
    /// The calendar says no.
    Calendar(RefusalReason),
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
    /// The number was used, and the SSM has forgotten for what; or it is below the
    /// floor, and the SSM may have.
    Forgotten,
    /// The SSM has no room now. This is no answer: the Actor asks again.
    Busy,
    /// The link is another Actor's.
    NotAuthorised,
}

impl Refusal {
    /// A name for machines that never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calendar(reason) => reason.name(),
            Self::UnknownDevice => "unknown_device",
            Self::Offline => "offline",
            Self::OutOfCapability(_) => "out_of_capability",
            Self::ScheduleFull => "schedule_full",
            Self::Clock => "clock",
            Self::NumberReused => "number_reused",
            Self::Forgotten => "forgotten",
            Self::Busy => "busy",
            Self::NotAuthorised => "not_authorised",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calendar(reason) => reason.fmt(f),
            Self::UnknownDevice => f.write_str("there is no such device"),
            Self::Offline => f.write_str("the device is not associated"),
            Self::OutOfCapability(limit) => write!(f, "the device cannot do it: {limit}"),
            Self::ScheduleFull => f.write_str("the device holds no more recipes"),
            Self::Clock => f.write_str("the SSM does not know the time"),
            Self::NumberReused => f.write_str("the request number is used for something else"),
            Self::Forgotten => f.write_str("the request is settled and forgotten"),
            Self::Busy => f.write_str("the SSM has no room now"),
            Self::NotAuthorised => f.write_str("the link is another Actor's"),
        }
    }
}
