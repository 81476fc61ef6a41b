//! The copy of the inventory, a part at a time.

use super::Ssm;
use crate::scos::association::RegisteredDevice;
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
        let mut buffer = EntriesBuffer::new();
        let device = self.device_from(request.at.device);
        let mut next = None;
        if let Some(device) = device {
            let same = device.index().0 == request.at.device;
            let first = if same { request.at.recipe } else { (ActorId(0), RequestId(0)) };
            next = self.fill(&mut buffer, device, first);
        }
        let item = InventoryItem {
            actor: request.actor,
            copy: request.copy,
            at: request.at,
            device: device.map(|device| InventoryDevice {
                device: device.device(),
                remaining_ttl_s: u32::try_from(device.remaining(now.monotonic).as_secs())
                    .unwrap_or(u32::MAX),
                capabilities: device.capabilities(),
                schedule: buffer.entries(),
            }),
            next,
        };
        count(&mut self.stats.inventory_items);
        // Not taken: the Actor asks again.
        self.stats.link.send(from, &Message::InventoryItem(item), transport);
    }

    /// Puts a device's recipes from `first` on into the buffer. Returns where the
    /// next part begins.
    fn fill(
        &self,
        buffer: &mut EntriesBuffer,
        device: &RegisteredDevice,
        first: (ActorId, RequestId),
    ) -> Option<Cursor> {
        let index = device.index();
        for booking in self.bookings.iter_from(first) {
            let booked = booking.booked().is_some_and(|booked| booked.device == index);
            let Some(entry) = booking.entry().filter(|_| booked) else { continue };
            if !buffer.push(&entry) {
                let recipe = (booking.actor, booking.request);
                return Some(Cursor { device: index.0, recipe });
            }
        }
        let DeviceIndex(after) = self.device_from(index.0.checked_add(1)?)?.index();
        Some(Cursor { device: after, recipe: (ActorId(0), RequestId(0)) })
    }

    /// The first device that is there at or after a number.
    fn device_from(&self, number: u16) -> Option<&RegisteredDevice> {
        self.registry.iter().find(|device| device.is_there() && device.index().0 >= number)
    }
}
