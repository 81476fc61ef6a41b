//! `farpost ssd`: a spectrum sensing device.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use farpost::crypto::Ed25519;
use farpost::host::clock::system_utc;
use farpost::host::mib::Bump;
use farpost::host::secret::read_secret;
use farpost::host::sensing::{Band, FrontEnd, Place as Site, Player, Post, Recording, World};
use farpost::host::station::{DeviceStation, FrontEndSensor};
use farpost::host::tls::{TlsClient, TlsClientStats};
use farpost::machine::Machine;
use farpost::scos::carriage::Station;
use farpost::scos::messages::DEVICE_ID_MAX;
use farpost::scos::metadata::{Analyser, HardwareSpec, Host, Receiver};
use farpost::scos::ssd::{Ssd as Device, SsdConfig, SsdStats, SsdStorage};
use farpost::scos::{
    AssociationEvent, Backoff, DeviceMetadata, DeviceSigner, ScanId, Section, Summary,
};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};
use serde_json::json;

use super::tell::{association, link_changed};
use super::{Keeping, Part, Program, Reach, Told, slots};
use crate::ams::{Failure, Output, event, exit, seconds};

/// Run a spectrum sensing device: it associates with the SSM, scans in its slots, and
/// reports.
///
/// It senses a generated band, or plays a recording. What happens is one JSON object a
/// line; docs/commands.md tells what the lines hold. Ctrl-C disassociates and ends it.
/// With a store it works through its schedule after a loss of power too, and reports when
/// it can.
#[derive(Args)]
pub(crate) struct Ssd {
    /// Its device ID, 1 to 32 octets.
    #[arg(long, value_name = "ID")]
    device: String,
    /// The file of its private key, as `farpost keygen --list` makes it.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    keeping: Keeping,
    /// Sense what this SigMF recording has.
    #[arg(long, value_name = "FILE")]
    recording: Option<PathBuf>,
    /// With a recording: the power at the antenna that full scale is, in dBm.
    #[arg(
        long,
        value_name = "DBM",
        default_value_t = 0.0,
        requires = "recording",
        allow_negative_numbers = true
    )]
    full_scale: f32,
    /// The seed of the band that is generated otherwise.
    #[arg(long, value_name = "N", default_value_t = 2026, conflicts_with = "recording")]
    seed: u64,
    /// How many recipes its schedule holds.
    #[arg(long, value_name = "N", default_value_t = 256)]
    recipes: u16,
    /// How many reports it keeps for an SSM that is away; then the oldest goes.
    #[arg(long, value_name = "N", default_value_t = 1_024)]
    reports: u16,
    /// How late a scan may begin.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    tolerance: Duration,
}

/// Octets of a private key.
const KEY: usize = 32;

/// What begins so soon is not dropped when the schedule is replaced.
const GUARD: Duration = Duration::from_secs(30);

type AnyFrontEnd = Box<dyn FrontEnd + Send>;

