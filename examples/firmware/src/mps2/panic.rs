//! What a panic does to the board: a fixed line in the log, and the end. It formats nothing, so
//! that nothing of the board's code is there for the case alone.

use core::panic::PanicInfo;

use semihosting::process;

/// A real board resets itself here (`cortex_m::peripheral::SCB::sys_reset`): nobody can come and
/// do it. In QEMU the exit status tells.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    defmt::error!("panic");
    process::exit(101)
}
