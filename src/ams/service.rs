//! The service a module gives its user (735.1-B-1 section 3): indications,
//! faults, and the messages of requests and deliveries.

use core::fmt;

use super::ids::{
    ContextNumber, ContinuumNumber, ModuleId, ModuleKey, ModuleNumber, Priority, SubjectNumber,
};
use super::pdu::{AssertionValues, CancellationValues, Malformed, MpduType, RefusalReason};
use super::security::ContentFault;
use crate::transport::SendError;

/// The fault expression of a `Fault.indication` (3.1.2.17). Each is distinct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// The module does not participate in its message space.
    NotRegistered,
    /// The module participates already (3.1.3.3).
    AlreadyRegistered,
    /// The role ID indicates all roles, or one that is not in the MIB (4.2.5.2).
    InvalidRole,
    /// The venture or the unit is not in the MIB.
    InvalidUnit,
    /// The configuration server knows no registrar for the cell (4.2.5.3).
    RegistrarUnknown,
    /// A location of the configuration server did not answer within N1 (4.2.2.2.4).
    ConfigServerSilent,
    /// The registrar did not answer within N2 (4.2.5.5.6).
    RegistrarSilent,
    /// The registrar refused the registration (4.2.5.5.4).
    Rejected(RefusalReason),
    /// The module is not an authorised sender on the subject (4.3.2.1.1).
    NotAuthorisedSender,
    /// The module is not an authorised receiver on the subject (4.2.10.1.1).
    NotAuthorisedReceiver,
    /// The destination is not an authorised receiver on the subject (4.3.4.1.1).
    DestinationNotAuthorised,
    /// All subjects of all or other continua cannot be asked for (4.2.10.1.1).
    AllSubjectsElsewhere,
    /// Only RAMS gateways issue messages on subjects below 1 (annex B).
    SubjectNotApplication,
    /// The MIB has messages on the subject encrypted or marshalled (4.3.1.3,
    /// 4.3.1.4), and the module has nobody who does it. Nothing goes out in clear
    /// instead.
    SubjectNotPlain,
    /// A message was not issued: its data could not be marshalled or encrypted
    /// (4.3.1.3, 4.3.1.4).
    NotPrepared(ContentFault),
    /// There is nothing to cancel (4.2.11.1.1, 4.2.13.1.1).
    RedundantCancellation,
    /// The module has no delivery vector for the service mode.
    NoDeliveryVector,
    /// The table for such things is full; nothing was changed.
    TableFull,
    /// The destination is in another continuum and no gateway is at hand.
    RemoteContinuum,
    /// The destination module is not known.
    UnknownDestination,
    /// The destination invites no such message from this module (4.3.4.1.3).
    NotInvited,
    /// The context of a query or reply is 0 (4.3.5.1.1, 4.3.6.1.1).
    ContextZero,
    /// A query with this context is pending (4.3.5.1.1).
    ContextPending,
    /// No delivery point of the destination can be used (4.3.1.1.1).
    NoDeliveryPoint(ModuleKey),
    /// The transport failed to transmit (4.3.1.1.2).
    NotTransmitted(ModuleKey, SendError),
    /// Neither the buffer nor the transport will ever take an MPDU so long: it was
    /// given up. A rule that it was to assert or cancel is not in force.
    MpduTooLong(MpduType),
    /// The application data do not fit a message, or the buffer for messages.
    DataTooLong,
    /// No reply arrived within the term (4.3.5.1.2.4.2 b).
    QueryTimedOut(ContextNumber),
    /// A received message is ill-formed (4.1.2).
    Malformed(Malformed),
    /// A message came from a module that may not send on its subject (4.3.8.1.1).
    SenderNotAuthorised(ModuleKey),
    /// A message came that the module neither subscribes to nor invites.
    Uninvited(ModuleKey),
    /// A message from this module could not be decrypted or un-marshalled
    /// (4.3.8.1.3).
    NotRestored(ModuleKey, ContentFault),
    /// A message came from another continuum, not through a gateway.
    ForeignContinuum(ContinuumNumber),
}

