//! A module of a static configuration: what it weighs without Meta-AMS, and that it
//! cannot panic.
#![no_std]
#![no_main]

#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;
use core::time::Duration;

use farpost::ams::ids::{ContinuumNumber, Domain, ModuleKey, SubjectNumber};
use farpost::ams::mib::Mib;
use farpost::ams::module::{ModuleMemory, StaticModule, StaticSpace};
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
    let Some(space): Option<StaticSpace<'_>> = black_box(None) else { loop {} };
    let mut memory = ModuleMemory::<4, 8, 4, 2, 0, 256>::new();
    let me: ModuleKey = black_box(ModuleKey::default());
    let Ok(mut module) = StaticModule::new(&mib, &space, me, memory.storage(), &mut Link) else {
        loop {}
    };
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

fn hear(module: &mut StaticModule<'_>, octets: &[u8]) {
    let now: Now = black_box(Now::default());
    let _ = black_box(module.receive_aams(octets));
    module.tick(now, &mut user);
    black_box(module.next_deadline());
}

fn ask(module: &mut StaticModule<'_>, octets: &[u8]) {
    let now: Now = black_box(Now::default());
    let subject: SubjectNumber = black_box(SubjectNumber(1));
    let domain: Domain = black_box(Domain::ALL);
    let message = black_box(Message::new(subject, octets));
    let to: (ContinuumNumber, ModuleKey) = black_box((ContinuumNumber::ALL, ModuleKey::default()));
    let term: Option<Duration> = black_box(None);
    let _ = black_box(module.publish(&message, &mut Link, &mut user));
    let _ = black_box(module.announce(domain, &message, &mut Link, &mut user));
    let _ = black_box(module.send(to, &message, &mut Link));
    let _ = black_box(module.query(now, to, &message, term, &mut Link));
    let _ = black_box(module.reply(to, &message, &mut Link));
}
