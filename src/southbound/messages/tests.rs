//! Values and views against octets that are known.

use core::fmt::Write as _;
use std::string::String;
use std::vec::Vec;

use super::{
    ApiExportMetricsValues, ApiModemMetricsValues, AzEl, BeamTargetValues, BeamValues,
    ChebyshevCoefficientsValues, ConfigurationChange, ConfigurationChangeValues, CoordinateFrame,
    CreateEntryValues, DeleteModemConfigurationValues, DeleteRouteValues, Duration, Ecef,
    EndpointValues, Esn0DataPointValues, ExplicitPathValues, ExportMetrics, ExportMetricsValues,
    FinalizeValues, FromController, FromControllerValues, HelloValues, IfOperStatus,
    IfOperStatusDataPoint, InterfaceMetricsValues, IpRouteValues, LinkMetricsDataPointValues,
    ModemBeamTargetValues, ModemBeamValues, ModemMetricsValues, ModemMode, ModemTarget,
    ModemTargetValues, P2pSrTePolicyPathValues, PathSegmentValues, Polarization, Request,
    RequestValues, ResetValues, ResponseValues, RxConfiguration, SetModemConfigurationValues,
    SetRouteValues, SetSrPolicyValues, SinrDataPointValues, SrSegment, StandardInterfaceStatistics,
    StatusCode, StatusValues, TargetValues, Timestamp, ToController, ToControllerValues,
    TxConfigurationValues, UpdateBeamValues, UpdateIpRouteValues, UpdateP2pSrTePolicyPathValues,
};
use crate::southbound::protobuf::Encode;
use crate::time::Utc;

const TOKEN: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

/// When the entries of the known messages are due.
const DUE: Timestamp = Timestamp { seconds: 1_715_299_500, nanos: 250_000_000 };

/// The octets of the known message `name`.
fn vector(name: &str) -> Vec<u8> {
    let vectors = include_str!("../../../tests/vectors/southbound.json");
    let start = std::format!("{{\"name\": \"{name}\", ");
    let line = vectors.lines().find(|line| line.starts_with(&start)).unwrap();
    let (_, hex) = line.split_once("\"hex\": \"").unwrap();
    let (hex, _) = hex.split_once('"').unwrap();
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[track_caller]
fn is(message: &impl Encode, name: &str) {
    let mut buffer = [0; 1024];
    let octets = message.encode(&mut buffer).unwrap();
    let hex = |octets: &[u8]| {
        octets.iter().fold(String::new(), |mut hex, octet| {
            write!(hex, "{octet:02x}").unwrap();
            hex
        })
    };
    assert_eq!(hex(octets), hex(&vector(name)), "{name}");
}

fn entry<'a>(
    seqno: u64,
    id: &'a str,
    change: Option<ConfigurationChangeValues<'a>>,
) -> CreateEntryValues<'a> {
    CreateEntryValues {
        schedule_manipulation_token: TOKEN,
        seqno,
        id,
        time: Some(DUE),
        time_gpst: None,
        change,
    }
}

#[track_caller]
fn created(request_id: i64, entry: CreateEntryValues<'_>, name: &str) {
    let request = Some(RequestValues::CreateEntry(&entry));
    is(&FromControllerValues { request_id, request }, name);
}

#[test]
fn requests_are_written_as_known() {
    use ConfigurationChangeValues as Change;
    let route =
        SetRouteValues { from: "10.0.0.0/8", to: "192.0.2.0/24", dev: "eth0", via: "198.51.100.1" };
    created(1, entry(1, "e-1", Some(Change::SetRoute(&route))), "head/create/set_route_v4");
    let route = DeleteRouteValues { from: "", to: "0.0.0.0/0" };
    let no_time =
        CreateEntryValues { time: None, ..entry(6, "e-6", Some(Change::DeleteRoute(&route))) };
    created(6, no_time, "seed/create/no_time");
    let route = DeleteRouteValues { from: "", to: "::/0" };
    created(7, entry(0, "e-zero", Some(Change::DeleteRoute(&route))), "seed/create/seqno_zero");
    created(5, entry(5, "e-5", None), "seed/create/no_change");
    let change = SetModemConfigurationValues { modem_id: "m", ..Default::default() };
    created(
        21,
        entry(21, "m-2", Some(Change::SetModemConfiguration(&change))),
        "seed/create/set_modem_configuration_empty",
    );
    let change =
        DeleteModemConfigurationValues { modem_id: "75f0380d-17cb-40fd-924d-0b5abf11d3ca" };
    created(
        22,
        entry(22, "m-3", Some(Change::DeleteModemConfiguration(&change))),
        "seed/create/delete_modem_configuration",
    );
    let segment = |label| SrSegment { mpls: Some(label) };
    let policy = SetSrPolicyValues {
        name: "policy-1",
        paths: &[
            ExplicitPathValues {
                color: 100,
                weight: 1,
                segments: &[segment(16_001), segment(16_002), segment(1_048_575)],
            },
            ExplicitPathValues {
                color: 200,
                weight: u32::MAX,
                segments: &[segment(0), SrSegment { mpls: None }],
            },
        ],
    };
    created(23, entry(23, "p-1", Some(Change::SetSrPolicy(&policy))), "seed/create/set_sr_policy");
    let finalize = FinalizeValues {
        schedule_manipulation_token: TOKEN,
        seqno: 11,
        up_to: Some(Timestamp { seconds: 1_715_299_444, nanos: 0 }),
        up_to_gpst: None,
    };
    let request = Some(RequestValues::Finalize(&finalize));
    is(&FromControllerValues { request_id: 11, request }, "seed/finalize");
    is(&FromControllerValues::default(), "seed/from_controller/empty");
}

