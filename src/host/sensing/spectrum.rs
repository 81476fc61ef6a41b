//! Power spectra.

use std::fmt;
use std::sync::Arc;
use std::vec;
use std::vec::Vec;

use rustfft::{Fft, FftPlanner};

use super::window::{equivalent_noise_bandwidth, weights};
use super::{Complex32, FrontEnd, FrontEndError, Level, Plan, PlanError};
use crate::scos::{Detector, ScanParameters};
use crate::time::Utc;

/// Takes the samples of one scan from `front_end` and computes its spectrum.
/// Memory is that of one transform, and of all their powers for the median.
///
/// # Errors
///
/// Parameters that are too much to compute or beyond the front-end, or what is
/// wrong with the source of samples.
pub fn measure<F: FrontEnd + ?Sized>(
    front_end: &mut F,
    parameters: &ScanParameters,
    start: Utc,
) -> Result<Spectrum, SenseError> {
    let mut analyser = Analyser::new(parameters)?;
    let tuned = front_end.tune(parameters, start)?;
    let mut samples = vec![Complex32::ZERO; analyser.plan().bins()];
    let mut overload = false;
    let skip = parameters.settings.map_or(0, |settings| settings.skip_samples) as usize;
    let mut left = skip;
    while left > 0 {
        let some = left.min(samples.len());
        front_end.read(samples.get_mut(..some).unwrap_or_default())?;
        left -= some;
    }
    for _ in 0..parameters.transforms {
        overload |= front_end.read(&mut samples)? == Level::Overload;
        analyser.push(&samples);
    }
    Ok(analyser.finish(start, tuned.full_scale_dbm, overload))
}

/// Why there is no spectrum.
#[derive(Debug)]
#[non_exhaustive]
pub enum SenseError {
    /// The scan is too much to compute.
    Plan(PlanError),
    /// The front-end gave no samples.
    FrontEnd(FrontEndError),
}

impl fmt::Display for SenseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => error.fmt(f),
            Self::FrontEnd(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SenseError {}

impl From<PlanError> for SenseError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<FrontEndError> for SenseError {
    fn from(error: FrontEndError) -> Self {
        Self::FrontEnd(error)
    }
}

/// Computes one spectrum, transform by transform.
///
/// [`measure`] is the short way. A caller that must stop in the middle, because
/// its slot is over, pushes block by block and finishes with what it has.
pub struct Analyser {
    parameters: ScanParameters,
    plan: Plan,
    weights: Vec<f32>,
    transform: Arc<dyn Fft<f32>>,
    block: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f32>,
    detected: Vec<(Detector, Detected)>,
    transforms: u16,
}

impl Analyser {
    /// Samples are limited to this many times full scale, far beyond what any
    /// front-end gives, so that no power is infinite.
    const LIMIT: f32 = 1e9;

    /// The least power there is, relative to full scale: a bin is never below
    /// -250 dB of full scale, and so always finite.
    const LEAST_POWER: f64 = 1e-25;

    /// An analyser for one scan.
    ///
    /// # Errors
    ///
    /// See [`Plan::new`].
    pub fn new(parameters: &ScanParameters) -> Result<Self, PlanError> {
        let plan = Plan::new(parameters)?;
        let transform = FftPlanner::new().plan_fft_forward(plan.bins());
        Ok(Self {
            parameters: *parameters,
            plan,
            weights: weights(parameters.window, plan.bins()),
            block: Vec::with_capacity(plan.bins()),
            scratch: vec![Complex32::ZERO; transform.get_inplace_scratch_len()],
            power: Vec::with_capacity(plan.bins()),
            detected: figures(parameters.detector)
                .iter()
                .map(|detector| (*detector, Detected::new(*detector, plan.bins())))
                .collect(),
            transforms: 0,
            transform,
        })
    }

    /// Takes the next [`Plan::bins`] samples. Samples past that are ignored,
    /// missing ones are zero, and so is what is not a number.
    pub fn push(&mut self, samples: &[Complex32]) {
        let part = |x: f32| if x.is_nan() { 0.0 } else { x.clamp(-Self::LIMIT, Self::LIMIT) };
        self.block.clear();
        self.block.extend(
            samples
                .iter()
                .zip(&self.weights)
                .map(|(x, weight)| Complex32::new(part(x.re), part(x.im)) * weight),
        );
        self.block.resize(self.plan.bins(), Complex32::ZERO);
        self.transform.process_with_scratch(&mut self.block, &mut self.scratch);
        // Bin 0 is the centre: the upper half of a transform is below it.
        let (above, below) = self.block.split_at(self.plan.bins() / 2);
        self.power.clear();
        self.power.extend(below.iter().chain(above).map(Complex32::norm_sqr));
        self.detected.iter_mut().for_each(|(_, detected)| detected.push(&self.power));
        self.transforms = self.transforms.saturating_add(1);
    }

    /// What the parameters came to.
    #[must_use]
    pub const fn plan(&self) -> Plan {
        self.plan
    }

    /// The spectrum of what was pushed; of silence when nothing was.
    #[must_use]
    pub fn finish(self, start: Utc, full_scale_dbm: f32, overload: bool) -> Spectrum {
        let dbm = |power: f64| {
            (10.0 * power.max(Self::LEAST_POWER).log10() + f64::from(full_scale_dbm)) as f32
        };
        let bins = self.plan.bins();
        let mut series = self.detected.into_iter().map(|(detector, detected)| {
            let mut power = detected.finish();
            power.resize(bins, 0.0);
            (detector, power.into_iter().map(dbm).collect())
        });
        let (detector, first) = series.next().unwrap_or_default();
        Spectrum {
            parameters: self.parameters,
            start,
            transforms: self.transforms,
            overload,
            detector,
            dbm: first,
            others: series.collect(),
        }
    }
}

impl fmt::Debug for Analyser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Analyser")
            .field("parameters", &self.parameters)
            .field("plan", &self.plan)
            .field("transforms", &self.transforms)
            .finish_non_exhaustive()
    }
}

