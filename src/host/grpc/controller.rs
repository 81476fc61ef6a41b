//! Controllers that a driver runs, one for each agent that may call.

use std::borrow::ToOwned;
use std::boxed::Box;
use std::fmt;
use std::io;
use std::iter;
use std::string::String;
use std::vec;
use std::vec::Vec;

use mio::{Registry, Token};

use super::config::MetricsEra;
use super::server::{Called, GrpcServer, StreamId};
use crate::host::driver::Entity;
use crate::southbound::controller::{
    Controller, ControllerConfig, ControllerStorage, ControllerUser, RequestRow, ToAgent,
};
use crate::southbound::messages::{Reset, StatusCode, ToController};
use crate::storage::Slot;
use crate::time::{Instant, Now};
use crate::transport::SendError;

/// Calls taken in one run, so that agents that call without end stop nobody else.
const AT_ONCE: usize = 256;

/// The storage of a controller on a host.
pub struct ControllerMemory {
    rows: Box<[Slot<RequestRow>]>,
    octets: Box<[u8]>,
    buffer: Box<[u8]>,
}

impl ControllerMemory {
    /// Room for so many requests that are not answered, as many `octets` of them, and none
    /// longer than `longest`.
    #[must_use]
    pub fn new(requests: usize, octets: usize, longest: usize) -> Self {
        Self {
            rows: iter::repeat_with(|| Slot::EMPTY).take(requests).collect(),
            octets: vec![0; octets].into_boxed_slice(),
            buffer: vec![0; longest].into_boxed_slice(),
        }
    }

    /// As a controller takes it.
    pub fn storage(&mut self) -> ControllerStorage<'_> {
        ControllerStorage {
            rows: &mut self.rows,
            octets: &mut self.octets,
            buffer: &mut self.buffer,
        }
    }
}

impl fmt::Debug for ControllerMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControllerMemory").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

/// Who is told of all agents. Every method has a default that does nothing.
pub trait AgentsUser {
    /// The schedule of an agent is empty, and nothing is asked any more: what is wanted is to
    /// be asked for anew.
    fn reset(&mut self, _now: Now, _agent: &str) {}

    /// The stream of an agent is open.
    fn connected(&mut self, _now: Now, _agent: &str) {}

    /// The stream of an agent has ended.
    fn disconnected(&mut self, _now: Now, _agent: &str) {}

    /// A request was received, and is kept where the agent keeps anything.
    fn executed(&mut self, _now: Now, _agent: &str, _seqno: u64) {}

    /// A request will never be executed.
    fn refused(&mut self, _now: Now, _agent: &str, _seqno: u64, _status: StatusCode) {}

    /// An agent exported metrics: an `ExportMetricsRequest` of an era, which may be none. It
    /// does not say whose they are.
    fn metrics(&mut self, _now: Now, _era: MetricsEra, _request: &[u8]) {}

    /// Somebody called under an ID that no controller is for, or as none.
    fn stranger(&mut self, _now: Now, _agent: Option<&str>) {}
}

/// A controller and its agent.
struct Served<'s> {
    agent: String,
    controller: Controller<'s>,
    stream: Option<StreamId>,
}

/// Controllers of any number of agents, and the place where these call.
pub struct ControllerHost<'s, U> {
    /// Who is told.
    pub user: U,
    server: GrpcServer,
    served: Vec<Served<'s>>,
}

/// The user of one controller.
struct Of<'a, U> {
    user: &'a mut U,
    agent: &'a str,
}

impl<U: AgentsUser> ControllerUser for Of<'_, U> {
    fn reset(&mut self, now: Now) {
        self.user.reset(now, self.agent);
    }

    fn executed(&mut self, now: Now, seqno: u64) {
        self.user.executed(now, self.agent, seqno);
    }

    fn refused(&mut self, now: Now, seqno: u64, status: StatusCode) {
        self.user.refused(now, self.agent, seqno, status);
    }
}

/// The stream of one controller.
struct Stream<'a>(&'a GrpcServer, Option<StreamId>);

impl ToAgent for Stream<'_> {
    fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.0.send(self.1.ok_or(SendError::Unreachable)?, message)
    }
}

impl<'s, U: AgentsUser> ControllerHost<'s, U> {
    /// Nobody is served yet: agents that call are strangers.
    #[must_use]
    pub const fn new(server: GrpcServer, user: U) -> Self {
        Self { user, server, served: Vec::new() }
    }

