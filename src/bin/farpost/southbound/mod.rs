//! `farpost southbound-agent`: an agent of the southbound interface. `controller.rs` is the
//! other side.

mod book;
mod controller;
mod device;
mod metrics;
mod program;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;
use farpost::host::grpc::{AgentHost, AgentMemory, BearerFile, GrpcConfig, GrpcLink, MetricsEra};
use farpost::host::random::SystemRandom;
use farpost::host::store::FileStore;
use farpost::southbound::agent::{AckPolicy, Agent, AgentConfig, LinkState, StreamPolicy};
use farpost::time::Clock;
use serde_json::json;

use crate::ams::{Failure, Interrupt, Output, event, exit, seconds, seen_enough};
pub(crate) use controller::SouthboundController;
use device::Teller;
use metrics::Reporter;
use program::Program;

/// Run an agent of the southbound interface: it takes a schedule of configuration changes
/// from a controller, makes each when it is due, and sends metrics.
///
/// What is to be configured is one JSON object a line on standard output, "apply" or
/// "remove", or is given to a program; docs/commands.md tells what the lines hold. Ctrl-C
/// ends it.
#[derive(Args)]
pub(crate) struct SouthboundAgent {
    /// Where the controller is: http://HOST:PORT or https://HOST:PORT.
    #[arg(long, value_name = "URL")]
    controller: String,
    /// The ID of the network node that this is, as the controller knows it.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    agent_id: String,
    /// Keep the schedule here, so that it goes on after a restart.
    #[arg(long, value_name = "FILE")]
    store: Option<PathBuf>,
    /// What becomes of the schedule when the stream ends.
    #[arg(long, value_enum, default_value_t = Policy::Renew)]
    policy: Policy,
    /// When a request that came before its turn is answered.
    #[arg(long, value_enum, default_value_t = Acknowledge::Execution)]
    acknowledge: Acknowledge,
    /// Send the bearer token in this file with each call. It is read again each time.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The certificates that vouch for the controller, as PEM; by default the system's.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The name in the certificate of the controller; by default its host.
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,
    /// Compress what is sent.
    #[arg(long)]
    gzip: bool,
    /// Of which era the telemetry service of the controller is.
    #[arg(long, value_enum, default_value_t = Era::Guide)]
    era: Era,
    /// Have this program make each change: it gets what would be printed on its standard
    /// input, and says by exit status 0 that the change is made.
    #[arg(long, value_name = "PROGRAM")]
    exec: Option<PathBuf>,
    /// How long it may take for one change, in seconds. The agent waits for it.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10", requires = "exec")]
    exec_timeout: Duration,
    /// How often the counters of interfaces are reported, in seconds; 0 is never.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "60")]
    telemetry_period: Duration,
    /// Report this interface alone, under this ID; any number of times. By default all,
    /// under their names.
    #[arg(long, value_name = "NAME[=ID]")]
    interface: Vec<String>,
    /// How many entries and requests before their turn there is room for.
    #[arg(long, value_name = "N", default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    entries: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Policy {
    /// It is reset, under a new token.
    Renew,
    /// It goes on under the same token.
    Resume,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Acknowledge {
    /// When it is executed.
    Execution,
    /// When it is received.
    Receipt,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Era {
    /// The one of the developer guide.
    Guide,
    /// The later one.
    Later,
}

/// Octets that an entry takes in the mean; there is room for many that take less, and for
/// some that take more.
const ENTRY_OCTETS: usize = 1_024;

/// Octets of metrics of each kind that wait for the controller.
const METRICS: usize = 262_144;

/// How often the clock is looked at though nothing is due: it may have been set.
const LOOK: Duration = Duration::from_secs(1);

impl SouthboundAgent {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.serve())
    }

