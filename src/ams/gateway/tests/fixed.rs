//! The gateway of a static message space: conformance class 7.

use std::boxed::Box;
use std::format;
use std::string::String;
use std::vec;
use std::vec::Vec;

use super::bench::{all_of, continuum, far};
use crate::ams::gateway::*;
use crate::ams::ids::{ContextNumber, ModuleId, ModuleKey, Priority, SubjectNumber, VentureNumber};
use crate::ams::mib::{ChangeRefused, Item, RemoteMessageSpace, Role, Venture};
use crate::ams::module::{
    Fanout, ModuleMemory, ModuleStorage, StaticFault, StaticMember, StaticModule, StaticSpace,
};
use crate::ams::pdu::{AssertionValues, DeliveryPoint, DeliveryVectorValues};
use crate::ams::script::{Script, address, at, id};
use crate::ams::service::{Delivery, Message};

const GATEWAY: ModuleId = id(1, 0, 1);
const METER: ModuleId = id(2, 0, 2);
const READER: ModuleId = id(3, 0, 3);

const ROLES: &[Role<'static>] =
    &[Role::new(RoleNumber(2), "meter"), Role::new(RoleNumber(3), "reader")];

const fn rule(subject: i16, domain: Domain) -> AssertionValues {
    AssertionValues {
        subject: SubjectNumber(subject),
        domain,
        delivery_vector: 1,
        priority: Priority::DEFAULT,
        flow_label: 0,
    }
}

/// From the gateway: what it forwards.
fn forwarded(local: u16) -> AssertionValues {
    let SubjectNumber(subject) = continuum(local).pseudo_subject();
    rule(subject, Domain { role: RoleNumber::RAMS_GATEWAY, ..all_of(local) })
}

/// The message space of continuum 1, 2 or 3: a gateway, a meter and a reader each,
/// at `g`, `m` and `r` and the number.
fn space(local: u16) -> StaticSpace<'static> {
    let lend = |rules: &[AssertionValues]| -> &'static [AssertionValues] { rules.to_vec().leak() };
    let at = |name: &str| -> &'static [DeliveryVectorValues<'static>] {
        let endpoint: &'static str = format!("{name}{local}").leak();
        let points: &'static _ = vec![DeliveryPoint { service: "udp", endpoint }].leak();
        vec![DeliveryVectorValues { number: 1, points }].leak()
    };
    let all = [-1, -2, -3, 9].map(|subject| rule(subject, Domain::ALL));
    let members = [
        StaticMember {
            delivery_vectors: at("g"),
            subscriptions: lend(&all),
            ..StaticMember::new(GATEWAY)
        },
        StaticMember {
            delivery_vectors: at("m"),
            invitations: lend(&[forwarded(local), rule(8, Domain::ALL)]),
            ..StaticMember::new(METER)
        },
        StaticMember {
            delivery_vectors: at("r"),
            subscriptions: lend(&[rule(9, Domain::ALL)]),
            invitations: lend(&[forwarded(local), rule(8, Domain::ALL)]),
            ..StaticMember::new(READER)
        },
    ];
    StaticSpace { venture: VentureNumber(1), members: members.to_vec().leak() }
}

/// Continuum 2 is a neighbour of both others; in a mesh so are they of one another.
fn mib(local: u16, network: RamsNetwork) -> &'static Mib<'static> {
    let others = [1, 2, 3].into_iter().filter(|other| *other != local);
    let remote: Vec<_> = others
        .map(|other| RemoteMessageSpace {
            neighbour: network == RamsNetwork::Mesh || other == 2 || local == 2,
            ..RemoteMessageSpace::new(continuum(other), format!("udp@n{other}").leak())
        })
        .collect();
    let venture = Venture {
        roles: ROLES,
        network,
        remote: remote.leak(),
        ..Venture::new(VentureNumber(1), "power", "tests")
    };
    let ventures = vec![venture].leak();
    let names = [(1, "one"), (2, "two"), (3, "three")];
    let others = names.into_iter().filter(|(number, _)| *number != local);
    let continua = others.map(|(number, name)| far(number, name)).collect::<Vec<_>>().leak();
    Box::leak(Box::new(Mib { ventures, continua, ..Mib::new(continuum(local), "field") }))
}

