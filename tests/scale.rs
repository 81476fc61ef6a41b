//! A message space over loopback sockets, in one process: the example, smaller.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

#[path = "../examples/scale/seat.rs"]
mod seat;
#[path = "../examples/scale/space.rs"]
mod space;

#[test]
fn a_message_space_over_sockets_agrees_and_survives_a_registrar() {
    space::run(&space::Options::new(60)).unwrap();
}
