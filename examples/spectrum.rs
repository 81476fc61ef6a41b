//! One scan, drawn: `cargo run --release --features std --example spectrum`.
//!
//! Senses the FM broadcast band of a generated town, or a SigMF recording:
//! `-- --recording FILE.sigmf-meta`, whose levels are relative to full scale. Writes
//! `spectrum.svg`.
#![allow(clippy::std_instead_of_core, reason = "an example for hosts")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, fs};

use farpost::host::draw::{Page, Scan, Trace, spectra};
use farpost::host::sensing::{Band, FrontEnd, Place, Player, Post, Recording, World, measure};
use farpost::scos::{Detector, ScanParameters, Window};
use farpost::time::Utc;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (name, mut front_end, center_hz, bandwidth_hz) =
        match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => generated_band(),
            ["--recording", file] => recording(Path::new(file))?,
            _ => return Err("usage: spectrum [--recording FILE.sigmf-meta]".into()),
        };
    let parameters = ScanParameters {
        center_hz,
        bandwidth_hz,
        resolution_hz: (bandwidth_hz / 1_000).max(1),
        transforms: 64,
        detector: Detector::Mean,
        window: Window::BlackmanHarris,
        gain_db: 20,
        settings: None,
    };

    let start = Utc::from_unix_seconds(1_795_428_000);
    let spectrum = measure(&mut front_end, &parameters, start)?;
    let trace = Trace::from(&spectrum);
    println!("noise floor {:.1} dBm in {:.0} Hz", trace.noise_floor_dbm, spectrum.resolution_hz());
    for peak in &trace.peaks {
        println!("{:12.4} MHz {:7.1} dBm", peak.hz / 1e6, peak.dbm);
    }

    let scan = Scan { ssd: &name, actor: "you", start, parameters, trace };
    let mut page = Page::new("A spectrum", &name);
    page.add("", "", &spectra(&[scan], 1, 900.0));
    fs::write("spectrum.svg", page.finish())?;
    println!("wrote spectrum.svg");
    Ok(())
}

type Source = (String, Box<dyn FrontEnd>, u64, u32);

fn generated_band() -> Source {
    let post = Post { number: 1, place: Place::default(), noise_figure_db: 6.0 };
    let band = Band::new(Arc::new(World::town(1)), post);
    ("generated band".into(), Box::new(band), 98_000_000, 20_000_000)
}

/// All of the recording's first segment.
fn recording(file: &Path) -> Result<Source, Box<dyn Error>> {
    let player = Player::new(Recording::open(file)?, 0.0);
    let Some(range) = player.bands().next() else {
        return Err("the recording does not tell its frequency".into());
    };
    let bandwidth_hz = *player.capabilities().bandwidth_hz.end();
    let center_hz = range.start().midpoint(*range.end());
    Ok((file.display().to_string(), Box::new(player), center_hz, bandwidth_hz))
}