/// The figures of a detector, the one that stands for all first.
const fn figures(detector: Detector) -> &'static [Detector] {
    match detector {
        Detector::Sample => &[Detector::Sample],
        Detector::Mean => &[Detector::Mean],
        Detector::Max => &[Detector::Max],
        Detector::Min => &[Detector::Min],
        Detector::Median => &[Detector::Median],
        Detector::M4s => {
            &[Detector::Mean, Detector::Max, Detector::Min, Detector::Median, Detector::Sample]
        }
    }
}

/// What a detector keeps of the powers so far.
enum Detected {
    Sample(Vec<f32>),
    Max(Vec<f32>),
    Min(Vec<f32>),
    Mean {
        sums: Vec<f64>,
        count: u32,
    },
    /// Every power, transform after transform.
    Median {
        powers: Vec<f32>,
        bins: usize,
    },
}

impl Detected {
    fn new(detector: Detector, bins: usize) -> Self {
        match detector {
            Detector::Sample => Self::Sample(Vec::new()),
            Detector::Max => Self::Max(Vec::new()),
            Detector::Min => Self::Min(Vec::new()),
            Detector::Mean | Detector::M4s => Self::Mean { sums: Vec::new(), count: 0 },
            Detector::Median => Self::Median { powers: Vec::new(), bins },
        }
    }

    fn push(&mut self, power: &[f32]) {
        match self {
            Self::Sample(last) => replace(last, power, |_, new| new),
            Self::Max(most) => replace(most, power, f32::max),
            Self::Min(least) => replace(least, power, f32::min),
            Self::Mean { sums, count } => {
                sums.resize(power.len(), 0.0);
                sums.iter_mut().zip(power).for_each(|(sum, power)| *sum += f64::from(*power));
                *count += 1;
            }
            Self::Median { powers, .. } => powers.extend_from_slice(power),
        }
    }

    fn finish(self) -> Vec<f64> {
        match self {
            Self::Sample(power) | Self::Max(power) | Self::Min(power) => {
                power.into_iter().map(f64::from).collect()
            }
            Self::Mean { sums, count } => {
                sums.into_iter().map(|sum| sum / f64::from(count.max(1))).collect()
            }
            Self::Median { powers, bins } => {
                let column = |bin| powers.iter().skip(bin).step_by(bins).copied().collect();
                (0..bins).map(|bin| f64::from(median(column(bin)).unwrap_or(0.0))).collect()
            }
        }
    }
}

fn replace(kept: &mut Vec<f32>, power: &[f32], choose: impl Fn(f32, f32) -> f32) {
    if kept.is_empty() {
        kept.extend_from_slice(power);
    } else {
        kept.iter_mut().zip(power).for_each(|(kept, power)| *kept = choose(*kept, *power));
    }
}

