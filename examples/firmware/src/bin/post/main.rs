//! A post that nobody can reach: an agent of asynchronous management acts by a rule when its
//! receiver is overloaded. Virtual time, static storage, a link that loses everything.
#![no_std]
#![no_main]

mod board;
#[allow(dead_code, unused_imports, unused_macros, reason = "a part of it is used here")]
#[path = "../../device/mod.rs"]
mod device;
#[path = "../../mps2/mod.rs"]
mod mps2;
mod rule;
#[allow(dead_code, reason = "the device measures its stack")]
#[path = "../../stack.rs"]
mod stack;

use core::time::Duration;

use cortex_m_rt::entry;
use farpost::management::Kind;
use farpost::management::agent::{Agent, AgentConfig, AgentMemory, ManagerConfig, MaxAge};
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, SendError, Transport};
use semihosting::{println, process};
use static_cell::{ConstStaticCell, StaticCell};

use board::{FRONT_END, FrontEnd};
use device::radio::Tuner;
use device::simulated::{Air, Delay};
use mps2::Board;

/// Who may define rules. The first is the post itself.
static MANAGERS: [ManagerConfig<'static>; 2] = [
    ManagerConfig { name: "post", service: "own", endpoint: "post", issuer: b"" },
    ManagerConfig { name: "ground", service: "radio", endpoint: "ground", issuer: b"ground" },
];

/// Room for 8 definitions of 512 octets, 4 reports of 256, 2 managers, groups of 256.
static MEMORY: ConstStaticCell<AgentMemory<8, 512, 4, 256, 2, 256>> =
    ConstStaticCell::new(AgentMemory::new());
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
    front_end.tune(98_000_000, 2_000_000).ok()?;
    let config = AgentConfig {
        evaluation: PERIOD,
        // A level that was measured before is no reason to act.
        max_ages: &[MaxAge { adm: FRONT_END, index: 0, seconds: 10 }],
        ..AgentConfig::new("dtn://post/agent", &MANAGERS, &[&board::ADM])
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

    for second in (0..=90).step_by(10) {
        if second == 40 {
            println!("somebody disturbs the band");
            air.disturb(60.0);
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
    (front_end.gain_db == 10 && stats.applied == 1).then_some(())
}
