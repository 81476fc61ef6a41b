//! Ground software: sockets, clocks and files. Feature `std`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "the host has both, and says std"
)]

mod binding;
pub mod clock;
pub mod draw;
pub mod driver;
pub mod gateway;
mod inbox;
pub mod mib;
pub mod module;
pub mod net;
pub mod rams;
pub mod random;
pub mod sensing;
pub mod station;
pub mod store;
