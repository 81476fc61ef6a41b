//! The application of `farpost module`: it does what it is told, one thing after
//! the other, and prints what the module tells.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use farpost::ams::ids::{ContextNumber, UnitNumber};
use farpost::ams::mib::Mib;
use farpost::ams::module::{Fanout, Membership, RuleKind, RuleRequest};
use farpost::ams::service::{Delivery, Fault, Indication, Message, Received};
use farpost::host::module::{Application, Service};
use farpost::time::{Instant, Now, earliest};
use serde_json::{Map, Value, json};

use super::report;
use super::request::{Letter, Request, Rule};
use crate::ams::{Failure, Names, Output, object, venture_of};
use crate::input::Line;

/// How a session goes, besides its steps.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Messages wait until so many other modules are known.
    pub(super) peers: usize,
    /// And for this long after that: their subscriptions are still on the way.
    pub(super) settle: Duration,
    /// Ends this long after the last of the arguments is done.
    pub(super) stay: Option<Duration>,
    /// Ends after so many messages were delivered.
    pub(super) until_messages: Option<u64>,
    /// Gives up when it is not registered by then.
    pub(super) register_within: Option<Duration>,
    /// What queries are answered with.
    pub(super) auto_reply: Option<String>,
    /// Registers again after it was declared dead.
    pub(super) reregister: bool,
}

/// Why a session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Time,
    Messages,
    EndOfInput,
    Interrupted,
    NotRegistered,
    Dead,
    NobodyReads,
}

impl Ending {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Messages => "messages",
            Self::EndOfInput => "end_of_input",
            Self::Interrupted => "interrupted",
            Self::NotRegistered => "not_registered",
            Self::Dead => "dead",
            Self::NobodyReads => "nobody_reads",
        }
    }
}

/// Something to do, and where it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) request: Request,
    pub(super) json: Value,
    /// The line of standard input.
    pub(super) line: Option<usize>,
}

/// Why a request was refused.
struct Refusal {
    name: &'static str,
    message: String,
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self { name: fault.name(), message: fault.to_string() }
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self { name: INVALID, message }
    }
}

/// The fault of a request that is none.
const INVALID: &str = "invalid_request";

/// The application.
#[derive(Debug)]
pub(super) struct Session<'m> {
    pub(super) output: Output,
    pub(super) ending: Option<Ending>,
    /// Something that was asked for was refused.
    pub(super) failed: bool,
    pub(super) delivered: u64,
    /// When it issued a message last.
    pub(super) issued_at: Option<Instant>,
    mib: &'m Mib<'m>,
    names: Names<'m>,
    unit: UnitNumber,
    plan: Plan,
    steps: VecDeque<Step>,
    input: Option<Receiver<Line>>,
    /// What it subscribes to and invites, to be asserted again after its death.
    rules: Vec<(RuleKind, RuleRequest)>,
    next_context: u32,
    started: Option<Instant>,
    /// When messages may go, once enough modules are known.
    ready_at: Option<Instant>,
    /// When a `wait_seconds` is over.
    resume_at: Option<Instant>,
    /// When the last of the arguments was done.
    idle_since: Option<Instant>,
    /// When standard input ended.
    input_ended: Option<Instant>,
    deadline: Option<Instant>,
    /// It does nothing more.
    closed: bool,
}

