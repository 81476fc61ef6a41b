//! What is written without knowing before how much it is: the head goes before it
//! when it is. A length counted by writing twice might be another the second time,
//! for what is collected from hardware changes.

use super::cbor;
use crate::wire::{NoSpace, Writer};

/// An array whose elements are counted as they are written.
#[derive(Debug)]
pub struct ArrayWriter {
    start: usize,
    count: u32,
}

impl ArrayWriter {
    /// An array that begins where `to` is.
    #[must_use]
    pub const fn new(to: &Writer<'_>) -> Self {
        Self { start: to.len(), count: 0 }
    }

    /// Another element is written next.
    pub const fn element(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// The element that was told of last is not there after all.
    pub const fn withdraw(&mut self) {
        self.count = self.count.saturating_sub(1);
    }

    /// How many elements there are.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Ends the array, which takes one octet more, three or five where there are more
    /// than 23 or 255 elements.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn finish(self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        cbor::insert_head(to, self.start, cbor::ARRAY, self.count.into())
    }
}

/// Octets that become a byte string.
#[derive(Debug)]
pub struct BytesWriter {
    start: usize,
}

impl BytesWriter {
    /// A byte string that begins where `to` is.
    #[must_use]
    pub const fn new(to: &Writer<'_>) -> Self {
        Self { start: to.len() }
    }

    /// Ends the byte string, which takes one to five octets more.
    ///
    /// # Errors
    /// [`NoSpace`] when they do not fit.
    pub fn finish(self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        let length = to.len().saturating_sub(self.start);
        cbor::insert_head(to, self.start, cbor::BYTES, cbor::length(length))
    }
}
