//! RAMS envelopes (735.1-B-1 5.3): an RPDU is one envelope.
//!
//! ```text
//!  0       2       4               8                              17                32
//! | version| 0 0   | control code  | 0 0 0 0 0 0 0 0 0           | continuum number |
//! | unit number                                   | source ID     | destination ID   |
//! | subject number                                | length of content                |
//! | content: nothing, or an encapsulated AAMS message                                |
//! ```

use super::decoding::{Fault, malformed};
use super::{Aams, Deviation, Deviations, Malformed, PduRule};
use crate::ams::ids::{ContinuumNumber, SubjectNumber, UnitNumber};
use crate::wire::{Encode, NoSpace, Writer};

const HEADER_LEN: usize = 12;

/// What is to be done with an envelope (5.3.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ControlCode {
    /// 2: note the petition.
    PetitionAssertion = 2,
    /// 3: forget the petition.
    PetitionCancellation,
    /// 4: deliver the content to subscribers.
    PublishOnReception,
    /// 5: deliver the content to one module.
    SendOnReception,
    /// 6: deliver the content to the modules of a domain.
    AnnounceOnReception,
}

impl ControlCode {
    /// The control code of these four bits; `None` for a reserved one.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            2 => Self::PetitionAssertion,
            3 => Self::PetitionCancellation,
            4 => Self::PublishOnReception,
            5 => Self::SendOnReception,
            6 => Self::AnnounceOnReception,
            _ => return None,
        })
    }

    /// The four bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::PetitionAssertion => 2,
            Self::PetitionCancellation => 3,
            Self::PublishOnReception => 4,
            Self::SendOnReception => 5,
            Self::AnnounceOnReception => 6,
        }
    }

    /// The name table 5-5 gives.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PetitionAssertion => "petition assertion",
            Self::PetitionCancellation => "petition cancellation",
            Self::PublishOnReception => "publish on reception",
            Self::SendOnReception => "send on reception",
            Self::AnnounceOnReception => "announce on reception",
        }
    }

    /// Whether envelopes with this code carry no message.
    #[must_use]
    pub const fn is_petition(self) -> bool {
        matches!(self, Self::PetitionAssertion | Self::PetitionCancellation)
    }
}

/// An envelope as received: a view of its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    head: &'a [u8; HEADER_LEN],
    content: Option<Aams<'a>>,
    deviations: Deviations,
}

impl<'a> Envelope<'a> {
    /// Octets of the header.
    pub const HEADER_LEN: usize = HEADER_LEN;

    /// Reads an envelope that is the whole of a datagram.
    ///
    /// # Errors
    /// [`Malformed`] when it, or the message it encloses, is ill-formed.
    pub fn parse(octets: &'a [u8]) -> Result<Self, Malformed> {
        Self::parse_enclosed(octets, 0)
    }

    /// Reads an envelope that is the application data of an AAMS message, from
    /// octet `offset` of the datagram on (4.3.3.1.3).
    ///
    /// # Errors
    /// [`Malformed`] when it, or the message it encloses, is ill-formed.
    pub fn parse_enclosed(octets: &'a [u8], offset: usize) -> Result<Self, Malformed> {
        match Self::read_at(octets) {
            Ok(envelope) => envelope.filled(octets, offset),
            Err((rule, at, value, against)) => {
                Err(malformed((rule, offset.wrapping_add(at), value, against)))
            }
        }
    }

    /// Reads the header; what is wrong with it is told by its place in the envelope.
    fn read_at(octets: &'a [u8]) -> Result<Self, Fault> {
        let Some((head, content)) = octets.split_first_chunk::<HEADER_LEN>() else {
            return Err((PduRule::EnvelopeTruncated, 0, HEADER_LEN, octets.len()));
        };
        let &[first, _, high, low, a, b, _, destination, _, _, length_high, length_low] = head;
        let continuum = u16::from_be_bytes([high & 0x7f, low]);
        let unit = u16::from_be_bytes([a, b]);
        if first >> 6 != 0 {
            return Err((PduRule::EnvelopeVersion, 0, usize::from(first >> 6), 0));
        }
        let Some(code) = ControlCode::from_bits(first & 0x0f) else {
            return Err((PduRule::ControlCodeReserved, 0, usize::from(first & 0x0f), 6));
        };
        // The fields that table 5-6 wants zero.
        let publishes = code == ControlCode::PublishOnReception;
        if publishes && continuum != ContinuumNumber::ALL.get() {
            return Err((PduRule::EnvelopeFieldNotZero, 2, usize::from(continuum), 0));
        }
        if publishes && unit != UnitNumber::ROOT.0 {
            return Err((PduRule::EnvelopeFieldNotZero, 4, usize::from(unit), 0));
        }
        if (publishes || code.is_petition()) && destination != 0 {
            return Err((PduRule::EnvelopeFieldNotZero, 7, usize::from(destination), 0));
        }
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        if code.is_petition() && length != 0 {
            return Err((PduRule::PetitionContent, 10, length, 0));
        }
        if !code.is_petition() && length == 0 {
            return Err((PduRule::EnvelopeEmpty, 10, 0, 16));
        }
        if content.len() < length {
            return Err((PduRule::EnvelopeTruncated, HEADER_LEN, length, content.len()));
        }
        let excess = content.len().wrapping_sub(length);
        if excess != 0 {
            let at = HEADER_LEN.wrapping_add(length);
            return Err((PduRule::EnvelopeTrailing, at, excess, 0));
        }
        Ok(Self { head, content: None, deviations: Deviations::NONE })
    }

