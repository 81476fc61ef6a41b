//! `farpost calendar`: scan requests as JSON lines in, grants and refusals out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use farpost::host::draw::{Booking, week_svg, week_text};
use farpost::scos::calendar::{
    ActorId, DeviceIndex, DevicePlan, Policy, Recipe, Refusal, RefusalReason, RequestId,
    ScanRequest, Scheduler, When,
};
use farpost::scos::{Detector, ScanParameters, Window};
use farpost::storage::Slot;
use farpost::time::{Utc, Week};
use serde::Deserialize;
use serde_json::{Value, json};

/// Grant scan requests slots of a week, or refuse them.
///
/// Reads one JSON object a line from standard input and answers each with one, in order.
///
/// Request: {"id":1,"actor":"ana","ssd":"mast-1","start":"2026-11-23T10:00Z","minutes":5}, and
/// where they are not as here: "when":"exact" (or "nearest"), "repeats":0, "offset_minutes":0,
/// "max_shift_minutes":null. Answer: {"id":1,"granted":{"starts":["2026-11-23T10:00Z"]}} or
/// {"id":1,"refused":{"reason":"conflict","first_conflict":"2026-11-23T10:02Z"}}.
///
/// {"id":1,"cancel":true} is answered {"id":1,"cancelled":true}, or false with a reason. The id
/// can be used again then; while it is granted, the same request gets the same answer and any
/// other is refused.
///
/// The first line may be {"config":{"now":"2026-11-22T00:00Z","quota_minutes":600,
/// "short_minutes":5,"reserve_per_hour":10}}, each of which may be missing: now is the system
/// clock, there is no quota, and nothing is reserved. It is not answered.
///
/// A line that is none of these is answered {"error":…,"line":…}, the next is still read, and
/// the exit status is 1 in the end. Ids, actors and ssds are strings or numbers, as many as
/// you like; of ssds at most 65,536.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Draw the weeks that are booked into this file when the input ends
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print the weeks that are booked as text on standard error when the input ends
    #[arg(long)]
    text: bool,
}

/// Runs the command until standard input ends.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let mut session = Session::default();
    match session.run(&mut io::stdin().lock(), &mut io::stdout().lock()) {
        Ok(recipes) => match session.draw(&recipes, arguments) {
            Ok(()) if session.malformed == 0 => return ExitCode::SUCCESS,
            Ok(()) => {}
            Err((path, error)) => eprintln!("farpost: cannot write {}: {error}", path.display()),
        },
        // Who closes our output does not want to be told.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
        Err(error) => eprintln!("farpost: {error}"),
    }
    ExitCode::FAILURE
}

/// What is known beside the calendar itself.
#[derive(Default)]
struct Session {
    line: u64,
    malformed: u64,
    configured: bool,
    /// The time of a configuration; the system clock without.
    now: Option<Utc>,
    policy: Policy,
    actors: Names,
    devices: Names,
    /// The last Actor of each id, and the number that stands for the id.
    ids: Names,
    actor_of: Vec<ActorId>,
}

