//! An SSM at a TLS server, and devices at TLS clients.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use farpost::crypto::Ed25519;
use farpost::host::clock::SystemClock;
use farpost::host::driver::{Driver, Entity};
use farpost::host::random::SystemRandom;
use farpost::host::secret::Psk;
use farpost::host::station::ManagerStation;
use farpost::host::tls::{LinkHost, TlsClient, TlsClientOptions, TlsLimits, TlsServer};
use farpost::machine::Machine;
use farpost::scos::calendar::DevicePlan;
use farpost::scos::messages::Rejection;
use farpost::scos::metadata::{Analyser, Receiver};
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{ActorName, Ssm, SsmConfig, SsmStorage, SsmUser};
use farpost::scos::{
    ActorId, AssociationEvent, AttemptLimit, Authentication, Backoff, DeviceConfig, DeviceMetadata,
    DeviceSigner, Section, Summary, Suspicion,
};
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::{Address, Transport};

pub(crate) const DEVICES: [&str; 3] = ["mast-1", "mast-2", "mast-3"];
pub(crate) const ACTOR: &str = "regulator";
const NAMES: &[ActorName<'static>] = &[ActorName { name: ACTOR, actor: ActorId(7) }];

const METADATA: &[Section<'static>] = &[Section::Analyser(Analyser::new(Receiver {
    frequency_low_hz: 24_000_000,
    frequency_high_hz: 1_766_000_000,
    bandwidth_max_hz: 2_400_000,
    resolution_min_hz: 500,
    gain_min_db: 0,
    gain_max_db: 49,
}))];

/// How many advertisements a device makes: of its analyser, its clock and itself.
pub(crate) const SECTIONS: u64 = 3;

/// How long anything here may take before it counts as never happening.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pre-shared key of an identity.
pub(crate) fn psk(identity: &str) -> Psk {
    Psk::new(&psk_octets(identity)).unwrap()
}

pub(crate) fn psk_octets(identity: &str) -> [u8; 32] {
    let mut key = [0x5a; 32];
    key.iter_mut().zip(identity.bytes()).for_each(|(to, from)| *to = from);
    key
}

/// The private key of a device.
pub(crate) fn private(device: &str) -> [u8; 32] {
    let mut key = [0xa5; 32];
    key.iter_mut().zip(device.bytes()).for_each(|(to, from)| *to = from);
    key
}

pub(crate) fn public(device: &str) -> [u8; 32] {
    Ed25519::public_key(&private(device))
}

fn slots<T>(count: usize) -> &'static mut [Slot<T>] {
    Vec::leak((0..count).map(|_| Slot::EMPTY).collect())
}

/// What the SSM has to say.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    pub(crate) suspicions: Vec<Suspicion>,
}

impl SsmUser for Watch {
    fn intruder(&mut self, _: Now, _: &str, _: &Address, why: Suspicion) {
        self.suspicions.push(why);
    }
}

pub(crate) type Manager = LinkHost<ManagerStation<'static, Watch>, TlsServer>;

/// A device that senses nothing.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) ssd: Ssd<'static>,
    pub(crate) idle: Idle,
}

#[derive(Debug, Default)]
pub(crate) struct Idle(pub(crate) Vec<AssociationEvent>);

impl Sensor for Idle {
    fn begin(&mut self, _: Now, _: &Scan) -> Result<(), Rejection> {
        Err(Rejection::Sensor)
    }

    fn stop(&mut self, _: Now, _: &Scan) {}

    fn association(&mut self, _: Now, event: AssociationEvent) {
        self.0.push(event);
    }
}

impl Machine for Post {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.ssd.receive(now, from, octets, transport, &mut self.idle);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.ssd.tick(now, transport, &mut self.idle);
    }

    fn next_deadline(&self) -> Option<farpost::time::Instant> {
        self.ssd.next_deadline()
    }
}

pub(crate) type PostHost = LinkHost<Post, TlsClient>;

