//! What managers have defined: variables, report templates, macros, rules, and controls
//! whose time has not come.
//!
//! A definition refers only to what is defined already, and what is referred to can
//! neither go nor be defined anew. So no definition ever refers to itself by whatever
//! way, and there is nothing to look for at run time (7.1, 7.2.1, 7.3).
//!
//! A group of messages is one step: what it defines is staged, and in the end
//! all of it holds or none of it.

use super::amp::{Ari, Profile, TypeCode};
use super::arena::{Arena, Span};
use super::refusal::Refusal;
use super::timing::{Start, Timing};
use crate::storage::Slot;
use crate::store::RECORD_MAX;
use crate::time::{Instant, Now, earliest};

/// How many definitions there can be: a set of them is the bits of a `u64`.
pub(crate) const MOST: usize = 64;

/// What is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// A variable (VAR).
    Variable,
    /// A report template (RPTT).
    Template,
    /// A macro (MAC).
    Macro,
    /// A state-based rule (SBR).
    StateRule,
    /// A time-based rule (TBR).
    TimeRule,
    /// Controls that are to be run at a later time. They have no name.
    Pending,
}

impl Kind {
    /// The kind of object that an identifier of this type names.
    pub(crate) const fn of(kind: TypeCode) -> Option<Self> {
        Some(match kind {
            TypeCode::VAR => Self::Variable,
            TypeCode::RPTT => Self::Template,
            TypeCode::MAC => Self::Macro,
            TypeCode::SBR => Self::StateRule,
            TypeCode::TBR => Self::TimeRule,
            _ => return None,
        })
    }

    /// Whether it is done by itself.
    pub(crate) const fn is_rule(self) -> bool {
        matches!(self, Self::StateRule | Self::TimeRule | Self::Pending)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
enum Stage {
    /// It holds if the group is applied.
    New,
    Live,
    /// It is from before a restart, and holds once it is proven again.
    Unproven,
    /// It goes if the group is applied.
    Doomed,
}

/// What is known of all that a definition is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Proof {
    /// The definitions it refers to.
    pub(crate) refs: u64,
    /// Managers that may have what it is made of.
    pub(crate) readers: u32,
    /// How many definitions lie below it.
    pub(crate) level: u8,
    /// Steps it takes at the most.
    pub(crate) weight: u16,
}

impl Proof {
    /// Of nothing, which everybody may have.
    pub(crate) const EMPTY: Self = Self { refs: 0, readers: u32::MAX, level: 0, weight: 0 };

    /// Adds a step.
    pub(crate) const fn step(&mut self) {
        self.weight = self.weight.saturating_add(1);
    }

    /// Adds a part.
    pub(crate) fn add(&mut self, part: &Self) {
        self.refs |= part.refs;
        self.readers &= part.readers;
        self.level = self.level.max(part.level);
        self.weight = self.weight.saturating_add(part.weight);
    }
}

/// One thing that was defined, of 128 octets.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Definition {
    pub(crate) kind: Kind,
    stage: Stage,
    /// The manager that defined it, by its place in the configuration.
    pub(crate) owner: u8,
    /// Of a variable, the type of its expression.
    pub(crate) of: TypeCode,
    pub(crate) proof: Proof,
    /// Its identifier, what it is made of, and the action of a state-based rule.
    octets: Span,
    id: u16,
    body: u16,
    pub(crate) rule: Rule,
}

/// The part of a definition that changes.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub(crate) struct Rule {
    pub(crate) timing: Timing,
    /// How often the action is run at the most; 0 for no limit.
    pub(crate) fires: u64,
    /// How often the predicate is looked at at the most; 0 for no limit.
    pub(crate) evaluations: u64,
    pub(crate) fired: u64,
    pub(crate) evaluated: u64,
    /// Times that were over when they were looked at.
    pub(crate) missed: u64,
    /// Whether it is from before a loss of power, and its times since were not looked at.
    pub(crate) restored: bool,
}

