//! Definitions that agents are to have: what a manager remembers of what it has defined, and
//! how it sees to it that it is so.
//!
//! | standing | until | then |
//! |---|---|---|
//! | unknown | the next tick | asked: the agent is to send its tables of what is defined |
//! | asked | its table comes | held, or missing |
//! | missing | the next tick | sent, in one letter with all that the agent misses |
//! | sent | the answer comes | held, or refused; what was with it is missing still |
//! | held, refused | the agent registers, or tells that it has lost it | unknown, or missing |
//!
//! An agent that has lost its store registers, is asked, and is sent what it misses. What it
//! has already is not sent again: to define anew what is part of something else is refused.
//! Where nobody answers nothing is known, and the agent is asked again.

use super::{Answer, Manager, ManagerUser};
use crate::management::amp::{
    Ac, Ari, ArrayWriter, Collection, Nickname, Profile, Tbl, TypeCode, Value,
};
use crate::management::arena::{Arena, Span};
use crate::management::refusal::Refusal;
use crate::storage::Slot;
use crate::time::{Instant, Now};
use crate::transport::Address;
use crate::wire::Encode;

/// The AMP agent ADM.
const AGENT_ADM: u32 = 1;

/// One control: `gen_tbls` of the tables of variables, report templates, macros and rules, for
/// whoever asks.
pub(super) const SURVEY: &[u8] = &[
    0x81, 0xc1, 0x15, 0x41, 0x06, 0x05, 0x02, 0x25, 0x23, // parameters: an AC, a TNVC
    0x84, 0x8a, 0x18, 0x1b, 0x41, 0x01, 0x8a, 0x18, 0x1b, 0x41, 0x02, // variables, templates
    0x8a, 0x18, 0x1b, 0x41, 0x03, 0x8a, 0x18, 0x1b, 0x41, 0x04, // macros, rules
    0x00,
];

/// Octets of a letter besides its controls, at the most.
const HEADS: usize = 32;

/// How it stands with a definition that an agent is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Standing {
    /// Nobody knows whether the agent has it.
    Unknown,
    /// The agent is asked what it has.
    Asked,
    /// The agent does not have it.
    Missing,
    /// It is in a letter that was not answered yet.
    Sent,
    /// The agent has a definition of this name.
    Held,
    /// The agent refuses it, for a reason that may be one that is known here.
    Refused(Option<Refusal>),
    /// No letter to the agent can carry it.
    TooLong,
}

/// A definition that an agent is to have.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Wanted {
    agent: Address,
    /// The control that makes it.
    octets: Span,
    /// What it comes before and after.
    number: u32,
    standing: Standing,
    /// The letter it is in, or that asks for it, and its place there.
    time: u64,
    place: u32,
    /// When it is gone on with; `None` where something is waited for.
    due: Option<Instant>,
}

impl Wanted {
    const fn becomes(&mut self, standing: Standing, due: Option<Instant>) {
        self.standing = standing;
        self.due = due;
    }

    const fn is_open(&self) -> bool {
        matches!(self.standing, Standing::Unknown | Standing::Missing)
    }

    fn is_due(&self, now: Now) -> bool {
        self.is_open() && self.due.is_some_and(|due| due <= now.monotonic)
    }
}

/// Why a definition is not wanted of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum NotWanted {
    /// The control is none that defines something.
    NoDefinition,
    /// There is no room for another agent or definition, or for its octets.
    NoRoom,
}

impl core::fmt::Display for NotWanted {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoDefinition => "the control defines nothing",
            Self::NoRoom => "there is no room for another definition",
        })
    }
}

impl core::error::Error for NotWanted {}

/// What a control that defines something gives its identifier to.
fn defines<'a>(control: &Ari<'a>) -> Option<Ari<'a>> {
    let id = control.object_id()?;
    let adds = matches!(id.index, 0 | 2 | 7 | 10 | 11);
    if !adds || id.nickname != Nickname::new(AGENT_ADM, Collection::CTRL) {
        return None;
    }
    control.parameters()?.values().find_map(|value| match value {
        Value::Ari(id) => Some(id),
        _ => None,
    })
}

/// Whether a table of the AMP agent ADM is of things of this kind.
const fn lists(index: u64, object: TypeCode) -> bool {
    match object {
        TypeCode::VAR => index == 1,
        TypeCode::RPTT => index == 2,
        TypeCode::MAC => index == 3,
        _ => index == 4,
    }
}

