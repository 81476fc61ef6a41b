//! A network of one SSM, three SSDs and two Actors for a day of virtual time, over
//! links that lose, repeat and reorder. Everything follows from the seed. All of them
//! have stores, and lose power where the tests in `crash` say.

mod crash;

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use super::actor::{Actor, ActorUser, Question, Wish};
use super::calendar::RefusalReason;
use super::messages::{
    Cancelled, Devices, Granted, InventoryItem, Outcome, Refusal, Refused, Rejection, Report,
};
use super::ssd::{Scan, Sensor, Ssd};
use super::ssm::Ssm;
use super::testing::disk::Disk;
use super::testing::{MONDAY, SCAN, SSM_CONFIG, actor, address, at_millis, ssd, ssm};
use super::{RequestId, ScanId, ScanParameters, Series, When};
use crate::time::{Instant, Now};
use crate::transport::{Address, SendError, Transport};

const HOUR: u64 = 3_600_000;
const DEVICES: [&str; 3] = ["mast-1", "mast-2", "mast-3"];
const SSM: u8 = 0;
const FIRST_ACTOR: u8 = 4;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// Datagrams on their way: (when, tie-break) to (from, to, octets).
struct Net {
    now: u64,
    sequence: u64,
    random: Random,
    loss: u64,
    queue: BTreeMap<(u64, u64), (u8, u8, Vec<u8>)>,
    /// Nodes that nothing reaches or leaves.
    cut: BTreeSet<u8>,
}

/// The transport of one node, which takes nothing once the node is without power.
struct Port<'n>(&'n mut Net, u8, &'n Disk);

impl Transport for Port<'_> {
    fn resolve(&mut self, _service: &str, _endpoint: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, to: &Address, _flow: u8, octets: &[u8]) -> Result<(), SendError> {
        let Self(net, from, disk) = self;
        if disk.is_dead() || net.random.percent(5) {
            return Err(SendError::Busy);
        }
        let copies = if net.random.percent(net.loss) {
            0
        } else if net.random.percent(10) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            let delay = 20 + net.random.below(3_000);
            net.sequence += 1;
            let key = (net.now + delay, net.sequence);
            net.queue.insert(key, (*from, to.octets()[0], octets.to_vec()));
        }
        Ok(())
    }
}

/// A front-end that takes a while, sometimes too long, and sometimes fails.
struct Front {
    random: Random,
    /// When the scan that runs will end, and how.
    pending: Option<(u64, ScanId, bool)>,
    /// Every scan begun and whether it was completed, in all runs of the device.
    begun: BTreeMap<ScanId, bool>,
    disk: Disk,
}

impl Sensor for Front {
    fn begin(&mut self, now: Now, scan: &Scan) -> Result<(), Rejection> {
        if self.disk.is_dead() {
            return Ok(());
        }
        assert!(self.begun.insert(scan.id, false).is_none(), "{:?} is done twice", scan.id);
        assert!(self.pending.is_none(), "two scans at a time");
        assert_eq!(scan.parameters, SCAN);
        assert!(now.utc >= scan.start && now.utc < scan.end);
        if self.random.percent(3) {
            return Err(Rejection::Sensor);
        }
        let takes = self.random.below(scan.end.since(scan.start).as_millis() as u64 * 11 / 10);
        let end = now.monotonic.as_micros() / 1_000 + takes;
        self.pending = Some((end, scan.id, self.random.percent(95)));
        Ok(())
    }

    fn stop(&mut self, now: Now, scan: &Scan) {
        assert!(now.utc >= scan.end);
        self.pending = None;
    }
}

/// What an Actor has been told.
#[derive(Default)]
struct Told {
    granted: BTreeMap<RequestId, u16>,
    refused: BTreeMap<RequestId, Refusal>,
    cancelled: BTreeMap<RequestId, u16>,
    reports: BTreeMap<ScanId, Outcome>,
    unanswered: Vec<Question>,
    inventory: Vec<(std::string::String, usize)>,
    inventories: usize,
    /// Its Actor lost power: it may be told again what it was told before.
    restarts: usize,
}

impl ActorUser for Told {
    fn granted(&mut self, _now: Now, granted: &Granted<'_>) {
        assert_eq!(granted.parameters, SCAN);
        let owed = granted.series.occurrences();
        let twice = self.granted.insert(granted.request, owed);
        assert!(twice.is_none_or(|was| self.restarts > 0 && was == owed), "granted twice");
    }

    fn refused(&mut self, _now: Now, refused: &Refused<'_>) {
        let twice = self.refused.insert(refused.request, refused.reason);
        assert!(
            twice.is_none_or(|was| self.restarts > 0 && was == refused.reason),
            "refused twice"
        );
    }