impl Fault {
    /// A short name for programs to tell faults by; it stays the same.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotRegistered => "not_registered",
            Self::AlreadyRegistered => "already_registered",
            Self::InvalidRole => "invalid_role",
            Self::InvalidUnit => "invalid_unit",
            Self::RegistrarUnknown => "registrar_unknown",
            Self::ConfigServerSilent => "config_server_silent",
            Self::RegistrarSilent => "registrar_silent",
            Self::Rejected(_) => "rejected",
            Self::NotAuthorisedSender => "not_authorised_sender",
            Self::NotAuthorisedReceiver => "not_authorised_receiver",
            Self::DestinationNotAuthorised => "destination_not_authorised",
            Self::AllSubjectsElsewhere => "all_subjects_elsewhere",
            Self::SubjectNotApplication => "subject_not_application",
            Self::SubjectNotPlain => "subject_not_plain",
            Self::NotPrepared(_) => "not_prepared",
            Self::RedundantCancellation => "redundant_cancellation",
            Self::NoDeliveryVector => "no_delivery_vector",
            Self::TableFull => "table_full",
            Self::RemoteContinuum => "remote_continuum",
            Self::UnknownDestination => "unknown_destination",
            Self::NotInvited => "not_invited",
            Self::ContextZero => "context_zero",
            Self::ContextPending => "context_pending",
            Self::NoDeliveryPoint(_) => "no_delivery_point",
            Self::NotTransmitted(..) => "not_transmitted",
            Self::MpduTooLong(_) => "mpdu_too_long",
            Self::DataTooLong => "data_too_long",
            Self::QueryTimedOut(_) => "query_timed_out",
            Self::Malformed(_) => "malformed",
            Self::SenderNotAuthorised(_) => "sender_not_authorised",
            Self::Uninvited(_) => "uninvited",
            Self::NotRestored(..) => "not_restored",
            Self::ForeignContinuum(_) => "foreign_continuum",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::NotRegistered => "not registered",
            Self::AlreadyRegistered => "already registered",
            Self::InvalidRole => "the role is not one a module can register in",
            Self::InvalidUnit => "the unit or venture is not in the MIB",
            Self::RegistrarUnknown => "the configuration server knows no registrar for the cell",
            Self::ConfigServerSilent => "the configuration server did not answer within N1",
            Self::RegistrarSilent => "the registrar did not answer within N2",
            Self::Rejected(reason) => return write!(f, "registration rejected: {reason:?}"),
            Self::NotAuthorisedSender => "not an authorised sender on this subject",
            Self::NotAuthorisedReceiver => "not an authorised receiver on this subject",
            Self::DestinationNotAuthorised => "the destination may not receive on this subject",
            Self::AllSubjectsElsewhere => "all subjects can be asked for in this continuum only",
            Self::SubjectNotApplication => "the subject is not an application's",
            Self::SubjectNotPlain => "messages on this subject are encrypted or marshalled",
            Self::NotPrepared(why) => return write!(f, "not sent: {why}"),
            Self::RedundantCancellation => "there is nothing to cancel",
            Self::NoDeliveryVector => "no delivery vector has this service mode",
            Self::TableFull => "the table is full",
            Self::RemoteContinuum => "the destination is in another continuum",
            Self::UnknownDestination => "the destination is not known",
            Self::NotInvited => "the destination does not invite this message",
            Self::ContextZero => "the context is 0",
            Self::ContextPending => "a query with this context is pending",
            Self::NoDeliveryPoint(to) => return write!(f, "no usable delivery point of {to}"),
            Self::NotTransmitted(to, why) => return write!(f, "not transmitted to {to}: {why}"),
            Self::MpduTooLong(kind) => {
                let name = kind.name().unwrap_or("of an unknown type");
                return write!(f, "an MPDU {name} is too long to be sent");
            }
            Self::DataTooLong => "the application data are too long",
            Self::QueryTimedOut(context) => {
                return write!(f, "no reply in context {context} within the term");
            }
            Self::Malformed(fault) => return fault.fmt(f),
            Self::SenderNotAuthorised(from) => {
                return write!(f, "{from} may not send on this subject");
            }
            Self::Uninvited(from) => return write!(f, "uninvited message from {from}"),
            Self::NotRestored(from, why) => return write!(f, "message from {from}: {why}"),
            Self::ForeignContinuum(from) => return write!(f, "message from continuum {from}"),
        };
        f.write_str(text)
    }
}

