//! What devices say of themselves, and what Actors have had.

use super::*;
use crate::scos::messages::{Usage, UsageItem, UsageRequest};
use crate::scos::metadata::{
    ClockStatus, Environment, Filter, HardwareSpec, RfPath, SectionKey, SectionKind,
};

fn weather(weather: &'static str) -> Section<'static> {
    Section::Environment(Environment { weather, ..Environment::UNKNOWN })
}

#[test]
fn a_device_is_booked_when_it_has_said_all_of_itself() {
    let mut bench = Bench::empty(ssm(SSM_CONFIG, 16, 3, 4));
    bench.associate(0, Association::New, 1);
    assert_eq!(bench.refusal(0, &request(1, 5, 0)).unwrap().0, Refusal::Offline);
    bench.say(0, 1, ANALYSER);
    assert_eq!(bench.refusal(0, &request(2, 5, 0)).unwrap().0, Refusal::Offline);
    assert_eq!(bench.notes.events, [DeviceEvent::Associated]);
    bench.say(0, 2, sensor(4));
    assert_eq!(bench.notes.events.last(), Some(&DeviceEvent::Advertised));
    assert_eq!(bench.refusal(0, &request(3, 5, 0)), None);
    assert_eq!(bench.ssm.metadata("mast-1").unwrap().sections().count(), 2);
    assert!(bench.ssm.metadata("mast-2").is_none() && bench.ssm.metadata("nowhere").is_none());
    // Associated anew, it has said nothing.
    bench.associate(10, Association::New, 1);
    assert_eq!(bench.refusal(10, &request(4, 50, 0)).unwrap().0, Refusal::Offline);
    assert_eq!(bench.ssm.metadata("mast-1").unwrap().sections().count(), 0);
}

fn kept<'s>(ssm: &'s Ssm<'_>) -> Option<Section<'s>> {
    ssm.metadata("mast-1").unwrap().get(SectionKind::Environment, 0)
}

#[test]
fn what_is_said_later_stands_whatever_the_order_of_arrival() {
    let mut bench = Bench::new();
    assert!(bench.say(0, 5, weather("rain")).is_some());
    assert!(bench.say(0, 7, weather("rain")).is_some());
    // Said between the two and late: acknowledged, and nothing else.
    assert_eq!(bench.say(1, 6, weather("sun")).map(|answer| answer.revision), Some(6));
    assert_eq!(kept(&bench.ssm), Some(weather("rain")));
    assert!(bench.say(2, 7, weather("rain")).is_some());
    assert_eq!(bench.ssm.stats().stale_advertisements, 2);
    assert_eq!(bench.notes.said, ["analyser", "antenna", "sensor", "environment"]);
    bench.say(3, 8, weather("sun"));
    assert_eq!(kept(&bench.ssm), Some(weather("sun")));
    // One of an earlier run is not even answered.
    bench.associate(10, Association::New, 2);
    bench.boot = 1;
    assert_eq!(bench.say(10, 9, weather("hail")), None);
    bench.boot = 2;
    assert!(bench.say(10, 1, weather("snow")).is_some());
    assert_eq!(kept(&bench.ssm), Some(weather("snow")));
}

/// A datagram that the network has repeated does not make the SSM forget what a device
/// has said since, for the device would not say it again.
#[test]
fn an_association_that_arrives_twice_forgets_nothing() {
    let mut bench = Bench::new();
    bench.sequence -= 1;
    let sent = bench.associate(5, Association::New, 1);
    let [Message::Associated(answer)] = messages(&sent)[..] else { panic!("{sent:?}") };
    assert_eq!((answer.state, answer.sequence), (Association::New, 1));
    assert_eq!(bench.ssm.metadata("mast-1").unwrap().sections().count(), 3);
    assert_eq!(bench.refusal(5, &request(1, 5, 0)), None);
    // The next one is of a device that knows of nothing.
    bench.associate(6, Association::New, 1);
    assert_eq!(bench.ssm.metadata("mast-1").unwrap().sections().count(), 0);
}

/// A device that is not heard to know that its refresh was granted as new is told so
/// again, or it would never say what the SSM has forgotten.
#[test]
fn a_refresh_is_new_until_the_device_shows_that_it_knows() {
    let mut bench = Bench::new();
    bench.tick(300);
    let state = |bench: &mut Bench, second| {
        let sent = bench.associate(second, Association::Refresh, 1);
        let [Message::Associated(answer)] = messages(&sent)[..] else { panic!("{sent:?}") };
        answer.state
    };
    assert_eq!(state(&mut bench, 301), Association::New);
    assert_eq!(state(&mut bench, 303), Association::New);
    // What changes it says without knowing that all else is forgotten.
    bench.say(304, 4, ANTENNA);
    assert_eq!(state(&mut bench, 305), Association::New);
    bench.say(306, 5, ANALYSER);
    bench.say(306, 5, sensor(16));
    assert_eq!(state(&mut bench, 307), Association::Refresh);
    assert_eq!(bench.ssm.metadata("mast-1").unwrap().sections().count(), 2);
}

#[test]
fn what_a_device_says_too_much_is_not_kept_and_it_is_told() {
    let mut bench = Bench::new();
    let id = "12345678901234567890123456789012";
    let spec = HardwareSpec { id, model: id, version: id, description: id };
    let filter = |index| Section::Filter(Filter { index, spec, ..Filter::default() });
    let full: Vec<bool> = (0..16_u8)
        .map(|index| bench.say(0, 10 + u32::from(index), filter(index)).unwrap().full)
        .collect();
    assert_eq!((full.first(), full.last()), (Some(&false), Some(&true)));
    let over = full.iter().filter(|full| **full).count();
    assert_eq!(bench.ssm.stats().metadata_full, over as u64);
    // What can be booked is not what it says of filters.
    bench.advertise(1, 40, 3);
    assert_eq!(bench.refusal(1, &request(1, 5, 0)), None);
    // A device without room for any of it is never booked.
    let config = SsmConfig { admission: Admission::Open, ..SSM_CONFIG };
    let mut storage = ssm(config, 8, 2, 4);
    storage.metadata = &mut [];
    let mut bench = Bench::empty(storage);
    bench.associate(0, Association::New, 1);
    assert!(bench.say(0, 1, ANALYSER).unwrap().full && bench.say(0, 2, sensor(3)).unwrap().full);
    assert_eq!(bench.refusal(0, &request(1, 5, 0)).unwrap().0, Refusal::Offline);
}

#[test]
fn a_request_is_judged_by_every_section() {
    let mut bench = Bench::new();
    let ask = |number, settings| ScanRequest {
        parameters: ScanParameters { settings: Some(settings), ..SCAN },
        ..request(number, 100 + i64::from(number) * 3, 0)
    };
    let path = ScanSettings { rf_path: Some(2), ..ScanSettings::default() };
    let refused = bench.refusal(0, &ask(1, path)).unwrap().0;
    assert_eq!(refused, Refusal::OutOfCapability(Limit::RfPath));
    bench.say(0, 9, Section::RfPath(RfPath { index: 2, id: "south", ..RfPath::default() }));
    // The answer to a request does not change, but another one is granted.
    assert_eq!(bench.refusal(0, &ask(1, path)).unwrap().0, refused);
    assert_eq!(bench.refusal(0, &ask(2, path)), None);
    let [Change::Add { entry, .. }] = bench.deliver(0)[..] else { panic!("not delivered") };
    assert_eq!(entry.parameters.settings, Some(path));
}

/// More than fits a message is copied in parts, each section once and in order.
#[test]
fn all_metadata_are_copied() {
    let mut bench = Bench::new();
    let id = "1234567890123456789012345678901";
    let spec = HardwareSpec { id, model: id, version: id, description: id };
    for index in 0..6 {
        let filter = Section::Filter(Filter { index, spec, ..Filter::default() });
        assert!(!bench.say(0, 10 + u32::from(index), filter).unwrap().full);
    }
    bench.say(0, 20, Section::Clock(ClockStatus::Synchronised));
    for number in 1..=5 {
        assert_eq!(bench.refusal(0, &request(number, 500 + i64::from(number) * 3, 0)), None);
    }
    let (mut at, mut copied, mut recipes, mut parts) = (Cursor::START, Vec::new(), 0, 0);
    loop {
        let ask = InventoryRequest { actor: ActorId(7), copy: 1, at };
        let sent = bench.receive(0, ACTOR, &Message::InventoryRequest(ask));
        let [Message::InventoryItem(item)] = messages(&sent)[..] else { panic!() };
        let device = item.device.unwrap();
        copied.extend(device.metadata.iter().map(|section| section.key()));
        assert!(recipes == 0 || device.metadata.iter().next().is_none());
        recipes += device.schedule.iter().count();
        parts += 1;
        let Some(next) = item.next else { break };
        assert!(next > at);
        at = next;
    }
    let kept = bench.ssm.metadata("mast-1").unwrap();
    let kept: Vec<SectionKey> = kept.sections().map(|section| section.key()).collect();
    assert_eq!(copied, kept);
    assert_eq!((copied.len(), recipes), (10, 5));
    assert!(parts >= 3, "{parts}");
}

impl Bench {
    fn usage(&mut self, actor: u32, at: u32) -> UsageItem {
        let ask = UsageRequest { actor: ActorId(actor), copy: 1, at: ActorId(at) };
        let sent = self.receive(9_000, ACTOR, &Message::UsageRequest(ask));
        let [Message::UsageItem(item)] = messages(&sent)[..] else { panic!("{sent:?}") };
        assert_eq!((item.actor, item.copy, item.at), (ActorId(actor), 1, ActorId(at)));
        item
    }
}

#[test]
fn what_actors_have_had_adds_up() {
    let mut bench = Bench::new();
    assert_eq!(bench.usage(1, 0), UsageItem { usage: None, next: None, ..bench.usage(1, 0) });
    // Four occurrences of two minutes, of which one is cancelled, then one more.
    assert_eq!(bench.refusal(0, &request(1, 5, 3)), None);
    assert_eq!(bench.refusal(0, &request(1, 5, 3)), None);
    assert_eq!(bench.refusal(0, &request(2, 50, 0)), None);
    bench.deliver(0);
    bench.associate(200, Association::Refresh, 1);
    assert!(bench.report(330, 1, 0));
    assert!(bench.report(331, 1, 0));
    let incomplete = Report { outcome: Outcome::Incomplete, ..bench.made(1, 1) };
    bench.receive(1_020, DEVICE, &Message::Report(incomplete));
    bench.receive(1_021, ACTOR, &cancel(1));
    bench.receive(1_022, ACTOR, &cancel(1));
    bench.associate(1_100, Association::New, 1);
    // The last is never reported, and settled by the SSM.
    for second in (1_200..4_000).step_by(100) {
        bench.associate(second, Association::Refresh, 1);
        bench.forwarded(second);
    }
    let expected = Usage {
        granted_minutes: 10,
        cancelled_minutes: 4,
        granted: 5,
        cancelled: 2,
        complete: 1,
        incomplete: 1,
        rejected: 1,
        complete_minutes: 2,
        time_to_complete_ms: 900,
        ..Usage::new(ActorId(7))
    };
    assert_eq!(bench.ssm.usage().collect::<Vec<_>>(), [&expected]);
    // Two minutes were booked for what took 0.9 s.
    assert_eq!(expected.excess_permille(), Some(133_333));
    assert_eq!(Usage::new(ActorId(7)).excess_permille(), None);
    let open = expected.granted - expected.cancelled;
    assert_eq!(open, expected.complete + expected.incomplete + expected.rejected);
    assert_eq!(bench.ssm.owed(), 0);
    // The operator is told of all, the Actor of itself, and others of nothing.
    let other = ScanRequest { actor: ActorId(8), ..request(1, 9_000, 0) };
    assert_eq!(bench.refusal(4_000, &other), Some((Refusal::Offline, None)));
    bench.associate(4_001, Association::New, 1);
    bench.advertise(4_001, 1, 16);
    let other = ScanRequest { request: RequestId(2), ..other };
    assert_eq!(bench.refusal(4_001, &other), None);
    let first = bench.usage(1, 0);
    assert_eq!((first.usage, first.next), (Some(expected), Some(ActorId(8))));
    let second = bench.usage(1, 8);
    assert_eq!(second.usage.map(|usage| (usage.actor.0, usage.granted_minutes)), Some((8, 2)));
    assert_eq!(second.next, None);
    let own = bench.usage(7, 0);
    assert_eq!((own.usage, own.next), (Some(expected), None));
    assert_eq!((bench.usage(9, 0).usage, bench.usage(7, 8).usage), (None, None));
    assert_eq!(bench.ssm.stats().usage_full, 0);
}

#[test]
fn sums_go_on_where_another_run_was_and_are_bounded() {
    let mut bench = Bench::with(ssm(SSM_CONFIG, 16, 1, 4));
    let before = Usage { granted: 7, granted_minutes: 70, ..Usage::new(ActorId(7)) };
    assert_eq!(bench.ssm.restore_usage(before), Ok(()));
    let other = Usage::new(ActorId(8));
    assert_eq!(bench.ssm.restore_usage(other), Err(crate::storage::Full(other)));
    assert_eq!(bench.refusal(0, &request(1, 5, 3)), None);
    let sums: Vec<_> =
        bench.ssm.usage().map(|usage| (usage.granted, usage.granted_minutes)).collect();
    assert_eq!(sums, [(11, 78)]);
    // There is no room for another Actor's sums: that is counted.
    let mut bench = Bench::with(ssm(SSM_CONFIG, 16, 1, 4));
    bench.ssm.restore_usage(Usage::new(ActorId(6))).unwrap();
    assert_eq!(bench.refusal(0, &request(1, 5, 3)), None);
    assert_eq!(bench.ssm.stats().usage_full, 1);
}
