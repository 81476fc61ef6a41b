//! The nodes of a fleet: their machines, and who watches them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::scos::actor::{Actor, ActorConfig, ActorUser, Question};
use farpost::scos::calendar::{DevicePlan, Policy, Recipe};
use farpost::scos::messages::{
    Cancelled, Granted, InventoryItem, Outcome, Refused, Rejection, Report, ScanRequest, Usage,
    UsageItem,
};
use farpost::scos::metadata::{
    Analyser, Antenna, Environment, Host, HostStatus, Location, Receiver, SectionKey,
};
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{Ssm, SsmConfig, SsmStorage, SsmUser};
use farpost::scos::{
    ActorId, Admission, Backoff, DeviceConfig, DeviceMetadata, RequestId, ScanId, ScanParameters,
    Section, Series, Summary,
};
use farpost::storage::Slot;
use farpost::time::{ClockQuality, Now, Utc};

use crate::disk::Disk;
use crate::net::{MANAGER, Random, address};

pub(crate) const ACTORS: usize = 3;
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(5), limit: Duration::from_secs(120) };
const GRACE: Duration = Duration::from_secs(900);

pub(crate) const SCAN: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 5_000,
    transforms: 32,
    detector: farpost::scos::Detector::Mean,
    window: farpost::scos::Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

/// A front-end that takes a while, sometimes too long, and sometimes fails.
pub(crate) struct Front {
    random: Random,
    /// When the scan that runs will end, and how.
    pub(crate) pending: Option<(u64, ScanId, bool)>,
    pub(crate) begun: BTreeSet<ScanId>,
    pub(crate) complete: BTreeSet<ScanId>,
    pub(crate) across_midnight: usize,
    disk: Option<Disk>,
}

impl Front {
    pub(crate) const fn new(seed: u64, disk: Option<Disk>) -> Self {
        Self {
            random: Random(seed),
            pending: None,
            begun: BTreeSet::new(),
            complete: BTreeSet::new(),
            across_midnight: 0,
            disk,
        }
    }
}

impl Sensor for Front {
    fn begin(&mut self, now: Now, scan: &Scan) -> Result<(), Rejection> {
        if self.disk.as_ref().is_some_and(Disk::is_dead) {
            return Ok(());
        }
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

pub(crate) struct Device {
    pub(crate) ssd: Ssd<'static>,
    pub(crate) front: Front,
    pub(crate) boot: u32,
    /// How far its UTC is off, in milliseconds, and whether it knows the time at all.
    pub(crate) off: i64,
    pub(crate) lost: bool,
}

/// What an Actor has been told. One that has a store is told by all its runs.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) actor: ActorId,
    /// The scans granted: which life of the SSM did, on which device, and when.
    pub(crate) granted: BTreeMap<RequestId, (usize, String, Series)>,
    /// How many reports are owed for each.
    pub(crate) owed: BTreeMap<RequestId, u16>,
    pub(crate) cancelled: BTreeSet<RequestId>,
    pub(crate) reports: BTreeMap<ScanId, &'static str>,
    /// The copy of the inventory that was drawn last: device, section, section…
    pub(crate) inventory: BTreeMap<String, Vec<SectionKey>>,
    pub(crate) copies: usize,
    pub(crate) usage: BTreeMap<ActorId, Usage>,
    /// How often it lost power: then it may be told something again.
    pub(crate) losses: usize,
    /// The life of the SSM that it hears from.
    pub(crate) life: usize,
}

impl Told {
    /// The names of the occurrences that are owed a report.
    pub(crate) fn occurrences(&self) -> impl Iterator<Item = ScanId> {
        let actor = self.actor;
        self.owed.iter().flat_map(move |(request, owed)| {
            let request = *request;
            (0..*owed).map(move |occurrence| ScanId { actor, request, occurrence })
        })
    }
}

impl ActorUser for Told {
    fn granted(&mut self, _: Now, granted: &Granted<'_>) {
        let scan = (self.life, granted.device.to_owned(), granted.series);
        let twice = self.granted.insert(granted.request, scan.clone());
        let may = |other: (usize, _, _)| other.0 < scan.0 || self.losses > 0 && other == scan;
        assert!(twice.is_none_or(may), "granted twice");
        self.owed.insert(granted.request, granted.series.occurrences());
    }

    /// Of what was granted: the SSM knows nothing of it, and so it cannot be cancelled.
    fn refused(&mut self, _: Now, refused: &Refused<'_>) {
        if self.granted.contains_key(&refused.request) {
            self.cancelled.insert(refused.request);
            self.owed.insert(refused.request, 0);
        }
    }

