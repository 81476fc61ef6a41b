//! The configuration server (735.1-B-1 4.2.1 to 4.2.4, 4.2.7): it knows where
//! the registrar of every cell is, and tells whoever asks.
//!
//! States of the server, of its MIB's continuum:
//!
//! | state | event | does | next | clause |
//! |---|---|---|---|---|
//! | running | first tick, then every N5 | *I_am_running* to every lower-ranking location | running | 4.2.1.1 |
//! | running | *I_am_running* | ceases | outranked, or standing by where the policy has servers take over | 4.2.1.2 |
//! | running | *registrar_query*, registrar known | *cell_spec* | running | 4.2.4.2.2.1 |
//! | running | *registrar_query*, registrar or cell unknown | *registrar_unknown* | running | 4.2.4.2.2.2 |
//! | standing by | *I_am_running* | notes that it was heard | standing by | 2.3.6 |
//! | standing by | as many *I_am_running* missing as the policy says | forgets all cells, commences operations | running | 2.3.6, 4.2.1.1 |
//! | standing by | anything else | nothing | standing by | 4.2.1.2 |
//! | outranked | anything | nothing | outranked | 4.2.1.2 |
//!
//! States of each cell:
//!
//! | state | event | does | next | clause |
//! |---|---|---|---|---|
//! | unknown, lost | *announce_registrar*, cell not in the MIB | *rejection*, no such unit | same | 4.2.3.2.2 |
//! | unknown, lost | *announce_registrar* | *registrar_noted*, *cell_spec* of each other cell to it and of it to the others | known | 4.2.3.2.3 |
//! | known | *announce_registrar* from another endpoint | *rejection*, duplicate registrar | known | 4.2.3.2.2 |
//! | known | *announce_registrar* from the same endpoint | *registrar_noted* and *cell_spec*s again | known | 4.2.2 |
//! | known | every N3 | *heartbeat* | known | 4.2.7.1 |
//! | known | every N5 | *cell_spec* of each other cell to it | known | 4.2.3.2.3 c |
//! | known | *heartbeat* | notes that it was heard | known | 4.2.7.2 |
//! | known | N6 × N3 without one | counts it in [`ConfigServerCounts::registrars_lost`] | lost | 4.2.7.4 |
//!
//! Choices the standard leaves open:
//! - A registrar that announces itself again from its own MAMS endpoint name is
//!   no duplicate: the answer was lost, or it has been restarted where it was.
//! - Answers go to the endpoint name in the question, and to where the question
//!   came from if the transport cannot resolve that name (counted).
//! - Answers are not repeated when the transport refuses them, for the question
//!   will be. *cell_spec*s that nobody asks for are offered again until taken,
//!   and repeated every N5: they are not acknowledged, and one that is lost
//!   would leave a cell out for good.
//!   *I_am_running* and *heartbeat*s are periodic anyway.
//! - "A configuration server in operation at one of those locations at all times"
//!   (2.3.2): where [`Policy::takeover`](super::mib::Policy::takeover) is above 0, a
//!   server that has ceased stands by. It takes over when so many *I_am_running* are
//!   missing, and N3 later for each location that ranks before its own, so that of
//!   several the highest is heard first. Registrars and modules find it as they find
//!   any: they are not told.
//! - A *cell_spec* that is too long for the transport is given up
//!   ([`MetaStats::too_long`]).
//! - "Some action intended to cause the registrar to be restarted" is the
//!   host's: it sees [`CellState::Lost`].

mod cell;
mod change;
mod memory;

#[cfg(test)]
mod tests;

use super::MetaStats;
use super::ids::{ModuleNumber, RoleNumber, UnitNumber, VentureNumber};
use super::meta::{Outlet, RETRY, bump};
use super::mib::Mib;
use super::pdu::{Content, EndpointName, Mpdu, MpduType, RefusalReason, Sender};
use super::security::{Authenticator, Receiver};
use crate::machine::Machine;
use crate::storage::{Slot, Table};
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, SendError, Transport};

use cell::Spec;

pub use cell::{Cell, CellState};
pub use memory::ConfigServerMemory;

