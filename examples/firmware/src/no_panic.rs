//! The proof that nothing panics, by way of the linker.
//!
//! A panic would call a function that does not exist. What links has no path to a
//! panic: the compiler has shown that none can be reached, or there is none.

#[path = "memory.rs"]
mod memory;

use core::panic::PanicInfo;

unsafe extern "C" {
    safe fn a_panic_can_be_reached() -> !;
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    a_panic_can_be_reached()
}
