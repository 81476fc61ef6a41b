//! The management information base (735.1-B-1 section 8): what an entity is told
//! before it starts.
//!
//! Firmware writes it as a `const`; hosts read it from a file (`host::mib`).
//! Everything is borrowed and nothing is copied. [`Mib::validate`] runs at compile
//! time too, so that firmware with an inconsistent MIB does not build:
//!
//! ```
//! use farpost::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, VentureNumber};
//! use farpost::ams::mib::{Mib, Role, Subject, Venture};
//!
//! const SENSING: Venture<'_> = Venture {
//!     roles: &[Role::new(RoleNumber(2), "ssd")],
//!     subjects: &[Subject::new(SubjectNumber(1), "report")],
//!     ..Venture::new(VentureNumber(1), "sensing", "test")
//! };
//! const MIB: Mib<'_> = Mib {
//!     config_servers: &["192.0.2.1:2357"],
//!     ventures: &[SENSING],
//!     ..Mib::new(ContinuumNumber::from_bits(2), "field")
//! };
//! const _: () = assert!(MIB.validate().is_ok());
//! ```

mod change;
mod check;
mod endpoints;
mod fault;
mod names;
mod policy;
mod profile;

use core::time::Duration;

pub use self::change::ChangeRefused;
pub(in crate::ams) use self::check::{check, each, same};
pub use self::fault::{Fault, Invalid, Item};
pub use self::policy::{Introduction, Policy, ReconnectionPolicy};
pub use self::profile::Profile;

use super::endpoint::IpMulticast;
use super::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use crate::crypto::SecretKey;

/// The time-outs of table 1-1 and the heartbeat limit.
///
/// The same values must be used all over a continuum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// N1: how long a configuration server may take to answer. Nominally 5 s.
    pub n1: Duration,
    /// N2: how long a registrar may take to answer. Nominally 5 s.
    pub n2: Duration,
    /// N3: between heartbeats of registrars and configuration server. Nominally 10 s.
    pub n3: Duration,
    /// N6: heartbeats that may be missing before a termination is imputed. Nominally 3.
    pub n6: u8,
}

impl Timers {
    /// The nominal values of table 1-1.
    pub const NOMINAL: Self = Self {
        n1: Duration::from_secs(5),
        n2: Duration::from_secs(5),
        n3: Duration::from_secs(10),
        n6: 3,
    };

    /// N4: between heartbeats of modules and registrar, twice N3.
    #[must_use]
    pub const fn n4(&self) -> Duration {
        self.n3.saturating_add(self.n3)
    }

    /// N5: how long until the loss of a module is imputed, N6 times N4.
    #[must_use]
    pub const fn n5(&self) -> Duration {
        // `From` is not yet `const`.
        self.n4().saturating_mul(u32::from_be_bytes([0, 0, 0, self.n6]))
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self::NOMINAL
    }
}

/// The order in which messages are delivered (3.1.2.10 a).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sequence {
    /// As they arrive.
    Arrival,
    /// As they were sent.
    Transmission,
}

/// How hard delivery is attempted (3.1.2.10 b).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Diligence {
    /// Once.
    BestEffort,
    /// With acknowledgement and retransmission.
    Assured,
}

/// A service mode (3.1.2.10). There are four, and so at most four delivery vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceMode {
    /// The order of delivery.
    pub sequence: Sequence,
    /// The diligence of delivery.
    pub diligence: Diligence,
}

impl ServiceMode {
    /// What UDP gives.
    pub const BEST_EFFORT: Self =
        Self { sequence: Sequence::Arrival, diligence: Diligence::BestEffort };
    /// What TCP gives.
    pub const ASSURED: Self =
        Self { sequence: Sequence::Transmission, diligence: Diligence::Assured };
}

/// A standard delivery preference rule (8.1 g): the service mode a transport
/// service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportService<'m> {
    /// The name of the transport service, such as `udp`; at most 15 characters.
    pub name: &'m str,
    /// The service mode that characterises it.
    pub mode: ServiceMode,
}

/// A delivery point specification: an endpoint specification and the transport
/// service it belongs to (3.1.2.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliveryPointSpec<'m> {
    /// The name of the transport service; one of [`Mib::transports`].
    pub service: &'m str,
    /// The endpoint specification, such as `@:2358` (annex A); at most 63
    /// characters.
    pub endpoint: &'m str,
}

/// A continuum that is known of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Continuum<'m> {
    /// Its number, not 0.
    pub number: ContinuumNumber,
    /// Its name.
    pub name: &'m str,
    /// Whether its RAMS gateway is a neighbour of ours.
    pub neighbour: bool,
    /// What it is, for people.
    pub description: &'m str,
}

