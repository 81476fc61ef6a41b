//! What each type of MPDU holds (735.1-B-1 5.1.3, 5.1.6 and tables 5-3): its
//! reference and its supplementary data, together.

use core::slice;

use super::{
    Assertion, Cancellation, CellDescriptor, ContactSummary, EndpointName, ModuleList,
    ModuleStatusList, MpduType, Reconnect, RefusalReason,
};
use crate::ams::ids::{ModuleId, ModuleNumber, UnitNumber};
use crate::wire::{Encode, NoSpace, Writer};

/// What an MPDU says. `query` is a query number, `echo` the reference of the
/// MPDU that is answered. The discriminant is the type, so that no table leads from one
/// to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum Content<'a> {
    /// 1: the sender is alive.
    Heartbeat {
        /// The number of the module it comes from; 0 when it comes from no module.
        source: ModuleNumber,
    } = MpduType::HEARTBEAT.0,
    /// 2: what was asked for is refused.
    Rejection {
        /// What is answered.
        echo: u32,
        /// Why.
        reason: RefusalReason,
    } = MpduType::REJECTION.0,
    /// 3: the receiver's termination has been imputed.
    YouAreDead = MpduType::YOU_ARE_DEAD.0,
    /// 4: the registrar has been noted.
    RegistrarNoted {
        /// What is answered.
        echo: u32,
    } = MpduType::REGISTRAR_NOTED.0,
    /// 5: the location of the registrar is not known.
    RegistrarUnknown {
        /// What is answered.
        echo: u32,
    } = MpduType::REGISTRAR_UNKNOWN.0,
    /// 6: the module has been taken back.
    Reconnected {
        /// What is answered.
        echo: u32,
    } = MpduType::RECONNECTED.0,
    /// 7: a registrar announces itself. The table prints the reference 0, but the
    /// answers need a number to echo: any is accepted.
    AnnounceRegistrar {
        /// The query number.
        query: u32,
        /// Where the registrar receives MPDUs.
        endpoint: EndpointName<'a>,
    } = MpduType::ANNOUNCE_REGISTRAR.0,
    /// 8: an invitation is asserted.
    Invite {
        /// Who invites.
        module: ModuleId,
        /// The invitation.
        assertion: Assertion<'a>,
    } = MpduType::INVITE.0,
    /// 9: an invitation is cancelled.
    Disinvite {
        /// Who invited.
        module: ModuleId,
        /// The invitation.
        cancellation: Cancellation<'a>,
    } = MpduType::DISINVITE.0,
    /// 10: where the registrar of a cell is.
    CellSpec {
        /// What is answered; 0 when nothing is.
        echo: u32,
        /// The cell and where its registrar receives MPDUs.
        cell: CellDescriptor<'a>,
    } = MpduType::CELL_SPEC.0,
    /// 18: where is the registrar of the sender's cell?
    RegistrarQuery {
        /// The query number.
        query: u32,
        /// Where the module receives MPDUs.
        endpoint: EndpointName<'a>,
    } = MpduType::REGISTRAR_QUERY.0,
    /// 19: the sender asks to be registered.
    ModuleRegistration {
        /// The query number.
        query: u32,
        /// Where the module receives MPDUs and messages.
        contact: ContactSummary<'a>,
    } = MpduType::MODULE_REGISTRATION.0,
    /// 20: the module is registered.
    YouAreIn {
        /// What is answered.
        echo: u32,
        /// Its number, not 0.
        module: ModuleNumber,
    } = MpduType::YOU_ARE_IN.0,
    /// 21: a module has been registered; it wants to be told of the others.
    IAmStarting {
        /// The module.
        module: ModuleId,
        /// Where it receives MPDUs and messages.
        contact: ContactSummary<'a>,
    } = MpduType::I_AM_STARTING.0,
    /// 22: the state of modules, for one that has just been registered.
    IAmHere {
        /// The modules.
        modules: ModuleStatusList<'a>,
    } = MpduType::I_AM_HERE.0,
    /// 24: a subscription is asserted.
    Subscribe {
        /// Who subscribes.
        module: ModuleId,
        /// The subscription.
        assertion: Assertion<'a>,
    } = MpduType::SUBSCRIBE.0,
    /// 25: a subscription is cancelled.
    Unsubscribe {
        /// Who subscribed.
        module: ModuleId,
        /// The subscription.
        cancellation: Cancellation<'a>,
    } = MpduType::UNSUBSCRIBE.0,
    /// 26: a module has terminated.
    IAmStopping {
        /// The module.
        module: ModuleId,
    } = MpduType::I_AM_STOPPING.0,
    /// 27: a module tells a restarted registrar about itself and its cell.
    Reconnect {
        /// The query number.
        query: u32,
        /// Its own status and the cell's module list.
        reconnect: Reconnect<'a>,
    } = MpduType::RECONNECT.0,
    /// 28: the membership of a cell.
    CellStatus {
        /// The cell.
        unit: UnitNumber,
        /// The numbers of its modules.
        modules: ModuleList<'a>,
    } = MpduType::CELL_STATUS.0,
    /// 29: a module has been registered and has been told of the others.
    ModuleHasStarted {
        /// The module.
        module: ModuleId,
        /// Where it receives MPDUs and messages.
        contact: ContactSummary<'a>,
    } = MpduType::MODULE_HAS_STARTED.0,
    /// 30: a configuration server of higher rank is running.
    IAmRunning = MpduType::I_AM_RUNNING.0,
    /// 31: the state of modules, for resynchronisation.
    ModuleStatus {
        /// The module, or its cell when several are aggregated.
        module: ModuleId,
        /// The modules.
        modules: ModuleStatusList<'a>,
    } = MpduType::MODULE_STATUS.0,
}

