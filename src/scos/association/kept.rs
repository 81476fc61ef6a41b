//! What an SSM keeps of its devices. Associations are not: whether a device is
//! there is a matter of time, and it is asked.

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use super::registry::{Admission, DeviceConfig, RegisteredDevice, Registry};
use crate::scos::DeviceIndex;
use crate::scos::coding::coded;
use crate::scos::retry::Retry;
use crate::time::Instant;
use crate::transport::Address;

/// A device that has been there once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceRecord<'a> {
    device: &'a str,
    public_key: &'a [u8],
    boot: u32,
    version: u32,
    /// Where it was last, while it was there.
    address: Option<AddressRecord<'a>>,
}

/// An address: the number of its service, and its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AddressRecord<'a>(u8, &'a [u8]);

impl<'a> AddressRecord<'a> {
    pub(crate) fn of(address: &'a Address) -> Self {
        Self(address.service(), address.octets())
    }

    pub(crate) fn address(&self) -> Address {
        Address::new(self.0, self.1)
    }
}

impl RegisteredDevice {
    /// What is kept of it; `None` while it has never been there.
    pub(crate) fn record(&self) -> Option<DeviceRecord<'_>> {
        (self.sequence > 0).then(|| DeviceRecord {
            device: &self.device,
            public_key: &self.public_key,
            boot: self.boot,
            version: self.version,
            address: self.address_ref().or(self.hail.as_ref()).map(AddressRecord::of),
        })
    }

    /// Goes on where the record ends. The key is kept where it was shown, and stays
    /// as it is configured otherwise.
    fn resume(&mut self, record: &DeviceRecord<'_>) {
        self.boot = record.boot;
        self.sequence = self.sequence.max(1);
        self.version = record.version;
        self.hail = record.address.as_ref().map(AddressRecord::address);
    }
}

impl Registry<'_> {
    /// Takes up what was kept of a device. Returns whether there was room.
    pub(crate) fn restore(&mut self, record: &DeviceRecord<'_>) -> bool {
        let known = self.by_id(record.device).map(RegisteredDevice::index);
        let barred = known.is_none() && self.admission == Admission::Configured;
        let index = known.or_else(|| self.add(record.device, record.public_key));
        let Some(device) = index.and_then(|index| self.get_mut(index)) else { return false };
        device.barred |= barred;
        device.resume(record);
        true
    }

    /// The number of the device with this ID. One that is not known any more is taken
    /// up, and barred: what is owed for it is still to be reported.
    pub(crate) fn index_of(&mut self, id: &str) -> Option<DeviceIndex> {
        let known = self.by_id(id).map(RegisteredDevice::index);
        known.or_else(|| {
            let index = self.add(id, &[])?;
            self.get_mut(index)?.barred = true;
            Some(index)
        })
    }

    /// Goes by another list of devices. Returns how many of it there is no room for.
    pub(crate) fn configure(&mut self, devices: &[DeviceConfig<'_>]) -> usize {
        let configured = self.admission == Admission::Configured;
        for device in self.iter_mut() {
            let known = devices.iter().find(|other| other.device == device.device());
            let key = known.and_then(|known| Vec::from_slice(known.public_key).ok());
            let stays = match key {
                Some(key) => core::mem::replace(&mut device.public_key, key.clone()) == key,
                None => known.is_none() && !configured,
            };
            device.barred = known.is_none() && configured;
            if !stays {
                device.member = None;
                device.kept = false;
            }
        }
        let mut left = 0_usize;
        for device in devices {
            let known = self.by_id(device.device).is_some();
            if !known && self.add(device.device, device.public_key).is_none() {
                left = left.saturating_add(1);
            }
        }
        left
    }

    /// Starts to wait for the devices that were there, at most until `patience`.
    pub(crate) fn await_devices(&mut self, patience: Instant) {
        for device in self.iter_mut().filter(|device| device.hail.is_some()) {
            device.patience = patience;
            device.push = Retry::NOW;
        }
    }
}

impl RegisteredDevice {
    /// A device nothing is known of yet.
    pub(super) fn new(index: DeviceIndex, device: &str, public_key: &[u8]) -> Option<Self> {
        Some(Self {
            index,
            device: String::try_from(device).ok()?,
            public_key: Vec::from_slice(public_key).ok()?,
            barred: false,
            member: None,
            boot: 0,
            sequence: 0,
            renewed: false,
            version: 0,
            acknowledged: 0,
            push: Retry::NOW,
            hail: None,
            patience: Instant::ZERO,
            kept: true,
        })
    }
}

coded! {
    struct DeviceRecord<'a>: device, public_key, boot, version, address;
    struct AddressRecord<'a>: 0, 1;
}
