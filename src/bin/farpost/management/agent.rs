//! `farpost agent`: does what managers define, whether they can be reached or not.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;
use farpost::host::management::{
    ADMS, AgentHost, AgentRoom, HostApplication, HostSystem, LARGEST, NodeFile, Objects, Side,
    Words,
};
use farpost::host::mib::Bump;
use farpost::host::store::FileStore;
use farpost::machine::Machine;
use farpost::management::adm::find;
use farpost::management::agent::{
    Access, Agent as Machinery, AgentConfig, AgentStats, Application, Collected, Failed,
    ManagerConfig, Managers, Object,
};
use farpost::management::amp::{Collection, Nickname, ObjectId, Value as Amp};
use farpost::management::{Kind, Refusal};
use farpost::time::{Clock, Instant, Now};
use farpost::transport::{Address, Transport};
use serde_json::{Map, Value, json};

use super::carry::{Carriage, Way};
use super::{Peers, Told, datagram, endpoint};
use crate::ams::{
    Failure, Interrupt, Output, event, exit, mib_changed, object, seconds, seen_enough,
};

/// Run an agent of asynchronous management: it reports what managers ask for, and acts by
/// the rules they define, whether they can be reached or not.
///
/// It has the ADMs of AMP agents and of this host, and with --node that of ION
/// administration. Everything is one JSON object a line on standard output;
/// docs/commands.md tells what the lines hold. Ctrl-C ends it.
#[derive(Args)]
pub(crate) struct Agent {
    /// The name it registers with, such as ipn:2.5.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    id: String,
    #[command(flatten)]
    carriage: Carriage,
    /// A manager and where it receives, or with a MIB its role; nobody else is listened to.
    /// What it alone may define has its issuer; an administrator may change what others have
    /// defined.
    #[arg(long, value_name = "NAME=HOST:PORT|ROLE[,issuer=TEXT][,administrator]", required = true)]
    manager: Vec<Known>,
    /// These managers alone may have, run or define by these objects, such as
    /// DTN/ION/ionadmin/Ctrl or Amp/Agent/Ctrl.add_tbr; no manager is nobody. The first that is
    /// about an object counts, and what none is about is everybody's.
    #[arg(long, value_name = "OBJECTS=[NAME[,NAME…]]")]
    access: Vec<Permission>,
    /// Keep what is defined in this file, and go on with it.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// The node of the ION Admin ADM: a TOML file that its controls change.
    #[arg(long, value_name = "FILE")]
    node: Option<PathBuf>,
    /// Whom octets are exchanged with.
    #[arg(long, value_enum, default_value_t = Peers::Draft08)]
    profile: Peers,
    /// How often the predicates of state-based rules are looked at, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "1")]
    evaluation: Duration,
    /// How often it registers, in seconds; 0 is once.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    register: Duration,
    /// How many reports and tables wait for managers; then the oldest goes.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u16).range(1..))]
    reports: u16,
    /// The most octets of one datagram; what is longer is not sent.
    #[arg(long, value_name = "OCTETS", value_parser = datagram, default_value_t = LARGEST)]
    datagram: usize,
}

/// A manager, as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    name: String,
    endpoint: String,
    issuer: String,
    administrator: bool,
}

impl FromStr for Known {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "a manager is such as ipn:1.5=192.0.2.1:4556,issuer=M1,administrator";
        let (name, rest) = text.split_once('=').ok_or(example)?;
        let mut parts = rest.split(',');
        let endpoint = parts.next().unwrap_or_default();
        if name.is_empty() || endpoint.is_empty() {
            return Err(example.into());
        }
        let mut known = Self {
            name: name.into(),
            endpoint: endpoint.into(),
            issuer: String::new(),
            administrator: false,
        };
        for part in parts {
            match part.split_once('=') {
                Some(("issuer", issuer)) if !issuer.is_empty() => known.issuer = issuer.into(),
                None if part == "administrator" => known.administrator = true,
                _ => return Err(format!("`{part}` is none of issuer=TEXT and administrator")),
            }
        }
        Ok(known)
    }
}

