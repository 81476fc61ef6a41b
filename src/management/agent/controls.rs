//! Controls: what they need to be run, and the controls of the AMP agent ADM.
//!
//! What is to be run is gone through up to three times. First all that defines is
//! staged; then all else is held against what is defined by then; and only when
//! nothing is wrong with any of it, it is done.

use super::application::Application;
use super::config::Managers;
use super::world::{Book, Formals, Parameters, formals, parameters, with_values};
use super::{AGENT_ADM, Agent, CONTROL_MAX};
use crate::machine::count;
use crate::management::adm::Field;
use crate::management::amp::{Ac, Ari, Expr, Tnvc, TypeCode, Value};
use crate::management::definitions::{Definition, ID_MAX, Kind, New, Proof, Rule, bit};
use crate::management::expression;
use crate::management::number::{Class, Number};
use crate::management::refusal::Refusal;
use crate::management::timing::{Start, Timing};
use crate::time::Now;
use crate::wire::{Reader, Writer};

/// The controls of the AMP agent ADM, by their indices.
pub(super) mod control {
    use super::Kind;

    pub(crate) const DESC_RPTT: u32 = 4;
    pub(crate) const GEN_RPTS: u32 = 5;
    pub(crate) const GEN_TBLS: u32 = 6;
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

    /// What a control adds.
    pub(crate) const fn adds(index: u32) -> Option<Kind> {
        Some(match index {
            0 => Kind::Variable,
            2 => Kind::Template,
            7 => Kind::Macro,
            10 => Kind::TimeRule,
            11 => Kind::StateRule,
            _ => return None,
        })
    }

    /// Whether a control that takes away or describes is for this kind.
    pub(crate) const fn is_for(index: u32, kind: Kind) -> bool {
        match kind {
            Kind::Variable => index == 1,
            Kind::Template => matches!(index, 3 | DESC_RPTT),
            Kind::Macro => matches!(index, 8 | DESC_MACRO),
            Kind::StateRule | Kind::TimeRule => matches!(index, 12 | DESC_RULE),
            Kind::Pending => false,
        }
    }
}

/// What the parameters of one of the agent's own controls say. None has two of a type but for
/// numbers, which are in their order.
#[derive(Debug)]
pub(super) struct Given<'a> {
    pub(super) id: Option<Ari<'a>>,
    pub(super) expression: Option<Expr<'a>>,
    pub(super) list: Ac<'a>,
    pub(super) receivers: Tnvc<'a>,
    numbers: [u64; 3],
}

