//! An Actor, without the AMS module that carries it: what the role weighs, and that
//! it cannot panic.
#![no_std]
#![no_main]

#[path = "../link.rs"]
mod link;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

use farpost::scos::RequestId;
use farpost::scos::actor::{Actor, ActorConfig, ActorUser, Question, Wish};
use farpost::scos::messages::{Cancelled, Granted, InventoryItem, Refused, Report, UsageItem};
use farpost::storage::Slot;
use farpost::time::Now;
use link::{Link, any, datagram, now};

/// Somebody it acts for.
struct Client;

impl ActorUser for Client {
    fn granted(&mut self, now: Now, granted: &Granted<'_>) {
        black_box((now, granted));
    }

    fn refused(&mut self, now: Now, refused: &Refused) {
        black_box((now, refused));
    }

    fn cancelled(&mut self, now: Now, cancelled: &Cancelled) {
        black_box((now, cancelled));
    }

    fn report(&mut self, now: Now, report: &Report<'_>) {
        black_box((now, report));
    }

    fn inventory(&mut self, now: Now, item: &InventoryItem<'_>) {
        black_box((now, item));
    }

    fn usage(&mut self, now: Now, item: &UsageItem) {
        black_box((now, item));
    }

    fn unanswered(&mut self, now: Now, question: Question) {
        black_box((now, question));
    }
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let Some(config) = any::<ActorConfig>() else { loop {} };
    let mut requests = [const { Slot::EMPTY }; 16];
    let mut actor = Actor::new(config, &mut requests);
    loop {
        let (from, octets) = datagram();
        actor.receive(now(), &from, octets, &mut Link, &mut Client);
        actor.tick(now(), &mut Link, &mut Client);
        if let Some(wish) = any::<Wish<'_>>() {
            let _ = black_box(actor.request(&wish));
        }
        if let Some(request) = any::<RequestId>() {
            let _ = black_box(actor.cancel(request));
            actor.copy_inventory();
            actor.copy_usage();
        }
        black_box((actor.next_deadline(), actor.open_requests(), actor.stats(), actor.id()));
    }
}
