//! MPDUs: header, time tag, signature and checksum (735.1-B-1 5.1.1 to 5.1.4).
//!
//! ```text
//!  0       2 3          8                16                24              32
//! | version|C| MPDU type | sender's venture | sender's unit number           |
//! | sender's role        | signature length | supplementary data length      |
//! | reference                                                                |
//! | time tag, 2 to 19 octets … digital signature, 0 to 255 …                  |
//! | supplementary data, 0 to 4,095 … checksum, 16 bits, if C                  |
//! ```

mod assertion;
mod contact;
mod content;
mod status;

#[cfg(test)]
mod tests;

use super::decoding::Decoder;
use super::{Deviation, Deviations, Malformed, PduRule};
use crate::ams::ids::{RoleNumber, UnitNumber, VentureNumber};
use crate::wire::{CucFault, Encode, NoSpace, TimeCode, TimeTag, Writer, checksum, open_code};

pub use assertion::{
    Assertion, AssertionList, AssertionValues, Cancellation, CancellationValues, Declaration,
};
pub use contact::{
    ContactSummary, ContactSummaryValues, DeliveryPoint, DeliveryVector, DeliveryVectorList,
    DeliveryVectorValues, EndpointName,
};
pub use content::Content;
pub use status::{
    CellDescriptor, ModuleList, ModuleStatus, ModuleStatusHead, ModuleStatusList, Reconnect,
    RefusalReason,
};

/// The most supplementary data an MPDU can have, in octets (5.1.1.1).
pub const MAX_SUPPLEMENT: usize = 4_095;

const HEADER_LEN: usize = 12;

open_code! {
    /// The type of an MPDU (table 5-2). What has no name is reserved.
    pub struct MpduType(u8) {
        /// 1: the sender is alive.
        HEARTBEAT = 1, "heartbeat";
        /// 2: a registration or announcement is refused.
        REJECTION = 2, "rejection";
        /// 3: the receiver's termination has been imputed.
        YOU_ARE_DEAD = 3, "you_are_dead";
        /// 4: the configuration server has noted the registrar.
        REGISTRAR_NOTED = 4, "registrar_noted";
        /// 5: the configuration server knows no registrar for the cell.
        REGISTRAR_UNKNOWN = 5, "registrar_unknown";
        /// 6: the registrar takes the module back.
        RECONNECTED = 6, "reconnected";
        /// 7: a registrar announces itself to the configuration server.
        ANNOUNCE_REGISTRAR = 7, "announce_registrar";
        /// 8: an invitation is asserted.
        INVITE = 8, "invite";
        /// 9: an invitation is cancelled.
        DISINVITE = 9, "disinvite";
        /// 10: where the registrar of a cell is.
        CELL_SPEC = 10, "cell_spec";
        /// 18: a module asks where its registrar is.
        REGISTRAR_QUERY = 18, "registrar_query";
        /// 19: a module asks to be registered.
        MODULE_REGISTRATION = 19, "module_registration";
        /// 20: the module is registered, under this number.
        YOU_ARE_IN = 20, "you_are_in";
        /// 21: a module has been registered; tell it about yourself.
        I_AM_STARTING = 21, "I_am_starting";
        /// 22: the state of modules, for one that has been registered.
        I_AM_HERE = 22, "I_am_here";
        /// 24: a subscription is asserted.
        SUBSCRIBE = 24, "subscribe";
        /// 25: a subscription is cancelled.
        UNSUBSCRIBE = 25, "unsubscribe";
        /// 26: a module has terminated.
        I_AM_STOPPING = 26, "I_am_stopping";
        /// 27: a module tells a restarted registrar about the cell.
        RECONNECT = 27, "reconnect";
        /// 28: the membership of a cell, for resynchronisation.
        CELL_STATUS = 28, "cell_status";
        /// 29: a module has been registered; its registrar has told it all.
        MODULE_HAS_STARTED = 29, "module_has_started";
        /// 30: a higher-ranking configuration server is running.
        I_AM_RUNNING = 30, "I_am_running";
        /// 31: the state of modules, for resynchronisation.
        MODULE_STATUS = 31, "module_status";
    }
}

