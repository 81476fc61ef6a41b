//! How an SSM stands, asked through a socket beside its store.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use farpost::host::devices::DeviceList;
use farpost::host::draw::{Booking, week_svg, week_text};
use farpost::host::driver::Waker;
use farpost::host::tls::TlsServer;
use farpost::scos::calendar::QuotaScope;
use farpost::scos::ssm::Ssm;
use farpost::scos::{ActorId, DeviceIndex, Series};
use farpost::time::{Now, Utc, Week};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ams::Failure;

/// How long who asks waits, and who answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where an SSM with this store listens.
fn socket(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".socket");
    name.into()
}

/// Who has asked.
pub(super) struct Asked {
    questions: Receiver<Sender<String>>,
    socket: PathBuf,
}

impl Drop for Asked {
    fn drop(&mut self) {
        // One that stays behind is taken away by the next SSM.
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// Listens beside a store, which this process alone has.
pub(super) fn listen(store: &Path, waker: Waker) -> Result<Asked, Failure> {
    let socket = socket(store);
    match std::fs::remove_file(&socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let listener = UnixListener::bind(&socket).map_err(|error| {
        Failure::new(format!("{} cannot be listened at: {error}", socket.display()))
    })?;
    let (sender, questions) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (answer, text) = channel::<String>();
            if sender.send(answer).is_err() || waker.wake().is_err() {
                return;
            }
            let Ok(text) = text.recv_timeout(PATIENCE) else { continue };
            // Who has gone away does not want to know.
            let _ = stream.set_write_timeout(Some(PATIENCE));
            let _ = stream.write_all(text.as_bytes());
        }
    });
    Ok(Asked { questions, socket })
}

impl Asked {
    /// Answers whoever has asked.
    pub(super) fn answer(&self, status: impl Fn() -> Value) {
        for question in self.questions.try_iter() {
            // Nobody waits any more.
            let _ = question.send(status().to_string());
        }
    }
}

/// What is booked for one request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Booked {
    device: String,
    /// The name of the Actor, or its number.
    name: String,
    actor: u32,
    request: u32,
    /// The first start, in minutes since 1970.
    start_minute: i64,
    start: String,
    minutes: u16,
    repeats: u16,
    offset_minutes: u16,
}

impl Booked {
    /// All that is booked, in the order of devices and starts.
    pub(super) fn of(ssm: &Ssm<'_>, list: &DeviceList) -> Vec<Self> {
        let names: BTreeMap<_, _> =
            ssm.devices(Now::default()).map(|(index, name, _)| (index.0, name)).collect();
        let of_recipes = ssm.scheduler().recipes().map(|recipe| {
            let Series { start, minutes, repeats, offset } = recipe.grant.series;
            let (actor, request) = recipe.key();
            Self {
                device: names.get(&recipe.request.device.0).copied().unwrap_or("?").into(),
                name: name_of(list, actor),
                actor: actor.0,
                request: request.0,
                start_minute: start,
                start: Utc::from_unix_minute(start).to_string(),
                minutes,
                repeats,
                offset_minutes: offset,
            }
        });
        let mut booked: Vec<_> = of_recipes.collect();
        booked.sort_by(|a, b| {
            (&a.device, a.start_minute, a.actor).cmp(&(&b.device, b.start_minute, b.actor))
        });
        booked
    }

    const fn series(&self) -> Series {
        Series {
            start: self.start_minute,
            minutes: self.minutes,
            repeats: self.repeats,
            offset: self.offset_minutes,
        }
    }
}

/// What an Actor is called.
fn name_of(list: &DeviceList, actor: ActorId) -> String {
    let listed = list.actors.iter().find(|one| one.actor == actor);
    listed.map_or_else(|| format!("actor {}", actor.0), |one| one.name.clone())
}