/// A role of a venture (8.1 k, 8.2 i).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role<'m> {
    /// Its number; 0 is all roles and 1 the RAMS gateway.
    pub number: RoleNumber,
    /// Its name.
    pub name: &'m str,
    /// The public key of modules in this role, empty for none.
    pub public_key: &'m [u8],
    /// The private key, where this entity acts in this role; empty for none.
    pub private_key: SecretKey<'m>,
}

impl<'m> Role<'m> {
    /// A role without keys.
    #[must_use]
    pub const fn new(number: RoleNumber, name: &'m str) -> Self {
        Self { number, name, public_key: &[], private_key: SecretKey::NONE }
    }
}

/// A unit of a venture. One unit contains another when its name is the
/// beginning of the other's (1.3.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit<'m> {
    /// Its number; 0 is the root unit.
    pub number: UnitNumber,
    /// Its name; the root unit's is empty.
    pub name: &'m str,
    /// Between re-advertisements of the cell's configuration (8.2 e), in
    /// registrar heartbeats of N3; 0 for never.
    pub resync_period: u32,
}

impl<'m> Unit<'m> {
    /// The root unit, without resynchronisation.
    pub const ROOT: Self = Self { number: UnitNumber::ROOT, name: "", resync_period: 0 };

    /// A unit without resynchronisation.
    #[must_use]
    pub const fn new(number: UnitNumber, name: &'m str) -> Self {
        Self { number, name, resync_period: 0 }
    }
}

/// A subject of a venture (8.1 l).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'m> {
    /// Its number, above 0.
    pub number: SubjectNumber,
    /// Its name.
    pub name: &'m str,
    /// What messages on it mean, for people.
    pub description: &'m str,
    /// How the application data of messages on it are structured, for people.
    pub structure: &'m str,
    /// The roles authorised to send on it; empty for all.
    pub senders: &'m [RoleNumber],
    /// The roles authorised to receive on it; empty for all.
    pub receivers: &'m [RoleNumber],
    /// The key messages on it are encrypted with; empty for none.
    pub symmetric_key: SecretKey<'m>,
    /// The name of the function that marshals its messages; empty for none.
    pub marshal: &'m str,
    /// The name of the function that un-marshals its messages; empty for none.
    pub unmarshal: &'m str,
}

impl<'m> Subject<'m> {
    /// A subject that every role may send and receive on.
    #[must_use]
    pub const fn new(number: SubjectNumber, name: &'m str) -> Self {
        Self {
            number,
            name,
            description: "",
            structure: "",
            senders: &[],
            receivers: &[],
            symmetric_key: SecretKey::NONE,
            marshal: "",
            unmarshal: "",
        }
    }

    /// Whether its messages are neither encrypted nor marshalled (4.3.1.3, 4.3.1.4).
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.symmetric_key.0.is_empty() && self.marshal.is_empty() && self.unmarshal.is_empty()
    }
}

/// How the RAMS network of a venture is configured (4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RamsNetwork {
    /// Every gateway is a neighbour of every other.
    #[default]
    Mesh,
    /// Gateways forward for one another along a tree.
    Tree,
}

/// The message space of a venture in another continuum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoteMessageSpace<'m> {
    /// The continuum it is in.
    pub continuum: ContinuumNumber,
    /// The RAMS network location of its gateway, such as `udp@host:port`.
    pub gateway: &'m str,
    /// Whether that gateway is a neighbour of this venture's local gateway.
    pub neighbour: bool,
    /// The key of the pseudo-subject of its continuum (8.1 l), by which messages would be
    /// encrypted between modules and the local gateway; empty for none. It is kept for
    /// whoever else reads the MIB, and no machine here uses it: what is to be secret is
    /// encrypted from end to end, with the key of its subject, and channels have
    /// a key of their own.
    pub symmetric_key: SecretKey<'m>,
    /// The key that RPDUs to and from its gateway are encrypted with, which has the same;
    /// empty for none.
    pub channel_key: SecretKey<'m>,
}

impl<'m> RemoteMessageSpace<'m> {
    /// A message space with a neighbouring gateway and without a key.
    #[must_use]
    pub const fn new(continuum: ContinuumNumber, gateway: &'m str) -> Self {
        Self {
            continuum,
            gateway,
            neighbour: true,
            symmetric_key: SecretKey::NONE,
            channel_key: SecretKey::NONE,
        }
    }
}

