//! A device and its SSM, which asks for proofs, on a network that does what it likes:
//! nothing but what the device has signed, from where it is, changes its association.
#![no_main]

use std::collections::BTreeSet;
use std::time::Duration;

use farpost::crypto::{KeyUnusable, NoRandom, Random, SignatureScheme};
use farpost::scos::calendar::Policy;
use farpost::scos::messages::{
    Associate, Association, Binding, MESSAGE_MAX, Message, Proof, Rejection, ScheduleMark,
    VERSION_NOTICE,
};
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{Ssm, SsmConfig, SsmStorage, SsmUser};
use farpost::scos::{
    Admission, AttemptLimit, Authentication, DeviceConfig, DeviceSigner, Suspicion,
};
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::{Address, Peer, SendError, Transport};
use farpost_fuzz::machines;
use farpost_fuzz::scos::{self, DEVICES};
use farpost_fuzz::{Result, Unstructured, noise, u8};
use libfuzzer_sys::fuzz_target;

/// A number of the key and the text, for signatures that cost nothing.
#[derive(Debug)]
struct Toy;

fn hash(key: &[u8], text: &[&[u8]]) -> [u8; 8] {
    let octets = key.iter().chain(text.iter().copied().flatten());
    let step = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
    octets.fold(0xcbf2_9ce4_8422_2325, step).to_be_bytes()
}

impl SignatureScheme for Toy {
    fn signature_len(&self) -> usize {
        8
    }

    fn is_public_key(&self, _: &[u8]) -> bool {
        true
    }

    fn is_private_key(&self, _: &[u8]) -> bool {
        true
    }

    fn sign(
        &self,
        key: &[u8],
        text: &[&[u8]],
        to: &mut [u8],
    ) -> std::result::Result<(), KeyUnusable> {
        to.copy_from_slice(&hash(key, text));
        Ok(())
    }

    /// The public key is the private one backwards; the network here knows neither trick.
    fn verify(&self, key: &[u8], text: &[&[u8]], signature: &[u8]) -> bool {
        let private: Vec<u8> = key.iter().rev().copied().collect();
        hash(&private, text) == signature
    }
}

#[derive(Debug, Default)]
struct Dice(std::cell::Cell<u8>);

impl Random for Dice {
    fn fill(&self, octets: &mut [u8]) -> std::result::Result<(), NoRandom> {
        for octet in octets {
            self.0.set(self.0.get().wrapping_add(1));
            *octet = self.0.get();
        }
        Ok(())
    }
}

/// One end of the network.
#[derive(Default)]
struct Wire {
    sent: Vec<Vec<u8>>,
    /// Where the other end is.
    other: [u8; 1],
    /// The value of the connection to it, as this end knows it.
    binding: Option<[u8; 32]>,
}

impl Transport for Wire {
    fn resolve(&mut self, _: &str, _: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, to: &Address, _: u8, octets: &[u8]) -> std::result::Result<(), SendError> {
        if octets != VERSION_NOTICE {
            Message::parse(octets).expect("a machine sent what is no message");
        }
        // Who passes a challenge on to the device, and its answer back, is not kept out by
        // nonces, and is not here.
        if to.octets() == self.other {
            self.sent.push(octets.to_vec());
        }
        Ok(())
    }

    /// Whoever is elsewhere is on another connection, and what both ends have of elsewhere are
    /// no two ends of one.
    fn peer(&self, address: &Address) -> Peer<'_> {
        let here = address.octets() == self.other;
        let place = address.octets().first().map_or(0, |octet| octet % 16);
        let elsewhere = [0x80 | self.other[0] << 4 | place; 32];
        let binding = self.binding.map(|value| if here { value } else { elsewhere });
        Peer { binding, ..Peer::default() }
    }
}

struct Idle;

impl Sensor for Idle {
    fn begin(&mut self, _: Now, _: &Scan) -> std::result::Result<(), Rejection> {
        Err(Rejection::Sensor)
    }