/// All that agents are to have.
#[derive(Debug, Default)]
pub(super) struct Wants<'s> {
    slots: &'s mut [Slot<Wanted>],
    arena: Arena<'s>,
    next: u32,
    profile: Profile,
}

impl<'s> Wants<'s> {
    fn new(slots: &'s mut [Slot<Wanted>], octets: &'s mut [u8], profile: Profile) -> Self {
        slots.iter_mut().for_each(|slot| *slot = Slot::EMPTY);
        Self { slots, arena: Arena::new(octets), next: 0, profile }
    }

    fn rows(&self) -> impl Iterator<Item = &Wanted> {
        self.slots.iter().filter_map(Slot::row)
    }

    fn rows_of(&mut self, agent: Address) -> impl Iterator<Item = &mut Wanted> {
        self.slots.iter_mut().filter_map(Slot::row_mut).filter(move |row| row.agent == agent)
    }

    fn id(&self, row: &Wanted) -> Option<Ari<'_>> {
        defines(&Ari::parse(self.arena.get(row.octets), self.profile).ok()?)
    }

    fn find(&self, agent: &Address, id: &Ari<'_>) -> Option<usize> {
        self.slots.iter().position(|slot| {
            slot.row().is_some_and(|row| {
                row.agent == *agent && self.id(row).is_some_and(|other| other.same_object(id))
            })
        })
    }

    fn remove(&mut self, at: usize) {
        let Some(slot) = self.slots.get_mut(at) else { return };
        let Some(gone) = slot.row().copied() else { return };
        *slot = Slot::EMPTY;
        self.cut(gone.octets);
    }

    fn cut(&mut self, octets: Span) {
        let rows = self.slots.iter_mut().filter_map(Slot::row_mut);
        self.arena.cut(octets, rows.map(|row| &mut row.octets));
    }

    fn want(&mut self, now: Now, agent: Address, control: &Ari<'_>) -> Result<(), NotWanted> {
        let id = defines(control).ok_or(NotWanted::NoDefinition)?;
        let old = self.find(&agent, &id);
        let row = old.and_then(|at| self.slots.get(at)?.row().copied());
        if row.is_some_and(|row| self.arena.get(row.octets) == control.octets()) {
            return Ok(());
        }
        let free = self.slots.iter().position(|slot| slot.row().is_none());
        let free = old.or(free).ok_or(NotWanted::NoRoom)?;
        let octets = self.arena.push(&[control.octets()]).map_err(|_| NotWanted::NoRoom)?;
        // What was to be otherwise is to be defined anew, whether the agent has it or not.
        let (number, standing) = match row {
            Some(row) => (row.number, Standing::Missing),
            None => (self.next, Standing::Unknown),
        };
        self.next = self.next.saturating_add(1);
        let due = Some(now.monotonic);
        let new = Wanted { agent, octets, number, standing, time: 0, place: 0, due };
        if let Some(slot) = self.slots.get_mut(free) {
            slot.put(new);
        }
        if let Some(old) = row {
            self.cut(old.octets);
        }
        Ok(())
    }

    /// An agent is here, whatever it has.
    pub(super) fn registered(&mut self, now: Now, agent: Address) {
        for row in self.rows_of(agent) {
            if !matches!(row.standing, Standing::Asked | Standing::Sent) {
                row.becomes(Standing::Unknown, Some(now.monotonic));
            }
        }
    }

    /// An agent tells that it has lost a definition.
    pub(super) fn lost(&mut self, now: Now, agent: &Address, id: &Ari<'_>) {
        let found = self.find(agent, id);
        if let Some(row) = found.and_then(|at| self.slots.get_mut(at)?.row_mut())
            && row.standing != Standing::Sent
        {
            row.becomes(Standing::Missing, Some(now.monotonic));
        }
    }

    /// A letter of these has an answer, or never will.
    pub(super) fn answered(
        &mut self,
        now: Now,
        to: &Address,
        time: u64,
        answer: Answer,
        patience: Instant,
        user: &mut dyn ManagerUser,
    ) {
        let at_once = Some(now.monotonic);
        for at in 0..self.slots.len() {
            let Some(row) = self.slots.get_mut(at).and_then(Slot::row_mut) else { continue };
            if row.agent != *to || row.time != time {
                continue;
            }
            let asked = match row.standing {
                Standing::Asked => true,
                Standing::Sent => false,
                _ => continue,
            };
            let (standing, due) = match answer {
                // Its tables may come with it or after it.
                Answer::Done if asked => (Standing::Asked, Some(patience)),
                Answer::Done => (Standing::Held, None),
                Answer::Refused(place, why) if !asked && place == row.place => {
                    (Standing::Refused(why), None)
                }
                Answer::Refused(..) => (Standing::Missing, at_once),
                Answer::Silence => (Standing::Unknown, at_once),
                Answer::TooLong => (Standing::TooLong, None),
            };
            row.becomes(standing, due);
            self.tell(now, at, user);
        }
    }

    /// Tells the user of what has come to an end.
    fn tell(&self, now: Now, at: usize, user: &mut dyn ManagerUser) {
        let Some(row) = self.slots.get(at).and_then(Slot::row) else { return };
        let ended = row.due.is_none() && !matches!(row.standing, Standing::Asked | Standing::Sent);
        if let Some(id) = self.id(row)
            && ended
        {
            user.stands(now, &row.agent, &id, row.standing);
        }
    }

    /// An agent tells what it has.
    pub(super) fn table(
        &mut self,
        now: Now,
        agent: &Address,
        table: &Tbl<'_>,
        user: &mut dyn ManagerUser,
    ) {
        let Some(id) = table.template().object_id() else { return };
        if id.nickname != Nickname::new(AGENT_ADM, Collection::TBLT) {
            return;
        }
        let has = |wanted: &Ari<'_>| {
            table.rows().flat_map(|row| row.values()).any(|value| match value {
                Value::Ari(other) => other.same_object(wanted),
                _ => false,
            })
        };
        for at in 0..self.slots.len() {
            let Some(row) = self.slots.get(at).and_then(Slot::row) else { continue };
            let asked = row.agent == *agent && row.standing == Standing::Asked;
            let Some(wanted) =
                self.id(row).filter(|wanted| asked && lists(id.index, wanted.object()))
            else {
                continue;
            };
            let held = has(&wanted);
            if let Some(row) = self.slots.get_mut(at).and_then(Slot::row_mut) {
                if held {
                    row.becomes(Standing::Held, None);
                } else {
                    row.becomes(Standing::Missing, Some(now.monotonic));
                }
            }
            self.tell(now, at, user);
        }
    }

    /// When something is to be done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.rows().filter_map(|row| row.due).min()
    }

    /// An agent that something is to be done about.
    fn first_due(&self, now: Now) -> Option<Address> {
        self.rows().find(|row| row.is_due(now)).map(|row| row.agent)
    }

    /// What is next of what an agent misses: what was wanted before the others.
    fn missing(&self, agent: &Address, after: Option<u32>) -> Option<&Wanted> {
        let rows = self.rows().filter(|row| {
            let later = after.is_none_or(|after| row.number > after);
            row.agent == *agent && row.standing == Standing::Missing && later
        });
        rows.min_by_key(|row| row.number)
    }
}

