//! Metrics that wait to be exported.
//!
//! Each kind has room of its own, so that many of one do not displace the few of another.
//! What waits is kept as the fields of an `ExportMetricsRequest`, one behind the other: any
//! run of them is a request. When there is no room the oldest are dropped and counted; what
//! is being exported stays until the controller has answered.

use super::agent::{AgentConfig, Attempts, Call, Link};
use super::messages::{ExportMetrics, StandardInterfaceStatistics, StatusCode, Timestamp};
use super::protobuf::{self, Described, Encode, Encoder, Message};
use crate::time::{Instant, Now};

/// Of which kind metrics are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MetricKind {
    /// Operational states of interfaces.
    State,
    /// Statistics of interfaces.
    Statistics,
    /// Metrics of the links of modems.
    Link,
}

impl MetricKind {
    const fn number(self) -> usize {
        match self {
            Self::State => 0,
            Self::Statistics => 1,
            Self::Link => 2,
        }
    }
}

/// Counters of the metrics of an agent. A metric here is what was reported in one element.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct TelemetryStats {
    /// Metrics taken.
    pub taken: u64,
    /// Metrics not taken because the clock was not good enough.
    pub unsynchronised: u64,
    /// Metrics not taken because they are longer than all the room.
    pub too_long: u64,
    /// Metrics dropped for newer ones, of each kind: states, statistics, links.
    pub dropped: [u64; 3],
    /// Metrics exported.
    pub exported: u64,
    /// Requests sent.
    pub requests: u64,
    /// Requests that failed, and are sent again.
    pub failed: u64,
    /// Metrics that the controller found invalid, and were dropped.
    pub rejected: u64,
}

/// Metrics of one kind: fields one behind the other, the oldest first.
#[derive(Debug)]
struct Ring<'s> {
    octets: &'s mut [u8],
    start: usize,
    end: usize,
    /// Since when the oldest waits.
    since: Instant,
}

impl Ring<'_> {
    fn waiting(&self) -> &[u8] {
        self.octets.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the field at the front of `octets` ends.
    fn first(octets: &[u8]) -> Option<usize> {
        // Of one field more the octets are of no matter: fields are read one by one.
        Some(Message::checked(ExportMetrics::TYPE, octets).fields().next()?.end)
    }

    /// Octets of as many fields as go into one request, and how many they are.
    fn batch(&self, limit: usize) -> (usize, u64) {
        let (mut length, mut fields) = (0_usize, 0_u64);
        let mut rest = self.waiting();
        while let Some(first) = Self::first(rest) {
            let all = length.saturating_add(first);
            if fields > 0 && all > limit {
                break;
            }
            (length, fields) = (all, fields.saturating_add(1));
            rest = rest.get(first..).unwrap_or_default();
        }
        (length, fields)
    }

    /// Takes out octets that are not the first so many.
    fn cut(&mut self, from: usize, length: usize) {
        let from = self.start.saturating_add(from);
        if from == self.start {
            self.start = self.start.saturating_add(length).min(self.end);
            return;
        }
        self.shift(from.saturating_add(length), from);
    }

    /// Moves what is behind `from` to `to`.
    fn shift(&mut self, from: usize, to: usize) {
        let mut to = to;
        for place in from..self.end {
            let octet = self.octets.get(place).copied().unwrap_or_default();
            if let Some(room) = self.octets.get_mut(to) {
                *room = octet;
            }
            to = to.saturating_add(1);
        }
        self.end = to;
    }
}

/// A request that is being exported.
#[derive(Clone, Copy, Debug)]
struct Export {
    call: Call,
    kind: usize,
    octets: usize,
    metrics: u64,
    deadline: Instant,
}

/// Metrics that wait.
#[derive(Debug)]
pub(super) struct Telemetry<'s> {
    rings: [Ring<'s>; 3],
    under_way: Option<Export>,
    attempts: Attempts,
    /// The kind whose turn it is.
    turn: usize,
    stats: TelemetryStats,
}

#[cfg_attr(not(feature = "std"), inline(never))]
const fn count(counter: &mut u64, by: u64) {
    *counter = counter.saturating_add(by);
}

