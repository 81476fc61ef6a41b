//! Reconnection to a restarted registrar (735.1-B-1 4.2.8).

use core::time::Duration;

use super::numbers::Numbers;
use super::{Arrival, Registrar};
use crate::ams::ids::ModuleNumber;
use crate::ams::meta::bump;
use crate::ams::pdu::{Content, Reconnect};
use crate::time::{Instant, Now};
use crate::transport::Transport;

/// Which of the defences of 4.2.8.2 are taken up.
///
/// Defence c) always is, for module numbers must be unique: a *reconnect* under
/// a number that another module has is answered with *you_are_dead*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconnectionPolicy {
    /// a) Refuse modules that come later than N5 after the registrar commenced
    /// heartbeat exchange with its configuration server.
    pub timely: bool,
    /// b) Refuse modules that the census of another did not include.
    pub consistent: bool,
}

impl ReconnectionPolicy {
    /// All the defences.
    pub const STRICT: Self = Self { timely: true, consistent: true };
}

impl Default for ReconnectionPolicy {
    fn default() -> Self {
        Self::STRICT
    }
}

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
    fn add(&mut self, now: Now, n5: Duration, census: &Numbers) {
        self.agreed.keep(census);
        self.heard_of.extend(census);
        if self.is_closed(now) {
            // The policy lets late ones in: the others it told of get their time.
            self.closes = Some(now.monotonic.after(n5));
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
        let status = &reconnect.status;
        let number = status.id.module;
        if status.id.unit != self.unit {
            return bump(&mut self.outlet.stats.not_ours);
        }
        let to = self.address_of(status.contact.endpoint, arrival.from, transport);
        let same = self
            .circle
            .members
            .get(number)
            .map(|member| member.role == status.id.role && member.recipient.address == to);
        let answer = match same {
            Some(true) => Content::Reconnected { echo: query },
            None if self.circle.members.iter().any(|other| other.recipient.address == to) => {
                // Left over from an earlier life of a module that is a member
                // now: any answer would be taken by the living one.
                return bump(&mut self.outlet.stats.stale);
            }
            None if status.id.role == arrival.sender.role
                && self.admits(now, number)
                && self.enrol(arrival, query, number, status.id.role, to) =>
            {
                self.census.add(now, self.mib.timers.n5(), &listed(reconnect));
                if self.keeps_dossiers() {
                    self.archive.note_status(status);
                }
                bump(&mut self.counts.reconnected);
                Content::Reconnected { echo: query }
            }
            _ => {
                bump(&mut self.counts.reconnections_refused);
                Content::YouAreDead
            }
        };
        if let Some(member) = self.circle.members.get_mut(number).filter(|_| same != Some(false)) {
            member.query = query;
            member.pulse.heard(now.monotonic);
        }
        // Refused by the transport, it will be asked for again (4.2.8.1 note).
        let _ = self.outlet.send(now, &to, &answer, transport);
    }

    /// Whether the policy lets a module reconnect under `number`.
    fn admits(&self, now: Now, number: ModuleNumber) -> bool {
        let policy = self.config.reconnection;
        let late = policy.timely && self.census.is_closed(now);
        let odd = policy.consistent && !self.census.agreed.contains(number);
        !late && !odd && !self.census.gone.contains(number)
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

/// The census of a *reconnect*, the module itself included.
fn listed(reconnect: &Reconnect<'_>) -> Numbers {
    reconnect.modules.iter().chain([reconnect.status.id.module]).collect()
}
