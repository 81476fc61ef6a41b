//! What an agent is told before it starts, and what it counts.

use core::time::Duration;

use super::{Answer, Pace};
use crate::crypto::Random;
use crate::southbound::schedule::ScheduleRow;
use crate::storage::Slot;
use crate::time::ClockQuality;

/// What becomes of the schedule when the stream ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum StreamPolicy {
    /// The schedule is reset, with a new token: nothing that was on its way matters any
    /// more. It is played as it is until the controller knows.
    #[default]
    Renew,
    /// The stream is opened again, and the schedule goes on under the same token.
    Resume,
}

/// When a request that came before its turn is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AckPolicy {
    /// When it is executed.
    #[default]
    OnExecute,
    /// When it is there, and kept. A status says then that a request was received and
    /// nothing else, as the later interface has it.
    OnReceipt,
}

/// What is done about a request that does not come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum GapPolicy {
    /// It is waited for, and [`Event::SeqGap`](super::Event::SeqGap) told.
    #[default]
    Wait,
    /// The schedule is reset besides.
    Renew,
}

/// What is done when the clock is set back by more than a little.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ClockPolicy {
    /// What was due stays so; time goes on when the clock has caught up.
    #[default]
    Clamp,
    /// The configuration is what it was at that time, as far as history is not finalized.
    Replay,
    /// The schedule is reset.
    Renew,
}

/// From a point in time on, how far GPS time is ahead of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LeapSeconds {
    /// The first second of UTC, in seconds since 1970-01-01T00:00:00Z.
    pub from: i64,
    /// Seconds.
    pub ahead: u8,
}

/// The leap seconds since 2006, as known in 2026; instants before are taken for later
/// ones by a second or more.
pub const LEAP_SECONDS: &[LeapSeconds] = &[
    LeapSeconds { from: i64::MIN, ahead: 14 },
    LeapSeconds { from: 1_230_768_000, ahead: 15 },
    LeapSeconds { from: 1_341_100_800, ahead: 16 },
    LeapSeconds { from: 1_435_708_800, ahead: 17 },
    LeapSeconds { from: 1_483_228_800, ahead: 18 },
];

/// What an agent is told before it starts.
#[derive(Clone, Copy, Debug)]
pub struct AgentConfig<'s> {
    /// The ID of the network node that it represents.
    pub agent_id: &'s str,
    /// Where tokens and jitter come from. It has to be fit for keys: a token that is
    /// guessed lets others write the schedule.
    pub random: &'s dyn Random,
    /// How the wait grows between attempts to reach the controller, to export metrics and
    /// to use the store.
    pub pace: Pace,
    /// What becomes of the schedule when the stream ends.
    pub on_stream_end: StreamPolicy,
    /// When a request that came before its turn is answered.
    pub acknowledge: AckPolicy,
    /// How far before its turn a request may come: with less than so many between it and
    /// the last one executed.
    pub window: u64,
    /// Octets that requests before their turn leave free for the one whose turn it is.
    pub reserve: usize,
    /// How long a request may be missing; `None` for ever.
    pub gap_timeout: Option<Duration>,
    /// What is done then.
    pub on_gap: GapPolicy,
    /// How long there may be no room for the request whose turn it is, until the schedule
    /// is reset.
    pub stall_timeout: Duration,
    /// By how much the clock may be set back without anybody caring.
    pub max_backstep: Duration,
    /// What is done when it is more.
    pub on_backstep: ClockPolicy,
    /// How good the clock must be for entries to be enacted.
    pub enact_from: ClockQuality,
    /// How good it must be for metrics to be taken and exported. With a clock that is not
    /// synchronised an agent has to be silent.
    pub report_from: ClockQuality,
    /// Whether a device is driven through what was in between when the clock goes over
    /// several entries at once, and not only to what is in force after them.
    pub drive_intermediate: bool,
    /// How the wait grows until what a device did not do is tried again; `None` when that
    /// is when something changes.
    pub enact_retry: Option<Pace>,
    /// Whether other content under an ID that is taken is answered `ALREADY_EXISTS`, and
    /// finalizing backwards `FAILED_PRECONDITION`. Controllers that send again what was
    /// answered with an error do so for ever.
    pub strict: bool,
    /// How far GPS time is ahead of UTC, in order.
    pub leap_seconds: &'s [LeapSeconds],
    /// How long the link may take to open a stream, to reset or to export.
    pub answer_timeout: Duration,
    /// How many octets of metrics are exported at once, at most.
    pub batch: usize,
    /// How long metrics may wait for others to be exported with.
    pub batch_delay: Duration,
}

