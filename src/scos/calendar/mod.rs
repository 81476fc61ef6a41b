//! The week calendar: who scans on which device in which minutes.
//!
//! A UTC week from Monday 00:00 has 10,080 slots of a minute, numbered from 0. A
//! leap second belongs to the minute it ends. A [`Pattern`] is what one request
//! takes of a week, a [`WeekPlan`] what is taken of one week on one device, and the
//! [`Scheduler`] keeps the recipes of an SSM on all of its devices.
//!
//! | what | source | file |
//! |---|---|---|
//! | slots of one minute, at most a week, in UTC weeks | SSM Task Scheduling | `pattern`, `week` |
//! | Exact Time, Nearest Time | SSM Task Scheduling | `week`, `search` |
//! | the same with the feature `std`: quick | | `quick`, `fit`, `bits` |
//! | the same without: small, for boards | | `small` |
//! | the most minutes of an Actor; slots for very short scans | SSM Task Scheduling | `policy` |
//! | scan request, accepted or refused | SSM Task Scheduling | `request`, `grant` |
//! | the schedule as a set of scan recipes | SSM Task Scheduling | `scheduler`, `recipes` |

#[cfg(any(test, feature = "std"))]
mod bits;
#[cfg(any(test, feature = "std"))]
mod fit;
mod grant;
mod pattern;
mod policy;
#[cfg(any(test, feature = "std"))]
mod quick;
mod recipes;
mod request;
mod scheduler;
mod search;
#[cfg(any(test, not(feature = "std")))]
mod small;
#[cfg(test)]
mod tests;
mod week;

pub use grant::Grant;
pub use pattern::{Pattern, PatternError, Shape};
pub use policy::{ActorPolicy, Policy, QuotaScope, Reserve};
pub use recipes::{Recipe, RecipeRow};
pub use request::{
    ActorId, CancelError, DeviceIndex, Refusal, RefusalReason, RequestId, ScanRequest, When,
};
pub use scheduler::{DevicePlan, Scheduler};
pub use search::{Candidates, Placement, Terms};
pub use week::{Search, WeekPlan};
