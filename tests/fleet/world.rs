//! The world of a fleet: nodes, the network between them, and what is true of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::scos::actor::{Actor, ActorConfig, ActorUser, Question, Wish};
use farpost::scos::calendar::{DevicePlan, Policy};
use farpost::scos::messages::{
    Devices, Granted, InventoryItem, Outcome, Rejection, Report, ScanRequest, UsageItem,
};
use farpost::scos::metadata::{
    Analyser, Antenna, Environment, Host, HostStatus, Location, Receiver, SectionKey,
};
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{Ssm, SsmConfig, SsmStorage, SsmUser};
use farpost::scos::{
    ActorId, Backoff, DeviceConfig, DeviceMetadata, RequestId, ScanId, ScanParameters, Section,
    Series, Summary, When,
};
use farpost::storage::Slot;
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, SendError, Transport};

pub(crate) const ACTORS: usize = 3;
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(5), limit: Duration::from_secs(120) };
const GRACE: Duration = Duration::from_secs(900);

const SCAN: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 5_000,
    transforms: 32,
    detector: farpost::scos::Detector::Mean,
    window: farpost::scos::Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

/// What happens to the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clocks {
    Good,
    Leap,
    Stepping,
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit.max(1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }
}

/// The SSM is node 0, then come the devices, then the Actors.
type NodeId = u16;

const MANAGER: NodeId = 0;

fn address(node: NodeId) -> Address {
    Address::new(1, &node.to_be_bytes())
}

fn node(address: &Address) -> NodeId {
    NodeId::from_be_bytes(address.octets().try_into().expect("an address of this world"))
}

/// Datagrams on their way: (when, tie-break) to (from, to, octets).
struct Net {
    now: u64,
    sequence: u64,
    random: Random,
    loss: u64,
    queue: BTreeMap<(u64, u64), (NodeId, NodeId, Vec<u8>)>,
}

struct Port<'n>(&'n mut Net, NodeId);

impl Transport for Port<'_> {
    fn resolve(&mut self, _: &str, _: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> Result<(), SendError> {
        let Self(net, from) = self;
        if net.random.percent(2) {
            return Err(SendError::Busy);
        }
        let copies = match net.random.below(100) {
            chance if chance < net.loss => 0,
            chance if chance < net.loss + 5 => 2,
            _ => 1,
        };
        for _ in 0..copies {
            let delay = 20 + net.random.below(4_000);
            net.sequence += 1;
            net.queue.insert((net.now + delay, net.sequence), (*from, node(to), octets.to_vec()));
        }
        Ok(())
    }
}

/// A front-end that takes a while, sometimes too long, and sometimes fails.
struct Front {
    random: Random,
    /// When the scan that runs will end, and how.
    pending: Option<(u64, ScanId, bool)>,
    begun: BTreeSet<ScanId>,
    complete: BTreeSet<ScanId>,
    across_midnight: usize,
}

impl Sensor for Front {
    fn begin(&mut self, now: Now, scan: &Scan) -> Result<(), Rejection> {
        assert!(self.begun.insert(scan.id), "{:?} is done twice", scan.id);
        assert!(self.pending.is_none(), "two scans at a time");
        assert!(scan.start <= now.utc && now.utc < scan.end, "outside its slot");
        assert_ne!(now.quality, ClockQuality::Unset);
        if self.random.percent(3) {
            return Err(Rejection::Sensor);
        }
        let slot = scan.end.since(scan.start).as_millis() as u64;
        let takes = self.random.below(slot * 11 / 10);
        let end = now.monotonic.as_micros() / 1_000 + takes;
        self.pending = Some((end, scan.id, self.random.percent(97)));
        let day = |utc: Utc| utc.unix_minute().div_euclid(1_440);
        self.across_midnight += usize::from(day(scan.start) != day(scan.end));
        Ok(())
    }

    fn stop(&mut self, _: Now, _: &Scan) {
        self.pending = None;
    }
}

