//! Every capacity of a gateway that can be used up: what becomes of what does not fit.

use std::boxed::Box;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use super::bench::{
    Bench, MESH, MESH_VENTURE, Sizes, all_of, continuum, enclosed, envelope, far, ignore, letter,
    on,
};
use crate::ams::gateway::*;
use crate::ams::ids::{Priority, SubjectNumber};
use crate::ams::mib::{RemoteMessageSpace, Subject, Venture};
use crate::ams::pdu::{AamsHeader, MpduType};
use crate::ams::script::id;

/// Of 16 petitions three are the declarations; the rest is for whoever comes first.
#[test]
fn petitions_full() {
    let mut bench = Bench::new(&MESH);
    bench.petition("n1", 2, declaration(continuum(1)));
    for subject in 10..30 {
        bench.petition("n1", 2, on(subject, all_of(1)));
    }
    assert_eq!((bench.gateway.petitions().count(), bench.gateway.stats().full), (15, 7));
    // The other neighbour can declare itself all the same.
    bench.petition("n3", 2, declaration(continuum(3)));
    assert_eq!(bench.gateway.declared().len(), 2);
    // What a module here wants is not noted either, and is as soon as there is room.
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    assert_eq!(bench.gateway.stats().full, 8);
    bench.rpdus();
    bench.petition("n1", 3, on(10, all_of(1)));
    assert_eq!(bench.rpdus(), ["n1 2 9 0.0.0>0", "n3 2 9 0.0.0>0"]);
    // And what a neighbour wants when it says so again.
    bench.petition("n1", 3, on(11, all_of(1)));
    bench.petition("n1", 2, on(29, all_of(1)));
    assert!(bench.gateway.petitions().any(|one| one.specification() == on(29, all_of(1))));
}

#[test]
fn neighbours_full() {
    const SPACES: &[RemoteMessageSpace<'static>] = &[
        RemoteMessageSpace::new(continuum(5), "udp@n5"),
        RemoteMessageSpace::new(continuum(6), "udp@n6"),
        RemoteMessageSpace::new(continuum(7), "udp@n7"),
        RemoteMessageSpace::new(continuum(8), "udp@n8"),
        RemoteMessageSpace::new(continuum(9), "udp@n9"),
    ];
    const MANY: Mib<'static> = Mib {
        continua: &[far(5, "5"), far(6, "6"), far(7, "7"), far(8, "8"), far(9, "9")],
        ventures: &[Venture { remote: SPACES, ..*MESH_VENTURE }],
        ..MESH
    };
    let bench = Bench::outside(&MANY);
    assert_eq!((bench.gateway.neighbours().count(), bench.gateway.stats().neighbours_full), (4, 1));
    // The same for those of another MIB; of those that there were the places are free.
    let mut bench = Bench::declared(&MESH);
    bench.gateway.change_mib(bench.now(), &MANY, &mut bench.wire, &mut ignore).unwrap();
    assert_eq!((bench.gateway.neighbours().count(), bench.gateway.stats().neighbours_full), (4, 1));
}

/// 32 neighbours are known apart, whatever the storage.
#[test]
fn no_more_than_32_neighbours() {
    let spaces: Vec<_> =
        (100..140).map(|number| RemoteMessageSpace::new(continuum(number), "udp@n")).collect();
    let venture = Venture { remote: spaces.leak(), ..*MESH_VENTURE };
    let many = Box::leak(Box::new(Mib { ventures: vec![venture].leak(), ..MESH }));
    let sizes = Sizes { neighbours: 50, ..Sizes::USUAL };
    let bench = Bench::sized(many, GatewayConfig::default(), sizes);
    assert_eq!(
        (bench.gateway.neighbours().count(), bench.gateway.stats().neighbours_full),
        (32, 8)
    );
}

fn urgent(priority: u8) -> AamsHeader {
    let priority = Priority::new(priority).unwrap();
    AamsHeader { priority, ..letter((2, 5), SubjectNumber(9)) }
}

/// A gateway whose channel to `n1`, which wants what `m5` publishes, is away.
fn away(parcels: usize, blocks: usize) -> Bench {
    let mut bench = Bench::declared_with(&MESH, parcels, blocks);
    bench.module(2, 5);
    bench.petition("n1", 2, on(9, all_of(2)));
    bench.wire.take();
    bench.wire.busy.insert("n1".to_string());
    bench
}

/// What comes when the channel is back.
fn returns(bench: &mut Bench) -> Vec<String> {
    bench.wire.busy.clear();
    bench.seconds += 1;
    bench.tick();
    bench.rpdus().iter().map(|line| line.rsplit(' ').next().unwrap().to_string()).collect()
}

#[test]
fn parcels_full() {
    let mut bench = away(2, 16);
    for (priority, data) in [(8, "a"), (9, "b"), (9, "c"), (10, "d"), (1, "e")] {
        bench.aams(&urgent(priority), data.as_bytes()).unwrap();
    }
    let StoreStats { kept, displaced, refused, .. } = *bench.gateway.store_stats();
    assert_eq!((kept, displaced, refused), (4, 2, 1));
    assert_eq!(returns(&mut bench), ["e", "a"]);
}

