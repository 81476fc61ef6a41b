//! Scan reports, from a device to the SSM and from there to the Actor.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::scos::coding::coded;
use crate::scos::{ScanId, ScanParameters};

/// How an occurrence of a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Outcome {
    /// It was finished within its slot.
    Complete,
    /// It was not finished when its slot was over.
    Incomplete,
    /// It was not performed.
    Rejected(Rejection),
}

/// Why an occurrence was not performed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Rejection {
    /// The SSD: its clock was not set.
    Clock,
    /// The SSD: it was not running when the slot began.
    Missed,
    /// The SSD: it was occupied by another scan.
    Busy,
    /// The SSD: its front-end failed.
    Sensor,
    /// The SSD: its front-end cannot do what was asked.
    Unable,
    /// The SSM: no report came, though the recipe had arrived.
    NoReport,
    /// The SSM: the SSD was not associated.
    Offline,
    /// The SSM: the recipe did not arrive in time.
    Undelivered,
    /// The SSD started anew after the slot had begun: the SSM where the SSD knows nothing
    /// of it, and the SSD where it does.
    Restart,
    /// The SSM: its slot was given to a request of higher priority.
    Displaced,
}

/// The final report of one occurrence. The SSM forwards it as it is, or issues it
/// where the SSD cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report<'a> {
    /// Which occurrence.
    pub scan: ScanId,
    /// When its slot began, in minutes since 1970-01-01T00:00Z.
    pub start: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// From the begin of the scan to its end, in milliseconds; 0 where it was
    /// rejected.
    pub time_to_complete_ms: u32,
    /// The parameters as executed.
    pub parameters: ScanParameters,
    /// The revision of the metadata the SSD had then; 0 where the SSM issues it.
    pub metadata: u32,
    /// A summary of the spectrum, at most 1,024 octets, in a form Actor and
    /// sensor agree on; empty where there is none.
    pub spectrum: &'a [u8],
}

impl Report<'_> {
    /// The longest summary, in octets.
    pub const SPECTRUM_MAX: usize = 1_024;
}

impl Outcome {
    /// A name for machines that never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Rejected(_) => "rejected",
        }
    }
}

impl Rejection {
    /// A name for machines that never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Missed => "missed",
            Self::Busy => "busy",
            Self::Sensor => "sensor",
            Self::Unable => "unable",
            Self::NoReport => "no_report",
            Self::Offline => "offline",
            Self::Undelivered => "undelivered",
            Self::Restart => "restart",
            Self::Displaced => "displaced",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Rejected(reason) => write!(f, ": {reason}"),
            Self::Complete | Self::Incomplete => Ok(()),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

coded! {
    enum Outcome: 0 Complete, 1 Incomplete, 2 Rejected(reason); else Self::Incomplete;
    enum Rejection: 0 Clock, 1 Missed, 2 Busy, 3 Sensor, 4 Unable, 5 NoReport,
        6 Offline, 7 Undelivered, 8 Restart, 9 Displaced; else Self::NoReport;
    struct Report<'a>: scan, start, outcome, time_to_complete_ms, parameters, metadata, spectrum;
}
