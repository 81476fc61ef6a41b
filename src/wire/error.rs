//! The shape of "this PDU is ill-formed": which rule, where, and by how much.

use core::fmt;

use super::{Reader, Short};

/// A rule of a source text that octets can break.
pub trait Rule: Copy + fmt::Debug {
    /// A stable name, in snake case, for logs and counters.
    fn name(self) -> &'static str;
    /// The clause that makes the rule, as `735.1-B-1 5.2.1.2`.
    fn clause(self) -> &'static str;
}

/// Octets that break a rule. The PDU that held them is discarded whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Malformed<R> {
    /// The rule that is broken.
    pub rule: R,
    /// Where, in octets from the start of the datagram.
    pub offset: usize,
    /// The offending value; for a part that is cut short, the octets it needs.
    pub value: u32,
    /// What the value is held against: the limit, the value computed, or the octets left.
    pub against: u32,
}

impl<R: Rule> Malformed<R> {
    /// A value that breaks `rule` by itself.
    #[must_use]
    pub const fn new(rule: R, offset: usize, value: u32, against: u32) -> Self {
        Self { rule, offset, value, against }
    }

    /// A part that is cut short.
    #[must_use]
    pub fn short(rule: R, short: Short) -> Self {
        Self {
            rule,
            offset: short.offset,
            value: u32::try_from(short.need).unwrap_or(u32::MAX),
            against: u32::try_from(short.have).unwrap_or(u32::MAX),
        }
    }

    /// Octets that follow where `reader` should be at the end.
    #[must_use]
    pub fn trailing(rule: R, reader: &Reader<'_>) -> Self {
        let excess = u32::try_from(reader.remaining()).unwrap_or(u32::MAX);
        Self::new(rule, reader.offset(), excess, 0)
    }
}

impl<R: Rule> fmt::Display for Malformed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at octet {}: {} against {} ({})",
            self.rule.name(),
            self.offset,
            self.value,
            self.against,
            self.rule.clause()
        )
    }
}

impl<R: Rule> core::error::Error for Malformed<R> {}
