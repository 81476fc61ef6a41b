//! From samples to the summary of a spectrum that a report carries.

use farpost::scos::{Detector, ScanParameters, Window};
use farpost::wire::{NoSpace, Writer};
use microfft::Complex32;

use crate::device::wave::{round, turned};

/// The longest transform.
pub const LONGEST: usize = 512;

/// Octets of the longest summary: its points, eight peaks, and the single figures.
pub const SUMMARY: usize = 1_024;

/// What is this many half decibels above the noise floor is in use: 6 dB.
const MARGIN: u8 = 12;
const PEAKS: usize = 8;

/// A summary as a report carries it: an octet 1, then this as postcard has it. The host's
/// `Summary` is the same.
struct Summary<'a> {
    low_hz: u64,
    high_hz: u64,
    /// In hundredths of a dBm.
    top_cdbm: i16,
    /// In half decibels below the top.
    points: &'a [u8],
    noise_floor_cdbm: i16,
    occupancy_permille: u16,
    peaks: &'a [Peak],
    overload: bool,
}

#[derive(Clone, Copy)]
struct Peak {
    hz: u64,
    cdbm: i16,
}

const FORM: u8 = 1;

impl Summary<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        to.u8(FORM)?;
        varint(to, self.low_hz)?;
        varint(to, self.high_hz)?;
        signed(to, self.top_cdbm)?;
        varint(to, self.points.len() as u64)?;
        to.octets(self.points)?;
        signed(to, self.noise_floor_cdbm)?;
        varint(to, self.occupancy_permille.into())?;
        varint(to, self.peaks.len() as u64)?;
        for peak in self.peaks {
            varint(to, peak.hz)?;
            signed(to, peak.cdbm)?;
        }
        to.u8(self.overload.into())
    }
}

/// Seven bits an octet, the lowest first; the top bit says that there are more.
fn varint(to: &mut Writer<'_>, mut value: u64) -> Result<(), NoSpace> {
    while value > 0x7f {
        to.u8(value as u8 | 0x80)?;
        value >>= 7;
    }
    to.u8(value as u8)
}

/// The sign is the lowest bit.
fn signed(to: &mut Writer<'_>, value: i16) -> Result<(), NoSpace> {
    let folded = (value << 1) ^ (value >> 15);
    varint(to, folded.cast_unsigned().into())
}

/// Where samples become figures.
pub struct Workspace {
    window: [f32; LONGEST],
    samples: [Complex32; LONGEST],
    /// The figure of each bin so far.
    power: [f32; LONGEST],
}

impl Workspace {
    pub const EMPTY: Self = Self {
        window: [0.0; LONGEST],
        samples: [Complex32::new(0.0, 0.0); LONGEST],
        power: [0.0; LONGEST],
    };
}

/// Takes samples one transform at a time.
pub struct Analyser {
    work: &'static mut Workspace,
    parameters: ScanParameters,
    gain_db: i8,
    /// Samples of a transform.
    pub length: usize,
    done: u16,
    overload: bool,
    /// The strongest signal at the antenna, in hundredths of dBm, of the last summary.
    pub top_cdbm: i16,
}

impl Analyser {
    /// At rest.
    pub const fn new(work: &'static mut Workspace) -> Self {
        let parameters = ScanParameters {
            center_hz: 0,
            bandwidth_hz: 0,
            resolution_hz: 0,
            transforms: 0,
            detector: Detector::Mean,
            window: Window::Hann,
            gain_db: 0,
            settings: None,
        };
        Self { work, parameters, gain_db: 0, length: 16, done: 0, overload: false, top_cdbm: 0 }
    }

    /// Whether it can do what `parameters` ask for: transforms of 16 to 512 samples,
    /// any detector but the median, which would need all of them at once, and no settings
    /// that this front-end has not.
    pub fn can(parameters: &ScanParameters) -> bool {
        length(parameters).is_some()
            && parameters.transforms > 0
            && parameters.detector != Detector::Median
            && parameters.settings.is_none()
    }

    /// Begins anew, with samples taken at a gain of `gain_db`.
    pub fn begin(&mut self, parameters: &ScanParameters, gain_db: i8) {
        self.parameters = *parameters;
        self.gain_db = gain_db;
        self.length = length(parameters).unwrap_or(LONGEST);
        self.done = 0;
        self.overload = false;
        let length = self.length as f32;
        for (place, weight) in self.work.window.iter_mut().take(self.length).enumerate() {
            // From half a turn before the middle to half a turn after it.
            *weight = weigh(parameters.window, turned(place as f32 / length - 0.5).re);
        }
    }

    /// What it was begun with, and the gain there was.
    pub const fn executed(&self) -> ScanParameters {
        ScanParameters { gain_db: self.gain_db, ..self.parameters }
    }

    /// Room for the samples of the next transform.
    pub fn room(&mut self) -> &mut [Complex32] {
        let length = self.length;
        self.work.samples.get_mut(..length).unwrap_or_default()
    }

    /// Transforms what is in the room. Returns whether that was the last one.
    pub fn transform(&mut self) -> bool {
        self.overload |= self
            .work
            .samples
            .iter()
            .take(self.length)
            .any(|s| s.re.abs() > 1.0 || s.im.abs() > 1.0);
        let Workspace { window, samples, power } = self.work;
        for (sample, weight) in samples.iter_mut().zip(window).take(self.length) {
            *sample *= *weight;
        }
        fourier(samples, self.length);
        let first = self.done == 0;
        for (figure, bin) in power.iter_mut().zip(samples).take(self.length) {
            let power = bin.norm_sqr();
            *figure = match self.parameters.detector {
                _ if first => power,
                Detector::Sample => power,
                Detector::Max if *figure > power => *figure,
                Detector::Min if *figure < power => *figure,
                Detector::Max | Detector::Min => power,
                Detector::Mean | Detector::M4s | Detector::Median => *figure + power,
            };
        }
        self.done = self.done.saturating_add(1);
        self.done >= self.parameters.transforms
    }

