//! `farpost manager`: has agents do things, and prints what they report.

use std::collections::{BTreeMap, VecDeque};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use clap::Args;
use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;
use farpost::host::management::{ADMS, LARGEST, ManagerHost, ManagerRoom, Side, Words};
use farpost::host::mib::Bump;
use farpost::machine::Machine;
use farpost::management::Refusal;
use farpost::management::agent::RULE_TEMPLATE;
use farpost::management::amp::{Ac, Rpt, Tbl, Value as Amp};
use farpost::management::manager::{
    Answer, KnownAgent, Manager as Machinery, ManagerConfig, ManagerUser,
};
use farpost::time::{Clock, Instant as Due, Now};
use farpost::transport::{Address, Transport};
use serde_json::{Map, Value, json};

use super::carry::Carriage;
use super::order::{Order, Wanted};
use super::{Peers, Told, datagram, endpoint};
use crate::ams::{
    Failure, Interrupt, Output, event, exit, mib_changed, object, seconds, seen_enough,
};
use crate::input::{self, Line};

/// Have agents of asynchronous management do things, and print what they report.
///
/// Controls, reports and tables are named as docs/commands.md tells. Everything is one JSON
/// object a line on standard output. Ctrl-C ends it. The exit status is 1 when something was
/// refused or not answered, or fewer reports came than were waited for.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Manager {
    #[command(flatten)]
    carriage: Carriage,
    /// With a MIB: the role of its agents, which alone sends on one subject.
    #[arg(long, value_name = "NAME|N", requires = "mib", default_value = "agent")]
    agent_role: String,
    /// Over UDP: an agent and where it receives; then others are not heard. Without any,
    /// agents are known once they register.
    #[arg(long, value_name = "NAME=HOST:PORT", conflicts_with = "mib")]
    agent: Vec<Known>,
    /// Have a control run; may be given several times.
    #[arg(long, value_name = "ARI")]
    r#do: Vec<String>,
    /// Ask for a report; may be given several times.
    #[arg(long, value_name = "ARI")]
    report: Vec<String>,
    /// Ask for a table; may be given several times.
    #[arg(long, value_name = "ARI")]
    table: Vec<String>,
    /// The agent these are for, by its name or endpoint; by default all that are known.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// Then do what lines on standard input say.
    #[arg(long)]
    stdin: bool,
    /// End this many seconds after all is answered.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    wait: Option<Duration>,
    /// End when all is answered and so many reports and tables have come.
    #[arg(long, value_name = "N")]
    until_reports: Option<u64>,
    /// Whom octets are exchanged with.
    #[arg(long, value_enum, default_value_t = Peers::Draft08)]
    profile: Peers,
    /// How long an answer is waited for, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    patience: Duration,
    /// An agent that is silent for so many seconds is missing; by default none ever is.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    expected: Option<Duration>,
    /// Agents that register, and letters that are not answered, at a time.
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    agents: u16,
    /// The most octets of one datagram; what is longer is not sent.
    #[arg(long, value_name = "OCTETS", value_parser = datagram, default_value_t = LARGEST)]
    datagram: usize,
}

const AFTER_HELP: &str = "\
A line of standard input is a control, such as ari:/Amp/Agent/Ctrl.reset_counts, or
{\"do\":[\"ari:/…\"],\"report\":[\"ari:/…\"],\"table\":[\"ari:/…\"],\"agent\":\"ipn:2.5\",\"start\":60}
with as many members as are meant: it is done as a whole or not at all. A start is seconds
from when it comes to the agent, or a time such as \"2026-11-29T10:00:00Z\".";

/// An agent, as it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    name: String,
    endpoint: String,
}

impl FromStr for Known {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, endpoint)) if !name.is_empty() && !endpoint.is_empty() => {
                Ok(Self { name: name.into(), endpoint: endpoint.into() })
            }
            _ => Err("an agent is such as ipn:2.5=192.0.2.7:4556".into()),
        }
    }
}

