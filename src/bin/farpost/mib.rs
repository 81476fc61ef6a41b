//! `farpost mib`: checks and converts MIB files.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use farpost::ams::mib::{Mib, Profile, Venture};
use farpost::host::mib::{Bump, load, to_toml};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say whether a MIB file is good, and what is in it.
    Check {
        /// A MIB in TOML, or in ION's amsrc or XML.
        file: PathBuf,
    },
    /// Write a MIB file, such as ION's, to standard output as TOML.
    Convert {
        /// A MIB in TOML, or in ION's amsrc or XML.
        file: PathBuf,
    },
}

/// Runs the command; the status is 1 when the file is no good.
pub(crate) fn run(command: &Command) -> ExitCode {
    let result = match command {
        Command::Check { file } => check(file),
        Command::Convert { file } => convert(file),
    };
    match result.and_then(|text| Ok(print(&text)?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints `text`; a reader that has seen enough is no error.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn check(file: &Path) -> Result<String, Box<dyn Error>> {
    let arena = Bump::new();
    let mib = load(&arena, file)?;
    let mut out = String::new();
    writeln!(out, "{}: a good MIB", file.display())?;
    summarise(&mib, &mut out)?;
    Ok(out)
}

fn convert(file: &Path) -> Result<String, Box<dyn Error>> {
    let arena = Bump::new();
    Ok(to_toml(&load(&arena, file)?)?)
}

fn summarise(mib: &Mib<'_>, out: &mut String) -> fmt::Result {
    let timers = &mib.timers;
    let services: Vec<_> = mib.transports.iter().map(|service| service.name).collect();
    let (number, name) = (mib.continuum.number, mib.continuum.name);
    writeln!(out, "continuum {number} `{name}`, {} others known", mib.continua.len())?;
    let servers = mib.config_servers.join(", ");
    writeln!(out, "configuration server over {}: {servers}", mib.primary_transport)?;
    writeln!(
        out,
        "timers: N1 {:?}, N2 {:?}, N3 {:?}, N4 {:?}, N5 {:?}, N6 {}",
        timers.n1,
        timers.n2,
        timers.n3,
        timers.n4(),
        timers.n5(),
        timers.n6
    )?;
    writeln!(out, "transport services: {}", services.join(", "))?;
    if mib.profile == Profile::Ion {
        writeln!(out, "profile: ion")?;
    }
    let checksums = if mib.checksums { "with" } else { "without" };
    writeln!(out, "PDUs {checksums} checksums, TAI - UTC {} s", mib.tai_minus_utc)?;
    mib.ventures.iter().try_for_each(|venture| summarise_venture(venture, out))?;
    mib.cautions().try_for_each(|item| {
        writeln!(out, "caution: {item}: ION may read an octet of 128 or more as below 0")
    })
}

fn summarise_venture(venture: &Venture<'_>, out: &mut String) -> fmt::Result {
    let Venture { number, application, authority, .. } = venture;
    writeln!(out, "venture {number}, {application} under {authority}:")?;
    for unit in venture.units {
        let name = if unit.name.is_empty() { "the root unit" } else { unit.name };
        writeln!(out, "  unit {:>5}  {name}", unit.number.0)?;
    }
    for role in venture.roles {
        writeln!(out, "  role {:>5}  {}", role.number.0, role.name)?;
    }
    for subject in venture.subjects {
        writeln!(out, "  subject {:>2}  {}", subject.number.0, subject.name)?;
    }
    for space in venture.remote {
        writeln!(out, "  in continuum {} through {}", space.continuum, space.gateway)?;
    }
    Ok(())
}
