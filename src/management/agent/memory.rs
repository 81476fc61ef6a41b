//! Storage of an agent.

use super::outbox::Outgoing;
use crate::management::definitions::Definition;
use crate::storage::Slot;
use crate::transport::Address;

/// Storage of an agent, which is the caller's.
#[derive(Debug)]
pub struct AgentStorage<'s> {
    /// One for each definition, of which 64 at the most are used. Without one, what
    /// defines is refused.
    pub definitions: &'s mut [Slot<Definition>],
    /// What definitions are made of: of each the octets of its identifier, expression
    /// and action, 65,535 in all at the most.
    pub octets: &'s mut [u8],
    /// One for each report or table on its way. When all are taken the oldest goes.
    pub reports: &'s mut [Slot<Outgoing>],
    /// Their octets; the same.
    pub report_octets: &'s mut [u8],
    /// One for each manager.
    pub addresses: &'s mut [Slot<Address>],
    /// For one group of messages: as long as the link can carry.
    pub buffer: &'s mut [u8],
}

/// Storage of an agent with room for `D` definitions of `O` octets, `R` reports of `P`
/// octets, `M` managers and groups of `B` octets. It can be a `static`.
#[derive(Debug)]
pub struct AgentMemory<
    const D: usize,
    const O: usize,
    const R: usize,
    const P: usize,
    const M: usize,
    const B: usize,
> {
    definitions: [Slot<Definition>; D],
    octets: [u8; O],
    reports: [Slot<Outgoing>; R],
    report_octets: [u8; P],
    addresses: [Slot<Address>; M],
    buffer: [u8; B],
}

impl<const D: usize, const O: usize, const R: usize, const P: usize, const M: usize, const B: usize>
    AgentMemory<D, O, R, P, M, B>
{
    /// Empty storage.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            definitions: [Slot::EMPTY; D],
            octets: [0; O],
            reports: [Slot::EMPTY; R],
            report_octets: [0; P],
            addresses: [Slot::EMPTY; M],
            buffer: [0; B],
        }
    }

    /// The storage, lent.
    pub const fn storage(&mut self) -> AgentStorage<'_> {
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

impl<const D: usize, const O: usize, const R: usize, const P: usize, const M: usize, const B: usize>
    Default for AgentMemory<D, O, R, P, M, B>
{
    fn default() -> Self {
        Self::new()
    }
}