struct Device {
    ssd: Ssd<'static>,
    front: Front,
    boot: u32,
    /// How far its UTC is off, in milliseconds, and whether it knows the time at all.
    off: i64,
    lost: bool,
}

/// What an Actor has been told, in this run of it.
#[derive(Default)]
struct Told {
    owed: BTreeMap<RequestId, u16>,
    reports: BTreeMap<ScanId, &'static str>,
    /// The copy of the inventory that was drawn last: device, section, section…
    inventory: BTreeMap<String, Vec<SectionKey>>,
    copies: usize,
    usage: BTreeMap<ActorId, farpost::scos::messages::Usage>,
}

impl ActorUser for Told {
    fn granted(&mut self, _: Now, granted: &Granted<'_>) {
        let twice = self.owed.insert(granted.request, granted.series.occurrences());
        assert_eq!(twice, None, "granted twice");
    }

    fn report(&mut self, _: Now, report: &Report<'_>) {
        let owed = self.owed.get(&report.scan.request).expect("a report before its grant");
        assert!(report.scan.occurrence < *owed, "a report of nothing");
        let twice = self.reports.insert(report.scan, report.outcome.name());
        assert_eq!(twice, None, "{:?} is reported twice", report.scan);
    }

    fn inventory(&mut self, _: Now, item: &InventoryItem<'_>) {
        if let Some(device) = &item.device {
            let sections = self.inventory.entry(device.device.into()).or_default();
            sections.extend(device.metadata.iter().map(|section| section.key()));
        }
        self.copies += usize::from(item.next.is_none());
    }

    fn usage(&mut self, _: Now, item: &UsageItem) {
        self.usage.extend(item.usage.map(|usage| (usage.actor, usage)));
    }

    fn unanswered(&mut self, _: Now, question: Question) {
        panic!("{question:?} was not answered");
    }
}

/// Knows what the SSM has promised.
#[derive(Default)]
struct Watch {
    /// The slots of each device that were granted: first minute to end.
    slots: BTreeMap<String, BTreeMap<i64, i64>>,
    granted: usize,
    reports: BTreeMap<ScanId, Outcome>,
}

impl SsmUser for Watch {
    fn granted(&mut self, _: Now, _: &ScanRequest<'_>, granted: &Granted<'_>) {
        self.granted += 1;
        let slots = self.slots.entry(granted.device.into()).or_default();
        for index in 0..granted.series.occurrences() {
            let start = granted.series.start_of(index).unix_minute();
            let end = granted.series.end_of(index).unix_minute();
            let before = slots.range(..end).next_back();
            assert!(before.is_none_or(|(_, other)| *other <= start), "{granted:?} overlaps");
            slots.insert(start, end);
        }
    }

    fn report(&mut self, _: Now, report: &Report<'_>) {
        let twice = self.reports.insert(report.scan, report.outcome);
        assert_eq!(twice, None, "{:?} is reported twice", report.scan);
    }
}

pub(crate) struct World {
    start: i64,
    clocks: Clocks,
    net: Net,
    random: Random,
    pub(crate) ssm: Ssm<'static>,
    watch: Watch,
    devices: Vec<Device>,
    names: &'static [String],
    actors: Vec<(Actor<'static>, Told)>,
    /// What earlier runs of Actors had been told.
    gone: Vec<Told>,
    /// When each node is next due, both ways.
    due: BTreeSet<(u64, NodeId)>,
    due_of: Vec<Option<u64>>,
    events: usize,
    steps: usize,
}

impl World {
    pub(crate) fn new(seed: u64, devices: usize, loss: u64, start: i64, clocks: Clocks) -> Self {
        let names: &'static [String] =
            (0..devices).map(|at| format!("mast-{at:04}")).collect::<Vec<_>>().leak();
        let nodes = 1 + devices + ACTORS;
        let net = Net { now: 0, sequence: 0, random: Random(seed), loss, queue: BTreeMap::new() };
        let mut world = Self {
            start,
            clocks,
            net,
            random: Random(!seed),
            ssm: ssm(names),
            watch: Watch::default(),
            devices: (0..devices)
                .map(|at| Device {
                    ssd: ssd(&names[at], 1),
                    front: Front {
                        random: Random(seed ^ at as u64),
                        pending: None,
                        begun: BTreeSet::new(),
                        complete: BTreeSet::new(),
                        across_midnight: 0,
                    },
                    boot: 1,
                    off: 0,
                    lost: false,
                })
                .collect(),
            names,
            actors: (0..ACTORS).map(|at| (actor(at, 1, devices), Told::default())).collect(),
            gone: Vec::new(),
            due: BTreeSet::new(),
            due_of: vec![None; nodes],
            events: 0,
            steps: 0,
        };
        for node in 0..nodes as NodeId {
            world.schedule(node);
        }
        world
    }

