//! An agent that a driver runs.

use std::boxed::Box;
use std::fmt;
use std::io;
use std::iter;
use std::vec;
use std::vec::Vec;

use mio::{Registry, Token};

use super::link::{GrpcLink, Outcome};
use crate::host::driver::Entity;
use crate::southbound::agent::{Agent, AgentStorage, Answer, Device};
use crate::southbound::schedule::ScheduleRow;
use crate::storage::Slot;
use crate::time::{Instant, Now};

/// Outcomes taken in one run, so that a controller that sends without end stops nobody
/// else.
const AT_ONCE: usize = 256;

/// The storage of an agent on a host.
pub struct AgentMemory {
    rows: Box<[Slot<ScheduleRow>]>,
    octets: Box<[u8]>,
    answers: Box<[Answer]>,
    buffer: Box<[u8]>,
    metrics: [Vec<u8>; 3],
}

impl AgentMemory {
    /// Room for so many entries and requests before their turn, for as many `octets` of
    /// them, and for so many octets of metrics of each kind.
    #[must_use]
    pub fn new(entries: usize, octets: usize, metrics: usize) -> Self {
        Self {
            rows: iter::repeat_with(|| Slot::EMPTY).take(entries).collect(),
            octets: vec![0; octets].into_boxed_slice(),
            answers: vec![Answer::EMPTY; 256].into_boxed_slice(),
            buffer: vec![0; 1_024].into_boxed_slice(),
            metrics: [vec![0; metrics], vec![0; metrics], vec![0; metrics]],
        }
    }

    /// As an agent takes it.
    pub fn storage(&mut self) -> AgentStorage<'_> {
        let [states, statistics, links] = &mut self.metrics;
        AgentStorage {
            rows: &mut self.rows,
            octets: &mut self.octets,
            answers: &mut self.answers,
            buffer: &mut self.buffer,
            metrics: [states, statistics, links],
        }
    }
}

impl fmt::Debug for AgentMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentMemory")
            .field("rows", &self.rows.len())
            .field("octets", &self.octets.len())
            .finish_non_exhaustive()
    }
}

/// An agent, the device it configures and its link.
#[derive(Debug)]
pub struct AgentHost<'s, D> {
    /// The machine.
    pub agent: Agent<'s>,
    /// What it configures.
    pub device: D,
    /// Its way to the controller.
    pub link: GrpcLink,
}

impl<'s, D: Device> AgentHost<'s, D> {
    /// Runs `agent` over `link`.
    #[must_use]
    pub const fn new(agent: Agent<'s>, device: D, link: GrpcLink) -> Self {
        Self { agent, device, link }
    }

    fn take(&mut self, now: Now, outcome: Outcome) {
        let Self { agent, device, link } = self;
        match outcome {
            Outcome::ResetDone(call, status) => agent.reset_done(now, call, status, link, device),
            Outcome::Opened(call) => agent.stream_opened(now, call, link, device),
            Outcome::Message(call, octets) => agent.receive(now, call, &octets, link, device),
            Outcome::Closed(call, _) => agent.stream_closed(now, call, link, device),
            Outcome::Exported(call, status) => agent.exported(now, call, status),
        }
    }
}

impl<D: Device> Entity for AgentHost<'_, D> {
    /// It has no sockets: the [`Waker`](crate::host::driver::Waker) that its link was given
    /// ends the wait.
    fn register(&mut self, _registry: &Registry, _token: Token) -> io::Result<()> {
        Ok(())
    }

    fn run(&mut self, now: Now) {
        for _ in 0..AT_ONCE {
            match self.link.next_outcome() {
                Some(outcome) => self.take(now, outcome),
                // Ticked even where nothing is due: the clock may have been set.
                None => return self.agent.tick(now, &mut self.link, &mut self.device),
            }
        }
        self.link.wake();
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.agent.next_deadline()
    }
}