impl Manager {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.manage())
    }

    fn manage(&self) -> Result<ExitCode, Failure> {
        let (profile, epoch) = (self.profile.profile(), self.profile.epoch());
        let words = Words::new(ADMS, profile, epoch);
        let orders = self.orders(&words)?;
        let config = ManagerConfig {
            profile,
            epoch,
            patience: self.patience,
            expected: self.expected,
            ..ManagerConfig::default()
        };
        let agents = if self.agent.is_empty() { self.agents.into() } else { self.agent.len() };
        let mut room = ManagerRoom::new(agents, self.agents.into(), self.datagram);
        let mut manager = Machinery::new(config, room.storage());
        let arena = Bump::new();
        let mut way = self.carriage.open(&arena, &[&self.agent_role])?;
        let mut driver = Driver::new(SystemClock::new())?;
        let mut known = Vec::new();
        for agent in &self.agent {
            let address = way.address(&agent.endpoint)?;
            let twice = known.iter().any(|(other, _)| *other == address);
            if twice || manager.know(driver.clock().now(), address).is_err() {
                return Err(Failure::new(format!("there are two agents at {}", agent.endpoint)));
            }
            known.push((address, agent.name.clone()));
        }
        let told = Told::new(Output::new().into());
        let user = Teller {
            told: told.clone(),
            words,
            known,
            letters: BTreeMap::new(),
            heard: 0,
            failed: false,
            settled: Instant::now(),
            news: false,
        };
        let reached = way.told();
        let mut host = way.carry(&arena, Side::Manager, Managing(ManagerHost { manager, user }))?;
        driver.add(&mut host)?;
        let waker = driver.waker()?;
        let interrupt = Interrupt::listen(waker.clone())?;
        let mut started = object(reached);
        let agents = self.agent.iter().map(|agent| &agent.name).collect::<Vec<_>>();
        started.extend(object(json!({"profile": self.profile.name(), "agents": agents})));
        told.borrow_mut().line(event("started", Value::Object(started)));
        host.begin(driver.clock().now())?;
        let mut work = Work {
            orders,
            input: self.stdin.then(|| input::listen(waker)),
            letters: 0,
            patience: self.patience,
            room: self.agents.into(),
        };
        let code = loop {
            let now = driver.clock().now();
            let Managing(managing) = host.machine();
            managing.user.news = false;
            work.listen(&mut managing.user);
            work.give(now, managing);
            let user = &managing.user;
            let status = format!(
                "{} agents, {} letters to be answered, {} reports",
                user.known.len(),
                user.letters.len(),
                user.heard
            );
            let mut output = told.borrow_mut();
            output.status(status);
            match output.check() {
                Err(error) if seen_enough(&error) => return Ok(ExitCode::SUCCESS),
                result => result?,
            }
            drop(output);
            if let Some(code) = self.ended(&work, user) {
                break code;
            }
            if interrupt.is_asked() {
                break if user.failed { ExitCode::FAILURE } else { ExitCode::SUCCESS };
            }
            if interrupt.takes_reload()
                && let Some(changed) = host.change_mib(|| self.carriage.mib(&arena))
            {
                told.borrow_mut().line(mib_changed(changed));
            }
            let at_most = self.longest(&work, &host.machine().0.user);
            driver.turn(&mut [&mut host], at_most)?;
        };
        host.end(driver.clock().now())?;
        driver.turn(&mut [&mut host], Duration::ZERO)?;
        let Managing(ManagerHost { manager, user }) = host.machine();
        let stats = manager.stats();
        let mut output = told.borrow_mut();
        output.line(event(
            "stopped",
            json!({"reports": stats.reports, "tables": stats.tables, "sent": stats.sent,
                   "malformed": stats.malformed, "misdirected": stats.misdirected,
                   "strangers": stats.full, "stray_answers": stats.stray_answers,
                   "unanswered": user.letters.len(), "not_given": work.orders.len()}),
        ));
        output.close();
        Ok(code)
    }

    /// What is to be done first.
    fn orders(&self, words: &Words) -> Result<VecDeque<Order>, Failure> {
        let mut orders = VecDeque::new();
        for text in &self.r#do {
            orders.push_back(Order::control(text, words));
        }
        for (what, names) in [(Wanted::Reports, &self.report), (Wanted::Tables, &self.table)] {
            if !names.is_empty() {
                orders.push_back(Order::of(what, names, words));
            }
        }
        let for_agent = |order: Order| Order { agent: self.to.clone(), ..order };
        orders.into_iter().map(|order| order.map(for_agent).map_err(Failure)).collect()
    }

    /// The exit status, when there is no more to do.
    fn ended(&self, work: &Work, user: &Teller) -> Option<ExitCode> {
        if !work.is_done(user) {
            return None;
        }
        let enough = self.until_reports.is_none_or(|reports| user.heard >= reports);
        let over = self.wait.is_some_and(|wait| user.settled.elapsed() >= wait);
        let good = enough && !user.failed;
        let ends = over || (self.until_reports.is_some() && enough);
        ends.then_some(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// How long nothing is to be done though nothing comes.
    fn longest(&self, work: &Work, user: &Teller) -> Duration {
        let whole = if !work.orders.is_empty() && user.letters.is_empty() {
            Some(self.patience)
        } else if work.is_done(user) {
            self.wait
        } else {
            None
        };
        whole.map_or(Duration::MAX, |whole| whole.saturating_sub(user.settled.elapsed()))
    }
}

/// What there is to do.
struct Work {
    orders: VecDeque<Order>,
    input: Option<Receiver<Line>>,
    /// How many letters were written.
    letters: u64,
    /// How long an agent is waited for.
    patience: Duration,
    /// How many letters may be unanswered.
    room: usize,
}

impl Work {
    /// Whether all that there was to do is answered.
    fn is_done(&self, user: &Teller) -> bool {
        self.orders.is_empty() && self.input.is_none() && user.letters.is_empty()
    }

    /// Takes what standard input has to say.
    fn listen(&mut self, user: &mut Teller) {
        while let Some(line) = self.input.as_ref().and_then(|input| input.try_recv().ok()) {
            match line {
                Line::Text(_, text) if text.trim().is_empty() => {}
                Line::Text(number, text) => match Order::read(text.trim(), &user.words) {
                    Ok(order) => {
                        self.orders.push_back(Order { line: Some(number), ..order });
                    }
                    Err(problem) => user.refuse(Some(number), &problem),
                },
                Line::Bad(number, problem) => user.refuse(Some(number), &problem),
                Line::End => {
                    self.input = None;
                    user.settled = Instant::now();
                }
            }
        }
    }

    /// Gives orders to the agents they are for, in their order. One that is for an agent that
    /// is not known waits, or for which there is no room before others are answered, and
    /// those behind it.
    fn give(&mut self, now: Now, host: &mut ManagerHost<'_, Teller>) {
        let ManagerHost { manager, user } = host;
        while let Some(order) = self.orders.front() {
            let to = user.addressees(order.agent.as_deref());
            if to.is_empty() {
                if user.settled.elapsed() < self.patience {
                    return;
                }
                let name = order.agent.as_deref().map(|name| format!(" `{name}`"));
                let name = name.unwrap_or_default();
                user.refuse(order.line, &format!("no agent{name} is known that this is for"));
                self.orders.pop_front();
                continue;
            }
            if !user.letters.is_empty() && user.letters.len() + to.len() > self.room {
                return;
            }
            let octets = order.octets();
            let Ok(controls) = Ac::parse(&octets, user.words.profile()) else {
                // Every control of it was read before.
                user.refuse(order.line, "the controls are none together");
                self.orders.pop_front();
                continue;
            };
            for (address, name) in to {
                match manager.perform(now, address, order.start, &controls, true) {
                    Ok(time) => {
                        self.letters += 1;
                        user.sent(self.letters, (address, &name), time, order, &controls);
                    }
                    Err(full) => user.refuse(order.line, &full.to_string()),
                }
            }
            user.settled = Instant::now();
            self.orders.pop_front();
        }
    }
}

/// A manager that is looked at again at once when it has heard something.
struct Managing<'s>(ManagerHost<'s, Teller>);

