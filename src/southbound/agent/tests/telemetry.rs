//! Metrics.

use core::time::Duration;

use super::bench::{Bench, ROOM, Room, START, at, config};
use crate::southbound::agent::AgentConfig;
use crate::southbound::messages::{
    ExportMetrics, ExportMetricsValues, IfOperStatus, IfOperStatusDataPoint,
    InterfaceMetricsValues, LinkMetricsDataPointValues, ModemMetricsValues, StatusCode, Timestamp,
};
use crate::southbound::telemetry::{CounterEpoch, MetricKind};
use crate::time::ClockQuality;

fn state(bench: &mut Bench, number: u8) -> bool {
    let id = std::format!("if{number:03}");
    let point = IfOperStatusDataPoint { time: Some(at(0)), value: Some(IfOperStatus::UP) };
    let metrics = InterfaceMetricsValues {
        interface_id: Some(&id),
        operational_state_data_points: &[point],
        ..InterfaceMetricsValues::default()
    };
    let metrics = ExportMetricsValues { interface_metrics: &[metrics], modem_metrics: &[] };
    bench.agent.report(bench.now, MetricKind::State, &metrics)
}

/// The interfaces that the last export is of.
fn exported(bench: &Bench) -> std::vec::Vec<u8> {
    let (_, octets) = bench.way.exports.last().unwrap();
    let request = ExportMetrics::parse(octets).unwrap();
    let ids = request.interface_metrics().map(|metrics| metrics.interface_id().unwrap());
    ids.map(|id| id[2..].parse().unwrap()).collect()
}

fn answer(bench: &mut Bench, status: StatusCode) {
    let call = bench.way.exports.last().unwrap().0;
    bench.agent.exported(bench.now, call, status);
    bench.tick();
}

#[test]
fn metrics_wait_a_little_for_others_and_one_export_is_under_way() {
    let mut bench = Bench::open();
    assert!(state(&mut bench, 1));
    bench.tick();
    assert!(bench.way.exports.is_empty());
    bench.pass(Duration::from_millis(500));
    assert!(state(&mut bench, 2));
    bench.pass(Duration::from_millis(500));
    assert_eq!(exported(&bench), [1, 2]);
    assert!(state(&mut bench, 3));
    bench.pass(Duration::from_secs(10));
    assert_eq!(bench.way.exports.len(), 1);
    answer(&mut bench, StatusCode::OK);
    assert_eq!(bench.way.exports.len(), 1);
    bench.pass(Duration::from_secs(1));
    assert_eq!(exported(&bench), [3]);
    answer(&mut bench, StatusCode::OK);
    assert_eq!(bench.agent.telemetry_stats().exported, 3);
    assert_eq!(bench.agent.next_deadline(), None);
    // The stream is not disturbed by any of it.
    bench.ask(1, super::bench::set(1, 0, 1, 1), StatusCode::OK);
}

#[test]
fn an_export_is_no_longer_than_it_may_be() {
    let mut bench = Bench::open_with(AgentConfig { batch: 60, ..config() }, ROOM);
    for number in 0..10 {
        assert!(state(&mut bench, number));
    }
    let mut seen = std::vec::Vec::new();
    bench.tick();
    while seen.len() < 10 {
        let (_, octets) = bench.way.exports.last().unwrap();
        assert!(octets.len() <= 60);
        seen.extend(exported(&bench));
        answer(&mut bench, StatusCode::OK);
        bench.pass(Duration::from_secs(1));
    }
    assert_eq!(seen, (0..10).collect::<std::vec::Vec<u8>>());
}

#[test]
fn the_oldest_are_dropped_for_want_of_room_but_not_those_under_way() {
    // Room for four or so.
    let mut bench = Bench::open_with(config(), Room { metrics: 100, ..ROOM });
    for number in 0..9 {
        assert!(state(&mut bench, number));
    }
    let dropped = bench.agent.telemetry_stats().dropped;
    assert!(dropped[0] > 0 && dropped[1] == 0 && dropped[2] == 0, "{dropped:?}");
    bench.pass(Duration::from_secs(1));
    let first = exported(&bench);
    assert_eq!(first.len() as u64 + dropped[0], 9);
    assert_eq!(first.last(), Some(&8));
    // With all the room under way there is none for more.
    for number in 9..12 {
        state(&mut bench, number);
    }
    answer(&mut bench, StatusCode::UNAVAILABLE);
    bench.pass(Duration::from_secs(2));
    assert_eq!(exported(&bench)[..first.len()], first);
    let stats = *bench.agent.telemetry_stats();
    assert_eq!(stats.failed, 1);
    answer(&mut bench, StatusCode::OK);
    bench.pass(Duration::from_secs(2));
    let stats = *bench.agent.telemetry_stats();
    assert_eq!(stats.exported + stats.dropped[0], stats.taken);
}

