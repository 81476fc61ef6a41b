//! What the entities that speak Meta-AMS share: sending MPDUs, keeping
//! heartbeats, finding the configuration server, counting.

mod interrogation;
mod outlet;
mod pulse;
mod stats;

pub(super) use interrogation::Interrogation;
pub(super) use outlet::{Outlet, RETRY};
pub(super) use pulse::Pulse;
pub use stats::MetaStats;
pub(super) use stats::bump;
