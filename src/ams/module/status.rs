//! What a module says of itself, written straight from its tables.

use super::rows::Peer;
use crate::ams::ids::ModuleId;
use crate::ams::pdu::{Assertion, Cancellation, ContactSummaryValues, ModuleStatusHead, MpduType};
use crate::ams::routing::{Rule, RuleKind};
use crate::storage::Table;
use crate::wire::{Encode, NoSpace, Writer};

/// The supplementary data of every MPDU of a module: one writer for all types, for most
/// of them have parts in common.
pub(super) struct Statement<'a, 's> {
    /// The type of the MPDU.
    pub(super) kind: MpduType,
    pub(super) id: ModuleId,
    pub(super) contact: &'a ContactSummaryValues<'s>,
    pub(super) own: &'a Table<'s, Rule>,
    pub(super) peers: &'a Table<'s, Peer>,
    pub(super) part: Part,
}

/// Of which own rules an MPDU tells.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// The first of the rules in force that a status tells of, from 0; the place of the
    /// one rule that an MPDU is about.
    pub(super) first: usize,
    /// The most rules a status tells of.
    pub(super) count: usize,
}

impl Part {
    /// All there is to tell.
    pub(super) const ALL: Self = Self { first: 0, count: usize::MAX };
}

impl Statement<'_, '_> {
    /// A module status structure (5.1.5.15).
    fn status(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        ModuleStatusHead(self.id).encode(to)?;
        self.contact.encode(to)?;
        for kind in [RuleKind::Subscription, RuleKind::Invitation] {
            self.list(kind, to)?;
        }
        Ok(())
    }

    fn list(&self, kind: RuleKind, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let Part { first, count } = self.part;
        // How many there are follows when it is known; an MPDU has no room for 65,536.
        let (at, mut length) = (to.len(), 0_u16);
        to.u16(length)?;
        let told = self.own.iter().filter(|row| row.is_asserted()).skip(first).take(count);
        for row in told.filter(|row| row.kind == kind) {
            write_rule(row, to)?;
            length = length.saturating_add(1);
        }
        to.patch_u16(at, length);
        Ok(())
    }

    /// All modules of the cell, this one with them (5.1.5.4).
    fn census(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        // How many there are follows when it is known.
        let (at, mut count) = (to.len(), 1_usize);
        let ModuleId { unit, module, .. } = self.id;
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

impl Encode for Statement<'_, '_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        match self.kind {
            MpduType::HEARTBEAT | MpduType::I_AM_STOPPING => Ok(()),
            MpduType::REGISTRAR_QUERY => self.contact.endpoint.encode(to),
            MpduType::MODULE_REGISTRATION => self.contact.encode(to),
            // A module status list of one (5.1.5.16).
            MpduType::I_AM_HERE | MpduType::MODULE_STATUS => {
                to.u32(1)?;
                self.status(to)
            }
            // A reconnect structure (5.1.5.19).
            MpduType::RECONNECT => {
                self.status(to)?;
                self.census(to)
            }
            _ => self.own.at(self.part.first).map_or(Ok(()), |rule| write_rule(rule, to)),
        }
    }
}

/// An assertion, or what cancels it, which is its beginning (5.1.5.10 to 5.1.5.18).
#[cfg_attr(not(feature = "std"), inline(never))]
fn write_rule(rule: &Rule, to: &mut Writer<'_>) -> Result<(), NoSpace> {
    let octets = rule.assertion().octets();
    let length = if rule.is_asserted() { Assertion::LEN } else { Cancellation::LEN };
    to.octets(octets.get(..length).unwrap_or_default())
}