fn module_storage() -> ModuleStorage<'static> {
    Box::leak(Box::new(ModuleMemory::<4, 16, 8, 2, 0, 200>::new())).storage()
}

fn storage() -> GatewayStorage<'static> {
    GatewayStorage {
        module: module_storage(),
        neighbours: vec![Slot::EMPTY; 2].leak(),
        petitions: vec![Slot::EMPTY; 16].leak(),
        parcels: vec![Slot::EMPTY; 4].leak(),
        blocks: vec![Block::EMPTY; 16].leak(),
        rpdu: vec![0; 200].leak(),
    }
}

/// A static message space, and what its modules send.
struct Place {
    gateway: StaticGateway<'static>,
    meter: StaticModule<'static>,
    reader: StaticModule<'static>,
    wire: Script,
}

impl Place {
    fn new(local: u16, network: RamsNetwork) -> Self {
        let mut wire = Script::default();
        let (mib, space) = (mib(local, network), space(local));
        space.validate(mib).unwrap();
        let mut module = |me: ModuleId| {
            StaticModule::new(mib, &space, me.key(), module_storage(), &mut wire).unwrap()
        };
        let (meter, reader) = (module(METER), module(READER));
        let (me, config) = (GATEWAY.key(), GatewayConfig::default());
        let gateway = StaticGateway::new(mib, &space, me, config, storage(), &mut wire).unwrap();
        Self { gateway, meter, reader, wire }
    }
}

/// Three static message spaces.
struct Venue {
    places: Vec<Place>,
    /// What modules got: who, and what.
    got: Vec<String>,
}

impl Venue {
    fn new(network: RamsNetwork) -> Self {
        let places = (1..=3).map(|local| Place::new(local, network)).collect();
        let mut venue = Self { places, got: Vec::new() };
        for place in &mut venue.places {
            place.gateway.start(at(1), &mut place.wire);
        }
        venue.run();
        venue
    }

    /// Everything arrives, and queries are answered.
    fn run(&mut self) {
        loop {
            let mut sent = Vec::new();
            for (from, place) in (1..).zip(&mut self.places) {
                sent.extend(place.wire.take().into_iter().map(|(to, octets)| (from, to, octets)));
            }
            if sent.is_empty() {
                return self.got.sort();
            }
            for (from, to, octets) in sent {
                self.arrive(from, &to, &octets);
            }
        }
    }

    fn arrive(&mut self, from: usize, to: &str, octets: &[u8]) {
        let (kind, local) = to.split_at(1);
        let local: usize = local.parse().unwrap();
        let Place { gateway, meter, reader, wire } = &mut self.places[local - 1];
        let module = match kind {
            "g" => return gateway.receive_aams(at(1), octets, wire).unwrap(),
            "n" => return gateway.receive_rams(at(1), &address(&format!("n{from}")), octets, wire),
            "m" => meter,
            _ => reader,
        };
        let delivery = module.receive_aams(octets).unwrap();
        self.got.push(format!("{to} {}", core::str::from_utf8(delivery.message().data).unwrap()));
        if let Delivery::Query(query) = delivery {
            let from = (query.continuum, query.source);
            let reply = Message { context: query.context, ..message(8, b"answer") };
            module.reply(from, &reply, wire).unwrap();
        }
    }

    fn got(&mut self) -> Vec<String> {
        self.run();
        core::mem::take(&mut self.got)
    }
}

fn message(subject: i16, data: &[u8]) -> Message<'_> {
    Message { context: ContextNumber(5), ..Message::new(SubjectNumber(subject), data) }
}

