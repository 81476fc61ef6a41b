//! The only place with offset arithmetic.

use core::cell::Cell;
use core::fmt;
use core::num::NonZeroUsize;

/// What `write` writes, in as much room as it takes. `write` is called again for more.
#[cfg(feature = "alloc")]
pub fn written(write: impl Fn(&mut Writer<'_>) -> Result<(), NoSpace>) -> alloc::vec::Vec<u8> {
    let mut buffer = alloc::vec![0; 64];
    loop {
        let mut writer = Writer::new(&mut buffer);
        match write(&mut writer) {
            Ok(()) => {
                let length = writer.len();
                buffer.truncate(length);
                return buffer;
            }
            Err(full) => buffer.resize(full.need().max(buffer.len().saturating_mul(2)), 0),
        }
    }
}

/// Fewer octets were left than a field needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Short {
    /// Where the field starts, in octets from the start of the datagram.
    pub offset: usize,
    /// Octets the field needs.
    pub need: usize,
    /// Octets that were left.
    pub have: usize,
}

/// Reads a datagram from front to back.
///
/// Every read either returns what was asked for or [`Short`]; a failed read
/// consumes nothing.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `octets`.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets, offset: 0 }
    }

    /// A reader over a part of a datagram that begins `offset` octets into it,
    /// so that errors speak of the datagram.
    #[must_use]
    pub const fn at(octets: &'a [u8], offset: usize) -> Self {
        Self { rest: octets, offset }
    }

    /// The next `count` octets.
    ///
    /// # Errors
    /// [`Short`] when fewer are left.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Short> {
        let Some((head, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.short(count));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(count);
        Ok(head)
    }

    /// The next `N` octets as an array.
    ///
    /// # Errors
    /// [`Short`] when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Short> {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.short(N));
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(N);
        Ok(head)
    }

    /// One octet.
    ///
    /// # Errors
    /// [`Short`] when none is left.
    pub fn u8(&mut self) -> Result<u8, Short> {
        self.array::<1>().map(|&[octet]| octet)
    }

    /// A 16-bit integer in network byte order.
    ///
    /// # Errors
    /// [`Short`] when fewer than two octets are left.
    pub fn u16(&mut self) -> Result<u16, Short> {
        self.array().copied().map(u16::from_be_bytes)
    }

    /// A 32-bit integer in network byte order.
    ///
    /// # Errors
    /// [`Short`] when fewer than four octets are left.
    pub fn u32(&mut self) -> Result<u32, Short> {
        self.array().copied().map(u32::from_be_bytes)
    }

    /// The octets before the next `end` octet, which is consumed too.
    ///
    /// # Errors
    /// [`Short`], needing one octet more than there are, when `end` does not occur.
    pub fn until(&mut self, end: u8) -> Result<&'a [u8], Short> {
        let Some(length) = self.rest.iter().position(|&octet| octet == end) else {
            return Err(self.short(self.rest.len().saturating_add(1)));
        };
        let text = self.take(length)?;
        self.take(1)?;
        Ok(text)
    }

    /// Consumes and returns all that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.rest;
        self.offset = self.offset.saturating_add(rest.len());
        self.rest = &[];
        rest
    }

    /// Octets left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Where the next read starts, in octets from the start of the datagram.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    const fn short(&self, need: usize) -> Short {
        Short { offset: self.offset, need, have: self.rest.len() }
    }
}

/// The buffer lent for encoding is too small.
///
/// Two words, of which the first is not 0: so a result that is this or nothing has no
/// third.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NoSpace {
    need: NonZeroUsize,
    have: usize,
}

impl NoSpace {
    /// `need` octets are needed, at least 1, where there are `have`.
    #[must_use]
    pub const fn new(need: usize, have: usize) -> Self {
        let need = match NonZeroUsize::new(need) {
            Some(need) => need,
            None => NonZeroUsize::MIN,
        };
        Self { need, have }
    }

