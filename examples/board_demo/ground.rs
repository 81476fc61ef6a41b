//! The ground side by AMS: SSM and Actor are modules of the board's message space.

use std::error::Error;
use std::io;
use std::time::Duration;

use bumpalo::Bump;
use farpost::ams::mib::{Mib, ServiceMode};
use farpost::host::clock::VirtualClock;
use farpost::host::driver::{Driver, Entity};
use farpost::host::module::ModuleHost;
use farpost::host::station::{ActorStation, ManagerStation, StationApplication};
use farpost::machine::Machine;
use farpost::scos::actor::Actor;
use farpost::scos::carriage::{Carriage, Station, manager};
use farpost::time::{Clock, Now};

use super::emulator::{Emulator, Firmware};
use super::journal::{Journal, Notes, SharedJournal, Watch};
use super::options::Options;
use super::script::{self, DEVICE};
use super::space::{self, Space};
use super::stations;
use super::story::Stage;

type ManagerHost<'a> = ModuleHost<'a, StationApplication<ManagerStation<'a, Watch>>>;
type ActorHost<'a> = ModuleHost<'a, StationApplication<ActorStation<'a, Notes>>>;

/// All entities on this side, the board, and what runs them.
pub(crate) struct Ground<'a> {
    arena: &'a Bump,
    journal: SharedJournal,
    driver: Driver<VirtualClock>,
    space: Space<'a>,
    manager: ManagerHost<'a>,
    actor: ActorHost<'a>,
    board: Emulator,
}

impl<'a> Ground<'a> {
    pub(crate) fn new(
        arena: &'a Bump,
        options: &Options,
        firmware: &Firmware,
        journal: &SharedJournal,
    ) -> Result<Self, Box<dyn Error>> {
        let clock = VirtualClock::new(script::START, options.speed);
        let space = Space::new(arena, clock)?;
        let mib = space.mib;
        let mut ground = Self {
            arena,
            journal: journal.clone(),
            driver: Driver::new(clock)?,
            manager: make_manager(arena, mib, 1, journal)?,
            actor: make_actor(arena, mib, journal)?,
            board: Emulator::start(options, firmware, &space.words)?,
            space,
        };
        for entity in ground.space.entities() {
            ground.driver.add(entity)?;
        }
        ground.driver.add(&mut ground.manager)?;
        ground.driver.add(&mut ground.actor)?;
        Ok(ground)
    }
}

impl<'a> Stage<'a> for Ground<'a> {
    fn begin(&mut self) -> Result<(), Box<dyn Error>> {
        let now = self.driver.clock().now();
        self.manager.service.register(now)?;
        self.actor.service.register(now)?;
        self.space.begin(now)
    }

    fn turn(&mut self) -> Result<Now, Box<dyn Error>> {
        let mut entities: Vec<&mut dyn Entity> = self.space.entities().into();
        entities.push(&mut self.manager);
        entities.push(&mut self.actor);
        let now = self.driver.turn(&mut entities, Duration::from_millis(50))?;
        while let Some(line) = self.board.line()? {
            Journal::tell(now, "board", &line);
        }
        Ok(now)
    }

    fn actor(&mut self) -> &mut Actor<'a> {
        &mut self.actor.application.machine.actor
    }

    fn space(&mut self) -> &mut Space<'a> {
        &mut self.space
    }

    fn restart_manager(&mut self, now: Now) -> Result<(), Box<dyn Error>> {
        self.manager = make_manager(self.arena, self.space.mib, 2, &self.journal)?;
        self.driver.add(&mut self.manager)?;
        self.manager.service.register(now)?;
        Ok(())
    }

    fn summarise(&self) -> bool {
        self.space.summarise()
    }
}

/// A module for a station.
fn seat<'a, M: Machine>(
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    station: Station,
    machine: M,
) -> io::Result<ModuleHost<'a, StationApplication<M>>> {
    let carriage = Carriage::DEFAULT;
    let mode = ServiceMode::BEST_EFFORT;
    let application =
        StationApplication::new(machine, station, carriage, mib.continuum.number, mode);
    space::seat(arena, mib, carriage.party(station).role, application)
}

fn make_manager<'a>(
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    epoch: u32,
    journal: &SharedJournal,
) -> io::Result<ManagerHost<'a>> {
    let ssm = stations::ssm(arena, epoch, DEVICE.as_bytes());
    let station = ManagerStation { ssm, user: Watch(journal.clone()) };
    seat(arena, mib, Station::Manager, station)
}

fn make_actor<'a>(
    arena: &'a Bump,
    mib: &'a Mib<'a>,
    journal: &SharedJournal,
) -> io::Result<ActorHost<'a>> {
    let actor = stations::actor(arena, manager());
    seat(arena, mib, Station::Actor, ActorStation { actor, user: Notes(journal.clone()) })
}
