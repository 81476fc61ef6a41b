//! The week calendar as a picture and as text: a row for each day, a band in it
//! for each device, a colour for each Actor.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::Fragment;
use crate::time::{Utc, Week};

/// One occurrence of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking<'a> {
    /// The device that scans.
    pub device: &'a str,
    /// The Actor it scans for.
    pub actor: &'a str,
    /// What else to say of it, such as the number of the request; may be empty.
    pub note: &'a str,
    /// When it starts.
    pub start: Utc,
    /// How long it takes, in minutes.
    pub minutes: u16,
}

/// The part of a booking that is in one day.
struct Piece<'a> {
    booking: &'a Booking<'a>,
    day: i64,
    from: i64,
    to: i64,
}

/// Colours that people of any colour vision tell apart (after Okabe and Ito), and
/// that white text or a dark outline stands out from.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6a4c93", "#7a7a7a"];

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

// Pixels.
const LEFT: i64 = 150;
const TOP: i64 = 64;
const WIDTH: i64 = 1_440;
const RIGHT: i64 = 24;
const DAY_GAP: i64 = 14;
const FONT: &str = "font-family=\"system-ui, 'DejaVu Sans', sans-serif\"";

/// The weeks as a drawing, one below the other. A pixel is a minute.
///
/// Devices and Actors are in the order of their names. What is outside of the
/// weeks is left out.
#[must_use]
pub fn weeks(weeks: &[Week], bookings: &[Booking<'_>]) -> Fragment {
    let devices = names(bookings, |booking| booking.device);
    let actors = names(bookings, |booking| booking.actor);
    let layout = Layout::of(devices.len());
    let height = layout.week_height() * count(weeks.len()) + 40;
    let mut svg = String::new();
    for (nth, week) in weeks.iter().enumerate() {
        let top = layout.week_height() * count(nth);
        write_week(&mut svg, &layout, top, *week, &devices, &actors, bookings);
    }
    write_legend(&mut svg, height - 30, &actors, bookings);
    Fragment { svg, width: (LEFT + WIDTH + RIGHT) as f64, height: height as f64 }
}

/// The drawing of [`weeks`] as an SVG document of its own.
#[must_use]
pub fn week_svg(weeks: &[Week], bookings: &[Booking<'_>]) -> String {
    let Fragment { svg, width, height } = self::weeks(weeks, bookings);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" {FONT} role=\"img\">\n\
         <title>Scan calendar</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{svg}</svg>\n"
    )
}

/// One week as text, a line for each day and device and a character for each
/// half hour: a letter of the Actor who has most of it, `.` where all is free.
#[must_use]
pub fn week_text(week: Week, bookings: &[Booking<'_>]) -> String {
    const CELL: i64 = 30;
    let devices = names(bookings, |booking| booking.device);
    let actors = names(bookings, |booking| booking.actor);
    let column = devices.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = format!("week of {}\n{:w$}", date(week, 0), "", w = column + 17);
    for hour in (0..24).step_by(2) {
        let _ = write!(text, "{hour:02}  ");
    }
    text.push('\n');
    let pieces = pieces(week, bookings);
    for (day, name) in (0_i64..).zip(DAYS) {
        for device in devices.keys() {
            let _ = write!(text, "{name} {} {device:column$}  ", date(week, day));
            for cell in 0..48_i64 {
                let mut minutes = BTreeMap::<&str, i64>::new();
                let here = |piece: &&Piece<'_>| piece.day == day && piece.booking.device == *device;
                for piece in pieces.iter().filter(here) {
                    let shared = piece.to.min((cell + 1) * CELL) - piece.from.max(cell * CELL);
                    if shared > 0 {
                        *minutes.entry(piece.booking.actor).or_default() += shared;
                    }
                }
                let most = minutes.into_iter().max_by_key(|(_, minutes)| *minutes);
                text.push(most.map_or('.', |(actor, _)| letter(actors.get(actor).copied())));
            }
            text.push('\n');
        }
    }
    for (actor, nth) in &actors {
        let _ = writeln!(text, "{} = {actor}", letter(Some(*nth)));
    }
    text
}

/// How high things are, by the number of devices.
struct Layout {
    band: i64,
    day: i64,
}

impl Layout {
    fn of(devices: usize) -> Self {
        let devices = count(devices).max(1);
        let band = (72 / devices).clamp(10, 30);
        Self { band, day: band * devices }
    }

    fn week_height(&self) -> i64 {
        TOP + 7 * (self.day + DAY_GAP) + 8
    }

    fn day_top(&self, day: i64) -> i64 {
        TOP + day * (self.day + DAY_GAP)
    }
}

fn write_week(
    svg: &mut String,
    layout: &Layout,
    top: i64,
    week: Week,
    devices: &BTreeMap<&str, usize>,
    actors: &BTreeMap<&str, usize>,
    bookings: &[Booking<'_>],
) {
    let _ = writeln!(
        svg,
        "<g transform=\"translate(0 {top})\">\n<text x=\"16\" y=\"30\" font-size=\"18\" \
         font-weight=\"600\" fill=\"#1a1a1a\">Week of {} (UTC)</text>",
        date(week, 0)
    );
    for day in 0..7 {
        write_day(svg, layout, week, day, devices);
    }
    for hour in (0..=24).step_by(2) {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" font-size=\"11\" text-anchor=\"middle\" fill=\"#555555\">{hour:02}:00</text>",
            LEFT + hour * 60,
            TOP - 8
        );
    }
    for piece in pieces(week, bookings) {
        let booking = piece.booking;
        let band = count(devices.get(booking.device).copied().unwrap_or(0));
        let end = Utc::from_unix_minute(booking.start.unix_minute() + i64::from(booking.minutes));
        let note = if booking.note.is_empty() { "" } else { ", " };
        let _ = writeln!(
            svg,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"#ffffff\" \
             stroke-width=\"0.4\"><title>{} for {}{note}{}: {} to {} ({} min)</title></rect>",
            LEFT + piece.from,
            layout.day_top(piece.day) + band * layout.band + 1,
            // Two pixels at least, or a minute could not be seen.
            (piece.to - piece.from).max(2),
            layout.band - 2,
            colour(actors.get(booking.actor).copied()),
            escaped(booking.device),
            escaped(booking.actor),
            escaped(booking.note),
            minute(booking.start),
            minute(end),
            booking.minutes,
        );
    }
    svg.push_str("</g>\n");
}

fn write_day(
    svg: &mut String,
    layout: &Layout,
    week: Week,
    day: i64,
    devices: &BTreeMap<&str, usize>,
) {
    let top = layout.day_top(day);
    let name = usize::try_from(day).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"");
    let _ = writeln!(
        svg,
        "<text x=\"16\" y=\"{}\" font-size=\"13\" font-weight=\"600\" fill=\"#1a1a1a\">{name}</text>\
         <text x=\"16\" y=\"{}\" font-size=\"10\" fill=\"#555555\">{}</text>",
        top + 13,
        top + 26,
        date(week, day)
    );
    for (device, nth) in devices {
        let y = top + count(*nth) * layout.band;
        let shade = if nth % 2 == 0 { "#f4f6f8" } else { "#e9edf1" };
        let _ = writeln!(
            svg,
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{}\" fill=\"{shade}\"/>\
             <text x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"end\" fill=\"#333333\">{}</text>",
            layout.band,
            LEFT - 6,
            y + layout.band / 2 + 4,
            (layout.band - 1).min(11),
            escaped(&shortened(device))
        );
    }
    for hour in 0..=24 {
        let x = LEFT + hour * 60;
        let line = if hour % 6 == 0 { "#9aa4ae" } else { "#d4dae0" };
        let _ = writeln!(
            svg,
            "<path d=\"M{x} {top}v{}\" stroke=\"{line}\" stroke-width=\"1\"/>",
            layout.day
        );
    }
}

fn write_legend(
    svg: &mut String,
    top: i64,
    actors: &BTreeMap<&str, usize>,
    bookings: &[Booking<'_>],
) {
    let mut x = LEFT;
    for (actor, nth) in actors {
        let minutes: i64 = (bookings.iter())
            .filter(|booking| booking.actor == *actor)
            .map(|booking| i64::from(booking.minutes))
            .sum();
        let label = format!("{} ({minutes} min)", shortened(actor));
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{top}\" width=\"14\" height=\"14\" fill=\"{}\"/>\
             <text x=\"{}\" y=\"{}\" font-size=\"12\" fill=\"#1a1a1a\">{}</text>",
            colour(Some(*nth)),
            x + 20,
            top + 12,
            escaped(&label)
        );
        x += 44 + 7 * count(label.chars().count());
        if x > LEFT + WIDTH {
            break;
        }
    }
    if actors.is_empty() {
        let _ = writeln!(
            svg,
            "<text x=\"{LEFT}\" y=\"{}\" font-size=\"12\" fill=\"#555555\">nothing is booked</text>",
            top + 12
        );
    }
}

/// The bookings in `week`, cut at midnight.
fn pieces<'a>(week: Week, bookings: &'a [Booking<'a>]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for booking in bookings {
        let start = booking.start.unix_minute().saturating_sub(week.first_minute());
        let end = start.saturating_add(booking.minutes.into());
        for day in 0..7_i64 {
            let from = start.max(day * 1_440) - day * 1_440;
            let to = end.min((day + 1) * 1_440) - day * 1_440;
            if from < to {
                pieces.push(Piece { booking, day, from, to });
            }
        }
    }
    pieces
}

