//! The agent: it collects, reports, and acts by rule, whoever can be reached.
//!
//! | what | when | does |
//! |---|---|---|
//! | a group of messages from a manager | it comes | all of it or nothing; ACK and NACK as asked |
//! | registration | at the start, and every [`AgentConfig::register_every`] | tells each manager the agent's name |
//! | time-based rule | `start + k * period` | runs its action, once for all times that have come |
//! | state-based rule | every [`AgentConfig::evaluation`] from its start | runs its action if its predicate is true |
//! | controls of a message with a later start | that start | runs them once |
//! | reports and tables | the end of each call | one group for each manager; what is refused waits |
//!
//! Its manager has it report a value every second, three times (Figure 2 of the
//! architecture: `PROD(1s, EDD1)`):
//!
//! ```
//! use core::time::Duration;
//! use farpost::management::adm::ion_admin::ION_ADMIN;
//! use farpost::management::agent::{
//!     Agent, AgentConfig, AgentMemory, Application, Collected, Failed, ManagerConfig, Object,
//! };
//! use farpost::management::amp::{Ac, Group, GroupWriter, MessageHeader, Opcode, Profile, Value};
//! use farpost::time::Now;
//! use farpost::transport::{Address, SendError, Transport};
//! use farpost::wire::Writer;
//!
//! /// What the board measures. It has nothing to be told.
//! struct Board;
//!
//! impl Application for Board {
//!     fn collect(&mut self, _: Now, edd: Object, _: &[Value<'_>]) -> Result<Collected<'_>, Failed> {
//!         match edd.index {
//!             0 => Ok(Collected::fresh(Value::Uint(1))),
//!             _ => Err(Failed),
//!         }
//!     }
//!     fn control(&mut self, _: Now, _: Object, _: &[Value<'_>]) -> Result<(), Failed> {
//!         Err(Failed)
//!     }
//! }
//!
//! /// The link counts reports.
//! #[derive(Default)]
//! struct Link(usize);
//!
//! impl Transport for Link {
//!     fn resolve(&mut self, _: &str, _: &str) -> Option<Address> {
//!         Some(Address::new(0, b"manager"))
//!     }
//!     fn send(&mut self, _: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
//!         let group = Group::parse(octets, Profile::Draft08).map_err(|_| SendError::Unreachable)?;
//!         let sets = group.messages().filter(|m| m.header().opcode == Opcode::REPORT_SET);
//!         self.0 += sets.count();
//!         Ok(())
//!     }
//! }
//!
//! // add_tbr(R2 of M1, start 0, period 1, count 3, [gen_rpts([clock_error], ["ipn:1.5"])], "d")
//! const CONTROLS: &[u8] = &[
//!     0x81, // one control
//!     0xc1, 0x15, 0x41, 0x0a, 0x05, 0x06, 0x24, 0x20, 0x20, 0x16, 0x25, 0x12, 0x2b, 0x42,
//!     0x52, 0x32, 0x42, 0x4d, 0x31, 0x00, 0x01, 0x03, 0x81, 0xc1, 0x15, 0x41, 0x05, 0x05,
//!     0x02, 0x25, 0x23, 0x81, 0x82, 0x18, 0x8e, 0x41, 0x00, 0x05, 0x01, 0x12, 0x67, 0x69,
//!     0x70, 0x6e, 0x3a, 0x31, 0x2e, 0x35, 0x61, 0x64,
//! ];
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let managers =
//!     [ManagerConfig { name: "ipn:1.5", service: "udp", endpoint: "192.0.2.1:4556", issuer: b"M1" }];
//! let adms = [&ION_ADMIN];
//! let config = AgentConfig::new("ipn:2.5", &managers, &adms);
//! // Room for 8 definitions, 4 reports on their way and 1 manager; octets for each.
//! let mut memory = AgentMemory::<8, 512, 4, 256, 1, 512>::new();
//! let mut agent = Agent::new(config, memory.storage());
//! let (mut link, mut board, mut now) = (Link::default(), Board, Now::default());
//!
//! let mut buffer = [0; 128];
//! let mut writer = Writer::new(&mut buffer);
//! let quirks = Profile::Draft08.sends();
//! let mut group = GroupWriter::new(&mut writer, 0, quirks)?;
//! let header = MessageHeader::new(Opcode::PERFORM_CONTROL);
//! group.perform_control(&mut writer, header, 0, &Ac::parse(CONTROLS, Profile::Draft08)?)?;
//! group.finish(&mut writer)?;
//! agent.receive(now, &Address::new(0, b"manager"), writer.written(), &mut link, &mut board);
//!
//! while let Some(due) = agent.next_deadline() {
//!     now = now.after(due.since(now.monotonic).max(Duration::from_millis(1)));
//!     agent.tick(now, &mut link, &mut board);
//! }
//! assert_eq!(link.0, 3);
//! # Ok(())
//! # }
//! ```

mod application;
mod config;
mod controls;
mod group;
mod journal;
mod memory;
mod outbox;
mod produce;
mod rules;
mod stats;
#[cfg(test)]
mod tests;
mod world;

