//! What can be wrong with a MIB, and where.

use core::fmt;

#[cfg(doc)]
use super::Mib;
use crate::ams::endpoint::EndpointFault;
use crate::ams::ids::{ContinuumNumber, RoleNumber};

/// A part of a MIB, by its place in the lists it is in, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Item {
    /// [`Mib::continuum`].
    Continuum,
    /// One of [`Mib::continua`].
    RemoteContinuum(usize),
    /// [`Mib::timers`].
    Timers,
    /// [`Mib::signatures`].
    Signatures,
    /// [`Mib::policy`].
    Policy,
    /// [`Mib::primary_transport`].
    PrimaryTransport,
    /// [`Mib::config_servers`] as a whole.
    ConfigServers,
    /// One of [`Mib::config_servers`].
    ConfigServer(usize),
    /// One of [`Mib::transports`].
    Transport(usize),
    /// [`Mib::default_madp`].
    DefaultMadp,
    /// One of [`Mib::default_delivery`].
    DeliveryPoint(usize),
    /// [`Mib::ip_multicast`].
    IpMulticast,
    /// One of [`Mib::ventures`].
    Venture(usize),
    /// One of the units of a venture.
    Unit {
        /// Which venture.
        venture: usize,
        /// Which of its units.
        unit: usize,
    },
    /// One of the roles of a venture.
    Role {
        /// Which venture.
        venture: usize,
        /// Which of its roles.
        role: usize,
    },
    /// One of the subjects of a venture.
    Subject {
        /// Which venture.
        venture: usize,
        /// Which of its subjects.
        subject: usize,
    },
    /// One of the senders of a subject.
    Sender {
        /// Which venture.
        venture: usize,
        /// Which of its subjects.
        subject: usize,
        /// Which of its senders.
        sender: usize,
    },
    /// One of the receivers of a subject.
    Receiver {
        /// Which venture.
        venture: usize,
        /// Which of its subjects.
        subject: usize,
        /// Which of its receivers.
        receiver: usize,
    },
    /// One of the remote message spaces of a venture.
    MessageSpace {
        /// Which venture.
        venture: usize,
        /// Which of its remote message spaces.
        space: usize,
    },
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Continuum => f.write_str("continuum"),
            Self::RemoteContinuum(at) => write!(f, "continua[{at}]"),
            Self::Timers => f.write_str("timers"),
            Self::Signatures => f.write_str("signatures"),
            Self::Policy => f.write_str("policy"),
            Self::PrimaryTransport => f.write_str("primary_transport"),
            Self::ConfigServers => f.write_str("config_servers"),
            Self::ConfigServer(at) => write!(f, "config_servers[{at}]"),
            Self::Transport(at) => write!(f, "transports[{at}]"),
            Self::DefaultMadp => f.write_str("default_madp"),
            Self::DeliveryPoint(at) => write!(f, "default_delivery[{at}]"),
            Self::IpMulticast => f.write_str("ip_multicast"),
            Self::Venture(venture) => write!(f, "ventures[{venture}]"),
            Self::Unit { venture, unit } => write!(f, "ventures[{venture}].units[{unit}]"),
            Self::Role { venture, role } => write!(f, "ventures[{venture}].roles[{role}]"),
            Self::Subject { venture, subject } => {
                write!(f, "ventures[{venture}].subjects[{subject}]")
            }
            Self::Sender { venture, subject, sender } => {
                write!(f, "ventures[{venture}].subjects[{subject}].senders[{sender}]")
            }
            Self::Receiver { venture, subject, receiver } => {
                write!(f, "ventures[{venture}].subjects[{subject}].receivers[{receiver}]")
            }
            Self::MessageSpace { venture, space } => {
                write!(f, "ventures[{venture}].remote[{space}]")
            }
        }
    }
}