    fn serve(&self) -> Result<ExitCode, Failure> {
        let mut store = match &self.store {
            Some(file) => Some(FileStore::open(file)?),
            None => None,
        };
        let entries = usize::try_from(self.entries)?;
        let mut memory = AgentMemory::new(entries, entries * ENTRY_OCTETS, METRICS);
        let config = AgentConfig {
            on_stream_end: match self.policy {
                Policy::Renew => StreamPolicy::Renew,
                Policy::Resume => StreamPolicy::Resume,
            },
            acknowledge: match self.acknowledge {
                Acknowledge::Execution => AckPolicy::OnExecute,
                Acknowledge::Receipt => AckPolicy::OnReceipt,
            },
            ..AgentConfig::new(&self.agent_id, &SystemRandom)
        };
        let mut agent = Agent::new(config, memory.storage())
            .map_err(|_| Failure::new("an agent ID has at most 952 octets"))?;
        let mut output = Output::new();
        if let Some(store) = &mut store {
            agent = agent.with_store(store)?;
            let restored = agent.restored();
            output.line(event(
                "restored",
                json!({"entries": agent.entries().count(), "damaged": restored.doubtful,
                       "no_room": restored.no_room, "resumed": restored.resumed}),
            ));
        }
        let mut reporter = Reporter::new(self.telemetry_period, &self.interface)?;

        let mut driver = Driver::new(SystemClock::new())?;
        let waker = driver.waker()?;
        let link = GrpcLink::start(&self.grpc()?, waker.clone())?;
        let interrupt = Interrupt::listen(waker)?;
        let program = self.exec.as_deref().map(|file| Program::new(file, self.exec_timeout));
        output.line(event(
            "started",
            json!({"controller": self.controller, "agent_id": self.agent_id}),
        ));
        let mut host = AgentHost::new(agent, Teller::new(output, program), link);
        driver.add(&mut host)?;
        while !interrupt.is_asked() {
            let wait = reporter
                .due()
                .map_or(LOOK, |due| due.since(driver.clock().now().monotonic).min(LOOK));
            let now = driver.turn(&mut [&mut host], wait)?;
            let problem = reporter.report(now, &mut host.agent);
            let AgentHost { agent, device, link } = &mut host;
            if let Some(message) = problem {
                device.output.line(event("metrics_failed", json!({"message": message})));
            }
            if let Some(fault) = link.take_fault() {
                device.output.line(event(
                    "fault",
                    json!({"method": fault.method, "code": fault.code.name(),
                           "code_number": fault.code.0, "message": fault.message}),
                ));
            }
            device.output.status(status(agent));
            match device.output.check() {
                Err(error) if seen_enough(&error) => return Ok(ExitCode::SUCCESS),
                result => result?,
            }
        }
        let stats = *host.agent.stats();
        let metrics = *host.agent.telemetry_stats();
        let output = &mut host.device.output;
        output.line(event(
            "stopped",
            json!({"executed": stats.executed, "enacted": stats.enacted,
                   "enact_failures": stats.enact_failures, "resets": stats.resets,
                   "metrics_exported": metrics.exported,
                   "metrics_dropped": metrics.dropped.iter().sum::<u64>()}),
        ));
        output.close();
        Ok(ExitCode::SUCCESS)
    }

    fn grpc(&self) -> Result<GrpcConfig, Failure> {
        let mut config = GrpcConfig::new(&self.controller);
        if let Some(file) = &self.token_file {
            config.credentials = Arc::new(BearerFile::new(file));
        }
        if let Some(file) = &self.ca {
            let roots = std::fs::read(file)
                .map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
            config.roots = Some(roots);
        }
        config.server_name.clone_from(&self.server_name);
        config.compress = self.gzip;
        config.metrics = match self.era {
            Era::Guide => MetricsEra::Guide,
            Era::Later => MetricsEra::Later,
        };
        Ok(config)
    }
}

/// How it stands, for a terminal.
fn status(agent: &Agent<'_>) -> String {
    let link = match agent.link_state() {
        LinkState::Down => "waits for the controller",
        LinkState::Resetting => "resets",
        LinkState::Opening => "opens the stream",
        LinkState::Open => "connected",
    };
    let (entries, in_force) = (agent.entries().count(), agent.configuration().count());
    let exported = agent.telemetry_stats().exported;
    format!("{link}, {entries} entries, {in_force} in force, {exported} metrics exported")
}