    /// Encodes the summary of what was measured. `None` if `buffer` is too short.
    pub fn summarise<'b>(&mut self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let parameters = &self.parameters;
        let count = match parameters.detector {
            Detector::Mean | Detector::M4s | Detector::Median => f32::from(self.done.max(1)),
            _ => 1.0,
        };
        let sum: f32 = self.work.window.iter().take(self.length).sum();
        let scale = 1.0 / (sum * sum * count);
        let dbm = |bin: usize| {
            // Frequencies below the centre are in the upper half.
            let bin = (bin + self.length / 2) % self.length;
            let power = self.work.power.get(bin).copied().unwrap_or(0.0) * scale;
            10.0 * libm::log10f(power.max(1e-20)) - f32::from(self.gain_db)
        };
        let bins = 0..self.length;
        let top = bins.clone().map(dbm).fold(f32::MIN, f32::max);
        let mut points = [0_u8; LONGEST];
        for (point, bin) in points.iter_mut().zip(bins) {
            *point = round((top - dbm(bin)) * 2.0).clamp(0, 255) as u8;
        }
        let points = points.get(..self.length)?;
        let floor = median(points);
        let above = |point: u8| floor.saturating_sub(point) >= MARGIN;
        let in_use = points.iter().filter(|point| above(**point)).count();
        let half = u64::from(parameters.bandwidth_hz / 2);
        let low_hz = parameters.center_hz.saturating_sub(half);
        let cdbm = |point: u8| round((top - f32::from(point) / 2.0) * 100.0) as i16;
        let mut peaks = [Peak { hz: 0, cdbm: 0 }; PEAKS];
        let mut found = 0;
        let mut seen = [usize::MAX; PEAKS];
        for peak in &mut peaks {
            let apart = |bin: usize| seen.iter().all(|at| at.abs_diff(bin) > self.length / 64);
            let best =
                points.iter().enumerate().filter(|(bin, point)| apart(*bin) && above(**point));
            let Some((bin, point)) = best.min_by_key(|(_, point)| **point) else { break };
            let width = u64::from(parameters.bandwidth_hz);
            *peak = Peak {
                hz: low_hz + (width * bin as u64 >> self.length.trailing_zeros()),
                cdbm: cdbm(*point),
            };
            if let Some(seen) = seen.get_mut(found) {
                *seen = bin;
            }
            found += 1;
        }
        let summary = Summary {
            low_hz,
            high_hz: parameters.center_hz.saturating_add(half),
            top_cdbm: cdbm(0),
            points,
            noise_floor_cdbm: cdbm(floor),
            occupancy_permille: (in_use * 1_000 / self.length) as u16,
            peaks: peaks.get(..found)?,
            overload: self.overload,
        };
        let mut writer = Writer::new(buffer);
        summary.encode(&mut writer).ok()?;
        self.top_cdbm = summary.top_cdbm;
        Some(writer.finish())
    }
}

/// Samples of a transform: the least power of two that resolves what is asked for.
fn length(parameters: &ScanParameters) -> Option<usize> {
    let bins = parameters.bandwidth_hz.div_ceil(parameters.resolution_hz.max(1));
    let length = (bins as usize).checked_next_power_of_two()?.max(16);
    (parameters.resolution_hz > 0 && length <= LONGEST).then_some(length)
}

/// The value of half of the points.
fn median(points: &[u8]) -> u8 {
    let mut below = 0;
    for value in 0..=u8::MAX {
        below += points.iter().filter(|point| **point == value).count();
        if below * 2 >= points.len() {
            return value;
        }
    }
    u8::MAX
}

/// The weight of a sample: a sum of cosines of multiples of an angle, which is measured from
/// the middle of the window, by the cosine of that angle.
fn weigh(window: Window, cosine: f32) -> f32 {
    let terms: &[f32] = match window {
        Window::Rectangular => &[1.0],
        Window::Hann => &[0.5, 0.5],
        Window::Hamming => &[0.54, 0.46],
        Window::BlackmanHarris => &[0.358_75, 0.488_29, 0.141_28, 0.011_68],
        Window::FlatTop => &[0.215_578_95, 0.416_631_58, 0.277_263_16, 0.083_578_95, 0.006_947_368],
    };
    let (mut before, mut of_multiple) = (cosine, 1.0);
    let mut weight = 0.0;
    for term in terms {
        weight += term * of_multiple;
        (before, of_multiple) = (of_multiple, 2.0 * cosine * of_multiple - before);
    }
    weight
}

fn fourier(samples: &mut [Complex32; LONGEST], length: usize) {
    use microfft::complex::{cfft_16, cfft_32, cfft_64, cfft_128, cfft_256, cfft_512};
    macro_rules! of {
        ($transform:ident) => {
            if let Some(samples) = samples.first_chunk_mut() {
                // It works in place.
                let _ = $transform(samples);
            }
        };
    }
    match length {
        16 => of!(cfft_16),
        32 => of!(cfft_32),
        64 => of!(cfft_64),
        128 => of!(cfft_128),
        256 => of!(cfft_256),
        _ => of!(cfft_512),
    }
}