/// The middle value, and of an even number the mean of the middle two.
fn median(mut values: Vec<f32>) -> Option<f32> {
    let middle = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    if values.is_empty() {
        return None;
    }
    let (below, upper, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    let lower = below.iter().copied().max_by(f32::total_cmp).filter(|_| even).unwrap_or(*upper);
    Some(lower.midpoint(*upper))
}

/// A power spectrum: what a scan measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    parameters: ScanParameters,
    start: Utc,
    transforms: u16,
    overload: bool,
    /// What `dbm` shows.
    detector: Detector,
    dbm: Vec<f32>,
    /// What the detector shows besides.
    others: Vec<(Detector, Vec<f32>)>,
}

impl Spectrum {
    /// How far above the noise floor a bin must be to count as occupied.
    pub const MARGIN_DB: f32 = 6.0;

    /// What was asked for.
    #[must_use]
    pub const fn parameters(&self) -> &ScanParameters {
        &self.parameters
    }

    /// The time of the first sample.
    #[must_use]
    pub const fn start(&self) -> Utc {
        self.start
    }

    /// How many transforms there were: fewer than asked for when the scan was cut.
    #[must_use]
    pub const fn transforms(&self) -> u16 {
        self.transforms
    }

    /// Whether the front-end was overloaded at some time.
    #[must_use]
    pub const fn overload(&self) -> bool {
        self.overload
    }

    /// The power of each bin at the antenna, in dBm, in order of frequency: a
    /// power of two of finite figures. With the detector M4S it is the mean.
    #[must_use]
    pub fn dbm(&self) -> &[f32] {
        &self.dbm
    }

    /// Every figure of the detector, with what it is: five with M4S, else
    /// [`Spectrum::dbm`] alone.
    pub fn series(&self) -> impl Iterator<Item = (Detector, &[f32])> {
        let others = self.others.iter().map(|(detector, dbm)| (*detector, dbm.as_slice()));
        core::iter::once((self.detector, self.dbm.as_slice())).chain(others)
    }

    /// From bin to bin, in hertz.
    #[must_use]
    pub fn bin_hz(&self) -> f64 {
        f64::from(self.parameters.bandwidth_hz) / self.dbm.len() as f64
    }

    /// The equivalent noise bandwidth of a bin, in hertz: at most the
    /// resolution asked for.
    #[must_use]
    pub fn resolution_hz(&self) -> f64 {
        self.bin_hz() * equivalent_noise_bandwidth(self.parameters.window)
    }

    /// The frequency of the centre of bin `index`, in hertz. Bin `bins / 2` is
    /// at the centre of the band.
    #[must_use]
    pub fn frequency_hz(&self, index: usize) -> f64 {
        let half = self.dbm.len() as f64 / 2.0;
        self.parameters.center_hz as f64 + (index as f64 - half) * self.bin_hz()
    }

    /// The noise floor, in dBm a bin: the median of the bins. It is the noise
    /// as this detector shows it, as long as less than half of the band is in
    /// use.
    #[must_use]
    pub fn noise_floor_dbm(&self) -> f32 {
        median(self.dbm.clone()).unwrap_or_default()
    }

    /// The part of the band that is in use, 0 to 1: bins `margin_db` or more
    /// above the noise floor. With few transforms the noise itself crosses a
    /// small margin: 6 dB serves from about 8 transforms of mean or median.
    #[must_use]
    pub fn occupancy(&self, margin_db: f32) -> f32 {
        let threshold = self.noise_floor_dbm() + margin_db;
        let used = self.dbm.iter().filter(|dbm| **dbm >= threshold).count();
        used as f32 / self.dbm.len().max(1) as f32
    }

    /// At most `count` peaks, strongest first: the strongest bin at least
    /// `margin_db` above the noise floor, then the strongest that is at least
    /// `separation_hz` from those before, and so on.
    #[must_use]
    pub fn peaks(&self, count: usize, margin_db: f32, separation_hz: f64) -> Vec<Peak> {
        let threshold = self.noise_floor_dbm() + margin_db;
        let mut candidates: Vec<Peak> = (0..)
            .zip(local_maxima(&self.dbm))
            .filter(|(_, (dbm, highest))| *highest && *dbm >= threshold)
            .map(|(index, (dbm, _))| Peak { hz: self.frequency_hz(index), dbm })
            .collect();
        candidates.sort_by(|a, b| b.dbm.total_cmp(&a.dbm));
        let mut peaks: Vec<Peak> = Vec::new();
        for peak in candidates {
            if peaks.len() >= count {
                break;
            }
            if peaks.iter().all(|other| (other.hz - peak.hz).abs() >= separation_hz) {
                peaks.push(peak);
            }
        }
        peaks
    }
}

