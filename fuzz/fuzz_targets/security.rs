//! Any octets are judged and signed, encrypted and decrypted: what is signed says the
//! same and is authentic, what is encrypted comes back, and nothing else is taken.
#![no_main]

use farpost::ams::ids::{
    ContextNumber, ContinuumNumber, ModuleKey, RoleNumber, SubjectNumber, VentureNumber,
};
use farpost::ams::mib::{Binding, Mib, Role, SignaturePolicy, Subject, Venture};
use farpost::ams::pdu::{MessageType, Mpdu};
use farpost::ams::security::{
    AesGcmSiv, Authenticator, ContentFault, ContentHandler, DigitalSignatures, Ed25519, NoRandom,
    Origin, Random, Receiver, SubjectSecurity,
};
use farpost::crypto::SecretKey;
use farpost::time::Now;
use libfuzzer_sys::fuzz_target;

const SEED: [u8; 32] = [7; 32];
const KEY: [u8; 32] = [9; 32];

/// The same octets each time.
#[derive(Debug)]
struct Fixed;

impl Random for Fixed {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        octets.fill(b'x');
        Ok(())
    }
}

const ORIGIN: Origin = Origin {
    message_type: MessageType::Unary,
    continuum: ContinuumNumber::from_bits(7),
    source: ModuleKey {
        unit: farpost::ams::ids::UnitNumber(1),
        module: farpost::ams::ids::ModuleNumber(2),
    },
    context: ContextNumber(0),
    subject: SubjectNumber(1),
};

fn judge_and_sign(octets: &[u8], binding: Binding) {
    let (public, other) = (Ed25519::public_key(&SEED), Ed25519::public_key(&KEY));
    let policy = SignaturePolicy { binding, ..SignaturePolicy::STANDARD };
    let roles = |key| {
        [2, 3].map(|n| Role {
            public_key: key,
            private_key: SecretKey(&SEED),
            ..Role::new(RoleNumber(n), "r")
        })
    };
    let (own, others) = (roles(&public), roles(&other));
    let venture = Venture {
        public_key: &public,
        private_key: SecretKey(&SEED),
        roles: &own,
        ..Venture::new(VentureNumber(1), "a", "b")
    };
    let ventures = [venture];
    let mib = Mib {
        public_key: &public,
        private_key: SecretKey(&SEED),
        signatures: policy,
        ventures: &ventures,
        ..Mib::new(ContinuumNumber::from_bits(7), "c")
    };
    let elsewhere = [Venture { public_key: &other, roles: &others, ..venture }];
    let stranger = Mib { public_key: &other, ventures: &elsewhere, ..mib };
    let signatures = DigitalSignatures::new(&Ed25519, &Fixed);
    let now = Now::default();
    for receiver in [
        Receiver::Module(VentureNumber(1)),
        Receiver::Registrar(VentureNumber(1)),
        Receiver::ConfigServer,
    ] {
        // Noise is judged without harm; what nobody signed is authentic only where
        // nobody is asked to.
        let noise = signatures.judge(&mib, &now, receiver, octets);
        let Ok(mpdu) = Mpdu::parse(octets) else { continue };
        if !mpdu.signature().is_empty() {
            continue;
        }
        let mut buffer = vec![0; octets.len() + 255];
        buffer[..octets.len()].copy_from_slice(octets);
        let length = signatures.sign(&mib, &mut buffer, octets.len()).expect("there is room");
        let signed = &buffer[..length];
        let again = Mpdu::parse(signed).expect("signed it is well-formed");
        assert_eq!(format!("{:?}", again.content()), format!("{:?}", mpdu.content()));
        if length > octets.len() && signatures.judge(&mib, &now, receiver, signed).is_ok() {
            assert!(noise.is_err(), "a signature was not asked for");
            assert!(signatures.judge(&stranger, &now, receiver, signed).is_err());
        }
    }
}

fn encrypt(octets: &[u8]) {
    let subject = Subject { symmetric_key: SecretKey(&KEY), ..Subject::new(SubjectNumber(1), "s") };
    let mut room = vec![0; octets.len() + 28];
    let mut handler = SubjectSecurity::new(&mut room).with_cipher(&AesGcmSiv, &Fixed);
    let sealed = handler.prepare(&subject, &ORIGIN, octets).expect("there is room").to_vec();
    let mut room = vec![0; sealed.len()];
    assert_eq!(handler.restore(&subject, &ORIGIN, &sealed, &mut room), Ok(octets));
    let noise = handler.restore(&subject, &ORIGIN, octets, &mut room);
    assert_eq!(noise.map(<[u8]>::len), Err(ContentFault::NotAuthentic));
}

fuzz_target!(|octets: &[u8]| {
    for binding in [Binding::Off, Binding::Offered, Binding::Required] {
        judge_and_sign(octets, binding);
    }
    encrypt(octets);
});
