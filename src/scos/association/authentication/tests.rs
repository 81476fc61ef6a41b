use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::scos::DeviceConfig;
use crate::scos::messages::{Association, Proof, SIGNATURE_MAX, ScheduleMark};
use crate::scos::testing::{Dice, Toy, address, at, slots};

const KEYS: [&[u8]; 2] = [b"one", b"two"];
const CONNECTION: [u8; 32] = [0xcc; 32];
const OTHER_CONNECTION: [u8; 32] = [0xdd; 32];

struct Bench {
    gate: Gate<'static>,
    registry: Registry<'static>,
    toy: &'static Toy,
    dice: &'static Dice,
}

fn bench(admission: Admission, attempts: usize) -> Bench {
    let [one, two] = KEYS.map(Toy::public);
    let devices = [
        DeviceConfig { device: "mast-1", public_key: &one },
        DeviceConfig { device: "mast-2", public_key: &two },
    ];
    let registry = Registry::new(slots(3), &devices, admission, Duration::from_secs(300));
    let toy: &Toy = std::boxed::Box::leak(std::boxed::Box::default());
    let dice: &Dice = std::boxed::Box::leak(std::boxed::Box::default());
    let limit = AttemptLimit { failures: 3, forgiven_after: Duration::from_secs(60) };
    let attempts = slots(attempts);
    let gate = Gate::new(Authentication { scheme: toy, random: dice, attempts, limit });
    Bench { gate, registry, toy, dice }
}

/// A request of a device that is known by its number, with a proof or without.
#[derive(Clone, Copy)]
struct Ask {
    seconds: u64,
    from: u8,
    device: &'static str,
    /// Whose public key it shows, and with whose private key it signs.
    shows: &'static [u8],
    signs: &'static [u8],
    binding: Option<Binding>,
    sequence: u32,
    identity: Option<&'static str>,
    connection: Option<[u8; 32]>,
}

const ASK: Ask = Ask {
    seconds: 0,
    from: 1,
    device: "mast-1",
    shows: KEYS[0],
    signs: KEYS[0],
    binding: None,
    sequence: 1,
    identity: None,
    connection: None,
};

impl Bench {
    fn ask(&mut self, ask: Ask) -> Verdict {
        self.ask_altered(ask, |request| request)
    }

