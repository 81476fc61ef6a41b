//! Rules, and controls whose time has come.

use super::Agent;
use super::RULE_TEMPLATE;
use super::application::Application;
use super::controls::{Pass, Source, Unit};
use super::world::{Book, World};
use crate::machine::count;
use crate::management::amp::Expr;
use crate::management::definitions::{Definition, Kind, bit};
use crate::management::refusal::Refusal;
use crate::time::Now;

impl Agent<'_> {
    /// Runs what is due, in the order of the slots.
    pub(super) fn run_rules(&mut self, now: Now, application: &mut dyn Application) {
        for slot in 0..64 {
            let Some(definition) = self.definitions.get(slot).copied() else { continue };
            if definition.kind.is_rule() {
                self.run_rule(slot, &definition, now, application);
            }
        }
    }

    fn run_rule(
        &mut self,
        slot: u8,
        definition: &Definition,
        now: Now,
        application: &mut dyn Application,
    ) {
        let kind = definition.kind;
        let Some(rule) = self.definitions.rule_mut(slot) else { return };
        let before = rule.timing.next;
        if rule.timing.take(now) == 0 {
            rule.restored &= !rule.timing.start.is_known(now);
            return;
        }
        // What came while there was no power is over, but for what is done once.
        let late = core::mem::take(&mut rule.restored) && rule.timing.period > 0;
        let fires = match kind {
            Kind::StateRule => {
                rule.evaluated = rule.evaluated.saturating_add(1);
                let limited = rule.fires > 0 || rule.evaluations > 0;
                let fires = !late && self.predicate(definition, now, application);
                if let Some(rule) = self.definitions.rule_mut(slot) {
                    rule.fired = rule.fired.saturating_add(fires.into());
                }
                if fires && limited {
                    self.changed(slot);
                }
                fires
            }
            _ => {
                // No more times than there are to be.
                let last = if rule.fires > 0 { rule.fires } else { u64::MAX };
                let come = rule.timing.next.min(last).saturating_sub(before);
                let fires = come > 0 && !late;
                let missed = come.saturating_sub(fires.into());
                rule.missed = rule.missed.saturating_add(missed);
                rule.fired = rule.fired.saturating_add(fires.into());
                self.stats.missed = self.stats.missed.saturating_add(missed);
                fires
            }
        };
        let over = self.definitions.get(slot).is_some_and(|now| now.rule.is_over(kind));
        if fires {
            match kind {
                Kind::StateRule => count(&mut self.counts.run_state_rules),
                Kind::TimeRule => count(&mut self.counts.run_time_rules),
                _ => {}
            }
            self.fire(slot, definition, over, now, application);
        } else if over {
            self.end(slot, now);
        }
    }

    /// Whether the predicate of a rule holds. It does not where it has no value, or one
    /// that is too old to act on.
    fn predicate(
        &mut self,
        definition: &Definition,
        now: Now,
        application: &mut dyn Application,
    ) -> bool {
        let book = Book { config: &self.config, definitions: &self.definitions };
        let body = book.definitions.body(definition);
        let (counts, stats) = (&self.counts, &mut self.stats);
        let mut world = World { book, counts, stats, application, now, fresh: true };
        let Ok(expression) = Expr::parse(body, book.config.profile) else {
            count(&mut world.stats.unproven);
            return false;
        };
        match world.evaluate(&expression) {
            Ok(number) => number.truth(),
            Err(why) => {
                world.count(why);
                false
            }
        }
    }

    /// Runs the action of a rule, all of it or nothing.
    fn fire(
        &mut self,
        slot: u8,
        definition: &Definition,
        over: bool,
        now: Now,
        application: &mut dyn Application,
    ) {
        let (asker, readers) = (definition.owner, definition.proof.readers);
        let unit = Unit { now, asker, readers, again: false };
        let source = Source::Slot(slot, None);
        let mut stopped = Ok(());
        for pass in [Pass::Stage, Pass::Check] {
            stopped = stopped.and_then(|()| self.run(source, &unit, pass, application));
        }
        if let Err((control, why)) = stopped {
            self.definitions.settle(false);
            count(&mut self.stats.actions_refused);
            self.stats.last_refusal = Some(why);
            self.tell_owner(RULE_TEMPLATE, slot, Some(control), why, now);
        } else {
            if over {
                self.doom(slot);
            }
            self.commit_anyway(now);
            // What is to be done was held against what is defined: nothing stops it now.
            let _ = self.run(source, &unit, Pass::Perform, application);
            self.definitions.settle(true);
        }
        if over {
            self.end(slot, now);
        }
    }

    /// Ends a rule that is over.
    fn end(&mut self, slot: u8, now: Now) {
        let over = self.definitions.get(slot).is_some_and(|rule| rule.rule.is_over(rule.kind));
        if over && self.doom(slot) {
            self.commit_anyway(now);
            self.definitions.settle(true);
        }
    }

    fn doom(&mut self, slot: u8) -> bool {
        self.definitions.doom(slot) != Err(Refusal::Unknown)
    }

    /// Keeps what has changed. Where the store fails the agent acts all the same: a
    /// post that nobody reaches has nothing else to go by. It is kept later.
    fn commit_anyway(&mut self, now: Now) {
        let (_, new) = self.definitions.staged();
        if self.commit(now).is_err() {
            self.unkept |= new;
        }
    }

    /// The store has less of a definition than there is.
    pub(super) fn changed(&mut self, slot: u8) {
        if self.store.is_some() {
            self.unkept |= bit(slot);
        }
    }
}
