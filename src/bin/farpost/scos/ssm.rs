//! `farpost ssm`: the spectrum sensing manager.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use farpost::ams::ids::ContinuumNumber;
use farpost::crypto::Ed25519;
use farpost::host::clock::system_utc;
use farpost::host::devices::DeviceList;
use farpost::host::draw::week_svg;
use farpost::host::mib::Bump;
use farpost::host::random::SystemRandom;
use farpost::host::station::ManagerStation;
use farpost::host::tls::{TlsLimits, TlsServer, TlsServerStats};
use farpost::machine::Machine;
use farpost::scos::calendar::{DevicePlan, Recipe};
use farpost::scos::carriage::Station;
use farpost::scos::ssm::{ActorName, PolicyManager, Ssm as Manager, SsmConfig, SsmStorage};
use farpost::scos::{ActorPolicy, AttemptLimit, Authentication, Backoff, DeviceMetadata, Summary};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};
use serde_json::{Map, Value, json};

use super::status::{self, Asked, Booked, with_bookings};
use super::tell::Teller;
use super::{Keeping, Part, Program, Told, replace, slots};
use crate::ams::{Failure, Output, Place, event, exit};

/// Run a spectrum sensing manager, or ask one that runs how it stands.
///
/// It knows the devices and Actors of a list, books scans on devices for Actors, hands
/// the recipes out and the reports back; as a module of the MIB, over TLS, or both. What
/// happens is one JSON object a line; docs/commands.md tells what the lines hold. Ctrl-C
/// ends it; the signal to hang up has it read list and MIB again. With a store it goes on
/// after a loss of power where it was, and can be asked with --status.
#[derive(Args)]
pub(crate) struct Ssm {
    /// The devices, the Actors, their keys, and what may be booked: TOML, as `farpost
    /// keygen --list` makes it.
    #[arg(long, value_name = "FILE", required_unless_present = "status")]
    list: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    /// Listen here for those that have TLS keys; port 0 is any.
    #[arg(long, value_name = "IP:PORT")]
    tls: Option<SocketAddr>,
    #[command(flatten)]
    keeping: Keeping,
    /// Draw this week and the next into this file, anew whenever they change.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// How many requests and recipes it has room for.
    #[arg(long, value_name = "N", default_value_t = 8_192)]
    requests: u16,
    /// How many reports may be on their way to Actors.
    #[arg(long, value_name = "N", default_value_t = 2_048)]
    reports: u16,
    /// Print how the SSM stands that has this store, and end.
    #[arg(long, requires = "store", conflicts_with_all = ["list", "mib", "tls"])]
    status: bool,
    /// With --status, print it as JSON.
    #[arg(long, requires = "status")]
    json: bool,
    /// With --status, print this week and the next as text.
    #[arg(long, requires = "status", conflicts_with = "json")]
    text: bool,
}

const ACTORS: usize = 256;
/// Devices that may be added while it runs, or that associate by themselves.
const SPARE: usize = 64;
/// Those who have failed to associate that are remembered.
const ATTEMPTS: usize = 1_024;

impl Ssm {
    pub(crate) fn run(&self) -> ExitCode {
        exit(if self.status { self.ask() } else { self.manage() })
    }

    fn ask(&self) -> Result<ExitCode, Failure> {
        let Some(store) = &self.keeping.store else {
            return Err(Failure::new("--store FILE is missing"));
        };
        let answer = status::ask(store)?;
        if let Some(file) = &self.svg {
            replace(file, &answer.svg()?)?;
        }
        answer.print(self.json, self.text)
    }

