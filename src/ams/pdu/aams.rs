//! AAMS messages (735.1-B-1 5.2).
//!
//! ```text
//!  0       2       4               8              16  17                           32
//! | version| type  | priority      | flow label   | C | source continuum number     |
//! | source unit number                            | source module | reserved        |
//! | context number                                                                  |
//! | subject number                                | application data length         |
//! | application data, 0 to 65,000 octets … checksum, 16 bits, if C                   |
//! ```

use super::decoding::{Fault, malformed};
use super::{Deviation, Deviations, Malformed, PduRule};
use crate::ams::ids::{
    ContextNumber, ContinuumNumber, ModuleKey, ModuleNumber, Priority, SubjectNumber, UnitNumber,
};
use crate::wire::{BLOCK, Checksum, Encode, NoSpace, Writer, checksum};

/// The most application data a message can have, in octets (5.2.1.2).
pub const MAX_APPLICATION_DATA: usize = 65_000;

const HEADER_LEN: usize = 16;

/// What a message does in a query/reply exchange (5.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MessageType {
    /// Takes no part in one.
    Unary,
    /// Asks for a reply.
    Query,
    /// Answers a query and echoes its context number.
    Reply,
}

impl MessageType {
    /// The two bits of the header.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Unary => 0,
            Self::Query => 1,
            Self::Reply => 2,
        }
    }

    /// The name table 5-4 gives.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unary => "Unary",
            Self::Query => "Query",
            Self::Reply => "Reply",
        }
    }
}

/// An AAMS message as received: a view of its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aams<'a> {
    head: &'a [u8; HEADER_LEN],
    data: &'a [u8],
    checksum: Option<u16>,
    deviations: Deviations,
}

impl<'a> Aams<'a> {
    /// Octets of the header.
    pub const HEADER_LEN: usize = HEADER_LEN;

