//! The CCSDS unsegmented time code (CUC) with its preamble, the P-field
//! (301.0-B-4 3.2), as MAMS time tags carry it (735.1-B-1 5.1.1.2).
//!
//! ```text
//!            0   1   2   3   4   5   6   7
//! octet 1  | E | time code | coarse-1| fine  |   E: a second octet follows
//! octet 2  | 0 | +coarse| + fine    | spare  |   at most 3 and 7 octets more
//! ```

use core::fmt;

use super::{Encode, NoSpace, Reader, Writer};
use crate::time::Utc;

/// What is wrong with a P-field or the time code behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum CucFault {
    /// The octets end before the time code does: octets needed and octets left.
    Short(usize, usize),
    /// The time code identification is neither 001 nor 010: not a CUC.
    NotUnsegmented(u8),
    /// The second P-field octet announces a third, which no CUC has.
    ThirdOctet(u8),
}

/// Which epoch a CUC counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TimeCodeId {
    /// `001`: 1 January 1958, TAI.
    Ccsds,
    /// `010`: an epoch the agency defines.
    Agency,
}

impl TimeCodeId {
    /// The three bits of the P-field.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::Ccsds => 1,
            Self::Agency => 2,
        }
    }
}

/// A time tag as received: a validated P-field and the T-field behind it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimeTag<'a>(&'a [u8]);

impl<'a> TimeTag<'a> {
    /// Reads a P-field and its T-field, 2 to 19 octets.
    ///
    /// # Errors
    /// [`CucFault`] when the code is not a CUC or is cut short.
    pub fn split(from: &mut Reader<'a>) -> Result<Self, CucFault> {
        let length = Self::measure(from.clone().rest())?;
        let octets = from.take(length).map_err(|s| CucFault::Short(s.need, s.have))?;
        Ok(Self(octets))
    }

    /// The length of the time tag that `octets` begin with.
    pub(crate) fn measure(octets: &[u8]) -> Result<usize, CucFault> {
        let Some((&first, mut t_field)) = octets.split_first() else {
            return Err(CucFault::Short(1, 0));
        };
        let id = (first >> 4) & 0b111;
        if id != 1 && id != 2 {
            return Err(CucFault::NotUnsegmented(id));
        }
        let mut second = 0;
        if first & 0x80 != 0 {
            let Some((&octet, rest)) = t_field.split_first() else {
                return Err(CucFault::Short(1, 0));
            };
            if octet & 0x80 != 0 {
                return Err(CucFault::ThirdOctet(octet));
            }
            (second, t_field) = (octet, rest);
        }
        let need = coarse_octets(first, second).saturating_add(fine_octets(first, second));
        match t_field.get(usize::from(need)..) {
            Some(rest) => Ok(octets.len().saturating_sub(rest.len())),
            None => Err(CucFault::Short(usize::from(need), t_field.len())),
        }
    }

    /// Octets that have been measured.
    pub(crate) const fn measured(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The first P-field octet.
    #[must_use]
    pub const fn p_field(&self) -> u8 {
        match self.0 {
            [first, ..] => *first,
            [] => 0,
        }
    }

    /// The second P-field octet, where the first announces one.
    #[must_use]
    pub const fn p_field_extension(&self) -> Option<u8> {
        match self.0 {
            [0x80..=0xff, second, ..] => Some(*second),
            _ => None,
        }
    }

    /// Which epoch the code counts from.
    #[must_use]
    pub const fn id(&self) -> TimeCodeId {
        if (self.p_field() >> 4) & 0b111 == 1 { TimeCodeId::Ccsds } else { TimeCodeId::Agency }
    }

    /// Octets of whole seconds, 1 to 7.
    #[must_use]
    pub const fn coarse_octets(&self) -> u8 {
        coarse_octets(self.p_field(), self.second())
    }

    /// Octets of fractional seconds, 0 to 10.
    #[must_use]
    pub const fn fine_octets(&self) -> u8 {
        fine_octets(self.p_field(), self.second())
    }

    /// Whole seconds since the epoch, below 2^56.
    #[must_use]
    pub fn coarse(&self) -> u64 {
        let count = usize::from(self.coarse_octets());
        self.t_field().iter().take(count).fold(0, |sum, &octet| (sum << 8) | u64::from(octet))
    }

    /// The octets of the fraction: a binary fraction of a second, most
    /// significant octet first.
    #[must_use]
    pub fn fine(&self) -> &'a [u8] {
        self.t_field().get(usize::from(self.coarse_octets())..).unwrap_or_default()
    }

    /// Octets of P-field and T-field together.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// The second P-field octet, or what it means that there is none.
    const fn second(&self) -> u8 {
        match self.p_field_extension() {
            Some(second) => second,
            None => 0,
        }
    }

    const fn t_field(&self) -> &'a [u8] {
        match self.0 {
            [0x80..=0xff, _, t_field @ ..] | [_, t_field @ ..] => t_field,
            [] => &[],
        }
    }

    /// Never: a time tag has at least two octets.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        false
    }
}

