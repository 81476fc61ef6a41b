//! Who gets a message: the index of rules against the plainest reading of 4.3.2,
//! 4.3.4 and 4.3.7.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;

use super::harness::*;
use crate::ams::ids::{Domain, ModuleId, ModuleKey, Priority, RoleNumber, SubjectNumber};
use crate::ams::module::{Module, ModuleMemory, Rule, RuleKind};
use crate::ams::pdu::{Aams, AssertionValues, CancellationValues};
use crate::ams::service::{Fault, Message};
use crate::storage::Slot;

#[test]
fn a_rule_takes_no_more_than_16_octets() {
    assert_eq!(size_of::<Slot<Rule>>(), 14);
}

/// What happens to a module and to the model of it.
#[derive(Clone, Debug)]
enum Event {
    Starts(ModuleId),
    Stops(ModuleId),
    Asserts(ModuleId, RuleKind, AssertionValues),
    Cancels(ModuleId, RuleKind, CancellationValues),
    Declares(Status),
    Rejudged,
    Publishes(i16),
    Announces(i16, Domain),
    Sends(ModuleId, i16),
}

/// Three numbers in each of three units, and a role that follows from the number.
fn module() -> impl Strategy<Value = ModuleId> {
    (0_u16..3, 1_u8..4).prop_map(|(unit, number)| id(2 + number % 3, unit, number))
}

fn subject() -> impl Strategy<Value = i16> {
    prop_oneof![3 => Just(1), 2 => Just(2), 2 => Just(21), 1 => Just(9)]
}

fn some_domain() -> impl Strategy<Value = Domain> {
    (prop_oneof![Just(0), Just(6), Just(7)], 0_u16..4, prop_oneof![2 => Just(0), 1 => 1_u8..5])
        .prop_map(|(continuum, unit, role)| domain(continuum, unit, role))
}

fn rule() -> impl Strategy<Value = AssertionValues> {
    let subject = prop_oneof![3 => subject(), 1 => Just(0)];
    (subject, some_domain(), 1_u8..4, 1_u8..16, any::<u8>()).prop_map(
        |(subject, domain, vector, priority, flow_label)| AssertionValues {
            subject: SubjectNumber(subject),
            domain,
            delivery_vector: vector,
            priority: Priority::new(priority).unwrap(),
            flow_label,
        },
    )
}

fn kind() -> impl Strategy<Value = RuleKind> {
    prop_oneof![Just(RuleKind::Subscription), Just(RuleKind::Invitation)]
}

fn event() -> impl Strategy<Value = Event> {
    let rules = || proptest::collection::vec(rule(), 0..4);
    let status = (module(), rules(), rules()).prop_map(|(id, subscriptions, invitations)| Status {
        id,
        contact: contact(&endpoint(id)),
        subscriptions,
        invitations,
    });
    prop_oneof![
        3 => module().prop_map(Event::Starts),
        1 => module().prop_map(Event::Stops),
        9 => (module(), kind(), rule()).prop_map(|(id, kind, rule)| Event::Asserts(id, kind, rule)),
        2 => (module(), kind(), rule())
            .prop_map(|(id, kind, rule)| Event::Cancels(id, kind, rule.cancellation())),
        1 => status.prop_map(Event::Declares),
        1 => Just(Event::Rejudged),
        4 => subject().prop_map(Event::Publishes),
        2 => (subject(), some_domain()).prop_map(|(subject, to)| Event::Announces(subject, to)),
        2 => (module(), subject()).prop_map(|(to, subject)| Event::Sends(to, subject)),
    ]
}

fn endpoint(id: ModuleId) -> String {
    std::format!("{}-{}-", id.unit, id.module)
}

/// Who is known, and the rules of each: a list to be read from end to end.
#[derive(Default)]
struct Model {
    peers: BTreeMap<ModuleKey, RoleNumber>,
    rules: Vec<(ModuleKey, RuleKind, AssertionValues)>,
}

/// A copy: where it goes, its priority and its flow label.
type Copy = (String, u8, u8);