    /// Octets the write would have needed in all, as far as encoding got.
    #[must_use]
    pub const fn need(self) -> usize {
        self.need.get()
    }

    /// Octets the buffer has.
    #[must_use]
    pub const fn have(self) -> usize {
        self.have
    }
}

impl fmt::Display for NoSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer holds {} octets and {} are needed", self.have, self.need)
    }
}

impl core::error::Error for NoSpace {}

/// Writes a datagram from front to back into a lent buffer.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

impl<'b> Writer<'b> {
    /// A writer at the start of `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// Appends `octets`.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit; nothing is written then.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn octets(&mut self, octets: &[u8]) -> Result<(), NoSpace> {
        let end = self.length.wrapping_add(octets.len());
        let have = self.buffer.len();
        let Some(room) = self.buffer.get_mut(self.length..end) else {
            return Err(NoSpace::new(end, have));
        };
        // A zip, not `copy_from_slice`: the latter keeps a panic path at opt-level z.
        for (to, from) in room.iter_mut().zip(octets) {
            *to = *from;
        }
        self.length = end;
        Ok(())
    }

    /// Appends `octets`, as many as are known to the compiler; on hosts it copies them
    /// in a few instructions.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit; nothing is written then.
    pub fn array<const N: usize>(&mut self, octets: &[u8; N]) -> Result<(), NoSpace> {
        if !cfg!(feature = "std") {
            return self.octets(octets);
        }
        let end = self.length.saturating_add(N);
        let have = self.buffer.len();
        let room = self.buffer.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut);
        let Some(room) = room else {
            return Err(NoSpace::new(end, have));
        };
        *room = *octets;
        self.length = end;
        Ok(())
    }

    /// Appends one octet.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn u8(&mut self, value: u8) -> Result<(), NoSpace> {
        self.array(&[value])
    }

    /// Appends a 16-bit integer in network byte order.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn u16(&mut self, value: u16) -> Result<(), NoSpace> {
        self.array(&value.to_be_bytes())
    }

    /// Appends a 32-bit integer in network byte order.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn u32(&mut self, value: u32) -> Result<(), NoSpace> {
        self.array(&value.to_be_bytes())
    }

    /// Appends `text` and the NUL that ends a string (735.1-B-1 5.1.5.1).
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    pub fn string(&mut self, text: &str) -> Result<(), NoSpace> {
        self.octets(text.as_bytes())?;
        self.u8(0)
    }

    /// Overwrites two octets written earlier, such as a length known only now.
    /// Does nothing when `at` lies past what was written.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub fn patch_u16(&mut self, at: usize, value: u16) {
        self.patch(at, value.to_be_bytes());
    }

    /// Overwrites four octets written earlier.
    /// Does nothing when `at` lies past what was written.
    pub fn patch_u32(&mut self, at: usize, value: u32) {
        self.patch(at, value.to_be_bytes());
    }

    /// Puts `octets` before what was written from `at` on, which moves back: a length
    /// that is known only when what it measures has been written.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit; nothing is moved then.
    pub fn insert(&mut self, at: usize, octets: &[u8]) -> Result<(), NoSpace> {
        let end = self.length.saturating_add(octets.len());
        let have = self.buffer.len();
        let Some(room) = self.buffer.get_mut(at.min(self.length)..end) else {
            return Err(NoSpace::new(end, have));
        };
        let cells = Cell::from_mut(room).as_slice_of_cells();
        let behind = cells.get(octets.len()..).unwrap_or_default();
        for (to, from) in behind.iter().zip(cells).rev() {
            to.set(from.get());
        }
        for (to, from) in cells.iter().zip(octets) {
            to.set(*from);
        }
        self.length = end;
        Ok(())
    }

    /// Takes back what was written from `length` on.
    pub const fn truncate(&mut self, length: usize) {
        if length < self.length {
            self.length = length;
        }
    }

    /// Octets written so far.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing has been written.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// What has been written so far.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        self.buffer.get(..self.length).unwrap_or_default()
    }

    /// Gives the written octets back with the buffer's own lifetime.
    #[must_use]
    pub fn finish(self) -> &'b [u8] {
        let length = self.length;
        let whole: &'b [u8] = self.buffer;
        whole.get(..length).unwrap_or_default()
    }

    fn patch<const N: usize>(&mut self, at: usize, octets: [u8; N]) {
        let written = self.buffer.get_mut(..self.length).unwrap_or_default();
        if let Some(room) = written.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
            *room = octets;
        }
    }
}

