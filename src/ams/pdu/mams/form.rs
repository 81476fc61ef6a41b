//! What an MPDU of each type is to be: who sends it, what its reference and its
//! supplementary data are (735.1-B-1 4.2, 5.1.3, 5.1.6 and tables 5-3).

use super::{
    Assertion, Cancellation, CellDescriptor, ContactSummary, EndpointName, ModuleList,
    ModuleStatusList, Mpdu, MpduType, Reconnect,
};
use crate::ams::ids::RoleNumber;
use crate::ams::pdu::PduRule;
use crate::ams::pdu::decoding::{Decoder, Fault};

/// What the MPDUs of a type are to be.
#[derive(Clone, Copy)]
pub(super) struct Form {
    sender: Senders,
    reference: Reference,
    supplement: Supplement,
}

/// Who sends the MPDUs of a type (4.2).
#[derive(Clone, Copy)]
enum Senders {
    Any,
    /// Modules only.
    Modules,
    /// Registrars and configuration servers only.
    Others,
    /// A module speaks of itself, and a registrar passes that on.
    Relayed,
}

/// What the reference is to be.
#[derive(Clone, Copy)]
enum Reference {
    /// A number to be echoed, or the echo.
    Any,
    Zero,
    /// The number of a module, or 0 (5.1.3.3).
    Heartbeat,
    /// The module ID of a module (5.1.3.4).
    Module,
    /// That of a cell.
    Cell,
    /// That of a module or of a cell.
    ModuleOrCell,
}

/// What the supplementary data are to be.
#[derive(Clone, Copy)]
enum Supplement {
    Nothing,
    RefusalReason,
    AssignedModule,
    EndpointName,
    CellDescriptor,
    ContactSummary,
    Assertion,
    Cancellation,
    ModuleList,
    StatusList,
    Reconnect,
}

const fn form(sender: Senders, reference: Reference, supplement: Supplement) -> Option<Form> {
    Some(Form { sender, reference, supplement })
}

/// The forms of types 0 to 31; types without one are reserved.
static FORMS: [Option<Form>; 32] = [
    None,
    form(Senders::Any, Reference::Heartbeat, Supplement::Nothing), // heartbeat
    form(Senders::Others, Reference::Any, Supplement::RefusalReason), // rejection
    form(Senders::Others, Reference::Zero, Supplement::Nothing),   // you_are_dead
    form(Senders::Others, Reference::Any, Supplement::Nothing),    // registrar_noted
    form(Senders::Others, Reference::Any, Supplement::Nothing),    // registrar_unknown
    form(Senders::Others, Reference::Any, Supplement::Nothing),    // reconnected
    form(Senders::Others, Reference::Any, Supplement::EndpointName), // announce_registrar
    form(Senders::Relayed, Reference::Module, Supplement::Assertion), // invite
    form(Senders::Relayed, Reference::Module, Supplement::Cancellation), // disinvite
    form(Senders::Others, Reference::Any, Supplement::CellDescriptor), // cell_spec
    None,
    None,
    None,
    None,
    None,
    None,
    None,
    form(Senders::Modules, Reference::Any, Supplement::EndpointName), // registrar_query
    form(Senders::Modules, Reference::Any, Supplement::ContactSummary), // module_registration
    form(Senders::Others, Reference::Any, Supplement::AssignedModule), // you_are_in
    form(Senders::Any, Reference::Module, Supplement::ContactSummary), // I_am_starting
    form(Senders::Any, Reference::Zero, Supplement::StatusList),      // I_am_here
    None,
    form(Senders::Relayed, Reference::Module, Supplement::Assertion), // subscribe
    form(Senders::Relayed, Reference::Module, Supplement::Cancellation), // unsubscribe
    form(Senders::Relayed, Reference::Module, Supplement::Nothing),   // I_am_stopping
    form(Senders::Modules, Reference::Any, Supplement::Reconnect),    // reconnect
    form(Senders::Others, Reference::Cell, Supplement::ModuleList),   // cell_status
    form(Senders::Any, Reference::Module, Supplement::ContactSummary), // module_has_started
    form(Senders::Others, Reference::Zero, Supplement::Nothing),      // I_am_running
    form(Senders::Relayed, Reference::ModuleOrCell, Supplement::StatusList), // module_status
];

impl Form {
    /// The form of the MPDUs of a type; `None` where the type is reserved.
    pub(super) fn of(kind: MpduType) -> Option<Self> {
        *FORMS.get(usize::from(kind.0))?
    }

    /// Whether the reference is what it is to be (5.1.3, tables 5-3).
    pub(super) fn check_reference(self, reference: u32) -> Result<(), Fault> {
        let [module, _, _, role] = reference.to_le_bytes();
        let (rule, wrong, against) = match self.reference {
            Reference::Any => return Ok(()),
            Reference::Zero => (PduRule::ReferenceNotZero, reference != 0, 0),
            Reference::Heartbeat => (PduRule::HeartbeatSource, reference > 255, 255),
            Reference::Module => (PduRule::ReferenceNoModule, module == 0, 1),
            Reference::Cell => (PduRule::ReferenceNotCell, role != 0 || module != 0, 0),
            Reference::ModuleOrCell => (PduRule::ReferenceNoModule, module == 0 && role != 0, 1),
        };
        if !wrong {
            return Ok(());
        }
        // Where it stands in an MPDU.
        Err((rule, 8, usize::try_from(reference).unwrap_or(usize::MAX), against))
    }

    /// Whether `from` has the supplementary data and nothing else (5.1.6).
    pub(super) fn check_supplement(self, from: &mut Decoder<'_>) {
        match self.supplement {
            Supplement::Nothing => {}
            Supplement::RefusalReason => {
                from.u8(PduRule::RefusalReasonTruncated);
            }
            Supplement::AssignedModule => {
                let at = from.offset();
                if from.u8(PduRule::AssignedModuleTruncated) == 0 {
                    from.fail(PduRule::AssignedModuleZero, at, 0, 1);
                }
            }
            Supplement::EndpointName => {
                EndpointName::split(from);
            }
            Supplement::CellDescriptor => CellDescriptor::check(from),
            Supplement::ContactSummary => {
                ContactSummary::split(from);
            }
            Supplement::Assertion => Assertion::check(from),
            Supplement::Cancellation => Cancellation::check(from),
            Supplement::ModuleList => {
                ModuleList::split(from);
            }
            Supplement::StatusList => ModuleStatusList::check(from),
            Supplement::Reconnect => Reconnect::check(from),
        }
        from.end(PduRule::SupplementTrailing);
    }

    /// Table 5-1: the role is 0 when the sender is not a module. Which entities send
    /// which types follows from the procedures of 4.2. Tells whether a registrar has put
    /// itself in the place of the sender.
    pub(super) fn check_sender(self, head: &[u8; Mpdu::HEADER_LEN]) -> Result<bool, Fault> {
        let [_, _, _, _, role, _, _, _, about, ..] = *head;
        let is_module = role != RoleNumber::ALL.0;
        match self.sender {
            Senders::Modules if !is_module => Err((PduRule::SenderIsNotModule, 4, 0, 1)),
            Senders::Others if is_module => Err((PduRule::SenderIsModule, 4, usize::from(role), 0)),
            Senders::Relayed => Ok(!is_module && about != RoleNumber::ALL.0),
            _ => Ok(false),
        }
    }
}
