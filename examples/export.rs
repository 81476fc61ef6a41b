//! A scan report as a SigMF recording: `cargo run --release --features std --example export`.
//!
//! Senses the FM broadcast band of a generated town, makes the summary that a report
//! carries, and writes `report.sigmf-data` and `report.sigmf-meta` with what the
//! device says of itself, into the directory given or this one. Tools that read
//! SigMF, and the NTIA extensions of it, read them.
#![allow(clippy::std_instead_of_core, reason = "an example for hosts")]

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use farpost::host::sensing::{
    Band, Export, FrontEnd, Place, Post, Summary, World, measure, summarise, write_report,
};
use farpost::scos::messages::{Outcome, Report};
use farpost::scos::metadata::{
    Analyser, Antenna, Calibration, Environment, Filter, FrequencyRange, HardwareSpec, Host,
    HostStatus, Location, Polarization, Receiver, RfPath, Sensor, Surroundings,
};
use farpost::scos::{
    ActorId, Detector, RequestId, ScanId, ScanParameters, ScanSettings, Section, Series, Window,
};
use farpost::time::Utc;

/// Monday, 2026-11-23T10:00Z, in minutes since 1970.
const START: i64 = 29_923_800;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = env::args_os().nth(1).map_or_else(PathBuf::new, PathBuf::from);
    let post = Post { number: 1, place: Place::default(), noise_figure_db: 6.0 };
    let mut band = Band::new(Arc::new(World::town(1)), post);
    let parameters = ScanParameters {
        center_hz: 98_000_000,
        bandwidth_hz: 20_000_000,
        resolution_hz: 20_000,
        transforms: 64,
        detector: Detector::Mean,
        window: Window::BlackmanHarris,
        gain_db: 20,
        settings: None,
    };
    let spectrum = measure(&mut band, &parameters, Utc::from_unix_minute(START))?;
    let mut buffer = [0; Report::SPECTRUM_MAX];
    let summary = summarise(&spectrum, Summary::MOST_POINTS);
    let path = ScanSettings { rf_path: Some(0), ..ScanSettings::default() };
    let report = Report {
        scan: ScanId { actor: ActorId(1), request: RequestId(1), occurrence: 0 },
        start: START,
        outcome: Outcome::Complete,
        time_to_complete_ms: 4,
        parameters: ScanParameters { settings: Some(path), ..parameters },
        metadata: 1,
        spectrum: summary.encode(&mut buffer).ok_or("the summary is too long")?,
    };
    let export = Export {
        device: "mast-1",
        report: &report,
        series: Series { start: START, minutes: 1, repeats: 0, offset: 0 },
        metadata: &metadata(&band),
        classification: "UNCLASSIFIED",
    };
    let name = directory.join("report");
    write_report(&name, &export)?;
    println!(
        "wrote {} points as {}.sigmf-data and .sigmf-meta",
        summary.points.len(),
        name.display()
    );
    Ok(())
}

fn metadata(band: &Band) -> [Section<'static>; 10] {
    let reach = band.capabilities();
    let receiver = Receiver {
        frequency_low_hz: *reach.frequency_hz.start(),
        frequency_high_hz: *reach.frequency_hz.end(),
        bandwidth_max_hz: *reach.bandwidth_hz.end(),
        resolution_min_hz: 10,
        gain_min_db: *reach.gain_db.start(),
        gain_max_db: *reach.gain_db.end(),
    };
    let fm = FrequencyRange { low_hz: 87_500_000, high_hz: 108_000_000 };
    [
        Section::Analyser(Analyser {
            spec: HardwareSpec { id: "gen-1", model: "generated band", ..HardwareSpec::UNKNOWN },
            noise_figure_tenth_db: Some(60),
            ..Analyser::new(receiver)
        }),
        Section::Antenna(Antenna {
            kind: "discone",
            gain_tenth_dbi: Some(20),
            polarization: Some(Polarization::Vertical),
            ..Antenna::UNKNOWN
        }),
        Section::Filter(Filter { passband: Some(fm), ..Filter::default() }),
        Section::RfPath(RfPath {
            id: "fm",
            antenna: Some(0),
            filter: Some(0),
            ..RfPath::default()
        }),
        Section::Calibration(Calibration {
            rf_path: Some(0),
            time_s: Some(START * 60 - 86_400),
            gain_hundredth_db: Some(2_000),
            noise_figure_hundredth_db: Some(600),
            reference: "antenna terminal",
            ..Calibration::default()
        }),
        Section::Host(Host { name: "mast-1", platform: "none", ..Host::UNKNOWN }),
        Section::HostStatus(HostStatus { cpu_tenth_c: Some(415), ..HostStatus::default() }),
        Section::Environment(Environment {
            surroundings: Some(Surroundings::OutdoorRural),
            temperature_tenth_c: Some(-35),
            ..Environment::UNKNOWN
        }),
        Section::Location(Location {
            latitude_e7: 472_000_000,
            longitude_e7: -83_000_000,
            height_cm: 51_200,
        }),
        Section::Sensor(Sensor { antennas: 1, rf_filter: true, ..Sensor::UNKNOWN }),
    ]
}
