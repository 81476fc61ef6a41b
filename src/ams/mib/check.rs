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

#[cfg(test)]
mod tests;

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
