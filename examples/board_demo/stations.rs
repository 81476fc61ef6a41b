//! The machines of SSM and Actor, whatever carries their messages.

use std::time::Duration;

use bumpalo::Bump;
use farpost::scos::actor::{Actor, ActorConfig};
use farpost::scos::calendar::DevicePlan;
use farpost::scos::ssm::{Ssm, SsmConfig, SsmStorage};
use farpost::scos::{ActorId, Backoff, DeviceConfig, DeviceMetadata, RequestId, Summary};
use farpost::storage::Slot;
use farpost::transport::Address;

use super::script::DEVICE;

/// The Actor's number.
pub(crate) const ACTOR: ActorId = ActorId(1);

/// An SSM of this run, which has the board's device and its public key in its inventory.
pub(crate) fn ssm<'a>(arena: &'a Bump, epoch: u32, public_key: &[u8]) -> Ssm<'a> {
    let devices = [DeviceConfig { device: DEVICE, public_key }];
    let config = SsmConfig {
        max_ttl: Duration::from_secs(180),
        grace: Duration::from_secs(60),
        ..SsmConfig::nominal(epoch, &devices)
    };
    let storage = SsmStorage {
        devices: slots(arena, 1),
        plans: arena.alloc_slice_fill_with(1, |_| DevicePlan::EMPTY),
        metadata: arena.alloc_slice_fill_with(1, |_| DeviceMetadata::EMPTY),
        recipes: slots(arena, 16),
        bookings: slots(arena, 16),
        actors: slots(arena, 2),
        reports: slots(arena, 16),
        summaries: arena.alloc_slice_fill_with(16, |_| Summary::EMPTY),
        usage: slots(arena, 2),
    };
    Ssm::new(config, storage)
}

/// The Actor; its SSM is at `ssm`.
pub(crate) fn actor(arena: &Bump, ssm: Address) -> Actor<'_> {
    let config = ActorConfig {
        actor: ACTOR,
        ssm,
        first_request: RequestId(1),
        backoff: Backoff::NOMINAL,
        attempts: 10,
    };
    Actor::new(config, slots(arena, 8))
}

pub(crate) fn slots<T>(arena: &Bump, count: usize) -> &mut [Slot<T>] {
    arena.alloc_slice_fill_with(count, |_| Slot::EMPTY)
}
