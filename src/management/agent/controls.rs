//! Controls: what they need to be run, and the controls of the AMP agent ADM.
//!
//! What is to be run is gone through up to three times. First all that defines is
//! staged; then all else is held against what is defined by then; and only when
//! nothing is wrong with any of it, it is done.

use super::application::Application;
use super::config::Managers;
use super::world::{Book, Parameters, parameters};
use super::{AGENT_ADM, Agent, CONTROL_MAX};
use crate::machine::count;
use crate::management::amp::{Ac, Ari, TypeCode, Value};
use crate::management::definitions::{ID_MAX, Kind, New, Proof, Rule, bit};
use crate::management::expression;
use crate::management::number::{Class, Number};
use crate::management::refusal::Refusal;
use crate::management::timing::{Start, Timing};
use crate::time::Now;
use crate::wire::Reader;

/// The controls of the AMP agent ADM that are told apart by their indices; those that
/// add something are told by their parameters.
pub(super) mod control {
    pub(crate) const DEL_VAR: u32 = 1;
    pub(crate) const DEL_RPTT: u32 = 3;
    pub(crate) const DESC_RPTT: u32 = 4;
    pub(crate) const GEN_RPTS: u32 = 5;
    pub(crate) const GEN_TBLS: u32 = 6;
    pub(crate) const DEL_MACRO: u32 = 8;
    pub(crate) const DESC_MACRO: u32 = 9;
    pub(crate) const DESC_RULE: u32 = 13;
    pub(crate) const STORE_VAR: u32 = 14;
    pub(crate) const RESET_COUNTS: u32 = 15;

    /// Whether it changes what is defined.
    pub(crate) const fn defines(index: u32) -> bool {
        !matches!(
            index,
            DESC_RPTT | GEN_RPTS | GEN_TBLS | DESC_MACRO | DESC_RULE | STORE_VAR | RESET_COUNTS
        )
    }
}

/// Who wants something done, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) now: Now,
    /// The manager, by its place.
    pub(super) asker: u8,
    /// Managers that may have what is defined.
    pub(super) readers: u32,
}

impl Unit {
    /// Whether the manager may do or have what these may.
    const fn may(&self, readers: u32) -> Result<(), Refusal> {
        if Managers(readers).has(self.asker) { Ok(()) } else { Err(Refusal::NotPermitted) }
    }
}

/// How what is to be run is gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// What defines is staged.
    Stage,
    /// What else there is is held against it.
    Check,
    /// What else there is is done.
    Perform,
}

impl Book<'_, '_> {
    /// Whether a control can be run by a manager, and what it refers to.
    pub(super) fn prove_control(&self, ari: &Ari<'_>, unit: &Unit) -> Result<Proof, Refusal> {
        if ari.octets().len() > CONTROL_MAX {
            return Err(Refusal::NoRoom);
        }
        if ari.object() == TypeCode::MAC {
            let slot = self.definitions.find(ari).ok_or(Refusal::Unknown)?;
            let body = self.definitions.get(slot).ok_or(Refusal::Unknown)?.proof;
            unit.may(body.readers)?;
            let (level, weight) = (body.level.saturating_add(1), body.weight.saturating_add(1));
            return Ok(Proof { refs: bit(slot), level, weight, leaves: 0, ..body });
        }
        if ari.object() != TypeCode::CTRL {
            return Err(Refusal::Misplaced);
        }
        let known = self.known(ari)?;
        unit.may(known.readers)?;
        let actual = parameters(ari)?;
        let mut proof = self.fit(&actual, known.parameters())?;
        unit.may(proof.readers)?;
        if known.object.adm == AGENT_ADM {
            proof.add(&self.prove_own(known.object.index, &actual, unit)?);
        }
        (proof.readers, proof.leaves) = (u32::MAX, 0);
        Ok(proof)
    }

    /// What else the controls of the agent need, those that define apart.
    fn prove_own(
        &self,
        index: u32,
        actual: &Parameters<'_>,
        unit: &Unit,
    ) -> Result<Proof, Refusal> {
        let proof = match (index, actual.as_slice()) {
            (control::GEN_RPTS, [Value::Ac(ids), receivers]) => {
                let proof = self.prove_parts(ids)?;
                let all = self.receivers(receivers, unit.asker)?;
                unit.may(proof.readers)?;
                if all & !proof.readers != 0 {
                    return Err(Refusal::NotPermitted);
                }
                proof
            }
            (control::GEN_TBLS, [Value::Ac(ids), receivers]) => {
                let all = self.receivers(receivers, unit.asker)?;
                for id in ids.iter() {
                    let known = self.known(&id)?;
                    if id.object() != TypeCode::TBLT {
                        return Err(Refusal::Misplaced);
                    }
                    unit.may(known.readers)?;
                    if all & !known.readers != 0 {
                        return Err(Refusal::NotPermitted);
                    }
                }
                Proof::EMPTY
            }
            (control::STORE_VAR, [Value::Ari(id), Value::Expr(expression)]) => {
                let slot = self.changeable(id, unit)?;
                if id.object() != TypeCode::VAR {
                    return Err(Refusal::Misplaced);
                }
                let mut proof = self.prove_expression(expression)?;
                proof.refs |= bit(slot);
                unit.may(proof.readers)?;
                proof
            }
            (control::DESC_RPTT | control::DESC_MACRO | control::DESC_RULE, [Value::Ac(ids)]) => {
                for id in ids.iter() {
                    let slot = self.definitions.find(&id).ok_or(Refusal::Unknown)?;
                    let described = self.definitions.get(slot).ok_or(Refusal::Unknown)?;
                    if !group(index).contains(&described.kind) {
                        return Err(Refusal::Misplaced);
                    }
                    unit.may(described.proof.readers)?;
                }
                Proof::EMPTY
            }
            _ => Proof::EMPTY,
        };
        Ok(proof)
    }

