//! Whatever happens to a machine with a store, and wherever power is lost: it comes up
//! again whole, as the run after the last or as the same, and what it knows is consistent.
#![no_main]

use std::time::Duration;

use farpost::scos::actor::{Actor, ActorConfig, ActorUser, Wish};
use farpost::scos::calendar::{DevicePlan, Policy};
use farpost::scos::messages::{Devices, Rejection, Report};
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{PolicyManager, Ssm, SsmConfig, SsmStorage};
use farpost::scos::{ActorId, Admission, DeviceConfig, DeviceMetadata, RequestId, Summary};
use farpost::storage::Slot;
use farpost::time::{Instant, Now};
use farpost::transport::Address;
use farpost_fuzz::disk::Disk;
use farpost_fuzz::scos::{self, BACKOFF, DEVICES, METADATA, Radio};
use farpost_fuzz::{Result, Unstructured, u8, wait};
use libfuzzer_sys::fuzz_target;

/// What goes on while a machine has no power.
struct World {
    radio: Radio,
    now: Now,
}

impl World {
    /// Does an operation that is not of the machine, if it is one.
    fn operate(&mut self, operation: u8, u: &mut Unstructured<'_>) -> Result<bool> {
        match operation % 8 {
            1 => scos::step(&mut self.now, u)?,
            2 => self.radio.busy = u8(u)? % 2 == 1,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What somebody says to the machine.
    fn message(&self, u: &mut Unstructured<'_>) -> Result<(Address, Vec<u8>)> {
        let octets = scos::message(u, self.now, &self.radio)?;
        Ok((scos::address(u)?, octets))
    }
}

/// Life after life: power lasts for so many operations of the store, and of what it had not
/// made durable some is when power comes back.
fn lives(
    u: &mut Unstructured<'_>,
    mut live: impl FnMut(&mut World, &mut Disk, u8, &mut Unstructured<'_>) -> Result<()>,
) -> Result<()> {
    let mut world = World { radio: Radio::default(), now: scos::start() };
    let mut disk = Disk::default();
    world.radio.power = disk.power();
    while !u.is_empty() {
        let (written, lasts, operations) = (u8(u)? % 4, u8(u)?, u8(u)? % 32);
        disk.revive(written.into(), lasts.into());
        world.now.monotonic = Instant::ZERO;
        live(&mut world, &mut disk, operations, u)?;
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
    let known = |device: &'static str| DeviceConfig { device, public_key: device.as_bytes() };
    let config = SsmConfig {
        epoch: 1,
        devices: &[known(DEVICES[0]), known(DEVICES[1])],
        admission: Admission::Open,
        max_ttl: Duration::from_secs(60),
        policy: Policy { lead_minutes: 1, preemption: true, ..Policy::OPEN },
        guard: Duration::from_secs(30),
        grace: Duration::from_secs(60),
        backoff: BACKOFF,
        memory: Duration::from_secs(300),
        keep: Duration::from_secs(600),
        operator: Some(ActorId(1)),
    };
    lives(u, |world, disk, operations, u| {
        let mut devices = [const { Slot::EMPTY }; 3];
        let mut plans = [DevicePlan::EMPTY; 3];
        let mut metadata = [const { DeviceMetadata::EMPTY }; 3];
        let mut recipes = [const { Slot::EMPTY }; 4];
        let mut bookings = [const { Slot::EMPTY }; 5];
        let mut actors = [const { Slot::EMPTY }; 3];
        let mut reports = [const { Slot::EMPTY }; 4];
        let mut summaries = [Summary::EMPTY; 2];
        let mut usage = [const { Slot::EMPTY }; 3];
        let storage = SsmStorage {
            devices: &mut devices,
            plans: &mut plans,
            metadata: &mut metadata,
            recipes: &mut recipes,
            bookings: &mut bookings,
            actors: &mut actors,
            reports: &mut reports,
            summaries: &mut summaries,
            usage: &mut usage,
        };
        let mut ssm = Ssm::new(config, storage).with_store(disk).expect("it is read");
        assert!(ssm.restored().is_whole(), "{:?}", ssm.restored());
        assert_eq!(ssm.epoch(), 1, "the run goes on");
        ssm.set_policy_manager(Some(PolicyManager::Address(Address::new(0, &[3]))));
        for _ in 0..operations {
            if world.radio.power.is_lost() {
                break;
            }
            let operation = u8(u)?;
            if world.operate(operation, u)? {
                continue;
            }
            if operation % 8 == 0 {
                let World { radio, now } = world;
                wait(now, u8(u)?, |now, due| {
                    if due.is_some() {
                        ssm.tick(now, radio, &mut ());
                    }
                    ssm.next_deadline()
                });
            } else {
                let (from, octets) = world.message(u)?;
                ssm.receive(world.now, &from, &octets, &mut world.radio, &mut ());
            }
            ssm.tick(world.now, &mut world.radio, &mut ());
            assert!(ssm.scheduler().is_consistent());
        }
        Ok(())
    })
}

fn ssd(u: &mut Unstructured<'_>) -> Result<()> {
    let config = SsdConfig {
        device: DEVICES[0],
        public_key: DEVICES[0].as_bytes(),
        metadata: METADATA,
        ssm: Address::new(0, &[0]),
        boot: 1,
        seed: 1,
        backoff: BACKOFF,
        tolerance: Duration::from_secs(5),
        guard: Duration::from_secs(30),
    };
    lives(u, |world, disk, operations, u| {
        let mut recipes = [const { Slot::EMPTY }; 3];
        let mut reports = [const { Slot::EMPTY }; 4];
        let mut summaries = [Summary::EMPTY; 2];
        let mut metadata = [0; 700];
        let storage = SsdStorage {
            recipes: &mut recipes,
            reports: &mut reports,
            summaries: &mut summaries,
            metadata: &mut metadata,
        };
        let mut ssd = Ssd::new(config, storage).with_store(disk).expect("it is read");
        assert!(ssd.restored().is_whole(), "{:?}", ssd.restored());
        assert!(ssd.boot() > world.radio.boot, "the number of a run that was said comes again");
        let mut front = Front { running: None };
        for _ in 0..operations {
            if world.radio.power.is_lost() {
                break;
            }
            let operation = u8(u)?;
            if world.operate(operation, u)? {
                continue;
            }
            match (operation % 8, front.running) {
                (0, _) => {
                    let World { radio, now } = world;
                    wait(now, u8(u)?, |now, due| {
                        if due.is_some() {
                            tick(&mut ssd, &mut front, radio, now);
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
                    ssd.receive(world.now, &from, &octets, &mut world.radio, &mut front);
                }
            }
            tick(&mut ssd, &mut front, &mut world.radio, world.now);
            assert_eq!(ssd.running(), front.running.as_ref());
            let mut schedule = ssd.schedule();
            assert!(schedule.all(|(entry, next)| next < entry.series.occurrences()));
        }
        Ok(())
    })
}

fn actor(u: &mut Unstructured<'_>) -> Result<()> {
    let config = ActorConfig {
        actor: ActorId(1),
        ssm: Address::new(0, &[0]),
        first_request: RequestId(0),
        backoff: BACKOFF,
        attempts: 4,
    };
    lives(u, |world, disk, operations, u| {
        let mut requests = [const { Slot::EMPTY }; 4];
        let mut actor = Actor::new(config, &mut requests).with_store(disk).expect("it is read");
        assert!(actor.restored().is_whole(), "{:?}", actor.restored());
        let said = world.radio.requested;
        for _ in 0..operations {
            if world.radio.power.is_lost() {
                break;
            }
            let operation = u8(u)?;
            if world.operate(operation, u)? {
                continue;
            }
            match operation % 8 {
                0 => {
                    let World { radio, now } = world;
                    wait(now, u8(u)?, |now, due| {
                        if due.is_some() {
                            actor.tick(now, radio, &mut User);
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
                    actor.receive(world.now, &from, &octets, &mut world.radio, &mut User);
                }
            }
            actor.tick(world.now, &mut world.radio, &mut User);
        }
        Ok(())
    })
}

/// Ticks until nothing is due. A tick may leave slots that have begun for the next, but each
/// does some.
fn tick(ssd: &mut Ssd<'_>, front: &mut Front, radio: &mut Radio, now: Now) {
    let done = |ssd: &Ssd<'_>| ssd.stats().begun + ssd.stats().rejected;
    loop {
        let before = done(ssd);
        ssd.tick(now, radio, front);
        let left = ssd.next_deadline().is_some_and(|next| next <= now.monotonic);
        if !left || now.monotonic == Instant::MAX {
            return;
        }
        assert!(done(ssd) > before, "a tick left something due: {ssd:?}");
    }
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
