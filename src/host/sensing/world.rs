//! A world of emitters: who sends what, where and when, as a pure function of
//! a seed and of UTC.
//!
//! Nothing in it has memory, so two posts that look at the same second see the
//! same transmissions, each from where it stands.

use core::f64::consts::TAU;
use core::ops::Range;
use std::vec::Vec;

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::Rng;

use super::signal::{Nanos, SECOND, Signal, Stretch, Tone, between, dice};

/// A point on flat ground, in metres from the middle of the world.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Metres to the east.
    pub east: f64,
    /// Metres to the north.
    pub north: f64,
}

impl Place {
    /// The distance to `other`, in metres.
    #[must_use]
    pub fn distance(self, other: Self) -> f64 {
        (self.east - other.east).hypot(self.north - other.north)
    }

    /// Anywhere within `radius` metres of the middle.
    fn within(dice: &mut SplitMix64, radius: f64) -> Self {
        let angle = between(dice, 0.0..TAU);
        let distance = radius * between(dice, 0.0..1.0).sqrt();
        Self { east: distance * angle.cos(), north: distance * angle.sin() }
    }
}

/// Everything that sends.
#[derive(Clone, Debug)]
pub struct World {
    seed: u64,
    emitters: Vec<Emitter>,
}

impl World {
    /// A world where nothing sends.
    #[must_use]
    pub const fn silent(seed: u64) -> Self {
        Self { seed, emitters: Vec::new() }
    }

    /// A town and its surroundings, with
    ///
    /// - 88 to 108 MHz: 22 FM broadcast stations within 50 km;
    /// - 138 to 174 MHz: 120 narrow-band FM voice channels within 15 km that
    ///   come and go, and a carrier that sweeps 163 to 165 MHz every 2 s;
    /// - 433.05 to 434.79 MHz: 60 devices within 5 km that send short bursts;
    /// - 1,090 MHz: 40 aircraft within 150 km that send pulses.
    #[must_use]
    pub fn town(seed: u64) -> Self {
        Self::silent(seed)
            .populate(22, 88_100_000..107_900_000, 300_000, |hz, dice| {
                Emitter::broadcast(hz, between(dice, 66.0..84.0), Place::within(dice, 50_000.0))
            })
            .populate(120, 138_012_500..173_990_000, 12_500, |hz, dice| {
                Emitter::voice(hz, between(dice, 37.0..47.0), Place::within(dice, 15_000.0))
            })
            .populate(60, 433_070_000..434_770_000, 25_000, |hz, dice| {
                Emitter::bursts(hz, between(dice, 7.0..20.0), Place::within(dice, 5_000.0))
            })
            .populate(40, 1_090_000_000..1_090_000_001, 1, |hz, dice| {
                Emitter::aircraft(hz, between(dice, 48.0..57.0), Place::within(dice, 150_000.0))
            })
            .with(Emitter::sweep(164_000_000, 2_000_000, 20.0, Place { east: 900.0, north: 400.0 }))
    }

    /// This world and one more emitter.
    #[must_use]
    pub fn with(mut self, emitter: Emitter) -> Self {
        self.emitters.push(emitter);
        self
    }

    /// The emitters.
    #[must_use]
    pub fn emitters(&self) -> &[Emitter] {
        &self.emitters
    }

    /// The number everything follows from.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Adds `count` emitters on channels of `raster_hz` within `band`, each on
    /// its own as long as there are channels left.
    fn populate(
        mut self,
        count: u64,
        band: Range<u64>,
        raster_hz: usize,
        make: impl Fn(u64, &mut SplitMix64) -> Emitter,
    ) -> Self {
        let mut channels: Vec<u64> = band.clone().step_by(raster_hz).collect();
        for n in 0..count {
            let mut dice = dice(&[self.seed, band.start, n]);
            let at = between(&mut dice, 0.0..channels.len() as f64) as usize;
            let hz = match channels.len() {
                0 | 1 => band.start,
                left => channels.swap_remove(at.min(left - 1)),
            };
            self.emitters.push(make(hz, &mut dice));
        }
        self
    }
}

/// One sender: a carrier, a power, a place, and what it does with time.
#[derive(Clone, Debug, PartialEq)]
pub struct Emitter {
    hz: u64,
    dbm: f64,
    place: Place,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Carrier,
    Broadcast,
    Voice,
    Bursts,
    Aircraft,
    Sweep { span_hz: f64 },
}