    /// Reads a message that is the whole of a datagram.
    ///
    /// # Errors
    /// [`Malformed`] when it is ill-formed or its checksum is wrong.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(octets, 0, Place::Datagram)
    }

    /// Reads a message that is enclosed in another PDU, from octet `offset` of
    /// the datagram on (5.3.4). Priority 0, and a checksum flag without a
    /// checksum, are accepted here as [`Deviations`].
    ///
    /// # Errors
    /// [`Malformed`] when it is ill-formed otherwise.
    pub fn parse_enclosed(octets: &'a [u8], offset: usize) -> Result<Self, Malformed> {
        Self::read(octets, offset, Place::Enclosure)
    }

    /// The source that the header of a message names, without judging the message;
    /// `None` when there is no whole header.
    #[must_use]
    pub fn peek_source(octets: &[u8]) -> Option<ModuleKey> {
        let &[_, _, _, _, high, low, module, ..] = octets.first_chunk::<HEADER_LEN>()?;
        let unit = UnitNumber(u16::from_be_bytes([high, low]));
        Some(ModuleKey { unit, module: ModuleNumber(module) })
    }

    /// The priority in the first octet of a message, without judging the message;
    /// `None` when there is none.
    #[must_use]
    pub fn peek_priority(octets: &[u8]) -> Option<Priority> {
        let (first, _) = octets.split_first()?;
        Priority::new(first & 0x0f)
    }

    /// Unary, query or reply.
    #[must_use]
    pub const fn message_type(&self) -> MessageType {
        let [first, ..] = *self.head;
        match (first >> 4) & 0b11 {
            0 => MessageType::Unary,
            1 => MessageType::Query,
            // 3 has been refused.
            _ => MessageType::Reply,
        }
    }

    /// The priority; `None` only in an enclosed message that deviates.
    #[must_use]
    pub const fn priority(&self) -> Option<Priority> {
        let [first, ..] = *self.head;
        Priority::new(first & 0x0f)
    }

    /// The flow label.
    #[must_use]
    pub const fn flow_label(&self) -> u8 {
        let [_, flow_label, ..] = *self.head;
        flow_label
    }

    /// Whether the checksum flag is set.
    #[must_use]
    pub const fn checksum_flag(&self) -> bool {
        let [_, _, flag, ..] = *self.head;
        flag & 0x80 != 0
    }

    /// The continuum of the module that sent it.
    #[must_use]
    pub const fn source_continuum(&self) -> ContinuumNumber {
        let [_, _, high, low, ..] = *self.head;
        ContinuumNumber::from_bits(u16::from_be_bytes([high, low]))
    }

    /// The module that sent it.
    #[must_use]
    pub const fn source(&self) -> ModuleKey {
        let [_, _, _, _, high, low, module, ..] = *self.head;
        ModuleKey {
            unit: UnitNumber(u16::from_be_bytes([high, low])),
            module: ModuleNumber(module),
        }
    }

    /// The reserved octet, zero from whoever keeps to the standard.
    #[must_use]
    pub const fn reserved(&self) -> u8 {
        let [_, _, _, _, _, _, _, reserved, ..] = *self.head;
        reserved
    }

    /// The context number.
    #[must_use]
    pub const fn context(&self) -> ContextNumber {
        let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = *self.head;
        ContextNumber(u32::from_be_bytes([a, b, c, d]))
    }

    /// The subject.
    #[must_use]
    pub const fn subject(&self) -> SubjectNumber {
        let [.., high, low, _, _] = *self.head;
        SubjectNumber(i16::from_be_bytes([high, low]))
    }

    /// The application data, at most 65,000 octets.
    #[must_use]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The checksum, where there is one; it has been found right.
    #[must_use]
    pub const fn checksum(&self) -> Option<u16> {
        self.checksum
    }

    /// What had to be overlooked to accept it.
    #[must_use]
    pub const fn deviations(&self) -> Deviations {
        self.deviations
    }

    /// The values of the header; `None` only where the priority is 0.
    #[must_use]
    pub fn header(&self) -> Option<AamsHeader> {
        Some(AamsHeader {
            message_type: self.message_type(),
            priority: self.priority()?,
            flow_label: self.flow_label(),
            continuum: self.source_continuum(),
            source: self.source(),
            context: self.context(),
            subject: self.subject(),
        })
    }

    /// The message as an envelope holds it: the same without its checksum (5.3.4).
    #[must_use]
    pub const fn enclosure(&self) -> Enclosure<'a> {
        let mut head = *self.head;
        let [_, _, flag, ..] = &mut head;
        *flag &= 0x7f;
        Enclosure { head, data: self.data }
    }

    fn read(octets: &'a [u8], offset: usize, place: Place) -> Result<Self, Malformed> {
        let told = |(rule, at, value, against): Fault| {
            malformed((rule, offset.wrapping_add(at), value, against))
        };
        if cfg!(feature = "std") {
            return Self::read_at(octets, place, told);
        }
        // On boards what is wrong is told in one place, for which results are moved about.
        Self::read_at(octets, place, |fault| fault).map_err(told)
    }

    /// Reads a message; what is wrong with it is told by its place in the message.
    #[inline(always)] // twice the results would be moved about
    fn read_at<E>(octets: &'a [u8], place: Place, told: impl Fn(Fault) -> E) -> Result<Self, E> {
        let fault = |rule, at, value, against| Err(told((rule, at, value, against)));
        let Some(head) = octets.first_chunk::<HEADER_LEN>() else {
            return fault(PduRule::AamsTruncated, 0, HEADER_LEN, octets.len());
        };
        let &[first, _, flag, .., length_high, length_low] = head;
        let mut deviations = Deviations::NONE;
        if first >> 6 != 0 {
            return fault(PduRule::AamsVersion, 0, usize::from(first >> 6), 0);
        }
        if (first >> 4) & 0b11 == 3 {
            return fault(PduRule::AamsTypeReserved, 0, 3, 2);
        }
        if first & 0x0f == 0 {
            if place == Place::Datagram {
                return fault(PduRule::AamsPriorityZero, 0, 0, 1);
            }
            deviations.note(Deviation::EnclosurePriorityZero);
        }
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        if length > MAX_APPLICATION_DATA {
            return fault(PduRule::AamsDataTooLong, 14, length, MAX_APPLICATION_DATA);
        }
        let end = HEADER_LEN.wrapping_add(length);
        let Some((front, mut tail)) = octets.split_at_checked(end) else {
            let have = octets.len().wrapping_sub(HEADER_LEN);
            return fault(PduRule::AamsTruncated, HEADER_LEN, length, have);
        };
        let data = front.get(HEADER_LEN..).unwrap_or_default();
        let mut sum = None;
        if flag & 0x80 != 0 {
            if let Some((stated, behind)) = tail.split_first_chunk() {
                let (stated, computed) = (u16::from_be_bytes(*stated), checksum(front));
                if stated != computed {
                    let (stated, computed) = (usize::from(stated), usize::from(computed));
                    return fault(PduRule::AamsChecksum, end, stated, computed);
                }
                (sum, tail) = (Some(stated), behind);
            } else if place == Place::Enclosure && tail.is_empty() {
                deviations.note(Deviation::EnclosureChecksumAbsent);
            } else {
                return fault(PduRule::AamsChecksumTruncated, end, 2, tail.len());
            }
        }
        if !tail.is_empty() {
            let at = octets.len().wrapping_sub(tail.len());
            return fault(PduRule::AamsTrailing, at, tail.len(), 0);
        }
        let message = Self { head, data, checksum: sum, deviations };
        if message.message_type() == MessageType::Query && message.context() == ContextNumber::NONE
        {
            return fault(PduRule::QueryContextZero, 8, 0, 1);
        }
        if message.reserved() != 0 {
            deviations.note(Deviation::ReservedBits);
        }
        Ok(Self { deviations, ..message })
    }
}

