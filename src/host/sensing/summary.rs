//! What of a spectrum fits in a report.

use std::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Peak, Spectrum};

/// A spectrum as a report carries it.
///
/// A point is one octet: half decibels below [`Summary::top_cdbm`]. That is a
/// range of 127.5 dB to 0.25 dB, finer than what front-ends are calibrated to;
/// 16-bit hundredths of a dBm would take two or three octets a point in postcard
/// and say no more. [`Summary::MOST_POINTS`] and the rest fit in a scan report,
/// 1,024 points in one datagram of 1,400 octets. Single figures are kept in
/// hundredths of a dBm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The lower edge of the band, in hertz.
    pub low_hz: u64,
    /// The upper edge of the band, in hertz.
    pub high_hz: u64,
    /// The power a point of 0 stands for, in hundredths of a dBm.
    pub top_cdbm: i16,
    /// The points, in order of frequency, each the greatest of its equal share
    /// of the band, in half decibels below the top; 255 is that or less.
    pub points: Vec<u8>,
    /// The noise floor, in hundredths of a dBm a bin.
    pub noise_floor_cdbm: i16,
    /// The part of the band in use, in thousandths.
    pub occupancy_permille: u16,
    /// The strongest peaks, strongest first.
    pub peaks: Vec<PeakSummary>,
    /// Whether the front-end was overloaded.
    pub overload: bool,
}

/// A peak as a report carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeakSummary {
    /// The frequency, in hertz.
    pub hz: u64,
    /// The power, in hundredths of a dBm.
    pub cdbm: i16,
}

impl Summary {
    /// How many peaks a report names.
    pub const PEAKS: usize = 8;
    /// Peaks are at least this part of the band apart.
    pub const PEAK_SEPARATION: f64 = 1.0 / 64.0;

    /// The most points with which [`Summary::encode`] needs at most
    /// 1,024 octets, whatever else there is to say: what a scan report carries.
    pub const MOST_POINTS: usize = 880;

    /// The first octet of an encoded summary: which form the rest has.
    const FORM: u8 = 1;

    /// Encodes it into `buffer`: an octet 1, then the fields in postcard. `None`
    /// when there is too little space.
    #[must_use]
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        postcard::to_slice(&(Self::FORM, self), buffer).ok().map(|used| &*used)
    }

    /// Decodes what [`Summary::encode`] gave. `None` for anything else.
    #[must_use]
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let ((form, summary), rest): ((u8, Self), _) = postcard::take_from_bytes(octets).ok()?;
        (form == Self::FORM && rest.is_empty()).then_some(summary)
    }

    /// The power of each point, in dBm.
    pub fn dbm(&self) -> impl Iterator<Item = f32> + '_ {
        let top = f32::from(self.top_cdbm) / 100.0;
        self.points.iter().map(move |point| top - f32::from(*point) / 2.0)
    }
}

/// The summary of `spectrum` in at most `points` points: fewer when it has fewer
/// bins, none when `points` is 0.
#[must_use]
pub fn summarise(spectrum: &Spectrum, points: usize) -> Summary {
    let parameters = spectrum.parameters();
    let half = u64::from(parameters.bandwidth_hz / 2);
    let held = max_hold(spectrum.dbm(), points);
    let top_cdbm = held.iter().copied().map(centi).max().unwrap_or_default();
    let top = f32::from(top_cdbm) / 100.0;
    let separation_hz = f64::from(parameters.bandwidth_hz) * Summary::PEAK_SEPARATION;
    let peak = |peak: Peak| PeakSummary { hz: peak.hz.round() as u64, cdbm: centi(peak.dbm) };
    Summary {
        low_hz: parameters.center_hz.saturating_sub(half),
        high_hz: parameters.center_hz.saturating_add(half),
        top_cdbm,
        points: held.into_iter().map(|dbm| ((top - dbm) * 2.0).round() as u8).collect(),
        noise_floor_cdbm: centi(spectrum.noise_floor_dbm()),
        occupancy_permille: (spectrum.occupancy(Spectrum::MARGIN_DB) * 1e3).round() as u16,
        peaks: spectrum
            .peaks(Summary::PEAKS, Spectrum::MARGIN_DB, separation_hz)
            .into_iter()
            .map(peak)
            .collect(),
        overload: spectrum.overload(),
    }
}

