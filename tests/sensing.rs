//! Sensing from end to end, on virtual time: SCOS machines over AMS modules, a
//! registrar and a configuration server, over a network that may lose, repeat and
//! reorder.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

#[path = "sim/network.rs"]
#[allow(dead_code, reason = "it is made for others too")]
mod network;
#[path = "sensing/post.rs"]
mod post;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use farpost::scos::actor::Wish;
use farpost::scos::calendar::RefusalReason;
use farpost::scos::messages::{Outcome, Refusal, Rejection};
use farpost::scos::{Detector, Limit, RequestId, ScanId, ScanParameters, Series, When, Window};

use network::Weather;
use post::{DEVICES, Post, ssd_node};

const SCAN: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 5_000,
    transforms: 32,
    detector: Detector::Mean,
    window: Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

/// Monday, 2026-11-23T00:00Z, when the network is switched on.
const START: i64 = 29_923_200;

const ROUGH: Weather =
    Weather { loss: 50, duplication: 50, refusal: 20, jitter: Duration::from_millis(800) };

/// Three slots of two minutes, the first `minutes` after the start, ten minutes apart.
fn wish(device: &str, minutes: i64) -> Wish<'_> {
    let series = Series { start: START + minutes, minutes: 2, repeats: 2, offset: 10 };
    Wish { device, series, when: When::Exact, parameters: SCAN }
}

/// A post that has been on for three minutes, in which all got to know one another.
fn settled_post(seed: u64, weather: Weather) -> Post {
    let mut post = Post::new(seed, weather);
    post.run_minutes(3);
    assert_eq!(post.ssm().inventory(post.network.now()).count(), 2, "seed {seed}");
    assert!(post.ssd(0).is_associated() && post.ssd(1).is_associated());
    post
}

/// The outcomes of a request, in the order of its occurrences.
fn outcomes(post: &Post, request: RequestId) -> Vec<Outcome> {
    let reports = post.told().reports.iter();
    reports.filter(|(scan, _)| scan.request == request).map(|(_, outcome)| *outcome).collect()
}

/// Everything granted is reported, which is told once only, and nothing else is.
fn assert_all_reported(post: &Post) {
    let told = post.told();
    let owed: BTreeSet<(RequestId, u16)> = (told.granted.iter())
        .flat_map(|(request, owed)| (0..*owed).map(|occurrence| (*request, occurrence)))
        .collect();
    let name = |scan: &ScanId| (scan.request, scan.occurrence);
    let reported: BTreeSet<_> = told.reports.keys().map(name).collect();
    assert_eq!(reported, owed);
    assert_eq!((post.ssm().owed(), post.ssm().unacknowledged()), (0, 0));
    assert!(post.ssm().scheduler().is_consistent());
}

#[test]
fn scans_are_granted_or_refused_and_reported_once() {
    let mut post = settled_post(1, Weather::FAIR);
    let [granted, second, conflict, nowhere, unable, shifted] = post.at_actor(|actor| {
        actor.copy_inventory();
        let dear = ScanParameters { gain_db: 90, ..SCAN };
        [
            wish(DEVICES[0], 10),
            wish(DEVICES[1], 10),
            wish(DEVICES[0], 21),
            wish("mast-9", 10),
            Wish { parameters: dear, ..wish(DEVICES[0], 60) },
            Wish { when: When::Nearest { max_shift_minutes: None }, ..wish(DEVICES[0], 21) },
        ]
        .map(|wish| actor.request(&wish).unwrap())
    });
    post.run_minutes(2);
    let told = post.told();
    assert_eq!(told.granted, BTreeMap::from([(granted, 3), (second, 3), (shifted, 3)]));
    let reasons = [
        (conflict, Refusal::Calendar(RefusalReason::Conflict)),
        (nowhere, Refusal::UnknownDevice),
        (unable, Refusal::OutOfCapability(Limit::Gain)),
    ];
    assert_eq!(told.refused, BTreeMap::from(reasons));
    assert_eq!((told.devices.as_slice(), told.copies), (&DEVICES.map(String::from)[..], 1));
    assert_eq!(told.reports.len(), 0);

    post.run_minutes(60);
    for request in [granted, second, shifted] {
        assert_eq!(outcomes(&post, request), [Outcome::Complete; 3]);
    }
    assert_all_reported(&post);
    let stats = post.ssm().stats();
    assert_eq!((stats.reports, stats.reports_issued, stats.reports_repeated), (9, 0, 0));
}

