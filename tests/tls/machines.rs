//! Machines over our own server and client.

use std::cell::RefCell;

use farpost::host::driver::Entity;
use farpost::host::station::ActorStation;
use farpost::host::tls::{LinkHost, TlsClient, TlsClientOptions};
use farpost::scos::actor::{Actor, ActorConfig, ActorUser};
use farpost::scos::messages::{InventoryItem, Report};
use farpost::scos::{ActorId, Backoff, RequestId, Suspicion};
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::Transport;

use super::harness::{ACTOR, DEVICES, Idle, Network, Post, SECTIONS, client, post, psk, ssd};

#[test]
fn devices_associate_over_tls_and_prove_themselves_by_its_exporter() {
    let mut network = Network::new();
    let mut posts = DEVICES.map(|device| post(network.at(), device));
    network.run("associated", &mut posts, |manager, _| {
        manager.machine.ssm.stats().advertisements == 3 * SECTIONS
    });
    let stats = network.manager.machine.ssm.stats();
    // Bound to the connection at once: no challenge was needed, and nobody suspected.
    assert_eq!((stats.associations, stats.challenges), (3, 0));
    assert_eq!(network.manager.machine.user.suspicions, []);
    let link = network.manager.link.stats();
    assert_eq!((link.accepted, link.handshakes, link.sent), (3, 3, 3 + 3 * SECTIONS));
    assert_eq!(network.manager.link.connections(), (3, 0));
    for (post, device) in posts.iter().zip(DEVICES) {
        let address = network.manager.link.resolve_identity(device).unwrap();
        let peer = network.manager.link.peer(&address);
        assert_eq!(peer.identity, Some(device));
        assert_eq!(peer.binding, post.link.peer(&TlsClient::server()).binding);
        assert!(peer.binding.is_some() && peer.origin.is_some());
    }
}

#[test]
fn a_name_is_resolved_while_others_are_served() {
    let mut network = Network::new();
    let named = format!("localhost:{}", network.at().port());
    let link = |endpoint: &str| {
        let options = TlsClientOptions::new(1);
        TlsClient::new(endpoint, DEVICES[0], &psk(DEVICES[0]), options).unwrap()
    };
    let machine =
        || Post { ssd: ssd(DEVICES[0], DEVICES[0], TlsClient::server()), idle: Idle::default() };
    let mut posts = [LinkHost::new(machine(), link(&named))];
    network.run("associated by name", &mut posts, |_, posts| posts[0].machine.ssd.is_associated());
    assert_eq!(posts[0].link.stats().unresolved, 0);
    // No name of a host, and nobody listens.
    for (endpoint, unresolved) in [("no host:1", true), ("127.0.0.1:1", false)] {
        let mut posts = [LinkHost::new(machine(), link(endpoint))];
        network.run("it fails", &mut posts, |_, posts| {
            let stats = posts[0].link.stats();
            if unresolved { stats.unresolved == 1 } else { stats.unconnected == 1 }
        });
        assert_eq!(posts[0].link.stats().attempts, 1);
    }
}

#[test]
fn a_device_whose_connection_is_lost_is_there_again_at_once() {
    let mut network = Network::new();
    let mut posts = [post(network.at(), DEVICES[0])];
    network.run("associated", &mut posts, |manager, _| {
        manager.machine.ssm.stats().advertisements == SECTIONS
    });
    posts[0].link.reconnect(farpost::time::Instant::ZERO);
    network.run("refreshed", &mut posts, |manager, _| manager.machine.ssm.stats().refreshes == 1);
    assert_eq!(network.manager.link.stats().closed, 1);
    assert_eq!(network.manager.machine.ssm.stats().expiries, 0);
    assert_eq!(posts[0].link.stats().handshakes, 2);
    // Another connection of the same identity takes the place of the first, which comes
    // back after a while: nothing is left over.
    let mut two = [posts.into_iter().next().unwrap(), post(network.at(), DEVICES[0])];
    network.run("superseded", &mut two, |manager, _| manager.link.stats().superseded >= 1);
    assert!(network.manager.link.connections().0 <= 2);
}

