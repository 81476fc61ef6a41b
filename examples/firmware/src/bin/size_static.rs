//! A module of a static configuration: what it weighs without Meta-AMS, and that it
//! cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;

#[path = "../opaque.rs"]
mod opaque;

use core::hint::black_box;
use core::time::Duration;

use farpost::ams::ids::{ContinuumNumber, Domain, ModuleKey};
use farpost::ams::module::{StaticModule, StaticSpace};
use farpost::ams::service::Message;
use farpost::time::Now;
use opaque::{Link, Memory, lent, user};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let space: &StaticSpace<'_> = lent();
    let me: ModuleKey = *lent();
    let storage = lent::<Memory>().storage();
    let Ok(mut module) = StaticModule::new(lent(), space, me, storage, &mut Link) else { loop {} };
    loop {
        let octets: &[u8] = lent::<[u8; 256]>();
        hear(&mut module, octets);
        ask(&mut module);
    }
}

#[inline(never)]
fn hear(module: &mut StaticModule<'_>, octets: &[u8]) {
    let now: Now = *lent();
    let _ = black_box(&module.receive_aams(octets));
    module.tick(now, &mut user);
    black_box(&module.next_deadline());
}

#[inline(never)]
fn ask(module: &mut StaticModule<'_>) {
    let now: Now = *lent();
    let domain: Domain = *lent();
    let message: &Message<'_> = lent();
    let to: (ContinuumNumber, ModuleKey) = *lent();
    let term: Option<Duration> = *lent();
    let _ = black_box(&module.publish(message, &mut Link, &mut user));
    let _ = black_box(&module.announce(domain, message, &mut Link, &mut user));
    let _ = black_box(&module.send(to, message, &mut Link));
    let _ = black_box(&module.query(now, to, message, term, &mut Link));
    let _ = black_box(&module.reply(to, message, &mut Link));
}
