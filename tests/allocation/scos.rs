//! A device senses for an Actor, by way of its SSM.

use std::time::Duration;

use farpost::scos::actor::{Actor, ActorConfig, ActorUser, Wish};
use farpost::scos::calendar::{DevicePlan, Policy};
use farpost::scos::messages::{
    Cancelled, Granted, InventoryItem, Outcome, Refused, Rejection, Report,
};
use farpost::scos::metadata::{Analyser, Antenna, Environment, Host, Receiver, Surroundings};
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{Ssm, SsmConfig, SsmStorage};
use farpost::scos::{
    ActorId, Backoff, Detector, DeviceConfig, DeviceMetadata, RequestId, ScanId, ScanParameters,
    Section, Series, Summary, When, Window,
};
use farpost::storage::Slot;
use farpost::time::{ClockQuality, Instant, Now, Utc, earliest};
use farpost::transport::Address;

use super::wire::{Datagram, Wire};
use super::{assert_none, lend};

/// Monday, 2026-11-23T00:00Z, in minutes since 1970.
const MONDAY: i64 = 29_923_200;

const SCAN: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 5_000,
    transforms: 32,
    detector: Detector::Mean,
    window: Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

const METADATA: &[Section<'static>] = &[
    Section::Analyser(Analyser::new(Receiver {
        frequency_low_hz: 24_000_000,
        frequency_high_hz: 1_766_000_000,
        bandwidth_max_hz: 2_400_000,
        resolution_min_hz: 500,
        gain_min_db: 0,
        gain_max_db: 49,
    })),
    Section::Antenna(Antenna { kind: "discone", gain_tenth_dbi: Some(21), ..Antenna::UNKNOWN }),
    Section::Host(Host { name: "mast", ..Host::UNKNOWN }),
    Section::Environment(Environment {
        surroundings: Some(Surroundings::OutdoorRural),
        ..Environment::UNKNOWN
    }),
];

const BACKOFF: Backoff = Backoff { first: Duration::from_secs(2), limit: Duration::from_secs(20) };

/// A front-end that is done at once.
#[derive(Default)]
struct Front {
    begun: Option<ScanId>,
}

impl Sensor for Front {
    fn begin(&mut self, _: Now, scan: &Scan) -> Result<(), Rejection> {
        self.begun = Some(scan.id);
        Ok(())
    }

    fn stop(&mut self, _: Now, _: &Scan) {
        self.begun = None;
    }
}

/// How often an Actor was told what.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    granted: u32,
    refused: u32,
    cancelled: u32,
    complete: u32,
    inventories: u32,
}

impl ActorUser for Told {
    fn granted(&mut self, _: Now, _: &Granted<'_>) {
        self.granted += 1;
    }

    fn refused(&mut self, _: Now, _: &Refused<'_>) {
        self.refused += 1;
    }

    fn cancelled(&mut self, _: Now, _: &Cancelled) {
        self.cancelled += 1;
    }

    fn report(&mut self, _: Now, report: &Report<'_>) {
        self.complete += u32::from(report.outcome == Outcome::Complete);
    }

    fn inventory(&mut self, _: Now, item: &InventoryItem<'_>) {
        self.inventories += u32::from(item.next.is_none());
    }
}

/// One of each, and nothing is lost between them.
struct Network {
    now: Now,
    wire: Wire,
    ssm: Ssm<'static>,
    ssd: Ssd<'static>,
    front: Front,
    actor: Actor<'static>,
    told: Told,
}

impl Network {
    fn new() -> Self {
        let ssm = Address::new(0, b"m");
        let mut network = Self {
            now: Now {
                monotonic: Instant::ZERO,
                utc: Utc::from_unix_minute(MONDAY),
                quality: ClockQuality::Synchronised,
            },
            wire: Wire::new(),
            ssm: manager(),
            ssd: device(ssm),
            front: Front::default(),
            actor: actor(ssm),
            told: Told::default(),
        };
        network.pass(Duration::from_secs(60));
        assert!(network.ssd.is_associated());
        network
    }

    /// Time passes: all that is sent arrives, and all that is due happens.
    fn pass(&mut self, span: Duration) {
        let end = self.now.monotonic.after(span);
        loop {
            self.tick();
            self.deliver();
            let next = earliest(
                earliest(self.ssm.next_deadline(), self.ssd.next_deadline()),
                self.actor.next_deadline(),
            );
            let Some(next) = next.filter(|next| *next <= end) else { break };
            self.now = self.now.after(next.since(self.now.monotonic));
        }
        self.now = self.now.after(end.since(self.now.monotonic));
    }

