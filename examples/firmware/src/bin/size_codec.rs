//! All PDUs of section 5, read and written: what the codec weighs, and that it
//! cannot panic.
#![no_std]
#![no_main]

#[path = "../codec.rs"]
mod codec;
#[path = "../no_panic.rs"]
mod no_panic;

/// Whoever calls it knows what the compiler does not.
#[unsafe(no_mangle)]
extern "C" fn _start(octets: &&[u8], buffer: &mut &mut [u8]) {
    codec::all(octets, buffer);
}