impl Model {
    fn undergo(&mut self, event: &Event) {
        match event {
            Event::Starts(id) => {
                self.peers.insert(id.key(), id.role);
            }
            Event::Stops(id) => {
                self.peers.remove(&id.key());
                self.rules.retain(|(key, ..)| *key != id.key());
            }
            Event::Asserts(id, kind, rule) => self.assert(id.key(), *kind, rule),
            Event::Cancels(id, kind, what) => self.cancel(id.key(), *kind, *what),
            Event::Declares(status) => {
                let Status { id, subscriptions, invitations, .. } = status;
                self.peers.insert(id.key(), id.role);
                self.rules.retain(|(key, ..)| *key != id.key());
                for rule in subscriptions {
                    self.assert(id.key(), RuleKind::Subscription, rule);
                }
                for rule in invitations {
                    self.assert(id.key(), RuleKind::Invitation, rule);
                }
            }
            _ => {}
        }
    }

    fn assert(&mut self, key: ModuleKey, kind: RuleKind, rule: &AssertionValues) {
        if self.peers.contains_key(&key) {
            self.cancel(key, kind, rule.cancellation());
            self.rules.push((key, kind, *rule));
        }
    }

    fn cancel(&mut self, key: ModuleKey, kind: RuleKind, what: CancellationValues) {
        self.rules.retain(|rule| (rule.0, rule.1, rule.2.cancellation()) != (key, kind, what));
    }

    /// The rule by which messages of the module under test, 2/1.9, go to `to`.
    fn winning(&self, to: ModuleKey, kind: RuleKind, subject: i16) -> Option<AssertionValues> {
        let ours = |at: Domain| {
            // Unit 2 and unit 3 are not around unit 1.
            [0, 7].contains(&at.continuum.get())
                && [0, 1].contains(&at.unit.0)
                && [0, 2].contains(&at.role.0)
        };
        let asked = |rule: &AssertionValues| rule.subject.0 == 0 || rule.subject.0 == subject;
        self.rules
            .iter()
            .filter(|(key, of, rule)| (*key, *of) == (to, kind) && asked(rule) && ours(rule.domain))
            .map(|(_, _, rule)| *rule)
            .max_by_key(|rule| (rule.subject.0 != 0, rule.domain))
    }

    fn may_receive(role: RoleNumber, subject: i16) -> bool {
        subject != 21 || role.0 == 3
    }

    fn copies(&self, kind: RuleKind, subject: i16, to: Option<Domain>) -> Vec<Copy> {
        // Unit 2 is in unit 1, and units 0 to 2 have modules.
        let within = |to: Domain, key: &ModuleKey, role: RoleNumber| {
            [0, 7].contains(&to.continuum.get())
                && (to.unit == key.unit || to.unit.0 == 0 || (to.unit.0, key.unit.0) == (1, 2))
                && (to.role.0 == 0 || to.role == role)
        };
        self.peers
            .iter()
            .filter(|(key, role)| to.is_none_or(|to| within(to, key, **role)))
            .filter(|(_, role)| Self::may_receive(**role, subject))
            .filter_map(|(key, role)| {
                let rule = self.winning(*key, kind, subject)?;
                copy(ModuleId { role: *role, unit: key.unit, module: key.module }, &rule)
            })
            .collect()
    }
}

/// The copy by this rule, unless it asks for a delivery vector there is not.
fn copy(to: ModuleId, rule: &AssertionValues) -> Option<Copy> {
    let point = match rule.delivery_vector {
        1 => std::format!("{}1", endpoint(to)),
        2 => std::format!("tcp:{}2", endpoint(to)),
        _ => return None,
    };
    Some((point, rule.priority.get(), rule.flow_label))
}

impl Bench {
    /// A member with room for the whole model.
    fn roomy() -> Self {
        let memory = Box::leak(Box::new(ModuleMemory::<9, 300, 4, 2, 300, 120>::new()));
        let module = Module::new(&MIB, identity(), memory.storage());
        let mut bench = Self { module, ..Self::new() };
        bench.register().unwrap();
        bench.hear_from("cs1", &cell_spec(100, 1, "reg"));
        bench.hear(&you_are_in(101, 9));
        bench.forget();
        bench
    }

