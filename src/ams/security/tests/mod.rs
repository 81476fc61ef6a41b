//! Signed and encrypted, with the real scheme and the real cipher.

mod cell;
mod content;
mod machines;
mod network;
mod sayings;
mod signatures;

use core::cell::Cell;
use core::time::Duration;
use std::boxed::Box;
use std::sync::LazyLock;
use std::vec::Vec;

use super::{
    AesGcmSiv, Authenticator, DigitalSignatures, Ed25519, Inauthentic, NoRandom, Random, Receiver,
};
use crate::ams::ids::{ContinuumNumber, RoleNumber, SubjectNumber, UnitNumber, VentureNumber};
use crate::ams::mib::{Binding, Mib, Role, SignaturePolicy, Subject, Unit, Venture};
use crate::ams::pdu::{Mpdu, MpduHeader, MpduType, Sender};
use crate::ams::script::Dry;
use crate::crypto::SecretKey;
use crate::wire::{Octets, TimeCode};

const CONTINUUM: ContinuumNumber = ContinuumNumber::from_bits(7);
const VENTURE: VentureNumber = VentureNumber(1);
const SENSOR: RoleNumber = RoleNumber(2);
const READER: RoleNumber = RoleNumber(3);
/// A role without keys.
const KEEPER: RoleNumber = RoleNumber(4);
/// Encrypted; marshalled; both.
const SECRET: SubjectNumber = SubjectNumber(30);
const TURNED: SubjectNumber = SubjectNumber(31);
const SECRET_TURNED: SubjectNumber = SubjectNumber(32);
const PLAIN: SubjectNumber = SubjectNumber(33);

const UNITS: &[Unit<'_>] =
    &[Unit::ROOT, Unit::new(UnitNumber(1), "a"), Unit::new(UnitNumber(2), "b")];

/// The private keys, each of octets alike.
const SERVER_SEED: [u8; 32] = [1; 32];
const APPLICATION_SEED: [u8; 32] = [2; 32];
const SENSOR_SEED: [u8; 32] = [3; 32];
const READER_SEED: [u8; 32] = [4; 32];
const OTHER_SEED: [u8; 32] = [5; 32];
const SUBJECT_KEY: [u8; 32] = [9; 32];

/// Octets that count up: random as far as the code can tell, and the same each time.
#[derive(Debug, Default)]
struct Counter(Cell<u8>);

impl Random for Counter {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        for octet in octets {
            *octet = self.0.get();
            self.0.set(octet.wrapping_add(1));
        }
        Ok(())
    }
}

fn leak<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

/// The signatures of every test.
fn signatures() -> &'static DigitalSignatures<'static> {
    leak(DigitalSignatures::new(&Ed25519, leak(Counter::default())))
}

fn public(seed: &[u8; 32]) -> &'static [u8] {
    leak(Ed25519::public_key(seed))
}

fn keyed(number: RoleNumber, name: &'static str, seed: &'static [u8; 32]) -> Role<'static> {
    Role { public_key: public(seed), private_key: SecretKey(seed), ..Role::new(number, name) }
}

/// Everybody's MIB, with all keys, public and private.
fn mib() -> Mib<'static> {
    static MIB: LazyLock<Mib<'static>> = LazyLock::new(make_mib);
    *MIB
}

