use core::time::Duration;
use std::collections::BTreeMap;
use std::vec::Vec;

use super::*;
use crate::scos::DeviceIndex;
use crate::scos::link::LinkStats;
use crate::scos::messages::{
    Associate, Associated, Association, AssociationRefusal, Challenge, Message, ScheduleMark,
};
use crate::scos::testing::{QUICK, Wire, address, at, messages, slots};
use crate::time::Instant;

const TTL: Duration = Duration::from_secs(300);
const DEVICES: [DeviceConfig<'static>; 2] = [
    DeviceConfig { device: "mast-1", public_key: b"one" },
    DeviceConfig { device: "mast-2", public_key: b"two" },
];

fn registry(admission: Admission) -> Registry<'static> {
    Registry::new(slots(3), &DEVICES, admission, TTL)
}

fn ask(request: Association, boot: u32, sequence: u32) -> Associate<'static> {
    Associate {
        request,
        device: "mast-1",
        public_key: b"one",
        boot,
        sequence,
        schedule: ScheduleMark::default(),
        proof: None,
    }
}

#[test]
fn new_then_refresh_tells_what_was_left() {
    let mut registry = registry(Admission::Configured);
    let new = registry.associate(at(0).monotonic, &address(1), &ask(Association::New, 1, 1));
    let new = new.unwrap();
    assert_eq!((new.state, new.remaining, new.arrived), (Association::New, TTL, true));
    let later = at(100).monotonic;
    let refresh = registry.associate(later, &address(1), &ask(Association::Refresh, 1, 2)).unwrap();
    assert_eq!(refresh.state, Association::Refresh);
    assert_eq!(refresh.remaining, Duration::from_secs(200));
    assert!(!refresh.arrived && !refresh.restarted);
    assert_eq!(registry.get(DeviceIndex(0)).unwrap().remaining(later), TTL);
}

#[test]
fn the_ttl_is_over_exactly_at_zero_and_a_refresh_is_then_new() {
    let mut registry = registry(Admission::Configured);
    registry.associate(at(0).monotonic, &address(1), &ask(Association::New, 1, 1)).unwrap();
    assert_eq!(registry.next_expiry(), Some(at(300).monotonic));
    assert_eq!(registry.expire(at(299).monotonic), None);
    assert_eq!(registry.heard(at(299).monotonic, &address(1)), Some(DeviceIndex(0)));
    assert_eq!(registry.expire(at(598).monotonic), None);
    assert_eq!(registry.expire(at(599).monotonic), Some(DeviceIndex(0)));
    assert_eq!(registry.expire(at(599).monotonic), None);
    assert_eq!(registry.heard(at(599).monotonic, &address(1)), None);
    let again = ask(Association::Refresh, 1, 2);
    let again = registry.associate(at(600).monotonic, &address(1), &again).unwrap();
    assert_eq!((again.state, again.remaining), (Association::New, TTL));
    assert!(again.arrived && !again.restarted);
}

#[test]
fn leaving_is_immediate_and_may_be_said_twice() {
    let mut registry = registry(Admission::Configured);
    registry.associate(at(0).monotonic, &address(1), &ask(Association::New, 1, 1)).unwrap();
    for (sequence, departed) in [(2, true), (2, false), (3, false)] {
        let leave = ask(Association::Disassociate, 1, sequence);
        let left = registry.associate(at(9).monotonic, &address(1), &leave).unwrap();
        assert_eq!((left.state, left.remaining), (Association::Disassociate, Duration::ZERO));
        assert_eq!(left.departed, departed);
    }
    assert_eq!(registry.next_expiry(), None);
    // What it said before is not to bring it back.
    let stale = registry.associate(at(9).monotonic, &address(1), &ask(Association::New, 1, 1));
    assert_eq!(stale, Err(Rejected::Stale));
}

#[test]
fn another_run_is_a_restart_and_an_earlier_one_is_stale() {
    let mut registry = registry(Admission::Configured);
    let first = registry.associate(at(0).monotonic, &address(1), &ask(Association::New, 7, 5));
    assert!(!first.unwrap().restarted);
    assert_eq!(registry.get(DeviceIndex(0)).unwrap().boot(), 7);
    let second = registry.associate(at(1).monotonic, &address(1), &ask(Association::Refresh, 8, 1));
    let second = second.unwrap();
    assert_eq!((second.state, second.restarted), (Association::New, true));
    assert_eq!(registry.get(DeviceIndex(0)).unwrap().boot(), 8);
    let stale = registry.associate(at(2).monotonic, &address(1), &ask(Association::New, 7, 6));
    assert_eq!(stale, Err(Rejected::Stale));
}