/// A set of types, a bit each.
const fn types(list: &[MpduType]) -> u32 {
    let (mut set, mut list) = (0, list);
    while let [first, rest @ ..] = list {
        set |= first.bit();
        list = rest;
    }
    set
}

impl MpduType {
    /// Its bit in a set of types; those above 31 have that of 31.
    const fn bit(self) -> u32 {
        let number = if self.0 > 31 { 31 } else { self.0 };
        1_u32.wrapping_shl(u32::from_be_bytes([0, 0, 0, number]))
    }
}

/// Those only modules send, and those only others send (4.2).
const BY_MODULES: u32 =
    types(&[MpduType::REGISTRAR_QUERY, MpduType::MODULE_REGISTRATION, MpduType::RECONNECT]);
const BY_OTHERS: u32 = types(&[
    MpduType::REJECTION,
    MpduType::YOU_ARE_DEAD,
    MpduType::REGISTRAR_NOTED,
    MpduType::REGISTRAR_UNKNOWN,
    MpduType::RECONNECTED,
    MpduType::ANNOUNCE_REGISTRAR,
    MpduType::CELL_SPEC,
    MpduType::YOU_ARE_IN,
    MpduType::CELL_STATUS,
    MpduType::I_AM_RUNNING,
]);
/// Those in which a module speaks of itself, and a registrar passes that on.
const OF_MODULES: u32 = types(&[
    MpduType::INVITE,
    MpduType::DISINVITE,
    MpduType::SUBSCRIBE,
    MpduType::UNSUBSCRIBE,
    MpduType::I_AM_STOPPING,
    MpduType::MODULE_STATUS,
]);
/// Those whose reference is 0, and those whose reference is a module ID (tables 5-3).
const REFERENCE_ZERO: u32 =
    types(&[MpduType::YOU_ARE_DEAD, MpduType::I_AM_HERE, MpduType::I_AM_RUNNING]);
const REFERENCE_MODULE: u32 = types(&[
    MpduType::INVITE,
    MpduType::DISINVITE,
    MpduType::I_AM_STARTING,
    MpduType::SUBSCRIBE,
    MpduType::UNSUBSCRIBE,
    MpduType::I_AM_STOPPING,
    MpduType::MODULE_HAS_STARTED,
]);
const NAMED: u32 = types(MpduType::NAMED);

/// Who sent an MPDU first, as its header says (5.1.1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Sender {
    /// The sender's venture; 0 for a configuration server.
    pub venture: VentureNumber,
    /// The sender's unit; 0 for a configuration server.
    pub unit: UnitNumber,
    /// The sender's role; 0 when it is not a module.
    pub role: RoleNumber,
}

impl Sender {
    /// How a configuration server signs.
    pub const CONFIGURATION_SERVER: Self =
        Self { venture: VentureNumber(0), unit: UnitNumber(0), role: RoleNumber(0) };
}

/// An MPDU as received: a view of its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mpdu<'a> {
    head: &'a [u8; HEADER_LEN],
    time_tag: TimeTag<'a>,
    signature: &'a [u8],
    supplement: &'a [u8],
    checksum: Option<u16>,
    deviations: Deviations,
}

impl<'a> Mpdu<'a> {
    /// Octets of the header before the time tag.
    pub const HEADER_LEN: usize = HEADER_LEN;

