//! Whether a MIB agrees with itself and with the standard.
//!
//! Everything here is `const`, so firmware can ask while it is compiled.

use super::fault::{Fault, Invalid, Item};
use super::{
    Binding, Continuum, DeliveryPointSpec, Mib, Policy, Profile, RemoteMessageSpace, Role,
    SignaturePolicy, Subject, Timers, TransportService, Unit, Venture,
};
use crate::ams::endpoint::IpMulticast;
use crate::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber};

type Checked = Result<(), Invalid>;

/// Returns from the function with the fault, where there is one: `?` is not yet
/// `const`.
macro_rules! check {
    ($checked:expr) => {
        if let Err(invalid) = $checked {
            return Err(invalid);
        }
    };
}

/// Runs `$body` for each `$item` of a slice with its index and those `$after` it:
/// `for` is not yet `const`.
macro_rules! each {
    ($items:expr, |$index:ident, $item:ident, $after:ident| $body:block) => {
        let mut $after = $items;
        let mut $index: usize = 0;
        while let [$item, others @ ..] = $after {
            $after = others;
            $body
            $index = $index.wrapping_add(1);
        }
    };
}

mod ion;

pub(in crate::ams) use {check, each};

impl Mib<'_> {
    /// Checks that every number and name is legal and unique within its list, that
    /// whatever is referred to exists, and that what every entity needs is there
    /// (section 8, annex B). With [`Profile::Ion`] numbers and names have room in
    /// ION's tables besides.
    ///
    /// # Errors
    /// The first part that is wrong, in the order of the fields.
    pub const fn validate(&self) -> Result<(), Invalid> {
        self.validate_parts(true)
    }

    /// Checks all parts, those of Meta-AMS where it is `managed` by that.
    pub(in crate::ams) const fn validate_parts(&self, managed: bool) -> Checked {
        check!(continua(&self.continuum, self.continua));
        check!(timers(&self.timers));
        check!(signatures(&self.signatures));
        check!(policy(&self.policy, &self.timers));
        check!(service_name(Item::PrimaryTransport, self.primary_transport));
        if managed {
            check!(config_servers(self.config_servers));
        }
        check!(transports(self.transports));
        if !self.default_madp.is_empty() {
            check!(endpoint(Item::DefaultMadp, self.default_madp));
        }
        check!(delivery_points(self.default_delivery, self.transports));
        check!(multicast(self.ip_multicast, self.transports));
        check!(self.validate_ventures());
        match self.profile {
            Profile::Standard => Ok(()),
            Profile::Ion => ion::fits(self),
        }
    }

    const fn validate_ventures(&self) -> Checked {
        each!(self.ventures, |index, venture, after| {
            let item = Item::Venture(index);
            if venture.number.0 == 0 {
                return invalid(item, Fault::ReservedNumber);
            }
            if venture.application.is_empty() {
                return invalid(item, Fault::NoName);
            }
            if venture.authority.is_empty() {
                return invalid(item, Fault::NoAuthority);
            }
            check!(later_venture(index, venture, after));
            check!(units(index, venture.units));
            check!(roles(index, venture.roles));
            check!(subjects(index, venture));
            check!(message_spaces(index, venture.remote, self));
        });
        Ok(())
    }
}

const fn invalid(item: Item, fault: Fault) -> Checked {
    Err(Invalid { item, fault })
}

pub(in crate::ams) const fn same(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        match (one, other) {
            ([], []) => return true,
            ([a, ones @ ..], [b, others @ ..]) if *a == *b => (one, other) = (ones, others),
            _ => return false,
        }
    }
}

const fn continua(local: &Continuum<'_>, remote: &[Continuum<'_>]) -> Checked {
    if local.number.get() == 0 {
        return invalid(Item::Continuum, Fault::ReservedNumber);
    }
    if local.name.is_empty() {
        return invalid(Item::Continuum, Fault::NoName);
    }
    each!(remote, |index, continuum, after| {
        let item = Item::RemoteContinuum(index);
        if continuum.number.get() == 0 {
            return invalid(item, Fault::ReservedNumber);
        }
        if continuum.name.is_empty() {
            return invalid(item, Fault::NoName);
        }
        if let Some(fault) = continuum_again(local, continuum) {
            return invalid(item, fault);
        }
        each!(after, |offset, later, _rest| {
            if let Some(fault) = continuum_again(continuum, later) {
                return invalid(Item::RemoteContinuum(following(index, offset)), fault);
            }
        });
    });
    Ok(())
}

const fn continuum_again(first: &Continuum<'_>, later: &Continuum<'_>) -> Option<Fault> {
    again(first.number.get() == later.number.get(), first.name, later.name)
}

/// The fault of an item that comes after one with the same number or name. That it
/// has no name is for others to say.
const fn again(same_number: bool, first: &str, later: &str) -> Option<Fault> {
    if same_number {
        Some(Fault::RepeatedNumber)
    } else if !later.is_empty() && same(first, later) {
        Some(Fault::RepeatedName)
    } else {
        None
    }
}