    fn live(&mut self, event: &Event) -> Result<(), Fault> {
        let (wire, ignore) = (&mut self.wire, &mut |_| {});
        match event {
            Event::Starts(id) => self.hear(&has_started(*id, &contact(&endpoint(*id)))),
            Event::Stops(id) => self.hear(&stopping(*id)),
            Event::Asserts(id, RuleKind::Subscription, rule) => self.hear(&subscribe(*id, *rule)),
            Event::Asserts(id, RuleKind::Invitation, rule) => self.hear(&invite(*id, *rule)),
            Event::Cancels(id, RuleKind::Subscription, what) => self.hear(&unsubscribe(*id, *what)),
            Event::Cancels(id, RuleKind::Invitation, what) => self.hear(&disinvite(*id, *what)),
            Event::Declares(status) => self.hear(&module_status(core::slice::from_ref(status))),
            Event::Rejudged => self.module.rejudge_rules(),
            Event::Publishes(subject) => {
                let message = Message::new(SubjectNumber(*subject), b"data");
                self.module.publish(&message, wire, ignore)?;
            }
            Event::Announces(subject, to) => {
                let message = Message::new(SubjectNumber(*subject), b"data");
                self.module.announce(*to, &message, wire, ignore)?;
            }
            Event::Sends(to, subject) => {
                let message = Message::new(SubjectNumber(*subject), b"data");
                self.module.send((CONTINUUM, to.key()), &message, wire)?;
            }
        }
        Ok(())
    }

    fn sent_copies(&mut self) -> Vec<Copy> {
        core::mem::take(&mut self.wire.sent)
            .into_iter()
            .map(|copy| {
                let message = Aams::parse(&copy.octets).unwrap();
                assert_eq!(message.flow_label(), copy.flow_label);
                assert_eq!(message.data(), b"data");
                (copy.to, message.priority().unwrap().get(), copy.flow_label)
            })
            .collect()
    }
}

proptest! {
    #[test]
    fn messages_go_to_whom_the_plainest_reading_says(
        events in proptest::collection::vec(event(), 0..120),
    ) {
        let mut bench = Bench::roomy();
        let mut model = Model::default();
        for event in &events {
            bench.wire.sent.clear();
            let outcome = bench.live(event);
            model.undergo(event);
            let mut known: Vec<_> =
                model.rules.iter().map(|(key, kind, rule)| (*key, *kind, rule.cancellation())).collect();
            let mut noted: Vec<_> = bench.module.rules().collect();
            let order = |(key, kind, what): &(ModuleKey, RuleKind, CancellationValues)|
                (*key, *kind, what.subject, what.domain);
            known.sort_by_key(order);
            noted.sort_by_key(order);
            prop_assert_eq!(noted, known);
            match event {
                Event::Publishes(subject) => {
                    let copies = model.copies(RuleKind::Subscription, *subject, None);
                    prop_assert_eq!((bench.sent_copies(), outcome), (copies, Ok(())));
                }
                Event::Announces(subject, to) if to.continuum.get() != 6 => {
                    let copies = model.copies(RuleKind::Invitation, *subject, Some(*to));
                    prop_assert_eq!((bench.sent_copies(), outcome), (copies, Ok(())));
                }
                Event::Announces(..) => prop_assert_eq!(outcome, Err(Fault::RemoteContinuum)),
                Event::Sends(to, subject) => {
                    let rule = model.winning(to.key(), RuleKind::Invitation, *subject);
                    let (expected, copies) = match (model.peers.get(&to.key()), rule) {
                        (None, _) => (Err(Fault::UnknownDestination), None),
                        (Some(role), _) if !Model::may_receive(*role, *subject) =>
                            (Err(Fault::DestinationNotAuthorised), None),
                        (Some(_), None) => (Err(Fault::NotInvited), None),
                        (Some(_), Some(rule)) => match copy(*to, &rule) {
                            Some(copy) => (Ok(()), Some(copy)),
                            None => (Err(Fault::NoDeliveryPoint(to.key())), None),
                        },
                    };
                    prop_assert_eq!(outcome, expected);
                    prop_assert_eq!(bench.sent_copies(), Vec::from_iter(copies));
                }
                _ => prop_assert_eq!(outcome, Ok(())),
            }
        }
    }
}
