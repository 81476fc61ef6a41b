//! Who manages the board: a module of its message space with a manager of asynchronous management,
//! whose groups are AMS messages. It defines the rule by which the board acts alone, hears what the
//! board reports, and subscribes to what it publishes.

use std::error::Error;
use std::io;
use std::time::Duration;

use bumpalo::Bump;
use farpost::ams::mib::{Mib, ServiceMode};
use farpost::ams::module::RuleRequest;
use farpost::ams::service::{Delivery, Fault, Indication};
use farpost::host::driver::Entity;
use farpost::host::management::{ManagementApplication, ManagerHost, Side};
use farpost::host::module::{Application, ModuleHost, Service};
use farpost::management::amp::{Rpt, Value};
use farpost::management::manager::{
    Answer, KnownAgent, Manager, ManagerConfig, ManagerStorage, ManagerUser,
};
use farpost::time::{Instant, Now};
use farpost::transport::Address;
use mio::{Registry, Token};

use super::agreed::adm::{FRONT_END, report};
use super::agreed::rule;
use super::agreed::space::{BOARD, DESK, LEVELS, Level};
use super::journal::Journal;
use super::script::{LEAST_GAIN_DB, LIMIT_DBFS, REST_KHZ, SCANS};
use super::space;
use super::stations::slots;

/// The manager with its module.
#[derive(Debug)]
pub(crate) struct Desk<'a>(ModuleHost<'a, Office<'a>>);

/// What the module is for.
#[derive(Debug)]
struct Office<'a> {
    management: ManagementApplication<ManagerHost<'a, Heard>>,
    /// What the board has published.
    levels: Vec<Level>,
    /// Faults of subscription, and publications that make no sense.
    faults: u32,
}

/// What is known of the board.
#[derive(Debug, Default)]
struct Heard {
    agent: Option<Address>,
    rule: Rule,
    /// How often it has told that it acted.
    fired: u32,
    health: Vec<Health>,
    /// Reports that are none of its ADM.
    strange: u32,
}

/// What became of the rule. A letter has the time that it is known by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rule {
    #[default]
    Wanted,
    Asked(u64),
    Defined,
    Refused,
}

/// How the board says it is.
#[derive(Clone, Copy, Debug)]
struct Health {
    gain_db: i32,
    scans: u32,
    samples: u64,
    rest_khz: u32,
}

impl<'a> Desk<'a> {
    /// A manager whose module has sockets at ports the system chooses, on loopback.
    pub(crate) fn new(arena: &'a Bump, mib: &'a Mib<'a>) -> io::Result<Self> {
        let config =
            ManagerConfig { patience: Duration::from_secs(60), ..ManagerConfig::default() };
        let storage = ManagerStorage {
            agents: slots(arena, 1),
            letters: slots(arena, 4),
            octets: arena.alloc_slice_fill_copy(1_024, 0),
            buffer: arena.alloc_slice_fill_copy(512, 0),
        };
        let manager =
            ManagerHost { manager: Manager::new(config, storage), user: Heard::default() };
        let (partners, mode) = (vec![BOARD], ServiceMode::BEST_EFFORT);
        let management = ManagementApplication::new(manager, Side::Manager, DESK, partners, mode);
        let office = Office { management, levels: Vec::new(), faults: 0 };
        Ok(Self(space::seat(arena, mib, DESK.role, office)?))
    }

    /// Registers the module.
    pub(crate) fn begin(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        Ok(self.0.service.register(now)?)
    }

    /// Whether the rule is defined, or never will be.
    pub(crate) const fn is_ready(&self) -> bool {
        matches!(self.heard().rule, Rule::Defined | Rule::Refused)
    }

    /// Asks the board how it is.
    pub(crate) fn ask(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        self.office().ask(now)
    }

    /// How often the board has told how it is.
    pub(crate) fn told(&self) -> usize {
        self.heard().health.len()
    }

    /// Prints the sums. True if they are right.
    pub(crate) fn summarise(&self) -> bool {
        let Heard { rule, fired, health, strange, .. } = self.heard();
        let Office { levels, faults, .. } = &self.0.application;
        let defined = u32::from(*rule == Rule::Defined);
        println!(
            "management  {defined} rule defined, fired {fired} times, {} times asked",
            health.len()
        );
        println!("published   {} levels by the board", levels.len());
        let mut right = true;
        for (holds, what) in [
            (defined == 1, "the rule is not defined"),
            (*fired == 1, "the rule did not fire once"),
            (health.last().is_some_and(Health::is_right), "the board is not as it is to be"),
            (*strange == 0, "a report is not of the front-end's ADM"),
            (levels.iter().map(|level| level.scans).eq(1..=SCANS), "a level was not published"),
            (*faults == 0, "a publication makes no sense"),
        ] {
            if !holds {
                println!("WRONG: {what}");
                right = false;
            }
        }
        right
    }

    const fn office(&mut self) -> &mut Office<'a> {
        &mut self.0.application
    }

    const fn heard(&self) -> &Heard {
        &self.0.application.management.machine.user
    }
}

impl Entity for Desk<'_> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.0.register(registry, token)
    }

    fn run(&mut self, now: Now) {
        self.0.run(now);
        self.office().decide(now);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.0.next_deadline()
    }
}

