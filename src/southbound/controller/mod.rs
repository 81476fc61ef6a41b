//! A controller of one agent, for ground software and for trials: it numbers requests, sends
//! them until they are answered, and begins anew when the agent's schedule was reset.
//!
//! | state of a request | event | next | does |
//! |---|---|---|---|
//! | | [`Controller::ask`] | owed | gives it the next sequence number |
//! | owed | the stream is open, and less than the window are under way | sent | sends it under a new request ID |
//! | sent | answered OK | | [`ControllerUser::executed`] |
//! | sent | answered that it cannot be now: no room, not kept, too slow | owed, after a while | |
//! | sent | answered with any other error | | [`ControllerUser::refused`] |
//! | sent | the stream ends | owed | |
//! | any | the agent resets its schedule | | is forgotten: [`ControllerUser::reset`], who asks anew for what is wanted |
//!
//! What is wanted belongs to its user: a controller holds what is not answered, and no
//! schedule. How it is reached is outside: [`Controller::reset`] is the RPC `Reset`, the
//! stream is `ReceiveRequests`.

#[cfg(test)]
mod tests;

use core::fmt;
use core::time::Duration;

use heapless::String;

use super::messages::{
    ConfigurationChangeValues, CreateEntryValues, DeleteEntryValues, FinalizeValues,
    FromController, FromControllerValues, RequestValues, Reset, StatusCode, Timestamp,
    ToController,
};
use super::protobuf::{Encode, Encoder};
use super::schedule::{Arena, Holder};
use crate::machine::count;
use crate::storage::{Row, Slot, Table};
use crate::time::{Instant, Now};
use crate::transport::SendError;

/// The longest token that is taken, in octets.
pub const TOKEN_MAX: usize = 128;

/// The fields of all requests that a controller writes itself.
const TOKEN: u8 = 1;
const SEQNO: u8 = 2;

/// Octets of the longest request ID, with its tag.
const REQUEST_ID_OCTETS: usize = 11;

/// What is asked of an agent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wish<'a> {
    /// An entry of the schedule.
    Create {
        /// Its ID.
        id: &'a str,
        /// When its change is to be made.
        time: Timestamp,
        /// The change.
        change: ConfigurationChangeValues<'a>,
    },
    /// No entry of this ID.
    Delete {
        /// The ID.
        id: &'a str,
    },
    /// A promise: nothing before this instant is asked to change.
    Finalize {
        /// The instant.
        up_to: Timestamp,
    },
}

/// Why something is not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AskError {
    /// The agent has not reset its schedule yet: there is no token.
    NoToken,
    /// There is no room before others are answered, or ever.
    NoRoom,
    /// The message has no request of a kind that is known.
    NoRequest,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoToken => "the agent has not told its token yet",
            Self::NoRoom => "there is no room for another request",
            Self::NoRequest => "that is no request",
        })
    }
}

impl core::error::Error for AskError {}

/// Room for a request that is not answered.
#[derive(Clone, Copy, Debug)]
pub struct RequestRow {
    seqno: u64,
    request_id: i64,
    at: u32,
    /// When it is sent; [`Instant::MAX`] where it was.
    due: Instant,
}

impl Row for RequestRow {
    type Key = u64;

    fn key(&self) -> u64 {
        self.seqno
    }
}

impl Holder for RequestRow {
    fn part(&self) -> Option<u32> {
        Some(self.at)
    }

    fn moved(&mut self, to: u32) {
        self.at = to;
    }
}

/// The storage of a controller.
#[derive(Debug)]
pub struct ControllerStorage<'s> {
    /// Requests that are not answered. Full: [`AskError::NoRoom`].
    pub rows: &'s mut [Slot<RequestRow>],
    /// Their octets, and eight for each. Full: the same.
    pub octets: &'s mut [u8],
    /// Where a request is written to be sent: as long as the longest, and eleven octets.
    pub buffer: &'s mut [u8],
}

/// What a controller is told before it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControllerConfig<'s> {
    /// The agent.
    pub agent_id: &'s str,
    /// How many requests are under way at once, at most.
    pub window: usize,
    /// After how long a request that could not be executed is sent again.
    pub resend: Duration,
}

impl<'s> ControllerConfig<'s> {
    /// 32 requests under way, and a second until one is sent again.
    #[must_use]
    pub const fn new(agent_id: &'s str) -> Self {
        Self { agent_id, window: 32, resend: Duration::from_secs(1) }
    }
}

/// Who uses a controller. Every method has a default that does nothing.
pub trait ControllerUser {
    /// The schedule of the agent is empty, and nothing is asked any more: what is wanted is
    /// to be asked for anew.
    fn reset(&mut self, _now: Now) {}

    /// A request was received, and is kept where the agent keeps anything.
    fn executed(&mut self, _now: Now, _seqno: u64) {}

    /// A request will never be executed.
    fn refused(&mut self, _now: Now, _seqno: u64, _status: StatusCode) {}
}

/// Nobody watches.
impl ControllerUser for () {}

