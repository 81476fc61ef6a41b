//! Channels with a key.

use super::*;
use crate::ams::ids::VentureNumber;
use crate::ams::pdu::Envelope;
use crate::ams::script::{Dry, address};
use crate::ams::security::{AesGcmSiv, Channel, ChannelSecurity, NoRandom, Random};
use crate::crypto::SecretKey;

const KEY: [u8; 32] = [7; 32];
const OTHER: [u8; 32] = [8; 32];

const SPACES: &[RemoteMessageSpace<'static>] = &[
    RemoteMessageSpace {
        channel_key: SecretKey(&KEY),
        ..RemoteMessageSpace::new(ContinuumNumber::from_bits(1), "udp@n1")
    },
    RemoteMessageSpace::new(ContinuumNumber::from_bits(3), "udp@n3"),
];
const KEYED: Mib<'static> =
    Mib { ventures: &[Venture { remote: SPACES, ..*MESH_VENTURE }], ..MESH };

/// The same octets each time: nonces need not differ where nothing is secret.
#[derive(Debug)]
struct Fixed;

impl Random for Fixed {
    fn fill(&self, octets: &mut [u8]) -> Result<(), NoRandom> {
        octets.fill(1);
        Ok(())
    }
}

const SECURITY: ChannelSecurity<'static> = ChannelSecurity::new(&AesGcmSiv, &Fixed);
const DRY: ChannelSecurity<'static> = ChannelSecurity::new(&AesGcmSiv, &Dry);

const INWARDS: Channel = Channel {
    venture: VentureNumber(1),
    from: ContinuumNumber::from_bits(1),
    to: ContinuumNumber::from_bits(2),
};

fn secured(handler: &'static ChannelSecurity<'static>, room: usize) -> Bench {
    let bench = Bench::outside(&KEYED);
    let (sealed, opened) = (std::vec![0; room].leak(), std::vec![0; room].leak());
    let gateway = bench.gateway.with_channel_security(handler, sealed, opened);
    Bench { gateway, ..bench }.join()
}

fn sealed(key: &[u8], channel: &Channel, rpdu: &[u8]) -> Vec<u8> {
    let mut room = [0; 400];
    let length = SECURITY.seal(key, channel, rpdu, &mut room).unwrap();
    room[..length].to_vec()
}

/// The octets with which the gateway of a continuum declares itself.
fn declares(number: u16) -> Vec<u8> {
    let Specification { subject, domain } = declaration(continuum(number));
    let header = envelope(2, (domain.continuum.get(), 0, 0), 0, subject.0);
    header.encode(&Octets(&[]), &mut [0; 64]).unwrap().to_vec()
}

fn take(bench: &mut Bench, from: &str, octets: &[u8]) {
    let now = bench.now();
    bench.gateway.receive_rams(now, &address(from), octets, &mut bench.wire);
}

/// What went to `n1`, decrypted.
fn opened(bench: &mut Bench) -> Vec<Vec<u8>> {
    let sent = bench.wire.take().into_iter().filter(|(to, _)| to == "n1");
    sent.map(|(_, octets)| {
        let mut room = [0; 400];
        let length = SECURITY.open(&KEY, &INWARDS.back(), &octets, &mut room).unwrap();
        room[..length].to_vec()
    })
    .collect()
}

#[test]
fn a_channel_with_a_key_carries_nothing_in_clear() {
    let mut bench = secured(&SECURITY, 400);
    take(&mut bench, "n1", &sealed(&KEY, &INWARDS, &declares(1)));
    bench.petition("n3", 2, declaration(continuum(3)));
    assert_eq!(bench.gateway.declared().len(), 2);
    bench.pass(1);
    let wants = envelope(2, (2, 0, 0), 0, 9);
    let mut buffer = [0; 64];
    let petition = wants.encode(&Octets(&[]), &mut buffer).unwrap().to_vec();
    take(&mut bench, "n1", &sealed(&KEY, &INWARDS, &petition));
    bench.wire.take();

    bench.module(2, 5);
    bench.aams(&letter((2, 5), SubjectNumber(9)), b"secret").unwrap();
    let rpdus = opened(&mut bench);
    let [rpdu] = &rpdus[..] else { panic!("{rpdus:?}") };
    let content = Envelope::parse(rpdu).unwrap().content().map(|content| content.data().to_vec());
    assert_eq!(content.as_deref(), Some(&b"secret"[..]));

    // And what waits is encrypted when it goes.
    bench.wire.busy.insert("n1".to_string());
    bench.aams(&letter((2, 5), SubjectNumber(9)), b"later").unwrap();
    assert_eq!(bench.gateway.waiting(), 1);
    bench.wire.busy.clear();
    bench.wire.take();
    bench.seconds += 1;
    bench.tick();
    let rpdus = opened(&mut bench);
    let last = rpdus.last().and_then(|rpdu| Envelope::parse(rpdu).ok()?.content());
    assert_eq!(last.map(|content| content.data()), Some(&b"later"[..]));
    assert_eq!(bench.gateway.stats().not_encrypted, 0);
}