    /// Reads an MPDU that is the whole of a datagram.
    ///
    /// All of it is validated, its lists too, once.
    ///
    /// # Errors
    /// [`Malformed`] when it is ill-formed or its checksum is wrong.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        let from = &mut Decoder::new(octets);
        let head: &[u8; HEADER_LEN] = from.array(PduRule::MpduTruncated);
        let &[first, _, _, _, _, signature_length, length_high, length_low, ..] = head;
        if first >> 6 != 0 {
            from.fail(PduRule::MpduVersion, 0, usize::from(first >> 6), 0);
        }
        let kind = MpduType(first & 0x1f);
        if kind.bit() & NAMED == 0 {
            from.fail(PduRule::MpduTypeReserved, 0, usize::from(kind.0), 31);
        }
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        if length > MAX_SUPPLEMENT {
            from.fail(PduRule::SupplementTooLong, 6, length, MAX_SUPPLEMENT);
        }
        let time_tag = split_time_tag(from);
        let signature = from.octets(usize::from(signature_length), PduRule::SignatureTruncated);
        let at = from.offset();
        let supplement = from.octets(length, PduRule::SupplementTruncated);
        // The checksum is judged before the content: what is damaged says nothing.
        let checksum = (first & 0x20 != 0).then(|| split_checksum(octets, from));
        from.end(PduRule::MpduTrailing);
        from.enter(supplement, at);
        check_reference(kind, reference(head), from);
        Content::split(kind, reference(head), from);
        from.end(PduRule::SupplementTrailing);
        check_sender(kind, head, from);
        let deviations = from.deviations();
        from.finish(Self { head, time_tag, signature, supplement, checksum, deviations })
    }

    /// The type.
    #[must_use]
    pub const fn mpdu_type(&self) -> MpduType {
        let [first, ..] = *self.head;
        MpduType(first & 0x1f)
    }

    /// Whether the checksum flag is set.
    #[must_use]
    pub const fn checksum_flag(&self) -> bool {
        let [first, ..] = *self.head;
        first & 0x20 != 0
    }

    /// Who sent it first.
    #[must_use]
    pub const fn sender(&self) -> Sender {
        let [_, venture, high, low, role, ..] = *self.head;
        Sender {
            venture: VentureNumber(venture),
            unit: UnitNumber(u16::from_be_bytes([high, low])),
            role: RoleNumber(role),
        }
    }

    /// The reference, whose meaning varies by type; [`Mpdu::content`] has it too.
    #[must_use]
    pub const fn reference(&self) -> u32 {
        reference(self.head)
    }

    /// When it was sent, by the sender's clock.
    #[must_use]
    pub const fn time_tag(&self) -> TimeTag<'a> {
        self.time_tag
    }

    /// The digital signature, 0 to 255 octets.
    #[must_use]
    pub const fn signature(&self) -> &'a [u8] {
        self.signature
    }

    /// The octets its supplementary data take, at most 4,095.
    #[must_use]
    pub const fn supplement_len(&self) -> u16 {
        let [_, _, _, _, _, _, high, low, ..] = *self.head;
        u16::from_be_bytes([high, low])
    }

    /// What it says: its type, its reference and its supplementary data in one.
    #[must_use]
    pub fn content(&self) -> Content<'a> {
        Content::split(self.mpdu_type(), self.reference(), &mut Decoder::again(self.supplement))
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
}

const fn reference(head: &[u8; HEADER_LEN]) -> u32 {
    let [.., a, b, c, d] = *head;
    u32::from_be_bytes([a, b, c, d])
}

/// Table 5-1: the role is 0 when the sender is not a module. Which entities
/// send which types follows from the procedures of 4.2.
fn check_sender(kind: MpduType, head: &[u8; HEADER_LEN], decoder: &mut Decoder<'_>) {
    let [_, _, _, _, role, _, _, _, about, ..] = *head;
    let is_module = role != RoleNumber::ALL.0;
    if !is_module && kind.bit() & BY_MODULES != 0 {
        decoder.fail(PduRule::SenderIsNotModule, 4, 0, 1);
    }
    if is_module && kind.bit() & BY_OTHERS != 0 {
        decoder.fail(PduRule::SenderIsModule, 4, usize::from(role), 0);
    }
    let forwarded = !is_module && about != RoleNumber::ALL.0 && kind.bit() & OF_MODULES != 0;
    decoder.note(Deviation::SenderRewritten, forwarded);
}

/// Whether the reference is what its type calls for (5.1.3, tables 5-3).
fn check_reference(kind: MpduType, reference: u32, decoder: &mut Decoder<'_>) {
    let [role, _, _, module] = reference.to_be_bytes();
    let (rule, wrong, against) = match kind {
        MpduType::HEARTBEAT => (PduRule::HeartbeatSource, reference > 255, 255),
        MpduType::CELL_STATUS => (PduRule::ReferenceNotCell, role != 0 || module != 0, 0),
        // A module, or a cell.
        MpduType::MODULE_STATUS => (PduRule::ReferenceNoModule, module == 0 && role != 0, 1),
        _ if kind.bit() & REFERENCE_MODULE != 0 => (PduRule::ReferenceNoModule, module == 0, 1),
        _ if kind.bit() & REFERENCE_ZERO != 0 => (PduRule::ReferenceNotZero, reference != 0, 0),
        _ => return,
    };
    if wrong {
        // Where it stands in an MPDU.
        decoder.fail(rule, 8, usize::try_from(reference).unwrap_or(usize::MAX), against);
    }
}

