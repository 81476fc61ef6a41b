//! The copies of messages: encoded once, and handed to the transport for many
//! receivers at a time.

use heapless::Vec;

use super::rows::{Peer, Rule};
use super::{Fanout, bump};
use crate::ams::ids::{ModuleKey, Priority, SubjectNumber};
use crate::ams::pdu::{Aams, AamsHeader};
use crate::ams::service::{Fault, Indication, Message, ServiceUser};
use crate::storage::Table;
use crate::transport::{Address, Refused, Transport};

/// The copies of one message, or of a run of messages of one size that lie back
/// to back. Copies differ in priority and flow label alone, so the messages are
/// encoded once and the first two octets of each are exchanged.
pub(super) struct Copies<'b> {
    octets: &'b mut [u8],
    /// Octets of each message; the last may have fewer.
    size: usize,
    count: usize,
    checksum: bool,
    /// The priority and flow label the messages have now.
    label: [u8; 2],
    /// What the request overrides the rules of the receivers with (4.3.1.1).
    priority: Option<Priority>,
    flow_label: Option<u8>,
}

impl<'b> Copies<'b> {
    /// The copies of one message with these data, which are as they go out.
    pub(super) fn of_one(
        header: &AamsHeader,
        message: &Message<'_>,
        data: &[u8],
        checksum: bool,
        buffer: &'b mut [u8],
    ) -> Result<Self, Fault> {
        let octets = header.encode(data, checksum, buffer);
        let octets = octets.map_err(|_| Fault::DataTooLong)?;
        Ok(Self::new((header, message), checksum, (octets.len(), 1), octets))
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
        let (mut length, mut first, mut count) = (0_usize, Aams::HEADER_LEN, 0_usize);
        while !data.is_empty() {
            let (next, rest) = data.split_at_checked(size).unwrap_or((data, &[]));
            let room = buffer.get_mut(length..).unwrap_or_default();
            let Ok(octets) = header.encode(next, checksum, room) else {
                break;
            };
            if count == 0 {
                first = octets.len();
            }
            length = length.saturating_add(octets.len());
            count = count.saturating_add(1);
            *data = rest;
        }
        if count == 0 {
            return Err(Fault::DataTooLong);
        }
        let octets = buffer.get_mut(..length).unwrap_or_default();
        Ok(Self::new((header, message), checksum, (first, count), octets))
    }

    /// Sends one copy to `peer`, whose `rule` says by which delivery vector and how.
    pub(super) fn send(
        &mut self,
        peer: &Peer,
        rule: &Rule,
        transport: &mut dyn Transport,
    ) -> Result<(), Fault> {
        let point = peer.delivery_point(rule.delivery_vector);
        let point = point.ok_or(Fault::NoDeliveryPoint(peer.key))?;
        let flow_label = self.relabel(rule.label());
        transport
            .send(point, flow_label, self.octets)
            .map_err(|why| Fault::NotTransmitted(peer.key, why))
    }

    fn new(
        (header, message): (&AamsHeader, &Message<'_>),
        checksum: bool,
        (size, count): (usize, usize),
        octets: &'b mut [u8],
    ) -> Self {
        let Message { priority, flow_label, .. } = *message;
        let label = [header.priority.get(), header.flow_label];
        Self { octets, size, count, checksum, label, priority, flow_label }
    }

    /// Makes the messages say what is asked for, unless the request overrides it,
    /// and their checksums follow: each is a sum, and this is one word of it.
    /// Returns the flow label.
    fn relabel(&mut self, [priority, flow_label]: [u8; 2]) -> u8 {
        let priority = self.priority.map_or(priority, Priority::get);
        let flow_label = self.flow_label.unwrap_or(flow_label);
        let wanted = [priority, flow_label];
        if self.label == wanted {
            return flow_label;
        }
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
        flow_label
    }
}

/// Receivers that want the same priority and flow label, to be sent to at once.
///
/// The last one stays, and serves again when it was the whole audience of a
/// publication and nothing has changed since.
#[derive(Debug)]
pub(super) struct Batch {
    label: [u8; 2],
    to: Vec<Address, BATCH>,
    /// The places among the peers of those who are there.
    peers: Vec<u16, BATCH>,
    /// All that subscribe to this subject at this version of the rules are in it.
    whole: Option<(SubjectNumber, u64)>,
}

/// Receivers the transport is handed at a time.
const BATCH: usize = 8;

impl Batch {
    pub(super) const NONE: Self =
        Self { label: [0; 2], to: Vec::new(), peers: Vec::new(), whole: None };

    pub(super) fn clear(&mut self) {
        self.to.clear();
        self.peers.clear();
        self.whole = None;
    }

    /// Adds the receiver `rule` is of, at `point`. False when the batch must be sent
    /// and cleared first.
    pub(super) fn add(&mut self, rule: &Rule, point: &Address) -> bool {
        if self.to.is_empty() {
            self.label = rule.label();
        }
        self.label == rule.label()
            && self.to.push(*point).is_ok()
            && self.peers.push(rule.peer).is_ok()
    }

    /// It has everybody who subscribes to `subject` at this version of the rules.
    pub(super) const fn complete(&mut self, subject: SubjectNumber, version: u64) {
        self.whole = Some((subject, version));
    }

    pub(super) fn is_complete(&self, subject: SubjectNumber, version: u64) -> bool {
        self.whole == Some((subject, version))
    }
}

/// The sending of copies, and what has become of them.
pub(super) struct Dispatch<'a, 'b, 's> {
    pub(super) copies: &'a mut Copies<'b>,
    pub(super) peers: &'a Table<'s, Peer>,
    pub(super) transport: &'a mut dyn Transport,
    pub(super) user: &'a mut dyn ServiceUser,
    pub(super) fanout: Fanout,
}

impl Dispatch<'_, '_, '_> {
    /// Sends the copies of all in `batch`.
    pub(super) fn send(&mut self, batch: &Batch) {
        let (mut to, mut peers) = (batch.to.as_slice(), batch.peers.as_slice());
        if to.is_empty() {
            return;
        }
        let flow_label = self.copies.relabel(batch.label);
        let Copies { size, count, .. } = *self.copies;
        while let Err(Refused { taken, why }) =
            self.transport.send_run(to, flow_label, self.copies.octets, size)
        {
            self.sent(taken);
            let reached = taken.checked_div(count).unwrap_or(usize::MAX);
            let Some((place, rest)) = peers.get(reached..).and_then(<[_]>::split_first) else {
                return;
            };
            if let Some(peer) = self.peers.at(usize::from(*place)) {
                let missed = count.saturating_sub(taken.checked_rem(count).unwrap_or(0));
                self.fail(missed, Fault::NotTransmitted(peer.key, why));
            }
            (to, peers) = (to.get(reached.saturating_add(1)..).unwrap_or_default(), rest);
        }
        self.sent(to.len().saturating_mul(count));
    }

    /// There is no way to send to this receiver.
    pub(super) fn miss(&mut self, receiver: ModuleKey) {
        self.fail(self.copies.count, Fault::NoDeliveryPoint(receiver));
    }

    fn sent(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.fanout.sent = self.fanout.sent.saturating_add(count);
    }

    fn fail(&mut self, count: usize, fault: Fault) {
        for _ in 0..count {
            bump(&mut self.fanout.failed);
            self.user.indicate(Indication::Fault(fault));
        }
    }
}