    fn cancelled(&mut self, _now: Now, cancelled: &Cancelled) {
        let twice = self.cancelled.insert(cancelled.request, cancelled.keep);
        assert!(twice.is_none_or(|was| self.restarts > 0 && was == cancelled.keep));
    }

    fn report(&mut self, _now: Now, report: &Report<'_>) {
        let known = self.granted.contains_key(&report.scan.request)
            || self.cancelled.contains_key(&report.scan.request);
        assert!(known, "a report before its grant");
        let twice = self.reports.insert(report.scan, report.outcome);
        assert!(
            twice.is_none_or(|was| self.restarts > 0 && was == report.outcome),
            "{:?} is reported twice",
            report.scan
        );
        assert_eq!(report.spectrum.is_empty(), report.outcome != Outcome::Complete);
        assert_eq!(report.parameters, SCAN);
    }

    fn inventory(&mut self, _now: Now, item: &InventoryItem<'_>) {
        if let Some(device) = &item.device {
            assert!(device.remaining_ttl_s <= 300);
            self.inventory.push((device.device.into(), device.schedule.iter().count()));
        }
        self.inventories += usize::from(item.next.is_none());
    }

    fn unanswered(&mut self, _now: Now, question: Question) {
        self.unanswered.push(question);
    }
}

struct World {
    net: Net,
    random: Random,
    ssm: Ssm<'static>,
    ssds: Vec<(Ssd<'static>, Front)>,
    actors: Vec<(Actor<'static>, Told)>,
    /// Devices without power.
    dark: BTreeSet<usize>,
    /// The stores of all nodes.
    disks: Vec<Disk>,
    /// How many of its writes a node has when power comes back that were not durable.
    written: u64,
    /// How often power was lost.
    losses: usize,
}

impl World {
    fn new(seed: u64, loss: u64) -> Self {
        let disks: Vec<_> = (0..6).map(|_| Disk::default()).collect();
        let front = |at: usize| Front {
            random: Random(seed ^ at as u64),
            pending: None,
            begun: BTreeMap::new(),
            disk: disks[at + 1].clone(),
        };

        let net = Net {
            now: 0,
            sequence: 0,
            random: Random(seed),
            loss,
            queue: BTreeMap::new(),
            cut: BTreeSet::new(),
        };
        let to = address(SSM);
        Self {
            net,
            random: Random(!seed),
            ssm: Self::ssm(&disks[0]),
            ssds: (0..3).map(|at| (Self::ssd(at, &disks[at + 1]), front(at))).collect(),
            actors: (0..2)
                .map(|at| {
                    let actor = actor(at as u32, to).with_store(disks[at + 4].lend());
                    (actor.unwrap(), Told::default())
                })
                .collect(),
            dark: BTreeSet::new(),
            disks,
            written: 0,
            losses: 0,
        }
    }

    fn ssm(disk: &Disk) -> Ssm<'static> {
        ssm(SSM_CONFIG, 256, 2, 24).with_store(disk.lend()).unwrap()
    }

    fn ssd(at: usize, disk: &Disk) -> Ssd<'static> {
        ssd(DEVICES[at], address(SSM), 1).with_store(disk.lend()).unwrap()
    }

    /// The nodes that lost power start again.
    fn restart(&mut self) {
        for node in 0..self.disks.len() {
            let disk = &self.disks[node];
            if !disk.is_dead() {
                continue;
            }
            self.losses += 1;
            disk.revive(self.written);
            match node {
                0 => self.ssm = Self::ssm(disk),
                1..4 => {
                    let (ssd, front) = &mut self.ssds[node - 1];
                    *ssd = Self::ssd(node - 1, disk);
                    front.pending = None;
                }
                _ => {
                    let (actor, told) = &mut self.actors[node - 4];
                    let again = super::testing::actor((node - 4) as u32, address(SSM));
                    *actor = again.with_store(disk.lend()).unwrap();
                    told.restarts += 1;
                }
            }
        }
    }

    /// Runs until `end`, from event to event.
    fn run(&mut self, end: u64) {
        let mut idle = 0;
        loop {
            let next = self.next_event();
            if next > end {
                self.net.now = end;
                return;
            }
            idle = if next > self.net.now { 0 } else { idle + 1 };
            assert!(idle < 10_000, "time stands still at {next}");
            self.net.now = self.net.now.max(next);
            self.deliver();
            self.sense();
            self.tick();
            self.restart();
        }
    }

    fn next_event(&self) -> u64 {
        // Rounded up, so that what is due then is due.
        let millis = |instant: Instant| instant.as_micros().div_ceil(1_000);
        let lit = self.ssds.iter().enumerate().filter(|(at, _)| !self.dark.contains(at));
        let ssds = lit.flat_map(|(_, (ssd, front))| {
            [ssd.next_deadline().map(millis), front.pending.map(|pending| pending.0)]
        });
        let actors = self.actors.iter().map(|(actor, _)| actor.next_deadline().map(millis));
        ssds.chain(actors)
            .chain([self.ssm.next_deadline().map(millis)])
            .chain([self.net.queue.keys().next().map(|key| key.0)])
            .flatten()
            .min()
            .unwrap_or(u64::MAX)
    }

