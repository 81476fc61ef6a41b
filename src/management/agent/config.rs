//! What an agent is told before it starts.

use core::time::Duration;

use crate::management::adm::Adm;
use crate::management::amp::{Collection, Epoch, Nickname, Profile};

/// A set of managers: a bit for each, by its place in [`AgentConfig::managers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Managers(pub u32);

impl Managers {
    /// Every manager.
    pub const ALL: Self = Self(u32::MAX);
    /// None.
    pub const NONE: Self = Self(0);

    /// The manager at this place alone; none past 31.
    #[must_use]
    pub const fn only(place: u8) -> Self {
        match 1_u32.checked_shl(u32::from_le_bytes([place, 0, 0, 0])) {
            Some(bit) => Self(bit),
            None => Self::NONE,
        }
    }

    /// Whether the manager at this place is in it.
    #[must_use]
    pub const fn has(self, place: u8) -> bool {
        self.0 & Self::only(place).0 != 0
    }
}

/// A manager, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct ManagerConfig<'s> {
    /// Its name in the lists of receivers and in access control lists, as `ipn:1.5`. A
    /// link that authenticates knows it by this identity.
    pub name: &'s str,
    /// The transport service it is reached by.
    pub service: &'s str,
    /// Its endpoint there.
    pub endpoint: &'s str,
    /// The issuer of what it alone may define. Empty for a manager that defines without
    /// one.
    pub issuer: &'s [u8],
}

/// Who may run, produce or define something (4.4). Defining is running the controls of
/// the AMP agent ADM that define.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The ADM, by its enumeration.
    pub adm: u32,
    /// What of it.
    pub collection: Collection,
    /// Which of these; all of them without.
    pub index: Option<u32>,
    /// Who may.
    pub managers: Managers,
}

/// How old a value may be for a rule to act on it (7.1).
#[derive(Clone, Copy, Debug)]
pub struct MaxAge {
    /// The ADM, by its enumeration.
    pub adm: u32,
    /// The index of the EDD.
    pub index: u32,
    /// The age in seconds.
    pub seconds: u32,
}

/// What an agent is told before it starts.
#[derive(Clone, Copy, Debug)]
pub struct AgentConfig<'s> {
    /// The name the agent registers with: its address in whatever carries the messages.
    pub id: &'s str,
    /// Its managers, at the most 32. Nobody else is listened to.
    pub managers: &'s [ManagerConfig<'s>],
    /// The ADMs of its applications, without that of the agent itself.
    pub adms: &'s [&'static Adm],
    /// Who may what. The first that is about an object counts; an object that none is
    /// about is everybody's.
    pub access: &'s [Access],
    /// Managers that may change what others have defined. Otherwise only its owner may.
    pub administrators: Managers,
    /// How old values may be for rules. One that is not listed never is too old.
    pub max_ages: &'s [MaxAge],
    /// Whom octets are exchanged with.
    pub profile: Profile,
    /// What times are counted from.
    pub epoch: Epoch,
    /// How often the predicates of state-based rules are looked at.
    pub evaluation: Duration,
    /// How deep definitions may lie in one another: 4 at the least by the draft.
    pub nesting: u8,
    /// Steps that one thing may take, such as a report or a macro.
    pub budget: u16,
    /// How long until the agent registers anew; never without.
    pub register_every: Option<Duration>,
    /// How long until what the transport refused, or the store, is tried again.
    pub retry: Duration,
    /// Whether each refusal is reported. Those of messages that ask for it are always.
    pub report_refusals: bool,
}

impl<'s> AgentConfig<'s> {
    /// An agent with these managers and applications, and otherwise the defaults:
    /// amp-08 and its epoch, rules looked at every second, 4 levels, 256 steps, one
    /// registration, 1 s until something is tried again, and refusals reported.
    #[must_use]
    pub const fn new(
        id: &'s str,
        managers: &'s [ManagerConfig<'s>],
        adms: &'s [&'static Adm],
    ) -> Self {
        Self {
            id,
            managers,
            adms,
            access: &[],
            administrators: Managers::NONE,
            max_ages: &[],
            profile: Profile::Draft08,
            epoch: Epoch::Draft2000,
            evaluation: Duration::from_secs(1),
            nesting: 4,
            budget: 256,
            register_every: None,
            retry: Duration::from_secs(1),
            report_refusals: true,
        }
    }

    /// All managers there are.
    pub(crate) fn everyone(&self) -> u32 {
        let known = u32::try_from(self.managers.len()).unwrap_or(32);
        u32::MAX.checked_shr(32_u32.saturating_sub(known)).unwrap_or(0)
    }

    /// Managers that may have, or do, an object of an ADM.
    pub(crate) fn permitted(&self, nickname: Nickname, index: u32) -> u32 {
        let about = |access: &&Access| {
            Nickname::new(access.adm, access.collection) == nickname
                && access.index.is_none_or(|only| only == index)
        };
        self.access.iter().find(about).map_or(u32::MAX, |access| access.managers.0)
    }

    /// The place of the manager of that name.
    pub(crate) fn place(&self, name: &str) -> Option<u8> {
        let place = self.managers.iter().take(32).position(|manager| manager.name == name)?;
        u8::try_from(place).ok()
    }
}