#[test]
fn requests_of_the_later_era_are_written_as_known() {
    use ConfigurationChangeValues as Change;
    let ip_route = IpRouteValues {
        name: "ipRoutes/1",
        route_fn_id: "rf",
        from: "10.0.0.0/8",
        to: "0.0.0.0/0",
        dev: "eth1",
        via: "192.0.2.1",
    };
    let change = UpdateIpRouteValues { ip_route: Some(ip_route), update_mask: None };
    created(
        26,
        entry(26, "r-1", Some(Change::UpdateIpRoute(&change))),
        "head/create/update_ip_route",
    );
    let path = P2pSrTePolicyPathValues {
        name: "p2pSrTePolicyPaths/1",
        color: -1,
        discriminator: 2,
        headend: "h",
        endpoint: "e",
        segments: &[
            PathSegmentValues { mpls: 16_001, srv6: "" },
            PathSegmentValues { mpls: 0, srv6: "5f00::1" },
            PathSegmentValues::default(),
        ],
    };
    let change =
        UpdateP2pSrTePolicyPathValues { p2p_sr_te_policy_path: Some(path), update_mask: None };
    created(
        24,
        entry(24, "p-1", Some(Change::UpdateP2pSrTePolicyPath(&change))),
        "head/create/update_p2p_sr_te_policy_path",
    );
    let coefficients = ChebyshevCoefficientsValues {
        reference_frame: CoordinateFrame::ECEF,
        x_m_coefficients: &[1.0, -2.0, 0.0],
        validity_period_start_time: Some(Timestamp { seconds: 1, nanos: 0 }),
        validity_period_end_time_gpst: Some(Duration { seconds: 2, nanos: 0 }),
        ..Default::default()
    };
    let target = TargetValues::ChebyshevCoefficients(&coefficients);
    let beam = BeamValues {
        id: "b-2",
        target: Some(BeamTargetValues { target: Some(target) }),
        ..Default::default()
    };
    let change = UpdateBeamValues { beam: Some(beam), update_mask: None };
    created(
        21,
        entry(21, "b-2", Some(Change::UpdateBeam(&change))),
        "head/create/update_beam_chebyshev",
    );
}

#[test]
fn what_an_agent_says_is_written_as_known() {
    let hello = HelloValues { agent_id: "1c1bb454-beea-47bd-841e-0a7eb234b34a" };
    is(&ToControllerValues { hello: Some(hello), response: None }, "seed/hello");
    let answer = |request_id, status| ToControllerValues {
        hello: None,
        response: Some(ResponseValues { request_id, status }),
    };
    is(&answer(1, Some(StatusValues::default())), "seed/response/ok");
    is(&answer(1, None), "seed/response/ok_no_status");
    let status = StatusValues { code: StatusCode::NOT_FOUND.0, ..Default::default() };
    is(&answer(i64::MAX, Some(status)), "seed/response/id_max");
    is(&ResetValues::default(), "seed/reset/empty");

    // And read again.
    let octets = vector("head/response/failed_precondition");
    let message = ToController::parse(&octets).unwrap();
    assert!(message.hello().is_none());
    let response = message.response().unwrap();
    assert_eq!(response.request_id(), 42);
    let status = response.status().unwrap();
    assert_eq!(StatusCode(status.code()), StatusCode::FAILED_PRECONDITION);
    assert!(status.message().contains(TOKEN));
    assert_eq!(status.details().count(), 0);
}

