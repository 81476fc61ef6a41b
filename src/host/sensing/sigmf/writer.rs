//! Writes recordings of samples and of spectra.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::string::{String, ToString};
use std::vec::Vec;

use serde_json::{Value, json};

use super::super::{Complex32, Spectrum};
use super::{Datatype, RecordingError, names};
use crate::scos::{ScanParameters, Window};
use crate::time::Utc;

/// Writes the samples of a scan as a recording of one segment, `cf32_le`.
#[derive(Debug)]
pub struct RecordingWriter {
    metadata: PathBuf,
    data: PathBuf,
    file: BufWriter<File>,
    parameters: ScanParameters,
    start: Utc,
}

impl RecordingWriter {
    /// Creates `NAME.sigmf-data` for samples of the band of `parameters` from
    /// `start` on; `path` is `NAME`, with either extension or none. A file of that
    /// name is replaced.
    ///
    /// # Errors
    ///
    /// The file cannot be created.
    pub fn create(
        path: &Path,
        parameters: &ScanParameters,
        start: Utc,
    ) -> Result<Self, RecordingError> {
        let (metadata, data) = names(path);
        let file = File::create(&data).map_err(RecordingError::io(&data))?;
        let file = BufWriter::new(file);
        Ok(Self { metadata, data, file, parameters: *parameters, start })
    }

    /// Appends samples.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&mut self, samples: &[Complex32]) -> Result<(), RecordingError> {
        samples
            .iter()
            .flat_map(|sample| [sample.re, sample.im])
            .try_for_each(|part| self.file.write_all(&part.to_le_bytes()))
            .map_err(RecordingError::io(&self.data))
    }

    /// Writes what is left and `NAME.sigmf-meta`. Without this there is no
    /// recording.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn finish(mut self) -> Result<(), RecordingError> {
        self.file.flush().map_err(RecordingError::io(&self.data))?;
        let global = global(&self.parameters, &Datatype::CF32_LE.to_string());
        write_metadata(&self.metadata, &global, &self.parameters, self.start, false)
    }
}

/// Writes `spectrum` as `NAME.sigmf-data` and `NAME.sigmf-meta`: the power of
/// each bin in dBm, `rf32_le`, described by the `ntia-algorithm` extension. With the
/// detector M4S one series follows another.
///
/// # Errors
///
/// A file cannot be written.
pub fn write_spectrum(path: &Path, spectrum: &Spectrum) -> Result<(), RecordingError> {
    let (metadata, data) = names(path);
    let octets: Vec<u8> =
        spectrum.series().flat_map(|(_, dbm)| dbm).flat_map(|dbm| dbm.to_le_bytes()).collect();
    let series: Vec<&str> = spectrum.series().map(|(detector, _)| detector.name()).collect();
    fs::write(&data, octets).map_err(RecordingError::io(&data))?;

    let parameters = spectrum.parameters();
    let bins = spectrum.dbm().len();
    let mut global = global(parameters, "rf32_le");
    let algorithm = json!({
        "core:extensions": [
            {"name": "ntia-algorithm", "version": "v2.0.0", "optional": true},
            {"name": "ntia-sensor", "version": "v2.0.0", "optional": true},
        ],
        "ntia-algorithm:data_products": [{
            "name": "power_spectral_density",
            "series": series,
            "length": bins,
            "x_units": "Hz",
            "x_start": [spectrum.frequency_hz(0)],
            "x_stop": [spectrum.frequency_hz(bins.saturating_sub(1))],
            "x_step": [spectrum.bin_hz()],
            "y_units": "dBm",
            "processing": ["dft"],
            "reference": "antenna terminal",
        }],
        "ntia-algorithm:processing_info": [{
            "type": "DFT",
            "id": "dft",
            "equivalent_noise_bandwidth": spectrum.resolution_hz(),
            "samples": bins,
            "dfts": spectrum.transforms(),
            "window": window(parameters.window),
            "baseband": false,
        }],
    });
    if let (Value::Object(global), Value::Object(algorithm)) = (&mut global, algorithm) {
        global.extend(algorithm);
    }
    write_metadata(&metadata, &global, parameters, spectrum.start(), spectrum.overload())
}

fn global(parameters: &ScanParameters, datatype: &str) -> Value {
    json!({
        "core:version": "1.0.0",
        "core:datatype": datatype,
        "core:sample_rate": parameters.bandwidth_hz,
        "core:num_channels": 1,
        "core:recorder": concat!("farpost ", env!("CARGO_PKG_VERSION")),
    })
}

fn write_metadata(
    path: &Path,
    global: &Value,
    parameters: &ScanParameters,
    start: Utc,
    overload: bool,
) -> Result<(), RecordingError> {
    let datetime = datetime(start)
        .ok_or_else(|| RecordingError::content(path, std::format!("{start} has no name")))?;
    let document = json!({
        "global": global,
        "captures": [{
            "core:sample_start": 0,
            "core:frequency": parameters.center_hz,
            "core:datetime": datetime,
            "ntia-sensor:overload": overload,
        }],
        "annotations": [],
    });
    let text = serde_json::to_vec_pretty(&document).map_err(RecordingError::json(path))?;
    fs::write(path, text).map_err(RecordingError::io(path))
}

/// ISO 8601, for the years -9999 to 9999.
pub(super) fn datetime(time: Utc) -> Option<String> {
    Some(jiff::Timestamp::from_microsecond(time.unix_micros()).ok()?.to_string())
}

pub(super) const fn window(window: Window) -> &'static str {
    match window {
        Window::Rectangular => "rectangular",
        Window::Hann => "hanning",
        Window::Hamming => "hamming",
        Window::BlackmanHarris => "blackman-harris",
        Window::FlatTop => "flattop",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Analyser;
    use super::super::super::tests::PARAMETERS;
    use super::super::Metadata;
    use super::*;

    #[test]
    fn a_spectrum_is_described() {
        let spectrum = Analyser::new(&PARAMETERS).unwrap().finish(Utc::default(), -30.0, true);
        let directory = tempfile::tempdir().unwrap();
        let (path, data) = names(&directory.path().join("a.spectrum"));
        write_spectrum(&path, &spectrum).unwrap();
        assert_eq!(fs::read(data).unwrap().len(), 4 * 256);
        let metadata = Metadata::read(&path).unwrap();
        assert_eq!(metadata.datatype.to_string(), "rf32_le");
        assert!(metadata.segments[0].overload);
        assert_eq!(metadata.segments[0].start, Some(Utc::default()));
        let value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let graph = &value["global"]["ntia-algorithm:data_products"][0];
        assert_eq!(graph["length"], 256);
        assert_eq!(graph["x_start"][0], 97_500_000.0);
        assert_eq!(graph["x_step"][0], 3_906.25);
        let dft = &value["global"]["ntia-algorithm:processing_info"][0];
        assert_eq!(dft["window"], "blackman-harris");
    }
}
