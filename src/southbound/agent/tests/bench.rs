//! An agent, a link that keeps what it is given, and a device that does what it is told.

use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{cell::Cell, format};

use core::time::Duration;

use crate::crypto::{NoRandom, Random};
use crate::southbound::agent::{
    Agent, AgentConfig, AgentStorage, Answer, Call, Change, Device, DeviceFault, Event, Link,
    LinkState, Restored,
};
use crate::southbound::messages::{
    ConfigurationChangeValues, CreateEntryValues, DeleteEntryValues, DeleteRouteValues,
    FinalizeValues, FromControllerValues, RequestValues, Reset, SetRouteValues, StatusCode,
    Timestamp, ToController,
};
use crate::southbound::protobuf::Encode;
use crate::southbound::schedule::ChangeKey;
use crate::storage::Slot;
use crate::time::{ClockQuality, Instant, Now, Utc};
use crate::transport::SendError;

/// Counts, and so never gives the same twice.
#[derive(Debug, Default)]
pub(super) struct Counter {
    given: Cell<u64>,
    pub(super) is_empty: Cell<bool>,
}

impl Random for Counter {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        if self.is_empty.get() {
            return Err(NoRandom);
        }
        self.given.set(self.given.get().wrapping_add(1));
        let given = self.given.get().to_le_bytes();
        octets.iter_mut().zip(given.iter().cycle()).for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

/// What the agent has called, and said.
#[derive(Debug, Default)]
pub(super) struct Way {
    pub(super) resets: Vec<(Call, String)>,
    pub(super) opened: Vec<Call>,
    pub(super) closed: Vec<Call>,
    pub(super) hellos: Vec<(Call, String)>,
    /// Request ID and status of answers.
    pub(super) answers: Vec<(i64, i32)>,
    pub(super) exports: Vec<(Call, Vec<u8>)>,
    pub(super) is_busy: bool,
}

impl Way {
    fn take(&self) -> Result<(), SendError> {
        if self.is_busy { Err(SendError::Busy) } else { Ok(()) }
    }
}

impl Link for Way {
    fn reset(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        self.take()?;
        let reset = Reset::parse(request).unwrap();
        assert_eq!(reset.agent_id(), "post");
        self.resets.push((call, reset.schedule_manipulation_token().to_string()));
        Ok(())
    }

    fn open(&mut self, call: Call) -> Result<(), SendError> {
        self.take()?;
        self.opened.push(call);
        Ok(())
    }

    fn send(&mut self, call: Call, message: &[u8]) -> Result<(), SendError> {
        self.take()?;
        assert_eq!(self.opened.last(), Some(&call), "said on another stream");
        let message = ToController::parse(message).unwrap();
        if let Some(hello) = message.hello() {
            self.hellos.push((call, hello.agent_id().to_string()));
        }
        if let Some(response) = message.response() {
            assert_eq!(self.hellos.last().map(|hello| hello.0), Some(call), "no hello first");
            self.answers.push((response.request_id(), response.status().unwrap().code()));
        }
        Ok(())
    }

    fn close(&mut self, call: Call) {
        self.closed.push(call);
    }

    fn export(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        self.take()?;
        self.exports.push((call, request.to_vec()));
        Ok(())
    }
}

pub(super) fn name(key: &ChangeKey<'_>) -> String {
    format!("{:?} {} {}", key.kind, key.name, key.to)
}

/// What is configured, and how it came to be.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) configured: BTreeMap<String, Vec<u8>>,
    pub(super) steps: Vec<String>,
    pub(super) events: Vec<String>,
    pub(super) fails: bool,
}

impl Device for Board {
    fn apply(&mut self, _: Now, change: &Change<'_>) -> Result<(), DeviceFault> {
        self.steps.push(format!("+{}", name(&change.key)));
        if self.fails {
            return Err(DeviceFault);
        }
        let octets = change.request.raw().contiguous().unwrap();
        self.configured.insert(name(&change.key), octets.to_vec());
        Ok(())
    }

    fn remove(&mut self, _: Now, key: &ChangeKey<'_>) -> Result<(), DeviceFault> {
        self.steps.push(format!("-{}", name(key)));
        if self.fails {
            return Err(DeviceFault);
        }
        self.configured.remove(&name(key));
        Ok(())
    }

