//! What controls do: reports and tables are made, variables are stored, applications
//! are told.

use super::application::Application;
use super::config::Managers;
use super::controls::{Given, Unit, control};
use super::outbox::Parcel;
use super::stats::Counts;
use super::world::{Book, Known, World, parameters};
use super::{AGENT_ADM, Agent};
use crate::machine::count;
use crate::management::adm::Definition as Template;
use crate::management::amp::{
    Ac, Ari, AriValues, Collection, Expr, Malformed, Name, Profile, Tbl, TnvValues, TnvcWriter,
    TypeCode, Value,
};
use crate::management::definitions::{Definition, Kind, Proof};
use crate::management::expression::NoValue;
use crate::management::timing;
use crate::time::Now;
use crate::wire::{NoSpace, Writer};

/// Why a report is not made.
enum NotMade {
    NoValue(NoValue),
    /// None of several, each of which was counted.
    NoValues,
    TooLong,
}

impl From<NoValue> for NotMade {
    fn from(why: NoValue) -> Self {
        Self::NoValue(why)
    }
}

impl From<NoSpace> for NotMade {
    fn from(_: NoSpace) -> Self {
        Self::TooLong
    }
}

impl Agent<'_> {
    /// Does what a control says that does not define. It was held against what is
    /// defined: what it needs is there.
    #[inline(never)]
    pub(super) fn perform(
        &mut self,
        item: &Ari<'_>,
        own: Option<u32>,
        unit: &Unit,
        application: &mut dyn Application,
    ) {
        let book = Book { config: &self.config, definitions: &self.definitions };
        let (Ok(actual), Ok(known)) = (parameters(item), book.known(item)) else {
            return count(&mut self.stats.unproven);
        };
        let Some(index) = own else {
            let (counts, stats, now) = (&self.counts, &mut self.stats, unit.now);
            let mut world = World { book, counts, stats, application, now, fresh: false };
            let done = match world.bind(&actual, known.parameters()) {
                Ok(bound) => world.application.control(now, known.object, &bound).is_ok(),
                Err(why) => {
                    world.count(why);
                    false
                }
            };
            if !done {
                count(&mut self.stats.controls_failed);
            }
            return;
        };
        let Ok(given) = Given::of(&actual, known.parameters()) else {
            return count(&mut self.stats.unproven);
        };
        let to = book.receivers(&given.receivers, unit.asker).unwrap_or(0);
        match (index, &given.id, &given.expression) {
            (control::STORE_VAR, Some(id), Some(expression)) => {
                self.store_variable(id, expression, unit, application);
            }
            (control::RESET_COUNTS, ..) => self.counts = Counts::default(),
            _ => {}
        }
        for id in &given.list {
            match index {
                control::GEN_RPTS => self.make(&id, false, to, unit, application),
                control::GEN_TBLS => self.make(&id, true, to, unit, application),
                _ => self.describe(item, &id, unit),
            }
        }
    }

    /// Makes a report or a table for these managers.
    fn make(
        &mut self,
        id: &Ari<'_>,
        is_table: bool,
        to: u32,
        unit: &Unit,
        application: &mut dyn Application,
    ) {
        let time = self.stamp(unit.now);
        let book = Book { config: &self.config, definitions: &self.definitions };
        let (counts, stats, now) = (&self.counts, &mut self.stats, unit.now);
        let mut world = World { book, counts, stats, application, now, fresh: false };
        let mut writer = Writer::new(self.buffer);
        let (made, template) = if is_table {
            (rows(&mut world, id, unit, &mut writer), &[][..])
        } else {
            (values(&mut world, id, &mut writer), id.octets())
        };
        match made {
            Ok(()) => {
                let body = writer.written();
                self.outbox.put(to, &Parcel { time, is_table, template, body });
                count(&mut self.stats.made);
            }
            Err(NotMade::NoValue(why)) => {
                self.stats.no_value(why);
                count(&mut self.stats.not_made);
            }
            Err(NotMade::NoValues) => count(&mut self.stats.not_made),
            Err(NotMade::TooLong) => count(&mut self.stats.too_long),
        }
    }

    /// A report of what is defined, under the name of the control that asked for it.
    fn describe(&mut self, control: &Ari<'_>, id: &Ari<'_>, unit: &Unit) {
        let book = Book { config: &self.config, definitions: &self.definitions };
        let found = book.definitions.find(id).and_then(|slot| book.definitions.get(slot));
        let Some(definition) = found else { return count(&mut self.stats.unproven) };
        let (profile, epoch) = (self.config.profile, self.config.epoch);
        let rule = &definition.rule;
        let start = rule.timing.start.utc(unit.now).map_or(0, |utc| epoch.seconds(utc));
        let (Ok(body), Ok(name)) = (
            description(book.definitions.body(definition), definition.kind, profile),
            Ari::parse(book.definitions.id(definition), profile),
        ) else {
            return count(&mut self.stats.unproven);
        };
        let mut writer = Writer::new(self.buffer);
        let mut all = TnvcWriter::new(&writer);
        let mut written = Ok(());
        let mut add = |value| {
            written = written.and_then(|()| all.push(&mut writer, &value, profile.sends()));
        };
        add(Value::Ari(name));
        if definition.kind.is_rule() {
            add(Value::Tv(start));
        }
        match definition.kind {
            Kind::StateRule => {
                add(body);
                add(Value::Uvast(rule.evaluations));
                add(Value::Uvast(rule.fires));
                if let Ok(action) = Ac::parse(book.definitions.action(definition), profile) {
                    add(Value::Ac(action));
                }
            }
            Kind::TimeRule => {
                add(Value::Tv(rule.timing.period / 1_000_000));
                add(Value::Uvast(rule.fires));
                add(body);
            }
            _ => add(body),
        }
        let time = timing::stamp(epoch, unit.now);
        if written.and_then(|()| all.finish(&mut writer)).is_err() {
            return count(&mut self.stats.too_long);
        }
        let body = writer.finish();
        let to = Managers::only(unit.asker).0;
        self.outbox.put(to, &Parcel { time, is_table: false, template: control.octets(), body });
        count(&mut self.stats.made);
    }

    /// A report of the agent about itself.
    pub(super) fn tell(&mut self, template: &[u8], values: &[Value<'_>], to: u8, now: Now) {
        let mut octets = [0; 96];
        let mut writer = Writer::new(&mut octets);
        let quirks = self.config.profile.sends();
        let mut all = TnvcWriter::new(&writer);
        let pushed = values.iter().try_for_each(|value| all.push(&mut writer, value, quirks));
        if pushed.and_then(|()| all.finish(&mut writer)).is_err() {
            return count(&mut self.stats.too_long);
        }
        let time = timing::stamp(self.config.epoch, now);
        let to = Managers::only(to).0;
        self.outbox.put(to, &Parcel { time, is_table: false, template, body: writer.written() });
    }

    fn store_variable(
        &mut self,
        id: &Ari<'_>,
        expression: &Expr<'_>,
        unit: &Unit,
        application: &mut dyn Application,
    ) {
        let book = Book { config: &self.config, definitions: &self.definitions };
        let (counts, stats, now) = (&self.counts, &mut self.stats, unit.now);
        let mut world = World { book, counts, stats, application, now, fresh: false };
        let number = match world.evaluate(expression) {
            Ok(number) => number,
            Err(why) => return world.count(why),
        };
        let book = self.book();
        let Some(slot) = book.definitions.find(id) else { return count(&mut self.stats.unproven) };
        let Some(variable) = book.definitions.get(slot) else { return };
        let readers = variable.proof.readers;
        let value = match number.value(variable.of) {
            Ok(value) => value,
            Err(why) => return self.stats.no_value(why.into()),
        };
        // An expression of one literal, of the type that the variable has.
        let mut octets = [0; 16];
        let mut writer = Writer::new(&mut octets);
        let code = value.code().0;
        let literal = code.wrapping_sub(TypeCode::BOOL.0).wrapping_shl(4) | TypeCode::LIT.0;
        let written = [code, 0x81, literal].iter().try_for_each(|octet| writer.u8(*octet));
        let written = written.and_then(|()| value.encode(&mut writer, self.config.profile.sends()));
        let proof = Proof { readers, weight: 2, ..Proof::EMPTY };
        let stored =
            written.is_ok() && self.definitions.replace_body(slot, writer.written(), proof).is_ok();
        if stored {
            self.changed(slot);
        } else {
            count(&mut self.stats.too_long);
        }
    }
}