impl<'s> Telemetry<'s> {
    pub(super) fn new(octets: [&'s mut [u8]; 3]) -> Self {
        Self {
            rings: octets.map(|octets| Ring { octets, start: 0, end: 0, since: Instant::ZERO }),
            under_way: None,
            attempts: Attempts::NEW,
            turn: 0,
            stats: TelemetryStats::default(),
        }
    }

    pub(super) const fn stats(&self) -> &TelemetryStats {
        &self.stats
    }

    /// Takes metrics to be exported.
    pub(super) fn add(
        &mut self,
        now: Instant,
        kind: MetricKind,
        metrics: &dyn Encode,
        is_good: bool,
    ) -> bool {
        let length = protobuf::count(metrics);
        let kind = kind.number();
        let held = self.under_way.filter(|export| export.kind == kind);
        let held = held.map_or(0, |export| export.octets);
        let (Some(ring), Some(dropped)) =
            (self.rings.get_mut(kind), self.stats.dropped.get_mut(kind))
        else {
            return false;
        };
        if !is_good {
            count(&mut self.stats.unsynchronised, 1);
            return false;
        }
        if length.saturating_add(held) > ring.octets.len() {
            count(&mut self.stats.too_long, 1);
            return false;
        }
        if ring.start == ring.end {
            ring.since = now;
        }
        let free =
            |ring: &Ring<'_>| ring.octets.len().saturating_sub(ring.end.saturating_sub(ring.start));
        while free(ring) < length {
            let oldest = ring.waiting().get(held..).and_then(Ring::first);
            let Some(oldest) = oldest else { break };
            ring.cut(held, oldest);
            count(dropped, 1);
        }
        if ring.octets.len().saturating_sub(ring.end) < length {
            let start = core::mem::take(&mut ring.start);
            ring.shift(start, 0);
        }
        let end = ring.end.saturating_add(length);
        let Some(room) = ring.octets.get_mut(ring.end..end) else { return false };
        Encoder::new(room).all(metrics);
        ring.end = end;
        count(&mut self.stats.taken, 1);
        true
    }

    /// Begins to export what is due.
    pub(super) fn export(
        &mut self,
        now: Now,
        config: &AgentConfig<'_>,
        last: &mut Call,
        link: &mut dyn Link,
    ) {
        let now = now.monotonic;
        if let Some(export) = self.under_way {
            if export.deadline > now {
                return;
            }
            link.close(export.call);
            self.failed(now, config);
        }
        if !self.attempts.is_due(now) {
            return;
        }
        for step in 0..self.rings.len() {
            let kind = self.turn.saturating_add(step).checked_rem(self.rings.len()).unwrap_or(0);
            let Some(ring) = self.rings.get(kind) else { return };
            if Self::ring_due(ring, config) > now {
                continue;
            }
            let (octets, metrics) = ring.batch(config.batch);
            *last = Call(last.0.wrapping_add(1));
            let call = *last;
            count(&mut self.stats.requests, 1);
            let request = ring.waiting().get(..octets).unwrap_or_default();
            if link.export(call, request).is_err() {
                return self.failed(now, config);
            }
            let deadline = now.after(config.answer_timeout);
            self.under_way = Some(Export { call, kind, octets, metrics, deadline });
            self.turn = kind.saturating_add(1);
            return;
        }
    }

    fn failed(&mut self, now: Instant, config: &AgentConfig<'_>) {
        self.under_way = None;
        count(&mut self.stats.failed, 1);
        self.attempts.fail(now, &config.pace, config.random);
    }

    /// What became of a request. Whether it is one that is under way.
    pub(super) fn exported(
        &mut self,
        now: Instant,
        call: Call,
        status: StatusCode,
        config: &AgentConfig<'_>,
    ) -> bool {
        let Some(export) = self.under_way.filter(|export| export.call == call) else {
            return false;
        };
        let counter = match status {
            StatusCode::OK => &mut self.stats.exported,
            // It can never be taken.
            StatusCode::INVALID_ARGUMENT => &mut self.stats.rejected,
            _ => {
                self.failed(now, config);
                return true;
            }
        };
        count(counter, export.metrics);
        self.under_way = None;
        self.attempts = Attempts::NEW;
        if let Some(ring) = self.rings.get_mut(export.kind) {
            ring.cut(0, export.octets);
            ring.since = now;
        }
        true
    }

    fn ring_due(ring: &Ring<'_>, config: &AgentConfig<'_>) -> Instant {
        match ring.waiting().len() {
            0 => Instant::MAX,
            length if length >= config.batch => Instant::ZERO,
            _ => ring.since.after(config.batch_delay),
        }
    }

    /// When there is something to be exported, or an export is given up.
    pub(super) fn due(&self, config: &AgentConfig<'_>) -> Instant {
        if let Some(export) = &self.under_way {
            return export.deadline;
        }
        let mut due = Instant::MAX;
        for ring in &self.rings {
            due = due.min(Self::ring_due(ring, config));
        }
        due.max(self.attempts.due)
    }
}

/// Since when the counters of an interface count.
///
/// A counter that is less than it was has begun anew: at some time after it was seen last,
/// and so what it counts was counted since then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CounterEpoch {
    start: Timestamp,
    seen: Timestamp,
    counters: [u64; 25],
}

impl CounterEpoch {
    /// Counters that count since `start`.
    #[must_use]
    pub const fn new(start: Timestamp) -> Self {
        Self { start, seen: start, counters: [0; 25] }
    }

    /// What the counters are at a time, in the order of the fields of
    /// [`StandardInterfaceStatistics`]: received and sent packets first. One that is greater
    /// than the interface has numbers for is said to be the greatest it has.
    pub fn statistics(
        &mut self,
        time: Timestamp,
        counters: &[u64; 25],
    ) -> StandardInterfaceStatistics {
        if counters.iter().zip(&self.counters).any(|(now, before)| now < before) {
            self.start = self.seen;
        }
        (self.seen, self.counters) = (time, *counters);
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y] =
            counters.map(|counter| Some(i64::try_from(counter).unwrap_or(i64::MAX)));
        StandardInterfaceStatistics {
            start_time: Some(self.start),
            time: Some(time),
            rx_packets: a,
            tx_packets: b,
            rx_bytes: c,
            tx_bytes: d,
            rx_errors: e,
            tx_errors: f,
            rx_dropped: g,
            tx_dropped: h,
            multicast: i,
            collisions: j,
            rx_length_errors: k,
            rx_over_errors: l,
            rx_crc_errors: m,
            rx_frame_errors: n,
            rx_fifo_errors: o,
            rx_missed_errors: p,
            tx_aborted_errors: q,
            tx_carrier_errors: r,
            tx_fifo_errors: s,
            tx_heartbeat_errors: t,
            tx_window_errors: u,
            rx_compressed: v,
            tx_compressed: w,
            rx_nohandler: x,
            rx_otherhost_dropped: y,
        }
    }
}
