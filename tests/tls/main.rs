//! SCOS over TLS with pre-shared keys, on real sockets: our server and client with
//! machines above them, the commands of OpenSSL and a board's TLS as peers nobody here
//! wrote, and everything a listener on a public port has to live with.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may stop on anything"
)]

mod bad_input;
mod board;
mod commands;
mod harness;
mod keys;
mod machines;