impl<'s> Manager<'s> {
    /// Remembers in these, one for each definition that an agent is to have and octets for its
    /// control, what [`want`](Self::want) is told.
    #[must_use]
    pub fn with_wanted(mut self, slots: &'s mut [Slot<Wanted>], octets: &'s mut [u8]) -> Self {
        self.wants = Wants::new(slots, octets, self.config.profile);
        self
    }

    /// An agent is to have what a control defines: one of `add_var`, `add_rptt`, `add_macro`,
    /// `add_tbr` and `add_sbr`. From now on the agent is asked whether it has it whenever it
    /// registers, and sent it where it does not. What is wanted under the same name is in place
    /// of what was. Definitions are sent in the order in which they were wanted first.
    ///
    /// # Errors
    /// [`NotWanted`]; all is as before then.
    pub fn want(&mut self, now: Now, agent: Address, control: &Ari<'_>) -> Result<(), NotWanted> {
        self.know(now, agent).map_err(|_| NotWanted::NoRoom)?;
        self.wants.want(now, agent, control)
    }

    /// A definition is not wanted any more. Nothing is sent: an agent that has it keeps it.
    /// Returns whether it was wanted.
    pub fn forget(&mut self, agent: &Address, id: &Ari<'_>) -> bool {
        let found = self.wants.find(agent, id);
        if let Some(at) = found {
            self.wants.remove(at);
        }
        found.is_some()
    }

