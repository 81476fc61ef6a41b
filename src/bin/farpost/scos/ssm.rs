//! `farpost ssm`: the spectrum sensing manager.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use farpost::host::clock::system_utc;
use farpost::host::draw::{Booking, week_svg};
use farpost::host::mib::Bump;
use farpost::host::station::ManagerStation;
use farpost::machine::Machine;
use farpost::scos::calendar::{DevicePlan, Recipe};
use farpost::scos::carriage::Station;
use farpost::scos::ssm::{Ssm as Manager, SsmConfig, SsmStorage};
use farpost::scos::{ActorId, Backoff, DeviceMetadata, Summary};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};

use super::devices::Devices;
#[cfg(unix)]
use super::status::{self, Asked};
use super::tell::Teller;
use super::{Place, Program, Told, found, slots};
use crate::ams::{Failure, Output, exit};

/// Run a spectrum sensing manager, or ask one that runs how it stands.
///
/// It knows the devices of a file, books scans on them for Actors, hands the recipes out
/// and the reports back. What happens is one JSON object a line: device, granted,
/// refused, cancelled, report, intruder. The signal to hang up has it read the file of
/// devices again. With a store it goes on after a loss of power where it was.
#[derive(Args)]
pub(crate) struct Ssm {
    #[command(flatten)]
    place: Place,
    /// The devices and the policy: TOML, see docs/commands.md.
    #[arg(long, value_name = "FILE", required_unless_present = "status")]
    devices: Option<PathBuf>,
    /// Draw this week and the next into this file, anew whenever they change.
    #[arg(long, value_name = "FILE")]
    week_svg: Option<PathBuf>,
    /// The Actor that may ask what all Actors have had.
    #[arg(long, value_name = "N")]
    operator: Option<u32>,
    /// Print how the SSM that has this store stands, and end.
    #[arg(long, requires = "store")]
    status: bool,
    /// Print that as JSON.
    #[arg(long, requires = "status")]
    json: bool,
}

/// Requests whose answers are remembered, and recipes.
const REQUESTS: usize = 8_192;
/// Reports on their way.
const REPORTS: usize = 2_048;
const ACTORS: usize = 256;
/// Devices that may be added while it runs, or that associate by themselves.
const SPARE: usize = 64;

impl Ssm {
    pub(crate) fn run(&self) -> ExitCode {
        exit(if self.status { self.ask() } else { self.manage() })
    }

    #[cfg(unix)]
    fn ask(&self) -> Result<ExitCode, Failure> {
        status::ask(self.place.store.as_deref(), self.json)
    }

    #[cfg(not(unix))]
    fn ask(&self) -> Result<ExitCode, Failure> {
        Err(Failure::new("the status of an SSM is told over a Unix socket, which is not here"))
    }

    fn manage(&self) -> Result<ExitCode, Failure> {
        let Some(file) = &self.devices else {
            return Err(Failure::new("--devices is missing"));
        };
        let devices = Devices::read(file)?;
        let arena = Bump::new();
        let told = Told::new(Output::new().into());
        let ssm = self.manager(&arena, &told, &devices)?;
        self.place.run(&arena, Station::Manager, &told, |_waker| {
            Ok(Managing {
                station: ManagerStation { ssm, user: Teller::new(told.clone()) },
                file: file.clone(),
                week_svg: self.week_svg.clone(),
                drawn: None,
                #[cfg(unix)]
                asked: status::listen(self.place.store.as_deref(), _waker)?,
            })
        })
    }

