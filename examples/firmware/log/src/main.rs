//! The log of a board as text: frames of `defmt` on standard input, as its UART writes them, a
//! line each on standard output. The texts are in the ELF that is named.
//!
//! It ends with its input; with exit status 2 if the ELF has no such texts or cannot be read.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::{env, fs};

use defmt_decoder::{DecodeError, StreamDecoder, Table};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("farpost-firmware-log: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let elf = env::args_os().nth(1).ok_or("say farpost-firmware-log ELF")?;
    let octets = fs::read(&elf).map_err(|error| format!("{}: {error}", elf.display()))?;
    let table = Table::parse(&octets)?.ok_or_else(|| format!("{} logs nothing", elf.display()))?;
    let mut decoder = table.new_stream_decoder();
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    let mut buffer = [0; 1_024];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(()),
            count => decoder.received(buffer.get(..count).unwrap_or_default()),
        }
        print(decoder.as_mut(), &mut output)?;
    }
}

/// Prints all frames that are there as a whole.
fn print(decoder: &mut dyn StreamDecoder, output: &mut dyn Write) -> io::Result<()> {
    loop {
        match decoder.decode() {
            Ok(frame) => writeln!(output, "{}", frame.display_message())?,
            Err(DecodeError::UnexpectedEof) => return output.flush(),
            // Octets that were lost take their frame with them, and no other.
            Err(DecodeError::Malformed) => writeln!(output, "(a frame that makes no sense)")?,
        }
    }
}
