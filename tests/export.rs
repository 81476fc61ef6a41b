//! Scan reports as SigMF recordings: keys, types and units of the NTIA extensions.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

use std::fs;
use std::path::PathBuf;

use farpost::host::sensing::{
    Analyser as Transforms, Export, Metadata, Recording, summarise, write_report,
};
use farpost::scos::messages::{Outcome, Rejection, Report};
use farpost::scos::metadata::{
    Amplifier, Analyser, Antenna, AntennaPointing, Calibration, CalibrationSource, ClockStatus,
    DiskStatus, Environment, Filter, FrequencyRange, FrontEnd, FrontEndStatus, HardwareSpec, Host,
    HostStatus, Location, Polarization, PowerStatus, Receiver, RfPath, Sensor, SensorKind,
    Steering, Surroundings,
};
use farpost::scos::{
    ActorId, Detector, Pointing, ReferenceLevel, RequestId, ScanId, ScanParameters, ScanSettings,
    Section, Series, Window,
};
use farpost::time::Utc;
use serde_json::{Value, json};

const PARAMETERS: ScanParameters = ScanParameters {
    center_hz: 98_000_000,
    bandwidth_hz: 1_000_000,
    resolution_hz: 10_000,
    transforms: 8,
    detector: Detector::Mean,
    window: Window::BlackmanHarris,
    gain_db: 20,
    settings: None,
};

/// Monday, 2026-11-23T10:00Z, in minutes since 1970.
const TEN: i64 = 29_923_800;

const SERIES: Series = Series { start: TEN - 60, minutes: 5, repeats: 2, offset: 60 };

/// A device of which everything is known.
fn metadata() -> Vec<Section<'static>> {
    let spec = |id| HardwareSpec { id, model: "model", version: "2", description: "" };
    std::vec![
        Section::Analyser(Analyser {
            spec: spec("rx-7"),
            noise_figure_tenth_db: Some(65),
            max_power_tenth_dbm: Some(-105),
            converter_bits: Some(12),
            ..Analyser::new(Receiver {
                frequency_low_hz: 24_000_000,
                frequency_high_hz: 1_766_000_000,
                bandwidth_max_hz: 2_400_000,
                resolution_min_hz: 10,
                gain_min_db: 0,
                gain_max_db: 49,
            })
        }),
        Section::Antenna(Antenna { index: 0, kind: "whip", ..Antenna::UNKNOWN }),
        Section::Antenna(Antenna {
            index: 1,
            kind: "log-periodic",
            frequency: Some(FrequencyRange { low_hz: 80_000_000, high_hz: 1_300_000_000 }),
            gain_tenth_dbi: Some(62),
            polarization: Some(Polarization::Horizontal),
            horizontal_beamwidth_tenth_deg: Some(650),
            vswr_hundredths: Some(150),
            cable_loss_tenth_db: Some(12),
            steering: Some(Steering::default()),
            ..Antenna::UNKNOWN
        }),
        Section::AntennaPointing(AntennaPointing {
            index: 1,
            pointing: Pointing { azimuth_tenth_deg: 2_255, elevation_tenth_deg: -15 },
        }),
        Section::FrontEnd(FrontEnd { spec: spec("fe-1") }),
        Section::CalibrationSource(CalibrationSource {
            index: 0,
            spec: HardwareSpec::UNKNOWN,
            kind: "noise diode",
            excess_noise_hundredth_db: Some(1_525),
        }),
        Section::Amplifier(Amplifier { gain_tenth_db: Some(205), ..Amplifier::default() }),
        Section::Filter(Filter {
            passband: Some(FrequencyRange { low_hz: 88_000_000, high_hz: 108_000_000 }),
            ..Filter::default()
        }),
        Section::RfPath(RfPath {
            index: 2,
            id: "fm",
            antenna: Some(1),
            calibration_source: Some(0),
            filter: Some(0),
            amplifier: None,
        }),
        Section::Calibration(Calibration {
            index: 0,
            rf_path: Some(2),
            time_s: Some(TEN * 60 - 86_400),
            gain_hundredth_db: Some(1_950),
            noise_figure_hundredth_db: Some(310),
            mean_noise_hundredth_dbm: Some(-9_875),
            temperature_tenth_c: Some(-35),
            reference: "antenna terminal",
            ..Calibration::default()
        }),
        Section::Host(Host { spec: spec("cpu"), name: "mast", platform: "Linux", software: "" }),
        Section::HostStatus(HostStatus {
            load_5m_permille: Some(1_250),
            cpu_tenth_c: Some(415),
            software_started_s: Some(TEN * 60 - 43_200),
            disk: Some(DiskStatus { test_passed: true, ..DiskStatus::default() }),
            ..HostStatus::default()
        }),
        Section::FrontEndStatus(FrontEndStatus {
            humidity_permille: Some(455),
            door_closed: Some(true),
            ..FrontEndStatus::default()
        }),
        Section::PowerStatus(PowerStatus { on_battery: Some(false), ..PowerStatus::default() }),
        Section::Environment(Environment {
            surroundings: Some(Surroundings::OutdoorRural),
            temperature_tenth_c: Some(-35),
            weather: "snow",
            ..Environment::UNKNOWN
        }),
        Section::Location(Location {
            latitude_e7: 472_000_000,
            longitude_e7: -83_000_000,
            height_cm: 51_230,
        }),
        Section::Clock(ClockStatus::Synchronised),
        Section::Sensor(Sensor {
            spec: spec("m-1"),
            kind: SensorKind::Sdr,
            mobile: true,
            ..Sensor::UNKNOWN
        }),
    ]
}

