//! Reconnection to a restarted registrar (735.1-B-1 4.2.8).

use core::time::Duration;

use super::numbers::Numbers;
use super::{Arrival, Registrar};
use crate::ams::ids::{ModuleId, ModuleNumber};
use crate::ams::meta::bump;
use crate::ams::pdu::{Content, ModuleStatus, MpduType, Reconnect};
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};
use crate::wire::{Encode, NoSpace, Writer};

/// What the censuses of reconnected modules say of the cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Census {
    /// The numbers that every one of them included.
    agreed: Numbers,
    /// The numbers that any of them included.
    pub(super) heard_of: Numbers,
    /// The numbers this registrar has taken from modules that stopped or died.
    /// Nobody can reconnect under one.
    pub(super) gone: Numbers,
    /// The end of the time in which modules may reconnect (4.2.8.2 a).
    pub(super) closes: Option<Instant>,
}

impl Census {
    /// Nobody has reconnected yet.
    pub(super) const OPEN: Self =
        Self { agreed: Numbers::ALL, heard_of: Numbers::NONE, gone: Numbers::NONE, closes: None };

    /// Whether the time for reconnections is over.
    pub(super) fn is_closed(&self, now: Now) -> bool {
        self.closes.is_some_and(|at| now.monotonic >= at)
    }

    /// A module has reconnected with a census of its own.
    fn add(&mut self, now: Now, time: Duration, census: &Numbers) {
        self.agreed.keep(census);
        self.heard_of.extend(census);
        if self.is_closed(now) {
            // The policy lets late ones in: the others it told of get their time.
            self.closes = Some(now.monotonic.after(time));
        }
    }
}