/// Basic, synchronous and multi-point exchange across static message spaces, in mesh and
/// tree: 4.3.3 and 4.4 without 4.2.
#[test]
fn class_7_static_open_bus_crosses_continua() {
    for network in [RamsNetwork::Mesh, RamsNetwork::Tree] {
        let mut venue = Venue::new(network);
        let neighbours = usize::from(network == RamsNetwork::Mesh);
        for (place, count) in venue.places.iter().zip([1 + neighbours, 2, 1 + neighbours]) {
            let gateway = place.gateway.gateway();
            assert_eq!(usize::try_from(gateway.declared().len()), Ok(count));
            assert_eq!(gateway.stats().not_subscribed, 0);
        }
        let nobody = &mut |indication| panic!("{indication:?}");
        let Place { meter, wire, .. } = &mut venue.places[0];
        // The reader here, and the gateway.
        let fanout = meter.publish(&message(9, b"read"), wire, nobody);
        assert_eq!(fanout, Ok(Fanout { sent: 2, failed: 0 }));
        assert_eq!(venue.got(), ["r1 read", "r2 read", "r3 read"]);

        let Place { meter, wire, .. } = &mut venue.places[0];
        meter.send((continuum(3), READER.key()), &message(8, b"sent"), wire).unwrap();
        assert_eq!(venue.got(), ["r3 sent"]);

        let Place { meter, wire, .. } = &mut venue.places[0];
        let to = (continuum(3), READER.key());
        meter.query(at(1), to, &message(8, b"asked"), None, wire).unwrap();
        assert_eq!(venue.got(), ["m1 answer", "r3 asked"]);

        let Place { meter, wire, .. } = &mut venue.places[0];
        meter.announce(Domain::ALL, &message(8, b"told"), wire, nobody).unwrap();
        assert_eq!(venue.got(), ["m2 told", "m3 told", "r1 told", "r2 told", "r3 told"]);
        let readers = Domain { role: RoleNumber(3), ..all_of(2) };
        let Place { meter, wire, .. } = &mut venue.places[0];
        meter.announce(readers, &message(8, b"read!"), wire, nobody).unwrap();
        assert_eq!(venue.got(), ["r2 read!"]);
    }
}

#[test]
fn a_static_gateway_starts_stops_and_waits_for_its_channels() {
    let mut place = Place::new(2, RamsNetwork::Mesh);
    let Place { gateway, wire, .. } = &mut place;
    assert_eq!(gateway.next_deadline(), None);
    gateway.receive_rams(at(1), &address("n1"), &[2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], wire);
    assert_eq!(gateway.gateway().stats().inappropriate, 1);
    gateway.start(at(1), wire);
    gateway.start(at(1), wire);
    let codes = |wire: &mut Script| -> Vec<u8> {
        wire.take().into_iter().map(|(_, octets)| octets[0]).collect()
    };
    assert_eq!(codes(wire), [3, 2, 3, 2]);
    assert_eq!(gateway.next_deadline(), Some(at(11).monotonic));
    gateway.tick(at(11), wire);
    assert_eq!(codes(wire), [2, 2]);
    gateway.receive_rams(at(12), &address("n1"), &[2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], wire);
    assert_eq!(gateway.gateway().declared().len(), 1);
    // What nobody here publishes to it by design is counted.
    gateway.receive_rams(at(12), &address("n1"), &[2, 0, 0, 2, 0, 0, 0, 0, 0, 77, 0, 0], wire);
    assert_eq!(gateway.gateway().stats().not_subscribed, 1);
    codes(wire);
    gateway.stop(at(20), wire);
    gateway.stop(at(20), wire);
    assert_eq!((codes(wire), gateway.next_deadline()), (vec![3, 3], None));
    gateway.tick(at(9_999), wire);
    assert_eq!(codes(wire), Vec::<u8>::new());
}

#[test]
fn a_static_gateway_goes_by_another_mib() {
    let mut place = Place::new(2, RamsNetwork::Mesh);
    let Place { gateway, wire, .. } = &mut place;
    gateway.start(at(1), wire);
    let closed = Box::leak(Box::new(Mib { ventures: &[], ..*mib(2, RamsNetwork::Mesh) }));
    let refused = gateway.change_mib(at(2), closed, wire);
    assert_eq!(refused, Err(ChangeRefused::Fixed(Item::Venture(0))));
    assert_eq!(gateway.change_mib(at(2), mib(2, RamsNetwork::Tree), wire), Ok(()));
}

#[test]
fn only_a_gateway_is_a_static_gateway() {
    let mut wire = Script::default();
    let (mib, space) = (mib(1, RamsNetwork::Mesh), space(1));
    let mut made = |me: ModuleKey| {
        let config = GatewayConfig::default();
        StaticGateway::new(mib, &space, me, config, storage(), &mut wire).err()
    };
    assert_eq!(made(METER.key()), Some(StaticFault::NoGateway(METER.key())));
    let nobody = id(1, 0, 9).key();
    assert_eq!(made(nobody), Some(StaticFault::NoSuchModule(nobody)));
}