    pub(crate) const fn now(&self) -> u64 {
        self.net.now
    }

    /// The time at a node. A leap second repeats the last second of Sunday everywhere.
    fn time_at(&self, node: NodeId) -> Now {
        let millis = self.net.now as i64;
        let midnight = (self.start.div_euclid(1_440) + 1) * 86_400_000 - self.start * 60_000;
        let leap = if self.clocks == Clocks::Leap && millis >= midnight { 1_000 } else { 0 };
        let device = self.devices.get(usize::from(node).wrapping_sub(1));
        let off = device.map_or(0, |device| device.off);
        let lost = device.is_some_and(|device| device.lost);
        Now {
            monotonic: Instant::from_micros(self.net.now * 1_000),
            utc: Utc::from_unix_micros(self.start * 60_000_000 + (millis - leap + off) * 1_000),
            quality: if lost { ClockQuality::Unset } else { ClockQuality::Synchronised },
        }
    }

    /// Runs until `end`, from event to event.
    pub(crate) fn run(&mut self, end: u64) {
        loop {
            let datagram = self.net.queue.first_key_value().map(|(key, _)| key.0);
            let timer = self.due.first().map(|(due, _)| *due);
            let next = datagram.into_iter().chain(timer).min().unwrap_or(u64::MAX);
            if next > end {
                self.net.now = end;
                return;
            }
            self.events += 1;
            self.net.now = self.net.now.max(next);
            let node = if datagram == Some(next) {
                let (_, (from, to, octets)) = self.net.queue.pop_first().expect("one is there");
                self.receive(from, to, &octets);
                to
            } else {
                self.due.first().expect("one is due").1
            };
            self.tick(node);
            self.schedule(node);
        }
    }

    fn receive(&mut self, from: NodeId, to: NodeId, octets: &[u8]) {
        let (now, from) = (self.time_at(to), &address(from));
        let port = &mut Port(&mut self.net, to);
        let devices = self.devices.len();
        match usize::from(to) {
            0 => self.ssm.receive(now, from, octets, port, &mut self.watch),
            at if at <= devices => {
                let device = &mut self.devices[at - 1];
                device.ssd.receive(now, from, octets, port, &mut device.front);
            }
            at => {
                let (actor, told) = &mut self.actors[at - devices - 1];
                actor.receive(now, from, octets, port, told);
            }
        }
    }

    fn tick(&mut self, node: NodeId) {
        let now = self.time_at(node);
        let port = &mut Port(&mut self.net, node);
        let devices = self.devices.len();
        match usize::from(node) {
            0 => self.ssm.tick(now, port, &mut self.watch),
            at if at <= devices => {
                let Device { ssd, front, .. } = &mut self.devices[at - 1];
                if let Some((_, scan, well)) =
                    front.pending.take_if(|pending| pending.0 <= port.0.now)
                {
                    // Not taken when its slot is over by now: that has been reported.
                    if !well {
                        let _ = ssd.fail(now, scan, Rejection::Sensor);
                    } else if ssd.complete(now, scan, &[at as u8; 100]).is_ok() {
                        front.complete.insert(scan);
                    }
                }
                ssd.tick(now, port, front);
            }
            at => {
                let (actor, told) = &mut self.actors[at - devices - 1];
                actor.tick(now, port, told);
            }
        }
    }