    fn cancelled(&mut self, _: Now, cancelled: &Cancelled) {
        self.cancelled.insert(cancelled.request);
        self.owed.insert(cancelled.request, cancelled.keep);
    }

    fn report(&mut self, _: Now, report: &Report<'_>) {
        let owed = self.owed.get(&report.scan.request).expect("a report before its grant");
        assert!(report.scan.occurrence < *owed, "a report of nothing");
        let outcome = report.outcome.name();
        let twice = self.reports.insert(report.scan, outcome);
        assert!(
            twice.is_none_or(|other| self.losses > 0 && other == outcome),
            "{:?} is reported twice",
            report.scan
        );
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

/// Knows what one life of the SSM has promised: from when it knew nothing on.
#[derive(Default)]
pub(crate) struct Watch {
    /// The slots of each device that were granted: first minute to end.
    pub(crate) slots: BTreeMap<String, BTreeMap<i64, i64>>,
    pub(crate) granted: BTreeSet<(ActorId, RequestId)>,
    /// What was said of each occurrence, last.
    pub(crate) reports: BTreeMap<ScanId, Outcome>,
    /// How often it lost power: what it said then may not have been durable.
    pub(crate) losses: usize,
}

impl Watch {
    /// The SSM goes on with these recipes, and what is not among them is not promised.
    pub(crate) fn restarted<'r>(
        &mut self,
        recipes: impl Iterator<Item = &'r Recipe>,
        names: &[String],
    ) {
        self.losses += 1;
        self.slots.clear();
        for recipe in recipes {
            let name = names[usize::from(recipe.request.device.0)].clone();
            let slots = self.slots.entry(name).or_default();
            for start in recipe.grant.starts().map(Utc::unix_minute) {
                let twice = slots.insert(start, start + i64::from(recipe.request.minutes));
                assert_eq!(twice, None, "{recipe:?} overlaps");
            }
        }
    }
}

impl SsmUser for Watch {
    fn granted(&mut self, _: Now, _: &ScanRequest<'_>, granted: &Granted<'_>) {
        let new = self.granted.insert((granted.actor, granted.request));
        assert!(new || self.losses > 0, "granted twice");
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
        assert!(twice.is_none() || self.losses > 0, "{:?} is reported twice", report.scan);
    }
}

/// Room for as long as the test runs.
fn slots<T>(count: usize) -> &'static mut [Slot<T>] {
    Vec::leak((0..count).map(|_| Slot::EMPTY).collect())
}

pub(crate) fn ssm(names: &'static [String], epoch: u32, disk: Option<&Disk>) -> Ssm<'static> {
    let devices: Vec<DeviceConfig<'_>> = names
        .iter()
        .map(|name| DeviceConfig { device: name, public_key: name.as_bytes() })
        .collect();
    let count = names.len();
    let config = SsmConfig {
        epoch,
        devices: &devices,
        admission: Admission::Configured,
        max_ttl: Duration::from_secs(3_600),
        policy: Policy { lead_minutes: 1, ..Policy::OPEN },
        guard: Duration::from_secs(30),
        grace: GRACE,
        backoff: BACKOFF,
        memory: Duration::from_secs(3_600),
        keep: Duration::from_secs(7 * 86_400),
        operator: Some(ActorId(1)),
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
    let ssm = Ssm::new(config, storage);
    match disk {
        Some(disk) => ssm.with_store(disk.lend()).expect("it can be read"),
        None => ssm,
    }
}

pub(crate) fn ssd(name: &'static str, boot: u32, disk: Option<&Disk>) -> Ssd<'static> {
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
        seed: name.bytes().fold(boot.into(), |seed, octet| seed * 31 + u64::from(octet)),
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
    let ssd = Ssd::new(config, storage);
    match disk {
        Some(disk) => ssd.with_store(disk.lend()).expect("it can be read"),
        None => ssd,
    }
}

/// Room for as many open requests as `devices` ask for.
pub(crate) fn actor(at: usize, first: u32, devices: usize, disk: Option<&Disk>) -> Actor<'static> {
    let config = ActorConfig {
        actor: ActorId(at as u32 + 1),
        ssm: address(MANAGER),
        first_request: RequestId(first),
        backoff: BACKOFF,
        attempts: 200,
    };
    let actor = Actor::new(config, slots(devices * 8));
    match disk {
        Some(disk) => actor.with_store(disk.lend()).expect("it can be read"),
        None => actor,
    }
}