impl Emitter {
    /// A bare carrier of `dbm` radiated power, all the time.
    #[must_use]
    pub const fn carrier(hz: u64, dbm: f64, place: Place) -> Self {
        Self { hz, dbm, place, kind: Kind::Carrier }
    }

    /// Wide-band FM broadcast, all the time: a programme of 8 tones up to 12 kHz
    /// that changes every second, 60 kHz of deviation, and a pilot of 19 kHz.
    #[must_use]
    pub const fn broadcast(hz: u64, dbm: f64, place: Place) -> Self {
        Self { hz, dbm, place, kind: Kind::Broadcast }
    }

    /// Narrow-band FM voice: in every other 20 s or so an over of 4 to 12 s, with
    /// 2.5 kHz of deviation.
    #[must_use]
    pub const fn voice(hz: u64, dbm: f64, place: Place) -> Self {
        Self { hz, dbm, place, kind: Kind::Voice }
    }

    /// Bursts of 30 to 150 ms about every second: on-off keying of 2,000 bits a
    /// second or frequency shift keying of 20,000.
    #[must_use]
    pub const fn bursts(hz: u64, dbm: f64, place: Place) -> Self {
        Self { hz, dbm, place, kind: Kind::Bursts }
    }

    /// A transponder: seven times a second 120 us of pulses of 0.5 us.
    #[must_use]
    pub const fn aircraft(hz: u64, dbm: f64, place: Place) -> Self {
        Self { hz, dbm, place, kind: Kind::Aircraft }
    }

    /// A carrier that sweeps `span_hz` around `hz` upwards in 2 s, then again.
    #[must_use]
    pub fn sweep(hz: u64, span_hz: u32, dbm: f64, place: Place) -> Self {
        Self { hz, dbm, place, kind: Kind::Sweep { span_hz: span_hz.into() } }
    }

    /// The frequency of its carrier, in hertz.
    #[must_use]
    pub const fn hz(&self) -> u64 {
        self.hz
    }

    /// How far from its carrier it sends, in hertz.
    pub(super) fn reach_hz(&self) -> f64 {
        match self.kind {
            Kind::Sweep { span_hz } => span_hz / 2.0,
            _ => 0.0,
        }
    }

    /// The power an isotropic antenna at `place` receives when it sends, in dBm.
    ///
    /// Free space for what flies; on the ground free space for 100 m and from
    /// there on 35 dB a decade, as in a town.
    pub(super) fn received_dbm(&self, place: Place) -> f64 {
        let (near, exponent) = match self.kind {
            Kind::Aircraft => (1_000.0, 2.0),
            _ => (100.0, 3.5),
        };
        let distance = self.place.distance(place).max(1.0);
        let free = |metres: f64| 20.0 * (metres * self.hz as f64).log10() - 147.55;
        let loss = if distance <= near {
            free(distance)
        } else {
            free(near) + 10.0 * exponent * (distance / near).log10()
        };
        self.dbm - loss
    }

    /// What it does at `time`, as emitter `key` of its world.
    pub(super) fn stretch(&self, key: u64, time: Nanos) -> Stretch {
        match self.kind {
            Kind::Carrier => Slot::of(key, time, SECOND).whole(Signal::Carrier),
            Kind::Broadcast => broadcast(key, time),
            Kind::Voice => voice(key, time),
            Kind::Bursts => bursts(key, time),
            Kind::Aircraft => aircraft(key, time),
            Kind::Sweep { span_hz } => Slot::of(key, time, 2 * SECOND)
                .whole(Signal::Ramp { start_hz: -span_hz / 2.0, slope: span_hz / 2.0 }),
        }
    }
}

/// One of the equal parts an emitter divides time into. Where they begin differs
/// from emitter to emitter.
struct Slot {
    from: Nanos,
    length: Nanos,
    /// What there is to know of this part.
    dice: SplitMix64,
}

impl Slot {
    fn of(key: u64, time: Nanos, length: Nanos) -> Self {
        let shift = Nanos::from(dice(&[key]).next_u64()) % length;
        let number = (time - shift).div_euclid(length);
        // Of a number this large only the low half matters.
        let dice = dice(&[key, length as u64, number as u64]);
        Self { from: number * length + shift, length, dice }
    }