impl Rule {
    /// Of what is no rule.
    pub(crate) const NONE: Self = Self {
        timing: Timing::new(Start::Monotonic(Instant::ZERO), 0),
        fires: 1,
        evaluations: 0,
        fired: 0,
        evaluated: 0,
        missed: 0,
        restored: false,
    };

    /// Whether it is over.
    pub(crate) const fn is_over(&self, kind: Kind) -> bool {
        let acted = if matches!(kind, Kind::StateRule) { self.fired } else { self.timing.next };
        self.fires > 0 && acted >= self.fires
            || self.evaluations > 0 && self.evaluated >= self.evaluations
    }
}

/// What is to be defined.
#[derive(Debug)]
pub(crate) struct New<'a> {
    pub(crate) kind: Kind,
    pub(crate) owner: u8,
    pub(crate) of: TypeCode,
    pub(crate) proof: Proof,
    pub(crate) id: &'a [u8],
    pub(crate) body: &'a [u8],
    pub(crate) action: &'a [u8],
    pub(crate) rule: Rule,
}

/// All that is defined.
#[derive(Debug)]
pub(crate) struct Definitions<'s> {
    slots: &'s mut [Slot<Definition>],
    pub(crate) arena: Arena<'s>,
    nest: u8,
    budget: u16,
}

impl<'s> Definitions<'s> {
    /// Nothing is defined. Slots past 64 and octets past 65,535 are not used.
    pub(crate) fn new(
        slots: &'s mut [Slot<Definition>],
        octets: &'s mut [u8],
        nest: u8,
        budget: u16,
    ) -> Self {
        slots.iter_mut().for_each(|slot| *slot = Slot::EMPTY);
        Self { slots, arena: Arena::new(octets), nest, budget }
    }

    /// The definition in a slot.
    pub(crate) fn get(&self, slot: u8) -> Option<&Definition> {
        self.slots.get(usize::from(slot))?.row()
    }

    pub(crate) fn rule_mut(&mut self, slot: u8) -> Option<&mut Rule> {
        let definition = self.slots.get_mut(usize::from(slot))?.row_mut()?;
        Some(&mut definition.rule)
    }

