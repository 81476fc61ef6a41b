//! Fewer samples a second: a band of a wider band.

use core::f64::consts::{PI, TAU};
use std::collections::VecDeque;
use std::vec::Vec;

use super::super::Complex32;

/// Lowers the sample rate by any ratio from 1 on.
///
/// Each output sample is a sum of input samples weighted by a windowed sinc: a
/// low pass of the output's band. The outer 6 % at either edge of that band are
/// in its slope; at a ratio of 1 samples pass as they are.
#[derive(Debug)]
pub(super) struct Resampler {
    ratio: f64,
    /// The impulse response from its middle on, [`Self::STEPS`] values a zero
    /// crossing.
    response: Vec<f32>,
    /// Input samples still needed, of which the first is number `base`.
    inputs: VecDeque<Complex32>,
    base: u64,
    outputs: u64,
}

impl Resampler {
    /// Zero crossings of the sinc at either side.
    const CROSSINGS: usize = 32;
    /// Values of the response from one zero crossing to the next.
    const STEPS: usize = 256;

    /// One output sample for every `ratio` input samples, at least 1.
    pub(super) fn new(ratio: f64) -> Self {
        let response = (0..=Self::CROSSINGS * Self::STEPS)
            .map(|step| {
                let x = step as f64 / Self::STEPS as f64;
                let sinc = if step == 0 { 1.0 } else { (PI * x).sin() / (PI * x) };
                (sinc * taper(x / Self::CROSSINGS as f64) / ratio) as f32
            })
            .collect();
        Self { ratio, response, inputs: VecDeque::new(), base: 0, outputs: 0 }
    }

    /// How many input samples the first output sample lies after the first input.
    pub(super) fn delay(&self) -> u64 {
        if self.is_identity() { 0 } else { self.half().ceil() as u64 }
    }

    /// The next output sample, taking what it needs from `input`.
    pub(super) fn next<E>(
        &mut self,
        mut input: impl FnMut() -> Result<Complex32, E>,
    ) -> Result<Complex32, E> {
        if self.is_identity() {
            return input();
        }
        let middle = self.delay() as f64 + self.outputs as f64 * self.ratio;
        let first = (middle - self.half()).ceil().max(0.0) as u64;
        let last = (middle + self.half()).floor() as u64;
        while self.base + self.inputs.len() as u64 <= last {
            let sample = input()?;
            self.inputs.push_back(sample);
        }
        while self.base < first && self.inputs.pop_front().is_some() {
            self.base += 1;
        }
        self.outputs += 1;
        let count = (last - first + 1) as usize;
        let scale = Self::STEPS as f64 / self.ratio;
        let mut at = (first as f64 - middle) * scale;
        let mut sum = Complex32::ZERO;
        for sample in self.inputs.iter().take(count) {
            sum += sample * self.weight(at.abs());
            at += scale;
        }
        Ok(sum)
    }

    /// Half the length of the response, in input samples.
    fn half(&self) -> f64 {
        Self::CROSSINGS as f64 * self.ratio
    }

    fn is_identity(&self) -> bool {
        self.ratio <= 1.0
    }

    /// The response `at` steps from its middle, on a line between two values.
    fn weight(&self, at: f64) -> f32 {
        let index = at as usize;
        let part = (at - index as f64) as f32;
        match (self.response.get(index), self.response.get(index + 1)) {
            (Some(a), Some(b)) => a + (b - a) * part,
            _ => 0.0,
        }
    }
}

/// The right half of a Blackman-Harris window: 1 at 0, almost 0 at 1.
fn taper(x: f64) -> f64 {
    let turn = TAU * (x + 1.0) / 2.0;
    0.358_75 - 0.488_29 * turn.cos() + 0.141_28 * (2.0 * turn).cos() - 0.011_68 * (3.0 * turn).cos()
}