#[test]
fn what_is_invalid_is_dropped_and_what_failed_is_sent_again_with_back_off() {
    let mut bench = Bench::open();
    state(&mut bench, 1);
    bench.pass(Duration::from_secs(1));
    answer(&mut bench, StatusCode::INVALID_ARGUMENT);
    assert_eq!(bench.agent.telemetry_stats().rejected, 1);
    assert_eq!(bench.agent.next_deadline(), None);
    state(&mut bench, 2);
    bench.pass(Duration::from_secs(1));
    // No answer at all, and then one that comes late.
    let call = bench.way.exports.last().unwrap().0;
    bench.pass(Duration::from_secs(32));
    assert_eq!(bench.way.closed, [call]);
    assert_eq!(bench.way.exports.len(), 3);
    bench.agent.exported(bench.now, call, StatusCode::OK);
    assert_eq!(bench.agent.stats().stale_calls, 1);
    for _ in 0..3 {
        answer(&mut bench, StatusCode::DEADLINE_EXCEEDED);
        bench.pass(Duration::from_secs(8));
    }
    assert_eq!(exported(&bench), [2]);
    assert_eq!(bench.way.exports.len(), 6);
    bench.way.is_busy = true;
    answer(&mut bench, StatusCode::UNAVAILABLE);
    bench.pass(Duration::from_secs(60));
    bench.way.is_busy = false;
    while bench.way.exports.len() == 6 {
        bench.pass(Duration::from_secs(1));
    }
    assert_eq!(exported(&bench), [2]);
    answer(&mut bench, StatusCode::OK);
    assert_eq!(bench.agent.telemetry_stats().exported, 1);
}

#[test]
fn with_a_clock_that_is_not_synchronised_an_agent_is_silent() {
    let mut bench = Bench::open();
    assert!(state(&mut bench, 1));
    bench.now.quality = ClockQuality::FreeRunning;
    assert!(!state(&mut bench, 2));
    bench.pass(Duration::from_secs(10));
    assert!(bench.way.exports.is_empty());
    assert_eq!(bench.agent.telemetry_stats().unsynchronised, 1);
    bench.now.quality = ClockQuality::Synchronised;
    bench.tick();
    assert_eq!(exported(&bench), [1]);
}

#[test]
fn kinds_have_room_of_their_own() {
    let mut bench = Bench::open_with(config(), Room { metrics: 200, ..ROOM });
    state(&mut bench, 1);
    let link = LinkMetricsDataPointValues {
        time: Some(at(0)),
        tx_modem_id: "there",
        data_rate_bps: 5e7,
        esn0_db: 13.98,
        sinr_db: f64::NEG_INFINITY,
    };
    let modem = ModemMetricsValues { modem_id: "here", link_metrics_data_points: &[link] };
    let metrics = ExportMetricsValues { interface_metrics: &[], modem_metrics: &[modem] };
    for _ in 0..20 {
        assert!(bench.agent.report(bench.now, MetricKind::Link, &metrics));
    }
    let long = [modem; 5];
    let too_long = ExportMetricsValues { interface_metrics: &[], modem_metrics: &long };
    assert!(!bench.agent.report(bench.now, MetricKind::Link, &too_long));
    assert_eq!(bench.agent.telemetry_stats().too_long, 1);
    bench.pass(Duration::from_secs(1));
    assert_eq!(exported(&bench), [1]);
    answer(&mut bench, StatusCode::OK);
    let (_, octets) = bench.way.exports.last().unwrap();
    let request = ExportMetrics::parse(octets).unwrap();
    let modem = request.modem_metrics().next().unwrap();
    let link = modem.link_metrics_data_points().next().unwrap();
    assert_eq!(
        (modem.modem_id(), link.tx_modem_id(), link.data_rate_bps()),
        ("here", "there", 5e7)
    );
    assert_eq!(link.sinr_db(), f64::NEG_INFINITY);
}

#[test]
fn counters_are_clamped_and_begin_anew_when_they_are_less() {
    let mut counters = [0; 25];
    for (at, counter) in counters.iter_mut().enumerate() {
        *counter = at as u64 + 1;
    }
    counters[24] = u64::MAX;
    let mut epoch = CounterEpoch::new(at(0));
    let statistics = epoch.statistics(at(10), &counters);
    assert_eq!(statistics.start_time, Some(at(0)));
    assert_eq!(statistics.time, Some(at(10)));
    assert_eq!((statistics.rx_packets, statistics.tx_packets), (Some(1), Some(2)));
    assert_eq!(statistics.rx_nohandler, Some(24));
    assert_eq!(statistics.rx_otherhost_dropped, Some(i64::MAX));
    counters[3] += 1;
    assert_eq!(epoch.statistics(at(20), &counters).start_time, Some(at(0)));
    counters[3] = 0;
    assert_eq!(epoch.statistics(at(30), &counters).start_time, Some(at(20)));
    assert_eq!(epoch.statistics(at(40), &counters).start_time, Some(at(20)));
    // All of them go over the wire.
    let mut bench = Bench::open();
    let metrics = InterfaceMetricsValues {
        interface_id: Some("if001"),
        standard_interface_statistics_data_points: &[statistics],
        ..InterfaceMetricsValues::default()
    };
    let metrics = ExportMetricsValues { interface_metrics: &[metrics], modem_metrics: &[] };
    assert!(bench.agent.report(bench.now, MetricKind::Statistics, &metrics));
    bench.pass(Duration::from_secs(1));
    let (_, octets) = bench.way.exports.last().unwrap();
    let request = ExportMetrics::parse(octets).unwrap();
    let interface = request.interface_metrics().next().unwrap();
    let point = interface.standard_interface_statistics_data_points().next().unwrap();
    assert_eq!(point, statistics);
    assert_eq!(point.time, Some(Timestamp { seconds: START + 10, nanos: 0 }));
}
