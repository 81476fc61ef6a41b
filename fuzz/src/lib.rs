//! What the targets that drive machines share: a transport that judges what it is
//! given, and MPDUs made of a few octets of fuzz.
//!
//! An operation is one octet that says which, and the octets it takes. What they
//! mean is told by the functions that read them, in the order of reading.

pub mod machines;
pub mod management;
pub mod scos;

use std::time::Duration;

pub use libfuzzer_sys::arbitrary::{Result, Unstructured};

use farpost::ams::ids::{
    ContinuumNumber, Domain, ModuleId, ModuleNumber, RoleNumber, SubjectNumber, UnitNumber,
    VentureNumber,
};
use farpost::ams::mib::{Mib, Role, Unit, Venture};
use farpost::ams::pdu::{Aams, AssertionValues, Envelope, Mpdu, MpduHeader, MpduType, Sender};
use farpost::time::{Instant, Now};
use farpost::transport::{Address, SendError, Transport};
use farpost::wire::{Encode, NoSpace, TimeCode, Writer};

pub const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(7);

/// The venture; those who drive gateways give it neighbours.
pub const VENTURE: Venture<'static> = Venture {
    units: &[
        Unit { resync_period: 2, ..Unit::ROOT },
        Unit::new(UnitNumber(1), "post"),
        Unit { resync_period: 1, ..Unit::new(UnitNumber(2), "post.mast") },
    ],
    roles: &[Role::new(RoleNumber(2), "a"), Role::new(RoleNumber(3), "b")],
    ..Venture::new(VentureNumber(1), "fuzzed", "tests")
};

/// Three cells, two roles, two locations of the configuration server.
pub const MIB: Mib<'static> =
    Mib { config_servers: &["s", "t"], ventures: &[VENTURE], ..Mib::new(CONTINUUM, "test") };

/// Takes what is well-formed. What a machine sends that is not, is a finding.
#[derive(Default)]
pub struct Wire {
    busy: bool,
    /// The link carries short datagrams only.
    short: bool,
    /// The reference of the last MPDU: the number of a question, if it was one.
    pub asked: u32,
}

impl Transport for Wire {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        match service {
            "udp" if !endpoint.starts_with('?') => Some(Address::new(0, endpoint.as_bytes())),
            "tcp" => Some(Address::new(1, endpoint.as_bytes())),
            _ => None,
        }
    }

    /// Names of delivery points begin with `m`, those of gateways with `g`.
    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> std::result::Result<(), SendError> {
        match to.octets().first() {
            Some(b'm') => {
                Aams::parse(octets).expect("a machine sent an ill-formed message");
            }
            Some(b'g') => {
                Envelope::parse(octets).expect("a machine sent an ill-formed RPDU");
            }
            _ => {
                self.asked =
                    Mpdu::parse(octets).expect("a machine sent an ill-formed MPDU").reference();
            }
        }
        match (self.busy, self.short && octets.len() > 60) {
            (true, _) => Err(SendError::Busy),
            (_, true) => Err(SendError::TooLong),
            _ => Ok(()),
        }
    }
}

impl Wire {
    /// Changes what becomes of datagrams: bit 0, all are refused; bit 1, the long ones.
    pub fn turn(&mut self, how: u8) {
        self.busy = how & 1 != 0;
        self.short = how & 2 != 0;
    }
}

/// Ticks at every deadline until `seconds` have passed; each is done with when
/// its tick is.
pub fn wait(
    now: &mut Now,
    seconds: u8,
    mut next_deadline: impl FnMut(Now, Option<()>) -> Option<Instant>,
) {
    let end = now.monotonic.after(Duration::from_secs(seconds.into()));
    while let Some(next) = next_deadline(*now, None).filter(|next| *next <= end) {
        *now = now.after(next.since(now.monotonic));
        let next = next_deadline(*now, Some(()));
        assert!(next.is_none_or(|next| next > now.monotonic), "a tick left something due");
    }
    *now = now.after(end.since(now.monotonic));
}

/// Where a datagram comes from: one of five.
pub fn from(u: &mut Unstructured<'_>) -> Result<Address> {
    let names: [&[u8]; 5] = [b"r", b"s", b"t", b"p", b"q"];
    Ok(Address::new(0, names[usize::from(u8(u)? % 5)]))
}

/// A few of all the octets there can be.
pub fn noise<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let length = usize::from(u8(u)?).min(u.len());
    u.bytes(length)
}

pub fn u8(u: &mut Unstructured<'_>) -> Result<u8> {
    u.arbitrary()
}

pub fn rule(u: &mut Unstructured<'_>) -> Result<AssertionValues> {
    let continua = [0, 7, 6];
    Ok(AssertionValues {
        subject: SubjectNumber(i16::from(u8(u)? % 12) - 8),
        domain: Domain {
            continuum: ContinuumNumber::from_bits(continua[usize::from(u8(u)? % 3)]),
            unit: UnitNumber(u16::from(u8(u)? % 4)),
            role: RoleNumber(u8(u)? % 4),
        },
        delivery_vector: u8(u)? % 4,
        priority: Default::default(),
        flow_label: 0,
    })
}

