//! Runs a machine over a link.

use std::boxed::Box;
use std::io;

use mio::{Registry, Token};

use crate::host::driver::Entity;
use crate::machine::Machine;
use crate::scos::messages::MESSAGE_MAX;
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, Transport};

/// Messages taken in one run, so that whoever sends without end stops nobody else.
const AT_ONCE: usize = 1_024;

/// A transport that also brings messages.
pub trait Link: Transport {
    /// Has `registry` tell when there is something to do.
    ///
    /// # Errors
    /// What the system says.
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()>;

    /// Takes note of what has arrived, and does what is due.
    fn poll(&mut self, now: Instant);

    /// The next message, written to the front of `buffer`: where it came from and how
    /// many octets it has.
    fn receive(&mut self, now: Instant, buffer: &mut [u8; MESSAGE_MAX])
    -> Option<(Address, usize)>;

    /// When it is next to be polled even if nothing arrives.
    fn next_deadline(&self) -> Option<Instant>;

    /// Whether its machine has something to do because it is up now: true once.
    fn takes_news(&mut self) -> bool;
}

/// A machine over a link, to be run by a [`Driver`](crate::host::driver::Driver).
#[derive(Debug)]
pub struct LinkHost<M, L> {
    /// The machine.
    pub machine: M,
    /// Its link.
    pub link: L,
    buffer: Box<[u8; MESSAGE_MAX]>,
    /// There may be more to receive.
    unfinished: bool,
}

impl<M: Machine, L: Link> LinkHost<M, L> {
    /// Runs `machine` over `link`.
    #[must_use]
    pub fn new(machine: M, link: L) -> Self {
        Self { machine, link, buffer: Box::new([0; MESSAGE_MAX]), unfinished: false }
    }
}

impl<M: Machine, L: Link> Entity for LinkHost<M, L> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.link.register(registry, token)
    }

    fn run(&mut self, now: Now) {
        self.link.poll(now.monotonic);
        self.unfinished = true;
        for _ in 0..AT_ONCE {
            let Some((from, length)) = self.link.receive(now.monotonic, &mut self.buffer) else {
                self.unfinished = false;
                break;
            };
            let octets = self.buffer.get(..length).unwrap_or_default();
            self.machine.receive(now, &from, octets, &mut self.link);
        }
        let due = self.machine.next_deadline().is_some_and(|at| now.monotonic >= at);
        if self.link.takes_news() || due {
            self.machine.tick(now, &mut self.link);
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        if self.unfinished {
            return Some(Instant::ZERO);
        }
        earliest(self.machine.next_deadline(), self.link.next_deadline())
    }
}
