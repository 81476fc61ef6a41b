//! Signing and judging, one test a clause of 4.1.4, 4.1.5 and 5.1.4.

use proptest::prelude::*;
use std::vec::Vec;

use super::sayings::{FIVE, MODULE, NINE, REGISTRAR, all, assertion, status};
use super::*;
use crate::ams::ids::ModuleId;
use crate::ams::script::{at, contact, unhex};
use crate::ams::security::{KeyRules, SignatureScheme, Unsigned};

fn subscribe(from: Sender) -> Vec<u8> {
    mpdu(from, MpduType::SUBSCRIBE, FIVE.reference(), &assertion().octets())
}

/// The signature of an MPDU.
fn signature(octets: &[u8]) -> Vec<u8> {
    Mpdu::parse(octets).unwrap().signature().to_vec()
}

/// `mpdu` with another signature.
fn with_signature(octets: &[u8], signature: &[u8]) -> Vec<u8> {
    let mpdu = Mpdu::parse(octets).unwrap();
    let header = MpduHeader { sender: mpdu.sender(), time: SENT, signature, checksum: true };
    let mut buffer = [0; 1_024];
    header.encode(&mpdu.content(), &mut buffer).unwrap().to_vec()
}

#[test]
fn clause_5_1_4_1_a_nonce_in_clear_and_what_the_private_key_makes_of_it_and_the_name() {
    for (from, name, seed) in [
        (Sender::CONFIGURATION_SERVER, "field", SERVER_SEED),
        (registrar(1), "watch", APPLICATION_SEED),
        (sender(1, READER), "reader", READER_SEED),
    ] {
        let signed = sign(&mib(), &mpdu(from, MpduType::HEARTBEAT, u32::from(from.role.0), &[]));
        let signature = signature(&signed);
        assert_eq!(signature.len(), 68);
        let (nonce, proof) = signature.split_at(4);
        assert!(nonce.iter().all(u8::is_ascii_graphic));
        let text = [nonce, name.as_bytes()];
        assert!(Ed25519.verify(&Ed25519::public_key(&seed), &text, proof), "{name}");
    }
}

/// Pinned: the same from every version of this crate.
#[test]
fn clause_5_1_4_the_octets_of_a_signed_mpdu() {
    let golden = concat!(
        "3801000103440009",
        "03000105",
        "1c8195e0a5",
        "30313233",
        "c1d8a3928aa1bc25761c634add45bb1e894d18822449108ba5611c521d893b37",
        "8eebd626aadc23581e673a3346c7f3fa4f1c4c1d48788cbaeb19b0983a4a5000",
        "002100000000001800",
    );
    let signed = sign(&mib(), &subscribe(sender(1, READER)));
    assert_eq!(signed[..signed.len() - 2], unhex(golden));
}

#[test]
fn clause_5_1_4_who_has_no_private_key_does_not_sign() {
    let octets = subscribe(sender(1, READER));
    assert_eq!(sign(&keyless(), &octets), octets);
    let octets = mpdu(sender(1, KEEPER), MpduType::HEARTBEAT, 1, &[]);
    assert_eq!(sign(&mib(), &octets), octets);
}

#[test]
fn clause_5_1_4_what_cannot_be_signed_is_not_sent() {
    let octets = subscribe(registrar(1));
    let mut buffer = [0; 512];
    buffer[..octets.len()].copy_from_slice(&octets);
    let dry = DigitalSignatures::new(&Ed25519, &Dry);
    assert_eq!(dry.sign(&mib(), &mut buffer, octets.len()), Err(Unsigned::NoRandom));
    let room = octets.len() + 67;
    let short = signatures().sign(&mib(), &mut buffer[..room], octets.len());
    assert_eq!(short, Err(Unsigned::NoSpace));
    let odd = Mib { private_key: SecretKey(b"odd"), ..mib() };
    let octets = mpdu(Sender::CONFIGURATION_SERVER, MpduType::I_AM_RUNNING, 0, &[]);
    buffer[..octets.len()].copy_from_slice(&octets);
    let odd = signatures().sign(&odd, &mut buffer, octets.len());
    assert_eq!(odd, Err(Unsigned::KeyUnusable));
}

