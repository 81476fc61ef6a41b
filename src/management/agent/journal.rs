//! What of an agent survives: what is defined, with its rules.
//!
//! | record | one for each | written before |
//! |---|---|---|
//! | definition | definition | the group that makes it is done; a limited rule has acted |
//! | table | agent: which definitions hold | the same, after the definitions of the group |
//!
//! The record of the table is what makes a group hold: power that is lost before it is
//! durable leaves all as it was. A definition never is put over one that holds.
//!
//! What is restored is proven again, for the program may have other ADMs, managers or limits
//! by then. What cannot be proven is lost: it is counted, and its owner is told.
//!
//! Reports on their way, counters, and how often an unlimited rule has acted are not
//! kept.

use super::{Agent, LOST_TEMPLATE};
use crate::machine::count;
use crate::management::amp::TypeCode;
use crate::management::definitions::{Definition, Kind, New, Proof, Rule, bit};
use crate::management::refusal::Refusal;
use crate::management::timing::{Start, Timing};
use crate::store::{CRC, RECORD_MAX, RecordKey, Store, StoreError};
use crate::time::{Instant, Now, Utc};
use crate::wire::{NoSpace, Reader, Short, Writer};

/// What records are of. The numbers of one machine mean nothing to another.
const TABLE: u8 = 0x50;
const DEFINITION: u8 = 0x51;
/// The version of the records here. Another is left alone.
const VERSION: u8 = 2;

const fn key(kind: u8, slot: u8) -> RecordKey {
    RecordKey::new([kind, slot, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// What an agent found in its store when it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Restored {
    /// Definitions it goes on with.
    pub definitions: u32,
    /// Records that were damaged, and definitions that are not there although they should
    /// be.
    pub damaged: u32,
    /// Records of other versions or machines, which are left alone.
    pub unknown: u32,
    /// Definitions there was no room for.
    pub no_room: u32,
    /// Definitions that do not hold any more, for what they name is not there, or not the
    /// same. The first call tells their owners ([`LOST_TEMPLATE`]).
    pub unproven: u32,
}

impl Restored {
    /// Whether nothing of what was kept is missing.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.damaged == 0 && self.unknown == 0 && self.no_room == 0 && self.unproven == 0
    }
}

fn add(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}

/// The body of a record, if it is one.
fn open<'a>(key: &RecordKey, octets: &'a [u8]) -> Option<Result<&'a [u8], ()>> {
    let (body, &sum) = octets.split_last_chunk::<4>()?;
    if checksum(key, body) != u32::from_le_bytes(sum) {
        return None;
    }
    let (&version, body) = body.split_first()?;
    Some(if version == VERSION { Ok(body) } else { Err(()) })
}

fn checksum(key: &RecordKey, body: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(key.octets());
    digest.update(body);
    digest.finalize()
}

impl<'s> Agent<'s> {
    /// Goes on with what was defined when an agent with this store ended, and keeps in it
    /// from now on what is defined. To be called before anything else.
    ///
    /// Rules go on: times that were over by then are missed, not made up for; controls
    /// that are done once are done late. What was started on monotonic time starts
    /// anew if there was no clock then.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read at all.
    pub fn with_store(mut self, store: &'s mut (dyn Store + Send)) -> Result<Self, StoreError> {
        let mut restored = Restored::default();
        let mut table = 0_u64;
        let loaded = store.load(&mut |key, octets| match (key.kind(), open(key, octets)) {
            (TABLE, Some(Ok(body))) => {
                if let Some(body) = body.first_chunk() {
                    table = u64::from_be_bytes(*body);
                }
            }
            (TABLE | DEFINITION, None) => add(&mut restored.damaged),
            (DEFINITION, Some(Ok(_))) => {}
            _ => add(&mut restored.unknown),
        })?;
        restored.damaged = restored.damaged.saturating_add(loaded.damaged);
        let mut missing = table;
        let definitions = &mut self.definitions;
        store.load(&mut |key, octets| {
            let [DEFINITION, slot, ..] = *key.octets() else { return };
            if slot > 63 || table & bit(slot) == 0 {
                return;
            }
            let Some(Ok(body)) = open(key, octets) else { return };
            missing &= !bit(slot);
            let Ok(new) = read(body) else { return add(&mut restored.damaged) };
            if !definitions.restore(slot, &new) {
                add(&mut restored.no_room);
            }
        })?;
        // Those that are damaged were counted; those that are gone are as much.
        if missing != 0 && restored.damaged == 0 {
            restored.damaged = missing.count_ones();
        }
        self.restored = restored;
        self.prove_restored();
        self.store = Some(store);
        Ok(self)
    }

    /// Proves what was restored, for this agent may have other ADMs, managers or limits than
    /// the one that kept it: what is named is proven before what names it.
    fn prove_restored(&mut self) {
        let mut again = true;
        while core::mem::take(&mut again) {
            for slot in 0..64 {
                let proof = self.definitions.unproven(slot).map(|one| self.book().prove_again(one));
                if let Some(Ok(proof)) = proof {
                    self.definitions.proven(slot, proof);
                    add(&mut self.restored.definitions);
                    again = true;
                }
            }
        }
        let lost = (0..64).filter(|slot| self.definitions.unproven(*slot).is_some()).count();
        self.restored.unproven = u32::try_from(lost).unwrap_or(u32::MAX);
    }

