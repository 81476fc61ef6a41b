//! Channels that are away, lose, repeat and reorder; neighbours that are restarted.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::bench::{Bench, MESH, Sizes, all_of, continuum, enclosed, envelope, letter, on};
use crate::ams::gateway::*;
use crate::ams::ids::{Priority, SubjectNumber};
use crate::ams::pdu::{AamsHeader, MpduType};
use crate::ams::script::id;

/// What a neighbour is told by whom a module has subscribe to subject 9 from everywhere:
/// that it was heard, who this is, and the petition.
const ANSWER: [&str; 3] = ["n1 3 -1 0.0.0>0", "n1 2 -2 0.0.0>0", "n1 2 9 0.0.0>0"];

#[test]
fn what_a_channel_refuses_waits_in_the_order_of_urgency() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.petition("n1", 2, on(9, all_of(2)));
    bench.wire.take();
    bench.wire.busy.insert("n1".to_string());
    for (priority, data) in [(8, "a"), (8, "b"), (3, "c"), (12, "d")] {
        let priority = Priority::new(priority).unwrap();
        let header = AamsHeader { priority, ..letter((2, 5), SubjectNumber(9)) };
        bench.aams(&header, data.as_bytes()).unwrap();
    }
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 4, all_of(1));
    assert_eq!(bench.gateway.waiting(), 4);
    // A fifth does not fit: the least urgent gives way, or is refused.
    for (priority, data) in [(15, "e"), (8, "f")] {
        let priority = Priority::new(priority).unwrap();
        let header = AamsHeader { priority, ..letter((2, 5), SubjectNumber(9)) };
        bench.aams(&header, data.as_bytes()).unwrap();
    }
    bench.wire.busy.clear();
    bench.seconds += 1;
    assert!(bench.gateway.next_deadline().unwrap() <= bench.now().monotonic);
    bench.tick();
    let sent = [
        "n1 2 4 1.0.0>0",
        "n1 4 9 0.0.2>0 c",
        "n1 4 9 0.0.2>0 a",
        "n1 4 9 0.0.2>0 b",
        "n1 4 9 0.0.2>0 f",
    ];
    assert_eq!(bench.rpdus(), sent);
    let StoreStats { kept, delivered, displaced, refused, expired, .. } =
        *bench.gateway.store_stats();
    assert_eq!((kept, delivered, displaced, refused, expired), (5, 4, 1, 1, 0));
}

/// A channel is away for a day, and a message comes every 8 seconds. What a store
/// of 200 messages has then is the most urgent of them, and of those as urgent the
/// newest; they go out in the order of urgency, then of age.
#[test]
fn a_day_without_a_channel_leaves_the_most_urgent_and_the_newest() {
    let mut bench = Bench::declared_with(&MESH, 200, 800);
    bench.module(2, 5);
    bench.petition("n1", 2, on(9, all_of(2)));
    bench.wire.take();
    bench.wire.busy.insert("n1".to_string());
    let mut model: Vec<(u8, u32)> = Vec::new();
    let mut dropped = 0;
    for number in 0..10_000_u32 {
        bench.seconds += 8;
        if number % 10 == 0 {
            bench.alive();
            bench.tick();
        }
        let urgency = u8::try_from(number.wrapping_mul(2_654_435_761) >> 28).unwrap().max(1);
        // An emergency now and then; the store can hold all of these.
        let urgency = if number % 100 == 0 { 1 } else { urgency.max(2) };
        let priority = Priority::new(urgency).unwrap();
        let header = AamsHeader { priority, ..letter((2, 5), SubjectNumber(9)) };
        bench.aams(&header, number.to_string().as_bytes()).unwrap();
        model.push((urgency, number));
        if model.len() > 200 {
            let worst = model.iter().map(|one| one.0).max().unwrap();
            let oldest = model.iter().position(|one| one.0 == worst).unwrap();
            model.remove(oldest);
            dropped += 1;
        }
    }
    assert_eq!(bench.gateway.waiting(), 200);
    let stats = *bench.gateway.store_stats();
    assert_eq!(stats.displaced + stats.refused, dropped);
    assert_eq!(model.iter().filter(|one| one.0 == 1).count(), 100, "no emergency is lost");
    bench.wire.busy.clear();
    bench.seconds += 1;
    bench.alive();
    bench.tick();
    model.sort_unstable();
    let expected: Vec<_> =
        model.iter().map(|(_, number)| format!("n1 4 9 0.0.2>0 {number}")).collect();
    let mut sent = bench.rpdus();
    // What petitions say is said again every minute, and before messages.
    sent.retain(|line| line.contains(" 4 "));
    assert_eq!(sent, expected);
    assert_eq!(bench.gateway.waiting(), 0);
}

