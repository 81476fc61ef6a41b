//! The SSM, the devices, and what is measured.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use farpost::crypto::Ed25519;
use farpost::host::clock::SystemClock;
use farpost::host::driver::Driver;
use farpost::host::random::SystemRandom;
use farpost::host::secret::Psk;
use farpost::host::station::ManagerStation;
use farpost::host::tls::{LinkHost, TlsClient, TlsClientOptions, TlsLimits, TlsServer};
use farpost::machine::Machine;
use farpost::scos::messages::Rejection;
use farpost::scos::metadata::{Analyser, Receiver as Tuner};
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{Ssm, SsmConfig, SsmStorage};
use farpost::scos::{
    AttemptLimit, Authentication, Backoff, DeviceConfig, DeviceMetadata, DeviceSigner, Section,
    Summary,
};
use farpost::storage::Slot;
use farpost::time::Now;
use farpost::transport::{Address, Transport};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(300);

const METADATA: &[Section<'static>] = &[Section::Analyser(Analyser::new(Tuner {
    frequency_low_hz: 24_000_000,
    frequency_high_hz: 1_766_000_000,
    bandwidth_max_hz: 2_400_000,
    resolution_min_hz: 500,
    gain_min_db: 0,
    gain_max_db: 49,
}))];

/// How many advertisements each makes: of its analyser, its clock and itself.
const SECTIONS: u64 = 3;

fn name(device: usize) -> String {
    format!("mast-{device}")
}

/// Keys made of numbers: this is no place for secrets.
fn key(device: usize, kind: u8) -> [u8; 32] {
    let mut key = [kind; 32];
    key.iter_mut().zip(device.to_be_bytes()).for_each(|(to, from)| *to = from);
    key
}

fn slots<T>(count: usize) -> Vec<Slot<T>> {
    (0..count).map(|_| Slot::EMPTY).collect()
}

/// The process of the SSM: says where it listens, then what it costs whenever it is
/// asked, until there is nobody to ask.
pub(crate) fn manage(devices: usize) -> Outcome<()> {
    let names: Vec<String> = (0..devices).map(name).collect();
    let public: Vec<_> = (0..devices).map(|device| Ed25519::public_key(&key(device, 1))).collect();
    let configs: Vec<_> = names
        .iter()
        .zip(&public)
        .map(|(device, public_key)| DeviceConfig { device, public_key })
        .collect();
    let config = SsmConfig { max_ttl: Duration::from_secs(900), ..SsmConfig::nominal(1, &configs) };
    let (mut rows, mut attempts) = (slots(devices), slots(64));
    let mut metadata: Vec<_> = (0..devices).map(|_| DeviceMetadata::EMPTY).collect();
    let storage = SsmStorage {
        devices: &mut rows,
        // Nothing is booked here.
        plans: &mut [],
        metadata: &mut metadata,
        usage: &mut [],
        recipes: &mut [],
        bookings: &mut [],
        actors: &mut [],
        reports: &mut [],
        summaries: &mut [],
    };
    let authentication = Authentication {
        scheme: &Ed25519,
        random: &SystemRandom,
        attempts: &mut attempts,
        limit: AttemptLimit::NOMINAL,
    };
    let ssm = Ssm::new(config, storage).with_authentication(authentication);
    let mut server = TlsServer::bind("127.0.0.1:0".parse()?, TlsLimits::default())?;
    let keys: Vec<Psk> = (0..devices).filter_map(|device| Psk::new(&key(device, 2))).collect();
    server.set_keys(names.iter().map(String::as_str).zip(&keys))?;
    println!("{}", server.local());
    let mut host = LinkHost::new(ManagerStation { ssm, user: () }, server);
    let mut driver = Driver::new(SystemClock::new())?;
    driver.add(&mut host)?;
    let asked = asked(driver.waker()?);
    loop {
        driver.turn(&mut [&mut host], Duration::from_secs(1))?;
        for question in asked.try_iter() {
            if !question {
                return Ok(());
            }
            let stats = host.machine.ssm.stats();
            let told = [
                u64::try_from(host.link.connections().0)?,
                stats.associations,
                stats.advertisements,
                stats.disassociations,
                stats.wrong_proofs.saturating_add(host.link.stats().wrong_keys),
                resident()?,
            ];
            println!("{}", told.map(|number| number.to_string()).join(" "));
        }
    }
}

/// Whether somebody asks, or is gone.
fn asked(waker: farpost::host::driver::Waker) -> Receiver<bool> {
    let (to, from) = channel();
    thread::spawn(move || {
        let lines = std::io::stdin().lines();
        for question in lines.map(|line| line.is_ok()).chain([false]) {
            // Nobody listens when the driver has failed.
            let _ = (to.send(question), waker.wake());
        }
    });
    from
}

/// Octets of memory this process has.
fn resident() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: u64 =
        line.and_then(|line| line.trim().split(' ').next()).unwrap_or("0").parse()?;
    Ok(kilobytes.saturating_mul(1_024))
}

/// The process of the SSM, as the devices' sees it.
struct Manager {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What it says.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    connections: u64,
    associations: u64,
    advertisements: u64,
    disassociations: u64,
    refused: u64,
    resident: u64,
}

