//! The copy of the inventory, a part at a time.

use super::Ssm;
use super::bookings::{Booking, Bookings};
use super::devices::seconds;
use crate::scos::association::{RegisteredDevice, Registry};
use crate::scos::link::count;
use crate::scos::messages::{
    Cursor, EntriesBuffer, InventoryDevice, InventoryItem, InventoryRequest, Message,
};
use crate::scos::{ActorId, DeviceIndex, RequestId};
use crate::time::Now;
use crate::transport::{Address, Transport};

impl Ssm<'_> {
    /// Answers with the part at the place asked for.
    pub(super) fn inventory_requested(
        &mut self,
        now: Now,
        from: &Address,
        request: &InventoryRequest,
        transport: &mut dyn Transport,
    ) {
        let (registry, bookings) = (&self.registry, &self.bookings);
        let mut buffer = EntriesBuffer::new();
        let device = device_from(registry, request.at.device);
        let next = device.and_then(|device| {
            let same = device.index().0 == request.at.device;
            let first = if same { request.at.recipe } else { Cursor::default().recipe };
            fill(&mut buffer, bookings, device.index(), first).or_else(|| {
                let after = device_from(registry, device.index().0.checked_add(1)?)?.index();
                Some(Cursor { device: after.0, ..Cursor::default() })
            })
        });
        let item = InventoryItem {
            actor: request.actor,
            copy: request.copy,
            at: request.at,
            device: device.map(|device| InventoryDevice {
                device: device.device(),
                remaining_ttl_s: seconds(device.remaining(now.monotonic)),
                capabilities: device.capabilities(),
                schedule: buffer.entries(),
            }),
            next,
        };
        count(&mut self.stats.inventory_items);
        // Not taken: the Actor asks again.
        self.stats.link.send(from, &Message::InventoryItem(item), transport);
    }
}

/// Puts a device's recipes from `first` on into the buffer. Returns where the next
/// part begins, if some did not fit.
fn fill(
    buffer: &mut EntriesBuffer,
    bookings: &Bookings<'_>,
    device: DeviceIndex,
    first: (ActorId, RequestId),
) -> Option<Cursor> {
    let mut entries = bookings
        .iter_from(first)
        .filter(|booking| booking.booked().is_some_and(|booked| booked.device == device))
        .filter_map(Booking::entry);
    let left = entries.find(|entry| !buffer.push(entry))?;
    Some(Cursor { device: device.0, recipe: (left.actor, left.request) })
}

/// The first device that is there at or after a number.
fn device_from<'r>(registry: &'r Registry<'_>, number: u16) -> Option<&'r RegisteredDevice> {
    registry.iter().find(|device| device.is_there() && device.index().0 >= number)
}