/// A message without a checksum, as envelopes and the messages of gateways enclose
/// it (5.3.4, 4.4.10). 16 octets and the data.
#[derive(Clone, Copy, Debug)]
pub struct Enclosure<'a> {
    head: [u8; HEADER_LEN],
    data: &'a [u8],
}

impl<'a> Enclosure<'a> {
    /// The message with this header and `data`.
    ///
    /// # Errors
    /// [`NoSpace`] when `data` are more than 65,000 octets.
    pub fn new(header: &AamsHeader, data: &'a [u8]) -> Result<Self, NoSpace> {
        Ok(Self { head: header.octets(data_length(data.len())?, false), data })
    }

    /// Writes it into `buffer`. Returns the octets written.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], NoSpace> {
        let mut writer = Writer::new(buffer);
        self.encode(&mut writer)?;
        Ok(writer.finish())
    }
}

impl Encode for Enclosure<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.array(&self.head)?;
        to.octets(self.data)
    }
}

/// The half of a header from the context number on.
fn back(context: ContextNumber, subject: SubjectNumber, length: u16) -> u64 {
    u64::from(context.0) << 32 | u64::from(subject.0.cast_unsigned()) << 16 | u64::from(length)
}

/// The length field of a message with so many octets of data.
fn data_length(data: usize) -> Result<u16, NoSpace> {
    match u16::try_from(data) {
        Ok(length) if data <= MAX_APPLICATION_DATA => Ok(length),
        _ => Err(NoSpace::new(data, MAX_APPLICATION_DATA)),
    }
}

/// Where a message stands: its enclosures need more patience.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Datagram,
    Enclosure,
}

/// The values of an AAMS message header, for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AamsHeader {
    /// Unary, query or reply.
    pub message_type: MessageType,
    /// The priority.
    pub priority: Priority,
    /// The flow label.
    pub flow_label: u8,
    /// The continuum of the sending module.
    pub continuum: ContinuumNumber,
    /// The sending module.
    pub source: ModuleKey,
    /// The context number.
    pub context: ContextNumber,
    /// The subject.
    pub subject: SubjectNumber,
}

impl AamsHeader {
    /// Octets of a message with `data` octets of application data.
    #[must_use]
    pub const fn encoded_len(data: usize, checksum: bool) -> usize {
        let tail = if checksum { 2 } else { 0 };
        Aams::HEADER_LEN.saturating_add(data).saturating_add(tail)
    }

