//! Messages that have arrived and wait to be delivered: the most urgent first
//! (735.1-B-1 3.1.2.11), and of equally urgent ones the earliest.
//!
//! What came by a stream keeps its order, for that is what its service mode
//! promises (3.1.2.10 a): a message there is no more urgent than those before it.

use std::ops::Range;
use std::vec::Vec;

use crate::ams::ids::Priority;
use crate::ams::pdu::Aams;
use crate::transport::Address;

/// Messages in order of arrival until they are asked for.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    octets: Vec<u8>,
    messages: Vec<(Priority, Range<usize>)>,
    /// The least urgent message so far of each stream.
    streams: Vec<(Address, Priority)>,
}

impl Inbox {
    /// The most messages, and the most octets before the last, that wait at a time:
    /// what comes later waits in the sockets.
    const MOST: usize = 256;
    const MOST_OCTETS: usize = 1 << 20;

    /// Adds a message, which came by `stream` if it came by one.
    pub(super) fn add(&mut self, octets: &[u8], stream: Option<Address>) {
        let own = Aams::peek_priority(octets).unwrap_or_default();
        let priority = stream.map_or(own, |stream| self.in_stream(stream, own));
        let start = self.octets.len();
        self.octets.extend_from_slice(octets);
        self.messages.push((priority, start..self.octets.len()));
    }

    /// Forgets all messages.
    pub(super) fn clear(&mut self) {
        self.octets.clear();
        self.messages.clear();
        self.streams.clear();
    }

    /// The messages, most urgent first.
    pub(super) fn in_order(&mut self) -> impl Iterator<Item = &[u8]> {
        self.messages.sort_by_key(|(priority, _)| *priority);
        self.messages.iter().map(|(_, at)| self.octets.get(at.clone()).unwrap_or_default())
    }

    pub(super) fn is_full(&self) -> bool {
        self.messages.len() >= Self::MOST || self.octets.len() >= Self::MOST_OCTETS
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    fn in_stream(&mut self, stream: Address, own: Priority) -> Priority {
        match self.streams.iter_mut().find(|(known, _)| *known == stream) {
            Some((_, least)) => {
                *least = own.max(*least);
                *least
            }
            None => {
                self.streams.push((stream, own));
                own
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::{ContextNumber, ContinuumNumber, ModuleKey, SubjectNumber};
    use crate::ams::pdu::{AamsHeader, MessageType};

    fn message(priority: u8, data: &[u8]) -> Vec<u8> {
        let header = AamsHeader {
            message_type: MessageType::Unary,
            priority: Priority::new(priority).unwrap(),
            flow_label: 0,
            continuum: ContinuumNumber::from_bits(1),
            source: ModuleKey::default(),
            context: ContextNumber::NONE,
            subject: SubjectNumber(1),
        };
        let mut buffer = [0; 64];
        header.encode(data, true, &mut buffer).unwrap().to_vec()
    }

    fn order(inbox: &mut Inbox) -> Vec<u8> {
        inbox.in_order().map(|octets| Aams::parse(octets).unwrap().data()[0]).collect()
    }

    #[test]
    fn clause_3_1_2_11_the_most_urgent_message_is_delivered_first() {
        let mut inbox = Inbox::default();
        for (priority, data) in [(8, b"a"), (15, b"b"), (1, b"c"), (8, b"d"), (2, b"e")] {
            inbox.add(&message(priority, data), None);
        }
        assert_eq!(order(&mut inbox), b"ceadb");
        inbox.clear();
        assert!(inbox.is_empty());
    }

    #[test]
    fn clause_3_1_2_10_a_streams_keep_the_order_of_transmission() {
        let (one, other) = (Address::new(1, b"one"), Address::new(1, b"other"));
        let mut inbox = Inbox::default();
        inbox.add(&message(9, b"a"), Some(one));
        inbox.add(&message(1, b"b"), Some(one));
        inbox.add(&message(2, b"c"), Some(other));
        inbox.add(&message(3, b"d"), None);
        inbox.add(&message(12, b"e"), Some(one));
        inbox.add(&message(9, b"f"), None);
        assert_eq!(order(&mut inbox), b"cdabfe");
    }

    #[test]
    fn what_is_no_message_is_kept_too_and_so_much_at_a_time() {
        let mut inbox = Inbox::default();
        inbox.add(&[], None);
        assert_eq!(inbox.in_order().count(), 1);
        while !inbox.is_full() {
            inbox.add(&[8], None);
        }
        assert_eq!(inbox.in_order().count(), Inbox::MOST);
    }
}
