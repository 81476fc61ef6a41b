//! Static configurations: conformance classes 1, 3 and 5.

use core::time::Duration;
use std::boxed::Box;
use std::vec::Vec;

use super::harness::{CONTINUUM, MIB, Wire, assertion, at, domain, id};
use crate::ams::ids::{ContextNumber, ModuleId, ModuleKey, SubjectNumber};
use crate::ams::mib::{ChangeRefused, Item, Mib};
use crate::ams::module::{
    Fanout, ModuleMemory, StaticFault, StaticInvalid, StaticMember, StaticModule, StaticSpace,
};
use crate::ams::pdu::{AssertionValues, DeliveryPoint, DeliveryVectorValues};
use crate::ams::service::{Delivery, Fault, Indication, Message};

const SENSOR: ModuleId = id(2, 1, 1);
const READER: ModuleId = id(3, 1, 2);
const KEEPER: ModuleId = id(4, 3, 1);

const fn vectors(name: &'static [DeliveryPoint<'static>]) -> [DeliveryVectorValues<'static>; 1] {
    [DeliveryVectorValues { number: 1, points: name }]
}

const SPACE: StaticSpace<'static> = StaticSpace {
    venture: MIB.ventures[0].number,
    members: &[
        StaticMember {
            delivery_vectors: &vectors(&[DeliveryPoint { service: "udp", endpoint: "s" }]),
            invitations: &[assertion(5)],
            ..StaticMember::new(SENSOR)
        },
        StaticMember {
            delivery_vectors: &vectors(&[
                DeliveryPoint { service: "tcp", endpoint: "?" },
                DeliveryPoint { service: "udp", endpoint: "r" },
            ]),
            subscriptions: &[assertion(1)],
            invitations: &[assertion(4), assertion(21)],
            ..StaticMember::new(READER)
        },
        StaticMember {
            delivery_vectors: &vectors(&[DeliveryPoint { service: "udp", endpoint: "k" }]),
            subscriptions: &[
                assertion(1),
                // From the unit of the others it is not asked for.
                AssertionValues { domain: domain(7, 3, 0), ..assertion(2) },
            ],
            invitations: &[assertion(4)],
            ..StaticMember::new(KEEPER)
        },
    ],
};
// The point of `const`: this file does not compile when it is wrong.
const _: () = assert!(SPACE.validate(&UNMANAGED).is_ok());

/// The MIB of the tests without a configuration server.
const UNMANAGED: Mib<'static> = Mib { config_servers: &[], ..MIB };

fn module(me: ModuleId) -> StaticModule<'static> {
    let memory = Box::leak(Box::new(ModuleMemory::<2, 8, 4, 2, 0, 120>::new()));
    let mut wire = Wire::default();
    StaticModule::new(&UNMANAGED, &SPACE, me.key(), memory.storage(), &mut wire).unwrap()
}

/// Takes what was sent to `name`.
fn taken(wire: &mut Wire, name: &str) -> Vec<Vec<u8>> {
    let sent = core::mem::take(&mut wire.sent);
    let (to, others) = sent.into_iter().partition::<Vec<_>, _>(|one| one.to == name);
    wire.sent = others;
    to.into_iter().map(|one| one.octets).collect()
}

fn in_context(subject: i16, context: u32) -> Message<'static> {
    Message { context: ContextNumber(context), ..Message::new(SubjectNumber(subject), b"data") }
}

#[test]
fn class_1_static_basic_send_and_receive() {
    let (mut sensor, mut reader) = (module(SENSOR), module(READER));
    let mut wire = Wire::default();
    assert_eq!((sensor.id(), reader.id()), (SENSOR, READER), "members at once");
    let message = in_context(4, 0);
    sensor.send((CONTINUUM, READER.key()), &message, &mut wire).unwrap();
    let octets = taken(&mut wire, "r").remove(0);
    let Ok(Delivery::Message(received)) = reader.receive_aams(&octets) else { panic!("none") };
    assert_eq!((received.source, received.data), (SENSOR.key(), &b"data"[..]));
    // 4.3.1, 4.3.4 and 4.3.8 are those of every module.
    let mut refused = |to: ModuleKey, subject| {
        sensor.send((CONTINUUM, to), &in_context(subject, 0), &mut wire).unwrap_err()
    };
    assert_eq!(refused(READER.key(), 5), Fault::NotInvited);
    assert_eq!(refused(READER.key(), 20), Fault::NotAuthorisedSender);
    assert_eq!(refused(id(3, 1, 9).key(), 4), Fault::UnknownDestination);
    assert!(wire.sent.is_empty());
    let stranger = super::harness::Letter { source: id(3, 1, 9).key(), ..letter(20) }.octets();
    let fault = Fault::SenderNotAuthorised(id(3, 1, 9).key());
    assert_eq!(reader.receive_aams(&stranger), Err(fault));
}