impl<'a> Content<'a> {
    /// What an MPDU of type `kind` says whose reference and supplementary data have been
    /// checked.
    #[cfg_attr(not(feature = "std"), inline(never))]
    pub(super) fn checked(kind: MpduType, reference: u32, data: &'a [u8]) -> Self {
        let (echo, query) = (reference, reference);
        let module = ModuleId::from_reference(reference);
        let first = data.first().copied().unwrap_or_default();
        let name = EndpointName::checked(data);
        let (assertion, cancellation) = (Assertion::checked(data), Cancellation::checked(data));
        let modules = ModuleStatusList::checked(data);
        match kind {
            MpduType::HEARTBEAT => Self::Heartbeat { source: module.module },
            MpduType::REJECTION => Self::Rejection { echo, reason: RefusalReason(first) },
            MpduType::REGISTRAR_NOTED => Self::RegistrarNoted { echo },
            MpduType::REGISTRAR_UNKNOWN => Self::RegistrarUnknown { echo },
            MpduType::RECONNECTED => Self::Reconnected { echo },
            MpduType::ANNOUNCE_REGISTRAR => Self::AnnounceRegistrar { query, endpoint: name },
            MpduType::INVITE => Self::Invite { module, assertion },
            MpduType::DISINVITE => Self::Disinvite { module, cancellation },
            MpduType::CELL_SPEC => Self::CellSpec { echo, cell: CellDescriptor::checked(name) },
            MpduType::REGISTRAR_QUERY => Self::RegistrarQuery { query, endpoint: name },
            MpduType::MODULE_REGISTRATION => {
                Self::ModuleRegistration { query, contact: ContactSummary::checked(data) }
            }
            MpduType::YOU_ARE_IN => Self::YouAreIn { echo, module: ModuleNumber(first) },
            MpduType::I_AM_STARTING => {
                Self::IAmStarting { module, contact: ContactSummary::checked(data) }
            }
            MpduType::I_AM_HERE => Self::IAmHere { modules },
            MpduType::SUBSCRIBE => Self::Subscribe { module, assertion },
            MpduType::UNSUBSCRIBE => Self::Unsubscribe { module, cancellation },
            MpduType::I_AM_STOPPING => Self::IAmStopping { module },
            MpduType::RECONNECT => Self::Reconnect { query, reconnect: Reconnect::checked(data) },
            MpduType::CELL_STATUS => {
                let numbers = data.get(1..).unwrap_or_default();
                Self::CellStatus { unit: module.unit, modules: ModuleList::checked(numbers) }
            }
            MpduType::MODULE_HAS_STARTED => {
                Self::ModuleHasStarted { module, contact: ContactSummary::checked(data) }
            }
            MpduType::MODULE_STATUS => Self::ModuleStatus { module, modules },
            MpduType::I_AM_RUNNING => Self::IAmRunning,
            // Reserved types have been refused.
            _ => Self::YouAreDead,
        }
    }

