//! What the command line says.

use std::error::Error;
use std::path::PathBuf;

use lexopt::prelude::*;

/// Options of the run.
#[derive(Debug)]
pub(crate) struct Options {
    /// The firmware; built when it is not given.
    pub(crate) firmware: Option<PathBuf>,
    /// The command that emulates the board.
    pub(crate) qemu: String,
    /// How many times as fast as real time the clocks run.
    pub(crate) speed: u32,
    /// The device of the board has a TLS connection to its SSM.
    pub(crate) tls: bool,
}

const HELP: &str = "\
A sensing board in QEMU, and the ground side it works for.

  --firmware FILE   the firmware of the board [built from examples/firmware]
  --qemu COMMAND    the emulator [qemu-system-arm]
  --speed N         run all clocks N times as fast as real time, 1 to 120 [20]
  --tls             SCOS over TLS with a pre-shared key in place of AMS; with feature tls-psk";

impl Options {
    /// Reads the command line; `None` when only help was asked for.
    pub(crate) fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let mut options =
            Self { firmware: None, qemu: "qemu-system-arm".to_owned(), speed: 20, tls: false };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("firmware") => options.firmware = Some(arguments.value()?.into()),
                Long("qemu") => options.qemu = arguments.value()?.string()?,
                Long("speed") => options.speed = arguments.value()?.parse()?,
                Long("tls") => options.tls = true,
                Short('h') | Long("help") => {
                    println!("{HELP}");
                    return Ok(None);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        if !(1..=120).contains(&options.speed) {
            return Err("--speed takes 1 to 120".into());
        }
        Ok(Some(options))
    }
}
