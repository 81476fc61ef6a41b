//! A store that loses power.

use std::collections::BTreeMap;

use farpost::store::{Loaded, RECORD_MAX, RecordKey, Store, StoreError};

/// Records in memory. What is not synchronised may be lost when power is.
#[derive(Debug, Default)]
pub struct Disk {
    durable: BTreeMap<RecordKey, Vec<u8>>,
    pending: Vec<(RecordKey, Option<Vec<u8>>)>,
    /// How many operations work until power is lost.
    lasts: u32,
    /// Whether the next operation fails, and no other.
    pub fails: bool,
}

impl Disk {
    /// Power comes back, for so many operations. Of what was not durable the first so many
    /// writes are.
    pub fn revive(&mut self, written: usize, lasts: u32) {
        let pending = std::mem::take(&mut self.pending);
        self.apply(pending.into_iter().take(written));
        (self.lasts, self.fails) = (lasts, false);
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
        let failed = std::mem::take(&mut self.fails) || self.lasts == 0;
        self.lasts = self.lasts.saturating_sub(1);
        if failed { Err(StoreError::Failed) } else { Ok(()) }
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
