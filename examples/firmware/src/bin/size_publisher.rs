//! A module that subscribes, publishes and receives, as most boards do, and no more:
//! what that weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;
#[path = "../opaque.rs"]
mod opaque;

use core::hint::black_box;

use farpost::ams::module::{Module, RuleRequest};
use farpost::ams::service::Message;
use farpost::time::Now;
use farpost::transport::Address;
use opaque::{Link, Memory, lent, user};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut module = Module::new(lent(), *lent(), lent::<Memory>().storage());
    loop {
        let now: Now = *lent();
        let octets: &[u8] = lent::<[u8; 256]>();
        let from: &Address = lent();
        let rule: &RuleRequest = lent();
        let message: &Message<'_> = lent();
        let _ = black_box(&module.register(now, &mut Link, &mut user));
        let _ = black_box(&module.subscribe(now, rule, &mut Link));
        let _ = black_box(&module.publish(message, &mut Link, &mut user));
        module.receive_mams(now, from, octets, &mut Link, &mut user);
        let _ = black_box(&module.receive_aams(octets));
        module.tick(now, &mut Link, &mut user);
        black_box(&module.next_deadline());
    }
}
