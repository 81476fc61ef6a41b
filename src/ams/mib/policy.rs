//! What the standard leaves to implementations and operators would choose
//! differently.

use core::time::Duration;

use super::Timers;

/// Choices for the cells of a continuum. Entities that choose differently still
/// understand one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long after its first contact with a configuration server a registrar
    /// registers nobody, because modules of an earlier one may reconnect
    /// (4.2.5.5.2); zero for never, `None` for N5.
    pub census: Option<Duration>,
    /// Whom a registrar lets reconnect.
    pub reconnection: ReconnectionPolicy,
    /// Who tells a new module of the others.
    pub introduction: Introduction,
    /// Between *you_are_in* and the first *I_am_here* of a registrar that tells a
    /// new module of the others itself. ION's modules are deaf for some 30 ms.
    pub briefing_delay: Duration,
    /// Whether an *I_am_here* of a registrar tells of one module only. ION's
    /// modules read no more.
    pub one_status: bool,
    /// Between *I_am_starting* and the *I_am_here* with which a module answers it,
    /// and again before each repetition; up to twice as long where several start
    /// at once. ION's modules are deaf for some 30 ms.
    pub introduction_delay: Duration,
    /// How often a module repeats that *I_am_here*, which nobody acknowledges.
    pub introduction_repeats: u8,
    /// How long a registrar keeps a *module_status* to send it on together with
    /// others (4.2.9.4.2), less than N5; zero to send each on at once (4.2.9.4.1).
    pub aggregation: Duration,
    /// How many *I_am_running*, one every N5, may be missing before a
    /// configuration server that ceased on one takes over; 0 for a server that
    /// ceases for good (4.2.1.2).
    pub takeover: u8,
}

impl Policy {
    /// What the standard describes first: a census of N5, all defences against
    /// reconnections, introduction by modules and at once, nothing aggregated,
    /// servers that cease for good.
    pub const NOMINAL: Self = Self {
        census: None,
        reconnection: ReconnectionPolicy::STRICT,
        introduction: Introduction::ByModules,
        briefing_delay: Duration::ZERO,
        one_status: false,
        introduction_delay: Duration::ZERO,
        introduction_repeats: 0,
        aggregation: Duration::ZERO,
        takeover: 0,
    };

    /// How long the census takes.
    #[must_use]
    pub fn census(&self, timers: &Timers) -> Duration {
        self.census.unwrap_or_else(|| timers.n5())
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::NOMINAL
    }
}

/// Who tells a new module of the others (4.2.5.5.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Introduction {
    /// Each of them does, when it gets *I_am_starting*.
    #[default]
    ByModules,
    /// The registrar does, from its dossiers; the others get *module_has_started*.
    /// Where it does not know all modules (its storage has overflowed, or it has
    /// not yet seen all of another cell resynchronised) it does as with
    /// [`Introduction::ByModules`].
    ByRegistrar,
}

/// Which of the example defences of 4.2.8.2 a registrar takes up. A module that
/// one of them keeps out is told that it is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ReconnectionPolicy {
    /// a) Refuse modules that come too late: more than N5 after the registrar
    /// commenced heartbeat exchange with its configuration server, and one N4 more,
    /// for a module may have heard the registrar that is no more just before its
    /// end, and needs N5 and a half N4 to miss it.
    pub timely: bool,
    /// b) Refuse modules that the census of another did not include.
    pub consistent: bool,
    /// c) Refuse modules under a number that a member has, who is reached
    /// elsewhere. Without it, one in the member's role is taken for the member,
    /// which has moved. One in another role is refused always, for numbers are
    /// unique; the member itself may always ask again.
    pub unique: bool,
}

impl ReconnectionPolicy {
    /// All the defences.
    pub const STRICT: Self = Self { timely: true, consistent: true, unique: true };
}

impl Default for ReconnectionPolicy {
    fn default() -> Self {
        Self::STRICT
    }
}
