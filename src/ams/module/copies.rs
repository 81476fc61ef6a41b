//! The copies of messages: encoded once, and handed to the transport for many
//! receivers at a time.

use heapless::Vec;

use super::remote::pseudo_subject;
use super::rows::Peer;
use super::{Fanout, bump};
use crate::ams::ids::{ContextNumber, ModuleKey, Priority, SubjectNumber};
use crate::ams::pdu::{Aams, AamsFront, AamsHeader, Enclosure, EnvelopeHeader, MessageType};
use crate::ams::routing::{Label, Rule};
use crate::ams::service::{Fault, Indication, Message, ServiceUser};
use crate::storage::Table;
use crate::transport::{Address, Refused, Transport};
use crate::wire::{NoSpace, Writer};

/// The copies of one message, or of a run of messages of one size that lie back
/// to back. Copies differ in their label alone, so the messages are encoded once
/// and the first two octets of each are exchanged.
pub(super) struct Copies<'b> {
    octets: &'b mut [u8],
    /// Octets of each message; the last may have fewer.
    size: usize,
    count: usize,
    checksum: bool,
    /// What the messages say now.
    label: Label,
    /// What the request overrides the rules of the receivers with.
    priority: Option<Priority>,
    flow_label: Option<u8>,
}

impl<'b> Copies<'b> {
    /// The copies of one message, whose `data` are as they go out, in an envelope if one
    /// is given: then they are messages on the pseudo-subject of the continuum it is for.
    pub(super) fn of_one(
        header: &AamsHeader,
        envelope: Option<&EnvelopeHeader>,
        (message, data): (&Message<'_>, &[u8]),
        checksum: bool,
        buffer: &'b mut [u8],
    ) -> Result<Self, Fault> {
        let octets = match envelope {
            // A host is in a hurry; a board has one way for both.
            None if cfg!(feature = "std") => header.encode(data, checksum, buffer),
            _ => Self::enclose(header, envelope, data, checksum, buffer),
        };
        let octets = octets.map_err(|_| Fault::DataTooLong)?;
        Ok(Self::new((header, message), checksum, (octets.len(), 1), octets))
    }

    /// Writes what is in a message first, and then the message around it.
    fn enclose<'o>(
        header: &AamsHeader,
        envelope: Option<&EnvelopeHeader>,
        data: &[u8],
        checksum: bool,
        buffer: &'o mut [u8],
    ) -> Result<&'o mut [u8], NoSpace> {
        let room = buffer.get_mut(Aams::HEADER_LEN..).unwrap_or_default();
        let mut outer = *header;
        let length = match envelope {
            Some(envelope) => {
                outer.message_type = MessageType::Unary;
                outer.context = ContextNumber::NONE;
                outer.subject = pseudo_subject(envelope.continuum, header.continuum);
                envelope.encode(&Enclosure::new(header, data)?, room)?.len()
            }
            None => {
                Writer::new(room).octets(data)?;
                data.len()
            }
        };
        outer.encode_around(length, checksum, buffer)
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
        if let Some(change) = self.relabel(rule.label()) {
            adjust(self.octets, change, self.checksum);
        }
        transport
            .send(point, self.label.flow_label, self.octets)
            .map_err(|why| Fault::NotTransmitted(peer.key, why))
    }

    /// A message that is encoded, and that every further receiver asks for as it is.
    pub(super) const fn encoded(label: Label, octets: &'b mut [u8]) -> Self {
        let Label { priority, flow_label } = label;
        let (priority, flow_label) = (Some(priority), Some(flow_label));
        Self { size: octets.len(), octets, count: 1, checksum: false, label, priority, flow_label }
    }

    fn new(
        (header, message): (&AamsHeader, &Message<'_>),
        checksum: bool,
        (size, count): (usize, usize),
        octets: &'b mut [u8],
    ) -> Self {
        let Message { priority, flow_label, .. } = *message;
        let label = Label { priority: header.priority, flow_label: header.flow_label };
        Self { octets, size, count, checksum, label, priority, flow_label }
    }

    /// Notes what is asked for, unless the request overrides it, and by how much the
    /// first word of the messages changes then.
    fn relabel(&mut self, asked: Label) -> Option<u16> {
        let wanted = Label {
            priority: self.priority.unwrap_or(asked.priority),
            flow_label: self.flow_label.unwrap_or(asked.flow_label),
        };
        let before = core::mem::replace(&mut self.label, wanted);
        (before != wanted).then(|| wanted.word().wrapping_sub(before.word()))
    }
}