/// Who may have objects.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Permission {
    objects: Objects,
    managers: Vec<String>,
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (objects, managers) = text
            .split_once('=')
            .ok_or("a permission is such as Amp/Agent/Ctrl.add_tbr=ipn:1.5,ipn:1.6")?;
        let objects = objects.parse::<Objects>().map_err(|unknown| unknown.to_string())?;
        let managers = managers.split(',').filter(|name| !name.is_empty()).map(String::from);
        Ok(Self { objects, managers: managers.collect() })
    }
}

/// How often files and the clock are looked at though nothing is due.
const LOOK: Duration = Duration::from_secs(1);

impl Agent {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.serve())
    }

    fn serve(&self) -> Result<ExitCode, Failure> {
        let (profile, epoch) = (self.profile.profile(), self.profile.epoch());
        let node = match &self.node {
            Some(file) => Some(NodeFile::open(file, epoch)?),
            None => None,
        };
        let number = node.as_ref().and_then(NodeFile::number);
        let application = HostApplication::new(HostSystem::default(), node, epoch);
        let arena = Bump::new();
        let roles: Vec<&str> = self.manager.iter().map(|known| known.endpoint.as_str()).collect();
        let way = self.carriage.open(&arena, &roles)?;
        let places = self.places(&way)?;
        let managers = self.managers(&places);
        let access = self.permissions()?;
        let config = AgentConfig {
            access: &access,
            administrators: self.set(|known| known.administrator),
            profile,
            epoch,
            evaluation: self.evaluation.max(Duration::from_millis(1)),
            register_every: (!self.register.is_zero()).then_some(self.register),
            ..AgentConfig::new(&self.id, &managers, application.adms())
        };
        let mut store = match &self.store {
            Some(file) => Some(FileStore::open(file)?),
            None => None,
        };
        let mut room = AgentRoom::new(managers.len(), self.reports.into(), self.datagram);
        let mut agent = Machinery::new(config, room.storage());
        let told = Told::new(Output::new().into());
        if let (Some(store), Some(file)) = (&mut store, &self.store) {
            agent = agent
                .with_store(store)
                .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
            let found = agent.restored();
            told.borrow_mut().line(event(
                "restored",
                json!({"definitions": found.definitions, "damaged": found.damaged,
                       "unknown": found.unknown, "no_room": found.no_room}),
            ));
        }
        let reached = way.told();
        let application =
            Telling { application, told: told.clone(), words: Words::new(ADMS, profile, epoch) };
        let running = Running {
            host: AgentHost { agent, application },
            seen: AgentStats::default(),
            dropped: 0,
            told: told.clone(),
        };
        let mut host = way.carry(&arena, Side::Agent, running)?;
        let mut driver = Driver::new(SystemClock::new())?;
        driver.add(&mut host)?;
        let interrupt = Interrupt::listen(driver.waker()?)?;
        let names: Vec<&str> = self.manager.iter().map(|known| known.name.as_str()).collect();
        let mut started = object(json!({"id": self.id}));
        started.extend(object(reached));
        started.extend(object(json!({"managers": names, "profile": self.profile.name(),
                                     "node": number})));
        told.borrow_mut().line(event("started", Value::Object(started)));
        host.begin(driver.clock().now())?;
        while !interrupt.is_asked() {
            driver.turn(&mut [&mut host], LOOK)?;
            if interrupt.takes_reload()
                && let Some(changed) = host.change_mib(|| self.carriage.mib(&arena))
            {
                told.borrow_mut().line(mib_changed(changed));
            }
            host.machine().look(None);
            let mut told = told.borrow_mut();
            told.status(status(&host.machine().host.agent));
            match told.check() {
                Err(error) if seen_enough(&error) => return Ok(ExitCode::SUCCESS),
                result => result?,
            }
        }
        host.end(driver.clock().now())?;
        driver.turn(&mut [&mut host], Duration::ZERO)?;
        let agent = &host.machine().host.agent;
        let stats = agent.stats();
        let mut told = told.borrow_mut();
        told.line(event(
            "stopped",
            json!({"definitions": definitions(agent), "applied": stats.applied,
                   "refused": stats.refused, "made": stats.made, "sent": stats.sent}),
        ));
        told.close();
        Ok(ExitCode::SUCCESS)
    }

    /// Where the managers are, none of them twice.
    fn places(&self, way: &Way<'_>) -> Result<Vec<(&'static str, String)>, Failure> {
        if self.manager.len() > 32 {
            return Err(Failure::new("an agent has 32 managers at the most"));
        }
        let mut all: Vec<(&'static str, String)> = Vec::new();
        for (place, known) in self.manager.iter().enumerate() {
            let endpoint = way.endpoint(place, &known.endpoint)?;
            let before = self.manager.iter().take(place);
            if before.clone().any(|other| other.name == known.name) || all.contains(&endpoint) {
                let Known { name, endpoint, .. } = known;
                return Err(Failure::new(format!(
                    "there are two managers `{name}` or at {endpoint}"
                )));
            }
            all.push(endpoint);
        }
        Ok(all)
    }

    fn managers<'a>(&'a self, places: &'a [(&'static str, String)]) -> Vec<ManagerConfig<'a>> {
        let all = self.manager.iter().zip(places);
        all.map(|(known, (service, endpoint))| ManagerConfig {
            name: &known.name,
            service,
            endpoint,
            issuer: known.issuer.as_bytes(),
        })
        .collect()
    }

    /// Those of the managers for which something holds.
    fn set(&self, holds: impl Fn(&Known) -> bool) -> Managers {
        let places = (0..).zip(&self.manager).filter(|(_, known)| holds(known));
        Managers(places.fold(0, |all, (place, _)| all | Managers::only(place).0))
    }

    fn permissions(&self) -> Result<Vec<Access>, Failure> {
        let permission = |one: &Permission| {
            let unknown = one
                .managers
                .iter()
                .find(|name| self.manager.iter().all(|known| known.name != **name));
            if let Some(name) = unknown {
                return Err(Failure::new(format!("--access: there is no --manager `{name}`")));
            }
            Ok(one.objects.allowed(self.set(|known| one.managers.contains(&known.name))))
        };
        self.access.iter().map(permission).collect()
    }
}

