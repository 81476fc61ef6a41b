//! Stories of ventures: what happens to a mesh or a tree, made from a seed, and what
//! must be so in the end. One that ends badly is shrunk, and told with the command that
//! plays it again.

use std::env;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use super::entity::Plan;
use super::network::Weather;
use super::shrink::shrink;
use super::venture::Venture;

/// Something that happens.
#[derive(Clone, Debug)]
enum Event {
    /// A subscription is made or ended.
    Change(u64),
    /// A module publishes on every subject.
    Publish(usize),
    /// Channels lose and repeat so many of a thousand RPDUs.
    Channels(u16, u16),
    /// A channel takes nothing.
    Away(usize),
    /// All channels take what they are given.
    Back,
    /// A gateway is restarted, with a farewell or without.
    Gateway(usize, bool),
    /// A module is restarted.
    Module(usize),
}

/// A venture, what happens to it, and after how long each time.
#[derive(Clone, Debug)]
struct Story {
    plan: Plan,
    /// How far it is from gateway to gateway.
    far: Duration,
    events: Vec<(Duration, Event)>,
}

impl Story {
    fn of(seed: u64) -> Self {
        let random = &mut fastrand::Rng::with_seed(seed);
        let plan = if random.bool() {
            Plan::mesh(seed, random.u16(2..=5))
        } else {
            Plan::tree(seed, random.u16(2..=12))
        };
        let far = Duration::from_millis([0, 0, 300, 5_000, 30_000][random.usize(0..5)]);
        let events = (0..random.usize(5..40)).map(|_| {
            let after = Duration::from_millis(random.u64(10..20_000));
            let event = match random.u8(0..20) {
                0..10 => Event::Change(random.u64(..)),
                10..14 => Event::Publish(random.usize(0..100)),
                14 => Event::Channels(random.u16(0..300), random.u16(0..200)),
                15..17 => Event::Away(random.usize(0..100)),
                17 => Event::Back,
                18 => Event::Gateway(random.usize(0..100), random.bool()),
                _ => Event::Module(random.usize(0..100)),
            };
            (after, event)
        });
        let events = events.collect();
        Self { plan, far, events }
    }

    /// The same with these of its events.
    fn keeping(&self, kept: &[usize]) -> Self {
        let events = kept.iter().map(|at| self.events[*at].clone()).collect();
        Self { events, ..self.clone() }
    }

    /// What was delivered over channels, or what is wrong in the end.
    fn play(&self, trace: bool) -> Result<usize, String> {
        let minute = Duration::from_secs(60);
        // From one end of a tree to the other.
        let way = self.far * u32::from(self.plan.continua);
        let mut venture = Venture::new(self.plan.clone(), Weather::FAIR);
        venture.network.trace = trace;
        venture.network.far = Some((super::entity::RAMS, self.far));
        venture.start();
        venture.network.run(minute);
        for (after, event) in &self.events {
            venture.network.run(*after);
            match *event {
                Event::Change(seed) => venture.change(seed),
                Event::Publish(nth) => venture.publish(nth),
                Event::Channels(loss, duplication) => venture.set_channels(loss, duplication),
                Event::Away(channel) => venture.set_away(channel, true),
                Event::Back => venture.all_back(),
                Event::Gateway(nth, politely) => venture.restart_gateway(nth, politely),
                Event::Module(nth) => venture.restart_module(nth),
            }
        }
        venture.check_returns()?;
        venture.set_channels(0, 0);
        venture.all_back();
        // Twice the grace of a gateway, a refresh, and the way.
        venture.network.run(7 * minute + way);
        venture.forget_letters();
        venture.publish_everybody();
        venture.network.run(minute + way);
        venture.check()?;
        let crossings = venture.crossings();
        venture.unsubscribe_everybody();
        venture.network.run(2 * minute + way);
        venture.check_clean()?;
        venture.network.broken().map_or(Ok(crossings), |broken| Err(broken.clone()))
    }
}

/// The story of `seed`, or the report of how it ends badly.
fn try_seed(seed: u64) -> Result<usize, String> {
    let story = Story::of(seed);
    story.play(false).map_err(|why| {
        let play = |kept: &[usize]| story.keeping(kept).play(false);
        let (kept, why) = shrink(story.events.len(), why, play);
        let story = story.keeping(&kept);
        let list: Vec<_> = kept.iter().map(ToString::to_string).collect();
        format!(
            "seed {seed}: {why}\n{:?}, {:?} apart\n{:#?}\nagain: FARPOST_SEED={seed} FARPOST_KEEP={} \
             FARPOST_TRACE=1 cargo test --test rams replay -- --nocapture\n",
            story.plan,
            story.far,
            story.events,
            list.join(","),
        )
    })
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// The stories of the first 6 seeds, or of as many as `FARPOST_RAMS_SEEDS` says, from
/// `FARPOST_FIRST_SEED` on.
#[test]
fn every_story_of_a_venture_ends_well() {
    let first = number("FARPOST_FIRST_SEED").unwrap_or(1);
    let end = first + number("FARPOST_RAMS_SEEDS").unwrap_or(6);
    let (next, failures) = (AtomicU64::new(first), Mutex::new(Vec::new()));
    let crossed = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, |number| number.get()) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || failures.lock().unwrap().len() >= 3 {
                        break;
                    }
                    match try_seed(seed) {
                        Ok(crossings) => *crossed.lock().unwrap() += crossings,
                        Err(report) => failures.lock().unwrap().push(report),
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} stories end badly\n{}", failures.len(), failures.join("\n"));
    let crossed = crossed.into_inner().unwrap();
    println!("{} stories, {crossed} messages over channels", end - first);
    assert!(crossed > 20, "hardly any messages: {crossed}");
}

/// The story of `FARPOST_SEED`, or of seed 1, with the events `FARPOST_KEEP` lists or
/// all. With `FARPOST_TRACE` every datagram is printed.
#[test]
fn replay() {
    let story = Story::of(number("FARPOST_SEED").unwrap_or(1));
    let kept: Vec<usize> = match env::var("FARPOST_KEEP") {
        Ok(list) => list.split(',').filter_map(|at| at.parse().ok()).collect(),
        Err(_) => (0..story.events.len()).collect(),
    };
    let story = story.keeping(&kept);
    let first = story.play(env::var_os("FARPOST_TRACE").is_some());
    assert_eq!(first, story.play(false), "the same twice");
    assert_eq!(first.map(drop), Ok(()));
}
