//! To whom a message goes, of those who have rules.

use super::rule::Rule;
use super::rules::{Places, Rules};
use crate::ams::ids::{ContinuumNumber, Domain, ModuleId, RoleNumber, SubjectNumber, UnitNumber};
use crate::ams::mib::{Mib, Venture};
use crate::ams::pdu::CancellationValues;
use crate::storage::{Row, Table};

/// A module that rules can be of.
pub trait Member: Row {
    /// Who it is.
    fn id(&self) -> ModuleId;
}

/// What it takes to know the modules that rules are of: the MIB, the venture in
/// it, if it has it, and the modules, at the places that rules name.
#[derive(Debug)]
pub struct Space<'t, 's, M: Row> {
    /// What all modules of the continuum know before they start.
    pub mib: &'t Mib<'s>,
    /// The venture.
    pub venture: Option<&'t Venture<'s>>,
    /// The other modules.
    pub members: &'t Table<'s, M>,
}

impl<'t, 's, M: Member> Space<'t, 's, M> {
    /// Every module a message on `subject` goes to, once and in the order of the
    /// members, and the rule it goes by: [`Rule::label`] says with which priority
    /// and flow label, [`Rule::delivery_vector`] whereto.
    ///
    /// `places` are those of subscriptions for what is published, of invitations
    /// for what is announced, and then in `domain` (4.3.2, 4.3.7).
    pub fn addressees(
        self,
        rules: &'t Rules<'_>,
        subject: SubjectNumber,
        (places, domain): (Places, Option<Domain>),
    ) -> impl Iterator<Item = (&'t M, &'t Rule)> + use<'t, 's, M> {
        let members = self.members.rows();
        rules.receivers(places).filter_map(move |rule| {
            let member = members.get(usize::from(rule.peer))?.row()?;
            let ModuleId { role, unit, .. } = member.id();
            // A rule for all subjects was not judged by this one.
            if rule.subject == SubjectNumber::ALL
                && !self.venture.is_none_or(|venture| venture.may_receive(role, subject))
            {
                return None;
            }
            if let Some(domain) = &domain
                && !domain_includes(self.venture, self.mib, domain, (unit, Some(role)))
            {
                return None;
            }
            Some((member, rule))
        })
    }
}

/// Whether a rule asks for messages of the module in unit and role `us`: its domain
/// includes that module (1.3.4.3), and modules in `role`, which is that of the
/// module it is a rule of, may receive on its subject (4.3.1.2).
#[must_use]
pub fn applies(
    (mib, venture): (&Mib<'_>, Option<&Venture<'_>>),
    us: (UnitNumber, RoleNumber),
    role: RoleNumber,
    rule: &CancellationValues,
) -> bool {
    domain_includes(venture, mib, &rule.domain, (us.0, Some(us.1)))
        && venture.is_none_or(|venture| venture.may_receive(role, rule.subject))
}

/// Whether a module of the local continuum, in this unit and role, is in
/// `domain`. A role that is not known is given credit.
#[must_use]
pub fn domain_includes(
    venture: Option<&Venture<'_>>,
    mib: &Mib<'_>,
    domain: &Domain,
    (unit, role): (UnitNumber, Option<RoleNumber>),
) -> bool {
    (domain.continuum == ContinuumNumber::ALL || domain.continuum == mib.continuum.number)
        && venture.map_or(domain.unit == unit || domain.unit == UnitNumber::ROOT, |venture| {
            venture.contains(domain.unit, unit)
        })
        && (domain.role == RoleNumber::ALL || role.is_none_or(|role| role == domain.role))
}
