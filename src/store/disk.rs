//! A store in memory that fails and loses power when told to. Integration tests and fuzz
//! targets have it too.
#![allow(dead_code, reason = "nobody uses all of it")]

use std::boxed::Box;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::vec::Vec;

use farpost::store::{Loaded, RECORD_MAX, RecordKey, Store, StoreError};

/// Clones are the same store: what a machine that is gone has written is there for the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) durable: BTreeMap<RecordKey, Vec<u8>>,
    pending: Vec<(RecordKey, Option<Vec<u8>>)>,
    pub(crate) operations: u64,
    /// Nothing works from this operation on: power is lost.
    dies_at: Option<u64>,
    pub(crate) failing: bool,
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
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Whether it fails, until it is told otherwise.
    pub(crate) fn fail(&self, failing: bool) {
        self.state().failing = failing;
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
        let mut pending = core::mem::take(&mut state.pending);
        pending.truncate(usize::try_from(written).unwrap_or(usize::MAX));
        state.apply(pending);
        state.dies_at = None;
        state.failing = false;
    }

    /// As a machine is lent it.
    pub(crate) fn lend(&self) -> &'static mut Self {
        Box::leak(Box::new(self.clone()))
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
        // In no order a machine could rely on.
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
