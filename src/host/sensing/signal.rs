//! What emitters send: stretches of signal, added into samples.

use core::f64::consts::TAU;
use core::ops::Range;
use std::vec::Vec;

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use rustfft::num_complex::Complex64;

use super::Complex32;

/// Nanoseconds since 1970, wide enough for every `Utc`.
pub(super) type Nanos = i128;

/// Nanoseconds of a second.
pub(super) const SECOND: Nanos = 1_000_000_000;

/// A stretch of time in which an emitter sends one signal or is silent.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    /// The time it began, maybe long ago.
    pub(super) from: Nanos,
    /// The time it ends, which is later than the time it was asked for.
    pub(super) until: Nanos,
    /// What is sent.
    pub(super) signal: Signal,
}

/// A signal around a carrier, as a function of the time since it began.
#[derive(Clone, Debug)]
pub(super) enum Signal {
    Silence,
    /// The carrier alone.
    Carrier,
    /// Frequency modulation by tones that are all zero when the stretch begins.
    Tones(Vec<Tone>),
    /// A carrier that moves from `start_hz` by `slope` hertz a second.
    Ramp {
        start_hz: f64,
        slope: f64,
    },
    /// Bits of `bit` nanoseconds that switch the carrier on and off.
    OnOff {
        bit: Nanos,
        seed: u64,
    },
    /// Bits sent as a pulse in the first or the second half of `bit` nanoseconds.
    PulsePosition {
        bit: Nanos,
        seed: u64,
    },
    /// Bits of `bit` nanoseconds that shift the carrier by plus or minus one
    /// turn a bit: the phase is the same at every bit's edge.
    Shift {
        bit: Nanos,
        seed: u64,
    },
}

/// A tone of the modulating signal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tone {
    /// Its frequency in hertz.
    pub(super) hz: f64,
    /// The greatest shift of the carrier, in hertz, of either sign.
    pub(super) deviation_hz: f64,
}

/// Samples to add to, and where and when they are.
pub(super) struct Canvas<'a> {
    pub(super) samples: &'a mut [Complex32],
    /// The time of the first sample.
    pub(super) start: Nanos,
    /// Samples a second.
    pub(super) rate: f64,
}

impl Canvas<'_> {
    /// Adds what `stretches` gives, with an amplitude and a carrier `offset_hz`
    /// from the centre. Every time is asked for once, in order.
    pub(super) fn add(
        &mut self,
        amplitude: f64,
        offset_hz: f64,
        stretches: impl Fn(Nanos) -> Stretch,
    ) {
        let mut first = 0;
        while first < self.samples.len() {
            let stretch = stretches(self.time_of(first));
            // At least one sample a turn, whatever the rounding.
            let end = self.index_at(stretch.until).clamp(first + 1, self.samples.len());
            self.add_stretch(first..end, amplitude, offset_hz, &stretch);
            first = end;
        }
    }

    fn time_of(&self, index: usize) -> Nanos {
        self.start + (index as f64 * 1e9 / self.rate).floor() as Nanos
    }

    /// The first sample at or after `time`, 0 for times before the first.
    fn index_at(&self, time: Nanos) -> usize {
        ((time - self.start) as f64 * self.rate / 1e9).ceil() as usize
    }

    fn add_stretch(
        &mut self,
        range: Range<usize>,
        amplitude: f64,
        offset_hz: f64,
        stretch: &Stretch,
    ) {
        let rate = self.rate;
        let begin = self.time_of(range.start);
        // The carrier's phase is that of absolute time: offsets are whole
        // hertz, so every second begins at phase 0.
        let second = begin.rem_euclid(SECOND) as f64 / 1e9;
        let mut carrier = Oscillator::new(offset_hz, second, rate);
        let since = (begin - stretch.from) as f64 / 1e9;
        let samples = self.samples.get_mut(range).unwrap_or_default();
        let mut add = |modulate: &mut dyn FnMut(f64) -> Complex64| {
            for (n, sample) in samples.iter_mut().enumerate() {
                let value = carrier.step() * modulate(since + n as f64 / rate) * amplitude;
                *sample += Complex32::new(value.re as f32, value.im as f32);
            }
        };
        match &stretch.signal {
            Signal::Silence => {}
            Signal::Carrier => add(&mut |_| Complex64::ONE),
            Signal::Tones(tones) => {
                let mut tones: Vec<(f64, Oscillator)> = tones
                    .iter()
                    .map(|t| (t.deviation_hz / t.hz, Oscillator::new(t.hz, since, rate)))
                    .collect();
                add(&mut |_| {
                    Complex64::cis(tones.iter_mut().map(|(index, o)| *index * o.step().im).sum())
                });
            }
            &Signal::Ramp { start_hz, slope } => add(&mut |t| {
                let hz = start_hz + slope * t;
                // The front-end's filter: what is outside of the band stays out.
                if (offset_hz + hz).abs() > rate / 2.0 {
                    return Complex64::ZERO;
                }
                Complex64::cis(TAU * ((start_hz + slope * t / 2.0) * t).fract())
            }),
            &Signal::OnOff { bit, seed } => add(&mut |t| {
                let (bit, _) = bit_at(t, bit, seed);
                Complex64::from(f64::from(u8::from(bit)))
            }),
            &Signal::PulsePosition { bit, seed } => add(&mut |t| {
                let (bit, within) = bit_at(t, bit, seed);
                Complex64::from(f64::from(u8::from(bit == (within < 0.5))))
            }),
            &Signal::Shift { bit, seed } => add(&mut |t| {
                let (bit, within) = bit_at(t, bit, seed);
                Complex64::cis(if bit { TAU * within } else { -TAU * within })
            }),
        }
    }
}

/// The bit sent `t` seconds after the first began, and how far it has come, 0 to 1.
fn bit_at(t: f64, bit: Nanos, seed: u64) -> (bool, f64) {
    let bits = t * 1e9 / bit as f64;
    let word = dice(&[seed, bits as u64 / 64]).next_u64();
    (word >> (bits as u64 % 64) & 1 == 1, bits.fract())
}

/// A source of numbers that depends on `key` alone: how a world without memory
/// knows what happens when.
pub(super) fn dice(key: &[u64]) -> SplitMix64 {
    let seed = key.iter().fold(0, |state: u64, part| {
        SplitMix64::seed_from_u64(state ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15)).next_u64()
    });
    SplitMix64::seed_from_u64(seed)
}

/// The next number of `dice`, evenly between `range`'s ends.
pub(super) fn between(dice: &mut SplitMix64, range: Range<f64>) -> f64 {
    let unit = (dice.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    range.start + (range.end - range.start) * unit
}

/// A turning phasor: a multiplication a sample instead of a sine and a cosine.
#[derive(Clone, Debug)]
pub(super) struct Oscillator {
    now: Complex64,
    turn: Complex64,
}

impl Oscillator {
    pub(super) fn new(hz: f64, at: f64, rate: f64) -> Self {
        Self {
            now: Complex64::cis(TAU * (hz * at).fract()),
            turn: Complex64::cis(TAU * (hz / rate).fract()),
        }
    }

    pub(super) fn step(&mut self) -> Complex64 {
        let now = self.now;
        self.now *= self.turn;
        now
    }
}
