//! A store that fails and loses power as tests want.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::vec::Vec;

#[cfg(feature = "flash")]
use super::flash::FlashDisk;
use crate::store::{Loaded, RECORD_MAX, RecordKey, Store, StoreError};

/// A store in memory. Clones are the same store: what a machine that is gone has
/// written is there for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) durable: BTreeMap<RecordKey, Vec<u8>>,
    pending: Vec<(RecordKey, Option<Vec<u8>>)>,
    operations: u64,
    /// Nothing works from this operation on: power is lost.
    dies_at: Option<u64>,
    failing: bool,
    /// The store is in flash, and all of the above is of no matter.
    #[cfg(feature = "flash")]
    pub(crate) flash: Option<FlashDisk>,
}

impl Disk {
    /// One in flash, where power is lost in the middle of writes and erasures.
    #[cfg(feature = "flash")]
    pub(crate) fn in_flash(flash: FlashDisk) -> Self {
        let disk = Self::default();
        disk.state().flash = Some(flash);
        disk
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Whether it fails, until it is told otherwise.
    pub(crate) fn fail(&self, failing: bool) {
        self.state().failing = failing;
    }

    /// Power is lost at the `operation`-th from now on.
    pub(crate) fn die_at(&self, operation: u64) {
        let mut state = self.state();
        #[cfg(feature = "flash")]
        if let Some(flash) = &state.flash {
            return flash.nor.die_at(operation);
        }
        state.dies_at = Some(state.operations + operation);
    }

    pub(crate) fn is_dead(&self) -> bool {
        let state = self.state();
        #[cfg(feature = "flash")]
        if let Some(flash) = &state.flash {
            return flash.nor.is_dead();
        }
        state.dies_at.is_some_and(|at| state.operations >= at)
    }

    /// Power comes back. Of what was not durable the first so many writes are.
    pub(crate) fn revive(&self, written: u64) {
        let mut state = self.state();
        #[cfg(feature = "flash")]
        if let Some(flash) = &mut state.flash {
            return flash.revive();
        }
        let written = usize::try_from(written).unwrap().min(state.pending.len());
        let pending: Vec<_> = state.pending.drain(..).take(written).collect();
        state.apply(pending);
        state.dies_at = None;
        state.failing = false;
    }

    /// As a machine is lent it.
    pub(crate) fn lend(&self) -> &'static mut Self {
        std::boxed::Box::leak(std::boxed::Box::new(self.clone()))
    }

    fn operate(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.state();
        state.operations += 1;
        if state.failing || state.dies_at.is_some_and(|at| state.operations >= at) {
            return Err(StoreError::Failed);
        }
        Ok(state)
    }
}

impl State {
    fn apply(&mut self, writes: Vec<(RecordKey, Option<Vec<u8>>)>) {
        for (key, value) in writes {
            match value {
                Some(value) => drop(self.durable.insert(key, value)),
                None => drop(self.durable.remove(&key)),
            }
        }
    }
}

impl Store for Disk {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        #[cfg(feature = "flash")]
        if let Some(flash) = &mut self.state().flash {
            return flash.store.load(each);
        }
        let durable = self.state().durable.clone();
        // In no order a machine could rely on.
        durable.iter().rev().for_each(|(key, value)| each(key, value));
        Ok(Loaded::default())
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        assert!(value.len() <= RECORD_MAX);
        #[cfg(feature = "flash")]
        if let Some(flash) = &mut self.state().flash {
            return flash.store.put(key, value);
        }
        self.operate()?.pending.push((*key, Some(value.to_vec())));
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        #[cfg(feature = "flash")]
        if let Some(flash) = &mut self.state().flash {
            return flash.store.remove(key);
        }
        self.operate()?.pending.push((*key, None));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        #[cfg(feature = "flash")]
        if let Some(flash) = &mut self.state().flash {
            return flash.store.sync();
        }
        let mut state = self.operate()?;
        let pending = core::mem::take(&mut state.pending);
        state.apply(pending);
        Ok(())
    }
}
