//! What a manager is to have agents do: controls as text, or the reports and tables that
//! somebody wants.

use farpost::host::management::Words;
use farpost::management::amp::{ArrayWriter, TimeValue};
use farpost::wire::written;
use jiff::Timestamp;
use serde::Deserialize;

/// One letter: what an agent is to do, all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// The name of the agent or its endpoint; without one it is for all that are known.
    pub(super) agent: Option<String>,
    /// From when on, a time value; 0 is at once.
    pub(super) start: u64,
    /// The controls, each as octets.
    pub(super) controls: Vec<Vec<u8>>,
    /// The line of standard input it came from.
    pub(super) line: Option<usize>,
}

/// An order as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    agent: Option<String>,
    start: Option<Start>,
    #[serde(default)]
    r#do: Texts,
    #[serde(default)]
    report: Texts,
    #[serde(default)]
    table: Texts,
}

/// One text or several.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged, expecting = "a text or a list of texts")]
enum Texts {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

impl Texts {
    fn all(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "seconds from now on, or a time such as \"2026-11-29T10:00:00Z\"")]
enum Start {
    After(u32),
    At(String),
}

impl Start {
    fn value(&self, words: &Words) -> Result<u64, String> {
        let epoch = words.epoch();
        match self {
            Self::After(seconds) if *seconds <= epoch.last_relative() => Ok((*seconds).into()),
            Self::After(seconds) => Err(format!("{seconds} seconds are more than can be told")),
            Self::At(text) => {
                let time: Timestamp = text
                    .parse()
                    .map_err(|_| format!("`{text}` is no time such as \"2026-11-29T10:00:00Z\""))?;
                let seconds =
                    epoch.seconds(farpost::time::Utc::from_unix_seconds(time.as_second()));
                match epoch.time_value(seconds) {
                    TimeValue::At(_) => Ok(seconds),
                    TimeValue::After(_) => Err(format!("{text} is earlier than can be told")),
                }
            }
        }
    }
}

/// What agents make on request.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Reports,
    Tables,
}

impl Order {
    /// A control that is to be run at once.
    pub(super) fn control(text: &str, words: &Words) -> Result<Self, String> {
        let control = read(text, words)?;
        Ok(Self { agent: None, start: 0, controls: vec![control], line: None })
    }

    /// Reports or tables of what is named, made at once.
    pub(super) fn of(what: Wanted, names: &[String], words: &Words) -> Result<Self, String> {
        let control = generate(what, names, words)?;
        Ok(Self { agent: None, start: 0, controls: vec![control], line: None })
    }

    /// Reads a line: an order as JSON, or one control.
    pub(super) fn read(line: &str, words: &Words) -> Result<Self, String> {
        if !line.starts_with('{') {
            return Self::control(line, words);
        }
        let request: Request = serde_json::from_str(line).map_err(|problem| problem.to_string())?;
        let mut controls = Vec::new();
        for text in request.r#do.all() {
            controls.push(read(text, words)?);
        }
        for (what, names) in [(Wanted::Reports, &request.report), (Wanted::Tables, &request.table)]
        {
            if !names.all().is_empty() {
                controls.push(generate(what, names.all(), words)?);
            }
        }
        if controls.is_empty() {
            return Err("there is nothing to do: say \"do\", \"report\" or \"table\"".into());
        }
        let start = request.start.map_or(Ok(0), |start| start.value(words))?;
        Ok(Self { agent: request.agent, start, controls, line: None })
    }

    /// The octets of the collection that the controls are.
    pub(super) fn octets(&self) -> Vec<u8> {
        written(|to| {
            let mut array = ArrayWriter::new(to);
            for control in &self.controls {
                array.element();
                to.octets(control)?;
            }
            array.finish(to)
        })
    }
}

fn read(text: &str, words: &Words) -> Result<Vec<u8>, String> {
    words.read(text).map_err(|fault| format!("{text}: {fault}"))
}

/// The control that makes reports or tables, for whoever has it run.
fn generate(what: Wanted, names: &[String], words: &Words) -> Result<Vec<u8>, String> {
    // Each by itself first, so that a fault is told where it is.
    for name in names {
        read(name, words)?;
    }
    let control = match what {
        Wanted::Reports => "gen_rpts",
        Wanted::Tables => "gen_tbls",
    };
    read(&format!("ari:/Amp/Agent/Ctrl.{control}([{}], {{}})", names.join(", ")), words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use farpost::host::management::ADMS;
    use farpost::management::amp::{Ac, Epoch, Profile};

    fn words() -> Words {
        Words::new(ADMS, Profile::Draft08, Epoch::Draft2000)
    }

    fn texts(line: &str) -> Result<Vec<String>, String> {
        let order = Order::read(line, &words())?;
        let octets = order.octets();
        let controls = Ac::parse(&octets, Profile::Draft08).map_err(|error| error.to_string())?;
        Ok(controls.iter().map(|control| words().ari(&control)).collect())
    }

    #[test]
    fn a_line_is_a_control_or_an_order() {
        let reset = "ari:/Amp/Agent/Ctrl.reset_counts";
        assert_eq!(texts(reset), Ok(vec![reset.into()]));
        let clock = "ari:/DTN/ION/ionadmin/Edd.clock_error";
        let contacts = "ari:/DTN/ION/ionadmin/Tblt.contacts";
        let line = format!(r#"{{"do":"{reset}","report":["{clock}"],"table":"{contacts}"}}"#);
        let expected = [
            reset.to_owned(),
            format!("ari:/Amp/Agent/Ctrl.gen_rpts([{clock}], {{}})"),
            format!("ari:/Amp/Agent/Ctrl.gen_tbls([{contacts}], {{}})"),
        ];
        assert_eq!(texts(&line), Ok(expected.into()));
    }

    #[test]
    fn orders_have_a_start() {
        let start = |start: &str| {
            let line = format!(r#"{{"do":"ari:/Amp/Agent/Ctrl.reset_counts","start":{start}}}"#);
            Order::read(&line, &words()).map(|order| order.start)
        };
        assert_eq!(start("60"), Ok(60));
        assert_eq!(start("\"2019-01-05T10:40:00Z\""), Ok(600_000_000));
        for bad in ["-1", "4000000000", "\"soon\"", "\"2001-01-01T00:00:00Z\"", "[]"] {
            assert!(start(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, problem) in [
            ("{}", "there is nothing to do"),
            ("{\"report\":[]}", "there is nothing to do"),
            ("{\"else\":1}", "unknown field `else`"),
            ("{\"report\":1}", "a text or a list of texts"),
            ("arj:/x", "expected `ari:/` or a type in parentheses at octet 0"),
            ("{\"report\":\"ari:/DTN/ION/ionadmin/Edd.x\"}", "at octet 26"),
        ] {
            let told = texts(line).unwrap_err();
            assert!(told.contains(problem), "{line}: {told}");
        }
    }
}
