//! `farpost southbound-controller`: controllers of the southbound interface.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;
use farpost::host::grpc::{
    AgentsUser, BearerFile, ControllerHost, ControllerMemory, Credentials, GrpcServer, MetricsEra,
    ServerConfig,
};
use farpost::southbound::controller::{AskError, ControllerConfig};
use farpost::southbound::messages::{ApiExportMetrics, ExportMetrics, FromController, StatusCode};
use farpost::southbound::method;
use farpost::southbound::protobuf::Described;
use farpost::time::Now;
use serde_json::json;

use super::book::{Book, Wanted};
use crate::ams::{Failure, Interrupt, Output, event, exit, seen_enough};
use crate::input::{self, Line};
use crate::json::Kind;

/// Run controllers of the southbound interface: agents call them, and what is to be configured
/// is read from standard input.
///
/// A line is a JSON object with "agent", and "create_entry", "delete_entry" or "finalize".
/// What becomes of it, and what agents report, is one JSON object a line on standard output;
/// docs/commands.md tells what the lines hold. Ctrl-C ends it.
#[derive(Args)]
pub(crate) struct SouthboundController {
    /// Where agents call; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:50051")]
    listen: SocketAddr,
    /// Serve the agent with this ID; any number of times.
    #[arg(long, value_name = "ID", required = true, value_parser = NonEmptyStringValueParser::new())]
    agent: Vec<String>,
    /// Keep what is wanted here, so that it is known after a restart.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// Calls are to have the bearer token in this file, as it is when this starts.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The certificates that are shown to agents, as PEM. Without it, it is clear text.
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Their private key, as PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
}

/// Requests of one agent that are not answered; others wait.
const REQUESTS: usize = 256;
/// Octets of the longest request.
const LONGEST: usize = 65_536;
/// How often the clock is looked at though nothing is due.
const LOOK: Duration = Duration::from_secs(1);

/// What is known of one agent.
#[derive(Default)]
struct State {
    /// What is to be asked, in order.
    queue: VecDeque<Wanted>,
    /// What is asked, by sequence number.
    asked: BTreeMap<u64, Wanted>,
}

/// Tells of all agents, and knows what is wanted.
struct Teller {
    output: Output,
    book: Book,
    agents: BTreeMap<String, State>,
}

impl SouthboundController {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.serve())
    }

    fn serve(&self) -> Result<ExitCode, Failure> {
        let mut memories: Vec<_> = self
            .agent
            .iter()
            .map(|agent| (agent, ControllerMemory::new(REQUESTS, 4 * LONGEST, LONGEST)))
            .collect();
        let mut output = Output::new();
        let book = match &self.store {
            Some(file) => {
                let (book, damaged) = Book::open(file)?;
                let entries = book.len();
                output.line(event("restored", json!({"entries": entries, "damaged": damaged})));
                book
            }
            None => Book::default(),
        };
        let mut driver = Driver::new(SystemClock::new())?;
        let waker = driver.waker()?;
        let server = GrpcServer::start(&self.grpc()?, waker.clone())?;
        let lines = input::listen(waker.clone());
        let interrupt = Interrupt::listen(waker)?;
        output.line(event("started", json!({"listen": server.address().to_string()})));
        let agents = self.agent.iter().map(|agent| (agent.clone(), State::default())).collect();
        let mut host = ControllerHost::new(server, Teller { output, book, agents });
        for (agent, memory) in &mut memories {
            host.serve(ControllerConfig::new(agent), memory);
        }
        driver.add(&mut host)?;
        while !interrupt.is_asked() {
            let now = driver.turn(&mut [&mut host], LOOK)?;
            while let Ok(line) = lines.try_recv() {
                host.user.read(line);
            }
            ask(&mut host);
            host.tick(now);
            let connected = self.agent.iter().filter(|agent| host.is_connected(agent)).count();
            let output = &mut host.user.output;
            output.status(format!("{connected} of {} agents connected", self.agent.len()));
            match output.check() {
                Err(error) if seen_enough(&error) => return Ok(ExitCode::SUCCESS),
                result => result?,
            }
        }
        host.user.output.line(event("stopped", json!({"entries": host.user.book.len()})));
        host.user.output.close();
        Ok(ExitCode::SUCCESS)
    }

    fn grpc(&self) -> Result<ServerConfig, Failure> {
        let mut config = ServerConfig::new(self.listen);
        if let Some(file) = &self.token_file {
            let said = BearerFile::new(file).authorization(method::RESET)?.unwrap_or_default();
            config.token = said.strip_prefix("Bearer ").map(str::to_owned);
        }
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            config.identity = Some((contents(certificate)?, contents(key)?));
        }
        Ok(config)
    }
}

