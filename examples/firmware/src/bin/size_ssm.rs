//! An SSM, without the AMS module that carries it: what the role weighs, and that it
//! cannot panic.
#![no_std]
#![no_main]

#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::scos::calendar::DevicePlan;
use farpost::scos::messages::{Cancelled, Granted, Refused, Report, ScanRequest};
use farpost::scos::ssm::{DeviceEvent, Ssm, SsmConfig, SsmStorage, SsmUser};
use farpost::scos::{ActorId, DeviceMetadata, Section, Summary, Suspicion};
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::Address;
use link::{Link, any, datagram, now};

/// Somebody who watches.
struct Watch;

impl SsmUser for Watch {
    fn device(&mut self, now: Now, device: &str, event: DeviceEvent) {
        black_box((now, device, event));
    }

    fn advertised(&mut self, now: Now, device: &str, section: &Section<'_>) {
        black_box((now, device, section));
    }

    fn usurper(&mut self, now: Now, actor: ActorId, from: &Address) {
        black_box((now, actor, from));
    }

    fn intruder(&mut self, now: Now, device: &str, from: &Address, why: Suspicion) {
        black_box((now, device, from, why));
    }

    fn granted(&mut self, now: Now, request: &ScanRequest<'_>, granted: &Granted<'_>) {
        black_box((now, request, granted));
    }

    fn refused(&mut self, now: Now, request: &ScanRequest<'_>, refused: &Refused) {
        black_box((now, request, refused));
    }

    fn cancelled(&mut self, now: Now, cancelled: &Cancelled) {
        black_box((now, cancelled));
    }

    fn report(&mut self, now: Now, report: &Report<'_>) {
        black_box((now, report));
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let Some(config) = any::<SsmConfig<'_>>() else { loop {} };
    let mut devices = [const { Slot::EMPTY }; 4];
    let mut plans = [const { DevicePlan::EMPTY }; 4];
    let mut metadata = [const { DeviceMetadata::EMPTY }; 4];
    let mut usage = [const { Slot::EMPTY }; 4];
    let mut recipes = [const { Slot::EMPTY }; 32];
    let mut bookings = [const { Slot::EMPTY }; 32];
    let mut actors = [const { Slot::EMPTY }; 4];
    let mut reports = [const { Slot::EMPTY }; 8];
    let mut summaries = [const { Summary::EMPTY }; 8];
    let storage = SsmStorage {
        devices: &mut devices,
        plans: &mut plans,
        metadata: &mut metadata,
        recipes: &mut recipes,
        bookings: &mut bookings,
        actors: &mut actors,
        reports: &mut reports,
        summaries: &mut summaries,
        usage: &mut usage,
    };
    let mut ssm = Ssm::new(config, storage);
    loop {
        let (from, octets) = datagram();
        ssm.receive(now(), &from, octets, &mut Link, &mut Watch);
        ssm.tick(now(), &mut Link, &mut Watch);
        black_box((ssm.next_deadline(), ssm.owed(), ssm.unacknowledged()));
        black_box((ssm.stats(), ssm.inventory(now()).count(), ssm.usage().count()));
        if let Some(device) = any::<&str>() {
            black_box(ssm.metadata(device));
        }
    }
}