/// A venture: an application under an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Venture<'m> {
    /// Its number, above 0.
    pub number: VentureNumber,
    /// The name of its application.
    pub application: &'m str,
    /// The name of the authority responsible for it.
    pub authority: &'m str,
    /// The public key of the application, empty for none.
    pub public_key: &'m [u8],
    /// The private key of the application, for registrars; empty for none.
    pub private_key: SecretKey<'m>,
    /// Its units, the root unit among them.
    pub units: &'m [Unit<'m>],
    /// Its roles.
    pub roles: &'m [Role<'m>],
    /// Its subjects.
    pub subjects: &'m [Subject<'m>],
    /// The RAMS network location of the local gateway, empty for none.
    pub gateway: &'m str,
    /// How its RAMS network is configured.
    pub network: RamsNetwork,
    /// Its message spaces in other continua.
    pub remote: &'m [RemoteMessageSpace<'m>],
}

impl<'m> Venture<'m> {
    /// A venture with a root unit and nothing else in it.
    #[must_use]
    pub const fn new(number: VentureNumber, application: &'m str, authority: &'m str) -> Self {
        Self {
            number,
            application,
            authority,
            public_key: &[],
            private_key: SecretKey::NONE,
            units: &[Unit::ROOT],
            roles: &[],
            subjects: &[],
            gateway: "",
            network: RamsNetwork::Mesh,
            remote: &[],
        }
    }

    /// The unit of this number.
    #[must_use]
    pub fn unit(&self, number: UnitNumber) -> Option<&'m Unit<'m>> {
        self.units.iter().find(|unit| unit.number == number)
    }

    /// The role of this number.
    #[must_use]
    pub fn role(&self, number: RoleNumber) -> Option<&'m Role<'m>> {
        self.roles.iter().find(|role| role.number == number)
    }

    /// The subject of this number.
    #[must_use]
    pub fn subject(&self, number: SubjectNumber) -> Option<&'m Subject<'m>> {
        self.subjects.iter().find(|subject| subject.number == number)
    }

    /// Whether every module of unit `inner` is in unit `outer` too: the name of
    /// `outer` begins the name of `inner` (1.3.4.3 "unit"). The root contains
    /// all; a unit that is not known contains itself alone.
    #[must_use]
    pub fn contains(&self, outer: UnitNumber, inner: UnitNumber) -> bool {
        if outer == inner || outer == UnitNumber::ROOT {
            return true;
        }
        match (self.unit(outer), self.unit(inner)) {
            (Some(outer), Some(inner)) => {
                // As `starts_with`, without `memcmp`, which a board need not have.
                let (outer, inner) = (outer.name.as_bytes(), inner.name.as_bytes());
                outer.len() <= inner.len() && outer.iter().zip(inner).all(|(a, b)| a == b)
            }
            _ => false,
        }
    }

    /// Whether modules in `role` may send on `subject` (4.3.1.2).
    #[must_use]
    pub fn may_send(&self, role: RoleNumber, subject: SubjectNumber) -> bool {
        allows(self.subject(subject).map(|subject| subject.senders), role)
    }

    /// Whether modules in `role` may receive on `subject` (4.3.1.2).
    #[must_use]
    pub fn may_receive(&self, role: RoleNumber, subject: SubjectNumber) -> bool {
        allows(self.subject(subject).map(|subject| subject.receivers), role)
    }
}

fn allows(roles: Option<&[RoleNumber]>, role: RoleNumber) -> bool {
    match roles {
        None | Some([]) => true,
        Some(roles) => roles.contains(&role),
    }
}

/// Whether signatures of MPDUs cover what the MPDUs say, beyond 5.1.4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Binding {
    /// They are the standard's: who has seen one can put it on another MPDU.
    #[default]
    Off,
    /// MPDUs are sent with a second signature that covers all of them; it is not
    /// asked of others, and those who do not know it ignore it.
    Offered,
    /// The same, and MPDUs of entities with a public key in the MIB are not accepted
    /// without it.
    Required,
}

/// How MPDUs are signed, where there are keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignaturePolicy {
    /// Whether signatures cover what the MPDUs say.
    pub binding: Binding,
    /// How far the time tag of an MPDU may be from the receiver's UTC; whole seconds,
    /// zero for any. Only with [`Binding::Required`], for nothing else covers the tag.
    pub freshness: Duration,
}

impl SignaturePolicy {
    /// As the standard has it.
    pub const STANDARD: Self = Self { binding: Binding::Off, freshness: Duration::ZERO };
}

