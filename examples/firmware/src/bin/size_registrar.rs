//! A registrar: what the role weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::ams::mib::Mib;
use farpost::ams::registrar::{Registrar, RegistrarConfig, RegistrarMemory};
use link::{Link, any, datagram, now};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let (Some(mib), Some(config)) = (any::<Mib<'_>>(), any::<RegistrarConfig<'_>>()) else {
        loop {}
    };
    let mut memory = RegistrarMemory::<8, 4, 8, 32, 1_024>::new();
    let mut registrar = Registrar::new(&mib, config, memory.storage());
    loop {
        let (from, octets) = datagram();
        registrar.receive(now(), &from, octets, &mut Link);
        registrar.tick(now(), &mut Link);
        black_box((registrar.next_deadline(), registrar.state()));
        black_box((registrar.stats(), registrar.counts()));
        if let Some(mib) = any::<&Mib<'_>>() {
            let _ = black_box(registrar.change_mib(mib));
        }
    }
}
