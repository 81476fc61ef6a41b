//! A RAMS gateway: what the role weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::ams::gateway::{Block, Gateway, GatewayConfig, GatewayStorage};
use farpost::ams::mib::Mib;
use farpost::ams::module::{ModuleIdentity, ModuleMemory};
use farpost::storage::Slot;
use link::{Link, any, datagram, now, user};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let (Some(mib), Some(identity)) = (any::<Mib<'_>>(), any::<ModuleIdentity<'_>>()) else {
        loop {}
    };
    let mut memory = ModuleMemory::<8, 32, 16, 2, 512, 512>::new();
    let mut neighbours = [const { Slot::EMPTY }; 4];
    let mut petitions = [const { Slot::EMPTY }; 16];
    let mut parcels = [const { Slot::EMPTY }; 8];
    let mut blocks = [Block::EMPTY; 32];
    let mut rpdu = [0; 512];
    let storage = GatewayStorage {
        module: memory.storage(),
        neighbours: &mut neighbours,
        petitions: &mut petitions,
        parcels: &mut parcels,
        blocks: &mut blocks,
        rpdu: &mut rpdu,
    };
    let config: GatewayConfig = black_box(GatewayConfig::default());
    let mut gateway = Gateway::new(&mib, identity, config, storage);
    loop {
        let (from, octets) = datagram();
        gateway.receive_mams(now(), &from, octets, &mut Link, &mut user);
        let _ = black_box(gateway.receive_aams(now(), octets, &mut Link));
        gateway.receive_rams(now(), &from, octets, &mut Link);
        gateway.tick(now(), &mut Link, &mut user);
        black_box((gateway.next_deadline(), gateway.declared(), gateway.waiting()));
        let _ = black_box(gateway.register(now(), &mut Link, &mut user));
        let _ = black_box(gateway.unregister(now(), &mut Link));
        if let Some(mib) = any::<&Mib<'_>>() {
            let _ = black_box(gateway.change_mib(now(), mib, &mut Link, &mut user));
        }
    }
}
