//! What the list of an SSM says besides who is on it: how the SSM itself is, and what
//! may be booked.

use std::format;
use std::string::String;
use std::time::Duration;

use serde::Deserialize;

use super::ListedActor;
use crate::scos::calendar::{Policy, QuotaScope};
use crate::scos::{ActorId, ActorPolicy, Admission};

/// How an SSM is, `[ssm]` of its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerRules {
    /// `admission`: `configured`, which is the default, or `open`.
    pub admission: Admission,
    /// `max_ttl_seconds`: how long a device may be silent, at least 3; 300 by default.
    pub max_ttl: Duration,
    /// `guard_seconds`: what begins so soon is not cancelled any more; 30 by default.
    pub guard: Duration,
    /// `grace_seconds`: how long after its slot a report may come; 120 by default.
    pub grace: Duration,
    /// `operator`: the Actor that may read what all Actors have had, by the name it is
    /// listed under.
    pub operator: Option<ActorId>,
    /// `policy_manager`: the identity of the key whose owner may set what holds for
    /// Actors.
    pub policy_manager: Option<String>,
}

impl Default for ManagerRules {
    fn default() -> Self {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Self {
            admission: Admission::Configured,
            max_ttl: seconds(MAX_TTL),
            guard: seconds(GUARD),
            grace: seconds(GRACE),
            operator: None,
            policy_manager: None,
        }
    }
}

const MAX_TTL: u32 = 300;
const LEAST_TTL: u32 = 3;
const GUARD: u32 = 30;
const GRACE: u32 = 120;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ManagerLayout {
    #[serde(default)]
    admission: AdmissionName,
    max_ttl_seconds: Option<u32>,
    guard_seconds: Option<u32>,
    grace_seconds: Option<u32>,
    operator: Option<String>,
    policy_manager: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AdmissionName {
    #[default]
    Configured,
    Open,
}

impl ManagerLayout {
    /// What it says, where these are the Actors.
    pub(super) fn read(self, actors: &[ListedActor]) -> Result<ManagerRules, String> {
        let max_ttl = self.max_ttl_seconds.unwrap_or(MAX_TTL);
        if max_ttl < LEAST_TTL {
            return Err(format!("max_ttl_seconds is {LEAST_TTL} at the least"));
        }
        let listed = |what: &str, name: &str| {
            actors.iter().find(|one| one.name == name).map(|one| one.actor).ok_or_else(|| {
                format!("{what} = \"{name}\": no actor is listed under this name; list it first")
            })
        };
        let operator = self.operator.map(|name| listed("operator", &name)).transpose()?;
        if let Some(name) = &self.policy_manager {
            listed("policy_manager", name)?;
        }
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Ok(ManagerRules {
            admission: match self.admission {
                AdmissionName::Configured => Admission::Configured,
                AdmissionName::Open => Admission::Open,
            },
            max_ttl: seconds(max_ttl),
            guard: seconds(self.guard_seconds.unwrap_or(GUARD)),
            grace: seconds(self.grace_seconds.unwrap_or(GRACE)),
            operator,
            policy_manager: self.policy_manager,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyLayout {
    quota_minutes: Option<u32>,
    #[serde(default)]
    quota_over: QuotaOver,
    short_minutes: Option<u16>,
    #[serde(default)]
    reserve_per_hour: u8,
    #[serde(default)]
    reserve_first: bool,
    #[serde(default)]
    lead_minutes: u16,
    #[serde(default)]
    preemption: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum QuotaOver {
    #[default]
    Device,
    AllDevices,
}

impl PolicyLayout {
    pub(super) fn read(self) -> Result<Policy, String> {
        sound_reserve(self.reserve_per_hour)?;
        Ok(Policy {
            quota_minutes: self.quota_minutes,
            quota_scope: match self.quota_over {
                QuotaOver::Device => QuotaScope::Device,
                QuotaOver::AllDevices => QuotaScope::AllDevices,
            },
            short_minutes: self.short_minutes.unwrap_or(Policy::OPEN.short_minutes),
            reserve_per_hour: self.reserve_per_hour,
            reserve_first: self.reserve_first,
            lead_minutes: self.lead_minutes,
            preemption: self.preemption,
        })
    }
}

/// What is set for an Actor: `quota_minutes` and `priority`.
pub(super) fn actor_policy(
    quota_minutes: Option<u32>,
    priority: Option<u8>,
) -> Option<ActorPolicy> {
    let is_set = quota_minutes.is_some() || priority.is_some();
    is_set.then(|| ActorPolicy { quota_minutes, priority: priority.unwrap_or(0) })
}

pub(super) fn sound_reserve(minutes: u8) -> Result<(), String> {
    if minutes > 60 {
        return Err("reserve_per_hour: an hour has 60 minutes".into());
    }
    Ok(())
}