    fn manager<'a>(
        &self,
        arena: &'a Bump,
        told: &Told,
        devices: &Devices,
    ) -> Result<Manager<'a>, Failure> {
        let list = devices.list();
        let config = SsmConfig {
            epoch: u32::try_from(system_utc().unix_seconds())?,
            devices: &list,
            admission: devices.admission(),
            max_ttl: devices.max_ttl(),
            policy: devices.policy(),
            guard: devices.guard(),
            grace: devices.grace(),
            backoff: Backoff::NOMINAL,
            memory: Duration::from_secs(3_600),
            keep: Duration::from_secs(7 * 86_400),
            operator: self.operator.map(ActorId),
        };
        let room = list.len().saturating_add(SPARE);
        let storage = SsmStorage {
            devices: slots(arena, room),
            plans: arena.alloc_slice_fill_with(room, |_| DevicePlan::EMPTY),
            metadata: arena.alloc_slice_fill_with(room, |_| DeviceMetadata::EMPTY),
            recipes: slots(arena, REQUESTS),
            bookings: slots(arena, REQUESTS),
            actors: slots(arena, ACTORS),
            reports: slots(arena, REPORTS),
            summaries: arena.alloc_slice_fill_with(REPORTS, |_| Summary::EMPTY),
            usage: slots(arena, ACTORS),
        };
        let ssm = Manager::new(config, storage);
        let ssm = match self.place.store(arena)? {
            Some(store) => ssm.with_store(store)?,
            None => ssm,
        };
        found(told, self.place.store.as_deref(), ssm.restored())?;
        Ok(ssm)
    }
}

/// An SSM, and what it is to show.
struct Managing<'s> {
    station: ManagerStation<'s, Teller>,
    file: PathBuf,
    week_svg: Option<PathBuf>,
    /// What was drawn last.
    drawn: Option<Vec<Recipe>>,
    #[cfg(unix)]
    asked: Option<Asked>,
}

impl Managing<'_> {
    /// Draws the weeks if they are not as they were.
    fn draw(&mut self) -> Result<(), Failure> {
        let Some(file) = &self.week_svg else { return Ok(()) };
        let ssm = &self.station.ssm;
        let recipes: Vec<_> = ssm.scheduler().recipes().copied().collect();
        if self.drawn.as_ref() == Some(&recipes) {
            return Ok(());
        }
        let week = ssm.scheduler().week();
        let text = with_bookings(ssm, |bookings| week_svg(&[week, week.next()], bookings));
        replace(file, &text)?;
        self.drawn = Some(recipes);
        Ok(())
    }
}

/// Gives what is booked on all devices, as drawings have it.
pub(super) fn with_bookings<R>(ssm: &Manager<'_>, draw: impl FnOnce(&[Booking<'_>]) -> R) -> R {
    let names: Vec<_> = ssm.devices(Now::default()).map(|(index, name, _)| (index, name)).collect();
    let recipes: Vec<_> = ssm.scheduler().recipes().collect();
    let labels: Vec<_> = recipes
        .iter()
        .map(|recipe| {
            let (actor, request) = (recipe.request.actor.0, recipe.request.request.0);
            (format!("actor {actor}"), request.to_string())
        })
        .collect();
    let bookings: Vec<_> = recipes
        .iter()
        .zip(&labels)
        .flat_map(|(recipe, (actor, note))| {
            let named = names.iter().find(|(index, _)| *index == recipe.request.device);
            let device = named.map_or("?", |(_, name)| name);
            let minutes = recipe.request.minutes;
            recipe.grant.starts().map(move |start| Booking { device, actor, note, start, minutes })
        })
        .collect();
    draw(&bookings)
}

/// Writes a file so that nobody sees half of it.
fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let part = file.with_extension("part");
    let written = std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, file));
    written.map_err(|error| Failure::new(format!("{} cannot be written: {error}", file.display())))
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
    fn work(&mut self, now: Now) -> Result<(), Failure> {
        self.draw()?;
        #[cfg(unix)]
        if let Some(asked) = &self.asked {
            asked.answer(now, &self.station.ssm);
        }
        let ssm = &self.station.ssm;
        let (devices, owed, waiting) =
            (ssm.inventory(now).count(), ssm.owed(), ssm.unacknowledged());
        let status = format!("{devices} devices, {owed} scans to come, {waiting} reports waiting");
        self.station.user.told.borrow_mut().status(status);
        Ok(())
    }

    fn reload(&mut self) -> Result<(), Failure> {
        let devices = Devices::read(&self.file)?;
        let ssm = &mut self.station.ssm;
        ssm.set_policy(devices.policy());
        match ssm.set_devices(&devices.list()) {
            0 => Ok(()),
            more => Err(Failure::new(format!(
                "there is no room for {more} of the devices; it comes when the SSM starts again"
            ))),
        }
    }
}
