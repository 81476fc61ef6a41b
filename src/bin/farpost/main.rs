//! The host tool: `farpost COMMAND`, see `farpost help`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    reason = "a host tool has an allocator, and may stop on its own bugs"
)]

mod ams;
mod calendar;
mod mib;
mod module;
mod registrar;
mod server;

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
    /// Check or convert a MIB file.
    #[command(subcommand)]
    Mib(mib::Command),
    Calendar(calendar::Arguments),
    Server(server::Server),
    Registrar(registrar::Registrar),
    Module(Box<module::Module>),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Mib(command) => mib::run(&command),
        Command::Calendar(arguments) => calendar::run(&arguments),
        Command::Server(command) => command.run(),
        Command::Registrar(command) => command.run(),
        Command::Module(command) => command.run(),
    }
}
