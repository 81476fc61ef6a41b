//! `farpost dissect`: PDUs in, JSON lines out.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::Value;

use crate::capture::{self, Ports};
use crate::json::{Fault, Kind, Object};
use crate::lines::{BadLine, Lines, MAX_LINE};

/// Say as JSON what PDUs say: one object a line.
///
/// Reads lines `KIND HEX` from standard input; KIND is mams, aams, rams, amp or
/// southbound. Octets of AMP may be a message group, a message or an object; KIND says
/// which as amp:grp, amp:msg, amp:ari and so on, or they are taken for the first that
/// they are. Behind southbound may stand the name of a message, with or without its
/// package; by itself it is a ReceiveRequestsMessageFromController. Blank lines and
/// lines that begin with # are passed over. With --pcap it reads a capture file
/// instead and takes what comes from or goes to the given ports.
///
/// What is malformed becomes an object with the member "error", and the exit
/// status is then 1 at the end.
#[derive(Args)]
#[command(group = ArgGroup::new("ports").args(["mams", "aams", "rams"]).multiple(true))]
pub(crate) struct Dissect {
    /// Read this capture file (pcap or pcapng).
    #[arg(long, value_name = "FILE", requires = "ports")]
    pcap: Option<PathBuf>,

    /// UDP ports of MAMS endpoints.
    #[arg(long, value_name = "PORT", num_args = 1.., value_delimiter = ',', requires = "pcap")]
    mams: Vec<u16>,

    /// UDP and TCP ports of AAMS endpoints.
    #[arg(long, value_name = "PORT", num_args = 1.., value_delimiter = ',', requires = "pcap")]
    aams: Vec<u16>,

    /// UDP ports of RAMS gateways.
    #[arg(long, value_name = "PORT", num_args = 1.., value_delimiter = ',', requires = "pcap")]
    rams: Vec<u16>,
}

impl Dissect {
    pub(crate) fn run(self) -> io::Result<ExitCode> {
        let mut report = Report::new(io::stdout().lock());
        match &self.pcap {
            Some(file) => {
                let ports = Ports::new(&[
                    (Kind::Mams, &self.mams),
                    (Kind::Aams, &self.aams),
                    (Kind::Rams, &self.rams),
                ])?;
                capture::dissect(file, &ports, &mut report)?;
            }
            None => dissect_lines(&mut Lines::new(io::stdin().lock()), &mut report)?,
        }
        Ok(if report.faults { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

/// Where the objects go, and whether one of them was an error.
pub(crate) struct Report<W> {
    to: W,
    faults: bool,
}

impl<W: Write> Report<W> {
    const fn new(to: W) -> Self {
        Self { to, faults: false }
    }

    /// Writes what the PDU `octets` says, behind the members of `object`.
    pub(crate) fn pdu(&mut self, mut object: Object, kind: Kind, octets: &[u8]) -> io::Result<()> {
        object.insert("kind".into(), kind.name().into());
        match kind.dissect(octets) {
            Ok(mut members) => {
                object.append(&mut members);
                self.line(object)
            }
            Err(fault) => self.fault(object, fault),
        }
    }

    /// Writes a fault, behind the members of `object`.
    pub(crate) fn fault(&mut self, mut object: Object, fault: Fault) -> io::Result<()> {
        self.faults = true;
        fault.describe(&mut object);
        self.line(object)
    }

    fn line(&mut self, object: Object) -> io::Result<()> {
        writeln!(self.to, "{}", Value::Object(object))
    }
}

fn dissect_lines<W: Write>(
    lines: &mut Lines<impl io::BufRead>,
    report: &mut Report<W>,
) -> io::Result<()> {
    while let Some((number, line)) = lines.next_line()? {
        match line.map_err(unreadable).and_then(|line| read(&line)) {
            Ok((kind, octets)) => report.pdu(Object::new(), kind, &octets)?,
            Err((kind, fault)) => {
                let kind = kind.map_or(Value::Null, Value::String);
                let object = [("kind".to_owned(), kind), ("line".to_owned(), number.into())];
                report.fault(Object::from_iter(object), fault)?;
            }
        }
    }
    Ok(())
}

/// A line that is no PDU: its kind, where it names one, and what is wrong.
type Unread = (Option<String>, Fault);

/// Reads a line `KIND HEX` or `KIND MESSAGE HEX`; white space within the digits is
/// allowed, and no digits are no octets.
fn read(line: &str) -> Result<(Kind, Vec<u8>), Unread> {
    let (name, digits) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let unread = |fault, message| (Some(name.to_owned()), Fault::new(fault, message));
    let Some(mut kind) = Kind::named(name) else {
        let message = format!("expected one of {}, found {name:?}", Kind::names());
        return Err(unread("unknown_kind", message));
    };
    let mut words = digits.split_whitespace().peekable();
    if let Some(word) = words.peek().filter(|_| matches!(kind, Kind::Southbound(_))) {
        let named = kind.of_message(word);
        let digits = word.bytes().all(|octet| octet.is_ascii_hexdigit());
        if named.is_none() && !digits {
            let message = format!("expected the name of a message, found {word:?}");
            return Err(unread("unknown_message", message));
        }
        if let Some(named) = named {
            kind = named;
            words.next();
        }
    }
    let digits: String = words.collect();
    match HEXLOWER_PERMISSIVE.decode(digits.as_bytes()) {
        Ok(octets) => Ok((kind, octets)),
        Err(error) => {
            Err(unread("not_hex", format!("expected pairs of hexadecimal digits: {error}")))
        }
    }
}

fn unreadable(line: BadLine) -> Unread {
    let (name, message) = match line {
        BadLine::TooLong => ("line_too_long", format!("expected at most {MAX_LINE} octets")),
        BadLine::NotText(at) => ("not_text", format!("not UTF-8 from octet {at} on")),
    };
    (None, Fault::new(name, message))
}
