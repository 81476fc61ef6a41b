//! A management agent without a store and without the link that carries it: what the
//! role weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::management::adm::ion_admin::ION_ADMIN;
use farpost::management::agent::{
    Agent, AgentConfig, AgentMemory, Application, Collected, Failed, ManagerConfig, Object,
};
use farpost::management::amp::Value;
use farpost::time::Now;
use link::{Link, datagram, now};

/// What is managed.
struct Board;

impl Application for Board {
    fn collect(&mut self, now: Now, edd: Object, _: &[Value<'_>]) -> Result<Collected<'_>, Failed> {
        black_box(now);
        Ok(Collected::fresh(Value::Uint(black_box(edd.index))))
    }

    fn control(&mut self, now: Now, ctrl: Object, parameters: &[Value<'_>]) -> Result<(), Failed> {
        black_box((now, ctrl, parameters));
        Ok(())
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let managers =
        [ManagerConfig { name: "ipn:1.5", service: "udp", endpoint: "192.0.2.1:4556", issuer: b"" }];
    let config = AgentConfig::new("ipn:2.5", black_box(&managers), &[&ION_ADMIN]);
    let mut memory = AgentMemory::<24, 2_048, 16, 1_024, 1, 512>::new();
    let mut agent = Agent::new(config, memory.storage());
    loop {
        let (from, octets) = datagram();
        agent.receive(now(), &from, octets, &mut Link, &mut Board);
        agent.tick(now(), &mut Link, &mut Board);
        black_box((agent.next_deadline(), agent.stats(), agent.dropped()));
    }
}
