//! IEEE 802.22.3 SCOS: spectrum characterisation and occupancy sensing.

pub mod calendar;
pub mod carriage;
mod scan;

pub use scan::{Detector, ScanParameters, Window};