    fn stop(&mut self, _: Now, _: &Scan) {}
}

#[derive(Default)]
struct Watch {
    suspicions: u64,
}

impl SsmUser for Watch {
    fn intruder(&mut self, _: Now, _: &str, _: &Address, _: Suspicion) {
        self.suspicions += 1;
    }
}

struct Bench<'s> {
    ssm: Ssm<'s>,
    ssd: Ssd<'s>,
    watch: Watch,
    ground: Wire,
    air: Wire,
    /// All the device has said, and all the SSM has.
    up: Vec<Vec<u8>>,
    down: Vec<Vec<u8>>,
    signed: BTreeSet<Vec<u8>>,
    now: Now,
}

const DEVICE: [u8; 1] = [1];
const SSM: [u8; 1] = [0];

/// How often an association has changed.
fn changes(ssm: &Ssm<'_>) -> u64 {
    let stats = ssm.stats();
    stats.associations + stats.refreshes + stats.disassociations
}

impl Bench<'_> {
    fn hear(&mut self, from: &[u8], octets: &[u8]) {
        let before = changes(&self.ssm);
        let from = Address::new(0, from);
        self.ssm.receive(self.now, &from, octets, &mut self.ground, &mut self.watch);
        if changes(&self.ssm) != before {
            assert!(self.signed.contains(octets), "nobody signed {octets:02x?}");
            assert_eq!(from, Address::new(0, &DEVICE), "it was signed for another place");
        }
        self.down.append(&mut self.ground.sent);
    }

    fn tick(&mut self) {
        self.ssd.tick(self.now, &mut self.air, &mut Idle);
        self.ssm.tick(self.now, &mut self.ground, &mut self.watch);
        self.collect();
    }

    fn collect(&mut self) {
        for octets in self.air.sent.drain(..) {
            self.signed.insert(octets.clone());
            self.up.push(octets);
        }
        self.down.append(&mut self.ground.sent);
    }

    /// Reads an operation and does it.
    fn operate(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        match u8(u)? % 12 {
            0 => {
                let seconds = Duration::from_secs(u64::from(u8(u)?));
                self.now = self.now.after(seconds);
                self.tick();
            }
            // What was said last is heard.
            1 => {
                if let Some(octets) = self.up.last().cloned() {
                    self.hear(&DEVICE, &octets);
                }
            }
            2 => {
                if let Some(octets) = self.down.last().cloned() {
                    let from = Address::new(0, &[0]);
                    self.ssd.receive(self.now, &from, &octets, &mut self.air, &mut Idle);
                    self.tick();
                }
            }
            // Something said before is heard again, from anywhere, altered or not.
            3 => {
                let (which, from, at, by) = (u8(u)?, u8(u)? % 4, u8(u)?, u8(u)?);
                let which = usize::from(which) % self.up.len().max(1);
                let Some(mut octets) = self.up.get(which).cloned() else { return Ok(()) };
                let at = usize::from(at) % octets.len();
                octets[at] ^= by;
                self.hear(&[from], &octets);
            }
            4 => {
                let which = usize::from(u8(u)?) % self.down.len().max(1);
                let from = Address::new(0, &[u8(u)? % 2]);
                if let Some(octets) = self.down.get(which).cloned() {
                    self.ssd.receive(self.now, &from, &octets, &mut self.air, &mut Idle);
                }
            }
            // The connection is another, at both ends or at one.
            5 => {
                let (air, ground) = (u8(u)? % 4, u8(u)? % 4);
                let value = |number: u8| (number > 0).then_some([number; 32]);
                (self.air.binding, self.ground.binding) = (value(air), value(ground));
            }
            6 => self.ssd.leave(),
            7 => self.ssd.join(),
            8 => self.ssd.reconnected(),
            9 => {
                let from = [u8(u)? % 4];
                let octets = noise(u)?.to_vec();
                self.hear(&from, &octets);
            }
            // Somebody who knows all but the private key.
            10 => self.forge(u)?,
            _ => self.tick(),
        }
        self.collect();
        Ok(())
    }

    fn forge(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let from = [u8(u)? % 4];
        let device = DEVICES[usize::from(u8(u)?) % 3];
        let nonce = self.down.iter().rev().find_map(|octets| match Message::parse(octets) {
            Ok(Message::Challenge(challenge)) => Some(challenge.nonce),
            _ => None,
        });
        let binding = match u8(u)? % 3 {
            0 => None,
            1 => Some(Binding::Connection),
            _ => nonce.map(Binding::Challenge),
        };
        let all = [Association::New, Association::Refresh, Association::Disassociate];
        let signature = [u8(u)?; 8];
        let associate = Associate {
            request: all[usize::from(u8(u)?) % 3],
            device,
            public_key: b"yek",
            boot: u32::from(u8(u)?),
            sequence: u32::from(u8(u)?),
            schedule: ScheduleMark::default(),
            proof: binding.map(|binding| Proof { binding, signature: &signature }),
        };
        let mut buffer = [0; MESSAGE_MAX];
        let octets = Message::Associate(associate).encode(&mut buffer).expect("there is room");
        self.hear(&from, octets);
        Ok(())
    }

    fn assert_in_order(&self) {
        let stats = self.ssm.stats();
        let told = stats.attempts_limited
            + stats.other_identities
            + stats.unknown_devices
            + stats.wrong_keys
            + stats.stale_proofs
            + stats.wrong_proofs;
        assert_eq!(told, self.watch.suspicions, "each refusal is counted once");
        assert!(self.ssm.inventory(self.now).all(|(device, _)| device == DEVICES[0]));
    }
}

