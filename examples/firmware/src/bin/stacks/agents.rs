//! How deep the stack of each agent gets in the life of a managed board: octets, and what each
//! calls with it.
#![no_std]
#![no_main]

#[allow(dead_code, unused_imports, reason = "a part of it is used here")]
#[path = "../../agents/mod.rs"]
mod agents;
mod deepest;
mod managed;
#[allow(dead_code, reason = "the boards ask for more")]
#[path = "../../panic.rs"]
mod panic;
#[path = "../../stack.rs"]
mod stack;
#[path = "../../vectors.rs"]
mod vectors;

use cortex_m as _; // its critical section
use cortex_m_rt::entry;
use deepest::Deepest;
use farpost::time::Utc;
use semihosting::{println, process};

/// Monday, 23 November 2026, 10:00 UTC.
const START: Utc = Utc::from_unix_seconds(1_795_428_000);

#[entry]
fn main() -> ! {
    cortex_m::interrupt::disable();
    let (mut management, mut schedule) = (Deepest::default(), Deepest::default());
    let lived = managed::live(&mut management, &mut schedule);
    println!("management agent: {}", management.octets());
    println!("southbound agent: {}", schedule.octets());
    process::exit(i32::from(lived != Some(true)))
}
