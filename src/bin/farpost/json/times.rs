//! Times and spans as Protobuf's JSON has them: `2026-11-23T10:00:00.250Z`, `-1.500s`.

use farpost::southbound::messages::{Duration, Timestamp};
use jiff::SignedDuration;
use jiff::civil::DateTime;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// A time, where it is in range.
pub(super) fn timestamp(time: Timestamp) -> Option<serde_json::Value> {
    if !time.is_valid() {
        return None;
    }
    let at = EPOCH.checked_add(SignedDuration::new(time.seconds, time.nanos)).ok()?;
    let fraction = fraction(time.nanos.unsigned_abs());
    Some(format!("{}{fraction}Z", at.strftime("%Y-%m-%dT%H:%M:%S")).into())
}

pub(super) fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let at: DateTime = text.strip_suffix('Z')?.parse().ok()?;
    let since = at.duration_since(EPOCH);
    // Before the epoch both parts are negative.
    let (mut seconds, mut nanos) = (since.as_secs(), since.subsec_nanos());
    if nanos < 0 {
        (seconds, nanos) = (seconds.checked_sub(1)?, nanos.checked_add(1_000_000_000)?);
    }
    Some(Timestamp { seconds, nanos }).filter(|time| time.is_valid())
}

/// A span, where it is in range.
pub(super) fn duration(span: Duration) -> Option<serde_json::Value> {
    if !span.is_valid() {
        return None;
    }
    let sign = if span.seconds < 0 || span.nanos < 0 { "-" } else { "" };
    let fraction = fraction(span.nanos.unsigned_abs());
    Some(format!("{sign}{}{fraction}s", span.seconds.unsigned_abs()).into())
}

pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.strip_suffix('s')?;
    let (negative, text) = match text.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, text),
    };
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|octet| octet.is_ascii_digit());
    if seconds.is_empty() || !digits(seconds) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    let span = if negative {
        Duration { seconds: seconds.checked_neg()?, nanos: nanos.checked_neg()? }
    } else {
        Duration { seconds, nanos }
    };
    Some(span).filter(|span| span.is_valid())
}

/// Three digits behind the point, or six, or nine, or none.
fn fraction(nanos: u32) -> String {
    let digits = format!("{nanos:09}");
    match (nanos, nanos % 1_000_000, nanos % 1_000) {
        (0, ..) => String::new(),
        (_, 0, _) => format!(".{}", digits.get(..3).unwrap_or_default()),
        (_, _, 0) => format!(".{}", digits.get(..6).unwrap_or_default()),
        _ => format!(".{digits}"),
    }
}
