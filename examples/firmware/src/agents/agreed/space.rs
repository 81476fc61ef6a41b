//! The message space of both, as far as its parts are not those of SCOS: who manages the board
//! and what the board publishes.

use farpost::ams::carriage::Party;
use farpost::ams::ids::{RoleNumber, SubjectNumber};
use farpost::scos::carriage::Carriage;

/// The board's agent. Its module is that of the sensing device, with a subject of its own.
pub(crate) const BOARD: Party =
    Party { role: Carriage::DEFAULT.device.role, subject: SubjectNumber(4) };

/// Its manager.
pub(crate) const DESK: Party = Party { role: RoleNumber(5), subject: SubjectNumber(5) };

/// The manager's endpoint by `farpost::management::carriage`: the number of its subject.
pub(crate) const DESK_ENDPOINT: &str = "5";

/// What the board publishes after each scan: a [`Level`].
pub(crate) const LEVELS: SubjectNumber = SubjectNumber(6);

/// What the last scan met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level {
    /// Scans that are done, this one too.
    pub(crate) scans: u32,
    /// The strongest signal at the converter.
    pub(crate) dbfs: i32,
}

impl Level {
    /// Both numbers, big-endian.
    pub(crate) const fn octets(self) -> [u8; 8] {
        let ([a, b, c, d], [e, f, g, h]) = (self.scans.to_be_bytes(), self.dbfs.to_be_bytes());
        [a, b, c, d, e, f, g, h]
    }

    /// `None` if it has another length.
    pub(crate) fn parse(octets: &[u8]) -> Option<Self> {
        let &[a, b, c, d, e, f, g, h] = octets else { return None };
        let (scans, dbfs) = (u32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h]));
        Some(Self { scans, dbfs })
    }
}
