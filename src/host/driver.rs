//! Runs machines over sockets and a clock, in one thread and without waiting for
//! any one of them.

use std::boxed::Box;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use std::vec;

use mio::{Events, Poll, Registry, Token};

use super::clock::HostClock;
use super::net::{MAX_RECEIVED, UdpEndpoint};
use crate::machine::Machine;
use crate::time::{Instant, Now, earliest};

/// Something a driver runs: a machine with its sockets.
pub trait Entity {
    /// Has `registry` tell when something arrives at one of the sockets.
    ///
    /// # Errors
    /// What the system says.
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()>;

    /// Takes all that has arrived and does whatever is due.
    fn run(&mut self, now: Now);

    /// When it is next to be run even if nothing arrives.
    fn next_deadline(&self) -> Option<Instant>;
}

/// Waits for sockets and deadlines.
#[derive(Debug)]
pub struct Driver<C> {
    poll: Poll,
    events: Events,
    clock: C,
    tokens: usize,
}

impl<C: HostClock> Driver<C> {
    /// A driver that goes by `clock`.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(clock: C) -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, events: Events::with_capacity(64), clock, tokens: 0 })
    }

    /// Wakes for `entity` from now on.
    ///
    /// # Errors
    /// What the system says.
    pub fn add(&mut self, entity: &mut dyn Entity) -> io::Result<()> {
        let token = Token(self.tokens);
        self.tokens = self.tokens.saturating_add(1);
        entity.register(self.poll.registry(), token)
    }

    /// Runs all entities once, then waits until something arrives, a deadline
    /// passes, or `at_most` of real time is over. Returns the time of the run.
    ///
    /// # Errors
    /// What the system says.
    pub fn turn(&mut self, entities: &mut [&mut dyn Entity], at_most: Duration) -> io::Result<Now> {
        let now = self.clock.now();
        let mut next = None;
        for entity in entities.iter_mut() {
            entity.run(now);
        }
        // Asked after all have run: one may have spoken to another.
        for entity in entities.iter() {
            next = earliest(next, entity.next_deadline());
        }
        let wait = next.map_or(at_most, |deadline| {
            let left = deadline.since(self.clock.now().monotonic);
            self.clock.real(left).min(at_most)
        });
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(now),
            other => other.map(|()| now),
        }
    }

    /// A handle by which another thread ends the wait of [`Driver::turn`]; clone it
    /// for more than one.
    ///
    /// # Errors
    /// What the system says. A driver has one waker: asking twice is an error on
    /// some systems.
    pub fn waker(&self) -> io::Result<Waker> {
        mio::Waker::new(self.poll.registry(), WAKER).map(|waker| Waker(Arc::new(waker)))
    }

    /// The clock.
    #[must_use]
    pub const fn clock(&self) -> &C {
        &self.clock
    }
}

/// The token of the waker; those of entities count from 0.
const WAKER: Token = Token(usize::MAX);

/// Ends a driver's wait from another thread.
#[derive(Clone, Debug)]
pub struct Waker(Arc<mio::Waker>);

impl Waker {
    /// Ends the wait, or the next one if the driver is not waiting.
    ///
    /// # Errors
    /// What the system says.
    pub fn wake(&self) -> io::Result<()> {
        self.0.wake()
    }
}

/// A machine that speaks over one UDP socket: a configuration server or a
/// registrar at its MAMS endpoint.
#[derive(Debug)]
pub struct MachineHost<M> {
    /// The machine.
    pub machine: M,
    socket: UdpEndpoint,
    buffer: Box<[u8]>,
}

impl<M: Machine> MachineHost<M> {
    /// Runs `machine` over `socket`.
    #[must_use]
    pub fn new(machine: M, socket: UdpEndpoint) -> Self {
        Self { machine, socket, buffer: vec![0; MAX_RECEIVED].into_boxed_slice() }
    }
}

impl<M: Machine> Entity for MachineHost<M> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.socket.register(registry, token)
    }

    fn run(&mut self, now: Now) {
        while let Some((from, datagrams)) = self.socket.receive(&mut self.buffer) {
            for octets in datagrams {
                // The buffer is lent to the machine while the socket is lent as the transport.
                self.machine.receive(now, &from, octets, &mut self.socket);
            }
        }
        if self.machine.next_deadline().is_some_and(|deadline| now.monotonic >= deadline) {
            self.machine.tick(now, &mut self.socket);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.machine.next_deadline()
    }
}
