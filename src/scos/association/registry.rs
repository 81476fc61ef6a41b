//! The side of the SSM: which devices there are.

use core::time::Duration;

use heapless::{String, Vec};
use subtle::ConstantTimeEq;

use crate::scos::DeviceIndex;
use crate::scos::messages::{
    Associate, Association, AssociationRefusal, DEVICE_ID_MAX, PUBLIC_KEY_MAX,
};
use crate::scos::retry::Retry;
use crate::storage::{Row, Slot, Table};
use crate::time::Instant;
use crate::transport::Address;

/// A device the SSM is told of before it starts.
#[derive(Clone, Copy, Debug)]
pub struct DeviceConfig<'c> {
    /// The device ID, 1 to 32 octets.
    pub device: &'c str,
    /// Its public key, at most 64 octets.
    pub public_key: &'c [u8],
}

/// Which devices are admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Admission {
    /// Those the SSM is told of before it starts.
    #[default]
    Configured,
    /// Any; the key a device shows first is its key from then on.
    Open,
}

/// Room for one device. An SSM never forgets a device, so that its number stays
/// the same; only whether it is there changes.
#[derive(Debug)]
pub struct RegisteredDevice {
    pub(super) index: DeviceIndex,
    pub(super) device: String<DEVICE_ID_MAX>,
    pub(super) public_key: Vec<u8, PUBLIC_KEY_MAX>,
    /// It is known for what is owed for it, and not admitted.
    pub(super) barred: bool,
    pub(super) member: Option<Member>,
    /// The last request of the device, to tell what is stale.
    pub(super) boot: u32,
    pub(super) sequence: u32,
    /// A refresh was granted as new, and what it has said since does not show that it
    /// knows: not all is there that scans are judged by.
    pub(crate) renewed: bool,
    /// The version of the schedule, the one the device has, and when to say so.
    pub(crate) version: u32,
    pub(crate) acknowledged: u32,
    pub(crate) push: Retry,
    /// Where it was before the SSM started anew, while it has not been heard since.
    pub(crate) hail: Option<Address>,
    /// Until then its reports may still be on their way, however late they are.
    pub(crate) patience: Instant,
    /// Whether the store has it as it is.
    pub(crate) kept: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    address: Address,
    expires: Instant,
}

impl Row for RegisteredDevice {
    type Key = DeviceIndex;

    fn key(&self) -> DeviceIndex {
        self.index
    }
}

impl RegisteredDevice {
    pub(crate) const fn index(&self) -> DeviceIndex {
        self.index
    }

    pub(crate) fn device(&self) -> &str {
        &self.device
    }

    /// Where it is, while it is there.
    pub(crate) fn address(&self) -> Option<Address> {
        self.member.map(|member| member.address)
    }

    pub(super) fn address_ref(&self) -> Option<&Address> {
        self.member.as_ref().map(|member| &member.address)
    }

    pub(crate) const fn is_there(&self) -> bool {
        self.member.is_some()
    }

    /// How long the SSM still waits to hear from it.
    pub(crate) fn remaining(&self, now: Instant) -> Duration {
        self.member.map(|member| member.expires.since(now)).unwrap_or_default()
    }

    /// The number of the run of the device that was heard last.
    pub(crate) const fn boot(&self) -> u32 {
        self.boot
    }
}

/// An association that is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub(crate) index: DeviceIndex,
    pub(crate) state: Association,
    pub(crate) remaining: Duration,
    /// The device was there, or was once, in an earlier run.
    pub(crate) restarted: bool,
    /// It was not there before.
    pub(crate) arrived: bool,
    /// It was there before and is not now.
    pub(crate) departed: bool,
    /// It was granted before, and its device knows or will: nothing is new.
    pub(crate) repeated: bool,
}

/// An association that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejected {
    /// It is answered with the reason; `unknown` tells the two reasons for
    /// [`AssociationRefusal::NotAuthorised`] apart, which the peer is not told.
    Refused { reason: AssociationRefusal, unknown: bool },
    /// It is older than what the device said last, and is not answered.
    Stale,
}

/// The devices of an SSM.
#[derive(Debug)]
pub(crate) struct Registry<'s> {
    devices: Table<'s, RegisteredDevice>,
    pub(super) admission: Admission,
    max_ttl: Duration,
}

