//! AAMS messages in one direction of a TCP connection: each behind its length,
//! two octets in network byte order.

use std::collections::{BTreeMap, VecDeque};
use std::mem;

use super::packet::Segment;
use crate::json::Fault;

/// The most octets that wait for an earlier segment.
const MAX_WAITING: usize = 1 << 20;

/// What came out of a stream.
#[derive(Debug)]
pub(crate) enum Found {
    Message(Vec<u8>),
    Fault(Fault),
}

/// One direction of a connection. A capture that begins in the middle of one is
/// taken to begin with a message.
#[derive(Default)]
pub(crate) struct Stream {
    /// The sequence number of what comes next, once it is known.
    next: Option<u32>,
    /// In order, not yet a whole message.
    octets: Vec<u8>,
    /// Ahead of their turn, by sequence number.
    waiting: BTreeMap<u32, Vec<u8>>,
    /// Complete, not yet fetched.
    found: VecDeque<Found>,
    /// The sequence number behind the last octet, once it is known.
    end: Option<u32>,
    closed: bool,
}

impl Stream {
    /// Adds a segment; [`Stream::find`] then has what it completed.
    pub(crate) fn add(&mut self, segment: Segment, payload: &[u8]) {
        let mut sequence = segment.sequence;
        if segment.opens {
            // The first octet is the one behind the SYN, which counts as one.
            sequence = sequence.wrapping_add(1);
            if self.next.is_some_and(|next| next != sequence) {
                self.close();
            }
            (self.next, self.end, self.closed) = (Some(sequence), None, false);
        }
        if !payload.is_empty() {
            self.next.get_or_insert(sequence);
            let place = self.waiting.entry(sequence).or_default();
            // A segment that is sent again may be longer.
            if place.len() < payload.len() {
                *place = payload.to_vec();
            }
        }
        self.advance();
        while self.waiting.values().map(Vec::len).sum::<usize>() > MAX_WAITING {
            self.skip();
        }
        if segment.ends {
            let length = u32::try_from(payload.len()).unwrap_or_default();
            self.end = Some(sequence.wrapping_add(length));
        }
        if segment.aborts || self.end.is_some() && self.end == self.next {
            self.close();
        }
    }

    /// Gives up what is missing: nothing more will come.
    pub(crate) fn close(&mut self) {
        while !self.waiting.is_empty() {
            self.skip();
        }
        self.abandon();
        self.closed = true;
    }

    /// The next of what was found, in the order of the stream.
    pub(crate) fn find(&mut self) -> Option<Found> {
        self.found.pop_front()
    }

    /// Whether nothing more will come.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes over the segments whose turn it is.
    fn advance(&mut self) {
        let Some(mut next) = self.next else { return };
        loop {
            // Sequence numbers wrap: what lies behind `next` seems far ahead of it.
            let due = |&sequence: &u32| next.wrapping_sub(sequence) < 1 << 31;
            let Some(sequence) = self.waiting.keys().copied().find(due) else { break };
            let segment = self.waiting.remove(&sequence).unwrap_or_default();
            let seen = usize::try_from(next.wrapping_sub(sequence)).unwrap_or(usize::MAX);
            let new = segment.get(seen..).unwrap_or_default();
            self.octets.extend_from_slice(new);
            next = next.wrapping_add(u32::try_from(new.len()).unwrap_or_default());
        }
        self.next = Some(next);
        while let Some(message) = self.message() {
            self.found.push_back(Found::Message(message));
        }
    }

    fn message(&mut self) -> Option<Vec<u8>> {
        let (&length, rest) = self.octets.split_first_chunk::<2>()?;
        let message = rest.get(..usize::from(u16::from_be_bytes(length)))?.to_vec();
        self.octets.drain(..2 + message.len());
        Some(message)
    }

    /// Goes on behind a gap that will not be filled.
    fn skip(&mut self) {
        let next = self.next.unwrap_or_default();
        let nearest = self.waiting.keys().copied().min_by_key(|key| key.wrapping_sub(next));
        let Some(nearest) = nearest else { return };
        let missing = nearest.wrapping_sub(next);
        let message = format!("{missing} octets of the stream are not in the capture");
        self.fault("stream_gap", message);
        self.abandon();
        self.next = Some(nearest);
        self.advance();
    }

    /// Forgets the message that is incomplete, and says so.
    fn abandon(&mut self) {
        let octets = mem::take(&mut self.octets);
        if !octets.is_empty() {
            let message = format!("the last {} octets are no whole message", octets.len());
            self.fault("stream_message_truncated", message);
        }
    }

    fn fault(&mut self, name: &'static str, message: String) {
        self.found.push_back(Found::Fault(Fault::new(name, message)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(sequence: u32) -> Segment {
        Segment { sequence, opens: false, ends: false, aborts: false }
    }

    fn all(stream: &mut Stream) -> Vec<String> {
        std::iter::from_fn(|| stream.find())
            .map(|found| match found {
                Found::Message(octets) => String::from_utf8(octets).unwrap(),
                Found::Fault(fault) => format!("! {fault}"),
            })
            .collect()
    }

    #[test]
    fn order_repetition_and_wrapping_do_not_matter() {
        let mut stream = Stream::default();
        let start = u32::MAX - 3;
        stream.add(Segment { opens: true, ..segment(start) }, &[]);
        stream.add(segment(start.wrapping_add(5)), b"\0\x02");
        stream.add(segment(start.wrapping_add(7)), b"de");
        assert!(all(&mut stream).is_empty());
        stream.add(segment(start.wrapping_add(1)), b"\0\x02ab");
        stream.add(segment(start.wrapping_add(1)), b"\0\x02abXX");
        assert_eq!(all(&mut stream), ["ab", "de"]);
    }

    #[test]
    fn a_gap_is_told_and_passed_over() {
        let mut stream = Stream::default();
        stream.add(segment(100), b"\0\x05ab");
        stream.add(Segment { aborts: true, ..segment(107) }, b"\0\x01x\0");
        assert_eq!(
            all(&mut stream),
            [
                "! 3 octets of the stream are not in the capture",
                "! the last 4 octets are no whole message",
                "x",
                "! the last 1 octets are no whole message",
            ]
        );
        assert!(stream.is_closed());
    }

    #[test]
    fn the_end_may_come_before_the_rest() {
        let mut stream = Stream::default();
        stream.add(segment(10), b"\0\x02a");
        stream.add(Segment { ends: true, ..segment(14) }, &[]);
        assert!(!stream.is_closed());
        stream.add(segment(13), b"b");
        assert!(stream.is_closed());
        // What is sent again afterwards says nothing new.
        stream.add(segment(10), b"\0\x02ab");
        assert_eq!(all(&mut stream), ["ab"]);
    }
}
