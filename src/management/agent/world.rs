//! What identifiers mean to an agent: what may be referred to, by whom, and the values.

use heapless::Vec;

use super::application::{Application, Collected, Object};
use super::config::{AgentConfig, Managers};
use super::stats::{AgentStats, Counts};
use super::{AGENT_ADM, PARAMETERS_MAX};
use crate::management::adm::amp_agent::AMP_AGENT;
use crate::management::adm::{Adm, Definition, Field};
use crate::management::amp::{Ac, Ari, Expr, Profile, Tnvc, TnvcWriter, TypeCode, Value};
use crate::management::definitions::{Definitions, Proof, bit};
use crate::management::expression::{self, NoValue};
use crate::management::number::{Class, Number};
use crate::management::refusal::Refusal;
use crate::management::timing;
use crate::time::Now;
use crate::wire::Writer;

/// Parameters of a control or of data.
pub(super) type Parameters<'a> = Vec<Value<'a>, PARAMETERS_MAX>;

/// Takes parameters apart.
pub(super) fn parameters<'a>(ari: &Ari<'a>) -> Result<Parameters<'a>, Refusal> {
    let mut all = Parameters::new();
    let given = ari.parameters().unwrap_or(Tnvc::EMPTY);
    for item in &given {
        let value = item.value.ok_or(Refusal::Parameters)?;
        all.push(value).map_err(|_| Refusal::Parameters)?;
    }
    Ok(all)
}

/// Parameters of a macro, by their types and names.
pub(super) type Formals<'a> = Vec<(TypeCode, &'a str), PARAMETERS_MAX>;

/// The parameters of a macro, which stand in the identifier that it was defined by: types and
/// names, and no values. What has no identifier has none.
pub(super) fn formals(id: &[u8]) -> Result<Formals<'_>, Refusal> {
    let mut all = Formals::new();
    let Ok(id) = Ari::parse(id, Profile::Draft08) else { return Ok(all) };
    for entry in &id.parameters().unwrap_or(Tnvc::EMPTY) {
        let (Some(code), Some(name), None) = (entry.code, entry.name, entry.value) else {
            return Err(Refusal::Identifier);
        };
        if !code.is_primitive() || all.iter().any(|(_, other)| *other == name) {
            return Err(Refusal::Identifier);
        }
        all.push((code, name)).map_err(|_| Refusal::Identifier)?;
    }
    Ok(all)
}

/// A control of a macro with the values of the parameters that it names: those that the macro
/// is run with, or any of their types where it is proven. `copy` is for its octets.
pub(super) fn with_values<'b>(
    item: Ari<'b>,
    formals: &Formals<'_>,
    given: Option<&Parameters<'_>>,
    copy: &'b mut [u8],
) -> Result<Ari<'b>, Refusal> {
    let (before, parameters, behind) = item.around_parameters();
    if parameters.iter().all(|entry| entry.value.is_some()) {
        return Ok(item);
    }
    let (profile, long) = (item.profile(), |_| Refusal::NoRoom);
    let mut to = Writer::new(copy);
    to.octets(before).map_err(long)?;
    let mut all = TnvcWriter::new(&to);
    for entry in &parameters {
        let value = match (entry.value, entry.name) {
            (Some(value), _) => value,
            (None, None) => return Err(Refusal::Parameters),
            (None, Some(name)) => {
                let place = formals.iter().position(|(_, other)| *other == name);
                let (place, code) = place
                    .and_then(|place| Some((place, formals.get(place)?.0)))
                    .ok_or(Refusal::Parameters)?;
                if entry.code.is_some_and(|told| told != code) {
                    return Err(Refusal::Types);
                }
                match given {
                    Some(given) => *given.get(place).ok_or(Refusal::Parameters)?,
                    None => any_of(code),
                }
            }
        };
        all.push(&mut to, &value, profile.sends()).map_err(long)?;
    }
    all.finish(&mut to).and_then(|()| to.octets(behind)).map_err(long)?;
    Ari::parse(to.finish(), profile).map_err(|_| Refusal::Malformed)
}

