//! Where the parts of an MPDU are, for those who look at octets rather than values.

use super::Unsigned;
use crate::ams::ids::{RoleNumber, UnitNumber, VentureNumber};
use crate::ams::pdu::{Mpdu, Sender};
use crate::wire::{Reader, TimeTag, checksum};

/// Where the header states the length of the signature.
const SIGNATURE_LEN_AT: usize = 5;

/// An MPDU in three parts; the checksum is none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    /// The header and the time tag.
    pub(super) head: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) supplement: &'a [u8],
}

impl<'a> Frame<'a> {
    /// `None` when `octets` are cut short.
    pub(super) fn of(octets: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(octets);
        let &[_, _, _, _, _, signature, high, low, ..] =
            reader.array::<{ Mpdu::HEADER_LEN }>().ok()?;
        TimeTag::split(&mut reader).ok()?;
        let head = octets.get(..reader.offset())?;
        let signature = reader.take(usize::from(signature)).ok()?;
        let supplement = reader.take(usize::from(u16::from_be_bytes([high, low]))).ok()?;
        Some(Self { head, signature, supplement })
    }

    pub(super) fn sender(&self) -> Sender {
        let Some(&[_, venture, high, low, role]) = self.head.first_chunk() else {
            return Sender::default();
        };
        Sender {
            venture: VentureNumber(venture),
            unit: UnitNumber(u16::from_be_bytes([high, low])),
            role: RoleNumber(role),
        }
    }
}

/// An MPDU that has been given room for a signature.
pub(super) struct Room<'b> {
    buffer: &'b mut [u8],
    head: usize,
    signature: usize,
    supplement: usize,
}

/// The parts of an MPDU whose signature is to be written.
pub(super) struct Parts<'b> {
    pub(super) head: &'b [u8],
    pub(super) signature: &'b mut [u8],
    pub(super) supplement: &'b [u8],
}

impl<'b> Room<'b> {
    /// Moves the supplementary data of the MPDU that is the first `length` octets of
    /// `buffer`, to make room for a signature of so many octets, and states it in the
    /// header.
    pub(super) fn make(
        buffer: &'b mut [u8],
        length: usize,
        signature: usize,
    ) -> Result<Self, Unsigned> {
        let stated = u8::try_from(signature).map_err(|_| Unsigned::NoSpace)?;
        let frame = buffer.get(..length).and_then(Frame::of).ok_or(Unsigned::NoSpace)?;
        let (head, supplement) = (frame.head.len(), frame.supplement.len());
        if buffer.len().saturating_sub(length) < signature {
            return Err(Unsigned::NoSpace);
        }
        let tail = buffer.get_mut(head..).unwrap_or_default();
        for from in (0..supplement).rev() {
            let octet = tail.get(from).copied().unwrap_or_default();
            if let Some(to) = tail.get_mut(from.saturating_add(signature)) {
                *to = octet;
            }
        }
        if let Some(field) = buffer.get_mut(SIGNATURE_LEN_AT) {
            *field = stated;
        }
        Ok(Self { buffer, head, signature, supplement })
    }

    /// What to sign, and where the signature goes.
    pub(super) fn parts(&mut self) -> Option<Parts<'_>> {
        let (head, rest) = self.buffer.split_at_mut_checked(self.head)?;
        let (signature, rest) = rest.split_at_mut_checked(self.signature)?;
        Some(Parts { head, signature, supplement: rest.get(..self.supplement)? })
    }

    /// Makes the checksum right, if there is one. Returns the length of the MPDU.
    pub(super) fn finish(self) -> usize {
        let end = self.head.saturating_add(self.signature).saturating_add(self.supplement);
        if self.buffer.first().is_none_or(|first| first & 0x20 == 0) {
            return end;
        }
        let Some((octets, rest)) = self.buffer.split_at_mut_checked(end) else { return end };
        if let Some(to) = rest.first_chunk_mut() {
            *to = checksum(octets).to_be_bytes();
        }
        end.saturating_add(2)
    }
}
