//! A module with all of its service: what the role weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;
#[path = "../opaque.rs"]
mod opaque;

use core::hint::black_box;
use core::time::Duration;

use farpost::ams::ids::{ContinuumNumber, Domain, ModuleKey, SubjectNumber};
use farpost::ams::module::{Module, RuleRequest};
use farpost::ams::service::Message;
use farpost::time::Now;
use farpost::transport::Address;
use opaque::{Link, Memory, lent, user};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut module = Module::new(lent(), *lent(), lent::<Memory>().storage());
    loop {
        let octets: &[u8] = lent::<[u8; 256]>();
        hear(&mut module, octets);
        ask(&mut module);
    }
}

#[inline(never)]
fn hear(module: &mut Module<'_>, octets: &[u8]) {
    let now: Now = *lent();
    let from: &Address = lent();
    module.receive_mams(now, from, octets, &mut Link, &mut user);
    let _ = black_box(&module.receive_aams(octets));
    module.tick(now, &mut Link, &mut user);
    black_box(&module.next_deadline());
}

#[inline(never)]
fn ask(module: &mut Module<'_>) {
    let now: Now = *lent();
    let subject: SubjectNumber = *lent();
    let domain: Domain = *lent();
    let rule: &RuleRequest = lent();
    let message: &Message<'_> = lent();
    let to: (ContinuumNumber, ModuleKey) = *lent();
    let term: Option<Duration> = *lent();
    let _ = black_box(&module.register(now, &mut Link, &mut user));
    let _ = black_box(&module.subscribe(now, rule, &mut Link));
    let _ = black_box(&module.invite(now, rule, &mut Link));
    let _ = black_box(&module.unsubscribe(now, subject, domain, &mut Link));
    let _ = black_box(&module.disinvite(now, subject, domain, &mut Link));
    let _ = black_box(&module.publish(message, &mut Link, &mut user));
    let _ = black_box(&module.announce(domain, message, &mut Link, &mut user));
    let _ = black_box(&module.send(to, message, &mut Link));
    let _ = black_box(&module.query(now, to, message, term, &mut Link));
    let _ = black_box(&module.reply(to, message, &mut Link));
    let _ = black_box(&module.unregister(now, &mut Link));
}