    /// Serves the agent that `config` names, from now on. One that is served already is
    /// served by the new controller.
    pub fn serve(&mut self, config: ControllerConfig<'s>, memory: &'s mut ControllerMemory) {
        let agent = config.agent_id.to_owned();
        let controller = Controller::new(config, memory.storage());
        let served = Served { agent, controller, stream: None };
        match self.place(config.agent_id) {
            Ok(place) => {
                if let Some(room) = self.served.get_mut(place) {
                    *room = served;
                }
            }
            Err(place) => self.served.insert(place, served),
        }
    }

    /// The controller of an agent, and who is told.
    pub fn controller(&mut self, agent: &str) -> Option<(&mut Controller<'s>, &mut U)> {
        let place = self.place(agent).ok()?;
        Some((&mut self.served.get_mut(place)?.controller, &mut self.user))
    }

    /// The agents that are served, in order.
    pub fn agents(&self) -> impl Iterator<Item = &str> {
        self.served.iter().map(|served| served.agent.as_str())
    }

    /// Whether the stream of an agent is open.
    #[must_use]
    pub fn is_connected(&self, agent: &str) -> bool {
        let served = self.place(agent).ok().and_then(|place| self.served.get(place));
        served.is_some_and(|served| served.stream.is_some())
    }

    fn place(&self, agent: &str) -> Result<usize, usize> {
        self.served.binary_search_by(|served| served.agent.as_str().cmp(agent))
    }

    fn named(&mut self, now: Now, agent: Option<&str>) -> Option<(&mut Served<'s>, &mut U)> {
        let place = agent.and_then(|agent| self.place(agent).ok());
        match place.and_then(|place| self.served.get_mut(place)) {
            Some(served) => Some((served, &mut self.user)),
            None => {
                self.user.stranger(now, agent);
                None
            }
        }
    }

    fn take(&mut self, now: Now, called: Called) {
        match called {
            Called::Reset(request, reply) => reply.give(self.reset(now, &request)),
            Called::Said(stream, message) => self.said(now, stream, &message),
            Called::Ended(stream) => self.ended(now, stream),
            Called::Metrics(era, request) => self.user.metrics(now, era, &request),
        }
    }

    fn reset(&mut self, now: Now, request: &[u8]) -> StatusCode {
        let agent = Reset::parse(request).ok().map(|reset| reset.agent_id());
        match self.named(now, agent) {
            Some((Served { agent, controller, .. }, user)) => {
                controller.reset(now, request, &mut Of { user, agent })
            }
            None => StatusCode::NOT_FOUND,
        }
    }

    fn said(&mut self, now: Now, stream: StreamId, message: &[u8]) {
        if !self.served.iter().any(|served| served.stream == Some(stream)) {
            let hello = ToController::parse(message).ok().and_then(|message| message.hello());
            let Some((served, user)) = self.named(now, hello.map(|hello| hello.agent_id())) else {
                return self.server.close(stream);
            };
            // An agent has one stream: that of before is no more.
            let before = served.stream.replace(stream);
            if before.is_none() {
                user.connected(now, &served.agent);
            }
            if let Some(before) = before {
                self.server.close(before);
            }
        }
        let user = &mut self.user;
        let served = self.served.iter_mut().find(|served| served.stream == Some(stream));
        if let Some(Served { agent, controller, .. }) = served {
            controller.receive(now, message, &mut Of { user, agent });
        }
    }

    fn ended(&mut self, now: Now, stream: StreamId) {
        for served in &mut self.served {
            if served.stream == Some(stream) {
                served.stream = None;
                served.controller.stream_closed();
                self.user.disconnected(now, &served.agent);
            }
        }
    }

    /// Sends what is due.
    pub fn tick(&mut self, now: Now) {
        for served in &mut self.served {
            served.controller.tick(now, &mut Stream(&self.server, served.stream));
        }
    }
}

impl<U: AgentsUser> Entity for ControllerHost<'_, U> {
    /// It has no sockets: the [`Waker`](crate::host::driver::Waker) that its server was given
    /// ends the wait.
    fn register(&mut self, _registry: &Registry, _token: Token) -> io::Result<()> {
        Ok(())
    }

    fn run(&mut self, now: Now) {
        for _ in 0..AT_ONCE {
            let called: Option<Called> = self.server.next_call();
            match called {
                Some(called) => self.take(now, called),
                None => return self.tick(now),
            }
        }
        self.server.wake();
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.served.iter().filter_map(|served| served.controller.next_deadline()).min()
    }
}

impl<U> fmt::Debug for ControllerHost<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControllerHost")
            .field("server", &self.server)
            .field("agents", &self.served.len())
            .finish_non_exhaustive()
    }
}
