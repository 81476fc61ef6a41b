//! The messages of the southbound interface: views to read them, values to write them.
//!
//! | messages | file | era |
//! |---|---|---|
//! | from and to the controller, requests, answers, reset | `scheduling.rs` | both |
//! | [`Status`], as RPCs have it | `status.rs` | both |
//! | [`Timestamp`], [`Duration`] and other general ones | `general.rs` | both |
//! | routes by address | `route.rs` | both |
//! | IP routes by name | `route.rs` | later |
//! | modem configurations | `modem.rs` | seed |
//! | segment-routing policies | `sr_policy.rs` | seed |
//! | paths of segment-routing policies | `sr_policy.rs` | later |
//! | beams | `beam.rs` | later |
//! | metrics of interfaces | `telemetry.rs` | both |
//! | metrics of links | `telemetry.rs` | seed; [`ApiModemMetrics`] later |
//!
//! The guide describes the interface of mid-2024, here the *seed* era; what came after it,
//! up to the middle of 2026, is the *later* one. No field number of a request was ever used
//! again, so one view reads the requests of both. What neither knows stays where it is: views
//! keep the octets.
//!
//! In the later era numbers of telemetry are said or not said, where the earlier takes what
//! is not said for 0; they are an `Option` here, and for a controller of the seed era one
//! that is 0 is best not said.

mod beam;
mod define;
mod general;
mod modem;
mod route;
mod scheduling;
mod sr_policy;
mod status;
mod telemetry;

#[cfg(test)]
mod tests;

pub use beam::{
    Beam, BeamHoppingPlan, BeamHoppingPlanValues, BeamOrigin, BeamOriginValues, BeamTarget,
    BeamTargetValues, BeamValues, Cartesian, ChebyshevCoefficients, ChebyshevCoefficientsValues,
    CoordinateFrame, DeleteBeam, DeleteBeamValues, HoppingEntry, HoppingEntryValues,
    HoppingSection, HoppingSectionValues, Origin, OriginValues, StateVector, Target, TargetValues,
    UpdateBeam, UpdateBeamValues,
};
pub use general::{Any, AnyValues, Duration, Empty, FieldMask, FieldMaskValues, Timestamp};
pub use modem::{
    AzEl, DeleteModemConfiguration, DeleteModemConfigurationValues, Ecef, Endpoint, EndpointValues,
    ModemBeam, ModemBeamTarget, ModemBeamTargetValues, ModemBeamValues, ModemMode, ModemTarget,
    ModemTargetValues, Polarization, RxConfiguration, SetModemConfiguration,
    SetModemConfigurationValues, TxConfiguration, TxConfigurationValues,
};
pub use route::{
    DeleteIpRoute, DeleteIpRouteValues, DeleteRoute, DeleteRouteValues, IpRoute, IpRouteValues,
    SetRoute, SetRouteValues, UpdateIpRoute, UpdateIpRouteValues,
};
pub use scheduling::{
    ConfigurationChange, ConfigurationChangeValues, CreateEntry, CreateEntryValues, DeleteEntry,
    DeleteEntryValues, Finalize, FinalizeValues, FromController, FromControllerValues, Hello,
    HelloValues, Request, RequestValues, Reset, ResetValues, Response, ResponseValues,
    ToController, ToControllerValues,
};
pub use sr_policy::{
    DeleteP2pSrTePolicyPath, DeleteP2pSrTePolicyPathValues, DeleteSrPolicy, DeleteSrPolicyValues,
    ExplicitPath, ExplicitPathValues, P2pSrTePolicyPath, P2pSrTePolicyPathValues, PathSegment,
    PathSegmentValues, SetSrPolicy, SetSrPolicyValues, SrSegment, UpdateP2pSrTePolicyPath,
    UpdateP2pSrTePolicyPathValues,
};
pub use status::{RetryInfo, Status, StatusCode, StatusValues};
pub use telemetry::{
    ApiExportMetrics, ApiExportMetricsValues, ApiModemMetrics, ApiModemMetricsValues,
    Esn0DataPoint, Esn0DataPointValues, ExportMetrics, ExportMetricsValues, IfOperStatus,
    IfOperStatusDataPoint, InterfaceMetrics, InterfaceMetricsValues, LinkMetricsDataPoint,
    LinkMetricsDataPointValues, ModemMetrics, ModemMetricsValues, SinrDataPoint,
    SinrDataPointValues, StandardInterfaceStatistics,
};
