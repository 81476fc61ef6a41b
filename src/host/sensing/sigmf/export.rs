//! Scan reports as recordings, with what their device said of itself, under the
//! names of the NTIA extensions of SigMF.

use std::fs;
use std::path::Path;
use std::string::String;
use std::vec::Vec;

use serde_json::{Map, Value, json};

use super::super::Summary;
use super::super::window::equivalent_noise_bandwidth;
use super::writer::{datetime, window};
use super::{RecordingError, names};
use crate::scos::messages::Report;
use crate::scos::metadata::{
    Amplifier, Analyser, Antenna, AntennaPointing, Calibration, CalibrationSource, DiskStatus,
    Environment, Filter, FrontEnd, FrontEndStatus, HardwareSpec, Host, HostStatus, Location,
    Polarization, PowerStatus, RfPath, Section, Sensor, Surroundings,
};
use crate::scos::{ReferenceLevel, Series};
use crate::time::Utc;

/// A final report, and what is known besides.
#[derive(Clone, Copy, Debug)]
pub struct Export<'a> {
    /// The device that sensed.
    pub device: &'a str,
    /// The report, with a [`Summary`] in it.
    pub report: &'a Report<'a>,
    /// The slots that were granted.
    pub series: Series,
    /// What the device said of itself; parts may be missing.
    pub metadata: &'a [Section<'a>],
    /// How the recording is classified, in the words of whoever keeps it, such as
    /// `UNCLASSIFIED`.
    pub classification: &'a str,
}

/// Writes the spectrum of a report as `NAME.sigmf-data`, the power of each point in
/// dBm as `rf32_le`, and what is known of it as `NAME.sigmf-meta`.
///
/// The extensions are `ntia-core`, `ntia-sensor`, `ntia-environment`,
/// `ntia-algorithm`, `ntia-scos` and `ntia-diagnostics`. What is not known is left
/// out.
///
/// # Errors
///
/// A report without a [`Summary`], or a file that cannot be written.
pub fn write_report(path: &Path, export: &Export<'_>) -> Result<(), RecordingError> {
    let (metadata, data) = names(path);
    let Some(summary) = Summary::decode(export.report.spectrum) else {
        return Err(RecordingError::content(&data, "the report has no spectrum"));
    };
    let Some(document) = document(export, &summary) else {
        return Err(RecordingError::content(&metadata, "the slot has no name in ISO 8601"));
    };
    let octets: Vec<u8> = summary.dbm().flat_map(f32::to_le_bytes).collect();
    fs::write(&data, octets).map_err(RecordingError::io(&data))?;
    let text = serde_json::to_vec_pretty(&document).map_err(RecordingError::json(&metadata))?;
    fs::write(&metadata, text).map_err(RecordingError::io(&metadata))
}

/// The whole of the metadata file; `None` for times beyond the year 9999.
fn document(export: &Export<'_>, summary: &Summary) -> Option<Value> {
    let report = export.report;
    let parameters = &report.parameters;
    let start = Utc::from_unix_minute(report.start);
    let mut global = json!({
        "core:version": "1.0.0",
        "core:datatype": "rf32_le",
        "core:sample_rate": parameters.bandwidth_hz,
        "core:num_channels": 1,
        "core:recorder": concat!("farpost ", env!("CARGO_PKG_VERSION")),
        "core:hw": export.device,
        "core:extensions": EXTENSIONS
            .map(|(name, version)| json!({"name": name, "version": version, "optional": true})),
        "ntia-core:classification": export.classification,
        "ntia-sensor:sensor": sensor(export),
        "ntia-algorithm:data_products": [graph(report, summary)],
        "ntia-algorithm:processing_info": [dft(report)],
        "ntia-scos:schedule": schedule(export)?,
        "ntia-scos:action": action(report),
        "ntia-scos:task": u32::from(report.scan.occurrence) + 1,
        "ntia-diagnostics:diagnostics": diagnostics(export),
    });
    for section in export.metadata {
        if let Section::Location(place) = section {
            insert(&mut global, "core:geolocation", geolocation(place));
        }
    }
    let mut capture = json!({
        "core:sample_start": 0,
        "core:frequency": parameters.center_hz,
        "core:datetime": datetime(start)?,
        "ntia-sensor:duration": report.time_to_complete_ms,
        "ntia-sensor:overload": summary.overload,
        "ntia-sensor:sigan_settings": settings(report),
    });
    let path = parameters.settings.and_then(|settings| settings.rf_path);
    for section in export.metadata {
        let Section::Calibration(calibration) = section else { continue };
        let name = match calibration.rf_path {
            Some(_) if calibration.rf_path == path => "ntia-sensor:sensor_calibration",
            None => "ntia-sensor:sigan_calibration",
            Some(_) => continue,
        };
        insert(&mut capture, name, calibrated(calibration));
    }
    Some(json!({"global": global, "captures": [capture], "annotations": []}))
}

