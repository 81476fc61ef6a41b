//! The host tool: `farpost COMMAND`, see `farpost help`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    reason = "a host tool has an allocator, and may stop on its own bugs"
)]

mod ams;
mod assemble;
mod calendar;
mod capture;
mod dissect;
mod gateway;
mod input;
mod json;
mod keygen;
mod lines;
mod management;
mod mib;
mod module;
mod registrar;
#[cfg(unix)]
mod scos;
mod server;
mod southbound;

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
    /// Check or convert a MIB file.
    #[command(subcommand)]
    Mib(mib::Command),
    Keygen(keygen::Keygen),
    Calendar(calendar::Arguments),
    Server(server::Server),
    Registrar(registrar::Registrar),
    Gateway(Box<gateway::Gateway>),
    Module(Box<module::Module>),
    #[cfg(unix)]
    Ssm(Box<scos::ssm::Ssm>),
    #[cfg(unix)]
    Ssd(Box<scos::ssd::Ssd>),
    #[cfg(unix)]
    Actor(Box<scos::actor::Actor>),
    #[cfg(unix)]
    Policy(scos::policy::Policy),
    SouthboundAgent(Box<southbound::SouthboundAgent>),
    Agent(Box<management::agent::Agent>),
    Manager(Box<management::manager::Manager>),
    SouthboundController(southbound::SouthboundController),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Dissect(command) => ended(command.run()),
        Command::Assemble(command) => ended(command.run()),
        Command::Mib(command) => mib::run(&command),
        Command::Keygen(command) => command.run(),
        Command::Calendar(arguments) => calendar::run(&arguments),
        Command::Server(command) => command.run(),
        Command::Registrar(command) => command.run(),
        Command::Gateway(command) => command.run(),
        Command::Module(command) => command.run(),
        #[cfg(unix)]
        Command::Ssm(command) => command.run(),
        #[cfg(unix)]
        Command::Ssd(command) => command.run(),
        #[cfg(unix)]
        Command::Actor(command) => command.run(),
        #[cfg(unix)]
        Command::Policy(command) => command.run(),
        Command::SouthboundAgent(command) => command.run(),
        Command::Agent(command) => command.run(),
        Command::Manager(command) => command.run(),
        Command::SouthboundController(command) => command.run(),
    }
}

/// The exit status of a command that stopped when it could not read or write.
fn ended(outcome: io::Result<ExitCode>) -> ExitCode {
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