impl Registrar<'_> {
    /// A *reconnect* (4.2.8.2).
    pub(super) fn reconnect(
        &mut self,
        arrival: &Arrival<'_>,
        query: u32,
        reconnect: &Reconnect<'_>,
        transport: &mut dyn Transport,
    ) {
        let now = arrival.now;
        let status = &reconnect.status();
        let id = status.id;
        if id.unit != self.unit {
            return bump(&mut self.outlet.stats.not_ours);
        }
        let to = self.address_of(status.contact.endpoint, arrival.from, transport);
        let admitted = match self.claim(id, to) {
            // Left over from an earlier life of a module that is a member now: any
            // answer would be taken by the living one.
            Claim::Stale => return bump(&mut self.outlet.stats.stale),
            Claim::Own => true,
            Claim::Free => {
                id.role == arrival.sender.role
                    && self.admits(now, id.module)
                    && self.readmit(arrival, query, reconnect, to)
            }
            Claim::Moved => {
                self.follow(now, status, to, transport);
                true
            }
            Claim::Taken => false,
        };
        let answer = if admitted {
            if let Some(member) = self.circle.members.get_mut(id.module) {
                member.query = query;
                member.pulse.heard(now.monotonic);
            }
            Content::Reconnected { echo: query }
        } else {
            bump(&mut self.counts.reconnections_refused);
            Content::YouAreDead
        };
        // Refused by the transport, it will be asked for again (4.2.8.1 note).
        let _ = self.outlet.send(&now, &to, &answer, transport);
    }

    /// What a module that is reached at `to` asks for with the number it names.
    fn claim(&self, id: ModuleId, to: Address) -> Claim {
        let holder = self.circle.members.get(id.module);
        if holder.is_some_and(|it| it.role == id.role && it.recipient.address == to) {
            Claim::Own
        } else if holder.is_some_and(|it| it.role != id.role || self.mib.policy.reconnection.unique)
        {
            Claim::Taken
        } else if self.circle.members.iter().any(|other| other.recipient.address == to) {
            Claim::Stale
        } else if holder.is_some() {
            Claim::Moved
        } else {
            Claim::Free
        }
    }

    /// Makes a module a member again. False when there is no room.
    fn readmit(
        &mut self,
        arrival: &Arrival<'_>,
        query: u32,
        reconnect: &Reconnect<'_>,
        to: Address,
    ) -> bool {
        let status = &reconnect.status();
        if !self.enrol(arrival, query, status.id.module, status.id.role, to) {
            return false;
        }
        let time = self.reconnection_time();
        self.census.add(arrival.now, time, &listed(reconnect));
        if self.keeps_dossiers() {
            self.archive.note_status(status);
        }
        bump(&mut self.counts.reconnected);
        true
    }

    /// A member is reached elsewhere from now on. Whoever is left where it was is
    /// told that it is dead; the others are told with a *module_status*, which makes
    /// them forget where the member was (4.2.9.6 a).
    fn follow(
        &mut self,
        now: Now,
        status: &ModuleStatus<'_>,
        to: Address,
        transport: &mut dyn Transport,
    ) {
        let number = status.id.module;
        if let Some(member) = self.circle.members.get_mut(number) {
            let before = core::mem::replace(&mut member.recipient.address, to);
            // If another module is there, under the same number, it is the one that
            // has to go. Refused by the transport, it will reconnect and take its turn.
            let _ = self.outlet.send(&now, &before, &Content::YouAreDead, transport);
        }
        if self.keeps_dossiers() {
            self.archive.note_status(status);
        }
        bump(&mut self.counts.moved);
        let (kind, reference) = (MpduType::MODULE_STATUS, status.id.reference());
        let mut lost = 0_u32;
        for recipient in self.circle.recipients_mut(number) {
            let to = recipient.address;
            let sent =
                self.outlet.send_raw(&now, &to, kind, reference, &StatusOfOne(status), transport);
            if sent.is_err() {
                bump(&mut lost);
            }
        }
        self.count_lost(now, lost);
    }

    /// Whether the policy lets a module reconnect under `number`.
    fn admits(&self, now: Now, number: ModuleNumber) -> bool {
        let policy = self.mib.policy.reconnection;
        let late = policy.timely && self.census.is_closed(now);
        let odd = policy.consistent && !self.census.agreed.contains(number);
        !late && !odd && !self.census.gone.contains(number)
    }

    /// A module beats that is no member, and may have been one of an earlier
    /// registrar's: until it has had the time to reconnect nobody gets its number.
    pub(super) fn hear_of(&mut self, arrival: &Arrival<'_>, number: ModuleNumber) {
        if self.census.is_closed(arrival.now) || self.census.gone.contains(number) {
            return;
        }
        self.census.heard_of.insert(number);
        if let Some(role) = self.roles.get_mut(usize::from(number.0)) {
            *role = arrival.sender.role;
        }
    }

    /// How long modules may reconnect: they miss this registrar's predecessor after
    /// N5 and half an N4, and have to find this one.
    pub(super) fn reconnection_time(&self) -> Duration {
        self.mib.timers.n5().saturating_add(self.mib.timers.n4())
    }

    /// After the time for reconnections, those that were heard of and have not
    /// reconnected are taken for dead (2.3.7).
    pub(super) fn close_census(&mut self, now: Now, transport: &mut dyn Transport) {
        if self.census.heard_of.is_empty() || !self.census.is_closed(now) {
            return;
        }
        let members = self.circle.numbers();
        let missing = core::mem::replace(&mut self.census.heard_of, Numbers::NONE);
        for number in missing.iter().filter(|number| !members.contains(*number)) {
            bump(&mut self.counts.imputed);
            self.announce_stop(now, number, transport);
        }
    }
}

/// How the number that a reconnecting module names is held.
enum Claim {
    /// Nobody has it.
    Free,
    /// The module itself does.
    Own,
    /// The module itself does, as the policy has it, and was reached elsewhere.
    Moved,
    /// Another module does.
    Taken,
    /// The module is a member under another number.
    Stale,
}

/// A module status list of one (5.1.5.16).
struct StatusOfOne<'a>(&'a ModuleStatus<'a>);

impl Encode for StatusOfOne<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u32(1)?;
        self.0.encode(to)
    }
}

/// The census of a *reconnect*, the module itself included.
fn listed(reconnect: &Reconnect<'_>) -> Numbers {
    reconnect.modules().iter().chain([reconnect.status().id.module]).collect()
}
