//! A store that loses power.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use farpost::store::{Loaded, RECORD_MAX, RecordKey, Store, StoreError};

/// Records in memory. What is not synchronised may be lost when power is.
#[derive(Debug, Default)]
pub struct Disk {
    durable: BTreeMap<RecordKey, Vec<u8>>,
    pending: Vec<(RecordKey, Option<Vec<u8>>)>,
    /// How many operations work until power is lost.
    lasts: u32,
    power: Power,
}

/// Whether there is power. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Power(Arc<AtomicBool>);

impl Power {
    /// Whether it is lost.
    pub fn is_lost(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, lost: bool) {
        self.0.store(lost, Ordering::Relaxed);
    }
}

impl Disk {
    /// Power comes back, for so many operations. Of what was not durable the first so many
    /// writes are.
    pub fn revive(&mut self, written: usize, lasts: u32) {
        let pending = std::mem::take(&mut self.pending);
        self.apply(pending.into_iter().take(written));
        self.lasts = lasts;
        self.power.set(false);
    }

    /// The power it depends on.
    pub fn power(&self) -> Power {
        self.power.clone()
    }

    fn apply(&mut self, writes: impl Iterator<Item = (RecordKey, Option<Vec<u8>>)>) {
        for (key, value) in writes {
            match value {
                Some(value) => drop(self.durable.insert(key, value)),
                None => drop(self.durable.remove(&key)),
            }
        }
    }

    fn operate(&mut self) -> Result<(), StoreError> {
        let Some(lasts) = self.lasts.checked_sub(1) else {
            self.power.set(true);
            return Err(StoreError::Failed);
        };
        self.lasts = lasts;
        Ok(())
    }
}

impl Store for Disk {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        self.durable.iter().rev().for_each(|(key, value)| each(key, value));
        Ok(Loaded::default())
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        assert!(value.len() <= RECORD_MAX);
        self.operate()?;
        self.pending.push((*key, Some(value.to_vec())));
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        self.operate()?;
        self.pending.push((*key, None));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.operate()?;
        let pending = std::mem::take(&mut self.pending);
        self.apply(pending.into_iter());
        Ok(())
    }
}
