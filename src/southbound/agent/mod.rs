//! The agent of a device: it keeps the schedule that a controller writes, enacts it on
//! time, and sends metrics.
//!
//! | link | event | next | does |
//! |---|---|---|---|
//! | down | an attempt is due, the schedule is to be reset | resetting | [`Link::reset`] with a new token |
//! | down | an attempt is due, the schedule goes on | opening | [`Link::open`] |
//! | resetting | done: OK | down | empties the schedule, and opens the stream at once |
//! | resetting | done: anything else; no answer in time | down | waits, longer each time |
//! | opening | [`Agent::stream_opened`] | open | says hello |
//! | opening | the stream is closed; no answer in time | down | waits, longer each time |
//! | open | [`Agent::stream_closed`] | down | waits; under [`StreamPolicy::Renew`] the schedule is to be reset |
//! | open | what came is no message; answers were lost; the schedule is to be reset | down | closes the stream, and as above |
//!
//! The schedule is played whatever becomes of the link, until the controller knows that it
//! is reset. The device keeps what it has then, until the new schedule replaces it or is
//! finalized for the first time.
//!
//! | request | event | next | answer |
//! |---|---|---|---|
//! | | its turn | executed | as below |
//! | | before its turn, and there is room | waiting | none yet, or OK under [`AckPolicy::OnReceipt`] |
//! | | too far before its turn, or no room | | `RESOURCE_EXHAUSTED` |
//! | | executed before | | OK |
//! | | another token, or none | | `FAILED_PRECONDITION` |
//! | | no sequence number | | `INVALID_ARGUMENT` |
//! | | of no kind that is known | | `UNIMPLEMENTED` |
//! | waiting | it comes again | waiting, and kept | OK to both |
//! | waiting | its turn | executed | as below |
//! | waiting | the one whose turn it is needs its room | | `RESOURCE_EXHAUSTED` |
//! | waiting | the one whose turn it is has no room, and this one makes some | executed | OK |
//!
//! | executed | when | entries | answer |
//! |---|---|---|---|
//! | create | its ID is new | created | OK |
//! | create | its ID is there, with the same content | | OK |
//! | create | its ID is there, with other content | | OK and a counter; [`AgentConfig::strict`]: `ALREADY_EXISTS` |
//! | create | for a time that is finalized | | `FAILED_PRECONDITION` |
//! | create | for no time, or one out of range | | `INVALID_ARGUMENT` |
//! | create | no room | | `RESOURCE_EXHAUSTED`; it stays its turn |
//! | delete | its ID is there, and may change | deleted | OK |
//! | delete | it is not | | OK and a counter |
//! | finalize | further than before | what cannot be seen of history is freed | OK |
//! | finalize | up to where it is | | OK |
//! | finalize | up to before | | OK and a counter; strict: `FAILED_PRECONDITION` |
//! | finalize | up to no time, or one out of range | | `INVALID_ARGUMENT` |
//!
//! What is not kept in the store yet is answered `UNAVAILABLE`: with a store
//! ([`Agent::with_store`]) nothing is said to be executed that a loss of power could undo.
//!
//! # Example
//!
//! ```
//! use farpost::crypto::{NoRandom, Random};
//! use farpost::southbound::agent::{
//!     Agent, AgentConfig, AgentStorage, Answer, Call, Change, Device, DeviceFault, Link,
//! };
//! use farpost::southbound::messages::StatusCode;
//! use farpost::southbound::schedule::ChangeKey;
//! use farpost::storage::Slot;
//! use farpost::time::Now;
//! use farpost::transport::SendError;
//!
//! // What the board implements: a modem and routes, and some way to the controller.
//! struct Modem;
//!
//! impl Device for Modem {
//!     fn apply(&mut self, _now: Now, change: &Change<'_>) -> Result<(), DeviceFault> {
//!         println!("{:?} is now {:?}", change.key, change.request.change());
//!         Ok(())
//!     }
//!     fn remove(&mut self, _now: Now, key: &ChangeKey<'_>) -> Result<(), DeviceFault> {
//!         println!("{key:?} is no more");
//!         Ok(())
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Way {
//!     begun: Vec<Call>,
//! }
//!
//! impl Link for Way {
//!     fn reset(&mut self, call: Call, _request: &[u8]) -> Result<(), SendError> {
//!         self.begun.push(call);
//!         Ok(())
//!     }
//!     fn open(&mut self, call: Call) -> Result<(), SendError> {
//!         self.begun.push(call);
//!         Ok(())
//!     }
//!     fn send(&mut self, _call: Call, _message: &[u8]) -> Result<(), SendError> {
//!         Ok(())
//!     }
//!     fn close(&mut self, _call: Call) {}
//!     fn export(&mut self, _call: Call, _request: &[u8]) -> Result<(), SendError> {
//!         Ok(())
//!     }
//! }
//!
//! #[derive(Debug)]
//! struct Generator; // of the processor
//! impl Random for Generator {
//!     fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
//!         octets.fill(4);
//!         Ok(())
//!     }
//! }
//!
//! # fn clock() -> Now { Now::default() }
//! // Room for 32 entries and requests of 4,096 octets in all.
//! let (mut rows, mut octets) = ([const { Slot::EMPTY }; 32], [0; 4_096]);
//! let (mut answers, mut buffer) = ([Answer::EMPTY; 16], [0; 128]);
//! let (mut states, mut statistics, mut links) = ([0; 512], [0; 2_048], [0; 1_024]);
//! let storage = AgentStorage {
//!     rows: &mut rows,
//!     octets: &mut octets,
//!     answers: &mut answers,
//!     buffer: &mut buffer,
//!     metrics: [&mut states, &mut statistics, &mut links],
//! };
//! let config = AgentConfig::new("1c1bb454-beea-47bd-841e-0a7eb234b34a", &Generator);
//! let mut agent = Agent::new(config, storage)?;
//!
//! let (mut way, mut modem) = (Way::default(), Modem);
//! agent.tick(clock(), &mut way, &mut modem); // calls Reset
//! agent.reset_done(clock(), way.begun[0], StatusCode::OK, &mut way, &mut modem);
//! agent.stream_opened(clock(), way.begun[1], &mut way, &mut modem); // says hello
//! assert_eq!(agent.stats().streams, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answers;
mod config;
mod enact;
mod journal;
mod link;
mod pace;
mod requests;
mod session;
#[cfg(test)]
mod tests;
mod token;

pub use answers::Answer;
pub use config::{
    AckPolicy, AgentConfig, AgentStats, AgentStorage, ClockPolicy, GapPolicy, LEAP_SECONDS,
    LeapSeconds, StreamPolicy,
};
pub use journal::Restored;
pub use link::{Call, Change, Device, DeviceFault, Event, Link};
pub(crate) use pace::Attempts;
pub use pace::Pace;
pub use session::LinkState;

use core::fmt;

use super::messages::StatusCode;
use super::protobuf::Encode;
use super::schedule::{Entry, Moment, Schedule};
use super::telemetry::{MetricKind, Telemetry, TelemetryStats};
use crate::machine::count;
use crate::time::{Instant, Now};
use answers::Answers;
use enact::Enactment;
use journal::Journal;
use requests::Blocked;
use session::Session;
use token::Token;

/// Octets of a message to the controller without the agent ID, and with a token.
const MESSAGE_OCTETS: usize = 72;

/// Storage of this size is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooSmall;

impl fmt::Display for TooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there has to be room for an answer, two rows and a message with the agent ID")
    }
}

