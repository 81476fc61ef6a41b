//! Whatever happens to a machine with a store, and wherever power is lost: it comes up
//! again whole, as the run after the last or as the same, and what it knows is consistent.
#![no_main]

#[path = "../../src/store/disk.rs"]
mod disk;

use farpost::scos::actor::{Actor, ActorUser, Wish};
use farpost::scos::messages::{Devices, Rejection, Report};
use farpost::scos::ssd::{Scan, Sensor, Ssd};
use farpost::scos::ssm::{PolicyManager, Ssm};
use farpost::storage::Slot;
use farpost::time::{Instant, Now};
use farpost::transport::{Address, SendError, Transport};
use farpost_fuzz::machines::{self, ACTOR_REQUESTS, SsdRoom, SsmRoom, tick};
use farpost_fuzz::scos::{self, Radio};
use farpost_fuzz::{Result, Unstructured, u8, wait};
use libfuzzer_sys::fuzz_target;

use disk::Disk;

/// The link of a machine, over which nothing goes without power.
#[derive(Default)]
struct Air {
    radio: Radio,
    disk: Disk,
}

impl Transport for Air {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        self.radio.resolve(service, endpoint)
    }

    fn send(
        &mut self,
        to: &Address,
        flow_label: u8,
        octets: &[u8],
    ) -> std::result::Result<(), SendError> {
        if self.disk.is_dead() {
            return Err(SendError::Busy);
        }
        self.radio.send(to, flow_label, octets)
    }
}

/// What goes on while a machine has no power.
struct World {
    air: Air,
    now: Now,
}

impl World {
    /// The next operation of the machine, of so many of a life; those that are not its own
    /// are done. None when it ends, or power is lost.
    fn next(&mut self, left: &mut u8, u: &mut Unstructured<'_>) -> Result<Option<u8>> {
        while *left > 0 && !self.air.disk.is_dead() {
            *left -= 1;
            match u8(u)? % 8 {
                1 => scos::step(&mut self.now, u)?,
                2 => self.air.radio.busy = u8(u)? % 2 == 1,
                operation => return Ok(Some(operation)),
            }
        }
        Ok(None)
    }

    /// What somebody says to the machine.
    fn message(&self, u: &mut Unstructured<'_>) -> Result<(Address, Vec<u8>)> {
        let octets = scos::message(u, self.now, &self.air.radio)?;
        Ok((scos::address(u)?, octets))
    }
}

