//! How deep the stack of each machine gets in the life of message spaces and of a sensing
//! network: octets, and what each calls with it. `stacks_agents` has the agents.
#![no_std]
#![no_main]

#[path = "publisher/board.rs"]
#[allow(dead_code, reason = "it is driven here, machine by machine")]
mod board;
#[path = "stacks/deepest.rs"]
mod deepest;
#[path = "stacks/gateways.rs"]
mod gateways;
#[path = "../panic.rs"]
mod panic;
#[path = "../stack.rs"]
mod stack;
#[path = "../vectors.rs"]
mod vectors;

use core::time::Duration;

use board::{Board, LOGGER, Letter, METER, READING, REGISTRAR, SERVER};
use cortex_m as _; // its critical section
use cortex_m_rt::entry;
use deepest::Deepest;
use farpost::ams::module::RuleRequest;
use farpost::ams::service::{Fault, Indication, Message};
use farpost::scos::actor::{Actor, ActorConfig, ActorUser, Wish};
use farpost::scos::calendar::DevicePlan;
use farpost::scos::messages::{Devices, Rejection, Report};
use farpost::scos::metadata::{Analyser, Receiver};
use farpost::scos::policy_manager::{ActorSetting, PolicyManager, PolicyManagerConfig, PolicyUser};
use farpost::scos::ssd::{Scan, Sensor, Ssd, SsdConfig, SsdStorage};
use farpost::scos::ssm::{PolicyManager as SettingBy, Ssm, SsmConfig, SsmStorage};
use farpost::scos::{
    ActorId, ActorPolicy, Backoff, Detector, DeviceConfig, DeviceMetadata, RequestId, ScanId,
    ScanParameters, Section, Series, Summary, When, Window,
};
use farpost::storage::Slot;
use farpost::time::{ClockQuality, Instant, Now, Utc, earliest};
use farpost::transport::{Address, SendError, Transport};
use heapless::Vec;
use semihosting::{println, process};
use static_cell::ConstStaticCell;

#[entry]
fn main() -> ! {
    cortex_m::interrupt::disable();
    let messages = message_space();
    let (reports, applied) = sensing_network();
    let mut gateway = Deepest::default();
    let crossed = gateways::live(&mut gateway);
    println!("gateway: {}", gateway.octets());
    // Messages have crossed, which takes declarations and petitions each way.
    let lived = messages.is_ok()
        && (reports, applied) == (REPORTS, 1)
        && crossed.is_some_and(|crossed| crossed > 100);
    if !lived {
        println!("{messages:?}, {reports} reports, {applied} settings, {crossed:?} crossed");
    }
    process::exit(i32::from(!lived))
}

fn quiet(_: Indication) {}

/// Two modules, a registrar and a configuration server, for some minutes.
fn message_space() -> Result<(), Fault> {
    let mut depth: [Deepest; 3] = Default::default();
    let [server, registrar, module] = &mut depth;
    let Ok(mut board) = Board::new() else { return Err(Fault::NotRegistered) };
    let mut now = Now::default();
    turn(&mut board, now, (server, registrar, module));
    board.meter.register(now, board.wire.of(METER), &mut quiet)?;
    board.logger.register(now, board.wire.of(LOGGER), &mut quiet)?;
    turn(&mut board, now, (server, registrar, module));
    board.logger.subscribe(now, &RuleRequest::new(READING), board.wire.of(LOGGER))?;
    let mut result = Ok(());
    while now.monotonic < Instant::ZERO.after(Duration::from_secs(300)) {
        turn(&mut board, now, (server, registrar, module));
        module.of(|| {
            let message = Message::new(READING, &[1, 2]);
            let sent = board.meter.publish(&message, board.wire.of(METER), &mut quiet);
            result = sent.map(|_| ());
        });
        result?;
        now = now.after(Duration::from_secs(5));
    }
    println!("configuration server: {}", server.octets());
    println!("registrar: {}", registrar.octets());
    println!("module: {}", module.octets());
    Ok(())
}

