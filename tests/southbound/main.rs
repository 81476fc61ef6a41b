//! The southbound interface: messages whose octets are known, and what any octets come to.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod normal;
mod vectors;