const fn letter(subject: i16) -> super::harness::Letter<'static> {
    super::harness::Letter::new(subject, b"")
}

#[test]
fn class_3_static_client_server_query_and_reply() {
    let (mut sensor, mut reader) = (module(SENSOR), module(READER));
    let mut wire = Wire::default();
    let term = Some(Duration::from_secs(2));
    let to = (CONTINUUM, READER.key());
    sensor.query(at(0), to, &in_context(4, 7), term, &mut wire).unwrap();
    let again = sensor.query(at(0), to, &in_context(4, 7), term, &mut wire);
    assert_eq!(again, Err(Fault::ContextPending));
    let octets = taken(&mut wire, "r").remove(0);
    let Ok(Delivery::Query(query)) = reader.receive_aams(&octets) else { panic!("none") };
    let answer = Message { context: query.context, ..in_context(5, 0) };
    reader.reply((query.continuum, query.source), &answer, &mut wire).unwrap();
    let octets = taken(&mut wire, "s").remove(0);
    let Ok(Delivery::Reply(reply)) = sensor.receive_aams(&octets) else { panic!("none") };
    assert_eq!((reply.context, sensor.next_deadline()), (ContextNumber(7), None));
    // The other way: no reply comes.
    sensor.query(at(0), to, &in_context(4, 8), term, &mut wire).unwrap();
    assert_eq!(sensor.next_deadline(), Some(at(2_000).monotonic));
    let mut heard = Vec::new();
    for millis in [1_999, 2_000, 2_001] {
        sensor.tick(at(millis), &mut |event| heard.push(event));
    }
    assert_eq!(heard, [Indication::Fault(Fault::QueryTimedOut(ContextNumber(8)))]);
    assert_eq!(sensor.next_deadline(), None);
    sensor.query(at(9), to, &in_context(4, 8), None, &mut wire).unwrap();
    assert!(sensor.abandon_query(ContextNumber(8)));
}

#[test]
fn class_5_static_closed_bus_publish_and_announce() {
    let mut sensor = module(SENSOR);
    let mut wire = Wire::default();
    let mut faults = Vec::new();
    let fanout = sensor.publish(&in_context(1, 0), &mut wire, &mut |event| faults.push(event));
    assert_eq!(fanout, Ok(Fanout { sent: 2, failed: 0 }));
    for (name, me) in [("r", READER), ("k", KEEPER)] {
        let octets = taken(&mut wire, name).remove(0);
        assert!(matches!(module(me).receive_aams(&octets), Ok(Delivery::Message(_))));
    }
    let none = sensor.publish(&in_context(2, 0), &mut wire, &mut |event| faults.push(event));
    assert_eq!(none, Ok(Fanout::default()), "the domain does not include it");
    let at_keepers = domain(7, 0, 4);
    let fanout = sensor.announce(at_keepers, &in_context(4, 0), &mut wire, &mut |event| {
        faults.push(event);
    });
    assert_eq!(fanout, Ok(Fanout { sent: 1, failed: 0 }));
    assert_eq!(taken(&mut wire, "k").len(), 1);
    assert_eq!((faults.len(), wire.sent.len()), (0, 0));
    assert_eq!(sensor.message_stats().sent, 3);
}

#[test]
fn nobody_is_told_anything_and_nothing_times_out() {
    let mut reader = module(READER);
    assert_eq!(reader.next_deadline(), None);
    let mut heard = Vec::new();
    reader.tick(at(u64::from(u32::MAX)), &mut |event| heard.push(event));
    assert!(heard.is_empty());
    assert_eq!(reader.peers().count(), 2);
}

