//! The other gateways that this one has a channel to.

use crate::ams::ids::ContinuumNumber;
use crate::storage::Row;
use crate::time::Instant;
use crate::transport::Address;

/// A set of neighbours, each known by its place in the gateway's table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighbourSet(u32);

impl NeighbourSet {
    /// No neighbour.
    pub const EMPTY: Self = Self(0);
    /// Places there are: 0 to 31.
    pub const CAPACITY: usize = 32;

    /// The neighbour at `place` alone; none when there is no such place.
    #[must_use]
    pub fn one(place: u8) -> Self {
        Self(1_u32.checked_shl(u32::from(place)).unwrap_or(0))
    }

    /// Adds the members of `others`.
    pub const fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Takes the members of `others` out.
    pub const fn take(&mut self, others: Self) {
        self.0 &= !others.0;
    }

    /// Whether all members of `others` are members.
    #[must_use]
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether there are no members.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many members there are.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Those in either set.
    #[must_use]
    pub const fn union(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those in both sets.
    #[must_use]
    pub const fn common(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Those that are not in `others`.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The member in the lowest place.
    #[must_use]
    pub const fn first(self) -> Self {
        Self(self.0 & self.0.wrapping_neg())
    }

    /// The places of the members, ascending.
    pub fn places(self) -> impl Iterator<Item = u8> {
        (0..32_u8).filter(move |place| self.contains(Self::one(*place)))
    }
}

/// A neighbour: a gateway in another continuum and the channel to it (4.4.1).
#[derive(Clone, Copy, Debug)]
pub struct Neighbour {
    pub(super) place: u8,
    pub(super) continuum: ContinuumNumber,
    /// Where its RPDUs go; `None` while the transport cannot tell.
    pub(super) address: Option<Address>,
    /// Where its RPDUs come from, if not from there.
    pub(super) alias: Option<Address>,
    /// When the declaration to it is next repeated, while it has not declared itself.
    pub(super) declare_at: Option<Instant>,
    /// When it was last sent the declaration.
    pub(super) declared_at: Option<Instant>,
    /// When it was last taken to declare itself.
    pub(super) heard_at: Option<Instant>,
    /// It has retracted itself since it was declared last.
    pub(super) retracted: bool,
    /// It has said that it has heard this gateway's declaration, and not declared
    /// itself since.
    pub(super) acknowledged: bool,
    /// When what it has not asserted again by then is forgotten.
    pub(super) sweep_at: Option<Instant>,
    /// Not before this is it offered again what the transport refused.
    pub(super) offer_at: Instant,
}

impl Neighbour {
    pub(super) const fn new(place: u8, continuum: ContinuumNumber) -> Self {
        Self {
            place,
            continuum,
            address: None,
            alias: None,
            declare_at: None,
            declared_at: None,
            heard_at: None,
            retracted: false,
            acknowledged: false,
            sweep_at: None,
            offer_at: Instant::ZERO,
        }
    }

    /// Nothing has been said to it or by it yet.
    pub(super) const fn forget_exchange(&mut self) {
        self.declare_at = None;
        self.declared_at = None;
        self.heard_at = None;
        self.retracted = false;
        self.acknowledged = false;
        self.sweep_at = None;
    }

    /// The continuum it is the gateway of.
    #[must_use]
    pub const fn continuum(&self) -> ContinuumNumber {
        self.continuum
    }

    /// Its member of a [`NeighbourSet`].
    #[must_use]
    pub fn set(&self) -> NeighbourSet {
        NeighbourSet::one(self.place)
    }
}

impl Row for Neighbour {
    type Key = u8;

    fn key(&self) -> u8 {
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::vec::Vec;

    use proptest::prelude::*;

    fn set(places: &BTreeSet<u8>) -> NeighbourSet {
        places.iter().fold(NeighbourSet::EMPTY, |all, place| all.union(NeighbourSet::one(*place)))
    }

    proptest! {
        #[test]
        fn behaves_as_a_set(a in proptest::collection::btree_set(0_u8..32, 0..12),
                            b in proptest::collection::btree_set(0_u8..32, 0..12))
        {
            let (x, y) = (set(&a), set(&b));
            prop_assert_eq!(x.places().collect::<Vec<_>>(), a.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(x.union(y), set(&(&a | &b)));
            prop_assert_eq!(x.common(y), set(&(&a & &b)));
            prop_assert_eq!(x.without(y), set(&(&a - &b)));
            prop_assert_eq!(x.contains(y), b.is_subset(&a));
            prop_assert_eq!(x.len() as usize, a.len());
            prop_assert_eq!(x.first(), set(&a.first().copied().into_iter().collect()));
        }
    }
}
