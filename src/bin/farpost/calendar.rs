//! `farpost calendar`: scan requests as JSON lines in, grants and refusals out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use farpost::host::draw::{Booking, week_svg, week_text};
use farpost::scos::calendar::{
    ActorId, ActorPolicy, Candidates, DeviceIndex, DevicePlan, Policy, QuotaScope, Recipe, Refusal,
    RefusalReason, RequestId, Reserve, ScanRequest, Scheduler, Terms, When,
};
use farpost::scos::messages::DEVICES_MAX;
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
/// Also in a request: "ssds":["mast-1","mast-2"] (or "any") in place of "ssd" for one of
/// several, which the answer names; "across_weeks":true, if it may lie in this week and the
/// next; "replaces":7, to take the place of request 7 or leave it as it is; "dry_run":true, to
/// book nothing.
///
/// The first line may be {"config":{"now":"2026-11-22T00:00Z","quota_minutes":600,
/// "short_minutes":5,"reserve_per_hour":10}}, each of which may be missing: now is the system
/// clock, there is no quota, and nothing is reserved. It is not answered. There may also be
/// "quota_over":"all_ssds" (or "ssd"), "reserve_first":true, "lead_minutes":1,
/// "ssds":{"mast-1":{"reserve_per_hour":5}}, "actors":{"ana":{"quota_minutes":60,"priority":2}},
/// "preemption":true, with which the ids that had to give way are in the answer as "displaced",
/// and "alternatives":true, with which a refusal says where it would have been granted.
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
    alternatives: bool,
    /// By label.
    reserves: BTreeMap<String, Reserve>,
    actor_policies: BTreeMap<String, ActorPolicy>,
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
    values: Vec<Value>,
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
    #[serde(default)]
    quota_over: QuotaOver,
    #[serde(default)]
    reserve_first: bool,
    #[serde(default)]
    lead_minutes: u64,
    #[serde(default)]
    preemption: bool,
    #[serde(default)]
    alternatives: bool,
    #[serde(default)]
    ssds: BTreeMap<String, SsdConfig>,
    #[serde(default)]
    actors: BTreeMap<String, ActorConfig>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum QuotaOver {
    #[default]
    Ssd,
    AllSsds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SsdConfig {
    reserve_per_hour: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActorConfig {
    quota_minutes: Option<u32>,
    #[serde(default)]
    priority: u8,
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
    ssd: Option<Value>,
    ssds: Option<Ssds>,
    start: String,
    minutes: u64,
    #[serde(default)]
    when: WhenName,
    #[serde(default)]
    repeats: u64,
    #[serde(default)]
    offset_minutes: u64,
    max_shift_minutes: Option<u64>,
    #[serde(default)]
    across_weeks: bool,
    replaces: Option<Value>,
    #[serde(default)]
    dry_run: bool,
}

/// Several devices.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ssds {
    Any(AnySsd),
    These(Vec<Value>),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum AnySsd {
    Any,
}

/// What became of a request.
struct Answer {
    starts: Vec<String>,
    device: DeviceIndex,
    displaced: Vec<RequestId>,
}

/// Why nothing did, and where it would have been granted.
struct Turned {
    refusal: Refusal,
    alternative: Option<(DeviceIndex, Utc)>,
}

impl From<Refusal> for Turned {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, alternative: None }
    }
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
        let (mut devices, mut slots) = (32_usize, 1_024_usize);
        let mut recipes = Vec::new();
        loop {
            let mut plans = vec![DevicePlan::EMPTY; devices];
            let mut storage = vec![Slot::EMPTY; slots];
            let mut scheduler = Scheduler::new(self.policy, &mut plans, &mut storage);
            scheduler.advance(self.now());
            for (number, label) in (0..).zip(&self.devices.labels) {
                scheduler.set_reserve(DeviceIndex(number), self.reserves.get(label).copied());
            }
            for recipe in &recipes {
                scheduler.restore(recipe).map_err(io::Error::other)?;
            }
            let ended = self.answer_while_room(&mut scheduler, input, output)?;
            recipes = scheduler.recipes().copied().collect();
            recipes.sort_unstable_by_key(Recipe::key);
            if ended {
                return Ok(recipes);
            }
            devices = devices.max(2 * self.devices.len() + DEVICES_MAX);
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
        // A line may bring as many devices as a request can name.
        while scheduler.room() > 0 && self.devices.len() + DEVICES_MAX <= scheduler.devices() {
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
            quota_minutes: config
                .quota_minutes
                .map(|quota| u32::try_from(quota).unwrap_or(u32::MAX)),
            quota_scope: match config.quota_over {
                QuotaOver::Ssd => QuotaScope::Device,
                QuotaOver::AllSsds => QuotaScope::AllDevices,
            },
            reserve_first: config.reserve_first,
            lead_minutes: limited(config.lead_minutes),
            preemption: config.preemption,
            short_minutes: config.short_minutes.map_or(Policy::OPEN.short_minutes, limited),
            reserve_per_hour: config.reserve_per_hour.unwrap_or(Policy::OPEN.reserve_per_hour),
        };
        self.alternatives = config.alternatives;
        let ssds = config.ssds.into_iter();
        self.reserves =
            ssds.map(|(label, ssd)| (label, Reserve::per_hour(ssd.reserve_per_hour))).collect();
        let actors = config.actors.into_iter();
        self.actor_policies = actors
            .map(|(label, ActorConfig { quota_minutes, priority })| {
                (label, ActorPolicy { quota_minutes, priority })
            })
            .collect();
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
        let (id, actor) = (name(&line.id, "id")?, name(&line.actor, "actor")?);
        let devices = match (&line.ssd, &line.ssds) {
            (Some(ssd), None) => vec![self.device(scheduler, ssd)?],
            (None, Some(Ssds::These(ssds))) if (1..=DEVICES_MAX).contains(&ssds.len()) => {
                let devices = ssds.iter().map(|ssd| self.device(scheduler, ssd));
                devices.collect::<Result<Vec<_>, _>>()?
            }
            (None, Some(Ssds::These(_))) => {
                return Err(format!("ssds are 1 to {DEVICES_MAX}"));
            }
            (None, Some(Ssds::Any(AnySsd::Any))) => Vec::new(),
            _ => return Err("a request has either ssd or ssds".into()),
        };
        let actor = u32::try_from(self.actors.number(actor)).map_err(|_| "too many actors")?;
        let request = u32::try_from(self.ids.number(id)).map_err(|_| "too many ids")?;
        let request = ScanRequest {
            actor: ActorId(actor),
            request: RequestId(request),
            device: devices.first().copied().unwrap_or_default(),
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
            across_weeks: line.across_weeks,
            parameters: PARAMETERS,
        };
        let answer = self.schedule(scheduler, &request, &devices, line);
        let value = |device: DeviceIndex| self.devices.values.get(usize::from(device.0));
        Ok(match answer {
            Ok(Answer { starts, device, displaced }) => {
                let mut granted = serde_json::Map::new();
                granted.insert("starts".into(), json!(starts));
                if line.ssds.is_some() {
                    granted.insert("ssd".into(), json!(value(device)));
                }
                if !displaced.is_empty() {
                    let ids = displaced.iter().map(|id| self.ids.value(id.0));
                    granted.insert("displaced".into(), ids.collect());
                }
                json!({"id": line.id, "granted": granted})
            }
            Err(Turned { refusal, alternative }) => {
                let mut refused = serde_json::Map::new();
                refused.insert("reason".into(), refusal.reason.name().into());
                if let Some(slot) = refusal.first_conflict {
                    refused.insert("first_conflict".into(), minute(slot).into());
                }
                if let Some((device, start)) = alternative {
                    let place = json!({"ssd": value(device), "start": minute(start)});
                    refused.insert("alternative".into(), place);
                }
                json!({"id": line.id, "refused": refused})
            }
        })
    }

    /// The device of a name; a new one may have a reserve of its own.
    fn device(
        &mut self,
        scheduler: &mut Scheduler<'_>,
        ssd: &Value,
    ) -> Result<DeviceIndex, String> {
        let known = self.devices.len();
        let number = self.devices.number(name(ssd, "ssd")?);
        let device = DeviceIndex(u16::try_from(number).map_err(|_| "too many ssds")?);
        if number == known {
            let label = self.devices.label(device.0.into());
            scheduler.set_reserve(device, self.reserves.get(label).copied());
        }
        Ok(device)
    }

    /// Ids are one Actor's own to a scheduler, but here one for all of them.
    fn schedule(
        &mut self,
        scheduler: &mut Scheduler<'_>,
        request: &ScanRequest,
        devices: &[DeviceIndex],
        line: &RequestLine,
    ) -> Result<Answer, Turned> {
        let now = self.now();
        scheduler.advance(now);
        let number = usize::try_from(request.request.0).unwrap_or(usize::MAX);
        let known =
            self.actor_of.get(number).and_then(|actor| scheduler.recipe(*actor, request.request));
        if let Some(recipe) = known {
            // Of several devices it is the one that was found then.
            let device = recipe.request.device;
            let among = devices.is_empty() || devices.contains(&device);
            return if among && recipe.request == (ScanRequest { device, ..*request }) {
                Ok(Answer { starts: starts(recipe), device, displaced: Vec::new() })
            } else {
                Err(Refusal::from(RefusalReason::RequestIdReused).into())
            };
        }
        match self.actor_of.get_mut(number) {
            Some(actor) => *actor = request.actor,
            None => self.actor_of.push(request.actor),
        }
        let seen = self.devices.len();
        let any = |device: DeviceIndex| usize::from(device.0) < seen;
        let replaces = line.replaces.as_ref().map(|id| {
            let number = self.ids.find(id).and_then(|number| u32::try_from(number).ok());
            RequestId(number.unwrap_or(u32::MAX))
        });
        let actor = self.actor_policies.get(self.actors.label(request.actor.0));
        let terms = Terms {
            devices: if devices.is_empty() {
                Candidates::All(&any)
            } else {
                Candidates::These(devices)
            },
            actor: actor.copied().unwrap_or_default(),
            replaces,
            guarded: now,
        };
        let place = scheduler.find(now, request, &terms).map_err(|refusal| {
            let place = self
                .alternatives
                .then(|| scheduler.alternative(now, request, &terms, refusal.reason))
                .flatten();
            let alternative = place.map(|place| (place.device(), place.grant().series.start_of(0)));
            Turned { refusal, alternative }
        })?;
        let mut displaced = Vec::new();
        if !line.dry_run {
            scheduler.book(&place, &mut |was, _| displaced.push(was.request.request))?;
            displaced.sort_unstable();
        }
        let starts = place.grant().starts().map(minute).collect();
        Ok(Answer { starts, device: place.device(), displaced })
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
        let mut weeks: BTreeSet<_> = (recipes.iter())
            .flat_map(|recipe| [recipe.grant.week(), recipe.grant.last_week()])
            .collect();
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
            self.values.push(name.clone());
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

    fn value(&self, number: u32) -> Value {
        let value = usize::try_from(number).ok().and_then(|number| self.values.get(number));
        value.cloned().unwrap_or_default()
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

/// When the occurrences of a recipe start.
fn starts(recipe: &Recipe) -> Vec<String> {
    recipe.grant.starts().map(minute).collect()
}

/// `2026-11-23T10:00Z`.
fn minute(time: Utc) -> String {
    let time = time.to_string();
    time.strip_suffix(":00Z").map_or_else(|| time.clone(), |minute| format!("{minute}Z"))
}