/// 28 octets and the data, in blocks of 60. A message that would need the room of one
/// more urgent is refused, and nothing gives way for it.
#[test]
fn blocks_full() {
    let mut bench = away(9, 4);
    let long = |octets: usize, with: char| with.to_string().repeat(octets);
    bench.aams(&urgent(2), long(120, 'a').as_bytes()).unwrap();
    bench.aams(&urgent(9), b"b").unwrap();
    bench.aams(&urgent(5), long(90, 'c').as_bytes()).unwrap();
    assert_eq!((bench.gateway.waiting(), bench.gateway.store_stats().refused), (2, 1));
    // One that never fits.
    bench.aams(&urgent(1), long(300, 'd').as_bytes()).unwrap();
    assert_eq!((bench.gateway.waiting(), bench.gateway.store_stats().refused), (2, 2));
    // One that fits when the least urgent goes.
    bench.aams(&urgent(5), b"e").unwrap();
    let StoreStats { displaced, most_octets, .. } = *bench.gateway.store_stats();
    assert_eq!((displaced, most_octets), (1, 256));
    assert_eq!(returns(&mut bench), [long(120, 'a'), "e".to_string()]);
}

#[test]
fn a_store_of_nothing_keeps_nothing() {
    for (parcels, blocks) in [(0, 16), (4, 0)] {
        let mut bench = away(parcels, blocks);
        bench.aams(&urgent(1), b"lost").unwrap();
        assert_eq!((bench.gateway.waiting(), bench.gateway.store_stats().refused), (0, 1));
    }
}

/// The buffer for RPDUs, and the channel: what is longer is forwarded by none.
#[test]
fn rpdus_too_long() {
    let sizes = Sizes { rpdu: 40, ..Sizes::USUAL };
    let mut bench = Bench::sized(&MESH, GatewayConfig::default(), sizes).join().be_declared_to();
    bench.module(2, 5);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    bench.petition("n1", 2, on(9, all_of(2)));
    bench.wire.take();
    bench.aams(&urgent(8), b"twelve, fine").unwrap();
    bench.aams(&urgent(8), b"thirteen, no.").unwrap();
    assert_eq!(bench.rpdus(), ["n1 4 9 0.0.2>0 twelve, fine"]);
    assert_eq!(bench.gateway.stats().too_long, 1);
    // The other way it has 12 octets more, for the envelope is not delivered.
    for (data, delivered) in [(24, 1), (25, 0)] {
        let content = enclosed((1, 8), 9, "x".repeat(data).as_bytes());
        bench.rams("n1", &envelope(4, (0, 0, 0), 2, 9), &content);
        assert_eq!(bench.messages().len(), delivered);
    }
    assert_eq!(bench.gateway.stats().not_delivered, 1);
    // A channel that carries less, at once and when it is back.
    bench.wire.longest = Some(30);
    bench.aams(&urgent(8), b"three").unwrap();
    bench.wire.busy.insert("n1".to_string());
    bench.aams(&urgent(8), b"three").unwrap();
    bench.aams(&urgent(8), b"2!").unwrap();
    assert_eq!(returns(&mut bench), ["2!"]);
    assert_eq!(bench.gateway.stats().too_long, 3);
    assert_eq!(bench.gateway.store_stats().withdrawn, 1);
}

/// Rules of modules here that are not known are wanted of nobody.
#[test]
fn rules_full() {
    let mut bench = Bench::declared(&MESH);
    bench.module(2, 5);
    // With the invitation of the gateway there are 32.
    for subject in 100..131 {
        bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), subject, all_of(2));
    }
    assert_eq!(bench.gateway.module().meta_stats().full, 0);
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    assert_eq!(bench.gateway.module().meta_stats().full, 1);
    assert_eq!(bench.rpdus(), Vec::<String>::new());
    bench.rule(MpduType::UNSUBSCRIBE, id(2, 0, 5), 100, all_of(2));
    bench.rule(MpduType::SUBSCRIBE, id(2, 0, 5), 9, all_of(0));
    assert_eq!(bench.rpdus(), ["n1 2 9 0.0.0>0", "n3 2 9 0.0.0>0"]);
}

/// 16 own rules: an invitation, the subscriptions to three pseudo-subjects, and
/// twelve that neighbours ask for.
#[test]
fn own_rules_full() {
    let sizes = Sizes { petitions: 40, ..Sizes::USUAL };
    let mut bench = Bench::sized(&MESH, GatewayConfig::default(), sizes).join().be_declared_to();
    bench.wire.take();
    for subject in 10..24 {
        bench.petition("n1", 2, on(subject, all_of(2)));
    }
    let told: Vec<_> = (10..22).map(|subject| format!("subscribe {subject}")).collect();
    assert_eq!(bench.told(), told);
    // Tried with each change: twice the one, once the other.
    assert_eq!(bench.gateway.stats().not_subscribed, 3);
    // When one is not wanted any more there is room for another.
    bench.petition("n1", 3, on(10, all_of(2)));
    let mut told = bench.told();
    bench.petition("n1", 3, on(11, all_of(2)));
    told.extend(bench.told());
    bench.petition("n1", 2, on(12, all_of(2)));
    told.extend(bench.told());
    told.sort();
    let due = ["subscribe 22", "subscribe 23", "unsubscribe 10", "unsubscribe 11"];
    assert_eq!(told, due);
}

#[test]
fn clause_4_2_10_1_1_the_gateway_subscribes_to_what_its_role_may_receive() {
    const GUARDED: Mib<'static> = Mib {
        ventures: &[Venture {
            subjects: &[Subject {
                receivers: &[RoleNumber(3)],
                ..Subject::new(SubjectNumber(21), "not for gateways")
            }],
            ..*MESH_VENTURE
        }],
        ..MESH
    };
    let mut bench = Bench::declared(&GUARDED);
    bench.wire.take();
    bench.petition("n1", 2, on(21, all_of(2)));
    assert_eq!(bench.told(), Vec::<String>::new());
    assert_eq!(bench.gateway.stats().not_subscribed, 1);
    bench.petition("n1", 2, on(22, all_of(2)));
    assert_eq!(bench.told(), ["subscribe 22"]);
}
