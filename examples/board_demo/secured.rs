//! The ground side over TLS: an SSM that listens for connections with pre-shared keys, and an
//! Actor, on loopback, beside the board's message space. The board proves that it has the private
//! key of its public key.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use bumpalo::Bump;
use farpost::crypto::{Ed25519, Random};
use farpost::host::clock::VirtualClock;
use farpost::host::driver::{Driver, Entity};
use farpost::host::random::SystemRandom;
use farpost::host::secret::Psk;
use farpost::host::station::{ActorStation, ManagerStation};
use farpost::host::tls::{LinkHost, TlsClient, TlsClientOptions, TlsLimits, TlsServer};
use farpost::scos::actor::Actor;
use farpost::scos::ssm::ActorName;
use farpost::scos::{AttemptLimit, Authentication};
use farpost::time::{Clock, Now};
use tempfile::NamedTempFile;

use super::emulator::{Emulator, Firmware};
use super::journal::{Journal, Notes, SharedJournal, Watch};
use super::options::Options;
use super::script::{self, DEVICE};
use super::space::Space;
use super::stations::{self, ACTOR, slots};
use super::story::Stage;

/// The Actor, and the identity of its key.
const REGULATOR: &str = "regulator";
static ACTORS: [ActorName<'static>; 1] = [ActorName { name: REGULATOR, actor: ACTOR }];

type ManagerHost<'a> = LinkHost<ManagerStation<'a, Watch>, TlsServer>;
type ActorHost<'a> = LinkHost<ActorStation<'a, Notes>, TlsClient>;

/// Keys of this demonstration alone.
struct Keys {
    /// The pre-shared keys of device and Actor.
    device: Psk,
    actor: Psk,
    /// The device's public key.
    public: [u8; 32],
    /// What the board reads: its pre-shared key and its private key. Gone with this.
    file: NamedTempFile,
}

impl Keys {
    fn make() -> Result<Self, Box<dyn Error>> {
        let [mut device, mut private, mut actor] = [[0; 32]; 3];
        for key in [&mut device, &mut private, &mut actor] {
            SystemRandom.fill(key).map_err(|_| "no random octets")?;
        }
        let mut file = NamedTempFile::new()?;
        file.write_all(&device)?;
        file.write_all(&private)?;
        file.flush()?;
        let psk = |key: &[u8]| Psk::new(key).ok_or("no key");
        let public = Ed25519::public_key(&private);
        Ok(Self { device: psk(&device)?, actor: psk(&actor)?, public, file })
    }
}

/// All entities on this side, the board, and what runs them.
pub(crate) struct Secured<'a> {
    arena: &'a Bump,
    journal: SharedJournal,
    driver: Driver<VirtualClock>,
    keys: Keys,
    limits: TlsLimits,
    at: SocketAddr,
    space: Space<'a>,
    /// `None` while it is dead.
    manager: Option<ManagerHost<'a>>,
    actor: ActorHost<'a>,
    board: Emulator,
    /// Proofs asked for, and associations, of the runs of the SSM before this.
    before: (u64, u64),
}