#[test]
fn strangers_and_wrong_keys_are_refused_alike() {
    let mut registry = registry(Admission::Configured);
    let reason = AssociationRefusal::NotAuthorised;
    for (device, public_key, unknown) in [
        ("mast-1", &b"two"[..], false),
        ("mast-1", b"", false),
        ("mast-1", b"one.", false),
        ("mast-9", b"one", true),
        ("mast-9", b"", true),
    ] {
        let request = Associate { device, public_key, ..ask(Association::New, 1, 1) };
        let refused = registry.associate(at(0).monotonic, &address(1), &request);
        assert_eq!(refused, Err(Rejected::Refused { reason, unknown }));
    }
    assert_eq!(registry.next_expiry(), None);
}

#[test]
fn open_admission_keeps_the_first_key_until_it_is_full() {
    let mut registry = registry(Admission::Open);
    let guest = Associate { device: "guest", ..ask(Association::New, 1, 1) };
    let admitted = registry.associate(at(0).monotonic, &address(3), &guest).unwrap();
    assert_eq!(admitted.index, DeviceIndex(2));
    let thief = Associate { public_key: b"two", ..guest };
    let refused = registry.associate(at(0).monotonic, &address(4), &thief);
    let reason = AssociationRefusal::NotAuthorised;
    assert_eq!(refused, Err(Rejected::Refused { reason, unknown: false }));
    let other = Associate { device: "other", ..guest };
    let refused = registry.associate(at(0).monotonic, &address(4), &other);
    let reason = AssociationRefusal::InventoryFull;
    assert_eq!(refused, Err(Rejected::Refused { reason, unknown: true }));
}

fn device(seed: u64) -> DeviceAssociation<'static> {
    DeviceAssociation::new("mast-1", b"one", 1, address(0), QUICK, seed)
}

/// Ticks and returns what was asked, if something was.
fn asked(
    device: &mut DeviceAssociation<'_>,
    seconds: u64,
) -> (Option<(Association, u32)>, Option<AssociationEvent>) {
    let (mut wire, mut link) = (Wire::default(), LinkStats::default());
    let mark = ScheduleMark::default();
    let event = device.tick(at(seconds).monotonic, mark, &mut link, &mut wire);
    let request = messages(&wire.sent).first().map(|message| match message {
        Message::Associate(associate) => (associate.request, associate.sequence),
        other => panic!("{other:?}"),
    });
    (request, event)
}

fn grant(sequence: u32, state: Association) -> Associated<'static> {
    Associated { device: "mast-1", sequence, state, max_ttl_s: 300, remaining_ttl_s: 300, epoch: 9 }
}

#[test]
fn a_device_asks_with_back_off_and_refreshes_within_a_third() {
    for seed in 0..50 {
        let mut device = device(seed);
        assert_eq!(asked(&mut device, 0), (Some((Association::New, 1)), None));
        assert_eq!(asked(&mut device, 1), (None, None));
        assert_eq!(asked(&mut device, 2), (Some((Association::New, 2)), None));
        // The answer to the first attempt says nothing about the timer of the SSM.
        assert_eq!(device.granted(&address(7), &grant(1, Association::New)), Answer::Stale);
        assert_eq!(device.granted(&address(7), &grant(2, Association::New)), Answer::New);
        assert_eq!(device.granted(&address(7), &grant(2, Association::New)), Answer::Stale);
        assert_eq!(device.ssm(), Some(&address(7)));
        let refresh = device.next_deadline().since(at(2).monotonic);
        assert!(refresh <= TTL / 3 && refresh >= TTL / 4, "{refresh:?}");
        assert_eq!(asked(&mut device, 102), (Some((Association::Refresh, 3)), None));
        assert_eq!(device.granted(&address(7), &grant(3, Association::Refresh)), Answer::Refreshed);
    }
}

/// Power comes back for all at once, and each has a seed of its own.
#[test]
fn a_thousand_devices_do_not_refresh_in_step() {
    let mut devices: Vec<_> = (0..1_000).map(|seed| (device(seed), Instant::ZERO)).collect();
    for round in 1..=8 {
        let state = if round == 1 { Association::New } else { Association::Refresh };
        let mut of_second = BTreeMap::new();
        for (device, due) in &mut devices {
            let (mut link, mut wire) = (LinkStats::default(), Wire::default());
            device.tick(*due, ScheduleMark::default(), &mut link, &mut wire);
            assert_ne!(device.granted(&address(7), &grant(round, state)), Answer::Stale);
            let next = device.next_deadline();
            assert!((75..=100).contains(&next.since(*due).as_secs()));
            *due = next;
            *of_second.entry(due.as_micros() / 1_000_000).or_insert(0) += 1;
        }
        // Of the 25 seconds there are, none has twice its share; and they drift apart.
        let most = of_second.values().copied().max();
        assert!(most.is_some_and(|most| most < 80), "round {round}: {most:?}");
        assert!(of_second.len() >= 25);
    }
}

