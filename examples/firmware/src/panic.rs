//! What a panic does to a program that is run in QEMU and tells by text: it says where, and
//! ends with exit status 101.

use core::panic::PanicInfo;

use semihosting::{eprintln, process};

#[panic_handler]
fn panic(panic: &PanicInfo<'_>) -> ! {
    eprintln!("{panic}");
    process::exit(101)
}