/// What is wrong with a part of a MIB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Fault {
    /// The number is 0, or below 0, which has another meaning (annex B).
    ReservedNumber,
    /// An item of the same kind before this one has the number.
    RepeatedNumber,
    /// An item of the same kind before this one has the name.
    RepeatedName,
    /// The name is empty, which has another meaning (annex B).
    NoName,
    /// N1, N2 or N3 is zero.
    ZeroTimer,
    /// N6 is zero.
    ZeroHeartbeatLimit,
    /// Statuses are aggregated for N5 or longer (4.2.9.4.2).
    LongAggregation,
    /// No location of the configuration server is given (8.1 d).
    NoConfigServer,
    /// The name of a transport service has more than 15 characters (5.1.5.6).
    LongServiceName,
    /// The name of a transport service has a character that is not printable ASCII,
    /// or `=` or `,`, which end it in a delivery point name (5.1.5.6, 5.1.5.7).
    ServiceNameCharacter,
    /// An endpoint is empty.
    NoEndpoint,
    /// An endpoint has more than 63 characters (5.1.5.6).
    LongEndpoint,
    /// An endpoint has a character that is not printable ASCII, or `,`, which ends it
    /// in a delivery vector (5.1.5.7).
    EndpointCharacter,
    /// The endpoint is not of the form its transport service has (annex A).
    Endpoint(EndpointFault),
    /// The bits of mask, unit and subject are not 32, or more than 16 of a number
    /// (annex A).
    MulticastBits,
    /// The mask does not begin as multicast addresses do.
    NotMulticast,
    /// The port is 0.
    NoMulticastPort,
    /// `ipm` is one of [`Mib::transports`], and [`Mib::ip_multicast`] is not there.
    NoMulticast,
    /// The transport service is none of [`Mib::transports`].
    UnknownService,
    /// A venture before this one has the same application and authority.
    RepeatedVenture,
    /// A venture has no authority.
    NoAuthority,
    /// The root unit is not among the units.
    NoRootUnit,
    /// The root unit has a name (annex B).
    NamedRootUnit,
    /// Role 1 has another name than `RAMS`, or another role has it (annex B).
    NotRams,
    /// No role of the venture has this number.
    UnknownRole(RoleNumber),
    /// The continuum is none of [`Mib::continua`].
    UnknownContinuum(ContinuumNumber),
    /// The message space is not remote: its continuum is the local one.
    LocalMessageSpace,
    /// No gateway is given.
    NoGateway,
    /// The number is above this, the greatest ION has room for.
    AboveIonLimit(u16),
    /// The name has more than the 32 characters ION has room for.
    LongIonName,
    /// Role 255 has another name than `stop`, which ION gives it.
    NotIonStop,
    /// The time tag is to be fresh, and nothing covers it.
    FreshnessUnbound,
    /// The public key is none of the signature scheme.
    UnusablePublicKey,
    /// The private key is none of the signature scheme.
    UnusablePrivateKey,
    /// The private key and the public key are not a pair.
    KeysApart,
    /// The symmetric key is none of the cipher.
    UnusableSymmetricKey,
    /// Nothing is encrypted with the symmetric key of a message space.
    UnusedSymmetricKey,
}

