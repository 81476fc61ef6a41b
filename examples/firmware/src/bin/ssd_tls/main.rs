//! A sensing device on a board: an SSD that has a TLS connection to its SSM, with a pre-shared
//! key, and a front-end behind SPI and pins. No AMS. All storage is static.
//!
//! `cargo run --release --features tls-psk,management,southbound --example board_demo -- --tls`,
//! two folders up, runs it in QEMU together with the ground side.
#![no_std]
#![no_main]

#[path = "../../device/mod.rs"]
mod device;
mod keys;
#[path = "../../memory.rs"]
mod memory;
#[path = "../../mps2/mod.rs"]
mod mps2;
mod network;
#[path = "../../mps2/panic.rs"]
mod panic;
mod post;
mod random;
#[path = "../../stack.rs"]
mod stack;
mod stream;

use core::cell::RefCell;

use cortex_m_rt::entry;
use defmt::{error, info};
use semihosting::process;
use static_cell::StaticCell;

use device::Simulated;
use device::clock::BoardClock;
use keys::Keys;
use mps2::Board;
use network::Network;
use post::{Post, Settings};

static SETTINGS: StaticCell<Settings> = StaticCell::new();
static KEYS: StaticCell<Keys> = StaticCell::new();
static CLOCK: StaticCell<BoardClock> = StaticCell::new();
static NETWORK: StaticCell<RefCell<Network>> = StaticCell::new();
static POST: StaticCell<post::Simulated> = StaticCell::new();

#[entry]
fn main() -> ! {
    start().run()
}

/// Makes all there is, in its place. What that takes of the stack is free again afterwards.
#[inline(never)]
fn start() -> &'static mut post::Simulated {
    // SAFETY: this is the only call.
    let (board, timer) = unsafe { Board::take() };
    let stack = stack::Painted::fresh();
    let Some(settings) = Settings::read() else { process::exit(2) };
    let settings = SETTINGS.init(settings);
    let Some(keys) = Keys::read(&settings.link.keys) else {
        error!("keys: {} octets cannot be read", Keys::OCTETS);
        process::exit(2);
    };
    let keys = KEYS.init(keys);
    let ticks = timer.ticks_of();
    let clock = CLOCK.init(BoardClock::start(timer, settings.speed));
    // What nobody is to guess: numbers of octets and ports of TCP.
    let seed = random::number();
    let Some(network) = Network::start(board, clock, seed, settings.time) else {
        error!("settings: a port is 0");
        process::exit(2);
    };
    let network = NETWORK.init(RefCell::new(network));
    let identity = post::identity(settings, keys, seed);
    let device = Simulated::simulated(identity, ticks, stack);
    info!("{=str} starts, run {}", settings.device, settings.boot);
    POST.init(Post::new(settings, keys, device, (network, clock)))
}