pub use application::{Application, Collected, Failed, Object};
pub use config::{Access, AgentConfig, ManagerConfig, Managers, MaxAge};
pub use group::{ACK_TEMPLATE, LOST_TEMPLATE, NACK_TEMPLATE, RULE_TEMPLATE};
pub use journal::Restored;
pub use memory::{AgentMemory, AgentStorage};
pub use outbox::Outgoing;
pub use stats::AgentStats;

use core::fmt;

use super::definitions::{Definitions, Kind};
pub use super::refusal::Refusal;
use super::timing;
use crate::storage::Slot;
use crate::store::Store;
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, Transport};
use outbox::Outbox;
use stats::Counts;

/// The enumeration of the AMP agent ADM.
const AGENT_ADM: u32 = 1;
/// The most parameters of one control.
const PARAMETERS_MAX: usize = 8;
/// The longest control that can be run, in octets.
pub const CONTROL_MAX: usize = 256;

/// An agent.
pub struct Agent<'s> {
    config: AgentConfig<'s>,
    definitions: Definitions<'s>,
    outbox: Outbox<'s>,
    /// Where the managers are, by their places.
    addresses: &'s mut [Slot<Address>],
    /// For one group of messages.
    buffer: &'s mut [u8],
    counts: Counts,
    stats: AgentStats,
    store: Option<&'s mut (dyn Store + Send)>,
    restored: Restored,
    /// Definitions of which the store has less than there is.
    unkept: u64,
    /// When the store, which may not have which definitions hold, is tried again.
    store_due: Option<Instant>,
    /// Managers that are to be told that the agent is here.
    unregistered: u32,
    register_due: Option<Instant>,
    /// When what the transport refused is tried again.
    retry: Option<Instant>,
    /// Whether a call has been made: times are counted from the first.
    awake: bool,
}

impl fmt::Debug for Agent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("stats", &self.stats).finish_non_exhaustive()
    }
}

impl<'s> Agent<'s> {
    /// An agent for which nothing is defined.
    #[must_use]
    pub fn new(config: AgentConfig<'s>, storage: AgentStorage<'s>) -> Self {
        let AgentStorage { definitions, octets, reports, report_octets, addresses, buffer } =
            storage;
        addresses.iter_mut().for_each(|slot| *slot = Slot::EMPTY);
        Self {
            definitions: Definitions::new(definitions, octets, config.nesting, config.budget),
            outbox: Outbox::new(reports, report_octets),
            unregistered: config.everyone(),
            config,
            addresses,
            buffer,
            counts: Counts::default(),
            stats: AgentStats::default(),
            store: None,
            restored: Restored::default(),
            unkept: 0,
            store_due: None,
            register_due: Some(Instant::ZERO),
            retry: None,
            awake: false,
        }
    }

    /// One datagram in: a group of messages from a manager.
    pub fn receive(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
        application: &mut dyn Application,
    ) {
        self.wake(now);
        self.take_group(now, from, octets, transport, application);
        self.finish(now, transport);
    }

    /// Does what is due: rules, controls whose time has come, registrations, and what
    /// was refused.
    pub fn tick(
        &mut self,
        now: Now,
        transport: &mut dyn Transport,
        application: &mut dyn Application,
    ) {
        self.wake(now);
        if self.store_due.is_some_and(|due| due <= now.monotonic) {
            self.repair(now);
        }
        self.run_rules(now, application);
        if self.register_due.is_some_and(|due| due <= now.monotonic) {
            self.unregistered = self.config.everyone();
            self.register_due = self.config.register_every.map(|span| now.monotonic.after(span));
        }
        if self.retry.is_some_and(|retry| retry <= now.monotonic) {
            self.retry = None;
        }
        self.finish(now, transport);
    }

    /// When to call [`Agent::tick`] next. Any call may change the answer, and so may a
    /// clock that is set.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if !self.awake {
            return Some(Instant::ZERO);
        }
        let due = earliest(self.definitions.deadline(), self.register_due);
        earliest(due, earliest(self.retry, self.store_due))
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &AgentStats {
        &self.stats
    }

    /// Reports and tables that made room for newer ones before anybody had them.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.outbox.dropped
    }

    /// How many of a kind are defined.
    #[must_use]
    pub fn defined(&self, kind: Kind) -> u32 {
        self.definitions.count(kind)
    }

    /// Octets of definitions that are taken.
    #[must_use]
    pub const fn octets_taken(&self) -> u16 {
        self.definitions.arena.used()
    }

    /// How often predicates are looked at, in microseconds.
    fn evaluation(&self) -> u64 {
        Instant::ZERO.after(self.config.evaluation).as_micros().max(1)
    }

    fn wake(&mut self, now: Now) {
        if !self.awake {
            self.awake = true;
            self.lose_unproven(now);
            self.definitions.wake(now);
        }
    }

    /// Sends what there is, and looks when something is due.
    fn finish(&mut self, now: Now, transport: &mut dyn Transport) {
        if self.unkept != 0 && self.store_due.is_none() {
            self.repair(now);
        }
        if self.retry.is_none() {
            self.send(now, transport);
        }
        self.definitions.look(now);
    }

    /// The time value of now.
    fn stamp(&self, now: Now) -> u64 {
        timing::stamp(self.config.epoch, now)
    }
}
