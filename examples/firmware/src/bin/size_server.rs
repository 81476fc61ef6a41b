//! A configuration server: what the role weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::ams::config_server::{ConfigServer, ConfigServerConfig, ConfigServerMemory};
use farpost::ams::mib::Mib;
use link::{Link, any, datagram, now};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let (Some(mib), Some(config)) = (any::<Mib<'_>>(), any::<ConfigServerConfig>()) else {
        loop {}
    };
    let mut memory = ConfigServerMemory::<8>::new();
    let mut server = ConfigServer::new(&mib, config, memory.storage());
    loop {
        let (from, octets) = datagram();
        server.receive(now(), &from, octets, &mut Link);
        server.tick(now(), &mut Link);
        black_box((server.next_deadline(), server.state()));
        black_box((server.stats(), server.counts()));
        if let Some(mib) = any::<&Mib<'_>>() {
            let _ = black_box(server.change_mib(mib));
        }
    }
}