/// The names there are, in order, numbered from 0.
pub(super) fn names<'a, B>(
    bookings: &'a [B],
    name: impl Fn(&'a B) -> &'a str,
) -> BTreeMap<&'a str, usize> {
    let mut names: BTreeMap<_, _> = bookings.iter().map(|booking| (name(booking), 0)).collect();
    names.values_mut().enumerate().for_each(|(nth, number)| *number = nth);
    names
}

pub(super) fn colour(nth: Option<usize>) -> &'static str {
    nth.and_then(|nth| COLOURS.get(nth % COLOURS.len())).copied().unwrap_or("#000000")
}

fn letter(nth: Option<usize>) -> char {
    nth.and_then(|nth| ('A'..='Z').chain('a'..='z').nth(nth % 52)).unwrap_or('?')
}

fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// `2026-11-23` of a day of a week.
fn date(week: Week, day: i64) -> String {
    let (year, month, day) =
        Utc::from_unix_minute(week.first_minute().saturating_add(day * 1_440)).civil();
    format!("{year:04}-{month:02}-{day:02}")
}

/// `2026-11-23 10:00`.
fn minute(time: Utc) -> String {
    let time = time.to_string().replace('T', " ");
    time.strip_suffix(":00Z").unwrap_or(&time).to_string()
}