/// The extensions and their versions.
const EXTENSIONS: [(&str, &str); 6] = [
    ("ntia-core", "v2.0.0"),
    ("ntia-sensor", "v2.0.0"),
    ("ntia-environment", "v1.0.0"),
    ("ntia-algorithm", "v2.0.0"),
    ("ntia-scos", "v1.0.0"),
    ("ntia-diagnostics", "v1.0.0"),
];

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(object) = object {
        object.insert(name.into(), value);
    }
}

/// An object of the members that are known.
fn known<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let members = members.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
    Value::Object(members.collect::<Map<String, Value>>())
}

fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.into())
}

/// A number that is kept in so many parts of a unit.
fn parts<T: Into<i64>>(number: Option<T>, of: f64) -> Option<Value> {
    Some((number?.into() as f64 / of).into())
}

/// Thousandths as per cent.
fn percent<T: Into<i64>>(permille: Option<T>) -> Option<Value> {
    parts(permille, 10.0)
}

fn yes(flag: Option<bool>) -> Option<Value> {
    flag.map(Value::Bool)
}

/// An object that has to have an `id`, which is `or` where the part tells none.
fn spec(spec: &HardwareSpec<'_>, or: &str) -> Value {
    known([
        ("id", Some(if spec.id.is_empty() { or } else { spec.id }.into())),
        ("model", text(spec.model)),
        ("version", text(spec.version)),
        ("description", text(spec.description)),
    ])
}

/// `ntia-sensor:sensor`.
fn sensor(export: &Export<'_>) -> Value {
    let id = export.device;
    let mut sensor = json!({
        "sensor_spec": {"id": id},
        "preselector": {"cal_sources": [], "amplifiers": [], "filters": [], "rf_paths": []},
    });
    let path = export.report.parameters.settings.and_then(|settings| settings.rf_path);
    let path = export.metadata.iter().find_map(|section| match section {
        Section::RfPath(known) if Some(known.index) == path => known.antenna,
        _ => None,
    });
    let antenna = path.unwrap_or(0);
    let pointing = export.metadata.iter().find_map(|section| match section {
        Section::AntennaPointing(pointing) if pointing.index == antenna => Some(pointing),
        _ => None,
    });
    let append = |sensor: &mut Value, list: &str, item: Value| {
        if let Some(Value::Array(items)) = sensor.pointer_mut(&std::format!("/preselector/{list}"))
        {
            items.push(item);
        }
    };
    for section in export.metadata {
        match section {
            Section::Sensor(Sensor { spec: part, mobile, .. }) => {
                insert(&mut sensor, "sensor_spec", spec(part, id));
                insert(&mut sensor, "mobile", (*mobile).into());
            }
            Section::Antenna(known) if known.index == antenna => {
                insert(&mut sensor, "antenna", antenna_object(known, pointing));
            }
            Section::FrontEnd(FrontEnd { spec: part }) => {
                if let Some(preselector) = sensor.get_mut("preselector") {
                    insert(preselector, "preselector_spec", spec(part, "preselector"));
                }
            }
            Section::CalibrationSource(source) => {
                append(&mut sensor, "cal_sources", cal_source(source));
            }
            Section::Amplifier(part) => append(&mut sensor, "amplifiers", amplifier(part)),
            Section::Filter(part) => append(&mut sensor, "filters", filter(part)),
            Section::RfPath(part) => append(&mut sensor, "rf_paths", rf_path(part)),
            Section::Analyser(part) => {
                insert(&mut sensor, "signal_analyzer", signal_analyzer(part));
            }
            Section::Host(Host { spec: part, name, .. }) => {
                insert(&mut sensor, "computer_spec", spec(part, name));
            }
            Section::Environment(part) => {
                insert(&mut sensor, "environment", environment(part));
            }
            _ => {}
        }
    }
    sensor
}

/// The name of a part among others of its kind.
fn nth(kind: &str, index: u8) -> String {
    std::format!("{kind}-{index}")
}