/// The greatest value of each of `points` equal shares of `values`, or `values`
/// when there are no more of them than points. Every value is in one share.
pub(crate) fn max_hold(values: &[f32], points: usize) -> Vec<f32> {
    let points = points.min(values.len());
    let edge =
        |point: usize| (values.len() as u128 * point as u128 / points.max(1) as u128) as usize;
    (0..points)
        .filter_map(|point| values.get(edge(point)..edge(point + 1)))
        .map(|share| share.iter().copied().fold(f32::MIN, f32::max))
        .collect()
}

/// Hundredths, as many as there are.
fn centi(dbm: f32) -> i16 {
    (dbm * 100.0).round() as i16
}

#[cfg(test)]
mod tests {
    use super::super::tests::PARAMETERS;
    use super::super::{Analyser, Band, Complex32, Place, Post, World, measure};
    use super::*;
    use crate::scos::ScanParameters;
    use crate::time::Utc;
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::vec;

    #[test]
    fn shares_are_whole_and_keep_their_greatest() {
        assert_eq!(max_hold(&[1.0, 5.0, 2.0, 3.0, 4.0], 2), [5.0, 4.0]);
        assert_eq!(max_hold(&[1.0, 5.0], 9), [1.0, 5.0]);
        assert!(max_hold(&[1.0], 0).is_empty());
        assert!(max_hold(&[], 3).is_empty());
    }

    #[test]
    fn a_thousand_points_fit_in_a_datagram() {
        let post = Post { number: 1, place: Place::default(), noise_figure_db: 6.0 };
        let parameters =
            ScanParameters { resolution_hz: 1_000, bandwidth_hz: 1_000_000, ..PARAMETERS };
        let spectrum =
            measure(&mut Band::new(Arc::new(World::town(2)), post), &parameters, Utc::default())
                .unwrap();
        let summary = summarise(&spectrum, 1_024);
        let mut buffer = [0; 1_400];
        let octets = summary.encode(&mut buffer).unwrap();
        assert_eq!(Summary::decode(octets).unwrap(), summary);
        assert_eq!(summary.points.len(), 1_024);
        assert_eq!((summary.low_hz, summary.high_hz), (97_500_000, 98_500_000));
    }

    #[test]
    fn the_most_points_always_fit_in_a_report() {
        let peak = PeakSummary { hz: u64::MAX, cdbm: i16::MIN };
        let worst = Summary {
            low_hz: u64::MAX,
            high_hz: u64::MAX,
            top_cdbm: i16::MIN,
            points: vec![255; Summary::MOST_POINTS],
            noise_floor_cdbm: i16::MIN,
            occupancy_permille: 1_000,
            peaks: vec![peak; Summary::PEAKS],
            overload: true,
        };
        let mut buffer = [0; 1_024];
        let length = worst.encode(&mut buffer).unwrap().len();
        assert_eq!(Summary::decode(&buffer[..length]), Some(worst));
        assert_eq!(Summary::decode(&buffer[..length - 1]), None);
        assert_eq!(Summary::decode(&buffer[1..length]), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_a_summary_or_not(octets in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(summary) = Summary::decode(&octets) {
                let mut buffer = [0; 1_000];
                prop_assert_eq!(Summary::decode(summary.encode(&mut buffer).unwrap()), Some(summary));
            }
        }

        #[test]
        fn points_keep_what_was_measured(
            parts in prop::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 32),
            points in 0_usize..40,
        ) {
            let parameters = ScanParameters { resolution_hz: 80_000, ..PARAMETERS };
            let mut analyser = Analyser::new(&parameters).unwrap();
            let samples: Vec<_> =
                parts.into_iter().map(|(re, im)| Complex32::new(re, im)).collect();
            analyser.push(&samples);
            let spectrum = analyser.finish(Utc::default(), -30.0, true);
            let summary = summarise(&spectrum, points);
            prop_assert!(summary.overload);
            let held = max_hold(spectrum.dbm(), points);
            prop_assert_eq!(summary.points.len(), points.min(32));
            for (kept, dbm) in summary.dbm().zip(held) {
                prop_assert!((kept - dbm).abs() <= 0.26, "{} {}", kept, dbm);
            }
        }
    }
}
