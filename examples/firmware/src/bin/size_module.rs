//! A module with all of its service: what the role weighs, and that it cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;
use core::time::Duration;

use farpost::ams::ids::{ContinuumNumber, Domain, ModuleKey, SubjectNumber};
use farpost::ams::mib::Mib;
use farpost::ams::module::{Module, ModuleIdentity, ModuleMemory, RuleRequest};
use farpost::ams::service::{Indication, Message};
use farpost::time::Now;
use farpost::transport::{Address, SendError, Transport};

/// A link the compiler knows nothing about.
struct Link;

impl Transport for Link {
    fn resolve(&mut self, service: &str, endpoint: &str) -> Option<Address> {
        black_box((service, endpoint));
        black_box(None)
    }

    fn send(&mut self, to: &Address, flow_label: u8, octets: &[u8]) -> Result<(), SendError> {
        black_box((to, flow_label, octets));
        black_box(Ok(()))
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mib: Mib<'_> = black_box(Mib::new(ContinuumNumber::ALL, ""));
    let Some(identity): Option<ModuleIdentity<'_>> = black_box(None) else { loop {} };
    let mut memory = ModuleMemory::<4, 8, 4, 2, 256, 256>::new();
    let mut module = Module::new(&mib, identity, memory.storage());
    loop {
        let octets = black_box(&[0_u8; 256][..]);
        hear(&mut module, octets);
        ask(&mut module, octets);
    }
}

#[inline(never)]
fn user(indication: Indication) {
    black_box(indication);
}

fn hear(module: &mut Module<'_>, octets: &[u8]) {
    let now: Now = black_box(Now::default());
    module.receive_mams(now, &Address::new(0, octets), octets, &mut Link, &mut user);
    let _ = black_box(module.receive_aams(octets));
    module.tick(now, &mut Link, &mut user);
    black_box(module.next_deadline());
}

fn ask(module: &mut Module<'_>, octets: &[u8]) {
    let now: Now = black_box(Now::default());
    let subject: SubjectNumber = black_box(SubjectNumber(1));
    let domain: Domain = black_box(Domain::ALL);
    let rule: RuleRequest = black_box(RuleRequest::new(subject));
    let message = black_box(Message::new(subject, octets));
    let to: (ContinuumNumber, ModuleKey) = black_box((ContinuumNumber::ALL, ModuleKey::default()));
    let term: Option<Duration> = black_box(None);
    let _ = black_box(module.register(now, &mut Link, &mut user));
    let _ = black_box(module.subscribe(now, &rule, &mut Link));
    let _ = black_box(module.invite(now, &rule, &mut Link));
    let _ = black_box(module.unsubscribe(now, subject, domain, &mut Link));
    let _ = black_box(module.disinvite(now, subject, domain, &mut Link));
    let _ = black_box(module.publish(&message, &mut Link, &mut user));
    let _ = black_box(module.announce(domain, &message, &mut Link, &mut user));
    let _ = black_box(module.send(to, &message, &mut Link));
    let _ = black_box(module.query(now, to, &message, term, &mut Link));
    let _ = black_box(module.reply(to, &message, &mut Link));
    let _ = black_box(module.unregister(now, &mut Link));
}