#[test]
fn a_device_that_gets_no_answer_starts_anew_when_its_ttl_is_over() {
    let mut device = device(1);
    asked(&mut device, 0);
    device.granted(&address(7), &grant(1, Association::New));
    let mut sequence = 1;
    for seconds in 1..300 {
        let (request, event) = asked(&mut device, seconds);
        assert_eq!(event, None);
        assert!(request.is_none_or(|(request, _)| request == Association::Refresh));
        sequence = request.map_or(sequence, |(_, sequence)| sequence);
    }
    let (request, event) = asked(&mut device, 300);
    assert_eq!(request, Some((Association::New, sequence + 1)));
    assert_eq!(event, Some(AssociationEvent::Lost));
    assert_eq!(device.ssm(), None);
}

#[test]
fn a_refresh_granted_as_new_is_new() {
    let mut device = device(1);
    asked(&mut device, 0);
    device.granted(&address(7), &grant(1, Association::New));
    asked(&mut device, 100);
    assert_eq!(device.granted(&address(7), &grant(2, Association::New)), Answer::New);
}

#[test]
fn a_forgotten_device_asks_anew_at_once_but_believes_only_its_ssm() {
    let mut device = device(1);
    asked(&mut device, 0);
    device.granted(&address(7), &grant(1, Association::New));
    assert!(!device.forgotten(at(1).monotonic, &address(8)));
    assert!(device.forgotten(at(1).monotonic, &address(7)));
    assert!(!device.forgotten(at(1).monotonic, &address(7)));
    assert_eq!(asked(&mut device, 1), (Some((Association::New, 2)), None));
}

#[test]
fn a_device_that_is_told_so_from_elsewhere_asks_where_an_ssm_is_found() {
    let mut device = device(1);
    asked(&mut device, 0);
    device.granted(&address(7), &grant(1, Association::New));
    // Not more often than it would ask by itself, and it stays associated.
    assert!(!device.forgotten(at(1).monotonic, &address(8)));
    assert_eq!(asked(&mut device, 1).0, None);
    assert!(!device.forgotten(at(10).monotonic, &address(8)));
    assert_eq!(device.ssm(), Some(&address(7)));
    let (mut link, mut wire) = (LinkStats::default(), Wire::default());
    assert_eq!(device.tick(at(10).monotonic, ScheduleMark::default(), &mut link, &mut wire), None);
    assert_eq!(wire.take()[0].0, address(0));
    // It is not at a loss when it is asked for a proof.
    let challenge = Challenge { device: "mast-1", sequence: 2, nonce: [1; 16] };
    assert_eq!(device.challenged(&address(8), &challenge), Some(false));
    assert_eq!(device.granted(&address(8), &grant(2, Association::New)), Answer::New);
    assert_eq!(device.ssm(), Some(&address(8)));
}

#[test]
fn a_device_leaves_with_or_without_an_answer_and_can_return() {
    let mut device = device(1);
    asked(&mut device, 0);
    device.granted(&address(7), &grant(1, Association::New));
    device.leave();
    assert_eq!(asked(&mut device, 1).0, Some((Association::Disassociate, 2)));
    assert_eq!(device.granted(&address(7), &grant(2, Association::Disassociate)), Answer::Left);
    assert_eq!((device.ssm(), device.next_deadline()), (None, Instant::MAX));
    device.join();
    assert_eq!(asked(&mut device, 2).0, Some((Association::New, 3)));
    device.granted(&address(7), &grant(3, Association::New));
    device.leave();
    let events: Vec<_> = (3..100).filter_map(|seconds| asked(&mut device, seconds).1).collect();
    assert_eq!(events, [AssociationEvent::Left]);
    assert_eq!(device.next_deadline(), Instant::MAX);
}

#[test]
fn what_the_transport_refuses_is_offered_again() {
    let (mut wire, mut link) = (Wire { busy: true, ..Wire::default() }, LinkStats::default());
    let mut device = device(1);
    for second in [0, 2, 4, 6] {
        assert_eq!(device.next_deadline().max(at(second).monotonic), at(second).monotonic);
        device.tick(at(second).monotonic, ScheduleMark::default(), &mut link, &mut wire);
    }
    assert_eq!(link.send_refused, 4);
    wire.busy = false;
    device.tick(at(8).monotonic, ScheduleMark::default(), &mut link, &mut wire);
    assert_eq!(wire.sent.len(), 1);
}
