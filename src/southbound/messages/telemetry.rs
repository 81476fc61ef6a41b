//! The telemetry service: metrics of interfaces and of the links of modems.

use super::Timestamp;
use super::define::{definitions, given, message, plain};
use crate::wire::open_code;

definitions!();

message! {
    /// Metrics of a device (ExportMetricsRequest of the seed era).
    ExportMetrics / ExportMetricsValues {
        /// Of its interfaces.
        1 interface_metrics: Repeated<'a, InterfaceMetrics<'a>> = &'a [InterfaceMetricsValues<'a>];
        /// Of its modems.
        2 modem_metrics: Repeated<'a, ModemMetrics<'a>> = &'a [ModemMetricsValues<'a>];
    }
}

message! {
    /// Metrics of a device (ExportMetricsRequest of the later era).
    ApiExportMetrics / ApiExportMetricsValues {
        /// Of its interfaces.
        1 interface_metrics: Repeated<'a, InterfaceMetrics<'a>> = &'a [InterfaceMetricsValues<'a>];
        /// Of its modems.
        2 modem_metrics: Repeated<'a, ApiModemMetrics<'a>> = &'a [ApiModemMetricsValues<'a>];
    }
}

message! {
    /// Metrics of an interface.
    InterfaceMetrics / InterfaceMetricsValues {
        /// The interface.
        1 interface_id: Option<&'a str>;
        /// Whether it was up, and when.
        2 operational_state_data_points: Repeated<'a, IfOperStatusDataPoint> = &'a [IfOperStatusDataPoint];
        /// What was counted, and when.
        3 standard_interface_statistics_data_points: Repeated<'a, StandardInterfaceStatistics> = &'a [StandardInterfaceStatistics];
    }
}

open_code! {
    /// State of an interface, as in RFC 2863.
    pub struct IfOperStatus(i32) {
        /// Not said.
        UNSPECIFIED = 0, "IF_OPER_STATUS_UNSPECIFIED";
        /// Ready to pass packets.
        UP = 1, "IF_OPER_STATUS_UP";
        /// Not ready.
        DOWN = 2, "IF_OPER_STATUS_DOWN";
        /// In a test.
        TESTING = 3, "IF_OPER_STATUS_TESTING";
        /// It cannot be told.
        UNKNOWN = 4, "IF_OPER_STATUS_UNKNOWN";
        /// Waiting for something from outside.
        DORMANT = 5, "IF_OPER_STATUS_DORMANT";
        /// Some part is missing.
        NOT_PRESENT = 6, "IF_OPER_STATUS_NOT_PRESENT";
        /// Down because an interface below is.
        LOWER_LAYER_DOWN = 7, "IF_OPER_STATUS_LOWER_LAYER_DOWN";
    }
}

plain! {
    /// The state of an interface at a point in time.
    IfOperStatusDataPoint {
        /// When it was seen.
        1 time: Option<Timestamp>;
        /// The state.
        2 value: Option<IfOperStatus>;
    }
}

plain! {
    /// What an interface has counted (StandardInterfaceStatisticsDataPoint). The counters are
    /// those of Linux.
    StandardInterfaceStatistics {
        /// Since when it was counted.
        1 start_time: Option<Timestamp>;
        /// Until when.
        2 time: Option<Timestamp>;
        /// Packets received.
        3 rx_packets: Option<i64>;
        /// Packets sent.
        4 tx_packets: Option<i64>;
        /// Octets received.
        5 rx_bytes: Option<i64>;
        /// Octets sent.
        6 tx_bytes: Option<i64>;
        /// Faulty packets received.
        7 rx_errors: Option<i64>;
        /// Packets that could not be sent.
        8 tx_errors: Option<i64>;
        /// Received and dropped, for want of room or of a protocol.
        9 rx_dropped: Option<i64>;
        /// Dropped before they were sent.
        10 tx_dropped: Option<i64>;
        /// Multicast packets received.
        11 multicast: Option<i64>;
        /// Collisions while sending.
        12 collisions: Option<i64>;
        /// Received with a wrong length.
        13 rx_length_errors: Option<i64>;
        /// Longer than a receiver's buffer.
        14 rx_over_errors: Option<i64>;
        /// Received with a wrong CRC.
        15 rx_crc_errors: Option<i64>;
        /// Received with a wrong framing.
        16 rx_frame_errors: Option<i64>;
        /// Lost by the receiver's FIFO.
        17 rx_fifo_errors: Option<i64>;
        /// Missed by the host.
        18 rx_missed_errors: Option<i64>;
        /// Sending was given up.
        19 tx_aborted_errors: Option<i64>;
        /// The carrier was lost while sending.
        20 tx_carrier_errors: Option<i64>;
        /// Lost by the sender's FIFO.
        21 tx_fifo_errors: Option<i64>;
        /// No heartbeat after sending.
        22 tx_heartbeat_errors: Option<i64>;
        /// Collisions that came late.
        23 tx_window_errors: Option<i64>;
        /// Compressed packets received.
        24 rx_compressed: Option<i64>;
        /// Compressed packets sent.
        25 tx_compressed: Option<i64>;
        /// Received of a protocol that nobody handles.
        26 rx_nohandler: Option<i64>;
        /// Received for another host.
        27 rx_otherhost_dropped: Option<i64>;
    }
}

message! {
    /// Metrics of a modem (seed era).
    ModemMetrics / ModemMetricsValues {
        /// The modem, which receives.
        1 modem_id: &'a str;
        /// How its links were, and when.
        2 link_metrics_data_points: Repeated<'a, LinkMetricsDataPoint<'a>> = &'a [LinkMetricsDataPointValues<'a>];
    }
}

message! {
    /// How a link was at a point in time.
    LinkMetricsDataPoint / LinkMetricsDataPointValues {
        /// When it was measured.
        1 time: Option<Timestamp>;
        /// The modem that transmits.
        2 tx_modem_id: &'a str;
        /// Data rate in bits a second.
        3 data_rate_bps: f64;
        /// Energy of a symbol over the density of noise, in decibels.
        4 esn0_db: f64;
        /// Signal over interference and noise, in decibels.
        5 sinr_db: f64;
    }
}

message! {
    /// Metrics of a modem (ModemMetrics of the later era).
    ApiModemMetrics / ApiModemMetricsValues {
        /// The demodulator.
        1 demodulator_id: Option<&'a str>;
        /// Energy of a symbol over the density of noise.
        4 esn0_data_points: Repeated<'a, Esn0DataPoint<'a>> = &'a [Esn0DataPointValues<'a>];
        /// Signal over interference and noise.
        5 sinr_data_points: Repeated<'a, SinrDataPoint<'a>> = &'a [SinrDataPointValues<'a>];
    }
}

message! {
    /// Energy of a symbol over the density of noise at a point in time.
    Esn0DataPoint / Esn0DataPointValues {
        /// When it was measured.
        1 time: Option<Timestamp>;
        /// The modulator at the other end.
        2 modulator_id: Option<&'a str>;
        /// The ratio in decibels.
        3 esn0_db: Option<f64>;
    }
}

message! {
    /// Signal over interference and noise at a point in time.
    SinrDataPoint / SinrDataPointValues {
        /// When it was measured.
        1 time: Option<Timestamp>;
        /// The modulator at the other end.
        2 modulator_id: Option<&'a str>;
        /// The ratio in decibels.
        3 sinr_db: Option<f64>;
    }
}