    /// Takes away what could not be proven, and tells whoever has defined it.
    pub(super) fn lose_unproven(&mut self, now: Now) {
        if self.restored.unproven == 0 {
            return;
        }
        for slot in 0..64 {
            let Some(lost) = self.definitions.unproven(slot) else { continue };
            let owner = usize::from(lost.owner);
            if let Err(why) = self.book().prove_again(lost) {
                self.stats.last_refusal = Some(why);
                if owner < self.config.managers.len() {
                    self.tell_owner(LOST_TEMPLATE, slot, None, why, now);
                }
            }
            count(&mut self.stats.lost);
            self.definitions.free(slot);
        }
        // The store is to know that they do not hold.
        self.store_due = Some(now.monotonic);
    }

    /// What was found in the store.
    #[must_use]
    pub const fn restored(&self) -> &Restored {
        &self.restored
    }

    /// Makes durable what is staged and what has changed.
    pub(super) fn commit(&mut self, now: Now) -> Result<(), Refusal> {
        let staged = self.definitions.is_staged();
        if self.store.is_none() || !(staged || self.unkept != 0) {
            return Ok(());
        }
        let (all, new) = self.definitions.staged();
        if self.keep(all, new | self.unkept, now) {
            return Ok(());
        }
        if staged { Err(Refusal::Store) } else { Ok(()) }
    }

    /// Makes durable what a failure left behind.
    pub(super) fn repair(&mut self, now: Now) {
        let (all, _) = self.definitions.staged();
        self.keep(all, self.unkept, now);
    }

    /// Puts definitions, and after them which of them hold. Returns whether all is durable.
    fn keep(&mut self, all: u64, owed: u64, now: Now) -> bool {
        let Some(store) = self.store.as_deref_mut() else { return true };
        let mut kept = true;
        for slot in 0..64 {
            let found = self.definitions.get(slot).filter(|_| owed & all & bit(slot) != 0);
            let Some(definition) = found else { continue };
            let parts = [
                self.definitions.id(definition),
                self.definitions.body(definition),
                if definition.kind == Kind::StateRule {
                    self.definitions.action(definition)
                } else {
                    &[]
                },
            ];
            kept =
                kept && put(store, key(DEFINITION, slot), &|to| write(to, definition, parts, now));
        }
        kept = kept && put(store, key(TABLE, 0), &|to| to.octets(&all.to_be_bytes()));
        kept = kept && store.sync().is_ok();
        if kept {
            self.unkept &= !owed;
            // What does not hold is of no use; where that fails it does no harm.
            for slot in 0..64 {
                if all & bit(slot) == 0 && self.definitions.get(slot).is_some() {
                    let _ = store.remove(&key(DEFINITION, slot));
                }
            }
        } else {
            count(&mut self.stats.store_failures);
        }
        self.store_due = (!kept).then(|| now.monotonic.after(self.config.retry));
        kept
    }
}

#[inline(never)]
fn put(
    store: &mut (dyn Store + Send),
    key: RecordKey,
    body: &dyn Fn(&mut Writer<'_>) -> Result<(), NoSpace>,
) -> bool {
    let mut buffer = [0; RECORD_MAX];
    let mut writer = Writer::new(&mut buffer);
    let written = writer.u8(VERSION).and_then(|()| body(&mut writer));
    let sum = checksum(&key, writer.written());
    let written = written.and_then(|()| writer.octets(&sum.to_le_bytes()));
    written.is_ok() && store.put(&key, writer.written()).is_ok()
}

fn write(
    to: &mut Writer<'_>,
    definition: &Definition,
    parts: [&[u8]; 3],
    now: Now,
) -> Result<(), NoSpace> {
    let Definition { kind, owner, of, proof, rule, .. } = definition;
    let kind = match kind {
        Kind::Variable => 0,
        Kind::Template => 1,
        Kind::Macro => 2,
        Kind::StateRule => 3,
        Kind::TimeRule => 4,
        Kind::Pending => 5,
    };
    let start = rule.timing.start.utc(now);
    for octet in [kind, *owner, of.0, start.is_some().into()] {
        to.u8(octet)?;
    }
    to.u32(proof.readers)?;
    let start = start.map_or(0, Utc::unix_micros).cast_unsigned();
    let numbers = [
        start,
        rule.timing.period,
        rule.fires,
        rule.evaluations,
        rule.fired,
        rule.evaluated,
        rule.missed,
    ];
    for number in numbers {
        to.array(&number.to_be_bytes())?;
    }
    for part in parts {
        to.u16(u16::try_from(part.len()).unwrap_or(u16::MAX))?;
        to.octets(part)?;
    }
    Ok(())
}

fn read(octets: &[u8]) -> Result<New<'_>, Short> {
    let mut reader = Reader::new(octets);
    let &[kind, owner, of, clock] = reader.array()?;
    let kind = match kind {
        0 => Kind::Variable,
        1 => Kind::Template,
        2 => Kind::Macro,
        3 => Kind::StateRule,
        4 => Kind::TimeRule,
        _ => Kind::Pending,
    };
    let readers = reader.u32()?;
    let mut numbers = [0; 7];
    for number in &mut numbers {
        *number = u64::from_be_bytes(*reader.array()?);
    }
    let [start, period, fires, evaluations, fired, evaluated, missed] = numbers;
    let start = if clock == 1 {
        Start::Clock(Utc::from_unix_micros(start.cast_signed()))
    } else {
        Start::Monotonic(Instant::ZERO)
    };
    let mut part = || {
        let length = reader.u16()?;
        reader.take(length.into())
    };
    Ok(New {
        kind,
        owner,
        of: TypeCode(of),
        proof: Proof { readers, ..Proof::EMPTY },
        id: part()?,
        body: part()?,
        action: part()?,
        rule: Rule {
            timing: Timing::new(start, period),
            fires,
            evaluations,
            fired,
            evaluated,
            missed,
            restored: true,
        },
    })
}