    fn schedule(&mut self, node: NodeId) {
        // Rounded up, so that what is due then is due.
        let millis = |instant: Instant| instant.as_micros().div_ceil(1_000);
        let devices = self.devices.len();
        let due = match usize::from(node) {
            0 => self.ssm.next_deadline().map(millis),
            at if at <= devices => {
                let Device { ssd, front, .. } = &self.devices[at - 1];
                let scan = front.pending.map(|pending| pending.0);
                scan.into_iter().chain(ssd.next_deadline().map(millis)).min()
            }
            at => self.actors[at - devices - 1].0.next_deadline().map(millis),
        };
        let slot = &mut self.due_of[usize::from(node)];
        if let Some(before) = slot.take() {
            self.due.remove(&(before, node));
        }
        // At least a millisecond on, for a machine that waits for another.
        *slot = due.map(|due| due.max(self.net.now + 1));
        self.due.extend(slot.map(|due| (due, node)));
    }

    /// So many requests of the Actors, mostly sensible, for some hours to come; and
    /// what else happens by the way.
    pub(crate) fn wish(&mut self, count: usize) {
        for _ in 0..count {
            let minute = self.start + (self.net.now / 60_000) as i64;
            let random = &mut self.random;
            let who = random.below(ACTORS as u64) as usize;
            let minutes = 1 + random.below(6) as u16;
            let repeats = if random.percent(40) { random.below(6) as u16 } else { 0 };
            let series = Series {
                start: minute + random.below(150) as i64 - 2,
                minutes,
                repeats,
                offset: minutes + random.below(20) as u16,
            };
            let when = match random.below(3) {
                0 => When::Exact,
                1 => When::Nearest { max_shift_minutes: None },
                _ => When::Nearest { max_shift_minutes: Some(10) },
            };
            let at = random.below(self.names.len() as u64) as usize;
            let devices = Devices::One(&self.names[at]);
            let wish = Wish { devices, series, when, across_weeks: false, parameters: SCAN };
            // Not taken when it has too many open ones.
            let _ = self.actors[who].0.request(&wish);
        }
        for at in 0..self.devices.len() {
            let device = &mut self.devices[at];
            if self.random.percent(20) {
                let load = self.random.below(1_000) as u16;
                let status = HostStatus { cpu_usage_permille: Some(load), ..HostStatus::default() };
                device.ssd.set_section(&Section::HostStatus(status)).expect("there is room");
            }
            if self.clocks == Clocks::Stepping && self.random.percent(15) {
                device.off = self.random.below(600_000) as i64 - 300_000;
                device.lost = self.random.percent(10);
                self.steps += 1;
            }
        }
        for node in 1..self.due_of.len() as NodeId {
            self.tick(node);
            self.schedule(node);
        }
    }

    /// One device loses its power, what it knew, and the scan that ran.
    pub(crate) fn restart_device(&mut self) {
        let at = self.random.below(self.devices.len() as u64) as usize;
        let device = &mut self.devices[at];
        device.boot += 1;
        device.ssd = ssd(&self.names[at], device.boot);
        device.front.pending = None;
        if self.clocks == Clocks::Stepping {
            // What its clock had it do before the SSM's time had come may come again.
            device.front.begun.clear();
        }
        let node = at as NodeId + 1;
        self.tick(node);
        self.schedule(node);
    }

    /// One Actor forgets all it asked for. Its reports are acknowledged all the same.
    pub(crate) fn restart_actor(&mut self) {
        let at = self.random.below(ACTORS as u64) as usize;
        let fresh = (actor(at, 1_000_000, self.devices.len()), Told::default());
        let (_, told) = std::mem::replace(&mut self.actors[at], fresh);
        self.gone.push(told);
        self.schedule((1 + self.devices.len() + at) as NodeId);
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.ssm.owed() == 0
            && self.ssm.unacknowledged() == 0
            && self.actors.iter().all(|(actor, _)| actor.open_requests() == 0)
    }