/// The index of the item that is at `offset` among those after `index`.
const fn following(index: usize, offset: usize) -> usize {
    index.wrapping_add(1).wrapping_add(offset)
}

const fn timers(timers: &Timers) -> Checked {
    if timers.n1.is_zero() || timers.n2.is_zero() || timers.n3.is_zero() {
        return invalid(Item::Timers, Fault::ZeroTimer);
    }
    if timers.n6 == 0 {
        return invalid(Item::Timers, Fault::ZeroHeartbeatLimit);
    }
    Ok(())
}

const fn signatures(policy: &SignaturePolicy) -> Checked {
    if !policy.freshness.is_zero() && !matches!(policy.binding, Binding::Required) {
        return invalid(Item::Signatures, Fault::FreshnessUnbound);
    }
    Ok(())
}

const fn policy(policy: &Policy, timers: &Timers) -> Checked {
    if policy.aggregation.as_nanos() >= timers.n5().as_nanos() {
        return invalid(Item::Policy, Fault::LongAggregation);
    }
    Ok(())
}

const fn service_name(item: Item, name: &str) -> Checked {
    if name.is_empty() {
        return invalid(item, Fault::NoName);
    }
    if name.len() > 15 {
        return invalid(item, Fault::LongServiceName);
    }
    each!(name.as_bytes(), |_index, octet, _after| {
        if !octet.is_ascii_graphic() || matches!(octet, b'=' | b',') {
            return invalid(item, Fault::ServiceNameCharacter);
        }
    });
    Ok(())
}

const fn endpoint(item: Item, name: &str) -> Checked {
    if name.is_empty() {
        return invalid(item, Fault::NoEndpoint);
    }
    if name.len() > 63 {
        return invalid(item, Fault::LongEndpoint);
    }
    each!(name.as_bytes(), |_index, octet, _after| {
        if !matches!(octet, b' '..=b'~') || matches!(octet, b',') {
            return invalid(item, Fault::EndpointCharacter);
        }
    });
    Ok(())
}

const fn config_servers(locations: &[&str]) -> Checked {
    if locations.is_empty() {
        return invalid(Item::ConfigServers, Fault::NoConfigServer);
    }
    each!(locations, |index, location, after| {
        check!(endpoint(Item::ConfigServer(index), location));
        each!(after, |offset, later, _rest| {
            if same(location, later) {
                let item = Item::ConfigServer(following(index, offset));
                return invalid(item, Fault::RepeatedName);
            }
        });
    });
    Ok(())
}