impl<'s> Registry<'s> {
    /// The configured devices, none of them there; those that do not fit, or have an
    /// ID or key that is too long, are left out.
    pub(crate) fn new(
        slots: &'s mut [Slot<RegisteredDevice>],
        configured: &[DeviceConfig<'_>],
        admission: Admission,
        max_ttl: Duration,
    ) -> Self {
        let mut registry = Self { devices: Table::new(slots), admission, max_ttl };
        for device in configured {
            if registry.by_id(device.device).is_none() {
                registry.add(device.device, device.public_key);
            }
        }
        registry
    }

    /// Decides on an association request.
    pub(crate) fn associate(
        &mut self,
        now: Instant,
        from: &Address,
        request: &Associate<'_>,
    ) -> Result<Admitted, Rejected> {
        let index = self.identify(request)?;
        let max_ttl = self.max_ttl;
        let Some(device) = self.devices.get_mut(index) else { return Err(Rejected::Stale) };
        let was_there = device.is_there();
        let seen = (device.boot, device.sequence);
        let repeated = was_there && (request.boot, request.sequence) == seen;
        if was_there && (request.boot, request.sequence) < seen
            || request.boot == device.boot && request.sequence < device.sequence
        {
            return Err(Rejected::Stale);
        }
        let restarted = request.boot != device.boot && device.sequence > 0;
        let refresh = request.request == Association::Refresh;
        let known = was_there && !restarted && !(refresh && device.renewed);
        let remaining = device.remaining(now);
        if restarted || !known || device.address() != Some(*from) {
            device.kept = false;
        }
        (device.boot, device.sequence) = (request.boot, request.sequence);
        if request.request == Association::Disassociate {
            device.member = None;
            device.kept = false;
            return Ok(Admitted {
                index,
                state: Association::Disassociate,
                remaining: Duration::ZERO,
                restarted,
                arrived: false,
                departed: was_there,
                repeated: false,
            });
        }
        device.member = Some(Member { address: *from, expires: now.after(max_ttl) });
        let state = if known { request.request } else { Association::New };
        device.renewed = refresh && state == Association::New;
        self.displace(index, from);
        Ok(Admitted {
            index,
            state,
            remaining: if state == Association::New { max_ttl } else { remaining },
            restarted,
            arrived: !was_there,
            departed: false,
            repeated,
        })
    }

    /// Something came from this address: the device there, which is re-armed.
    pub(crate) fn heard(&mut self, now: Instant, from: &Address) -> Option<DeviceIndex> {
        let expires = now.after(self.max_ttl);
        let device = self.devices.iter_mut().find(|device| device.address() == Some(*from))?;
        device.member = Some(Member { address: *from, expires });
        Some(device.index)
    }

    /// Takes one device whose TTL is over out of the inventory.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<DeviceIndex> {
        let over = |member: Member| member.expires <= now;
        let device = self.devices.iter_mut().find(|device| device.member.is_some_and(over))?;
        device.member = None;
        device.kept = false;
        Some(device.index)
    }

    pub(crate) fn get_mut(&mut self, index: DeviceIndex) -> Option<&mut RegisteredDevice> {
        self.devices.get_mut(index)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut RegisteredDevice> {
        self.devices.iter_mut()
    }

    pub(crate) fn get(&self, index: DeviceIndex) -> Option<&RegisteredDevice> {
        self.devices.get(index)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&RegisteredDevice> {
        self.devices.iter().find(|device| device.device() == id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &RegisteredDevice> {
        self.devices.iter()
    }

    /// The devices from this one on.
    pub(crate) fn iter_from(&self, from: DeviceIndex) -> impl Iterator<Item = &RegisteredDevice> {
        self.devices.iter_from(from)
    }

    /// The key on file of a device, and one of another to compare with where there is
    /// none. All devices are looked at, whichever it is.
    pub(crate) fn key_of(&self, id: &str) -> (Option<&[u8]>, Option<&[u8]>) {
        let (mut known, mut decoy) = (None, None);
        for device in self.devices.iter() {
            if device.device() == id {
                known = Some(device.public_key.as_slice());
            }
            decoy = decoy.or(Some(device.public_key.as_slice()));
        }
        (known, decoy)
    }

    /// Where a device is, while it is there.
    pub(crate) fn address_of(&self, id: &str) -> Option<Address> {
        self.by_id(id)?.address()
    }

    pub(crate) const fn admission(&self) -> Admission {
        self.admission
    }

    /// When the next TTL is over.
    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.devices.iter().filter_map(|device| Some(device.member?.expires)).min()
    }

    /// The device a request is of, which it has shown the key for.
    fn identify(&mut self, request: &Associate<'_>) -> Result<DeviceIndex, Rejected> {
        let known = self.by_id(request.device);
        // An unknown device is compared too, with nothing.
        let stored = known.map(|device| device.public_key.as_slice()).unwrap_or_default();
        let barred = known.is_some_and(|device| device.barred);
        let same = bool::from(stored.ct_eq(request.public_key)) && !barred;
        let reason = AssociationRefusal::NotAuthorised;
        match known {
            Some(device) if same => Ok(device.index),
            Some(_) => Err(Rejected::Refused { reason, unknown: false }),
            None if self.admission == Admission::Configured => {
                Err(Rejected::Refused { reason, unknown: true })
            }
            None => self.add(request.device, request.public_key).ok_or(Rejected::Refused {
                reason: AssociationRefusal::InventoryFull,
                unknown: true,
            }),
        }
    }

    pub(super) fn add(&mut self, device: &str, public_key: &[u8]) -> Option<DeviceIndex> {
        let index = DeviceIndex(u16::try_from(self.devices.len()).ok()?);
        self.devices.insert(RegisteredDevice::new(index, device, public_key)?).ok()?;
        Some(index)
    }

    /// An address is of one device: one that had it before is not there any more.
    fn displace(&mut self, index: DeviceIndex, address: &Address) {
        for device in self.devices.iter_mut() {
            if device.index != index && device.address() == Some(*address) {
                device.member = None;
                device.kept = false;
            }
        }
    }
}