impl<'a> Given<'a> {
    /// Takes parameters that [fit](Book::fit) apart. What is named or to be calculated later
    /// cannot define anything.
    #[inline(never)]
    pub(super) fn of(actual: &[Value<'a>], formal: &[Field]) -> Result<Self, Refusal> {
        let (list, receivers) = (Ac::EMPTY, Tnvc::EMPTY);
        let mut given = Self { id: None, expression: None, list, receivers, numbers: [0; 3] };
        let mut numbers = given.numbers.iter_mut();
        for (value, formal) in actual.iter().zip(formal) {
            match *value {
                Value::Ari(id) if formal.code == TypeCode::ARI => given.id = Some(id),
                Value::Expr(expression) if formal.code == TypeCode::EXPR => {
                    given.expression = Some(expression);
                }
                Value::Ac(list) => given.list = list,
                Value::Tnvc(receivers) => given.receivers = receivers,
                Value::Str(_) => {}
                _ => {
                    let number = Number::of(value).and_then(|number| number.natural().ok());
                    let (Some(number), Some(to)) = (number, numbers.next()) else {
                        return Err(Refusal::Parameters);
                    };
                    *to = number;
                }
            }
        }
        Ok(given)
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
    /// Whether it was proven before, by an agent that ended.
    pub(super) again: bool,
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
    /// Whether a control can be run by a manager; what it refers to is added to the proof.
    pub(super) fn prove_control(
        &self,
        ari: &Ari<'_>,
        unit: &Unit,
        proof: &mut Proof,
    ) -> Result<(), Refusal> {
        if ari.octets().len() > CONTROL_MAX {
            return Err(Refusal::NoRoom);
        }
        let mut own = Proof::EMPTY;
        match ari.object() {
            TypeCode::MAC => {
                self.prove_defined(ari, &mut own)?;
                unit.may(own.readers)?;
                let (formals, given) = (self.formals(ari)?, parameters(ari)?);
                if formals.len() != given.len() {
                    return Err(Refusal::Parameters);
                }
                for ((code, _), value) in formals.iter().zip(&given) {
                    let formal = [Field::new(*code, "")];
                    self.fit(core::slice::from_ref(value), &formal, &mut own)?;
                }
            }
            TypeCode::CTRL => {
                let known = self.known(ari)?;
                unit.may(known.readers)?;
                let (actual, formal) = (parameters(ari)?, known.parameters());
                self.fit(&actual, formal, &mut own)?;
                unit.may(own.readers)?;
                if known.object.adm == AGENT_ADM && !control::defines(known.object.index) {
                    let given = Given::of(&actual, formal)?;
                    self.prove_own(known.object.index, &given, unit, &mut own)?;
                }
                own.readers = u32::MAX;
            }
            _ => return Err(Refusal::Misplaced),
        }
        proof.add(&own);
        Ok(())
    }

    /// The parameters of the macro of that name.
    fn formals(&self, id: &Ari<'_>) -> Result<Formals<'_>, Refusal> {
        let found = self.definitions.find(id).and_then(|slot| self.definitions.get(slot));
        formals(self.definitions.id(found.ok_or(Refusal::Unknown)?))
    }

    /// What else the controls of the agent need that do not define.
    fn prove_own(
        &self,
        index: u32,
        given: &Given<'_>,
        unit: &Unit,
        proof: &mut Proof,
    ) -> Result<(), Refusal> {
        let mut all = self.receivers(&given.receivers, unit.asker)?;
        if index == control::STORE_VAR {
            let (Some(id), Some(expression)) = (&given.id, &given.expression) else {
                return Err(Refusal::Parameters);
            };
            let slot = self.changeable(id, unit)?;
            if id.object() != TypeCode::VAR {
                return Err(Refusal::Misplaced);
            }
            self.prove_expression(expression, proof)?;
            proof.refs |= bit(slot);
            // What is stored is its readers', whoever asks.
            all = 0;
        }
        for id in &given.list {
            match index {
                control::GEN_RPTS => self.prove_part(&id, proof)?,
                control::GEN_TBLS => {
                    if id.object() != TypeCode::TBLT {
                        return Err(Refusal::Misplaced);
                    }
                    proof.readers &= self.known(&id)?.readers;
                }
                _ => {
                    let slot = match self.definitions.find(&id) {
                        // Rules end, and what describes them need not end with them.
                        None if unit.again && index == control::DESC_RULE => continue,
                        slot => slot.ok_or(Refusal::Unknown)?,
                    };
                    let described = self.definitions.get(slot).ok_or(Refusal::Unknown)?;
                    if !control::is_for(index, described.kind) {
                        return Err(Refusal::Misplaced);
                    }
                    proof.readers &= described.proof.readers;
                    if !described.kind.is_rule() {
                        proof.refs |= bit(slot);
                    }
                }
            }
        }
        unit.may(proof.readers)?;
        if all & !proof.readers == 0 { Ok(()) } else { Err(Refusal::NotPermitted) }
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
    pub(super) fn prove_action(
        &self,
        action: &Ac<'_>,
        formals: &Formals<'_>,
        unit: &Unit,
        proof: &mut Proof,
    ) -> Result<(), Refusal> {
        proof.step();
        action.iter().try_for_each(|item| {
            let mut copy = [0; CONTROL_MAX];
            let item = with_values(item, formals, None, &mut copy)?;
            self.prove_control(&item, unit, proof)
        })
    }

    /// What a definition is made of, as it is kept: its expression or its list, and the action
    /// of a state-based rule.
    pub(super) fn prove_definition(
        &self,
        kind: Kind,
        of: TypeCode,
        [id, body, action]: [&[u8]; 3],
        unit: &Unit,
    ) -> Result<Proof, Refusal> {
        let profile = self.config.profile;
        let (mut proof, mut list) = (Proof::EMPTY, body);
        if matches!(kind, Kind::Variable | Kind::StateRule) {
            let expression = Expr::parse(body, profile).map_err(|_| Refusal::Malformed)?;
            self.prove_expression(&expression, &mut proof)?;
            let class = Class::of(expression.code());
            let goes = class.is_some_and(|class| expression::goes_into(class, of));
            if kind == Kind::Variable && !(goes && of.is_primitive()) {
                return Err(Refusal::Types);
            }
            list = action;
        }
        if kind != Kind::Variable {
            let list = Ac::parse(list, profile).map_err(|_| Refusal::Malformed)?;
            if kind == Kind::Template {
                self.prove_parts(&list, &mut proof)?;
            } else {
                self.prove_action(&list, &formals(id)?, unit, &mut proof)?;
            }
        }
        unit.may(proof.readers)?;
        proof.readers &= unit.readers;
        Ok(proof)
    }

    /// Whether what was restored holds: what it names may be another since.
    pub(super) fn prove_again(&self, definition: &Definition) -> Result<Proof, Refusal> {
        let (asker, readers) = (definition.owner, definition.proof.readers);
        if usize::from(asker) >= self.config.managers.len() {
            return Err(Refusal::NotPermitted);
        }
        let unit = Unit { now: Now::default(), asker, readers, again: true };
        let kept = [
            self.definitions.id(definition),
            self.definitions.body(definition),
            self.definitions.action(definition),
        ];
        let proof = self.prove_definition(definition.kind, definition.of, kept, &unit)?;
        self.definitions.bears(definition.kind, &proof)?;
        Ok(proof)
    }

    /// Whether the manager may define something by this name; and what it is in place of.
    fn definable(&self, id: &Ari<'_>, kind: Kind, unit: &Unit) -> Result<Option<u8>, Refusal> {
        let fits = id.octets().len() <= ID_MAX && id.nickname().is_none();
        let bare = kind != Kind::Macro && id.parameters().is_some();
        if Kind::of(id.object()) != Some(kind) || !fits || bare {
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

/// Where controls come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'d> {
    /// A message.
    Message(Ac<'d>),
    /// A definition, and where it is a macro the identifier that it is run by.
    Slot(u8, Option<Ari<'d>>),
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
            Source::Slot(slot, macro_id) => {
                let given = macro_id.map_or(Ok(Parameters::new()), |id| parameters(&id));
                let given = given.map_err(|why| (0, why))?;
                let mut at = 0;
                for place in 0.. {
                    let mut octets = [0; CONTROL_MAX];
                    let item = self.action_at(slot, &mut at, &given, &mut octets);
                    let Some(item) = item.map_err(|why| (place, why))? else { break };
                    self.step(&item, unit, pass, application).map_err(|why| (place, why))?;
                }
            }
        }
        Ok(())
    }

    /// Copies the next control of an action, with the values that it is given: what it does may
    /// move the octets of all definitions.
    fn action_at<'c>(
        &self,
        slot: u8,
        at: &mut usize,
        given: &Parameters<'_>,
        copy: &'c mut [u8; CONTROL_MAX],
    ) -> Result<Option<Ari<'c>>, Refusal> {
        let (profile, malformed) = (self.config.profile, |_| Refusal::Malformed);
        let Some(definition) = self.definitions.get(slot) else { return Ok(None) };
        let action = self.definitions.action(definition);
        if *at == 0 {
            let all = Ac::parse(action, profile).map_err(malformed)?;
            let items: usize = all.iter().map(|item| item.octets().len()).sum();
            *at = action.len().saturating_sub(items);
        }
        let mut reader = Reader::new(action);
        if reader.take(*at).is_err() || reader.is_empty() {
            return Ok(None);
        }
        let item = Ari::split(&mut reader, profile).map_err(|_| Refusal::Malformed)?;
        *at = reader.offset();
        let mut filled = [0; CONTROL_MAX];
        let names = formals(self.definitions.id(definition))?;
        let item = with_values(item, &names, Some(given), &mut filled)?;
        let mut to = Writer::new(copy);
        to.octets(item.octets()).map_err(|_| Refusal::NoRoom)?;
        Ari::parse(to.finish(), profile).map(Some).map_err(malformed)
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
            let source = Source::Slot(slot, Some(*item));
            return self.run(source, unit, pass, application).map_err(|(_, why)| why);
        }
        let (own, index) = self.own(item);
        let defines = own && (control::defines(index));
        match pass {
            Pass::Stage if defines => self.define(item, index, unit),
            Pass::Check if !defines => {
                self.book().prove_control(item, unit, &mut Proof::EMPTY.clone())
            }
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
        book.prove_control(item, unit, &mut Proof::EMPTY.clone())?;
        let given = Given::of(&parameters(item)?, book.known(item)?.parameters())?;
        let Some(kind) = control::adds(index) else {
            for id in &given.list {
                let slot = self.book().changeable(&id, unit)?;
                let kind = self.definitions.get(slot).map(|gone| gone.kind);
                if !kind.is_some_and(|kind| control::is_for(index, kind)) {
                    return Err(Refusal::Misplaced);
                }
                self.definitions.doom(slot)?;
            }
            return Ok(());
        };
        let id = given.id.ok_or(Refusal::Parameters)?;
        let [first, second, fires] = given.numbers;
        let (mut of, mut body, mut action, mut rule) =
            (id.object(), given.list.octets(), &[][..], Rule::NONE);
        if let Some(expression) = &given.expression {
            (body, action) = (expression.octets(), body);
        }
        if kind == Kind::Variable {
            of = TypeCode(u8::try_from(first).map_err(|_| Refusal::Parameters)?);
            action = &[];
        }
        if kind.is_rule() {
            let mut period = self.evaluation();
            if kind == Kind::TimeRule {
                period = second.saturating_mul(1_000_000);
                if period == 0 && fires != 1 {
                    return Err(Refusal::Parameters);
                }
            } else {
                rule.evaluations = second;
            }
            let start = Start::of(self.config.epoch.time_value(first), unit.now);
            rule.timing = Timing::new(start, period);
            rule.fires = fires;
        }
        let replaces = book.definable(&id, kind, unit)?;
        let proof = book.prove_definition(kind, of, [id.octets(), body, action], unit)?;
        let (owner, id) = (unit.asker, id.octets());
        self.definitions
            .stage(&New { kind, owner, of, proof, id, body, action, rule }, replaces)?;
        Ok(())
    }
}