    fn deliver(&mut self) {
        let now = at_millis(self.net.now);
        while let Some(entry) = self.net.queue.first_entry() {
            if entry.key().0 > self.net.now {
                return;
            }
            let (from, to, octets) = entry.remove();
            let dark = to >= 1 && self.dark.contains(&usize::from(to - 1));
            if dark || self.net.cut.contains(&from) || self.net.cut.contains(&to) {
                continue;
            }
            if self.disks[usize::from(to)].is_dead() {
                continue;
            }
            let disk = &self.disks[usize::from(to)];
            let (port, from) = (&mut Port(&mut self.net, to, disk), &address(from));
            match to {
                SSM => self.ssm.receive(now, from, &octets, port, &mut ()),
                1..FIRST_ACTOR => {
                    let (ssd, front) = &mut self.ssds[usize::from(to - 1)];
                    ssd.receive(now, from, &octets, port, front);
                }
                _ => {
                    let (actor, told) = &mut self.actors[usize::from(to - FIRST_ACTOR)];
                    actor.receive(now, from, &octets, port, told);
                }
            }
        }
    }

    fn sense(&mut self) {
        let now = at_millis(self.net.now);
        for (at, (ssd, front)) in self.ssds.iter_mut().enumerate() {
            let due = front.pending.filter(|pending| pending.0 <= self.net.now);
            let off = self.dark.contains(&at) || front.disk.is_dead();
            let Some((_, scan, well)) = due.filter(|_| !off) else { continue };
            front.pending = None;
            if !well {
                ssd.fail(now, scan, Rejection::Sensor).unwrap();
            } else if ssd.complete(now, scan, &[at as u8; 700]).is_ok() {
                front.begun.insert(scan, true);
            }
        }
    }

    fn tick(&mut self) {
        let now = at_millis(self.net.now);
        let on = |at: u8| !self.disks[usize::from(at)].is_dead();
        if on(SSM) {
            self.ssm.tick(now, &mut Port(&mut self.net, SSM, &self.disks[0]), &mut ());
        }
        for (at, (ssd, front)) in (1..).zip(&mut self.ssds) {
            if on(at) && !self.dark.contains(&usize::from(at - 1)) {
                ssd.tick(now, &mut Port(&mut self.net, at, &self.disks[usize::from(at)]), front);
            }
        }
        for (at, (actor, told)) in (FIRST_ACTOR..).zip(&mut self.actors) {
            if on(at) {
                actor.tick(now, &mut Port(&mut self.net, at, &self.disks[usize::from(at)]), told);
            }
        }
    }

    /// An Actor asks for something, mostly sensible.
    fn wish(&mut self, who: usize) -> Option<RequestId> {
        let minute = MONDAY + (self.net.now / 60_000) as i64;
        let random = &mut self.random;
        let minutes = 1 + random.below(6) as u16;
        let repeats = if random.percent(40) { random.below(8) as u16 } else { 0 };
        let series = Series {
            start: minute + random.below(120) as i64 - 2,
            minutes,
            repeats,
            offset: minutes + random.below(20) as u16 - u16::from(random.percent(5)),
        };
        let when = match random.below(3) {
            0 => When::Exact,
            1 => When::Nearest { max_shift_minutes: None },
            _ => When::Nearest { max_shift_minutes: Some(10) },
        };
        let device = if random.percent(3) { "nowhere" } else { DEVICES[random.below(3) as usize] };
        let parameters =
            if random.percent(3) { ScanParameters { center_hz: 1, ..SCAN } } else { SCAN };
        let devices = match self.random.below(10) {
            0 => Devices::Any,
            1 => Devices::any_of(&[device, DEVICES[0], DEVICES[2]]).unwrap(),
            _ => device.into(),
        };
        let wish = Wish { devices, series, when, across_weeks: false, parameters };
        self.actors[who].0.request(&wish).ok()
    }

    /// Half an hour in which the Actors ask, and sometimes think better of it.
    fn half_hour(&mut self) {
        for _ in 0..6 {
            let who = self.random.below(2) as usize;
            let request = self.wish(who);
            if self.random.percent(20) {
                let later = self.random.below(200_000);
                self.run(self.net.now + later);
                if let Some(request) = request {
                    // It may be refused or over by now.
                    let _ = self.actors[who].0.cancel(request);
                }
            }
            if self.random.percent(20) {
                self.actors[who].0.copy_inventory();
            }
            self.run(self.net.now + 250_000);
        }
    }