    /// Writes the message with this header and `data` into `buffer`, followed by
    /// its checksum if `with_checksum`. Returns the octets written; some of those
    /// behind them are zero then.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit, or `data` are more than 65,000 octets.
    pub fn encode<'b>(
        &self,
        data: &[u8],
        with_checksum: bool,
        buffer: &'b mut [u8],
    ) -> Result<&'b mut [u8], NoSpace> {
        self.front(with_checksum).encode((self.context, self.subject), data, buffer)
    }

    /// The same, where the `data` octets of application data stand in `buffer`
    /// already, behind the place of the header.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit, or `data` is more than 65,000.
    pub fn encode_around<'b>(
        &self,
        data: usize,
        with_checksum: bool,
        buffer: &'b mut [u8],
    ) -> Result<&'b mut [u8], NoSpace> {
        let length = data_length(data)?;
        let (need, have) = (Self::encoded_len(data, with_checksum), buffer.len());
        let octets = buffer.get_mut(..need).ok_or(NoSpace::new(need, have))?;
        if let Some(head) = octets.first_chunk_mut() {
            *head = self.octets(length, with_checksum);
        }
        if let (true, Some((body, tail))) = (with_checksum, octets.split_last_chunk_mut()) {
            *tail = checksum(body).to_be_bytes();
        }
        Ok(octets)
    }

    /// The header of a message with `length` octets of data.
    fn octets(&self, length: u16, with_checksum: bool) -> [u8; HEADER_LEN] {
        let back = back(self.context, self.subject, length);
        (u128::from(self.front(with_checksum).0) << 64 | u128::from(back)).to_be_bytes()
    }

    /// The part of the header before the context number.
    pub(crate) fn front(&self, with_checksum: bool) -> AamsFront {
        let flag = if with_checksum { CHECKSUM_FLAG } else { 0 };
        AamsFront(
            flag | u64::from(self.message_type.bits() << 4 | self.priority.get()) << 56
                | u64::from(self.flow_label) << 48
                | u64::from(self.continuum.get()) << 32
                | u64::from(self.source.unit.0) << 16
                | u64::from(self.source.module.0) << 8,
        )
    }
}

/// The first half of a header: it is the same in message after message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AamsFront(u64);

const CHECKSUM_FLAG: u64 = 1 << 47;

impl AamsFront {
    /// Of no message.
    pub(crate) const EMPTY: Self = Self(0);

