//! The board at work: a sensing device on an emulated Cortex-M4, and the ground side
//! it works for.
//!
//! `cargo run --release --features std,management,southbound --example board_demo`
//!
//! A configuration server, a registrar, an SSM and an Actor run here, on loopback.
//! QEMU runs the firmware `examples/firmware/src/bin/ssd`, which reaches them by UDP
//! over an emulated Ethernet controller: it registers as an AMS module, sets its clock,
//! associates, gets its schedule, scans in its slots and reports. Half-way the SSM is
//! killed and starts anew. Besides, the board is managed by AMP in messages of its module: it is
//! given a rule, by which it takes its gain away when it is overloaded, and tells so; it publishes
//! what each scan met; and it has a schedule by the southbound interface, in datagrams, which tunes
//! its receiver for when nothing is scanned. All clocks run at 20 times real time. The exit status
//! says whether every granted occurrence was reported by the board, with a spectrum that shows the
//! signal that is there, and whether rule and schedule were kept.
//!
//! `cargo run --release --features tls-psk,management,southbound --example board_demo -- --tls`
//!
//! The same with another carriage of the device's messages: the firmware `src/bin/ssd_tls` has a
//! connection to the SSM by TCP and TLS 1.3 with a pre-shared key, besides its module, and proves
//! that it has the private key of its public key by signing what the SSM asks it to. When the SSM
//! is killed it connects anew.
#![allow(
    clippy::std_instead_of_core,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "an example for hosts, with small numbers"
)]

#[allow(dead_code, reason = "the board has the other half")]
#[path = "../firmware/src/agents/agreed/mod.rs"]
mod agreed;
mod desk;
mod emulator;
mod ground;
mod journal;
mod options;
mod schedule;
mod script;
#[cfg(all(feature = "tls-psk", unix))]
mod secured;
mod space;
mod stations;
mod story;
mod time_server;

use std::error::Error;
use std::process::ExitCode;

use emulator::Firmware;
use ground::Ground;
use journal::SharedJournal;
use options::Options;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("board_demo: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs the story. True when the sums are right.
fn run() -> Result<bool, Box<dyn Error>> {
    let Some(options) = Options::parse()? else {
        return Ok(true);
    };
    let firmware = emulator::firmware(&options)?;
    let journal = SharedJournal::default();
    let arena = bumpalo::Bump::new();
    if options.tls {
        return secured(&arena, &options, &firmware, &journal);
    }
    let mut ground = Ground::new(&arena, &options, &firmware, &journal)?;
    story::tell(&mut ground, &journal)
}

#[cfg(all(feature = "tls-psk", unix))]
fn secured(
    arena: &bumpalo::Bump,
    options: &Options,
    firmware: &Firmware,
    journal: &SharedJournal,
) -> Result<bool, Box<dyn Error>> {
    let mut secured = secured::Secured::new(arena, options, firmware, journal)?;
    story::tell(&mut secured, journal)
}

#[cfg(not(all(feature = "tls-psk", unix)))]
fn secured(
    _: &bumpalo::Bump,
    _: &Options,
    _: &Firmware,
    _: &SharedJournal,
) -> Result<bool, Box<dyn Error>> {
    Err("--tls wants this example built with --features tls-psk, on Unix".into())
}
