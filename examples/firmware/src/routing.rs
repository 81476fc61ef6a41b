//! The routing of messages: rules noted, forgotten and judged, and whom a message
//! goes to.

use core::hint::black_box;

use farpost::ams::ids::{Domain, ModuleId, RoleNumber, SubjectNumber, UnitNumber};
use farpost::ams::mib::{Mib, Venture};
use farpost::ams::pdu::AssertionValues;
use farpost::ams::routing::{Rule, RuleKey, RuleKind, Rules, Space, applies};
use farpost::storage::Table;

/// What the routing of a message depends on besides the rules.
pub struct Field {
    pub mib: Mib<'static>,
    pub venture: Venture<'static>,
    pub us: (UnitNumber, RoleNumber),
    pub members: Table<'static, ModuleId>,
    pub rules: Rules<'static>,
}

/// Notes a rule, forgets another, and asks for the addressees of a publication or of
/// an announcement, and for the label of each copy.
pub fn all(
    field: &mut Field,
    (kind, peer, asserted): (RuleKind, u16, &AssertionValues),
    message: (SubjectNumber, Option<Domain>),
) {
    let Field { mib, venture, us, members, rules } = field;
    let Some(member) = members.at(usize::from(peer)) else { return };
    let ours = applies((mib, Some(venture)), *us, member.role, &asserted.cancellation());
    black_box(rules.insert(Rule::new(kind, peer, asserted, ours)).is_ok());
    let key = RuleKey { subject: asserted.subject, kind, peer, domain: asserted.domain };
    black_box(rules.remove(key).is_some());
    let (subject, domain) = message;
    let space = Space { mib, venture: Some(venture), members };
    let places = rules.places(kind, subject);
    space.addressees(rules, subject, (places, domain)).for_each(|(member, rule)| {
        black_box((member, rule.delivery_vector(), rule.label()));
    });
}
