//! What a module can be asked to do: the JSON lines of its standard input, and
//! the arguments, which are the same in short.

use data_encoding::HEXLOWER_PERMISSIVE;
use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, Domain, ModuleKey, ModuleNumber, Priority, RoleNumber,
    SubjectNumber, UnitNumber,
};
use farpost::ams::mib::{Mib, ServiceMode};
use farpost::ams::module::RuleRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ams::{Named, Names};

/// One thing to do.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    Subscribe(Rule),
    Unsubscribe(Rule),
    Invite(Rule),
    Disinvite(Rule),
    Publish(Letter),
    Announce(Letter),
    Send(Letter),
    Query(Letter),
    Reply(Letter),
    Peers(True),
    Stats(True),
    WaitSeconds(f64),
    Register(True),
    Unregister(True),
}

/// What stands for a request that takes nothing else.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "bool")]
pub(super) struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(value: bool) -> Result<Self, Self::Error> {
        if value { Ok(Self) } else { Err("say `true`, or leave the request out") }
    }
}

/// A subscription or an invitation, or one to cancel.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    subject: Named,
    mode: Option<Mode>,
    priority: Option<u8>,
    #[serde(alias = "flow")]
    flow_label: Option<u8>,
    continuum: Option<Named>,
    unit: Option<Named>,
    role: Option<Named>,
}

/// The service modes a host has transports for.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    BestEffort,
    Assured,
}

/// A message to publish, announce, send, query or reply with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Letter {
    subject: Named,
    data: Option<String>,
    data_hex: Option<String>,
    priority: Option<u8>,
    #[serde(alias = "flow")]
    flow_label: Option<u8>,
    context: Option<u32>,
    continuum: Option<Named>,
    unit: Option<Named>,
    module: Option<u8>,
    role: Option<Named>,
    #[serde(alias = "term")]
    term_seconds: Option<f64>,
}

impl Request {
    /// Reads the JSON of a request.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn from_json(value: &Value) -> Result<Self, String> {
        let request = Self::deserialize(value).map_err(|error| error.to_string())?;
        match request.out_of_place() {
            Some(field) => Err(format!("`{field}` means nothing to `{}`", request.name())),
            None => Ok(request),
        }
    }

    /// Whether all its names are known and its values in range.
    ///
    /// # Errors
    /// The first thing that is wrong with it, for people.
    pub(super) fn check(&self, mib: &Mib<'_>, names: Names<'_>) -> Result<(), String> {
        match self {
            Self::Subscribe(rule)
            | Self::Unsubscribe(rule)
            | Self::Invite(rule)
            | Self::Disinvite(rule) => rule.resolve(mib, names).map(drop),
            Self::Publish(letter) => letter.check(names),
            Self::Announce(letter) => letter.check(names).and(letter.domain(mib, names).map(drop)),
            Self::Send(letter) | Self::Query(letter) | Self::Reply(letter) => {
                let to = letter.destination(mib, names, UnitNumber::ROOT);
                letter.check(names).and(to.map(drop))
            }
            _ => Ok(()),
        }
    }

    /// The name it has in JSON.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::Invite(_) => "invite",
            Self::Disinvite(_) => "disinvite",
            Self::Publish(_) => "publish",
            Self::Announce(_) => "announce",
            Self::Send(_) => "send",
            Self::Query(_) => "query",
            Self::Reply(_) => "reply",
            Self::Peers(_) => "peers",
            Self::Stats(_) => "stats",
            Self::WaitSeconds(_) => "wait_seconds",
            Self::Register(_) => "register",
            Self::Unregister(_) => "unregister",
        }
    }

    /// Whether it issues a message, for which others must be known.
    pub(super) const fn is_message(&self) -> bool {
        matches!(
            self,
            Self::Publish(_) | Self::Announce(_) | Self::Send(_) | Self::Query(_) | Self::Reply(_)
        )
    }

    /// A field that is given and has no meaning for this request.
    fn out_of_place(&self) -> Option<&'static str> {
        let first = |fields: &[(&'static str, bool)]| {
            fields.iter().find(|(_, given)| *given).map(|(name, _)| *name)
        };
        match self {
            Self::Unsubscribe(rule) | Self::Disinvite(rule) => first(&[
                ("mode", rule.mode.is_some()),
                ("priority", rule.priority.is_some()),
                ("flow_label", rule.flow_label.is_some()),
            ]),
            Self::Publish(letter) => first(&[
                ("continuum", letter.continuum.is_some()),
                ("unit", letter.unit.is_some()),
                ("module", letter.module.is_some()),
                ("role", letter.role.is_some()),
                ("term_seconds", letter.term_seconds.is_some()),
            ]),
            Self::Announce(letter) => first(&[
                ("module", letter.module.is_some()),
                ("term_seconds", letter.term_seconds.is_some()),
            ]),
            Self::Send(letter) | Self::Reply(letter) => first(&[
                ("role", letter.role.is_some()),
                ("term_seconds", letter.term_seconds.is_some()),
            ]),
            Self::Query(letter) => first(&[("role", letter.role.is_some())]),
            _ => None,
        }
    }
}