/// A local maximum of a spectrum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// The frequency of its bin, in hertz.
    pub hz: f64,
    /// The power of its bin, in dBm.
    pub dbm: f32,
}

/// Each value, and whether neither neighbour is greater.
fn local_maxima(values: &[f32]) -> impl Iterator<Item = (f32, bool)> {
    let before = core::iter::once(f32::MIN).chain(values.iter().copied());
    let after = values.iter().copied().skip(1).chain(core::iter::once(f32::MIN));
    values
        .iter()
        .zip(before)
        .zip(after)
        .map(|((v, before), after)| (*v, *v >= before && *v > after))
}

#[cfg(test)]
mod tests {
    use super::super::tests::PARAMETERS;
    use super::*;
    use crate::scos::Window;
    use core::f32::consts::TAU;
    use proptest::prelude::*;

    const DETECTORS: [Detector; 5] =
        [Detector::Sample, Detector::Mean, Detector::Max, Detector::Min, Detector::Median];
    const WINDOWS: [Window; 5] = [
        Window::Rectangular,
        Window::Hann,
        Window::Hamming,
        Window::BlackmanHarris,
        Window::FlatTop,
    ];

    fn spectrum(parameters: &ScanParameters, samples: &[Complex32]) -> Spectrum {
        let mut analyser = Analyser::new(parameters).unwrap();
        samples.chunks(analyser.plan().bins()).for_each(|block| analyser.push(block));
        analyser.finish(Utc::default(), -30.0, false)
    }

    /// A tone of `amplitude`, `turns` a sample.
    fn tone(amplitude: f32, turns: f32, count: usize) -> Vec<Complex32> {
        (0..count).map(|n| Complex32::cis(TAU * (turns * n as f32).fract()) * amplitude).collect()
    }

