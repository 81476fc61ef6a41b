//! A front-end that plays a recording.

use std::ops::{Range, RangeInclusive};
use std::vec::Vec;

use super::super::signal::Oscillator;
use super::super::{Capabilities, Complex32, FrontEnd, FrontEndError, Level, Tuned};
use super::resample::Resampler;
use super::{Recording, RecordingError, Segment};
use crate::scos::ScanParameters;
use crate::time::Utc;

/// Plays a recording as if it were heard now: each segment goes round and round,
/// in step with UTC, so that whoever plays it at the same time hears the same.
///
/// Any band within a recorded one can be tuned to; it is shifted, filtered and
/// resampled. The gain asked for changes nothing: a recording has its own.
#[derive(Debug)]
pub struct Player {
    recording: Recording,
    full_scale_dbm: f32,
    stream: Option<Stream>,
}

#[derive(Debug)]
struct Stream {
    source: Source,
    resampler: Resampler,
    level: Level,
}

/// The samples of a segment, round and round, block by block.
#[derive(Debug)]
struct Source {
    range: Range<u64>,
    next: u64,
    block: Vec<Complex32>,
    /// How much of `block` was taken.
    taken: usize,
    mixer: Oscillator,
    /// A real signal has half of its power above 0 Hz and half below.
    scale: f32,
}

impl Player {
    /// Samples read from the file at once.
    const BLOCK: u64 = 16_384;
    /// The recorded band is at most this many times as wide as one played.
    const MOST_RATIO: f64 = 4_096.0;

    /// Plays `recording`, in which a complex sample of magnitude 1 means
    /// `full_scale_dbm` at the antenna.
    #[must_use]
    pub const fn new(recording: Recording, full_scale_dbm: f32) -> Self {
        Self { recording, full_scale_dbm, stream: None }
    }

    /// What is played.
    #[must_use]
    pub const fn recording(&self) -> &Recording {
        &self.recording
    }

    /// The frequencies each segment holds, in whole hertz; segments that do not
    /// tell are left out.
    pub fn bands(&self) -> impl Iterator<Item = RangeInclusive<u64>> {
        let bands = self.recording.segments().filter_map(|(segment, _)| self.band(segment));
        bands.map(|(low, high)| low.floor() as u64..=high.ceil() as u64)
    }

    /// The frequencies of `segment`, when it tells.
    fn band(&self, segment: &Segment) -> Option<(f64, f64)> {
        let center = segment.center_hz?;
        let half = self.recording.metadata().sample_rate / 2.0;
        let low = if self.recording.metadata().datatype.is_complex() { half } else { 0.0 };
        Some((center - low, center + half))
    }

    /// The first segment that holds the band of `parameters`.
    fn find(&self, parameters: &ScanParameters) -> Option<(&Segment, Range<u64>)> {
        let center = parameters.center_hz as f64;
        let half = f64::from(parameters.bandwidth_hz) / 2.0;
        self.recording.segments().find(|(segment, range)| {
            !range.is_empty()
                // Edges are rounded to whole hertz.
                && self.band(segment).is_some_and(|(low, high)| {
                    center - half >= low - 1.0 && center + half <= high + 1.0
                })
        })
    }
}

impl FrontEnd for Player {
    /// From the lowest to the highest frequency of all segments; what lies
    /// between two of them cannot be tuned to nevertheless.
    fn capabilities(&self) -> Capabilities {
        let low = self.bands().map(|band| *band.start()).min();
        let high = self.bands().map(|band| *band.end()).max();
        let metadata = self.recording.metadata();
        let widest = metadata.sample_rate / if metadata.datatype.is_complex() { 1.0 } else { 2.0 };
        Capabilities {
            frequency_hz: low.unwrap_or(1)..=high.unwrap_or(0),
            bandwidth_hz: (widest / Self::MOST_RATIO).ceil() as u32..=widest.floor() as u32,
            gain_db: i8::MIN..=i8::MAX,
        }
    }

    fn tune(&mut self, parameters: &ScanParameters, start: Utc) -> Result<Tuned, FrontEndError> {
        self.capabilities().check(parameters)?;
        let Some((segment, range)) = self.find(parameters) else {
            let what = "no segment with a core:frequency holds the whole band asked for";
            return Err(RecordingError::content(self.recording.path(), what).into());
        };
        let metadata = self.recording.metadata();
        let rate = metadata.sample_rate;
        let resampler = Resampler::new(rate / f64::from(parameters.bandwidth_hz));
        let since = start.unix_micros() as f64 - segment.start.map_or(0, Utc::unix_micros) as f64;
        let length = range.end - range.start;
        // The filter looks ahead and back: begin as much earlier.
        let ahead = resampler.delay() as f64;
        let played = (since / 1e6 * rate).round() - ahead;
        let shift_hz = segment.center_hz.unwrap_or_default() - parameters.center_hz as f64;
        let source = Source {
            next: range.start + played.rem_euclid(length as f64) as u64 % length,
            range,
            block: Vec::new(),
            taken: 0,
            mixer: Oscillator::new(shift_hz, 0.0, rate),
            scale: if metadata.datatype.is_complex() { 1.0 } else { 2_f32.sqrt() },
        };
        let level = if segment.overload { Level::Overload } else { Level::Fine };
        self.stream = Some(Stream { source, resampler, level });
        Ok(Tuned { full_scale_dbm: self.full_scale_dbm })
    }

