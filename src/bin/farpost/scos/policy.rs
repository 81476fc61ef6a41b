//! `farpost policy`: says what Actors may have booked.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use farpost::host::clock::system_utc;
use farpost::host::mib::Bump;
use farpost::host::tls::{TlsClient, TlsClientStats};
use farpost::machine::Machine;
use farpost::scos::carriage::Station;
use farpost::scos::messages::PolicyOutcome;
use farpost::scos::policy_manager::{
    ActorSetting, PolicyManager, PolicyManagerConfig, PolicyUser, SettingState,
};
use farpost::scos::{ActorId, ActorPolicy, Backoff};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};
use serde_json::{Value, json};

use super::pace::Pace;
use super::tell::link_changed;
use super::{Keeping, Part, Program, Told, client, slots};
use crate::ams::{Failure, Output, Place, event, exit};

/// Say what Actors may have booked, as the policy manager of an SSM.
///
/// The list of the SSM says who that is (`policy_manager`). Everything is one JSON object a
/// line on standard output; docs/commands.md tells what the lines hold. It ends when the
/// SSM has answered it all, with exit status 1 if something is refused.
#[derive(Args)]
pub(crate) struct Policy {
    /// Where the SSM listens for TLS.
    #[arg(long, value_name = "HOST:PORT")]
    tls: String,
    /// Its name, as on the list of the SSM.
    #[arg(long, value_name = "NAME")]
    name: String,
    /// The file of its pre-shared key.
    #[arg(long, value_name = "FILE")]
    psk: PathBuf,
    /// The minutes an Actor may have booked in one week, or `-` for what holds for all, and
    /// its priority, 0 if it is not said.
    #[arg(long, value_name = "ACTOR=MINUTES[,PRIORITY]", required_unless_present = "withdraw")]
    set: Vec<Setting>,
    /// What holds for those nothing is set for is to hold for this Actor.
    #[arg(long, value_name = "ACTOR")]
    withdraw: Vec<u32>,
    /// Go on until Ctrl-C, and say it again every ten minutes, for an SSM that has no store
    /// and starts anew.
    #[arg(long)]
    stay: bool,
    /// For trials: the pace of the other stations.
    #[arg(long, value_name = "SPEED@SECONDS")]
    pace: Option<Pace>,
}

const REFRESH: Duration = Duration::from_secs(600);

/// What is to hold for an Actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Setting {
    actor: ActorId,
    policy: ActorPolicy,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let setting = || {
            let (actor, rest) = text.split_once('=')?;
            let (minutes, priority) = rest.split_once(',').unwrap_or((rest, "0"));
            let quota_minutes = match minutes {
                "-" => None,
                minutes => Some(minutes.parse().ok()?),
            };
            let policy = ActorPolicy { quota_minutes, priority: priority.parse().ok()? };
            Some(Self { actor: ActorId(actor.parse().ok()?), policy })
        };
        setting().ok_or_else(|| "a setting is such as 7=120, 7=120,2 or 7=-,2".to_owned())
    }
}

impl Policy {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.say())
    }

    fn say(&self) -> Result<ExitCode, Failure> {
        let arena = Bump::new();
        let told = Told::new(Output::new().into());
        let config = PolicyManagerConfig {
            ssm: TlsClient::server(),
            backoff: Backoff::NOMINAL,
            refresh: self.stay.then_some(REFRESH),
            first_version: u32::try_from(system_utc().unix_seconds())?,
        };
        let room = self.set.len().saturating_add(self.withdraw.len());
        let mut manager = PolicyManager::new(config, slots(&arena, room));
        // There is room for all.
        for setting in &self.set {
            manager
                .set(setting.actor, setting.policy)
                .map_err(|full| Failure::new(full.to_string()))?;
        }
        for actor in &self.withdraw {
            manager.withdraw(ActorId(*actor)).map_err(|full| Failure::new(full.to_string()))?;
        }
        let part = Part {
            place: &Place::nowhere(),
            keeping: &Keeping { store: None, pace: self.pace },
            station: Station::Actor,
            elsewhere: None,
            link: Some(client(&self.tls, &self.name, &self.psk)?),
            linked: json!({"tls": self.tls}),
        };
        part.run(&arena, &told, |_| {
            Ok(Governing {
                manager,
                told: told.clone(),
                link: (false, TlsClientStats::default()),
                stay: self.stay,
            })
        })
    }
}

/// A policy manager, and where it tells what happens.
struct Governing<'s> {
    manager: PolicyManager<'s>,
    told: Told,
    /// Whether its link was up, and what it counted.
    link: (bool, TlsClientStats),
    stay: bool,
}

/// Tells of what the SSM answers.
struct Teller<'t>(&'t Told);

fn members(setting: &ActorSetting) -> Value {
    let ActorPolicy { quota_minutes, priority } = setting.policy();
    json!({"actor": setting.actor().0, "quota_minutes": quota_minutes, "priority": priority,
           "version": setting.version()})
}

impl PolicyUser for Teller<'_> {
    fn applied(&mut self, _now: Now, setting: &ActorSetting) {
        self.0.borrow_mut().line(event("in_force", members(setting)));
    }

    fn refused(&mut self, _now: Now, setting: &ActorSetting, outcome: PolicyOutcome) {
        let mut line = event("refused", members(setting));
        line.insert("reason".into(), outcome.name().into());
        line.insert("message".into(), outcome.to_string().into());
        self.0.borrow_mut().line(line);
    }
}

impl Machine for Governing<'_> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.manager.receive(now, from, octets, transport, &mut Teller(&self.told));
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.manager.tick(now, transport);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.manager.next_deadline()
    }
}

impl Program for Governing<'_> {
    type Link = TlsClient;

    fn work(&mut self, _now: Now, link: Option<&mut TlsClient>) -> Result<(), Failure> {
        if let Some(link) = link {
            link_changed(&self.told, link, &mut self.link);
        }
        let owed = self.manager.settings().filter(|one| one.state() != SettingState::InForce);
        let status = format!("{} settings to be answered", owed.count());
        self.told.borrow_mut().status(status);
        Ok(())
    }

    fn is_done(&self) -> Option<ExitCode> {
        let any = |is: fn(SettingState) -> bool| {
            self.manager.settings().any(|setting| is(setting.state()))
        };
        if self.stay || any(|state| state == SettingState::Owed) {
            return None;
        }
        let refused = any(|state| matches!(state, SettingState::Refused(_)));
        Some(if refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_names_an_actor_its_minutes_and_its_priority() {
        let read = |text: &str| text.parse::<Setting>().map(|one| (one.actor.0, one.policy));
        let policy = |quota_minutes, priority| ActorPolicy { quota_minutes, priority };
        assert_eq!(read("7=120"), Ok((7, policy(Some(120), 0))));
        assert_eq!(read("7=120,2"), Ok((7, policy(Some(120), 2))));
        assert_eq!(read("7=-,2"), Ok((7, policy(None, 2))));
        for text in ["", "7", "7=", "=1", "7=1,", "7=1,256", "7=-1", "a=1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
