//! The copy of the inventory, a part at a time.

use super::Ssm;
use super::bookings::{Booking, Bookings};
use super::devices::seconds;
use crate::machine::count;
use crate::scos::association::{RegisteredDevice, Registry};
use crate::scos::messages::{
    Cursor, EntriesBuffer, InventoryDevice, InventoryItem, InventoryRequest, Place,
};
use crate::scos::metadata::{Metadata, SectionKey, SectionsBuffer};
use crate::scos::{ActorId, DeviceIndex, RequestId};
use crate::time::Now;
use crate::transport::{Address, Transport};

impl Ssm<'_> {
    /// Answers with the part at the place asked for.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn inventory_requested(
        &mut self,
        now: Now,
        from: &Address,
        request: &InventoryRequest,
        transport: &mut dyn Transport,
    ) {
        let (mut sections, mut entries) = (SectionsBuffer::new(), EntriesBuffer::new());
        let device = device_from(&self.registry, request.at.device);
        let next = device.and_then(|device| {
            let index = device.index();
            let same = index.0 == request.at.device;
            let place = if same { request.at.place } else { Cursor::START.place };
            let left = match place {
                Place::Section(first) => {
                    fill_sections(&mut sections, self.metadata_of(index), first)
                        .or_else(|| fill_entries(&mut entries, &self.bookings, index, FIRST))
                }
                Place::Recipe(actor, request) => {
                    fill_entries(&mut entries, &self.bookings, index, (actor, request))
                }
            };
            left.map(|place| Cursor { device: index.0, place }).or_else(|| {
                let after = device_from(&self.registry, index.0.checked_add(1)?)?;
                Some(Cursor::of(after.index().0))
            })
        });
        let item = InventoryItem {
            actor: request.actor,
            copy: request.copy,
            at: request.at,
            device: device.map(|device| InventoryDevice {
                device: device.device(),
                remaining_ttl_s: seconds(device.remaining(now.monotonic)),
                metadata: sections.sections(),
                schedule: entries.entries(),
            }),
            next,
        };
        count(&mut self.stats.inventory_items);
        // Not taken: the Actor asks again.
        self.stats.link.say(from, &item, transport);
    }
}

/// Before all recipes.
const FIRST: (ActorId, RequestId) = (ActorId(0), RequestId(0));

/// Puts a device's sections from `first` on into the buffer. Returns where the next
/// part begins, if some did not fit.
fn fill_sections(
    buffer: &mut SectionsBuffer,
    metadata: Metadata<'_>,
    first: SectionKey,
) -> Option<Place> {
    let mut sections = metadata.sections().filter(|section| section.key() >= first);
    let left = sections.find(|section| !buffer.push(section))?;
    Some(Place::Section(left.key()))
}

/// The same of its recipes.
fn fill_entries(
    buffer: &mut EntriesBuffer,
    bookings: &Bookings<'_>,
    device: DeviceIndex,
    first: (ActorId, RequestId),
) -> Option<Place> {
    let mut entries = bookings
        .iter_from(first)
        .filter(|booking| booking.booked().is_some_and(|booked| booked.device == device))
        .filter_map(Booking::entry);
    let left = entries.find(|entry| !buffer.push(entry))?;
    Some(Place::Recipe(left.actor, left.request))
}

/// The first device that is there at or after a number.
fn device_from<'r>(registry: &'r Registry<'_>, number: u16) -> Option<&'r RegisteredDevice> {
    registry.iter_from(DeviceIndex(number)).find(|device| device.is_there())
}
