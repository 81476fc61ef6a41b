//! Instructions of the week calendar, counted by callgrind: exact and repeatable.
//!
//! `cargo install gungraun-runner --version 0.20.0`, then
//! `cargo bench --features std --bench calendar`. A count above the limit of its
//! function fails the run; the limits are the constants below and nowhere else.
#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::std_instead_of_core,
    unused_qualifications,
    unreachable_pub,
    reason = "a benchmark, and what its macros make"
)]

use std::hint::black_box;

use farpost::scos::calendar::{Pattern, Reserve, Search, Shape, WeekPlan};
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};

const EXACT: u64 = 80;
const EXACT_SEVEN: u64 = 400;
const NEAREST: u64 = 3_000;
const NEAREST_REPEATED: u64 = 18_000;
const BOOK_AND_CANCEL: u64 = 600;

fn limit(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

fn shape(minutes: u16, repeats: u16, offset: u16) -> Shape {
    Shape::new(minutes, repeats, offset).unwrap()
}

fn pattern(start: u16, shape: Shape) -> Pattern {
    Pattern::new(start, shape).unwrap()
}

/// A plan that outlives the measurement, so that dropping it is not counted.
fn leaked(plan: WeekPlan) -> &'static mut WeekPlan {
    Box::leak(Box::new(plan))
}

/// A week with `percent` of its slots taken by scans of 1 to 10 minutes.
fn filled(percent: u32) -> &'static mut WeekPlan {
    let mut plan = WeekPlan::new();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    while u32::from(10_080 - plan.free_minutes()) * 100 < percent * 10_080 {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [.., a, b, c] = state.to_be_bytes();
        let minutes = u16::from(a % 10) + 1;
        let [.., d, e, _, _, _] = state.to_be_bytes();
        let start = u16::from_be_bytes([d ^ b, e ^ c]) % (10_081 - minutes);
        plan.book(&pattern(start, shape(minutes, 0, 0)));
    }
    leaked(plan)
}

/// The worst a search for `minutes` can meet: every gap one minute too short,
/// and one that fits at the very end.
fn fragmented(minutes: u16) -> &'static mut WeekPlan {
    let mut plan = WeekPlan::new();
    let mut taken = minutes - 1;
    while taken + minutes < 10_080 {
        plan.book(&pattern(taken, shape(1, 0, 0)));
        taken += minutes;
    }
    if plan.nearest(shape(minutes, 0, 0), &search(0, Reserve::NONE)).is_none() {
        plan.cancel(&pattern(10_080 - minutes, shape(minutes, 0, 0)));
    }
    leaked(plan)
}

/// Nothing fits anywhere: every gap one minute too short.
fn hopeless(minutes: u16) -> &'static mut WeekPlan {
    let plan = fragmented(minutes);
    plan.book(&pattern(10_079, shape(1, 0, 0)));
    plan.book(&pattern(10_080 - minutes, shape(1, 0, 0)));
    plan
}

fn search(wanted: u16, reserve: Reserve) -> Search {
    Search { wanted, earliest: 0, max_shift: None, reserve }
}

type Plan = &'static mut WeekPlan;

#[library_benchmark(config = limit(EXACT))]
#[bench::five((filled(0), pattern(5_000, shape(5, 0, 0))))]
#[bench::five_across_words((filled(0), pattern(5_054, shape(5, 0, 0))))]
#[bench::sixty((filled(0), pattern(5_000, shape(60, 0, 0))))]
#[bench::sixty_taken((filled(50), pattern(5_000, shape(60, 0, 0))))]
fn exact((plan, pattern): (Plan, Pattern)) -> Result<(), u16> {
    black_box(&*plan).exact(black_box(&pattern))
}

#[library_benchmark(config = limit(EXACT_SEVEN))]
#[bench::free((filled(0), pattern(600, shape(5, 6, 1_440))))]
#[bench::free_sixty((filled(0), pattern(600, shape(60, 6, 1_440))))]
#[bench::early_conflict((filled(90), pattern(600, shape(5, 6, 1_440))))]
fn exact_seven((plan, pattern): (Plan, Pattern)) -> Result<(), u16> {
    black_box(&*plan).exact(black_box(&pattern))
}

