//! Which entity may say what.
//!
//! The signature of an MPDU proves that its sender is who it says it is, not that
//! such an entity has any business saying this. Without this check, whoever wants to
//! say something for which a key is needed would say it in the name of an entity that
//! has none (4.1.5).

use super::{Inauthentic, Receiver};
use crate::ams::ids::{ModuleId, ModuleNumber, RoleNumber, VentureNumber};
use crate::ams::mib::Mib;
use crate::ams::pdu::{Content, Mpdu, Sender};

use super::signer::Signer;

/// The kinds of entities.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Voice {
    ConfigServer,
    Registrar,
    Module,
}

impl Voice {
    fn of(sender: Sender) -> Self {
        match sender {
            Sender { venture: VentureNumber(0), .. } => Self::ConfigServer,
            Sender { role: RoleNumber::ALL, .. } => Self::Registrar,
            _ => Self::Module,
        }
    }
}

/// Checks that the sender of `mpdu` may say such a thing to `receiver`. If it may not,
/// that matters where one that may has a public key in the MIB.
pub(super) fn check(mib: &Mib<'_>, receiver: Receiver, mpdu: &Mpdu<'_>) -> Result<(), Inauthentic> {
    let (sender, content) = (mpdu.sender(), mpdu.content());
    let voices = rightful(receiver, &content);
    let voice = Voice::of(sender);
    if voices.contains(&voice)
        && (voice != Voice::Module || all_about(&content, |id| is_kin(sender, id)))
    {
        return Ok(());
    }
    let venture = match receiver {
        Receiver::Module(venture) | Receiver::Registrar(venture) => venture,
        Receiver::ConfigServer => sender.venture,
    };
    let keyed = |sender| Signer::of(mib, sender).is_some_and(|it| !it.public_key.is_empty());
    let guarded = voices.iter().any(|voice| match voice {
        Voice::ConfigServer => keyed(Sender::CONFIGURATION_SERVER),
        Voice::Registrar => keyed(Sender { venture, ..Sender::default() }),
        Voice::Module => !all_about(&content, |ModuleId { role, unit, .. }| {
            !keyed(Sender { venture, unit, role })
        }),
    });
    if guarded { Err(Inauthentic::Usurped) } else { Ok(()) }
}

/// Who says such things to `receiver`.
fn rightful(receiver: Receiver, content: &Content<'_>) -> &'static [Voice] {
    use Voice::{ConfigServer, Module, Registrar};
    match content {
        Content::Heartbeat { source } if *source != ModuleNumber::NONE => &[Module],
        Content::Heartbeat { .. } | Content::Rejection { .. } => match receiver {
            Receiver::Registrar(_) => &[ConfigServer],
            Receiver::Module(_) | Receiver::ConfigServer => &[Registrar],
        },
        Content::RegistrarNoted { .. }
        | Content::RegistrarUnknown { .. }
        | Content::CellSpec { .. }
        | Content::IAmRunning => &[ConfigServer],
        Content::AnnounceRegistrar { .. }
        | Content::YouAreDead
        | Content::Reconnected { .. }
        | Content::YouAreIn { .. }
        | Content::IAmStarting { .. }
        | Content::ModuleHasStarted { .. }
        | Content::CellStatus { .. } => &[Registrar],
        Content::RegistrarQuery { .. }
        | Content::ModuleRegistration { .. }
        | Content::Reconnect { .. } => &[Module],
        Content::Invite { .. }
        | Content::Disinvite { .. }
        | Content::Subscribe { .. }
        | Content::Unsubscribe { .. }
        | Content::IAmStopping { .. }
        | Content::IAmHere { .. }
        | Content::ModuleStatus { .. } => &[Module, Registrar],
    }
}

/// Whether `sender` has the unit and the role of module `id`. A module speaks for
/// itself alone; more than that nobody can tell from what is signed.
fn is_kin(sender: Sender, id: ModuleId) -> bool {
    sender.unit == id.unit && sender.role == id.role
}

/// Whether `holds` for every module that the MPDU declares something about.
fn all_about(content: &Content<'_>, mut holds: impl FnMut(ModuleId) -> bool) -> bool {
    match content {
        Content::Invite { module, .. }
        | Content::Disinvite { module, .. }
        | Content::Subscribe { module, .. }
        | Content::Unsubscribe { module, .. }
        | Content::IAmStopping { module } => holds(*module),
        Content::ModuleStatus { modules, .. } | Content::IAmHere { modules } => {
            modules.iter().all(|status| holds(status.id))
        }
        Content::Reconnect { reconnect, .. } => holds(reconnect.status().id),
        _ => true,
    }
}
