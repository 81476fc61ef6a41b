//! The front-end as a modem of the southbound interface that receives.

use farpost::southbound::messages::{
    ConfigurationChange, ConfigurationChangeValues, CreateEntry, ModemBeamValues, RxConfiguration,
    SetModemConfigurationValues,
};

/// Its ID.
pub(crate) const MODEM: &str = "front-end";

/// The bandwidth it receives, in hertz, which is its sample rate too.
pub(crate) const BANDWIDTH_HZ: u64 = 2_000_000;

/// Gives a change after which it receives around a frequency.
pub(crate) fn receive_at<R>(
    center_frequency_hz: u64,
    with: impl FnOnce(ConfigurationChangeValues<'_>) -> R,
) -> R {
    let rx = RxConfiguration {
        center_frequency_hz,
        channel_bandwidth_hz: BANDWIDTH_HZ,
        ..RxConfiguration::default()
    };
    let beams = [ModemBeamValues { rx: Some(rx), ..ModemBeamValues::default() }];
    let modem = SetModemConfigurationValues {
        modem_id: MODEM,
        beams: &beams,
        ..SetModemConfigurationValues::default()
    };
    with(ConfigurationChangeValues::SetModemConfiguration(&modem))
}

/// The frequency and the bandwidth of such a change, in hertz.
pub(crate) fn tuning(request: &CreateEntry<'_>) -> Option<(u64, u32)> {
    let Some(ConfigurationChange::SetModemConfiguration(modem)) = request.change() else {
        return None;
    };
    let rx = modem.beams().next().filter(|_| modem.modem_id() == MODEM)?.rx()?;
    Some((rx.center_frequency_hz, u32::try_from(rx.channel_bandwidth_hz).ok()?))
}
