//! Ground software: sockets, clocks and files. Feature `std`.
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    reason = "the host has both, and says std"
)]

#[cfg(feature = "management")]
pub mod ari;
mod binding;
#[cfg(feature = "bundle")]
pub mod bundle;
pub mod clock;
#[cfg(feature = "tls-psk")]
pub mod devices;
pub mod draw;
pub mod driver;
pub mod gateway;
#[cfg(feature = "grpc")]
pub mod grpc;
mod inbox;
#[cfg(all(feature = "southbound", target_os = "linux"))]
pub mod interfaces;
#[cfg(feature = "management")]
pub mod management;
pub mod mib;
pub mod module;
pub mod net;
mod owner;
pub mod rams;
pub mod random;
#[cfg(feature = "tls-psk")]
pub mod secret;
pub mod sensing;
pub mod station;
pub mod store;
#[cfg(all(feature = "tls-psk", unix))]
pub mod tls;
