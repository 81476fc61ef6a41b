//! Which MIB may take the place of another while an entity operates.
//!
//! | part | may change |
//! |---|---|
//! | subjects, their senders, receivers and keys; roles and their keys; units and ventures that come or go; `resync_period` | yes |
//! | remote continua, message spaces, gateways, which are neighbours | yes |
//! | keys of the continuum and of applications, `checksums`, `tai_minus_utc`, the policy | yes |
//! | locations of the configuration server | yes, but for that of the server itself |
//! | default endpoints, the groups of IP multicast | yes; they matter when an entity starts |
//! | the continuum, the timers, the primary and other transport services | no |
//! | application and authority of a venture, the name of a unit | no |
//! | the venture, unit or role that the entity is itself of | no |

use core::fmt;

use super::fault::{Invalid, Item};
use super::{Mib, Venture};
use crate::ams::ids::{RoleNumber, UnitNumber, VentureNumber};

/// Why a MIB does not take the place of another. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ChangeRefused {
    /// The new MIB is not valid.
    Invalid(Invalid),
    /// This part of the present MIB is what the entity is known by, and the new one
    /// has it otherwise or not at all.
    Fixed(Item),
}

impl fmt::Display for ChangeRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::Fixed(item) => {
                write!(f, "{item}: it cannot change while the entity operates; restart it")
            }
        }
    }
}

impl core::error::Error for ChangeRefused {}

impl Mib<'_> {
    /// Whether `next` may take the place of this MIB, whichever the entity. See the
    /// table of this file.
    pub(in crate::ams) fn may_become(&self, next: &Mib<'_>) -> Result<(), ChangeRefused> {
        // Static configurations have no configuration server, and need none.
        let managed = !self.config_servers.is_empty();
        next.validate_parts(managed).map_err(ChangeRefused::Invalid)?;
        let (local, other) = (&self.continuum, &next.continuum);
        unchanged(Item::Continuum, (local.number, local.name) == (other.number, other.name))?;
        unchanged(Item::Timers, self.timers == next.timers)?;
        unchanged(Item::PrimaryTransport, self.primary_transport == next.primary_transport)?;
        let same = |(index, service)| next.transports.get(index) == Some(service);
        let changed = self.transports.iter().enumerate().position(|own| !same(own));
        let more = next.transports.len() > self.transports.len();
        if let Some(index) = changed.or(more.then_some(self.transports.len())) {
            return Err(ChangeRefused::Fixed(Item::Transport(index)));
        }
        for (index, venture) in self.ventures.iter().enumerate() {
            if let Some(next) = next.venture(venture.number) {
                venture.may_become(index, next)?;
            }
        }
        Ok(())
    }

    /// Whether the venture and the unit an entity is of, and its role if it has one,
    /// are in `next` too.
    pub(in crate::ams) fn keeps(
        &self,
        next: &Mib<'_>,
        (venture, unit): (VentureNumber, UnitNumber),
        role: Option<RoleNumber>,
    ) -> Result<(), ChangeRefused> {
        let Some(index) = self.ventures.iter().position(|own| own.number == venture) else {
            return Ok(());
        };
        let (Some(own), Some(next)) = (self.venture(venture), next.venture(venture)) else {
            return Err(ChangeRefused::Fixed(Item::Venture(index)));
        };
        if let Some(at) = own.units.iter().position(|own| own.number == unit) {
            let item = Item::Unit { venture: index, unit: at };
            unchanged(item, next.unit(unit).is_some())?;
        }
        if let Some(at) = own.roles.iter().position(|own| Some(own.number) == role) {
            let item = Item::Role { venture: index, role: at };
            unchanged(item, role.is_none_or(|role| next.role(role).is_some()))?;
        }
        Ok(())
    }
}

impl Venture<'_> {
    fn may_become(&self, index: usize, next: &Venture<'_>) -> Result<(), ChangeRefused> {
        let names = (self.application, self.authority);
        unchanged(Item::Venture(index), names == (next.application, next.authority))?;
        for (at, unit) in self.units.iter().enumerate() {
            let name = next.unit(unit.number).map(|unit| unit.name);
            let item = Item::Unit { venture: index, unit: at };
            unchanged(item, name.is_none_or(|name| name == unit.name))?;
        }
        Ok(())
    }
}

