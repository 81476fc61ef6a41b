//! Passing on what modules and other registrars say (735.1-B-1 4.2.5.5.7, 4.2.6,
//! 4.2.9.2 to 4.2.9.5, 4.2.10 to 4.2.13).

use super::{Arrival, Registrar};
use crate::ams::ids::{ModuleId, ModuleKey, ModuleNumber, UnitNumber};
use crate::ams::meta::bump;
use crate::ams::pdu::{Content, ModuleList};
use crate::time::Now;
use crate::transport::Transport;

impl Registrar<'_> {
    /// An MPDU about a module or a cell: copies to whom it concerns.
    pub(super) fn relay(
        &mut self,
        arrival: &Arrival<'_>,
        content: &Content<'_>,
        transport: &mut dyn Transport,
    ) {
        let Some(module) = subject(content) else {
            return bump(&mut self.outlet.stats.inappropriate);
        };
        if module.unit == self.unit {
            self.relay_of_member(arrival, module, content, transport);
        } else {
            self.relay_of_other_cell(arrival, module.unit, content, transport);
        }
    }

    /// From a module of the cell: to the other members and the other registrars.
    fn relay_of_member(
        &mut self,
        arrival: &Arrival<'_>,
        module: ModuleId,
        content: &Content<'_>,
        transport: &mut dyn Transport,
    ) {
        let from_itself = arrival.sender.unit == self.unit && arrival.sender.role == module.role;
        let of_registrars = matches!(
            content,
            Content::IAmStarting { .. }
                | Content::ModuleHasStarted { .. }
                | Content::CellStatus { .. }
        );
        if !from_itself || of_registrars || module.module == ModuleNumber::NONE {
            return bump(&mut self.outlet.stats.inappropriate);
        }
        let member = self.circle.members.get(module.module);
        if member.is_none_or(|member| member.role != module.role) {
            return match content {
                Content::IAmStopping { .. } => bump(&mut self.outlet.stats.unknown_module),
                _ => self.disown(arrival, module.module, transport),
            };
        }
        bump(&mut self.counts.relayed);
        match *content {
            Content::IAmStopping { .. } => {
                return self.member_stops(arrival, module.module, transport);
            }
            Content::ModuleStatus { modules, .. } if self.aggregate(arrival, module, modules) => {
                return self.send_aggregate(arrival.now, transport);
            }
            _ => {}
        }
        self.note(arrival.now, content);
        let mut lost = 0_u32;
        for recipient in self.circle.recipients_mut(module.module) {
            if self.outlet.forward(&recipient.address, arrival.octets, transport).is_err() {
                bump(&mut lost);
            }
        }
        self.count_lost(arrival.now, lost);
    }

    /// From another registrar: to the members.
    fn relay_of_other_cell(
        &mut self,
        arrival: &Arrival<'_>,
        unit: UnitNumber,
        content: &Content<'_>,
        transport: &mut dyn Transport,
    ) {
        self.note(arrival.now, content);
        if let Content::CellStatus { modules, .. } = content {
            self.check_cell(unit, *modules);
        }
        let resynchronises =
            matches!(content, Content::CellStatus { .. } | Content::ModuleStatus { .. });
        if resynchronises && self.resync_interval().is_none() {
            return;
        }
        bump(&mut self.counts.relayed);
        let mut lost = 0_u32;
        for member in self.circle.members.iter() {
            let to = member.recipient.address;
            if self.outlet.forward(&to, arrival.octets, transport).is_err() {
                bump(&mut lost);
            }
        }
        self.count_lost(arrival.now, lost);
    }

    /// *I_am_stopping* of a member (4.2.6.2). Whoever cannot be sent a copy is
    /// told later on the module's behalf.
    fn member_stops(
        &mut self,
        arrival: &Arrival<'_>,
        number: ModuleNumber,
        transport: &mut dyn Transport,
    ) {
        bump(&mut self.counts.stopped);
        self.release(arrival.now, number);
        let mut owed = false;
        for recipient in self.circle.recipients_mut(number) {
            if self.outlet.forward(&recipient.address, arrival.octets, transport).is_ok() {
                recipient.news.remove(number);
            } else {
                recipient.news.insert(number);
                owed = true;
            }
        }
        if owed {
            self.retry_later(arrival.now);
        }
    }

    /// Keeps the dossiers up to date (4.2.5.5.3.2 note).
    fn note(&mut self, now: Now, content: &Content<'_>) {
        if !self.keeps_dossiers() {
            return;
        }
        let noted = match *content {
            Content::IAmStarting { module, ref contact }
            | Content::ModuleHasStarted { module, ref contact } => {
                self.archive.note_start(module, contact)
            }
            Content::IAmStopping { module } => {
                self.archive.forget(module.key());
                true
            }
            Content::Subscribe { module, assertion } => {
                self.archive.note_rule(module.key(), false, assertion)
            }
            Content::Invite { module, assertion } => {
                self.archive.note_rule(module.key(), true, assertion)
            }
            Content::Unsubscribe { module, cancellation } => {
                self.archive.forget_rule(module.key(), false, cancellation);
                true
            }
            Content::Disinvite { module, cancellation } => {
                self.archive.forget_rule(module.key(), true, cancellation);
                true
            }
            Content::ModuleStatus { module, modules } => {
                let statuses = modules.iter().filter(|status| {
                    let named = module.module == ModuleNumber::NONE || status.id == module;
                    named && status.id.unit == module.unit
                });
                let mut noted = true;
                statuses.for_each(|status| noted &= self.archive.note_status(&status));
                noted
            }
            _ => true,
        };
        if let Some(module) = subject(content).filter(|it| !noted && it.unit == self.unit) {
            self.do_not_aggregate(now, module.module);
        }
    }

    /// Whether there is a dossier of every module of another cell.
    fn check_cell(&mut self, unit: UnitNumber, modules: ModuleList<'_>) {
        if self.keeps_dossiers()
            && let Some(registrar) = self.circle.registrars.get_mut(unit)
        {
            registrar.complete = self.archive.keep_cell(unit, modules);
        }
    }

    /// An MPDU that only a member can send came from a module that is none: once
    /// it cannot reconnect any more, it is told that it is dead.
    pub(super) fn disown(
        &mut self,
        arrival: &Arrival<'_>,
        number: ModuleNumber,
        transport: &mut dyn Transport,
    ) {
        bump(&mut self.outlet.stats.unknown_module);
        let late = self.mib.policy.reconnection.timely
            && self.census.is_closed(arrival.now)
            && !self.census_in_progress(arrival.now);
        if late || self.census.gone.contains(number) {
            bump(&mut self.counts.disowned);
            // Refused by the transport, it is said at the next heartbeat.
            let _ = self.outlet.send(&arrival.now, arrival.from, &Content::YouAreDead, transport);
        }
    }

    pub(super) fn count_lost(&mut self, now: Now, lost: u32) {
        if lost > 0 {
            self.counts.copies_lost = self.counts.copies_lost.saturating_add(lost);
            self.hasten_resync(now);
        }
    }

    /// Whether there is a dossier of this module.
    #[must_use]
    pub fn knows(&self, module: ModuleKey) -> bool {
        self.archive.contains(module)
    }
}

/// The module or cell that an MPDU is about which registrars pass on.
const fn subject(content: &Content<'_>) -> Option<ModuleId> {
    match *content {
        Content::Subscribe { module, .. }
        | Content::Unsubscribe { module, .. }
        | Content::Invite { module, .. }
        | Content::Disinvite { module, .. }
        | Content::IAmStarting { module, .. }
        | Content::ModuleHasStarted { module, .. }
        | Content::IAmStopping { module }
        | Content::ModuleStatus { module, .. } => Some(module),
        Content::CellStatus { unit, .. } => Some(ModuleId::cell(unit)),
        _ => None,
    }
}
