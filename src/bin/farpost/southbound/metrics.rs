//! The counters of interfaces, reported every so often.

use std::time::Duration;

#[cfg(target_os = "linux")]
use farpost::host::interfaces::{Interface, Interfaces};
use farpost::southbound::agent::Agent;
#[cfg(target_os = "linux")]
use farpost::southbound::messages::{
    ExportMetricsValues, IfOperStatusDataPoint, InterfaceMetricsValues, Timestamp,
};
#[cfg(target_os = "linux")]
use farpost::southbound::telemetry::MetricKind;
use farpost::time::{Instant, Now};

use crate::ams::Failure;

/// Reports interfaces.
pub(super) struct Reporter {
    period: Duration,
    due: Option<Instant>,
    #[cfg(target_os = "linux")]
    interfaces: Interfaces,
    /// Names and IDs; all under their names where there are none.
    #[cfg(target_os = "linux")]
    chosen: Vec<(String, String)>,
}

#[cfg(target_os = "linux")]
impl Reporter {
    /// Reports interfaces every `period`; 0 is never. `chosen` are `NAME` or `NAME=ID`.
    pub(super) fn new(period: Duration, chosen: &[String]) -> Result<Self, Failure> {
        let chosen = chosen.iter().map(|text| {
            let (name, id) = text.split_once('=').unwrap_or((text, text));
            (name.to_owned(), id.to_owned())
        });
        let due = (!period.is_zero()).then_some(Instant::ZERO);
        Ok(Self { period, due, interfaces: Interfaces::of_system()?, chosen: chosen.collect() })
    }

    /// Reports them if it is time. What went wrong, if anything did.
    pub(super) fn report(&mut self, now: Now, agent: &mut Agent<'_>) -> Option<String> {
        if self.due.is_none_or(|due| due > now.monotonic) {
            return None;
        }
        self.due = Some(now.monotonic.after(self.period));
        let micros = now.utc.unix_micros();
        let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or_default();
        let time = Timestamp { seconds: now.utc.unix_seconds(), nanos };
        match self.interfaces.read(time) {
            Ok(interfaces) => {
                for interface in &interfaces {
                    if let Some(id) = self.id(&interface.name) {
                        put(now, agent, id, interface);
                    }
                }
                None
            }
            Err(error) => Some(error.to_string()),
        }
    }

    fn id<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        if self.chosen.is_empty() {
            return Some(name);
        }
        self.chosen.iter().find(|(chosen, _)| chosen == name).map(|(_, id)| id.as_str())
    }
}

/// Gives an agent what an interface says. What it does not take it counts.
#[cfg(target_os = "linux")]
fn put(now: Now, agent: &mut Agent<'_>, id: &str, interface: &Interface) {
    let states =
        [IfOperStatusDataPoint { time: interface.statistics.time, value: Some(interface.state) }];
    let statistics = [interface.statistics];
    let state = InterfaceMetricsValues {
        interface_id: Some(id),
        operational_state_data_points: &states,
        ..InterfaceMetricsValues::default()
    };
    let counted = InterfaceMetricsValues {
        interface_id: Some(id),
        standard_interface_statistics_data_points: &statistics,
        ..InterfaceMetricsValues::default()
    };
    for (kind, metrics) in [(MetricKind::State, state), (MetricKind::Statistics, counted)] {
        let metrics =
            ExportMetricsValues { interface_metrics: &[metrics], ..ExportMetricsValues::default() };
        agent.report(now, kind, &metrics);
    }
}

#[cfg(not(target_os = "linux"))]
impl Reporter {
    /// Only Linux is known here: any period but 0 is refused.
    pub(super) fn new(period: Duration, _chosen: &[String]) -> Result<Self, Failure> {
        if !period.is_zero() {
            return Err(Failure::new("interfaces are read on Linux alone: --telemetry-period 0"));
        }
        Ok(Self { period, due: None })
    }

    pub(super) fn report(&mut self, _now: Now, _agent: &mut Agent<'_>) -> Option<String> {
        self.due = self.due.filter(|_| !self.period.is_zero());
        None
    }
}

impl Reporter {
    /// When it is next to be asked to report.
    pub(super) const fn due(&self) -> Option<Instant> {
        self.due
    }
}