impl core::error::Error for Fault {}

/// What a module tells its user besides messages (3.1.17 to 3.1.24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Indication {
    /// `Register.indication` of the module itself: it is registered under this number.
    Registered(ModuleNumber),
    /// `Unregister.indication` of the module itself: it is not registered any more.
    /// The number is 0 when it had not got one.
    Unregistered(ModuleNumber),
    /// `Register.indication` of another module.
    ModuleRegistered(ModuleId),
    /// `Unregister.indication` of another module.
    ModuleUnregistered(ModuleId),
    /// `Assert_subscription.indication`.
    SubscriptionAsserted(ModuleId, AssertionValues),
    /// `Cancel_subscription.indication`.
    SubscriptionCancelled(ModuleId, CancellationValues),
    /// `Assert_invitation.indication`.
    InvitationAsserted(ModuleId, AssertionValues),
    /// `Cancel_invitation.indication`.
    InvitationCancelled(ModuleId, CancellationValues),
    /// `Module_is_dead.indication`: the module's termination was imputed, and it
    /// has ceased AMS activity. It may register anew.
    ModuleIsDead,
    /// `Fault.indication`.
    Fault(Fault),
}

/// Who consumes a module's indications; closures do.
pub trait ServiceUser {
    /// Takes note of `indication`.
    fn indicate(&mut self, indication: Indication);
}

impl<F: FnMut(Indication)> ServiceUser for F {
    fn indicate(&mut self, indication: Indication) {
        self(indication);
    }
}

/// A message to issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Message<'d> {
    /// The subject, above 0.
    pub subject: SubjectNumber,
    /// The priority; where given it overrides what receivers ask for.
    pub priority: Option<Priority>,
    /// The flow label; where given it overrides what receivers ask for.
    pub flow_label: Option<u8>,
    /// The context, 0 for none.
    pub context: ContextNumber,
    /// The application data, at most 65,000 octets.
    pub data: &'d [u8],
}

impl<'d> Message<'d> {
    /// A message on `subject` with receivers' preferences and without context.
    #[must_use]
    pub const fn new(subject: SubjectNumber, data: &'d [u8]) -> Self {
        Self { subject, priority: None, flow_label: None, context: ContextNumber::NONE, data }
    }
}

/// A message that was received; its data lie in the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Received<'d> {
    /// The continuum of the source.
    pub continuum: ContinuumNumber,
    /// The source.
    pub source: ModuleKey,
    /// The subject.
    pub subject: SubjectNumber,
    /// The priority.
    pub priority: Priority,
    /// The flow label.
    pub flow_label: u8,
    /// The context.
    pub context: ContextNumber,
    /// The application data.
    pub data: &'d [u8],
}

/// The one indication a message yields (4.3.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Delivery<'d> {
    /// `Message.indication`.
    Message(Received<'d>),
    /// `Query.indication`: a reply in the same context is asked for.
    Query(Received<'d>),
    /// `Reply.indication`.
    Reply(Received<'d>),
}

impl<'d> Delivery<'d> {
    /// The message, whatever its type.
    #[must_use]
    pub const fn message(&self) -> &Received<'d> {
        match self {
            Self::Message(message) | Self::Query(message) | Self::Reply(message) => message,
        }
    }
}
