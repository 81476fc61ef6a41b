//! A manager: it knows agents, has them do things, and hears what they report.
//!
//! | letter | until | then |
//! |---|---|---|
//! | to be sent | the transport takes it; it is offered at each [`ManagerConfig::retry`] | gone, or to be answered |
//! | to be answered | a report `ack` or `nack` names its time, or [`ManagerConfig::patience`] is over | told to the user |
//!
//! | agent | until | then |
//! |---|---|---|
//! | heard | nothing came from it for as long as is expected | missing, told once |
//! | missing | something comes | heard, told once |
//!
//! A letter is a group of one message of controls. It is sent once: an agent that has done
//! what it says would do it again. So what is not answered is told, and is the user's to
//! decide. Definitions that agents are to have are seen to by the manager; see
//! [`Manager::want`] and `manager/wanted.rs`.

mod wanted;

pub use wanted::{NotWanted, Standing, Wanted};

use core::fmt;
use core::time::Duration;

use super::agent::{ACK_TEMPLATE, LOST_TEMPLATE, NACK_TEMPLATE};
use super::amp::{
    Ac, Ari, Body, Epoch, Group, GroupWriter, MessageHeader, Opcode, Profile, Rpt, Tbl, Value,
};
use super::arena::{Arena, Span};
use super::refusal::Refusal;
use super::timing;
use crate::machine::count;
use crate::storage::{Full, Row, Slot, Table};
use crate::time::{Instant, Now, earliest};
use crate::transport::{Address, SendError, Transport};
use crate::wire::{Encode, NoSpace, Writer};
use wanted::{Wants, next};

/// What a manager is told before it starts.
#[derive(Clone, Copy, Debug)]
pub struct ManagerConfig {
    /// Whom octets are exchanged with.
    pub profile: Profile,
    /// What times are counted from.
    pub epoch: Epoch,
    /// How long until what the transport refused is offered again.
    pub retry: Duration,
    /// How long an answer is waited for.
    pub patience: Duration,
    /// How long an agent may be silent before it is missing; never without.
    pub expected: Option<Duration>,
}

impl Default for ManagerConfig {
    /// amp-08 and its epoch, 1 s, an hour, and no agent is ever missing.
    fn default() -> Self {
        Self {
            profile: Profile::Draft08,
            epoch: Epoch::Draft2000,
            retry: Duration::from_secs(1),
            patience: Duration::from_secs(3_600),
            expected: None,
        }
    }
}

/// An agent that a manager knows.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct KnownAgent {
    address: Address,
    id: [u8; Self::ID_MAX],
    length: u8,
    heard: Instant,
    missing: bool,
}

impl KnownAgent {
    /// The longest name that is kept, in octets. What is longer is cut.
    pub const ID_MAX: usize = 32;

    /// Where it is.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// The name it has registered with; empty until then.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        self.id.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// When something came from it last.
    #[must_use]
    pub const fn heard(&self) -> Instant {
        self.heard
    }

    /// Whether it has been silent for longer than is expected.
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        self.missing
    }
}

impl Row for KnownAgent {
    type Key = Address;

    fn key(&self) -> Address {
        self.address
    }
}

/// A letter to an agent that is to be sent, or answered.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Letter {
    to: Address,
    time: u64,
    octets: Span,
    answer: bool,
    /// When it is offered again, or given up.
    due: Instant,
    sent: bool,
    /// Whether the manager has written it by itself.
    own: bool,
}

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Answer {
    /// All of it was done.
    Done,
    /// Nothing of it was done: the place of the control that was refused, and why, if the
    /// reason is one that is known here.
    Refused(u32, Option<Refusal>),
    /// Nobody has answered in time. It may have been done.
    Silence,
    /// The link can never carry it. It was not sent.
    TooLong,
}

/// Why a letter is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoRoom;

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no room for another letter")
    }
}

impl core::error::Error for NoRoom {}

/// Whoever wants to know what agents say. Every method has a default that does nothing.
pub trait ManagerUser {
    /// An agent has registered.
    fn registered(&mut self, now: Now, agent: &KnownAgent) {
        let _ = (now, agent);
    }