    /// The first Actor, who is the operator, asks for all there is.
    pub(crate) fn copy_inventory(&mut self) {
        for device in &mut self.devices {
            // What is true does not change any more.
            (device.off, device.lost) = (0, false);
        }
        for node in 1..self.due_of.len() as NodeId {
            self.tick(node);
            self.schedule(node);
        }
        let hour = self.now() + 3_600_000;
        self.run(hour);
        let (actor, told) = &mut self.actors[0];
        told.inventory.clear();
        told.copies = 0;
        actor.copy_inventory();
        actor.copy_usage();
        self.schedule((1 + self.devices.len()) as NodeId);
    }

    /// Everything adds up.
    pub(crate) fn check(&self) {
        assert!(self.ssm.scheduler().is_consistent());
        assert_eq!((self.ssm.owed(), self.ssm.unacknowledged()), (0, 0));
        // Occurrences are final reports, for each Actor that is still there.
        for (actor, told) in &self.actors {
            let expected: BTreeSet<ScanId> = told
                .owed
                .iter()
                .flat_map(|(request, owed)| {
                    let (actor, request) = (actor.id(), *request);
                    (0..*owed).map(move |occurrence| ScanId { actor, request, occurrence })
                })
                .collect();
            let reported: BTreeSet<ScanId> = told.reports.keys().copied().collect();
            assert_eq!(reported, expected, "occurrences = final reports");
        }
        let told = self.gone.iter().flat_map(|told| told.reports.keys());
        assert!(
            told.clone().count() > 0
                && told.clone().all(|scan| self.watch.reports.contains_key(scan))
        );
        // What is complete was performed, and by one device.
        let mut complete = BTreeSet::new();
        for device in &self.devices {
            for scan in &device.front.complete {
                assert!(complete.insert(*scan), "{scan:?} by two devices");
            }
        }
        for (scan, outcome) in &self.watch.reports {
            if *outcome == Outcome::Complete {
                assert!(complete.contains(scan), "{scan:?} was not performed");
            }
        }
        self.check_inventory();
        self.check_usage();
    }

    /// The copy, the SSM's own view, and what devices say of themselves are the same.
    fn check_inventory(&self) {
        let told = &self.actors[0].1;
        assert_eq!(told.copies, 1, "the copy is whole");
        assert_eq!(told.inventory.len(), self.devices.len(), "all devices are there");
        for (device, name) in self.devices.iter().zip(self.names) {
            assert!(device.ssd.is_associated(), "{name}");
            let own: Vec<Section<'_>> = device.ssd.metadata().sections().collect();
            let known = self.ssm.metadata(name).expect("it is there");
            assert_eq!(known.sections().collect::<Vec<_>>(), own, "{name}");
            let keys: Vec<SectionKey> = own.iter().map(Section::key).collect();
            assert_eq!(told.inventory[name], keys, "{name}");
        }
    }

    fn check_usage(&self) {
        let told = &self.actors[0].1;
        assert_eq!(told.usage.len(), self.ssm.usage().count());
        let mut sums = [0; 3];
        for usage in self.ssm.usage() {
            assert_eq!(told.usage.get(&usage.actor), Some(usage));
            let settled = usage.complete + usage.incomplete + usage.rejected;
            assert_eq!(usage.granted - usage.cancelled, settled, "{usage:?}");
            sums[0] += usage.complete;
            sums[1] += usage.incomplete;
            sums[2] += usage.rejected;
        }
        let count = |name| {
            let outcomes = self.watch.reports.values();
            outcomes.filter(|outcome| outcome.name() == name).count() as u64
        };
        assert_eq!(sums, ["complete", "incomplete", "rejected"].map(count));
    }

    /// Events, scans granted, reports.
    pub(crate) fn sums(&self) -> (usize, usize, usize) {
        (self.events, self.watch.granted, self.watch.reports.len())
    }

    pub(crate) fn outcomes(&self) -> BTreeMap<&'static str, usize> {
        let mut outcomes = BTreeMap::new();
        for outcome in self.watch.reports.values() {
            *outcomes.entry(outcome.name()).or_default() += 1;
        }
        outcomes
    }