/// Life after life: power lasts for so many operations of the store, and of what it had not
/// made durable some is when power comes back.
fn lives(
    u: &mut Unstructured<'_>,
    mut live: impl FnMut(&mut World, &mut Disk, &mut u8, &mut Unstructured<'_>) -> Result<()>,
) -> Result<()> {
    let mut world = World { air: Air::default(), now: scos::start() };
    let mut disk = world.air.disk.clone();
    while !u.is_empty() {
        let (written, lasts, mut operations) = (u8(u)? % 4, u8(u)?, u8(u)? % 32);
        disk.revive(written.into());
        disk.die_at(u64::from(lasts) + 1);
        world.now.monotonic = Instant::ZERO;
        live(&mut world, &mut disk, &mut operations, u)?;
    }
    Ok(())
}

struct Front {
    running: Option<Scan>,
}

impl Sensor for Front {
    fn begin(&mut self, _: Now, scan: &Scan) -> std::result::Result<(), Rejection> {
        assert_eq!(self.running.replace(*scan), None, "two scans at a time");
        Ok(())
    }

    fn stop(&mut self, _: Now, scan: &Scan) {
        assert_eq!(self.running.take().as_ref(), Some(scan));
    }
}

struct User;

impl ActorUser for User {
    fn report(&mut self, _: Now, _: &Report<'_>) {}
}

fn ssm(u: &mut Unstructured<'_>) -> Result<()> {
    lives(u, |world, disk, operations, u| {
        let mut room = SsmRoom::<3>::default();
        let mut ssm = Ssm::new(machines::SSM, room.storage()).with_store(disk).expect("it is read");
        assert!(ssm.restored().is_whole(), "{:?}", ssm.restored());
        assert_eq!(ssm.epoch(), 1, "the run goes on");
        ssm.set_policy_manager(Some(PolicyManager::Address(Address::new(0, &[3]))));
        while let Some(operation) = world.next(operations, u)? {
            if operation == 0 {
                let World { air, now } = world;
                wait(now, u8(u)?, |now, due| {
                    if due.is_some() {
                        ssm.tick(now, air, &mut ());
                    }
                    ssm.next_deadline()
                });
            } else {
                let (from, octets) = world.message(u)?;
                ssm.receive(world.now, &from, &octets, &mut world.air, &mut ());
            }
            ssm.tick(world.now, &mut world.air, &mut ());
            assert!(ssm.scheduler().is_consistent());
        }
        Ok(())
    })
}

fn ssd(u: &mut Unstructured<'_>) -> Result<()> {
    lives(u, |world, disk, operations, u| {
        let mut room = SsdRoom::default();
        let mut ssd =
            Ssd::new(machines::ssd_config(), room.storage()).with_store(disk).expect("it is read");
        assert!(ssd.restored().is_whole(), "{:?}", ssd.restored());
        assert!(ssd.boot() > world.air.radio.boot, "the number of a run that was said comes again");
        let mut front = Front { running: None };
        while let Some(operation) = world.next(operations, u)? {
            match (operation, front.running) {
                (0, _) => {
                    let World { air, now } = world;
                    wait(now, u8(u)?, |now, due| {
                        if due.is_some() {
                            tick(&mut ssd, &mut front, air, now);
                        }
                        ssd.next_deadline()
                    });
                }
                (3, Some(scan)) => {
                    front.running = None;
                    ssd.complete(world.now, scan.id, b"spectrum").expect("it runs");
                }
                _ => {
                    let (from, octets) = world.message(u)?;
                    ssd.receive(world.now, &from, &octets, &mut world.air, &mut front);
                }
            }
            tick(&mut ssd, &mut front, &mut world.air, world.now);
            assert_eq!(ssd.running(), front.running.as_ref());
            let mut schedule = ssd.schedule();
            assert!(schedule.all(|(entry, next)| next < entry.series.occurrences()));
        }
        Ok(())
    })
}

fn actor(u: &mut Unstructured<'_>) -> Result<()> {
    lives(u, |world, disk, operations, u| {
        let mut requests = [const { Slot::EMPTY }; ACTOR_REQUESTS];
        let mut actor = Actor::new(machines::actor_config(), &mut requests)
            .with_store(disk)
            .expect("it is read");
        assert!(actor.restored().is_whole(), "{:?}", actor.restored());
        let said = world.air.radio.requested;
        while let Some(operation) = world.next(operations, u)? {
            match operation {
                0 => {
                    let World { air, now } = world;
                    wait(now, u8(u)?, |now, due| {
                        if due.is_some() {
                            actor.tick(now, air, &mut User);
                        }
                        actor.next_deadline()
                    });
                }
                3 | 4 => {
                    let wish = Wish {
                        devices: Devices::One(scos::device(u)?),
                        series: scos::series(u, world.now)?,
                        when: scos::when(u)?,
                        across_weeks: false,
                        parameters: scos::parameters(u)?,
                    };
                    if let Ok(request) = actor.request(&wish) {
                        assert!(Some(request) > said, "the number of a request comes again");
                    }
                }
                _ => {
                    let (from, octets) = world.message(u)?;
                    actor.receive(world.now, &from, &octets, &mut world.air, &mut User);
                }
            }
            actor.tick(world.now, &mut world.air, &mut User);
        }
        Ok(())
    })
}

fuzz_target!(|octets: &[u8]| {
    let [machine, octets @ ..] = octets else { return };
    let mut u = Unstructured::new(octets);
    // What is left of the input may be too short for an operation.
    let _ = match machine % 3 {
        0 => ssm(&mut u),
        1 => ssd(&mut u),
        _ => actor(&mut u),
    };
});