fn antenna_object(antenna: &Antenna<'_>, pointing: Option<&AntennaPointing>) -> Value {
    let polarization = antenna.polarization.map(|polarization| match polarization {
        Polarization::Vertical => "vertical",
        Polarization::Horizontal => "horizontal",
        Polarization::Slant => "slant",
        Polarization::LeftCircular => "left-hand circular",
        Polarization::RightCircular => "right-hand circular",
        Polarization::Dual => "dual",
    });
    let pointing = pointing.map(|pointing| pointing.pointing);
    known([
        ("antenna_spec", Some(spec(&antenna.spec, &nth("antenna", antenna.index)))),
        ("type", text(antenna.kind)),
        ("frequency_low", antenna.frequency.map(|range| range.low_hz.into())),
        ("frequency_high", antenna.frequency.map(|range| range.high_hz.into())),
        ("polarization", polarization.map(Value::from)),
        ("cross_polar_discrimination", parts(antenna.cross_polar_tenth_db, 10.0)),
        ("gain", parts(antenna.gain_tenth_dbi, 10.0)),
        ("horizontal_beamwidth", parts(antenna.horizontal_beamwidth_tenth_deg, 10.0)),
        ("vertical_beamwidth", parts(antenna.vertical_beamwidth_tenth_deg, 10.0)),
        ("voltage_standing_wave_ratio", parts(antenna.vswr_hundredths, 100.0)),
        ("cable_loss", parts(antenna.cable_loss_tenth_db, 10.0)),
        ("steerable", Some(antenna.steering.is_some().into())),
        ("azimuth_angle", parts(pointing.map(|at| at.azimuth_tenth_deg), 10.0)),
        ("elevation_angle", parts(pointing.map(|at| at.elevation_tenth_deg), 10.0)),
    ])
}

fn cal_source(source: &CalibrationSource<'_>) -> Value {
    known([
        ("cal_source_spec", Some(spec(&source.spec, &nth("cal-source", source.index)))),
        ("type", text(source.kind)),
        ("enr", parts(source.excess_noise_hundredth_db, 100.0)),
    ])
}

fn amplifier(part: &Amplifier<'_>) -> Value {
    known([
        ("amplifier_spec", Some(spec(&part.spec, &nth("amplifier", part.index)))),
        ("gain", parts(part.gain_tenth_db, 10.0)),
        ("noise_figure", parts(part.noise_figure_tenth_db, 10.0)),
        ("max_power", parts(part.max_power_tenth_dbm, 10.0)),
    ])
}

fn filter(part: &Filter<'_>) -> Value {
    known([
        ("filter_spec", Some(spec(&part.spec, &nth("filter", part.index)))),
        ("frequency_low_passband", part.passband.map(|range| range.low_hz.into())),
        ("frequency_high_passband", part.passband.map(|range| range.high_hz.into())),
        ("frequency_low_stopband", part.stopband.map(|range| range.low_hz.into())),
        ("frequency_high_stopband", part.stopband.map(|range| range.high_hz.into())),
    ])
}

fn rf_path(path: &RfPath<'_>) -> Value {
    let part = |kind: &str, index: Option<u8>| Some(nth(kind, index?).into());
    let id = if path.id.is_empty() { nth("rf-path", path.index) } else { path.id.into() };
    known([
        ("id", Some(id.into())),
        ("cal_source_id", part("cal-source", path.calibration_source)),
        ("filter_id", part("filter", path.filter)),
        ("amplifier_id", part("amplifier", path.amplifier)),
    ])
}

fn signal_analyzer(part: &Analyser<'_>) -> Value {
    known([
        ("sigan_spec", Some(spec(&part.spec, "signal-analyzer"))),
        ("frequency_low", Some(part.receiver.frequency_low_hz.into())),
        ("frequency_high", Some(part.receiver.frequency_high_hz.into())),
        ("noise_figure", parts(part.noise_figure_tenth_db, 10.0)),
        ("max_power", parts(part.max_power_tenth_dbm, 10.0)),
        ("a2d_bits", part.converter_bits.map(Value::from)),
    ])
}

/// Of `ntia-environment`.
fn environment(part: &Environment<'_>) -> Value {
    let category = part.surroundings.map(|surroundings| match surroundings {
        Surroundings::Indoor => "indoor",
        Surroundings::OutdoorUrban => "outdoor-urban",
        Surroundings::OutdoorRural => "outdoor-rural",
    });
    known([
        ("category", category.map(Value::from)),
        ("temperature", parts(part.temperature_tenth_c, 10.0)),
        ("humidity", percent(part.humidity_permille)),
        ("weather", text(part.weather)),
        ("description", text(part.description)),
    ])
}

