//! `farpost actor`: asks an SSM for scans, and prints what comes of it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::Receiver;

use clap::Args;
use farpost::host::clock::system_utc;
use farpost::host::mib::Bump;
use farpost::host::station::ActorStation;
use farpost::host::tls::{TlsClient, TlsClientStats};
use farpost::machine::Machine;
use farpost::scos::actor::{Actor as Asker, ActorConfig};
use farpost::scos::carriage::Station;
use farpost::scos::{ActorId, Backoff, RequestId};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};
use serde_json::{Value, json};

use super::export::Exporter;
use super::scan::{Everything, Scan, Task};
use super::tell::{Teller, link_changed};
use super::{Keeping, Part, Program, Reach, Told, slots};
use crate::ams::{Failure, Output, event, exit};
use crate::input::{self, Line};

/// Ask an SSM for scans, and print what becomes of them and their reports.
///
/// Everything is one JSON object a line on standard output; docs/commands.md tells what
/// the lines hold. Ctrl-C ends it; what is open then goes on when it starts again with the
/// same store. The exit status is 1 when something was refused or not answered.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Actor {
    /// Its number.
    #[arg(long, value_name = "N")]
    actor: u32,
    /// Over TLS: its name, as on the list of the SSM.
    #[arg(long, value_name = "NAME", requires = "tls")]
    name: Option<String>,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    keeping: Keeping,
    /// Ask for a scan, told as JSON; may be given several times.
    #[arg(long, value_name = "JSON")]
    scan: Vec<String>,
    /// Cancel a request of an earlier run.
    #[arg(long, value_name = "REQUEST")]
    cancel: Vec<u32>,
    /// Draw a copy of the inventory.
    #[arg(long)]
    inventory: bool,
    /// Ask what Actors have had: all, if this is the operator, or else this one.
    #[arg(long)]
    usage: bool,
    /// Then do what JSON lines on standard input say.
    #[arg(long)]
    stdin: bool,
    /// End when all that was asked for is settled, and standard input too.
    #[arg(long)]
    until_settled: bool,
    /// Save each spectrum in this directory as a SigMF recording, with what the device
    /// says of itself.
    #[arg(long, value_name = "DIR")]
    sigmf: Option<PathBuf>,
    /// How these recordings are classified.
    #[arg(long, value_name = "WORDS", default_value = "UNCLASSIFIED", requires = "sigmf")]
    classification: String,
    /// How often to ask before a question counts as not answered.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..))]
    attempts: u8,
}

const AFTER_HELP: &str = "\
A scan: {\"device\":\"mast-1\",\"start\":\"2026-11-23T10:00Z\"}, and where they are not as here:
\"minutes\":1, \"repeats\":0, \"offset_minutes\":0, \"when\":\"exact\" (or \"nearest\"),
\"max_shift_minutes\":null, \"across_weeks\":false, \"replaces\":null (a request that is granted),
\"dry_run\":false, \"center_hz\":98000000, \"bandwidth_hz\":2000000, \"resolution_hz\":5000,
\"transforms\":32, \"detector\":\"mean\" (sample, max, min, median, m4s), \"window\":
\"blackman_harris\" (rectangular, hann, hamming, flat_top), \"gain_db\":20, \"rf_path\":null,
\"pointing\":{\"azimuth_tenth_deg\":900,\"elevation_tenth_deg\":0}, \"sweep\":{\"stop_hz\":108000000,
\"step_hz\":2000000}, \"skip_samples\":0, \"calibrated\":false.
In place of \"device\" there may be \"devices\":[\"mast-1\",\"mast-2\"], one of these, or
\"devices\":\"any\". A start of \"+5\" is the fifth minute from now.

A line of standard input: {\"scan\":{…}}, {\"cancel\":1}, {\"inventory\":\"all\"} or {\"usage\":\"all\"}.";

/// Requests that are not settled at a time.
const OPEN: usize = 1_024;

impl Actor {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.ask())
    }

    fn ask(&self) -> Result<ExitCode, Failure> {
        let tasks = self.tasks()?;
        if let Some(directory) = &self.sigmf {
            std::fs::create_dir_all(directory).map_err(|error| {
                Failure::new(format!("{} cannot be made: {error}", directory.display()))
            })?;
        }
        let link = match (&self.reach.tls, &self.name) {
            (None, _) => None,
            (Some(_), Some(name)) => self.reach.link(name)?,
            (Some(_), None) => {
                return Err(Failure::new("over TLS an Actor has a name: say --name NAME"));
            }
        };
        let arena = Bump::new();
        let told = Told::new(Output::new().into());
        let actor = self.actor(&arena, &told)?;
        let exporter = self
            .sigmf
            .clone()
            .map(|directory| Exporter::new(directory, self.classification.clone(), self.actor));
        let part = Part {
            place: &self.reach.place,
            keeping: &self.keeping,
            station: Station::Actor,
            elsewhere: self.reach.continua(),
            link,
            linked: json!({"actor": self.actor, "tls": self.reach.tls}),
        };
        part.run(&arena, &told, |waker| {
            Ok(Asking {
                station: ActorStation {
                    actor,
                    user: Teller { exporter, ..Teller::new(told.clone()) },
                },
                link: (false, TlsClientStats::default()),
                tasks,
                input: self.stdin.then(|| input::listen(waker)),
                until_settled: self.until_settled,
                failed: false,
            })
        })
    }

    fn tasks(&self) -> Result<VecDeque<Task>, Failure> {
        let mut tasks = VecDeque::new();
        for text in &self.scan {
            let scan: Scan = serde_json::from_str(text)
                .map_err(|problem| Failure::new(format!("--scan {text}: {problem}")))?;
            tasks.push_back(Task::Scan(Box::new(scan)));
        }
        tasks.extend(self.cancel.iter().map(|request| Task::Cancel(*request)));
        tasks.extend(self.inventory.then_some(Task::Inventory(Everything::All)));
        tasks.extend(self.usage.then_some(Task::Usage(Everything::All)));
        Ok(tasks)
    }

    fn actor<'a>(&self, arena: &'a Bump, told: &Told) -> Result<Asker<'a>, Failure> {
        let config = ActorConfig {
            actor: ActorId(self.actor),
            ssm: self.reach.ssm(),
            first_request: match &self.keeping.store {
                Some(_) => RequestId(1),
                // No number is used twice even if nothing is kept.
                None => RequestId(u32::try_from(system_utc().unix_seconds())?),
            },
            backoff: Backoff::NOMINAL,
            attempts: self.attempts,
        };
        let actor = Asker::new(config, slots(arena, OPEN));
        let actor = match self.keeping.store(arena)? {
            Some(store) => actor.with_store(store)?,
            None => actor,
        };
        self.keeping.found(told, actor.restored())?;
        Ok(actor)
    }
}