#[test]
fn a_static_module_goes_by_another_mib() {
    const CLOSED: Mib<'static> = Mib { ventures: &[], ..UNMANAGED };
    const KEYED: Mib<'static> = Mib { public_key: b"key", ..UNMANAGED };
    let mut sensor = module(SENSOR);
    assert_eq!(sensor.change_mib(&CLOSED), Err(ChangeRefused::Fixed(Item::Venture(0))));
    assert_eq!(sensor.change_mib(&KEYED), Ok(()));
}

#[test]
fn storage_holds_the_message_space_or_says_what_it_lacks() {
    let mut wire = Wire::default();
    let mut small = ModuleMemory::<1, 8, 4, 2, 0, 120>::new();
    let made = StaticModule::new(&MIB, &SPACE, SENSOR.key(), small.storage(), &mut wire);
    assert_eq!(made.err(), Some(StaticFault::PeersFull(KEEPER.key())));
    let mut small = ModuleMemory::<2, 2, 4, 2, 0, 120>::new();
    let made = StaticModule::new(&MIB, &SPACE, SENSOR.key(), small.storage(), &mut wire);
    assert_eq!(made.err(), Some(StaticFault::RulesFull(READER.key())));
    let mut small = ModuleMemory::<2, 8, 2, 2, 0, 120>::new();
    let made = StaticModule::new(&MIB, &SPACE, READER.key(), small.storage(), &mut wire);
    assert_eq!(made.err(), Some(StaticFault::RulesFull(READER.key())));
    let nobody = id(2, 1, 77).key();
    let made = StaticModule::new(&MIB, &SPACE, nobody, small.storage(), &mut wire);
    assert_eq!(made.err(), Some(StaticFault::NoSuchModule(nobody)));
}

#[test]
fn what_does_not_agree_is_found() {
    let reader = SPACE.members[1];
    let key = READER.key();
    let of = |member| StaticSpace { members: Box::leak(Box::new([member])), ..SPACE };
    let with = |delivery_vectors| of(StaticMember { delivery_vectors, ..reader });
    let uart = vectors(&[DeliveryPoint { service: "uart", endpoint: "1" }]);
    let empty = vectors(&[]);
    let twice = [reader.delivery_vectors[0]; 2];
    let asks = |rule: AssertionValues| {
        of(StaticMember { subscriptions: Box::leak(Box::new([rule])), ..reader })
    };
    let anywhere = AssertionValues { domain: domain(0, 0, 0), ..assertion(0) };
    let keeper = StaticMember { id: KEEPER, ..reader };
    let numbered = |id| of(StaticMember { id, ..reader });
    let module_zero = id(3, 1, 0);
    let unit_unknown = id(3, 8, 2);
    let (all, unknown) = (id(0, 1, 2), id(9, 1, 2));
    for (space, invalid) in [
        (
            StaticSpace { venture: crate::ams::ids::VentureNumber(9), ..SPACE },
            StaticInvalid::UnknownVenture,
        ),
        (numbered(module_zero), StaticInvalid::ModuleZero(module_zero.key())),
        (numbered(unit_unknown), StaticInvalid::UnknownUnit(unit_unknown.key())),
        (numbered(all), StaticInvalid::UnknownRole(key)),
        (numbered(unknown), StaticInvalid::UnknownRole(key)),
        (
            StaticSpace { members: &[SPACE.members[1], SPACE.members[1]], ..SPACE },
            StaticInvalid::Repeated(key),
        ),
        (with(Box::leak(Box::new(uart))), StaticInvalid::UnknownService(key)),
        (with(Box::leak(Box::new(empty))), StaticInvalid::DeliveryVectors(key)),
        (with(Box::leak(Box::new(twice))), StaticInvalid::DeliveryVectors(key)),
        (with(&[]), StaticInvalid::NoDeliveryVector(key, SubjectNumber(1))),
        (asks(anywhere), StaticInvalid::AllSubjectsElsewhere(key)),
        (of(keeper), StaticInvalid::NotAuthorisedReceiver(KEEPER.key(), SubjectNumber(21))),
    ] {
        assert_eq!(space.validate(&UNMANAGED), Err(invalid));
    }
    let wrong = Mib { primary_transport: "", ..UNMANAGED };
    let Err(StaticInvalid::Mib(invalid)) = SPACE.validate(&wrong) else { panic!("valid") };
    assert_eq!(invalid.item, Item::PrimaryTransport);
}
