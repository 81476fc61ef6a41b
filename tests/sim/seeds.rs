//! Many stories, and what to do about one that ends badly.

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::scenario::{Outcome, Scenario};
use super::shrink::shrink;

/// What goes wrong in the story of a seed, with what is left of it.
struct Failure {
    seed: u64,
    why: String,
    kept: Vec<usize>,
    scenario: Scenario,
}

impl Failure {
    fn report(&self) -> String {
        let Self { seed, why, kept, scenario } = self;
        let story = scenario.keeping(kept);
        let mut text = format!("seed {seed}: {why}\n{:?}\n{:?}\n", story.layout, story.weather);
        for (at, action) in &story.events {
            text += &format!("  {at:>10.3?} {action:?}\n");
        }
        let list: Vec<_> = kept.iter().map(ToString::to_string).collect();
        text += &format!(
            "again: FARPOST_SEED={seed} FARPOST_KEEP={} FARPOST_TRACE=1 cargo test --test sim replay -- --nocapture\n",
            list.join(","),
        );
        text
    }
}

/// Plays the story of `seed`; if it ends badly, leaves out events as long as it
/// still does.
fn try_seed(seed: u64) -> Result<Outcome, Box<Failure>> {
    let scenario = Scenario::of(seed);
    scenario.play(false).map_err(|why| {
        let play = |kept: &[usize]| scenario.keeping(kept).play(false);
        let (kept, why) = shrink(scenario.events.len(), why, play);
        Box::new(Failure { seed, why, kept, scenario })
    })
}

/// After so many failures no more stories are played.
const ENOUGH: usize = 4;

/// Plays the stories of `seeds`, with every processor.
fn play_all(seeds: std::ops::Range<u64>) -> Vec<Outcome> {
    let next = AtomicU64::new(seeds.start);
    let outcomes = Mutex::new(Vec::new());
    let failures = Mutex::new(Vec::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || failures.lock().unwrap().len() >= ENOUGH {
                break;
            }
            match try_seed(seed) {
                Ok(outcome) => outcomes.lock().unwrap().push(outcome),
                Err(failure) => failures.lock().unwrap().push(failure.report()),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, |number| number.get()) {
            scope.spawn(work);
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} stories end badly\n{}", failures.len(), failures.join("\n"));
    outcomes.into_inner().unwrap()
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// The stories of the first 50 seeds, or of as many as `FARPOST_SEEDS` says, from
/// `FARPOST_FIRST_SEED` on.
#[test]
fn every_story_ends_well() {
    let first = number("FARPOST_FIRST_SEED").unwrap_or(1);
    let outcomes = play_all(first..first + number("FARPOST_SEEDS").unwrap_or(50));
    let deaths: u64 = outcomes.iter().map(|outcome| u64::from(outcome.deaths)).sum();
    let delivered: u64 = outcomes.iter().map(|outcome| u64::from(outcome.delivered)).sum();
    let posted: u64 = outcomes.iter().map(|outcome| outcome.posted).sum();
    let longest = outcomes.iter().map(|outcome| outcome.took).max();
    println!(
        "{} stories, {posted} datagrams, {delivered} messages delivered, {deaths} modules declared \
         dead that lived; all agreed after {longest:?} at most",
        outcomes.len()
    );
    assert!(deaths > 0, "nobody was declared dead by mistake");
    assert!(delivered > 1_000, "hardly any messages: {delivered}");
}

/// The story of `FARPOST_SEED`, or of seed 1, with the events `FARPOST_KEEP` lists
/// or all, twice: the second time is like the first. With `FARPOST_TRACE` every
/// datagram is printed.
#[test]
fn replay() {
    let scenario = Scenario::of(number("FARPOST_SEED").unwrap_or(1));
    let kept: Vec<usize> = match env::var("FARPOST_KEEP") {
        Ok(list) => list.split(',').filter_map(|at| at.parse().ok()).collect(),
        Err(_) => (0..scenario.events.len()).collect(),
    };
    let scenario = scenario.keeping(&kept);
    let first = scenario.play(env::var_os("FARPOST_TRACE").is_some());
    assert_eq!(first, scenario.play(false));
    assert_eq!(first.map(drop), Ok(()));
}