    /// How it stands with a definition; `None` where it is not wanted.
    #[must_use]
    pub fn standing(&self, agent: &Address, id: &Ari<'_>) -> Option<Standing> {
        let at = self.wants.find(agent, id)?;
        self.wants.slots.get(at)?.row().map(|row| row.standing)
    }

    /// How many definitions agents are to have and do not have, as far as is known.
    #[must_use]
    pub fn differences(&self) -> usize {
        self.wants.rows().filter(|row| row.standing != Standing::Held).count()
    }

    /// Asks agents what they have, and sends them what they miss.
    pub(super) fn see_to_it(&mut self, now: Now, user: &mut dyn ManagerUser) {
        let mut wants = core::mem::take(&mut self.wants);
        for row in wants.slots.iter_mut().filter_map(Slot::row_mut) {
            if row.standing == Standing::Asked && row.due.is_some_and(|due| due <= now.monotonic) {
                row.standing = Standing::Unknown;
            }
        }
        // Each turn leaves nothing of an agent that is due.
        while let Some(agent) = wants.first_due(now) {
            let waits = |row: &Wanted| matches!(row.standing, Standing::Asked | Standing::Sent);
            let waits = wants.rows().any(|row| row.agent == agent && waits(row));
            if !waits {
                let unknown = wants.rows_of(agent).any(|row| row.standing == Standing::Unknown);
                if unknown {
                    self.ask(now, agent, &mut wants);
                } else {
                    self.define(now, agent, &mut wants, user);
                }
            }
            let later = now.monotonic.after(self.config.retry).max(next(now.monotonic));
            for row in wants.rows_of(agent).filter(|row| row.is_due(now)) {
                row.due = Some(later);
            }
        }
        self.wants = wants;
    }

    fn ask(&mut self, now: Now, agent: Address, wants: &mut Wants<'_>) {
        let Ok(survey) = Ac::parse(SURVEY, Profile::Draft08) else { return };
        let asked = self.post(now, agent, 0, true, true, &|to| survey.encode(to));
        let Ok(time) = asked else { return };
        for row in wants.rows_of(agent).filter(|row| row.standing == Standing::Unknown) {
            row.becomes(Standing::Asked, None);
            row.time = time;
        }
    }

    fn define(
        &mut self,
        now: Now,
        agent: Address,
        wants: &mut Wants<'_>,
        user: &mut dyn ManagerUser,
    ) {
        // As many as one letter holds.
        let room = self.buffer.len().saturating_sub(HEADS);
        let (mut taken, mut last) = (0_usize, None);
        while let Some(row) = wants.missing(&agent, last) {
            let length = wants.arena.get(row.octets).len();
            if taken.saturating_add(length) > room {
                break;
            }
            taken = taken.saturating_add(length);
            last = Some(row.number);
        }
        let Some(last) = last else {
            let first = wants.missing(&agent, None).map(|row| row.number);
            let at = wants.slots.iter().position(|slot| {
                slot.row().is_some_and(|row| row.agent == agent && Some(row.number) == first)
            });
            if let Some(at) = at {
                if let Some(row) = wants.slots.get_mut(at).and_then(Slot::row_mut) {
                    row.becomes(Standing::TooLong, None);
                }
                wants.tell(now, at, user);
            }
            return;
        };
        let sent = self.post(now, agent, 0, true, true, &|to| {
            let (mut array, mut after) = (ArrayWriter::new(to), None);
            while let Some(row) = wants.missing(&agent, after).filter(|row| row.number <= last) {
                array.element();
                to.octets(wants.arena.get(row.octets))?;
                after = Some(row.number);
            }
            array.finish(to)
        });
        let Ok(time) = sent else { return };
        for place in 0.. {
            let number = wants.missing(&agent, None).map(|row| row.number);
            let number = number.filter(|number| *number <= last);
            let Some(number) = number else { break };
            for row in wants.rows_of(agent).filter(|row| row.number == number) {
                row.becomes(Standing::Sent, None);
                (row.time, row.place) = (time, place);
            }
        }
    }
}

/// The next instant there is.
pub(super) fn next(now: Instant) -> Instant {
    Instant::from_micros(now.as_micros().saturating_add(1))
}
