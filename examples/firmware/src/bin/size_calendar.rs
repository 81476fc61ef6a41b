//! The week calendar by itself: what it weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../calendar.rs"]
mod calendar;
#[path = "../no_panic.rs"]
mod no_panic;

use farpost::scos::calendar::{Pattern, Search, WeekPlan};

/// Whoever calls it knows what the compiler does not.
#[unsafe(no_mangle)]
extern "C" fn _start(plan: &mut WeekPlan, pattern: &Pattern, search: &Search) {
    calendar::all(plan, pattern, search);
}