impl fmt::Debug for TimeTag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeTag")
            .field("id", &self.id())
            .field("coarse", &self.coarse())
            .field("fine", &self.fine())
            .finish()
    }
}

impl Encode for TimeTag<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.octets(self.0)
    }
}

/// Octets of whole seconds that a P-field states; its second octet is 0 where there is
/// none.
const fn coarse_octets(first: u8, second: u8) -> u8 {
    ((first >> 2) & 0b11).saturating_add(1).saturating_add((second >> 5) & 0b11)
}

/// Octets of fractional seconds.
const fn fine_octets(first: u8, second: u8) -> u8 {
    (first & 0b11).saturating_add((second >> 2) & 0b111)
}

/// A time tag to send: whole seconds in four octets, no fraction, P-field
/// `0x1c`. It is the one form every known peer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeCode {
    /// Seconds since 1 January 1958.
    pub seconds: u32,
}

impl TimeCode {
    /// Octets this form takes.
    pub const LEN: usize = 5;

    /// Seconds from the CUC epoch to the epoch of POSIX time.
    const EPOCH: i64 = 378_691_200;

    /// The time code of `utc`. `tai_minus_utc` is the seconds TAI is ahead, 37
    /// since 2017; 0 gives the code that ION sends. Times before 1958 become 0;
    /// the count wraps in 2094, as four octets must.
    #[must_use]
    pub fn new(utc: Utc, tai_minus_utc: i8) -> Self {
        let seconds = utc
            .unix_seconds()
            .saturating_add(Self::EPOCH)
            .saturating_add(i64::from(tai_minus_utc))
            .max(0);
        // Masked to 32 bits, so the conversion cannot fail.
        Self { seconds: u32::try_from(seconds & 0xffff_ffff).unwrap_or(0) }
    }
}

impl Encode for TimeCode {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u8(0x1c)?;
        to.u32(self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn split(octets: &[u8]) -> Result<TimeTag<'_>, CucFault> {
        TimeTag::split(&mut Reader::new(octets))
    }

    #[test]
    fn the_form_that_ion_sends() {
        let tag = split(&[0x1c, 0x81, 0x94, 0x74, 0x75]).unwrap();
        assert_eq!((tag.id(), tag.coarse_octets(), tag.fine_octets()), (TimeCodeId::Ccsds, 4, 0));
        assert_eq!(tag.coarse(), 2_173_990_005);
        assert_eq!(tag.fine(), &[] as &[u8]);
        assert_eq!(tag.len(), 5);
    }

    #[test]
    fn our_form_is_read_back() {
        let utc = Utc::from_unix_seconds(1_795_298_805);
        let mut buffer = [0; TimeCode::LEN];
        TimeCode::new(utc, 0).encode(&mut Writer::new(&mut buffer)).unwrap();
        assert_eq!(buffer, [0x1c, 0x81, 0x94, 0x74, 0x75]);
        TimeCode::new(utc, 37).encode(&mut Writer::new(&mut buffer)).unwrap();
        assert_eq!(split(&buffer).unwrap().coarse(), 2_173_990_042);
    }

    #[test]
    fn the_largest_form_has_nineteen_octets() {
        let mut octets = [0xff; 19];
        octets[0] = 0b1001_1111;
        octets[1] = 0b0111_1100;
        let tag = split(&octets).unwrap();
        assert_eq!((tag.coarse_octets(), tag.fine_octets()), (7, 10));
        assert_eq!(tag.coarse(), (1 << 56) - 1);
        assert_eq!(tag.len(), 19);
    }

    #[test]
    fn what_is_no_cuc_is_refused() {
        assert_eq!(split(&[]), Err(CucFault::Short(1, 0)));
        assert_eq!(split(&[0x0c, 1, 2, 3, 4]), Err(CucFault::NotUnsegmented(0)));
        assert_eq!(split(&[0x4c, 1, 2, 3, 4]), Err(CucFault::NotUnsegmented(4)));
        assert_eq!(split(&[0x9c, 0x80, 1, 2, 3, 4]), Err(CucFault::ThirdOctet(0x80)));
        assert_eq!(split(&[0x1c, 1, 2, 3]), Err(CucFault::Short(4, 3)));
        assert_eq!(split(&[0x9c]), Err(CucFault::Short(1, 0)));
    }

    proptest! {
        #[test]
        fn every_legal_form_round_trips(first in any::<u8>(), second in 0_u8..0x80,
                                        body in proptest::collection::vec(any::<u8>(), 17))
        {
            let id = 1 + (first & 1);
            let first = (first & 0x8f) | (id << 4);
            let mut octets: Vec<u8> = std::vec![first];
            if first & 0x80 != 0 {
                octets.push(second);
            }
            octets.extend_from_slice(&body);
            let mut reader = Reader::new(&octets);
            let tag = TimeTag::split(&mut reader).unwrap();
            prop_assert_eq!(reader.offset(), tag.len());
            let mut buffer = [0; 19];
            let mut writer = Writer::new(&mut buffer);
            tag.encode(&mut writer).unwrap();
            prop_assert_eq!(writer.finish(), &octets[..tag.len()]);
        }
    }
}
