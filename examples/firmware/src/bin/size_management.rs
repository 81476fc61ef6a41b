//! The agent of asynchronous management, without what carries its messages: what it weighs
//! with a store, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../flash.rs"]
mod flash;
#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::management::Kind;
use farpost::management::agent::{
    Agent, AgentConfig, AgentMemory, Application, Collected, Failed, Object,
};
use farpost::management::amp::Value;
use farpost::time::Now;
use flash::Flash;
use link::{Link, any, datagram, now};

/// A board that may have anything, and do anything.
struct Board;

impl Application for Board {
    fn collect(
        &mut self,
        now: Now,
        edd: Object,
        parameters: &[Value<'_>],
    ) -> Result<Collected<'_>, Failed> {
        black_box((now, edd, parameters));
        any::<Value<'_>>().map(Collected::fresh).ok_or(Failed)
    }

    fn control(&mut self, now: Now, ctrl: Object, parameters: &[Value<'_>]) -> Result<(), Failed> {
        black_box((now, ctrl, parameters));
        black_box(Ok(()))
    }

    fn row(&mut self, now: Now, tblt: Object, row: u32, cell: &mut dyn FnMut(Value<'_>)) -> bool {
        black_box((now, tblt, row));
        any::<Value<'_>>().map(cell).is_some()
    }
}

/// 16 definitions of 1,024 octets, 8 reports of 512, 2 managers, groups of 512.
type Memory = AgentMemory<16, 1_024, 8, 512, 2, 512>;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let Some(config) = any::<AgentConfig<'_>>() else { loop {} };
    let mut memory = Memory::new();
    let mut flash = Flash;
    let Ok(mut agent) = Agent::new(config, memory.storage()).with_store(&mut flash) else {
        loop {}
    };
    loop {
        let (from, octets) = datagram();
        agent.receive(now(), &from, octets, &mut Link, &mut Board);
        agent.tick(now(), &mut Link, &mut Board);
        black_box((agent.next_deadline(), agent.stats(), agent.dropped()));
        black_box((agent.defined(black_box(Kind::StateRule)), agent.octets_taken()));
    }
}
