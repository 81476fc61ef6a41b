//! The windows samples are weighted with before a transform: sums of cosines.

use core::f64::consts::TAU;
use std::vec::Vec;

use crate::scos::Window;

/// The equivalent noise bandwidth of `window`, in bins: the width of the
/// rectangle that passes as much noise as a bin does, at the same peak gain.
///
/// Exact for every transform of more samples than twice the window's terms.
#[must_use]
pub fn equivalent_noise_bandwidth(window: Window) -> f64 {
    // N Σw² / (Σw)². Over whole periods the cosines are orthogonal: Σw is N a₀
    // and Σw² is N (a₀² + ½ Σ aₖ²).
    let (mean, cosines) = coefficients(window);
    let squares: f64 = cosines.iter().map(|a| a * a).sum();
    1.0 + squares / (2.0 * mean * mean)
}

/// The `length` weights of `window`, in the periodic form, scaled to a sum of
/// 1: a tone on the centre of a bin shows its amplitude there.
pub(super) fn weights(window: Window, length: usize) -> Vec<f32> {
    let (mean, cosines) = coefficients(window);
    let scale = 1.0 / (mean * length as f64);
    (0..length)
        .map(|n| {
            let turn = TAU * n as f64 / length as f64;
            let weight = (1_i32..).zip(cosines).fold(mean, |sum, (k, a)| {
                let sign = if k % 2 == 0 { 1.0 } else { -1.0 };
                sum + sign * a * (f64::from(k) * turn).cos()
            });
            (weight * scale) as f32
        })
        .collect()
}

/// a₀, and a₁, a₂ … of w(n) = a₀ − a₁ cos(2πn/N) + a₂ cos(4πn/N) − …
fn coefficients(window: Window) -> (f64, &'static [f64]) {
    match window {
        Window::Rectangular => (1.0, &[]),
        Window::Hann => (0.5, &[0.5]),
        Window::Hamming => (0.54, &[0.46]),
        Window::BlackmanHarris => (0.358_75, &[0.488_29, 0.141_28, 0.011_68]),
        Window::FlatTop => {
            (0.215_578_95, &[0.416_631_58, 0.277_263_158, 0.083_578_947, 0.006_947_368])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_bandwidths_are_those_of_the_weights() {
        let known = [
            (Window::Rectangular, 1.0),
            (Window::Hann, 1.5),
            (Window::Hamming, 1.362_826),
            (Window::BlackmanHarris, 2.004_353),
            (Window::FlatTop, 3.770_246),
        ];
        for (window, bins) in known {
            assert!((equivalent_noise_bandwidth(window) - bins).abs() < 1e-6, "{window:?}");
            for length in [16_usize, 64, 4_096] {
                let weights = weights(window, length);
                let sum: f64 = weights.iter().map(|w| f64::from(*w)).sum();
                let squares: f64 = weights.iter().map(|w| f64::from(*w).powi(2)).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{window:?}");
                let measured = squares * length as f64 / (sum * sum);
                assert!((measured - bins).abs() < 1e-4, "{window:?} {length}: {measured}");
            }
        }
    }
}
