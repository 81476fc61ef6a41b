//! Agents and managers as applications of AMS modules.

use core::time::Duration;
use std::vec::Vec;

use crate::ams::mib::ServiceMode;
use crate::ams::service::{Delivery, Fault, Indication};
use crate::host::module::{Application, Service};
use crate::machine::Machine;
use crate::management::carriage::{Carrier, Party, manager, source};
use crate::time::{Instant, Now};
use crate::transport::Transport;

/// Which side of management a module is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// An agent: it hears managers, each by its subject.
    Agent,
    /// A manager: it hears agents, each by its module.
    Manager,
}

/// The application of a module that is an agent or a manager: it carries the machine's
/// groups as application data, and registers the module anew when its termination was
/// imputed.
#[derive(Debug)]
pub struct ManagementApplication<M> {
    /// The machine.
    pub machine: M,
    side: Side,
    own: Party,
    partners: Vec<Party>,
    mode: ServiceMode,
    /// Not before this is the machine ticked: its module has just been registered, and the
    /// others introduce themselves.
    settled_at: Option<Instant>,
    faults: u32,
}

/// How long others have to introduce themselves before anything is sent.
const SETTLE: Duration = Duration::from_secs(1);

impl<M: Machine> ManagementApplication<M> {
    /// A machine on that side, in a role of its own, whose partners are the managers of an
    /// agent, or the agents of a manager. What they send is delivered in `mode`.
    #[must_use]
    pub const fn new(
        machine: M,
        side: Side,
        own: Party,
        partners: Vec<Party>,
        mode: ServiceMode,
    ) -> Self {
        Self { machine, side, own, partners, mode, settled_at: None, faults: 0 }
    }

    /// How many faults the module has indicated.
    #[must_use]
    pub const fn faults(&self) -> u32 {
        self.faults
    }

    const fn fault(&mut self) {
        self.faults = self.faults.saturating_add(1);
    }
}

/// The transport of what a module sends.
fn carrier<'c, 's>(
    partners: &'c [Party],
    own: Party,
    service: &'c mut Service<'s>,
) -> Carrier<'c, 's, impl Transport + 'c> {
    let (module, transport) = service.parts();
    let continuum = module.continuum();
    Carrier { module, transport, subject: own.subject, managers: partners, continuum }
}

impl<M: Machine> Application for ManagementApplication<M> {
    fn indicated(&mut self, now: Now, service: &mut Service<'_>, indication: Indication) {
        match indication {
            Indication::Registered(_) => {
                let continuum = service.parts().0.continuum();
                for place in 0..self.partners.len() {
                    let Some(party) = self.partners.get(place) else { continue };
                    if service.invite(now, &party.invitation(continuum, self.mode)).is_err() {
                        self.fault();
                    }
                }
                self.settled_at = Some(now.monotonic.after(SETTLE));
            }
            Indication::ModuleIsDead => {
                self.settled_at = None;
                if service.register(now).is_err() {
                    self.fault();
                }
            }
            Indication::Fault(_) => self.fault(),
            _ => {}
        }
    }

    fn delivered(
        &mut self,
        now: Now,
        service: &mut Service<'_>,
        delivery: Result<Delivery<'_>, Fault>,
    ) {
        let Ok(delivery) = delivery else { return self.fault() };
        let message = delivery.message();
        if self.partners.iter().all(|party| party.subject != message.subject) {
            return self.fault();
        }
        let from = match self.side {
            Side::Agent => manager(message.subject),
            Side::Manager => source(message),
        };
        let mut carrier = carrier(&self.partners, self.own, service);
        self.machine.receive(now, &from, message.data, &mut carrier);
    }

    fn tick(&mut self, now: Now, service: &mut Service<'_>) {
        let mut carrier = carrier(&self.partners, self.own, service);
        self.machine.tick(now, &mut carrier);
    }

    fn next_deadline(&self) -> Option<Instant> {
        let settled = self.settled_at?;
        self.machine.next_deadline().map(|deadline| deadline.max(settled))
    }
}
