//! Every part of a MIB, wrong in every way.

use core::time::Duration;

use super::*;
use crate::ams::ids::VentureNumber;

const LOCAL: ContinuumNumber = ContinuumNumber::from_bits(2);
const FAR: ContinuumNumber = ContinuumNumber::from_bits(3);

const VENTURE: Venture<'_> = Venture {
    units: &[Unit::ROOT, Unit::new(UnitNumber(1), "north")],
    roles: &[Role::new(RoleNumber(1), "RAMS"), Role::new(RoleNumber(2), "ssd")],
    subjects: &[Subject { senders: &[RoleNumber(2)], ..Subject::new(SubjectNumber(1), "report") }],
    remote: &[RemoteMessageSpace::new(FAR, "udp@far:4000")],
    ..Venture::new(VentureNumber(1), "sensing", "test")
};
const GOOD: Mib<'_> = Mib {
    continua: &[continuum(FAR, "far")],
    config_servers: &["@:2357"],
    default_delivery: &[DeliveryPointSpec { service: "tcp", endpoint: "@:2358" }],
    ventures: &[VENTURE],
    ..Mib::new(LOCAL, "near")
};
// The point of `const`: this file does not compile when it is wrong.
const _: () = assert!(GOOD.validate().is_ok());

const fn continuum(number: ContinuumNumber, name: &str) -> Continuum<'_> {
    Continuum { number, name, neighbour: true, description: "" }
}

fn assert_invalid(mib: &Mib<'_>, item: Item, fault: Fault) {
    assert_eq!(mib.validate(), Err(Invalid { item, fault }));
}

fn assert_venture_invalid(venture: Venture<'_>, item: Item, fault: Fault) {
    assert_invalid(&Mib { ventures: &[venture], ..GOOD }, item, fault);
}

#[test]
fn continua_have_numbers_and_names_of_their_own() {
    for (local, fault) in [
        (continuum(ContinuumNumber::ALL, "near"), Fault::ReservedNumber),
        (continuum(LOCAL, ""), Fault::NoName),
    ] {
        assert_invalid(&Mib { continuum: local, ..GOOD }, Item::Continuum, fault);
    }
    for (later, fault) in [
        (continuum(ContinuumNumber::ALL, "x"), Fault::ReservedNumber),
        (continuum(ContinuumNumber::MAX, ""), Fault::NoName),
        (continuum(LOCAL, "x"), Fault::RepeatedNumber),
        (continuum(FAR, "x"), Fault::RepeatedNumber),
        (continuum(ContinuumNumber::MAX, "near"), Fault::RepeatedName),
        (continuum(ContinuumNumber::MAX, "far"), Fault::RepeatedName),
    ] {
        let continua = [continuum(FAR, "far"), later];
        assert_invalid(&Mib { continua: &continua, ..GOOD }, Item::RemoteContinuum(1), fault);
    }
}

#[test]
fn timers_and_the_heartbeat_limit_are_not_zero() {
    for timers in [
        Timers { n1: Duration::ZERO, ..Timers::NOMINAL },
        Timers { n2: Duration::ZERO, ..Timers::NOMINAL },
        Timers { n3: Duration::ZERO, ..Timers::NOMINAL },
    ] {
        assert_invalid(&Mib { timers, ..GOOD }, Item::Timers, Fault::ZeroTimer);
    }
    let timers = Timers { n6: 0, ..Timers::NOMINAL };
    assert_invalid(&Mib { timers, ..GOOD }, Item::Timers, Fault::ZeroHeartbeatLimit);
}

#[test]
fn statuses_are_aggregated_for_less_than_n5() {
    let n5 = GOOD.timers.n5();
    for (aggregation, valid) in [(n5, false), (n5 - Duration::from_nanos(1), true)] {
        let mib = Mib { policy: Policy { aggregation, ..Policy::NOMINAL }, ..GOOD };
        if valid {
            assert_eq!(mib.validate(), Ok(()));
        } else {
            assert_invalid(&mib, Item::Policy, Fault::LongAggregation);
        }
    }
}

