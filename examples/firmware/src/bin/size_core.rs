//! The codec, the routing of messages and the week calendar together: what they weigh,
//! and that they cannot panic.
#![no_std]
#![no_main]

#[path = "../calendar.rs"]
mod calendar;
#[path = "../codec.rs"]
mod codec;
#[path = "../no_panic.rs"]
mod no_panic;
#[path = "../routing.rs"]
mod routing;

use farpost::ams::ids::{Domain, SubjectNumber};
use farpost::ams::pdu::AssertionValues;
use farpost::ams::routing::RuleKind;
use farpost::scos::calendar::{Pattern, Search, WeekPlan};

/// Whoever calls it knows what the compiler does not.
pub struct Core {
    octets: &'static [u8],
    buffer: &'static mut [u8],
    field: routing::Field,
    asserted: (RuleKind, u16, AssertionValues),
    message: (SubjectNumber, Option<Domain>),
    plan: &'static mut WeekPlan,
    pattern: Pattern,
    search: Search,
}

#[unsafe(no_mangle)]
extern "C" fn _start(core: &mut Core) {
    codec::all(core.octets, core.buffer);
    let (kind, peer, asserted) = &core.asserted;
    routing::all(&mut core.field, (*kind, *peer, asserted), core.message);
    calendar::all(core.plan, &core.pattern, &core.search);
}
