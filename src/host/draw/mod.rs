//! Drawings for people, as SVG.
//!
//! Every drawing is a [`Fragment`]; a [`Page`] puts fragments one below the other
//! and makes one SVG file of them.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "geometry is floating point"
)]

#[cfg(feature = "sensing")]
mod axis;
mod page;
#[cfg(feature = "sensing")]
mod spectra;
#[cfg(feature = "sensing")]
mod waterfall;

pub use page::{Fragment, Page};
#[cfg(feature = "sensing")]
pub use spectra::{Scan, Trace, spectra};
#[cfg(feature = "sensing")]
pub use waterfall::waterfall;