fn contents(file: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(file).map_err(|error| Failure::new(format!("{}: {error}", file.display())))
}

/// Asks for what waits, as far as there is room.
fn ask(host: &mut ControllerHost<'_, Teller>) {
    let agents: Vec<String> = host.agents().map(str::to_owned).collect();
    for agent in agents {
        let Some((controller, teller)) = host.controller(&agent) else { continue };
        let Some(state) = teller.agents.get_mut(&agent) else { continue };
        while let Some(wanted) = state.queue.front() {
            let asked = FromController::parse(&wanted.octets)
                .map_err(|_| AskError::NoRequest)
                .and_then(|message| controller.ask_as(&message));
            match asked {
                Ok(seqno) => {
                    if let Some(wanted) = state.queue.pop_front() {
                        state.asked.insert(seqno, wanted);
                    }
                }
                // What is too long was not taken in the first place.
                Err(AskError::NoToken | AskError::NoRoom) => break,
                Err(AskError::NoRequest) => {
                    state.queue.pop_front();
                }
            }
        }
    }
}

impl Teller {
    /// Takes a line of standard input.
    fn read(&mut self, line: Line) {
        let (number, text) = match line {
            Line::Text(_, text) if text.trim().is_empty() => return,
            Line::Text(number, text) => (number, text),
            Line::Bad(number, problem) => return self.problem(number, &problem),
            Line::End => return,
        };
        let wanted = match Wanted::parse(&text) {
            Ok(wanted) => wanted,
            Err(problem) => return self.problem(number, &problem),
        };
        if wanted.octets.len() > LONGEST / 2 {
            return self.problem(number, "the request is too long");
        }
        if !self.agents.contains_key(&wanted.agent) {
            return self.problem(number, "no such agent is served");
        }
        if let Err(problem) = self.book.note(&wanted) {
            return self.problem(number, &problem);
        }
        if let Some(state) = self.agents.get_mut(&wanted.agent) {
            state.queue.push_back(wanted);
        }
    }

    fn problem(&mut self, number: usize, message: &str) {
        self.output.line(event("error", json!({"line": number, "message": message})));
    }

    fn of(&mut self, name: &str, agent: &str) {
        self.output.line(event(name, json!({"agent": agent})));
    }

    /// The end of a request.
    fn end(&mut self, name: &str, agent: &str, seqno: u64, status: StatusCode) {
        let wanted = self.agents.get_mut(agent).and_then(|state| state.asked.remove(&seqno));
        let (request, id) = wanted.map_or(("", None), |wanted| (wanted.request, wanted.id));
        let code = (status != StatusCode::OK).then(|| status.name()).flatten();
        self.output.line(event(
            name,
            json!({"agent": agent, "seqno": seqno, "request": request, "id": id, "code": code}),
        ));
    }
}

impl AgentsUser for Teller {
    fn reset(&mut self, _now: Now, agent: &str) {
        if let Some(state) = self.agents.get_mut(agent) {
            state.asked.clear();
            state.queue = self.book.wanted(agent).collect();
        }
        self.of("reset", agent);
    }

    fn connected(&mut self, _now: Now, agent: &str) {
        self.of("connected", agent);
    }

    fn disconnected(&mut self, _now: Now, agent: &str) {
        self.of("disconnected", agent);
    }

    fn executed(&mut self, _now: Now, agent: &str, seqno: u64) {
        self.end("executed", agent, seqno, StatusCode::OK);
    }

    fn refused(&mut self, _now: Now, agent: &str, seqno: u64, status: StatusCode) {
        self.end("refused", agent, seqno, status);
    }

    fn metrics(&mut self, _now: Now, era: MetricsEra, request: &[u8]) {
        let kind = match era {
            MetricsEra::Guide => ExportMetrics::TYPE,
            MetricsEra::Later => ApiExportMetrics::TYPE,
        };
        let line = match Kind::Southbound(kind).dissect(request) {
            Ok(mut object) => event("metrics", json!({"metrics": object.remove("json")})),
            Err(fault) => event("metrics", json!({"message": fault.to_string()})),
        };
        self.output.line(line);
    }

    fn stranger(&mut self, _now: Now, agent: Option<&str>) {
        self.output.line(event("stranger", json!({"agent": agent})));
    }
}
