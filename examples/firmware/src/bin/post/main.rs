//! A post that nobody can reach: an agent of the southbound interface tunes its receiver when
//! its schedule says so, and an agent of asynchronous management acts by a rule when the
//! receiver is overloaded. Virtual time, static storage, and a link to the ground that is away.
#![no_std]
#![no_main]

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../agents/mod.rs"]
mod agents;
mod controller;
#[allow(dead_code, unused_imports, unused_macros, reason = "a part of it is used here")]
#[path = "../../device/mod.rs"]
mod device;
mod front_end;
#[path = "../../mps2/mod.rs"]
mod mps2;
#[path = "../../panic.rs"]
mod panic;
#[allow(dead_code, reason = "the device measures its stack")]
#[path = "../../stack.rs"]
mod stack;

use core::time::Duration;

use cortex_m_rt::entry;
use farpost::management::Kind;
use farpost::management::agent::{AgentConfig, ManagerConfig, MaxAge};
use farpost::management::amp::{GroupWriter, MessageHeader, Opcode, Profile};
use farpost::southbound::agent::AgentConfig as ScheduleConfig;
use farpost::southbound::messages::StatusCode;
use farpost::time::{ClockQuality, Instant, Now, Utc};
use farpost::transport::{Address, SendError, Transport};
use farpost::wire::Writer;
use semihosting::{println, process};
use static_cell::StaticCell;

use agents::agreed::adm::{FRONT_END, datum};
use agents::agreed::rule;
use agents::{ADMS, Agents, Managed};
use controller::{Begun, Controller, Counter};
use device::radio::Tuner;
use device::simulated::{Air, Delay};
use front_end::FrontEnd;
use mps2::Board;

/// Who may define rules. The first is the post itself.
static MANAGERS: [ManagerConfig<'static>; 2] = [
    ManagerConfig { name: "post", service: "own", endpoint: "post", issuer: b"" },
    ManagerConfig { name: rule::GROUND, service: "radio", endpoint: "ground", issuer: b"ground" },
];

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
        max_ages: &[MaxAge { adm: FRONT_END, index: datum::LEVEL as u32, seconds: 10 }],
        ..AgentConfig::new("dtn://post/agent", &MANAGERS, &ADMS)
    };
    let schedule = ScheduleConfig::new("post", NUMBERS.init(Counter::default()));
    let Agents { management: mut agent, mut schedule } = Agents::new(config, schedule)?;
    let mut now = Now { monotonic: Instant::ZERO, utc: START, quality: ClockQuality::Synchronised };
    let (mut link, mut buffer) = (Away, [0; 256]);

    agent.tick(now, &mut link, &mut Managed(&mut front_end));
    let time = u64::try_from(START.unix_minute() * 60).ok()? - EPOCH;
    let group = manager_says(time, &mut buffer)?;
    let from = link.resolve("own", "post")?;
    agent.receive(now, &from, group, &mut link, &mut Managed(&mut front_end));
    println!(
        "{} octets of a manager, {} rule defined",
        group.len(),
        agent.defined(Kind::StateRule)
    );

    let mut controller = Controller::default();

    for second in (0..=90).step_by(10) {
        if second == 40 {
            println!("somebody disturbs the band");
            air.disturb(60.0);
        }
        schedule.tick(now, &mut controller, &mut Managed(&mut front_end));
        while let Some(begun) = controller.begun.take() {
            match begun {
                Begun::Reset(call) => {
                    schedule.reset_done(
                        now,
                        call,
                        StatusCode::OK,
                        &mut controller,
                        &mut Managed(&mut front_end),
                    );
                }
                Begun::Stream(call) => {
                    schedule.stream_opened(
                        now,
                        call,
                        &mut controller,
                        &mut Managed(&mut front_end),
                    );
                    for (after, khz) in [(0, 98_000), (60, 433_500)] {
                        let time = START.after(Duration::from_secs(after));
                        let request = controller.receive_at(time, khz * 1_000, &mut buffer)?;
                        schedule.receive(
                            now,
                            call,
                            request,
                            &mut controller,
                            &mut Managed(&mut front_end),
                        );
                    }
                }
            }
        }
        front_end.measure(now);
        println!("{second} s: {} dBFS at {} dB", front_end.level_dbfs, front_end.gain_db);
        agent.tick(now, &mut link, &mut Managed(&mut front_end));
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

/// What the managers would have the post do when nobody can be reached: one rule, as the octets
/// of a group of messages. A real post is sent it, or has it in flash.
fn manager_says(time: u64, buffer: &mut [u8]) -> Option<&[u8]> {
    let (mut room, quirks) = ([0; 192], Profile::Draft08.sends());
    let controls = rule::quieter(-20, 10, &mut room)?;
    let mut writer = Writer::new(buffer);
    let mut group = GroupWriter::new(&mut writer, time, quirks).ok()?;
    let header = MessageHeader::new(Opcode::PERFORM_CONTROL);
    group.perform_control(&mut writer, header, 0, &controls).ok()?;
    group.finish(&mut writer).ok()?;
    Some(writer.finish())
}
