//! Whatever happens to a module, it stays in order.

use std::collections::BTreeSet;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::harness::*;
use crate::ams::ids::{ContextNumber, ModuleId, ModuleKey, SubjectNumber};
use crate::ams::module::{Membership, RuleRequest};
use crate::ams::pdu::{AssertionValues, MessageType, RefusalReason};
use crate::ams::service::Message;
use crate::transport::SendError;

/// What is kept apart from counters: it must not change.
fn state(bench: &Bench) -> impl PartialEq + core::fmt::Debug + use<> {
    (
        bench.module.membership(),
        bench.peers(),
        bench.rules(),
        bench.module.own_rules().count(),
        bench.module.next_deadline(),
    )
}

fn busy_bench() -> Bench {
    let mut bench = Bench::acquainted();
    bench.hear(&subscribe(FIVE, assertion(1)));
    bench.hear(&invite(FIVE, assertion(2)));
    bench.forget();
    bench
}

/// What can happen to a module.
#[derive(Clone, Debug)]
enum Event {
    Register,
    Unregister,
    Wait(u64),
    Transport(Option<SendError>),
    Own(u8, AssertionValues),
    Mpdu(Vec<u8>),
    /// An answer to the last question asked: 0 to 4 say which.
    Answer(u8, u8),
    Publish(i16),
    Send(u8, i16),
    Query(u32, u8),
    Message(Vec<u8>),
}

fn rule() -> impl Strategy<Value = AssertionValues> {
    (-8_i16..4, prop_oneof![Just(0), Just(6), Just(7)], 0_u16..4, 0_u8..4, 0_u8..4).prop_map(
        |(subject, continuum, unit, role, vector)| AssertionValues {
            domain: domain(continuum, unit, role),
            delivery_vector: vector,
            ..assertion(subject)
        },
    )
}

fn module() -> impl Strategy<Value = ModuleId> {
    (1_u8..4, 0_u16..3, 1_u8..10).prop_map(|(role, unit, number)| id(role, unit, number))
}

fn status() -> impl Strategy<Value = Status> {
    let rules = || proptest::collection::vec(rule(), 0..4);
    (module(), name(), rules(), rules()).prop_map(|(id, name, subscriptions, invitations)| Status {
        id,
        contact: contact(name),
        subscriptions,
        invitations,
    })
}

fn name() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just("?")]
}

fn news() -> impl Strategy<Value = Vec<u8>> {
    let statuses = || proptest::collection::vec(status(), 1..4);
    prop_oneof![
        (module(), name()).prop_map(|(id, name)| starting(id, &contact(name))),
        (module(), name()).prop_map(|(id, name)| has_started(id, &contact(name))),
        statuses().prop_map(|statuses| here(&statuses)),
        statuses().prop_map(|statuses| module_status(&statuses)),
        module().prop_map(stopping),
        (module(), rule()).prop_map(|(id, rule)| subscribe(id, rule)),
        (module(), rule()).prop_map(|(id, rule)| invite(id, rule)),
        (module(), rule()).prop_map(|(id, rule)| unsubscribe(id, rule.cancellation())),
        (module(), rule()).prop_map(|(id, rule)| disinvite(id, rule.cancellation())),
        (0_u16..3, proptest::collection::vec(1_u8..10, 0..9))
            .prop_map(|(unit, numbers)| cell_status(unit, &numbers)),
        Just(heartbeat()),
        Just(you_are_dead()),
    ]
}

fn letter() -> impl Strategy<Value = Vec<u8>> {
    (0_u8..3, 1_u8..10, 1_u32..4, -8_i16..4).prop_map(|(kind, number, context, subject)| {
        let kinds = [MessageType::Unary, MessageType::Query, MessageType::Reply];
        let letter = Letter {
            message_type: kinds[usize::from(kind)],
            source: id(3, 1, number).key(),
            context,
            ..Letter::new(subject, b"x")
        };
        letter.octets()
    })
}

fn event() -> impl Strategy<Value = Event> {
    let trouble = prop_oneof![
        3 => Just(None),
        1 => Just(Some(SendError::Busy)),
        1 => Just(Some(SendError::Unreachable)),
    ];
    prop_oneof![
        1 => Just(Event::Register),
        1 => Just(Event::Unregister),
        4 => (0_u64..30_000).prop_map(Event::Wait),
        2 => trouble.prop_map(Event::Transport),
        3 => (0_u8..4, rule()).prop_map(|(what, rule)| Event::Own(what, rule)),
        8 => news().prop_map(Event::Mpdu),
        4 => (0_u8..5, 1_u8..10).prop_map(|(what, number)| Event::Answer(what, number)),
        1 => (-8_i16..4).prop_map(Event::Publish),
        1 => (1_u8..10, 0_i16..4).prop_map(|(to, subject)| Event::Send(to, subject)),
        1 => (0_u32..4, 0_u8..3).prop_map(|(context, term)| Event::Query(context, term)),
        2 => letter().prop_map(Event::Message),
    ]
}