/// A point of GeoJSON: longitude first.
fn geolocation(place: &Location) -> Value {
    let degrees = |e7: i32| f64::from(e7) / 1e7;
    let height_m = f64::from(place.height_cm) / 100.0;
    json!({
        "type": "Point",
        "coordinates": [degrees(place.longitude_e7), degrees(place.latitude_e7), height_m],
    })
}

fn calibrated(calibration: &Calibration<'_>) -> Value {
    let time = calibration.time_s.and_then(|seconds| datetime(Utc::from_unix_seconds(seconds)));
    let mean_noise = parts(calibration.mean_noise_hundredth_dbm, 100.0);
    known([
        ("datetime", time.map(Value::from)),
        ("gain", parts(calibration.gain_hundredth_db, 100.0)),
        ("noise_figure", parts(calibration.noise_figure_hundredth_db, 100.0)),
        ("1db_compression_point", parts(calibration.compression_point_hundredth_dbm, 100.0)),
        ("enbw", calibration.noise_bandwidth_hz.map(Value::from)),
        ("mean_noise_power_units", mean_noise.as_ref().map(|_| "dBm".into())),
        ("mean_noise_power", mean_noise),
        ("reference", text(calibration.reference)),
        ("temperature", parts(calibration.temperature_tenth_c, 10.0)),
    ])
}

/// `ntia-sensor:sigan_settings`.
fn settings(report: &Report<'_>) -> Value {
    let level = report.parameters.settings.and_then(|settings| settings.level);
    match level {
        None => json!({"gain": report.parameters.gain_db}),
        Some(ReferenceLevel { reference_tenth_dbm, attenuation_tenth_db, preamplifier }) => json!({
            "reference_level": f64::from(reference_tenth_dbm) / 10.0,
            "attenuation": f64::from(attenuation_tenth_db) / 10.0,
            "preamp_enable": preamplifier,
        }),
    }
}

/// The points, each the greatest of its share of the band: at the middle of it.
fn graph(report: &Report<'_>, summary: &Summary) -> Value {
    let length = summary.points.len();
    let width = summary.high_hz.saturating_sub(summary.low_hz) as f64;
    let step = width / length.max(1) as f64;
    let first = summary.low_hz as f64 + step / 2.0;
    json!({
        "name": "power_spectral_density",
        "series": [report.parameters.detector.name()],
        "length": length,
        "x_units": "Hz",
        "x_start": [first],
        "x_stop": [first + step * length.saturating_sub(1) as f64],
        "x_step": [step],
        "y_units": "dBm",
        "processing": ["dft"],
        "reference": "antenna terminal",
        "description": "the greatest of the bins of each point, in half decibels",
    })
}

/// The transform, as long as the resolution needs.
fn dft(report: &Report<'_>) -> Value {
    let parameters = &report.parameters;
    let bins = super::super::Plan::new(parameters).map_or(0, |plan| plan.bins());
    let noise = f64::from(parameters.bandwidth_hz) * equivalent_noise_bandwidth(parameters.window);
    json!({
        "type": "DFT",
        "id": "dft",
        "equivalent_noise_bandwidth": noise / bins.max(1) as f64,
        "samples": bins,
        "dfts": parameters.transforms,
        "window": window(parameters.window),
        "baseband": false,
    })
}

/// `ntia-scos:schedule`.
fn schedule(export: &Export<'_>) -> Option<Value> {
    let (scan, series) = (export.report.scan, export.series);
    let repeats = series.repeats > 0;
    Some(known([
        ("id", Some(std::format!("{}-{}", scan.actor.0, scan.request.0).into())),
        ("name", Some(std::format!("actor {} request {}", scan.actor.0, scan.request.0).into())),
        ("start", Some(datetime(series.start_of(0))?.into())),
        ("stop", Some(datetime(series.end_of(series.repeats))?.into())),
        ("interval", repeats.then(|| (u32::from(series.offset) * 60).into())),
    ]))
}

/// `ntia-scos:action`.
fn action(report: &Report<'_>) -> Value {
    let parameters = &report.parameters;
    let detector = parameters.detector.name();
    let megahertz = parameters.center_hz as f64 / 1e6;
    json!({
        "name": std::format!("{detector}_{}Hz", parameters.center_hz),
        "summary": std::format!(
            "{detector} of {} transforms of {} Hz around {megahertz} MHz",
            parameters.transforms, parameters.bandwidth_hz
        ),
    })
}

