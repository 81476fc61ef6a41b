//! The stores that machines are tested with: one in memory, or one in flash.

use std::boxed::Box;
#[cfg(feature = "flash")]
use std::sync::{Arc, Mutex};

#[cfg(feature = "flash")]
use super::flash::FlashDisk;
use crate::store::disk;
use crate::store::{Loaded, RecordKey, Store, StoreError};

/// Clones are the same store.
#[derive(Clone, Debug)]
pub(crate) enum Disk {
    Memory(disk::Disk),
    /// Where power is lost in the middle of writes and erasures.
    #[cfg(feature = "flash")]
    Flash(Arc<Mutex<FlashDisk>>),
}

impl Default for Disk {
    fn default() -> Self {
        Self::Memory(disk::Disk::default())
    }
}

impl Disk {
    #[cfg(feature = "flash")]
    pub(crate) fn in_flash(flash: FlashDisk) -> Self {
        Self::Flash(Arc::new(Mutex::new(flash)))
    }

    /// Power is lost at the `operation`-th from now on.
    pub(crate) fn die_at(&self, operation: u64) {
        match self {
            Self::Memory(disk) => disk.die_at(operation),
            #[cfg(feature = "flash")]
            Self::Flash(flash) => flash.lock().unwrap().nor.die_at(operation),
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        match self {
            Self::Memory(disk) => disk.is_dead(),
            #[cfg(feature = "flash")]
            Self::Flash(flash) => flash.lock().unwrap().nor.is_dead(),
        }
    }

    /// Power comes back. Of what was not durable in memory the first so many writes are.
    pub(crate) fn revive(&self, written: u64) {
        match self {
            Self::Memory(disk) => disk.revive(written),
            #[cfg(feature = "flash")]
            Self::Flash(flash) => flash.lock().unwrap().revive(),
        }
    }

    /// As a machine is lent it.
    pub(crate) fn lend(&self) -> &'static mut Self {
        Box::leak(Box::new(self.clone()))
    }

    fn with<R>(&mut self, run: impl FnOnce(&mut dyn Store) -> R) -> R {
        match self {
            Self::Memory(disk) => run(disk),
            #[cfg(feature = "flash")]
            Self::Flash(flash) => run(&mut flash.lock().unwrap().store),
        }
    }
}

impl Store for Disk {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        self.with(|store| store.load(each))
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        self.with(|store| store.put(key, value))
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        self.with(|store| store.remove(key))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.with(|store| store.sync())
    }
}