/// Exports a report of silence and reads the metadata file.
fn export(settings: Option<ScanSettings>, sections: &[Section<'_>]) -> (Value, usize) {
    let parameters = ScanParameters { settings, ..PARAMETERS };
    let spectrum = Transforms::new(&parameters).unwrap().finish(Utc::default(), -30.0, true);
    let mut buffer = [0; 1_024];
    let summary = summarise(&spectrum, 100);
    let report = Report {
        scan: ScanId { actor: ActorId(7), request: RequestId(300), occurrence: 1 },
        start: TEN,
        outcome: Outcome::Complete,
        time_to_complete_ms: 41_250,
        parameters,
        metadata: 3,
        spectrum: summary.encode(&mut buffer).unwrap(),
    };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("result");
    let export = Export {
        device: "mast-1",
        report: &report,
        series: SERIES,
        metadata: sections,
        classification: "UNCLASSIFIED",
    };
    write_report(&path, &export).unwrap();
    let (meta, data): (PathBuf, PathBuf) =
        (path.with_extension("sigmf-meta"), path.with_extension("sigmf-data"));
    let octets = fs::read(data).unwrap();
    let dbm: Vec<f32> =
        octets.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!(dbm, summary.dbm().collect::<Vec<_>>());
    // What reads recordings here reads this one.
    let read = Metadata::read(&meta).unwrap();
    assert_eq!(read.datatype.to_string(), "rf32_le");
    assert_eq!(read.segments[0].start, Some(Utc::from_unix_minute(TEN)));
    assert!(read.segments[0].overload);
    assert!(Recording::open(&meta).is_ok());
    (serde_json::from_slice(&fs::read(meta).unwrap()).unwrap(), octets.len())
}

#[test]
fn a_report_is_exported_with_all_that_is_known() {
    let settings = ScanSettings { rf_path: Some(2), ..ScanSettings::default() };
    let (value, octets) = export(Some(settings), &metadata());
    assert_eq!(octets, 400);
    let global = &value["global"];
    assert_eq!(global["core:geolocation"]["coordinates"], json!([-8.3, 47.2, 512.3]));
    assert_eq!(global["ntia-core:classification"], "UNCLASSIFIED");
    let extensions: Vec<_> =
        global["core:extensions"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(
        extensions,
        [
            "ntia-core",
            "ntia-sensor",
            "ntia-environment",
            "ntia-algorithm",
            "ntia-scos",
            "ntia-diagnostics"
        ]
    );
    let sensor = &global["ntia-sensor:sensor"];
    assert_eq!(sensor["sensor_spec"], json!({"id": "m-1", "model": "model", "version": "2"}));
    assert_eq!(sensor["mobile"], true);
    assert_eq!(sensor["computer_spec"]["id"], "cpu");
    // The antenna of the path, where it points.
    assert_eq!(
        sensor["antenna"],
        json!({
            "antenna_spec": {"id": "antenna-1"}, "type": "log-periodic",
            "frequency_low": 80_000_000, "frequency_high": 1_300_000_000,
            "polarization": "horizontal", "gain": 6.2, "horizontal_beamwidth": 65.0,
            "voltage_standing_wave_ratio": 1.5, "cable_loss": 1.2, "steerable": true,
            "azimuth_angle": 225.5, "elevation_angle": -1.5,
        })
    );
    assert_eq!(
        sensor["signal_analyzer"],
        json!({
            "sigan_spec": {"id": "rx-7", "model": "model", "version": "2"},
            "frequency_low": 24_000_000, "frequency_high": 1_766_000_000,
            "noise_figure": 6.5, "max_power": -10.5, "a2d_bits": 12,
        })
    );
    assert_eq!(
        sensor["preselector"],
        json!({
            "cal_sources": [
                {"cal_source_spec": {"id": "cal-source-0"}, "type": "noise diode", "enr": 15.25}
            ],
            "amplifiers": [{"amplifier_spec": {"id": "amplifier-0"}, "gain": 20.5}],
            "filters": [{
                "filter_spec": {"id": "filter-0"},
                "frequency_low_passband": 88_000_000, "frequency_high_passband": 108_000_000,
            }],
            "rf_paths": [{"id": "fm", "cal_source_id": "cal-source-0", "filter_id": "filter-0"}],
            "preselector_spec": {"id": "fe-1", "model": "model", "version": "2"},
        })
    );
    assert_eq!(
        sensor["environment"],
        json!({"category": "outdoor-rural", "temperature": -3.5, "weather": "snow"})
    );
    assert_eq!(
        global["ntia-scos:schedule"],
        json!({
            "id": "7-300", "name": "actor 7 request 300", "start": "2026-11-23T09:00:00Z",
            "stop": "2026-11-23T11:05:00Z", "interval": 3_600,
        })
    );
    assert_eq!(global["ntia-scos:task"], 2);
    assert_eq!(global["ntia-scos:action"]["name"], "mean_98000000Hz");
    let diagnostics = &global["ntia-diagnostics:diagnostics"];
    assert_eq!(diagnostics["action_runtime"], 41.25);
    assert_eq!(diagnostics["preselector"], json!({"humidity": 45.5, "door_closed": true}));
    assert_eq!(diagnostics["spu"], json!({"battery_backup": false}));
    assert_eq!(diagnostics["software"], json!({"system_platform": "Linux"}));
    let computer = &diagnostics["computer"];
    assert_eq!(computer["system_load_5m"], 125.0);
    assert_eq!(computer["cpu_temp"], 41.5);
    assert_eq!(computer["software_uptime"], 0.5);
    assert_eq!(computer["software_start"], "2026-11-22T22:00:00Z");
    assert_eq!(computer["ntp_sync"], true);
    assert_eq!(computer["ssd_smart_data"]["critical_warning"], "0x00");
    let graph = &global["ntia-algorithm:data_products"][0];
    assert_eq!((&graph["length"], &graph["y_units"]), (&json!(100), &json!("dBm")));
    assert_eq!(graph["x_start"], json!([97_505_000.0]));
    assert_eq!(graph["x_stop"], json!([98_495_000.0]));
    assert_eq!(graph["x_step"], json!([10_000.0]));
    let dft = &global["ntia-algorithm:processing_info"][0];
    assert_eq!((&dft["samples"], &dft["dfts"]), (&json!(256), &json!(8)));
    let capture = &value["captures"][0];
    assert_eq!(capture["ntia-sensor:duration"], 41_250);
    assert_eq!(capture["ntia-sensor:sigan_settings"], json!({"gain": 20}));
    assert_eq!(
        capture["ntia-sensor:sensor_calibration"],
        json!({
            "datetime": "2026-11-22T10:00:00Z", "gain": 19.5, "noise_figure": 3.1,
            "mean_noise_power_units": "dBm", "mean_noise_power": -98.75,
            "reference": "antenna terminal", "temperature": -3.5,
        })
    );
}

#[test]
fn what_is_not_known_is_left_out() {
    let level =
        ReferenceLevel { reference_tenth_dbm: -305, attenuation_tenth_db: 100, preamplifier: true };
    let settings = ScanSettings { level: Some(level), ..ScanSettings::default() };
    let (value, _) = export(Some(settings), &[]);
    let sensor = &value["global"]["ntia-sensor:sensor"];
    assert_eq!(sensor["sensor_spec"], json!({"id": "mast-1"}));
    assert!(sensor.get("antenna").is_none() && sensor.get("mobile").is_none());
    assert!(value["global"].get("core:geolocation").is_none());
    assert_eq!(
        value["captures"][0]["ntia-sensor:sigan_settings"],
        json!({"reference_level": -30.5, "attenuation": 10.0, "preamp_enable": true})
    );
    // Without a path the antenna is the first.
    let (value, _) = export(None, &metadata());
    assert_eq!(value["global"]["ntia-sensor:sensor"]["antenna"]["type"], "whip");
    assert!(value["captures"][0].get("ntia-sensor:sensor_calibration").is_none());
}

#[test]
fn a_report_without_spectrum_is_not_exported() {
    let report = Report {
        scan: ScanId::default(),
        start: TEN,
        outcome: Outcome::Rejected(Rejection::Offline),
        time_to_complete_ms: 0,
        parameters: PARAMETERS,
        metadata: 0,
        spectrum: &[],
    };
    let export = Export {
        device: "mast-1",
        report: &report,
        series: SERIES,
        metadata: &[],
        classification: "UNCLASSIFIED",
    };
    let directory = tempfile::tempdir().unwrap();
    let error = write_report(&directory.path().join("none"), &export).unwrap_err();
    assert!(error.to_string().ends_with("the report has no spectrum"), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}
