//! `farpost assemble`: JSON lines in, PDUs out.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use data_encoding::HEXLOWER;
use serde_json::Value;

use crate::json::{Field, FieldFault, Kind};
use crate::lines::{BadLine, Lines, MAX_LINE};

/// Make PDUs from what `dissect` says about them.
///
/// Reads JSON objects from standard input, one a line, and writes lines
/// `KIND HEX`, or `southbound MESSAGE HEX`. It takes no notice of what follows from
/// other members: names of codes, counts, lengths, checksums, the module ID that a
/// reference is, what an AAMS message encloses, and whether a message is canonical.
/// Of "deviations" it heeds enclosure_checksum_absent, and all of AMP.
///
/// What is wrong with a line goes to standard error, and the exit status is then
/// 1 at the end.
#[derive(Args)]
pub(crate) struct Assemble {}

impl Assemble {
    #[allow(clippy::unused_self, reason = "every command is run alike")]
    pub(crate) fn run(self) -> io::Result<ExitCode> {
        let mut lines = Lines::new(io::stdin().lock());
        let mut out = io::stdout().lock();
        let mut code = ExitCode::SUCCESS;
        while let Some((number, line)) = lines.next_line()? {
            match line.map_err(unreadable).and_then(|line| assemble(&line)) {
                Ok((kind, octets)) => {
                    let line = format!("{} {}", kind.prefix(), HEXLOWER.encode(&octets));
                    writeln!(out, "{}", line.trim_end())?;
                }
                Err(problem) => {
                    code = ExitCode::FAILURE;
                    writeln!(io::stderr(), "line {number}: {problem}")?;
                }
            }
        }
        Ok(code)
    }
}

fn assemble(line: &str) -> Result<(Kind, Vec<u8>), String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("not JSON: {error}"))?;
    let object = Field::top(&value);
    if let Some(error) = object.optional("error") {
        let what = error.text().unwrap_or("an error");
        return Err(format!("this is no PDU but what dissect says of one: {what}"));
    }
    let kind = kind(&object).map_err(|fault| fault.to_string())?;
    kind.assemble(&object).map_err(|fault| fault.to_string())
}

fn kind(object: &Field<'_>) -> Result<Kind, FieldFault> {
    let field = object.member("kind")?;
    let kind = Kind::named(field.text()?)
        .ok_or_else(|| field.expected(format!("one of {}", Kind::names())))?;
    match object.optional("message") {
        Some(message) if matches!(kind, Kind::Southbound(_)) => kind
            .of_message(message.text()?)
            .ok_or_else(|| message.expected("the name of a message")),
        _ => Ok(kind),
    }
}

fn unreadable(line: BadLine) -> String {
    match line {
        BadLine::TooLong => format!("expected at most {MAX_LINE} octets"),
        BadLine::NotText(at) => format!("not UTF-8 from octet {at} on"),
    }
}