fn description<'a>(octets: &'a [u8], kind: Kind, profile: Profile) -> Result<Value<'a>, Malformed> {
    match kind {
        Kind::StateRule | Kind::Variable => Expr::parse(octets, profile).map(Value::Expr),
        _ => Ac::parse(octets, profile).map(Value::Ac),
    }
}

/// Writes the values of a template, or of one thing that has a value. Where a template lacks
/// some, their types stand in their places: a collection that ION does not read, which has no
/// such report.
fn values(world: &mut World<'_, '_>, id: &Ari<'_>, to: &mut Writer<'_>) -> Result<(), NotMade> {
    let made = whole(world, id, to);
    let lacks = matches!(made, Err(NotMade::NoValue(_)));
    if !lacks || id.object() != TypeCode::RPTT || world.book.config.profile == Profile::IonCompat {
        return made;
    }
    to.truncate(0);
    let book = world.book;
    let quirks = book.config.profile.sends();
    let (mut all, mut some) = (TnvcWriter::new(to), false);
    each(&book, id, &mut |leaf| {
        let code = book.value_type(leaf).map_err(|_| NoValue::Unproven)?;
        let mut written = Ok(());
        let found = world.value(leaf, &mut |value| {
            let item = TnvValues { code, name: None, value: Some(*value) };
            written = all.push_item(to, &item, quirks);
        });
        match found {
            Ok(()) => some = true,
            Err(why) => {
                world.count(why);
                written = all.push_item(to, &TnvValues { code, name: None, value: None }, quirks);
            }
        }
        Ok(written?)
    })?;
    if !some {
        return Err(NotMade::NoValues);
    }
    count(&mut world.stats.incomplete);
    Ok(all.finish_mixed(to)?)
}