    /// As [`AamsHeader::encode`].
    #[cfg_attr(feature = "std", inline(always))] // a fifth of a publication would be the call
    pub(crate) fn encode<'b>(
        self,
        (context, subject): (ContextNumber, SubjectNumber),
        data: &[u8],
        buffer: &'b mut [u8],
    ) -> Result<&'b mut [u8], NoSpace> {
        let length = data_length(data.len())?;
        let with_checksum = self.0 & CHECKSUM_FLAG != 0;
        let end = HEADER_LEN.saturating_add(data.len());
        let need = AamsHeader::encoded_len(data.len(), with_checksum);
        let no_space = NoSpace::new(need, buffer.len());
        if no_space.have() < need {
            return Err(no_space);
        }
        let (first, rest) = buffer.split_first_chunk_mut().ok_or(no_space)?;
        let (second, body) = rest.split_first_chunk_mut().ok_or(no_space)?;
        let back = back(context, subject, length);
        (*first, *second) = (self.0.to_be_bytes(), back.to_be_bytes());
        // A zip, not `copy_from_slice`: the latter keeps a panic path at opt-level z.
        for (to, from) in body.iter_mut().zip(data) {
            *to = *from;
        }
        if with_checksum {
            let padding = buffer.get_mut(end..).and_then(<[u8]>::first_chunk_mut);
            let sum = match padding.filter(|_| cfg!(feature = "std")) {
                // Zeros add nothing, and a sum of whole blocks takes a host fewer steps.
                Some(padding) => {
                    *padding = [0; BLOCK];
                    let (first, rest) = buffer.split_first().ok_or(no_space)?;
                    let (blocks, _) = rest.as_chunks();
                    let count = end.saturating_sub(1).div_ceil(BLOCK);
                    let blocks = blocks.get(..count).unwrap_or_default();
                    Checksum::new().with_blocks_behind(*first, blocks).value()
                }
                None => checksum(buffer.get(..end).unwrap_or_default()),
            };
            let tail = buffer.get_mut(end..).and_then(<[u8]>::first_chunk_mut);
            *tail.ok_or(no_space)? = sum.to_be_bytes();
        }
        buffer.get_mut(..need).ok_or(no_space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    const QUERY: [u8; 18] =
        [0x16, 0x03, 0x80, 0x01, 0, 0, 3, 0, 0, 0, 0, 0x2c, 0, 1, 0, 0, 0x99, 0x31];

    /// `QUERY` with one octet changed and its checksum made right again.
    fn changed(at: usize, value: u8) -> Vec<u8> {
        let mut octets = QUERY.to_vec();
        octets[at] = value;
        let sum = checksum(&octets[..16]);
        octets[16..].copy_from_slice(&sum.to_be_bytes());
        octets
    }

    fn rule(octets: &[u8]) -> PduRule {
        Aams::parse(octets).unwrap_err().rule
    }

    #[test]
    fn a_query_as_ion_sends_it() {
        let query = Aams::parse(&QUERY).unwrap();
        assert_eq!(query.message_type(), MessageType::Query);
        assert_eq!(query.priority(), Priority::new(6));
        assert_eq!(query.flow_label(), 3);
        assert_eq!(query.source_continuum().get(), 1);
        assert_eq!(query.source().module, ModuleNumber(3));
        assert_eq!(query.context(), ContextNumber(44));
        assert_eq!(query.subject(), SubjectNumber(1));
        assert_eq!(query.checksum(), Some(0x9931));
        assert!(query.deviations().is_empty());
        let mut buffer = [0; 18];
        assert_eq!(query.header().unwrap().encode(&[], true, &mut buffer).unwrap(), QUERY);
    }

    #[test]
    fn every_shall_on_the_header_has_its_rule() {
        assert_eq!(rule(&changed(0, 0x56)), PduRule::AamsVersion);
        assert_eq!(rule(&changed(0, 0x36)), PduRule::AamsTypeReserved);
        assert_eq!(rule(&changed(0, 0x10)), PduRule::AamsPriorityZero);
        assert_eq!(rule(&changed(11, 0)), PduRule::QueryContextZero);
        assert_eq!(rule(&changed(14, 0xff)), PduRule::AamsDataTooLong);
        assert_eq!(rule(&changed(15, 1)), PduRule::AamsChecksumTruncated);
        assert_eq!(rule(&QUERY[..17]), PduRule::AamsChecksumTruncated);
        assert_eq!(rule(&QUERY[..15]), PduRule::AamsTruncated);
        let mut longer = QUERY.to_vec();
        longer.push(0);
        let fault = Aams::parse(&longer).unwrap_err();
        assert_eq!(fault, Malformed::new(PduRule::AamsTrailing, 18, 1, 0));
    }

    #[test]
    fn reserved_bits_are_ignored_and_told() {
        let octets = changed(7, 5);
        let message = Aams::parse(&octets).unwrap();
        assert!(message.deviations().contains(Deviation::ReservedBits));
    }

    #[test]
    fn enclosures_may_lack_priority_and_checksum() {
        let octets = [0, 0, 0x80, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 1, b'x'];
        assert!(Aams::parse(&octets).is_err());
        let message = Aams::parse_enclosed(&octets, 12).unwrap();
        assert_eq!(message.checksum(), None);
        assert_eq!(message.header(), None);
        let deviations: Vec<_> = message.deviations().iter().collect();
        assert_eq!(
            deviations,
            [Deviation::EnclosurePriorityZero, Deviation::EnclosureChecksumAbsent]
        );
        let fault = Aams::parse_enclosed(&octets[..16], 12).unwrap_err();
        assert_eq!((fault.rule, fault.offset), (PduRule::AamsTruncated, 28));
    }

    proptest! {
        #[test]
        fn messages_round_trip(kind in 0_u8..3, priority in 1_u8..16, flow_label in any::<u8>(),
                               continuum in 0_u16..0x8000, unit in any::<u16>(), module in any::<u8>(),
                               context in 1_u32.., subject in any::<i16>(), check in any::<bool>(),
                               data in proptest::collection::vec(any::<u8>(), 0..200))
        {
            let header = AamsHeader {
                message_type: [MessageType::Unary, MessageType::Query, MessageType::Reply][usize::from(kind)],
                priority: Priority::new(priority).unwrap(),
                flow_label,
                continuum: ContinuumNumber::new(continuum).unwrap(),
                source: ModuleKey { unit: UnitNumber(unit), module: ModuleNumber(module) },
                context: ContextNumber(context),
                subject: SubjectNumber(subject),
            };
            let mut buffer = [0; 220];
            let octets = header.encode(&data, check, &mut buffer).unwrap();
            prop_assert_eq!(octets.len(), AamsHeader::encoded_len(data.len(), check));
            let message = Aams::parse(octets).unwrap();
            prop_assert_eq!(message.header(), Some(header));
            prop_assert_eq!(message.data(), &data[..]);
            prop_assert_eq!(message.checksum_flag(), check);
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut buffer = [0; 64];
            if let Ok(message) = Aams::parse(&octets)
                && message.deviations().is_empty()
            {
                let again = message.header().unwrap()
                    .encode(message.data(), message.checksum_flag(), &mut buffer).unwrap();
                prop_assert_eq!(again, &octets[..]);
            }
            let _ = Aams::parse_enclosed(&octets, 12);
        }
    }
}