/// The management information base of one entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mib<'m> {
    /// The local continuum (8.1 a).
    pub continuum: Continuum<'m>,
    /// The other continua that are known of.
    pub continua: &'m [Continuum<'m>],
    /// Whose habits and limits it keeps to besides the standard's.
    pub profile: Profile,
    /// N1, N2, N3 and N6 (8.1 b).
    pub timers: Timers,
    /// The name of the primary transport service (8.1 c).
    pub primary_transport: &'m str,
    /// Where the configuration server may operate, most preferred first: endpoint
    /// names of the primary transport service (8.1 d).
    pub config_servers: &'m [&'m str],
    /// The transport services messages can be sent by, most preferred first, each
    /// with its service mode (8.1 e and g).
    pub transports: &'m [TransportService<'m>],
    /// The default MADP specification (8.1 f), such as `@:2357`; empty for any.
    pub default_madp: &'m str,
    /// The default delivery specification, most preferred first (3.1.3.5); empty
    /// for any endpoint of each of [`Mib::transports`].
    pub default_delivery: &'m [DeliveryPointSpec<'m>],
    /// How the groups of IP multicast are made (annex A), where that is used.
    pub ip_multicast: Option<IpMulticast>,
    /// The public key of the continuum, empty for none (8.1 h).
    pub public_key: &'m [u8],
    /// The private key of the continuum, for configuration servers; empty for none (8.3 f).
    pub private_key: SecretKey<'m>,
    /// How MPDUs are signed, where there are keys.
    pub signatures: SignaturePolicy,
    /// The ventures that message spaces may be made for (8.1 l, 8.3 e).
    pub ventures: &'m [Venture<'m>],
    /// Whether PDUs are sent with a checksum (4.1.7).
    pub checksums: bool,
    /// The seconds TAI is ahead of UTC in time tags: 37 since 2017.
    pub tai_minus_utc: i8,
    /// What the standard leaves open.
    pub policy: Policy,
}

impl<'m> Mib<'m> {
    /// A MIB with the nominal timers, over UDP and TCP.
    #[must_use]
    pub const fn new(continuum: ContinuumNumber, name: &'m str) -> Self {
        Self {
            continuum: Continuum { number: continuum, name, neighbour: false, description: "" },
            continua: &[],
            profile: Profile::Standard,
            timers: Timers::NOMINAL,
            primary_transport: "udp",
            config_servers: &[],
            transports: &[
                TransportService { name: "udp", mode: ServiceMode::BEST_EFFORT },
                TransportService { name: "tcp", mode: ServiceMode::ASSURED },
            ],
            default_madp: "",
            default_delivery: &[],
            ip_multicast: None,
            public_key: &[],
            private_key: SecretKey::NONE,
            signatures: SignaturePolicy::STANDARD,
            ventures: &[],
            checksums: true,
            tai_minus_utc: 37,
            policy: Policy::NOMINAL,
        }
    }

    /// The venture of this number.
    #[must_use]
    pub fn venture(&self, number: VentureNumber) -> Option<&'m Venture<'m>> {
        self.ventures.iter().find(|venture| venture.number == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_contains_those_its_name_begins() {
        let units = [
            Unit::ROOT,
            Unit::new(UnitNumber(1), "orbiter"),
            Unit::new(UnitNumber(2), "orbiter.camera"),
            Unit::new(UnitNumber(3), "lander"),
        ];
        let venture = Venture { units: &units, ..Venture::new(VentureNumber(1), "demo", "test") };
        assert!(venture.contains(UnitNumber(1), UnitNumber(2)));
        assert!(!venture.contains(UnitNumber(2), UnitNumber(1)));
        assert!(!venture.contains(UnitNumber(1), UnitNumber(3)));
        assert!(venture.contains(UnitNumber::ROOT, UnitNumber(99)));
        assert!(venture.contains(UnitNumber(99), UnitNumber(99)));
    }

    #[test]
    fn a_subject_without_a_list_is_open_to_every_role() {
        let subjects = [
            Subject::new(SubjectNumber(1), "open"),
            Subject { senders: &[RoleNumber(2)], ..Subject::new(SubjectNumber(2), "closed") },
        ];
        let venture =
            Venture { subjects: &subjects, ..Venture::new(VentureNumber(1), "demo", "test") };
        assert!(venture.may_send(RoleNumber(9), SubjectNumber(1)));
        assert!(!venture.may_send(RoleNumber(9), SubjectNumber(2)));
        assert!(venture.may_send(RoleNumber(2), SubjectNumber(2)));
        assert!(venture.may_receive(RoleNumber(9), SubjectNumber(2)));
    }
}
