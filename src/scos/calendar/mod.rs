//! The week calendar: who scans on which device in which minutes.

mod bits;
mod fit;
mod pattern;
mod policy;
mod week;

pub use fit::Search;
pub use pattern::{Pattern, PatternError, Shape};
pub use policy::{Policy, Reserve};
pub use week::WeekPlan;