    fn event(&mut self, _: Now, event: Event<'_>) {
        self.events.push(format!("{event:?}"));
    }
}

/// So much storage.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) rows: usize,
    pub(super) octets: usize,
    pub(super) answers: usize,
    pub(super) metrics: usize,
}

pub(super) const ROOM: Room = Room { rows: 64, octets: 8_192, answers: 80, metrics: 1_024 };

fn leak<T: Clone>(value: T, count: usize) -> &'static mut [T] {
    Vec::leak(std::vec![value; count])
}

pub(super) fn storage(room: Room) -> AgentStorage<'static> {
    AgentStorage {
        rows: Vec::leak((0..room.rows).map(|_| Slot::EMPTY).collect()),
        octets: leak(0, room.octets),
        answers: leak(Answer::EMPTY, room.answers),
        buffer: leak(0, 128),
        metrics: core::array::from_fn(|_| leak(0, room.metrics)),
    }
}

pub(super) fn random() -> &'static Counter {
    std::boxed::Box::leak(std::boxed::Box::default())
}

pub(super) fn config() -> AgentConfig<'static> {
    AgentConfig { reserve: 128, ..AgentConfig::new("post", random()) }
}

/// Where the stories begin: 2024-05-10T00:00:00Z.
pub(super) const START: i64 = 1_715_299_200;

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp { seconds: START + second, nanos: 0 }
}

/// What a test asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Do {
    /// An entry of this number, at this second: the route of this number goes over the
    /// next hop of this number, or is deleted.
    Create {
        id: u8,
        second: i64,
        route: u8,
        via: Option<u8>,
    },
    Delete {
        id: u8,
    },
    Finalize {
        second: i64,
    },
}

impl Do {
    pub(super) fn encode(self, token: &str, seqno: u64, request_id: i64) -> Vec<u8> {
        match self {
            Self::Create { id, second, route, via: hop } => {
                let (id, to) = (format!("e{id}"), format!("192.0.2.{route}/32"));
                let via = format!("198.51.100.{}", hop.unwrap_or(0));
                let set = SetRouteValues { from: "", to: &to, dev: "eth0", via: &via };
                let unset = DeleteRouteValues { from: "", to: &to };
                let change = if hop.is_some() {
                    ConfigurationChangeValues::SetRoute(&set)
                } else {
                    ConfigurationChangeValues::DeleteRoute(&unset)
                };
                let create = CreateEntryValues {
                    schedule_manipulation_token: token,
                    seqno,
                    id: &id,
                    time: Some(at(second)),
                    time_gpst: None,
                    change: Some(change),
                };
                encode(request_id, RequestValues::CreateEntry(&create))
            }
            Self::Delete { id } => {
                let id = format!("e{id}");
                let schedule_manipulation_token = token;
                let delete = DeleteEntryValues { schedule_manipulation_token, seqno, id: &id };
                encode(request_id, RequestValues::DeleteEntry(&delete))
            }
            Self::Finalize { second } => {
                let finalize = FinalizeValues {
                    schedule_manipulation_token: token,
                    seqno,
                    up_to: Some(at(second)),
                    up_to_gpst: None,
                };
                encode(request_id, RequestValues::Finalize(&finalize))
            }
        }
    }
}

pub(super) fn encode(request_id: i64, request: RequestValues<'_>) -> Vec<u8> {
    let message = FromControllerValues { request_id, request: Some(request) };
    let mut buffer = std::vec![0; message.encoded_len()];
    message.encode(&mut buffer).unwrap().to_vec()
}