#[test]
fn metrics_are_written_as_known() {
    let at = |nanos| Some(Timestamp { seconds: 1_715_299_444, nanos });
    let statistics = StandardInterfaceStatistics {
        start_time: Some(Timestamp { seconds: 1_697_243_803, nanos: 604_660_330 }),
        time: at(893_398_000),
        rx_packets: Some(50_441_203),
        tx_packets: Some(44_465_327),
        rx_bytes: Some(52_059_174_455),
        tx_bytes: Some(113_889_322_681),
        tx_errors: Some(2),
        ..Default::default()
    };
    let interface = InterfaceMetricsValues {
        interface_id: Some("123e4567-e89b-12d3-a456-426614174000"),
        operational_state_data_points: &[IfOperStatusDataPoint {
            time: at(241_575_746),
            value: Some(IfOperStatus::UP),
        }],
        standard_interface_statistics_data_points: &[statistics],
    };
    let link = |nanos, tx_modem_id, esn0_db, sinr_db| LinkMetricsDataPointValues {
        time: at(nanos),
        tx_modem_id,
        data_rate_bps: 5e7,
        esn0_db,
        sinr_db,
    };
    let modem = ModemMetricsValues {
        modem_id: "75f0380d-17cb-40fd-924d-0b5abf11d3ca",
        link_metrics_data_points: &[
            link(673_155_651, "7b2d5737-901a-414c-9179-efdbbf9a2cdb", 13.98, 13.15),
            link(673_157_499, "fe7e86a5-3e37-4364-9899-62c31bcde47f", 13.05, 12.97),
        ],
    };
    let both = ExportMetricsValues { interface_metrics: &[interface], modem_metrics: &[modem] };
    is(&both, "seed/export_metrics/both");
    // The first example of the guide is what the two together begin with.
    let mut buffer = [0; 256];
    let first = ExportMetricsValues { modem_metrics: &[], ..both }.encode(&mut buffer).unwrap();
    assert_eq!(first.len(), 113);
    assert!(vector("seed/export_metrics/both").starts_with(first));
    is(&ExportMetricsValues { interface_metrics: &[], ..both }, "seed/export_metrics/seed_modem");

    let octets = vector("seed/export_metrics/both");
    let metrics = ExportMetrics::parse(&octets).unwrap();
    let read = metrics.interface_metrics().next().unwrap();
    assert_eq!(read.interface_id(), interface.interface_id);
    assert!(read.standard_interface_statistics_data_points().eq([statistics]));
    let read = metrics.modem_metrics().next().unwrap();
    assert_eq!(read.link_metrics_data_points().nth(1).unwrap().sinr_db(), 12.97);
}

#[test]
fn all_25_counters_have_their_numbers() {
    let octets = vector("seed/export_metrics/all_statistics");
    let metrics = ExportMetrics::parse(&octets).unwrap();
    let interface = metrics.interface_metrics().next().unwrap();
    let statistics = interface.standard_interface_statistics_data_points().next().unwrap();
    let expected = StandardInterfaceStatistics {
        start_time: Some(Timestamp { seconds: 1, nanos: 0 }),
        time: Some(Timestamp { seconds: 2, nanos: 0 }),
        rx_packets: Some(3_000),
        tx_packets: Some(4_000),
        rx_bytes: Some(5_000),
        tx_bytes: Some(6_000),
        rx_errors: Some(7_000),
        tx_errors: Some(8_000),
        rx_dropped: Some(9_000),
        tx_dropped: Some(10_000),
        multicast: Some(11_000),
        collisions: Some(12_000),
        rx_length_errors: Some(13_000),
        rx_over_errors: Some(14_000),
        rx_crc_errors: Some(15_000),
        rx_frame_errors: Some(16_000),
        rx_fifo_errors: Some(17_000),
        rx_missed_errors: Some(18_000),
        tx_aborted_errors: Some(19_000),
        tx_carrier_errors: Some(20_000),
        tx_fifo_errors: Some(21_000),
        tx_heartbeat_errors: Some(22_000),
        tx_window_errors: Some(23_000),
        rx_compressed: Some(24_000),
        tx_compressed: Some(25_000),
        rx_nohandler: Some(26_000),
        rx_otherhost_dropped: Some(27_000),
    };
    assert_eq!(statistics, expected);
    let interface = InterfaceMetricsValues {
        interface_id: Some("i"),
        standard_interface_statistics_data_points: &[expected],
        ..Default::default()
    };
    let metrics = ExportMetricsValues { interface_metrics: &[interface], modem_metrics: &[] };
    is(&metrics, "seed/export_metrics/all_statistics");
}

