//! The file that tells an SSM its devices and its policy.

use std::path::Path;
use std::time::Duration;

use data_encoding::HEXLOWER_PERMISSIVE;
use farpost::scos::calendar::Policy;
use farpost::scos::{Admission, DeviceConfig};
use serde::Deserialize;

use crate::ams::Failure;

/// What the file says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Devices {
    /// Any device is admitted, with the key that it shows first.
    #[serde(default)]
    open: bool,
    #[serde(default = "ttl")]
    max_ttl: u32,
    #[serde(default = "guard")]
    guard: u32,
    #[serde(default = "grace")]
    grace: u32,
    #[serde(default)]
    policy: PolicyTable,
    #[serde(default)]
    device: Vec<Device>,
}

/// The rules of the calendars.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyTable {
    quota_minutes: Option<u16>,
    short_minutes: Option<u16>,
    #[serde(default)]
    reserve_per_hour: u8,
    #[serde(default)]
    lead_minutes: u16,
}

/// A device.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Device {
    id: String,
    /// In hexadecimal; by default the octets of the ID.
    public_key: Option<String>,
    #[serde(skip)]
    key: Vec<u8>,
}

const fn ttl() -> u32 {
    300
}

const fn guard() -> u32 {
    30
}

const fn grace() -> u32 {
    120
}

impl Devices {
    /// Reads a file.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let wrong = |problem: String| Failure::new(format!("{}: {problem}", file.display()));
        let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
        Self::parse(&text).map_err(wrong)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut devices: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        if devices.max_ttl < 3 {
            return Err("max_ttl is at least 3 seconds".into());
        }
        let mut seen = Vec::new();
        for device in &mut devices.device {
            if device.id.is_empty() || device.id.len() > 32 {
                return Err(format!("{:?}: a device ID has 1 to 32 octets", device.id));
            }
            if seen.contains(&device.id) {
                return Err(format!("{:?} is there twice", device.id));
            }
            seen.push(device.id.clone());
            device.key = match &device.public_key {
                None => device.id.clone().into_bytes(),
                Some(text) => HEXLOWER_PERMISSIVE
                    .decode(text.as_bytes())
                    .map_err(|error| format!("the public key of {:?}: {error}", device.id))?,
            };
            if device.key.len() > 64 {
                return Err(format!("the public key of {:?} has more than 64 octets", device.id));
            }
        }
        Ok(devices)
    }

    pub(super) const fn admission(&self) -> Admission {
        if self.open { Admission::Open } else { Admission::Configured }
    }

    pub(super) fn max_ttl(&self) -> Duration {
        Duration::from_secs(self.max_ttl.into())
    }

    pub(super) fn guard(&self) -> Duration {
        Duration::from_secs(self.guard.into())
    }

    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace.into())
    }

    pub(super) fn policy(&self) -> Policy {
        let PolicyTable { quota_minutes, short_minutes, reserve_per_hour, lead_minutes } =
            self.policy;
        Policy {
            quota_minutes,
            short_minutes: short_minutes.unwrap_or(Policy::OPEN.short_minutes),
            reserve_per_hour,
            lead_minutes,
            ..Policy::OPEN
        }
    }

    pub(super) fn list(&self) -> Vec<DeviceConfig<'_>> {
        let devices = self.device.iter();
        devices.map(|device| DeviceConfig { device: &device.id, public_key: &device.key }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_devices_and_policy() {
        let devices = Devices::parse(
            "max_ttl = 60\n[policy]\nquota_minutes = 90\n[[device]]\nid = \"mast-1\"\n\
             [[device]]\nid = \"mast-2\"\npublic_key = \"00Ff\"\n",
        )
        .unwrap();
        assert_eq!(devices.max_ttl(), Duration::from_secs(60));
        assert_eq!(devices.policy(), Policy { quota_minutes: Some(90), ..Policy::OPEN });
        let keys: Vec<_> = devices.list().iter().map(|device| device.public_key.to_vec()).collect();
        assert_eq!(keys, [b"mast-1".to_vec(), vec![0, 255]]);
        assert_eq!(devices.admission(), Admission::Configured);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, problem) in [
            ("[[device]]\nid = \"\"", "1 to 32 octets"),
            ("[[device]]\nid = \"a\"\n[[device]]\nid = \"a\"", "twice"),
            ("[[device]]\nid = \"a\"\npublic_key = \"xy\"", "public key of \"a\""),
            ("max_ttl = 2", "at least 3"),
            ("colour = 1", "unknown field"),
        ] {
            let error = Devices::parse(text).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }
}
