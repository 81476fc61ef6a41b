//! A sensing device on a board: an AMS module over UDP and Ethernet, an SSD in it, a
//! front-end behind SPI and pins. All storage is static. With the feature `agents` it is managed,
//! and tuned by schedule, besides.
//!
//! `cargo run --release --features std,management,southbound --example board_demo`, two folders
//! up, runs it in QEMU together with the ground side. `ssd_tls` is the same board with another
//! carriage of the device's messages.
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
mod member;
#[path = "../../memory.rs"]
mod memory;
#[path = "../../mps2/mod.rs"]
mod mps2;
mod network;
#[path = "../../mps2/panic.rs"]
mod panic;
mod site;
#[path = "../../stack.rs"]
mod stack;

use cortex_m_rt::entry;
use defmt::{error, info};
use farpost::ams::carriage::Party;
use farpost::ams::module::Module;
use farpost::scos::carriage::{Carrier, Station, manager, source};
use farpost::time::Clock;
use semihosting::process;
use smoltcp::iface::SocketStorage;
use static_cell::StaticCell;

#[cfg(feature = "agents")]
use agents::agreed::space::DESK;
use device::clock::BoardClock;
use device::{Identity, Simulated};
use member::{CARRIAGE, CONTINUUM};
use mps2::Board;
use network::{Network, Port, Ports, SOCKETS};
use site::Site;

type Settings = device::settings::Settings<Ports>;

/// The board: its machines, and the network that they have.
struct Post {
    clock: &'static BoardClock,
    network: Network,
    site: &'static mut Site,
    device: &'static mut Simulated,
}

static SETTINGS: StaticCell<Settings> = StaticCell::new();
static CLOCK: StaticCell<BoardClock> = StaticCell::new();
static ROOM: StaticCell<[SocketStorage<'static>; SOCKETS]> = StaticCell::new();
static POST: StaticCell<Post> = StaticCell::new();

/// Who is heard.
static INVITED: &[Party] = &[
    CARRIAGE.manager,
    #[cfg(feature = "agents")]
    DESK,
];

#[entry]
fn main() -> ! {
    start().run()
}

/// Makes all there is, in its place. What that takes of the stack is free again afterwards.
#[inline(never)]
fn start() -> &'static mut Post {
    // SAFETY: this is the only call.
    let (board, timer) = unsafe { Board::take() };
    let stack = stack::Painted::fresh();
    let Some(settings) = Settings::read() else { process::exit(2) };
    let settings = SETTINGS.init(settings);
    let ticks = timer.ticks_of();
    let clock = CLOCK.init(BoardClock::start(timer, settings.speed));
    let room = ROOM.init_with(|| [SocketStorage::EMPTY; SOCKETS]);
    let seed = u64::from(settings.boot);
    let ports = (&settings.link, settings.time);
    let Some(network) = Network::start(board, (clock, seed), ports, room) else {
        error!("settings: a port is 0");
        process::exit(2);
    };
    let device = Simulated::simulated(identity(settings), ticks, stack);
    let Some(site) = Site::new(clock, settings, INVITED) else {
        error!("settings: a name is too long");
        process::exit(2);
    };
    info!("{=str} starts, run {}", settings.device, settings.boot);
    POST.init(Post { clock, network, site, device })
}

/// Who the device of these settings is.
fn identity(settings: &'static Settings) -> Identity {
    let name = &settings.device;
    Identity {
        name,
        // Nobody asks it for a proof here.
        public_key: name.as_bytes(),
        signer: None,
        ssm: manager(),
        boot: settings.boot,
        seed: u64::from(settings.boot) << 16 | u64::from(settings.link.mams),
    }
}

impl Post {
    /// Works for ever.
    fn run(&mut self) -> ! {
        let Self { clock, network, site, device } = self;
        loop {
            let now = site.run(network, device, |now, message, (module, way), device| {
                if CARRIAGE.is_for(Station::Device, message) {
                    let from = source(message);
                    device.receive(now, &from, message.data, &mut carrier(module, way));
                }
            });
            if site.member.is_settled(now) {
                let way = network.way(Port::Aams);
                device.tick(now, &mut carrier(&mut site.member.module, way));
            }
            network.poll();

            let next = site.next_deadline(clock.now(), device.next_deadline());
            network.rest(if device.is_sensing() { Some(now.monotonic) } else { next });
        }
    }
}

/// The carrier of the device's messages.
fn carrier<'c, 's, T>(module: &'c mut Module<'s>, transport: T) -> Carrier<'c, 's, T> {
    Carrier {
        module,
        transport,
        subject: CARRIAGE.device.subject,
        manager: CARRIAGE.manager.role,
        continuum: CONTINUUM,
    }
}
