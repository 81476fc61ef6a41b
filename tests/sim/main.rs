//! Protocol machines in a network that loses, delays, duplicates and reorders,
//! on virtual time: what they come to in the end is right, and the same seed
//! brings the same run.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod cell;
mod convergence;
mod network;
