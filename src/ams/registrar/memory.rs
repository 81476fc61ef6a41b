//! The storage of a registrar in one place, for those who know its sizes when
//! they compile.

use super::{Dossier, DossierRule, Member, OtherRegistrar, RegistrarStorage};
use crate::storage::Slot;

/// Room for `MEMBERS` modules in the cell and `REGISTRARS` other cells, for
/// `DOSSIERS` modules with `RULES` rules among them, and for MPDUs of up to
/// `BUFFER` octets. It can be a `static`.
#[derive(Debug)]
pub struct RegistrarMemory<
    const MEMBERS: usize,
    const REGISTRARS: usize,
    const DOSSIERS: usize,
    const RULES: usize,
    const BUFFER: usize,
> {
    members: [Slot<Member>; MEMBERS],
    registrars: [Slot<OtherRegistrar>; REGISTRARS],
    dossiers: [Slot<Dossier>; DOSSIERS],
    rules: [Slot<DossierRule>; RULES],
    buffer: [u8; BUFFER],
}

impl<
    const MEMBERS: usize,
    const REGISTRARS: usize,
    const DOSSIERS: usize,
    const RULES: usize,
    const BUFFER: usize,
> RegistrarMemory<MEMBERS, REGISTRARS, DOSSIERS, RULES, BUFFER>
{
    /// Empty storage.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            members: [const { Slot::EMPTY }; MEMBERS],
            registrars: [const { Slot::EMPTY }; REGISTRARS],
            dossiers: [const { Slot::EMPTY }; DOSSIERS],
            rules: [const { Slot::EMPTY }; RULES],
            buffer: [0; BUFFER],
        }
    }

    /// The storage, lent to a registrar.
    pub const fn storage(&mut self) -> RegistrarStorage<'_> {
        RegistrarStorage {
            members: &mut self.members,
            registrars: &mut self.registrars,
            dossiers: &mut self.dossiers,
            rules: &mut self.rules,
            buffer: &mut self.buffer,
        }
    }
}

impl<
    const MEMBERS: usize,
    const REGISTRARS: usize,
    const DOSSIERS: usize,
    const RULES: usize,
    const BUFFER: usize,
> Default for RegistrarMemory<MEMBERS, REGISTRARS, DOSSIERS, RULES, BUFFER>
{
    fn default() -> Self {
        Self::new()
    }
}
