//! JSON lines on standard output and a line of status on a terminal.

use std::io::{self, IsTerminal, Write};

use jiff::Timestamp;
use serde_json::{Map, Value};

/// Where a command tells what happens.
#[derive(Debug)]
pub(crate) struct Output {
    /// The status on the terminal, and whether there is one to show it on.
    status: String,
    terminal: bool,
    failed: Option<io::Error>,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { status: String::new(), terminal: io::stderr().is_terminal(), failed: None }
    }

    /// Prints `object` as one line, with the time. What fails is kept for
    /// [`Output::check`]: machines tell of things from where nothing can be returned.
    pub(crate) fn line(&mut self, mut object: Map<String, Value>) {
        object.insert("time".into(), format!("{:.6}", Timestamp::now()).into());
        if self.failed.is_some() {
            return;
        }
        self.clear();
        let line = format!("{}\n", Value::Object(object));
        if let Err(error) = io::stdout().lock().write_all(line.as_bytes()) {
            self.failed = Some(error);
        }
        self.draw();
    }

    /// Shows `status` in place of the one before.
    pub(crate) fn status(&mut self, status: String) {
        if status != self.status {
            self.clear();
            self.status = status;
            self.draw();
        }
    }

    /// What standard output would not take, if anything.
    pub(crate) fn check(&mut self) -> io::Result<()> {
        self.failed.take().map_or(Ok(()), Err)
    }

    /// Leaves the last status standing.
    pub(crate) fn close(&mut self) {
        if self.terminal && !self.status.is_empty() {
            eprintln!();
            self.status.clear();
        }
    }

    // A terminal that is gone is not told so.
    fn clear(&self) {
        if self.terminal && !self.status.is_empty() {
            let _ = write!(io::stderr(), "\r\x1b[2K");
        }
    }

    fn draw(&self) {
        if self.terminal && !self.status.is_empty() {
            let _ = write!(io::stderr(), "{}", self.status);
        }
    }
}

/// The members of a JSON object that have a value.
pub(crate) fn object(value: Value) -> Map<String, Value> {
    let mut members = match value {
        Value::Object(members) => members,
        other => [("value".to_owned(), other)].into_iter().collect(),
    };
    members.retain(|_, value| !value.is_null());
    members
}

/// An event: its name, and the members of `details`.
pub(crate) fn event(name: &str, details: Value) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("event".into(), name.into());
    members.extend(object(details));
    members
}