#[library_benchmark(config = limit(NEAREST))]
#[bench::fill_0_for_1((filled(0), 1, 5_000))]
#[bench::fill_0_for_5((filled(0), 5, 5_000))]
#[bench::fill_0_for_60((filled(0), 60, 5_000))]
#[bench::fill_0_for_1440((filled(0), 1_440, 5_000))]
#[bench::fill_50_for_1((filled(50), 1, 5_000))]
#[bench::fill_50_for_5((filled(50), 5, 5_000))]
#[bench::fill_50_for_60((filled(50), 60, 5_000))]
#[bench::fill_50_for_1440((filled(50), 1_440, 5_000))]
#[bench::fill_90_for_1((filled(90), 1, 5_000))]
#[bench::fill_90_for_5((filled(90), 5, 5_000))]
#[bench::fill_90_for_60((filled(90), 60, 5_000))]
#[bench::fill_90_for_1440((filled(90), 1_440, 5_000))]
#[bench::fill_99_for_1((filled(99), 1, 5_000))]
#[bench::fill_99_for_5((filled(99), 5, 5_000))]
#[bench::fill_99_for_60((filled(99), 60, 5_000))]
#[bench::fill_99_for_1440((filled(99), 1_440, 5_000))]
#[bench::fragmented_for_1((fragmented(1), 1, 0))]
#[bench::fragmented_for_5((fragmented(5), 5, 0))]
#[bench::fragmented_for_60((fragmented(60), 60, 0))]
#[bench::fragmented_for_64((fragmented(64), 64, 0))]
#[bench::fragmented_for_1440((fragmented(1_440), 1_440, 0))]
#[bench::hopeless_for_1((hopeless(1), 1, 5_000))]
#[bench::hopeless_for_5((hopeless(5), 5, 5_000))]
#[bench::hopeless_for_33((hopeless(33), 33, 5_000))]
#[bench::hopeless_for_60((hopeless(60), 60, 5_000))]
#[bench::hopeless_for_64((hopeless(64), 64, 5_000))]
#[bench::hopeless_for_65((hopeless(65), 65, 5_000))]
#[bench::hopeless_for_66((hopeless(66), 66, 5_000))]
#[bench::hopeless_for_200((hopeless(200), 200, 5_000))]
#[bench::hopeless_for_1440((hopeless(1_440), 1_440, 5_000))]
#[bench::hopeless_for_5040((hopeless(5_040), 5_040, 2_520))]
fn nearest((plan, minutes, wanted): (Plan, u16, u16)) -> Option<u16> {
    black_box(&*plan).nearest(shape(black_box(minutes), 0, 0), &search(wanted, Reserve::NONE))
}

#[library_benchmark(config = limit(NEAREST_REPEATED))]
#[bench::fill_0((filled(0), shape(5, 6, 1_440), 0))]
#[bench::fill_50((filled(50), shape(5, 6, 1_440), 0))]
#[bench::fill_90((filled(90), shape(5, 6, 1_440), 0))]
#[bench::fill_99((filled(99), shape(5, 6, 1_440), 0))]
#[bench::hourly((filled(50), shape(5, 167, 60), 0))]
#[bench::twice_sixty((hopeless(60), shape(60, 1, 60), 0))]
#[bench::a_thousand((filled(50), shape(1, 1_000, 10), 0))]
#[bench::ten_thousand((filled(50), shape(1, 10_000, 1), 0))]
#[bench::twice_a_day((filled(50), shape(1_440, 1, 1_440), 0))]
#[bench::thrice_two_thousand((hopeless(2_049), shape(2_049, 2, 2_049), 0))]
#[bench::sixty_three_of_127((hopeless(127), shape(127, 62, 127), 0))]
#[bench::beside_the_reserve((hopeless(50), shape(50, 0, 0), 10))]
#[bench::day_beside_the_reserve((filled(0), shape(1_440, 0, 0), 10))]
fn nearest_repeated((plan, shape, reserve): (Plan, Shape, u8)) -> Option<u16> {
    black_box(&*plan).nearest(black_box(shape), &search(600, Reserve::per_hour(reserve)))
}

#[library_benchmark(config = limit(BOOK_AND_CANCEL))]
#[bench::one((filled(50), pattern(5_000, shape(1, 0, 0))))]
#[bench::five((filled(0), pattern(5_000, shape(5, 0, 0))))]
#[bench::sixty((filled(0), pattern(5_000, shape(60, 0, 0))))]
#[bench::sixty_at_50((filled(50), pattern(5_000, shape(60, 0, 0))))]
#[bench::sixty_at_90((filled(90), pattern(5_000, shape(60, 0, 0))))]
fn book_and_cancel((plan, pattern): (Plan, Pattern)) {
    let plan = black_box(plan);
    plan.book(black_box(&pattern));
    black_box(&mut *plan).cancel(black_box(&pattern));
}

library_benchmark_group!(
    name = calendar,
    benchmarks = [exact, exact_seven, nearest, nearest_repeated, book_and_cancel]
);

main!(library_benchmark_groups = calendar);
