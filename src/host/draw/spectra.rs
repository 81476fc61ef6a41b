//! Measured spectra: small panels side by side, all with the same scale of power.

use std::borrow::Cow;
use std::string::String;
use std::vec::Vec;

use super::axis::{Scale, number, text_width};
use super::page::{Figure, Fragment, escape, ink};
use crate::host::sensing::{Peak, Spectrum, Summary};
use crate::scos::{Detector, ScanParameters};
use crate::time::Utc;

/// A spectrum as it is drawn: from a measurement or from a report.
#[derive(Clone, Debug)]
pub struct Trace<'a> {
    /// The edges of the band, in hertz.
    pub band_hz: (f64, f64),
    /// Powers in order of frequency, in dBm.
    pub dbm: Cow<'a, [f32]>,
    /// The noise floor, in dBm.
    pub noise_floor_dbm: f32,
    /// The part of the band in use, 0 to 1.
    pub occupancy: f32,
    /// What to name, most important first.
    pub peaks: Vec<Peak>,
    /// Whether the front-end was overloaded.
    pub overload: bool,
}

impl<'a> From<&'a Spectrum> for Trace<'a> {
    fn from(spectrum: &'a Spectrum) -> Self {
        let parameters = spectrum.parameters();
        let center = parameters.center_hz as f64;
        let bandwidth = f64::from(parameters.bandwidth_hz);
        let separation = bandwidth * Summary::PEAK_SEPARATION;
        Self {
            band_hz: (center - bandwidth / 2.0, center + bandwidth / 2.0),
            dbm: Cow::Borrowed(spectrum.dbm()),
            noise_floor_dbm: spectrum.noise_floor_dbm(),
            occupancy: spectrum.occupancy(Spectrum::MARGIN_DB),
            peaks: spectrum.peaks(Summary::PEAKS, Spectrum::MARGIN_DB, separation),
            overload: spectrum.overload(),
        }
    }
}

impl From<&Summary> for Trace<'_> {
    fn from(summary: &Summary) -> Self {
        let dbm = |hundredths: i16| f32::from(hundredths) / 100.0;
        let peaks = summary.peaks.iter();
        Self {
            band_hz: (summary.low_hz as f64, summary.high_hz as f64),
            dbm: summary.dbm().collect(),
            noise_floor_dbm: dbm(summary.noise_floor_cdbm),
            occupancy: f32::from(summary.occupancy_permille) / 1_000.0,
            peaks: peaks.map(|p| Peak { hz: p.hz as f64, dbm: dbm(p.cdbm) }).collect(),
            overload: summary.overload,
        }
    }
}

/// A scan and what came of it.
#[derive(Clone, Debug)]
pub struct Scan<'a> {
    /// The device that sensed.
    pub ssd: &'a str,
    /// The actor that asked for it.
    pub actor: &'a str,
    /// When it began.
    pub start: Utc,
    /// What was asked for.
    pub parameters: ScanParameters,
    /// What was measured.
    pub trace: Trace<'a>,
}

impl Scan<'_> {
    fn title(&self) -> String {
        std::format!("{} for {}", self.ssd, self.actor)
    }

    /// How it was measured, such as "mean of 16, 10 kHz".
    pub(super) fn method(&self) -> String {
        let detector = match self.parameters.detector {
            Detector::Sample => "last",
            Detector::Mean => "mean",
            Detector::Max => "greatest",
            Detector::Min => "least",
            Detector::Median => "median",
            Detector::M4s => "M4S",
        };
        let resolution = f64::from(self.parameters.resolution_hz);
        let (resolution, unit) = match resolution {
            hz if hz < 1e3 => (hz, "Hz"),
            hz if hz < 1e6 => (hz / 1e3, "kHz"),
            hz => (hz / 1e6, "MHz"),
        };
        let resolution = (resolution * 100.0).round() / 100.0;
        std::format!("{detector} of {}, {resolution} {unit}", self.parameters.transforms)
    }
}

/// `2026-11-23 10:00:00`, for people.
pub(super) fn moment(time: Utc) -> String {
    std::format!("{time}").replace('T', " ").replace('Z', "")
}

