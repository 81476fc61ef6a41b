//! `farpost actor`: asks an SSM for scans, and prints what comes of it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::Receiver;

use clap::Args;
use farpost::host::mib::Bump;
use farpost::host::station::ActorStation;
use farpost::machine::Machine;
use farpost::scos::actor::{Actor as Asker, ActorConfig};
use farpost::scos::carriage::{Station, manager};
use farpost::scos::{ActorId, Backoff, RequestId};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};
use serde_json::json;

use super::scan::Task;
use super::tell::{Teller, spectrum_text};
use super::{Place, Program, Told, found, slots};
use crate::ams::{Failure, Output, event, exit};
use crate::input::{self, Line};

/// Ask an SSM for scans, and print what becomes of them and their reports.
///
/// Everything is one JSON object a line on standard output: asked, granted, refused,
/// cancelled, unanswered, report, inventory. docs/commands.md tells what the lines hold.
/// Ctrl-C ends it; what is open then goes on when it starts again with the same store.
/// The exit status is 1 when something was refused or not answered.
#[derive(Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Actor {
    #[command(flatten)]
    place: Place,
    /// Its number.
    #[arg(long, value_name = "N", default_value_t = 1)]
    actor: u32,
    /// Ask for a scan, told as JSON; may be given several times.
    #[arg(long, value_name = "JSON")]
    scan: Vec<String>,
    /// Draw a copy of the inventory.
    #[arg(long)]
    inventory: bool,
    /// Then do what JSON lines on standard input say.
    #[arg(long)]
    stdin: bool,
    /// End when all that was asked for is settled, and standard input too.
    #[arg(long)]
    until_settled: bool,
    /// Save the spectra of reports in this directory, each in a text file.
    #[arg(long, value_name = "DIR")]
    spectra: Option<PathBuf>,
    /// How often to ask before a question counts as not answered.
    #[arg(long, value_name = "N", default_value_t = 20)]
    attempts: u8,
}

const AFTER_HELP: &str = "\
A scan: {\"device\":\"mast-1\",\"start\":\"2026-11-23T10:00Z\"}, and where they are not as here:
\"minutes\":1, \"repeats\":0, \"offset_minutes\":0, \"when\":\"exact\" (or \"nearest\"),
\"max_shift_minutes\":null, \"center_hz\":98000000, \"bandwidth_hz\":2000000,
\"resolution_hz\":5000, \"transforms\":32, \"detector\":\"Mean\", \"window\":\"BlackmanHarris\",
\"gain_db\":20. A start of \"+5\" is the fifth minute from now.
A line of standard input: {\"scan\":{…}}, {\"cancel\":1} or {\"inventory\":\"all\"}.";

/// Requests that are not settled at a time.
const OPEN: usize = 1_024;

impl Actor {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.ask())
    }

    fn ask(&self) -> Result<ExitCode, Failure> {
        let mut tasks = VecDeque::new();
        for text in &self.scan {
            let task = Task::read(&format!("{{\"scan\":{text}}}"));
            tasks.push_back(task.map_err(|problem| Failure::new(format!("--scan: {problem}")))?);
        }
        if self.inventory {
            tasks.push_back(Task::read("{\"inventory\":\"all\"}").map_err(Failure)?);
        }
        if let Some(directory) = &self.spectra {
            std::fs::create_dir_all(directory)?;
        }
        let arena = Bump::new();
        let told = Told::new(Output::new().into());
        let actor = self.actor(&arena, &told)?;
        self.place.run(&arena, Station::Actor, &told, |waker| {
            Ok(Asking {
                station: ActorStation { actor, user: Teller::new(told.clone()) },
                tasks,
                input: self.stdin.then(|| input::listen(waker)),
                until_settled: self.until_settled,
                spectra: self.spectra.clone(),
                failed: false,
            })
        })
    }

    fn actor<'a>(&self, arena: &'a Bump, told: &Told) -> Result<Asker<'a>, Failure> {
        let config = ActorConfig {
            actor: ActorId(self.actor),
            ssm: manager(),
            first_request: match &self.place.store {
                Some(_) => RequestId(1),
                // No number is used twice even if nothing is kept.
                None => {
                    let seconds = farpost::host::clock::system_utc().unix_seconds();
                    RequestId(u32::try_from(seconds)?)
                }
            },
            backoff: Backoff::NOMINAL,
            attempts: self.attempts,
        };
        let actor = Asker::new(config, slots(arena, OPEN));
        let actor = match self.place.store(arena)? {
            Some(store) => actor.with_store(store)?,
            None => actor,
        };
        found(told, self.place.store.as_deref(), actor.restored())?;
        Ok(actor)
    }
}

/// An Actor, and what it is to do.
struct Asking<'s> {
    station: ActorStation<'s, Teller>,
    tasks: VecDeque<Task>,
    input: Option<Receiver<Line>>,
    until_settled: bool,
    spectra: Option<PathBuf>,
    failed: bool,
}

impl Asking<'_> {
    fn line(&self, name: &str, details: serde_json::Value) {
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
                let asked = scan
                    .wish(now.utc)
                    .and_then(|wish| actor.request(&wish).map_err(|error| error.to_string()));
                match asked {
                    Ok(request) => {
                        self.line("asked", json!({"request": request.0, "line": number}));
                    }
                    Err(problem) => self.refuse(number, &problem),
                }
            }
            Task::Cancel(request) => {
                if let Err(unknown) = actor.cancel(RequestId(*request)) {
                    self.refuse(number, &unknown.to_string());
                }
            }
            Task::Inventory(_) => {
                actor.copy_inventory();
            }
        }
    }

    fn save(&mut self) -> Result<(), Failure> {
        let spectra = std::mem::take(&mut self.station.user.spectra);
        let Some(directory) = &self.spectra else { return Ok(()) };
        for (name, octets) in spectra {
            let file = directory.join(format!("{name}.txt"));
            match spectrum_text(&octets) {
                Some(text) => std::fs::write(file, text)?,
                // In another form than sensors here have.
                None => std::fs::write(file.with_extension("bin"), octets)?,
            }
        }
        Ok(())
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
    fn work(&mut self, now: Now) -> Result<(), Failure> {
        while let Some(task) = self.tasks.pop_front() {
            self.take(now, &task, None);
        }
        self.listen(now);
        self.save()?;
        let (actor, told) = (&self.station.actor, &self.station.user.told);
        let (id, open) = (actor.id().0, actor.open_requests());
        told.borrow_mut().status(format!("actor {id}: {open} requests open"));
        Ok(())
    }

    fn is_done(&self) -> Option<ExitCode> {
        let open = self.station.actor.open_requests() > 0
            || self.station.actor.is_copying()
            || self.input.is_some();
        if !self.until_settled || open {
            return None;
        }
        let failed = self.failed || self.station.user.failed;
        Some(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