    fn manage(&self) -> Result<ExitCode, Failure> {
        let Some(file) = &self.list else { return Err(Failure::new("--list FILE is missing")) };
        let list = DeviceList::load(file)?;
        let link = self.tls.map(|at| listen(at, &list)).transpose()?;
        let linked = json!({"tls": link.as_ref().map(|link| link.local().to_string())});
        let arena = Bump::new();
        let told = Told::new(Output::new().into());
        let ssm = self.manager(&arena, &told, &list)?;
        let part = Part {
            place: &self.place,
            keeping: &self.keeping,
            station: Station::Manager,
            elsewhere: Some(ContinuumNumber::ALL),
            link,
            linked,
        };
        part.run(&arena, &told, |waker| {
            let store = self.keeping.store.as_deref();
            Ok(Managing {
                station: ManagerStation { ssm, user: Teller::new(told.clone()) },
                arena: &arena,
                file: file.clone(),
                list,
                svg: self.svg.clone(),
                drawn: None,
                refused: 0,
                asked: store.map(|store| status::listen(store, waker)).transpose()?,
            })
        })
    }

    fn manager<'a>(
        &self,
        arena: &'a Bump,
        told: &Told,
        list: &DeviceList,
    ) -> Result<Manager<'a>, Failure> {
        let devices = list.device_configs();
        let config = SsmConfig {
            epoch: u32::try_from(system_utc().unix_seconds())?,
            devices: &devices,
            admission: list.manager.admission,
            max_ttl: list.manager.max_ttl,
            policy: list.policy,
            guard: list.manager.guard,
            grace: list.manager.grace,
            backoff: Backoff::NOMINAL,
            memory: Duration::from_secs(3_600),
            keep: Duration::from_secs(7 * 86_400),
            operator: list.manager.operator,
        };
        let room = devices.len().saturating_add(SPARE);
        let actors = list.actors.len().saturating_add(ACTORS);
        let reports = usize::from(self.reports.max(1));
        let storage = SsmStorage {
            devices: slots(arena, room),
            plans: arena.alloc_slice_fill_with(room, |_| DevicePlan::EMPTY),
            metadata: arena.alloc_slice_fill_with(room, |_| DeviceMetadata::EMPTY),
            recipes: slots(arena, self.requests.max(1).into()),
            bookings: slots(arena, self.requests.max(1).into()),
            actors: slots(arena, actors),
            reports: slots(arena, reports),
            summaries: arena.alloc_slice_fill_with(reports, |_| Summary::EMPTY),
            usage: slots(arena, actors),
        };
        let authentication = Authentication {
            scheme: &Ed25519,
            random: &SystemRandom,
            attempts: slots(arena, ATTEMPTS),
            limit: AttemptLimit::NOMINAL,
        };
        let ssm = Manager::new(config, storage).with_authentication(authentication);
        let mut ssm = match self.keeping.store(arena)? {
            Some(store) => ssm.with_store(store)?,
            None => ssm,
        };
        self.keeping.found(told, ssm.restored())?;
        if let Some(name) = &list.manager.policy_manager {
            ssm.set_policy_manager(Some(PolicyManager::Identity(arena.alloc_str(name))));
        }
        go_by(&mut ssm, arena, list)?;
        Ok(ssm)
    }
}

/// Listens for those that have keys.
fn listen(at: SocketAddr, list: &DeviceList) -> Result<TlsServer, Failure> {
    let bound = TlsServer::bind(at, TlsLimits::default());
    let mut link = bound.map_err(|error| Failure::new(format!("{at} cannot be bound: {error}")))?;
    link.set_keys(list.keys())?;
    Ok(link)
}

/// Has an SSM go by what the list sets for devices and Actors. What a policy manager has
/// set for an Actor stands.
fn go_by<'a>(ssm: &mut Manager<'a>, arena: &'a Bump, list: &DeviceList) -> Result<(), Failure> {
    let names = list
        .actors
        .iter()
        .map(|one| ActorName { name: arena.alloc_str(&one.name), actor: one.actor });
    let names: Vec<_> = names.collect();
    ssm.set_actors(arena.alloc_slice_copy(&names));
    ssm.set_policy(list.policy);
    for device in &list.devices {
        ssm.set_reserve(&device.id, device.reserve);
    }
    let set: Vec<_> = ssm.actor_policies().map(|(actor, _, version)| (actor, version)).collect();
    let is_managed = |actor| set.iter().any(|(other, version)| *other == actor && *version > 0);
    let listed = |actor| list.actors.iter().find(|one| one.actor == actor)?.policy;
    for (actor, _) in set.iter().filter(|(actor, _)| !is_managed(*actor)) {
        if listed(*actor).is_none() {
            // There is room: it is known.
            let _ = ssm.set_actor_policy(*actor, ActorPolicy::default());
        }
    }
    for one in list.actors.iter().filter(|one| !is_managed(one.actor)) {
        let Some(policy) = one.policy else { continue };
        ssm.set_actor_policy(one.actor, policy).map_err(|_| {
            Failure::new(format!("there is no room for what is set for `{}`", one.name))
        })?;
    }
    Ok(())
}

