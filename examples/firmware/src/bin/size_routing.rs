//! The routing of messages by itself: what it weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;
#[path = "../routing.rs"]
mod routing;

use farpost::ams::ids::{Domain, SubjectNumber};
use farpost::ams::pdu::AssertionValues;
use farpost::ams::routing::RuleKind;

/// Whoever calls it knows what the compiler does not.
#[unsafe(no_mangle)]
extern "C" fn _start(
    field: &mut routing::Field,
    asserted: &(RuleKind, u16, AssertionValues),
    message: &(SubjectNumber, Option<Domain>),
) {
    routing::all(field, (asserted.0, asserted.1, &asserted.2), *message);
}
