//! A thousand devices associate with one SSM over TLS with pre-shared keys, each on a
//! connection of its own and with a proof that it has its private key. The SSM is a
//! process of its own; what it costs there is printed.
//!
//! ```sh
//! cargo run --release --features tls-psk --example associations -- 1000
//! ```
#![allow(
    clippy::std_instead_of_core,
    clippy::alloc_instead_of_core,
    clippy::arithmetic_side_effects,
    reason = "a host has both, and an example may stop on its own bugs"
)]

use std::error::Error;

#[cfg(unix)]
#[path = "associations/parts.rs"]
mod parts;

#[cfg(unix)]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("--manager") => parts::manage(arguments.next().unwrap_or_default().parse()?),
        Some(devices) => parts::associate(devices.parse()?),
        None => parts::associate(1_000),
    }
}

#[cfg(not(unix))]
fn main() -> Result<(), Box<dyn Error>> {
    Err("TLS with pre-shared keys is for Unix".into())
}
