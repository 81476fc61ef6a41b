//! A front-end that needs no radio: it hears a [`World`].

use std::sync::Arc;

use rand_distr::{Distribution, StandardNormal};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

use super::signal::{Canvas, Nanos, between, dice};
use super::{Capabilities, Complex32, FrontEnd, FrontEndError, Level, Place, Tuned, World};
use crate::scos::ScanParameters;
use crate::time::Utc;

/// Where a front-end listens and how well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Post {
    /// Tells posts apart: each has noise and shadows of its own.
    pub number: u64,
    /// Where its antenna stands.
    pub place: Place,
    /// The noise figure, in decibels.
    pub noise_figure_db: f64,
}

/// A generated band: what a post hears of a world.
///
/// The samples are a pure function of world, post, parameters and UTC: emitters
/// by their received power, thermal noise of -174 dBm a hertz and the noise
/// figure, and the noise of a converter of 12 bits at 61.44 million samples a
/// second, limited at full scale. Full scale is -10 dBm at a gain of 0 dB: more
/// gain lifts what is received above the converter, too much overloads it.
#[derive(Clone, Debug)]
pub struct Band {
    world: Arc<World>,
    post: Post,
    capabilities: Capabilities,
    stream: Option<Stream>,
}

/// Samples that are being read.
#[derive(Clone, Debug)]
struct Stream {
    parameters: ScanParameters,
    start: Nanos,
    /// Samples read so far.
    position: u64,
    full_scale_dbm: f64,
    noise: Xoshiro256PlusPlus,
}

impl Band {
    /// Full scale at a gain of 0 dB, in dBm at the antenna.
    const FULL_SCALE_DBM: f64 = -10.0;
    /// What the steps of a 12-bit converter add, in decibels of full scale a
    /// hertz of its rate: -6.02 * 12 - 1.76 over 61.44 MHz.
    const CONVERTER_DB_HZ: f64 = -74.0 - 77.88;
    /// Thermal noise at 290 K, in dBm a hertz.
    const THERMAL_DBM_HZ: f64 = -173.98;

    /// What `post` hears of `world`: 1 MHz to 3 GHz, 10 kHz to 40 MHz wide, 0 to
    /// 60 dB of gain.
    #[must_use]
    pub const fn new(world: Arc<World>, post: Post) -> Self {
        let capabilities = Capabilities {
            frequency_hz: 1_000_000..=3_000_000_000,
            bandwidth_hz: 10_000..=40_000_000,
            gain_db: 0..=60,
        };
        Self { world, post, capabilities, stream: None }
    }

    /// The same with other capabilities.
    #[must_use]
    pub fn with_capabilities(self, capabilities: Capabilities) -> Self {
        Self { capabilities, ..self }
    }

    /// How far the way from emitter `key` to this post is from the usual, in
    /// decibels: hills and houses.
    fn shadow_db(&self, key: u64) -> f64 {
        between(&mut dice(&[key, self.post.number]), -6.0..6.0)
    }
}

impl FrontEnd for Band {
    fn capabilities(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn tune(&mut self, parameters: &ScanParameters, start: Utc) -> Result<Tuned, FrontEndError> {
        self.capabilities.check(parameters)?;
        let micros = start.unix_micros();
        let full_scale_dbm = Self::FULL_SCALE_DBM - f64::from(parameters.gain_db);
        let seed =
            dice(&[self.world.seed(), self.post.number, parameters.center_hz, micros as u64]);
        self.stream = Some(Stream {
            parameters: *parameters,
            start: Nanos::from(micros) * 1_000,
            position: 0,
            full_scale_dbm,
            noise: Xoshiro256PlusPlus::seed_from_u64(seed.clone().next_u64()),
        });
        Ok(Tuned { full_scale_dbm: full_scale_dbm as f32 })
    }

    fn read(&mut self, into: &mut [Complex32]) -> Result<Level, FrontEndError> {
        let Some(mut stream) = self.stream.take() else {
            return Err(FrontEndError::NotTuned);
        };
        let rate = f64::from(stream.parameters.bandwidth_hz);
        // Amplitudes are relative to full scale.
        let amplitude = |dbm: f64| 10_f64.powf((dbm - stream.full_scale_dbm) / 20.0);

        let thermal = amplitude(Self::THERMAL_DBM_HZ + self.post.noise_figure_db);
        let converter = amplitude(Self::CONVERTER_DB_HZ + stream.full_scale_dbm);
        // Half of the power is in each part.
        let deviation = (thermal.hypot(converter) * (rate / 2.0).sqrt()) as f32;
        for sample in &mut *into {
            let re: f32 = StandardNormal.sample(&mut stream.noise);
            let im: f32 = StandardNormal.sample(&mut stream.noise);
            *sample = Complex32::new(re, im) * deviation;
        }

        let elapsed = (stream.position as f64 * 1e9 / rate).floor() as Nanos;
        let mut canvas = Canvas { samples: into, start: stream.start + elapsed, rate };
        for (number, emitter) in (0..).zip(self.world.emitters()) {
            let offset_hz = emitter.hz() as f64 - stream.parameters.center_hz as f64;
            if offset_hz.abs() - emitter.reach_hz() > rate / 2.0 {
                continue;
            }
            let key = dice(&[self.world.seed(), number]).next_u64();
            let dbm = emitter.received_dbm(self.post.place) + self.shadow_db(key);
            canvas.add(amplitude(dbm), offset_hz, |time| emitter.stretch(key, time));
        }

        stream.position += into.len() as u64;
        self.stream = Some(stream);
        Ok(limit(into))
    }
}

/// Limits samples to full scale.
fn limit(samples: &mut [Complex32]) -> Level {
    let mut level = Level::Fine;
    for sample in samples {
        let limited = Complex32::new(sample.re.clamp(-1.0, 1.0), sample.im.clamp(-1.0, 1.0));
        if limited != *sample {
            level = Level::Overload;
        }
        *sample = limited;
    }
    level
}

#[cfg(test)]
mod tests {
    use super::super::tests::PARAMETERS;
    use super::super::{Emitter, Spectrum, measure};
    use super::*;
    use crate::scos::Detector;
    use core::time::Duration;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    const NOON: Utc = Utc::from_unix_seconds(1_795_435_200);

