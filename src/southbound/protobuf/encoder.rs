//! Messages to be sent. A length stands before what is long, so each message is counted
//! before it is written.

use super::Wire;
use crate::wire::NoSpace;

/// The greatest field number in the schema.
const MAX_NUMBER: u8 = 31;

/// Writes fields from front to back into a lent buffer, and counts what does not fit.
#[derive(Debug)]
pub struct Encoder<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

impl<'b> Encoder<'b> {
    /// An encoder at the start of `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// Appends octets that are fields already.
    pub fn raw(&mut self, octets: &[u8]) {
        let end = self.length.saturating_add(octets.len());
        if let Some(room) = self.buffer.get_mut(self.length..end) {
            for (to, from) in room.iter_mut().zip(octets) {
                *to = *from;
            }
        }
        self.length = end;
    }

    /// Appends a field that is a varint. Negative numbers are extended to 64 bits.
    pub fn varint(&mut self, number: u8, value: u64) {
        self.tag(number, Wire::Varint);
        self.number(value);
    }

    /// Appends a field of 64 bits.
    pub fn i64(&mut self, number: u8, value: u64) {
        self.tag(number, Wire::I64);
        self.raw(&value.to_le_bytes());
    }

    /// Appends a field of 32 bits.
    pub fn i32(&mut self, number: u8, value: u32) {
        self.tag(number, Wire::I32);
        self.raw(&value.to_le_bytes());
    }

    /// Appends a length-delimited field: text, octets, or a message that is encoded.
    pub fn len(&mut self, number: u8, octets: &[u8]) {
        self.start(number, octets.len());
        self.raw(octets);
    }

    /// Appends the tag and the length of a field whose octets follow.
    pub fn start(&mut self, number: u8, length: usize) {
        self.tag(number, Wire::Len);
        self.number(u64::try_from(length).unwrap_or(u64::MAX));
    }

    /// Appends a message.
    pub fn message(&mut self, number: u8, message: &dyn Encode) {
        self.start(number, count(message));
        self.all(message);
    }

    /// Appends a number as packed fields have them, without a tag.
    pub fn number(&mut self, mut value: u64) {
        loop {
            let [octet, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                self.raw(&[octet]);
                return;
            }
            self.raw(&[octet | 0x80]);
        }
    }

    /// Octets written so far, or that would be in a buffer that is long enough.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// What was written.
    ///
    /// # Errors
    /// [`NoSpace`] when the buffer was too short.
    pub fn finish(self) -> Result<&'b [u8], NoSpace> {
        let (need, have) = (self.length, self.buffer.len());
        let whole: &'b [u8] = self.buffer;
        whole.get(..need).ok_or(NoSpace::new(need, have))
    }

    fn tag(&mut self, number: u8, wire: Wire) {
        self.number((u32::from(number) << 3 | wire.bits()).into());
    }

    /// The fields of `message` in the order of their numbers, which is the canonical one.
    pub(crate) fn all(&mut self, message: &dyn Encode) {
        for number in 1..=MAX_NUMBER {
            message.put(number, self);
        }
    }
}

/// A message that can be sent: values of its fields.
pub trait Encode {
    /// Appends the field `number`, where there is one that is to be said.
    fn put(&self, number: u8, to: &mut Encoder<'_>);

    /// How many octets it has.
    fn encoded_len(&self) -> usize
    where
        Self: Sized,
    {
        count(self)
    }

    /// Writes it to the front of `buffer`, and returns what was written.
    ///
    /// # Errors
    /// [`NoSpace`] when it does not fit.
    fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], NoSpace>
    where
        Self: Sized,
    {
        let mut encoder = Encoder::new(buffer);
        encoder.all(self);
        encoder.finish()
    }
}

impl<M: Encode> Encode for &M {
    fn put(&self, number: u8, to: &mut Encoder<'_>) {
        (*self).put(number, to);
    }
}

pub(crate) fn count(message: &dyn Encode) -> usize {
    let mut encoder = Encoder::new(&mut []);
    encoder.all(message);
    encoder.length
}