/// Counters of a controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ControllerStats {
    /// Resets of the agent's schedule.
    pub resets: u64,
    /// Resets of other agents, or that are none.
    pub stray_resets: u64,
    /// Messages that are none, or hellos of other agents.
    pub malformed: u64,
    /// Requests sent, each time counted.
    pub sent: u64,
    /// Requests the stream did not take; they go out later.
    pub send_refused: u64,
    /// Requests answered OK.
    pub executed: u64,
    /// Answers that a request cannot be executed now.
    pub put_off: u64,
    /// Requests that will never be executed.
    pub refused: u64,
    /// Answers to nothing that is asked.
    pub stray_answers: u64,
}

/// A stream to an agent.
pub trait ToAgent {
    /// Sends a `ReceiveRequestsMessageFromController`.
    ///
    /// # Errors
    /// [`SendError`] when it cannot be taken now; it is sent again.
    fn send(&mut self, message: &[u8]) -> Result<(), SendError>;
}

/// A controller of one agent.
pub struct Controller<'s> {
    config: ControllerConfig<'s>,
    rows: Table<'s, RequestRow>,
    arena: Arena<'s>,
    buffer: &'s mut [u8],
    token: String<TOKEN_MAX>,
    next_seqno: u64,
    next_request: i64,
    is_open: bool,
    stats: ControllerStats,
}

impl<'s> Controller<'s> {
    /// A controller that awaits its agent.
    #[must_use]
    pub fn new(config: ControllerConfig<'s>, storage: ControllerStorage<'s>) -> Self {
        Self {
            config,
            rows: Table::new(storage.rows),
            arena: Arena::new(storage.octets),
            buffer: storage.buffer,
            token: String::new(),
            next_seqno: 1,
            next_request: 1,
            is_open: false,
            stats: ControllerStats::default(),
        }
    }

    /// The agent calls `Reset` with a `ResetRequest`. Returns the status of the call.
    pub fn reset(&mut self, now: Now, request: &[u8], user: &mut dyn ControllerUser) -> StatusCode {
        let token =
            Reset::parse(request).ok().filter(|reset| reset.agent_id() == self.config.agent_id);
        let token = token.map(|reset| reset.schedule_manipulation_token());
        let Some(token) = token.and_then(|token| String::try_from(token).ok()) else {
            count(&mut self.stats.stray_resets);
            return StatusCode::INVALID_ARGUMENT;
        };
        // The same again is the same call, whose answer was lost.
        if self.token != token {
            self.token = token;
            self.rows.clear();
            self.arena.clear();
            (self.next_seqno, self.is_open) = (1, false);
            count(&mut self.stats.resets);
            user.reset(now);
        }
        StatusCode::OK
    }

    /// Asks for something. It goes out at the next tick.
    ///
    /// # Errors
    /// [`AskError`]; nothing is asked then.
    pub fn ask(&mut self, wish: &Wish<'_>) -> Result<u64, AskError> {
        if self.token.is_empty() {
            return Err(AskError::NoToken);
        }
        let token = self.token.clone();
        let (schedule_manipulation_token, seqno) = (token.as_str(), self.next_seqno);
        let (create, delete, finalize);
        let request = match *wish {
            Wish::Create { id, time, change } => {
                create = CreateEntryValues {
                    schedule_manipulation_token,
                    seqno,
                    id,
                    time: Some(time),
                    time_gpst: None,
                    change: Some(change),
                };
                RequestValues::CreateEntry(&create)
            }
            Wish::Delete { id } => {
                delete = DeleteEntryValues { schedule_manipulation_token, seqno, id };
                RequestValues::DeleteEntry(&delete)
            }
            Wish::Finalize { up_to } => {
                finalize = FinalizeValues {
                    schedule_manipulation_token,
                    seqno,
                    up_to: Some(up_to),
                    up_to_gpst: None,
                };
                RequestValues::Finalize(&finalize)
            }
        };
        // It is kept without a request ID, which is another each time it is sent.
        let message = FromControllerValues { request_id: 0, request: Some(request) };
        self.keep(message.encoded_len(), &|to| to.all(&message))
    }

