//! A policy manager, without the link that carries it: what the role weighs, and that
//! it cannot panic.
#![no_std]
#![no_main]

#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::scos::messages::PolicyOutcome;
use farpost::scos::policy_manager::{ActorSetting, PolicyManager, PolicyManagerConfig, PolicyUser};
use farpost::scos::{ActorId, ActorPolicy};
use farpost::storage::Slot;
use farpost::time::Now;
use link::{Link, any, datagram, now};

/// Who wants to know what holds.
struct Operator;

impl PolicyUser for Operator {
    fn applied(&mut self, now: Now, setting: &ActorSetting) {
        black_box((now, setting));
    }

    fn refused(&mut self, now: Now, setting: &ActorSetting, outcome: PolicyOutcome) {
        black_box((now, setting, outcome));
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let Some(config) = any::<PolicyManagerConfig>() else { loop {} };
    let mut settings = [const { Slot::EMPTY }; 16];
    let mut manager = PolicyManager::new(config, &mut settings);
    loop {
        let (from, octets) = datagram();
        manager.receive(now(), &from, octets, &mut Link, &mut Operator);
        manager.tick(now(), &mut Link);
        if let Some((actor, policy)) = any::<(ActorId, ActorPolicy)>() {
            let _ = black_box(manager.set(actor, policy));
            let _ = black_box(manager.withdraw(actor));
            black_box(manager.setting(actor));
        }
        black_box((manager.next_deadline(), manager.settings().count(), manager.stats()));
    }
}
