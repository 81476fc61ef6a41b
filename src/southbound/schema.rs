//! The schema as data: which message has which fields.
//!
//! The table is made from the definitions of the messages in
//! [`messages`](super::messages) and is what parsing goes by. Names are apart, so that a
//! board that prints none carries none.

use core::mem::replace;

use super::messages::{
    Any, ApiExportMetrics, ApiModemMetrics, AzEl, Beam, BeamHoppingPlan, BeamOrigin, BeamTarget,
    Cartesian, ChebyshevCoefficients, CoordinateFrame, CreateEntry, DeleteBeam, DeleteEntry,
    DeleteIpRoute, DeleteModemConfiguration, DeleteP2pSrTePolicyPath, DeleteRoute, DeleteSrPolicy,
    Duration, Ecef, Empty, Endpoint, Esn0DataPoint, ExplicitPath, ExportMetrics, FieldMask,
    Finalize, FromController, Hello, HoppingEntry, HoppingSection, IfOperStatus,
    IfOperStatusDataPoint, InterfaceMetrics, IpRoute, LinkMetricsDataPoint, ModemBeam,
    ModemBeamTarget, ModemMetrics, ModemMode, P2pSrTePolicyPath, PathSegment, Polarization, Reset,
    Response, RetryInfo, RxConfiguration, SetModemConfiguration, SetRoute, SetSrPolicy,
    SinrDataPoint, SrSegment, StandardInterfaceStatistics, StateVector, Status, Timestamp,
    ToController, TxConfiguration, UpdateBeam, UpdateIpRoute, UpdateP2pSrTePolicyPath,
};
use super::protobuf::{Field, Typed, Value, Wire};

/// What a field is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// int64.
    Int64,
    /// uint64.
    Uint64,
    /// int32.
    Int32,
    /// uint32.
    Uint32,
    /// An enum.
    Code(CodeType),
    /// double.
    Double,
    /// float.
    Float,
    /// string.
    String,
    /// bytes.
    Bytes,
    /// A message.
    Message(MessageType),
}

impl Kind {
    /// The wire type, where it is not packed.
    #[must_use]
    pub const fn wire(self) -> Wire {
        match self {
            Self::Int64 | Self::Uint64 | Self::Int32 | Self::Uint32 | Self::Code(_) => Wire::Varint,
            Self::Double => Wire::I64,
            Self::Float => Wire::I32,
            Self::String | Self::Bytes | Self::Message(_) => Wire::Len,
        }
    }
}

/// How often a field is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Once at the most; not there is 0 or empty.
    Implicit,
    /// Once or not at all.
    Optional,
    /// Once at the most, and none of the other members of the oneof with it. No message has
    /// more than one oneof.
    Oneof,
    /// Any number of times.
    Repeated,
}

/// A row of the schema: one field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldType {
    /// Its number.
    pub number: u8,
    /// What it is of.
    pub kind: Kind,
    /// How often it is there.
    pub label: Label,
}

impl FieldType {
    /// The row of a field that has the Rust type `T`.
    pub(crate) const fn of<T: Typed>(number: u8) -> Self {
        Self { number, kind: T::KIND, label: T::LABEL }
    }

    /// The same as a member of a oneof.
    pub(crate) const fn in_oneof(self) -> Self {
        Self { label: Label::Oneof, ..self }
    }
}

/// The enums of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeType {
    /// [`Polarization`].
    Polarization,
    /// [`ModemMode`].
    ModemMode,
    /// [`CoordinateFrame`].
    CoordinateFrame,
    /// [`IfOperStatus`].
    IfOperStatus,
}

impl CodeType {
    /// The name of a code, where it has one.
    #[must_use]
    pub const fn name(self, code: i32) -> Option<&'static str> {
        match self {
            Self::Polarization => Polarization(code).name(),
            Self::ModemMode => ModemMode(code).name(),
            Self::CoordinateFrame => CoordinateFrame(code).name(),
            Self::IfOperStatus => IfOperStatus(code).name(),
        }
    }

    /// The code of a name.
    #[must_use]
    pub fn code(self, name: &str) -> Option<i32> {
        // No enum has more codes than this.
        (0..16).find(|&code| self.name(code) == Some(name))
    }
}

/// Makes the list of messages from their names here and in the schema.
macro_rules! schema {
    ($($name:ident = $full:literal;)*) => {
        /// The messages of the schema.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum MessageType {
            $(#[doc = concat!("[`", stringify!($name), "`]: ", $full, ".")] $name,)*
        }

        /// The fields of each.
        const DEFINED: &[&[FieldType]] = &[$($name::FIELDS),*];

        impl MessageType {
            /// All of them. Where both eras have one of a name, that of the seed is first.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The names of its fields, in the order of [`MessageType::fields`].
            #[must_use]
            pub const fn field_names(self) -> &'static [&'static str] {
                match self {
                    $(Self::$name => $name::NAMES,)*
                }
            }

            /// Its full name, package and all.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $full,)*
                }
            }
        }
    };
}

