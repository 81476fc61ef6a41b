//! Who gets a message, without a machine.

use std::vec::Vec;

use super::*;
use crate::ams::ids::VentureNumber;
use crate::ams::ids::{
    ContinuumNumber, Domain, ModuleNumber, Priority, RoleNumber, SubjectNumber, UnitNumber,
};
use crate::ams::mib::{Mib, Role, Subject, Unit, Venture};
use crate::ams::pdu::AssertionValues;
use crate::ams::service::Message;
use crate::storage::{Full, Slot, Table};
use proptest::prelude::*;

const UNITS: &[Unit<'static>] = &[
    Unit::new(UnitNumber(1), "a"),
    Unit::new(UnitNumber(2), "a.b"),
    Unit::new(UnitNumber(3), "c"),
];

const VENTURE: Venture<'static> = Venture {
    roles: &[Role::new(RoleNumber(2), "two"), Role::new(RoleNumber(3), "three")],
    subjects: &[
        Subject::new(SubjectNumber(1), "one"),
        Subject { receivers: &[RoleNumber(3)], ..Subject::new(SubjectNumber(2), "two") },
    ],
    units: UNITS,
    ..Venture::new(VentureNumber(1), "it", "me")
};

fn mib() -> Mib<'static> {
    Mib::new(ContinuumNumber::from_bits(7), "field")
}

fn member(unit: u16, module: u8) -> ModuleId {
    let role = RoleNumber(2 + module % 2);
    ModuleId { role, unit: UnitNumber(unit), module: ModuleNumber(module) }
}

fn domain(continuum: u16, unit: u16, role: u8) -> Domain {
    Domain {
        continuum: ContinuumNumber::from_bits(continuum),
        unit: UnitNumber(unit),
        role: RoleNumber(role),
    }
}

fn asks(subject: i16, domain: Domain, flow_label: u8) -> AssertionValues {
    let subject = SubjectNumber(subject);
    AssertionValues { subject, domain, delivery_vector: 1, priority: Priority::DEFAULT, flow_label }
}

/// The module that sends is in unit 2 and role 2.
const US: (UnitNumber, RoleNumber) = (UnitNumber(2), RoleNumber(2));

/// Modules, and what each of them asks for, in the order they said so.
struct World {
    members: Vec<ModuleId>,
    rules: Vec<(u16, RuleKind, AssertionValues)>,
}

impl World {
    /// The plainest reading: for each member the best of its rules that match.
    fn expected(
        &self,
        kind: RuleKind,
        subject: i16,
        domain: Option<Domain>,
    ) -> Vec<(ModuleId, u8)> {
        let (mib, venture) = (mib(), VENTURE);
        let of = |place: usize, id: &ModuleId| {
            let role = Some(id.role);
            if domain.is_some_and(|d| !domain_includes(Some(&venture), &mib, &d, (id.unit, role))) {
                return None;
            }
            if !venture.may_receive(id.role, SubjectNumber(subject)) {
                return None;
            }
            let mut latest = Vec::<&AssertionValues>::new();
            for (peer, of, rule) in &self.rules {
                if usize::from(*peer) == place && *of == kind {
                    latest.retain(|old| old.cancellation() != rule.cancellation());
                    latest.push(rule);
                }
            }
            let matches = latest.into_iter().filter(|rule| {
                let named = rule.subject.0 == subject || rule.subject == SubjectNumber::ALL;
                named && domain_includes(Some(&venture), &mib, &rule.domain, (US.0, Some(US.1)))
            });
            let best =
                matches.max_by_key(|rule| (rule.subject != SubjectNumber::ALL, rule.domain))?;
            Some((*id, best.flow_label))
        };
        self.members.iter().enumerate().filter_map(|(place, id)| of(place, id)).collect()
    }
}

fn rule() -> impl Strategy<Value = (u16, RuleKind, AssertionValues)> {
    let kind = prop_oneof![Just(RuleKind::Subscription), Just(RuleKind::Invitation)];
    let domain = (prop_oneof![Just(0_u16), Just(7), Just(8)], 0_u16..4, 0_u8..4)
        .prop_map(|(continuum, unit, role)| domain(continuum, unit, role));
    (0_u16..6, kind, (-1_i16..3), domain, any::<u8>())
        .prop_map(|(peer, kind, subject, domain, flow)| (peer, kind, asks(subject, domain, flow)))
}

