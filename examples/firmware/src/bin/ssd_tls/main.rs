//! A whole sensing post on a board: an SSD that has a TLS connection to its SSM, with a
//! pre-shared key, and a front-end behind SPI and pins; an AMS module over UDP, by which it is
//! managed and publishes; an agent that tunes it by schedule. All storage is static.
//!
//! All but what carries the device's messages is that of `ssd`.
//!
//! `cargo run --release --features tls-psk,management,southbound --example board_demo -- --tls`,
//! two folders up, runs it in QEMU together with the ground side.
#![no_std]
#![no_main]

#[allow(dead_code, reason = "the ground side has the other half of what is agreed")]
#[path = "../../agents/mod.rs"]
mod agents;
#[path = "../../device/mod.rs"]
mod device;
mod guard;
mod keys;
#[path = "../ssd/managed.rs"]
mod managed;
#[path = "../ssd/member.rs"]
mod member;
#[path = "../../memory.rs"]
mod memory;
#[path = "../../mps2/mod.rs"]
mod mps2;
#[path = "../ssd/network.rs"]
mod network;
#[path = "../../mps2/panic.rs"]
mod panic;
mod post;
mod random;
#[path = "../ssd/site.rs"]
mod site;
#[path = "../../stack.rs"]
mod stack;
mod stream;
mod tcp;

use core::cell::RefCell;

use cortex_m_rt::entry;
use defmt::{error, info};
use farpost::ams::carriage::Party;
use semihosting::process;
use static_cell::StaticCell;

use agents::agreed::space::DESK;
use device::Simulated;
use device::clock::BoardClock;
use keys::Keys;
use mps2::Board;
use post::{Post, Settings};
use site::Site;
use tcp::Links;

static SETTINGS: StaticCell<Settings> = StaticCell::new();
static KEYS: StaticCell<Keys> = StaticCell::new();
static CLOCK: StaticCell<BoardClock> = StaticCell::new();
static LINKS: StaticCell<RefCell<Links>> = StaticCell::new();
static POST: StaticCell<post::Simulated> = StaticCell::new();

/// Who is heard by the module.
static INVITED: &[Party] = &[DESK];

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
    let Some(links) = Links::start(board, (clock, seed), (&settings.link, settings.time)) else {
        error!("settings: a port is 0");
        process::exit(2);
    };
    let links = LINKS.init(RefCell::new(links));
    let device = Simulated::simulated(post::identity(settings, keys, seed), ticks, stack);
    let Some(site) = Site::new(clock, settings, INVITED) else {
        error!("settings: a name is too long");
        process::exit(2);
    };
    info!("{=str} starts, run {}", settings.device, settings.boot);
    POST.init(Post::new((settings, keys), (site, device), (links, clock)))
}