/// All fields, those of one message behind those of another: what a pointer to each message
/// would take of a board is more than most messages.
static FIELDS: [FieldType; count(DEFINED)] = in_line(DEFINED);

/// Where the fields of each message end.
static ENDS: [u16; DEFINED.len()] = ends(DEFINED);

const fn count(mut messages: &[&[FieldType]]) -> usize {
    let mut count = 0_usize;
    while let [fields, others @ ..] = messages {
        count = count.saturating_add(fields.len());
        messages = others;
    }
    count
}

#[allow(clippy::mem_replace_with_default, reason = "`take` is no constant function")]
const fn in_line<const N: usize>(mut messages: &[&[FieldType]]) -> [FieldType; N] {
    let mut all = [FieldType { number: 0, kind: Kind::Bytes, label: Label::Implicit }; N];
    let mut room: &mut [FieldType] = &mut all;
    while let [fields, others @ ..] = messages {
        let mut fields: &[FieldType] = fields;
        while let [field, more @ ..] = fields {
            let Some((place, behind)) = replace(&mut room, &mut []).split_first_mut() else {
                break;
            };
            *place = *field;
            fields = more;
            room = behind;
        }
        messages = others;
    }
    all
}

#[allow(clippy::as_conversions, reason = "there are some hundreds, in a constant function")]
#[allow(clippy::mem_replace_with_default, reason = "`take` is no constant function")]
const fn ends<const N: usize>(messages: &[&[FieldType]]) -> [u16; N] {
    let mut all = [0; N];
    let mut room: &mut [u16] = &mut all;
    let mut behind = messages;
    while let [_, rest @ ..] = behind {
        let Some((end, others)) = replace(&mut room, &mut []).split_first_mut() else { break };
        *end = count(messages).saturating_sub(count(rest)) as u16;
        room = others;
        behind = rest;
    }
    all
}

impl MessageType {
    /// Its fields, in the order in which they are defined.
    #[must_use]
    #[allow(clippy::as_conversions, reason = "the number of an enum without values")]
    pub fn fields(self) -> &'static [FieldType] {
        let place = self as usize;
        let end = |place: usize| ENDS.get(place).copied().map_or(0, usize::from);
        let start = place.checked_sub(1).map_or(0, end);
        FIELDS.get(start..end(place)).unwrap_or_default()
    }

    /// The field `number`, where it is known.
    #[must_use]
    pub fn field(self, number: u32) -> Option<&'static FieldType> {
        self.fields().iter().find(|field| u32::from(field.number) == number)
    }

    /// What `field` is, where its number is known and its wire type is right.
    #[must_use]
    pub fn known(self, field: &Field<'_>) -> Option<&'static FieldType> {
        let known = self.field(field.number)?;
        let wire = known.kind.wire();
        let packed = known.label == Label::Repeated && matches!(field.value, Value::Len(_));
        (packed || field.value.wire() == Some(wire)).then_some(known)
    }

    /// The message of a full name, or of the part of it that follows the package.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let is = |kind: &&Self| {
            // A package is in lower case.
            let package = |rest: &str| {
                rest.ends_with('.') && !rest.contains(|letter: char| letter.is_ascii_uppercase())
            };
            kind.name() == name || kind.name().strip_suffix(name).is_some_and(package)
        };
        Self::ALL.iter().find(is).copied()
    }
}

