//! Runs machines over sockets and a clock, in one thread and without waiting for
//! any one of them.

use std::boxed::Box;
use std::collections::HashSet;
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
    /// The entities that [`Driver::turn_due`] is to run whether they are due or not.
    ready: HashSet<usize>,
}

/// How many sockets are told of at once; others come next.
const EVENTS: usize = 1_024;

impl<C: HostClock> Driver<C> {
    /// A driver that goes by `clock`.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(clock: C) -> io::Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(EVENTS));
        Ok(Self { poll, events, clock, tokens: 0, ready: HashSet::new() })
    }

    /// Wakes for `entity` from now on.
    ///
    /// # Errors
    /// What the system says.
    pub fn add(&mut self, entity: &mut dyn Entity) -> io::Result<()> {
        let place = self.tokens;
        self.tokens = self.tokens.saturating_add(1);
        self.replace(place, entity)
    }

    /// Wakes for `entity`, which takes the place of the one that was added after
    /// `place` others.
    ///
    /// # Errors
    /// What the system says.
    pub fn replace(&mut self, place: usize, entity: &mut dyn Entity) -> io::Result<()> {
        self.ready.insert(place);
        entity.register(self.poll.registry(), Token(place))
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
        self.wait(next, at_most)?;
        Ok(now)
    }

    /// Runs those of thousands of entities for which something has arrived or is
    /// due; then as [`Driver::turn`]. All are run when they are new, and when the wait
    /// was ended by a [`Waker`]. `entities` are in the order in which they were added.
    ///
    /// # Errors
    /// What the system says.
    pub fn turn_due<E: Entity>(
        &mut self,
        entities: &mut [E],
        at_most: Duration,
    ) -> io::Result<Now> {
        let now = self.clock.now();
        let ready = std::mem::take(&mut self.ready);
        let all = ready.contains(&WAKER.0);
        for (place, entity) in entities.iter_mut().enumerate() {
            let due = || entity.next_deadline().is_some_and(|at| now.monotonic >= at);
            if all || ready.contains(&place) || due() {
                entity.run(now);
            }
        }
        let next = entities.iter().fold(None, |next, one| earliest(next, one.next_deadline()));
        self.wait(next, at_most)?;
        self.ready.extend(self.events.iter().map(|event| event.token().0));
        Ok(now)
    }

    /// Waits until something arrives, it is `until`, or `at_most` of real time is over.
    fn wait(&mut self, until: Option<Instant>, at_most: Duration) -> io::Result<()> {
        let wait = until.map_or(at_most, |deadline| {
            let left = deadline.since(self.clock.now().monotonic);
            self.clock.real(left).min(at_most)
        });
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            other => other,
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