fn turn(
    board: &mut Board,
    now: Now,
    (server, registrar, module): (&mut Deepest, &mut Deepest, &mut Deepest),
) {
    server.of(|| board.server.tick(now, board.wire.of(SERVER)));
    registrar.of(|| board.registrar.tick(now, board.wire.of(REGISTRAR)));
    module.of(|| board.meter.tick(now, board.wire.of(METER), &mut quiet));
    module.of(|| board.logger.tick(now, board.wire.of(LOGGER), &mut quiet));
    while let Some(Letter { from, to, octets }) = board.wire.letters.pop_front() {
        let is = |name| to == board::address(name);
        if is(SERVER) {
            server.of(|| board.server.receive(now, &from, &octets, board.wire.of(SERVER)));
        } else if is(REGISTRAR) {
            registrar.of(|| board.registrar.receive(now, &from, &octets, board.wire.of(REGISTRAR)));
        } else if is(METER) {
            let wire = board.wire.of(METER);
            module.of(|| board.meter.receive_mams(now, &from, &octets, wire, &mut quiet));
        } else if is(LOGGER) {
            let wire = board.wire.of(LOGGER);
            module.of(|| board.logger.receive_mams(now, &from, &octets, wire, &mut quiet));
        } else {
            module.of(|| {
                let _ = board.logger.receive_aams(&octets);
            });
        }
    }
}

/// Who is on the sensing network.
const SSM: u8 = 0;
const SSD: u8 = 1;
const ACTOR: u8 = 2;
const POLICY: u8 = 3;

/// How many reports there are to be.
const REPORTS: usize = 3;
/// Monday, 23 November 2026, 10:00 UTC.
const START: Utc = Utc::from_unix_seconds(1_795_428_000);

fn address(of: u8) -> Address {
    Address::new(1, &[of])
}

/// Datagrams on their way, written in their place: a driver has no copies on the stack.
struct Datagrams {
    slots: [Datagram; 4],
    first: usize,
    count: usize,
}

struct Datagram {
    from: u8,
    to: Option<Address>,
    octets: Vec<u8, 1_152>,
}

impl Datagrams {
    const fn new() -> Self {
        const NONE: Datagram = Datagram { from: 0, to: None, octets: Vec::new() };
        Self { slots: [NONE; 4], first: 0, count: 0 }
    }

    fn push(&mut self, from: u8, to: &Address, octets: &[u8]) -> Result<(), SendError> {
        let at = (self.first + self.count) % self.slots.len();
        let free = self.slots.get_mut(at).filter(|_| self.count < 4).ok_or(SendError::Busy)?;
        (free.from, free.to) = (from, Some(*to));
        free.octets.clear();
        free.octets.extend_from_slice(octets).map_err(|_| SendError::TooLong)?;
        self.count += 1;
        Ok(())
    }

    fn pop(&mut self) -> Option<(u8, Address, Vec<u8, 1_152>)> {
        self.count = self.count.checked_sub(1)?;
        let next = self.slots.get(self.first)?;
        self.first = (self.first + 1) % self.slots.len();
        Some((next.from, next.to?, next.octets.clone()))
    }
}

/// The way out of one of them.
struct Port<'n>(&'n mut Datagrams, u8);

impl Transport for Port<'_> {
    fn resolve(&mut self, _service: &str, _endpoint: &str) -> Option<Address> {
        None
    }

    fn send(&mut self, to: &Address, _flow: u8, octets: &[u8]) -> Result<(), SendError> {
        self.0.push(self.1, to, octets)
    }
}

/// A front-end that has finished when it is asked.
#[derive(Default)]
struct Ready(Option<ScanId>);

impl Sensor for Ready {
    fn begin(&mut self, _now: Now, scan: &Scan) -> Result<(), Rejection> {
        self.0 = Some(scan.id);
        Ok(())
    }

    fn stop(&mut self, _now: Now, _scan: &Scan) {
        self.0 = None;
    }
}