    /// The same signal all over it.
    fn whole(self, signal: Signal) -> Stretch {
        Stretch { from: self.from, until: self.from + self.length, signal }
    }

    /// `signal` at `time` when that is within `active`, silence before and after.
    fn partly(self, active: Range<Nanos>, time: Nanos, signal: impl FnOnce() -> Signal) -> Stretch {
        if time < active.start {
            Stretch { from: self.from, until: active.start, signal: Signal::Silence }
        } else if time < active.end {
            Stretch { from: active.start, until: active.end, signal: signal() }
        } else {
            Stretch { from: active.end, until: self.from + self.length, signal: Signal::Silence }
        }
    }

    /// A part of `length` nanoseconds that lies anywhere in the slot.
    fn anywhere(&mut self, length: Nanos) -> Range<Nanos> {
        let slack = (self.length - length).max(0) as f64;
        let start = self.from + between(&mut self.dice, 0.0..slack) as Nanos;
        start..start + length
    }
}

fn broadcast(key: u64, time: Nanos) -> Stretch {
    let mut slot = Slot::of(key, time, SECOND);
    let mut tones = tones(&mut slot.dice, 8, 1.0, 60.0..12_000.0, 60_000.0);
    tones.push(Tone { hz: 19_000.0, deviation_hz: 6_750.0 });
    slot.whole(Signal::Tones(tones))
}

fn voice(key: u64, time: Nanos) -> Stretch {
    let mut slot = Slot::of(key, time, 20 * SECOND);
    if slot.dice.next_u64().is_multiple_of(2) {
        return slot.whole(Signal::Silence);
    }
    let length = between(&mut slot.dice, 4e9..12e9) as Nanos;
    let over = slot.anywhere(length);
    if !over.contains(&time) {
        return slot.partly(over, time, || Signal::Silence);
    }
    // Within an over, syllables: a quarter of a second each.
    let mut syllable = Slot::of(key, time, SECOND / 4);
    let mut tones = tones(&mut syllable.dice, 4, 4.0, 300.0..3_000.0, 2_100.0);
    tones.push(Tone { hz: 88.0, deviation_hz: 400.0 });
    let mut stretch = syllable.whole(Signal::Tones(tones));
    stretch.until = stretch.until.min(over.end);
    stretch
}

fn bursts(key: u64, time: Nanos) -> Stretch {
    let kind = dice(&[key, 1]).next_u64() % 2;
    let mut slot = Slot::of(key, time, SECOND * 9 / 10);
    let seed = slot.dice.next_u64();
    let length = between(&mut slot.dice, 30e6..150e6) as Nanos;
    let burst = slot.anywhere(length);
    slot.partly(burst, time, || match kind {
        0 => Signal::OnOff { bit: 500_000, seed },
        _ => Signal::Shift { bit: 50_000, seed },
    })
}

fn aircraft(key: u64, time: Nanos) -> Stretch {
    let mut slot = Slot::of(key, time, SECOND / 7);
    let seed = slot.dice.next_u64();
    let message = slot.anywhere(120_000);
    slot.partly(message, time, || Signal::PulsePosition { bit: 1_000, seed })
}

/// `count` tones on multiples of `step_hz`, evenly over the octaves of `band`,
/// that share `deviation_hz`. Each is zero at the start of the slot, and again
/// at its end when the slot holds whole periods of `step_hz`.
fn tones(
    dice: &mut SplitMix64,
    count: usize,
    step_hz: f64,
    band: Range<f64>,
    deviation_hz: f64,
) -> Vec<Tone> {
    let weights: Vec<f64> = (0..count).map(|_| between(dice, 0.2..1.0)).collect();
    let total: f64 = weights.iter().sum();
    weights
        .into_iter()
        .map(|weight| {
            let hz = between(dice, band.start.ln()..band.end.ln()).exp();
            let sign = if dice.next_u64().is_multiple_of(2) { 1.0 } else { -1.0 };
            Tone {
                hz: (hz / step_hz).round() * step_hz,
                deviation_hz: sign * deviation_hz * weight / total,
            }
        })
        .collect()
}