#[test]
fn clause_5_1_4_checksums_are_made_again_and_only_where_there_was_one() {
    let mut octets = subscribe(registrar(1));
    assert!(Mpdu::parse(&sign(&mib(), &octets)).unwrap().checksum().is_some());
    octets[0] &= !0x20;
    octets.truncate(octets.len() - 2);
    assert!(Mpdu::parse(&sign(&mib(), &octets)).unwrap().checksum().is_none());
}

#[test]
fn clause_4_1_4_every_mpdu_of_an_entity_with_a_key_wants_its_signature() {
    for mib in [mib(), bound(5)] {
        for saying in all() {
            let judge = |octets: &[u8]| judge(&mib, saying.to, octets);
            let signed = sign(&mib, &saying.octets);
            assert_eq!(judge(&signed), Ok(()), "{:?}", saying.kind);
            assert_eq!(judge(&saying.octets), Err(Inauthentic::Missing), "{:?}", saying.kind);
            let mixed = Mib { signatures: mib.signatures, ..mixed_up() };
            let forged = sign(&mixed, &saying.octets);
            assert_eq!(judge(&forged), Err(Inauthentic::Wrong), "{:?}", saying.kind);
        }
    }
}

#[test]
fn clause_4_1_4_the_key_is_that_of_the_venture_and_the_name_that_of_the_role() {
    let octets = mpdu(registrar(1), MpduType::YOU_ARE_DEAD, 0, &[]);
    let venture = Venture { private_key: SecretKey(&OTHER_SEED), ..mib().ventures[0] };
    let other_venture = Mib { ventures: &[venture], ..mib() };
    assert_eq!(judge(&mib(), MODULE, &sign(&other_venture, &octets)), Err(Inauthentic::Wrong));
    // The right key, and another application's name.
    let venture = Venture { application: "watchers", ..mib().ventures[0] };
    let other_name = Mib { ventures: &[venture], ..mib() };
    assert_eq!(judge(&mib(), MODULE, &sign(&other_name, &octets)), Err(Inauthentic::Wrong));
}

#[test]
fn clause_4_1_4_signatures_of_other_lengths_are_wrong() {
    let signed = sign(&mib(), &subscribe(registrar(1)));
    let right = signature(&signed);
    for length in [1, 3, 4, 67, 69, 131, 132, 133, 255] {
        let mut octets = right.clone();
        octets.resize(length, 0);
        let judged = judge(&mib(), MODULE, &with_signature(&signed, &octets));
        // One as long as two is one that is bound, of which only the first counts here.
        let expected = if length == 132 { Ok(()) } else { Err(Inauthentic::Wrong) };
        assert_eq!(judged, expected, "{length}");
    }
}

#[test]
fn clause_4_1_5_signatures_without_a_key_to_judge_them_by_are_ignored() {
    for saying in all() {
        assert_eq!(judge(&keyless(), saying.to, &saying.octets), Ok(()));
        assert_eq!(judge(&keyless(), saying.to, &sign(&mixed_up(), &saying.octets)), Ok(()));
    }
    let keeper = mpdu(sender(1, KEEPER), MpduType::HEARTBEAT, 1, &[]);
    assert_eq!(judge(&mib(), REGISTRAR, &with_signature(&keeper, b"whatever")), Ok(()));
}

#[test]
fn clause_4_1_4_nobody_speaks_for_an_entity_with_a_key_in_the_name_of_one_without() {
    let open = Mib { public_key: &[], ..mib() };
    let server = Sender::CONFIGURATION_SERVER;
    let nine = NINE.reference();
    let statuses = [&[0, 0, 0, 1][..], &status(NINE, "nine")].concat();
    for (mib, to, from, kind, reference, data) in [
        // A configuration server has no key, and declares a module dead.
        (open, MODULE, server, MpduType::HEARTBEAT, 0, &[][..]),
        (open, MODULE, server, MpduType::YOU_ARE_DEAD, 0, &[]),
        (open, MODULE, server, MpduType::REJECTION, 1, &[3]),
        (open, MODULE, server, MpduType::MODULE_HAS_STARTED, nine, &contact("evil")),
        (open, MODULE, server, MpduType::I_AM_STOPPING, nine, &[]),
        // A keeper has no key, and speaks for a sensor.
        (mib(), MODULE, sender(1, KEEPER), MpduType::I_AM_STOPPING, nine, &[]),
        (mib(), MODULE, sender(1, KEEPER), MpduType::I_AM_HERE, 0, &statuses),
        (mib(), REGISTRAR, sender(1, KEEPER), MpduType::MODULE_STATUS, nine, &statuses),
        (mib(), REGISTRAR, sender(1, KEEPER), MpduType::I_AM_STARTING, nine, &contact("evil")),
    ] {
        let octets = mpdu(from, kind, reference, data);
        if Mpdu::parse(&octets).is_ok() {
            assert_eq!(judge(&mib, to, &octets), Err(Inauthentic::Usurped), "{kind:?}");
        }
    }
    // A reader has a key, and signs that a sensor stops.
    let octets = mpdu(sender(1, READER), MpduType::I_AM_STOPPING, nine, &[]);
    assert_eq!(judge(&mib(), MODULE, &sign(&mib(), &octets)), Err(Inauthentic::Usurped));
    // A keeper's own affairs are nobody's business.
    let own = ModuleId { role: KEEPER, ..NINE };
    let octets = mpdu(sender(1, KEEPER), MpduType::I_AM_STOPPING, own.reference(), &[]);
    assert_eq!(judge(&mib(), MODULE, &octets), Ok(()));
}

