//! The SCOS machines of the targets that drive them: configured alike, with few rows.

use std::time::Duration;

use farpost::scos::actor::ActorConfig;
use farpost::scos::calendar::{DevicePlan, Policy, RecipeRow};
use farpost::scos::messages::Usage;
use farpost::scos::ssd::{Sensor, Ssd, SsdConfig, SsdRecipe, SsdStorage};
use farpost::scos::ssm::{Booking, KnownActor, SsmConfig, SsmStorage};
use farpost::scos::{
    ActorId, Admission, DeviceConfig, DeviceMetadata, RegisteredDevice, RequestId, StoredReport,
    Summary,
};
use farpost::storage::Slot;
use farpost::time::{Instant, Now};
use farpost::transport::{Address, Transport};

use super::scos::{BACKOFF, DEVICES, METADATA};

/// Reports that an SSM or an SSD keeps.
pub const REPORTS: usize = 4;
/// Recipes that an SSD holds.
pub const RECIPES: usize = 3;

const fn known(device: &'static str) -> DeviceConfig<'static> {
    DeviceConfig { device, public_key: device.as_bytes() }
}

/// Two devices are known, and any other is admitted.
pub const SSM: SsmConfig<'static> = SsmConfig {
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

pub const ACTOR_REQUESTS: usize = 4;

/// The SSD that is the first device.
pub fn ssd_config() -> SsdConfig<'static> {
    SsdConfig {
        device: DEVICES[0],
        public_key: DEVICES[0].as_bytes(),
        metadata: METADATA,
        ssm: Address::new(0, &[0]),
        boot: 1,
        seed: 1,
        backoff: BACKOFF,
        tolerance: Duration::from_secs(5),
        guard: Duration::from_secs(30),
    }
}

pub fn actor_config() -> ActorConfig {
    ActorConfig {
        actor: ActorId(1),
        ssm: Address::new(0, &[0]),
        first_request: RequestId(0),
        backoff: BACKOFF,
        attempts: 4,
    }
}

/// Room for three devices, of which `N` may say what they can do, and for `N` Actors.
pub struct SsmRoom<const N: usize> {
    devices: [Slot<RegisteredDevice>; 3],
    plans: [DevicePlan; 3],
    metadata: [DeviceMetadata; N],
    recipes: [Slot<RecipeRow>; 4],
    bookings: [Slot<Booking>; 5],
    actors: [Slot<KnownActor>; N],
    reports: [Slot<StoredReport>; REPORTS],
    summaries: [Summary; 2],
    usage: [Slot<Usage>; N],
}

impl<const N: usize> Default for SsmRoom<N> {
    fn default() -> Self {
        Self {
            devices: [const { Slot::EMPTY }; 3],
            plans: [DevicePlan::EMPTY; 3],
            metadata: [const { DeviceMetadata::EMPTY }; N],
            recipes: [const { Slot::EMPTY }; 4],
            bookings: [const { Slot::EMPTY }; 5],
            actors: [const { Slot::EMPTY }; N],
            reports: [const { Slot::EMPTY }; REPORTS],
            summaries: [Summary::EMPTY; 2],
            usage: [const { Slot::EMPTY }; N],
        }
    }
}

impl<const N: usize> SsmRoom<N> {
    pub fn storage(&mut self) -> SsmStorage<'_> {
        SsmStorage {
            devices: &mut self.devices,
            plans: &mut self.plans,
            metadata: &mut self.metadata,
            recipes: &mut self.recipes,
            bookings: &mut self.bookings,
            actors: &mut self.actors,
            reports: &mut self.reports,
            summaries: &mut self.summaries,
            usage: &mut self.usage,
        }
    }
}

pub struct SsdRoom {
    recipes: [Slot<SsdRecipe>; RECIPES],
    reports: [Slot<StoredReport>; REPORTS],
    summaries: [Summary; 2],
    metadata: [u8; 700],
}

impl Default for SsdRoom {
    fn default() -> Self {
        Self {
            recipes: [const { Slot::EMPTY }; RECIPES],
            reports: [const { Slot::EMPTY }; REPORTS],
            summaries: [Summary::EMPTY; 2],
            metadata: [0; 700],
        }
    }
}

impl SsdRoom {
    pub fn storage(&mut self) -> SsdStorage<'_> {
        SsdStorage {
            recipes: &mut self.recipes,
            reports: &mut self.reports,
            summaries: &mut self.summaries,
            metadata: &mut self.metadata,
        }
    }
}

/// Ticks an SSD until nothing is due. A tick may leave slots that have begun for the next,
/// but each does some.
pub fn tick(ssd: &mut Ssd<'_>, sensor: &mut dyn Sensor, transport: &mut dyn Transport, now: Now) {
    let done = |ssd: &Ssd<'_>| ssd.stats().begun + ssd.stats().rejected;
    loop {
        let before = done(ssd);
        ssd.tick(now, transport, sensor);
        let left = ssd.next_deadline().is_some_and(|next| next <= now.monotonic);
        if !left || now.monotonic == Instant::MAX {
            return;
        }
        assert!(done(ssd) > before, "a tick left something due: {ssd:?}");
    }
}