impl<'s> AgentConfig<'s> {
    /// What suits most.
    #[must_use]
    pub const fn new(agent_id: &'s str, random: &'s dyn Random) -> Self {
        Self {
            agent_id,
            random,
            pace: Pace::NOMINAL,
            on_stream_end: StreamPolicy::Renew,
            acknowledge: AckPolicy::OnExecute,
            window: 64,
            reserve: 512,
            gap_timeout: Some(Duration::from_secs(60)),
            on_gap: GapPolicy::Wait,
            stall_timeout: Duration::from_secs(30),
            max_backstep: Duration::from_secs(5),
            on_backstep: ClockPolicy::Clamp,
            enact_from: ClockQuality::FreeRunning,
            report_from: ClockQuality::Synchronised,
            drive_intermediate: false,
            enact_retry: Some(Pace::NOMINAL),
            strict: false,
            leap_seconds: LEAP_SECONDS,
            answer_timeout: Duration::from_secs(30),
            batch: 1_024,
            batch_delay: Duration::from_secs(1),
        }
    }
}

/// The storage of an agent.
#[derive(Debug)]
pub struct AgentStorage<'s> {
    /// Entries of the schedule and requests before their turn. Full: answered
    /// `RESOURCE_EXHAUSTED`.
    pub rows: &'s mut [Slot<ScheduleRow>],
    /// Their IDs and changes, and eight octets for each. Full: the same.
    pub octets: &'s mut [u8],
    /// Answers that the link has not taken. Full: the stream is closed, and all that was
    /// not answered comes again on the next.
    pub answers: &'s mut [Answer],
    /// Where a message to the controller is written: 72 octets more than the agent ID.
    pub buffer: &'s mut [u8],
    /// Metrics of each kind. Full: the oldest are dropped and counted.
    pub metrics: [&'s mut [u8]; 3],
}

/// Counters of an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct AgentStats {
    /// Messages received on the stream.
    pub messages: u64,
    /// Of those, messages that are no messages.
    pub malformed: u64,
    /// Results and messages of calls that were given up.
    pub stale_calls: u64,
    /// Requests executed.
    pub executed: u64,
    /// Requests with another token.
    pub wrong_token: u64,
    /// Requests of no kind that is known.
    pub unknown_requests: u64,
    /// Requests that can never be executed.
    pub invalid: u64,
    /// Requests that were executed before.
    pub duplicates: u64,
    /// Requests that waited for their turn.
    pub buffered: u64,
    /// Requests that wait already.
    pub repeated: u64,
    /// Requests with the number and not the content of one that waits.
    pub conflicts: u64,
    /// Requests too far before their turn.
    pub beyond_window: u64,
    /// Requests for which there was no room.
    pub no_room: u64,
    /// Requests that gave way to those whose turn was earlier.
    pub evicted: u64,
    /// Requests executed before one that found no room, to make some.
    pub overtaken: u64,
    /// Entries created.
    pub created: u64,
    /// Entries that were there already.
    pub repeated_entries: u64,
    /// Entries with the ID and not the content of one that is there.
    pub immutable_conflicts: u64,
    /// Entries for a time that is finalized.
    pub final_entries: u64,
    /// Requests whose two times differ.
    pub times_differ: u64,
    /// Entries deleted.
    pub deleted: u64,
    /// Entries to be deleted that were not there, or final.
    pub delete_missing: u64,
    /// Requests to finalize that did.
    pub finalized: u64,
    /// Requests to finalize up to before what is final.
    pub finalized_backwards: u64,
    /// Changes made, and cleared, by the device.
    pub enacted: u64,
    /// Of those, changes the device did not make.
    pub enact_failures: u64,
    /// Entries of no kind that is known, whose time came.
    pub unsupported: u64,
    /// How often the clock was set back by more than a little.
    pub clock_steps: u64,
    /// How often a request was missing for too long.
    pub gaps: u64,
    /// How often there was no room for too long.
    pub stalls: u64,
    /// How often the schedule was reset.
    pub resets: u64,
    /// Attempts to reset or to open the stream that failed.
    pub failed_calls: u64,
    /// Streams opened.
    pub streams: u64,
    /// Streams that ended.
    pub streams_ended: u64,
    /// Answers sent.
    pub answers: u64,
    /// Answers there was no room for.
    pub answers_lost: u64,
    /// How often there was no random number for a token.
    pub no_random: u64,
}
