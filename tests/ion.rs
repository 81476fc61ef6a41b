//! Conversations with ION, captured on loopback while both sides took part in good
//! order (`docs/ion.md`), replayed on virtual time: what ION sent is fed in, and
//! what our machine sends must mean what ION has accepted then.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

#[path = "ion/conversation.rs"]
mod conversation;
#[path = "ion/entities.rs"]
mod entities;
#[path = "ion/gateway.rs"]
mod gateway;
#[path = "ion/replay.rs"]
mod replay;

use conversation::Conversation;
use entities::{Member, Server, Warden};
use farpost::ams::mib::Introduction;
use farpost::ams::module::Membership;
use replay::replay;

/// Reads `tests/vectors/ion/NAME.jsonl`.
macro_rules! conversation {
    ($name:literal) => {
        Conversation::read(include_str!(concat!("vectors/ion/", $name, ".jsonl")))
    };
}

/// Registration through the census, subscription, invitation, query and reply: a
/// module at ION's registrar sends to modules of ION.
#[test]
fn a_module_sends_to_modules_of_ion() {
    let mut member = Member::of(&conversation!("module_sends"));
    replay(&mut member, &conversation!("module_sends"));
    // The last of it is ION's: it prints a text without its end.
    assert!(member.delivered()[0].starts_with("reply 2 Got 'asked by us"));
    assert_eq!(member.stats().malformed, 0);
}

/// Modules of ION come and go; they publish, send, announce and ask.
#[test]
fn a_module_hears_modules_of_ion() {
    let mut member = Member::of(&conversation!("module_hears"));
    replay(&mut member, &conversation!("module_hears"));
    let heard = [
        "message 1 published by ion",
        "message 2 sent by ion",
        "message 2 announced by ion",
        "query 2 asked by ion",
    ];
    assert_eq!(member.delivered(), heard);
    assert_eq!(member.stats().malformed, 0);
}

/// A module of ION is killed; its registrar says so after N5.
#[test]
fn a_module_outlives_modules_of_ion() {
    let mut member = Member::of(&conversation!("module_outlives"));
    replay(&mut member, &conversation!("module_outlives"));
    assert!(matches!(member.membership(), Membership::Member(_)));
}

/// ION's registrar is killed and another takes its place.
#[test]
fn a_module_reconnects_to_a_registrar_of_ion() {
    let mut member = Member::of(&conversation!("module_reconnects"));
    replay(&mut member, &conversation!("module_reconnects"));
    assert!(matches!(member.membership(), Membership::Member(_)));
    assert_eq!(member.delivered(), ["message 1 after the restart"]);
}

/// It was stopped for longer than N5.
#[test]
fn a_module_is_told_by_ion_that_it_is_dead() {
    let mut member = Member::of(&conversation!("module_dies"));
    replay(&mut member, &conversation!("module_dies"));
    assert_eq!(member.membership(), Membership::Dead);
}

/// Modules of ION register, assert, cancel and leave.
#[test]
fn a_registrar_serves_modules_of_ion() {
    let conversation = conversation!("registrar_serves");
    let mut warden = Warden::of(&conversation, Introduction::ByRegistrar, false);
    replay(&mut warden, &conversation);
    assert_eq!((warden.counts().registered, warden.counts().stopped), (6, 4));
}

/// The same where each module introduces itself.
#[test]
fn a_registrar_leaves_the_introduction_to_modules_of_ion() {
    let conversation = conversation!("registrar_by_modules");
    let mut warden = Warden::of(&conversation, Introduction::ByModules, false);
    replay(&mut warden, &conversation);
    assert_eq!(warden.counts().registered, 3);
}

/// A module of ION is killed.
#[test]
fn a_registrar_buries_a_module_of_ion() {
    let conversation = conversation!("registrar_buries");
    let mut warden = Warden::of(&conversation, Introduction::ByRegistrar, false);
    replay(&mut warden, &conversation);
    assert!(warden.counts().imputed >= 1);
}

/// Modules of ION and ours reconnect to a registrar that has taken the place of
/// another.
#[test]
fn modules_of_ion_reconnect_to_a_registrar() {
    let conversation = conversation!("registrar_succeeds");
    let mut warden = Warden::of(&conversation, Introduction::ByRegistrar, true);
    replay(&mut warden, &conversation);
    assert_eq!(warden.counts().reconnected, 3);
    assert_eq!(warden.counts().reconnections_refused, 0);
}

/// A registrar is noted by ION's configuration server.
#[test]
fn a_registrar_announces_itself_to_ion() {
    let conversation = conversation!("registrar_is_noted");
    let mut warden = Warden::of(&conversation, Introduction::ByRegistrar, false);
    replay(&mut warden, &conversation);
    assert!(warden.is_noted());
}

/// A registrar of ION announces itself, and modules ask for it; it is killed, and
/// another takes its place.
#[test]
fn a_configuration_server_serves_a_registrar_of_ion() {
    let mut server = Server::new();
    replay(&mut server, &conversation!("server_serves"));
}

/// Published both ways, with assertions and cancellations.
#[test]
fn a_gateway_publishes_to_and_from_a_gateway_of_ion() {
    let stats = gateway::replay_gateway(include_str!("vectors/ion/gateway_published.jsonl"));
    assert_eq!((stats.malformed, stats.delivered), (0, 1));
}

/// A query and its reply, sent and announced, both ways: what ION encloses has a
/// checksum flag and no checksum.
#[test]
fn a_gateway_forwards_private_messages_to_and_from_a_gateway_of_ion() {
    let stats = gateway::replay_gateway(include_str!("vectors/ion/gateway_privately.jsonl"));
    assert_eq!((stats.malformed, stats.delivered), (0, 3));
}
