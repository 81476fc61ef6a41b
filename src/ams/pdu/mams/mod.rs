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
mod form;
mod status;

#[cfg(test)]
mod tests;

use super::decoding::{Decoder, Fault, malformed};
use super::{Deviation, Deviations, Malformed, PduRule};
use crate::ams::ids::{RoleNumber, UnitNumber, VentureNumber};
use crate::wire::{CucFault, Encode, NoSpace, TimeCode, TimeTag, Writer, checksum, open_code};
use form::Form;

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
        let broken = |fault| Err(malformed(fault));
        let at = |rest: &[u8]| octets.len().wrapping_sub(rest.len());
        let Some((head, rest)) = octets.split_first_chunk::<HEADER_LEN>() else {
            return broken((PduRule::MpduTruncated, 0, HEADER_LEN, octets.len()));
        };
        let &[first, _, _, _, _, signature_length, length_high, length_low, ..] = head;
        if first >> 6 != 0 {
            return broken((PduRule::MpduVersion, 0, usize::from(first >> 6), 0));
        }
        let kind = MpduType(first & 0x1f);
        let Some(form) = Form::of(kind) else {
            return broken((PduRule::MpduTypeReserved, 0, usize::from(kind.0), 31));
        };
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        if length > MAX_SUPPLEMENT {
            return broken((PduRule::SupplementTooLong, 6, length, MAX_SUPPLEMENT));
        }
        let (tag, rest) = match TimeTag::measure(rest) {
            Ok(length) => rest.split_at_checked(length).unwrap_or_default(),
            Err(fault) => return broken(time_tag_fault(fault)),
        };
        let Some((signature, rest)) = rest.split_at_checked(usize::from(signature_length)) else {
            let need = usize::from(signature_length);
            return broken((PduRule::SignatureTruncated, at(rest), need, rest.len()));
        };
        let Some((supplement, mut tail)) = rest.split_at_checked(length) else {
            return broken((PduRule::SupplementTruncated, at(rest), length, rest.len()));
        };
        // The checksum is judged before the content: what is damaged says nothing.
        let mut sum = None;
        if first & 0x20 != 0 {
            let end = at(tail);
            let Some((stated, behind)) = tail.split_first_chunk() else {
                return broken((PduRule::MpduChecksumTruncated, end, 2, tail.len()));
            };
            let stated = u16::from_be_bytes(*stated);
            let computed = checksum(octets.get(..end).unwrap_or_default());
            if stated != computed {
                let (stated, computed) = (usize::from(stated), usize::from(computed));
                return broken((PduRule::MpduChecksum, end, stated, computed));
            }
            (sum, tail) = (Some(stated), behind);
        }
        if !tail.is_empty() {
            return broken((PduRule::MpduTrailing, at(tail), tail.len(), 0));
        }
        if let Err(fault) = form.check_reference(reference(head)) {
            return broken(fault);
        }
        let from = &mut Decoder::at(supplement, at(rest));
        form.check_supplement(from);
        from.finish(())?;
        let mut deviations = from.deviations();
        match form.check_sender(head) {
            Ok(true) => deviations.note(Deviation::SenderRewritten),
            Ok(false) => {}
            Err(fault) => return broken(fault),
        }
        let time_tag = TimeTag::measured(tag);
        Ok(Self { head, time_tag, signature, supplement, checksum: sum, deviations })
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
        Content::checked(self.mpdu_type(), self.reference(), self.supplement)
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

/// What is wrong with a time tag, which stands behind the header.
fn time_tag_fault(fault: CucFault) -> Fault {
    match fault {
        CucFault::Short(need, have) => (PduRule::TimeTagTruncated, HEADER_LEN, need, have),
        CucFault::NotUnsegmented(id) => (PduRule::TimeTagNotCuc, HEADER_LEN, usize::from(id), 1),
        CucFault::ThirdOctet(octet) => {
            (PduRule::TimeTagPField, HEADER_LEN.wrapping_add(1), usize::from(octet), 0x7f)
        }
    }
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
        let first =
            u32::from(flag | kind.0 & 0x1f) << 24 | u32::from(venture.0) << 16 | u32::from(unit.0);
        // The length of the supplementary data follows when it is known.
        let second = u32::from(role.0) << 24 | u32::from(signature_length) << 16;
        let head = [first.to_be_bytes(), second.to_be_bytes(), reference.to_be_bytes()];
        writer.octets(head.as_flattened())?;
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
