//! The policy manager: it says what each Actor may have booked, and the SSM holds the
//! Actors to it.
//!
//! | state of a setting | event | next | does |
//! |---|---|---|---|
//! | | [`PolicyManager::set`], [`PolicyManager::withdraw`] | owed | |
//! | owed, refused | it is due | the same | sends it, with back-off |
//! | owed, refused | answer: applied | in force | [`PolicyUser::applied`]; one that is withdrawn is forgotten |
//! | owed, refused | answer: stale | owed | goes above the version that holds |
//! | owed, refused | answer: not authorised, no room | refused | [`PolicyUser::refused`], if that is news |
//! | in force | [`ActorSetting::policy`] changes | owed | |
//! | in force | the time to refresh is over | owed | an SSM that has lost it has it again |
//!
//! What is wanted is the state: a setting that is changed before it is acknowledged goes
//! out as it is then. An SSM has one policy manager; two that set the same Actors
//! overtake each other for ever.

#[cfg(test)]
mod tests;

use core::time::Duration;

use super::link::LinkStats;
use super::messages::{ActorPolicyAck, Message, PolicyOutcome, SetActorPolicy, TO_POLICY_MANAGER};
use super::retry::{Backoff, Retry};
use super::{ActorId, ActorPolicy};
use crate::machine::count;
use crate::storage::{Full, Row, Slot, Table};
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};

/// What a policy manager is told before it starts.
#[derive(Clone, Copy, Debug)]
pub struct PolicyManagerConfig {
    /// The SSM.
    pub ssm: Address,
    /// How long to wait for answers.
    pub backoff: Backoff,
    /// After how long a setting in force is sent again; `None` for never. An SSM without
    /// a store has it again so much after it has started anew.
    pub refresh: Option<Duration>,
    /// The version of the first setting, above 0, such as the seconds of UTC: above those
    /// of the run before. One that is not finds the SSM's and goes above it.
    pub first_version: u32,
}

/// Where a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum SettingState {
    /// The SSM has not answered yet.
    Owed,
    /// The SSM holds the Actor to it.
    InForce,
    /// The SSM does not take it, and is asked again.
    Refused(PolicyOutcome),
}

/// Room for what is set for one Actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActorSetting {
    actor: ActorId,
    policy: ActorPolicy,
    version: u32,
    state: SettingState,
    /// It is forgotten once it is in force.
    withdrawn: bool,
    /// When it is sent next: again, or to refresh it; `None` for never.
    retry: Option<Retry>,
}

impl ActorSetting {
    /// The Actor.
    #[must_use]
    pub const fn actor(&self) -> ActorId {
        self.actor
    }

    /// What is to hold for it.
    #[must_use]
    pub const fn policy(&self) -> ActorPolicy {
        self.policy
    }

    /// The version of this setting.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Where it is.
    #[must_use]
    pub const fn state(&self) -> SettingState {
        self.state
    }

    const fn owe(&mut self) {
        self.state = SettingState::Owed;
        self.retry = Some(Retry::NOW);
    }
}

impl Row for ActorSetting {
    type Key = ActorId;

    fn key(&self) -> ActorId {
        self.actor
    }
}

/// Who uses a policy manager. Every method has a default that does nothing.
pub trait PolicyUser {
    /// The SSM holds the Actor to it from now on.
    fn applied(&mut self, _now: Now, _setting: &ActorSetting) {}

    /// The SSM does not take it: the policy manager is not authorised, or there is no room
    /// for the Actor. It is asked again, and this told again when the reason is another.
    fn refused(&mut self, _now: Now, _setting: &ActorSetting, _outcome: PolicyOutcome) {}
}

/// Nobody watches.
impl PolicyUser for () {}

/// Counters of a policy manager.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PolicyManagerStats {
    /// Of its octets.
    pub link: LinkStats,
    /// Settings sent, each time counted.
    pub sent: u64,
    /// Settings that came in force, or were shown to be.
    pub applied: u64,
    /// Answers that an SSM does not take a setting.
    pub refused: u64,
    /// Answers that a version as high holds already.
    pub overtaken: u64,
    /// Answers to nothing that is asked.
    pub stray_answers: u64,
}

/// A policy manager.
#[derive(Debug)]
pub struct PolicyManager<'s> {
    config: PolicyManagerConfig,
    settings: Table<'s, ActorSetting>,
    next_version: u32,
    stats: PolicyManagerStats,
}

impl<'s> PolicyManager<'s> {
    /// A policy manager that has set nothing.
    #[must_use]
    pub fn new(config: PolicyManagerConfig, settings: &'s mut [Slot<ActorSetting>]) -> Self {
        Self {
            settings: Table::new(settings),
            next_version: config.first_version.max(1),
            config,
            stats: PolicyManagerStats::default(),
        }
    }

