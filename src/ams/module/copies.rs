//! The copies of messages: encoded once, and sent to every receiver.

use super::rows::{Peer, Rule};
use crate::ams::ids::Priority;
use crate::ams::pdu::{Aams, AamsHeader};
use crate::ams::service::{Fault, Message};
use crate::transport::{Address, Refused, Transport};

/// The copies of one message, or of a run of messages of one size that lie back
/// to back. Copies differ in priority and flow label alone, so the messages are
/// encoded once and the first two octets of each are exchanged.
pub(super) struct Copies<'b> {
    octets: &'b mut [u8],
    /// Octets of each message; the last may have fewer.
    size: usize,
    checksum: bool,
    /// What the messages say now.
    label: [u8; 2],
    /// What the request overrides the rules of the receivers with (4.3.1.1).
    priority: Option<Priority>,
    flow_label: Option<u8>,
}

impl<'b> Copies<'b> {
    /// The copies of one message. This is where its data enter it: in `buffer`
    /// they are as they go out.
    pub(super) fn of_one(
        header: &AamsHeader,
        message: &Message<'_>,
        checksum: bool,
        buffer: &'b mut [u8],
    ) -> Result<Self, Fault> {
        let octets = header.encode(message.data, checksum, buffer);
        Ok(Self::new(header, message, checksum, octets.map_err(|_| Fault::DataTooLong)?))
    }

    /// The copies of the messages whose data are the next `size` octets of `data`
    /// each: as many as fit. They are taken off `data`.
    pub(super) fn of_run(
        header: &AamsHeader,
        message: &Message<'_>,
        (data, size): (&mut &[u8], usize),
        checksum: bool,
        buffer: &'b mut [u8],
    ) -> Result<Self, Fault> {
        let mut length = 0_usize;
        let mut first = None;
        while !data.is_empty() {
            let (next, rest) = data.split_at_checked(size).unwrap_or((data, &[]));
            let room = buffer.get_mut(length..).unwrap_or_default();
            match (header.encode(next, checksum, room), first) {
                (Ok(octets), _) => {
                    first = first.or(Some(octets.len()));
                    length = length.saturating_add(octets.len());
                }
                (Err(_), None) => return Err(Fault::DataTooLong),
                (Err(_), Some(_)) => break,
            }
            *data = rest;
        }
        let octets = buffer.get_mut(..length).unwrap_or_default();
        let run = Self::new(header, message, checksum, octets);
        Ok(Self { size: first.unwrap_or(Aams::HEADER_LEN), ..run })
    }

    /// Sends the copy for `peer` by the delivery vector of its `rule`.
    pub(super) fn send(
        &mut self,
        peer: &Peer,
        rule: &Rule,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let (point, flow_label) = self.address(peer, rule)?;
        transport
            .send(point, flow_label, self.octets)
            .map_err(|why| Fault::NotTransmitted(peer.key, why))
    }

    /// The same with all messages of the run; how many were sent if not all.
    pub(super) fn send_run(
        &mut self,
        peer: &Peer,
        rule: &Rule,
        transport: &mut dyn Transport,
    ) -> Result<(), (usize, Fault)> {
        let (point, flow_label) = self.address(peer, rule).map_err(|fault| (0, fault))?;
        transport
            .send_run(point, flow_label, self.octets, self.size)
            .map_err(|Refused { taken, why }| (taken, Fault::NotTransmitted(peer.key, why)))
    }

    /// How many messages there are.
    pub(super) fn count(&self) -> usize {
        self.octets.len().div_ceil(self.size.max(1))
    }

    fn new(
        header: &AamsHeader,
        message: &Message<'_>,
        checksum: bool,
        octets: &'b mut [u8],
    ) -> Self {
        let Message { priority, flow_label, .. } = *message;
        let label = label(header.priority, header.flow_label);
        Self { size: octets.len(), octets, checksum, label, priority, flow_label }
    }

    /// Where the copy of `peer` goes. Makes it say what `rule` asks for, unless the
    /// request overrides it (4.3.1.1).
    fn address<'p>(&mut self, peer: &'p Peer, rule: &Rule) -> Result<(&'p Address, u8), Fault> {
        let Some(point) = peer.delivery_point(rule.delivery_vector) else {
            return Err(Fault::NoDeliveryPoint(peer.key));
        };
        let flow_label = self.flow_label.unwrap_or(rule.flow_label);
        let wanted = label(self.priority.unwrap_or(rule.priority), flow_label);
        if self.label != wanted {
            self.relabel(wanted);
        }
        Ok((point, flow_label))
    }

    /// Sets priority and flow label, and makes the checksums follow: each is a sum,
    /// and they are one word of it.
    fn relabel(&mut self, wanted: [u8; 2]) {
        let change = u16::from_be_bytes(wanted).wrapping_sub(u16::from_be_bytes(self.label));
        self.label = wanted;
        for message in self.octets.chunks_mut(self.size.max(1)) {
            let Some((word, rest)) = message.split_first_chunk_mut::<2>() else {
                continue;
            };
            *word = u16::from_be_bytes(*word).wrapping_add(change).to_be_bytes();
            if let (true, Some(sum)) = (self.checksum, rest.last_chunk_mut::<2>()) {
                *sum = u16::from_be_bytes(*sum).wrapping_add(change).to_be_bytes();
            }
        }
    }
}

/// The first word of a message as far as copies differ in it: the message type is
/// left out, and stays.
const fn label(priority: Priority, flow_label: u8) -> [u8; 2] {
    [priority.get(), flow_label]
}
