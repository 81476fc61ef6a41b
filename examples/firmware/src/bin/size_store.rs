//! The store in flash: what it weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use farpost::storage::Slot;
use farpost::store::flash::{FlashConfig, FlashStore};
use farpost::store::{RecordKey, Store};

/// A flash that may do anything.
struct Flash;

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, octets: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        black_box((offset, octets));
        black_box(Ok(()))
    }

    fn capacity(&self) -> usize {
        black_box(1 << 16)
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = 4_096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        black_box((from, to));
        black_box(Ok(()))
    }

    fn write(&mut self, offset: u32, octets: &[u8]) -> Result<(), NorFlashErrorKind> {
        black_box((offset, octets));
        black_box(Ok(()))
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut rows = [const { Slot::EMPTY }; 64];
    let config = black_box(FlashConfig { region: 0..1 << 16, spares: 1 });
    loop {
        let _ = black_box(FlashStore::format(Flash, &config));
        let Ok(mut store) = FlashStore::open(Flash, &config, &mut rows) else { continue };
        ask(&mut store);
        black_box((store.room(), store.used(), store.records(), store.stats()));
    }
}

fn ask(store: &mut dyn Store) {
    let (key, value) = black_box((RecordKey::new([0; 11]), &[0_u8; 1_200][..]));
    let _ = black_box(store.load(&mut |key, value| {
        black_box((key, value));
    }));
    let _ = black_box(store.put(&key, value));
    let _ = black_box(store.remove(&key));
    let _ = black_box(store.sync());
}
