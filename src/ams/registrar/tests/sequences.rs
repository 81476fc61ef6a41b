//! Sequences of anything: what holds after each step.

use super::*;
use crate::ams::pdu::MpduType;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::vec;

#[derive(Clone, Debug)]
enum Step {
    Join { name: u8, role: u8, query: u32 },
    Reconnect { name: u8, number: u8, census: Vec<u8> },
    Beat { number: u8, role: u8 },
    Assert { unit: u16, number: u8 },
    Stop { unit: u16, number: u8 },
    Status { unit: u16, number: u8 },
    Start { number: u8 },
    CellStatus { numbers: Vec<u8> },
    Noted,
    Meet { unit: u16 },
    ServerBeat,
    Wait(u64),
    Busy { name: u8, yes: bool },
    Refuse(Option<SendError>),
    Octets(Vec<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    let (name, number, role, unit) = (0_u8..6, 1_u8..8, 2_u8..5, 0_u16..3);
    prop_oneof![
        4 => (name.clone(), role.clone(), 0_u32..3)
            .prop_map(|(name, role, query)| Step::Join { name, role, query }),
        2 => (name.clone(), number.clone(), proptest::collection::vec(1_u8..8, 0..6))
            .prop_map(|(name, number, census)| Step::Reconnect { name, number, census }),
        4 => (number.clone(), role).prop_map(|(number, role)| Step::Beat { number, role }),
        3 => (unit.clone(), number.clone()).prop_map(|(unit, number)| Step::Assert { unit, number }),
        1 => (unit.clone(), number.clone()).prop_map(|(unit, number)| Step::Stop { unit, number }),
        1 => (unit.clone(), number.clone()).prop_map(|(unit, number)| Step::Status { unit, number }),
        1 => number.prop_map(|number| Step::Start { number }),
        1 => proptest::collection::vec(1_u8..8, 0..6).prop_map(|numbers| Step::CellStatus { numbers }),
        2 => Just(Step::Noted),
        1 => unit.prop_map(|unit| Step::Meet { unit }),
        3 => Just(Step::ServerBeat),
        6 => (1_u64..20_000).prop_map(Step::Wait),
        2 => (name, any::<bool>()).prop_map(|(name, yes)| Step::Busy { name, yes }),
        1 => proptest::option::of(prop_oneof![Just(SendError::Busy), Just(SendError::TooLong)])
            .prop_map(Step::Refuse),
        1 => proptest::collection::vec(any::<u8>(), 0..60).prop_map(Step::Octets),
    ]
}

/// Who would send this: a module of ours, or the registrar of another cell.
fn whose(unit: u16) -> Sender {
    sender(unit, if unit == 0 { 2 } else { 0 })
}

fn take(b: &mut Bench<'_>, now: Now, step: Step, query: &mut u32) {
    let rule = rule(7);
    match step {
        Step::Join { name, role, query } => b.join(now, &format!("m{name}"), role, query),
        Step::Reconnect { name, number, census } => {
            let octets = reconnect(id(2, 0, number), &format!("m{name}"), 9, &census);
            b.receive(now, "x", &octets);
        }
        Step::Beat { number, role } => b.beat(now, number, role),
        Step::Assert { unit, number } => {
            let assertion = Assertion::new(&rule);
            b.say(now, whose(unit), &Content::Subscribe { module: id(2, unit, number), assertion });
        }
        Step::Stop { unit, number } => {
            b.say(now, whose(unit), &Content::IAmStopping { module: id(2, unit, number) });
        }
        Step::Status { unit, number } => {
            let of = id(2, unit, number);
            let mut data = 1_u32.to_be_bytes().to_vec();
            data.extend(status(of, "x"));
            b.receive(now, "x", &raw(whose(unit), MpduType::MODULE_STATUS, of.reference(), &data));
        }
        Step::Start { number } => {
            let contact = contact("x");
            let contact = summary(&contact);
            b.say(now, whose(1), &Content::IAmStarting { module: id(3, 1, number), contact });
        }
        Step::CellStatus { numbers } => {
            let modules = ModuleList::new(&numbers).unwrap();
            b.say(now, whose(1), &Content::CellStatus { unit: UnitNumber(1), modules });
        }
        Step::Noted => {
            // The registrar's query numbers are a series; the answer is to the next guess.
            b.server_says(now, &Content::RegistrarNoted { echo: *query });
            *query += u32::from(b.registrar.state() == RegistrarState::Announcing);
        }
        Step::Meet { unit } => b.meet(now, unit, &format!("r{unit}")),
        Step::ServerBeat => {
            b.server_says(now, &Content::Heartbeat { source: ModuleNumber::NONE });
        }
        Step::Wait(_) => {}
        Step::Busy { name, yes: true } => drop(b.net.busy.insert(format!("m{name}"))),
        Step::Busy { name, yes: false } => drop(b.net.busy.remove(&format!("m{name}"))),
        Step::Refuse(how) => b.net.refuses = how,
        Step::Octets(octets) => b.receive(now, "x", &octets),
    }
}

fn check(b: &mut Bench<'_>, now: Now) {
    b.tick(now);
    b.net.take();
    assert!(b.registrar.next_deadline().unwrap() > now.monotonic);
    b.tick(now);
    assert!(b.net.take().is_empty(), "an extra tick does nothing");
    let numbers = b.numbers();
    assert!(numbers.len() <= 4);
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
    let places: BTreeSet<_> = b.registrar.members().map(Member::address).collect();
    assert_eq!(places.len(), numbers.len(), "one module an endpoint");
}

/// Runs `steps`, then lets the transport take everything: nothing is owed any more.
fn run(mib: &Mib<'_>, policy: Policy, steps: Vec<Step>) {
    bench_with(mib, policy, |mut b| {
        let (mut millis, mut query) = (0, 1);
        b.tick(at_millis(millis));
        for step in steps {
            if let Step::Wait(span) = step {
                millis += span;
            }
            take(&mut b, at_millis(millis), step, &mut query);
            check(&mut b, at_millis(millis));
        }
        b.net.refuses = None;
        b.net.busy.clear();
        // Two retries: the last may be for what the first gave rise to.
        check(&mut b, at_millis(millis + 250));
        check(&mut b, at_millis(millis + 500));
        assert!(b.registrar.circle.owed().is_empty());
        let mut members = b.registrar.circle.members.iter();
        assert!(members.all(|member| !member.answer_owed && member.briefing.is_none()));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_sequence_keeps_the_invariants(
        steps in proptest::collection::vec(step(), 0..80),
        introduction in prop_oneof![Just(Introduction::ByModules), Just(Introduction::ByRegistrar)],
        mib in prop_oneof![Just(MIB), Just(RESYNC_MIB)],
        census in 0_u64..2,
        timely in any::<bool>(),
        consistent in any::<bool>(),
        unique in any::<bool>(),
        aggregation in 0_u64..4,
    ) {
        let policy = Policy {
            census: Some(Duration::from_secs(census * 60)),
            reconnection: ReconnectionPolicy { timely, consistent, unique },
            aggregation: Duration::from_secs(aggregation),
            ..policy(introduction)
        };
        run(&mib, policy, steps);
    }

    #[test]
    fn any_octets_change_nothing_but_counters(
        datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..80), 0..8)
    ) {
        by_registrar(|mut b| {
            b.join(at(0), "a", 2, 5);
            b.tick(at(0));
            b.net.take();
            let before = format!("{:?}", (&b.registrar.circle, &b.registrar.archive));
            for octets in &datagrams {
                b.receive(at(0), "x", octets);
            }
            assert!(b.net.take().is_empty());
            assert_eq!(format!("{:?}", (&b.registrar.circle, &b.registrar.archive)), before);
        });
    }

    #[test]
    fn damaged_octets_change_nothing_but_counters(
        at_octet in 0_usize..40, flip in 1_u8..=255, unit in 0_u16..2
    ) {
        by_registrar(|mut b| {
            b.join(at(0), "a", 2, 5);
            b.join(at(0), "b", 2, 5);
            b.net.take();
            let rule = rule(7);
            let assertion = Assertion::new(&rule);
            let content = Content::Subscribe { module: id(2, unit, 1), assertion };
            let mut octets = mpdu(sender(unit, 2), &content);
            // The checksum flag itself is left alone: without it the sum is no octet of the MPDU.
            let place = 1 + at_octet % (octets.len() - 1);
            octets[place] ^= flip;
            b.receive(at(0), "x", &octets);
            assert!(b.net.take().is_empty());
            assert_eq!(b.registrar.stats().malformed, 1);
            assert_eq!(b.registrar.rules().count(), 0);
        });
    }
}