impl core::error::Error for TooSmall {}

/// An agent.
pub struct Agent<'s> {
    config: AgentConfig<'s>,
    schedule: Schedule<'s>,
    /// The token of the schedule, and the one that it will have when it is reset.
    token: Option<Token>,
    fresh: Option<Token>,
    /// The sequence number whose turn it is.
    next: u64,
    /// Which of those after it are executed already: bit 0 is for itself.
    done: u64,
    /// The request whose turn it is and for which there is no room.
    blocked: Option<Blocked>,
    /// Since when a request is missing, and whether that was told.
    gap: Option<(Instant, bool)>,
    session: Session,
    /// The call made last.
    last_call: Call,
    answers: Answers<'s>,
    buffer: &'s mut [u8],
    enactment: Enactment,
    journal: Journal<'s>,
    telemetry: Telemetry<'s>,
    /// The clock as of the last call.
    seen: Now,
    /// The clock is behind what is due by more than a little, and that was told.
    is_behind: bool,
    stats: AgentStats,
}

impl<'s> Agent<'s> {
    /// An agent with an empty schedule, which reaches for its controller at the next tick.
    ///
    /// # Errors
    /// [`TooSmall`] when the storage is of no use: no room for an answer, two rows, or a
    /// message with the agent ID.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn new(config: AgentConfig<'s>, storage: AgentStorage<'s>) -> Result<Self, TooSmall> {
        let message = config.agent_id.len().saturating_add(MESSAGE_OCTETS);
        if storage.buffer.len() < message || storage.answers.is_empty() || storage.rows.len() < 2 {
            return Err(TooSmall);
        }
        Ok(Self {
            config,
            schedule: Schedule::new(storage.rows, storage.octets),
            token: None,
            fresh: None,
            next: 1,
            done: 0,
            blocked: None,
            gap: None,
            session: Session::NEW,
            last_call: Call(0),
            answers: Answers::new(storage.answers),
            buffer: storage.buffer,
            enactment: Enactment::NEW,
            journal: Journal::NONE,
            telemetry: Telemetry::new(storage.metrics),
            seen: Now::default(),
            is_behind: false,
            stats: AgentStats::default(),
        })
    }

    /// A `ReceiveRequestsMessageFromController` came on the stream of a call.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn receive(
        &mut self,
        now: Now,
        call: Call,
        octets: &[u8],
        link: &mut dyn Link,
        device: &mut dyn Device,
    ) {
        if !self.session.is_open(call) {
            return count(&mut self.stats.stale_calls);
        }
        // What is in the past is judged as of now.
        self.play(now, device);
        count(&mut self.stats.messages);
        self.take(now, octets, link);
        self.tick(now, link, device);
    }

    /// Does whatever is due.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn tick(&mut self, now: Now, link: &mut dyn Link, device: &mut dyn Device) {
        self.drain(now, link);
        // What the device has is known after a loss of power, so it is kept first.
        self.keep(now);
        self.play(now, device);
        self.watch(now, device);
        self.keep(now);
        self.reach(now, link, device);
        self.keep(now);
        if now.quality >= self.config.report_from {
            self.telemetry.export(now, &self.config, &mut self.last_call, link);
        }
    }

    /// When to call [`Agent::tick`] next. Any call may change the answer, and so may a step
    /// of the clock.
    #[must_use]
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn next_deadline(&self) -> Option<Instant> {
        // Never is the last of all instants.
        let mut due = self.play_due().min(self.watch_due());
        due = due.min(self.journal.due()).min(self.reach_due());
        if self.seen.quality >= self.config.report_from {
            due = due.min(self.telemetry.due(&self.config));
        }
        Some(due).filter(|due| *due != Instant::MAX)
    }

    /// Something happened to the schedule that is not known here: it is reset. It is
    /// played until the controller knows.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn renew(&mut self) {
        if !self.journal.renewing {
            self.journal.renewing = true;
            self.fresh = None;
            self.journal.changed();
        }
    }

    /// The controller knows the new token: the old schedule is no more.
    fn renewed(&mut self, now: Now, device: &mut dyn Device) {
        self.journal.begin();
        self.schedule.renew();
        if now.quality >= self.config.enact_from {
            self.schedule.now = Moment::of(now.utc);
        }
        self.token = self.fresh.take();
        (self.next, self.done) = (1, 0);
        (self.blocked, self.gap, self.is_behind) = (None, None, false);
        self.answers.clear();
        count(&mut self.stats.resets);
        device.event(now, Event::Reset);
    }

    /// Metrics to be exported: fields of an `ExportMetricsRequest` of whichever era the
    /// controller is of, [`ExportMetricsValues`] or [`ApiExportMetricsValues`]. Returns
    /// whether they were taken: with a clock that is not good enough, or where they are
    /// longer than all the room for metrics of their kind, they are not.
    ///
    /// [`ExportMetricsValues`]: super::messages::ExportMetricsValues
    /// [`ApiExportMetricsValues`]: super::messages::ApiExportMetricsValues
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn report(&mut self, now: Now, kind: MetricKind, metrics: &dyn Encode) -> bool {
        self.seen = now;
        let is_good = now.quality >= self.config.report_from;
        self.telemetry.add(now.monotonic, kind, metrics, is_good)
    }

    /// The end of a call of [`Link::export`].
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn exported(&mut self, now: Now, call: Call, status: StatusCode) {
        if !self.telemetry.exported(now.monotonic, call, status, &self.config) {
            count(&mut self.stats.stale_calls);
        }
    }

    /// All entries, in the order in which they are played, those of history first.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.schedule.entries()
    }

    /// The entries whose changes make the configuration: those in force that set
    /// something, by the time of their change.
    pub fn configuration(&self) -> impl Iterator<Item = Entry<'_>> {
        self.schedule.configuration()
    }

    /// How many requests wait for their turn.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.schedule.waiting().count()
    }

    /// The sequence number whose turn it is.
    #[must_use]
    pub const fn next_seqno(&self) -> u64 {
        self.next
    }

    /// Up to when the schedule is final; [`Moment::EARLIEST`] where nothing is.
    #[must_use]
    pub const fn finalized_up_to(&self) -> Moment {
        self.schedule.finalized
    }

    /// Where the way to the controller is.
    #[must_use]
    pub const fn link_state(&self) -> LinkState {
        self.session.state
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &AgentStats {
        &self.stats
    }

    /// The counters of its metrics.
    #[must_use]
    pub const fn telemetry_stats(&self) -> &TelemetryStats {
        self.telemetry.stats()
    }
}

impl fmt::Debug for Agent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The token is a secret between agent and controller.
        f.debug_struct("Agent")
            .field("next", &self.next)
            .field("link", &self.session.state)
            .field("schedule", &self.schedule)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
