//! A daemon inside the test: what dtnd answers, and what a worse one would.

use std::collections::{BTreeMap, VecDeque};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use bp7::Bundle;

/// An answer that is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Good,
    /// Answers with these octets.
    Says(&'static str),
    /// Answers nothing.
    Silent,
    /// Ends the connection.
    Ends,
}

#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) node: &'static str,
    pub(super) registered: Vec<String>,
    /// Bundles it was asked to take.
    pub(super) taken: Vec<Bundle>,
    pub(super) store: BTreeMap<String, Vec<u8>>,
    pub(super) queue: VecDeque<Vec<u8>>,
    /// How it answers what begins with this.
    pub(super) moods: Vec<(&'static str, Mood)>,
    /// Targets it was asked for.
    pub(super) log: Vec<String>,
    unread: Vec<u8>,
}

impl Daemon {
    pub(super) fn new() -> Self {
        Self {
            node: "dtn://one/",
            registered: Vec::new(),
            taken: Vec::new(),
            store: BTreeMap::new(),
            queue: VecDeque::new(),
            moods: Vec::new(),
            log: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// Forgets all but its store, as if it were restarted; and the store, too, if it
    /// is in memory.
    pub(super) fn restart(&mut self, keeps: bool) {
        let store = if keeps { std::mem::take(&mut self.store) } else { BTreeMap::new() };
        *self = Self { store, moods: std::mem::take(&mut self.moods), ..Self::new() };
    }

    /// A bundle arrives for the endpoint, under the name it is known by.
    pub(super) fn arrive(&mut self, bundle: &[u8]) -> String {
        let name = Bundle::try_from(bundle).unwrap().id();
        self.store.insert(name.clone(), bundle.to_vec());
        if !self.registered.is_empty() {
            self.queue.push_back(bundle.to_vec());
        }
        name
    }

    /// How often something was asked for that begins so.
    pub(super) fn count(&self, begin: &str) -> usize {
        self.log.iter().filter(|target| target.starts_with(begin)).count()
    }

    /// Takes what arrives; what it answers, or `None` when it ends the connection.
    pub(super) fn input(&mut self, octets: &[u8]) -> Option<Vec<u8>> {
        self.unread.extend(octets);
        let mut answers = Vec::new();
        while let Some((target, body)) = self.request() {
            self.log.push(target.clone());
            let moods: Vec<_> = self.moods.clone();
            let mood = moods.iter().find(|(begin, _)| target.starts_with(begin));
            match mood.map_or(Mood::Good, |(_, mood)| *mood) {
                Mood::Good => answers.extend(self.answer(&target, &body)),
                Mood::Says(text) => answers.extend(text.as_bytes()),
                Mood::Silent => {}
                Mood::Ends => {
                    self.unread.clear();
                    return None;
                }
            }
        }
        Some(answers)
    }

    fn request(&mut self) -> Option<(String, Vec<u8>)> {
        let mut fields = [httparse::EMPTY_HEADER; 8];
        let mut request = httparse::Request::new(&mut fields);
        let head = request.parse(&self.unread).unwrap();
        let httparse::Status::Complete(head) = head else { return None };
        let target = request.path.unwrap().to_string();
        let length = request.headers.iter().find(|field| field.name == "Content-Length");
        let text = length.map_or("0", |field| std::str::from_utf8(field.value).unwrap());
        let end = head + text.parse::<usize>().unwrap();
        let body = self.unread.get(head..end)?.to_vec();
        self.unread.drain(..end);
        Some((target, body))
    }

    fn answer(&mut self, target: &str, body: &[u8]) -> Vec<u8> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match path {
            "/status/nodeid" => http(200, self.node.as_bytes()),
            "/register" => {
                if !self.registered.iter().any(|known| known == query) {
                    self.registered.push(query.to_string());
                }
                http(200, b"Registered URI")
            }
            "/insert" => match Bundle::try_from(body) {
                Ok(bundle) => {
                    self.taken.push(bundle);
                    http(200, b"Sent")
                }
                Err(_) => http(400, b"Error decoding bundle!"),
            },
            "/status/bundles/filtered" => {
                let names: Vec<_> = self.store.keys().collect();
                http(200, serde_json::to_string_pretty(&names).unwrap().as_bytes())
            }
            "/download" => match self.store.get(query) {
                Some(bundle) => http(200, bundle),
                None => http(404, b"Bundle not found"),
            },
            "/delete" => match self.store.remove(query) {
                Some(_) => http(200, b"Deleted"),
                None => http(404, b"Bundle not found"),
            },
            "/endpoint" if self.registered.iter().any(|known| known == query) => {
                let first = self.queue.pop_front();
                if let Some(bundle) = &first {
                    self.store.remove(&Bundle::try_from(bundle.as_slice()).unwrap().id());
                }
                http(200, first.as_deref().unwrap_or(b"Nothing to receive"))
            }
            _ => http(404, b"No such endpoint registered!"),
        }
    }
}

fn http(status: u16, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nvary: origin\r\n\r\n");
    [head.as_bytes(), body].concat()
}