#[test]
fn transport_services_and_endpoints_fit_delivery_point_names() {
    for (name, fault) in [
        ("", Fault::NoName),
        ("sixteen-letters!", Fault::LongServiceName),
        ("a=b", Fault::ServiceNameCharacter),
        ("a,b", Fault::ServiceNameCharacter),
        ("a b", Fault::ServiceNameCharacter),
    ] {
        assert_invalid(&Mib { primary_transport: name, ..GOOD }, Item::PrimaryTransport, fault);
        let mode = super::super::ServiceMode::ASSURED;
        let transports = [GOOD.transports[1], TransportService { name, mode }];
        assert_invalid(&Mib { transports: &transports, ..GOOD }, Item::Transport(1), fault);
    }
    let long = "x".repeat(64);
    for (name, fault) in [
        ("", Fault::NoEndpoint),
        (long.as_str(), Fault::LongEndpoint),
        ("a,b", Fault::EndpointCharacter),
        ("a\0", Fault::EndpointCharacter),
    ] {
        let servers = ["@:1", name];
        assert_invalid(&Mib { config_servers: &servers, ..GOOD }, Item::ConfigServer(1), fault);
        let points = [DeliveryPointSpec { service: "udp", endpoint: name }];
        assert_invalid(&Mib { default_delivery: &points, ..GOOD }, Item::DeliveryPoint(0), fault);
    }
    assert_invalid(&Mib { default_madp: &long, ..GOOD }, Item::DefaultMadp, Fault::LongEndpoint);
}

#[test]
fn services_and_locations_are_there_once() {
    assert_invalid(
        &Mib { config_servers: &[], ..GOOD },
        Item::ConfigServers,
        Fault::NoConfigServer,
    );
    assert_invalid(
        &Mib { config_servers: &["@:1", "@:2", "@:1"], ..GOOD },
        Item::ConfigServer(2),
        Fault::RepeatedName,
    );
    let [udp, tcp] = *GOOD.transports else { panic!("two transport services") };
    assert_invalid(
        &Mib { transports: &[udp, tcp, udp], ..GOOD },
        Item::Transport(2),
        Fault::RepeatedName,
    );
    assert_invalid(
        &Mib { transports: &[udp], ..GOOD },
        Item::DeliveryPoint(0),
        Fault::UnknownService,
    );
}

#[test]
fn annex_a_groups_of_ip_multicast_have_32_bits() {
    let groups = IpMulticast {
        mask: core::net::Ipv4Addr::new(239, 192, 0, 0),
        mask_length: 16,
        unit_bits: 8,
        subject_bits: 8,
        port: 5_000,
    };
    let mib = |groups| Mib { ip_multicast: Some(groups), ..GOOD };
    assert_eq!(mib(groups).validate(), Ok(()));
    for (groups, fault) in [
        (IpMulticast { mask_length: 15, ..groups }, Fault::MulticastBits),
        (IpMulticast { mask_length: 255, ..groups }, Fault::MulticastBits),
        (IpMulticast { mask_length: 7, unit_bits: 17, ..groups }, Fault::MulticastBits),
        (IpMulticast { mask: [192, 0, 2, 0].into(), ..groups }, Fault::NotMulticast),
        (IpMulticast { port: 0, ..groups }, Fault::NoMulticastPort),
    ] {
        assert_invalid(&mib(groups), Item::IpMulticast, fault);
    }
    let [udp, tcp] = *GOOD.transports else { panic!("two transport services") };
    let ipm = TransportService { name: "ipm", ..udp };
    assert_invalid(
        &Mib { transports: &[udp, tcp, ipm], ..GOOD },
        Item::Transport(2),
        Fault::NoMulticast,
    );
}

