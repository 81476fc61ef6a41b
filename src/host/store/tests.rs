//! The file fails and loses power at every operation.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::vec;
use std::vec::Vec;

use super::*;

/// A file in memory: what was not synchronised may be lost when power is.
#[derive(Clone, Debug, Default)]
struct Medium(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    durable: Vec<u8>,
    now: Vec<u8>,
    /// Writes since the last synchronisation: where, and what.
    pending: Vec<(usize, Vec<u8>)>,
    operations: usize,
    dies_at: Option<usize>,
}

impl State {
    /// Power is lost at the `nth` operation from now on.
    fn dies(&mut self, nth: usize) {
        self.dies_at = Some(self.operations + nth);
    }

    fn is_dead(&self) -> bool {
        self.dies_at.is_some_and(|at| self.operations >= at)
    }
}

impl Medium {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn operate(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        state.operations += 1;
        if state.is_dead() {
            return Err(io::Error::other("no power"));
        }
        Ok(state)
    }

    /// Power comes back. Of the writes that were not durable some were done, the one
    /// after them in part.
    fn revive(&self, seed: usize) {
        let mut state = self.state();
        let done = if state.pending.is_empty() { 0 } else { seed % (state.pending.len() + 1) };
        let pending = core::mem::take(&mut state.pending);
        let length = state.now.len();
        state.durable.resize(length, 0);
        for (nth, (at, octets)) in pending.iter().enumerate() {
            let torn = if nth == done { octets.len() / 2 } else { 0 };
            let written = if nth < done { octets.len() } else { torn };
            let to = &mut state.durable[*at..*at + written];
            to.copy_from_slice(&octets[..written]);
        }
        state.now = state.durable.clone();
        state.dies_at = None;
    }
}

impl StorageBackend for Medium {
    fn len(&self) -> io::Result<u64> {
        Ok(self.operate()?.now.len() as u64)
    }

    fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let offset = usize::try_from(offset).unwrap();
        Ok(self.operate()?.now[offset..offset + length].to_vec())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.operate()?.now.resize(usize::try_from(length).unwrap(), 0);
        Ok(())
    }

    fn sync_data(&self, _eventual: bool) -> io::Result<()> {
        let mut state = self.operate()?;
        let State { durable, now, pending, .. } = &mut *state;
        durable.resize(now.len(), 0);
        for (at, octets) in pending.drain(..) {
            durable[at..at + octets.len()].copy_from_slice(&octets);
        }
        Ok(())
    }

    fn write(&self, offset: u64, octets: &[u8]) -> io::Result<()> {
        let mut state = self.operate()?;
        let at = usize::try_from(offset).unwrap();
        state.now[at..at + octets.len()].copy_from_slice(octets);
        state.pending.push((at, octets.to_vec()));
        Ok(())
    }
}

type Model = BTreeMap<[u8; 11], Vec<u8>>;

fn key(number: u8) -> RecordKey {
    RecordKey::new([number; 11])
}

fn contents(store: &mut FileStore) -> Model {
    let mut found = Model::new();
    let loaded = store.load(&mut |key, value| {
        found.insert(*key.octets(), value.to_vec());
    });
    assert_eq!(loaded, Ok(Loaded::default()));
    found
}

/// Six transactions. Returns what is there after each.
fn models() -> Vec<Model> {
    let mut models = vec![Model::new()];
    for round in 0..6_u8 {
        let mut model = models[models.len() - 1].clone();
        model.insert(*key(round).octets(), vec![round; 1_200]);
        model.insert(*key(200).octets(), vec![round; 30]);
        model.remove(key(round.wrapping_sub(2)).octets());
        models.push(model);
    }
    models
}

/// Runs them until the medium fails. Returns how many were synchronised.
fn run(store: &mut FileStore) -> usize {
    for round in 0..6_u8 {
        let done = store
            .put(&key(round), &[round; 1_200])
            .and_then(|()| store.put(&key(200), &[round; 30]))
            .and_then(|()| store.remove(&key(round.wrapping_sub(2))))
            .and_then(|()| store.sync());
        if done.is_err() {
            return round.into();
        }
    }
    6
}

#[test]
fn what_was_synchronised_survives_a_loss_of_power_at_every_operation() {
    let models = models();
    let mut losses = 0;
    for nth in 1.. {
        // A file has its name from when it is whole.
        let medium = Medium::default();
        drop(FileStore::over(medium.clone()).unwrap());
        medium.state().dies(nth);
        let synchronised = FileStore::over(medium.clone()).map_or(0, |mut store| run(&mut store));
        if !medium.state().is_dead() {
            break;
        }
        losses += 1;
        medium.revive(nth * 7);
        let mut store =
            FileStore::over(medium).unwrap_or_else(|error| panic!("operation {nth}: {error}"));
        let found = contents(&mut store);
        // The transaction that was interrupted is there as a whole or not at all.
        let whole = [synchronised, (synchronised + 1).min(6)].map(|at| found == models[at]);
        assert!(whole.contains(&true), "operation {nth}: {synchronised} {:?}", found.keys());
        assert_eq!(run(&mut store), 6, "and it works again");
        assert_eq!(contents(&mut store), models[6]);
    }
    assert!(losses > 70, "{losses}");
}

#[test]
fn a_medium_that_fails_is_told_and_may_work_again() {
    let medium = Medium::default();
    let mut store = FileStore::over(medium.clone()).unwrap();
    store.put(&key(1), b"one").unwrap();
    store.sync().unwrap();
    medium.state().dies(0);
    let failed = store.put(&key(2), b"two").and_then(|()| store.sync());
    assert_eq!(failed, Err(StoreError::Failed));
    drop(store);
    medium.revive(0);
    let mut store = FileStore::over(medium).unwrap();
    assert_eq!(contents(&mut store).len(), 1);
    store.put(&key(2), b"two").unwrap();
    store.sync().unwrap();
    assert_eq!(contents(&mut store).len(), 2);
}

#[test]
fn a_file_has_its_name_once_it_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ssm.store");
    let names = || {
        let entries = fs::read_dir(directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
    };
    // Power was lost while it was made, by a process of the same number.
    let left = directory.path().join(format!("ssm.store.{}.new", process::id()));
    fs::write(&left, b"half").unwrap();
    let mut store = FileStore::open(&file).unwrap();
    assert_eq!(names(), ["ssm.store"]);
    store.put(&key(1), b"one").unwrap();
    store.sync().unwrap();
    drop(store);
    assert_eq!(contents(&mut FileStore::open(&file).unwrap()).len(), 1);
    assert_eq!(names(), ["ssm.store"]);
}

#[test]
fn files_that_are_no_stores_and_stores_in_use_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ssm.store");
    fs::write(&file, vec![7; 4_096]).unwrap();
    let error = FileStore::open(&file).unwrap_err();
    assert!(!error.is_in_use() && error.to_string().contains("cannot be used as a store"));
    let other = directory.path().join("other.store");
    let _held = FileStore::open(&other).unwrap();
    let error = FileStore::open(&other).unwrap_err();
    assert!(error.is_in_use(), "{error}");
    assert!(FileStore::open(&directory.path().join("no/such/place")).is_err());
}
