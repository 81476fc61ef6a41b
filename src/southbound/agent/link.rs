//! Whom an agent speaks to: the controller, over a link that is lent, and the device.

use crate::southbound::messages::CreateEntry;
use crate::southbound::schedule::{ChangeKey, Moment};
use crate::time::Now;
use crate::transport::SendError;
use core::fmt;

/// The number of a call that an agent makes over its link. What comes back of a call
/// bears its number, so that what comes of one that was given up is told from what comes
/// of the one after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Call(pub u32);

/// The RPCs of the southbound interface, by gRPC or anything else.
///
/// Each method begins something and returns at once. What becomes of it is told by calls
/// into the agent, whenever it is known, and never from within one of these methods.
pub trait Link {
    /// Begins the unary RPC `Scheduling/Reset` with a `ResetRequest`. Its end is told with
    /// [`Agent::reset_done`](super::Agent::reset_done).
    ///
    /// # Errors
    /// [`SendError`] when it cannot begin now; it is tried again, with back-off.
    fn reset(&mut self, call: Call, request: &[u8]) -> Result<(), SendError>;

    /// Begins the RPC `Scheduling/ReceiveRequests`, a stream either way. That messages may
    /// be sent is told with [`Agent::stream_opened`](super::Agent::stream_opened), messages
    /// that come are given to [`Agent::receive`](super::Agent::receive), and that it ended
    /// or never began is told with [`Agent::stream_closed`](super::Agent::stream_closed).
    ///
    /// # Errors
    /// [`SendError`] when it cannot begin now; it is tried again, with back-off.
    fn open(&mut self, call: Call) -> Result<(), SendError>;

    /// Sends a `ReceiveRequestsMessageToController` on the stream.
    ///
    /// # Errors
    /// [`SendError`] when it cannot be taken now; it is sent again.
    fn send(&mut self, call: Call, message: &[u8]) -> Result<(), SendError>;

    /// Ends a call of any kind. Nothing more of it is waited for.
    fn close(&mut self, call: Call);

    /// Begins the unary RPC `Telemetry/ExportMetrics` with an `ExportMetricsRequest`. Its
    /// end is told with [`Agent::exported`](super::Agent::exported).
    ///
    /// # Errors
    /// [`SendError`] when it cannot begin now; it is tried again, with back-off.
    fn export(&mut self, call: Call, request: &[u8]) -> Result<(), SendError>;
}

/// A change for the device to make.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// What it is about.
    pub key: ChangeKey<'a>,
    /// When it was scheduled to: the beginning of a frame of beam hopping, for one.
    pub time: Moment,
    /// The ID of its entry.
    pub id: &'a str,
    /// The change: the `configuration_change` of this request. Other fields are not there.
    pub request: CreateEntry<'a>,
}

/// The device did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DeviceFault;

impl fmt::Display for DeviceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the device did not do what it was asked")
    }
}

impl core::error::Error for DeviceFault {}

/// What happens to an agent that its device or operator may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Event<'a> {
    /// The controller knows the schedule-manipulation token; the schedule is empty.
    Reset,
    /// The stream is open.
    Connected,
    /// The stream is not open any more.
    Disconnected,
    /// Requests wait for one that does not come.
    SeqGap {
        /// The sequence number that is missing.
        expected: u64,
        /// The first that waits.
        have: u64,
    },
    /// There is no room for an entry, and none was made in time; the schedule is reset.
    ScheduleFull {
        /// The request that found no room.
        seqno: u64,
    },
    /// The clock was set back so far.
    ClockStep(core::time::Duration),
    /// The time of an entry has come, and its change is of no kind that is known here.
    Unsupported {
        /// The ID of the entry.
        id: &'a str,
    },
}

/// What an agent configures.
///
/// A device is told what to do in the order of keys, and only what changes. What it is
/// told may be so already, after a restart: that is no fault.
pub trait Device {
    /// Makes a change: what it is about is from now on as it says, whatever it was.
    ///
    /// # Errors
    /// [`DeviceFault`]. It is tried again as [`AgentConfig::enact_retry`] says.
    ///
    /// [`AgentConfig::enact_retry`]: super::AgentConfig::enact_retry
    fn apply(&mut self, now: Now, change: &Change<'_>) -> Result<(), DeviceFault>;

    /// Clears what a change was about: there is none any more.
    ///
    /// # Errors
    /// [`DeviceFault`], as with [`Device::apply`].
    fn remove(&mut self, now: Now, key: &ChangeKey<'_>) -> Result<(), DeviceFault>;

    /// Something happened.
    fn event(&mut self, now: Now, event: Event<'_>) {
        let _ = (now, event);
    }
}
