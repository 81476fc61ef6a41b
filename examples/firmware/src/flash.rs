//! A store for a machine that is weighed.

use core::hint::black_box;

use farpost::store::{Loaded, RecordKey, Store, StoreError};

use crate::link::datagram;

/// A store that may do anything.
pub struct Flash;

impl Store for Flash {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        each(&black_box(RecordKey::new([0; 11])), datagram().1);
        black_box(Ok(Loaded::default()))
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        black_box((key, value));
        black_box(Ok(()))
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        black_box(key);
        black_box(Ok(()))
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        black_box(Ok(()))
    }
}
