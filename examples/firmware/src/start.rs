//! Where a binary begins, by architecture, and where it ends when it panics.

#[path = "panic.rs"]
mod panic;
#[cfg(target_arch = "arm")]
#[path = "vectors.rs"]
mod vectors;

#[cfg(target_arch = "arm")]
use cortex_m as _; // its critical section
#[cfg(target_arch = "arm")]
pub use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
pub use riscv_rt::entry;
