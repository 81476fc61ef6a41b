//! A machine's store in simulated flash.

#[allow(dead_code, reason = "the tests of the store itself need all of it")]
#[path = "../../../tests/flash/nor.rs"]
pub(crate) mod nor;

use std::boxed::Box;
use std::vec;

use self::nor::Nor;
use crate::storage::Slot;
use crate::store::flash::{FlashConfig, FlashStore};
use crate::store::{RECORD_MAX, RecordKey, Store};

/// Three sectors of 8,192 octets, in words of 8.
pub(crate) type BoardFlash = Nor<8, 4, 8_192>;

const SECTORS: u16 = 3;

#[derive(Debug)]
pub(crate) struct FlashDisk {
    pub(crate) nor: BoardFlash,
    pub(crate) store: FlashStore<'static, BoardFlash>,
}

impl FlashDisk {
    /// A flash that was written to for long: the only segment that may be in use, where
    /// one is free and one a spare, is nearly full.
    pub(crate) fn new(seed: u64) -> Self {
        let nor = Nor::new(SECTORS.into(), seed);
        let mut store = open(&nor);
        let key = RecordKey::new([0; 11]);
        for _ in 0..6 {
            store.put(&key, &[0; RECORD_MAX]).unwrap();
            store.remove(&key).unwrap();
        }
        Self { store, nor }
    }

    /// Power comes back.
    pub(crate) fn revive(&mut self) {
        self.nor.revive();
        self.store = open(&self.nor);
    }
}

fn open(nor: &BoardFlash) -> FlashStore<'static, BoardFlash> {
    nor.start();
    let config = FlashConfig { region: 0..u32::from(SECTORS) * 8_192, spares: 1 };
    FlashStore::open(nor.clone(), &config, Box::leak(vec![Slot::EMPTY; 64].into())).unwrap()
}
