//! The agents of a board, in their storage: that of asynchronous management, which acts by rule,
//! and that of the southbound interface, which acts by schedule. Both have the front-end.

pub mod agreed;
#[cfg(feature = "agents")]
pub mod random;
mod receiver;

pub use receiver::{Managed, Receiver, measured};

use farpost::management::Definition;
use farpost::management::adm::Adm;
use farpost::management::agent::{Agent, AgentConfig, AgentStorage as Storage, Outgoing};
use farpost::southbound::agent::{
    Agent as ScheduleAgent, AgentConfig as ScheduleConfig, AgentStorage, Answer,
};
use farpost::southbound::schedule::ScheduleRow;
use farpost::storage::Slot;
use farpost::transport::Address;
use static_cell::ConstStaticCell;

/// The ADMs of the board.
pub static ADMS: [&Adm; 1] = [&agreed::adm::ADM];

/// Room for 8 definitions of 512 octets, 4 reports of 256, 2 managers, groups of 384. Each is a
/// static of its own: what is zero at first needs no copy in flash.
static DEFINITIONS: ConstStaticCell<[Slot<Definition>; 8]> =
    ConstStaticCell::new([const { Slot::EMPTY }; 8]);
static DEFINED: ConstStaticCell<[u8; 512]> = ConstStaticCell::new([0; 512]);
static REPORTS: ConstStaticCell<[Slot<Outgoing>; 4]> =
    ConstStaticCell::new([const { Slot::EMPTY }; 4]);
static REPORTED: ConstStaticCell<[u8; 256]> = ConstStaticCell::new([0; 256]);
static MANAGERS: ConstStaticCell<[Slot<Address>; 2]> =
    ConstStaticCell::new([const { Slot::EMPTY }; 2]);
static GROUP: ConstStaticCell<[u8; 384]> = ConstStaticCell::new([0; 384]);
/// Room for 8 entries and requests of 768 octets in all, and some metrics.
static ROWS: ConstStaticCell<[Slot<ScheduleRow>; 8]> =
    ConstStaticCell::new([const { Slot::EMPTY }; 8]);
static OCTETS: ConstStaticCell<[u8; 768]> = ConstStaticCell::new([0; 768]);
static ANSWERS: ConstStaticCell<[Answer; 4]> = ConstStaticCell::new([Answer::EMPTY; 4]);
static BUFFER: ConstStaticCell<[u8; 128]> = ConstStaticCell::new([0; 128]);
static METRICS: ConstStaticCell<[[u8; 128]; 3]> = ConstStaticCell::new([[0; 128]; 3]);

/// Both agents.
pub struct Agents {
    pub management: Agent<'static>,
    pub schedule: ScheduleAgent<'static>,
}

impl Agents {
    /// The agents in their storage. They can be made once. `None` if the name is too long.
    pub fn new(
        management: AgentConfig<'static>,
        schedule: ScheduleConfig<'static>,
    ) -> Option<Self> {
        let definitions = Storage {
            definitions: DEFINITIONS.take(),
            octets: DEFINED.take(),
            reports: REPORTS.take(),
            report_octets: REPORTED.take(),
            addresses: MANAGERS.take(),
            buffer: GROUP.take(),
        };
        let [states, statistics, links] = METRICS.take();
        let storage = AgentStorage {
            rows: ROWS.take(),
            octets: OCTETS.take(),
            answers: ANSWERS.take(),
            buffer: BUFFER.take(),
            metrics: [&mut states[..], &mut statistics[..], &mut links[..]],
        };
        Some(Self {
            management: Agent::new(management, definitions),
            schedule: ScheduleAgent::new(schedule, storage).ok()?,
        })
    }
}
