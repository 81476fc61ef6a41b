//! How strictly octets are read, what peers in the field do differently, and time.

use core::fmt;
use core::ops::BitOr;

use crate::time::Utc;

/// Ways in which octets depart from amp-08. ION's nm, the peer in the field, sends them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Quirks(u8);

impl Quirks {
    /// None.
    pub const NONE: Self = Self(0);
    /// A BOOL is the octet 0 or 1, no CBOR simple value. ION sends this and reads the
    /// CBOR form alone, which is therefore what is sent to it.
    pub const RAW_BOOL: Self = Self(1);
    /// A BYTE of 24 or more is one octet, no CBOR integer of two. ION sends and reads this.
    pub const RAW_BYTE: Self = Self(2);
    /// A UVAST, TV or TS of 2^63 or more is the negative integer with the same 64 bits.
    /// ION sends this and reads both.
    pub const NEGATIVE_UVAST: Self = Self(4);
    /// The array of a type-name-value counts the parts of a compound value. ION sends this.
    pub const TNV_COUNT: Self = Self(8);
    /// The agent ID of a registration is a text. ION sends this and reads nothing else.
    pub const TEXT_AGENT_ID: Self = Self(16);
    /// All.
    pub const ALL: Self = Self(31);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::RAW_BOOL, "raw_bool"),
        (Self::RAW_BYTE, "raw_byte"),
        (Self::NEGATIVE_UVAST, "negative_uvast"),
        (Self::TNV_COUNT, "tnv_count"),
        (Self::TEXT_AGENT_ID, "text_agent_id"),
    ];

    /// Whether all of `other` are among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Stable names of these, in snake case.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let among = move |(quirk, _): &(Self, _)| self.contains(*quirk);
        Self::NAMES.into_iter().filter(among).map(|(_, name)| name)
    }

    /// The quirk of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(_, other)| *other == name).map(|(quirk, _)| quirk)
    }
}

impl BitOr for Quirks {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Quirks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Whom octets are exchanged with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Profile {
    /// Peers that keep to amp-08.
    #[default]
    Draft08,
    /// ION's nm: what it does differently is accepted, and it gets what it can read.
    IonCompat,
}

impl Profile {
    /// What is accepted although amp-08 would have it otherwise.
    #[must_use]
    pub const fn accepts(self) -> Quirks {
        match self {
            Self::Draft08 => Quirks::NONE,
            Self::IonCompat => Quirks::ALL,
        }
    }

    /// How is written to such a peer.
    #[must_use]
    pub const fn sends(self) -> Quirks {
        match self {
            Self::Draft08 => Quirks::NONE,
            Self::IonCompat => Quirks(Quirks::RAW_BYTE.0 | Quirks::TEXT_AGENT_ID.0),
        }
    }
}

/// What seconds on the wire are counted from (8.2.2.2).
///
/// A time value (TV) up to the relative time epoch, 2017-09-09, is so many seconds
/// after whatever it refers to; a greater one is a time. The draft's text and its
/// program disagree about the value that is equal to it; the program, which ION has
/// too, is followed: it is relative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Epoch {
    /// 2000-01-01, as amp-08 has it.
    #[default]
    Draft2000,
    /// 1970-01-01, as ION has it.
    UnixIon,
}

/// A time value: how it is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TimeValue {
    /// So many seconds after what it refers to; 0 is at once.
    After(u32),
    /// At that time.
    At(Utc),
}

const YEAR_2000: i64 = 946_684_800;

impl Epoch {
    /// The greatest value that is relative.
    #[must_use]
    pub const fn last_relative(self) -> u32 {
        match self {
            Self::Draft2000 => 558_230_400,
            Self::UnixIon => 1_504_915_200,
        }
    }

    /// What the time value `seconds` means. A time beyond what can be told is the
    /// last there is.
    #[must_use]
    pub fn time_value(self, seconds: u64) -> TimeValue {
        match u32::try_from(seconds) {
            Ok(after) if after <= self.last_relative() => TimeValue::After(after),
            _ => TimeValue::At(self.timestamp(seconds)),
        }
    }

    /// The time of the timestamp `seconds`.
    #[must_use]
    pub fn timestamp(self, seconds: u64) -> Utc {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        Utc::from_unix_seconds(seconds.saturating_add(self.start()))
    }

    /// The seconds that tell `time`, rounded down; 0 before the epoch.
    #[must_use]
    pub fn seconds(self, time: Utc) -> u64 {
        u64::try_from(time.unix_seconds().saturating_sub(self.start())).unwrap_or(0)
    }

    const fn start(self) -> i64 {
        match self {
            Self::Draft2000 => YEAR_2000,
            Self::UnixIon => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_the_draft_is_relative_for_ion() {
        // The draft's example: 2019-01-05 10:40:00.
        let example = Utc::from_unix_seconds(1_546_684_800);
        assert_eq!(Epoch::Draft2000.time_value(600_000_000), TimeValue::At(example));
        assert_eq!(Epoch::UnixIon.time_value(600_000_000), TimeValue::After(600_000_000));
        assert_eq!(Epoch::Draft2000.seconds(example), 600_000_000);
        assert_eq!(Epoch::UnixIon.seconds(example), 1_546_684_800);
        assert_eq!(Epoch::Draft2000.timestamp(10), Utc::from_unix_seconds(YEAR_2000 + 10));
    }

    #[test]
    fn the_last_relative_second_is_the_same_for_both() {
        for epoch in [Epoch::Draft2000, Epoch::UnixIon] {
            let last = epoch.last_relative();
            assert_eq!(epoch.time_value(last.into()), TimeValue::After(last));
            let next = u64::from(last) + 1;
            let time = Utc::from_unix_seconds(1_504_915_201);
            assert_eq!(epoch.time_value(next), TimeValue::At(time));
            assert_eq!(epoch.seconds(time), next);
        }
        assert_eq!(Epoch::Draft2000.seconds(Utc::from_unix_seconds(0)), 0);
        // No time is so late that it cannot be told at all.
        assert_eq!(Epoch::UnixIon.timestamp(u64::MAX), Utc::from_unix_seconds(i64::MAX));
    }

    #[test]
    fn quirks_have_names() {
        for name in Quirks::ALL.names() {
            assert!(Quirks::named(name).is_some_and(|quirk| quirk.names().eq([name])));
        }
        assert_eq!(Quirks::named("other"), None);
        assert!(Quirks::NONE.is_empty() && Quirks::NONE.names().next().is_none());
        assert!(Profile::IonCompat.accepts().contains(Profile::IonCompat.sends()));
    }
}