/// A value that has a place wherever one of that type has one.
fn any_of(code: TypeCode) -> Value<'static> {
    match Class::of(code) {
        Some(Class::Truth) => Value::Bool(false),
        Some(Class::Integer) => Value::Uint(0),
        Some(Class::Real) => Value::Real64(0.0),
        None => Value::Str(""),
    }
}

impl<'s> AgentConfig<'s> {
    /// All ADMs, that of the agent first.
    pub(super) fn all_adms(&self) -> impl Iterator<Item = &'static Adm> + use<'s> {
        [&AMP_AGENT].into_iter().chain(self.adms.iter().copied())
    }

    pub(super) fn adm(&self, number: u64) -> Option<&'static Adm> {
        self.all_adms().find(|adm| u64::from(adm.enumeration) == number)
    }
}

/// An object of an ADM that the agent knows.
pub(super) struct Known {
    pub(super) definition: Definition,
    pub(super) object: Object,
    /// Managers that may have or do it.
    pub(super) readers: u32,
}

/// What of an agent is looked at and not changed.
#[derive(Clone, Copy)]
pub(super) struct Book<'w, 's> {
    pub(super) config: &'w AgentConfig<'s>,
    pub(super) definitions: &'w Definitions<'s>,
}

impl Known {
    /// Its parameters.
    pub(super) const fn parameters(&self) -> &'static [Field] {
        match self.definition {
            Definition::Ctrl(ctrl) => ctrl.parameters,
            Definition::Edd(edd) => edd.parameters,
            _ => &[],
        }
    }

    /// The type of its value; `None` where it is nothing that has one.
    fn value_type(&self) -> Option<TypeCode> {
        match self.definition {
            Definition::Const(constant) => Some(constant.value.code()),
            Definition::Edd(edd) => Some(edd.code),
            Definition::Var(variable) => variable.expression.first().map(|code| TypeCode(*code)),
            _ => None,
        }
    }
}

impl Book<'_, '_> {
    /// The object of an ADM that an identifier names.
    pub(super) fn known(&self, ari: &Ari<'_>) -> Result<Known, Refusal> {
        let id = ari.object_id().ok_or(Refusal::Unknown)?;
        let adm = self.config.adm(id.nickname.adm()).ok_or(Refusal::Unknown)?;
        let definition = adm.object(id.nickname.collection(), id.index).ok_or(Refusal::Unknown)?;
        let index = u32::try_from(id.index).map_err(|_| Refusal::Unknown)?;
        let readers = self.config.permitted(id.nickname, index);
        Ok(Known { definition, object: Object { adm: adm.enumeration, index }, readers })
    }

    /// The type of what an identifier has as a value.
    pub(super) fn value_type(&self, ari: &Ari<'_>) -> Result<TypeCode, Refusal> {
        match ari.object() {
            TypeCode::LIT => {
                return ari.literal().map(|value| value.code()).ok_or(Refusal::Malformed);
            }
            TypeCode::VAR if ari.nickname().is_none() => {
                let slot = self.definitions.find(ari).ok_or(Refusal::Unknown)?;
                return self
                    .definitions
                    .get(slot)
                    .map(|variable| variable.of)
                    .ok_or(Refusal::Unknown);
            }
            _ => {}
        }
        self.known(ari)?.value_type().ok_or(Refusal::Misplaced)
    }

    /// Adds a definition that is part of another to what is to be shown.
    pub(super) fn prove_defined(&self, ari: &Ari<'_>, proof: &mut Proof) -> Result<(), Refusal> {
        let slot = self.definitions.find(ari).ok_or(Refusal::Unknown)?;
        let part = &self.definitions.get(slot).ok_or(Refusal::Unknown)?.proof;
        proof.step();
        proof.add(&Proof { refs: bit(slot), level: part.level.saturating_add(1), ..*part });
        Ok(())
    }

