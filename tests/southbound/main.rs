//! The southbound interface: messages whose octets are known, and what any octets come to.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod model;
mod normal;
mod properties;
mod vectors;
