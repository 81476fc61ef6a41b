//! How an SSM stands, asked through a socket beside its store.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use farpost::host::draw::week_text;
use farpost::host::driver::Waker;
use farpost::scos::DeviceIndex;
use farpost::scos::ssm::Ssm;
use farpost::time::{Now, Week};
use serde_json::{Value, json};

use super::ssm::with_bookings;
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
pub(super) fn listen(store: Option<&Path>, waker: Waker) -> Result<Option<Asked>, Failure> {
    let Some(store) = store else { return Ok(None) };
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
        for stream in listener.incoming().map_while(Result::ok) {
            let (answer, text) = channel::<String>();
            if sender.send(answer).is_err() || waker.wake().is_err() {
                return;
            }
            let Ok(text) = text.recv_timeout(PATIENCE) else { continue };
            let mut stream = stream;
            // Who has gone away does not want to know.
            let _ = stream.set_write_timeout(Some(PATIENCE));
            let _ = stream.write_all(text.as_bytes());
        }
    });
    Ok(Some(Asked { questions, socket }))
}

impl Asked {
    /// Answers whoever has asked.
    pub(super) fn answer(&self, now: Now, ssm: &Ssm<'_>) {
        for question in self.questions.try_iter() {
            let _ = question.send(status(now, ssm).to_string());
        }
    }
}

/// Asks the SSM that has a store, and prints what it says.
pub(super) fn ask(store: Option<&Path>, json: bool) -> Result<ExitCode, Failure> {
    let Some(store) = store else { return Err(Failure::new("--store is missing")) };
    let socket = socket(store);
    let mut stream = UnixStream::connect(&socket).map_err(|error| {
        Failure::new(format!("no SSM answers at {}: {error}", socket.display()))
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let status: Value = serde_json::from_str(&text)?;
    if json {
        println!("{status}");
    } else {
        print!("{}", readable(&status));
    }
    Ok(ExitCode::SUCCESS)
}

/// How an SSM stands.
fn status(now: Now, ssm: &Ssm<'_>) -> Value {
    let scheduler = ssm.scheduler();
    let week = scheduler.week();
    let booked = |device: DeviceIndex, week: Week| {
        let plan = scheduler.plan(device, week);
        plan.map_or(0, |plan| Week::MINUTES.saturating_sub(plan.free_minutes()))
    };
    let devices: Vec<_> = ssm
        .devices(now)
        .map(|(index, device, remaining)| {
            json!({"device": device, "ttl_s": remaining.map(|remaining| remaining.as_secs()),
                   "minutes_this_week": booked(index, week),
                   "minutes_next_week": booked(index, week.next())})
        })
        .collect();
    let mut minutes: BTreeMap<u32, [u32; 2]> = BTreeMap::new();
    for recipe in scheduler.recipes() {
        let of = minutes.entry(recipe.request.actor.0).or_default();
        let at = usize::from(recipe.grant.week != week);
        if let Some(sum) = of.get_mut(at).filter(|_| recipe.grant.week >= week) {
            *sum = sum.saturating_add(recipe.grant.pattern.shape().total_minutes().into());
        }
    }
    let actors: Vec<_> = minutes
        .iter()
        .map(|(actor, [this, next])| {
            json!({"actor": actor, "minutes_this_week": this, "minutes_next_week": next})
        })
        .collect();
    let (stats, restored) = (ssm.stats(), ssm.restored());
    json!({
        "time": now.utc.to_string(),
        "epoch": ssm.epoch(),
        "devices": devices,
        "actors": actors,
        "usage": ssm
            .usage()
            .map(|usage| {
                json!({"actor": usage.actor.0, "granted_minutes": usage.granted_minutes,
                       "cancelled_minutes": usage.cancelled_minutes,
                       "complete": usage.complete, "incomplete": usage.incomplete,
                       "rejected": usage.rejected, "excess_permille": usage.excess_permille()})
            })
            .collect::<Vec<_>>(),
        "scans_owed": ssm.owed(),
        "reports_waiting": ssm.unacknowledged(),
        "restored": {"records": restored.records, "damaged": restored.damaged,
                     "no_room": restored.no_room},
        "store_failures": ssm.store_failures(),
        "counters": {
            "granted": stats.granted, "refused": stats.refused, "cancelled": stats.cancelled,
            "busy": stats.busy, "reports": stats.reports,
            "reports_issued": stats.reports_issued, "reports_late": stats.reports_late,
            "reports_abandoned": stats.reports_abandoned, "associations": stats.associations,
            "expiries": stats.expiries, "restarts": stats.restarts,
            "unknown_devices": stats.unknown_devices, "wrong_keys": stats.wrong_keys,
            "malformed": stats.link.malformed,
        },
        "week": with_bookings(ssm, |bookings| week_text(week, bookings)),
    })
}

/// The same for people.
fn readable(status: &Value) -> String {
    use std::fmt::Write;
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "run {} at {}: {} scans owed, {} reports waiting, {} failures of the store\n",
        status["epoch"],
        status["time"].as_str().unwrap_or_default(),
        status["scans_owed"],
        status["reports_waiting"],
        status["store_failures"]
    );
    let _ = writeln!(text, "{:<32} {:>8} {:>10} {:>10}", "device", "TTL", "this week", "next week");
    for device in status["devices"].as_array().into_iter().flatten() {
        let ttl = device["ttl_s"].as_u64().map_or("away".into(), |ttl| format!("{ttl} s"));
        let _ = writeln!(
            text,
            "{:<32} {ttl:>8} {:>6} min {:>6} min",
            device["device"].as_str().unwrap_or_default(),
            device["minutes_this_week"].as_u64().unwrap_or_default(),
            device["minutes_next_week"].as_u64().unwrap_or_default()
        );
    }
    for actor in status["actors"].as_array().into_iter().flatten() {
        let _ = writeln!(
            text,
            "{:<41} {:>6} min {:>6} min",
            format!("actor {}", actor["actor"]),
            actor["minutes_this_week"].as_u64().unwrap_or_default(),
            actor["minutes_next_week"].as_u64().unwrap_or_default()
        );
    }
    for usage in status["usage"].as_array().into_iter().flatten() {
        let excess = usage["excess_permille"].as_u64();
        let _ = writeln!(
            text,
            "actor {} was granted {} min, {} times what its scans took",
            usage["actor"],
            usage["granted_minutes"],
            excess.map_or("?".into(), |excess| format!("{}.{:03}", excess / 1_000, excess % 1_000))
        );
    }
    let counters = status["counters"].as_object().into_iter().flatten();
    let counters: Vec<_> = counters.map(|(name, count)| format!("{name} {count}")).collect();
    let _ =
        writeln!(text, "\n{}\n\n{}", counters.join(", "), status["week"].as_str().unwrap_or(""));
    text
}
