//! The network: entities, sockets, and the loop that runs them.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bumpalo::Bump;
use farpost::host::clock::VirtualClock;
use farpost::host::driver::{Driver, Entity};
use farpost::host::module::ModuleHost;
use farpost::host::sensing::{Band, Capabilities, FrontEnd, Player, Recording, World};
use farpost::host::station::{
    ActorStation, DeviceStation, FrontEndSensor, ManagerStation, StationApplication,
};
use farpost::scos::actor::{Actor, ActorConfig};
use farpost::scos::calendar::{DevicePlan, Policy};
use farpost::scos::carriage::{Station, manager};
use farpost::scos::metadata::{
    Analyser, Antenna, Environment, HardwareSpec, Host, Receiver, Surroundings,
};
use farpost::scos::ssd::{Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{Ssm, SsmConfig, SsmStorage};
use farpost::scos::{ActorId, Backoff, DeviceConfig, DeviceMetadata, RequestId, Section, Summary};
use farpost::time::Now;

use super::continuum::{Continuum, octets, slots};
use super::journal::{Notes, SharedJournal, Stored, Watch};
use super::link;
use super::options::Options;
use super::script::{self, ACTORS, DEVICES, Plan, UNPLUGGED};

/// How those wait for answers who ask across the link: longer than one takes.
const ACROSS: Backoff = Backoff { first: link::ROUND_TRIP.saturating_mul(2), ..Backoff::NOMINAL };

type Sensing = FrontEndSensor<Box<dyn FrontEnd + Send>>;
type DeviceHost<'a> =
    ModuleHost<'a, StationApplication<DeviceStation<'a, Box<dyn FrontEnd + Send>>>>;
type ManagerHost<'a> = ModuleHost<'a, StationApplication<ManagerStation<'a, Watch>>>;
type ActorHost<'a> = ModuleHost<'a, StationApplication<ActorStation<'a, Notes>>>;

/// All entities, and what runs them.
pub(crate) struct Network<'a> {
    arena: &'a Bump,
    options: &'a Options,
    journal: SharedJournal,
    world: Arc<World>,
    driver: Driver<VirtualClock>,
    field: Continuum<'a>,
    centre: Continuum<'a>,
    manager: ManagerHost<'a>,
    /// `None` while it is unplugged.
    devices: [Option<DeviceHost<'a>>; DEVICES.len()],
    actors: [ActorHost<'a>; ACTORS.len()],
    /// How often an SSD has been plugged in.
    boots: u32,
    /// The centre and the width of the recorded band, if there is a recording.
    recorded: Option<(u64, u32)>,
    /// How many Actors have asked.
    asked: usize,
    /// Whether one of them has asked once more.
    asked_late: bool,
    /// Whether the link is away.
    away: bool,
}

impl<'a> Network<'a> {
    pub(crate) fn new(
        arena: &'a Bump,
        options: &'a Options,
        journal: &SharedJournal,
    ) -> Result<Self, Box<dyn Error>> {
        let [field, centre] = Continuum::both(arena, journal)?;
        let watch = Watch(journal.clone());
        let manager = ManagerStation { ssm: make_ssm(arena), user: watch };
        let manager = field.seat(arena, Station::Manager, manager)?;
        let actors = [
            centre.seat(arena, Station::Actor, make_actor(arena, 0, journal))?,
            centre.seat(arena, Station::Actor, make_actor(arena, 1, journal))?,
        ];
        let clock = VirtualClock::new(script::START, options.speed);
        let mut network = Self {
            arena,
            options,
            journal: journal.clone(),
            world: Arc::new(World::town(2026)),
            driver: Driver::new(clock)?,
            field,
            centre,
            manager,
            devices: [const { None }; DEVICES.len()],
            actors,
            boots: 0,
            recorded: options.recording.as_deref().map(recorded_band).transpose()?,
            asked: 0,
            asked_late: false,
            away: false,
        };
        for continuum in [&mut network.field, &mut network.centre] {
            for entity in continuum.entities() {
                network.driver.add(entity)?;
            }
        }
        network.driver.add(&mut network.manager)?;
        for actor in &mut network.actors {
            network.driver.add(actor)?;
        }
        Ok(network)
    }

    /// Runs until all is reported (true) or the time is over (false).
    pub(crate) fn run(&mut self) -> Result<bool, Box<dyn Error>> {
        let start = self.driver_now();
        self.field.register(start)?;
        self.centre.register(start)?;
        self.manager.service.register(start)?;
        for actor in &mut self.actors {
            actor.service.register(start)?;
        }
        for device in 0..DEVICES.len() {
            self.plug_in(device, start)?;
        }
        loop {
            let now = self.turn()?;
            let elapsed = now.utc.since(script::START);
            self.follow_script(now, elapsed)?;
            self.journal.borrow().show_progress(now);
            if self.asked_late && self.journal.borrow().is_complete() {
                return Ok(true);
            }
            if elapsed > script::LIMIT {
                return Ok(false);
            }
        }
    }

    fn turn(&mut self) -> io::Result<Now> {
        let mut entities: Vec<&mut dyn Entity> = vec![&mut self.manager];
        entities.extend(self.field.entities());
        entities.extend(self.centre.entities());
        for device in self.devices.iter_mut().flatten() {
            entities.push(device);
        }
        for actor in &mut self.actors {
            entities.push(actor);
        }
        self.driver.turn(&mut entities, Duration::from_millis(100))
    }

    /// What the gateways had to store.
    pub(crate) fn stored(&self) -> [Stored; 2] {
        [&self.field, &self.centre].map(|continuum| Stored::of(continuum.gateway()))
    }

    /// Asks for scans when it is time, unplugs an SSD and plugs it in again.
    fn follow_script(&mut self, now: Now, elapsed: Duration) -> Result<(), Box<dyn Error>> {
        // One after the other: who asks first for a slot that two want is no matter
        // of chance.
        if self.asked < ACTORS.len()
            && elapsed >= script::ASK_AFTER
            && self.field.is_joined()
            && self.centre.is_joined()
            && self.journal.borrow().is_ready()
        {
            self.copy_inventory(self.asked);
            self.ask(self.asked, now, script::wishes(self.asked, self.recorded))?;
            self.asked += 1;
        }
        self.look_at_link(now);
        if !self.asked_late && elapsed >= script::ASK_LATE_AFTER {
            self.asked_late = true;
            self.ask(0, now, script::late_wishes(self.recorded))?;
        }
        let (device, from, until) = UNPLUGGED;
        let plugged = self.devices.get(device).is_some_and(Option::is_some);
        if plugged && (from..until).contains(&elapsed) {
            if let Some(seat) = self.devices.get_mut(device) {
                *seat = None;
            }
            self.tell_device(now, device, "is unplugged");
        } else if !plugged && elapsed >= until {
            self.plug_in(device, now)?;
            self.tell_device(now, device, "is plugged in again");
        }
        Ok(())
    }

    /// Tells when the link goes and when it is back.
    fn look_at_link(&mut self, now: Now) {
        if self.away == link::is_away(now) {
            return;
        }
        self.away = !self.away;
        let [field, centre] = self.stored().map(|stored| stored.kept);
        let what = match self.away {
            true => "is away, for both continua".to_owned(),
            false => {
                format!("is back: {field} messages waited in the field, {centre} in the centre")
            }
        };
        self.journal.borrow().tell(now, "link", &what);
    }

    fn tell_device(&self, now: Now, device: usize, what: &str) {
        let name = DEVICES.get(device).map_or("?", |(name, _)| name);
        self.journal.borrow().tell(now, name, what);
    }

    fn copy_inventory(&mut self, number: usize) {
        if let Some(host) = self.actors.get_mut(number) {
            host.application.machine.actor.copy_inventory();
        }
    }

    /// Has an Actor ask for scans.
    fn ask(&mut self, number: usize, now: Now, plans: Vec<Plan>) -> Result<(), Box<dyn Error>> {
        let Some(host) = self.actors.get_mut(number) else {
            return Ok(());
        };
        for plan in plans {
            let request = host.application.machine.actor.request(&plan.wish())?;
            self.journal.borrow_mut().asked(now, number, request, plan);
        }
        Ok(())
    }

    /// Switches an SSD on. It starts anew, whatever it was before.
    fn plug_in(&mut self, device: usize, now: Now) -> Result<(), Box<dyn Error>> {
        let Some(&(name, post)) = DEVICES.get(device) else {
            return Ok(());
        };
        self.boots += 1;
        let front_end: Box<dyn FrontEnd + Send> = match &self.options.recording {
            None => Box::new(Band::new(self.world.clone(), post)),
            Some(file) => Box::new(Player::new(Recording::open(file)?, 0.0)),
        };
        let ssd = make_ssd(self.arena, name, self.boots, front_end.as_ref());
        let station = DeviceStation { ssd, sensor: Sensing::new(front_end) };
        let mut host = self.field.seat(self.arena, Station::Device, station)?;
        self.driver.add(&mut host)?;
        host.service.register(now)?;
        if let Some(seat) = self.devices.get_mut(device) {
            *seat = Some(host);
        }
        Ok(())
    }

    fn driver_now(&self) -> Now {
        use farpost::time::Clock;
        self.driver.clock().now()
    }
}

/// The centre and the width of the first band of a recording, in hertz.
fn recorded_band(file: &Path) -> Result<(u64, u32), Box<dyn Error>> {
    let player = Player::new(Recording::open(file)?, 0.0);
    let band = player.bands().next().ok_or("the recording does not tell its frequency")?;
    let widest = *player.capabilities().bandwidth_hz.end();
    Ok((band.start().midpoint(*band.end()), widest))
}

fn make_ssm(arena: &Bump) -> Ssm<'_> {
    let devices = arena.alloc_slice_fill_iter(
        DEVICES.map(|(device, _)| DeviceConfig { device, public_key: device.as_bytes() }),
    );
    let config = SsmConfig {
        max_ttl: Duration::from_secs(180),
        policy: Policy { quota_minutes: Some(60), ..Policy::OPEN },
        grace: Duration::from_secs(60),
        backoff: ACROSS,
        ..SsmConfig::nominal(1, devices)
    };
    let storage = SsmStorage {
        devices: slots(arena, DEVICES.len()),
        plans: arena.alloc_slice_fill_with(DEVICES.len(), |_| DevicePlan::EMPTY),
        metadata: arena.alloc_slice_fill_with(DEVICES.len(), |_| DeviceMetadata::EMPTY),
        recipes: slots(arena, 64),
        bookings: slots(arena, 64),
        actors: slots(arena, 8),
        reports: slots(arena, 64),
        summaries: arena.alloc_slice_fill_with(64, |_| Summary::EMPTY),
        usage: slots(arena, 8),
    };
    Ssm::new(config, storage)
}

fn make_ssd<'a>(
    arena: &'a Bump,
    name: &'static str,
    boot: u32,
    front_end: &dyn FrontEnd,
) -> Ssd<'a> {
    let reach = front_end.capabilities();
    let config = SsdConfig {
        device: name,
        public_key: name.as_bytes(),
        metadata: arena.alloc_slice_copy(&metadata(name, &reach)),
        ssm: manager(),
        boot,
        seed: u64::from(boot),
        backoff: Backoff::NOMINAL,
        tolerance: Duration::from_secs(20),
        guard: Duration::from_secs(30),
    };
    let storage = SsdStorage {
        recipes: slots(arena, 16),
        reports: slots(arena, 32),
        summaries: arena.alloc_slice_fill_with(32, |_| Summary::EMPTY),
        metadata: octets(arena, DeviceMetadata::OCTETS),
    };
    Ssd::new(config, storage)
}