/// Field numbers of the later era, for which no octets are known: written by hand.
#[test]
fn metrics_of_the_later_era_say_zeros() {
    let time = Some(Timestamp { seconds: 1, nanos: 0 });
    let esn0 = Esn0DataPointValues { time, modulator_id: Some("t"), esn0_db: Some(0.0) };
    let sinr = SinrDataPointValues { time: None, modulator_id: Some(""), sinr_db: None };
    let modem = ApiModemMetricsValues {
        demodulator_id: Some("r"),
        esn0_data_points: &[esn0],
        sinr_data_points: &[sinr],
    };
    let metrics = ApiExportMetricsValues { interface_metrics: &[], modem_metrics: &[modem] };
    let mut buffer = [0; 64];
    let expected = [
        &[0x12, 25, 0x0a, 1, b'r'][..],
        &[0x22, 16, 0x0a, 2, 0x08, 1, 0x12, 1, b't', 0x19, 0, 0, 0, 0, 0, 0, 0, 0],
        &[0x2a, 2, 0x12, 0],
    ]
    .concat();
    assert_eq!(metrics.encode(&mut buffer), Ok(&expected[..]));
}

#[test]
fn a_modem_configuration_is_read_as_it_was_written() {
    let tx = TxConfigurationValues {
        center_frequency_hz: 14_250_000_000,
        channel_bandwidth_hz: 36_000_000,
        polarization: Polarization::RHCP,
        mode: ModemMode::DVB_S2X,
        power_w: 4.5,
        symbol_rate_msps: 30.0,
        lowest_common_modcod: "QPSK 1/4",
    };
    let rx = RxConfiguration { mode: ModemMode(77), symbol_rate_msps: -0.0, ..Default::default() };
    let endpoints = [EndpointValues {
        id: "e",
        lowest_supported_rx_modcod: "8PSK 2/3",
        rx_reference_throughput_bps: 1e6,
        tx_reference_throughput_bps: f64::MAX,
    }];
    let targets = [
        ModemTargetValues::Ecef(Ecef { x_m: -1, y_m: i64::MIN, z_m: 6_371_000 }),
        ModemTargetValues::AzEl(AzEl { az_deg: 359.5, el_deg: -1.0 }),
        ModemTargetValues::CcsdsOemFileContent("CCSDS_OEM_VERS = 2.0\n"),
    ];
    let beams = targets.map(|target| ModemBeamValues {
        target: Some(ModemBeamTargetValues { target: Some(target) }),
        rx: Some(rx),
        tx: Some(tx),
        endpoints: &endpoints,
        shape_id: "shape",
    });
    let change = SetModemConfigurationValues {
        modem_id: "m",
        beams: &beams,
        beam_hopping_time_slots: &[0, 2, -1, i32::MAX],
    };
    let mut buffer = [0; 1024];
    let octets = change.encode(&mut buffer).unwrap();
    let Some(ConfigurationChange::SetModemConfiguration(read)) =
        ConfigurationChange::parse(7, octets).unwrap()
    else {
        panic!()
    };
    assert_eq!(read.modem_id(), "m");
    assert!(read.beam_hopping_time_slots().eq([0, 2, -1, i32::MAX]));
    assert_eq!(read.beams().count(), 3);
    for (beam, target) in read.beams().zip(targets) {
        assert_eq!(beam.shape_id(), "shape");
        let mode = beam.rx().unwrap();
        assert_eq!((mode.mode, mode.symbol_rate_msps.to_bits()), (ModemMode(77), 1 << 63));
        let read = beam.tx().unwrap();
        assert_eq!(read.center_frequency_hz(), tx.center_frequency_hz);
        assert_eq!((read.polarization(), read.mode()), (tx.polarization, tx.mode));
        assert_eq!((read.power_w(), read.lowest_common_modcod()), (4.5, "QPSK 1/4"));
        let read = beam.endpoints().next().unwrap();
        assert_eq!((read.id(), read.tx_reference_throughput_bps()), ("e", f64::MAX));
        let same = match (beam.target().unwrap().target().unwrap(), target) {
            (ModemTarget::Ecef(read), ModemTargetValues::Ecef(given)) => read == given,
            (ModemTarget::AzEl(read), ModemTargetValues::AzEl(given)) => read == given,
            (
                ModemTarget::CcsdsOemFileContent(read),
                ModemTargetValues::CcsdsOemFileContent(given),
            ) => read == given,
            _ => false,
        };
        assert!(same, "{target:?}");
    }
}

