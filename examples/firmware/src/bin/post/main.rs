//! A post that nobody can reach: an agent of the southbound interface tunes its receiver when
//! its schedule says so, and an agent of asynchronous management acts by a rule when the
//! receiver is overloaded. Virtual time, static storage, and a link to the ground that is away.
#![no_std]
#![no_main]

mod board;
#[allow(dead_code, unused_imports, unused_macros, reason = "a part of it is used here")]
#[path = "../../device/mod.rs"]
mod device;
mod modem;
#[path = "../../mps2/mod.rs"]
mod mps2;
#[path = "../../panic.rs"]
mod panic;
mod rule;
#[allow(dead_code, reason = "the device measures its stack")]
#[path = "../../stack.rs"]
mod stack;

use core::time::Duration;

use cortex_m_rt::entry;
use farpost::management::Kind;
use farpost::management::adm::Adm;
use farpost::management::agent::{Agent, AgentConfig, AgentMemory, ManagerConfig, MaxAge};
use farpost::southbound::agent::{
    Agent as ScheduleAgent, AgentConfig as ScheduleConfig, AgentStorage, Answer,
};
use farpost::southbound::messages::StatusCode;
use farpost::southbound::schedule::ScheduleRow;
use farpost::storage::Slot;
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, SendError, Transport};
use semihosting::{println, process};
use static_cell::{ConstStaticCell, StaticCell};

use board::{FRONT_END, FrontEnd};
use device::radio::Tuner;
use device::simulated::{Air, Delay};
use modem::{Begun, Controller, Counter};
use mps2::Board;

/// Who may define rules. The first is the post itself.
static MANAGERS: [ManagerConfig<'static>; 2] = [
    ManagerConfig { name: "post", service: "own", endpoint: "post", issuer: b"" },
    ManagerConfig { name: "ground", service: "radio", endpoint: "ground", issuer: b"ground" },
];

static ADMS: [&Adm; 1] = [&board::ADM];

/// Room for 8 definitions of 512 octets, 4 reports of 256, 2 managers, groups of 256.
static MEMORY: ConstStaticCell<AgentMemory<8, 512, 4, 256, 2, 256>> =
    ConstStaticCell::new(AgentMemory::new());
/// Room for 8 entries and requests of 1,024 octets in all, and some metrics.
static ROWS: ConstStaticCell<[Slot<ScheduleRow>; 8]> =
    ConstStaticCell::new([const { Slot::EMPTY }; 8]);
static OCTETS: ConstStaticCell<[u8; 1_024]> = ConstStaticCell::new([0; 1_024]);
static ANSWERS: ConstStaticCell<[Answer; 4]> = ConstStaticCell::new([Answer::EMPTY; 4]);
static BUFFER: ConstStaticCell<[u8; 128]> = ConstStaticCell::new([0; 128]);
static METRICS: ConstStaticCell<[[u8; 128]; 3]> = ConstStaticCell::new([[0; 128]; 3]);
static NUMBERS: StaticCell<Counter> = StaticCell::new();
static AIR: StaticCell<Air> = StaticCell::new();

/// Monday, 23 November 2026, 10:00 UTC.
const START: Utc = Utc::from_unix_seconds(1_795_428_000);
/// The draft's epoch, 2000-01-01, in Unix time.
const EPOCH: u64 = 946_684_800;
/// Between two measurements of the level.
const PERIOD: Duration = Duration::from_secs(10);

/// The link is away.
struct Away;

impl Transport for Away {
    fn resolve(&mut self, service: &str, _endpoint: &str) -> Option<Address> {
        Some(Address::new(u8::from(service == "radio"), &[]))
    }

    fn send(&mut self, to: &Address, _flow: u8, _octets: &[u8]) -> Result<(), SendError> {
        // Nobody reads what the post tells itself.
        if to.service() == 0 { Ok(()) } else { Err(SendError::Unreachable) }
    }
}

#[entry]
fn main() -> ! {
    process::exit(run().map_or(1, |()| 0))
}

fn run() -> Option<()> {
    // SAFETY: this is the only call.
    let (_, timer) = unsafe { Board::take() };
    timer.start();
    let air = AIR.init(Air::default());
    let (ten_db, twenty_db) = air.pins();
    let tuner = Tuner::new(air.spi(), ten_db, twenty_db, Delay(timer.ticks_of()));
    let mut front_end = FrontEnd::new(tuner, air.samples());
    let config = AgentConfig {
        evaluation: PERIOD,
        // A level that was measured before is no reason to act.
        max_ages: &[MaxAge { adm: FRONT_END, index: 0, seconds: 10 }],
        ..AgentConfig::new("dtn://post/agent", &MANAGERS, &ADMS)
    };
    let mut agent = Agent::new(config, MEMORY.take().storage());
    let mut now = Now { monotonic: Instant::ZERO, utc: START, quality: ClockQuality::Synchronised };
    let (mut link, mut buffer) = (Away, [0; 256]);

    agent.tick(now, &mut link, &mut front_end);
    let time = u64::try_from(START.unix_minute() * 60).ok()? - EPOCH;
    let group = rule::quieter(-20, 10, time, &mut buffer)?;
    let from = link.resolve("own", "post")?;
    agent.receive(now, &from, group, &mut link, &mut front_end);
    println!(
        "{} octets of a manager, {} rule defined",
        group.len(),
        agent.defined(Kind::StateRule)
    );

    let [states, statistics, links] = METRICS.take();
    let storage = AgentStorage {
        rows: ROWS.take(),
        octets: OCTETS.take(),
        answers: ANSWERS.take(),
        buffer: BUFFER.take(),
        metrics: [&mut states[..], &mut statistics[..], &mut links[..]],
    };
    let config = ScheduleConfig::new("post", NUMBERS.init(Counter::default()));
    let mut schedule = ScheduleAgent::new(config, storage).ok()?;
    let mut controller = Controller::default();

    for second in (0..=90).step_by(10) {
        if second == 40 {
            println!("somebody disturbs the band");
            air.disturb(60.0);
        }
        schedule.tick(now, &mut controller, &mut front_end);
        while let Some(begun) = controller.begun.take() {
            match begun {
                Begun::Reset(call) => {
                    schedule.reset_done(now, call, StatusCode::OK, &mut controller, &mut front_end);
                }
                Begun::Stream(call) => {
                    schedule.stream_opened(now, call, &mut controller, &mut front_end);
                    for (after, khz) in [(0, 98_000), (60, 433_500)] {
                        let time = START.after(Duration::from_secs(after));
                        let request = controller.receive_at(time, khz * 1_000, &mut buffer)?;
                        schedule.receive(now, call, request, &mut controller, &mut front_end);
                    }
                }
            }
        }
        front_end.measure(now);
        println!("{second} s: {} dBFS at {} dB", front_end.level_dbfs, front_end.gain_db);
        agent.tick(now, &mut link, &mut front_end);
        now = now.after(PERIOD);
    }
    let stats = agent.stats();
    println!(
        "{} groups applied, {} refused, {} controls failed",
        stats.applied, stats.refused, stats.controls_failed
    );
    println!(
        "{} requests executed, {} changes made",
        controller.executed,
        schedule.stats().enacted
    );
    (front_end.gain_db == 10 && stats.applied == 1 && schedule.stats().enacted == 2).then_some(())
}