/// Writes values that are all there.
fn whole(world: &mut World<'_, '_>, id: &Ari<'_>, to: &mut Writer<'_>) -> Result<(), NotMade> {
    let book = world.book;
    let quirks = book.config.profile.sends();
    let mut all = TnvcWriter::new(to);
    each(&book, id, &mut |leaf| {
        let mut written = Ok(());
        world.value(leaf, &mut |value| written = all.push(to, value, quirks))?;
        Ok(written?)
    })?;
    Ok(all.finish(to)?)
}

/// Goes over what has values in a template, and in templates that are part of it.
fn each(
    book: &Book<'_, '_>,
    id: &Ari<'_>,
    leaf: &mut dyn FnMut(&Ari<'_>) -> Result<(), NotMade>,
) -> Result<(), NotMade> {
    if id.object() != TypeCode::RPTT {
        return leaf(id);
    }
    let unproven = NotMade::NoValue(NoValue::Unproven);
    if id.nickname().is_some() {
        let Ok(Known { definition: Template::Rptt(template), .. }) = book.known(id) else {
            return Err(unproven);
        };
        let Ok(parts) = Ac::parse(template.contents, Profile::Draft08) else {
            return Err(unproven);
        };
        return parts.iter().try_for_each(|part| each(book, &part, leaf));
    }
    let found = book.definitions.find(id).and_then(|slot| book.definitions.get(slot));
    let Some(template) = found else { return Err(unproven) };
    let Ok(parts) = Ac::parse(book.definitions.body(template), book.config.profile) else {
        return Err(unproven);
    };
    parts.iter().try_for_each(|part| each(book, &part, leaf))
}

/// Writes a table.
fn rows(
    world: &mut World<'_, '_>,
    id: &Ari<'_>,
    unit: &Unit,
    to: &mut Writer<'_>,
) -> Result<(), NotMade> {
    let known = world.book.known(id).map_err(|_| NoValue::Unproven)?;
    let Template::Tblt(template) = known.definition else {
        return Err(NoValue::Unproven.into());
    };
    let mut table = Tbl::begin(to, id)?;
    let quirks = world.book.config.profile.sends();
    for row in 0.. {
        let start = to.len();
        let mut cells = TnvcWriter::new(to);
        let mut columns = template.columns.iter();
        let mut written = Ok(());
        let mut cell = |value: Value<'_>| {
            let right = columns.next().is_some_and(|column| column.code == value.code());
            if !right {
                written = Err(NotMade::NoValue(NoValue::OtherType));
            } else if written.is_ok() {
                written = cells.push(to, &value, quirks).map_err(NotMade::from);
            }
        };
        let there = if known.object.adm == AGENT_ADM {
            own_row(&world.book, known.object.index, row, unit, &mut cell)
        } else {
            world.application.row(unit.now, known.object, row, &mut cell)
        };
        if !there {
            to.truncate(start);
            break;
        }
        written?;
        if columns.next().is_some() {
            return Err(NotMade::NoValue(NoValue::OtherType));
        }
        cells.finish(to)?;
        table.element();
    }
    Ok(table.finish(to)?)
}