    /// Asks for what `message` asks for, whoever wrote it: its request ID, its token and its
    /// sequence number do not count. It goes out at the next tick.
    ///
    /// # Errors
    /// [`AskError`]; nothing is asked then. A request in several parts is none.
    pub fn ask_as(&mut self, message: &FromController<'_>) -> Result<u64, AskError> {
        if self.token.is_empty() {
            return Err(AskError::NoToken);
        }
        let message = message.raw();
        let request = message.set().and_then(|kind| Some((kind, message.member(kind)?)));
        let (kind, request) = request.ok_or(AskError::NoRequest)?;
        let octets = request.contiguous().ok_or(AskError::NoRequest)?;
        let (token, seqno) = (self.token.clone(), self.next_seqno);
        let fields = |to: &mut Encoder<'_>| {
            to.len(TOKEN, token.as_bytes());
            to.varint(SEQNO, seqno);
            for field in request.fields() {
                if ![TOKEN, SEQNO].map(u32::from).contains(&field.number) {
                    to.raw(octets.get(field.start..field.end).unwrap_or_default());
                }
            }
        };
        let mut inner = Encoder::new(&mut []);
        fields(&mut inner);
        let write = |to: &mut Encoder<'_>| {
            to.start(kind, inner.length());
            fields(to);
        };
        let mut whole = Encoder::new(&mut []);
        write(&mut whole);
        self.keep(whole.length(), &write)
    }

    /// Keeps a request of so many octets until it is answered.
    fn keep(&mut self, length: usize, write: &dyn Fn(&mut Encoder<'_>)) -> Result<u64, AskError> {
        // With the longest request ID it is to fit where it is written to be sent.
        let fits = length.saturating_add(REQUEST_ID_OCTETS) <= self.buffer.len();
        if !fits || self.rows.len() >= self.rows.capacity() {
            return Err(AskError::NoRoom);
        }
        let seqno = self.next_seqno;
        let at = self.arena.take(length, &mut self.rows).ok_or(AskError::NoRoom)?;
        write(&mut Encoder::new(self.arena.get_mut(at)));
        let row = RequestRow { seqno, request_id: 0, at, due: Instant::ZERO };
        if self.rows.insert(row).is_err() {
            self.arena.give_back(at);
            return Err(AskError::NoRoom);
        }
        self.next_seqno = seqno.saturating_add(1);
        Ok(seqno)
    }

    /// The stream of the agent has ended. What is not answered goes out again on the next.
    pub fn stream_closed(&mut self) {
        self.is_open = false;
        for row in self.rows.iter_mut() {
            (row.due, row.request_id) = (Instant::ZERO, 0);
        }
    }

    /// A `ReceiveRequestsMessageToController` came on the stream.
    pub fn receive(&mut self, now: Now, octets: &[u8], user: &mut dyn ControllerUser) {
        let Ok(message) = ToController::parse(octets) else {
            return count(&mut self.stats.malformed);
        };
        if let Some(hello) = message.hello() {
            if hello.agent_id() != self.config.agent_id {
                return count(&mut self.stats.malformed);
            }
            self.stream_closed();
            self.is_open = true;
        }
        let Some(response) = message.response() else { return };
        let code = response.status().map_or(0, |status| status.code());
        self.answered(now, response.request_id(), StatusCode(code), user);
    }

    fn answered(
        &mut self,
        now: Now,
        request_id: i64,
        status: StatusCode,
        user: &mut dyn ControllerUser,
    ) {
        let asked = |row: &&mut RequestRow| request_id != 0 && row.request_id == request_id;
        let Some(row) = self.rows.iter_mut().find(asked) else {
            return count(&mut self.stats.stray_answers);
        };
        match status {
            StatusCode::RESOURCE_EXHAUSTED
            | StatusCode::UNAVAILABLE
            | StatusCode::ABORTED
            | StatusCode::CANCELLED
            | StatusCode::DEADLINE_EXCEEDED => {
                count(&mut self.stats.put_off);
                row.due = now.monotonic.after(self.config.resend);
                row.request_id = 0;
                return;
            }
            _ => {}
        }
        let seqno = row.seqno;
        if let Some(row) = self.rows.remove(seqno) {
            self.arena.give_back(row.at);
        }
        if status == StatusCode::OK {
            count(&mut self.stats.executed);
            user.executed(now, seqno);
        } else {
            count(&mut self.stats.refused);
            user.refused(now, seqno, status);
        }
    }

    /// Sends what is due, the lowest numbers first.
    pub fn tick(&mut self, now: Now, agent: &mut dyn ToAgent) {
        if !self.is_open {
            return;
        }
        // What is put off counts too: the agent waits for it before all others.
        for row in self.rows.iter_mut().take(self.config.window) {
            if row.due > now.monotonic {
                continue;
            }
            let mut encoder = Encoder::new(self.buffer);
            encoder.varint(1, self.next_request.cast_unsigned());
            encoder.raw(self.arena.get(Some(row.at)));
            let taken = encoder.finish().is_ok_and(|octets| agent.send(octets).is_ok());
            if !taken {
                count(&mut self.stats.send_refused);
                row.due = now.monotonic.after(self.config.resend);
                return;
            }
            count(&mut self.stats.sent);
            (row.due, row.request_id) = (Instant::MAX, self.next_request);
            self.next_request = self.next_request.wrapping_add(1).max(1);
        }
    }

    /// When to call [`Controller::tick`] next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let due = self.rows.iter().take(self.config.window).map(|row| row.due).min();
        due.filter(|due| self.is_open && *due != Instant::MAX)
    }

    /// How many requests are not answered.
    #[must_use]
    pub const fn unanswered(&self) -> usize {
        self.rows.len()
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &ControllerStats {
        &self.stats
    }
}

impl fmt::Debug for Controller<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controller")
            .field("unanswered", &self.rows)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