/// How much is defined.
fn definitions(agent: &Machinery<'_>) -> u32 {
    let kinds = [
        Kind::Variable,
        Kind::Template,
        Kind::Macro,
        Kind::StateRule,
        Kind::TimeRule,
        Kind::Pending,
    ];
    kinds.into_iter().fold(0, |all, kind| all + agent.defined(kind))
}

/// How it stands, for a terminal.
fn status(agent: &Machinery<'_>) -> String {
    let stats = agent.stats();
    format!(
        "{} definitions, {} groups done, {} sent",
        definitions(agent),
        stats.applied,
        stats.sent
    )
}

/// Applications, telling of controls.
struct Telling {
    application: HostApplication,
    told: Told,
    words: Words,
}

impl Telling {
    /// The name of a control, without parameters.
    fn name(&self, ctrl: Object) -> String {
        let nickname = Nickname::new(ctrl.adm, Collection::CTRL);
        let found = find(ADMS, ObjectId { nickname, index: ctrl.index.into() });
        let name = found.and_then(|found| found.label().name());
        name.map_or_else(|| ctrl.index.to_string(), String::from)
    }
}

impl Application for Telling {
    fn collect(
        &mut self,
        now: Now,
        edd: Object,
        parameters: &[Amp<'_>],
    ) -> Result<Collected<'_>, Failed> {
        self.application.collect(now, edd, parameters)
    }

