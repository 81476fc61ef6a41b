//! A few hours of the calendar, close enough to see each scan.

use std::fmt::Write;
use std::string::{String, ToString};

use super::Fragment;
use super::page::{Figure, escape, ink};
use super::week::{Booking, colour, names};
use crate::time::Utc;

/// How a scan ended, as far as it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// It is to come, or runs.
    #[default]
    Open,
    /// It was finished.
    Complete,
    /// It was not finished, or not performed.
    Failed,
}

const LEFT: f64 = 110.0;
const BAND: f64 = 34.0;
const TOP: f64 = 24.0;

/// A time in which something was otherwise than usual, such as a link that was away.
#[derive(Clone, Copy, Debug)]
pub struct Spell<'t> {
    /// When it began.
    pub start: Utc,
    /// How long it lasted.
    pub minutes: u16,
    /// What it was.
    pub note: &'t str,
}

/// Draws the bookings between `from` and `minutes` later over `width`: a band for
/// each device, a colour for each Actor. What was finished is filled, what failed
/// is hollow and struck out, what is to come is pale. Spells are shaded.
#[must_use]
pub fn hours(
    (from, minutes): (Utc, u16),
    bookings: &[(Booking<'_>, Ending)],
    spells: &[Spell<'_>],
    width: f64,
) -> Fragment {
    let devices = names(bookings, |(booking, _)| booking.device);
    let actors = names(bookings, |(booking, _)| booking.actor);
    let first = from.unix_minute();
    let scale = (width - LEFT) / f64::from(minutes.max(1));
    let x = |minute: i64| LEFT + (minute - first) as f64 * scale;
    let bottom = TOP + BAND * devices.len() as f64;
    let mut svg = String::new();
    for (device, nth) in &devices {
        let y = TOP + BAND * *nth as f64;
        let _ = writeln!(
            svg,
            "<rect x='{LEFT}' y='{}' width='{}' height='{}' fill='#f4f6f8'/>\
             <text x='{}' y='{}' font-size='13' text-anchor='end' fill='{}'>{}</text>",
            y + 2.0,
            Figure(width - LEFT),
            BAND - 4.0,
            LEFT - 10.0,
            y + BAND / 2.0 + 4.0,
            ink::STRONG,
            escape(device),
        );
    }
    let step = if minutes <= 120 { 5 } else { 30 };
    for minute in (0..=i64::from(minutes)).step_by(step) {
        let at = Figure(x(first + minute));
        let time = Utc::from_unix_minute(first + minute).to_string();
        let _ = writeln!(
            svg,
            "<path d='M{at} {TOP}V{}' stroke='#d4dae0'/>\
             <text x='{at}' y='{}' font-size='11' text-anchor='middle' fill='{}'>{}</text>",
            Figure(bottom),
            TOP - 8.0,
            ink::SOFT,
            time.get(11..16).unwrap_or_default(),
        );
    }
    for spell in spells {
        let begin = spell.start.unix_minute();
        let [left, right] = [begin, begin + i64::from(spell.minutes)]
            .map(|minute| x(minute.clamp(first, first + i64::from(minutes))));
        let _ = writeln!(
            svg,
            "<rect x='{}' y='{TOP}' width='{}' height='{}' fill='#16202e' fill-opacity='0.14'/>\
             <text x='{}' y='{}' font-size='12' text-anchor='middle' fill='{}'>{}</text>",
            Figure(left),
            Figure(right - left),
            Figure(bottom - TOP),
            Figure(f64::midpoint(left, right)),
            Figure(bottom + 22.0),
            ink::STRONG,
            escape(spell.note),
        );
    }
    for (booking, ending) in bookings {
        let start = booking.start.unix_minute().max(first);
        let end = (booking.start.unix_minute() + i64::from(booking.minutes))
            .min(first + i64::from(minutes));
        if start >= end {
            continue;
        }
        let nth = devices.get(booking.device).copied().unwrap_or(0);
        let ink = colour(actors.get(booking.actor).copied());
        let (fill, said) = match ending {
            Ending::Open => ("fill-opacity='0.3'", "to come"),
            Ending::Complete => ("fill-opacity='1'", "complete"),
            Ending::Failed => ("fill-opacity='0'", "not complete"),
        };
        let (left, right) = (x(start) + 1.0, x(end) - 1.0);
        let (top, low) = (TOP + BAND * nth as f64 + 6.0, TOP + BAND * (nth + 1) as f64 - 6.0);
        let _ = writeln!(
            svg,
            "<rect x='{}' y='{}' width='{}' height='{}' rx='2' fill='{ink}' {fill} \
             stroke='{ink}'><title>{} for {}, {}: {said}</title></rect>",
            Figure(left),
            Figure(top),
            Figure(right - left),
            Figure(low - top),
            escape(booking.device),
            escape(booking.actor),
            escape(booking.note),
        );
        if *ending == Ending::Failed {
            let _ = writeln!(
                svg,
                "<path d='M{} {}L{} {}' stroke='{ink}'/>",
                Figure(left),
                Figure(low),
                Figure(right),
                Figure(top)
            );
        }
    }
    let mut at = LEFT;
    for (actor, nth) in &actors {
        let _ = writeln!(
            svg,
            "<rect x='{}' y='{}' width='12' height='12' fill='{}'/>\
             <text x='{}' y='{}' font-size='12' fill='{}'>{}</text>",
            Figure(at),
            Figure(bottom + 12.0),
            colour(Some(*nth)),
            Figure(at + 18.0),
            Figure(bottom + 22.0),
            ink::STRONG,
            escape(actor),
        );
        at += 40.0 + 8.0 * actor.chars().count() as f64;
    }
    Fragment { svg, width, height: bottom + 28.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_booking_is_a_rectangle_in_its_band() {
        let from = Utc::from_unix_minute(600);
        let booking = |device, minute, minutes| Booking {
            device,
            actor: "a<b",
            note: "",
            start: Utc::from_unix_minute(minute),
            minutes,
        };
        let away = |start, note| Spell { start: Utc::from_unix_minute(start), minutes: 9, note };
        let drawn = hours(
            (from, 60),
            &[
                (booking("one", 610, 5), Ending::Complete),
                (booking("two", 590, 30), Ending::Failed),
                (booking("two", 700, 1), Ending::Open),
            ],
            &[away(655, "no <link>")],
            1_000.0,
        );
        assert!(drawn.svg.contains("no &lt;link&gt;"));
        assert!(drawn.svg.contains("width='74.2'"), "it ends with the picture: {}", drawn.svg);
        assert_eq!(drawn.svg.matches("<title>").count(), 2, "what is outside is left out");
        assert!(drawn.svg.contains("a&lt;b"));
        assert!((drawn.height - 120.0).abs() < 1e-9);
    }
}
