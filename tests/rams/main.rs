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

mod entity;
#[path = "../sim/network.rs"]
#[expect(dead_code, reason = "not all that a network can do is done here")]
mod network;
mod operations;
#[path = "../support/shrink.rs"]
mod shrink;
mod stories;
mod venture;

use std::time::Duration;

use farpost::ams::mib::RamsNetwork;

use entity::Plan;
use network::Weather;
use venture::Venture;

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
    venture.check().unwrap();
}

/// Conformance class 8: publications, queries, replies and announcements cross continua
/// whose modules come, subscribe and invite as they like, in a mesh and in a tree.
#[test]
fn class_8_dynamic_open_bus_crosses_continua() {
    for plan in [Plan::mesh(8, 3), Plan::tree(8, 4)] {
        let mut venture = Venture::new(plan, Weather::FAIR);
        venture.start();
        venture.network.run(MINUTE);
        venture.subscribe_everybody();
        venture.invite_everybody();
        venture.network.run(MINUTE);
        venture.publish_everybody();
        venture.converse();
        venture.network.run(MINUTE);
        assert!(venture.crossings() > 0);
        venture.check().unwrap();
        venture.check_private();
    }
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
        venture.check().unwrap();
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
        venture.check().unwrap();
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
        venture.check_clean().unwrap();
    }
}

/// All channels are away for an hour: what is published meanwhile arrives, once.
#[test]
fn an_outage_delays_and_loses_nothing() {
    for plan in [Plan::mesh(5, 3), Plan::tree(5, 5)] {
        let mut venture = Venture::new(plan, Weather::FAIR);
        venture.start();
        venture.network.run(MINUTE);
        venture.subscribe_everybody();
        venture.network.run(MINUTE);
        for channel in 0..10 {
            venture.set_away(channel, true);
        }
        venture.publish_everybody();
        venture.network.run(60 * MINUTE);
        assert_eq!(venture.crossings(), 0);
        venture.all_back();
        venture.network.run(MINUTE);
        assert!(venture.crossings() > 0);
        venture.check().unwrap();
    }
}

/// The loss of any one RPDU is made up for, whichever way it went.
#[test]
fn the_loss_of_any_one_rpdu_is_made_up_for() {
    for plan in [Plan::mesh(7, 3), Plan::line(7, 3, RamsNetwork::Tree)] {
        let mut count = None::<u32>;
        for lost in 0.. {
            if count.is_some_and(|count| lost > count) {
                break;
            }
            let sent = std::rc::Rc::new(std::cell::Cell::new(0));
            let mut venture = Venture::new(plan.clone(), Weather::FAIR);
            let counted = std::rc::Rc::clone(&sent);
            venture.network.censor = Some(Box::new(move |_, port, _| {
                let number = counted.get() + u32::from(port == entity::RAMS);
                counted.set(number);
                port == entity::RAMS && number == lost
            }));
            venture.start();
            venture.network.run(MINUTE / 2);
            venture.subscribe_everybody();
            venture.network.run(MINUTE / 2);
            // What is said until then is tried; then it is said again.
            count.get_or_insert(sent.get());
            venture.network.run(3 * MINUTE);
            venture.publish_everybody();
            venture.network.run(MINUTE / 2);
            venture.check().unwrap_or_else(|why| panic!("RPDU {lost} was lost, {plan:?}: {why}"));
        }
        assert!(count.is_some_and(|count| count > 20), "{count:?}");
    }
}

/// Channels so long that declarations cross: in the end nobody answers any more.
#[test]
fn gateways_far_apart_come_to_rest() {
    for seconds in [2, 30] {
        let mut venture = Venture::new(Plan::mesh(2, 3), Weather::FAIR);
        venture.network.far = Some((entity::RAMS, Duration::from_secs(seconds)));
        venture.start();
        venture.network.run(10 * MINUTE);
        venture.subscribe_everybody();
        venture.network.run(10 * MINUTE);
        let before = venture.rpdus();
        venture.network.run(20 * MINUTE);
        // Twenty refreshes: for each of two neighbours a word that it was heard, the
        // declaration and at most three petitions.
        let refreshed = 20 * 3 * 2 * (2 + 3);
        assert!(venture.rpdus() - before <= refreshed, "{}", venture.rpdus() - before);
        venture.publish_everybody();
        venture.network.run(10 * MINUTE);
        venture.check().unwrap();
    }
}

/// What is cancelled while a neighbour is away, without a word, is not wanted when it is back.
#[test]
fn what_is_cancelled_while_a_gateway_is_away_is_forgotten() {
    let mut venture = Venture::new(Plan::line(4, 2, RamsNetwork::Mesh), Weather::FAIR);
    venture.start();
    venture.network.run(MINUTE);
    venture.subscribe_everybody();
    venture.network.run(MINUTE);
    venture.restart_gateway(1, false);
    venture.unsubscribe_everybody();
    venture.network.run(12 * MINUTE);
    venture.check_clean().unwrap();
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
        venture.check().unwrap();
    }
}
