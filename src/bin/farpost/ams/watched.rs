//! Running a machine that has no user, and telling what it does.

use std::process::ExitCode;
use std::time::Duration;

use farpost::host::clock::SystemClock;
use farpost::host::driver::{Driver, MachineHost};
use farpost::host::net::UdpEndpoint;
use farpost::machine::Machine;
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};
use serde_json::{Map, Value, json};

use super::{Failure, Interrupt, Output, event, seen_enough};

/// Sees a machine after each thing that may have changed it.
pub(crate) trait Observer<M> {
    fn look(&mut self, now: Now, machine: &M);

    /// Where it tells of what it sees.
    fn output(&mut self) -> &mut Output;

    /// Whether the machine has ceased operations.
    fn has_ceased(&self) -> bool;
}

/// A machine and who observes it. Each datagram is a change of its own, so that
/// nothing is missed that comes and goes within one turn of the driver.
pub(crate) struct Watched<M, O> {
    pub(crate) machine: M,
    pub(crate) observer: O,
}

impl<M: Machine, O: Observer<M>> Machine for Watched<M, O> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.machine.receive(now, from, octets, transport);
        self.observer.look(now, &self.machine);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.machine.tick(now, transport);
        self.observer.look(now, &self.machine);
    }

    fn next_deadline(&self) -> Option<Instant> {
        // At once when it has ceased: that is no time to wait.
        if self.observer.has_ceased() {
            return Some(Instant::ZERO);
        }
        self.machine.next_deadline()
    }
}

/// What is told when a MIB was to be read again.
pub(crate) fn mib_changed(changed: Result<(), Failure>) -> Map<String, Value> {
    match changed {
        Ok(()) => event("mib_changed", json!({})),
        Err(Failure(problem)) => event("mib_refused", json!({"message": problem})),
    }
}

/// Runs the machine over `socket` until it ceases, whose exit status is 1, or
/// somebody ends the program.
pub(crate) fn watch<M: Machine, O: Observer<M>>(
    watched: Watched<M, O>,
    socket: UdpEndpoint,
    change_mib: impl Fn(&mut Watched<M, O>) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let mut host = MachineHost::new(watched, socket);
    let mut driver = Driver::new(SystemClock::new())?;
    driver.add(&mut host)?;
    let interrupt = Interrupt::listen(driver.waker()?)?;
    loop {
        driver.turn(&mut [&mut host], Duration::MAX)?;
        if interrupt.takes_reload() {
            let changed = change_mib(&mut host.machine);
            host.machine.observer.output().line(mib_changed(changed));
        }
        let observer = &mut host.machine.observer;
        let code = match (observer.has_ceased(), interrupt.is_asked()) {
            (true, _) => Some(ExitCode::FAILURE),
            (false, true) => Some(ExitCode::SUCCESS),
            (false, false) => None,
        };
        if code == Some(ExitCode::SUCCESS) {
            observer.output().line(event("stopped", json!({})));
        }
        match observer.output().check() {
            Err(error) if seen_enough(&error) => return Ok(ExitCode::SUCCESS),
            result => result?,
        }
        if let Some(code) = code {
            observer.output().close();
            return Ok(code);
        }
    }
}
