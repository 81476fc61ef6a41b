//! IEEE 802.22.3 SCOS: spectrum characterisation and occupancy sensing.

mod ids;
pub mod messages;
mod metadata;
mod retry;
mod scan;
mod series;

pub use ids::{ActorId, RequestId};
pub use metadata::{Antenna, Capabilities, Environment, Host, Limit, Location, Receiver};
pub use retry::Backoff;
pub use scan::{Detector, ScanParameters, Window};
pub use series::{ScanId, Series};