    /// A part of a report: a value, or another template.
    pub(super) fn prove_part(&self, ari: &Ari<'_>, proof: &mut Proof) -> Result<(), Refusal> {
        let object = ari.object();
        if object == TypeCode::LIT {
            proof.step();
            return Ok(());
        }
        if matches!(object, TypeCode::VAR | TypeCode::RPTT) && ari.nickname().is_none() {
            return self.prove_defined(ari, proof);
        }
        if !matches!(object, TypeCode::EDD | TypeCode::CONST | TypeCode::VAR | TypeCode::RPTT) {
            return Err(Refusal::Misplaced);
        }
        let known = self.known(ari)?;
        proof.readers &= known.readers;
        if let Definition::Rptt(template) = known.definition {
            let parts = Ac::parse(template.contents, Profile::Draft08);
            return self.prove_parts(&parts.map_err(|_| Refusal::Malformed)?, proof);
        }
        known.value_type().ok_or(Refusal::Misplaced)?;
        self.fit(&parameters(ari)?, known.parameters(), proof)
    }

    pub(super) fn prove_parts(&self, parts: &Ac<'_>, proof: &mut Proof) -> Result<(), Refusal> {
        proof.step();
        parts.iter().try_for_each(|part| self.prove_part(&part, proof))
    }

    /// An expression, whatever its operands are.
    pub(super) fn prove_expression(
        &self,
        expression: &Expr<'_>,
        proof: &mut Proof,
    ) -> Result<(), Refusal> {
        expression::prove(expression, proof, &mut |operand, proof| {
            self.prove_part(operand, proof)?;
            Class::of(self.value_type(operand)?).ok_or(Refusal::Types)
        })
    }

