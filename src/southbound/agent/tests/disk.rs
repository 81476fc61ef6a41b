//! A store that fails and loses power as tests want.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::vec::Vec;

use crate::store::{Loaded, RECORD_MAX, RecordKey, Store, StoreError};

/// A store in memory. Clones are the same store.
#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) durable: BTreeMap<RecordKey, Vec<u8>>,
    pending: Vec<(RecordKey, Option<Vec<u8>>)>,
    pub(super) operations: u64,
    /// Nothing works from this operation on: power is lost.
    dies_at: Option<u64>,
    pub(super) failing: bool,
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

impl Disk {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Power is lost at the `operation`-th from now on.
    pub(super) fn die_at(&self, operation: u64) {
        let mut state = self.state();
        state.dies_at = Some(state.operations + operation);
    }

    /// It is not to lose power any more.
    pub(super) fn spare(&self) {
        self.state().dies_at = None;
    }

    pub(super) fn is_dead(&self) -> bool {
        let state = self.state();
        state.dies_at.is_some_and(|at| state.operations >= at)
    }

    /// Power comes back. Of what was not durable the first so many writes are.
    pub(super) fn revive(&self, written: usize) {
        let mut state = self.state();
        let mut pending = core::mem::take(&mut state.pending);
        pending.truncate(written);
        state.apply(pending);
        state.dies_at = None;
    }

    /// As an agent is lent it.
    pub(super) fn lend(&self) -> &'static mut Self {
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

impl Store for Disk {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        let durable = self.state().durable.clone();
        // In no order an agent could rely on.
        durable.iter().rev().for_each(|(key, value)| each(key, value));
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
        let pending = core::mem::take(&mut state.pending);
        state.apply(pending);
        Ok(())
    }
}