/// `ntia-diagnostics:diagnostics`.
fn diagnostics(export: &Export<'_>) -> Value {
    let runtime = f64::from(export.report.time_to_complete_ms) / 1e3;
    let mut diagnostics = json!({"action_runtime": runtime});
    let start = Utc::from_unix_minute(export.report.start);
    for section in export.metadata {
        match section {
            Section::FrontEndStatus(status) => {
                insert(&mut diagnostics, "preselector", preselector(status));
            }
            Section::PowerStatus(status) => insert(&mut diagnostics, "spu", power(status)),
            Section::HostStatus(status) => {
                insert(&mut diagnostics, "computer", computer(status, start, export.metadata));
            }
            Section::Host(host) => {
                let software = known([
                    ("system_platform", text(host.platform)),
                    ("sensor_software", text(host.software)),
                ]);
                insert(&mut diagnostics, "software", software);
            }
            _ => {}
        }
    }
    diagnostics
}

fn preselector(status: &FrontEndStatus) -> Value {
    known([
        ("temp", parts(status.temperature_tenth_c, 10.0)),
        ("noise_diode_temp", parts(status.noise_diode_tenth_c, 10.0)),
        ("lna_temp", parts(status.amplifier_tenth_c, 10.0)),
        ("humidity", percent(status.humidity_permille)),
        ("door_closed", yes(status.door_closed)),
        ("noise_diode_powered", yes(status.noise_diode_powered)),
        ("lna_powered", yes(status.amplifier_powered)),
        ("antenna_path_enabled", yes(status.antenna_path)),
        ("noise_diode_path_enabled", yes(status.noise_diode_path)),
    ])
}

fn power(status: &PowerStatus) -> Value {
    known([
        ("sigan_powered", yes(status.analyser_powered)),
        ("preselector_powered", yes(status.front_end_powered)),
        ("temperature_control_powered", yes(status.temperature_control)),
        ("heating", yes(status.heating)),
        ("cooling", yes(status.cooling)),
        ("battery_backup", yes(status.on_battery)),
        ("low_battery", yes(status.battery_low)),
        ("replace_battery", yes(status.replace_battery)),
    ])
}

fn computer(status: &HostStatus, now: Utc, metadata: &[Section<'_>]) -> Value {
    let days = |since: Option<i64>| {
        let span = now.unix_seconds().checked_sub(since?)?;
        Some((span as f64 / 86_400.0).into())
    };
    let started = status.software_started_s;
    let started_name = started.and_then(|seconds| datetime(Utc::from_unix_seconds(seconds)));
    let clock = metadata.iter().find_map(|section| match section {
        Section::Clock(clock) => Some(*clock),
        _ => None,
    });
    let synchronised = clock.map(|clock| clock == crate::scos::metadata::ClockStatus::Synchronised);
    known([
        ("cpu_mean_clock", status.cpu_mean_clock_mhz.map(Value::from)),
        ("cpu_uptime", days(status.started_s)),
        ("action_cpu_usage", percent(status.cpu_usage_permille)),
        ("system_load_5m", percent(status.load_5m_permille)),
        ("memory_usage", percent(status.memory_usage_permille)),
        ("cpu_overheating", yes(status.cpu_overheating)),
        ("cpu_temp", parts(status.cpu_tenth_c, 10.0)),
        ("software_start", started_name.map(Value::from)),
        ("software_uptime", days(started)),
        ("ntp_sync", yes(synchronised)),
        ("disk_usage", percent(status.disk_usage_permille)),
        ("ssd_smart_data", status.disk.as_ref().map(disk)),
    ])
}

fn disk(status: &DiskStatus) -> Value {
    known([
        ("test_passed", yes(Some(status.test_passed))),
        ("critical_warning", Some(std::format!("{:#04x}", status.critical_warning).into())),
        ("temp", parts(Some(status.temperature_tenth_c), 10.0)),
        ("available_spare", percent(Some(status.available_spare_permille))),
        ("available_spare_threshold", percent(Some(status.spare_threshold_permille))),
        ("percentage_used", percent(Some(status.used_permille))),
        ("unsafe_shutdowns", Some(status.unsafe_shutdowns.into())),
        ("integrity_errors", Some(status.integrity_errors.into())),
    ])
}
