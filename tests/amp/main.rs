//! AMP octets: what ION wrote, what the draft says, and what is neither.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod any;
mod quirks;
mod rewrite;
mod rules;
mod vectors;
