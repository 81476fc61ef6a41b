//! A sensing device on a board: an AMS module over UDP and Ethernet, an SSD in it, a
//! front-end behind SPI and pins. All storage is static. With the feature `agents` it is managed,
//! and tuned by schedule, besides.
//!
//! `cargo run --release --features std,management,southbound --example board_demo`, two folders
//! up, runs it in QEMU together with the ground side.
#![no_std]
#![no_main]

#[cfg(feature = "agents")]
#[allow(dead_code, reason = "the ground side has the other half of what is agreed")]
#[path = "../../agents/mod.rs"]
mod agents;
#[path = "../../device/mod.rs"]
mod device;
#[cfg(feature = "agents")]
mod managed;
#[path = "../../memory.rs"]
mod memory;
#[path = "../../mps2/mod.rs"]
mod mps2;
mod network;
#[path = "../../mps2/panic.rs"]
mod panic;
mod post;
#[path = "../../stack.rs"]
mod stack;

use core::time::Duration;

use cortex_m_rt::entry;
use defmt::{error, info};
use farpost::time::{Clock, earliest};
use semihosting::process;
use static_cell::StaticCell;

use device::clock::{BoardClock, TimeClient};
use device::{Simulated, ethernet};
use mps2::Board;
use network::{Network, Port};
use post::{Post, Settings};

static SETTINGS: StaticCell<Settings> = StaticCell::new();
static POST: StaticCell<post::Simulated> = StaticCell::new();

/// The longest sleep: short enough for the clock to see its timer begin anew.
const DOZE: Duration = Duration::from_secs(10);

#[entry]
fn main() -> ! {
    // SAFETY: this is the only call.
    let (mut board, timer) = unsafe { Board::take() };
    let stack = stack::Painted::fresh();
    let Some(settings) = Settings::read() else { process::exit(2) };
    let settings = SETTINGS.init(settings);
    let ticks = timer.ticks_of();
    let clock = BoardClock::start(timer, settings.speed);
    let seed = u64::from(settings.boot);
    let started =
        Network::start(&mut board.ethernet, clock.link_time(), seed, &settings.link, settings.time);
    let Some(mut network) = started else {
        error!("settings: a port is 0");
        process::exit(2);
    };
    let mut time = TimeClient::new(ethernet::host(settings.time));
    let device = Simulated::simulated(post::identity(settings), ticks, stack);
    let Some(post) = Post::new(settings, device).map(|post| POST.init(post)) else {
        error!("settings: a name is too long");
        process::exit(2);
    };
    #[cfg(feature = "agents")]
    let Some(mut managed) = managed::Managed::new(settings) else {
        error!("settings: a name is too long for the agents");
        process::exit(2);
    };
    info!("{=str} starts, run {}", settings.device, settings.boot);
    let mut synchronised = false;

    loop {
        network.poll(clock.link_time(), &mut board.ethernet);
        while let Some((_, octets, _)) = network.receive(Port::Time) {
            if time.receive(&clock, octets) && !synchronised {
                synchronised = true;
                info!("clock set");
            }
        }
        time.tick(&clock, &mut network.way(Port::Time));
        // Every machine of the board has its turn here, with the time of the turn.
        let now = clock.now();
        post.run(now, &mut network);
        #[cfg(feature = "agents")]
        managed.run(now, &mut network, &mut post.device, &board.ethernet);
        network.poll(clock.link_time(), &mut board.ethernet);

        let next = earliest(post.next_deadline(now), Some(time.next_deadline()));
        #[cfg(feature = "agents")]
        let next = earliest(next, managed.next_deadline());
        let idle = next.map_or(DOZE, |next| clock.real(next.since(clock.now().monotonic)));
        let link = network.poll_delay(clock.link_time()).map_or(DOZE, Duration::from_micros);
        board.wait(idle.min(link).min(DOZE));
    }
}
