//! Modem configurations of the seed era: beams, what they are aimed at, and who is served.

use super::define::{definitions, given, message, plain};
use crate::wire::open_code;

definitions!();

open_code! {
    /// Polarization of a carrier.
    pub struct Polarization(i32) {
        /// Not said.
        UNSPECIFIED = 0, "POLARIZATION_UNSPECIFIED";
        /// Left-hand circular.
        LHCP = 1, "POLARIZATION_LHCP";
        /// Right-hand circular.
        RHCP = 2, "POLARIZATION_RHCP";
    }
}

open_code! {
    /// Mode of a modem.
    pub struct ModemMode(i32) {
        /// Not said.
        UNSPECIFIED = 0, "MODEM_MODE_UNSPECIFIED";
        /// DVB-RCS2.
        DVB_RCS2 = 1, "MODEM_MODE_DVB_RCS2";
        /// DVB-S2X.
        DVB_S2X = 2, "MODEM_MODE_DVB_S2X";
    }
}

message! {
    /// Configures a modem, in place of what it had.
    SetModemConfiguration / SetModemConfigurationValues {
        /// The modem.
        1 modem_id: &'a str;
        /// Its beams.
        2 beams: Repeated<'a, ModemBeam<'a>> = &'a [ModemBeamValues<'a>];
        /// Which beam has each time slot: its place in `beams` from 0, or -1 for none. The
        /// first slot starts when the entry is due, and after the last comes the first.
        3 beam_hopping_time_slots: Repeated<'a, i32> = &'a [i32];
    }
}

message! {
    /// Removes the configuration of a modem.
    DeleteModemConfiguration / DeleteModemConfigurationValues {
        /// The modem.
        1 modem_id: &'a str;
    }
}

message! {
    /// A beam of a modem (Beam of the seed era).
    ModemBeam / ModemBeamValues {
        /// What it is aimed at.
        1 target: Option<ModemBeamTarget<'a>> = Option<ModemBeamTargetValues<'a>>;
        /// How to receive.
        2 rx: Option<RxConfiguration>;
        /// How to transmit.
        3 tx: Option<TxConfiguration<'a>> = Option<TxConfigurationValues<'a>>;
        /// Who is served.
        4 endpoints: Repeated<'a, Endpoint<'a>> = &'a [EndpointValues<'a>];
        /// Its shape.
        5 shape_id: &'a str;
    }
}

message! {
    /// What a beam is aimed at (BeamTarget of the seed era).
    ModemBeamTarget / ModemBeamTargetValues {
        oneof "What a beam of a modem is aimed at." target: ModemTarget / ModemTargetValues {
            /// A place on the earth.
            1 ecef Ecef(Ecef);
            /// The content of a CCSDS orbit ephemeris message.
            2 ccsds_oem_file_content CcsdsOemFileContent(&'a str);
            /// A direction.
            3 az_el AzEl(AzEl);
        }
    }
}

plain! {
    /// Earth-centred, earth-fixed coordinates in metres.
    Ecef {
        /// Towards longitude 0.
        1 x_m: i64;
        /// Towards longitude 90 degrees east.
        2 y_m: i64;
        /// Towards the north pole.
        3 z_m: i64;
    }
}

plain! {
    /// A direction.
    AzEl {
        /// Azimuth in degrees.
        1 az_deg: f64;
        /// Elevation in degrees.
        2 el_deg: f64;
    }
}

plain! {
    /// How a modem receives (RxConfiguration of the seed era).
    RxConfiguration {
        /// Centre frequency in hertz.
        1 center_frequency_hz: u64;
        /// Bandwidth of the channel in hertz.
        2 channel_bandwidth_hz: u64;
        /// Polarization.
        3 polarization: Polarization;
        /// Mode.
        4 mode: ModemMode;
        /// Symbol rate in millions a second.
        5 symbol_rate_msps: f64;
    }
}

message! {
    /// How a modem transmits (TxConfiguration of the seed era).
    TxConfiguration / TxConfigurationValues {
        /// Centre frequency in hertz.
        1 center_frequency_hz: u64;
        /// Bandwidth of the channel in hertz.
        2 channel_bandwidth_hz: u64;
        /// Polarization.
        3 polarization: Polarization;
        /// Mode.
        4 mode: ModemMode;
        /// Power in watts.
        5 power_w: f64;
        /// Symbol rate in millions a second.
        6 symbol_rate_msps: f64;
        /// The lowest modulation and coding that every endpoint can receive.
        7 lowest_common_modcod: &'a str;
    }
}

message! {
    /// Who is served by a beam (Endpoint of the seed era).
    Endpoint / EndpointValues {
        /// Who.
        1 id: &'a str;
        /// The lowest modulation and coding it can receive.
        2 lowest_supported_rx_modcod: &'a str;
        /// Throughput towards the modem, in bits a second.
        3 rx_reference_throughput_bps: f64;
        /// Throughput from the modem, in bits a second.
        4 tx_reference_throughput_bps: f64;
    }
}