    /// The definition of that name, where the manager may change it.
    fn changeable(&self, id: &Ari<'_>, unit: &Unit) -> Result<u8, Refusal> {
        let slot = self.definitions.find(id).ok_or(Refusal::Unknown)?;
        let owner = self.definitions.get(slot).map(|definition| definition.owner);
        let administrator = self.config.administrators.has(unit.asker);
        if owner == Some(unit.asker) || administrator {
            Ok(slot)
        } else {
            Err(Refusal::NotPermitted)
        }
    }

    /// All that an action runs.
    pub(super) fn prove_action(&self, action: &Ac<'_>, unit: &Unit) -> Result<Proof, Refusal> {
        let mut proof = Proof::EMPTY;
        for item in action.iter() {
            proof.add(&self.prove_control(&item, unit)?);
        }
        Ok(proof)
    }

    /// Whether the manager may define something by this name; and what it is in place of.
    fn definable(&self, id: &Ari<'_>, kind: Kind, unit: &Unit) -> Result<Option<u8>, Refusal> {
        let fits = id.octets().len() <= ID_MAX && id.nickname().is_none();
        if Kind::of(id.object()) != Some(kind) || !fits || id.parameters().is_some() {
            return Err(Refusal::Identifier);
        }
        let issuer =
            self.config.managers.get(usize::from(unit.asker)).map(|manager| manager.issuer);
        if id.issuer().is_some_and(|other| Some(other) != issuer) {
            return Err(Refusal::NotPermitted);
        }
        match self.definitions.find(id) {
            Some(_) => self.changeable(id, unit).map(Some),
            None => Ok(None),
        }
    }
}

/// What a control that deletes or describes is for.
const fn group(index: u32) -> &'static [Kind] {
    match index {
        control::DEL_VAR => &[Kind::Variable],
        control::DEL_RPTT | control::DESC_RPTT => &[Kind::Template],
        control::DEL_MACRO | control::DESC_MACRO => &[Kind::Macro],
        _ => &[Kind::StateRule, Kind::TimeRule],
    }
}

/// Where controls come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'d> {
    /// A message.
    Message(Ac<'d>),
    /// A definition.
    Slot(u8),
}

impl<'s> Agent<'s> {
    pub(super) const fn book(&self) -> Book<'_, 's> {
        Book { config: &self.config, definitions: &self.definitions }
    }

    /// Goes through controls in order, and says where it stopped.
    pub(super) fn run(
        &mut self,
        source: Source<'_>,
        unit: &Unit,
        pass: Pass,
        application: &mut dyn Application,
    ) -> Result<(), (u32, Refusal)> {
        match source {
            Source::Message(all) => {
                for (place, item) in (0..).zip(all.iter()) {
                    self.step(&item, unit, pass, application).map_err(|why| (place, why))?;
                }
            }
            Source::Slot(slot) => {
                let mut at = 0;
                for place in 0.. {
                    let mut octets = [0; CONTROL_MAX];
                    let Some(length) = self.action_at(slot, &mut at, &mut octets) else { break };
                    let octets = octets.get(..length).unwrap_or_default();
                    let item = Ari::parse(octets, self.config.profile)
                        .map_err(|_| (place, Refusal::Malformed))?;
                    self.step(&item, unit, pass, application).map_err(|why| (place, why))?;
                }
            }
        }
        Ok(())
    }

    /// Copies the next control of an action: what it does may move the octets of all
    /// definitions.
    fn action_at(&self, slot: u8, at: &mut usize, copy: &mut [u8; CONTROL_MAX]) -> Option<usize> {
        let action = self.definitions.action(self.definitions.get(slot)?);
        let mut reader = Reader::new(action);
        if *at == 0 {
            let all = Ac::parse(action, self.config.profile).ok()?;
            let items: usize = all.iter().map(|item| item.octets().len()).sum();
            *at = action.len().saturating_sub(items);
        }
        reader.take(*at).ok()?;
        let item = Ari::split(&mut reader, self.config.profile).ok()?;
        *at = reader.offset();
        let room = copy.get_mut(..item.octets().len())?;
        for (to, from) in room.iter_mut().zip(item.octets()) {
            *to = *from;
        }
        Some(room.len())
    }