const fn unchanged(item: Item, same: bool) -> Result<(), ChangeRefused> {
    if same { Ok(()) } else { Err(ChangeRefused::Fixed(item)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ams::ids::{ContinuumNumber, SubjectNumber};
    use crate::ams::mib::{
        Continuum, Fault, Role, ServiceMode, Subject, Timers, TransportService, Unit,
    };
    use crate::crypto::SecretKey;

    const LOCAL: ContinuumNumber = ContinuumNumber::from_bits(2);
    const FAR: ContinuumNumber = ContinuumNumber::from_bits(3);
    const VENTURE: Venture<'_> = Venture {
        units: &[Unit::ROOT, Unit::new(UnitNumber(1), "north")],
        roles: &[Role::new(RoleNumber(2), "ssd"), Role::new(RoleNumber(3), "ssm")],
        subjects: &[Subject::new(SubjectNumber(1), "report")],
        ..Venture::new(VentureNumber(1), "sensing", "test")
    };
    const MIB: Mib<'_> =
        Mib { config_servers: &["@:2357"], ventures: &[VENTURE], ..Mib::new(LOCAL, "near") };

    fn refused(next: &Mib<'_>) -> Option<ChangeRefused> {
        let own = (VentureNumber(1), UnitNumber(1));
        MIB.may_become(next).and_then(|()| MIB.keeps(next, own, Some(RoleNumber(2)))).err()
    }

    #[test]
    fn subjects_roles_neighbours_and_keys_change() {
        let venture = Venture {
            public_key: b"key",
            units: &[Unit::ROOT, Unit { resync_period: 3, ..VENTURE.units[1] }],
            roles: &[Role { public_key: b"key", ..VENTURE.roles[0] }],
            subjects: &[Subject::new(SubjectNumber(9), "scan")],
            ..VENTURE
        };
        let second = Venture::new(VentureNumber(2), "weather", "test");
        let far = Continuum { number: FAR, name: "far", neighbour: true, description: "" };
        let next = Mib {
            public_key: b"key",
            private_key: SecretKey(b"key"),
            continua: &[far],
            config_servers: &["@:1", "@:2"],
            default_madp: "@:5",
            checksums: false,
            tai_minus_utc: 38,
            ventures: &[venture, second],
            ..MIB
        };
        assert_eq!(refused(&MIB), None);
        assert_eq!(refused(&next), None);
    }

    #[test]
    fn what_an_entity_is_known_by_does_not_change() {
        let venture = |venture| [venture];
        let here = |name| Continuum { name, ..MIB.continuum };
        let udp = MIB.transports[0];
        let slow = TransportService { mode: ServiceMode::ASSURED, ..udp };
        let more = [udp, MIB.transports[1], TransportService { name: "uart", ..udp }];
        let renamed = [Unit::ROOT, Unit::new(UnitNumber(1), "south")];
        let of = |ventures| Mib { ventures, ..MIB };
        for (next, item) in [
            (Mib { continuum: here("home"), ..MIB }, Item::Continuum),
            (Mib { timers: Timers { n6: 4, ..MIB.timers }, ..MIB }, Item::Timers),
            (Mib { primary_transport: "tcp", ..MIB }, Item::PrimaryTransport),
            (Mib { transports: &[udp], ..MIB }, Item::Transport(1)),
            (Mib { transports: &[slow, MIB.transports[1]], ..MIB }, Item::Transport(0)),
            (Mib { transports: &more, ..MIB }, Item::Transport(2)),
            (of(&[]), Item::Venture(0)),
            (of(&venture(Venture { authority: "other", ..VENTURE })), Item::Venture(0)),
            (
                of(&venture(Venture { units: &renamed, ..VENTURE })),
                Item::Unit { venture: 0, unit: 1 },
            ),
            (
                of(&venture(Venture { units: &[Unit::ROOT], ..VENTURE })),
                Item::Unit { venture: 0, unit: 1 },
            ),
            (
                of(&venture(Venture { roles: &[VENTURE.roles[1]], ..VENTURE })),
                Item::Role { venture: 0, role: 0 },
            ),
        ] {
            assert_eq!(refused(&next), Some(ChangeRefused::Fixed(item)));
        }
    }

    #[test]
    fn what_is_not_valid_is_not_taken() {
        let invalid = Invalid { item: Item::ConfigServers, fault: Fault::NoConfigServer };
        let next = Mib { config_servers: &[], ..MIB };
        assert_eq!(refused(&next), Some(ChangeRefused::Invalid(invalid)));
    }
}