fuzz_target!(|octets: &[u8]| {
    let known = |device: &'static str, public_key| DeviceConfig { device, public_key };
    let config = SsmConfig {
        devices: &[known(DEVICES[0], b"yek"), known(DEVICES[1], b"yek 2")],
        admission: Admission::Configured,
        policy: Policy::OPEN,
        operator: None,
        ..machines::SSM
    };
    let mut devices = [const { Slot::EMPTY }; 2];
    let storage = SsmStorage {
        devices: &mut devices,
        plans: &mut [],
        metadata: &mut [],
        usage: &mut [],
        recipes: &mut [],
        bookings: &mut [],
        actors: &mut [],
        reports: &mut [],
        summaries: &mut [],
    };
    let (mut attempts, dice) = ([const { Slot::EMPTY }; 4], Dice::default());
    let authentication = Authentication {
        scheme: &Toy,
        random: &dice,
        attempts: &mut attempts,
        limit: AttemptLimit { failures: 3, forgiven_after: Duration::from_secs(20) },
    };
    let ssm = Ssm::new(config, storage).with_authentication(authentication);
    let config = SsdConfig { public_key: b"yek", metadata: &[], boot: 3, ..machines::ssd_config() };
    let mut recipes = [const { Slot::EMPTY }; 1];
    let mut reports = [const { Slot::EMPTY }; 1];
    let storage = SsdStorage {
        recipes: &mut recipes,
        reports: &mut reports,
        summaries: &mut [],
        metadata: &mut [],
    };
    let ssd = Ssd::new(config, storage).with_signer(DeviceSigner::new(&Toy, b"key"));
    let mut bench = Bench {
        ssm,
        ssd,
        watch: Watch::default(),
        ground: Wire { other: DEVICE, ..Wire::default() },
        air: Wire { other: SSM, ..Wire::default() },
        up: Vec::new(),
        down: Vec::new(),
        signed: BTreeSet::new(),
        now: scos::start(),
    };
    let mut u = Unstructured::new(octets);
    while !u.is_empty() && bench.operate(&mut u).is_ok() {
        bench.assert_in_order();
    }
});
