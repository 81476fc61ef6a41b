//! Pictures of what machines hold, for people.
#![allow(
    clippy::arithmetic_side_effects,
    reason = "coordinates of a picture are far inside their type"
)]

mod week;

pub use week::{Booking, week_svg, week_text};