    /// Whether parameters are as many as there are to be, each of its type, or else a
    /// number where a number is to be, or what will have one when the control is run.
    pub(super) fn fit(
        &self,
        actual: &[Value<'_>],
        formal: &[Field],
        proof: &mut Proof,
    ) -> Result<(), Refusal> {
        proof.step();
        if actual.len() != formal.len() {
            return Err(Refusal::Parameters);
        }
        for (actual, formal) in actual.iter().zip(formal) {
            let formal = formal.code;
            if actual.code() == formal {
                continue;
            }
            let class = match actual {
                Value::Ari(ari) => {
                    self.prove_part(ari, proof)?;
                    Class::of(self.value_type(ari)?)
                }
                Value::Expr(expression) => {
                    self.prove_expression(expression, proof)?;
                    Class::of(expression.code())
                }
                value => Number::of(value).map(Number::class),
            };
            if !class.is_some_and(|class| expression::goes_into(class, formal)) {
                return Err(Refusal::Parameters);
            }
        }
        Ok(())
    }

    /// The managers that a list of receivers names; `asker` where it names none.
    pub(super) fn receivers(&self, list: &Tnvc<'_>, asker: u8) -> Result<u32, Refusal> {
        let mut all = 0;
        for item in list.iter() {
            let Some(Value::Str(name)) = item.value else { return Err(Refusal::Parameters) };
            let place = self.config.place(name).ok_or(Refusal::Receiver)?;
            all |= Managers::only(place).0;
        }
        Ok(if all == 0 { Managers::only(asker).0 } else { all })
    }
}

/// What has values: the book, the time and the applications.
pub(super) struct World<'w, 's> {
    pub(super) book: Book<'w, 's>,
    pub(super) counts: &'w Counts,
    pub(super) stats: &'w mut AgentStats,
    pub(super) application: &'w mut dyn Application,
    pub(super) now: Now,
    /// Whether values may not be older than they may be.
    pub(super) fresh: bool,
}

impl World<'_, '_> {
    /// Gives the value of an identifier to `take`.
    pub(super) fn value(
        &mut self,
        ari: &Ari<'_>,
        take: &mut dyn FnMut(&Value<'_>),
    ) -> Result<(), NoValue> {
        if let Some(literal) = ari.literal() {
            take(&literal);
            return Ok(());
        }
        if ari.nickname().is_none() {
            let book = self.book;
            let slot = book.definitions.find(ari).ok_or(NoValue::Unproven)?;
            let variable = book.definitions.get(slot).ok_or(NoValue::Unproven)?;
            let body = book.definitions.body(variable);
            let expression =
                Expr::parse(body, book.config.profile).map_err(|_| NoValue::Unproven)?;
            let number = self.evaluate(&expression)?;
            take(&number.value(variable.of)?);
            return Ok(());
        }
        let known = self.book.known(ari).map_err(|_| NoValue::Unproven)?;
        let index = known.object.index;
        let kind = match known.definition {
            Definition::Const(constant) => {
                take(&constant.value);
                return Ok(());
            }
            Definition::Var(variable) => {
                let expression = Expr::parse(variable.expression, Profile::Draft08);
                let expression = expression.map_err(|_| NoValue::Unproven)?;
                let number = self.evaluate(&expression)?;
                take(&number.value(expression.code())?);
                return Ok(());
            }
            Definition::Edd(edd) => edd.code,
            _ => return Err(NoValue::Unproven),
        };
        if known.object.adm == AGENT_ADM {
            let now = timing::stamp(self.book.config.epoch, self.now);
            let value = self.counts.edd(self.book.definitions, self.book.config, index, now);
            take(&value.ok_or(NoValue::Unproven)?);
            return Ok(());
        }
        let given = parameters(ari).map_err(|_| NoValue::Unproven)?;
        let given = self.bind(&given, known.parameters())?;
        let Ok(Collected { value, age }) = self.application.collect(self.now, known.object, &given)
        else {
            return Err(NoValue::Unavailable);
        };
        let limits = self.book.config.max_ages.iter();
        let mut limits =
            limits.filter(|limit| [limit.adm, limit.index] == [known.object.adm, index]);
        if self.fresh && limits.any(|limit| age > limit.seconds) {
            return Err(NoValue::Stale);
        }
        if value.code() == kind {
            take(&value);
            return Ok(());
        }
        // A number of another type that is one of this type as well.
        let number = Number::of(&value).ok_or(NoValue::OtherType)?;
        if !expression::goes_into(number.class(), kind) {
            return Err(NoValue::OtherType);
        }
        take(&number.value(kind)?);
        Ok(())
    }

    /// The number that an identifier has.
    fn number(&mut self, ari: &Ari<'_>) -> Result<Number, NoValue> {
        let mut number = None;
        self.value(ari, &mut |value| number = Number::of(value))?;
        number.ok_or(NoValue::Unproven)
    }

    pub(super) fn evaluate(&mut self, expression: &Expr<'_>) -> Result<Number, NoValue> {
        expression::evaluate(expression, &mut |operand| self.number(operand))
    }

    /// Parameters as they are when they are used: what is named or to be calculated has
    /// its value now.
    pub(super) fn bind<'a>(
        &mut self,
        given: &[Value<'a>],
        formal: &[Field],
    ) -> Result<Parameters<'a>, NoValue> {
        let mut bound = Parameters::new();
        for (value, formal) in given.iter().zip(formal) {
            let kind = formal.code;
            let value = match value {
                value if value.code() == kind => *value,
                Value::Ari(ari) => self.number(ari)?.value(kind)?,
                Value::Expr(expression) => self.evaluate(expression)?.value(kind)?,
                value => Number::of(value).ok_or(NoValue::OtherType)?.value(kind)?,
            };
            bound.push(value).map_err(|_| NoValue::Unproven)?;
        }
        Ok(bound)
    }

    /// Counts why there is no value.
    pub(super) fn count(&mut self, why: NoValue) {
        self.stats.no_value(why);
    }
}
