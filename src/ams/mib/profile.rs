//! Whom the entities of a continuum are to work with.

use core::time::Duration;

use super::{Introduction, Item, Mib, Policy, Timers};
use crate::ams::ids::{ContinuumNumber, RoleNumber};

/// Whose habits and limits a MIB keeps to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Profile {
    /// The standard's alone.
    #[default]
    Standard,
    /// Those of ION, the implementation of the NASA Jet Propulsion Laboratory, too:
    /// endpoint names are written in decimal, and [`Mib::validate`] holds numbers and
    /// names to the size of its tables.
    Ion,
}

impl Profile {
    /// The greatest venture number of ION.
    pub const ION_VENTURES: u8 = 20;
    /// The greatest unit number of ION.
    pub const ION_UNITS: u16 = 10;
    /// The greatest subject number of ION.
    pub const ION_SUBJECTS: u16 = 500;
    /// The most characters of a name of ION.
    pub const ION_NAME: usize = 32;
    /// The role every venture of ION has, named `stop`.
    pub const ION_STOP: RoleNumber = RoleNumber(255);
}

impl Timers {
    /// Those ION is compiled with, unless told otherwise then: N1, N2 and N3 of 1 s.
    pub const ION: Self = Self {
        n1: Duration::from_secs(1),
        n2: Duration::from_secs(1),
        n3: Duration::from_secs(1),
        n6: 3,
    };
}

impl Policy {
    /// What ION's modules take: they are deaf from *you_are_in* until they have
    /// done registering, some 30 ms on an idle host, read one status of an
    /// *I_am_here*, and tell one another too early. So the registrar tells of all,
    /// and modules that are asked to themselves do so late and three times.
    pub const ION: Self = Self {
        introduction: Introduction::ByRegistrar,
        briefing_delay: Duration::from_millis(50),
        one_status: true,
        introduction_delay: Duration::from_millis(50),
        introduction_repeats: 2,
        ..Self::NOMINAL
    };

    /// The policy of a profile.
    #[must_use]
    pub const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Standard => Self::NOMINAL,
            Profile::Ion => Self::ION,
        }
    }
}

impl<'m> Mib<'m> {
    /// The MIB of a profile, with nothing in it yet.
    #[must_use]
    pub const fn of(profile: Profile, continuum: ContinuumNumber, name: &'m str) -> Self {
        match profile {
            Profile::Standard => Self::new(continuum, name),
            Profile::Ion => Self::ion(continuum, name),
        }
    }

    /// A MIB to work with ION: its timers, a policy and time tags it takes, and its
    /// limits ([`Profile::Ion`]).
    #[must_use]
    pub const fn ion(continuum: ContinuumNumber, name: &'m str) -> Self {
        Self {
            profile: Profile::Ion,
            timers: Timers::ION,
            policy: Policy::ION,
            // ION's time tags count from 1958 without leap seconds.
            tai_minus_utc: 0,
            ..Self::new(continuum, name)
        }
    }

    /// What is legal but better avoided beside ION, which in places reads an octet
    /// of 128 or more as a number below 0: the low octet of the continuum's number,
    /// and numbers of roles. It is nothing with [`Profile::Standard`].
    pub fn cautions(&self) -> impl Iterator<Item = Item> {
        let ion = matches!(self.profile, Profile::Ion);
        let continuum = self.continuum.number.get() & 0x80 != 0;
        let roles = self.ventures.iter().enumerate().flat_map(|(venture, content)| {
            let high = content
                .roles
                .iter()
                .enumerate()
                .filter(|(_, role)| role.number.0 >= 128 && role.number != Profile::ION_STOP);
            high.map(move |(role, _)| Item::Role { venture, role })
        });
        continuum.then_some(Item::Continuum).into_iter().chain(roles).filter(move |_| ion)
    }
}
