//! What the command line says.

use std::error::Error;
use std::path::PathBuf;

use lexopt::prelude::*;

/// Options of the run.
#[derive(Debug)]
pub(crate) struct Options {
    /// How many times as fast as real time the clock runs.
    pub(crate) speed: u32,
    /// The recording to sense from; a generated band without one.
    pub(crate) recording: Option<PathBuf>,
    /// Where the files go.
    pub(crate) out: PathBuf,
}

const HELP: &str = "\
A spectrum-sensing network in one process.

  --speed N                     run the clock N times as fast as real time [60]
  --recording FILE.sigmf-meta   sense from a recording, not from a generated band
  --out DIR                     where network.svg and reports.jsonl go
                                [sensing_network-out]";

impl Options {
    /// Reads the command line; `None` when only help was asked for.
    pub(crate) fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let mut options =
            Self { speed: 60, recording: None, out: PathBuf::from("sensing_network-out") };
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("speed") => options.speed = arguments.value()?.parse()?,
                Long("recording") => options.recording = Some(arguments.value()?.into()),
                Long("out") => options.out = arguments.value()?.into(),
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