/// What a configuration server keeps its state in.
#[derive(Debug)]
pub struct ConfigServerStorage<'s> {
    /// One slot for every cell of every venture, 128 octets each. A registrar for
    /// whom there is no slot gets no answer and is counted as `full`.
    pub cells: &'s mut [Slot<Cell>],
    /// Where MPDUs are written: [`ConfigServer::BUFFER_LEN`] octets or more.
    pub buffer: &'s mut [u8],
}

/// What a configuration server is told besides its MIB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConfigServerConfig {
    /// Which of the MIB's `config_servers` this one is, from 0. Those behind it
    /// rank lower.
    pub location: usize,
}

/// Whether a configuration server is in operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ConfigServerState {
    /// It is.
    #[default]
    Running,
    /// It has ceased, for a higher-ranking one is running, and takes over when that
    /// one falls silent (2.3.6).
    StandingBy,
    /// It has ceased for good: a higher-ranking one is running (4.2.1.2).
    Outranked,
}

/// What a configuration server has decided. Counters stop at their greatest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigServerCounts {
    /// Registrars noted, those noted again after a loss too.
    pub registrars_noted: u32,
    /// Announcements answered again, because they were repeated.
    pub repeated: u32,
    /// Announcements rejected: the cell has another registrar.
    pub duplicates: u32,
    /// Announcements rejected: no such cell in the MIB.
    pub unknown_cells: u32,
    /// Registrars whose termination was imputed (4.2.7.4); they want restarting.
    pub registrars_lost: u32,
    /// How often it ceased because a higher-ranking one is running.
    pub ceased: u32,
    /// How often it took over from one that fell silent.
    pub takeovers: u32,
}

/// A configuration server.
#[derive(Debug)]
pub struct ConfigServer<'s> {
    mib: &'s Mib<'s>,
    config: ConfigServerConfig,
    state: ConfigServerState,
    /// When to take over, while standing by.
    takeover_at: Instant,
    /// When *I_am_running* is due, and *cell_spec*s are to be repeated.
    running_at: Instant,
    /// When to offer again the *cell_spec*s that the transport refused.
    retry_at: Option<Instant>,
    cells: Table<'s, Cell>,
    outlet: Outlet<'s>,
    counts: ConfigServerCounts,
}

impl<'s> ConfigServer<'s> {
    /// Octets that the longest MPDU of a configuration server takes.
    pub const BUFFER_LEN: usize = 96;

    /// A configuration server that commences operations with its first tick.
    #[must_use]
    pub fn new(
        mib: &'s Mib<'s>,
        config: ConfigServerConfig,
        storage: ConfigServerStorage<'s>,
    ) -> Self {
        Self {
            mib,
            config,
            state: ConfigServerState::Running,
            takeover_at: Instant::ZERO,
            running_at: Instant::ZERO,
            retry_at: None,
            cells: Table::new(storage.cells),
            outlet: Outlet::new(mib, Sender::CONFIGURATION_SERVER, 1, storage.buffer),
            counts: ConfigServerCounts::default(),
        }
    }

    /// The same, but `authenticator` signs what it sends, with the private key of the
    /// MIB, and judges what it receives, by the public keys of the MIB.
    #[must_use]
    pub fn with_authenticator(mut self, authenticator: &'s dyn Authenticator) -> Self {
        self.outlet.be_guarded(authenticator, self.mib, Receiver::ConfigServer);
        self
    }

