//! The protocol stack of a remote sensing post.
#![no_std]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions))]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(test, feature = "std"))]
extern crate std;

pub mod ams;
#[cfg(feature = "std")]
pub mod host;
pub mod machine;
#[cfg(feature = "scos")]
pub mod scos;
pub mod storage;
pub mod time;
pub mod transport;
pub mod wire;