/// Messages grow too old whatever else is due: no channel, no refresh.
#[test]
fn a_message_that_waits_too_long_is_dropped_at_a_deadline_of_its_own() {
    let config = GatewayConfig { refresh: None, ..GatewayConfig::default() };
    let mut bench = Bench::sized(&MESH, config, Sizes::USUAL).join().be_declared_to();
    bench.module(2, 5);
    bench.petition("n1", 2, on(9, all_of(2)));
    bench.wire.busy.insert("n1".to_string());
    bench.aams(&letter((2, 5), SubjectNumber(9)), b"old").unwrap();
    bench.pass(10);
    bench.aams(&letter((2, 5), SubjectNumber(9)), b"newer").unwrap();
    let since = bench.now().monotonic;
    // Nobody is to be offered it any more, and it takes no part itself.
    bench.petition("n1", 3, declaration(continuum(1)));
    bench.gateway.unregister(bench.now(), &mut bench.wire).unwrap();
    let lifetime = GatewayConfig::default().lifetime;
    let ten = Duration::from_secs(10);
    assert_eq!(
        bench.gateway.next_deadline(),
        Some(since.after(lifetime.checked_sub(ten).unwrap()))
    );
    bench.seconds += 86_390;
    bench.tick();
    assert_eq!((bench.gateway.waiting(), bench.gateway.store_stats().expired), (1, 1));
    assert_eq!(bench.gateway.next_deadline(), Some(since.after(lifetime)));
    bench.seconds += 10;
    bench.tick();
    assert_eq!((bench.gateway.waiting(), bench.gateway.store_stats().expired), (0, 2));
    assert_eq!(bench.gateway.next_deadline(), None);
}

/// A neighbour that retracts itself may have been restarted: what waits for it goes
/// out when it has declared itself again, behind what it is to know first.
#[test]
fn messages_wait_for_a_neighbour_that_is_restarted() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.petition("n1", 2, on(9, all_of(2)));
    bench.wire.busy.insert("n1".to_string());
    bench.aams(&letter((2, 5), SubjectNumber(9)), b"kept").unwrap();
    bench.petition("n1", 3, declaration(continuum(1)));
    bench.wire.busy.clear();
    bench.wire.take();
    for _ in 0..100 {
        bench.seconds += 1;
        bench.alive();
        bench.tick();
    }
    let told = bench.rpdus();
    assert!(!told.iter().any(|line| line.contains(" 4 ")), "{told:?}");
    assert_eq!(bench.gateway.waiting(), 1);
    bench.petition("n1", 2, declaration(continuum(1)));
    let due = ["n1 3 -1 0.0.0>0", "n1 2 -2 0.0.0>0", "n1 4 9 0.0.2>0 kept"];
    assert_eq!(bench.rpdus(), due);
}

/// RPDUs have no number: petitions are the same said twice, messages are not.
#[test]
fn what_a_channel_delivers_twice() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.wire.take();
    for _ in 0..2 {
        bench.petition("n1", 2, on(8, all_of(2)));
    }
    assert_eq!(bench.told(), ["subscribe 8"]);
    for _ in 0..2 {
        bench.petition("n1", 3, on(8, all_of(2)));
    }
    assert_eq!(bench.told(), ["unsubscribe 8"]);
    let content = enclosed((1, 8), 9, b"far");
    for _ in 0..2 {
        bench.rams("n1", &envelope(4, (0, 0, 0), 2, 9), &content);
    }
    assert_eq!(bench.messages(), ["m5a -2: 9 far", "m5a -2: 9 far"]);
    // A declaration twice at once is one; its echo does not begin another round.
    for _ in 0..2 {
        bench.petition("n1", 2, declaration(continuum(1)));
    }
    assert_eq!(bench.rpdus(), ANSWER);
    assert_eq!(bench.gateway.stats().duplicates, 1);
}

