//! What is wanted of agents, in memory and in a file of lines as they were read.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use farpost::southbound::messages::{FromController, Request};
use farpost::southbound::protobuf::Described;
use serde_json::{Map, Value, json};

use crate::ams::Failure;
use crate::json::{Field, Kind};

/// A request, and whose.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    pub(super) agent: String,
    /// Its name in the schema.
    pub(super) request: &'static str,
    /// Of the entry, if it is about one.
    pub(super) id: Option<String>,
    /// A `ReceiveRequestsMessageFromController`.
    pub(super) octets: Vec<u8>,
    /// The line.
    text: String,
}

impl Wanted {
    /// A line: `agent`, and what a `ReceiveRequestsMessageFromController` says.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut line: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| format!("no JSON object: {error}"))?;
        let Some(Value::String(agent)) = line.remove("agent") else {
            return Err("agent: a text is expected".to_owned());
        };
        let message = json!({"json": line});
        let kind = Kind::Southbound(FromController::TYPE);
        let (_, octets) =
            kind.assemble(&Field::top(&message)).map_err(|fault| fault.to_string())?;
        let message = FromController::parse(&octets).map_err(|fault| fault.to_string())?;
        let (request, id) = match message.request() {
            Some(Request::CreateEntry(create)) => ("create_entry", Some(create.id().to_owned())),
            Some(Request::DeleteEntry(delete)) => ("delete_entry", Some(delete.id().to_owned())),
            Some(Request::Finalize(_)) => ("finalize", None),
            None => return Err("create_entry, delete_entry or finalize is expected".to_owned()),
        };
        Ok(Self { agent, request, id, octets, text: text.trim().to_owned() })
    }
}

/// What is wanted: entries that were created and not deleted, and up to when it is final.
#[derive(Default)]
pub(super) struct Book {
    /// In the order in which it was asked for, which decides between entries of one instant.
    requests: BTreeMap<u64, Wanted>,
    /// Where entries are, by agent and ID; without an ID, the promise.
    places: BTreeMap<(String, Option<String>), u64>,
    next: u64,
    file: Option<File>,
}

impl Book {
    /// The book in a file, which is made where there is none; and how many lines say nothing
    /// that is understood.
    pub(super) fn open(file: &Path) -> Result<(Self, u64), Failure> {
        let failed =
            |error: io::Error| Failure::new(format!("{} is no store: {error}", file.display()));
        let text = match fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text.map_err(failed)?,
        };
        let (mut book, mut damaged) = (Self::default(), 0);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match Wanted::parse(line).and_then(|wanted| book.note(&wanted)) {
                Ok(()) => {}
                Err(_) => damaged += 1,
            }
        }
        // It is written anew, without what is not wanted any more and without half a line.
        let fresh = file.with_extension("new");
        let mut to = File::create(&fresh).map_err(failed)?;
        for wanted in book.requests.values() {
            writeln!(to, "{}", wanted.text).map_err(failed)?;
        }
        to.sync_all().map_err(failed)?;
        fs::rename(&fresh, file).map_err(failed)?;
        book.file = Some(OpenOptions::new().append(true).open(file).map_err(failed)?);
        Ok((book, damaged))
    }

    /// How many entries are wanted.
    pub(super) fn len(&self) -> usize {
        self.requests.values().filter(|wanted| wanted.id.is_some()).count()
    }

    /// What is wanted of an agent, in order.
    pub(super) fn wanted(&self, agent: &str) -> impl Iterator<Item = Wanted> {
        self.requests.values().filter(move |wanted| wanted.agent == agent).cloned()
    }

    /// Notes a request, in the file too.
    pub(super) fn note(&mut self, wanted: &Wanted) -> Result<(), String> {
        let key = (wanted.agent.clone(), wanted.id.clone());
        let place = self.places.get(&key).copied();
        if wanted.request == "create_entry" && place.is_some() {
            return Err("there is an entry of this ID already".to_owned());
        }
        if let Some(file) = &mut self.file {
            writeln!(file, "{}", wanted.text)
                .and_then(|()| file.sync_data())
                .map_err(|error| format!("the store: {error}"))?;
        }
        if let Some(place) = place {
            self.requests.remove(&place);
            self.places.remove(&key);
        }
        if wanted.request != "delete_entry" {
            self.requests.insert(self.next, wanted.clone());
            self.places.insert(key, self.next);
            self.next += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop on anything")]
mod tests {
    use super::*;

    fn create(agent: &str, id: &str) -> String {
        json!({"agent": agent, "create_entry": {
            "id": id, "time": "2026-11-29T10:00:00Z", "delete_route": {"to": "10.2.0.0/16"}}})
        .to_string()
    }

    #[test]
    fn what_is_wanted_is_known_after_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("book");
        let (mut book, damaged) = Book::open(&file).unwrap();
        assert_eq!((book.len(), damaged), (0, 0));
        let final_to = json!({"agent": "m", "finalize": {"up_to": "2026-11-29T09:00:00Z"}});
        for text in [
            create("m", "a"),
            create("m", "b"),
            create("n", "a"),
            final_to.to_string(),
            json!({"agent": "m", "delete_entry": {"id": "a"}}).to_string(),
        ] {
            book.note(&Wanted::parse(&text).unwrap()).unwrap();
        }
        let again = book.note(&Wanted::parse(&create("m", "b")).unwrap());
        assert!(again.unwrap_err().contains("already"));
        let all: Vec<_> = book.wanted("m").collect();
        assert_eq!(
            all.iter().map(|wanted| (wanted.request, wanted.id.as_deref())).collect::<Vec<_>>(),
            [("create_entry", Some("b")), ("finalize", None)]
        );
        drop(book);
        // The last line was cut short with power.
        let mut text = fs::read_to_string(&file).unwrap();
        text.push_str("{\"agent\":\"m\",\"crea");
        fs::write(&file, text).unwrap();
        let (book, damaged) = Book::open(&file).unwrap();
        assert_eq!((book.len(), damaged), (2, 1));
        assert_eq!(book.wanted("m").collect::<Vec<_>>(), all);
        let (_, damaged) = Book::open(&file).unwrap();
        assert_eq!(damaged, 0, "it is written anew");
    }

    #[test]
    fn lines_say_what_is_wrong_with_them() {
        for (text, problem) in [
            ("[]", "no JSON object"),
            ("{}", "agent"),
            (r#"{"agent":"m"}"#, "is expected"),
            (r#"{"agent":"m","create":{}}"#, "no such field"),
            (r#"{"agent":"m","create_entry":{"time":"noon"}}"#, "a time"),
        ] {
            let told = Wanted::parse(text).unwrap_err();
            assert!(told.contains(problem), "{text}: {told}");
        }
    }
}