/// Everything together.
pub(super) struct Bench {
    pub(super) now: Now,
    pub(super) agent: Agent<'static>,
    pub(super) way: Way,
    pub(super) board: Board,
    /// The ID of the next request.
    pub(super) request_id: i64,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(config(), ROOM)
    }

    pub(super) fn with(config: AgentConfig<'static>, room: Room) -> Self {
        Self::of(Agent::new(config, storage(room)).unwrap())
    }

    pub(super) fn of(agent: Agent<'static>) -> Self {
        let now = Now {
            monotonic: Instant::from_micros(1_000_000),
            utc: Utc::from_unix_seconds(START),
            quality: ClockQuality::Synchronised,
        };
        Self { now, agent, way: Way::default(), board: Board::default(), request_id: 1 }
    }

    /// One whose stream is open.
    pub(super) fn open() -> Self {
        let mut bench = Self::new();
        bench.connect();
        bench
    }

    pub(super) fn open_with(config: AgentConfig<'static>, room: Room) -> Self {
        let mut bench = Self::with(config, room);
        bench.connect();
        bench
    }

    /// All that is on the way to the controller works.
    pub(super) fn connect(&mut self) {
        self.tick();
        if self.agent.link_state() == LinkState::Resetting {
            let call = self.way.resets.last().unwrap().0;
            self.reset_done(call, StatusCode::OK);
        }
        if self.agent.link_state() == LinkState::Opening {
            let call = *self.way.opened.last().unwrap();
            self.agent.stream_opened(self.now, call, &mut self.way, &mut self.board);
        }
    }

    pub(super) fn reset_done(&mut self, call: Call, status: StatusCode) {
        self.agent.reset_done(self.now, call, status, &mut self.way, &mut self.board);
    }

    pub(super) fn close(&mut self) {
        let call = *self.way.opened.last().unwrap();
        self.agent.stream_closed(self.now, call, &mut self.way, &mut self.board);
    }

    pub(super) fn tick(&mut self) {
        self.agent.tick(self.now, &mut self.way, &mut self.board);
        let due = self.agent.next_deadline();
        assert!(due.is_none_or(|due| due > self.now.monotonic), "a tick left something due");
    }

    /// Time passes; all that is due happens when it is.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now.monotonic.after(span);
        while let Some(due) = self.agent.next_deadline().filter(|due| *due <= end) {
            self.now = self.now.after(due.since(self.now.monotonic));
            self.tick();
        }
        self.now = self.now.after(end.since(self.now.monotonic));
        self.tick();
    }

    /// The clock shows this second, whatever it showed.
    pub(super) fn set_clock(&mut self, second: i64) {
        self.now.utc = Utc::from_unix_seconds(START + second);
    }

    pub(super) fn token(&self) -> String {
        self.way.resets.last().map(|(_, token)| token.clone()).unwrap_or_default()
    }

    /// Gives the agent a message, and returns the answers that follow.
    pub(super) fn give(&mut self, octets: &[u8]) -> Vec<(i64, i32)> {
        let before = self.way.answers.len();
        let call = *self.way.opened.last().unwrap();
        self.agent.receive(self.now, call, octets, &mut self.way, &mut self.board);
        self.way.answers[before..].to_vec()
    }

    /// Sends a request, and returns the answers that follow.
    pub(super) fn send(&mut self, seqno: u64, request: Do) -> Vec<(i64, i32)> {
        let request_id = self.request_id;
        self.request_id += 1;
        let octets = request.encode(&self.token(), seqno, request_id);
        self.give(&octets)
    }

    /// Sends a request, which is answered so, and at once.
    #[track_caller]
    pub(super) fn ask(&mut self, seqno: u64, request: Do, status: StatusCode) {
        let request_id = self.request_id;
        assert_eq!(self.send(seqno, request), [(request_id, status.0)], "{request:?}");
    }

    /// The routes there are: number and next hop.
    pub(super) fn routes(&self) -> BTreeMap<u8, u8> {
        let routes = self.board.configured.iter().map(|(name, octets)| {
            let number = name.split("192.0.2.").nth(1).unwrap().split('/').next().unwrap();
            let text = String::from_utf8_lossy(octets);
            let hop = text.split("198.51.100.").nth(1).unwrap();
            (number.parse().unwrap(), hop.parse().unwrap())
        });
        routes.collect()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.agent.entries().map(|entry| entry.id.to_string()).collect()
    }

    pub(super) fn restored(&self) -> Restored {
        *self.agent.restored()
    }
}

/// An entry: ID, second, route, next hop.
pub(super) const fn set(id: u8, second: i64, route: u8, via: u8) -> Do {
    Do::Create { id, second, route, via: Some(via) }
}

/// An entry that deletes a route: ID, second, route.
pub(super) const fn unset(id: u8, second: i64, route: u8) -> Do {
    Do::Create { id, second, route, via: None }
}

pub(super) const fn delete(id: u8) -> Do {
    Do::Delete { id }
}

pub(super) const fn finalize(second: i64) -> Do {
    Do::Finalize { second }
}