/// Draws `scans` in `columns` columns over `width`: power over frequency, the
/// noise floor, the strongest peaks by frequency. All panels share one scale of
/// power. Spectra of more bins than a panel has room for are drawn as the range
/// from the least to the greatest bin at each place.
#[must_use]
pub fn spectra(scans: &[Scan<'_>], columns: usize, width: f64) -> Fragment {
    let columns = columns.max(1);
    let cell = (width - Panel::GAP * (columns - 1) as f64) / columns as f64;
    let levels = levels(scans);
    let mut svg = String::new();
    for (index, scan) in scans.iter().enumerate() {
        let x = (index % columns) as f64 * (cell + Panel::GAP);
        let y = (index / columns) as f64 * (Panel::HEIGHT + Panel::GAP);
        svg.push_str(&std::format!("<g transform='translate({} {})'>\n", Figure(x), Figure(y)));
        Panel::new(scan, cell, levels).draw(&mut svg);
        svg.push_str("</g>\n");
    }
    let rows = scans.len().div_ceil(columns) as f64;
    let height = (rows * (Panel::HEIGHT + Panel::GAP) - Panel::GAP).max(0.0);
    Fragment { svg, width, height }
}

/// The range of power that holds all scans, in whole tens of dBm with room for
/// names above.
fn levels(scans: &[Scan<'_>]) -> (f64, f64) {
    let floors = scans.iter().map(|scan| f64::from(scan.trace.noise_floor_dbm));
    let tops = scans.iter().flat_map(|scan| scan.trace.dbm.iter().copied().map(f64::from));
    let low = floors.fold(f64::INFINITY, f64::min);
    let high = tops.fold(f64::NEG_INFINITY, f64::max);
    if !(low.is_finite() && high.is_finite()) {
        return (-120.0, -60.0);
    }
    let low = ((low - 8.0) / 10.0).floor() * 10.0;
    (low, (((high + 6.0) / 10.0).ceil() * 10.0).max(low + 30.0))
}

/// One panel: its parts at fixed places, the plot in what is left.
struct Panel<'a> {
    scan: &'a Scan<'a>,
    width: f64,
    /// Hertz to the right.
    x: Scale,
    /// dBm upwards.
    y: Scale,
}

impl<'a> Panel<'a> {
    const HEIGHT: f64 = 256.0;
    const GAP: f64 = 28.0;
    const LEFT: f64 = 44.0;
    const RIGHT: f64 = 52.0;
    const TOP: f64 = 54.0;
    const BOTTOM: f64 = 36.0;
    /// How many peaks are named.
    const NAMES: usize = 6;

    const AREA: &'static str = "#2a78c8";
    const FLOOR: &'static str = "#d9731a";
    const GRID: &'static str = "#e6e9ee";

    fn new(scan: &'a Scan<'a>, width: f64, levels: (f64, f64)) -> Self {
        let (low, high) = scan.trace.band_hz;
        Self {
            scan,
            width,
            x: Scale {
                values: (low, high),
                places: (Self::LEFT, (width - Self::RIGHT).max(Self::LEFT + 1.0)),
            },
            y: Scale { values: levels, places: (Self::HEIGHT - Self::BOTTOM, Self::TOP) },
        }
    }

    fn draw(&self, svg: &mut String) {
        self.draw_titles(svg);
        self.draw_axes(svg);
        let columns = self.columns();
        self.draw_curve(svg, &columns);
        self.draw_floor(svg);
        self.draw_names(svg, &columns);
    }

    fn draw_titles(&self, svg: &mut String) {
        let scan = self.scan;
        let trace = &scan.trace;
        text(svg, (0.0, 12.0), Style { size: 13.0, weight: 600, ..STRONG }, &scan.title());
        text(svg, (self.width, 12.0), Style { anchor: "end", ..SOFT }, &moment(scan.start));
        let used = std::format!(
            "{}, {:.0} % in use",
            scan.method(),
            (trace.occupancy * 100.0).clamp(0.0, 100.0)
        );
        text(svg, (0.0, 28.0), SOFT, &used);
        if trace.overload {
            let style = Style { anchor: "end", weight: 600, fill: "#c22f2f", ..SOFT };
            text(svg, (self.width, 28.0), style, "overload");
        }
    }

    fn draw_axes(&self, svg: &mut String) {
        let (left, right) = self.x.places;
        let (bottom, top) = self.y.places;
        for (dbm, name) in self.y.ticks(8) {
            let y = self.y.place(dbm);
            line(svg, (left, y), (right, y), Self::GRID, "");
            text(svg, (left - 6.0, y + 3.5), Style { anchor: "end", size: 10.0, ..SOFT }, &name);
        }
        text(svg, (left - 6.0, top - 8.0), Style { anchor: "end", size: 10.0, ..SOFT }, "dBm");
        let megahertz =
            Scale { values: (self.x.values.0 / 1e6, self.x.values.1 / 1e6), places: self.x.places };
        let room = ((right - left) / 70.0) as usize;
        for (mhz, name) in megahertz.ticks(room) {
            let x = megahertz.place(mhz);
            line(svg, (x, bottom), (x, bottom + 4.0), "#9aa4b2", "");
            line(svg, (x, top), (x, bottom), Self::GRID, "");
            let style = Style { anchor: "middle", size: 10.0, ..SOFT };
            text(svg, (x, bottom + 16.0), style, &name);
        }
        text(svg, (right + 22.0, bottom + 16.0), Style { size: 10.0, ..SOFT }, "MHz");
    }

    /// The least and the greatest power of each place a unit wide. With fewer
    /// bins than places, both are on the line from bin to bin.
    fn columns(&self) -> Vec<(f64, f32, f32)> {
        let dbm = &self.scan.trace.dbm;
        let (left, right) = self.x.places;
        let places = ((right - left).floor() as usize).max(1);
        let at = |part: f64| left + (right - left) * part;
        if dbm.len() <= places {
            let middle = |bin: usize| at((bin as f64 + 0.5) / dbm.len() as f64);
            return dbm.iter().enumerate().map(|(bin, v)| (middle(bin), *v, *v)).collect();
        }
        (0..places)
            .filter_map(|place| {
                let edge = |place: usize| place * dbm.len() / places;
                let share = dbm.get(edge(place)..edge(place + 1))?;
                let least = share.iter().copied().fold(f32::MAX, f32::min);
                let greatest = share.iter().copied().fold(f32::MIN, f32::max);
                Some((at((place as f64 + 0.5) / places as f64), least, greatest))
            })
            .collect()
    }

    fn draw_curve(&self, svg: &mut String, columns: &[(f64, f32, f32)]) {
        let bottom = self.y.places.0;
        let point =
            |x: f64, dbm: f32| std::format!("{} {}", Figure(x), Figure(self.y.place(dbm.into())));
        let upper: Vec<String> = columns.iter().map(|(x, _, high)| point(*x, *high)).collect();
        let lower: Vec<String> = columns.iter().rev().map(|(x, low, _)| point(*x, *low)).collect();
        let (Some((first, ..)), Some((last, ..))) = (columns.first(), columns.last()) else {
            return;
        };
        let (upper, lower) = (upper.join("L"), lower.join("L"));
        let color = Self::AREA;
        svg.push_str(&std::format!(
            "<path d='M{first} {bottom}L{upper}L{last} {bottom}Z' fill='{color}' \
             fill-opacity='.13'/>\n\
             <path d='M{upper}L{lower}Z' fill='{color}' fill-opacity='.45'/>\n\
             <path d='M{upper}' fill='none' stroke='{color}' stroke-width='1.1' \
             stroke-linejoin='round'/>\n",
            first = Figure(*first),
            last = Figure(*last),
        ));
    }

    fn draw_floor(&self, svg: &mut String) {
        let floor = f64::from(self.scan.trace.noise_floor_dbm);
        let y = self.y.place(floor);
        let (left, right) = self.x.places;
        line(svg, (left, y), (right, y), Self::FLOOR, "stroke-dasharray='5 3'");
        let style = Style { size: 10.0, fill: Self::FLOOR, ..SOFT };
        text(svg, (right + 6.0, y - 2.0), style, "floor");
        text(svg, (right + 6.0, y + 9.5), style, &number(floor, 1));
    }

    /// Names peaks where there is room above the curve, the strongest first.
    fn draw_names(&self, svg: &mut String, columns: &[(f64, f32, f32)]) {
        let (left, right) = self.x.places;
        let mut taken: Vec<(f64, f64)> = Vec::new();
        for peak in &self.scan.trace.peaks {
            if taken.len() >= Self::NAMES {
                break;
            }
            let name = frequency(peak.hz, self.x.values);
            let half = text_width(&name, 10.0) / 2.0 + 2.0;
            if 2.0 * half > right - left {
                continue;
            }
            let x = self.x.place(peak.hz).clamp(left + half, right - half);
            let span = (x - half, x + half);
            if taken.iter().any(|(from, to)| span.0 < *to && *from < span.1) {
                continue;
            }
            // Above whatever is drawn under the name.
            let under = columns.iter().filter(|(at, ..)| (span.0..=span.1).contains(at));
            let highest = under.map(|(.., high)| *high).fold(peak.dbm, f32::max);
            let y = self.y.place(highest.into()) - 5.0;
            taken.push(span);
            let style = Style { anchor: "middle", size: 10.0, weight: 500, ..STRONG };
            text(svg, (x, y), style, &name);
        }
    }
}

/// A frequency in MHz with as many decimals as tell it from its neighbours.
fn frequency(hz: f64, band_hz: (f64, f64)) -> String {
    let megahertz = ((band_hz.1 - band_hz.0) / 1e6).max(1e-3);
    let decimals = (2.3 - megahertz.log10()).ceil().clamp(1.0, 5.0);
    number(hz / 1e6, decimals as usize)
}

/// How letters look.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) anchor: &'static str,
    pub(super) size: f64,
    pub(super) weight: u16,
    pub(super) fill: &'static str,
}