/// JSON strings and numbers, numbered as they come.
#[derive(Default)]
struct Names {
    numbers: BTreeMap<String, usize>,
    /// For people: without quotes.
    labels: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigLine {
    config: Config,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    now: Option<String>,
    quota_minutes: Option<u64>,
    short_minutes: Option<u64>,
    reserve_per_hour: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CancelLine {
    id: Value,
    cancel: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    id: Value,
    actor: Value,
    ssd: Value,
    start: String,
    minutes: u64,
    #[serde(default)]
    when: WhenName,
    #[serde(default)]
    repeats: u64,
    #[serde(default)]
    offset_minutes: u64,
    max_shift_minutes: Option<u64>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase")]
enum WhenName {
    #[default]
    Exact,
    Nearest,
}

/// The calendar keeps the parameters of a scan and never looks into them.
const PARAMETERS: ScanParameters = ScanParameters {
    center_hz: 0,
    bandwidth_hz: 0,
    resolution_hz: 0,
    transforms: 1,
    detector: Detector::Mean,
    window: Window::Rectangular,
    gain_db: 0,
    settings: None,
};

impl Session {
    /// Answers every line. The storage of a scheduler does not grow, so whenever
    /// it is full a scheduler of twice the size takes over its recipes.
    fn run(
        &mut self,
        input: &mut impl BufRead,
        output: &mut impl Write,
    ) -> io::Result<Vec<Recipe>> {
        let (mut devices, mut slots) = (16_usize, 1_024_usize);
        let mut recipes = Vec::new();
        loop {
            let mut plans = vec![DevicePlan::EMPTY; devices];
            let mut storage = vec![Slot::EMPTY; slots];
            let mut scheduler = Scheduler::new(self.policy, &mut plans, &mut storage);
            scheduler.advance(self.now());
            for recipe in &recipes {
                scheduler.restore(recipe).map_err(io::Error::other)?;
            }
            let ended = self.answer_while_room(&mut scheduler, input, output)?;
            recipes = scheduler.recipes().copied().collect();
            if ended {
                return Ok(recipes);
            }
            devices = devices.max(2 * self.devices.len());
            slots = slots.max(2 * recipes.len());
        }
    }

    /// Answers lines until the input ends, which is true, or there is no room for
    /// what another line may bring.
    fn answer_while_room(
        &mut self,
        scheduler: &mut Scheduler<'_>,
        input: &mut impl BufRead,
        output: &mut impl Write,
    ) -> io::Result<bool> {
        let mut line = Vec::new();
        while scheduler.room() > 0 && self.devices.len() < scheduler.devices() {
            line.clear();
            if input.read_until(b'\n', &mut line)? == 0 {
                return Ok(true);
            }
            self.line += 1;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let answer = self.answer(scheduler, &line).unwrap_or_else(|error| {
                self.malformed += 1;
                Some(json!({"error": error, "line": self.line}))
            });
            if let Some(answer) = answer {
                writeln!(output, "{answer}")?;
            }
        }
        Ok(false)
    }

    fn answer(
        &mut self,
        scheduler: &mut Scheduler<'_>,
        line: &[u8],
    ) -> Result<Option<Value>, String> {
        let value: Value = serde_json::from_slice(line)
            .map_err(|error| format!("no JSON from column {} on", error.column()))?;
        if !value.is_object() {
            return Err("a line is a JSON object".into());
        }
        if value.get("config").is_some() {
            self.configure(scheduler, read(value)?)?;
            return Ok(None);
        }
        // Nothing is configured after the first line.
        self.configured = true;
        if value.get("cancel").is_some() {
            self.cancel(scheduler, &read(value)?).map(Some)
        } else {
            self.request(scheduler, &read(value)?).map(Some)
        }
    }

    fn configure(
        &mut self,
        scheduler: &mut Scheduler<'_>,
        ConfigLine { config }: ConfigLine,
    ) -> Result<(), String> {
        if core::mem::replace(&mut self.configured, true) {
            return Err("config is only for the first line".into());
        }
        self.now = config.now.as_deref().map(time).transpose()?;
        self.policy = Policy {
            quota_minutes: config.quota_minutes.map(limited),
            short_minutes: config.short_minutes.map_or(Policy::OPEN.short_minutes, limited),
            reserve_per_hour: config.reserve_per_hour.unwrap_or(Policy::OPEN.reserve_per_hour),
            ..Policy::OPEN
        };
        scheduler.set_policy(self.policy);
        Ok(())
    }

    fn cancel(&self, scheduler: &mut Scheduler<'_>, line: &CancelLine) -> Result<Value, String> {
        let CancelLine { id, cancel } = line;
        if !cancel {
            return Err("cancel is true or left out".into());
        }
        let number = self.ids.find(id);
        let actor = number.and_then(|number| self.actor_of.get(number)).copied();
        // An id never seen has a number that was never given.
        let request = RequestId(number.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX));
        Ok(match scheduler.cancel(self.now(), actor.unwrap_or_default(), request) {
            Ok(_) => json!({"id": id, "cancelled": true}),
            Err(error) => json!({"id": id, "cancelled": false, "reason": error.name()}),
        })
    }

    fn request(
        &mut self,
        scheduler: &mut Scheduler<'_>,
        line: &RequestLine,
    ) -> Result<Value, String> {
        let start = time(&line.start)?;
        let (id, actor, device) =
            (name(&line.id, "id")?, name(&line.actor, "actor")?, name(&line.ssd, "ssd")?);
        let device = u16::try_from(self.devices.number(device)).map_err(|_| "too many ssds")?;
        let actor = u32::try_from(self.actors.number(actor)).map_err(|_| "too many actors")?;
        let request = u32::try_from(self.ids.number(id)).map_err(|_| "too many ids")?;
        let request = ScanRequest {
            actor: ActorId(actor),
            request: RequestId(request),
            device: DeviceIndex(device),
            start,
            minutes: limited(line.minutes),
            when: match line.when {
                WhenName::Exact => When::Exact,
                WhenName::Nearest => {
                    When::Nearest { max_shift_minutes: line.max_shift_minutes.map(limited) }
                }
            },
            repeats: limited(line.repeats),
            offset_minutes: limited(line.offset_minutes),
            parameters: PARAMETERS,
        };
        Ok(match self.schedule(scheduler, &request) {
            Ok(starts) => json!({"id": line.id, "granted": {"starts": starts}}),
            Err(Refusal { reason, first_conflict: None }) => {
                json!({"id": line.id, "refused": {"reason": reason.name()}})
            }
            Err(Refusal { reason, first_conflict: Some(slot) }) => json!({
                "id": line.id,
                "refused": {"reason": reason.name(), "first_conflict": minute(slot)},
            }),
        })
    }

    /// Ids are one Actor's own to a scheduler, but here one for all of them.
    fn schedule(
        &mut self,
        scheduler: &mut Scheduler<'_>,
        request: &ScanRequest,
    ) -> Result<Vec<String>, Refusal> {
        let number = usize::try_from(request.request.0).unwrap_or(usize::MAX);
        match self.actor_of.get_mut(number) {
            Some(actor) if *actor == request.actor => {}
            Some(actor) if scheduler.recipe(*actor, request.request).is_some() => {
                return Err(RefusalReason::RequestIdReused.into());
            }
            Some(actor) => *actor = request.actor,
            None => self.actor_of.push(request.actor),
        }
        Ok(scheduler.request(self.now(), request)?.starts().map(minute).collect())
    }

    fn now(&self) -> Utc {
        self.now.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
            Utc::default().after(since.unwrap_or_default())
        })
    }