fn split_time_tag<'a>(from: &mut Decoder<'a>) -> TimeTag<'a> {
    let at = from.offset();
    match TimeTag::measure(from.ahead()) {
        Ok(length) => return TimeTag::measured(from.octets(length, PduRule::TimeTagTruncated)),
        Err(CucFault::Short(need, have)) => from.fail(PduRule::TimeTagTruncated, at, need, have),
        Err(CucFault::NotUnsegmented(id)) => {
            from.fail(PduRule::TimeTagNotCuc, at, usize::from(id), 1);
        }
        Err(CucFault::ThirdOctet(octet)) => {
            let place = at.saturating_add(1);
            from.fail(PduRule::TimeTagPField, place, usize::from(octet), 0x7f);
        }
    }
    TimeTag::measured(&[])
}

fn split_checksum(octets: &[u8], from: &mut Decoder<'_>) -> u16 {
    let at = from.offset();
    let stated = from.u16(PduRule::MpduChecksumTruncated);
    let computed = checksum(octets.get(..at).unwrap_or_default());
    if stated != computed {
        let (stated, computed) = (usize::from(stated), usize::from(computed));
        from.fail(PduRule::MpduChecksum, at, stated, computed);
    }
    stated
}

/// The values of an MPDU header that do not depend on its type, for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MpduHeader<'a> {
    /// Who sends it.
    pub sender: Sender,
    /// When.
    pub time: TimeCode,
    /// The digital signature, at most 255 octets.
    pub signature: &'a [u8],
    /// Whether a checksum follows.
    pub checksum: bool,
}

impl MpduHeader<'_> {
    /// The octets an MPDU with `supplement` octets of supplementary data takes.
    #[must_use]
    pub const fn encoded_len(&self, supplement: usize) -> usize {
        let tail = if self.checksum { 2 } else { 0 };
        Mpdu::HEADER_LEN
            .saturating_add(TimeCode::LEN)
            .saturating_add(self.signature.len())
            .saturating_add(supplement)
            .saturating_add(tail)
    }

    /// Writes an MPDU that says `content` into `buffer`. Returns the octets written.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit, or a length is beyond what the header
    /// can state.
    pub fn encode<'b>(
        &self,
        content: &Content<'_>,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], NoSpace> {
        self.encode_raw(content.mpdu_type(), content.reference(), content, &self.time, buffer)
    }

    /// Writes an MPDU of any type, reference and supplementary data into
    /// `buffer`, with any time tag. It is for content that is not at hand as a
    /// [`Content`]; that it is what `kind` calls for is up to the caller.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit, or a length is beyond what the header
    /// can state.
    pub fn encode_raw<'b>(
        &self,
        kind: MpduType,
        reference: u32,
        supplement: &dyn Encode,
        time_tag: &dyn Encode,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], NoSpace> {
        let Ok(signature_length) = u8::try_from(self.signature.len()) else {
            return Err(NoSpace::new(self.signature.len(), 255));
        };
        let flag = if self.checksum { 0x20 } else { 0 };
        let mut writer = Writer::new(buffer);
        let Sender { venture, unit, role } = self.sender;
        let [unit_high, unit_low] = unit.0.to_be_bytes();
        let first = [flag | (kind.0 & 0x1f), venture.0, unit_high, unit_low];
        // The length of the supplementary data follows when it is known.
        for word in [first, [role.0, signature_length, 0, 0], reference.to_be_bytes()] {
            writer.array(&word)?;
        }
        time_tag.encode(&mut writer)?;
        writer.octets(self.signature)?;
        let start = writer.len();
        supplement.encode(&mut writer)?;
        let length = writer.len().saturating_sub(start);
        match u16::try_from(length) {
            Ok(field) if length <= MAX_SUPPLEMENT => writer.patch_u16(6, field),
            _ => return Err(NoSpace::new(length, MAX_SUPPLEMENT)),
        }
        if self.checksum {
            let sum = checksum(writer.written());
            writer.u16(sum)?;
        }
        Ok(writer.finish())
    }
}
