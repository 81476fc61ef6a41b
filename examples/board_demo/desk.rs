//! Who manages the board: a manager of asynchronous management, by AMP in datagrams. It defines
//! the rule by which the board acts alone, and hears what the board reports.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bumpalo::Bump;
use farpost::host::driver::Entity;
use farpost::host::net::{MAX_RECEIVED, UdpEndpoint};
use farpost::management::amp::{Rpt, Value};
use farpost::management::manager::{
    Answer, KnownAgent, Manager, ManagerConfig, ManagerStorage, ManagerUser,
};
use farpost::time::{Instant, Now};
use farpost::transport::Address;
use mio::{Registry, Token};

use super::agreed::adm::{FRONT_END, report};
use super::agreed::rule;
use super::journal::Journal;
use super::script::{LEAST_GAIN_DB, LIMIT_DBFS, REST_KHZ, SCANS};
use super::stations::slots;

/// The manager at its socket.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    endpoint: UdpEndpoint,
    manager: Manager<'a>,
    heard: Heard,
    buffer: Vec<u8>,
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
    /// A manager at a port the system chooses, on loopback.
    pub(crate) fn bind(arena: &'a Bump) -> io::Result<Self> {
        let endpoint = UdpEndpoint::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let config =
            ManagerConfig { patience: Duration::from_secs(60), ..ManagerConfig::default() };
        let storage = ManagerStorage {
            agents: slots(arena, 1),
            letters: slots(arena, 4),
            octets: arena.alloc_slice_fill_copy(1_024, 0),
            buffer: arena.alloc_slice_fill_copy(512, 0),
        };
        Ok(Self {
            endpoint,
            manager: Manager::new(config, storage),
            heard: Heard::default(),
            buffer: vec![0; MAX_RECEIVED],
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.endpoint.local().port()
    }

    /// Whether the rule is defined, or never will be.
    pub(crate) const fn is_ready(&self) -> bool {
        matches!(self.heard.rule, Rule::Defined | Rule::Refused)
    }

    /// Asks the board how it is.
    pub(crate) fn ask(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        let mut room = [0; 64];
        let controls = rule::ask(report::HEALTH, &mut room).ok_or("no room for a question")?;
        let agent = self.heard.agent.ok_or("the board's agent is not here")?;
        self.manager.perform(now, agent, 0, &controls, false)?;
        Ok(())
    }

    /// How often the board has told how it is.
    pub(crate) fn told(&self) -> usize {
        self.heard.health.len()
    }

    /// Prints the sums. True if they are right.
    pub(crate) fn summarise(&self) -> bool {
        let Heard { rule, fired, health, strange, .. } = &self.heard;
        let defined = u32::from(*rule == Rule::Defined);
        println!(
            "management  {defined} rule defined, fired {fired} times, {} times asked",
            health.len()
        );
        let mut right = true;
        for (holds, what) in [
            (defined == 1, "the rule is not defined"),
            (*fired == 1, "the rule did not fire once"),
            (health.last().is_some_and(Health::is_right), "the board is not as it is to be"),
            (*strange == 0, "a report is not of the front-end's ADM"),
        ] {
            if !holds {
                println!("WRONG: {what}");
                right = false;
            }
        }
        right
    }

    /// Defines the rule.
    fn define(&mut self, now: Now, agent: Address) {
        let mut room = [0; 192];
        let Some(controls) = rule::quieter(LIMIT_DBFS, LEAST_GAIN_DB, &mut room) else { return };
        if let Ok(time) = self.manager.perform(now, agent, 0, &controls, true) {
            self.heard.rule = Rule::Asked(time);
            let what = format!(
                "defines a rule: above {LIMIT_DBFS} dBFS, no more gain than {LEAST_GAIN_DB} dB"
            );
            Journal::tell(now, "desk", &what);
        }
    }
}

impl Entity for Desk<'_> {
    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.endpoint.register(registry, token)
    }

    fn run(&mut self, now: Now) {
        while let Some((from, datagrams)) = self.endpoint.receive(&mut self.buffer) {
            for octets in datagrams {
                self.manager.receive(now, &from, octets, &mut self.heard);
            }
        }
        if let (Rule::Wanted, Some(agent)) = (self.heard.rule, self.heard.agent) {
            // With the rule, and before the first scan.
            if self.told() == 0 && self.ask(now).is_err() {
                return;
            }
            self.define(now, agent);
        }
        self.manager.tick(now, &mut self.endpoint, &mut self.heard);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.manager.next_deadline()
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
