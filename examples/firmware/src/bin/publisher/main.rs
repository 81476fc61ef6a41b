//! A whole message space on one board: a meter publishes what it reads and a logger
//! prints it. All storage is static, time is virtual, the link is a queue.
#![no_std]
#![no_main]

mod board;
#[path = "../../start.rs"]
mod start;

use core::time::Duration;

use board::{Board, LOGGER, METER, READING};
use farpost::ams::module::RuleRequest;
use farpost::ams::service::{Delivery, Fault, Indication, Message};
use farpost::time::{Instant, Now};
use semihosting::{println, process};

/// Between two readings of the meter.
const PERIOD: Duration = Duration::from_secs(20);

#[start::entry]
fn main() -> ! {
    let status = match Board::new() {
        Ok(mut board) => run(&mut board).map_err(|fault| println!("not registered: {}", fault)),
        Err(fault) => Err(println!("a name is ill-formed: {}", fault)),
    };
    process::exit(status.map_or(1, |()| 0))
}

/// Runs both modules for three periods.
fn run(board: &mut Board) -> Result<(), Fault> {
    let mut now = Now::default();
    // The configuration server and the registrar find each other, then both modules
    // the registrar: on this link all in no time.
    board.run(now, tell, log);
    board.meter.register(now, board.wire.of(METER), &mut |said| tell(METER, said))?;
    board.logger.register(now, board.wire.of(LOGGER), &mut |said| tell(LOGGER, said))?;
    board.run(now, tell, log);
    board.logger.subscribe(now, &RuleRequest::new(READING), board.wire.of(LOGGER))?;
    let mut due = Instant::ZERO.after(PERIOD);
    while now.monotonic <= Instant::ZERO.after(3 * PERIOD) {
        board.run(now, tell, log);
        if now.monotonic >= due {
            publish(board, now);
            due = due.after(PERIOD);
            continue;
        }
        // A board would sleep until its timer or its receiver wakes it.
        let next = board.next_deadline().map_or(due, |deadline| deadline.min(due));
        now = now.after(next.since(now.monotonic));
    }
    Ok(())
}

/// What the sensor reads goes to whoever subscribes to it.
fn publish(board: &mut Board, now: Now) {
    let seconds = now.monotonic.as_micros() / 1_000_000;
    let millivolts = 3_300_u16.saturating_sub(u16::try_from(seconds).unwrap_or(u16::MAX));
    let octets = millivolts.to_be_bytes();
    let message = Message::new(READING, &octets);
    let wire = board.wire.of(METER);
    match board.meter.publish(&message, wire, &mut |said| tell(METER, said)) {
        Ok(copies) => {
            println!("{} s: meter sends {} mV, {} times", seconds, millivolts, copies.sent)
        }
        Err(fault) => println!("{} s: meter: {}", seconds, fault),
    }
}

/// What a module says about its message space.
fn tell(who: &str, said: Indication) {
    match said {
        Indication::Registered(number) => println!("{} is module {}", who, number),
        Indication::ModuleRegistered(other) => println!("{} knows {}", who, other.key()),
        Indication::SubscriptionAsserted(by, what) => {
            println!("{}: {} subscribes to {}", who, by.key(), what.subject);
        }
        Indication::Fault(fault) => println!("{}: {}", who, fault),
        _ => {}
    }
}

/// What the logger receives.
fn log(now: Now, delivery: Result<Delivery<'_>, Fault>) {
    let seconds = now.monotonic.as_micros() / 1_000_000;
    match delivery {
        Ok(Delivery::Message(message)) => match *message.data {
            [high, low] => {
                let millivolts = u16::from_be_bytes([high, low]);
                println!("{} s: logger has {} mV from {}", seconds, millivolts, message.source);
            }
            _ => println!("{} s: logger: not a reading", seconds),
        },
        Ok(_) => println!("{} s: logger: not a publication", seconds),
        Err(fault) => println!("{} s: logger: {}", seconds, fault),
    }
}