    /// Takes in a datagram that came from `from`.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn receive(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) {
        bump(&mut self.outlet.stats.received);
        if !self.outlet.admits(&now, octets) {
            return;
        }
        let mpdu = match Mpdu::parse(octets) {
            Ok(mpdu) => mpdu,
            Err(fault) => return self.outlet.stats.note_malformed(fault),
        };
        self.outlet.stats.note_deviations(mpdu.deviations());
        let sender = mpdu.sender();
        match mpdu.content() {
            Content::IAmRunning
                if sender == Sender::CONFIGURATION_SERVER
                    && self.state != ConfigServerState::Outranked =>
            {
                self.cease(now);
            }
            _ if self.state != ConfigServerState::Running => {
                bump(&mut self.outlet.stats.inappropriate);
            }
            Content::AnnounceRegistrar { query, endpoint } => {
                self.announced(
                    now,
                    (sender.venture, sender.unit),
                    query,
                    endpoint,
                    from,
                    transport,
                );
            }
            Content::RegistrarQuery { query, endpoint } => {
                self.asked(now, (sender.venture, sender.unit), query, endpoint, from, transport);
            }
            Content::Heartbeat { source: ModuleNumber::NONE } => self.heard(now, sender),
            _ => bump(&mut self.outlet.stats.inappropriate),
        }
    }

    /// Does what is due. Calls before [`ConfigServer::next_deadline`] do nothing.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        match self.state {
            ConfigServerState::Outranked => return,
            ConfigServerState::StandingBy if now.monotonic < self.takeover_at => return,
            ConfigServerState::StandingBy => self.take_over(now),
            ConfigServerState::Running => {}
        }
        if now.monotonic >= self.running_at {
            self.running_at = now.monotonic.after(self.mib.timers.n5());
            self.say_running(now, transport);
            self.repeat_specs(now);
        }
        self.impute_terminations(now);
        self.beat(now, transport);
        if self.retry_at.is_some_and(|at| now.monotonic >= at) {
            self.retry_at = None;
            self.settle(now, transport);
        }
    }

    /// When to call [`ConfigServer::tick`] next; `receive` and `tick` change it.
    /// `None` once the server has ceased for good.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            ConfigServerState::Outranked => return None,
            ConfigServerState::StandingBy => return Some(self.takeover_at),
            ConfigServerState::Running => {}
        }
        let timers = &self.mib.timers;
        let known = self.cells.iter().filter(|cell| cell.is_known());
        let beat = known.map(|cell| cell.pulse.deadline(timers.n3, timers.n6)).min();
        earliest(earliest(Some(self.running_at), self.retry_at), beat)
    }

    /// Whether it is in operation.
    #[must_use]
    pub const fn state(&self) -> ConfigServerState {
        self.state
    }

    /// The cells that have or had a registrar, by venture and unit.
    pub fn cells(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter()
    }

    /// What became of the MPDUs received and sent.
    #[must_use]
    pub const fn stats(&self) -> &MetaStats {
        &self.outlet.stats
    }

    /// What was decided.
    #[must_use]
    pub const fn counts(&self) -> &ConfigServerCounts {
        &self.counts
    }

    /// A higher-ranking server is running: this one is not, any more (4.2.1.2).
    fn cease(&mut self, now: Now) {
        if self.state == ConfigServerState::Running {
            bump(&mut self.counts.ceased);
        }
        let takeover = self.mib.policy.takeover;
        if takeover == 0 {
            self.state = ConfigServerState::Outranked;
            return;
        }
        self.state = ConfigServerState::StandingBy;
        let timers = &self.mib.timers;
        let rank = u32::try_from(self.config.location).unwrap_or(u32::MAX).max(1);
        let patience = timers.n5().saturating_mul(u32::from(takeover));
        self.takeover_at =
            now.monotonic.after(patience.saturating_add(timers.n3.saturating_mul(rank)));
    }

    /// The higher-ranking server has fallen silent: this one commences operations.
    fn take_over(&mut self, now: Now) {
        bump(&mut self.counts.takeovers);
        self.state = ConfigServerState::Running;
        self.cells.clear();
        self.running_at = now.monotonic;
        self.retry_at = None;
    }

    /// An *announce_registrar* (4.2.3.2).
    fn announced(
        &mut self,
        now: Now,
        key: (VentureNumber, UnitNumber),
        echo: u32,
        endpoint: EndpointName<'_>,
        from: &Address,
        transport: &mut dyn Transport,
    ) {
        let to = self.answer_address(endpoint, from, transport);
        let known = self.cells.get(key).filter(|cell| cell.is_known());
        let repeated = known.is_some_and(|cell| cell.endpoint() == endpoint.as_str());
        let reason = if !self.is_in_mib(key) {
            bump(&mut self.counts.unknown_cells);
            Some(RefusalReason::NO_SUCH_UNIT)
        } else if known.is_some() && !repeated {
            bump(&mut self.counts.duplicates);
            Some(RefusalReason::DUPLICATE_REGISTRAR)
        } else {
            None
        };
        if let Some(reason) = reason {
            // Refused by the transport too, it will be asked for again.
            let _ = self.outlet.send(&now, &to, &Content::Rejection { echo, reason }, transport);
            return;
        }
        if !self.note(now, key, endpoint, to) {
            return bump(&mut self.outlet.stats.full);
        }
        let _ = self.outlet.send(&now, &to, &Content::RegistrarNoted { echo }, transport);
        self.tell_of_others(now, key, transport);
        if repeated {
            bump(&mut self.counts.repeated);
        } else {
            bump(&mut self.counts.registrars_noted);
            self.tell_others_of(now, key, transport);
        }
    }

    /// Notes the registrar of a cell (4.2.3.2.3 a). False when there is no room.
    fn note(
        &mut self,
        now: Now,
        key: (VentureNumber, UnitNumber),
        endpoint: EndpointName<'_>,
        address: Address,
    ) -> bool {
        let cell = Cell::new(now.monotonic, key, endpoint, address);
        self.cells.insert(cell).is_ok()
    }

    /// A *registrar_query* (4.2.4.2.2).
    fn asked(
        &mut self,
        now: Now,
        key: (VentureNumber, UnitNumber),
        echo: u32,
        endpoint: EndpointName<'_>,
        from: &Address,
        transport: &mut dyn Transport,
    ) {
        let to = self.answer_address(endpoint, from, transport);
        // Whatever becomes of the answer: the question will be repeated.
        let _ = match self.cells.get(key).filter(|cell| cell.is_known()) {
            Some(cell) => send_spec(&mut self.outlet, now, &to, echo, cell, transport),
            None => self.outlet.send(&now, &to, &Content::RegistrarUnknown { echo }, transport),
        };
    }

    /// A *heartbeat*: registrars are known by their cells.
    fn heard(&mut self, now: Now, sender: Sender) {
        match self.cells.get_mut((sender.venture, sender.unit)) {
            Some(cell) if cell.is_known() && sender.role == RoleNumber::ALL => {
                cell.pulse.heard(now.monotonic)
            }
            _ => bump(&mut self.outlet.stats.inappropriate),
        }
    }

    /// Where the answer to a question goes.
    fn answer_address(
        &mut self,
        endpoint: EndpointName<'_>,
        from: &Address,
        transport: &mut dyn Transport,
    ) -> Address {
        let address = transport.resolve(self.mib.primary_transport, endpoint.as_str());
        address.unwrap_or_else(|| {
            bump(&mut self.outlet.stats.unresolved);
            *from
        })
    }

    /// The *cell_spec*s a registrar has yet to get (4.2.3.2.3 c): one of each
    /// other cell of its message space, or of its own when there is none.
    fn tell_of_others(
        &mut self,
        now: Now,
        key: (VentureNumber, UnitNumber),
        transport: &mut dyn Transport,
    ) {
        let Some((cell, since)) = self.cells.get(key).and_then(|cell| Some((cell, cell.owed?)))
        else {
            return;
        };
        let (venture, unit) = key;
        let others = self
            .cells
            .iter_from((venture, UnitNumber::ROOT))
            .take_while(|other| other.venture() == venture)
            .filter(|other| other.is_known() && other.unit() != unit);
        let alone = others.clone().next().is_none();
        let refused = others
            .filter(|other| other.unit() >= since)
            .chain(alone.then_some(cell))
            .find(|other| {
                let sent = send_spec(&mut self.outlet, now, &cell.address, 0, other, transport);
                self.outlet.is_owed(sent)
            })
            .map(Cell::unit);
        if refused.is_some() {
            self.retry_at = Some(now.monotonic.after(RETRY));
        }
        if let Some(cell) = self.cells.get_mut(key) {
            cell.owed = refused;
        }
    }

    /// A *cell_spec* of a new registrar to each other (4.2.3.2.3 d).
    fn tell_others_of(
        &mut self,
        now: Now,
        key: (VentureNumber, UnitNumber),
        transport: &mut dyn Transport,
    ) {
        let Some(cell) = self.cells.get(key).copied() else { return };
        for other in self.cells.iter_mut() {
            if other.venture() != cell.venture() || other.unit() == cell.unit() || !other.is_known()
            {
                continue;
            }
            let sent = send_spec(&mut self.outlet, now, &other.address, 0, &cell, transport);
            if self.outlet.is_owed(sent) {
                other.owe(cell.unit());
                self.retry_at = Some(now.monotonic.after(RETRY));
            }
        }
    }

    /// Offers again the *cell_spec*s that were refused.
    fn settle(&mut self, now: Now, transport: &mut dyn Transport) {
        let mut after = None;
        loop {
            let next = self.cells.iter().find(|cell| {
                cell.owed.is_some() && cell.is_known() && after.is_none_or(|key| cell.whose() > key)
            });
            let Some(key) = next.map(Cell::whose) else { return };
            self.tell_of_others(now, key, transport);
            after = Some(key);
        }
    }

    /// *I_am_running* to those that rank lower, every N5 (4.2.1.1).
    fn say_running(&mut self, now: Now, transport: &mut dyn Transport) {
        let own = self.mib.config_servers.get(self.config.location);
        let lower = self.mib.config_servers.iter().skip(self.config.location.saturating_add(1));
        // A location listed twice must not make the server stop itself.
        for endpoint in lower.filter(|&endpoint| Some(endpoint) != own) {
            match transport.resolve(self.mib.primary_transport, endpoint) {
                Some(to) => {
                    let _ = self.outlet.send(&now, &to, &Content::IAmRunning, transport);
                }
                None => bump(&mut self.outlet.stats.unresolved),
            }
        }
    }

    /// Nobody acknowledges a *cell_spec*, and without it a registrar knows one cell
    /// less for good: every N5 all are owed all of them again.
    fn repeat_specs(&mut self, now: Now) {
        for cell in self.cells.iter_mut().filter(|cell| cell.is_known()) {
            cell.owe(UnitNumber::ROOT);
            self.retry_at = Some(now.monotonic);
        }
    }

    /// Registrars that were silent for N6 × N3 are not known any more (4.2.7.4).
    fn impute_terminations(&mut self, now: Now) {
        let timers = &self.mib.timers;
        for cell in self.cells.iter_mut().filter(|cell| cell.is_known()) {
            if cell.pulse.is_silent(now.monotonic, timers.n3, timers.n6) {
                cell.lose(now.monotonic);
                bump(&mut self.counts.registrars_lost);
            }
        }
    }

    /// A *heartbeat* to each known registrar every N3 (4.2.7.1, 4.2.7.1.1).
    fn beat(&mut self, now: Now, transport: &mut dyn Transport) {
        let heartbeat = Content::Heartbeat { source: ModuleNumber::NONE };
        for cell in self.cells.iter_mut().filter(|cell| cell.is_known()) {
            if cell.pulse.beat(now.monotonic, self.mib.timers.n3)
                && self.outlet.send(&now, &cell.address, &heartbeat, transport).is_err()
            {
                cell.pulse.beat_again(now.monotonic.after(RETRY));
            }
        }
    }

    fn is_in_mib(&self, (venture, unit): (VentureNumber, UnitNumber)) -> bool {
        self.mib.venture(venture).is_some_and(|venture| venture.unit(unit).is_some())
    }
}

/// Sends a *cell_spec* of `cell`.
fn send_spec(
    outlet: &mut Outlet<'_>,
    now: Now,
    to: &Address,
    echo: u32,
    cell: &Cell,
    transport: &mut dyn Transport,
) -> Result<(), SendError> {
    outlet.send_raw(&now, to, MpduType::CELL_SPEC, echo, &Spec(cell), transport)
}

impl Machine for ConfigServer<'_> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        ConfigServer::receive(self, now, from, octets, transport);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        ConfigServer::tick(self, now, transport);
    }

    fn next_deadline(&self) -> Option<Instant> {
        ConfigServer::next_deadline(self)
    }
}