    fn tick(&mut self) {
        self.ssm.tick(self.now, self.wire.of("m"), &mut ());
        self.ssd.tick(self.now, self.wire.of("d"), &mut self.front);
        if let Some(scan) = self.front.begun.take() {
            self.ssd.complete(self.now, scan, &[7; 700]).unwrap();
        }
        self.actor.tick(self.now, self.wire.of("a"), &mut self.told);
    }

    fn deliver(&mut self) {
        while let Some(Datagram { from, to, length, octets }) = self.wire.way.pop_front() {
            let (now, octets, wire) = (self.now, &octets[..length], &mut self.wire);
            match to.octets() {
                b"m" => self.ssm.receive(now, &from, octets, wire.of("m"), &mut ()),
                b"d" => self.ssd.receive(now, &from, octets, wire.of("d"), &mut self.front),
                _ => self.actor.receive(now, &from, octets, wire.of("a"), &mut self.told),
            }
        }
    }

    /// Asks for three slots of a minute, `minutes` from the start.
    fn ask(&mut self, minutes: i64, when: When) -> RequestId {
        let series = Series { start: MONDAY + minutes, minutes: 1, repeats: 2, offset: 5 };
        let devices = "mast".into();
        let wish = Wish { devices, series, when, across_weeks: false, parameters: SCAN };
        self.actor.request(&wish).unwrap()
    }
}

fn manager() -> Ssm<'static> {
    let config = SsmConfig {
        policy: Policy { lead_minutes: 1, ..Policy::OPEN },
        backoff: BACKOFF,
        ..SsmConfig::nominal(9, &[DeviceConfig { device: "mast", public_key: b"key" }])
    };
    let storage = SsmStorage {
        devices: lend([const { Slot::EMPTY }; 2]),
        plans: lend([DevicePlan::EMPTY; 2]),
        metadata: lend([const { DeviceMetadata::EMPTY }; 2]),
        recipes: lend([const { Slot::EMPTY }; 16]),
        bookings: lend([const { Slot::EMPTY }; 16]),
        actors: lend([const { Slot::EMPTY }; 2]),
        reports: lend([const { Slot::EMPTY }; 8]),
        summaries: lend([Summary::EMPTY; 8]),
        usage: lend([const { Slot::EMPTY }; 2]),
    };
    Ssm::new(config, storage)
}

fn device(ssm: Address) -> Ssd<'static> {
    let config = SsdConfig {
        device: "mast",
        public_key: b"key",
        metadata: METADATA,
        ssm,
        boot: 1,
        seed: 1,
        backoff: BACKOFF,
        tolerance: Duration::from_secs(5),
        guard: Duration::from_secs(30),
    };
    let storage = SsdStorage {
        recipes: lend([const { Slot::EMPTY }; 16]),
        reports: lend([const { Slot::EMPTY }; 8]),
        summaries: lend([Summary::EMPTY; 8]),
        metadata: lend([0; DeviceMetadata::OCTETS]),
    };
    Ssd::new(config, storage)
}

fn actor(ssm: Address) -> Actor<'static> {
    let config = ActorConfig {
        actor: ActorId(5),
        ssm,
        first_request: RequestId(1),
        backoff: BACKOFF,
        attempts: 20,
    };
    Actor::new(config, lend([const { Slot::EMPTY }; 16]))
}

#[test]
fn scos_machines_in_steady_state_allocate_nothing() {
    let mut network = Network::new();
    assert_none("refreshing the association", || network.pass(Duration::from_secs(1_200)));

    assert_none("asking, being refused, cancelling", || {
        network.ask(60, When::Exact);
        network.pass(Duration::from_secs(5));
        network.ask(60, When::Exact);
        let shifted = network.ask(60, When::Nearest { max_shift_minutes: None });
        network.pass(Duration::from_secs(5));
        network.actor.cancel(shifted).unwrap();
        network.pass(Duration::from_secs(5));
    });
    let Told { granted, refused, cancelled, .. } = network.told;
    assert_eq!((granted, refused, cancelled), (2, 1, 1));

    assert_none("copying the inventory", || {
        network.actor.copy_inventory();
        network.pass(Duration::from_secs(5));
    });
    assert_eq!(network.told.inventories, 1);

    assert_none("sensing and reporting", || network.pass(Duration::from_secs(5_400)));
    assert_eq!(network.told.complete, 3);
}
