//! The picture of the run: the calendar of the week, the spectra, and a waterfall
//! of each repeated scan.

use std::io;
use std::path::Path;

use farpost::host::draw::{
    Booking, Ending, Page, Scan, Spell, Trace, hours, spectra, waterfall, weeks,
};
use farpost::scos::messages::Outcome;
use farpost::time::Week;

use super::journal::{Entry, Journal};
use super::script::{ACTORS, OUTAGE, START};

/// How wide a drawing is: as wide as a week.
const WIDTH: f64 = 1_614.0;

/// Writes the picture of what the journal has.
pub(crate) fn write(file: &Path, journal: &Journal, speed: u32) -> io::Result<()> {
    let about = format!(
        "Three devices in the field, two Actors in the centre; {} requests, at {speed} times real time.",
        journal.entries.len()
    );
    let mut page = Page::new("A sensing network", &about);
    let notes: Vec<_> =
        journal.entries.keys().map(|(_, request)| format!("request {}", request.0)).collect();
    let mut bookings = Vec::new();
    for (((actor, _), entry), note) in journal.entries.iter().zip(&notes) {
        let Some(series) = entry.series else {
            continue;
        };
        bookings.extend((0..series.occurrences()).map(|occurrence| {
            let booking = Booking {
                device: entry.plan.device,
                actor: ACTORS.get(*actor).copied().unwrap_or("?"),
                note,
                start: series.start_of(occurrence),
                minutes: series.minutes,
            };
            let report = entry.reports.iter().find(|report| report.start == booking.start);
            let ending = report.map_or(Ending::Open, |report| match report.outcome {
                Outcome::Complete => Ending::Complete,
                _ => Ending::Failed,
            });
            (booking, ending)
        }));
    }
    let note = "what is struck out was not finished in its slot, or its device was away";
    let (start, length) = (OUTAGE.start, OUTAGE.end - OUTAGE.start);
    let away = Spell {
        start: START.after(start),
        minutes: u16::try_from(length.as_secs() / 60).unwrap_or(u16::MAX),
        note: "the link is away",
    };
    page.add("The run", note, &hours((START, 40), &bookings, &[away], WIDTH));
    let (week, _) = Week::of_minute(START.unix_minute());
    let bookings: Vec<_> = bookings.into_iter().map(|(booking, _)| booking).collect();
    page.add("The week", "each device has a band in each day", &weeks(&[week], &bookings));

    let single = |entry: &&Entry| entry.series.is_some_and(|series| series.repeats == 0);
    let scans: Vec<_> =
        entries(journal).filter(|(_, entry)| single(entry)).flat_map(scans_of).collect();
    page.add("Spectra", "", &spectra(&scans, 2, WIDTH));
    for (actor, entry) in entries(journal).filter(|(_, entry)| !single(entry)) {
        let heading = format!("{} for {actor}: {}", entry.plan.device, entry.plan.about);
        let rows: Vec<_> = scans_of((actor, entry)).collect();
        if !rows.is_empty() {
            page.add(&heading, "", &waterfall(&rows, WIDTH));
        }
    }
    std::fs::write(file, page.finish())
}

fn entries(journal: &Journal) -> impl Iterator<Item = (&'static str, &Entry)> {
    journal
        .entries
        .iter()
        .filter(|(_, entry)| entry.series.is_some())
        .map(|((actor, _), entry)| (ACTORS.get(*actor).copied().unwrap_or("?"), entry))
}

/// The scans of a request that have a spectrum, in the order of their slots.
fn scans_of<'e>((actor, entry): (&'static str, &'e Entry)) -> impl Iterator<Item = Scan<'e>> {
    let mut reports: Vec<_> = entry.reports.iter().collect();
    reports.sort_by_key(|report| report.start);
    reports.into_iter().filter_map(move |report| {
        Some(Scan {
            ssd: entry.plan.device,
            actor,
            start: report.start,
            parameters: entry.plan.parameters,
            trace: Trace::from(report.spectrum.as_ref()?),
        })
    })
}