pub(super) const STRONG: Style =
    Style { anchor: "start", size: 11.0, weight: 400, fill: ink::STRONG };
pub(super) const SOFT: Style = Style { anchor: "start", size: 11.0, weight: 400, fill: ink::SOFT };

pub(super) fn text(svg: &mut String, at: (f64, f64), style: Style, content: &str) {
    let Style { anchor, size, weight, fill } = style;
    svg.push_str(&std::format!(
        "<text x='{}' y='{}' font-size='{size}' font-weight='{weight}' fill='{fill}' \
         text-anchor='{anchor}'>{}</text>\n",
        Figure(at.0),
        Figure(at.1),
        escape(content)
    ));
}

pub(super) fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), stroke: &str, more: &str) {
    svg.push_str(&std::format!(
        "<path d='M{} {}L{} {}' stroke='{stroke}' {more}/>\n",
        Figure(from.0),
        Figure(from.1),
        Figure(to.0),
        Figure(to.1)
    ));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scos::Window;
    use proptest::prelude::*;

    const PARAMETERS: ScanParameters = ScanParameters {
        center_hz: 98_000_000,
        bandwidth_hz: 20_000_000,
        resolution_hz: 12_500,
        transforms: 16,
        detector: Detector::Mean,
        window: Window::BlackmanHarris,
        gain_db: 20,
        settings: None,
    };

    fn scan<'a>(dbm: &'a [f32], peaks: Vec<Peak>) -> Scan<'a> {
        let trace = Trace {
            band_hz: (88e6, 108e6),
            dbm: Cow::Borrowed(dbm),
            noise_floor_dbm: -120.0,
            occupancy: 0.25,
            peaks,
            overload: true,
        };
        Scan { ssd: "<ssd>", actor: "a&b", start: Utc::default(), parameters: PARAMETERS, trace }
    }

    #[test]
    fn a_panel_says_what_was_measured() {
        let peaks = [98.3e6, 98.35e6, 107.999e6].map(|hz| Peak { hz, dbm: -60.0 }).to_vec();
        let dbm = std::vec![-110.0; 50_000];
        let drawing = spectra(&[scan(&dbm, peaks)], 2, 1_000.0);
        for words in [
            "&lt;ssd&gt; for a&amp;b",
            "1970-01-01 00:00:00",
            "mean of 16, 12.5 kHz, 25 % in use",
            "overload",
            ">98.3<",
            ">108.0<",
            "\u{2212}120.0",
        ] {
            assert!(drawing.svg.contains(words), "{words}: {}", drawing.svg);
        }
        // No room beside the name of a stronger one.
        assert!(!drawing.svg.contains(">98.35<") && !drawing.svg.contains(">98.4<"));
        // One step a unit, not one a bin.
        assert!(drawing.svg.len() < 40_000, "{}", drawing.svg.len());
        assert_eq!(drawing.height, Panel::HEIGHT);
    }

    #[test]
    fn frequencies_have_as_many_decimals_as_the_band_needs() {
        assert_eq!(frequency(98.3e6, (88e6, 108e6)), "98.3");
        assert_eq!(frequency(433.92e6, (433e6, 435e6)), "433.92");
        assert_eq!(frequency(433.92e6, (433.9e6, 434e6)), "433.9200");
    }

    proptest! {
        #[test]
        fn any_trace_is_drawn_in_numbers(
            dbm in prop::collection::vec(any::<f32>(), 0..50),
            low: f64, high: f64, floor: f32, hz: f64, width in 200.0_f64..2_000.0,
        ) {
            let mut scan = scan(&dbm, std::vec![Peak { hz, dbm: floor }]);
            scan.trace.band_hz = (low, high);
            scan.trace.noise_floor_dbm = floor;
            let svg = spectra(&[scan], 1, width).svg;
            // In places; names of values may say what they like.
            for wrong in ["='NaN", "='inf", "M NaN", "LNaN", " NaN", " inf"] {
                prop_assert!(!svg.contains(wrong), "{}", svg);
            }
        }
    }
}
