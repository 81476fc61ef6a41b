//! All PDUs of section 5, read and written: what the codec weighs, and that it
//! cannot panic.
#![no_std]
#![no_main]

#[path = "../codec.rs"]
mod codec;
#[path = "../no_panic.rs"]
mod no_panic;

use core::hint::black_box;

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let mut buffer = [0; 512];
    loop {
        codec::all(black_box(&[0_u8; 256][..]), &mut buffer);
    }
}
