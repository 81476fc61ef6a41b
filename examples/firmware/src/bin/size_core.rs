//! The codec, the routing of messages and the week calendar together: what they weigh
//! without membership, and that they cannot panic.
#![no_std]
#![no_main]

#[path = "../codec.rs"]
mod codec;
#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::ams::ids::{ContinuumNumber, ModuleKey, SubjectNumber};
use farpost::ams::mib::Mib;
use farpost::ams::module::{ModuleMemory, StaticModule, StaticSpace};
use farpost::ams::service::Message;
use farpost::scos::calendar::{Pattern, Search, WeekPlan};
use link::{Link, any, datagram, user};

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mib: Mib<'_> = black_box(Mib::new(ContinuumNumber::ALL, ""));
    let Some((space, me)) = any::<(StaticSpace<'_>, ModuleKey)>() else { loop {} };
    let mut memory = ModuleMemory::<4, 8, 4, 2, 0, 256>::new();
    let Ok(mut module) = StaticModule::new(&mib, &space, me, memory.storage(), &mut Link) else {
        loop {}
    };
    let mut buffer = [0; 512];
    let mut plan = WeekPlan::new();
    loop {
        let (_, octets) = datagram();
        codec::all(octets, &mut buffer);
        let message = black_box(Message::new(SubjectNumber(1), octets));
        let _ = black_box(module.publish(&message, &mut Link, &mut user));
        let _ = black_box(module.receive_aams(octets));
        let Some((pattern, search)) = any::<(Pattern, Search)>() else { continue };
        let _ = black_box(plan.exact(&pattern));
        black_box(plan.nearest(pattern.shape(), &search));
        plan.book(&pattern);
        plan.cancel(&pattern);
    }
}
