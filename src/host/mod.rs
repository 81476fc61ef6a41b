//! Ground software: sockets, clocks and files. Feature `std`.
#![allow(clippy::std_instead_of_core, clippy::alloc_instead_of_core)]

pub mod draw;
#[cfg(feature = "sensing")]
pub mod sensing;
