//! The list of an SSM's devices and Actors, with their keys: a TOML file that
//! `farpost keygen` writes.
//!
//! ```toml
//! [[device]]
//! id = "mast-1"
//! public_key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
//! psk = "file:mast-1.psk"
//!
//! [[actor]]
//! name = "regulator"
//! number = 7
//! psk = "file:regulator.psk"
//! ```
//!
//! The list may say more of each, how the SSM is, and what may be booked, under the
//! names of [`ManagerRules`], [`Policy`] and [`ActorPolicy`]. What is not said is so:
//!
//! ```toml
//! [ssm]
//! admission = "configured"    # or "open": any device, with the key it shows first
//! max_ttl_seconds = 300
//! guard_seconds = 30
//! grace_seconds = 120
//! # operator = "regulator"
//! # policy_manager = "regulator"
//!
//! [policy]
//! # quota_minutes = 600       # of each Actor in one week
//! quota_over = "device"       # or "all_devices"
//! short_minutes = 5
//! reserve_per_hour = 0
//! reserve_first = false
//! lead_minutes = 0
//! preemption = false
//!
//! [[device]]
//! # …
//! # reserve_per_hour = 10     # in place of that of the policy
//!
//! [[actor]]
//! # …
//! # quota_minutes = 60        # in place of that of the policy
//! # priority = 2
//! ```
//!
//! Files are beside the list. A key may be written as digits in the list itself, which
//! then must be its owner's alone. Without a `psk` one is known, but has no TLS link.

mod rules;

use std::collections::BTreeSet;
use std::fmt;
use std::format;
use std::fs::{self, File};
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;

use serde::Deserialize;

pub use rules::ManagerRules;

use super::owner::exposed;
use super::secret::{Psk, decode};
use crate::scos::calendar::{Policy, Reserve};
use crate::scos::messages::{DEVICE_ID_MAX, PUBLIC_KEY_MAX};
use crate::scos::ssm::ActorName;
use crate::scos::{ActorId, ActorPolicy, DeviceConfig};
use rules::{ManagerLayout, PolicyLayout, actor_policy, sound_reserve};

/// Devices and Actors, and their keys.
#[derive(Debug, Default)]
pub struct DeviceList {
    /// The devices, in the order of the file.
    pub devices: Vec<ListedDevice>,
    /// The Actors, in the order of the file.
    pub actors: Vec<ListedActor>,
    /// How the SSM is.
    pub manager: ManagerRules,
    /// What may be booked.
    pub policy: Policy,
}

/// A device of the list.
#[derive(Clone, Debug)]
pub struct ListedDevice {
    /// The device ID, which is the identity of its pre-shared key too.
    pub id: String,
    /// Its public key.
    pub public_key: Vec<u8>,
    /// Its pre-shared key.
    pub psk: Option<Psk>,
    /// What is kept for short scans, if not as the policy has it.
    pub reserve: Option<Reserve>,
}

/// An Actor of the list.
#[derive(Clone, Debug)]
pub struct ListedActor {
    /// The identity of its pre-shared key.
    pub name: String,
    /// Its number.
    pub actor: ActorId,
    /// Its pre-shared key.
    pub psk: Option<Psk>,
    /// What is set for it, if anything is.
    pub policy: Option<ActorPolicy>,
}

/// Why a list is none. It says what is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceListError(String);