    fn control(&mut self, now: Now, ctrl: Object, parameters: &[Amp<'_>]) -> Result<(), Failed> {
        let done = self.application.control(now, ctrl, parameters);
        let parameters: Vec<_> = parameters.iter().map(|value| self.words.value(value)).collect();
        let line = json!({"control": self.name(ctrl), "parameters": parameters,
                          "done": done.is_ok()});
        self.told.borrow_mut().line(event("control", line));
        done
    }

    fn row(&mut self, now: Now, tblt: Object, row: u32, cell: &mut dyn FnMut(Amp<'_>)) -> bool {
        self.application.row(now, tblt, row, cell)
    }
}

/// An agent, telling what it does and does not do.
struct Running<'s> {
    host: AgentHost<'s, Telling>,
    /// What was counted when it was looked at last.
    seen: AgentStats,
    dropped: u64,
    told: Told,
}

/// Counters of what is worth a line of its own.
type Counter = (&'static str, fn(&AgentStats) -> u64);
const FAULTS: [Counter; 15] = [
    ("actions_refused", |stats| stats.actions_refused),
    ("missed", |stats| stats.missed),
    ("not_made", |stats| stats.not_made),
    ("too_long", |stats| stats.too_long),
    ("stale", |stats| stats.stale),
    ("division_by_zero", |stats| stats.division_by_zero),
    ("overflow", |stats| stats.overflow),
    ("unavailable", |stats| stats.unavailable),
    ("other_type", |stats| stats.other_type),
    ("unproven", |stats| stats.unproven),
    ("controls_failed", |stats| stats.controls_failed),
    ("store_failures", |stats| stats.store_failures),
    ("send_refused", |stats| stats.send_refused),
    ("malformed", |stats| stats.malformed),
    ("strangers", |stats| stats.strangers),
];

impl Running<'_> {
    /// Tells what has changed, since a datagram came from somebody or otherwise.
    fn look(&mut self, from: Option<&Address>) {
        let agent = &self.host.agent;
        let (stats, dropped) = (*agent.stats(), agent.dropped());
        let from = from.map(endpoint);
        let mut told = self.told.borrow_mut();
        if stats.applied > self.seen.applied {
            let line = json!({"from": from, "definitions": definitions(agent)});
            told.line(event("applied", line));
        }
        if stats.refused > self.seen.refused {
            let why = stats.last_refusal.map(|why: Refusal| why.to_string());
            let code = stats.last_refusal.map(Refusal::code);
            told.line(event("refused", json!({"from": from, "code": code, "message": why})));
        }
        let mut faults = Map::new();
        for (name, counter) in FAULTS {
            let more = counter(&stats) - counter(&self.seen);
            faults.extend((more > 0).then(|| (name.to_owned(), Value::from(more))));
        }
        let lost = dropped - self.dropped;
        faults.extend((lost > 0).then(|| ("dropped".to_owned(), Value::from(lost))));
        if !faults.is_empty() {
            faults.extend(from.map(|from| ("from".to_owned(), from.into())));
            told.line(event("fault", Value::Object(faults)));
        }
        if let Some(node) = self.host.application.application.node()
            && let Some(problem) = node.take_problem()
        {
            told.line(event("node_refused", json!({"message": problem.to_string()})));
        }
        (self.seen, self.dropped) = (stats, dropped);
    }
}

impl Machine for Running<'_> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.host.receive(now, from, octets, transport);
        self.look(Some(from));
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.host.tick(now, transport);
        self.look(None);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.host.next_deadline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_has_a_name_and_a_place() {
        let known: Known = "ipn:1.5=192.0.2.1:4556,issuer=M1,administrator".parse().unwrap();
        let is = (known.name.as_str(), known.endpoint.as_str(), known.issuer.as_str());
        assert_eq!((is, known.administrator), (("ipn:1.5", "192.0.2.1:4556", "M1"), true));
        let known: Known = "a=[2001:db8::1]:5".parse().unwrap();
        assert_eq!((known.endpoint.as_str(), known.administrator), ("[2001:db8::1]:5", false));
        for text in ["", "a", "a=", "=b:1", "a=b:1,issuer", "a=b:1,issuer=", "a=b:1,admin"] {
            assert!(text.parse::<Known>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_permission_names_objects_and_managers() {
        let one: Permission = "Amp/Agent/Ctrl.add_tbr=ipn:1.5,ipn:1.6".parse().unwrap();
        assert_eq!(one.managers, ["ipn:1.5", "ipn:1.6"]);
        let access = one.objects.allowed(Managers::ALL);
        assert_eq!((access.adm, access.collection, access.index), (1, Collection::CTRL, Some(10)));
        let one: Permission = "ari:/DTN/ION/ionadmin/Edd=".parse().unwrap();
        assert!(one.managers.is_empty());
        assert_eq!(one.objects.allowed(Managers::NONE).index, None);
        for text in ["", "Ctrl=a", "Amp/Agent/Ctrl", "Amp/Agent/Else=a", "Amp/Agent/Ctrl.x=a"] {
            assert!(text.parse::<Permission>().is_err(), "{text}");
        }
    }
}