    fn post(number: u64, east: f64) -> Post {
        Post { number, place: Place { east, north: 0.0 }, noise_figure_db: 6.0 }
    }

    fn band(world: World, number: u64) -> Band {
        Band::new(Arc::new(world), post(number, 1_000.0 * number as f64))
    }

    fn samples(band: &mut Band, start: Utc, lengths: &[usize]) -> Vec<Complex32> {
        band.tune(&PARAMETERS, start).unwrap();
        let mut all = Vec::new();
        for length in lengths {
            let mut block = vec![Complex32::ZERO; *length];
            band.read(&mut block).unwrap();
            all.extend(block);
        }
        all
    }

    fn scan(band: &mut Band, start: Utc, center_hz: u64, bandwidth_hz: u32) -> Spectrum {
        let parameters = ScanParameters {
            center_hz,
            bandwidth_hz,
            resolution_hz: bandwidth_hz / 200,
            transforms: 16,
            detector: Detector::Max,
            ..PARAMETERS
        };
        measure(band, &parameters, start).unwrap()
    }

    #[test]
    fn silence_is_thermal_noise() {
        let parameters = ScanParameters { transforms: 500, gain_db: 40, ..PARAMETERS };
        let measured = measure(&mut band(World::silent(1), 1), &parameters, NOON).unwrap();
        let expected = -173.98 + 6.0 + 10.0 * measured.resolution_hz().log10();
        let floor = f64::from(measured.noise_floor_dbm());
        assert!((floor - expected).abs() < 0.2, "{floor} {expected}");
        assert!(!measured.overload());
    }

    #[test]
    fn too_little_gain_leaves_the_noise_of_the_converter() {
        let parameters = ScanParameters { transforms: 500, gain_db: 0, ..PARAMETERS };
        let measured = measure(&mut band(World::silent(1), 1), &parameters, NOON).unwrap();
        // -10 dBm less 74 dB over 61.44 MHz is -161.9 dBm a hertz, and thermal
        // noise of -168.0 lifts it by 1.0 dB.
        let expected = -160.93 + 10.0 * measured.resolution_hz().log10();
        let floor = f64::from(measured.noise_floor_dbm());
        assert!((floor - expected).abs() < 0.2, "{floor} {expected}");
    }

    #[test]
    fn a_carrier_arrives_with_its_power_less_the_way() {
        let place = Place { east: 1_000.0, north: 50.0 };
        let emitter = Emitter::carrier(98_125_000, 0.0, place);
        let mut band = band(World::silent(7).with(emitter), 1);
        let measured = measure(&mut band, &PARAMETERS, NOON).unwrap();
        let peak = measured.peaks(1, 6.0, 1e4)[0];
        assert_eq!(peak.hz, 98_125_000.0);
        // 50 m of free space at 98.125 MHz.
        let key = dice(&[7, 0]).next_u64();
        let expected = -46.26 + band.shadow_db(key);
        assert!((f64::from(peak.dbm) - expected).abs() < 0.2, "{} {expected}", peak.dbm);
    }