    /// The type of an MPDU that says this.
    #[must_use]
    pub const fn mpdu_type(&self) -> MpduType {
        match self {
            Self::Heartbeat { .. } => MpduType::HEARTBEAT,
            Self::Rejection { .. } => MpduType::REJECTION,
            Self::YouAreDead => MpduType::YOU_ARE_DEAD,
            Self::RegistrarNoted { .. } => MpduType::REGISTRAR_NOTED,
            Self::RegistrarUnknown { .. } => MpduType::REGISTRAR_UNKNOWN,
            Self::Reconnected { .. } => MpduType::RECONNECTED,
            Self::AnnounceRegistrar { .. } => MpduType::ANNOUNCE_REGISTRAR,
            Self::Invite { .. } => MpduType::INVITE,
            Self::Disinvite { .. } => MpduType::DISINVITE,
            Self::CellSpec { .. } => MpduType::CELL_SPEC,
            Self::RegistrarQuery { .. } => MpduType::REGISTRAR_QUERY,
            Self::ModuleRegistration { .. } => MpduType::MODULE_REGISTRATION,
            Self::YouAreIn { .. } => MpduType::YOU_ARE_IN,
            Self::IAmStarting { .. } => MpduType::I_AM_STARTING,
            Self::IAmHere { .. } => MpduType::I_AM_HERE,
            Self::Subscribe { .. } => MpduType::SUBSCRIBE,
            Self::Unsubscribe { .. } => MpduType::UNSUBSCRIBE,
            Self::IAmStopping { .. } => MpduType::I_AM_STOPPING,
            Self::Reconnect { .. } => MpduType::RECONNECT,
            Self::CellStatus { .. } => MpduType::CELL_STATUS,
            Self::ModuleHasStarted { .. } => MpduType::MODULE_HAS_STARTED,
            Self::IAmRunning => MpduType::I_AM_RUNNING,
            Self::ModuleStatus { .. } => MpduType::MODULE_STATUS,
        }
    }

    /// The reference of an MPDU that says this.
    #[must_use]
    pub fn reference(&self) -> u32 {
        self.parts().0
    }

    /// The reference; the octets that are or begin the supplementary data, but for a number
    /// before them; and what follows the NUL behind them, where there is one.
    #[cfg_attr(not(feature = "std"), inline(never))]
    fn parts(&self) -> (u32, &[u8], Option<&[u8]>) {
        match self {
            Self::Heartbeat { source } => (u32::from(source.0), &[], None),
            Self::RegistrarNoted { echo }
            | Self::RegistrarUnknown { echo }
            | Self::Reconnected { echo } => (*echo, &[], None),
            Self::YouAreDead | Self::IAmRunning => (0, &[], None),
            Self::IAmStopping { module } => (module.reference(), &[], None),
            Self::Rejection { echo, reason } => (*echo, slice::from_ref(&reason.0), None),
            Self::YouAreIn { echo, module } => (*echo, slice::from_ref(&module.0), None),
            Self::AnnounceRegistrar { query, endpoint }
            | Self::RegistrarQuery { query, endpoint } => (*query, endpoint.as_bytes(), Some(&[])),
            Self::CellSpec { echo, cell } => (*echo, cell.registrar.as_bytes(), Some(&[])),
            Self::ModuleRegistration { query, contact } => {
                (*query, contact.endpoint.as_bytes(), Some(contact.delivery_vectors.octets()))
            }
            Self::IAmStarting { module, contact } | Self::ModuleHasStarted { module, contact } => {
                let vectors = contact.delivery_vectors.octets();
                (module.reference(), contact.endpoint.as_bytes(), Some(vectors))
            }
            Self::Invite { module, assertion } | Self::Subscribe { module, assertion } => {
                (module.reference(), assertion.octets(), None)
            }
            Self::Disinvite { module, cancellation }
            | Self::Unsubscribe { module, cancellation } => {
                (module.reference(), cancellation.octets(), None)
            }
            Self::IAmHere { modules } => (0, modules.octets(), None),
            Self::ModuleStatus { module, modules } => (module.reference(), modules.octets(), None),
            Self::Reconnect { query, reconnect } => (*query, reconnect.octets(), None),
            Self::CellStatus { unit, modules } => {
                (ModuleId::cell(*unit).reference(), modules.octets(), None)
            }
        }
    }
}

/// The supplementary data alone.
impl Encode for Content<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> Result<(), NoSpace> {
        match self {
            Self::CellSpec { cell, .. } => to.u16(cell.unit.0)?,
            Self::CellStatus { modules, .. } => to.u8(modules.count())?,
            _ => {}
        }
        let (_, octets, behind) = self.parts();
        to.octets(octets)?;
        let Some(behind) = behind else { return Ok(()) };
        to.u8(0)?;
        to.octets(behind)
    }
}
