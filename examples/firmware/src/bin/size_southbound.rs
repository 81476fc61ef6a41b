//! The agent of the southbound interface, without the link that carries it: what it
//! weighs with a store, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::southbound::agent::{
    Agent, AgentStorage, Answer, Call, Change, Device, DeviceFault, Link,
};
use farpost::southbound::messages::ExportMetricsValues;
use farpost::southbound::schedule::{ChangeKey, ScheduleRow};
use farpost::southbound::telemetry::MetricKind;
use farpost::storage::Slot;
use farpost::store::{Loaded, RecordKey, Store, StoreError};
use farpost::time::Now;
use farpost::transport::SendError;

/// What the compiler knows nothing about, as if it were in the statics of a board: lent and
/// not copied, for copies would be weighed too.
#[inline(never)]
fn lent<T>() -> &'static mut T {
    match black_box(None) {
        Some(lent) => lent,
        None => loop {},
    }
}

/// A modem that may do anything.
struct Modem;

impl Device for Modem {
    fn apply(&mut self, now: Now, change: &Change<'_>) -> Result<(), DeviceFault> {
        black_box((&now, change));
        *lent()
    }

    fn remove(&mut self, now: Now, key: &ChangeKey<'_>) -> Result<(), DeviceFault> {
        black_box((&now, key));
        *lent()
    }
}

/// A way to the controller that may do anything.
struct Way;

impl Way {
    #[inline(never)]
    fn any(call: Call, octets: &[u8]) -> Result<(), SendError> {
        black_box((call, octets));
        *lent()
    }
}

impl Link for Way {
    fn reset(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        Self::any(call, request)
    }

    fn open(&mut self, call: Call) -> Result<(), SendError> {
        Self::any(call, &[])
    }

    fn send(&mut self, call: Call, message: &[u8]) -> Result<(), SendError> {
        Self::any(call, message)
    }

    fn close(&mut self, call: Call) {
        black_box(call);
    }

    fn export(&mut self, call: Call, request: &[u8]) -> Result<(), SendError> {
        Self::any(call, request)
    }
}

/// A store that may do anything.
struct Flash;

impl Store for Flash {
    fn load(&mut self, each: &mut dyn FnMut(&RecordKey, &[u8])) -> Result<Loaded, StoreError> {
        each(lent(), lent::<[u8; 256]>());
        *lent()
    }

    fn put(&mut self, key: &RecordKey, value: &[u8]) -> Result<(), StoreError> {
        black_box((key, value));
        *lent()
    }

    fn remove(&mut self, key: &RecordKey) -> Result<(), StoreError> {
        black_box(key);
        *lent()
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        *lent()
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let storage = AgentStorage {
        rows: lent::<[Slot<ScheduleRow>; 16]>(),
        octets: lent::<[u8; 1_024]>(),
        answers: lent::<[Answer; 8]>(),
        buffer: lent::<[u8; 128]>(),
        metrics: [lent::<[u8; 128]>(), lent::<[u8; 256]>(), lent::<[u8; 128]>()],
    };
    let Ok(agent) = Agent::new(*lent(), storage) else { loop {} };
    let mut flash = Flash;
    let Ok(mut agent) = agent.with_store(&mut flash) else { loop {} };
    loop {
        serve(&mut agent);
    }
}

#[inline(never)]
fn serve(agent: &mut Agent<'_>) {
    let (way, modem) = (&mut Way, &mut Modem);
    let now: Now = *lent();
    let call: Call = *lent();
    let octets: &[u8] = lent::<[u8; 256]>();
    agent.receive(now, call, octets, way, modem);
    agent.tick(now, way, modem);
    agent.reset_done(now, call, *lent(), way, modem);
    agent.stream_opened(now, call, way, modem);
    agent.stream_closed(now, call, way, modem);
    agent.exported(now, call, *lent());
    let metrics: &ExportMetricsValues<'_> = lent();
    black_box(agent.report(now, MetricKind::Statistics, metrics));
    black_box(&agent.next_deadline());
    black_box((agent.entries().count(), agent.stats()));
}
