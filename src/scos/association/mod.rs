//! Association: how an SSM knows which devices are there (SSM functional
//! specification, "SSM Association").
//!
//! | SSD | sends | until | then |
//! |---|---|---|---|
//! | apart | `New`, with back-off | `New` granted | associated, advertises |
//! | any that asks | the same, with a proof | challenged | as before |
//! | associated | `Refresh` at once | the connection is another | as below |
//! | associated | `Refresh`, a third of the TTL after the last grant at the latest | granted | `Refresh`: goes on; `New`: the SSM had lost it, advertises again |
//! | associated | nothing | the TTL is over, or "not associated" comes | apart |
//! | leaving | `Disassociate`, a few times | granted, or unanswered | left, until it joins again |
//!
//! | SSM | on | answers | does |
//! |---|---|---|---|
//! | not there | `New`, `Refresh` | `New` | there; needs its advertisement |
//! | there | `New` of the same run, `Refresh` | the same | re-arms the TTL |
//! | there | `New` of a later run | `New` | the device has started anew |
//! | any | `Disassociate` | `Disassociate` | not there |
//! | there | any message of the device | | re-arms the TTL |
//! | there | TTL over: exactly at 0 | | not there |
//!
//! TTLs age on monotonic time. What arrives out of order is told by the numbers of
//! run and request and changes nothing. The SSM takes a device for who it says it
//! is when its public key is the one on file, compared in constant time, and, where
//! the SSM is lent an [`Authentication`], when it proves that it has the private key;
//! `authentication.rs` has the table. Whoever is turned away gets the same answer.
//!
//! An association is of one address, and so of one connection where the link has
//! connections. A device whose connection is made anew refreshes at once.

mod authentication;
mod device;
mod kept;
mod registry;
mod signer;
#[cfg(test)]
mod tests;

pub use authentication::{AttemptLimit, Attempts, Authentication, Suspicion};
pub(crate) use authentication::{Gate, Verdict};
pub use device::AssociationEvent;
pub(crate) use device::{Answer, DeviceAssociation};
pub(crate) use kept::{AddressRecord, DeviceRecord};
pub use registry::{Admission, DeviceConfig, RegisteredDevice};
pub(crate) use registry::{Admitted, Registry, Rejected};
pub use signer::DeviceSigner;
