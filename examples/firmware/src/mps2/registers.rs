//! The registers of a peripheral.

/// A peripheral's registers of 32 bits, by their offset.
#[derive(Clone, Copy)]
pub struct Registers(usize);

impl Registers {
    /// Those at `base`.
    ///
    /// # Safety
    /// There must be a peripheral at `base` whose registers may be read and written as
    /// the driver does, and all offsets used must be within it.
    pub const unsafe fn at(base: usize) -> Self {
        Self(base)
    }

    pub fn read(self, offset: usize) -> u32 {
        // SAFETY: by the contract of `at`.
        unsafe { (self.0.wrapping_add(offset) as *const u32).read_volatile() }
    }

    pub fn write(self, offset: usize, value: u32) {
        // SAFETY: by the contract of `at`.
        unsafe { (self.0.wrapping_add(offset) as *mut u32).write_volatile(value) }
    }
}