/// An SSM, and what it is to show.
struct Managing<'s> {
    station: ManagerStation<'s, Teller>,
    arena: &'s Bump,
    file: PathBuf,
    list: DeviceList,
    svg: Option<PathBuf>,
    /// What was drawn last.
    drawn: Option<Vec<Recipe>>,
    /// Connections that were refused, when it was last told.
    refused: u64,
    asked: Option<Asked>,
}

impl Managing<'_> {
    /// Draws the weeks if they are not as they were.
    fn draw(&mut self) -> Result<(), Failure> {
        let Some(file) = &self.svg else { return Ok(()) };
        let ssm = &self.station.ssm;
        let recipes: Vec<_> = ssm.scheduler().recipes().copied().collect();
        if self.drawn.as_ref() == Some(&recipes) {
            return Ok(());
        }
        let week = ssm.scheduler().week();
        let booked = Booked::of(ssm, &self.list);
        let text = with_bookings(&booked, |bookings| week_svg(&[week, week.next()], bookings));
        replace(file, &text)?;
        self.drawn = Some(recipes);
        Ok(())
    }

    /// Tells of connections that were refused.
    fn watch(&mut self, stats: &TlsServerStats) {
        let TlsServerStats { unknown_identities, wrong_keys, not_tls, .. } = *stats;
        let refused = unknown_identities.saturating_add(wrong_keys).saturating_add(not_tls);
        if refused == self.refused {
            return;
        }
        self.refused = refused;
        self.station.user.told.borrow_mut().line(event(
            "tls_refused",
            json!({"unknown_identities": unknown_identities, "wrong_keys": wrong_keys,
                   "not_tls": not_tls}),
        ));
    }

    fn take(&mut self, link: Option<&mut TlsServer>) -> Result<Value, Failure> {
        let list = DeviceList::load(&self.file)?;
        if list.manager != self.list.manager {
            return Err(Failure::new(format!(
                "{}: what [ssm] says holds from the next start on; it is as it was, and so is \
                 all else",
                self.file.display()
            )));
        }
        let ssm = &mut self.station.ssm;
        if let Some(link) = link {
            link.set_keys(list.keys())?;
        }
        let no_room = ssm.set_devices(&list.device_configs());
        go_by(ssm, self.arena, &list)?;
        let (devices, actors) = (list.devices.len(), list.actors.len());
        self.list = list;
        self.drawn = None;
        Ok(json!({"devices": devices, "actors": actors, "no_room": no_room}))
    }
}

impl Machine for Managing<'_> {
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

impl Program for Managing<'_> {
    type Link = TlsServer;

    fn work(&mut self, now: Now, link: Option<&mut TlsServer>) -> Result<(), Failure> {
        self.draw()?;
        if let Some(link) = &link {
            self.watch(link.stats());
        }
        let ssm = &self.station.ssm;
        if let Some(asked) = &self.asked {
            asked.answer(|| status::status(now, ssm, &self.list, link.as_deref()));
        }
        let (devices, owed, waiting) =
            (ssm.inventory(now).count(), ssm.owed(), ssm.unacknowledged());
        let status = format!("{devices} devices, {owed} scans to come, {waiting} reports waiting");
        self.station.user.told.borrow_mut().status(status);
        Ok(())
    }

    fn reload(&mut self, link: Option<&mut TlsServer>) -> Option<Map<String, Value>> {
        Some(match self.take(link) {
            Ok(taken) => event("list_changed", taken),
            Err(Failure(problem)) => event("list_refused", json!({"message": problem})),
        })
    }
}
