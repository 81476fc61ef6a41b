//! The way out of the log: frames of `defmt` to the UART. The texts are not on the board; who
//! reads the frames has them from the ELF.

use core::cell::Cell;

use critical_section::Mutex;
use defmt::{Encoder, Logger};
use embedded_io::Write;

use super::uart::Uart;

#[defmt::global_logger]
struct Log;

static UART: Mutex<Cell<Option<Uart>>> = Mutex::new(Cell::new(None));
static ENCODER: Mutex<Cell<Encoder>> = Mutex::new(Cell::new(Encoder::new()));
static MICROSECONDS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

// What is logged begins with the time of the board.
defmt::timestamp!("{=u64:us}", critical_section::with(|cs| MICROSECONDS.borrow(cs).get()));

/// Logs to `uart` from now on; before, what is logged is lost.
pub(super) fn to(uart: Uart) {
    critical_section::with(|cs| UART.borrow(cs).set(Some(uart)));
}

/// Has the log know the time, since the start of the board.
pub fn stamp(microseconds: u64) {
    critical_section::with(|cs| MICROSECONDS.borrow(cs).set(microseconds));
}

// SAFETY: frames are not mingled, for nothing on this board logs but its main loop: interrupts
// stay masked, and the handler of a panic begins a frame that nobody goes on with the last of.
unsafe impl Logger for Log {
    fn acquire() {
        encode(|encoder, uart| encoder.start_frame(uart));
    }

    unsafe fn flush() {}

    unsafe fn release() {
        encode(|encoder, uart| encoder.end_frame(uart));
    }

    unsafe fn write(octets: &[u8]) {
        encode(|encoder, uart| encoder.write(octets, uart));
    }
}

fn encode(step: impl FnOnce(&mut Encoder, &mut dyn FnMut(&[u8]))) {
    critical_section::with(|cs| {
        let Some(mut uart) = UART.borrow(cs).get() else { return };
        let place = ENCODER.borrow(cs);
        let mut encoder = place.replace(Encoder::new());
        step(&mut encoder, &mut |octets| {
            // It takes all there is, and cannot fail.
            let _ = uart.write(octets);
        });
        place.set(encoder);
    });
}