    fn read(&mut self, into: &mut [Complex32]) -> Result<Level, FrontEndError> {
        let Stream { source, resampler, level } =
            self.stream.as_mut().ok_or(FrontEndError::NotTuned)?;
        for sample in into {
            *sample = resampler.next(|| source.next(&mut self.recording))?;
        }
        Ok(*level)
    }
}

impl Source {
    fn next(&mut self, recording: &mut Recording) -> Result<Complex32, RecordingError> {
        let sample = match self.block.get(self.taken) {
            Some(sample) => *sample,
            None => self.refill(recording)?,
        };
        self.taken += 1;
        let turn = self.mixer.step();
        Ok(sample * Complex32::new(turn.re as f32, turn.im as f32) * self.scale)
    }

    /// Reads the next block, from the start of the range again when it has come
    /// to the end, and gives its first sample.
    fn refill(&mut self, recording: &mut Recording) -> Result<Complex32, RecordingError> {
        if self.next >= self.range.end {
            self.next = self.range.start;
        }
        let count = (self.range.end - self.next).min(Player::BLOCK);
        self.block.resize(count as usize, Complex32::ZERO);
        self.taken = 0;
        recording.read(self.next, &mut self.block)?;
        self.next += count;
        Ok(self.block.first().copied().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::PARAMETERS;
    use super::super::super::{Band, Emitter, Place, Post, World, measure};
    use super::super::RecordingWriter;
    use super::*;
    use core::f64::consts::TAU;
    use core::time::Duration;
    use std::fs;
    use std::string::{String, ToString};
    use std::sync::Arc;
    use std::vec;
    use tempfile::TempDir;

    const START: Utc = Utc::from_unix_seconds(1_795_428_000);

    fn metadata(datatype: &str, captures: &str) -> String {
        std::format!(
            r#"{{"global": {{"core:version": "1.0.0", "core:datatype": "{datatype}",
            "core:sample_rate": 2400000}}, "captures": {captures}, "annotations": []}}"#
        )
    }

    /// A recording made of raw octets, and the directory that holds it.
    fn player(datatype: &str, captures: &str, data: &[u8]) -> (TempDir, Player) {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("x");
        fs::write(base.with_extension("sigmf-meta"), metadata(datatype, captures)).unwrap();
        fs::write(base.with_extension("sigmf-data"), data).unwrap();
        (directory, Player::new(Recording::open(&base).unwrap(), -20.0))
    }

    const AT_100_MHZ: &str = r#"[{"core:sample_start": 0, "core:frequency": 100e6,
        "core:datetime": "2026-11-23T10:00:00Z"}]"#;

    #[test]
    fn a_part_of_a_recorded_band_is_played_at_its_frequency_and_level() {
        // 300 kHz above the centre, 6 dB below full scale, and a tone outside of
        // the band asked for that must not come back into it.
        let part = |turns: f64| (16_000.0 * (TAU * turns).cos()) as i16;
        let data: Vec<u8> = (0..240_000)
            .flat_map(|n| {
                let wanted = f64::from(n) * 0.125;
                let other = f64::from(n) * -0.41;
                let re = part(wanted) / 2 + part(other) / 2;
                let im = part(wanted - 0.25) / 2 + part(other - 0.25) / 2;
                [re.to_le_bytes(), im.to_le_bytes()].concat()
            })
            .collect();
        let (_directory, mut player) = player("ci16_le", AT_100_MHZ, &data);
        for (center_hz, bandwidth_hz) in
            [(100_300_000, 500_000), (100_200_000, 777_777), (100_000_000, 1_000_000)]
        {
            let parameters = ScanParameters { center_hz, bandwidth_hz, ..PARAMETERS };
            let start = START.after(Duration::from_secs(1_000));
            let spectrum = measure(&mut player, &parameters, start).unwrap();
            let peaks = spectrum.peaks(3, 50.0, 50e3);
            let [peak] = peaks.as_slice() else { panic!("{bandwidth_hz}: {peaks:?}") };
            assert!((peak.hz - 100.3e6).abs() < spectrum.bin_hz());
            // A quarter of full scale is -12.2 dB; Blackman-Harris loses up to
            // 0.83 dB between bins.
            assert!((peak.dbm - -32.6).abs() < 0.6, "{bandwidth_hz}: {}", peak.dbm);
        }
    }

    #[test]
    fn a_recording_goes_round_in_step_with_time() {
        let data: Vec<u8> = (0..10_u8).flat_map(|n| [n * 10, 0]).collect();
        let (_directory, mut player) = player("cu8", AT_100_MHZ, &data);
        let parameters =
            ScanParameters { center_hz: 100_000_000, bandwidth_hz: 2_400_000, ..PARAMETERS };
        let mut numbers = |start| {
            player.tune(&parameters, start).unwrap();
            let mut samples = vec![Complex32::ZERO; 25];
            assert_eq!(player.read(&mut samples).unwrap(), Level::Fine);
            samples
                .iter()
                .map(|x| ((x.re * 128.0 + 127.5) / 10.0).round() as u64)
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(START), (0..25).map(|n| n % 10).collect::<Vec<_>>());
        // 5 us are 12 samples.
        let later = START.after(Duration::from_micros(5));
        assert_eq!(numbers(later), (2..27).map(|n| n % 10).collect::<Vec<_>>());
        let before = Utc::from_unix_micros(START.unix_micros() - 5);
        assert_eq!(numbers(before), (8..33).map(|n| n % 10).collect::<Vec<_>>());
    }

    #[test]
    fn a_real_recording_is_the_band_above_its_frequency() {
        let data: Vec<u8> = (0..100_000)
            .flat_map(|n| (0.5 * (TAU * f64::from(n) * 0.25).cos() as f32).to_le_bytes())
            .collect();
        let (_directory, mut player) = player("rf32_le", AT_100_MHZ, &data);
        assert_eq!(*player.capabilities().bandwidth_hz.end(), 1_200_000);
        let parameters =
            ScanParameters { center_hz: 100_600_000, bandwidth_hz: 1_200_000, ..PARAMETERS };
        let spectrum = measure(&mut player, &parameters, START).unwrap();
        let peak = spectrum.peaks(1, 30.0, 1e5)[0];
        assert!((peak.hz - 100.6e6).abs() < 1.0);
        // The power of a real tone is half the square of its amplitude: -9.03 dB.
        assert!((peak.dbm - -29.03).abs() < 0.1, "{}", peak.dbm);
        let below = ScanParameters { center_hz: 99_800_000, ..parameters };
        assert!(player.tune(&below, START).is_err());
    }

    #[test]
    fn what_was_not_recorded_is_refused() {
        let captures = r#"[{"core:sample_start": 0, "core:frequency": 100e6},
            {"core:sample_start": 4, "core:frequency": 110e6, "ntia-sensor:overload": true},
            {"core:sample_start": 6}]"#;
        let (_directory, mut player) = player("cu8", captures, &[0; 20]);
        let error = |player: &mut Player, center_hz, bandwidth_hz| {
            let parameters = ScanParameters { center_hz, bandwidth_hz, ..PARAMETERS };
            player.tune(&parameters, START).unwrap_err().to_string()
        };
        assert_eq!(
            error(&mut player, 120_000_000, 1_000_000),
            "a band of 1 MHz around 120 MHz is not within 98.8 to 111.2 MHz"
        );
        assert!(error(&mut player, 105_000_000, 1_000_000).contains("no segment"));
        assert!(error(&mut player, 100_000_000, 2_400_001).contains("bandwidth"));
        assert!(matches!(player.read(&mut [Complex32::ZERO]), Err(FrontEndError::NotTuned)));
        let parameters = ScanParameters { center_hz: 110_000_000, ..PARAMETERS };
        player.tune(&parameters, START).unwrap();
        assert_eq!(player.read(&mut [Complex32::ZERO]).unwrap(), Level::Overload);
    }

    #[test]
    fn errors_name_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("x");
        let open = || Recording::open(&base).unwrap_err();
        assert!(open().path().ends_with("x.sigmf-meta"));
        fs::write(base.with_extension("sigmf-meta"), metadata("cu8", AT_100_MHZ)).unwrap();
        assert!(open().path().ends_with("x.sigmf-data"));
        fs::write(base.with_extension("sigmf-data"), [1]).unwrap();
        assert!(open().to_string().ends_with("x.sigmf-data: there is no sample in it"));
        let late = r#"[{"core:sample_start": 3}]"#;
        fs::write(base.with_extension("sigmf-meta"), metadata("cu8", late)).unwrap();
        fs::write(base.with_extension("sigmf-data"), [1; 7]).unwrap();
        assert!(open().to_string().contains("it has 3 samples, but a capture"));
    }

    #[test]
    fn what_a_band_gave_is_what_its_recording_gives() {
        let place = Place { east: 0.0, north: 20.0 };
        let world = World::silent(1).with(Emitter::carrier(98_100_000, -10.0, place));
        let post = Post { number: 1, place: Place::default(), noise_figure_db: 6.0 };
        let mut band = Band::new(Arc::new(world), post);
        let heard = measure(&mut band, &PARAMETERS, START).unwrap();

        let tuned = band.tune(&PARAMETERS, START).unwrap();
        let mut samples = vec![Complex32::ZERO; heard.dbm().len() * 8];
        band.read(&mut samples).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path().join("x");
        let mut writer = RecordingWriter::create(&base, &PARAMETERS, START).unwrap();
        writer.write(&samples[..1_000]).unwrap();
        writer.write(&samples[1_000..]).unwrap();
        writer.finish().unwrap();

        let mut player = Player::new(Recording::open(&base).unwrap(), tuned.full_scale_dbm);
        assert_eq!(measure(&mut player, &PARAMETERS, START).unwrap(), heard);
    }
}