impl<'a> Secured<'a> {
    pub(crate) fn new(
        arena: &'a Bump,
        options: &Options,
        firmware: &Firmware,
        journal: &SharedJournal,
    ) -> Result<Self, Box<dyn Error>> {
        let keys = Keys::make()?;
        let clock = VirtualClock::new(script::START, options.speed);
        // The emulated board computes in real time, and the limits go by the clock.
        let patience = Duration::from_secs(30).saturating_mul(options.speed);
        let limits = TlsLimits {
            handshake: patience,
            silence: Duration::from_secs(3_600).saturating_mul(options.speed),
            ..TlsLimits::default()
        };
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let manager = make_manager(arena, &keys, (any, limits), 1, journal)?;
        let at = manager.link.local();
        let space = Space::new(arena, clock)?;
        let mut words = space.words.clone();
        words.push(format!("ssm={}", at.port()));
        words.push(format!("keys={}", keys.file.path().display()));
        let client = TlsClientOptions { handshake: patience, ..TlsClientOptions::new(1) };
        let link = TlsClient::new(&at.to_string(), REGULATOR, &keys.actor, client)?;
        let actor = stations::actor(arena, TlsClient::server());
        let station = ActorStation { actor, user: Notes(journal.clone()) };
        let mut secured = Self {
            arena,
            journal: journal.clone(),
            driver: Driver::new(clock)?,
            keys,
            limits,
            at,
            space,
            manager: Some(manager),
            actor: LinkHost::new(station, link),
            board: Emulator::start(options, firmware, &words)?,
            before: (0, 0),
        };
        for entity in secured.space.entities() {
            secured.driver.add(entity)?;
        }
        secured.driver.add(&mut secured.actor)?;
        if let Some(manager) = &mut secured.manager {
            secured.driver.add(manager)?;
        }
        Ok(secured)
    }

    fn so_far(&self) -> (u64, u64) {
        let (proofs, associations) = self.before;
        let stats = self.manager.as_ref().map(|manager| *manager.machine.ssm.stats());
        let stats = stats.unwrap_or_default();
        (proofs + stats.challenges, associations + stats.associations)
    }
}

impl<'a> Stage<'a> for Secured<'a> {
    fn begin(&mut self) -> Result<(), Box<dyn Error>> {
        self.space.begin(self.driver.clock().now())
    }

    fn turn(&mut self) -> Result<Now, Box<dyn Error>> {
        let mut entities: Vec<&mut dyn Entity> = self.space.entities().into();
        entities.push(&mut self.actor);
        entities.extend(self.manager.as_mut().map(|manager| -> &mut dyn Entity { manager }));
        let now = self.driver.turn(&mut entities, Duration::from_millis(50))?;
        while let Some(line) = self.board.line()? {
            Journal::tell(now, "board", &line);
        }
        Ok(now)
    }

    fn actor(&mut self) -> &mut Actor<'a> {
        &mut self.actor.machine.actor
    }

    fn space(&mut self) -> &mut Space<'a> {
        &mut self.space
    }

    fn restart_manager(&mut self, _now: Now) -> Result<(), Box<dyn Error>> {
        self.before = self.so_far();
        // Its connections and its port are free when it is gone.
        self.manager = None;
        let at = (self.at, self.limits);
        let manager = make_manager(self.arena, &self.keys, at, 2, &self.journal)?;
        self.driver.add(self.manager.insert(manager))?;
        Ok(())
    }

    /// How often the device proved itself too: for each association, and each time it was
    /// refreshed. None may have come about without.
    fn summarise(&self) -> bool {
        let managed = self.space.summarise();
        let (proofs, associations) = self.so_far();
        println!("proofs      {proofs} asked for, {associations} associations");
        let right = associations >= 2 && proofs >= associations;
        if !right {
            println!("WRONG: the device is associated without a proof");
        }
        right && managed
    }
}

fn make_manager<'a>(
    arena: &'a Bump,
    keys: &Keys,
    (at, limits): (SocketAddr, TlsLimits),
    epoch: u32,
    journal: &SharedJournal,
) -> Result<ManagerHost<'a>, Box<dyn Error>> {
    let mut server = TlsServer::bind(at, limits)?;
    server.set_keys([(DEVICE, &keys.device), (REGULATOR, &keys.actor)])?;
    let authentication = Authentication {
        scheme: &Ed25519,
        random: &SystemRandom,
        attempts: slots(arena, 8),
        limit: AttemptLimit::NOMINAL,
    };
    let ssm = stations::ssm(arena, epoch, &keys.public)
        .with_authentication(authentication)
        .with_actors(&ACTORS);
    Ok(LinkHost::new(ManagerStation { ssm, user: Watch(journal.clone()) }, server))
}
