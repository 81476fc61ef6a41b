//! The time of the board: a timer for monotonic time, and UTC from a time server by
//! SNTP (RFC 4330).

use core::cell::Cell;
use core::time::Duration;

use farpost::time::{Clock, ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, Transport};

use crate::mps2::timer::Timer;
use crate::mps2::{TICKS_PER_MICROSECOND, log};

/// The clock. It runs `speed` times as fast as its timer.
pub struct BoardClock {
    timer: Timer,
    speed: u32,
    /// UTC at the start of monotonic time, in microseconds, once it is known.
    start: Cell<Option<i64>>,
}

impl BoardClock {
    /// A clock that starts now and does not know UTC.
    pub fn start(timer: Timer, speed: u32) -> Self {
        timer.start();
        Self { timer, speed: speed.max(1), start: Cell::new(None) }
    }

    /// Microseconds of the timer, whatever the speed: the time of links.
    pub fn real_micros(&self) -> u64 {
        self.timer.ticks() / u64::from(TICKS_PER_MICROSECOND)
    }

    /// The same for smoltcp.
    pub fn link_time(&self) -> smoltcp::time::Instant {
        smoltcp::time::Instant::from_micros(i64::try_from(self.real_micros()).unwrap_or(i64::MAX))
    }

    /// How long in real time `span` of this clock takes.
    pub fn real(&self, span: Duration) -> Duration {
        span / self.speed
    }

    fn monotonic(&self) -> Instant {
        Instant::from_micros(self.real_micros().saturating_mul(self.speed.into()))
    }

    fn set(&self, at: Instant, utc_micros: i64) {
        let monotonic = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        self.start.set(Some(utc_micros.saturating_sub(monotonic)));
    }
}

impl Clock for BoardClock {
    fn now(&self) -> Now {
        let monotonic = self.monotonic();
        log::stamp(monotonic.as_micros());
        let since_start = i64::try_from(monotonic.as_micros()).unwrap_or(i64::MAX);
        let (start, quality) = match self.start.get() {
            Some(start) => (start, ClockQuality::Synchronised),
            None => (0, ClockQuality::Unset),
        };
        let utc = Utc::from_unix_micros(start.saturating_add(since_start));
        Now { monotonic, utc, quality }
    }
}

/// Between two questions to the time server, and between a question and its repetition.
const PERIOD: Duration = Duration::from_secs(120);
const PATIENCE: Duration = Duration::from_secs(8);
/// Answers that took longer tell the time too badly.
const WORST_TRIP: Duration = Duration::from_secs(4);

/// Seconds from the start of NTP's first era, 1900, to 1970, and of an era.
const NTP_TO_UNIX: i64 = 2_208_988_800;
const ERA: i64 = 1 << 32;

const LENGTH: usize = 48;
/// No leap, version 4, client; a server answers as mode 4.
const CLIENT: u8 = 4 << 3 | 3;
const SERVER_MODE: u8 = 4;

/// Asks a time server and sets the clock by its answers.
pub struct TimeClient {
    server: Address,
    asked: Option<Instant>,
    due: Instant,
}

impl TimeClient {
    pub const fn new(server: Address) -> Self {
        Self { server, asked: None, due: Instant::ZERO }
    }

    /// Asks when it is time to.
    pub fn tick(&mut self, clock: &BoardClock, transport: &mut dyn Transport) {
        let now = clock.monotonic();
        if now < self.due {
            return;
        }
        let mut question = [0; LENGTH];
        question[0] = CLIENT;
        // The server returns this as it is; it need not be a time.
        question[40..].copy_from_slice(&now.as_micros().to_be_bytes());
        self.due = now.after(PATIENCE);
        if transport.send(&self.server, 0, &question).is_ok() {
            self.asked = Some(now);
        }
    }

    /// Sets the clock if `octets` are an answer. Returns whether they are.
    pub fn receive(&mut self, clock: &BoardClock, octets: &[u8]) -> bool {
        let now = clock.monotonic();
        let Some(asked) = self.asked else { return false };
        let Some(utc) = answered(octets, asked) else { return false };
        let trip = now.since(asked);
        self.asked = None;
        if trip > WORST_TRIP {
            return false;
        }
        let half = i64::try_from(trip.as_micros() / 2).unwrap_or(0);
        clock.set(now, utc.saturating_add(half));
        self.due = now.after(PERIOD);
        true
    }

    pub const fn next_deadline(&self) -> Instant {
        self.due
    }
}

/// The time in an answer to the question of `asked`, in microseconds since 1970.
fn answered(octets: &[u8], asked: Instant) -> Option<i64> {
    let answer: &[u8; LENGTH] = octets.first_chunk()?;
    let [head, stratum, ..] = *answer;
    let originate: [u8; 8] = answer[24..32].try_into().ok()?;
    let sound = head & 7 == SERVER_MODE && head >> 6 != 3 && (1..16).contains(&stratum);
    if !sound || u64::from_be_bytes(originate) != asked.as_micros() {
        return None;
    }
    let seconds = u32::from_be_bytes(answer[40..44].try_into().ok()?);
    let fraction = u32::from_be_bytes(answer[44..48].try_into().ok()?);
    // The top bit is clear from 2036 on: the second era (RFC 4330 section 3).
    let era = if seconds >> 31 == 0 { ERA } else { 0 };
    let unix = i64::from(seconds) + era - NTP_TO_UNIX;
    let micros = i64::from(fraction) * 1_000_000 >> 32;
    Some(unix * 1_000_000 + micros)
}
