//! What the Actor asks for, and when.

use std::time::Duration;

use farpost::scos::actor::Wish;
use farpost::scos::messages::Devices;
use farpost::scos::{Detector, ScanParameters, Series, When, Window};
use farpost::time::Utc;

/// When the clock starts: Monday, 23 November 2026, 10:00 UTC.
pub(crate) const START: Utc = Utc::from_unix_seconds(1_795_428_000);

/// After this long without all reports the run has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(40 * 60);

/// The board's device ID.
pub(crate) const DEVICE: &str = "ridge";

/// The rule: what is received above this level, in dBFS, takes the gain away down to this, in
/// dB. The broadcast signal is above it with the gain that is asked for, and the rest is not.
pub(crate) const LIMIT_DBFS: i32 = -35;
pub(crate) const LEAST_GAIN_DB: i32 = 10;

/// The entry of the schedule: where the front-end is to rest when nothing is scanned, and from
/// when on.
pub(crate) const REST_KHZ: u32 = 446_000;

pub(crate) fn rest_from() -> Utc {
    START.after(Duration::from_secs(270))
}

/// How many scans are granted, if all goes well.
pub(crate) const SCANS: u32 = 6;

/// Something to ask for.
#[derive(Debug)]
pub(crate) struct Ask {
    device: &'static str,
    /// Minutes from now.
    start: i64,
    repeats: u16,
    parameters: ScanParameters,
    /// Where its signal is.
    pub(crate) carrier_hz: u64,
    /// What it is about, for people.
    pub(crate) about: &'static str,
    /// Whether it is to be granted.
    pub(crate) possible: bool,
}

impl Ask {
    /// The wish, as the Actor puts it.
    pub(crate) fn wish(&self, now: Utc) -> Wish<'_> {
        let start = now.unix_minute() + self.start;
        Wish {
            devices: Devices::One(self.device),
            series: Series { start, minutes: 1, repeats: self.repeats, offset: 2 },
            when: When::Exact,
            across_weeks: false,
            parameters: self.parameters,
        }
    }
}

const BROADCAST: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 2_000_000,
    resolution_hz: 5_000,
    transforms: 32,
    detector: Detector::Mean,
    window: Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

const ISM: ScanParameters = ScanParameters {
    center_hz: 433_500_000,
    resolution_hz: 10_000,
    detector: Detector::Max,
    window: Window::Hann,
    gain_db: 30,
    ..BROADCAST
};

const OUT_OF_REACH: ScanParameters = ScanParameters { center_hz: 5_800_000_000, ..BROADCAST };

const BROADCAST_SIGNAL: Ask = Ask {
    device: DEVICE,
    start: 2,
    repeats: 0,
    parameters: BROADCAST,
    carrier_hz: 98_100_000,
    about: "the FM band, once",
    possible: true,
};

/// What is asked of the first SSM.
pub(crate) const FIRST: [Ask; 4] = [
    BROADCAST_SIGNAL,
    Ask {
        start: 3,
        repeats: 2,
        parameters: ISM,
        carrier_hz: 433_920_000,
        about: "433 MHz, three times, every other minute",
        ..BROADCAST_SIGNAL
    },
    Ask {
        parameters: OUT_OF_REACH,
        about: "5.8 GHz, too high",
        possible: false,
        ..BROADCAST_SIGNAL
    },
    Ask { device: "nowhere", about: "a device that is not", possible: false, ..BROADCAST_SIGNAL },
];

/// What is asked of the second.
pub(crate) const SECOND: [Ask; 1] =
    [Ask { repeats: 1, about: "the FM band, twice", ..BROADCAST_SIGNAL }];
