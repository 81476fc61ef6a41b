//! IEEE 802.22.3 SCOS: spectrum characterisation and occupancy sensing.

pub mod actor;
mod association;
pub mod calendar;
pub mod carriage;
mod coding;
mod decoding;
mod encoding;
mod link;
pub mod messages;
pub mod metadata;
mod outbox;
pub mod policy_manager;
mod records;
mod retry;
mod scan;
mod series;
#[cfg(test)]
mod simulation;
pub mod ssd;
pub mod ssm;
pub mod stream;
#[cfg(test)]
mod testing;

pub use association::{
    Admission, AssociationEvent, AttemptLimit, Attempts, Authentication, DeviceConfig,
    DeviceSigner, RegisteredDevice, Suspicion,
};
pub use calendar::{ActorId, ActorPolicy, DeviceIndex, RequestId, When};
pub use link::LinkStats;
pub use metadata::{DeviceMetadata, Limit, Metadata, Section};
pub use outbox::{StoredReport, Summary};
pub use records::{RecordFault, Restored};
pub use retry::Backoff;
pub use scan::{Detector, Pointing, ReferenceLevel, ScanParameters, ScanSettings, Sweep, Window};
pub use series::{ScanId, Series};