impl Bench {
    fn undergo(&mut self, event: &Event) {
        match event {
            Event::Register => {
                let _ = self.register();
            }
            Event::Unregister => {
                let _ = self.module.unregister(self.now, &mut self.wire);
            }
            Event::Wait(millis) => {
                self.run(self.now.monotonic.as_micros() / 1_000 + millis);
            }
            Event::Transport(trouble) => self.wire.refuses = *trouble,
            Event::Own(what, rule) => self.assert_or_cancel(*what, rule),
            Event::Mpdu(octets) => self.hear(octets),
            Event::Answer(what, number) => self.answer(*what, *number),
            Event::Publish(subject) => {
                let message = Message::new(SubjectNumber(*subject), b"x");
                let _ = self.module.publish(&message, &mut self.wire, &mut |_| {});
            }
            Event::Send(to, subject) => {
                let message = Message::new(SubjectNumber(*subject), b"x");
                let to: ModuleKey = id(3, 1, *to).key();
                let _ = self.module.send((CONTINUUM, to), &message, &mut self.wire);
            }
            Event::Query(context, term) => {
                let context = ContextNumber(*context);
                let message = Message { context, ..Message::new(SubjectNumber(1), b"x") };
                let term = Some(core::time::Duration::from_secs(u64::from(*term)));
                let to = (CONTINUUM, FIVE.key());
                let _ = self.module.query(self.now, to, &message, term, &mut self.wire);
            }
            Event::Message(octets) => {
                let _ = self.module.receive_aams(octets);
            }
        }
    }

    fn assert_or_cancel(&mut self, what: u8, rule: &AssertionValues) {
        let AssertionValues { subject, domain, .. } = *rule;
        let request = RuleRequest { domain, ..RuleRequest::new(subject) };
        let (now, wire) = (self.now, &mut self.wire);
        let _ = match what {
            0 => self.module.subscribe(now, &request, wire),
            1 => self.module.unsubscribe(now, subject, domain, wire),
            2 => self.module.invite(now, &request, wire),
            _ => self.module.disinvite(now, subject, domain, wire),
        };
    }

    /// Answers the last MPDU that was sent, as if it were a question.
    fn answer(&mut self, what: u8, number: u8) {
        let Some(last) = self.wire.sent.last() else { return };
        let Some(echo) = last.octets.get(8..12) else { return };
        let echo = u32::from_be_bytes(echo.try_into().unwrap());
        let octets = match what {
            0 => cell_spec(echo, 1, "reg"),
            1 => registrar_unknown(echo),
            2 => you_are_in(echo, number),
            3 => reconnected(echo),
            _ => rejection(echo, RefusalReason::CENSUS_IN_PROGRESS),
        };
        self.hear(&octets);
    }

    fn assert_in_order(&self) {
        let peers: Vec<_> = self.module.peers().map(|peer| peer.id().key()).collect();
        assert!(peers.len() <= 4);
        let known: BTreeSet<_> = peers.iter().copied().collect();
        assert_eq!(known.len(), peers.len());
        let rules: Vec<_> = self.module.rules().collect();
        assert!(rules.len() <= 8);
        for (position, rule) in rules.iter().enumerate() {
            assert!(known.contains(&rule.0), "a rule of a module that is not known: {rule:?}");
            assert!(!rules[..position].contains(rule), "noted twice: {rule:?}");
        }
        let own: Vec<_> = self
            .module
            .own_rules()
            .map(|own| (own.kind(), own.assertion().cancellation()))
            .collect();
        assert!(own.len() <= 4);
        for (position, rule) in own.iter().enumerate() {
            assert!(!own[..position].contains(rule), "asserted twice: {rule:?}");
        }
        if let Some(me) = self.module.id() {
            assert!(!known.contains(&me.key()), "it knows itself");
        }
        match self.module.membership() {
            Membership::Outside | Membership::Dead => {
                assert!(peers.is_empty() && own.is_empty());
                assert_eq!(self.module.next_deadline(), None);
            }
            Membership::Joining | Membership::Member(_) => {
                assert!(self.module.next_deadline().is_some(), "it would sleep for ever");
            }
        }
    }
}

proptest! {
    #[test]
    fn any_octets_change_nothing_but_counters(octets in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut bench = busy_bench();
        let before = state(&bench);
        bench.hear(&octets);
        prop_assert!(bench.module.receive_aams(&octets).is_err());
        prop_assert_eq!(state(&bench), before);
        prop_assert!(bench.wire.sent.is_empty() && bench.heard.is_empty());
        prop_assert_eq!(bench.module.meta_stats().malformed, 1);
        prop_assert_eq!(bench.module.message_stats().malformed, 1);
    }

    #[test]
    fn a_damaged_mpdu_changes_nothing_but_counters(octets in news(), at in any::<prop::sample::Index>(),
                                                  bit in 0_u8..8)
    {
        let mut octets = octets;
        let at = at.index(octets.len());
        octets[at] ^= 1 << bit;
        // Without its flag the checksum is not looked for, and is left over.
        let mut bench = busy_bench();
        let before = state(&bench);
        bench.hear(&octets);
        prop_assert_eq!(state(&bench), before);
        prop_assert_eq!(bench.module.meta_stats().malformed, 1);
    }

    #[test]
    fn whatever_happens_it_stays_in_order(events in proptest::collection::vec(event(), 0..60)) {
        let mut bench = Bench::new();
        for event in &events {
            bench.undergo(event);
            bench.assert_in_order();
            bench.tick(bench.now.monotonic.as_micros().div_ceil(1_000));
            let settled = (bench.module.next_deadline(), *bench.module.meta_stats());
            bench.tick(bench.now.monotonic.as_micros() / 1_000);
            prop_assert_eq!((bench.module.next_deadline(), *bench.module.meta_stats()), settled);
            bench.assert_in_order();
            bench.heard.clear();
        }
    }
}