/// Makes a message say what is asked for, and its checksum follow: it is a sum, and
/// this is one word of it.
fn adjust(message: &mut [u8], change: u16, checksum: bool) {
    let Some((word, rest)) = message.split_first_chunk_mut::<2>() else {
        return;
    };
    *word = u16::from_be_bytes(*word).wrapping_add(change).to_be_bytes();
    if let (true, Some(sum)) = (checksum, rest.last_chunk_mut::<2>()) {
        *sum = u16::from_be_bytes(*sum).wrapping_add(change).to_be_bytes();
    }
}

/// Receivers that want the same priority and flow label, to be sent to at once.
///
/// The last one stays, and serves again when it was the whole audience of a
/// publication and nothing has changed since.
#[derive(Debug)]
pub(super) struct Batch {
    label: Label,
    to: Vec<Address, BATCH>,
    /// The places among the peers of those who are there.
    peers: Vec<u16, BATCH>,
    /// All that subscribe to this subject at this version of the rules are in it.
    whole: (SubjectNumber, u64),
    /// How messages to them begin then.
    front: AamsFront,
}

/// Receivers the transport is handed at a time. The radio of a board sends to one after
/// another in any case, and its memory is dear.
const BATCH: usize = if cfg!(feature = "std") { 8 } else { 1 };

/// What no batch is whole for: there are not as many versions.
const NOTHING: (SubjectNumber, u64) = (SubjectNumber::ALL, u64::MAX);

impl Batch {
    pub(super) const NONE: Self = Self {
        label: Label::DEFAULT,
        to: Vec::new(),
        peers: Vec::new(),
        whole: NOTHING,
        front: AamsFront::EMPTY,
    };

    pub(super) fn clear(&mut self) {
        self.to.clear();
        self.peers.clear();
        self.whole = NOTHING;
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
    pub(super) const fn complete(
        &mut self,
        (subject, version): (SubjectNumber, u64),
        front: AamsFront,
    ) {
        self.whole = (subject, version);
        self.front = front;
    }

    /// How messages to all of them begin, if it is complete.
    pub(super) const fn front(&self) -> AamsFront {
        self.front
    }

    /// Where the copies go.
    pub(super) fn receivers(&self) -> &[Address] {
        &self.to
    }

    /// What they ask for.
    pub(super) const fn label(&self) -> Label {
        self.label
    }

    pub(super) fn is_complete(&self, subject: SubjectNumber, version: u64) -> bool {
        self.whole == (subject, version)
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
        if batch.to.is_empty() {
            return;
        }
        let Copies { size, checksum, .. } = *self.copies;
        if let Some(change) = self.copies.relabel(batch.label) {
            for message in self.copies.octets.chunks_mut(size.max(1)) {
                adjust(message, change, checksum);
            }
        }
        let Label { flow_label, .. } = self.copies.label;
        let outcome = self.transport.send_run(&batch.to, flow_label, self.copies.octets, size);
        self.go_on(batch, outcome);
    }

    /// Goes on behind what was refused of `batch`.
    #[cold]
    #[inline(never)]
    pub(super) fn behind(mut self, batch: &Batch, refused: Refused) -> Fanout {
        self.go_on(batch, Err(refused));
        self.fanout
    }

    /// Goes on behind a receiver who was refused, until all were offered.
    fn go_on(&mut self, batch: &Batch, mut outcome: Result<(), Refused>) {
        let (mut to, mut peers) = (batch.to.as_slice(), batch.peers.as_slice());
        let Copies { size, count, label, .. } = *self.copies;
        while let Err(Refused { taken, why }) = outcome {
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
            outcome = self.transport.send_run(to, label.flow_label, self.copies.octets, size);
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