proptest! {
    #[test]
    fn addressees_are_those_of_the_plainest_reading(
        rules in prop::collection::vec(rule(), 0..24),
        gone in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        subject in 1_i16..3, to in prop::option::of((0_u16..4, 0_u8..4)), announced in any::<bool>())
    {
        let (mib, venture) = (mib(), VENTURE);
        let mut slots = [const { Slot::EMPTY }; 6];
        let mut members = Table::new(&mut slots);
        for (unit, module) in [(0, 1), (1, 2), (1, 3), (2, 1), (2, 4), (3, 5)] {
            members.insert(member(unit, module)).unwrap();
        }
        let mut slots = [const { Slot::EMPTY }; 24];
        let mut table = Rules::new(&mut slots);
        let mut world = World { members: members.iter().copied().collect(), rules };
        for (peer, kind, asserted) in &world.rules {
            let role = world.members[usize::from(*peer)].role;
            let ours = applies((&mib, Some(&venture)), US, role, &asserted.cancellation());
            table.insert(Rule::new(*kind, *peer, asserted, ours)).unwrap();
        }
        for index in gone {
            if world.rules.is_empty() {
                break;
            }
            let (peer, kind, rule) = world.rules[index.index(world.rules.len())];
            let key = RuleKey { subject: rule.subject, kind, peer, domain: rule.domain };
            prop_assert!(table.remove(key).is_some());
            prop_assert!(table.remove(key).is_none());
            let same = |other: &(u16, RuleKind, AssertionValues)| {
                (other.0, other.1, other.2.cancellation()) == (peer, kind, rule.cancellation())
            };
            world.rules.retain(|other| !same(other));
        }
        let kind = if announced { RuleKind::Invitation } else { RuleKind::Subscription };
        let to = to.map(|(unit, role)| domain(7, unit, role));
        let number = SubjectNumber(subject);
        let space = Space { mib: &mib, venture: Some(&venture), members: &members };
        let places = table.places(kind, number);
        let found: Vec<_> = space.addressees(&table, number, (places, to))
            .map(|(id, rule)| (*id, rule.label().flow_label)).collect();
        prop_assert_eq!(found, world.expected(kind, subject, to));
    }

    #[test]
    fn keys_are_in_the_order_of_their_parts(a in rule(), b in rule()) {
        let key = |(peer, kind, rule): &(u16, RuleKind, AssertionValues)| {
            RuleKey { subject: rule.subject, kind: *kind, peer: *peer, domain: rule.domain }
        };
        let parts = |key: RuleKey| (key.kind, key.subject, key.peer, key.domain);
        let (a, b) = (key(&a), key(&b));
        prop_assert_eq!(a.cmp(&b), parts(a).cmp(&parts(b)));
    }
}

#[test]
fn a_full_table_gives_the_rule_back_and_keeps_what_it_has() {
    let mut slots = [const { Slot::EMPTY }; 1];
    let mut rules = Rules::new(&mut slots);
    let of = |peer| Rule::new(RuleKind::Subscription, peer, &asks(1, Domain::ALL, 9), true);
    assert_eq!(rules.insert(of(0)).ok(), Some(true));
    assert_eq!(rules.insert(of(0)).ok(), Some(false));
    assert!(matches!(rules.insert(of(1)), Err(Full(rule)) if rule.peer() == 1));
    assert_eq!(rules.iter().map(Rule::peer).collect::<Vec<_>>(), [0]);
}

#[test]
fn clause_4_3_1_1_a_message_overrides_what_a_rule_asks_for() {
    let rule = Rule::new(RuleKind::Subscription, 0, &asks(1, Domain::ALL, 9), true);
    let plain = Message::new(SubjectNumber(1), &[]);
    assert_eq!(Label::of(rule.label(), &plain), rule.label());
    let urgent = Message { priority: Some(Priority::HIGHEST), flow_label: Some(3), ..plain };
    let label = Label { priority: Priority::HIGHEST, flow_label: 3 };
    assert_eq!(Label::of(rule.label(), &urgent), label);
}
