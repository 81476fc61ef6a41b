//! The sensing device of a post, whatever carries its messages: an SSD in its storage, a
//! front-end behind SPI and pins, and a clock.

pub mod clock;
pub mod ethernet;
#[cfg(feature = "agents")]
pub mod health;
pub mod radio;
pub mod sensor;
pub mod settings;
pub mod simulated;
pub mod spectrum;
pub mod wave;

use core::time::Duration;

use defmt::{info, warn};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use farpost::scos::metadata::{
    Analyser, Antenna, Environment, HardwareSpec, Host, Receiver, Surroundings,
};
use farpost::scos::ssd::{Ssd, SsdConfig, SsdRecipe, SsdStorage};
use farpost::scos::{Backoff, DeviceMetadata, DeviceSigner, Section, StoredReport, Summary};
use farpost::storage::Slot;
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};
use static_cell::{ConstStaticCell, StaticCell};

use crate::mps2::timer::Ticks;
use crate::stack::Painted;
use radio::{Samples, Tuner};
use sensor::FrontEnd;
use simulated::{Adc, Air, Delay, Pin, Spi};
use spectrum::{SUMMARY, Workspace};

/// Storage of the machine. Each is a static of its own. What is zero at first needs no copy in
/// flash, and what is all of one kind is filled when the board starts, for the same reason.
static RECIPES: StaticCell<[Slot<SsdRecipe>; 16]> = StaticCell::new();
static REPORTS: StaticCell<[Slot<StoredReport>; 8]> = StaticCell::new();
static SUMMARIES: ConstStaticCell<[Summary; 8]> =
    ConstStaticCell::new([const { Summary::EMPTY }; 8]);
static METADATA: ConstStaticCell<[u8; DeviceMetadata::OCTETS]> =
    ConstStaticCell::new([0; DeviceMetadata::OCTETS]);
static SECTIONS: StaticCell<[Section<'static>; 4]> = StaticCell::new();

static DEVICE: StaticCell<Simulated> = StaticCell::new();
static AIR: StaticCell<Air> = StaticCell::new();
static WORKSPACE: ConstStaticCell<Workspace> = ConstStaticCell::new(Workspace::EMPTY);

/// Who the device is, and to whom.
pub struct Identity {
    pub name: &'static str,
    pub public_key: &'static [u8],
    /// What it proves with that the key is its own, if anybody asks.
    pub signer: Option<DeviceSigner<'static>>,
    pub ssm: Address,
    /// Which start of the board this is.
    pub boot: u32,
    /// Any number, another for each device.
    pub seed: u64,
}

/// An SSD and its front-end.
pub struct Device<S, P, D, A> {
    pub ssd: Ssd<'static>,
    #[cfg(feature = "agents")]
    pub health: health::Health,
    pub front_end: FrontEnd<S, P, D, A>,
    stack: Painted,
}

/// The device with the front-end that QEMU has.
pub type Simulated = Device<Spi<'static>, Pin<'static>, Delay, Adc<'static>>;

impl Simulated {
    /// The device in its storage. It can be made once.
    #[inline(never)]
    pub fn simulated(identity: Identity, ticks: Ticks, stack: Painted) -> &'static mut Self {
        let air = AIR.init(Air::default());
        let (ten_db, twenty_db) = air.pins();
        let tuner = Tuner::new(air.spi(), ten_db, twenty_db, Delay(ticks));
        let analyser = spectrum::Analyser::new(WORKSPACE.take());
        let front_end = FrontEnd::new(tuner, air.samples(), analyser);
        DEVICE.init(Self {
            ssd: ssd(&identity),
            #[cfg(feature = "agents")]
            health: health::Health::default(),
            front_end,
            stack,
        })
    }
}

impl<S: SpiDevice, P: OutputPin, D: DelayNs, A: Samples> Device<S, P, D, A> {
    /// One message for it.
    pub fn receive(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
    ) {
        self.ssd.receive(now, from, octets, transport, &mut self.front_end);
    }

    /// Does whatever is due of the machine.
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.ssd.tick(now, transport, &mut self.front_end);
    }

    /// One step of the scan that runs, if one does.
    pub fn sense(&mut self, now: Now) {
        let mut buffer = [0; SUMMARY];
        let Some((scan, result)) = self.front_end.step(&mut buffer) else { return };
        let (request, occurrence) = (scan.request.0, scan.occurrence);
        let ended = match result {
            Ok(summary) => {
                let (octets, stack) = (summary.len(), self.stack.total());
                info!("scan {}.{}: {} octets, stack {}", request, occurrence, octets, stack);
                #[cfg(feature = "agents")]
                self.health.scanned(now, self.front_end.met(), &self.front_end.executed());
                // The gain is one of four, perhaps not the one that was asked for.
                self.ssd
                    .executes(scan, self.front_end.executed())
                    .and_then(|()| self.ssd.complete(now, scan, summary))
            }
            Err(reason) => self.ssd.fail(now, scan, reason),
        };
        // Its slot is over by now: that has been reported.
        if let Err(fault) = ended {
            warn!("scan {}.{}: {}", request, occurrence, fault);
        }
        #[cfg(feature = "agents")]
        self.front_end.rest();
    }

    /// Whether there are samples to take.
    pub const fn is_sensing(&self) -> bool {
        self.front_end.is_running()
    }

    /// When the machine is next to be ticked.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.ssd.next_deadline()
    }

    /// The most octets of the stack that have been in use.
    #[allow(dead_code, reason = "not every board says it but after a scan")]
    pub fn stack(&self) -> usize {
        self.stack.total()
    }
}

fn ssd(identity: &Identity) -> Ssd<'static> {
    let config = SsdConfig {
        device: identity.name,
        public_key: identity.public_key,
        metadata: SECTIONS.init(metadata(identity.name)),
        ssm: identity.ssm,
        boot: identity.boot,
        seed: identity.seed,
        backoff: Backoff::NOMINAL,
        tolerance: Duration::from_secs(20),
        guard: Duration::from_secs(30),
    };
    let storage = SsdStorage {
        recipes: RECIPES.init_with(|| [const { Slot::EMPTY }; 16]),
        reports: REPORTS.init_with(|| [const { Slot::EMPTY }; 8]),
        summaries: SUMMARIES.take(),
        metadata: METADATA.take(),
    };
    let ssd = Ssd::new(config, storage);
    match identity.signer {
        Some(signer) => ssd.with_signer(signer),
        None => ssd,
    }
}

/// What the device says of itself.
fn metadata(name: &str) -> [Section<'_>; 4] {
    let receiver = Receiver {
        frequency_low_hz: 24_000_000,
        frequency_high_hz: 1_700_000_000,
        bandwidth_max_hz: 10_000_000,
        resolution_min_hz: 100,
        gain_min_db: 0,
        gain_max_db: 30,
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
            spec: HardwareSpec { model: "mps2-an386", ..HardwareSpec::UNKNOWN },
            name,
            ..Host::UNKNOWN
        }),
        Section::Environment(Environment {
            surroundings: Some(Surroundings::OutdoorRural),
            ..Environment::UNKNOWN
        }),
    ]
}
