//! Octets to the parts of PDUs.
//!
//! The first rule that is broken is noted and told at the end; from there on nothing
//! is left to be read, and what is read all the same is zeros. So whoever reads a part
//! need not ask whether the one before was there.

use super::{Deviations, Malformed, PduRule};

/// A rule that is broken, where it is, by what value, and what that is held against.
pub(super) type Fault = (PduRule, usize, usize, usize);

/// What `fault` is to whoever handed in the datagram.
pub(super) fn malformed((rule, offset, value, against): Fault) -> Malformed {
    let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
    Malformed::new(rule, offset, number(value), number(against))
}

/// Reads a PDU from front to back.
#[derive(Clone, Debug)]
pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    /// Where `rest` ends, in octets from the start of the datagram.
    end: usize,
    fault: Option<Malformed>,
    deviations: Deviations,
    /// Whether all is to be checked; if not, it has been.
    first: bool,
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `octets`.
    pub(super) const fn new(octets: &'a [u8]) -> Self {
        Self::at(octets, 0)
    }

    /// A decoder of `octets` that stand at `offset` of the datagram.
    pub(super) const fn at(octets: &'a [u8], offset: usize) -> Self {
        let end = offset.wrapping_add(octets.len());
        Self { rest: octets, end, fault: None, deviations: Deviations::NONE, first: true }
    }

    /// The same for octets that have been found to be well-formed, and need only be taken
    /// apart.
    pub(super) const fn again(octets: &'a [u8]) -> Self {
        Self { first: false, end: 0, ..Self::new(octets) }
    }

    /// Whether all is to be checked.
    pub(super) const fn is_first(&self) -> bool {
        self.first
    }

    /// What `value` is, if no rule was broken on the way to it.
    pub(super) fn finish<T>(&self, value: T) -> Result<T, Malformed> {
        match self.fault {
            None => Ok(value),
            Some(fault) => Err(fault),
        }
    }

    /// The next `count` octets, or none where fewer are left, which breaks `rule`.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn octets(&mut self, count: usize, rule: PduRule) -> &'a [u8] {
        let Some((octets, rest)) = self.rest.split_at_checked(count) else {
            self.short(rule, count);
            return &[];
        };
        self.rest = rest;
        octets
    }

    /// The next `N` octets, or as many zeros.
    pub(super) fn array<const N: usize>(&mut self, rule: PduRule) -> &'a [u8; N] {
        self.octets(N, rule).first_chunk().unwrap_or(const { &[0; N] })
    }

    /// One octet.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn u8(&mut self, rule: PduRule) -> u8 {
        match self.octets(1, rule) {
            [octet] => *octet,
            _ => 0,
        }
    }

    /// A 16-bit integer in network byte order.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn u16(&mut self, rule: PduRule) -> u16 {
        match self.octets(2, rule) {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        }
    }

    /// All that follows, which is looked at before it is taken.
    pub(super) const fn ahead(&self) -> &'a [u8] {
        self.rest
    }

    /// What has been read since `ahead` was ahead.
    pub(super) fn since(&self, ahead: &'a [u8]) -> &'a [u8] {
        ahead.get(..ahead.len().wrapping_sub(self.rest.len())).unwrap_or_default()
    }

    /// Where the next part begins, in octets from the start of the datagram.
    pub(super) const fn offset(&self) -> usize {
        self.end.wrapping_sub(self.rest.len())
    }

    /// Nothing may follow.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn end(&mut self, rule: PduRule) {
        if !self.rest.is_empty() {
            self.fail(rule, self.offset(), self.rest.len(), 0);
        }
    }

    /// Whether a rule has been broken.
    pub(super) const fn is_faulty(&self) -> bool {
        self.fault.is_some()
    }

    /// The part that begins here needs `need` octets, more than are left.
    #[cold]
    #[inline(never)]
    pub(super) fn short(&mut self, rule: PduRule, need: usize) {
        self.fail(rule, self.offset(), need, self.rest.len());
    }

    /// Notes that `value`, which stands at `offset` of the datagram, breaks `rule`.
    #[cold]
    #[inline(never)]
    pub(super) fn fail(&mut self, rule: PduRule, offset: usize, value: usize, against: usize) {
        if self.fault.is_none() {
            self.fault = Some(malformed((rule, offset, value, against)));
        }
        self.rest = &[];
    }

    /// Notes how the PDU deviates.
    pub(super) const fn note(&mut self, deviations: Deviations) {
        self.deviations.extend(deviations);
    }

    /// What has been noted.
    pub(super) const fn deviations(&self) -> Deviations {
        self.deviations
    }
}