/// Something with one representation in octets.
pub trait Encode {
    /// Appends the octets of `self`.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit. What was written before is then of no use.
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace>;
}

/// Octets that are already in their final form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octets<'a>(pub &'a [u8]);

impl Encode for Octets<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.octets(self.0)
    }
}

impl<T: Encode + ?Sized> Encode for &T {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        (**self).encode(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_failed_read_consumes_nothing_and_says_where() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u8(), Ok(1));
        assert_eq!(reader.u32(), Err(Short { offset: 1, need: 4, have: 2 }));
        assert_eq!(reader.u16(), Ok(0x0203));
        assert!(reader.is_empty());
    }

    #[test]
    fn until_wants_its_end() {
        let mut reader = Reader::new(b"ab\0cd");
        assert_eq!(reader.until(0), Ok(&b"ab"[..]));
        assert_eq!(reader.until(0), Err(Short { offset: 3, need: 3, have: 2 }));
        assert_eq!(reader.rest(), b"cd");
        assert_eq!(reader.offset(), 5);
    }

    #[test]
    fn patching_cannot_grow_what_was_written() {
        let mut buffer = [0; 8];
        let mut writer = Writer::new(&mut buffer);
        writer.u16(7).unwrap();
        writer.patch_u16(0, 0x0102);
        writer.patch_u16(1, 0xffff);
        assert_eq!(writer.finish(), &[1, 2]);
    }

    #[test]
    fn what_is_taken_back_is_written_over() {
        let mut buffer = [0; 4];
        let mut writer = Writer::new(&mut buffer);
        writer.u32(0x0102_0304).unwrap();
        writer.truncate(9);
        assert_eq!(writer.len(), 4);
        writer.truncate(1);
        writer.u8(9).unwrap();
        assert_eq!(writer.finish(), &[1, 9]);
    }

    proptest! {
        #[test]
        fn what_is_inserted_moves_the_rest(
            before in proptest::collection::vec(any::<u8>(), 0..20),
            behind in proptest::collection::vec(any::<u8>(), 0..20),
            octets in proptest::collection::vec(any::<u8>(), 0..20),
            room in 0_usize..60)
        {
            let written = before.len() + behind.len();
            let mut buffer = std::vec![0; room.max(written)];
            let fits = written + octets.len() <= buffer.len();
            let mut writer = Writer::new(&mut buffer);
            writer.octets(&before).unwrap();
            writer.octets(&behind).unwrap();
            prop_assert_eq!(writer.insert(before.len(), &octets).is_ok(), fits);
            let middle = if fits { &octets[..] } else { &[] };
            prop_assert_eq!(writer.finish(), [&before, middle, &behind].concat());
        }

        #[test]
        fn what_is_written_is_read(parts in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..20), 0..8), room in 0_usize..120)
        {
            let mut buffer = std::vec![0; room];
            let mut writer = Writer::new(&mut buffer);
            let mut expected = std::vec::Vec::new();
            for part in &parts {
                let fits = expected.len() + part.len() <= room;
                prop_assert_eq!(writer.octets(part).is_ok(), fits);
                if fits {
                    expected.extend_from_slice(part);
                }
            }
            prop_assert_eq!(writer.written(), &expected[..]);
            let mut reader = Reader::new(&expected);
            prop_assert_eq!(reader.take(expected.len()).unwrap(), &expected[..]);
            prop_assert!(reader.u8().is_err());
        }
    }
}
