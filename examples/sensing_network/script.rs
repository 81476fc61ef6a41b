//! Who there is, and what the Actors wish.

use std::ops::Range;
use std::time::Duration;

use farpost::host::sensing::{Place, Post};
use farpost::scos::actor::Wish;
use farpost::scos::{Detector, ScanParameters, Series, When, Window};
use farpost::time::Utc;

/// When the clock starts: Monday, 23 November 2026, 10:00 UTC.
pub(crate) const START: Utc = Utc::from_unix_seconds(1_795_428_000);

/// How long after the start the Actors ask, and which minute their wishes count from.
pub(crate) const ASK_AFTER: Duration = Duration::from_secs(150);

/// The SSDs: their names and where they stand.
pub(crate) const DEVICES: [(&str, Post); 3] = [
    ("ridge", post(1, 2_500.0, 6_000.0, 3.0)),
    ("harbour", post(2, -1_500.0, -900.0, 6.0)),
    ("depot", post(3, 4_000.0, -2_000.0, 8.0)),
];

const fn post(number: u64, east: f64, north: f64, noise_figure_db: f64) -> Post {
    Post { number, place: Place { east, north }, noise_figure_db }
}

/// The SSD that is unplugged, and when, in time since the start.
pub(crate) const UNPLUGGED: (usize, Duration, Duration) =
    (2, Duration::from_secs(14 * 60), Duration::from_secs(24 * 60));

/// How long what is sent from one continuum to the other is under way.
pub(crate) const DELAY: Duration = Duration::from_secs(2);

/// When nothing can be sent from one continuum to the other, in time since the start.
pub(crate) const OUTAGE: Range<Duration> =
    Duration::from_secs(16 * 60)..Duration::from_secs(20 * 60);

/// When an Actor asks once more: while the link is away.
pub(crate) const ASK_LATE_AFTER: Duration = Duration::from_secs(17 * 60);

/// The Actors by number.
pub(crate) const ACTORS: [&str; 2] = ["survey", "hunter"];

/// After this long without all reports the run has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(50 * 60);

/// A wish, and what is expected of it.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) device: &'static str,
    /// Minutes after [`START`].
    start: i64,
    minutes: u16,
    repeats: u16,
    offset: u16,
    when: When,
    pub(crate) parameters: ScanParameters,
    /// What the wish is about, for people.
    pub(crate) about: &'static str,
    /// Whether it is expected to be granted.
    pub(crate) granted: bool,
    /// Whether its samples are more than fit its slot.
    pub(crate) too_long: bool,
}

impl Plan {
    /// The wish, as the Actor puts it.
    pub(crate) fn wish(&self) -> Wish<'_> {
        Wish {
            device: self.device,
            series: Series {
                start: START.unix_minute() + self.start,
                minutes: self.minutes,
                repeats: self.repeats,
                offset: self.offset,
            },
            when: self.when,
            parameters: self.parameters,
        }
    }

    /// The same in the band of a recording: its centre and its width in hertz.
    fn within(mut self, (center_hz, width_hz): (u64, u32)) -> Self {
        let scan = &mut self.parameters;
        if self.about != BEYOND {
            scan.center_hz = center_hz;
        }
        scan.bandwidth_hz = scan.bandwidth_hz.min(width_hz);
        scan.resolution_hz = scan.resolution_hz.min(scan.bandwidth_hz / 500).max(10);
        self
    }
}

const BEYOND: &str = "5.8 GHz, which no device can tune to";

const BROADCAST: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 20_000_000,
    resolution_hz: 20_000,
    transforms: 64,
    detector: Detector::Mean,
    window: Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

const ISM: ScanParameters = ScanParameters {
    center_hz: 433_920_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 4_000,
    transforms: 64,
    detector: Detector::Max,
    window: Window::Hann,
    gain_db: 40,
    settings: None,
};

const VOICE: ScanParameters = ScanParameters {
    center_hz: 160_000_000,
    bandwidth_hz: 8_000_000,
    resolution_hz: 10_000,
    transforms: 32,
    detector: Detector::Mean,
    window: Window::BlackmanHarris,
    gain_db: 30,
    settings: None,
};

/// 100 s of samples for a slot of a minute.
const TOO_LONG: ScanParameters = ScanParameters {
    center_hz: 434_000_000,
    bandwidth_hz: 100_000,
    resolution_hz: 20,
    transforms: 1_221,
    detector: Detector::Mean,
    window: Window::Hann,
    gain_db: 40,
    settings: None,
};

const OUT_OF_REACH: ScanParameters = ScanParameters { center_hz: 5_800_000_000, ..BROADCAST };

const fn plan(device: &'static str, start: i64, minutes: u16, about: &'static str) -> Plan {
    Plan {
        device,
        start,
        minutes,
        repeats: 0,
        offset: 0,
        when: When::Exact,
        parameters: BROADCAST,
        about,
        granted: true,
        too_long: false,
    }
}

/// What an Actor wishes, in order.
pub(crate) fn wishes(actor: usize, recorded: Option<(u64, u32)>) -> Vec<Plan> {
    within(recorded, all_wishes(actor))
}

/// What the first Actor wishes while the link is away.
pub(crate) fn late_wishes(recorded: Option<(u64, u32)>) -> Vec<Plan> {
    let nearest = When::Nearest { max_shift_minutes: None };
    let wish = plan("ridge", 28, 2, "the FM band once more");
    within(recorded, vec![Plan { when: nearest, ..wish }])
}

/// The plans in the band of a recording, if there is one; nothing is too long then:
/// all that time would have to be read from it.
fn within(recorded: Option<(u64, u32)>, plans: Vec<Plan>) -> Vec<Plan> {
    let plans = plans.into_iter();
    match recorded {
        None => plans.collect(),
        Some(band) => plans.filter(|plan| !plan.too_long).map(|plan| plan.within(band)).collect(),
    }
}

fn all_wishes(actor: usize) -> Vec<Plan> {
    let nearest = When::Nearest { max_shift_minutes: None };
    match actor {
        0 => vec![
            plan("ridge", 8, 2, "the FM band, exactly at 10:08"),
            Plan {
                repeats: 9,
                offset: 3,
                parameters: ISM,
                ..plan("harbour", 6, 1, "433 MHz every three minutes")
            },
            Plan {
                parameters: TOO_LONG,
                too_long: true,
                ..plan("harbour", 10, 1, "more samples than fit its slot")
            },
            Plan { parameters: OUT_OF_REACH, granted: false, ..plan("ridge", 20, 1, BEYOND) },
            Plan { granted: false, ..plan("lighthouse", 12, 1, "a device that does not exist") },
            Plan { granted: false, ..plan("ridge", -30, 1, "half an hour ago") },
        ],
        _ => vec![
            Plan { granted: false, ..plan("ridge", 9, 2, "the same minute on the same device") },
            Plan { when: nearest, ..plan("ridge", 9, 2, "the nearest to it that is free") },
            Plan {
                repeats: 7,
                offset: 4,
                parameters: VOICE,
                ..plan("depot", 7, 1, "voice channels every four minutes")
            },
            Plan {
                repeats: 5,
                offset: 5,
                parameters: VOICE,
                when: nearest,
                ..plan("ridge", 8, 1, "the same from the ridge, near every five minutes")
            },
            Plan { granted: false, ..plan("depot", 60, 120, "two hours, above the quota") },
            Plan {
                repeats: 1,
                offset: 1,
                granted: false,
                ..plan("harbour", 30, 2, "a series that overlaps itself")
            },
        ],
    }
}