    /// A report, and the time value it was made at.
    fn report(&mut self, now: Now, agent: &KnownAgent, time: u64, report: &Rpt<'_>) {
        let _ = (now, agent, time, report);
    }

    /// A table, and the time value of its group.
    fn table(&mut self, now: Now, agent: &KnownAgent, time: u64, table: &Tbl<'_>) {
        let _ = (now, agent, time, table);
    }

    /// What became of the letter that [`Manager::perform`] gave this time.
    fn answered(&mut self, now: Now, to: &Address, time: u64, answer: Answer) {
        let _ = (now, to, time, answer);
    }

    /// How it stands with a definition that an agent [is to have](Manager::want), when that is
    /// known: it is held, it is refused, or it is too long.
    fn stands(&mut self, now: Now, agent: &Address, id: &Ari<'_>, standing: Standing) {
        let _ = (now, agent, id, standing);
    }

    /// An agent has been silent for longer than is expected.
    fn missing(&mut self, now: Now, agent: &KnownAgent) {
        let _ = (now, agent);
    }

    /// An agent that was missing has been heard.
    fn returned(&mut self, now: Now, agent: &KnownAgent) {
        let _ = (now, agent);
    }
}

/// Nobody watches.
impl ManagerUser for () {}

/// Counters of a manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct ManagerStats {
    /// Octets that are no group of messages.
    pub malformed: u64,
    /// Messages that are not for managers.
    pub misdirected: u64,
    /// Agents there was no room for.
    pub full: u64,
    /// Reports.
    pub reports: u64,
    /// Tables.
    pub tables: u64,
    /// Letters that the transport took.
    pub sent: u64,
    /// Answers to letters that none waits for.
    pub stray_answers: u64,
}

/// Storage of a manager, which is the caller's.
#[derive(Debug)]
pub struct ManagerStorage<'s> {
    /// One for each agent. What comes from others is counted, and not told.
    pub agents: &'s mut [Slot<KnownAgent>],
    /// One for each letter that is to be sent or answered.
    pub letters: &'s mut [Slot<Letter>],
    /// The octets of letters, until they are sent.
    pub octets: &'s mut [u8],
    /// For one letter.
    pub buffer: &'s mut [u8],
}

/// A manager.
#[derive(Debug)]
pub struct Manager<'s> {
    config: ManagerConfig,
    agents: Table<'s, KnownAgent>,
    letters: &'s mut [Slot<Letter>],
    arena: Arena<'s>,
    buffer: &'s mut [u8],
    last: u64,
    stats: ManagerStats,
    wants: Wants<'s>,
}

impl<'s> Manager<'s> {
    /// A manager that knows no agents.
    #[must_use]
    pub fn new(config: ManagerConfig, storage: ManagerStorage<'s>) -> Self {
        storage.letters.iter_mut().for_each(|slot| *slot = Slot::EMPTY);
        Self {
            config,
            agents: Table::new(storage.agents),
            letters: storage.letters,
            arena: Arena::new(storage.octets),
            buffer: storage.buffer,
            last: 0,
            stats: ManagerStats::default(),
            wants: Wants::default(),
        }
    }

    /// Knows an agent before it has registered: from now on it is expected to be heard.
    ///
    /// # Errors
    /// [`Full`] when there is no room for another.
    pub fn know(&mut self, now: Now, address: Address) -> Result<(), Full<Address>> {
        if self.agents.contains(address) {
            return Ok(());
        }
        let (id, heard) = ([0; KnownAgent::ID_MAX], now.monotonic);
        let agent = KnownAgent { address, id, length: 0, heard, missing: false };
        self.agents.insert(agent).map(|_| ()).map_err(|_| Full(address))
    }

    /// Writes a letter that has an agent run controls from a time value on: 0 is at once.
    /// It goes out at the next tick. Returns the time that it is known by, which is no
    /// other letter's.
    ///
    /// # Errors
    /// [`NoRoom`]; nothing is sent then.
    pub fn perform(
        &mut self,
        now: Now,
        to: Address,
        start: u64,
        controls: &Ac<'_>,
        answer: bool,
    ) -> Result<u64, NoRoom> {
        self.post(now, to, start, answer, false, &|writer| controls.encode(writer))
    }