/// Cancelled, and then asserted by an RPDU that was overtaken: it is forgotten when
/// the neighbour does not assert it again.
#[test]
fn an_assertion_that_its_cancellation_overtook_is_forgotten() {
    let mut bench = Bench::declared(&MESH);
    bench.petition("n1", 3, on(8, all_of(2)));
    bench.petition("n1", 2, on(8, all_of(2)));
    bench.wire.take();
    bench.pass(60);
    bench.petition("n1", 2, declaration(continuum(1)));
    bench.pass(149);
    assert!(bench.gateway.module().subscribes(&on(8, all_of(2))));
    bench.seconds += 1;
    bench.tick();
    assert_eq!(bench.told(), ["unsubscribe 8"]);
}

#[test]
fn of_three_refreshes_two_may_be_lost() {
    let mut bench = Bench::declared(&MESH);
    bench.petition("n1", 2, on(8, all_of(2)));
    bench.wire.take();
    for minute in 1..=20 {
        bench.pass(60);
        assert!(bench.gateway.module().subscribes(&on(8, all_of(2))), "minute {minute}");
        bench.petition("n1", 2, declaration(continuum(1)));
        // What else it says is lost, but for every third time.
        if minute % 3 == 0 {
            bench.petition("n1", 2, on(8, all_of(2)));
        }
    }
    assert_eq!(bench.gateway.petitions().count(), 4);
}

/// A declaration is answered, and an answer is not, however long it took.
#[test]
fn an_answer_is_not_answered() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.pass(40);
    for _ in 0..3 {
        bench.pass(2);
        // It says that it has heard this one: nothing is to be said.
        bench.petition("n1", 3, declaration(super::bench::LOCAL));
        bench.petition("n1", 2, declaration(continuum(1)));
        assert_eq!(bench.rpdus(), Vec::<String>::new());
        // It does not, or that was lost.
        bench.pass(2);
        bench.petition("n1", 2, declaration(continuum(1)));
        assert_eq!(bench.rpdus(), ANSWER);
    }
    // Who retracts itself has heard nothing any more.
    bench.petition("n1", 3, declaration(super::bench::LOCAL));
    bench.petition("n1", 3, declaration(continuum(1)));
    bench.petition("n1", 2, declaration(continuum(1)));
    assert_eq!(bench.rpdus(), ANSWER);
}