#[test]
fn ventures_are_told_apart() {
    for (venture, fault) in [
        (Venture { number: VentureNumber(0), ..VENTURE }, Fault::ReservedNumber),
        (Venture { application: "", ..VENTURE }, Fault::NoName),
        (Venture { authority: "", ..VENTURE }, Fault::NoAuthority),
        (Venture { units: &[], ..VENTURE }, Fault::NoRootUnit),
    ] {
        assert_venture_invalid(venture, Item::Venture(0), fault);
    }
    for (later, fault) in [
        (Venture { authority: "other", ..VENTURE }, Fault::RepeatedNumber),
        (Venture { number: VentureNumber(2), ..VENTURE }, Fault::RepeatedVenture),
    ] {
        assert_invalid(&Mib { ventures: &[VENTURE, later], ..GOOD }, Item::Venture(1), fault);
    }
}

#[test]
fn units_and_roles_keep_what_annex_b_reserves() {
    let unit = |number, name| Unit::new(UnitNumber(number), name);
    for (unit, fault) in [
        (unit(2, ""), Fault::NoName),
        (unit(1, "south"), Fault::RepeatedNumber),
        (unit(2, "north"), Fault::RepeatedName),
        (unit(0, "south"), Fault::NamedRootUnit),
    ] {
        let venture = Venture { units: &[VENTURE.units[1], unit], ..VENTURE };
        assert_venture_invalid(venture, Item::Unit { venture: 0, unit: 1 }, fault);
    }
    let role = |number, name| Role::new(RoleNumber(number), name);
    for (role, fault) in [
        (role(0, "all"), Fault::ReservedNumber),
        (role(3, ""), Fault::NoName),
        (role(1, "gateway"), Fault::NotRams),
        (role(3, "RAMS"), Fault::NotRams),
        (role(2, "ssm"), Fault::RepeatedNumber),
        (role(3, "ssd"), Fault::RepeatedName),
    ] {
        let venture = Venture { roles: &[VENTURE.roles[1], role], ..VENTURE };
        assert_venture_invalid(venture, Item::Role { venture: 0, role: 1 }, fault);
    }
}

#[test]
fn subjects_are_positive_and_name_roles_there_are() {
    let subject = |number, name| Subject::new(SubjectNumber(number), name);
    for (subject, fault) in [
        (subject(0, "all"), Fault::ReservedNumber),
        (subject(-3, "far"), Fault::ReservedNumber),
        (subject(2, ""), Fault::NoName),
        (subject(1, "scan"), Fault::RepeatedNumber),
        (subject(2, "report"), Fault::RepeatedName),
    ] {
        let venture = Venture { subjects: &[VENTURE.subjects[0], subject], ..VENTURE };
        assert_venture_invalid(venture, Item::Subject { venture: 0, subject: 1 }, fault);
    }
    let roles = [RoleNumber(2), RoleNumber(9)];
    let fault = Fault::UnknownRole(RoleNumber(9));
    let sent = Subject { senders: &roles, ..subject(1, "x") };
    assert_venture_invalid(
        Venture { subjects: &[sent], ..VENTURE },
        Item::Sender { venture: 0, subject: 0, sender: 1 },
        fault,
    );
    let received = Subject { receivers: &roles, ..subject(1, "x") };
    assert_venture_invalid(
        Venture { subjects: &[received], ..VENTURE },
        Item::Receiver { venture: 0, subject: 0, receiver: 1 },
        fault,
    );
}

#[test]
fn message_spaces_are_in_known_remote_continua() {
    for (space, fault) in [
        (RemoteMessageSpace::new(LOCAL, "udp@x:1"), Fault::LocalMessageSpace),
        (
            RemoteMessageSpace::new(ContinuumNumber::MAX, "udp@x:1"),
            Fault::UnknownContinuum(ContinuumNumber::MAX),
        ),
        (RemoteMessageSpace::new(FAR, "udp@x:1"), Fault::RepeatedNumber),
    ] {
        let venture = Venture { remote: &[VENTURE.remote[0], space], ..VENTURE };
        assert_venture_invalid(venture, Item::MessageSpace { venture: 0, space: 1 }, fault);
    }
    let venture = Venture { remote: &[RemoteMessageSpace::new(FAR, "")], ..VENTURE };
    assert_venture_invalid(venture, Item::MessageSpace { venture: 0, space: 0 }, Fault::NoGateway);
}