    /// All that holds, and what would if the group is applied, with their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, &Definition)> + Clone {
        let rows = (0_u8..).zip(self.slots.iter().take(MOST));
        rows.filter_map(|(slot, row)| Some((slot, row.row()?)))
            .filter(|(_, definition)| !matches!(definition.stage, Stage::Doomed | Stage::Unproven))
    }

    /// How many of a kind there are.
    pub(crate) fn count(&self, kind: Kind) -> u32 {
        let same = self.iter().filter(|(_, definition)| definition.kind == kind);
        u32::try_from(same.count()).unwrap_or(u32::MAX)
    }

    /// The identifier of a definition; empty for one without.
    pub(crate) fn id(&self, definition: &Definition) -> &[u8] {
        self.arena.get(definition.octets.part(0, definition.id))
    }

    /// What it is made of.
    pub(crate) fn body(&self, definition: &Definition) -> &[u8] {
        self.arena.get(definition.octets.part(definition.id, definition.body))
    }

    /// What a rule, a macro or pending controls do.
    pub(crate) fn action(&self, definition: &Definition) -> &[u8] {
        if definition.kind != Kind::StateRule {
            return self.body(definition);
        }
        self.arena
            .get(definition.octets.part(definition.id.saturating_add(definition.body), u16::MAX))
    }

    /// What has this identifier, whatever its parameters.
    pub(crate) fn find(&self, id: &Ari<'_>) -> Option<u8> {
        let kind = Kind::of(id.object())?;
        self.iter()
            .find(|(_, other)| other.kind == kind && self.named(id, other))
            .map(|(slot, _)| slot)
    }

    fn named(&self, id: &Ari<'_>, definition: &Definition) -> bool {
        Ari::parse(self.id(definition), Profile::Draft08).is_ok_and(|other| other.same_object(id))
    }

    fn referrers(&self, slot: u8) -> bool {
        let bit = bit(slot);
        self.iter().any(|(_, other)| other.proof.refs & bit != 0)
    }

    /// Stages a definition, in place of the one with the same identifier.
    pub(crate) fn stage(&mut self, new: &New<'_>, replaces: Option<u8>) -> Result<u8, Refusal> {
        self.bears(new.kind, &new.proof)?;
        let length = new.id.len().saturating_add(new.body.len()).saturating_add(new.action.len());
        if length > LENGTH_MAX {
            return Err(Refusal::NoRoom);
        }
        if let Some(old) = replaces {
            if new.proof.refs & bit(old) != 0 {
                return Err(Refusal::Circular);
            }
            self.doom(old)?;
        }
        let free = self.slots.iter().take(MOST).position(|slot| slot.row().is_none());
        let place = free.and_then(|place| u8::try_from(place).ok()).ok_or(Refusal::NoSlot)?;
        self.put(place, new, Stage::New)?;
        Ok(place)
    }

    /// Whether a definition is neither too deep nor too heavy.
    pub(crate) const fn bears(&self, kind: Kind, proof: &Proof) -> Result<(), Refusal> {
        // A rule runs what is defined and is not itself part of anything.
        let more = if kind.is_rule() { 1 } else { 0 };
        if proof.level > self.nest.saturating_add(more) {
            Err(Refusal::TooDeep)
        } else if proof.weight > self.budget {
            Err(Refusal::TooHeavy)
        } else {
            Ok(())
        }
    }

    fn put(&mut self, place: u8, new: &New<'_>, stage: Stage) -> Result<(), Refusal> {
        let row = self.slots.get_mut(usize::from(place)).ok_or(Refusal::NoSlot)?;
        let octets =
            self.arena.push(&[new.id, new.body, new.action]).map_err(|_| Refusal::NoRoom)?;
        let length = |part: &[u8]| u16::try_from(part.len()).unwrap_or(u16::MAX);
        row.put(Definition {
            kind: new.kind,
            stage,
            owner: new.owner,
            of: new.of,
            proof: new.proof,
            octets,
            id: length(new.id),
            body: length(new.body),
            rule: new.rule,
        });
        Ok(())
    }

    /// Stages that a definition goes.
    pub(crate) fn doom(&mut self, slot: u8) -> Result<(), Refusal> {
        if self.referrers(slot) {
            return Err(Refusal::Referenced);
        }
        match self.slots.get_mut(usize::from(slot)).and_then(Slot::row_mut) {
            Some(definition) if definition.stage == Stage::New => self.free(slot),
            Some(definition) => definition.stage = Stage::Doomed,
            None => return Err(Refusal::Unknown),
        }
        Ok(())
    }

    /// The slots that hold something if the group is applied, and those of them that
    /// do not hold it yet.
    pub(crate) fn staged(&self) -> (u64, u64) {
        self.iter().fold((0, 0), |(all, new), (slot, definition)| {
            let bit = bit(slot);
            let is_new = definition.stage == Stage::New;
            (all | bit, new | if is_new { bit } else { 0 })
        })
    }

    /// Whether anything is staged.
    pub(crate) fn is_staged(&self) -> bool {
        self.slots.iter().filter_map(Slot::row).any(|row| row.stage != Stage::Live)
    }

    /// Ends a group: what was staged holds, or nothing of it.
    pub(crate) fn settle(&mut self, applied: bool) {
        let gone = if applied { Stage::Doomed } else { Stage::New };
        for slot in 0..64_u8 {
            match self.slots.get_mut(usize::from(slot)).and_then(Slot::row_mut) {
                Some(definition) if definition.stage == gone => self.free(slot),
                Some(definition) => definition.stage = Stage::Live,
                None => {}
            }
        }
    }

    /// Puts other octets in place of what a variable is made of.
    pub(crate) fn replace_body(
        &mut self,
        slot: u8,
        body: &[u8],
        proof: Proof,
    ) -> Result<(), Refusal> {
        let Some(old) = self.get(slot).copied() else { return Err(Refusal::Unknown) };
        let mut id = [0; ID_MAX];
        let name = self.id(&old);
        let Some(copy) = id.get_mut(..name.len()) else { return Err(Refusal::NoRoom) };
        for (to, from) in copy.iter_mut().zip(name) {
            *to = *from;
        }
        let octets = self.arena.push(&[copy, body]).map_err(|_| Refusal::NoRoom)?;
        if let Some(definition) = self.slots.get_mut(usize::from(slot)).and_then(Slot::row_mut) {
            definition.octets = octets;
            definition.body = u16::try_from(body.len()).unwrap_or(u16::MAX);
            definition.proof = proof;
        }
        self.cut(old.octets);
        Ok(())
    }

    pub(crate) fn free(&mut self, slot: u8) {
        let Some(row) = self.slots.get_mut(usize::from(slot)) else { return };
        let Some(definition) = row.row().copied() else { return };
        *row = Slot::EMPTY;
        self.cut(definition.octets);
    }

    fn cut(&mut self, octets: Span) {
        let rows = self.slots.iter_mut().filter_map(Slot::row_mut);
        self.arena.cut(octets, rows.map(|row| &mut row.octets));
    }

    /// Puts a definition back where it was when the power went. It is to be proven then.
    pub(crate) fn restore(&mut self, slot: u8, new: &New<'_>) -> bool {
        self.free(slot);
        usize::from(slot) < MOST && self.put(slot, new, Stage::Unproven).is_ok()
    }

    /// The definition in a slot, where it is to be proven.
    pub(crate) fn unproven(&self, slot: u8) -> Option<&Definition> {
        self.get(slot).filter(|definition| definition.stage == Stage::Unproven)
    }

    /// What was restored is proven, and holds.
    pub(crate) fn proven(&mut self, slot: u8, proof: Proof) {
        if let Some(definition) = self.slots.get_mut(usize::from(slot)).and_then(Slot::row_mut) {
            definition.proof = proof;
            definition.stage = Stage::Live;
        }
    }

    /// The first call after a start. What was started on monotonic time, which another run
    /// knows nothing of, starts anew.
    pub(crate) fn wake(&mut self, now: Now) {
        for definition in self.slots.iter_mut().filter_map(Slot::row_mut) {
            let rule = &mut definition.rule;
            if rule.restored && matches!(rule.timing.start, Start::Monotonic(_)) {
                rule.timing.start = Start::Monotonic(now.monotonic);
                rule.restored = false;
            }
        }
        self.look(now);
    }

    /// Looks when each rule is due next.
    pub(crate) fn look(&mut self, now: Now) {
        for definition in self.slots.iter_mut().filter_map(Slot::row_mut) {
            if definition.kind.is_rule() {
                definition.rule.timing.look(now);
            }
        }
    }

    /// When the next rule is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let rules = self.iter().filter(|(_, definition)| definition.kind.is_rule());
        rules.fold(None, |first, (_, definition)| earliest(first, definition.rule.timing.due))
    }
}

/// The longest identifier a definition has, in octets.
pub(crate) const ID_MAX: usize = 48;

/// The longest definition, in octets: what a record of a store holds with all that is
/// known of it.
pub(crate) const LENGTH_MAX: usize = RECORD_MAX.saturating_sub(112);

/// The set of one slot.
pub(crate) const fn bit(slot: u8) -> u64 {
    1_u64.wrapping_shl(slot_number(slot))
}

const fn slot_number(slot: u8) -> u32 {
    u32::from_le_bytes([slot, 0, 0, 0])
}