/// An Actor, and what it is to do.
struct Asking<'s> {
    station: ActorStation<'s, Teller>,
    /// Whether its link was up, and what it counted.
    link: (bool, TlsClientStats),
    tasks: VecDeque<Task>,
    input: Option<Receiver<Line>>,
    until_settled: bool,
    failed: bool,
}

impl Asking<'_> {
    fn line(&self, name: &str, details: Value) {
        self.station.user.told.borrow_mut().line(event(name, details));
    }

    fn refuse(&mut self, number: Option<usize>, problem: &str) {
        self.failed = true;
        self.line("error", json!({"line": number, "message": problem}));
    }

    /// Takes what standard input has to say.
    fn listen(&mut self, now: Now) {
        while let Some(line) = self.input.as_ref().and_then(|input| input.try_recv().ok()) {
            match line {
                Line::Text(_, text) if text.trim().is_empty() => {}
                Line::Text(number, text) => match Task::read(&text) {
                    Ok(task) => self.take(now, &task, Some(number)),
                    Err(problem) => self.refuse(Some(number), &problem),
                },
                Line::Bad(number, problem) => self.refuse(Some(number), &problem),
                Line::End => self.input = None,
            }
        }
    }

    fn take(&mut self, now: Now, task: &Task, number: Option<usize>) {
        let actor = &mut self.station.actor;
        match task {
            Task::Scan(scan) => {
                let asked = scan.wish(now.utc).and_then(|wish| {
                    let asked = match (scan.is_dry_run(), scan.replaces()) {
                        (true, replaces) => actor.dry_run(&wish, replaces),
                        (false, Some(request)) => actor.modify(request, &wish),
                        (false, None) => actor.request(&wish),
                    };
                    asked.map_err(|error| error.to_string())
                });
                match asked {
                    Ok(request) => {
                        self.line("asked", json!({"request": request.0, "line": number}));
                    }
                    Err(problem) => self.refuse(number, &problem),
                }
            }
            Task::Cancel(request) => {
                if let Err(unknown) = actor.cancel(RequestId(*request)) {
                    self.refuse(number, &format!("request {request}: {unknown}"));
                }
            }
            Task::Inventory(Everything::All) => {
                if let Some(exporter) = &mut self.station.user.exporter {
                    exporter.aloud();
                }
                actor.copy_inventory();
            }
            Task::Usage(Everything::All) => actor.copy_usage(),
        }
    }

    /// Asks for what recordings are to say besides, and tells which were saved.
    fn save(&mut self) {
        let ActorStation { actor, user } = &mut self.station;
        let Some(exporter) = &mut user.exporter else { return };
        if exporter.looks(actor.is_copying()) {
            actor.copy_inventory();
        }
        for outcome in exporter.outcomes() {
            match outcome {
                Ok((scan, path)) => self.line(
                    "saved",
                    json!({"request": scan.request.0, "occurrence": scan.occurrence,
                           "file": format!("{}.sigmf-meta", path.display())}),
                ),
                Err(problem) => self.refuse(None, &problem),
            }
        }
    }
}

impl Machine for Asking<'_> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.station.receive(now, from, octets, transport);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.station.tick(now, transport);
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.station.next_deadline()
    }
}

impl Program for Asking<'_> {
    type Link = TlsClient;

    fn work(&mut self, now: Now, link: Option<&mut TlsClient>) -> Result<(), Failure> {
        while let Some(task) = self.tasks.pop_front() {
            self.take(now, &task, None);
        }
        self.listen(now);
        self.save();
        let (actor, told) = (&self.station.actor, &self.station.user.told);
        if let Some(link) = link {
            link_changed(told, link, &mut self.link);
        }
        let (id, open) = (actor.id().0, actor.open_requests());
        told.borrow_mut().status(format!("actor {id}: {open} requests open"));
        Ok(())
    }

    fn is_done(&self) -> Option<ExitCode> {
        let ActorStation { actor, user } = &self.station;
        let unsaved = user.exporter.as_ref().is_some_and(|exporter| exporter.is_waiting());
        let open =
            actor.open_requests() > 0 || actor.is_copying() || unsaved || self.input.is_some();
        if !self.until_settled || open {
            return None;
        }
        let failed = self.failed || user.failed;
        Some(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