impl Rule {
    /// The request of the service.
    pub(super) fn resolve(&self, mib: &Mib<'_>, names: Names<'_>) -> Result<RuleRequest, String> {
        let subject = names.subject(&self.subject)?;
        // All subjects can be asked for in the local continuum only (4.2.10.1.1).
        let everywhere =
            if subject == SubjectNumber::ALL { mib.continuum.number } else { ContinuumNumber::ALL };
        Ok(RuleRequest {
            mode: match self.mode {
                Some(Mode::Assured) => ServiceMode::ASSURED,
                Some(Mode::BestEffort) | None => ServiceMode::BEST_EFFORT,
            },
            domain: domain((mib, names), everywhere, &self.continuum, &self.unit, &self.role)?,
            priority: priority(self.priority)?.unwrap_or_default(),
            flow_label: self.flow_label.unwrap_or(0),
            ..RuleRequest::new(subject)
        })
    }
}

impl Letter {
    pub(super) fn subject(&self, names: Names<'_>) -> Result<SubjectNumber, String> {
        names.subject(&self.subject)
    }

    pub(super) fn priority(&self) -> Result<Option<Priority>, String> {
        priority(self.priority)
    }

    pub(super) const fn flow_label(&self) -> Option<u8> {
        self.flow_label
    }

    pub(super) fn context(&self) -> Option<ContextNumber> {
        self.context.map(ContextNumber)
    }

    /// How long a reply is waited for.
    pub(super) fn term(&self) -> Result<Option<std::time::Duration>, String> {
        let span = self.term_seconds.map(std::time::Duration::try_from_secs_f64);
        span.transpose().map_err(|error| format!("term_seconds: {error}"))
    }

    /// The application data.
    pub(super) fn data(&self) -> Result<Vec<u8>, String> {
        match (&self.data, &self.data_hex) {
            (Some(_), Some(_)) => Err("give either `data` or `data_hex`".into()),
            (Some(text), None) => Ok(text.clone().into_bytes()),
            (None, Some(digits)) => HEXLOWER_PERMISSIVE
                .decode(digits.as_bytes())
                .map_err(|error| format!("data_hex: {error}")),
            (None, None) => Ok(Vec::new()),
        }
    }

    fn check(&self, names: Names<'_>) -> Result<(), String> {
        self.subject(names)?;
        self.priority()?;
        self.term()?;
        self.data().map(drop)
    }

