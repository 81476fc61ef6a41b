//! The message space of `publisher`, logged with `defmt`: what goes over semihosting are
//! numbers of texts and their arguments, and the texts stay in the ELF for `defmt-print`.
#![no_std]
#![no_main]

#[path = "publisher/board.rs"]
#[allow(dead_code, reason = "here time goes in steps")]
mod board;
#[path = "../panic.rs"]
mod panic;
#[path = "../vectors.rs"]
mod vectors;

use core::time::Duration;

use board::{Board, LOGGER, METER, READING};
use cortex_m as _; // its critical section
use cortex_m_rt::entry;
use defmt::{error, info, warn};
use defmt_semihosting as _; // the way out
use farpost::ams::module::RuleRequest;
use farpost::ams::service::{Delivery, Fault, Indication, Message};
use farpost::time::{Instant, Now};
use semihosting::process;

/// Each line begins with the time of the board, in seconds.
static SECONDS: portable_atomic::AtomicU32 = portable_atomic::AtomicU32::new(0);
defmt::timestamp!("{=u32}", SECONDS.load(portable_atomic::Ordering::Relaxed));

/// Between two steps of the board's time.
const STEP: Duration = Duration::from_secs(1);

#[entry]
fn main() -> ! {
    let status = match Board::new() {
        Ok(mut board) => run(&mut board).map_err(|fault| error!("not registered: {}", fault)),
        Err(fault) => Err(error!("a name is ill-formed: {}", fault)),
    };
    process::exit(status.map_or(1, |()| 0))
}

fn run(board: &mut Board) -> Result<(), Fault> {
    let mut now = Now::default();
    board.run(now, tell, log);
    board.meter.register(now, board.wire.of(METER), &mut |said| tell(METER, said))?;
    board.logger.register(now, board.wire.of(LOGGER), &mut |said| tell(LOGGER, said))?;
    board.run(now, tell, log);
    board.logger.subscribe(now, &RuleRequest::new(READING), board.wire.of(LOGGER))?;
    for second in 1..=20 {
        SECONDS.store(second, portable_atomic::Ordering::Relaxed);
        now = now.after(STEP);
        board.run(now, tell, log);
        if second % 10 == 0 {
            let message = Message::new(READING, &[0x0c, 0xd0]);
            let wire = board.wire.of(METER);
            let copies = board.meter.publish(&message, wire, &mut |said| tell(METER, said))?;
            info!("meter: {}", copies);
            board.run(now, tell, log);
        }
    }
    info!("meter: {}", board.meter.message_stats());
    assert_eq!(now.monotonic, Instant::ZERO.after(20 * STEP));
    Ok(())
}

fn tell(who: &str, said: Indication) {
    match said {
        Indication::Fault(fault) => warn!("{=str}: {}", who, fault),
        said => info!("{=str}: {}", who, said),
    }
}

fn log(_now: Now, delivery: Result<Delivery<'_>, Fault>) {
    match delivery {
        Ok(delivery) => info!("logger has {}", delivery),
        Err(fault) => warn!("logger: {}", fault),
    }
}