/// A device with its public key, and the private key of `signs`.
pub(crate) fn ssd(device: &'static str, signs: &str, ssm: Address) -> Ssd<'static> {
    let config = SsdConfig {
        device,
        public_key: Vec::leak(public(device).to_vec()),
        metadata: METADATA,
        ssm,
        boot: 1,
        seed: 1,
        backoff: Backoff { first: Duration::from_millis(200), limit: Duration::from_secs(1) },
        tolerance: Duration::from_secs(5),
        guard: Duration::from_secs(30),
    };
    let storage = SsdStorage {
        recipes: slots(4),
        reports: slots(2),
        summaries: Vec::leak(vec![Summary::EMPTY; 2]),
        metadata: Vec::leak(vec![0; DeviceMetadata::OCTETS]),
    };
    Ssd::new(config, storage)
        .with_signer(DeviceSigner::new(&Ed25519, Vec::leak(private(signs).to_vec())))
}

pub(crate) fn client(at: SocketAddr, identity: &str, key: &Psk) -> TlsClient {
    let options = TlsClientOptions {
        first: Duration::from_millis(50),
        limit: Duration::from_millis(400),
        ..TlsClientOptions::new(1)
    };
    TlsClient::new(&at.to_string(), identity, key, options).unwrap()
}

/// A device behind the link of its own.
pub(crate) fn post(at: SocketAddr, device: &'static str) -> PostHost {
    let post = Post { ssd: ssd(device, device, TlsClient::server()), idle: Idle::default() };
    LinkHost::new(post, client(at, device, &psk(device)))
}

/// An SSM and what runs it.
pub(crate) struct Network {
    driver: Driver<SystemClock>,
    pub(crate) manager: Manager,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self::with_limits(TlsLimits::default())
    }

    pub(crate) fn with_limits(limits: TlsLimits) -> Self {
        let mut server = TlsServer::bind("127.0.0.1:0".parse().unwrap(), limits).unwrap();
        let keys: Vec<_> =
            DEVICES.iter().chain([&ACTOR]).map(|identity| (*identity, psk(identity))).collect();
        server.set_keys(keys.iter().map(|(identity, key)| (*identity, key))).unwrap();
        let station = ManagerStation { ssm: ssm(), user: Watch::default() };
        let mut manager = LinkHost::new(station, server);
        let mut driver = Driver::new(SystemClock::new()).unwrap();
        driver.add(&mut manager).unwrap();
        Self { driver, manager }
    }

    pub(crate) fn at(&self) -> SocketAddr {
        self.manager.link.local()
    }

    /// Runs it and the devices until `done`.
    pub(crate) fn run(
        &mut self,
        what: &str,
        posts: &mut [PostHost],
        mut done: impl FnMut(&Manager, &[PostHost]) -> bool,
    ) {
        let until = Instant::now() + PATIENCE;
        while !done(&self.manager, posts) {
            assert!(
                Instant::now() < until,
                "{what}: {:?} {:?}",
                self.manager.link,
                self.manager.machine.ssm.stats()
            );
            // The sockets of devices do not wake it, and neither do other threads.
            let at_most = Duration::from_millis(2);
            let mut entities: Vec<&mut dyn Entity> = vec![&mut self.manager];
            entities.extend(posts.iter_mut().map(|post| -> &mut dyn Entity { post }));
            self.driver.turn(&mut entities, at_most).unwrap();
        }
    }

    /// Runs it until a device that is new is served: whatever there was, the server goes on.
    pub(crate) fn still_serves(&mut self, device: &'static str) {
        let mut posts = [post(self.at(), device)];
        self.run("still serves", &mut posts, |_, posts| posts[0].machine.ssd.is_associated());
    }
}

fn ssm() -> Ssm<'static> {
    let keys = DEVICES.map(public);
    let devices: Vec<_> = DEVICES
        .iter()
        .zip(&keys)
        .map(|(device, public_key)| DeviceConfig { device, public_key })
        .collect();
    let config = SsmConfig::nominal(9, &devices);
    let storage = SsmStorage {
        devices: slots(4),
        plans: Vec::leak(vec![DevicePlan::EMPTY; 4]),
        metadata: Vec::leak((0..4).map(|_| DeviceMetadata::EMPTY).collect()),
        usage: slots(2),
        recipes: slots(8),
        bookings: slots(8),
        actors: slots(2),
        reports: slots(4),
        summaries: Vec::leak(vec![Summary::EMPTY; 4]),
    };
    let authentication = Authentication {
        scheme: &Ed25519,
        random: &SystemRandom,
        attempts: slots(16),
        limit: AttemptLimit::NOMINAL,
    };
    Ssm::new(config, storage).with_authentication(authentication).with_actors(NAMES)
}