impl Manager {
    fn start(devices: usize) -> Outcome<(Self, SocketAddr)> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--manager", &devices.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = (input, output) else { return Err("no pipes".into()) };
        let mut manager = Self { child, input, output: BufReader::new(output) };
        let at = manager.line()?.parse()?;
        Ok((manager, at))
    }

    fn line(&mut self) -> Outcome<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }

    fn ask(&mut self) -> Outcome<Told> {
        writeln!(self.input)?;
        let line = self.line()?;
        let numbers = line.split(' ').map(str::parse).collect::<Result<Vec<u64>, _>>()?;
        let [connections, associations, advertisements, disassociations, refused, resident] =
            numbers[..]
        else {
            return Err(format!("the SSM says {line}").into());
        };
        Ok(Told { connections, associations, advertisements, disassociations, refused, resident })
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A device that senses nothing.
struct Post<'s>(Ssd<'s>, Idle);

struct Idle;

impl Sensor for Idle {
    fn begin(&mut self, _: Now, _: &Scan) -> Result<(), Rejection> {
        Err(Rejection::Sensor)
    }

    fn stop(&mut self, _: Now, _: &Scan) {}
}

impl Machine for Post<'_> {
    fn receive(&mut self, now: Now, from: &Address, octets: &[u8], transport: &mut dyn Transport) {
        self.0.receive(now, from, octets, transport, &mut self.1);
    }

    fn tick(&mut self, now: Now, transport: &mut dyn Transport) {
        self.0.tick(now, transport, &mut self.1);
    }

    fn next_deadline(&self) -> Option<farpost::time::Instant> {
        self.0.next_deadline()
    }
}

type PostHost<'s> = LinkHost<Post<'s>, TlsClient>;

/// Has so many devices associate, and leave.
pub(crate) fn associate(devices: usize) -> Outcome<()> {
    more_files()?;
    let identities: Vec<_> = (0..devices)
        .map(|device| (name(device), key(device, 1), Ed25519::public_key(&key(device, 1))))
        .collect();
    let mut rows: Vec<_> = (0..devices)
        .map(|_| (slots(1), slots(1), [Summary::EMPTY; 1], [0; DeviceMetadata::OCTETS]))
        .collect();
    let (mut manager, at) = Manager::start(devices)?;
    let before = manager.ask()?;
    let mut driver = Driver::new(SystemClock::new())?;
    let mut posts = Vec::new();
    for (number, ((device, private, public), rows)) in identities.iter().zip(&mut rows).enumerate()
    {
        let config = SsdConfig {
            device,
            public_key: public,
            metadata: METADATA,
            ssm: TlsClient::server(),
            boot: 1,
            seed: u64::try_from(number)?,
            backoff: Backoff::NOMINAL,
            tolerance: Duration::from_secs(5),
            guard: Duration::from_secs(30),
        };
        let storage = SsdStorage {
            recipes: &mut rows.0,
            reports: &mut rows.1,
            summaries: &mut rows.2,
            metadata: &mut rows.3,
        };
        let ssd = Ssd::new(config, storage).with_signer(DeviceSigner::new(&Ed25519, private));
        let psk = Psk::new(&key(number, 2)).ok_or("no key")?;
        let options = TlsClientOptions {
            // They all come at once, on this machine.
            handshake: Duration::from_secs(60),
            ..TlsClientOptions::new(u64::try_from(number)?)
        };
        let link = TlsClient::new(&at.to_string(), device, &psk, options)?;
        posts.push(LinkHost::new(Post(ssd, Idle), link));
    }
    for post in &mut posts {
        driver.add(post)?;
    }
    let all = u64::try_from(devices)?;
    let begun = Instant::now();
    let there = run(&mut driver, &mut posts, &mut manager, |told| {
        told.advertisements >= all.saturating_mul(SECTIONS)
    })?;
    let took = begun.elapsed();
    println!("{devices} devices associated over TLS in {:.1} s", took.as_secs_f64());
    println!(
        "associations {}, connections {}, refused {}",
        there.associations, there.connections, there.refused
    );
    let grown = there.resident.saturating_sub(before.resident);
    println!(
        "the SSM's process grew from {} to {} octets: {} for each device that is there",
        before.resident,
        there.resident,
        grown.checked_div(all).unwrap_or(0)
    );
    for post in &mut posts {
        post.machine.0.leave();
    }
    run(&mut driver, &mut posts, &mut manager, |told| told.disassociations >= all)?;
    drop(posts);
    let until = Instant::now() + PATIENCE;
    let mut left = manager.ask()?;
    while left.connections > 0 && Instant::now() < until {
        thread::sleep(Duration::from_millis(50));
        left = manager.ask()?;
    }
    println!("all have left: connections {}, {} octets", left.connections, left.resident);
    let sound = there.associations == all && there.refused == 0 && left.connections == 0;
    if sound { Ok(()) } else { Err("that does not add up".into()) }
}

/// Runs the devices until the SSM says what is waited for.
fn run(
    driver: &mut Driver<SystemClock>,
    posts: &mut [PostHost<'_>],
    manager: &mut Manager,
    done: impl Fn(&Told) -> bool,
) -> Outcome<Told> {
    let until = Instant::now() + PATIENCE;
    let mut asked = Instant::now();
    loop {
        driver.turn_due(posts, Duration::from_millis(100))?;
        if asked.elapsed() < Duration::from_millis(200) {
            continue;
        }
        asked = Instant::now();
        let told = manager.ask()?;
        if done(&told) {
            return Ok(told);
        }
        if asked > until {
            return Err(format!("they take too long: {told:?}").into());
        }
    }
}

/// Each device has a socket and what waits for it.
fn more_files() -> Outcome<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(())
}