/// The weakness of 5.1.4: nothing of what the MPDU says is signed.
#[test]
fn clause_5_1_4_a_standard_signature_can_be_put_on_another_mpdu() {
    let seen = sign(&mib(), &subscribe(registrar(1)));
    let other = mpdu(registrar(2), MpduType::YOU_ARE_DEAD, 0, &[]);
    let replayed = with_signature(&other, &signature(&seen));
    assert_eq!(judge(&mib(), MODULE, &replayed), Ok(()));
    // Whoever requires binding sees it, with or without the second signature.
    assert_eq!(judge(&bound(0), MODULE, &replayed), Err(Inauthentic::Unbound));
    let seen = sign(&bound(0), &subscribe(registrar(1)));
    let replayed = with_signature(&other, &signature(&seen));
    assert_eq!(judge(&bound(0), MODULE, &replayed), Err(Inauthentic::Unbound));
    assert_eq!(judge(&bound(0), MODULE, &seen), Ok(()));
}

#[test]
fn bound_signatures_are_of_use_to_peers_that_do_not_know_them() {
    let offered = SignaturePolicy { binding: Binding::Offered, ..SignaturePolicy::STANDARD };
    let offering = Mib { signatures: offered, ..mib() };
    let octets = subscribe(registrar(1));
    let (plain, bound_one) = (sign(&mib(), &octets), sign(&offering, &octets));
    assert_eq!(signature(&bound_one).len(), 132);
    assert_eq!(judge(&mib(), MODULE, &bound_one), Ok(()));
    assert_eq!(judge(&offering, MODULE, &plain), Ok(()));
    assert_eq!(judge(&bound(0), MODULE, &bound_one), Ok(()));
    assert_eq!(judge(&bound(0), MODULE, &plain), Err(Inauthentic::Unbound));
}

#[test]
fn bound_signatures_age_where_the_mib_says_so() {
    let octets = sign(&bound(5), &subscribe(registrar(1)));
    let judge = |mib: &Mib<'_>, seconds| signatures().judge(mib, &at(seconds), MODULE, &octets);
    assert_eq!(judge(&bound(5), 0), Ok(()));
    assert_eq!(judge(&bound(5), 5), Ok(()));
    assert_eq!(judge(&bound(5), 6), Err(Inauthentic::Stale));
    assert_eq!(judge(&bound(0), 100_000), Ok(()));
    assert_eq!(judge(&mib(), 100_000), Ok(()));
    // From the future.
    let offset = Mib { tai_minus_utc: 31, ..bound(5) };
    assert_eq!(judge(&offset, 0), Err(Inauthentic::Stale));
    assert_eq!(judge(&offset, 1), Ok(()));
}

#[test]
fn ill_formed_octets_are_left_to_the_machine() {
    let mut octets = subscribe(registrar(1));
    octets.pop();
    assert!(Mpdu::parse(&octets).is_err());
    assert_eq!(signatures().judge(&mib(), &at(0), MODULE, &octets), Ok(()));
}