impl Machine for Managing<'_> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.0.receive(now, from, octets, transport);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.0.tick(now, transport);
    }

    fn next_deadline(&self) -> Option<Due> {
        if self.0.user.news { Some(Due::ZERO) } else { self.0.next_deadline() }
    }
}

/// A letter that is not answered.
struct Written {
    number: u64,
    controls: Vec<String>,
}

/// Prints what agents say.
struct Teller {
    told: Told,
    words: Words,
    /// Where agents are, and what they are called.
    known: Vec<(Address, String)>,
    /// By where they went, and the time they are known by.
    letters: BTreeMap<(Address, u64), Written>,
    /// Reports and tables.
    heard: u64,
    failed: bool,
    /// When the last of what there was to do was given or answered.
    settled: Instant,
    /// Whether something was told since this was last looked at.
    news: bool,
}

impl Teller {
    fn line(&mut self, name: &str, details: Value) {
        self.news = true;
        self.told.borrow_mut().line(event(name, details));
    }

    fn refuse(&mut self, number: Option<usize>, problem: &str) {
        self.failed = true;
        self.line("error", json!({"line": number, "message": problem}));
    }

    /// The agents that somebody means.
    fn addressees(&self, name: Option<&str>) -> Vec<(Address, String)> {
        let meant = |(address, known): &&(Address, String)| {
            name.is_none_or(|name| name == known || name == endpoint(address))
        };
        self.known.iter().filter(meant).cloned().collect()
    }