#[test]
fn a_device_that_dies_and_comes_back_goes_on() {
    let mut post = settled_post(2, Weather::FAIR);
    let [dies, lives] =
        post.at_actor(|actor| [1, 0].map(|at| actor.request(&wish(DEVICES[at], 10)).unwrap()));
    post.run_minutes(12);
    assert_eq!(outcomes(&post, dies), [Outcome::Complete]);
    post.unplug(1);
    post.run_minutes(10);
    assert_eq!(post.ssm().inventory(post.network.now()).count(), 1);
    post.plug_in(1);
    post.run_minutes(30);
    let [first, missed, last] = outcomes(&post, dies)[..] else { panic!("not three reports") };
    assert_eq!((first, last), (Outcome::Complete, Outcome::Complete));
    let why = [Rejection::Offline, Rejection::Restart].map(Outcome::Rejected);
    assert!(why.contains(&missed), "{missed:?}");
    assert_eq!(outcomes(&post, lives), [Outcome::Complete; 3]);
    assert_all_reported(&post);
    assert_eq!(post.ssm().stats().restarts, 1);
    assert_eq!(post.ssd(1).stats().complete, 1);
}

#[test]
fn a_device_that_is_cut_off_works_on() {
    let mut post = settled_post(3, Weather::FAIR);
    let request = post.at_actor(|actor| actor.request(&wish(DEVICES[0], 10)).unwrap());
    post.run_minutes(4);
    post.network.cut_off([ssd_node(0)]);
    post.run_minutes(20);
    assert_eq!(post.ssd(0).stats().complete, 2, "the schedule is worked through all the same");
    assert!(!post.ssd(0).is_associated());
    post.network.cut_off([]);
    post.run_minutes(30);
    let offline = Outcome::Rejected(Rejection::Offline);
    let expected = [offline, offline, Outcome::Complete];
    assert_eq!(outcomes(&post, request), expected, "the SSM has answered in its place");
    assert_all_reported(&post);
    assert_eq!(post.station(ssd_node(0)).deaths, 1, "its module was given up, and is another now");
    assert_eq!(post.ssd(0).unacknowledged(), 0);
    assert_eq!(post.ssm().stats().reports_late, 2);
}

#[test]
fn rough_weather_changes_no_sum() {
    for seed in 1..=4 {
        let mut post = settled_post(seed, ROUGH);
        let requests: Vec<_> = post.at_actor(|actor| {
            actor.copy_inventory();
            (0..8)
                .map(|nth| {
                    let when = When::Nearest { max_shift_minutes: Some(20) };
                    let wish = wish(DEVICES[nth % 2], 10 + 4 * nth as i64);
                    actor.request(&Wish { when, ..wish }).unwrap()
                })
                .collect()
        });
        post.run_minutes(20);
        post.unplug(1);
        post.run_minutes(7);
        post.plug_in(1);
        post.run_minutes(120);
        assert_all_reported(&post);
        let told = post.told();
        let answered: BTreeSet<_> = told.granted.keys().chain(told.refused.keys()).collect();
        assert!(answered.into_iter().eq(&requests), "seed {seed}: each request is answered");
        let complete = told.reports.values().filter(|outcome| **outcome == Outcome::Complete);
        assert!(complete.count() >= 9, "seed {seed}: {:?}", told.reports);
        assert!(told.copies >= 1);
    }
}