    /// Draws what was asked for; the path and the error when a file was not written.
    fn draw<'a>(
        &self,
        recipes: &[Recipe],
        arguments: &'a Arguments,
    ) -> Result<(), (&'a Path, io::Error)> {
        let bookings: Vec<_> = recipes.iter().flat_map(|recipe| self.bookings(recipe)).collect();
        let mut weeks: BTreeSet<_> = recipes.iter().map(|recipe| recipe.grant.week).collect();
        if weeks.is_empty() {
            weeks.insert(Week::of_minute(self.now().unix_minute()).0);
        }
        if arguments.text {
            for week in &weeks {
                eprintln!("{}", week_text(*week, &bookings));
            }
        }
        let Some(path) = &arguments.svg else { return Ok(()) };
        let weeks: Vec<_> = weeks.into_iter().collect();
        std::fs::write(path, week_svg(&weeks, &bookings)).map_err(|error| (path.as_path(), error))
    }

    fn bookings<'a>(&'a self, recipe: &'a Recipe) -> impl Iterator<Item = Booking<'a>> {
        let request = &recipe.request;
        recipe.grant.starts().map(|start| Booking {
            device: self.devices.label(request.device.0.into()),
            actor: self.actors.label(request.actor.0),
            note: self.ids.label(request.request.0),
            start,
            minutes: request.minutes,
        })
    }
}

impl Names {
    /// The number of a name, the next one when it is new.
    fn number(&mut self, name: &Value) -> usize {
        let next = self.labels.len();
        let number = *self.numbers.entry(name.to_string()).or_insert(next);
        if number == next {
            self.labels.push(name.as_str().map_or_else(|| name.to_string(), Into::into));
        }
        number
    }

    fn find(&self, name: &Value) -> Option<usize> {
        self.numbers.get(&name.to_string()).copied()
    }

    fn label(&self, number: u32) -> &str {
        let label = usize::try_from(number).ok().and_then(|number| self.labels.get(number));
        label.map_or("", String::as_str)
    }

    fn len(&self) -> usize {
        self.labels.len()
    }
}

fn read<'de, T: Deserialize<'de>>(value: Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

/// `value`, if it can name something.
fn name<'v>(value: &'v Value, what: &str) -> Result<&'v Value, String> {
    if value.is_string() || value.is_number() {
        Ok(value)
    } else {
        Err(format!("{what} is a string or a number"))
    }
}

/// What is more than a calendar counts to stays more than it allows.
fn limited(number: u64) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn time(text: &str) -> Result<Utc, String> {
    match text.parse::<jiff::Timestamp>() {
        Ok(time) if time.subsec_nanosecond() % 1_000 == 0 => {
            Ok(Utc::from_unix_micros(time.as_microsecond()))
        }
        Ok(_) => Err(format!("{text:?} is finer than a microsecond")),
        Err(error) => Err(format!("{text:?} is no time such as 2026-11-23T10:00Z: {error}")),
    }
}

/// `2026-11-23T10:00Z`.
fn minute(time: Utc) -> String {
    let time = time.to_string();
    time.strip_suffix(":00Z").map_or_else(|| time.clone(), |minute| format!("{minute}Z"))
}