    /// The envelope with what follows its header.
    fn filled(self, octets: &'a [u8], offset: usize) -> Result<Self, Malformed> {
        let content = match octets.get(HEADER_LEN..) {
            Some(content @ [_, ..]) => {
                Some(Aams::parse_enclosed(content, offset.wrapping_add(HEADER_LEN))?)
            }
            _ => None,
        };
        let mut deviations = content.map_or(Deviations::NONE, |content| content.deviations());
        if self.reserved() != (0, 0) {
            deviations.note(Deviation::ReservedBits);
        }
        Ok(Self { content, deviations, ..self })
    }

    /// The values of the header.
    #[must_use]
    pub const fn header(&self) -> EnvelopeHeader {
        let [first, _, a, b, c, d, source, destination, e, f, _, _] = *self.head;
        EnvelopeHeader {
            control_code: match ControlCode::from_bits(first & 0x0f) {
                Some(code) => code,
                // Not reached: others are refused.
                None => ControlCode::AnnounceOnReception,
            },
            continuum: ContinuumNumber::from_bits(u16::from_be_bytes([a, b])),
            unit: UnitNumber(u16::from_be_bytes([c, d])),
            source,
            destination,
            subject: SubjectNumber(i16::from_be_bytes([e, f])),
        }
    }

    /// The two reserved fields, of two and nine bits, zero from whoever keeps to
    /// the standard.
    #[must_use]
    pub const fn reserved(&self) -> (u8, u16) {
        let [first, reserved, high, ..] = *self.head;
        ((first >> 4) & 0b11, u16::from_be_bytes([reserved >> 7, reserved << 1 | high >> 7]))
    }

    /// The encapsulated message: always there, but in petitions.
    #[must_use]
    pub const fn content(&self) -> Option<Aams<'a>> {
        self.content
    }

    /// What had to be overlooked to accept the envelope and its content.
    #[must_use]
    pub const fn deviations(&self) -> Deviations {
        self.deviations
    }
}

/// The values of an envelope header, for sending. Table 5-6 says what each
/// field means under each control code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeHeader {
    /// What is to be done with it.
    pub control_code: ControlCode,
    /// The continuum of publishers (petitions) or of destinations.
    pub continuum: ContinuumNumber,
    /// The unit of publishers (petitions) or of destinations.
    pub unit: UnitNumber,
    /// The role of publishers (petitions) or of the source.
    pub source: u8,
    /// The module number (send) or role (announce) of the destination.
    pub destination: u8,
    /// The subject.
    pub subject: SubjectNumber,
}

