//! The agent of the southbound interface, without the link that carries it: what it
//! weighs with a store, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../flash.rs"]
mod flash;
#[allow(dead_code, reason = "its link is one of its own")]
#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::southbound::agent::{
    Agent, AgentConfig, AgentStorage, Answer, Call, Change, Device, DeviceFault, Link,
};
use farpost::southbound::messages::{ExportMetricsValues, StatusCode};
use farpost::southbound::schedule::ChangeKey;
use farpost::southbound::telemetry::MetricKind;
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::SendError;
use flash::Flash;
use link::{any, datagram, now};

/// A modem that may do anything.
struct Modem;

impl Device for Modem {
    fn apply(&mut self, now: Now, change: &Change<'_>) -> Result<(), DeviceFault> {
        black_box((now, change));
        black_box(Ok(()))
    }

    fn remove(&mut self, now: Now, key: &ChangeKey<'_>) -> Result<(), DeviceFault> {
        black_box((now, key));
        black_box(Ok(()))
    }
}

/// A way to the controller that may do anything.
struct Way;

impl Way {
    fn any(call: Call, octets: &[u8]) -> Result<(), SendError> {
        black_box((call, octets));
        black_box(Ok(()))
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

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let Some(config) = any::<AgentConfig<'_>>() else { loop {} };
    let (mut rows, mut octets) = ([const { Slot::EMPTY }; 16], [0; 1_024]);
    let (mut answers, mut buffer) = ([Answer::EMPTY; 8], [0; 128]);
    let (mut states, mut statistics, mut links) = ([0; 128], [0; 256], [0; 128]);
    let storage = AgentStorage {
        rows: &mut rows,
        octets: &mut octets,
        answers: &mut answers,
        buffer: &mut buffer,
        metrics: [&mut states, &mut statistics, &mut links],
    };
    let Ok(agent) = Agent::new(config, storage) else { loop {} };
    let mut flash = Flash;
    let Ok(mut agent) = agent.with_store(&mut flash) else { loop {} };
    let (way, modem) = (&mut Way, &mut Modem);
    loop {
        let (_, octets) = datagram();
        let call = black_box(Call(1));
        let status = black_box(StatusCode::OK);
        agent.receive(now(), call, octets, way, modem);
        agent.tick(now(), way, modem);
        agent.reset_done(now(), call, status, way, modem);
        agent.stream_opened(now(), call, way, modem);
        agent.stream_closed(now(), call, way, modem);
        agent.exported(now(), call, status);
        if let Some(metrics) = any::<ExportMetricsValues<'_>>() {
            black_box(agent.report(now(), MetricKind::Statistics, &metrics));
        }
        black_box((agent.next_deadline(), agent.entries().count(), agent.stats()));
    }
}
