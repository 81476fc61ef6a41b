//! The main job: a spectrum-sensing network in one process, over real sockets.
//!
//! `cargo run --release --features std --example sensing_network`
//!
//! There are two continua on loopback: in the field an SSM and three SSDs, in the
//! operations centre two Actors, and in each a configuration server, a registrar and
//! a RAMS gateway. All speak AMS over UDP and TCP. What passes between the gateways
//! is under way for two seconds, and for four minutes in mid-run the link is away:
//! messages wait in the gateways then. The Actors ask for scans that are exact,
//! nearest, repeating, conflicting and impossible; the SSDs sense a generated band
//! (or `-- --recording FILE.sigmf-meta`); one SSD is unplugged in mid-run and comes
//! back. The clock runs at 60 times real time (`--speed N`). A timeline goes to
//! standard output, the calendar and the spectra to `network.svg`, every report to
//! `reports.jsonl`, both in `sensing_network-out` (`--out DIR`). The exit status
//! says whether the sums are right and nothing was lost.
#![allow(
    clippy::std_instead_of_core,
    clippy::arithmetic_side_effects,
    reason = "an example for hosts, with small numbers"
)]

mod continuum;
mod journal;
mod link;
mod network;
mod options;
mod picture;
mod script;

use std::error::Error;
use std::process::ExitCode;

use journal::Journal;
use network::Network;
use options::Options;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sensing_network: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs the network until all is reported. True when the sums are right.
fn run() -> Result<bool, Box<dyn Error>> {
    let Some(options) = Options::parse()? else {
        return Ok(true);
    };
    std::fs::create_dir_all(&options.out)?;
    let journal = Journal::create(&options.out)?;
    let arena = bumpalo::Bump::new();
    let mut network = Network::new(&arena, &options, &journal)?;
    let finished = network.run()?;
    picture::write(&options.out.join("network.svg"), &journal.borrow(), options.speed)?;
    Ok(journal.borrow().summarise(finished, &network.stored(), &options.out))
}