/// Counts reports.
#[derive(Default)]
struct Reports(usize);

impl ActorUser for Reports {
    fn report(&mut self, _now: Now, _report: &Report<'_>) {
        self.0 += 1;
    }
}

/// Counts settings in force.
#[derive(Default)]
struct Settings(usize);

impl PolicyUser for Settings {
    fn applied(&mut self, _now: Now, _setting: &ActorSetting) {
        self.0 += 1;
    }
}

static DATAGRAMS: ConstStaticCell<Datagrams> = ConstStaticCell::new(Datagrams::new());
static PLANS: ConstStaticCell<[DevicePlan; 1]> =
    ConstStaticCell::new([const { DevicePlan::EMPTY }]);
static METADATA: ConstStaticCell<[DeviceMetadata; 1]> =
    ConstStaticCell::new([const { DeviceMetadata::EMPTY }]);
static SECTIONS: ConstStaticCell<[u8; DeviceMetadata::OCTETS]> =
    ConstStaticCell::new([0; DeviceMetadata::OCTETS]);
static SUMMARIES: ConstStaticCell<[[Summary; 2]; 2]> =
    ConstStaticCell::new([const { [const { Summary::EMPTY }; 2] }; 2]);

/// An SSM, an SSD, an Actor and a policy manager, until a scan has been reported three times.
/// Returns how often it was, and how many settings came in force.
fn sensing_network() -> (usize, usize) {
    let mut depth: [Deepest; 4] = Default::default();
    let [ssm_depth, ssd_depth, actor_depth, policy_depth] = &mut depth;
    let net = DATAGRAMS.take();
    let [ssm_summaries, ssd_summaries] = SUMMARIES.take();
    let (mut devices, mut recipes) = ([const { Slot::EMPTY }; 1], [const { Slot::EMPTY }; 4]);
    let (mut bookings, mut actors) = ([const { Slot::EMPTY }; 4], [const { Slot::EMPTY }; 1]);
    let mut reports = [const { Slot::EMPTY }; 2];
    let mut usage = [const { Slot::EMPTY }; 1];
    let storage = SsmStorage {
        devices: &mut devices,
        plans: PLANS.take(),
        metadata: METADATA.take(),
        recipes: &mut recipes,
        bookings: &mut bookings,
        actors: &mut actors,
        reports: &mut reports,
        summaries: ssm_summaries,
        usage: &mut usage,
    };
    let mut ssm = Ssm::new(manager(), storage);
    ssm.set_policy_manager(Some(SettingBy::Address(address(POLICY))));
    let (mut recipes, mut reports) = ([const { Slot::EMPTY }; 4], [const { Slot::EMPTY }; 2]);
    let storage = SsdStorage {
        recipes: &mut recipes,
        reports: &mut reports,
        summaries: ssd_summaries,
        metadata: SECTIONS.take(),
    };
    let mut ssd = Ssd::new(device(), storage);
    let mut requests = [const { Slot::EMPTY }; 2];
    let mut actor = Actor::new(client(), &mut requests);
    let mut settings = [const { Slot::EMPTY }; 2];
    let mut policy = PolicyManager::new(setter(), &mut settings);
    let mut applied = Settings::default();
    policy_depth.of(|| assert!(policy.set(ActorId(1), ActorPolicy::default()).is_ok()));
    let (mut sensor, mut user) = (Ready::default(), Reports::default());
    let mut now = Now { monotonic: Instant::ZERO, utc: START, quality: ClockQuality::Synchronised };
    let end = Instant::ZERO.after(Duration::from_secs(1_200));
    let mut asked = false;
    while now.monotonic < end && user.0 < REPORTS {
        ssm_depth.of(|| ssm.tick(now, &mut Port(net, SSM), &mut ()));
        ssd_depth.of(|| ssd.tick(now, &mut Port(net, SSD), &mut sensor));
        actor_depth.of(|| actor.tick(now, &mut Port(net, ACTOR), &mut user));
        policy_depth.of(|| policy.tick(now, &mut Port(net, POLICY)));
        if let Some(scan) = sensor.0.take() {
            ssd_depth.of(|| assert!(ssd.complete(now, scan, &[0x5a; 1_000]).is_ok()));
        }
        while let Some((from, to, octets)) = net.pop() {
            let from = address(from);
            if to == address(SSM) {
                ssm_depth.of(|| ssm.receive(now, &from, &octets, &mut Port(net, SSM), &mut ()));
            } else if to == address(SSD) {
                ssd_depth.of(|| {
                    ssd.receive(now, &from, &octets, &mut Port(net, SSD), &mut sensor);
                });
            } else if to == address(POLICY) {
                policy_depth.of(|| {
                    policy.receive(now, &from, &octets, &mut Port(net, POLICY), &mut applied);
                });
            } else {
                actor_depth.of(|| {
                    actor.receive(now, &from, &octets, &mut Port(net, ACTOR), &mut user);
                });
            }
        }
        if !asked && ssd.is_associated() && now.monotonic > Instant::from_micros(30_000_000) {
            asked = true;
            actor.copy_inventory();
            actor_depth.of(|| assert!(actor.request(&wish()).is_ok()));
        }
        let deadlines = [ssm.next_deadline(), ssd.next_deadline(), actor.next_deadline()];
        let next = deadlines.into_iter().fold(None, earliest).unwrap_or(end);
        // A thousandth of a second at least, and ten at most.
        let span =
            next.since(now.monotonic).clamp(Duration::from_millis(1), Duration::from_secs(10));
        now = now.after(span);
    }
    println!("SSM: {}", ssm_depth.octets());
    println!("SSD: {}", ssd_depth.octets());
    println!("Actor: {}", actor_depth.octets());
    println!("policy manager: {}", policy_depth.octets());
    (user.0, applied.0)
}

