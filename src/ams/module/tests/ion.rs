//! What ION sent on the wire, replayed: the module takes it as meant.

use std::string::String;
use std::vec::Vec;

use super::harness::Bench;
use crate::ams::ids::{
    ContinuumNumber, ModuleNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber,
};
use crate::ams::mib::{Mib, Venture};
use crate::ams::module::{Membership, ModuleIdentity};
use crate::ams::pdu::{ContactSummaryValues, Deviation, EndpointName};
use crate::ams::service::{Delivery, Fault, Indication};

const MIB: Mib<'static> = Mib {
    config_servers: &["2130706433:2357"],
    ventures: &[Venture::new(VentureNumber(1), "amsdemo", "test")],
    ..Mib::new(ContinuumNumber::from_bits(1), "ion")
};

/// The octets of a capture.
fn captured(name: &str) -> Vec<u8> {
    let file = include_str!("../../../../tests/vectors/ams.json");
    let from = file.find(&std::format!("\"name\": \"{name}\"")).unwrap();
    let hex = file[from..].split('"').skip_while(|part| *part != "hex").nth(2).unwrap();
    (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// The query number a captured answer echoes.
fn echo(octets: &[u8]) -> u32 {
    u32::from_be_bytes(octets[8..12].try_into().unwrap())
}

/// A module whose next query has the number that `answer` echoes.
fn asking(answer: &[u8]) -> Bench {
    let identity = ModuleIdentity {
        venture: VentureNumber(1),
        unit: UnitNumber(0),
        role: RoleNumber(3),
        contact: ContactSummaryValues {
            endpoint: EndpointName::new("2130706433:4000").unwrap(),
            delivery_vectors: super::harness::VECTORS,
        },
        first_query: echo(answer),
    };
    let mut bench = Bench::of(&MIB, identity);
    bench.register().unwrap();
    bench
}

/// A member, as ION's registrar makes it one.
fn member() -> Bench {
    let admission = captured("you_are_in");
    let mut bench = asking(&captured("cell_spec_reply_to_registrar_query"));
    let located = captured("cell_spec_reply_to_registrar_query");
    bench.hear_from("2130706433:2357", &located);
    // Rejected until the question is the one that the captured admission answers.
    for _ in 0..echo(&admission).wrapping_sub(echo(&located)).wrapping_sub(1) {
        let query = last_reference(&bench);
        bench.hear(&reject(query));
        bench.run(bench.now.monotonic.as_micros() / 1_000 + 5_000);
    }
    bench.hear(&admission);
    assert!(matches!(bench.module.membership(), Membership::Member(_)));
    bench.forget();
    bench
}

fn last_reference(bench: &Bench) -> u32 {
    echo(&bench.wire.sent.last().unwrap().octets)
}

/// The captured rejection, as an answer to `query`.
fn reject(query: u32) -> Vec<u8> {
    let mut octets = captured("rejection_reason_2_from_registrar");
    octets[8..12].copy_from_slice(&query.to_be_bytes());
    let length = octets.len() - 2;
    let sum = crate::wire::checksum(&octets[..length]);
    octets[length..].copy_from_slice(&sum.to_be_bytes());
    octets
}

fn rules(bench: &Bench) -> Vec<String> {
    bench.rules()
}

#[test]
fn a_registration_with_ion() {
    let bench = member();
    assert_eq!(bench.module.meta_stats().malformed, 0);
    assert_eq!(bench.module.meta_stats().deviating, 0);
    let own: Vec<_> = bench.module.own_rules().map(|rule| rule.assertion().subject).collect();
    assert_eq!(own, [SubjectNumber(-1)], "ION's gateway exits unless it is invited");
}

#[test]
fn an_unknown_registrar_of_ion() {
    let answer = captured("registrar_unknown");
    let mut bench = asking(&answer);
    bench.hear_from("2130706433:2357", &answer);
    assert_eq!(bench.indications(), [Indication::Fault(Fault::RegistrarUnknown)]);
}

#[test]
fn modules_of_ion_are_noted_and_told() {
    let mut bench = member();
    bench.hear(&captured("I_am_starting"));
    assert_eq!(bench.peers(), ["96/0.2"]);
    assert_eq!(bench.wire.sent.len(), 1);
    let peer = *bench.module.peers().next().unwrap();
    assert!(peer.delivery_point(1).is_some() && peer.delivery_point(2).is_some());
    bench.hear_from("2130706433:44202", &captured("I_am_here_without_subscriptions"));
    assert_eq!(bench.peers(), ["96/0.2"]);
    assert_eq!(bench.module.meta_stats().malformed, 0);
}

#[test]
fn forwarded_copies_of_ion_concern_the_module_in_their_reference() {
    let mut bench = member();
    bench.hear(&captured("I_am_starting"));
    bench.forget();
    bench.hear(&captured("invite_forwarded_by_registrar"));
    assert_eq!(rules(&bench).len(), 1);
    assert!(rules(&bench)[0].starts_with("0.2 i"), "{:?}", rules(&bench));
    assert!(bench.module.meta_stats().deviations.contains(Deviation::SenderRewritten));
    bench.hear(&captured("module_status_forwarded_by_registrar"));
    assert_eq!(bench.peers(), ["96/0.2"]);
    bench.hear(&captured("subscribe_forwarded_by_registrar_pseudo_subject"));
    assert_eq!(bench.module.meta_stats().unknown_module, 1, "another role than is known");
    bench.hear(&captured("I_am_stopping_forwarded_by_registrar"));
    assert_eq!(bench.module.meta_stats().unknown_module, 2);
}

#[test]
fn resynchronisation_with_ion() {
    let mut bench = member();
    bench.hear(&captured("I_am_starting"));
    bench.forget();
    let Membership::Member(ModuleNumber(number)) = bench.module.membership() else { panic!() };
    bench.hear(&captured("cell_status"));
    assert_eq!(bench.wire.sent.len(), 1, "its status is asked for; it is number {number}");
}

#[test]
fn the_end_of_a_module_of_ion() {
    let mut bench = member();
    bench.hear(&captured("heartbeat_registrar_to_module"));
    assert_eq!(bench.module.meta_stats().not_ours, 0);
    bench.hear(&captured("you_are_dead"));
    assert_eq!(bench.module.membership(), Membership::Dead);
}

#[test]
fn messages_of_ions_gateway_yield_what_they_enclose() {
    let mut bench = member();
    for (name, deviating) in [
        ("unary_rams_enclosure_to_module_published", false),
        ("unary_rams_enclosure_to_module_private_or_announced", true),
    ] {
        let before = bench.module.meta_stats().deviating;
        let octets = captured(name);
        let delivery = bench.get(&octets);
        let Ok(Delivery::Message(received)) = delivery else { panic!("{name}: {delivery:?}") };
        assert_ne!(received.continuum.get(), 1, "it is from another continuum");
        assert_eq!(bench.module.meta_stats().deviating > before, deviating);
    }
}
