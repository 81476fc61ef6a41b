//! Repeated scans: frequency to the right, time downwards, power as colour.

use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use super::axis::{Scale, number};
use super::page::{Figure, Fragment};
use super::spectra::{SOFT, Scan, Style, line, moment, text};
use crate::host::sensing::max_hold;

/// Draws repetitions of one scan, a row each in the order given, over `width`.
/// The band is that of the first; rows have the greatest bin of each place.
///
/// Colours run from the lowest noise floor to the strongest 0.1 % of places,
/// dark to bright in steps that look even, also without colour vision.
#[must_use]
pub fn waterfall(scans: &[Scan<'_>], width: f64) -> Fragment {
    let Some(first) = scans.first() else {
        return Fragment { width, ..Fragment::default() };
    };
    let fall = Waterfall::new(scans, width);
    let mut svg = String::new();
    fall.draw_cells(&mut svg);
    fall.draw_times(&mut svg, scans);
    fall.draw_frequencies(&mut svg, first.trace.band_hz);
    fall.draw_colours(&mut svg);
    Fragment { svg, width, height: fall.height() + Waterfall::BOTTOM }
}

struct Waterfall {
    rows: Vec<Vec<f32>>,
    /// The range of power that colours show, in dBm.
    levels: (f64, f64),
    row_height: f64,
    places: (f64, f64),
}

impl Waterfall {
    const LEFT: f64 = 132.0;
    const RIGHT: f64 = 76.0;
    const TOP: f64 = 4.0;
    const BOTTOM: f64 = 30.0;
    /// The least height of the whole, and of a row.
    const LEAST: (f64, f64) = (180.0, 6.0);
    /// How wide a place is.
    const PLACE: f64 = 3.0;
    /// How many colours there are.
    const SHADES: u8 = 48;

    fn new(scans: &[Scan<'_>], width: f64) -> Self {
        let places = (Self::LEFT, (width - Self::RIGHT).max(Self::LEFT + Self::PLACE));
        let count = ((places.1 - places.0) / Self::PLACE) as usize;
        let rows: Vec<Vec<f32>> =
            scans.iter().map(|scan| max_hold(&scan.trace.dbm, count)).collect();
        let mut all: Vec<f32> = rows.iter().flatten().copied().collect();
        all.sort_by(f32::total_cmp);
        let strong = all.get(all.len() * 999 / 1_000).copied().map_or(-60.0, f64::from);
        let floors = scans.iter().map(|scan| f64::from(scan.trace.noise_floor_dbm));
        let low = floors.fold(f64::INFINITY, f64::min);
        let row_height = (Self::LEAST.0 / scans.len() as f64).clamp(Self::LEAST.1, 28.0);
        Self { rows, levels: (low, strong.max(low + 10.0)), row_height, places }
    }

    /// The height of all rows.
    fn height(&self) -> f64 {
        Self::TOP + self.rows.len() as f64 * self.row_height
    }

    /// One path a shade, of one rectangle for each run of equal shades in a row.
    fn draw_cells(&self, svg: &mut String) {
        let mut paths: BTreeMap<u8, String> = BTreeMap::new();
        let (left, right) = self.places;
        for (row, values) in self.rows.iter().enumerate() {
            let y = Self::TOP + row as f64 * self.row_height;
            let x = |index: usize| left + (right - left) * index as f64 / values.len() as f64;
            let shades: Vec<u8> = values.iter().map(|dbm| self.shade(*dbm)).collect();
            let mut index = 0;
            for run in shades.chunk_by(|a, b| a == b) {
                let (from, to) = (x(index), x(index + run.len()));
                index += run.len();
                let Some(shade) = run.first() else { continue };
                paths.entry(*shade).or_default().push_str(&std::format!(
                    "M{} {}H{}v{h}H{}z",
                    Figure(from),
                    Figure(y),
                    Figure(to),
                    Figure(from),
                    h = Figure(self.row_height),
                ));
            }
        }
        svg.push_str("<g shape-rendering='crispEdges'>\n");
        for (shade, path) in paths {
            let color = color(f64::from(shade) / f64::from(Self::SHADES - 1));
            svg.push_str(&std::format!("<path fill='{color}' d='{path}'/>\n"));
        }
        svg.push_str("</g>\n");
    }

    fn shade(&self, dbm: f32) -> u8 {
        let (low, high) = self.levels;
        let part = (f64::from(dbm) - low) / (high - low);
        (part.clamp(0.0, 1.0) * f64::from(Self::SHADES - 1)).round() as u8
    }

    fn draw_times(&self, svg: &mut String, scans: &[Scan<'_>]) {
        let mut free = f64::MIN;
        let mut day = String::new();
        for (row, scan) in scans.iter().enumerate() {
            let y = Self::TOP + (row as f64 + 0.5) * self.row_height + 3.5;
            if y < free {
                continue;
            }
            free = y + 14.0;
            let style = Style { anchor: "end", size: 10.0, ..SOFT };
            // The day only where it is a new one.
            let moment = moment(scan.start);
            let (date, time) = moment.split_once(' ').unwrap_or(("", &moment));
            let label = if date == day { time } else { &moment };
            text(svg, (Self::LEFT - 8.0, y), style, label);
            day = date.into();
        }
    }

    fn draw_frequencies(&self, svg: &mut String, band_hz: (f64, f64)) {
        let bottom = self.height();
        let scale = Scale { values: (band_hz.0 / 1e6, band_hz.1 / 1e6), places: self.places };
        let room = ((self.places.1 - self.places.0) / 70.0) as usize;
        for (mhz, name) in scale.ticks(room) {
            let x = scale.place(mhz);
            line(svg, (x, bottom), (x, bottom + 4.0), "#9aa4b2", "");
            let style = Style { anchor: "middle", size: 10.0, ..SOFT };
            text(svg, (x, bottom + 16.0), style, &name);
        }
        let style = Style { size: 10.0, ..SOFT };
        text(svg, (self.places.1 + 22.0, bottom + 16.0), style, "MHz");
    }

    /// What power a colour means.
    fn draw_colours(&self, svg: &mut String) {
        let (top, bottom) = (Self::TOP + 18.0, self.height().max(Self::TOP + 60.0));
        let x = self.places.1 + 18.0;
        let step = (bottom - top) / f64::from(Self::SHADES);
        for shade in 0..Self::SHADES {
            svg.push_str(&std::format!(
                "<rect x='{}' y='{}' width='12' height='{}' fill='{}'/>\n",
                Figure(x),
                Figure(bottom - step * f64::from(shade + 1)),
                // A little over the next one, so that no gap shows.
                Figure(step + 0.3),
                color(f64::from(shade) / f64::from(Self::SHADES - 1))
            ));
        }
        let scale = Scale { values: self.levels, places: (bottom, top) };
        for (dbm, _) in scale.ticks(4) {
            let at = (x + 17.0, scale.place(dbm) + 3.5);
            text(svg, at, Style { size: 10.0, ..SOFT }, &number(dbm, 0));
        }
        text(svg, (x, Self::TOP + 8.0), Style { size: 10.0, ..SOFT }, "dBm");
    }
}

/// A colour from dark to bright: viridis, as lines between ten of its colours.
fn color(part: f64) -> String {
    const TABLE: [[u8; 3]; 10] = [
        [68, 1, 84],
        [72, 40, 120],
        [62, 73, 137],
        [49, 104, 142],
        [38, 130, 142],
        [31, 158, 137],
        [53, 183, 121],
        [110, 206, 88],
        [181, 222, 43],
        [253, 231, 37],
    ];
    let at = part.clamp(0.0, 1.0) * (TABLE.len() - 1) as f64;
    let index = at as usize;
    let from = TABLE.get(index).copied().unwrap_or_default();
    let to = TABLE.get(index + 1).copied().unwrap_or(from);
    let mut color = String::from("#");
    for (a, b) in from.into_iter().zip(to) {
        let value = f64::from(a) + (f64::from(b) - f64::from(a)) * at.fract();
        color.push_str(&std::format!("{:02x}", value.round() as u8));
    }
    color
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_from_dark_to_bright() {
        assert_eq!(color(0.0), "#440154");
        assert_eq!(color(1.0), "#fde725");
        assert_eq!(color(9.0), "#fde725");
        let brightness = |part: f64| {
            let color = color(part);
            let channel =
                |at: usize| f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap());
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        for step in 0..20 {
            assert!(brightness(f64::from(step) / 20.0) < brightness(f64::from(step + 1) / 20.0));
        }
    }

    #[test]
    fn no_scans_are_no_drawing() {
        assert_eq!(waterfall(&[], 100.0).height, 0.0);
    }
}
