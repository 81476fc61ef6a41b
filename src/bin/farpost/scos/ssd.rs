//! `farpost ssd`: a spectrum sensing device.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use data_encoding::HEXLOWER_PERMISSIVE;
use farpost::host::mib::Bump;
use farpost::host::sensing::{Band, FrontEnd, Place as Site, Player, Post, Recording, World};
use farpost::host::station::{DeviceStation, FrontEndSensor};
use farpost::machine::Machine;
use farpost::scos::carriage::{Station, manager};
use farpost::scos::metadata::{Analyser, Host, Receiver};
use farpost::scos::ssd::{Ssd as Device, SsdConfig, SsdStorage};
use farpost::scos::{AssociationEvent, Backoff, DeviceMetadata, ScanId, Section, Summary};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};
use serde_json::json;

use super::tell::association;
use super::{Place, Program, Told, found, slots};
use crate::ams::{Failure, Output, event, exit};

/// Run a spectrum sensing device: it associates with the SSM, scans in its slots, and
/// reports.
///
/// It senses a generated band, or plays a recording. What happens is one JSON object a
/// line: association, scan, and at the end stopped. Ctrl-C disassociates. With a store it
/// works through its schedule after a loss of power too, and reports when it can.
#[derive(Args)]
pub(crate) struct Ssd {
    #[command(flatten)]
    place: Place,
    /// Its device ID, 1 to 32 octets.
    #[arg(long, value_name = "ID")]
    device: String,
    /// Its public key in hexadecimal; by default the octets of its ID.
    #[arg(long, value_name = "HEX", value_parser = key)]
    public_key: Option<Key>,
    /// Sense what this SigMF recording has.
    #[arg(long, value_name = "FILE")]
    recording: Option<PathBuf>,
    /// The seed of the band that is generated otherwise.
    #[arg(long, value_name = "N", default_value_t = 2026)]
    seed: u64,
    /// How many recipes its schedule holds.
    #[arg(long, value_name = "N", default_value_t = 256)]
    recipes: u16,
}

/// Octets of a key.
#[derive(Clone, Debug)]
struct Key(Vec<u8>);

fn key(text: &str) -> Result<Key, String> {
    let octets = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(|error| error.to_string())?;
    if octets.len() > 64 { Err("a key has at most 64 octets".into()) } else { Ok(Key(octets)) }
}

/// Reports that wait for the SSM.
const REPORTS: usize = 1_024;

type AnyFrontEnd = Box<dyn FrontEnd + Send>;

impl Ssd {
    pub(crate) fn run(&self) -> ExitCode {
        exit(self.sense())
    }

    fn sense(&self) -> Result<ExitCode, Failure> {
        if self.device.is_empty() || self.device.len() > 32 {
            return Err(Failure::new("--device: an ID has 1 to 32 octets"));
        }
        let arena = Bump::new();
        let told = Told::new(Output::new().into());
        let front_end = self.front_end()?;
        let ssd = self.device(&arena, &told, front_end.as_ref())?;
        self.place.run(&arena, Station::Device, &told, |_| {
            let sensor = FrontEndSensor::new(front_end);
            Ok(Sensing {
                station: DeviceStation { ssd, sensor },
                told: told.clone(),
                running: None,
                left: false,
            })
        })
    }

    fn front_end(&self) -> Result<AnyFrontEnd, Failure> {
        Ok(match &self.recording {
            Some(file) => Box::new(Player::new(Recording::open(file)?, 0.0)),
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
        front_end: &dyn FrontEnd,
    ) -> Result<Device<'a>, Failure> {
        let reach = front_end.capabilities();
        let name: &'a str = arena.alloc_str(&self.device);
        let receiver = Receiver {
            frequency_low_hz: *reach.frequency_hz.start(),
            frequency_high_hz: *reach.frequency_hz.end(),
            bandwidth_max_hz: *reach.bandwidth_hz.end(),
            resolution_min_hz: 10,
            gain_min_db: *reach.gain_db.start(),
            gain_max_db: *reach.gain_db.end(),
        };
        let metadata = [
            Section::Analyser(Analyser::new(receiver)),
            Section::Host(Host { name, ..Host::UNKNOWN }),
        ];
        let seconds = u32::try_from(farpost::host::clock::system_utc().unix_seconds())?;
        let config = SsdConfig {
            device: name,
            public_key: match &self.public_key {
                Some(Key(octets)) => arena.alloc_slice_copy(octets),
                None => name.as_bytes(),
            },
            metadata: arena.alloc_slice_copy(&metadata),
            ssm: manager(),
            boot: seconds,
            seed: self.seed ^ u64::from(seconds),
            backoff: Backoff::NOMINAL,
            tolerance: Duration::from_secs(20),
            guard: Duration::from_secs(30),
        };
        let storage = SsdStorage {
            recipes: slots(arena, self.recipes.max(1).into()),
            reports: slots(arena, REPORTS),
            summaries: arena.alloc_slice_fill_with(REPORTS, |_| Summary::EMPTY),
            metadata: arena.alloc_slice_fill_copy(DeviceMetadata::OCTETS, 0),
        };
        let ssd = Device::new(config, storage);
        let ssd = match self.place.store(arena)? {
            Some(store) => ssd.with_store(store)?,
            None => ssd,
        };
        found(told, self.place.store.as_deref(), ssd.restored())?;
        Ok(ssd)
    }
}

/// A device, and what was told of it.
struct Sensing<'s> {
    station: DeviceStation<'s, AnyFrontEnd>,
    told: Told,
    running: Option<ScanId>,
    left: bool,
}

impl Sensing<'_> {
    /// Tells what has happened in a call.
    fn look(&mut self) {
        for event in self.station.sensor.events.drain(..) {
            self.left |= event == AssociationEvent::Left;
            association(&self.told, event);
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
    fn work(&mut self, _now: Now) -> Result<(), Failure> {
        let ssd = &self.station.ssd;
        let there = if ssd.is_associated() { "associated" } else { "not associated" };
        let (recipes, waiting) = (ssd.schedule().count(), ssd.unacknowledged());
        let status = format!("{there}, {recipes} recipes, {waiting} reports waiting");
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
