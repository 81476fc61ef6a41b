//! Axes: round numbers at even steps, and how to write them.

use std::string::String;

/// From values to coordinates, on a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) values: (f64, f64),
    pub(super) places: (f64, f64),
}

impl Scale {
    /// The coordinate of `value`; values beyond the ends are at the ends.
    pub(super) fn place(&self, value: f64) -> f64 {
        let (low, high) = self.values;
        let part = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
        self.places.0 + (self.places.1 - self.places.0) * part
    }

    /// Round values within the range, at most about `most` of them, each with its
    /// name.
    pub(super) fn ticks(&self, most: usize) -> impl Iterator<Item = (f64, String)> + use<> {
        let (low, high) = self.values;
        let step = step((high - low) / most.max(1) as f64);
        let first = (low / step - 1e-6).ceil() as i64;
        let last = (high / step + 1e-6).floor() as i64;
        let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
        // However odd the range, there are few ticks.
        (first..=last.min(first.saturating_add(100))).map(move |n| {
            let value = n as f64 * step;
            (value, number(value, decimals))
        })
    }
}

/// The least of 1, 2 and 5 times a power of ten that is at least `least`.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-9).log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * 0.999);
    factor.unwrap_or(10.0) * power
}

/// A number as it is written for people: with a real minus.
pub(super) fn number(value: f64, decimals: usize) -> String {
    let text = std::format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().any(|c| c.is_ascii_digit() && c != '0') => {
            std::format!("\u{2212}{rest}")
        }
        Some(rest) => rest.into(),
        None => text,
    }
}

/// About how wide `text` is in letters of `size`. Rather too wide than too narrow.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.62
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn names(low: f64, high: f64, most: usize) -> Vec<String> {
        let scale = Scale { values: (low, high), places: (0.0, 1.0) };
        scale.ticks(most).map(|(_, name)| name).collect()
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(names(88.0, 108.0, 5), ["90", "95", "100", "105"]);
        assert_eq!(names(433.05, 434.79, 4), ["433.5", "434.0", "434.5"]);
        assert_eq!(names(-130.0, -40.0, 5), ["−120", "−100", "−80", "−60", "−40"]);
        assert_eq!(names(-0.2, 0.2, 4), ["−0.2", "−0.1", "0.0", "0.1", "0.2"]);
        assert!(names(5.0, 5.0, 4).len() <= 1);
    }

    #[test]
    fn places_stay_on_the_line() {
        let scale = Scale { values: (0.0, 10.0), places: (100.0, 0.0) };
        assert_eq!(scale.place(2.5), 75.0);
        assert_eq!(scale.place(-1.0), 100.0);
        assert_eq!(scale.place(f64::INFINITY), 0.0);
    }
}