    /// Learns of an agent; whether it is new, or called otherwise than before. One that is
    /// called like another has moved.
    fn meet(&mut self, agent: &KnownAgent) -> bool {
        let name = String::from_utf8_lossy(agent.id()).into_owned();
        let address = *agent.address();
        self.known.retain(|(other, known)| *other == address || name.is_empty() || *known != name);
        match self.known.iter_mut().find(|(known, _)| *known == address) {
            Some((_, known)) if name.is_empty() || *known == name => false,
            Some((_, known)) => {
                *known = name;
                true
            }
            None => {
                self.known.push((address, name));
                true
            }
        }
    }

    /// What an agent is called, and where it is.
    fn about(&self, address: &Address) -> Map<String, Value> {
        let known = self.known.iter().find(|(known, _)| known == address);
        let name = known.map(|(_, name)| name).filter(|name| !name.is_empty());
        object(json!({"agent": name, "address": endpoint(address)}))
    }

    fn sent(
        &mut self,
        number: u64,
        (address, name): (Address, &str),
        time: u64,
        order: &Order,
        controls: &Ac<'_>,
    ) {
        let mut texts = Vec::new();
        for control in controls.iter() {
            self.words.learn(&control);
            texts.push(self.words.ari(&control));
        }
        let name = (!name.is_empty()).then_some(name);
        self.line(
            "sent",
            json!({"letter": number, "line": order.line, "agent": name,
                   "address": endpoint(&address), "controls": texts}),
        );
        self.letters.insert((address, time), Written { number, controls: texts });
    }

    /// Prints something that an agent made.
    fn made(&mut self, name: &str, agent: &KnownAgent, details: Map<String, Value>) {
        self.meet(agent);
        self.heard += 1;
        let mut members = self.about(agent.address());
        members.extend(details);
        self.line(name, Value::Object(members));
    }
}

impl ManagerUser for Teller {
    fn registered(&mut self, _now: Now, agent: &KnownAgent) {
        if self.meet(agent) {
            let about = self.about(agent.address());
            self.line("registered", Value::Object(about));
        }
    }

    fn report(&mut self, _now: Now, agent: &KnownAgent, time: u64, report: &Rpt<'_>) {
        let parts = report.parts();
        if parts.template.octets() == RULE_TEMPLATE {
            self.meet(agent);
            let mut members = self.about(agent.address());
            members.extend(rule_refused(&self.words, parts.entries.values()));
            self.failed = true;
            return self.line("rule_refused", Value::Object(members));
        }
        let details = self.words.report(time, report);
        self.made("report", agent, details);
    }

    fn table(&mut self, _now: Now, agent: &KnownAgent, time: u64, table: &Tbl<'_>) {
        let details = self.words.table(time, table);
        self.made("table", agent, details);
    }

    fn answered(&mut self, _now: Now, to: &Address, time: u64, answer: Answer) {
        let Some(letter) = self.letters.remove(&(*to, time)) else { return };
        self.settled = Instant::now();
        let mut members = object(json!({"letter": letter.number}));
        members.extend(self.about(to));
        self.failed |= answer != Answer::Done;
        let name = match answer {
            Answer::Done => "done",
            Answer::Refused(place, why) => {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                members.extend(object(json!({
                    "control": letter.controls.get(place),
                    "code": why.map(Refusal::code),
                    "message": why.map_or_else(|| "for a reason that is not known here".to_owned(),
                                               |why| why.to_string()),
                })));
                "refused"
            }
            Answer::Silence => "unanswered",
            Answer::TooLong => "too_long",
        };
        self.line(name, Value::Object(members));
    }

    fn missing(&mut self, _now: Now, agent: &KnownAgent) {
        let about = self.about(agent.address());
        self.line("missing", Value::Object(about));
    }

    fn returned(&mut self, _now: Now, agent: &KnownAgent) {
        let about = self.about(agent.address());
        self.line("returned", Value::Object(about));
    }
}

/// Which rule did not act, and why.
fn rule_refused<'a>(
    words: &Words,
    mut values: impl Iterator<Item = Amp<'a>>,
) -> Map<String, Value> {
    let (rule, control, why) = (values.next(), values.next(), values.next());
    let rule = rule.map(|rule: Amp<'_>| words.value(&rule));
    let why = match why {
        Some(Amp::Byte(code)) => Refusal::of_code(code),
        _ => None,
    };
    object(json!({
        "rule": rule,
        "control": control.map(|place| words.value(&place)),
        "code": why.map(Refusal::code),
        "message": why.map(|why| why.to_string()),
    }))
}