/// A schedule keeps the octets of a change and its number; that is enough to do it later.
#[test]
fn every_change_can_be_kept_as_octets() {
    for name in [
        "head/create/set_route_v4",
        "head/create/set_route_v6",
        "seed/create/set_modem_configuration_empty",
        "seed/create/delete_modem_configuration",
        "seed/create/set_sr_policy",
        "seed/create/delete_sr_policy",
        "head/create/update_beam_chebyshev",
        "head/create/delete_beam",
        "head/create/update_p2p_sr_te_policy_path",
        "head/create/update_ip_route",
        "head/create/delete_ip_route",
    ] {
        let octets = vector(name);
        let Some(Request::CreateEntry(entry)) = FromController::parse(&octets).unwrap().request()
        else {
            panic!("{name}")
        };
        assert_eq!(entry.time(), Some(DUE), "{name}");
        let change = entry.change().unwrap();
        let kept = change.raw().contiguous().unwrap();
        assert_eq!(entry.raw().set(), Some(change.number()), "{name}");
        let again = ConfigurationChange::parse(change.number(), kept).unwrap().unwrap();
        assert_eq!(again.number(), change.number());
        assert_eq!(again.raw().kind(), change.raw().kind());
        assert_eq!(again.raw().contiguous(), Some(kept), "{name}");
    }
    for none in [0, 1, 2, 4, 11, 16, 26, 255] {
        assert!(ConfigurationChange::parse(none, &[]).unwrap().is_none(), "{none}");
    }
    assert!(ConfigurationChange::parse(5, &[0x0a]).is_err());
}

#[test]
fn times_are_utc_where_they_are_in_range() {
    let utc = |seconds, nanos| Timestamp { seconds, nanos }.utc();
    assert_eq!(utc(1, 999), Some(Utc::from_unix_micros(1_000_000)));
    assert_eq!(utc(-1, 1_999), Some(Utc::from_unix_micros(-999_999)));
    let (min, max) = (Timestamp::MIN_SECONDS, Timestamp::MAX_SECONDS);
    assert_eq!(utc(min, 0), Some(Utc::from_unix_seconds(min)));
    assert_eq!(utc(max, 999_999_999), Some(Utc::from_unix_micros(max * 1_000_000 + 999_999)));
    for (seconds, nanos) in
        [(min - 1, 0), (max + 1, 0), (0, -1), (0, 1_000_000_000), (i64::MIN, 0), (i64::MAX, 0)]
    {
        assert_eq!(utc(seconds, nanos), None, "{seconds} {nanos}");
    }
    for micros in [0, -1, 1, 1_715_299_500_250_000, i64::MIN, i64::MAX] {
        let time = Timestamp::from(Utc::from_unix_micros(micros));
        let beyond = time.seconds < min || time.seconds > max;
        assert_eq!(time.utc().map(Utc::unix_micros), (!beyond).then_some(micros));
    }
}

#[test]
fn gps_time_is_ahead_of_utc_by_the_leap_seconds() {
    // 2017-01-01T00:00:00Z, when they became 18.
    let span = Duration { seconds: 1_167_264_018, nanos: 0 };
    assert_eq!(span.gps_time(18), Some(Utc::from_unix_seconds(1_483_228_800)));
    assert_eq!(Duration::default().gps_time(0), Some(Utc::from_unix_seconds(315_964_800)));
    let known = vector("seed/duration/gpst_2024");
    assert_eq!(
        Duration::parse(&known).unwrap().gps_time(18),
        DUE.utc().map(|due| {
            Utc::from_unix_micros(due.unix_micros() - 1_715_299_500_000_000 + 1_715_299_444_000_000)
        })
    );
    let before = Duration { seconds: -1, nanos: -1 };
    assert_eq!(before.gps_time(0), Some(Utc::from_unix_micros(315_964_798_999_999)));
    let max = Duration::MAX_SECONDS;
    for (seconds, nanos) in
        [(1, -1), (-1, 1), (0, 1_000_000_000), (max + 1, 0), (-max - 1, 0), (i64::MAX, 0)]
    {
        assert!(!Duration { seconds, nanos }.is_valid());
        assert_eq!(Duration { seconds, nanos }.gps_time(18), None);
    }
    assert!(Duration { seconds: max, nanos: 999_999_999 }.gps_time(18).is_some());
}
