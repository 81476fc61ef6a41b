//! Remote AMS: whole ventures of several continua, each with its configuration
//! server, registrar, gateway and modules, on virtual time.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::std_instead_of_core,
    clippy::unwrap_used,
    reason = "a test may stop on anything"
)]

#[path = "../sim/network.rs"]
#[expect(dead_code, reason = "not all that a network can do is done here")]
mod network;
mod venture;

use std::time::Duration;

use farpost::ams::mib::RamsNetwork;

use network::Weather;
use venture::{Plan, Venture};

const MINUTE: Duration = Duration::from_secs(60);

/// Two continua: a subscriber in one gets what is published in the other, once.
#[test]
fn a_message_crosses_to_the_subscribers_of_another_continuum() {
    let mut venture = Venture::new(Plan::line(1, 2, RamsNetwork::Mesh), Weather::FAIR);
    venture.start();
    venture.network.run(MINUTE);
    venture.subscribe_everybody();
    venture.network.run(MINUTE);
    let letters = venture.publish_everybody();
    assert!(letters > 0);
    venture.network.run(MINUTE);
    assert!(venture.crossings() > 0);
    venture.check();
}

/// In a mesh nothing crosses more than one channel; everyone gets everything once.
#[test]
fn a_mesh_serves_every_subscription_once() {
    for seed in 0..6 {
        let mut venture = Venture::new(Plan::mesh(seed, 5), Weather::FAIR);
        exercise(&mut venture);
    }
}

/// In a tree gateways forward for one another.
#[test]
fn a_tree_serves_every_subscription_once() {
    for seed in 0..6 {
        let mut venture = Venture::new(Plan::tree(seed, 8), Weather::FAIR);
        exercise(&mut venture);
    }
}

/// Queries, replies and announcements cross continua, in mesh and tree.
#[test]
fn private_messages_cross_to_whom_they_are_for() {
    for seed in 0..4 {
        let plan = if seed % 2 == 0 { Plan::mesh(seed, 4) } else { Plan::tree(seed, 8) };
        let mut venture = Venture::new(plan, Weather::FAIR);
        venture.start();
        venture.network.run(MINUTE);
        venture.invite_everybody();
        venture.network.run(MINUTE);
        venture.converse();
        venture.network.run(MINUTE);
        venture.check_private();
    }
}

/// The same where channels lose, repeat and reorder; what is said about petitions
/// then is said again.
#[test]
fn petitions_survive_bad_channels() {
    let weather =
        Weather { loss: 100, duplication: 100, refusal: 50, jitter: Duration::from_millis(200) };
    for seed in 0..4 {
        let plan = if seed % 2 == 0 { Plan::mesh(seed, 4) } else { Plan::tree(seed, 6) };
        let mut venture = Venture::new(plan, weather);
        venture.start();
        venture.network.run(5 * MINUTE);
        for _ in 0..30 {
            venture.change_something();
            venture.network.run(Duration::from_secs(2));
        }
        venture.network.weather = Weather::FAIR;
        venture.network.run(10 * MINUTE);
        venture.forget_letters();
        venture.forget_letters();
        venture.publish_everybody();
        venture.network.run(MINUTE);
        venture.check();
    }
}

/// A gateway that is restarted, with and without a farewell, is served again.
#[test]
fn a_gateway_returns() {
    for seed in 0..4 {
        let plan = if seed % 2 == 0 { Plan::mesh(seed, 3) } else { Plan::tree(seed, 5) };
        let mut venture = Venture::new(plan, Weather::FAIR);
        venture.start();
        venture.network.run(MINUTE);
        venture.subscribe_everybody();
        venture.network.run(MINUTE);
        venture.restart_gateway(usize::try_from(seed).unwrap() % 3, seed < 2);
        venture.network.run(10 * MINUTE);
        venture.forget_letters();
        venture.publish_everybody();
        venture.network.run(MINUTE);
        venture.check();
    }
}

/// When nobody subscribes any more, no petition is left but the declarations.
#[test]
fn cancellation_removes_all_state() {
    for plan in [Plan::mesh(3, 4), Plan::tree(3, 6)] {
        let mut venture = Venture::new(plan, Weather::FAIR);
        venture.start();
        venture.network.run(MINUTE);
        venture.subscribe_everybody();
        venture.network.run(MINUTE);
        assert!(venture.petitions() > 0);
        venture.unsubscribe_everybody();
        venture.network.run(2 * MINUTE);
        assert_eq!(venture.petitions(), 0);
    }
}

fn exercise(venture: &mut Venture) {
    venture.start();
    venture.network.run(MINUTE);
    for _ in 0..3 {
        for _ in 0..10 {
            venture.change_something();
        }
        venture.network.run(MINUTE);
        venture.forget_letters();
        venture.publish_everybody();
        venture.network.run(MINUTE);
        venture.check();
    }
}
