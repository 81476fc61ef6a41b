//! An SSD, without the AMS module that carries it: what the role weighs, and that it
//! cannot panic.
#![no_std]
#![no_main]

#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::scos::messages::Rejection;
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::{AssociationEvent, DeviceMetadata, ScanId, ScanParameters, Section, Summary};
use farpost::storage::Slot;
use farpost::time::Now;
use link::{Link, any, datagram, now};

/// A front-end that may do anything.
struct FrontEnd;

impl Sensor for FrontEnd {
    fn begin(&mut self, now: Now, scan: &Scan) -> Result<(), Rejection> {
        black_box((now, scan));
        black_box(Ok(()))
    }

    fn stop(&mut self, now: Now, scan: &Scan) {
        black_box((now, scan));
    }

    fn association(&mut self, now: Now, event: AssociationEvent) {
        black_box((now, event));
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let Some(config) = any::<SsdConfig<'_>>() else { loop {} };
    let mut recipes = [const { Slot::EMPTY }; 16];
    let mut reports = [const { Slot::EMPTY }; 8];
    let mut summaries = [const { Summary::EMPTY }; 8];
    let mut metadata = [0; DeviceMetadata::OCTETS];
    let storage = SsdStorage {
        recipes: &mut recipes,
        reports: &mut reports,
        summaries: &mut summaries,
        metadata: &mut metadata,
    };
    let mut ssd = Ssd::new(config, storage);
    loop {
        let (from, octets) = datagram();
        ssd.receive(now(), &from, octets, &mut Link, &mut FrontEnd);
        ssd.tick(now(), &mut Link, &mut FrontEnd);
        ask(&mut ssd, octets);
    }
}

fn ask(ssd: &mut Ssd<'_>, octets: &[u8]) {
    if let Some((scan, reason)) = any::<(ScanId, Rejection)>() {
        let _ = black_box(ssd.complete(now(), scan, octets));
        let _ = black_box(ssd.fail(now(), scan, reason));
    }
    if let Some((scan, parameters)) = any::<(ScanId, ScanParameters)>() {
        let _ = black_box(ssd.executes(scan, parameters));
    }
    if let Some(section) = any::<Section<'_>>() {
        let _ = black_box(ssd.set_section(&section));
    }
    if any::<()>().is_some() {
        ssd.reconnected();
        ssd.leave();
        ssd.join();
    }
    black_box((ssd.next_deadline(), ssd.is_associated(), ssd.running(), ssd.unacknowledged()));
    black_box((ssd.stats(), ssd.schedule().count(), ssd.metadata()));
}
