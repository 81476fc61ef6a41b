//! Values to octets, as postcard encodes them.
//!
//! Octets become values in [`decoding`](super::decoding). What does not fit is counted
//! all the same and told at the end, so that what writes a message for a board is without
//! branches. Tests hold both to what serde and postcard make of the same types.

use crate::wire::NoSpace;

/// What can be written; [`coded!`](super::coding) writes most of it.
pub(crate) trait Encode {
    fn write(&self, to: &mut Encoder<'_>);
}

/// Writes `value` to the front of `buffer` and returns the octets of it.
///
/// # Errors
/// [`NoSpace`] when it does not fit.
#[cfg_attr(not(feature = "std"), inline(never))]
pub(crate) fn encode<'b>(
    value: &dyn Encode,
    buffer: &'b mut [u8],
) -> Result<&'b mut [u8], NoSpace> {
    let mut encoder = Encoder::new(buffer);
    value.write(&mut encoder);
    encoder.finish()
}

#[derive(Debug)]
pub(crate) struct Encoder<'b> {
    buffer: &'b mut [u8],
    /// Octets so far, with those that did not fit.
    length: usize,
}

impl<'b> Encoder<'b> {
    pub(crate) const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// The octets written.
    ///
    /// # Errors
    /// [`NoSpace`] when they did not fit.
    pub(crate) fn finish(self) -> Result<&'b mut [u8], NoSpace> {
        let (need, have) = (self.length, self.buffer.len());
        self.buffer.get_mut(..need).ok_or(NoSpace::new(need, have))
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn octet(&mut self, octet: u8) {
        if let Some(to) = self.buffer.get_mut(self.length) {
            *to = octet;
        }
        self.length = self.length.saturating_add(1);
    }

    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(crate) fn octets(&mut self, octets: &[u8]) {
        let end = self.length.saturating_add(octets.len());
        let room = self.buffer.get_mut(self.length..end).unwrap_or_default();
        // A zip, not `copy_from_slice`: the latter keeps a panic path at opt-level z.
        room.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
        self.length = end;
    }

    /// Octets, and how many there are before them.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn counted(&mut self, octets: &[u8]) {
        self.varint(u64::try_from(octets.len()).unwrap_or(u64::MAX));
        self.octets(octets);
    }

    /// Seven bits an octet, the lowest first; the top bit says that more follow.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn varint(&mut self, mut value: u64) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.octet(low & 0x7f);
            }
            self.octet(low | 0x80);
        }
    }

    /// The same for what fits 32 bits, as most does.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn short_varint(&mut self, value: u32) {
        self.varint(value.into());
    }

    /// Zigzag: the sign goes to the lowest bit.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn signed(&mut self, value: i64) {
        self.varint(value.wrapping_shl(1).cast_unsigned() ^ value.wrapping_shr(63).cast_unsigned());
    }

    /// The same for what fits 32 bits.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn short_signed(&mut self, value: i32) {
        self.signed(value.into());
    }
}

/// What the encoder has a function for.
macro_rules! write {
    ($($kind:ty: $to:ident, $value:ident => $written:expr;)+) => {
        $(impl Encode for $kind {
            fn write(&self, $to: &mut Encoder<'_>) {
                let $value = *self;
                $written;
            }
        })+
    };
}

write! {
    bool: to, value => to.octet(value.into());
    u8: to, value => to.octet(value);
    u16: to, value => to.short_varint(value.into());
    u32: to, value => to.short_varint(value);
    u64: to, value => to.varint(value);
    i8: to, value => to.octet(value.cast_unsigned());
    i16: to, value => to.short_signed(value.into());
    i32: to, value => to.short_signed(value);
    i64: to, value => to.signed(value);
    &str: to, value => to.counted(value.as_bytes());
    &[u8]: to, value => to.counted(value);
}

impl<T: Encode> Encode for Option<T> {
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn write(&self, to: &mut Encoder<'_>) {
        to.octet(self.is_some().into());
        if let Some(value) = self {
            value.write(to);
        }
    }
}

impl<T: Encode, const N: usize> Encode for [T; N] {
    fn write(&self, to: &mut Encoder<'_>) {
        self.iter().for_each(|value| value.write(to));
    }
}

impl<A: Encode, B: Encode> Encode for (A, B) {
    fn write(&self, to: &mut Encoder<'_>) {
        self.0.write(to);
        self.1.write(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scos::decoding::take;
    use crate::scos::messages::Message;
    use crate::scos::metadata::Section;
    use proptest::prelude::*;
    use std::string::String;
    use std::vec::Vec;

    /// What postcard makes of it.
    fn theirs<T: serde::Serialize>(value: &T) -> Vec<u8> {
        postcard::to_slice(value, &mut [0; 2_048]).unwrap().to_vec()
    }

    fn ours(value: &dyn Encode) -> Vec<u8> {
        encode(value, &mut [0; 2_048]).unwrap().to_vec()
    }

    proptest! {
        #[test]
        fn values_are_encoded_as_by_postcard(
            (a, b, c, d) in any::<(bool, u8, u16, u32)>(),
            (e, f, g, h) in any::<(u64, i8, i16, i32)>(),
            (i, text) in any::<(i64, String)>(),
            (option, array) in any::<(Option<u16>, [i16; 3])>(),
            room in 0_usize..64,
        ) {
            let any = (((a, b), (c, d)), ((e, (f, g)), (h, (i, (&*text, (option, array))))));
            let expected = theirs(&any);
            let mut buffer = std::vec![0; expected.len()];
            prop_assert_eq!(&*encode(&any, &mut buffer).unwrap(), &*expected);
            let mut short = std::vec![0; room.min(expected.len().saturating_sub(1))];
            let (need, have) = (expected.len(), short.len());
            prop_assert_eq!(encode(&any, &mut short), Err(NoSpace::new(need, have)));
        }

        #[test]
        fn what_was_decoded_is_encoded_as_by_postcard(
            octets in prop::collection::vec(prop_oneof![4 => 0_u8..4, 1 => any::<u8>()], 0..160),
            first in 0_u8..24,
        ) {
            let octets = [&[first][..], &octets].concat();
            if let Some((message, _)) = take::<Message<'_>>(&octets) {
                prop_assert_eq!(ours(&message), theirs(&message));
            }
            if let Some((section, _)) = take::<Section<'_>>(&octets) {
                prop_assert_eq!(ours(&section), theirs(&section));
            }
        }
    }

    #[test]
    fn the_ends_of_numbers_are_encoded_as_by_postcard() {
        let ends = (
            (i64::MIN, i64::MAX),
            ((u64::MAX, i32::MIN), ((i16::MIN, i8::MIN), (127_u16, 128_u16))),
        );
        assert_eq!(ours(&ends), theirs(&ends));
    }
}
