//! The protocol data units of section 5: zero-copy views to read them, values
//! to write them.
//!
//! | PDU | clause | file | types |
//! |---|---|---|---|
//! | MPDU: header, signature, time tag, checksum | 5.1.1 to 5.1.4 | `mams/mod.rs` | [`Mpdu`], [`MpduHeader`], [`MpduType`] |
//! | MPDU: what each type holds | 5.1.5, 5.1.6 | `mams/content.rs` | [`Content`] |
//! | MPDU: who sends each type, and what it is to hold | 4.2, 5.1.3, 5.1.6 | `mams/form.rs` | |
//! | endpoint names, delivery vectors, contact summary | 5.1.5.2, 5.1.5.6 to 5.1.5.9 | `mams/contact.rs` | [`EndpointName`], [`DeliveryPoint`], [`DeliveryVector`], [`DeliveryVectorList`], [`ContactSummary`] |
//! | subscriptions and invitations, asserted and cancelled | 5.1.5.10 to 5.1.5.14, 5.1.5.17, 5.1.5.18 | `mams/assertion.rs` | [`Assertion`], [`AssertionList`], [`Cancellation`], [`Declaration`] |
//! | cell descriptor, module list, module status, reconnect, refusal reason | 5.1.5.3 to 5.1.5.5, 5.1.5.15, 5.1.5.16, 5.1.5.19, 5.1.5.20 | `mams/status.rs` | [`CellDescriptor`], [`ModuleList`], [`ModuleStatus`], [`ModuleStatusList`], [`Reconnect`], [`RefusalReason`] |
//! | AAMS message | 5.2 | `aams.rs` | [`Aams`], [`AamsHeader`] |
//! | RAMS envelope | 5.3 | `rams.rs` | [`Envelope`], [`EnvelopeHeader`] |
//!
//! `parse` takes a whole datagram and wants it used up; what breaks a "shall"
//! is refused with [`Malformed`], which names the [`PduRule`], the offset and the
//! value. Reserved bits and the few things the standard forbids but peers in the
//! field send are accepted, and say so in [`Deviations`].

mod aams;
mod decoding;
mod deviations;
mod mams;
mod rams;
mod rule;

#[cfg(test)]
mod tests;

pub(crate) use aams::AamsFront;
pub use aams::{Aams, AamsHeader, Enclosure, MAX_APPLICATION_DATA, MessageType};
pub use deviations::{Deviation, Deviations};
pub use mams::{
    Assertion, AssertionList, AssertionValues, Cancellation, CancellationValues, CellDescriptor,
    ContactSummary, ContactSummaryValues, Content, Declaration, DeliveryPoint, DeliveryVector,
    DeliveryVectorList, DeliveryVectorValues, EndpointName, MAX_SUPPLEMENT, ModuleList,
    ModuleStatus, ModuleStatusHead, ModuleStatusList, Mpdu, MpduHeader, MpduType, Reconnect,
    RefusalReason, Sender,
};
pub use rams::{ControlCode, Envelope, EnvelopeHeader};
pub use rule::PduRule;

/// What is ill-formed about a PDU (4.1.3).
pub type Malformed = crate::wire::Malformed<PduRule>;