    /// Every point of a lattice that fills the plane evenly enough to be noise.
    fn noise(count: usize) -> Vec<Complex32> {
        let mut state = 1_u64;
        let mut unit = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5
        };
        (0..count).map(|_| Complex32::new(unit(), unit())).collect()
    }

    #[test]
    fn a_tone_shows_its_power_in_its_bin() {
        for window in WINDOWS {
            let parameters = ScanParameters { window, ..PARAMETERS };
            let bins = Plan::new(&parameters).unwrap().bins();
            // A quarter of the rate below the centre, 20 dB below full scale.
            let measured = spectrum(&parameters, &tone(0.1, -0.25, bins * 8));
            let peaks = measured.peaks(1, 6.0, 1e5);
            let [peak] = peaks.as_slice() else { panic!("{peaks:?}") };
            assert!((peak.dbm - -50.0).abs() < 0.02, "{window:?}: {}", peak.dbm);
            assert_eq!(peak.hz, 97_750_000.0);
            assert_eq!(measured.frequency_hz(bins / 4), 97_750_000.0);
            assert_eq!(measured.frequency_hz(bins / 2), 98_000_000.0);
        }
    }

    #[test]
    fn a_flat_top_shows_a_tone_between_bins_as_well() {
        let parameters = ScanParameters { window: Window::FlatTop, ..PARAMETERS };
        let bins = Plan::new(&parameters).unwrap().bins();
        let between = 0.125 + 0.5 / bins as f32;
        let measured = spectrum(&parameters, &tone(0.1, between, bins));
        assert!((measured.peaks(1, 6.0, 1e5)[0].dbm - -50.0).abs() < 0.02);
    }

    #[test]
    fn noise_has_its_density_in_every_window() {
        // Each part is even over a unit: a variance of 1/12, so 1/6 for both.
        let density = 10.0 * (1.0_f64 / 6.0 / 1e6).log10() - 30.0;
        for window in WINDOWS {
            let parameters = ScanParameters { window, transforms: 1_000, ..PARAMETERS };
            let bins = Plan::new(&parameters).unwrap().bins();
            let measured = spectrum(&parameters, &noise(bins * 1_000));
            let expected = density + 10.0 * measured.resolution_hz().log10();
            let floor = f64::from(measured.noise_floor_dbm());
            assert!((floor - expected).abs() < 0.1, "{window:?}: {floor} {expected}");
            assert_eq!(measured.occupancy(6.0), 0.0);
            assert!(measured.peaks(9, 6.0, 0.0).is_empty());
        }
    }

    #[test]
    fn bins_hold_the_power_of_the_samples() {
        // Parseval: over bins of a noise bandwidth each, mean power is kept.
        for window in WINDOWS {
            let parameters = ScanParameters { window, transforms: 200, ..PARAMETERS };
            let bins = Plan::new(&parameters).unwrap().bins();
            let mut samples = noise(bins * 200);
            samples.iter_mut().zip(tone(0.3, 0.1, bins * 200)).for_each(|(s, t)| *s += t);
            let power: f32 =
                samples.iter().map(Complex32::norm_sqr).sum::<f32>() / samples.len() as f32;
            let measured = spectrum(&parameters, &samples);
            let sum: f64 =
                measured.dbm().iter().map(|dbm| 10_f64.powf((f64::from(*dbm) + 30.0) / 10.0)).sum();
            let sum = sum / equivalent_noise_bandwidth(window);
            assert!((10.0 * (sum / f64::from(power)).log10()).abs() < 0.05, "{window:?}");
        }
    }

    #[test]
    fn m4s_is_the_figures_of_all_detectors() {
        let samples = noise(256 * 7);
        let all = ScanParameters { detector: Detector::M4s, ..PARAMETERS };
        let all = spectrum(&all, &samples);
        assert_eq!(all.series().count(), 5);
        for (detector, dbm) in all.series() {
            let one = spectrum(&ScanParameters { detector, ..PARAMETERS }, &samples);
            assert_eq!(one.series().collect::<Vec<_>>(), [(detector, dbm)]);
        }
        assert_eq!(all.series().next().unwrap(), (Detector::Mean, all.dbm()));
    }

    #[test]
    fn an_even_number_has_a_median_too() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
    }

    #[test]
    fn half_a_band_of_signal_is_half_occupied() {
        let parameters = ScanParameters { transforms: 1, ..PARAMETERS };
        let mut dbm = vec![-100.0; 128];
        dbm.extend([-100.5; 64]);
        dbm.extend([-60.0; 64]);
        let spectrum = Spectrum {
            parameters,
            start: Utc::default(),
            transforms: 1,
            overload: false,
            detector: Detector::Mean,
            dbm,
            others: vec![],
        };
        assert_eq!(spectrum.noise_floor_dbm(), -100.0);
        assert_eq!(spectrum.occupancy(6.0), 0.25);
    }

    #[test]
    fn a_cut_scan_is_a_spectrum_of_what_there_was() {
        let analyser = Analyser::new(&PARAMETERS).unwrap();
        let silence = analyser.finish(Utc::default(), -30.0, false);
        assert_eq!(silence.transforms(), 0);
        assert!(silence.dbm().iter().all(|dbm| *dbm == -280.0));
        let cut = spectrum(&PARAMETERS, &tone(0.1, 0.25, 256 * 3));
        assert_eq!(cut.transforms(), 3);
    }

    fn any_sample() -> impl Strategy<Value = Complex32> {
        let part = prop_oneof![-1.0_f32..1.0, prop::num::f32::ANY];
        (part.clone(), part).prop_map(|(re, im)| Complex32::new(re, im))
    }

    proptest! {
        #[test]
        fn any_samples_have_a_finite_spectrum(
            samples in prop::collection::vec(any_sample(), 0..200),
            window in prop::sample::select(&WINDOWS),
            detector in prop::sample::select(&DETECTORS),
        ) {
            let parameters =
                ScanParameters { resolution_hz: 100_000, window, detector, ..PARAMETERS };
            let measured = spectrum(&parameters, &samples);
            prop_assert!(measured.dbm().iter().all(|dbm| dbm.is_finite()));
            prop_assert!(measured.noise_floor_dbm().is_finite());
            prop_assert!((0.0..=1.0).contains(&measured.occupancy(6.0)));
        }

        #[test]
        fn detectors_are_ordered(samples in prop::collection::vec(any_sample(), 16..400)) {
            let [sample, mean, max, min, median] = DETECTORS.map(|detector| {
                let parameters = ScanParameters { resolution_hz: 1_000_000, detector, ..PARAMETERS };
                spectrum(&parameters, &samples)
            });
            for bin in 0..max.dbm().len() {
                let range = min.dbm()[bin]..=max.dbm()[bin];
                prop_assert!(range.contains(&median.dbm()[bin]));
                prop_assert!(range.contains(&sample.dbm()[bin]));
                // The mean is rounded on its own.
                prop_assert!(*range.start() <= mean.dbm()[bin] + 1e-3);
                prop_assert!(mean.dbm()[bin] <= range.end() + 1e-3);
            }
        }
    }
}