impl Ssd {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.sense())
    }

    fn sense(&self) -> Result<ExitCode, Failure> {
        if self.device.is_empty() || self.device.len() > DEVICE_ID_MAX {
            return Err(Failure::new(format!("--device: an ID has 1 to {DEVICE_ID_MAX} octets")));
        }
        let private = read_secret(&self.key, KEY, KEY)?;
        let arena = Bump::new();
        let told = Told::new(Output::new().into());
        let front_end = self.front_end()?;
        let link = self.reach.link(&self.device)?;
        let ssd = self.device(&arena, &told, &private, front_end.as_ref())?;
        let part = Part {
            place: &self.reach.place,
            keeping: &self.keeping,
            station: Station::Device,
            elsewhere: self.reach.continua(),
            link,
            linked: json!({"device": self.device, "tls": self.reach.tls}),
        };
        part.run(&arena, &told, |_| {
            Ok(Sensing {
                station: DeviceStation { ssd, sensor: FrontEndSensor::new(front_end) },
                told: told.clone(),
                link: (false, TlsClientStats::default()),
                running: None,
                ended: 0,
                left: false,
            })
        })
    }

    fn front_end(&self) -> Result<AnyFrontEnd, Failure> {
        Ok(match &self.recording {
            Some(file) => Box::new(Player::new(Recording::open(file)?, self.full_scale)),
            None => {
                let place = Site { east: 0.0, north: 0.0 };
                let post = Post { number: self.seed, place, noise_figure_db: 6.0 };
                Box::new(Band::new(Arc::new(World::town(self.seed)), post))
            }
        })
    }

    fn device<'a>(
        &self,
        arena: &'a Bump,
        told: &Told,
        private: &'a [u8],
        front_end: &dyn FrontEnd,
    ) -> Result<Device<'a>, Failure> {
        let reach = front_end.capabilities();
        let device: &'a str = arena.alloc_str(&self.device);
        let receiver = Receiver {
            frequency_low_hz: *reach.frequency_hz.start(),
            frequency_high_hz: *reach.frequency_hz.end(),
            bandwidth_max_hz: *reach.bandwidth_hz.end(),
            resolution_min_hz: 10,
            gain_min_db: *reach.gain_db.start(),
            gain_max_db: *reach.gain_db.end(),
        };
        let model = if self.recording.is_some() { "recording" } else { "generated band" };
        let spec = HardwareSpec { model, ..HardwareSpec::UNKNOWN };
        let software = concat!("farpost ", env!("CARGO_PKG_VERSION"));
        let metadata = [
            Section::Analyser(Analyser { spec, ..Analyser::new(receiver) }),
            Section::Host(Host { name: device, software, ..Host::UNKNOWN }),
        ];
        let key: &[u8; KEY] = private.try_into()?;
        let started = system_utc();
        let config = SsdConfig {
            device,
            public_key: arena.alloc_slice_copy(&Ed25519::public_key(key)),
            metadata: arena.alloc_slice_copy(&metadata),
            ssm: self.reach.ssm(),
            boot: u32::try_from(started.unix_seconds())?,
            seed: started.unix_micros().unsigned_abs(),
            backoff: Backoff::NOMINAL,
            tolerance: self.tolerance,
            guard: GUARD,
        };
        let reports = usize::from(self.reports.max(1));
        let storage = SsdStorage {
            recipes: slots(arena, self.recipes.max(1).into()),
            reports: slots(arena, reports),
            summaries: arena.alloc_slice_fill_with(reports, |_| Summary::EMPTY),
            metadata: arena.alloc_slice_fill_copy(DeviceMetadata::OCTETS, 0),
        };
        let ssd = Device::new(config, storage).with_signer(DeviceSigner::new(&Ed25519, private));
        let ssd = match self.keeping.store(arena)? {
            Some(store) => ssd.with_store(store)?,
            None => ssd,
        };
        self.keeping.found(told, ssd.restored())?;
        Ok(ssd)
    }
}

/// A device, and what was told of it.
struct Sensing<'s> {
    station: DeviceStation<'s, AnyFrontEnd>,
    told: Told,
    /// Whether its link was up, and what it counted.
    link: (bool, TlsClientStats),
    running: Option<ScanId>,
    /// Scans that have ended.
    ended: u64,
    left: bool,
}

impl Sensing<'_> {
    /// Tells what has happened in a call.
    fn look(&mut self) {
        for event in self.station.sensor.events.drain(..) {
            self.left |= event == AssociationEvent::Left;
            association(&self.told, event);
        }
        let SsdStats { complete, incomplete, rejected, .. } = *self.station.ssd.stats();
        let ended = complete.saturating_add(incomplete).saturating_add(rejected);
        if ended != self.ended {
            self.ended = ended;
            let counts = json!({"complete": complete, "incomplete": incomplete,
                                "rejected": rejected,
                                "waiting": self.station.ssd.unacknowledged()});
            self.told.borrow_mut().line(event("reports", counts));
        }
        let running = self.station.ssd.running().map(|scan| (scan.id, scan.start));
        if running.map(|(id, _)| id) == self.running {
            return;
        }
        self.running = running.map(|(id, _)| id);
        if let Some((id, start)) = running {
            self.told.borrow_mut().line(event(
                "scan",
                json!({"actor": id.actor.0, "request": id.request.0,
                       "occurrence": id.occurrence, "start": start.to_string()}),
            ));
        }
    }
}

impl Machine for Sensing<'_> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.station.receive(now, from, octets, transport);
        self.look();
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.station.tick(now, transport);
        self.look();
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.station.next_deadline()
    }
}

impl Program for Sensing<'_> {
    type Link = TlsClient;

    fn work(&mut self, _now: Now, link: Option<&mut TlsClient>) -> Result<(), Failure> {
        if let Some(link) = link {
            link_changed(&self.told, link, &mut self.link);
        }
        let ssd = &self.station.ssd;
        let there = if ssd.is_associated() { "associated" } else { "not associated" };
        let (recipes, waiting) = (ssd.schedule().count(), ssd.unacknowledged());
        let mut status = format!("{there}, {recipes} recipes, {waiting} reports waiting");
        if ssd.store_failures() > 0 {
            status += &format!(", {} failures of the store", ssd.store_failures());
        }
        self.told.borrow_mut().status(status);
        Ok(())
    }

    fn leave(&mut self) {
        self.left = !self.station.ssd.is_associated();
        self.station.ssd.leave();
    }

    fn has_left(&self) -> bool {
        self.left
    }
}