impl EnvelopeHeader {
    /// Writes the envelope with this header and `content` into `buffer`. Returns
    /// the octets written. Petitions take [`Octets(&[])`](crate::wire::Octets).
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit, or `content` is longer than 65,535 octets.
    pub fn encode<'b>(
        &self,
        content: &dyn Encode,
        buffer: &'b mut [u8],
    ) -> Result<&'b [u8], NoSpace> {
        let mut writer = Writer::new(buffer);
        let bits = u32::from(self.control_code.bits());
        let first = bits << 24 | u32::from(self.continuum.get());
        let second = u32::from(self.unit.0) << 16
            | u32::from(self.source) << 8
            | u32::from(self.destination);
        // The length of the content follows when it is known.
        let third = u32::from(self.subject.0.cast_unsigned()) << 16;
        let head = [first.to_be_bytes(), second.to_be_bytes(), third.to_be_bytes()];
        writer.octets(head.as_flattened())?;
        content.encode(&mut writer)?;
        let length = writer.len().saturating_sub(Envelope::HEADER_LEN);
        let Ok(field) = u16::try_from(length) else {
            return Err(NoSpace::new(length, usize::from(u16::MAX)));
        };
        writer.patch_u16(10, field);
        Ok(writer.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Octets;
    use proptest::prelude::*;

    const DECLARATION: [u8; 12] = [2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0];
    const PUBLISH: [u8; 28] =
        [4, 0, 0, 0, 0, 0, 2, 0, 0, 1, 0, 16, 0x0a, 0, 0, 2, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 0, 0];

    fn rule_with(octets: &[u8], at: usize, value: u8) -> PduRule {
        let mut octets = octets.to_vec();
        octets[at] = value;
        Envelope::parse(&octets).unwrap_err().rule
    }

    #[test]
    fn a_declaration() {
        let envelope = Envelope::parse(&DECLARATION).unwrap();
        assert_eq!(envelope.header().control_code, ControlCode::PetitionAssertion);
        assert_eq!(envelope.header().subject, SubjectNumber(-2));
        assert_eq!(envelope.content(), None);
        let mut buffer = [0; 12];
        let again = envelope.header().encode(&Octets(&[]), &mut buffer).unwrap();
        assert_eq!(again, DECLARATION);
    }

    #[test]
    fn every_shall_on_the_header_has_its_rule() {
        assert_eq!(rule_with(&PUBLISH, 0, 0x44), PduRule::EnvelopeVersion);
        for code in [0, 1, 7, 8, 15] {
            assert_eq!(rule_with(&PUBLISH, 0, code), PduRule::ControlCodeReserved);
        }
        assert_eq!(rule_with(&PUBLISH, 3, 1), PduRule::EnvelopeFieldNotZero);
        assert_eq!(rule_with(&PUBLISH, 5, 1), PduRule::EnvelopeFieldNotZero);
        assert_eq!(rule_with(&PUBLISH, 7, 1), PduRule::EnvelopeFieldNotZero);
        assert_eq!(rule_with(&DECLARATION, 7, 1), PduRule::EnvelopeFieldNotZero);
        assert_eq!(rule_with(&DECLARATION, 11, 1), PduRule::PetitionContent);
        assert_eq!(rule_with(&DECLARATION, 0, 5), PduRule::EnvelopeEmpty);
        assert_eq!(rule_with(&PUBLISH, 11, 15), PduRule::EnvelopeTrailing);
        assert_eq!(rule_with(&PUBLISH, 11, 17), PduRule::EnvelopeTruncated);
        assert_eq!(Envelope::parse(&PUBLISH[..11]).unwrap_err().rule, PduRule::EnvelopeTruncated);
    }

    #[test]
    fn what_is_wrong_with_the_content_is_told_at_its_place() {
        let mut octets = PUBLISH;
        octets[12] = 0x3a;
        let fault = Envelope::parse(&octets).unwrap_err();
        assert_eq!((fault.rule, fault.offset), (PduRule::AamsTypeReserved, 12));
    }

    #[test]
    fn reserved_bits_are_ignored_and_told() {
        let mut octets = DECLARATION;
        octets[0] |= 0x30;
        octets[1] = 0xff;
        octets[2] = 0x80;
        let envelope = Envelope::parse(&octets).unwrap();
        assert_eq!(envelope.reserved(), (3, 0x1ff));
        assert!(envelope.deviations().contains(Deviation::ReservedBits));
    }

    proptest! {
        #[test]
        fn envelopes_round_trip(code in 2_u8..7, continuum in 0_u16..0x8000, unit in any::<u16>(),
                                source in any::<u8>(), destination in any::<u8>(), subject in any::<i16>())
        {
            let control_code = ControlCode::from_bits(code).unwrap();
            let mut header = EnvelopeHeader {
                control_code,
                continuum: ContinuumNumber::new(continuum).unwrap(),
                unit: UnitNumber(unit),
                source,
                destination,
                subject: SubjectNumber(subject),
            };
            if code < 5 {
                header.destination = 0;
            }
            if code == 4 {
                header.continuum = ContinuumNumber::ALL;
                header.unit = UnitNumber::ROOT;
            }
            let content = if control_code.is_petition() { &[][..] } else { &PUBLISH[12..] };
            let mut buffer = [0; 64];
            let octets = header.encode(&Octets(content), &mut buffer).unwrap();
            let envelope = Envelope::parse(octets).unwrap();
            prop_assert_eq!(envelope.header(), header);
            prop_assert_eq!(envelope.content().is_some(), !control_code.is_petition());
            prop_assert!(envelope.deviations().is_empty());
        }

        #[test]
        fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut buffer = [0; 64];
            if let Ok(envelope) = Envelope::parse(&octets)
                && envelope.reserved() == (0, 0)
            {
                let content = Octets(&octets[HEADER_LEN..]);
                let again = envelope.header().encode(&content, &mut buffer).unwrap();
                prop_assert_eq!(again, &octets[..]);
            }
        }
    }
}
