//! A MIB as TOML.

use std::format;
use std::string::String;
use std::time::Duration;
use std::vec::Vec;

use toml::Spanned;

use super::layout::{
    DeliveryPointTable, File, LocalContinuum, MessageSpaceTable, MulticastTable, Number,
    PolicyTable, RemoteContinuum, RoleTable, SignatureTable, SubjectTable, Text, TimerTable,
    TransportTable, UnitTable, VentureTable,
};
use crate::ams::endpoint::IpMulticast;
use crate::ams::ids::RoleNumber;
use crate::ams::mib::{
    Continuum, DeliveryPointSpec, Invalid, Mib, Policy, RemoteMessageSpace, Role, SignaturePolicy,
    Subject, Timers, TransportService, Unit, Venture,
};

/// Writes `mib` as TOML that [`from_toml`](super::from_toml) reads back as the same
/// MIB.
///
/// # Errors
/// The first fault of a MIB that [`Mib::validate`] refuses.
pub fn to_toml(mib: &Mib<'_>) -> Result<String, Invalid> {
    mib.validate()?;
    let written = toml::to_string(&file(mib));
    // The keys of the layout are text and its numbers fit: nothing of it can fail.
    debug_assert!(written.is_ok(), "{written:?}");
    Ok(written.unwrap_or_default())
}

fn file(mib: &Mib<'_>) -> File {
    File {
        profile: mib.profile,
        primary_transport: Some(text(mib.primary_transport)),
        config_servers: unplaced(mib.config_servers.iter().copied().map(text).collect()),
        default_madp: some_text(mib.default_madp),
        checksums: Some(mib.checksums),
        tai_minus_utc: Some(number(mib.tai_minus_utc)),
        continuum: unplaced(LocalContinuum {
            number: number(mib.continuum.number.get()),
            name: mib.continuum.name.into(),
            description: mib.continuum.description.into(),
            public_key: key(mib.public_key),
            private_key: key(&mib.private_key),
        }),
        timers: Some(unplaced(timers(&mib.timers))),
        signatures: (mib.signatures != SignaturePolicy::STANDARD)
            .then(|| unplaced(signatures(&mib.signatures))),
        policy: (mib.policy != Policy::of(mib.profile)).then(|| unplaced(policy(&mib.policy))),
        transports: Some(tables(mib.transports, transport)),
        delivery: tables(mib.default_delivery, delivery_point),
        ip_multicast: mib.ip_multicast.as_ref().map(|groups| unplaced(multicast(groups))),
        continua: tables(mib.continua, continuum),
        ventures: tables(mib.ventures, venture),
    }
}

fn timers(timers: &Timers) -> TimerTable {
    TimerTable {
        n1: Some(unplaced(timers.n1.as_secs_f64())),
        n2: Some(unplaced(timers.n2.as_secs_f64())),
        n3: Some(unplaced(timers.n3.as_secs_f64())),
        n6: Some(number(timers.n6)),
    }
}

fn signatures(policy: &SignaturePolicy) -> SignatureTable {
    let freshness = policy.freshness;
    SignatureTable {
        binding: policy.binding,
        freshness: (!freshness.is_zero()).then(|| unplaced(freshness.as_secs_f64())),
    }
}

fn policy(policy: &Policy) -> PolicyTable {
    let seconds = |time: Duration| Some(unplaced(time.as_secs_f64()));
    PolicyTable {
        census: policy.census.and_then(seconds),
        introduction: Some(policy.introduction.into()),
        introduction_delay: seconds(policy.introduction_delay),
        introduction_repeats: Some(number(policy.introduction_repeats)),
        briefing_delay: seconds(policy.briefing_delay),
        one_status: Some(policy.one_status),
        refuse_late: Some(policy.reconnection.timely),
        refuse_inconsistent: Some(policy.reconnection.consistent),
        refuse_moved: Some(policy.reconnection.unique),
        aggregation: seconds(policy.aggregation),
        takeover: Some(number(policy.takeover)),
    }
}

fn transport(service: &TransportService<'_>) -> TransportTable {
    TransportTable {
        name: service.name.into(),
        sequence: service.mode.sequence,
        diligence: service.mode.diligence,
    }
}

fn delivery_point(point: &DeliveryPointSpec<'_>) -> DeliveryPointTable {
    DeliveryPointTable { service: point.service.into(), endpoint: point.endpoint.into() }
}

fn multicast(groups: &IpMulticast) -> MulticastTable {
    MulticastTable {
        mask: unplaced(groups.mask),
        mask_length: number(groups.mask_length),
        unit_bits: number(groups.unit_bits),
        subject_bits: number(groups.subject_bits),
        port: number(groups.port),
    }
}

fn continuum(continuum: &Continuum<'_>) -> RemoteContinuum {
    RemoteContinuum {
        number: number(continuum.number.get()),
        name: continuum.name.into(),
        neighbour: continuum.neighbour,
        description: continuum.description.into(),
    }
}

fn venture(venture: &Venture<'_>) -> VentureTable {
    VentureTable {
        number: number(venture.number.0),
        application: venture.application.into(),
        authority: venture.authority.into(),
        public_key: key(venture.public_key),
        private_key: key(&venture.private_key),
        gateway: venture.gateway.into(),
        network: venture.network,
        units: tables(venture.units, unit),
        roles: tables(venture.roles, role),
        subjects: tables(venture.subjects, |subject| subject_table(venture, subject)),
        remote: tables(venture.remote, message_space),
    }
}

fn unit(unit: &Unit<'_>) -> UnitTable {
    UnitTable {
        number: number(unit.number.0),
        name: unit.name.into(),
        resync_period: (unit.resync_period > 0).then(|| number(unit.resync_period)),
    }
}

fn role(role: &Role<'_>) -> RoleTable {
    RoleTable {
        number: number(role.number.0),
        name: role.name.into(),
        public_key: key(role.public_key),
        private_key: key(&role.private_key),
    }
}

fn subject_table(venture: &Venture<'_>, subject: &Subject<'_>) -> SubjectTable {
    let names = |roles: &[RoleNumber]| {
        roles.iter().filter_map(|role| Some(text(venture.role(*role)?.name))).collect()
    };
    SubjectTable {
        number: number(subject.number.0),
        name: subject.name.into(),
        description: subject.description.into(),
        structure: subject.structure.into(),
        senders: names(subject.senders),
        receivers: names(subject.receivers),
        symmetric_key: key(&subject.symmetric_key),
        marshal: subject.marshal.into(),
        unmarshal: subject.unmarshal.into(),
    }
}

fn message_space(space: &RemoteMessageSpace<'_>) -> MessageSpaceTable {
    MessageSpaceTable {
        continuum: number(space.continuum.get()),
        gateway: space.gateway.into(),
        neighbour: Some(space.neighbour),
        symmetric_key: key(&space.symmetric_key),
        channel_key: key(&space.channel_key),
    }
}

fn tables<T, U>(items: &[T], table: impl Fn(&T) -> U) -> Vec<Spanned<U>> {
    items.iter().map(|item| unplaced(table(item))).collect()
}

fn number(number: impl Into<i64>) -> Number {
    unplaced(number.into())
}

fn text(text: &str) -> Text {
    unplaced(text.into())
}

fn some_text(text: &str) -> Option<Text> {
    (!text.is_empty()).then(|| self::text(text))
}

fn key(octets: &[u8]) -> Option<Text> {
    let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    some_text(&digits)
}

/// What was not read has no place.
fn unplaced<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}