/// At most 18 characters of a name, for it to fit where there is little room.
fn shortened(name: &str) -> String {
    if name.chars().count() <= 18 {
        name.to_string()
    } else {
        name.chars().take(17).chain(['…']).collect()
    }
}

/// `text` with what means something in XML escaped, and left out what XML cannot
/// hold.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            character if character.is_control() => {}
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    const MONDAY: i64 = 1_795_392_000 / 60;

    fn booking(start: i64, minutes: u16) -> Booking<'static> {
        let start = Utc::from_unix_minute(MONDAY + start);
        Booking { device: "mast <1>", actor: "ana", note: "7", start, minutes }
    }

    #[test]
    fn a_booking_over_midnight_is_drawn_on_both_days() {
        let week = Week::of_minute(MONDAY).0;
        let bookings = vec![booking(1_430, 20), booking(-5, 10), booking(10_079, 1)];
        let rows: Vec<_> =
            pieces(week, &bookings).iter().map(|piece| (piece.day, piece.from, piece.to)).collect();
        assert_eq!(rows, [(0, 1_430, 1_440), (1, 0, 10), (0, 0, 5), (6, 1_439, 1_440)]);
        let svg = week_svg(&[week], &bookings);
        assert!(svg.contains("mast &lt;1&gt; for ana, 7: 2026-11-23 23:50 to 2026-11-24 00:10"));
        assert!(!svg.contains("mast <1>"));
    }

    #[test]
    fn text_has_a_character_for_each_half_hour() {
        let text = week_text(Week::of_minute(MONDAY).0, &[booking(60, 30)]);
        let monday = text.lines().nth(2).unwrap();
        assert_eq!(monday.rsplit_once(' ').unwrap().1, format!("..A{}", ".".repeat(45)));
        assert!(text.ends_with("A = ana\n"));
    }
}