/// What a device says of itself.
fn metadata(name: &'static str, reach: &Capabilities) -> [Section<'static>; 4] {
    let receiver = Receiver {
        frequency_low_hz: *reach.frequency_hz.start(),
        frequency_high_hz: *reach.frequency_hz.end(),
        bandwidth_max_hz: *reach.bandwidth_hz.end(),
        resolution_min_hz: 10,
        gain_min_db: *reach.gain_db.start(),
        gain_max_db: *reach.gain_db.end(),
    };
    [
        Section::Analyser(Analyser::new(receiver)),
        Section::Antenna(Antenna {
            spec: HardwareSpec { model: "D-130", ..HardwareSpec::UNKNOWN },
            kind: "discone",
            gain_tenth_dbi: Some(20),
            ..Antenna::UNKNOWN
        }),
        Section::Host(Host {
            spec: HardwareSpec { model: "simulated", ..HardwareSpec::UNKNOWN },
            name,
            ..Host::UNKNOWN
        }),
        Section::Environment(Environment {
            surroundings: Some(Surroundings::OutdoorRural),
            ..Environment::UNKNOWN
        }),
    ]
}

fn make_actor<'a>(
    arena: &'a Bump,
    number: usize,
    journal: &SharedJournal,
) -> ActorStation<'a, Notes> {
    let config = ActorConfig {
        actor: ActorId(u32::try_from(number).unwrap_or(0) + 1),
        ssm: manager(),
        first_request: RequestId(1),
        backoff: ACROSS,
        attempts: 10,
    };
    let actor = Actor::new(config, slots(arena, 32));
    ActorStation { actor, user: Notes { actor: number, journal: journal.clone() } }
}