    /// The module it goes to, by default one of `unit` in the local continuum.
    pub(super) fn destination(
        &self,
        mib: &Mib<'_>,
        names: Names<'_>,
        unit: UnitNumber,
    ) -> Result<(ContinuumNumber, ModuleKey), String> {
        let module = self.module.ok_or("`module` is missing: the number of the destination")?;
        let local = mib.continuum.number;
        let continuum = self.continuum.as_ref().map_or(Ok(local), |named| continuum(mib, named))?;
        let unit = self.unit.as_ref().map_or(Ok(unit), |named| names.unit(named))?;
        Ok((continuum, ModuleKey { unit, module: ModuleNumber(module) }))
    }

    /// The modules it is announced to, by default all.
    pub(super) fn domain(&self, mib: &Mib<'_>, names: Names<'_>) -> Result<Domain, String> {
        domain((mib, names), ContinuumNumber::ALL, &self.continuum, &self.unit, &self.role)
    }
}

fn domain(
    (mib, names): (&Mib<'_>, Names<'_>),
    everywhere: ContinuumNumber,
    number: &Option<Named>,
    unit: &Option<Named>,
    role: &Option<Named>,
) -> Result<Domain, String> {
    Ok(Domain {
        continuum: number.as_ref().map_or(Ok(everywhere), |named| continuum(mib, named))?,
        unit: unit.as_ref().map_or(Ok(UnitNumber::ROOT), |named| names.unit(named))?,
        role: role.as_ref().map_or(Ok(RoleNumber::ALL), |named| names.role(named))?,
    })
}

/// The continuum of this name or number; it need not be known to have a number.
fn continuum(mib: &Mib<'_>, named: &Named) -> Result<ContinuumNumber, String> {
    match named {
        Named::Number(number) => u16::try_from(*number)
            .ok()
            .and_then(ContinuumNumber::new)
            .ok_or_else(|| format!("continuum {number} is not in 0 to 32767")),
        Named::Name(name) => {
            mib.continuum_named(name).ok_or_else(|| format!("the MIB has no continuum `{name}`"))
        }
    }
}

fn priority(number: Option<u8>) -> Result<Option<Priority>, String> {
    number
        .map(|number| {
            Priority::new(number).ok_or_else(|| format!("priority {number} is not in 1 to 15"))
        })
        .transpose()
}

/// The JSON of an argument `--KIND TEXT`, where TEXT is `SUBJECT[,NAME=VALUE]…`
/// and for a message `[[UNIT.]MODULE:]SUBJECT[,NAME=VALUE]…=DATA`.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn from_argument(kind: &str, text: &str) -> Result<Value, String> {
    let is_rule = matches!(kind, "subscribe" | "invite");
    let mut fields = serde_json::Map::new();
    let mut rest = text;
    if matches!(kind, "send" | "query" | "reply") {
        let (to, message) = rest.split_once(':').ok_or_else(|| {
            format!("`{text}` begins with no destination; say `UNIT.MODULE:SUBJECT=TEXT`")
        })?;
        let (unit, module) = match to.rsplit_once('.') {
            Some((unit, module)) => (Some(unit), module),
            None => (None, to),
        };
        if let Some(unit) = unit {
            fields.insert("unit".into(), scalar(unit));
        }
        fields.insert("module".into(), scalar(module));
        rest = message;
    }
    let (subject, mut tail) = split_before(rest, &[',', '=']);
    fields.insert("subject".into(), scalar(subject));
    let mut hexadecimal = false;
    while let Some(option) = tail.strip_prefix(',') {
        let (name, value) = option
            .split_once('=')
            .ok_or_else(|| format!("`{option}` is not of the form NAME=VALUE"))?;
        let (value, after) = split_before(value, if is_rule { &[','] } else { &[',', '='] });
        tail = after;
        match (name, value) {
            ("as", "hex") if !is_rule => hexadecimal = true,
            ("as", "text") if !is_rule => hexadecimal = false,
            _ => {
                fields.insert(name.into(), scalar(value));
            }
        }
    }
    match (is_rule, tail.strip_prefix('=')) {
        (true, None) => {}
        (true, Some(_)) => return Err(format!("`{text}` has data, which `{kind}` takes none of")),
        (false, Some(data)) => {
            let name = if hexadecimal { "data_hex" } else { "data" };
            fields.insert(name.into(), data.into());
        }
        (false, None) => return Err(format!("`{text}` has no data; say `SUBJECT=TEXT`")),
    }
    Ok(json!({ kind: fields }))
}