    /// The request is altered after it was signed.
    fn ask_altered(
        &mut self,
        ask: Ask,
        alter: impl for<'a> Fn(Associate<'a>) -> Associate<'a>,
    ) -> Verdict {
        let public_key = Toy::public(ask.shows);
        let request = Associate {
            request: Association::New,
            device: ask.device,
            public_key: &public_key,
            boot: 7,
            sequence: ask.sequence,
            schedule: ScheduleMark::default(),
            proof: None,
        };
        let mut signature = [0; SIGNATURE_MAX];
        let proof = ask.binding.and_then(|binding| {
            let connection = ask.connection.as_ref().or(Some(&CONNECTION));
            request.with_proof_text(&binding, connection, |text| {
                self.toy.sign(ask.signs, text, &mut signature[..8]).unwrap();
            })?;
            Some(Proof { binding, signature: &signature[..8] })
        });
        let request = alter(Associate { proof, ..request });
        let peer = Peer { identity: ask.identity, binding: ask.connection, origin: None };
        let now = at(ask.seconds).monotonic;
        self.gate.judge(now, &address(ask.from), &peer, &request, &self.registry)
    }

    fn challenge(&mut self, ask: Ask) -> Binding {
        match self.ask(Ask { binding: None, ..ask }) {
            Verdict::Challenge(nonce) => Binding::Challenge(nonce),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_challenge_is_answered_with_the_private_key() {
    let mut bench = bench(Admission::Configured, 8);
    let binding = bench.challenge(ASK);
    assert_eq!(bench.ask(Ask { binding: Some(binding), ..ASK }), Verdict::Authentic);
    // Whoever knows the public key alone is nobody.
    let thief = Ask { binding: Some(binding), signs: KEYS[1], ..ASK };
    assert_eq!(bench.ask(thief), Verdict::Refused(Suspicion::WrongProof));
}

#[test]
fn a_connection_with_a_value_needs_no_challenge() {
    let mut bench = bench(Admission::Configured, 8);
    let bound = Ask { binding: Some(Binding::Connection), connection: Some(CONNECTION), ..ASK };
    assert_eq!(bench.ask(bound), Verdict::Authentic);
    // The SSM has no such value: it challenges.
    let unbound = Ask { connection: None, ..bound };
    assert!(matches!(bench.ask(unbound), Verdict::Challenge(_)));
}

/// A proof that was made elsewhere, for something else, or too long ago is none.
#[test]
fn replayed_altered_and_stale_proofs_are_refused() {
    let stale = Verdict::Refused(Suspicion::StaleNonce);
    let wrong = Verdict::Refused(Suspicion::WrongProof);
    let mut bench = bench(Admission::Configured, 0);
    let on = Ask { connection: Some(CONNECTION), ..ASK };
    let binding = bench.challenge(on);
    let proved = Ask { binding: Some(binding), ..on };
    assert_eq!(bench.ask(proved), Verdict::Authentic);
    // From another address, on another connection, of another device.
    assert_eq!(bench.ask(Ask { from: 2, ..proved }), stale);
    assert_eq!(bench.ask(Ask { connection: Some(OTHER_CONNECTION), ..proved }), stale);
    let other = Ask { device: "mast-2", shows: KEYS[1], signs: KEYS[1], ..proved };
    assert_eq!(bench.ask(other), stale);
    // A value that was signed on another connection.
    let bound = Ask { binding: Some(Binding::Connection), ..on };
    assert_eq!(bench.ask(bound), Verdict::Authentic);
    // Anything that is altered.
    for alter in [
        |request: Associate<'_>| Associate { sequence: 2, ..request },
        |request: Associate<'_>| Associate { boot: 8, ..request },
        |request: Associate<'_>| Associate { request: Association::Disassociate, ..request },
        |request: Associate<'_>| Associate {
            schedule: ScheduleMark { epoch: 1, version: 1 },
            ..request
        },
    ] as [fn(Associate<'_>) -> Associate<'_>; 4]
    {
        assert_eq!(bench.ask_altered(proved, alter), wrong);
        assert_eq!(bench.ask_altered(bound, alter), wrong);
    }
    // A nonce nobody made.
    let forged = Ask { binding: Some(Binding::Challenge([5; 16])), ..on };
    assert_eq!(bench.ask(forged), stale);
    // Too late: good for 30 s at least and 60 s at most.
    assert_eq!(bench.ask(Ask { seconds: 59, ..proved }), Verdict::Authentic);
    assert_eq!(bench.ask(Ask { seconds: 119, ..proved }), stale);
}

#[test]
fn a_value_signed_on_another_connection_is_none() {
    let mut bench = bench(Admission::Configured, 8);
    let public_key = Toy::public(KEYS[0]);
    let request = Associate {
        request: Association::New,
        device: "mast-1",
        public_key: &public_key,
        boot: 7,
        sequence: 1,
        schedule: ScheduleMark::default(),
        proof: None,
    };
    let mut signature = [0; 8];
    request.with_proof_text(&Binding::Connection, Some(&OTHER_CONNECTION), |text| {
        bench.toy.sign(KEYS[0], text, &mut signature).unwrap();
    });
    let proof = Some(Proof { binding: Binding::Connection, signature: &signature });
    let request = Associate { proof, ..request };
    let peer = Peer { identity: Some("mast-1"), binding: Some(CONNECTION), origin: None };
    let now = at(0).monotonic;
    let verdict = bench.gate.judge(now, &address(1), &peer, &request, &bench.registry);
    assert_eq!(verdict, Verdict::Refused(Suspicion::WrongProof));
}

/// The answer and the work are the same, whatever is wrong.
#[test]
fn refusals_cost_the_same_whatever_is_wrong() {
    for (ask, why) in [
        (Ask { signs: KEYS[1], ..ASK }, Suspicion::WrongProof),
        (Ask { shows: KEYS[1], ..ASK }, Suspicion::WrongKey),
        (Ask { device: "mast-9", ..ASK }, Suspicion::UnknownDevice),
        (Ask { identity: Some("mast-2"), ..ASK }, Suspicion::OtherIdentity),
    ] {
        let mut bench = bench(Admission::Configured, 8);
        let binding = bench.challenge(ask);
        let before = bench.toy.verified.get();
        let verdict = bench.ask(Ask { binding: Some(binding), ..ask });
        assert_eq!(verdict, Verdict::Refused(why));
        assert_eq!(bench.toy.verified.get(), before + 1, "{why:?}");
        let forged = Ask { binding: Some(Binding::Challenge([5; 16])), ..ask };
        assert!(matches!(bench.ask(forged), Verdict::Refused(_)));
        assert_eq!(bench.toy.verified.get(), before + 2, "{why:?}");
    }
}

#[test]
fn who_fails_too_often_is_refused_until_it_is_forgiven() {
    let mut bench = bench(Admission::Configured, 8);
    let limited = Verdict::Refused(Suspicion::Limited);
    let forged = Ask { device: "mast-9", binding: Some(Binding::Challenge([5; 16])), ..ASK };
    for _ in 0..3 {
        assert_eq!(bench.ask(forged), Verdict::Refused(Suspicion::UnknownDevice));
    }
    let verified = bench.toy.verified.get();
    assert_eq!(bench.ask(forged), limited);
    // The place is refused whoever it says it is, and the device wherever it is, but
    // nobody else, and nothing is verified for that.
    assert_eq!(bench.ask(ASK), limited);
    assert_eq!(bench.ask(Ask { from: 2, ..forged }), limited);
    assert!(matches!(bench.ask(Ask { from: 2, ..ASK }), Verdict::Challenge(_)));
    assert_eq!(bench.toy.verified.get(), verified);
    // Refused requests do not prolong it.
    assert_eq!(bench.ask(Ask { seconds: 59, ..forged }), limited);
    let later = Ask { seconds: 60, ..forged };
    assert_eq!(bench.ask(later), Verdict::Refused(Suspicion::UnknownDevice));
    assert_eq!(bench.ask(later), limited);
    assert_eq!(bench.ask(Ask { seconds: 119, ..forged }), limited);
    assert!(matches!(bench.ask(Ask { seconds: 240, ..ASK }), Verdict::Challenge(_)));
}

/// On a link that knows who it is, nobody locks out another.
#[test]
fn a_link_that_is_known_is_blamed_alone() {
    let mut bench = bench(Admission::Configured, 8);
    let forged =
        Ask { identity: Some("mast-2"), binding: Some(Binding::Challenge([5; 16])), ..ASK };
    for _ in 0..3 {
        assert_eq!(bench.ask(forged), Verdict::Refused(Suspicion::OtherIdentity));
    }
    assert_eq!(bench.ask(forged), Verdict::Refused(Suspicion::Limited));
    // The device it said it was goes on, at the same place.
    let binding = bench.challenge(Ask { identity: Some("mast-1"), ..ASK });
    let proved = Ask { identity: Some("mast-1"), binding: Some(binding), ..ASK };
    assert_eq!(bench.ask(proved), Verdict::Authentic);
}

/// Where a device is associated from, failures elsewhere do not keep it out.
#[test]
fn an_associated_device_is_not_locked_out_by_others() {
    let mut bench = bench(Admission::Configured, 8);
    let public_key = Toy::public(KEYS[0]);
    let request = Associate {
        request: Association::New,
        device: "mast-1",
        public_key: &public_key,
        boot: 7,
        sequence: 1,
        schedule: ScheduleMark::default(),
        proof: None,
    };
    bench.registry.associate(at(0).monotonic, &address(1), &request).unwrap();
    let forged = Ask { from: 2, binding: Some(Binding::Challenge([5; 16])), ..ASK };
    for _ in 0..3 {
        bench.ask(forged);
    }
    assert_eq!(bench.ask(Ask { from: 3, ..ASK }), Verdict::Refused(Suspicion::Limited));
    assert!(matches!(bench.ask(ASK), Verdict::Challenge(_)));
}

#[test]
fn a_full_table_of_attempts_forgets_who_failed_least() {
    let mut bench = bench(Admission::Configured, 3);
    let forged = Ask { binding: Some(Binding::Challenge([5; 16])), ..ASK };
    for _ in 0..3 {
        bench.ask(forged);
    }
    // Each has a device of its own; the table has room for one of their rows.
    for from in 10..60 {
        bench.ask(Ask { from, identity: Some("mast-2"), ..forged });
        assert!(bench.gate.attempts.len() <= 3);
    }
    assert_eq!(bench.ask(forged), Verdict::Refused(Suspicion::Limited));
}

#[test]
fn without_random_octets_nobody_is_challenged() {
    let mut bench = bench(Admission::Configured, 8);
    bench.dice.lost.set(true);
    assert_eq!(bench.ask(ASK), Verdict::NoRandom);
    bench.dice.lost.set(false);
    bench.challenge(ASK);
    bench.dice.lost.set(true);
    assert!(matches!(bench.ask(Ask { seconds: 29, ..ASK }), Verdict::Challenge(_)));
    assert_eq!(bench.ask(Ask { seconds: 31, ..ASK }), Verdict::NoRandom);
}

#[test]
fn an_open_admission_takes_the_key_that_was_proved() {
    let mut bench = bench(Admission::Open, 8);
    let guest = Ask { device: "guest", ..ASK };
    let binding = bench.challenge(guest);
    assert_eq!(bench.ask(Ask { binding: Some(binding), ..guest }), Verdict::Authentic);
    let thief = Ask { binding: Some(binding), signs: KEYS[1], ..guest };
    assert_eq!(bench.ask(thief), Verdict::Refused(Suspicion::WrongProof));
}

#[test]
fn nothing_secret_is_printed() {
    let mut bench = bench(Admission::Configured, 8);
    bench.challenge(ASK);
    // The key of nonces is 1 to 16, as thrown.
    assert!(!std::format!("{:?}", bench.gate).contains("2, 3, 4"));
    let toy = Toy::default();
    let signer = crate::scos::DeviceSigner::new(&toy, &[77, 78, 79]);
    assert!(!std::format!("{signer:?}").contains("78"));
}

proptest! {
    /// Whoever asks in whatever way, nobody is authentic who has not the key.
    #[test]
    fn nobody_is_authentic_without_the_key(
        asks in proptest::collection::vec((0_u64..200, 1_u8..4, 0_u8..3, 0_u8..3, any::<bool>()), 0..40),
    ) {
        let mut bench = bench(Admission::Configured, 4);
        let mut nonces: Vec<Binding> = std::vec![Binding::Challenge([5; 16])];
        let mut seconds = 0;
        for (later, from, device, binding, on) in asks {
            seconds += later;
            let ask = Ask {
                seconds,
                from,
                device: ["mast-1", "mast-2", "mast-9"][usize::from(device)],
                shows: KEYS[usize::from(device) % 2],
                signs: b"another",
                binding: match binding {
                    0 => None,
                    1 => nonces.last().copied(),
                    _ => Some(Binding::Connection),
                },
                connection: on.then_some(CONNECTION),
                ..ASK
            };
            match bench.ask(ask) {
                Verdict::Authentic => prop_assert!(false, "authentic"),
                Verdict::Challenge(nonce) => nonces.push(Binding::Challenge(nonce)),
                Verdict::Refused(_) | Verdict::NoRandom => {}
            }
            prop_assert!(bench.gate.attempts.len() <= 4);
        }
    }
}