impl fmt::Display for DeviceListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DeviceListError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLayout {
    #[serde(default)]
    ssm: ManagerLayout,
    #[serde(default)]
    policy: PolicyLayout,
    #[serde(default)]
    device: Vec<DeviceLayout>,
    #[serde(default)]
    actor: Vec<ActorLayout>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceLayout {
    id: String,
    public_key: String,
    psk: Option<String>,
    reserve_per_hour: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActorLayout {
    name: String,
    number: u32,
    psk: Option<String>,
    quota_minutes: Option<u32>,
    priority: Option<u8>,
}

impl DeviceList {
    /// Reads a list and the files of keys that it names.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, DeviceListError> {
        let told = path.display().to_string();
        let wrong = |problem: String| DeviceListError(format!("{told}: {problem}"));
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let file: FileLayout =
            toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().into()))?;
        let mut keys = Keys { path, told: &told, checked: false };
        let mut list = Self::default();
        let (mut identities, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        let mut identity = |name: &str| {
            let sound = !name.is_empty() && name.len() <= DEVICE_ID_MAX && !name.contains('\0');
            if !sound {
                return Err(wrong(format!("`{name}` has no 1 to {DEVICE_ID_MAX} octets")));
            }
            if identities.insert(String::from(name)) {
                Ok(())
            } else {
                Err(wrong(format!("`{name}` is listed twice; remove one")))
            }
        };
        for DeviceLayout { id, public_key, psk, reserve_per_hour } in file.device {
            identity(&id)?;
            let octets = decode(public_key.as_bytes());
            let octets = octets.filter(|key| (1..=PUBLIC_KEY_MAX).contains(&key.len()));
            let public_key = octets.map(|octets| octets.to_vec()).ok_or_else(|| {
                wrong(format!("device `{id}`: public_key is no key in hexadecimal digits"))
            })?;
            let psk = psk.map(|psk| keys.psk(&id, &psk)).transpose()?;
            let of = |problem| wrong(format!("device `{id}`: {problem}"));
            reserve_per_hour.map_or(Ok(()), sound_reserve).map_err(of)?;
            let reserve = reserve_per_hour.map(Reserve::per_hour);
            list.devices.push(ListedDevice { id, public_key, psk, reserve });
        }
        for ActorLayout { name, number, psk, quota_minutes, priority } in file.actor {
            identity(&name)?;
            if !numbers.insert(number) {
                return Err(wrong(format!("two actors have number {number}; give them their own")));
            }
            let psk = psk.map(|psk| keys.psk(&name, &psk)).transpose()?;
            let policy = actor_policy(quota_minutes, priority);
            list.actors.push(ListedActor { name, actor: ActorId(number), psk, policy });
        }
        list.manager = file.ssm.read(&list.actors).map_err(|said| wrong(format!("ssm: {said}")))?;
        list.policy = file.policy.read().map_err(|said| wrong(format!("policy: {said}")))?;
        Ok(list)
    }

    /// The devices as an SSM is told of them.
    #[must_use]
    pub fn device_configs(&self) -> Vec<DeviceConfig<'_>> {
        let devices = self.devices.iter();
        devices.map(|one| DeviceConfig { device: &one.id, public_key: &one.public_key }).collect()
    }

    /// The Actors as an SSM is told of them.
    #[must_use]
    pub fn actor_names(&self) -> Vec<ActorName<'_>> {
        self.actors.iter().map(|one| ActorName { name: &one.name, actor: one.actor }).collect()
    }

    /// The pre-shared keys by their identities.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &Psk)> {
        let devices = self.devices.iter().map(|one| (one.id.as_str(), one.psk.as_ref()));
        let actors = self.actors.iter().map(|one| (one.name.as_str(), one.psk.as_ref()));
        devices.chain(actors).filter_map(|(name, psk)| Some((name, psk?)))
    }
}

/// Finds the keys of a list.
struct Keys<'p> {
    path: &'p Path,
    told: &'p str,
    /// The list itself is known to be its owner's alone.
    checked: bool,
}

impl Keys<'_> {
    fn psk(&mut self, whose: &str, said: &str) -> Result<Psk, DeviceListError> {
        let wrong =
            |problem: String| DeviceListError(format!("{}: `{whose}`: {problem}", self.told));
        if let Some(name) = said.strip_prefix("file:") {
            let beside = self.path.parent().unwrap_or(Path::new("")).join(name);
            return Psk::read(&beside).map_err(|error| wrong(error.to_string()));
        }
        if !self.checked {
            let mode = File::open(self.path).and_then(|file| exposed(&file));
            if let Some(mode) = mode.map_err(|error| wrong(error.to_string()))? {
                return Err(wrong(format!(
                    "psk is written in a list that others than its owner may use (mode {mode:04o}): \
                     run `chmod 600 {}`, or move the key to a file and write psk = \"file:NAME\"",
                    self.told
                )));
            }
        }
        let key = decode(said.as_bytes()).and_then(|key| Psk::new(&key)).ok_or_else(|| {
            wrong(format!(
                "psk is no key: write {} to {} octets in hexadecimal digits, or \"file:NAME\"",
                Psk::LEAST,
                Psk::MOST
            ))
        })?;
        self.checked = true;
        Ok(key)
    }
}
