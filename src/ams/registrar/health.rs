//! Staying in touch: configuration server, heartbeats, resynchronisation
//! (735.1-B-1 4.2.2, 4.2.3, 4.2.7, 4.2.9).

use core::time::Duration;

use super::circle::{OtherRegistrar, Recipient};
use super::{Arrival, Registrar};
use crate::ams::ids::ModuleNumber;
use crate::ams::meta::{Pulse, RETRY, bump};
use crate::ams::pdu::{CellDescriptor, Content, ModuleList};
use crate::time::{Instant, Now};
use crate::transport::Transport;

const HEARTBEAT: Content<'_> = Content::Heartbeat { source: ModuleNumber::NONE };

impl Registrar<'_> {
    /// An MPDU from a configuration server.
    pub(super) fn hear_config_server(
        &mut self,
        arrival: &Arrival<'_>,
        content: &Content<'_>,
        transport: &mut dyn Transport,
    ) {
        match *content {
            Content::RegistrarNoted { echo } => {
                if self.search.answered(echo, arrival.from) {
                    self.noted(arrival.now);
                } else {
                    bump(&mut self.outlet.stats.stale);
                }
            }
            Content::Rejection { echo, reason } => {
                if self.search.answered(echo, arrival.from) {
                    self.ceased = Some(reason);
                } else {
                    bump(&mut self.outlet.stats.stale);
                }
            }
            Content::CellSpec { cell, .. } => self.note_cell(&cell, transport),
            Content::Heartbeat { .. } => match &mut self.server_pulse {
                Some(pulse) => pulse.heard(arrival.now.monotonic),
                None => bump(&mut self.outlet.stats.inappropriate),
            },
            _ => bump(&mut self.outlet.stats.inappropriate),
        }
    }

    /// A configuration server has noted this registrar (4.2.3.4).
    fn noted(&mut self, now: Now) {
        let n5 = self.mib.timers.n5();
        self.server_pulse = Some(Pulse::commence(now.monotonic));
        self.census.closes = Some(now.monotonic.after(self.reconnection_time()));
        if self.established.is_none() {
            self.established = Some(now.monotonic);
            let interval = self.resync_interval();
            self.resync_at = interval.map(|interval| now.monotonic.after(interval.max(n5)));
        }
    }

    /// A *cell_spec* (4.2.3.5). One of the own cell says that there is no other.
    fn note_cell(&mut self, cell: &CellDescriptor<'_>, transport: &mut dyn Transport) {
        if cell.unit == self.unit {
            return;
        }
        let name = cell.registrar.as_str();
        let Some(address) = transport.resolve(self.mib.primary_transport, name) else {
            return bump(&mut self.outlet.stats.unresolved);
        };
        if let Some(registrar) = self.circle.registrars.get_mut(cell.unit) {
            registrar.recipient.address = address;
            return;
        }
        let recipient = Recipient::new(address);
        let registrar = OtherRegistrar { unit: cell.unit, complete: false, recipient };
        if self.circle.registrars.insert(registrar).is_err() {
            self.left_out = true;
            bump(&mut self.outlet.stats.full);
        }
    }

    /// A *heartbeat* of a module of the cell: its number and its role tell which.
    pub(super) fn heard(
        &mut self,
        arrival: &Arrival<'_>,
        source: ModuleNumber,
        transport: &mut dyn Transport,
    ) {
        if source == ModuleNumber::NONE {
            return bump(&mut self.outlet.stats.inappropriate);
        }
        match self.circle.members.get_mut(source) {
            Some(member) if member.role == arrival.sender.role => {
                member.pulse.heard(arrival.now.monotonic);
            }
            Some(_) => self.disown(arrival, source, transport),
            None => {
                self.hear_of(arrival, source);
                self.disown(arrival, source, transport);
            }
        }
    }

    /// Heartbeats with the configuration server, and looking for it (4.2.7.1.2,
    /// 4.2.7.3).
    pub(super) fn keep_config_server(&mut self, now: Now, transport: &mut dyn Transport) {
        let timers = &self.mib.timers;
        let silent = |pulse: Pulse| pulse.is_silent(now.monotonic, timers.n3, timers.n6);
        if self.server_pulse.is_some_and(silent) {
            bump(&mut self.counts.config_servers_lost);
            self.server_pulse = None;
            self.search.forget();
            self.announce_at = now.monotonic;
        }
        if self.search.failed(now.monotonic, self.mib) {
            self.announce_at = now.monotonic;
        }
        if let (Some(pulse), Some(to)) = (&mut self.server_pulse, self.search.known()) {
            if pulse.beat(now.monotonic, timers.n3)
                && self.outlet.send(&now, &to, &HEARTBEAT, transport).is_err()
            {
                pulse.beat_again(now.monotonic.after(RETRY));
            }
        } else if !self.search.is_open() && now.monotonic >= self.announce_at {
            self.announce(now, transport);
        }
    }

    /// *announce_registrar* to the next location (4.2.3.1).
    fn announce(&mut self, now: Now, transport: &mut dyn Transport) {
        let query = self.outlet.next_query();
        let Some(to) = self.search.begin(now.monotonic, query, self.mib, transport) else {
            // The next location gets its turn when this one's time is up.
            return bump(&mut self.outlet.stats.unresolved);
        };
        let content = Content::AnnounceRegistrar { query, endpoint: self.config.endpoint };
        if self.outlet.send(&now, &to, &content, transport).is_err() {
            self.search.abandon();
            self.announce_at = now.monotonic.after(RETRY);
        }
    }

    /// When there is something to do about the configuration server.
    pub(super) fn server_deadline(&self) -> Instant {
        let timers = &self.mib.timers;
        let beat = self.server_pulse.map(|pulse| pulse.deadline(timers.n3, timers.n6));
        beat.or(self.search.deadline()).unwrap_or(self.announce_at)
    }

    /// Members that were silent for N6 × N4 are taken for dead (4.2.7.6).
    ///
    /// *you_are_dead* that the transport refuses is not owed: if the module lives,
    /// its next heartbeat gets it.
    pub(super) fn impute_terminations(&mut self, now: Now, transport: &mut dyn Transport) {
        let (n4, n6) = (self.mib.timers.n4(), self.mib.timers.n6);
        for number in self.circle.numbers().iter() {
            let Some(member) = self.circle.members.get(number) else { continue };
            if !member.pulse.is_silent(now.monotonic, n4, n6) {
                continue;
            }
            let to = member.recipient.address;
            let _ = self.outlet.send(&now, &to, &Content::YouAreDead, transport);
            self.terminate(now, number, transport);
            bump(&mut self.counts.imputed);
        }
    }

    /// A *heartbeat* to each member every N4 (4.2.7.1).
    pub(super) fn beat(&mut self, now: Now, transport: &mut dyn Transport) {
        let n4 = self.mib.timers.n4();
        for member in self.circle.members.iter_mut() {
            if member.pulse.beat(now.monotonic, n4)
                && self.outlet.send(&now, &member.recipient.address, &HEARTBEAT, transport).is_err()
            {
                member.pulse.beat_again(now.monotonic.after(RETRY));
            }
        }
    }

    /// Every resynchronisation interval all are owed a *cell_status* (4.2.9.1).
    pub(super) fn resynchronise(&mut self, now: Now) {
        let (Some(at), Some(interval)) = (self.resync_at, self.resync_interval()) else { return };
        if now.monotonic < at {
            return;
        }
        self.resync_at = Some(now.monotonic.after(interval));
        self.aggregate.asked = Some(now.monotonic);
        self.circle
            .recipients_mut(ModuleNumber::NONE)
            .for_each(|recipient| recipient.status = true);
        self.retry_at = Some(now.monotonic);
    }

    /// *cell_status* to those who have yet to get it.
    pub(super) fn send_status(&mut self, now: Now, transport: &mut dyn Transport) {
        let mut numbers = [0; 255];
        let mut count = 0_usize;
        for (to, member) in numbers.iter_mut().zip(self.circle.members.iter()) {
            *to = member.number.0;
            count = count.saturating_add(1);
        }
        let Some(modules) = ModuleList::new(numbers.get(..count).unwrap_or_default()) else {
            return;
        };
        let content = Content::CellStatus { unit: self.unit, modules };
        let mut left = false;
        for recipient in self.circle.recipients_mut(ModuleNumber::NONE) {
            if recipient.status {
                let sent = self.outlet.send(&now, &recipient.address, &content, transport);
                recipient.status = self.outlet.is_owed(sent);
                left |= recipient.status;
            }
        }
        if left {
            self.retry_later(now);
        }
    }

    /// Something was lost that only resynchronisation repairs: it comes in one N3
    /// at the latest, though not before N5 of operation.
    pub(super) fn hasten_resync(&mut self, now: Now) {
        let soon = now.monotonic.after(self.mib.timers.n3);
        let earliest = self.established.map(|start| start.after(self.mib.timers.n5()));
        self.resync_at =
            self.resync_at.map(|at| at.min(earliest.map_or(soon, |earliest| soon.max(earliest))));
    }

    /// Between resynchronisations of this cell (8.2 e); `None` for never.
    pub(super) fn resync_interval(&self) -> Option<Duration> {
        let unit = self.mib.venture(self.config.venture)?.unit(self.unit)?;
        (unit.resync_period > 0).then(|| self.mib.timers.n3.saturating_mul(unit.resync_period))
    }
}