    fn settled(&self) -> bool {
        self.actors.iter().all(|(actor, _)| actor.open_requests() == 0)
    }

    /// There was some of everything.
    fn check_variety(&self) {
        for (_, told) in &self.actors {
            assert!(told.inventories > 0);
            let overlap = told.refused.values().filter(|reason| {
                matches!(reason, Refusal::Calendar(RefusalReason::OverlapsItself))
            });
            assert!(overlap.count() < told.refused.len());
        }
    }

    /// Everything adds up.
    fn check(&self) {
        let mut begun: BTreeMap<ScanId, bool> = BTreeMap::new();
        for (_, front) in &self.ssds {
            for (scan, completed) in &front.begun {
                assert!(begun.insert(*scan, *completed).is_none(), "{scan:?} on two devices");
            }
        }
        for (actor, told) in &self.actors {
            let stats = actor.stats();
            assert_eq!(told.unanswered, []);
            assert!(told.restarts > 0 || stats.granted == told.granted.len() as u64);
            assert!(
                told.restarts > 0
                    || stats.requests == stats.granted + stats.refused + stats.cancelled_unanswered,
                "requests = granted + refused + cancelled before an answer"
            );
            let mut owed = told.granted.clone();
            owed.extend(&told.cancelled);
            let expected: BTreeSet<ScanId> = owed
                .iter()
                .flat_map(|(request, owed)| {
                    let (actor, request) = (actor.id(), *request);
                    (0..*owed).map(move |occurrence| ScanId { actor, request, occurrence })
                })
                .collect();
            let reported: BTreeSet<ScanId> = told.reports.keys().copied().collect();
            assert_eq!(reported, expected, "occurrences = final reports");
            for (scan, outcome) in &told.reports {
                if *outcome == Outcome::Complete {
                    assert_eq!(begun.get(scan), Some(&true), "{scan:?} was not performed");
                }
            }
        }
        assert!(self.ssm.scheduler().is_consistent());
        assert_eq!(self.ssm.owed(), 0);
    }
}

/// So many hours of requests, and as many more as it takes until all is reported.
fn simulate(seed: u64, loss: u64, hours: u64) -> World {
    let mut world = World::new(seed, loss);
    world.run(60_000);
    while world.net.now < hours * HOUR {
        world.half_hour();
        match world.net.now / (HOUR / 2) {
            // The second device is unplugged, and comes back as another run.
            8 => {
                world.dark.insert(1);
            }
            10 => {
                world.dark.remove(&1);
                let (ssd, front) = &mut world.ssds[1];
                // With another memory: it knows nothing any more.
                world.disks[2] = Disk::default();
                front.disk = world.disks[2].clone();
                let another = super::testing::ssd(DEVICES[1], address(SSM), 2);
                *ssd = another.with_store(front.disk.lend()).unwrap();
                front.pending = None;
            }
            // The link of the third breaks, for longer than its TTL.
            20 => {
                world.net.cut.insert(3);
            }
            21 => {
                world.net.cut.remove(&3);
            }
            _ => {}
        }
    }
    let end = world.net.now + 30 * HOUR;
    while !world.settled() && world.net.now < end {
        world.run(world.net.now + HOUR);
    }
    assert!(world.settled(), "seed {seed}: requests are open for ever");
    world
}

#[test]
fn a_day_over_bad_links_adds_up() {
    for seed in 1..=2 {
        let world = simulate(seed, 20, 20);
        world.check();
        world.check_variety();
        let granted: usize = world.actors.iter().map(|(_, told)| told.granted.len()).sum();
        let reports = world.actors.iter().flat_map(|(_, told)| told.reports.values());
        let complete = reports.clone().filter(|outcome| **outcome == Outcome::Complete).count();
        assert!(granted > 60 && complete > 150, "seed {seed}: {granted} granted, {complete}");
        let kinds: BTreeSet<&str> = reports.map(|outcome| outcome.name()).collect();
        assert_eq!(kinds.len(), 3, "complete, incomplete and rejected all occur");
    }
}

#[test]
fn a_day_over_good_links_adds_up_and_wastes_nothing() {
    let world = simulate(7, 0, 20);
    world.check();
    world.check_variety();
    let stats = world.ssm.stats();
    assert_eq!(stats.link.malformed, 0);
    assert_eq!(stats.reports_abandoned, 0);
    assert_eq!(stats.restarts, 1);
    assert!(stats.expiries >= 1);
}

#[test]
fn a_seed_gives_the_same_again() {
    let [a, b] = [simulate(5, 20, 6), simulate(5, 20, 6)];
    assert_eq!(a.ssm.stats(), b.ssm.stats());
    assert_eq!(a.net.sequence, b.net.sequence);
    assert_eq!(a.actors[0].1.reports, b.actors[0].1.reports);
}