    fn step(
        &mut self,
        item: &Ari<'_>,
        unit: &Unit,
        pass: Pass,
        application: &mut dyn Application,
    ) -> Result<(), Refusal> {
        if item.object() == TypeCode::MAC {
            let slot = self.definitions.find(item).ok_or(Refusal::Unknown)?;
            let readers = self.definitions.get(slot).map_or(0, |body| body.proof.readers);
            unit.may(readers)?;
            if pass == Pass::Perform {
                count(&mut self.counts.run_macros);
            }
            return self.run(Source::Slot(slot), unit, pass, application).map_err(|(_, why)| why);
        }
        let (own, index) = self.own(item);
        let defines = own && (control::defines(index));
        match pass {
            Pass::Stage if defines => self.define(item, index, unit),
            Pass::Check if !defines => self.book().prove_control(item, unit).map(|_| ()),
            Pass::Perform => {
                count(&mut self.counts.run_controls);
                if !defines {
                    self.perform(item, own.then_some(index), unit, application);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether a control is one of the agent's own, and its index.
    fn own(&self, item: &Ari<'_>) -> (bool, u32) {
        self.book()
            .known(item)
            .map_or((false, 0), |known| (known.object.adm == AGENT_ADM, known.object.index))
    }

    /// Stages what a control defines or takes away.
    #[inline(never)]
    fn define(&mut self, item: &Ari<'_>, index: u32, unit: &Unit) -> Result<(), Refusal> {
        let book = self.book();
        book.prove_control(item, unit)?;
        let mut actual = parameters(item)?;
        for (value, formal) in actual.iter_mut().zip(book.known(item)?.parameters()) {
            if let Some(number) = Number::of(value) {
                *value = number.value(formal.code).map_err(|_| Refusal::Parameters)?;
            }
        }
        let mut rule = Rule::NONE;
        let empty: &[u8] = &[];
        let (kind, of, proof, id, body, action) = match actual.as_slice() {
            [Value::Ari(id), Value::Expr(body), Value::Byte(of)] => {
                let mut proof = book.prove_expression(body)?;
                proof.leaves = 1;
                let of = TypeCode(*of);
                let class = Class::of(body.code());
                let goes = class.is_some_and(|class| expression::goes_into(class, of));
                if !goes || !of.is_primitive() {
                    return Err(Refusal::Types);
                }
                (Kind::Variable, of, proof, id, body.octets(), empty)
            }
            [Value::Ari(id), Value::Ac(parts)] => {
                let proof = book.prove_parts(parts)?;
                (Kind::Template, TypeCode::RPTT, proof, id, parts.octets(), empty)
            }
            [Value::Str(_), Value::Ari(id), Value::Ac(action)] => {
                let proof = book.prove_action(action, unit)?;
                (Kind::Macro, TypeCode::MAC, proof, id, action.octets(), empty)
            }
            [
                Value::Ari(id),
                Value::Tv(start),
                Value::Tv(period),
                Value::Uvast(fires),
                Value::Ac(action),
                Value::Str(_),
            ] => {
                if *period == 0 && *fires != 1 {
                    return Err(Refusal::Parameters);
                }
                let start = Start::of(self.config.epoch.time_value(*start), unit.now);
                rule.timing = Timing::new(start, period.saturating_mul(1_000_000));
                rule.fires = *fires;
                let proof = book.prove_action(action, unit)?;
                (Kind::TimeRule, TypeCode::TBR, proof, id, action.octets(), empty)
            }
            [
                Value::Ari(id),
                Value::Tv(start),
                Value::Expr(state),
                Value::Uvast(evaluations),
                Value::Uvast(fires),
                Value::Ac(action),
                Value::Str(_),
            ] => {
                let start = Start::of(self.config.epoch.time_value(*start), unit.now);
                rule.timing = Timing::new(start, self.evaluation());
                (rule.evaluations, rule.fires) = (*evaluations, *fires);
                let mut proof = book.prove_expression(state)?;
                proof.add(&book.prove_action(action, unit)?);
                (Kind::StateRule, TypeCode::SBR, proof, id, state.octets(), action.octets())
            }
            [Value::Ac(ids)] => {
                for id in ids.iter() {
                    let slot = self.book().changeable(&id, unit)?;
                    let kind = self.definitions.get(slot).map(|gone| gone.kind);
                    if !kind.is_some_and(|kind| group(index).contains(&kind)) {
                        return Err(Refusal::Misplaced);
                    }
                    self.definitions.doom(slot)?;
                }
                return Ok(());
            }
            _ => return Err(Refusal::Parameters),
        };
        let replaces = book.definable(id, kind, unit)?;
        unit.may(proof.readers)?;
        let proof = Proof { readers: proof.readers & unit.readers, ..proof };
        let (owner, id) = (unit.asker, id.octets());
        self.definitions
            .stage(&New { kind, owner, of, proof, id, body, action, rule }, replaces)?;
        Ok(())
    }
}