/// A row of a table of the agent: an ADM, or something that is defined and that the
/// manager may have.
fn own_row(
    book: &Book<'_, '_>,
    index: u32,
    row: u32,
    unit: &Unit,
    cell: &mut dyn FnMut(Value<'_>),
) -> bool {
    let place = usize::try_from(row).unwrap_or(usize::MAX);
    let kinds: &[Kind] = match index {
        0 => {
            // The name of an ADM is the first of its metadata.
            let name = book.config.all_adms().nth(place).map(|adm| adm.metadata.first());
            name.inspect(|name| cell(name.map_or(Value::Str(""), |name| name.value)));
            return name.is_some();
        }
        1 => &[Kind::Variable],
        2 => &[Kind::Template],
        3 => &[Kind::Macro],
        4 => &[Kind::StateRule, Kind::TimeRule],
        _ => return table_templates(book, place, cell),
    };
    let shown = |definition: &&Definition| {
        let readers = Managers(definition.proof.readers);
        kinds.contains(&definition.kind) && readers.has(unit.asker)
    };
    let mut all = book.definitions.iter().map(|(_, definition)| definition).filter(shown);
    let id = all.nth(place).map(|definition| book.definitions.id(definition));
    let id = id.and_then(|octets| Ari::parse(octets, book.config.profile).ok());
    id.inspect(|id| cell(Value::Ari(*id)));
    id.is_some()
}

/// The identifiers of all table templates.
fn table_templates(book: &Book<'_, '_>, place: usize, cell: &mut dyn FnMut(Value<'_>)) -> bool {
    let mut before = 0_usize;
    for adm in book.config.all_adms() {
        let count = adm.table_templates.len();
        if let Some(index) = place.checked_sub(before).filter(|index| *index < count) {
            let mut octets = [0; 24];
            let mut writer = Writer::new(&mut octets);
            let id = AriValues {
                nickname: Some(adm.nickname(Collection::TBLT)),
                ..AriValues::new(TypeCode::TBLT, Name::Index(u64::try_from(index).unwrap_or(0)))
            };
            let written = id.encode(&mut writer, book.config.profile.sends());
            let id = Ari::parse(writer.finish(), book.config.profile);
            id.iter().for_each(|id| cell(Value::Ari(*id)));
            return written.is_ok() && id.is_ok();
        }
        before = before.saturating_add(count);
    }
    false
}
