//! The southbound interface of Spacetime: how a controller schedules the configuration of
//! the devices of a network, and what they report.
//!
//! | part | file | source |
//! |---|---|---|
//! | the encoding | [`protobuf`] | Protocol Buffers |
//! | the messages | [`messages`] | the developer guide, Scheduling and Telemetry |
//! | the schema as data | [`schema`] | the same |
//! | the schedule of an agent | [`schedule`] | the guide, Scheduling |
//! | the metrics of an agent | [`telemetry`] | the guide, Telemetry |
//! | the agent | [`agent`] | the guide |
//!
//! Calls are those of gRPC; [`method`] has their paths. What carries them is outside.

pub mod agent;
pub mod messages;
pub mod protobuf;
pub mod schedule;
pub mod schema;
pub mod telemetry;

/// Paths of the calls.
pub mod method {
    /// Says that the schedule is empty: [`Reset`](super::messages::Reset), answered by
    /// [`Empty`](super::messages::Empty).
    pub const RESET: &str = "/aalyria.spacetime.scheduling.v1alpha.Scheduling/Reset";

    /// The stream that stays open: [`ToController`](super::messages::ToController) one way,
    /// [`FromController`](super::messages::FromController) the other.
    pub const RECEIVE_REQUESTS: &str =
        "/aalyria.spacetime.scheduling.v1alpha.Scheduling/ReceiveRequests";

    /// Metrics, in the seed era: [`ExportMetrics`](super::messages::ExportMetrics), answered
    /// by [`Empty`](super::messages::Empty).
    pub const EXPORT_METRICS: &str = "/aalyria.spacetime.telemetry.v1alpha.Telemetry/ExportMetrics";

    /// Metrics, in the later era:
    /// [`ApiExportMetrics`](super::messages::ApiExportMetrics).
    pub const API_EXPORT_METRICS: &str =
        "/aalyria.spacetime.api.telemetry.v1alpha.Telemetry/ExportMetrics";
}