fn make_mib() -> Mib<'static> {
    let roles = leak([
        keyed(SENSOR, "sensor", &SENSOR_SEED),
        keyed(READER, "reader", &READER_SEED),
        Role::new(KEEPER, "keeper"),
    ]);
    let subjects = leak([
        Subject { symmetric_key: SecretKey(&SUBJECT_KEY), ..Subject::new(SECRET, "secret") },
        Subject { marshal: "turn", unmarshal: "turn", ..Subject::new(TURNED, "turned") },
        Subject {
            symmetric_key: SecretKey(&SUBJECT_KEY),
            marshal: "turn",
            unmarshal: "turn",
            ..Subject::new(SECRET_TURNED, "secret, turned")
        },
        Subject::new(PLAIN, "plain"),
    ]);
    let watch = Venture {
        public_key: public(&APPLICATION_SEED),
        private_key: SecretKey(&APPLICATION_SEED),
        units: UNITS,
        roles,
        subjects,
        ..Venture::new(VENTURE, "watch", "tests")
    };
    let other = Venture {
        public_key: public(&OTHER_SEED),
        private_key: SecretKey(&OTHER_SEED),
        units: UNITS,
        roles: leak([keyed(SENSOR, "sensor", &OTHER_SEED)]),
        ..Venture::new(VentureNumber(2), "other", "tests")
    };
    Mib {
        config_servers: &["cs"],
        public_key: public(&SERVER_SEED),
        private_key: SecretKey(&SERVER_SEED),
        ventures: leak([watch, other]),
        ..Mib::new(CONTINUUM, "field")
    }
}

/// The same, but signatures cover all of an MPDU, and have to.
fn bound(freshness: u64) -> Mib<'static> {
    let freshness = Duration::from_secs(freshness);
    Mib { signatures: SignaturePolicy { binding: Binding::Required, freshness }, ..mib() }
}

/// The same without a single key.
fn keyless() -> Mib<'static> {
    let venture = Venture {
        public_key: &[],
        private_key: SecretKey::NONE,
        roles: leak([Role::new(SENSOR, "sensor"), Role::new(READER, "reader")]),
        ..mib().ventures[0]
    };
    Mib { public_key: &[], private_key: SecretKey::NONE, ventures: leak([venture]), ..mib() }
}

/// The same, in which every private key is another entity's.
fn mixed_up() -> Mib<'static> {
    let mib = mib();
    let mut venture = mib.ventures[0];
    venture.private_key = SecretKey(&SERVER_SEED);
    venture.roles = leak([
        Role { private_key: SecretKey(&READER_SEED), ..venture.roles[0] },
        Role { private_key: SecretKey(&SENSOR_SEED), ..venture.roles[1] },
        venture.roles[2],
    ]);
    Mib {
        private_key: SecretKey(&APPLICATION_SEED),
        ventures: leak([venture, mib.ventures[1]]),
        ..mib
    }
}

/// Who sends, in venture 1.
const fn sender(unit: u16, role: RoleNumber) -> Sender {
    Sender { venture: VENTURE, unit: UnitNumber(unit), role }
}

const fn registrar(unit: u16) -> Sender {
    sender(unit, RoleNumber::ALL)
}

/// When MPDUs are sent: [`crate::ams::script::at`]`(0)` by the wall clock.
const SENT: TimeCode = TimeCode { seconds: 2_174_083_237 };

/// The octets of an MPDU without a signature.
fn mpdu(sender: Sender, kind: MpduType, reference: u32, data: &[u8]) -> Vec<u8> {
    let header = MpduHeader { sender, time: SENT, signature: &[], checksum: true };
    let mut buffer = [0; 512];
    header.encode_raw(kind, reference, &Octets(data), &SENT, &mut buffer).unwrap().to_vec()
}

/// The same MPDU, signed with the private keys of `mib`.
fn sign(mib: &Mib<'_>, octets: &[u8]) -> Vec<u8> {
    let mut buffer = [0; 1_024];
    buffer[..octets.len()].copy_from_slice(octets);
    let length = signatures().sign(mib, &mut buffer, octets.len()).unwrap();
    let signed = buffer[..length].to_vec();
    Mpdu::parse(&signed).unwrap();
    signed
}

fn judge(mib: &Mib<'_>, receiver: Receiver, octets: &[u8]) -> Result<(), Inauthentic> {
    Mpdu::parse(octets).unwrap();
    signatures().judge(mib, &crate::ams::script::at(0), receiver, octets)
}
