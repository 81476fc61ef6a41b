//! Who gets a message: the subscriptions and invitations of other modules, and what
//! follows from them for a message of this one (735.1-B-1 3.1.9, 3.1.13, 4.3.1, 4.3.2,
//! 4.3.7).
//!
//! It needs no machine: whoever knows the modules of a message space and their
//! rules can ask it. [`Module`](super::module::Module) does.
//!
//! | what | clause | type |
//! |---|---|---|
//! | a rule: subject, domain, delivery vector, priority, flow label | 5.1.5.10, 5.1.5.11 | [`Rule`] |
//! | the rules of all, in slots that are lent | | [`Rules`] |
//! | whether a rule asks for messages of a module | 1.3.4.3, 4.3.1.2 | [`applies`] |
//! | to whom a message goes | 4.3.2, 4.3.7 | [`Space::addressees`] |
//! | with which priority and flow label | 4.3.1.1 | [`Label`] |
//!
//! Where several rules of a module match a message, one for the subject wins over
//! one for all subjects, and then the one whose domain is greatest in the order
//! continuum, unit, role: a named one wins over "all".
//!
//! ```
//! use farpost::ams::ids::{
//!     ContinuumNumber, Domain, ModuleId, ModuleNumber, Priority, RoleNumber, SubjectNumber,
//!     UnitNumber,
//! };
//! use farpost::ams::mib::Mib;
//! use farpost::ams::pdu::AssertionValues;
//! use farpost::ams::routing::{Rule, RuleKind, Rules, Space, applies};
//! use farpost::storage::{Slot, Table};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mib = Mib::new(ContinuumNumber::from_bits(2), "field");
//! let logger = ModuleId { role: RoleNumber(3), unit: UnitNumber::ROOT, module: ModuleNumber(2) };
//! let mut slots = [const { Slot::EMPTY }; 8];
//! let mut members = Table::new(&mut slots);
//! members.insert(logger)?;
//!
//! let mut slots = [const { Slot::EMPTY }; 32];
//! let mut rules = Rules::new(&mut slots);
//! let readings = AssertionValues {
//!     subject: SubjectNumber(1),
//!     domain: Domain::ALL,
//!     delivery_vector: 1,
//!     priority: Priority::HIGHEST,
//!     flow_label: 7,
//! };
//! // We are in the root unit, in role 2.
//! let us = (UnitNumber::ROOT, RoleNumber(2));
//! let ours = applies((&mib, None), us, logger.role, &readings.cancellation());
//! rules.insert(Rule::new(RuleKind::Subscription, 0, &readings, ours))?;
//!
//! let space = Space { mib: &mib, venture: None, members: &members };
//! let places = rules.places(RuleKind::Subscription, readings.subject);
//! let mut to = space.addressees(&rules, readings.subject, (places, None));
//! let (member, rule) = to.next().ok_or("nobody")?;
//! assert_eq!((member, rule.label().priority), (&logger, Priority::HIGHEST));
//! # Ok(())
//! # }
//! ```

mod audience;
mod rule;
mod rules;
#[cfg(test)]
mod tests;

pub use audience::{Member, Space, applies, domain_includes};
pub(super) use rule::Standing;
pub use rule::{Label, Rule, RuleKey, RuleKind};
pub use rules::{Places, Rules};

use super::ids::{ModuleId, ModuleKey};
use crate::storage::Row;

impl Row for ModuleId {
    type Key = ModuleKey;

    fn key(&self) -> ModuleKey {
        Self::key(*self)
    }
}

impl Member for ModuleId {
    fn id(&self) -> ModuleId {
        *self
    }
}
