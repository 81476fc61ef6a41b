//! The arguments that are things to do, in the order they were given.

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use farpost::ams::mib::Mib;

use super::request::{Request, from_argument};
use super::session::Step;
use crate::ams::{Failure, Names};

/// The names and values of the options.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps(Vec<(&'static str, String)>);

impl Steps {
    /// What is to be done, if all of it makes sense.
    pub(super) fn read(&self, mib: &Mib<'_>, names: Names<'_>) -> Result<Vec<Step>, Failure> {
        let step = |(name, text): &(&str, String)| {
            let step = from_argument(name, text).and_then(|json| {
                let request = Request::from_json(&json)?;
                request.check(mib, names)?;
                Ok(Step { request, json, line: None })
            });
            step.map_err(|problem| Failure::new(format!("--{name} '{text}': {problem}")))
        };
        self.0.iter().map(step).collect()
    }
}

/// The options: name, form of the value, and what it does.
const OPTIONS: [(&str, &str, &str); 7] = [
    ("subscribe", "SUBJECT[,…]", "Ask for what others publish on a subject"),
    ("invite", "SUBJECT[,…]", "Let others send, query and announce on a subject"),
    ("publish", "SUBJECT[,…]=TEXT", "Send a message to all that subscribe"),
    ("announce", "SUBJECT[,…]=TEXT", "Send a message to all of a domain that invite it"),
    ("send", "[UNIT.]MODULE:SUBJECT[,…]=TEXT", "Send a message to one module that invites it"),
    ("query", "[UNIT.]MODULE:SUBJECT[,…]=TEXT", "Send a message that asks for a reply"),
    ("reply", "[UNIT.]MODULE:SUBJECT,context=N[,…]=TEXT", "Reply to a message in its context"),
];

impl Args for Steps {
    fn augment_args(command: Command) -> Command {
        OPTIONS.into_iter().fold(command, |command, (name, value, help)| {
            let arg = Arg::new(name).long(name).value_name(value).help(help);
            command.arg(arg.action(ArgAction::Append).help_heading("Things to do, in this order"))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Steps {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut steps = Vec::new();
        for (name, ..) in OPTIONS {
            let texts = matches.get_many::<String>(name).into_iter().flatten();
            let places = matches.indices_of(name).into_iter().flatten();
            steps.extend(places.zip(texts.map(|text| (name, text.clone()))));
        }
        steps.sort_by_key(|(place, _)| *place);
        Ok(Self(steps.into_iter().map(|(_, step)| step).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