    /// Sets what is to hold for an Actor. It goes out at the next tick. What holds already
    /// is not set again.
    ///
    /// # Errors
    /// [`Full`] when there is no room for another Actor.
    pub fn set(&mut self, actor: ActorId, policy: ActorPolicy) -> Result<(), Full<ActorPolicy>> {
        self.want(actor, policy, false)
    }

    /// Sets nothing for an Actor any more: what holds for those nothing is set for is to
    /// hold for it. Its room is free once the SSM has answered.
    ///
    /// # Errors
    /// [`Full`] when nothing was set for it in this run, and there is no room to say so.
    pub fn withdraw(&mut self, actor: ActorId) -> Result<(), Full<ActorPolicy>> {
        self.want(actor, ActorPolicy::default(), true)
    }

    fn want(
        &mut self,
        actor: ActorId,
        policy: ActorPolicy,
        withdrawn: bool,
    ) -> Result<(), Full<ActorPolicy>> {
        let version = self.next_version;
        if let Some(setting) = self.settings.get_mut(actor) {
            setting.withdrawn = withdrawn;
            if setting.policy == policy && !withdrawn {
                return Ok(());
            }
            (setting.policy, setting.version) = (policy, version);
            setting.owe();
        } else {
            let (state, retry) = (SettingState::Owed, Some(Retry::NOW));
            let setting = ActorSetting { actor, policy, version, state, withdrawn, retry };
            self.settings.insert(setting).map_err(|_| Full(policy))?;
        }
        self.next_version = version.saturating_add(1);
        Ok(())
    }

    /// One datagram in. An answer is known by the Actor and the version, wherever it comes
    /// from: by some carriages an SSM is asked by one address and answers from another. Who
    /// can be behind a link is the affair of the link.
    pub fn receive(
        &mut self,
        now: Now,
        from: &Address,
        octets: &[u8],
        transport: &mut dyn Transport,
        user: &mut dyn PolicyUser,
    ) {
        match self.stats.link.open::<{ TO_POLICY_MANAGER }>(from, octets, transport) {
            Some(Message::ActorPolicyAck(ack)) => self.answered(now, &ack, user),
            Some(_) => count(&mut self.stats.link.unexpected),
            None => {}
        }
    }

    fn answered(&mut self, now: Now, ack: &ActorPolicyAck, user: &mut dyn PolicyUser) {
        let known = self.settings.get_mut(ack.actor);
        let asked = known.filter(|setting| {
            setting.version == ack.version && setting.state != SettingState::InForce
        });
        let Some(setting) = asked else { return count(&mut self.stats.stray_answers) };
        match ack.outcome {
            PolicyOutcome::Applied => {
                count(&mut self.stats.applied);
                setting.state = SettingState::InForce;
                let refresh = self.config.refresh;
                setting.retry = refresh.map(|refresh| Retry::at(now.monotonic.after(refresh)));
                let setting = *setting;
                if setting.withdrawn {
                    self.settings.remove(ack.actor);
                }
                user.applied(now, &setting);
            }
            PolicyOutcome::Stale(holds) => {
                count(&mut self.stats.overtaken);
                let version = self.next_version.max(holds.saturating_add(1));
                // Above the highest version there is nothing: it is asked in vain, slowly.
                if version > setting.version {
                    setting.version = version;
                    setting.owe();
                }
                self.next_version = version.saturating_add(1);
            }
            outcome @ (PolicyOutcome::NotAuthorised | PolicyOutcome::NoRoom) => {
                count(&mut self.stats.refused);
                let state = SettingState::Refused(outcome);
                if core::mem::replace(&mut setting.state, state) != state {
                    user.refused(now, setting, outcome);
                }
            }
        }
    }

    /// Sends what is due.
    pub fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        let (now, backoff) = (now.monotonic, &self.config.backoff);
        for setting in self.settings.iter_mut() {
            let Some(retry) = setting.retry.as_mut().filter(|retry| retry.is_due(now)) else {
                continue;
            };
            if setting.state == SettingState::InForce {
                setting.state = SettingState::Owed;
                *retry = Retry::NOW;
            }
            let ActorSetting { version, actor, policy, .. } = *setting;
            let set = SetActorPolicy { version, actor, policy };
            if self.stats.link.say(&self.config.ssm, &set, transport) {
                count(&mut self.stats.sent);
                retry.sent(now, backoff);
            } else {
                retry.refused(now, backoff);
            }
        }
    }

    /// When to call [`PolicyManager::tick`] next. Any call may change the answer.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        let due = |setting: &ActorSetting| setting.retry.as_ref().map(Retry::due);
        self.settings.iter().filter_map(due).min()
    }

    /// What is set, in the order of the numbers of the Actors.
    pub fn settings(&self) -> impl Iterator<Item = &ActorSetting> {
        self.settings.iter()
    }

    /// What is set for an Actor.
    #[must_use]
    pub fn setting(&self, actor: ActorId) -> Option<&ActorSetting> {
        self.settings.get(actor)
    }

    /// Its counters.
    #[must_use]
    pub const fn stats(&self) -> &PolicyManagerStats {
        &self.stats
    }
}
