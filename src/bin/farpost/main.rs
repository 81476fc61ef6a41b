//! The host tool: `farpost COMMAND`, see `farpost help`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    reason = "a host tool has an allocator, and may stop on its own bugs"
)]

mod calendar;
mod mib;

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
    Calendar(calendar::Arguments),
    /// Check or convert a MIB file.
    #[command(subcommand)]
    Mib(mib::Command),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Calendar(arguments) => calendar::run(&arguments),
        Command::Mib(command) => mib::run(&command),
    }
}
