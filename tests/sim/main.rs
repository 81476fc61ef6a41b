//! Whole continua on virtual time, in a network that loses, repeats and reorders:
//! what all know in the end is true, and the same seed brings the same run.
//!
//! | file | what is in it |
//! |---|---|
//! | `network.rs` | nodes, datagrams between them, deadlines; weather, partitions, crashes, clock steps |
//! | `continuum.rs` | configuration servers, registrars and modules of several ventures and cells as nodes |
//! | `entity.rs` | a node: a machine and its user; what must hold after every event |
//! | `truth.rs` | what is true, who is wrong about it, and the final examination |
//! | `scenario.rs` | stories made from a seed, and how they are played |
//! | `seeds.rs` | many stories; one that ends badly is shrunk and told |
//! | `convergence.rs` | one cell of twenty modules |
//! | `scale.rs` | twenty cells of up to a hundred modules |
//! | `repair.rs` | the loss of exactly one MPDU, of every type |
//!
//! # Stories
//! A story has up to six cells of two ventures under one or two configuration
//! servers. For eight minutes users subscribe, invite, cancel, publish, announce,
//! send, query and reply; up to 40 % of datagrams are lost; nodes of any kind crash
//! and come back without their memory, are cut off, and have their wall clocks set.
//! Then everything becomes well, and all must agree within ten minutes, go on
//! agreeing for three, and every message must reach whom it concerns and nobody else.
//!
//! After every event: no counter has gone back, no table contradicts another, no
//! deadline lies behind, nothing was delivered that no rule of its receiver asks for,
//! and no second copy of a message was sent to one module.
//!
//! # A seed that fails
//! ```sh
//! FARPOST_SEEDS=1000 cargo test --release --test sim every_story   # more than the usual 50
//! FARPOST_SEED=7 FARPOST_KEEP=3,14 FARPOST_TRACE=1 cargo test --test sim replay -- --nocapture
//! ```
//! A story that ends badly is played again with ever fewer events while it still
//! does, and what is left is printed with the second command, which prints every
//! datagram of it. `FARPOST_FIRST_SEED` says where to begin; with `FARPOST_SEEDS`
//! `repair.rs` tries every position too.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod continuum;
mod convergence;
mod entity;
mod network;
mod repair;
mod scale;
mod scenario;
mod seeds;
#[path = "../support/shrink.rs"]
mod shrink;
mod truth;
