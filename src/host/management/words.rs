//! Reports and tables as JSON, with the names that ADMs and managers give.

use std::collections::BTreeMap;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::host::ari::{AriFault, AriText};
use crate::management::adm::{Adm, Definition, amp_agent, amp_agent::AMP_AGENT, find};
use crate::management::amp::{
    Ac, Ari, Collection, Epoch, ObjectId, Profile, Rpt, Tbl, TimeValue, Tnvc, TypeCode,
    Value as Amp,
};

/// How deep templates may lie in one another.
const DEPTH: u8 = 8;

/// What names the ADMs give, and what is known of the definitions of managers.
///
/// A report says which template it is made by and no more. The templates that managers
/// define are learnt from the controls that define them, and from the reports that describe
/// them.
#[derive(Clone, Debug)]
pub struct Words {
    adms: &'static [&'static Adm],
    profile: Profile,
    epoch: Epoch,
    /// The octets of the contents of templates, by the octets of their identifiers.
    templates: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Words {
    /// The names of these ADMs, that of the agent among them.
    #[must_use]
    pub const fn new(adms: &'static [&'static Adm], profile: Profile, epoch: Epoch) -> Self {
        Self { adms, profile, epoch, templates: BTreeMap::new() }
    }

    /// Whom octets are exchanged with.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// What times are counted from.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    const fn text(&self) -> AriText<'static> {
        AriText::new(self.adms, self.profile)
    }

    /// The octets of the identifier that a text is.
    ///
    /// # Errors
    /// [`AriFault`] where it is none.
    pub fn read(&self, text: &str) -> Result<Vec<u8>, AriFault> {
        self.text().parse(text)
    }

    /// An identifier as text.
    #[must_use]
    pub fn ari(&self, ari: &Ari<'_>) -> String {
        self.text().write(ari)
    }

    /// Learns what a control defines, if it defines a template.
    pub fn learn(&mut self, control: &Ari<'_>) {
        let id = ObjectId {
            nickname: AMP_AGENT.nickname(Collection::CTRL),
            index: amp_agent::control::ADD_RPTT,
        };
        if control.object_id() != Some(id) {
            return;
        }
        let mut values = control.parameters().unwrap_or(Tnvc::EMPTY).values();
        if let (Some(Amp::Ari(template)), Some(Amp::Ac(contents))) = (values.next(), values.next())
        {
            self.templates.insert(template.octets().to_vec(), contents.octets().to_vec());
        }
    }

    /// What the values of a report are of, as far as it is known.
    fn parts(&self, template: &Ari<'_>, depth: u8, all: &mut Vec<String>) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        if template.object() != TypeCode::RPTT {
            all.push(self.ari(template));
            return Some(());
        }
        let known = template.object_id().and_then(|id| find(self.adms, id));
        let (contents, profile) = match known {
            Some(Definition::Rptt(known)) => (known.contents, Profile::Draft08),
            _ => (self.templates.get(template.octets())?.as_slice(), self.profile),
        };
        let contents = Ac::parse(contents, profile).ok()?;
        contents.iter().try_for_each(|part| self.parts(&part, depth, all))
    }

    /// The names of the values of a report; none where they are not known.
    fn names(&self, template: &Ari<'_>) -> Vec<String> {
        let described: &[&str] = match self.describes(template) {
            Some(amp_agent::control::DESC_RULE) => {
                // Those of time-based rules are one less, and are told apart by their number.
                &["id", "start", "state", "max_eval", "count", "action"]
            }
            Some(_) => &["id", "definition"],
            None => &[],
        };
        if !described.is_empty() {
            return described.iter().map(ToString::to_string).collect();
        }
        let mut all = Vec::new();
        self.parts(template, DEPTH, &mut all).map(|()| all).unwrap_or_default()
    }

    /// The control that asked for a description, where a report is one.
    fn describes(&self, template: &Ari<'_>) -> Option<u64> {
        use amp_agent::control::{DESC_MACRO, DESC_RPTT, DESC_RULE};
        let id = template.object_id()?;
        let is = id.nickname == AMP_AGENT.nickname(Collection::CTRL)
            && [DESC_RPTT, DESC_MACRO, DESC_RULE].contains(&id.index);
        is.then_some(id.index)
    }

    /// A report: its template, when it was made, and its values with what they are of.
    /// One that describes a template is learnt from.
    #[must_use]
    pub fn report(&mut self, time: u64, report: &Rpt<'_>) -> Map<String, Value> {
        let parts = report.parts();
        let values: Vec<_> = parts.entries.iter().collect();
        if self.describes(&parts.template) == Some(amp_agent::control::DESC_RPTT)
            && let [id, contents] = values.as_slice()
            && let (Some(Amp::Ari(id)), Some(Amp::Ac(contents))) = (id.value, contents.value)
        {
            self.templates.insert(id.octets().to_vec(), contents.octets().to_vec());
        }
        let mut names = self.names(&parts.template);
        if self.describes(&parts.template) == Some(amp_agent::control::DESC_RULE)
            && values.len() == TIME_RULE.len()
        {
            names = TIME_RULE.iter().map(ToString::to_string).collect();
        }
        // Of another version of the template, or of one that is defined differently.
        if names.len() != values.len() {
            names.clear();
        }
        let mut names = names.into_iter();
        let entries: Vec<Value> = values
            .iter()
            .map(|entry| {
                let mut members = Map::new();
                let name = names.next().or(entry.name.map(String::from));
                members.extend(name.map(|name| ("of".to_string(), name.into())));
                let code = entry.value.map(|value| value.code()).or(entry.code);
                members.extend(code.map(|code| ("type".to_string(), type_name(code))));
                let value = entry.value.map(|value| ("value".to_string(), self.value(&value)));
                members.extend(value);
                Value::Object(members)
            })
            .collect();
        let mut members = Map::new();
        members.insert("template".into(), self.ari(&parts.template).into());
        members.extend(self.made(time));
        members.insert("values".into(), entries.into());
        members
    }

    /// A table: its template, when it was made, and its rows by the names of the columns.
    #[must_use]
    pub fn table(&self, time: u64, table: &Tbl<'_>) -> Map<String, Value> {
        let template = table.template();
        let known = template.object_id().and_then(|id| find(self.adms, id));
        let columns = match known {
            Some(Definition::Tblt(known)) => known.columns,
            _ => &[],
        };
        let rows: Vec<Value> = table
            .rows()
            .map(|row| {
                let values: Vec<_> = row.values().collect();
                let named = values.len() == columns.len();
                let values = values.iter().map(|value| self.value(value));
                if !named {
                    return values.collect();
                }
                let names = columns.iter().map(|column| column.label.name().unwrap_or_default());
                names.map(String::from).zip(values).collect::<Map<_, _>>().into()
            })
            .collect();
        let mut members = Map::new();
        members.insert("template".into(), self.ari(&template).into());
        members.extend(self.made(time));
        members.insert("rows".into(), rows.into());
        members
    }

    /// When something was made, if whoever made it has a clock.
    fn made(&self, time: u64) -> Option<(String, Value)> {
        (time > 0).then(|| ("made".to_string(), self.time(time)))
    }

    /// A timestamp as text; as a number where it is beyond all text.
    fn time(&self, seconds: u64) -> Value {
        let time = Timestamp::from_second(self.epoch.timestamp(seconds).unix_seconds());
        time.map_or_else(|_| seconds.into(), |time| time.to_string().into())
    }

    /// A value: numbers and texts as such, octets in hexadecimal digits, times of the clock
    /// as text and relative ones in seconds, identifiers and what is made of them as text.
    #[must_use]
    pub fn value(&self, value: &Amp<'_>) -> Value {
        match value {
            Amp::Bool(value) => (*value).into(),
            Amp::Byte(value) => (*value).into(),
            Amp::Str(text) => (*text).into(),
            Amp::Int(value) => (*value).into(),
            Amp::Uint(value) => (*value).into(),
            Amp::Vast(value) => (*value).into(),
            Amp::Uvast(value) => (*value).into(),
            // The digits of a REAL32 are those that tell it from others.
            Amp::Real32(value) => match value.to_string().parse::<f64>() {
                Ok(value) if value.is_finite() => value.into(),
                _ => value.to_string().into(),
            },
            Amp::Real64(value) if value.is_finite() => (*value).into(),
            Amp::Real64(value) => value.to_string().into(),
            Amp::Tv(seconds) => match self.epoch.time_value(*seconds) {
                TimeValue::After(seconds) => seconds.into(),
                TimeValue::At(_) => self.time(*seconds),
            },
            Amp::Ts(seconds) => self.time(*seconds),
            Amp::Bytes(octets) => hexadecimal(octets).into(),
            Amp::Ari(item) => self.ari(item).into(),
            Amp::Ac(items) => self.identifiers(items),
            Amp::Expr(item) => {
                let items = item.items();
                json!({"type": type_name(item.code()), "postfix": self.identifiers(&items)})
            }
            Amp::Tnvc(items) => {
                items.iter().map(|entry| entry.value.map(|value| self.value(&value))).collect()
            }
            Amp::Tnv(item) => item.entry().value.map(|value| self.value(&value)).into(),
            Amp::Object(item) => match Ari::parse(item.octets(), self.profile) {
                Ok(id) => self.ari(&id).into(),
                Err(_) => hexadecimal(item.octets()).into(),
            },
        }
    }

    fn identifiers(&self, items: &Ac<'_>) -> Value {
        items.iter().map(|item| Value::from(self.ari(&item))).collect()
    }
}

/// What a description of a time-based rule tells.
const TIME_RULE: [&str; 5] = ["id", "start", "period", "count", "action"];

fn type_name(code: TypeCode) -> Value {
    code.name().map_or_else(|| code.0.into(), Value::from)
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
