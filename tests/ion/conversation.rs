//! Captured conversations: a line of JSON for each datagram that an entity sent or
//! received, with the milliseconds since the first, the endpoint on the other side,
//! and what it is.

use core::time::Duration;

use farpost::ams::pdu::{Aams, Mpdu};
use farpost::wire::checksum;
use serde_json::Value;

/// A conversation of one entity.
pub(crate) struct Conversation {
    pub(crate) lines: Vec<Line>,
}

/// One datagram of it.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Since the first.
    pub(crate) at: Duration,
    pub(crate) direction: Direction,
    /// The endpoint name of the other side.
    pub(crate) peer: String,
    pub(crate) octets: Vec<u8>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// It came from the other side.
    In,
    /// The entity sent it.
    Out,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Mams,
    Aams,
}

impl Conversation {
    pub(crate) fn read(text: &str) -> Self {
        Self { lines: text.lines().map(Line::read).collect() }
    }

    /// The first MPDU the entity sent of this type.
    pub(crate) fn first_sent(&self, mpdu_type: &str) -> Mpdu<'_> {
        let sent = self.lines.iter().filter(|line| line.direction == Direction::Out);
        let mut mpdus = sent.filter(|line| line.kind == Kind::Mams).map(Line::mpdu);
        mpdus.find(|mpdu| mpdu.mpdu_type().name() == Some(mpdu_type)).unwrap()
    }
}

impl Line {
    fn read(text: &str) -> Self {
        let value: Value = serde_json::from_str(text).unwrap();
        let (direction, peer) = match (&value["from"], &value["to"]) {
            (Value::String(peer), Value::Null) => (Direction::In, peer.clone()),
            (Value::Null, Value::String(peer)) => (Direction::Out, peer.clone()),
            _ => panic!("{text}"),
        };
        let what = value["what"].as_str().unwrap();
        let kind = match what {
            "unary" | "query" | "reply" => Kind::Aams,
            _ => Kind::Mams,
        };
        let octets = unhex(value["octets"].as_str().unwrap());
        let at = Duration::from_secs_f64(value["at"].as_f64().unwrap() / 1_000.0);
        let line = Self { at, direction, peer, octets, kind };
        if kind == Kind::Mams {
            assert_eq!(line.mpdu().mpdu_type().name(), Some(what), "{text}");
        }
        line
    }

    pub(crate) fn mpdu(&self) -> Mpdu<'_> {
        Mpdu::parse(&self.octets).unwrap()
    }

    pub(crate) fn message(&self) -> Aams<'_> {
        Aams::parse(&self.octets).unwrap()
    }
}

/// `octets` with another reference, and the checksum that goes with it.
pub(crate) fn with_reference(mut octets: Vec<u8>, reference: u32) -> Vec<u8> {
    octets[8..12].copy_from_slice(&reference.to_be_bytes());
    let length = octets.len() - 2;
    let sum = checksum(&octets[..length]);
    octets[length..].copy_from_slice(&sum.to_be_bytes());
    octets
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