const fn transports(services: &[TransportService<'_>]) -> Checked {
    each!(services, |index, service, after| {
        check!(service_name(Item::Transport(index), service.name));
        each!(after, |offset, later, _rest| {
            if same(service.name, later.name) {
                return invalid(Item::Transport(following(index, offset)), Fault::RepeatedName);
            }
        });
    });
    Ok(())
}

const fn delivery_points(
    points: &[DeliveryPointSpec<'_>],
    services: &[TransportService<'_>],
) -> Checked {
    each!(points, |index, point, _after| {
        let item = Item::DeliveryPoint(index);
        check!(endpoint(item, point.endpoint));
        let mut known = false;
        each!(services, |_index, service, _after| {
            known = known || same(service.name, point.service);
        });
        if !known {
            return invalid(item, Fault::UnknownService);
        }
    });
    Ok(())
}

const fn multicast(groups: Option<IpMulticast>, services: &[TransportService<'_>]) -> Checked {
    let Some(IpMulticast { mask, mask_length, unit_bits, subject_bits, port }) = groups else {
        each!(services, |index, service, _after| {
            if same(service.name, "ipm") {
                return invalid(Item::Transport(index), Fault::NoMulticast);
            }
        });
        return Ok(());
    };
    let bits = mask_length.saturating_add(unit_bits).saturating_add(subject_bits);
    if bits != 32 || unit_bits > 16 || subject_bits > 16 {
        return invalid(Item::IpMulticast, Fault::MulticastBits);
    }
    // A mask of fewer bits cannot tell.
    if mask_length >= 4 && !mask.is_multicast() {
        return invalid(Item::IpMulticast, Fault::NotMulticast);
    }
    if port == 0 {
        return invalid(Item::IpMulticast, Fault::NoMulticastPort);
    }
    Ok(())
}

const fn later_venture(index: usize, venture: &Venture<'_>, after: &[Venture<'_>]) -> Checked {
    each!(after, |offset, later, _rest| {
        let item = Item::Venture(following(index, offset));
        if venture.number.0 == later.number.0 {
            return invalid(item, Fault::RepeatedNumber);
        }
        if same(venture.application, later.application) && same(venture.authority, later.authority)
        {
            return invalid(item, Fault::RepeatedVenture);
        }
    });
    Ok(())
}

const fn units(venture: usize, units: &[Unit<'_>]) -> Checked {
    let mut rooted = false;
    each!(units, |index, unit, after| {
        let item = Item::Unit { venture, unit: index };
        if unit.number.0 == UnitNumber::ROOT.0 {
            rooted = true;
            if !unit.name.is_empty() {
                return invalid(item, Fault::NamedRootUnit);
            }
        } else if unit.name.is_empty() {
            return invalid(item, Fault::NoName);
        }
        each!(after, |offset, later, _rest| {
            if let Some(fault) = again(unit.number.0 == later.number.0, unit.name, later.name) {
                return invalid(Item::Unit { venture, unit: following(index, offset) }, fault);
            }
        });
    });
    if rooted { Ok(()) } else { invalid(Item::Venture(venture), Fault::NoRootUnit) }
}

const fn roles(venture: usize, roles: &[Role<'_>]) -> Checked {
    each!(roles, |index, role, after| {
        let item = Item::Role { venture, role: index };
        if role.number.0 == RoleNumber::ALL.0 {
            return invalid(item, Fault::ReservedNumber);
        }
        if role.name.is_empty() {
            return invalid(item, Fault::NoName);
        }
        if (role.number.0 == RoleNumber::RAMS_GATEWAY.0) != same(role.name, "RAMS") {
            return invalid(item, Fault::NotRams);
        }
        each!(after, |offset, later, _rest| {
            if let Some(fault) = again(role.number.0 == later.number.0, role.name, later.name) {
                return invalid(Item::Role { venture, role: following(index, offset) }, fault);
            }
        });
    });
    Ok(())
}

const fn subjects(venture: usize, of: &Venture<'_>) -> Checked {
    each!(of.subjects, |index, subject, after| {
        let item = Item::Subject { venture, subject: index };
        if subject.number.0 <= SubjectNumber::ALL.0 {
            return invalid(item, Fault::ReservedNumber);
        }
        if subject.name.is_empty() {
            return invalid(item, Fault::NoName);
        }
        check!(correspondents(venture, index, subject, of.roles));
        each!(after, |offset, later, _rest| {
            let same_number = subject.number.0 == later.number.0;
            if let Some(fault) = again(same_number, subject.name, later.name) {
                let subject = following(index, offset);
                return invalid(Item::Subject { venture, subject }, fault);
            }
        });
    });
    Ok(())
}

/// Checks that the senders and receivers of a subject are roles of its venture.
const fn correspondents(
    venture: usize,
    subject: usize,
    of: &Subject<'_>,
    roles: &[Role<'_>],
) -> Checked {
    each!(of.senders, |sender, role, _after| {
        if !has_role(roles, *role) {
            let item = Item::Sender { venture, subject, sender };
            return invalid(item, Fault::UnknownRole(*role));
        }
    });
    each!(of.receivers, |receiver, role, _after| {
        if !has_role(roles, *role) {
            let item = Item::Receiver { venture, subject, receiver };
            return invalid(item, Fault::UnknownRole(*role));
        }
    });
    Ok(())
}

const fn has_role(roles: &[Role<'_>], number: RoleNumber) -> bool {
    each!(roles, |_index, role, _after| {
        if role.number.0 == number.0 {
            return true;
        }
    });
    false
}

const fn message_spaces(
    venture: usize,
    spaces: &[RemoteMessageSpace<'_>],
    mib: &Mib<'_>,
) -> Checked {
    each!(spaces, |index, remote, after| {
        let item = Item::MessageSpace { venture, space: index };
        if remote.continuum.get() == mib.continuum.number.get() {
            return invalid(item, Fault::LocalMessageSpace);
        }
        if !has_continuum(mib.continua, remote.continuum) {
            return invalid(item, Fault::UnknownContinuum(remote.continuum));
        }
        if remote.gateway.is_empty() {
            return invalid(item, Fault::NoGateway);
        }
        each!(after, |offset, later, _rest| {
            if remote.continuum.get() == later.continuum.get() {
                let item = Item::MessageSpace { venture, space: following(index, offset) };
                return invalid(item, Fault::RepeatedNumber);
            }
        });
    });
    Ok(())
}

const fn has_continuum(continua: &[Continuum<'_>], number: ContinuumNumber) -> bool {
    each!(continua, |_index, continuum, _after| {
        if continuum.number.get() == number.get() {
            return true;
        }
    });
    false
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::ams::ids::VentureNumber;

    const LOCAL: ContinuumNumber = ContinuumNumber::from_bits(2);
    const FAR: ContinuumNumber = ContinuumNumber::from_bits(3);

    const VENTURE: Venture<'_> = Venture {
        units: &[Unit::ROOT, Unit::new(UnitNumber(1), "north")],
        roles: &[Role::new(RoleNumber(1), "RAMS"), Role::new(RoleNumber(2), "ssd")],
        subjects: &[Subject {
            senders: &[RoleNumber(2)],
            ..Subject::new(SubjectNumber(1), "report")
        }],
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
            assert_invalid(
                &Mib { default_delivery: &points, ..GOOD },
                Item::DeliveryPoint(0),
                fault,
            );
        }
        assert_invalid(
            &Mib { default_madp: &long, ..GOOD },
            Item::DefaultMadp,
            Fault::LongEndpoint,
        );
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
        assert_venture_invalid(
            venture,
            Item::MessageSpace { venture: 0, space: 0 },
            Fault::NoGateway,
        );
    }
}
