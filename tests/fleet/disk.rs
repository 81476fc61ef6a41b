//! A store in memory that loses power when told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use farpost::store::{Loaded, RECORD_MAX, RecordKey, Store, StoreError};

/// Clones are the same store: what a machine that is gone has written is there for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    durable: BTreeMap<RecordKey, Vec<u8>>,
    pending: Vec<(RecordKey, Option<Vec<u8>>)>,
    operations: u64,
    /// Nothing works from this operation on.
    dies_at: Option<u64>,
}

impl State {
    fn apply(&mut self, writes: Vec<(RecordKey, Option<Vec<u8>>)>) {
        for (key, value) in writes {
            match value {
                Some(value) => self.durable.insert(key, value),
                None => self.durable.remove(&key),
            };
        }
    }
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Power is lost at the `operation`-th from now on, or at once when that is 0.
    pub(crate) fn die_at(&self, operation: u64) {
        let mut state = self.state();
        state.dies_at = Some(state.operations + operation);
    }

    /// It is not to lose power any more, if it has not.
    pub(crate) fn spare(&self) {
        if !self.is_dead() {
            self.state().dies_at = None;
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        let state = self.state();
        state.dies_at.is_some_and(|at| state.operations >= at)
    }

    /// Power comes back. Of what was not durable the first so many writes are.
    pub(crate) fn revive(&self, written: u64) {
        let mut state = self.state();
        let mut pending = std::mem::take(&mut state.pending);
        pending.truncate(written as usize);
        state.apply(pending);
        state.dies_at = None;
    }

    /// As a machine is lent it.
    pub(crate) fn lend(&self) -> &'static mut Self {
        Box::leak(Box::new(self.clone()))
    }

    fn operate(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.state();
        state.operations += 1;
        if state.dies_at.is_some_and(|at| state.operations >= at) {
            return Err(StoreError::Failed);
        }
        Ok(state)
    }
}

impl Store for Disk {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        // In no order a machine could rely on.
        self.state().durable.iter().rev().for_each(|(key, value)| each(key, value));
        Ok(Loaded::default())
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        assert!(value.len() <= RECORD_MAX);
        self.operate()?.pending.push((*key, Some(value.to_vec())));
        Ok(())
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        self.operate()?.pending.push((*key, None));
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        let mut state = self.operate()?;
        let pending = std::mem::take(&mut state.pending);
        state.apply(pending);
        Ok(())
    }
}
