//! The machines allocate nothing: what they have to keep is in storage that was
//! lent to them before. Every allocation is counted while they work.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

mod ams;
#[cfg(feature = "scos")]
mod scos;
#[cfg(feature = "southbound")]
mod southbound;
mod wire;

use allocation_counter::measure;

/// Storage for as long as the test runs.
fn lend<T>(storage: T) -> &'static mut T {
    Box::leak(Box::new(storage))
}

/// What `act` does takes no allocation.
fn assert_none(what: &str, act: impl FnOnce()) {
    let info = measure(act);
    assert_eq!(info.count_total, 0, "{what}: {info:?}");
}

#[test]
fn allocations_are_counted() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
}