    /// Writes a letter with the controls that `write` writes.
    fn post(
        &mut self,
        now: Now,
        to: Address,
        start: u64,
        answer: bool,
        own: bool,
        write: &dyn Fn(&mut Writer<'_>) -> Result<(), NoSpace>,
    ) -> Result<u64, NoRoom> {
        let time = timing::stamp(self.config.epoch, now).max(self.last.saturating_add(1));
        let free = self.letters.iter().position(|slot| slot.row().is_none()).ok_or(NoRoom)?;
        let quirks = self.config.profile.sends();
        let control = MessageHeader::new(Opcode::PERFORM_CONTROL);
        let header = MessageHeader { ack: answer, nack: answer, ..control };
        let mut writer = Writer::new(self.buffer);
        let mut group = GroupWriter::new(&mut writer, time, quirks).map_err(|_| NoRoom)?;
        let message = group.message(&mut writer, header).map_err(|_| NoRoom)?;
        let written = Value::Tv(start).encode(&mut writer, quirks);
        written.and_then(|()| write(&mut writer)).map_err(|_| NoRoom)?;
        message.finish(&mut writer).map_err(|_| NoRoom)?;
        group.finish(&mut writer).map_err(|_| NoRoom)?;
        let octets = self.arena.push(&[writer.written()]).map_err(|_| NoRoom)?;
        let due = now.monotonic;
        if let Some(slot) = self.letters.get_mut(free) {
            slot.put(Letter { to, time, octets, answer, due, sent: false, own });
        }
        self.last = time;
        Ok(time)
    }

    /// One datagram in.
    pub fn receive(&mut self, now: Now, from: &Address, octets: &[u8], user: &mut dyn ManagerUser) {
        let Ok(group) = Group::parse(octets, self.config.profile) else {
            return count(&mut self.stats.malformed);
        };
        if self.know(now, *from).is_err() {
            return count(&mut self.stats.full);
        }
        let Some(agent) = self.agents.get_mut(*from) else { return };
        agent.heard = now.monotonic;
        if core::mem::take(&mut agent.missing) {
            user.returned(now, agent);
        }
        for message in group.messages() {
            let Some(agent) = self.agents.get_mut(*from) else { return };
            match message.body() {
                Body::RegisterAgent(id) => {
                    agent.length = 0;
                    for (to, octet) in agent.id.iter_mut().zip(id) {
                        *to = *octet;
                        agent.length = agent.length.saturating_add(1);
                    }
                    user.registered(now, agent);
                    self.wants.registered(now, *from);
                }
                Body::ReportSet(_, reports) => {
                    let agent = *agent;
                    for report in reports {
                        let parts = report.parts();
                        let template = parts.template.octets();
                        if template == ACK_TEMPLATE || template == NACK_TEMPLATE {
                            self.answer(now, from, &report, user);
                            continue;
                        }
                        if template == LOST_TEMPLATE
                            && let Some(Value::Ari(id)) = parts.entries.values().next()
                        {
                            self.wants.lost(now, from, &id);
                        }
                        count(&mut self.stats.reports);
                        user.report(now, &agent, parts.time.unwrap_or(group.time()), &report);
                    }
                }
                Body::TableSet(_, tables) => {
                    for table in tables {
                        count(&mut self.stats.tables);
                        user.table(now, agent, group.time(), &table);
                        self.wants.table(now, from, &table, user);
                    }
                }
                Body::PerformControl(..) => count(&mut self.stats.misdirected),
            }
        }
    }

    /// A report about a letter.
    fn answer(&mut self, now: Now, from: &Address, report: &Rpt<'_>, user: &mut dyn ManagerUser) {
        let mut values = report.parts().entries.values();
        let Some(Value::Ts(time)) = values.next() else {
            return count(&mut self.stats.stray_answers);
        };
        // The message is the only one of its group.
        let _ = values.next();
        let answer = match (values.next(), values.next()) {
            (Some(Value::Uint(control)), Some(Value::Byte(why))) => {
                Answer::Refused(control, Refusal::of_code(why))
            }
            _ => Answer::Done,
        };
        let waits = |letter: &Letter| letter.sent && letter.to == *from && letter.time == time;
        match self.letters.iter().position(|slot| slot.row().is_some_and(waits)) {
            Some(at) => self.end(at, now, Some(answer), user),
            None => count(&mut self.stats.stray_answers),
        }
    }

    /// A letter is no more.
    fn end(&mut self, at: usize, now: Now, answer: Option<Answer>, user: &mut dyn ManagerUser) {
        let Some(slot) = self.letters.get_mut(at) else { return };
        let Some(letter) = slot.row().copied() else { return };
        *slot = Slot::EMPTY;
        self.cut(letter.octets);
        let Some(answer) = answer else { return };
        if letter.own {
            let patience = now.monotonic.after(self.config.patience);
            self.wants.answered(now, &letter.to, letter.time, answer, patience, user);
        } else {
            user.answered(now, &letter.to, letter.time, answer);
        }
    }

    /// The letter at a place, if there is one and it is due.
    fn due(&self, at: usize, now: Now) -> Option<Letter> {
        let letter = self.letters.get(at).and_then(Slot::row).copied();
        letter.filter(|letter| letter.due <= now.monotonic)
    }

    fn cut(&mut self, octets: Span) {
        let letters = self.letters.iter_mut().filter_map(Slot::row_mut);
        self.arena.cut(octets, letters.map(|letter| &mut letter.octets));
    }

    /// Sends what is to be sent, gives up what is not answered, and looks who is missing.
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport, user: &mut dyn ManagerUser) {
        // What nobody has answered is to be seen to at once, and what that writes to be sent.
        for at in 0..self.letters.len() {
            if self.due(at, now).is_some_and(|letter| letter.sent) {
                self.end(at, now, Some(Answer::Silence), user);
            }
        }
        self.see_to_it(now, user);
        let later = |wait| now.monotonic.after(wait).max(next(now.monotonic));
        for at in 0..self.letters.len() {
            let Some(letter) = self.due(at, now).filter(|letter| !letter.sent) else { continue };
            match transport.send(&letter.to, 0, self.arena.get(letter.octets)) {
                Ok(()) => {
                    count(&mut self.stats.sent);
                    if !letter.answer {
                        self.end(at, now, None, user);
                        continue;
                    }
                    self.cut(letter.octets);
                    let due = later(self.config.patience);
                    if let Some(slot) = self.letters.get_mut(at) {
                        slot.put(Letter { octets: Span::default(), sent: true, due, ..letter });
                    }
                }
                Err(SendError::TooLong) => self.end(at, now, Some(Answer::TooLong), user),
                Err(_) => {
                    let due = later(self.config.retry);
                    if let Some(slot) = self.letters.get_mut(at) {
                        slot.put(Letter { due, ..letter });
                    }
                }
            }
        }
        let Some(expected) = self.config.expected else { return };
        for agent in self.agents.iter_mut() {
            if !agent.missing && agent.heard.after(expected) <= now.monotonic {
                agent.missing = true;
                user.missing(now, agent);
            }
        }
    }

    /// When to call [`Manager::tick`] next. Any call may change the answer.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let letters = self.letters.iter().filter_map(Slot::row).map(|letter| letter.due).min();
        let silence = self.config.expected.and_then(|expected| {
            let there = self.agents.iter().filter(|agent| !agent.missing);
            there.map(|agent| agent.heard.after(expected)).min()
        });
        earliest(earliest(letters, silence), self.wants.deadline())
    }

    /// The agents it knows, in the order of their addresses.
    pub fn agents(&self) -> impl Iterator<Item = &KnownAgent> {
        self.agents.iter()
    }

    /// Letters that are to be sent or answered.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.letters.iter().filter(|slot| slot.row().is_some()).count()
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &ManagerStats {
        &self.stats
    }
}
