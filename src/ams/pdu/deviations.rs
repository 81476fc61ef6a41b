//! What is accepted although the standard would have it otherwise.

use core::fmt;

/// One way in which an accepted PDU departs from the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Deviation {
    /// A reserved bit is set; it is ignored (1.3.1).
    ReservedBits,
    /// The sender fields of a forwarded MPDU are those of the registrar that
    /// forwarded it (against 5.1.1.2). ION's registrars do this.
    SenderRewritten,
    /// A subscription or invitation asks for priority 0 (against 3.1.2.11); it is
    /// taken as none given.
    AssertionPriorityZero,
    /// An enclosed AAMS message has priority 0 (against 5.2.1.2). ION's modules
    /// enclose such messages.
    EnclosurePriorityZero,
    /// An enclosed AAMS message announces a checksum and has none (against 4.1.7).
    /// ION's modules enclose such messages.
    EnclosureChecksumAbsent,
}

impl Deviation {
    /// Every deviation.
    pub const ALL: [Self; 5] = [
        Self::ReservedBits,
        Self::SenderRewritten,
        Self::AssertionPriorityZero,
        Self::EnclosurePriorityZero,
        Self::EnclosureChecksumAbsent,
    ];

    /// A stable name, in snake case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved_bits",
            Self::SenderRewritten => "sender_rewritten",
            Self::AssertionPriorityZero => "assertion_priority_zero",
            Self::EnclosurePriorityZero => "enclosure_priority_zero",
            Self::EnclosureChecksumAbsent => "enclosure_checksum_absent",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::ReservedBits => 1,
            Self::SenderRewritten => 2,
            Self::AssertionPriorityZero => 4,
            Self::EnclosurePriorityZero => 8,
            Self::EnclosureChecksumAbsent => 16,
        }
    }
}

/// The set of [`Deviation`]s that were needed to accept a PDU.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Deviations(u8);

impl Deviations {
    /// None: the PDU is as the standard has it.
    pub const NONE: Self = Self(0);

    /// Adds `deviation`.
    pub const fn note(&mut self, deviation: Deviation) {
        self.0 |= deviation.bit();
    }

    /// Adds all of `other`.
    pub const fn extend(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether `deviation` is among them.
    #[must_use]
    pub const fn contains(self, deviation: Deviation) -> bool {
        self.0 & deviation.bit() != 0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that are in the set.
    pub fn iter(self) -> impl Iterator<Item = Deviation> {
        Deviation::ALL.into_iter().filter(move |&deviation| self.contains(deviation))
    }
}

impl fmt::Debug for Deviations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
