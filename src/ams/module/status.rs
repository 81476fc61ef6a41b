//! What a module says of itself, written straight from its tables.

use super::rows::Peer;
use crate::ams::ids::ModuleId;
use crate::ams::pdu::ModuleStatusHead;
use crate::ams::routing::{Rule, RuleKind};
use crate::storage::Table;
use crate::wire::{Encode, NoSpace, Writer};

/// This module's own module status structure (5.1.5.15).
#[derive(Clone, Copy)]
pub(super) struct OwnStatus<'a, 's> {
    pub(super) id: ModuleId,
    pub(super) contact: &'a dyn Encode,
    pub(super) own: &'a Table<'s, Rule>,
    /// The first of the rules in force that it tells of, from 0.
    pub(super) first: usize,
    /// The most rules it tells of.
    pub(super) count: usize,
}

impl<'a, 's> OwnStatus<'a, 's> {
    /// All there is to tell.
    pub(super) const fn whole(
        id: ModuleId,
        contact: &'a dyn Encode,
        own: &'a Table<'s, Rule>,
    ) -> Self {
        Self { id, contact, own, first: 0, count: usize::MAX }
    }
}

impl OwnStatus<'_, '_> {
    fn list(&self, kind: RuleKind, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let told = self.first..self.first.saturating_add(self.count);
        // How many there are follows when it is known; an MPDU has no room for 65,536.
        let (at, mut count) = (to.len(), 0_u16);
        to.u16(count)?;
        for (place, row) in self.own.iter().filter(|row| row.is_asserted()).enumerate() {
            if row.kind == kind && told.contains(&place) {
                row.assertion().encode(to)?;
                count = count.saturating_add(1);
            }
        }
        to.patch_u16(at, count);
        Ok(())
    }
}

impl Encode for OwnStatus<'_, '_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        ModuleStatusHead(self.id).encode(to)?;
        self.contact.encode(to)?;
        self.list(RuleKind::Subscription, to)?;
        self.list(RuleKind::Invitation, to)
    }
}

/// A module status list of one (5.1.5.16).
pub(super) struct One<'a, 's>(pub(super) OwnStatus<'a, 's>);

impl Encode for One<'_, '_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u32(1)?;
        self.0.encode(to)
    }
}

/// A reconnect structure (5.1.5.19): the own status, and all modules of the cell.
pub(super) struct Census<'a, 's> {
    pub(super) status: OwnStatus<'a, 's>,
    pub(super) peers: &'a Table<'s, Peer>,
}

impl Encode for Census<'_, '_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        self.status.encode(to)?;
        // How many there are follows when it is known.
        let (at, mut count) = (to.len(), 1_usize);
        let ModuleId { unit, module, .. } = self.status.id;
        to.u16(0)?;
        for peer in self.peers.iter().filter(|peer| peer.key.unit == unit) {
            to.u8(peer.key.module.0)?;
            count = count.saturating_add(1);
        }
        let octet = u8::try_from(count).map_err(|_| NoSpace::new(count, 255))?;
        to.patch_u16(at, u16::from_be_bytes([octet, module.0]));
        Ok(())
    }
}