impl Fault {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::ReservedNumber => "give it a number above 0",
            Self::RepeatedNumber => "give it another number",
            Self::RepeatedName => "give it another name",
            Self::NoName => "give it a name",
            Self::ZeroTimer => "give N1, N2 and N3 a time above 0, nominally 5, 5 and 10 s",
            Self::LongAggregation => "give a time below N5, which is N6 times twice N3",
            Self::ZeroHeartbeatLimit => "give N6 at least 1, nominally 3",
            Self::NoConfigServer => "list at least one endpoint, such as `@:2357`",
            Self::LongServiceName => "use at most 15 characters",
            Self::ServiceNameCharacter => "use printable ASCII without `=` and `,`",
            Self::NoEndpoint => "give the endpoint, such as `@:2357`",
            Self::LongEndpoint => "use at most 63 characters",
            Self::EndpointCharacter => "use printable ASCII without `,`",
            Self::Endpoint(fault) => fault.remedy(),
            Self::MulticastBits => "have 32 bits in all, and at most 16 of either number",
            Self::NotMulticast => {
                "give a mask of at least 4 bits from 224.0.0.0 to 239.255.255.255"
            }
            Self::NoMulticastPort => "give the port of the traffic",
            Self::NoMulticast => "tell how groups are made, or leave `ipm` out",
            Self::UnknownService => "name one of the transport services, or add it to them",
            Self::RepeatedVenture => "merge the two, or name another authority",
            Self::NoAuthority => "name the authority",
            Self::NoRootUnit => "add unit 0 with an empty name",
            Self::NamedRootUnit => "leave the name of unit 0 empty",
            Self::NotRams => "name role 1, and no other, `RAMS`",
            Self::UnknownRole(_) => "add the role, or take it off the list",
            Self::UnknownContinuum(_) => "add the continuum to those that are known of",
            Self::LocalMessageSpace => "leave it out: the venture itself stands for it",
            Self::NoGateway => "give the location of the gateway, such as `udp@host:port`",
            Self::AboveIonLimit(_) => "give it a lower number, or do without the profile `ion`",
            Self::LongIonName => "use at most 32 characters, or do without the profile `ion`",
            Self::NotIonStop => "name role 255 `stop`, or give the role another number",
            Self::FreshnessUnbound => "require binding, or leave freshness out",
            Self::UnusablePublicKey => "give the public key that `farpost keygen` has printed",
            Self::UnusablePrivateKey => "make a pair of keys with `farpost keygen`",
            Self::KeysApart => "give the public key that belongs to the private key",
            Self::UnusableSymmetricKey => "make a key with `farpost keygen --symmetric`",
            Self::UnusedSymmetricKey => {
                "encrypt messages with the key of their subject, and the channel with `channel_key`"
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedNumber => "its number is not above 0",
            Self::RepeatedNumber => "its number is used twice",
            Self::RepeatedName => "its name is used twice",
            Self::NoName => "it has no name",
            Self::ZeroTimer => "one of N1, N2 and N3 is zero",
            Self::ZeroHeartbeatLimit => "N6 is zero",
            Self::LongAggregation => "statuses are aggregated for N5 or longer",
            Self::NoConfigServer => "no location of the configuration server is given",
            Self::LongServiceName => "the name of the transport service is too long",
            Self::ServiceNameCharacter => "the name of the transport service has a bad character",
            Self::NoEndpoint => "the endpoint is empty",
            Self::LongEndpoint => "the endpoint is too long",
            Self::EndpointCharacter => "the endpoint has a bad character",
            Self::Endpoint(fault) => return fault.fmt(f),
            Self::MulticastBits => "the bits of a group are not as they must be",
            Self::NotMulticast => "the mask is no beginning of a multicast address",
            Self::NoMulticastPort => "its port is 0",
            Self::NoMulticast => "how the groups of IP multicast are made is not told",
            Self::UnknownService => "the transport service is not known",
            Self::RepeatedVenture => "another venture has the same application and authority",
            Self::NoAuthority => "it has no authority",
            Self::NoRootUnit => "it has no root unit",
            Self::NamedRootUnit => "the root unit has a name",
            Self::NotRams => "role 1 is the RAMS gateway's",
            Self::UnknownRole(role) => return write!(f, "there is no role {role}"),
            Self::UnknownContinuum(continuum) => {
                return write!(f, "continuum {continuum} is not known");
            }
            Self::LocalMessageSpace => "its continuum is the local one",
            Self::NoGateway => "it has no gateway",
            Self::AboveIonLimit(limit) => {
                return write!(f, "its number is above {limit}, the greatest of ION");
            }
            Self::LongIonName => "its name is too long for ION",
            Self::NotIonStop => "role 255 is the one ION stops a message space with",
            Self::FreshnessUnbound => "time tags are to be fresh, and nothing covers them",
            Self::UnusablePublicKey => "its public key is none of the signature scheme",
            Self::UnusablePrivateKey => "its private key is none of the signature scheme",
            Self::KeysApart => "its private and its public key are not a pair",
            Self::UnusableSymmetricKey => "its symmetric key is none of the cipher",
            Self::UnusedSymmetricKey => "nothing would be encrypted with its symmetric key",
        })
    }
}

/// The first fault of a MIB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Invalid {
    /// The part that is wrong.
    pub item: Item,
    /// What is wrong with it.
    pub fault: Fault,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.item, self.fault, self.fault.remedy())
    }
}

impl core::error::Error for Invalid {}