impl<'m> Session<'m> {
    pub(super) fn new(
        mib: &'m Mib<'m>,
        (names, unit): (Names<'m>, UnitNumber),
        plan: Plan,
        steps: Vec<Step>,
        input: Option<Receiver<Line>>,
    ) -> Self {
        Self {
            output: Output::new(),
            ending: None,
            failed: false,
            delivered: 0,
            issued_at: None,
            mib,
            names,
            unit,
            plan,
            steps: steps.into(),
            input,
            rules: Vec::new(),
            next_context: 1,
            started: None,
            ready_at: None,
            resume_at: None,
            idle_since: None,
            input_ended: None,
            deadline: None,
            closed: false,
        }
    }

    /// Goes by another MIB: names are as it has them, and so is the module.
    pub(super) fn change_mib(
        &mut self,
        mib: &'m Mib<'m>,
        service: &mut Service<'m>,
    ) -> Result<(), Failure> {
        service.change_mib(mib)?;
        self.mib = mib;
        self.names = Names(venture_of(mib, Some(self.names.0.number.0))?);
        Ok(())
    }

    /// Does nothing more but tell what the module does.
    pub(super) fn close(&mut self, ending: Ending) {
        self.ending = Some(ending);
        self.closed = true;
    }

    /// Does what can be done by now.
    pub(super) fn work(&mut self, now: Now, service: &mut Service<'_>) {
        self.deadline = None;
        if self.closed {
            return;
        }
        let started = *self.started.get_or_insert(now.monotonic);
        while self.ending.is_none() {
            let joining = service.module().membership() == Membership::Joining;
            if joining || self.is_waiting(now.monotonic) || !self.has_step(now.monotonic) {
                break;
            }
            let message = self.steps.front().is_some_and(|step| step.request.is_message());
            if message && !self.is_ready(now.monotonic, service) {
                break;
            }
            if let Some(step) = self.steps.pop_front() {
                self.take(now, service, &step);
            }
        }
        self.consider_ending(now.monotonic, started, service);
        self.show_status(service);
    }

    /// Whether a `wait_seconds` is not over yet.
    fn is_waiting(&mut self, now: Instant) -> bool {
        match self.resume_at {
            Some(at) if now < at => {
                self.deadline = earliest(self.deadline, Some(at));
                true
            }
            Some(_) => {
                self.resume_at = None;
                self.done("wait_seconds", Map::new());
                false
            }
            None => false,
        }
    }

    /// Whether there is something to do, be it the next line of standard input.
    fn has_step(&mut self, now: Instant) -> bool {
        while self.steps.is_empty() {
            self.idle_since.get_or_insert(now);
            let Some(line) = self.input.as_ref().and_then(|input| input.try_recv().ok()) else {
                return false;
            };
            self.read(now, line);
        }
        true
    }

    fn read(&mut self, now: Instant, line: Line) {
        let (number, text) = match line {
            Line::Text(_, text) if text.trim().is_empty() => return,
            Line::Text(number, text) => (number, text),
            Line::Bad(number, problem) => {
                return self.refuse("malformed_json", problem, &Value::Null, Some(number));
            }
            Line::End => {
                self.input = None;
                self.input_ended = Some(now);
                return;
            }
        };
        let json: Value = match serde_json::from_str(&text) {
            Ok(json) => json,
            Err(error) => {
                let problem = error.to_string();
                return self.refuse("malformed_json", problem, &Value::Null, Some(number));
            }
        };
        match Request::from_json(&json) {
            Ok(request) => self.steps.push_back(Step { request, json, line: Some(number) }),
            Err(problem) => self.refuse(INVALID, problem, &json, Some(number)),
        }
    }

    /// Whether enough others are known to issue messages to.
    fn is_ready(&mut self, now: Instant, service: &Service<'_>) -> bool {
        if self.ready_at.is_none() && service.module().peers().count() >= self.plan.peers {
            self.ready_at = Some(now.after(self.plan.settle));
        }
        // Whoever is no member is told so at once.
        let member = matches!(service.module().membership(), Membership::Member(_));
        let waits = member && self.ready_at.is_none_or(|at| now < at);
        if waits {
            self.deadline = earliest(self.deadline, self.ready_at);
        }
        !waits
    }

    fn take(&mut self, now: Now, service: &mut Service<'_>, step: &Step) {
        match self.perform(now, service, &step.request) {
            Ok(Some(details)) => {
                if step.request.is_message() {
                    self.issued_at = Some(now.monotonic);
                }
                self.done(step.request.name(), details);
            }
            Ok(None) => {}
            Err(Refusal { name, message }) => self.refuse(name, message, &step.json, step.line),
        }
    }

    /// What there is to tell when it is done; `None` when it is not done yet.
    fn perform(
        &mut self,
        now: Now,
        service: &mut Service<'_>,
        request: &Request,
    ) -> Result<Option<Map<String, Value>>, Refusal> {
        let nothing = Map::new();
        Ok(Some(match request {
            Request::Subscribe(rule) => self.assert(now, service, RuleKind::Subscription, rule)?,
            Request::Invite(rule) => self.assert(now, service, RuleKind::Invitation, rule)?,
            Request::Unsubscribe(rule) => {
                self.cancel(now, service, RuleKind::Subscription, rule)?
            }
            Request::Disinvite(rule) => self.cancel(now, service, RuleKind::Invitation, rule)?,
            Request::Publish(letter) => {
                fanout(self.issue(letter, None, |message| service.publish(message))?)
            }
            Request::Announce(letter) => {
                let domain = letter.domain(self.mib, self.names)?;
                fanout(self.issue(letter, None, |message| service.announce(domain, message))?)
            }
            Request::Send(letter) => {
                let to = letter.destination(self.mib, self.names, self.unit)?;
                self.issue(letter, None, |message| service.send(to, message))?;
                nothing
            }
            Request::Query(letter) => {
                let to = letter.destination(self.mib, self.names, self.unit)?;
                let term = letter.term()?;
                let context = self.context_of(letter);
                let query = |message: &Message<'_>| service.query(now, to, message, term);
                self.issue(letter, Some(context), query)?;
                object(json!({"context": context.0}))
            }
            Request::Reply(letter) => {
                let to = letter.destination(self.mib, self.names, self.unit)?;
                self.issue(letter, None, |message| service.reply(to, message))?;
                nothing
            }
            Request::Peers(_) => {
                object(json!({"peers": report::peers(service.module(), self.names)}))
            }
            Request::Stats(_) => report::stats(service.module()),
            Request::WaitSeconds(seconds) => {
                let span = Duration::try_from_secs_f64(*seconds).map_err(|e| e.to_string())?;
                self.resume_at = Some(now.monotonic.after(span));
                return Ok(None);
            }
            Request::Register(_) => {
                service.register(now)?;
                nothing
            }
            Request::Unregister(_) => {
                service.unregister(now)?;
                self.rules.clear();
                nothing
            }
        }))
    }

    fn assert(
        &mut self,
        now: Now,
        service: &mut Service<'_>,
        kind: RuleKind,
        rule: &Rule,
    ) -> Result<Map<String, Value>, Refusal> {
        let request = rule.resolve(self.mib, self.names)?;
        match kind {
            RuleKind::Subscription => service.subscribe(now, &request)?,
            RuleKind::Invitation => service.invite(now, &request)?,
        }
        self.forget_rule(kind, &request);
        self.rules.push((kind, request));
        Ok(self.subject(&request))
    }

    fn cancel(
        &mut self,
        now: Now,
        service: &mut Service<'_>,
        kind: RuleKind,
        rule: &Rule,
    ) -> Result<Map<String, Value>, Refusal> {
        let request = rule.resolve(self.mib, self.names)?;
        match kind {
            RuleKind::Subscription => service.unsubscribe(now, request.subject, request.domain)?,
            RuleKind::Invitation => service.disinvite(now, request.subject, request.domain)?,
        }
        self.forget_rule(kind, &request);
        Ok(self.subject(&request))
    }

    fn forget_rule(&mut self, kind: RuleKind, request: &RuleRequest) {
        let what = (kind, request.subject, request.domain);
        self.rules.retain(|(kind, rule)| (*kind, rule.subject, rule.domain) != what);
    }

    fn subject(&self, request: &RuleRequest) -> Map<String, Value> {
        let name = self.names.subject_name(request.subject);
        object(json!({"subject": request.subject.0, "subject_name": name}))
    }

    /// Issues the message of `letter` by `how`.
    fn issue<T>(
        &self,
        letter: &Letter,
        context: Option<ContextNumber>,
        how: impl FnOnce(&Message<'_>) -> Result<T, Fault>,
    ) -> Result<T, Refusal> {
        let data = letter.data()?;
        let message = Message {
            subject: letter.subject(self.names)?,
            priority: letter.priority()?,
            flow_label: letter.flow_label(),
            context: context.or(letter.context()).unwrap_or_default(),
            data: &data,
        };
        Ok(how(&message)?)
    }

    /// The context of a query, by default one after the other.
    fn context_of(&mut self, letter: &Letter) -> ContextNumber {
        letter.context().unwrap_or_else(|| {
            let context = ContextNumber(self.next_context);
            self.next_context = self.next_context.checked_add(1).unwrap_or(1);
            context
        })
    }

    fn done(&mut self, name: &str, details: Map<String, Value>) {
        let mut members = object(json!({"done": name}));
        members.extend(details);
        self.output.line(members);
    }

    fn refuse(&mut self, name: &str, message: String, request: &Value, line: Option<usize>) {
        self.failed = true;
        let mut members = object(json!({"fault": name, "message": message}));
        if let Some(line) = line {
            members.insert("line".into(), line.into());
        }
        if !request.is_null() {
            members.insert("request".into(), request.clone());
        }
        self.output.line(members);
    }

    fn consider_ending(&mut self, now: Instant, started: Instant, service: &Service<'_>) {
        let joining = service.module().membership() == Membership::Joining;
        let idle = self.steps.is_empty() && self.resume_at.is_none();
        let span_after = |since: Option<Instant>, span: Option<Duration>| Some(since?.after(span?));
        let ends = [
            (Ending::NotRegistered, joining, span_after(Some(started), self.plan.register_within)),
            (Ending::Time, true, span_after(self.idle_since, self.plan.stay)),
            (Ending::EndOfInput, idle, span_after(self.input_ended, Some(self.plan.settle))),
        ];
        if self.plan.until_messages.is_some_and(|limit| self.delivered >= limit) {
            self.ending.get_or_insert(Ending::Messages);
        }
        for (ending, _, at) in ends.into_iter().filter(|(_, applies, _)| *applies) {
            match at {
                Some(at) if now >= at => {
                    self.ending.get_or_insert(ending);
                }
                at => self.deadline = earliest(self.deadline, at),
            }
        }
    }

    /// Asserts again what was asserted before the module was declared dead.
    fn assert_again(&mut self, now: Now, service: &mut Service<'_>) {
        for (kind, rule) in self.rules.clone() {
            let (name, asserted) = match kind {
                RuleKind::Subscription => ("subscribe", service.subscribe(now, &rule)),
                RuleKind::Invitation => ("invite", service.invite(now, &rule)),
            };
            let mut details = self.subject(&rule);
            details.insert("again".into(), true.into());
            match asserted {
                Ok(()) => self.done(name, details),
                Err(fault) => {
                    let request = json!({ name: details });
                    self.refuse(fault.name(), fault.to_string(), &request, None);
                }
            }
        }
    }

    fn answer(&mut self, now: Now, service: &mut Service<'_>, query: &Received<'_>) {
        let Some(text) = self.plan.auto_reply.as_ref() else { return };
        let Received { continuum, source, subject, context, .. } = *query;
        let message = Message { context, ..Message::new(subject, text.as_bytes()) };
        let elsewhere = (continuum != self.mib.continuum.number).then_some(continuum.get());
        let to = json!({"continuum": elsewhere, "unit": source.unit.0,
                        "module": source.module.0, "context": context.0, "auto": true});
        match service.reply((continuum, source), &message) {
            Ok(()) => {
                self.issued_at = Some(now.monotonic);
                self.done("reply", object(to));
            }
            Err(fault) => {
                let to = Value::Object(object(to));
                self.refuse(fault.name(), fault.to_string(), &json!({ "reply": to }), None);
            }
        }
    }

    fn show_status(&mut self, service: &Service<'_>) {
        let module = service.module();
        let state = match module.membership() {
            Membership::Outside => "not registered".into(),
            Membership::Joining => "waiting to be registered".into(),
            Membership::Member(number) => format!("registered as {}.{number}", self.unit),
            Membership::Dead => "declared dead".into(),
        };
        let (peers, messages) = (module.peers().count(), self.delivered);
        self.output.status(format!("{state}, {peers} peers, {messages} messages"));
    }
}

impl Application for Session<'_> {
    fn indicated(&mut self, now: Now, service: &mut Service<'_>, indication: Indication) {
        let own = service.module().id();
        self.output.line(report::indication(&indication, self.names, own));
        match indication {
            Indication::Registered(_) => {
                self.ready_at = None;
                self.assert_again(now, service);
            }
            Indication::ModuleIsDead if self.plan.reregister => {
                if let Err(fault) = service.register(now) {
                    let request = json!({"register": true});
                    self.refuse(fault.name(), fault.to_string(), &request, None);
                }
            }
            Indication::ModuleIsDead if self.input.is_none() => self.ending = Some(Ending::Dead),
            _ => {}
        }
        self.deadline = Some(now.monotonic);
    }

    fn delivered(
        &mut self,
        now: Now,
        service: &mut Service<'_>,
        delivery: Result<Delivery<'_>, Fault>,
    ) {
        self.output.line(report::delivery(&delivery, (self.mib, self.names), service.module()));
        if delivery.is_ok() {
            self.delivered += 1;
        }
        if let Ok(Delivery::Query(query)) = &delivery {
            self.answer(now, service, query);
        }
        self.deadline = Some(now.monotonic);
    }

    fn tick(&mut self, now: Now, service: &mut Service<'_>) {
        self.work(now, service);
    }

    fn next_deadline(&self) -> Option<Instant> {
        // At once when it is over: that is no time to wait.
        if self.ending.is_some() && !self.closed { Some(Instant::ZERO) } else { self.deadline }
    }
}

fn fanout(Fanout { sent, failed }: Fanout) -> Map<String, Value> {
    object(json!({"sent": sent, "failed": failed}))
}
