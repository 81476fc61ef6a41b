//! Whom a registrar keeps informed: the members of its cell and the other
//! registrars of the message space.

use super::numbers::Numbers;
use crate::ams::ids::{ModuleId, ModuleKey, ModuleNumber, RoleNumber, UnitNumber};
use crate::ams::meta::{Outlet, Pulse};
use crate::ams::pdu::Content;
use crate::storage::{Row, Table};
use crate::time::{Instant, Now};
use crate::transport::{Address, Transport};

/// A module in the cell's registered membership.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    pub(super) number: ModuleNumber,
    pub(super) role: RoleNumber,
    /// The query number it registered or reconnected with last.
    pub(super) query: u32,
    /// It has yet to get its *you_are_in*.
    pub(super) answer_owed: bool,
    /// What it has yet to be told of the others with *I_am_here*.
    pub(super) briefing: Option<Briefing>,
    /// It was told of the others with *I_am_here*.
    pub(super) briefed: bool,
    pub(super) pulse: Pulse,
    pub(super) recipient: Recipient,
}

impl Member {
    /// Its number.
    #[must_use]
    pub const fn number(&self) -> ModuleNumber {
        self.number
    }

    /// Its role.
    #[must_use]
    pub const fn role(&self) -> RoleNumber {
        self.role
    }

    /// Where it receives MPDUs.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.recipient.address
    }

    pub(super) const fn id(&self, unit: UnitNumber) -> ModuleId {
        ModuleId { role: self.role, unit, module: self.number }
    }
}

impl Row for Member {
    type Key = ModuleNumber;

    fn key(&self) -> ModuleNumber {
        self.number
    }
}

/// The registrar of another cell of the message space.
#[derive(Clone, Copy, Debug)]
pub struct OtherRegistrar {
    pub(super) unit: UnitNumber,
    /// Whether a dossier is kept of every module of its cell.
    pub(super) complete: bool,
    pub(super) recipient: Recipient,
}

impl OtherRegistrar {
    /// The unit of its cell.
    #[must_use]
    pub const fn unit(&self) -> UnitNumber {
        self.unit
    }

    /// Where it receives MPDUs.
    #[must_use]
    pub const fn address(&self) -> Address {
        self.recipient.address
    }
}

impl Row for OtherRegistrar {
    type Key = UnitNumber;

    fn key(&self) -> UnitNumber {
        self.unit
    }
}

/// How far a new member has been told of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Briefing {
    /// When to go on.
    pub(super) at: Instant,
    /// The module to go on with.
    pub(super) next: ModuleKey,
    /// How many of its rules have been told already.
    pub(super) rules_told: usize,
}

/// One who is kept informed, and what is owed to it because the transport would
/// not take it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Recipient {
    pub(super) address: Address,
    /// The modules of the cell whose starting or stopping it has yet to be told.
    pub(super) news: Numbers,
    /// It has yet to get the *cell_status*.
    pub(super) status: bool,
}

impl Recipient {
    pub(super) const fn new(address: Address) -> Self {
        Self { address, news: Numbers::NONE, status: false }
    }
}

/// The members and the other registrars.
#[derive(Debug)]
pub(super) struct Circle<'s> {
    pub(super) members: Table<'s, Member>,
    pub(super) registrars: Table<'s, OtherRegistrar>,
}

impl Circle<'_> {
    /// Every member but `except`, then every other registrar.
    pub(super) fn recipients_mut(
        &mut self,
        except: ModuleNumber,
    ) -> impl Iterator<Item = &mut Recipient> {
        let members = self.members.iter_mut().filter(move |member| member.number != except);
        let registrars = self.registrars.iter_mut().map(|registrar| &mut registrar.recipient);
        members.map(|member| &mut member.recipient).chain(registrars)
    }

    /// Tells every recipient that `number` has started or stopped. Returns
    /// whether any is still to be told.
    pub(super) fn tell_all(
        &mut self,
        now: Now,
        number: ModuleNumber,
        outlet: &mut Outlet<'_>,
        content: &Content<'_>,
        transport: &mut dyn Transport,
    ) -> bool {
        self.recipients_mut(number).for_each(|recipient| recipient.news.insert(number));
        self.tell_owed(now, number, outlet, content, transport)
    }

    /// Tells those who are owed the news of `number`. Returns whether any is
    /// still to be told.
    pub(super) fn tell_owed(
        &mut self,
        now: Now,
        number: ModuleNumber,
        outlet: &mut Outlet<'_>,
        content: &Content<'_>,
        transport: &mut dyn Transport,
    ) -> bool {
        let mut left = false;
        for recipient in self.recipients_mut(number) {
            if !recipient.news.contains(number) {
                continue;
            }
            let sent = outlet.send(&now, &recipient.address, content, transport);
            if outlet.is_owed(sent) {
                left = true;
            } else {
                recipient.news.remove(number);
            }
        }
        left
    }

    /// Nobody is to be told of `number` any more. Returns whether anybody was.
    pub(super) fn forgive(&mut self, number: ModuleNumber) -> bool {
        let mut owed = false;
        for recipient in self.recipients_mut(ModuleNumber::NONE) {
            owed |= recipient.news.contains(number);
            recipient.news.remove(number);
        }
        owed
    }

    /// The modules whose starting or stopping somebody has yet to be told.
    pub(super) fn owed(&self) -> Numbers {
        let mut owed = Numbers::NONE;
        self.members.iter().for_each(|member| owed.extend(&member.recipient.news));
        self.registrars.iter().for_each(|registrar| owed.extend(&registrar.recipient.news));
        owed
    }

    /// The numbers in use.
    pub(super) fn numbers(&self) -> Numbers {
        self.members.iter().map(|member| member.number).collect()
    }
}