const DEVICE: &str = "mast";

fn manager() -> SsmConfig<'static> {
    SsmConfig {
        max_ttl: Duration::from_secs(180),
        grace: Duration::from_secs(60),
        ..SsmConfig::nominal(1, &[DeviceConfig { device: DEVICE, public_key: b"key" }])
    }
}

const RECEIVER: Receiver = Receiver {
    frequency_low_hz: 24_000_000,
    frequency_high_hz: 1_700_000_000,
    bandwidth_max_hz: 10_000_000,
    resolution_min_hz: 100,
    gain_min_db: 0,
    gain_max_db: 30,
};

fn device() -> SsdConfig<'static> {
    SsdConfig {
        device: DEVICE,
        public_key: b"key",
        metadata: const { &[Section::Analyser(Analyser::new(RECEIVER))] },
        ssm: address(SSM),
        boot: 1,
        seed: 1,
        backoff: Backoff::NOMINAL,
        tolerance: Duration::from_secs(20),
        guard: Duration::from_secs(30),
    }
}

fn client() -> ActorConfig {
    ActorConfig {
        actor: ActorId(1),
        ssm: address(SSM),
        first_request: RequestId(1),
        backoff: Backoff::NOMINAL,
        attempts: 10,
    }
}

fn setter() -> PolicyManagerConfig {
    PolicyManagerConfig {
        ssm: address(SSM),
        backoff: Backoff::NOMINAL,
        refresh: None,
        first_version: 1,
    }
}

/// A minute, three times.
fn wish() -> Wish<'static> {
    let parameters = ScanParameters {
        center_hz: 98_000_000,
        bandwidth_hz: 2_000_000,
        resolution_hz: 5_000,
        transforms: 32,
        detector: Detector::Mean,
        window: Window::BlackmanHarris,
        gain_db: 20,
        settings: None,
    };
    let start = START.unix_minute() + 3;
    let series = Series { start, minutes: 1, repeats: 2, offset: 2 };
    let devices = Devices::One(DEVICE);
    // What takes most: a search over both weeks.
    let when = When::Nearest { max_shift_minutes: None };
    Wish { devices, series, when, across_weeks: true, parameters }
}
