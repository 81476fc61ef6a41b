//! Drawings for people, as SVG.
//!
//! Every drawing is a [`Fragment`]; a [`Page`] puts fragments one below the other
//! and makes one SVG file of them.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "geometry is floating point"
)]

mod axis;
mod hours;
mod page;
mod spectra;
mod waterfall;
mod week;

pub use hours::{Ending, Spell, hours};
pub use page::{Fragment, Page};
pub use spectra::{Scan, Trace, spectra};
pub use waterfall::waterfall;
pub use week::{Booking, week_svg, week_text, weeks};