/// A has heard B, and B has not heard A: B says again that it is there, and is told
/// everything, as often as it does.
#[test]
fn a_has_heard_b_but_b_has_not_heard_a() {
    let mut bench = Bench::new(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    // B's first declaration; A's and what follows it are lost.
    bench.petition("n1", 2, declaration(continuum(1)));
    bench.pass(10);
    for _ in 0..3 {
        bench.petition("n1", 2, declaration(continuum(1)));
        assert_eq!(bench.rpdus(), ANSWER);
        bench.pass(10);
    }
}

/// B has heard A, and A has not heard B: A says again that it is there, until B does.
#[test]
fn b_has_heard_a_but_a_has_not_heard_b() {
    let mut bench = Bench::new(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.wire.take();
    for _ in 0..3 {
        // What B says that is no declaration does not count.
        bench.petition("n1", 2, on(8, all_of(2)));
        bench.pass(9);
        bench.seconds += 1;
        bench.tick();
        assert_eq!(bench.rpdus(), ["n1 2 -2 0.0.0>0", "n3 2 -2 0.0.0>0"]);
    }
    bench.petition("n1", 2, declaration(continuum(1)));
    // It was told a moment ago who this is.
    assert_eq!(bench.rpdus(), ["n1 2 9 0.0.0>0"]);
}

/// B is restarted, and its farewell and greeting come at once.
#[test]
fn b_is_restarted_within_a_second() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.petition("n1", 2, on(8, all_of(2)));
    bench.petition("n1", 2, declaration(continuum(1)));
    bench.wire.take();
    bench.petition("n1", 3, declaration(continuum(1)));
    assert_eq!(bench.told(), ["unsubscribe -1", "unsubscribe 8"]);
    bench.petition("n1", 2, declaration(continuum(1)));
    assert_eq!(bench.rpdus(), ANSWER);
}

/// B is restarted, and its retraction comes behind its declaration: it is undone when
/// B declares itself again.
#[test]
fn b_is_restarted_and_its_declaration_overtakes_its_retraction() {
    let mut bench = Bench::declared(&MESH);
    bench.pass(5);
    bench.petition("n1", 2, declaration(continuum(1)));
    bench.petition("n1", 3, declaration(continuum(1)));
    assert_eq!(bench.gateway.declared(), NeighbourSet::one(1));
    bench.pass(60);
    bench.petition("n1", 2, declaration(continuum(1)));
    assert_eq!(bench.gateway.declared().len(), 2);
    assert_eq!(bench.rpdus(), ["n1 3 -1 0.0.0>0", "n1 2 -2 0.0.0>0"]);
}

/// Each has heard the other end and not begin: neither waits for the other for ever.
#[test]
fn a_and_b_are_restarted_and_both_declarations_are_lost() {
    let mut bench = Bench::declared(&MESH);
    bench.petition("n1", 3, declaration(continuum(1)));
    assert_eq!(bench.rpdus(), Vec::<String>::new());
    // It was declared and has ended: it is greeted once a minute.
    bench.pass(59);
    for _ in 0..3 {
        bench.seconds += 1;
        bench.alive();
        bench.tick();
        let greeted: Vec<_> =
            bench.rpdus().into_iter().filter(|line| line.starts_with("n1")).collect();
        assert_eq!(greeted, ["n1 2 -2 0.0.0>0"]);
        bench.pass(59);
    }
    // One that was never heard before is greeted on.
    let mut bench = Bench::new(&MESH);
    bench.petition("n1", 3, declaration(continuum(1)));
    assert_eq!(bench.rpdus(), ["n1 2 -2 0.0.0>0"]);
    bench.pass(9);
    bench.seconds += 1;
    bench.tick();
    assert_eq!(bench.rpdus(), ["n1 2 -2 0.0.0>0", "n3 2 -2 0.0.0>0"]);
    // Where channels are reliable it will be heard.
    let config = GatewayConfig { refresh: None, ..GatewayConfig::default() };
    let mut bench = Bench::sized(&MESH, config, Sizes::USUAL).join().be_declared_to();
    bench.petition("n1", 3, declaration(continuum(1)));
    for _ in 0..300 {
        bench.seconds += 1;
        bench.alive();
        bench.tick();
    }
    assert_eq!(bench.rpdus(), Vec::<String>::new());
}

/// A is restarted where B has not noticed: whatever B says as to the one before is
/// not taken until B has declared itself to this one.
#[test]
fn a_is_restarted_and_b_has_not_noticed() {
    let mut bench = Bench::new(&MESH);
    let content = enclosed((1, 8), 9, b"far");
    bench.rams("n1", &envelope(4, (0, 0, 0), 2, 9), &content);
    bench.petition("n1", 2, on(8, all_of(2)));
    assert_eq!(bench.gateway.stats().undeclared, 2);
    bench.petition("n1", 2, declaration(continuum(1)));
    bench.petition("n1", 2, on(8, all_of(2)));
    assert_eq!(bench.told(), ["subscribe -1", "subscribe 8"]);
}

/// Its petitions are taken while the module is still being registered.
#[test]
fn what_neighbours_say_while_it_registers_is_not_lost() {
    let mut bench = Bench::outside(&MESH);
    bench.gateway.register(bench.now(), &mut bench.wire, &mut super::bench::ignore).unwrap();
    bench.petition("n1", 2, declaration(continuum(1)));
    bench.petition("n1", 2, on(8, all_of(2)));
    let mut bench = bench.admit();
    assert_eq!(bench.told(), ["subscribe -2", "subscribe -1", "subscribe 8"]);
}

/// Declared dead and registered again, it begins anew with its neighbours too.
#[test]
fn a_gateway_that_died_begins_anew() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.wire.take();
    bench.mams("rs", 0, &crate::ams::pdu::Content::YouAreDead);
    assert_eq!(bench.rpdus(), ["n1 3 -2 0.0.0>0", "n3 3 -2 0.0.0>0"]);
    bench.petition("n1", 2, declaration(continuum(1)));
    assert_eq!((bench.gateway.stats().inappropriate, bench.gateway.petitions().count()), (1, 0));
    bench.gateway.register(bench.now(), &mut bench.wire, &mut super::bench::ignore).unwrap();
    let anew = ["n1 3 -2 0.0.0>0", "n1 2 -2 0.0.0>0", "n3 3 -2 0.0.0>0", "n3 2 -2 0.0.0>0"];
    assert_eq!(bench.rpdus(), anew);
    let mut bench = bench.admit();
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.petition("n1", 2, declaration(continuum(1)));
    assert_eq!(bench.rpdus(), ["n1 2 9 0.0.0>0"]);
}