impl Office<'_> {
    fn ask(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        let mut room = [0; 64];
        let controls = rule::ask(report::HEALTH, &mut room).ok_or("no room for a question")?;
        let ManagerHost { manager, user } = &mut self.management.machine;
        let agent = user.agent.ok_or("the board's agent is not here")?;
        manager.perform(now, agent, 0, &controls, false)?;
        Ok(())
    }

    /// Has the rule defined once the agent is there.
    fn decide(&mut self, now: Now) {
        let Heard { rule: Rule::Wanted, agent: Some(agent), health, .. } =
            &self.management.machine.user
        else {
            return;
        };
        let agent = *agent;
        // With the rule, and before the first scan.
        if health.is_empty() && self.ask(now).is_err() {
            return;
        }
        self.define(now, agent);
    }

    /// Defines the rule.
    fn define(&mut self, now: Now, agent: Address) {
        let mut room = [0; 192];
        let Some(controls) = rule::quieter(LIMIT_DBFS, LEAST_GAIN_DB, &mut room) else { return };
        let ManagerHost { manager, user } = &mut self.management.machine;
        if let Ok(time) = manager.perform(now, agent, 0, &controls, true) {
            user.rule = Rule::Asked(time);
            let what = format!(
                "defines a rule: above {LIMIT_DBFS} dBFS, no more gain than {LEAST_GAIN_DB} dB"
            );
            Journal::tell(now, "desk", &what);
        }
    }
}

impl Application for Office<'_> {
    fn indicated(&mut self, now: Now, service: &mut Service<'_>, indication: Indication) {
        if let Indication::Registered(_) = indication {
            let continuum = service.module().continuum();
            let invitation = BOARD.invitation(continuum, ServiceMode::BEST_EFFORT);
            let levels = RuleRequest { subject: LEVELS, ..invitation };
            if service.subscribe(now, &levels).is_err() {
                self.faults += 1;
            }
        }
        self.management.indicated(now, service, indication);
    }

    fn delivered(
        &mut self,
        now: Now,
        service: &mut Service<'_>,
        delivery: Result<Delivery<'_>, Fault>,
    ) {
        let message = delivery.as_ref().ok().map(|delivery| *delivery.message());
        let Some(message) = message.filter(|message| message.subject == LEVELS) else {
            return self.management.delivered(now, service, delivery);
        };
        let Some(level) = Level::parse(message.data) else {
            self.faults += 1;
            return;
        };
        let Level { scans, dbfs } = level;
        Journal::tell(now, "desk", &format!("hears of scan {scans}: {dbfs} dBFS"));
        self.levels.push(level);
    }

    fn tick(&mut self, now: Now, service: &mut Service<'_>) {
        self.management.tick(now, service);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.management.next_deadline()
    }
}

impl ManagerUser for Heard {
    fn registered(&mut self, now: Now, agent: &KnownAgent) {
        if self.agent.replace(*agent.address()).is_none() {
            let name = String::from_utf8_lossy(agent.id());
            Journal::tell(now, "desk", &format!("{name} is here to be managed"));
        }
    }

    fn report(&mut self, now: Now, _agent: &KnownAgent, _time: u64, report: &Rpt<'_>) {
        let parts = report.parts();
        let id = parts.template.object_id();
        let of_adm = id.and_then(|id| Some((id.nickname.parts()?.0, id.index)));
        let values: Vec<_> = parts.entries.values().collect();
        match (of_adm, values.as_slice()) {
            (Some((FRONT_END, index)), &[Value::Int(level), Value::Int(gain)])
                if index == u64::from(report::OVERLOAD) =>
            {
                self.fired += 1;
                let what =
                    format!("is told that the rule has fired: {gain} dB now, at {level} dBFS");
                Journal::tell(now, "desk", &what);
            }
            (
                Some((FRONT_END, index)),
                &[
                    Value::Int(gain_db),
                    Value::Uint(scans),
                    Value::Uvast(samples),
                    Value::Uint(stack),
                    Value::Uint(rest_khz),
                ],
            ) if index == u64::from(report::HEALTH) => {
                self.health.push(Health { gain_db, scans, samples, rest_khz });
                let what = format!(
                    "is told: {gain_db} dB, {scans} scans of {samples} samples, rests on \
                     {rest_khz} kHz, stack {stack}"
                );
                Journal::tell(now, "desk", &what);
            }
            _ => self.strange += 1,
        }
    }

    fn answered(&mut self, now: Now, _to: &Address, time: u64, answer: Answer) {
        if self.rule != Rule::Asked(time) {
            return;
        }
        let (rule, what) = match answer {
            Answer::Done => (Rule::Defined, "is told that the rule is defined".to_owned()),
            // It is defined anew if it was: by its name it is the same.
            Answer::Silence => (Rule::Wanted, "is told nothing".to_owned()),
            Answer::Refused(..) | Answer::TooLong => {
                (Rule::Refused, format!("cannot define the rule: {answer:?}"))
            }
        };
        self.rule = rule;
        Journal::tell(now, "desk", &what);
    }
}

impl Health {
    /// Whether rule and schedule were obeyed, and all was scanned.
    fn is_right(&self) -> bool {
        self.gain_db == LEAST_GAIN_DB
            && self.rest_khz == REST_KHZ
            && self.scans == SCANS
            && self.samples > 0
    }
}