schema! {
    Timestamp = "google.protobuf.Timestamp";
    Duration = "google.protobuf.Duration";
    Empty = "google.protobuf.Empty";
    Any = "google.protobuf.Any";
    FieldMask = "aalyria.spacetime.api.common.FieldMask";
    Status = "google.rpc.Status";
    RetryInfo = "google.rpc.RetryInfo";
    FromController = "aalyria.spacetime.scheduling.v1alpha.ReceiveRequestsMessageFromController";
    ToController = "aalyria.spacetime.scheduling.v1alpha.ReceiveRequestsMessageToController";
    Hello = "aalyria.spacetime.scheduling.v1alpha.ReceiveRequestsMessageToController.Hello";
    Response = "aalyria.spacetime.scheduling.v1alpha.ReceiveRequestsMessageToController.Response";
    CreateEntry = "aalyria.spacetime.scheduling.v1alpha.CreateEntryRequest";
    DeleteEntry = "aalyria.spacetime.scheduling.v1alpha.DeleteEntryRequest";
    Finalize = "aalyria.spacetime.scheduling.v1alpha.FinalizeRequest";
    Reset = "aalyria.spacetime.scheduling.v1alpha.ResetRequest";
    SetRoute = "aalyria.spacetime.scheduling.v1alpha.SetRoute";
    DeleteRoute = "aalyria.spacetime.scheduling.v1alpha.DeleteRoute";
    IpRoute = "aalyria.spacetime.scheduling.v1alpha.IpRoute";
    UpdateIpRoute = "aalyria.spacetime.scheduling.v1alpha.UpdateIpRoute";
    DeleteIpRoute = "aalyria.spacetime.scheduling.v1alpha.DeleteIpRoute";
    SetModemConfiguration = "aalyria.spacetime.scheduling.v1alpha.SetModemConfiguration";
    DeleteModemConfiguration = "aalyria.spacetime.scheduling.v1alpha.DeleteModemConfiguration";
    ModemBeam = "aalyria.spacetime.scheduling.v1alpha.Beam";
    ModemBeamTarget = "aalyria.spacetime.scheduling.v1alpha.BeamTarget";
    Ecef = "aalyria.spacetime.scheduling.v1alpha.Ecef";
    AzEl = "aalyria.spacetime.scheduling.v1alpha.AzEl";
    RxConfiguration = "aalyria.spacetime.scheduling.v1alpha.RxConfiguration";
    TxConfiguration = "aalyria.spacetime.scheduling.v1alpha.TxConfiguration";
    Endpoint = "aalyria.spacetime.scheduling.v1alpha.Endpoint";
    SetSrPolicy = "aalyria.spacetime.scheduling.v1alpha.SetSrPolicy";
    DeleteSrPolicy = "aalyria.spacetime.scheduling.v1alpha.DeleteSrPolicy";
    ExplicitPath = "aalyria.spacetime.scheduling.v1alpha.SetSrPolicy.ExplicitPath";
    SrSegment = "aalyria.spacetime.scheduling.v1alpha.SrSegment";
    P2pSrTePolicyPath = "aalyria.spacetime.scheduling.v1alpha.P2pSrTePolicyPath";
    UpdateP2pSrTePolicyPath = "aalyria.spacetime.scheduling.v1alpha.UpdateP2pSrTePolicyPath";
    DeleteP2pSrTePolicyPath = "aalyria.spacetime.scheduling.v1alpha.DeleteP2pSrTePolicyPath";
    PathSegment = "aalyria.spacetime.scheduling.v1alpha.SrSegment";
    UpdateBeam = "aalyria.spacetime.scheduling.v1alpha.UpdateBeam";
    DeleteBeam = "aalyria.spacetime.scheduling.v1alpha.DeleteBeam";
    Beam = "aalyria.spacetime.scheduling.v1alpha.Beam";
    BeamTarget = "aalyria.spacetime.scheduling.v1alpha.BeamTarget";
    BeamOrigin = "aalyria.spacetime.scheduling.v1alpha.BeamOrigin";
    BeamHoppingPlan = "aalyria.spacetime.scheduling.v1alpha.BeamHoppingPlan";
    HoppingSection = "aalyria.spacetime.scheduling.v1alpha.BeamHoppingPlan.Section";
    HoppingEntry = "aalyria.spacetime.scheduling.v1alpha.BeamHoppingPlan.Section.Entry";
    Cartesian = "aalyria.spacetime.scheduling.v1alpha.Cartesian";
    StateVector = "aalyria.spacetime.scheduling.v1alpha.StateVector";
    ChebyshevCoefficients = "aalyria.spacetime.scheduling.v1alpha.ChebyshevCoefficients";
    ExportMetrics = "aalyria.spacetime.telemetry.v1alpha.ExportMetricsRequest";
    ApiExportMetrics = "aalyria.spacetime.api.telemetry.v1alpha.ExportMetricsRequest";
    InterfaceMetrics = "aalyria.spacetime.telemetry.v1alpha.InterfaceMetrics";
    IfOperStatusDataPoint = "aalyria.spacetime.telemetry.v1alpha.IfOperStatusDataPoint";
    StandardInterfaceStatistics = "aalyria.spacetime.telemetry.v1alpha.StandardInterfaceStatisticsDataPoint";
    ModemMetrics = "aalyria.spacetime.telemetry.v1alpha.ModemMetrics";
    LinkMetricsDataPoint = "aalyria.spacetime.telemetry.v1alpha.LinkMetricsDataPoint";
    ApiModemMetrics = "aalyria.spacetime.api.telemetry.v1alpha.ModemMetrics";
    Esn0DataPoint = "aalyria.spacetime.api.telemetry.v1alpha.Esn0DataPoint";
    SinrDataPoint = "aalyria.spacetime.api.telemetry.v1alpha.SinrDataPoint";
}