/// Gives what is booked as drawings have it.
pub(super) fn with_bookings<R>(booked: &[Booked], draw: impl FnOnce(&[Booking<'_>]) -> R) -> R {
    let notes: Vec<_> = booked.iter().map(|one| one.request.to_string()).collect();
    let bookings: Vec<_> = booked
        .iter()
        .zip(&notes)
        .flat_map(|(one, note)| {
            let series = one.series();
            (0..series.occurrences()).map(move |index| Booking {
                device: &one.device,
                actor: &one.name,
                note,
                start: series.start_of(index),
                minutes: series.minutes,
            })
        })
        .collect();
    draw(&bookings)
}

/// How an SSM stands.
pub(super) fn status(
    now: Now,
    ssm: &Ssm<'_>,
    list: &DeviceList,
    link: Option<&TlsServer>,
) -> Value {
    let scheduler = ssm.scheduler();
    let week = scheduler.week();
    let taken = |device: DeviceIndex, week: Week| {
        let plan = scheduler.plan(device, week);
        plan.map_or(0, |plan| Week::MINUTES.saturating_sub(plan.free_minutes()))
    };
    let devices = ssm.devices(now).map(|(index, device, remaining)| {
        json!({"device": device, "there": remaining.is_some(),
               "ttl_s": remaining.map(|remaining| remaining.as_secs()),
               "minutes_this_week": taken(index, week),
               "minutes_next_week": taken(index, week.next())})
    });
    let (stats, restored) = (ssm.stats(), ssm.restored());
    json!({
        "now": now.utc.to_string(),
        "week_minute": week.first_minute(),
        "run": ssm.epoch(),
        "devices": devices.collect::<Vec<_>>(),
        "bookings": Booked::of(ssm, list),
        "actors": actors(ssm, list),
        "scans_owed": ssm.owed(),
        "reports_waiting": ssm.unacknowledged(),
        "store": {"failures": ssm.store_failures(), "restored": restored.records,
                  "damaged": restored.damaged, "no_room": restored.no_room},
        "tls": link.map(|link| {
            let stats = link.stats();
            json!({"connections": link.connections().0, "handshakes": stats.handshakes,
                   "unknown_identities": stats.unknown_identities,
                   "wrong_keys": stats.wrong_keys, "not_tls": stats.not_tls})
        }),
        "counters": {
            "granted": stats.granted, "refused": stats.refused, "cancelled": stats.cancelled,
            "replaced": stats.replaced, "displaced": stats.displaced,
            "dry_runs": stats.dry_runs, "busy": stats.busy, "reports": stats.reports,
            "reports_issued": stats.reports_issued, "reports_late": stats.reports_late,
            "reports_abandoned": stats.reports_abandoned, "associations": stats.associations,
            "expiries": stats.expiries, "restarts": stats.restarts,
            "unknown_devices": stats.unknown_devices, "wrong_keys": stats.wrong_keys,
            "wrong_proofs": stats.wrong_proofs, "usurped": stats.usurped,
            "malformed": stats.link.malformed,
        },
    })
}

/// What Actors have booked, may book, and have had.
fn actors(ssm: &Ssm<'_>, list: &DeviceList) -> Vec<Value> {
    let scheduler = ssm.scheduler();
    let week = scheduler.week();
    let known = list.actors.iter().map(|one| one.actor);
    let mut numbers: Vec<_> = known
        .chain(ssm.usage().map(|usage| usage.actor))
        .chain(scheduler.recipes().map(|recipe| recipe.request.actor))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let one = |actor: ActorId| {
        let policy = ssm.actor_policy(actor);
        let usage = ssm.usage().find(|usage| usage.actor == actor);
        json!({
            "actor": actor.0,
            "name": name_of(list, actor),
            "quota_minutes": policy.quota_minutes.or(scheduler.policy().quota_minutes),
            "quota_over": match scheduler.policy().quota_scope {
                QuotaScope::Device => "device",
                QuotaScope::AllDevices => "all_devices",
            },
            "priority": policy.priority,
            "minutes_this_week": scheduler.minutes_of_all(actor, week),
            "minutes_next_week": scheduler.minutes_of_all(actor, week.next()),
            "usage": usage.map(|usage| json!({
                "granted_minutes": usage.granted_minutes,
                "cancelled_minutes": usage.cancelled_minutes,
                "complete": usage.complete, "incomplete": usage.incomplete,
                "rejected": usage.rejected, "excess_permille": usage.excess_permille(),
            })),
        })
    };
    numbers.into_iter().map(one).collect()
}

/// What an SSM has answered.
pub(super) struct Answer(Value);

/// Asks the SSM that has a store.
pub(super) fn ask(store: &Path) -> Result<Answer, Failure> {
    let socket = socket(store);
    let mut stream = UnixStream::connect(&socket).map_err(|error| {
        Failure::new(format!(
            "no SSM with this store answers at {}: {error}; does it run?",
            socket.display()
        ))
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    stream.read_to_string(&mut text).map_err(|error| {
        Failure::new(format!("the SSM at {} does not answer: {error}", socket.display()))
    })?;
    Ok(Answer(serde_json::from_str(&text)?))
}

impl Answer {
    fn booked(&self) -> Result<(Week, Vec<Booked>), Failure> {
        let member = |name| self.0.get(name).unwrap_or(&Value::Null);
        let week = i64::deserialize(member("week_minute"))?;
        Ok((Week::of_minute(week).0, Vec::deserialize(member("bookings"))?))
    }

    /// This week and the next as a drawing.
    pub(super) fn svg(&self) -> Result<String, Failure> {
        let (week, booked) = self.booked()?;
        Ok(with_bookings(&booked, |bookings| week_svg(&[week, week.next()], bookings)))
    }

    /// Prints it, as JSON or for people.
    pub(super) fn print(&self, json: bool, weeks: bool) -> Result<ExitCode, Failure> {
        let text = if json {
            format!("{}\n", self.0)
        } else if weeks {
            let (week, booked) = self.booked()?;
            let text = |week| with_bookings(&booked, |bookings| week_text(week, bookings));
            readable(&self.0) + "\n" + &text(week) + &text(week.next())
        } else {
            readable(&self.0)
        };
        std::io::stdout().lock().write_all(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn list<'v>(status: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    status[name].as_array().into_iter().flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}

/// How it stands, for people.
fn readable(status: &Value) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_readable(&mut out, status);
    out
}

fn write_readable(out: &mut String, status: &Value) -> std::fmt::Result {
    let store = &status["store"];
    writeln!(out, "{}, run {}", text(status, "now"), number(status, "run"))?;
    writeln!(
        out,
        "{} scans to be reported, {} reports waiting for their Actors",
        number(status, "scans_owed"),
        number(status, "reports_waiting"),
    )?;
    writeln!(
        out,
        "store: {} failures; at the start {} records, {} damaged, {} without room",
        number(store, "failures"),
        number(store, "restored"),
        number(store, "damaged"),
        number(store, "no_room"),
    )?;
    if let Some(tls) = status.get("tls").filter(|tls| tls.is_object()) {
        writeln!(
            out,
            "TLS: {} connections; refused: {} wrong keys, {} unknown identities, {} no TLS",
            number(tls, "connections"),
            number(tls, "wrong_keys"),
            number(tls, "unknown_identities"),
            number(tls, "not_tls"),
        )?;
    }
    writeln!(out, "\n{:<24} {:>14} {:>14} {:>14}", "device", "TTL", "this week", "next week")?;
    for device in list(status, "devices") {
        let ttl = device["ttl_s"].as_u64().map_or("not there".into(), |ttl| format!("{ttl} s"));
        let minutes = |week| format!("{} min", number(device, week));
        writeln!(
            out,
            "{:<24} {ttl:>14} {:>14} {:>14}",
            text(device, "device"),
            minutes("minutes_this_week"),
            minutes("minutes_next_week"),
        )?;
    }
    writeln!(
        out,
        "\n{:<24} {:>14} {:>14} {:>14}  {:<16} over-ask",
        "actor", "quota", "this week", "next week", "reports"
    )?;
    for actor in list(status, "actors") {
        let minutes = |week| format!("{} min", number(actor, week));
        let over = if text(actor, "quota_over") == "device" { "/device" } else { "" };
        let quota = actor["quota_minutes"].as_u64();
        let quota = quota.map_or("none".into(), |minutes| format!("{minutes} min{over}"));
        let usage = &actor["usage"];
        let reports = format!(
            "{} + {} + {}",
            number(usage, "complete"),
            number(usage, "incomplete"),
            number(usage, "rejected")
        );
        let excess = usage["excess_permille"].as_u64();
        let excess =
            excess.map_or("-".into(), |times| format!("{}.{:03}", times / 1_000, times % 1_000));
        writeln!(
            out,
            "{:<24} {quota:>14} {:>14} {:>14}  {reports:<16} {excess}",
            text(actor, "name"),
            minutes("minutes_this_week"),
            minutes("minutes_next_week"),
        )?;
    }
    writeln!(
        out,
        "(reports: complete + incomplete + rejected; over-ask: booked minutes for each that \
         complete scans took)\n"
    )?;
    for booking in list(status, "bookings") {
        write!(
            out,
            "{:<24} {} {} min",
            text(booking, "device"),
            text(booking, "start"),
            number(booking, "minutes")
        )?;
        let repeats = number(booking, "repeats");
        if repeats > 0 {
            write!(out, " and {repeats} x every {} min", number(booking, "offset_minutes"))?;
        }
        writeln!(out, "  {}, request {}", text(booking, "name"), number(booking, "request"))?;
    }
    let counters = status["counters"].as_object().into_iter().flatten();
    let counters: Vec<_> = counters
        .filter(|(_, count)| count.as_u64() != Some(0))
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    writeln!(out, "\n{}", counters.join(", "))
}