fn module(u: &mut Unstructured<'_>) -> Result<ModuleId> {
    Ok(ModuleId {
        role: RoleNumber(u8(u)? % 4),
        unit: UnitNumber(u16::from(u8(u)? % 3)),
        module: ModuleNumber(u8(u)? % 9),
    })
}

/// A well-formed MPDU, but for what no machine would say.
pub fn mpdu(u: &mut Unstructured<'_>, asked: u32) -> Result<Vec<u8>> {
    let kind = MpduType::NAMED[usize::from(u8(u)?) % MpduType::NAMED.len()];
    let about = module(u)?;
    let sender = match u8(u)? % 4 {
        0 => Sender::CONFIGURATION_SERVER,
        1 => Sender { venture: VENTURE.number, unit: about.unit, role: RoleNumber::ALL },
        _ => Sender { venture: VENTURE.number, unit: about.unit, role: about.role },
    };
    let reference = match kind {
        MpduType::HEARTBEAT => u32::from(about.module.0),
        MpduType::YOU_ARE_DEAD | MpduType::I_AM_HERE | MpduType::I_AM_RUNNING => 0,
        MpduType::CELL_STATUS => ModuleId::cell(about.unit).reference(),
        MpduType::REJECTION
        | MpduType::REGISTRAR_NOTED
        | MpduType::REGISTRAR_UNKNOWN
        | MpduType::RECONNECTED
        | MpduType::CELL_SPEC
        | MpduType::YOU_ARE_IN => asked,
        MpduType::ANNOUNCE_REGISTRAR
        | MpduType::REGISTRAR_QUERY
        | MpduType::MODULE_REGISTRATION
        | MpduType::RECONNECT => u32::from(u8(u)?),
        _ => about.reference(),
    };
    let mut data = Vec::new();
    supplement(kind, about, u, &mut data)?;
    let time = TimeCode { seconds: 2_173_990_005 };
    let header = MpduHeader { sender, time, signature: &[], checksum: false };
    let mut buffer = vec![0; data.len() + 32];
    let octets = header.encode_raw(kind, reference, &Octets(&data), &time, &mut buffer);
    Ok(octets.expect("there is room").to_vec())
}

fn supplement(
    kind: MpduType,
    about: ModuleId,
    u: &mut Unstructured<'_>,
    to: &mut Vec<u8>,
) -> Result<()> {
    match kind {
        MpduType::REJECTION | MpduType::YOU_ARE_IN => to.push(u8(u)? % 9),
        MpduType::ANNOUNCE_REGISTRAR | MpduType::REGISTRAR_QUERY => endpoint(u, to)?,
        MpduType::SUBSCRIBE | MpduType::INVITE => to.extend(rule(u)?.octets()),
        MpduType::UNSUBSCRIBE | MpduType::DISINVITE => {
            to.extend(rule(u)?.cancellation().octets());
        }
        MpduType::CELL_SPEC => {
            to.extend(about.unit.0.to_be_bytes());
            endpoint(u, to)?;
        }
        MpduType::MODULE_REGISTRATION | MpduType::I_AM_STARTING | MpduType::MODULE_HAS_STARTED => {
            contact(u, to)?
        }
        MpduType::I_AM_HERE | MpduType::MODULE_STATUS => {
            let count = u8(u)? % 4;
            to.extend(u32::from(count).to_be_bytes());
            for _ in 0..count {
                let id = module(u)?;
                status(id, u, to)?;
            }
        }
        MpduType::RECONNECT => {
            status(about, u, to)?;
            numbers(u, to)?;
        }
        MpduType::CELL_STATUS => numbers(u, to)?,
        _ => {}
    }
    Ok(())
}

fn endpoint(u: &mut Unstructured<'_>, to: &mut Vec<u8>) -> Result<()> {
    to.extend([b"pqrs?"[usize::from(u8(u)? % 5)], 0]);
    Ok(())
}

/// An endpoint and a delivery vector that leads to `m` there.
fn contact(u: &mut Unstructured<'_>, to: &mut Vec<u8>) -> Result<()> {
    endpoint(u, to)?;
    to.extend(b"\x01\x11udp=m\0");
    Ok(())
}

fn status(id: ModuleId, u: &mut Unstructured<'_>, to: &mut Vec<u8>) -> Result<()> {
    to.extend(id.unit.0.to_be_bytes());
    to.extend([id.module.0, id.role.0]);
    contact(u, to)?;
    for _ in 0..2 {
        let count = u8(u)? % 4;
        to.extend(u16::from(count).to_be_bytes());
        for _ in 0..count {
            to.extend(rule(u)?.octets());
        }
    }
    Ok(())
}

fn numbers(u: &mut Unstructured<'_>, to: &mut Vec<u8>) -> Result<()> {
    let count = u8(u)? % 9;
    to.push(count);
    for _ in 0..count {
        to.push(u8(u)? % 9);
    }
    Ok(())
}

struct Octets<'a>(&'a [u8]);

impl Encode for Octets<'_> {
    fn encode(&self, to: &mut Writer<'_>) -> std::result::Result<(), NoSpace> {
        to.octets(self.0)
    }
}
