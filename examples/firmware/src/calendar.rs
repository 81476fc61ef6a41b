//! The calendar of a week: looked up, searched, booked and cancelled.

use core::hint::black_box;

use farpost::scos::calendar::{Pattern, Search, WeekPlan};

/// Asks `plan` for a place of each kind, and takes and frees it.
pub fn all(plan: &mut WeekPlan, pattern: &Pattern, search: &Search) {
    let _ = black_box(plan.exact(pattern));
    black_box(plan.nearest(pattern.shape(), search));
    plan.book(pattern);
    plan.cancel(pattern);
}