#[test]
fn what_is_not_encrypted_with_the_key_changes_nothing_but_a_counter() {
    let mut bench = secured(&SECURITY, 400);
    let clear = declares(1);
    let good = sealed(&KEY, &INWARDS, &clear);
    let mut altered = good.clone();
    *altered.last_mut().unwrap() ^= 1;
    let elsewhere = Channel { venture: VentureNumber(2), ..INWARDS };
    let bad = [
        clear.clone(),
        altered,
        good[..good.len() - 1].to_vec(),
        good[..27].to_vec(),
        Vec::new(),
        sealed(&OTHER, &INWARDS, &clear),
        sealed(&KEY, &INWARDS.back(), &clear),
        sealed(&KEY, &elsewhere, &clear),
    ];
    for octets in &bad {
        take(&mut bench, "n1", octets);
    }
    let stats = bench.gateway.stats();
    assert_eq!((stats.not_decrypted, stats.malformed), (8, 0));
    assert!(bench.gateway.declared().is_empty());
    take(&mut bench, "n1", &good);
    assert_eq!(bench.gateway.declared().len(), 1);
    // From nowhere it is a stranger, though it says who it is.
    take(&mut bench, "n8", &clear);
    assert_eq!(bench.gateway.stats().strangers, 1);
    // And one that decrypts to what is no RPDU is malformed.
    take(&mut bench, "n1", &sealed(&KEY, &INWARDS, b"noise"));
    assert_eq!(bench.gateway.stats().malformed, 1);
}

#[test]
fn who_sends_from_elsewhere_is_known_by_the_key() {
    let mut bench = secured(&SECURITY, 400);
    take(&mut bench, "n9", &sealed(&KEY, &INWARDS, &declares(1)));
    assert_eq!(bench.gateway.declared().len(), 1);
    take(&mut bench, "n9", &declares(1));
    assert_eq!(bench.gateway.stats().not_decrypted, 1);
    // One without a key still says it by its declaration.
    take(&mut bench, "n7", &declares(3));
    assert_eq!(bench.gateway.declared().len(), 2);
}

#[test]
fn without_a_cipher_or_a_nonce_nothing_is_said() {
    let mut unlent = Bench::outside(&KEYED).join();
    let mut dry = secured(&DRY, 400);
    let mut narrow = secured(&SECURITY, 20);
    for bench in [&mut unlent, &mut dry, &mut narrow] {
        bench.pass(3);
        bench.seconds += 20;
        bench.tick();
        let sent = bench.wire.take();
        assert!(sent.iter().all(|(to, _)| to != "n1"));
        assert!(sent.iter().any(|(to, _)| to == "n3"));
        assert!(bench.gateway.stats().not_encrypted > 1);
        take(bench, "n1", &declares(1));
    }
    assert_eq!(unlent.gateway.stats().not_decrypted, 1);
    assert_eq!(unlent.gateway.declared(), NeighbourSet::EMPTY);
    // As soon as there is one, what was owed is said.
    let (sealed, opened_room) = (std::vec![0; 400].leak(), std::vec![0; 400].leak());
    let gateway = unlent.gateway.with_channel_security(&SECURITY, sealed, opened_room);
    let mut bench = Bench { gateway, ..unlent };
    bench.seconds += 1;
    bench.tick();
    assert!(opened(&mut bench).contains(&declares(2)));
}
