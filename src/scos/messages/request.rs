//! Scan requests of an Actor and their answers.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::is_id;
use crate::scos::calendar::RefusalReason;
use crate::scos::coding::coded;
use crate::scos::{ActorId, Limit, RequestId, ScanParameters, Series, When};

/// How many devices a request may name.
pub const DEVICES_MAX: usize = 8;

/// The device a scan is to be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Devices<'a> {
    /// This one, by its device ID, 1 to 32 octets.
    One(&'a str),
    /// One of these, of which there is at least the first.
    AnyOf(#[serde(borrow)] [Option<&'a str>; DEVICES_MAX]),
    /// Any that is there and can do it.
    Any,
}

impl<'a> Devices<'a> {
    /// One of the devices with these IDs; `None` when there are none or more than eight.
    #[must_use]
    pub fn any_of(ids: &[&'a str]) -> Option<Self> {
        if ids.is_empty() || ids.len() > DEVICES_MAX {
            return None;
        }
        let mut all = [None; DEVICES_MAX];
        all.iter_mut().zip(ids).for_each(|(to, id)| *to = Some(*id));
        Some(Self::AnyOf(all))
    }

    /// The IDs it names, in order.
    pub fn ids(&self) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let (one, some) = match *self {
            Self::One(id) => (Some(id), [None; DEVICES_MAX]),
            Self::AnyOf(ids) => (None, ids),
            Self::Any => (None, [None; DEVICES_MAX]),
        };
        one.into_iter().chain(some.into_iter().flatten())
    }

    /// Whether each ID is as long as it may be, and there is one where there has to be.
    pub(crate) fn is_sound(&self) -> bool {
        let named = match self {
            Self::One(_) | Self::Any => true,
            Self::AnyOf(ids) => ids.first().is_some_and(Option::is_some),
        };
        named && self.ids().all(is_id)
    }
}

impl<'a> From<&'a str> for Devices<'a> {
    fn from(id: &'a str) -> Self {
        Self::One(id)
    }
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
    /// The request of the same Actor that this takes the place of, in one step: what has not
    /// begun of it is dropped if this is granted, and stays if it is refused.
    pub replaces: Option<RequestId>,
    /// Nothing is to be booked: the answer is what it would be, and is not remembered.
    pub dry_run: bool,
    /// The device.
    #[serde(borrow)]
    pub devices: Devices<'a>,
    /// The slots asked for.
    pub series: Series,
    /// Whether they may be shifted.
    pub when: When,
    /// Whether they may lie in this week and the next, all of them or none.
    pub across_weeks: bool,
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
    /// Nothing is booked: it would be.
    pub dry_run: bool,
    /// Where it takes the place of another request, how many occurrences of that, counted
    /// from the first, had begun or were about to. They are performed and reported.
    pub replaced: Option<u16>,
    /// The device that scans.
    pub device: &'a str,
    /// The slots booked; the start may be another than asked for.
    pub series: Series,
    /// The parameters, echoed.
    pub parameters: ScanParameters,
}

/// SSM to Actor: the scan is not booked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused<'a> {
    /// The Actor.
    pub actor: ActorId,
    /// The number of the request.
    pub request: RequestId,
    /// Why.
    pub reason: Refusal,
    /// The first slot that stood in the way, in minutes since 1970-01-01T00:00Z.
    pub first_conflict: Option<i64>,
    /// Where it would have been granted, if that is a matter of time. Nothing is booked there.
    #[serde(borrow)]
    pub alternative: Option<Alternative<'a>>,
}

/// A place that was free when a request was refused: of the devices asked for, the start
/// nearest to the one asked for, however far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alternative<'a> {
    /// The device ID, 1 to 32 octets.
    pub device: &'a str,
    /// The start of the first occurrence, in minutes since 1970-01-01T00:00Z.
    pub start: i64,
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

coded! {
    enum Devices<'a>: 0 One(id), 1 AnyOf(ids), 2 Any; else Self::Any;
    struct ScanRequest<'a>: actor, request, floor, replaces, dry_run, devices, series, when,
        across_weeks, parameters;
    struct Cancel: actor, request, floor;
    struct Granted<'a>: actor, request, dry_run, replaced, device, series, parameters;
    struct Refused<'a>: actor, request, reason, first_conflict, alternative;
    struct Alternative<'a>: device, start;
    struct Cancelled: actor, request, keep;
    enum Refusal: 0 Calendar(reason), 1 UnknownDevice, 2 Offline,
        3 OutOfCapability(limit), 4 ScheduleFull, 5 Clock, 6 NumberReused, 7 Forgotten, 8 Busy,
        9 NotAuthorised; else Self::Forgotten;
}
