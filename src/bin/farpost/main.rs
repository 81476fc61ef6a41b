//! The host tool: `farpost COMMAND`, see `farpost help`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    reason = "a host tool has an allocator, and may stop on its own bugs"
)]

mod assemble;
mod capture;
mod dissect;
mod json;
mod lines;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tools around the protocol stack of a remote sensing post.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Dissect(dissect::Dissect),
    Assemble(assemble::Assemble),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Dissect(command) => command.run(),
        Command::Assemble(command) => command.run(),
    };
    match outcome {
        Ok(code) => code,
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("farpost: {error}");
            ExitCode::from(2)
        }
    }
}