/// `text` up to the first of `ends`, and the rest from there on.
fn split_before<'t>(text: &'t str, ends: &[char]) -> (&'t str, &'t str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// A number where it is one, else text.
fn scalar(text: &str) -> Value {
    let whole = text.parse::<i64>().ok().map(Value::from);
    let number = || text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from);
    whole.or_else(number).unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_json_in_short() {
        for (kind, text, expected) in [
            ("subscribe", "report", json!({"subject": "report"})),
            (
                "invite",
                "2,mode=assured,priority=3,flow=9,continuum=1,unit=river,role=ssd",
                json!({"subject": 2, "mode": "assured", "priority": 3, "flow": 9,
                       "continuum": 1, "unit": "river", "role": "ssd"}),
            ),
            ("publish", "report=a,b=c", json!({"subject": "report", "data": "a,b=c"})),
            ("publish", "report=", json!({"subject": "report", "data": ""})),
            ("publish", "4,as=hex=00ff", json!({"subject": 4, "data_hex": "00ff"})),
            (
                "announce",
                "report,role=actor,priority=1=now",
                json!({"subject": "report", "role": "actor", "priority": 1, "data": "now"}),
            ),
            (
                "send",
                "river.north.2:report=to: you",
                json!({"unit": "river.north", "module": 2, "subject": "report", "data": "to: you"}),
            ),
            (
                "query",
                "2:request,context=7,term=1.5=when?",
                json!({"module": 2, "subject": "request", "context": 7, "term": 1.5,
                       "data": "when?"}),
            ),
        ] {
            let value = from_argument(kind, text).unwrap();
            let mut got = value.get(kind).unwrap().clone();
            got.sort_all_objects();
            let mut expected = expected;
            expected.sort_all_objects();
            assert_eq!(got, expected, "{kind} {text}");
            Request::from_json(&value).unwrap();
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (kind, text, problem) in [
            ("publish", "report", "no data"),
            ("subscribe", "report=x", "takes none"),
            ("subscribe", "report,assured", "NAME=VALUE"),
            ("send", "report=x", "no destination"),
        ] {
            let error = from_argument(kind, text).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
        for (value, problem) in [
            (json!({"publish": {"subject": 1, "prio": 3}}), "unknown field `prio`"),
            (json!({"publish": {"subject": 1, "module": 3}}), "`module` means nothing"),
            (json!({"unsubscribe": {"subject": 1, "priority": 3}}), "`priority` means nothing"),
            (json!({"subscribe": {"subject": true}}), "a name or a number"),
            (json!({"subscribe": {"subject": 1, "mode": "best"}}), "unknown variant `best`"),
            (json!({"publish": {"data": "x"}}), "missing field `subject`"),
            (json!({"shout": {}}), "unknown variant `shout`"),
            (json!({"peers": false}), "say `true`"),
            (json!([1]), "expected"),
        ] {
            let error = Request::from_json(&value).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn data_are_text_or_octets() {
        let letter = |json: Value| Letter::deserialize(json).unwrap().data();
        assert_eq!(letter(json!({"subject": 1, "data": "hi"})), Ok(b"hi".to_vec()));
        assert_eq!(letter(json!({"subject": 1, "data_hex": "00fF"})), Ok(vec![0, 255]));
        assert_eq!(letter(json!({"subject": 1})), Ok(vec![]));
        for digits in ["0", "0g", "é0"] {
            letter(json!({"subject": 1, "data_hex": digits})).unwrap_err();
        }
        letter(json!({"subject": 1, "data": "", "data_hex": ""})).unwrap_err();
    }
}
