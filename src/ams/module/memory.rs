//! The storage of a module in one place, for those who know its sizes when they
//! compile.

use super::{ModuleStorage, Peer, PendingQuery, Rule};
use crate::storage::Slot;

/// Room for `PEERS` other modules with `RULES` rules among them, `OWN` own rules
/// and `QUERIES` pending queries, and for MPDUs and messages of up to `MPDU` and
/// `MESSAGE` octets. It can be a `static`.
#[derive(Debug)]
pub struct ModuleMemory<
    const PEERS: usize,
    const RULES: usize,
    const OWN: usize,
    const QUERIES: usize,
    const MPDU: usize,
    const MESSAGE: usize,
> {
    peers: [Slot<Peer>; PEERS],
    rules: [Slot<Rule>; RULES],
    own: [Slot<Rule>; OWN],
    queries: [Slot<PendingQuery>; QUERIES],
    mpdu: [u8; MPDU],
    message: [u8; MESSAGE],
}

impl<
    const PEERS: usize,
    const RULES: usize,
    const OWN: usize,
    const QUERIES: usize,
    const MPDU: usize,
    const MESSAGE: usize,
> ModuleMemory<PEERS, RULES, OWN, QUERIES, MPDU, MESSAGE>
{
    /// Empty storage.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            peers: [const { Slot::EMPTY }; PEERS],
            rules: [const { Slot::EMPTY }; RULES],
            own: [const { Slot::EMPTY }; OWN],
            queries: [const { Slot::EMPTY }; QUERIES],
            mpdu: [0; MPDU],
            message: [0; MESSAGE],
        }
    }

    /// The storage, lent to a module.
    pub const fn storage(&mut self) -> ModuleStorage<'_> {
        ModuleStorage {
            peers: &mut self.peers,
            rules: &mut self.rules,
            own: &mut self.own,
            queries: &mut self.queries,
            mpdu: &mut self.mpdu,
            message: &mut self.message,
        }
    }
}

impl<
    const PEERS: usize,
    const RULES: usize,
    const OWN: usize,
    const QUERIES: usize,
    const MPDU: usize,
    const MESSAGE: usize,
> Default for ModuleMemory<PEERS, RULES, OWN, QUERIES, MPDU, MESSAGE>
{
    fn default() -> Self {
        Self::new()
    }
}
