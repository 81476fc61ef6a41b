//! What devices say of themselves, and what Actors have had.

use super::{DeviceEvent, Ssm, SsmUser};
use crate::machine::count;
use crate::scos::messages::{Advertise, Advertised, Usage, UsageItem, UsageRequest};
use crate::scos::metadata::{DeviceMetadata, Metadata, SectionKey};
use crate::scos::{ActorId, DeviceIndex};
use crate::time::Now;
use crate::transport::{Address, Transport};

impl Ssm<'_> {
    /// What is known of a device; `None` when it is not there.
    #[must_use]
    pub fn metadata(&self, device: &str) -> Option<Metadata<'_>> {
        let device = self.registry.by_id(device).filter(|device| device.is_there())?;
        Some(self.metadata_of(device.index()))
    }

    /// What Actors have had, in the order of their numbers.
    pub fn usage(&self) -> impl Iterator<Item = &Usage> {
        self.usage.iter()
    }

    /// Goes on counting for an Actor from where another run of the SSM was.
    ///
    /// # Errors
    /// The sums, when there is no room for another Actor.
    pub fn restore_usage(&mut self, usage: Usage) -> Result<(), crate::storage::Full<Usage>> {
        self.usage.insert(usage).map(|_| ())
    }

    /// A device says a section of its metadata.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn advertised(
        &mut self,
        now: Now,
        from: &Address,
        index: DeviceIndex,
        said: &Advertise<'_>,
        transport: &mut dyn Transport,
        user: &mut dyn SsmUser,
    ) {
        let Some(device) = self.registry.get(index).filter(|device| device.boot() == said.boot)
        else {
            // Of an earlier run: nobody waits for the answer.
            return count(&mut self.stats.stale_advertisements);
        };
        let (name, key) = (device.device(), said.section.key());
        let mut store = self.metadata.get_mut(usize::from(index.0)).map(DeviceMetadata::store);
        let known = store.as_ref().and_then(|store| store.revision(key));
        let full = if known.is_some_and(|known| known >= said.revision) {
            count(&mut self.stats.stale_advertisements);
            false
        } else {
            let changed = store.as_ref().is_some_and(|store| !store.says(&said.section));
            let kept =
                store.as_mut().is_some_and(|store| store.put(&said.section, said.revision).is_ok());
            count(if kept {
                &mut self.stats.advertisements
            } else {
                &mut self.stats.metadata_full
            });
            if kept && changed {
                user.advertised(now, name, &said.section);
                if key == SectionKey::SENSOR {
                    user.device(now, name, DeviceEvent::Advertised);
                }
            }
            !kept
        };
        let answer = Advertised { revision: said.revision, section: key, full };
        // Not taken: the device says it again.
        self.stats.link.say(from, &answer, transport);
        // Something that has changed it may say without knowing that all else is forgotten.
        if self.metadata_of(index).is_complete()
            && let Some(device) = self.registry.get_mut(index)
        {
            device.renewed = false;
        }
    }

    pub(super) fn metadata_of(&self, index: DeviceIndex) -> Metadata<'_> {
        self.metadata.get(usize::from(index.0)).map(DeviceMetadata::metadata).unwrap_or_default()
    }

    /// What a device said is of no account any more.
    pub(super) fn forget_metadata(&mut self, index: DeviceIndex) {
        if let Some(metadata) = self.metadata.get_mut(usize::from(index.0)) {
            metadata.store().clear();
        }
    }

    /// Adds to the sums of an Actor.
    pub(super) fn count_usage(&mut self, actor: ActorId, add: impl FnOnce(&mut Usage)) {
        self.usage_owed.note(actor);
        self.keeper.changed();
        add_usage(&mut self.usage, &mut self.stats.usage_full, actor, add);
    }

    /// Answers an Actor that asks what has been had.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn usage_requested(
        &mut self,
        from: &Address,
        request: &UsageRequest,
        transport: &mut dyn Transport,
    ) {
        let UsageRequest { actor, copy, at } = *request;
        let may = |usage: &&Usage| self.settings.operator == Some(actor) || usage.actor == actor;
        let mut rows = self.usage.iter_from(at).filter(may);
        let usage = rows.next().copied();
        let next = rows.next().map(|next| next.actor);
        let item = UsageItem { actor, copy, at, usage, next };
        count(&mut self.stats.usage_items);
        // Not taken: the Actor asks again.
        self.stats.link.say(from, &item, transport);
    }
}

/// Adds to the sums of an Actor, as far as there is room for it.
pub(super) fn add_usage(
    table: &mut crate::storage::Table<'_, Usage>,
    full: &mut u64,
    actor: ActorId,
    add: impl FnOnce(&mut Usage),
) {
    if let Some(usage) = table.get_mut(actor) {
        return add(usage);
    }
    match table.insert(Usage::new(actor)) {
        Ok(usage) => add(usage),
        Err(_) => count(full),
    }
}