#[test]
fn keys_of_a_mib_are_of_the_scheme_and_the_cipher_and_belong_together() {
    use crate::ams::mib::{Fault, Item, RemoteMessageSpace};
    let rules = KeyRules { scheme: Some(&Ed25519), cipher: Some(&AesGcmSiv) };
    let check = |mib: &Mib<'_>| rules.check(mib).map_err(|invalid| (invalid.item, invalid.fault));
    assert_eq!(check(&mib()), Ok(()));
    assert_eq!(check(&keyless()), Ok(()));
    assert_eq!(KeyRules::ANY.check(&mixed_up()), Ok(()));
    assert_eq!(check(&mixed_up()), Err((Item::Continuum, Fault::KeysApart)));
    let mib_of = |venture| Mib { ventures: leak([venture]), ..mib() };
    let venture = mib().ventures[0];
    let with_role = |role| mib_of(Venture { roles: leak([role]), ..venture });
    let role = Item::Role { venture: 0, role: 0 };
    let short = with_role(Role { private_key: SecretKey(&[1; 31]), ..venture.roles[0] });
    assert_eq!(check(&short), Err((role, Fault::UnusablePrivateKey)));
    let weak = with_role(Role { public_key: &[0; 32], ..venture.roles[0] });
    assert_eq!(check(&weak), Err((role, Fault::UnusablePublicKey)));
    let subject = Subject { symmetric_key: SecretKey(&[1; 16]), ..venture.subjects[0] };
    let subject = mib_of(Venture { subjects: leak([subject]), ..venture });
    let item = Item::Subject { venture: 0, subject: 0 };
    assert_eq!(check(&subject), Err((item, Fault::UnusableSymmetricKey)));
    let item = Item::MessageSpace { venture: 0, space: 0 };
    let with_space = |space| mib_of(Venture { remote: leak([space]), ..venture });
    let far = RemoteMessageSpace::new(ContinuumNumber::from_bits(9), "udp@far");
    let short = with_space(RemoteMessageSpace { channel_key: SecretKey(&[1; 16]), ..far });
    assert_eq!(check(&short), Err((item, Fault::UnusableSymmetricKey)));
    let good = with_space(RemoteMessageSpace { channel_key: SecretKey(&[1; 32]), ..far });
    assert_eq!(check(&good), Ok(()));
    // What is not used is told, or it would be believed to be.
    let unused = with_space(RemoteMessageSpace { symmetric_key: SecretKey(&[1; 32]), ..far });
    assert_eq!(check(&unused), Err((item, Fault::UnusedSymmetricKey)));
}

proptest! {
    #[test]
    fn any_flipped_bit_of_a_bound_mpdu_is_refused(
        which in any::<prop::sample::Index>(), bit in 0_u8..8, pick in any::<prop::sample::Index>(),
    ) {
        let mib = bound(0);
        let sayings = all();
        let saying = pick.get(&sayings);
        let mut octets = sign(&mib, &saying.octets);
        // The checksum is made right again: it is no defence against this.
        let end = octets.len() - 2;
        octets[which.index(end)] ^= 1 << bit;
        let sum = crate::wire::checksum(&octets[..end]).to_be_bytes();
        octets[end..].copy_from_slice(&sum);
        if let Ok(mpdu) = Mpdu::parse(&octets) {
            // Of a sender that has no key nothing is asked (4.1.5).
            let nobody = mpdu.sender().venture.0 > 2
                || !matches!(mpdu.sender().role.0, 0 | 2 | 3) || (mpdu.sender().venture.0 == 2 && mpdu.sender().role.0 == 3);
            let judged = signatures().judge(&mib, &at(0), saying.to, &octets);
            prop_assert!(judged.is_err() || nobody, "{:?}", mpdu);
        }
    }

    #[test]
    fn any_flipped_bit_of_a_signature_is_refused(which in 0_usize..68, bit in 0_u8..8) {
        let signed = sign(&mib(), &subscribe(sender(1, READER)));
        let mut signature = signature(&signed);
        signature[which] ^= 1 << bit;
        let judged = judge(&mib(), MODULE, &with_signature(&signed, &signature));
        prop_assert_eq!(judged, Err(Inauthentic::Wrong));
    }

    #[test]
    fn any_octets_are_judged(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = signatures().judge(&bound(5), &at(0), REGISTRAR, &octets);
        let mut buffer = octets.clone();
        let _ = signatures().sign(&bound(5), &mut buffer, octets.len());
    }
}

#[test]
fn what_is_signed_says_the_same() {
    for saying in all() {
        let signed = sign(&bound(0), &saying.octets);
        let content = |octets: &[u8]| std::format!("{:?}", Mpdu::parse(octets).unwrap().content());
        assert_eq!(content(&signed), content(&saying.octets));
    }
}
