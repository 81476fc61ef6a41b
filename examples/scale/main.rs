//! A whole message space in one process, over loopback sockets: twenty cells with
//! their registrars, a configuration server, and up to 255 modules a cell.
//!
//! ```sh
//! cargo run --release --features std --example scale                  # 200 modules
//! ulimit -n 8192                                                      # three sockets each
//! cargo run --release --features std --example scale -- --modules 2000 --heartbeat 10
//! ```
//!
//! All join and have to agree on who is there and what they subscribe to and invite;
//! some subscribe and others publish; a registrar crashes and comes back without its
//! memory. Where a socket's buffer overflows, resynchronisation has to repair it. It
//! ends with an error when anybody is wrong about anything.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::std_instead_of_core,
    reason = "an example may stop on anything"
)]

mod seat;
mod space;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use space::{Options, run};

const USAGE: &str = "\
usage: scale [--modules N] [--cells N] [--heartbeat SECONDS] [--patience SECONDS]
  --modules    modules in all: 200
  --cells      cells, each with a registrar: 20
  --heartbeat  between heartbeats of registrars (N3): 1
  --patience   how long it may take to agree: 60 heartbeats";

fn main() -> ExitCode {
    match options().and_then(|options| options.map_or(Ok(()), |options| run(&options))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for; nothing if it asks for help.
fn options() -> Result<Option<Options>, Box<dyn Error>> {
    use lexopt::prelude::*;
    let mut options = Options::new(200);
    let mut patience = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        let name = match argument {
            Long(name) => name.to_owned(),
            Short('h') => "help".to_owned(),
            other => return Err(format!("{}\n{USAGE}", other.unexpected()).into()),
        };
        let mut number = || -> Result<u64, lexopt::Error> { parser.value()?.parse() };
        match name.as_str() {
            "modules" => options.modules = number()?.try_into()?,
            "cells" => options.cells = number()?.try_into()?,
            "heartbeat" => options.heartbeat = Duration::from_secs(number()?),
            "patience" => patience = Some(Duration::from_secs(number()?)),
            "help" => {
                println!("{USAGE}");
                return Ok(None);
            }
            _ => return Err(format!("there is no --{name}\n{USAGE}").into()),
        }
    }
    options.patience = patience.unwrap_or(options.heartbeat * 60);
    Ok(Some(options))
}