    #[test]
    fn too_much_gain_overloads() {
        let near = Place { east: 1_000.0, north: 10.0 };
        let world = World::silent(7).with(Emitter::carrier(98_100_000, 20.0, near));
        let parameters = ScanParameters { gain_db: 60, ..PARAMETERS };
        assert!(measure(&mut band(world.clone(), 1), &parameters, NOON).unwrap().overload());
        let parameters = ScanParameters { gain_db: 0, ..PARAMETERS };
        assert!(!measure(&mut band(world, 1), &parameters, NOON).unwrap().overload());
    }

    #[test]
    fn a_band_must_be_tuned_before_it_is_read() {
        let mut band = band(World::silent(1), 1);
        assert!(matches!(band.read(&mut []), Err(FrontEndError::NotTuned)));
        let parameters = ScanParameters { center_hz: 10, ..PARAMETERS };
        assert!(matches!(
            band.tune(&parameters, NOON),
            Err(FrontEndError::Frequency { center_hz: 10, .. })
        ));
    }

    #[test]
    fn two_posts_hear_the_same_stations() {
        let world = Arc::new(World::town(11));
        let mut stations = [1, 2].map(|number| {
            let mut band = Band::new(Arc::clone(&world), post(number, 5_000.0 * number as f64));
            let measured = scan(&mut band, NOON, 98_000_000, 4_000_000);
            measured.dbm().to_vec()
        });
        assert_ne!(stations[0], stations[1]);
        // What the one hears well the other hears too.
        let [near, far] = &mut stations;
        let order = |dbm: &[f32]| {
            let mut bins: Vec<usize> = (0..dbm.len()).collect();
            bins.sort_by(|a, b| dbm[*b].total_cmp(&dbm[*a]));
            bins.truncate(dbm.len() / 4);
            bins
        };
        let (near, far) = (order(near), order(far));
        let common = near.iter().filter(|bin| far.contains(bin)).count();
        assert!(common * 4 > near.len(), "{common} of {}", near.len());
    }

    #[test]
    fn voice_and_bursts_come_and_go() {
        let mut band = band(World::town(11), 1);
        for (center_hz, step) in [(156_000_000, 10), (433_920_000, 1)] {
            let peaks: Vec<Vec<u64>> = (0..6)
                .map(|n| {
                    let start = NOON.after(Duration::from_secs(n * step));
                    let measured = scan(&mut band, start, center_hz, 1_700_000);
                    let mut hz: Vec<u64> =
                        measured.peaks(20, 15.0, 2e4).iter().map(|peak| peak.hz as u64).collect();
                    hz.sort_unstable();
                    hz
                })
                .collect();
            assert!(peaks.iter().any(|hz| !hz.is_empty()), "{center_hz}: {peaks:?}");
            assert!(peaks.windows(2).any(|pair| pair[0] != pair[1]), "{center_hz}: {peaks:?}");
        }
    }

    #[test]
    fn a_sweep_moves() {
        let world =
            World::silent(3).with(Emitter::sweep(164_000_000, 2_000_000, 20.0, Place::default()));
        let mut band = band(world, 1);
        let at = |band: &mut Band, millis| {
            let start = NOON.after(Duration::from_millis(millis));
            scan(band, start, 164_000_000, 2_500_000).peaks(1, 6.0, 1e5)[0].hz
        };
        let [first, second] = [0, 100].map(|millis| at(&mut band, millis));
        // 2 MHz in 2 s, unless it began again in between.
        let moved = (second - first).rem_euclid(2e6);
        assert!((moved - 1e5).abs() < 4e4, "{first} {second}");
    }

    #[test]
    fn programmes_change_without_a_click() {
        // Over the second at which a station's programme changes, its phase
        // turns no faster than its deviation allows.
        let place = Place { east: 1_000.0, north: 30.0 };
        let world = World::silent(5).with(Emitter::broadcast(98_000_000, 0.0, place));
        let mut band = band(world, 1);
        let samples = samples(&mut band, NOON, &[500_000, 500_000]);
        let most = samples
            .windows(2)
            .map(|pair| (pair[1] * pair[0].conj()).arg().abs())
            .fold(0.0, f32::max);
        // 67 kHz of a million samples a second, and a little noise.
        assert!(most < core::f32::consts::TAU * 0.08, "{most}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_band_is_a_function_of_time(
            seed: u64,
            micros: i64,
            lengths in prop::collection::vec(1_usize..300, 1..4),
        ) {
            let start = Utc::from_unix_micros(micros);
            let once = samples(&mut band(World::town(seed), 1), start, &lengths);
            let mut again = band(World::town(seed), 1);
            samples(&mut again, NOON, &[10]);
            prop_assert_eq!(&once, &samples(&mut again, start, &lengths));
            prop_assert!(once.iter().all(|x| x.re.abs() <= 1.0 && x.im.abs() <= 1.0));
            // Other posts have noise of their own.
            prop_assert_ne!(once, samples(&mut band(World::town(seed), 2), start, &lengths));
        }
    }
}