    /// Slots granted in the week after the one the world began in.
    pub(crate) fn in_next_week(&self) -> usize {
        let monday = (self.start.div_euclid(1_440) + 1) * 1_440;
        self.watch.slots.values().map(|slots| slots.range(monday..).count()).sum()
    }

    /// Scans that ran as the day ended.
    pub(crate) fn across_midnight(&self) -> usize {
        self.devices.iter().map(|device| device.front.across_midnight).sum()
    }

    pub(crate) const fn steps(&self) -> usize {
        self.steps
    }
}

/// Room for as long as the test runs.
fn slots<T>(count: usize) -> &'static mut [Slot<T>] {
    Vec::leak((0..count).map(|_| Slot::EMPTY).collect())
}

fn ssm(names: &'static [String]) -> Ssm<'static> {
    let devices: Vec<DeviceConfig<'_>> = names
        .iter()
        .map(|name| DeviceConfig { device: name, public_key: name.as_bytes() })
        .collect();
    let count = names.len();
    let config = SsmConfig {
        max_ttl: Duration::from_secs(3_600),
        policy: Policy { lead_minutes: 1, ..Policy::OPEN },
        grace: GRACE,
        backoff: BACKOFF,
        keep: Duration::from_secs(7 * 86_400),
        operator: Some(ActorId(1)),
        ..SsmConfig::nominal(9, &devices)
    };
    let storage = SsmStorage {
        devices: slots(count),
        plans: Vec::leak(vec![DevicePlan::EMPTY; count]),
        metadata: Vec::leak(vec![DeviceMetadata::EMPTY; count]),
        recipes: slots(count * 8),
        bookings: slots(count * 8),
        actors: slots(ACTORS),
        reports: slots(count),
        summaries: Vec::leak(vec![Summary::EMPTY; count]),
        usage: slots(ACTORS),
    };
    Ssm::new(config, storage)
}

fn ssd(name: &'static str, boot: u32) -> Ssd<'static> {
    let number: u32 = name.bytes().map(u32::from).sum();
    let metadata = [
        Section::Analyser(Analyser::new(Receiver {
            frequency_low_hz: 24_000_000,
            frequency_high_hz: 1_766_000_000,
            bandwidth_max_hz: 2_400_000,
            resolution_min_hz: 500,
            gain_min_db: 0,
            gain_max_db: 49,
        })),
        Section::Antenna(Antenna { kind: "discone", ..Antenna::UNKNOWN }),
        Section::Host(Host { name, ..Host::UNKNOWN }),
        Section::HostStatus(HostStatus { cpu_usage_permille: Some(1), ..HostStatus::default() }),
        Section::Environment(Environment { weather: "snow", ..Environment::UNKNOWN }),
        Section::Location(Location {
            latitude_e7: 472_000_000 + number.cast_signed(),
            longitude_e7: -83_000_000,
            height_cm: 51_200,
        }),
    ];
    let config = SsdConfig {
        device: name,
        public_key: name.as_bytes(),
        metadata: Vec::leak(metadata.to_vec()),
        ssm: address(MANAGER),
        boot,
        seed: u64::from(number) << 16 | u64::from(boot),
        backoff: BACKOFF,
        tolerance: Duration::from_secs(10),
        guard: Duration::from_secs(30),
    };
    let storage = SsdStorage {
        recipes: slots(16),
        reports: slots(16),
        summaries: Vec::leak(vec![Summary::EMPTY; 16]),
        metadata: Vec::leak(vec![0; DeviceMetadata::OCTETS]),
    };
    Ssd::new(config, storage)
}

fn actor(at: usize, first: u32, devices: usize) -> Actor<'static> {
    let config = ActorConfig {
        actor: ActorId(at as u32 + 1),
        ssm: address(MANAGER),
        first_request: RequestId(first),
        backoff: BACKOFF,
        attempts: 200,
    };
    Actor::new(config, slots(devices * 8))
}
