//! Autonomous management on a host: agents and managers as machines that a driver runs, what
//! an agent manages there, and what managers hear, as JSON.
//!
//! | file | what |
//! |---|---|
//! | `access.rs` | which objects a list of permissions is about, as text |
//! | `ams.rs` | agents and managers as applications of AMS modules |
//! | `node.rs` | a node of the ION Admin ADM, in a TOML file |
//! | `system.rs` | the ADM of the host itself, as Linux tells of it |
//! | `words.rs` | reports and tables with the names of the ADMs |

mod access;
mod ams;
mod node;
mod system;
#[cfg(test)]
mod tests;
mod words;

pub use access::{Objects, UnknownObjects};
pub use ams::{ManagementApplication, Side};
pub use node::{NodeError, NodeFile};
pub use system::{HOST, HostSystem};
pub use words::Words;

use std::fmt;
use std::vec;
use std::vec::Vec;

use crate::machine::Machine;
use crate::management::Definition;
use crate::management::adm::{Adm, amp_agent::AMP_AGENT, ion_admin::ION_ADMIN};
use crate::management::agent::{
    Agent, AgentStorage, Application, Collected, Failed, Object, Outgoing,
};
use crate::management::amp::{Epoch, Value};
use crate::management::ion::{ENUMERATION, IonApplication};
use crate::management::manager::{KnownAgent, Letter, Manager, ManagerStorage, ManagerUser};
use crate::storage::Slot;
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};

/// The ADMs that are known here, that of the agent among them.
pub static ADMS: &[&Adm] = &[&AMP_AGENT, &ION_ADMIN, &HOST];

static BOTH: &[&Adm] = &[&HOST, &ION_ADMIN];
static ALONE: &[&Adm] = &[&HOST];

/// The most octets that one datagram of UDP over IPv4 carries.
pub const LARGEST: usize = 65_507;

/// The most definitions that an agent uses.
const DEFINITIONS: usize = 64;
/// Octets of definitions, and of reports on their way: as many as an agent uses.
const OCTETS: usize = 65_535;

fn slots<T>(count: usize) -> Vec<Slot<T>> {
    (0..count).map(|_| Slot::EMPTY).collect()
}

/// Storage of an agent on a host: all the definitions that an agent can have.
#[derive(Debug)]
pub struct AgentRoom {
    definitions: Vec<Slot<Definition>>,
    octets: Vec<u8>,
    reports: Vec<Slot<Outgoing>>,
    report_octets: Vec<u8>,
    addresses: Vec<Slot<Address>>,
    buffer: Vec<u8>,
}

impl AgentRoom {
    /// Room for so many managers, reports and tables on their way, and octets of one
    /// datagram.
    #[must_use]
    pub fn new(managers: usize, reports: usize, datagram: usize) -> Self {
        Self {
            definitions: slots(DEFINITIONS),
            octets: vec![0; OCTETS],
            reports: slots(reports),
            report_octets: vec![0; OCTETS],
            addresses: slots(managers),
            buffer: vec![0; datagram],
        }
    }

    /// The storage, lent.
    pub fn storage(&mut self) -> AgentStorage<'_> {
        AgentStorage {
            definitions: &mut self.definitions,
            octets: &mut self.octets,
            reports: &mut self.reports,
            report_octets: &mut self.report_octets,
            addresses: &mut self.addresses,
            buffer: &mut self.buffer,
        }
    }
}

/// Storage of a manager on a host.
#[derive(Debug)]
pub struct ManagerRoom {
    agents: Vec<Slot<KnownAgent>>,
    letters: Vec<Slot<Letter>>,
    octets: Vec<u8>,
    buffer: Vec<u8>,
}

impl ManagerRoom {
    /// Room for so many agents, letters that are not answered, and octets of one datagram.
    #[must_use]
    pub fn new(agents: usize, letters: usize, datagram: usize) -> Self {
        Self {
            agents: slots(agents),
            letters: slots(letters),
            octets: vec![0; OCTETS],
            buffer: vec![0; datagram],
        }
    }

    /// The storage, lent.
    pub fn storage(&mut self) -> ManagerStorage<'_> {
        ManagerStorage {
            agents: &mut self.agents,
            letters: &mut self.letters,
            octets: &mut self.octets,
            buffer: &mut self.buffer,
        }
    }
}

/// An agent with what it manages.
#[derive(Debug)]
pub struct AgentHost<'s, A> {
    /// The machine.
    pub agent: Agent<'s>,
    /// What it manages.
    pub application: A,
}

impl<A: Application> Machine for AgentHost<'_, A> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.agent.receive(now, from, octets, transport, &mut self.application);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.agent.tick(now, transport, &mut self.application);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.agent.next_deadline()
    }
}

/// A manager with whoever it works for.
#[derive(Debug)]
pub struct ManagerHost<'s, U> {
    /// The machine.
    pub manager: Manager<'s>,
    /// Who it works for.
    pub user: U,
}

impl<U: ManagerUser> Machine for ManagerHost<'_, U> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], _: &mut dyn Transport) {
        self.manager.receive(now, from, octets, &mut self.user);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.manager.tick(now, transport, &mut self.user);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.manager.next_deadline()
    }
}

/// What is managed on a host: the host itself, and perhaps a node.
pub struct HostApplication {
    system: HostSystem,
    node: Option<NodeFile>,
    epoch: Epoch,
}

impl HostApplication {
    /// The host, and a node that is told time from `epoch` on, as the agent is.
    #[must_use]
    pub const fn new(system: HostSystem, node: Option<NodeFile>, epoch: Epoch) -> Self {
        Self { system, node, epoch }
    }

    /// The ADMs of it.
    #[must_use]
    pub fn adms(&self) -> &'static [&'static Adm] {
        if self.node.is_some() { BOTH } else { ALONE }
    }

    /// The node, if there is one.
    pub const fn node(&mut self) -> Option<&mut NodeFile> {
        self.node.as_mut()
    }
}

impl fmt::Debug for HostApplication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostApplication").field("node", &self.node).finish_non_exhaustive()
    }
}

impl Application for HostApplication {
    fn collect(
        &mut self,
        now: Now,
        edd: Object,
        parameters: &[Value<'_>],
    ) -> Result<Collected<'_>, Failed> {
        if edd.adm != ENUMERATION {
            return self.system.collect(now, edd, parameters);
        }
        let node = self.node.as_mut().ok_or(Failed)?;
        let mut application = IonApplication { node, epoch: self.epoch };
        let value = match application.collect(now, edd, parameters)?.value {
            Value::Uint(value) => Value::Uint(value),
            Value::Tv(time) => Value::Tv(time),
            // What is borrowed of the node for a moment is the only text it has.
            Value::Str(_) => Value::Str(node.version()),
            _ => return Err(Failed),
        };
        Ok(Collected::fresh(value))
    }

    fn control(&mut self, now: Now, ctrl: Object, parameters: &[Value<'_>]) -> Result<(), Failed> {
        let node = self.node.as_mut().filter(|_| ctrl.adm == ENUMERATION).ok_or(Failed)?;
        IonApplication { node, epoch: self.epoch }.control(now, ctrl, parameters)
    }

    fn row(&mut self, now: Now, tblt: Object, row: u32, cell: &mut dyn FnMut(Value<'_>)) -> bool {
        if tblt.adm != ENUMERATION {
            return self.system.row(now, tblt, row, cell);
        }
        let Some(node) = self.node.as_mut() else { return false };
        IonApplication { node, epoch: self.epoch }.row(now, tblt, row, cell)
    }
}