#[test]
fn wrong_keys_and_unknown_identities_look_alike_and_are_counted_apart() {
    let mut network = Network::new();
    let mut posts = [DEVICES[0], "mast-9"].map(|identity| {
        let machine =
            Post { ssd: ssd(DEVICES[0], DEVICES[0], TlsClient::server()), idle: Idle::default() };
        LinkHost::new(machine, client(network.at(), identity, &psk("another")))
    });
    network.run("refused", &mut posts, |_, posts| {
        posts.iter().all(|post| post.link.stats().handshakes_refused >= 2)
    });
    let link = network.manager.link.stats();
    assert!(link.wrong_keys >= 2 && link.unknown_identities >= 2, "{link:?}");
    assert_eq!((link.handshakes, link.not_tls), (0, 0));
    assert!(posts.iter().all(|post| post.link.stats().wrong_servers == 0));
    network.still_serves(DEVICES[1]);
}

#[test]
fn a_link_is_of_one_device_and_a_key_without_its_private_key_is_not_enough() {
    let mut network = Network::new();
    let at = network.at();
    // The link of one device, the ID and the keys of another.
    let other =
        Post { ssd: ssd(DEVICES[1], DEVICES[1], TlsClient::server()), idle: Idle::default() };
    // The link and the public key of a device, and another private key.
    let thief =
        Post { ssd: ssd(DEVICES[2], DEVICES[0], TlsClient::server()), idle: Idle::default() };
    let mut posts = [
        LinkHost::new(other, client(at, DEVICES[0], &psk(DEVICES[0]))),
        LinkHost::new(thief, client(at, DEVICES[2], &psk(DEVICES[2]))),
    ];
    network.run("turned away", &mut posts, |_, posts| {
        posts.iter().all(|post| post.machine.ssd.stats().refusals >= 1)
    });
    let suspicions = &network.manager.machine.user.suspicions;
    assert!(suspicions.contains(&Suspicion::OtherIdentity), "{suspicions:?}");
    assert!(suspicions.contains(&Suspicion::WrongProof), "{suspicions:?}");
    assert_eq!(network.manager.machine.ssm.stats().associations, 0);
    network.still_serves(DEVICES[1]);
}

#[test]
fn keys_can_be_taken_away_while_it_runs() {
    let mut network = Network::new();
    let mut posts = [post(network.at(), DEVICES[0]), post(network.at(), DEVICES[1])];
    network
        .run("associated", &mut posts, |manager, _| manager.machine.ssm.stats().associations == 2);
    let (kept, new) = (psk(DEVICES[0]), psk("another"));
    network.manager.link.set_keys([(DEVICES[0], &kept), (DEVICES[1], &new)]).unwrap();
    assert_eq!(network.manager.link.stats().revoked, 1);
    network.run("kept out", &mut posts, |manager, _| manager.link.stats().wrong_keys >= 1);
    assert!(posts[0].link.is_up() && !posts[1].link.is_up());
    assert!(network.manager.link.set_keys([("", &kept)]).is_err());
    assert!(posts[0].link.is_up());
}

/// What an Actor is told.
#[derive(Debug, Default)]
struct Notes {
    items: RefCell<usize>,
}

impl ActorUser for Notes {
    fn report(&mut self, _: Now, _: &Report<'_>) {}

    fn inventory(&mut self, _: Now, _: &InventoryItem<'_>) {
        *self.items.borrow_mut() += 1;
    }
}

#[test]
fn an_actor_is_known_by_the_identity_of_its_link() {
    let mut network = Network::new();
    let at = network.at();
    let seat = |number, identity: &str| {
        let config = ActorConfig {
            actor: ActorId(number),
            ssm: TlsClient::server(),
            first_request: RequestId(1),
            backoff: Backoff::NOMINAL,
            attempts: 5,
        };
        let requests = Vec::leak(vec![Slot::EMPTY]);
        let mut actor = Actor::new(config, requests);
        actor.copy_inventory();
        LinkHost::new(
            ActorStation { actor, user: Notes::default() },
            client(at, identity, &psk(identity)),
        )
    };
    let mut right = seat(7, ACTOR);
    let mut wrong = [seat(8, ACTOR), seat(7, DEVICES[0])];
    let clock = farpost::host::clock::SystemClock::new();
    network.run("the inventory", &mut [], |_, _| {
        right.run(farpost::time::Clock::now(&clock));
        *right.machine.user.items.borrow() == 1
    });
    network.run("usurpers", &mut [], |manager, _| {
        wrong.iter_mut().for_each(|seat| seat.run(farpost::time::Clock::now(&clock)));
        manager.machine.ssm.stats().usurped >= 2
    });
    assert!(wrong.iter().all(|seat| *seat.machine.user.items.borrow() == 0));
}
